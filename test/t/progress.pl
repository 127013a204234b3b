# A scan that takes long tells how far it is, and one that need not, or must not, does not.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('progress', conf => q{
	max_worker_processes = 8
	max_parallel_workers = 8
	parallel_setup_cost = 0
	parallel_tuple_cost = 0
	min_parallel_table_scan_size = 0
});

# half a million records, of which each takes a millisecond
mkdir "$logs/$_" foreach qw(seed small);
write_file("$logs/seed/plain", default_lines(1, 20_000));
write_file("$logs/small/small.log", default_lines(1, 10));
link_copies("$logs/seed/plain", "$logs/many", 25);
create_table($node, 'many', "$logs/many");
create_table($node, 'small', "$logs/small");
my $slow = q{SELECT count(*) FROM many WHERE pg_sleep(0.001)::text = '' AND version = 2};

# ---------- scans that go on until all have told what they have to tell ----------

my %sessions = map { $_ => FlowLogSession->new($node) } qw(off alone parallel);

$sessions{off}->safe_query('SET flowlog_fdw.progress = off');
$sessions{alone}->safe_query('SET flowlog_fdw.progress = on');
$sessions{parallel}->safe_query('SET flowlog_fdw.progress = on; SET max_parallel_workers_per_gather = 2');
like($sessions{parallel}->safe_query("EXPLAIN $slow"), qr/Parallel Foreign Scan on many/, 'one of the scans is parallel');
$sessions{$_}->send_sql($slow) foreach qw(off alone parallel);

my $size = qr/[\d.]+ (?:bytes|kB|MB)/;
my $percent = qr/\((\d+) %\)/;
my $left = qr/(?:[\d.]+ (?:s|min|h)|unknown) left/;

ok($sessions{alone}->wait_for_notice(qr/NOTICE:.*scan of "many".*\n/), 'a scan that takes long tells how far it is');
like($sessions{alone}->error, qr/scan of "many": \d+ of 25 flow logs, $size of $size $percent, \d+ lines, $left$/m, 'in files, bytes, percent, lines and time left');
my ($done) = $sessions{alone}->error =~ $percent;
my ($lines) = $sessions{alone}->error =~ /(\d+) lines/;
cmp_ok($done, '<', 100, "and is not at its end: at $done %");
cmp_ok($lines, '>', 0, "has read some lines: $lines");
cmp_ok($lines, '<', 500_000, 'and not all of them');

ok($sessions{parallel}->wait_for_notice(qr/NOTICE:.*scan of "many".*\n/), 'so does one that workers share');
like($sessions{parallel}->error, qr/scan of "many": about $size of $size in 25 flow logs $percent, $left$/m, 'in bytes, percent and time left');

# ---------- the end of them ----------

foreach my $name (sort keys %sessions)
{
	$node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $sessions{$name}->pid . ')');
	$sessions{$name}->finish;
	is(sqlstate($sessions{$name}->error), '57014', "$name: it can be cancelled");
}
unlike($sessions{off}->error, qr/NOTICE/, 'with the setting off, nothing is told');
$sessions{alone}->safe_query('SELECT count(*) FROM small');
is($sessions{alone}->error, '', 'nor by a scan that is over soon');

$_->quit foreach values %sessions;
check_log($node);
$node->stop;
done_testing();
