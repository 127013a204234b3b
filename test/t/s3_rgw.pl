# The documented story on a real store, Ceph's RADOS Gateway: the guide's table and queries over
# s3://, columns of the path, thousands of objects, names that need escaping.  It is skipped where
# there is no RADOS Gateway.  FLOWLOG_BIG=1 measures the throughput of large objects, too.

use strict;
use warnings;
use utf8;

use Cwd qw(abs_path);
use Encode qw(encode);
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use FlowLog;
use FlowLogS3;
use FlowLogSession;

my $obstacle = FlowLogS3::rgw_obstacle();
plan skip_all => $obstacle if defined $obstacle;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $began = time();
my $rgw = FlowLogS3->start_rgw(PostgreSQL::Test::Utils::tempdir_short() . '/rgw');
diag(sprintf('RADOS Gateway started in %.1f s', time() - $began));
my $node = start_node('s3_rgw', conf => "flowlog_fdw.allowed_endpoints = '127.0.0.1'
$eager_workers");
$rgw->create_server($node, 'logs_s3');

# rows_of TABLE: how many rows, and what they are, whatever their order
sub rows_of
{
	my ($table) = @_;

	return qq{SELECT count(*), sum(hashtextextended(t::text, 0)) FROM $table t};
}

# ---------- the guide ----------

my $regex = '^([^ ]+)\s+([0-9]+)\s+([^ ]+)\s+([^ ]+)\s+([^ ]+)\s+([^ ]+)\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+([^ ]+)\s+([^ ]+)$';
my $guide = q{
	ts text, version int, account text, interfaceid text, sourceaddress inet, destinationaddress inet, sourceport int, destinationport int,
	protocol int, numpackets int, numbytes int, starttime timestamptz, endtime timestamptz, action text, logstatus text};
my @queries = (
	q{SELECT day_of_week(from_iso8601_timestamp(ts)) AS day, interfaceid, sourceaddress, action, protocol
		FROM %s WHERE action = 'REJECT' AND protocol = 6 ORDER BY 1, 2, 3 LIMIT 100},
	q{SELECT SUM(numpackets) AS packetcount, destinationaddress FROM %s WHERE destinationport = 443
		GROUP BY destinationaddress ORDER BY packetcount DESC, destinationaddress LIMIT 10});

system_or_bail('bench/gen', '--records', 40_000, '--files', 8, '--format', 'export', make_directory("$logs/export"));
system("gzip $logs/export/*.log") == 0 or die 'could not run gzip';
$rgw->fill('your-log-bucket', "$logs/export", '--prefix', 'prefix/');
my @guide_options = (columns => $guide, regex => $regex, on_error => 'set_null', log_verbosity => 'silent');
create_table($node, 'guide', 's3://your-log-bucket/prefix/', @guide_options, server => 'logs_s3');
create_table($node, 'guide_files', "$logs/export", @guide_options);
foreach my $query (@queries)
{
	my $answer = outcome($node, sprintf($query, 'guide'));

	is($answer, outcome($node, sprintf($query, 'guide_files')), "the guide's query over s3://");
	cmp_ok(scalar(split(/\n/, $answer)), '>=', 10, 'finds something');
}
is(outcome($node, rows_of('guide')), outcome($node, rows_of('guide_files')), 'and all rows are the same');

# ---------- columns of the path ----------

system_or_bail('bench/gen', '--records', 20_000, '--files', 96, '--interval', 1800, '--format', 's3', make_directory("$logs/delivered"));
$rgw->fill('delivered', "$logs/delivered");
my $template = 'AWSLogs/${account}/vpcflowlogs/${region}/${day:yyyy/MM/dd}/';
my @delivered = (regex => undef, columns => q{account text, region text, day date, srcaddr inet, dstaddr inet, dstport int, bytes bigint, start timestamptz, action text});
create_table($node, 'delivered', "s3://delivered/$template", @delivered, server => 'logs_s3');
create_table($node, 'delivered_files', "$logs/delivered/$template", @delivered);
is(outcome($node, rows_of('delivered')), outcome($node, rows_of('delivered_files')), 'names of folders are columns');
foreach my $condition (q{day = '2026-01-30'}, q{day > '2026-01-30' AND region = 'us-east-1'}, q{account = '000000000000'})
{
	my $files = q{EXPLAIN (COSTS OFF) SELECT * FROM %s WHERE %s};
	my $numbers = qr/(Files: \d+|Bytes: .*)$/m;
	my ($sql, $sql_files) = map { "(SELECT * FROM $_ WHERE $condition)" } qw(delivered delivered_files);

	is(outcome($node, rows_of($sql)), outcome($node, rows_of($sql_files)), "$condition: the same rows");
	is(join(' ', outcome($node, sprintf($files, 'delivered', $condition)) =~ /$numbers/g),
		join(' ', outcome($node, sprintf($files, 'delivered_files', $condition)) =~ /$numbers/g), 'of as many files and bytes');
}
is(outcome($node, q{SET timezone = 'UTC'; SELECT count(*) > 0 FROM flowlog_files('delivered') WHERE path LIKE 's3://delivered/AWSLogs/%.log.gz' OR path LIKE '%.log'}),
	't', 'flowlog_files');

# ---------- thousands of objects ----------

foreach my $count (1000, 5000)
{
	make_directory("$logs/many$count");
	write_file(sprintf('%s/many%d/%02d_%05d.log', $logs, $count, $_ % 7, $_), default_lines($_ * 2 - 1, $_ * 2)) foreach 1 .. $count;
	$began = time();
	$rgw->fill("many$count", "$logs/many$count");
	diag(sprintf('%d objects put in %.1f s', $count, time() - $began));
	create_table($node, "many$count", "s3://many$count/", server => 'logs_s3');
	create_table($node, "many${count}_files", "$logs/many$count");
	$began = time();
	is(outcome($node, rows_of("many$count")), outcome($node, rows_of("many${count}_files")), "$count objects: the same rows");
	diag(sprintf('%d objects read in %.1f s', $count, time() - $began));
	is(outcome($node, "SET max_parallel_workers_per_gather = 2; " . rows_of("many$count")), outcome($node, rows_of("many${count}_files")), 'also in parallel');
	my $plan = outcome($node, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM many$count");
	my ($requests) = $plan =~ /Requests: (\d+)/;
	cmp_ok($requests // 0, '>=', $count, 'each is asked for');
	cmp_ok($requests // 0, '<=', 1.05 * $count + 10, 'and once');
}
create_table($node, 'several', 's3://many5000/0[35]_0*', server => 'logs_s3');
create_table($node, 'several_files', "$logs/many5000/0[35]_0*");
is(outcome($node, rows_of('several')), outcome($node, rows_of('several_files')), 'a wildcard among them');

# ---------- names that need escaping ----------

my @names = ('a b+c&d=e.log', '/double.log', '%41%2F.log', q{q?#[]!'()*,:;@$.log}, 'umläut-日本.log', 'tilde~-._.log', 'back\\slash.log', '"quoted".log',
	'<xml>&amp;.log', '{a,b}[c]*.log', 'blank .log', 'percent%.log');
my $number = 0;
my %number_of = map { ("odd/$_" => ++$number) } @names;
write_file("$logs/odd.json", JSON::PP->new->utf8->encode([ map { { key => $_, text => default_line($number_of{$_}) } } sort keys %number_of ]));
$rgw->fill('odd', '-', '--keys', "$logs/odd.json");
create_table($node, 'odd', 's3://odd/odd/', server => 'logs_s3', columns => qq{"\$path" text, $columns});
is(join("\n", sort split(/\n/, outcome($node, q{SELECT account_id::bigint || ' ' || encode(convert_to("$path", 'UTF8'), 'hex') FROM odd}))),
	join("\n", sort map { $number_of{$_} . ' ' . unpack('H*', encode('UTF-8', "s3://odd/$_")) } keys %number_of), 'names that need escaping');
create_table($node, 'odd_one', 's3://odd/odd/a b+c&d=e.log', server => 'logs_s3');
is(outcome($node, 'SELECT account_id::bigint FROM odd_one'), $number_of{'odd/a b+c&d=e.log'}, 'as a location');

# ---------- what is refused ----------

create_table($node, 'nothing', 's3://your-log-bucket/none/', server => 'logs_s3');
is(sqlstate(outcome($node, 'SELECT * FROM nothing')), '58P01', 'a prefix that is not there');
create_table($node, 'nothing', 's3://no-such-bucket/x', server => 'logs_s3');
is(sqlstate(outcome($node, 'SELECT * FROM nothing')), '58P01', 'a bucket that is not there');
$rgw->create_server($node, 'stranger', mapping => { access_key_id => 'stranger', secret_access_key => 'x' });
$rgw->create_server($node, 'wrong', mapping => { %{ $rgw->{keys} }, secret_access_key => 'guessed' });
$rgw->create_server($node, 'anonymous', mapping => { credential_source => 'anonymous' });
foreach my $server (qw(stranger wrong anonymous))
{
	create_table($node, 'refused', 's3://your-log-bucket/prefix/', @guide_options, server => $server);
	is(sqlstate(outcome($node, 'SELECT * FROM refused')), '42501', "server $server is refused");
}

# ---------- large objects ----------

SKIP:
{
	skip 'FLOWLOG_BIG is not set', 2 unless $ENV{FLOWLOG_BIG};

	# 8 packed objects of 32 MB
	make_directory("$logs/large");
	system_or_bail('bench/gen', '--records', 2_000_000, '--files', 1, '--format', 'export', make_directory("$logs/seed"));
	system("gzip -1 <$logs/seed/000000.log >$logs/seed/packed") == 0 or die 'could not run gzip';
	my $times = int(32 * 1024 * 1024 / -s "$logs/seed/packed") || 1;
	write_file("$logs/large/$_.log.gz", slurp_file("$logs/seed/packed") x $times) foreach 1 .. 8;
	$rgw->fill('large', "$logs/large");
	create_table($node, 'large', 's3://large/', @guide_options, server => 'logs_s3');
	create_table($node, 'large_files', "$logs/large", @guide_options);
	my %seconds;
	foreach my $table (qw(large_files large))
	{
		$began = time();
		$seconds{"$table rows"} = outcome($node, "SELECT count(*) FROM $table WHERE destinationport = 443");
		$seconds{$table} = time() - $began;
	}
	is($seconds{'large rows'}, $seconds{'large_files rows'}, 'large objects: the same rows');
	diag(sprintf('%.0f MB: %.2f s from files, %.2f s from RGW', 8 * (-s "$logs/large/1.log.gz") / 1e6, $seconds{large_files}, $seconds{large}));
}

unlike(slurp_file($node->logfile), qr/\Q@{[$rgw->secret]}\E|guessed|Signature=[0-9a-f]/, 'no secret is in the log');
check_log($node);
$node->stop;
$rgw->stop_rgw;
done_testing();
