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
	OUT to_time pg_catalog.timestamptz,
	OUT error pg_catalog.text)
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
	OUT messages_skipped pg_catalog.int8,
	OUT row_groups pg_catalog.int8,
	OUT row_groups_pruned pg_catalog.int8,
	OUT pages_pruned pg_catalog.int8,
	OUT rows_pruned pg_catalog.int8,
	OUT files_answered pg_catalog.int8,
	OUT files_not_indexed pg_catalog.int8)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'flowlog_last_scan';

COMMENT ON FUNCTION flowlog_last_scan()
IS 'what this session''s last statement that scanned flow logs has counted, by table';

-- The files of settled days (see option "settled_after"): a list for each table, and its files.  They are written by
-- flowlog_list_refresh() and read by scans, neither of which needs rights on them.  Nothing of them is dumped: until
-- it is made again, a list is only missing.

CREATE TABLE flowlog_lists (
	list pg_catalog.int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	"table" pg_catalog.oid NOT NULL UNIQUE,
	meaning pg_catalog.text NOT NULL,
	settled_before pg_catalog.date NOT NULL,
	refreshed pg_catalog.timestamptz NOT NULL
);

CREATE TABLE flowlog_listed_files (
	list pg_catalog.int4 NOT NULL,
	day pg_catalog.date NOT NULL,
	path pg_catalog.bytea NOT NULL,
	bytes pg_catalog.int8 NOT NULL,
	modified pg_catalog.int8 NOT NULL,
	version pg_catalog.bytea,
	archived pg_catalog.bool NOT NULL,
	device pg_catalog.int8 NOT NULL,
	inode pg_catalog.int8 NOT NULL
);

CREATE INDEX flowlog_listed_files_day ON flowlog_listed_files (list, day);

COMMENT ON TABLE flowlog_lists
IS 'up to which day the files of a table of flow logs are known, by option "settled_after"';

COMMENT ON TABLE flowlog_listed_files
IS 'the files of settled days';

CREATE PROCEDURE flowlog_list_refresh("table" pg_catalog.regclass, verify pg_catalog.bool DEFAULT false)
LANGUAGE C
AS 'MODULE_PATHNAME', 'flowlog_list_refresh';

COMMENT ON PROCEDURE flowlog_list_refresh(pg_catalog.regclass, pg_catalog.bool)
IS 'lists the files of a table''s settled days, so that queries need not';

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

-- Tables that are divided among several servers

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

-- Trino's functions, which read and print time in UTC whatever TimeZone is

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

CREATE FUNCTION bitwise_and(pg_catalog.int8, pg_catalog.int8)
RETURNS pg_catalog.int8
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
AS 'int8and';

COMMENT ON FUNCTION bitwise_and(pg_catalog.int8, pg_catalog.int8)
IS 'the bits that both numbers have';

CREATE FUNCTION bitwise_or(pg_catalog.int8, pg_catalog.int8)
RETURNS pg_catalog.int8
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
AS 'int8or';

COMMENT ON FUNCTION bitwise_or(pg_catalog.int8, pg_catalog.int8)
IS 'the bits that either number has';

CREATE FUNCTION bitwise_xor(pg_catalog.int8, pg_catalog.int8)
RETURNS pg_catalog.int8
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
AS 'int8xor';

COMMENT ON FUNCTION bitwise_xor(pg_catalog.int8, pg_catalog.int8)
IS 'the bits that one of the numbers has';

CREATE FUNCTION bitwise_not(pg_catalog.int8)
RETURNS pg_catalog.int8
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
AS 'int8not';

COMMENT ON FUNCTION bitwise_not(pg_catalog.int8)
IS 'the bits that the number does not have';

CREATE FUNCTION url_decode(pg_catalog.text)
RETURNS pg_catalog.text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_url_decode';

COMMENT ON FUNCTION url_decode(pg_catalog.text)
IS 'decodes a part of a URL: percent signs, and + for a blank';

