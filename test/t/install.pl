# The extension in a database: in a schema of its own, among look-alikes of what it
# uses, and gone without a trace.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('install');

write_file("$logs/flow.log", default_lines(1, 100));
my $table = "CREATE FOREIGN TABLE flow ($columns) SERVER logs OPTIONS (location '$logs/flow.log', regex '$record')";

# ---------- a schema of its own ----------

$node->safe_psql('postgres', 'CREATE DATABASE elsewhere');
$node->safe_psql('elsewhere', qq{
	CREATE SCHEMA "flow logs";
	CREATE EXTENSION flowlog_fdw SCHEMA "flow logs";
	CREATE SERVER logs FOREIGN DATA WRAPPER flowlog_fdw;
	$table;
});
is($node->safe_psql('elsewhere', q{SELECT count(*) FROM pg_proc WHERE probin LIKE '%flowlog_fdw' AND pronamespace <> '"flow logs"'::regnamespace}),
	0, 'all its functions are in the schema');
is($node->safe_psql('elsewhere', 'SELECT count(*) FROM flow WHERE dstport = 443'), 20, 'tables work without the schema in search_path');
is($node->safe_psql('elsewhere', q{SELECT count(*) FROM "flow logs".flowlog_rejects('flow')}), 0, 'functions work by their full names');
is( $node->safe_psql('elsewhere', q{SELECT count(*) FROM flow WHERE start >= "flow logs".from_unixtime(1769731250)}),
	51, 'also in quals');
like(
	$node->safe_psql('elsewhere', q{EXPLAIN SELECT * FROM flow WHERE "flow logs".from_unixtime(bytes) > '2020-01-01'}),
	qr/Pushed Filter: .*from_unixtime/, 'which are pushed, wherever the functions are');
$node->safe_psql('elsewhere', 'CREATE SCHEMA moved; ALTER EXTENSION flowlog_fdw SET SCHEMA moved');
is($node->safe_psql('elsewhere', q{SELECT moved.day_of_week(date '2026-01-30'), count(*) FROM flow WHERE moved.from_unixtime(bytes) > '1970-01-01'}),
	'5|100', 'it can be moved');

# ---------- gone without a trace ----------

my $objects = q{
	SELECT string_agg(o, E'\n' ORDER BY o) FROM (
		SELECT 'function ' || oid::regprocedure::text AS o FROM pg_proc WHERE oid >= 16384
		UNION ALL SELECT 'wrapper ' || fdwname FROM pg_foreign_data_wrapper
		UNION ALL SELECT 'server ' || srvname FROM pg_foreign_server
		UNION ALL SELECT 'type ' || typname FROM pg_type WHERE oid >= 16384
		UNION ALL SELECT 'relation ' || relname FROM pg_class WHERE oid >= 16384
		UNION ALL SELECT 'operator ' || oid::regoperator::text FROM pg_operator WHERE oid >= 16384
		UNION ALL SELECT 'cast ' || oid FROM pg_cast WHERE oid >= 16384) objects};
$node->safe_psql('postgres', 'CREATE DATABASE clean');
my $before = $node->safe_psql('clean', $objects);
$node->safe_psql('clean', "CREATE EXTENSION flowlog_fdw; CREATE SERVER logs FOREIGN DATA WRAPPER flowlog_fdw; $table");
isnt($node->safe_psql('clean', $objects), $before, 'CREATE EXTENSION creates objects');
my ($status, $stdout, $stderr) = $node->psql('clean', 'DROP EXTENSION flowlog_fdw');
like($stderr, qr/cannot drop extension flowlog_fdw because other objects depend on it/, 'it is not dropped under its servers');
$node->safe_psql('clean', 'DROP EXTENSION flowlog_fdw CASCADE');
is($node->safe_psql('clean', $objects), $before, 'DROP EXTENSION CASCADE leaves nothing');
$node->safe_psql('clean', 'CREATE EXTENSION flowlog_fdw; DROP EXTENSION flowlog_fdw; CREATE EXTENSION flowlog_fdw');
is($node->safe_psql('clean', q{SELECT extversion FROM pg_extension WHERE extname = 'flowlog_fdw'}), '1.0', 'it can be created again');

