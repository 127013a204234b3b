# pg_dump and restore of all that a database has of the extension: servers and user mappings, tables with every option, also
# as partitions and imported, what depends on the functions and the type, comments and privileges.  What is restored
# answers as the original, and its dump is the same dump.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('dump');
my $dump = "$logs/dump.sql";

make_directory("$logs/days/$_") foreach '2026-01-29', '2026-01-30';
write_file("$logs/days/2026-01-29/a.log", "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n", default_lines(1, 100));
write_file("$logs/days/2026-01-30/a.log", default_lines(101, 300));
write_file("$logs/flow.log", default_lines(1, 100));

sub identifier
{
	my ($name) = @_;

	return '"' . $name =~ s/"/""/gr . '"';
}

sub option_list
{
	my (%options) = @_;

	return join(', ', map { "\"$_\" " . quoted($options{$_}) } sort keys %options);
}

# What pg_dump writes of a database, but for what differs every time.
sub dump_of
{
	my ($database, @options) = @_;

	command_ok([ 'pg_dump', @options, '-f', $dump, '-d', $node->connstr($database) ], "$database can be dumped");
	return join('', grep { !/^\\(un)?restrict / } slurp_file($dump) =~ /^.*\n/mg);
}

sub restore
{
	my ($database) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr($database) ], "and restored into $database");
	return;
}

# ---------- options of every kind, as odd as they may be ----------

