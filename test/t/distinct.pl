# Distinct values: DISTINCT in aggregates and in SELECT gives the same whether the reader computes it or
# not, and the same as over a copy; however small its tables are, and however many processes read.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogCompare;
use FlowLogSession;

my $seed = $ENV{DISTINCT_SEED} // 20261129;
my $queries = $ENV{DISTINCT_QUERIES} // ($long ? 1000 : 250);
srand($seed);
note("seed $seed");

my $logs = PostgreSQL::Test::Utils::tempdir('logs');
my $node = start_node('distinct', conf => $eager_workers);

# ---------- the data: equal values are written in several ways ----------

my @columns = (
	[ 'small', 'smallint', sub { my $n = one_of(-32768, 32767, int(rand(30))); $n >= 0 ? one_of($n, "0$n", "+$n") : $n }, '32768' ],
	[ 'medium', 'integer', sub { int(rand(3000)) - 1500 }, 'x' ],
	[ 'large', 'bigint', sub { one_of(9223372036854775807, -9223372036854775808, int(rand(1000)), '0' . int(rand(9))) }, '9223372036854775808' ],
	[ 'word', 'text', sub { one_of('ACCEPT', 'é', '', 'a b', 'a-longer-word-than-sixteen-' . int(rand(900))) } ],
	[ 'name', 'varchar(6)', sub { one_of('ACCEPT', 'a', 'a     ', 'b') }, 'too long' ],
	[ 'flag', 'boolean', sub { one_of(qw(t f true no)) }, 'maybe' ],
	[ 'address', 'inet', sub { my $n = int(rand(200)); one_of("10.0.0.$n", "10.0.0.$n/32", sprintf('2001:db8::%x', $n), sprintf('2001:DB8:0::%04x', $n)) }, '10.0.0.256' ],
	[ 'moment', 'timestamptz', sub { my $n = 1769731200 + int(rand(500)); one_of($n, "${n}000", '2026-01-30T00:00:07Z') }, 'now' ],
	[ 'day', 'date', sub { one_of('2026-01-' . (10 + int(rand(20))), 1769731200) }, '2026-02-30' ],
	[ 'decimal', 'numeric', sub { one_of('1.5', int(rand(50))) }, '1e' ]);
my $definition = join(', ', map { "$_->[0] $_->[1]" } @columns);
my $pattern = join(';', ('([^;]*)') x @columns);

mkdir "$logs/$_" foreach qw(clean dirty empty);
write_file("$logs/clean/$_.log", random_lines(\@columns, 1500, 5, 0)) foreach 1 .. 4;
write_file("$logs/dirty/$_.log", random_lines(\@columns, 700, 10, 5)) foreach 1 .. 3;
write_file("$logs/empty/a.log", "\n");
system('gzip', "$logs/clean/2.log") == 0 or die 'could not run gzip';
foreach (
	[ 'clean', 'clean' ],
	[ 'nulled', 'dirty', on_error => 'set_null' ],
	[ 'left_out', 'dirty', on_error => 'ignore' ],
	[ 'nothing', 'empty' ])
{
	my ($name, $dir, %options) = @$_;

	create_copied_table($node, $name, "$logs/$dir", columns => $definition, regex => $pattern, %options);
}

# ---------- random queries ----------

my @keys = ('length(word)', 'upper(word)', 'md5(name)', qw(small medium large word name flag address moment day), 'medium / 7', 'medium > small', q{date_trunc('minute', moment)}, q{CASE WHEN flag THEN 'x' ELSE 'y' END});
my @numbers = (qw(small medium large), 'medium % 10', 'coalesce(small, 3)');
my @plain = ('count(*)', 'count(word)', 'sum(medium)', 'sum(large)', 'avg(small)', 'min(address)', 'max(moment)', 'min(DISTINCT medium)', 'max(large)', 'bool_or(flag)', 'stddev(medium)', 'count(*) FILTER (WHERE medium > 0)', 'sum(small) FILTER (WHERE flag)');
my @others = ('count(DISTINCT decimal)', 'string_agg(DISTINCT name, \',\')', 'variance(DISTINCT small)', 'array_agg(DISTINCT small)', 'count(DISTINCT (small, flag))', 'count(DISTINCT 1)', 'sum(DISTINCT decimal)', 'min(word)');
my @conditions = ('medium > 443', 'small IN (1, 6, 17)', 'flag', q{word = 'ACCEPT'}, 'large IS NOT NULL', q{address <<= '10.0.0.0/8'}, 'medium > small', 'medium = 12345678');

