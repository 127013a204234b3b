# Whole groups: however small the table of groups, however many processes read, and however keys are
# written, each group comes once and has all of its records; and no file is left behind, however
# a scan ends.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use FlowLog;
use FlowLogSession;

my $logs = PostgreSQL::Test::Utils::tempdir('logs');
my $node = start_node('groups', conf => q{
	max_worker_processes = 16
	max_parallel_workers = 16
	parallel_setup_cost = 0
	parallel_tuple_cost = 0
	min_parallel_table_scan_size = 0
	jit = off
});

sub one_of
{
	return $_[ int(rand(@_)) ];
}

# ---------- the data ----------

srand(20260130);

# Records of some thousand groups; keys in several spellings if so wanted.
sub lines
{
	my ($count, $groups, $spelled) = @_;
	my @lines;

	foreach (1 .. $count)
	{
		my $n = int(rand($groups));
		my $number = $spelled ? one_of($n, "0$n", "+$n") : $n;
		my $address = sprintf('10.%d.%d.1', $n >> 8 & 255, $n & 255);

		$address = one_of($address, "$address/32", sprintf('2001:db8::%x', $n), sprintf('2001:DB8:0:0::%04x', $n)) if $spelled;
		push @lines, join(' ', rand() < 0.02 ? '-' : "host-$n", rand() < 0.02 ? '-' : $number, rand() < 0.02 ? '-' : $address, int(rand(1000)),
			one_of(9223372036854775807, -9223372036854775808, int(rand(1000000)))) . "\n";
		push @lines, "no record\n" if rand() < 0.001;
	}
	return @lines;
}

my $definition = 'host text, number int, address inet, bytes int, wide bigint';
my $pattern = '([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+)';
my %tables = (few => [ 5, 0 ], many => [ 3000, 0 ], spelled => [ 3000, 1 ]);

foreach my $name (sort keys %tables)
{
	mkdir "$logs/$name";
	write_file("$logs/$name/$_.log", lines(4000, @{ $tables{$name} })) foreach 1 .. 6;
	system('gzip', "$logs/$name/6.log") == 0 or die 'could not run gzip';
	create_table($node, $name, "$logs/$name", columns => $definition, regex => $pattern, on_error => 'set_null', log_verbosity => 'silent');
	create_table($node, "${name}_no_nulls", "$logs/$name", columns => 'host text', regex => '(\S+) \S+ .*', on_error => 'ignore', null => 'off', log_verbosity => 'silent');
	$node->safe_psql('postgres', "CREATE TABLE ${name}_heap AS SELECT * FROM $name; ANALYZE $name; ANALYZE ${name}_heap;");
}

# Temporary files that there are.
sub temporary_files
{
	my @found;

	foreach my $dir (glob($node->data_dir . '/base/pgsql_tmp'))
	{
		open(my $find, '-|', 'find', $dir, '-type', 'f') or die "could not run find: $!";
		push @found, <$find>;
		close($find);
	}
	return join('', @found);
}

# ---------- the same groups ----------

my @queries = (
	'SELECT host, count(*), sum(bytes), avg(bytes), min(wide), max(address) FROM %s GROUP BY host',
	'SELECT number, count(number), sum(wide), avg(wide), max(bytes) FROM %s GROUP BY number',
	'SELECT address, count(*), avg(wide), sum(wide) / 3 FROM %s WHERE bytes < 500 GROUP BY address',
	'SELECT host, number, count(*) FROM %s GROUP BY host, number',
	'SELECT count(*), sum(bytes) FROM %s GROUP BY address, host, number',
	'SELECT number, host FROM %s GROUP BY host, number',
	'SELECT host, sum(bytes) FROM %s GROUP BY host HAVING count(*) > 3 AND max(bytes) > 900',
	'SELECT sum(bytes), host FROM %s GROUP BY host ORDER BY 1 DESC, 2 LIMIT 10',
	'SELECT DISTINCT sum(bytes) FROM %s GROUP BY host',
	'SELECT host, sum(sum(bytes)) OVER (ORDER BY host) FROM %s GROUP BY host',
	'SELECT count(*) FROM (SELECT host FROM %s GROUP BY host) q',
	'SELECT host, count(*) FROM %s WHERE bytes < 0 GROUP BY host');

sub answers
{
	my ($session, $table, @queries) = @_;

	return join("\n", map { $session->safe_query(sprintf("SELECT string_agg(q::text, E'\\n' ORDER BY q::text COLLATE \"C\") FROM ($_) q", $table)) } @queries);
}

my $session = FlowLogSession->new($node);
my %expected;
my $turn = 0;