my @odd_tables = (
	[
		'odd', {
			location => "$logs/it's \\\\a \"dir\"/\x{c3}\x{a9}\x{e2}\x{82}\x{ac} %d \$1/*.log",
			regex => q{(?<o>'?[^ '"\\\\]+'?)(?:\t|[ ]| )(?<w>.*\$?)},
			null => q{'\\'"},
			header => 'True',
			max_line_length => '64kB',
			reject_limit => '9223372036854775807',
			log_verbosity => 'verbose',
			compression => 'gzip',
			name_time_slack => '-0 days +01:00:00',
			on_error => 'Ignore' } ],
	[ 'empty null', { location => '/', regex => '(?<o>.)(?<w>)', null => '' } ],
	[ 'format', { location => '/', log_format => '${o} ${w} ${srcaddr}', null_off => 'on', header => 'false' } ],
	[ q{quo"ted'\\table}, { location => "/\x{f0}\x{9f}\x{98}\x{80}", regex => "(?<o>\x{c3}\x{a9}\\s)(?<w>\x{e2}\x{82}\x{ac})" } ]);
my @servers = (
	[ 'the logs', {} ],
	[
		'bucket', {
			region => 'eu-central-1', endpoint => 'https://127.0.0.1:9000', url_style => 'virtual', requester_pays => 'true',
			ca_file => "$logs/it's \"ca\".pem", max_connections => '64' } ]);
my @mappings = (
	[ 'CURRENT_USER', { access_key_id => 'AKIAIOSFODNN7EXAMPLE', secret_access_key => q{wJal'rX"Utn\\FEMI/K7+=}, session_token => '%$1//' } ],
	[ 'PUBLIC', { credential_source => 'anonymous' } ],
	[ 'reader', { credential_source => 'instance' } ]);

$node->safe_psql('postgres', 'CREATE ROLE reader LOGIN; CREATE DATABASE source');
$node->safe_psql('source', 'CREATE SCHEMA "an extension"; CREATE EXTENSION flowlog_fdw SCHEMA "an extension"');
foreach my $server (@servers)
{
	my ($name, $options) = @$server;
	my $text = option_list(%$options);

	$node->safe_psql('source', 'CREATE SERVER ' . identifier($name) . ' FOREIGN DATA WRAPPER flowlog_fdw' . ($text && " OPTIONS ($text)"));
}
foreach my $mapping (@mappings)
{
	my ($role, $options) = @$mapping;

	$node->safe_psql('source', "CREATE USER MAPPING FOR $role SERVER bucket OPTIONS (" . option_list(%$options) . ')');
}
foreach my $odd (@odd_tables)
{
	my ($name, $options) = @$odd;
	my ($first, $second) = exists $options->{log_format} ? ('o', 'w') : ('o', 2);

	$node->safe_psql('source', 'CREATE FOREIGN TABLE ' . identifier($name)
		  . qq{ (a text OPTIONS (field '$first', "null" '\\n''"\x{c3}\x{a9}'), b int OPTIONS (field '$second', null_off 'true')) }
		  . 'SERVER "the logs" OPTIONS (' . option_list(%$options) . ')');
}

my $options = q{
	SELECT 'table', relname, ftoptions::text, attname, attfdwoptions::text
	FROM pg_foreign_table JOIN pg_class ON ftrelid = oid JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped
	UNION ALL SELECT 'server', srvname, srvoptions::text, srvacl::text, NULL FROM pg_foreign_server
	UNION ALL SELECT 'mapping', srvname, umoptions::text, usename, NULL FROM pg_user_mappings
	ORDER BY 1, 2, 4};
foreach my $odd (@odd_tables, @servers)
{
	my ($name, $values) = @$odd;

	foreach my $option (sort keys %$values)
	{
		my $value = $node->safe_psql('source', q{
			SELECT option_value FROM (SELECT relname, ftoptions FROM pg_foreign_table JOIN pg_class ON oid = ftrelid
				UNION ALL SELECT srvname, srvoptions FROM pg_foreign_server) AS named (name, options), pg_options_to_table(options)
			WHERE name = } . quoted($name) . " AND option_name = '$option'");

		is($value, $values->{$option}, "option $option of $name is stored as it was given");
	}
}

# ---------- all that depends on the extension ----------

$node->safe_psql('source', qq{
	SET search_path = public, "an extension";

	-- a table with all that a foreign table may have
	CREATE FOREIGN TABLE flow ($columns, line bigint OPTIONS (field '\$line'), "\$path" text,
		CONSTRAINT packets CHECK (packets > 0)) SERVER "the logs" OPTIONS (location '$logs/flow.log');
	ALTER FOREIGN TABLE flow ALTER srcport SET NOT NULL, ALTER bytes SET STATISTICS 7, ALTER bytes SET (n_distinct = 5), ALTER version SET DEFAULT 2,
		DROP COLUMN account_id;
	COMMENT ON FOREIGN TABLE flow IS 'flows of "one" file, it''s said';
	COMMENT ON COLUMN flow.srcaddr IS 'who asks \\ first';
	COMMENT ON CONSTRAINT packets ON flow IS 'what was sent';
	COMMENT ON SERVER "the logs" IS 'on disk';
	GRANT SELECT (srcaddr, dstaddr) ON flow TO reader;
	GRANT USAGE ON FOREIGN SERVER "the logs" TO reader WITH GRANT OPTION;
	REVOKE EXECUTE ON FUNCTION flowlog_last_scan() FROM PUBLIC;
	GRANT EXECUTE ON FUNCTION flowlog_last_scan() TO reader;

	-- partitions, children, an imported table
	CREATE TABLE by_day ($columns, day date) PARTITION BY RANGE (start);
	CREATE FOREIGN TABLE of_30 PARTITION OF by_day FOR VALUES FROM ('2026-01-30') TO ('2026-01-31')
		SERVER "the logs" OPTIONS (location '$logs/days/\${day:yyyy-MM-dd}/a.log', name_time_slack '1 hour');
	CREATE TABLE of_29 PARTITION OF by_day FOR VALUES FROM ('2026-01-29') TO ('2026-01-30');
	CREATE TABLE parent (srcaddr inet, bytes bigint);
	CREATE FOREIGN TABLE child (dstport int) INHERITS (parent) SERVER "the logs" OPTIONS (location '$logs/flow.log',
		log_format '\${version} \${account-id} \${interface-id} \${srcaddr} \${dstaddr} \${srcport} \${dstport} \${protocol} \${packets} \${bytes} \${start} \${end} \${action} \${log-status}');
	IMPORT FOREIGN SCHEMA imported FROM SERVER "the logs" INTO public OPTIONS (location '$logs/days');

	-- what uses the functions and the type
	CREATE VIEW ports AS SELECT dstport, count(*) AS flows, sum(bytes) AS bytes, min(to_iso8601(start)) AS first FROM flow GROUP BY dstport;
	CREATE VIEW files AS SELECT regexp_replace(path, '^.*/', '') AS name, bytes, fields FROM flowlog_files('flow');
	CREATE VIEW rejects AS SELECT count(*) FROM flowlog_rejects('imported');
	CREATE MATERIALIZED VIEW days AS SELECT day_of_week(start) AS day, hour(start) AS hour, count(*) FROM flow GROUP BY 1, 2;
	CREATE TABLE hosts (address ipaddress PRIMARY KEY, seen timestamptz DEFAULT from_unixtime(0), name text,
		day bigint GENERATED ALWAYS AS (day_of_week(seen)) STORED, CHECK (contains('10.0.0.0/8', address)));
	INSERT INTO hosts VALUES ('10.0.0.1', from_unixtime(1769731200), 'one'), ('10.0.0.2', DEFAULT, 'two');
	CREATE INDEX ON hosts (date_format(seen, '%Y-%m-%d'));
	CREATE FUNCTION ddl() RETURNS text LANGUAGE sql RETURN flowlog_athena_ddl('CREATE EXTERNAL TABLE t (version int) LOCATION ''s3://b/k/''', 'bucket');
	ANALYZE flow;
	ANALYZE imported;
});

my @queries = (
	'SELECT count(*), sum(bytes), min(start), max(line) FROM flow',
	'SELECT * FROM ports ORDER BY dstport',
	'SELECT * FROM files',
	'SELECT * FROM rejects',
	'SELECT * FROM days ORDER BY 1, 2',
	'SELECT day, count(*), sum(bytes) FROM by_day GROUP BY day ORDER BY day',
	'SELECT tableoid::regclass, count(*), sum(bytes) FROM parent GROUP BY 1',
	'SELECT count(*), sum(bytes), min(start) FROM imported',
	'SELECT address, name, day, count(bytes) FROM hosts LEFT JOIN flow ON srcaddr = address GROUP BY 1 ORDER BY 1',
	'SELECT ddl()',
	q{SELECT obj_description('flow'::regclass, 'pg_class'), col_description(attrelid, attnum) FROM pg_attribute
		WHERE attrelid = 'flow'::regclass AND attname = 'srcaddr'},
	q{SELECT has_column_privilege('reader', 'flow', 'srcaddr', 'SELECT'), has_column_privilege('reader', 'flow', 'bytes', 'SELECT'),
		has_server_privilege('reader', 'the logs', 'USAGE'), has_function_privilege('reader', '"an extension".flowlog_last_scan()', 'EXECUTE')},
	q{SELECT reltuples FROM pg_class WHERE relname = 'flow'});

# answers DATABASE: what the queries say there
sub answers
{
	my ($database) = @_;

	return join("\n\n", map { "$_\n" . $node->safe_psql($database, $_) } @queries);
}

my $original = $node->safe_psql('source', $options);
my $answers = answers('source');
is(scalar(() = $answers =~ /^100\|/mg), 1, 'the queries find something');

# ---------- dumped, restored, dumped again ----------

my $first = dump_of('source');
restore('target');
is($node->safe_psql('target', $options), $original, 'with the same options');
$node->safe_psql('target', 'ANALYZE flow');
is(answers('target'), $answers, 'and the same answers');
is(dump_of('target'), $first, 'a dump of the restored database is the same dump');
restore('third');
is(dump_of('third'), $first, 'and once more');

command_ok([ 'pg_dump', '-Fc', '-f', "$dump.c", '-d', $node->connstr('source') ], 'the custom format');
command_ok([ 'pg_restore', '--clean', '--if-exists', '-d', $node->connstr('target'), "$dump.c" ], 'is restored over what there is');
is(dump_of('target'), $first, 'and is the same');

# what was created in one schema and then moved to another
$node->safe_psql('source', 'CREATE SCHEMA moved; ALTER EXTENSION flowlog_fdw SET SCHEMA moved');
s/"an extension"\./moved./ foreach @queries;
my $moved = dump_of('source');
isnt($moved, $first, 'the extension in another schema');
restore('fourth');
is(dump_of('fourth'), $moved, 'is dumped and restored');
$node->safe_psql('fourth', 'ANALYZE flow');
is(answers('fourth') =~ s/\bmoved\./"an extension"./gr, $answers, 'with the same answers');

# the data of foreign tables, when asked for
my $rows = dump_of('source', '--data-only', '--include-foreign-data=the logs', '-t', 'flow');
is(scalar(() = $rows =~ /^2\teni-/mg), 100, 'all rows of a foreign table are dumped when they are asked for');

check_log($node);
$node->stop;
done_testing();
