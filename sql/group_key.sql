--
-- Group keys that are computed: texts made of others, and spans of time, of which there are fewer than of seconds
--
\getenv abs_builddir PG_ABS_BUILDDIR
\set location :abs_builddir '/results/group_key.log'
\pset format unaligned
CREATE SCHEMA group_key;
SET search_path = group_key, public;
SET timezone = 'UTC';
SET max_parallel_workers_per_gather = 0;
CREATE SERVER group_key FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FUNCTION write(path text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (%s) TO %L', 'SELECT concat_ws('' '', n % 70000 - 3, CASE WHEN n % 11 = 0 THEN ''-'' ELSE ''host'' || n % 3 END, CASE n % 5 WHEN 0 THEN ''10.0.0.'' || n % 9 WHEN 1 THEN ''-''
		WHEN 2 THEN ''2001:db8::'' || n % 9 WHEN 3 THEN ''::ffff:10.0.0.'' || n % 9 ELSE ''10.0.0.0/'' || n % 33 END, CASE n % 3 WHEN 0 THEN ''t'' WHEN 1 THEN ''f'' ELSE ''-'' END, 1769731200 + n * 7)
		FROM generate_series(1, 20000) n', path);
END $$;
SELECT write(:'location');
CREATE FOREIGN TABLE flow (n int, host varchar, address inet, flag boolean, start bigint) SERVER group_key OPTIONS (location :'location', regex '(\S+) (\S+) (\S+) (\S+) (\S+)');
CREATE TABLE heap AS TABLE flow;
ANALYZE flow;
ANALYZE heap;

-- what the plan of a query has the reader group by; how many groups it expects, and how many of the rows differ from PostgreSQL's
CREATE FUNCTION look(key text, condition text DEFAULT 'true', OUT grouped_by text, OUT expected bigint, OUT groups bigint, OUT differences bigint) LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT %1$s, count(*) FROM flow WHERE %2$s GROUP BY %1$s', key, condition);
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	grouped_by := plan -> 0 -> 'Plan' ->> 'Pushed Group Key';
	expected := plan -> 0 -> 'Plan' ->> 'Plan Rows';
	EXECUTE format('SELECT count(*) FROM (%s) q', replace(query, 'FROM flow', 'FROM heap')) INTO groups;
	EXECUTE format('SELECT count(*) FROM ((%1$s EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL %1$s)) d', query, replace(query, 'FROM flow', 'FROM heap')) INTO differences;
END $$;

-- constants of concat() are of no type
SELECT key, grouped_by, differences FROM (VALUES ('concat(host, '':'', n)'), ('host || '':'' || n'), ('concat_ws('', '', host, n, NULL, flag)'), ('concat_ws(host, ''a'', n)'), ('concat(address, flag)'),
	('concat_ws(NULL, host, n)'), ('concat(n, NULL)'), ('concat(host, row(n))'), ('concat(VARIADIC ARRAY[host, n::text])')) k (key), look(key);
SELECT concat(host, ':', n), concat(address), concat_ws('/', flag, address, n) FROM flow WHERE concat(host, ':', n) IN ('host1:7', ':8', 'host2:8') OR concat(address, n) = '::ffff:10.0.0.060' ORDER BY n;
-- what PostgreSQL computes for a record may be an expression that the query does not have
SELECT count(*) FROM flow WHERE concat(address, ':', n) = '::ffff:10.0.0.0:60';
SELECT count(*) FROM flow WHERE CASE n WHEN 12 / (n - 5) THEN flag ELSE true END; -- ERROR

-- there are about as many groups as expected, and not as many as there are seconds
CREATE TEMP TABLE keys (id serial, key text, condition text DEFAULT 'true');
INSERT INTO keys (key) VALUES ('start / 300'), ('start - start % 300'), ('start / 60 * 60 + 7'), ('start % 600'), ('(start / 3600)::int'), ('to_timestamp(start / 3600 * 3600)'),
	('date_trunc(''minute'', to_timestamp(start))'), ('date_trunc(''hour'', to_timestamp(start) AT TIME ZONE ''UTC'')'), ('date_trunc(''day'', from_unixtime(start))'), ('to_timestamp(start)::date'),
	('date_bin(''10 minutes'', to_timestamp(start), ''2001-01-01'')'), ('extract(hour FROM to_timestamp(start))'), ('extract(minute FROM to_timestamp(start))'), ('date_part(''dow'', to_timestamp(start))'),
	('CASE WHEN n < 10 THEN ''few'' WHEN n < 5000 THEN ''more'' ELSE ''many'' END');
INSERT INTO keys (key, condition) VALUES ('start / 300', 'start BETWEEN 1769731200 AND 1769741200'), ('start / 300', 'start < 1769741200 AND host = ''host1''');
SELECT key, condition, CASE WHEN expected BETWEEN groups / 3 AND groups * 3 + 3 THEN 'as expected' ELSE expected || ' expected' END AS groups, differences FROM keys, look(key, condition) ORDER BY id;
-- as many as of both keys
SELECT expected BETWEEN 1000 AND 4000 FROM look('start / 300, host');
-- without ANALYZE, what is counted in a larger unit is known
CREATE FOREIGN TABLE unknown (start timestamptz OPTIONS (field '5')) SERVER group_key OPTIONS (location :'location', regex '(\S+) (\S+) (\S+) (\S+) (\S+)');
CREATE FUNCTION expected_rows(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
SELECT expected_rows('SELECT extract(hour FROM start), count(*) FROM unknown GROUP BY 1') <= 26 AS few;

-- so workers read a large log, though its groups by the second would be too many to be worth it
UPDATE pg_class SET relpages = 1, reltuples = 100000 WHERE oid = 'flow'::regclass;
SET max_parallel_workers_per_gather = 1;
CREATE FUNCTION is_shared(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan text;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan ~ 'Workers Planned';
END $$;
SELECT key, is_shared(format('SELECT %s, sum(n) FROM flow GROUP BY 1', key)) FROM (VALUES ('start / 300'), ('date_trunc(''minute'', to_timestamp(start))'), ('extract(hour FROM to_timestamp(start))'), ('start')) k (key);

-- a text that tells its columns: groups are of these, of whatever spelling, and an empty text is joined as NULL is
\set joined :abs_builddir '/results/group_key_joined.log'
CREATE FUNCTION write_joined(path text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (%s) TO %L', 'SELECT concat_ws('' '', CASE n % 4 WHEN 0 THEN '''' WHEN 1 THEN ''-'' ELSE ''h:'' || n % 3 END,
		CASE WHEN n % 7 = 0 THEN ''-'' WHEN n % 5 = 0 THEN ''00'' || n % 50 ELSE (n % 50 - 3)::text END, n % 6) FROM generate_series(1, 3000) n', path);
END $$;
SELECT write_joined(:'joined');
CREATE FOREIGN TABLE joined (host text, n int, m int) SERVER group_key OPTIONS (location :'joined', regex '([^ ]*) ([^ ]*) ([^ ]*)');
CREATE TABLE joined_heap AS TABLE joined;
ANALYZE joined;
ANALYZE joined_heap;
SELECT count(*) FILTER (WHERE host = '') AS empty, count(*) FILTER (WHERE host IS NULL) AS null, count(*) FILTER (WHERE n IS NULL) AS no_number FROM joined;
CREATE TEMP TABLE joined_queries (id serial, query text);
INSERT INTO joined_queries (query) VALUES ('SELECT concat(host, '':'', n) AS k, count(*), sum(m) FROM t GROUP BY 1'), ('SELECT concat(n, '' '', m, ''/'', host), count(*) FROM t GROUP BY 1'), ('SELECT concat(''<'', host, NULL, '': '', n, ''>''), m, max(m) FROM t GROUP BY 1, 2'),
	('SELECT concat(host, n), count(*) FROM t GROUP BY 1'), ('SELECT concat(host, '':-'', n), count(*) FROM t GROUP BY 1'), ('SELECT concat(host, '':'', host), count(*) FROM t GROUP BY 1'), ('SELECT concat(host, ''7''), count(*) FROM t GROUP BY 1'),
	('SELECT concat(host, '':'', n), count(DISTINCT m) FROM t GROUP BY 1'), ('SELECT concat(host, '':'', n), host, n, count(*) FROM t GROUP BY 1, 2, 3'), ('SELECT concat(host, '':'', n) FROM t GROUP BY 1 HAVING count(*) > 20'),
	('SELECT concat(host, '':'', n), count(*) FROM t GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 7'), ('SELECT concat(host, '':'', n) COLLATE "C" AS k, count(*) FROM t GROUP BY 1 ORDER BY 1 DESC LIMIT 7'), ('SELECT DISTINCT concat(host, '':'', n) FROM t'),
	('SELECT concat(host, '':'', n), m, count(*), grouping(m) FROM t GROUP BY ROLLUP (1, 2)'), ('SELECT count(*) FROM (SELECT concat(host, '':'', n) FROM t GROUP BY 1) q');
CREATE FUNCTION differences(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	result bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM (((%1$s) EXCEPT ALL (%2$s)) UNION ALL ((%2$s) EXCEPT ALL (%1$s))) d', replace(query, 'FROM t', 'FROM joined'), replace(query, 'FROM t', 'FROM joined_heap')) INTO result;
	RETURN result;
END $$;
SELECT id, query, differences(query) FROM joined_queries WHERE differences(query) > 0;
-- the same where it is as if there were much to read: in partial groups, in whole ones, and by several processes
UPDATE pg_class SET relpages = 1, reltuples = 1e8 WHERE oid = 'joined'::regclass;
SELECT id, query, differences(query) FROM joined_queries WHERE differences(query) > 0;
SET work_mem = '64kB';
SELECT id, query, differences(query) FROM joined_queries WHERE differences(query) > 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SELECT id, query, differences(query) FROM joined_queries WHERE differences(query) > 0;
RESET work_mem;
SELECT id, query, differences(query) FROM joined_queries WHERE differences(query) > 0;

SET client_min_messages = warning;
DROP SCHEMA group_key CASCADE;
DROP SERVER group_key;
