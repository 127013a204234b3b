# What reading from S3 takes of a backend: at most 32 MiB and 128 KiB for each connection above one that is idle, however
# large the objects are and however many of them are on their way; and nothing that stays behind, however often it is done,
# well or badly.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogS3;
use FlowLogSession;

my $most = 32 * 1024; # KiB
my $each = 128;
my $objects = abs_path(PostgreSQL::Test::Utils::tempdir('objects'));
my $node = start_node('s3_memory', conf => q{
	flowlog_fdw.allowed_endpoints = '127.0.0.1, localhost'
	jit = off
});

# ---------- what lies there ----------

system_or_bail('mkdir', '-p', map { "$objects/logs/$_" } qw(large packed many tiny));
my $lines = default_lines(1, 50_000);
my $packed = $long ? 40 : 15;
my $times = int(($long ? 120 : 50) * 1024 * 1024 / length($lines));
open(my $large, '>:raw', "$objects/logs/large/large.log") or die $!;
print $large $lines foreach 1 .. $times;
close($large) or die $!;
write_file("$objects/content", $lines);
system("gzip -c $objects/content >$objects/packed") == 0 or die 'could not run gzip';
link("$objects/packed", "$objects/logs/packed/$_.log.gz") or die $! foreach 1 .. $packed;
write_file(sprintf('%s/logs/many/%04d.log', $objects, $_), default_lines($_ * 100 - 99, $_ * 100)) foreach 1 .. 400;
write_file(sprintf('%s/logs/tiny/%04d.log', $objects, $_), default_lines($_, $_ + 99)) foreach 1 .. 1500;

my $tls = PostgreSQL::Test::Utils::tempdir('tls');
my $s3 = FlowLogS3->start(objects => $objects, tls => $tls);
$s3->create_server($node, 'plain');
$s3->create_server($node, 'crypted', endpoint => 'https://localhost:' . $s3->port('https'), ca_file => $s3->port('ca_file'));

# ---------- its peak ----------

my $idle = FlowLogSession->new($node);
$idle->safe_query('SELECT 1');
my $base = $idle->memory('VmHWM');
$idle->quit;

# Tiny objects are requested many at a time: none is answered before so many are there.
my %answers = (large => 50_000 * $times, packed => 50_000 * $packed, many => 100 * 400, tiny => 100 * 1500);
foreach my $server (qw(plain crypted))
{
	foreach my $what (sort keys %answers)
	{
		create_table($node, $what, "s3://logs/$what/", server => $server);
		my $session = FlowLogSession->new($node);

		$s3->reset_all;
		$s3->set(gather => [ 16, 32, 64, 128 ]) if $what eq 'tiny';
		is($session->safe_query("SET max_parallel_workers_per_gather = 0; SELECT count(srcport) FROM $what"), $answers{$what}, "$what of $server: all is read");
		my $peak = $session->memory('VmHWM') - $base;
		my $connections = $s3->counter('open_most');

		diag(sprintf("%s of %s: %.1f MiB above idle, %d connections", $what, $server, $peak / 1024, $connections));
		cmp_ok($peak, '<=', $most + $each * $connections, "$what of $server takes $peak KiB with $connections connections");
		cmp_ok($connections, '>=', 128, 'which are many') if $what eq 'tiny';
		$session->quit;
		$s3->wait_for_no_connection;
	}
}

# ---------- what stays ----------

# Queries that end well, are left early, fail in the middle, are cancelled; again and again in one session.
create_table($node, 'many', 's3://logs/many/', server => 'plain');
create_table($node, 'torn', 's3://logs/large/', server => 'plain');
create_table($node, 'none', 's3://logs/none/', server => 'plain');
create_heap_size($node);
my $session = FlowLogSession->new($node);
my $round = sub {
	$s3->faults;
	$session->safe_query('SET statement_timeout = 0; SELECT count(srcport) FROM many');
	$session->safe_query('SELECT srcport FROM many LIMIT 1');
	$session->query('SELECT count(*) FROM none');
	$session->safe_query('BEGIN; DECLARE c CURSOR FOR SELECT srcport FROM many; FETCH 10 FROM c; COMMIT');
	$s3->faults({ fault => 'access_denied', kind => 'GET', key => '0200' });
	$session->query('SELECT count(srcport) FROM many');
	$s3->faults;
	$session->query("SET statement_timeout = 30; SELECT count(srcport) FROM torn");
	return;
};
my $fds = sub {
	my $pid = $session->pid;
	my @open = glob("/proc/$pid/fd/*");

	return scalar @open;
};
my $threads = sub {
	my ($line) = slurp_file('/proc/' . $session->pid . '/status') =~ /^Threads:\s+(\d+)/m;

	return $line;
};
$round->() foreach 1 .. 5;
my $rounds = $long ? 30 : 10;
my $heap = sub { return $session->safe_query('SELECT heap_size()') };
my ($fds_before, $heap_before) = ($fds->(), $heap->());
$round->() foreach 1 .. $rounds;
is($fds->(), $fds_before, 'no descriptor stays open');
is($threads->(), 1, 'no thread is left');
my $grown = $heap->() - $heap_before;
cmp_ok($grown, '<=', 16 * 1024 * $rounds, "what it holds grows by $grown bytes in $rounds rounds");
is($session->safe_query("SELECT count(*) FROM pg_backend_memory_contexts WHERE name LIKE 'flowlog_fdw%'"), 0, 'no memory context is left');
$session->quit;
ok($s3->wait_for_no_connection, 'no connection stays open');

check_log($node);
$node->stop;
done_testing();
