# ALTER EXTENSION UPDATE: from every version there is, it ends at what CREATE EXTENSION makes; and a library
# says so if it is newer or older than the SQL objects of the database.
#
# As long as there is one version, others are made up here, also such that their update forgets something.

use strict;
use warnings;

use FlowLog;
use FlowLogSession;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('upgrade', conf => $eager_workers);
my $logs = PostgreSQL::Test::Utils::tempdir;
my ($extension_dir) = run_command([ 'pg_config', '--sharedir' ]);
$extension_dir .= '/extension';
my $default = $node->safe_psql('postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'flowlog_fdw'});
my $current = slurp_file("$extension_dir/flowlog_fdw--$default.sql");
my @made_up;

write_file("$logs/flow.log", default_lines(1, 100));

# add_script VERSIONS, SQL: VERSIONS is a version, or two with -- between
sub add_script
{
	my ($versions, $sql) = @_;
	my $path = "$extension_dir/flowlog_fdw--$versions.sql";

	die "\"$path\" exists" if -e $path;
	push @made_up, $path;
	write_file($path, $sql);
	return;
}

END
{
	my $status = $?;

	unlink @made_up;
	$? = $status;
}

# ---------- what an extension consists of ----------

# All members with definition, owner, comment and privileges.  For pg_upgrade, pg_dump writes them one by one, with
# OIDs and an order that say nothing.
sub description
{
	my ($database) = @_;
	my ($dump, $stderr) = run_command([ 'pg_dump', '--binary-upgrade', '--schema-only', '-d', $node->connstr($database) ]);
	my @parts = split(/^--\n-- Name: /m, $dump);

	is($stderr, '', "the extension in $database is described");
	shift @parts;
	s/^UPDATE pg_catalog\.pg_class\nSET relfrozenxid .*\nWHERE .*\n//mg, s/^.*binary_upgrade_set_\w+\(.*\n//mg, s/(binary_upgrade_create_empty_extension\(.*?)'\{[\d,]+\}'/$1'{...}'/, s/^(--|\\(un)?restrict |SET ).*\n//mg, s/\n{2,}/\n/g foreach @parts;
	return join('', sort grep { /\n./ } @parts);
}

sub database_with
{
	my ($name, @statements) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, $_) foreach @statements;
	return description($name);
}

my $fresh = database_with('fresh', 'CREATE EXTENSION flowlog_fdw');
my $members = $node->safe_psql('fresh', # of newer PostgreSQL, a type's array is one too
	q{SELECT count(*) FROM pg_depend WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'flowlog_fdw') AND deptype = 'e'
		AND NOT (classid = 'pg_type'::regclass AND objid IN (SELECT typarray FROM pg_type))});
