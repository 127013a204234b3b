# Whatever PostgreSQL's parser lets through, planning a query on flow logs neither crashes nor raises an error that
# PostgreSQL alone would not raise; and what it finds is the same, pushed or not.
#
# The queries are random ones (FlowLogQuery.pm): every function and operator whose arguments can be columns, under casts,
# collations, domains, arrays, rows, subqueries, parameters, in conditions, joins and aggregates.  All of them are
# planned and shown, some also run.  FLOWLOG_QUERIES says how many, FLOWLOG_SEED makes others.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogQuery;
use FlowLogSession;

my $seed = $ENV{FLOWLOG_SEED} // 20260130;
my $queries = $ENV{FLOWLOG_QUERIES} // 2000;
my $run_every = 3; # of these
my $batch = 50;
my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('planner', conf => q{
	jit = off
	fsync = off
	timezone = 'UTC'
	statement_timeout = '5s'
	track_activity_query_size = 100kB
	restart_after_crash = on
	log_statement = none
	max_worker_processes = 8
	max_parallel_workers = 8
	enable_partitionwise_join = on
	enable_partitionwise_aggregate = on
});

# ---------- tables ----------

# Fields in this order; a date and a name come from the path.
my @fields = (
	[ 'n', 'int4' ], [ 'c_int2', 'int2' ], [ 'c_int4', 'int4' ], [ 'c_int8', 'int8' ], [ 'c_numeric', 'numeric' ], [ 'c_float4', 'float4' ], [ 'c_float8', 'float8' ], [ 'c_bool', 'bool' ],
	[ 'c_text', 'text' ], [ 'c_varchar', 'varchar' ], [ 'c_bpchar', 'bpchar' ], [ 'c_inet', 'inet' ], [ 'c_cidr', 'cidr' ], [ 'c_timestamptz', 'timestamptz' ], [ 'c_timestamp', 'timestamp' ], [ 'c_date', 'date' ],
	[ 'c_port', 'port' ], [ 'c_far_port', 'far_port' ], [ 'c_word', 'word' ], [ 'c_ports', 'ports' ], [ 'c_array', 'int4[]' ], [ 'c_pair', 'pair' ], [ 'c_uuid', 'uuid' ], [ 'c_jsonb', 'jsonb' ], [ 'c_interval', 'interval' ],
	[ 'c_time', 'time' ], [ 'c_name', 'name' ], [ 'c_char', '"char"' ], [ 'c_oid', 'oid' ]);
