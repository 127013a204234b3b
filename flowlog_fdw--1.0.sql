/* flowlog_fdw--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION flowlog_fdw" to load this file. \quit

CREATE FUNCTION flowlog_fdw_handler()
RETURNS pg_catalog.fdw_handler
LANGUAGE C STRICT
AS 'MODULE_PATHNAME';

CREATE FUNCTION flowlog_fdw_validator(pg_catalog.text[], pg_catalog.oid)
RETURNS pg_catalog.void
LANGUAGE C STRICT
AS 'MODULE_PATHNAME';

CREATE FOREIGN DATA WRAPPER flowlog_fdw
HANDLER flowlog_fdw_handler
VALIDATOR flowlog_fdw_validator;

-- What a table reads, and what it cannot read

CREATE FUNCTION flowlog_files(
	"table" pg_catalog.regclass,
	OUT path pg_catalog.text,
	OUT bytes pg_catalog.int8,
	OUT modified pg_catalog.timestamptz,
	OUT compression pg_catalog.text,
	OUT wrapper pg_catalog.text,
	OUT fields pg_catalog.text[],
	OUT from_time pg_catalog.timestamptz,
	OUT to_time pg_catalog.timestamptz)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'flowlog_files';

COMMENT ON FUNCTION flowlog_files(pg_catalog.regclass)
IS 'the files of a table''s flow logs, and what the beginning of each tells';

CREATE FUNCTION flowlog_rejects(
	"table" pg_catalog.regclass,
	max_rows pg_catalog.int8 DEFAULT NULL,
	OUT path pg_catalog.text,
	OUT line pg_catalog.int8,
	OUT reason pg_catalog.text,
	OUT raw pg_catalog.text)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'flowlog_rejects';

COMMENT ON FUNCTION flowlog_rejects(pg_catalog.regclass, pg_catalog.int8)
IS 'the lines of a table''s flow logs that are no rows, judged on all columns';

CREATE FUNCTION flowlog_last_scan(
	OUT "table" pg_catalog.regclass,
	OUT finished pg_catalog.timestamptz,
	OUT files pg_catalog.int8,
	OUT files_read pg_catalog.int8,
	OUT files_pruned pg_catalog.int8,
	OUT files_skipped pg_catalog.int8,
	OUT files_not_reached pg_catalog.int8,
	OUT files_lacking_fields pg_catalog.int8,
	OUT bytes pg_catalog.int8,
	OUT bytes_read pg_catalog.int8,
	OUT lines pg_catalog.int8,
	OUT headers pg_catalog.int8,
	OUT blank pg_catalog.int8,
	OUT emitted pg_catalog.int8,
	OUT filtered pg_catalog.int8,
	OUT rejected pg_catalog.int8,
	OUT set_null pg_catalog.int8,
	OUT messages_skipped pg_catalog.int8)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'flowlog_last_scan';

COMMENT ON FUNCTION flowlog_last_scan()
IS 'what this session''s last statement that scanned flow logs has counted, by table';

-- Tables as Athena has them

CREATE FUNCTION flowlog_athena_ddl(
	ddl pg_catalog.text,
	server pg_catalog.text,
	location pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_athena_ddl';

COMMENT ON FUNCTION flowlog_athena_ddl(pg_catalog.text, pg_catalog.text, pg_catalog.text)
IS 'the CREATE FOREIGN TABLE that is equal to Athena''s CREATE EXTERNAL TABLE';

-- Trino's functions, which read and print time in UTC whatever TimeZone is

CREATE FUNCTION flowlog_cluster_ddl(
	"table" pg_catalog.regclass,
	nodes pg_catalog.text[],
	shards_per_node pg_catalog.int4 DEFAULT 1,
	own_files pg_catalog.bool DEFAULT NULL,
	partition_column pg_catalog.text DEFAULT NULL,
	bounds pg_catalog.text[] DEFAULT NULL,
	cluster pg_catalog.text DEFAULT NULL,
	OUT node pg_catalog.text,
	OUT statement pg_catalog.text)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'flowlog_cluster_ddl';

COMMENT ON FUNCTION flowlog_cluster_ddl(pg_catalog.regclass, pg_catalog.text[], pg_catalog.int4, pg_catalog.bool, pg_catalog.text, pg_catalog.text[], pg_catalog.text)
IS 'the statements that divide a foreign table of flow logs among several servers';

CREATE FUNCTION flowlog_rollup(query pg_catalog.text)
RETURNS pg_catalog.text
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'flowlog_rollup';

COMMENT ON FUNCTION flowlog_rollup(pg_catalog.text)
IS 'an aggregate query in two levels, of which servers compute the lower one for their partitions';

CREATE FUNCTION from_iso8601_timestamp(pg_catalog.text)
RETURNS pg_catalog.timestamptz
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_from_iso8601_timestamp';

COMMENT ON FUNCTION from_iso8601_timestamp(pg_catalog.text)
IS 'reads a time in ISO 8601; without an offset it is in UTC';

CREATE FUNCTION to_iso8601(pg_catalog.timestamptz)
RETURNS pg_catalog.text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_to_iso8601_timestamptz';

COMMENT ON FUNCTION to_iso8601(pg_catalog.timestamptz)
IS 'prints a time in ISO 8601, in UTC';

CREATE FUNCTION to_iso8601(pg_catalog.timestamp)
RETURNS pg_catalog.text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_to_iso8601_timestamp';

COMMENT ON FUNCTION to_iso8601(pg_catalog.timestamp)
IS 'prints a time in ISO 8601, in UTC';

CREATE FUNCTION to_iso8601(pg_catalog.date)
RETURNS pg_catalog.text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_to_iso8601_date';

COMMENT ON FUNCTION to_iso8601(pg_catalog.date)
IS 'prints a time in ISO 8601, in UTC';

CREATE FUNCTION from_unixtime(pg_catalog.float8)
RETURNS pg_catalog.timestamptz
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_from_unixtime';

COMMENT ON FUNCTION from_unixtime(pg_catalog.float8)
IS 'the time so many seconds after 1970-01-01 in UTC';

CREATE FUNCTION to_unixtime(pg_catalog.timestamptz)
RETURNS pg_catalog.float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_to_unixtime_timestamp';

COMMENT ON FUNCTION to_unixtime(pg_catalog.timestamptz)
IS 'seconds since 1970-01-01 in UTC';

CREATE FUNCTION to_unixtime(pg_catalog.timestamp)
RETURNS pg_catalog.float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_to_unixtime_timestamp';

COMMENT ON FUNCTION to_unixtime(pg_catalog.timestamp)
IS 'seconds since 1970-01-01 in UTC';

CREATE FUNCTION to_unixtime(pg_catalog.date)
RETURNS pg_catalog.float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_to_unixtime_date';

COMMENT ON FUNCTION to_unixtime(pg_catalog.date)
IS 'seconds since 1970-01-01 in UTC';

CREATE FUNCTION day_of_week(pg_catalog.timestamptz)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_day_of_week_timestamp';

COMMENT ON FUNCTION day_of_week(pg_catalog.timestamptz)
IS 'day of the week in UTC, from 1 for Monday to 7 for Sunday';

CREATE FUNCTION day_of_week(pg_catalog.timestamp)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_day_of_week_timestamp';

COMMENT ON FUNCTION day_of_week(pg_catalog.timestamp)
IS 'day of the week in UTC, from 1 for Monday to 7 for Sunday';

CREATE FUNCTION day_of_week(pg_catalog.date)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_day_of_week_date';

COMMENT ON FUNCTION day_of_week(pg_catalog.date)
IS 'day of the week in UTC, from 1 for Monday to 7 for Sunday';

CREATE FUNCTION hour(pg_catalog.timestamptz)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_hour_timestamp';

COMMENT ON FUNCTION hour(pg_catalog.timestamptz)
IS 'hour of the day in UTC';

CREATE FUNCTION hour(pg_catalog.timestamp)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_hour_timestamp';

COMMENT ON FUNCTION hour(pg_catalog.timestamp)
IS 'hour of the day in UTC';

CREATE FUNCTION hour(pg_catalog.date)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_hour_date';

COMMENT ON FUNCTION hour(pg_catalog.date)
IS 'hour of the day in UTC';

CREATE FUNCTION date_format(pg_catalog.timestamptz, pg_catalog.text)
RETURNS pg_catalog.text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_format_timestamp';

COMMENT ON FUNCTION date_format(pg_catalog.timestamptz, pg_catalog.text)
IS 'prints a time in UTC by a format of MySQL';

CREATE FUNCTION date_format(pg_catalog.timestamp, pg_catalog.text)
RETURNS pg_catalog.text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_format_timestamp';

COMMENT ON FUNCTION date_format(pg_catalog.timestamp, pg_catalog.text)
IS 'prints a time in UTC by a format of MySQL';

CREATE FUNCTION date_format(pg_catalog.date, pg_catalog.text)
RETURNS pg_catalog.text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_format_date';

COMMENT ON FUNCTION date_format(pg_catalog.date, pg_catalog.text)
IS 'prints a time in UTC by a format of MySQL';

CREATE FUNCTION date_parse(pg_catalog.text, pg_catalog.text)
RETURNS pg_catalog.timestamp
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_parse';

COMMENT ON FUNCTION date_parse(pg_catalog.text, pg_catalog.text)
IS 'reads a time by a format of MySQL';

CREATE FUNCTION date_add(pg_catalog.text, pg_catalog.int8, pg_catalog.timestamptz)
RETURNS pg_catalog.timestamptz
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_add_timestamp';

COMMENT ON FUNCTION date_add(pg_catalog.text, pg_catalog.int8, pg_catalog.timestamptz)
IS 'adds so many of a unit to a time, in UTC';

CREATE FUNCTION date_add(pg_catalog.text, pg_catalog.int8, pg_catalog.timestamp)
RETURNS pg_catalog.timestamp
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_add_timestamp';

COMMENT ON FUNCTION date_add(pg_catalog.text, pg_catalog.int8, pg_catalog.timestamp)
IS 'adds so many of a unit to a time, in UTC';

CREATE FUNCTION date_add(pg_catalog.text, pg_catalog.int8, pg_catalog.date)
RETURNS pg_catalog.date
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_add_date';

COMMENT ON FUNCTION date_add(pg_catalog.text, pg_catalog.int8, pg_catalog.date)
IS 'adds so many of a unit to a time, in UTC';

-- with a row for every pair, for PostgreSQL would turn a date into a timestamptz by TimeZone

CREATE FUNCTION date_diff(pg_catalog.text, pg_catalog.timestamptz, pg_catalog.timestamptz)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_diff_timestamp';

COMMENT ON FUNCTION date_diff(pg_catalog.text, pg_catalog.timestamptz, pg_catalog.timestamptz)
IS 'whole units from one time to another, in UTC';

CREATE FUNCTION date_diff(pg_catalog.text, pg_catalog.timestamptz, pg_catalog.timestamp)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_diff_timestamp';

COMMENT ON FUNCTION date_diff(pg_catalog.text, pg_catalog.timestamptz, pg_catalog.timestamp)
IS 'whole units from one time to another, in UTC';

CREATE FUNCTION date_diff(pg_catalog.text, pg_catalog.timestamptz, pg_catalog.date)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_diff_timestamp_date';

COMMENT ON FUNCTION date_diff(pg_catalog.text, pg_catalog.timestamptz, pg_catalog.date)
IS 'whole units from one time to another, in UTC';

CREATE FUNCTION date_diff(pg_catalog.text, pg_catalog.timestamp, pg_catalog.timestamptz)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_diff_timestamp';

COMMENT ON FUNCTION date_diff(pg_catalog.text, pg_catalog.timestamp, pg_catalog.timestamptz)
IS 'whole units from one time to another, in UTC';

CREATE FUNCTION date_diff(pg_catalog.text, pg_catalog.timestamp, pg_catalog.timestamp)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_diff_timestamp';

COMMENT ON FUNCTION date_diff(pg_catalog.text, pg_catalog.timestamp, pg_catalog.timestamp)
IS 'whole units from one time to another, in UTC';

CREATE FUNCTION date_diff(pg_catalog.text, pg_catalog.timestamp, pg_catalog.date)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_diff_timestamp_date';

COMMENT ON FUNCTION date_diff(pg_catalog.text, pg_catalog.timestamp, pg_catalog.date)
IS 'whole units from one time to another, in UTC';

CREATE FUNCTION date_diff(pg_catalog.text, pg_catalog.date, pg_catalog.timestamptz)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_diff_date_timestamp';

COMMENT ON FUNCTION date_diff(pg_catalog.text, pg_catalog.date, pg_catalog.timestamptz)
IS 'whole units from one time to another, in UTC';

CREATE FUNCTION date_diff(pg_catalog.text, pg_catalog.date, pg_catalog.timestamp)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_diff_date_timestamp';

COMMENT ON FUNCTION date_diff(pg_catalog.text, pg_catalog.date, pg_catalog.timestamp)
IS 'whole units from one time to another, in UTC';

CREATE FUNCTION date_diff(pg_catalog.text, pg_catalog.date, pg_catalog.date)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_date_diff_date';

COMMENT ON FUNCTION date_diff(pg_catalog.text, pg_catalog.date, pg_catalog.date)
IS 'whole units from one time to another, in UTC';

CREATE DOMAIN ipaddress AS pg_catalog.inet
CHECK (pg_catalog.masklen(VALUE) OPERATOR(pg_catalog.=) CASE pg_catalog.family(VALUE) WHEN 4 THEN 32 ELSE 128 END);

COMMENT ON DOMAIN ipaddress
IS 'an address, not a network: the type of Trino''s addresses';

CREATE FUNCTION contains(pg_catalog.text, pg_catalog.inet)
RETURNS pg_catalog.bool
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_contains';

COMMENT ON FUNCTION contains(pg_catalog.text, pg_catalog.inet)
IS 'is the address in the network?';
