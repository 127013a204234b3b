# flowlog_list_refresh() while other things happen: sessions that refresh again and again, servers that are altered in
# between, settings of the session, and indexes of the administrator's.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use FlowLog;
use FlowLogS3;
use FlowLogSession;

my $root = abs_path(PostgreSQL::Test::Utils::tempdir('objects'));
my $node = start_node('settled_refresh', conf => "flowlog_fdw.allowed_endpoints = '127.0.0.1, localhost'");

# ---------- the logs: twelve days until today ----------

my $today = int(time() / 86400);

sub day
{
	my ($age, $separator) = @_;
	my (undef, undef, undef, $day, $month, $year) = gmtime(($today - $age) * 86400);

	return join($separator // '-', sprintf('%04d', $year + 1900), sprintf('%02d', $month + 1), sprintf('%02d', $day));
}

write_file(make_directory("$root/logs/days/" . day($_, '/')) . "/$_.log", default_lines($_ * 2 + 1, $_ * 2 + 2)) foreach 0 .. 11;

my $s3 = FlowLogS3->start(objects => $root);
my %columns = (columns => "day date, $columns");
my $location = 's3://logs/days/${day:yyyy/MM/dd}/';

$s3->create_server($node, 's3');
create_table($node, 'days', $location, server => 's3', settled_after => '2 days', %columns);
create_table($node, 'plain', $location, server => 's3', %columns);
create_table($node, 'local', "$root/logs/days/\${day:yyyy/MM/dd}/", settled_after => '2 days', %columns);

my $session = FlowLogSession->new($node);
my $rows = 24;

sub meaning_of
{
	my ($table) = @_;

	return outcome($node, "SELECT meaning FROM flowlog_lists WHERE \"table\" = '$table'::regclass");
}

# ---------- again and again ----------

$s3->set(latency => { LIST => 10 });
my @open_most;
foreach my $round (1 .. 18)
{
	$s3->wait_for_no_connection;
	$s3->reset_counters;
	$session->safe_query(q{CALL flowlog_list_refresh('days', verify => true)});
	push @open_most, $s3->counter('open_most');
}
cmp_ok($open_most[-1], '>=', 3, "a refresh gives its connections back: @open_most");
$session->safe_query(q{CALL flowlog_list_refresh('local', verify => true)}) foreach 1 .. 3;

# ---------- a list that takes long ----------

sub refresh_slowly
{
	my ($session, $act) = @_;

	outcome($node, 'DELETE FROM flowlog_listed_files; DELETE FROM flowlog_lists');
	$s3->set(latency => { LIST => 1000 });
	$s3->reset_counters;
	$session->send_sql(q{CALL flowlog_list_refresh('days', verify => true)});
	$s3->wait_for_requests('LIST', 1);
	my $result = $act->();
	$s3->set(latency => 0);
	$session->finish;
	is($session->error, '', 'a refresh that takes long ends');
	return $result;
}

foreach my $level ('repeatable read', 'serializable')
{
	$session->safe_query("SET default_transaction_isolation = '$level'");
	is( refresh_slowly($session, sub { outcome($node, 'SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid = ' . $session->pid) }),
		0, "it has no snapshot while it lists, also by default of $level");
}
$session->safe_query('RESET default_transaction_isolation');

# it does not stand in the way of others
outcome($node, 'CREATE SCHEMA elsewhere');
is( refresh_slowly($session, sub { outcome($node, "SET lock_timeout = '20s'; ALTER EXTENSION flowlog_fdw SET SCHEMA elsewhere") }),
	'', 'the extension can be moved while it lists');
is(outcome($node, 'SELECT count(*) FROM elsewhere.flowlog_listed_files'), 9, 'and the list is where the extension is');
outcome($node, 'ALTER EXTENSION flowlog_fdw SET SCHEMA public');

my ($here, $elsewhere) = ($s3->endpoint, 'http://localhost:' . $s3->port);
refresh_slowly($session, sub { outcome($node, "ALTER SERVER s3 OPTIONS (SET endpoint '$elsewhere')") });
like(meaning_of('days'), qr/127\.0\.0\.1/, 'a list is of the server that was listed, whatever it is since');

# ---------- a list that is made in parts ----------

# It begins with the oldest days, and commits now and then.
foreach my $day ('2019/03/04', '2019/03/20', '2020/01/01', '2022/06/06', '2024/12/31')
{
	write_file(make_directory("$root/logs/years/a/$day") . '/1.log', default_lines(1, 2));
	write_file(make_directory("$root/logs/years/b/$day") . '/1.log', default_lines(3, 4));
}
$s3->refresh;
my %year_columns = (columns => "account text, day date, $columns");
create_table($node, 'years', 's3://logs/years/${account}/${day:yyyy/MM/dd}/', server => 's3', settled_after => '2 days', %year_columns);

sub files_of_list
{
	return outcome($node, q{SELECT count(f.path) FROM flowlog_lists l LEFT JOIN flowlog_listed_files f USING (list) WHERE "table" = 'years'::regclass});
}

$s3->set(latency => { LIST => 300 });
$session->send_sql(q{CALL flowlog_list_refresh('years')});
my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
my $listed;
do { sleep(0.1); $listed = files_of_list() } until $listed > 0 || time() > $until;
outcome($node, 'SELECT pg_cancel_backend(' . $session->pid . ')');
$session->finish;
like($session->error, qr/57014/, 'a refresh of years is cancelled');
$s3->set(latency => 0);
ok($listed > 0 && $listed < 10, "what it has listed until then stays: $listed files");
is($session->safe_query('SELECT count(*), count(DISTINCT day), count(DISTINCT account) FROM years'), '20|5|2', 'and a query has all files');
like($session->safe_query('EXPLAIN SELECT * FROM years'), qr/Files: 10\n.*Files Listed from Catalogue: [1-9]\n/s, 'some of them from the list');
$session->safe_query(q{CALL flowlog_list_refresh('years')});
is(files_of_list(), 10, 'the next refresh goes on');
is($session->safe_query(q{SELECT count(*) FROM years WHERE day < '2025-01-01'}), 20, 'and all of these are in the list');
$session->query(q{CALL flowlog_list_refresh('years', verify => true)});
is($session->error, '', 'which is right');

# ---------- a server that is altered while a query runs ----------

# The list is of 127.0.0.1, and the query is of localhost: rescans must not take what is not theirs.
my $lateral = q{SELECT d, n FROM (VALUES ('%s'::date), ('%s'), ('%s')) v(d), LATERAL (SELECT count(*) n FROM days WHERE day = d OFFSET 0) s};
$session->safe_query(sprintf("BEGIN; DECLARE c CURSOR FOR $lateral", day(5), day(6), day(7)));
is($session->safe_query('FETCH 1 FROM c'), day(5) . '|2', 'a query begins');
outcome($node, "ALTER SERVER s3 OPTIONS (SET endpoint '$here')");
$s3->reset_counters;
is($session->safe_query('FETCH ALL FROM c'), day(6) . "|2\n" . day(7) . '|2', 'and goes on');
cmp_ok($s3->counter('kinds', 'LIST'), '>', 2, 'with lists of its own server');
$session->safe_query('COMMIT');

# ---------- settings, and what others have made ----------

outcome($node, 'CREATE INDEX ON flowlog_listed_files (list, path); CREATE INDEX ON flowlog_listed_files (list, day DESC);
	CREATE INDEX ON flowlog_lists ("table") WHERE "table" = 0; CREATE INDEX ON flowlog_lists USING hash ("table")');
is($session->query('SET standard_conforming_strings = off; SET quote_all_identifiers = on;' . q{CALL flowlog_list_refresh('local', true)}) . $session->error,
	'', 'other settings do not matter');
$session->safe_query('RESET ALL');
is($session->safe_query("SELECT count(*) FROM days WHERE day <= '" . day(4) . "'"), 16, 'nor do indexes that were added');
is($session->safe_query('SELECT count(*) FROM days'), $rows, 'to any query');

create_table($node, q{"Days's"}, "$root/logs/days/\${day:yyyy/MM/dd}/", settled_after => '2 days', %columns);
$session->safe_query(q{CALL flowlog_list_refresh('"Days''s"')});
unlink("$root/logs/days/" . day(9, '/') . '/9.log') or die;
$session->query(q{SELECT count(*) FROM "Days's"});
like($session->error, qr/CALL flowlog_list_refresh\('"Days''s"', verify => true\)/, 'the hint says what can be run');
like(do { $session->query(q{CALL flowlog_list_refresh('"Days''s"', verify => true)}); $session->error }, qr/Added: 0\. Removed: 1\. Changed: 0\./, 'and helps');

$session->quit;
check_log($node);
$node->stop;
$s3->stop;
done_testing();
