--
-- IMPORT FOREIGN SCHEMA, and what flowlog_files tells
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set data :abs_srcdir '/test/data/'
\set s3 :data 's3.log'
\set several :data '{s3,custom,alphabet,tgw,new_fields,no_header}.log'
\set new_fields :data 'new_fields.log'
\set lake :data 'lake'
\set default_layout :data 'lake/default'
\set account :data 'lake/default/AWSLogs/123456789012/'
\set year :data 'lake/default/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026'
\set hive :data 'lake/hive'
\set nothing :data 'lake/*.parquet'
\set types :data 'types.log'
\pset format unaligned
CREATE SCHEMA import;
SET search_path = import, public;
SET timezone = 'UTC';

CREATE SERVER import FOREIGN DATA WRAPPER flowlog_fdw;

CREATE FUNCTION columns("table" regclass) RETURNS text
RETURN (SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
	FROM pg_attribute WHERE attrelid = $1 AND attnum > 0);
CREATE FUNCTION options("table" regclass) RETURNS SETOF text
BEGIN ATOMIC
	SELECT regexp_replace(o, '/.*/test/data/', '.../') FROM pg_foreign_table, unnest(ftoptions) o WHERE ftrelid = $1;
END;

-- a table of the name of the schema, with the fields of the header
IMPORT FOREIGN SCHEMA flow_logs FROM SERVER import INTO import OPTIONS (location :'s3');
SELECT columns('flow_logs');
SELECT options('flow_logs');
SELECT count(*), min(start), max(srcaddr) FROM flow_logs;
DROP FOREIGN TABLE flow_logs;

-- all fields of all files, the known ones in the documentation's order; other options go on to the table
IMPORT FOREIGN SCHEMA flow_logs FROM SERVER import INTO import
	OPTIONS (location :'several', "table" 'All logs', on_error 'ignore', log_verbosity 'silent');
SELECT columns('"All logs"');
SELECT options('"All logs"');
SELECT count(*), count(action), count(tgw_id), min(start) FROM "All logs";
SELECT regexp_replace(path, '.*/', '') AS file, bytes, compression, wrapper, cardinality(fields), fields[1:3], from_time
FROM flowlog_files('"All logs"') ORDER BY 1;

IMPORT FOREIGN SCHEMA numbers FROM SERVER import INTO import OPTIONS (location :'s3', times 'bigint');
SELECT columns('numbers');

IMPORT FOREIGN SCHEMA new_fields FROM SERVER import INTO import OPTIONS (location :'new_fields');
SELECT * FROM new_fields;

-- directories as AWS lays them out
IMPORT FOREIGN SCHEMA by_default FROM SERVER import INTO import OPTIONS (location :'default_layout');
SELECT columns('by_default');
SELECT options('by_default');
SELECT account, region, day, count(*) FROM by_default GROUP BY account, region, day ORDER BY day;
SELECT regexp_replace(path, '.*/', '') AS file, compression, fields[12], from_time, to_time FROM flowlog_files('by_default') ORDER BY 1;
IMPORT FOREIGN SCHEMA of_account FROM SERVER import INTO import OPTIONS (location :'account');
SELECT columns('of_account');
SELECT options('of_account');
SELECT day, count(*) FROM of_account WHERE region = 'us-east-1' GROUP BY day ORDER BY day;
IMPORT FOREIGN SCHEMA of_year FROM SERVER import INTO import OPTIONS (location :'year');
SELECT columns('of_year');
SELECT options('of_year');
IMPORT FOREIGN SCHEMA by_hive FROM SERVER import INTO import OPTIONS (location :'hive');
SELECT columns('by_hive');
SELECT options('by_hive');
SELECT year, month, day, hour, region, count(*) FROM by_hive GROUP BY year, month, day, hour, region ORDER BY day, hour;
IMPORT FOREIGN SCHEMA mixed FROM SERVER import INTO import OPTIONS (location :'lake');
SELECT columns('mixed');
SELECT options('mixed');
SELECT count(*) FROM mixed;

