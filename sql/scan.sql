--
-- Files and lines: where rows come from, and the ledger of every line
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set data :abs_srcdir '/test/data'
\set s3 :data '/s3.log'
\set record '(\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+)'
SET timezone = 'UTC';

CREATE SERVER scan FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FOREIGN TABLE flow (
	version int, account_id text, interface_id text, srcaddr inet, dstaddr inet, srcport int, dstport int,
	protocol int, packets bigint, bytes bigint, start timestamptz, "end" timestamptz, action text, log_status text
) SERVER scan OPTIONS (location :'s3', regex :'record');

SELECT * FROM flow ORDER BY start, srcaddr;
SELECT flow FROM flow WHERE dstport = 22; -- a whole row
SELECT tableoid::regclass, count(*) FROM flow GROUP BY 1;

-- the lines of a scan, as EXPLAIN ANALYZE counts them: the columns add up
CREATE FUNCTION ledger(query text, OUT files bigint, OUT read bigint, OUT skipped bigint, OUT not_reached bigint,
	OUT lines bigint, OUT headers bigint, OUT blank bigint, OUT emitted bigint, OUT filtered bigint, OUT rejected bigint,
	OUT set_null bigint, OUT balanced boolean)
LANGUAGE plpgsql AS $$
DECLARE
	plan json;
	scan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT json) ' || query INTO plan;
	scan := plan -> 0 -> 'Plan';
	WHILE scan ->> 'Node Type' <> 'Foreign Scan' LOOP
		scan := scan -> 'Plans' -> 0;
	END LOOP;
	files := scan ->> 'Files'; read := scan ->> 'Files Read'; skipped := scan ->> 'Files Skipped';
	not_reached := scan ->> 'Files Not Reached';
	lines := scan ->> 'Lines'; headers := scan ->> 'Headers'; blank := scan ->> 'Blank Lines'; emitted := scan ->> 'Lines Emitted';
	filtered := scan ->> 'Lines Filtered'; rejected := scan ->> 'Lines Rejected'; set_null := scan ->> 'Lines Set Null';
	balanced := lines = headers + blank + emitted + filtered + rejected
		AND files = read + (scan ->> 'Files Pruned')::bigint + skipped + not_reached;
END $$;

