# flowlog_fdw.max_scan_bytes: whatever the plan, whoever reads, and however often, no byte is read before it is known that
# the sum is within the limit; and a scan that is not executed is no error.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogFaults;
use FlowLogS3;
use FlowLogSession;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $faults = FlowLogFaults->new(abs_path(PostgreSQL::Test::Utils::tempdir('shim')));
plan skip_all => 'there is no compiler' unless $faults;

my $node = $faults->with_shim(sub { start_node('limit', conf => $eager_workers . "jit = off\nflowlog_fdw.allowed_endpoints = '127.0.0.1'\n") });

# ---------- the logs: compressed, so that each file is one unit and is read once ----------

my %size;
foreach my $table ('flow', 'other', 'lake')
{
	mkdir "$logs/$table";
	foreach my $file (1 .. 8)
	{
		my $dir = $table eq 'lake' ? "$logs/lake/day=$file" : "$logs/$table";

		mkdir $dir;
		write_file("$dir/$file.log", default_lines($file * 300, $file * 300 + 299));
		system('gzip', '-q', '-n', "$dir/$file.log") == 0 or die 'could not run gzip';
		$size{$table} += -s "$dir/$file.log.gz";
		$size{day}[$file] = -s "$dir/$file.log.gz" if $table eq 'lake';
	}
}
create_table($node, 'flow', "$logs/flow");
create_table($node, 'other', "$logs/other");
create_table($node, 'lake', "$logs/lake/day=\${day}", columns => "day int, $columns", regex => undef, log_format => undef);
$node->safe_psql('postgres', qq{
	CREATE TABLE parts ($columns) PARTITION BY LIST (action);
	CREATE FOREIGN TABLE part_1 PARTITION OF parts FOR VALUES IN ('ACCEPT') SERVER logs OPTIONS (location '$logs/flow');
	CREATE FOREIGN TABLE part_2 PARTITION OF parts FOR VALUES IN ('REJECT') SERVER logs OPTIONS (location '$logs/other');
	CREATE TABLE nothing (n int);
	CREATE TABLE two (n int);
	INSERT INTO two VALUES (1), (2);
	ANALYZE nothing, two, flow;
});

my $session = FlowLogSession->new($node);
$session->safe_query('SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off');

# Runs a statement under a limit; returns its rows or its SQLSTATE, and the bytes that were read of the logs.
sub limited
{
	my ($limit, $sql) = @_;

	$session->safe_query("SET flowlog_fdw.max_scan_bytes = $limit");
	$faults->arm(path => "$logs/");
	my $out = $session->query($sql);
	my $found = $faults->disarm;
	my $error = $session->error;
	my $state = sqlstate($error);

	$session->query('ROLLBACK') if $sql =~ /^BEGIN/;
	$session->safe_query('SET flowlog_fdw.max_scan_bytes = 0');
	return ($state ne '' ? $state : $out, $found->{bytes}, $error);
}

# A statement reads so many times the table: that much is allowed, one byte less is an error before the last of these times.
sub is_limited
{
	my ($name, $sql, $bytes, $times) = @_;
	my ($all) = limited(0, $sql);
	my ($out, $read) = limited($bytes * $times, $sql);

	is($out, $all, "$name: as much as is allowed");
	is($read, $bytes * $times, "$name: is read");
	foreach my $try (1 .. 2)
	{
		($out, $read, my $error) = limited($bytes * $times - 1, $sql);
		is($out, '53400', "$name: one byte less is an error");
		is($read, $bytes * ($times - 1), "$name: before a byte is read");
		like($error, qr/DETAIL:  Its 8 flow logs have $bytes bytes/, "$name: which says how many they are");
	}
	return;
}

sub plan_of
{
	my ($sql) = @_;

	return $session->safe_query("EXPLAIN (COSTS OFF) $sql");
}

# ---------- serial and parallel scans, and rescans ----------

my %queries = (
	'rows' => [ 'SELECT sum(hashtext(srcaddr::text || account_id)) FROM flow WHERE hashtext(account_id || interface_id) > 0', 1, qr/Foreign Scan on flow/ ],
	'partial groups' => [ 'SELECT count(*), sum(bytes) FROM flow', 1, qr/Pushed Aggregates/ ],
	'whole groups' => [ 'SELECT srcport, count(*) FROM flow GROUP BY srcport HAVING count(*) > 2 ORDER BY 1', 1, qr/Pushed Group Key/ ],
	'rescans' => [ 'SELECT n, c FROM two LEFT JOIN (SELECT count(*) AS c FROM flow WHERE hashtext(account_id || interface_id) > 0) s ON c > n', 2, qr/Nested Loop.*Foreign Scan on flow/s ],
	'rescans of partial groups' => [ 'SELECT n, c FROM two LEFT JOIN (SELECT count(*) AS c FROM flow) s ON c > n', 2, qr/Nested Loop.*Pushed Aggregates/s ],
	'rescans of whole groups' => [ 'SELECT n, c FROM two LEFT JOIN (SELECT srcport, count(*) AS c FROM flow GROUP BY srcport) s ON c > n', 2, qr/Nested Loop.*Pushed Group Key/s ]);