CREATE FUNCTION parse_duration(pg_catalog.text)
RETURNS pg_catalog.interval
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_parse_duration';

COMMENT ON FUNCTION parse_duration(pg_catalog.text)
IS 'reads a number with a unit: ns, us, ms, s, m, h or d';

CREATE FUNCTION split(pg_catalog.text, pg_catalog.text)
RETURNS pg_catalog.text[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_split';

COMMENT ON FUNCTION split(pg_catalog.text, pg_catalog.text)
IS 'splits a text at a delimiter';

CREATE FUNCTION element_at(pg_catalog.anyarray, pg_catalog.int8)
RETURNS pg_catalog.anyelement
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_element_at';

COMMENT ON FUNCTION element_at(pg_catalog.anyarray, pg_catalog.int8)
IS 'an element of an array, counted from 1, or from the end with -1; NULL if there is none';

CREATE FUNCTION sequence(pg_catalog.int8, pg_catalog.int8)
RETURNS pg_catalog.int8[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_sequence_int8';

COMMENT ON FUNCTION sequence(pg_catalog.int8, pg_catalog.int8)
IS 'the array from one value to another';

CREATE FUNCTION sequence(pg_catalog.int8, pg_catalog.int8, pg_catalog.int8)
RETURNS pg_catalog.int8[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_sequence_int8';

COMMENT ON FUNCTION sequence(pg_catalog.int8, pg_catalog.int8, pg_catalog.int8)
IS 'the array from one value to another, by a step';

CREATE FUNCTION sequence(pg_catalog.date, pg_catalog.date)
RETURNS pg_catalog.date[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_sequence_date';

COMMENT ON FUNCTION sequence(pg_catalog.date, pg_catalog.date)
IS 'the array from one value to another';

CREATE FUNCTION sequence(pg_catalog.date, pg_catalog.date, pg_catalog.interval)
RETURNS pg_catalog.date[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_sequence_date';

COMMENT ON FUNCTION sequence(pg_catalog.date, pg_catalog.date, pg_catalog.interval)
IS 'the array from one value to another, by a step';

CREATE FUNCTION sequence(pg_catalog.timestamptz, pg_catalog.timestamptz, pg_catalog.interval)
RETURNS pg_catalog.timestamptz[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_sequence_timestamptz';

COMMENT ON FUNCTION sequence(pg_catalog.timestamptz, pg_catalog.timestamptz, pg_catalog.interval)
IS 'the array from one value to another, by a step';

CREATE FUNCTION sequence(pg_catalog.timestamp, pg_catalog.timestamp, pg_catalog.interval)
RETURNS pg_catalog.timestamp[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_sequence_timestamp';

COMMENT ON FUNCTION sequence(pg_catalog.timestamp, pg_catalog.timestamp, pg_catalog.interval)
IS 'the array from one value to another, by a step';

-- inlined, so that only the branch that counts is evaluated

CREATE FUNCTION "if"(pg_catalog.bool, pg_catalog.anycompatible, pg_catalog.anycompatible)
RETURNS pg_catalog.anycompatible
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT CASE WHEN $1 THEN $2 ELSE $3 END';

COMMENT ON FUNCTION "if"(pg_catalog.bool, pg_catalog.anycompatible, pg_catalog.anycompatible)
IS 'CASE WHEN ... THEN ... ELSE ... END';

CREATE FUNCTION "if"(pg_catalog.bool, pg_catalog.anycompatible)
RETURNS pg_catalog.anycompatible
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT CASE WHEN $1 THEN $2 END';

COMMENT ON FUNCTION "if"(pg_catalog.bool, pg_catalog.anycompatible)
IS 'CASE WHEN ... THEN ... END';

-- Trino's aggregates, with their support functions

CREATE FUNCTION flowlog_fdw_count_if_step(pg_catalog.int8, pg_catalog.bool)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_count_if_step';

CREATE AGGREGATE count_if(pg_catalog.bool) (
	SFUNC = flowlog_fdw_count_if_step,
	STYPE = pg_catalog.int8,
	COMBINEFUNC = pg_catalog.int8pl,
	INITCOND = '0',
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE count_if(pg_catalog.bool)
IS 'the number of rows for which a condition is true';

CREATE FUNCTION flowlog_fdw_arbitrary_step(pg_catalog.anyelement, pg_catalog.anyelement)
RETURNS pg_catalog.anyelement
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_arbitrary_step';

CREATE AGGREGATE arbitrary(pg_catalog.anyelement) (
	SFUNC = flowlog_fdw_arbitrary_step,
	STYPE = pg_catalog.anyelement,
	COMBINEFUNC = flowlog_fdw_arbitrary_step,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE arbitrary(pg_catalog.anyelement)
IS 'any value that is not NULL';

CREATE FUNCTION flowlog_fdw_max_by_step(pg_catalog.internal, pg_catalog.anyelement, pg_catalog.anycompatible)
RETURNS pg_catalog.internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_max_by_step';

CREATE FUNCTION flowlog_fdw_min_by_step(pg_catalog.internal, pg_catalog.anyelement, pg_catalog.anycompatible)
RETURNS pg_catalog.internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_min_by_step';

CREATE FUNCTION flowlog_fdw_best_by(pg_catalog.internal, pg_catalog.anyelement, pg_catalog.anycompatible)
RETURNS pg_catalog.anyelement
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_best_by';

CREATE AGGREGATE max_by(pg_catalog.anyelement, pg_catalog.anycompatible) (
	SFUNC = flowlog_fdw_max_by_step,
	STYPE = pg_catalog.internal,
	FINALFUNC = flowlog_fdw_best_by,
	FINALFUNC_EXTRA,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE max_by(pg_catalog.anyelement, pg_catalog.anycompatible)
IS 'the first value of the row that has the greatest second value';

CREATE AGGREGATE min_by(pg_catalog.anyelement, pg_catalog.anycompatible) (
	SFUNC = flowlog_fdw_min_by_step,
	STYPE = pg_catalog.internal,
	FINALFUNC = flowlog_fdw_best_by,
	FINALFUNC_EXTRA,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE min_by(pg_catalog.anyelement, pg_catalog.anycompatible)
IS 'the first value of the row that has the least second value';

CREATE FUNCTION flowlog_fdw_distinct_step(pg_catalog.internal, pg_catalog.anyelement)
RETURNS pg_catalog.internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_distinct_step';

CREATE FUNCTION flowlog_fdw_distinct(pg_catalog.internal)
RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_distinct';

CREATE AGGREGATE approx_distinct(pg_catalog.anyelement) (
	SFUNC = flowlog_fdw_distinct_step,
	STYPE = pg_catalog.internal,
	FINALFUNC = flowlog_fdw_distinct,
	FINALFUNC_MODIFY = READ_WRITE,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE approx_distinct(pg_catalog.anyelement)
IS 'the exact number of distinct values';

CREATE FUNCTION flowlog_fdw_percentile_step(pg_catalog.internal, pg_catalog.anyelement, pg_catalog.float8)
RETURNS pg_catalog.internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_percentile_step';

CREATE FUNCTION flowlog_fdw_percentile(pg_catalog.internal, pg_catalog.anyelement, pg_catalog.float8)
RETURNS pg_catalog.anyelement
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'flowlog_percentile';

CREATE AGGREGATE approx_percentile(pg_catalog.anyelement, pg_catalog.float8) (
	SFUNC = flowlog_fdw_percentile_step,
	STYPE = pg_catalog.internal,
	FINALFUNC = flowlog_fdw_percentile,
	FINALFUNC_EXTRA,
	FINALFUNC_MODIFY = READ_WRITE,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE approx_percentile(pg_catalog.anyelement, pg_catalog.float8)
IS 'the exact value at a percentage, from 0 to 1';

-- Trino's addresses

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
