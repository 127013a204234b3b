--
-- EXPLAIN: what a query would read, and with ANALYZE what became of every line
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set s3 :abs_srcdir '/test/data/s3.log'
\set many :abs_srcdir '/test/data/{s3,crlf,nodata,empty,fields}.log'
\set damaged :abs_srcdir '/test/data/{damaged.log.gz,fields.log,parquet.log}'
\set none :abs_srcdir '/test/data/none*'
\set record '(\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+)'
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA explain;
SET search_path = explain, public;
SET timezone = 'UTC';

CREATE SERVER explain FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FOREIGN TABLE flow (
	version int, account_id text, interface_id text, srcaddr inet, dstaddr inet, srcport int, dstport int,
	protocol int, packets bigint, bytes bigint, start timestamptz, "end" timestamptz, action text, log_status text
) SERVER explain OPTIONS (location :'s3', regex :'record');
CREATE FUNCTION noisy() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'evaluated';
	RETURN 443;
END $$;

-- PostgreSQL's majors print rows, parameters and buffers in their own ways
CREATE FUNCTION explain(query text, options text DEFAULT 'COSTS OFF') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	result text;
BEGIN
	FOR result IN EXECUTE 'EXPLAIN (' || options || ') ' || query LOOP
		FOREACH line IN ARRAY string_to_array(result, E'\n') LOOP
			line := regexp_replace(line, '(Rows.*|rows=)(\d+)\.0+', '\1\2');
			line := regexp_replace(line, ' \(returns \$\d+\)', '');
			CONTINUE WHEN line ~ 'Disabled|Buffers|Window|Storage|Async|Parallel|Memory|Planning|Execution';
			RETURN NEXT regexp_replace(line, '\$\d+|\(InitPlan \d+\)\.col\d', '(parameter)');
		END LOOP;
	END LOOP;
END $$;

-- plain: files are listed, and not opened
EXPLAIN (COSTS OFF) SELECT * FROM flow;
EXPLAIN (COSTS OFF) SELECT srcaddr FROM flow WHERE dstport = 443 AND action <> 'REJECT' AND srcaddr <<= '10.0.0.0/8';
EXPLAIN (COSTS OFF) SELECT srcaddr FROM flow WHERE dstport = 443 AND account_id LIKE '1234%';
EXPLAIN (COSTS OFF) SELECT srcaddr FROM flow WHERE account_id LIKE '1234%';
EXPLAIN (COSTS OFF, VERBOSE) SELECT srcaddr FROM flow f WHERE dstport = 443;
EXPLAIN (COSTS OFF) SELECT count(*) FROM flow WHERE dstport = 443 GROUP BY srcaddr;
EXPLAIN (COSTS OFF) SELECT count(*) FROM flow WHERE dstport IN (22, 443) OR NOT (srcport BETWEEN 1 AND 1023 OR start IS NULL);
ALTER FOREIGN TABLE flow OPTIONS (SET location :'many');
EXPLAIN (COSTS OFF) SELECT * FROM flow;
ALTER FOREIGN TABLE flow OPTIONS (SET location :'damaged');
EXPLAIN (COSTS OFF) SELECT * FROM flow;
ALTER FOREIGN TABLE flow OPTIONS (SET location :'none');
EXPLAIN (COSTS OFF) SELECT * FROM flow;
ALTER FOREIGN TABLE flow OPTIONS (SET location :'many');
SET flowlog_fdw.enable_splitter = off;
EXPLAIN (COSTS OFF) SELECT 1 FROM flow;
SET flowlog_fdw.regex_jit = off;
EXPLAIN (COSTS OFF) SELECT 1 FROM flow;
SET flowlog_fdw.enable_pushdown = off;
EXPLAIN (COSTS OFF) SELECT 1 FROM flow WHERE dstport = 443;
RESET flowlog_fdw.enable_splitter;
SELECT substring(line FROM 'flowlog_fdw\.[^,]*') FROM explain('SELECT 1 FROM flow WHERE dstport = 443', 'COSTS OFF, SETTINGS') line WHERE line LIKE 'Settings:%';
RESET flowlog_fdw.regex_jit;
RESET flowlog_fdw.enable_pushdown;

