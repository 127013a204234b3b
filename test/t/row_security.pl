# What row-level security, security-barrier views and rights to a part of a table hide stays hidden: from those who call
# functions that look into flow logs, and from those who learn from errors.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('row_security', conf => $eager_workers);
my $fields = 'version int, account_id text, srcaddr inet, srcport int, bytes bigint, start bigint';
my $secret = 'rosebud';

# ---------- logs: some lines of 10.0.0.0/24 are for everybody, none of 10.9.0.0/24 ----------

# A record of so many bytes from an address.
sub record
{
	my ($address, $port, $bytes) = @_;

	return "2 123456789012 eni-1 $address 10.0.0.2 $port 443 6 1 $bytes 1769731200 1769731260 ACCEPT OK\n";
}

my $too_late = '9223372036854775000'; # as a number of seconds, it is no time
my $open = join('', map { record('10.0.0.' . $_ % 256, 1024 + $_ % 7, 40 + $_) } 1 .. 12_000);

make_directory("$logs/$_") foreach qw(open hidden late);
write_file("$logs/open/open.log", $open);
write_file("$logs/hidden/hidden.log", $open, record('10.9.0.1', $secret, 40), record('10.9.0.2', 80, 40));
write_file("$logs/late/late.log", $open, record('10.9.0.3', 80, $too_late));

$node->safe_psql('postgres', qq{
	CREATE ROLE owner LOGIN;
	CREATE ROLE analyst LOGIN;
	CREATE ROLE other LOGIN;
	CREATE ROLE auditor LOGIN BYPASSRLS;
	CREATE TABLE logs ($fields, kind text) PARTITION BY LIST (kind);
	CREATE TABLE hidden_kinds PARTITION OF logs FOR VALUES IN ('hidden', 'late') PARTITION BY LIST (kind);
	CREATE FOREIGN TABLE open PARTITION OF logs FOR VALUES IN ('open') SERVER logs OPTIONS (location '$logs/\${kind}/open.log');
	CREATE FOREIGN TABLE hidden PARTITION OF hidden_kinds FOR VALUES IN ('hidden') SERVER logs OPTIONS (location '$logs/\${kind}/hidden.log');
	CREATE FOREIGN TABLE late PARTITION OF hidden_kinds FOR VALUES IN ('late') SERVER logs OPTIONS (location '$logs/\${kind}/late.log');
	ALTER TABLE logs OWNER TO owner;
	GRANT SELECT ON logs TO analyst, other, auditor;
});

# what a role is told of a statement, by a session that takes no other role
sub told
{
	my ($role, $sql) = @_;

	return outcome($node, $sql, connstr => $node->connstr('postgres') . ($role eq 'superuser' ? '' : " user=$role"));
}

# ---------- functions ----------

my $denied = qr/ERROR:  42501: permission denied to see all flow logs of table "logs"\nDETAIL:  Row-level security policies of the table apply to role "\w+"\./;
my $affected = qr/ERROR:  42501: query would be affected by row-level security policy for table "logs"/;
my $no_select = qr/ERROR:  42501: permission denied for (?:foreign )?table \w+/;
my %calls = (
	flowlog_files => [ q{SELECT count(*) FROM flowlog_files('TABLE')}, { logs => 3, hidden_kinds => 2, hidden => 1 } ],
	flowlog_rejects => [ q{SELECT count(*) FROM flowlog_rejects('TABLE')}, { logs => 1, hidden_kinds => 1, hidden => 1 } ]);

# calls ROLE, TABLE, WHY, EXPECTED: a pattern, or nothing if the role may
sub calls
{
	my ($role, $table, $why, $expected) = @_;

	foreach my $function (sort keys %calls)
	{
		my ($sql, $rows) = @{ $calls{$function} };
		my $outcome = told($role, $sql =~ s/TABLE/$table/r);

		if (defined $expected)
		{
			like($outcome, $expected, "$role may not call $function of $table, $why");
			unlike($outcome, qr/$secret|\.log/, 'and sees nothing');
		}
		else
		{
			is($outcome, $rows->{$table}, "$role may call $function of $table, $why");
		}
	}
	return;
}