# Aggregates of some distinct values of one expression.
sub distinct
{
	my $number = rand() < 0.6;
	my $argument = $number ? one_of(@numbers) : one_of(@keys);
	my $filter = rand() < 0.3 ? ' FILTER (WHERE ' . one_of(@conditions) . ')' : '';

	return map { "$_(DISTINCT $argument)$filter" } ('count', $number ? (grep { rand() < 0.4 } qw(sum avg)) : ());
}

# A query over the table "%s", and whether the reader can compute it
sub random_query
{
	my $where = rand() < 0.4 ? ' WHERE ' . join(' AND ', map { one_of(@conditions) } 1 .. one_of(1, 1, 2)) : '';
	my @group = map { one_of(@keys) } 1 .. one_of(0, 0, 1, 1, 1, 2);
	my @output = ((map { distinct() } 1 .. one_of(1, 1, 1, 2, 2, 3)), map { one_of(@plain) } 1 .. one_of(0, 0, 1, 2));
	my $pushable = 1;
	my $query;

	if (rand() < 0.25)
	{
		my @list = (@group, one_of(@keys));

		($list[0], $pushable) = ('decimal', 0) if rand() < 0.1;
		$query = 'SELECT DISTINCT ' . join(', ', @list) . " FROM %s$where";
		$query .= ' ORDER BY ' . join(', ', map { "$_ " . one_of('', 'DESC') } 1 .. @list) . one_of('', ' LIMIT 10', ' LIMIT 5 OFFSET 3') if rand() < 0.3;
		return ($query, $pushable);
	}
	($output[@output], $pushable) = (one_of(@others), 0) if rand() < 0.1;
	$query = 'SELECT ' . join(', ', @group, @output) . " FROM %s$where";
	$query .= ' GROUP BY ' . join(', ', @group) if @group;
	$query .= " HAVING $output[0] > 1" if rand() < 0.15;
	$query .= " ORDER BY $output[0] DESC" . join('', map { ", $_" } 1 .. @group) . ' LIMIT 5' if rand() < 0.2 && @group;
	return ($query, $pushable);
}

create_compare($node, 'enable_aggregate_pushdown', 'Pushed (Aggregates|Group Key)');

my @settings = (
	'SELECT',
	'SET enable_hashagg = off',
	'SET flowlog_fdw.enable_pushdown = off',
	map { my $workers = $_; map { "SET work_mem = '$_'; SET hash_mem_multiplier = 1; SET max_parallel_workers_per_gather = $workers" . ($workers ? '; SET parallel_leader_participation = ' . one_of('on', 'off') : '') } '4MB', '64kB' } 0, 1, 3);
my @tables = qw(clean clean nulled left_out nothing);
my ($asked, $pushed) = (0, 0);

# Temporary files that there are.
sub temporary_files
{
	return join(' ', map { glob("$_/*") } glob($node->data_dir . '/base/pgsql_tmp'));
}

foreach my $settings (@settings)
{
	my $different = count_differences($node, $settings, $queries / @settings, \&random_query, \@tables, sub {
		my ($query, $table, $pushable, $was_pushed) = @_;

		$asked += $pushable && $settings !~ /enable_pushdown/;
		$pushed += $was_pushed eq 't' && $settings !~ /enable_pushdown/;
	});
	is($different, 0, "the same answers: $settings");
	is(temporary_files(), '', 'and no file is left');
}
cmp_ok($pushed, '>', $asked / 2, "most that can be computed are ($pushed of $asked)");

# ---------- plans ----------

my $session = FlowLogSession->new($node);

sub plan_of
{
	return $session->safe_query("EXPLAIN (COSTS OFF) $_[0]");
}

like(plan_of('SELECT word, count(DISTINCT medium), sum(large) FROM clean GROUP BY word'), qr/\AForeign Scan\n.*Pushed Aggregates: count\(DISTINCT medium\), sum\(large\)\n/s, 'nothing is above the scan');
like(plan_of('SELECT count(DISTINCT address) FROM clean'), qr/\AForeign Scan\n.*Pushed Aggregates: count\(DISTINCT address\)\n/s, 'nor without keys');
like(plan_of('SELECT DISTINCT word, small FROM clean'), qr/\AForeign Scan\n.*Pushed Group Key: word, small\n/s, 'nor above SELECT DISTINCT');
like(plan_of('SELECT word, count(DISTINCT medium) FROM clean GROUP BY word ORDER BY 2 DESC LIMIT 3'), qr/Top: 3 by count\(DISTINCT medium\) DESC/, 'only the best leave the reader');
like(plan_of('SELECT flag IS NULL, count(DISTINCT medium), count(DISTINCT word) FILTER (WHERE small > 3), sum(DISTINCT medium), count(*) FROM clean GROUP BY 1'),
	qr/\AForeign Scan\n.*Pushed Aggregates: count\(DISTINCT medium\), count\(DISTINCT word\) FILTER .*, sum\(DISTINCT medium\), count\(\*\)\n/s, 'several values');
