# The switches change plans and speed, never rows: every script of sql/ gives the same
# rows and errors whichever of them is off.  What may differ is left out of the scripts
# first: plans, and how many lines were filtered or rejected.

use strict;
use warnings;

use Cwd qw(getcwd);
use File::Basename qw(basename);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;

my @switches = qw(enable_pushdown enable_splitter enable_aggregate_pushdown regex_jit);
my $tree = getcwd();
my $work = PostgreSQL::Test::Utils::tempdir('scripts');
my $node = start_node('switches', conf => "jit = off\nmax_worker_processes = 8\nmax_parallel_workers = 8\n");

# A script without the statements that show plans and counts.
sub without_plans
{
	my ($script) = @_;

	$script =~ s/^EXPLAIN\b.*?;[^\n]*\n//msg;
	$script =~ s/^SELECT [^;]*?\b(?:explain|ledger|outcome|compare|compare_all|filters|place|execute_all|prune|count_calls)\([^;]*?;[^\n]*\n//msg;
	$script =~ s/^SHOW [^\n]*\n//mg;
	return $script;
}

# What psql prints for a script in a database of its own.
sub output
{
	my ($name, $script, $switch) = @_;
	my ($stdout, $stderr) = ('', '');

	mkdir "$work/results";
	mkdir "$work/results/parallel";
	$name = "script_$name";
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0");
	$node->safe_psql('postgres', "ALTER DATABASE $name SET flowlog_fdw.$switch = off") if defined $switch;
	$node->safe_psql($name, 'CREATE EXTENSION flowlog_fdw');
	local $ENV{PG_ABS_SRCDIR} = $tree;
	local $ENV{PG_ABS_BUILDDIR} = $work;
	local $ENV{PGTZ} = 'PST8PDT';
	local $ENV{PGDATESTYLE} = 'Postgres, MDY';
	$node->psql($name, $script, stdout => \$stdout, stderr => \$stderr, on_error_stop => 0);
	$node->safe_psql('postgres', "DROP DATABASE $name");
	$node->safe_psql('postgres', "DROP ROLE IF EXISTS $1") while $script =~ /^CREATE ROLE (\w+)/mg;
	return join("\n", $stdout, $stderr =~ /^psql:<stdin>:\d+: (ERROR.*)/mg);
}

# explain.sql shows nothing but plans.  Unless there is time, each script is run with one of them off.
my $turn = 0;
foreach my $file (grep { !m{/explain\.sql$} } sort glob("$tree/sql/*.sql"))
{
	my $name = basename($file, '.sql');
	my $script = without_plans(slurp_file($file));
	my $expected = output($name, $script, undef);

	cmp_ok(length($expected), '>', 100, "$name: it shows something");
	is(output($name, $script, $_), $expected, "$name: the same with $_ off") foreach $long ? @switches : $switches[ $turn++ % @switches ];
}

done_testing();
