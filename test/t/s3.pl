# Flow logs in S3 read as those in a directory do: the same files lie in a store and on disk,
# and tables over both return the same rows.  What goes wrong on the way is s3_faults.pl's.

use strict;
use warnings;
use utf8;

use Cwd qw(abs_path);
use Encode qw(encode);
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogS3;
use FlowLogSession;

my $objects = abs_path(PostgreSQL::Test::Utils::tempdir('objects'));
my $node = start_node('s3', conf => "flowlog_fdw.allowed_endpoints = '127.0.0.1'
$eager_workers");

# ---------- what lies there ----------

# a table's rows, whatever their order
sub rows_of
{
	my ($table, $what) = @_;

	$what //= 't';
	return qq{SELECT count(*), md5(string_agg($what\::text, '|' ORDER BY $what\::text COLLATE "C")) FROM $table t};
}

my @accounts = qw(111111111111 222222222222);
my @regions = qw(eu-west-1 us-east-1);
my @days = map { sprintf('2026/01/%02d', $_) } 26 .. 31;
my $line = 0;
foreach my $account (@accounts)
{
	foreach my $region (@regions)
	{
		foreach my $day (@days)
		{
			my $dir = make_directory("$objects/logs/AWSLogs/$account/vpcflowlogs/$region/$day");
			foreach my $n (1 .. 3)
			{
				write_file("$dir/$n.log", default_lines($line + 1, $line + 5));
				$line += 5;
			}
		}
	}
}

make_directory("$objects/logs/$_") foreach qw(packed many mixed);
write_file("$objects/logs/mixed/plain.log", default_lines(1, 3000));
system("gzip -c $objects/logs/mixed/plain.log >$objects/logs/mixed/two.log.gz") == 0 or die 'could not run gzip';
append_file("$objects/logs/mixed/two.log.gz", slurp_file("$objects/logs/mixed/two.log.gz"));
system("zstd -q -c $objects/logs/mixed/plain.log >$objects/logs/mixed/one.log.zst") == 0 or die 'could not run zstd';
write_file(sprintf('%s/logs/many/%04d.log', $objects, $_), default_line($_)) foreach 1 .. 2500;
make_directory("$objects/logs/small");
write_file(sprintf('%s/logs/small/%03d.log', $objects, $_), default_lines($_ * 200 - 199, $_ * 200)) foreach 1 .. 500;
make_directory("$objects/your_log_bucket/prefix");
write_file("$objects/your_log_bucket/prefix/$_.log", slurp_file('test/data/export.log')) foreach 1 .. 3;

my $s3 = FlowLogS3->start(objects => $objects, tls => make_directory(PostgreSQL::Test::Utils::tempdir('tls')));
$s3->create_server($node, 's3');
$s3->post('watch', [ $s3->secret ]);

# ---------- Athena's page ----------

my $page = q{
   CREATE EXTERNAL TABLE IF NOT EXISTS vpc_flow_logs (
     ts string,
     version int,
     account string,
     interfaceid string,
     sourceaddress string,
     destinationaddress string,
     sourceport int,
     destinationport int,
     protocol int,
     numpackets int,
     numbytes int,
     starttime string,
     endtime string,
     action string,
     logstatus string
   )
   ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe'
   WITH SERDEPROPERTIES
    ( "input.regex" = "^([^ ]+)\\\\s+([0-9]+)\\\\s+([^ ]+)\\\\s+([^ ]+)\\\\s+([^ ]+)\\\\s+([^ ]+)\\\\s+([0-9]+)\\\\s+([0-9]+)\\\\s+([0-9]+)\\\\s+([0-9]+)\\\\s+([0-9]+)\\\\s+([0-9]+)\\\\s+([0-9]+)\\\\s+([^ ]+)\\\\s+([^ ]+)$" )
   LOCATION 's3://your_log_bucket/prefix/';
};
my @page_queries = (
	q{
		SELECT day_of_week(from_iso8601_timestamp(ts)) AS
		  day,
		  interfaceid,
		  sourceaddress,
		  action,
		  protocol
		FROM vpc_flow_logs
		WHERE action = 'REJECT' AND protocol = 6
		LIMIT 100;
	},
	q{
		SELECT SUM(numpackets) AS
		  packetcount,
		  destinationaddress
		FROM vpc_flow_logs
		WHERE destinationport = 443
		GROUP BY destinationaddress
		ORDER BY packetcount DESC
		LIMIT 10;
	});
my %answers;

foreach my $place ([ 'files', 'logs', quoted("$objects/your_log_bucket/prefix") ], [ 's3', 's3', 'NULL' ])
{
	my ($name, $server, $location) = @$place;

	$node->safe_psql('postgres', qq{
		DROP FOREIGN TABLE IF EXISTS vpc_flow_logs;
		SELECT flowlog_athena_ddl(\$ddl\$$page\$ddl\$, '$server', $location) \\gexec
	});
	$answers{$name} = [ map { outcome($node, $_) } @page_queries ];
}
is_deeply($answers{s3}, $answers{files}, "the queries of Athena's page, over its own location");
like($answers{s3}[0], qr/^5\|eni-\w+\|198\.51\.100\.77\|REJECT\|6$/m, 'and they find what the logs hold');
like($answers{s3}[1], qr/^\d+\|203\.0\.113\.12$/m, 'both');

# ---------- compressions ----------

create_table($node, 'mixed_files', "$objects/logs/mixed");
create_table($node, 'mixed', 's3://logs/mixed/', server => 's3');
is(outcome($node, rows_of('mixed')), outcome($node, rows_of('mixed_files')), 'plain, gzip of two members, and zstd');
like(outcome($node, 'SELECT count(*) FROM mixed'), qr/^12000$/, 'all of them');
is(outcome($node, q{SELECT count(*) FROM mixed WHERE action = 'REJECT' AND dstport = 22}),
	outcome($node, q{SELECT count(*) FROM mixed_files WHERE action = 'REJECT' AND dstport = 22}), 'with a filter');

# ---------- columns of the path ----------

my $template = 'AWSLogs/${account}/vpcflowlogs/${region}/${day:yyyy/MM/dd}/';
my @path_columns = (columns => "account text, region text, day date, $columns");
create_table($node, 'path_files', "$objects/logs/$template", @path_columns);
create_table($node, 'path', "s3://logs/$template", @path_columns, server => 's3');
is(outcome($node, rows_of('path')), outcome($node, rows_of('path_files')), 'names of folders are columns');

my @pruned = (
	# condition, the prefixes that it needs
	[ q{account = '222222222222' AND region = 'us-east-1' AND day = '2026-01-30'}, ['AWSLogs/222222222222/vpcflowlogs/us-east-1/2026/01/30/'] ],
	[ q{region = 'eu-west-1' AND day = '2026-01-27'}, [ map { "AWSLogs/$_/vpcflowlogs/eu-west-1/2026/01/27/" } @accounts ] ],
	[ q{account IN ('111111111111') AND region IN ('eu-west-1', 'us-east-1') AND day = '2026-01-31'},
		[ map { "AWSLogs/111111111111/vpcflowlogs/$_/2026/01/31/" } @regions ] ],
	[ q{account = '111111111111' AND region = 'us-east-1' AND day BETWEEN '2026-01-28' AND '2026-01-29'},
		[ map { "AWSLogs/111111111111/vpcflowlogs/us-east-1/2026/01/$_/" } 28, 29 ] ],
	[ q{account = '333333333333'}, [] ]);

foreach my $case (@pruned)
{
	my ($condition, $needed) = @$case;
	my (@listed, @bad);

	$s3->reset_counters;
	is(outcome($node, rows_of("(SELECT * FROM path WHERE $condition)")), outcome($node, rows_of("(SELECT * FROM path_files WHERE $condition)")),
		"$condition: the same rows");

	# a list above a prefix finds the way to it, one below it is wanted
	@listed = map { $_->{key} } $s3->requests('LIST');
	foreach my $prefix (@listed)
	{
		push @bad, $prefix unless $prefix eq '' || grep { index($_, $prefix) == 0 || index($prefix, $_) == 0 } @$needed, 'AWSLogs/';
	}
	is(join(' ', @bad), '', "$condition: no prefix that was pruned is listed");
	is(scalar(grep { my $key = $_->{key}; !grep { index($key, $_) == 0 } @$needed } $s3->requests('GET')), 0, "$condition: nor read");
	cmp_ok(scalar @listed, '<=', 20, "$condition: in few lists");
	is($s3->counter('kinds', 'GET'), 3 * @$needed, "$condition: each object is read once");
}

# ---------- keys that need escaping ----------

my @odd_names = (
	'a b+c&d=e.log', '/double.log', '%41%2F%00.log', q{q?#[]!'()*,:;@$.log}, 'umläut-日本.log',
	"control\x01\x1f\x7f.log", 'tilde~-._.log', 'back\\slash.log', '"quoted".log', '<xml>&amp;.log', '{a,b}[c]*.log', 'plus+.log', 'blank .log', 'percent%.log');
my @odd_keys = map { "odd/$_" } @odd_names;
my $number = 0;
my %odd_number = map { $_ => ++$number } @odd_keys;

$s3->put('odd', map { $_ => default_line($odd_number{$_}) } @odd_keys);
$s3->put('odd', '/root.log' => default_line(100), '//root.log' => default_line(101));
$s3->put('odd', 'odder/other.log' => default_line(1000), 'odd.log' => default_line(1001)); # longer names
create_table($node, 'odd', 's3://odd/odd/', server => 's3', columns => qq{"\$path" text, $columns});

sub sorted_lines
{
	return join("\n", sort split(/\n/, $_[0]));
}

is(outcome($node, q{SELECT string_agg(account_id::bigint::text, ' ' ORDER BY account_id::bigint) FROM odd}),
	join(' ', sort { $a <=> $b } values %odd_number), 'keys that need escaping are read');
is(sorted_lines(outcome($node, q{SELECT account_id::bigint || ' ' || encode(convert_to("$path", 'UTF8'), 'hex') FROM odd})),
	join("\n", sort map { $odd_number{$_} . ' ' . unpack('H*', encode('UTF-8', "s3://odd/$_")) } @odd_keys), 'each is the one that it says');

foreach my $case ([ 's3://odd/odd/a b+c&d=e.log', 1 ], [ 's3://odd/odd', scalar @odd_keys ], [ 's3://odd/odd//double.log', 1 ],
	[ 's3://odd/odd/\\{a,b\\}\\[c\\]\\*.log', 1 ], [ 's3://odd/odd/{plus+,blank ,none}.log', 2 ],
	[ 's3://odd/odd/p*.log', 2 ], [ 's3://odd/odd/**/double.log', 1 ], [ 's3://odd//root.log', 1 ], [ 's3://odd/', 4 + @odd_keys ])
{
	my ($location, $count) = @$case;

	create_table($node, 'odd_one', $location, server => 's3');
	is(outcome($node, 'SELECT count(*) FROM odd_one'), $count, "location $location");
}
foreach my $location ('s3://odd/od', 's3://odd/odd/none.log', 's3://odd/none/', 's3://none/x')
{
	create_table($node, 'odd_one', $location, server => 's3');
	is(sqlstate(outcome($node, 'SELECT count(*) FROM odd_one')), '58P01', "location $location: there is nothing");
}

# Values after "name=" are decoded as Hive encodes them; keys are not.
my @hive_keys = ('dt=2023-01-05 10%3A00%3A00/a.log', 'dt=2023-01-06%2010%3A00%3A00/a.log', 'dt=__HIVE_DEFAULT_PARTITION__/a.log', 'dt=100%/a.log');
$s3->put('hive', map { ("p/$hive_keys[$_]" => default_line($_ + 1)) } 0 .. $#hive_keys);
create_table($node, 'hive', 's3://hive/p/dt=${dt}/', server => 's3', columns => qq{dt text, "\$path" text, $columns});
foreach my $case ([ 'true', '1 2 3 4' ], [ q{dt = '2023-01-05 10:00:00'}, 1 ], [ 'dt IS NULL', 3 ], [ q{dt > '2023-01-05 11'}, 2 ], [ q{dt = '100%'}, 4 ])
{
	my ($condition, $accounts) = @$case;

	is(outcome($node, "SELECT string_agg(account_id::bigint::text, ' ' ORDER BY account_id) FROM hive WHERE $condition"), $accounts, "values of Hive in keys: $condition");
}
is(outcome($node, q{SELECT string_agg("$path", ',' ORDER BY account_id) FROM hive}), join(',', map { "s3://hive/p/$_" } @hive_keys), 'keys stay as they are');

# Dots are data, never ways; but a list skips hidden names, folders' too.
$s3->put('dots', 'p/ok.log' => default_line(1), 'p/x/../up.log' => default_line(2), 'p/./here.log' => default_line(3), 'p/../above.log' => default_line(4));
foreach my $case ([ 's3://dots/p/', 1 ], [ 's3://dots/p/x/../up.log', 2 ], [ 's3://dots/p/./here.log', 3 ], [ 's3://dots/p/../above.log', 4 ])
{
	my ($location, $account) = @$case;

	create_table($node, 'dots', $location, server => 's3');
	is(outcome($node, 'SELECT account_id::bigint FROM dots'), $account, "location $location");
}

# what no flow log is
$s3->put('skip', 'p/a.log' => default_line(1), 'p/_temporary.log' => 'x', 'p/.hidden.log' => 'x', 'p/' => '', 'p/folder/' => '', 'p/empty.log' => '',
	'p/aws-logs-write-test' => 'x', 'p/sub/aws-logs-write-test' => 'x', 'p/_folder/b.log' => 'x', 'p/folder_$folder$' => '');
create_table($node, 'skip', 's3://skip/p/', server => 's3');
is(outcome($node, 'SELECT account_id FROM skip'), '000000000001', 'markers of folders, empty objects and hidden names are skipped');

# ---------- pages ----------

create_table($node, 'many', 's3://logs/many/', server => 's3');
create_table($node, 'many_files', "$objects/logs/many");
foreach my $size (1000, 7, 1)
{
	next if $size == 1 && !$long;
	$s3->set(page_size => $size);
	$s3->reset_counters;
	is(outcome($node, rows_of('many')), outcome($node, rows_of('many_files')), "2,500 objects in pages of $size");
	is($s3->counter('kinds', 'GET'), 2500, 'each is read once');
	cmp_ok($s3->counter('kinds', 'LIST'), '<=', 2 + 2500 / $size + 1, 'and listed once');
	is($s3->counter('statuses', '200') + $s3->counter('statuses', '206'), $s3->counter('requests'), 'nothing was asked in vain');
}
$s3->set(page_size => 1000);
cmp_ok($s3->counter('connections'), '<', 100, 'connections are used again');

$s3->reset_counters;
is(outcome($node, 'SELECT 1 FROM many LIMIT 1'), 1, 'a query that needs one row');
cmp_ok($s3->counter('kinds', 'GET'), '<=', 100, 'does not read all objects: ' . $s3->counter('kinds', 'GET'));

# reading begins before the list ends: this one never does
$s3->set(page_size => 100);
$s3->faults({ fault => 'silence', kind => 'LIST', after => 3 });
is(outcome($node, 'SELECT 1 FROM many LIMIT 1'), 1, 'the first row comes before a list ends');
$s3->reset_all;
$s3->post('watch', [ $s3->secret ]);

# ---------- many at a time ----------

# The store answers no read until so many are there at the same time, first 16, then 32, then 64: each answer that the reader
# waits for adds a request.  If they never were there, it would answer each after two minutes.
create_table($node, 'small', 's3://logs/small/', server => 's3');
create_table($node, 'small_files', "$objects/logs/small");
my $all_small = outcome($node, rows_of('small_files'));
$s3->reset_counters;
$s3->set(gather => [ 16, 32, 64 ]);
is(outcome($node, 'SELECT count(srcport) FROM small'), 100_000, '500 objects of 20 kB');
cmp_ok($s3->counter('busy_most'), '>=', 64, 'with more and more requests at a time');

$s3->create_server($node, 'single', max_connections => 1);
create_table($node, 'small_single', 's3://logs/small/{00,01}*', server => 'single');
$s3->create_server($node, 'few', max_connections => 3);
create_table($node, 'small_few', 's3://logs/small/{00,01}*', server => 'few');
foreach my $case ([ single => 1 ], [ few => 3 ])
{
	my ($name, $most) = @$case;

	$s3->reset_counters;
	$s3->set(gather => $most);
	is(outcome($node, "SELECT count(*) FROM small_$name"), 200 * 19, "max_connections $most of a server");
	is($s3->counter('busy_most'), $most, 'holds, and is made use of');
}

# ---------- parallel ----------

$s3->reset_counters;
my $session = FlowLogSession->new($node);
$session->safe_query('SET max_parallel_workers_per_gather = 2');
like($session->safe_query('EXPLAIN SELECT count(srcport) FROM small'), qr/Parallel Foreign Scan/, 'a scan that workers share');
is($session->safe_query(rows_of('small')), $all_small, 'has the same rows');
is($s3->counter('kinds', 'GET'), 500, 'reads each object once');
cmp_ok($s3->counter('kinds', 'LIST'), '<=', 2, 'and lists once');
$session->quit;

# ---------- EXPLAIN and its kin ----------

$s3->reset_counters;
my $plan = outcome($node, 'EXPLAIN (COSTS OFF) SELECT * FROM path WHERE day = \'2026-01-30\'');
like($plan, qr/Files: 12$/m, 'EXPLAIN lists');
is($s3->counter('kinds', 'GET'), 0, 'and reads nothing');
$plan = outcome($node, 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM mixed');
like($plan, qr/Requests: [1-9]\d*$/m, 'EXPLAIN ANALYZE counts requests');
like($plan, qr/Bytes Read: /, 'and bytes');
is(outcome($node, q{SELECT count(*), sum(bytes) = (SELECT sum(bytes) FROM flowlog_files('mixed_files')) FROM flowlog_files('mixed')}), '3|t', 'flowlog_files');
is(outcome($node, q{
		SELECT count(*), bool_and(s.modified = date_trunc('second', f.modified)) FROM flowlog_files('mixed') s
		JOIN flowlog_files('mixed_files') f ON replace(s.path, 's3://', '') = replace(f.path, } . quoted("$objects/") . q{, '')
	}), '3|t', 'with the times of the objects');
is(outcome($node, q{SELECT count(*) FROM flowlog_rejects('mixed')}), 0, 'flowlog_rejects');
is(sqlstate(outcome($node, 'SET flowlog_fdw.max_scan_bytes = 1000; SELECT count(*) FROM mixed')), '53400', 'max_scan_bytes');
unlike(outcome($node, 'ANALYZE mixed'), qr/ERROR/, 'ANALYZE');

# ---------- servers and mappings ----------

$s3->create_server($node, 'virtual', endpoint => 'http://localhost:' . $s3->port, url_style => 'virtual');
$s3->create_server($node, 'tls', endpoint => 'https://127.0.0.1:' . $s3->port('https'), ca_file => $s3->port('ca_file'));
$s3->create_server($node, 'expired', endpoint => 'https://127.0.0.1:' . $s3->port('https_expired'), ca_file => $s3->port('ca_file'));
$s3->create_server($node, 'wrong_host', endpoint => 'https://127.0.0.1:' . $s3->port('https_wrong_host'), ca_file => $s3->port('ca_file'));
$s3->create_server($node, 'untrusted', endpoint => 'https://127.0.0.1:' . $s3->port('https'));
$s3->create_server($node, 'no_region', region => undef);
$s3->create_server($node, 'payer', requester_pays => 'true');
$s3->create_server($node, 'anybody', mapping => { credential_source => 'anonymous' });
$s3->create_server($node, 'nobody', mapping => undef);
$s3->create_server($node, 'stranger', mapping => { access_key_id => 'AKIASTRANGER', secret_access_key => 'x' });
$s3->create_server($node, 'wrong_secret', mapping => { access_key_id => $s3->{keys}{access_key_id}, secret_access_key => 'guessed-secret' });
$s3->create_server($node, 'session', mapping => { access_key_id => 'ASIASESSION', secret_access_key => 's', session_token => 'token/of+session==' });
$s3->create_server($node, 'expired_session', mapping => { access_key_id => 'ASIAEXPIRED', secret_access_key => 's', session_token => 'expired/token' });
$s3->post('keys', [ $s3->{keys}, { access_key_id => 'ASIASESSION', secret_access_key => 's', session_token => 'token/of+session==' },
	{ access_key_id => 'ASIAEXPIRED', secret_access_key => 's', session_token => 'expired/token', expires => 1 } ]);
$s3->make_bucket('open', anonymous => JSON::PP::true);
$s3->make_bucket('paid', requester_pays => JSON::PP::true);
$s3->make_bucket('far', region => 'eu-central-1');
$s3->make_bucket('closed', keys => []);
foreach my $bucket (qw(open paid far closed))
{
	$s3->put($bucket, 'a.log' => default_line(1));
}
$s3->post('objects', [ { bucket => 'cold', key => 'a.log', text => default_line(1), storage_class => 'GLACIER' } ]);

my @servers = (
	# server, bucket, rows or SQLSTATE
	[ 's3', 'open', 1 ], [ 'virtual', 'open', 1 ], [ 'tls', 'open', 1 ], [ 'expired', 'open', '58030' ], [ 'wrong_host', 'open', '58030' ],
	[ 'untrusted', 'open', '58030' ], [ 'no_region', 'open', 1 ], [ 'no_region', 'far', 1 ], [ 's3', 'far', 1 ], [ 'payer', 'paid', 1 ], [ 's3', 'paid', '42501' ],
	[ 'anybody', 'open', 1 ], [ 'anybody', 'closed', '42501' ], [ 'nobody', 'open', '42704' ], [ 'stranger', 'open', '42501' ], [ 'wrong_secret', 'open', '42501' ],
	[ 'session', 'open', 1 ], [ 'expired_session', 'open', '42501' ], [ 's3', 'closed', '42501' ], [ 's3', 'cold', '55000|0A000' ]);
foreach my $case (@servers)
{
	my ($server, $bucket, $expected) = @$case;
	my $outcome;

	$s3->reset_counters;
	create_table($node, 'placed', "s3://$bucket/a.log", server => $server);
	$outcome = outcome($node, 'SELECT count(*) FROM placed');
	like(length $expected == 1 ? $outcome : sqlstate($outcome), qr/^(?:$expected)$/, "server $server, bucket $bucket: $expected") or diag($outcome);
	unlike($outcome, qr/\Q@{[$s3->secret]}\E|guessed-secret|token\/of|expired\/token|Signature=/, 'and no secret is told');
	is($s3->counter('requests'), 0, 'nothing was asked') if $server eq 'nobody';
}

# ---------- who may make it talk ----------

$node->safe_psql('postgres', q{
	CREATE ROLE reader LOGIN;
	GRANT USAGE ON FOREIGN DATA WRAPPER flowlog_fdw TO reader;
	GRANT USAGE ON FOREIGN SERVER s3, nobody TO reader;
	GRANT CREATE ON SCHEMA public TO reader;
	GRANT SELECT ON mixed TO reader;
});
my $as_reader = $node->connstr('postgres') . ' user=reader';
$s3->reset_counters;
foreach my $sql (
	'CREATE SERVER own FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (endpoint ' . quoted($s3->endpoint) . ')',
	'CREATE SERVER own FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (ca_file ' . quoted($s3->port('ca_file')) . ')',
	map { "CREATE USER MAPPING FOR reader SERVER nobody OPTIONS (credential_source '$_')" } qw(environment profile instance container web_identity))
{
	my $outcome = outcome($node, $sql, connstr => $as_reader);
	is(sqlstate($outcome), '42501', 'a role without rights cannot ' . ($sql =~ /\((\w+ '\w+)/)[0] . "'") or diag($outcome);
}
is(sqlstate(outcome($node, 'SELECT count(*) FROM mixed', connstr => $as_reader)), '42704', "it cannot borrow another's mapping");
is($s3->counter('requests'), 0, 'and nothing was asked for it');
foreach my $sql (
	q{CREATE SERVER bad FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (secret_access_key 'x')},
	q{CREATE SERVER bad FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (access_key_id 'x')},
	q{ALTER FOREIGN TABLE mixed OPTIONS (ADD secret_access_key 'x')})
{
	is(sqlstate(outcome($node, "SET log_statement = none; $sql")), 'HV00D', 'secrets stand in mappings only');
}

sub allow
{
	my ($setting) = @_;

	$node->append_conf('postgresql.conf', 'flowlog_fdw.allowed_endpoints = ' . quoted($setting));
	$node->reload;
	$node->poll_query_until('postgres', q{SELECT current_setting('flowlog_fdw.allowed_endpoints', true) = } . quoted($setting))
	  or die 'the setting did not arrive';
	return;
}

foreach my $allowed ('', '192.0.2.1', '127.0.0.1:1', '*.example.com')
{
	allow($allowed);
	$s3->reset_counters;
	is(sqlstate(outcome($node, 'SELECT count(*) FROM mixed')), '42501', "with \"$allowed\" allowed, the store is not");
	is($s3->counter('connections'), 0, 'and not connected to');
}
foreach my $allowed ('127.0.0.0/8', '127.0.0.1:' . $s3->port, '192.0.2.1, 127.0.0.1')
{
	allow($allowed);
	is(outcome($node, 'SELECT count(*) FROM mixed'), 12000, "with \"$allowed\" allowed, it is read");
}

# ---------- what is left ----------

is_deeply($s3->control('GET', 'counters')->{seen}, [], 'no request held the secret');
unlike(slurp_file($node->logfile), qr/\Q@{[$s3->secret]}\E|Signature=[0-9a-f]/, 'nor does the log');
check_log($node);
$node->stop;
ok($s3->wait_for_no_connection, 'no connection stays open');
$s3->stop;
done_testing();
