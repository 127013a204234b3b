--
-- Pushdown: which conditions the reader judges, and that they give the same rows as when PostgreSQL does
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set values :abs_srcdir '/test/data/values.log'
\set values_bad :abs_srcdir '/test/data/values_bad.log'
\set record '([^;]*)(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))'
\pset format unaligned
CREATE SCHEMA pushdown;
SET search_path = pushdown, public;
SET timezone = 'America/New_York';

CREATE SERVER pushdown FOREIGN DATA WRAPPER flowlog_fdw;
CREATE DOMAIN port AS int CHECK (VALUE BETWEEN -100000 AND 65535);
CREATE FOREIGN TABLE t (
	small smallint, medium int, large bigint, word text, name varchar(8), code char(4), flag boolean,
	address inet, network cidr, moment timestamptz, local timestamp, day date, seconds bigint,
	port port OPTIONS (field '1'), seconds_int int OPTIONS (field '13')
) SERVER pushdown OPTIONS (location :'values', regex :'record', on_error 'set_null', log_verbosity 'silent');
SELECT count(*), count(moment) FROM t;

-- Who judges a condition: "all" the reader, "none" PostgreSQL, "some" both; and how many of the rows differ
-- when PostgreSQL judges it all (both ways: a filter that drops too much hides in one).
CREATE FUNCTION compare(condition text, OUT pushed text, OUT rows bigint, OUT differences bigint, columns text DEFAULT 't')
LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT array_agg((%s)::text) FROM t WHERE %s', columns, condition);
	plan json;
	scan jsonb;
	with_pushdown text[];
	without text[];
BEGIN
	SET LOCAL flowlog_fdw.enable_pushdown = on;
	EXECUTE 'EXPLAIN (COSTS OFF, FORMAT json) ' || query INTO plan;
	scan := jsonb_path_query_first(plan::jsonb, 'strict $.** ? (@."Node Type" == "Foreign Scan")');
	pushed := CASE WHEN scan IS NULL THEN 'no scan'
		WHEN scan ? 'Pushed Filter' AND scan ? 'Filter' THEN 'some'
		WHEN scan ? 'Pushed Filter' THEN 'all' ELSE 'none' END;
	EXECUTE query INTO with_pushdown;
	SET LOCAL flowlog_fdw.enable_pushdown = off;
	EXECUTE query INTO without;
	rows := coalesce(cardinality(without), 0);
	SELECT count(*) INTO differences FROM (
		(SELECT unnest(with_pushdown) EXCEPT ALL SELECT unnest(without)) UNION ALL
		(SELECT unnest(without) EXCEPT ALL SELECT unnest(with_pushdown))) d;
EXCEPTION WHEN data_exception THEN
	pushed := pushed || ', error'; -- under on_error 'stop'
END $$;

CREATE TABLE conditions (id int GENERATED ALWAYS AS IDENTITY, kind text, condition text);

