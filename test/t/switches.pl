# The switches change plans and speed, never rows: every script of sql/ gives the same
# rows and errors whichever of them is off.  What may differ is left out of the scripts
# first: plans, how many lines were filtered or rejected, and statements whose comment says that
# they raise an error only if they are pushed down or only unpushed.

use strict;
use warnings;

use Cwd qw(getcwd);
use File::Basename qw(basename);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;

my @switches = qw(enable_pushdown enable_index enable_splitter enable_aggregate_pushdown enable_parquet_pruning enable_top enable_sort enable_runtime_sets regex_jit);
my $tree = getcwd();
my $work = PostgreSQL::Test::Utils::tempdir('scripts');
my $node = start_node('switches', conf => "jit = off\nmax_worker_processes = 8\nmax_parallel_workers = 8\n");

# A script without the statements that show plans and counts.  A function that shows them
# explains a query, or calls one that does, or has one of the names below.
sub without_plans
{
	my ($script) = @_;
	my %shows = map { $_ => 1 } qw(ledger outcome compare compare_all filters place execute_all prune count_calls);
	my %body = $script =~ /^CREATE FUNCTION (\w+)\(.*?(\$\w*\$.*?\$\w*\$)/msg;

	for (my $before = 0; $before < %shows;)
	{
		$before = %shows;
		my $call = join('|', keys %shows);
		$shows{$_} = 1 foreach grep { $body{$_} =~ /\bEXPLAIN\b|\b(?:$call)\(/ } keys %body;
	}
	my $call = join('|', sort keys %shows);
	$script =~ s/^EXPLAIN\b.*?;[^\n]*\n//msg;
	$script =~ s/^SELECT [^;]*?\b(?:$call)\([^;]*?;[^\n]*\n//msg;
	$script =~ s/^SELECT [^;]*;[^\n]*--[^\n]*\bunpushed\b[^\n]*\n//mg;
	$script =~ s/^SHOW [^\n]*\n//mg;
	return $script;
}

# The database of the scripts that run with a switch off, or of those that run with none, one after the other as pg_regress
# runs them.
my %databases;

sub database
{
	my ($switch) = @_;
	my $name = 'scripts_' . ($switch // 'all_on');

	return $name if $databases{$name}++;
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0");
	$node->safe_psql('postgres', "ALTER DATABASE $name SET flowlog_fdw.$switch = off") if defined $switch;
	$node->safe_psql($name, 'CREATE EXTENSION flowlog_fdw');
	return $name;
}

# What psql prints for a script.
sub output
{
	my ($script, $switch) = @_;
	my ($stdout, $stderr) = ('', '');
	my $name = database($switch);

	mkdir "$work/results";
	mkdir "$work/results/parallel";
	local $ENV{PG_ABS_SRCDIR} = $tree;
	local $ENV{PG_ABS_BUILDDIR} = $work;
	local $ENV{PGTZ} = 'PST8PDT';
	local $ENV{PGDATESTYLE} = 'Postgres, MDY';
	$node->psql($name, $script, stdout => \$stdout, stderr => \$stderr, on_error_stop => 0);
	$node->safe_psql($name, "DROP ROLE IF EXISTS $1") while $script =~ /^CREATE ROLE (\w+)/mg;
	return join("\n", $stdout, $stderr =~ /^psql:<stdin>:\d+: (ERROR.*)/mg);
}

# explain.sql shows nothing but plans, and some read no logs.  Unless there is time, each script is run with one of them off.
my $turn = 0;
foreach my $file (grep { !m{/explain\.sql$} } sort glob("$tree/sql/*.sql"))
{
	my $name = basename($file, '.sql');
	my $script = without_plans(slurp_file($file));
	next unless $script =~ /FOREIGN (?:TABLE|SCHEMA)/;
	my $expected = output($script, undef);

	cmp_ok(length($expected), '>', 100, "$name: it shows something");
	is(output($script, $_), $expected, "$name: the same with $_ off") foreach $long ? @switches : $switches[ $turn++ % @switches ];
}

done_testing();
