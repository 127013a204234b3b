--
-- Parquet files: among logs of text, their types, what they lack, what is wrong in them, and what is not read of them.
-- test/support/parquet/make_logs says what is in the files.
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set data :abs_srcdir '/test/data/parquet_logs/'
\set mixed :data 'mixed'
\set parquet :data 'mixed/*.parquet'
\set text :data 'text'
\set pandas :data 'pandas.parquet'
\set times :data 'times.parquet'
\set kinds :data 'kinds.parquet'
\set ocsf :data 'ocsf.parquet'
\set names :data 'names.parquet'
\set both :data '{times,kinds}.parquet'
\set three :data '{times,names}.parquet'
\set groups :data 'groups.parquet'
\set blooms :data 'blooms.parquet'
\set empty :data 'empty.parquet'
\set wrong :data 'wrong.parquet'
\set wrong_both :data 'wrong{,_coded}.parquet'
\set gzip :data 'gzip'
\set damaged :data 'damaged'
\pset format unaligned
CREATE SCHEMA parquet;
SET search_path = parquet, public;
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE SERVER parquet FOREIGN DATA WRAPPER flowlog_fdw;
-- an error, without the directories of its files
CREATE FUNCTION outcome(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
	context text;
	result text;
BEGIN
	EXECUTE format('SELECT string_agg(q::text, '' '') FROM (%s) q', query) INTO result;
	RETURN coalesce(result, 'no row');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	RETURN regexp_replace(concat_ws(E'\n', SQLSTATE || ': ' || message, nullif(detail, ''), nullif(hint, ''), substring(context FROM 'flow log [^\n]*')), '"/[^"]*/', '"', 'g');
END $$;
-- what EXPLAIN ANALYZE counts
CREATE FUNCTION counts(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	result text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		IF line ~ ' (Pushed Filter|Row Groups|Rows Pruned|Lines)' THEN
			result := concat_ws(', ', result, trim(line));
		END IF;
	END LOOP;
	RETURN result;
END $$;

-- a directory where text became gz, and then Parquet, has all of their rows
CREATE FOREIGN TABLE mixed (
	version int, account text, interface_id text, srcaddr inet, destinationaddress inet, srcport int, dstport int, protocol bigint, packets bigint, bytes bigint,
	start timestamptz, "end" bigint, action text, logstatus text, "vpc-id" text, file text OPTIONS (field '$path'), line bigint OPTIONS (field '$line'), size bigint OPTIONS (field '$size')
) SERVER parquet OPTIONS (location :'mixed');
CREATE FOREIGN TABLE as_text (
	version int, account text, interface_id text, srcaddr inet, destinationaddress inet, srcport int, dstport int, protocol bigint, packets bigint, bytes bigint,
	start timestamptz, "end" bigint, action text, logstatus text, "vpc-id" text
) SERVER parquet OPTIONS (location :'text');
CREATE VIEW of_mixed AS SELECT version, account, interface_id, srcaddr, destinationaddress, srcport, dstport, protocol, packets, bytes, start, "end", action, logstatus, "vpc-id" FROM mixed;
(TABLE of_mixed EXCEPT ALL TABLE as_text) UNION ALL (TABLE as_text EXCEPT ALL TABLE of_mixed);
SELECT regexp_replace(file, '.*/', '') AS name, count(*), min(line), max(line), sum(bytes), min(size) > 0 AS has_size FROM mixed GROUP BY 1 ORDER BY 1;
SELECT line, srcaddr, dstport, protocol, start, action, logstatus, "vpc-id" FROM mixed WHERE file LIKE '%.parquet' ORDER BY line;
SELECT dstport, count(*), sum(packets), min(srcaddr), bool_or(action IS NULL) FROM mixed WHERE srcaddr << '10.0.0.0/8' OR action IS NULL GROUP BY dstport ORDER BY dstport;
SELECT count(*) FROM mixed m JOIN as_text t USING (srcaddr, start, dstport) WHERE t.action LIKE 'R%' AND m.action = t.action;
SELECT "vpc-id", count(*), count(DISTINCT srcaddr) FROM mixed WHERE start >= '2026-02-02' GROUP BY 1 ORDER BY 1;

-- a known field may be missing, and is said to be if no file has it; another column is an error
CREATE FOREIGN TABLE lacking (srcaddr inet, az_id text, tcp_flags int) SERVER parquet OPTIONS (location :'parquet');
SELECT count(*), count(az_id), count(tcp_flags) FROM lacking;
ALTER FOREIGN TABLE lacking ADD COLUMN srcadr inet;
SELECT outcome('SELECT srcaddr FROM lacking');
ALTER FOREIGN TABLE lacking ALTER srcadr OPTIONS (ADD field 'SrcAddr');
SELECT count(*) FROM lacking WHERE srcadr = srcaddr;
-- a log format does not concern the file, but an expression for its lines does, and so does a compression
ALTER FOREIGN TABLE lacking OPTIONS (ADD log_format '${dstaddr} ${srcaddr}', ADD header 'match');
SELECT count(*), count(srcaddr), min(srcaddr) FROM lacking;
ALTER FOREIGN TABLE lacking OPTIONS (DROP log_format, SET header 'true');
SELECT count(*), count(srcaddr) FROM lacking;
ALTER FOREIGN TABLE lacking OPTIONS (DROP header, ADD compression 'gzip');
SELECT outcome('SELECT srcaddr FROM lacking');
ALTER FOREIGN TABLE lacking OPTIONS (SET compression 'none');
SELECT count(*) FROM lacking;
CREATE FOREIGN TABLE pattern (srcaddr inet, dstaddr inet) SERVER parquet OPTIONS (location :'parquet', regex '(\S+) (\S+).*');
SELECT outcome('SELECT srcaddr FROM pattern');
ALTER FOREIGN TABLE pattern OPTIONS (ADD on_error 'set_null');
SELECT outcome('SELECT srcaddr FROM pattern');
CREATE FOREIGN TABLE inside (start bigint) SERVER parquet OPTIONS (location :'gzip');
SELECT outcome('SELECT start FROM inside');

-- a text that means NULL means it in Parquet's texts, too; a NULL is NULL in any case
CREATE FOREIGN TABLE nulls (srcaddr text, dstport text, logstatus text, action text OPTIONS ("null" 'ACCEPT'), line int OPTIONS (field '$line')) SERVER parquet OPTIONS (location :'parquet');
SELECT line, srcaddr, dstport, action FROM nulls ORDER BY line;
SELECT count(*) FROM nulls WHERE action IS NULL;
ALTER FOREIGN TABLE nulls OPTIONS (ADD null_off 'true');
SELECT line, srcaddr, dstport, action FROM nulls WHERE srcaddr = '-' OR action IS NULL OR dstport IS NULL ORDER BY line;
ALTER FOREIGN TABLE nulls OPTIONS (DROP null_off, ADD "null" '443');
SELECT line, srcaddr, dstport, action FROM nulls WHERE dstport IS NULL ORDER BY line;
ALTER FOREIGN TABLE nulls OPTIONS (SET "null" 'OK');
SELECT logstatus, count(*) FROM nulls GROUP BY 1 ORDER BY 1;

-- numbers may be texts, and texts numbers
CREATE FOREIGN TABLE pandas (account_id text, srcaddr inet, dstport int, protocol text, bytes bigint, start timestamptz, "end" text) SERVER parquet OPTIONS (location :'pandas');
SELECT * FROM pandas ORDER BY start;
SELECT count(*) FROM pandas WHERE dstport = 443;
CREATE FOREIGN TABLE numbers (srcaddr text, dstport text, bytes varchar(4), protocol "char", packets numeric, start text) SERVER parquet OPTIONS (location :'parquet', on_error 'set_null', log_verbosity 'silent');
SELECT * FROM numbers ORDER BY start;

-- a time, in whichever form the file has it: in UTC
CREATE FUNCTION read_times(type text) RETURNS TABLE (number int, seconds text, milliseconds text, small text, text text, ts_millis text, ts_micros text, ts_nanos text, ts_local text, ts_int96 text, day text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE (SELECT format('DROP FOREIGN TABLE IF EXISTS times; CREATE FOREIGN TABLE times (number int, %s) SERVER parquet OPTIONS (location %L, on_error ''set_null'', log_verbosity ''silent'')', string_agg(name || ' ' || type, ', '), (SELECT option_value FROM pg_options_to_table((SELECT ftoptions FROM pg_foreign_table WHERE ftrelid = 'at_times'::regclass)) WHERE option_name = 'location'))
		FROM unnest('{seconds,milliseconds,small,text,ts_millis,ts_micros,ts_nanos,ts_local,ts_int96,day}'::text[]) name);
	RETURN QUERY SELECT t.number, t.seconds::text, t.milliseconds::text, t.small::text, t.text::text, t.ts_millis::text, t.ts_micros::text, t.ts_nanos::text, t.ts_local::text, t.ts_int96::text, t.day::text FROM times t ORDER BY number;
END $$;
CREATE FOREIGN TABLE at_times (number int, seconds bigint, day date) SERVER parquet OPTIONS (location :'times');
\x
SELECT * FROM read_times('timestamptz');
SELECT * FROM read_times('timestamp');
SELECT * FROM read_times('date');
SELECT * FROM read_times('text');
SELECT * FROM read_times('bigint');
\x
SELECT number FROM at_times WHERE day > '2026-01-30' AND seconds = 1769775905;
SELECT * FROM read_times('timestamptz') WHERE ts_nanos > '2026-01-30 12:25:05+00';

-- other types
CREATE FOREIGN TABLE kinds (
	number int, int8 smallint, uint32 bigint, uint64 numeric, decimal9 numeric, decimal38 numeric(38,10), flag boolean, single real, "real" double precision, id uuid, tags jsonb, label varchar(14)
) SERVER parquet OPTIONS (location :'kinds');
\x
SELECT * FROM kinds ORDER BY number;
\x
SELECT number FROM kinds WHERE decimal9 < 0 AND NOT flag AND uint32 > 4294967294 AND single = 'NaN';
CREATE FOREIGN TABLE kinds_text (number text, int8 text, uint32 text, uint64 text, decimal9 text, decimal38 text, flag text, single text, "real" text, id text, tags text, label text) SERVER parquet OPTIONS (location :'kinds');
SELECT * FROM kinds_text ORDER BY number;
SELECT number FROM kinds_text WHERE uint64 = '9223372036854775808' OR single = '0.1' ORDER BY number;
-- each integer fits a type that can hold it
CREATE FOREIGN TABLE kinds_narrow (number bigint, int8 numeric, uint32 int, uint64 bigint, decimal9 int, flag int) SERVER parquet OPTIONS (location :'kinds');
SELECT outcome('SELECT uint32 FROM kinds_narrow');
SELECT outcome('SELECT uint64 FROM kinds_narrow');
SELECT outcome('SELECT decimal9 FROM kinds_narrow');
ALTER FOREIGN TABLE kinds_narrow OPTIONS (ADD on_error 'set_null');
SELECT * FROM kinds_narrow ORDER BY number;

-- leaves of groups have the names of their groups before them; lists are refused, if asked for
CREATE FOREIGN TABLE ocsf (
	time timestamptz, srcaddr inet OPTIONS (field 'src_endpoint.ip'), srcport int OPTIONS (field 'src_endpoint.port'), "dst_endpoint.ip" inet, bytes bigint OPTIONS (field 'traffic.bytes'),
	account text OPTIONS (field 'cloud.account.uid'), disposition text, name text OPTIONS (field 'observables.list.element.name')
) SERVER parquet OPTIONS (location :'ocsf');
SELECT time, srcaddr, srcport, "dst_endpoint.ip", bytes, account, disposition FROM ocsf ORDER BY time;
SELECT count(*) FROM ocsf WHERE srcaddr IS NULL AND bytes = 44;
SELECT outcome('SELECT time FROM ocsf WHERE name = ''a''');
ALTER FOREIGN TABLE ocsf OPTIONS (ADD on_error 'ignore');
SELECT outcome('SELECT time FROM ocsf');
ALTER FOREIGN TABLE ocsf DROP COLUMN name, ADD COLUMN ip inet;
SELECT outcome('SELECT time FROM ocsf');
ALTER FOREIGN TABLE ocsf ALTER ip OPTIONS (ADD field 'src_endpoint.ipp');
SELECT outcome('SELECT time FROM ocsf');

-- a file may have no rows, and then still has columns
CREATE FOREIGN TABLE empty (srcaddr inet, az_id text) SERVER parquet OPTIONS (location :'empty');
SELECT count(*) FROM empty;
ALTER FOREIGN TABLE empty ADD COLUMN owner text;
SELECT outcome('SELECT srcaddr FROM empty');

-- what is wrong with values: each row but the first has something
CREATE FOREIGN TABLE wrong (number int, srcaddr inet, dstport int, bytes int, action varchar(8), start timestamptz, ratio real) SERVER parquet OPTIONS (location :'wrong');
SELECT column_name, outcome(format('SELECT %s FROM wrong', column_name)) FROM unnest('{number,srcaddr,dstport,bytes,action,start,ratio}'::text[]) column_name;
SELECT outcome('SELECT number FROM wrong WHERE bytes > 5 LIMIT 1');
SELECT count(*), sum(ratio) FROM wrong;
ALTER FOREIGN TABLE wrong OPTIONS (ADD on_error 'set_null');
SELECT * FROM wrong ORDER BY number;
SELECT number FROM wrong WHERE srcaddr IS NULL OR bytes IS NULL ORDER BY number;
SELECT line, reason, raw FROM flowlog_rejects('wrong') ORDER BY line;
ALTER FOREIGN TABLE wrong OPTIONS (SET on_error 'ignore', ADD log_verbosity 'silent', SET location :'wrong_both');
SELECT number, count(*), min(action) FROM wrong GROUP BY number ORDER BY number;
SELECT lines, emitted, rejected, set_null, row_groups FROM flowlog_last_scan();
SELECT count(*) FROM wrong WHERE ratio < 2;
SELECT count(*) FROM wrong;
ALTER FOREIGN TABLE wrong OPTIONS (ADD reject_limit '3');
SELECT outcome('SELECT number FROM wrong');
ALTER FOREIGN TABLE wrong OPTIONS (DROP reject_limit);
-- NULL for a column that must not be
ALTER FOREIGN TABLE wrong ALTER bytes SET NOT NULL, ALTER bytes TYPE bigint;
SELECT count(*), count(bytes) FROM wrong;
ALTER FOREIGN TABLE wrong OPTIONS (SET on_error 'set_null');
SELECT outcome('SELECT number FROM wrong');
ALTER FOREIGN TABLE wrong OPTIONS (SET on_error 'stop');
SELECT outcome('SELECT count(bytes) FROM wrong');
SELECT count(*) FROM wrong WHERE number < 14; -- unpushed, an ERROR

-- row groups in which nothing passes are not read
CREATE FOREIGN TABLE groups (start timestamptz, dstport int, srcaddr inet, action text, bytes bigint, line int OPTIONS (field '$line')) SERVER parquet OPTIONS (location :'groups');
SELECT counts('SELECT * FROM groups');
SELECT counts('SELECT start FROM groups WHERE dstport = 443');
SELECT counts('SELECT start FROM groups WHERE dstport = 1000');
SELECT counts($$SELECT start FROM groups WHERE start >= '2026-01-30 12:45+00' AND action = 'ACCEPT'$$);
SELECT counts($$SELECT start FROM groups WHERE srcaddr = '10.0.2.1'$$);
SELECT counts($$SELECT start FROM groups WHERE action = 'REJECT'$$);
SELECT counts($$SELECT start FROM groups WHERE action IS NULL$$);
SELECT counts($$SELECT start FROM groups WHERE bytes > 3500 OR dstport IN (22, 23)$$);
SELECT counts($$SELECT dstport, count(*) FROM groups WHERE bytes BETWEEN 1000 AND 1900 GROUP BY dstport$$);
SELECT counts($$SELECT start FROM groups WHERE bytes IS NULL$$);
SELECT counts($$SELECT start FROM groups WHERE line = 11$$);
SELECT count(*) FROM groups WHERE line = 11;
SELECT row_groups, row_groups_pruned, rows_pruned, lines, emitted, filtered FROM flowlog_last_scan();
SELECT line, dstport, srcaddr, action, bytes FROM groups WHERE dstport = 443 OR action = 'REJECT' ORDER BY line;
-- a value that comes from the run, or from another table; a table without any of the file's columns; ANALYZE
SELECT v, (SELECT count(*) FROM groups WHERE dstport = v AND bytes > 0) FROM (VALUES (22), (443), (53), (80), (NULL), (1)) x (v) ORDER BY v;
SELECT g.line, (SELECT count(*) FROM groups o WHERE o.bytes < g.bytes) FROM groups g WHERE g.srcaddr IS NULL ORDER BY g.line;
-- a column that nothing else reads is there for the records that wait for a value
SELECT line FROM groups WHERE dstport = 443 OR srcaddr = (SELECT inet '10.0.2.1') ORDER BY line;
SELECT line FROM groups WHERE dstport = 443 OR srcaddr = ANY (ARRAY(SELECT inet '10.0.2.1')) OR bytes IN (SELECT 700 OFFSET 0) ORDER BY line;
PREPARE by_time(timestamptz) AS SELECT min(line), count(*) FROM groups WHERE start >= $1 AND action IS NOT NULL;
SET plan_cache_mode = force_generic_plan;
EXECUTE by_time('2026-01-30 12:45+00');
EXECUTE by_time('2026-01-30 13:30+00');
EXECUTE by_time(NULL);
RESET plan_cache_mode;
BEGIN;
DECLARE c CURSOR FOR SELECT line FROM groups WHERE dstport <> 80;
FETCH 6 FROM c;
FETCH 2 FROM c;
COMMIT;
CREATE FOREIGN TABLE no_columns (file text OPTIONS (field '$path'), line int OPTIONS (field '$line')) SERVER parquet OPTIONS (location :'groups');
SELECT count(*), count(file), sum(line) FROM no_columns;
SELECT line FROM no_columns LIMIT 2;
ANALYZE groups, mixed;
SELECT relname, reltuples FROM pg_class WHERE oid IN ('groups'::regclass, 'mixed'::regclass) ORDER BY relname;
SELECT attname, null_frac, n_distinct FROM pg_stats WHERE schemaname = 'parquet' AND tablename = 'groups' AND attname IN ('dstport', 'action') ORDER BY attname;
SET flowlog_fdw.enable_parquet_pruning = off;
SELECT counts('SELECT start FROM groups WHERE dstport = 443');
SELECT line, dstport, srcaddr, action, bytes FROM groups WHERE dstport = 443 OR action = 'REJECT' ORDER BY line;
RESET flowlog_fdw.enable_parquet_pruning;
-- the same rows with pruning and without, pushed and not
CREATE FUNCTION different(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	first text[];
	other text[];
	differ bigint := 0;
BEGIN
	EXECUTE format('SELECT array_agg(q::text ORDER BY q::text) FROM (%s) q', query) INTO first;
	FOR i IN 1 .. 3 LOOP
		PERFORM set_config('flowlog_fdw.enable_parquet_pruning', CASE WHEN i & 1 = 1 THEN 'off' ELSE 'on' END, true), set_config('flowlog_fdw.enable_pushdown', CASE WHEN i & 2 = 2 THEN 'off' ELSE 'on' END, true);
		EXECUTE format('SELECT array_agg(q::text ORDER BY q::text) FROM (%s) q', query) INTO other;
		differ := differ + CASE WHEN first IS DISTINCT FROM other THEN 1 ELSE 0 END;
	END LOOP;
	PERFORM set_config('flowlog_fdw.enable_parquet_pruning', 'on', true), set_config('flowlog_fdw.enable_pushdown', 'on', true);
	RETURN differ;
END $$;
SELECT qual FROM unnest(ARRAY['dstport = 443', 'dstport <> 80', 'dstport IS NULL', 'dstport IS NOT NULL', 'NOT (dstport = 80)', 'dstport > 443', 'dstport IN (22, 53)', 'start < ''2026-01-30 12:30+00''',
	'start = ''2026-01-30 12:35+00''', 'start IS NULL', 'action IS NULL', 'action <> ''ACCEPT''', 'action > ''B'' COLLATE "C"', 'action LIKE ''R%''', 'srcaddr <<= ''10.0.2.0/24''', 'srcaddr IS NULL', 'srcaddr > ''10.0.1.1''',
	'bytes > 3000', 'bytes IS NULL', 'bytes % 7 = 0', 'bytes = dstport', 'line = 40', 'dstport = 443 OR bytes = 0', 'dstport = 22 AND action = ''REJECT''']) qual
WHERE different('SELECT * FROM groups WHERE ' || qual) <> 0;
-- bloom filters, and the bounds of texts, where a value can be written in one way only
CREATE FOREIGN TABLE blooms (
	srcaddr text, dstaddr varchar(12), dstport int, bytes numeric, interface_id text, account_id text, start bigint, short varchar(9) OPTIONS (field 'srcaddr'), padded char(12) OPTIONS (field 'srcaddr'), packets bigint OPTIONS (field 'bytes')
) SERVER parquet OPTIONS (location :'blooms', on_error 'set_null', log_verbosity 'silent');
CREATE FOREIGN TABLE blooms_inet (srcaddr inet, dstport text, start timestamptz) SERVER parquet OPTIONS (location :'blooms');
SELECT qual, counts('SELECT start FROM blooms WHERE ' || qual) FROM unnest(ARRAY['srcaddr = ''10.1.2.5''', 'srcaddr IN (''10.1.2.5'', ''10.0.1.4'', ''none'')', 'srcaddr = ''none'' OR dstport = 3001', 'srcaddr = ''10.1.2.5'' AND dstport = 3001', 'dstaddr = ''192.0.2.4''',
	'dstaddr = ''192.0.2.40''', 'interface_id = ''eni-122''', 'packets = 2002', 'account_id = ''200003''', 'account_id < ''100000'' COLLATE "C"', 'account_id BETWEEN ''100003'' AND ''11'' COLLATE "C"', 'account_id >= ''3'' COLLATE "C"', 'start = 1769775900 + 60', 'short = ''10.1.2.5''', 'short = ''10.1.2.55''', 'padded = ''10.1.2.5''', 'NOT srcaddr <> ''10.1.2.5''', 'bytes = 2002', 'srcaddr = ''-''']) qual;
SELECT qual, counts('SELECT start FROM blooms_inet WHERE ' || qual) FROM unnest(ARRAY['srcaddr = ''10.1.2.5''', 'dstport = ''3001''', 'start = ''2026-01-30 12:26''']) qual;
SELECT qual FROM unnest(ARRAY['srcaddr = ''10.1.2.5''', 'srcaddr IN (''10.1.2.5'', ''10.0.1.4'', NULL)', 'srcaddr = ''10.1.2.5'' OR dstport = 3001', 'dstaddr = ''192.0.2.4''', 'dstaddr IS NULL', 'short = ''10.1.2.55''', 'short = ''10.1.2.5''', 'padded = ''10.1.2.5''', 'packets = 2002',
	'bytes = 9223372036854776809', 'packets = -9223372036854775807', 'dstport = 4294967296 + 3001', 'interface_id = ''eni-122''', 'account_id = ''200003''', 'account_id = ''3''', 'NOT (srcaddr = ''10.1.2.5'')', 'account_id > ''200003'' COLLATE "C"', 'account_id < ''000001'' COLLATE "C" OR dstport > 57000', 'srcaddr = ''-''', 'srcaddr = ALL (ARRAY[''10.1.2.5'', ''10.1.2.5''])', 'start = 1769775960']) qual
WHERE different('SELECT * FROM blooms WHERE ' || qual) <> 0;

-- where no text was read, nothing is said of lines and headers; nor, before anything is, where no file has the name of one
CREATE FUNCTION formats(query text, options text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	result text;
BEGIN
	FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, query) LOOP
		IF line ~ '\m(Line Format|Files Read|Row Groups|Lines|Headers)"?:' THEN
			result := concat_ws(', ', result, trim(line));
		END IF;
	END LOOP;
	RETURN result;
END $$;
SELECT query, formats(query, 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF') FROM unnest(ARRAY['SELECT * FROM groups', 'SELECT * FROM groups WHERE dstport = 1', 'SELECT * FROM mixed', 'SELECT * FROM mixed WHERE file LIKE ''%.parquet''', 'SELECT * FROM mixed WHERE file LIKE ''%.gz''', 'SELECT * FROM as_text', 'SELECT * FROM groups LIMIT 0']) query;
SELECT query, formats(query, 'COSTS OFF') FROM unnest(ARRAY['SELECT * FROM groups', 'SELECT count(*) FROM groups WHERE dstport = 1', 'SELECT * FROM mixed', 'SELECT * FROM mixed WHERE file LIKE ''%.parquet''', 'SELECT * FROM mixed WHERE file LIKE ''%.gz''', 'SELECT * FROM mixed WHERE file LIKE ''%.none''']) query;
SELECT formats('SELECT * FROM groups', 'FORMAT JSON') LIKE '%"Line Format": "header"%';

-- damaged files
CREATE FOREIGN TABLE damaged (dstport int, action text) SERVER parquet OPTIONS (location :'damaged');
CREATE FUNCTION read_damaged(file text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER FOREIGN TABLE damaged OPTIONS (SET location %L)', file);
	RETURN outcome('SELECT dstport, action FROM damaged');
END $$;
CREATE TABLE damaged_files AS SELECT path, compression, wrapper, fields, regexp_replace(error, '"/[^"]*/', '"') AS error FROM flowlog_files('damaged');
SELECT regexp_replace(path, '.*/', '') AS name, compression, wrapper, fields, error, read_damaged(path) FROM damaged_files ORDER BY 1;

-- what files there are
SELECT regexp_replace(path, '.*/', '') AS name, compression, wrapper, array_length(fields, 1), fields[1:3] FROM flowlog_files('mixed') ORDER BY 1;
SELECT compression, wrapper, fields FROM flowlog_files('ocsf');
SELECT compression, wrapper, fields FROM flowlog_files('inside');
SELECT wrapper, fields[1:2] FROM flowlog_files('pattern');

-- IMPORT FOREIGN SCHEMA: known fields have their types, others those of the file; lists are left out
CREATE FUNCTION columns("table" regclass) RETURNS text
RETURN (SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod) || coalesce(' ' || attfdwoptions::text, ''), ', ' ORDER BY attnum)
	FROM pg_attribute WHERE attrelid = $1 AND attnum > 0);
IMPORT FOREIGN SCHEMA imported FROM SERVER parquet INTO parquet OPTIONS (location :'parquet');
SELECT columns('imported');
IMPORT FOREIGN SCHEMA imported_mixed FROM SERVER parquet INTO parquet OPTIONS (location :'mixed', times 'bigint');
SELECT columns('imported_mixed');
SELECT count(*), count(vpc_id), sum(start), max("end") FROM imported_mixed;
IMPORT FOREIGN SCHEMA imported_pandas FROM SERVER parquet INTO parquet OPTIONS (location :'pandas');
SELECT columns('imported_pandas');
SELECT * FROM imported_pandas WHERE dstport = 443 ORDER BY start;
IMPORT FOREIGN SCHEMA imported_times FROM SERVER parquet INTO parquet OPTIONS (location :'times');
SELECT columns('imported_times');
SELECT * FROM imported_times WHERE day = '2026-01-31';
IMPORT FOREIGN SCHEMA imported_kinds FROM SERVER parquet INTO parquet OPTIONS (location :'kinds');
SELECT columns('imported_kinds');
SELECT * FROM imported_kinds ORDER BY number;
IMPORT FOREIGN SCHEMA imported_ocsf FROM SERVER parquet INTO parquet OPTIONS (location :'ocsf');
SELECT columns('imported_ocsf');
SELECT src_endpoint_ip, traffic_bytes FROM imported_ocsf ORDER BY time;
IMPORT FOREIGN SCHEMA imported_names FROM SERVER parquet INTO parquet OPTIONS (location :'names');
SELECT columns('imported_names');
SELECT * FROM imported_names ORDER BY number;
-- what files have in common
SET client_min_messages = warning;
IMPORT FOREIGN SCHEMA imported_both FROM SERVER parquet INTO parquet OPTIONS (location :'both');
SELECT columns('imported_both');
SELECT count(number), sum(number) FROM imported_both;
IMPORT FOREIGN SCHEMA imported_text FROM SERVER parquet INTO parquet OPTIONS (location :'three');
RESET client_min_messages;
SELECT columns('imported_text');
IMPORT FOREIGN SCHEMA imported_empty FROM SERVER parquet INTO parquet OPTIONS (location :'empty');
SELECT columns('imported_empty');
IMPORT FOREIGN SCHEMA imported_damaged FROM SERVER parquet INTO parquet OPTIONS (location :'damaged'); -- ERROR

\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA parquet CASCADE;
DROP SERVER parquet;