my %modified = (c_varchar => 'varchar(40)', c_bpchar => 'char(8)', c_numeric => 'numeric(20,4)');
my @path = ([ 'dir', 'text' ], [ 'day', 'date' ], [ '"$path"', 'text' ], [ '"$size"', 'int8' ], [ '"$modified"', 'timestamptz' ], [ '"$line"', 'int8' ]);
my $definition = join(', ', map { "$_->[0] " . ($modified{ $_->[0] } // $_->[1]) } @fields, @path);

sub record
{
	my ($n) = @_;
	my $port = (443, 80, 22, 60, 0)[ $n % 5 ];

	return join(';', $n, $n % 7 - 1, $port, $n * 1000003 % 5000, "$n.5", "$n.25", "$n.125", $n % 2 ? 't' : 'f',
		(map { ('ACCEPT', 'REJECT', 'a', 'b', "w$n")[ $n % 5 ] } 1 .. 3), "10.$n.0.1", '10.0.0.0/' . (8 + $n % 8), 1769731200 + 3600 * $n, 1769731200 + 86400 * $n, 1769731200 + 43200 * $n,
		$port, $port, 'ACCEPT', "{$n,443}", '{1,2}', "($n;a)" =~ s/;/,/r, sprintf('%08d-0000-0000-0000-000000000001', $n), "{\"a\": $n}", "$n days", '12:00:00', "w$n", 'a', $n) . "\n";
}

foreach my $dir ('a', 'b')
{
	foreach my $day (1, 2)
	{
		my $first = ($dir eq 'a' ? 0 : 20) + 10 * $day;
		my $nulls = join(';', $first + 9, ('-') x (@fields - 1)) . "\n";

		make_directory("$logs/$dir/2026/01/0$day");
		write_file("$logs/$dir/2026/01/0$day/flow.log", map({ record($_) } $first .. $first + 8), $nulls);
	}
}
# the same files once more, those of a name in a place of their own
foreach my $dir ('a', 'b')
{
	make_directory("$logs-$dir");
	symlink("$logs/$dir", "$logs-$dir/$dir") or die "could not link in \"$logs-$dir\": $!";
}

my $below = '${dir}/${day:yyyy/MM/dd}/*.log';
my $options = "regex '" . join(';', ('([^;]*)') x @fields) . "', log_verbosity 'silent'";
$node->safe_psql('postgres', qq{
	CREATE DOMAIN port AS int CHECK (VALUE >= 0);
	CREATE DOMAIN far_port AS port CHECK (VALUE < 100000);
	CREATE DOMAIN word AS text COLLATE "C" CHECK (VALUE <> 'none');
	CREATE DOMAIN ports AS int[] CHECK (cardinality(VALUE) < 100);
	CREATE TYPE pair AS (a int, b text);
	CREATE FOREIGN TABLE flow ($definition) SERVER logs OPTIONS (location '$logs/$below', $options);
	CREATE FOREIGN TABLE nulls ($definition) SERVER logs OPTIONS (location '$logs/$below', on_error 'set_null', name_time_slack '1 day', $options);
	CREATE TABLE part ($definition) PARTITION BY LIST (dir);
	CREATE FOREIGN TABLE part_a PARTITION OF part FOR VALUES IN ('a') SERVER logs OPTIONS (location '$logs-a/$below', $options);
	CREATE FOREIGN TABLE part_b PARTITION OF part FOR VALUES IN ('b') SERVER logs OPTIONS (location '$logs-b/$below', $options);
	CREATE VIEW hidden WITH (security_barrier) AS SELECT * FROM flow WHERE c_int4 > 22 OR c_text IS NULL;
	CREATE TABLE other AS SELECT * FROM flow WHERE n % 8 = 0 OR c_text IS NULL;
	ALTER TABLE other ADD UNIQUE (n);
	ANALYZE other;
});
is($node->safe_psql('postgres', "SELECT (SELECT count(*) FROM $_), (SELECT count(*) FROM part), (SELECT count(*) FROM other)"), '40|40|9', "$_: there are records")
	foreach 'flow', 'nulls';

# ---------- what comes of a query ----------

$node->safe_psql('postgres', q{
	-- the error of a statement, or nothing
	CREATE FUNCTION error_of(pushed boolean, query text, OUT state text, OUT message text) LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM set_config('flowlog_fdw.enable_pushdown', pushed::text, true), set_config('flowlog_fdw.enable_aggregate_pushdown', pushed::text, true);
		EXECUTE query;
	EXCEPTION WHEN OTHERS THEN
		state := SQLSTATE;
		message := SQLERRM;
	END $$;

	CREATE FUNCTION rows_of(pushed boolean, query text, OUT answer text[], OUT state text, OUT message text) LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM set_config('flowlog_fdw.enable_pushdown', pushed::text, true), set_config('flowlog_fdw.enable_aggregate_pushdown', pushed::text, true);
		EXECUTE query INTO answer;
	EXCEPTION WHEN OTHERS THEN
		state := SQLSTATE;
		message := SQLERRM;
	END $$;

	-- errors of a planner that has lost its way; PostgreSQL's own functions raise others of this class
	CREATE FUNCTION is_wrong(state text, message text) RETURNS boolean LANGUAGE sql AS $$
		SELECT state ~ '^XX' AND message ~ 'found|node|lookup|target|unexpected|understood|varno'
	$$;

	-- a query as it is, or as it is prepared for parameters of some types; in short, what came of it
	CREATE FUNCTION show(query text, types text DEFAULT '', parameters text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		prepare text := format('PREPARE q(%s) AS %s', types, query);
		shown text := 'EXPLAIN ' || CASE types WHEN '' THEN query ELSE format('EXECUTE q(%s)', parameters) END;
		pushed record;
		plain record;
	BEGIN
		DEALLOCATE ALL;
		SELECT * FROM error_of(true, CASE types WHEN '' THEN 'SELECT' ELSE prepare END) INTO pushed;
		IF pushed.state IS NULL THEN
			SELECT * FROM error_of(true, shown) INTO pushed;
		END IF;
		IF pushed.state IS NULL THEN
			RETURN 'planned';
		END IF;
		DEALLOCATE ALL;
		SELECT * FROM error_of(false, CASE types WHEN '' THEN 'SELECT' ELSE prepare END) INTO plain;
		IF plain.state IS NULL THEN
			SELECT * FROM error_of(false, shown) INTO plain;
		END IF;
		RETURN CASE WHEN plain.state IS DISTINCT FROM pushed.state OR is_wrong(pushed.state, pushed.message)
			THEN format('WRONG: EXPLAIN %s %s, without pushdown %s %s', pushed.state, pushed.message, plain.state, plain.message)
			ELSE 'invalid ' || pushed.state END;
	END $$;

	CREATE FUNCTION run(query text, alone boolean, types text DEFAULT '', parameters text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		pushed record;
		plain record;
		list text := format('SELECT array_agg(r ORDER BY r COLLATE "C") FROM (SELECT q::text AS r FROM (%s) q) r', query);
		prepare text := format('PREPARE q(%s) AS %s', types, list);
		statement text := CASE types WHEN '' THEN list ELSE format('EXECUTE q(%s)', parameters) END;
	BEGIN
		DEALLOCATE ALL;
		SELECT * FROM error_of(true, CASE types WHEN '' THEN 'SELECT' ELSE prepare END) INTO pushed;
		IF pushed.state IS NOT NULL THEN
			RETURN 'invalid ' || pushed.state;
		END IF;
		SELECT * FROM rows_of(true, statement) INTO pushed;
		DEALLOCATE ALL;
		PERFORM error_of(false, CASE types WHEN '' THEN 'SELECT' ELSE prepare END);
		SELECT * FROM rows_of(false, statement) INTO plain;
		IF pushed.state IS NOT DISTINCT FROM plain.state THEN
			RETURN CASE WHEN is_wrong(pushed.state, pushed.message) THEN format('WRONG: %s %s', pushed.state, pushed.message)
				WHEN pushed.state IS NOT NULL THEN 'raised ' || pushed.state
				WHEN pushed.answer IS DISTINCT FROM plain.answer THEN format('WRONG: %s, not %s', pushed.answer, plain.answer)
				WHEN cardinality(pushed.answer) > 0 THEN 'found' ELSE 'empty' END;
		END IF;

		-- of several conditions, the one that is evaluated first may spare another its error
		RETURN CASE WHEN alone OR concat(pushed.state, plain.state) ~ 'XX|^(53|54001|57)'
			THEN format('WRONG: %s %s, without pushdown %s %s', pushed.state, pushed.message, plain.state, plain.message)
			ELSE format('apart %s, %s', pushed.state, plain.state) END;
	END $$;
});

# ---------- the queries ----------

my %columns = map { $_ => [ @fields, @path ] } 'flow', 'nulls', 'part', 'hidden', 'other';
my @collations = $node->psql('postgres', q{CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)}) == 0 ? 'any_case' : ();
my $generator = FlowLogQuery->new($node, $seed, \%columns, @collations);
my @signatures = $generator->signatures;
my %outcomes;
my @wrong;
my $session;

cmp_ok(scalar(@signatures), '>', 1000, 'there are functions and operators: ' . @signatures);

# As a call of a function above.
sub statement
{
	my ($number, $query, $function) = @_;
	my ($text, $compares, $alone, $types, $parameters) = @$query;
	my $rest = defined $types ? ', $q$' . $types . '$q$, $q$' . $parameters . '$q$' : '';

	$function = 'show' if !$compares;
	return "SELECT 'query $number', $function(\$q\$$text\$q\$" . ($function eq 'run' ? ', ' . ($alone ? 'true' : 'false') : '') . "$rest)";
}

sub new_session
{
	my $new;

	$node->poll_query_until('postgres', 'SELECT true');
	$new = FlowLogSession->new($node);
	$new->safe_query('SET plan_cache_mode = force_generic_plan');
	return $new;
}

# Asks some statements at once: what they printed, and their errors; nothing if the server did not survive them.
sub ask
{
	my (@statements) = @_;
	my ($out, $error, $alive);

	$session //= new_session();
	eval {
		$out = $session->query(join(";\n", @statements));
		$error = $session->error;
		$alive = $session->query("SELECT 'alive'");
	};
	return ($out, $error) if defined $alive && $alive eq 'alive';
	undef $session;
	return;
}

# Notes what came of some statements, by their number.
sub note_outcomes
{
	my ($statements, $out, $error) = @_;
	my %left = %$statements;
	my @canceled = $error =~ /ERROR:  57014/g;

	while ($out =~ /^query (\d+)\|(.*)$/mg)
	{
		my ($number, $outcome) = ($1, $2);

		delete $left{$number};
		$outcomes{ $outcome =~ /^(\w+)/ ? $1 : '' }++;
		push @wrong, "$outcome: $statements->{$number}" if $outcome =~ /^WRONG/;
	}
	$outcomes{canceled} += @canceled;
	push @wrong, map { "no answer: $left{$_} $error" } sort { $a <=> $b } keys %left if keys %left > @canceled;
	return;
}

sub ask_all
{
	my ($statements) = @_;
	my @numbers = sort { $a <=> $b } keys %$statements;
	my @answer = ask(map { $statements->{$_} } @numbers);

	return note_outcomes($statements, @answer) if @answer;
	foreach my $number (@numbers)
	{
		@answer = ask($statements->{$number});
		if (@answer)
		{
			note_outcomes({ $number => $statements->{$number} }, @answer);
		}
		else
		{
			push @wrong, "the connection was lost: $statements->{$number}";
		}
	}
	return;
}

# Some with workers, which cost nothing; some with all paths, some without those that PostgreSQL likes best.
my @modes = (
	'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2',
	'RESET ALL', 'SET enable_hashagg = off; SET enable_hashjoin = off; SET enable_mergejoin = off', 'RESET ALL; SET plan_cache_mode = force_generic_plan', 'SET enable_nestloop = off; SET enable_sort = off');

my %statements;
foreach my $number (1 .. $queries)
{
	# each signature in its turn, and queries that are random altogether
	my $signature = $number % 3 == 0 ? undef : $signatures[ ($number - int($number / 3)) * 7919 % @signatures ];
	my $query = $number % 4 == 0 ? $generator->prepared_query($signature) : $generator->query($signature);

	$statements{$number} = statement($number, $query, $number % $run_every == 0 ? 'run' : 'show');
	next if keys %statements < $batch && $number < $queries;
	ask($modes[ $number / $batch % @modes ]);
	ask_all(\%statements);
	%statements = ();
	last if @wrong > 20;
}

diag(length > 4000 ? substr($_, 0, 1500) . " ... " . substr($_, -2400) : $_) foreach @wrong;
is(scalar(@wrong), 0, "$queries queries with seed $seed: the server survives them, and they are what they are without pushdown");
diag(join(', ', map { "$_ $outcomes{$_}" } sort keys %outcomes));
cmp_ok($outcomes{planned} // 0, '>', $queries / 4, 'most can be planned');
cmp_ok($outcomes{found} // 0, '>', $queries / 50, 'and some find rows');

$session->quit if defined $session;
check_log($node);
$node->stop;
done_testing();
