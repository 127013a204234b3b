# Rows in an order: a scan that sorts them gives the same as PostgreSQL's sort above it, and as over a copy in an
# ordinary table.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogCompare;
use FlowLogParquet;
use FlowLogSession;

my $seed = $ENV{SORT_SEED} // 20261130;
my $queries = $ENV{SORT_QUERIES} // ($long ? 1500 : 450);
srand($seed);
note("seed $seed");

my $logs = PostgreSQL::Test::Utils::tempdir('logs');
my $node = start_node('sort', conf => "jit = off\nmax_worker_processes = 8\nmax_parallel_workers = 8");

# PostgreSQL need not have ICU
if (($node->psql('postgres', q{CREATE COLLATION ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE COLLATION swedish (provider = icu, locale = 'sv')}))[0] != 0)
{
	$node->safe_psql('postgres', "CREATE COLLATION $_ (provider = libc, locale = 'C.UTF-8')") foreach qw(ignoring_case swedish);
}

# ---------- the data ----------

my @letters = ('a' .. 'z', 'A' .. 'Z', '0' .. '9', ' ', '.', 'é', 'ö', 'ß');

# name, type, a random field, and what it is if it cannot be read
my @columns = (
	[ 'small', 'smallint', sub { one_of(qw(32767 -32768 0 1 01 +1 6 06 17), int(rand(50))) }, '32768' ],
	[ 'medium', 'integer', sub { int(rand(200000)) - 100000 }, 'x' ],
	[ 'edge', 'integer', sub { one_of(qw(2147483647 -2147483648 -1 0)) }, '2147483648' ],
	[ 'large', 'bigint', sub { one_of(qw(9223372036854775807 -9223372036854775808 9223372036854775806 -9223372036854775807), int(rand(1000000)), 0, -1) }, '9223372036854775808' ],
	[ 'word', 'text COLLATE "C"', sub { one_of('ACCEPT', 'REJECT', 'é', '', 'a b', 'interface-' . int(rand(1500)), join('', map { one_of(@letters) } 1 .. rand(40))) } ],
	[ 'other', 'text COLLATE swedish', sub { one_of('ACCEPT', 'a', 'B', 'ö', 'z', 'eni-' . int(rand(1500)), join('', map { one_of(@letters) } 1 .. rand(12))) } ],
	[ 'cased', 'text COLLATE ignoring_case', sub { one_of(qw(ACCEPT accept Accept reject REJECT a A), '') } ],
	[ 'name', 'varchar(6) COLLATE "C"', sub { one_of('ACCEPT', 'a', 'a     ', 'b') }, 'too long' ],
	[ 'flag', 'boolean', sub { one_of(qw(t f true no)) }, 'maybe' ],
	[ 'address', 'inet', sub { one_of('10.0.0.' . int(rand(256)), '10.0.0.0/8', '2001:db8::' . int(rand(20)), '2001:DB8:0::1', '::ffff:10.0.0.1', '10.1.2.3/' . int(rand(33)), '0.0.0.0/0') }, '10.0.0.256' ],
	[ 'network', 'cidr', sub { one_of('10.0.0.0/8', '10.0.0.0/9', '2001:db8::/32', '192.168.' . int(rand(4)) . '.0/24') }, '10.0.0.1/8' ],
	[ 'moment', 'timestamptz(3)', sub { one_of(1769731200 + int(rand(90000)), 1769731200123, '2026-01-30T00:00:00.0004Z', '0001-01-01', '9999-12-31T23:59:59.9999Z', 0) }, 'now' ],
	[ 'local', 'timestamp', sub { 1769731200 + int(rand(300)) }, '1.5' ],
	[ 'day', 'date', sub { one_of('2026-01-' . (10 + int(rand(20))), '0001-01-01', 1769731200) }, '2026-02-30' ],
	[ 'decimal', 'numeric', sub { one_of('1.5', '1.50', '01.500', 'NaN', '-0', '0.0', '1e300', int(rand(100)), rand()) }, '1e' ],
	[ 'real', 'real', sub { one_of('0', '-0', 'NaN', 'Infinity', '-Infinity', '1.5', int(rand(100))) }, 'x' ],
	[ 'precise', 'double precision', sub { one_of('0', '-0', 'NaN', 'Infinity', '1e-300', rand()) }, 'x' ],
	[ 'code', 'char(3) COLLATE "C"', sub { one_of('a', 'a  ', 'abc') } ]);
