# Stores to read from: the server of test/support/s3, which plays S3 and goes wrong to order, and
# Ceph's RADOS Gateway, which is a real one; and what SQL needs to read from either.

package FlowLogS3;

use strict;
use warnings;

use Carp;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use HTTP::Tiny;
use IO::Socket::INET;
use IPC::Open2;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

use FlowLog;

my $programs = abs_path(dirname(__FILE__) . '/../support/s3');
my $json = JSON::PP->new->utf8->canonical;

# ---------- the server that plays S3 ----------

# start: "objects" is a directory whose directories are buckets; "tls" is a directory for certificates.  It ends with the test.
sub start
{
	my ($class, %params) = @_;
	my @command = ("$programs/server");
	my $self = bless {
		keys => { access_key_id => 'AKIATESTACCESSKEY', secret_access_key => 'the+secret/of-the-test' },
		region => 'us-east-1',
		http_tiny => HTTP::Tiny->new(timeout => $PostgreSQL::Test::Utils::timeout_default),
	}, $class;

	push @command, '--objects', $params{objects} if defined $params{objects};
	push @command, '--tls', $params{tls} if defined $params{tls};
	$self->{pid} = open2($self->{out}, $self->{in}, @command);
	local $/ = "\n";
	my $line = readline($self->{out}) // croak 'the server of test/support/s3 did not start';
	$self->{ports} = $json->decode($line);
	$self->post('keys', [ $self->{keys} ]);
	return $self;
}

sub stop
{
	my ($self) = @_;
	local $?; # the test's own

	return unless defined $self->{pid};
	close($self->{in});
	close($self->{out});
	waitpid($self->{pid}, 0);
	delete $self->{pid};
	return;
}

# "http", "https", "https_expired", "https_wrong_host", "identity", "other"; "ca_file" is a path
sub port
{
	my ($self, $name) = @_;

	return $self->{ports}{ $name // 'http' };
}

# ---------- its other side ----------

sub control
{
	my ($self, $method, $name, $value) = @_;
	my %content = $method eq 'POST' ? (content => JSON::PP->new->utf8->allow_nonref->encode($value)) : ();
	my $response = $self->{http_tiny}->request($method, "http://127.0.0.1:$self->{ports}{control}/-/$name", \%content);

	croak "$method $name: $response->{status} $response->{content}" unless $response->{success};
	return JSON::PP->new->utf8->allow_nonref->decode($response->{content});
}

sub post
{
	my ($self, $name, $value) = @_;

	return $self->control('POST', $name, $value);
}

# faults RULE...: hashes, see test/support/s3/faults.py; instead of those before, and what they did to objects is undone
sub faults
{
	my ($self, @rules) = @_;

	$self->post('faults', \@rules);
	return;
}

# latency (ms), skew (s), page_size...
sub set
{
	my ($self, %settings) = @_;

	$self->post('set', \%settings);
	return;
}

# Faults, settings, counters and the log.
sub reset_all
{
	my ($self) = @_;

	$self->post('reset', undef);
	return;
}

sub reset_counters
{
	my ($self) = @_;

	$self->post('reset_counters', undef);
	return;
}

# A figure, such as "requests" or "busy_most"; of requests of one kind: counter('kinds', 'LIST')
sub counter
{
	my ($self, @path) = @_;
	my $value = $self->control('GET', 'counters');

	foreach my $name (@path)
	{
		$value = ref $value ? $value->{$name} : undef;
	}
	return $value // 0;
}

# The requests so far, of a kind if that is given.
sub requests
{
	my ($self, $kind) = @_;

	return grep { !defined $kind || $_->{kind} eq $kind } @{ $self->control('GET', 'log') };
}

# Waits until so many requests of a kind were taken.
sub wait_for_requests
{
	my ($self, $kind, $count) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;

	while (time() < $until)
	{
		return 1 if $self->counter('kinds', $kind) >= $count;
		sleep(0.005);
	}
	croak "there never were $count requests of kind $kind";
}

# Waits until no connection is open; false if some stay.
sub wait_for_no_connection
{
	my ($self) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;

	while (time() < $until)
	{
		return 1 unless grep { $_ } values %{ $self->control('GET', 'counters')->{open} };
		sleep(0.01);
	}
	return 0;
}

# make_bucket NAME, SETTING => VALUE...: region, anonymous, requester_pays, keys
sub make_bucket
{
	my ($self, $bucket, %settings) = @_;

	$self->post('buckets', { $bucket => \%settings });
	return;
}

# put BUCKET, KEY => TEXT...; keys and texts are Unicode
sub put
{
	my ($self, $bucket, %objects) = @_;

	$self->post('objects', [ map { { bucket => $bucket, key => $_, text => $objects{$_} } } sort keys %objects ]);
	return;
}

# After files were laid into the directory.
sub refresh
{
	my ($self) = @_;

	$self->post('refresh', undef);
	return;
}

# ---------- RADOS Gateway ----------

# rgw_obstacle: why there is none here, or nothing
sub rgw_obstacle
{
	return if defined $ENV{FLOWLOG_RGW_PORT};
	my $told = qx($programs/rgw check 2>&1);

	return if $? == 0;
	chomp($told);
	return $told || "$programs/rgw check failed";
}

# start_rgw DIR: or the one that FLOWLOG_RGW_PORT names, whose keys are rgw's own
sub start_rgw
{
	my ($class, $dir) = @_;
	my $self = bless {
		keys => { access_key_id => $ENV{RGW_ACCESS_KEY} // 'rgw-access', secret_access_key => $ENV{RGW_SECRET_KEY} // 'rgw-secret' },
		region => 'us-east-1',
	}, $class;

	$self->{ports}{http} = $ENV{FLOWLOG_RGW_PORT};
	if (!defined $self->{ports}{http})
	{
		$self->{rgw_dir} = $dir;
		$self->{ports}{http} = free_ports();
		system_or_bail("$programs/rgw", 'start', $dir, $self->{ports}{http});
	}
	return $self;
}

# The first of two that nobody listens on.
sub free_ports
{
	foreach my $port (map { 20000 + int(rand(12000)) } 1 .. 100)
	{
		my @sockets = grep { defined } map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $_, Listen => 1) } $port, $port + 1;
		return $port if @sockets == 2;
	}
	croak 'no port is free';
}

