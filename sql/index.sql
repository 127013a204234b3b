--
-- The index over raw logs: what it is made of, which files a query need not read by it, and when it says nothing
--
\getenv abs_builddir PG_ABS_BUILDDIR
\set logs :abs_builddir '/results/index_'
\set location :abs_builddir '/results/index_*.log'
\set other_location :abs_builddir '/results/index_[1-3].log'
\set gone :abs_builddir '/results/index_gone.log'
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA index;
SET search_path = index, public;
SET timezone = 'UTC';
-- lines of EXPLAIN and counts are those of one process
SET max_parallel_workers_per_gather = 0;
CREATE ROLE regress_index_owner;
CREATE ROLE regress_index_reader;
CREATE SERVER index FOREIGN DATA WRAPPER flowlog_fdw;

-- file 1 has a header and addresses, file 2 NULLs and IPv6, file 3 other times and interfaces, file 4 values with masks
CREATE FUNCTION write(path text, lines text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (SELECT unnest(%L::text[])) TO %L', lines, path);
END $$;
-- files that were changed within two seconds are left to the next refresh
CREATE PROCEDURE settle() LANGUAGE sql AS $$ SELECT pg_sleep(2.1) $$;
CREATE FUNCTION header() RETURNS text LANGUAGE sql AS $$ SELECT 'interface-id srcaddr dstaddr dstport start end action log-status'::text $$;
SELECT format('COPY (SELECT WHERE false) TO PROGRAM %L', 'rm -f ''' || :'logs' || '''*') AS clean \gset
:clean;
SELECT write(:'logs' || '1.log', ARRAY[header(),
	'eni-1 10.0.0.1 198.51.100.1 443 1769731200 1769731260 ACCEPT OK', 'eni-1 10.0.0.2 198.51.100.2 22 1769731201 1769731261 REJECT OK']);
SELECT write(:'logs' || '2.log', ARRAY[header(),
	'eni-2 10.0.0.3 2001:db8::1 443 1769731300 1769731360 ACCEPT OK', 'eni-2 - - - - - - NODATA', 'eni-2 ::ffff:10.0.0.9 10.0.0.3 80 1769731310 1769731370 ACCEPT OK']);
SELECT write(:'logs' || '3.log', ARRAY[header(),
	'eni-3 10.0.0.4 198.51.100.1 443 1769817600 1769817660 ACCEPT OK', 'eni-30 192.0.2.7 10.0.0.1 53 1769817700 1769817760 ACCEPT OK']);
SELECT write(:'logs' || '4.log', ARRAY[header(),
	'eni-4 10.1.0.0/16 198.51.100.9 443 1769731250 1769731290 REJECT OK']);
CREATE FOREIGN TABLE flow (
	interface_id text, srcaddr inet, dstaddr inet, dstport int, start timestamptz, "end" timestamptz, action text, log_status text
) SERVER index OPTIONS (location :'location');
-- addresses as texts, and seconds, as Athena's table has them
CREATE FOREIGN TABLE texts (
	interface_id text, srcaddr text, dstaddr text, dstport int, start bigint, "end" bigint, action text, log_status text
) SERVER index OPTIONS (location :'location');

-- what EXPLAIN says of files
CREATE FUNCTION files(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	result text[];
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line ~ 'Files (Pruned by|Not)' THEN
			result := result || trim(line);
		END IF;
	END LOOP;
	RETURN array_to_string(result, ', ');
END $$;
-- files, and what a query returns with the index; and without it, if that differs
CREATE FUNCTION ask(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	files text := files(query);
	ours text;
	theirs text;
BEGIN
	EXECUTE format('SELECT string_agg(q::text, '' '' ORDER BY q::text COLLATE "C") FROM (%s) q', query) INTO ours;
	SET LOCAL flowlog_fdw.enable_index = off;
	EXECUTE format('SELECT string_agg(q::text, '' '' ORDER BY q::text COLLATE "C") FROM (%s) q', query) INTO theirs;
	SET LOCAL flowlog_fdw.enable_index = on;
	RETURN concat_ws(': ', files, ours, 'INSTEAD OF ' || nullif(theirs, ours));
END $$;

-- its definition
SELECT flowlog_index_create('flow');
SELECT flowlog_index_create('texts', ARRAY['srcaddr', 'dstaddr', 'interface_id', 'dstport']);
SELECT "table", columns, files, "values", bytes, share, files_not_covered, refreshed FROM flowlog_indexes ORDER BY "table"::text;
SELECT flowlog_index_create('flow'); -- ERROR
SELECT flowlog_index_create(NULL); -- ERROR
SELECT flowlog_index_create('pg_class'); -- ERROR
SELECT flowlog_index_create(0); -- ERROR
CREATE FOREIGN TABLE ports (dstport int, start timestamptz, "end" timestamptz, bytes float8, path text OPTIONS (field '$path')) SERVER index OPTIONS (location :'location');
SELECT flowlog_index_create('ports'); -- ERROR
SELECT flowlog_index_create('ports', '{}'); -- ERROR
SELECT flowlog_index_create('ports', '{dstport,port}'); -- ERROR
SELECT flowlog_index_create('ports', '{dstport,dstport}'); -- ERROR
SELECT flowlog_index_create('ports', '{dstport,NULL}'); -- ERROR
SELECT flowlog_index_create('ports', '{bytes}'); -- ERROR
SELECT flowlog_index_create('ports', '{start}'); -- ERROR
SELECT flowlog_index_create('ports', '{path}'); -- ERROR
SELECT flowlog_index_create('ports', '{tableoid}'); -- ERROR
CALL flowlog_index_refresh('ports'); -- ERROR
SELECT flowlog_index_drop('ports'); -- ERROR
CALL flowlog_index_refresh(NULL); -- ERROR
CALL flowlog_index_refresh(0); -- ERROR
BEGIN;
CALL flowlog_index_refresh('flow'); -- ERROR
ROLLBACK;
DO $$ BEGIN BEGIN CALL flowlog_index_refresh('index.flow'); EXCEPTION WHEN division_by_zero THEN NULL; END; END $$; -- ERROR
-- it can be defined and undone in a transaction
BEGIN;
SELECT flowlog_index_create('ports', '{dstport}');
SELECT flowlog_index_drop('ports');
SELECT flowlog_index_create('ports', '{dstport}');
ROLLBACK;
SELECT count(*) FROM flowlog_indexes;

-- without entries it says nothing
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr = '10.0.0.1'$$);
EXPLAIN (COSTS OFF) SELECT FROM ports WHERE dstport = 443 \g /dev/null
SELECT files('SELECT FROM ports WHERE dstport = 443');
CALL settle();
CALL flowlog_index_refresh('flow');
CALL flowlog_index_refresh('texts');
SELECT "table", columns, files, "values", bytes > 0, share > 0, files_not_covered, refreshed <= now() FROM flowlog_indexes ORDER BY "table"::text;
-- again: nothing is new
CALL flowlog_index_refresh('flow');
SELECT files, files_not_covered FROM flowlog_indexes ORDER BY "table"::text;

-- addresses
SELECT condition, ask('SELECT interface_id FROM flow WHERE ' || condition) FROM unnest(ARRAY[
	'true', $$srcaddr = '10.0.0.1'$$, $$srcaddr = '10.0.0.1' OR dstaddr = '10.0.0.1'$$, $$'10.0.0.3' IN (srcaddr, dstaddr)$$, $$srcaddr = '10.9.9.9'$$,
	$$srcaddr IN ('10.0.0.1', '10.0.0.4', NULL)$$, $$srcaddr = ANY ('{10.0.0.2,10.9.9.9}')$$, $$srcaddr = ALL ('{10.0.0.2,10.9.9.9}')$$, $$srcaddr NOT IN ('10.0.0.1')$$, $$srcaddr <> '10.0.0.1'$$,
	$$srcaddr << '10.0.0.0/8'$$, $$srcaddr <<= '10.0.0.4'$$, $$srcaddr << '10.1.0.0/16'$$, $$srcaddr <<= '10.1.0.0/16'$$, $$srcaddr && '10.1.2.0/24'$$, $$srcaddr >>= '10.1.2.3'$$, $$srcaddr >> '192.0.2.7'$$, $$NOT srcaddr << '10.0.0.0/8'$$,
	$$srcaddr = '10.1.0.0/16'$$, $$srcaddr = '10.1.0.0'$$, $$srcaddr BETWEEN '10.0.0.3' AND '10.0.0.4'$$, $$srcaddr > '10.0.0.4'$$, $$srcaddr < '10.0.0.2'$$,
	$$srcaddr << '::/0'$$, $$dstaddr = '2001:db8::1'$$, $$dstaddr << '2001:db8::/32'$$, $$srcaddr = '::ffff:10.0.0.9'$$, $$srcaddr << '::ffff:0:0/96'$$, $$srcaddr << '10.0.0.8/29'$$,
	$$srcaddr IS NULL$$, $$srcaddr IS NOT NULL$$, $$srcaddr IS NOT DISTINCT FROM '10.0.0.2'$$, $$srcaddr IS DISTINCT FROM '10.0.0.2'$$, $$srcaddr = NULL$$, $$(srcaddr = '10.0.0.1') IS NOT TRUE$$, $$(srcaddr = '10.0.0.1') IS NOT FALSE$$,
	$$contains('10.0.0.0/30', srcaddr)$$, $$host(srcaddr) = '10.0.0.1'$$, $$srcaddr::text LIKE '192.%'$$, $$CASE WHEN dstport = 22 THEN srcaddr = '10.0.0.2' END$$,
	$$srcaddr = '10.0.0.1' AND dstaddr = '10.0.0.1'$$, $$srcaddr = '10.0.0.1' AND dstport = 23$$, $$srcaddr = '10.0.0.1' OR dstport = 53$$, $$srcaddr = dstaddr$$, $$dstport = 443$$,
	$$interface_id = 'eni-3'$$, $$interface_id LIKE 'eni-3%'$$, $$interface_id LIKE '%-3'$$, $$interface_id LIKE 'eni_3'$$, $$interface_id ~ '^eni-3$'$$, $$starts_with(interface_id, 'eni-3')$$, $$interface_id >= 'eni-3'$$, $$interface_id = 'eni-3 '$$, $$interface_id = ''$$, $$upper(interface_id) = 'ENI-3'$$,
	$$interface_id NOT LIKE 'eni-3%'$$, $$interface_id IN ('eni-1', 'eni-2') AND srcaddr = '10.0.0.3'$$]) WITH ORDINALITY u(condition, i) ORDER BY i;

-- times
SELECT condition, ask('SELECT interface_id FROM flow WHERE ' || condition) FROM unnest(ARRAY[
	$$start >= '2026-01-31'$$, $$start < '2026-01-30 00:00:01'$$, $$start = '2026-01-30 00:00:50'$$, $$"end" < '2026-01-30 00:01:01'$$, $$"end" > '2026-01-31 00:02:40'$$, $$start BETWEEN '2026-01-30 00:01' AND '2026-01-30 00:03'$$,
	$$start IS NULL$$, $$start IS NOT NULL$$, $$start IS DISTINCT FROM '2026-01-30 00:00:50'$$, $$start < '2026-01-31' AND srcaddr = '10.0.0.4'$$, $$start < '2026-01-31' OR srcaddr = '10.0.0.4'$$, $$NOT start < '2026-01-31'$$, $$(start > '2026-01-31') IS NULL$$,
	$$date_trunc('day', start) = '2026-01-31'$$, $$start::date = '2026-01-31'$$, $$start > "end"$$, $$extract(epoch FROM start) = 1769731250$$]) WITH ORDINALITY u(condition, i) ORDER BY i;

-- where addresses were seen, of which no file is read: networks that overlap, both families, one twice and NULL
SELECT address, first, last, files
	FROM flowlog_sightings('flow', '{10.0.0.1,10.0.0.0/29,10.0.0.0/30,NULL,2001:db8::1,2001:db8::/64,192.0.2.7,203.0.113.1}') ORDER BY address;
SELECT count(*) FROM flowlog_sightings('flow', '{0.0.0.0/0,::/0}');
SELECT count(*) FROM flowlog_sightings('flow', '{}');

-- texts: file 4 has a value that is no address
SELECT condition, ask('SELECT interface_id FROM texts WHERE ' || condition) FROM unnest(ARRAY[
	$$srcaddr = '10.0.0.1'$$, $$srcaddr = '10.0.0.01'$$, $$srcaddr IN ('10.0.0.1', '10.1.0.0/16')$$, $$srcaddr LIKE '10.0.0.%'$$, $$srcaddr LIKE '10.1%'$$, $$srcaddr LIKE '1%'$$, $$srcaddr LIKE '::%'$$, $$srcaddr LIKE '10.0.0.1'$$, $$dstaddr LIKE '2001:db8::%'$$, $$srcaddr > '2'$$, $$srcaddr < '10.0.0.2' COLLATE "C"$$,
	$$srcaddr::inet = '10.0.0.1'$$, $$srcaddr::inet << '10.0.0.0/8'$$, $$srcaddr::inet <<= '10.1.0.0/16'$$, $$srcaddr::inet <<= '192.0.2.0/24'$$, $$srcaddr::inet = '::ffff:10.0.0.9'$$, $$srcaddr::inet = ANY ('{}')$$, $$NOT srcaddr::inet = ANY ('{}')$$, $$srcaddr::inet <> ALL ('{}') AND interface_id = 'eni-1'$$,
	$$srcaddr IS NULL$$, $$srcaddr IS NOT NULL$$, $$coalesce(srcaddr, 'x') = 'x'$$, $$srcaddr = '10.0.0.1' OR dstaddr = '10.0.0.1'$$, $$dstport = 22$$, $$dstport IN (22, 53)$$, $$dstport IS NULL$$, $$dstport > 79 AND dstport < 81$$, $$dstport = 22.5$$, $$dstport = 443 AND srcaddr = '10.0.0.3'$$,
	$$start >= 1769817600$$, $$to_timestamp(start) < '2026-01-30 00:00:01'$$, $$from_unixtime(start) >= timestamp '2026-01-31'$$, $$start IS NULL$$]) WITH ORDINALITY u(condition, i) ORDER BY i;

-- parameters, and what is known only when the query runs
PREPARE q(inet[], inet) AS SELECT interface_id FROM flow WHERE srcaddr = ANY ($1) OR dstaddr << $2;
SET plan_cache_mode = force_generic_plan;
EXECUTE q('{10.0.0.2,10.9.9.9}', NULL);
EXECUTE q(NULL, '2001::/16');
SELECT files($$EXECUTE q('{10.0.0.2,10.9.9.9}', NULL)$$), files($$EXECUTE q('{10.0.0.4}', '2001::/16')$$), files('EXECUTE q(NULL, NULL)');
PREPARE p(inet, inet[]) AS SELECT interface_id FROM texts WHERE srcaddr::inet = $1 OR dstaddr::inet = ANY ($2);
EXECUTE p('10.0.0.1', NULL);
EXECUTE p(NULL, '{198.51.100.1}');
SELECT files($$EXECUTE p('10.0.0.1', NULL)$$), files($$EXECUTE p(NULL, '{}')$$), files($$EXECUTE p('10.0.0.1', '{10.9.9.9}')$$);
RESET plan_cache_mode;
CREATE TABLE wanted (a inet, t text);
INSERT INTO wanted VALUES ('10.0.0.1', '10.0.0.1'), ('10.9.9.9', '10.9.9.9'), (NULL, NULL);
ANALYZE wanted;
CREATE FUNCTION counts(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	result text[];
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		IF line ~ 'Files|Lines Emitted' AND line !~ 'Files:' THEN
			result := result || trim(line);
		END IF;
	END LOOP;
	RETURN array_to_string(result, ', ');
END $$;
SELECT interface_id FROM flow WHERE srcaddr IN (SELECT a FROM wanted);
SELECT counts('SELECT interface_id FROM flow WHERE srcaddr IN (SELECT a FROM wanted)');
SELECT counts('SELECT interface_id FROM texts WHERE srcaddr IN (SELECT t FROM wanted)');
SELECT counts('SELECT interface_id FROM flow JOIN wanted ON a = srcaddr');
SELECT counts('SELECT interface_id FROM flow WHERE srcaddr = (SELECT min(a) FROM wanted)');
SELECT counts('SELECT count(*) FROM flow WHERE srcaddr IN (SELECT a FROM wanted)');
SELECT counts('SELECT count(*) FROM flow WHERE interface_id = ''eni-2'' AND dstport = 80');
-- a rescan has other values, and so other files
SELECT a, (SELECT string_agg(interface_id, ',') FROM flow WHERE srcaddr = a OR dstaddr = a) FROM wanted ORDER BY a;
SELECT a, interface_id FROM wanted CROSS JOIN LATERAL (SELECT * FROM flow WHERE srcaddr = a OFFSET 0) f ORDER BY 1, 2;
-- a cursor keeps what it has found
BEGIN;
DECLARE c CURSOR FOR SELECT interface_id FROM flow WHERE srcaddr << '10.0.0.0/8';
FETCH 1 FROM c;
SELECT flowlog_index_drop('flow');
FETCH ALL FROM c;
ROLLBACK;

-- a file that is new, changed or gone
SELECT write(:'logs' || '5.log', ARRAY[header(), 'eni-5 10.0.0.1 198.51.100.9 443 1769731250 1769731290 REJECT OK']);
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr = '10.0.0.1'$$);
-- of which a refresh takes nothing while it is new
SELECT write(:'logs' || '5.log', ARRAY[header(), 'eni-5 10.0.0.1 198.51.100.9 443 1769731250 1769731290 REJECT OK']);
CALL flowlog_index_refresh('flow');
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr = '10.0.0.1'$$);
-- the same number of bytes
SELECT write(:'logs' || '1.log', ARRAY[header(),
	'eni-1 10.0.0.7 198.51.100.1 443 1769731200 1769731260 ACCEPT OK', 'eni-1 10.0.0.2 198.51.100.2 22 1769731201 1769731261 REJECT OK']);
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr = '10.0.0.7'$$);
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr = '10.0.0.1'$$);
SELECT format('COPY (SELECT WHERE false) TO PROGRAM %L', 'rm ''' || :'logs' || '3.log''') AS remove \gset
:remove;
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr IN ('10.0.0.3', '10.0.0.4')$$);
SELECT files, files_not_covered FROM flowlog_indexes ORDER BY "table"::text;
CALL settle();
CALL flowlog_index_refresh('flow');
SELECT files, files_not_covered FROM flowlog_indexes ORDER BY "table"::text;
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr = '10.0.0.7'$$);
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr IN ('10.0.0.1', '10.0.0.4')$$);

