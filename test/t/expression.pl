# Expressions that the reader computes: random ones, in conditions, keys, arguments and filters of aggregates, have the
# values, or the error, that PostgreSQL alone finds over the same table and over an ordinary one.
#
# FLOWLOG_RANDOM_QUERIES is the number of random queries, FLOWLOG_SEED where they begin.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;

my $queries = $ENV{FLOWLOG_RANDOM_QUERIES} // ($long ? 4000 : 400);
my $seed = $ENV{FLOWLOG_SEED} // 20261129;
my $batch = 50;
srand($seed);

my $logs = PostgreSQL::Test::Utils::tempdir('logs');
my $node = start_node('expression', conf => "jit = off\nfsync = off\nlog_min_error_statement = panic\nlog_min_messages = fatal\nTimeZone = 'America/New_York'\n$FlowLog::eager_workers");

sub one_of { return $_[ int(rand(@_)) ]; }

# ---------- the data ----------

# NULLs, small numbers that meet often, and the ends of each type
sub number
{
	my ($bits) = @_;
	my $most = { 16 => 32767, 32 => 2147483647, 64 => '9223372036854775807' }->{$bits};
	my $least = { 16 => -32768, 32 => -2147483648, 64 => '-9223372036854775808' }->{$bits};
	my $which = rand();

	return '-' if $which < 0.1;
	return int(rand(7)) - 2 if $which < 0.7;
	return one_of($most, $least, $most) if $which < 0.74;
	return one_of(int(rand(30000)), -int(rand(30000)), '007', '+5');
}

sub address
{
	return rand() < 0.1 ? '-' : one_of('10.0.0.1', '10.0.0.2', '2001:db8::1', '2001:DB8::1', '::ffff:10.0.0.1', '10.0.0.1/24');
}

# times of two days, and of all years; near to changes of New York's clocks, and where these are not known to the reader
sub moment_field
{
	return '-' if rand() < 0.1;
	return 1769731200 + int(rand(100000)) if rand() < 0.7;
	return one_of(1762063200, 1772953200, 1793512800) + int(rand(14400)) - 7200 if rand() < 0.3;
	return one_of('1969-12-31T23:59:59.5Z', '1970-01-01T00:00:00Z', '2100-01-01T03:00:00Z', '2150-06-01T12:34:56Z', '0099-03-01T00:00:00Z') if rand() < 0.2;
	return int(rand(2147483647));
}

# texts, most of which are addresses
sub place
{
	return one_of('nowhere', '10.0.0.1/24', '10.1', '') if rand() < 0.005;
	return rand() < 0.1 ? '-' : one_of('10.0.0.1', '10.0.0.2', '10.200.3.4', '192.168.1.1', '198.51.100.7', '2001:db8::1', '2001:DB8:0::1', '::ffff:10.0.0.1', '::ffff:a00:2');
}

sub record
{
	return join(';', number(16), number(32), number(64), number(64), rand() < 0.1 ? '-' : one_of('t', 'f', 'true'),
		rand() < 0.1 ? '-' : one_of('ACCEPT', 'REJECT', '10.0.0.1', '10.2.0.1', 'a%b', 'a_b', "\xc3\xa4b", 'x', 'NODATA'),
		moment_field(), rand() < 0.1 ? '-' : int(rand(400)) + 1769731200,
		rand() < 0.1 ? '-' : one_of('ACCEPT', 'x', 'y.z', '10.0.0.1', '', 'NODATA'), address(), address(), rand() < 0.2 ? '-' : one_of('10.0.0.0/8', '10.0.0.1', '2001:db8::/32'), place()) . "\n";
}

my $definition = 'small smallint, medium int, large bigint, big bigint, flag boolean, word text, moment timestamptz, seconds bigint, other varchar(8), near inet, far inet, net cidr, place text';
my $pattern = '([^;]*)' . ';([^;]*)' x 12;
mkdir "$logs/calm";
mkdir "$logs/wild";
mkdir "$logs/bad";
write_file("$logs/calm/$_.log", map { join(';', map { /^-?\d{6,}$/ && !/^17697/ ? 9 : s/^(?:nowhere|10\.0\.0\.1\/24|10\.1|)$/-/r } split(/;/, record(), -1)) } 1 .. 900) foreach 1 .. 3;
write_file("$logs/wild/$_.log", map { record() } 1 .. 300) foreach 1 .. 2;
# records with bad fields, and lines that are no records
write_file("$logs/bad/$_.log", map { (rand() < 0.1 ? record() =~ s/;\K(?:\d+|-)(?=;)/one_of('x', '99999999999999999999', '')/er =~ s/;y\.z;/;too long for it;/r : record(), rand() < 0.02 ? "no record\n" : ()) } 1 .. 300) foreach 1 .. 2;
my %place = (calm => [ 'calm', 'stop' ], wild => [ 'wild', 'stop' ], nulled => [ 'bad', 'set_null' ], left_out => [ 'bad', 'ignore' ]);
foreach my $name (sort keys %place)
{
	create_table($node, $name, "$logs/$place{$name}[0]", columns => $definition, regex => $pattern, on_error => $place{$name}[1], log_verbosity => 'silent');
	$node->safe_psql('postgres', "CREATE TABLE ${name}_heap AS SELECT * FROM $name");
}

