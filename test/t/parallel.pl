# Parallel scans: whatever the plan and however many processes read, the same rows as a scan
# by one process, the same counts, one warning; and nothing left behind however a scan ends.
#
# FLOWLOG_RANDOM_PLANS is the number of random queries, FLOWLOG_SEED where they begin.

use strict;
use warnings;

use Cwd qw(abs_path);
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use FlowLog;
use FlowLogSession;

my $plans = $ENV{FLOWLOG_RANDOM_PLANS} // ($long ? 150 : 30);
my $seed = $ENV{FLOWLOG_SEED} // 1;
srand($seed);

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('parallel', conf => q{
	max_worker_processes = 16
	max_parallel_workers = 16
	max_connections = 20
	parallel_setup_cost = 0
	parallel_tuple_cost = 0
	min_parallel_table_scan_size = 0
	jit = off
	log_min_messages = warning
});

sub below
{
	return int(rand($_[0]));
}

sub one_of
{
	return $_[ below(scalar(@_)) ];
}

# ---------- the logs ----------

# Records of every kind, with a number of their own as account.
sub random_lines
{
	my ($from, $count) = @_;
	my @lines;

	foreach my $n ($from .. $from + $count - 1)
	{
		my $kind = below(100);
		my $line = default_line($n);

		$line = sprintf("2 %012d eni-%d - - - - - - - %d %d - %s\n", $n, $n % 7, 1769731200 + $n, 1769731260 + $n, one_of('NODATA', 'SKIPDATA'))
		  if $kind < 5;
		$line = one_of("\n", "\r\n", "broken $n\n", "2 $n\n", 'x' x below(3000) . "\n") if $kind == 5;
		$line =~ s/ (?:6|17) / tcp / if $kind == 6; # a bad value
		$line =~ s/\n/\r\n/ if $kind == 7;
		push @lines, $line;
	}
	$lines[-1] =~ s/\r?\n// if below(2);
	return join('', @lines);
}

my $n = 0;
mkdir "$logs/$_" foreach qw(plain gzip zstd mixed big parted);
foreach my $dir ('plain', 'gzip', 'zstd', 'mixed')
{
	foreach my $file (0 .. 4)
	{
		my $count = 500 + below(5000) + ($dir eq 'mixed' && $file == 4 ? 20_000 : 0);
		my $path = write_file("$logs/$dir/$file.log", random_lines($n, $count));
		my $program = $dir eq 'mixed' ? ('', 'gzip', 'zstd')[ $file % 3 ] : $dir eq 'plain' ? '' : $dir;

		$n += $count;
		next if $program eq '';
		system($program, '-q', $path) == 0 or die "could not run $program: $!";
		unlink($path);
		# names do not always tell what is inside
		rename("$path.gz", $path) if $dir eq 'mixed' && -e "$path.gz";
	}
}
write_file("$logs/big/1.log", random_lines($n, 25_000));
write_file("$logs/parted/$_.log", random_lines($_ * 3000, 3000)) foreach 0 .. 3;
system('gzip', '-q', "$logs/parted/2.log") == 0 or die 'could not run gzip';

my %treatment = (
	ignore => [ on_error => 'ignore' ],
	set_null => [ on_error => 'set_null' ],
	verbose => [ on_error => 'ignore', log_verbosity => 'verbose' ]);
