# Memory does not depend on the size of the files: at its most, a backend that scans is
# 16 MiB above one that is idle.  Only the list of the files grows, with their number and the
# length of their paths.  FLOWLOG_LONG=1 takes more of it, FLOWLOG_BIG=1 makes the large files larger.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $most = 16 * 1024; # KiB
my $files = $long ? 100_000 : 20_000;
my $most_list = 8 * 1024 + 16 * 1024 * $files / 100_000; # with so many files of short names
my $big = $ENV{FLOWLOG_BIG} // 0;
my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('memory', conf => 'jit = off'); # LLVM takes 50 MiB

# ---------- the files ----------

sub write_many
{
	my ($command, $times, $content) = @_;

	open(my $pipe, '|-', $command) or die "could not run \"$command\": $!";
	binmode($pipe);
	print $pipe $content foreach 1 .. $times;
	close($pipe) or die "\"$command\" failed";
	return;
}

my $lines = default_lines(1, 50_000);
my $megabytes = length($lines) / 1024 / 1024;
my $plain_times = int(($big ? 5120 : $long ? 600 : 100) / $megabytes);
my $packed_times = int(($big ? 2048 : $long ? 200 : 60) / $megabytes);
write_many("cat >$logs/plain.log", $plain_times, $lines);
write_many("gzip -1 >$logs/packed.log.gz", $packed_times, $lines);
write_many("zstd -q -3 >$logs/packed.log.zst", $packed_times, $lines);
write_many("bzip2 -9 >$logs/packed.log.bz2", 5, $lines);
write_many("xz -1 >$logs/packed.log.xz", 5, $lines);

# a thousand members, each as small as a delivery
write_file("$logs/content", default_lines(1, 500));
system("gzip -c $logs/content >$logs/member") == 0 or die 'could not run gzip';
write_file("$logs/members.log.gz", slurp_file("$logs/member") x 1000);

# a bomb: no line of it ends
write_many("gzip -1 >$logs/bomb.log.gz", $big ? 4096 : $long ? 512 : 128, "\0" x (1024 * 1024));
write_many("zstd -q -1 >$logs/bomb.log.zst", $big ? 4096 : $long ? 512 : 128, 'a' x (1024 * 1024));
write_many("bzip2 -9 >$logs/bomb.log.bz2", 64, 'a' x (1024 * 1024));
write_many("xz -6 >$logs/bomb.log.xz", 64, 'a' x (1024 * 1024));
truncate(write_file("$logs/hole.log", '2 '), $long ? 1 << 30 : 1 << 28) or die "could not extend a file: $!";

# lines as long as may be
write_many("cat >$logs/long.log", 100, join(' ', 2, 'x' x (1024 * 1024 - 100), (3) x 12) . "\n");

# short names, and such as AWS gives
write_file("$logs/small", default_line(1));
link_copies("$logs/small", "$logs/list", $files);
mkdir "$logs/aws";
my $aws_files = $long ? 20_000 : 10_000;
my $aws_name = "$logs/aws/123456789012_vpcflowlogs_us-east-1_fl-0123456789abcdef0_20260130T0000Z_%08x.log.gz";
write_file(sprintf($aws_name, $_), default_line(1)) foreach 1 .. $aws_files;
my $most_aws_list = 8 * 1024 + $aws_files * (length(sprintf($aws_name, 1)) + 80) / 1024;

# ---------- what they take ----------

# The peak of a backend that has done next to nothing, in KiB.
my $idle = FlowLogSession->new($node);
$idle->safe_query('SELECT 1');
my $base = $idle->memory('VmHWM');
$idle->quit;

my @quiet = (on_error => 'ignore', log_verbosity => 'silent');
my @text = (columns => 'version text, line text', regex => '(\d+) (.*)', @quiet);
my @cases = (
	# file, what it holds, the table's options, what is asked, the answer, another ceiling
	[ 'plain.log', 'plain lines', [], 'count(srcport)', 50_000 * $plain_times ],
	[ 'plain.log', 'plain lines, filtered', [], "count(*) FILTER (WHERE action = 'REJECT')", 5_000 * $plain_times ],
	[ 'packed.log.gz', 'gzip', [], 'count(srcport)', 50_000 * $packed_times ],
	[ 'packed.log.zst', 'zstd', [], 'count(srcport)', 50_000 * $packed_times ],
	[ 'packed.log.bz2', 'bzip2', [], 'count(srcport)', 50_000 * 5 ],
	[ 'packed.log.xz', 'xz', [], 'count(srcport)', 50_000 * 5 ],
	[ 'members.log.gz', 'a thousand members', [], 'count(srcport)', 500_000 ],
	[ 'bomb.log.gz', 'a gzip bomb', \@text, 'count(line)', 0 ],
	[ 'bomb.log.zst', 'a zstd bomb', \@text, 'count(line)', 0 ],
	[ 'bomb.log.bz2', 'a bzip2 bomb', \@text, 'count(line)', 0 ],
	[ 'bomb.log.xz', 'an xz bomb', \@text, 'count(line)', 0, $most + 8 * 1024 ], # its dictionary
	[ 'hole.log', 'a line without end', \@text, 'count(line)', 0 ],
	[ 'long.log', 'lines of 1 MB', \@text, 'count(line)', 100 ],
	[ 'list', 'many files', [], 'count(srcport)', $files, $most_list ],
	[ 'aws', 'files with names as long as AWS\'s', [], 'count(srcport)', $aws_files, $most_aws_list ]);

foreach my $case (@cases)
{
	my ($file, $what, $options, $asked, $answer, $ceiling) = @$case;
	my $session = FlowLogSession->new($node);

	create_table($node, 'scanned', "$logs/$file", @$options);
	is($session->safe_query("SELECT $asked FROM scanned"), $answer, "$what: all rows");
	my $above = $session->memory('VmHWM') - $base;
	diag(sprintf('%s: %.1f MiB above idle', $what, $above / 1024));
	cmp_ok($above, '<=', $ceiling // $most, "$what: not more than allowed");
	$session->quit;
}

# the other ways to read
create_table($node, 'scanned', "$logs/list");
foreach my $sql ('ANALYZE scanned', q{SELECT count(*) FROM flowlog_rejects('scanned')}, 'EXPLAIN SELECT * FROM scanned')
{
	my $session = FlowLogSession->new($node);

	$session->safe_query($sql);
	my $above = $session->memory('VmHWM') - $base;
	diag(sprintf('many files, %s: %.1f MiB above idle', $sql, $above / 1024));
	# ANALYZE holds 30,000 sample rows, and sorts them by each column
	cmp_ok($above, '<=', $most_list + ($sql =~ /ANALYZE/ ? 32 * 1024 : 0), "many files: not more than allowed for $sql");
	$session->quit;
}

check_log($node);
$node->stop;
done_testing();
