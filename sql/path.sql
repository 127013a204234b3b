--
-- Paths: columns that the location, the file and the line give, and what they prune
--
\getenv abs_builddir PG_ABS_BUILDDIR
\set tree :abs_builddir '/results/path'
\pset format unaligned
CREATE SCHEMA path;
SET search_path = path, public;
SET timezone = 'America/New_York';
CREATE SERVER path FOREIGN DATA WRAPPER flowlog_fdw;

-- the same records as files below a directory, a few in each, and as a table
CREATE TABLE record (n int, start timestamptz, action text, account text, region text, dir text, name text);
INSERT INTO record
	SELECT row_number() OVER (), start, CASE n % 5 WHEN 0 THEN 'REJECT' ELSE 'ACCEPT' END, account, region,
		format('s3/AWSLogs/%s/vpcflowlogs/%s/%s', account, region, to_char(stamp, 'YYYY/MM/DD')),
		format('%s_vpcflowlogs_%s_fl-1_%s_%s.log', account, region, to_char(stamp, 'YYYYMMDD"T"HH24MI"Z"'), '0a1b2c3d')
	FROM unnest(ARRAY['111111111111', '222222222222']) account, unnest(ARRAY['eu-west-1', 'us-east-1']) region,
		unnest(ARRAY['2024-08-01', '2024-09-30', '2024-10-01', '2025-01-09', '2025-10-10']::date[]) day,
		unnest(ARRAY[0, 5, 23]) hour, generate_series(1, 3) n,
		LATERAL (SELECT day + hour * interval '1 hour' AS stamp) s,
		LATERAL (SELECT (stamp + n * interval '1 minute') AT TIME ZONE 'UTC' AS start) t;
CREATE FUNCTION write(path text, query text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (%s) TO PROGRAM %L', query, format('mkdir -p "$(dirname "%s")" && cat > "%1$s"', path));
END $$;
SELECT count(write(format('%s/%s/%s', :'tree', dir, name),
	format('SELECT format(''%%s %%s %%s'', n, extract(epoch FROM start)::bigint, action) FROM path.record WHERE dir = %L AND name = %L ORDER BY n', dir, name)))
	FROM (SELECT DISTINCT dir, name FROM record) f;

CREATE FUNCTION explain(query text, options text DEFAULT 'COSTS OFF') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (' || options || ', SUMMARY OFF) ' || query LOOP
		CONTINUE WHEN line ~ 'Location:|Line Format|Bytes|Disabled|Buffers|Window|Storage|Memory|Planning';
		line := regexp_replace(line, '(Rows.*|rows=)(\d+)\.0+', '\1\2');
		line := regexp_replace(line, 'rows=\S+ loops=([2-9])', 'rows=some loops=\1'); -- 18 gives the mean's fraction
		line := regexp_replace(line, ' \(returns \$\d+\)', '');
		line := regexp_replace(line, '\$\d+|\(InitPlan \d+\)\.col\d', '(parameter)');
		RETURN NEXT regexp_replace(line, '\(\(parameter\) = month\)', '(month = (parameter))');
	END LOOP;
END $$;

-- who judges a condition (by file, by the reader, or PostgreSQL by row), what is left of 60 files, how many directories are
-- pruned, and how many rows differ from those without pushdown, and from the table's (both ways)
CREATE FUNCTION prune(condition text, OUT judge text, OUT files_read bigint, OUT directories_pruned bigint, OUT rows bigint, OUT unpushed bigint, OUT heap bigint,
	"table" text DEFAULT 'flow', columns text DEFAULT 'f.*::text') LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT array_agg(%s) FROM %s f WHERE %s', columns, "table", condition);
	plan json;
	scan jsonb;
	with_pushdown text[];
	without text[];
	in_heap text[];
BEGIN
	SET LOCAL flowlog_fdw.enable_pushdown = on;
	EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT json) ' || query INTO plan;
	scan := jsonb_path_query_first(plan::jsonb, 'strict $.** ? (@."Node Type" == "Foreign Scan")');
	judge := concat_ws(', ', CASE WHEN scan ? 'File Filter' THEN 'file' END, CASE WHEN scan ? 'Pushed Filter' THEN 'reader' END,
		CASE WHEN scan ? 'Filter' THEN 'row' END);
	files_read := scan -> 'Files Read';
	directories_pruned := scan -> 'Directories Pruned';
	IF (scan -> 'Files')::bigint <> (scan -> 'Files Read')::bigint + (scan -> 'Files Pruned')::bigint + (scan -> 'Files Skipped')::bigint + (scan -> 'Files Not Reached')::bigint
		OR (scan -> 'Files Pruned')::bigint <> (scan -> 'Files Pruned by Path')::bigint + (scan -> 'Files Pruned by Name Time')::bigint
		OR (scan -> 'Lines')::bigint <> (scan -> 'Lines Emitted')::bigint + (scan -> 'Lines Filtered')::bigint + (scan -> 'Lines Rejected')::bigint + (scan -> 'Headers')::bigint + (scan -> 'Blank Lines')::bigint THEN
		RAISE 'the counts do not add up: %', scan;
	END IF;
	EXECUTE query INTO with_pushdown;
	SET LOCAL flowlog_fdw.enable_pushdown = off;
	EXECUTE query INTO without;
	rows := coalesce(cardinality(with_pushdown), 0);
	SELECT count(*) INTO unpushed FROM (
		(SELECT unnest(with_pushdown) EXCEPT ALL SELECT unnest(without)) UNION ALL
		(SELECT unnest(without) EXCEPT ALL SELECT unnest(with_pushdown))) d;
	IF "table" = 'flow' THEN
		EXECUTE replace(query, 'FROM flow', 'FROM heap') INTO in_heap;
		SELECT count(*) INTO heap FROM (
			(SELECT unnest(with_pushdown) EXCEPT ALL SELECT unnest(in_heap)) UNION ALL
			(SELECT unnest(in_heap) EXCEPT ALL SELECT unnest(with_pushdown))) d;
	END IF;