# What follows is one after the other: statements, and who may call the functions of the table then.
my @states = (
	[ 'without policies', '', { owner => undef, analyst => undef, auditor => undef, superuser => undef } ],
	[ 'with a policy', q{CREATE POLICY visible ON logs USING (srcaddr << '10.0.0.0/24'); ALTER TABLE logs ENABLE ROW LEVEL SECURITY},
		{ owner => undef, analyst => $denied, other => $denied, auditor => undef, superuser => undef } ],
	[ 'with a policy for others', 'ALTER POLICY visible ON logs TO other', { owner => undef, analyst => $denied, other => $denied } ],
	[ 'with a policy that hides nothing', 'ALTER POLICY visible ON logs TO PUBLIC USING (true)', { analyst => $denied } ],
	[ 'with a policy that is forced on the owner', 'ALTER TABLE logs FORCE ROW LEVEL SECURITY', { owner => $denied, analyst => $denied, auditor => undef, superuser => undef } ],
	[ 'with row security, but no policy', 'ALTER TABLE logs NO FORCE ROW LEVEL SECURITY; DROP POLICY visible ON logs', { owner => undef, analyst => $denied, auditor => undef } ],
	[ 'with row_security off for the role', 'ALTER ROLE analyst SET row_security = off', { analyst => $affected, other => $denied, auditor => undef } ],
	[ 'when the policies are gone', 'ALTER ROLE analyst RESET row_security; ALTER TABLE logs DISABLE ROW LEVEL SECURITY', { analyst => undef, other => undef } ]);

foreach my $state (@states)
{
	my ($why, $sql, $who) = @$state;

	$node->safe_psql('postgres', $sql) if $sql ne '';
	calls($_, 'logs', $why, $who->{$_}) foreach sort keys %$who;
}

# as in queries, rights to the table that is named count, and its policies: not those of its partitions, or theirs
$node->safe_psql('postgres', q{CREATE POLICY none ON hidden_kinds USING (false); ALTER TABLE hidden_kinds ENABLE ROW LEVEL SECURITY});
is(told('analyst', 'SELECT count(*) FROM logs'), 36_003, 'a query of the table is not subject to policies of its partitions');
calls('analyst', 'logs', 'nor are functions', undef);
calls('analyst', 'hidden_kinds', 'without SELECT on that', $no_select);
$node->safe_psql('postgres', 'GRANT SELECT ON hidden_kinds TO analyst, auditor');
is(told('analyst', 'SELECT count(*) FROM hidden_kinds'), 0, 'a query of the partition is');
calls('analyst', 'hidden_kinds', 'with SELECT, but under its policies', qr/ERROR:  42501: permission denied to see all flow logs of table "hidden_kinds"/);
calls('auditor', 'hidden_kinds', 'with SELECT and BYPASSRLS', undef);
$node->safe_psql('postgres', 'ALTER TABLE hidden_kinds DISABLE ROW LEVEL SECURITY');

calls('analyst', 'hidden', 'without SELECT on that', $no_select);
$node->safe_psql('postgres', q{
	GRANT SELECT ON hidden TO analyst;
	CREATE POLICY visible ON logs USING (srcaddr << '10.0.0.0/24');
	ALTER TABLE logs ENABLE ROW LEVEL SECURITY});
is(told('analyst', 'SELECT count(*) FROM hidden'), 12_002, 'who may query a partition itself sees all of it');
calls('analyst', 'hidden', 'with SELECT on it, whatever the policies above', undef);
calls('analyst', 'logs', 'under its policies, whatever the rights to partitions', $denied);
$node->safe_psql('postgres', 'REVOKE SELECT ON hidden FROM analyst');
calls('analyst', 'hidden', 'when SELECT is taken away', $no_select);

# a foreign table cannot have policies of its own
like(told('superuser', 'ALTER FOREIGN TABLE hidden ENABLE ROW LEVEL SECURITY'), qr/ERROR:  42809: .*cannot be performed on relation "hidden"/,
	'a foreign table has no row security');

# columns: a right to some, or to all one by one, is none to lines, which have others
$node->safe_psql('postgres', qq{
	CREATE ROLE by_column LOGIN;
	GRANT SELECT ($_) ON logs TO by_column}) foreach 'version, account_id, srcaddr, srcport, bytes, start, kind';
$node->safe_psql('postgres', 'ALTER TABLE logs DISABLE ROW LEVEL SECURITY');
is(told('by_column', q{SELECT count(*) FROM (SELECT * FROM logs WHERE kind = 'open' OFFSET 0) l}), 12_000, 'SELECT on all columns is enough for a query');
calls('by_column', 'logs', 'with SELECT on its columns', $no_select);