my ($definition, $pattern) = create_numbered_tables($node, $logs, \@columns, 700, 500, 400);
my $few = 0;

mkdir "$logs/few";
write_file("$logs/few/a.log", random_lines(\@columns, 3, 50, 0, sub { ++$few }));
create_copied_table($node, 'few', "$logs/few", columns => $definition, regex => $pattern);

# some tables as one
$node->safe_psql('postgres', q{
	CREATE VIEW several AS SELECT * FROM clean UNION ALL SELECT * FROM nulled;
	CREATE TABLE several_heap AS SELECT * FROM several;
	ANALYZE;
});

# ---------- random queries ----------

my @keys = (qw(small medium edge large word other cased name flag address network moment local day decimal real precise code), 'word COLLATE swedish', 'other COLLATE "C"', 'name::text COLLATE ignoring_case');
my @unknown = ('medium + small', 'lower(word)', 'address::text COLLATE "C"', 'md5(word) COLLATE "C"');
my @conditions = ('medium > 443', 'small IN (1, 6, 17)', 'flag', q{word = 'ACCEPT'}, 'word IS NULL', 'large IS NOT NULL', q{address <<= '10.0.0.0/8'}, q{moment >= '2026-01-30'}, 'medium > small', 'small = edge', 'edge = -1');
my @windows = ('lag(n) OVER w', 'lead(medium) OVER w', 'row_number() OVER w', 'sum(small) OVER w', 'first_value(n) OVER w', 'count(*) OVER w');

sub order
{
	my ($known) = @_;
	my @chosen = map { $known || rand() < 0.9 ? one_of(@keys) : one_of(@unknown) } 1 .. one_of(1, 1, 2, 3, 4);

	return (\@chosen, join(', ', map { "$_ " . one_of('', 'DESC') . ' ' . one_of('', '', 'NULLS FIRST', 'NULLS LAST') } @chosen));
}

