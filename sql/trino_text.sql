--
-- Functions of Trino's for numbers, texts and arrays: what they give, and what they refuse
--
\pset format unaligned
CREATE SCHEMA trino_text;
SET search_path = trino_text, public;
SET datestyle = 'ISO, YMD';
SET intervalstyle = postgres;
SET timezone = 'America/New_York';
CREATE FUNCTION refusal(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE 'SELECT ' || expression INTO result;
	RETURN 'not refused: ' || coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END $$;

-- bitwise functions, as of TCP's flags
SELECT f AS tcp_flags, bitwise_and(f, 2) AS syn, bitwise_or(f, 16) AS with_ack, bitwise_xor(f, 3) AS other, bitwise_not(f) AS none, pg_typeof(bitwise_and(f, 2))
FROM unnest(ARRAY[0, 2, 3, 18, 19, NULL]) f;
SELECT bitwise_and(-9223372036854775808, -1), bitwise_not(9223372036854775807), bitwise_xor(-1, 5), bitwise_or(8::smallint, 1::smallint);

-- if: only the branch that counts is evaluated
SELECT x, if(x > 1, 'many', 'few'), if(x > 1, x), IF(x = 0, 0, 10 / x), if(NULL, 1, 2), pg_typeof(if(x > 1, 1, 2.5)) FROM generate_series(0, 2) x;
SELECT sum(IF(x % 2 = 0, x, 0)) AS even, count(if(x % 2 = 0, 1)) AS number_of_even, sum(if(x > 5, if(x > 8, 100, 10), 1)) AS nested FROM generate_series(1, 10) x;
EXPLAIN (VERBOSE, COSTS OFF) SELECT if(x > 1, x, 1 / x) FROM generate_series(0, 2) x;

-- url_decode
SELECT url, url_decode(url) FROM unnest(ARRAY['a+b%20c', 'https%3A%2F%2Fexample.com%2f%3Fq%3D1', '%C3%A4%e2%82%ac', '', '%25', 'plain', NULL]) url;
SELECT url, refusal(format('url_decode(%L)', url)) FROM unnest(ARRAY['%', '%2', 'a%2', '%zz', '%2g', '%-1', '%00', '%ff', '%c3', 'x%c3%28']) url;

-- parse_duration, to the millisecond; a day has 24 hours
SELECT text, parse_duration(text) FROM unnest(ARRAY['42.8ms', '3.81 d', '5m', '0s', '1h', '7d', '2us', '600us', '1500000ns', ' 90  s ', '1.5h', '0.0005s', '106751991d']) text;
SELECT text, refusal(format('parse_duration(%L)', text)) FROM unnest(ARRAY['', '5', 'm', '5 minutes', '-5m', '5M', '5m5', '1.m', '.5m', '5,5m', '1e3s', '5 m m', '106751992d', repeat('9', 400) || 's']) text;
SELECT timestamptz '2026-03-09 12:00+00' - parse_duration('1d') = timestamptz '2026-03-08 12:00+00' AS a_day_is_24_hours;

-- split and element_at
SELECT split('a/b//c/', '/'), split('', '/'), split('/', '/'), split('abc', 'abcd'), split('a--b', '--'), split(NULL, '/'), cardinality(split('2026/02/01', '/')), split('ä€ä', '€');
SELECT refusal($$split('a', '')$$);
SELECT n, element_at(ARRAY['a', 'b', NULL, 'd'], n), element_at('[5:7]={1,2,3}'::int[], n), element_at('{}'::int[], n) FROM unnest(ARRAY[1, 2, 3, 4, 5, -1, -2, -4, -5, 9223372036854775807, -9223372036854775808]) n;
SELECT element_at(split('s3://bucket/AWSLogs/123456789012/vpcflowlogs/eu-west-1/a.log', '/'), -2), element_at(ARRAY[inet '10.0.0.1'], 1), pg_typeof(element_at(ARRAY[1.5], 1)), element_at(ARRAY[1], NULL);
SELECT refusal('element_at(ARRAY[1], 0)'), refusal('element_at(ARRAY[[1], [2]], 1)');

-- sequence
SELECT sequence(1, 5), sequence(5, 1), sequence(3, 3), sequence(1, 10, 4), sequence(10, 1, -3), sequence(-5, 5, 5), sequence(NULL, 1);
SELECT sequence(9223372036854775805, 9223372036854775807), sequence(-9223372036854775808, 9223372036854775807, 9223372036854775807), sequence(9223372036854775807, -9223372036854775808, -9223372036854775808);
SELECT sequence(date '2026-01-30', date '2026-02-02'), sequence(date '2026-02-01', date '2026-01-30'), sequence(date '2026-01-01', date '2026-01-31', interval '10' day), sequence(date '2026-01-31', date '2026-05-30', interval '1' month),
	sequence(date '2024-02-29', date '2020-02-28', interval '-1' year), sequence(date '1999-12-31', date '2000-01-02', interval '24 hours');
SELECT sequence(timestamp '2026-01-30 22:00', timestamp '2026-01-31 01:59', interval '1' hour), sequence(timestamp '2026-01-31 12:00', timestamp '2026-04-30 11:00', interval '1' month);
SELECT to_iso8601(t) FROM unnest(sequence(timestamptz '2026-03-07 00:00+00', timestamptz '2026-03-10 00:00+00', interval '1' day)) t;
SELECT count(*), min(d), max(d) FROM (SELECT 1) one CROSS JOIN UNNEST(sequence(date '2026-01-01', date '2026-12-31', interval '1' day)) AS t (d);
SELECT cardinality(sequence(1, 10000)), pg_typeof(sequence(1, 2)), pg_typeof(sequence(current_date, current_date)), pg_typeof(sequence(now(), now(), interval '1' day)), pg_typeof(sequence(localtimestamp, localtimestamp, interval '1' day));
SELECT expression, refusal(expression) FROM unnest(ARRAY['sequence(1, 5, 0)', 'sequence(1, 5, -1)', 'sequence(5, 1, 1)', 'sequence(1, 10001)', 'sequence(-9223372036854775808, 9223372036854775807)',
	$$sequence(date '2026-01-01', date '2026-01-02', interval '1 hour')$$, $$sequence(date '2026-01-01', date '2026-03-02', interval '1 month 1 day')$$, $$sequence(date '2026-01-01', date '2025-01-02', interval '1 month')$$,
	$$sequence(date '2026-01-01', date '2026-01-02', interval '0')$$, $$sequence(date '2026-01-01', date 'infinity')$$, $$sequence(timestamp '2026-01-01', timestamp '2026-01-02', interval '1 ms')$$,
	$$sequence(timestamp '2026-01-01', timestamp '2026-01-02', interval '-1 month')$$, $$sequence(date '0001-01-01', date '2026-01-01')$$]) expression;
-- the same as generate_series
SELECT setseed(0.3);
SELECT count(*) AS compared, count(*) FILTER (WHERE numbers <> ARRAY(SELECT generate_series(a, b, c)) OR days <> ARRAY(SELECT generate_series(d, d + e, make_interval(days => f))::date)
	OR times <> ARRAY(SELECT generate_series(t, t + make_interval(secs => e), make_interval(secs => f)))) AS others
FROM (SELECT a, b, c, d, e, f, d::timestamp AS t, sequence(a, b, c) AS numbers, sequence(d, d + e, make_interval(days => f)) AS days, sequence(d::timestamp, d + make_interval(secs => e), make_interval(secs => f)) AS times
	FROM (SELECT a, a + sign * floor(random() * 1000)::int8 AS b, sign * (1 + floor(random() * 50)::int8) AS c, date '1990-01-01' + floor(random() * 20000)::int AS d, sign * floor(random() * 500)::int AS e, sign * (1 + floor(random() * 40)::int) AS f
		FROM (SELECT floor((random() - 0.5) * 1e6)::int8 AS a, CASE WHEN random() < 0.5 THEN 1 ELSE -1 END AS sign FROM generate_series(1, 2000)) x) y) z;

\set VERBOSITY terse
DROP SCHEMA trino_text CASCADE;
