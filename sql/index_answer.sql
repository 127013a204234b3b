--
-- What the index has of whole files, which then are not read: counts by action and log status, and the extremes of times
--
\getenv abs_builddir PG_ABS_BUILDDIR
\set logs :abs_builddir '/results/index_answer_'
\set location :abs_builddir '/results/index_answer_${day}_*.log'
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA index_answer;
SET search_path = index_answer, public;
SET timezone = 'UTC';
SET datestyle = ISO;
SET intervalstyle = postgres;
SET max_parallel_workers_per_gather = 0;
CREATE SERVER index_answer FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FUNCTION write(path text, VARIADIC lines text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (SELECT unnest(%L::text[])) TO %L', array_prepend('srcaddr dstport bytes start end action log-status', lines), path);
END $$;
SELECT format('COPY (SELECT WHERE false) TO PROGRAM %L', 'rm -f ''' || :'logs' || '''*') AS clean \gset
:clean;

-- a file with records of all kinds, one with other times, one of which a record has no times, one without records
SELECT write(:'logs' || '2026-01-30_1.log',
	'10.0.0.1 443 100 1769731200 1769731260 ACCEPT OK', '10.0.0.2 22 50 1769731201 1769731261 REJECT OK', '10.0.0.1 443 7 1769731230 1769731262 ACCEPT OK');
SELECT write(:'logs' || '2026-01-31_2.log', '10.0.0.3 53 1 1769817600 1769817660 ACCEPT OK', '10.0.0.3 443 1 1769817605 1769817665 - NODATA');
SELECT write(:'logs' || '2026-01-31_3.log', '10.0.0.3 53 1 1769817700 1769817760 REJECT OK', '- - - - - - SKIPDATA');
SELECT write(:'logs' || '2026-02-01_4.log', VARIADIC '{}');
CREATE FOREIGN TABLE flow (
	day date, srcaddr inet, dstport int, bytes bigint, start timestamptz, "end" timestamptz, action text, log_status text
) SERVER index_answer OPTIONS (location :'location');
CREATE FOREIGN TABLE seconds (
	day text, srcaddr text, dstport int, bytes bigint, start bigint, "end" bigint, action varchar(10), log_status text, path text OPTIONS (field '$path')
) SERVER index_answer OPTIONS (location :'location');
SELECT flowlog_index_create('flow'), flowlog_index_create('seconds', '{srcaddr}');
SELECT pg_sleep(2.1);
CALL flowlog_index_refresh('flow');
CALL flowlog_index_refresh('seconds');

-- which files a query reads, and its rows; and those without the index, if they differ
CREATE FUNCTION ask(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	files text[];
	ours text;
	theirs text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		IF line ~ 'Files (Answered|Read|Pruned:)' THEN
			files := files || regexp_replace(trim(line), 'Files (\w)\w+( by Index)?:', '\1');
		END IF;
	END LOOP;
	EXECUTE format('SELECT string_agg(q::text, '' '' ORDER BY q::text COLLATE "C") FROM (%s) q', query) INTO ours;
	SET LOCAL flowlog_fdw.enable_index = off;
	EXECUTE format('SELECT string_agg(q::text, '' '' ORDER BY q::text COLLATE "C") FROM (%s) q', query) INTO theirs;
	SET LOCAL flowlog_fdw.enable_index = on;
	RETURN concat_ws(' ', files, ours, 'INSTEAD OF ' || nullif(theirs, ours));
END $$;

-- P: pruned, A: answered, R: read
SELECT query, ask('SELECT ' || query) FROM unnest(ARRAY[
	'count(*) FROM flow', 'action, count(*) FROM flow GROUP BY action', 'action, log_status, count(*) FROM flow GROUP BY 1, 2', 'DISTINCT action FROM flow', 'day, count(*) FROM flow GROUP BY day', 'day, action, count(*) FROM flow GROUP BY 1, 2',
	'min(start), max(start), min("end"), max("end") FROM flow', 'day, min(start), max("end"), count(*), count(start) FROM flow GROUP BY day', 'count(start), count("end") FROM flow', 'max(start) - min(start) FROM flow',
	'action, min(start) FROM flow GROUP BY action', $$min(start) FILTER (WHERE action = 'REJECT') FROM flow$$, $$min(start) FILTER (WHERE day = '2026-01-30'), count(*) FILTER (WHERE action = 'REJECT') FROM flow$$,
	'count(action), count(DISTINCT action), min(action), max(log_status) FROM flow', $$count(*) FILTER (WHERE action = 'REJECT') AS rejected, sum(CASE WHEN action = 'REJECT' THEN 1 ELSE 0 END) FROM flow$$,
	$$sum(length(action)), avg(length(log_status)), stddev(length(action)) FROM flow$$, 'upper(action), count(*) FROM flow GROUP BY 1', $$CASE WHEN action IS NULL THEN log_status ELSE action END, count(*) FROM flow GROUP BY 1$$,
	'count(*) FROM flow HAVING count(*) > 3', 'action, count(*) FROM flow GROUP BY 1 HAVING count(*) > 1', 'action, count(*) FROM flow GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1', 'action, log_status, count(*), grouping(action) FROM flow GROUP BY ROLLUP (1, 2)',
	'day, action, count(*) FROM flow GROUP BY CUBE (1, 2)', 'day, count(DISTINCT action), min(start) FROM flow GROUP BY day', 'count(DISTINCT day), count(DISTINCT log_status) FROM flow', 'count(*), 1 + count(*) FROM flow', 'count(bytes) FROM flow', 'count(srcaddr) FROM flow', 'sum(bytes) FROM flow', 'dstport, count(*) FROM flow GROUP BY 1', 'array_agg(action) FROM flow', 'count(*) FROM flow f, (VALUES (1), (2)) v', '1 FROM flow']) WITH ORDINALITY u(query, i) ORDER BY i;

-- conditions that hold for all records of a file, or for none, or that are on action, log status and the path
SELECT condition, ask('SELECT count(*) FROM flow WHERE ' || condition), ask('SELECT min(start), count(*) FROM flow WHERE ' || condition) FROM unnest(ARRAY[
	$$start >= '2026-01-31'$$, $$start < '2026-01-31'$$, $$start >= '2026-01-30' AND start < '2026-02-01'$$, $$start >= '2026-01-30 00:00:01'$$, $$start > '2026-01-30' OR "end" > '2026-01-30'$$, $$start < '2026-01-30 12:00' OR action = 'REJECT'$$,
	$$"end" < '2026-01-31 00:01:05' OR start >= '2026-01-31 00:01:40'$$, $$start <> '2026-01-30 00:00:05'$$, $$NOT start < '2026-01-31'$$, $$start IS NOT NULL$$, $$start IS NULL$$, $$(start > '2026-01-31') IS NULL$$, $$start < "end"$$, $$date_trunc('day', start) = '2026-01-31'$$, $$start IN ('2026-01-30', '2026-01-31')$$,
	$$action = 'REJECT'$$, $$action <> 'REJECT'$$, $$action IS NULL$$, $$action LIKE 'A%'$$, $$upper(action) = 'ACCEPT'$$, $$log_status = 'OK' AND action = 'ACCEPT'$$, $$action = 'REJECT' AND start >= '2026-01-31'$$, $$action = log_status$$, $$action IN ('ACCEPT', NULL)$$,
	$$day = '2026-01-31'$$, $$day >= '2026-01-31' AND action = 'REJECT'$$, $$day > '2026-01-30' OR action = 'REJECT'$$, $$dstport = 443$$, $$srcaddr = '10.0.0.3'$$, $$srcaddr = '10.9.9.9'$$, $$action = 'REJECT' OR dstport = 443$$, 'true', 'false', 'NULL'])
	WITH ORDINALITY u(condition, i) ORDER BY i;

-- times as seconds, and a path
SELECT query, ask('SELECT ' || query) FROM unnest(ARRAY[
	'count(*) FROM seconds', 'min(start), max("end") FROM seconds', 'to_timestamp(min(start)) FROM seconds', 'min(to_timestamp(start)) FROM seconds', 'count(*) FROM seconds WHERE start >= 1769817600', $$count(*) FROM seconds WHERE to_timestamp(start) >= '2026-01-31'$$,
	'count(*) FROM seconds WHERE start BETWEEN 1769731200 AND 1769731300', 'action, count(*) FROM seconds GROUP BY 1', $$count(*) FROM seconds WHERE day LIKE '2026-01%'$$, 'day, count(*) FROM seconds GROUP BY 1',
	$$right(path, 5), count(*), min(start) FROM seconds GROUP BY 1$$, $$action, count(*) FROM seconds WHERE path LIKE '%1.log' GROUP BY 1$$, $$count(DISTINCT path), count(*) FROM seconds$$]) WITH ORDINALITY u(query, i) ORDER BY i;

-- plain EXPLAIN says it, and so do the counts of the last statement
EXPLAIN (COSTS OFF) SELECT action, count(*) FROM flow WHERE start >= '2026-01-31' GROUP BY action \g (tuples_only=on) | sed -n '/Files/p'
SELECT count(*) FROM flow;
SELECT files, files_read, files_pruned, files_answered, bytes, lines, files = files_read + files_pruned + files_skipped + files_not_reached + files_answered AS balanced FROM flowlog_last_scan();

-- parameters, rescans and cursors
PREPARE q(timestamptz, text) AS SELECT count(*) FROM flow WHERE start >= $1 OR action = $2;
SET plan_cache_mode = force_generic_plan;
EXECUTE q('2026-01-31', 'REJECT');
EXECUTE q('2026-01-30 00:00:01', NULL);
RESET plan_cache_mode;
SELECT t, (SELECT count(*) FROM flow WHERE start >= t) FROM generate_series(timestamptz '2026-01-30', '2026-02-01', '1 day') t;
SELECT a, (SELECT count(*) FROM flow WHERE action = a) FROM unnest(ARRAY['ACCEPT', 'REJECT', 'OK', NULL]) a;
SELECT n, c FROM generate_series(1, 3) n, LATERAL (SELECT count(*) + n AS c FROM flow OFFSET 0) s;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT action, count(*) FROM flow GROUP BY action ORDER BY action;
FETCH 2 FROM c;
FETCH BACKWARD 2 FROM c;
SELECT flowlog_index_drop('flow');
MOVE ABSOLUTE 0 FROM c;
FETCH ALL FROM c;
ROLLBACK;

-- workers: the leader lists, and one process has what the index says
SET max_parallel_workers_per_gather = 2;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET flowlog_fdw.enable_rollup = off;
SELECT query, ask('SELECT ' || query) FROM unnest(ARRAY['count(*) FROM flow', 'action, count(*), count(DISTINCT log_status) FROM flow GROUP BY 1', 'min(start), count(*) FROM flow']) query;
SET parallel_leader_participation = off;
SELECT query, ask('SELECT ' || query) FROM unnest(ARRAY['count(*) FROM flow', 'action, count(*), count(DISTINCT log_status) FROM flow GROUP BY 1', 'min(start), count(*) FROM flow']) query;
SELECT n, (SELECT count(*) FROM flow WHERE action = a) FROM (VALUES (1, 'ACCEPT'), (2, 'REJECT')) v(n, a);
RESET parallel_leader_participation;

-- partitions
CREATE TABLE all_flow (action text, start timestamptz, day date) PARTITION BY RANGE (day);
CREATE FOREIGN TABLE january PARTITION OF all_flow FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') SERVER index_answer OPTIONS (location :'location');
CREATE TABLE february PARTITION OF all_flow FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
INSERT INTO february VALUES ('ACCEPT', '2026-02-02', '2026-02-02');
SELECT flowlog_index_create('january', '{action}');
CALL flowlog_index_refresh('january');
SET enable_partitionwise_aggregate = on;
SELECT query, ask('SELECT ' || query) FROM unnest(ARRAY['count(*) FROM all_flow', 'action, count(*) FROM all_flow GROUP BY 1', 'min(start), max(start) FROM all_flow']) query;
RESET ALL;
SET search_path = index_answer, public;
SET timezone = 'UTC';
SET datestyle = ISO;
SET intervalstyle = postgres;
SET max_parallel_workers_per_gather = 0;

-- a file is read if it is new or has changed, or if lines of it were rejected
SELECT write(:'logs' || '2026-02-01_4.log', '10.0.0.9 1 1 1769904000 1769904060 ACCEPT OK');
SELECT write(:'logs' || '2026-02-01_5.log', '10.0.0.9 1 1 1769904000 1769904060 ACCEPT OK', 'no record');
ALTER FOREIGN TABLE flow OPTIONS (ADD on_error 'ignore', ADD log_verbosity 'silent');
ALTER FOREIGN TABLE seconds OPTIONS (ADD on_error 'set_null', ADD log_verbosity 'silent');
SELECT ask('SELECT count(*) FROM flow'), ask('SELECT count(*) FROM seconds');
SELECT pg_sleep(2.1);
CALL flowlog_index_refresh('flow');
CALL flowlog_index_refresh('seconds');
SELECT ask('SELECT count(*) FROM flow'), ask('SELECT count(*) FROM seconds'), ask('SELECT action, count(*) FROM seconds GROUP BY 1');

-- whoever sees rows through a policy or a view with a barrier is not told by how many files
CREATE VIEW shown WITH (security_barrier) AS SELECT * FROM flow WHERE action = 'ACCEPT';
SELECT ask('SELECT count(*) FROM shown'), ask($$SELECT count(*) FROM shown WHERE start >= '2026-01-31'$$);

-- more kinds of records than are counted, and long texts
SELECT write(:'logs' || '2026-02-02_6.log', VARIADIC ARRAY(SELECT format('10.0.0.9 1 1 1769990400 1769990460 A%s OK', n) FROM generate_series(1, 65) n));
SELECT write(:'logs' || '2026-02-02_7.log', format('10.0.0.9 1 1 1769990400 1769990460 %s OK', repeat('x', 65)));
SELECT write(:'logs' || '2026-02-02_8.log', VARIADIC ARRAY(SELECT format('10.0.0.9 1 1 1769990400 1769990460 A%s OK', n % 64) FROM generate_series(1, 1000) n));
SELECT pg_sleep(2.1);
CALL flowlog_index_refresh('flow');
SELECT ask('SELECT count(*) FROM flow'), ask($$SELECT count(*), count(DISTINCT action) FROM flow WHERE day = '2026-02-02'$$);

SELECT flowlog_index_drop('january');
SELECT flowlog_index_drop('flow');
SELECT flowlog_index_drop('seconds');
:clean;
DROP TABLE all_flow;
DROP VIEW shown;
DROP FOREIGN TABLE flow, seconds;
