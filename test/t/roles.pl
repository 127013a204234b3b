# Who may do what: each role against each action, whose raw text an error shows,
# and the paths that the administrator allows.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('roles');

# the superuser of the table of roles, also where the cluster belongs to somebody else
if ($node->safe_psql('postgres', q{SELECT count(*) FROM pg_roles WHERE rolname = 'postgres'}) eq '0')
{
	$node->safe_psql('postgres', 'CREATE ROLE postgres SUPERUSER LOGIN');
}

# ---------- roles and actions ----------

write_file("$logs/flow.log", default_lines(1, 20), "not a record\n");
create_table($node, 'flow', "$logs/flow.log", on_error => 'ignore', log_verbosity => 'silent');
$node->safe_psql('postgres', q{
	CREATE SCHEMA work;
	CREATE ROLE reader LOGIN;
	GRANT pg_read_server_files TO reader;
	GRANT USAGE ON FOREIGN SERVER logs TO reader;
	CREATE ROLE owner LOGIN;
	GRANT USAGE ON FOREIGN SERVER logs TO owner;
	CREATE ROLE owner_reader LOGIN;
	GRANT pg_read_server_files TO owner_reader;
	GRANT USAGE ON FOREIGN SERVER logs TO owner_reader;
	CREATE ROLE usage LOGIN;
	GRANT USAGE ON FOREIGN SERVER logs TO usage;
	CREATE ROLE selector LOGIN;
	CREATE ROLE one_column LOGIN;
	CREATE ROLE nobody LOGIN;
	GRANT USAGE, CREATE ON SCHEMA work TO PUBLIC;
});

# What a role needs to own the table at all is given and taken with it.
sub give_table_to
{
	my ($role) = @_;

	$node->safe_psql('postgres', qq{
		GRANT CREATE ON SCHEMA public TO $role;
		ALTER FOREIGN TABLE flow OWNER TO $role;
		REVOKE ALL ON flow FROM PUBLIC, selector, one_column;
		GRANT SELECT ON flow TO selector;
		GRANT SELECT (action) ON flow TO one_column;
	});
	return;
}

my @actions = (
	create => "CREATE FOREIGN TABLE work.t (line text) SERVER logs OPTIONS (location '$logs/flow.log', regex '(.*)'); "
	  . 'DROP FOREIGN TABLE work.t',
	alter => q{ALTER FOREIGN TABLE flow OPTIONS (SET on_error 'ignore')},
	alter_location => "ALTER FOREIGN TABLE flow OPTIONS (SET location '$logs/flow.log')",
	alter_column => q{ALTER FOREIGN TABLE flow ALTER COLUMN action OPTIONS (ADD null '-'); }
	  . 'ALTER FOREIGN TABLE flow ALTER COLUMN action OPTIONS (DROP null)',
	select_all => 'SELECT count(*) FROM (SELECT * FROM flow OFFSET 0) f',
	select_column => 'SELECT count(action) FROM flow',
	select_other_column => 'SELECT count(srcaddr) FROM flow',
	select_by_column => 'SELECT count(*) FROM flow WHERE dstport = 443',
	explain => 'EXPLAIN (COSTS OFF) SELECT * FROM flow',
	explain_column => 'EXPLAIN (COSTS OFF) SELECT action FROM flow',
	analyze => q{ANALYZE flow; SELECT analyzed()},
	rejects => q{SELECT count(*) FROM flowlog_rejects('flow')});

# Whether ANALYZE did anything: to others than the owner it is only a warning.
$node->safe_psql('postgres', q{
	CREATE FUNCTION analyzed() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
	BEGIN
		IF NOT EXISTS (SELECT FROM pg_statistic WHERE starelid = 'flow'::regclass) THEN
			RAISE insufficient_privilege;
		END IF;
		DELETE FROM pg_statistic WHERE starelid = 'flow'::regclass;
		RETURN 'analyzed';
	END $$;
});

# Each cell written down: "ok", or what is missing.
my $F = 'pg_read_server_files';
my $S = 'USAGE on the server';
my $O = 'ownership';
my $R = 'SELECT';
my %sentence = (
	$F => qr/ERROR:  42501: permission denied to set the "location" option of a flowlog_fdw foreign table/,
	$S => qr/ERROR:  42501: permission denied for foreign server logs/,
	$O => qr/ERROR:  42501: (must be owner of foreign table flow|insufficient_privilege)/,
	$R => qr/ERROR:  42501: permission denied for foreign table flow/);

