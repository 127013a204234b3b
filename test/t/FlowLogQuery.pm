# Random queries over tables of some types, from what the catalog says there is: every function and operator
# whose arguments such types can be, under casts, collations, domains, arrays, rows and subqueries.
#
# A query is made as text.  The same seed makes the same queries on the same server.

package FlowLogQuery;

use strict;
use warnings;

my @collations = ('"C"', '"POSIX"', '"default"', 'ucs_basic');

# new NODE, SEED, COLUMNS, COLLATION...: the columns of each table, as [ name, type ], and collations besides those that
# every server has
sub new
{
	my ($class, $node, $seed, $columns, @others) = @_;
	my $self = bless { seed => $seed, columns => $columns, scope => [], params => undef, collations => [ @collations, @others ] }, $class;

	$self->read_catalog($node);
	return $self;
}

# ---------- chance ----------

sub below
{
	my ($self, $n) = @_;

	$self->{seed} = ($self->{seed} * 1103515245 + 12345) % (1 << 31);
	return ($self->{seed} >> 8) % $n;
}

sub one_of
{
	my $self = shift;

	return $_[ $self->below(scalar(@_)) ];
}

# In one case of so many?
sub once_in
{
	my ($self, $n) = @_;

	return $self->below($n) == 0;
}

# ---------- types ----------

my %literals = (
	int2 => [ 0, 1, 6, 443, -1, 32767, -32768 ],
	int4 => [ 0, 1, 6, 443, -1, 10, 60, 2147483647, -2147483648 ],
	int8 => [ 0, 1, 443, -1, 1769731200, '9223372036854775807', '-9223372036854775808' ],
	numeric => [ 0, 1, '443', '10.5', '-0.5', '1e30', 'NaN', '9223372036854775807.5' ],
	float4 => [ 0, 1, '443', '10.5', 'NaN', '-Infinity', '1e30' ],
	float8 => [ 0, 1, '443', '10.5', 'NaN', 'Infinity', '1e300', '1769731200' ],
	bool => [ 't', 'f' ],
	text => [ 'ACCEPT', 'REJECT', '', 'a', 'b', 'ACC', 'é', '443', 'day', 'UTC', '2026-01-30', 'YYYY-MM-DD', '%A%', 'a.*', '10.0.0.0/8', '{1,2}' ],
	varchar => [ 'ACCEPT', 'REJECT', '', 'a', 'AC' ],
	bpchar => [ 'ACCEPT', 'a', 'a ', '' ],
	name => [ 'ACCEPT', 'a', '' ],
	'"char"' => [ 'A', 'a', '' ],
	inet => [ '10.0.0.1', '10.0.0.0/8', '10.0.0.1/8', '::1', '2001:db8::/32', '0.0.0.0/0' ],
	cidr => [ '10.0.0.0/8', '10.0.0.1/32', '::/0', '2001:db8::/32' ],
	timestamptz => [ '2026-01-30 00:00+00', '2026-01-30 12:00:30+00', '1970-01-01 00:00+00', 'infinity', '-infinity' ],
	timestamp => [ '2026-01-30 00:00', '2026-01-30 12:00:30', '1970-01-01', 'infinity', '-infinity' ],
	date => [ '2026-01-30', '2026-01-31', '1970-01-01', 'infinity', '-infinity' ],
	time => [ '00:00', '12:00:30' ],
	interval => [ '1 day', '-1 hour', '1 month', '0', '1000 years' ],
	uuid => [ '00000000-0000-0000-0000-000000000001', 'ffffffff-ffff-ffff-ffff-ffffffffffff' ],
	jsonb => [ '{"a": 1}', '[1, 2]', '"a"', 'null' ],
	oid => [ 0, 1, 443 ],
	bytea => [ '\x00', '\x4143' ],
	port => [ 0, 443, 60 ],
	far_port => [ 0, 443 ],
	word => [ 'a', 'ACCEPT', '' ],
	ports => [ '{1,443}', '{}', '{NULL}' ],
	pair => [ '(1,a)', '(443,)' ]);