-- times in the names of files are of use, unless they are used already, or there is one file only
IMPORT FOREIGN SCHEMA slack FROM SERVER import INTO import OPTIONS (location :'hive', name_time_slack '1 hour');
\set one :data 'lake/default/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/01/30/*T1225Z*'
IMPORT FOREIGN SCHEMA one FROM SERVER import INTO import OPTIONS (location :'one');

-- only what is asked for
IMPORT FOREIGN SCHEMA flow_logs LIMIT TO (other) FROM SERVER import INTO import OPTIONS (location :'s3'); -- WARNING
IMPORT FOREIGN SCHEMA flow_logs EXCEPT (flow_logs) FROM SERVER import INTO import OPTIONS (location :'s3'); -- WARNING
IMPORT FOREIGN SCHEMA flow_logs LIMIT TO (flow_logs, other) FROM SERVER import INTO import OPTIONS (location :'s3');
SELECT count(*) FROM flow_logs;

-- errors
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import; -- ERROR
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location 'logs'); -- ERROR
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'nothing'); -- ERROR
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'types'); -- ERROR
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'s3', times 'text'); -- ERROR
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'s3', tabel 'x'); -- ERROR
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'s3', time 'x'); -- ERROR
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'s3', format 'csv'); -- ERROR
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'s3', region 'eu-central-1'); -- ERROR
CREATE FOREIGN TABLE e () SERVER import OPTIONS (location :'s3', times 'bigint'); -- ERROR
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'s3', regex '(.*)'); -- ERROR
IMPORT FOREIGN SCHEMA flow_logs FROM SERVER import INTO import OPTIONS (location :'s3'); -- ERROR
IMPORT FOREIGN SCHEMA typed FROM SERVER import INTO import OPTIONS (location :'types', log_format '${a} ${b} ${srcaddr}');
SELECT columns('typed');
SELECT * FROM flowlog_files('pg_class'); -- ERROR
SELECT fields FROM flowlog_files('typed');

-- files that cannot be read are listed, with what is known of them; a scan stops there, unless they are left out
\set unreadable :data 'unreadable'
\set readable :data 'unreadable/{a,g}.log.gz'
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'unreadable'); -- ERROR
CREATE FOREIGN TABLE unreadable (srcaddr inet) SERVER import OPTIONS (location :'unreadable');
SELECT regexp_replace(path, '.*/', '') AS file, compression, wrapper, fields[1:2], regexp_replace(error, '"/[^"]*/', '"') AS error FROM flowlog_files('unreadable') ORDER BY 1;
SELECT count(*) FROM unreadable; -- ERROR
ALTER FOREIGN TABLE unreadable OPTIONS (SET location :'readable');
SELECT count(*) FROM unreadable;
ALTER FOREIGN TABLE unreadable OPTIONS (ADD compression 'zstd');
SELECT compression IS NULL, wrapper IS NULL, fields IS NULL FROM flowlog_files('unreadable');

-- why the fields of a file are not known, and what to do if it is no flow log; a file without lines has no say
\set no_break :data 'no_break.log'
\set no_break_before :data 'no_break_before.log'
\set services :data 'services'
\set services_wild :data 'services/AWSLogs/*/*/b.log'
\set services_right :data 'services/**/vpcflowlogs/**'
\set services_empty :data 'services/**/d.log.gz'
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'no_break'); -- ERROR
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'no_break_before'); -- ERROR
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'services'); -- ERROR
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'services_wild'); -- ERROR
IMPORT FOREIGN SCHEMA e FROM SERVER import INTO import OPTIONS (location :'services_empty'); -- ERROR
IMPORT FOREIGN SCHEMA services FROM SERVER import INTO import OPTIONS (location :'services_right');
SELECT count(*) FROM services;

-- a name that is another one's alias in one file, and a field of its own in another
\set names :abs_srcdir '/test/data/names'
IMPORT FOREIGN SCHEMA names FROM SERVER import INTO import OPTIONS (location :'names');
SELECT srcaddr, src_ip, dstaddr FROM names ORDER BY src_ip;

DROP SCHEMA import CASCADE;
DROP SERVER import CASCADE;
