--
-- Tables without "regex": each file's own header says what its fields are
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set data :abs_srcdir '/test/data/'
\set s3 :data 's3.log'
\set several :data '{s3,custom,alphabet,tgw,new_fields}.log'
\set default '${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}'
\pset format unaligned
CREATE SCHEMA header;
SET search_path = header, public;
SET header.data = :'data';
SET timezone = 'UTC';

CREATE SERVER header FOREIGN DATA WRAPPER flowlog_fdw;

-- with nothing but a location
CREATE FOREIGN TABLE flow (
	version int, account_id text, interface_id text, srcaddr inet, dstaddr inet, srcport int, dstport int,
	protocol int, packets bigint, bytes bigint, start timestamptz, "end" timestamptz, action text, log_status text
) SERVER header OPTIONS (location :'s3');
SELECT * FROM flow ORDER BY start, srcaddr;
EXPLAIN (COSTS OFF) SELECT * FROM flow WHERE dstport = 443;

CREATE FUNCTION read_file(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER FOREIGN TABLE flow OPTIONS (SET location %L)', current_setting('header.data') || name);
END $$;
CREATE FUNCTION set_option(name text, value text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER FOREIGN TABLE flow OPTIONS (%s %I %L)',
		CASE WHEN EXISTS (SELECT FROM pg_foreign_table, unnest(ftoptions) o WHERE ftrelid = 'flow'::regclass AND o LIKE name || '=%') THEN 'SET' ELSE 'ADD' END, name, value);
END $$;
CREATE FUNCTION ledger(query text, OUT lines bigint, OUT headers bigint, OUT blank bigint, OUT emitted bigint, OUT filtered bigint,
	OUT rejected bigint, OUT set_null bigint, OUT lacking bigint, OUT balanced boolean)
LANGUAGE plpgsql AS $$
DECLARE
	plan json;
	scan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT json) ' || query INTO plan;
	scan := jsonb_path_query_first(plan::jsonb, 'strict $.** ? (@."Node Type" == "Foreign Scan")');
	lines := scan ->> 'Lines'; headers := scan ->> 'Headers'; blank := scan ->> 'Blank Lines'; emitted := scan ->> 'Lines Emitted';
	filtered := scan ->> 'Lines Filtered'; rejected := scan ->> 'Lines Rejected'; set_null := scan ->> 'Lines Set Null';
	lacking := scan ->> 'Files Lacking Fields';
	balanced := lines = headers + blank + emitted + filtered + rejected;
END $$;

-- as the table with an expression reads it, whatever became of the file on its way
CREATE TABLE reference AS TABLE flow;
CREATE VIEW difference AS
	(TABLE flow EXCEPT ALL TABLE reference) UNION ALL (TABLE reference EXCEPT ALL TABLE flow);
DO $$
DECLARE
	file text;
BEGIN
	FOREACH file IN ARRAY ARRAY['s3.log', 'crlf.log', 'bom.log', 'no_newline.log', 'no_header.log', 'empty_lines.log', 'gzip.log.gz', 'zstd.log.zst'] LOOP
		PERFORM read_file(file);
		RAISE INFO '%: % differences', file, (SELECT count(*) FROM difference);
	END LOOP;
END $$;
SELECT read_file('members.log.gz');
SELECT * FROM ledger('SELECT * FROM flow');

-- fields at their places in each file, unknown ones left out, missing ones NULL and counted
CREATE FOREIGN TABLE several (
	version int, account_id text, "tgw-id" text, srcaddr inet, destinationaddress inet, dstport int, action text,
	pkt_srcaddr inet, tcp_flags int, az text OPTIONS (field 'az-id'), logstatus text, packets_lost_no_route bigint, ts timestamptz
) SERVER header OPTIONS (location :'several');
SELECT * FROM several ORDER BY version, srcaddr, dstport;
SELECT * FROM ledger('SELECT * FROM several');
SELECT * FROM ledger('SELECT count(*) FROM several WHERE tcp_flags IS NULL');
SELECT version, count(*), count(tcp_flags), min(srcaddr) FROM several GROUP BY version ORDER BY version;

