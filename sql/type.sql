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

DROP SERVER type CASCADE;
DROP SCHEMA type CASCADE;