END $$;

--
-- The default layout of S3: names as they are, and numbers
--
\set location :tree '/s3/AWSLogs/${account}/vpcflowlogs/${region}/${year}/${month}/${day}/'
CREATE FOREIGN TABLE flow (n int, start timestamptz, action text, account text, region varchar(20), year int, month smallint, day text, "$path" text, "$line" int)
	SERVER path OPTIONS (location :'location', regex '(\d+) (\d+) (\S+)');
CREATE VIEW heap AS
	SELECT n, start, action, account, region::varchar(20), split_part(dir, '/', 6)::int AS year, split_part(dir, '/', 7)::smallint AS month,
		split_part(dir, '/', 8) AS day, format('%s/results/path/%s/%s', :'abs_builddir', dir, name) AS "$path",
		(row_number() OVER (PARTITION BY dir, name ORDER BY n))::int AS "$line" FROM record;
SELECT count(*), count(DISTINCT "$path") FROM flow;
SELECT n, account, region, year, month, day, replace("$path", :'tree', '') AS path, "$line" FROM flow WHERE n <= 4 ORDER BY n;

CREATE TABLE conditions (id int GENERATED ALWAYS AS IDENTITY, condition text);
INSERT INTO conditions (condition) VALUES
('true'), ('account = ''111111111111'''), ('account <> ''111111111111'''), ('account IN (''222222222222'', ''3'')'), ('account IS NULL'), ('account IS NOT NULL'),
('month < 9'), ('month = 8'), ('month IN (8, 10)'), ('day = ''01'''), ('day = ''1'''), ('day::int < 9'), ('year = 2024 AND month = 10'), ('year BETWEEN 2025 AND 2026'),
('year::text || lpad(month::text, 2, ''0'') >= ''202410'''), ('region LIKE ''us%'''), ('region ~ ''^eu'' AND month = 9'), ('"$path" LIKE ''%T05%'''),
('"$path" LIKE ''%T05%'' AND year = 2024'), ('make_date(year, month, day::int) = ''2024-09-30'''), ('make_date(year, month, day::int) + 1 = ''2024-10-01'' AND account LIKE ''1%'''),
('year = 2024 OR month = 1'), ('NOT (year = 2024 OR month = 1)'), ('year = NULL'), ('false'), ('month = 13'),
('year = 2024 AND n % 2 = 0'), ('year = 2024 OR n < 10'), ('year = 2024 OR n % 100 = 7'), ('month = 10 AND action = ''REJECT'''), ('month = n'), ('"$line" = 2'), ('"$line" = 2 AND month = 10'),
('"$line" = 1 OR region = ''eu-west-1'''), ('n = 17'), ('year = (SELECT 2025)'), ('(account, month) IN ((''111111111111'', 8), (''222222222222'', 9))'),
('row(year, month) >= row(2024, 10)'), ('CASE WHEN month = 8 THEN region = ''eu-west-1'' ELSE false END'), ('random() < 2 AND month = 8'), ('month + random() < 9'),
('coalesce(region, '''') = ''us-east-1'''), ('f IS NOT NULL AND month = 8'), ('EXISTS (SELECT 1 FROM conditions WHERE id = month)');
SELECT condition, p.* FROM conditions, prune(condition) p ORDER BY id;

SELECT explain('SELECT * FROM flow WHERE month = 8 AND year = 2024');
SELECT explain('SELECT * FROM flow WHERE month = 8 AND n > 5 AND "$path" LIKE ''%T05%'' AND n % 2 = 0', 'COSTS OFF, ANALYZE, TIMING OFF');
SELECT explain('SELECT * FROM flow WHERE account = (SELECT ''222222222222'')');
SELECT explain('SELECT * FROM flow WHERE account = (SELECT ''222222222222'')', 'COSTS OFF, ANALYZE, TIMING OFF');
SET flowlog_fdw.enable_pushdown = off;
SELECT explain('SELECT * FROM flow WHERE month = 8 AND year = 2024');
RESET flowlog_fdw.enable_pushdown;

