# Wrong answers: the same lines as an ordinary table, made with PostgreSQL's own regular
# expressions and casts, against the foreign table; under some hundred WHERE clauses, pushed
# and not, for each way to treat errors.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $gen = abs_path(dirname(__FILE__) . '/../../bench/gen');
my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('differential', conf => "jit = off\nenable_memoize = off");

# ---------- the columns: each field as several types ----------

my $pattern = $record . '(?: (\S+))?';
my @columns = (
	# name, type, number of the field
	[ 'version', 'smallint', 1 ],
	[ 'account_id', 'text', 2 ],
	[ 'interface_id', 'varchar(40)', 3 ],
	[ 'srcaddr', 'inet', 4 ],
	[ 'dstaddr', 'inet', 5 ],
	[ 'srcport', 'integer', 6 ],
	[ 'dstport', 'integer', 7 ],
	[ 'protocol', 'smallint', 8 ],
	[ 'packets', 'bigint', 9 ],
	[ 'bytes', 'bigint', 10 ],
	[ 'start', 'timestamptz', 11 ],
	[ '"end"', 'timestamp', 12 ],
	[ 'action', 'text', 13 ],
	[ 'log_status', 'text', 14 ],
	[ 'flag', 'boolean', 15 ],
	[ 'srcnet', 'cidr', 4, 'field' ],
	[ 'srcport_n', 'numeric(8,2)', 6, 'field' ],
	[ 'dstport_r', 'real', 7, 'field' ],
	[ 'bytes_n', 'numeric', 10, 'field' ],
	[ 'bytes_d', 'double precision', 10, 'field' ],
	[ 'start_i', 'bigint', 11, 'field' ],
	[ 'start_d', 'date', 11, 'field' ],
	[ 'start_s', 'timestamp', 11, 'field' ],
	[ 'action_c', 'char(8)', 13, 'field' ],
	[ 'action_v', 'varchar(6)', 13, 'field' ]);
my $definition = join(', ', map { "$_->[0] $_->[1]" . ($_->[3] ? " OPTIONS (field '$_->[2]')" : '') } @columns);

# ---------- the data ----------

# Records of bench/gen, each with a number of its own as its account, so that one column tells rows apart.
sub numbered
{
	my ($from, @records) = @_;

	s/^(\S+) \S+/sprintf('%s %012d', $1, $from++)/e foreach @records;
	return @records;
}

system($gen, '--records', '1500', '--files', '1', '--format', 'export', '--seed', '7', "$logs") == 0
  or die "could not run \"$gen\" (make bench/gen)";