foreach my $memory ('4MB', '64kB')
{
	foreach my $workers ($long ? (0, 1, 2, 5, 8) : (0, 1, 3))
	{
		foreach my $leader ($workers ? ('on', 'off') : 'on')
		{
			# without the leader, one worker in much memory and some in little
			next if !$long && $workers && ($leader eq 'on') == (($workers == 1) == ($memory eq '4MB'));
			$session->safe_query("SET work_mem = '$memory'; SET hash_mem_multiplier = 1; SET max_parallel_workers_per_gather = $workers; SET parallel_leader_participation = $leader");
			my @asked = grep { $long || $turn == 0 || ($_ + $turn) % 2 == 0 } 0 .. $#queries;
			$turn++;
			foreach my $name (sort keys %tables)
			{
				my $expected = $expected{$name}{"@asked"} //= answers($session, "${name}_heap", @queries[@asked]);
				my $same = answers($session, $name, @queries[@asked]) eq $expected;
				ok($same, "$name: $memory, $workers workers, leader $leader");
			}
		}
	}
}
is(temporary_files(), '', 'no file is left');

# where no text means NULL
$session->safe_query("SET work_mem = '64kB'; SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = on");
is($session->safe_query('SELECT count(*), count(host), sum(n) FROM (SELECT host, count(*) AS n FROM many_no_nulls GROUP BY host) q'),
	$session->safe_query('SELECT count(*), count(*), sum(n) FROM (SELECT host, count(*) AS n FROM many_heap WHERE bytes IS NOT NULL GROUP BY host) q'), 'a "-" is a group like any other');

# ---------- the plans that this was about ----------

sub plan_of
{
	return $session->safe_query("EXPLAIN (COSTS OFF) $_[0]");
}

$session->safe_query('SET max_parallel_workers_per_gather = 0');
like(plan_of('SELECT host, sum(bytes) FROM many GROUP BY host HAVING count(*) > 3'), qr/\AForeign Scan\n +Filter: [^\n]*\n +Relation: many\n.*Pushed Aggregates: sum\(bytes\), count\(\*\)/s, 'nothing is above the scan');
unlike(plan_of('SELECT host, sum(bytes) FROM many GROUP BY host'), qr/PARTIAL/, 'its states are not partial');
$session->safe_query('SET max_parallel_workers_per_gather = 2; SET parallel_tuple_cost = 0.1');
like(plan_of('SELECT host, sum(bytes) FROM many GROUP BY host'), qr/\AGather\n.*Parallel Foreign Scan\n.*Pushed Aggregates: sum\(bytes\)\n/s, 'workers give whole groups');
like(plan_of('SELECT host, sum(bytes) FROM many GROUP BY host ORDER BY 2 LIMIT 3'), qr/Limit\n.*Gather Merge\n.*Sort\n.*Parallel Foreign Scan\n/s, 'and sort them');
like(plan_of('SELECT host, sum(bytes) FROM few GROUP BY host'), qr/PARTIAL sum\(bytes\)/, 'of few groups they give partial ones');
$session->safe_query('SET parallel_tuple_cost = 0');

# ---------- scans that are run again, or do not reach the end ----------

# groups of a worker's and of files; each row of the outer side runs the inner one again
foreach my $memory ('4MB', '64kB')
{
	$session->safe_query("SET work_mem = '$memory'");
	foreach my $workers (0, 3)
	{
		$session->safe_query("SET max_parallel_workers_per_gather = $workers");
		my $again = q{SELECT sum(g.n), count(*) FROM generate_series(1, 4) x LEFT JOIN (SELECT host, count(*) AS n FROM %s GROUP BY host OFFSET 0) g ON g.n > x};
		$session->safe_query('SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off');
		is($session->safe_query(sprintf($again, 'many')), $session->safe_query(sprintf($again, 'many_heap')), "run again: $memory, $workers workers");
		my $inner = q{SELECT sum((SELECT sum(n) FROM (SELECT host, count(*) AS n FROM %1$s WHERE bytes < x GROUP BY host HAVING count(*) > 1) g)) FROM generate_series(100, 400, 100) x};
		is($session->safe_query(sprintf($inner, 'spelled')), $session->safe_query(sprintf($inner, 'spelled_heap')), "run again with other values: $memory, $workers workers");
		$session->safe_query('RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material');
		is($session->safe_query('SELECT count(*) FROM (SELECT host, sum(bytes) FROM many GROUP BY host LIMIT 7) q'), 7, 'LIMIT');
		is($session->safe_query('BEGIN; DECLARE c CURSOR FOR SELECT host, count(*) FROM many GROUP BY host; MOVE 5 IN c; CLOSE c; COMMIT; SELECT 1'), 1, 'a cursor');
		is($session->safe_query('BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT host, count(*) FROM many GROUP BY host; MOVE 5 IN c; COMMIT; MOVE ALL IN c; CLOSE c; SELECT 1'), 1, 'that is held');
		is($session->safe_query('BEGIN; SAVEPOINT a; DECLARE c CURSOR FOR SELECT host, count(*) FROM many GROUP BY host; MOVE 5 IN c; ROLLBACK TO a; COMMIT; SELECT 1'), 1, 'that is rolled back');
		is(temporary_files(), '', 'no file is left');
	}
}

