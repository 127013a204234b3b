--
-- What CloudWatch wraps round records
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set data :abs_srcdir '/test/data/'
\set s3 :data 's3.log'
\set quoted :data 'quoted.csv'
\set athena :data 'athena.csv'
\set insights_fields :data 'insights_fields.csv'
\set all :data '{export.log,firehose.json,firehose.json.gz.gz,lines.json,api.json,console.csv,console_streams.csv,insights.csv,insights_fields.csv,athena.csv,tail.log,awslogs.log,events.log,milliseconds.log}'
\pset format unaligned
CREATE SCHEMA wrapper;
SET search_path = wrapper, public;
SET wrapper.data = :'data';
SET timezone = 'UTC';

CREATE SERVER wrapper FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FOREIGN TABLE flow (
	ts timestamptz, version int, account_id text, interface_id text, srcaddr inet, dstaddr inet, srcport int, dstport int,
	protocol int, packets bigint, bytes bigint, start timestamptz, "end" timestamptz, action text, log_status text
) SERVER wrapper OPTIONS (location :'s3');
CREATE PROCEDURE read_file(name text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER FOREIGN TABLE flow OPTIONS (SET location %L)', current_setting('wrapper.data') || name);
END $$;
CREATE PROCEDURE set_option(name text, value text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER FOREIGN TABLE flow OPTIONS (%s %I %L)',
		CASE WHEN EXISTS (SELECT FROM pg_foreign_table, unnest(ftoptions) o WHERE ftrelid = 'flow'::regclass AND o LIKE name || '=%') THEN 'SET' ELSE 'ADD' END, name, value);
END $$;
CREATE FUNCTION ledger(query text, OUT lines bigint, OUT emitted bigint, OUT rejected bigint, OUT set_null bigint, OUT skipped bigint)
LANGUAGE plpgsql AS $$
DECLARE
	plan json;
	scan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT json) ' || query INTO plan;
	scan := jsonb_path_query_first(plan::jsonb, 'strict $.** ? (@."Node Type" == "Foreign Scan")');
	lines := scan ->> 'Lines'; emitted := scan ->> 'Lines Emitted'; rejected := scan ->> 'Lines Rejected';
	set_null := scan ->> 'Lines Set Null'; skipped := scan ->> 'Messages Skipped';
END $$;

-- the records are those of the file without wrapper, and there is a time
CREATE TABLE reference AS TABLE flow;
SELECT count(ts) FROM reference;
CREATE TABLE found AS TABLE flow WITH NO DATA;
DO $$
DECLARE
	file text;
	splitter text;
BEGIN
	FOREACH file IN ARRAY ARRAY['export.log', 'firehose.json', 'firehose.json.gz.gz', 'lines.json', 'api.json', 'console.csv', 'console_streams.csv', 'insights.csv', 'insights_fields.csv',
		'athena.csv', 'tail.log', 'awslogs.log', 'events.log', 'milliseconds.log'] LOOP
		CALL read_file(file);
		FOREACH splitter IN ARRAY ARRAY['on', 'off'] LOOP
			PERFORM set_config('flowlog_fdw.enable_splitter', splitter, true);
			DELETE FROM found;
			INSERT INTO found SELECT * FROM flow WHERE log_status = 'OK';
			RAISE INFO '%, splitter %: % missing, % more; times: %, from % to %', file, splitter,
				(SELECT count(*) FROM (SELECT version, account_id, interface_id, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, start, "end", action, log_status FROM reference
					EXCEPT ALL SELECT version, account_id, interface_id, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, start, "end", action, log_status FROM found) d),
				(SELECT count(*) FROM (SELECT version, account_id, interface_id, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, start, "end", action, log_status FROM found
					EXCEPT ALL SELECT version, account_id, interface_id, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, start, "end", action, log_status FROM reference) d),
				(SELECT count(ts) FROM found), (SELECT min(ts) FROM found), (SELECT max(ts) FROM found);
		END LOOP;
	END LOOP;
END $$;

-- all in one table, each file by its own content; a message without events is none, and counted
CREATE FOREIGN TABLE everything (ts timestamptz, dstport int, bytes bigint, start timestamptz) SERVER wrapper OPTIONS (location :'all');
SELECT regexp_replace(path, '.*/', '') AS file, compression, wrapper, cardinality(fields), fields[1] FROM flowlog_files('everything') ORDER BY 1;
SELECT * FROM ledger('SELECT * FROM everything');
SELECT dstport, count(*), sum(bytes), count(ts), bool_and(ts = start) FROM everything GROUP BY dstport ORDER BY dstport;

-- a regular expression sees lines as they are
CREATE FOREIGN TABLE lines (line text) SERVER wrapper OPTIONS (location :'all', regex '(.*)');
SELECT count(*) FROM lines;
SELECT wrapper, count(*) FROM flowlog_files('lines') GROUP BY wrapper;

-- events that are no records, at their numbers
CALL set_option('on_error', 'ignore');
CALL read_file('events_bad.json');
SELECT line, reason, raw FROM flowlog_rejects('flow');
SELECT ts, srcaddr FROM flow;
CALL read_file('console_bad.csv');
SELECT line, reason FROM flowlog_rejects('flow');
SELECT ts, srcaddr FROM flow;
CALL set_option('on_error', 'stop');
SELECT * FROM flow; -- ERROR