my @tables;
foreach my $dir ('plain', 'gzip', 'zstd', 'mixed', 'big')
{
	foreach my $treatment (sort keys %treatment)
	{
		create_table($node, "${dir}_$treatment", "$logs/$dir", @{ $treatment{$treatment} });
		push @tables, "${dir}_$treatment" unless $treatment eq 'verbose';
	}
}
$node->safe_psql('postgres', q{
	CREATE TABLE heap AS SELECT * FROM big_ignore;
	CREATE TABLE small AS SELECT DISTINCT dstport, protocol FROM heap WHERE dstport IS NOT NULL;
	ANALYZE heap, small;
	CREATE FUNCTION again(statement text, times int, OUT succeeded int, OUT failed int) LANGUAGE plpgsql AS $$
	BEGIN
		succeeded := 0;
		failed := 0;
		FOR i IN 1 .. times LOOP
			BEGIN
				EXECUTE statement;
				succeeded := succeeded + 1;
			EXCEPTION WHEN others THEN
				failed := failed + 1;
			END;
		END LOOP;
	END $$;
});
$node->safe_psql('postgres', 'CREATE TABLE all_parts (' . $columns . ') PARTITION BY RANGE (account_id)');
foreach my $part (0 .. 3)
{
	my ($from, $to) = map { sprintf('%012d', $_ * 3000) } $part, $part + 1;
	my $file = $part == 2 ? '2.log.gz' : "$part.log";

	$node->safe_psql('postgres', qq{
		CREATE FOREIGN TABLE part_$part PARTITION OF all_parts FOR VALUES FROM ('$from') TO ('$to')
		SERVER logs OPTIONS (location '$logs/parted/$file', regex '$record', on_error 'ignore', log_verbosity 'silent')});
}

my $session = FlowLogSession->new($node);
$session->safe_query("SET timezone = 'UTC'; SET extra_float_digits = 3");

# ---------- rows, counts and warnings of 0 to 8 workers ----------

my $digest = q{count(*), sum(hashtext(%s::text)::bigint), sum(bytes), count(srcaddr), min(account_id), max(start)};

