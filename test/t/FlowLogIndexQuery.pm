# Random queries that an index can say something of: conditions on addresses, texts, numbers and times, alone and together,
# with constants, parameters, sets, joins and subqueries.
#
# Fields are "a" to "z" of small domains, so that each value stands in some files and not in others.

package FlowLogIndexQuery;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(@index_fields index_columns index_header index_line random_condition random_query);

# ---------- records ----------

# A file has few of the values that there are, of its own and of others.
my @addresses = ((map { ("10.0.$_.1", "10.1.0.$_", "192.0.2.$_") } 1 .. 12), '2001:db8::1', '2001:db8:1::7', '::1', '::ffff:10.0.0.9', '0.0.0.0', '255.255.255.255');
my @networks = ('10.0.0.0/8', '10.1.0.0/24', '10.0.3.0/24', '192.0.2.0/28', '2001:db8::/32', '0.0.0.0/0', '::/0', '10.0.0.0/16', '192.0.2.8/29', '10.0.3.1', '10.0.3.1/24');
my @words = ((map { "eni-$_" } 1 .. 14), 'eni', 'ENI-1', 'é', 'e%_\\x', 'x' x 70, 'x' x 69 . 'y', "10.0.3.1");
my @padded = ('a', 'b', 'bc', 'eni-1', 'abcdefgh');
my @numbers = (-5, 0, 6, 17, 22, 80, 443, 32767, 40000 .. 40012);
my @flags = ('t', 'f');

sub one_of
{
	return $_[ int(rand(@_)) ];
}

# [ name of the field, type of the table "flow", of the table "texts", of the table "domains" ]
our @index_fields = (
	[ 'interface-id', 'text', 'varchar(80)', 'dtext' ],
	[ 'srcaddr', 'inet', 'text', 'dinet' ],
	[ 'dstaddr', 'inet', 'text', 'inet' ],
	[ 'pkt-srcaddr', 'text', 'text COLLATE "C"', 'dtext' ],
	[ 'dstport', 'int', 'smallint', 'dsmall' ],
	[ 'bytes', 'bigint', 'numeric', 'bigint' ],
	[ 'flow-direction', 'char(8)', 'text', 'char(8)' ],
	[ 'tcp-flags', 'boolean', 'boolean', 'dboolean' ],
	[ 'start', 'timestamptz', 'bigint', 'timestamptz' ],
	[ 'end', 'timestamp', 'date', 'timestamp' ],
	[ 'action', 'text', 'text', 'text' ],
	[ 'log-status', 'text', 'text', 'text' ]);

# Domains of the third; their constraints hold for all values.
our $index_domains = q{
	CREATE DOMAIN dtext AS varchar(80) CHECK (VALUE IS NULL OR length(VALUE) < 81);
	CREATE DOMAIN dinet AS inet CHECK (VALUE IS NULL OR family(VALUE) IN (4, 6));
	CREATE DOMAIN dint AS int;
	CREATE DOMAIN dsmall AS dint CHECK (VALUE < 1000000);
	CREATE DOMAIN dboolean AS boolean;
};

# The columns' definitions: 1 of "flow", 2 of "texts", 3 of "domains".
sub index_columns
{
	my ($which) = @_;

	return join(', ', map { '"' . $_->[0] =~ s/-/_/gr . "\" $_->[$which]" } @index_fields);
}

sub index_header
{
	return join(' ', map { $_->[0] } @index_fields) . "\n";
}