# role             create alter  location column all    column other  by     explain explain ANALYZE rejects
#                                OPTIONS                column column column         column
my %expected = (
	postgres     => [ 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok' ],
	reader       => [ 'ok', $O,   $O,   $O,   $R,   $R,   $R,   $R,   $R,   $R,   $O,   $R ],
	owner        => [ $F,   $F,   $F,   'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok' ],
	owner_reader => [ 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok' ],
	usage        => [ $F,   $O,   $O,   $O,   $R,   $R,   $R,   $R,   $R,   $R,   $O,   $R ],
	selector     => [ $S,   $O,   $O,   $O,   'ok', 'ok', 'ok', 'ok', 'ok', 'ok', $O,   'ok' ],
	one_column   => [ $S,   $O,   $O,   $O,   $R,   'ok', $R,   $R,   $R,   'ok', $O,   $R ],
	nobody       => [ $S,   $O,   $O,   $O,   $R,   $R,   $R,   $R,   $R,   $R,   $O,   $R ]);

foreach my $role (sort keys %expected)
{
	give_table_to($role =~ /^owner/ ? $role : 'postgres');
	my $user = $role eq 'postgres' ? $node->safe_psql('postgres', 'SELECT current_user') : $role;

	for (my $i = 0; $i < @actions; $i += 2)
	{
		my ($action, $sql) = @actions[ $i, $i + 1 ];
		my $cell = $expected{$role}[ $i / 2 ];
		my $outcome = outcome($node, $sql, connstr => $node->connstr('postgres') . " user=$user");

		if ($cell eq 'ok')
		{
			unlike($outcome, qr/ERROR:/, "$role may $action");
		}
		else
		{
			like($outcome, $sentence{$cell}, "$role may not $action without $cell");
		}
	}
}

# what is taken away is gone, also for prepared plans
give_table_to('postgres');
my $selector = FlowLogSession->new($node, user => 'selector');
$selector->safe_query('PREPARE q AS SELECT count(*) FROM flow');
is($selector->safe_query('EXECUTE q'), 20, 'with SELECT, a prepared statement runs');
$node->safe_psql('postgres', 'REVOKE SELECT ON flow FROM selector');
$selector->query('EXECUTE q');
like($selector->error, $sentence{$R}, 'without, it does not run any more');
$selector->quit;

# ---------- raw text ----------

# The 5th line has a bad port and a bad action; an error about it shows text of the log
# to those alone who may read all of it.
my $secret = 'rosebud';
my $bad = default_line(5);
$bad =~ s/^(\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)/$1 $2 $3 $4 $5 $6 $secret/;
write_file("$logs/raw.log", default_lines(1, 4), $bad, default_lines(6, 9));
write_file("$logs/opaque.log", "08:00:2b:01:02:03\n" x 4, "$secret\n");
write_file("$logs/short.log", default_lines(1, 4), "$secret and no more\n");
create_table($node, 'raw', "$logs/raw.log");
create_table($node, 'short', "$logs/short.log");
create_table($node, 'opaque', "$logs/opaque.log", columns => 'address macaddr', regex => '(\S+)');
create_table($node, 'counted', "$logs/raw.log", on_error => 'ignore', log_verbosity => 'verbose');
$node->safe_psql('postgres', q{
	GRANT SELECT ON raw, short, counted, opaque TO selector;
	GRANT SELECT (dstport) ON raw, short, counted TO one_column;
	CREATE VIEW view_of_raw AS TABLE raw;
	GRANT SELECT ON view_of_raw TO nobody, selector;
	CREATE FUNCTION definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(dstport) FROM raw';
	CREATE FUNCTION definer_plpgsql() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS
		'BEGIN RETURN (SELECT count(*) FROM short); END';
	CREATE FUNCTION definer_opaque() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS
		'SELECT count(address) FROM opaque';
	CREATE FUNCTION definer_handles() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
	DECLARE
		context text;
	BEGIN
		PERFORM count(*) FROM short;
	EXCEPTION WHEN others THEN
		GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
		RAISE EXCEPTION '%', context;
	END $$;
	GRANT selector TO nobody;
});

my @told = (
	# statement, role, is the text shown?
	[ 'SELECT dstport FROM raw',              'selector',   1 ],
	[ 'SELECT dstport FROM raw',              'one_column', 0 ],
	[ 'SELECT dstport FROM raw WHERE dstport = 1', 'selector', 1 ],
	[ 'SELECT dstport FROM raw WHERE dstport = 1', 'one_column', 0 ],
	[ 'SELECT count(dstport) FROM short',     'selector',   1 ],
	[ 'SELECT count(dstport) FROM short',     'one_column', 0 ],
	[ 'SELECT count(*) FROM view_of_raw WHERE dstport = 1', 'selector', 1 ],
	[ 'SELECT definer()',                     'selector',   1 ],
	[ 'SELECT definer()',                     'one_column', 0 ],
	[ 'SELECT definer_plpgsql()',             'one_column', 0 ],
	[ 'SELECT definer_handles()',             'one_column', 0 ],
	[ 'SELECT address FROM opaque',           'selector',   1 ],
	[ 'SELECT definer_opaque()',              'one_column', 0 ], # a type's own input function speaks here
	[ 'SET ROLE one_column; SELECT dstport FROM raw', undef, 0 ],
	[ 'SET ROLE one_column; SELECT definer()', undef, 0 ], # the session's user could see it, and the function's owner
	[ 'SET ROLE one_column; SELECT definer_opaque()', undef, 0 ],
	[ 'SET SESSION AUTHORIZATION one_column; SELECT dstport FROM raw', undef, 0 ]);

foreach my $case (@told)
{
	my ($sql, $role, $shown) = @$case;
	my $who = $role // 'the superuser';
	my $connection = $node->connstr('postgres') . ($role ? " user=$role" : '');
	my $outcome = outcome($node, $sql, connstr => $connection);

	like($outcome, qr/\.log", line 5|line 5/, "$sql: $who is told the line");
	if ($shown)
	{
		like($outcome, qr/$secret/, "$sql: $who sees its text");
	}
	else
	{
		unlike($outcome, qr/$secret/, "$sql: $who does not see its text");
	}
}

# nobody has no right to the table itself: neither through functions nor views
$node->safe_psql('postgres', 'REVOKE selector FROM nobody');
foreach my $sql ('SELECT definer()', 'SELECT definer_plpgsql()', 'SELECT definer_handles()', 'SELECT count(dstport) FROM view_of_raw')
{
	my $outcome = outcome($node, $sql, connstr => $node->connstr('postgres') . ' user=nobody');
	like($outcome, qr/line 5/, "$sql: nobody is told the line");
	unlike($outcome, qr/$secret/, "$sql: nobody does not see its text");
}

# nor do notices and warnings show it
foreach my $role ('one_column', 'selector')
{
	my $session = FlowLogSession->new($node, user => $role);
	$session->safe_query('SELECT count(dstport) FROM counted');
	like($session->error, qr/NOTICE:.*line 5: The value for column "dstport"/, "$role is told of the reject");
	unlike($session->error, qr/$secret/, 'but not its text');
	$session->quit;
}

# ---------- allowed paths ----------

mkdir "$logs/$_" foreach qw(log logs other door);
write_file("$logs/log/a.log", default_lines(1, 3));
write_file("$logs/logs/a.log", default_lines(1, 5));
write_file("$logs/other/a.log", default_lines(1, 7));

mkdir "$logs/log/sub";
write_file("$logs/log/sub/b.log", default_lines(4, 5));
symlink("$logs/other/a.log", "$logs/log/out.link");
symlink("$logs/log/a.log", "$logs/other/in.link");
mkdir "$logs/log/linked";
symlink("$logs/other", "$logs/log/linked/out_dir");
symlink("$logs/log/sub", "$logs/door/in_dir");
symlink("$logs/log", "$logs/entry"); # an allowed path that is a link itself

create_table($node, 'here', "$logs/log/a.log");
create_table($node, 'not_here', "$logs/other/a.log");

sub allow
{
	my ($setting) = @_;

	$node->append_conf('postgresql.conf', 'flowlog_fdw.allowed_paths = ' . quoted($setting));
	$node->reload;
	$node->poll_query_until('postgres', q{SELECT current_setting('flowlog_fdw.allowed_paths', true) = } . quoted($setting))
	  or die 'the setting did not arrive';
	return;
}

my @places = (
	# allowed, location, rows or an error
	[ "$logs/log", "$logs/log/a.log", 3 ],
	[ "$logs/log", "$logs/log/*.log", 3 ],
	[ "$logs/log", "$logs/log/sub", 2 ],
	[ "$logs/log", "$logs/log/s*/b.log", 2 ],
	[ "$logs/log", "$logs/log/**/b.log", 'refused' ], # it would have to look into linked/out_dir
	[ "$logs/log/", "$logs/log/a.log", 3 ],
	[ "$logs/log", "$logs/logs/a.log", 'refused' ],
	[ "$logs/log", "$logs/logs/*.log", 'refused' ],
	[ "$logs/log", "$logs/logs", 'refused' ],
	[ "$logs/log", "$logs/other/a.log", 'refused' ],
	[ "$logs/log", "$logs/{other,log}/a.log", 'refused' ],
	[ "$logs/log", "$logs/log/../other/a.log", 'refused' ],
	[ "$logs/log", "$logs/log/out.link", 'refused' ],
	[ "$logs/log", "$logs/log/out.*", 'refused' ],
	[ "$logs/log", "$logs/log/linked", 'refused' ],
	[ "$logs/log", "$logs/log/linked/out_dir/a.log", 'refused' ],
	[ "$logs/log", "$logs/other/in.link", 3 ],
	[ "$logs/log", "$logs/door/in_dir/b.log", 2 ],
	[ "$logs/log", "$logs/door/in_dir/*.log", 2 ],
	[ "$logs/log", "$logs/door/in_dir", 2 ],
	[ "$logs/log", "$logs/door/*/b.log", 'refused' ], # the door itself is not allowed
	[ "$logs/entry", "$logs/log/a.log", 3 ],
	[ "$logs/entry", "$logs/other/a.log", 'refused' ],
	[ "$logs/log/a.log", "$logs/log/a.log", 3 ],
	[ "$logs/nowhere", "$logs/log/a.log", 'refused' ],
	[ "$logs/nowhere, $logs/log", "$logs/log/a.log", 3 ],
	[ "$logs/log,$logs/other", "$logs/log/linked", 10 ], # a.log, and in.link, which leads back
	[ '/', "$logs/other/a.log", 7 ],
	[ '', "$logs/other/a.log", 7 ]);

my $allowed_now = '';
foreach my $place (@places)
{
	my ($allowed, $location, $expected) = @$place;
	(my $name = "with \"$allowed\", \"$location\"") =~ s/\Q$logs\E//g;

	allow($allowed) if $allowed ne $allowed_now;
	$allowed_now = $allowed;
	create_table($node, 'placed', $location);
	my $outcome = outcome($node, 'SELECT count(*) FROM placed');
	if ($expected eq 'refused')
	{
		is(sqlstate($outcome), '42501', "$name is refused");
		like($outcome, qr/is outside the allowed paths/, 'as outside the allowed paths');
		foreach my $sql ('ANALYZE placed', 'EXPLAIN SELECT * FROM placed', q{SELECT * FROM flowlog_rejects('placed')})
		{
			is(sqlstate(outcome($node, $sql)), '42501', "also by $sql");
		}
	}
	else
	{
		is($outcome, $expected, "$name may be read");
	}
}

# a change reaches sessions that run, at their next scan
allow('');
my $session = FlowLogSession->new($node);
is($session->safe_query('SELECT count(*) FROM not_here'), 7, 'everything is allowed');
allow("$logs/log");
$session->query('SELECT count(*) FROM not_here');
like($session->error, qr/ERROR:  42501: .*is outside the allowed paths/, 'not any more after a reload');
is($session->safe_query('SELECT count(*) FROM here'), 3, 'but what was named');
allow('');
is($session->safe_query('SELECT count(*) FROM not_here'), 7, 'and again everything');
$session->quit;

# the paths are kept as long as files are opened, whatever rows come in between
mkdir "$logs/log/several" or die $!;
write_file("$logs/log/several/$_.log", default_lines(1, 50)) foreach 1 .. 5;
create_table($node, 'several', "$logs/log/several");
allow("$logs/log");
is(outcome($node, 'SELECT count(DISTINCT t::text) FROM several t'), 50, 'all files of an allowed directory are read');

# No session can lift it: not with the library loaded, nor with a placeholder before, nor as a role's,
# database's or function's setting.
allow("$logs/log");
$node->safe_psql('postgres', 'GRANT SELECT ON here, not_here TO nobody');
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my $refused = qr/ERROR:  42501: .*is outside the allowed paths/;

foreach my $user ('nobody', $superuser)
{
	my $who = $user eq 'nobody' ? 'nobody' : 'the superuser';

	$session = FlowLogSession->new($node, user => $user);
	$session->query('SELECT count(*) FROM here');
	foreach my $set (
		q{SET flowlog_fdw.allowed_paths = ''},
		q{SET LOCAL flowlog_fdw.allowed_paths = ''},
		'RESET flowlog_fdw.allowed_paths',
		q{SELECT set_config('flowlog_fdw.allowed_paths', '', false)},
		q{UPDATE pg_settings SET setting = '' WHERE name = 'flowlog_fdw.allowed_paths'})
	{
		$session->query("BEGIN; $set; COMMIT");
		$session->query('SELECT count(*) FROM not_here');
		like($session->error, $refused, "$who cannot lift it with $set");
	}
	$session->quit;

	foreach my $set (
		q{SET flowlog_fdw.allowed_paths = ''},
		q{SET flowlog_fdw.allowed_paths = '/'},
		'SET flowlog_fdw.allowed_paths TO DEFAULT',
		q{BEGIN; SET LOCAL flowlog_fdw.allowed_paths = ''},
		q{SELECT set_config('flowlog_fdw.allowed_paths', '', false)},
		q{SET flowlog_fdw.allowed_paths = ''; SAVEPOINT s},
		'DISCARD ALL; RESET ALL')
	{
		$session = FlowLogSession->new($node, user => $user);
		$session->query($set);
		$session->query('SELECT count(*) FROM not_here');
		like($session->error, $refused, "$who cannot lift it with $set before the library is loaded");
		$session->query('ROLLBACK');
		$session->query('RESET ALL');
		$session->query('SELECT count(*) FROM not_here');
		like($session->error, $refused, 'nor by resetting it afterwards');
		$session->quit;
	}

	# These leave the file's setting unknown to the session: it reads nothing, until a reload tells it.
	$session = FlowLogSession->new($node, user => $user, options => '-c flowlog_fdw.allowed_paths=');
	$session->query('SELECT count(*) FROM not_here');
	like($session->error, qr/ERROR:  42501: /, "$who cannot lift it by the connection's options");
	$session->query('RESET flowlog_fdw.allowed_paths; SELECT count(*) FROM not_here');
	like($session->error, qr/ERROR:  42501: /, 'nor by resetting it afterwards');
	allow("$logs/log");
	$session->query('SELECT count(*) FROM not_here');
	like($session->error, $refused, 'nor after a reload');
	is($session->query('SELECT count(*) FROM here'), 3, 'when it may read what was named');
	$session->quit;

	# a role's own setting is one that the role may make while the library is not loaded
	foreach my $target ("ROLE $user", 'DATABASE postgres')
	{
		$node->psql('postgres', "ALTER $target SET flowlog_fdw.allowed_paths = ''");
		$session = FlowLogSession->new($node, user => $user);
		$session->query('SELECT count(*) FROM not_here');
		like($session->error, qr/ERROR:  42501: /, "$who cannot lift it by ALTER $target SET");
		$session->quit;
		$node->psql('postgres', "ALTER $target RESET flowlog_fdw.allowed_paths");
	}
}

$node->psql('postgres', q{
	CREATE FUNCTION lifts() RETURNS bigint LANGUAGE plpgsql SET flowlog_fdw.allowed_paths = '' AS
		'BEGIN RETURN (SELECT count(*) FROM not_here); END'});
my $lifted = outcome($node, 'SELECT lifts()');
unlike($lifted, qr/^7$/m, 'a function cannot lift it by its settings');

# only superusers see where logs may lie
$session = FlowLogSession->new($node, user => 'nobody');
$session->query('SELECT count(*) FROM here');
$session->query('SHOW flowlog_fdw.allowed_paths');
like($session->error, qr/ERROR:  42501/, 'nobody does not see the setting');
$session->quit;

# a list that makes no sense allows nothing, rather than everything
foreach my $nonsense ('relative/path', '"unfinished', "$logs/log,,")
{
	allow($nonsense);
	is(sqlstate(outcome($node, 'SELECT count(*) FROM not_here')), '42501', "with \"$nonsense\" nothing more is allowed");
}

# preloaded, the setting is the server's from the start
$node->append_conf('postgresql.conf', 'flowlog_fdw.allowed_paths = ' . quoted("$logs/log") . "\nshared_preload_libraries = 'flowlog_fdw'");
$node->restart;
is(outcome($node, 'SELECT count(*) FROM here'), 3, 'preloaded: what was named may be read');
foreach my $sql ('', q{SET flowlog_fdw.allowed_paths = ''; }, q{ALTER ROLE CURRENT_USER SET flowlog_fdw.allowed_paths = ''; \c - })
{
	unlike(outcome($node, "$sql\nSELECT count(*) FROM not_here"), qr/^7$/m, "preloaded: nothing else, by \"$sql\"");
}
unlike(
	outcome($node, 'SELECT count(*) FROM not_here', connstr => $node->connstr('postgres') . " options='-c flowlog_fdw.allowed_paths='"),
	qr/^7$/m, 'preloaded: nor by the connection\'s options');

check_log($node);
$node->stop;
done_testing();