# children by inheritance: those with more columns need a right of their own
$node->safe_psql('postgres', qq{
	CREATE TABLE family (version int);
	CREATE FOREIGN TABLE same () INHERITS (family) SERVER logs OPTIONS (location '$logs/hidden/hidden.log', log_format '\${version}');
	GRANT SELECT ON family TO analyst});
like(told('analyst', q{SELECT count(*) FROM flowlog_rejects('family')}), qr/^\d+$/, 'the right to a parent is one to a child of the same columns');
$node->safe_psql('postgres', qq{CREATE FOREIGN TABLE richer (srcport int) INHERITS (family) SERVER logs OPTIONS (location '$logs/hidden/hidden.log')});
foreach my $function (sort keys %calls)
{
	like(told('analyst', "SELECT * FROM $function('family')"), qr/ERROR:  42501: permission denied for foreign table richer/, "$function: not to a child with others");
}
$node->safe_psql('postgres', 'GRANT SELECT ON richer TO analyst');
like(told('analyst', q{SELECT raw FROM flowlog_rejects('family') WHERE path LIKE '%hidden%' AND raw LIKE '%rosebud%'}), qr/$secret/, 'unless there is a right to that, too');

# a function of the owner's lends what the owner may
$node->safe_psql('postgres', q{
	ALTER TABLE logs ENABLE ROW LEVEL SECURITY;
	CREATE FUNCTION lent() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$SELECT count(*) FROM flowlog_rejects('logs')$$;
	CREATE FUNCTION borrowed() RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM flowlog_rejects('logs')$$;
	ALTER FUNCTION lent() OWNER TO owner});
is(told('analyst', 'SELECT lent()'), 1, 'a function with SECURITY DEFINER looks as its owner');
like(told('analyst', 'SELECT borrowed()'), $denied, 'one without it as its caller');
$node->safe_psql('postgres', 'ALTER FUNCTION lent() OWNER TO other');
like(told('analyst', 'SELECT lent()'), $denied, 'and not if its owner is under the policies');
like(told('superuser', q{SET ROLE analyst; SELECT * FROM flowlog_files('logs')}), $denied, 'nor does a role that was taken lend what the session has');

# views have no logs of their own
$node->safe_psql('postgres', q{
	CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM hidden WHERE srcaddr << '10.0.0.0/24';
	GRANT SELECT ON barrier TO analyst});
foreach my $function (sort keys %calls)
{
	like(told('analyst', "SELECT * FROM $function('barrier')"), qr/ERROR:  42809: "barrier" is not a foreign table of flow logs/, "$function: not of a view");
}

# ---------- what is told of hidden lines by errors ----------

# An error about a line that a condition of the policy drops would tell of that line, so none is raised.
sub plan_of
{
	my ($role, $sql) = @_;

	return told($role, "EXPLAIN (COSTS OFF) $sql");
}

$node->safe_psql('postgres', q{
	CREATE FUNCTION is_open(inet) RETURNS bool LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 AS $$BEGIN RETURN $1 << '10.0.0.0/24'; END$$;
});
my $port = 'srcport = 1024';
my $late = q{to_timestamp(bytes) > '1970-01-01'};
my $trino = q{from_unixtime(bytes) > '1970-01-01'};
my @hiding = (
	# the policy, whether the reader evaluates it, conditions under which no error may come
	[ q{srcaddr << '10.0.0.0/24'}, 1, $port, $late, $trino ],
	[ 'is_open(srcaddr)', 0, $late, $trino ],
	[ q{is_open(srcaddr) AND bytes < 100000}, 0, $late, $trino ]);