-- ANALYZE: what the run read
ALTER FOREIGN TABLE flow OPTIONS (ADD on_error 'ignore', ADD log_verbosity 'silent');
SELECT explain('SELECT * FROM flow WHERE dstport = 443', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF');
SELECT explain('SELECT * FROM flow LIMIT 9', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF');
ALTER FOREIGN TABLE flow OPTIONS (SET on_error 'set_null');
SELECT explain('SELECT count(dstport) FROM flow', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF');
-- never begun
SELECT explain('SELECT * FROM flow WHERE (SELECT false)', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF');
SELECT explain('SELECT * FROM flow LIMIT 0', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF');
-- again and again: lines are those of all scans, files those of one
SET enable_material = off;
ALTER FOREIGN TABLE flow OPTIONS (SET location :'s3');
SELECT explain('SELECT * FROM generate_series(1, 3) n, LATERAL (SELECT count(*) FROM flow WHERE dstport = 443 OR srcport = n) f',
	'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF');
RESET enable_material;

-- the other formats have every property, with the value 0 too
ALTER FOREIGN TABLE flow OPTIONS (SET location :'many');
SELECT explain('SELECT srcaddr FROM flow WHERE dstport = 443', 'COSTS OFF, FORMAT json');
SELECT explain('SELECT srcaddr FROM flow WHERE dstport = 443', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF, FORMAT json');
SELECT explain('SELECT srcaddr FROM flow WHERE dstport < 443', 'COSTS OFF, FORMAT xml');
SELECT explain('SELECT srcaddr FROM flow WHERE dstport < 443', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF, FORMAT yaml');
CREATE FUNCTION property_types() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) SELECT * FROM flow' INTO plan;
	RETURN QUERY SELECT key || ': ' || jsonb_typeof(value) FROM jsonb_each(plan::jsonb -> 0 -> 'Plan') WHERE key ~ 'Flow|Line|File|Bytes|Header' ORDER BY 1;
END $$;
SELECT property_types();

-- parameters: nothing is evaluated
SELECT explain('SELECT count(*) FROM flow WHERE dstport = (SELECT noisy())');
SELECT explain('SELECT count(*) FROM flow WHERE dstport = ANY (ARRAY(SELECT noisy()))');
SELECT explain('SELECT srcport FROM flow WHERE srcaddr = ANY (ARRAY(SELECT dstaddr FROM flow WHERE dstport = 443))');
SELECT explain('SELECT (SELECT count(*) FROM flow WHERE dstport = n) FROM generate_series(1, 2) n');
SELECT explain('SELECT count(*) FROM flow WHERE dstport = (SELECT noisy())', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF');
PREPARE by_port(int, text[]) AS SELECT srcaddr FROM flow WHERE dstport = $1 AND action = ANY ($2);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE by_port(443, '{ACCEPT}');
EXPLAIN (COSTS OFF) EXECUTE by_port(NULL, NULL);
SET plan_cache_mode = force_custom_plan;
EXPLAIN (COSTS OFF) EXECUTE by_port(443, '{ACCEPT}');
EXPLAIN (COSTS OFF) EXECUTE by_port(NULL, NULL);
RESET plan_cache_mode;
DEALLOCATE by_port;

-- a parameter that is not supplied (16 and later)
DO $$
DECLARE
	line text;
	pushed bool := false;
BEGIN
	IF current_setting('server_version_num')::int >= 160000 THEN
		FOR line IN EXECUTE 'EXPLAIN (GENERIC_PLAN) SELECT * FROM flow WHERE dstport = $1 AND start >= $2' LOOP
			pushed := pushed OR line ~ 'Pushed Filter: \(\(start >= \$2\) AND \(dstport = \$1\)\)';
		END LOOP;
		ASSERT pushed;
	END IF;
END $$;

-- auto_explain, where there is one (a psql that is started by this one sees its messages), shows the run's own counts, and does not list again (nor warn again that there is nothing)
ALTER FOREIGN TABLE flow OPTIONS (SET location :'s3');
CREATE FOREIGN TABLE nothing (line text) SERVER explain OPTIONS (location :'none', regex '(.*)');
\setenv PGDATABASE :DBNAME
\setenv PGOPTIONS '-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 -c auto_explain.log_analyze=on -c client_min_messages=log -c search_path=explain,public'
\! if "/proc/$PPID/exe" -X -A -t -c 'SELECT 1' 2>&1 | grep -q 'could not access file'; then printf '%s\n' 'Pushed Filter: (dstport = 443)' Files:\ 1 Files\ Read:\ 1 Lines:\ 9 Lines\ Emitted:\ 2; else "/proc/$PPID/exe" -X -A -t -c 'SELECT FROM flow WHERE dstport = 443' 2>&1 | sed -n 's/^ *\(Pushed Filter\|Files\|Files Read\|Lines\|Lines Emitted\): /\1: /p'; fi
\! if "/proc/$PPID/exe" -X -A -t -c 'SELECT 1' 2>&1 | grep -q 'could not access file'; then echo 1; else "/proc/$PPID/exe" -X -A -t -c 'SELECT FROM nothing' 2>&1 | grep -c 'no flow logs found'; fi

SET client_min_messages = warning;
DROP SERVER explain CASCADE;
DROP SCHEMA explain CASCADE;
