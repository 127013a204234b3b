# Wrong sums: random aggregations over random records, pushed and not, and over a copy in an
# ordinary table, must come to the same text; whatever the settings, and with a table of
# groups that holds few of them.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogCompare;
use FlowLogSession;

my $seed = $ENV{AGGREGATE_SEED} // 20260130;
my $queries = $ENV{AGGREGATE_QUERIES} // ($long ? 250 : 60);
srand($seed);
note("seed $seed");

my $logs = PostgreSQL::Test::Utils::tempdir('logs');
my $node = start_node('aggregate', conf => "jit = off\nmax_worker_processes = 8\nmax_parallel_workers = 8");

# ---------- the data ----------

my @extremes = qw(9223372036854775807 -9223372036854775808 9223372036854775806 9200000000000000000 -9200000000000000000 0 -1 1);

# name, type, a random field
my @columns = (
	[ 'small', 'smallint', sub { one_of(qw(32767 -32768 0 1 01 +1 6 06 17), int(rand(50))) } ],
	[ 'medium', 'integer', sub { one_of(qw(2147483647 -2147483648 0 443), int(rand(1000)), int(rand(200000)) - 100000) } ],
	[ 'large', 'bigint', sub { one_of(@extremes, int(rand(1000000)), int(rand(10)) . '0000') } ],
	[ 'bytes', 'bigint', sub { int(rand(100000)) } ],
	[ 'word', 'text', sub { one_of('ACCEPT', 'REJECT', 'é', '', 'a b', 'eni-' . int(rand(1500))) } ],
	[ 'name', 'varchar(6)', sub { one_of('ACCEPT', 'a', 'a     ', 'a         ', 'b') } ],
	[ 'flag', 'boolean', sub { one_of(qw(t f true no)) } ],
	[ 'address', 'inet', sub { one_of('10.0.0.' . int(rand(256)), '10.0.0.0/8', '2001:db8::' . int(rand(20)), '2001:DB8:0::1', '::ffff:10.0.0.1', '10.1.2.3/' . int(rand(33))) } ],
	[ 'network', 'cidr', sub { one_of('10.0.0.0/8', '10.0.0.0/9', '2001:db8::/32', '192.168.' . int(rand(4)) . '.0/24') } ],
	[ 'moment', 'timestamptz(3)', sub { one_of(1769731200 + int(rand(90000)), 1769731200123, '2026-01-30T00:00:00.0004Z', '0001-01-01', '9999-12-31T23:59:59.9999Z', 0) } ],
	[ 'local', 'timestamp', sub { 1769731200 + int(rand(300)) } ],
	[ 'day', 'date', sub { one_of('2026-01-' . (10 + int(rand(20))), '0001-01-01', 1769731200) } ],
	[ 'decimal', 'numeric', sub { one_of('1.0', '1.00', int(rand(100))) } ],
	[ 'real', 'real', sub { one_of('0', '-0', '1.5') } ],
	[ 'code', 'char(3)', sub { one_of('a', 'a  ', 'abc') } ]);
my %bad = (smallint => '32768', integer => 'x', bigint => '9223372036854775808', 'varchar(6)' => 'too long', boolean => 'maybe',
	inet => '10.0.0.256', cidr => '10.0.0.1/8', 'timestamptz(3)' => 'now', timestamp => '1.5', date => '2026-02-30', numeric => '1e', real => 'x');
$_->[3] = $bad{ $_->[1] } foreach @columns;
my $definition = join(', ', map { "$_->[0] $_->[1]" } @columns);
my $pattern = join(';', ('([^;]*)') x @columns);

# A foreign table, and its rows in an ordinary one.  As if it had many more rows, so that aggregating them in the reader is worth it.
sub make_table
{
	my ($name, $location, %options) = @_;

	create_table($node, $name, $location, columns => $definition, regex => $pattern, log_verbosity => 'silent', %options);
	$node->safe_psql('postgres', qq{
		CREATE TABLE ${name}_heap AS SELECT * FROM $name;
		UPDATE pg_class SET relpages = 1, reltuples = 1e10 WHERE oid = '$name'::regclass;
	});
	return;
}

