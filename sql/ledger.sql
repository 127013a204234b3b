--
-- The ledger for people: what a session's last scan counted, and how much one may read
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set s3 :abs_srcdir '/test/data/s3.log'
\set fields :abs_srcdir '/test/data/fields.log'
\set lake :abs_srcdir '/test/data/lake/hive/AWSLogs/aws-account-id=${account}/aws-service=vpcflowlogs/aws-region=*/year=${year}/month=${month}/day=${day}/hour=${hour}/'
\pset format unaligned
CREATE SCHEMA ledger;
SET search_path = ledger, public;
SET flowlog_fdw.enable_pushdown = on;

CREATE SERVER ledger FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FOREIGN TABLE flow (srcaddr inet, dstport int, bytes bigint, action text, vpc_id text) SERVER ledger OPTIONS (location :'s3');
CREATE FOREIGN TABLE fields (srcaddr inet, dstport int) SERVER ledger OPTIONS (location :'fields', on_error 'ignore', log_verbosity 'silent');
CREATE FOREIGN TABLE lake (hour int, dstport int) SERVER ledger OPTIONS (location :'lake');
CREATE VIEW last AS
	SELECT "table", files, files_read AS read, files_pruned AS pruned, files_not_reached AS "not reached", files_lacking_fields AS lacking,
		lines, headers, emitted, filtered, rejected, bytes > 0 AS has_bytes, bytes_read = bytes AS read_all,
		lines = headers + blank + emitted + filtered + rejected AND files = files_read + files_pruned + files_skipped + files_not_reached + files_answered AS balanced
	FROM flowlog_last_scan();

-- nothing yet, then the last statement's, which the question itself does not change
SELECT * FROM last;
SELECT count(*) FROM flow WHERE dstport = 443;
SELECT * FROM last;
SELECT * FROM last;
SELECT srcaddr FROM fields WHERE dstport = 443;
SELECT * FROM last;
SELECT count(*) FROM lake WHERE hour = 9;
SELECT * FROM last;

-- a row per table, summed where a statement scans it several times
SELECT (SELECT count(*) FROM flow), (SELECT count(*) FROM flow WHERE action = 'REJECT'), (SELECT count(*) FROM fields);
SELECT * FROM last;
-- a scan that is not read to its end is complete, too; one that fails is not
SELECT srcaddr FROM flow LIMIT 1;
SELECT * FROM last;
ALTER FOREIGN TABLE fields OPTIONS (SET on_error 'stop');
SELECT * FROM fields; -- ERROR
EXPLAIN (COSTS OFF) SELECT * FROM lake WHERE hour = 9;
SELECT * FROM last;
-- by parallel workers
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT hour, count(*) FROM lake GROUP BY hour ORDER BY hour;
SELECT * FROM last;
RESET max_parallel_workers_per_gather;

-- columns that no file has a field for: where the query uses them, and all files were read
SET max_parallel_workers_per_gather = 0;
\set versions :abs_srcdir '/test/data/{custom,s3}.log'
SELECT count(*), max(srcaddr) FROM flow;
SELECT srcaddr, vpc_id FROM flow ORDER BY 1 LIMIT 1; -- WARNING
SELECT count(*) FROM flow WHERE vpc_id IS NOT NULL; -- WARNING
SELECT dstport FROM flow WHERE vpc_id = 'vpc-1' OR vpc_id ~ 'x'; -- WARNING
SELECT vpc_id, count(*) FROM flow GROUP BY vpc_id; -- WARNING
SELECT flow IS NULL FROM flow LIMIT 1; -- WARNING
SELECT (SELECT count(vpc_id) FROM flow WHERE dstport > n) FROM (VALUES (1), (2)) v (n); -- WARNING
SELECT * FROM flowlog_rejects('flow');
ANALYZE flow;
ALTER FOREIGN TABLE flow OPTIONS (ADD log_verbosity 'silent');
SELECT max(vpc_id) FROM flow;
ALTER FOREIGN TABLE flow OPTIONS (DROP log_verbosity, SET location :'versions');
ALTER FOREIGN TABLE flow ADD ts timestamptz;
SELECT max(vpc_id) FROM flow;
SELECT files_lacking_fields FROM flowlog_last_scan();
SELECT vpc_id IS NOT NULL AS newer, ts FROM flow LIMIT 1; -- another file is not reached
SELECT count(ts), count(vpc_id), count(srcaddr) FROM flow; -- WARNING
SET max_parallel_workers_per_gather = 2;
SELECT vpc_id IS NULL AS older, count(*), max(ts) FROM flow GROUP BY 1 ORDER BY 1; -- WARNING
SELECT max(vpc_id COLLATE "C"), count(*) FROM flow;
RESET max_parallel_workers_per_gather;
ALTER FOREIGN TABLE flow OPTIONS (ADD log_format '${srcaddr} ${dstaddr}', ADD header 'false', ADD on_error 'ignore');
SELECT vpc_id FROM flow WHERE dstport = 1; -- WARNING
ALTER FOREIGN TABLE flow OPTIONS (DROP log_format, DROP header, DROP on_error, SET location :'s3');
ALTER FOREIGN TABLE flow DROP ts;

-- most bytes that a scan may read
SHOW flowlog_fdw.max_scan_bytes;
SET flowlog_fdw.max_scan_bytes = '1kB';
SELECT count(*) FROM flow;
SET flowlog_fdw.max_scan_bytes = 1000;
SELECT count(*) FROM flow; -- ERROR
SELECT * FROM flowlog_rejects('flow'); -- ERROR
ANALYZE flow; -- ERROR
EXPLAIN (COSTS OFF) SELECT count(*) FROM flow;
RESET flowlog_fdw.max_scan_bytes;
SELECT sum(bytes) AS bytes FROM flowlog_files('lake') \gset
SET flowlog_fdw.max_scan_bytes = :bytes;
SELECT count(*) FROM lake;
SET flowlog_fdw.max_scan_bytes = '400B';
SELECT count(*) FROM lake; -- ERROR
SELECT count(*) FROM lake WHERE hour = 9;
-- what is read again counts again
SET flowlog_fdw.max_scan_bytes = 1500;
SET enable_material = off;
SELECT count(*) FROM (VALUES (1), (2)) v (n), LATERAL (SELECT srcaddr FROM flow OFFSET n) f; -- ERROR
SET flowlog_fdw.max_scan_bytes = 2006;
SELECT count(*) FROM (VALUES (1), (2)) v (n), LATERAL (SELECT srcaddr FROM flow OFFSET n) f;
\set VERBOSITY sqlstate
SET flowlog_fdw.max_scan_bytes = -1; -- ERROR
\set VERBOSITY default
RESET flowlog_fdw.max_scan_bytes;

DROP SCHEMA ledger CASCADE;
DROP SERVER ledger CASCADE;
