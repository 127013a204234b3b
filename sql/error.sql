--
-- Errors: lines that are no record, values that are none, and what "on_error" makes of them
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set data :abs_srcdir '/test/data/'
\set fields :data 'fields.log'
\set record '(\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+)'
\pset format unaligned
CREATE SCHEMA error;
SET search_path = error, public;
SET error.data = :'data';
SET timezone = 'UTC';

CREATE SERVER error FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FOREIGN TABLE flow (
	version int, account_id text, interface_id text, srcaddr inet, dstaddr inet, srcport int, dstport int,
	protocol int, packets bigint, bytes bigint, start timestamptz, "end" timestamptz, action text, log_status text
) SERVER error OPTIONS (location :'fields', regex :'record', on_error 'stop');

CREATE PROCEDURE set_option(name text, value text) LANGUAGE plpgsql AS $$
BEGIN
	IF name = 'location' THEN
		value := current_setting('error.data') || value;
	END IF;
	EXECUTE format('ALTER FOREIGN TABLE flow OPTIONS (%s %I %L)',
		CASE WHEN EXISTS (SELECT FROM pg_foreign_table, unnest(ftoptions) o WHERE ftrelid = 'flow'::regclass AND o LIKE name || '=%') THEN 'SET' ELSE 'ADD' END, name, value);
END $$;

-- the lines of a scan, as EXPLAIN ANALYZE counts them: the columns add up
CREATE FUNCTION ledger(query text, OUT lines bigint, OUT headers bigint, OUT blank bigint, OUT emitted bigint, OUT filtered bigint,
	OUT rejected bigint, OUT set_null bigint, OUT balanced boolean)
LANGUAGE plpgsql AS $$
DECLARE
	plan json;
	scan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT json) ' || query INTO plan;
	scan := jsonb_path_query_first(plan::jsonb, 'strict $.** ? (@."Node Type" == "Foreign Scan")');
	lines := scan ->> 'Lines'; headers := scan ->> 'Headers'; blank := scan ->> 'Blank Lines'; emitted := scan ->> 'Lines Emitted';
	filtered := scan ->> 'Lines Filtered'; rejected := scan ->> 'Lines Rejected'; set_null := scan ->> 'Lines Set Null';
	balanced := lines = headers + blank + emitted + filtered + rejected
		AND (scan ->> 'Files')::int = (scan ->> 'Files Read')::int + (scan ->> 'Files Pruned')::int + (scan ->> 'Files Skipped')::int + (scan ->> 'Files Not Reached')::int;
END $$;
CREATE FUNCTION outcome(file text, on_error text, query text, OUT result text) LANGUAGE plpgsql AS $$
BEGIN
	CALL set_option('location', file);
	CALL set_option('on_error', on_error);
	SELECT format('%s lines = %s headers + %s blank + %s emitted + %s filtered + %s rejected, %s set to null: %s', lines, headers, blank, emitted, filtered, rejected, set_null, balanced)
	INTO result FROM ledger(query);
EXCEPTION WHEN OTHERS THEN
	result := SQLSTATE || ': ' || SQLERRM;
END $$;

-- every kind of bad line under every on_error, with no column used, all of them, and a filter
CALL set_option('log_verbosity', 'silent');
SELECT file, query, on_error, outcome(file || '.log', on_error, query)
FROM unnest(ARRAY['fields', 'numbers', 'bad_utf8', 'nul', 'blanks', 'nodata']) WITH ORDINALITY f(file, i),
	unnest(ARRAY['SELECT count(*) FROM flow', 'TABLE flow', 'SELECT count(*) FROM flow WHERE dstport = 443', 'SELECT count(*) FROM flow WHERE packets IS NULL']) WITH ORDINALITY q(query, j),
	unnest(ARRAY['stop', 'ignore', 'set_null']) WITH ORDINALITY o(on_error, k)
ORDER BY i, j, k;

-- the rows
CALL set_option('on_error', 'ignore');
CALL set_option('location', 'numbers.log');
SELECT srcaddr, dstport, packets, start FROM flow;
CALL set_option('location', 'bad_utf8.log');
SELECT interface_id, action FROM flow;
CALL set_option('on_error', 'set_null');
SELECT interface_id, action FROM flow;
SELECT interface_id, dstport FROM flow WHERE interface_id IS NULL;
CALL set_option('location', 'numbers.log');
SELECT srcaddr, srcport, packets, start FROM flow;
SELECT srcaddr FROM flow WHERE srcport IS NULL OR packets IS NULL OR start IS NULL;
SELECT srcaddr FROM flow WHERE srcport <> 443;
CALL set_option('location', 'fields.log');
SELECT version, srcaddr, action FROM flow;

