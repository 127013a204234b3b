# A query over logs in Parquet, or in a mixture of text, gz and Parquet, gives what it gives over the same logs as text:
# pushed or not, with row groups left out or not, by one process or several, whatever "on_error" says.
#
# The logs are random ones, in all types, encodings, codecs and sizes of pages and row groups that have their values
# (test/support/parquet/make_random); the queries are, too (FlowLogQuery.pm), and so are comparisons with values that
# are there, by which row groups can be left out.  Every second set of logs has files of
# thousands of records, more than are read at a time.  FLOWLOG_QUERIES says how many queries, FLOWLOG_SEED makes others.
#
# In the long form, other writers make the files of test/data/parquet/others anew, with more rows.  Their bytes are not
# compared: they depend on the processor.  FLOWLOG_WRITERS is the directory in which npm has installed the writers
# (scripts/test does that).

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogQuery;
use FlowLogSession;

my $make = abs_path(dirname(__FILE__) . '/../support/parquet/make_random');
my $seed = $ENV{FLOWLOG_SEED} // 20260130;
my $sets = $long ? 6 : 2;
my $queries = $ENV{FLOWLOG_QUERIES} // ($long ? 400 : 150); # for each set of logs
my $conditions = $long ? 600 : 250;
my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('parquet', conf => qq{
	$eager_workers
	jit = off
	fsync = off
	timezone = 'UTC'
	statement_timeout = '20s'
	log_statement = none
});

# ---------- tables ----------

# name, field, type, and the type of the generator's columns if that is another
my @columns = (
	[ 'n', 'packets', 'int4' ], [ 'c_int2', 'protocol', 'int2' ], [ 'c_int4', 'dstport', 'int4' ], [ 'c_int8', 'bytes', 'int8' ], [ 'c_numeric', 'x-numeric', 'numeric(20,4)', 'numeric' ],
	[ 'c_float4', 'x-float4', 'float4' ], [ 'c_float8', 'x-float8', 'float8' ], [ 'c_bool', 'x-bool', 'bool' ], [ 'c_text', 'action', 'text' ], [ 'c_varchar', 'log-status', 'varchar(40)', 'varchar' ],
	[ 'c_bpchar', 'flow-direction', 'char(8)', 'bpchar' ], [ 'c_inet', 'srcaddr', 'inet' ], [ 'c_cidr', 'x-cidr', 'cidr' ], [ 'c_timestamptz', 'start', 'timestamptz' ], [ 'c_timestamp', 'end', 'timestamp' ],
	[ 'c_date', 'x-date', 'date' ]);