# what else a type is: for domains, and where a cast is no more than a new name
my %same = (varchar => [ 'text' ], text => [ 'varchar', 'bpchar', 'word' ], inet => [ 'cidr' ], int4 => [ 'port', 'far_port' ], port => [ 'far_port' ], oid => [ 'int4' ], 'int4[]' => [ 'ports' ]);

my %modifiers = (
	varchar => [ 'varchar', 'varchar(3)', 'varchar(40)' ],
	bpchar => [ 'bpchar', 'char(8)', 'char(2)', 'char' ],
	numeric => [ 'numeric', 'numeric(5,2)', 'numeric(30,0)' ],
	timestamptz => [ 'timestamptz', 'timestamptz(0)' ],
	timestamp => [ 'timestamp', 'timestamp(3)' ],
	interval => [ 'interval', 'interval(0)', 'interval day' ]);

my @types = sort keys %literals;
my %collatable = map { $_ => 1 } qw(text varchar bpchar name word);

sub quoted
{
	my ($text) = @_;

	$text =~ s/'/''/g;
	return "'$text'";
}

# ---------- the catalog ----------

# Functions that wait, or look at what another session does, or at nearly everything; and those that give what memcmp() does,
# of which only the sign is defined.
my $left_out = q{^(pg_.*|has_.*|txid_.*|inet_(client|server).*|lo_.*|ts_.*|current_.*|getdatabase.*|binary_.*|(bt)?(text|name|bpchar|bytea|uuid).*cmp|.*_xml|.*xmlschema|.*_to_xml.*|to_reg|row_security|acl|make.*acl|
	|.*_support|.*_selfuncs|.*sel|.*joinsel|suppress_.*|array_fill|repeat|lpad|rpad|factorial|numeric_fac|generate_.*|brin_.*|gin.*|gist.*|spg_.*|hash.*|bt.*sortsupport|
	|(float8|int\d|numeric|interval)_(avg|sum|var.*|stddev.*|regr.*|covar.*|corr|poly.*)|.*_(in|out|recv|send|typmodin|typmodout|subscript.*|accum.*|combine|serialize|deserialize|inv|transfn|sfunc|finalfn|in_range.*|sortsupport)|in_range|flowlog_.*|enum_.*|unique_key_.*|cursor_.*|query_.*|table_.*|schema_.*|database_.*|nextval|currval|lastval|setval|col_description|obj_description|shobj_description|format_type|oidvector.*|loread|lowrite)$};

