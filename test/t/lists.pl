# Comparisons with arrays: each operator, with ANY and ALL, in each type finds the rows that PostgreSQL finds in a heap,
# whatever is in the array; a long array costs little more than a short one; and building what a million elements are
# compared with can be stopped.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::Local qw(timegm);

use FlowLog;
use FlowLogSession;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('lists', conf => "jit = off\ntimezone = 'UTC'\n");

# ---------- the rows ----------

my @dates = ('2026-01-29', '2026-01-30', '2026-01-31', '2026-02-01', '2026-03-01');

# What the values of a type are, and what it is compared with besides: values that no record has, or that no field can hold.
my %types = (
	int2 => { values => [ 0, 1, 6, -1, 32767 ], others => [ 2, -32768 ] },
	int4 => { values => [ 0, 1, 443, -5, 2147483647 ], others => [ 2, -2147483648 ] },
	int8 => { values => [ 0, 1, 1769731200, -7, '9223372036854775807' ], others => [ 2, '-9223372036854775808' ] },
	text => { values => [ 'ACCEPT', 'REJECT', 'a', 'B', "\xc3\xa9" ], others => [ '', 'ACC', 'zz' ] },
	text_c => { type => 'text', collate => 'C', values => [ 'ACCEPT', 'REJECT', 'a', 'B', "\xc3\xa9" ], others => [ '', 'ACC', 'zz' ] },
	varchar => { type => 'varchar', typmod => '(6)', values => [ 'ACCEPT', 'a', 'ab', 'b', 'B' ], others => [ '', 'ACCEPTED' ] },
	bpchar => { type => 'bpchar', definition => 'char(6)', values => [ 'ACCEPT', 'a', 'ab', 'b', 'B' ], others => [ '', 'a  ', 'ACCEPTED' ] },
	inet => { values => [ '10.0.0.1', '10.0.0.0/8', '10.0.0.1/24', '::1', 'fe80::/10' ], others => [ '0.0.0.0/0', '10.0.0.2', '::/0' ], network => 1 },
	timestamptz => { values => [ map { "$_ 00:00:00+00" } @dates ], others => [ '2026-01-30 12:00:00.5+00', 'infinity', '-infinity' ] },
	timestamp => { values => [ map { "$_ 00:00:00" } @dates ], others => [ '2026-01-30 12:00:00.5', 'infinity', '-infinity' ] },
	date => { values => [@dates], others => [ '2025-12-31', 'infinity', '-infinity' ] },
	bool => { values => [ 't', 'f', 't', 'f', 't' ], others => [] },
	# of the path
	day => { type => 'date', path => 1, values => [ @dates[ 0 .. 2 ] ], others => [ '2026-01-28', 'infinity', '-infinity' ] },
	shelf => { type => 'int4', path => 1, values => [ 1, 2, 3 ], others => [ 0, -5 ] });
my @names = sort keys %types;
my @fields = grep { !$types{$_}{path} } @names;

foreach my $name (@names)
{
	my $type = $types{$name};

	$type->{type} //= $name;
	$type->{definition} //= $type->{type} . ($type->{typmod} // '');
	$type->{definition} .= qq{ COLLATE "$type->{collate}"} if $type->{collate};
}

# Each value stands beside each other one and beside NULL; times are seconds.
sub field
{
	my ($name, $n) = @_;
	my $type = $types{$name};
	my $value = $n % 6 == 5 ? undef : $type->{values}[ $n % 6 ];

	return '-' unless defined $value;
	return $value unless $type->{type} =~ /^timestamp/;
	my ($year, $month, $day) = $value =~ /^(\d+)-(\d+)-(\d+)/;
	return timegm(0, 0, 0, $day, $month - 1, $year);
}

