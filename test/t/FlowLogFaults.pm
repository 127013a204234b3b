# Makes allocations and system calls of the extension fail in a server, and counts the bytes
# that it reads of files: the other side of test/support/preload/faults.c.
#
#	my $faults = FlowLogFaults->new($dir) or plan skip_all => 'no compiler';
#	my $node = $faults->with_shim(sub { start_node('faults') });
#	$faults->arm(kinds => ['memory'], from => 17);
#	...
#	my $found = $faults->disarm;	# { calls, failed, number, bytes, where }

package FlowLogFaults;

use strict;
use warnings;

use Carp;
use Cwd qw(abs_path);
use Errno;
use Fcntl;
use File::Basename qw(dirname);

# As in the shim.
my %kinds = (memory => 1, descriptor => 2, input => 4, output => 8, network => 16);
my $numbers = 9;
my $path_size = 256;
my $where_size = 2048;

# new DIR: compiles the shim there; nothing if there is no compiler
sub new
{
	my ($class, $dir) = @_;
	my $source = abs_path(dirname(__FILE__) . '/../support/preload/faults.c');
	my $self = bless { shim => "$dir/faults.so", control => "$dir/faults.control" }, $class;

	return if system('cc', '-shared', '-fPIC', '-O1', '-o', $self->{shim}, $source, '-ldl') != 0;
	sysopen($self->{file}, $self->{control}, O_RDWR | O_CREAT) or croak "could not create \"$self->{control}\": $!";
	binmode($self->{file});
	$self->put(0, "\0" x (8 * $numbers + $path_size + $where_size));
	return $self;
}

# Calls a function that starts a server, which then has the shim.
sub with_shim
{
	my ($self, $function) = @_;
	local $ENV{LD_PRELOAD} = $self->{shim};
	local $ENV{FLOWLOG_FAULTS} = $self->{control};

	return $function->();
}

sub put
{
	my ($self, $offset, $bytes) = @_;

	sysseek($self->{file}, $offset, 0) and syswrite($self->{file}, $bytes) == length($bytes) or croak "could not write \"$self->{control}\": $!";
	return;
}

# arm kinds => [NAME...], from => NUMBER, times => COUNT, errno => NUMBER, path => TEXT: from the call with that number on, the
# first COUNT (1) of the extension fail; bytes read of files whose path contains TEXT are counted
sub arm
{
	my ($self, %params) = @_;
	my $bits = 0;

	$bits |= $kinds{$_} // croak "no such kind: $_" foreach @{ $params{kinds} // [] };
	$self->put(8, pack('q8', $bits, $params{from} // 0, $params{times} // 1, $params{errno} // Errno::ENOMEM, 0, 0, 0, 0)
		  . pack("a$path_size", $params{path} // '')
		  . pack("a$where_size", ''));
	$self->put(0, pack('q', 1));
	return;
}

sub disarm
{
	my ($self) = @_;
	my $size = 8 * $numbers + $path_size + $where_size;
	my $bytes;

	$self->put(0, pack('q', 0));
	sysseek($self->{file}, 0, 0) and sysread($self->{file}, $bytes, $size) == $size or croak "could not read \"$self->{control}\": $!";
	my @numbers = unpack("q$numbers", $bytes);
	my ($where) = unpack("\@@{[8 * $numbers + $path_size]} Z$where_size", $bytes);
	return { calls => $numbers[5], failed => $numbers[6], number => $numbers[7], bytes => $numbers[8], where => $where };
}

1;