# a session that used it survives its end
my $session = FlowLogSession->new($node, dbname => 'elsewhere');
$session->safe_query('PREPARE q AS SELECT count(*) FROM flow');
is($session->safe_query('EXECUTE q'), 100, 'a prepared statement');
$node->safe_psql('elsewhere', 'DROP EXTENSION flowlog_fdw CASCADE');
$session->query('EXECUTE q');
like($session->error, qr/ERROR:  42P01/, 'whose table was dropped with the extension is an error');
is($session->query('SELECT 1'), 1, 'and the session goes on');
$session->quit;

# who may create it: it is not trusted
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE DATABASE owned OWNER owner');
($status, $stdout, $stderr) = $node->psql('owned', 'CREATE EXTENSION flowlog_fdw', extra_params => [ '-U', 'owner' ]);
like($stderr, qr/permission denied to create extension "flowlog_fdw"/, 'the owner of a database cannot create it');

# ---------- look-alikes ----------

# What the extension uses by name, or might: an attacker made it all, in schemas that the
# superuser who creates the extension has in front of pg_catalog.  Each tells when it is called.
my @arguments = (
	# functions that are called in the extension's script or in queries
	[ 'flowlog_fdw_handler', '' ],
	[ 'flowlog_fdw_validator', 'pg_catalog.text[], pg_catalog.oid' ],
	[ 'flowlog_rejects', 'pg_catalog.regclass' ],
	[ 'from_unixtime', 'pg_catalog.int8' ],
	[ 'from_unixtime', 'pg_catalog.int4' ],
	[ 'to_timestamp', 'pg_catalog.int8' ],
	[ 'to_timestamp', 'pg_catalog.float8' ],
	[ 'day_of_week', 'pg_catalog.text' ],
	[ 'inet_in', 'pg_catalog.text' ],
	[ 'numeric_in', 'pg_catalog.text, pg_catalog.oid, pg_catalog.int4' ],
	[ 'float8', 'pg_catalog.int8' ],
	[ 'int8', 'pg_catalog.int4' ],
	[ 'numeric', 'pg_catalog.int4' ],
	[ 'network_sub', 'pg_catalog.inet, pg_catalog.inet' ],
	[ 'count', 'pg_catalog.text' ]);
my @operators = (
	# and operators with their arguments
	(map { [ $_, 'pg_catalog.int4', 'pg_catalog.int4' ] } qw(= <> < <= > >=)),
	(map { [ $_, 'pg_catalog.int8', 'pg_catalog.int4' ] } qw(= < >)),
	(map { [ $_, 'pg_catalog.inet', 'pg_catalog.inet' ] } qw(= << <<= && >>)),
	(map { [ $_, 'pg_catalog.text', 'pg_catalog.text' ] } qw(= <>)),
	(map { [ $_, 'pg_catalog.timestamptz', 'pg_catalog.timestamptz' ] } qw(= < >=)),
	(map { [ $_, 'pg_catalog.oid', 'pg_catalog.oid' ] } qw(=)));
my @types = qw(text int4 int8 float8 numeric inet cidr timestamptz timestamp date regclass oid void fdw_handler record);

