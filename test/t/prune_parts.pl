# Conditions of several columns of the path leave out directories in which only some of these are known: as few are listed as
# could be, and the rows are those that PostgreSQL finds.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogS3;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $objects = abs_path(PostgreSQL::Test::Utils::tempdir('objects'));
my $node = start_node('prune_parts', conf => "flowlog_fdw.allowed_endpoints = '127.0.0.1'\n");

# ---------- what lies there ----------

# Names that Hive writes, and others: NULL, other widths, no numbers, and characters that are written as "%".
my @years = qw(2024 2025 2026 999 __HIVE_DEFAULT_PARTITION__);
my @months = qw(01 02 12 2 __HIVE_DEFAULT_PARTITION__);
my @days = qw(01 07 8 31);
my $hive = 'year=${year}/month=${month}/day=${day}/';

sub lay
{
	my ($top, $years, $months, $days) = @_;
	my $line = 0;

	foreach my $year (@$years)
	{
		foreach my $month (@$months)
		{
			foreach my $day (@$days)
			{
				my $directory = "$top/year=$year/month=$month/day=$day";

				system_or_bail('mkdir', '-p', $directory);
				$line++;
				write_file("$directory/a.log", default_lines($line, $line));
			}
		}
	}
	return;
}

lay("$logs/numbers", \@years, \@months, \@days);
lay("$logs/texts", [ @years, '', '2026%2F' ], [ @months, 'Feb', '0' ], [ @days, '%2F1' ]);
lay("$objects/logs/aws", [ 2024 .. 2026 ], [ '01' .. '12' ], [ '01' .. '05' ]);

my $icu = $node->safe_psql('postgres', q{SELECT count(*) FROM pg_collation WHERE collname = 'en-x-icu'});
my %tables = (
	numbers => 'year int, month int, day int',
	bytes => join(', ', map { "$_ text COLLATE \"C\"" } qw(year month day)),
	usual => 'year text, month text, day varchar',
	$icu ? (language => join(', ', map { "$_ text COLLATE \"en-x-icu\"" } qw(year month day))) : ());
foreach my $name (sort keys %tables)
{
	my $top = $name eq 'numbers' ? 'numbers' : 'texts';

	create_table($node, $name, "$logs/$top/$hive", columns => "srcport int, $tables{$name}", regex => undef);
	$node->safe_psql('postgres', "CREATE TABLE heap_$name AS SELECT * FROM $name");
}

# ---------- what is listed ----------

my $s3 = FlowLogS3->start(objects => $objects);
$s3->create_server($node, 'store');
create_table($node, "aws_$_", "s3://logs/aws/$hive", columns => "srcport int, $tables{$_}", regex => undef, server => 'store')
	foreach qw(numbers bytes);

# The years, the months of a year, the days of a month, and each day that is asked for.
my $from_text = q{year || '/' || month || '/' || day >= '2026/02/01'};
my @listed = (
	[ bytes => q{year = '2026' AND month = '02' AND day < '03'}, 2, 1 + 1 + 1 + 2 ],
	[ bytes => "$from_text AND year || '/' || month || '/' || day < '2026/02/03'", 2, 1 + 1 + 1 + 2 ],
	[ bytes => q{concat(year, '-', month, '-', day) BETWEEN '2026-02-01' AND '2026-02-02'}, 2, 1 + 1 + 1 + 2 ],
	[ bytes => q{concat_ws('', year, month, day) IN ('20260201', '20240301')}, 2, 1 + 2 + 2 + 2 ],
	[ bytes => q{'2026.02' = year || '.' || month}, 5, 1 + 1 + 1 + 5 ],
	[ bytes => q{year || month || day LIKE '202602%'}, 5, 1 + 1 + 1 + 5 ],
	[ bytes => q{(year, month, day) >= ('2026', '02', '01') AND (year, month, day) < ('2026', '02', '03')}, 2, 1 + 1 + 1 + 2 ],
	[ numbers => q{(year, month, day) >= (2026, 2, 1) AND (year, month, day) <= (2026, 2, 2)}, 2, 1 + 1 + 1 + 2 ],
	[ numbers => q{year > 2026 OR (year = 2026 AND month = 2 AND day <= 2)}, 2, 1 + 1 + 1 + 2 ],
	[ numbers => q{NOT (year <> 2026 OR month <> 2 OR day > 2)}, 2, 1 + 1 + 1 + 2 ],
	[ numbers => q{(year, month) IN ((2024, 3), (2025, 12))}, 10, 1 + 2 + 2 + 10 ],
	[ numbers => q{concat(year, '-', month, '-', day) = '2026-2-1'}, 1, 1 + 1 + 1 + 1 ],
	# what of a month is not known may be anything
	[ numbers => q{year * 100 + month = 202602}, 5, 1 + 3 + 1 + 5 ]);