foreach my $hiding (@hiding)
{
	my ($policy, $pushed, @conditions) = @$hiding;

	$node->safe_psql('postgres', "ALTER POLICY visible ON logs USING ($policy)");
	foreach my $condition (@conditions)
	{
		my $table = $condition eq $port ? "logs WHERE kind = 'hidden'" : "logs WHERE kind = 'late'";
		my $count = $condition eq $port ? scalar(grep { $_ % 7 == 0 } 1 .. 12_000) : 12_000;
		my $column = $condition eq $port ? 'srcport' : 'version';

		foreach my $workers (0, 2)
		{
			my $set = "SET max_parallel_workers_per_gather = $workers";
			my %queries = (
				"SELECT count(*) FROM $table AND $condition" => $count,
				"SELECT count(*) FROM (SELECT $column FROM $table AND $condition OFFSET 0) rows" => $count,
				"SELECT count(*) FROM (SELECT $column, count(*) FROM $table AND $condition GROUP BY 1) groups" => 1);

			foreach my $sql (sort keys %queries)
			{
				is(told('analyst', "$set; $sql"), $queries{$sql}, "policy $policy, $workers workers: no error from what it hides: $sql");
			}
			is(told('analyst', "$set; SET plan_cache_mode = force_generic_plan; PREPARE q(inet) AS SELECT count(*) FROM $table AND $condition AND srcaddr <> \$1; EXECUTE q('::1')"),
				$count, "policy $policy, $workers workers: nor in a generic plan");
		}

		# the order of conditions as they are written, and where they are evaluated
		my $plan = plan_of('analyst', "SELECT version FROM $table AND $condition");
		my $place = $pushed ? 'Pushed Filter' : 'Filter';
		my $shown = $condition =~ /^(\w+)/ ? $1 : '';
		like($plan, qr/^ *$place: .*\b$shown\b/m, "$condition is in the \"$place\" under the policy $policy");
		like(plan_of('superuser', "SELECT version FROM $table AND $condition"), qr/^ *Pushed Filter: .*\b$shown\b/m, 'and pushed without it');
	}
}

# the condition does raise its errors for what may be seen
$node->safe_psql('postgres', q{ALTER POLICY visible ON logs USING (srcaddr << '10.0.0.0/8')});
like(told('analyst', "SELECT count(*) FROM logs WHERE kind = 'hidden' AND $port"), qr/ERROR:  22P02: invalid flow log record/, 'a bad value that is not hidden is an error');
like(told('analyst', "SET flowlog_fdw.enable_pushdown = $_; SELECT count(*) FROM logs WHERE kind = 'late' AND $late"),
	qr/ERROR:  22008: timestamp out of range/, "so is a number that is no time, with pushdown $_") foreach qw(on off);

# of levels above one another, each is kept: a view over a table with policies, and a condition of the query's
$node->safe_psql('postgres', q{
	ALTER POLICY visible ON logs USING (srcaddr << '10.0.0.0/24');
	CREATE VIEW barrier_of_logs WITH (security_barrier) AS SELECT * FROM logs WHERE bytes < 1000000;
	ALTER VIEW barrier_of_logs OWNER TO other;
	GRANT SELECT ON barrier_of_logs TO analyst});
is(told('analyst', "SELECT count(*) FROM barrier_of_logs WHERE kind = 'hidden' AND $port"), scalar(grep { $_ % 7 == 0 } 1 .. 12_000), 'a view over the table: no error from what it hides');
is(told('analyst', "SELECT count(*) FROM barrier_of_logs WHERE kind = 'late' AND $late"), 12_000, 'nor for a number that is no time');
is(told('analyst', "SELECT count(*) FROM barrier WHERE $port"), scalar(grep { $_ % 7 == 0 } 1 .. 12_000), 'a view with a barrier: no error from what it hides');

# What must be raised, because a column has to be read before PostgreSQL can evaluate the policy, has the line's
# place, and no text of it.
$node->safe_psql('postgres', q{ALTER POLICY visible ON logs USING (is_open(srcaddr))});
foreach my $workers (0, 2)
{
	my $outcome = told('analyst', "SET max_parallel_workers_per_gather = $workers; SELECT sum(srcport) FROM logs");

	like($outcome, qr/ERROR:  22P02: .*^CONTEXT:  flow log "\Q$logs\E\/hidden\/hidden\.log", line 12001, column srcport$/ms, "$workers workers: an error about a line tells where it is");
	unlike($outcome, qr/$secret/, 'and not what is in it');
}
$node->safe_psql('postgres', 'GRANT SELECT ON hidden TO analyst');
like(told('analyst', 'SELECT sum(srcport) FROM logs'), qr/^CONTEXT:  .*column srcport: "$secret"$/m, 'but to those who may query the partition itself');
$node->safe_psql('postgres', 'REVOKE SELECT ON hidden FROM analyst');

