# What is read of Parquet files: of a row group that lacks what is sought no more than a dictionary or a bloom filter, and for
# ANALYZE a share of the rows, of which all are counted.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogParquet;
use FlowLogSession;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('parquet_read', conf => 'jit = off');
my $session = FlowLogSession->new($node);

$session->safe_query('SET max_parallel_workers_per_gather = 0');

# lines FROM, TO, INTERFACE: of the default format
sub lines
{
	my ($from, $to, $interface) = @_;

	return join('', map { "2 123456789012 $interface 10.0." . int($_ / 256) % 256 . '.' . $_ % 256 . ' 192.0.2.' . $_ % 100 . " 49152 443 6 1 $_ 1769731200 1769731260 ACCEPT OK\n" } $from .. $to);
}

# ---------- one address that is not there ----------

# dstaddr has codes of 100 addresses in each of four row groups
my $rows = 40_000;
my $sizes = write_parquet("$logs/one.parquet", lines(1, $rows, 'eni-1'), group_rows => $rows / 4);
my $dictionary = 100 * (4 + length('192.0.2.10'));
my $footer = unpack('V', substr(slurp_file("$logs/one.parquet"), -8, 4));

create_table($node, 'one', "$logs/one.parquet", regex => undef);
foreach my $case ([ 'dstaddr', '203.0.113.1', 4 ], [ 'dstaddr', '192.0.2.7', 0 ], [ 'srcaddr', '203.0.113.1', 0 ])
{
	my ($column, $address, $pruned) = @$case;

	is($session->safe_query("SELECT count(*) FROM one WHERE $column = '$address'"), $pruned || $column eq 'srcaddr' ? 0 : $rows / 100, "$column = $address");
	my ($found, $bytes) = split(/\|/, $session->safe_query('SELECT row_groups_pruned, bytes_read FROM flowlog_last_scan()'));

	is($found, $pruned, "$column = $address: row groups are left out");
	cmp_ok($bytes, '>=', $sizes->{$column}, "$column = $address: the column is read") unless $pruned;
	# the ends of the file, and of each row group the dictionary with the header of a page after it
	cmp_ok($bytes, '<=', 4096 + 8192 + $footer + 4 * ($dictionary + 4096), "$column = $address: nothing but dictionaries: $bytes bytes") if $pruned;
	cmp_ok($bytes, '<', $sizes->{$column}, "$column = $address: which are less than the column") if $pruned;
}

# ---------- plans ----------

# without ANALYZE a record is 16 bytes, and a plan costs what its columns take, of the disk and of the processor
sub cost_and_rows
{
	my ($list, $without) = @_;

	return $session->safe_query("SET $without = 0; EXPLAIN SELECT $list FROM one; RESET $without") =~ /cost=[\d.]+\.\.([\d.]+) rows=(\d+)/;
}

my $least = 0;
foreach my $case ([ 'version', 1 / 14 ], [ 'version, srcaddr, bytes', 3 / 14 ], [ 'one', 1 ])
{
	my ($list, $share) = @$case;
	my ($read, $found) = cost_and_rows($list, 'cpu_tuple_cost');
	my ($computed) = cost_and_rows($list, 'seq_page_cost');
	my $pages = (-s "$logs/one.parquet") / 8192;

	is($found, sprintf('%.0f', (-s "$logs/one.parquet") / 16), "$list: 16 bytes a record");
	cmp_ok(abs($read - $share * $pages), '<', 2, "$list: costs the share of its columns: $read of $pages");
	cmp_ok($computed, '>', $least, "$list: and what their values take: $computed");
	$least = $computed;
}

# ---------- ANALYZE ----------

# 120,000 rows in two files, and 30,000 lines of text: of the former a share is read
mkdir("$logs/mixed") or die;
write_parquet("$logs/mixed/a.parquet", lines(1, 80_000, 'eni-p'), group_rows => 10_000, page_rows => 500);
write_parquet("$logs/mixed/b.parquet", lines(80_001, 120_000, 'eni-p'), page_rows => 500);
write_file("$logs/mixed/c.log", lines(120_001, 150_000, 'eni-t'));
create_table($node, 'mixed', "$logs/mixed", regex => undef);
$session->safe_query('SET default_statistics_target = 1; ANALYZE mixed');
is($session->safe_query(q{SELECT reltuples FROM pg_class WHERE relname = 'mixed'}), 150_000, 'ANALYZE counts all rows');

my ($lines, $left_out) = split(/\|/, $session->safe_query('SELECT lines, rows_pruned FROM flowlog_last_scan()'));

is($lines + $left_out, 150_000, 'those that were read and those that were left out');
cmp_ok($lines, '>', 31_000, "of Parquet files it reads some: $lines with the lines of text");
cmp_ok($lines, '<', 60_000, 'and not all');

# the sample is of all rows alike: a fifth are of text
my $frequency = $session->safe_query(q{ALTER FOREIGN TABLE mixed ALTER interface_id SET STATISTICS 10; ALTER FOREIGN TABLE mixed ALTER bytes SET STATISTICS 10; ANALYZE mixed;
	SELECT most_common_freqs[array_position(most_common_vals::text::text[], 'eni-t')] FROM pg_stats WHERE tablename = 'mixed' AND attname = 'interface_id'});
cmp_ok(abs($frequency - 0.2), '<', 0.06, "text is in the sample as often as in the table: $frequency");

my @bounds = split(/,/, $session->safe_query(q{SELECT array_to_string(histogram_bounds::text::text[], ',') FROM pg_stats WHERE tablename = 'mixed' AND attname = 'bytes'}));
cmp_ok(abs($bounds[ @bounds / 2 ] - 75_000), '<', 15_000, "the middle of all rows is near that of the sample: $bounds[@bounds / 2]");

# rows that are left out for what is in them are not counted
$session->safe_query(q{ALTER FOREIGN TABLE mixed OPTIONS (ADD on_error 'ignore', ADD log_verbosity 'silent'); ALTER FOREIGN TABLE mixed ALTER bytes SET STATISTICS 1});
$session->safe_query('ALTER FOREIGN TABLE mixed ALTER bytes TYPE smallint; ALTER FOREIGN TABLE mixed ALTER interface_id SET STATISTICS 1; ANALYZE mixed');
cmp_ok(abs($session->safe_query(q{SELECT reltuples FROM pg_class WHERE relname = 'mixed'}) - 32_767), '<', 20_000, 'rejects are estimated');

# a small table is read whole
$session->safe_query('RESET default_statistics_target; ANALYZE one');
is($session->safe_query(q{SELECT reltuples FROM pg_class WHERE relname = 'one'}), $rows, 'fewer rows are all read');
is($session->safe_query('SELECT rows_pruned FROM flowlog_last_scan()'), 0, 'and none is left out');

$session->quit;
check_log($node);
$node->stop;
done_testing();
