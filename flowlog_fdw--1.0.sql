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

-- Trino's functions, which read time in UTC whatever TimeZone is

CREATE FUNCTION from_iso8601_timestamp(pg_catalog.text)
RETURNS pg_catalog.timestamptz
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_from_iso8601_timestamp';

CREATE FUNCTION day_of_week(pg_catalog.timestamptz)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_day_of_week_timestamp';

CREATE FUNCTION day_of_week(pg_catalog.timestamp)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_day_of_week_timestamp';

CREATE FUNCTION day_of_week(pg_catalog.date)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_day_of_week_date';

CREATE FUNCTION from_unixtime(pg_catalog.float8)
RETURNS pg_catalog.timestamptz
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_from_unixtime';