-- a file that cannot be read is always read
SELECT write(:'logs' || '6.log', ARRAY[header(), 'eni-6 10.0.0.6 198.51.100.9 443 1769731250 1769731290 REJECT OK', 'eni-6 10.0.0.6.6 198.51.100.9 443 1769731250 1769731290 REJECT OK']);
CALL settle();
CALL flowlog_index_refresh('flow');
CALL flowlog_index_refresh('flow');
SELECT files, files_not_covered FROM flowlog_indexes ORDER BY "table"::text;
SELECT interface_id FROM flow WHERE srcaddr = '10.0.0.7'; -- ERROR
SELECT files($$SELECT interface_id FROM flow WHERE srcaddr = '10.0.0.7'$$);
-- bad fields are nothing that is looked for, if they are left out or NULL
ALTER FOREIGN TABLE flow OPTIONS (ADD on_error 'ignore', ADD log_verbosity 'silent');
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr = '10.0.0.6'$$);
CALL flowlog_index_refresh('flow');
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr = '10.0.0.6'$$);
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr IS NULL$$);
ALTER FOREIGN TABLE flow OPTIONS (SET on_error 'set_null');
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr IS NULL$$);
CALL flowlog_index_refresh('flow');
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr IS NULL$$);
SELECT ask($$SELECT interface_id FROM flow WHERE srcaddr = '10.0.0.6'$$);
ALTER FOREIGN TABLE flow OPTIONS (SET on_error 'stop');
:clean;
SELECT write(:'logs' || '1.log', ARRAY[header(),
	'eni-1 10.0.0.1 198.51.100.1 443 1769731200 1769731260 ACCEPT OK', 'eni-1 10.0.0.2 198.51.100.2 22 1769731201 1769731261 REJECT OK']);
