--
-- Records in JSON of other programs, and with a member for each field
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set texts :abs_srcdir '/test/data/json/texts'
\set fields :abs_srcdir '/test/data/json/fields'
\set mixed :abs_srcdir '/test/data/json/mixed.json'
\set no_room :abs_srcdir '/test/data/json/no_room.json'
\set rejects :abs_srcdir '/test/data/json/rejects.json'
\set bad :abs_srcdir '/test/data/json/bad/'
\pset format unaligned
CREATE SCHEMA json;
SET search_path = json, public;
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE SERVER json FOREIGN DATA WRAPPER flowlog_fdw;

-- the message has many names, and may be in an object, an array, a text, or base64 and gzip
CREATE FOREIGN TABLE texts (ts timestamptz, srcaddr inet, bytes bigint, path text OPTIONS (field '$path'), line int OPTIONS (field '$line'))
SERVER json OPTIONS (location :'texts');
SELECT regexp_replace(path, '.*/', '') AS file, line, ts, srcaddr, bytes FROM texts ORDER BY file, line;
SELECT count(*), count(DISTINCT srcaddr), sum(bytes) FROM texts WHERE bytes - 4000 = host(srcaddr)::text::inet - '10.0.1.0';

-- a member for each field: in any spelling, as text, number or null, with others beside it
CREATE FOREIGN TABLE fields (
	ts timestamptz, version int, interface_id text, srcaddr inet, numbytes bigint, start timestamptz, "end" bigint, log_status text,
	path text OPTIONS (field '$path'), line int OPTIONS (field '$line')
) SERVER json OPTIONS (location :'fields');
SELECT regexp_replace(path, '.*/', '') AS file, line, ts, version, interface_id, srcaddr, numbytes, start, "end", log_status FROM fields ORDER BY file, line;
SELECT count(*), sum(numbytes) FROM fields WHERE srcaddr << '10.0.1.0/29' AND log_status = 'OK';
SELECT version, count(*) FROM fields WHERE log_status IS NULL OR version = 2 GROUP BY version ORDER BY version;
SET flowlog_fdw.enable_splitter = off;
SELECT count(*), sum(numbytes) FROM fields WHERE srcaddr << '10.0.1.0/29' AND log_status = 'OK';
RESET flowlog_fdw.enable_splitter;
SELECT regexp_replace(path, '.*/', '') AS file, wrapper, cardinality(fields), fields[1:3] FROM flowlog_files('fields') ORDER BY 1;
CREATE FUNCTION explain(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		CONTINUE WHEN line ~ 'Buffers|Planning|Execution';
		RETURN NEXT regexp_replace(regexp_replace(line, 'rows=(\d+)\.0+', 'rows=\1'), 'Log Location: .*/', 'Log Location: ');
	END LOOP;
END $$;
SELECT explain('SELECT "end", ts FROM fields');

-- no format of the table says what the members are
ALTER FOREIGN TABLE fields OPTIONS (ADD log_format '${dstaddr} ${srcaddr}', ADD header 'true');
SELECT count(*), count(srcaddr), sum(numbytes) FROM fields;
ALTER FOREIGN TABLE fields OPTIONS (DROP log_format, SET header 'match', ADD "null" '4001');
SELECT count(*), count(srcaddr), sum(numbytes) FROM fields;
ALTER FOREIGN TABLE fields OPTIONS (DROP header, DROP "null", ADD null_off 'true');
SELECT count(*), count(srcaddr), sum(numbytes) FROM fields;

-- other members fill columns of their names
CREATE FOREIGN TABLE mixed (ts timestamptz, srcaddr inet, bytes bigint, owner text) SERVER json OPTIONS (location :'mixed', on_error 'ignore', log_verbosity 'silent');
SELECT * FROM mixed; -- ERROR
ALTER FOREIGN TABLE mixed DROP COLUMN owner;
SELECT * FROM mixed;
SELECT line, reason, raw FROM flowlog_rejects('mixed');
CREATE FOREIGN TABLE rejects (srcaddr inet, bytes bigint, owner text, label text OPTIONS (field 'OWNER')) SERVER json
OPTIONS (location :'rejects', on_error 'ignore', log_verbosity 'silent');
SELECT * FROM rejects;
SELECT line, reason, raw FROM flowlog_rejects('rejects');
ALTER FOREIGN TABLE rejects OPTIONS (SET on_error 'set_null');
SELECT * FROM rejects;
ALTER FOREIGN TABLE rejects OPTIONS (SET on_error 'stop');
SELECT * FROM rejects; -- ERROR
ALTER FOREIGN TABLE rejects ADD COLUMN src_adr inet;
SELECT * FROM rejects; -- ERROR

-- columns that no record has a member for are named in a warning, each once
CREATE FOREIGN TABLE lacking (srcaddr inet, log_status text, vpc_id text, tcp_flags int) SERVER json OPTIONS (location :'fields');
SELECT count(vpc_id), count(log_status), count(srcaddr) FROM lacking;
SELECT vpc_id FROM lacking WHERE srcaddr IS NOT NULL LIMIT 1;
-- and two columns for one member are an error
ALTER FOREIGN TABLE lacking ADD COLUMN src_ip inet;
SELECT srcaddr FROM lacking; -- ERROR
ALTER FOREIGN TABLE lacking ALTER src_ip OPTIONS (ADD field 'srcaddr');
SELECT count(*) FROM lacking WHERE srcaddr = src_ip;

-- what cannot be read is an error that says where
CREATE FOREIGN TABLE bad (srcaddr inet, bytes bigint) SERVER json OPTIONS (location :'bad');
CREATE PROCEDURE read_bad(file text) LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
BEGIN
	EXECUTE format('ALTER FOREIGN TABLE bad OPTIONS (SET location %L)', file);
	PERFORM count(*) FROM bad;
	RAISE INFO 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RAISE INFO '% % %', SQLSTATE, regexp_replace(message, '".*/', '"'), detail;
END $$;
SELECT format('CALL read_bad(%L)', path) FROM (SELECT path FROM flowlog_files('bad') ORDER BY 1) f \gexec

-- IMPORT FOREIGN SCHEMA finds the fields
IMPORT FOREIGN SCHEMA a FROM SERVER json INTO json OPTIONS (location :'fields', "table" 'imported');
\d imported
SELECT ts, srcaddr, bytes, log_status FROM imported ORDER BY bytes NULLS LAST LIMIT 3;
IMPORT FOREIGN SCHEMA a FROM SERVER json INTO json OPTIONS (location :'texts', "table" 'imported_texts');
SELECT count(*), sum(bytes), count(ts) FROM imported_texts;
-- what other values replace, and zeros after a point, take no room from the values of a record without a word
CREATE FOREIGN TABLE no_room (srcaddr text, dstaddr text, dstport text, action text) SERVER json
OPTIONS (location :'no_room', max_line_length '100', on_error 'ignore', log_verbosity 'silent');
TABLE no_room;
SELECT line, reason FROM flowlog_rejects('no_room');

DROP SCHEMA json CASCADE;
DROP SERVER json CASCADE;
