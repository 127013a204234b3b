# What goes wrong between us and S3: each fault ends in the rows that the files hold or in the
# documented error, and leaves nothing behind.  FLOWLOG_S3_SCANS says how many scans with
# random faults to try, FLOWLOG_LONG=1 adds the faults that take a minute.

use strict;
use warnings;

use Cwd qw(abs_path);
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use FlowLog;
use FlowLogS3;
use FlowLogSession;

my $scans = $ENV{FLOWLOG_S3_SCANS} // ($long ? 25 : 6);
my $objects = abs_path(PostgreSQL::Test::Utils::tempdir('objects'));
my $node = start_node('s3_faults', conf => "flowlog_fdw.allowed_endpoints = '127.0.0.1'
$eager_workers");

# ---------- what lies there ----------

# 4 plain objects of 230 kB, 4 packed ones, and one large enough for ranges, below two folders; and many small ones
system_or_bail('mkdir', '-p', map { "$objects/logs/$_" } qw(flow/a flow/b one large many));
foreach my $n (1 .. 4)
{
	write_file("$objects/logs/flow/a/$n.log", default_lines($n * 2000 - 1999, $n * 2000));
	system("gzip -c $objects/logs/flow/a/$n.log >$objects/logs/flow/b/$n.log.gz") == 0 or die 'could not run gzip';
}
write_file("$objects/logs/one/plain.log", default_lines(1, 2000));
write_file("$objects/logs/large/large.log", default_lines(1, 200_000));
write_file(sprintf('%s/logs/many/%03d.log', $objects, $_), default_lines($_ * 10 - 9, $_ * 10)) foreach 1 .. 300;

my $s3 = FlowLogS3->start(objects => $objects);
my $other = $s3->port('other');
my @secrets = ($s3->secret, 'token/of+session==');
$s3->post('keys', [ $s3->{keys}, { access_key_id => 'ASIASESSION', secret_access_key => $s3->secret, session_token => $secrets[1] } ]);
$s3->create_server($node, 's3', mapping => { access_key_id => 'ASIASESSION', secret_access_key => $s3->secret, session_token => $secrets[1] });
my %expected;
foreach my $name (qw(flow one large many))
{
	create_table($node, $name, "s3://logs/$name/", server => 's3');
	create_table($node, "${name}_files", "$objects/logs/$name");
	$expected{$name} = outcome($node, rows_of("${name}_files"));
}

sub rows_of
{
	my ($table) = @_;

	return qq{SELECT count(*), sum(hashtextextended(t::text, 0)) FROM $table t};
}

# ---------- the rows of the table ----------

my $torn = 'XX001|58030|54000'; # a list that cannot be the whole
my $broken = '58030|XX001|55000'; # an answer that contradicts itself
my $denied = '42501';
my $gone = '58P01';
my $changed = '55000';
my $any = '[0-9A-Z]{5}';

sub fault
{
	my ($name, @others) = @_;

	return { fault => $name, @others };
}

my @get = (kind => 'GET');
my @list = (kind => 'LIST');
my @once = (first => 1, per_key => 1);
my @cases = (
	# what, the rules, "rows" or SQLSTATEs, seconds that it takes at most on an idle machine, the table
	[ 'nothing', [], 'rows', 5 ],

	# what passes by itself
	(map { [ "$_, once for each object", [ fault($_, @get, @once) ], 'rows', 20 ] }
		qw(internal_error service_unavailable bad_gateway gateway_timeout request_timeout reset_first close_first)),
	(map { [ "$_, twice", [ fault($_, @get, first => 2) ], 'rows', 30 ] } qw(slow_down too_many_requests)),
	(map { [ "$_ of lists, twice", [ fault($_, @list, first => 2) ], 'rows', 30 ] } qw(internal_error slow_down service_unavailable reset_first close_first)),
	[ 'slow_down with Retry-After', [ fault('slow_down', @get, first => 2, retry_after => 1) ], 'rows', 30 ],
	[ 'a status without XML', [ fault('status', @get, first => 1, status => 503, body => '<html>busy</html>') ], 'rows', 20 ],

	# bodies that end early go on where they ended
	(map { my $bytes = $_; map { [ "$_ of $bytes bytes", [ fault($_, @get, @once, bytes => $bytes) ], 'rows', 20 ] } qw(reset_after close_after) }
		0, 1, 1000, 70_000, 150_000),
	(map { [ "$_ of a list", [ fault($_, @list, first => 1, bytes => 300) ], 'rows', 20 ] } qw(reset_after close_after)),
	[ 'a large object torn again and again', [ fault('reset_after', @get, bytes => 3_000_000) ], 'rows', 30, 'large' ],
	[ 'a body that stalls for 2 s', [ fault('stall_after', @get, nth => 2, bytes => 1000, seconds => 2) ], 'rows', 20 ],
	[ 'a slow body', [ fault('slow', @get, key => '1\.log$', bytes_per_second => 100_000) ], 'rows', 20 ],

	# what does not pass
	[ 'reset_first, always', [ fault('reset_first', @get) ], '58030', 60 ],
	[ 'close_after, always', [ fault('close_after', @get, bytes => 0) ], '58030', 60 ],
	(map { ([ "$_ of an object", [ fault($_, @get, nth => 3) ], $denied, 10 ], [ "$_ of a list", [ fault($_, @list) ], $denied, 10 ]) }
		qw(access_denied invalid_access_key_id signature_does_not_match expired_token)),
	[ 'no_such_key', [ fault('no_such_key', @get, nth => 3) ], $gone, 10 ],
	[ 'no_such_bucket of an object', [ fault('no_such_bucket', @get, nth => 3) ], $gone, 10 ],
	[ 'no_such_bucket of a list', [ fault('no_such_bucket', @list) ], $gone, 10 ],
	[ 'invalid_object_state', [ fault('invalid_object_state', @get, nth => 3) ], '55000|0A000', 10 ],
	[ 'precondition_failed', [ fault('precondition_failed', @get, nth => 3) ], $changed, 10 ],
	[ 'the token expires in the middle', [ fault('token_expires', @get, nth => 4) ], $denied, 10 ],

	# clocks
	[ 'request_time_too_skewed, once', [ fault('request_time_too_skewed', first => 1) ], 'rows', 10 ],
	[ 'request_time_too_skewed, always', [ fault('request_time_too_skewed') ], "$denied|58030", 10 ],

	# objects that change
	[ 'an object deleted after the list', [ fault('deleted', @get, nth => 3) ], $gone, 10 ],
	[ 'an object replaced after the list', [ fault('replaced', @get, nth => 3) ], $changed, 10 ],
	[ 'an object replaced while it is read', [ fault('reset_after', @get, bytes => 70_000, first => 1), fault('replaced', @get, ranged => JSON::PP::true) ], $changed, 10, 'one' ],
	[ 'an object deleted while it is read', [ fault('reset_after', @get, bytes => 70_000, first => 1), fault('deleted', @get, ranged => JSON::PP::true) ], $gone, 10, 'one' ],
	[ 'an object emptied, its ETag kept', [ fault('emptied', @get, nth => 3) ], $broken, 30 ],
	[ 'an object cut, its ETag kept', [ fault('replaced', @get, nth => 3, length => 1000, same_etag => JSON::PP::true) ], $broken, 30 ],
	[ 'invalid_range of a body that goes on', [ fault('reset_after', @get, bytes => 70_000, first => 1), fault('invalid_range', @get, nth => 2) ], $broken, 30, 'one' ],

	# answers that contradict themselves
	[ 'Content-Length is longer, once', [ fault('wrong_length', @get, @once, add => 100) ], "rows|$broken", 20 ],
	[ 'Content-Length is shorter, once', [ fault('wrong_length', @get, @once, add => -100) ], "rows|$broken", 20 ],
	[ 'Content-Length is longer, always', [ fault('wrong_length', @get, add => 100) ], $broken, 60 ],
	[ 'Content-Length is shorter, always', [ fault('wrong_length', @get, add => -100) ], $broken, 60 ],
	(map { my @add = @$_; [ "Content-Range: $add[0] is wrong",
		[ fault('reset_after', @get, bytes => 70_000, first => 1), fault('wrong_range', @get, ranged => JSON::PP::true, @add) ], $broken, 30, 'one' ] }
		[ start => 1 ], [ start => -1 ], [ end => 1 ], [ end => -1 ], [ total => 1 ], [ total => -1 ]),
	[ 'a range answered with the whole', [ fault('reset_after', @get, bytes => 70_000, first => 1), fault('ignore_range', @get) ], "rows|$broken", 30, 'one' ],

	# what is unusual, and right
	(map { [ $_, [ fault($_) ], 'rows', 10 ] } qw(chunked http_1_0 continue_first content_encoding)),
	[ 'http_1_0 without length', [ fault('http_1_0', length => JSON::PP::false) ], 'rows', 10 ],
	[ 'no_length', [ fault('no_length') ], 'rows', 10 ],
	[ 'no_etag', [ fault('no_etag', @get) ], 'rows', 10 ],
	[ 'no_etag of lists', [ fault('no_etag', @list) ], "rows|$broken|0A000", 10 ],

	# lists that lie: the end of one is never taken for its end
	(map { [ $_, [ fault($_, @list) ], $torn, 30 ] }
		qw(list_no_is_truncated list_no_token list_empty_token list_key_count list_one_missing list_disorder list_duplicate list_foreign_key
		list_wrong_time list_bomb list_external_entity list_deep list_huge list_empty_body list_html)),
	(map { [ "$_ in the middle", [ { page_size => 40 }, fault($_, @list, nth => 2) ], $torn, 30, 'many' ] }
		qw(list_repeated list_token_loop list_no_is_truncated list_no_token list_key_count list_one_missing list_disorder)),
	[ 'list_repeated', [ { page_size => 40 }, fault('list_repeated', @list) ], $torn, 30, 'many' ],
	[ 'list_token_loop', [ fault('list_token_loop', @list) ], $torn, 30 ],
	[ 'list_empty_page', [ { page_size => 2 }, fault('list_empty_page', @list, every => 2) ], 'rows', 30 ],
	[ 'list_repeated after a page without items',
		[ { page_size => 40 }, fault('list_empty_page', @list, nth => 2), fault('list_repeated', @list, nth => 3) ], $torn, 30, 'many' ],
	(map { [ "list_circle of $_ pages", [ fault('list_circle', @list, pages => $_) ], $torn, 30, 'many' ] } 2, 7),
	[ 'a size that is none', [ fault('list_wrong_size', @list, size => 'x') ], $torn, 10 ],
	[ 'a negative size', [ fault('list_wrong_size', @list, size => '-1') ], $torn, 10 ],
	[ 'a size too large for us', [ fault('list_wrong_size', @list, size => '99999999999999999999') ], $torn, 10 ],
	[ 'a size that is not the size', [ fault('list_wrong_size', @list, add => 1) ], "$broken|$changed", 30 ],
	(map { [ "a list cut at $_", [ { page_size => 40 }, fault('list_cut', @list, nth => 3, bytes => $_) ], "rows|$torn", 30, 'many' ] } -1, -20, -500, 3000, 1, 0),
	(map { [ "all lists cut at $_", [ fault('list_cut', @list, bytes => $_) ], $torn, 60 ] } -1, -20, 300),
	[ 'a list cut between chunks', [ fault('list_cut', @list, bytes => -300, chunked => JSON::PP::true) ], $torn, 60 ],

	# redirects: nobody else is asked
	(map { my $status = $_; map { [ "$status to $_", [ fault('redirect', status => $status, location => $_) ], $any, 15 ] }
		"http://127.0.0.1:$other/", "http://169.254.169.254/latest/meta-data/", 'file:///etc/passwd', 'gopher://127.0.0.1:1/', '' } 301, 302, 307, 308),
	[ 'redirect_loop', [ fault('redirect_loop') ], $any, 15 ],
	[ 'a region that is no name', [ fault('wrong_region', region => "x.example\r\nHost: y") ], $any, 15 ],
	[ 'a wrong region', [ fault('wrong_region') ], $any, 15 ]);

# What makes us wait, all of it at the same time: each concerns a folder of its own, with the objects of "flow".
my @waits = (
	# what, the rule, "rows" or SQLSTATEs, what the error says
	[ 'half of all answers are 500', fault('internal_error', probability => 0.5, seed => 1), 'rows|58030' ],
	[ 'a body that stalls', fault('stall_after', @get, nth => 2, bytes => 1000), 'rows' ],
	[ 'an answer that does not come', fault('silence', @get, nth => 2), 'rows' ],
	[ 'a list that does not come', fault('silence', @list, nth => 1), 'rows' ],
	[ 'internal_error, always', fault('internal_error', @get), '58030' ],
	[ 'slow_down, always', fault('slow_down', @get), '58030', qr/SlowDown|503/ ],
	[ 'slow_down of lists, always', fault('slow_down', @list), '58030', qr/SlowDown|503/ ]);

push @waits, (
	[ 'a byte a second', fault('slow', @get, key => '.*1\.log$'), '58030' ],
	[ 'no answer, ever', fault('silence', @get), '58030' ],
	[ 'no list, ever', fault('silence', @list), '58030' ]) if $long;

my $session = FlowLogSession->new($node);
my $pid = $session->pid;
$session->safe_query(rows_of($_)) foreach qw(flow flow_files);
my $descriptors = descriptors();

sub descriptors
{
	return scalar(() = glob("/proc/$pid/fd/*"));
}

# check TABLE, EXPECTED, WHAT: no wrong rows, and no other error
sub check
{
	my ($table, $allowed, $what) = @_;
	my $out = $session->query(rows_of($table));

	return check_answer($out, $session->error, $expected{$table}, $allowed, $what);
}

sub check_answer
{
	my ($out, $error, $rows, $allowed, $what) = @_;
	my $state = sqlstate($error);

	if ($state eq '')
	{
		is($out, $rows, "$what: the rows that the files hold");
		like('rows', qr/^(?:$allowed)$/, "$what: may be answered");
	}
	else
	{
		like($state, qr/^(?:$allowed)$/, "$what: a documented outcome, $allowed") or diag($error);
	}
	unlike($error, qr/\Q$secrets[0]\E|\Q$secrets[1]\E|Signature=|WARNING:  .*leak/, "$what: no secret in the error");
	return $state;
}

# There are 8 objects and 3 folders in the most common table, each of which may be asked for some times.
my $most_requests = 150;
foreach my $parallel (0, 2)
{
	my $number = 0;

	$session->safe_query("SET max_parallel_workers_per_gather = $parallel");
	foreach my $case (@cases)
	{
		my ($what, $rules, $allowed, $seconds, $table) = @$case;
		my @rules = @$rules;

		# once is enough for what takes long
		next if $parallel && ($seconds > 30 || (!$long && $number++ % 3 != 0));
		$what .= ', in parallel' if $parallel;
		$s3->reset_all;
		$s3->set(%{ shift @rules }) if @rules && !exists $rules[0]{fault};
		$s3->faults(@rules);
		check($table // 'flow', $allowed, $what);
		cmp_ok($s3->counter('requests'), '>', 0, "$what: the store was asked");
		cmp_ok($s3->counter('requests'), '<=', $most_requests, "$what: and not without end");
		is(scalar($s3->requests('OTHER')), 0, "$what: nobody else was") if $what =~ /redirect|\b30\d\b/;
	}
}
$session->safe_query('SET max_parallel_workers_per_gather = 0');

# what waits, each in a session of its own, and many reads of which half are refused, without a storm of retries
foreach my $number (1 .. @waits)
{
	system_or_bail('cp', '-rl', "$objects/logs/flow", "$objects/logs/wait$number");
	create_table($node, "wait$number", "s3://logs/wait$number/", server => 's3');
}
push @waits, [ 'half of all reads are refused', fault('slow_down', @get, probability => 0.5, seed => 7), 'rows|58030', undef, 'many', 3 * 300 ];
$s3->refresh;
$s3->reset_all;
{
	my @running;

	foreach my $number (0 .. $#waits)
	{
		my $rule = $waits[$number][1];
		my $table = $waits[$number][4] // 'wait' . ($number + 1);

		$rule->{key} = "^$table/" . ($rule->{key} // '');
		push @running, { table => $table, session => FlowLogSession->new($node) };
	}
	$s3->faults(map { $_->[1] } @waits);
	$_->{session}->send_sql(rows_of($_->{table})) foreach @running;
	foreach my $number (0 .. $#waits)
	{
		my ($what, $rule, $allowed, $pattern, $name, $most) = @{ $waits[$number] };
		my ($table, $waiting) = @{ $running[$number] }{qw(table session)};
		my $out = $waiting->finish;

		check_answer($out, $waiting->error, $expected{ $name // 'flow' }, $allowed, $what);
		like($waiting->error, $pattern, "$what: the error says so") if defined $pattern;
		$waiting->quit;
		my $requests = grep { ($_->{key} // '') =~ m{^$table/} } $s3->requests;
		cmp_ok($requests, '>', 0, "$what: the store was asked");
		cmp_ok($requests, '<=', $most // $most_requests, "$what: and not without end: $requests");
	}
}

# what was to be told, is
my @messages = (
	[ fault('precondition_failed', @get, nth => 3), qr/changed/ ], [ fault('access_denied', @get, nth => 3), qr/AccessDenied|denied/i ],
	[ fault('no_such_bucket', @list), qr/bucket/ ], [ fault('invalid_object_state', @get, nth => 3), qr/HINT:.*[Rr]estore/ ],
	[ fault('deleted', @get, nth => 3), qr{"s3://logs/flow/[ab]/\d\.log(\.gz)?"} ]);
foreach my $case (@messages)
{
	my ($rule, $pattern) = @$case;

	$s3->reset_all;
	$s3->faults($rule);
	$session->query(rows_of('flow'));
	like($session->error, $pattern, "$rule->{fault}: the error says so");
}

# ---------- clocks and retries ----------

foreach my $skew (-3600, 3600, 23 * 3600)
{
	# what the query before has asked for would be counted, too
	sleep(0.01) while $s3->counter('busy');
	$s3->reset_all;
	$s3->set(skew => $skew);
	check('flow', 'rows', "a clock $skew s off");
	cmp_ok($s3->counter('statuses', '403'), '<=', 2, 'which is learnt once');
}
$s3->reset_all;
$s3->set(skew => 25 * 3600);
check('flow', "$denied|58030", 'a clock more than a day off');

# ---------- cancel ----------

my @stages = (
	[ 'waiting for a list', [ fault('silence', @list) ], 'LIST' ],
	[ 'waiting for an object', [ fault('silence', @get) ], 'GET' ],
	[ 'in the middle of an object', [ fault('stall_after', @get, bytes => 1000) ], 'GET' ],
	[ 'in the middle of a list', [ fault('stall_after', @list, bytes => 100) ], 'LIST' ],
	[ 'reading slowly', [ fault('slow', @get, bytes_per_second => 2000) ], 'GET' ],
	[ 'between tries', [ fault('slow_down', @get, retry_after => 15) ], 'GET' ],
	[ 'between tries of a list', [ fault('slow_down', @list, retry_after => 15) ], 'LIST' ]);
foreach my $stage (@stages)
{
	my ($what, $rules, $kind) = @$stage;

	foreach my $way ('cancel', 'timeout')
	{
		my ($good, $told) = FlowLogSession::stops_in_time(sub {
			$s3->reset_all;
			$s3->faults(@$rules);
			if ($way eq 'cancel')
			{
				$session->send_sql(rows_of('flow'));
				$s3->wait_for_requests($kind, 1);
				sleep(0.2);
				return $session->stop(sub { kill('INT', $pid) });
			}
			$session->query('SET statement_timeout = 400');
			my ($cpu, $sleeps, $seconds) = $session->stop(sub { $session->send_sql(rows_of('flow')) });
			return ($cpu - 0.4, $sleeps - 400, $seconds - 0.4); # so much may be before it
		});

		# the store goes on as before, so there is nothing else that ends the wait, or only much later
		is(sqlstate($session->error), '57014', "$what: a $way ends it");
		ok($good, "$what: $way in time: $told");
		$session->query('SET statement_timeout = 0');
		$s3->reset_all;
		check('flow', 'rows', "$what: after a $way");
	}
}
$s3->reset_all;
$s3->faults(fault('silence', @get));
$session->send_sql(rows_of('flow'));
$s3->wait_for_requests('GET', 1);
kill('TERM', $pid);
$session->finish;
is(sqlstate($session->error), '57P01', 'it can be terminated');
$session->quit;
ok($s3->wait_for_no_connection, 'and leaves no connection open');

# ---------- chance ----------

$session = FlowLogSession->new($node);
$pid = $session->pid;
$s3->reset_all;
$session->safe_query(rows_of($_)) foreach qw(many many_files);
$descriptors = descriptors();
my $answered = 0;
foreach my $seed (1 .. $scans)
{
	my @chance = (probability => 0.02, seed => $seed);

	$s3->reset_all;
	$s3->set(page_size => 70);
	$session->safe_query('SET max_parallel_workers_per_gather = ' . ($seed % 2 ? 0 : 2));
	$s3->faults(
		(map { fault($_, @chance) } qw(internal_error reset_first close_first request_timeout)),
		(map { fault($_, @chance, bytes => 300) } qw(reset_after close_after)),
		fault('chunked', @chance), fault('list_cut', probability => 0.01, seed => $seed),
		fault('slow', @chance, bytes_per_second => 20_000));
	$answered++ if check('many', "rows|$torn|$broken", "random faults, seed $seed") eq '';
}
cmp_ok($answered, '>=', 0.6 * $scans, "most scans with random faults are answered: $answered of $scans");

# ---------- what is left ----------

$s3->reset_all;
check('many', 'rows', 'after all of this');
cmp_ok(descriptors(), '<=', $descriptors + 1, 'no descriptor stays open');
is(scalar(() = glob("/proc/$pid/task/*")), 1, 'nor a thread');
$session->quit;
ok($s3->wait_for_no_connection, 'nor a connection');
my $log = slurp_file($node->logfile);
unlike($log, qr/\Q$_\E/, 'no secret is in the log') foreach @secrets;
unlike($log, qr/Signature=[0-9a-f]/, 'nor a signature');
check_log($node);
$node->stop;
$s3->stop;
done_testing();