SELECT write(:'logs' || '2.log', ARRAY[header(), 'eni-2 10.0.0.3 198.51.100.2 443 1769731300 1769731360 ACCEPT OK', 'eni-2 - - - - - - NODATA']);
CALL settle();
CALL flowlog_index_refresh('flow');
CALL flowlog_index_refresh('texts');

-- a table that is altered has other rows or values: entries say nothing until they are made again
CREATE FUNCTION altered(alteration text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE 'ALTER FOREIGN TABLE flow ' || alteration;
	result := files($q$SELECT FROM flow WHERE dstaddr = '10.0.0.1'$q$);
	RAISE EXCEPTION USING MESSAGE = result, ERRCODE = 'FL000';
EXCEPTION WHEN SQLSTATE 'FL000' THEN
	RETURN result;
END $$;
SELECT alteration, altered(alteration) FROM unnest(ARRAY[
	'OPTIONS (ADD "null" ''10.0.0.1'')', 'OPTIONS (ADD null_off ''true'')', 'OPTIONS (ADD header ''match'')', 'OPTIONS (ADD max_line_length ''100'')', 'OPTIONS (ADD compression ''none'')', 'OPTIONS (ADD reject_limit ''1'', SET on_error ''ignore'')',
	'ALTER interface_id OPTIONS (ADD "null" ''eni-1'')', 'ALTER srcaddr OPTIONS (ADD field ''dstaddr'')', 'ALTER srcaddr TYPE text', 'ALTER interface_id TYPE varchar(4)', 'ALTER srcaddr SET NOT NULL', 'RENAME srcaddr TO source', 'ADD bytes bigint', 'DROP dstport', 'DROP srcaddr',
	format('OPTIONS (SET location %L)', :'other_location'),
	-- these have nothing to do with it
	'OPTIONS (ADD name_time_slack ''1 hour'')', 'OPTIONS (SET log_verbosity ''verbose'')', 'RENAME TO flows', 'ALTER dstport SET STATISTICS 10']) WITH ORDINALITY u(alteration, i) WHERE alteration <> 'RENAME TO flows' ORDER BY i;
ALTER FOREIGN TABLE flow RENAME TO flows;
SELECT files($$SELECT FROM flows WHERE dstaddr = '10.0.0.1'$$);
ALTER FOREIGN TABLE flows RENAME TO flow;
-- so that no value is looked for where another one was
ALTER FOREIGN TABLE flow ALTER srcaddr OPTIONS (ADD field 'dstaddr'), ALTER dstaddr OPTIONS (ADD field 'srcaddr');
SELECT ask($$SELECT interface_id FROM flow WHERE dstaddr = '10.0.0.1'$$);
CALL flowlog_index_refresh('flow');
SELECT ask($$SELECT interface_id FROM flow WHERE dstaddr = '10.0.0.1'$$);
ALTER FOREIGN TABLE flow ALTER srcaddr OPTIONS (DROP field), ALTER dstaddr OPTIONS (DROP field);
SELECT ask($$SELECT interface_id FROM flow WHERE dstaddr = '10.0.0.1'$$);
-- a column of another name is not there
ALTER FOREIGN TABLE flow RENAME srcaddr TO source_address;
ALTER FOREIGN TABLE flow ALTER source_address OPTIONS (ADD field 'srcaddr');
SELECT ask($$SELECT interface_id FROM flow WHERE source_address = '10.0.0.1'$$);
CALL flowlog_index_refresh('flow'); -- ERROR
SELECT columns FROM flowlog_indexes ORDER BY "table"::text;
SELECT flowlog_index_drop('flow');
SELECT flowlog_index_create('flow', '{source_address}');
CALL flowlog_index_refresh('flow');
SELECT ask($$SELECT interface_id FROM flow WHERE source_address = '10.0.0.1'$$);
SELECT ask($$SELECT interface_id FROM flow WHERE dstaddr = '198.51.100.1'$$);
ALTER FOREIGN TABLE flow DROP source_address;
SELECT ask($$SELECT interface_id FROM flow WHERE dstaddr = '198.51.100.1'$$);
SELECT ask($$SELECT interface_id FROM flow WHERE start > '2026-01-31'$$);
CALL flowlog_index_refresh('flow'); -- ERROR
ALTER FOREIGN TABLE flow ADD source_address inet OPTIONS (field 'srcaddr');
SELECT ask($$SELECT interface_id FROM flow WHERE source_address = '10.0.0.1'$$);
CALL flowlog_index_refresh('flow');
SELECT ask($$SELECT interface_id FROM flow WHERE source_address = '10.0.0.1'$$);
-- texts, all of which are addresses now
SELECT condition, ask('SELECT interface_id FROM texts WHERE ' || condition) FROM unnest(ARRAY[
	$$contains('10.0.0.0/30', CAST(srcaddr AS ipaddress))$$, $$CAST(srcaddr AS ipaddress) = ipaddress '10.0.0.3'$$, $$srcaddr::inet << '10.0.0.2/31'$$, $$srcaddr LIKE '10.0.0.%'$$, $$srcaddr LIKE '10.0.0%'$$, $$srcaddr LIKE '11.%'$$, $$srcaddr IS NULL$$]) WITH ORDINALITY u(condition, i) ORDER BY i;

-- a domain's constraint decides which values are bad, and so which lines are rows
CREATE DOMAIN port AS int;
CREATE FOREIGN TABLE domains (interface_id text, dstport port) SERVER index OPTIONS (location :'location', on_error 'ignore', log_verbosity 'silent');
SELECT flowlog_index_create('domains', '{dstport}'); -- ERROR: a value that is none of an integer may still be one of the domain
SELECT flowlog_index_create('domains');
CALL flowlog_index_refresh('domains');
SELECT ask($$SELECT interface_id FROM domains WHERE interface_id = 'eni-1'$$);
ALTER DOMAIN port ADD CONSTRAINT small CHECK (VALUE < 443);
SELECT ask($$SELECT interface_id FROM domains WHERE interface_id = 'eni-1'$$);
CALL flowlog_index_refresh('domains');
SELECT ask($$SELECT interface_id FROM domains WHERE interface_id = 'eni-1'$$);
ALTER DOMAIN port SET NOT NULL;
SELECT ask($$SELECT interface_id FROM domains WHERE interface_id = 'eni-1'$$);
DROP FOREIGN TABLE domains;
-- where each line must be a record, the index has the values of the base type
CREATE DOMAIN host AS inet CHECK (VALUE IS NULL OR masklen(VALUE) >= 32);
CREATE DOMAIN interface AS varchar(5) COLLATE "C" CHECK (VALUE <> '');
CREATE DOMAIN inner_host AS host CHECK (family(VALUE) = 4);
CREATE FOREIGN TABLE domains (interface_id interface, srcaddr host, dstaddr inner_host, dstport int, start timestamptz, action text) SERVER index OPTIONS (location :'location');
SELECT flowlog_index_create('domains', '{interface_id,srcaddr,dstaddr,dstport}');
CALL flowlog_index_refresh('domains');
SELECT columns, files, files_not_covered FROM flowlog_indexes WHERE "table" = 'domains'::regclass;
SELECT condition, ask('SELECT dstport FROM domains WHERE ' || condition) FROM unnest(ARRAY[
	$$srcaddr = '10.0.0.1'$$, $$srcaddr = host '10.0.0.3'$$, $$srcaddr = '10.9.9.9'$$, $$srcaddr << '10.0.0.0/30'$$, $$srcaddr IN ('10.0.0.1', '10.9.9.9')$$, $$srcaddr = '10.0.0.3' OR dstaddr = '10.0.0.3'$$, $$dstaddr = '198.51.100.1'$$,
	$$srcaddr IS NULL$$, $$srcaddr > '10.0.0.2'$$, $$interface_id = 'eni-2'$$, $$interface_id LIKE 'eni-1%'$$, $$interface_id = 'eni-2' AND dstport = 80$$, $$interface_id = 'eni-2' AND srcaddr = '10.0.0.1'$$, $$srcaddr = '10.0.0.1' AND start > '2026-02-01'$$,
	$$host(srcaddr) = '10.0.0.1'$$, $$srcaddr = dstaddr$$, $$srcaddr = '10.9.9.9' AND dstport / 0 = 1$$]) WITH ORDINALITY u(condition, i) ORDER BY i;
SELECT address, files FROM flowlog_sightings('domains', '{10.0.0.1,198.51.100.0/24}') ORDER BY address;
SELECT counts('SELECT FROM domains WHERE srcaddr IN (SELECT a FROM wanted)');
SELECT counts('SELECT FROM domains WHERE srcaddr = (SELECT min(a) FROM wanted)');
PREPARE d(inet) AS SELECT dstport FROM domains WHERE srcaddr = $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE d('10.0.0.3');
SELECT files($$EXECUTE d('10.0.0.3')$$);
RESET plan_cache_mode;
-- a value of the domain's that its constraint refuses is not looked for
SELECT ask($$SELECT dstport FROM domains WHERE srcaddr = '10.0.0.0/8'$$);
ALTER DOMAIN host ADD CHECK (VALUE <> '10.0.0.2');
SELECT ask($$SELECT dstport FROM domains WHERE srcaddr = '10.0.0.3'$$); -- ERROR
CALL flowlog_index_refresh('domains');
SELECT files($$SELECT dstport FROM domains WHERE srcaddr = '10.0.0.3'$$);
ALTER FOREIGN TABLE domains OPTIONS (ADD on_error 'ignore');
SELECT files($$SELECT dstport FROM domains WHERE srcaddr = '10.0.0.3'$$);
CALL flowlog_index_refresh('domains'); -- ERROR
DROP FOREIGN TABLE domains;
DROP DOMAIN inner_host, host, interface;

-- a view that hides rows: which files have a value would tell of those, too
CREATE VIEW rejected WITH (security_barrier) AS SELECT interface_id, srcaddr FROM texts WHERE action = 'REJECT';
CREATE VIEW accepted AS SELECT interface_id, srcaddr FROM texts WHERE action = 'ACCEPT';
CREATE VIEW united WITH (security_barrier) AS SELECT srcaddr FROM accepted UNION ALL SELECT srcaddr FROM rejected;
CREATE VIEW narrow WITH (security_barrier) AS SELECT interface_id, srcaddr FROM texts;
SELECT view, counts(format('SELECT FROM %I WHERE srcaddr = ''10.0.0.3''', view)), ask(format('SELECT srcaddr FROM %I WHERE srcaddr = ''10.0.0.3''', view))
	FROM unnest('{rejected,accepted,united,narrow}'::text[]) WITH ORDINALITY u(view, i) ORDER BY i;
SELECT counts('SELECT FROM rejected WHERE srcaddr IN (SELECT t FROM wanted)');
DROP VIEW united, rejected, accepted, narrow;

-- several partitions, of which not all have an index
CREATE TABLE parent (interface_id text, srcaddr inet, start timestamptz) PARTITION BY RANGE (start);
\set one :logs '1.log'
\set two :logs '2.log'
CREATE FOREIGN TABLE child1 PARTITION OF parent FOR VALUES FROM (MINVALUE) TO ('2026-01-30 00:01') SERVER index OPTIONS (location :'one');
CREATE FOREIGN TABLE child2 PARTITION OF parent DEFAULT SERVER index OPTIONS (location :'two');
SELECT flowlog_index_create('parent');
SELECT "table", columns FROM flowlog_indexes WHERE "table"::text ~ 'child' ORDER BY 1;
SELECT flowlog_index_create('parent'); -- ERROR
CALL flowlog_index_refresh('parent');
SELECT ask($$SELECT interface_id FROM parent WHERE srcaddr = '10.0.0.1'$$);
CREATE VIEW few WITH (security_barrier) AS SELECT interface_id, srcaddr FROM parent WHERE start IS NOT NULL;
SELECT ask($$SELECT interface_id FROM few WHERE srcaddr = '10.0.0.1'$$);
DROP VIEW few;
SELECT flowlog_index_drop('child1');
CALL flowlog_index_refresh('parent');
SELECT ask($$SELECT interface_id FROM parent WHERE srcaddr = '10.0.0.1'$$);
SELECT flowlog_index_drop('parent');
SELECT flowlog_index_drop('parent'); -- ERROR
DROP TABLE parent;

-- who may do what
GRANT USAGE ON SCHEMA index TO PUBLIC;
GRANT SELECT ON texts TO regress_index_reader;
ALTER FOREIGN TABLE texts OWNER TO regress_index_owner;
SET ROLE regress_index_reader;
SELECT flowlog_index_create(0); -- ERROR
SELECT flowlog_index_drop(0); -- ERROR
SELECT flowlog_index_create('texts'); -- ERROR
SELECT flowlog_index_drop('texts'); -- ERROR
CALL flowlog_index_refresh('texts'); -- ERROR
SELECT "table", files FROM flowlog_indexes;
SELECT files($$SELECT FROM texts WHERE srcaddr = '10.9.9.9'$$);
SELECT count(*) FROM flowlog_index_blocks; -- ERROR
SELECT count(*) FROM flowlog_index_files; -- ERROR
SELECT count(*) FROM flowlog_index_batches; -- ERROR
SELECT count(*) FROM flowlog_index_definitions; -- ERROR
RESET ROLE;
SET ROLE regress_index_owner;
CALL flowlog_index_refresh('texts');
SELECT "table", files FROM flowlog_indexes;
SELECT flowlog_index_drop('texts');
SELECT flowlog_index_create('texts', '{srcaddr}');
CALL flowlog_index_refresh('texts');
RESET ROLE;
-- a column alone does not show how many values there are
REVOKE SELECT ON texts FROM regress_index_reader;
GRANT SELECT (srcaddr) ON texts TO regress_index_reader;
SET ROLE regress_index_reader;
SELECT count(*) FROM flowlog_indexes;
SELECT count(*) FROM texts WHERE srcaddr = '10.9.9.9';
RESET ROLE;

-- a table whose files cannot be listed does not hide the others
SELECT write(:'gone', ARRAY[header(), 'eni-7 10.0.0.7 198.51.100.9 443 1769731250 1769731290 REJECT OK']);
CREATE FOREIGN TABLE gone (interface_id text, srcaddr inet) SERVER index OPTIONS (location :'gone');
CREATE FOREIGN TABLE bucket (interface_id text, srcaddr inet) SERVER index OPTIONS (location 's3://no-such-bucket/');
SELECT flowlog_index_create('gone'), flowlog_index_create('bucket');
CALL settle();
CALL flowlog_index_refresh('gone');
SELECT format('COPY (SELECT WHERE false) TO PROGRAM %L', 'rm ''' || :'gone' || '''') AS remove \gset
:remove;
\set VERBOSITY terse
SELECT "table", columns, files, "values", bytes > 0, share, files_not_covered, refreshed <= now() FROM flowlog_indexes ORDER BY "table"::text;
\set VERBOSITY default
SELECT flowlog_index_drop('gone'), flowlog_index_drop('bucket');
DROP FOREIGN TABLE gone, bucket;

-- entries of tables that are gone are deleted by the next refresh of any table
SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = d."table")) FROM flowlog_index_definitions d;
DROP FOREIGN TABLE texts;
SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = d."table")) FROM flowlog_index_definitions d;
CALL flowlog_index_refresh('flow');
SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = d."table")) FROM flowlog_index_definitions d;
SELECT count(DISTINCT number) FROM flowlog_index_blocks;
SELECT count(DISTINCT number) FROM flowlog_index_files;
SELECT count(DISTINCT number) FROM flowlog_index_batches;
SELECT flowlog_index_drop('flow');
SELECT (SELECT count(*) FROM flowlog_index_blocks), (SELECT count(*) FROM flowlog_index_files), (SELECT count(*) FROM flowlog_index_batches), (SELECT count(*) FROM flowlog_index_definitions);
SELECT ask($$SELECT interface_id FROM flow WHERE source_address = '10.0.0.1'$$);

:clean;
DROP SCHEMA index CASCADE;
DROP ROLE regress_index_owner, regress_index_reader;
