# A session of psql that stays open: statements can be sent without waiting for
# them, and the backend's descriptors and memory be looked at.
#
# PostgreSQL::Test::BackgroundPsql differs between the major versions, and cannot tell
# how an error came, nor how long it took.

package FlowLogSession;

use strict;
use warnings;

use Carp;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

# new NODE, USER: USER is the superuser if not given
sub new
{
	my ($class, $node, %params) = @_;
	my $connection = $node->connstr($params{dbname} // 'postgres');
	my $self = bless { node => $node, in => '', out => '', err => '', count => 0 }, $class;

	$connection .= " user=$params{user}" if defined $params{user};
	$connection .= " options='$params{options}'" if defined $params{options};
	$self->{psql} = IPC::Run::start(
		[ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-v', 'SHOW_CONTEXT=always', '-d', $connection, '-f', '-' ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err},
		$self->{timeout} = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$self->{pid} = $self->query('SELECT pg_backend_pid()');
	croak "could not connect: $self->{error}" unless $self->{pid} =~ /^\d+$/;
	return $self;
}

sub pid
{
	my ($self) = @_;

	return $self->{pid};
}

# Sends statements, and does not wait for what comes of them.
sub send_sql
{
	my ($self, $sql) = @_;

	$self->{timeout}->start($PostgreSQL::Test::Utils::timeout_default);
	$self->{out} = $self->{err} = '';
	$self->{mark} = sprintf('-- end of statement %d --', ++$self->{count});
	$self->{in} .= "$sql\n;\n\\echo $self->{mark}\n\\warn $self->{mark}\n";
	$self->{psql}->pump_nb;
	return;
}

# Waits for what was sent; returns what it printed.  Errors and notices are in error().
sub finish
{
	my ($self) = @_;
	my $mark = qr/^\Q$self->{mark}\E\n/m;

	until ($self->{out} =~ $mark && $self->{err} =~ $mark)
	{
		# psql ends when its backend was terminated
		last unless $self->{psql}->pumpable && eval { $self->{psql}->pump; 1 };
	}
	croak "no answer to statement $self->{count}" if $self->{timeout}->is_expired;

	$self->{out} =~ s/$mark//;
	$self->{err} =~ s/$mark//;
	$self->{error} = $self->{err};
	chomp(my $out = $self->{out});
	return $out;
}

# Waits until a statement that was sent has printed something to stderr, which is in error(), and goes on; false
# if it ended before that.
sub wait_for_notice
{
	my ($self, $pattern) = @_;

	until ($self->{err} =~ $pattern || $self->{err} =~ /^\Q$self->{mark}\E$/m)
	{
		last unless $self->{psql}->pumpable && eval { $self->{psql}->pump; 1 };
	}
	croak "no notice of statement $self->{count}" if $self->{timeout}->is_expired;
	$self->{error} = $self->{err};
	return $self->{err} =~ $pattern;
}

sub query
{
	my ($self, $sql) = @_;

	$self->send_sql($sql);
	return $self->finish;
}

# As query, of a statement that must not fail.
sub safe_query
{
	my ($self, $sql) = @_;
	my $out = $self->query($sql);

	croak "\"$sql\" failed: $self->{error}" if $self->{error} =~ /ERROR:|FATAL:/;
	return $out;
}

# What the last statement printed to stderr.
sub error
{
	my ($self) = @_;

	return $self->{error};
}

sub quit
{
	my ($self) = @_;

	$self->{in} .= "\\q\n";
	eval { $self->{psql}->finish; };
	return;
}

# ---------- the backend ----------

# Where its descriptors lead, as far as that is below a directory.
sub open_below
{
	my ($self, $dir) = @_;

	return grep { index($_, "$dir/") == 0 || $_ eq $dir } map { readlink($_) // () } glob("/proc/$self->{pid}/fd/*");
}

# Waits until it has such a descriptor: it is reading then.
sub wait_until_open_below
{
	my ($self, $dir) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;

	while (time() < $until)
	{
		return 1 if $self->open_below($dir);
		sleep(0.002);
	}
	croak "the backend never opened anything in \"$dir\"";
}

# A figure of /proc/PID/status ("VmHWM", "VmRSS"), in KiB.
sub memory
{
	my ($self, $name) = @_;
	my ($value) = slurp_file("/proc/$self->{pid}/status") =~ /^\Q$name\E:\s+(\d+) kB/m;

	return $value;
}

# The processor time that it has taken, in seconds, or nothing if it is gone.  Other processes' work does not change it
# much, whereas a clock shows theirs as well.
sub cpu_time
{
	my ($self) = @_;
	my $content = eval { slurp_file("/proc/$self->{pid}/schedstat") };

	return $content =~ /^(\d+) / ? $1 / 1e9 : undef if defined $content;
	$content = eval { slurp_file("/proc/$self->{pid}/stat") } // return;
	my @fields = split(/ /, $content =~ s/^.*\) //r);
	return ($fields[11] + $fields[12]) / 100;
}

# How often it has gone to sleep, or nothing if it is gone.
sub sleeps
{
	my ($self) = @_;
	my $content = eval { slurp_file("/proc/$self->{pid}/status") } // return;

	return $content =~ /^voluntary_ctxt_switches:\s+(\d+)/m ? $1 : undef;
}

# Waits until it has worked or slept so much more: seconds of processor time, or times.
sub wait_until_busy
{
	my ($self, $seconds, $times) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	my ($cpu, $sleeps) = ($self->cpu_time, $self->sleeps);

	while (time() < $until)
	{
		return 1 if $self->cpu_time - $cpu >= $seconds || $self->sleeps - $sleeps >= $times;
		sleep(0.002);
	}
	croak 'the backend does nothing';
}

# stop ACT, ENDS: does what stops the statement, and returns what the backend still does until it waits for another one,
# or is gone if ENDS is true: seconds of processor time, sleeps, and seconds by the clock.
sub stop
{
	my ($self, $act, $ends) = @_;
	my ($began, @before) = (time(), $self->cpu_time, $self->sleeps);
	my @after = @before;

	$act->();
	if ($ends)
	{
		my $until = time() + $PostgreSQL::Test::Utils::timeout_default;

		while (time() < $until)
		{
			my @now = ($self->cpu_time, $self->sleeps);

			last unless @now == 2 && defined $now[0] && defined $now[1];
			@after = @now;
			sleep(0.002);
		}
		croak 'the backend does not end' if $self->is_alive;
	}
	else
	{
		$self->finish;
		@after = ($self->cpu_time, $self->sleeps);
	}
	return ($after[0] - $before[0], $after[1] - $before[1], time() - $began);
}

# stops_in_time RUN: true if what stop() tells, as RUN returns it, is within the limits, at the best of some tries; and what it
# was.  The promise is 100 ms: so much work, or so many sleeps of 10 ms, and some for the client.  What the tests let a
# backend wait for comes after 5 seconds at the earliest, so that the clock tells whether it was that which ended the wait.
# $own is processor time that PostgreSQL itself needs at once.
sub stops_in_time
{
	my ($run, $own) = @_;
	my ($good, $cpu, $sleeps, $seconds);

	foreach my $try (1 .. 5)
	{
		($cpu, $sleeps, $seconds) = $run->();
		$good = $cpu <= 0.1 + ($own // 0) && $sleeps <= 15 && $seconds < 4;
		last if $good;
	}
	return ($good, sprintf('%.0f ms of work, %d sleeps, %.0f ms', $cpu * 1000, $sleeps, $seconds * 1000));
}

sub is_alive
{
	my ($self) = @_;

	return -e "/proc/$self->{pid}";
}

1;
