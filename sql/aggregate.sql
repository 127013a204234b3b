--
-- Aggregates: which ones the reader computes, and that they come to what PostgreSQL makes of them
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set values :abs_srcdir '/test/data/values.log'
\set values_bad :abs_srcdir '/test/data/values_bad.log'
\set record '([^;]*)(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))(?:;([^;]*))'
\pset format unaligned
CREATE SCHEMA aggregate;
SET search_path = aggregate, public;
SET timezone = 'America/New_York';

CREATE SERVER aggregate FOREIGN DATA WRAPPER flowlog_fdw;
CREATE DOMAIN port AS int CHECK (VALUE BETWEEN -100000 AND 65535);
CREATE FOREIGN TABLE t (
	small smallint, medium int, large bigint, word text, name varchar(8), code char(4), flag boolean,
	address inet, network cidr, moment timestamptz, local timestamp, day date, seconds bigint,
	port port OPTIONS (field '1'), decimal numeric OPTIONS (field '2'), real real OPTIONS (field '2')
) SERVER aggregate OPTIONS (location :'values', regex :'record', on_error 'set_null', log_verbosity 'silent');
CREATE TABLE heap AS SELECT * FROM t;
-- as if there were much to read, so that what can be pushed is worth it (but machine code is not)
SET jit = off;
SET work_mem = '16MB'; -- for as many groups as are estimated
SET max_parallel_workers_per_gather = 0;
UPDATE pg_class SET relpages = 1, reltuples = 1e10 WHERE oid = 't'::regclass;

-- Is a query's aggregation pushed, and which of its rows differ from PostgreSQL's, over the same table and over an
-- ordinary one?
CREATE FUNCTION compare(query text, OUT pushed boolean, OUT rows bigint, OUT differences bigint)
LANGUAGE plpgsql AS $$
DECLARE
	asked text := format('SELECT array_agg(q::text ORDER BY q::text) FROM (%s) q', query);
	line text;
	ours text[];
	theirs text[];
	heap text[];
BEGIN
	pushed := false;
	SET LOCAL flowlog_fdw.enable_aggregate_pushdown = on;
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || format(asked, 't') LOOP
		pushed := pushed OR line ~ 'Pushed (Aggregates|Group Key)';
	END LOOP;
	EXECUTE format(asked, 't') INTO ours;
	SET LOCAL flowlog_fdw.enable_aggregate_pushdown = off;
	EXECUTE format(asked, 't') INTO theirs;
	EXECUTE format(asked, 'heap') INTO heap;
	rows := cardinality(theirs);
	SELECT count(*) INTO differences FROM (
		(SELECT unnest(ours) EXCEPT ALL SELECT unnest(theirs)) UNION ALL (SELECT unnest(theirs) EXCEPT ALL SELECT unnest(ours)) UNION ALL
		(SELECT unnest(ours) EXCEPT ALL SELECT unnest(heap)) UNION ALL (SELECT unnest(heap) EXCEPT ALL SELECT unnest(ours))) d;
END $$;
CREATE FUNCTION explain(query text, options text DEFAULT 'COSTS OFF') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (' || options || ') ' || query LOOP
		line := regexp_replace(regexp_replace(line, ' \(returns \$\d+\)', ''), '\$\d+|\(InitPlan \d+\)\.col\d', '(parameter)');
		line := regexp_replace(regexp_replace(line, 'rows=(\d+)\.0+', 'rows=\1'), 'Log Location: .*/', 'Log Location: ');
		CONTINUE WHEN line ~ 'Disabled|Buffers|Window|Storage|Memory|Batches|Planning|Execution|Sort Method';
		RETURN NEXT line;
	END LOOP;
