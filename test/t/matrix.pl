# Flow logs in every form: record versions, orders of their fields, headers or none, wrappers and
# compressions, against what an oracle (test/support/make_matrix) says that it wrote.
#
# Over each of its files there are two tables: one of text alone, whose columns have the
# names of Athena's guide or the fields' own, and one with the fields' natural types.  All their
# rows are compared, and some under conditions, pushed and not, in parallel and not; so are the
# counts that EXPLAIN shows, and what flowlog_files and flowlog_rejects tell.  FLOWLOG_SEED makes
# other files, FLOWLOG_LONG=1 asks more of each.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $make = abs_path(dirname(__FILE__) . '/../support/make_matrix');
my $matrix = abs_path(PostgreSQL::Test::Utils::tempdir('matrix'));
my $seed = $ENV{FLOWLOG_SEED} // 1;

system($make, '--seed', $seed, $matrix) == 0 or die "could not run \"$make\"";
my $node = start_node('matrix', conf => q{
	max_worker_processes = 8
	max_parallel_workers = 8
	parallel_setup_cost = 0
	parallel_tuple_cost = 0
	min_parallel_table_scan_size = 0
	jit = off
	fsync = off
	timezone = 'UTC'
});
my $session = FlowLogSession->new($node);

# ---------- the tables ----------

# field, name and type in the typed table, name in the text table
my @columns = map { [ split(/\t/) ] } split(/\n/, slurp_file("$matrix/columns"));

sub name
{
	my ($name) = @_;

	$name =~ s/"/""/g;
	return "\"$name\"";
}

# The columns of a foreign table; a field that is not found by the column's name is named.
sub definition
{
	my ($kind) = @_;

	return join(', ', map {
		my ($field, $typed, $type, $text) = @$_;
		my $option = $typed =~ /^(?:az|start_number)$/ ? " OPTIONS (field '$field')" : '';
		$kind eq 'text' ? name($text) . " text$option" : name($typed) . " $type$option"
	} @columns);
}