# the same of notices and of the warning at the end
$node->safe_psql('postgres', q{ALTER FOREIGN TABLE hidden OPTIONS (ADD on_error 'ignore', ADD log_verbosity 'verbose')});
{
	my $session = FlowLogSession->new($node, user => 'analyst');

	is($session->query('SELECT sum(srcport) IS NOT NULL FROM logs'), 't', 'rejected lines');
	like($session->error, qr/NOTICE:  00000: flow log ".*hidden\.log", line 12001: The value for column "srcport" is not of type integer/, 'are told by their place');
	like($session->error, qr/WARNING:  01000: 1 of \d+ lines .*The first is line 12001 of ".*hidden\.log"/s, 'at the end, too');
	unlike($session->error, qr/$secret/, 'and without their text');
	like($session->query('SELECT lines FROM flowlog_last_scan() ORDER BY lines'), qr/^12000\n12001\n12002$/, 'as are the numbers of lines read, as PostgreSQL tells in EXPLAIN ANALYZE');
	$session->quit;
}

# ---------- policies that are checked once, before the scan ----------

# Where such a one-time filter is false, PostgreSQL does not execute the scan; but plain EXPLAIN and parallel plans list
# its files all the same.
make_directory("$logs/gated/$_/x") foreach qw(a b);
write_file("$logs/gated/$_/x/" . ($_ eq 'b' ? $secret : 'plain') . '.log', record('10.0.0.1', 80, 40)) foreach qw(a b);
$node->safe_psql('postgres', qq{
	CREATE TABLE gated ($fields, dir text, path text, place text) PARTITION BY LIST (dir);
	CREATE FOREIGN TABLE gated_a PARTITION OF gated FOR VALUES IN ('a') SERVER logs OPTIONS (location '$logs/gated/\${dir}/\${place}/*.log');
	CREATE FOREIGN TABLE gated_b PARTITION OF gated FOR VALUES IN ('b') SERVER logs OPTIONS (location '$logs/gated/\${dir}/\${place}/*.log');
	ALTER FOREIGN TABLE gated_a ALTER path OPTIONS (ADD field '\$path');
	ALTER FOREIGN TABLE gated_b ALTER path OPTIONS (ADD field '\$path');
	CREATE TABLE allowed (dir text);
	INSERT INTO allowed VALUES ('a');
	GRANT SELECT ON gated, allowed TO analyst;
	CREATE FUNCTION leak(text) RETURNS boolean STABLE PARALLEL SAFE LANGUAGE plpgsql AS \$\$ BEGIN RAISE NOTICE 'leaked %', \$1; RETURN true; END \$\$;
	ALTER TABLE gated ENABLE ROW LEVEL SECURITY;
	CREATE POLICY gate ON gated USING (true);
});
foreach my $policy (q{dir = current_setting('app.dir', true)}, q{current_setting('app.dir', true) = 'b'}, q{(SELECT current_setting('app.dir', true)) = 'b'},
	q{current_user = 'somebody'}, q{dir = (SELECT max(a.dir) FROM allowed a)})
{
	$node->safe_psql('postgres', "ALTER POLICY gate ON gated USING ($policy)");
	foreach my $workers (0, 2)
	{
		foreach my $condition ('leak(path)', 'path::int = 1', "path LIKE '%$secret%'", "leak(path) AND place = 'x'")
		{
			my $session = FlowLogSession->new($node, user => 'analyst');

			$session->safe_query("SET app.dir = 'a'; SET max_parallel_workers_per_gather = $workers");
			foreach my $from ('gated', 'gated JOIN allowed USING (dir)')
			{
				my $asked = "SELECT count(*) FROM $from WHERE gated.dir = 'b' AND $condition";

				is($session->query($asked), 0, "$workers workers, the policy $policy: no row of $from with $condition");
				is($session->error, '', 'and no word of what is hidden');
				unlike($session->query("EXPLAIN (COSTS OFF) $asked"), qr/File Filter.*(?:leak|::int|~~)/, 'EXPLAIN lists no files by it');
				is($session->error, '', 'nor tells of them');
			}
			$session->quit;
		}
	}
}

# ---------- settings ----------

# a statement that flowlog_cluster_ddl makes has the server's preloaded libraries in it
$node->append_conf('postgresql.conf', q{session_preload_libraries = 'auto_explain'});
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('session_preload_libraries') = 'auto_explain'}) or die 'the setting did not arrive';
my $ddl = q{SELECT statement FROM flowlog_cluster_ddl('hidden', '{host=a}', own_files => true)};
like(told('superuser', $ddl), qr/ALTER DATABASE postgres SET session_preload_libraries = auto_explain, flowlog_fdw;/, 'a superuser is told which libraries to load');
my $session = FlowLogSession->new($node, user => 'analyst');
unlike($session->query($ddl), qr/auto_explain|ALTER DATABASE/, 'others do not see which are loaded');
like($session->error, qr/NOTICE:  00000: sessions of the coordinator need the library flowlog_fdw/, 'but that this one must be');
$session->quit;
$node->safe_psql('postgres', 'GRANT pg_read_all_settings TO analyst');
like(told('analyst', $ddl), qr/auto_explain, flowlog_fdw/, 'unless they may see all settings');