END $$;
CREATE FUNCTION first_word(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT split_part($1, ' ', 1) $$;

CREATE TABLE queries (id int GENERATED ALWAYS AS IDENTITY, kind text, query text);
INSERT INTO queries (kind, query) VALUES
('count', 'SELECT count(*) FROM %s'), ('count', 'SELECT count(1), count(''x'') FROM %s'), ('count', 'SELECT count(small), count(word), count(code), count(real), count(decimal), count(flag), count(network) FROM %s'),
('sum', 'SELECT sum(small), sum(medium), sum(large), avg(small), avg(medium), avg(large) FROM %s'),
('sum', 'SELECT pg_typeof(sum(small)), pg_typeof(sum(medium)), pg_typeof(sum(large)), pg_typeof(avg(small)), pg_typeof(avg(large)), pg_typeof(count(*)) FROM %s'),
('sum', 'SELECT sum(large) FROM %s WHERE large > 9007199254740000'), ('sum', 'SELECT sum(large), avg(large) FROM %s WHERE large < -1'),
('sum', 'SELECT sum(large), avg(large), sum(large), sum(small) + 1, sum(large) / count(*) FROM %s'),
('extreme', 'SELECT min(small), min(medium), min(large), min(moment), min(local), min(day), min(address) FROM %s'),
('extreme', 'SELECT max(small), max(medium), max(large), max(moment), max(local), max(day), max(address) FROM %s'),
('extreme', 'SELECT max(moment) - min(moment) FROM %s'),
('nothing', 'SELECT count(*), count(small), sum(small), sum(large), avg(medium), avg(large), min(day), max(address) FROM %s WHERE medium = 7'),
('nothing', 'SELECT word, count(*), sum(large) FROM %s WHERE medium = 7 GROUP BY word'),
('nothing', 'SELECT sum(large), avg(large), sum(small), avg(small), min(medium), count(medium) FROM %s WHERE medium IS NULL'),
('key', 'SELECT word, count(*) FROM %s GROUP BY word'), ('key', 'SELECT name, count(*) FROM %s GROUP BY name'),
('key', 'SELECT medium, large, sum(small) FROM %s GROUP BY medium, large'), ('key', 'SELECT small, count(*) FROM %s GROUP BY small'),
('key', 'SELECT address, avg(large) FROM %s GROUP BY address'), ('key', 'SELECT network, count(*) FROM %s GROUP BY network'),
('key', 'SELECT flag, sum(medium), avg(large) FROM %s GROUP BY 1'), ('key', 'SELECT moment, count(*) FROM %s GROUP BY 1'),
('key', 'SELECT local, day, max(moment) FROM %s GROUP BY 1, 2'), ('key', 'SELECT flag FROM %s GROUP BY flag'), ('key', 'SELECT count(*) FROM %s GROUP BY medium, flag'),
('key', 'SELECT upper(word), count(*) + 1 FROM %s GROUP BY word'), ('key', 'SELECT word FROM %s WHERE flag GROUP BY word, flag'),
('either', 'SELECT medium, count(*) FROM %s WHERE medium = 443 GROUP BY medium'), ('key', 'SELECT medium, flag, count(*) FROM %s WHERE medium = 443 GROUP BY medium, flag'),
('having', 'SELECT flag FROM %s GROUP BY flag HAVING count(*) > 3'), ('having', 'SELECT word, count(*) FROM %s GROUP BY word HAVING sum(large) > 10 AND max(medium) < 1000'),
('having', 'SELECT word, sum(large) FROM %s GROUP BY word HAVING sum(large) > 9223372036854775806'), ('having', 'SELECT word, flag FROM %s GROUP BY word, flag HAVING -9223372036854775807 > sum(large)'),
('having', 'SELECT flag, sum(large) FROM %s GROUP BY flag HAVING 18446744073709551616 > sum(large) AND sum(large) <> 0.5 AND count(*) <> 1 AND count(medium) >= 1'), ('having', 'SELECT medium, small FROM %s GROUP BY medium, small HAVING sum(small) IS NULL AND count(*) = 1'),
('having', 'SELECT count(*) FROM %s HAVING min(small) > 0'), ('having', 'SELECT 1 FROM %s HAVING count(*) > 3'), ('having', 'SELECT medium FROM %s GROUP BY medium HAVING medium > 9'),
('order', 'SELECT medium, count(*) FROM %s GROUP BY medium ORDER BY 2 DESC, 1 LIMIT 3'), ('order', 'SELECT word, sum(large) FROM %s GROUP BY word ORDER BY word DESC NULLS FIRST OFFSET 2'),
('order', 'SELECT DISTINCT count(*) FROM %s GROUP BY word'), ('order', 'SELECT flag, count(*), rank() OVER (ORDER BY count(*)) FROM %s GROUP BY flag'),
('subquery', 'SELECT n, (SELECT count(*) FROM %1$s WHERE medium = n) FROM generate_series(440, 444) n'),
('subquery', 'SELECT n, s FROM generate_series(0, 12) n, LATERAL (SELECT flag, sum(large) s FROM %1$s WHERE small > n GROUP BY flag) x'),
('subquery', 'SELECT count(*) FROM %s WHERE medium = (SELECT 443)'), ('subquery', 'SELECT sum(c) FROM (SELECT count(*) c FROM %s GROUP BY medium) x'),
('subquery', 'SELECT a.medium, a.c, b.c FROM (SELECT medium, count(*) c FROM %1$s GROUP BY 1) a JOIN (SELECT medium, count(*) c FROM %1$s WHERE flag GROUP BY 1) b USING (medium)'),
('subquery', 'SELECT word, count(*) FROM %1$s GROUP BY word HAVING count(*) = (SELECT count(*) FROM %1$s WHERE medium = 443)'),
('qual', 'SELECT count(*) FROM %s WHERE medium IN (1, 443) AND (flag OR word <> ''a'')'), ('qual', 'SELECT sum(seconds) FROM %s WHERE to_timestamp(seconds) > ''2026-01-01'''),
('qual', 'SELECT count(*), max(address) FROM %s WHERE address <<= ''10.0.0.0/8'''), ('qual', 'SELECT flag, count(*) FROM %s WHERE day >= ''2026-01-30'' AND medium > 0 GROUP BY flag'),
('not pushed', 'SELECT count(*) FROM %s WHERE medium = 443 AND first_word(word || code) = ''ACCEPT'''),
('not pushed', 'SELECT count(*) FROM %s WHERE false'), ('not pushed', 'SELECT count(*) FROM %s WHERE current_setting(''timezone'') = ''x'''),
('distinct', 'SELECT count(DISTINCT medium) FROM %s'), ('distinct', 'SELECT count(DISTINCT small), count(DISTINCT medium) FROM %s'), ('not pushed', 'SELECT string_agg(word, '','' ORDER BY word) FROM %s'),
('not pushed', 'SELECT sum(decimal), avg(real) FROM %s'), ('text', 'SELECT min(word), max(word), count(*), min(name), max(word || ''!'') FROM %s'), ('text', 'SELECT flag, max(word) FILTER (WHERE medium > 9), min(word), word, sum(large) FROM %s GROUP BY flag, word'),
('text', 'SELECT flag, min(word COLLATE "C") < max(word), max(upper(name)) FROM %s GROUP BY flag HAVING min(word) > ''A'''), ('text', 'SELECT min(word), max(name) FROM %s WHERE medium = 7'), ('not pushed', 'SELECT min(DISTINCT word) FROM %s WHERE medium = 7'),
('not pushed', 'SELECT max(network) FROM %s'),
('not pushed', 'SELECT count(port) FROM %s'), ('not pushed', 'SELECT count(NULL) FROM %s'), ('not pushed', 'SELECT count(t) FROM %s t'),
('filter', 'SELECT sum(medium) FILTER (WHERE flag), count(*) FILTER (WHERE NOT flag), count(*) FILTER (WHERE flag IS NULL), count(*) FROM %s'),
('filter', 'SELECT word, sum(large) FILTER (WHERE medium = 443), min(address) FILTER (WHERE small > 0), max(day) FILTER (WHERE false) FROM %s GROUP BY word'),
('filter', 'SELECT count(word) FILTER (WHERE address <<= ''10.0.0.0/8'' OR medium IN (1, 443)), avg(small) FILTER (WHERE medium > small) FROM %s'),
('filter', 'SELECT sum(large / small) FILTER (WHERE small > 1), min(large %% small) FILTER (WHERE small <> 0) FROM %s'),
('filter', 'SELECT flag, count(*) FILTER (WHERE medium %% 2 = 1) FROM %s GROUP BY flag HAVING count(*) FILTER (WHERE medium > 1) > 0'),
('expression', 'SELECT sum(small + 1), avg(medium - small), max(large / 3), min(large %% 1000), sum(-small), max(abs(medium)), sum(small::int * 2) FROM %s WHERE large BETWEEN -1000000000 AND 1000000000 AND medium BETWEEN -100000 AND 100000 AND small > -1000'),
('expression', 'SELECT sum(CASE WHEN flag THEN medium ELSE 0 END), sum(CASE WHEN word = ''a'' THEN 1 END), count(CASE WHEN medium > 9 THEN medium END) FROM %s'),
('expression', 'SELECT sum(CASE word WHEN ''a'' THEN 1 WHEN ''ACCEPT'' THEN 2 ELSE 3 END), sum(coalesce(medium, small, 7)), sum(coalesce(large, 0)) FROM %s'),
('expression', 'SELECT sum(CASE WHEN small = 0 THEN 0 ELSE large / small END) FROM %s WHERE small IS NOT NULL AND large BETWEEN -1000000000 AND 1000000000'),
('expression', 'SELECT max(to_timestamp(seconds)), min(to_timestamp(seconds)) FROM %s WHERE seconds BETWEEN 0 AND 4000000000'),
('expression', 'SELECT max(CASE WHEN flag THEN day END), min(coalesce(local, ''2026-01-01'')) FROM %s'),
('variance', 'SELECT stddev(medium), variance(small), var_pop(large), var_samp(large), stddev_pop(medium), stddev_samp(small) FROM %s'),
('variance', 'SELECT flag, stddev(large), avg(large), sum(large), stddev(medium), var_pop(small) FROM %s GROUP BY flag'),
('variance', 'SELECT word, var_samp(large), stddev_pop(large) FILTER (WHERE flag) FROM %s GROUP BY word'),
('variance', 'SELECT stddev(medium), variance(large) FROM %s WHERE medium = 7'),
('boolean', 'SELECT bool_and(flag), bool_or(flag), every(flag), bool_and(medium > 0), bool_or(small < medium) FROM %s'),
('boolean', 'SELECT word, bool_and(flag), bool_or(medium = 443) FROM %s GROUP BY word'),
('key expression', 'SELECT medium %% 2, count(*) FROM %s GROUP BY 1'), ('key expression', 'SELECT large / 300 * 300 AS bucket, sum(small) FROM %s GROUP BY 1 ORDER BY 1'),
('key expression', 'SELECT small + medium, flag, count(*), small + medium + 1 FROM %s WHERE medium BETWEEN -100000 AND 100000 GROUP BY small + medium, flag'),
('key expression', 'SELECT CASE WHEN medium > 1000 THEN 2 WHEN medium > 10 THEN 1 END, avg(large) FROM %s GROUP BY 1 HAVING count(*) > 1'),
('infinity', 'SELECT CASE WHEN flag THEN day ELSE ''-infinity'' END, count(*), max(CASE WHEN flag THEN moment ELSE ''infinity'' END) FROM %s GROUP BY 1'),
('infinity', 'SELECT coalesce(local, ''-infinity''), min(coalesce(day, ''infinity'')), min(coalesce(moment, ''-infinity'')) FROM %s GROUP BY 1'),
('key expression', 'SELECT medium / 10 * 10, flag, count(*), sum(small) FROM %s WHERE medium / 10 * 10 = 440 GROUP BY 1, 2'),
('key expression', 'SELECT medium %% 5 + 1, count(*), rank() OVER (ORDER BY count(*) DESC, medium %% 5 + 1) FROM %s GROUP BY medium %% 5'),
('key expression', 'SELECT medium > small, count(*) FROM %s GROUP BY 1'), ('key expression', 'SELECT to_timestamp(seconds), count(*) FROM %s WHERE seconds BETWEEN 0 AND 4000000000 GROUP BY 1'),
('computed key', 'SELECT date_trunc(''hour'', moment), count(*), sum(large) FROM %s GROUP BY 1'), ('computed key', 'SELECT extract(hour FROM to_timestamp(seconds)), flag, count(*) FROM %s WHERE seconds BETWEEN 0 AND 4000000000 GROUP BY 1, 2'),
('computed key', 'SELECT upper(word) || small, count(*) FROM %s GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3'), ('computed key', 'SELECT first_word(word), family(address), max(medium) FROM %s GROUP BY 1, 2'),
('computed key', 'SELECT moment::date, sum(medium) FROM %s GROUP BY 1 HAVING count(*) > 1'), ('computed key', 'SELECT (medium * 1.5)::numeric, count(*) FROM %s GROUP BY 1'),
('key expression', 'SELECT 10 / small FROM %s WHERE small <> 0 GROUP BY 1'),
('like', 'SELECT count(*) FROM %s WHERE word LIKE ''a%%'''), ('like', 'SELECT count(*) FILTER (WHERE word NOT LIKE ''%%E%%T''), count(*) FILTER (WHERE name LIKE ''_''), count(*) FILTER (WHERE word LIKE '''') FROM %s'),
('remembered', 'SELECT count(*) FROM %s WHERE medium = 443 AND first_word(word) = ''ACCEPT'''), ('remembered', 'SELECT sum(length(word)), max(length(word) + small), count(*) FILTER (WHERE word ~ ''^[A-Z]'') FROM %s WHERE small BETWEEN 0 AND 1000'),
('remembered', 'SELECT word ~ ''^A'', moment::date, count(*) FROM %s WHERE host(address) LIKE ''10.%%'' OR upper(name) = ''A'' GROUP BY 1, 2'),
('remembered', 'SELECT length(name), extract(minute FROM moment)::int, sum(small) FROM %s GROUP BY 1, 2'), ('remembered', 'SELECT max(CASE WHEN first_word(word) = ''a'' THEN moment END) FROM %s WHERE decimal > 1 OR real > 0'),
('not pushed', 'SELECT sum(medium + random()) FROM %s WHERE false'), ('not pushed', 'SELECT medium + (0 * random())::int, count(*) FROM %s GROUP BY 1'),
('not pushed', 'SELECT sum(medium + (SELECT 1)) FROM %s WHERE medium BETWEEN 0 AND 9'),
('not pushed', 'SELECT decimal, count(*) FROM %s GROUP BY decimal'), ('not pushed', 'SELECT code, count(*) FROM %s GROUP BY code'), ('not pushed', 'SELECT port, count(*) FROM %s GROUP BY port'),
('key', 'SELECT flag, medium, count(*) FROM %s GROUP BY ROLLUP (flag, medium)'),
('not pushed', 'SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY medium) FROM %s'), ('not pushed', 'SELECT flag, generate_series(1, 2), count(*) FROM %s GROUP BY flag'),
('not pushed', 'SELECT count(*) FROM %1$s a JOIN %1$s b USING (medium)'), ('not pushed', 'SELECT (SELECT count(*) FROM generate_series(1, a.medium %% 5)) FROM %s a');

SELECT kind, query, rows FROM queries, LATERAL compare(query) WHERE pushed = (kind = 'not pushed') AND kind <> 'either' OR differences > 0 ORDER BY id;
SELECT kind, count(*), sum(rows) AS rows, sum(differences) AS differences FROM queries, LATERAL compare(query) GROUP BY kind ORDER BY kind COLLATE "C";

-- sorted and hashed, with a table of groups that has room for few
SET enable_hashagg = off;
SELECT count(*) FROM queries, LATERAL compare(query) WHERE differences > 0;
RESET enable_hashagg;
SET enable_sort = off;
SELECT count(*) FROM queries, LATERAL compare(query) WHERE differences > 0;
RESET enable_sort;
-- without conditions that the reader judges
SET flowlog_fdw.enable_pushdown = off;
SELECT kind, count(*) FROM queries, LATERAL compare(query) WHERE pushed AND kind IN ('qual', 'key') GROUP BY kind;
SELECT count(*) FROM queries, LATERAL compare(query) WHERE differences > 0;
RESET flowlog_fdw.enable_pushdown;

-- parameters
PREPARE by_number(int, inet) AS SELECT flag, count(*), sum(large) FROM t WHERE medium >= $1 AND address <<= $2 GROUP BY flag ORDER BY flag;
PREPARE any_or_one(int) AS SELECT count(*), min(moment) FROM t WHERE $1 IS NULL OR medium = $1;
SET plan_cache_mode = force_generic_plan;
SELECT explain('EXECUTE by_number(10, ''10.0.0.0/8'')');
EXECUTE by_number(10, '10.0.0.0/8');
EXECUTE by_number(-10, '0.0.0.0/0');
EXECUTE by_number(NULL, '0.0.0.0/0');
EXECUTE any_or_one(NULL);
EXECUTE any_or_one(443);
SET flowlog_fdw.enable_aggregate_pushdown = off;
DISCARD PLANS;
EXECUTE by_number(10, '10.0.0.0/8');
EXECUTE by_number(-10, '0.0.0.0/0');
EXECUTE by_number(NULL, '0.0.0.0/0');
EXECUTE any_or_one(NULL);
EXECUTE any_or_one(443);
RESET flowlog_fdw.enable_aggregate_pushdown;
RESET plan_cache_mode;

-- constants that a view names, and a query groups by
CREATE VIEW part AS SELECT 3 AS shard, NULL::text AS nothing, t.* FROM t;
CREATE VIEW heap_part AS SELECT 3 AS shard, NULL::text AS nothing, heap.* FROM heap;
\pset tuples_only on
SELECT explain('SELECT shard, medium, min(large) FROM part GROUP BY shard, medium');
SELECT explain('SELECT medium, count(*), nothing FROM part GROUP BY medium, nothing HAVING count(*) > 1');
SELECT count(*) FROM explain('SELECT shard FROM part GROUP BY shard') AS line WHERE line ~ 'Relation: t'; -- a scan of groups that returns no column
\pset tuples_only off
SELECT shard, count(*), sum(medium) FROM part GROUP BY shard;
SELECT shard, count(*), sum(medium) FROM heap_part GROUP BY shard;
SELECT shard FROM part GROUP BY shard;
SELECT shard, count(*) FROM part WHERE medium = 123456 GROUP BY shard; -- no records, no group
SELECT count(*) FROM part WHERE medium = 123456;
CREATE FUNCTION differences(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	result bigint;
	ours text := format(query, 'part');
	theirs text := format(query, 'heap_part');
BEGIN
	EXECUTE format('SELECT count(*) FROM ((%s EXCEPT ALL %s) UNION ALL (%2$s EXCEPT ALL %1$s)) d', ours, theirs) INTO result;
	RETURN result;
END $$;
SELECT differences('(SELECT shard, count(*), sum(large), min(moment) FROM %s GROUP BY shard)');
SELECT differences('(SELECT shard, medium, nothing, count(*), sum(large), avg(small) FROM %s GROUP BY shard, medium, nothing)');
SELECT differences('(SELECT nothing, word, max(address) FROM %s WHERE medium > 0 GROUP BY nothing, word HAVING count(*) < 3)');

-- plans
\pset tuples_only on
SELECT explain('SELECT count(*) FROM t');
SELECT explain('SELECT word AS w, sum(large) / count(*), avg(small) FROM t AS "Logs" WHERE medium > 3 AND flag GROUP BY word HAVING max(day) > ''2000-01-01'' ORDER BY 2 LIMIT 3', 'COSTS OFF, VERBOSE');
SELECT explain('SELECT flag, count(medium) FROM t WHERE flag GROUP BY flag, word');
SELECT explain('SELECT count(*) FROM t WHERE medium = (SELECT max(medium) FROM t WHERE address = ''10.0.0.1'')', 'COSTS OFF, VERBOSE');
SELECT explain('SELECT n, (SELECT count(*) FROM t WHERE medium = n) FROM generate_series(442, 444) n');
SELECT explain('SELECT flag, count(*) FROM t WHERE medium > 0 GROUP BY flag', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF');
SELECT explain('SELECT count(*) FROM t WHERE medium = 443 AND word LIKE ''A%''');
-- costed, not forced: nothing is won where each row is a group
ANALYZE t;
SELECT explain('SELECT moment, large, count(*), sum(small), min(address), max(medium) FROM t GROUP BY moment, large');
SELECT explain('SELECT count(*), sum(small) FROM t');
\pset tuples_only off

-- errors are those of a plain scan, and the warnings
CREATE FUNCTION outcome(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	context text;
	detail text;
BEGIN
	EXECUTE query INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, context = PG_EXCEPTION_CONTEXT;
	RETURN SQLSTATE || ' ' || SQLERRM || '; ' || detail || ' ' || regexp_replace(split_part(context, E'\n', 1), '".*/', '".../');
END $$;
CREATE FOREIGN TABLE bad (
	small smallint, medium int, large bigint, word text, name varchar(8), code char(4), flag boolean,
	address inet, network cidr, moment timestamptz, local timestamp, day date, seconds bigint
) SERVER aggregate OPTIONS (location :'values_bad', regex :'record', log_verbosity 'silent');
UPDATE pg_class SET relpages = 1, reltuples = 1e10 WHERE oid = 'bad'::regclass;
CREATE FUNCTION outcomes(OUT query text, OUT same boolean, OUT result text) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	other text;
BEGIN
	FOREACH query IN ARRAY ARRAY['count(*)', 'count(small)', 'sum(medium)', 'sum(large)', 'avg(small)', 'max(address)', 'min(moment)', 'max(day)', 'count(flag)', 'count(network)', 'count(name)', 'count(code)'] LOOP
		SET LOCAL flowlog_fdw.enable_aggregate_pushdown = on;
		result := outcome(format('SELECT %s FROM bad', query));
		SET LOCAL flowlog_fdw.enable_aggregate_pushdown = off;
		other := outcome(format('SELECT %s FROM bad', query));
		same := result = other;
		RETURN NEXT;
	END LOOP;
	FOREACH query IN ARRAY ARRAY['small', 'medium', 'word', 'name', 'flag', 'address', 'network', 'moment', 'local', 'day'] LOOP
		SET LOCAL flowlog_fdw.enable_aggregate_pushdown = on;
		result := outcome(format('SELECT string_agg(q::text, '' '' ORDER BY q::text) FROM (SELECT %s, count(*) FROM bad GROUP BY 1) q', query));
		SET LOCAL flowlog_fdw.enable_aggregate_pushdown = off;
		other := outcome(format('SELECT string_agg(q::text, '' '' ORDER BY q::text) FROM (SELECT %s, count(*) FROM bad GROUP BY 1) q', query));
		same := result = other;
		RETURN NEXT;
	END LOOP;
END $$;
SELECT * FROM outcomes();
ALTER FOREIGN TABLE bad OPTIONS (ADD on_error 'ignore');
SELECT count(*), count(*) FILTER (WHERE same) AS same FROM outcomes();
ALTER FOREIGN TABLE bad OPTIONS (SET on_error 'set_null');
SELECT count(*), count(*) FILTER (WHERE same) AS same FROM outcomes();
ALTER FOREIGN TABLE bad ALTER medium SET NOT NULL;
SELECT count(*), count(*) FILTER (WHERE same) AS same FROM outcomes();
ALTER FOREIGN TABLE bad ALTER medium DROP NOT NULL;
\set VERBOSITY terse
ALTER FOREIGN TABLE bad OPTIONS (SET log_verbosity 'verbose');
SELECT regexp_replace(outcome('SELECT sum(large) FROM bad'), '".*/', '".../');
SET flowlog_fdw.enable_aggregate_pushdown = off;
SELECT regexp_replace(outcome('SELECT sum(large) FROM bad'), '".*/', '".../');
RESET flowlog_fdw.enable_aggregate_pushdown;
\set VERBOSITY default

UPDATE pg_class SET relpages = 1, reltuples = 1e10 WHERE oid = 't'::regclass;

-- inheritance and partitions: below an Append, or not pushed
CREATE TABLE parent (LIKE t);
INSERT INTO parent SELECT * FROM heap WHERE medium > 0;
ALTER FOREIGN TABLE t INHERIT parent;
CREATE TABLE heaps AS SELECT * FROM parent;
SELECT flag, count(*), sum(large), avg(large), max(address) FROM parent GROUP BY flag ORDER BY flag;
SELECT flag, count(*), sum(large), avg(large), max(address) FROM heaps GROUP BY flag ORDER BY flag;
ALTER FOREIGN TABLE t NO INHERIT parent;
CREATE TABLE child (LIKE t);
INSERT INTO child SELECT * FROM heap WHERE medium > 0;
ALTER TABLE child INHERIT t;
SELECT flag, count(*), sum(large), avg(large), max(address) FROM t GROUP BY flag ORDER BY flag;
ALTER TABLE child NO INHERIT t;
CREATE TABLE whole (small smallint, medium int, large bigint, action text) PARTITION BY LIST (action);
CREATE FOREIGN TABLE accepted PARTITION OF whole FOR VALUES IN ('ACCEPT') SERVER aggregate OPTIONS (location :'values', regex '([^;]*);([^;]*);([^;]*);(ACCEPT);.*', on_error 'ignore', log_verbosity 'silent');
CREATE FOREIGN TABLE rejected PARTITION OF whole FOR VALUES IN ('REJECT', 'a') SERVER aggregate OPTIONS (location :'values', regex '([^;]*);([^;]*);([^;]*);(REJECT|a);.*', on_error 'ignore', log_verbosity 'silent');
CREATE TABLE rest PARTITION OF whole DEFAULT;
INSERT INTO rest VALUES (1, 2, 3, 'rest'), (4, 5, 9223372036854775807, 'rest');
CREATE TABLE heap_whole AS SELECT * FROM whole;
UPDATE pg_class SET relpages = 1, reltuples = 1e10 WHERE oid IN ('accepted'::regclass, 'rejected'::regclass);
SET enable_partitionwise_aggregate = on;
\pset tuples_only on
SELECT explain('SELECT medium, count(*), sum(large) FROM whole GROUP BY medium');
SELECT explain('SELECT action, sum(large) FROM whole GROUP BY action');
\pset tuples_only off
SELECT medium, count(*), sum(large), avg(large), min(small) FROM whole GROUP BY medium ORDER BY medium;
SELECT medium, count(*), sum(large), avg(large), min(small) FROM heap_whole GROUP BY medium ORDER BY medium;
SELECT action, count(*), sum(large) FROM whole WHERE medium > -100 GROUP BY action HAVING sum(small) < 100000 ORDER BY action;
SELECT action, count(*), sum(large) FROM heap_whole WHERE medium > -100 GROUP BY action HAVING sum(small) < 100000 ORDER BY action;
SELECT count(*), sum(large) FROM whole;
-- a policy of the parent is judged by the reader, too
CREATE ROLE regress_flowlog_reader;
GRANT USAGE ON SCHEMA aggregate TO regress_flowlog_reader;
GRANT SELECT ON whole, heap_whole TO regress_flowlog_reader;
CREATE POLICY positive ON whole USING (medium > 3);
ALTER TABLE whole ENABLE ROW LEVEL SECURITY;
SET ROLE regress_flowlog_reader;
\pset tuples_only on
SELECT explain('SELECT medium, count(*), sum(large) FROM whole WHERE small <> 7 GROUP BY medium');
\pset tuples_only off
SELECT medium, count(*), sum(large) FROM whole WHERE small <> 7 GROUP BY medium ORDER BY medium;
SELECT medium, count(*), sum(large) FROM heap_whole WHERE small <> 7 AND medium > 3 GROUP BY medium ORDER BY medium;
RESET ROLE;
ALTER TABLE whole DISABLE ROW LEVEL SECURITY;
RESET enable_partitionwise_aggregate;
SELECT count(*), sum(large) FROM whole;
SELECT count(*), sum(large) FROM heap_whole;

SET client_min_messages = warning;
DROP SCHEMA aggregate CASCADE;
DROP SERVER aggregate;
DROP ROLE regress_flowlog_reader;