my @ways = (
	[ 'serial', 0, 'on', 8 ],
	[ 'one worker', 1, 'on', 8 ],
	[ 'workers', 4, 'on', 8 ],
	[ 'workers without the leader', 4, 'off', 8 ],
	[ 'no workers to be had', 4, 'on', 0 ],
	[ 'no workers to be had, nor the leader', 4, 'off', 0 ]);

foreach my $way (@ways)
{
	my ($how, $workers, $leader, $available) = @$way;

	$session->safe_query("SET max_parallel_workers_per_gather = $workers; SET parallel_leader_participation = $leader");
	foreach my $name (sort keys %queries)
	{
		my ($sql, $times, $plan) = @{ $queries{$name} };
		my $explained = plan_of($sql);

		like($explained, $plan, "$how, $name: the plan");
		unlike($explained, qr/Finalize/, "$how, $name: in which groups are whole") if $name =~ /whole/;
		$workers > 0 ? like($explained, qr/Gather/, "$how, $name: which is parallel") : unlike($explained, qr/Gather/, "$how, $name: which is not parallel");
		$session->safe_query("SET max_parallel_workers = $available");
		is_limited("$how, $name", $sql, $size{flow}, $times);
		$session->safe_query('SET max_parallel_workers = 8');
	}
}

# a plan that is parallel, but runs without parallelism, as it does where the rows are fetched in portions
$session->safe_query('SET max_parallel_workers_per_gather = 4; SET parallel_leader_participation = off');
$session->safe_query(q{CREATE FUNCTION portion() RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE r record; BEGIN FOR r IN SELECT dstport, count(*) AS c FROM flow GROUP BY 1 ORDER BY 1 LOOP RETURN r.c; END LOOP; END $$});
is_limited('a loop', 'SELECT portion()', $size{flow}, 1);

# ---------- what is not executed ----------

foreach my $leader ('on', 'off')
{
	$session->safe_query("SET max_parallel_workers_per_gather = 4; SET parallel_leader_participation = $leader");
	my ($out, $read) = limited(1, 'SELECT c FROM nothing LEFT JOIN (SELECT count(*) AS c FROM flow) s ON true');
	is("$out $read", ' 0', "leader $leader: a Gather that never runs");

	my $sql = 'SELECT count(*) FROM (SELECT hashtext(account_id) AS h FROM flow WHERE (SELECT count(*) > 2 FROM two) AND hashtext(account_id) > 0) f';
	like(plan_of($sql), qr/Gather.*One-Time Filter.*Parallel Foreign Scan/s, "leader $leader: a scan below a Gather that may not be executed");
	($out, $read) = limited(1, $sql);
	is("$out $read", '0 0', "leader $leader: is no error");
	is_limited("leader $leader: unless it is", $sql =~ s/> 2 FROM/> 1 FROM/r, $size{flow}, 1);
}

# ---------- one scan, one limit ----------

foreach my $workers (0, 4)
{
	my $larger = $size{flow} > $size{other} ? $size{flow} : $size{other};
	my ($out, $read);

	$session->safe_query("SET max_parallel_workers_per_gather = $workers; SET parallel_leader_participation = off");
	foreach my $sql ('SELECT (SELECT count(*) FROM flow) + (SELECT count(*) FROM other)', 'SELECT sum(hashtext(account_id)) FROM parts')
	{
		($out, $read) = limited($larger, $sql);
		like($out, qr/^-?\d+$/, "$workers workers: each scan has a limit of its own: $sql");
		is($read, $size{flow} + $size{other}, 'and reads all');
		($out) = limited($larger - 1, $sql);
		is($out, '53400', 'one of which is not enough');
	}
}

# ---------- other lists for each rescan ----------

foreach my $workers (0, 4)
{
	my $sql = 'SELECT n, (SELECT count(*) FROM lake WHERE day = n) FROM two ORDER BY n';
	my ($out, $read);

	$session->safe_query("SET max_parallel_workers_per_gather = $workers");
	($out, $read) = limited($size{day}[1] + $size{day}[2], $sql);
	is("$out, $read", "1|300\n2|300, " . ($size{day}[1] + $size{day}[2]), 'rescans that read other files');
	($out, $read) = limited($size{day}[1] + $size{day}[2] - 1, $sql);
	is("$out, $read", "53400, $size{day}[1]", 'and are limited, too');
}

# ---------- a setting that changes ----------

