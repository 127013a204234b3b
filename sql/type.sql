--
-- Types: what a field's text means in a column of each type, and what it is refused for
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set types :abs_srcdir '/test/data/types.log'
CREATE SCHEMA type;
SET search_path = type, public;
SET datestyle = 'ISO, YMD';
SET timezone = 'America/New_York';
CREATE SERVER type FOREIGN DATA WRAPPER flowlog_fdw;

-- what PostgreSQL itself makes of a text; "bad" is an error of its
CREATE FUNCTION postgres(text text, type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT CAST(CAST(%L AS %s) AS text)', text, type) INTO result;
	RETURN result;
EXCEPTION WHEN data_exception OR invalid_text_representation THEN
	RETURN 'bad';
END $$;

-- a line is a kind and a text; each column shows what its type makes of the text
CREATE PROCEDURE read_as(kind text, VARIADIC types text[]) LANGUAGE plpgsql AS $$
BEGIN
	DROP FOREIGN TABLE IF EXISTS t;
	EXECUTE format('CREATE FOREIGN TABLE t (raw text OPTIONS (field ''1'', null_off ''true''), %s) SERVER type OPTIONS (location %L, regex %L, on_error ''set_null'', log_verbosity ''silent'')',
		(SELECT string_agg(format('%I %s OPTIONS (field ''1'')', type, type), ', ') FROM unnest(types) type),
		current_setting('type.location'), kind || ';(.*)|(?:(?!' || kind || ').*)');
END $$;
SET type.location = :'types';

-- A bad value is NULL here.  After each: the texts for which PostgreSQL would say otherwise (integers are decimal here, since 16 not there; "-" is NULL)
SET client_min_messages = warning;
CALL read_as('integer', 'smallint', 'integer', 'bigint');
SELECT quote_literal(raw) AS raw, smallint, "integer", bigint FROM t WHERE raw IS NOT NULL;
SELECT raw FROM t WHERE raw !~ '[xb_]' AND raw <> '-' AND (smallint::text IS DISTINCT FROM nullif(postgres(raw, 'smallint'), 'bad')
	OR "integer"::text IS DISTINCT FROM nullif(postgres(raw, 'integer'), 'bad') OR bigint::text IS DISTINCT FROM nullif(postgres(raw, 'bigint'), 'bad'));

CALL read_as('real', 'real', 'double precision');
SELECT quote_literal(raw) AS raw, "real", "double precision" FROM t WHERE raw IS NOT NULL;
SELECT raw FROM t WHERE raw <> '-' AND ("real"::text IS DISTINCT FROM nullif(postgres(raw, 'real'), 'bad')
	OR "double precision"::text IS DISTINCT FROM nullif(postgres(raw, 'double precision'), 'bad'));

CALL read_as('numeric', 'numeric', 'numeric(6,2)', 'numeric(3,-2)');
SELECT quote_literal(raw) AS raw, CASE WHEN length("numeric"::text) < 50 THEN "numeric"::text ELSE length("numeric"::text) || ' characters' END AS "numeric", "numeric(6,2)", "numeric(3,-2)" FROM t WHERE raw IS NOT NULL;
SELECT raw FROM t WHERE raw !~ '[x_]|e |e-16384' AND raw <> '-' AND ("numeric"::text IS DISTINCT FROM nullif(postgres(raw, 'numeric'), 'bad')
	OR "numeric(6,2)"::text IS DISTINCT FROM nullif(postgres(raw, 'numeric(6,2)'), 'bad') OR "numeric(3,-2)"::text IS DISTINCT FROM nullif(postgres(raw, 'numeric(3,-2)'), 'bad'));

CALL read_as('boolean', 'boolean');
SELECT quote_literal(raw) AS raw, "boolean" FROM t WHERE raw IS NOT NULL;
SELECT raw FROM t WHERE raw <> '-' AND "boolean"::text IS DISTINCT FROM nullif(postgres(raw, 'boolean'), 'bad');

-- a text that is longer than its type is bad, but for blanks; char(n) is filled up with blanks
CALL read_as('text', 'text', 'varchar', 'varchar(5)', 'char(5)', 'char');
SELECT quote_literal("text") AS text, quote_literal("varchar") AS "varchar", quote_literal("varchar(5)") AS "varchar(5)", quote_literal("char(5)") AS "char(5)", octet_length("char(5)") AS bytes, "char" FROM t WHERE "varchar" IS NOT NULL;
SELECT "varchar(5)" || '|' AS v, "char(5)" || '|' AS c FROM t WHERE "char(5)" = 'ab';

CALL read_as('inet', 'inet', 'cidr');
SELECT quote_literal(raw) AS raw, inet, cidr FROM t WHERE raw IS NOT NULL;
SELECT raw FROM t WHERE raw <> '-' AND (inet::text IS DISTINCT FROM nullif(postgres(raw, 'inet'), 'bad') OR cidr::text IS DISTINCT FROM nullif(postgres(raw, 'cidr'), 'bad'));

-- Unix seconds or milliseconds, or ISO 8601; UTC unless there is an offset, whatever TimeZone is
CALL read_as('time', 'timestamptz', 'timestamp', 'date');
SELECT quote_literal(raw) AS raw, timestamptz AT TIME ZONE 'UTC' AS timestamptz, timestamp, date FROM t WHERE raw IS NOT NULL;
SELECT raw FROM t WHERE timestamptz AT TIME ZONE 'UTC' IS DISTINCT FROM timestamp OR timestamp::date IS DISTINCT FROM date;
CALL read_as('time', 'timestamptz(0)', 'timestamp(0)', 'timestamp(3)', 'timestamp(6)');
SELECT raw, "timestamptz(0)" AT TIME ZONE 'UTC' AS "timestamptz(0)", "timestamp(0)", "timestamp(3)", "timestamp(6)" FROM t WHERE raw ~ '\.\d';
SELECT raw FROM t WHERE "timestamp(0)" <> "timestamp(6)"::timestamp(0) OR "timestamp(3)" <> "timestamp(6)"::timestamp(3) OR "timestamptz(0)" AT TIME ZONE 'UTC' <> "timestamp(0)";

-- why a value is none
CALL read_as('(?:integer|text|inet|time|boolean|numeric)', 'smallint', 'varchar(5)', 'date');
SELECT reason, count(*), min(line) AS first FROM flowlog_rejects('t') GROUP BY 1 ORDER BY 3;
CALL read_as('inet', 'inet', 'cidr', 'timestamptz');
SELECT reason, count(*), min(line) AS first FROM flowlog_rejects('t') GROUP BY 1 ORDER BY 3;
CALL read_as('numeric', 'numeric', 'double precision', 'real', 'numeric(6,2)', 'boolean', 'char(1)');
SELECT reason, count(*), min(line) AS first FROM flowlog_rejects('t') GROUP BY 1 ORDER BY 3;

-- a type that only PostgreSQL can read goes through its input function, and stops at a bad value whatever "on_error" is
CREATE TYPE verdict AS ENUM ('ACCEPT', 'REJECT');
CREATE DOMAIN port AS int CHECK (VALUE BETWEEN 0 AND 65535);
CREATE DOMAIN needed AS text NOT NULL;
\set s3 :abs_srcdir '/test/data/s3.log'
\set nodata :abs_srcdir '/test/data/nodata.log'
CREATE FOREIGN TABLE other (
	action verdict, dstport port, range int4range OPTIONS (field 'ports'), line json OPTIONS (field 'srcport'), mask bit(3) OPTIONS (field 'version'),
	length interval(0) OPTIONS (field 'srcport'), name name OPTIONS (field 'action'), ids int[] OPTIONS (field 'none'), mac macaddr OPTIONS (field 'none'), id uuid OPTIONS (field 'none'))
SERVER type OPTIONS (location :'s3', log_verbosity 'silent',
	regex '(?<version>\d) (?:\S+ ){4}(?<srcport>\S+) (?<dstport>\S+) (?<none>x)?(?:.*) (?<action>\S+) OK(?<ports>x)?');
SELECT action, dstport, range, line, length, name, ids, mac, id FROM other ORDER BY dstport LIMIT 3;
SELECT count(*) FROM other WHERE action = 'REJECT' AND dstport < 100;
SELECT mask FROM other; -- ERROR
ALTER FOREIGN TABLE other OPTIONS (ADD on_error 'set_null');
SELECT mask FROM other; -- ERROR
ALTER FOREIGN TABLE other OPTIONS (SET on_error 'ignore');
SELECT mask FROM other; -- ERROR
SELECT count(*) FROM other; -- a column that the query does not need is not converted
ALTER FOREIGN TABLE other ALTER COLUMN id OPTIONS (SET field 'srcport');
SELECT id FROM other; -- ERROR
ALTER FOREIGN TABLE other ALTER COLUMN mac OPTIONS (SET field 'action');
SELECT mac FROM other; -- ERROR
ALTER FOREIGN TABLE other ALTER COLUMN range OPTIONS (SET field 'action');
SELECT range FROM other; -- ERROR
ALTER FOREIGN TABLE other ALTER COLUMN action OPTIONS (ADD field 'version');
SELECT action FROM other; -- ERROR
ALTER FOREIGN TABLE other ALTER COLUMN ids TYPE needed;
SELECT ids FROM other; -- ERROR
DROP FOREIGN TABLE other;

-- NULL: a table's text for it, a column's own, or none
CREATE FOREIGN TABLE nulls (a text, b text OPTIONS (null 'NODATA'), c text OPTIONS (null_off 'true'))
SERVER type OPTIONS (location :'nodata', regex '\d (\S+) .* (?=(\S+)$)(\S+)', null 'unknown');
SELECT * FROM nulls ORDER BY c, a;
ALTER FOREIGN TABLE nulls OPTIONS (SET regex '\d (\S+) \S+ (\S+) (\S+) .*');
SELECT * FROM nulls ORDER BY c, a;
ALTER FOREIGN TABLE nulls OPTIONS (DROP null);
SELECT * FROM nulls ORDER BY c, a;
ALTER FOREIGN TABLE nulls ALTER COLUMN c TYPE int;
SELECT * FROM nulls; -- ERROR
ALTER FOREIGN TABLE nulls ALTER COLUMN c OPTIONS (DROP null_off);
SELECT * FROM nulls ORDER BY c, a;
ALTER FOREIGN TABLE nulls OPTIONS (ADD null_off 'true');
SELECT * FROM nulls; -- ERROR
ALTER FOREIGN TABLE nulls ALTER COLUMN c OPTIONS (ADD null '-');
SELECT * FROM nulls ORDER BY c, a;
ALTER FOREIGN TABLE nulls ALTER COLUMN c OPTIONS (SET null ''), OPTIONS (SET regex '\d (\S+) \S+ (\S+) -() .*');
SELECT * FROM nulls ORDER BY c, a;

-- What most fields look like is read by shortcuts: texts that are nearly that, and of many lengths.  Of each query that compares: no rows
\set nearly :abs_srcdir '/test/data/nearly.log'
SET type.location = :'nearly';
CALL read_as('number', 'smallint', 'integer', 'bigint', 'real', 'double precision', 'timestamptz', 'date');
SELECT count(*), count(smallint) AS smallint, count("integer") AS "integer", count(bigint) AS bigint, count("real") AS "real", count(timestamptz) AS timestamptz FROM t WHERE raw IS NOT NULL;
SELECT raw FROM t WHERE raw <> '-' AND (smallint::text IS DISTINCT FROM nullif(postgres(raw, 'smallint'), 'bad')
	OR "integer"::text IS DISTINCT FROM nullif(postgres(raw, 'integer'), 'bad') OR bigint::text IS DISTINCT FROM nullif(postgres(raw, 'bigint'), 'bad')
	OR "real"::text IS DISTINCT FROM nullif(postgres(raw, 'real'), 'bad') OR "double precision"::text IS DISTINCT FROM nullif(postgres(raw, 'double precision'), 'bad'));
SELECT raw FROM t, to_timestamp(CASE WHEN raw !~ '^[0-9]+$' THEN NULL WHEN raw::numeric <= 2147483647 THEN raw::numeric WHEN raw::numeric <= 4102444800000 THEN raw::numeric / 1000 END) AS time
	WHERE timestamptz IS DISTINCT FROM time OR date IS DISTINCT FROM (time AT TIME ZONE 'UTC')::date;
CALL read_as('number', 'timestamp', 'timestamp(0)', 'timestamp(4)');
SELECT raw FROM t WHERE "timestamp(0)" IS DISTINCT FROM timestamp::timestamp(0) OR "timestamp(4)" IS DISTINCT FROM timestamp;

CALL read_as('address', 'inet', 'cidr');
SELECT count(*), count(inet) AS inet, count(cidr) AS cidr FROM t WHERE raw IS NOT NULL;
SELECT raw FROM t WHERE raw <> '-' AND (inet::text IS DISTINCT FROM nullif(postgres(raw, 'inet'), 'bad') OR cidr::text IS DISTINCT FROM nullif(postgres(raw, 'cidr'), 'bad'));

-- headers of one byte and of four; words that a text ends in
CALL read_as('text', 'text', 'varchar', 'varchar(9)', 'varchar(126)', 'char', 'char(9)', 'char(126)', 'char(127)');
SELECT count(*), count(DISTINCT octet_length(text)) AS lengths, min(octet_length(text)), max(octet_length(text)), count("varchar(9)") AS "varchar(9)", count("char(126)") AS "char(126)", count("char") AS "char" FROM t WHERE text IS NOT NULL;
SELECT line FROM (SELECT substr(line, 6) FROM string_to_table(pg_read_file(:'nearly'), E'\n') AS line WHERE line LIKE 'text;%' EXCEPT ALL SELECT raw FROM t) AS missing (line);
SELECT raw FROM t WHERE raw IS DISTINCT FROM text OR raw IS DISTINCT FROM "varchar" OR octet_length(raw) <> octet_length(text);
CREATE FUNCTION cut(value text, most int) RETURNS text LANGUAGE sql RETURN CASE WHEN length(rtrim(left(value, 10000), ' ')) <= most THEN left(value, most) END;
SELECT raw FROM t WHERE "varchar(9)" IS DISTINCT FROM cut(raw, 9) OR "varchar(126)" IS DISTINCT FROM cut(raw, 126)
	OR octet_length("char(9)") IS DISTINCT FROM octet_length(cut(raw, 9)::char(9)) OR "char(9)" IS DISTINCT FROM cut(raw, 9)::char(9)
	OR octet_length("char(126)") IS DISTINCT FROM octet_length(cut(raw, 126)::char(126)) OR "char(126)" IS DISTINCT FROM cut(raw, 126)::char(126)
	OR octet_length("char(127)") IS DISTINCT FROM octet_length(cut(raw, 127)::char(127)) OR "char(127)" IS DISTINCT FROM cut(raw, 127)::char(127);

-- stored values are what the heap has
CREATE TABLE heap AS TABLE t;
(TABLE t EXCEPT ALL TABLE heap) UNION ALL (TABLE heap EXCEPT ALL TABLE t);
SET enable_mergejoin = off;
SELECT count(*) = (SELECT count(*) FROM heap AS a JOIN heap AS b USING (text, "char(9)")) AS hash_join FROM t JOIN heap USING (text, "char(9)");
SET enable_hashjoin = off;
SET enable_mergejoin = on;
SELECT count(*) = (SELECT count(*) FROM heap AS a JOIN heap AS b USING (text, "char(9)")) AS merge_join FROM t JOIN heap USING (text, "char(9)");
RESET enable_hashjoin;
SELECT raw FROM t WHERE NOT EXISTS (SELECT FROM heap WHERE record_image_eq(ROW(heap.*), ROW(t.*)));
DROP TABLE heap;

-- a row that is larger than what is kept for one, and more columns than a word has bits
DO $$
BEGIN
	EXECUTE format('CREATE FOREIGN TABLE wide (%s) SERVER type OPTIONS (location %L, regex ''text;((.*?)a?)|.*'', on_error ''set_null'', log_verbosity ''silent'')',
		(SELECT string_agg(format('c%s %s OPTIONS (field ''%s'')', i, (ARRAY['text', 'varchar(2000)'])[1 + (i % 32 = 0)::int], 1 + i % 2), ', ') FROM generate_series(1, 98) i),
		current_setting('type.location'));
END $$;
SELECT count(*), count(c1) FROM wide;
SELECT c2 FROM wide WHERE EXISTS (SELECT FROM jsonb_each_text(to_jsonb(wide)) WHERE value IS DISTINCT FROM CASE WHEN substr(key, 2)::int % 2 = 1 THEN regexp_replace(c2, 'a$', '') ELSE c2 END);
DROP FOREIGN TABLE wide;

-- NULLs that look like values, and have several characters; no value stays from the record before
CREATE FOREIGN TABLE nearly (
	interface text OPTIONS (field '3', null 'eni-0a1b2c3d4e5f60718'), source inet OPTIONS (field '4', null '10.0.2.9'), network cidr OPTIONS (field '4', null '10.0.1.5'),
	port int OPTIONS (field '7', null '443'), small smallint OPTIONS (field '8', null '6'), bytes bigint OPTIONS (field '10', null '7500000000000'),
	time timestamptz OPTIONS (field '11', null '1769775904'), day date OPTIONS (field '11', null '1769775904'), real float8 OPTIONS (field '9', null '1'),
	action char(7) OPTIONS (field '13', null 'ACCEPT'), plain char(6) OPTIONS (field '13'))
SERVER type OPTIONS (location :'s3', regex '(\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)');
SELECT * FROM nearly;
CREATE FOREIGN TABLE none (
	a text OPTIONS (field '4'), b varchar(8) OPTIONS (field '4'), c char(3) OPTIONS (field '4'), d inet OPTIONS (field '4'), e cidr OPTIONS (field '4'), f smallint OPTIONS (field '4'), g int OPTIONS (field '4'),
	h bigint OPTIONS (field '4'), i real OPTIONS (field '4'), j float8 OPTIONS (field '4'), k numeric OPTIONS (field '4'), l bool OPTIONS (field '4'), m timestamptz OPTIONS (field '4'), n timestamp OPTIONS (field '4'),
	o date OPTIONS (field '4'), p json OPTIONS (field '4'), status text OPTIONS (field '14'))
SERVER type OPTIONS (location :'nodata', regex '(\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)');
SELECT * FROM none WHERE status <> 'OK';
ALTER FOREIGN TABLE none ALTER COLUMN g SET NOT NULL;
SELECT g FROM none; -- ERROR

-- of several bad fields the first one is told
CREATE FOREIGN TABLE several (a numeric OPTIONS (field '13'), b int OPTIONS (field '13'), c inet OPTIONS (field '13'), d numeric OPTIONS (field '13'))
SERVER type OPTIONS (location :'s3', regex '(\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)');
SELECT * FROM several; -- ERROR
SELECT b, c FROM several; -- ERROR
SELECT c, b FROM several; -- ERROR
SELECT d, c FROM several; -- ERROR

-- a type that does not suit the field: the hint names one that does, also where rows are left out
CREATE FOREIGN TABLE mistaken (
	srcaddr int, start smallint, bytes text[], account varchar(3), action uuid, sum numeric(2) OPTIONS (field 'bytes'), srcport inet, ts time
) SERVER type OPTIONS (location :'s3');
SELECT srcaddr FROM mistaken; -- ERROR
SELECT start FROM mistaken; -- ERROR
SELECT bytes FROM mistaken; -- ERROR
SELECT account FROM mistaken; -- ERROR
SELECT action FROM mistaken; -- ERROR
SELECT sum FROM mistaken; -- ERROR
SELECT count(*) FROM mistaken WHERE srcport = '10.0.0.1'; -- ERROR
ALTER FOREIGN TABLE mistaken DROP bytes, DROP action, OPTIONS (ADD on_error 'ignore');
SELECT start FROM mistaken; -- WARNING
ALTER FOREIGN TABLE mistaken OPTIONS (SET on_error 'set_null', ADD reject_limit '1');
SELECT start FROM mistaken; -- ERROR
ALTER FOREIGN TABLE mistaken ALTER start SET NOT NULL, OPTIONS (SET location :'nodata', DROP on_error, DROP reject_limit);
SELECT start FROM mistaken; -- ERROR

DROP SERVER type CASCADE;
DROP SCHEMA type CASCADE;