-- a header in the middle that says something else, one that is the same, and what is none
SELECT read_file('joined.log');
SELECT set_option('on_error', 'ignore'), set_option('log_verbosity', 'verbose');
SELECT srcaddr, dstaddr, srcport, dstport, bytes FROM flow;
SELECT * FROM ledger('SELECT srcaddr, dstaddr FROM flow');
SELECT srcaddr, count(*), sum(bytes) FROM flow GROUP BY srcaddr ORDER BY srcaddr;
SET flowlog_fdw.enable_splitter = off;
SELECT srcaddr, dstaddr, srcport, dstport, bytes FROM flow;
RESET flowlog_fdw.enable_splitter;
SELECT set_option('on_error', 'stop'), set_option('log_verbosity', 'default');
SELECT * FROM flow; -- ERROR

-- other separators, one field
SELECT read_file('tabs.log');
SELECT srcaddr, dstport, start FROM flow;
SELECT read_file('commas.log');
SELECT srcaddr, dstport, start FROM flow;
CREATE FOREIGN TABLE one_field (srcaddr inet) SERVER header OPTIONS (location :'s3');
SELECT count(srcaddr) FROM one_field;
\set one_field :data 'one_field.log'
ALTER FOREIGN TABLE one_field OPTIONS (SET location :'one_field');
SELECT srcaddr IS NULL, count(*) FROM one_field GROUP BY 1 ORDER BY 1;

-- lines that are no records
SELECT read_file('fields.log');
SELECT count(*) FROM flow; -- ERROR
SELECT set_option('on_error', 'ignore');
SELECT count(*) FROM flow;
SELECT line, reason, raw FROM flowlog_rejects('flow');
SELECT set_option('on_error', 'set_null');
SELECT srcaddr, log_status FROM flow;
SELECT set_option('on_error', 'stop');
SELECT read_file('blanks.log');
SELECT set_option('on_error', 'ignore');
SELECT line, reason FROM flowlog_rejects('flow');
SELECT set_option('on_error', 'stop');
SELECT read_file('nodata.log');
SELECT account_id, srcaddr, start, action, log_status FROM flow ORDER BY start, log_status, account_id;

-- no header, and not the default format
SELECT read_file('types.log');
SELECT * FROM flow; -- ERROR
SELECT set_option('on_error', 'ignore');
SELECT count(*) FROM flow; -- ERROR
SELECT set_option('on_error', 'stop');

-- a column that nothing can fill
ALTER FOREIGN TABLE flow RENAME dstport TO dstprt;
SELECT read_file('s3.log');
SELECT count(*) FROM flow; -- ERROR
ALTER FOREIGN TABLE flow RENAME dstprt TO colour;
SELECT count(*) FROM flow; -- ERROR
ALTER FOREIGN TABLE flow RENAME colour TO dstport;
CREATE FOREIGN TABLE new_fields (new_field text, "another-new-field" text, dstport int) SERVER header OPTIONS (location :'s3');
SELECT * FROM new_fields; -- ERROR
\set new_fields :data 'new_fields.log'
ALTER FOREIGN TABLE new_fields OPTIONS (SET location :'new_fields');
SELECT * FROM new_fields;
ALTER FOREIGN TABLE new_fields ALTER dstport SET NOT NULL, ALTER "another-new-field" SET NOT NULL;
SELECT * FROM new_fields; -- ERROR
\set custom :data 'custom.log'
CREATE FOREIGN TABLE required (srcaddr inet, protocol int NOT NULL) SERVER header OPTIONS (location :'custom');
SELECT * FROM required; -- ERROR

-- option "header"
SELECT set_option('header', 'true');
SELECT count(*) FROM flow WHERE dstport = 443;
SELECT read_file('no_header.log');
SELECT count(*) FROM flow; -- ERROR
SELECT set_option('header', 'match');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('header_again.log');
SELECT count(*) FROM flow;
SELECT read_file('joined.log');
SELECT count(*) FROM flow; -- ERROR
SELECT set_option('header', 'false');
SELECT read_file('no_header.log');
SELECT count(*) FROM flow WHERE dstport = 443;
SELECT read_file('s3.log');
SELECT count(*) FROM flow; -- ERROR
SELECT set_option('header', 'auto');

