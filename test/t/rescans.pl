# Scans that begin again and again, and such as do not begin at all: memory does not depend on how often, and what
# a one-time filter keeps from being executed raises no error.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('rescans', conf => "$eager_workers\njit = off\n");

foreach my $dir ('a', 'b')
{
	make_directory("$logs/$dir/2026/01/01");
	write_file("$logs/$dir/2026/01/01/flow.log", default_lines(1, 5));
}
create_table($node, 'flow', "$logs/\${dir}/\${day:yyyy/MM/dd}/*.log", columns => qq{$columns, dir text, day date, "\$path" text});
$node->safe_psql('postgres', 'CREATE TABLE heap AS SELECT * FROM flow; CREATE TABLE numbers AS SELECT g FROM generate_series(1, 2100) g; ANALYZE');

# ---------- memory ----------

$node->safe_psql('postgres', q{
	CREATE FUNCTION used() RETURNS bigint LANGUAGE sql AS
		$$ SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts WHERE name ~ '^flowlog_fdw|^ExprContext$|^ExecutorState$' $$;
});

# What a rescan more takes, in bytes, while it is known how many there were.
sub growth
{
	my ($condition) = @_;
	my @used;

	foreach my $count (100, 2100)
	{
		my $session = FlowLogSession->new($node);

		$session->safe_query('SET max_parallel_workers_per_gather = 0; SET enable_material = off; SET enable_memoize = off');
		push @used, $session->safe_query("SELECT max(CASE WHEN g = $count THEN used() END) FROM (SELECT g FROM numbers WHERE g <= $count) n, LATERAL (SELECT count(*) AS c FROM flow WHERE $condition OFFSET 0) f WHERE c > -1");
		$session->quit;
	}
	return ($used[1] - $used[0]) / 2000;
}

foreach my $condition ('srcport = g', q{dir = repeat('x', 1000) || g}, 'dir = g::text', q{day = '2026-01-01'::date + g % 3}, q{dir = ANY (ARRAY['a', g::text]) AND "$path" <> ANY (ARRAY[g::text, 'c'])},
	q{dir = 'a' AND srcport > g AND action = ANY (ARRAY[g::text, 'ACCEPT'])}, 'srcport < 0 OR dstport = (65536 / g)', q{length(dir) = g})
{
	my $bytes = growth($condition);

	cmp_ok($bytes, '<', 4, sprintf('%s: %.1f bytes a rescan', $condition, $bytes));
}

# ---------- scans that are not executed ----------

foreach my $table ('heap', 'flow')
{
	foreach my $workers (0, 2)
	{
		my $set = "SET max_parallel_workers_per_gather = $workers; SET plan_cache_mode = force_generic_plan";

		is(outcome($node, "$set; SELECT count(*) FROM $table WHERE current_setting('app.ok', true) = '1' AND 1 / (length(dir) - 1) = 1"), 0, "$table, $workers workers: a one-time filter is false");
		is(outcome($node, "$set; PREPARE p(text) AS SELECT count(*) FROM $table WHERE \$1 = '1' AND 1 / (length(dir) - 1) = 1; EXECUTE p('0')"), 0, 'the same of a parameter');
		like(outcome($node, "$set; PREPARE p(text) AS SELECT count(*) FROM $table WHERE \$1 = '1' AND 1 / (length(dir) - 1) = 1; EXECUTE p('1')"), qr/22012/, 'if it is true, the condition is evaluated');
	}
}

# ---------- compilation ----------

SKIP:
{
	skip 'this server does not compile expressions', 1 if $node->safe_psql('postgres', 'SET jit = on; SELECT pg_jit_available()') ne 't';
	my @compiled = map {
		outcome($node, 'SET max_parallel_workers_per_gather = 0; SET jit = on; SET jit_above_cost = 0; SET jit_inline_above_cost = -1; SET jit_optimize_above_cost = -1; '
			  . "EXPLAIN (ANALYZE, TIMING OFF) SELECT count(c) FROM (SELECT (SELECT count(*) FROM flow WHERE srcport = g + 1) AS c FROM numbers WHERE g <= $_ OFFSET 0) n") =~ /Functions: (\d+)/ ? $1 : 'none'
	} 1, 20;

	is($compiled[1], $compiled[0], "what a condition compares with is not compiled in each rescan: $compiled[0] functions");
}

check_log($node);
$node->stop;
done_testing();