CREATE FUNCTION read_file(name text, regex text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	old text;
BEGIN
	SELECT split_part(o, '=', 2) INTO old FROM pg_foreign_table, unnest(ftoptions) o
	WHERE ftrelid = 'flow'::regclass AND o LIKE 'location=%';
	EXECUTE format('ALTER FOREIGN TABLE flow OPTIONS (SET location %L)', regexp_replace(old, '(.*/test/data).*', '\1/') || name);
	IF regex IS NOT NULL THEN
		EXECUTE format('ALTER FOREIGN TABLE flow OPTIONS (SET regex %L)', regex);
	END IF;
END $$;

SELECT * FROM ledger('SELECT * FROM flow');
SELECT * FROM ledger('SELECT count(*) FROM flow WHERE action = ''REJECT''');
SELECT * FROM ledger('SELECT * FROM flow LIMIT 2');

-- one file after the other
CREATE TABLE reference AS TABLE flow;
CREATE VIEW difference AS
	(TABLE flow EXCEPT ALL TABLE reference) UNION ALL (TABLE reference EXCEPT ALL TABLE flow);
SELECT read_file('crlf.log');
SELECT * FROM difference;
SELECT read_file('bom.log');
SELECT * FROM difference;
SELECT read_file('no_newline.log');
SELECT * FROM difference;
SELECT read_file('no_header.log');
SELECT * FROM difference;
SELECT read_file('empty_lines.log');
SELECT * FROM difference;
SELECT * FROM ledger('SELECT * FROM flow');
SELECT read_file('gzip.log.gz');
SELECT * FROM difference;
SELECT read_file('zstd.log.zst');
SELECT * FROM difference;
SELECT read_file('bzip2.log.bz2');
SELECT * FROM difference;
SELECT read_file('xz.log.xz');
SELECT * FROM difference;
SELECT read_file('gzip_inside.log.xz');
SELECT * FROM difference;
SELECT read_file('gzip_inside.log'); -- by its content, not by its name
SELECT * FROM difference;
SELECT read_file('plain.log.gz');
SELECT * FROM difference;

-- a header is skipped wherever it stands
SELECT read_file('header_again.log');
SELECT * FROM ledger('SELECT * FROM flow');
SELECT read_file('members.log.gz');
SELECT * FROM ledger('SELECT * FROM flow');
SELECT read_file('header_only.log');
SELECT * FROM ledger('SELECT * FROM flow');
SELECT read_file('nodata.log');
SELECT account_id, srcaddr, srcport, start, action, log_status FROM flow ORDER BY start, log_status, account_id;
SELECT read_file('ipv6.log');
SELECT srcaddr, dstaddr FROM flow ORDER BY 1, 2;

-- header 'true', 'match', 'false'
SELECT read_file('s3.log');
ALTER FOREIGN TABLE flow OPTIONS (ADD header 'true');
SELECT * FROM difference;
ALTER FOREIGN TABLE flow OPTIONS (SET header 'match');
SELECT * FROM difference;
ALTER FOREIGN TABLE flow OPTIONS (SET header 'false');
SELECT count(*) FROM flow; -- its fields are not looked at
SELECT count(*) FROM flow WHERE dstport = 443; -- ERROR
ALTER FOREIGN TABLE flow OPTIONS (SET header 'match');
SELECT read_file('no_header.log');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('header_again.log');
SELECT count(*) FROM flow;
SELECT read_file('header_changes.log');
SELECT count(*) FROM flow; -- ERROR
ALTER FOREIGN TABLE flow OPTIONS (SET header 'auto');
SELECT count(*) FROM flow; -- ERROR

-- empty files count as skipped; a listing without files is worth a warning
SELECT read_file('empty.log');
SELECT count(*) FROM flow;
SELECT read_file('no_such_*.log');
SELECT count(*) FROM flow;
SELECT read_file('no_such.log');
SELECT count(*) FROM flow; -- ERROR
EXPLAIN SELECT * FROM flow; -- ERROR

-- wildcards
SELECT read_file('{s3,crlf,nodata}.log');
SELECT * FROM ledger('SELECT * FROM flow');
SELECT read_file('[bcs]*r*.log');
SELECT * FROM ledger('SELECT * FROM flow');
SELECT read_file('**/ipv?.log');
SELECT * FROM ledger('SELECT * FROM flow');

-- damaged files: never other rows, and the error names the file
SELECT read_file('truncated.log.gz');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('damaged.log.gz');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('bad_crc.log.gz');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('no_trailer.log.gz');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('garbage_after.log.gz');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('truncated.log.zst');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('damaged.log.zst');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('bad_checksum.log.zst');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('truncated.log.bz2');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('damaged.log.bz2');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('garbage_after.log.bz2');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('truncated.log.xz');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('damaged.log.xz');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('parquet.log');
SELECT count(*) FROM flow; -- ERROR
ALTER FOREIGN TABLE flow OPTIONS (ADD compression 'gzip');
SELECT read_file('s3.log');
SELECT count(*) FROM flow; -- ERROR
SELECT read_file('gzip.log.gz');
SELECT * FROM difference;
ALTER FOREIGN TABLE flow OPTIONS (DROP compression);

-- ANALYZE reads them all
SELECT read_file('{s3,members,many}.log*');
ANALYZE flow;
SELECT reltuples FROM pg_class WHERE oid = 'flow'::regclass;
SELECT n_distinct, null_frac FROM pg_stats WHERE tablename = 'flow' AND attname = 'dstport';

-- writers are told
INSERT INTO flow (version) VALUES (1); -- ERROR
UPDATE flow SET version = 1; -- ERROR
DELETE FROM flow; -- ERROR
COPY flow FROM stdin; -- ERROR
\.
TRUNCATE flow; -- ERROR
SELECT is_insertable_into FROM information_schema.tables WHERE table_name = 'flow';

DROP SERVER scan CASCADE;
DROP TABLE reference;
DROP FUNCTION ledger, read_file;