# ---------- the queries ----------

my @ints = ('small', 'medium', 'large', 'big');

sub integer
{
	my ($depth) = @_;

	return one_of(@ints, @ints, map { "$_" } -1, 0, 1, 2, 300, '32767::int2', '5::int8', 'NULL::int') if $depth <= 0 || rand() < 0.2;
	return one_of(
		sub { '(' . integer($depth - 1) . one_of(' + ', ' - ', ' * ') . integer($depth - 1) . ')' },
		sub { '(' . integer($depth - 1) . one_of(' / ', ' % ') . one_of('3', '300', integer($depth - 1)) . ')' },
		sub { one_of('abs', '-', '') . '(' . integer($depth - 1) . ')' },
		sub { '(' . integer($depth - 1) . ')::' . one_of('int2', 'int4', 'int8') },
		sub { '(' . integer($depth - 1) . '::int8 ' . one_of('&', '|', '#') . ' ' . integer($depth - 1) . '::int8)' },
		sub { 'bitwise_' . one_of('and', 'or', 'xor') . '(' . integer($depth - 1) . ', ' . integer($depth - 1) . ')' },
		sub { one_of('(~ ', '(bitwise_not') . '(' . integer($depth - 1) . '))' },
		sub { '(' . one_of(@ints) . one_of(' << ', ' >> ') . one_of(1, 8, 15, 31, 33, -1, 'small::int', 'medium') . ')' },
		sub { 'coalesce(' . integer($depth - 1) . ', ' . integer($depth - 1) . ')' },
		\&remembered_integer,
		sub { 'CASE WHEN ' . condition($depth - 1) . ' THEN ' . integer($depth - 1) . one_of('', ' ELSE ' . integer($depth - 1)) . ' END' },
		sub { 'CASE ' . one_of(@ints) . ' WHEN ' . integer(0) . ' THEN ' . integer($depth - 1) . ' WHEN 1 THEN 2 ELSE ' . integer($depth - 1) . ' END' })->();
}

# what PostgreSQL computes once for each value of a column; some of it fails for some words
sub remembered_integer
{
	return 'extract(' . one_of('minute', 'hour', 'day', 'dow', 'isodow', 'doy', 'month', 'quarter', 'year', 'week') . ' FROM ' . one_of(moment(), moment() . ' AT TIME ZONE ' . quoted(one_of('UTC', 'Europe/Berlin'))) . ')::' . one_of('int', 'bigint') if rand() < 0.3;
	return one_of('length(word)', "strpos(word, 'E')", 'ascii(word)', 'length(small::text)', 'length(word || word)', "position('.' in word)", 'picky(word)',
		'extract(minute FROM moment)::int', "to_char(moment, 'DDD')::int", 'float8(big)::int8', "CASE WHEN word ~ '^1' THEN 1 ELSE length(word) END", 'extract(dow FROM to_timestamp(seconds))::int');
}

sub address_condition
{
	my $network = one_of('10.0.0.0/8', '10.0.0.0/24', '10.0.0.1', '::ffff:10.0.0.0/104', '2001:db8::/32', '0.0.0.0/0', '::/0');
	my $address = one_of('place::inet', 'place::inet', 'place::ipaddress', "nullif(place, '-')::ipaddress", "nullif(place, 'x')::inet", 'near', 'net');

	return "contains('" . one_of('10.0.0.0/8', '10.0.0.0/24', '0.0.0.0/0', '2001:db8::/32', '::ffff:10.0.0.0/8', '::/0', '10.0.0.1/8') . "', $address)" if rand() < 0.4;
	return "($address = '$network' OR $address = '10.0.0.2' OR $address = '2001:db8::1')" if rand() < 0.1;
	return "$address " . one_of('IN', 'NOT IN') . " ('$network', '10.0.0.2', '192.168.1.1'" . one_of('', '', ', NULL') . ')' if rand() < 0.2;
	return "$address <<= ANY ('{$network,192.168.0.0/16}'::inet[])" if rand() < 0.2;
	return "'$network' " . one_of('>>=', '=', '>', '&&') . " $address" if rand() < 0.2;
	return "$address " . one_of('<<', '<<=', '>>', '&&', '=', '<>', '<', '>=') . " '$network'";
}

