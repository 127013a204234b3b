# What the tests of this directory share: a server with the extension, tables over
# flow logs, and sessions whose backend can be looked at while it works.

package FlowLog;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw($long $columns $record $eager_workers quoted start_node create_table make_directory write_file append_file
  default_line default_lines link_copies create_heap_size outcome sqlstate check_log);

# Tests that try something at random, or much of something, do so for longer: as scripts/test --all wants it.
our $long = $ENV{FLOWLOG_LONG};

# The default fields, and the pattern that takes a line apart into them.
our $columns = q{
	version int, account_id text, interface_id text, srcaddr inet, dstaddr inet,
	srcport int, dstport int, protocol int, packets bigint, bytes bigint,
	start timestamptz, "end" timestamptz, action text, log_status text};
our $record = join(' ', ('(\S+)') x 14);

# Settings for start_node: workers cost nothing, so the planner takes as many as it may.
our $eager_workers = q{
	max_worker_processes = 8
	max_parallel_workers = 8
	parallel_setup_cost = 0
	parallel_tuple_cost = 0
	min_parallel_table_scan_size = 0
};

sub quoted
{
	my ($text) = @_;

	$text =~ s/'/''/g;
	return "'$text'";
}

# ---------- servers and tables ----------

sub start_node
{
	my ($name, %params) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%{ $params{init} // {} });
	$node->append_conf('postgresql.conf', "autovacuum = off\nmax_parallel_workers_per_gather = 0\n");
	$node->append_conf('postgresql.conf', "flowlog_fdw.progress = off\n");
	$node->append_conf('postgresql.conf', $params{conf}) if defined $params{conf};
	$node->append_conf('postgresql.conf', $ENV{FLOWLOG_CONF}) if defined $ENV{FLOWLOG_CONF}; # a switch turned off, to run all tests so
	$node->start;
	$node->safe_psql('postgres', q{
		CREATE EXTENSION flowlog_fdw;
		CREATE SERVER logs FOREIGN DATA WRAPPER flowlog_fdw;
	});
	return $node;
}

# create_table NODE, NAME, LOCATION, OPTION => VALUE...: the default fields, unless "columns" or "regex" say otherwise;
# "regex" may be undef, so that there is none; "server" is another than "logs"
sub create_table
{
	my ($node, $name, $location, %options) = @_;
	my $definition = delete $options{columns} // $columns;
	my $server = delete $options{server} // 'logs';
	my $text;

	$options{location} = $location;
	$options{regex} = $record unless exists $options{regex};
	$text = join(', ', map { "$_ " . quoted($options{$_}) } grep { defined $options{$_} } sort keys %options);
	$node->safe_psql('postgres', qq{
		SET client_min_messages = warning;
		DROP FOREIGN TABLE IF EXISTS $name;
		CREATE FOREIGN TABLE $name ($definition) SERVER $server OPTIONS ($text);
	});
	return;
}

# ---------- files ----------

sub make_directory
{
	my ($path) = @_;

	system_or_bail('mkdir', '-p', $path);
	return $path;
}

sub write_file
{
	my ($path, @content) = @_;

	open(my $file, '>:raw', $path) or die "could not create \"$path\": $!";
	print $file @content;
	close($file) or die "could not write \"$path\": $!";
	return $path;
}

sub append_file
{
	my ($path, @content) = @_;

	open(my $file, '>>:raw', $path) or die "could not open \"$path\": $!";
	print $file @content;
	close($file) or die "could not write \"$path\": $!";
	return;
}

# A record of the default format, the same for the same number and another for each.
sub default_line
{
	my ($n) = @_;

	return sprintf("2 %012d eni-%017x 10.%d.%d.%d 198.51.100.%d %d %d %d %d %d %d %d %s OK\n",
		$n, $n % 400, $n >> 16 & 255, $n >> 8 & 255, $n & 255, $n % 251, 1024 + $n % 60000,
		(22, 53, 80, 443, 3389)[ $n % 5 ], $n % 3 ? 6 : 17, 1 + $n % 50, 40 + $n % 100000,
		1769731200 + $n, 1769731260 + $n, $n % 10 ? 'ACCEPT' : 'REJECT');
}

sub default_lines
{
	my ($from, $to) = @_;

	return join('', map { default_line($_) } $from .. $to);
}

# Many names for one file: terabytes to read in a few bytes of disk.  A file system may allow only some thousand
# names for one file, so another copy of it comes after them.
sub link_copies
{
	my ($file, $dir, $count) = @_;

	mkdir $dir or die "could not create \"$dir\": $!";
	foreach my $n (1 .. $count)
	{
		my $name = sprintf('%s/%06d.log', $dir, $n);

		next if link($file, $name);
		$!{EMLINK} or die "could not link in \"$dir\": $!";
		copy($file, $name) or die "could not copy to \"$dir\": $!";
		$file = $name;
	}
	return $dir;
}

# ---------- memory ----------

# Makes the function heap_size(), which tells how much memory its backend holds: test/support/preload/heap_size.c.
sub create_heap_size
{
	my ($node) = @_;
	my $source = abs_path(dirname(__FILE__) . '/../support/preload/heap_size.c');
	my $library = PostgreSQL::Test::Utils::tempdir('heap_size') . '/heap_size.so';

	system_or_bail('cc', '-shared', '-fPIC', '-o', $library, '-I' . $node->config_data('--includedir-server'), $source);
	$node->safe_psql('postgres', "CREATE FUNCTION heap_size() RETURNS bigint LANGUAGE c AS '$library'");
	return;
}

# ---------- what came of a statement ----------

# outcome NODE, SQL, CONNECTION...: what it prints, or the first error
sub outcome
{
	my ($node, $sql, @connection) = @_;
	my ($status, $stdout, $stderr) = $node->psql(
		'postgres', $sql,
		on_error_stop => 1,
		extra_params => [ '-v', 'VERBOSITY=verbose', '-v', 'SHOW_CONTEXT=always' ],
		@connection);

	return $status == 0 ? $stdout : $stderr;
}

# The SQLSTATE of an error that psql printed verbosely, or nothing.
sub sqlstate
{
	my ($stderr) = @_;

	return $stderr =~ /(?:ERROR|FATAL):  ([0-9A-Z]{5}): / ? $1 : '';
}

# No backend crashed, and nothing that PostgreSQL warns of when a module forgets something.
sub check_log
{
	my ($node) = @_;
	my $log = slurp_file($node->logfile);
	my @bad = grep { /terminated by signal|PANIC|TRAP|WARNING: .*leak|snapshot .* still active|not closed at/ } split(/\n/, $log);

	is(join("\n", @bad), '', 'the log of the server tells of no crash and no leak');
	return;
}

1;