-- CSV of fields: without quotes nothing is NULL, and "" is empty; line breaks are in no record
CREATE FOREIGN TABLE quoted (srcaddr inet, bytes int, instance_tag text, other text OPTIONS (field '_col3'), line int OPTIONS (field '$line'))
	SERVER wrapper OPTIONS (location :'quoted', on_error 'ignore', log_verbosity 'silent');
SELECT *, instance_tag IS NULL AS no_tag, other IS NULL AS no_other FROM quoted;
SELECT srcaddr FROM quoted WHERE instance_tag = '';
SELECT other, count(*) FROM quoted GROUP BY other ORDER BY other;
SELECT line, reason, raw FROM flowlog_rejects('quoted');
SELECT wrapper, fields FROM flowlog_files('quoted');
-- with a log format, whose separator is then the file's
CREATE FOREIGN TABLE athena (bytes bigint, srcaddr inet) SERVER wrapper OPTIONS (location :'athena', log_format
	'${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}');
SELECT srcaddr, sum(bytes) FROM athena GROUP BY srcaddr ORDER BY srcaddr;
-- IMPORT knows the names of Logs Insights, and when records were logged
IMPORT FOREIGN SCHEMA insights_fields FROM SERVER wrapper INTO wrapper OPTIONS (location :'insights_fields');
SELECT ts, interface_id, srcaddr, dstport, bytes, start, log_status FROM insights_fields WHERE dstport = 443;
SELECT fields FROM flowlog_files('insights_fields');

-- what is damaged, or has no records, is an error whatever "on_error" says
CALL set_option('on_error', 'ignore');
CALL read_file('cut.json');
SELECT srcaddr FROM flow; -- ERROR
CALL read_file('damaged.json');
SELECT srcaddr FROM flow; -- ERROR
\set manifest :abs_srcdir '/META.json'
ALTER FOREIGN TABLE flow OPTIONS (SET location :'manifest');
SELECT * FROM flow; -- ERROR

-- errors have no marks either, and a line of an export task may lack its time
CALL set_option('on_error', 'stop');
CALL read_file('events_bad.json');
SELECT * FROM flow; -- ERROR
CALL set_option('on_error', 'ignore');
CALL read_file('export_bad.log');
SELECT line, reason, raw FROM flowlog_rejects('flow');

-- headers of other tools, and other separators: the message says what rows are
\set splunk :data 'splunk.csv'
\set separators :data '{semicolons,message}.csv'
\set short :data 'splunk_short.csv'
IMPORT FOREIGN SCHEMA short FROM SERVER wrapper INTO wrapper OPTIONS (location :'short'); -- ERROR
CREATE FOREIGN TABLE splunk (ts timestamptz, srcaddr inet, bytes bigint) SERVER wrapper OPTIONS (location :'splunk', on_error 'ignore', log_verbosity 'silent');
SELECT * FROM splunk;
SELECT line, reason, raw FROM flowlog_rejects('splunk');
IMPORT FOREIGN SCHEMA separators FROM SERVER wrapper INTO wrapper OPTIONS (location :'separators');
SELECT srcaddr, bytes FROM separators ORDER BY bytes;

-- records in JSON of yet other tools
\set tools :data 'tools.json'
CREATE FOREIGN TABLE tools (ts timestamptz, srcaddr inet, bytes bigint) SERVER wrapper OPTIONS (location :'tools');
SELECT * FROM tools ORDER BY bytes;

-- results of Logs Insights that are computed, and what Firehose could not deliver
\set computed :data 'insights_computed.json'
CREATE FOREIGN TABLE computed (srcaddr inet, dstaddr inet, transferred bigint OPTIONS (field 'bytesTransferred')) SERVER wrapper OPTIONS (location :'computed');
SELECT * FROM computed ORDER BY srcaddr;
IMPORT FOREIGN SCHEMA imported_computed FROM SERVER wrapper INTO wrapper OPTIONS (location :'computed');
SELECT fields FROM flowlog_files('imported_computed');
\set failed :data 'firehose_failed.json'
IMPORT FOREIGN SCHEMA failed FROM SERVER wrapper INTO wrapper OPTIONS (location :'failed');
SELECT ts, srcaddr, bytes FROM failed;

-- times of events: what is none is a bad value, and only null is NULL
CALL read_file('times.json');
SELECT ts, count(*) FROM flow GROUP BY ts ORDER BY ts;
SELECT line, reason, split_part(raw, ' ', 1) AS time FROM flowlog_rejects('flow');
CALL set_option('on_error', 'set_null');
SELECT count(ts), count(*) FROM flow;
CALL set_option('on_error', 'stop');
SELECT count(ts) FROM flow; -- ERROR
SELECT count(srcaddr) FROM flow;
CALL set_option('on_error', 'ignore');

-- with a log format
CALL set_option('log_format', '${version} ${account-id} ${interface-id} ${dstaddr} ${srcaddr} ${dstport} ${srcport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}');
CALL read_file('firehose.json');
SELECT ts, dstaddr, srcport FROM flow WHERE srcport = 443;
CALL read_file('export.log');
SELECT ts, dstaddr, srcport FROM flow WHERE srcport = 443;

-- the time gets a column when a table is imported
IMPORT FOREIGN SCHEMA imported FROM SERVER wrapper INTO wrapper OPTIONS (location :'all');
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'imported'::regclass AND attnum BETWEEN 1 AND 3;
SELECT count(*), count(ts) FROM imported;

DROP SCHEMA wrapper CASCADE;
DROP SERVER wrapper CASCADE;