foreach my $shelf (1 .. 3)
{
	make_directory("$logs/rows/shelf=$shelf/" . $dates[ $shelf - 1 ] =~ s{-}{/}gr);
	write_file("$logs/rows/shelf=$shelf/" . ($dates[ $shelf - 1 ] =~ s{-}{/}gr) . '/flow.log',
		map { my $n = $_; join(';', $shelf * 100 + $n, map { field($fields[$_], $n + $n / 6 * $_) } 0 .. $#fields) . "\n" } 0 .. 35);
}
sub column_of
{
	my ($name) = @_;

	return $types{$name}{path} ? $name : "c_$name";
}

my $definition = join(', ', 'n int', map { column_of($_) . " $types{$_}{definition}" } @fields);
create_table($node, 'logs', "$logs/rows/shelf=\${shelf}/\${day:yyyy/MM/dd}/*.log", columns => "$definition, shelf int, day date",
	regex => join(';', ('([^;]*)') x (@fields + 1)));
$node->safe_psql('postgres', 'CREATE TABLE heap (LIKE logs); INSERT INTO heap SELECT * FROM logs; ANALYZE heap');
is($node->safe_psql('postgres', 'SELECT count(*) FROM heap'), 108, 'all rows are there');

# ---------- each operator, ANY and ALL, in each type ----------

# Where the rows of a condition differ, with a constant array and with a parameter whose plan knows no value.
$node->safe_psql('postgres', q{
	CREATE FUNCTION rows_of(query text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		answer text;
	BEGIN
		EXECUTE 'SELECT string_agg(n::text, '','' ORDER BY n) FROM ' || query INTO answer;
		RETURN coalesce(answer, 'none');
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END $$;

	CREATE FUNCTION compare(col text, op text, list text, typename text) RETURNS SETOF text LANGUAGE plpgsql AS $$
	DECLARE
		answer text;
		clause text;
		form text;
	BEGIN
		FOREACH form IN ARRAY ARRAY['%s %s ANY (%s)', '%s %s ALL (%s)', 'NOT %s %s ANY (%s)', 'n % 2 = 0 OR %s %s ALL (%s)'] LOOP
			form := replace(form, 'n % 2', 'n %% 2');
			clause := format(form, col, op, format('%L::%s[]', list, typename));
			answer := rows_of('heap WHERE ' || clause);
			IF rows_of('logs WHERE ' || clause) <> answer THEN
				RETURN NEXT clause || ': ' || rows_of('logs WHERE ' || clause) || ' instead of ' || answer;
			END IF;
			EXECUTE format('PREPARE p(%s[]) AS SELECT string_agg(n::text, '','' ORDER BY n) FROM logs WHERE %s', typename, format(form, col, op, '$1'));
			BEGIN
				EXECUTE format('EXECUTE p(%L)', list) INTO form;
			EXCEPTION WHEN OTHERS THEN
				form := SQLSTATE;
			END;
			DEALLOCATE p;
			IF coalesce(form, 'none') <> answer THEN
				RETURN NEXT clause || ', a parameter: ' || coalesce(form, 'none') || ' instead of ' || answer;
			END IF;
		END LOOP;
	END $$;
});

# Arrays of a type: as text, or undef.
sub lists_of
{
	my ($name) = @_;
	my $type = $types{$name};
	my @all = (@{ $type->{values} }, @{ $type->{others} });
	my $quote = sub { '{' . join(',', map { defined $_ ? qq{"$_"} : 'NULL' } @_) . '}' };
	my $last = $#all;

	return ('{}', '{NULL}', '{NULL,NULL}', $quote->($all[0]), $quote->($all[-1]), $quote->(@all), $quote->(@all, undef), $quote->(undef, $all[1]),
		$quote->((@all) x 40), $quote->((@all, undef) x 20), $quote->(@all[ 0, 0, 0 ]), $quote->(@all[ 1 .. $last ]),
		'{' . $quote->(@all[ 0, 1 ]) . ',' . $quote->($all[0], undef) . '}');
}

my $turn = 0;
foreach my $name (@names)
{
	my $type = $types{$name};
	my @operators = ('=', '<>', '<', '<=', '>', '>=', $type->{network} ? ('<<', '<<=', '>>', '>>=', '&&') : ());
	my $calls = join("\n", map { my $op = $_; map { "SELECT * FROM compare('" . column_of($name) . "', '$op', " . quoted($_) . ", '$type->{type}');" } grep { $long || $turn++ % 2 == 0 } lists_of($name) } @operators);

	is($node->safe_psql('postgres', "SET plan_cache_mode = force_generic_plan;\n$calls"), '', "$name: the rows of each operator with each array");
}

# ---------- what long arrays cost ----------

# The same column in a record, and in the name of a directory.
make_directory("$logs/many/$_") foreach 1 .. 800;
write_file("$logs/many/$_/1.log", "$_\n") foreach 1 .. 800;
make_directory("$logs/one");
write_file("$logs/one/1.log", join(';', map { $_ eq 'n' ? 1 : field($_, 0) } 'n', @fields) . "\n");
create_table($node, 'one', "$logs/one", columns => $definition, regex => join(';', ('([^;]*)') x (@fields + 1)));
create_table($node, 'many', "$logs/many/\${shelf}", columns => 'n int, shelf int', regex => '(\d+)');
create_table($node, 'few', "$logs/many/1?/", columns => 'n int', regex => '(\d+)');
create_table($node, 'single', "$logs/many/\${shelf}5", columns => 'n int, shelf int', regex => '(\d+)');

my $million = 1_000_000;
my %element = (
	int4 => 'i * 2', int8 => 'i::bigint * 5', text => q{'v' || i}, timestamptz => q{'2026-01-01 00:00+00'::timestamptz + i * interval '1 second'},
	inet => q{'10.0.0.0'::inet + i}, date => q{'2026-01-01'::date + i % 100000});
$node->safe_psql('postgres', "CREATE UNLOGGED TABLE arrays (length int, " . join(', ', map { "a_$_ ${_}[]" } sort keys %element) . ');'
	. join('', map { "ALTER TABLE arrays ALTER a_$_ SET STORAGE EXTERNAL;" } sort keys %element) # compressing them is no part of this
	. join('', map { my $length = $_; "INSERT INTO arrays SELECT $length, " . join(', ', map { "array_agg($element{$_})" } sort keys %element)
		. " FROM (SELECT i FROM generate_series(1, $length) i ORDER BY i * 7919::bigint % $length) i;" } 2, $million / 50, $million / 5, $million));

# The processor time of a statement, the least of some runs.
sub work_of
{
	my ($session, $sql) = @_;
	my $least;

	foreach (1 .. 3)
	{
		my $before = $session->cpu_time;

		$session->safe_query($sql);
		my $time = $session->cpu_time - $before;
		$least = $time if !defined $least || $time < $least;
	}
	return $least;
}

my $session = FlowLogSession->new($node);
$session->safe_query('SET plan_cache_mode = force_generic_plan');
foreach my $type (sort keys %element)
{
	$turn++;
	$session->safe_query("PREPARE get_$type(int) AS SELECT a_$type FROM arrays WHERE length = \$1");
	foreach my $op ('=', '<>', '<', '>=', $type eq 'inet' ? ('<<', '<<=', '&&') : ())
	{
		foreach my $quantifier ($long ? ('ANY', 'ALL') : ('ANY', 'ALL')[ $turn++ % 2 ])
		{
			my $sql = "SELECT count(*) FROM one WHERE c_$type $op $quantifier ((SELECT a_$type FROM arrays WHERE length = %d)::${type}[])";
			my ($less, $more) = map { work_of($session, sprintf($sql, $_)) } $million / 50, $million / 5;

			# ten times as many elements: linear is 10, quadratic 100
			cmp_ok($more, '<', 30 * $less + 0.02, "$type $op $quantifier: ten times the elements take no more than some ten times the work");
		}
	}
}
$session->safe_query('PREPARE directories(int[]) AS SELECT count(*) FROM many WHERE shelf = ANY ($1)');
{
	my $directories = 'SELECT count(*) FROM many WHERE shelf = ANY ((SELECT a_int4 FROM arrays WHERE length = %d)::int[])';
	my $array = work_of($session, sprintf('SELECT count(*) FROM single WHERE shelf = ANY ((SELECT a_int4 FROM arrays WHERE length = %d)::int[])', $million / 5));
	my $listing = work_of($session, sprintf($directories, 2));

	cmp_ok(work_of($session, sprintf($directories, $million / 5)), '<', 5 * ($array + $listing), 'directories are not compared with each element of an array');
}
$session->quit;

# ---------- stopping it ----------

foreach my $type (sort keys %element)
{
	$turn++;
	# PostgreSQL reads an array at once
	my $reader = FlowLogSession->new($node);
	my $own = work_of($reader, "SELECT cardinality((SELECT a_$type FROM arrays WHERE length = $million)::${type}[])");
	$reader->quit;
	foreach my $comparison ('= ANY', '<> ALL', '= ALL', '> ANY', $type eq 'inet' ? ('<< ALL', '&& ANY') : ())
	{
		next unless $long || $turn++ % 2 == 0;
		my $cancelled = 0;
		my ($good, $told) = FlowLogSession::stops_in_time(sub {
			my $backend = FlowLogSession->new($node);

			$backend->send_sql("DO \$\$ BEGIN LOOP PERFORM count(*) FROM one WHERE c_$type $comparison ((SELECT a_$type FROM arrays WHERE length = $million)::${type}[]); END LOOP; END \$\$");
			$backend->wait_until_busy(0.1 + rand(0.4), 1_000_000);
			my @stopped = $backend->stop(sub { $node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $backend->pid . ')') });
			$cancelled++ if sqlstate($backend->error) eq '57014';
			$backend->quit;
			return @stopped;
		}, $own);

		ok($good && $cancelled > 0, "a million elements, $type $comparison: stopped in time: $told");
		diag("$type $comparison: $told") unless $good;
	}
}

check_log($node);
$node->stop;
done_testing();
