--
-- Flow logs among other tables: joins, rescans, cursors, partitions, and whatever else may stand above a scan
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set s3 :abs_srcdir '/test/data/s3.log'
\set nodata :abs_srcdir '/test/data/nodata.log'
\set both :abs_srcdir '/test/data/{s3,nodata}.log'
\set record '(\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+)'
\pset format unaligned
CREATE SCHEMA flows;
CREATE SCHEMA heap;
SET search_path = flows, public;
SET timezone = 'UTC';

CREATE SERVER "join" FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FOREIGN TABLE flow (
	version int, account_id text, interface_id text, srcaddr inet, dstaddr inet, srcport int, dstport int,
	protocol int, packets bigint, bytes bigint, start timestamptz, "end" timestamptz, action text, log_status text
) SERVER "join" OPTIONS (location :'both', regex :'record');
CREATE TABLE heap.flow AS TABLE flow;
CREATE TABLE public.hosts (ip inet PRIMARY KEY, name text UNIQUE, port int);
INSERT INTO hosts VALUES ('10.0.1.5', 'web', 443), ('10.0.2.9', 'app', 3389), ('203.0.113.12', 'cdn', NULL), ('192.0.2.1', 'idle', 22);
CREATE TABLE public.watchlist (ip inet);
INSERT INTO watchlist VALUES ('198.51.100.77'), ('198.51.100.78'), (NULL), ('192.0.2.1');
ANALYZE hosts, watchlist;

SELECT h.name, f.srcaddr, f.action FROM flow f JOIN hosts h ON f.dstaddr = h.ip ORDER BY 1, 2, 3;
SELECT h.name, count(f.*), sum(f.bytes) FROM hosts h LEFT JOIN flow f ON f.srcaddr = h.ip GROUP BY 1 ORDER BY 1;
SELECT srcaddr, dstport FROM flow WHERE srcaddr = ANY (ARRAY(SELECT ip FROM watchlist)) ORDER BY 1;