sub remembered_condition
{
	return one_of("word ~ '^10'", "word !~ '[A-Z]'", "word ~* 'acc'", "word ILIKE '%e%'", "word NOT ILIKE '_'", "split_part(word, '.', 1) = '10'", "upper(word) = 'A%B'", "word < 'M'", "left(word, 1) IN ('1', 'A')",
		"small::text LIKE '%1%'", "medium::text > '2'", "moment::date = '2026-01-30'", "moment > date '2026-01-30'", "to_char(moment, 'HH24') < '12'", "date_format(from_unixtime(seconds), '%H') = '10'",
		"extract(hour FROM to_timestamp(seconds)) = 20", "word IS DISTINCT FROM 'x'", 'flag IS NOT TRUE', "word::inet << '10.0.0.0/8'", 'picky(word) > 2', 'large::numeric > 2.5', 'medium::float8 * 1.5 > 3', "starts_with(word, '10')", "word ^@ 'a%'", "starts_with(word, 'a_')", "starts_with(place, '')",
		"concat(word, '!') = 'x!'", "word || 'x' = 'xx'", "coalesce(word, 'none') = 'none'", "nullif(word, 'x') IS NULL", "length(word) > small", "(word ~ 'E' OR word ~ '0')", "picky(word) = 3 OR word ~ 'O'", "1 / (length(word) - 1) = 0");
}

sub text
{
	my ($depth) = (@_, 1);

	return one_of('word', 'other', 'other', "'x'", 'NULL::text') if $depth <= 0 || rand() < 0.3;
	return one_of(
		sub { '(' . text($depth - 1) . ' || ' . one_of(text($depth - 1), "'-'", 'small::text') . ')' },
		sub { 'concat(' . text($depth - 1) . ', ' . one_of(text($depth - 1), integer(0), 'flag', 'near', 'NULL', "':', big") . ')' },
		sub { 'concat_ws(' . one_of("'-'", "', '", 'word', "''", 'NULL') . ', ' . join(', ', map { one_of(text($depth - 1), integer(0), 'flag', 'far', 'NULL', 'net::inet') } 0 .. int(rand(3))) . ')' },
		sub { '(' . integer($depth - 1) . ')::' . one_of('text', 'varchar') },
		sub { 'coalesce(' . text($depth - 1) . ', ' . text($depth - 1) . ')' },
		sub { 'CASE WHEN ' . condition($depth - 1) . ' THEN ' . text($depth - 1) . one_of('', ' ELSE ' . text($depth - 1)) . ' END' },
		sub { one_of('upper', 'substr') eq 'upper' ? 'upper(' . text($depth - 1) . ')' : 'substr(' . text($depth - 1) . ', 2)' },
		sub { 'split_part(' . one_of('word', 'other') . ", '.', 1)" })->();
}

sub moment
{
	return 'date_trunc(' . quoted(one_of('second', 'minute', 'hour', 'day', 'day', 'week', 'month', 'quarter', 'YEAR', 'decade')) . ', ' . moment() . one_of('', '', ", 'Australia/Lord_Howe'", ", 'UTC'", ", 'EST'") . ')' if rand() < 0.4;
	return 'date_bin(' . quoted(one_of('5 minutes', '1 day', '36 hours', '1 week')) . ', ' . moment() . ', ' . quoted(one_of('2001-01-01', '2026-01-30 12:00:07+02', '1960-01-01')) . ')' if rand() < 0.15;
	return one_of('moment', 'to_timestamp(seconds)', 'from_unixtime(seconds)', 'coalesce(moment, to_timestamp(seconds))', 'to_timestamp(' . integer(1) . ')');
}