# One node of a plan with this type, from EXPLAIN (ANALYZE, FORMAT json).
sub find_node
{
	my ($plan, $type) = @_;

	return $plan if ($plan->{'Node Type'} // '') eq $type;
	foreach my $child (@{ $plan->{Plans} // [] })
	{
		my $found = find_node($child, $type);
		return $found if $found;
	}
	return undef;
}

my @counters = ('Files', 'Files Read', 'Files Skipped', 'Files Not Reached', 'Bytes', 'Bytes Read', 'Lines', 'Lines Emitted',
	'Lines Filtered', 'Lines Rejected', 'Lines Set Null', 'Headers', 'Blank Lines');

sub analyze_plan
{
	my ($sql) = @_;
	my $out = $session->query("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, FORMAT json) $sql");
	my $plan = eval { decode_json($out)->[0]{Plan} };

	return ('', $session->error) unless defined $plan;
	my $scan = find_node($plan, 'Foreign Scan');
	my $gather = find_node($plan, 'Gather') // {};
	return (join(', ', map { "$_ $scan->{$_}" } @counters), $session->error, $gather->{'Workers Launched'} // 0);
}

# What was said, apart from who said it
sub warnings_of
{
	my ($error) = @_;

	return join("\n", map { s/^psql:<stdin>:\d+: //r } grep { /WARNING:|DETAIL:/ } split(/\n/, $error));
}

foreach my $table (@tables)
{
	my $sql = 'SELECT ' . sprintf($digest, $table) . " FROM $table WHERE protocol = 6 OR protocol IS NULL";
	my ($rows, $counts, $warning);
	my (@wrong, @launched);

	foreach my $workers ($long ? (0 .. 8) : (0, 1, 2, 8))
	{
		foreach my $leader ('on', 'off')
		{
			next if $leader eq 'off' && $workers != 2; # without the leader once
			$session->safe_query("SET max_parallel_workers_per_gather = $workers; SET parallel_leader_participation = $leader");
			my $result = $session->query($sql);
			my $said = warnings_of($session->error);
			my ($counters, $told, $launched) = analyze_plan($sql);

			($rows, $counts, $warning) = ($result, $counters, $said) if $workers == 0;
			push @launched, $launched;
			push @wrong, "$workers workers: $result" if $result ne $rows || $result eq '';
			push @wrong, "$workers workers: $said" if $said ne $warning || $said eq '' || warnings_of($told) ne $warning;
			push @wrong, "$workers workers: $counters" if $counters ne $counts || $counters eq '';
		}
	}
	is(join("\n", @wrong), '', "$table: 0 to 8 workers tell the same rows, counts and warning");
	ok(scalar(grep { $_ > 0 } @launched), 'and there were workers: ' . join(' ', @launched));
}
$session->safe_query('RESET parallel_leader_participation');

# the limit is one for all
foreach my $workers (0, 1, 4)
{
	my ($rejected) = $node->safe_psql('postgres', "SELECT count(*) FROM flowlog_rejects('big_ignore', 1000000)");

	$session->safe_query("SET client_min_messages = error; SET max_parallel_workers_per_gather = $workers;
		ALTER FOREIGN TABLE big_ignore OPTIONS (ADD reject_limit '$rejected')");
	like($session->query('SELECT count(*) FROM big_ignore'), qr/^\d+$/, "$workers workers: as many rejects as the limit");
	$session->safe_query('ALTER FOREIGN TABLE big_ignore OPTIONS (SET reject_limit ' . quoted($rejected - 1) . ')');
	$session->query('SELECT count(*) FROM big_ignore');
	is(sqlstate($session->error), '54000', 'and one more');
	like($session->error, qr{CONTEXT:.*flow log "\Q$logs\E/big/1.log", line \d+}s, 'which names the place');
	$session->safe_query('ALTER FOREIGN TABLE big_ignore OPTIONS (DROP reject_limit); RESET client_min_messages');
}

# no more than 100 rejects are named, by all of them together, and by their true numbers
my @rejects = map { [ split(/\|/) ] } split(/\n/, $session->query("SELECT path, line, reason FROM flowlog_rejects('big_ignore', 1000000)"));
my %known = map { ("$_->[0], line $_->[1]: $_->[2]" => 1) } map { [ "\"$_->[0]\"", $_->[1], $_->[2] ] } @rejects;
cmp_ok(scalar(@rejects), '>', 100, scalar(@rejects) . ' rejects');
foreach my $workers (0, 1, 4)
{
	$session->safe_query("SET max_parallel_workers_per_gather = $workers");
	$session->query('SELECT count(*) FROM big_verbose');
	my @named = $session->error =~ /NOTICE:  \S+ flow log (.*)/g;

	is(scalar(@named), 100, "$workers workers: 100 rejects are named");
	is(scalar(grep { !$known{$_} } @named), 0, 'each is one');
}

# ---------- errors ----------

sub is_error
{
	my ($sql, $state, $like, $name) = @_;

	$session->query($sql);
	is(sqlstate($session->error), $state, $name);
	like($session->error, $like, 'which names the place');
	return;
}

mkdir "$logs/corrupt";
write_file("$logs/corrupt/$_.log", default_lines(1, 3000)) foreach 1 .. 8;
system("gzip -q $logs/corrupt/*.log") == 0 or die 'could not run gzip';
my $packed = slurp_file("$logs/corrupt/5.log.gz");
write_file("$logs/corrupt/5.log.gz", substr($packed, 0, length($packed) / 2));
create_table($node, 'corrupt', "$logs/corrupt");
mkdir "$logs/broken";
write_file("$logs/broken/1.log", default_lines(1, 8000), "broken\n", default_lines(8002, 12_000));
create_table($node, 'broken', "$logs/broken");
mkdir "$logs/opaque";
write_file("$logs/opaque/1.log", (map { "$_\n" } 1 .. 100_000), "100001x\n", (map { "$_\n" } 100_002 .. 200_000));
$node->safe_psql('postgres', "CREATE DOMAIN number AS int");
create_table($node, 'opaque', "$logs/opaque", columns => 'n number', regex => '(.*)');

foreach my $leader ('on', 'off')
{
	$session->safe_query("SET max_parallel_workers_per_gather = 4; SET parallel_leader_participation = $leader");
	foreach (1 .. ($long ? 3 : 1))
	{
		is_error('SELECT count(*) FROM corrupt', 'XX001', qr{corrupt/5\.log\.gz"}, "leader $leader: corrupt data");
		is_error('SELECT count(*) FROM broken', '22P04', qr{flow log "\Q$logs\E/broken/1\.log", line 8001: "broken"}, 'a broken line');
		is_error('SELECT sum(n) FROM opaque', '22P02', qr{flow log "\Q$logs\E/opaque/1\.log", line 100001, column n}, 'a value that an input function refuses');
	}
}
$session->safe_query('RESET parallel_leader_participation');

# in subtransactions, one after the other
foreach my $table ('corrupt', 'broken', 'opaque', 'big_ignore')
{
	my $expected = $table eq 'big_ignore' ? '10|0' : '0|10';

	$session->query("SET client_min_messages = error; SELECT * FROM again('SELECT count(*) FROM $table', 10)");
	is($session->query("SELECT * FROM again('SELECT sum(hashtext($table\::text)) FROM $table', 10)"), $expected, "ten subtransactions of $table");
}
$session->safe_query("BEGIN; SAVEPOINT a");
is_error('SELECT count(*) FROM broken', '22P04', qr/broken/, 'an error in a savepoint');
like($session->query('ROLLBACK TO a; SELECT count(*) FROM big_ignore; COMMIT'), qr/^\d+$/, 'after which the transaction reads on');

# a directory that workers may not read either
$session->safe_query('RESET client_min_messages');
$node->append_conf('postgresql.conf', "flowlog_fdw.allowed_paths = '$logs/plain'");
$node->reload;
$session->quit;
$session = FlowLogSession->new($node);
$session->safe_query('SET max_parallel_workers_per_gather = 4; SET parallel_leader_participation = off; SET client_min_messages = error');
is_error('SELECT count(*) FROM big_ignore', '42501', qr{outside the allowed paths}, 'allowed_paths hold for workers');
like($session->query('SELECT count(*) FROM plain_ignore'), qr/^\d+$/, 'who read what they allow');

# a session that comes to the library in a function that several processes call
$session->safe_query(q{
	CREATE FUNCTION count_plain(int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE AS
		$$ BEGIN RETURN (SELECT count(*) FROM plain_ignore WHERE $1 > 0); END $$;
	CREATE TABLE calls (n int) WITH (parallel_workers = 2);
	INSERT INTO calls SELECT 1 FROM generate_series(1, 1000);
	DELETE FROM calls WHERE ctid::text NOT LIKE '(%,1)';
	ANALYZE calls;
});
$session->quit;
$session = FlowLogSession->new($node);
$session->safe_query('SET max_parallel_workers_per_gather = 4; SET client_min_messages = error');
is_error('SELECT sum(count_plain(n)) FROM calls', '55000', qr/library "flowlog_fdw" cannot be loaded during a parallel operation/, 'settings cannot be applied then');
like($session->query('SELECT count(*) FROM plain_ignore'), qr/^\d+$/, 'but later');
is($session->query('SELECT sum(count_plain(n)) = count(*) * max(count_plain(n)) FROM calls'), 't', 'and then the function, too');
$node->append_conf('postgresql.conf', "flowlog_fdw.allowed_paths = ''");
$node->reload;
$session->quit;
$session = FlowLogSession->new($node);
$session->safe_query("SET timezone = 'UTC'; SET client_min_messages = error; SET max_parallel_workers_per_gather = 4");

# ---------- scans that do not reach the end ----------

is($session->query('SELECT count(*) FROM (SELECT * FROM big_ignore LIMIT 7) l'), 7, 'LIMIT');
is($session->query('SELECT count(*) FROM (SELECT * FROM big_ignore OFFSET 5000 LIMIT 7) l'), 7, 'OFFSET and LIMIT');
foreach my $leader ('on', 'off')
{
	$session->safe_query("SET parallel_leader_participation = $leader");
	my ($counters) = analyze_plan('SELECT * FROM plain_ignore LIMIT 10');
	my %count = $counters =~ /([A-Z][A-Za-z ]+) (\d+)/g;
	is($count{Files}, $count{'Files Read'} + $count{'Files Skipped'} + $count{'Files Not Reached'}, 'with LIMIT the files balance');
	is($count{Lines}, $count{'Lines Emitted'} + $count{'Lines Filtered'} + $count{'Lines Rejected'} + $count{Headers} + $count{'Blank Lines'}, 'and so do the lines');
	cmp_ok($count{'Lines Emitted'}, '>=', 10, "and what workers counted is there: $count{'Lines Emitted'}");
}
$session->safe_query('RESET parallel_leader_participation');

my $all = $session->query('SELECT count(*) FROM heap');

# The shared memory that a session has mapped.
sub segments_of
{
	my ($pid) = @_;

	return scalar(grep { m{/dev/shm/PostgreSQL\.|pg_dynshmem|SYSV} } split(/\n/, slurp_file("/proc/$pid/maps")));
}

my $segments = segments_of($session->pid);
is($session->query('BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT * FROM big_ignore; MOVE 5 IN c; COMMIT; MOVE ALL IN c; CLOSE c; SELECT count(*) FROM big_ignore'), $all, 'cursors');
is( $session->query('DO $$ DECLARE r record; n int := 0; BEGIN FOR r IN SELECT * FROM big_ignore LOOP n := n + 1; EXIT WHEN n = 100; END LOOP; END $$; SELECT count(*) FROM big_ignore'),
	$all, 'loops that are left');

# ---------- cancel and terminate ----------

# some GB of nothing but lines that do not match, to have time
write_file("$logs/seed.log", ('a' x 3000 . "\n") x 500);
link_copies("$logs/seed.log", "$logs/slow", 1000);
create_table($node, 'slow', "$logs/slow", columns => 'line text', regex => '((?:a(?!.*z))*[^a])', on_error => 'ignore', log_verbosity => 'silent');

sub workers_of
{
	my ($pid) = @_;

	return split(/\n/, $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE leader_pid = $pid AND pid <> $pid"));
}

sub wait_for_workers
{
	my ($pid, $wanted) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;

	while (time() < $until)
	{
		my @workers = workers_of($pid);
		return @workers if (@workers > 0) == $wanted;
		sleep(0.02);
	}
	die 'the workers ' . ($wanted ? 'never came' : 'never went');
}

my @ways = (
	[ 'a cancel', '57014', sub { $node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $session->pid . ')') } ],
	[ 'a cancel of a worker', '57014', sub { $node->safe_psql('postgres', "SELECT pg_cancel_backend($_[0])") } ],
	[ 'the end of a worker', '57P01', sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend($_[0])") } ]);
foreach my $way (@ways)
{
	my ($name, $state, $act) = @$way;

	$session->safe_query('SET max_parallel_workers_per_gather = 4');
	$session->send_sql('SELECT count(*) FROM slow');
	my @workers = wait_for_workers($session->pid, 1);
	sleep(0.1);
	$act->($workers[0]);
	$session->finish;
	like(sqlstate($session->error), qr/^(?:$state|08006)$/, "$name ends the query");
	wait_for_workers($session->pid, 0);
	is($session->query('SELECT count(*) FROM big_ignore'), $all, 'after which the session reads on');
}
$session->query("SET statement_timeout = 300; SELECT count(*) FROM slow");
is(sqlstate($session->error), '57014', 'a timeout ends the query');
wait_for_workers($session->pid, 0);
$session->safe_query('RESET statement_timeout');
{
	my $doomed = FlowLogSession->new($node);

	$doomed->send_sql('SET max_parallel_workers_per_gather = 4; SELECT count(*) FROM slow');
	wait_for_workers($doomed->pid, 1);
	$node->safe_psql('postgres', 'SELECT pg_terminate_backend(' . $doomed->pid . ')');
	$doomed->finish;
	is(sqlstate($doomed->error), '57P01', 'the end of the leader');
	wait_for_workers($doomed->pid, 0);
	$doomed->quit;
}

# ---------- random plans ----------

sub random_atom
{
	my ($t) = @_;

	return one_of(
		sub { "$t.action = " . one_of("'ACCEPT'", "'REJECT'") },
		sub { "$t.protocol = " . one_of(6, 17, 1) },
		sub { "$t.dstport " . one_of('=', '<', '>=', '<>') . ' ' . one_of(22, 53, 80, 443, 3389) },
		sub { "$t.dstport IN (22, " . one_of(53, 443) . ')' },
		sub { "$t.srcaddr << '10.0." . below(100) . ".0/2" . one_of(1 .. 4) . "'" },
		sub { "$t.bytes > " . below(100_000) },
		sub { "$t.bytes % " . (2 + below(9)) . ' = 1' }, # PostgreSQL's
		sub { "length($t.interface_id) > " . below(10) },
		sub { "$t.srcaddr IS " . one_of('', 'NOT ') . 'NULL' },
		sub { "$t.log_status = " . one_of("'OK'", "'NODATA'") },
		sub { "$t.start < to_timestamp(" . (1769731200 + below(60_000)) . ')' },
		sub { "$t.account_id < '" . sprintf('%012d', below(60_000)) . "'" })->();
}

sub random_qual
{
	my ($t) = @_;
	my $qual = random_atom($t);

	foreach (1 .. below(3))
	{
		$qual = one_of("($qual AND " . random_atom($t) . ')', "($qual OR " . random_atom($t) . ')', "NOT ($qual)");
	}
	return $qual;
}

# A query whose rows do not depend on the order they are read in.
sub random_query
{
	my $t = one_of(@tables, 'all_parts');
	my $u = one_of(@tables);
	my $where = random_qual('t');
	my $key = one_of('t.action', 't.protocol', 't.dstport', 't.log_status', 't.interface_id', 'date_trunc(\'hour\', t.start)');
	my $aggregates = one_of('count(*)', 'count(*), sum(t.bytes)', 'min(t.srcaddr), max(t.start)', 'avg(t.packets), count(DISTINCT t.dstport)', 'sum(t.bytes) FILTER (WHERE t.protocol = 6)');

	return one_of(
		sub { "SELECT $aggregates FROM $t t WHERE $where" },
		sub { "SELECT $key, $aggregates FROM $t t WHERE $where GROUP BY 1" },
		sub { "SELECT $key, $aggregates FROM $t t WHERE $where GROUP BY 1 HAVING count(*) > 5" },
		sub { "SELECT t.account_id, t.srcaddr, t.bytes FROM $t t WHERE $where" },
		sub { "SELECT t.* FROM $t t WHERE $where ORDER BY t.account_id, t::text LIMIT " . (1 + below(50)) },
		sub { "SELECT count(*) FROM (SELECT FROM $t t WHERE $where LIMIT " . below(500) . ') l' },
		sub { "SELECT DISTINCT $key FROM $t t WHERE $where" },
		sub { "SELECT h.action, $aggregates FROM $t t JOIN heap h USING (account_id) WHERE $where AND " . random_qual('h') . ' GROUP BY 1' },
		sub { "SELECT count(*), sum(t.bytes - u.bytes) FROM $t t JOIN $u u USING (account_id) WHERE $where" },
		sub { "SELECT s.dstport, count(t.bytes) FROM small s LEFT JOIN $t t ON t.dstport = s.dstport AND t.protocol = s.protocol AND $where GROUP BY 1" },
		sub { "SELECT s.dstport, l.c FROM (SELECT DISTINCT dstport FROM small WHERE dstport < 100) s, LATERAL (SELECT count(*) AS c FROM $t t WHERE t.dstport = s.dstport AND $where) l" },
		sub { "SELECT count(*) FROM heap h WHERE h.account_id IN (SELECT t.account_id FROM $t t WHERE $where)" },
		sub { "SELECT count(*) FROM $t t WHERE NOT EXISTS (SELECT FROM heap h WHERE h.account_id = t.account_id) AND $where" },
		sub { "SELECT $key, count(*) FROM (SELECT * FROM $t WHERE protocol = 6 UNION ALL SELECT * FROM $u WHERE protocol = 17) t WHERE $where GROUP BY 1" },
		sub { "SELECT x.v, (SELECT count(*) FROM $t t WHERE t.dstport = x.v AND $where) FROM (VALUES (22), (80), (443)) x(v)" },
		sub { "WITH q AS MATERIALIZED (SELECT * FROM $t t WHERE $where) SELECT a.dstport, count(*) FROM q a GROUP BY 1 UNION ALL SELECT -1, count(*) FROM q" },
		sub { "SELECT account_id, rank FROM (SELECT t.account_id, rank() OVER (PARTITION BY t.dstport ORDER BY t.bytes, t.account_id) FROM $t t WHERE $where) r WHERE rank < 4" })->();
}

# The rows in an order of their own; one of a single NULL is an empty line.
sub sorted
{
	return join("\n", sort split(/\n/, $_[0], -1));
}

# One way to join may be off: where nested loops are all that is left, they rescan without end.
my @joins = ('', 'SET enable_hashjoin = off', 'SET enable_nestloop = off', 'SET enable_mergejoin = off; SET enable_sort = off');
my @switches = qw(enable_hashagg enable_material enable_memoize enable_parallel_append enable_parallel_hash
  enable_partitionwise_aggregate enable_partitionwise_join parallel_leader_participation flowlog_fdw.enable_pushdown);
my $debug = $node->safe_psql('postgres', q{SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')});

$session->safe_query("SET max_parallel_workers_per_gather = 0; SET statement_timeout = '180s'");
my ($parallel, $skipped, $slow) = (0, 0, 0);
my @wrong;
foreach my $i (1 .. $plans)
{
	my $query = random_query();
	my $workers = 1 + below(8);
	my $settings = join('; ', "SET max_parallel_workers_per_gather = $workers",
		one_of(@joins), (map { below(4) ? () : "SET $_ = off" } @switches),
		below(4) ? () : 'SET max_parallel_workers = ' . below(3),
		below(4) ? () : "SET $debug = on",
		below(3) ? () : 'SET parallel_tuple_cost = 0.1',
		below(4) ? () : "SET work_mem = '64kB'");
	my $serial = sorted($session->query($query));
	my $failed = sqlstate($session->error);

	$session->safe_query($settings);
	my $explain = $session->query("EXPLAIN (COSTS OFF) $query");
	my $result = sorted($session->query($query));
	my $state = sqlstate($session->error);

	$parallel++ if $explain =~ /Parallel Foreign Scan/;
	$skipped++ if $failed ne '';
	# with so much turned off, PostgreSQL may plan to launch the workers of a heap's scan for every row of ours
	if ($state eq '57014')
	{
		$slow++;
		$session->safe_query('SELECT 1');
	}
	elsif ($state ne $failed || ($state eq '' && $serial ne $result))
	{
		push @wrong, $query;
		diag(substr("$settings;\n$query\n$explain\n" . $session->error . "serial:\n$serial\nparallel:\n$result", 0, 4000)) if @wrong < 4;
	}
	$session->safe_query('RESET ALL; ' . "SET timezone = 'UTC'; SET client_min_messages = error; SET max_parallel_workers_per_gather = 0; SET statement_timeout = '180s'");
}
is(scalar(@wrong), 0, "$plans random plans (seed $seed) give the rows of plans by one process");
cmp_ok($parallel, '>=', $plans / 3, "$parallel of them are parallel");
is($skipped, 0, 'none fails');
cmp_ok($slow, '<=', $plans / 10, "$slow of them take longer than three minutes");
diag("$plans random plans, $parallel of them parallel");

# ---------- what is left behind ----------

is(scalar($session->open_below($logs)), 0, 'no file is open');
is(segments_of($session->pid), $segments, 'no shared memory is mapped');
$session->quit;
check_log($node);
$node->stop;
done_testing();
