--
-- Expressions of one column that PostgreSQL computes once for each value, and the reader remembers
--
\getenv abs_builddir PG_ABS_BUILDDIR
\set location :abs_builddir '/results/remembered.log'
\pset format unaligned
CREATE SCHEMA remembered;
SET search_path = remembered, public;
-- so that the function below counts all calls
SET max_parallel_workers_per_gather = 0;
CREATE SERVER remembered FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FUNCTION write(path text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (%s) TO %L', 'SELECT concat_ws('' '', n, ''host'' || n % 7, CASE n % 50 WHEN 49 THEN ''-'' ELSE ''10.'' || n % 5 || ''.0.'' || n % 200 END, 1769731200 + n * 7)
		FROM generate_series(1, 2000) n', path);
END $$;
SELECT write(:'location');
CREATE FOREIGN TABLE flow (n int, host text, address text, start timestamptz) SERVER remembered OPTIONS (location :'location', regex '(\S+) (\S+) (\S+) (\S+)');
-- NOTICEs tell how often it is called
CREATE FUNCTION seen(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'saw %', $1; RETURN upper($1); END $$;
CREATE FUNCTION picky(text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN IF $1 = 'host3' THEN RAISE EXCEPTION 'saw %', $1; END IF; RETURN right($1, 1); END $$;

-- a pushed condition is shown as it was written
EXPLAIN (COSTS OFF) SELECT n FROM flow WHERE split_part(address, '.', 2) = '3' AND host ~ '[1-3]$';
SELECT count(*), sum(n) FROM flow WHERE split_part(address, '.', 2) = '3' AND host ~ '[1-3]$';
SELECT start::date, count(*) FILTER (WHERE host ILIKE 'HOST_'), max(length(address)) FROM flow WHERE address::inet <<= '10.2.0.0/16' GROUP BY 1;
-- each value is computed once, in the order of the records
SELECT count(*) FROM flow WHERE seen(host) = 'HOST1';
-- only of records that come to it
SELECT count(*) FROM flow WHERE n % 7 IN (2, 5) AND seen(host) = 'HOST5';
SELECT sum(CASE WHEN n % 7 = 4 THEN length(seen(host)) END) FROM flow;

-- an error is raised when its record is asked for, and not before
SELECT n FROM flow WHERE picky(host) > 0 LIMIT 2;
SELECT n FROM flow WHERE picky(host) > 0 LIMIT 3; -- ERROR
SELECT sum(picky(host)) FROM flow; -- ERROR
SELECT sum(picky(host)) FILTER (WHERE n % 7 <> 3), sum(CASE WHEN host <> 'host3' THEN picky(host) END) FROM flow;
-- none is remembered
DO $$
BEGIN
	FOR i IN 1 .. 3 LOOP
		BEGIN
			PERFORM count(*) FROM remembered.flow WHERE picky(host) > 0;
			RAISE NOTICE 'no error';
		EXCEPTION WHEN raise_exception THEN
			RAISE NOTICE 'error: %', SQLERRM;
		END;
	END LOOP;
END $$;

-- texts that are cast to addresses are read as those of inet columns; others are errors, each in its record
SELECT count(*) FILTER (WHERE address::inet << '10.2.0.0/16'), count(*) FILTER (WHERE contains('10.3.0.0/16', address::ipaddress)), count(*) FILTER (WHERE NOT nullif(address, '-')::inet IN ('10.1.0.1', '10.1.0.6'))
	FROM flow WHERE CAST(nullif(address, '-') AS ipaddress) BETWEEN ipaddress '10.0.0.0' AND ipaddress '10.3.255.255';
SELECT n FROM flow WHERE host::inet = '10.0.0.1'; -- ERROR
SELECT n FROM flow WHERE n % 2 = 3 AND host::inet = '10.0.0.1';
SELECT n FROM flow WHERE contains('10.0.0.0', address::inet); -- ERROR
SELECT count(*) FROM flow WHERE contains('10.0.0.0', (CASE WHEN n < 0 THEN address END)::inet);
-- a volatile function is called for each row; what depends on more than a setting is not remembered
CREATE FUNCTION stable(text) RETURNS text STABLE LANGUAGE sql AS $$ SELECT max(n)::text FROM remembered.flow $$;
CREATE FUNCTION is_pushed(condition text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN SELECT FROM flow WHERE ' || condition LOOP
		IF line ~ 'Pushed Filter' THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END $$;
SELECT condition, is_pushed(condition) FROM (VALUES ('length(host) > 3'), ('length(host) > 3 + random()'), ('stable(host) = ''x'''), ('length(host) = n'), ('length(host || address) > 3'),
	('start::text > ''2026'''), ('to_char(start, ''HH24'') = ''12'''), ('to_char(start, ''TMDay'') = ''Friday'''), ('to_char(start, host) = ''12'''), ('start + interval ''1 day'' > now()'), ('host = (SELECT ''host1'')'),
	('length(host) > (SELECT 3)'), ('ARRAY[host] @> ARRAY[''host1'']'), ('(host, address) = (''a'', ''b'')'), ('host::regclass = 1'), ('host LIKE address'), ('host LIKE ''%'' || 3::text')) c(condition);
SET flowlog_fdw.enable_expressions = off;
SELECT is_pushed('length(host) > 3');
RESET flowlog_fdw.enable_expressions;

-- a setting that is changed between two fetches does not change what a cursor finds
SET TimeZone = 'UTC';
CREATE TABLE utc AS SELECT n, start FROM flow WHERE to_char(start, 'HH24') = '03';
DO $$
DECLARE
	c CURSOR FOR SELECT n FROM remembered.flow WHERE to_char(start, 'HH24') = '03';
	count int := 0;
	n int;
BEGIN
	OPEN c;
	FETCH c INTO n;
	PERFORM set_config('TimeZone', 'Asia/Tokyo', true);
	WHILE FOUND LOOP
		count := count + 1;
		FETCH c INTO n;
	END LOOP;
	RAISE NOTICE '% rows in %', count, current_setting('TimeZone');
END $$;
SELECT count(*), min(n), max(n) FROM utc;
-- nor do those of which functions that are IMMUTABLE make their texts
DO $$
DECLARE
	c CURSOR FOR SELECT n FROM remembered.flow WHERE length((n::float8 / 7)::text) > 12;
	d CURSOR FOR SELECT n FROM remembered.flow WHERE strpos(decode(n::text, 'escape')::text, '\x') = 1;
	e CURSOR FOR SELECT n FROM remembered.flow WHERE quote_ident('n' || n % 1999) NOT LIKE '"%';
	counts int[] := '{0, 0, 0}';
	n int;
BEGIN
	OPEN c;
	FETCH c INTO n;
	OPEN d;
	FETCH d INTO n;
	OPEN e;
	FETCH e INTO n;
	PERFORM set_config('extra_float_digits', '-12', true), set_config('bytea_output', 'escape', true), set_config('quote_all_identifiers', 'on', true);
	FOR i IN 1 .. 3 LOOP
		LOOP
			IF i = 1 THEN FETCH c INTO n; ELSIF i = 2 THEN FETCH d INTO n; ELSE FETCH e INTO n; END IF;
			EXIT WHEN NOT FOUND;
			counts[i] := counts[i] + 1;
		END LOOP;
	END LOOP;
	RAISE NOTICE '% more rows with %', counts, current_setting('extra_float_digits');
END $$;
SELECT count(*) - 1, (SELECT count(*) - 1 FROM flow), (SELECT count(*) - 1 FROM flow) FROM flow WHERE length((n::float8 / 7)::text) > 12;
-- executions of a prepared statement have the settings of their time
PREPARE q AS SELECT min(n), max(n) FROM flow WHERE to_char(start, 'HH24') = '03';
EXECUTE q;
SET TimeZone = 'Asia/Tokyo';
EXECUTE q;
RESET TimeZone;

-- the last years of PostgreSQL's times are out of the reader's range, which is no other value
SELECT count(*), max(to_timestamp(n::bigint)) FROM flow;
SELECT count(*), max(to_timestamp(n + 9224318010000)) FROM flow; -- ERROR, but not unpushed
SELECT max(coalesce(start, '294250-01-01')) FROM flow WHERE n < 3;
SELECT max(coalesce(start, 'infinity')), count(*) FILTER (WHERE start < 'infinity') FROM flow WHERE n < 3;

DROP SCHEMA remembered CASCADE;