sub condition
{
	my ($depth) = @_;

	return one_of(
		sub { integer($depth - 1) . one_of(' = ', ' <> ', ' < ', ' >= ', ' > ', ' <= ') . integer($depth - 1) },
		sub { integer($depth - 1) . one_of(' = ', ' > ') . one_of('0', '1', '443') },
		sub { one_of('flag', 'NOT flag', 'flag IS NULL', "word = 'REJECT'", "word <> 'ACCEPT'", 'small IN (1, 2)', 'medium > ANY (ARRAY[1, 5])', 'word IS NOT NULL') },
		sub { 'word ' . one_of('', 'NOT ') . 'LIKE ' . quoted(one_of('10.%', 'R%', '%E%T', '_', '__b', 'a\\%b', 'a\\_b', '%', '', '%1', '10.%.1', '%_b%')) },
		\&remembered_condition,
		\&address_condition,
		sub { '(' . text($depth) . one_of(' = ', ' <> ', ' = ', ' < ', ' >= ') . text($depth) . ')' },
		sub { '(' . text($depth) . one_of(' < ', ' > ') . text($depth) . ' COLLATE "C")' },
		sub { one_of('word IS NULL', 'near = far', 'near <> far', 'near < far', 'far >= near', 'near <<= far', 'near = net') },
		sub { moment() . one_of(' < ', ' >= ', ' = ') . one_of("'2026-01-30 12:00'::timestamptz", moment()) },
		sub { '(' . moment() . ')::date' . one_of(' = ', ' <= ') . one_of("'2026-01-30'", '(' . moment() . ')::date') })->() if $depth <= 0 || rand() < 0.5;
	return one_of(
		sub { '(' . condition($depth - 1) . one_of(' AND ', ' OR ') . condition($depth - 1) . ')' },
		sub { 'NOT (' . condition($depth - 1) . ')' },
		sub { '(CASE WHEN ' . condition($depth - 1) . ' THEN ' . condition(0) . ' ELSE flag END)' })->();
}

sub aggregate
{
	my ($depth) = @_;
	my $text = one_of(
		sub { one_of('sum', 'min', 'max', 'avg', 'count', 'stddev', 'variance', 'var_pop', 'stddev_pop', 'sum') . '(' . integer($depth) . ')' },
		sub { one_of('bool_and', 'bool_or', 'every') . '(' . one_of('flag', integer($depth - 1) . ' > ' . integer(0)) . ')' },
		sub { one_of('min', 'max', 'count') . '(' . moment() . ')' },
		sub { 'count_if(' . condition($depth - 1) . ')' },
		sub { 'count(*)' })->();

	return $text . (rand() < 0.4 ? ' FILTER (WHERE ' . condition($depth - 1) . ')' : '');
}

sub key
{
	my ($depth) = @_;

	return one_of(sub { one_of('word', 'flag', 'small', 'moment', 'near') }, \&text, \&text, sub { integer($depth) }, sub { condition(0) }, sub { moment() },
		sub { one_of('extract(hour FROM ' . moment() . ')', 'extract(dow FROM ' . moment() . ')', '(' . moment() . ')::date', moment() . '::timestamp', "date_trunc('week', (" . moment() . ") AT TIME ZONE 'Asia/Tokyo')",
			'extract(' . one_of('minute', 'isodow', 'month', 'year') . ' FROM ' . moment() . ')', "date_trunc('minute', moment AT TIME ZONE 'UTC')", "word || '!'", 'upper(word)', "left(word, 2)", 'moment::date',
			"split_part(word, '.', 1)", "substr(word, 2)", "CASE WHEN word LIKE '10%%' THEN 'inside' WHEN small = 1 THEN word ELSE 'other' END", "coalesce(word, 'none')", "to_char(moment, 'HH24')",
			"date_format(from_unixtime(seconds), '%%H:%%i')", "regexp_replace(word, '[0-9]', '', 'g')", 'length(word)', 'picky(word)', "word ~ '^1'", 'concat(flag, small)', "concat(near, ':', small)", "word || ':' || medium", "concat_ws(':', word, other, big)", "nullif(word, 'x')") })->();
}

# %s is the table
sub query
{
	my $depth = 1 + int(rand(3));
	my $where = rand() < 0.5 ? ' WHERE ' . condition($depth) . (rand() < 0.3 ? ' AND ' . condition($depth) : '') : '';
	my @aggregates = map { aggregate($depth) } 1 .. 1 + int(rand(3));
	my @keys = map { key($depth - 1) } 1 .. int(rand(3));
	my $having = rand() < 0.2 ? ' HAVING ' . one_of('count(*) > 3', 'sum(small) > 5', 'count(*) FILTER (WHERE flag) > 1') : '';

	return "SELECT * FROM %s$where" if rand() < 0.3;
	return 'SELECT ' . join(', ', @aggregates) . " FROM %s$where$having" unless @keys;
	return 'SELECT ' . join(', ', @keys, @aggregates) . " FROM %s$where GROUP BY " . join(', ', 1 .. @keys) . $having;
}