# A query over the table "%s", and whether the scan may sort
sub random_query
{
	my $where = rand() < 0.5 ? ' WHERE ' . join(' AND ', map { one_of(@conditions) } 1 .. one_of(1, 1, 2)) : '';
	my ($keys, $order) = order(0);
	my $kind = rand();

	# all rows differ by n, or only what orders them is shown, or is to be counted
	if ($kind < 0.4)
	{
		my @partition = map { one_of(@keys) } 1 .. one_of(1, 1, 2);

		return ("SELECT n, $windows[rand(@windows)] AS w FROM %s$where WINDOW w AS (PARTITION BY " . join(', ', @partition) . " ORDER BY $order, n ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) ORDER BY n", 1);
	}
	return ("SELECT " . join(', ', map { "$keys->[$_] AS k$_" } 0 .. $#$keys) . ", sum(1) OVER (ORDER BY $order) AS rank FROM %s$where ORDER BY $order", 1) if $kind < 0.5 && !grep { /cased|ignoring|decimal|real|precise|code/ } @$keys;
	return ("SELECT n FROM (SELECT n, word FROM %s$where ORDER BY $order, n OFFSET 0) AS o", 1) if $kind < 0.6;
	return ("SELECT DISTINCT ON ($keys->[0]) * FROM %s$where ORDER BY $order, n", 1) if $kind < 0.7;
	return ("SELECT DISTINCT ON ($keys->[0]) n FROM (SELECT * FROM %s ORDER BY n OFFSET 0) AS o$where ORDER BY $order, n", 1) if $kind < 0.72;
	return ("SELECT * FROM %s$where ORDER BY $order, n" . one_of('', '', ' OFFSET 3'), 1);
}

create_compare($node, 'enable_sort', ' Sorted By: ', ordered => 1);

my @settings = (
	'SELECT',
	'SET flowlog_fdw.enable_pushdown = off',
	'SET flowlog_fdw.enable_splitter = off',
	q{SET work_mem = '64kB'},
	q{SET work_mem = '1MB'},
	'SET plan_cache_mode = force_generic_plan; SET enable_hashagg = off; SET enable_sort = off',
	map { "SET max_parallel_workers_per_gather = $_; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0" } 1 .. 3);
my @tables = qw(clean clean nulled left_out few nothing parted several);

my ($asked, $sorted) = (0, 0);

foreach my $settings (@settings)
{
	my $different = count_differences($node, $settings, $queries / @settings, \&random_query, \@tables, sub {
		my ($query, $table, $pushable, $was_pushed) = @_;

		return if $settings =~ /enable_pushdown|64kB/;
		$asked++;
		$sorted += $was_pushed eq 't';
	});
	is($different, 0, "the same rows: $settings");
}

cmp_ok($sorted, '>', $asked / 2, "most queries are sorted by the scan ($sorted of $asked)");

# ---------- more rows than were expected ----------

my $session = FlowLogSession->new($node);

# Returns how the scan of a query sorts, as EXPLAIN tells, and the method if "ran".
sub sort_of
{
	my ($query, $ran) = @_;
	my $plan = $session->safe_query('EXPLAIN (COSTS OFF' . ($ran ? ', ANALYZE, TIMING OFF, SUMMARY OFF' : '') . ") $query");

	return $plan =~ / Sorted By: ([^\n]*)(?:\n +Sort Method: (\S+(?: \S+)?)  (\S+): \d+kB)?/ ? $ran ? "$1; $2 $3" : $1 : '';
}

is(sort_of('SELECT n FROM clean ORDER BY address', 1), 'address; ranks Memory', 'in memory');
$session->safe_query(q{SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT * FROM clean ORDER BY address, n});
is(sort_of('EXECUTE p'), 'address, n', 'a plan for much memory');
$session->safe_query(q{SET work_mem = '64kB'});
is(sort_of('EXECUTE p', 1), 'address, n; external merge Disk', 'on disk, if there are more than was estimated');
is(sort_of('SELECT * FROM clean ORDER BY address, n'), '', 'not, if they are estimated not to fit');
foreach my $order ('address, medium, n', 'word DESC, n', 'cased, decimal, address, n', 'real DESC NULLS LAST, n DESC')
{
	$session->safe_query("DEALLOCATE ALL; RESET work_mem; PREPARE p AS SELECT * FROM clean ORDER BY $order");
	$session->safe_query("EXPLAIN EXECUTE p; SET work_mem = '64kB'");
	is($session->safe_query('EXECUTE p'), $session->safe_query("SELECT * FROM clean_heap ORDER BY $order"), "on disk: $order");
}
is(sqlstate(outcome($node, q{SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT * FROM clean ORDER BY address, n; EXPLAIN EXECUTE p; SET work_mem = '64kB'; SET temp_file_limit = 100; EXECUTE p})), '53400', 'a limit of files holds');
$session->safe_query('DEALLOCATE ALL; RESET work_mem; RESET plan_cache_mode');

# ---------- which queries are sorted, and what EXPLAIN says ----------

is(sort_of('SELECT n FROM clean ORDER BY medium DESC, word NULLS FIRST, other COLLATE "C", n DESC NULLS LAST'), 'medium DESC, word COLLATE "C" NULLS FIRST, other COLLATE "C", n DESC NULLS LAST', 'its keys');
is(sort_of('SELECT n FROM clean ORDER BY word USING ~>~, name, day USING >'), 'word COLLATE "C" USING ~>~, name COLLATE "C", day DESC', 'operators');
is(sort_of("SELECT n, lag(n) OVER (PARTITION BY name, word ORDER BY moment) FROM clean WHERE small = 6"), 'name COLLATE "C", word COLLATE "C", moment', 'a window');
is(sort_of('SELECT DISTINCT ON (word) * FROM clean ORDER BY word, moment DESC'), 'word COLLATE "C", moment DESC', 'DISTINCT ON');
is(sort_of("SELECT n, lag(n) OVER (PARTITION BY name, word ORDER BY date_trunc('minute', moment)) FROM clean"), 'name COLLATE "C", word COLLATE "C"', 'columns before an expression');
is(sort_of('SELECT n FROM clean ORDER BY word COLLATE "C", word COLLATE swedish'), 'word COLLATE "C"', 'a column twice');
is(sort_of('SELECT word FROM clean WHERE small = edge ORDER BY edge, code') =~ /^(small|edge), code COLLATE "C"$/, 1, 'columns that are the same');
is(sort_of("SELECT n FROM clean ORDER BY $_"), '', "not: $_") foreach ('medium, moment, day, flag', 'medium + small, word', 'random()', 'word LIMIT 5');
is(sort_of($_), '', "not: $_") foreach (
	'SELECT word, count(*) FROM clean GROUP BY word ORDER BY word', 'SELECT DISTINCT word FROM clean ORDER BY word', 'SELECT max(n) FROM clean ORDER BY 1',
	'SELECT n FROM clean WHERE decimal::float8 > real ORDER BY word');
is($session->safe_query('SET flowlog_fdw.enable_sort = off; EXPLAIN (COSTS OFF) SELECT n FROM clean ORDER BY word') =~ /^Sort\n/, 1, 'nor if it is turned off');
$session->safe_query('SET flowlog_fdw.enable_sort = on');
like($session->safe_query('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) SELECT n FROM clean ORDER BY word'), qr/"Sort Method": "ranks",\s+"Sort Space Used": \d+,\s+"Sort Space Type": "Memory"/, 'in JSON');

# ---------- parameters, cursors, and scans that begin again ----------

# The same answer with and without; over the foreign table, and over its copy.
sub same
{
	return same_answers($session, 'enable_sort', @_);
}

same('a cursor', sub { 'SELECT' },
	'BEGIN; DECLARE c SCROLL CURSOR FOR SELECT n, medium, word FROM %s ORDER BY address, n; FETCH 5 FROM c', 'FETCH BACKWARD 3 FROM c', 'FETCH 700 FROM c', 'FETCH FIRST FROM c', 'FETCH LAST FROM c', 'COMMIT',
	'BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT n, medium, word FROM %s ORDER BY word, n; FETCH 5 FROM c', 'FETCH BACKWARD 3 FROM c', 'ROLLBACK');
foreach my $memory ('64kB', '64MB')
{
	$session->safe_query("SET work_mem = '$memory'; SET enable_material = off; SET enable_sort = off");
	same("scans that begin again, $memory", sub { 'SELECT' },
		'SELECT v.x, q.* FROM (VALUES (1), (3), (NULL), (0), (7)) v(x), LATERAL (SELECT n, medium, row_number() OVER (ORDER BY address, medium, n) FROM %s WHERE medium > v.x * 1000) q ORDER BY 1, 3, 2',
		'SELECT v.x, q.* FROM (VALUES (1), (3), (40), (2)) v(x), LATERAL (SELECT n, medium, lag(n) OVER (PARTITION BY word ORDER BY medium, n) AS l FROM %s) q WHERE q.n % 100 = v.x ORDER BY 1, 3, 2',
		'SELECT o.i, ARRAY(SELECT n FROM %s WHERE medium > o.i * 10000 ORDER BY word DESC NULLS LAST, n) FROM generate_series(0, 3) o(i)',
		'SELECT o.i, ARRAY(SELECT n FROM %s ORDER BY word DESC NULLS LAST, n OFFSET o.i) FROM generate_series(0, 3) o(i)',
		'WITH RECURSIVE r(i, n) AS (SELECT 1, 0 UNION ALL SELECT i + 1, (SELECT max(r) FROM (SELECT row_number() OVER (ORDER BY word, n) AS r FROM %s WHERE medium > r.i * 1000) AS q) FROM r WHERE i < 4) SELECT * FROM r');
}
$session->safe_query('RESET work_mem; RESET enable_material; RESET enable_sort');
is(sort_of('SELECT o.i, q.* FROM generate_series(0, 1) o(i) LEFT JOIN LATERAL (SELECT n, row_number() OVER (ORDER BY address) AS r FROM clean) q ON q.r = o.i', 1) =~ /^address; ranks/, 1, 'the rows of the last time');

# the same by several processes
$session->safe_query('SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0');
foreach my $leader ('on', 'off')
{
	$session->safe_query("SET parallel_leader_participation = $leader");
	like($session->safe_query('EXPLAIN SELECT n FROM clean ORDER BY address'), qr/Gather Merge.*Parallel Foreign Scan.*Sorted By: address/s, "workers, leader $leader");
	same("workers, leader $leader", sub { "PREPARE q(int) AS SELECT n, medium, lag(n) OVER (PARTITION BY word ORDER BY medium, n) FROM $_[0] WHERE medium > \$1 ORDER BY n" },
		'EXECUTE q(5)', 'EXECUTE q(-500000)', 'EXECUTE q(NULL)', 'SELECT n, medium FROM %s WHERE small = (SELECT 6) ORDER BY word, n',
		# begun again for each row of the other side
		'SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SELECT o.i, q.* FROM generate_series(0, 3) o(i) LEFT JOIN (SELECT n, row_number() OVER (ORDER BY word, n) AS r FROM %s) q ON q.n % 1000 = o.i ORDER BY 1, 2',
		'RESET enable_material; RESET enable_hashjoin; RESET enable_mergejoin');
}
$session->safe_query('RESET max_parallel_workers_per_gather; RESET parallel_leader_participation');

# ---------- columns that are not shown, and Parquet ----------

is($session->safe_query('SELECT count(*) FROM (SELECT 1 FROM clean ORDER BY address, word OFFSET 1) AS q'), 2799, 'no column is shown');
is($session->safe_query('SELECT (q).n FROM (SELECT clean AS q FROM clean ORDER BY word DESC NULLS LAST, n OFFSET 0) AS r'), $session->safe_query('SELECT n FROM clean_heap ORDER BY word DESC NULLS LAST, n'), 'whole rows');
is($session->safe_query('SELECT tableoid::regclass, n FROM clean ORDER BY address, n OFFSET 2795'), $session->safe_query(q{SELECT 'clean', n FROM clean_heap ORDER BY address, n OFFSET 2795}), 'the table of a row');

my $mixed = PostgreSQL::Test::Utils::tempdir('mixed');
my @records = map { sprintf("2 123456789010 eni-%d 10.0.%d.%d 10.0.0.%d %d 443 6 1 %d %d %d ACCEPT OK\n", $_ % 5, $_ % 3, $_ * 7 % 250, $_ % 11, $_, $_ * 131 % 1000, 1769731200 + $_ * 37 % 900, 1769732200) } 1 .. 900;

write_parquet("$mixed/1.parquet", join('', @records[ 0 .. 299 ]));
write_file("$mixed/2.log", "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n", @records[ 300 .. 599 ]);
write_parquet("$mixed/3.parquet", join('', @records[ 600 .. 899 ]));
create_copied_table($node, 'mixed', $mixed, regex => undef, columns => 'srcaddr inet, dstaddr text COLLATE "C", srcport int, bytes bigint, start timestamptz');
foreach my $query ('SELECT srcaddr, dstaddr, start - lag(start) OVER (PARTITION BY srcaddr, dstaddr ORDER BY start, srcport) FROM %s ORDER BY srcport', 'SELECT * FROM %s ORDER BY bytes DESC, dstaddr, srcport')
{
	like(sort_of(sprintf($query, 'mixed')), qr/^(srcaddr, dstaddr COLLATE "C", start|bytes DESC)/, 'files of both kinds');
	is($session->safe_query(sprintf($query, 'mixed')), $session->safe_query(sprintf($query, 'mixed_heap')), "files of both kinds: $query");
}

# ---------- the ledger, and errors ----------

foreach my $table (qw(left_out nulled))
{
	my $counts = 'SELECT lines, emitted, filtered, rejected, set_null FROM flowlog_last_scan()';
	my @counted;

	foreach my $switch ('on', 'off')
	{
		$session->safe_query("SET flowlog_fdw.enable_sort = $switch");
		$session->safe_query("SELECT n FROM $table WHERE medium > 0 ORDER BY word, n");
		push @counted, $session->safe_query($counts);
	}
	is($counted[0], $counted[1], "$table: the same counts");
}
$session->safe_query('SET flowlog_fdw.enable_sort = on');
create_table($node, 'broken', "$logs/dirty", columns => $definition, regex => $pattern);
foreach my $switch ('on', 'off')
{
	my $outcome = outcome($node, "SET flowlog_fdw.enable_sort = $switch; SELECT n FROM broken ORDER BY address");
	like(sqlstate($outcome), qr/^22P0[24]$/, "a bad key or line is an error with it $switch") or diag($outcome);
}
$session->quit;
$node->stop;

done_testing();