-- "stop": the error says what, where, and what to do
CALL set_option('on_error', 'stop');
SELECT count(*) FROM flow; -- ERROR
\echo :LAST_ERROR_SQLSTATE
CALL set_option('location', 'numbers.log');
SELECT srcport FROM flow; -- ERROR
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM flow WHERE srcport = 443; -- ERROR
SELECT packets FROM flow; -- ERROR
SELECT packets FROM flow WHERE srcport < 1000000000 AND packets = 18; -- ERROR
SELECT start FROM flow; -- ERROR
SELECT dstport, bytes FROM flow; -- what is not used is not looked at
SELECT srcport FROM flow LIMIT 1;
CALL set_option('location', 'bad_utf8.log');
SELECT interface_id FROM flow; -- ERROR
\echo :LAST_ERROR_SQLSTATE
CALL set_option('location', 'nul.log');
SELECT count(*) FROM flow; -- ERROR
CALL set_option('location', '{crlf,fields,s3}.log');
SELECT count(*) FROM flow; -- ERROR

-- "ignore" and "set_null" end with one warning; "verbose" names each line; "silent" says nothing
CALL set_option('log_verbosity', 'default');
CALL set_option('location', '{numbers,fields,nul}.log');
CALL set_option('on_error', 'ignore');
SELECT count(*) FROM flow;
CALL set_option('on_error', 'set_null');
SELECT count(*) FROM flow;
SELECT count(srcport), count(packets), count(start) FROM flow;
SELECT count(*) FROM flow WHERE srcport = 49761;
CALL set_option('log_verbosity', 'verbose');
SELECT count(srcport), count(packets), count(start) FROM flow;
CALL set_option('on_error', 'ignore');
SELECT count(srcport) FROM flow;
CALL set_option('log_verbosity', 'silent');
SELECT count(srcport) FROM flow;
CALL set_option('log_verbosity', 'default');
CALL set_option('location', 's3.log');
SELECT count(*) FROM flow; -- nothing to warn of

-- what was read is told, also where a limit or a cursor ends a scan before its end
CALL set_option('location', 'fields.log');
SELECT srcport FROM flow LIMIT 1;
SELECT srcport FROM flow LIMIT 2;
BEGIN;
DECLARE c CURSOR FOR SELECT srcport FROM flow;
FETCH 2 FROM c;
CLOSE c;
COMMIT;
SELECT * FROM ledger('SELECT * FROM flow LIMIT 1');
SELECT * FROM ledger('SELECT * FROM flow LIMIT 2');
SELECT count(*) FROM flow a, flow b WHERE a.srcport = b.srcport;

-- verbose names 100 at most
CALL set_option('location', 'many.log.gz');
CALL set_option('regex', '(?!2 123456789012 eni-0a1)' || :'record');
CALL set_option('log_verbosity', 'verbose');
SELECT count(*) FROM flow;
CALL set_option('log_verbosity', 'silent');
CALL set_option('regex', :'record');

-- reject_limit
CALL set_option('location', 'fields.log');
CALL set_option('reject_limit', '3');
SELECT count(*) FROM flow;
SET enable_material = off;
SELECT n, count(*) FROM generate_series(1, 3) n LEFT JOIN LATERAL (SELECT srcport + n FROM flow) f ON true GROUP BY n ORDER BY n; -- in each of three scans
RESET enable_material;
CALL set_option('reject_limit', '2');
SELECT count(*) FROM flow; -- ERROR
\echo :LAST_ERROR_SQLSTATE
SELECT srcport FROM flow LIMIT 1;
CALL set_option('on_error', 'set_null');
SELECT count(*) FROM flow; -- ERROR
CALL set_option('reject_limit', '0');
SELECT count(*) FROM flow; -- ERROR
CALL set_option('location', 's3.log');
SELECT count(*) FROM flow;
ALTER FOREIGN TABLE flow OPTIONS (DROP reject_limit);

-- max_line_length: a longer line is no record, wherever it stands
CALL set_option('max_line_length', '115');
CALL set_option('location', 's3.log');
SELECT srcport, dstport FROM flow WHERE srcport > 60000 OR srcport IS NULL; -- the last record is longer
CALL set_option('on_error', 'stop');
SELECT count(*) FROM flow; -- ERROR
CALL set_option('max_line_length', '126');
SELECT count(*) FROM flow;
ALTER FOREIGN TABLE flow OPTIONS (DROP max_line_length);

