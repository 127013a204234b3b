# A value of JSON may be larger than memory: its events come out one by one, in memory that one of
# them takes, and a scan can be cancelled within it.  So it is with a message without end, and with a
# quoted field of CSV.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $format = '${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}';
my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('json', conf => 'jit = off');

sub create_json_table
{
	my ($file, %options) = @_;

	create_table($node, 'flow', "$logs/$file", columns => 'ts timestamptz, srcport int, bytes bigint', regex => undef, log_format => $format, %options);
	return;
}

# ---------- large values ----------

# 20,000 events as text, and how many bytes that is
my $count = 20_000;
my @records = map { default_line($_) =~ s/\n//r } 1 .. $count;
my $events = join(',', map { sprintf('{"id":"%056d","timestamp":%d,"message":"%s"}', $_, 1769731200000 + $_, $records[ $_ - 1 ]) } 1 .. $count);
my ($ports, $bytes) = (0, 0);
foreach my $record (@records)
{
	my @fields = split(/ /, $record);

	$ports += $fields[5];
	$bytes += $fields[9];
}

# write_values FILE, BEGINNING, END, TIMES: the events so many times, within one value
sub write_values
{
	my ($name, $begin, $end, $times) = @_;

	open(my $file, '>:raw', "$logs/$name") or die "could not create \"$logs/$name\": $!";
	print $file $begin;
	print $file $_ > 1 ? ",$events" : $events foreach 1 .. $times;
	print $file $end;
	close($file) or die "could not write \"$logs/$name\": $!";
	return;
}

# so many times they have 15.5 MB, and 200 MB
my $times = int(15.5 * 1024 * 1024 / length($events));
my $many_times = int(200 * 1024 * 1024 / length($events)) + 1;
my $payload = '"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/flow"';
write_values('payload.json', "{$payload,\"logEvents\":[", ']}', $times);
write_values('sorted.json', '{"logEvents":[', "],$payload}", $times);
write_values('array.json', '[', ']', $times);
write_values('api.json', '{"events":[', '],"searchedLogStreams":[],"nextToken":"f/{"}', $many_times);
system("gzip -1 -c $logs/payload.json >$logs/payload.json.gz") == 0 or die 'could not run gzip';

# What a scan has allocated when it is in the middle, in bytes.
sub memory_of_scan
{
	my ($session) = @_;
	my $contexts = 'SELECT sum(total_bytes) FROM pg_backend_memory_contexts';

	$session->safe_query('BEGIN; DECLARE c CURSOR FOR SELECT srcport FROM flow');
	$session->safe_query($contexts); # the view needs memory, too
	my $before = $session->safe_query($contexts);
	$session->safe_query('MOVE 100 FROM c');
	my $within = $session->safe_query($contexts);
	$session->safe_query('MOVE 10000 FROM c');
	my $later = $session->safe_query($contexts);
	$session->safe_query('COMMIT');
	return ($within > $later ? $within : $later) - $before;
}

my %most = ('sorted.json' => 16); # MB that are held back
foreach my $case ([ 'payload.json', $times ], [ 'payload.json.gz', $times ], [ 'sorted.json', $times ], [ 'array.json', $times ], [ 'api.json', $many_times ])
{
	my ($file, $n) = @$case;
	my $session = FlowLogSession->new($node);

	create_json_table($file);
	is( $session->safe_query('SELECT count(*), count(DISTINCT ts), sum(srcport), sum(bytes) FROM flow'),
		join('|', $n * $count, $count, $n * $ports, $n * $bytes),
		"$file: all events are rows");
	my $memory = memory_of_scan($session);
	diag(sprintf('%s: %d kB', $file, $memory / 1024));
	cmp_ok($memory, '<', (2 + ($most{$file} // 0)) * 1024 * 1024, "$file: its memory is bounded");
	$session->quit;
}
unlink("$logs/api.json");

# ---------- messages that are too long ----------

write_file("$logs/long.json", sprintf('{"message":"%s"}{"message":"%s","timestamp":1}{"message":"%s"}', $records[0], 'x' x (20 * 1024 * 1024), $records[1]));
create_json_table('long.json', on_error => 'ignore', log_verbosity => 'silent');
my $session = FlowLogSession->new($node);
is($session->safe_query('SELECT count(*) FROM flow'), 2, 'a message of 20 MB is left out');
is( $session->safe_query('SELECT line, reason, length(raw) FROM flowlog_rejects($$flow$$)'),
	'2|The line is longer than 1048576 bytes.|1024',
	'and is a reject, as a line is');
my $memory = memory_of_scan($session);
cmp_ok($memory, '<', 4 * 1024 * 1024, 'and is never in memory as a whole');
$session->quit;

# ---------- cancelling ----------

# 12.5 GB in one value, as many members of a gzip file.
sub write_endless
{
	my ($name, $begin, $again) = @_;

	write_file("$logs/part", $again x (16 * 1024 * 1024 / length($again)));
	write_file("$logs/begin", $begin);
	system("gzip -1 -f $logs/part $logs/begin") == 0 or die 'could not run gzip';
	my $part = slurp_file("$logs/part.gz");
	my $times = 800;

	open(my $file, '>:raw', "$logs/$name") or die "could not create \"$logs/$name\": $!";
	print $file slurp_file("$logs/begin.gz");
	print $file $part foreach 1 .. $times;
	close($file) or die "could not write \"$logs/$name\": $!";
	return;
}

# Bytes that a process has read.
sub bytes_read
{
	my ($pid) = @_;

	return slurp_file("/proc/$pid/io") =~ /^rchar: (\d+)/m ? $1 : die "no count of bytes in /proc/$pid/io";
}

# The time is up by the backend's own clock, when a small part of the value has been read.
foreach my $case (
	[ 'an array of events', 'events.gz', '{"events":[{}', qq(,{"timestamp":1,"message":"$records[0]"}) ],
	[ 'events that are left out', 'control.gz', '{"messageType":"CONTROL_MESSAGE","logEvents":[0', ',{"message":"a"}' ],
	[ 'a message', 'message.gz', '{"message":"', 'x' ],
	[ 'a quoted field of CSV', 'field.gz', qq(timestamp,message\n1,"), 'x' ])
{
	my ($what, $file, $begin, $again) = @$case;
	my $session = FlowLogSession->new($node);

	write_endless($file, $begin, $again);
	create_json_table($file, on_error => 'ignore', log_verbosity => 'silent');
	my $before = bytes_read($session->pid);
	$session->query('SET statement_timeout = 500');
	$session->query('SELECT count(srcport) FROM flow');
	like($session->error, qr/ERROR:  57014: canceling statement due to statement timeout/, "$what: cancelled within a value");
	my $read = bytes_read($session->pid) - $before;
	diag(sprintf('%s: %d of %d bytes were read', $what, $read, -s "$logs/$file"));
	cmp_ok($read, '<', (-s "$logs/$file") / 2, "$what: and not at its end");
	is(join(' ', $session->open_below($logs)), '', "$what: and nothing is open");
	$session->quit;
	unlink("$logs/$file");
}

check_log($node);
$node->stop;
done_testing();
