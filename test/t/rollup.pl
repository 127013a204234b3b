# Aggregates in two levels: random queries of all kinds over a table of a cluster have the same rows, or the same
# error, whether they are rolled up or not.  The nodes are databases of one server, and their tables are PostgreSQL's
# own, which have more types than flow logs.
#
# FLOWLOG_RANDOM_QUERIES is the number of random queries, FLOWLOG_SEED where they begin.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $queries = $ENV{FLOWLOG_RANDOM_QUERIES} // 300;
my $seed = $ENV{FLOWLOG_SEED} // 1;
srand($seed);

my $node = start_node('rollup', conf => "log_min_messages = fatal\nlog_min_error_statement = panic\nlog_statement = none\njit = off\n");
my ($host, $port) = ($node->host, $node->port);

# ---------- the nodes ----------

my @nodes = ('n1', 'n2', 'n3');
my $types = q{
	CREATE DOMAIN small AS int CHECK (VALUE < 100000);
	CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
};
foreach my $n (0 .. $#nodes)
{
	$node->safe_psql('postgres', "CREATE DATABASE $nodes[$n]");
	$node->safe_psql($nodes[$n], "CREATE EXTENSION flowlog_fdw; $types" . qq{
		CREATE TABLE part (k int, i2 smallint, i4 int, i8 bigint, num numeric, txt text, tc text COLLATE "C", vc varchar(5), bo bool, ip inet,
			da date, ts timestamptz, dom small, mo mood, arr int[], bits bit(4), fl float8, x xid);
		INSERT INTO part SELECT $n * 2 + (g % 2), g % 5, nullif(g % 7, 3), g * 1000000007::bigint % 11, (g % 9)::numeric / 4, 't' || g % 4,
			chr(65 + g % 3), 'v' || g % 6, g % 3 = 0, ('10.0.0.' || g % 5)::inet, '2026-01-01'::date + g % 4,
			'2026-01-01 00:00+00'::timestamptz + g % 6 * interval '1 hour', g % 8, (ARRAY['sad', 'ok', 'happy'])[1 + g % 3]::mood,
			ARRAY[g % 2, g % 3], (g % 5)::bit(4), g % 4 / 2.0, (g % 3)::text::xid
			FROM generate_series(1, 60 + 7 * $n) g;
		INSERT INTO part (k) VALUES ($n * 2), ($n * 2 + 1);

		CREATE TABLE part_bits AS SELECT * FROM part;
		UPDATE part_bits SET bits = $n\::bit(4);

		-- of rows that all nodes have, those of this one's partition
		CREATE TABLE hashed (txt text) PARTITION BY HASH (txt);
		CREATE TABLE everything (LIKE part);
		INSERT INTO everything (k, i2, i4, i8, num, txt, tc, vc, bo) SELECT g % 6, g % 5, nullif(g % 7, 3), g % 11, (g % 9)::numeric / 4, 't' || g % 40,
			chr(65 + g % 3), 'v' || g % 6, g % 3 = 0 FROM generate_series(1, 200) g;
		CREATE VIEW part_hashed AS SELECT * FROM everything WHERE satisfies_hash_partition('hashed'::regclass, 3, $n, txt);
	});
}

# ---------- the cluster ----------

# Columns have other numbers in each partition, and one was dropped.
my $definition = q{k int, i2 smallint, gone int, i4 int, i8 bigint, num numeric, txt text, tc text COLLATE "C", vc varchar(5), bo bool,
	ip inet, da date, ts timestamptz, dom small, mo mood, arr int[], bits bit(4), fl float8, x xid};
my $setup = $types . q{
	CREATE EXTENSION postgres_fdw;
	CREATE SEQUENCE counter;
	CREATE FUNCTION volatile_same(int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT $1';
	CREATE FUNCTION stable_same(int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN $1; END';
	CREATE FUNCTION fixed(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 + (SELECT count(*) FROM pg_class WHERE false); END';

	-- they are called like PostgreSQL's own
	CREATE AGGREGATE public.sum(text) (SFUNC = textcat, STYPE = text, INITCOND = '');
	CREATE FUNCTION longest(text, mood, text) RETURNS text LANGUAGE sql AS $$ SELECT coalesce($1, '') || $2::text || $3 $$;
	CREATE AGGREGATE pg_catalog.max(mood, text) (SFUNC = longest, STYPE = text);
	CREATE FUNCTION count_mood(int, mood) RETURNS int LANGUAGE sql AS 'SELECT $1 + 2';
	CREATE AGGREGATE pg_catalog.count(mood) (SFUNC = count_mood, STYPE = int4, INITCOND = '1000');

	CREATE TABLE other (a int, b text);
	INSERT INTO other SELECT g, 't' || g % 4 FROM generate_series(0, 5) g;
};

# One process reads the partitions in their order, so that what depends on it is the same twice: not async_capable.
foreach my $name (@nodes)
{
	$setup .= qq{
		CREATE SERVER $name FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname '$name', extensions 'flowlog_fdw');
		CREATE USER MAPPING FOR CURRENT_USER SERVER $name;
	};
}
my %by = (by_list => 'LIST (k)', by_range => 'RANGE (k)', by_hash => 'HASH (txt)', by_two => 'RANGE (k, k, bo)', nested => 'RANGE (k)',
	by_bits => 'LIST (bits)');
foreach my $table (sort keys %by)
{
	$setup .= "CREATE TABLE $table ($definition) PARTITION BY $by{$table};\nALTER TABLE $table DROP COLUMN gone;\n";
	foreach my $n (0 .. $#nodes)
	{
		my ($parent, $from, $to) = ($table, $n * 2, $n * 2 + 2);
		my $source = { by_hash => 'part_hashed', by_bits => 'part_bits' }->{$table} // 'part';
		my %bounds = (
			by_list => "FOR VALUES IN ($from, $from + 1)",
			by_range => "FOR VALUES FROM ($from) TO ($to)",
			by_hash => "FOR VALUES WITH (MODULUS 3, REMAINDER $n)",
			by_two => "FOR VALUES FROM ($from, $from, MINVALUE) TO ($to, $to, MINVALUE)",
			nested => "FOR VALUES FROM ($from) TO ($to)",
			by_bits => sprintf("FOR VALUES IN (B'%04b')", $n));

		(my $columns = join(', ', reverse split(/,\s+/, $definition))) =~ s/gone int, //;
		$columns = "junk int, $columns" if $n == 1;
		if ($table eq 'nested')
		{
			$parent = "nested_below_$n";
			$setup .= "CREATE TABLE $parent PARTITION OF nested $bounds{nested} PARTITION BY LIST (bo);\n";
			$bounds{nested} = 'DEFAULT';
		}
		$setup .= "CREATE FOREIGN TABLE ${table}_$n ($columns) SERVER $nodes[$n] OPTIONS (table_name '$source');\n";
		$setup .= "ALTER FOREIGN TABLE ${table}_$n DROP COLUMN junk;\n" if $n == 1;
		$setup .= "ALTER TABLE $parent ATTACH PARTITION ${table}_$n $bounds{$table};\n";
	}
}
$setup .= q{
	CREATE VIEW rolled AS SELECT txt, count(*) AS n, sum(i8) AS s, avg(i4) AS a FROM by_list GROUP BY txt;
	CREATE VIEW plain AS SELECT k, txt, i4, i8 FROM by_range WHERE i4 IS NOT NULL;
	CREATE VIEW barred WITH (security_barrier) AS SELECT i2, bo, max(num) AS m, count(DISTINCT i4) AS d FROM by_two GROUP BY i2, bo;

	-- The rows of a query as text, sorted, or its error.
	CREATE FUNCTION outcome(query text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		state text;
		said text;
		answer text;
	BEGIN
		PERFORM setval('counter', 1);
		EXECUTE 'SELECT string_agg(a::text, E''\n'' ORDER BY a::text) FROM (' || query || ') a' INTO answer;
		RETURN coalesce(answer, 'no rows');
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT;
		RETURN state || ': ' || said;
	END $$;
	CREATE FUNCTION plan(query text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		line text;
		answer text := '';
	BEGIN
		FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query LOOP
			answer := answer || line || E'\n';
		END LOOP;
		RETURN answer;
	EXCEPTION WHEN OTHERS THEN
		RETURN '';
	END $$;

	-- What is different with and without the rollup; if nothing is, how the query was computed.
	CREATE FUNCTION compare(query text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		with_rollup text;
		without text;
		plan_without text;
	BEGIN
		PERFORM set_config('flowlog_fdw.enable_rollup', 'off', false);
		without := outcome(query);
		plan_without := plan(query);
		PERFORM set_config('flowlog_fdw.enable_rollup', 'on', false);
		with_rollup := outcome(query);
		IF with_rollup IS DISTINCT FROM without THEN
			RETURN 'rolled up: ' || with_rollup || E'\nas it is: ' || without;
		END IF;
		IF with_rollup LIKE 'XX%' THEN
			RETURN with_rollup;
		END IF;
		RETURN CASE WHEN with_rollup ~ '^[0-9A-Z]{5}: ' THEN 'failed' WHEN plan(query) <> plan_without THEN 'rolled' ELSE 'left' END;
	END $$;
};
$node->safe_psql('postgres', $setup);

# compare_all(QUERY...): how many were computed in which way, or were wrong; and a text about those that were wrong
sub compare_all
{
	my (@all) = @_;
	my $script = "LOAD 'flowlog_fdw'; SET client_min_messages = error;\n" . join("\n", map { 'SELECT compare(' . quoted($_) . ");\n\\echo ----" } @all);
	my @found = split(/^----\n?/m, $node->safe_psql('postgres', $script), scalar @all);
	my %count = (rolled => 0, left => 0, failed => 0, wrong => 0);

	foreach my $i (0 .. $#all)
	{
		(my $answer = $found[$i] // 'nothing') =~ s/\n*(----)?\n*\z//;
		if (!exists $count{$answer})
		{
			diag("seed $seed: $all[$i]\n$answer");
			$answer = 'wrong';
		}
		$count{$answer}++;
	}
	return \%count;
}

# ---------- queries that were wrong once, or must be of two levels ----------

foreach my $case (
	# a row with an xid can be neither sorted nor hashed, as PostgreSQL says
	[ failed => 'SELECT rp, count(*) FROM by_list rp GROUP BY rp' ],
	[ failed => 'SELECT count(DISTINCT rp) FROM by_list rp' ],
	[ left => 'SELECT count(rp) FROM by_list rp' ],
	[ left => 'SELECT tableoid, count(*) FROM by_list GROUP BY tableoid' ],
	[ left => "SELECT avg(nextval('counter')), sum(nextval('counter')) FROM by_list" ],
	[ left => "SELECT count(*) FILTER (WHERE nextval('counter') % 2 = 0) FROM by_list" ],
	[ left => 'SELECT o.a, l.* FROM other o, LATERAL (SELECT count(*) FROM by_list GROUP BY o.a + i4) l' ],
	[ left => 'SELECT count(mo) FROM by_list' ],
	[ left => 'SELECT tc, max(mo, txt ORDER BY k, txt, mo) FROM by_list GROUP BY tc' ],
	# an xid can only be hashed, a bit string only be sorted
	[ left => 'SELECT x, count(*) FROM by_bits GROUP BY x' ],
	[ rolled => 'SELECT txt, count(*) FROM by_bits GROUP BY txt' ],
	[ rolled => 'SELECT bo, count(*) FROM by_two GROUP BY bo' ],
	[ rolled => 'SELECT k AS a, k AS b, bo IS NULL, count(*) FROM by_two GROUP BY 1, 2, 3' ],
	[ rolled => 'SELECT txt, count(*), sum(i8), avg(i4), min(num), count(DISTINCT i4) FROM by_list GROUP BY txt' ],
	[ rolled => 'SELECT 1 FROM by_list HAVING count(*) > 3' ],
	[ rolled => 'SELECT * FROM rolled' ],
	[ rolled => "SELECT m, d FROM barred WHERE bo" ],
	[ rolled => 'SELECT txt FROM by_list GROUP BY txt ORDER BY count(*) FETCH FIRST 2 ROWS WITH TIES' ])
{
	my ($way, $query) = @$case;

	my $count = compare_all($query);

	is((grep { $count->{$_} } sort keys %$count)[0], $way, "$way: $query");
}

# ---------- the setting with which a query of two levels is planned ----------

$node->safe_psql('postgres', q{
	CREATE TABLE heap (k int, v int) PARTITION BY LIST (k);
	CREATE TABLE heap_1 PARTITION OF heap FOR VALUES IN (1);
	CREATE TABLE heap_2 PARTITION OF heap FOR VALUES IN (2);

	-- evaluated while a query that calls it is planned
	CREATE FUNCTION plan_another() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		PERFORM set_config('test.plan', plan('SELECT k, count(*) FROM heap GROUP BY k'), false);
		RETURN 1;
	END $$;
});

# What the setting is, and how a query over the heap is planned, after something.
sub state_after
{
	my ($sql) = @_;

	return $node->safe_psql('postgres', "LOAD 'flowlog_fdw'; SET client_min_messages = error; $sql;"
		. "SELECT current_setting('enable_partitionwise_aggregate'), plan('SELECT k, count(*) FROM heap GROUP BY k') ~ '^Append'");
}

my $two_levels = 'SELECT txt, count(*) FROM by_list GROUP BY txt';
is(state_after("DO \$\$ BEGIN PERFORM plan('$two_levels'); END \$\$"), 'off|f', 'it is as before after a query was planned');
is(state_after('DO $$ BEGIN PERFORM count(*) FROM by_list WHERE i4 = 1 / 0; EXCEPTION WHEN division_by_zero THEN END $$'), 'off|f',
	'and after planning has failed in a subtransaction');
is(state_after('BEGIN; SAVEPOINT a; \set ON_ERROR_STOP off
	EXPLAIN SELECT count(*) FROM by_list WHERE i4 = 1 / 0;
	ROLLBACK TO a'), 'off|f', 'after ROLLBACK TO');
is(state_after('\set ON_ERROR_STOP off
	EXPLAIN SELECT count(*) FROM by_list WHERE i4 = 1 / 0'), 'off|f', 'and after the end of the transaction');
is(state_after("SET enable_partitionwise_aggregate = on; DO \$\$ BEGIN PERFORM plan('$two_levels'); END \$\$"), 'on|t', 'the same if it is on');

my $inner = $node->safe_psql('postgres', qq{
	LOAD 'flowlog_fdw';
	SELECT plan('SELECT count(*) FROM by_list WHERE i4 = plan_another() GROUP BY txt') ~ 'sum|Finalize';
	SELECT current_setting('test.plan') ~ '^Append';
	SET enable_partitionwise_aggregate = on;
	SELECT plan('SELECT count(*) FROM by_list WHERE i4 = plan_another() GROUP BY txt') ~ 'sum|Finalize';
	SELECT current_setting('test.plan') ~ '^Append'});
is($inner, "t\nf\nt\nt", 'a query that is planned meanwhile is planned as the user has set it');

# ---------- random queries ----------

sub one_of
{
	return $_[ int(rand(scalar @_)) ];
}

sub chance
{
	return rand() < $_[0];
}

my @columns = qw(k i2 i4 i8 num txt tc vc bo ip da ts dom mo arr bits fl x);
my @numbers = qw(i2 i4 i8 num k dom);

sub random_key
{
	my ($t) = @_;

	return one_of(@columns) if chance(0.6);
	return one_of($t, "$t.tableoid", "$t.tableoid::regclass::text", 'volatile_same(i4)', "nextval('counter') % 3") if chance(0.12);
	return one_of('i4 % 2', 'txt || vc', 'txt COLLATE "C"', 'tc COLLATE "POSIX"', 'lower(txt)', 'k / 2', 'dom::int', 'i8 - i2', 'ROW(i2, bo)',
		"date_trunc('hour', ts)", 'ts::date', 'bo IS NULL', 'num::int', "CASE WHEN bo THEN 'a' ELSE txt END", 'arr[1]', 'coalesce(i4, -1)',
		'fixed(3)', 'stable_same(i4)', "'const'::text", 'NULL::int', '1.5', 'i4 + fixed(2)', '7::small', 'i2::small', 'txt::varchar(2)',
		"ip & inet '255.255.255.254'");
}

sub random_condition
{
	my ($t) = @_;

	return one_of("$t IS NOT NULL", "$t.ctid IS NOT NULL", 'i4 > (SELECT min(a) FROM other)', 'EXISTS (SELECT FROM other WHERE b = txt)', 'volatile_same(i4) > 1')
		if chance(0.08);
	return one_of('i4 > 2', "txt = 't1'", 'bo', 'NOT bo', 'k IN (1, 3)', 'k = 2', 'num < 2', "ip <<= '10.0.0.0/30'", 'i8 IS NOT NULL', "mo = 'ok'",
		'dom > 1', "da >= '2026-01-02'", 'i4 = stable_same(3)', 'fl < 1', 'false', 'i2 = ANY (ARRAY[1, 2])', 'arr @> ARRAY[1]', 'i4 = fixed(1)',
		"txt < 't2'", 'tc > \'A\' COLLATE "C"', '1 / nullif(i4, 0) > 0', "x::text = '1'");
}

sub random_argument
{
	my ($t) = @_;

	return one_of(@numbers) if chance(0.7);
	return one_of('volatile_same(i4)', "nextval('counter')", 'fl') if chance(0.15);
	return one_of('i4 + i2', 'i8 * 2', 'num / 3', 'fixed(i4)', 'stable_same(i4)', 'CASE WHEN bo THEN i4 END', 'length(txt)', 'i2::small', '1', 'NULL::int',
		'10 / i4', 'extract(hour FROM ts)', 'arr[2]');
}

sub random_aggregate
{
	my ($t) = @_;
	my $column = one_of(@columns);
	my $argument = random_argument($t);
	my $comparable = one_of(qw(i2 i4 i8 k txt tc vc ip da ts dom mo arr), 'txt COLLATE "C"', 'i4 + 1', 'vc || tc');
	my $usual = one_of('count(*)', 'count(*)', "count($column)", "count($argument)", "sum($argument)", "sum($argument)", "avg($argument)", "avg($argument)",
		"min($comparable)", "max($comparable)", 'bool_and(bo)', 'bool_or(i4 > 3)', 'every(bo)', 'bit_and(i4)', 'bit_or(i8)', 'bit_and(bits)',
		'count(DISTINCT i4)', 'count(DISTINCT i4)', 'sum(DISTINCT i4)', 'avg(DISTINCT i4)', 'min(fl)', 'max(fl)', 'count(NULL::int)', 'count((i2, bo))');
	my $unusual = one_of("count(DISTINCT $column)", 'max(DISTINCT txt)', "count($t)", "count($t.tableoid)", "count(DISTINCT $t)", 'sum(fl)', 'avg(fl)',
		'stddev(i4)', "string_agg(txt, ',' ORDER BY txt, k)", 'array_agg(i4 ORDER BY i4)', 'percentile_cont(0.5) WITHIN GROUP (ORDER BY i4)',
		'mode() WITHIN GROUP (ORDER BY txt)', 'rank(3) WITHIN GROUP (ORDER BY i4)', 'sum(txt ORDER BY txt, k)', 'count(mo)', 'max(mo, txt ORDER BY txt, mo, k)',
		'count(DISTINCT (i2, bo))', 'sum(i4 ORDER BY i4)', 'jsonb_agg(i4 ORDER BY i4)', 'json_build_array(VARIADIC ARRAY[sum(i4), count(*)])::text',
		'regr_count(i4, i2)');
	my $aggregate = chance(0.85) ? $usual : $unusual;

	if ($aggregate =~ /^(count|sum|avg|min|max|bool_or)\((?!DISTINCT)[^()]*(\([^()]*\))?[^()]*\)$/ && chance(0.2))
	{
		$aggregate .= ' FILTER (WHERE ' . random_condition($t) . ')';
	}
	return $aggregate;
}

# An expression over aggregates, and keys.
sub random_output
{
	my ($t, @keys) = @_;
	my $aggregate = random_aggregate($t);

	return $aggregate if chance(0.7);
	return one_of("coalesce(($aggregate)::text, 'none')", 'count(*) + coalesce(sum(i4), 0)', 'max(i4) - min(i4)', "($aggregate) IS NULL",
		'sum(i8) / nullif(count(i4), 0)', 'round(avg(num), 2)', 'CASE WHEN count(*) > 5 THEN sum(i4) END', 'array_length(ARRAY[count(*), sum(i2)], 1)',
		'rank() OVER (ORDER BY count(*), sum(i4))', 'sum(count(*)) OVER ()', 'sum(sum(i4)) OVER (PARTITION BY count(*))',
		'count(*) FILTER (WHERE count(*) > 3) OVER ()', 'ROW(count(*), max(txt))::text', 'greatest(count(*), sum(i4))', 'GROUPING(' . ($keys[0] // 'i4') . ')',
		'(SELECT count(*) FROM other)', "(SELECT max(a) + count($t.*) FROM other)", 'generate_series(1, 2)', 'fixed(2)', "nextval('counter') > 0",
		'volatile_same(1)', @keys, map { "($_)::text || 'x'" } @keys);
}

# A query over one table; "outer" is an expression of a query around it, or nothing.
sub random_single
{
	my ($table, $outer) = @_;
	my $t = chance(0.2) ? 't' : $table;
	my @keys = chance(0.2) ? () : map { random_key($t) } 1 .. 1 + int(rand(2.5));
	my @outputs = map { random_output($t, @keys) } 1 .. 1 + int(rand(3));
	my @conditions = map { random_condition($t) } 1 .. int(rand(2.2));
	my @shown = grep { chance(0.85) } @keys;
	my $n = 0;
	my $sql;

	push @keys, "$outer + i4" if $outer && chance(0.3);
	push @conditions, "i4 < $outer" if $outer && chance(0.6);
	push @outputs, "sum(i4 + $outer)" if $outer && chance(0.2);
	$sql = 'SELECT ' . (chance(0.1) ? 'DISTINCT ' : '') . join(', ', map { $n++; "$_ AS c$n" } @shown, @outputs);
	$sql .= " FROM $table" . ($t eq 't' ? ' t' : '');
	$sql .= ' TABLESAMPLE BERNOULLI (100)' if chance(0.01);
	$sql .= ' WHERE ' . join(one_of(' AND ', ' AND ', ' OR '), @conditions) if @conditions;
	if (@keys)
	{
		# a constant would be the number of a column
		my $list = join(', ', map { s/^([\d.']+.*|NULL::int|'const'::text)$/($1)/r } @keys);

		$sql .= ' GROUP BY ' . (chance(0.07) ? one_of("ROLLUP ($list)", "CUBE ($list)", "GROUPING SETS (($list), ())") : $list);
	}
	$sql .= ' HAVING ' . one_of('count(*) > 3', 'sum(i4) > 10', 'max(i8) IS NOT NULL', 'count(*) > 3 AND min(i4) < 2', 'true', 'false', '1 = 1', 'volatile_same(1) = 1',
		"nextval('counter') % 2 = 0", 'count(DISTINCT i4) > 2', 'avg(i4) < 4', map { "($_) IS NOT NULL" } @keys) if chance(0.25);
	$sql .= ' ORDER BY ' . one_of('1', '1 DESC', 'count(*), 1', join(', ', 1 .. @shown + @outputs)) if chance(0.3);
	return $sql;
}

sub random_query
{
	my $table = one_of(qw(by_list by_list by_range by_hash by_two nested by_bits));
	my $single = random_single($table);

	return $single if chance(0.6);
	return one_of(
		"WITH w AS ($single) SELECT * FROM w",
		"WITH w AS MATERIALIZED (SELECT * FROM $table) SELECT txt, count(*) FROM w GROUP BY 1",
		"SELECT count(*), max(s.c1::text) FROM ($single) s",
		'SELECT o.a, l.* FROM other o, LATERAL (' . random_single($table, 'o.a') . ') l',
		'SELECT o.a, l.* FROM other o LEFT JOIN LATERAL (' . random_single($table, 'o.a') . ') l ON true',
		"SELECT o.a, (SELECT count(*) FROM $table WHERE i4 < o.a) FROM other o",
		"SELECT o.a, (SELECT max(o.a) + count(*) FROM $table) FROM other o",
		"SELECT b FROM other WHERE b IN (SELECT txt FROM $table GROUP BY txt HAVING count(*) > 30)",
		"SELECT EXISTS ($single)",
		"SELECT c1::text FROM ($single) u UNION ALL SELECT c1::text FROM (" . random_single($table) . ') v',
		"SELECT c1::text FROM ($single) u EXCEPT SELECT c1::text FROM (" . random_single($table) . ') v',
		'SELECT * FROM rolled' . one_of('', " WHERE txt = 't1'", ' WHERE n > 30', " WHERE txt <> 't2' AND s > 5"),
		'SELECT txt, count(*), sum(i8), min(k) FROM plain GROUP BY txt',
		'SELECT * FROM barred WHERE ' . one_of('i2 = 1', 'bo', 'd > 2', 'volatile_same(i2) = 2'),
		"SELECT b, count(*) FROM other JOIN $table ON b = txt GROUP BY b",
		"SELECT a.txt, a.n, b.n FROM (SELECT txt, count(*) n FROM $table GROUP BY 1) a JOIN (SELECT txt, count(DISTINCT i4) n FROM by_list GROUP BY 1) b USING (txt)",
		"SELECT DISTINCT ON (n) txt, n FROM (SELECT txt, count(*) n FROM $table GROUP BY txt) a ORDER BY n, txt",
		"SELECT txt, count(*) FROM $table GROUP BY txt ORDER BY count(*) DESC, txt LIMIT " . int(rand(4)) . ' OFFSET 1',
		"SELECT txt, count(*) FROM $table GROUP BY txt ORDER BY sum(i4) DESC FETCH FIRST 2 ROWS WITH TIES",
		"SELECT * FROM (SELECT i4, count(*) OVER (PARTITION BY count(*)), sum(i8) FROM $table GROUP BY i4) a",
		"SELECT * FROM generate_series(1, 2) g(n), LATERAL (SELECT txt, count(*) FROM $table GROUP BY txt LIMIT g.n * 100) a",
		"WITH RECURSIVE r(n) AS (SELECT count(*) FROM $table UNION ALL SELECT n - 100 FROM r WHERE n > 100) SELECT * FROM r",
		"SELECT (SELECT array_agg(n ORDER BY n) FROM (SELECT count(*) n FROM $table GROUP BY txt) a)",
		"SELECT txt, count(*) FROM $table GROUP BY txt HAVING txt IN (SELECT b FROM other)",
		"SELECT count(*) FROM ONLY $table",
		"SELECT t.txt, count(t.*), count(DISTINCT t.i4) FROM $table t GROUP BY t.txt, t",
		"SELECT rp, count(*) FROM $table rp GROUP BY rp");
}

my %all = (rolled => 0, left => 0, failed => 0, wrong => 0);
for (my $done = 0; $done < $queries; $done += 200)
{
	my $count = compare_all(map { random_query() } 1 .. ($queries - $done < 200 ? $queries - $done : 200));

	$all{$_} += $count->{$_} foreach keys %all;
}
diag("seed $seed: " . join(', ', map { "$all{$_} $_" } sort keys %all));
is($all{wrong}, 0, "$queries random queries have the same rows, rolled up or not");
cmp_ok($all{rolled}, '>=', $queries / 10, 'and many of them are rolled up');
cmp_ok($all{failed}, '<=', $queries / 3, 'and not too many are errors');

check_log($node);
done_testing();
