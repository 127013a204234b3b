# Memory does not grow with the number of partitions by more than a little: of thousands of scans in a plan, those that
# have not begun and those that have ended hold next to nothing.  Measured is what a partition more takes, in
# the server's memory contexts, so it does not depend on the machine.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogS3;
use FlowLogSession;

my ($few, $many) = (50, 200);
my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('partitions', conf => "jit = off\nmax_locks_per_transaction = 256\nflowlog_fdw.allowed_endpoints = '127.0.0.1'\n");
my $session;

# ---------- tables ----------

write_file("$logs/small.log", "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n",
	default_lines(1, 20));
write_file("$logs/plain.log", default_lines(1, 20));

# The same columns everywhere, and a small file below each partition.  Lines are not split where a pattern looks ahead.
my %kinds = (
	heap => undef,
	header => "location '$logs/small.log'",
	pattern => "location '$logs/plain.log', regex " . quoted("(?=2)$record"),
	ignore => "location '$logs/small.log', on_error 'ignore'");

# make_partitions NAME, COUNT, OPTIONS: a table with so many partitions
sub make_partitions
{
	my ($name, $count, $options, $server) = @_;
	my $sql = "CREATE TABLE $name ($columns, path text) PARTITION BY LIST (version);\n";

	$server //= 'logs';
	foreach my $n (1 .. $count)
	{
		(my $numbered = $options // '') =~ s/NUMBER/$n/g;
		$sql .= defined $options
			? "CREATE FOREIGN TABLE ${name}_$n PARTITION OF $name FOR VALUES IN ($n) SERVER $server OPTIONS ($numbered);\n"
			. "ALTER FOREIGN TABLE ${name}_$n ALTER path OPTIONS (ADD field '\$path');\n"
			: "CREATE TABLE ${name}_$n PARTITION OF $name FOR VALUES IN ($n);\n";
	}
	$node->safe_psql('postgres', "BEGIN;\n$sql\nCOMMIT;");
	return;
}

foreach my $kind (sort keys %kinds)
{
	make_partitions("${kind}_$_", $_, $kinds{$kind}) foreach $few, $many;
}
$node->safe_psql('postgres', q{
	CREATE FUNCTION memory(pattern text) RETURNS bigint LANGUAGE sql AS
		$$ SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts WHERE name ~ pattern $$;
	CREATE FUNCTION used(pattern text) RETURNS bigint LANGUAGE sql AS
		$$ SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts WHERE name ~ pattern $$;

	-- evaluated for each file, when it is listed
	CREATE FUNCTION note_memory() RETURNS text STABLE LANGUAGE plpgsql AS
		$$ BEGIN RETURN set_config('test.noted', memory('^flowlog_fdw')::text, false); END $$;
});

# ---------- measuring ----------

# What a partition more takes, in bytes: of what EXPRESSION tells when QUERY, a scalar subquery that has TABLE, was evaluated.
sub growth
{
	my ($kind, $query, $expression, $settings) = @_;
	my @sizes;

	foreach my $count ($few, $many)
	{
		(my $asked = $query) =~ s/TABLE/${kind}_$count/g;
		$session = FlowLogSession->new($node);
		$session->safe_query("SET max_parallel_workers_per_gather = 0; $_") foreach $settings // ();
		$session->safe_query("SELECT ($asked) IS NULL, $expression"); # fills caches
		push @sizes, (split(/\|/, $session->safe_query("SELECT ($asked) IS NULL, $expression")))[1];
		$session->quit;
	}
	return int(($sizes[1] - $sizes[0]) / ($many - $few));
}

sub grows_by_at_most
{
	my ($most, $what, @arguments) = @_;
	my $bytes = growth(@arguments);

	diag("$what: $bytes bytes a partition");
	cmp_ok($bytes, '<=', $most, "$what: not more than $most bytes a partition");
	return;
}

my $ours = "memory('^flowlog_fdw')";
my $not_run = '(CASE WHEN random() < 0 THEN (SELECT count(srcaddr) FROM TABLE) END)';
my ($begun_most, $ended_most) = (20 * 1024, 48 * 1024);

foreach my $kind ('header', 'pattern', 'ignore')
{
	grows_by_at_most($begun_most, "$kind, before the first row", $kind, $not_run, $ours);
	grows_by_at_most($ended_most, "$kind, after the last row", $kind, 'SELECT count(srcaddr) FROM TABLE', $ours);
	grows_by_at_most($ended_most, "$kind, whole rows", $kind, 'SELECT count(t.*::text) FROM TABLE t', $ours);
	grows_by_at_most($ended_most, "$kind, a filter", $kind, "SELECT count(srcaddr) FROM TABLE WHERE action = 'ACCEPT' AND dstport = ANY ('{22,443}')", $ours);
	grows_by_at_most($ended_most, "$kind, aggregates of each partition", $kind,
		'SELECT count(*) FROM (SELECT srcaddr, count(*), sum(bytes) FROM TABLE GROUP BY 1) a', $ours, 'SET enable_partitionwise_aggregate = on');
	grows_by_at_most($ended_most, "$kind, whole groups of each partition", $kind,
		'SELECT count(*) FROM (SELECT version, dstport, count(*), sum(bytes) FROM TABLE GROUP BY 1, 2) a', $ours, 'SET enable_partitionwise_aggregate = on');
	grows_by_at_most($ended_most, "$kind, sorted", $kind,
		'SELECT max(srcport) FROM (SELECT srcport FROM TABLE ORDER BY srcport LIMIT 100) a', $ours);
	grows_by_at_most($ended_most, "$kind, EXISTS", $kind, 'SELECT count(*) FROM generate_series(1, 3) g WHERE EXISTS (SELECT FROM TABLE WHERE srcport = -g)', $ours);
	grows_by_at_most($ended_most, "$kind, begun again and again", $kind,
		'SELECT sum(n) FROM generate_series(1, 4) g, LATERAL (SELECT count(srcaddr) n FROM TABLE WHERE srcport > g OFFSET 0) a', $ours);
}

# ---------- workers ----------

my $eager = 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0';
$session = FlowLogSession->new($node);
$session->safe_query($eager);
like($session->safe_query("EXPLAIN (COSTS OFF) SELECT count(srcaddr) FROM header_$few"), qr/Gather.*Parallel Append/s, 'workers share the partitions');
$session->quit;
grows_by_at_most($ended_most, 'header, with workers', 'header', 'SELECT count(srcaddr) FROM TABLE', $ours, $eager);
grows_by_at_most($ended_most, 'pattern, with workers', 'pattern', 'SELECT count(srcaddr) FROM TABLE', $ours, $eager);

# ---------- cursors, UNION ALL ----------

foreach my $kind ('header', 'pattern')
{
	my @held;

	foreach my $count ($few, $many)
	{
		my $rows = 20 * $count;

		$session = FlowLogSession->new($node);
		$session->safe_query("SELECT count(srcaddr) FROM ${kind}_$count; BEGIN; DECLARE c CURSOR FOR SELECT * FROM ${kind}_$count; FETCH 10 FROM c");
		push @held, $session->safe_query("SELECT $ours");
		$session->safe_query("MOVE $rows FROM c");
		push @held, $session->safe_query("SELECT $ours");
		$session->safe_query('CLOSE c');
		cmp_ok($session->safe_query("SELECT coalesce($ours, 0)"), '<=', 16 * 1024, "$kind: a cursor that is closed holds nothing");
		$session->quit;
	}
	cmp_ok(($held[2] - $held[0]) / ($many - $few), '<=', $begun_most, "$kind: a cursor at its first rows");
	cmp_ok(($held[3] - $held[1]) / ($many - $few), '<=', $ended_most, "$kind: a cursor at its last row");
}

my @unions = map { join(' UNION ALL ', map { "SELECT srcaddr FROM header_${many}_$_" } 1 .. $_) } 25, 100;
my @sizes;
foreach my $union (@unions)
{
	$session = FlowLogSession->new($node);
	push @sizes, (split(/\|/, $session->safe_query("SELECT (SELECT count(*) FROM ($union) a), $ours")))[1];
	$session->quit;
}
cmp_ok(($sizes[1] - $sizes[0]) / 75, '<=', $ended_most, 'UNION ALL');

# ---------- EXPLAIN ----------

@sizes = ();
foreach my $count ($few, $many)
{
	$session = FlowLogSession->new($node);
	like($session->safe_query("EXPLAIN SELECT count(*) FROM pattern_$count WHERE path <> note_memory()"), qr/Line Format: regex, PCRE2/, 'EXPLAIN tells the format');
	push @sizes, $session->safe_query("SHOW test.noted");
	$session->quit;
}
diag(sprintf('EXPLAIN: %d bytes a partition', ($sizes[1] - $sizes[0]) / ($many - $few)));
cmp_ok(($sizes[1] - $sizes[0]) / ($many - $few), '<=', 64 * 1024, 'EXPLAIN that prunes');

# ---------- planning ----------

my $message = "used('^MessageContext')";
my $heap = growth('heap', $not_run, $message);
foreach my $kind ('header', 'pattern')
{
	my $bytes = growth($kind, $not_run, $message);

	diag(sprintf('planning %s: %d bytes a partition, %.2f times a heap\'s', $kind, $bytes, $bytes / $heap));
	cmp_ok($bytes, '<=', 2 * $heap, "planning takes at most twice as much as for a heap: $kind");
}
if ($node->pg_version >= 18)
{
	foreach my $query ('SELECT count(srcaddr) FROM TABLE WHERE srcport > 3', "SELECT srcaddr, sum(bytes) FROM TABLE WHERE action = 'ACCEPT' GROUP BY 1")
	{
		my %used;

		foreach my $kind ('heap', 'header')
		{
			my @memory = map {
				(my $asked = $query) =~ s/TABLE/${kind}_$_/;
				$node->safe_psql('postgres', "EXPLAIN (MEMORY, FORMAT json) $asked") =~ /"Memory Used": (\d+)/;
			} $few, $many;
			$used{$kind} = $memory[1] - $memory[0];
		}
		cmp_ok($used{header}, '<=', 2 * $used{heap}, "EXPLAIN (MEMORY) says so, too: $query");
	}
}

# ---------- connections ----------

make_directory("$logs/objects/bucket/$_") foreach 1 .. 30;
write_file("$logs/objects/bucket/$_/a.log", default_lines(1, 20)) foreach 1 .. 30;
my $store = FlowLogS3->start(objects => "$logs/objects");
$store->create_server($node, 's3');
make_partitions('s3_30', 30, "location 's3://bucket/NUMBER/', log_format '\${version} \${account-id} \${interface-id} \${srcaddr} \${dstaddr} \${srcport} \${dstport} \${protocol} \${packets} \${bytes} \${start} \${end} \${action} \${log-status}'", 's3');

sub sockets
{
	return scalar grep { (readlink($_) // '') =~ /^socket:|eventpoll/ } glob('/proc/' . $session->pid . '/fd/*');
}

$session = FlowLogSession->new($node);
my $before = sockets();
$session->safe_query('BEGIN; DECLARE c CURSOR FOR SELECT srcaddr FROM s3_30; MOVE 590 FROM c');
my $open = sockets() - $before;
diag("in the last of 30 partitions, $open sockets are open");
cmp_ok($open, '<=', 30, 'scans that have ended keep no connections, save the last ones');
is($session->safe_query('FETCH 20 FROM c') =~ tr/\n//, 9, 'all rows come');
$session->safe_query('COMMIT');
is($session->safe_query('SELECT sum(n) FROM generate_series(1, 3) g, LATERAL (SELECT count(*) n FROM s3_30 WHERE srcport > g OFFSET 0) a'), 1800,
	'and they are made anew when a scan begins again');
$session->quit;

check_log($node);
$node->stop;
done_testing();
