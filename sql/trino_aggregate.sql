--
-- Aggregates of Trino's: the same as PostgreSQL's own means give, in memory, on disk and in parallel
--
\pset format unaligned
CREATE SCHEMA trino_aggregate;
SET search_path = trino_aggregate, public;

-- NULLs, no rows, and types
SELECT count_if(x > 2), count_if(x > 9), count_if(NULL), count_if(x > 2) FILTER (WHERE x < 4), count_if(DISTINCT x > 2), pg_typeof(count_if(true)) FROM unnest(ARRAY[1, 2, 3, 4, NULL]) x;
SELECT approx_distinct(x % 3), approx_distinct(x), approx_distinct(NULL::text), approx_distinct(x::text), approx_distinct(x / 1.5), pg_typeof(approx_distinct(x)) FROM unnest(ARRAY[1, 2, 3, 4, 4, NULL]) x;
SELECT approx_percentile(x, 0), approx_percentile(x, 0.5), approx_percentile(x, 0.95), approx_percentile(x, 1), approx_percentile(x, NULL), approx_percentile(x::float8, 0.2), pg_typeof(approx_percentile(x, 0.5)) FROM unnest(ARRAY[5, 1, 4, 2, 3, NULL]) x;
SELECT max_by(x, y), min_by(x, y), max_by(y, x), max_by(x, NULL::int), min_by(NULL::int, y), pg_typeof(max_by(x, y)) FROM (VALUES ('a', 1), ('b', 3), (NULL, 4), ('c', NULL), ('d', 0)) v (x, y);
SELECT max_by(x, y), min_by(x, y) FROM (VALUES ('a', 1), ('b', 3), ('c', NULL), ('d', 0)) v (x, y);
SELECT max_by(inet '10.0.0.1', 1.5), min_by(1, timestamptz '2026-01-30 00:00+00') IS NOT NULL AS by_time, max_by(ARRAY[1, 2], 'x'::text), approx_distinct(IPADDRESS '10.0.0.1'), arbitrary(x) FROM unnest(ARRAY[NULL, 7, 7]) x;
SELECT count_if(true), approx_distinct(1), approx_percentile(1, 0.5), max_by(1, 2), min_by(1, 2), arbitrary(1) FROM generate_series(1, 0);
-- ERROR
SELECT approx_percentile(x, 1.5) FROM generate_series(1, 2) x;
SELECT approx_percentile(x, 'NaN') FROM generate_series(1, 2) x;
SELECT approx_percentile(x, x / 10.0) FROM generate_series(1, 2) x;
SELECT approx_distinct(x) FROM (VALUES (point '(1, 2)')) v (x);
SELECT max_by(1, x) FROM (VALUES (point '(1, 2)')) v (x);

-- many values of several types, in groups and in all, in memory and on disk
SELECT setseed(0.2);
CREATE TABLE value AS SELECT i % 7 AS g, floor(random() * 20000)::int AS n, floor(random() * 5000)::int8 * 1000003 AS bytes, (inet '10.0.0.0' + floor(random() * 30000)::int8) AS address,
	repeat('x', (i % 40)) || floor(random() * 9000) AS name, round(random()::numeric * 1000, 3) AS amount, CASE WHEN random() < 0.1 THEN NULL ELSE random() END AS real
FROM generate_series(1, 20000) i;
CREATE FUNCTION compare(by text) RETURNS TABLE (distinct_values bool, percentiles bool, best bool, counts bool, groups bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($sql$
		SELECT bool_and(approx = exact), bool_and(percentile = disc), bool_and(best), bool_and(counts), count(*) FROM (
			SELECT ARRAY[approx_distinct(n), approx_distinct(bytes), approx_distinct(address), approx_distinct(name), approx_distinct(amount), approx_distinct(real)] AS approx,
				ARRAY[count(DISTINCT n), count(DISTINCT bytes), count(DISTINCT address), count(DISTINCT name), count(DISTINCT amount), count(DISTINCT real)] AS exact,
				ROW(approx_percentile(n, 0.5), approx_percentile(bytes, 0.95), approx_percentile(name, 0.1), approx_percentile(amount, 0.999), approx_percentile(real, 0.25), approx_percentile(address, 0)) AS percentile,
				ROW(percentile_disc(0.5) WITHIN GROUP (ORDER BY n), percentile_disc(0.95) WITHIN GROUP (ORDER BY bytes), percentile_disc(0.1) WITHIN GROUP (ORDER BY name), percentile_disc(0.999) WITHIN GROUP (ORDER BY amount),
					percentile_disc(0.25) WITHIN GROUP (ORDER BY real), percentile_disc(0) WITHIN GROUP (ORDER BY address)) AS disc,
				max_by(real, real) = max(real) AND min_by(real, real) = min(real) AND max_by(name, name) = max(name) AND min_by(name, name) = min(name) AND max_by(address, amount) = ANY (array_agg(address)) AS best,
				count_if(n > 5000) = count(*) FILTER (WHERE n > 5000) AND count_if(real > 0.5) = count(*) FILTER (WHERE real > 0.5) AND arbitrary(n) = ANY (array_agg(n)) AS counts
			FROM value GROUP BY %s) q$sql$, by);
END $$;
SELECT work_mem, c.* FROM unnest(ARRAY['64kB', '100kB', '64MB']) work_mem, LATERAL (SELECT set_config('work_mem', work_mem, false)) s, LATERAL compare(CASE WHEN s.set_config IS NOT NULL THEN 'g' END) c;
SET work_mem = '64kB';
SELECT * FROM compare('()');
SELECT * FROM compare('n % 1000');
SET enable_sort = off;
SELECT * FROM compare('n % 1000');
RESET enable_sort;
-- groups that begin anew, in each of which the sort of the last one ends
SELECT g, (SELECT approx_distinct(name) FROM value v WHERE v.g <= o.g) = (SELECT count(DISTINCT name) FROM value v WHERE v.g <= o.g) AS same FROM generate_series(0, 3) o (g);
SELECT g, (SELECT approx_percentile(name, 0.5) FROM value v WHERE v.g <= o.g LIMIT 1) = (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY name) FROM value v WHERE v.g <= o.g) AS same FROM generate_series(0, 3) o (g);
-- short values, and then long ones of which some come again
CREATE TABLE long AS SELECT CASE WHEN i < 5000 THEN i::text ELSE repeat(md5((i % 1500)::text), 1 + i % 90) END AS t FROM generate_series(1, 8000) i;
SELECT approx_distinct(t) = count(DISTINCT t) AS distinct, approx_percentile(t, 0.7) = percentile_disc(0.7) WITHIN GROUP (ORDER BY t) AS percentile FROM long;
RESET work_mem;

-- over windows, and in parallel
SELECT x, count_if(x % 2 = 0) OVER (ORDER BY x ROWS 2 PRECEDING), max_by(x, -x) OVER (ORDER BY x ROWS 2 PRECEDING), arbitrary(x) OVER (ORDER BY x DESC) FROM generate_series(1, 5) x ORDER BY x;
SELECT approx_distinct(x) OVER () FROM generate_series(1, 5) x; -- ERROR
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT count_if(n > 5000), arbitrary(g) FROM value WHERE g = 1;
SELECT count_if(n > 5000) = count(*) FILTER (WHERE n > 5000) AS counts, arbitrary(g) FROM value WHERE g = 1;
SELECT approx_distinct(n) = count(DISTINCT n) AS distinct, approx_percentile(n, 0.9) = percentile_disc(0.9) WITHIN GROUP (ORDER BY n) AS percentile FROM value;

\set VERBOSITY terse
DROP SCHEMA trino_aggregate CASCADE;
