--
-- Athena's statements as PostgreSQL's: the guide's as it is printed, then other ways to
-- write one, and what is refused
--
\getenv abs_srcdir PG_ABS_SRCDIR
\getenv abs_builddir PG_ABS_BUILDDIR
\set location :abs_srcdir '/test/data/export.log'
\set parquet :abs_srcdir '/test/data/parquet_logs'
\set results :abs_builddir '/results/athena'
\pset format unaligned
SET timezone = 'UTC';
CREATE SCHEMA athena;
SET search_path = athena, public;
CREATE SERVER athena FOREIGN DATA WRAPPER flowlog_fdw;

-- the guide's table and queries, letter by letter
SELECT flowlog_athena_ddl($ddl$
   CREATE EXTERNAL TABLE IF NOT EXISTS vpc_flow_logs (
     ts string,
     version int,
     account string,
     interfaceid string,
     sourceaddress string,
     destinationaddress string,
     sourceport int,
     destinationport int,
     protocol int,
     numpackets int,
     numbytes int,
     starttime string,
     endtime string,
     action string,
     logstatus string
   )
   ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe'
   WITH SERDEPROPERTIES
    ( "input.regex" = "^([^ ]+)\\s+([0-9]+)\\s+([^ ]+)\\s+([^ ]+)\\s+([^ ]+)\\s+([^ ]+)\\s+([0-9]+)\\s+([0-9]+)\\s+([0-9]+)\\s+([0-9]+)\\s+([0-9]+)\\s+([0-9]+)\\s+([0-9]+)\\s+([^ ]+)\\s+([^ ]+)$" )
   LOCATION 's3://your_log_bucket/prefix/';
$ddl$, 'athena') AS guide \gset
\echo :guide
SELECT replace(:'guide', 's3://your_log_bucket/prefix/', :'location') \gexec

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

-- a function that writes files, and one that makes a table and says what it is
CREATE FUNCTION write(path text, VARIADIC lines text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (SELECT unnest(%L::text[])) TO PROGRAM %L (FORMAT csv, DELIMITER E''\x01'', QUOTE E''\x02'', ESCAPE E''\x02'')',
		lines, format('mkdir -p "$(dirname "%s")" && cat > "%1$s"', path));