-- groups by path columns; none by lines
SELECT explain('SELECT account, month, count(*), max(start) FROM flow WHERE region LIKE ''us%'' GROUP BY account, month');
SELECT account, month, count(*), max(n) FROM flow WHERE region LIKE 'us%' GROUP BY account, month ORDER BY 1, 2;
SELECT count(*) FROM ((SELECT "$path", account, year, count(*), sum(n) FROM flow GROUP BY 1, 2, 3 EXCEPT SELECT "$path", account, year, count(*), sum(n) FROM heap GROUP BY 1, 2, 3)) d;
SELECT explain('SELECT "$line", count(*) FROM flow GROUP BY 1');
SELECT "$line", count(*) FROM flow GROUP BY 1 ORDER BY 1;
SELECT max("$line"), min(month), max(year), sum(month) FROM flow WHERE account LIKE '1%';
SELECT count(*) FROM (VALUES (1)) v LEFT JOIN (SELECT coalesce(region, 'x') AS place FROM flow) s ON true WHERE s.place = 'us-east-1'; -- of what an outer join could leave out

-- parameters: of a statement, also when its plan is for any value; of nested loops; of subqueries that run again
PREPARE by_month(int) AS SELECT count(*), min(n), max(n) FROM flow WHERE month = $1 AND year = 2024;
EXECUTE by_month(8);
SET plan_cache_mode = force_generic_plan;
EXECUTE by_month(9);
EXECUTE by_month(NULL);
SELECT explain('EXECUTE by_month(9)');
SELECT explain('EXECUTE by_month(9)', 'COSTS OFF, ANALYZE, TIMING OFF');
RESET plan_cache_mode;
SELECT m, (SELECT count(*) FROM flow WHERE month = m), (SELECT count(*) FROM heap WHERE month = m) FROM generate_series(7, 11) m;
SELECT explain('SELECT m, (SELECT count(*) FROM flow WHERE month = m) FROM generate_series(7, 11) m', 'COSTS OFF, ANALYZE, TIMING OFF');
SELECT m, l.* FROM generate_series(7, 11) m, LATERAL (SELECT region, count(*) FROM flow WHERE month = m GROUP BY region) l ORDER BY 1, 2;
SELECT explain('SELECT * FROM flow, (SELECT max(id) AS m FROM conditions WHERE id < 9) c WHERE month = m', 'COSTS OFF, ANALYZE, TIMING OFF');
SELECT count(*) FROM flow, (SELECT max(id) AS m FROM conditions WHERE id < 9) c WHERE month = m;
CREATE FUNCTION by_month(wanted int) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM flow WHERE month = wanted); END $$;
SELECT m, by_month(m) FROM generate_series(7, 11) m;

-- functions that are not the same from row to row do not prune; those of a user are called once for each file
CREATE SEQUENCE calls;
CREATE FUNCTION noted(text) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('path.calls'); RETURN $1 LIKE '%T05%'; END $$;
SELECT count(*) FROM flow WHERE noted("$path");
CREATE FUNCTION count_calls() RETURNS bigint LANGUAGE sql AS 'SELECT last_value FROM path.calls';
SELECT count_calls();
SELECT count(*) FROM flow WHERE 1 / (month - 8) = 1; -- ERROR

-- a view, or row security, that hides rows: what may tell of them comes after what hides them
CREATE FUNCTION tell(text) RETURNS boolean STABLE COST 0.0001 LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'told of %', right($1, 40); RETURN true; END $$;
CREATE VIEW one_folder WITH (security_barrier) AS SELECT * FROM flow WHERE account = '111111111111' AND year = 2024 AND month = 8 AND region = 'eu-west-1';
SELECT count(*) FROM one_folder WHERE tell("$path") AND n < 10;
SELECT explain('SELECT * FROM one_folder WHERE tell("$path") AND day = ''01''');
CREATE TABLE guarded (n int, start timestamptz, action text, account text, region varchar(20), year int, month smallint, day text, "$path" text, "$line" int);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
ALTER FOREIGN TABLE flow INHERIT guarded;
CREATE ROLE flowlog_path_reader;
GRANT USAGE ON SCHEMA path TO flowlog_path_reader;
GRANT SELECT ON guarded TO flowlog_path_reader;
CREATE POLICY by_file ON guarded USING (region = 'eu-west-1' AND month = 8 AND "$path" LIKE '%T05%');
SET ROLE flowlog_path_reader;
SELECT count(*) FROM guarded WHERE tell(account) AND tell("$path");
SELECT explain('SELECT count(*) FROM guarded WHERE tell(account) AND tell("$path") AND year = 2024');
SELECT count(*) FROM guarded WHERE tell(account) AND year = 2024;
RESET ROLE;
CREATE POLICY by_row ON guarded AS RESTRICTIVE USING (n % 7 = 0);
SET ROLE flowlog_path_reader;
SELECT count(*) FROM guarded WHERE tell(account) AND year = 2024;
SELECT explain('SELECT count(*) FROM guarded WHERE tell(account) AND year = 2024');
RESET ROLE;
DROP POLICY by_row ON guarded;
DROP POLICY by_file ON guarded;
CREATE POLICY by_record ON guarded USING (action = 'REJECT' OR n = 4);
SET ROLE flowlog_path_reader;
SELECT count(*) FROM guarded WHERE tell("$path");
SELECT explain('SELECT count(*) FROM guarded WHERE tell("$path") AND account = ''222222222222''');
RESET ROLE;
ALTER FOREIGN TABLE flow NO INHERIT guarded;
DROP TABLE guarded;
REVOKE ALL ON SCHEMA path FROM flowlog_path_reader;
DROP ROLE flowlog_path_reader;