foreach my $case (@listed)
{
	my ($name, $condition, $rows, $lists) = @$case;

	$s3->reset_counters;
	is($node->safe_psql('postgres', "SELECT count(*) FROM aws_$name WHERE $condition"), $rows, $condition);
	is($s3->counter('kinds', 'LIST'), $lists, 'lists no more than it needs');
}

# ---------- what is found ----------

srand($ENV{FLOWLOG_SEED} // 19);

sub one_of
{
	return $_[ int(rand(@_)) ];
}

my $numbers; # whether columns are numbers

sub constant
{
	my ($column) = @_;
	my @values = $column eq 'year' ? qw(2023 2024 2025 2026 2027 999 0) : $column eq 'month' ? qw(00 01 02 2 12 13) : qw(01 07 8 08 31 99);

	return $numbers ? one_of(@values) + 0 : one_of(map { "'$_'" } @values, '', 'Feb', '2026/');
}

# A text of columns, and one that it may be compared with.
sub sum
{
	my $separator = one_of('', '/', '-', '0');
	my @columns = (one_of([qw(year month day)], [qw(year month)], [qw(year day)], [qw(month year)]))->@*;
	my @texts = map { $numbers ? "$_\::text" : $_ } @columns;
	my $text = one_of(
		join(" || '$separator' || ", @texts),
		'concat(' . join(", '$separator', ", @columns) . ')',
		"concat_ws('$separator', " . join(', ', @texts) . ')',
		"concat_ws(NULL, $texts[0], 'x')",
		"'$separator' || " . join(' || ', @texts));
	my $constant = join($separator, map { my $value = constant($_); $value =~ s/'//gr } @columns);

	$constant = substr($constant, 0, int(rand(length($constant) + 1))) if rand() < 0.3;
	return ($text, $constant);
}

sub condition
{
	my ($depth) = @_;
	my $kind = rand();
	my $op = one_of('=', '<>', '<', '<=', '>', '>=');

	return one_of('NOT ', '') . '(' . join(one_of(' AND ', ' OR '), map { condition($depth - 1) } 1 .. 1 + int(rand(3))) . ')' if $depth > 0;
	if ($kind < 0.3)
	{
		my $column = one_of(qw(year month day));

		return one_of("$column $op " . constant($column), "$column IN (" . constant($column) . ', ' . constant($column) . ')', "$column IS NULL");
	}
	if ($kind < 0.5)
	{
		my @columns = one_of([qw(year month)], [qw(year month day)], [qw(month day)])->@*;

		return '(' . join(', ', @columns) . ") $op (" . join(', ', map { rand() < 0.05 ? 'NULL' : constant($_) } @columns) . ')';
	}
	my ($text, $constant) = sum();
	return one_of("$text $op '$constant'", "'$constant' $op $text", "$text LIKE '$constant" . one_of('%', '_%', '') . q{'},
		"$text = ANY (ARRAY['$constant', '2026', NULL])");
}

my $tries = $long ? 3000 : 150;
my $wrong = 0;
my $pruned = 0;
foreach my $name (sort keys %tables)
{
	my (@queries, @conditions);

	$numbers = $name eq 'numbers';
	foreach (1 .. $tries)
	{
		my $condition = condition(int(rand(3)));

		push @conditions, $condition;
		push @queries, "SELECT coalesce((SELECT string_agg(srcport::text, ',' ORDER BY srcport) FROM $_ WHERE $condition), '-')"
			foreach $name, "heap_$name";
	}
	my @found = split(/\n/, $node->safe_psql('postgres', join(";\n", @queries)), -1);
	is(scalar(@found), 2 * $tries, "$name: all queries are answered");
	foreach my $i (0 .. $tries - 1)
	{
		next if $found[ 2 * $i ] eq $found[ 2 * $i + 1 ];
		$wrong++;
		diag("$name: $conditions[$i]: $found[2 * $i] instead of $found[2 * $i + 1]");
	}
	my $plans = $node->safe_psql('postgres', join(";\n", map { "EXPLAIN (COSTS OFF) SELECT * FROM $name WHERE $_" } @conditions));
	$pruned += () = $plans =~ /Directories Pruned: [1-9]/g;
}
is($wrong, 0, 'all rows are those of the heap');
cmp_ok($pruned, '>', $tries, "and directories were left out: by $pruned queries");

check_log($node);
$node->stop;
$s3->stop;
done_testing();
