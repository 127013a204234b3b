# Sets from other tables: a join with a small relation, IN and EXISTS give the same rows whether
# the reader looks values up in the set of its keys or not, and the same as over a copy in an
# ordinary table.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogCompare;
use FlowLogSession;

my $seed = $ENV{SETS_SEED} // 20261129;
my $queries = $ENV{SETS_QUERIES} // ($long ? 2000 : 450);
srand($seed);
note("seed $seed");

my $logs = PostgreSQL::Test::Utils::tempdir('logs');
my $node = start_node('sets', conf => "jit = off\nmax_worker_processes = 8\nmax_parallel_workers = 8");

# without ICU there are no such collations
my $lenient = ($node->psql('postgres', q{CREATE COLLATION lenient (provider = icu, locale = 'und-u-ks-level2', deterministic = false)}))[0] == 0;
$node->safe_psql('postgres', q{CREATE COLLATION lenient FROM "C"}) if !$lenient;

# ---------- the data ----------

# name, type, a random field, and what it is if it cannot be read
my @columns = (
	[ 'small', 'smallint', sub { one_of(qw(32767 -32768 0 1 01 +1 6 06 17), int(rand(50))) }, '32768' ],
	[ 'medium', 'integer', sub { one_of(qw(-100000 -1), int(rand(100))) }, 'x' ],
	[ 'large', 'bigint', sub { one_of(qw(9223372036854775807 -9223372036854775808), int(rand(60))) }, '9223372036854775808' ],
	[ 'word', 'text', sub { one_of('ACCEPT', 'Accept', 'REJECT', 'é', '', 'a b', 'w' . int(rand(60))) } ],
	[ 'name', 'varchar(6)', sub { one_of('ACCEPT', 'a', 'a     ', 'b') }, 'too long' ],
	[ 'code', 'char(3)', sub { one_of('a', 'a  ', 'abc') } ],
	[ 'flag', 'boolean', sub { one_of(qw(t f true no)) }, 'maybe' ],
	[ 'address', 'inet', sub { one_of('10.0.0.' . int(rand(60)), '10.0.0.0/8', '2001:DB8:0::1', '2001:db8::' . int(rand(20)), '::ffff:10.0.0.1', '10.1.2.3/' . int(rand(33))) }, '10.0.0.256' ],
	[ 'host', 'text', sub { one_of('10.0.0.' . int(rand(60)), '2001:DB8:0::1', '2001:db8::1', '10.0.0.1/32', '10.0.0.0/8') } ],
	[ 'moment', 'timestamptz', sub { one_of(1769731200 + int(rand(60)), 1769731200123, '2026-01-30T00:00:00Z') }, 'now' ],
	[ 'local', 'timestamp', sub { 1769731200 + int(rand(60)) }, '1.5' ],
	[ 'day', 'date', sub { one_of('2026-01-' . (10 + int(rand(20))), 1769731200) }, '2026-02-30' ]);
my ($definition, $pattern) = create_numbered_tables($node, $logs, \@columns, 500, 400, 300);

# tables as one, and behind a barrier
$node->safe_psql('postgres', q{
	CREATE VIEW several AS SELECT * FROM clean UNION ALL SELECT * FROM nulled UNION ALL SELECT * FROM left_out_heap;
	CREATE TABLE several_heap AS SELECT * FROM several;
	CREATE VIEW hidden WITH (security_barrier) AS SELECT * FROM clean WHERE md5(word) < 'a' AND medium > 3;
	CREATE VIEW hidden_heap AS SELECT * FROM clean_heap WHERE md5(word) < 'a' AND medium > 3;
	ANALYZE;
});

