# Several servers read one table: shards, what flowlog_cluster_ddl() writes, aggregates in two levels.
# The answers are those of one server that reads it all; and docs/scaling.md is followed word for word.
#
# FLOWLOG_RANDOM_QUERIES is the number of random queries, FLOWLOG_SEED where they begin.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogS3;

my $queries = $ENV{FLOWLOG_RANDOM_QUERIES} // ($long ? 100 : 50);
my $seed = $ENV{FLOWLOG_SEED} // 1;
srand($seed);

my $root = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $conf = "flowlog_fdw.allowed_endpoints = '127.0.0.1'\nlog_min_messages = error\n";
my $coordinator = start_node('coordinator', conf => $conf);
my @nodes = map { start_node("node$_", conf => $conf) } 1 .. 3;

# ---------- what they read ----------

make_directory("$root/flow/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/01/$_") foreach qw(28 29 30 31);
foreach my $n (0 .. 47)
{
	my $dir = sprintf("$root/flow/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/01/%02d", 28 + $n % 4);
	my $text = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n";

	foreach my $i ($n * 100 .. $n * 100 + 40 + $n)
	{
		$text .= $i % 17 ? default_line($i * 37 % 5000) : "2 123456789012 eni-$i - - - - - - - 1769731200 1769731260 - NODATA\n";
	}
	write_file("$dir/flow-$n.log", $text);
	system_or_bail('gzip', "$dir/flow-$n.log") if $n % 3 == 0;
}
make_directory("$root/objects/my-flow-logs");
system_or_bail('bench/gen', '--records', 20000, '--files', 40, '--interval', 1800, '--format', 'export', "$root/objects/my-flow-logs/exported");

# ---------- servers ----------