my @generated = map { s/^\S+ //r } split(/\n/, slurp_file("$logs/000000.log"));
unlink("$logs/000000.log");

# records that every column can read
my $rest = '443 1025 6 10 1000 1769731200 1769731260 ACCEPT OK';
my $traffic = '2 - eni-0 10.0.0.1 10.0.0.2';
my @clean = (
	@generated,
	'2 - eni-0 - - - - - - - 1769731200 1769731260 - NODATA',
	'2 - eni-0 - - - - - - - 1769731201 1769731260 - SKIPDATA',
	'- - - - - - - - - - - - - - -',
	(map { "2 - eni-6 $_ 2001:db8::2 $rest" } qw(2001:db8::1 2001:DB8:0:0:0:0:0:1 ::ffff:10.0.0.1 :: ::1 fe80::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff)),
	(map { "2 - eni-7 $_ 10.0.0.1/8 $rest" } qw(10.1.0.0/16 010.0.0.1 10.0.0.0/8 10.0.0.0/9 0.0.0.0/0 ::/0 2001:db8::/32 10.0.0.1/32 255.255.255.255 0.0.0.0 127.0.0.1)),
	(map { "$traffic $_ 1 1 1769731200 1769731260 REJECT OK t" } '-1 65536 6', '+5 00080 6', '999999 -2147483648 -1', '0 2147483647 32767', '-0 0 -32768'),
	(map { "$traffic 1 2 6 $_ 1769731200 1769731260 ACCEPT OK false" }
		'9223372036854775807 9223372036854775807', '-9223372036854775808 -9223372036854775808',
		'9007199254740993 9007199254740992', '9007199254740992 9007199254740993', '0 0'),
	(map { "$traffic 1 2 6 1 1 $_ 1769731260 ACCEPT OK no" } 0, 1, 86399, 86400, 2147483646, 2147483647, 2147483648, 1769731200123, 4102444800000, '01769731200'),
	(map { "$traffic 1 2 6 1 1 1769731200 1769731260 $_ OK off" } 'accept', 'ACCEP', 'ACCEPU', 'A', '0', 'Z', 'é', 'ACÉ', 'éééééé', '--', 'null'),
	"$traffic 1 2 6 1 1 1769731200 2026-01-30T00:01:00Z ACCEPT OK",
	(map { "$traffic $rest $_" } qw(t f true false yes no on off 1 0 TRUE False tr y n -)));

# lines that are no records, and records that some column cannot read
my @bad = (
	'not a record',
	"$traffic 443 1025",
	"$traffic $rest t too many",
	"$traffic  $rest",
	" $traffic $rest",
	"$traffic\t$rest",
	(map { "$_ - eni-0 10.0.0.1 10.0.0.2 $rest" } qw(x 32768 -32769 1.0 1e0 0x2 2_0 ++2)),
	(map { "2 - eni-0 $_ 10.0.0.2 $rest" } qw(10.0.0 10.0.0.256 10.0.0.1/33 10.0.0.1/8 10.1.2.3/16 2001:db8::1/32 1::2::3 host 10.0.0.1. :::)),
	(map { "2 - eni-0 10.0.0.1 $_ $rest" } qw(x 1.2.3.4.5 /8 ::/129)),
	(map { "$traffic $_ 6 10 1000 1769731200 1769731260 ACCEPT OK" } 'x 1', '1 x', '2147483648 1', '1 2147483648', '1.5 1', '1 1.5', '1e3 1', '0x10 1', '1_0 1', '1 0x10', '1 1_0', '1 inf', '1 1e40', '1000000 1', 'NaN 1', '1 NaN', '1 -Infinity'),
	(map { "$traffic 1 2 $_ 1769731200 1769731260 ACCEPT OK" } 'tcp 1 1', '32768 1 1', '6 9223372036854775808 1', '6 x 1', '6 1 x', '6 1 9223372036854775808', '6 1 1.5', '6 1 NaN', '6 1 Infinity', '6 1 -inf', '6 1 0x1p4', '6 1 0b1', '6 1 1_000', '6 1 1e400', '6 1 1e-400', '6 1 .5', '6 1 5.', '6 1 1e3'),
	(map { "$traffic 1 2 6 1 1 $_ 1769731260 ACCEPT OK" } qw(now infinity -1 2026-01-30 2026-01-30T00:00:00Z 2026-01-30T05:30:00+05:30 2026-01-30T00:00:00.123456Z
		2026-01-30T23:59:59-08:00 2026-13-01T00:00:00Z 2026-02-30T00:00:00Z 1.5 4102444800001 99999999999999999999)),
	(map { "$traffic 1 2 6 1 1 1769731200 $_ ACCEPT OK" } qw(x tomorrow 1e9)),
	(map { "$traffic 1 2 6 1 1 1769731200 1769731260 $_ OK" } 'ACCEPTED', 'ACCEPTEDX', 'ééééééé'),
	(map { "$traffic $rest $_" } qw(maybe 2 tt o 10 truee)));

my $header = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status';
@clean = numbered(1, @clean);
my @all = (@clean, numbered(100_000, @bad));

# Some files plain, some compressed; headers and empty lines between the records.
sub lay_out
{
	my ($dir, @lines) = @_;
	my $third = int(@lines / 3) + 1;

	mkdir "$logs/$dir";
	write_file("$logs/$dir/a.log", "$header\n", map { "$_\n" } splice(@lines, 0, $third));
	write_file("$logs/$dir/b.log", (map { "$_\r\n" } splice(@lines, 0, $third / 2)), "\n$header\n\n", map { "$_\n" } splice(@lines, 0, $third / 2));
	write_file("$logs/$dir/c.log", "\xEF\xBB\xBF$header\n", join("\n", @lines));
	system('gzip', "$logs/$dir/b.log") == 0 or die 'could not run gzip';
	system('zstd', '-q', '--rm', "$logs/$dir/c.log") == 0 or die 'could not run zstd';
	return;
}

lay_out('clean', @clean);
lay_out('all', @all);

# ---------- the oracle ----------

# As text, with PostgreSQL's own input functions, save where the foreign table promises less: integers and
# numerics are decimal and without "_" on every version, times are Unix or ISO 8601.
$node->safe_psql('postgres', q{
	CREATE FUNCTION read_value(value text, type text, OUT result text, OUT bad boolean) LANGUAGE plpgsql
	SET timezone = 'UTC' AS $$
	DECLARE
		kind text := split_part(type, '(', 1);
		most int := substring(type FROM '\((\d+)');
		moment timestamptz;
	BEGIN
		bad := false;
		IF value IS NULL OR value = '-' THEN
			RETURN;
		END IF;
		bad := true;
		IF kind IN ('smallint', 'integer', 'bigint') AND value !~ '^[+-]?[0-9]+$' THEN
			RETURN;
		ELSIF kind = 'numeric' AND value ~ '_|^[+-]?0[xXoObB]' THEN
			RETURN;
		ELSIF kind IN ('varchar', 'char') AND length(value) > most THEN
			RETURN;
		ELSIF kind IN ('timestamptz', 'timestamp', 'date') THEN
			IF value ~ '^[0-9]+$' THEN
				IF value::numeric > 4102444800000 THEN
					RETURN;
				END IF;
				moment := '1970-01-01 00:00+00'::timestamptz
					+ (CASE WHEN value::bigint > 2147483647 THEN value::numeric / 1000 ELSE value::numeric END) * interval '1 second';
			ELSIF value ~ '^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?$' THEN
				moment := value::timestamptz;
			ELSE
				RETURN;
			END IF;
			result := CASE kind WHEN 'timestamptz' THEN moment::text ELSE moment::timestamp::text END;
			IF kind = 'date' THEN
				result := moment::date::text;
			END IF;
		ELSE
			EXECUTE format('SELECT %L::%s::text', value, type) INTO result;
		END IF;
		bad := false;
	EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
		bad := true;
	END $$;

	CREATE TABLE lines (n int, line text);
	CREATE TABLE read_lines (n int, matched boolean, bad boolean, results text[]);
});

sub make_oracle
{
	my ($name, $on_error, @lines) = @_;
	my $types = join(', ', map { "'$_->[1]'" } @columns);
	my $fields = join(', ', map { $_->[2] } @columns);
	my $number = 0;
	my $values = join(', ', map { ++$number; "($number, " . quoted($_) . ')' } @lines);
	my $list = join(', ', map { "results[$_]::$columns[$_ - 1][1] AS $columns[$_ - 1][0]" } 1 .. @columns);
	my $where = $on_error eq 'ignore' ? 'WHERE matched AND NOT bad' : '';

	$node->safe_psql('postgres', qq{
		SET standard_conforming_strings = on;
		SET extra_float_digits = 3;
		SET timezone = 'UTC';
		TRUNCATE lines, read_lines;
		INSERT INTO lines VALUES $values;
		INSERT INTO read_lines
			SELECT n, m IS NOT NULL, v.bad, v.results
			FROM lines, regexp_match(line, '^(?:$pattern)\$') m,
				LATERAL (
					SELECT bool_or(r.bad) AS bad, array_agg(CASE WHEN NOT r.bad THEN r.result END ORDER BY i) AS results
					FROM unnest(ARRAY[$types], ARRAY[$fields]) WITH ORDINALITY c (type, field, i), read_value(m[field], type) r
				) v;
		CREATE TABLE $name AS SELECT $list FROM read_lines $where;
	});
	return;
}

make_oracle('stop_heap', 'stop', @clean);
is($node->safe_psql('postgres', 'SELECT line FROM read_lines JOIN lines USING (n) WHERE NOT matched OR bad'), '', 'the clean records are clean');
make_oracle('ignore_heap', 'ignore', @all);
is($node->safe_psql('postgres', 'SELECT line FROM read_lines JOIN lines USING (n) WHERE matched AND NOT bad AND n > ' . @clean), '', 'and the others are not');
make_oracle('set_null_heap', 'set_null', @all);

my @quiet = (log_verbosity => 'silent', columns => $definition, regex => $pattern);
create_table($node, 'stop_flow', "$logs/clean", @quiet);
create_table($node, 'ignore_flow', "$logs/all", @quiet, on_error => 'ignore');
create_table($node, 'set_null_flow', "$logs/all", @quiet, on_error => 'set_null');

# ---------- the quals ----------

# The same ones every time.
my $seed = 20260130;

sub below
{
	my ($n) = @_;

	$seed = ($seed * 1103515245 + 12345) % (1 << 31);
	return ($seed >> 8) % $n;
}

sub one_of
{
	return $_[ below(scalar(@_)) ];
}

my @comparisons = ('=', '<>', '<', '<=', '>', '>=');
my %integers = (
	version => [ 2, 3, 0, 32767, -32768 ],
	srcport => [ 443, 80, 22, 53, 0, 1024, 50000, 65535, -1, 999999 ],
	dstport => [ 443, 80, 22, 53, 0, 3389, 50000, -2147483648, 2147483647 ],
	protocol => [ 6, 17, 1, 50, -1, 32767 ],
	packets => [ 0, 1, 2, 10, 100, '9223372036854775807', '9007199254740992', '9007199254740993' ],
	bytes => [ 0, 1, 40, 1000, 87120, '9223372036854775807', '9007199254740993', '-9223372036854775807' ],
	start_i => [ 0, 1, 86400, 1769731200, 1769731230, 2147483647, 2147483648, 1769731200123 ]);
my @integers = sort keys %integers;
my %texts = (
	action => [ 'ACCEPT', 'REJECT', 'accept', 'ACCEP', '', '-', 'é', 'ACCEPT ' ],
	log_status => [ 'OK', 'NODATA', 'SKIPDATA', '', 'ok' ],
	account_id => [ '000000000001', '000000001000', '0', '-' ],
	interface_id => [ 'eni-0', 'eni-6', 'eni-7', 'eni-8', '' ],
	action_v => [ 'ACCEPT', 'REJECT', 'A', 'ACCEPTED' ],
	action_c => [ 'ACCEPT', 'ACCEPT  ', 'REJECT', 'A', 'ACCEPTED', '' ]);
my @texts = sort keys %texts;
my @addresses = ('srcaddr', 'dstaddr', 'srcnet');
my @networks = qw(10.0.0.0/8 10.0.0.0/9 172.31.0.0/16 198.18.0.0/15 10.0.0.1 10.0.0.1/8 0.0.0.0/0 ::/0 2001:db8::/32 2001:db8::1 ::ffff:10.0.0.1 127.0.0.1 255.255.255.255);
my @moments = ('2026-01-30 00:00:00+00', '2026-01-30 00:00:30+00', '2026-01-30 05:30:00+05:30', '2026-01-30 00:01:00.5+00', '1970-01-01 00:00:00+00',
	'1970-01-02 00:00:00+00', '2038-01-19 03:14:07+00', '2100-01-01 00:00:00+00', 'infinity', '-infinity', '2026-01-31 12:00:00-11');
my @dates = ('2026-01-30', '2026-01-31', '1970-01-01', '1970-01-02', '2038-01-19', 'infinity', '-infinity');
my @timestamps = ('2026-01-30 00:00:00', '2026-01-30 00:00:30', '2026-01-30 05:30:00', '1970-01-01 00:00:00', '1970-01-02 05:30:00', '2038-01-19 00:00:00.000001', 'infinity', '-infinity');

# An array or list of some values, now and then with a NULL or without any.
sub some_of
{
	my @values = map { one_of(@_) } 1 .. 1 + below(5);

	push @values, 'NULL' if below(4) == 0;
	return join(', ', @values);
}

sub array_of
{
	my ($type, @values) = @_;

	return below(8) == 0 ? "ARRAY[]::$type\[]" : below(12) == 0 ? "NULL::$type\[]" : 'ARRAY[' . some_of(@values) . "]::$type\[]";
}

# The shapes that any type has; texts have an order only in the collation "C".
sub common_shape
{
	my ($column, $type, $order, @values) = @_;
	my $value = one_of(@values);
	my $op = $order ? one_of(@comparisons) : one_of('=', '<>');

	return (
		sub { "$column $op $value" },
		sub { "$value $op $column" },
		sub { "$column $op (SELECT $value)" },
		sub { "$column IN (" . some_of(@values) . ')' },
		sub { "$column NOT IN (" . some_of(@values) . ')' },
		sub { "$column = ANY (" . array_of($type, @values) . ')' },
		sub { "$column <> ALL (" . array_of($type, @values) . ')' },
		sub { "$column $op ANY (" . array_of($type, @values) . ')' },
		sub { "$column $op ALL (" . array_of($type, @values) . ')' },
		sub { "$column $op NULL::$type" },
		sub { "$column BETWEEN $value AND " . one_of(@values) },
		sub { "$column NOT BETWEEN SYMMETRIC $value AND " . one_of(@values) },
		sub { "$column IS NULL" },
		sub { "$column IS NOT NULL" })[ below($order ? 14 : 10) ]->();
}

my @pushed_atoms = (
	sub {
		my $column = one_of(@integers);
		common_shape($column, one_of('int', 'bigint', 'bigint'), 1, map { "'$_'::bigint" } @{ $integers{$column} }) =~ s/::int\b/::bigint/gr;
	},
	sub {
		my $column = one_of(@integers);
		common_shape($column, 'smallint', 1, map { "$_\::smallint" } 6, 17, 443, 2, '(-1)');
	},
	sub {
		my $column = one_of(@integers);
		common_shape($column, 'numeric', 1, map { "'$_'::numeric" } (map { ($_, "$_.5", "$_.0") } @{ $integers{$column} }), 'NaN', '1e30', '-1e30', 'Infinity', '-Infinity', '-0.5', '0.000001');
	},
	sub {
		my $column = one_of(@integers);
		common_shape($column, 'float8', 1, map { "'$_'::float8" } (map { ($_, "$_.5") } @{ $integers{$column} }), 'NaN', 'Infinity', '-Infinity', '1e30', '-0.5', '-0');
	},
	sub {
		my $column = one_of(@integers);
		my $type = one_of('numeric', 'float8', 'bigint');
		"$column\::$type " . one_of(@comparisons) . " '" . one_of(@{ $integers{$column} }) . "'::$type";
	},
	sub {
		my $column = one_of(@texts);
		common_shape($column, $column eq 'action_c' ? 'bpchar' : 'text', 0, map { "'$_'::" . ($column eq 'action_c' ? 'bpchar' : 'text') } @{ $texts{$column} });
	},
	sub {
		my $column = one_of(@texts);
		"$column " . one_of(@comparisons) . ' ' . quoted(one_of(@{ $texts{$column} })) . ' COLLATE "C"';
	},
	sub { common_shape(one_of(@addresses), 'inet', 1, map { "'$_'::inet" } @networks) },
	(sub { one_of(@addresses) . ' ' . one_of('<<', '<<=', '>>', '>>=', '&&') . " '" . one_of(@networks) . "'::inet" }) x 3,
	sub { "'" . one_of(@networks) . "'::inet " . one_of('<<', '<<=', '>>', '>>=', '&&') . ' ' . one_of(@addresses) },
	sub { one_of(@addresses) . ' ' . one_of('<<', '<<=', '>>', '>>=', '&&') . one_of(' ANY (', ' ALL (') . array_of('inet', map { "'$_'" } @networks) . ')' },
	sub { common_shape('start', 'timestamptz', 1, map { "'$_'::timestamptz" } @moments) },
	sub { common_shape('start', 'date', 1, map { "'$_'::date" } @dates) },
	sub { common_shape('start', 'timestamp', 1, map { "'$_'::timestamp" } @timestamps) },
	sub { common_shape(one_of('"end"', 'start_s'), 'timestamp', 1, map { "'$_'::timestamp" } @timestamps) },
	sub { common_shape(one_of('"end"', 'start_s'), 'date', 1, map { "'$_'::date" } @dates) },
	sub { common_shape('start_d', 'date', 1, map { "'$_'::date" } @dates) },
	sub { common_shape('start_d', 'timestamp', 1, map { "'$_'::timestamp" } @timestamps) },
	sub { one_of('to_timestamp', 'from_unixtime') . '(start_i) ' . one_of(@comparisons) . " '" . one_of(@moments) . "'::timestamptz" },
	sub { one_of('flag', 'NOT flag', 'flag = true', 'flag <> true', 'flag = false', 'flag < true', 'true > flag', 'flag = NULL', 'flag = ANY (ARRAY[true, NULL])', 'flag <> ALL (ARRAY[false])') },
	sub { one_of(map { $_->[0] } @columns) . one_of(' IS NULL', ' IS NOT NULL') });

my @local_atoms = (
	sub { "bytes_n " . one_of(@comparisons) . ' ' . one_of('100.5', '1000', "'NaN'", '0.5') },
	sub { "bytes_d " . one_of(@comparisons) . ' ' . one_of('100.5', '1000', "'NaN'", '0.5') },
	sub { "dstport_r " . one_of(@comparisons) . ' ' . one_of('443', '1e3', "'-Infinity'") },
	sub { "srcport_n " . one_of(@comparisons) . ' ' . one_of('443.00', '1024.5') },
	sub { one_of("action LIKE 'ACC%'", "upper(action) = 'ACCEPT'", 'length(account_id) = 12', "interface_id ~ '7\$'", 'host(srcaddr) > \'2\'') },
	sub { one_of('bytes % 2 = 0', 'srcport < dstport', 'start_i + 1 > 1769731230', 'srcaddr < dstaddr', 'start >= "end"', 'family(srcaddr) = 6') },
	sub { one_of('flag IS TRUE', 'flag IS NOT TRUE', 'flag IS UNKNOWN', 'srcport IS DISTINCT FROM 443', 'action IS NOT DISTINCT FROM NULL') },
	sub { '"end" ' . one_of(@comparisons) . " '" . one_of(@moments) . "'::timestamptz" },
	sub { "CASE WHEN protocol = 6 THEN dstport = 443 ELSE srcport = 53 END" });

# A tree of atoms; "local" says how many of a hundred atoms PostgreSQL must judge itself.
sub qual
{
	my ($depth, $local) = @_;
	my $shape = $depth == 0 ? 9 : below(10);

	return '(' . join(' AND ', map { qual($depth - 1, $local) } 1 .. 2 + below(2)) . ')' if $shape < 3;
	return '(' . join(' OR ', map { qual($depth - 1, $local) } 1 .. 2 + below(2)) . ')' if $shape < 6;
	return 'NOT ' . qual($depth - 1, $local) if $shape < 8;
	return '(' . (below(100) < $local ? one_of(@local_atoms) : one_of(@pushed_atoms))->() . ')';
}

my %quals; # and whether PostgreSQL has something to judge itself
foreach my $atom (@pushed_atoms)
{
	$quals{ $atom->() } //= 0 foreach 1 .. 10;
}
foreach my $op (@comparisons) # what lies beyond all integers, or between two
{
	$quals{"bytes $op '$_'::numeric"} = 0 foreach qw(NaN Infinity -Infinity 1e30 -1e30 9223372036854775807.5 -9223372036854775808.5 -9223372036854775807.5 0.5);
	$quals{"bytes $op '$_'::float8"} = 0 foreach qw(NaN Infinity -Infinity 9223372036854775807 -9223372036854775808 9007199254740993);
}
foreach my $atom (@local_atoms)
{
	$quals{ $atom->() } //= 1 foreach 1 .. 3;
}
$quals{ qual(3, 0) } //= 0 foreach 1 .. ($long ? 150 : 60);
$quals{ qual(2, 40) } //= 1 foreach 1 .. ($long ? 50 : 15);
my @quals = sort keys %quals;

# ---------- the comparison ----------

$node->safe_psql('postgres', q{
	-- the rows of two tables that differ, counted both ways, and the law of three truths
	CREATE FUNCTION compare(flow text, heap text, qual text, list text, OUT kept bigint, OUT differ bigint, OUT complete boolean)
	LANGUAGE plpgsql AS $$
	DECLARE
		false_rows bigint;
		null_rows bigint;
		all_rows bigint;
	BEGIN
		EXECUTE format('SELECT (SELECT count(*) FROM (SELECT %1$s FROM %2$s WHERE %4$s EXCEPT ALL SELECT %1$s FROM %3$s WHERE %4$s) a)'
			'+ (SELECT count(*) FROM (SELECT %1$s FROM %3$s WHERE %4$s EXCEPT ALL SELECT %1$s FROM %2$s WHERE %4$s) b)',
			list, flow, heap, qual) INTO differ;
		EXECUTE format('SELECT count(*) FROM %s WHERE %s', flow, qual) INTO kept;
		EXECUTE format('SELECT count(*) FROM %s WHERE NOT (%s)', flow, qual) INTO false_rows;
		EXECUTE format('SELECT count(*) FROM %s WHERE (%s) IS NULL', flow, qual) INTO null_rows;
		EXECUTE format('SELECT count(*) FROM %s', flow) INTO all_rows;
		complete := kept + false_rows + null_rows = all_rows;
	END $$;

	CREATE FUNCTION has_local_filter(flow text, qual text) RETURNS boolean LANGUAGE plpgsql AS $$
	DECLARE
		line text;
	BEGIN
		FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) SELECT * FROM %s WHERE %s', flow, qual) LOOP
			IF line ~ '^ +Filter: ' THEN
				RETURN true;
			END IF;
		END LOOP;
		RETURN false;
	END $$;
});