my %expected = map { $_ => 'combination int, "$line" bigint, ' . definition($_) =~ s/ OPTIONS \(.*?\)//gr } qw(text typed);
my %flow = map { $_ => '"$line" bigint, ' . definition($_) } qw(text typed);

$node->safe_psql('postgres', qq{
	CREATE TABLE combinations (number int PRIMARY KEY, name text, path text, log_format text, header text, on_error text,
		compression text, wrapper text, bytes bigint, fields text[], lines bigint, headers bigint, blank bigint, skipped bigint,
		text_rejected bigint, text_nulls bigint, typed_rejected bigint, typed_nulls bigint);
	CREATE TABLE expected_text ($expected{text});
	CREATE TABLE expected_typed ($expected{typed});
	CREATE TABLE expected_rejects (combination int, kind text, line bigint);
	CREATE TABLE outcomes (number int, ways int, differences text);
	CREATE TABLE kept (qual text, kept bigint, dropped bigint);
	COPY combinations FROM '$matrix/combinations';
	COPY expected_text FROM '$matrix/text';
	COPY expected_typed FROM '$matrix/typed';
	COPY expected_rejects FROM '$matrix/rejects';
	CREATE INDEX ON expected_text (combination);
	CREATE INDEX ON expected_typed (combination);
	ANALYZE;
});

# ---------- the ways to ask ----------

my %quals = (
	typed => [
		'dstport = 443',
		q{srcaddr <<= '10.0.0.0/8'},
		q{action = 'REJECT'},
		'action IS NULL',
		q{action <> 'ACCEPT' OR bytes > 1000000},
		'protocol IN (6, 17) AND dstport < 1024',
		q{start >= '2026-01-30 00:02+00'},
		q{"end" BETWEEN '2026-01-30 00:01+00' AND '2026-01-30 00:10+00' AND bytes IS NOT NULL},
		q{log_status <> 'OK'},
		'tcp_flags IS NULL',
		q{account_id = 'unknown'},
		q{interface_id = ANY ('{eni-1235b8ca,eni-0f9e8d7c6b5a49382}')},
		q{NOT (srcaddr = '10.0.0.1')},
		q{ts < '2026-01-30 00:01+00'},
		'ts IS NULL',
		q{region = 'eu-west-1' OR az_id IS NULL},
		'bytes > 2147483647',
		'packets_lost_no_route > 0',
		'pkt_srcaddr <> srcaddr',
		'traffic_path BETWEEN 1 AND 3',
		q{instance_tag IN ('a%20b', 'é', '"', '\\', 'a,b')},
		q{dstaddr << '2001:db8::/32'},
		q{dstaddr > srcaddr},
		'encryption_status = 0',
		'start_number > 2147483647',
		'"$line" > 5 AND version > 2',
		'az = az_id'
	],
	text => [
		q{destinationport = '443'},
		q{sourceaddress <> '10.0.0.1'},
		q{account IN ('unknown', '000000000042')},
		q{action = 'ACCEPT' AND logstatus = 'OK'},
		q{"tcp-flags" IS NOT NULL},
		q{version IS NULL},
		q{"flow-direction" = 'egress'},
		q{starttime LIKE '17697312%'},
		q{"instance-tag" = '"' OR "asg-tag-2" = '🦉'},
		q{ts > '2026-01-30T00:00:21' COLLATE "C"},
	]);

# Some columns of many, each time others; the numbers are of columns in the table's order.
my @lists = ([ 0 .. @columns - 1 ], [ 5, 17 ], [ 40, 3, 60 ], [ map { 7 * $_ % @columns } 0 .. 9 ], [ reverse(0 .. @columns - 1) ], [ grep { $_ % 3 == 1 } 0 .. @columns - 1 ]);
my %lists = (
	typed => [ map { join(', ', map { name($columns[$_][1]) } @$_) } @lists ],
	text => [ map { join(', ', map { name($columns[$_][3]) } @$_) } @lists ]);

sub array
{
	return 'ARRAY[' . join(', ', map { quoted($_) } @_) . ']';
}

$node->safe_psql('postgres', q{
	CREATE FUNCTION create_table(name text, definition text, path text, log_format text, header text, on_error text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE format('DROP FOREIGN TABLE IF EXISTS %I', name);
		EXECUTE format('CREATE FOREIGN TABLE %I (%s) SERVER logs OPTIONS (location %L, header %L, on_error %L, log_verbosity ''silent''', name, definition, path, header, on_error)
			|| CASE WHEN log_format IS NULL THEN '' ELSE format(', log_format %L', log_format) END || ')';
	END $$;

	-- the rows that differ, counted both ways, or the error; nothing if there are none
	CREATE FUNCTION compare(kind text, of_combination int, list text, qual text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		missing bigint;
		more bigint;
		example text;
		place text;
	BEGIN
		EXECUTE format('WITH found AS MATERIALIZED (SELECT %1$s FROM flow_%2$s WHERE %4$s), wanted AS MATERIALIZED (SELECT %1$s FROM expected_%2$s WHERE combination = %3$s AND (%4$s)), '
			'missing AS (TABLE wanted EXCEPT ALL TABLE found), more AS (TABLE found EXCEPT ALL TABLE wanted) '
			'SELECT (SELECT count(*) FROM missing), (SELECT count(*) FROM more), (SELECT max(d::text) FROM (TABLE missing UNION ALL TABLE more) d)',
			list, kind, of_combination, qual) INTO missing, more, example;
		RETURN CASE WHEN missing + more > 0 THEN format('%s missing, %s more: %s', missing, more, example) END;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS example = PG_EXCEPTION_DETAIL, place = PG_EXCEPTION_CONTEXT;
		RETURN concat_ws(' ', SQLSTATE, SQLERRM, example, split_part(place, E'\n', 1));
	END $$;

	-- what EXPLAIN counts; NULL if nothing
	CREATE FUNCTION ledger(query text, OUT lines bigint, OUT headers bigint, OUT blank bigint, OUT emitted bigint, OUT filtered bigint,
		OUT rejected bigint, OUT nulls bigint, OUT skipped bigint, OUT pushed boolean)
	LANGUAGE plpgsql AS $$
	DECLARE
		plan json;
		scan jsonb;
	BEGIN
		EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT json) ' || query INTO plan;
		scan := jsonb_path_query_first(plan::jsonb, 'strict $.** ? (@."Node Type" == "Foreign Scan")');
		lines := scan ->> 'Lines'; headers := scan ->> 'Headers'; blank := coalesce(scan ->> 'Blank Lines', '0'); emitted := scan ->> 'Lines Emitted';
		filtered := scan ->> 'Lines Filtered'; rejected := scan ->> 'Lines Rejected'; nulls := coalesce(scan ->> 'Lines Set Null', '0');
		skipped := coalesce(scan ->> 'Messages Skipped', '0'); pushed := NOT scan ? 'Filter';
	END $$;

	CREATE FUNCTION compare_ledger(kind text, combination combinations, qual text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		found record;
		rejected bigint := CASE kind WHEN 'text' THEN combination.text_rejected ELSE combination.typed_rejected END;
		nulls bigint := CASE kind WHEN 'text' THEN combination.text_nulls ELSE combination.typed_nulls END;
		wanted bigint;
		kept bigint;
	BEGIN
		EXECUTE format('SELECT count(*), count(*) FILTER (WHERE %s) FROM expected_%s WHERE combination = %s', qual, kind, combination.number) INTO wanted, kept;
		SELECT * FROM ledger(format('SELECT * FROM flow_%s WHERE %s', kind, qual)) INTO found;

		-- a bad line that a condition drops may be filtered or rejected
		RETURN CASE WHEN (found.lines, found.headers, found.blank, found.skipped, found.nulls)
				IS DISTINCT FROM (combination.lines, combination.headers, combination.blank, combination.skipped, nulls)
				OR found.emitted + found.filtered + found.rejected <> wanted + rejected
				OR (found.rejected <> rejected AND (qual = 'true' OR found.rejected > rejected))
				OR found.emitted <> CASE WHEN found.pushed THEN kept ELSE wanted END
				OR found.lines <> found.headers + found.blank + found.emitted + found.filtered + found.rejected
			THEN format('counts are %s, not %s', found, (combination.lines, combination.headers, combination.blank, kept, wanted - kept, rejected, nulls, combination.skipped)) END;
	EXCEPTION WHEN OTHERS THEN
		RETURN concat_ws(' ', SQLSTATE, SQLERRM);
	END $$;
});

# What the functions tell of a table.
$node->safe_psql('postgres', qq{
	CREATE FUNCTION compare_functions(kind text, combination combinations) RETURNS text LANGUAGE plpgsql AS \$\$
	DECLARE
		relation regclass := 'flow_' || kind;
		found text;
		wanted text;
	BEGIN
		SELECT string_agg(f::text, E'\\n') FROM (SELECT path, bytes, compression, wrapper, fields FROM flowlog_files(relation)) f INTO found;
		SELECT f::text FROM (SELECT '$matrix/logs/' || combination.path, combination.bytes, combination.compression, combination.wrapper, combination.fields) f INTO wanted;
		IF found IS DISTINCT FROM wanted THEN
			RETURN format('flowlog_files tells %s, not %s', found, wanted);
		END IF;
		SELECT string_agg(line::text, ' ' ORDER BY line) FROM flowlog_rejects(relation) INTO found;
		SELECT string_agg(line::text, ' ' ORDER BY line) FROM expected_rejects r WHERE r.combination = compare_functions.combination.number AND r.kind = compare_functions.kind INTO wanted;
		RETURN CASE WHEN found IS DISTINCT FROM wanted THEN format('flowlog_rejects tells lines %s, not %s', found, wanted) END;
	EXCEPTION WHEN OTHERS THEN
		RETURN concat_ws(' ', SQLSTATE, SQLERRM);
	END \$\$;
});

# Each combination is a transaction of its own, so that locks do not pile up.
my $all = $long ? 'true' : 'false'; # or some of the questions for each, of one of its tables, and others for the next
my $aggregates = 'count(*), count(srcaddr), sum(bytes), sum(dstport), min(start), max(srcaddr), avg(protocol)';
$node->safe_psql('postgres', qq{
	CREATE PROCEDURE ask(of_number int) LANGUAGE plpgsql AS \$\$
	DECLARE
		combination combinations;
		quals text[];
		lists text[];
		groups text[];
		list text;
		qual text;
		kind text;
		switch text;
		round int;
		parallel boolean := of_number % 4 = 0;
		answers text[] := '{}';
		answer text;
		found text;
		wanted text;
	BEGIN
		SELECT * FROM combinations WHERE number = of_number INTO combination;
		PERFORM create_table('flow_text', @{[ quoted($flow{text}) ]}, '$matrix/logs/' || combination.path, combination.log_format, combination.header, combination.on_error);
		PERFORM create_table('flow_typed', @{[ quoted($flow{typed}) ]}, '$matrix/logs/' || combination.path, combination.log_format, combination.header, combination.on_error);
		PERFORM set_config('max_parallel_workers_per_gather', CASE WHEN parallel THEN '2' ELSE '0' END, true);
		FOREACH kind IN ARRAY CASE WHEN $all THEN ARRAY['text', 'typed'] WHEN hashint4(of_number) % 2 = 0 THEN ARRAY['text'] ELSE ARRAY['typed'] END LOOP
			IF kind = 'text' THEN
				quals := @{[ array(@{ $quals{text} }) ]};
				lists := @{[ array(@{ $lists{text} }) ]};
			ELSE
				quals := @{[ array(@{ $quals{typed} }) ]};
				lists := @{[ array(@{ $lists{typed} }) ]};
			END IF;

			-- without "\$line", files can be cut
			FOREACH list IN ARRAY CASE WHEN $all THEN ARRAY[lists[1], lists[1] || ', "\$line"'] WHEN of_number % 2 = 0 THEN ARRAY[lists[1]] ELSE ARRAY[lists[1] || ', "\$line"'] END LOOP
				answers := answers || format('%s rows: %s', kind, compare(kind, of_number, list, 'true'));
			END LOOP;
			answers := answers || format('%s ledger: %s', kind, compare_ledger(kind, combination, 'true'));
			answers := answers || format('%s functions: %s', kind, compare_functions(kind, combination));
			IF $all OR of_number % 3 = 0 THEN
				PERFORM set_config('flowlog_fdw.enable_splitter', 'off', true);
				answers := answers || format('%s rows without splitter: %s', kind, compare(kind, of_number, lists[1], 'true'));
				PERFORM set_config('flowlog_fdw.enable_splitter', 'on', true);
			END IF;

			FOR round IN CASE WHEN kind = 'text' OR $all THEN 1 ELSE 1 + of_number / 5 % 3 END .. CASE WHEN kind = 'text' THEN 1 WHEN $all THEN 3 ELSE 1 + of_number / 5 % 3 END LOOP
				qual := quals[1 + (of_number * 3 + round) % cardinality(quals)];
				list := lists[1 + (of_number + round) % cardinality(lists)];
				answers := answers || format('%s %s: %s', kind, qual, compare(kind, of_number, list, qual));
				PERFORM set_config('flowlog_fdw.enable_pushdown', 'off', true), set_config('flowlog_fdw.enable_splitter', CASE WHEN round % 2 = 0 THEN 'on' ELSE 'off' END, true);
				answers := answers || format('%s %s, not pushed: %s', kind, qual, compare(kind, of_number, list, qual));
				PERFORM set_config('flowlog_fdw.enable_pushdown', 'on', true), set_config('flowlog_fdw.enable_splitter', 'on', true);
				EXECUTE format('INSERT INTO kept SELECT %L, count(*) FILTER (WHERE %s), count(*) FILTER (WHERE (%s) IS NOT TRUE) FROM expected_%s WHERE combination = %s',
					qual, qual, qual, kind, of_number);
			END LOOP;
			IF combination.on_error <> 'set_null' THEN -- what is set to NULL is counted in the fields that a query uses
				qual := quals[1 + (of_number * 3 + CASE kind WHEN 'text' THEN 1 ELSE 3 END) % cardinality(quals)];
				answers := answers || format('%s ledger, %s: %s', kind, qual, compare_ledger(kind, combination, qual));
			END IF;
		END LOOP;

		groups := ARRAY['action', 'log_status, dstport', 'ts IS NULL'];
		groups := CASE WHEN $all THEN groups ELSE groups[1 + of_number % 3:1 + of_number % 3] END;
		FOREACH list IN ARRAY groups LOOP
			BEGIN
				EXECUTE format('SELECT string_agg(a::text, E''\\n'' ORDER BY a::text) FROM (SELECT %s, $aggregates FROM flow_typed GROUP BY 1, %s) a', list, list) INTO found;
				EXECUTE format('SELECT string_agg(a::text, E''\\n'' ORDER BY a::text) FROM (SELECT %s, $aggregates FROM expected_typed WHERE combination = %s GROUP BY 1, %s) a', list, of_number, list) INTO wanted;
				answer := CASE WHEN found IS DISTINCT FROM wanted THEN format('%s, not %s', found, wanted) END;
			EXCEPTION WHEN OTHERS THEN
				answer := SQLERRM;
			END;
			answers := answers || format('grouped by %s: %s', list, answer);
		END LOOP;
		INSERT INTO outcomes SELECT of_number, count(*), string_agg(a, E'\\n') FILTER (WHERE a !~ ': \$') FROM unnest(answers) a;
	END \$\$;
	CREATE PROCEDURE ask_all() LANGUAGE plpgsql AS \$\$
	DECLARE
		of_number int;
	BEGIN
		SET client_min_messages = error;
		FOR of_number IN SELECT number FROM combinations ORDER BY number LOOP
			CALL ask(of_number);
			COMMIT;
		END LOOP;
	END \$\$;
});

# ---------- each combination ----------

$session->safe_query('CALL ask_all()');
my @outcomes = split(/\x02/, $session->safe_query(q{SELECT string_agg(concat_ws(E'\x01', name, ways, rows, differences), E'\x02' ORDER BY number)
	FROM outcomes JOIN combinations USING (number), LATERAL (SELECT count(*) AS rows FROM expected_text WHERE combination = number) r}));
cmp_ok(scalar(@outcomes), '>=', 300, scalar(@outcomes) . ' combinations');
foreach (@outcomes)
{
	my ($name, $ways, $rows, $differences) = split(/\x01/, $_, 4);

	is($differences // '', '', "$name: $rows rows, asked for in $ways ways");
}
if ($long) # with fewer questions, some conditions are asked too rarely
{
	is($session->safe_query(q{SELECT string_agg(qual, ', ' ORDER BY qual) FROM (SELECT qual FROM kept GROUP BY qual HAVING sum(kept) = 0 OR sum(dropped) = 0) q}),
		'', 'each condition keeps rows and drops some');
}

# ---------- all of them in one table ----------

my @all = (
	[ 'one process', 'max_parallel_workers_per_gather = 0' ],
	[ 'in parallel', 'max_parallel_workers_per_gather = 2' ],
	[ 'without splitter', 'flowlog_fdw.enable_splitter = off' ],
	[ 'not pushed', 'flowlog_fdw.enable_pushdown = off' ]);
my $typed = join(', ', map { name($_->[1]) } @columns);

$session->safe_query(qq{
	SELECT create_table('flow_all', @{[ quoted('"$path" text, ' . $flow{typed}) ]}, '$matrix/logs/stop', NULL, 'auto', 'stop');
	CREATE TABLE expected_all AS SELECT '$matrix/logs/' || path AS "\$path", t.* FROM expected_typed t JOIN combinations ON number = combination WHERE on_error = 'stop' AND log_format IS NULL});
foreach my $way (@all)
{
	my ($name, $setting) = @$way;

	foreach my $qual ('true', 'dstport = 443 AND action IS NOT NULL', q{"$path" LIKE '%wrapper-csv%' AND srcaddr <<= '10.0.0.0/8'})
	{
		my $from = qq{SELECT "\$path", $typed FROM};

		$session->query("SET $setting");
		is($session->query(qq{
			SELECT count(*) FROM (
				($from flow_all WHERE $qual EXCEPT ALL $from expected_all WHERE $qual)
				UNION ALL ($from expected_all WHERE $qual EXCEPT ALL $from flow_all WHERE $qual)) d}) . $session->error, 0, "all files in one table, $name, $qual");
		$session->query('RESET ' . $setting =~ s/ .*//r);
	}
}
$session->query('SET max_parallel_workers_per_gather = 2');
like($session->query('EXPLAIN SELECT * FROM flow_all'), qr/Parallel Foreign Scan/, 'and that is parallel');

$session->quit;
check_log($node);
$node->stop;
done_testing();