--
-- A date that spans folders
--
\set location :tree '/s3/AWSLogs/${account}/vpcflowlogs/${region}/${day:yyyy/MM/dd}/'
CREATE FOREIGN TABLE dated (n int, start timestamptz, action text, account text, region text, day date, moment timestamptz OPTIONS (field 'day'),
	local timestamp OPTIONS (field 'day'), written text OPTIONS (field 'day'))
	SERVER path OPTIONS (location :'location', regex '(\d+) (\d+) (\S+)');
SELECT DISTINCT day, moment, local, written FROM dated ORDER BY day;
TRUNCATE conditions;
INSERT INTO conditions (condition) VALUES
('day = ''2024-09-30'''), ('day > ''2024-09-30'''), ('day >= ''2024-09-30'' AND day < ''2024-10-02'''), ('day BETWEEN ''2025-01-01'' AND ''2025-12-31'''), ('day IN (''2024-08-01'', ''2025-10-10'')'),
('day = ''2024-08-01'' OR day = ''2024-10-01'''), ('NOT day < ''2025-01-01'''), ('day <> ''2025-01-09'''), ('day = ''1999-01-01'''), ('day IS NULL'),
('day < timestamp ''2024-08-01 12:00'''), ('moment = ''2024-08-01 00:00+00'''), ('moment >= ''2024-09-29 20:00'' AND moment < ''2024-10-01 00:00+00'''), ('local > ''2025-01-01'''),
('written = ''2024/08/01'''), ('written LIKE ''2025%'''), ('date_trunc(''month'', day) = ''2024-10-01'''), ('extract(year FROM day) = 2025'), ('day = ''2024-08-01'' OR n = 30'),
('day - 1 = ''2024-09-29'' AND account = ''222222222222'''), ('day > (SELECT date ''2025-01-01'')'), ('day > ANY (ARRAY[date ''2025-01-01'', NULL])'), ('day::text || region LIKE ''2024-1%us%''');
SELECT condition, p.* FROM conditions, prune(condition, "table" => 'dated') p ORDER BY id;
SELECT explain('SELECT count(*) FROM dated WHERE day = ''2025-10-10'' AND account = ''111111111111''', 'COSTS OFF, ANALYZE, TIMING OFF');
-- a text has the date as the path has it; a directory is pruned if the condition holds for none of its days
TRUNCATE conditions;
INSERT INTO conditions (condition) VALUES
('written >= ''2024/10/01'''), ('written >= ''2024/10/01'' COLLATE "C" AND written < ''2025/02'' COLLATE "C"'), ('written BETWEEN ''2024/09/15'' AND ''2024/10/01'''),
('written IN (''2024/09/30'', ''2025/10/10'')'), ('written <> ''2024/08/01'' AND written NOT IN (''2025/01/09'', ''2025/10/10'')'), ('written LIKE ''2024/10/%'''),
('written NOT LIKE ''2024%'''), ('split_part(written, ''/'', 1) = ''2025'''), ('split_part(written, ''/'', 2) = ''10'' AND region = ''us-east-1'''),
('substr(written, 1, 7) = ''2024/08'''), ('substr(written, 6) = ''10/10'''), ('left(written, 4)::int = 2025'), ('concat(split_part(written, ''/'', 1), split_part(written, ''/'', 2)) = ''202410'''),
('written >= date_format(date_add(''day'', -7, DATE ''2025-01-12''), ''%Y/%m/%d'')'), ('date_parse(written, ''%Y/%m/%d'') < TIMESTAMP ''2024-09-01'''), ('written::date > ''2025-01-01'''),
('written || region = ''2024/08/01us-east-1'''), ('written = ''2024-08-01'''), ('written IS NULL'), ('written IS NOT NULL AND written > ''2025/05'''),
('written = ''2024/08/01'' OR account = ''222222222222'''), ('written = (SELECT ''2025/10/10''::text)'), ('written = ANY (ARRAY[''2024/08/01'', NULL])'), ('written ~ ''^2025/1'''),
('replace(written, ''/'', ''-'') LIKE ''2025-%'''), ('replace(written, ''/'', '', '') LIKE ''2025, %''');
SELECT condition, p.* FROM conditions, prune(condition, "table" => 'dated') p ORDER BY id;
-- an error for a day of which there is no file is none
SELECT condition, p.* FROM unnest(ARRAY['1 / (split_part(written, ''/'', 3)::int - 5) > -3', '1000 / (length(written) - 10 + substr(written, 9)::int - 20) < 0',
	'written LIKE ''2025'' || left(written, 0) || ''%''']) WITH ORDINALITY c (condition, n), prune(condition, "table" => 'dated') p ORDER BY n;
