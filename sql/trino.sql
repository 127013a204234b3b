--
-- Functions of Trino's that flow log queries use (those that function.sql has not), and queries as they are
-- published for Athena: the same results whatever TimeZone and DateStyle are
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set days :abs_srcdir '/test/data/days.log'
CREATE SCHEMA trino;
SET search_path = trino, public;
SET datestyle = 'ISO, YMD';
SET timezone = 'America/New_York';

-- what a call is refused with
CREATE FUNCTION refusal(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE 'SELECT ' || expression INTO result;
	RETURN 'not refused: ' || coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END $$;

-- to_iso8601: "Z" shows the time zone, three digits or six the precision; years are ISO's, where 0000 is 1 BC
SELECT to_iso8601(timestamptz '2026-01-30 12:25:04+00') AS timestamptz, to_iso8601(timestamp '2026-01-30 12:25:04') AS timestamp, to_iso8601(date '2026-01-30') AS date;
SELECT to_iso8601(t), to_iso8601(t AT TIME ZONE 'UTC'), to_iso8601(t::date)
FROM unnest(ARRAY[timestamp '2026-01-30 00:00', '1970-01-01', '1969-12-31 23:59:59.999', '1969-12-31 23:59:59.999999', '2024-02-29 01:02:03.4', '2026-01-30 12:25:04.000001',
	'9999-12-31 23:59:59.999999', '10000-01-01', '294276-12-31 23:59:59.999999', '0001-01-01', '0001-12-31 BC', '0044-03-15 BC', '4713-01-01 BC']) t;
SELECT to_iso8601(date '5874897-12-31');
SELECT count(*) FROM generate_series(timestamp '1960-01-01', '2040-01-01', '777 hours 13.007 seconds') t
WHERE from_iso8601_timestamp(to_iso8601(t)) <> t AT TIME ZONE 'UTC' OR from_iso8601_timestamp(to_iso8601(t AT TIME ZONE 'UTC')) <> t AT TIME ZONE 'UTC';

-- to_unixtime
SELECT to_unixtime(timestamptz '2026-01-30 12:25:04.25+00'), to_unixtime(timestamp '2026-01-30 12:25:04.25'), to_unixtime(date '2026-01-30'), to_unixtime(timestamp '1969-12-31 23:59:59.5');
SELECT to_unixtime(timestamp '294276-12-31 23:59:59'), to_unixtime(timestamp '4713-01-01 BC'), pg_typeof(to_unixtime(date '2026-01-30'));
SELECT count(*) FROM generate_series(timestamp '1960-01-01', '2040-01-01', '777 hours 13.007 seconds') t
WHERE to_unixtime(t) <> extract(epoch FROM t) OR to_unixtime(t AT TIME ZONE 'UTC') <> extract(epoch FROM t) OR to_unixtime(t::date) <> extract(epoch FROM t::date)
	OR from_unixtime(to_unixtime(t)) <> t AT TIME ZONE 'UTC';

-- hour
SELECT hour(timestamptz '2026-01-30 23:59:59.999999+00'), hour(timestamp '2026-01-30 23:59:59.999999'), hour(date '2026-01-30'), hour(timestamp '1969-12-31 23:00'), hour(from_unixtime(1769775904)), pg_typeof(hour(date '2026-01-30'));
SELECT count(*) FROM generate_series(timestamp '1960-01-01', '2040-01-01', '777 hours 13.007 seconds') t
WHERE hour(t) <> extract(hour FROM t) OR hour(t AT TIME ZONE 'UTC') <> extract(hour FROM t);

-- date_format: every letter of MySQL's, and others, which stand for themselves, as does what is not behind "%"; a "%" at the end is nothing
SELECT letter, date_format(timestamp '2026-01-05 09:07:03.04', '%' || letter) AS morning, date_format(timestamptz '2020-12-31 12:34:56.789+00', '%' || letter) AS noon,
	date_format(timestamp '1969-02-28 00:00:00', '%' || letter) AS midnight, date_format(date '2021-01-03', '%' || letter) AS date
FROM unnest(string_to_array('a,b,c,d,e,f,H,h,I,i,j,k,l,M,m,p,r,S,s,T,v,W,x,Y,y,%,A,B,C,E,F,G,g,J,K,L,N,n,O,o,P,Q,q,R,t,Z,z,1,-,é', ',')) letter;
SELECT refusal(format('date_format(timestamp ''2026-01-30 12:25:04'', ''%%Y %%%s'')', letter)) FROM unnest(ARRAY['D', 'U', 'u', 'V', 'w', 'X']) letter;
SELECT date_format(timestamp '2026-01-30 12:25:04', 'on the %e. of %M at %k:%i é%é %d%') AS text, date_format(timestamp '2026-01-30 12:25:04', '%%%Y%%') AS percent;
SELECT refusal('date_format(timestamp ''2026-01-30 12:25:04'', '''')'), refusal('date_format(timestamp ''2026-01-30 12:25:04'', ''%'')');
SELECT t AS year, date_format(t, '%Y|%y|%x') FROM unnest(ARRAY[timestamp '0044-03-15 BC', '0001-03-15 BC', '0001-03-15', '0999-03-15', '9999-12-31', '12026-03-15', '294276-12-31', '4713-01-01 BC']) t;
-- Trino rounds to the millisecond here, and so may reach the next day
SELECT date_format(t, '%Y-%m-%d %T.%f') FROM unnest(ARRAY[timestamp '2026-01-30 12:25:04.123499', '2026-01-30 12:25:04.1235', '2026-01-30 23:59:59.9995', '1969-12-31 23:59:59.9995', '1969-12-31 23:59:59.999499', '1969-12-31 23:59:59.0005']) t;
-- the same as to_char, whose letters are others
SELECT count(*), count(*) FILTER (WHERE date_format(t, '%Y-%m-%d %H:%i:%s|%a %W|%b %M|%c/%e|%j|%x-%v|%h %I %l %k %p|%r|%T|%y')
	<> to_char(t, 'YYYY-MM-DD HH24:MI:SS|Dy FMDay|Mon FMMonth|FMMM/FMDD|DDD|IYYY-IW|HH12 HH12 FMHH12 FMHH24 AM|HH12:MI:SS AM|HH24:MI:SS|YY')
	OR date_format(t, '%f') <> to_char(t, 'US')) AS others
FROM generate_series(timestamp '1950-01-01 00:00:00.123', '2060-01-01', '31 hours 17 minutes 11.5 seconds') t;

-- date_parse: a number may have fewer digits, a year a sign, a name any of three cases; digits behind milliseconds do not count
SELECT text, format, date_parse(text, format), date_format(date_parse(text, format), format) AS again FROM (VALUES
	('2026-01-30 12:25:04', '%Y-%m-%d %H:%i:%s'), ('2026/1/3 4:5:6', '%Y/%m/%d %H:%i:%s'), ('2026-01-30T12:25:04Z', '%Y-%m-%dT%TZ'), ('2026-01-30t12:25:04z', '%Y-%m-%dT%TZ'),
	('20260130122504', '%Y%m%d%H%i%s'), ('30 JAN 26', '%d %b %y'), ('30 january 2026', '%e %b %Y'), ('Jan 30 2026', '%M %e %Y'), ('Friday, 30.1.2026', '%W, %e.%c.%Y'),
	('05:07:09 PM', '%r'), ('5 am', '%l %p'), ('12 AM', '%h %p'), ('12 PM', '%h %p'), ('12:30', '%I:%i'), ('0:30', '%k:%i'), ('11 PM', '%H %p'), ('11 PM', '%h %p'),
	('1769.1', '%Y.%f'), ('1769.123456789', '%Y.%f'), ('04.9999', '%s.%f'), ('2026 30', '%Y %j'), ('2024-366', '%Y-%j'), ('2026-05', '%x-%v'), ('2020-53 Sunday', '%x-%v %W'), ('5', '%v'), ('2026', '%x'),
	('69', '%y'), ('70', '%y'), ('69-12-31', '%y-%m-%d'), ('+2026', '%Y'), ('-43', '%Y'), ('0', '%Y'), ('0001', '%Y'), ('9999-12-31', '%Y-%m-%d'), ('-4712', '%Y'),
	('02-29', '%m-%d'), ('7', '%m'), ('Tue', '%a'), ('23', '%H'), ('59.5', '%S.%f'), ('x', 'x'), ('100%', '1%0%0%%'), ('é', 'é'), ('2024-02-29', '%Y-%m-%d'),
	('2026-01-30 Monday', '%Y-%m-%d %W'), ('01 02', '%m %m'), ('2026 2025', '%Y %Y'), ('2026-05-30', '%Y-%m-%d%')
) v (text, format);
SELECT text, format, refusal(format('date_parse(%L, %L)', text, format)) FROM (VALUES
	('', '%Y'), ('2026', ''), ('', ''), ('2026', '%'), ('-', '%Y'), ('+-1', '%Y'), ('x', '%d'), ('2026-01', '%Y-%m-%d'), ('2026-01-30 ', '%Y-%m-%d'), (' 2026', '%Y'), ('20265', '%Y'), ('6', '%y'), ('-6', '%y'),
	('123', '%d'), ('jAn', '%b'), ('Ja', '%b'), ('Jann', '%b'), ('Am', '%p'), ('M', '%p'), ('.', '%f'), ('1234567890', '%f'), ('É', 'é'), ('2026', '%Y%Y'), ('now', '%Y'), ('infinity', '%Y'),
	('13', '%m'), ('0', '%m'), ('00', '%d'), ('32', '%d'), ('30 2', '%d %m'), ('2026-02-29', '%Y-%m-%d'), ('2026-06-31', '%Y-%m-%d'), ('2026 366', '%Y %j'), ('0', '%j'), ('2026 54', '%x %v'), ('2021 53', '%x %v'), ('0', '%v'),
	('24', '%H'), ('13', '%h'), ('0', '%h'), ('60', '%i'), ('60', '%s'), ('-4713', '%Y'), ('-9999', '%x'),
	('1', '%D'), ('1', '%U'), ('1', '%u'), ('1', '%V'), ('1', '%w'), ('1', '%X')
) v (text, format);
-- a format that says all is read as it was printed: many formats, and times for each
SELECT setseed(0.4);
CREATE TABLE formats AS SELECT day || separator || time AS format
FROM unnest(ARRAY['%Y-%m-%d', '%d/%c/%Y', '%Y %j', '%x-%v %a', '%x, week %v: %W', '%W %e %M %Y', '%b %d %y', '%Y%m%d', '%%%e%%%M%%%Y']) day,
	unnest(ARRAY[' ', 'T', ' é ']) separator, unnest(ARRAY['%T.%f', '%r.%f', '%H:%i:%s.%f', '%l:%i:%S %p %f', '%k.%i.%s.%f', '%p%I-%i-%s,%f', '%H%i%s.%f']) time;
SELECT count(*) AS compared, count(*) FILTER (WHERE date_parse(date_format(t, format), format) IS DISTINCT FROM t) AS others
FROM formats, LATERAL (SELECT timestamp '1970-01-01' + floor(random() * 3155673600000 + length(format)) * interval '1 millisecond' AS t FROM generate_series(1, 50)) r;

-- date_add: a day that a month lacks is its last
SELECT unit, n, date_add(unit, n, timestamp '2024-01-31 22:10:00.123456') AS timestamp, to_iso8601(date_add(unit, n, timestamptz '2024-01-31 22:10:00.123456+00')) AS timestamptz
FROM unnest(ARRAY['millisecond', 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year', 'MONTH', 'Year']) WITH ORDINALITY u (unit, id), unnest(ARRAY[1, -1, 13]) n ORDER BY id, n;
SELECT unit, n, date_add(unit, n, date '2024-02-29') FROM unnest(ARRAY['day', 'week', 'month', 'quarter', 'year', 'DAY']) WITH ORDINALITY u (unit, id), unnest(ARRAY[1, -1, 48]) n ORDER BY id, n;
SELECT date_add('day', -7, current_date) = current_date - 7 AS days, date_add('hour', -1, now()) = now() - interval '1 hour' AS hours,
	pg_typeof(date_add('day', 1, current_date)), pg_typeof(date_add('day', 1, localtimestamp)), pg_typeof(date_add('day', 1, now())), pg_typeof(date_add('day', 1, '2026-01-30'));
SELECT to_iso8601(date_add('year', 292250, timestamptz '2026-01-30 00:00+00')), date_add('day', -2147483, date '5874897-12-31'), date_add('millisecond', 2147483647, timestamp '2026-01-30');
SELECT expression, refusal(expression) FROM unnest(ARRAY[$$date_add('days', 1, timestamp '2026-01-30')$$, $$date_add('', 1, timestamp '2026-01-30')$$, $$date_add('microsecond', 1, now())$$, $$date_add('hour', 1, date '2026-01-30')$$,
	$$date_add('Millisecond', 1, date '2026-01-30')$$, $$date_add('decade', 1, date '2026-01-30')$$, $$date_add('day', 2147483648, date '2026-01-30')$$, $$date_add('day', -2147483649, timestamp '2026-01-30')$$,
	$$date_add('day', 2147483647, date '2026-01-30')$$, $$date_add('week', -2147483647, date '2026-01-30')$$, $$date_add('year', 2147483647, date '2026-01-30')$$, $$date_add('quarter', -2147483648, timestamp '2026-01-30')$$,
	$$date_add('week', 2147483647, timestamp '2026-01-30')$$, $$date_add('year', 292251, timestamptz '2026-01-30')$$, $$date_add('month', 1, timestamp '294276-12-31')$$, $$date_add('day', 1, timestamp '294276-12-31')$$,
	$$date_add('day', 1, date '5874897-12-31')$$, $$date_add('month', -1, date '4714-12-01 BC')$$, $$date_add('millisecond', -1, timestamp '4714-11-24 BC')$$]) expression;

-- date_diff: whole units, toward zero; a month is whole on the last day of one that lacks the day, too
SELECT a, b, date_diff('day', a, b) AS day, date_diff('week', a, b) AS week, date_diff('month', a, b) AS month, date_diff('quarter', a, b) AS quarter, date_diff('year', a, b) AS year, date_diff('month', b, a) AS back
FROM (VALUES (date '2026-01-31', date '2026-02-28'), ('2026-01-30', '2026-02-28'), ('2026-01-29', '2026-02-27'), ('2026-02-28', '2026-03-31'), ('2026-02-28', '2026-03-28'), ('2026-02-28', '2026-03-27'), ('2024-02-29', '2025-02-28'),
	('2024-02-29', '2028-02-28'), ('2024-02-29', '2028-02-29'), ('2023-02-28', '2024-02-28'), ('2023-03-01', '2024-02-29'), ('2024-12-31', '2025-01-01'), ('2026-05-05', '2026-05-05'), ('1969-12-31', '1970-01-01'),
	('0001-12-31 BC', '0001-01-01'), ('2026-10-31', '2027-01-31'), ('2026-08-31', '2026-11-30'), ('4713-01-01 BC', '9999-12-31')) v (a, b);
SELECT unit, date_diff(unit, timestamp '2026-01-31 12:00:00.5', timestamp '2028-02-29 11:59:59.4999') AS timestamp, date_diff(unit, timestamptz '2028-02-29 11:59:59.4999+00', timestamptz '2026-01-31 12:00:00.5+00') AS back,
	date_diff(unit, date '2026-01-31', timestamp '2028-02-29 12:00') AS date_timestamp, date_diff(unit, timestamptz '2028-02-29 12:00+00', date '2026-01-31') AS timestamptz_date
FROM unnest(ARRAY['millisecond', 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year', 'SECOND']) unit;
-- what is less than a millisecond is cut off first
SELECT date_diff('millisecond', timestamp '2026-01-30 00:00:00.000999', timestamp '2026-01-30 00:00:00.001'), date_diff('second', timestamp '2026-01-30 00:00:00.0005', timestamp '2026-01-30 00:00:01.0004'),
	date_diff('millisecond', timestamp '1969-12-31 23:59:59.9995', timestamp '1970-01-01'), date_diff('month', timestamp '2026-01-30 00:00:00.0005', timestamp '2026-02-28 00:00:00.0004');
SELECT date_diff('millisecond', timestamp '4713-01-01 BC', timestamp '294276-12-31 23:59:59.999999'), date_diff('year', timestamp '294276-12-31', timestamp '4713-01-01 BC');
SELECT expression, refusal(expression) FROM unnest(ARRAY[$$date_diff('days', now(), now())$$, $$date_diff('', date '2026-01-30', date '2026-01-30')$$, $$date_diff('hour', date '2026-01-30', date '2026-01-30')$$, $$date_diff('epoch', date '2026-01-30', now())$$]) expression;
-- each pair of types; a date begins in UTC in all of them
SELECT date_diff('day', d, d + 1) AS dd, date_diff('minute', d, t) AS dt, date_diff('minute', d, z) AS dz, date_diff('minute', t, d) AS td, date_diff('minute', t, t) AS tt, date_diff('minute', t, z) AS tz, date_diff('minute', z, d) AS zd, date_diff('minute', z, t) AS zt, date_diff('minute', z, z) AS zz
FROM (VALUES (date '2026-01-30', timestamp '2026-01-30 00:01', timestamptz '2026-01-30 00:03+00')) v (d, t, z);
SELECT date_diff('day', date '2026-01-28', current_date) = current_date - date '2026-01-28' AS current, date_diff('day', '2026-01-28 00:00+00', '2026-01-30 00:00+00') AS literals, pg_typeof(date_diff('day', now(), current_date));

-- random times against PostgreSQL's own arithmetic
CREATE TABLE times AS SELECT row_number() OVER (ORDER BY random()) AS id, date_trunc('milliseconds', day + CASE WHEN random() < 0.5 THEN random() * interval '1 day' ELSE '0' END) AS t
FROM (SELECT date_trunc('month', timestamp '1900-01-01' + random() * 2400 * interval '1 month') + floor(random() * 5 - 3) * interval '1 day' AS day FROM generate_series(1, 6000)) d;
CREATE TABLE pairs AS SELECT a.t AS a, b.t AS b, floor(random() * 400 - 200)::int AS n FROM times a JOIN times b ON b.id = a.id + 1 WHERE a.id % 2 = 0;
CREATE TABLE unit (name text, step interval, seconds numeric);
INSERT INTO unit VALUES ('millisecond', '1 millisecond', 0.001), ('second', '1 second', 1), ('minute', '1 minute', 60), ('hour', '1 hour', 3600), ('day', '1 day', 86400), ('week', '7 days', 604800),
	('month', '1 month', NULL), ('quarter', '3 months', NULL), ('year', '1 year', NULL);
SELECT count(*) AS compared, count(*) FILTER (WHERE date_add(name, n, a) <> a + n * step) AS timestamp, count(*) FILTER (WHERE date_add(name, n, a AT TIME ZONE 'UTC') <> (a + n * step) AT TIME ZONE 'UTC') AS timestamptz FROM pairs, unit;
SELECT count(*) AS compared, count(*) FILTER (WHERE date_add(name, n, a::date) <> a::date + n * step) AS date FROM pairs, unit WHERE seconds IS NULL OR seconds >= 86400;
SELECT count(*) AS compared, count(*) FILTER (WHERE date_diff(name, a, b) <> trunc((extract(epoch FROM b) - extract(epoch FROM a)) / seconds)) AS timestamp,
	count(*) FILTER (WHERE date_diff(name, a AT TIME ZONE 'UTC', b AT TIME ZONE 'UTC') <> date_diff(name, a, b)) AS timestamptz FROM pairs, unit WHERE seconds IS NOT NULL;
SELECT count(*) AS compared, count(*) FILTER (WHERE date_diff(name, a::date, b::date) <> trunc((b::date - a::date) * 86400::numeric / seconds)) AS date FROM pairs, unit WHERE seconds >= 86400;
-- so many months can be added without passing the other time, but one more cannot
SELECT count(*) AS compared, count(*) FILTER (WHERE NOT (a + diff * step <= b AND b < a + (diff + 1) * step)) AS others, count(*) FILTER (WHERE date_diff(name, b, a) <> -diff) AS back, count(*) FILTER (WHERE date_diff(name, a, b AT TIME ZONE 'UTC') <> diff) AS mixed
FROM (SELECT name, step, least(a, b) AS a, greatest(a, b) AS b, date_diff(name, least(a, b), greatest(a, b)) AS diff FROM pairs, unit WHERE seconds IS NULL) d;
SELECT count(*) AS compared, count(*) FILTER (WHERE hour(t) <> extract(hour FROM t)) AS hour, count(*) FILTER (WHERE day_of_week(t) <> extract(isodow FROM t)) AS day_of_week, count(*) FILTER (WHERE to_unixtime(t) <> extract(epoch FROM t)::float8) AS to_unixtime FROM times;

-- contains: an address of the other family is outside, and an IPv4 address in IPv6's form is that IPv4 address
SELECT cidr, address, contains(cidr, address) FROM (VALUES
	('10.0.0.0/8', IPADDRESS '10.0.0.0'), ('10.0.0.0/8', '10.255.255.255'), ('10.0.0.0/8', '11.0.0.0'), ('10.1.2.3/32', '10.1.2.3'), ('10.1.2.3/32', '10.1.2.2'), ('0.0.0.0/0', '255.255.255.255'), ('10.0.0.0/8', 'fe80::a00:1'), ('0.0.0.0/0', '::1'), ('::/0', '10.0.0.1'),
	('192.168.4.0/22', '192.168.7.255'), ('192.168.4.0/22', '192.168.8.0'), ('128.0.0.0/1', '127.255.255.255'), ('128.0.0.0/1', '128.0.0.0'), ('10.0.0.0/008', '10.0.0.1'),
	('2001:db8::/32', '2001:db8:ffff::1'), ('2001:db8::/32', '2001:db9::1'), ('2001:db8::1/32', '2001:db8::2'), ('2001:db8::5/128', '2001:db8::5'), ('2001:db8::5/127', '2001:db8::4'), ('2001:db8::5/127', '2001:db8::6'), ('2001:DB8::/33', '2001:db8:8000::'), ('::/0', '2001:db8::5'),
	('10.0.0.0/8', '::ffff:10.0.0.1'), ('::ffff:10.0.0.0/8', '10.0.0.1'), ('::ffff:10.0.0.0/8', '::ffff:11.0.0.1'), ('::/0', '::ffff:10.0.0.1'), ('::10.0.0.0/104', '10.0.0.1'), ('::10.0.0.0/104', '::10.0.0.1')
) v (cidr, address);
SELECT cidr, refusal(format($$contains(%L, inet '10.0.0.1')$$, cidr)) FROM unnest(ARRAY['10.0.0.1/8', '10.0.0.0', '', '/', '/8', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0.0/ 8', '10.0.0.0/8 ', ' 10.0.0.0/8', '10.0.0.0/x', '10.0.0.0/4294967304',
	'10/8', '10.0.0/8', '010.0.0.0/8', '10.0.0.256/8', '0.0.0.1/0', '::/129', '::ffff:10.0.0.0/104', '::1.2.3/64', 'fe80::%eth0/64', 'host/8', '-', '10.0.0.0/255.0.0.0']) cidr;
SELECT contains('10.0.0.0/8', inet '10.1.2.3/16') AS host, contains('10.0.0.0/8', cidr '10.1.0.0/16') AS inside, contains('10.0.0.0/8', cidr '10.0.0.0/7') AS around, contains('10.0.0.0/8', inet '::ffff:10.1.2.3/104') AS mapped, contains('0.0.0.0/0', inet '::ffff:10.1.2.3/95') AS wider, contains('0.0.0.0/0', cidr '::/0') AS everything;
SELECT count(*) AS compared, count(*) FILTER (WHERE contains(network::text, address) <> (address <<= network)) AS others, count(*) FILTER (WHERE address <<= network) > 100 AS many_inside
FROM (SELECT network(set_masklen(inet '10.20.0.0' + (random() * 65535)::int, 16 + floor(random() * 16)::int)) AS network, inet '10.20.0.0' + (random() * 65535)::int AS address FROM generate_series(1, 5000)) r;
SELECT expression, refusal(expression) FROM unnest(ARRAY[$$CAST('-' AS ipaddress)$$, $$IPADDRESS '10.0.0.0/8'$$, $$IPADDRESS '10.0.0'$$, $$IPADDRESS '::1/64'$$, $$CAST(text '10.0.0.256' AS ipaddress)$$, $$CAST(inet '10.0.0.1/24' AS ipaddress)$$,
	$$CAST(text '10.0.0.1' AS ipaddress)$$, $$CAST(NULL AS ipaddress)$$, $$contains('10.0.0.0/8', text '10.0.0.1')$$]) expression;

-- NULL for NULL; infinity is refused
SELECT num_nonnulls(to_iso8601(NULL::date), to_unixtime(NULL::timestamp), hour(NULL::timestamptz), date_format(NULL::date, '%Y'), date_format(now(), NULL), date_parse(NULL, '%Y'), date_parse('2026', NULL), date_add(NULL, 1, now()), date_add('day', NULL, now()), date_add('day', 1, NULL::date),
	date_diff('day', NULL::date, now()), date_diff('day', now(), NULL::timestamp), date_diff(NULL, now(), now()), contains(NULL, inet '10.0.0.1'), contains('10.0.0.0/8', NULL));
SELECT expression, refusal(expression) FROM (SELECT format(call, format('%s %L', type, infinity)) AS expression FROM unnest(ARRAY['to_iso8601(%s)', 'to_unixtime(%s)', 'hour(%s)', $$date_format(%s, '%%Y')$$, $$date_add('day', 1, %s)$$, $$date_add('month', 1, %s)$$,
	$$date_diff('day', %s, timestamptz '2026-01-30')$$, $$date_diff('year', date '2026-01-30', %s)$$]) call, unnest(ARRAY['infinity', '-infinity']) infinity, unnest(ARRAY['timestamptz', 'timestamp', 'date']) type) e;
SELECT refusal(expression) FROM unnest(ARRAY[$$to_unixtime(date '5874897-12-31')$$, $$date_format(date '294277-01-01', '%Y')$$, $$date_diff('day', date '2026-01-30', date '294277-01-01')$$]) expression;

-- queries as they are published for Athena, over columns of Athena's types; "-" is text in those of text
CREATE SERVER trino FOREIGN DATA WRAPPER flowlog_fdw;
CREATE FOREIGN TABLE vpc_flow_logs (
	version int, account_id text, interface_id text, srcaddr text OPTIONS (null_off 'true'), dstaddr text OPTIONS (null_off 'true'), srcport int, dstport int, protocol bigint,
	packets bigint, bytes bigint, start bigint, "end" bigint, action text OPTIONS (null_off 'true'), log_status text, "date" date OPTIONS (field '11')
) SERVER trino OPTIONS (location :'days', regex '(\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)', header 'true');
CREATE TABLE queries (id int GENERATED ALWAYS AS IDENTITY, query text);
INSERT INTO queries (query) VALUES
	($$SELECT day_of_week(date) AS day, date, interface_id, srcaddr, action, protocol FROM vpc_flow_logs WHERE action = 'REJECT' AND protocol = 6 LIMIT 100$$),
	($$SELECT SUM(packets) AS packetcount, dstaddr FROM vpc_flow_logs WHERE dstport = 443 AND date > DATE '2026-01-29' GROUP BY dstaddr ORDER BY packetcount DESC LIMIT 10$$),
	($$SELECT count(*) FROM vpc_flow_logs WHERE date >= date_add('day', -2, DATE('2026-02-02')) AND date < DATE('2026-02-02')$$),
	($$SELECT date_format(from_unixtime(start), '%Y-%m-%d') AS day, sum(bytes) AS bytes FROM vpc_flow_logs GROUP BY 1 ORDER BY 1$$),
	($$SELECT date_format(from_unixtime(start), '%Y-%m-%d %H:00') AS hour, count(*) FROM vpc_flow_logs WHERE action = 'ACCEPT' GROUP BY 1 ORDER BY 1$$),
	($$SELECT date_format(from_unixtime(start), '%W %e %M, %l:%i %p') AS time, srcaddr FROM vpc_flow_logs WHERE log_status = 'OK' ORDER BY start, srcaddr$$),
	($$SELECT hour(from_unixtime(start)) AS hour, count(*) AS flows FROM vpc_flow_logs GROUP BY hour(from_unixtime(start)) ORDER BY hour$$),
	($$SELECT to_iso8601(from_unixtime(start)) AS start, to_iso8601(from_unixtime("end")) AS "end", srcaddr, dstaddr FROM vpc_flow_logs WHERE dstport IN (22, 3389) ORDER BY 1$$),
	($$SELECT srcaddr, dstaddr, bytes FROM vpc_flow_logs WHERE start BETWEEN to_unixtime(from_iso8601_timestamp('2026-01-31T00:00:00Z')) AND to_unixtime(from_iso8601_timestamp('2026-01-31T23:59:59Z')) ORDER BY start$$),
	($$SELECT srcaddr, dstaddr, bytes FROM vpc_flow_logs WHERE from_unixtime(start) >= from_iso8601_timestamp('2026-01-31T12:00:00') ORDER BY start$$),
	($$SELECT count(*) FROM vpc_flow_logs WHERE start >= to_unixtime(date_parse('2026/01/31 00', '%Y/%m/%d %H')) AND start < to_unixtime(date_add('hour', 1, date_parse('2026/01/31 00', '%Y/%m/%d %H')))$$),
	($$SELECT interface_id, max(date_diff('second', from_unixtime(start), from_unixtime("end"))) AS longest FROM vpc_flow_logs GROUP BY interface_id ORDER BY longest DESC, interface_id$$),
	($$SELECT date_diff('hour', min(from_unixtime(start)), max(from_unixtime(start))) AS hours, date_diff('day', min(from_unixtime(start)), max(from_unixtime(start))) AS days FROM vpc_flow_logs$$),
	($$SELECT date_diff('day', date, from_unixtime(1770031800)) AS age, count(*) FROM vpc_flow_logs GROUP BY 1 ORDER BY 1$$),
	($$SELECT srcaddr, dstaddr, action FROM vpc_flow_logs WHERE log_status = 'OK' AND contains('10.0.0.0/16', CAST(nullif(dstaddr, '-') AS IPADDRESS)) ORDER BY start, srcaddr$$),
	($$SELECT DISTINCT dstaddr FROM vpc_flow_logs WHERE NOT contains('10.0.0.0/8', CAST(nullif(dstaddr, '-') AS IPADDRESS)) ORDER BY 1$$),
	($$SELECT count(*) FROM vpc_flow_logs WHERE CAST(nullif(srcaddr, '-') AS IPADDRESS) BETWEEN IPADDRESS '10.0.0.0' AND IPADDRESS '10.255.255.255'$$),
	($$SELECT CASE WHEN contains('10.0.0.0/8', CAST(nullif(dstaddr, '-') AS IPADDRESS)) OR contains('172.16.0.0/12', CAST(nullif(dstaddr, '-') AS IPADDRESS)) THEN 'inside' ELSE 'outside' END AS place, sum(bytes) FROM vpc_flow_logs WHERE action = 'ACCEPT' GROUP BY 1 ORDER BY 1$$),
	($$SELECT from_unixtime(start - start % 3600) = date_add('minute', -1 * (start % 3600) / 60, from_unixtime(start - start % 60)) AS same, count(*) FROM vpc_flow_logs GROUP BY 1 ORDER BY 1$$),
	($$SELECT day_of_week(from_unixtime(start)) AS weekday, action, count(*) FROM vpc_flow_logs GROUP BY day_of_week(from_unixtime(start)), action ORDER BY 1, 2$$),
	($$WITH rejects AS (SELECT srcaddr, from_unixtime(start) AS time FROM vpc_flow_logs WHERE action = 'REJECT') SELECT srcaddr, count(*) AS n, to_iso8601(min(time)) AS first, date_diff('minute', min(time), max(time)) AS minutes FROM rejects GROUP BY srcaddr HAVING count(*) >= 1 ORDER BY n DESC, srcaddr$$),
	($$SELECT protocol, CAST(sum(bytes) AS double precision) / 1048576 AS mb FROM vpc_flow_logs WHERE date_format(from_unixtime(start), '%Y%m%d') = '20260131' GROUP BY protocol ORDER BY mb DESC$$);

-- each query's rows, and that they are the same elsewhere
CREATE FUNCTION result(query text, zone text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('timezone', zone, true);
	RETURN QUERY EXECUTE 'SELECT (SELECT string_agg(coalesce(value, ''NULL''), ''  '') FROM json_each_text(to_json(q))) FROM (' || query || ') q';
END $$;
\pset format unaligned
SELECT id, result(query, 'UTC') FROM queries ORDER BY id;
SELECT id, zone FROM queries, unnest(ARRAY['America/New_York', 'Asia/Kolkata', 'Pacific/Auckland']) zone WHERE ARRAY(SELECT result(query, 'UTC')) <> ARRAY(SELECT result(query, zone));
SELECT count(*) AS with_rows FROM queries WHERE EXISTS (SELECT result(query, 'UTC'));

-- a time that comes of these functions is a constant for the reader
EXPLAIN (COSTS OFF) SELECT srcaddr FROM vpc_flow_logs WHERE from_unixtime(start) >= date_add('day', -1, from_iso8601_timestamp('2026-02-01T00:00:00Z'));

-- all of them: for everybody, fit for an index and a parallel plan, and in whatever schema
SELECT proname, string_agg(pg_get_function_identity_arguments(p.oid) || ': ' || pg_get_function_result(p.oid), '; ' ORDER BY p.oid) AS functions,
	bool_and(provolatile = 'i' AND proisstrict AND proparallel = 's' AND has_function_privilege('public', p.oid, 'EXECUTE')) AS everywhere
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'flowlog_fdw'
WHERE proname !~ '^flowlog_' GROUP BY proname ORDER BY proname;
CREATE INDEX ON times (date_format(t, '%Y-%m'), hour(t), date_add('day', 1, t));
ALTER EXTENSION flowlog_fdw SET SCHEMA trino;
SET search_path = pg_catalog;
SELECT trino.contains('10.0.0.0/8', trino.ipaddress '10.1.2.3'), trino.contains('10.0.0.0/8', CAST('10.1.2.3' AS trino.ipaddress)), trino.date_diff('day', trino.from_unixtime(0), trino.date_add('day', 3, date '1970-01-01'));
SELECT trino.ipaddress '10.0.0.0/8'; -- ERROR
ALTER EXTENSION flowlog_fdw SET SCHEMA public;

SET client_min_messages = warning;
DROP SERVER trino CASCADE;
DROP SCHEMA trino CASCADE;