INSERT INTO conditions (kind, condition) VALUES
('integer', 'small = 443'), ('integer', 'medium <> 443'), ('integer', 'large < 443'), ('integer', 'large <= 443'),
('integer', 'medium > 443'), ('integer', '443 >= medium'), ('integer', 'small = 100000'), ('integer', 'small < 3000000000'),
('integer', 'medium = -2147483648'), ('integer', 'large = 9223372036854775807'), ('integer', 'large > 2::smallint'),
('integer', 'medium = NULL::int'), ('integer', 'medium <> (SELECT NULL::int)'), ('integer', 'NOT (medium <> 443)'),
('list', 'small IN (22, 443)'), ('list', 'medium IN (1, NULL, 443)'), ('list', 'medium NOT IN (1, 443)'), ('list', 'medium NOT IN (1, NULL)'),
('list', 'medium = ANY (''{}''::int[])'), ('list', 'medium <> ALL (''{}''::int[])'), ('list', 'medium = ANY (NULL::int[])'),
('list', 'large = ANY (''{1,NULL,443}''::smallint[])'), ('list', 'large <> ALL (''{{1,2},{10,11}}''::bigint[])'),
('list', 'medium > ANY (ARRAY[100, 443])'), ('list', 'medium <= ALL (ARRAY[100, 443])'), ('list', 'medium <> ANY (ARRAY[1, 443])'),
('list', 'medium = ALL (ARRAY[443, 443])'), ('list', 'medium < ALL (ARRAY[10, NULL])'), ('list', 'medium > ANY (ARRAY[10, NULL])'),
('list', 'medium < ALL (''{}''::int[])'), ('list', 'medium = ANY (ARRAY[10.0, 10.5, NULL])'),
('list', 'medium = ANY (SELECT unnest(ARRAY[1, 443]))'),
('list', 'medium = ANY (ARRAY(SELECT c.id FROM conditions c WHERE c.id < 0))'),
('list', 'medium = ANY (ARRAY(SELECT c.id FROM conditions c WHERE c.id < 12))'),
('list', 'medium <> ALL (ARRAY(SELECT nullif(c.id, 11) FROM conditions c WHERE c.id < 12))'),
('list', 'address <<= ANY (ARRAY(SELECT n::cidr FROM (VALUES (''10.0.0.0/24''), (NULL), (''2001:db8::/32'')) v(n)))'),
('list', 'address && ANY (NULL::inet[])'), ('list', 'address << ALL (''{}''::inet[])'), ('list', 'network >>= ALL (ARRAY[inet ''10.0.0.1'', ''10.0.0.2''])'),
('list', 'NOT address <<= ANY (ARRAY[inet ''10.0.0.0/24'', NULL])'),
('null', 'medium IS NULL'), ('null', 'word IS NOT NULL'), ('null', 'name IS NULL'), ('null', 'NOT (day IS NULL)'), ('null', 'network IS NULL'),
('tree', 'medium BETWEEN 10 AND 443'), ('tree', 'medium NOT BETWEEN 10 AND 443'), ('tree', 'medium BETWEEN SYMMETRIC 443 AND 10'),
('tree', 'medium = 443 AND word = ''ACCEPT'''), ('tree', 'medium = 443 OR word = ''a'' OR day IS NULL'),
('tree', 'NOT (medium = 443 AND (word = ''ACCEPT'' OR address IS NULL))'), ('tree', 'NOT (medium = 443 OR NOT (word <> ''a''))'),
('tree', 'medium = 443 AND word LIKE ''A%'''), ('tree', 'medium = 443 OR word LIKE ''A%'''),
('fraction', 'medium = 10.0'), ('fraction', 'medium = 10.5'), ('fraction', 'medium <> 10.5'), ('fraction', 'medium < 10.5'), ('fraction', 'medium <= 10.5'),
('fraction', 'medium > 10.5'), ('fraction', 'medium >= 10.5'), ('fraction', 'medium >= -0.5'), ('fraction', 'small < 1e30'), ('fraction', 'large > -1e30'),
('fraction', 'large = 1e30'), ('fraction', 'large <> 1e30'), ('fraction', 'large <= 9223372036854775807.5'), ('fraction', 'large < -9223372036854775808.5'),
('fraction', 'medium < ''NaN''::numeric'), ('fraction', 'medium >= ''NaN''::numeric'), ('fraction', 'medium < ''infinity''::numeric'),
('fraction', 'medium > ''-infinity''::numeric'), ('fraction', 'medium <> ''NaN''::numeric'), ('fraction', 'small > NULL::numeric'),
('float', 'medium = 10::float8'), ('float', 'medium < 10.5::float8'), ('float', 'medium >= ''NaN''::float8'), ('float', 'medium < ''infinity''::float8'),
('float', 'large = 9007199254740992::float8'), ('float', 'large > 9007199254740992::float8'), ('float', 'small <> 443::float8'), ('float', 'large IN (443::float8, ''NaN'')'),
('text', 'word = ''ACCEPT'''), ('text', 'word <> ''ACCEPT'''), ('text', 'word = '''''), ('text', 'word = ''ä'''), ('text', 'word IN (''a'', ''ab'', ''B'')'),
('text', 'word < ''a'' COLLATE "C"'), ('text', 'word COLLATE "C" >= ''ä'''), ('text', 'word = ''ab'''), ('text', 'word > '''' COLLATE "POSIX"'),
('text', 'name = ''ab'''), ('text', 'name = ''ab '''), ('text', 'name IN (''ACCEPT'', ''REJECT'')'), ('text', 'name <> ALL (ARRAY[''ACCEPT'', NULL])'), ('text', 'name = ''abcdefghi'''),
('text', 'code = ''ab'''), ('text', 'code = ''ab  '''), ('text', 'code = '''''), ('text', 'code <> ''OK'''), ('text', 'code IN (''OK'', ''ab'')'),
('text', 'code < ''b'' COLLATE "C"'), ('text', 'code = ''OK'' AND name = ''ACCEPT'''),
('boolean', 'flag'), ('boolean', 'NOT flag'), ('boolean', 'flag = true'), ('boolean', 'flag <> true'), ('boolean', 'flag IS NULL'), ('boolean', 'flag > false'),
('boolean', 'flag OR medium = 443'), ('boolean', 'flag = ANY (''{t,NULL}'')'),
('inet', 'address = ''10.0.0.1'''), ('inet', 'address = ''10.0.0.1/8'''), ('inet', 'address <> ''10.0.0.1'''), ('inet', 'address < ''10.0.0.1'''),
('inet', 'address <= ''192.168.1.5'''), ('inet', 'address > ''2001:db8::'''), ('inet', 'address >= ''10.0.0.0/24'''), ('inet', 'address << ''10.0.0.0/24'''),
('inet', 'address <<= ''10.0.0.0/24'''), ('inet', 'address <<= ''10.0.0.77/24'''), ('inet', 'address >> ''10.0.0.1'''), ('inet', 'address >>= ''10.0.0.1'''),
('inet', 'address && ''10.0.0.128/25'''), ('inet', '''10.0.0.0/24'' >>= address'), ('inet', '''::/0'' >> address'), ('inet', 'address <<= ''0.0.0.0/0'''),
('inet', 'NOT address <<= ''2001:db8::/32'''), ('inet', 'address IN (''10.0.0.1'', ''2001:db8::1'')'), ('inet', 'address << ANY (ARRAY[cidr ''10.0.0.0/8'', ''2001:db8::/64''])'),
('inet', 'network = ''10.0.0.0/24'''), ('inet', 'network <<= ''10.0.0.0/8'''), ('inet', 'network >>= ''10.0.0.1'''), ('inet', 'network && ''::ffff:10.0.0.9'''),
('inet', 'network < cidr ''192.168.0.0/16'''), ('inet', 'network = ANY (ARRAY[cidr ''::/0'', ''0.0.0.0/0''])'),
('time', 'moment = ''2026-01-30 12:00+00'''), ('time', 'moment <> ''2026-01-30 12:00+00'''), ('time', 'moment > ''2026-01-30 07:00'''),
('time', 'moment BETWEEN ''2026-01-30'' AND ''2026-01-31'''), ('time', 'moment < ''infinity'''), ('time', 'moment > ''-infinity'''), ('time', 'moment >= ''infinity'''),
('time', 'moment = timestamp ''2026-01-30 07:00'''), ('time', 'moment < date ''2026-01-31'''), ('time', 'moment = date ''2026-01-31'''), ('time', 'moment >= timestamp ''2026-03-29 02:00'''),
('time', 'moment > date ''infinity'''), ('time', 'moment <= timestamp ''infinity'''), ('time', 'moment > date ''4713-01-01 BC'''), ('time', 'moment < date ''5874897-12-31'''),
('time', 'moment IN (''2026-01-30 12:00+00'', ''2026-03-29 01:30+00'')'), ('time', 'moment IN (date ''2026-01-31'', NULL)'),
('time', 'local = ''2026-01-30 12:00'''), ('time', 'local >= date ''2026-01-30'''), ('time', 'local < date ''2026-01-31'''), ('time', 'local = date ''2026-01-31'''),
('time', 'local < date ''5874897-12-31'''), ('time', 'local > timestamp ''-infinity'''), ('time', 'day = ''2026-01-30'''), ('time', 'day <> ''2026-01-30'''),
('time', 'day < ''infinity'''), ('time', 'day >= timestamp ''2026-01-30 00:00'''), ('time', 'day >= timestamp ''2026-01-30 00:00:00.000001'''),
('time', 'day = timestamp ''2026-01-30 12:00'''), ('time', 'day <> timestamp ''2026-01-30 12:00'''), ('time', 'day <= timestamp ''1969-12-31 23:59'''), ('time', 'day < timestamp ''infinity'''),
('unix', 'to_timestamp(seconds) = ''2026-01-30 12:00+00'''), ('unix', 'to_timestamp(seconds_int) >= ''2026-01-30 12:00+00'''),
('unix', 'to_timestamp(seconds) BETWEEN ''1970-01-01'' AND date ''2026-01-31'''), ('unix', 'from_unixtime(seconds) < ''1970-01-01 00:00+00'''),
('unix', 'from_unixtime(seconds_int) <> ''2026-01-30 12:00+00'''), ('unix', 'to_timestamp(seconds) < ''infinity'''), ('unix', 'to_timestamp(seconds) = ''2026-01-30 12:00:00.000001+00'''),
('unix', 'to_timestamp(seconds) >= now() - interval ''500 years'''), ('unix', 'to_timestamp(seconds_int) >= now() - interval ''1 hour'' AND seconds_int NOT BETWEEN 2 AND 2147483645'),
('unix', 'from_unixtime(seconds) <= now() AND seconds NOT BETWEEN 2 AND 2147483645'),
('unix', 'seconds >= extract(epoch FROM now() - interval ''1 day'') AND seconds NOT BETWEEN 2 AND 2147483645'),
('unix', 'seconds_int >= extract(epoch FROM now() - interval ''1 day'')::int AND seconds_int NOT BETWEEN 2 AND 2147483645'),
('unix', 'seconds_int < date_part(''epoch'', timestamptz ''2026-01-30 12:00+00'')'),
('not', 'medium = 443 + (0 * random())::int'), ('not', 'word LIKE ''A%'''), ('not', 'word ~ ''^A'''), ('not', 'small = medium'), ('not', 'medium > small'),
('not', 'medium + 0 = 443'), ('not', 'mod(medium, 443) = 0'), ('not', 'port = 443'), ('not', 'port IS NOT NULL'), ('not', 'medium::text = ''443'''),
('not', 'code::text = ''OK'''), ('not', 'large::numeric + 1 = 444'), ('not', 'medium::float4 = 10'), ('not', 'host(address) = ''10.0.0.1'''), ('not', 'moment::date = ''2026-01-30'''),
('not', 'local = timestamptz ''2026-01-30 12:00+00'''), ('not', 'day = timestamptz ''2026-01-30 00:00-05'''), ('not', 'moment + interval ''1 day'' > ''2026-01-31'''),
('not', 'medium IS DISTINCT FROM 443'), ('not', 'flag IS TRUE'), ('not', '(small, medium) > (22, 443)'), ('not', 'word < ''b'' COLLATE pushdown.other'),
('not', 't IS NULL'), ('not', 't.* IS NOT NULL'), ('not', 'CASE WHEN medium = 443 THEN flag END'), ('not', 'coalesce(word, ''a'') = ''a'''), ('not', 'upper(word) = ''A'''),
-- a cast over a call: what is called is below it
('not', 'network(address) = ''10.0.0.0/8'''), ('not', 'network(set_masklen(address, 24)) = ''10.0.0.0/24'''), ('not', 'word::varchar(3) = ''ACC'''),
('not', 'name::varchar(3) = ''ACC'''), ('not', 'concat(word)::varchar = ''a'''), ('not', 'current_setting(''TimeZone'')::varchar = word || '''''), ('not', 'network(address) <<= ANY (ARRAY[inet ''10.0.0.0/8''])');

-- an order that is not the bytes'
CREATE COLLATION other (provider = libc, locale = 'C.UTF-8');

\pset tuples_only on
SELECT c.condition, r.* FROM conditions c, compare(c.condition) r WHERE pushed NOT LIKE 'no%' ORDER BY c.id;
SELECT c.condition, r.* FROM conditions c, compare(c.condition) r WHERE pushed LIKE 'no%' ORDER BY c.id;
\pset tuples_only off

-- what only the reader looks at need not come out
SELECT * FROM compare('medium = 443 AND address <<= ''0.0.0.0/0''', columns => 'word');
SELECT * FROM compare('name = ''REJECT''', columns => '1');

