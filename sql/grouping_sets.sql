--
-- GROUPING SETS, ROLLUP and CUBE: groups of several sets of keys, all of which the reader computes
--
\getenv abs_builddir PG_ABS_BUILDDIR
\set location :abs_builddir '/results/grouping_sets.log'
\pset format unaligned
CREATE SCHEMA grouping_sets;
SET search_path = grouping_sets, public;
SET timezone = 'UTC';
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE SERVER grouping_sets FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FUNCTION write(path text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (%s) TO %L', 'SELECT concat_ws('' '', CASE n % 9 WHEN 8 THEN ''-'' ELSE ''ACCEPT'' END, CASE n % 7 WHEN 3 THEN ''-'' WHEN 4 THEN ''06'' ELSE ''6'' END, 1769731200 + n % 2 * 86400, n)
		FROM generate_series(1, 90) n', path);
END $$;
SELECT write(:'location');
CREATE FOREIGN TABLE flow (action text, protocol int, start timestamptz, bytes bigint)
	SERVER grouping_sets OPTIONS (location :'location', regex '(\S+) (\S+) (\S+) (\S+)');
-- as if there were much to read
UPDATE pg_class SET relpages = 1, reltuples = 1e8 WHERE oid = 'flow'::regclass;
CREATE TABLE heap AS SELECT * FROM flow;
CREATE FUNCTION explain(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		CONTINUE WHEN line ~ 'Location|Format|Files|Bytes';
		RETURN NEXT regexp_replace(line, 'flow\.', '', 'g');
	END LOOP;
END $$;
CREATE FUNCTION pushed(query text) RETURNS boolean LANGUAGE sql AS $$ SELECT bool_or(line ~ 'Pushed Group Key') FROM explain(query) line $$;

-- a NULL that is rolled up is not one of the records
SELECT explain('SELECT action, protocol, count(*), sum(bytes), grouping(action, protocol) FROM flow GROUP BY ROLLUP (action, protocol) ORDER BY 5, 1, 2');
SELECT action, protocol, count(*), sum(bytes), grouping(action, protocol) FROM flow GROUP BY ROLLUP (action, protocol) ORDER BY 5, 1, 2;
SELECT action, protocol, count(*), sum(bytes), grouping(action, protocol) FROM heap GROUP BY ROLLUP (action, protocol) ORDER BY 5, 1, 2;

-- all combinations; expressions of keys and of GROUPING(); FILTER and HAVING
SELECT explain('SELECT coalesce(action, ''all''), start::date, count(*) FILTER (WHERE bytes > 40), avg(bytes), 1 - grouping(start::date) FROM flow
	GROUP BY CUBE (action, start::date) HAVING max(bytes) > 88 ORDER BY 5, 1, 2');
SELECT coalesce(action, 'all'), start::date, count(*) FILTER (WHERE bytes > 40), avg(bytes), 1 - grouping(start::date) FROM flow
	GROUP BY CUBE (action, start::date) HAVING max(bytes) > 88 ORDER BY 5, 1, 2;
SELECT coalesce(action, 'all'), start::date, count(*) FILTER (WHERE bytes > 40), avg(bytes), 1 - grouping(start::date) FROM heap
	GROUP BY CUBE (action, start::date) HAVING max(bytes) > 88 ORDER BY 5, 1, 2;
-- keys whose fields have no one form
SELECT start, protocol, min(start), count(*) FROM flow WHERE action IS NOT NULL GROUP BY GROUPING SETS (start, protocol) ORDER BY 1, 2;
-- sets in common with a plain key, of which some are equal
SELECT action, protocol, count(*) FROM flow GROUP BY action, GROUPING SETS (protocol, protocol, ()) ORDER BY 1, 2, 3;
SELECT action, protocol, count(*) FROM flow GROUP BY DISTINCT action, GROUPING SETS (protocol, protocol, ()) ORDER BY 1, 2, 3;
-- without a record, only sets of no keys have groups
SELECT action, count(*), sum(bytes), grouping(action) FROM flow WHERE bytes < 0 GROUP BY GROUPING SETS (action, (), ());
SELECT action, count(*) FROM flow WHERE bytes < 0 GROUP BY ROLLUP (action) HAVING count(*) > 0;
-- of a view that computes the keys and what is aggregated
CREATE VIEW traffic AS SELECT coalesce(action, 'NONE') AS outcome, date_trunc('hour', start) AS hour, bytes * 8 AS bits FROM flow;
SELECT explain('SELECT hour, outcome || ''s'', sum(bits), grouping(hour) FROM traffic GROUP BY ROLLUP (hour, outcome) HAVING sum(bits) > 0 ORDER BY 1, 2');
SELECT hour, outcome || 's', sum(bits), grouping(hour) FROM traffic GROUP BY ROLLUP (hour, outcome) HAVING sum(bits) > 0 ORDER BY 1, 2;
-- again, with other parameters
SELECT n, action, c FROM generate_series(1, 3) n, LATERAL (SELECT action, count(*) c FROM flow WHERE bytes <= n * 4 GROUP BY ROLLUP (action)) x ORDER BY 1, 2, 3;
-- not in the reader: aggregates of distinct values, keys that it cannot compute, two names of one column
SELECT pushed('SELECT action, count(*) FROM flow GROUP BY ROLLUP (action)');
SELECT pushed('SELECT action, count(DISTINCT protocol) FROM flow GROUP BY ROLLUP (action)');
SELECT pushed('SELECT md5(action || protocol || start), count(*) FROM flow GROUP BY ROLLUP (1)');
SELECT pushed('SELECT action AS a, action AS b, count(*) FROM flow GROUP BY ROLLUP (a, b)');
SELECT pushed('SELECT action AS a, action AS b, count(*) FROM flow GROUP BY a, ROLLUP (b)');
SELECT pushed('SELECT a, b, count(*) FROM (SELECT protocol % 4 AS a, protocol % 4 AS b FROM flow) x GROUP BY a, ROLLUP (b)');
SELECT pushed('SELECT a, count(*) FROM (SELECT ''x'' AS a FROM flow) x GROUP BY ROLLUP (a)');
SELECT pushed('SELECT action, grouping(action), count(*) FROM flow GROUP BY action');
SELECT action AS a, action AS b, count(*) FROM flow GROUP BY ROLLUP (a, b) ORDER BY 1, 2, 3;
SET flowlog_fdw.enable_aggregate_pushdown = off;
SELECT pushed('SELECT action, count(*) FROM flow GROUP BY ROLLUP (action)');

DROP SERVER grouping_sets CASCADE;
DROP SCHEMA grouping_sets CASCADE;
