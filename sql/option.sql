--
-- Options: what each takes, and what is said of a slip
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set location :abs_srcdir '/test/data/s3.log'
\set VERBOSITY default

CREATE FOREIGN DATA WRAPPER other HANDLER flowlog_fdw_handler VALIDATOR flowlog_fdw_validator OPTIONS (location '/x'); -- ERROR
CREATE SERVER options FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (regoin 'x'); -- ERROR
CREATE SERVER options FOREIGN DATA WRAPPER flowlog_fdw;
CREATE USER MAPPING FOR PUBLIC SERVER options OPTIONS (username 'x'); -- ERROR

-- what must be there
CREATE FOREIGN TABLE t (line text) SERVER options; -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (regex '(.*)'); -- ERROR

-- a name that is not known
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (loction '/x', regex '(.*)'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regexp '(.*)'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(.*)', delimiter ' '); -- ERROR
CREATE FOREIGN TABLE t (line text OPTIONS (feld '1')) SERVER options OPTIONS (location '/x', regex '(.*)'); -- ERROR
CREATE FOREIGN TABLE t (line text OPTIONS (location '1')) SERVER options OPTIONS (location '/x', regex '(.*)'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', region 'us-east-1'); -- ERROR

-- location
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location 'logs/x', regex '(.*)'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '', regex '(.*)'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x/[a', regex '(.*)'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x/{a,b', regex '(.*)'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location 's3://bu*/key', regex '(.*)'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location 's3://bucket/[a', regex '(.*)'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location 's3://bucket/${a', regex '(.*)'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x/${year/', regex '(.*)'); -- ERROR

CREATE FOREIGN TABLE t () SERVER options OPTIONS (location '~/logs'); -- ERROR
CREATE FOREIGN TABLE t () SERVER options OPTIONS (location '$HOME/logs'); -- ERROR
CREATE FOREIGN TABLE t () SERVER options OPTIONS (location 'file:///var/log/flow'); -- ERROR
CREATE FOREIGN TABLE t () SERVER options OPTIONS (location 'S3://bucket/AWSLogs/'); -- ERROR
CREATE FOREIGN TABLE t () SERVER options OPTIONS (location 's3a://bucket/AWSLogs/'); -- ERROR
CREATE FOREIGN TABLE t () SERVER options OPTIONS (location 'arn:aws:s3:::bucket/AWSLogs/'); -- ERROR
CREATE FOREIGN TABLE t () SERVER options OPTIONS (location 'https://bucket.s3.amazonaws.com/AWSLogs/'); -- ERROR
CREATE FOREIGN TABLE t () SERVER options OPTIONS (location E'C:\\logs'); -- ERROR
CREATE FOREIGN TABLE t () SERVER options OPTIONS (location ' /var/log/flow'); -- ERROR

-- regex: an offset where it does not compile, a warning where it comes from Hive
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '([^ ]+'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(a)(b**)'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(*LIMIT_MATCH=1)(.)'); -- ERROR
CREATE FOREIGN TABLE t (a text, b text) SERVER options OPTIONS (location :'location', regex '([^ ]+)\\s+(.*)');
DROP FOREIGN TABLE t;

-- words and numbers
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(.*)', header 'yes'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(.*)', on_error 'skip'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(.*)', reject_limit '-1'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(.*)', reject_limit 'x'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(.*)', log_verbosity 'loud'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(.*)', compression 'lzma'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(.*)', max_line_length '10'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(.*)', max_line_length '1 mile'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(.*)', null E'\n'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(.*)', null_off 'maybe'); -- ERROR
CREATE FOREIGN TABLE t (line text) SERVER options OPTIONS (location '/x', regex '(.*)', null '-', null_off 'true'); -- ERROR
CREATE FOREIGN TABLE t (line text OPTIONS (field '')) SERVER options OPTIONS (location '/x', regex '(.*)'); -- ERROR
CREATE FOREIGN TABLE t (line text OPTIONS (field '$where')) SERVER options OPTIONS (location '/x', regex '(.*)'); -- ERROR

-- all of them
CREATE FOREIGN TABLE t (
	a text OPTIONS (null 'none'),
	b text OPTIONS (null_off 'true'),
	c text OPTIONS (field '1')
) SERVER options OPTIONS (
	location :'location', regex '([^ ]+) (.*)', header 'auto', null '', on_error 'stop', reject_limit '10',
	log_verbosity 'verbose', compression 'none', max_line_length '64kB');
SELECT count(*) FROM t;
ALTER FOREIGN TABLE t OPTIONS (SET on_error 'sometimes'); -- ERROR
ALTER FOREIGN TABLE t OPTIONS (DROP location); -- ERROR
ALTER FOREIGN TABLE t OPTIONS (SET header 'match', DROP compression);
SELECT count(*) FROM t;
DROP FOREIGN TABLE t;

-- groups and columns: by position, by number, by name
CREATE FOREIGN TABLE t (version int, rest text) SERVER options OPTIONS (location :'location', regex '(\S+) (\S+) (.*)');
SELECT * FROM t; -- ERROR
ALTER FOREIGN TABLE t OPTIONS (SET regex '(\S+) (?:\S+) (.*)');
SELECT * FROM t LIMIT 1;
ALTER FOREIGN TABLE t ADD COLUMN again smallint OPTIONS (field '1');
SELECT again, version FROM t LIMIT 1;
ALTER FOREIGN TABLE t ADD COLUMN more text OPTIONS (field '3');
SELECT more FROM t; -- ERROR
ALTER FOREIGN TABLE t DROP COLUMN more;
SELECT again FROM t LIMIT 1;
ALTER FOREIGN TABLE t OPTIONS (SET regex '(?<version>\S+) (?<account_id>\S+) (?<rest>.*)');
SELECT again, version FROM t LIMIT 1;
ALTER FOREIGN TABLE t ADD COLUMN account text; -- the field account-id
SELECT version, account FROM t LIMIT 1;
ALTER FOREIGN TABLE t ADD COLUMN owner text OPTIONS (field 'account_id');
SELECT owner FROM t LIMIT 1;
ALTER FOREIGN TABLE t ADD COLUMN nothing text;
SELECT version FROM t LIMIT 1; -- ERROR
ALTER FOREIGN TABLE t ALTER COLUMN nothing OPTIONS (field 'anything');
SELECT version FROM t LIMIT 1; -- ERROR
DROP FOREIGN TABLE t;

-- only some of the groups, each by number; no columns at all
CREATE FOREIGN TABLE t (action text OPTIONS (field '3')) SERVER options
	OPTIONS (location :'location', regex '(\S+) (.*) (ACCEPT|REJECT) (\S+)', on_error 'ignore', log_verbosity 'silent');
SELECT action, count(*) FROM t GROUP BY 1 ORDER BY 1;
CREATE FOREIGN TABLE nothing () SERVER options OPTIONS (location :'location', regex '.*');
SELECT count(*) FROM nothing;
CREATE FOREIGN TABLE generated (a text, b text GENERATED ALWAYS AS (a || 'x') STORED) SERVER options
	OPTIONS (location :'location', regex '(.*)');
SELECT * FROM generated; -- ERROR

-- a share of the files: of the table, or of its server
CREATE FOREIGN TABLE part (line text) SERVER options OPTIONS (location '/x', regex '(.*)', shard '4/3'); -- ERROR
CREATE FOREIGN TABLE part (line text) SERVER options OPTIONS (location '/x', regex '(.*)', shard '1'); -- ERROR
CREATE FOREIGN TABLE part (line text) SERVER options OPTIONS (location '/x', regex '(.*)', mpp_execute 'everywhere'); -- ERROR
CREATE FOREIGN TABLE part (line text) SERVER options OPTIONS (location :'location', regex '(.*)', shard '1/1', mpp_execute 'all segments');
SELECT count(*) > 0 FROM part;
ALTER FOREIGN TABLE part OPTIONS (SET shard '1/2');
CREATE FOREIGN TABLE rest (line text) SERVER options OPTIONS (location :'location', regex '(.*)', shard '2/2');
SELECT least((SELECT count(*) FROM part), (SELECT count(*) FROM rest)); -- one file is in one of them
ALTER SERVER options OPTIONS (ADD shard '1/0'); -- ERROR
ALTER SERVER options OPTIONS (ADD shard '2/2');
ALTER FOREIGN TABLE part OPTIONS (DROP shard);
SELECT (SELECT count(*) FROM part) = (SELECT count(*) FROM rest) AS equal;

DROP SERVER options CASCADE;
