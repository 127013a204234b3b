--
-- Functions of Trino's that flow log queries use: they read time in UTC, whatever TimeZone and DateStyle are
--
CREATE SCHEMA function;
SET search_path = function, public;
SET datestyle = 'ISO, YMD';
SET timezone = 'UTC';

-- from_iso8601_timestamp: the form of CloudWatch's exports, and what else ISO 8601 allows
CREATE TABLE text_form (id int GENERATED ALWAYS AS IDENTITY, text text);
INSERT INTO text_form (text) VALUES
	('2026-01-30T12:25:04.000Z'), ('2026-01-30T12:25:04Z'), ('2026-01-30T12:25:04'), ('2026-01-30T12:25'), ('2026-01-30T12'), ('2026-01-30T'), ('2026-01-30'),
	('2026-01'), ('2026'), ('2026-01-30T12:25:04+02:00'), ('2026-01-30T12:25:04-0530'), ('2026-01-30T12:25:04+01'), ('2026-01-30T12Z'), ('2026-01-30TZ'),
	('2026-030'), ('2026-030T12:25:04Z'), ('2026-W05'), ('2026-W05-5'), ('2026-W05-5T12:25:04Z'), ('2020-W53-7'), ('20260130T122504Z'), ('2026W055T122504'),
	('2026-01-30T12:25:04.1234Z'), ('2026-01-30T12:25:04.9999999Z'), ('2026-01-30T12:25:04,5Z'), ('2026-01-30T12:25.5Z'), ('2026-01-30T12.25Z'),
	('2026-1-3T4:5:6Z'), ('2024-02-29'), ('2000-02-29'), ('0001-01-01'), ('9999-12-31T23:59:59.999Z'), ('1969-12-31T23:59:59.999Z'), ('2026-01-30t12:25:04z'),
	('20260130T122504.9999999Z'), ('2026-01-30T12.0000175Z');
SELECT text, from_iso8601_timestamp(text) FROM text_form ORDER BY id;

-- the same under another TimeZone and DateStyle
CREATE TABLE reference AS SELECT id, extract(epoch FROM from_iso8601_timestamp(text)) AS seconds FROM text_form;
SET timezone = 'Asia/Kolkata';
SET datestyle = 'SQL, DMY';
SELECT count(*) AS others FROM text_form JOIN reference USING (id) WHERE extract(epoch FROM from_iso8601_timestamp(text)) <> seconds;
SET timezone = 'America/St_Johns';
SELECT count(*) AS others FROM text_form JOIN reference USING (id) WHERE extract(epoch FROM from_iso8601_timestamp(text)) <> seconds;
SET datestyle = 'ISO, YMD';
SET timezone = 'UTC';