mkdir "$logs/$_" foreach qw(clean many dirty empty);
write_file("$logs/clean/$_.log", random_lines(\@columns, 700, 5, 0)) foreach 1 .. 4;
write_file("$logs/many/$_.log", map { my $n = $_; join(';', map { $_->[2]->() } @columns[ 0 .. 3 ]) . ";$n;" . join(';', map { $_->[2]->() } @columns[ 5 .. $#columns ]) . "\n" } map { int(rand(9000)) } 1 .. 6000) foreach 1 .. 2;
write_file("$logs/dirty/$_.log", random_lines(\@columns, 500, 10, 5)) foreach 1 .. 2;
write_file("$logs/empty/a.log", "\n");
system('gzip', "$logs/clean/2.log") == 0 or die 'could not run gzip';

make_table('clean', "$logs/clean");
make_table('many', "$logs/many");
make_table('nulled', "$logs/dirty", on_error => 'set_null');
make_table('left_out', "$logs/dirty", on_error => 'ignore');
make_table('nothing', "$logs/empty");

# ---------- queries ----------

my @keys = (qw(small medium large word name flag address network moment local day), 'bytes / 300', 'medium > small', q{date_trunc('hour', moment)});
my @aggregates = (
	'count(*)', 'count(1)', (map { "count($_->[0])" } @columns),
	(map { my $name = $_; map { "$name($_)" } qw(small medium large bytes) } qw(sum avg min max)),
	(map { my $name = $_; map { "$name($_)" } qw(moment local day address) } qw(min max)),
	'sum(large) / count(*)', 'avg(large) - avg(bytes)', 'pg_typeof(sum(small))', 'pg_typeof(sum(large))', 'sum(bytes)::float8 / nullif(sum(medium), 0)',
	'max(moment) - min(moment)', 'sum(large) + sum(large)', 'coalesce(sum(small), 0)',
	'stddev(bytes)', 'variance(large)', 'sum(bytes) FILTER (WHERE flag)', 'bool_and(flag)', 'sum(bytes + 1)', 'count(*) FILTER (WHERE medium > small)',
	q{sum(CASE WHEN word = 'ACCEPT' THEN bytes ELSE 0 END)}, q{count(word) FILTER (WHERE word LIKE 'A%')},
	'min(word)', 'max(name)', 'max(word) FILTER (WHERE flag)', 'min(word || name)');
my @not_pushed = ('count(DISTINCT decimal)', 'max(code)', 'sum(decimal)');
my @conditions = (
	'medium > 443', 'small = 6', 'small IN (1, 6, 17)', 'flag', 'NOT flag', q{word = 'ACCEPT'}, 'word IS NULL', 'large IS NOT NULL',
	q{address <<= '10.0.0.0/8'}, q{moment >= '2026-01-30'}, q{day < '2026-01-20'}, 'large < 0', 'bytes BETWEEN 1000 AND 50000', 'medium = 123456789',
	q{(flag OR small = 1)}, 'medium > (SELECT 100)', q{name = 'a'});
my @having = ('count(*) = 1', '2 <= count(*) AND max(bytes) <> 5', 'sum(large) < 1000', 'sum(large) > 9300000000000000000', 'avg(bytes) > 0 AND count(flag) > 0', 'count(*) > 2', 'sum(bytes) > 100000', 'max(large) > 5 OR count(*) = 1', 'avg(small) IS NOT NULL', 'min(day) < max(day)');

# The clause that groups by some or all of the keys.
sub random_sets
{
	my @group = @_;
	my $list = join(', ', @group);
	my $some = sub { join(', ', grep { rand() < 0.5 } @group) };
	my @forms = ("ROLLUP ($list)", "ROLLUP ($list)", "CUBE ($list)", "GROUPING SETS (($list), ())",
		'GROUPING SETS (' . join(', ', map { '(' . $some->() . ')' } 1 .. 1 + int(rand(4))) . ", ($list))",
		"$group[0], ROLLUP ($list)", "$group[0], GROUPING SETS (($list), ($group[-1]), ROLLUP ($list))");

	return one_of('', '', 'DISTINCT ') . one_of(@forms);
}

# A query over the table "%s", and whether it could be pushed.
sub random_query
{
	my @group = map { one_of(@keys) } 1 .. int(rand(4));
	my @output = (@group, map { one_of(@aggregates) } 1 .. 1 + int(rand(4)));
	my @where = map { one_of(@conditions) } 1 .. one_of(0, 0, 1, 2);
	my $by = join(', ', @group);
	my $pushable = 1;
	my $query;

	if (@group && rand() < 0.4)
	{
		$by = random_sets(@group);
		push @output, 'grouping(' . join(', ', map { one_of(@group) } 1 .. 1 + int(rand(3))) . ')' . one_of('', ' + 1') if rand() < 0.7;
		push @output, "concat($group[0], '!')" if rand() < 0.3;
	}

	if (rand() < 0.1)
	{
		push @output, one_of(@not_pushed);
		$pushable = 0;
	}
	($pushable, @output) = (1, @group) if @group && rand() < 0.05;
	$query = 'SELECT ' . join(', ', @output) . ' FROM %s';
	$query .= ' WHERE ' . join(' AND ', @where) if @where;
	$query .= " GROUP BY $by" if @group;
	$query .= ' HAVING ' . one_of(@having, $by =~ /ROLLUP|CUBE|SETS/ ? "grouping($group[0]) = 0" : ()) if rand() < 0.2;
	$query .= ' ORDER BY ' . join(', ', map { "$_ " . one_of('', 'DESC') } 1 .. @output) . ' LIMIT 5' if rand() < 0.1 && $query !~ /pg_typeof|ROLLUP|CUBE|SETS/;
	# a subquery that computes some of the keys, and what is aggregated
	if ($by =~ /ROLLUP|CUBE|SETS/ && rand() < 0.3)
	{
		$query =~ s{bytes / 300}{tens}g;
		$query =~ s{medium > small}{more}g;
		$query =~ s{FROM %s}{FROM (SELECT *, bytes / 300 AS tens, medium > small AS more FROM %s) x};
	}
	return ($query, $pushable);
}

create_compare($node, 'enable_aggregate_pushdown', 'Pushed (Aggregates|Group Key)');

my @settings = (
	'SELECT',
	q{SET work_mem = '64kB'; SET hash_mem_multiplier = 1},
	q{SET work_mem = '64kB'; SET hash_mem_multiplier = 1; SET enable_hashagg = off},
	'SET enable_sort = off',
	'SET jit = on; SET jit_above_cost = 0; SET jit_inline_above_cost = 0; SET jit_optimize_above_cost = 0',
	'SET flowlog_fdw.enable_pushdown = off',
	'SET parallel_leader_participation = off; SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0',
	map { "SET max_parallel_workers_per_gather = $_; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0" } 1 .. 4);
my @tables = qw(clean clean many nulled left_out nothing);
my ($asked, $pushed, $sets_asked, $sets_pushed) = (0, 0, 0, 0);

foreach my $settings (@settings)
{
	my $different = count_differences($node, $settings, $queries / @settings, \&random_query, \@tables, sub {
		my ($query, $table, $pushable, $was_pushed) = @_;

		return if $settings =~ /enable_pushdown/;
		my $sets = $query =~ /ROLLUP|CUBE|SETS/;
		$asked += $pushable;
		$pushed += $was_pushed eq 't';
		$sets_asked += $pushable && $sets;
		$sets_pushed += $was_pushed eq 't' && $sets;
	});
	is($different, 0, "the same answers: $settings");
}
cmp_ok($pushed, '>', $asked / 2, "most aggregations that can be pushed are ($pushed of $asked)");
cmp_ok($sets_pushed, '>', $sets_asked / 2, "also those by several sets of keys ($sets_pushed of $sets_asked)");

# ---------- prepared statements, with generic plans ----------

my $session = FlowLogSession->new($node);
$session->safe_query('SET plan_cache_mode = force_generic_plan');
foreach my $table (qw(clean nulled))
{
	$session->safe_query(qq{
		PREPARE ${table}_pushed(int, text, inet) AS SELECT flag, count(*), sum(large), avg(bytes), max(address) FROM $table
			WHERE (medium > \$1 OR word = \$2) AND address <<= \$3 GROUP BY flag HAVING count(*) > \$1 / 1000 ORDER BY flag;
		PREPARE ${table}_plain(int, text, inet) AS SELECT flag, count(*), sum(large), avg(bytes), max(address) FROM ${table}_heap
			WHERE (medium > \$1 OR word = \$2) AND address <<= \$3 GROUP BY flag HAVING count(*) > \$1 / 1000 ORDER BY flag;
	});
	like($session->safe_query("EXPLAIN EXECUTE ${table}_pushed(1, 'a', '10.0.0.1')"), qr/Pushed Aggregates.*Pushed Filter: [^\n]*\$1/s, "$table: a generic plan is pushed");
	foreach my $values (q{443, 'ACCEPT', '10.0.0.0/8'}, q{-1, NULL, '0.0.0.0/0'}, q{NULL, 'é', '2001:db8::/32'}, q{0, 'none', NULL})
	{
		is($session->safe_query("EXECUTE ${table}_pushed($values)"), $session->safe_query("EXECUTE ${table}_plain($values)"), "$table: $values");
	}
}

# ---------- a subplan that is run again for a row that somebody else changed ----------

$node->safe_psql('postgres', 'CREATE TABLE target AS SELECT 1 AS id, 6 AS n, -1::bigint AS c');
my $other = FlowLogSession->new($node);
$other->safe_query('BEGIN; UPDATE target SET n = 17');
$session->send_sql('UPDATE target SET c = (SELECT count(*) FROM clean WHERE small = target.n)');
ok($node->poll_query_until('postgres', 'SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid = ' . $session->pid . ')'), 'an update waits');
$other->safe_query('COMMIT');
$session->finish;
is($node->safe_psql('postgres', 'SELECT c FROM target'), $node->safe_psql('postgres', 'SELECT count(*) FROM clean_heap WHERE small = 17'),
	'it counts for the row as it is now');

# ---------- errors, and what the reader says of the lines ----------

foreach my $line ('1;x' . ';-' x 13, 'no record')
{
	write_file("$logs/empty/a.log", join(';', ('-') x 15) . "\n$line\n");
	foreach my $query ('SELECT count(*), sum(medium) FROM nothing', 'SELECT medium, count(*) FROM nothing GROUP BY medium')
	{
		my $pushed = outcome($node, $query);
		is(sqlstate($pushed), $line eq 'no record' ? '22P04' : '22P02', "$query: a bad line is an error");
		is($pushed, outcome($node, "SET flowlog_fdw.enable_aggregate_pushdown = off; $query"), 'the same as when not pushed');
	}
}

# a limit of our own is an error, too, and not taken for a full table of groups
create_table($node, 'costly', "$logs/costly.log", columns => 'a text', regex => '((?:a+)+)b?');
write_file("$logs/costly.log", "aaa\n", 'a' x 5000 . "c\n");
is(sqlstate(outcome($node, 'SELECT count(*) FROM costly')), sqlstate(outcome($node, 'SET flowlog_fdw.enable_aggregate_pushdown = off; SELECT count(*) FROM costly')),
	'a pattern that takes too long');
like(outcome($node, 'SELECT count(*) FROM costly'), qr/ERROR/, 'is an error');

$session->quit;
$other->quit;
check_log($node);
$node->stop;
done_testing();