-- among lines that are no record, and values that are none (a domain's input function can only stop)
ALTER FOREIGN TABLE t DROP COLUMN port, OPTIONS (SET location :'values_bad');
DELETE FROM conditions WHERE condition ~ 'port';
CREATE FUNCTION compare_all(columns text DEFAULT 't', OUT conditions bigint, OUT pushed bigint, OUT rows bigint, OUT differences bigint, OUT errors bigint)
BEGIN ATOMIC
	SELECT count(*), count(*) FILTER (WHERE r.pushed LIKE 'all%'), sum(r.rows), sum(r.differences), count(*) FILTER (WHERE r.pushed LIKE '%error')
	FROM pushdown.conditions c, pushdown.compare(c.condition, columns) r;
END;
SELECT * FROM compare_all();
ALTER FOREIGN TABLE t OPTIONS (SET on_error 'ignore');
SELECT * FROM compare_all();

-- "stop" looks only at what a query needs
ALTER FOREIGN TABLE t OPTIONS (DROP on_error, SET regex '([^;]*)(?:;([^;]*))?(?:;([^;]*))?(?:;([^;]*))?(?:;([^;]*))?(?:;([^;]*))?(?:;([^;]*))?(?:;([^;]*))?(?:;([^;]*))?(?:;([^;]*))?(?:;([^;]*))?(?:;([^;]*))?(?:;([^;]*))?');
SELECT * FROM compare('seconds > 1769774400', columns => 'seconds');
SELECT * FROM compare('word = ''ACCEPT''', columns => 'seconds');
SELECT differences FROM compare_all('seconds');

-- a collation that takes different texts for equal; where the server has none, nothing is to be seen
DO $$
BEGIN
	CREATE COLLATION pushdown.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
EXCEPTION WHEN OTHERS THEN
	NULL;
END $$;
ALTER FOREIGN TABLE t OPTIONS (SET location :'values', SET regex :'record');
SELECT c.condition, r.* FROM (VALUES ('word = ''A'' COLLATE pushdown.loose'), ('word IN (''a'', ''AB'' COLLATE pushdown.loose)')) c(condition), compare(c.condition) r
WHERE EXISTS (SELECT FROM pg_collation WHERE collname = 'loose') AND (differences > 0 OR rows < 2);
SELECT c.condition, r.* FROM (VALUES ('word = ''A'' COLLATE pushdown.other'), ('word IN (''a'', ''AB'' COLLATE pushdown.other)')) c(condition), compare(c.condition) r;

-- prepared statements: parameters are the reader's, in a plan for one execution and in a plan for all
PREPARE by_port(int) AS SELECT count(*) FROM t WHERE medium = $1;
PREPARE by_ports(int[]) AS SELECT count(*) FROM t WHERE large = ANY ($1);
PREPARE by_names(varchar[]) AS SELECT count(*) FROM t WHERE name = ANY ($1);
PREPARE by_networks(cidr[]) AS SELECT count(*) FROM t WHERE address <<= ANY ($1);
PREPARE by_time(timestamptz, numeric) AS SELECT count(*) FROM t WHERE to_timestamp(seconds) >= $1 AND medium < $2;
CREATE FUNCTION execute_all() RETURNS TABLE (statement text, counts bigint[]) LANGUAGE plpgsql AS $$
DECLARE
	call text;
	count bigint;
BEGIN
	FOREACH call IN ARRAY ARRAY['by_port(443)', 'by_port(10)', 'by_port(NULL)', 'by_ports(''{1,443}'')', 'by_ports(''{}'')', 'by_ports(''{1,NULL}'')', 'by_ports(NULL)',
		'by_names(''{ACCEPT,REJECT}'')', 'by_names(NULL)', 'by_networks(''{10.0.0.0/24,2001:db8::/32}'')', 'by_networks(''{NULL}'')',
		'by_time(''2026-01-30 12:00+00'', 10.5)', 'by_time(NULL, 10.5)', 'by_time(''1970-01-01'', ''NaN'')']
	LOOP
		counts := '{}';
		FOR i IN 1..8 LOOP
			EXECUTE 'EXECUTE ' || call INTO count;
			counts := counts || count;
		END LOOP;
		statement := call;
		RETURN NEXT;
	END LOOP;
END $$;
CREATE TEMP TABLE auto AS SELECT * FROM execute_all();
SET plan_cache_mode = force_custom_plan;
CREATE TEMP TABLE custom AS SELECT * FROM execute_all();
SET plan_cache_mode = force_generic_plan;
CREATE TEMP TABLE generic AS SELECT * FROM execute_all();
TABLE auto;
SELECT count(*) FROM auto JOIN custom USING (statement, counts) JOIN generic USING (statement, counts);
CREATE FUNCTION filters(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line LIKE '%Filter:%' THEN
			RETURN NEXT ltrim(line);
		END IF;
	END LOOP;
END $$;
SELECT filters(format('EXECUTE %s', call)) FROM unnest(ARRAY['by_port(443)', 'by_ports(''{1}'')', 'by_names(''{a}'')', 'by_networks(''{10.0.0.0/8}'')', 'by_time(''2026-01-30'', 10.5)']) call;
SET plan_cache_mode = force_custom_plan;
SELECT filters(format('EXECUTE %s', call)) FROM unnest(ARRAY['by_port(443)', 'by_ports(''{1}'')', 'by_names(''{a}'')', 'by_networks(''{10.0.0.0/8}'')', 'by_time(''2026-01-30'', 10.5)']) call;

-- a condition on no column of the table is the same for every record
PREPARE any_or_one(int) AS SELECT count(*) FROM t WHERE $1 IS NULL OR medium = $1;
SET plan_cache_mode = force_generic_plan;
SELECT filters('EXECUTE any_or_one(443)');
EXECUTE any_or_one(443);
EXECUTE any_or_one(NULL);
SET flowlog_fdw.enable_pushdown = off;
DEALLOCATE any_or_one;
PREPARE any_or_one(int) AS SELECT count(*) FROM t WHERE $1 IS NULL OR medium = $1;
SELECT filters('EXECUTE any_or_one(443)');
EXECUTE any_or_one(443);
EXECUTE any_or_one(NULL);
RESET flowlog_fdw.enable_pushdown;
SELECT filters('SELECT * FROM t WHERE random() < 0.5 OR medium = 443');
RESET plan_cache_mode;
DEALLOCATE ALL;

SET client_min_messages = warning;
DROP SERVER pushdown CASCADE;
DROP SCHEMA pushdown CASCADE;