sub read_catalog
{
	my ($self, $node) = @_;
	my $known = join(', ', map { quoted(s/"//gr) } grep { !/^(port|far_port|word|ports|pair)$/ } @types);
	my $wanted = qq{
		WITH known AS (
			SELECT oid, typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace
				AND (typname IN ($known) OR typname IN ('any', 'anyelement', 'anynonarray', 'anyarray', 'anycompatible', 'anycompatiblenonarray', 'anycompatiblearray')
					OR typelem IN (SELECT oid FROM pg_type WHERE typname IN ($known)) AND typname ~ '^_')
			UNION ALL SELECT oid, typname FROM pg_type WHERE typname IN ('ipaddress')),
		name AS (SELECT oid, CASE WHEN typname ~ '^_' THEN CASE typname WHEN '_char' THEN '"char"' ELSE substr(typname, 2) END || '[]' WHEN typname = 'char' THEN '"char"' WHEN typname = 'ipaddress' THEN 'inet' ELSE typname END AS name FROM known)};

	foreach (split(/\n/, $node->safe_psql('postgres', $wanted . qq{
		SELECT concat_ws(E'\\x01', 'f', quote_ident(n.nspname) || '.' || quote_ident(proname), provariadic <> 0, r.name,
			(SELECT string_agg(a.name, ',' ORDER BY i) FROM unnest(proargtypes) WITH ORDINALITY u(t, i) JOIN name a ON a.oid = t)) COLLATE "C"
		FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace JOIN name r ON r.oid = prorettype
		WHERE prokind = 'f' AND NOT proretset AND provolatile <> 'v' AND (nspname = 'pg_catalog' OR p.oid IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'))
			AND proname !~ '@{[ $left_out =~ s/\s+//gr ]}' AND NOT EXISTS (SELECT 1 FROM unnest(proargtypes) t WHERE t NOT IN (SELECT oid FROM known))
		UNION ALL
		SELECT concat_ws(E'\\x01', 'o', oprname, false, r.name, concat_ws(',', l.name, a.name))
		FROM pg_operator o JOIN name r ON r.oid = oprresult JOIN name a ON a.oid = oprright LEFT JOIN name l ON l.oid = oprleft
		WHERE (oprleft = 0 OR l.oid IS NOT NULL) AND oprnamespace = 'pg_catalog'::regnamespace
		ORDER BY 1})))
	{
		my ($kind, $name, $variadic, $result, $arguments) = split(/\x01/, $_);
		my $signature = { kind => $kind, name => $name, variadic => $variadic eq 't', result => $result, arguments => [ split(/,/, $arguments // '') ] };

		push @{ $self->{signatures} }, $signature;
		push @{ $self->{returning}{$result} }, $signature;
	}
	foreach (split(/\n/, $node->safe_psql('postgres', $wanted . q{
		SELECT s.name, t.name FROM pg_cast JOIN name s ON s.oid = castsource JOIN name t ON t.oid = casttarget WHERE s.oid <> t.oid ORDER BY 1, 2})))
	{
		my ($source, $target) = split(/\|/, $_);

		next if $source eq 'jsonb'; # nearly always an error
		push @{ $self->{casts}{$target} }, $source;
	}
	return;
}

sub signatures
{
	my ($self) = @_;

	return @{ $self->{signatures} };
}

# ---------- expressions ----------

sub is_polymorphic
{
	return $_[0] =~ /^any/;
}

# A concrete type for a polymorphic one, where "element" stands for its element.
sub concrete
{
	my ($self, $type, $element) = @_;

	return $type if !is_polymorphic($type);
	return $self->one_of('int4', 'text', 'inet', 'date', 'varchar', 'int8') if $type eq 'any';
	return $type =~ /array$/ && $type !~ /nonarray/ ? "$element\[]" : $element;
}

sub literal
{
	my ($self, $type) = @_;
	my $text;

	if ($type =~ /^(.*)\[\]$/)
	{
		my $element = $1;
		my @elements = map { $self->once_in(6) ? 'NULL' : $self->literal($element) } 1 .. $self->below(4);

		push @elements, map { $self->literal($element) } 1 .. 10 if $self->once_in(12);
		return "NULL::$type" if $self->once_in(16);
		return 'ARRAY[' . join(', ', @elements) . "]::$type";
	}
	return "NULL::$type" if $self->once_in(16);
	$text = $self->one_of(@{ $literals{$type} // die "no literal of type $type" });
	if (defined $self->{params} && $self->once_in(3))
	{
		# a text that becomes the type when it is evaluated, or fails to
		my $cast = $self->once_in(2) && $type ne 'text' ? "::$type" : '';

		($type, $text) = ('text', $self->one_of($text, $text, 'x')) if $cast ne '';
		push @{ $self->{params} }, [ $type, $text ];
		return '$' . @{ $self->{params} } if $cast eq '';
		return '($' . @{ $self->{params} } . ")$cast";
	}
	return quoted($text) . "::$type";
}

# A column in scope of a type, or undef.
sub column
{
	my ($self, $type) = @_;
	my @columns = map { my $scope = $_; map { "$scope->{alias}.$_->[0]" } grep { $_->[1] eq $type } @{ $self->{columns}{ $scope->{table} } } } @{ $self->{scope} };

	return @columns > 0 ? $self->one_of(@columns) : undef;
}

sub call
{
	my ($self, $signature, $depth, $wants_column) = @_;
	my $element = $self->one_of('int4', 'text', 'inet', 'int8', 'date', 'varchar', 'bool');
	my @arguments = map { $self->concrete($_, $element) } @{ $signature->{arguments} };
	my @texts;
	my $column_at = $wants_column && @arguments > 0 ? $self->below(scalar @arguments) : -1;

	foreach my $i (0 .. $#arguments)
	{
		my $text = $i == $column_at ? $self->column_as($arguments[$i]) : undef;

		push @texts, $text // $self->expression($arguments[$i], $depth - 1);
	}
	if ($signature->{kind} eq 'o')
	{
		my ($left, $right) = @texts == 2 ? @texts : ('', $texts[0]);

		return '(' . ($left eq '' ? '' : "($left) ") . "OPERATOR(pg_catalog.$signature->{name}) ($right))";
	}
	if ($signature->{variadic})
	{
		my $last = pop @texts;

		push @texts, $last =~ /\[\]$/ || $arguments[-1] =~ /\[\]$/ ? "VARIADIC $last" : $last;
	}
	return "$signature->{name}(" . join(', ', @texts) . ')';
}

# A column as a value of a type, perhaps under a cast; undef if there is none.
sub column_as
{
	my ($self, $type) = @_;
	my $column = $self->column($type);
	my @others = (@{ $same{$type} // [] }, @{ $self->{casts}{$type} // [] });

	return $column if defined $column && !$self->once_in(6);
	foreach (1 .. 3)
	{
		my $other = @others > 0 ? $self->column($self->one_of(@others)) : undef;

		return "$other\::$type" if defined $other;
	}
	return $column;
}

# An expression of a type; "depth" bounds its height.
sub expression
{
	my ($self, $type, $depth) = @_;
	my $choice = $self->below($depth > 0 ? 32 : 12);
	my $column = $choice < 6 ? $self->column_as($type) : undef;
	my $inner = sub { $self->expression($type, $depth - 1) };
	my $text;

	return $column if defined $column;
	return $self->literal($type) if $choice < 12;
	if ($choice < 18)
	{
		my @found = (@{ $self->{returning}{$type} // [] }, $type =~ /\[\]$/ ? @{ $self->{returning}{anyarray} // [] } : @{ $self->{returning}{anyelement} // [] });
		my $signature = @found > 0 ? $self->one_of(@found) : undef;

		return $self->literal($type) if !defined $signature;
		return "($1)" if is_polymorphic($signature->{result}) && $self->polymorphic_call($signature, $type, $depth) =~ /^(.*)$/s;
		return $self->call($signature, $depth, $self->once_in(2));
	}
	return $self->cast($type, $depth) if $choice < 22;
	return 'CASE WHEN ' . $self->condition($depth - 1) . ' THEN ' . $inner->() . ' ELSE ' . $inner->() . ' END' if $choice == 22;
	return 'CASE ' . $inner->() . ' WHEN ' . $inner->() . ' THEN ' . $inner->() . ' END' if $choice == 23 && $type !~ /^(pair|ports)$/;
	return 'coalesce(' . $inner->() . ', ' . $inner->() . ')' if $choice == 24;
	return 'nullif(' . $inner->() . ', ' . $inner->() . ')' if $choice == 25 && $type !~ /^(pair|ports)$/;
	return $self->one_of('greatest', 'least') . '(' . $inner->() . ', ' . $inner->() . ", NULL::$type)" if $choice == 26;
	return '(SELECT ' . $inner->() . ')' if $choice == 27;
	return '(SELECT ' . $self->column_of_other($type) . ')' if $choice == 28;
	return "(ARRAY[" . $inner->() . ', ' . $inner->() . "]::$type\[])[" . $self->one_of(1, 2, 3, '(SELECT 1)') . ']' if $choice == 29 && $type !~ /\[\]$|^ports$/;
	return '(' . $inner->() . ') COLLATE ' . $self->one_of(@{ $self->{collations} }) if $choice == 30 && $collatable{$type} && $type ne 'name';
	return '(ROW(' . $inner->() . ", 'x')::pair).a" if $choice == 31 && $type eq 'int4';
	return $self->literal($type);
}

# A value that a subquery finds, of the outer row or not.
sub column_of_other
{
	my ($self, $type) = @_;
	my $inner;
	my @scope = @{ $self->{scope} };

	push @{ $self->{scope} }, { alias => 'i', table => 'other' };
	$inner = 'max(' . $self->expression('int8', 1) . ')' if $type eq 'int8';
	$inner //= $self->expression($type, 1);
	$self->{scope} = \@scope;
	return "$inner FROM other i" . ($type eq 'int8' ? '' : ' WHERE i.c_int4 = ' . ($self->column('int4') // 1) . ' ORDER BY i.n LIMIT 1');
}

# A call that gives a polymorphic type, for a certain type; nothing if there is none.
sub polymorphic_call
{
	my ($self, $signature, $type, $depth) = @_;
	my $element = $type =~ s/\[\]$//r;

	return '' if $type =~ /^(pair|ports|port|far_port|word)$/;
	return $self->call({ %$signature, arguments => [ map { $_ eq 'any' ? 'int4' : is_polymorphic($_) ? ($_ =~ /array$/ && $_ !~ /nonarray/ ? "$element\[]" : $type =~ /\[\]$/ && $signature->{result} =~ /array/ ? $element : $type) : $_ } @{ $signature->{arguments} } ] }, $depth, 1);
}

sub cast
{
	my ($self, $type, $depth) = @_;
	my @sources = (@{ $same{$type} // [] }, @{ $self->{casts}{$type} // [] }, 'text');
	my $source = $self->one_of(@sources);
	my $name = $self->one_of(@{ $modifiers{$type} // [ $type ] });
	my $text = '(' . $self->expression($source, $depth - 1) . ")::$name";

	return $name eq $type || $self->once_in(2) ? $text : "$text\::$type";
}

# ---------- conditions ----------

my @comparisons = ('=', '<>', '<', '<=', '>', '>=');

# The types that columns are compared as most often.
my @plain = qw(int2 int4 int8 numeric float8 text varchar bpchar inet cidr timestamptz timestamp date bool);

# A condition that the reader may know.
sub comparison
{
	my ($self, $depth) = @_;
	my $type = $self->one_of(@plain);
	my $column = $self->column_as($type) // $self->literal($type);
	my $op = $type =~ /^(inet|cidr)$/ && $self->once_in(2) ? $self->one_of('<<', '<<=', '>>', '>>=', '&&') : $self->one_of(@comparisons);
	my $other = $self->once_in(3) ? $self->one_of(@plain[ 0 .. 4 ]) : $type;
	my $choice = $self->below(14);

	$other = $type if $type !~ /^(int2|int4|int8|numeric|float8)$/;
	$other = $self->one_of('timestamptz', 'timestamp', 'date') if $type =~ /^(timestamptz|timestamp|date)$/ && $self->once_in(3);
	$column .= ' COLLATE ' . $self->one_of(@{ $self->{collations} }) if $collatable{$type} && $self->once_in(5);
	$column = $self->one_of('to_timestamp', 'from_unixtime') . '(' . ($self->column('int8') // '0') . ')' if $type eq 'timestamptz' && $self->once_in(4);
	return "$column $op " . $self->expression($other, $depth) if $choice < 4;
	return $self->literal($type) . " $op $column" if $choice == 4;
	return "$column $op " . $self->one_of('ANY', 'ALL') . ' (' . $self->expression("$type\[]", $depth) . "::$type\[])" if $choice < 8;
	return "$column " . $self->one_of('IN', 'NOT IN') . ' (' . join(', ', map { $self->expression($type, 0) } 1 .. $self->one_of(1, 3, 12)) . ')' if $choice < 10;
	return "$column " . $self->one_of('IS NULL', 'IS NOT NULL') if $choice == 10;
	return "$column BETWEEN " . $self->expression($type, 0) . ' AND ' . $self->expression($type, 0) if $choice == 11;
	return "$column IS " . $self->one_of('', 'NOT ') . 'DISTINCT FROM ' . $self->expression($type, $depth) if $choice == 12;
	return $self->row_condition if $choice == 13 && $self->once_in(2);
	return $type eq 'bool' ? "$column IS " . $self->one_of('TRUE', 'NOT TRUE', 'UNKNOWN') : "($column) = ANY (ARRAY(SELECT " . ($type eq 'bool' ? 'true' : "i.c_$type") . ' FROM other i))';
}

# On a whole row, a composite column, or what is no column of the logs.
sub row_condition
{
	my ($self) = @_;
	my $alias = $self->one_of(map { $_->{alias} } @{ $self->{scope} });

	return $self->one_of(
		"$alias IS NOT NULL", "$alias.* IS NULL", "NOT ($alias IS NULL)", "$alias.tableoid <> 0", "$alias.tableoid = ANY (ARRAY[0, 1]::oid[])", "$alias.ctid IS NOT NULL", "$alias IS DISTINCT FROM NULL",
		"($alias.c_pair).a = 443", "($alias.c_pair).b || 'x' > 'a'", "$alias.c_pair = ROW(443, 'a')::pair", "$alias.c_pair IS NULL", "($alias.c_ports)[1] = 443", "$alias.c_array[1 : 2] = ARRAY[1, 2]",
		"to_jsonb($alias) ->> 'c_text' = 'ACCEPT'", "row_to_json($alias)::text <> ''", "num_nulls(VARIADIC $alias.c_array) = 0", "num_nonnulls($alias.c_int4, $alias.c_text) = 2", "concat($alias.c_text, $alias.c_int4)::varchar = 'a443'");
}

sub row_comparison
{
	my ($self, $depth) = @_;
	my @chosen = map { $self->one_of(@plain[ 0 .. 12 ]) } 1 .. 2 + $self->below(2);
	my $row = sub { '(' . join(', ', map { $self->expression($_, $depth) } @chosen) . ')' };
	my $columns = '(' . join(', ', map { $self->column_as($_) // $self->literal($_) } @chosen) . ')';

	return "$columns " . $self->one_of(@comparisons) . ' ' . $row->() if !$self->once_in(3);
	return "$columns " . $self->one_of('IN', 'NOT IN') . ' (' . join(', ', map { $row->() } 1 .. 2) . ')' if $self->once_in(2);
	return "ROW$columns IS " . $self->one_of('NULL', 'NOT NULL', 'DISTINCT FROM ROW' . $row->());
}

# What of a function's or operator's result is a condition.
sub condition_on
{
	my ($self, $signature, $depth) = @_;
	my $element = $self->one_of('int4', 'text', 'inet');
	my $fixed = { %$signature, arguments => [ map { $self->concrete($_, $element) } @{ $signature->{arguments} } ] };
	my $type = $self->concrete($signature->{result}, $element);
	my $call = $self->call($fixed, $depth, !$self->once_in(4));
	my $choice = $self->below(8);
	my $other = $self->column_as($type) // $self->expression($type, 1);

	$call = "($call)::" . $self->one_of('varchar', 'varchar(3)', 'text', 'bpchar') . '::text' if $type eq 'text' && $self->once_in(3);
	$call = "($call)::inet" if $type eq 'cidr' && $self->once_in(2);
	return $self->one_of('', 'NOT ') . $call if $type eq 'bool' && $choice < 6;
	return "$call IS " . $self->one_of('NULL', 'NOT NULL', "DISTINCT FROM $other") if $choice == 0 || $type =~ /^(pair|bytea|jsonb|oid|"char"|name)$/;
	return "$call " . $self->one_of('=', '<>') . ' ' . $self->one_of('ANY', 'ALL') . ' (' . $self->literal("$type\[]") . ')' if $choice == 1 && $type !~ /\[\]$/;
	return "$other " . $self->one_of(@comparisons) . " $call" if $choice < 5;
	return "$call " . $self->one_of(@comparisons) . " $other";
}

sub condition
{
	my ($self, $depth) = @_;
	my $choice = $self->below($depth > 0 ? 26 : 12);

	return $self->comparison($depth > 0 ? $depth - 1 : 0) if $choice < 10;
	return $self->expression('bool', $depth > 1 ? 1 : 0) if $choice < 12;
	return '(' . $self->condition($depth - 1) . ' AND ' . $self->condition($depth - 1) . ')' if $choice < 15;
	return '(' . join(' OR ', map { $self->condition($depth - 1) } 1 .. 2 + $self->below(2)) . ')' if $choice < 19;
	return 'NOT (' . $self->condition($depth - 1) . ')' if $choice < 21;
	return $self->row_comparison($depth - 1) if $choice == 21;
	return $self->condition_on($self->one_of($self->signatures), $depth - 1) if $choice < 25;
	return $self->subquery_condition($depth - 1);
}

sub subquery_condition
{
	my ($self, $depth) = @_;
	my $type = $self->one_of(@plain[ 0 .. 12 ]);
	my $column = $self->column_as($type) // $self->literal($type);
	my @scope = @{ $self->{scope} };
	my $text;

	push @{ $self->{scope} }, { alias => 'i', table => 'other' };
	$text = 'SELECT ' . $self->expression($type, $depth) . ' FROM other i WHERE ' . $self->comparison(0);
	$self->{scope} = \@scope;
	return $self->one_of("EXISTS ($text)", "NOT EXISTS ($text)", "$column IN ($text)", "$column NOT IN ($text)", "$column > ANY ($text)", "$column <= ALL ($text)");
}

# ---------- queries ----------

my @exact = ('count(*)', 'count(%s.c_text)', 'sum(%s.c_int4)', 'sum(%s.c_int8)', 'avg(%s.c_int2)', 'avg(%s.c_int8)', 'min(%s.c_inet)', 'max(%s.c_timestamptz)', 'min(%s.c_date)', 'max(%s.c_text COLLATE "C")',
	'count(DISTINCT %s.c_inet)', 'bool_or(%s.c_bool)', 'sum(%s.c_numeric)', 'count(%s)', 'count(1)', 'max(%s.c_cidr)', 'sum(%s.c_int4::int8)', 'count(%s.c_varchar::text)');

# A query whose WHERE is of so many conditions, the first of them on a signature if one is given.
sub where
{
	my ($self, $signature, $scope, $count) = @_;

	local $self->{scope} = $scope;
	return join(' AND ', map { $_ == 1 && defined $signature ? $self->condition_on($signature, 2) : $self->condition(2) } 1 .. $count);
}

# [ query, is its answer one that can be compared, has it one condition on one table ]: of several, PostgreSQL may evaluate
# another one first when some are pushed
sub query
{
	my ($self, $signature) = @_;
	my $table = $self->one_of('flow', 'flow', 'flow', 'flow', 'part', 'nulls', 'hidden');
	my $f = { alias => 'f', table => $table };
	my $o = { alias => 'o', table => $self->one_of('other', 'other', 'flow') };
	my $count = $self->one_of(1, 1, 1, 2, 3);
	my $single = $count == 1 && $table ne 'hidden';
	my $where = sub {
		my $text = $self->where($signature, \@_, $count);

		$single = 0 if $text =~ /\bAND\b|NOT \(|\bIN \(/; # which may become several
		return $text;
	};
	my $choice = $self->below(22);
	my $some = sub { join(', ', map { sprintf($self->one_of(@exact), $_[0]) } 1 .. 1 + $self->below(3)) };

	if ($choice < 10)
	{
		my $list = $choice < 5 ? 'f.*' : $choice < 7 ? $self->columns_of('f', $f) : $some->('f');
		my $query = "SELECT $list FROM $table f WHERE " . $where->($f);

		return [ $query, 1, $single ];
	}
	if ($choice < 14)
	{
		my $keys = $self->once_in(3) ? $self->keys_of($f) : join(', ', map { "f.c_$_" } $self->one_of('int4', 'text', 'inet', 'bool', 'date', 'varchar', 'cidr', 'bpchar', 'numeric'), $self->one_of('int2', 'timestamptz'));
		my $having = $self->once_in(3) ? ' HAVING ' . $self->one_of('count(*) > 1', 'max(f.c_int4) > 6', 'bool_and(f.c_int8 > 0)') : '';

		my $query = "SELECT $keys, " . $some->('f') . " FROM $table f WHERE " . $where->($f) . " GROUP BY $keys$having";

		return [ $query, 1, $single ];
	}
	return [ "SELECT f.n, o.n FROM $table f " . $self->one_of('JOIN', 'LEFT JOIN', 'RIGHT JOIN') . " $o->{table} o ON " . $where->($f, $o), 1, 0 ] if $choice == 14;
	return [ "SELECT f.n, o.n FROM other o, LATERAL (SELECT * FROM $table f WHERE " . $where->($f, $o) . ') f', 1, 0 ] if $choice == 15;
	return [ "SELECT o.n, (SELECT count(*) FROM $table f WHERE " . $where->($f, $o) . ') FROM other o', 1, 0 ] if $choice == 16;
	return [ "SELECT s.k, count(*) FROM (VALUES (1)) v LEFT JOIN (SELECT " . $self->in_scope($f, sub { $self->expression($self->one_of(qw(int4 text inet date)), 2) }) . " AS k, f.* FROM $table f) s ON true WHERE " . $self->where($signature, [ { alias => 's', table => $table } ], $count) . ' GROUP BY s.k', 1, 0 ] if $choice == 17;
	return [ "SELECT row_number() OVER (PARTITION BY f.c_text ORDER BY f.n), f.n FROM $table f WHERE " . $where->($f) . ' UNION ALL SELECT 1, n FROM other', 1, 0 ] if $choice == 18;
	return [ 'SELECT grouping(f.c_text), f.c_text, f.c_int4, ' . $some->('f') . " FROM $table f WHERE " . $where->($f) . ' GROUP BY ' . $self->one_of('ROLLUP (f.c_text, f.c_int4)', 'GROUPING SETS ((f.c_text), (f.c_int4), ())', 'f.c_text, f.c_int4'), 1, 0 ] if $choice == 19;
	return [ "SELECT f.n, o.n FROM part f JOIN part o USING (dir) WHERE " . $where->({ alias => 'f', table => 'part' }, { alias => 'o', table => 'part' }), 1, 0 ] if $choice == 20;
	return [ "WITH w AS (SELECT * FROM $table f WHERE " . $where->($f) . ') SELECT DISTINCT a.c_text, b.c_int4 FROM w a JOIN w b USING (n) ORDER BY 1, 2 LIMIT ' . $self->one_of(5, 'NULL'), 0, 0 ];
}

sub in_scope
{
	my ($self, $scope, $make) = @_;

	local $self->{scope} = [ $scope ];
	return $make->();
}

sub columns_of
{
	my ($self, $alias, $scope) = @_;
	my @columns = map { "$alias.$_->[0]" } @{ $self->{columns}{ $scope->{table} } };

	return join(', ', map { $self->once_in(4) ? $self->in_scope($scope, sub { $self->expression($self->one_of(@plain), 1) }) : $self->one_of(@columns) } 1 .. 3);
}

sub keys_of
{
	my ($self, $scope) = @_;

	return $self->in_scope($scope, sub { '(' . $self->expression($self->one_of(qw(int4 text inet date bool)), 1) . ')' });
}

# The same with parameters: [ types, values ] besides.
sub prepared_query
{
	my ($self, $signature) = @_;
	my $query;

	local $self->{params} = [];
	$query = $self->query($signature);
	return [ @$query, join(', ', map { $_->[0] } @{ $self->{params} }), join(', ', map { quoted($_->[1]) } @{ $self->{params} }) ];
}

1;