-- NOT NULL
ALTER FOREIGN TABLE flow ALTER COLUMN srcaddr SET NOT NULL;
CALL set_option('location', 'nodata.log');
SELECT count(*) FROM flow; -- ERROR
\echo :LAST_ERROR_SQLSTATE
CALL set_option('on_error', 'set_null');
SELECT count(*) FROM flow; -- ERROR
CALL set_option('location', 'fields.log');
SELECT version FROM flow; -- ERROR
CALL set_option('on_error', 'ignore');
SELECT version, srcaddr FROM flow;
CALL set_option('location', 'nodata.log');
SELECT count(*) FROM flow;
ALTER FOREIGN TABLE flow ALTER COLUMN srcaddr DROP NOT NULL;
ALTER FOREIGN TABLE flow ALTER COLUMN packets SET NOT NULL;
CALL set_option('location', 'numbers.log');
SELECT count(*) FROM flow;
CALL set_option('on_error', 'set_null');
SELECT count(srcport) FROM flow; -- ERROR
ALTER FOREIGN TABLE flow ALTER COLUMN packets DROP NOT NULL;

-- a regular expression that takes too long is an error, never "no match", compiled to machine code or not
\set VERBOSITY terse
CALL set_option('location', 's3.log');
CALL set_option('regex', '(?:(?:\S+ ?)+)+!|' || :'record');
SELECT count(*) FROM flow; -- ERROR
\echo :LAST_ERROR_SQLSTATE
SET flowlog_fdw.regex_jit = off;
CALL set_option('on_error', 'stop');
SELECT count(*) FROM flow; -- ERROR
\echo :LAST_ERROR_SQLSTATE
RESET flowlog_fdw.regex_jit;
\set VERBOSITY default

-- one from a Hive string
CALL set_option('regex', replace(:'record', '\', '\\'));
SELECT count(*) FROM flow; -- ERROR
CALL set_option('regex', :'record');

-- flowlog_rejects: judged on all columns, whatever "on_error" is
CALL set_option('location', '{numbers,fields,nul,bad_utf8}.log');
SELECT * FROM flowlog_rejects('flow');
SELECT count(*) FROM flowlog_rejects('flow', 3);
SELECT line FROM flowlog_rejects('flow', max_rows => 2);
SELECT count(*) FROM flowlog_rejects('flow', 0);
SELECT count(*) FROM flowlog_rejects('flow', -1); -- ERROR
SELECT count(*) FROM flowlog_rejects('flow', NULL);
SELECT count(*) FROM flowlog_rejects(NULL);
SELECT count(*) FROM flowlog_rejects('pg_class'); -- ERROR
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE parent (LIKE flow) PARTITION BY LIST (version);
SELECT count(*) FROM flowlog_rejects('parent'); -- ERROR
ALTER TABLE parent ATTACH PARTITION flow DEFAULT;
SELECT count(*), min(raw) FROM flowlog_rejects('parent', 4);

-- whoever may not SELECT the whole table sees no text of it
CREATE ROLE regress_flowlog_reader;
GRANT USAGE ON SCHEMA error TO regress_flowlog_reader;
GRANT SELECT (srcport, dstport) ON flow TO regress_flowlog_reader;
CALL set_option('location', 'numbers.log');
SET SESSION AUTHORIZATION regress_flowlog_reader;
SELECT dstport FROM flow;
SELECT srcport FROM flow; -- ERROR
SELECT count(*) FROM flowlog_rejects('flow'); -- ERROR
RESET SESSION AUTHORIZATION;
GRANT SELECT ON flow TO regress_flowlog_reader;
SET SESSION AUTHORIZATION regress_flowlog_reader;
SELECT srcport FROM flow; -- ERROR
SELECT count(*) FROM flowlog_rejects('flow');
SELECT count(*) FROM flowlog_rejects('parent'); -- ERROR
RESET SESSION AUTHORIZATION;
REVOKE SELECT ON flow FROM regress_flowlog_reader;
GRANT SELECT ON parent TO regress_flowlog_reader;
SET SESSION AUTHORIZATION regress_flowlog_reader;
SELECT count(*) FROM flowlog_rejects('parent'); -- as in a query, the right to the parent is enough
SELECT count(*) FROM flowlog_rejects('flow'); -- ERROR
RESET SESSION AUTHORIZATION;

SET client_min_messages = warning;
DROP SERVER error CASCADE;
DROP SCHEMA error CASCADE;
DROP ROLE regress_flowlog_reader;