-- every query over the flow logs and over a table with the same rows, under settings that lead to other plans
CREATE FUNCTION result(query text, path text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text[];
BEGIN
	PERFORM set_config('search_path', path || ', public', true);
	EXECUTE 'SELECT array_agg(q::text ORDER BY q::text) FROM (' || query || ') q' INTO result;
	RETURN coalesce(cardinality(result), 0) || ' rows: ' || coalesce(result::text, '{}');
END $$;
CREATE TABLE queries (id int GENERATED ALWAYS AS IDENTITY, query text);
INSERT INTO queries (query) VALUES
	('SELECT f.srcport, h.name FROM flow f JOIN hosts h ON f.srcaddr = h.ip'),
	('SELECT f.srcport, h.name FROM flow f LEFT JOIN hosts h ON f.srcaddr = h.ip AND f.dstport = h.port'),
	('SELECT f.srcport, h.name FROM hosts h LEFT JOIN flow f ON f.dstaddr = h.ip AND f.action = ''ACCEPT'''),
	('SELECT f.srcport, h.name FROM flow f FULL JOIN hosts h ON f.srcaddr = h.ip'),
	('SELECT name FROM hosts h WHERE EXISTS (SELECT FROM flow f WHERE f.dstaddr = h.ip AND f.dstport = h.port)'),
	('SELECT name FROM hosts h WHERE NOT EXISTS (SELECT FROM flow f WHERE f.srcaddr = h.ip)'),
	('SELECT srcport FROM flow WHERE srcaddr IN (SELECT ip FROM watchlist)'),
	('SELECT srcport FROM flow WHERE srcaddr NOT IN (SELECT ip FROM watchlist)'),
	('SELECT srcport FROM flow WHERE srcaddr NOT IN (SELECT ip FROM watchlist WHERE ip IS NOT NULL)'),
	('SELECT srcport FROM flow WHERE srcaddr = ANY (ARRAY(SELECT ip FROM watchlist))'),
	('SELECT srcport FROM flow WHERE srcaddr <> ALL (ARRAY(SELECT ip FROM watchlist WHERE ip IS NOT NULL))'),
	('SELECT a.srcport, b.srcport AS reply FROM flow a JOIN flow b ON a.srcaddr = b.dstaddr AND a.srcport = b.dstport'),
	('SELECT a.srcport, b.dstport FROM flow a, flow b WHERE a.bytes < b.bytes AND b.action = ''REJECT'''),
	('SELECT h.name, f.* FROM hosts h, LATERAL (SELECT srcport, dstport FROM flow WHERE srcaddr = h.ip ORDER BY bytes LIMIT 1) f'),
	('SELECT h.name, f.n FROM hosts h, LATERAL (SELECT count(*) AS n FROM flow WHERE dstport = h.port OR dstaddr <<= h.ip) f'),
	('SELECT w.ip, f.srcport FROM watchlist w LEFT JOIN LATERAL (SELECT srcport FROM flow WHERE srcaddr = w.ip OFFSET 0) f ON true'),
	('SELECT n, f.srcport FROM generate_series(1, 3) n LEFT JOIN LATERAL (SELECT srcport FROM flow WHERE protocol = n OFFSET n - 1) f ON true'),
	('SELECT name, (SELECT max(bytes) FROM flow WHERE srcaddr = h.ip) FROM hosts h'),
	('SELECT name, (SELECT string_agg(action, '','' ORDER BY start, srcport) FROM flow WHERE dstaddr = h.ip AND packets > (SELECT min(packets) FROM flow WHERE srcaddr = h.ip)) FROM hosts h'),
	('SELECT srcport FROM flow f WHERE bytes > (SELECT avg(bytes) FROM flow WHERE protocol = f.protocol)'),
	('SELECT srcport FROM flow WHERE dstport = (SELECT port FROM hosts WHERE name = ''web'')'),
	('SELECT srcport FROM flow WHERE dstport = (SELECT port FROM hosts WHERE name = ''none'')'),
	('SELECT f.srcport FROM (SELECT ip FROM watchlist WHERE ip <<= ''198.51.100.78'' LIMIT 1) x JOIN flow f ON f.srcaddr = x.ip'),
	('SELECT f.srcport, x.m FROM (SELECT max(ip) AS m FROM watchlist) x JOIN flow f ON f.srcaddr <= x.m AND f.dstport > 22'),
	('SELECT f.srcport FROM hosts h JOIN flow f ON f.dstaddr = h.ip AND f.dstport >= h.port WHERE h.name = ''web'''),
	('SELECT f.srcport, x.p FROM (VALUES (443)) x(p) LEFT JOIN flow f ON f.dstport = x.p'),
	('SELECT f.srcport, x.p FROM (VALUES (443), (22), (NULL)) x(p) LEFT JOIN flow f ON f.dstport = x.p'),
	('WITH RECURSIVE hops (addr, depth) AS (SELECT inet ''172.16.4.4'', 0 UNION SELECT f.dstaddr, depth + 1 FROM hops JOIN flow f ON f.srcaddr = hops.addr WHERE depth < 4) TABLE hops'),
	('WITH f AS MATERIALIZED (SELECT * FROM flow WHERE action = ''ACCEPT'') SELECT a.srcport FROM f a JOIN f b ON a.srcport = b.dstport'),
	('SELECT srcport FROM flow WHERE action = ''REJECT'' UNION ALL SELECT dstport FROM flow WHERE protocol = 17 UNION ALL SELECT port FROM hosts'),
	('SELECT srcport FROM flow EXCEPT SELECT dstport FROM flow'), ('SELECT dstport FROM flow INTERSECT ALL SELECT port FROM hosts'),
	('SELECT action, protocol, count(*), sum(bytes) FROM flow GROUP BY GROUPING SETS ((action), (protocol), ())'),
	('SELECT srcport, rank() OVER (PARTITION BY action ORDER BY bytes), lag(srcport) OVER (ORDER BY start, srcport) FROM flow'),
	('SELECT DISTINCT ON (protocol) protocol, srcport FROM flow ORDER BY protocol, srcport DESC'),
	('SELECT flow FROM flow'), ('SELECT f AS row, f IS NULL AS "null" FROM flow f WHERE dstport = 443'), ('SELECT count(*) FROM (SELECT FROM flow) x'),
	('SELECT srcport FROM flow ORDER BY srcport LIMIT 3 OFFSET 2'), ('SELECT srcport FROM flow ORDER BY dstport FETCH FIRST 2 ROWS WITH TIES'),
	('SELECT x.*, f.srcport FROM flow f, unnest(ARRAY[f.srcport, f.dstport]) WITH ORDINALITY x(p, i) WHERE p = 443'),
	('SELECT CASE WHEN EXISTS (SELECT FROM flow WHERE dstport = 53) THEN (SELECT count(*) FROM flow) END AS n');

CREATE FUNCTION others() RETURNS SETOF queries LANGUAGE sql AS
	$$ SELECT * FROM flows.queries q WHERE flows.result(query, 'flows') <> flows.result(query, 'heap') ORDER BY id $$;
SELECT query, split_part(result(query, 'flows'), ':', 1) AS result FROM queries ORDER BY id;
SELECT * FROM others();
SET enable_hashjoin = off;
SELECT * FROM others();
SET enable_mergejoin = off;
SET enable_material = off;
SET enable_memoize = off;
SELECT * FROM others();
SET flowlog_fdw.enable_pushdown = off;
SELECT * FROM others();
RESET enable_hashjoin;
RESET enable_mergejoin;
SET enable_nestloop = off;
SELECT * FROM others();
RESET ALL;
SET search_path = flows, public;
SET timezone = 'UTC';

-- the other side's value is the reader's where there is only one; for many outer rows the logs are read once
CREATE FUNCTION filters(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line ~ '(Filter|Cond):' THEN
			RETURN NEXT regexp_replace(ltrim(line), '\$\d+|\(InitPlan \d+\)\.col\d', '(parameter)');
		END IF;
	END LOOP;
END $$;
SELECT filters('SELECT count(*) FROM flow WHERE srcaddr = ANY (ARRAY(SELECT ip FROM watchlist))');
SELECT count(*) > 0 AS pushed FROM filters('SELECT count(*) FROM (SELECT ip FROM watchlist LIMIT 1) x JOIN flow ON flow.srcaddr = x.ip') f WHERE f ~ 'Pushed Filter';
SELECT filters('SELECT count(*) FROM (SELECT max(ip) AS ip FROM watchlist) x JOIN flow ON flow.srcaddr <<= x.ip');
SELECT count(*) > 0 AS pushed FROM filters('SELECT count(*) FROM hosts h JOIN flow f ON f.srcaddr = h.ip WHERE h.name = ''web''') f WHERE f ~ 'Pushed Filter';
SELECT count(*) > 0 AS pushed FROM filters('SELECT count(*) FROM hosts h JOIN flow f ON f.srcaddr = h.ip') f WHERE f ~ 'Pushed Filter';
SELECT count(*) > 0 AS pushed FROM filters('SELECT count(*) FROM watchlist w JOIN flow f ON f.srcaddr = w.ip WHERE w.ip <> ''10.0.0.1''') f WHERE f ~ 'Pushed Filter';

-- cursors
BEGIN;
DECLARE s SCROLL CURSOR FOR SELECT srcport FROM flow WHERE srcport IS NOT NULL;
FETCH 3 FROM s;
FETCH BACKWARD 2 FROM s;
FETCH ABSOLUTE 8 FROM s;
FETCH NEXT FROM s;
FETCH LAST FROM s;
MOVE FIRST FROM s;
FETCH RELATIVE 1 FROM s;
DECLARE h CURSOR WITH HOLD FOR SELECT srcport FROM flow WHERE action = 'REJECT';
FETCH 1 FROM h;
COMMIT;
FETCH 1 FROM h;
FETCH 1 FROM h;
CLOSE h;

-- a cursor goes on after a savepoint is rolled back; one that began behind it is gone
BEGIN;
DECLARE c CURSOR FOR SELECT srcport FROM flow;
SAVEPOINT a;
FETCH 2 FROM c;
ROLLBACK TO a;
FETCH 2 FROM c;
SAVEPOINT b;
SELECT 1 / 0; -- ERROR
ROLLBACK TO b;
FETCH 2 FROM c;
DECLARE d CURSOR FOR SELECT srcport FROM flow;
FETCH 1 FROM d;
ROLLBACK TO b;
FETCH 1 FROM d; -- ERROR
ROLLBACK TO b;
FETCH 1 FROM c;
COMMIT;

-- partitions with other columns in another order
CREATE TABLE parent (action text, dstport int, srcaddr inet, note text) PARTITION BY LIST (action);
CREATE FOREIGN TABLE accepted (gone text, srcaddr inet, dstport int, gone_too int, action text, note text OPTIONS (field '4')) SERVER "join"
	OPTIONS (location :'s3', regex '(?:\S+ ){3}(\S+) (?:\S+ ){2}(\S+) .* (ACCEPT) (\S+)', on_error 'ignore', log_verbosity 'silent');
ALTER FOREIGN TABLE accepted DROP COLUMN gone, DROP COLUMN gone_too;
ALTER FOREIGN TABLE accepted ALTER COLUMN srcaddr OPTIONS (ADD field '1'), ALTER COLUMN dstport OPTIONS (ADD field '2'), ALTER COLUMN action OPTIONS (ADD field '3');
CREATE FOREIGN TABLE rejected PARTITION OF parent FOR VALUES IN ('REJECT') SERVER "join"
	OPTIONS (location :'s3', regex '(?:\S+ ){3}(?<srcaddr>\S+) (?:\S+ ){2}(?<dstport>\S+) .* (?<action>REJECT)(?<note>x)? .*', on_error 'ignore', log_verbosity 'silent');
CREATE TABLE other PARTITION OF parent DEFAULT;
INSERT INTO parent VALUES ('DROP', 25, '192.0.2.1', 'ours');
ALTER TABLE parent ATTACH PARTITION accepted FOR VALUES IN ('ACCEPT');
SELECT tableoid::regclass, * FROM parent ORDER BY 1, dstport, srcaddr;
SELECT tableoid::regclass, parent FROM parent WHERE dstport = 443 OR note = 'ours' ORDER BY 1, 2;
SELECT filters('SELECT * FROM parent WHERE dstport < 100');
SELECT filters('SELECT * FROM parent WHERE action = ''REJECT'' AND srcaddr <<= ''198.51.100.0/24''');
SELECT h.name, p.action, p.dstport FROM parent p JOIN hosts h ON h.ip = p.srcaddr ORDER BY 1, 2, 3;
INSERT INTO parent VALUES ('REJECT', 1, NULL, NULL); -- ERROR

-- inheritance
CREATE TABLE base (srcaddr inet, dstport int);
INSERT INTO base VALUES ('192.0.2.1', 1);
CREATE FOREIGN TABLE child (action text) INHERITS (base) SERVER "join" OPTIONS (location :'s3', regex '(?:\S+ ){3}(\S+) (?:\S+ ){2}(\S+) .* (\S+) \S+');
SELECT tableoid::regclass, * FROM base WHERE dstport < 100 ORDER BY dstport;
SELECT count(*) FROM ONLY base;
SELECT child::base, action FROM child WHERE child::base IS NOT NULL AND action = 'REJECT' ORDER BY 1;
ALTER TABLE base ADD COLUMN more text;
SELECT count(*) FROM base; -- ERROR

-- other tables are changed by what the logs say, and locked beside them
WITH updated AS (UPDATE hosts SET port = f.dstport FROM flow f WHERE f.dstaddr = hosts.ip AND f.action = 'REJECT' RETURNING hosts.*, f.srcaddr, f.tableoid::regclass)
SELECT * FROM updated ORDER BY ip;
DELETE FROM watchlist USING flow f WHERE f.srcaddr = watchlist.ip AND f.dstport = 22 RETURNING ip, f.action;
INSERT INTO watchlist SELECT srcaddr FROM flow WHERE action = 'REJECT' AND dstport = 22 RETURNING ip;
MERGE INTO hosts h USING (SELECT DISTINCT srcaddr FROM flow WHERE srcaddr IS NOT NULL) f ON h.ip = f.srcaddr
	WHEN MATCHED THEN UPDATE SET port = -1 WHEN NOT MATCHED THEN INSERT VALUES (srcaddr, host(srcaddr));
SELECT * FROM hosts ORDER BY ip;
SELECT h.name, f.srcport FROM hosts h JOIN flow f ON f.dstaddr = h.ip WHERE f.dstport = 22 FOR UPDATE OF h;
SELECT h.name, f.srcport FROM hosts h JOIN flow f ON f.dstaddr = h.ip WHERE f.dstport = 3389 FOR UPDATE;

-- views; a barrier lets no function look at rows before the view's own condition, but the reader judges both
CREATE VIEW v AS SELECT srcaddr, dstport, action FROM flow WHERE action = 'REJECT';
CREATE VIEW barrier WITH (security_barrier) AS SELECT srcaddr, dstport, action FROM flow WHERE action = 'REJECT';
CREATE FUNCTION peep(int) RETURNS bool COST 0.0001 LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'port %', $1; RETURN true; END $$;
SELECT filters('SELECT * FROM v WHERE dstport = 22');
SELECT filters('SELECT * FROM barrier WHERE dstport = 22 AND peep(dstport)');
SELECT * FROM barrier WHERE peep(dstport) ORDER BY srcaddr;

-- a prepared statement sees what was altered since
PREPARE all_of_them AS SELECT count(*), count(srcaddr) FROM flow WHERE srcport IS NULL OR dstport IS NULL OR dstport = 443;
SET plan_cache_mode = force_generic_plan;
EXECUTE all_of_them;
ALTER FOREIGN TABLE flow OPTIONS (SET location :'nodata');
EXECUTE all_of_them;
ALTER FOREIGN TABLE flow ALTER COLUMN srcport OPTIONS (ADD null_off 'true');
EXECUTE all_of_them; -- ERROR
ALTER FOREIGN TABLE flow OPTIONS (ADD on_error 'ignore', ADD log_verbosity 'silent');
EXECUTE all_of_them;
ALTER FOREIGN TABLE flow ALTER COLUMN srcport TYPE text;
EXECUTE all_of_them;
ALTER FOREIGN TABLE flow DROP COLUMN srcport;
EXECUTE all_of_them; -- ERROR
DEALLOCATE all_of_them;

SET client_min_messages = warning;
DROP SERVER "join" CASCADE;
DROP SCHEMA flows, heap CASCADE;
DROP TABLE hosts, watchlist;
