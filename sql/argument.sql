--
-- Arguments that make no sense to the functions: each says what is wrong, and none of it is an internal error
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set location :abs_srcdir '/test/data/days.log'
CREATE SCHEMA argument;
SET search_path = argument, public;
CREATE SERVER argument FOREIGN DATA WRAPPER flowlog_fdw;

-- the number of rows that a query gives, or what it is refused with; numbers of objects are others each time
CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rows bigint;
BEGIN
	EXECUTE 'SELECT count(answer::text) FROM (' || query || ' OFFSET 0) answer' INTO rows;
	RETURN rows;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || regexp_replace(SQLERRM, 'OID [1-9]\d*', 'OID ...');
END $$;

-- objects of all kinds
CREATE FOREIGN TABLE flow (version int) SERVER argument OPTIONS (location :'location');
CREATE FOREIGN TABLE generated (version int, next int GENERATED ALWAYS AS (version + 1) STORED) SERVER argument OPTIONS (location :'location');
CREATE FOREIGN DATA WRAPPER no_handler;
CREATE SERVER no_handler FOREIGN DATA WRAPPER no_handler;
CREATE FOREIGN TABLE of_no_handler (version int) SERVER no_handler;
CREATE TABLE heap (version int PRIMARY KEY);
CREATE TABLE partitioned (version int) PARTITION BY LIST (version);
CREATE INDEX partitioned_index ON partitioned (version);
CREATE FOREIGN TABLE partition_of_no_handler PARTITION OF partitioned FOR VALUES IN (1) SERVER no_handler;
CREATE VIEW view AS TABLE flow;
CREATE MATERIALIZED VIEW materialized AS TABLE flow WITH NO DATA;
CREATE SEQUENCE sequence;
CREATE TYPE composite AS (version int);
CREATE TABLE dropped ();
SELECT 'dropped'::regclass::oid AS dropped \gset
DROP TABLE dropped;

SELECT kind, answer(format('SELECT * FROM flowlog_files(%L)', object)) AS files, answer(format('SELECT * FROM flowlog_rejects(%L)', object)) AS rejects,
	answer(format('SELECT * FROM flowlog_cluster_ddl(%L, ''{host=a}'', own_files => true)', object)) AS cluster
FROM (VALUES (1, 'a table of flow logs', 'flow'), (2, 'one with a stored generated column', 'generated'), (3, 'one whose wrapper has no handler', 'of_no_handler'), (4, 'table', 'heap'), (5, 'index', 'heap_pkey'),
	(6, 'partitioned table', 'partitioned'), (7, 'partitioned index', 'partitioned_index'), (8, 'view', 'view'), (9, 'materialized view', 'materialized'), (10, 'sequence', 'sequence'), (11, 'type', 'composite'),
	(12, 'catalog', 'pg_class'), (13, 'dropped', :'dropped'), (14, 'zero', '0'), (15, 'the highest number', '4294967295')) object (n, kind, object) ORDER BY n;

-- a partition that is one, beside the other
ALTER TABLE partitioned ATTACH PARTITION flow DEFAULT;
SELECT answer($$SELECT * FROM flowlog_files('partitioned')$$), answer($$SELECT * FROM flowlog_files('partitioned_index')$$);
ALTER TABLE partitioned DETACH PARTITION flow;

