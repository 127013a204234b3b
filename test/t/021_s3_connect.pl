# A query in S3 can be cancelled before there is a connection, too: while a name is resolved, and while nobody answers.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Socket;
use Test::More;
use Time::HiRes qw(sleep time);

use FlowLog;
use FlowLogSession;

my $dir = abs_path(PostgreSQL::Test::Utils::tempdir);
my $shim = abs_path(dirname(__FILE__) . '/../shim/slow_names.c');

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
my $limit = 1.0; # s; the promise is 0.1, but a busy machine gets more, and the time is printed
my $admin = FlowLogSession->new($node);
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
	my $threads = sub { return scalar(() = glob("/proc/$pid/task/*")) };

	foreach my $way ('cancel', 'timeout')
	{
		my $began;

		if ($way eq 'cancel')
		{
			$session->send_sql('SELECT count(*) FROM flow');
			sleep(0.3);
			$began = time();
			$admin->send_sql("SELECT pg_cancel_backend($pid)");
			$session->finish;
			$admin->finish;
		}
		else
		{
			$session->query('SET statement_timeout = 300');
			$began = time() + 0.3;
			$session->query('SELECT count(*) FROM flow');
		}
		my $seconds = time() - $began;
		diag(sprintf('%s: %s took %.0f ms', $what, $way, $seconds * 1000));
		is(sqlstate($session->error), '57014', "$what: a $way ends it");
		cmp_ok($seconds, '<', $limit, "$what: $way in time");
		$session->query('SET statement_timeout = 0');
		is($session->safe_query('SELECT 1'), 1, "$what: the session goes on after a $way");
	}

	# what libcurl has started to resolve a name cannot be stopped, but ends by itself; it holds nothing of ours
	my $left = $threads->();
	cmp_ok($left, '<=', $what =~ /resolved/ ? 3 : 1, "$what: $left threads");
	$session->quit;
}
$admin->quit;
check_log($node);
$node->stop('fast');
done_testing();