sub look_alikes
{
	my ($schema) = @_;
	my $sql = "CREATE TABLE IF NOT EXISTS public.called (what pg_catalog.text);\n";

	foreach my $function (@arguments)
	{
		my ($name, $arguments) = @$function;
		$sql .= "CREATE FUNCTION $schema.\"$name\"($arguments) RETURNS pg_catalog.bool LANGUAGE plpgsql AS "
		  . "\$\$ BEGIN INSERT INTO public.called VALUES ('$name'); RAISE EXCEPTION 'called $schema.$name'; END \$\$;\n";
	}
	foreach my $number (0 .. $#operators)
	{
		my ($name, $left, $right) = @{ $operators[$number] };
		$sql .= "CREATE FUNCTION $schema.operator_$number($left, $right) RETURNS pg_catalog.bool LANGUAGE plpgsql AS "
		  . "\$\$ BEGIN INSERT INTO public.called VALUES ('$name'); RETURN false; END \$\$;\n"
		  . "CREATE OPERATOR $schema.$name (FUNCTION = $schema.operator_$number, LEFTARG = $left, RIGHTARG = $right);\n";
	}
	$sql .= "CREATE DOMAIN $schema.\"$_\" AS pg_catalog.bool CHECK (VALUE IS NULL);\n" foreach @types;
	return $sql;
}

$node->safe_psql('postgres', 'CREATE DATABASE hostile');
$node->safe_psql('hostile', look_alikes('public'));
$session = FlowLogSession->new($node, dbname => 'hostile');
$session->safe_query(look_alikes('pg_temp') =~ s/CREATE TABLE.*\n//r);

# pg_temp is never searched for functions and operators, but it is for types and tables
$session->query('SET search_path = pg_temp, public, pg_catalog');
$session->query('CREATE EXTENSION flowlog_fdw SCHEMA public');
like($session->error, qr/ERROR:  42(723|P07|710): .*already exists/, 'what exists is not replaced, nor made part of the extension');
is($session->query('SELECT pg_catalog.count(*) FROM public.called'), 0, 'and nothing of it was called');

$session->safe_query('CREATE SCHEMA fresh; CREATE EXTENSION flowlog_fdw SCHEMA fresh');
is($session->error, '', 'in another schema it is created');
is( $session->safe_query(q{
		SELECT pg_catalog.string_agg(DISTINCT t.typname OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) n.nspname, ', ')
		FROM pg_catalog.pg_proc p, pg_catalog.unnest(coalesce(p.proallargtypes, p.proargtypes::pg_catalog.oid[]) OPERATOR(pg_catalog.||) p.prorettype) u,
			pg_catalog.pg_type t, pg_catalog.pg_namespace n
		WHERE p.pronamespace OPERATOR(pg_catalog.=) (SELECT s.oid FROM pg_catalog.pg_namespace s WHERE s.nspname OPERATOR(pg_catalog.=) 'fresh')
			AND t.oid OPERATOR(pg_catalog.=) u AND n.oid OPERATOR(pg_catalog.=) t.typnamespace
			AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog' AND n.nspname OPERATOR(pg_catalog.<>) 'fresh'}),
	'', 'with PostgreSQL\'s own types alone');

# queries: what the query's own names mean is the caller's business; what we do on the way is ours
my $safe_columns = $columns =~ s/\b(int|bigint|text|inet|timestamptz)\b/{ int => 'pg_catalog.int4', bigint => 'pg_catalog.int8' }->{$1} \/\/ "pg_catalog.$1"/ger;
$session->safe_query("CREATE SERVER logs FOREIGN DATA WRAPPER flowlog_fdw; CREATE FOREIGN TABLE public.flow ($safe_columns) SERVER logs "
	  . "OPTIONS (location '$logs/flow.log', regex '$record')");
is($session->safe_query('SELECT pg_catalog.count(*) FROM flow'), 100, 'with look-alikes in front, a table is read');
is($session->safe_query('SELECT pg_catalog.sum(bytes) FROM flow'), 100 * 40 + 5050, 'and right');
is( $session->safe_query('SELECT pg_catalog.count(*) FROM flow WHERE dstport OPERATOR(pg_catalog.=) 443'), 20, 'a qual with PostgreSQL\'s operator is PostgreSQL\'s');
is($session->safe_query('SELECT pg_catalog.count(*) FROM public.called'), 0, 'nothing of the look-alikes was called');
foreach my $sql ('ANALYZE flow', q{SELECT * FROM fresh.flowlog_rejects('flow'::pg_catalog.regclass)}, 'EXPLAIN ANALYZE SELECT * FROM flow',
	q{SELECT fresh.from_unixtime('5'::pg_catalog.float8), fresh.day_of_week('2026-01-30'::pg_catalog.date)},
	'ALTER FOREIGN TABLE flow OPTIONS (ADD on_error \'ignore\')')
{
	$session->query($sql);
	unlike($session->error, qr/ERROR/, "$sql succeeds");
}
is($session->safe_query('SELECT pg_catalog.count(*) FROM public.called'), 0, 'nor by them');

# A look-alike operator that the query does use is not taken for the real one.
is($session->safe_query('SELECT pg_catalog.count(*) FROM flow WHERE dstport = 443'), 0, 'a look-alike operator does what it does');
like($session->safe_query('EXPLAIN (COSTS OFF) SELECT * FROM flow WHERE dstport = 443'), qr/^ +Filter: /m, 'and is not pushed');
unlike($session->safe_query(q{EXPLAIN (COSTS OFF) SELECT * FROM flow WHERE srcaddr << '10.0.0.0/8'::pg_catalog.inet}), qr/Pushed Filter/, 'nor is one over addresses');
$session->quit;

check_log($node);
$node->stop;
done_testing();