-- numbers, empty strings, NULL
SELECT arguments, answer('SELECT * FROM ' || arguments) FROM unnest(ARRAY[
	$$flowlog_files(NULL)$$, $$flowlog_rejects(NULL)$$, $$flowlog_rejects('flow', NULL)$$, $$flowlog_rejects('flow', 0)$$, $$flowlog_rejects('flow', -1)$$,
	$$flowlog_rejects('flow', 9223372036854775807)$$, $$flowlog_rejects('flow', -9223372036854775808)$$,
	$$flowlog_cluster_ddl(NULL, '{host=a}')$$, $$flowlog_cluster_ddl('flow', NULL)$$, $$flowlog_cluster_ddl('flow', '{}')$$, $$flowlog_cluster_ddl('flow', '{NULL}')$$, $$flowlog_cluster_ddl('flow', '{""}')$$,
	$$flowlog_cluster_ddl('flow', '{host}')$$, $$flowlog_cluster_ddl('flow', '{=}')$$, $$flowlog_cluster_ddl('flow', '{host=a}', NULL, true)$$, $$flowlog_cluster_ddl('flow', '{host=a}', 0, true)$$,
	$$flowlog_cluster_ddl('flow', '{host=a}', -2147483648, true)$$, $$flowlog_cluster_ddl('flow', '{host=a}', 2147483647, true)$$, $$flowlog_cluster_ddl('flow', '{{host=a},{host=b}}', 500, true)$$,
	$$flowlog_cluster_ddl('flow', ARRAY(SELECT 'host=' || n FROM generate_series(1, 1000) n), 2, true)$$, $$flowlog_cluster_ddl('flow', ARRAY(SELECT 'host=' || n FROM generate_series(1, 20000) n), 1, true)$$,
	$$flowlog_cluster_ddl('flow', '{host=a}', own_files => true, cluster => '')$$, $$flowlog_cluster_ddl('flow', '{host=a}', own_files => true, cluster => repeat('x', 100000))$$,
	$$flowlog_cluster_ddl('flow', '{host=a}', partition_column => '')$$, $$flowlog_cluster_ddl('flow', '{host=a}', partition_column => 'version', bounds => '{1}')$$, $$flowlog_cluster_ddl('flow', '{host=a}', bounds => '{1}')$$,
	$$flowlog_rollup(NULL)$$, $$flowlog_rollup('')$$, $$flowlog_rollup('SELECT 1; SELECT 2')$$, $$flowlog_rollup('SELECT')$$, $$flowlog_rollup('VALUES (1)')$$,
	$$flowlog_rollup('SELECT 1 INTO t')$$, $$flowlog_rollup('COPY flow TO STDOUT')$$, $$flowlog_rollup('INSERT INTO heap VALUES (1)')$$, $$flowlog_rollup('DECLARE c CURSOR FOR SELECT 1')$$, $$flowlog_rollup('BEGIN')$$,
	$$flowlog_rollup('SELECT count(*) FROM flow')$$, $$flowlog_rollup('SELECT count(*) FROM partitioned')$$, $$flowlog_rollup('SELECT count(*) FROM sequence')$$,
	$$flowlog_athena_ddl(NULL, NULL)$$, $$flowlog_athena_ddl('', '')$$, $$flowlog_athena_ddl('SELECT 1', '')$$, $$flowlog_athena_ddl(repeat('(', 100000), 'logs')$$, $$flowlog_athena_ddl('CREATE EXTERNAL TABLE t', 'logs')$$,
	$$flowlog_athena_ddl('CREATE EXTERNAL TABLE `` (a string) LOCATION ''s3://b/''', 'logs')$$, $$flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a varchar(99999999999999999999)) LOCATION ''s3://b/''', 'logs')$$,
	$$flowlog_fdw_handler()$$, $$flowlog_fdw_validator(NULL, 0)$$, $$flowlog_fdw_validator('{}', 0)$$, $$flowlog_fdw_validator('{NULL}', 'pg_foreign_table'::regclass)$$, $$flowlog_fdw_validator('{location}', 'pg_foreign_table'::regclass)$$,
	$$flowlog_fdw_validator('{""}', 'pg_foreign_table'::regclass)$$, $$flowlog_fdw_validator('{{a=b},{c=d}}', 4294967295)$$,
	$$date_add('day', 9223372036854775807, date '2026-01-30')$$, $$date_add('', 1, date '2026-01-30')$$, $$date_add('year', -2147483648, date '2026-01-30')$$, $$date_diff('day', timestamp 'infinity', timestamp '2026-01-30')$$,
	$$date_format(timestamp '2026-01-30', '')$$, $$date_parse('', '')$$, $$date_parse(repeat('1', 100), '%Y')$$, $$from_unixtime('NaN')$$, $$from_iso8601_timestamp('')$$, $$from_iso8601_timestamp('2026-01-30T12.' || repeat('9', 100000))$$,
	$$contains('', '10.0.0.1')$$, $$contains('10.0.0.0/99999999999999999999', '10.0.0.1')$$, $$hour(date '-infinity')$$, $$day_of_week(date 'infinity')$$, $$to_iso8601(date 'infinity')$$, $$to_unixtime(timestamp '-infinity')$$]) arguments;

SET client_min_messages = warning;
DROP SERVER argument CASCADE;
DROP FOREIGN DATA WRAPPER no_handler CASCADE;
DROP SCHEMA argument CASCADE;