-- what is no such text is an error, never another time
CREATE FUNCTION refusal(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN from_iso8601_timestamp($1);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
SELECT refusal(text) FROM unnest(ARRAY['', ' ', '-', 'now', 'infinity', 'today', '2026-01-30 12:25:04', '2026-01-30T12:25:04 Z', ' 2026-01-30', '2026-01-30 ', '30/01/2026',
	'Jan 30 2026', '2026-01-30T12:25:04Q', '2026-01-30T12:25:04+2', '2026-01-30T12:', '2026-01-30T12:25:04.', '2026-01-30T12:25:04Zx', '12:25:04', 'T12:25:04', '2026-', '2026-W',
	'2026-13-01', '2026-02-29', '2026-01-32', '2026-00-10', '2026-01-00', '2026-01-30T24:00:00Z', '2026-01-30T12:60:00Z', '2026-01-30T12:25:60Z', '2026-366', '2026-000',
	'2026-W54', '2021-W53', '2026-W05-8', '2026-01-30T12:25:04+24:00', '10000-01-01', '0000-01-01', '-0001-01-01', '2026-01-30T12:25:04' || chr(10)]) text;
SELECT from_iso8601_timestamp(NULL);
SELECT from_iso8601_timestamp(repeat('9', 50)); -- ERROR

-- from_unixtime: to the millisecond
SELECT x, from_unixtime(x) FROM unnest(ARRAY[0, 1769775904, 1769775904.1234, 1769775904.0005, -1, -0.0015, 2147483648, 253402300799, -62135596800, 4503599627371.001]) x;
SELECT count(*) FROM generate_series(-2000000000, 2000000000, 12345678) x WHERE from_unixtime(x) <> to_timestamp(x);
SELECT from_unixtime(1769775904) = to_timestamp(1769775904), from_unixtime(NULL), pg_typeof(from_unixtime(0));
SELECT from_unixtime('NaN'); -- ERROR
SELECT from_unixtime('infinity'); -- ERROR
SELECT from_unixtime('-infinity'); -- ERROR
SELECT from_unixtime(1e16); -- ERROR
SELECT from_unixtime(-1e12); -- ERROR

-- day_of_week: Monday is 1, and a day begins in UTC
SELECT day, day_of_week(day) AS date, day_of_week(day::timestamp) AS timestamp, day_of_week(day::timestamp AT TIME ZONE 'UTC') AS timestamptz
FROM (SELECT date '2026-01-26' + n AS day FROM generate_series(0, 6) n) d ORDER BY day;
SELECT day, day_of_week(day), extract(isodow FROM day) FROM unnest(ARRAY[date '1969-12-31', '1970-01-01', '1999-12-31', '2000-01-01', '1900-03-01', '0001-01-01', '0001-12-31 BC', '4713-01-01 BC', '5874897-12-31']) day;
SELECT count(*) AS others FROM generate_series(timestamp '1960-01-01', '2040-01-01', '7 hours 13 minutes') t
WHERE day_of_week(t) <> extract(isodow FROM t) OR day_of_week(t AT TIME ZONE 'UTC') <> extract(isodow FROM t) OR day_of_week(t::date) <> extract(isodow FROM t);
SELECT day_of_week(timestamp '1969-12-31 23:59:59.999999'), day_of_week(timestamp '1970-01-01'), day_of_week(timestamp '1999-12-31 23:59:59.999999'), day_of_week(timestamp '2000-01-01');
SET timezone = 'Pacific/Auckland';
SELECT day_of_week(timestamptz '2026-01-30 23:59:59+00'), day_of_week(timestamptz '2026-01-31 00:00:00+00'), day_of_week(timestamp '2026-01-30 23:59:59'), day_of_week(from_iso8601_timestamp('2026-01-30'));
SET timezone = 'UTC';
SELECT day_of_week(NULL::timestamptz), day_of_week(NULL::timestamp), day_of_week(NULL::date), pg_typeof(day_of_week(date '2026-01-30'));
SELECT day_of_week(timestamptz 'infinity'); -- ERROR
SELECT day_of_week(timestamptz '-infinity'); -- ERROR
SELECT day_of_week(timestamp 'infinity'); -- ERROR
SELECT day_of_week(date 'infinity'); -- ERROR
SELECT day_of_week(date '-infinity'); -- ERROR

-- parts of a time are those in UTC, without a fraction
SET timezone = 'Pacific/Auckland';
SELECT year(t), month(t), day(t), day_of_month(t), hour(t), minute(t), second(t)
FROM unnest(ARRAY[timestamptz '2025-12-31 23:59:58.9+00', '2026-01-01 00:00:00+00', NULL]) t;
SELECT year(t), month(t), day(t), day_of_month(t), hour(t), minute(t), second(t) FROM unnest(ARRAY[timestamp '2025-12-31 23:59:58.9', '2026-01-01']) t;
SELECT year(t), month(t), day(t), day_of_month(t), hour(t), minute(t), second(t) FROM (SELECT date '2025-12-31' AS t) d;
SET timezone = 'UTC';

-- for everybody, and fit for an index and a parallel plan
SELECT proname, pg_get_function_arguments(oid) AS arguments, provolatile, proisstrict, proparallel, has_function_privilege('public', oid, 'EXECUTE') AS everybody
FROM pg_proc WHERE proname IN ('from_iso8601_timestamp', 'from_unixtime', 'day_of_week') ORDER BY 1, 2;
CREATE INDEX ON text_form (from_iso8601_timestamp(text));

SET client_min_messages = warning;
DROP SCHEMA function CASCADE;