like(plan_of('SELECT day, flag, count(DISTINCT address) FROM clean GROUP BY day, flag'), qr/\AForeign Scan\n.*Pushed Group Key: day, flag\n/s, 'keys that have many forms');
like(plan_of('SELECT count(DISTINCT moment), count(DISTINCT flag) FROM clean'), qr/\AForeign Scan\n.*Pushed Aggregates: count\(DISTINCT moment\)/s, 'and such values');
like(plan_of('SELECT count(DISTINCT small), count(DISTINCT small) FILTER (WHERE flag) FROM clean'), qr/\AForeign Scan\n/, 'several filters');
unlike(plan_of($_), qr/Pushed (Group|Aggregates)/, "not: $_") foreach (
	'SELECT count(DISTINCT small), count(DISTINCT decimal) FROM clean', 'SELECT count(DISTINCT small) FILTER (WHERE decimal > medium) FROM clean',
	'SELECT count(DISTINCT small ORDER BY small) FROM clean', 'SELECT DISTINCT ON (word) word, small FROM clean',
	'SELECT word, count(DISTINCT small) FROM clean GROUP BY ROLLUP (word)', 'SELECT DISTINCT word, rank() OVER (ORDER BY small) FROM clean', 'SELECT DISTINCT word, random() FROM clean',
	'SELECT count(DISTINCT decimal + medium) FROM clean', 'SELECT count(DISTINCT small) FROM clean WHERE decimal > medium', 'SELECT count(DISTINCT decimal) FROM clean');

# ---------- one group of many processes ----------

$session->safe_query('SET seq_page_cost = 0; SET max_parallel_workers_per_gather = 3');
like(plan_of('SELECT count(DISTINCT address) FROM clean'), qr/\AGather\n.*Parallel Foreign Scan.*Pushed Aggregates: count\(DISTINCT address\)\n/s, 'workers share the values');
foreach my $memory ('4MB', '64kB')
{
	foreach my $leader ('on', 'off')
	{
		$session->safe_query("SET work_mem = '$memory'; SET hash_mem_multiplier = 1; SET parallel_leader_participation = $leader");
		foreach my $query (
			'SELECT count(DISTINCT medium), sum(DISTINCT medium), avg(DISTINCT medium), count(*), sum(large), min(small), max(address) FROM %s',
			'SELECT count(DISTINCT word) FILTER (WHERE flag), count(*), max(large) FROM %s WHERE medium > 0',
			'SELECT count(DISTINCT medium), count(DISTINCT word), sum(DISTINCT medium), count(DISTINCT medium) FILTER (WHERE flag), count(*), sum(large), min(small), max(address) FROM %s',
			'SELECT count(DISTINCT address), count(DISTINCT large), sum(large) FROM %s WHERE medium > 1000000',
			'SELECT count(DISTINCT address), sum(large) FROM %s WHERE medium > 1000000',
			'SELECT count(DISTINCT small) FROM %s HAVING count(*) > 1', 'SELECT count(DISTINCT small) FROM %s HAVING count(*) < 1',
			'SELECT (SELECT count(DISTINCT small) FROM %1$s), count(DISTINCT md5(word)) FROM %1$s')
		{
			is($session->safe_query(sprintf($query, 'clean')), $session->safe_query(sprintf($query, 'clean_heap')), "$memory, leader $leader: $query");
		}
	}
}
$session->safe_query('RESET ALL');

# ---------- scans that begin again, or end early ----------