sub connection
{
	my ($node, $database) = @_;

	return "host=" . $node->host . " port=" . $node->port . " dbname=" . ($database // 'postgres');
}

# Runs what flowlog_cluster_ddl(TABLE, the nodes' connections, ARGUMENTS) writes, everywhere.
sub divide
{
	my ($table, $servers, $arguments) = @_;
	my $array = 'ARRAY[' . join(', ', map { quoted(connection($_)) } @$servers) . ']';
	my $call = "flowlog_cluster_ddl('$table', $array" . ($arguments ? ", $arguments" : '') . ')';

	foreach my $server (@$servers, undef)
	{
		my $node = $server // $coordinator;
		my $name = defined $server ? connection($server) : 'coordinator';

		$node->safe_psql('postgres', 'SET client_min_messages = warning;'
			. $coordinator->safe_psql('postgres', "SELECT statement FROM $call WHERE node = " . quoted($name)));
	}
	return;
}

# Both as one text.
sub rows
{
	my ($sql, $settings) = @_;

	return $coordinator->safe_psql('postgres', ($settings // '') . ";$sql");
}

my $day_location = "$root/flow/AWSLogs/123456789012/vpcflowlogs/us-east-1/\${day:yyyy/MM/dd}/*";
create_table($coordinator, 'flow', $day_location, columns => "day date, $columns", regex => undef);
$coordinator->safe_psql('postgres', q{
	COMMENT ON FOREIGN TABLE flow IS 'flow logs of the VPC';
	COMMENT ON COLUMN flow.srcaddr IS 'where from';
	ANALYZE flow;
});

# ---------- shards ----------

foreach my $n (1, 2, 3, 7)
{
	my $all = $coordinator->safe_psql('postgres', 'SELECT path FROM flowlog_files(\'flow\') ORDER BY 1');
	my @shares;

	foreach my $k (1 .. $n)
	{
		create_table($coordinator, 'share', $day_location, columns => "day date, $columns", regex => undef, shard => "$k/$n");
		push @shares, split(/\n/, $coordinator->safe_psql('postgres', "SELECT path FROM flowlog_files('share')"));
	}
	is(join("\n", sort @shares), $all, "each file is in one shard of $n");
}
create_table($coordinator, 'share', "$root/flow", regex => undef, shard => '2/3');
my $listed = $coordinator->safe_psql('postgres', "SELECT string_agg(path, ' ' ORDER BY path) FROM flowlog_files('share')");
make_directory("$root/elsewhere");
system_or_bail('cp', '-R', "$root/flow", "$root/elsewhere/logs");
create_table($coordinator, 'share', "$root/elsewhere/logs/", regex => undef, shard => '2/3');
(my $there = $coordinator->safe_psql('postgres', "SELECT string_agg(path, ' ' ORDER BY path) FROM flowlog_files('share')")) =~ s{elsewhere/logs}{flow}g;
is($there, $listed, 'the shard of a file depends on its path below the location alone');

my $plan = $coordinator->safe_psql('postgres', 'EXPLAIN (COSTS OFF) SELECT count(*) FROM share');
like($plan, qr/Shard: 2\/3\n.*Files Pruned by Shard: \d+/s, 'EXPLAIN shows the shard');
$coordinator->safe_psql('postgres', "CREATE SERVER half FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (shard '1/2')");
create_table($coordinator, 'of_server', "$root/flow", regex => undef, server => 'half');
like($coordinator->safe_psql('postgres', 'EXPLAIN SELECT * FROM of_server'), qr/Shard: 1\/2/, 'a shard may be the server\'s');
create_table($coordinator, 'of_server', "$root/flow", regex => undef, server => 'half', shard => '3/5');
like($coordinator->safe_psql('postgres', 'EXPLAIN SELECT * FROM of_server'), qr/Shard: 3\/5/, 'the table\'s wins');
foreach my $bad ('0/3', '4/3', '1', '1/', '/3', '1/3 ', '-1/3', '1/10001', '1/0', 'a/b', '')
{
	my (undef, undef, $stderr) = $coordinator->psql('postgres', "CREATE FOREIGN TABLE bad (a text) SERVER logs OPTIONS (location '/x', shard '$bad')");
	like($stderr, qr/invalid value for option "shard"/, "shard '$bad' is refused");
}

# ---------- random queries ----------

sub one_of
{
	return $_[ int(rand(scalar @_)) ];
}

sub random_query
{
	my ($table) = @_;
	my @keys = grep { rand() < 0.35 } ('srcaddr', 'dstport', 'action', 'protocol', 'day', 'srcport % 7', "date_trunc('hour', start)");
	my @aggregates = map {
		my $column = one_of(qw(packets bytes srcport dstport protocol));
		one_of('count(*)', "count($column)", "sum($column)", "min($column)", "max(srcaddr)", "min(start)", "avg($column)",
			"sum($column) FILTER (WHERE action = 'REJECT')", "count(DISTINCT dstport)", "max(packets) - min(packets)",
			"bool_and(action = 'ACCEPT')", "sum(bytes::numeric / 7)", "avg(packets)::numeric(20, 4)")
	} 1 .. 1 + int(rand(3));
	my @conditions = map {
		one_of("dstport = 443", "action = 'REJECT'", "srcaddr <<= '10.0.0.0/20'", "day >= '2026-01-30'", "day IN ('2026-01-28', '2026-01-31')",
			"protocol = 6", "packets > 20", "srcaddr IS NULL", "start < '2026-01-30 00:30+00'", "dstport = 1")
	} 1 .. int(rand(3));
	my $sql = 'SELECT ' . join(', ', @keys, @aggregates) . " FROM $table";

	$sql .= ' WHERE ' . join(' AND ', @conditions) if @conditions;
	$sql .= ' GROUP BY ' . join(', ', 1 .. @keys) if @keys;
	$sql .= ' HAVING ' . one_of('count(*) > 3', 'sum(bytes) > 100000', 'max(packets) IS NOT NULL') if @keys && rand() < 0.3;
	$sql .= ' ORDER BY ' . join(', ', 1 .. @keys + @aggregates);
	$sql .= ' LIMIT ' . int(rand(20)) if rand() < 0.3;
	return $sql;
}

# The answers to queries of which each asks "table", all in one session.
sub answers
{
	my ($table, $prefix, @queries) = @_;
	my $script = join("\n", map { "$prefix $_;\n\\echo ----" } @queries);

	$script =~ s/TABLE_NAME/$table/g;
	return split(/^----\n?/m, $coordinator->safe_psql('postgres', $script), scalar @queries);
}

# How many random queries have other answers from the nodes than from one server, and how many are not computed by the nodes?
sub compare
{
	my ($table, $count) = @_;
	my @random = map { random_query('TABLE_NAME') } 1 .. $count;
	my @expected = answers('flow', '', @random);
	my @found = answers($table, '', @random);
	my @plans = answers($table, 'EXPLAIN (VERBOSE, COSTS OFF)', @random);
	my ($differing, $fetched) = (0, 0);

	foreach my $i (0 .. $#random)
	{
		if (($found[$i] // 'none') ne ($expected[$i] // 'none'))
		{
			$differing++;
			diag("seed $seed: $random[$i]\n", $found[$i] // 'none', "\nexpected:\n", $expected[$i] // 'none');
		}
		# postgres_fdw sends no function that depends on TimeZone
		if ($random[$i] !~ /date_trunc/ && $plans[$i] =~ /Remote SQL: (?![^\n]*(?:GROUP BY|count\(|sum\(|min\(|max\())/)
		{
			$fetched++;
			diag("seed $seed, not computed by the nodes: $random[$i]\n$plans[$i]");
		}
	}
	return "$differing differ, $fetched fetched";
}

divide('flow', \@nodes, 'shards_per_node => 2, own_files => false');
is(compare('flow_all', $queries), '0 differ, 0 fetched', "$queries random queries are computed by three nodes and have the same answers");
is(rows('SELECT * FROM (SELECT * FROM flow EXCEPT ALL SELECT ' . join(', ', 'day', map { (split)[0] } split(/,/, $columns)) . ' FROM flow_all) a'), '', 'and so have the rows, one way');
is(rows('SELECT count(*) FROM flow_all'), rows('SELECT count(*) FROM flow'), 'and the other');
is(rows("SELECT obj_description('flow_all'::regclass), col_description('flow_all'::regclass, 5)"), 'flow logs of the VPC|where from', 'comments go along');

# What travels: one Foreign Scan for each shard, of groups.
my $talkers = 'SELECT srcaddr, sum(bytes), avg(packets), count(DISTINCT dstport) FROM flow_all WHERE action = \'ACCEPT\' GROUP BY srcaddr';
$plan = rows("EXPLAIN (VERBOSE, COSTS OFF) $talkers", "LOAD 'flowlog_fdw'");
is(() = $plan =~ /Async Foreign Scan/g, 6, 'all shards are read at once');
is(() = $plan =~ /Remote SQL: SELECT [^\n]*sum\(bytes\)[^\n]* WHERE \(\(action = 'ACCEPT'\)\) GROUP BY/g, 6, 'and each gives groups');
$plan = rows("EXPLAIN (VERBOSE, COSTS OFF) $talkers", "LOAD 'flowlog_fdw'; SET flowlog_fdw.enable_rollup = off");
unlike($plan, qr/Remote SQL: [^\n]* GROUP BY/, 'unless that is turned off');
$nodes[0]->safe_psql('postgres', q{UPDATE pg_class SET relpages = 1, reltuples = 1e9 WHERE oid = 'flow_all_1_files'::regclass});
$plan = $nodes[0]->safe_psql('postgres', "EXPLAIN (COSTS OFF) SELECT shard, srcaddr, sum(bytes) FROM flow_all_1_part WHERE action = 'ACCEPT' GROUP BY 1, 2");
like($plan, qr/Pushed Group Key: srcaddr\n.*Shard: 1\/6/s, 'a node computes them where it reads');
$plan = $nodes[0]->safe_psql('postgres', 'EXPLAIN (COSTS OFF) SELECT shard, count(*) FROM flow_all_1_part GROUP BY 1');
like($plan, qr/Pushed Aggregates: .*count\(\*\)/, 'also where only the shard is grouped by');
is($nodes[0]->safe_psql('postgres', 'SELECT shard, count(*) FROM flow_all_1_part WHERE dstport = 1 GROUP BY 1'), '', 'and no record makes no group');

is($coordinator->safe_psql('postgres', q{SELECT count(*) FROM pg_foreign_server WHERE 'options=-c cursor_tuple_fraction=1' = ANY (srvoptions)}), 6,
	'it plans for all rows of a cursor');
like($coordinator->safe_psql('postgres', "SELECT statement FROM flowlog_cluster_ddl('flow', ARRAY['host=a options=''-c work_mem=1GB'''], own_files => true)"),
	qr/, options '-c work_mem=1GB -c cursor_tuple_fraction=1'\)/, 'also beside settings of a connection\'s own');

# The query that flowlog_rollup() writes.
my $rolled = rows("SELECT flowlog_rollup('SELECT dstport, count(*), avg(bytes), min(start) FROM flow_all GROUP BY dstport ORDER BY 1')");
like($rolled, qr/GROUP BY [^;]*shard/, 'flowlog_rollup shows both levels');
is(rows($rolled, 'SET enable_partitionwise_aggregate = on'), rows('SELECT dstport, count(*), avg(bytes), min(start) FROM flow GROUP BY dstport ORDER BY 1'),
	'and they are a query with the same answer');
foreach my $case (
	[ 'SELECT count(*) FROM flow', 'not partitioned among' ],
	[ 'SELECT srcaddr FROM flow_all', 'no aggregates' ],
	[ 'SELECT shard, count(*) FROM flow_all GROUP BY shard', 'groups by the partition key' ],
	[ 'SELECT count(*) FROM flow_all a, flow b', 'exactly one table' ],
	[ 'SELECT stddev(bytes) FROM flow_all', 'cannot be computed from those of parts' ],
	[ 'SELECT sum(bytes::float8) FROM flow_all', 'cannot be computed from those of parts' ],
	[ 'SELECT dstport, count(*) FROM flow_all GROUP BY GROUPING SETS (dstport, ())', 'grouping sets' ],
	[ 'SELECT count(*) FROM flow_all WHERE bytes > (SELECT 3)', 'subquery' ],
	[ 'DELETE FROM flow_all', 'not a SELECT' ])
{
	my (undef, undef, $stderr) = $coordinator->psql('postgres', 'SELECT flowlog_rollup(' . quoted($case->[0]) . ')');
	like($stderr, qr/cannot be computed in two levels\nDETAIL:  .*$case->[1]/, "not of two levels: $case->[0]");
}
is(rows('SELECT stddev(bytes), sum(bytes::float8) FROM flow_all', "LOAD 'flowlog_fdw'"), rows('SELECT stddev(bytes), sum(bytes::float8) FROM flow'),
	'such queries have their answers nevertheless');
is(rows("WITH t AS (SELECT dstport, sum(bytes) AS b FROM flow_all GROUP BY dstport) SELECT count(*), max(b) FROM t", "LOAD 'flowlog_fdw'"),
	rows('WITH t AS (SELECT dstport, sum(bytes) AS b FROM flow GROUP BY dstport) SELECT count(*), max(b) FROM t'), 'in WITH');
is(rows("PREPARE q(int) AS SELECT dstport, count(*) FROM flow_all WHERE protocol = \$1 GROUP BY 1 ORDER BY 1; EXECUTE q(6)", "LOAD 'flowlog_fdw'; SET plan_cache_mode = force_generic_plan"),
	rows('SELECT dstport, count(*) FROM flow WHERE protocol = 6 GROUP BY 1 ORDER BY 1'), 'with parameters');
is(rows('SELECT dstport, count(*) AS n, rank() OVER (ORDER BY count(*) DESC, dstport) FROM flow_all GROUP BY dstport ORDER BY 3', "LOAD 'flowlog_fdw'"),
	rows('SELECT dstport, count(*) AS n, rank() OVER (ORDER BY count(*) DESC, dstport) FROM flow GROUP BY dstport ORDER BY 3'), 'below windows');

# ---------- a node that is down, a node more ----------

$nodes[2]->stop;
my (undef, undef, $stderr) = $coordinator->psql('postgres', 'SELECT count(*) FROM flow_all');
like($stderr, qr/ERROR:  could not connect to server "flow_all_[36]"/, 'a node that is down is an error that names its server');
$nodes[2]->start;
is(rows('SELECT count(*) FROM flow_all'), rows('SELECT count(*) FROM flow'), 'and it is back');

divide('flow', [ @nodes[ 0, 1 ] ], "own_files => false, cluster => 'two'");
is(rows('SELECT count(*), sum(bytes) FROM two', "LOAD 'flowlog_fdw'"), rows('SELECT count(*), sum(bytes) FROM flow'), 'two nodes have all rows');
divide('flow', \@nodes, "own_files => false, cluster => 'three'");
is(rows('SELECT count(*), sum(bytes) FROM three', "LOAD 'flowlog_fdw'"), rows('SELECT count(*), sum(bytes) FROM flow'), 'and so have three, each row once');

# ---------- by a column of the path; files of their own ----------

divide('flow', \@nodes, "partition_column => 'day', bounds => '{2026-01-29, 2026-01-30, 2026-01-31}', cluster => 'by_day'");
is(compare('by_day', 20), '0 differ, 0 fetched', 'parted by day, the answers are the same');
$plan = rows("EXPLAIN (COSTS OFF) SELECT count(*) FROM by_day WHERE day = '2026-01-29'");
is(() = $plan =~ /Foreign Scan/g, 1, 'only the node that has the day is asked');

create_table($coordinator, 'by_text', "$root/flow/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/01/\${dd}/*", columns => "dd text, $columns", regex => undef);
divide('by_text', \@nodes, "partition_column => 'dd', bounds => '{29, 31}'");
is(rows('SELECT dd, count(*) FROM by_text_all GROUP BY dd ORDER BY 1', "LOAD 'flowlog_fdw'"), rows('SELECT to_char(day, \'DD\'), count(*) FROM flow GROUP BY 1 ORDER BY 1'),
	'values that no bound names are in the last part');

create_table($coordinator, 'own', "$root/own", regex => undef);
make_directory("$root/own");
write_file("$root/own/$_.log", "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n", default_lines(1, $_)) foreach 1 .. 10;
divide('own', \@nodes, 'own_files => true, shards_per_node => 3');
is(rows('SELECT count(*) FROM own_all'), 3 * rows('SELECT count(*) FROM own'), 'files of their own are read by each');
is(rows('SELECT count(DISTINCT shard) FROM own_all'), 9, 'and their parts have different numbers');

# ---------- what cannot be ----------

foreach my $case (
	[ "'flow', '{}', own_files => true", 'a cluster must have at least one node' ],
	[ "'flow', '{host=a,host=a}', own_files => true", 'is named twice' ],
	[ "'flow', (SELECT array_agg('host=' || g) FROM generate_series(1, 1000000) g), own_files => true", 'a cluster cannot have more than 1000 nodes' ],
	[ "'flow', '{host}', own_files => true", 'A keyword has no value' ],
	[ "'flow', ARRAY['host=''a'], own_files => true", 'A quote is not closed' ],
	[ "'flow', '{user=x}', own_files => true", 'does not say where the node is' ],
	[ "'flow', '{host=a}'", '"own_files" must be set' ],
	[ "'flow', '{host=a}', 0, true", '"shards_per_node" must be from 1' ],
	[ "'flow', '{host=a}', partition_column => 'action', bounds => '{a}'", 'no column "action" that its location fills' ],
	[ "'flow', '{host=a}', partition_column => 'day'", '"bounds" must be set' ],
	[ "'flow', '{host=a}', partition_column => 'day', bounds => '{x}'", 'invalid input syntax for type date' ],
	[ "'share', '{host=a}', own_files => true", 'is a shard already' ],
	[ "'flow_all', '{host=a}', own_files => true", 'is not a foreign table of flow logs' ])
{
	(undef, undef, $stderr) = $coordinator->psql('postgres', "SELECT * FROM flowlog_cluster_ddl($case->[0])");
	like($stderr, qr/$case->[1]/, "refused: $case->[1]");
}
like($coordinator->safe_psql('postgres', "SELECT statement FROM flowlog_cluster_ddl('flow', ARRAY['host=''a b'' user=u password=\\'''], own_files => true)"),
	qr/OPTIONS \(host 'a b', .*USER MAPPING FOR CURRENT_USER SERVER flow_all_1 OPTIONS \("?user"? 'u', password ''''\)/s, 'who connects is in the user mapping');

# ---------- the page ----------

my $store = FlowLogS3->start(objects => "$root/objects");
$_->safe_psql('postgres', 'CREATE DATABASE flow') foreach $coordinator, @nodes;

# The blocks of the page as one script of psql.  What differs from the page: where things are, and the keys.
my $page = slurp_file('docs/scaling.md');
my $script = join("\n", $page =~ /^```sql\n(.*?)^```$/msg);
foreach my $n (1 .. 3)
{
	my $at = connection($nodes[ $n - 1 ], 'flow');
	$script =~ s/host=node$n dbname=flow/$at/g;
}
$script =~ s{/var/log/flow}{$root/flow}g;
$script =~ s{OPTIONS \(region 'us-east-1'\)}{"OPTIONS (region 'us-east-1', endpoint '" . $store->endpoint . "')"}eg;
$script =~ s{access_key_id ''[^']*'', secret_access_key ''[^']*''}{"access_key_id ''AKIATESTACCESSKEY'', secret_access_key ''" . $store->secret . "''"}eg;
local $ENV{PATH} = $coordinator->config_data('--bindir') . ":$ENV{PATH}";
my ($status, $stdout);
($status, $stdout, $stderr) = $coordinator->psql('flow', $script, on_error_stop => 1, extra_params => ['--echo-errors']);
is($status, 0, 'docs/scaling.md runs from top to bottom') or diag($stdout, $stderr);
unlike($stderr, qr/ERROR|WARNING/, 'without a complaint');
like($stdout, qr/^[1-7]\|eni-\w+\|[\d.]+\|REJECT\|6$/m, 'and the first documented query is answered by three nodes');

my $single = q{
	SELECT SUM(numpackets) AS packetcount, destinationaddress FROM TABLE_NAME WHERE destinationport = 443
	GROUP BY destinationaddress ORDER BY packetcount DESC, destinationaddress LIMIT 10};
(my $divided = $single) =~ s/TABLE_NAME/vpc_flow_logs_all/;
$single =~ s/TABLE_NAME/vpc_flow_logs/;
$coordinator->safe_psql('flow', "CREATE USER MAPPING FOR CURRENT_USER SERVER logs OPTIONS (access_key_id 'AKIATESTACCESSKEY', secret_access_key " . quoted($store->secret) . ')');
is($coordinator->safe_psql('flow', $divided), $coordinator->safe_psql('flow', $single), 'and the second as by one');
is(() = $stdout =~ /Async Foreign Scan/g, 6, 'in groups of six shards');

check_log($_) foreach $coordinator, @nodes;
done_testing();