# what processes share is made anew for each run, and takes no more memory for it
$node->safe_psql('postgres', q{
	CREATE FUNCTION memory_of_scans(int) RETURNS bigint LANGUAGE plpgsql PARALLEL RESTRICTED AS $$
	BEGIN
		RETURN (SELECT sum(used_bytes) FROM pg_get_backend_memory_contexts() WHERE name LIKE 'flowlog_fdw%');
	END $$;
});
$session->safe_query('SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off');
my $runs = $long ? 60 : 40;
my $growth = 'SELECT count(*), max(size) - min(size) < 100000 FROM
	(SELECT x, memory_of_scans(x) AS size FROM generate_series(1, ' . $runs . ') x LEFT JOIN (SELECT host, count(*) AS n FROM many GROUP BY host) g ON g.n < -x OFFSET 0) q WHERE x > 10';
like(plan_of($growth), qr/-> +Gather\n.*Pushed Aggregates: count/s, 'workers run again');
is($session->safe_query($growth), $runs - 10 . '|t', 'memory does not grow when they do');
$session->safe_query('RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material');

# ---------- errors ----------

# The limit is each process's own.  However the files are divided, one of four processes reads a quarter of the
# lines or more, and their groups do not fit into its memory; what it writes is more than this.
$session->safe_query("SET work_mem = '64kB'; SET temp_file_limit = '4kB'");
foreach my $workers (0, 3)
{
	$session->safe_query("SET max_parallel_workers_per_gather = $workers");
	$session->query('SELECT host, count(*) FROM many GROUP BY host');
	is(sqlstate($session->error), '53400', "temp_file_limit holds: $workers workers");
}
$session->safe_query("SET temp_file_limit = '64MB'");
is($session->safe_query('SELECT count(*) FROM (SELECT host, count(*) FROM many GROUP BY host) q'),
	$session->safe_query('SELECT count(DISTINCT host) + 1 FROM many_heap'), 'and what is below it may be written');
$session->safe_query('RESET temp_file_limit');
is(temporary_files(), '', 'no file is left');

# a broken line in the last file, when other processes may wait already
mkdir "$logs/broken";
write_file("$logs/broken/$_.log", grep { $_ ne "no record\n" } lines(4000, 3000, 0)) foreach 1 .. 6;
append_file("$logs/broken/6.log", "no record\n");
create_table($node, 'broken', "$logs/broken", columns => $definition, regex => $pattern, log_verbosity => 'silent');
foreach my $workers (0, 1, 4)
{
	foreach my $leader ('on', 'off')
	{
		$session->safe_query("SET max_parallel_workers_per_gather = $workers; SET parallel_leader_participation = $leader");
		$session->query('SELECT host, count(*) FROM broken GROUP BY host');
		is(sqlstate($session->error), '22P04', "a broken line: $workers workers, leader $leader");
	}
}
is(temporary_files(), '', 'no file is left');

# cancelled while some wait for one that has much to read
mkdir "$logs/slow";
write_file("$logs/slow/0.log", "ab\n" x 10);
system('gzip', "$logs/slow/0.log") == 0 or die 'could not run gzip';
write_file("$logs/slow/1.log", ('a' x 3000 . "\n") x 20000);
system('gzip', '-1', "$logs/slow/1.log") == 0 or die 'could not run gzip';
create_table($node, 'slow', "$logs/slow", columns => 'line text', regex => '((?:a(?!.*z))*[^a])', on_error => 'ignore', log_verbosity => 'silent');
# whole groups, although few of them are expected
$session->safe_query('SET max_parallel_workers_per_gather = 3; SET parallel_leader_participation = on; SET enable_hashagg = off; SET enable_sort = off');
foreach my $who ('leader', 'worker')
{
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	my @workers;

	$session->send_sql('SELECT line, count(*) FROM slow GROUP BY line');
	while (!@workers && time() < $until)
	{
		# one that is not yet at work would be "failed to initialize"
		@workers = split(/\n/, $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT line%' AND leader_pid = }
			. $session->pid . ' AND pid <> ' . $session->pid));
		sleep(0.02);
	}
	ok($node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Extension')}), 'somebody waits');
	$node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . ($who eq 'leader' ? $session->pid : $workers[0]) . ')');
	$session->finish;
	is(sqlstate($session->error), '57014', "a cancel of a $who ends the query");
}
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'}), 'no worker is left');
is($session->safe_query('SELECT count(*) FROM (SELECT host FROM many GROUP BY host) q'), $session->safe_query('SELECT count(*) FROM (SELECT host FROM many_heap GROUP BY host) q'), 'after which the session reads on');

$session->quit;
check_log($node);
$node->stop;
done_testing();
