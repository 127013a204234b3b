# The index over raw logs changes which files are read, never the rows: random queries with it and without it, in each state
# that it may be in; who may refresh and see what; refreshes that are cancelled, or meet each other.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use FlowLog;
use FlowLogIndexQuery;
use FlowLogS3;
use FlowLogSession;

my $seed = $ENV{FLOWLOG_SEED} // 20260130;
my $queries = $ENV{FLOWLOG_QUERIES} // ($long ? 20_000 : 2000);
my $root = abs_path(PostgreSQL::Test::Utils::tempdir('objects'));
my $node = start_node('index', init => { allows_streaming => 1 }, conf => "flowlog_fdw.allowed_endpoints = '127.0.0.1'
timezone = 'UTC'
jit = off
$eager_workers");

srand($seed);

# ---------- the logs ----------

my %files; # path => number, which says what is in it
my $next = 0;

# A file that holds what its number says, or the same number of bytes as before.
sub write_log
{
	my ($path, %params) = @_;
	my $n = $next++;

	$files{$path} = $n;
	return write_file($path, index_header(), map { index_line($n, masks => 0.02, %params) } 1 .. 1 + int(rand(40)));
}

my @days;
foreach my $dir ('a', 'b')
{
	foreach my $day (1 .. 4)
	{
		push @days, my $place = make_directory("$root/good/$dir/2026/01/0$day");
		write_log("$place/$_.log") foreach 1 .. 5;
	}
}
# the same files once more, those of a name in a place of their own
foreach my $dir ('a', 'b')
{
	make_directory("$root/of_$dir");
	symlink("$root/good/$dir", "$root/of_$dir/$dir") or die "could not link: $!";
}
make_directory("$root/bad");
write_log("$root/bad/$_.log", bad => 0.05) foreach 1 .. 20;

# Files younger than this are left to the next refresh.
sub settle
{
	sleep(2.1);
	return;
}

my $s3 = FlowLogS3->start(objects => $root);
$s3->create_server($node, 's3');

my $below = '${dir}/${day:yyyy/MM/dd}/*.log';
my @inet = (regex => undef, columns => 'dir text, day date, ' . index_columns(1));
my @text = (regex => undef, columns => 'dir text, day date, ' . index_columns(2));
create_table($node, 'flow', "$root/good/$below", @inet);
$node->safe_psql('postgres', $FlowLogIndexQuery::index_domains);
create_table($node, 'domains', "$root/good/$below", regex => undef, columns => 'dir text, day date, ' . index_columns(3));
create_table($node, 'texts', "$root/good/$below", @text);
create_table($node, 'settled', "$root/good/$below", settled_after => '2 days', @inet);
create_table($node, 'bare', "$root/good/$below", @inet);
create_table($node, 'bucket', "s3://good/$below", server => 's3', @inet);
create_table($node, $_, "$root/bad", regex => undef, columns => index_columns(1), on_error => $_ eq 'ignored' ? 'ignore' : 'set_null', log_verbosity => 'silent') foreach 'ignored', 'nulled';
$node->safe_psql('postgres', 'CREATE TABLE parts (dir text, day date, ' . index_columns(1) . q{) PARTITION BY LIST (dir);
	CREATE FOREIGN TABLE part_a PARTITION OF parts FOR VALUES IN ('a') SERVER logs OPTIONS (location '} . "$root/of_a/$below" . q{');
	CREATE FOREIGN TABLE part_b PARTITION OF parts FOR VALUES IN ('b') SERVER logs OPTIONS (location '} . "$root/of_b/$below" . q{');
	CREATE TABLE wanted (n int, a inet, t text);
	INSERT INTO wanted SELECT n, a::inet, t FROM (VALUES } . FlowLogIndexQuery::wanted_rows() . q{) v(n, a, t);
	ANALYZE wanted;
	CALL flowlog_list_refresh('settled');
});

# [ table, are its columns texts, its index's columns ]
my @tables = (
	[ 'flow', 0 ], [ 'flow', 0 ], [ 'texts', 1 ], [ 'texts', 1 ], [ 'domains', 0 ], [ 'domains', 0 ], [ 'settled', 0 ], [ 'bucket', 0 ], [ 'ignored', 0 ], [ 'nulled', 0 ], [ 'parts', 0 ]);
my $indexed = q{'interface_id', 'srcaddr', 'dstaddr', 'pkt_srcaddr', 'dstport', 'flow_direction', 'tcp_flags'};

sub create_indexes
{
	foreach my $table (qw(flow texts domains settled bucket ignored nulled parts))
	{
		my $more = $table eq 'texts' ? '' : q{, 'bytes'};

		$node->safe_psql('postgres', "SELECT flowlog_index_create('$table', ARRAY[$indexed$more])");
	}
	return;
}

sub refresh
{
	my ($table, %connection) = @_;

	return outcome($node, "CALL flowlog_index_refresh('$table')", %connection);
}

sub refresh_all
{
	my @bad = grep { $_ ne '' } map { refresh($_) } qw(flow texts domains settled bucket ignored nulled parts);

	is(join("\n", @bad), '', 'all indexes are refreshed');
	return;
}

# A file of the good ones; those of one folder only, if a change shall be to few.
sub some_log
{
	my @paths = sort grep { /good/ && -e $_ } keys %files;

	return $paths[ int(rand(@paths)) ];
}

# ---------- comparing ----------