# A record of a file of so much: of its days, and of some of the values.  "bad" is the share of fields that cannot be read,
# "masks" that of values that are networks.
sub index_line
{
	my ($file, %params) = @_;
	my $some = sub { my ($all) = @_; return $all->[ ($file * 7 + int(rand(5)) * 3) % @$all ] };
	my $start = 1769731200 + 3600 * ($file % 20) + int(rand(1800));
	my $address = sub { return rand() < ($params{masks} // 0) ? one_of('10.0.0.0/8', '10.0.3.0/24', '2001:db8::/32', '10.0.3.1/24') : $some->(\@addresses) };
	my @values = (
		$some->(\@words), $address->(), $address->(), rand() < 0.1 && $file % 3 == 0 ? $some->(\@words) : $some->(\@addresses), $some->([ @numbers[ 0 .. 7 ] ]), $some->(\@numbers),
		$some->(\@padded), $file % 4 == 0 ? 't' : one_of(@flags), $start, $start + int(rand(60)), one_of('ACCEPT', 'REJECT'), 'OK');

	foreach my $i (0 .. $#values)
	{
		$values[$i] =~ s/ /_/g;
		$values[$i] = '-' if rand() < 0.04 || ($file % 11 == 5 && $i == 1);
		$values[$i] = 'bad!' if rand() < ($params{bad} // 0) && $i > 0;
	}
	return (rand() < ($params{bad} // 0) ? "no record\n" : '') . join(' ', @values) . "\n";
}

# ---------- conditions ----------

sub quoted
{
	my ($text) = @_;

	$text =~ s/'/''/g;
	return "'$text'";
}

# A constant, or a parameter: PARAMS collects [ type, value ].
sub constant
{
	my ($params, $type, @values) = @_;
	my $value = rand() < 0.05 ? undef : one_of(@values);
	my $text = defined $value ? quoted($value) : 'NULL';

	return "$text\::$type" if !defined $params || rand() < 0.4;
	push @$params, [ $type, $text ];
	return '$' . @$params;
}

sub array
{
	my ($params, $type, @values) = @_;
	my $text = 'ARRAY[' . join(', ', map { rand() < 0.05 ? 'NULL' : quoted(one_of(@values)) } 1 .. one_of(0, 1, 2, 3, 12, 40)) . "]::$type\[]";

	return $text if !defined $params || rand() < 0.4;
	push @$params, [ "$type\[]", $text ];
	return '$' . @$params;
}

my @compare = ('=', '=', '=', '=', '<>', '<', '<=', '>', '>=');

sub on_inet
{
	my ($column, $params, $other) = @_;
	my $choice = int(rand(12));

	return "$column = $other" if defined $other && $choice < 4;
	return "$column << $other" if defined $other && $choice == 4;
	return "$column " . one_of(@compare) . ' ' . constant($params, 'inet', @addresses, @networks) if $choice < 4;
	return "$column " . one_of('<<', '<<=', '<<=', '>>', '>>=', '&&') . ' ' . constant($params, 'inet', @networks, @addresses) if $choice < 7;
	return "$column " . one_of('= ANY', '= ANY', '<> ALL', '<< ANY', '= ALL', '<<= ANY') . ' (' . array($params, 'inet', @addresses, one_of(@networks)) . ')' if $choice < 9;
	return constant($params, 'inet', @addresses) . " = $column" if $choice == 9;
	return "contains(" . constant($params, 'cidr', grep { !/^10.0.3.1\/24$/ } @networks) . ", $column)" if $choice == 10;
	return "$column IS " . one_of('NULL', 'NOT NULL', 'NOT DISTINCT FROM ' . constant($params, 'inet', @addresses), 'DISTINCT FROM ' . constant($params, 'inet', @addresses));
}

# The beginning of a text of UTF-8, of as many bytes as are whole characters
sub beginning
{
	my ($text) = @_;
	my @characters = $text =~ /[\x00-\x7F\xC0-\xFF][\x80-\xBF]*/g;

	return join('', @characters[ 0 .. int(rand(@characters + 1)) - 1 ]);
}

sub on_text
{
	my ($column, $params, $other, @values) = @_;
	my $choice = int(rand(13));
	my $word = one_of(@values);

	return "$column = $other" if defined $other && $choice < 4;
	return "$column " . one_of(@compare) . ' ' . constant($params, 'text', @values) . one_of('', '', ' COLLATE "C"') if $choice < 4;
	return "$column " . one_of('= ANY', '= ANY', '<> ALL', '= ALL') . ' (' . array($params, 'text', @values) . ')' if $choice < 6;
	return "$column " . one_of('LIKE', 'LIKE', 'NOT LIKE') . ' ' . quoted(beginning($word) . one_of('%', '%', '_', '', '%1')) if $choice < 9;
	return "starts_with($column, " . constant($params, 'text', map { beginning($_) } @values) . ')' if $choice == 9;
	return "$column ~ " . quoted('^' . one_of('eni-1', '10\.0', '192', 'x')) if $choice == 10;
	return "length($column) > 5" if $choice == 11;
	return "$column IS " . one_of('NULL', 'NOT NULL', 'NOT DISTINCT FROM ' . constant($params, 'text', @values));
}

sub on_number
{
	my ($column, $params) = @_;
	my $choice = int(rand(8));

	return "$column " . one_of(@compare) . ' ' . constant($params, one_of('int', 'bigint', 'numeric'), @numbers, 18) if $choice < 4;
	return "$column " . one_of('= ANY', '<> ALL', '< ANY') . ' (' . array($params, one_of('int', 'bigint'), @numbers) . ')' if $choice < 6;
	return "$column BETWEEN " . constant($params, 'int', @numbers) . ' AND ' . constant($params, 'int', @numbers) if $choice == 6;
	return "$column IS " . one_of('NULL', 'NOT NULL', 'DISTINCT FROM 6');
}

sub on_time
{
	my ($column, $type, $params) = @_;
	my $at = sub { 1769731200 + 1800 * int(rand(44)) - 3600 };
	my $value = sub {
		return $at->() if $type eq 'bigint';
		return one_of('2026-01-29', '2026-01-30', '2026-01-31') if $type eq 'date';
		my @t = gmtime($at->());
		return sprintf('%d-%02d-%02d %02d:%02d:%02d%s', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1, 0 ], $type eq 'timestamptz' ? '+00' : '');
	};
	my $choice = int(rand(6));

	return "$column " . one_of('<', '<=', '>', '>=', '=', '<>') . ' ' . constant($params, $type, $value->(), $value->()) if $choice < 3;
	return "$column BETWEEN " . constant($params, $type, $value->()) . ' AND ' . constant($params, $type, $value->()) if $choice == 3;
	return ($type eq 'bigint' ? "to_timestamp($column)" : $type eq 'date' ? $column : "date_trunc('hour', $column)") . " >= timestamptz '2026-01-30 0" . int(rand(10)) . ":00+00'" if $choice == 4;
	return "$column IS " . one_of('NULL', 'NOT NULL', 'DISTINCT FROM ' . constant($params, $type, $value->()));
}

# A condition on one column of "f"; "other" is an alias of the table of values, or undef.
sub leaf
{
	my ($texts, $params, $other) = @_;
	my $choice = int(rand(20));
	my $inet = defined $other ? "$other.a" : undef;
	my $text = defined $other ? "$other.t" : undef;
	my $column = one_of('f.srcaddr', 'f.srcaddr', 'f.dstaddr');

	if ($choice < 8)
	{
		return on_inet($column, $params, $inet) if !$texts;
		return on_text($column, $params, $text, @addresses, '10.0.3.01', 'x') if rand() < 0.6;
		return on_inet("$column\::inet", $params, $inet);
	}
	return on_text('f.interface_id', $params, $text, @words) if $choice < 11;
	return on_text('f.pkt_srcaddr', $params, $text, @addresses, @words) if $choice < 13;
	return on_number(one_of('f.dstport', 'f.bytes'), $params) if $choice < 15;
	return one_of('', 'NOT ') . 'f.tcp_flags' . one_of('', ' IS TRUE', ' IS NOT TRUE', ' = true', ' IS NULL') if $choice == 15;
	return 'f.flow_direction ' . one_of('=', '<>', '>=') . ' ' . constant($params, one_of('bpchar', 'text'), @padded, 'a  ') if $choice == 16;
	return on_time('f.start', $texts ? 'bigint' : 'timestamptz', $params) if $choice == 17;
	return on_time('f."end"', $texts ? 'date' : 'timestamp', $params) if $choice == 18;
	return one_of('f.srcaddr = f.dstaddr', 'f.action = ' . quoted(one_of('ACCEPT', 'REJECT', 'x')), 'f.dstport = f.bytes', 'f IS NULL', 'false', 'f.srcaddr::text = f.pkt_srcaddr', "f.log_status = 'OK'");
}

sub random_condition
{
	my ($texts, $depth, $params, $other) = @_;
	my $choice = $depth > 0 ? int(rand(12)) : 0;
	my $inner = sub { random_condition($texts, $depth - 1, $params, $other) };

	return leaf($texts, $params, $other) if $choice < 5;
	return '(' . join(' AND ', map { $inner->() } 1 .. 2) . ')' if $choice < 7;
	return '(' . join(' OR ', map { $inner->() } 1 .. one_of(2, 2, 3)) . ')' if $choice < 10;
	return 'NOT (' . $inner->() . ')' if $choice == 10;
	return 'CASE WHEN ' . $inner->() . ' THEN ' . $inner->() . ' ELSE ' . $inner->() . ' END' if rand() < 0.3;
	return '(' . $inner->() . ') IS ' . one_of('TRUE', 'NOT TRUE', 'NOT FALSE', 'NULL');
}

# ---------- queries ----------

# A query whose rows the index may have by itself: it counts records by action, status and path, or wants extremes of times.
sub counting_query
{
	my ($table, $texts, $params) = @_;
	my @path = $table =~ /ignored|nulled/ ? () : ('f.dir', 'f.day');
	my @keys = grep { rand() < 0.3 } 'f.action', 'f.log_status', @path;
	my $test = sub { one_of("f.action = 'REJECT'", "f.log_status = 'OK'", "f.action <> 'ACCEPT'", 'f.action IS NULL', @path ? ("f.dir = 'a'", "f.day > '2026-01-02'") : ()) };
	my @aggregates = grep { rand() < 0.3 } (
		'count(*)', 'count(*) FILTER (WHERE ' . $test->() . ')', 'count(f.action)', 'count(DISTINCT f.log_status)', 'sum(length(f.action))', 'count(f.start)', 'sum(CASE WHEN ' . $test->() . ' THEN 1 ELSE 0 END)');
	my @extremes = grep { rand() < 0.2 } ('min(f.start)', 'max(f."end")', 'max(f.start)', 'min(f."end")');
	my $on = sub { one_of(on_time('f.start', $texts ? 'bigint' : 'timestamptz', $params), on_time('f."end"', $texts ? 'date' : 'timestamp', $params), $test->()) };
	my $where = one_of('true', $on->(), $on->(), $on->() . one_of(' AND ', ' OR ') . $on->(), 'NOT (' . $on->() . ' AND ' . $on->() . ')');
	my $group = @keys == 0 ? '' : ' GROUP BY ' . one_of('', 'ROLLUP ') . '(' . join(', ', @keys) . ')';

	return 'SELECT ' . join(', ', @keys, @aggregates, @extremes, 'count(*)') . " FROM $table f WHERE $where$group";
}

# random_query TABLE, TEXTS, PARAMS: a query whose rows can be compared
sub random_query
{
	my ($table, $texts, $params) = @_;
	my $choice = int(rand(24));
	my $key = $texts ? 't' : 'a';
	my $where = sub { random_condition($texts, 2, $params, $_[0]) };
	my $column = one_of('f.srcaddr', 'f.dstaddr');

	return "SELECT f.* FROM $table f WHERE " . $where->() if $choice < 9;
	return counting_query($table, $texts, $params) if $choice >= 20;
	return "SELECT f.action, count(*), min(f.start), max(f.\"end\"), sum(f.bytes) FROM $table f WHERE " . $where->() . ' GROUP BY 1' if $choice < 11;
	return "SELECT count(*), count(DISTINCT f.srcaddr) FROM $table f WHERE " . $where->() if $choice < 12;
	return "SELECT f.interface_id, f.start FROM $table f WHERE $column " . one_of('IN', 'IN', 'NOT IN') . " (SELECT w.$key FROM wanted w WHERE w.n < " . int(rand(60)) . ') AND ' . $where->() if $choice < 14;
	return "SELECT f.start, w.n FROM $table f JOIN wanted w ON $column = w.$key WHERE w.n % 3 = " . int(rand(4)) . ' AND ' . $where->() if $choice < 16;
	return "SELECT w.n, f.start FROM wanted w CROSS JOIN LATERAL (SELECT * FROM $table f WHERE " . $where->('w') . ' OFFSET 0) f WHERE w.n < 6' if $choice == 16;
	return "SELECT w.n, (SELECT count(*) FROM $table f WHERE " . $where->('w') . ') FROM wanted w WHERE w.n < 6' if $choice == 17;
	return "SELECT f.start FROM $table f WHERE $column = (SELECT w.$key FROM wanted w WHERE w.n = " . int(rand(60)) . ') OR ' . $where->() if $choice == 18;
	return "SELECT f.start, g.start FROM $table f LEFT JOIN (SELECT * FROM $table f WHERE " . $where->() . ") g ON f.srcaddr = g.dstaddr AND f.dstport = 22 WHERE " . $where->() . ' LIMIT 100000';
}

sub wanted_rows
{
	my $n = 0;

	return join(', ', map { '(' . $n++ . ', ' . (rand() < 0.1 ? 'NULL, NULL' : quoted($_) . ', ' . quoted($_)) . ')' } @addresses, @addresses[ 0 .. 5 ], '172.16.0.1', '10.0.3.0/24');
}

1;
