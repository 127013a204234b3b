set client_min_messages=warning; set hash_mem_multiplier=1;
create temp table if not exists a(k text, x bigint);
\timing on
\set q 'select count(*), sum(hashtextextended(q::text,0)::numeric) from (select destinationaddress, sourceport, count(*) c, sum(numbytes) s, avg(numpackets) a, max(numbytes) m from t where destinationport < 1000 group by 1,2 offset 0) q'
set flowlog_fdw.enable_aggregate_pushdown=off; set max_parallel_workers_per_gather=0; set work_mem='256MB';
:q;
set flowlog_fdw.enable_aggregate_pushdown=on;
:q;
set work_mem='1MB';
:q;
set max_parallel_workers_per_gather=1;
:q;
set work_mem='64MB'; set jit=on; set jit_above_cost=0; set jit_inline_above_cost=0; set jit_optimize_above_cost=0;
:q;
explain (costs off) :q;