$session->safe_query('SET max_parallel_workers_per_gather = 0');
my $cursor = 'BEGIN; DECLARE c CURSOR FOR SELECT n, account_id FROM two LEFT JOIN flow ON hashtext(account_id) <> n; FETCH 1 IN c';
my ($out, $read) = limited(0, "$cursor; SET LOCAL flowlog_fdw.max_scan_bytes = 1; MOVE 1000 IN c");
unlike($out, qr/53400/, 'what was within the limit when it began goes on');
($out, $read) = limited(0, "$cursor; SET LOCAL flowlog_fdw.max_scan_bytes = " . (2 * $size{flow} - 1) . '; MOVE ALL IN c');
is("$out, $read", "53400, $size{flow}", 'and is not read again');
($out, $read) = limited(1, "$cursor; SET LOCAL flowlog_fdw.max_scan_bytes = 0; MOVE ALL IN c");
is("$out, $read", '53400, 0', 'nor is what was not allowed');

# ---------- what is no query ----------

foreach my $statement ('ANALYZE flow', q{SELECT count(*) FROM flowlog_rejects('flow')})
{
	($out, $read) = limited($size{flow} - 1, $statement);
	is("$out, $read", '53400, 0', "$statement: is a scan");
	($out, $read) = limited($size{flow}, $statement);
	is($read, $size{flow}, 'that reads all that is allowed');
}
($out, $read) = limited($size{flow}, 'EXPLAIN SELECT * FROM flow');
is($read, 0, 'EXPLAIN reads nothing');

# what looks at the first 256 kB of files
make_directory("$logs/large");
write_file("$logs/large/$_.log", "version account-id srcaddr\n", "2 123456789012 10.0.0.1\n" x 30_000) foreach 1 .. 3;
create_table($node, 'large', "$logs/large", regex => undef);
foreach my $statement (q{SELECT count(*) FROM flowlog_files('large')},
	"BEGIN; IMPORT FOREIGN SCHEMA imported FROM SERVER logs INTO public OPTIONS (location '$logs/large'); ROLLBACK")
{
	my $look = 3 * 256 * 1024;

	($out, $read, my $error) = limited($look - 1, $statement);
	is("$out, $read", '53400, 0', "$statement: is limited, too");
	like($error, qr/Up to 262144 bytes of each of 3 flow logs are read, together $look, and the limit is /, 'by what it looks at');
	($out, $read) = limited($look, $statement);
	unlike($out, qr/^5/, 'that much is allowed');
	cmp_ok($read, '<=', $look, 'and no more is read');
	cmp_ok($read, '>', 0, 'but something');
}

# ---------- S3: the list is complete before anything is read ----------

my $objects = abs_path(PostgreSQL::Test::Utils::tempdir('objects'));
make_directory("$objects/bucket/logs");
write_file(sprintf('%s/bucket/logs/%02d.log', $objects, $_), default_lines($_ * 10, $_ * 10 + 9)) foreach 1 .. 30;
my $s3 = FlowLogS3->start(objects => $objects);
$s3->create_server($node, 's3');
create_table($node, 'stored', 's3://bucket/logs/', server => 's3');
my $stored = $session->query(q{SELECT sum(bytes) FROM flowlog_files('stored')});

foreach my $way (@ways)
{
	my ($how, $workers, $leader, $available) = @$way;

	$session->safe_query("SET max_parallel_workers_per_gather = $workers; SET parallel_leader_participation = $leader; SET max_parallel_workers = $available");
	foreach my $times (1, 2)
	{
		my $sql = $times == 1 ? 'SELECT sum(hashtext(account_id)) FROM stored' : 'SELECT n, c FROM two LEFT JOIN (SELECT sum(hashtext(account_id)) AS c FROM stored) s ON c <> n';

		$s3->reset_all;
		$s3->set(page_size => 7);
		($out) = limited($stored * $times - 1, $sql);
		is($out, '53400', "S3, $how, $times times: an error");
		is($s3->counter('kinds', 'GET'), 30 * ($times - 1), 'before an object is read');
		($out) = limited($stored * $times, $sql);
		like($out, qr/^\d*\|?-?\d+$/m, 'and one byte more is none');
	}
}
$session->safe_query('RESET max_parallel_workers; SET max_parallel_workers_per_gather = 0');

# a limit that comes while the list still grows
$s3->reset_all;
$s3->set(page_size => 7);
$cursor = 'BEGIN; DECLARE c CURSOR FOR SELECT n, account_id FROM two LEFT JOIN (SELECT account_id FROM stored LIMIT 1) s ON true; FETCH 1 IN c';
($out) = limited(0, "$cursor; SET LOCAL flowlog_fdw.max_scan_bytes = " . ($stored - 1) . '; MOVE ALL IN c');
is($out, '53400', 'S3: a list that was not complete is, before it is read again');

$session->quit;
check_log($node);
$node->stop;
done_testing();
