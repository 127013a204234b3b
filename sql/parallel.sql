--
-- Parallel scans: their plans, and that the rows and counts are those of a scan by one process
--
\pset format unaligned
CREATE SCHEMA parallel;
SET search_path = parallel, public;
\getenv abs_builddir PG_ABS_BUILDDIR
CREATE SERVER parallel FOREIGN DATA WRAPPER flowlog_fdw;

-- logs large enough to be cut: a line in a thousand is no record, one in 50 has no data
CREATE TABLE line (n int, text text);
INSERT INTO line SELECT n, CASE WHEN n % 1000 = 999 THEN 'broken ' || n
	WHEN n % 50 = 49 THEN n || ' - - -'
	ELSE format('%s 10.0.%s.%s %s %s', n, n / 251 % 251, n % 251, n % 65536, (ARRAY['ACCEPT', 'REJECT'])[1 + n % 10 / 9]) END
	FROM generate_series(1, 60000) n;
\set directory :abs_builddir '/results/parallel'
\! mkdir -p results/parallel
\set one :directory '/one.log'
\set two :directory '/two.log'
COPY (SELECT text FROM line WHERE n <= 40000 ORDER BY n) TO :'one';
COPY (SELECT text FROM line WHERE n > 40000 ORDER BY n) TO :'two';

CREATE FOREIGN TABLE logs (n int, address inet, port int, action text) SERVER parallel
	OPTIONS (location :'directory', regex '(\S+) (\S+) (\S+) (\S+)', on_error 'ignore', log_verbosity 'silent');
CREATE VIEW heap AS
	SELECT (string_to_array(text, ' ', '-'))[1]::int AS n, (string_to_array(text, ' ', '-'))[2]::inet AS address,
		(string_to_array(text, ' ', '-'))[3]::int AS port, (string_to_array(text, ' ', '-'))[4] AS action
	FROM line WHERE text !~ '^broken';

SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;

--
-- Plans
--
EXPLAIN (COSTS OFF, SUMMARY OFF) SELECT count(*) FROM logs WHERE port > 60000;
EXPLAIN (COSTS OFF, SUMMARY OFF) SELECT action, sum(port) FROM logs GROUP BY action ORDER BY action;

-- the other side of a join is not read by each worker for itself
SET enable_mergejoin = off;
SET enable_nestloop = off;
SET flowlog_fdw.enable_runtime_sets = off;
EXPLAIN (COSTS OFF, SUMMARY OFF) SELECT count(*) FROM logs a JOIN logs b USING (n);
RESET enable_mergejoin;
RESET enable_nestloop;
RESET flowlog_fdw.enable_runtime_sets;

-- small tables are not worth it
RESET min_parallel_table_scan_size;
EXPLAIN (COSTS OFF, SUMMARY OFF) SELECT count(*) FROM logs;
SET min_parallel_table_scan_size = 0;

-- as many workers as there are units beside the leader's: here none
CREATE FOREIGN TABLE one_unit (line text) SERVER parallel OPTIONS (location :'one', regex '(.*)', header 'match');
EXPLAIN (COSTS OFF, SUMMARY OFF) SELECT count(*) FROM one_unit;
ALTER FOREIGN TABLE one_unit OPTIONS (DROP header);
EXPLAIN (COSTS OFF, SUMMARY OFF) SELECT count(*) FROM one_unit;
ALTER FOREIGN TABLE one_unit OPTIONS (ADD compression 'gzip');
EXPLAIN (COSTS OFF, SUMMARY OFF) SELECT count(*) FROM one_unit;

-- a type that a worker must not read
CREATE FUNCTION is_odd(int) RETURNS bool LANGUAGE plpgsql PARALLEL UNSAFE AS $$ BEGIN RETURN $1 % 2 = 1; END $$;
CREATE DOMAIN safe AS int CHECK (VALUE < 100000);
CREATE DOMAIN odd AS safe CHECK (is_odd(VALUE) OR NOT is_odd(VALUE));
CREATE DOMAIN odd_too AS odd;
ALTER FOREIGN TABLE logs ALTER port TYPE safe;
EXPLAIN (COSTS OFF, SUMMARY OFF) SELECT count(*) FROM logs;
ALTER FOREIGN TABLE logs ALTER port TYPE odd_too;
EXPLAIN (COSTS OFF, SUMMARY OFF) SELECT count(*) FROM logs;
ALTER FOREIGN TABLE logs ALTER port TYPE odd_too[];
EXPLAIN (COSTS OFF, SUMMARY OFF) SELECT count(*) FROM logs;
ALTER FOREIGN TABLE logs ALTER port TYPE int;

--
-- Rows
--
SELECT count(*), sum(n), sum(port), count(address), count(DISTINCT action) FROM logs;
SELECT count(*), sum(n), sum(port), count(address), count(DISTINCT action) FROM heap;
SET max_parallel_workers_per_gather = 8;
SELECT count(*), sum(n), sum(port), count(address), count(DISTINCT action) FROM logs;

-- with the leader only, with workers only, and where no worker can be had
SET max_parallel_workers = 0;
SELECT count(*), sum(n) FROM logs;
SET parallel_leader_participation = off;
SELECT count(*), sum(n) FROM logs;
RESET max_parallel_workers;
SELECT count(*), sum(n) FROM logs;
RESET parallel_leader_participation;
SET max_parallel_workers_per_gather = 2;

-- row by row, both ways
CREATE TABLE read AS SELECT * FROM logs;
SELECT count(*) FROM ((TABLE read EXCEPT ALL TABLE heap) UNION ALL (TABLE heap EXCEPT ALL TABLE read)) d;
SELECT count(*) FROM logs a JOIN logs b USING (n) WHERE a.port < 100 AND b.action = 'REJECT';
SELECT count(*) FROM heap a JOIN heap b USING (n) WHERE a.port < 100 AND b.action = 'REJECT';