my $session = FlowLogSession->new($node);
$session->safe_query(q{SET timezone = 'Asia/Kolkata'; SET extra_float_digits = 3; SET enable_hashagg = on});

foreach my $table ('stop', 'ignore', 'set_null')
{
	my $outcome = $session->query("SELECT differ FROM compare('${table}_flow', '${table}_heap', 'true', '*')");
	is($outcome . $session->error, 0, "$table: without a qual, the same rows");
	next if $outcome eq '0';
	diag('too many: ' . $session->query("(TABLE ${table}_flow EXCEPT ALL TABLE ${table}_heap) LIMIT 5"));
	diag('missing: ' . $session->query("(TABLE ${table}_heap EXCEPT ALL TABLE ${table}_flow) LIMIT 5"));
}

my @settings = (
	# table, pushdown, splitter, JIT of patterns, which columns are compared, every how manieth qual
	[ 'stop', 'on', 'on', 'on', '*', 1 ],
	[ 'stop', 'off', 'off', 'off', 'account_id', 1 ],
	[ 'ignore', 'on', 'on', 'off', 'account_id', 1 ],
	[ 'ignore', 'on', 'off', 'on', 'account_id', 5 ],
	[ 'ignore', 'off', 'on', 'on', 'account_id', 5 ],
	[ 'set_null', 'on', 'on', 'on', 'account_id, start, srcaddr, srcport', 1 ],
	[ 'set_null', 'on', 'off', 'off', '*', 5 ],
	[ 'set_null', 'off', 'on', 'off', '*', 5 ]);

