--
-- Constants that may fail: evaluated when PostgreSQL would, and not before
--
\getenv abs_builddir PG_ABS_BUILDDIR
\set tree :abs_builddir '/results/deferred'
\set location :tree '/${dir}/${day:yyyy/MM/dd}/*.log'
\pset format unaligned
CREATE SCHEMA deferred;
SET search_path = deferred, public;
CREATE SERVER deferred FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FUNCTION write(path text, query text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (%s) TO PROGRAM %L', query, format('mkdir -p "$(dirname "%s")" && cat > "%1$s"', path));
END $$;
SELECT count(write(format('%s/%s/2026/01/0%s/flow.log', :'tree', dir, day),
	format('SELECT format(''%%s %%s 10.0.0.%%s'', n, CASE n %% 5 WHEN 0 THEN ''REJECT'' ELSE ''ACCEPT'' END, n %% 200) FROM generate_series(%s, %s) n', day * 1000, day * 1000 + 299)))
	FROM unnest(ARRAY['a', 'b']) dir, generate_series(1, 3) day;
CREATE FOREIGN TABLE flow (dir text, day date, port int OPTIONS (field '1'), action text OPTIONS (field '2'), address inet OPTIONS (field '3'))
	SERVER deferred OPTIONS (location :'location', regex '(\S+) (\S+) (\S+)');
SELECT count(*), min(port), max(port) FROM flow;

-- What came of a query that was prepared for a text, under a generic plan: its rows, or its error.
CREATE FUNCTION outcome(query text, parameter text) RETURNS text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE 'PREPARE q(text) AS SELECT string_agg(r::text, '','' ORDER BY r::text) FROM (' || query || ') r';
	BEGIN
		EXECUTE format('EXECUTE q(%L)', parameter) INTO answer;
		answer := coalesce(left(md5(answer), 6), 'no rows');
	EXCEPTION WHEN data_exception OR object_not_in_prerequisite_state OR undefined_object THEN
		answer := SQLSTATE;
	END;
	DEALLOCATE q;
	RETURN answer;
END $$;

CREATE TABLE conditions (id int GENERATED ALWAYS AS IDENTITY, condition text);
INSERT INTO conditions (condition) VALUES
	('$1 = '''' OR port = $1::int'), ('port = $1::int OR $1 = '''''), ('$1 = '''' OR port <> ALL (string_to_array($1, '','')::int[])'),
	('port > 0 OR port = $1::int'), ('port = $1::int OR port > 0'), ('port > 2000 OR port = $1::int'), ('NOT (port < 0 AND port = $1::int)'),
	('port < 0 AND ($1 = ''y'' OR port = $1::int)'), ('(port = 1004 OR port = $1::int) AND port < 0'),
	('(port < 0 AND port = $1::int) OR action = ''REJECT'''), ('(port = NULL::int AND port = $1::int) OR action = ''REJECT'''),
	('(action = ''NONE'' OR port = 1) AND (action = ''REJECT'' OR port = $1::int)'),
	('port = CASE WHEN $1 = '''' THEN 1004 ELSE $1::int END'), ('port IS NULL OR port = CASE WHEN $1 = '''' THEN 1004 ELSE $1::int END'),
	('CASE WHEN $1 = '''' THEN true ELSE port = $1::int END'), ('coalesce(port > 0, port = $1::int)'),
	('port > 0 OR address <<= $1::inet'), ('address = ''10.0.0.1'' OR address <<= ANY (ARRAY[$1::inet])'),
	('port > 0 OR $1::bool'), ('port < 0 OR $1::bool'), ('port = 1004 OR length($1) = 0'), ('port = 1004 OR 1 / length($1) = 1'),
	('dir IN (''a'', ''b'') OR day = $1::date'), ('dir = ''a'' OR day = $1::date'), ('day = $1::date'),
	('dir = ''a'' OR day = coalesce($1, ''2026-01-01'')::date'), ('(dir, day) >= (''b'', $1::date)'), ('dir = $1 OR port = $1::int'),
	('port > 0 OR port = (SELECT $1::int)'), ('port < 0 OR port = (SELECT $1::int)'), ('port < 0 OR port = ANY (ARRAY(SELECT $1::int))'),
	('lower(action) = ''none'' AND (port < 0 OR port = $1::int)'), ('lower(action) = ''reject'' AND (port < 0 OR port = $1::int)'),
	('port > 0 OR port = current_setting($1)::int'), ('port < 0 OR port = current_setting($1)::int'), ('dir = ''a'' OR day >= current_setting($1)::date');

-- pushed or not, the same outcome
CREATE FUNCTION compare(query text, OUT parameter text, OUT pushed text, OUT differs boolean) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	FOREACH parameter IN ARRAY ARRAY['', '1004', 'x'] LOOP
		SET LOCAL flowlog_fdw.enable_pushdown = on;
		pushed := outcome(query, parameter);
		SET LOCAL flowlog_fdw.enable_pushdown = off;
		differs := outcome(query, parameter) IS DISTINCT FROM pushed;
		RETURN NEXT;
	END LOOP;
END $$;
SET max_parallel_workers_per_gather = 0;
SELECT condition, string_agg(pushed, ' ' ORDER BY parameter), bool_or(differs) AS differs
	FROM conditions, compare('SELECT * FROM flow WHERE ' || condition) GROUP BY id, condition ORDER BY id;
SELECT condition, string_agg(pushed, ' ' ORDER BY parameter), bool_or(differs) AS differs
	FROM conditions, compare('SELECT * FROM flow WHERE ' || condition || ' LIMIT 1')
	WHERE condition ~ '^port|^dir|^add' GROUP BY id, condition ORDER BY id;
SELECT count(*), count(*) FILTER (WHERE differs) AS differ FROM conditions, compare('SELECT count(*), max(port) FROM flow WHERE ' || condition);
SELECT count(*), count(*) FILTER (WHERE differs) AS differ FROM conditions, compare('SELECT action, dir, sum(port) FROM flow WHERE ' || condition || ' GROUP BY action, dir');

-- in parallel, each process for itself
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CREATE FUNCTION is_parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		IF line ~ 'Parallel Foreign Scan' THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END $$;
SELECT bool_and(is_parallel('SELECT port FROM flow WHERE ' || replace(condition, '$1', '''443'''))) FROM conditions WHERE id IN (1, 4, 6, 12);
SELECT count(*), count(*) FILTER (WHERE differs) AS differ FROM conditions, compare('SELECT * FROM flow WHERE ' || condition) WHERE id IN (1, 4, 6, 12, 22, 24);
SELECT count(*), count(*) FILTER (WHERE differs) AS differ FROM conditions, compare('SELECT action, count(*) FROM flow WHERE ' || condition || ' GROUP BY action') WHERE id IN (1, 4, 6, 12, 22, 24);
SET parallel_leader_participation = off;
SELECT count(*), count(*) FILTER (WHERE differs) AS differ FROM conditions, compare('SELECT count(*) FROM flow WHERE ' || condition) WHERE id IN (1, 4, 6, 12, 22, 24);
RESET parallel_leader_participation;
SET max_parallel_workers_per_gather = 0;

-- What no branch holds is evaluated when the first record is wanted, as an index scan evaluates its keys.
SELECT outcome('SELECT * FROM flow WHERE dir = ''z'' AND day = $1::date', 'x');
SET plan_cache_mode = force_generic_plan;

-- once in a scan, and not before a record comes to it
CREATE FUNCTION noted(int) RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'evaluated for %', $1; RETURN $1; END $$;
CREATE FUNCTION count_by(condition text, list text DEFAULT 'count(*)') RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('PREPARE q(int) AS SELECT (%s)::text FROM flow WHERE %s', list, condition);
	RETURN QUERY EXECUTE 'EXECUTE q(1004)';
	DEALLOCATE q;
END $$;
SELECT count_by('port = noted($1)');
SELECT count_by('port > 0 OR port = noted($1)');
SELECT count_by('port > 1200 OR port = noted($1)');
SELECT count_by('port = 1000 OR port = noted($1) LIMIT 1', 'action');
SELECT count_by('port = 1001 OR port = noted($1) LIMIT 1', 'action');
SELECT count_by('port < 0 AND (port = 1000 OR port = noted($1))');
SELECT count_by('lower(action) = ''none'' AND (port = 1000 OR port = noted($1))');
SELECT count_by('port > 0 OR port = (SELECT noted($1))');
SELECT count_by('port < 0 OR port = (SELECT noted($1)) OR port = noted($1 + 1) OR action = ANY (ARRAY[''x'', noted($1 + 2)::text])');
SELECT count_by('port = 1000 OR port = noted($1) GROUP BY dir', 'dir || count(*)') ORDER BY 1;

-- again in a rescan whose parameters have changed, and not otherwise
SELECT n, c FROM generate_series(1003, 1004) n, LATERAL (SELECT count(*) AS c FROM flow WHERE port < 0 OR port = noted(n)) f;
SELECT n, c FROM generate_series(1003, 1004) n, LATERAL (SELECT count(*) AS c FROM flow WHERE port = n OR port > 0 OR port = noted(n)) f;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
PREPARE in_loop(int) AS SELECT n, port FROM generate_series(1, 2) n LEFT JOIN flow ON port < 0 OR port = noted($1);
EXECUTE in_loop(1004);
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_material;

-- a cursor goes on until a record comes to it
BEGIN;
CREATE FUNCTION fetch_four() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	parameter text := 'x';
	c CURSOR FOR SELECT port FROM flow WHERE port < 1003 OR port = parameter::int;
	found int;
	answer text := '';
BEGIN
	OPEN c;
	FOR i IN 1 .. 4 LOOP
		BEGIN
			FETCH c INTO found;
			answer := answer || found || ' ';
		EXCEPTION WHEN data_exception THEN
			answer := answer || SQLSTATE || ' ';
		END;
	END LOOP;
	RETURN answer;
END $$;
SELECT fetch_four();
ROLLBACK;

-- functions with a parameter that may be left out
CREATE FUNCTION rows_of(wanted text) RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM flow WHERE wanted = 'all' OR port = wanted::int); END $$;
CREATE FUNCTION sql_rows_of(text) RETURNS bigint STABLE LANGUAGE sql AS $$ SELECT count(*) FROM flow WHERE $1 = 'all' OR port = $1::int $$;
SELECT rows_of('all'), rows_of('1004'), sql_rows_of('all'), sql_rows_of('1004') FROM generate_series(1, 2);
\set SHOW_CONTEXT never
SELECT rows_of('x'); -- ERROR
SELECT sql_rows_of('x'); -- ERROR
CREATE FUNCTION rows_of_record(with_record boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	wanted record;
BEGIN
	IF with_record THEN
		SELECT 1004 AS port INTO wanted;
	END IF;
	RETURN (SELECT count(*) FROM flow WHERE NOT with_record OR port = wanted.port);
END $$;
SELECT rows_of_record(true);
SELECT rows_of_record(false);

-- EXPLAIN shows what a query would read, and raises no error that PostgreSQL would not raise
CREATE FUNCTION explain(query text) RETURNS SETOF text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		CONTINUE WHEN line !~ 'Filter|Files|Directories';
		RETURN NEXT trim(line);
	END LOOP;
END $$;
PREPARE by_day(text) AS SELECT * FROM flow WHERE day >= $1::date;
SELECT explain('EXECUTE by_day(''2026-01-02'')');
SELECT explain('EXECUTE by_day(''x'')');
PREPARE by_day_or_dir(text) AS SELECT * FROM flow WHERE dir = 'a' OR day >= $1::date;
SELECT explain('EXECUTE by_day_or_dir(''2026-01-02'')');
SELECT explain('EXECUTE by_day_or_dir(''x'')');
PREPARE by_case(text) AS SELECT * FROM flow WHERE day >= CASE WHEN $1 = '' THEN '2026-01-02' ELSE $1::date END;
SELECT explain('EXECUTE by_case('''')');
SELECT explain('EXECUTE by_case(''x'')');
SET deferred.day = '2026-01-03';
PREPARE by_setting AS SELECT * FROM flow WHERE day >= current_setting('deferred.day')::date;
SELECT explain('EXECUTE by_setting');
SET deferred.day = 'x';
SELECT explain('EXECUTE by_setting');
SELECT explain('SELECT * FROM flow WHERE dir || current_setting(''deferred.none'') = ''a''');
SELECT explain('SELECT * FROM flow WHERE CASE WHEN dir = ''a'' THEN true ELSE day >= current_setting(''deferred.day'')::date END');
SELECT explain('SELECT * FROM flow WHERE CASE dir WHEN ''a'' THEN true WHEN current_setting(''deferred.none'') THEN false ELSE day > ''2026-01-02'' END');
SELECT explain('SELECT * FROM flow WHERE dir::int = 4');
SELECT explain('SELECT * FROM flow WHERE day > (SELECT ''x''::text)::date');

-- a transaction in which EXPLAIN met an error goes on
BEGIN;
SELECT explain('EXECUTE by_day(''x'')');
SELECT count(*) FROM flow;
COMMIT;

-- what is known not to fail prunes in branches, too
SELECT explain('SELECT * FROM flow WHERE day = ''2026-01-01'' OR day = current_date - 1');
SELECT explain('SELECT * FROM flow WHERE day = ''2026-01-01'' OR day >= date_trunc(''day'', now() - interval ''1 day'')::date');
SELECT explain('SELECT * FROM flow WHERE day = ''2026-01-01'' OR to_char(now(), ''YYYY-MM-DD'') = dir OR (current_date + 1)::text = dir');
PREPARE by_shift(int) AS SELECT * FROM flow WHERE day = '2026-01-01' OR day = current_date - $1;
SELECT explain('EXECUTE by_shift(2000000000)');
SELECT count(*) FROM flow WHERE day <= '2026-01-03' OR day >= now() - make_interval(years => port);
EXECUTE by_shift(2000000000); -- ERROR

SET client_min_messages = warning;
DROP SCHEMA deferred CASCADE;