my @path = ([ 'dir', 'text' ], [ 'day', 'date' ]);
my @forms = ('text', 'parquet', 'mixed');
my $definition = join(', ', (map { "$_->[0] $_->[2] OPTIONS (field '$_->[1]')" } @columns), map { "$_->[0] $_->[1]" } @path);
my $plain = join(', ', map { "$_->[0] " . ($_->[2] // $_->[1]) } @columns, @path);
my %of_generator = map { $_ => [ (map { [ $_->[0], $_->[3] // $_->[2] ] } @columns), @path ] } qw(flow nulls part hidden other);

$node->safe_psql('postgres', q{
	CREATE DOMAIN port AS int CHECK (VALUE >= 0);
	CREATE DOMAIN far_port AS port CHECK (VALUE < 100000);
	CREATE DOMAIN word AS text COLLATE "C" CHECK (VALUE <> 'none');
	CREATE DOMAIN ports AS int[] CHECK (cardinality(VALUE) < 100);
	CREATE TYPE pair AS (a int, b text);
});

# Tables of the same names in a schema for each form: "flow" stops at what does not fit, but nothing is so in its
# logs; "nulls" has NULL for it, and "part" leaves such records out.
sub create_tables
{
	my ($dir) = @_;

	$node->safe_psql('postgres', "SET client_min_messages = warning; DROP SCHEMA IF EXISTS \"$_\" CASCADE; CREATE SCHEMA \"$_\"") foreach @forms;
	foreach my $form (@forms)
	{
		my $below = "$form/\${dir}/\${day:yyyy/MM/dd}/*.log";
		my $options = "log_verbosity 'silent'";

		$node->safe_psql('postgres', qq{
			SET search_path = "$form", public;
			CREATE FOREIGN TABLE flow ($definition) SERVER logs OPTIONS (location '$dir/good/$below', $options);
			CREATE FOREIGN TABLE nulls ($definition) SERVER logs OPTIONS (location '$dir/{bad_a,bad_b}/$below', on_error 'set_null', $options);
			ALTER FOREIGN TABLE nulls ALTER n SET NOT NULL;
			CREATE TABLE part ($plain) PARTITION BY LIST (dir);
			ALTER TABLE part ALTER c_bpchar SET NOT NULL;
			CREATE FOREIGN TABLE part_a ($definition) SERVER logs OPTIONS (location '$dir/bad_a/$below', on_error 'ignore', $options);
			CREATE FOREIGN TABLE part_b ($definition) SERVER logs OPTIONS (location '$dir/bad_b/$below', on_error 'ignore', $options);
			ALTER FOREIGN TABLE part_a ALTER c_bpchar SET NOT NULL;
			ALTER FOREIGN TABLE part_b ALTER c_bpchar SET NOT NULL;
			ALTER TABLE part ATTACH PARTITION part_a FOR VALUES IN ('a');
			ALTER TABLE part ATTACH PARTITION part_b FOR VALUES IN ('b');
			CREATE VIEW hidden WITH (security_barrier) AS SELECT * FROM flow WHERE c_int4 > 22 OR c_text IS NULL;
			CREATE TABLE other AS SELECT * FROM "text".flow WHERE n % 100 = 0;
			ANALYZE other;
		});
	}
	return;
}

# ---------- what comes of a query ----------

# the ways, of which each query takes some: form, pushdown, pruning, processes, splitter and expressions
my @ways = (
	[ 'parquet', 'on', 'on', 0, 'on' ], [ 'mixed', 'on', 'on', 2, 'on' ], [ 'parquet', 'on', 'off', 0, 'on' ], [ 'parquet', 'on', 'on', 0, 'off' ], [ 'parquet', 'off', 'on', 0, 'off' ],
	[ 'parquet', 'on', 'on', 2, 'on' ], [ 'mixed', 'on', 'on', 0, 'on' ], [ 'mixed', 'off', 'off', 2, 'on' ]);

$node->safe_psql('postgres', q{
	CREATE FUNCTION rows_of(form text, pushed text, pruned text, workers int, split text, query text, OUT answer text[], OUT state text, OUT message text) LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM set_config('search_path', format('%I, public', form), true), set_config('flowlog_fdw.enable_pushdown', pushed, true), set_config('flowlog_fdw.enable_aggregate_pushdown', pushed, true), set_config('flowlog_fdw.enable_top', pushed, true),
			set_config('flowlog_fdw.enable_parquet_pruning', pruned, true), set_config('max_parallel_workers_per_gather', workers::text, true),
			set_config('flowlog_fdw.enable_splitter', split, true), set_config('flowlog_fdw.enable_expressions', split, true);
		EXECUTE format('SELECT array_agg(r ORDER BY r COLLATE "C") FROM (SELECT q::text AS r FROM (%s) q) r', query) INTO answer;
	EXCEPTION WHEN OTHERS THEN
		state := SQLSTATE;
		message := SQLERRM;
	END $$;

	-- what is found, or what is wrong with it; ways are pairs of forms and settings
	CREATE FUNCTION compare(query text, alone boolean, ways text[]) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		wanted record;
		found record;
		way text[];
		result text;
	BEGIN
		SELECT * FROM rows_of('text', 'off', 'on', 0, 'on', query) INTO wanted;
		result := CASE WHEN wanted.state IS NOT NULL THEN 'raised' WHEN cardinality(wanted.answer) > 0 THEN 'found' ELSE 'empty' END;
		FOREACH way SLICE 1 IN ARRAY ways LOOP
			SELECT * FROM rows_of(way[1], way[2], way[3], way[4]::int, way[5], query) INTO found;
			IF wanted.state IS NULL AND found.state IS NULL THEN
				IF wanted.answer IS DISTINCT FROM found.answer THEN
					RETURN format('WRONG: %s: %s more, %s missing, such as %s, not %s', way, (SELECT count(*) FROM (SELECT unnest(found.answer) EXCEPT ALL SELECT unnest(wanted.answer)) d),
						(SELECT count(*) FROM (SELECT unnest(wanted.answer) EXCEPT ALL SELECT unnest(found.answer)) d),
						(SELECT min(d) FROM (SELECT unnest(found.answer) EXCEPT ALL SELECT unnest(wanted.answer)) d (d)), (SELECT min(d) FROM (SELECT unnest(wanted.answer) EXCEPT ALL SELECT unnest(found.answer)) d (d)));
				END IF;
			ELSIF wanted.state IS NULL OR found.state IS NULL THEN
				-- of several conditions, the one that is evaluated first may spare another its error
				IF alone OR concat(wanted.state, found.state) ~ 'XX|^(53|54|57)' THEN
					RETURN format('WRONG: %s: %s %s, not %s %s', way, found.state, found.message, wanted.state, wanted.message);
				END IF;
				result := 'apart';
			END IF;
		END LOOP;
		RETURN result;
	END $$;
});

# ---------- conditions by which row groups are left out ----------

# values that are in the logs, and some beside them
my @times = map { "'2026-01-30 " . sprintf('%02d:%02d:%s', $_ / 60, $_ % 60, '00+00') . "'" } 0, 1, 7, 30, 59, 99, 100, 160, 600, 1199, 1440 - 1;
my %constants = (
	n => [ 0, 1, 6, 7, 13, 99, 100, 250, 599, 600, 5000, 5007, 7047, 12048, 14999, -1, 20000 ],
	c_int2 => [ 6, 17, 1, 443, -1, 5 ],
	c_int4 => [ 443, 80, 22, 60, 0, 1000 .. 1006, 999, 70000 ],
	c_int8 => [ 0, 443, -1, 40, 140, 1040, 59940, '9007199254740993', '-9223372036854775808', '9223372036854775807' ],
	c_text => [ map { quoted($_) } 'ACCEPT', 'REJECT', 'a', 'b', 'é', 'w3', 'w103', 'x', '' ],
	c_varchar => [ map { quoted($_) } 'OK', 'AC', 's3', 's9', '-' ],
	c_bpchar => [ map { quoted($_) } 'a', 'ingress', 'zz' ],
	c_inet => [ map { "'$_'" } '10.0.0.1', '10.0.2.3', '10.0.0.0/8', '::1', '2001:db8::1', '10.0.1.0/24' ],
	c_cidr => [ map { "'$_'" } '10.0.0.0/8', '10.3.0.0/16', '::/0' ],
	c_timestamptz => \@times,
	c_timestamp => [ map { s/\+00//r } @times, "'2026-01-30 00:07:00.25'" ],
	c_date => [ map { "'$_'" } '2026-01-30', '2026-02-10', '2026-03-10', '1970-01-01' ],
	c_bool => [ 'true', 'false' ],
	c_numeric => [ 0, 1, 443, '10.5', '-0.5' ],
	c_float8 => [ 0, 443, "'NaN'" ]);
my @compared = sort keys %constants;
my $generator;

sub comparison
{
	my $column = $generator->one_of(@compared, 'n', 'c_int4', 'c_timestamptz', 'c_text');
	my $constant = sub { $generator->one_of(@{ $constants{$column} }) };
	my $choice = $generator->below(12);
	my $order = $column =~ /text|varchar/ ? ' COLLATE "C"' : '';

	return "$column = " . $constant->() if $choice < 3;
	return "$column IN (" . join(', ', map { $constant->() } 1 .. 3) . ')' if $choice == 3;
	return "$column IS " . $generator->one_of('NULL', 'NOT NULL') if $choice == 4;
	return "$column BETWEEN$order " . $constant->() . ' AND ' . $constant->() if $choice == 5 && $order eq '';
	return "$column LIKE " . $generator->one_of("'A%'", "'%0%'", "'w1__'") if $choice == 6 && $column =~ /text|varchar/;
	return "$column " . $generator->one_of('<<', '<<=', '>>=', '&&') . ' ' . $constant->() if $choice == 6 && $column eq 'c_inet';
	return "$column <> " . $constant->() if $choice == 7;
	return "$column$order " . $generator->one_of('<', '<=', '>', '>=') . ' ' . $constant->();
}

sub simple_condition
{
	my $choice = $generator->below(10);

	return comparison() if $choice < 5;
	return comparison() . ' AND ' . comparison() if $choice < 7;
	return comparison() . ' OR ' . comparison() if $choice < 9;
	return 'NOT (' . comparison() . ')';
}

# ---------- the queries ----------

my (%outcomes, @wrong);
my $session = FlowLogSession->new($node);
my $number = 0;

foreach my $set (1 .. $sets)
{
	my $dir = "$logs/$set";
	my $is_long = $set % 2 == 0;

	system($make, $is_long ? '--long' : (), $seed + $set, $dir) == 0 or die "could not run \"$make\"";
	create_tables($dir);

	# all rows, however they are read
	foreach my $table ('flow', 'nulls', 'part')
	{
		foreach my $way (@ways)
		{
			my $outcome = $session->query("SELECT compare('SELECT * FROM $table', true, ARRAY[[" . join(', ', map { quoted($_) } @$way) . ']])');

			# "part" may lack all of its records
			like($outcome . $session->error, $table eq 'part' ? qr/^(?:found|empty)$/ : qr/^found$/, "set $set, $table, @$way: the same rows");
		}
	}
	# the best of them, and distinct values
	foreach my $table ('flow', 'nulls', 'part')
	{
		foreach my $query (
			(map { my $key = $_; map { "SELECT * FROM $table ORDER BY $key $_, n, dir LIMIT 7 OFFSET 2" } 'DESC', 'NULLS FIRST' } qw(c_int2 c_int4 c_int8 c_bool c_date c_timestamptz c_inet), 'c_text COLLATE "C"', 'c_int8 % 7', 'n'),
			"SELECT n, c_text FROM $table WHERE c_int4 > 100 ORDER BY c_int4, n, dir LIMIT 5",
			"SELECT c_text, count(DISTINCT c_int4), count(*) FROM $table GROUP BY c_text", "SELECT count(DISTINCT c_inet) FROM $table", "SELECT DISTINCT c_text, c_bool FROM $table",
			"SELECT c_bool, sum(DISTINCT c_int8), max(c_date) FROM $table GROUP BY c_bool", "SELECT c_inet, count(*) FROM $table GROUP BY c_inet ORDER BY count(*) DESC, c_inet LIMIT 5")
		{
			push @wrong, "set $set: $query: $_" foreach grep { $_ ne 'found' && $_ ne 'empty' } $session->query("SELECT compare(\$q\$$query\$q\$, false, ARRAY[" . join(', ', map { '[' . join(', ', map { quoted($_) } @$_) . ']' } @ways) . '])') . $session->error;
		}
	}
	cmp_ok($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM "text".nulls) - count(*) FROM "text".part'), '>', 0, "set $set: some are left out");

	$generator = FlowLogQuery->new($node, $seed + $set, \%of_generator);
	my @signatures = $generator->signatures;
	my $pruned = 0;

	foreach my $i (1 .. $conditions)
	{
		my $condition = simple_condition();
		my $table = $generator->one_of('flow', 'flow', 'nulls', 'part');
		my $list = $generator->one_of('n', 'count(*), sum(n)', 'c_inet, c_text', '*');
		my $outcome = $session->query("SELECT compare(\$q\$SELECT $list FROM $table WHERE $condition\$q\$, true, ARRAY[['parquet', 'on', 'on', '0', 'on'], ['parquet', 'on', 'on', '0', 'off'], ['mixed', 'on', 'on', '2', 'on']])");

		push @wrong, "set $set: $list FROM $table WHERE $condition: $outcome " . $session->error if $outcome =~ /^WRONG|^$/;
		$outcomes{ $outcome =~ /^(\w+)/ ? "simple $1" : 'error' }++;
		last if @wrong > 10;
		next if $table ne 'flow' || $i % 4;
		$session->query("SELECT n FROM parquet.flow WHERE $condition");
		$pruned += $session->query('SELECT rows_pruned FROM flowlog_last_scan()');
	}
	cmp_ok($pruned, '>', 0, "set $set: row groups are left out: $pruned rows");

	foreach my $i (1 .. $queries)
	{
		my ($query, $compares, $alone) = @{ $generator->query($i % 2 ? undef : $signatures[ $number * 7919 % @signatures ]) };
		my @some = map { $ways[ ($number + $_) % @ways ] } 0 .. 2;
		my ($outcome, $error);

		$number++;
		next if !$compares || ($is_long && ($i % 4 || $query =~ /\b(?:JOIN|LATERAL|other|w a)\b/)); # of which the product would be large
		$outcome = $session->query("SELECT compare(\$q\$$query\$q\$, " . ($alone ? 'true' : 'false') . ', ARRAY[' . join(', ', map { '[' . join(', ', map { quoted($_) } @$_) . ']' } @some) . '])');
		$error = $session->error;
		$outcomes{ $outcome =~ /^(\w+)/ ? $1 : 'error' }++;
		push @wrong, "set $set: $query: $outcome $error" if $outcome =~ /^WRONG/ || ($error =~ /ERROR/ && $error !~ /57014/);
		last if @wrong > 10;
	}
}
diag(substr($_, 0, 3000)) foreach @wrong;
is(scalar(@wrong), 0, "$number queries with seed $seed: the same answers");
diag(join(', ', map { "$_ $outcomes{$_}" } sort keys %outcomes));
cmp_ok($outcomes{found} // 0, '>', $number / 5, 'and many find rows');

# ---------- a file that processes share ----------

$node->safe_psql('postgres', qq{CREATE FOREIGN TABLE large (packets int, action text, line int OPTIONS (field '\$line')) SERVER logs OPTIONS (location '$logs/1/large.parquet'); ANALYZE large});
foreach my $workers (0, 2)
{
	$session->safe_query("SET max_parallel_workers_per_gather = $workers");
	is($session->safe_query("SELECT count(*), sum(packets), count(DISTINCT line), sum(line - packets), count(*) FILTER (WHERE action = 'REJECT') FROM large"), '400|79800|400|400|200', "$workers workers: each row is read once");
	is($session->safe_query('SELECT row_groups, row_groups_pruned, rows_pruned, lines FROM flowlog_last_scan()'), '4|0|0|400', 'and each row group');
	is($session->safe_query('SELECT line FROM large WHERE packets = 250'), 251, "$workers workers: the right line");
	is($session->safe_query('SELECT min(line), max(line) FROM large WHERE packets BETWEEN 100 AND 199'), '101|200', "$workers workers: and lines");
}

$session->quit;

# ---------- other writers ----------

# make_others ROWS: files of as many rows, and their directory
sub make_others
{
	my ($rows) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir("others_$rows");
	my $script = abs_path(dirname(__FILE__) . '/../support/parquet/make_others.mjs');

	chmod 0755, $directory;
	system("cd '$ENV{FLOWLOG_WRITERS}' && node '$script' '$directory' $rows") == 0 or die "could not make files of $rows rows";
	return abs_path($directory);
}

SKIP:
{
	skip 'only --all makes files of other writers anew', 1 unless $long;
	skip 'npm has not installed other writers', 1 unless defined $ENV{FLOWLOG_WRITERS};

	my $committed = dirname(__FILE__) . '/../data/parquet/others';
	my @names = sort map { s{.*/}{}r } glob "$committed/*.parquet";
	my $rows = 20000;
	my $others = make_others($rows);
	my @conditions = ('true', 'port = 5', 'port IS NULL', "action = 'REJECT'", "address = '10.0.3.19999'", 'number > 15000000000000', 'ratio < 100', 'flag', "time < '2024-01-01 00:30+00'", "port = 3 OR action IS NULL");

	is_deeply([ sort map { s{.*/}{}r } glob "$others/*.parquet" ], \@names, 'other writers make the files that are there');
	$node->safe_psql('postgres', qq{
		CREATE TABLE others_want AS SELECT r * 1000000007 - 5000000000 AS number, CASE WHEN r % 5 <> 3 THEN (r * 7 % 13)::int END AS port,
			CASE WHEN r % 11 <> 4 THEN CASE r % 3 WHEN 0 THEN 'REJECT' ELSE 'ACCEPT' END END AS action, format('10.0.%s.%s', r % 4, r) AS address,
			CASE WHEN r % 17 <> 2 THEN r / 8::float8 END AS ratio, CASE WHEN r % 7 <> 1 THEN r % 2 = 0 END AS flag,
			to_timestamp(1704067200) + r * interval '1.001 second' AS time FROM generate_series(0, $rows - 1::bigint) AS r;
		CREATE FOREIGN TABLE others (number bigint, port int, action text, address text, ratio float8, flag boolean, time timestamptz) SERVER logs OPTIONS (location '$others')});
	foreach my $name (@names)
	{
		my @differ;

		$node->safe_psql('postgres', "ALTER FOREIGN TABLE others OPTIONS (SET location '$others/$name')");
		foreach my $pruning ('on', 'off')
		{
			push @differ, map { "$_ (pruning $pruning)" } grep { $node->safe_psql('postgres', qq{
				SET flowlog_fdw.enable_parquet_pruning = $pruning;
				SELECT count(*) FROM ((SELECT * FROM others WHERE $_ EXCEPT ALL SELECT * FROM others_want WHERE $_) UNION ALL (SELECT * FROM others_want WHERE $_ EXCEPT ALL SELECT * FROM others WHERE $_)) AS d}) ne '0' } @conditions;
		}
		is_deeply(\@differ, [], "$name of $rows rows has their values");
	}
}

check_log($node);
$node->stop;
done_testing();
