# How many connections a query opens: as many as the latency is worth, no more than max_connections in all processes
# together, nor than there are descriptors for; and fewer where the store wants fewer.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogS3;
use FlowLogSession;

my $objects = abs_path(PostgreSQL::Test::Utils::tempdir('objects'));
my $node = start_node('s3_connections', conf => "flowlog_fdw.allowed_endpoints = '127.0.0.1'
$eager_workers");

# ---------- what lies there ----------

# 400 small objects, and 40 days' folders of 5, in 4 months
system_or_bail('mkdir', '-p', "$objects/logs/many");
write_file(sprintf('%s/logs/many/%03d.log', $objects, $_), default_lines($_ * 10 - 9, $_ * 10)) foreach 1 .. 400;
foreach my $day (map { my $month = $_; map { sprintf('2026/%02d/%02d', $month, $_) } 1 .. 10 } 1 .. 4)
{
	system_or_bail('mkdir', '-p', "$objects/logs/days/$day");
	write_file("$objects/logs/days/$day/$_.log", default_lines($_, $_ + 1)) foreach 1 .. 5;
}

my $s3 = FlowLogS3->start(objects => $objects);
my $rows = 4000;

sub count_of
{
	my ($session, @tables) = @_;

	$s3->reset_counters;
	return $session->safe_query('SELECT count(srcport) FROM ' . join(' UNION ALL SELECT count(srcport) FROM ', @tables));
}

# ---------- processes of a query share them ----------

# An answer takes 20 ms, so that each process would have use for more than its part.
$s3->set(latency => 20);
my $session = FlowLogSession->new($node);
foreach my $most (1, 4, 12)
{
	$s3->create_server($node, "most$most", max_connections => $most);
	create_table($node, "many$most", 's3://logs/many/', server => "most$most");
	foreach my $workers (0, 2)
	{
		my $allowed = $most < 3 && $workers ? 3 : $most; # each process needs one

		$session->safe_query("SET max_parallel_workers_per_gather = $workers");
		$s3->wait_for_no_connection if $workers;
		is(count_of($session, "many$most"), $rows, "max_connections $most, $workers workers: all is read");
		cmp_ok($s3->counter('open_most'), '<=', $allowed, 'with no more connections');
		cmp_ok($s3->counter('busy_most'), '>=', $allowed / 2, 'which are made use of');
		$session->quit;
		ok($s3->wait_for_no_connection, 'and closed at the end');
		$session = FlowLogSession->new($node);
	}
}

# Processes may each read another table of an append.
create_table($node, "part$_", "s3://logs/many/${_}*.log", server => 'most12') foreach 0 .. 3;
$session->safe_query('SET max_parallel_workers_per_gather = 3');
$s3->wait_for_no_connection;
$s3->reset_counters;
my $append = 'SELECT count(srcport) FROM (' . join(' UNION ALL ', map { "SELECT srcport FROM part$_" } 0 .. 3) . ') p';
like($session->safe_query("EXPLAIN $append"), qr/Parallel Append/, 'tables that are appended in parallel');
is($session->safe_query($append), $rows - 10, 'are all read');
cmp_ok($s3->counter('busy_most'), '<=', 12, 'with no more connections');
$session->quit;
$session = FlowLogSession->new($node);

# Scans in a function are not shared: each process that calls it, the leader included, scans by itself, however many they are.
$node->safe_psql('postgres', q{
	CREATE FUNCTION count_many(int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE AS
		$$ BEGIN RETURN (SELECT count(srcport) FROM many12 WHERE $1 > 0); END $$;
	CREATE TABLE calls (n int) WITH (parallel_workers = 2);
	INSERT INTO calls SELECT 1 FROM generate_series(1, 1500);
	DELETE FROM calls WHERE ctid::text NOT LIKE '(%,1)';
	ANALYZE calls;
});
$session->safe_query('SET max_parallel_workers = 2; SET max_parallel_workers_per_gather = 2; SET plan_cache_mode = force_generic_plan');
$session->safe_query('PREPARE calls AS SELECT sum(count_many(n)) / count(*) FROM calls');
like($session->safe_query('EXPLAIN EXECUTE calls'), qr/Workers Planned: 2/, 'a function that all processes call');
$session->safe_query('SET max_parallel_workers_per_gather = 0; SELECT count(*) FROM many12');
$s3->wait_for_no_connection;
$s3->reset_counters;
is($session->safe_query('EXECUTE calls') + 0, $rows, 'returns the same in each of them');
cmp_ok($s3->counter('busy_most'), '<=', 12, 'with no more connections');
$session->quit;
$session = FlowLogSession->new($node);

# ---------- the beginnings of objects ----------

# flowlog_files() and IMPORT fetch several at a time, each once.
foreach my $most (1, 4, 12)
{
	my %read = (
		"flowlog_files('many$most')" => [ 400, "SELECT count(*) FROM flowlog_files('many$most') WHERE fields[3] = 'interface-id'" ],
		IMPORT => [ 100, "IMPORT FOREIGN SCHEMA flow_logs FROM SERVER most$most INTO public OPTIONS (location 's3://logs/many/', table 'made$most')" ]);

	foreach my $name (sort keys %read)
	{
		my ($objects, $query) = $read{$name}->@*;

		$session->safe_query('SET max_parallel_workers_per_gather = 0; SET client_min_messages = error');
		$s3->wait_for_no_connection;
		$s3->reset_counters;
		like($session->safe_query($query), qr/^(?:400)?$/, "$name looks at objects");
		is($s3->counter('kinds', 'GET'), $objects, 'each once');
		cmp_ok($s3->counter('busy_most'), '<=', $most, "with no more connections than $most");
		cmp_ok($s3->counter('busy_most'), '>=', $most / 2, 'several at a time');
		$session->quit;
		$session = FlowLogSession->new($node);
	}
}

# ---------- so do the scans of a process ----------

# The connections of a scan that has ended are kept, until another scan has use for them.  A store learns of a connection's
# end a little later, so twice as many may seem to be open.
$session->safe_query('SET max_parallel_workers_per_gather = 0');
create_table($node, "again$_", 's3://logs/many/', server => 'most12') foreach 1 .. 5;
is(count_of($session, map { "again$_" } 1 .. 5), join("\n", ($rows) x 5), 'five tables of a query');
cmp_ok($s3->counter('open_most'), '<=', 24, 'share the connections');
$session->quit;

# ---------- descriptors ----------

# A quarter of PostgreSQL's descriptors is for connections.
$node->append_conf('postgresql.conf', 'max_files_per_process = 80');
$node->restart;
$s3->create_server($node, 'usual');
create_table($node, 'many', 's3://logs/many/', server => 'usual');
$session = FlowLogSession->new($node);
$session->safe_query('SET max_parallel_workers_per_gather = 0');
is(count_of($session, 'many'), $rows, 'with few descriptors, all is read');
cmp_ok($s3->counter('open_most'), '<=', 80 / 4, 'with as many connections as there are descriptors for');
cmp_ok($s3->counter('open_most'), '>=', 4, 'which are some');
$session->quit;
$node->append_conf('postgresql.conf', 'max_files_per_process = 1000');
$node->restart;

# ---------- a store that wants fewer ----------

# Whoever comes while more than 12 requests are being answered is to slow down.
foreach my $workers (0, 2)
{
	my $told = $workers ? ', in parallel' : '';

	$session = FlowLogSession->new($node);
	$session->safe_query("SET max_parallel_workers_per_gather = $workers");
	$s3->faults({ fault => 'slow_down', kind => 'GET', crowd => 12 });
	is(count_of($session, 'many'), $rows, "a store for 12 at a time is read$told");
	cmp_ok($s3->counter('statuses', '503'), '>', 0, 'and has said so');
	cmp_ok($s3->counter('requests'), '<=', 3 * 400, 'but is not asked again and again');
	$session->quit;
}

# All answers are such, from some time on: the documented error, after few requests.
$session = FlowLogSession->new($node);
$session->safe_query('SET max_parallel_workers_per_gather = 0');
$s3->faults({ fault => 'slow_down', kind => 'GET', after => 100 });
$s3->reset_counters;
$session->query('SELECT count(srcport) FROM many');
is(sqlstate($session->error), '58030', 'a store that is always overloaded is an error');
like($session->error, qr/temporary error\nDETAIL:  The request was sent \d times\. The store answered 503 SlowDown/, 'which says so');
cmp_ok($s3->counter('requests'), '<=', 3 * 400, 'after few requests');
$s3->faults;
is(count_of($session, 'many'), $rows, 'and all is well afterwards');

# ---------- lists side by side ----------

# All days of a month are known at once, and 16 of them are listed at a time.  The lists are held until so many are there.
create_table($node, 'days', 's3://logs/days/${day:yyyy/MM/dd}/', server => 'usual', columns => "$columns, day date");
$s3->reset_all;
$s3->set(latency => { LIST => 100 });
is(count_of($session, 'days'), 400, 'folders of days');
is($s3->counter('kinds', 'LIST'), 1 + 1 + 4 + 40, 'are listed once each');
cmp_ok($s3->counter('busy_most'), '>=', 12, 'many at a time');
is($session->safe_query(q{SELECT count(DISTINCT day), min(day), max(day) FROM days}), '40|2026-01-01|2026-04-10', 'all of them');
$s3->reset_counters;
is($session->safe_query(q{SELECT count(*), min(day), max(day) FROM days WHERE day BETWEEN '2026-02-09' AND '2026-03-02'}), '40|2026-02-09|2026-03-02',
	'those that are asked for');
is($s3->counter('kinds', 'LIST'), 1 + 1 + 2 + 4, 'and nothing else is listed');

# Lists that fail at random: all rows or an error, and mostly rows.
my $query = 'SELECT count(*), sum(hashtextextended(t::text, 0)) FROM days t';
my $all = do { $s3->reset_all; $session->safe_query($query) };
my $answered = 0;
my $seeds = $long ? 60 : 8;
foreach my $seed (1 .. $seeds)
{
	my @chance = (kind => 'LIST', seed => $seed);

	$session->safe_query('SET max_parallel_workers_per_gather = ' . ($seed % 2 ? 0 : 2));
	$s3->reset_all;
	$s3->set(page_size => $seed % 4 + 2);
	$s3->faults(
		(map { { fault => $_, probability => 0.03, @chance } } qw(internal_error reset_first close_first slow_down)),
		{ fault => 'close_after', bytes => 200, probability => 0.03, @chance },
		(map { { fault => $_, probability => 0.0007, @chance } } qw(list_one_missing list_repeated list_no_token)));
	my $out = $session->query($query);
	my $state = sqlstate($session->error);

	$state eq '' ? is($out, $all, "lists with faults, seed $seed") : like($state, qr/^(?:XX001|58030|54000)$/, "lists with faults, seed $seed: an error");
	$answered++ if $state eq '';
}
cmp_ok($answered, '>=', $seeds / 3, "most are answered: $answered of $seeds");
$session->quit;

check_log($node);
$node->stop;
$s3->stop;
done_testing();