# ---------- aggregates that other servers compute ----------

# The table in two parts, both on this server.
$node->safe_psql('postgres', qq{
	DROP POLICY visible ON logs;
	CREATE FOREIGN TABLE whole ($fields) SERVER logs OPTIONS (location '$logs/{open,hidden}/*.log', on_error 'ignore', log_verbosity 'silent')});
$node->safe_psql('postgres', 'SET client_min_messages = warning; ' . $node->safe_psql('postgres',
		q{SELECT statement FROM flowlog_cluster_ddl('whole', ARRAY['host=} . $node->host . ' port=' . $node->port . q{ dbname=postgres'], 2, true)}));
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
$node->safe_psql('postgres', qq{
	CREATE USER MAPPING FOR PUBLIC SERVER whole_all_1 OPTIONS (user '$superuser', password_required 'false');
	CREATE USER MAPPING FOR PUBLIC SERVER whole_all_2 OPTIONS (user '$superuser', password_required 'false');
	CREATE ROLE outsider LOGIN;
	GRANT SELECT ON whole_all TO analyst, auditor;
	GRANT SELECT (srcport) ON whole_all TO by_column;
	CREATE POLICY visible ON whole_all USING (srcaddr << '10.0.0.0/24' AND srcport <> 1024);
	ALTER TABLE whole_all ENABLE ROW LEVEL SECURITY});

my $groups = 'SELECT srcport, count(*), sum(bytes) FROM whole_all GROUP BY 1 ORDER BY 1';
my $partial = qr/Relations: Aggregate on/; # as postgres_fdw says of groups that the other server makes
like(plan_of('superuser', $groups), $partial, 'without policies, servers compute groups');
unlike(plan_of('analyst', $groups), $partial, 'with policies, they do not');
is(told('analyst', $groups), told('superuser', q{SELECT srcport, count(*), sum(bytes) FROM whole WHERE srcaddr << '10.0.0.0/24' AND srcport <> 1024 GROUP BY 1 ORDER BY 1}),
	'groups are of the rows that may be seen');