my $begin = 0;
foreach my $setting (@settings)
{
	my ($table, $pushdown, $splitter, $jit, $list, $step) = @$setting;
	my ($compared, $empty, $wrong) = (0, 0, 0);

	$session->safe_query("SET flowlog_fdw.enable_pushdown = $pushdown; SET flowlog_fdw.enable_splitter = $splitter; SET flowlog_fdw.regex_jit = $jit");
	# the first of them has all quals, each of the others other ones
	$step *= 4 unless $long || $setting == $settings[0];
	for (my $i = $begin++ % $step; $i < @quals; $i += $step)
	{
		my $outcome = $session->query("SELECT differ, complete, kept FROM compare('${table}_flow', '${table}_heap', " . quoted($quals[$i]) . ", '$list')");

		$compared++;
		$empty++ if $outcome =~ /\|0$/;
		next if $outcome =~ /^0\|t\|/ && $session->error eq '';
		$wrong++;
		diag(substr("$table, pushdown $pushdown: WHERE $quals[$i]: $outcome " . $session->error, 0, 1000)) if $wrong <= 10;
	}
	is($wrong, 0, "$table, pushdown $pushdown, splitter $splitter, regex_jit $jit: $compared quals, the same rows");
	cmp_ok($empty, '<', $compared / 2, 'most of which keep some rows');
}

