# Parquet objects in a store: how many requests a query needs, of how many bytes, alone and with workers; that the rows are
# those of text, whatever goes wrong in the middle of ranges; and that it can be stopped there.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use FlowLog;
use FlowLogParquet;
use FlowLogS3;
use FlowLogSession;

my $objects = abs_path(PostgreSQL::Test::Utils::tempdir('objects'));
my $plain = abs_path(PostgreSQL::Test::Utils::tempdir('plain'));
my $node = start_node('s3_parquet', conf => "flowlog_fdw.allowed_endpoints = '127.0.0.1, localhost'
jit = off
$eager_workers");

# ---------- what lies there ----------

# small: 20 files below 1 MiB, as AWS writes every five minutes; large: two of 4.5 MB with three row groups each;
# apart: 1.8 MB, almost all of it nothing; mixed: text, gz and Parquet, and names that lie
system_or_bail('mkdir', '-p', (map { "$objects/logs/$_" } qw(small large apart mixed)), map { "$plain/$_" } qw(small large apart mixed));
my %size;
foreach my $n (1 .. 20)
{
	add_parquet('small', sprintf('%02d.log.parquet', $n), $n * 1000 - 999, $n * 1000);
}
add_parquet('large', "$_.parquet", $_ * 50_000 - 49_999, $_ * 50_000, group_rows => 20_000) foreach 1 .. 2;
add_parquet('apart', '1.parquet', 1, 1000, group_rows => 500, pad => 1_700_000);
add_parquet('mixed', '1.parquet', 1, 1000);
add_parquet('mixed', '2.log', 1001, 16_000);
add_text('mixed', '3.log', 16_001, 17_000);
add_text('mixed', '4.parquet', 17_001, 30_000);
add_text('mixed', '5.log', 30_001, 40_000);
system("gzip $objects/logs/mixed/5.log") == 0 or die 'could not run gzip';

my $s3 = FlowLogS3->start(objects => $objects, tls => PostgreSQL::Test::Utils::tempdir('tls'));
$s3->create_server($node, 's3');
foreach my $name (qw(small large apart mixed))
{
	create_table($node, $name, "s3://logs/$name/", server => 's3', regex => undef);
	create_table($node, "${name}_text", "$plain/$name");
}
my $session = FlowLogSession->new($node);
my $pid = $session->pid;
$session->safe_query("SET TimeZone = 'UTC'");

# add_parquet FOLDER, NAME, FIRST LINE, LAST LINE, OPTION => VALUE...: in the store, and as text outside of it
sub add_parquet
{
	my ($folder, $name, $from, $to, %options) = @_;
	my $lines = default_lines($from, $to);

	write_file("$plain/$folder/$name.log", $lines);
	my $sizes = write_parquet("$objects/logs/$folder/$name", $lines, %options);
	$size{$folder} += -s "$objects/logs/$folder/$name";
	return $sizes;
}

sub add_text
{
	my ($folder, $name, $from, $to) = @_;
	my $lines = default_lines($from, $to);

	write_file("$plain/$folder/$name.log", $lines);
	write_file("$objects/logs/$folder/$name", $lines);
	return;
}

# ---------- rows and requests ----------

# ask SELECT, TABLE: the rows are those of text; returns how many objects' requests there were, and of how many bytes
sub ask
{
	my ($select, $table, $what) = @_;
	my $expected = $session->safe_query(sprintf($select, "${table}_text"));

	$s3->reset_all;
	is($session->safe_query(sprintf($select, $table)), $expected, "$what: the rows of text");
	my @gets = $s3->requests('GET');
	my $bytes = 0;

	$bytes += $_->{bytes} foreach @gets;
	is(scalar(grep { $_->{status} >= 300 } @gets), 0, "$what: nothing was asked in vain");
	is(scalar(grep { !grep { lc($_->[0]) eq 'if-match' } @{ $_->{headers} } } @gets), 0, "$what: of the listed version");
	return (scalar @gets, $bytes);
}

my %queries = (
	all => 'SELECT count(*), sum(hashtextextended(t::text, 0)) FROM %s t',
	two => q{SELECT count(*), sum(bytes) FROM %s WHERE action = 'REJECT'},
	rows => q{SELECT count(*), sum(hashtextextended(srcaddr::text || packets, 0)) FROM %s WHERE dstport = 443},
	count => 'SELECT count(*) FROM %s',
	none => q{SELECT sum(bytes) FROM %s WHERE dstaddr = '203.0.113.1'});

# What is needed of "large" and "mixed": both ends of each object, and of each row group what the query reads, in one request for
# columns that are side by side, in at most three stages; a row group that the dictionary excludes is not read, except for the
# first of each process.
my %most = (
	all => [ 4 + 6, 7 ],
	two => [ 4 + 3 * 6, 7 ],
	rows => [ 4 + 3 * 6, 7 ],
	count => [ 4, 7 ],
	none => [ 4 + 6 + 1, 7 ]);

foreach my $workers (0, 2)
{
	my $with = $workers ? ' with workers' : '';

	$session->safe_query("SET max_parallel_workers_per_gather = $workers");
	foreach my $name (sort keys %queries)
	{
		my ($requests, $bytes) = ask($queries{$name}, 'small', "small$with, $name");

		is($requests, 20, "small$with, $name: each object is one request");
		is($bytes, $size{small}, "small$with, $name: of all of it");
		($requests, $bytes) = ask($queries{$name}, 'large', "large$with, $name");
		cmp_ok($requests, '<=', $most{$name}[0] + 2 * $workers, "large$with, $name: $requests requests");
		cmp_ok($bytes, '<=', $size{large}, "large$with, $name: $bytes bytes");
		cmp_ok($bytes, '<=', $size{large} / 2, "large$with, $name: not all of it") unless $name eq 'all';
		cmp_ok($bytes, '<=', 450_000 + 75_000 * $workers, "large$with, $name: dictionaries") if $name eq 'none';
		($requests, $bytes) = ask($queries{$name}, 'apart', "apart$with, $name");
		is($requests, $name eq 'count' ? 2 : 3, "apart$with, $name: its ends, and its row groups at once");
		cmp_ok($bytes, '<=', 200_000, "apart$with, $name: and not what is between them");
		($requests, $bytes) = ask($queries{$name}, 'mixed', "mixed$with, $name");
		cmp_ok($requests, '<=', $most{$name}[1], "mixed$with, $name: $requests requests");
	}
}

# what the plan shows is what was sent
$session->safe_query('SET max_parallel_workers_per_gather = 0');
$s3->reset_all;
my $plan = $session->safe_query('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ' . sprintf($queries{two}, 'large'));
my $sent = 0;
$sent += $_->{bytes} foreach $s3->requests('GET');
like($plan, qr/Bytes Read: $sent$/m, 'EXPLAIN shows the bytes that were sent');
like($plan, qr/Requests: @{[ $s3->counter('requests') ]}$/m, 'and the requests');

# a query that ends early
$s3->reset_all;
like($session->safe_query('SELECT version FROM large LIMIT 1'), qr/^2$/, 'a row');
cmp_ok($s3->counter('kinds', 'GET'), '<=', 4 + 3, 'needs few requests: ' . $s3->counter('kinds', 'GET'));

# The next object's row groups are fetched while the last one of the first object is awaited: both ends of both objects, three
# row groups of each.
$s3->reset_all;
$s3->faults(fault('silence', key => '1\.parquet', nth => 5));
$session->send_sql(sprintf($queries{all}, 'large'));
ok($s3->wait_for_requests('GET', 4 + 6), 'the next object is fetched ahead');
kill('INT', $pid);
$session->finish;
is(sqlstate($session->error), '57014', 'and the query is cancelled');

# ---------- a page index ----------

# 1,000 rows of a large object: its ends, the index of the row group, and the pages that hold them
system_or_bail('mkdir', '-p', "$objects/logs/indexed", "$objects/logs/days/2026/02/01", "$objects/logs/days/2026/02/02", "$objects/logs/days/2026/02/03");
system_or_bail(abs_path(dirname(__FILE__) . '/../support/parquet/make_indexed'), "$objects/logs/indexed/1.parquet");
write_file("$objects/logs/days/2026/02/01/1.log", default_lines(1, 1000));
write_file("$objects/logs/days/2026/02/02/1.log", default_lines(1001, 1500));
write_parquet("$objects/logs/days/2026/02/02/2.log.parquet", default_lines(1501, 2000));
write_parquet("$objects/logs/days/2026/02/03/1.log.parquet", default_lines(2001, 3000));
$s3->refresh;
create_table($node, 'indexed', 's3://logs/indexed/', server => 's3', regex => undef, columns => 'start timestamptz, account_id text, bytes bigint');
foreach my $case (
	[ q{start >= '2026-01-30 02:46:40' AND start < '2026-01-30 03:03:20'}, 1000, 8, 500_000 ], [ 'bytes BETWEEN 29500 AND 30499', 1000, 10, 900_000 ],
	[ 'bytes IN (1, 29999)', 2, 7, 500_000 ], [ 'bytes >= 0', 60_000, 12, 7_500_000 ], [ 'bytes % 2 = 0', 30_000, 12, 7_500_000 ])
{
	my ($condition, $found, $most_requests, $most_bytes) = @$case;
	my $wanted = "count(*), sum(length(account_id)), count(*) FILTER (WHERE account_id LIKE bytes || 'x%')";

	foreach my $pruning ('off', 'on')
	{
		$s3->reset_all;
		is($session->safe_query("SET flowlog_fdw.enable_parquet_pruning = $pruning; SELECT $wanted FROM indexed WHERE $condition"), join('|', $found, 100 * $found, $found),
			"pruning $pruning, $condition: all rows");
	}
	my @gets = $s3->requests('GET');
	my $bytes = 0;

	$bytes += $_->{bytes} foreach @gets;
	cmp_ok(scalar @gets, '<=', $most_requests, "$condition: " . @gets . ' requests');
	cmp_ok($bytes, '<=', $most_bytes, "$condition: $bytes bytes");
}

# a bucket that changed from text to Parquet during a day: every row of both
create_table($node, 'days', 's3://logs/days/${day:yyyy/MM/dd}/', server => 's3', regex => undef, columns => "$columns, day date");
is($session->safe_query('SELECT day, count(*) FROM days GROUP BY day ORDER BY day'), "2026-02-01|1000\n2026-02-02|1000\n2026-02-03|1000", 'text until a day, Parquet after it, and both in it');
write_file("$plain/days.log", default_lines(1, 3000));
create_table($node, 'days_text', "$plain/days.log");
my $days = 'SELECT count(*), sum(hashtextextended(d::text, 0)) FROM (SELECT version, account_id, interface_id, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, start, "end", action, log_status FROM %s) d';
is($session->safe_query(sprintf($days, 'days')), $session->safe_query(sprintf($days, 'days_text')), 'every row is that of text');

# planning, and a look at what the files are
$s3->reset_all;
$session->safe_query('EXPLAIN ' . sprintf($queries{two}, 'large'));
is($s3->counter('kinds', 'GET'), 0, 'a plan reads nothing');
is($session->safe_query(q{SELECT count(*), min(wrapper), max(array_length(fields, 1)) FROM flowlog_files('large')}), '2|parquet|14', 'flowlog_files() reads footers');
is($s3->counter('kinds', 'GET'), 4, 'by two requests for each object');

# ---------- what goes wrong in the middle ----------

sub fault
{
	my ($name, @others) = @_;

	return { fault => $name, kind => 'GET', @others };
}

my @once = (first => 1, per_key => 1);
my $broken = '58030|XX001|55000';
my @cases = (
	(map { [ "$_, once for each object", 'rows', fault($_, @once) ] } qw(internal_error service_unavailable reset_first close_first request_timeout)),
	(map { my $nth = $_; map { [ "$_, number $nth", 'rows', fault($_, nth => $nth) ] } qw(bad_gateway slow_down reset_first) } 3, 5, 8),
	(map { my $bytes = $_; map { [ "$_ of $bytes bytes", 'rows', fault($_, bytes => $bytes, nth => [ 2, 5, 6 ]) ] } qw(reset_after close_after) }
		0, 1, 1000, 40_000),
	[ 'all are torn after 500,000 bytes', "rows|$broken", fault('reset_after', bytes => 500_000) ],
	[ 'a range that stalls for 2 s', 'rows', fault('stall_after', nth => 6, bytes => 1000, seconds => 2) ],
	[ 'a slow store', 'rows', fault('slow', key => '1.parquet', bytes_per_second => 1_000_000) ],
	[ 'whole objects instead of ranges', 'rows', fault('ignore_range', nth => [ 4, 7 ]) ],
	[ 'half of all answers are 500', 'rows|58030', fault('internal_error', probability => 0.5, seed => 1) ],
	[ 'no ETag', 'rows', fault('no_etag') ],
	[ 'internal_error, always', '58030', fault('internal_error') ],
	(map { my @add = @$_; [ "Content-Range: $add[0] is wrong", $broken, fault('wrong_range', nth => [ 4, 5, 6 ], @add) ] }
		[ start => 1 ], [ end => -1 ], [ total => 1 ]),
	(map { my $nth = $_; (
		[ "precondition_failed, number $nth", '55000', fault('precondition_failed', nth => $nth) ],
		[ "an object replaced before number $nth", '55000', fault('replaced', nth => $nth) ],
		[ "an object deleted before number $nth", '58P01', fault('deleted', nth => $nth) ],
		[ "access_denied, number $nth", '42501', fault('access_denied', nth => $nth) ]) } 1, 2, 5, 6));
my $expected = $session->safe_query(sprintf($queries{all}, 'large_text'));

foreach my $workers (0, 2)
{
	$session->safe_query("SET max_parallel_workers_per_gather = $workers");
	foreach my $case (@cases)
	{
		my ($what, $allowed, @rules) = @$case;

		$s3->reset_all;
		$s3->faults(@rules);
		my $out = $session->query(sprintf($queries{all}, 'large'));
		my $state = sqlstate($session->error);

		$what .= ', with workers' if $workers;
		like($state || 'rows', qr/^(?:$allowed)$/, "$what: $allowed") or diag($session->error);
		is($out, $expected, "$what: the rows of text") if $state eq '';
		cmp_ok($s3->counter('kinds', 'GET'), '<=', 100, "$what: not without end");
	}
}

# ---------- cancel ----------

$session->safe_query('SET max_parallel_workers_per_gather = 0');
foreach my $nth (1, 2, 5, 7)
{
	foreach my $rule (fault('silence', nth => $nth), fault('stall_after', nth => $nth, bytes => 1000))
	{
		my ($good, $told) = FlowLogSession::stops_in_time(sub {
			$s3->reset_all;
			$s3->faults($rule);
			$session->send_sql(sprintf($queries{all}, 'large'));
			$s3->wait_for_requests('GET', $nth);
			sleep(0.2);
			return $session->stop(sub { kill('INT', $pid) });
		});

		is(sqlstate($session->error), '57014', "$rule->{fault} of request $nth: a cancel ends it");
		ok($good, "$rule->{fault} of request $nth: in time: $told");
	}
}
$s3->reset_all;
is($session->safe_query(sprintf($queries{all}, 'large')), $expected, 'after all of this: the rows of text');
$session->quit;
ok($s3->wait_for_no_connection, 'no connection stays open');

# ---------- memory ----------

# a row group of 60 MB: three columns of 20 MB, side by side, in pages of 250 kB, which come on top
my $most = 32 * 1024; # KiB
my $wide = 40_000;
system_or_bail('mkdir', '-p', "$objects/logs/wide");
write_parquet("$objects/logs/wide/1.parquet",
	join('', map { my $n = $_; join(' ', 2, map { "$_$n" . 'x' x 490 } qw(a b c)) . " d 1 443 6 1 $n 1769731200 1769731260 ACCEPT OK\n" } 1 .. $wide),
	page_rows => 500);
$s3->refresh;
$s3->create_server($node, 'crypted', endpoint => 'https://localhost:' . $s3->port('https'), ca_file => $s3->port('ca_file'));
foreach my $server (qw(s3 crypted))
{
	create_table($node, "wide_$server", 's3://logs/wide/', server => $server, regex => undef, columns => q{
		account_id text, interface_id text, srcaddr text, bytes bigint, action text});
}
my $idle = FlowLogSession->new($node);
$idle->safe_query('SELECT 1');
my $base = $idle->memory('VmHWM');
$idle->quit;
my @wide = (
	[ 'SELECT count(*), sum(length(account_id) + length(srcaddr)), sum(bytes) FROM %s', '40000|39657788|800020000' ],
	[ q{SELECT count(*), sum(length(srcaddr)), sum(bytes) FROM %s WHERE account_id LIKE 'a19%%'}, '1111|550933|19696414' ]);
foreach my $server (qw(s3 crypted))
{
	foreach my $case (@wide)
	{
		my ($query, $answer) = @$case;

		$session = FlowLogSession->new($node);
		$s3->reset_all;
		$session->safe_query('SET max_parallel_workers_per_gather = 0');
		is($session->safe_query(sprintf($query, "wide_$server")), $answer, "$server: a row group of 60 MB");
		my $peak = $session->memory('VmHWM') - $base;

		cmp_ok($peak, '<=', $most + 3 * 1024, "$server: takes $peak KiB");
		cmp_ok($s3->counter('kinds', 'GET'), '<=', 80, "$server: and " . $s3->counter('kinds', 'GET') . ' requests');
		$session->quit;
	}
}

check_log($node);
$node->stop;
$s3->stop;
done_testing();