# the other side: some of these values, others, NULLs, duplicates
$node->safe_psql('postgres', q{
	CREATE TABLE keys (k int, small smallint, medium int, large bigint, decimal numeric, word text, name varchar(6), code char(3), flag boolean, address inet, network cidr, host text,
		moment timestamptz, local timestamp, day date, lenient text COLLATE lenient, dbl float8);
	INSERT INTO keys SELECT i, nullif(i % 20, 3), nullif(i % 50, 7), nullif(i % 30, 5) + 20, CASE i % 4 WHEN 0 THEN i % 40 + 0.5 WHEN 1 THEN 'NaN' WHEN 2 THEN NULL ELSE i % 40 END,
		nullif((ARRAY['ACCEPT', 'é', '', 'w1', 'w2', 'w30', 'none', 'x'])[1 + i % 8], 'x'), nullif((ARRAY['ACCEPT', 'a', 'a ', 'x'])[1 + i % 4], 'x'), (ARRAY['a', 'abc'])[1 + i % 3], i % 3 = 1,
		CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN inet '10.0.0.0' + i % 60 WHEN 2 THEN inet '2001:db8::' + i % 8 ELSE '10.0.0.0/8' END,
		CASE i % 2 WHEN 0 THEN '10.0.0.0/8' ELSE cidr '10.0.0.1/32' END, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN '10.0.0.' || i % 60 ELSE '2001:db8::1' END,
		to_timestamp(1769731200 + i % 40), timestamp '2026-01-30' + i % 30 * interval '1 second', date '2026-01-10' + i % 15, (ARRAY['accept', 'E', 'w1'])[1 + i % 3], i % 25
		FROM generate_series(1, 60) AS i;
	CREATE TABLE nobody (LIKE keys);
	CREATE TABLE nulls AS SELECT * FROM keys LIMIT 0; INSERT INTO nulls (k) VALUES (1), (2);
	CREATE VIEW few AS SELECT DISTINCT ON (small) * FROM keys WHERE k < 30 ORDER BY small, k;
	ANALYZE;
});

# ---------- random queries ----------

# conditions that a set can be made of, and that it cannot be made of; f is ours
my @equalities = ('f.small = o.small', 'f.small = o.large', 'f.medium = o.small', 'f.medium = o.medium', 'o.large = f.medium', 'f.large = o.large', 'f.large = o.small', 'f.medium = o.decimal',
	'f.word = o.word', 'o.word = f.name', 'f.name = o.name', 'f.code = o.code', 'f.flag = o.flag', 'f.address = o.address', 'o.network = f.address', 'f.host = o.host', 'f.host::inet = o.address',
	'f.moment = o.moment', 'f.local = o.local', 'f.day = o.day', 'f.medium = o.small + 1', 'f.word = lower(o.word)', 'f.medium = abs(o.medium - 20)', 'f.word = o.word COLLATE "C"', 'f.medium = o.dbl');
my @others = ('f.word = o.lenient', 'f.medium + 1 = o.medium', 'f.medium < o.medium', 'f.word || o.word = \'w1\'', 'f.small = o.medium - f.small', 'f.moment = o.local');
push @equalities, shift @others if !$lenient;
my @conditions = ('f.medium > 20', 'f.small IN (1, 6, 17)', 'f.flag', q{f.word = 'ACCEPT'}, 'f.word IS NULL', 'f.large IS NOT NULL', 'f.n % 3 = 1', 'md5(f.word) < \'8\'', 'f.medium > f.small');
my @of_other = ('o.k < 20', 'o.k % 2 = 0', 'o.small IS NOT NULL', 'false', q{o.word = 'ACCEPT'});

sub join_condition
{
	my @parts = (one_of(@equalities));

	push @parts, one_of(@equalities, @others) if rand() < 0.3;
	@parts = (one_of(@others)) if rand() < 0.1;
	return (join(' AND ', @parts), scalar grep { my $part = $_; grep { $_ eq $part } @equalities } @parts);
}

sub where
{
	my @all = @_;

	return rand() < 0.5 ? ' AND ' . join(' AND ', map { one_of(@all) } 1 .. one_of(1, 1, 2)) : '';
}

my @shown = ('f.n', 'f.n, f.word, f.address', 'f.*', 'f.n, f.medium + f.small AS s', 'f.word, f.n');