-- nor does it leave half a state to the function that raised it
SELECT count(*) FROM dated WHERE day > jsonb_populate_record(day, '"a"'); -- ERROR
-- a condition that runs a plan is not tried for days of which there may be no file, as the plan stays open
CREATE TABLE wanted AS SELECT timestamp '2025-01-09' + n AS day FROM (VALUES (interval '0'), ('1 year'), ('2 years')) v (n);
SELECT condition, p.* FROM unnest(ARRAY['day::timestamp = ANY (ARRAY(SELECT w.day FROM path.wanted w))', 'day::timestamp > (SELECT min(w.day) FROM path.wanted w)',
	'account = ''111111111111'' OR day::timestamp IN (SELECT w.day FROM path.wanted w OFFSET 0)', 'account = ''111111111111'' OR EXISTS (SELECT FROM path.wanted w WHERE w.day = f.day::timestamp OFFSET 0)']) WITH ORDINALITY c (condition, n),
	prune(condition, "table" => 'dated') p ORDER BY n;
SELECT explain('SELECT * FROM dated WHERE written LIKE ''2024/08/\''');
SELECT explain('SELECT count(*) FROM dated WHERE written LIKE ''2024/0%''');
PREPARE by_prefix(text) AS SELECT count(*) FROM dated WHERE written LIKE $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE by_prefix('2024/10%');
EXECUTE by_prefix('2025%');
RESET plan_cache_mode;
DEALLOCATE by_prefix;
SELECT p, (SELECT count(*) FROM dated WHERE written LIKE p || '%') FROM unnest(ARRAY['2024', '2024/09', '2025/01/09', '']) p;
-- in another form; a number has it, too
\set location :tree '/s3/AWSLogs/${account}/vpcflowlogs/${region}/${day:yyyy/MM/dd|yyyyMMdd}/'
CREATE FOREIGN TABLE formed (n int, start timestamptz, action text, account text, region text, day varchar(8), number int OPTIONS (field 'day'), date date OPTIONS (field 'day'))
	SERVER path OPTIONS (location :'location', regex '(\d+) (\d+) (\S+)');
SELECT DISTINCT day, number, date FROM formed ORDER BY day;
SELECT condition, p.* FROM unnest(ARRAY['day = ''20241001''', 'day LIKE ''202410%''', 'day >= ''20250101''', 'number > 20240930', 'number / 10000 = 2025', 'date = ''2024-10-01''',
	'day = ''20241001'' AND number = 20241001 AND date > ''2024-09-30''', 'day = number::text AND number % 100 = 9']) WITH ORDINALITY c (condition, n), prune(condition, "table" => 'formed') p ORDER BY n;
ALTER FOREIGN TABLE formed ALTER day TYPE varchar(7);
ALTER FOREIGN TABLE formed OPTIONS (ADD on_error 'ignore');
SELECT count(*) FROM formed WHERE day = '2024100';
SELECT d, (SELECT count(*) FROM dated WHERE day = d) FROM generate_series(date '2024-09-29', '2024-10-02', '1 day') d;

--
-- Values as Hive writes them after "name=": percent signs, and a name for NULL
--
SELECT count(write(format('%s/encoded/dt=%s/zone=%s/a.log', :'tree', d, z), format('SELECT %L', d)))
	FROM unnest(ARRAY['2023-01-05 10%3A00%3A00', '2023-01-05 11%3a00%3a00', '__HIVE_DEFAULT_PARTITION__', '100%', 'a%2Fb%C3%A4', 'c%00', 'd%FF%41']) d,
		unnest(ARRAY['eu%2Dwest', '__HIVE_DEFAULT_PARTITION__']) z;
\set location :tree '/encoded/dt=${dt}/zone=${zone}/'
CREATE FOREIGN TABLE encoded (word text, dt text, zone varchar(10), "$path" text) SERVER path OPTIONS (location :'location', regex '(.*)');
SELECT word, dt, zone, replace("$path", :'tree', '') AS path FROM encoded ORDER BY "$path" COLLATE "C";
SELECT condition, p.* FROM unnest(ARRAY['dt = ''2023-01-05 10:00:00''', 'dt = ''2023-01-05 10%3A00%3A00''', 'dt IS NULL', 'dt IS NOT NULL', 'dt <> ''100%''',
	'dt IN (''a/bä'', ''c%00'', ''d%FF%41'')', 'dt >= ''2023-01-05 10:30'' AND dt < ''2023-01-06''', 'dt LIKE ''2023-%:00''', 'dt IS NULL AND zone = ''eu-west''',
	'zone IS NULL OR dt = ''100%''', 'dt IS DISTINCT FROM ''100%''', 'length(dt) = 4', 'dt = word', 'dt || zone LIKE ''a/b%'' OR dt IS NULL'])
	WITH ORDINALITY c (condition, n), prune(condition, "table" => 'encoded') p ORDER BY n;
SELECT dt, zone, count(*) FROM encoded GROUP BY 1, 2 ORDER BY dt COLLATE "C", zone COLLATE "C";
ALTER FOREIGN TABLE encoded ALTER dt SET NOT NULL, OPTIONS (ADD on_error 'ignore');
SELECT count(dt) FROM encoded;
-- an "=" that is escaped takes values as they stand
\set location :tree '/encoded/dt\\=${dt}/zone\\=${zone}/'
CREATE FOREIGN TABLE bare (word text, dt text, zone text) SERVER path OPTIONS (location :'location', regex '(.*)');
SELECT zone, count(*), bool_and(word = dt) FROM bare GROUP BY zone ORDER BY zone COLLATE "C";
-- times, whole and by the parts of a date
SELECT count(write(format('%s/days/t=%s/day=%s/a.log', :'tree', t, d), format('SELECT %L', d)))
	FROM (VALUES ('2024-02-28 23%3A00%3A00', '2024-02-28'), ('2024-02-29 00%3A30%3A00', '2024-02-29'), ('__HIVE_DEFAULT_PARTITION__', '2024-03-01'),
		('2024-02-29 12%3A00%3A00', '__HIVE_DEFAULT_PARTITION__'), ('2024-02-29 13%3A00%3A00', '2024-02-30')) AS v (t, d);
\set location :tree '/days/t=${t}/day=${day:yyyy-MM-dd}/'
CREATE FOREIGN TABLE days (word text, t timestamp, day date) SERVER path OPTIONS (location :'location', regex '(.*)');
SELECT * FROM days ORDER BY t, day;
SELECT condition, p.* FROM unnest(ARRAY['day = ''2024-02-29''', 'day > ''2024-02-28''', 'day IS NULL', 'day IS NOT NULL', 't IS NULL', 't >= ''2024-02-29 00:00''',
	't::date = day', 'day IS DISTINCT FROM ''2024-02-29'' AND t > ''2024-02-01'''])
	WITH ORDINALITY c (condition, n), prune(condition, "table" => 'days') p ORDER BY n;

--
-- Hive's layout, hours, names within a name, and a field of the record with a variable's name
--
SELECT count(write(format('%s/hive/year=%s/month=%s/day=%s/hour=%s/%s.log', :'tree', y, m, d, h, f), format('SELECT ''us-east-1 %s'' FROM generate_series(1, 2)', h)))
	FROM unnest(ARRAY[2024, 2025]) y, unnest(ARRAY['08', '10']) m, unnest(ARRAY['01', '31']) d, unnest(ARRAY['00', '09', '23']) h, unnest(ARRAY['a-x', 'b-y']) f;
\set location :tree '/hive/year=${year}/month=${month}/*/hour=${hour}/${file}-*.log'
CREATE FOREIGN TABLE hive (region text, h int, year int, month int, hour int, file text, kind text) SERVER path
	OPTIONS (location :'location', regex '(\S+) (\d+) ?(.*)');
SELECT month, hour, file, count(*), bool_and(h = hour) FROM hive WHERE month < 9 AND hour IN (9, 23) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT * FROM prune('month < 9 AND hour IN (9, 23)', "table" => 'hive');
SELECT * FROM prune('file = ''a'' AND hour = 0', "table" => 'hive');
\set location :tree '/hive/${t:year=yyyy/month=MM/day=dd/hour=HH}/'
CREATE FOREIGN TABLE hourly (region text, h int, t timestamptz, "day" date OPTIONS (field 't'), written text OPTIONS (field 't')) SERVER path OPTIONS (location :'location', regex '(\S+) (\d+)');
SELECT t, count(*) FROM hourly WHERE t >= '2024-08-31 09:00+00' AND t < '2024-10-01 01:00+00' GROUP BY t ORDER BY t;
SELECT * FROM prune('t >= ''2024-08-31 09:00+00'' AND t < ''2024-10-01 01:00+00''', "table" => 'hourly');
SELECT * FROM prune('day = ''2025-10-31''', "table" => 'hourly');
SELECT * FROM prune('written LIKE ''%/day=31/hour=09''', "table" => 'hourly');
SELECT * FROM prune('written >= ''year=2025/month=10/day=31/hour=09''', "table" => 'hourly');
\set location :tree '/hive/year=${region}/'
CREATE FOREIGN TABLE clash (region text, h int, r text OPTIONS (field '1')) SERVER path OPTIONS (location :'location', regex '(\S+) (\d+)');
CREATE FOREIGN TABLE no_clash (region text, y text OPTIONS (field 'region'), h int) SERVER path OPTIONS (location :'location', regex '(\d+)'); -- both are the path's
SELECT region, h, r, count(*) FROM clash WHERE h = 9 GROUP BY 1, 2, 3 ORDER BY 1; -- ERROR
ALTER FOREIGN TABLE clash ALTER h OPTIONS (ADD field '2');
SELECT region, h, r, count(*) FROM clash WHERE h = 9 GROUP BY 1, 2, 3 ORDER BY 1;
SELECT * FROM no_clash; -- ERROR
ALTER FOREIGN TABLE no_clash OPTIONS (SET regex '\S+ (\d+)');
SELECT region, y, h, count(*) FROM no_clash GROUP BY 1, 2, 3 ORDER BY 1, 3;

-- what a column is, and is not
CREATE FOREIGN TABLE provenance (word text, p text OPTIONS (field '$path'), l bigint OPTIONS (field '$line'), s numeric(10, 2) OPTIONS (field '$size'), m timestamp OPTIONS (field '$modified'),
	"$size" bigint, "$modified" timestamptz, "$line" text, "$path" varchar) SERVER path OPTIONS (location :'location', regex '(.*)');
SELECT count(*), bool_and(p = "$path"), bool_and(l::text = "$line"), min(s), max("$size"), bool_and(m = "$modified" AT TIME ZONE 'UTC'), bool_and("$modified" BETWEEN now() - interval '1 day' AND now()) FROM provenance;
SELECT * FROM prune('"$size" > 26 AND "$modified" > ''2020-01-01''', "table" => 'provenance');
SELECT * FROM prune('"$size" > 23 AND s < 24.5 AND "$path" LIKE ''%a-x.log''', "table" => 'provenance');
ALTER FOREIGN TABLE provenance ALTER l OPTIONS (SET field '$lines'); -- ERROR
CREATE FOREIGN TABLE bad_line (word text, "$line" smallint) SERVER path OPTIONS (location :'location', regex '(.*)');
SELECT * FROM bad_line; -- ERROR
CREATE FOREIGN TABLE bad (word text) SERVER path OPTIONS (location '/x/${a', regex '(.*)'); -- ERROR
CREATE FOREIGN TABLE bad (word text) SERVER path OPTIONS (location '/x/${a:yyyy/M}', regex '(.*)'); -- ERROR
CREATE FOREIGN TABLE bad (word text) SERVER path OPTIONS (location '/x/${a}/${a}', regex '(.*)'); -- ERROR

--
-- Values that do not convert
--
SELECT write(:'tree' || '/odd/2024/a.log', 'SELECT ''one'' UNION ALL SELECT ''two''');
SELECT write(:'tree' || '/odd/latest/b.log', 'SELECT ''three''');
SELECT write(:'tree' || '/odd/-/c.log', 'SELECT ''four''');
\set location :tree '/odd/${year}/'
CREATE FOREIGN TABLE odd (word text, year int) SERVER path OPTIONS (location :'location', regex '(.*)');
SELECT word FROM odd ORDER BY word COLLATE "C";
SELECT word, year FROM odd; -- ERROR
SELECT word FROM odd WHERE year = 2024; -- ERROR
SELECT count(*) FROM odd WHERE year IS NULL; -- ERROR
EXPLAIN (COSTS OFF) SELECT word FROM odd WHERE year = 2024; -- ERROR
ALTER FOREIGN TABLE odd OPTIONS (ADD on_error 'ignore');
SELECT word, year FROM odd ORDER BY word COLLATE "C";
SELECT word FROM odd ORDER BY word COLLATE "C";
SELECT word FROM odd WHERE year = 2024 ORDER BY word COLLATE "C";
SELECT count(*), count(year) FROM odd;
SELECT replace(path, :'tree', '') AS path, line, reason, raw FROM flowlog_rejects('odd');
ALTER FOREIGN TABLE odd OPTIONS (SET on_error 'set_null');
SELECT word, year FROM odd ORDER BY word COLLATE "C";
SELECT word FROM odd WHERE year IS NULL ORDER BY word COLLATE "C";
SELECT year, count(*) FROM odd GROUP BY year ORDER BY year;
SELECT * FROM prune('year IS NULL', "table" => 'odd');
ALTER FOREIGN TABLE odd ALTER year SET NOT NULL;
SELECT word, year FROM odd WHERE word = 'four'; -- ERROR
SELECT word FROM odd WHERE year = 2024; -- ERROR
ALTER FOREIGN TABLE odd ALTER year DROP NOT NULL;

-- a row of nulls keeps what the file gives it
ALTER FOREIGN TABLE odd OPTIONS (SET regex '(t.*)', ADD log_verbosity 'silent');
ALTER FOREIGN TABLE odd ADD "$line" int, ADD "$size" int, ALTER year OPTIONS (ADD null_off 'true');
SELECT word, year, "$line", "$size" FROM odd ORDER BY "$size", "$line";
SELECT count(*) FROM odd WHERE word IS NULL AND year = 2024;

--
-- The time in a file's name
--
ALTER FOREIGN TABLE flow OPTIONS (ADD name_time_slack '-1 minute'); -- ERROR
ALTER FOREIGN TABLE flow OPTIONS (ADD name_time_slack '1 month'); -- ERROR
ALTER FOREIGN TABLE flow OPTIONS (ADD name_time_slack 'soon'); -- ERROR
SELECT * FROM prune('start = ''2024-08-01 05:02+00''');
ALTER FOREIGN TABLE flow OPTIONS (ADD name_time_slack '15 minutes');
TRUNCATE conditions;
INSERT INTO conditions (condition) VALUES
('start = ''2024-08-01 05:02+00'''), ('start < ''2024-08-01 01:00'''), ('start >= ''2025-10-10 05:02+00'' AND month = 10'), ('start BETWEEN ''2024-08-01 04:00+00'' AND ''2024-08-01 04:44+00'''),
('start BETWEEN ''2024-08-01 04:00+00'' AND ''2024-08-01 04:45+00'''), ('start BETWEEN ''2024-08-01 05:20+00'' AND ''2024-08-01 06:00+00'''), ('start BETWEEN ''2024-08-01 05:20:01+00'' AND ''2024-08-01 06:00+00'''),
('start IN (''2024-08-01 05:02+00'', ''2025-10-10 23:02+00'')'), ('start = ''2024-08-01 05:02+00'' OR start > ''2025-10-10 12:00+00'''), ('NOT start < ''2025-10-10 12:00+00'''),
('start = ''2024-08-01 05:02+00'' OR n = 1'), ('start::date = ''2024-08-01'''), ('start > (SELECT timestamptz ''2025-10-10 12:00+00'')'), ('start IS NULL'), ('start = NULL'), ('start < date ''2024-08-01''');
SELECT condition, p.* FROM conditions, prune(condition) p ORDER BY id;
SELECT explain('SELECT * FROM flow WHERE start = ''2024-08-01 05:02+00'' AND account = ''111111111111''', 'COSTS OFF, ANALYZE, TIMING OFF');
SELECT explain('SELECT count(*) FROM flow WHERE start > (SELECT timestamptz ''2025-10-10 12:00+00'')');
\set location :tree '/s3/'
CREATE FOREIGN TABLE seconds (n int, "end" bigint, action text) SERVER path OPTIONS (location :'location', regex '(\d+) (\d+) (\S+)', name_time_slack '0');
SELECT * FROM prune('"end" BETWEEN 1722488400 AND 1722488700', "table" => 'seconds');
SELECT * FROM prune('to_timestamp("end") >= ''2025-10-10 23:00+00''', "table" => 'seconds');
SELECT * FROM prune('from_unixtime("end") = ''2025-10-10 23:02+00''', "table" => 'seconds');
SELECT * FROM prune('"end" > 1e9', "table" => 'seconds');
SELECT write(:'tree' || '/s3/other.log', 'SELECT ''0 1722488400 ACCEPT''');
SELECT * FROM prune('"end" BETWEEN 1722488400 AND 1722488700', "table" => 'seconds');

--
-- With workers
--
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT explain('SELECT account, count(*) FROM dated WHERE day > ''2024-09-01'' GROUP BY account');
SELECT account, count(*), min(day), max(day), sum(n) FROM dated WHERE day > '2024-09-01' GROUP BY account ORDER BY account;
SELECT region, month, "$line", count(*) FROM flow WHERE month > 8 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT count(*) FROM ((SELECT * FROM flow EXCEPT ALL SELECT * FROM heap) UNION ALL (SELECT * FROM heap EXCEPT ALL SELECT * FROM flow)) d;
SELECT count(*) FROM dated WHERE day = (SELECT date '2024-09-30');
SELECT d, (SELECT count(*) FROM dated WHERE day = (SELECT max(x) FROM unnest(ARRAY[d, d - 1]) x)) FROM unnest(ARRAY[date '2024-09-30', '2024-10-01', '2024-10-02', '2025-01-09']) d;
SELECT word, year FROM odd WHERE year = 2024;

SET client_min_messages = warning;
DROP SCHEMA path CASCADE;
DROP SERVER path CASCADE;