sub stop_rgw
{
	my ($self) = @_;
	local $?; # the test's own

	system("$programs/rgw", 'stop', delete $self->{rgw_dir}) if defined $self->{rgw_dir};
	return;
}

sub DESTROY
{
	my ($self) = @_;

	$self->stop;
	$self->stop_rgw;
	return;
}

# fill BUCKET, DIR, OPTION...: all files below DIR, by test/support/s3/put, into a new bucket; of either store
sub fill
{
	my ($self, $bucket, $dir, @options) = @_;
	local $ENV{AWS_ACCESS_KEY_ID} = $self->{keys}{access_key_id};
	local $ENV{AWS_SECRET_ACCESS_KEY} = $self->{keys}{secret_access_key};

	system_or_bail("$programs/put", '--make-bucket', @options, $self->port, $bucket, $dir);
	return;
}

# ---------- SQL ----------

sub endpoint
{
	my ($self) = @_;

	return 'http://127.0.0.1:' . $self->port;
}

sub secret
{
	my ($self) = @_;

	return $self->{keys}{secret_access_key};
}

sub option_list
{
	my (%options) = @_;

	return join(', ', map { "$_ " . quoted($options{$_}) } grep { defined $options{$_} } sort keys %options);
}

# create_server NODE, NAME, OPTION => VALUE...: of the store, with the user mapping that reads from it.  "mapping" is a
# hash of the mapping's options, or undef for none; an option that is undef is left out.
sub create_server
{
	my ($self, $node, $name, %options) = @_;
	my $mapping = exists $options{mapping} ? delete $options{mapping} : $self->{keys};
	my %all = (endpoint => $self->endpoint, url_style => 'path', region => $self->{region}, %options);
	my $sql = "CREATE SERVER $name FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (" . option_list(%all) . ');';

	$sql .= "CREATE USER MAPPING FOR CURRENT_USER SERVER $name OPTIONS (" . option_list(%$mapping) . ');' if defined $mapping;

	# the tests' servers log statements, and these hold secrets
	$node->safe_psql('postgres', "SET client_min_messages = warning;\nSET log_statement = none;\nDROP SERVER IF EXISTS $name CASCADE;\n$sql");
	return;
}

1;
