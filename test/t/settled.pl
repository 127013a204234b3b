# Option "settled_after": files of days long past come from the catalogue.  Queries return what they return without the
# option, in every plan, over directories and buckets; what has broken the promise is an error or is told; nobody sees by
# the catalogue what a listing would not show.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Path qw(remove_tree);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::Local qw(timegm);

use FlowLog;
use FlowLogS3;
use FlowLogSession;

my $root = abs_path(PostgreSQL::Test::Utils::tempdir('objects'));
my $node = start_node('settled', init => { allows_streaming => 1 }, conf => "flowlog_fdw.allowed_endpoints = '127.0.0.1'
$eager_workers");

# ---------- the logs: ten days until today, in two accounts ----------

my $today = int(time() / 86400);

# day AGE, SEPARATOR: that many days ago
sub day
{
	my ($age, $separator) = @_;
	my (undef, undef, undef, $day, $month, $year) = gmtime(($today - $age) * 86400);

	return join($separator // '-', sprintf('%04d', $year + 1900), sprintf('%02d', $month + 1), sprintf('%02d', $day));
}

# A folder as Hive names it.
sub hive
{
	my ($age) = @_;
	my ($year, $month, $day) = split(/-/, day($age));

	return "year=$year/month=$month/day=$day";
}

my $line = 0;

sub lines
{
	my ($count) = @_;

	$line += $count;
	return default_lines($line - $count + 1, $line);
}

foreach my $account (1, 2)
{
	foreach my $age (0 .. 9)
	{
		my $dates = make_directory("$root/logs/dates/$account/" . day($age, '/'));
		my $keys = make_directory("$root/logs/keys/$account/" . hive($age));

		foreach my $n (1 .. 3)
		{
			write_file("$dates/$n.log", lines(2));
			write_file("$keys/$n.log", lines(2));
		}
	}
}
# keys in other forms, which are no days
write_file(make_directory("$root/logs/keys/1/year=2020/month=1/day=5") . '/odd.log', lines(1));
write_file(make_directory("$root/logs/keys/1/year=2020/month=02/day=__HIVE_DEFAULT_PARTITION__") . '/null.log', lines(1));
write_file(make_directory("$root/logs/keys/1/year=x/month=01/day=01") . '/none.log', lines(1));

my $s3 = FlowLogS3->start(objects => $root);
$s3->create_server($node, 's3');

my %date_columns = (columns => "account text, day date, $columns");
my %key_columns = (columns => "account text, year text, month text, day text, $columns");

# [ table, location, server, columns ]
my @tables = (
	[ 'dates', "$root/logs/dates/\${account}/\${day:yyyy/MM/dd}/", 'logs', \%date_columns ],
	[ 'keys', "$root/logs/keys/\${account}/year=\${year}/month=\${month}/day=\${day}/", 'logs', \%key_columns ],
	[ 'dates_s3', 's3://logs/dates/${account}/${day:yyyy/MM/dd}/', 's3', \%date_columns ],
	[ 'keys_s3', 's3://logs/keys/${account}/year=${year}/month=${month}/day=${day}/', 's3', \%key_columns ]);

foreach my $table (@tables)
{
	my ($name, $location, $server, $columns) = @$table;

	create_table($node, "plain_$name", $location, server => $server, %$columns);
	create_table($node, $name, $location, server => $server, settled_after => '2 days', %$columns);
}

sub refresh
{
	my ($table, $more) = @_;

	return outcome($node, "CALL flowlog_list_refresh('$table'" . ($more // '') . ')');
}

# A figure of EXPLAIN.
sub figure
{
	my ($query, $label, $options) = @_;
	my $plan = outcome($node, 'EXPLAIN ' . ($options // '(COSTS OFF)') . " $query");

	return $plan =~ /\Q$label\E: (\d+)/ ? $1 : "none in $plan";
}

sub rows_of
{
	my ($table, $condition) = @_;

	return qq{SELECT count(*), md5(string_agg(t::text, '|' ORDER BY account_id)) FROM $table t WHERE } . ($condition // 'true');
}

# ---------- the option ----------

foreach my $bad (
	"$root/logs", "$root/logs/dates/*/*/*/*/", '/l/${day:yyyy/MM}/', '/l/${day}/', '/l/**/${day:yyyy/MM/dd}/', '/l/${day:yyyyMMdd}.log',
	'/l/year=${year}/month=${month}/', '/l/${year}/${month}/${day}/', '/l/${a:yyyy/MM/dd}/${b:yyyy/MM/dd}/')
{
	my $result = outcome($node, "CREATE FOREIGN TABLE bad (version int) SERVER logs OPTIONS (location '$bad', settled_after '1 day')");

	is(sqlstate($result), 'HV024', "$bad has no folders of days");
	like($result, qr/option "settled_after" needs a location with folders of days/, 'and that is what is said');
}
is(sqlstate(outcome($node, "ALTER FOREIGN TABLE dates OPTIONS (SET settled_after '$_')")), 'HV024', "'$_' is no such interval")
  foreach '1 month', '-1 day', '1001 days';
like(outcome($node, qq{ALTER FOREIGN TABLE dates OPTIONS (SET location '/var/log')}), qr/needs a location with folders/, 'nor may the location be changed so');

# ---------- the same rows, before and after ----------

my @conditions = (
	'true', "account = '2'", "action = 'REJECT'",
	(map { "day = '" . day($_) . "'" } 0, 1, 5, 9, 12),
	"day < '" . day(4) . "'", "day >= '" . day(4) . "'", "day BETWEEN '" . day(8) . "' AND '" . day(6) . "'",
	"day <> '" . day(5) . "' AND account = '1'", 'day IS NULL', 'day IS NOT NULL', "day = '" . day(5) . "' OR day = '" . day(0) . "'",
	"day::text LIKE '%" . substr(day(7), 5) . "'", "extract(dow FROM day) = 3 AND account = '1'");
my @key_conditions = (
	'true', "account = '2'", "day = '" . substr(day(5), 8) . "'", (map { my ($y, $m, $d) = split(/-/, day($_)); "year = '$y' AND month = '$m' AND day = '$d'" } 0, 3, 9),
	"year = '2020'", "month = '1'", 'day IS NULL', "year = 'x'", "year || month || day <= '" . day(4, '') . "'");

sub check_all
{
	my ($what) = @_;

	foreach my $table (@tables)
	{
		my ($name) = @$table;
		my @bad;

		foreach my $condition ($name =~ /dates/ ? @conditions : @key_conditions)
		{
			foreach my $workers (0, 3)
			{
				my $set = "SET max_parallel_workers_per_gather = $workers;";
				my $want = outcome($node, $set . rows_of("plain_$name", $condition));
				my $got = outcome($node, $set . rows_of($name, $condition));

				push @bad, "$condition, $workers workers: $got instead of $want" if $got ne $want || $got =~ /ERROR/;
			}
		}
		is(join("\n", @bad), '', "$name $what: the same rows for all conditions, in parallel or not");
	}
	return;
}

check_all('before a list was made');
is(figure('SELECT * FROM dates', 'Files Listed from Catalogue'), 0, 'without a list, EXPLAIN says that nothing came from it');
is(refresh($_->[0]), '', "the list of $_->[0] is made") foreach @tables;
check_all('with a list');
is(figure('SELECT * FROM dates', 'Files Listed from Catalogue'), 2 * 3 * 7, 'of the days before the last three, that is');
is(figure('SELECT * FROM keys', 'Files Listed from Catalogue'), 2 * 3 * 7 + 2, 'by keys, too, and of 2020 what is no day');
is(figure('SELECT * FROM dates', 'Files'), 2 * 3 * 10, 'they are among the files');
is(figure("SELECT * FROM dates WHERE day = '" . day(5) . "'", 'Files Listed from Catalogue'), 6, 'of one day, those of the day alone are taken');
is(figure("SELECT * FROM dates WHERE account = '1' AND \"end\" IS NOT NULL", 'Files Listed from Catalogue'), 21, 'and of one account');
is(figure('SELECT count(*) FROM dates', 'Files Listed from Catalogue', '(ANALYZE, COSTS OFF)'), 42, 'with ANALYZE, too');
is(figure('SELECT count(*) FROM dates_s3', 'Files Listed from Catalogue', '(ANALYZE, COSTS OFF)'), 42, 'of a bucket, too');
is( outcome($node, "SELECT count(*), sum(bytes) FROM flowlog_files('dates')"),
	outcome($node, "SELECT count(*), sum(bytes) FROM flowlog_files('plain_dates')"), 'flowlog_files() shows them');

# the list is in the order of paths
is(outcome($node, q{SELECT account_id FROM dates LIMIT 30}), outcome($node, q{SELECT account_id FROM plain_dates LIMIT 30}), 'rows come in the same order');

# shares of nodes are shares of both
outcome($node, "ALTER FOREIGN TABLE $_ OPTIONS (ADD shard '2/3')") foreach 'dates', 'plain_dates', 'dates_s3', 'plain_dates_s3';
is(outcome($node, rows_of('dates')), outcome($node, rows_of('plain_dates')), 'with a shard');
is(outcome($node, rows_of('dates_s3')), outcome($node, rows_of('plain_dates_s3')), 'in a bucket, too');
is(figure('SELECT * FROM dates', 'Files Listed from Catalogue'), 42, 'for which the list need not be made again');
outcome($node, "ALTER FOREIGN TABLE $_ OPTIONS (DROP shard)") foreach 'dates', 'plain_dates', 'dates_s3', 'plain_dates_s3';

# limits
like(outcome($node, 'SET flowlog_fdw.max_scan_bytes = 5000; SELECT count(*) FROM dates'), qr/ERROR:  53400: /, 'a limit of bytes counts them');
like(outcome($node, 'SET flowlog_fdw.max_scan_bytes = 5000; SELECT count(*) FROM dates_s3'), qr/ERROR:  53400: /, 'in a bucket, too');

# ---------- plans ----------

my $rescan = q{SELECT d, n FROM (VALUES ('%s'::date), ('%s'), ('%s')) v(d), LATERAL (SELECT count(*) n FROM %s WHERE day = d OFFSET 0) s ORDER BY 1};
foreach my $table ('dates', 'dates_s3')
{
	my @days = map { day($_) } 7, 1, 4;

	is( outcome($node, sprintf($rescan, @days, $table)),
		outcome($node, sprintf($rescan, @days, "plain_$table")), "$table: rescans take other days from the catalogue");
	is( outcome($node, "SET plan_cache_mode = force_generic_plan; PREPARE p (date) AS SELECT count(*) FROM $table WHERE day = \$1; EXECUTE p('" . day(6) . "'); EXECUTE p('" . day(0) . "'); EXECUTE p('" . day(20) . "')"),
		"12\n12\n0", "$table: so do generic plans");
	is( outcome($node, "BEGIN; DECLARE c CURSOR FOR SELECT count(*) FROM $table; FETCH c; COMMIT"), 120, "$table: and cursors");
	is( outcome($node, "ANALYZE $table; SELECT reltuples FROM pg_class WHERE oid = '$table'::regclass"), 120, "$table: ANALYZE");
}

# ---------- few requests ----------

sub lists_of
{
	my ($sql) = @_;
	my $result;

	$s3->reset_counters;
	$result = outcome($node, $sql);
	return ($result, $s3->counter('kinds', 'LIST'), $s3->counter('kinds', 'GET'));
}

is_deeply([ lists_of("SELECT count(*) FROM dates_s3 WHERE day = '" . day(5) . "'") ], [ 12, 1, 6 ], 'a query of settled days lists one name');
is_deeply([ lists_of("SET max_parallel_workers_per_gather = 3; SELECT count(*) FROM dates_s3 WHERE day <= '" . day(5) . "'") ], [ 60, 1, 30 ], 'in parallel, too');
is_deeply([ lists_of("SELECT count(*) FROM dates_s3 WHERE day = '" . day(15) . "'") ], [ 0, 1, 0 ], 'also if there is nothing to be read');
is_deeply([ (lists_of("EXPLAIN (COSTS OFF) SELECT count(*) FROM dates_s3 WHERE day = '" . day(5) . "'"))[ 1, 2 ] ], [ 1, 0 ], 'and plain EXPLAIN');
{
	my (undef, $plain) = lists_of('SELECT count(*) FROM plain_dates_s3');
	my ($count, $lists, $gets) = lists_of('SELECT count(*) FROM dates_s3');

	is($count, 120, 'a query of all days reads all');
	is($gets, 60, 'once');
	cmp_ok($lists, '<=', $plain - 14, 'but lists no settled day');
}

# ---------- the promise ----------

my $settled = day(6, '/');
my $dir = "$root/logs/dates/1/$settled";

write_file("$root/logs/dates/1/" . day(1, '/') . '/late.log', lines(1));
is(outcome($node, 'SELECT count(*) FROM dates'), 121, 'what comes to days that are not settled is found');
write_file("$dir/late.log", lines(1));
is(outcome($node, 'SELECT count(*) FROM dates'), 121, 'what comes to a settled day is not');
is(refresh('dates'), '', 'nor does a refresh find it');
is(outcome($node, 'SELECT count(*) FROM dates'), 121, 'as it lists only what is new');
{
	my ($stdout, $stderr) = ('', '');
	$node->psql('postgres', q{CALL flowlog_list_refresh('dates', verify => true)}, stdout => \$stdout, stderr => \$stderr);
	like($stderr, qr{NOTICE:  flow log "\Q$dir\E/late\.log" of a settled day was added}, 'one that verifies does');
	like($stderr, qr/WARNING:  files of settled days of foreign table "dates" have changed\nDETAIL:  Added: 1\. Removed: 0\. Changed: 0\./, 'and says what broke the promise');
	is(outcome($node, 'SELECT count(*) FROM dates'), 122, 'and it is in the list then');

	unlink("$dir/1.log") or die;
	write_file("$dir/2.log", lines(3));
	foreach my $query ('SELECT count(*) FROM dates', "SELECT count(*) FROM dates WHERE day = '" . day(6) . "'", q{SELECT count(*) FROM flowlog_files('dates')},
		'SET max_parallel_workers_per_gather = 3; SELECT count(*) FROM dates')
	{
		my $result = outcome($node, $query);

		like(sqlstate($result), qr/^(?:58P01|55000)$/, "$query: a file that is gone, or another one, is an error");
		like($result, qr/HINT:  By option "settled_after" .*CALL flowlog_list_refresh\('dates', verify => true\)/, 'which says what to do');
	}
	$node->psql('postgres', q{CALL flowlog_list_refresh('dates', verify => true)}, stderr => \$stderr);
	like($stderr, qr/\Q$dir\E\/1\.log" of a settled day was removed/, 'a file that is gone is told');
	like($stderr, qr/\Q$dir\E\/2\.log" of a settled day was changed/, 'and one that is another');
	like($stderr, qr/Added: 0\. Removed: 1\. Changed: 1\./, 'all are counted');
	$node->psql('postgres', q{CALL flowlog_list_refresh('dates', verify => true)}, stderr => \$stderr);
	is($stderr, '', 'a promise that holds is not spoken of');
	is(outcome($node, rows_of('dates')), outcome($node, rows_of('plain_dates')), 'and the list is right');
}

# what is read is recognised by size and time, as other numbers of a device or a file say nothing
{
	my $file = "$root/logs/dates/2/$settled/3.log";
	my ($atime, $mtime) = (stat $file)[ 8, 9 ];
	system("cp -p $file $file.copy && mv $file.copy $file") == 0 or die;
	is(outcome($node, rows_of('dates')), outcome($node, rows_of('plain_dates')), 'a file that was restored is the same file');
}

# a bucket
$s3->refresh;
{
	my ($stdout, $stderr) = ('', '');
	my $result = outcome($node, 'SELECT count(*) FROM dates_s3');

	like(sqlstate($result), qr/^(?:58P01|55000)$/, 'an object that is gone, or another one, is an error');
	like($result, qr/HINT:  By option "settled_after" .*CALL flowlog_list_refresh\('dates_s3', verify => true\)/, 'which says what to do');
	$node->psql('postgres', q{CALL flowlog_list_refresh('dates_s3', verify => true)}, stderr => \$stderr);
	like($stderr, qr/Added: 1\. Removed: 1\. Changed: [12]\./, 'verifying finds all');
	is(outcome($node, rows_of('dates_s3')), outcome($node, rows_of('plain_dates_s3')), 'and mends the list');
}

# ---------- other options: another list ----------

sub from_catalogue
{
	my ($table) = @_;

	return figure("SELECT * FROM $table", 'Files Listed from Catalogue');
}

outcome($node, q{ALTER FOREIGN TABLE dates OPTIONS (SET settled_after '3 days')});
is(from_catalogue('dates'), 0, 'a list is dead if the option is changed');
outcome($node, q{ALTER FOREIGN TABLE dates OPTIONS (SET settled_after '2 days')});
is(from_catalogue('dates'), 42, 'and alive if it is as it was');
make_directory("$root/logs/elsewhere/1/" . day(7, '/'));
write_file("$root/logs/elsewhere/1/" . day(7, '/') . '/a.log', lines(5));
outcome($node, "ALTER FOREIGN TABLE dates OPTIONS (SET location '$root/logs/elsewhere/\${account}/\${day:yyyy/MM/dd}/')");
is(outcome($node, 'SELECT count(*) FROM dates'), 5, 'nothing of another location is read');
is(refresh('dates'), '', 'a refresh makes a new list');
is(from_catalogue('dates'), 1, 'of the new location');
is(outcome($node, 'SELECT count(*) FROM flowlog_lists l JOIN flowlog_listed_files f USING (list) WHERE "table" = \'dates\'::regclass'), 1, 'and the old one is gone');
outcome($node, "ALTER FOREIGN TABLE dates OPTIONS (SET location '$root/logs/dates/\${account}/\${day:yyyy/MM/dd}/')");
is(refresh('dates'), '', 'back again');
outcome($node, q{ALTER SERVER s3 OPTIONS (SET endpoint 'http://localhost:} . $s3->port . q{')});
is(outcome($node, "SELECT count(*) FROM flowlog_lists WHERE meaning LIKE '%127.0.0.1%'"), 2, 'lists of buckets are of an endpoint');
is(from_catalogue('dates_s3'), 0, 'and dead for another');
outcome($node, q{ALTER SERVER s3 OPTIONS (SET endpoint 'http://127.0.0.1:} . $s3->port . q{')});

outcome($node, 'DROP FOREIGN TABLE keys');
is(outcome($node, 'SELECT count(*) FROM flowlog_lists'), 4, 'the list of a table that was dropped stays');
outcome($node, q{ALTER FOREIGN TABLE keys_s3 OPTIONS (DROP settled_after)});
is(outcome($node, rows_of('keys_s3')), outcome($node, rows_of('plain_keys_s3')), 'without the option all is listed');
is(refresh('dates', ', true'), '', 'until the next refresh');
is(outcome($node, 'SELECT count(*), count(DISTINCT list) FROM flowlog_lists'), '2|2', 'which removes what is dead');
is(outcome($node, 'SELECT count(*) FROM flowlog_listed_files WHERE list NOT IN (SELECT list FROM flowlog_lists)'), 0, 'with its files');

# ---------- who may do what ----------

$node->safe_psql('postgres', q{
	CREATE ROLE owner LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE stranger LOGIN;
	GRANT CREATE, USAGE ON SCHEMA public TO owner;
	GRANT USAGE ON FOREIGN SERVER s3 TO owner;
	ALTER FOREIGN TABLE dates_s3 OWNER TO owner;
	GRANT SELECT ON dates_s3, dates TO reader, stranger;
});
my $keys = join(', ', map { "$_ " . quoted($s3->{keys}{$_}) } sort keys %{ $s3->{keys} });
$node->safe_psql('postgres', "SET log_statement = none; CREATE USER MAPPING FOR owner SERVER s3 OPTIONS ($keys);
	CREATE USER MAPPING FOR reader SERVER s3 OPTIONS (access_key_id 'AKIAOTHER', secret_access_key 'wrong')");

sub as_role
{
	my ($role, $sql) = @_;

	return outcome($node, $sql, connstr => $node->connstr('postgres') . " user=$role");
}

my $of_settled = "SELECT count(*) FROM dates_s3 WHERE day = '" . day(15) . "'";
is(as_role('owner', $of_settled), 0, 'the owner reads');
like(as_role('reader', $of_settled), qr/ERROR:  42501: /, 'keys that the store refuses are an error, though nothing need be listed');
like(as_role('reader', "EXPLAIN $of_settled"), qr/ERROR:  42501: /, 'in EXPLAIN, too');
like(as_role('stranger', $of_settled), qr/ERROR:  42704: user mapping not found for user "stranger"/, 'as is a role without a user mapping');
like(as_role('reader', "CALL flowlog_list_refresh('dates_s3')"), qr/ERROR:  42501: must be owner of foreign table dates_s3/, 'only the owner refreshes');
is(as_role('owner', "CALL flowlog_list_refresh('dates_s3', verify => true)"), '', 'who needs no rights on the catalogue');
like(as_role('owner', 'SELECT * FROM flowlog_listed_files'), qr/ERROR:  42501: /, 'and has none');
like(as_role('owner', 'DELETE FROM flowlog_lists'), qr/ERROR:  42501: /, 'at all');
if ($node->pg_version >= 17)
{
	outcome($node, 'GRANT MAINTAIN ON dates_s3 TO reader');
	is(as_role('reader', "CALL flowlog_list_refresh('dates_s3', verify => true)"), '', 'with MAINTAIN others do, with the keys of the owner');
}
outcome($node, 'DROP USER MAPPING FOR owner SERVER s3');
like(outcome($node, "CALL flowlog_list_refresh('dates_s3', verify => true)"), qr/ERROR:  42704: user mapping not found for user "owner"/, "a superuser lists with the owner's keys");
$node->safe_psql('postgres', "SET log_statement = none; CREATE USER MAPPING FOR owner SERVER s3 OPTIONS ($keys)");

# a role's settings and a hostile schema do not reach the statements of the refresh
$node->safe_psql('postgres', q{
	CREATE SCHEMA hostile AUTHORIZATION owner;
	SET ROLE owner;
	CREATE FUNCTION hostile.unnest(anyarray) RETURNS SETOF anyelement LANGUAGE plpgsql AS 'BEGIN RAISE ''hostile''; END';
	CREATE TABLE hostile.flowlog_lists (list int);
});
is(as_role('owner', "SET search_path = hostile, pg_catalog, public; CALL public.flowlog_list_refresh('public.dates_s3', verify => true)"), '', 'whatever search_path is');

$node->append_conf('postgresql.conf', "flowlog_fdw.allowed_paths = '/nowhere'");
$node->reload;
like(outcome($node, 'SELECT pg_sleep(0.1); EXPLAIN SELECT * FROM dates WHERE day = ' . quoted(day(5))), qr/ERROR:  42501: .*outside the allowed paths/, 'allowed paths hold');
$node->append_conf('postgresql.conf', "flowlog_fdw.allowed_paths = ''\nflowlog_fdw.allowed_endpoints = '10.0.0.1'");
$node->reload;
like(outcome($node, "SELECT pg_sleep(0.1); $of_settled"), qr/ERROR:  42501: /, 'and allowed endpoints');
$node->append_conf('postgresql.conf', "flowlog_fdw.allowed_endpoints = '127.0.0.1'");
$node->reload;

# ---------- arguments, transactions, sessions ----------

like(refresh('plain_dates'), qr/ERROR:  55000: foreign table "plain_dates" has no option "settled_after"/, 'a table without the option has no list');
like(refresh('pg_class'), qr/ERROR:  42809: "pg_class" is not a foreign table of flow logs/, 'nor has another table');
like(outcome($node, 'CALL flowlog_list_refresh(NULL)'), qr/ERROR:  22004: /, 'nor has none');
like(outcome($node, 'CALL flowlog_list_refresh(1)'), qr/ERROR:  42P01: /, 'nor has one that does not exist');
like(outcome($node, "BEGIN; CALL flowlog_list_refresh('dates'); COMMIT"), qr/ERROR:  25001: CALL flowlog_list_refresh cannot run inside a transaction block/, 'it is not for transaction blocks');
like(outcome($node, "SET default_transaction_read_only = on; CALL flowlog_list_refresh('dates')"), qr/ERROR:  25006: /, 'nor for read-only transactions');

$node->safe_psql('postgres', qq{
	CREATE TABLE parent (account text, day date, $columns) PARTITION BY LIST (account);
	CREATE FOREIGN TABLE one PARTITION OF parent FOR VALUES IN ('1') SERVER logs
		OPTIONS (location '$root/logs/dates/\${account}/\${day:yyyy/MM/dd}/', regex '$record', settled_after '2 days');
	CREATE FOREIGN TABLE two PARTITION OF parent FOR VALUES IN ('2') SERVER logs
		OPTIONS (location '$root/logs/dates/\${account}/\${day:yyyy/MM/dd}/', regex '$record');
});
is(refresh('parent'), '', 'a partitioned table stands for its partitions');
cmp_ok(from_catalogue('one'), '>', 40, 'that have the option');

# sessions at the same time
outcome($node, 'DELETE FROM flowlog_listed_files; DELETE FROM flowlog_lists');
my @sessions = map { FlowLogSession->new($node) } 1 .. 3;
my $repeatable = FlowLogSession->new($node);
my $catalogued = q{SELECT count(*) FROM dates};
is($repeatable->query("BEGIN ISOLATION LEVEL REPEATABLE READ; $catalogued"), outcome($node, $catalogued), 'a transaction begins');
$_->send_sql(q{CALL flowlog_list_refresh('dates')}) foreach @sessions;
is($_->finish . $_->error, '', 'sessions refresh one list at the same time') foreach @sessions;
is(outcome($node, 'SELECT count(*), count(DISTINCT path) FROM flowlog_listed_files'), '42|42', 'which has each file once');
like($repeatable->query('EXPLAIN SELECT * FROM dates'), qr/Files Listed from Catalogue: 0/, 'REPEATABLE READ sees the list that was there when it began');
is($repeatable->query($catalogued), outcome($node, $catalogued), 'and all rows');
like($repeatable->query('COMMIT; EXPLAIN SELECT * FROM dates'), qr/Files Listed from Catalogue: 42/, 'until it ends');

# a cancel leaves nothing behind
$s3->set(latency => 2000);
outcome($node, 'DELETE FROM flowlog_listed_files; DELETE FROM flowlog_lists');
$sessions[0]->send_sql(q{CALL flowlog_list_refresh('dates_s3')});
$s3->reset_counters;
$s3->wait_for_requests('LIST', 1);
is(outcome($node, q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CALL%' AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL}), 0, 'while it lists it has no snapshot');
outcome($node, 'SELECT pg_cancel_backend(' . $sessions[0]->pid . ')');
$sessions[0]->finish;
like($sessions[0]->error, qr/57014/, 'a refresh can be cancelled');
$s3->set(latency => 0);
is(outcome($node, 'SELECT count(*) FROM flowlog_lists'), 0, 'and has changed nothing then');
is($sessions[0]->query(q{CALL flowlog_list_refresh('dates_s3')}) . $sessions[0]->error, '', 'the session goes on');
is(outcome($node, 'SHOW search_path'), '"$user", public', 'with its own settings');
$_->quit foreach @sessions, $repeatable;

# ---------- standby ----------

refresh('dates');
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(outcome($standby, 'SELECT count(*) FROM dates'), outcome($node, 'SELECT count(*) FROM dates'), 'a standby reads');
like(outcome($standby, 'EXPLAIN SELECT * FROM dates'), qr/Files Listed from Catalogue: 42/, 'by the list');
like(outcome($standby, "CALL flowlog_list_refresh('dates')"), qr/ERROR:  25006: /, 'which it cannot refresh');
$standby->stop;

# ---------- the extension ----------

outcome($node, 'CREATE SCHEMA elsewhere; ALTER EXTENSION flowlog_fdw SET SCHEMA elsewhere');
is(from_catalogue('dates'), 42, 'in another schema the list is found');
is(outcome($node, "CALL elsewhere.flowlog_list_refresh('dates', verify => true)"), '', 'and refreshed');
outcome($node, 'ALTER EXTENSION flowlog_fdw SET SCHEMA public');

my $dump = "$root/dump.sql";
command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'it can be dumped');
unlike(slurp_file($dump), qr/flowlog_listed_files/, 'without its lists');
outcome($node, 'CREATE DATABASE restored');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ], 'and restored');
is($node->safe_psql('restored', 'SELECT count(*) FROM dates'), outcome($node, 'SELECT count(*) FROM dates'), 'queries list all then');
$node->safe_psql('restored', q{CALL flowlog_list_refresh('dates')});
like($node->safe_psql('restored', 'EXPLAIN SELECT * FROM dates'), qr/Files Listed from Catalogue: 42/, 'until a list is made');
is(outcome($node, 'DROP EXTENSION flowlog_fdw CASCADE'), '', 'the extension can be dropped');
is(outcome($node, q{SELECT count(*) FROM pg_class WHERE relname LIKE 'flowlog%' AND relnamespace <> 'hostile'::regnamespace}), 0, 'with all that it has');

check_log($node);
check_log($standby);

done_testing();