is(scalar(() = $fresh =~ /^ALTER EXTENSION "?flowlog_fdw"? ADD /mg), $members, "its $members members are all in the description");
like($fresh, qr/^CREATE FUNCTION public\.flowlog_rejects\(.*max_rows bigint DEFAULT NULL/m, 'with definitions');
like($fresh, qr/^COMMENT ON FUNCTION public\.hour\(date\) IS 'hour of the day in UTC'/m, 'with comments');
like($fresh, qr/^CREATE FOREIGN DATA WRAPPER flowlog_fdw HANDLER/m, 'with the wrapper');
is(database_with('fresh_again', 'CREATE EXTENSION flowlog_fdw'), $fresh, 'another fresh one has the same');

# ---------- the versions there are ----------

# upgraded VERSION: what the extension consists of when it was updated from there
sub upgraded
{
	my ($version) = @_;
	my $name = "from_$version" =~ s/\W/_/gr;
	my $description = database_with($name, "CREATE EXTENSION flowlog_fdw VERSION '$version'", 'ALTER EXTENSION flowlog_fdw UPDATE');

	is($node->safe_psql($name, q{SELECT extversion FROM pg_extension WHERE extname = 'flowlog_fdw'}),
		$default, "version $version is updated to $default");
	return $description;
}

sub older_versions
{
	return split(/\n/, $node->safe_psql('postgres',
		q{SELECT version FROM pg_available_extension_versions WHERE name = 'flowlog_fdw' AND version <> '} . $default . q{' ORDER BY 1}));
}

foreach my $version (older_versions())
{
	is(upgraded($version), $fresh, "version $version updated is the same as $default created");
}

# ---------- versions made up ----------

# 0.9 lacks a function and a domain, and has another function, other comments and other privileges.
my $lacking = qr/^(CREATE FUNCTION flowlog_last_scan\(|COMMENT ON FUNCTION flowlog_last_scan\(|CREATE DOMAIN ipaddress |COMMENT ON DOMAIN ipaddress\b)/;
my @statements = map { s/\A(\s*(--.*)?\n)*//r } split(/(?<=;)\n/, $current);
my ($last_scan, $last_scan_comment, $domain, $domain_comment) = grep { $_ =~ $lacking } @statements;
my $old = join("\n", grep { $_ !~ $lacking } @statements) . q{
	ALTER FUNCTION hour(pg_catalog.date) VOLATILE;
	COMMENT ON FUNCTION hour(pg_catalog.date) IS 'hour';
	REVOKE EXECUTE ON FUNCTION flowlog_files(pg_catalog.regclass) FROM PUBLIC;
	CREATE FUNCTION flowlog_former() RETURNS pg_catalog.int4 LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION flowlog_cast(pg_catalog.int4) RETURNS pg_catalog.inet LANGUAGE sql AS 'SELECT NULL::pg_catalog.inet';
	CREATE CAST (pg_catalog.int4 AS pg_catalog.inet) WITH FUNCTION flowlog_cast(pg_catalog.int4);
};
my %steps = (
	'a function' => "$last_scan\n$last_scan_comment",
	'a type' => "$domain\n$domain_comment",
	'what a function is' => 'ALTER FUNCTION hour(pg_catalog.date) IMMUTABLE;',
	'a comment' => q{COMMENT ON FUNCTION hour(pg_catalog.date) IS 'hour of the day in UTC';},
	'a privilege' => 'GRANT EXECUTE ON FUNCTION flowlog_files(pg_catalog.regclass) TO PUBLIC;',
	'to drop a function' => 'DROP FUNCTION flowlog_former();',
	'to drop a cast' => 'DROP CAST (pg_catalog.int4 AS pg_catalog.inet); DROP FUNCTION flowlog_cast(pg_catalog.int4);');
my %forgets;

ok(defined $domain_comment, 'the script has what 0.9 lacks');
add_script('0.9', $old);
add_script("0.9--$default", join("\n", map { $steps{$_} } sort keys %steps));
foreach my $step (sort keys %steps)
{
	my $version = '0.9.' . (1 + keys %forgets);

	$forgets{$version} = $step;
	add_script($version, $old);
	add_script("$version--$default", join("\n", map { $steps{$_} } grep { $_ ne $step } sort keys %steps));
}
is(upgraded('0.9'), $fresh, 'an update that does everything ends at the same');
foreach my $version (sort keys %forgets)
{
	isnt(upgraded($version), $fresh, "one that forgets $forgets{$version} does not");
}

# CREATE EXTENSION, too, may go through an update
add_script('0.8', $current =~ s/^CREATE DOMAIN ipaddress .*//msr);
add_script('0.8--0.7', "$domain\n$domain_comment\n" . join("\n", grep { /^(CREATE|COMMENT ON) FUNCTION contains\(/ } @statements));
is( database_with('by_steps', q{CREATE EXTENSION flowlog_fdw VERSION '0.7'}) =~ s/'0\.7'/'$default'/gr,
	$fresh, 'as is what CREATE EXTENSION makes by way of another version');

# ---------- a library newer than its SQL objects ----------

# where TABLE can be read
sub create_flow
{
	my ($database) = @_;

	return $node->safe_psql($database, qq{
		SET client_min_messages = error;
		CREATE SERVER logs FOREIGN DATA WRAPPER flowlog_fdw;
		CREATE FOREIGN TABLE flow ($columns) SERVER logs OPTIONS (location '$logs/flow.log', regex '$record');
	});
}

$node->safe_psql('postgres', 'CREATE DATABASE behind');
my ($status, $stdout, $stderr) = $node->psql('behind', q{CREATE EXTENSION flowlog_fdw VERSION '0.9'});
is($stderr, '', 'to create an older version is nothing to warn of');
create_flow('behind');

my $warning = qr/WARNING:  library of flowlog_fdw is version \Q$default\E, but the extension in database "behind" is version 0\.9\nHINT:  Run ALTER EXTENSION flowlog_fdw UPDATE\./;
my $count = q{SELECT count(*) FROM flow WHERE dstport = 443};
($status, $stdout, $stderr) = $node->psql('behind',
	"$count; $count; ANALYZE flow; SELECT count(*) FROM flow; ALTER FOREIGN TABLE flow OPTIONS (ADD on_error 'stop')");
is($status, 0, 'a library newer than the SQL objects works');
is($stdout, "20\n20\n100", 'and reads');
like($stderr, $warning, 'with a warning');
is(scalar(() = $stderr =~ /WARNING/g), 1, 'once in a session, workers or not');
($status, $stdout, $stderr) = $node->psql('behind', q{CREATE FOREIGN TABLE other (a text) SERVER logs OPTIONS (location '/tmp', regex '(.)')});
like($stderr, $warning, 'also where a table is created');

($status, $stdout, $stderr) = $node->psql('behind', "$count; ALTER EXTENSION flowlog_fdw UPDATE; ANALYZE flow");
is(scalar(() = $stderr =~ /WARNING/g), 1, 'the update says nothing more');
($status, $stdout, $stderr) = $node->psql('behind', "$count; ANALYZE flow");
is($stderr, '', 'and then there is nothing to warn of');

# ---------- a library older than its SQL objects ----------

my $next = "$default.1";
add_script("$default--$next", q{CREATE FUNCTION flowlog_later() RETURNS pg_catalog.int4 LANGUAGE sql AS 'SELECT 1';});
add_script("$next--$default", 'DROP FUNCTION flowlog_later();');
add_script("$next--$next.1", q{COMMENT ON FUNCTION flowlog_later() IS 'still later';});
$node->safe_psql('postgres', 'CREATE DATABASE ahead');
$node->safe_psql('ahead', 'CREATE EXTENSION flowlog_fdw');
create_flow('ahead');
($status, $stdout, $stderr) = $node->psql('ahead', qq{ALTER EXTENSION flowlog_fdw UPDATE TO '$next'});
is($stderr, '', 'ALTER EXTENSION makes the SQL objects newer than the library');

my $error = qr/ERROR:  55000: library of flowlog_fdw is version \Q$default\E, but the extension in database "ahead" is version \Q$next\E\nHINT:  Install the library of version \Q$next\E\./;
my $session = FlowLogSession->new($node, dbname => 'ahead');
foreach my $sql ($count, $count, 'ANALYZE flow', q{SELECT * FROM flowlog_files('flow')}, 'SELECT * FROM flowlog_last_scan()', "ALTER FOREIGN TABLE flow OPTIONS (ADD on_error 'ignore')",
	q{CREATE SERVER more FOREIGN DATA WRAPPER flowlog_fdw}, qq{IMPORT FOREIGN SCHEMA flow FROM SERVER logs INTO public OPTIONS (location '$logs')})
{
	$session->query($sql);
	like($session->error, $error, "then an error: $sql");
}
command_ok([ 'pg_dump', '-f', "$logs/dump.sql", '-d', $node->connstr('ahead') ], 'it can be dumped');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$logs/dump.sql", '-d', $node->connstr('fresh') ],
	'and restored where the library is of the same version');
is($node->safe_psql('fresh', $count), 20, 'and read there');
$session->safe_query(q{ALTER FOREIGN TABLE flow RENAME TO renamed});
$session->safe_query(q{ALTER FOREIGN TABLE renamed RENAME TO flow});
$session->safe_query(qq{ALTER EXTENSION flowlog_fdw UPDATE TO '$next.1'});
is($session->safe_query(q{SELECT extversion FROM pg_extension WHERE extname = 'flowlog_fdw'}), "$next.1", 'it can be updated again');
$node->safe_psql('postgres', 'CREATE DATABASE ahead_too TEMPLATE fresh');
$node->safe_psql('ahead_too', qq{ALTER EXTENSION flowlog_fdw UPDATE TO '$next'});
($status, $stdout, $stderr) = $node->psql('ahead_too', "$count; ALTER EXTENSION flowlog_fdw UPDATE TO '$default'; $count", on_error_stop => 0);
is($stdout, '20', 'and back, after which the same session reads');
$session->safe_query('DROP FOREIGN TABLE flow');
$session->safe_query('DROP EXTENSION flowlog_fdw CASCADE');
is($session->safe_query(q{SELECT count(*) FROM pg_foreign_data_wrapper WHERE fdwname = 'flowlog_fdw'}), 0, 'and dropped');
$session->quit;

# ---------- which version is newer ----------

# numbers, part by part: what the library says of each in a new session
my ($major, $minor) = $default =~ /^(\d+)\.(\d+)/;
my %sides = (
	"$major." . ($minor + 10) => 'ERROR',
	($major + 1) . '.0' => 'ERROR',
	($major + 9) . '.0' => 'ERROR',
	"$default.0" => 'ERROR',
	$default => '',
	($major - 1) . '.10' => 'WARNING',
	($major - 1) . '.9.9' => 'WARNING',
	"$major" => 'WARNING');
foreach my $version (sort keys %sides)
{
	$node->safe_psql('fresh', "UPDATE pg_extension SET extversion = '$version' WHERE extname = 'flowlog_fdw'");
	($status, $stdout, $stderr) = $node->psql('fresh', $count);
	is(join(' ', $stderr =~ /(ERROR|WARNING):/g), $sides{$version}, "version $version of the SQL objects: " . ($sides{$version} || 'nothing to say'));
}
$node->safe_psql('fresh', "DELETE FROM pg_extension WHERE extname = 'flowlog_fdw'");
is($node->safe_psql('fresh', $count), 20, 'objects that are of no extension are nobody\'s older or newer version');

check_log($node);
$node->stop;
done_testing();