$node->safe_psql('postgres', q{
	CREATE FUNCTION answer(query text, types text, arguments text, OUT rows text[], OUT state text) LANGUAGE plpgsql AS $$
	BEGIN
		DEALLOCATE ALL;
		EXECUTE format('PREPARE q%s AS SELECT array_agg(r ORDER BY r COLLATE "C") FROM (SELECT q::text AS r FROM (%s) q) r', types, query);
		EXECUTE format('EXECUTE q%s', arguments) INTO rows;
	EXCEPTION WHEN OTHERS THEN
		state := SQLSTATE || ' ' || SQLERRM;
	END $$;

	-- what differs with the index and without it, and how many files the index leaves out and answers for
	CREATE FUNCTION compare(query text, types text, arguments text, OUT difference text, OUT pruned int, OUT answered int) LANGUAGE plpgsql AS $$
	DECLARE
		ours record;
		theirs record;
		sets text := coalesce(current_setting('flowlog_fdw.enable_runtime_sets', true), 'on');
		line text;
	BEGIN
		PERFORM set_config('flowlog_fdw.enable_index', 'on', true);
		SELECT * FROM answer(query, types, arguments) INTO ours;
		pruned := 0;
		answered := 0;
		IF ours.state IS NULL THEN
			FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) EXECUTE q%s', arguments) LOOP
				pruned := pruned + coalesce(substring(line, 'Pruned by Index: (\d+)')::int, 0);
				answered := answered + coalesce(substring(line, 'Answered by Index: (\d+)')::int, 0);
			END LOOP;
		END IF;
		PERFORM set_config('flowlog_fdw.enable_index', 'off', true);
		SELECT * FROM answer(query, types, arguments) INTO theirs;

		-- costs are not the same, and of two plans one may not come to a line that is an error
		IF ours IS DISTINCT FROM theirs AND (ours.state IS NULL) <> (theirs.state IS NULL) THEN
			PERFORM set_config('flowlog_fdw.enable_runtime_sets', 'off', true);
			SELECT * FROM answer(query, types, arguments) INTO theirs;
			PERFORM set_config('flowlog_fdw.enable_index', 'on', true);
			SELECT * FROM answer(query, types, arguments) INTO ours;
			PERFORM set_config('flowlog_fdw.enable_runtime_sets', sets, true);
		END IF;
		IF ours IS DISTINCT FROM theirs THEN
			difference := format('with the index %s %s, without %s %s', ours.state, left(ours.rows::text, 300), theirs.state, left(theirs.rows::text, 300));
		END IF;
	END $$;
});

my @settings = (
	'max_parallel_workers_per_gather = 0', 'max_parallel_workers_per_gather = 0', 'max_parallel_workers_per_gather = 3', "max_parallel_workers_per_gather = 3; SET parallel_leader_participation = off",
	'plan_cache_mode = force_generic_plan', 'plan_cache_mode = force_generic_plan; SET max_parallel_workers_per_gather = 2', 'enable_hashjoin = off; SET enable_mergejoin = off', 'enable_material = off; SET enable_memoize = off; SET enable_hashjoin = off',
	'flowlog_fdw.enable_pushdown = off', 'flowlog_fdw.enable_aggregate_pushdown = off', 'flowlog_fdw.enable_runtime_sets = off', 'flowlog_fdw.enable_expressions = off', 'enable_partitionwise_aggregate = on; SET enable_partitionwise_join = on', 'work_mem = 64');
my (%pruned, %answered);