-- the end is not always reached
SELECT count(*) FROM (SELECT * FROM logs LIMIT 10) l;
SELECT EXISTS (SELECT FROM logs WHERE port = 77), EXISTS (SELECT FROM logs WHERE port = -1);

-- a cursor reads alone
BEGIN;
DECLARE c CURSOR FOR SELECT n FROM logs ORDER BY n;
FETCH 2 FROM c;
MOVE 50000 IN c;
FETCH 1 FROM c;
COMMIT;

-- again and again
SET enable_material = off;
SELECT v, (SELECT count(*) FROM logs WHERE port < v) FROM (VALUES (10), (1000), (30)) x(v);
SELECT v, c FROM (VALUES (10), (1000), (30)) x(v), LATERAL (SELECT count(*) AS c FROM logs WHERE port < v) l;
EXPLAIN (COSTS OFF, SUMMARY OFF) SELECT v, c FROM (VALUES (10), (1000)) x(v) LEFT JOIN (SELECT count(*) AS c FROM logs) l ON c + v > 0;
SELECT v, c FROM (VALUES (10), (1000)) x(v) LEFT JOIN (SELECT count(*) AS c FROM logs) l ON c + v > 0;
RESET enable_material;

-- partitions
CREATE TABLE parted (n int, address inet, port int, action text) PARTITION BY RANGE (n);
CREATE FOREIGN TABLE part_1 PARTITION OF parted FOR VALUES FROM (MINVALUE) TO (40001) SERVER parallel
	OPTIONS (location :'one', regex '(\S+) (\S+) (\S+) (\S+)', on_error 'ignore', log_verbosity 'silent');
CREATE FOREIGN TABLE part_2 PARTITION OF parted FOR VALUES FROM (40001) TO (MAXVALUE) SERVER parallel
	OPTIONS (location :'two', regex '(\S+) (\S+) (\S+) (\S+)', on_error 'ignore', log_verbosity 'silent');
EXPLAIN (COSTS OFF, SUMMARY OFF) SELECT count(*), sum(port) FROM parted;
SELECT count(*), sum(port) FROM parted;
SELECT count(*), sum(port) FROM heap;

--
-- Counts
--
CREATE FUNCTION ledger(query text, OUT workers int, OUT ledger text) LANGUAGE plpgsql AS $$
DECLARE
	plan json;
	scan jsonb;
	gather jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT json) ' || query INTO plan;
	scan := jsonb_path_query_first(plan::jsonb, 'strict $.** ? (@."Node Type" == "Foreign Scan")');
	gather := jsonb_path_query_first(plan::jsonb, 'strict $.** ? (@."Node Type" == "Gather")');
	workers := gather ->> 'Workers Planned';
	SELECT string_agg(format('%s %s', key, value), ', ' ORDER BY number) INTO ledger
		FROM unnest(ARRAY['Files', 'Files Read', 'Files Not Reached', 'Bytes', 'Bytes Read', 'Lines', 'Lines Emitted', 'Lines Filtered', 'Lines Rejected', 'Lines Set Null', 'Headers', 'Blank Lines'])
			WITH ORDINALITY k(key, number), LATERAL (SELECT scan ->> key) v(value);
END $$;
SELECT * FROM ledger('SELECT count(*) FROM logs WHERE port < 1000');
SET parallel_leader_participation = off;
SELECT * FROM ledger('SELECT count(*) FROM logs WHERE port < 1000');
RESET parallel_leader_participation;
SET max_parallel_workers_per_gather = 0;
SELECT * FROM ledger('SELECT count(*) FROM logs WHERE port < 1000');
SET max_parallel_workers_per_gather = 2;

-- one warning of all rejects, by the leader, that names the first
ALTER FOREIGN TABLE logs OPTIONS (SET log_verbosity 'default');
SELECT count(*) FROM logs;
ALTER FOREIGN TABLE logs OPTIONS (SET on_error 'set_null');
SELECT count(*) FROM logs;

-- a limit on all rejects together
ALTER FOREIGN TABLE logs OPTIONS (SET on_error 'ignore', SET log_verbosity 'silent', ADD reject_limit '60');
SELECT count(*) FROM logs;
ALTER FOREIGN TABLE logs OPTIONS (SET reject_limit '59');
\set VERBOSITY sqlstate
SELECT count(*) FROM logs; -- ERROR
\set VERBOSITY default
SET enable_material = off;
ALTER FOREIGN TABLE logs OPTIONS (SET reject_limit '60');
SELECT v, c FROM (VALUES (10), (1000)) x(v) LEFT JOIN (SELECT count(*) AS c FROM logs) l ON c + v > 0; -- for each scan
RESET enable_material;

-- An error by whoever meets the line names it.  Which line is up to who is first; but
-- line 999 of the second file is "broken 40999".
ALTER FOREIGN TABLE logs OPTIONS (SET location :'two', SET on_error 'stop', DROP reject_limit);
CREATE FUNCTION place(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	context text;
	place text[];
BEGIN
	EXECUTE query;
	RETURN NULL;
EXCEPTION WHEN bad_copy_file_format THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	place := regexp_match(context, 'two.log", line (\d+): "broken (\d+)"');
	RETURN place[2]::int - place[1]::int;
END $$;
SELECT place('SELECT count(*) FROM logs'), place('SELECT sum(port) FROM logs');

\set VERBOSITY terse
SET client_min_messages = warning;
DROP SERVER parallel CASCADE;
DROP SCHEMA parallel CASCADE;