# run() returns the rows, or what an error says.
$node->safe_psql('postgres', q{
	CREATE FUNCTION picky(word text) RETURNS int IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
	BEGIN
		IF word = 'NODATA' THEN
			RAISE EXCEPTION 'no data';
		END IF;
		RETURN nullif(length(word), 1);
	END $$;
	CREATE FUNCTION run(query text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		result text;
	BEGIN
		EXECUTE format('SELECT string_agg(x::text, E''\n'' ORDER BY x::text COLLATE "C") FROM (%s) x', query) INTO result;
		RETURN coalesce(result, 'no rows');
	EXCEPTION WHEN others THEN
		RETURN SQLSTATE || ' ' || SQLERRM;
	END $$;
	CREATE FUNCTION is_pushed(query text) RETURNS boolean LANGUAGE plpgsql AS $$
	DECLARE
		line text;
	BEGIN
		FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
			IF line ~ 'Pushed' THEN
				RETURN true;
			END IF;
		END LOOP;
		RETURN false;
	EXCEPTION WHEN others THEN
		RETURN false;
	END $$;
	-- what is wrong with a query: nothing, or how the results differ
	CREATE FUNCTION check_query(query text, name text, workers int) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		ours text;
		plain text;
		heap text := run(format(query, name || '_heap'));
		pushed boolean;
	BEGIN
		PERFORM set_config('max_parallel_workers_per_gather', workers::text, true);
		PERFORM set_config('flowlog_fdw.enable_expressions', 'on', true);
		ours := run(format(query, name));
		pushed := is_pushed(format(query, name));
		PERFORM set_config('max_parallel_workers_per_gather', '0', true);
		PERFORM set_config('flowlog_fdw.enable_expressions', 'off', true);
		plain := run(format(query, name));
		IF ours = plain AND plain = heap THEN
			RETURN CASE WHEN NOT pushed THEN 'local' WHEN ours ~ '^\w{5} ' THEN 'raised' WHEN ours = 'no rows' THEN 'empty' ELSE 'rows' END;
		END IF;
		-- which of several errors comes first depends on the order of records: workers, and groups that are sorted, change it
		IF (workers > 0 OR plain <> heap OR query LIKE '%GROUP BY%') AND left(ours, 6) ~ '^\w{5} $' AND left(plain, 6) ~ '^\w{5} $' AND left(heap, 6) ~ '^\w{5} $'
			AND (workers > 0 OR query LIKE '%GROUP BY%' OR ours = plain) THEN
			RETURN 'raised';
		END IF;
		-- without expressions, comparisons are still evaluated before other conditions, which may fail, as they may themselves
		IF ours = heap AND (left(ours, 6) ~ '^\w{5} $' OR left(plain, 6) ~ '^\w{5} $') THEN
			RETURN 'raised';
		END IF;
		RETURN 'WRONG: ' || left(ours, 300) || ' INSTEAD OF ' || left(plain, 300) || ' AND ' || left(heap, 300);
	END $$;
});

my (%found, @wrong);

for (my $first = 0; $first < $queries; $first += $batch)
{
	my @texts = map { query() } 1 .. $batch;
	my $sql = join('', map {
		my $text = quoted($_ =~ s/%(?!s)/%%/gr);
		my $name = one_of('calm', 'calm', 'calm', 'wild', 'nulled', 'left_out');
		my $workers = one_of(0, 0, 2);
		"SELECT check_query($text, '$name', $workers);\n"
	} @texts);
	my @results = grep { /^(?:WRONG|local|raised|empty|rows)/ } split(/\n/, $node->safe_psql('postgres', $sql));

	is(scalar(@results), $batch, "each of $batch queries has a result") if @results != $batch;
	foreach my $i (0 .. $#results)
	{
		$found{ $results[$i] =~ /^(\w+)/ ? $1 : '' }++;
		push @wrong, "$results[$i]: $texts[$i]" if $results[$i] =~ /^WRONG/;
	}
}
diag($_) foreach @wrong[ 0 .. ($#wrong < 9 ? $#wrong : 9) ];
is(scalar(@wrong), 0, "$queries queries with seed $seed have the results that PostgreSQL alone finds");
note(join(', ', map { "$_ $found{$_}" } sort keys %found));
cmp_ok($found{rows} // 0, '>', $queries / 4, 'many are pushed and find rows');
cmp_ok($found{raised} // 0, '>', $queries / 50, 'and some raise errors');
check_log($node);
$node->stop;
done_testing();