# Under "ignore", a line that is no row raises nothing, whoever judges the qual.
write_file("$logs/moments.log", map { "$_\n" } '1769731200 1', '9999999999999999 2', '1769731201 3');
create_table($node, 'moments', "$logs/moments.log", on_error => 'ignore', log_verbosity => 'silent',
	columns => q{start timestamptz, n int, start_i bigint OPTIONS (field '1')}, regex => '(\S+) (\S+)');
foreach my $pushdown ('on', 'off')
{
	is( $session->query("SET flowlog_fdw.enable_pushdown = $pushdown; SELECT sum(n) FROM moments WHERE to_timestamp(start_i) > '2000-01-01'")
		  . $session->error,
		4, "pushdown $pushdown: a reject whose time is out of range raises nothing");
}

# what is meant to be pushed is
$session->safe_query('RESET flowlog_fdw.enable_pushdown; RESET flowlog_fdw.enable_splitter; RESET flowlog_fdw.regex_jit');
my @meant = grep { $quals{$_} == 0 } @quals;
my @local = grep { $session->safe_query("SELECT has_local_filter('stop_flow', " . quoted($_) . ')') eq 't' } @meant;
is(scalar(@local), 0, scalar(@meant) . ' of ' . scalar(@quals) . ' quals are pushed completely');
diag("not pushed: WHERE $_") foreach @local[ 0 .. ($#local < 10 ? $#local : 10) ];
cmp_ok(scalar(@quals), '>=', $long ? 400 : 300, 'hundreds of quals were compared: ' . scalar(@quals));
diag(scalar(@quals) . ' quals compared');

$session->quit;
check_log($node);
$node->stop;
done_testing();