-- option "log_format": for files without header
SELECT set_option('log_format', :'default');
EXPLAIN (COSTS OFF) SELECT * FROM flow;
SELECT count(*) FROM difference;
SELECT read_file('no_header.log');
SELECT count(*) FROM difference;
SELECT read_file('fields.log');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('custom.log');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('joined.log');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('no_header.log');
SELECT set_option('log_format', '${version} ${account-id} ${interface-id} ${dstaddr} ${srcaddr} ${dstport} ${srcport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}');
SELECT dstaddr, srcport FROM flow WHERE dstport = 443;
SELECT set_option('log_format', '${version} ${accountd}  ${shape} ${srcaddr}'); -- WARNING
SELECT * FROM flow; -- ERROR
SELECT set_option('log_format', '${version} ${shape} ${srcaddr}'); -- WARNING
SELECT set_option('log_format', '${version} srcaddr'); -- ERROR
SELECT set_option('log_format', '${version}${srcaddr}'); -- ERROR
SELECT set_option('log_format', '${version},${srcaddr} ${dstaddr}'); -- ERROR
SELECT set_option('log_format', '${version} ${version}'); -- ERROR
SELECT set_option('log_format', '${version} ${Src}'); -- ERROR
SELECT set_option('log_format', '${version'); -- ERROR
SELECT set_option('log_format', ''); -- ERROR
SELECT set_option('log_format', '$${version} $${shape}'); -- ERROR
SELECT set_option('log_format', 'version shape'); -- ERROR
SELECT set_option('regex', '(.*)'); -- ERROR

-- as Terraform and other tools write it
SELECT set_option('log_format', 'version account-id interface-id dstaddr srcaddr dstport srcport protocol packets bytes start end action log-status');
SELECT dstaddr, srcport FROM flow WHERE dstport = 443;
SELECT set_option('log_format', '$${version} $${account-id} $${interface-id} $${dstaddr} $${srcaddr} $${dstport} $${srcport} $${protocol} $${packets} $${bytes} $${start} $${end} $${action} $${log-status}');
SELECT dstaddr, srcport FROM flow WHERE dstport = 443;

-- most lines do not match an expression, but a table without one would read them
CREATE FOREIGN TABLE guess (a text, b text) SERVER header OPTIONS (location :'s3', regex '(\d+);(\d+)', on_error 'ignore');
SELECT count(*) FROM guess;