foreach my $memory ('4MB', '64kB')
{
	foreach my $workers (0, 2)
	{
		$session->safe_query("SET work_mem = '$memory'; SET hash_mem_multiplier = 1; SET max_parallel_workers_per_gather = $workers; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off");
		foreach my $query (
			'SELECT sum((SELECT count(DISTINCT medium) FROM %s WHERE small > x)) FROM generate_series(0, 30, 10) x',
			'SELECT sum((SELECT sum(n) FROM (SELECT word, count(DISTINCT medium) AS n FROM %s WHERE small < x GROUP BY word) g)) FROM generate_series(0, 30, 10) x',
			'SELECT sum((SELECT sum(n + m) FROM (SELECT small, count(DISTINCT medium) AS n, count(DISTINCT word) AS m FROM %s WHERE small < x GROUP BY small) g)) FROM generate_series(0, 30, 10) x',
			'SELECT sum((SELECT count(DISTINCT medium) + count(DISTINCT word) FROM %s WHERE small > x)) FROM generate_series(0, 30, 10) x',
			'SELECT sum(g.n), count(*) FROM generate_series(1, 3) x LEFT JOIN (SELECT word, count(DISTINCT medium) AS n FROM %s GROUP BY word OFFSET 0) g ON g.n > x',
			'SELECT sum(g.medium), count(*) FROM generate_series(1, 3) x LEFT JOIN (SELECT DISTINCT medium, flag FROM %s OFFSET 0) g ON g.medium > x')
		{
			is($session->safe_query(sprintf($query, 'clean')), $session->safe_query(sprintf($query, 'clean_heap')), "again: $memory, $workers workers: $query");
		}
		is($session->safe_query('BEGIN; DECLARE c CURSOR FOR SELECT word, count(DISTINCT medium) FROM clean GROUP BY word; MOVE 5 IN c; CLOSE c; COMMIT; SELECT 1'), 1, 'a cursor');
		is($session->safe_query('SELECT count(*) FROM (SELECT word, count(DISTINCT medium) FROM clean GROUP BY word LIMIT 7) q'), 7, 'LIMIT');
		is(temporary_files(), '', 'no file is left');
	}
}
$session->safe_query('SET plan_cache_mode = force_generic_plan; SET max_parallel_workers_per_gather = 0; PREPARE q(int) AS SELECT flag, count(DISTINCT small), count(*) FROM clean WHERE medium > $1 GROUP BY flag ORDER BY flag;
	PREPARE p(int) AS SELECT flag, count(DISTINCT small), count(*) FROM clean_heap WHERE medium > $1 GROUP BY flag ORDER BY flag');
is($session->safe_query("EXECUTE q($_)"), $session->safe_query("EXECUTE p($_)"), "prepared: $_") foreach (0, 'NULL', 1000);

# ---------- sums that do not fit into 64 bits ----------

foreach my $workers (0, 2)
{
	$session->safe_query("SET max_parallel_workers_per_gather = $workers; SET work_mem = '64kB'");
	foreach my $query ('SELECT small, count(DISTINCT medium), sum(DISTINCT large), count(DISTINCT word), sum(large) FROM %s GROUP BY small ORDER BY 1', 'SELECT sum(DISTINCT large), count(DISTINCT word), sum(large), sum(DISTINCT medium) FROM %s')
	{
		is($session->safe_query(sprintf($query, 'clean')), $session->safe_query(sprintf($query, 'clean_heap')), "large sums, $workers workers: $query");
	}
}

# the totals of all processes together do not fit where each one's do
mkdir "$logs/large";
write_file("$logs/large/$_.log", map { join(' ', int(rand(3000)), rand() < 0.3 ? 9223372036854775807 : int(rand(1000))) . "\n" } 1 .. 6000) foreach 1 .. 4;
create_copied_table($node, 'large', "$logs/large", columns => 'port int, number bigint', regex => '(\S+) (\S+)');
$session->safe_query("SET hash_mem_multiplier = 1; SET seq_page_cost = 0");
foreach my $query ('SELECT sum(DISTINCT number), count(DISTINCT port), sum(number) FROM %s', 'SELECT sum(DISTINCT number), sum(number), count(*), avg(number) FROM %s')
{
	my $expected = $session->safe_query(sprintf($query, 'large_heap'));

	is(join(' ', map { $session->safe_query(sprintf($query, 'large')) } 1 .. 10), join(' ', ($expected) x 10), "processes whose sums fit: $query");
}

# ---------- errors ----------

$session->safe_query("SET work_mem = '64kB'; SET temp_file_limit = '4kB'");
$session->query('SELECT word, count(DISTINCT medium) FROM clean GROUP BY word');
is(sqlstate($session->error), '53400', 'temp_file_limit holds');
$session->safe_query('RESET temp_file_limit');
is(temporary_files(), '', 'no file is left');
create_table($node, 'broken', "$logs/dirty", columns => $definition, regex => $pattern);
foreach my $query ('SELECT count(DISTINCT medium) FROM broken', 'SELECT small, sum(DISTINCT medium) FROM broken GROUP BY small', 'SELECT DISTINCT medium FROM broken')
{
	like(sqlstate(outcome($node, $query)), qr/^22/, "$query: a bad line is an error");
}

$session->quit;
check_log($node);
$node->stop;
done_testing();