END $$;
CREATE FUNCTION make(ddl text, location text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE flowlog_athena_ddl(ddl, 'athena', location);
END $$;

-- LazySimpleSerDe: names in backticks, comments, every type; NULL is what Athena has for NULL
SELECT write(:'results' || '/simple/a.log',
	'version account-id interface-id srcaddr srcport bytes rest',
	'2 123456789012 eni-1 10.0.0.1 443 5000000000 1.5',
	'2 123456789012 eni-2 - - - -',
	'2 123456789012 eni-3',
	'3 123456789012 eni-4 10.0.0.4 80 12 0.25 more than columns',
	'x 123456789012  10.0.0.5 70000 1 2');
SELECT flowlog_athena_ddl($ddl$
-- a table of two lines
CREATE EXTERNAL TABLE IF NOT EXISTS `default`.`Simple` (
	`version` INT COMMENT 'of the "format"', /* a comment */
	account_id string,
	interface_id varchar(20) comment 'it\'s'" not" ,
	srcaddr char(15),
	srcport smallint,
	`bytes` bigint,
	rest decimal(10, 4)
)
COMMENT 'for 50% of us'
ROW FORMAT DELIMITED FIELDS TERMINATED BY ' ' LINES TERMINATED BY '\n'
STORED AS TEXTFILE
LOCATION 's3a://bucket/flow*logs/'
TBLPROPERTIES ("skip.header.line.count"="1", 'EXTERNAL' = 'TRUE')
$ddl$, 'athena');
SELECT make($ddl$
CREATE EXTERNAL TABLE Simple (version int COMMENT 'of the "format"', account_id string, interface_id varchar(20), srcaddr char(15), srcport smallint, `bytes` bigint, rest decimal(10, 4))
COMMENT 'for 50% of us'
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' WITH SERDEPROPERTIES ('field.delim' = ' ', 'serialization.format' = '1')
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat' OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://bucket/' TBLPROPERTIES ('skip.header.line.count' = '1')
$ddl$, :'results' || '/simple/');
\pset null NULL
SELECT * FROM simple;
SELECT obj_description('simple'::regclass), col_description('simple'::regclass, 1);

-- fields by tabs, by a code, by a character that means something in a regular expression
SELECT flowlog_athena_ddl(format('CREATE EXTERNAL TABLE t (a int, b string) ROW FORMAT DELIMITED FIELDS TERMINATED BY %s LOCATION ''s3://b/''', delimiter), 'athena')
FROM unnest(ARRAY[$$'\t'$$, $$'9'$$, $$"|"$$, $$'\001'$$, $$'-'$$, $$','$$, $$'\\'$$, $$'^'$$]) delimiter;

-- OpenCSVSerde: values in quotes; a line with a quote or an escape in a value is no record
SELECT write(:'results' || '/csv/a.log', '"account_id","srcaddr","bytes"', '"1","10.0.0.1","400"', '2,10.0.0.2,500', '"3", "a,b",,"x', '"4","","0"', '5', '"6""","",1', '"7\",",1');
SELECT flowlog_athena_ddl($ddl$CREATE EXTERNAL TABLE csv (account_id string, srcaddr string, `bytes` bigint)
	ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' LOCATION 's3://b/' TBLPROPERTIES ('skip.header.line.count' = '1')$ddl$, 'athena', :'results' || '/csv/') AS csv \gset
\echo :csv
:csv;
ALTER FOREIGN TABLE csv OPTIONS (SET on_error 'ignore', ADD log_verbosity 'silent');
SELECT *, srcaddr IS NULL AS no_address FROM csv;
SELECT line, raw FROM flowlog_rejects('csv');
SELECT flowlog_athena_ddl(format($ddl$CREATE EXTERNAL TABLE t (a string, b string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
	WITH SERDEPROPERTIES ('separatorChar' = '%s', 'quoteChar' = '~', 'escapeChar' = '^') LOCATION 's3://b/'$ddl$, separator), 'athena')
FROM unnest(ARRAY['\t', '|']) separator;
SELECT flowlog_athena_ddl($ddl$CREATE EXTERNAL TABLE t (a string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
	WITH SERDEPROPERTIES ('separatorChar' = '||') LOCATION 's3://b/'$ddl$, 'athena'); -- ERROR

-- NULL is \N, unless the SerDe's properties say otherwise, and the table's over them
SELECT write(:'results' || '/null/a.log', 'a|b|c', '\N|\N|1', '-|0|2', '|5|3', 'none|none|4');
CREATE FUNCTION nulls(format text, location text) RETURNS TABLE (number int, name text, port int) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE flowlog_athena_ddl('CREATE EXTERNAL TABLE with_null (name string, port int, number int) ' || format, 'athena', location);
	RETURN QUERY SELECT w.number, w.name, w.port FROM with_null w ORDER BY w.number;
	DROP FOREIGN TABLE with_null;
END $$;
SET client_min_messages = error;
SELECT format, r.* FROM unnest(ARRAY[
	$$ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' TBLPROPERTIES ('skip.header.line.count' = '1')$$,
	$$ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' NULL DEFINED AS '-' TBLPROPERTIES ('skip.header.line.count' = '1')$$,
	$$ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' NULL DEFINED AS '-' TBLPROPERTIES ('skip.header.line.count' = '1', 'serialization.null.format' = '')$$,
	$$ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' WITH SERDEPROPERTIES ('field.delim' = '|', 'skip.header.line.count' = '1') TBLPROPERTIES ('serialization.null.format' = '0')$$,
	$$ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe' WITH SERDEPROPERTIES ('input.regex' = '([^|]*)\\|([^|]*)\\|([^|]*)') TBLPROPERTIES ('skip.header.line.count' = '1', 'serialization.null.format' = '-')$$
	]) WITH ORDINALITY formats (format, n), nulls(format, :'results' || '/null/a.log') r ORDER BY n, number;
RESET client_min_messages;

-- the last column takes the rest
SELECT write(:'results' || '/rest/a.log', 'a header of Hive''s', '2 10.0.0.1 one two  three ', '3 10.0.0.2', '4 10.0.0.3 ');
SELECT flowlog_athena_ddl($ddl$CREATE EXTERNAL TABLE rest (version int, srcaddr string, rest string)
	ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
	WITH SERDEPROPERTIES ('field.delim' = ' ', 'serialization.last.column.takes.rest' = 'TRUE', 'skip.header.line.count' = '1')
	LOCATION 's3://b/'$ddl$, 'athena', :'results' || '/rest/') AS rest \gset
SELECT replace(:'rest', :'results', '...');
SELECT :'rest' \gexec
SELECT *, '"' || rest || '"' AS quoted FROM rest ORDER BY version;
SELECT flowlog_athena_ddl($$CREATE EXTERNAL TABLE t (line string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ' ' LOCATION 's3://b/' TBLPROPERTIES ('serialization.last.column.takes.rest' = 'true')$$, 'athena');

-- other properties: those that change no row are named, as are unknown ones; a SerDe has no use for another's
SELECT flowlog_athena_ddl(format($ddl$CREATE EXTERNAL TABLE t (a string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.%s' WITH SERDEPROPERTIES (
	'input.regex' = '(.*)', 'serialization.format' = '1', 'escape.delim' = '\\', 'serialization.encoding' = 'utf-8', 'timestamp.formats' = 'yyyy',
	'mapkey.delim' = ':', 'hive.serialization.extend.nesting.levels' = 'true')
	LOCATION 's3://b/' TBLPROPERTIES ('classification' = 'csv', 'skip.footer.line.count' = '0', 'skip.header.line.count' = '0',
	'serialization.last.column.takes.rest' = 'true', 'Skip.Header.Line.Count' = '1', "a\nb" = 'c')$ddl$, serde), 'athena')
FROM unnest(ARRAY['RegexSerDe', 'lazy.LazySimpleSerDe']) serde;
CREATE FUNCTION refused_property(properties text, type text, serde text DEFAULT 'lazy.LazySimpleSerDe') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	PERFORM flowlog_athena_ddl(format('CREATE EXTERNAL TABLE t (a %s) ROW FORMAT SERDE ''org.apache.hadoop.hive.serde2.%s'' WITH SERDEPROPERTIES (''input.regex'' = ''(.*)'') LOCATION ''s3://b/'' TBLPROPERTIES (%s)', type, serde, properties), 'athena');
	RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLERRM || ': ' || detail;
END $$;
SELECT properties, type, refused_property(properties, type), refused_property(properties, type, 'RegexSerDe') AS with_regex
FROM (VALUES ($$'skip.footer.line.count' = '1'$$, 'int'), ($$'skip.footer.line.count' = '000'$$, 'int'), ($$'serialization.encoding' = 'GBK'$$, 'string'),
	($$'timestamp.formats' = 'yyyy-MM-dd'$$, 'timestamp'), ($$'timestamp.formats' = 'yyyy-MM-dd'$$, 'string'),
	($$'hive.lazysimple.extended_boolean_literal' = 'true'$$, 'boolean'), ($$'hive.lazysimple.extended_boolean_literal' = 'false'$$, 'boolean'),
	($$'textinputformat.record.delimiter' = '||'$$, 'int'), ($$'textinputformat.record.delimiter' = '\n'$$, 'int'),
	($$'table_type' = 'ICEBERG'$$, 'int')) AS p (properties, type);
SELECT flowlog_athena_ddl($$CREATE EXTERNAL TABLE t (a int) LOCATION 's3://b/' TBLPROPERTIES ('skip.footer.line.count' = '1')$$, 'athena');

-- backslashes: what stands behind one, as Hive reads it
SELECT flowlog_athena_ddl($ddl$CREATE EXTERNAL TABLE t (a string, b string)
	ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe'
	WITH SERDEPROPERTIES ('input.regex' = '(\\d+\t\'\"[^\"]*)\%\_\u0041\101\s([^\(]*)', 'input.regex.case.insensitive' = 'true') LOCATION 's3://b/'$ddl$, 'athena');

-- groups with names fill columns by their number all the same
SELECT flowlog_athena_ddl($ddl$CREATE EXTERNAL TABLE t (port int, name string)
	ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe' WITH SERDEPROPERTIES ('input.regex' = '(?<name>\\d+) (\\S+)') LOCATION 's3://b/'$ddl$, 'athena');

-- partitions as Hive lays them out
SELECT write(:'results' || '/hive/month=08/day=1/a.log', '10.0.0.1 443');
SELECT write(:'results' || '/hive/month=10/day=02/a.log', '10.0.0.2 -');
SELECT flowlog_athena_ddl($ddl$CREATE EXTERNAL TABLE hive (srcaddr string, srcport int) PARTITIONED BY (month int, `day` string)
	ROW FORMAT DELIMITED FIELDS TERMINATED BY ' ' LOCATION 's3://bucket/hive'$ddl$, 'athena', :'results' || '/hive') AS hive \gset
SELECT replace(:'hive', :'results', '...');
SELECT :'hive' \gexec
SELECT * FROM hive ORDER BY srcaddr;
SELECT * FROM hive WHERE month < 9;

-- a crawler of AWS Glue names columns of folders without "name=" by their numbers
SELECT write(:'results' || '/glue/123456789012/eu-west-1/year=2024/07/a.log', '10.0.0.1 443');
SELECT write(:'results' || '/glue/123456789012/us-east-1/year=2024/08/a.log', '10.0.0.2 80');
SELECT flowlog_athena_ddl($ddl$CREATE EXTERNAL TABLE glue (srcaddr string, srcport int) PARTITIONED BY (`partition_0` string, partition_1 string, year string, PARTITION_3 int)
	ROW FORMAT DELIMITED FIELDS TERMINATED BY ' ' LOCATION 's3://bucket/AWSLogs/' TBLPROPERTIES ('UPDATED_BY_CRAWLER' = 'c', 'classification' = 'csv')$ddl$, 'athena', :'results' || '/glue') AS glue \gset
SELECT replace(:'glue', :'results', '...');
SELECT :'glue' \gexec
SELECT * FROM glue ORDER BY srcaddr;
SELECT srcaddr FROM glue WHERE partition_1 = 'us-east-1' AND partition_3 > 7;
-- only these names, and not if the partitions are projected
SELECT flowlog_athena_ddl(format($ddl$CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (%s string) LOCATION 's3://b/x/' TBLPROPERTIES ('projection.enabled' = '%s')$ddl$, name, projected), 'athena')
FROM (VALUES ('partition_12', 'false'), ('partition_12', 'true'), ('partition_', 'false'), ('partition_1a', 'false'), ('partition', 'false')) AS v (name, projected);

-- projected partitions: the template says where they are
SELECT write(:'results' || '/AWSLogs/123456789012/vpcflowlogs/eu-west-1/2024/01/31/a.log', '10.0.0.1 443');
SELECT write(:'results' || '/AWSLogs/123456789012/vpcflowlogs/us-east-1/2024/02/01/a.log', '10.0.0.2 80');
\set projected '$ddl$CREATE EXTERNAL TABLE projected (srcaddr string, srcport int) PARTITIONED BY (account string, region string, day string) ROW FORMAT DELIMITED FIELDS TERMINATED BY '' '' LOCATION ''s3://bucket/AWSLogs/'' TBLPROPERTIES (''projection.enabled'' = ''true'', ''projection.account.type'' = ''injected'', ''projection.region.type'' = ''enum'', ''projection.region.values'' = ''eu-west-1,us-east-1'', ''projection.day.type'' = ''date'', ''projection.day.range'' = ''2021/01/01,NOW'', ''projection.day.format'' = ''yyyy/MM/dd'', ''storage.location.template'' = ''s3://bucket/AWSLogs/${account}/vpcflowlogs/${region}/${Day}'')$ddl$'
SELECT flowlog_athena_ddl(:projected, 'athena');
SELECT make(:projected, :'results' || '/AWSLogs');
SELECT * FROM projected ORDER BY srcaddr;
SELECT * FROM projected WHERE day >= '2024/02/01' AND region = 'us-east-1';
-- a string stays one, as the path has it, and days that cannot pass are not listed
CREATE FUNCTION files(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		IF line ~ '(Files|Directories).*: [1-9]' THEN
			RETURN NEXT trim(line);
		END IF;
	END LOOP;
END $$;
SELECT condition, (SELECT string_agg(f, ', ') FROM files('SELECT * FROM projected WHERE ' || condition) f) FROM unnest(ARRAY['day = ''2024/02/01''',
	'day >= date_format(date_add(''day'', -7, DATE ''2024-02-03''), ''%Y/%m/%d'')', 'day LIKE ''2024/02/%''', 'split_part(day, ''/'', 2) = ''01''', 'day BETWEEN ''2024/01/01'' AND ''2024/01/31''',
	'day IN (''2024/01/31'', ''2024/03/01'')', 'day >= ''2025/03/01''', 'date_parse(day, ''%Y/%m/%d'') >= TIMESTAMP ''2024-02-01''', 'substr(day, 1, 7) = ''2024/01'' AND region = ''eu-west-1''']) condition;
-- a location with variables of its own is the whole location
SELECT flowlog_athena_ddl(:projected, 'athena', '/logs/${account}/${region}/${day:yyyy-MM-dd}/') LIKE '%''/logs/${account}/${region}/${day:yyyy-MM-dd}/''%';
-- without a template the directories are Hive's; names of months are no more than text
SELECT flowlog_athena_ddl(format($ddl$CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (p string) LOCATION 's3://b/x'
	TBLPROPERTIES ('projection.enabled' = 'true', 'projection.p.type' = 'date', 'projection.p.format' = '%s')$ddl$, replace(format, '''', '\''')), 'athena')
FROM unnest(ARRAY['yyyy-MM-dd', 'yyyy-MM-dd-HH', 'yyyy-MM', 'yyyyMMdd', 'MMM yyyy', $$'year='yyyy'/month='MM$$, $$yyyy-MM-dd'T'HH$$, $$yyyy''MM$$, $$yyyy'$$]) format;
-- a date stays a date
SELECT flowlog_athena_ddl(format($ddl$CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (p %s) LOCATION 's3://b/x'
	TBLPROPERTIES ('projection.enabled' = 'true', 'projection.p.type' = 'date', 'projection.p.format' = 'yyyy/MM/dd', 'storage.location.template' = 's3://b/${p}')$ddl$, type), 'athena')
FROM unnest(ARRAY['date', 'timestamp', 'int', 'varchar(10)']) type;

-- partitions one by one
SELECT flowlog_athena_ddl('MSCK REPAIR TABLE hive', 'athena');
SELECT flowlog_athena_ddl($$ALTER TABLE hive ADD IF NOT EXISTS PARTITION (month = 8, day = '01')$$, 'athena');
SELECT flowlog_athena_ddl($$ALTER TABLE hive ADD PARTITION (month='08', day='01') LOCATION 's3://b/hive/month=08/day=01/'$$, 'athena');
SELECT flowlog_athena_ddl($$ALTER TABLE hive ADD PARTITION (day='2024-01-31') LOCATION 's3://b/AWSLogs/1/vpcflowlogs/eu-west-1/2024/01/31' PARTITION (day='2024-02-01') LOCATION 's3://b/AWSLogs/1/vpcflowlogs/eu-west-1/2024/02/01'$$, 'athena');
SELECT flowlog_athena_ddl($$ALTER TABLE hive ADD PARTITION (region='eu-west-1', month='01', day='31') LOCATION 's3://b/AWSLogs/1/vpcflowlogs/eu-west-1/2024/01/31/'$$, 'athena', '/logs/AWSLogs/1/vpcflowlogs');
-- a date may have other separators in the path; values stand in any order; Hive's percent signs
SELECT location, flowlog_athena_ddl(format('ALTER TABLE hive ADD PARTITION (%s) LOCATION ''%s''', values, location), 'athena') FROM (VALUES
	('ingestdatetime=''2017-01-02-03''', 's3://b/flow/2017/01/02/03/'), ('day=''20210310''', 's3://b/AWSLogs/1/vpcflowlogs/us-east-1/2021/03/10/'), ('day=''2021/03/10''', 's3://b/2021/03/10'),
	('day=''2021-03-10''', 's3://b/20210310/'), ('day=''2021-03-10''', 's3://b/dt=20210310/'), ('day=''2021-03''', 's3://b/x/2021/03/'), ('day=''20210310''', 's3://b/year=2021/month=03/day=10/'),
	('day=''2021-03-10 05''', 's3://b/y2021/m03/d10/add05/'), ('day=''2021-03-10'', region=''eu-west-1''', 's3://b/eu-west-1/2021/03/10/'), ('day=''10'', month=''03''', 's3://b/month=03/day=10/'),
	('year=''2021'', month=''03'', day=''10''', 's3://b/2021/03/10/'), ('dt=''2021-03-10 05:00''', 's3://b/dt=2021-03-10%2005%3A00/'), ('dt=''a=b''', 's3://b/x/dt=a%3Db/'),
	('year=2021, month=3, day=10', 's3://b/2021/03/10/'), ('month=03, day=0', 's3://b/3/00/'), ('dt=''2021''', 's3://b/dt%3D2021/'), ('b=''b''', 's3://b/b/'), ('day=''20210310''', 's3://b/2021{/03|/10/')) AS v (values, location);
SELECT write(:'results' || '/added/eu-west-1/2024/01/31/05/a.log', '10.0.0.1 443');
SELECT write(:'results' || '/added/us-east-1/2024/02/01/06/a.log', '10.0.0.2 80');
SELECT make($$CREATE EXTERNAL TABLE added (srcaddr string, srcport int) PARTITIONED BY (ingest string, region string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ' ' LOCATION 's3://bucket/added'$$, :'results' || '/added');
SELECT flowlog_athena_ddl($$ALTER TABLE added ADD PARTITION (ingest='2024-01-31-05', region='eu-west-1') LOCATION 's3://bucket/added/eu-west-1/2024/01/31/05/'$$, 'athena', :'results' || '/added') \gexec
SELECT * FROM added WHERE ingest >= '2024-01-31-05' ORDER BY srcaddr;
SELECT * FROM added WHERE ingest LIKE '2024-02-01%';
-- ERROR
SELECT flowlog_athena_ddl(format('ALTER TABLE hive ADD PARTITION (day=''%s'') LOCATION ''%s''', value, location), 'athena') FROM (VALUES ('20210310', 's3://b/2021/03/11/')) AS v (value, location);
SELECT flowlog_athena_ddl(format('ALTER TABLE hive ADD PARTITION (day=''%s'') LOCATION ''%s''', value, location), 'athena') FROM (VALUES ('20211310', 's3://b/2021/13/10/')) AS v (value, location);
SELECT flowlog_athena_ddl(format('ALTER TABLE hive ADD PARTITION (day=''%s'') LOCATION ''%s''', value, location), 'athena') FROM (VALUES ('2021031005', 's3://b/2021/03/10/')) AS v (value, location);
SELECT flowlog_athena_ddl($$ALTER TABLE hive ADD PARTITION (month='3') LOCATION 's3://b/2024/03/31/'$$, 'athena');
SELECT flowlog_athena_ddl($$ALTER TABLE hive ADD PARTITION (day='today') LOCATION 's3://b/2024/01/31/'$$, 'athena');

-- Parquet: with Hive's folders, as AWS's guide has it
SELECT flowlog_athena_ddl($ddl$
CREATE EXTERNAL TABLE IF NOT EXISTS vpc_flow_logs_parquet (
  version int,
  account_id string,
  interface_id string,
  srcaddr string,
  dstaddr string,
  srcport int,
  dstport int,
  protocol bigint,
  packets bigint,
  bytes bigint,
  start bigint,
  `end` bigint,
  action string,
  log_status string,
  vpc_id string,
  traffic_path int
)
PARTITIONED BY (
  `aws-account-id` string,
  `aws-service` string,
  `aws-region` string,
  `year` string,
  `month` string,
  `day` string,
  `hour` string
)
ROW FORMAT SERDE
  'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT
  'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT
  'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION
  's3://bucket/prefix/AWSLogs/'
TBLPROPERTIES (
  'EXTERNAL'='true',
  'skip.header.line.count'='1'
)$ddl$, 'athena', :'parquet' || '/AWSLogs/') AS parquet_ddl \gset
SELECT replace(:'parquet_ddl', :'parquet', '');
\set VERBOSITY terse
:parquet_ddl;
SELECT srcaddr, dstport, protocol, start, action, vpc_id FROM vpc_flow_logs_parquet WHERE day = '02' ORDER BY start;
SELECT srcaddr, "aws-region", sum(packets) FROM vpc_flow_logs_parquet WHERE srcaddr <> '-' AND hour = '00' GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 2;
SELECT count(*), count(traffic_path) FROM vpc_flow_logs_parquet WHERE srcaddr = '-' AND dstport IS NULL;
\set VERBOSITY default
-- with partition projection
SELECT flowlog_athena_ddl($ddl$
CREATE EXTERNAL TABLE vpc_flow_logs_projected (version int, account_id string, srcaddr string, packets bigint, `end` bigint, region string)
PARTITIONED BY (accountid string, day string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://bucket/AWSLogs/'
TBLPROPERTIES (
'skip.header.line.count'='1', 'classification'='parquet', 'parquet.compression'='GZIP',
"projection.enabled"="true", "projection.accountid.type"="enum", "projection.accountid.values"="123456789012",
"projection.day.type"="date", "projection.day.range"="2021/01/01,NOW", "projection.day.format"="yyyy/MM/dd",
"storage.location.template"="s3://bucket/AWSLogs/${accountid}/vpcflowlogs/us-east-1/${day}"
)$ddl$, 'athena', :'parquet' || '/AWSLogs/${accountid}/vpcflowlogs/us-east-1/${day:yyyy/MM/dd}') AS parquet_ddl \gset
SELECT replace(:'parquet_ddl', :'parquet', '');
:parquet_ddl;
SELECT accountid, day, count(*), count(nullif(srcaddr, '-')), sum(packets) FROM vpc_flow_logs_projected WHERE day BETWEEN '2026/02/01' AND '2026/02/02' GROUP BY 1, 2;
SELECT count(*) FROM vpc_flow_logs_projected WHERE day = '2026/02/03';
-- in fewer words, with structs, and as Spark has it
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (srcaddr varchar(40), `end` timestamp) STORED AS PARQUET LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (srcaddr string) ROW FORMAT SERDE ''org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'' WITH SERDEPROPERTIES (''serialization.format'' = ''1'') LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (srcaddr string) ROW FORMAT DELIMITED FIELDS TERMINATED BY '','' STORED AS parquetfile LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl($$CREATE EXTERNAL TABLE ocsf (time bigint, src_endpoint struct<ip:string,port:int>, traffic struct<bytes:bigint>,
	cloud struct<account:struct<uid:string COMMENT 'Account'>> COMMENT 'Where', disposition string) STORED AS PARQUET LOCATION 's3://b/'$$, 'athena', :'parquet' || '/ocsf.parquet') AS parquet_ddl \gset
SELECT replace(:'parquet_ddl', :'parquet', '');
:parquet_ddl;
SELECT * FROM ocsf WHERE src_endpoint_port > 40000 OR disposition = '-' ORDER BY time;
SELECT flowlog_athena_ddl('CREATE TABLE IF NOT EXISTS db.t (srcaddr STRING, day date, bytes bigint) USING parquet OPTIONS (path ''s3://b/'', mergeSchema true, spark.x.y = ''1'') PARTITIONED BY (day) COMMENT ''c''', 'athena');
-- ERROR: lists, other SerDes, columns by their places, and structs of text
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a struct<b:int,c:array<int>>) STORED AS PARQUET LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a map<string,string>) STORED AS PARQUET LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a struct<b:int>, a_b int) STORED AS PARQUET LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a struct<b:int>) LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (b struct<c:int>) STORED AS PARQUET LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) STORED AS PARQUET LOCATION ''s3://b/'' TBLPROPERTIES (''parquet.column.index.access'' = ''true'')', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) STORED AS PARQUET LOCATION ''s3://b/'' TBLPROPERTIES (''table_type'' = ''ICEBERG'')', 'athena');
SELECT flowlog_athena_ddl('CREATE TABLE t (a int) LOCATION ''s3://b/'' TBLPROPERTIES (''table_type'' = ''ICEBERG'')', 'athena');
SELECT flowlog_athena_ddl('CREATE OR REPLACE VIEW v AS SELECT * FROM vpc_flow_logs', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) LOCATION ''s3://b/''; ALTER TABLE t ADD PARTITION (d = ''1'') LOCATION ''s3://b/1/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE ''org.apache.hadoop.hive.serde2.RegexSerDe'' STORED AS PARQUET LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE ''org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'' STORED AS TEXTFILE LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE TABLE t (a int) USING parquet OPTIONS (path ''s3://b/'') PARTITIONED BY (day)', 'athena');
SELECT flowlog_athena_ddl('CREATE TABLE t (a int) USING parquet', 'athena');

-- a name with a line break does not get out of a comment
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (`p
DROP TABLE x; --` string) LOCATION ''s3://b/'' TBLPROPERTIES ("projection.enabled" = "true", "projection.p\ndrop table x; --.range" = "1")', 'athena');
SELECT flowlog_athena_ddl(NULL, 'athena'), flowlog_athena_ddl('CREATE', NULL);

-- ERROR: the statement ends too soon, has a slip, has what is none of its kind
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int', 'athena');
SELECT flowlog_athena_ddl(E'CREATE EXTERNAL TABLE t (a int)\nROW FORMAT SERDE ''x''\nWITH SERDEPROPERTY (''a'' = ''b'')', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) LOCATION ''s3://b', 'athena');
SELECT flowlog_athena_ddl('CREATE TABLE t (a int)', 'athena');
SELECT flowlog_athena_ddl('SELECT 1', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) LOCATION ''s3://b/''; DROP TABLE t', 'athena');
-- ERROR: Spark's statements, names in double quotes, names that come twice
SELECT flowlog_athena_ddl('CREATE TABLE t (a int, day date) USING csv OPTIONS (path ''s3://b/'') PARTITIONED BY (day)', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) COMMENT ''c'' USING csv', 'athena');
SELECT flowlog_athena_ddl('CREATE TABLE t (a int) USING', 'athena');
SELECT flowlog_athena_ddl('CREATE TABLE t (a int) STORED AS PARQUET', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE "default"."flow logs" (a int) LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int, "end" bigint) LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl(E'CREATE EXTERNAL TABLE t (a int, day string)\nPARTITIONED BY (region string, Day string) LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int, b string, A bigint) LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (b string, `B` int) LOCATION ''s3://b/''', 'athena');
-- ERROR: a template, or a location, with what is no partition column
SELECT flowlog_athena_ddl($$CREATE EXTERNAL TABLE t (srcaddr string, dstaddr string) PARTITIONED BY (day string) LOCATION 's3://b/x'
	TBLPROPERTIES ('projection.enabled' = 'true', 'storage.location.template' = 's3://b/${SrcAddr}/${day}')$$, 'athena');
SELECT flowlog_athena_ddl($$CREATE EXTERNAL TABLE t (srcaddr string, dstaddr string) PARTITIONED BY (day string) LOCATION 's3://b/x'
	TBLPROPERTIES ('projection.enabled' = 'true', 'storage.location.template' = 's3://b/${region}/${day}')$$, 'athena');
SELECT flowlog_athena_ddl($$CREATE EXTERNAL TABLE t (srcaddr string, dstaddr string) PARTITIONED BY (day string) LOCATION 's3://b/x'$$, 'athena', '/logs/${day}/${dstaddr}/');
SELECT flowlog_athena_ddl($$CREATE EXTERNAL TABLE t (srcaddr string, dstaddr string) PARTITIONED BY (day string) LOCATION 's3://b/x'$$, 'athena', '/logs/${day}/${region}/') LIKE '%${region}%';
-- ERROR: types, formats and patterns that are not ours
SELECT flowlog_athena_ddl(E'CREATE EXTERNAL TABLE t (a int,\n b array<struct<x:int>>) LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int(3)) LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) STORED AS ORC LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE ''org.apache.hadoop.hive.ql.io.orc.OrcSerde'' LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE ''org.openx.data.jsonserde.JsonSerDe'' LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE ''com.example.MySerDe'' LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) ROW FORMAT DELIMITED FIELDS TERMINATED BY ''||'' LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) ROW FORMAT DELIMITED LINES TERMINATED BY '';'' LOCATION ''s3://b/''', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) LOCATION ''s3://b/'' TBLPROPERTIES (''skip.header.line.count'' = ''2'')', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int)', 'athena');
SELECT flowlog_athena_ddl('CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE ''org.apache.hadoop.hive.serde2.RegexSerDe'' LOCATION ''s3://b/''', 'athena');
CREATE FUNCTION refused(regex text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	RETURN flowlog_athena_ddl(format('CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE ''org.apache.hadoop.hive.serde2.RegexSerDe'' WITH SERDEPROPERTIES ("input.regex" = "%s") LOCATION ''s3://b/''', regex), 'athena');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLERRM || ': ' || detail;
END $$;
SELECT regex, refused(regex) FROM unnest(ARRAY['([a-z&&[^b]])', '([[:alpha:]])', '(\\p{Alpha})', '(?U)(a)', '(\\u0041)', '\\u0041()',
	'(a)(b)', '(a', '(?<=a+)(b)', '(a)\\10', '(\\0101)', '(\\b{g})']) regex;
SELECT flowlog_athena_ddl(:projected, 'athena', '/logs/${account}/${region}/');
SELECT flowlog_athena_ddl($$CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (p string) LOCATION 's3://b/x'
	TBLPROPERTIES ('projection.enabled' = 'true', 'projection.p.type' = 'date', 'projection.p.format' = 'yyyy/M', 'storage.location.template' = 's3://b/${p}')$$, 'athena');
SELECT flowlog_athena_ddl(repeat(' ', 1100000), 'athena');

\set VERBOSITY terse
DROP SCHEMA athena CASCADE;
DROP SERVER athena;