-- several log formats, told apart by their number of fields
\set formats :data 'formats.log'
CREATE FOREIGN TABLE formats (srcaddr inet, dstport int, action text, bytes bigint, line int OPTIONS (field '$line')) SERVER header OPTIONS (location :'formats',
	log_format '${srcaddr} ${dstport} | ${action} ${srcaddr} ${bytes}
	| ${bytes} ${srcaddr} ${dstport} ${action}', on_error 'ignore', log_verbosity 'silent');
SELECT * FROM formats;
SELECT line, reason, raw FROM flowlog_rejects('formats');
SELECT fields FROM flowlog_files('formats');
SELECT action, count(*), count(dstport), sum(bytes) FROM formats GROUP BY action ORDER BY action;
EXPLAIN (COSTS OFF) SELECT * FROM formats WHERE bytes > 100;
SELECT * FROM formats WHERE bytes > 100;
SET flowlog_fdw.enable_splitter = off;
SELECT * FROM formats WHERE bytes > 100;
SET flowlog_fdw.enable_pushdown = off;
SELECT * FROM formats WHERE bytes > 100;
RESET flowlog_fdw.enable_splitter;
RESET flowlog_fdw.enable_pushdown;
IMPORT FOREIGN SCHEMA of_formats FROM SERVER header INTO header OPTIONS (location :'formats', log_format '${srcaddr} ${dstport}|${action} ${srcaddr} ${bytes}');
SELECT attname FROM pg_attribute WHERE attrelid = 'of_formats'::regclass AND attnum > 0;
-- none may have as many fields as another, or another separator; a column has its field in some of them
ALTER FOREIGN TABLE formats OPTIONS (SET log_format '${srcaddr} ${dstport} | ${action} ${bytes}'); -- ERROR
ALTER FOREIGN TABLE formats OPTIONS (SET log_format '${srcaddr} ${dstport} | ${action},${bytes},${start}'); -- ERROR
ALTER FOREIGN TABLE formats ADD COLUMN vpc_id text;
SELECT * FROM formats; -- ERROR

-- headers in capitals are headers, and one that names a field twice is none that can be used
\set capitals :data 'capitals.csv'
\set repeated :data 'repeated.log'
IMPORT FOREIGN SCHEMA capitals FROM SERVER header INTO header OPTIONS (location :'capitals');
SELECT * FROM capitals;
SELECT fields FROM flowlog_files('capitals');
CREATE FOREIGN TABLE as_text (srcaddr text, dstaddr text) SERVER header
	OPTIONS (location :'capitals', log_format '${version},${account-id},${interface-id},${srcaddr},${dstaddr},${bytes}');
SELECT * FROM as_text;
CREATE FOREIGN TABLE repeated (srcaddr text, bytes bigint) SERVER header OPTIONS (location :'repeated');
SELECT * FROM repeated; -- ERROR
SELECT fields FROM flowlog_files('repeated');
IMPORT FOREIGN SCHEMA e FROM SERVER header INTO header OPTIONS (location :'repeated'); -- ERROR
ALTER FOREIGN TABLE repeated OPTIONS (ADD log_format '${srcaddr} ${bytes} ${start} ${pkt-srcaddr}');
SELECT * FROM repeated;

-- a "#" may stand before a header, and it may be written as a log format
\set commented :data 'commented.log'
IMPORT FOREIGN SCHEMA commented FROM SERVER header INTO header OPTIONS (location :'commented');
SELECT * FROM commented;
CREATE FOREIGN TABLE commented_too (srcaddr text, bytes text) SERVER header OPTIONS (location :'commented', log_format '<srcaddr> <dstaddr> <bytes>');
SELECT * FROM commented_too;

-- any number of blanks is one separator, before the first field and after the last none
\set blanks :data 'padded.log'
IMPORT FOREIGN SCHEMA blanks FROM SERVER header INTO header OPTIONS (location :'blanks');
SELECT * FROM blanks;
CREATE FOREIGN TABLE blanks_as_text (a text OPTIONS (field 'srcaddr'), b text OPTIONS (field 'bytes')) SERVER header
	OPTIONS (location :'blanks', log_format '${srcaddr} ${dstaddr}  ${bytes}');
SELECT * FROM blanks_as_text;
SET flowlog_fdw.enable_splitter = off;
SELECT * FROM blanks_as_text;
RESET flowlog_fdw.enable_splitter;
SELECT lines, headers FROM flowlog_last_scan();

-- other names of fields: in tables, in headers, beside a field of the header's own, in expressions
CREATE FOREIGN TABLE other_names (
	account int OPTIONS (field 'version'), awsaccountid text, eni_id text, src_ip inet, dest_address inet, source_port int, "dst-port" int,
	proto int, packets_count bigint, num_bytes bigint, start_time timestamptz, end_ timestamptz, logstatus text
) SERVER header OPTIONS (location :'s3');
TABLE other_names ORDER BY start_time, src_ip LIMIT 2;
\set other_names :data 'other_names.csv'
CREATE FOREIGN TABLE of_other_names (srcaddr inet, dstaddr inet, start bigint, start_time text, "end" timestamptz, packets int)
	SERVER header OPTIONS (location :'other_names');
TABLE of_other_names;
IMPORT FOREIGN SCHEMA of_other_names FROM SERVER header INTO header OPTIONS (location :'other_names', "table" 'imported_names');
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'imported_names'::regclass AND attnum > 0 ORDER BY attnum;
TABLE imported_names;
CREATE FOREIGN TABLE by_format (srcaddr inet, packets int) SERVER header
	OPTIONS (location :'other_names', log_format '${srcaddr},${dstaddr},${start},${start_time},${end},${packets}');
TABLE by_format;
CREATE FOREIGN TABLE by_group (src_ip inet, packetcount int) SERVER header
	OPTIONS (location :'s3', regex '\d+ \d+ \S+ (?<srcaddr>\S+) .*');
TABLE by_group LIMIT 1; -- ERROR
ALTER FOREIGN TABLE by_group OPTIONS (SET regex '\d+ \d+ \S+ (?<srcaddr>\S+) \S+ \d+ \d+ \d+ (?<packets>\d+) .*');
TABLE by_group LIMIT 1;

-- two columns that would have the same field
CREATE FOREIGN TABLE twice (srcaddr inet, src_ip text, started timestamptz OPTIONS (field 'start'), start bigint) SERVER header
	OPTIONS (location :'s3');
TABLE twice; -- ERROR
ALTER FOREIGN TABLE twice ALTER src_ip OPTIONS (ADD field 'srcaddr');
SELECT * FROM twice LIMIT 1;
ALTER FOREIGN TABLE twice ALTER src_ip OPTIONS (DROP field), OPTIONS (ADD log_format :'default');
TABLE twice; -- ERROR
ALTER FOREIGN TABLE by_group ADD srcaddr text;
TABLE by_group LIMIT 1; -- ERROR

DROP SCHEMA header CASCADE;
DROP SERVER header CASCADE;