# A query over the table "%s", and whether a set can be made
sub random_query
{
	my ($join, $known) = join_condition();
	my $o = one_of(qw(keys keys keys keys few nobody nulls), '(SELECT * FROM keys WHERE k % 3 = 0 UNION ALL SELECT * FROM few)', '(SELECT * FROM keys ORDER BY k LIMIT 7)');
	my $choice = int(rand(27));
	my $shown = one_of(@shown);
	my $mine = where(@conditions);
	my $theirs = where(@of_other);

	return ("SELECT $shown, o.k FROM %s f JOIN $o o ON $join WHERE true$mine$theirs", $known) if $choice < 3;
	return ("SELECT $shown FROM %s f WHERE EXISTS (SELECT FROM $o o WHERE $join$theirs)$mine", $known) if $choice < 6;
	return ("SELECT $shown FROM %s f WHERE NOT EXISTS (SELECT FROM $o o WHERE $join$theirs)$mine", 0) if $choice == 6;
	return ("SELECT $shown, o.k FROM %s f LEFT JOIN $o o ON $join$theirs WHERE true$mine", 0) if $choice == 7 && $theirs eq '';
	return ("SELECT $shown, o.k FROM $o o LEFT JOIN %s f ON $join$mine WHERE true$theirs", $known) if $choice <= 8;
	return ("SELECT $shown, o.k FROM %s f FULL JOIN $o o ON $join", 0) if $choice == 9 && $known && $join !~ / AND /;

	# the logs are what the hash table is made of
	return ('SELECT o.k, o.word FROM ' . "$o o WHERE " . one_of('', 'NOT ') . "EXISTS (SELECT FROM %s f WHERE $join$mine)$theirs", $known) if $choice >= 22;
	if ($choice <= 10)
	{
		my ($column, $other) = one_of([ 'f.small', 'o.small' ], [ 'f.medium', 'o.large' ], [ 'f.word', 'o.word' ], [ 'f.address', 'o.address' ], [ 'f.medium', 'o.decimal' ], [ 'f.host', 'o.host' ])->@*;
		my $not = one_of('', 'NOT ');
		my $or = one_of('', '', ' OR f.flag', q{ OR f.word IN (SELECT word FROM keys WHERE k < 9)}, ' OR f.medium NOT IN (SELECT medium FROM nulls)', ' OR 1000 / (f.small - 1) IN (SELECT small FROM keys)');

		return ("SELECT $shown FROM %s f WHERE CASE WHEN f.flag THEN $column ${not}IN (SELECT $other FROM $o o WHERE true$theirs) ELSE f.medium > 20 END$mine", 0) if rand() < 0.2;
		return ("SELECT $shown FROM %s f WHERE (NOT ($column ${not}IN (SELECT $other FROM $o o WHERE true$theirs)$or) OR f.medium > 80)$mine", 0) if rand() < 0.2;
		return ("SELECT count(*), sum(f.medium) FROM %s f WHERE ($column ${not}IN (SELECT $other FROM $o o WHERE true$theirs)$or)$mine", $not eq '' && $or eq '') if rand() < 0.3;

		return ("SELECT $shown FROM %s f WHERE ($column ${not}IN (SELECT $other FROM $o o WHERE true$theirs)$or)$mine", $not eq '' && $or eq '');
	}
	return ("SELECT o.k, (SELECT count(*) FROM %s f JOIN keys p ON f.small = p.small AND p.k < o.k WHERE f.medium > o.k) AS c FROM $o o WHERE o.k < 12$theirs", 1) if $choice == 11;
	return ("SELECT o.k, s.n FROM keys o, LATERAL (SELECT f.n FROM %s f WHERE f.medium IN (SELECT p.medium FROM keys p WHERE p.k % 4 = o.k % 4) AND f.small = o.small LIMIT ALL OFFSET 0) s WHERE o.k < 8", 1) if $choice == 12;
	return ("SELECT o.k, s.n FROM keys o, LATERAL (SELECT f.n FROM %s f JOIN (SELECT * FROM keys OFFSET 0) p ON f.medium = p.medium WHERE f.large > o.k OFFSET 0) s WHERE o.k < 8", 1) if $choice == 13;
	return ("SELECT $shown FROM %s f JOIN keys p USING (medium) JOIN $o o ON $join WHERE true$mine$theirs", 1) if $choice == 14 && $join !~ /medium/ && $shown !~ /\*/;

	# what is aggregated; the reader may do that below the join
	my @group = grep { rand() < 0.4 } qw(o.word f.word o.small f.flag f.day f.code), 'f.medium / 7', 'f.medium % 5 + o.k';
	my $aggregates = join(', ', map { $_ . ' AS a' . int(rand(1e9)) } 'count(*)', grep { rand() < 0.4 } 'sum(f.large::numeric)', 'sum(f.medium)', 'max(f.medium)', 'avg(f.small)', 'min(f.address)', 'count(f.word)',
		'count(*) FILTER (WHERE f.medium > 20)', 'stddev(f.small)', 'bool_and(f.flag)', 'count(DISTINCT f.word)', 'max(o.k)', 'sum(f.medium + 1)');
	my $having = one_of('', '', ' HAVING count(*) > 3', ' HAVING max(f.medium) > 40');

	$aggregates =~ s/, (max\(o\.k\)|count\(DISTINCT f\.word\)) AS a\d+// if rand() < 0.8;
	return ('SELECT ' . join(', ', (map { "$group[$_] AS k$_" } 0 .. $#group), $aggregates) . " FROM %s f JOIN $o o ON $join WHERE true$mine$theirs" . (@group > 0 ? ' GROUP BY ' . join(', ', @group) : '') . $having, $known) if rand() < 0.5;
	@group = grep { !/o\./ } @group;
	$aggregates =~ s/, max\(o\.k\) AS a\d+//;
	return ('SELECT ' . join(', ', (map { "$group[$_] AS k$_" } 0 .. $#group), $aggregates) . " FROM %s f WHERE EXISTS (SELECT FROM $o o WHERE $join$theirs)$mine" . (@group > 0 ? ' GROUP BY ' . join(', ', @group) : '') . $having, $known);
}

create_compare($node, 'enable_runtime_sets', ' Runtime Set: ', raises => 'invalid_text_representation OR division_by_zero');

my @settings = (
	'SELECT',
	'SET enable_mergejoin = off; SET enable_nestloop = off',
	'SET flowlog_fdw.enable_expressions = off; SET enable_nestloop = off',
	q{SET work_mem = '64kB'; SET hash_mem_multiplier = 1; SET enable_nestloop = off; SET enable_mergejoin = off},
	'SET plan_cache_mode = force_generic_plan; SET enable_hashagg = off; SET enable_memoize = off; SET enable_nestloop = off',
	(map { "SET max_parallel_workers_per_gather = $_; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_nestloop = off; SET enable_mergejoin = off" } 1 .. 3),
	'SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = off; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_nestloop = off');
my @tables = qw(clean clean nulled left_out nothing parted parted several hidden);
my ($asked, $pushed) = (0, 0);

foreach my $settings (@settings)
{
	my $different = count_differences($node, $settings, $queries / @settings, \&random_query, \@tables, sub {
		my ($query, $table, $pushable, $was_pushed) = @_;

		return if !$pushable || $was_pushed eq '' || $table =~ /nothing/ || $settings eq 'SELECT' || $settings =~ /expressions/;
		$asked++;
		$pushed += $was_pushed eq 't';
	});
	is($different, 0, "the same rows: $settings");
}
cmp_ok($pushed, '>', $asked / 3, "many queries that can have a set do ($pushed of $asked)");

# ---------- which queries have sets, and what EXPLAIN says ----------

my $plans = 'SET enable_mergejoin = off; SET enable_nestloop = off';
my $session = FlowLogSession->new($node);

sub plan_of
{
	return $session->safe_query("EXPLAIN (COSTS OFF) $_[0]");
}

like($node->safe_psql('postgres', 'EXPLAIN (COSTS OFF) SELECT n FROM clean WHERE medium IN (SELECT medium FROM keys)'), qr/Runtime Set: medium\n/, 'the first statement of a session has sets');
$session->safe_query($plans);
like($session->safe_query('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT n FROM clean WHERE medium IN (SELECT medium FROM keys)'), qr/Runtime Set: medium \(49 values\)/, 'EXPLAIN ANALYZE counts the values');
like(plan_of($_), qr/Runtime Set: /, $_) foreach (
	'SELECT f.n FROM clean f JOIN keys o ON f.medium = o.medium', 'SELECT f.n FROM clean f WHERE EXISTS (SELECT FROM keys o WHERE o.large = f.medium)', 'SELECT n FROM clean WHERE word IN (SELECT word FROM keys)',
	'SELECT n FROM clean WHERE host::inet IN (SELECT address FROM keys)', 'SELECT n FROM clean WHERE address IN (SELECT address FROM keys)', 'SELECT n FROM clean WHERE host IN (SELECT host FROM keys)',
	'SELECT n FROM clean WHERE medium IN (SELECT small + 1 FROM keys)', 'SELECT o.k, f.n FROM keys o LEFT JOIN clean f ON f.medium = o.medium', 'SELECT n FROM clean WHERE medium IN (SELECT decimal FROM keys)',
	'SELECT f.n FROM clean f JOIN keys o ON f.medium = o.medium AND f.small = o.small AND f.large > o.large',
	'SELECT k FROM keys o WHERE EXISTS (SELECT FROM clean f WHERE f.medium = o.medium)', 'SELECT k FROM keys o WHERE NOT EXISTS (SELECT FROM clean f WHERE f.medium = o.medium AND f.large > o.large)',
	'SELECT k FROM keys o WHERE NOT EXISTS (SELECT FROM parted f WHERE f.medium = o.medium)');
foreach my $query ('SELECT n FROM %s WHERE medium IN (SELECT medium FROM keys)', 'SELECT f.n FROM %s f JOIN keys o ON f.medium = o.medium', 'SELECT o.k, f.n FROM keys o LEFT JOIN %s f ON f.medium = o.medium')
{
	is(() = plan_of(sprintf($query, 'parted')) =~ /Runtime Set: medium\n/g, 2, "in each partition: $query");
	is(() = plan_of(sprintf($query, 'several')) =~ /Runtime Set: medium\n/g, 2, "in each branch: $query");
}
unlike(plan_of($_), qr/Runtime Set: /, $_) foreach (
	'SELECT f.n FROM clean f LEFT JOIN keys o ON f.medium = o.medium', 'SELECT f.n FROM clean f FULL JOIN keys o ON f.medium = o.medium', 'SELECT n FROM clean f WHERE NOT EXISTS (SELECT FROM keys o WHERE o.medium = f.medium)',
	($lenient ? 'SELECT n FROM clean WHERE word IN (SELECT lenient FROM keys)' : ()), 'SELECT n FROM clean WHERE medium + 1 IN (SELECT medium FROM keys)', 'SELECT f.n FROM clean f JOIN keys o ON f.medium = o.medium + (random() * 0)::int',
	'SELECT f.n FROM clean f JOIN keys o ON f.medium < o.medium', 'SELECT n FROM clean WHERE medium IN (SELECT i FROM generate_series(1, 10000000) i)');
unlike($session->safe_query('SET flowlog_fdw.enable_runtime_sets = off; EXPLAIN (COSTS OFF) SELECT n FROM clean WHERE medium IN (SELECT medium FROM keys)'), qr/Runtime Set/, 'nor if they are turned off');
$session->safe_query('SET flowlog_fdw.enable_runtime_sets = on');
like(plan_of('SELECT o.word, count(*), sum(f.large) FROM clean f JOIN keys o ON f.medium = o.medium GROUP BY o.word'), qr/Finalize.*Hash Join.*Pushed Group Key: medium.*Runtime Set: medium/s, 'the reader aggregates below a join');
like(plan_of('SELECT count(*) FROM clean WHERE word IN (SELECT word FROM keys)'), qr/Finalize.*Hash Semi Join.*Pushed Group Key: word.*Runtime Set: word/s, 'and below a semi-join');
unlike(plan_of($_), qr/Finalize/, $_) foreach (
	'SELECT count(*), max(o.k) FROM clean f JOIN keys o ON f.medium = o.medium', 'SELECT count(DISTINCT f.word) FROM clean f JOIN keys o ON f.medium = o.medium', 'SELECT o.word, count(*) FROM clean f JOIN keys o ON f.medium = o.medium GROUP BY ROLLUP (o.word)',
	'SELECT count(*) FROM clean f JOIN keys o ON f.medium = o.medium AND random() < 2', q{SELECT count(*) FROM clean f JOIN keys o ON f.medium = o.medium WHERE md5(random()::text || f.word) < 'g'});

# an expression that the join does not evaluate, as the row has a NULL before
foreach my $equalities ('f.medium = o.medium AND f.small = 100 / o.small', 'f.medium + 1 = o.medium AND f.small = 100 / o.small')
{
	my $join = "JOIN (VALUES (NULL, 0), (5, 50)) o (medium, small) ON $equalities";

	like(plan_of("SELECT count(*) FROM clean f $join"), qr/Runtime Set: /, "it has a set: $equalities");
	is($session->safe_query("SELECT count(*) FROM clean f $join"), $session->safe_query("SELECT count(*) FROM clean_heap f $join"), 'and no error');
}

# NOT IN, and IN in a branch, but of nothing that may not run twice
$session->safe_query('CREATE SEQUENCE numbers');
like(plan_of($_), qr/Pushed Filter: .*SubPlan/, $_) foreach (
	'SELECT n FROM clean WHERE medium NOT IN (SELECT medium FROM keys)', 'SELECT n FROM clean WHERE medium IN (SELECT small FROM keys) OR word IN (SELECT word FROM keys)',
	'SELECT count(*) FROM clean WHERE address NOT IN (SELECT address FROM keys)', 'SELECT n FROM clean WHERE lower(word) NOT IN (SELECT word FROM keys)', 'SELECT n FROM clean WHERE host::inet NOT IN (SELECT address FROM keys)');
unlike(plan_of($_), qr/Pushed Filter: .*SubPlan/, $_) foreach (
	'SELECT n FROM clean f WHERE medium NOT IN (SELECT medium FROM keys o WHERE o.k > f.small)', 'SELECT n FROM clean f WHERE medium + small NOT IN (SELECT medium FROM keys o)', 'SELECT n FROM clean WHERE medium > ALL (SELECT medium FROM keys)',
	'SELECT n FROM clean WHERE (medium, small) NOT IN (SELECT medium, small FROM keys)', 'SELECT count(*) FILTER (WHERE medium IN (SELECT medium FROM keys)) FROM clean',
	q{SELECT n FROM clean WHERE medium NOT IN (SELECT nextval('numbers') FROM keys)}, q{SELECT n FROM clean WHERE medium NOT IN (SELECT medium FROM keys WHERE k NOT IN (SELECT nextval('numbers') FROM keys))});
is($session->safe_query("SELECT count(*) FROM clean WHERE $_->[0]"), $session->safe_query("SELECT count(*) FROM clean_heap WHERE $_->[0]"), $_->[1]) foreach (
	[ 'medium NOT IN (SELECT medium FROM nobody)', 'NOT IN nothing' ], [ 'medium NOT IN (SELECT medium FROM nulls)', 'NOT IN NULLs' ], [ 'medium NOT IN (SELECT medium FROM keys)', 'NOT IN, with NULLs' ],
	[ 'medium NOT IN (SELECT medium FROM keys WHERE medium IS NOT NULL)', 'NOT IN, without NULLs' ], [ 'medium NOT IN (SELECT decimal FROM keys WHERE decimal IN (0.5, 4.5))', 'NOT IN what no integer is' ],
	[ '(medium IN (SELECT decimal FROM keys WHERE decimal = 0.5)) IS NULL', 'IN what no integer is' ]);
like($session->query('SELECT n FROM clean WHERE medium IS NOT NULL AND medium NOT IN (SELECT 1000 / (k - 1) FROM keys)') . $session->error, qr/division by zero/, 'an error of a subplan');
is($session->safe_query('SELECT count(*) FROM clean WHERE n < 0 AND (flag OR medium NOT IN (SELECT 1000 / (k - 1) FROM keys))'), '0', 'that no record needs');
$session->safe_query(q{SET work_mem = '64kB'; SET hash_mem_multiplier = 1; CREATE TEMP TABLE big AS SELECT i FROM generate_series(1000, 3000) i; ANALYZE big});
is($session->safe_query('SELECT count(*) FROM clean WHERE medium NOT IN (SELECT i FROM big)'), $session->safe_query('SELECT count(*) FROM clean_heap WHERE medium NOT IN (SELECT i FROM big)'), 'a set that does not fit');
$session->safe_query('RESET work_mem; RESET hash_mem_multiplier');

# fewer rows leave the reader
cmp_ok($session->safe_query('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT n FROM clean WHERE medium IN (SELECT medium FROM keys WHERE k < 3)') =~ /Foreign Scan on clean \(actual rows=(\d+)/ ? $1 : 1e9, '<', 300, 'few rows of 2,000 leave the reader');

# ---------- parameters, cursors, and scans that begin again ----------

# The same answers with and without, and over a copy
sub same
{
	return same_answers($session, 'enable_runtime_sets', @_);
}

foreach my $mode ('force_generic_plan', 'force_custom_plan')
{
	$session->safe_query("SET plan_cache_mode = $mode");
	same("prepared, $mode", sub { "PREPARE q(int) AS SELECT n FROM $_[0] WHERE medium IN (SELECT medium FROM keys WHERE k < \$1) ORDER BY n" }, map { "EXECUTE q($_)" } 3, 50, 0, 'NULL', 10, 3);
	same("groups, prepared, $mode", sub { "PREPARE q(int) AS SELECT o.word, sum(f.large::numeric), count(*) FROM $_[0] f JOIN keys o ON f.medium = o.medium WHERE k < \$1 GROUP BY 1 ORDER BY 1" }, map { "EXECUTE q($_)" } 3, 50, 0, 'NULL', 10, 3);
}
$session->safe_query('RESET plan_cache_mode; SET enable_memoize = off; SET enable_material = off');
same('a cursor', sub { 'SELECT' }, 'BEGIN; DECLARE c CURSOR FOR SELECT f.n FROM %s f JOIN keys o ON f.medium = o.medium ORDER BY f.n, o.k; FETCH 5 FROM c', 'FETCH 3 FROM c', 'FETCH ALL FROM c', 'COMMIT');
my @again = map { my $limit = $_; (
	"SELECT o.k, s.n FROM keys o, LATERAL (SELECT f.n FROM %s f WHERE f.medium IN (SELECT p.medium FROM keys p WHERE p.k % 4 = o.k % 4 OFFSET 0) $limit) s WHERE o.k < 8 ORDER BY 1, 2",
	"SELECT o.k, s.n FROM keys o, LATERAL (SELECT f.n FROM %s f WHERE f.large > o.k AND f.medium IN (SELECT p.medium FROM keys p WHERE p.k % 4 = o.k % 4 OFFSET 0) $limit) s WHERE o.k < 8 ORDER BY 1, 2",
	"SELECT o.k, s.n FROM keys o, LATERAL (SELECT f.n FROM %s f WHERE f.large > o.k AND f.medium IN (SELECT p.medium FROM keys p OFFSET 2) $limit) s WHERE o.k < 8 ORDER BY 1, 2",
	"SELECT o.k, s.n FROM keys o LEFT JOIN (SELECT f.n FROM %s f WHERE f.medium IN (SELECT p.medium FROM keys p OFFSET 2) $limit) s ON s.n % 50 < o.k WHERE o.k < 8 ORDER BY 1, 2",
	"SELECT o.k, (SELECT count(*) FROM (SELECT FROM %s f JOIN keys p ON f.medium = p.medium WHERE p.k > o.k AND f.small > o.small $limit) s) FROM keys o WHERE o.k < 12 ORDER BY 1",
	"SELECT o.k, s.* FROM keys o, LATERAL (SELECT p.word, count(*), sum(f.medium) FROM %s f JOIN keys p ON f.medium = p.medium WHERE p.k > o.k GROUP BY 1 $limit) s WHERE o.k < 8 ORDER BY 1, 2, 3, 4",
	"SELECT o.k, s.* FROM keys o, LATERAL (SELECT p.word, count(*), sum(f.medium) FROM %s f JOIN keys p ON f.medium = p.medium WHERE f.small > o.k GROUP BY 1 $limit) s WHERE o.k < 8 ORDER BY 1, 2, 3, 4",
	"SELECT o.k, (SELECT count(*) FROM (SELECT FROM %s f WHERE f.medium NOT IN (SELECT p.medium FROM keys p WHERE p.k > o.k AND p.medium IS NOT NULL) $limit) s) FROM keys o WHERE o.k < 12 ORDER BY 1",
	"SELECT o.k, (SELECT count(*) FROM %s f WHERE f.small > o.k AND (f.flag OR f.medium IN (SELECT p.medium FROM keys p))) FROM keys o WHERE o.k < 12 ORDER BY 1",
	"SELECT o.k, (SELECT count(*) FROM (SELECT FROM %s f WHERE f.medium NOT IN (SELECT i FROM generate_series(o.k, 5000) i) $limit) s) FROM keys o WHERE o.k < 12 ORDER BY 1",
	"SELECT o.k, (SELECT count(*) FROM (SELECT FROM keys p WHERE EXISTS (SELECT FROM %s f WHERE f.medium = p.medium AND f.small > o.small) $limit) s) FROM keys o WHERE o.k < 12 ORDER BY 1",
	"SELECT o.k, (SELECT count(*) FROM (SELECT FROM keys p WHERE p.k > o.k AND NOT EXISTS (SELECT FROM %s f WHERE f.medium = p.medium) $limit) s) FROM keys o WHERE o.k < 12 ORDER BY 1",
	"SELECT o.k, s.k FROM keys o LEFT JOIN (SELECT p.k FROM keys p WHERE EXISTS (SELECT FROM %s f WHERE f.medium = p.medium) OFFSET 0) s ON s.k % 5 < o.k WHERE o.k < 8 ORDER BY 1, 2",
	"SELECT n FROM %s WHERE medium IN (SELECT medium FROM keys WHERE k > (SELECT avg(k) FROM keys)) ORDER BY n") } ('OFFSET 0', 'ORDER BY 1 LIMIT 5');
foreach my $memory ('RESET work_mem', q{SET work_mem = '64kB'})
{
	$session->safe_query($memory);
	same("scans that begin again, $memory", sub { 'SET enable_nestloop = on' }, @again);
	same("the same, $memory", sub { 'SET enable_nestloop = off' }, @again);
}
$session->safe_query('RESET work_mem; SET enable_nestloop = on; SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_nestloop = off');
foreach my $leader ('on', 'off')
{
	$session->safe_query("SET parallel_leader_participation = $leader");
	like(plan_of('SELECT n FROM clean WHERE medium IN (SELECT medium FROM keys)'), qr/Gather.*Parallel Foreign Scan.*Runtime Set: medium/s, "workers, leader $leader");
	same("workers, leader $leader", sub { 'SELECT' }, @again);
}
$session->safe_query('RESET max_parallel_workers_per_gather; SET enable_nestloop = on');

# ---------- rows that change meanwhile ----------

foreach my $table ('clean', 'clean_heap')
{
	my $writer = FlowLogSession->new($node);
	my $reader = FlowLogSession->new($node);
	my $join = "SELECT f.n, o.k, o.medium FROM $table f JOIN changed o ON f.medium = o.medium";
	my @answers;

	foreach my $query ("$join ORDER BY f.n FOR UPDATE OF o", "$join WHERE o.k IN (SELECT s.k FROM keys s JOIN $table t ON t.small = s.small) ORDER BY f.n FOR UPDATE OF o",
		"SELECT o.k, o.medium FROM changed o WHERE EXISTS (SELECT FROM $table f WHERE f.medium = o.medium) ORDER BY o.k FOR UPDATE",
		"SELECT o.k, o.medium FROM changed o WHERE NOT EXISTS (SELECT FROM $table f WHERE f.medium = o.medium + 1000) ORDER BY o.k FOR UPDATE",
		"SELECT o.k, o.medium, (SELECT count(*) FROM $table f JOIN keys p ON p.medium = f.medium WHERE p.k < o.k) FROM changed o ORDER BY 1 FOR UPDATE")
	{
		$writer->safe_query('DROP TABLE IF EXISTS changed; CREATE TABLE changed AS SELECT k, medium FROM keys WHERE k IN (1, 2, 3, 14); ANALYZE changed; BEGIN; UPDATE changed SET medium = medium + 40 WHERE k = 2; UPDATE changed SET k = 9 WHERE k = 14');
		$reader->safe_query($plans);
		$reader->send_sql($query);
		$node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'}) or die 'it does not wait';
		$writer->safe_query('COMMIT');
		push @answers, $reader->finish;
	}
	is($answers[$_] eq '' ? 'nothing' : 'rows', 'rows', "$table: rows that change, query $_") foreach 0 .. $#answers;
	our @first;
	@first = @answers if $table eq 'clean';
	is_deeply(\@answers, \@first, 'the same of the table and its copy') if $table ne 'clean';
	$_->quit foreach $writer, $reader;
}

# ---------- limits, and statements that are stopped ----------

$node->safe_psql('postgres', 'CREATE TABLE large AS SELECT i AS medium, i AS k FROM generate_series(1, 60000) i; ANALYZE large;');
foreach my $query ('SELECT count(*) FROM clean f JOIN large l USING (medium)', 'SELECT f.n FROM clean f WHERE medium IN (SELECT medium FROM large)')
{
	my @outcomes;

	$session->safe_query($plans);
	push @outcomes, $session->query("SET work_mem = '64kB'; SET flowlog_fdw.enable_runtime_sets = $_; SET temp_file_limit = '1MB'; $query") . $session->error foreach 'on', 'off';
	like($outcomes[0], qr/^\d|temporary file/, "a limit of temporary files: $query");
	$session->safe_query(q{RESET work_mem; RESET temp_file_limit; SET flowlog_fdw.enable_runtime_sets = on});
	my $whole = $session->safe_query($query);
	my $stopped = 0;

	foreach my $milliseconds (1 .. 25)
	{
		my $answer = $session->query("SET statement_timeout = $milliseconds; $query");

		$stopped++ if $session->error =~ /statement timeout/;
		is($answer, $whole, 'a statement that was not stopped in time') if $session->error eq '' && $answer ne $whole;
	}
	$session->query('SET statement_timeout = 0');
	cmp_ok($stopped, '>', 0, 'some were stopped');
	is($session->safe_query($query), $whole, 'and the next one is right');
}
$session->quit;

$node->stop;
done_testing();
