# The planner hook, which aggregates over clusters need, leaves all other queries alone: what is not about a
# cluster is not locked, does not wait, and is planned as without the module.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $node = start_node('hook');

$node->safe_psql('postgres', q{
	CREATE EXTENSION postgres_fdw;
	CREATE SERVER node1 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (extensions 'flowlog_fdw');
	CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw;
	CREATE TABLE heap (day date, n int) PARTITION BY RANGE (day);
	DO $$ BEGIN
		FOR i IN 0 .. 49 LOOP
			EXECUTE format('CREATE TABLE heap%s PARTITION OF heap FOR VALUES FROM (%L) TO (%L)', i, date '2026-01-01' + i, date '2026-01-02' + i);
		END LOOP;
	END $$;

	CREATE TABLE divided (part int, n int) PARTITION BY LIST (part);
	CREATE FOREIGN TABLE divided1 PARTITION OF divided FOR VALUES IN (1) SERVER node1 OPTIONS (table_name 'x');
	CREATE TABLE below PARTITION OF divided FOR VALUES IN (2, 3) PARTITION BY LIST (part);
	CREATE FOREIGN TABLE below2 PARTITION OF below FOR VALUES IN (2) SERVER node1 OPTIONS (table_name 'x');
	CREATE USER MAPPING FOR PUBLIC SERVER node1;
	CREATE USER MAPPING FOR PUBLIC SERVER other;
});

# How many of the partitions a transaction has locked after a query.
sub locks
{
	my ($load) = @_;

	return $node->safe_psql('postgres', qq{
		$load;
		BEGIN;
		SELECT count(*) FROM heap WHERE day = '2026-01-03';
		SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation::regclass::text ~ '^heap';
		COMMIT;
	}) =~ s/^0\n//r;
}

my $without = locks('SELECT WHERE false');

is($without, 2, 'PostgreSQL locks the table and the partition that is left');
is(locks("LOAD 'flowlog_fdw'"), $without, 'with the module it locks the same');
is(locks("LOAD 'flowlog_fdw'; SET flowlog_fdw.enable_rollup = off"), $without, 'and with the rollup turned off');

# A query that would wait for a lock ends with an error after a while, so only a broken hook takes that while.
my $blocker = FlowLogSession->new($node);
$blocker->query('BEGIN; LOCK TABLE heap7 IN ACCESS EXCLUSIVE MODE');
my ($status, $out, $err) = $node->psql('postgres', q{
	LOAD 'flowlog_fdw';
	SET lock_timeout = '20s';
	SELECT count(*) FROM heap WHERE day = '2026-01-03';
});
is("$status $out $err", '0 0 ', 'it does not wait for partitions that were pruned');
$blocker->query('ROLLBACK');

# Two levels: an Aggregate or GroupAggregate above another one's results.
sub is_rolled_up
{
	my ($sql, $change) = @_;
	my $plan = $node->safe_psql('postgres', ($change // '') . ";EXPLAIN (VERBOSE, COSTS OFF) $sql");

	return $plan =~ /\bsum\(/ ? 1 : 0;
}

my $count = 'SELECT count(*) FROM divided';
my $load = "LOAD 'flowlog_fdw'";

is(is_rolled_up($count, $load), 1, 'a count over a cluster is made of the counts of its parts');
is(is_rolled_up($count, "$load; SET flowlog_fdw.enable_rollup = off"), 0, 'not with the rollup turned off');

# What is known of tables is forgotten when they change, in the same session and in another one.
my $session = FlowLogSession->new($node);
$session->query($load);
my $plan = sub { return ($session->query("EXPLAIN (VERBOSE, COSTS OFF) $count") // '') =~ /\bsum\(/ ? 1 : 0 };

is($plan->(), 1, 'it is rolled up in a session');
$node->safe_psql('postgres', 'CREATE TABLE below3 PARTITION OF below FOR VALUES IN (3)');
is($plan->(), 0, 'not any more with a partition of this server, below a partition');
$node->safe_psql('postgres', 'DROP TABLE below3');
is($plan->(), 1, 'again without it');
$node->safe_psql('postgres', "CREATE FOREIGN TABLE other3 PARTITION OF below FOR VALUES IN (3) SERVER other OPTIONS (table_name 'x')");
is($plan->(), 0, 'not with one on a server that does not know the extension');
$node->safe_psql('postgres', "ALTER SERVER other OPTIONS (ADD extensions 'flowlog_fdw')");
is($plan->(), 1, 'until that knows it');
$node->safe_psql('postgres', 'ALTER SERVER node1 OPTIONS (DROP extensions)');
is($plan->(), 0, 'nor if another one does not any more');
$node->safe_psql('postgres', "ALTER SERVER node1 OPTIONS (ADD extensions 'hstore,flowlog_fdw')");
is($plan->(), 1, 'and so on');
$node->safe_psql('postgres', 'ALTER TABLE below DETACH PARTITION other3; DROP FOREIGN TABLE other3; DROP SERVER other CASCADE');
is($plan->(), 1, 'a server that is gone does not matter');

# What must not be rolled up.
foreach my $query (
	'SELECT d, count(*) FROM divided d GROUP BY d',
	'SELECT count(DISTINCT d) FROM divided d',
	'SELECT tableoid, count(*) FROM divided GROUP BY tableoid',
	'SELECT sum((random() * n)::int) FROM divided',
	'SELECT sum((random() * n)::int), sum((random() * n)::int) FROM divided',
	'SELECT count(*) FILTER (WHERE random() < 0.5) FROM divided',
	'SELECT count(*), n * random() FROM divided GROUP BY 2',
	'SELECT n, count(*) FROM divided GROUP BY n HAVING count(*) > random()')
{
	my %plans;

	foreach my $setting (qw(on off))
	{
		(undef, $plans{$setting}, my $error) = $node->psql('postgres', "$load; SET flowlog_fdw.enable_rollup = $setting; SET enable_partitionwise_aggregate = off; EXPLAIN (VERBOSE, COSTS OFF) $query");
		$plans{$setting} .= $error;
	}
	is($plans{on}, $plans{off}, "it is left alone: $query");
	unlike($plans{on}, qr/ERROR/, 'and planned');
}

done_testing();
