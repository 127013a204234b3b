--
-- S3, as far as no store is needed: options, whose they are, and who is never connected to
--
\set VERBOSITY default
-- an error of a worker would say so, if it was the first to try
SET max_parallel_workers_per_gather = 0;

-- options of servers
CREATE SERVER s3 FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (region 'eu-central-1.evil'); -- ERROR
CREATE SERVER s3 FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (endpoint 's3.example.com'); -- ERROR
CREATE SERVER s3 FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (endpoint 'file:///etc/passwd'); -- ERROR
CREATE SERVER s3 FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (endpoint 'https://user:secret@s3.example.com'); -- ERROR
CREATE SERVER s3 FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (endpoint 'https://s3.example.com/path'); -- ERROR
CREATE SERVER s3 FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (url_style 'dns'); -- ERROR
CREATE SERVER s3 FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (requester_pays 'perhaps'); -- ERROR
CREATE SERVER s3 FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (max_connections '0'); -- ERROR
CREATE SERVER s3 FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (max_connections '1001'); -- ERROR
CREATE SERVER s3 FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (ca_file 'ca.pem'); -- ERROR
CREATE SERVER s3 FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (access_key_id 'AKIA'); -- ERROR
CREATE SERVER s3 FOREIGN DATA WRAPPER flowlog_fdw
	OPTIONS (region 'eu-central-1', endpoint 'https://127.0.0.1:1/', url_style 'path', requester_pays 'true', max_connections '4');

-- options of user mappings: a secret is not repeated in an error
CREATE USER MAPPING FOR CURRENT_USER SERVER s3 OPTIONS (access_key_id 'AKIA'); -- ERROR
CREATE USER MAPPING FOR CURRENT_USER SERVER s3 OPTIONS (access_key_id 'AKIA', secret_access_key E'a\nb'); -- ERROR
CREATE USER MAPPING FOR CURRENT_USER SERVER s3 OPTIONS (access_key_id 'AKIA', secret_access_key ''); -- ERROR
CREATE USER MAPPING FOR CURRENT_USER SERVER s3 OPTIONS (credential_source 'imds'); -- ERROR
CREATE USER MAPPING FOR CURRENT_USER SERVER s3 OPTIONS (credential_source 'anonymous', access_key_id 'AKIA', secret_access_key 's'); -- ERROR
CREATE USER MAPPING FOR CURRENT_USER SERVER s3 OPTIONS (region 'eu-central-1'); -- ERROR

-- a table: nothing is asked when it is created or planned
CREATE FOREIGN TABLE flow (srcaddr inet, dstport int, "$path" text, day date) SERVER s3
	OPTIONS (location 's3://bucket/AWSLogs/${day:yyyy/MM/dd}/');
PREPARE planned AS SELECT count(*) FROM flow WHERE dstport = 443;
\set VERBOSITY sqlstate
SELECT count(*) FROM flow; -- ERROR: there is no user mapping
EXPLAIN (COSTS OFF) SELECT * FROM flow; -- ERROR: it would list
\set VERBOSITY default
CREATE USER MAPPING FOR PUBLIC SERVER s3;
SELECT count(*) FROM flow; -- ERROR: it has no keys
ALTER USER MAPPING FOR PUBLIC SERVER s3 OPTIONS (ADD access_key_id 'AKIAIOSFODNN7EXAMPLE', ADD secret_access_key 'secret');
SELECT count(*) FROM flow; -- ERROR: the address is not allowed
EXECUTE planned; -- ERROR
SELECT * FROM flowlog_files('flow'); -- ERROR
IMPORT FOREIGN SCHEMA logs FROM SERVER s3 INTO public OPTIONS (location 's3://bucket/AWSLogs/'); -- ERROR

-- whoever cannot read the server's files can have tables of a bucket, but not choose who is asked, nor borrow an identity
CREATE ROLE regress_bucket;
GRANT USAGE ON FOREIGN SERVER s3 TO regress_bucket;
GRANT USAGE ON FOREIGN DATA WRAPPER flowlog_fdw TO regress_bucket;
GRANT CREATE ON SCHEMA public TO regress_bucket;
SET ROLE regress_bucket;
CREATE FOREIGN TABLE own (line text) SERVER s3 OPTIONS (location 's3://bucket/', regex '(.*)');
ALTER FOREIGN TABLE own OPTIONS (SET location '/etc/passwd'); -- ERROR
CREATE SERVER own FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (endpoint 'https://10.0.0.1'); -- ERROR
CREATE SERVER own FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (ca_file '/tmp/ca.pem'); -- ERROR
CREATE SERVER own FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (region 'eu-central-1');
CREATE USER MAPPING FOR regress_bucket SERVER own OPTIONS (credential_source 'instance'); -- ERROR
CREATE USER MAPPING FOR regress_bucket SERVER own OPTIONS (credential_source 'anonymous');
ALTER USER MAPPING FOR regress_bucket SERVER own OPTIONS (SET credential_source 'environment'); -- ERROR
SELECT option_name FROM pg_options_to_table((SELECT umoptions FROM pg_user_mappings WHERE srvname = 's3')); -- the keys are not shown
RESET ROLE;
DROP OWNED BY regress_bucket;
DROP ROLE regress_bucket;

-- the mapping that is missing, with what makes it
CREATE SERVER "no keys" FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FOREIGN TABLE no_keys (srcaddr inet) SERVER "no keys" OPTIONS (location 's3://bucket/key');
CREATE ROLE "regress_no keys";
GRANT SELECT ON no_keys TO "regress_no keys";
SET ROLE "regress_no keys";
SELECT count(*) FROM no_keys; -- ERROR
RESET ROLE;
DROP SERVER "no keys" CASCADE;
DROP ROLE "regress_no keys";

-- the setting
ALTER SYSTEM SET flowlog_fdw.allowed_endpoints = 'http://s3.example.com'; -- ERROR
SET flowlog_fdw.allowed_endpoints = '127.0.0.1'; -- ERROR
DROP SERVER s3 CASCADE;
