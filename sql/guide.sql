--
-- The two queries of Athena's guide "Querying Amazon VPC Flow Logs", as printed there,
-- over a table with the guide's columns and regular expression.
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set location :abs_srcdir '/test/data/export.log'
\pset format unaligned
SET timezone = 'UTC';

CREATE SERVER guide FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FOREIGN TABLE vpc_flow_logs (
  ts text,
  version int,
  account text,
  interfaceid text,
  sourceaddress text,
  destinationaddress text,
  sourceport int,
  destinationport int,
  protocol int,
  numpackets int,
  numbytes int,
  starttime text,
  endtime text,
  action text,
  logstatus text
)
SERVER guide
OPTIONS (
  location :'location',
  regex '^([^ ]+)\s+([0-9]+)\s+([^ ]+)\s+([^ ]+)\s+([^ ]+)\s+([^ ]+)\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+([^ ]+)\s+([^ ]+)$',
  on_error 'set_null',
  log_verbosity 'silent'
);

SELECT day_of_week(from_iso8601_timestamp(ts)) AS
  day,
  interfaceid,
  sourceaddress,
  action,
  protocol
FROM vpc_flow_logs
WHERE action = 'REJECT' AND protocol = 6
LIMIT 100;

SELECT SUM(numpackets) AS
  packetcount,
  destinationaddress
FROM vpc_flow_logs
WHERE destinationport = 443
GROUP BY destinationaddress
ORDER BY packetcount DESC
LIMIT 10;

-- the reader judges both predicates of the first, and the one of the second
EXPLAIN (COSTS OFF)
SELECT day_of_week(from_iso8601_timestamp(ts)) AS
  day,
  interfaceid,
  sourceaddress,
  action,
  protocol
FROM vpc_flow_logs
WHERE action = 'REJECT' AND protocol = 6
LIMIT 100;

EXPLAIN (COSTS OFF)
SELECT SUM(numpackets) AS
  packetcount,
  destinationaddress
FROM vpc_flow_logs
WHERE destinationport = 443
GROUP BY destinationaddress
ORDER BY packetcount DESC
LIMIT 10;

-- NODATA and SKIPDATA records do not match that expression: rows of nulls, as in Athena, but said
ALTER FOREIGN TABLE vpc_flow_logs OPTIONS (SET log_verbosity 'default');
SELECT count(*), count(version) FROM vpc_flow_logs;

-- and the error under "stop" tells what to do
ALTER FOREIGN TABLE vpc_flow_logs OPTIONS (DROP on_error);
SELECT count(*) FROM vpc_flow_logs; -- ERROR

DROP SERVER guide CASCADE;
