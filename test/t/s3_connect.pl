# A query in S3 can be cancelled before there is a connection, too: while a name is resolved, and while nobody answers.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Socket;
use Test::More;

use FlowLog;
use FlowLogSession;

my $dir = abs_path(PostgreSQL::Test::Utils::tempdir);
my $shim = abs_path(dirname(__FILE__) . '/../support/preload/slow_names.c');

system('cc', '-shared', '-fPIC', '-o', "$dir/slow_names.so", $shim) == 0 or plan skip_all => 'there is no compiler';
$ENV{LD_PRELOAD} = "$dir/slow_names.so";
my $node = start_node('s3_connect', conf => "flowlog_fdw.allowed_endpoints = '127.0.0.1, *.slow.test'");
delete $ENV{LD_PRELOAD};

# A socket whose queue is full: the kernel leaves further connections without an answer.
my $deaf = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "could not listen: $!";
my @waiting;
foreach (1 .. 4)
{
	my $socket = IO::Socket::INET->new(Blocking => 0, Proto => 'tcp') or die "could not make a socket: $!";
	connect($socket, sockaddr_in($deaf->sockport, inet_aton('127.0.0.1')));
	push @waiting, $socket;
}

my %endpoints = (
	'a name that is not resolved' => 'http://store.slow.test:9000',
	'a host that does not answer' => 'http://127.0.0.1:' . $deaf->sockport);
foreach my $what (sort keys %endpoints)
{
	$node->safe_psql('postgres', qq{
		SET client_min_messages = warning;
		DROP SERVER IF EXISTS s3 CASCADE;
		CREATE SERVER s3 FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (endpoint '$endpoints{$what}', region 'us-east-1');
		CREATE USER MAPPING FOR CURRENT_USER SERVER s3 OPTIONS (credential_source 'anonymous');
	});
	create_table($node, 'flow', 's3://logs/', server => 's3');
	my $session = FlowLogSession->new($node);
	my $pid = $session->pid;
	my $asked = 0;
	my $threads = sub { return scalar(() = glob("/proc/$pid/task/*")) };

	foreach my $way ('cancel', 'timeout')
	{
		my ($good, $told) = FlowLogSession::stops_in_time(sub {
			$asked++;
			if ($way eq 'cancel')
			{
				$session->send_sql('SELECT count(*) FROM flow');
				$node->poll_query_until('postgres', "SELECT wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = $pid") or die 'it never waits';
				return $session->stop(sub { kill('INT', $pid) });
			}
			$session->query('SET statement_timeout = 300');
			my ($cpu, $sleeps, $seconds) = $session->stop(sub { $session->send_sql('SELECT count(*) FROM flow') });
			return ($cpu - 0.3, $sleeps - 300, $seconds - 0.3); # so much may be before it
		});

		is(sqlstate($session->error), '57014', "$what: a $way ends it");
		ok($good, "$what: $way in time: $told");
		$session->query('SET statement_timeout = 0');
		is($session->safe_query('SELECT 1'), 1, "$what: the session goes on after a $way");
	}

	# what libcurl has started to resolve a name cannot be stopped, but ends by itself; it holds nothing of ours
	my $left = $threads->();
	cmp_ok($left, '<=', $what =~ /resolved/ ? 1 + $asked : 1, "$what: $left threads");
	$session->quit;
}
check_log($node);
$node->stop('fast');
done_testing();
