# What the drivers under BI tools see of a foreign table: JDBC, psycopg2, ODBC and node-postgres each list it, its columns
# and comments, and read typed rows of it, also in portions and by prepared statements.  Each is a small program of
# test/support/clients; what it prints is compared as a whole.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;

# Clients take the session's zone from it, or show a date as its midnight there.
$ENV{TZ} = 'UTC';

my $logs = PostgreSQL::Test::Utils::tempdir;
my $node = start_node('clients', conf => "listen_addresses = '127.0.0.1'");

# ---------- a table with every type that a column usually has ----------

write_file("$logs/flow.log", <<'LOG');
2 123456789012 10.0.1.5 10.0.1.0/24 443 5000000000 7500000000000.25 1769775904 0.5 true 2026-01-30 ACCEPT
2 123456789012 2001:db8::5 2001:db8::/32 22 1 44 1769775910 1000 false 2026-01-31 REJECT
5 - - - - - - 1769776020 - - - -
LOG
$node->safe_psql('postgres', qq{
	CREATE FOREIGN TABLE flow (version smallint, account_id text, srcaddr inet, network cidr, dstport integer, packets bigint, bytes numeric,
		start timestamptz, rate double precision, sampled boolean, day date, action varchar(6), line bigint OPTIONS (field '\$line'))
		SERVER logs OPTIONS (location '$logs/flow.log', regex '(\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+)');
	COMMENT ON FOREIGN TABLE flow IS 'flows at the gateway';
	COMMENT ON COLUMN flow.srcaddr IS 'who asks, "said" it''self';
	COMMENT ON COLUMN flow.bytes IS 'with headers';
	CREATE ROLE analyst LOGIN;
	GRANT SELECT ON flow TO analyst;
});

# ---------- clients ----------

# psycopg2 is small; the packages of the others are not
my $all = $ENV{FLOWLOG_LONG};
my $not_here = 'FLOWLOG_LONG is not set';

# see CLIENT, PROGRAM: PROGRAM is a list, which the port, the user and the table's name follow
sub see
{
	my ($client, $program, $expected) = @_;
	my ($stdout, $stderr) = run_command([ @$program, $node->port, 'analyst', 'flow' ]);

	is("$stdout\n", $expected, "$client sees the table, its columns, comments and rows") or diag($stderr);
	return;
}

subtest 'JDBC' => sub {
	plan skip_all => $not_here unless $all;
	see('JDBC', [ 'java', '-XX:-UsePerfData', '-cp', '/usr/share/java/postgresql.jar', 'test/support/clients/Tables.java' ], <<'TEXT');
table|flow|FOREIGN TABLE|flows at the gateway
column|version|int2|null
column|account_id|text|null
column|srcaddr|inet|who asks, "said" it'self
column|network|cidr|null
column|dstport|int4|null
column|packets|int8|null
column|bytes|numeric|with headers
column|start|timestamptz|null
column|rate|float8|null
column|sampled|bool|null
column|day|date|null
column|action|varchar|null
column|line|int8|null
types|Integer|String|PGobject|PGobject|Integer|Long|BigDecimal|Timestamp|Double|Boolean|Date|String|Long
row|2|123456789012|10.0.1.5|10.0.1.0/24|443|5000000000|7500000000000.25|2026-01-30T12:25:04Z|0.5|true|2026-01-30|ACCEPT|1
row|2|123456789012|2001:db8::5|2001:db8::/32|22|1|44|2026-01-30T12:25:10Z|1000.0|false|2026-01-31|REJECT|2
row|5|null|null|null|null|null|null|2026-01-30T12:27:00Z|null|null|null|null|3
prepared|5000000000
prepared|1
TEXT
};

# What information_schema says of the table, and PostgreSQL of its comments.
my $in_schema = <<'TEXT';
table|flow|FOREIGN|flows at the gateway
column|version|smallint|null
column|account_id|text|null
column|srcaddr|inet|who asks, "said" it'self
column|network|cidr|null
column|dstport|integer|null
column|packets|bigint|null
column|bytes|numeric|with headers
column|start|timestamp with time zone|null
column|rate|double precision|null
column|sampled|boolean|null
column|day|date|null
column|action|character varying|null
column|line|bigint|null
TEXT

subtest 'psycopg2' => sub {
	see('psycopg2', [ '/usr/bin/python3', 'test/support/clients/psycopg.py' ], $in_schema . <<'TEXT');
types|int|str|str|str|int|int|Decimal|datetime|float|bool|date|str|int
row|2|123456789012|10.0.1.5|10.0.1.0/24|443|5000000000|7500000000000.25|2026-01-30T12:25:04+00:00|0.5|True|2026-01-30|ACCEPT|1
row|2|123456789012|2001:db8::5|2001:db8::/32|22|1|44|2026-01-30T12:25:10+00:00|1000.0|False|2026-01-31|REJECT|2
row|5|null|null|null|null|null|null|2026-01-30T12:27:00+00:00|null|null|null|null|3
prepared|5000000000
prepared|1
TEXT
};

# Its driver tells no comments, of whatever table; who wants them asks the catalog.
subtest 'ODBC' => sub {
	plan skip_all => $not_here unless $all;
	my ($driver) = glob('/usr/lib/*/odbc/psqlodbcw.so');

	see('ODBC', [ '/usr/bin/python3', 'test/support/clients/odbc.py', $driver ], <<'TEXT');
table|flow|FOREIGN TABLE|
column|version|int2|
column|account_id|text|
column|srcaddr|inet|
column|network|cidr|
column|dstport|int4|
column|packets|int8|
column|bytes|numeric|
column|start|timestamptz|
column|rate|float8|
column|sampled|bool|
column|day|date|
column|action|varchar|
column|line|int8|
comment||flows at the gateway
comment|srcaddr|who asks, "said" it'self
comment|bytes|with headers
types|int|str|str|str|int|int|Decimal|datetime|float|bool|date|str|int
row|2|123456789012|10.0.1.5|10.0.1.0/24|443|5000000000|7500000000000.25|2026-01-30T12:25:04|0.5|True|2026-01-30|ACCEPT|1
row|2|123456789012|2001:db8::5|2001:db8::/32|22|1|44|2026-01-30T12:25:10|1000.0|False|2026-01-31|REJECT|2
row|5|null|null|null|null|null|null|2026-01-30T12:27:00|null|null|null|null|3
prepared|5000000000
prepared|1
TEXT
};

subtest 'node-postgres' => sub {
	plan skip_all => $not_here unless $all;
	see('node-postgres', [ '/usr/bin/node', 'test/support/clients/node.js' ], $in_schema . <<'TEXT');
types|Number|String|String|String|Number|String|String|Date|Number|Boolean|String|String|String
row|2|123456789012|10.0.1.5|10.0.1.0/24|443|5000000000|7500000000000.25|2026-01-30T12:25:04.000Z|0.5|true|2026-01-30|ACCEPT|1
row|2|123456789012|2001:db8::5|2001:db8::/32|22|1|44|2026-01-30T12:25:10.000Z|1000|false|2026-01-31|REJECT|2
row|5|null|null|null|null|null|null|2026-01-30T12:27:00.000Z|null|null|null|null|3
prepared|5000000000
prepared|1
TEXT
};

check_log($node);
$node->stop;
done_testing();