is(told('auditor', $groups), told('superuser', 'SELECT srcport, count(*), sum(bytes) FROM whole GROUP BY 1 ORDER BY 1'), 'with BYPASSRLS, of all');
$node->safe_psql('postgres', 'ALTER TABLE whole_all DISABLE ROW LEVEL SECURITY');
like(plan_of('by_column', 'SELECT srcport, count(*) FROM whole_all GROUP BY 1'), $partial, 'the right to a column is enough to group by it');
like(told('by_column', $groups), $no_select, 'and not to sum up another one');
like(told('outsider', 'SELECT count(*) FROM whole_all'), $no_select, 'without a right there are no groups');
like(told('outsider', q{SELECT flowlog_rollup('SELECT count(*) FROM whole_all')}), qr/FROM \( SELECT|PostgreSQL 14 does not print/, 'the query in two levels can be looked at');

# ---------- expressions that the reader computes ----------

$node->safe_psql('postgres', qq{
	CREATE FUNCTION part(bigint) RETURNS bigint IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS \$\$ BEGIN RETURN 1000 / (\$1 - 42); END \$\$;
	CREATE FUNCTION tell_once(bigint) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS \$\$ BEGIN RAISE NOTICE 'told of %', \$1; RETURN true; END \$\$;
	CREATE FUNCTION tell(bigint) RETURNS boolean LANGUAGE plpgsql AS \$\$ BEGIN RAISE NOTICE 'told of %', \$1; RETURN true; END \$\$;
	CREATE TABLE guarded ($fields, kind text) PARTITION BY LIST (kind);
	CREATE FOREIGN TABLE guarded_open PARTITION OF guarded FOR VALUES IN ('open') SERVER logs OPTIONS (location '$logs/\${kind}/open.log');
	GRANT SELECT ON guarded, guarded_open TO analyst;
	ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
	CREATE VIEW guarded_view WITH (security_barrier) AS SELECT * FROM guarded_open WHERE bytes <> 42;
	GRANT SELECT ON guarded_view TO other});
my $warnings = 'SET client_min_messages = warning; SET enable_partitionwise_aggregate = on;';

# One record has 42 bytes, which the policy hides; what fails for it must not.
my %failing = (
	'a condition' => 'SELECT count(*) FROM TABLE WHERE 1 / (bytes - 42) >= 0',
	'an argument' => 'SELECT sum(100000 / (bytes - 42)) FROM TABLE',
	'a filter' => 'SELECT count(*) FILTER (WHERE 1 / (bytes - 42) = 0) FROM TABLE',
	'a key' => 'SELECT 10 / (bytes - 42) AS k, count(*) FROM TABLE GROUP BY 1 ORDER BY 1',
	'a branch' => 'SELECT sum(CASE WHEN srcport > 0 THEN 1000 / (bytes - 42) ELSE 0 END) FROM TABLE',
	'a remembered condition' => 'SELECT count(*) FROM TABLE WHERE part(bytes) >= 0',
	'a remembered key' => 'SELECT part(bytes), count(*) FROM TABLE GROUP BY 1 ORDER BY 1',
	'a remembered argument' => 'SELECT sum(part(bytes)), count(*) FILTER (WHERE part(bytes) > 2) FROM TABLE',
	'a cast' => 'SELECT count(*) FROM TABLE WHERE (bytes * 1000 + CASE bytes WHEN 42 THEN 9223372036854775 ELSE 0 END * 1000)::int > 0');

foreach my $policy ('bytes <> 42', q{bytes::text !~ '^42$'}, 'length(account_id) = 12 AND bytes <> 42', 'NOT (tell(bytes) AND bytes = 42) AND srcport > 0')
{
	$node->safe_psql('postgres', "DROP POLICY IF EXISTS visible ON guarded; CREATE POLICY visible ON guarded USING ($policy)");
	foreach my $what (sort keys %failing)
	{
		my $sql = $failing{$what} =~ s/TABLE/guarded/r;
		my $plain = told('analyst', "$warnings SET flowlog_fdw.enable_expressions = off; SET flowlog_fdw.enable_pushdown = off; $sql");

		unlike($plain, qr/ERROR/, "$what that fails for a hidden record does not without pushdown, behind: $policy");
		is(told('analyst', "$warnings $sql"), $plain, 'nor with it');
		is(told('analyst', "$warnings SET max_parallel_workers_per_gather = 2; $sql"), $plain, 'nor in workers');
	}
}
foreach my $what (sort keys %failing)
{
	my $sql = $failing{$what} =~ s/TABLE/guarded_view/r;

	is(told('other', $sql), told('superuser', $failing{$what} =~ s/TABLE/(SELECT * FROM guarded_open WHERE bytes <> 42 OFFSET 0) x/r), "a security-barrier view hides it, too: $what");
	like(told('superuser', $failing{$what} =~ s/TABLE/guarded_open/r), qr/ERROR:  22/, 'and without anything hidden it is an error');
}

# A function that tells what it is given is told of no record that a policy hides.
$node->safe_psql('postgres', 'DROP POLICY visible ON guarded; CREATE POLICY visible ON guarded USING (bytes + 0 <> 42 AND srcport % 1000 <> 25)');
my $analyst = FlowLogSession->new($node, user => 'analyst');
foreach my $tell ('tell', 'tell_once')
{
	$analyst->query("SELECT count(*) FROM guarded WHERE $tell(bytes) AND bytes < 60");
	unlike($analyst->error, qr/told of 42$/m, "no function is told of a hidden record: $tell");
	like($analyst->error, qr/told of 43$/m, 'but of others');
}
$analyst->quit;

# Functions that the reader computes need the right to execute them, as others do.
my $difference = 'SELECT count(*) FROM guarded_open WHERE bytes - 5 > 100';
$node->safe_psql('postgres', 'REVOKE EXECUTE ON FUNCTION int84mi FROM PUBLIC');
like(told('analyst', $difference), qr/ERROR:  42501: permission denied for function int84mi/, 'without the right to its function, an operator is not computed');
like(told('analyst', 'SELECT sum(bytes - 5) FROM guarded_open'), qr/ERROR:  42501: permission denied for function int84mi/, 'nor in an aggregate');
$node->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION int84mi TO PUBLIC');
unlike(told('analyst', $difference), qr/ERROR/, 'with it, it is');

check_log($node);
$node->stop;
done_testing();