# A random query to a table: nothing if it has the same rows with its index and without; else what differs.
sub ask
{
	my ($session, $what, @among) = @_;
	my $table = (@among > 0 ? @among : @tables)[ int(rand(@among > 0 ? @among : @tables)) ];
	my $params = rand() < 0.4 ? [] : undef;
	my $query = random_query($table->[0], $table->[1], $params);
	my @bound = defined $params && @$params > 0 ? ('(' . join(', ', map { $_->[0] } @$params) . ')', '(' . join(', ', map { $_->[1] } @$params) . ')') : ('', '');
	my ($difference, $pruned, $answered) = split(/\|(?=\d*\|?\d*$)/, $session->query('SELECT * FROM compare(' . join(', ', map { quoted($_) } $query, @bound) . ')'));

	$pruned{$what} += $pruned if defined $pruned && $pruned =~ /^\d+$/;
	$answered{$what} += $answered if defined $answered && $answered =~ /^\d+$/;
	return () if $session->error !~ /ERROR|FATAL/ && defined $difference && $difference eq '';
	return "$table->[0]: PREPARE q$bound[0] AS $query; EXECUTE q$bound[1]\n  " . ($difference // '') . $session->error;
}

# So many of a hundred of all queries, in a state that DO makes from time to time.
sub try_queries
{
	my ($what, $share, %params) = @_;
	my $session = $params{session} // FlowLogSession->new($params{node} // $node, dbname => $params{dbname} // 'postgres');
	my $count = int($queries * $share / 100);
	my @bad;

	foreach my $n (1 .. $count)
	{
		$session->safe_query('RESET ALL; SET ' . $settings[ int(rand(@settings)) ]) if $n % 10 == 1 && !$params{keep};
		$params{do}->() if $params{do} && $n % ($params{every} // 10) == 1;
		push @bad, ask($session, $what, @{ $params{tables} // [] });
		last if @bad > 5;
	}
	$session->quit if !$params{session};
	is(join("\n", @bad), '', "$what: $count queries have the same rows with the index and without it");
	# of few, none may have a condition of which it says something
	cmp_ok($pruned{$what} // 0, '>', $count / 4, "$what: which it has spared " . ($pruned{$what} // 0) . ' files') if ($params{prunes} // 1) && $count >= 50;
	cmp_ok($answered{$what} // 0, '>', 0, "$what: it has answered for " . ($answered{$what} // 0) . ' files') if ($params{prunes} // 1) && $count >= 100;
	return;
}

# ---------- the states ----------

try_queries('not defined', 1, prunes => 0);
create_indexes();
try_queries('defined', 2, prunes => 0);
is($pruned{defined} // 0, 0, 'without entries it spares nothing');
settle();
refresh_all();
is(outcome($node, q{SELECT string_agg(concat_ws(' ', "table", files, files_not_covered), ', ' ORDER BY "table"::text COLLATE "C") FROM flowlog_indexes}),
	'bucket 40 0, domains 40 0, flow 40 0, ignored 20 0, nulled 20 0, part_a 20 0, part_b 20 0, settled 40 0, texts 40 0', 'and cover all files');
# of a bucket the planner knows nothing else
my ($lines) = outcome($node, q{EXPLAIN (ANALYZE, COSTS OFF) SELECT FROM bucket}) =~ /Lines: (\d+)/;
my ($known, $guess) = map { outcome($node, "SET flowlog_fdw.enable_index = $_; EXPLAIN SELECT FROM bucket") =~ /rows=(\d+)/ ? $1 : 0 } 'on', 'off';
is($known, $lines, 'the planner knows by it how many lines a bucket has');
cmp_ok($guess, '>', 1_000_000, 'and not by anything else');
try_queries('fresh', 30);

# The sets of joins, which the processes of a plan know when they begin to read: whether they read the same files as one
# process does, so many of which are left out.
sub try_sets
{
	my ($table, $query, $pruned) = @_;
	my %seen;

	foreach my $settings ('max_parallel_workers_per_gather = 0', 'max_parallel_workers_per_gather = 3', 'max_parallel_workers_per_gather = 3; SET parallel_leader_participation = off')
	{
		my $plan = outcome($node, "SET $settings; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $query");

		like($plan, qr/Parallel Foreign Scan.*Runtime Set/s, "$table: a parallel plan has the set") if $settings !~ /= 0/;
		$seen{ join(', ', $plan =~ /((?:Files Pruned by Index|Files Not Indexed|Files Read|Bytes|Lines): \d+)/g) } = 1;
		$seen{ outcome($node, "SET $settings; $query") } = 1;
	}
	my $seen = join("\n", sort keys %seen);
	is(keys %seen, 2, "$table: processes read the same files as one does") or diag($seen);
	like($seen, qr/Files Pruned by Index: $pruned, Files Not Indexed: 0/, "$table: which the index leaves");
	return $seen;
}
try_sets('bucket', q{SELECT start, bytes FROM bucket WHERE srcaddr IN (SELECT a FROM wanted WHERE t = '10.0.3.1') ORDER BY 1, 2}, qr/[1-3]\d/);

# files that are changed so that as little of them as possible tells
my @changes = (
	# in place, with as many bytes and the old time
	sub {
		my $path = some_log();
		my ($mtime, $content) = ((stat($path))[9], slurp_file($path));

		$content =~ s/ 10\.0\.(\d)\.1 / ' 10.0.' . ($1 + 1) % 10 . '.1 '/ge;
		$content =~ s/eni-(\d) /'eni-' . ($1 + 1) % 10 . ' '/ge;
		open(my $file, '+<:raw', $path) or die "could not open \"$path\": $!";
		print $file $content;
		close($file);
		utime($mtime, $mtime, $path);
	},
	# another file under its name, with as many bytes and the old time
	sub {
		my $path = some_log();
		my ($mtime, $content) = ((stat($path))[9], slurp_file($path));

		$content =~ s/ 192\.0\.2\.(\d) / ' 192.0.2.' . ($1 + 3) % 10 . ' '/ge;
		write_file("$root/new", $content);
		utime($mtime, $mtime, "$root/new");
		rename("$root/new", $path) or die "could not rename: $!";
	},
	# truncated at a line's end, with the old time
	sub {
		my $path = some_log();
		my ($mtime, $content) = ((stat($path))[9], slurp_file($path));
		my @lines = split(/^/, $content);

		truncate($path, length(join('', @lines[ 0 .. int(@lines / 2) ])));
		utime($mtime, $mtime, $path);
	},
	sub { append_file(some_log(), index_line($next++)) },
	sub { unlink(some_log()) },
	sub { write_log($days[ int(rand(@days)) ] . '/' . (6 + int(rand(3))) . '.log') },
	# two files change their names
	sub {
		my ($one, $other) = (some_log(), some_log());

		rename($one, "$root/new") && rename($other, $one) && rename("$root/new", $other) if $one ne $other;
	});

sub change
{
	$changes[ int(rand(@changes)) ]->();
	$s3->refresh;
	# settled files must not change, or the list be compared with them
	outcome($node, q{CALL flowlog_list_refresh('settled', true)}) eq '' or die 'could not list';
	return;
}

try_queries('stale', 10, do => \&change, every => 25);
settle();
refresh_all();
try_queries('refreshed', 8);

# a session that refreshes without a pause, while files change
my $refresher = FlowLogSession->new($node);
my $rounds = $queries >= 1000 ? 60 : 10;
$refresher->send_sql(join("\n", map { "CALL flowlog_index_refresh('$_');" } (qw(flow texts domains settled bucket ignored nulled parts)) x $rounds));
try_queries('being refreshed', 15, do => \&change, every => 30);
outcome($node, 'SELECT pg_cancel_backend(' . $refresher->pid . ')');
$refresher->finish;
unlike($refresher->error =~ s/ERROR:  57014.*//sr, qr/ERROR|WARNING/, 'and the refreshes raise no error');
settle();
refresh_all();

# tables that are altered, and not refreshed
my @alterations = (
	[ 'OPTIONS (ADD "null" \'10.0.1.1\')', 'OPTIONS (DROP "null")' ], [ 'OPTIONS (ADD null_off \'true\')', 'OPTIONS (DROP null_off)' ], [ 'ALTER interface_id OPTIONS (ADD "null" \'eni-3\')', 'ALTER interface_id OPTIONS (DROP "null")' ],
	[ 'ALTER srcaddr OPTIONS (ADD field \'dstaddr\'), ALTER dstaddr OPTIONS (ADD field \'srcaddr\')', 'ALTER srcaddr OPTIONS (DROP field), ALTER dstaddr OPTIONS (DROP field)' ],
	[ 'RENAME srcaddr TO x; ALTER FOREIGN TABLE %s RENAME dstaddr TO srcaddr; ALTER FOREIGN TABLE %s RENAME x TO dstaddr', 'RENAME srcaddr TO x; ALTER FOREIGN TABLE %s RENAME dstaddr TO srcaddr; ALTER FOREIGN TABLE %s RENAME x TO dstaddr' ],
	[ 'OPTIONS (ADD on_error \'ignore\'), ALTER dstport TYPE smallint', 'OPTIONS (DROP on_error), ALTER dstport TYPE int' ], [ 'OPTIONS (ADD header \'match\')', 'OPTIONS (DROP header)' ]);
foreach my $alteration (@alterations)
{
	my ($forth, $back) = map { "ALTER FOREIGN TABLE flow $_" =~ s/%s/flow/gr } @$alteration;

	outcome($node, $forth) eq '' or die "could not alter: $forth";
	$pruned{altered} = 0;
	# null_off and others make errors of values that were NULL, which an index of other entries must not hide either
	try_queries('altered', 1, tables => [ [ 'flow', 0 ] ], prunes => 0);
	is($pruned{altered}, 0, "entries say nothing after $forth");
	if ($forth =~ /field|RENAME/)
	{
		refresh('flow');
		try_queries('altered, and refreshed', 1, tables => [ [ 'flow', 0 ] ]);
	}
	outcome($node, $back) eq '' or die "could not alter: $back";
}
refresh_all();

# a snapshot that is older than the entries
my $repeatable = FlowLogSession->new($node);
$repeatable->safe_query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM wanted');
foreach my $round (1 .. 3)
{
	change() foreach 1 .. 5;
	settle();
	refresh_all();
	outcome($node, 'VACUUM flowlog_index_files, flowlog_index_blocks, flowlog_index_batches');
	# its list of settled files is the old one, too, and reading others by it is an error
	try_queries("REPEATABLE READ, round $round", 2, session => $repeatable, keep => 1, prunes => $round == 1, tables => [ grep { $_->[0] ne 'settled' } @tables ]);
}
$repeatable->quit;

# a cursor that was opened before
my $cursor = FlowLogSession->new($node);
foreach my $condition (q{srcaddr << '10.0.0.0/16'}, q{interface_id = 'eni-3' OR dstport = 22})
{
	my $all = outcome($node, "SET flowlog_fdw.enable_index = off; SELECT start, srcaddr FROM flow WHERE $condition");
	my $first = $cursor->safe_query("BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT start, srcaddr FROM flow WHERE $condition; FETCH 1 FROM c");

	refresh('flow');
	outcome($node, q{SELECT flowlog_index_drop('flow')});
	is(join("\n", grep { $_ ne '' } $first, $cursor->safe_query('FETCH ALL FROM c')), $all, 'a cursor goes on when the index is dropped');
	$cursor->safe_query('ROLLBACK');
	outcome($node, "SELECT flowlog_index_create('flow', ARRAY[$indexed, 'bytes'])");
	refresh('flow');
}
$cursor->quit;

# ---------- standby, dump ----------

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('index_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
refresh_all();
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
try_queries('standby', 6, node => $standby);
like(outcome($standby, q{CALL flowlog_index_refresh('flow')}), qr/ERROR:  25006: /, 'a standby cannot refresh');
like(outcome($standby, q{SELECT flowlog_index_create('bare')}), qr/ERROR:  25006: /, 'nor create');
like(outcome($standby, q{SELECT flowlog_index_drop('flow')}), qr/ERROR:  25006: /, 'nor drop');
is(outcome($standby, 'SELECT count(*) FROM flowlog_indexes'), 9, 'it shows the indexes');
change() foreach 1 .. 5;
try_queries('standby, stale', 3, node => $standby);
$standby->stop;

$node->safe_psql('postgres', q{CREATE FOREIGN TABLE dropped (srcaddr inet) SERVER logs OPTIONS (location '/'); SELECT flowlog_index_create('dropped'); DROP FOREIGN TABLE dropped});
my $dump = "$root/dump.sql";
command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'it can be dumped');
outcome($node, 'CREATE DATABASE restored');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ], 'and restored');
is($node->safe_psql('restored', 'SELECT count(*), sum(files), min(cardinality(columns)) FROM flowlog_indexes'), '9|0|7', 'with the definitions, and no entries');
is($node->safe_psql('restored', 'SELECT count(*) FROM flowlog_index_definitions'), 9, 'but for tables that were dropped');
try_queries('restored', 1, dbname => 'restored', prunes => 0);
is($pruned{restored} // 0, 0, 'which spare nothing');
settle();
$node->safe_psql('restored', "CALL flowlog_index_refresh('$_')") foreach qw(flow texts domains settled bucket ignored nulled parts);
is($node->safe_psql('restored', 'SELECT sum(files_not_covered) FROM flowlog_indexes'), 0, 'until they are refreshed');
try_queries('restored, and refreshed', 3, dbname => 'restored');
is($node->safe_psql('restored', q{CREATE FOREIGN TABLE another (srcaddr inet) SERVER logs OPTIONS (location '/'); SELECT flowlog_index_create('another'); SELECT count(DISTINCT number) FROM flowlog_index_definitions}), "\n10", 'a new one has a number of its own');

foreach my $what (sort keys %pruned)
{
	note("$what: $pruned{$what} files pruned");
}

# ---------- who may see ----------

settle();
refresh_all();
$node->safe_psql('postgres', q{
	CREATE ROLE owner; CREATE ROLE reader; CREATE ROLE maintainer;
	GRANT SELECT ON wanted TO reader;
});
$node->safe_psql('postgres', q{ALTER FOREIGN TABLE part_a OWNER TO owner; ALTER FOREIGN TABLE part_b OWNER TO owner; ALTER TABLE parts OWNER TO owner; GRANT SELECT ON parts TO reader; ALTER TABLE parts ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON parts TO reader USING (action = 'ACCEPT')});
foreach my $explain ('EXPLAIN', 'EXPLAIN (ANALYZE, TIMING OFF)')
{
	my @plans = map { outcome($node, "SET ROLE reader; $explain SELECT count(*) FROM parts WHERE srcaddr = '$_'") =~ s/$_|rows=\d+|\d+\.\d+//gr } '10.0.3.1', '172.16.9.9';

	unlike($plans[0] . $plans[1], qr/ERROR|Pruned by Index: [1-9]/, "$explain does not tell under a policy where an address is");
}
is(outcome($node, q{SET ROLE reader; SELECT count(*) FROM flowlog_indexes}), 0, 'nor are indexes shown to whom tables are not, or rows are hidden from');
is(outcome($node, q{SET ROLE owner; SELECT string_agg("table"::text, ' ' ORDER BY 1) FROM flowlog_indexes}), 'part_a part_b', 'to the owner they are');

# the owner's functions run with the owner's rights, whoever refreshes, reads or looks
$node->safe_psql('postgres', q{
	CREATE SCHEMA trap AUTHORIZATION owner;
	GRANT USAGE ON FOREIGN SERVER logs TO owner;
	GRANT pg_read_server_files TO owner;
	SET ROLE owner;
	CREATE FUNCTION trap.sprung(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF current_user <> 'owner' THEN RAISE WARNING 'sprung: % as %', $1, current_user; END IF; RETURN true; END $$;
	CREATE FUNCTION trap.constant(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN trap.sprung($1); END $$;
	CREATE DOMAIN trap.address AS inet CHECK (trap.constant('constraint')) CHECK (VALUE IS NULL OR trap.constant('value ' || VALUE::text));
	CREATE FUNCTION trap.int4eq(int, int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN trap.sprung('operator'); END $$;
	CREATE OPERATOR trap.= (LEFTARG = int, RIGHTARG = int, FUNCTION = trap.int4eq);
	CREATE FUNCTION trap.unnest(bytea[], bytea[]) RETURNS SETOF bytea LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.sprung('unnest'); RETURN; END $$;
	CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.sprung('now'); RETURN pg_catalog.now(); END $$;
	CREATE FUNCTION trap.coalesce(bigint, int) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
	CREATE TABLE trap.flowlog_index_definitions (number int, "table" regclass);
} . "CREATE FOREIGN TABLE trap.flow (interface_id text, srcaddr trap.address) SERVER logs OPTIONS (location '$root/good');");
foreach my $sql (q{SELECT flowlog_index_create('trap.flow')}, q{CALL flowlog_index_refresh('trap.flow')}, q{CALL flowlog_index_refresh('flow')}, q{SELECT count(*) FROM flowlog_indexes})
{
	my ($status, $out, $err) = $node->psql('postgres', "SET search_path = trap, pg_catalog, public; $sql");

	is("$status $err", '0 ', "no trap of the owner's is sprung by the superuser's $sql");
}
is(outcome($node, q{SELECT files FROM flowlog_indexes WHERE "table"::text = 'trap.flow'}), int(grep { -e $_ && /good/ } keys %files), 'and it is done');

# rights
is(sqlstate(outcome($node, "SET ROLE reader; $_")), '42501', "not for all: $_")
  foreach q{CALL flowlog_index_refresh('parts')}, q{CALL flowlog_index_refresh('part_a')}, q{SELECT flowlog_index_create('part_a')}, q{SELECT flowlog_index_drop('part_a')}, q{SELECT flowlog_index_drop('parts')},
  map { "SELECT count(*) FROM flowlog_index_$_" } qw(definitions batches files blocks);
is(outcome($node, q{SET ROLE owner; CALL flowlog_index_refresh('parts')}), '', 'the owner may');
SKIP:
{
	skip 'MAINTAIN came with PostgreSQL 17', 1 if $node->pg_version < 17;
	is(outcome($node, q{GRANT MAINTAIN ON part_a TO maintainer; SET ROLE maintainer; CALL flowlog_index_refresh('part_a')}), '', 'and who may maintain');
}
is(outcome($node, q{SET ROLE owner; SELECT count(*) FROM parts WHERE srcaddr = '10.0.3.1'}), outcome($node, q{SELECT count(*) FROM flow WHERE srcaddr = '10.0.3.1'}), 'it is used without rights on its tables');

# ---------- refreshes ----------

# many values, with as little memory as there may be
my $many = make_directory("$root/many");
foreach my $n (1 .. 30)
{
	write_file(sprintf("$many/%02d.log", $n), "interface-id srcaddr dstaddr\n", map { sprintf("eni-%x 10.%d.%d.%d 172.16.%d.%d\n", $_ % 7, $n, $_ >> 8 & 255, $_ & 255, $_ >> 8 & 255, $_ & 255) } map { $_ * 3 } 1 .. 6000);
}
create_table($node, 'many', $many, regex => undef, columns => 'interface_id text, srcaddr inet, dstaddr inet');
$node->safe_psql('postgres', q{SELECT flowlog_index_create('many')});
settle();
my $session = FlowLogSession->new($node);
$session->safe_query('SET maintenance_work_mem = 1024');
is($session->query(q{CALL flowlog_index_refresh('many')}) . $session->error, '', 'many values, in little memory');
is(outcome($node, q{SELECT files, files_not_covered FROM flowlog_indexes WHERE "table" = 'many'::regclass}), '30|0', 'all files are covered');
is(outcome($node, q{SELECT count(*) FROM many WHERE srcaddr IN ('10.3.0.9', '10.4.70.77', '10.29.0.3')}), outcome($node, q{SET flowlog_fdw.enable_index = off; SELECT count(*) FROM many WHERE srcaddr IN ('10.3.0.9', '10.4.70.77', '10.29.0.3')}), 'and found');
like(outcome($node, q{EXPLAIN SELECT * FROM many WHERE srcaddr = '10.7.0.9'}), qr/Files Pruned by Index: 29\n/, 'in their files alone');
like(outcome($node, q{EXPLAIN SELECT * FROM many WHERE srcaddr << '10.7.0.0/16'}), qr/Files Pruned by Index: 29\n/, 'as are networks');
like(outcome($node, q{EXPLAIN SELECT * FROM many WHERE dstaddr = '172.16.0.9'}), qr/Files Pruned by Index: 0\n/, 'or in all of them');

# in parallel plans, too, in which the limit of bytes is one of the files that are left
$node->safe_psql('postgres', q{CREATE TABLE few AS SELECT a::inet FROM unnest('{10.3.0.9,10.3.0.12,10.4.70.77,10.29.0.3}'::text[]) a; ANALYZE few});
my $few = q{SELECT srcaddr, dstaddr FROM many WHERE srcaddr IN (SELECT a FROM few) ORDER BY srcaddr};
my ($left) = try_sets('many', $few, 27) =~ /Bytes: (\d+)/;
like(outcome($node, q{EXPLAIN SELECT FROM many JOIN few ON a = srcaddr WHERE host(dstaddr) = '172.16.0.9'}), qr/Runtime Set/, 'the planner knows that they are worth it');
like(outcome($node, "SET max_parallel_workers_per_gather = 3; SET flowlog_fdw.max_scan_bytes = $left; $few"), qr/^10\.3\.0\.9/, 'so many bytes may be read');
is(sqlstate(outcome($node, "SET max_parallel_workers_per_gather = 3; SET flowlog_fdw.max_scan_bytes = @{[ $left - 1 ]}; $few")), '53400', 'and not one less');

# a file whose values do not fit keeps no other from being indexed
write_file("$many/00.log", "interface-id srcaddr dstaddr\n", map { sprintf("eni-%x 11.%d.%d.%d 172.17.%d.%d\n", $_ % 7, $_ >> 16, $_ >> 8 & 255, $_ & 255, $_ >> 8 & 255, $_ & 255) } map { $_ * 5 } 1 .. 100_000);
write_file("$many/31.log", "interface-id srcaddr dstaddr\neni-1 10.31.0.1 10.31.0.2\n");
settle();
$session->query(q{CALL flowlog_index_refresh('many')});
like($session->error, qr/WARNING: .*1 files? of foreign table "many"/s, 'of a file with too many values there is a WARNING');
unlike($session->error, qr/ERROR/, 'and no error');
is(outcome($node, q{SELECT files, files_not_covered FROM flowlog_indexes WHERE "table" = 'many'::regclass}), '31|1', 'others are indexed');
is(outcome($node, q{SELECT count(*) FROM many WHERE srcaddr = '11.0.0.5'}), 1, 'it is read always');
unlink("$many/00.log", "$many/31.log");
$session->safe_query(q{CALL flowlog_index_refresh('many')});

# many small refreshes: batches are merged, and nothing is lost
my $grown = make_directory("$root/grown");
create_table($node, 'grown', $grown, regex => undef, columns => 'interface_id text, srcaddr inet, dstaddr inet');
$node->safe_psql('postgres', q{SELECT flowlog_index_create('grown')});
my $wrong = 0;
my @kept;
write_file("$grown/$_.log", "interface-id srcaddr dstaddr\n", map { "eni-$_ 10.0.0.$_ 10.0.1.$_\n" } $_ .. $_ + 3) foreach 1 .. 60;
rename("$grown/$_.log", "$grown/_$_.log") foreach 1 .. 60; # hidden until it is their turn
settle();
foreach my $n (1 .. 60)
{
	# the file is old, its name is not
	symlink("_$n.log", "$grown/$n.log") or die "could not link: $!";
	unlink("$grown/" . shift(@kept) . '.log') if $n % 4 == 0;
	push @kept, $n;
	next if $n % 2 == 0;
	$session->safe_query(q{CALL flowlog_index_refresh('grown')});
	my $sought = 1 + int(rand(60));
	my $condition = "srcaddr = '10.0.0.$sought' OR dstaddr = '10.0.1.$sought'";
	my ($ours, $theirs) = map { $session->safe_query("SET flowlog_fdw.enable_index = $_; SELECT string_agg(interface_id, ',' ORDER BY interface_id) FROM grown WHERE $condition") } 'on', 'off';
	$wrong++ if $ours ne $theirs;
}
is($wrong, 0, 'after each of many small refreshes the answers are the same');
$session->safe_query('SET flowlog_fdw.enable_index = on');
cmp_ok($node->safe_psql('postgres', q{SELECT max(level) FROM flowlog_index_batches JOIN flowlog_index_definitions d USING (number) WHERE d."table" = 'grown'::regclass}), '>', 0, 'batches were merged');
is( $node->safe_psql('postgres', q{SELECT count(*) - count(DISTINCT f.file), count(*) FILTER (WHERE b.batch IS NULL) FROM flowlog_index_files f JOIN flowlog_index_definitions d USING (number)
	LEFT JOIN flowlog_index_batches b ON b.number = f.number AND f.file BETWEEN first_file AND last_file WHERE d."table" = 'grown'::regclass}), '0|0', 'each file is in one batch');
is($node->safe_psql('postgres', q{SELECT count(*) FROM flowlog_index_blocks b WHERE NOT EXISTS (SELECT FROM flowlog_index_batches USING (batch))} =~ s/USING \(batch\)/a WHERE a.batch = b.batch/r), 0, 'no block is left over');

# files that go one by one, as old logs do: what the index has of them goes, too
my $shrunk = make_directory("$root/shrunk");
create_table($node, 'shrunk', $shrunk, regex => undef, columns => 'interface_id text, srcaddr inet');
$node->safe_psql('postgres', q{SELECT flowlog_index_create('shrunk')});
foreach my $n (1 .. 16)
{
	write_file(sprintf("$shrunk/%02d.log", $n), "interface-id srcaddr\n", map { "eni-$n 10.$n.0.$_\n" } 1 .. 200);
}
settle();
$session->safe_query(q{CALL flowlog_index_refresh('shrunk')});
my $sizes = q{SELECT count(*), coalesce(sum(b.bytes), 0), coalesce(sum("values"), 0) FROM flowlog_index_batches b JOIN flowlog_index_definitions d USING (number) WHERE d."table" = 'shrunk'::regclass};
my ($batches, $bytes, $values) = split(/\|/, $node->safe_psql('postgres', $sizes));
is("$batches $values", '1 ' . 16 * 201, 'sixteen files are one batch');
foreach my $n (1, 2, 16, 3, 5, 4, 6 .. 14)
{
	unlink(sprintf("$shrunk/%02d.log", $n));
	$session->safe_query(q{CALL flowlog_index_refresh('shrunk')});
	my $left = () = glob("$shrunk/*");
	my ($batches, $now, $values) = split(/\|/, $node->safe_psql('postgres', $sizes));
	cmp_ok($values, '<=', 201 * ($left > 8 ? 16 : 2 * $left), "of $left files it has $values values") if $left != 8;
	is(outcome($node, q{SELECT count(*) FROM shrunk WHERE srcaddr <= '10.14.0.200'}), outcome($node, q{SET flowlog_fdw.enable_index = off; SELECT count(*) FROM shrunk WHERE srcaddr <= '10.14.0.200'}), 'and answers by them');
	like(outcome($node, q{EXPLAIN SELECT * FROM shrunk WHERE srcaddr = '10.15.0.3'}), qr/Pruned by Index: @{[ $left - 1 ]}\n.*Not Indexed: 0\n/s, 'all of them');
}
write_file("$shrunk/17.log", "interface-id srcaddr\neni-17 10.17.0.1\n");
unlink("$shrunk/15.log");
settle();
$session->safe_query(q{CALL flowlog_index_refresh('shrunk')});
is((split(/\|/, $node->safe_psql('postgres', $sizes)))[2], 2, 'nothing is left of files that are gone');

# cancels: what was committed stays, the next refresh goes on
$s3->set(latency => 100);
outcome($node, q{SELECT flowlog_index_drop('bucket'); SELECT flowlog_index_create('bucket')});
my ($cancelled, $done) = (0, 0);
foreach my $wait (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144)
{
	$session->send_sql(q{CALL flowlog_index_refresh('bucket')});
	sleep($wait / 300);
	outcome($node, 'SELECT pg_cancel_backend(' . $session->pid . ')');
	$session->finish;
	$cancelled++ if $session->error =~ /57014/;
	fail("a cancel raises $1") if $session->error =~ /((?:ERROR|FATAL|WARNING):  (?!57014).*)/;
	my ($ours, $theirs) = map { outcome($node, "SET flowlog_fdw.enable_index = $_; SELECT count(*), sum(dstport) FROM bucket WHERE srcaddr = '10.0.3.1' OR dstaddr = '10.0.5.1'") } 'on', 'off';
	fail("after a cancel at $wait it is $ours, not $theirs") if $ours ne $theirs;
	next if $session->error ne '';
	$done++;
	outcome($node, q{SELECT flowlog_index_drop('bucket'); SELECT flowlog_index_create('bucket')});
}
$s3->set(latency => 0);
cmp_ok($cancelled, '>', 3, "refreshes were cancelled: $cancelled, and $done not");
is($session->query(q{CALL flowlog_index_refresh('bucket')}) . $session->error, '', 'the next refresh goes on');
is(outcome($node, q{SELECT files_not_covered FROM flowlog_indexes WHERE "table" = 'bucket'::regclass}), 0, 'and completes');
is(outcome($node, q{SELECT count(*) FROM pg_locks WHERE relation = 'bucket'::regclass AND pid <> pg_backend_pid()}), 0, 'no lock is left');

# two at once: the second waits, and finds nothing to do
my $second = FlowLogSession->new($node);
outcome($node, q{SELECT flowlog_index_drop('bucket'); SELECT flowlog_index_create('bucket')});
$s3->set(latency => 300);
$s3->reset_counters;
$session->send_sql(q{CALL flowlog_index_refresh('bucket')});
$s3->wait_for_requests('LIST', 1);
$second->send_sql(q{CALL flowlog_index_refresh('bucket')});
ok($node->poll_query_until('postgres', 'SELECT wait_event_type = \'Lock\' FROM pg_stat_activity WHERE pid = ' . $second->pid), 'a second refresh waits for the first');
like(outcome($node, q{EXPLAIN SELECT * FROM flow WHERE srcaddr = '10.0.3.1'}), qr/Pruned by Index/, 'while queries do not wait');
$s3->set(latency => 0);
$session->finish;
is($session->error, '', 'the first has no error');
$second->finish;
is($second->error, '', 'nor has the second');
is($node->safe_psql('postgres', q{SELECT count(*), count(DISTINCT file), max(file) FROM flowlog_index_files JOIN flowlog_index_definitions d USING (number) WHERE d."table" = 'bucket'::regclass}) =~ /^(\d+)\|(\d+)\|/ && $1 == $2 ? 'once' : 'twice', 'once', 'each file is there once');

# an index that is dropped while it is refreshed leaves nothing
$s3->set(latency => 300);
outcome($node, q{SELECT flowlog_index_drop('bucket'); SELECT flowlog_index_create('bucket')});
$s3->reset_counters;
$session->send_sql(q{CALL flowlog_index_refresh('bucket')});
$s3->wait_for_requests('LIST', 1);
$second->send_sql(q{SELECT flowlog_index_drop('bucket')});
$s3->set(latency => 0);
$session->finish;
$second->finish;
is($session->error . $second->error, '', 'an index can be dropped while it is refreshed');
outcome($node, q{CALL flowlog_index_refresh('flow')});
is($node->safe_psql('postgres', join(' UNION ALL ', map { "SELECT number FROM flowlog_index_$_ WHERE number NOT IN (SELECT number FROM flowlog_index_definitions)" } qw(blocks files batches))), '', 'and leaves no entries');

# a table that is dropped
my $number = $node->safe_psql('postgres', q{SELECT number FROM flowlog_index_definitions WHERE "table" = 'grown'::regclass});
outcome($node, 'DROP FOREIGN TABLE grown');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM flowlog_index_blocks WHERE number = $number"), '>', 0, 'a dropped table leaves its entries');
unlike(outcome($node, 'SELECT * FROM flowlog_indexes'), qr/ERROR/, 'which nobody sees');
$session->safe_query(q{CALL flowlog_index_refresh('many')});
is($node->safe_psql('postgres', join(' + ', map { "(SELECT count(*) FROM flowlog_index_$_ WHERE number = $number)" } qw(definitions blocks files batches)) =~ s/^/SELECT /r), 0, 'until another table is refreshed');
$_->quit foreach $session, $second;

# ---------- the extension ----------

outcome($node, 'CREATE SCHEMA elsewhere; ALTER EXTENSION flowlog_fdw SET SCHEMA elsewhere');
like(outcome($node, q{EXPLAIN SELECT * FROM many WHERE srcaddr = '10.7.0.9'}), qr/Files Pruned by Index: 29\n/, 'in another schema the index is found');
is(outcome($node, q{CALL elsewhere.flowlog_index_refresh('many')}), '', 'and refreshed');
is(outcome($node, 'DROP EXTENSION flowlog_fdw CASCADE'), '', 'the extension can be dropped');
is(outcome($node, q{SELECT count(*) FROM pg_class WHERE relname LIKE 'flowlog%' AND relnamespace <> 'trap'::regnamespace}), 0, 'with all that it has');

check_log($node);
check_log($standby);

done_testing();
