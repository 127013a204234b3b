# Flow logs that others wrote, below FLOWLOG_SAMPLES: each is read into the rows that it
# holds, or refused with an error that says where.  What to expect of each file stands in a
# table here, and awk counts once more; what tables without a regular expression read, Perl counts.

use strict;
use warnings;

use Cwd qw(abs_path);
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

if (!$ENV{FLOWLOG_SAMPLES} || !-d $ENV{FLOWLOG_SAMPLES})
{
	plan skip_all => 'FLOWLOG_SAMPLES names no directory';
}

my $samples = abs_path($ENV{FLOWLOG_SAMPLES});
my $node = start_node('samples');
my $session = FlowLogSession->new($node);

# ---------- line formats ----------

my $default = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status';
my $flags = 'version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr pkt-dstaddr '
  . 'protocol bytes packets start end action tcp-flags log-status';
my %fields = (
	default => $default,
	flags => $flags,
	nat => 'instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr',
	services => "$default pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service",
	gateway => 'version account-id tgw-id tgw-attachment-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id '
	  . 'tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol '
	  . 'packets bytes packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired '
	  . 'start end log-status type tcp-flags flow-direction region',
	containers => "$default ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id "
	  . 'ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id');

# Every column has its field's own type, so that every field is judged.
my %types = (
	(map { $_ => 'inet' } qw(srcaddr dstaddr pkt-srcaddr pkt-dstaddr)),
	(map { $_ => 'timestamptz' } qw(start end)),
	(map { $_ => 'bigint' } qw(bytes packets), grep { /^packets-lost/ } split(/ /, $fields{gateway})),
	(map { $_ => 'int' } qw(version srcport dstport protocol tcp-flags)));

sub columns_of
{
	my ($format) = @_;

	return join(', ', map { '"' . ($_ =~ s/-/_/gr) . '" ' . ($types{$_} // 'text') } split(/ /, $fields{$format}));
}

sub regex_of
{
	my ($format, $separator) = @_;

	return join($separator, map { '(\S+)' } split(/ /, $fields{$format}));
}

# ---------- what each file holds ----------

my %expected = (
	# file => format, rows, headers, empty lines, sum of bytes; or format, SQLSTATE and line of the error
	's3/awsdocs_accepted-and-rejected-traffic.log' => [ 'default', 2, 0, 0, 8498 ],
	's3/awsdocs_ipv6-traffic.log' => [ 'default', 1, 0, 0, 8855 ],
	's3/awsdocs_no-data-and-skipped-records.log' => [ 'default', 2, 0, 0, 0 ],
	's3/awsdocs_tcp-flag-sequence.log' => [ 'flags', '22P04', 9 ], # two blanks in the last line
	's3/beats-accept-reject-traffic.log' => [ 'default', 4, 1, 0, 9170 ],
	's3/beats-custom-nat-gateway.log' => [ 'nat', 2, 1, 0, 0 ],
	's3/beats-ipv6.log' => [ 'default', 1, 0, 0, 8855 ],
	's3/beats-no-data-skip-data.log' => [ 'default', 2, 0, 0, 0 ],
	's3/beats-tcp-flag-sequence.log' => [ 'flags', 1, 1, 0, 568 ],
	's3/centralized-logging.log' => [ 'default', 17, 1, 0, 559 ],
	's3/grafana-v5-nat.log' => [ 'services', 31, 1, 0, 411973 ],
	's3/lambda-promtail.log.gz' => [ 'default', 3, 1, 0, 34052 ],
	's3/otel-valid_tgw_flow_log.log' => [ 'gateway', 1, 1, 0, 1000 ],
	's3/otel-valid_vpc_flow_log.log' => [ 'default', 1, 1, 0, 0 ],
	's3/otel-valid_vpc_flow_log_ecs.log' => [ 'containers', 1, 1, 0, 3500 ],
	's3/otel-valid_vpc_flow_log_multi.log' => [ 'default', 2, 1, 0, 8498 ],
	'malformed/beats-bad.log' => [ 'default', '22P04', 1 ],
	'malformed/beats-header-twice.log' => [ 'flags', 2, 2, 1, 0 ],
	'malformed/vpc_flow_log_too_few_fields.log' => [ 'default', '22P04', 2 ],
	'malformed/vpc_flow_log_too_many_fields.log' => [ 'default', '22P04', 2 ]);

my @files = sort map { substr($_, length($samples) + 1) } glob("$samples/s3/* $samples/malformed/*");
is(join("\n", sort keys %expected), join("\n", @files), 'every sample is expected');

# ---------- what awk makes of it ----------

# rows, headers, empty lines, sum of bytes, first line that is no record
sub awk_counts
{
	my ($file, $format) = @_;
	my @names = split(/ /, $fields{$format});
	my ($bytes) = grep { $names[ $_ - 1 ] eq 'bytes' } 1 .. @names;
	my $script = '{ sub(/\r$/, "") } '
	  . '$0 == "" { empty++; next } '
	  . '$1 ~ /^[a-z]/ && $2 ~ /^[a-z][a-z-]*$/ && $3 ~ /^[a-z][a-z-]*$/ && !/[A-Z]/ { headers++; next } '
	  . 'NF != n || /  / { if (!bad) bad = NR; next } '
	  . '{ rows++; if (bytes) sum += $bytes } '
	  . 'END { printf "%d %d %d %d %d", rows, headers, empty, sum, bad }';
	my $command = 'gzip -cdf ' . quoted("$samples/$file") . ' | awk -v n=' . scalar(@names) . ' -v bytes=' . ($bytes // 0) . ' ' . quoted($script);

	return split(/ /, `$command`);
}

# ---------- what we make of it ----------

# The counts of the scan that EXPLAIN ANALYZE shows.
sub ledger
{
	my ($sql) = @_;
	my $plan = decode_json($session->safe_query("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT json) $sql"))->[0]{Plan};

	$plan = $plan->{Plans}[0] while $plan->{'Node Type'} ne 'Foreign Scan';
	return $plan;
}

foreach my $file (sort keys %expected)
{
	my ($format, $first, @rest) = @{ $expected{$file} };
	my ($rows, $headers, $empty, $sum, $bad) = awk_counts($file, $format);

	create_table($node, 'sample', "$samples/$file", columns => columns_of($format), regex => regex_of($format, ' '));
	if ($first =~ /^22/)
	{
		my $line = $rest[0];

		is($bad, $line, "$file: awk finds line $line to be no record");
		$session->query('SELECT * FROM sample');
		is(sqlstate($session->error), $first, "$file: an error");
		like($session->error, qr/CONTEXT:  flow log "\Q$samples\/$file\E", line $line/, "$file: that names line $line");

		# without that line, the others
		create_table($node, 'sample', "$samples/$file", columns => columns_of($format), regex => regex_of($format, ' '), on_error => 'ignore');
		is($session->safe_query('SELECT count(*) FROM sample'), $rows, "$file: with on_error ignore, $rows rows");
		like($session->error, qr/WARNING:  .*1 of \d+ lines/, "$file: and a warning");
		is($session->safe_query(q{SELECT line FROM flowlog_rejects('sample')}), $line, "$file: flowlog_rejects names the line");
		next;
	}

	is("$rows $headers $empty $sum $bad", "$first @rest 0", "$file: awk counts the same");
	is($session->safe_query('SELECT count(*) FROM (SELECT * FROM sample OFFSET 0) s'), $first, "$file: $first rows");
	is($session->error, '', "$file: and no word of warning");
	is($session->safe_query('SELECT coalesce(sum(bytes), 0) FROM sample'), $rest[2], "$file: sum of bytes") if $fields{$format} =~ /\bbytes\b/;
	my $ledger = ledger('SELECT * FROM sample');
	is($ledger->{Headers}, $rest[0], "$file: $rest[0] headers");
	is($ledger->{'Blank Lines'}, $rest[1], "$file: $rest[1] empty lines");
	is($ledger->{'Lines Emitted'} + $ledger->{Headers} + $ledger->{'Blank Lines'}, $ledger->{Lines}, "$file: every line is accounted for");
	is($session->safe_query(q{SELECT count(*) FROM flowlog_rejects('sample')}), 0, "$file: and none is a reject");
}

# ---------- by header, or by the default format ----------

# What stands in a file, by lines: records, headers, empty lines, sum of bytes, first that is none of these
sub perl_counts
{
	my (@lines) = @_;
	my @names = split(/ /, $default);
	my %count = (rows => 0, headers => 0, empty => 0, bytes => 0, bad => 0);

	for my $number (1 .. @lines)
	{
		my @fields = split(/ +/, $lines[ $number - 1 ] =~ s/\r?\n?$//r);
		my %record;

		if (@fields == 0) { $count{empty}++ }
		elsif ($fields[0] =~ /^[a-z]+(?:-id)?$/) { @names = @fields; $count{headers}++ }
		elsif (@fields != @names) { $count{bad} ||= $number }
		else
		{
			@record{@names} = @fields;
			$count{rows}++;
			$count{bytes} += $record{bytes} if ($record{bytes} // '-') ne '-';
		}
	}
	return \%count;
}

sub lines_of
{
	my ($file) = @_;

	open(my $pipe, '-|', 'gzip', '-cdf', "$samples/$file") or die "could not run gzip: $!";
	my @lines = <$pipe>;
	close($pipe) or die "could not read \"$file\"";
	return @lines;
}

# Compares a table with what Perl counts.
sub is_read_as
{
	my ($name, $format, $count, $nlines) = @_;
	my $ledger = ledger('SELECT * FROM sample');

	is($session->safe_query('SELECT count(*) FROM (SELECT * FROM sample OFFSET 0) s'), $count->{rows}, "$name: $count->{rows} rows");
	is($session->safe_query('SELECT coalesce(sum(bytes), 0) FROM sample'), $count->{bytes}, "$name: sum of bytes") if $fields{$format} =~ /\bbytes\b/;
	is(join(' ', map { $ledger->{$_} // 0 } 'Lines', 'Headers', 'Blank Lines', 'Lines Emitted'),
		"$nlines $count->{headers} $count->{empty} $count->{rows}", "$name: $nlines lines, and what they are");
	return;
}

foreach my $file (sort keys %expected)
{
	my ($format) = @{ $expected{$file} };
	my @lines = lines_of($file);
	my $count = perl_counts(@lines);
	my $name = "$file, without regex";

	create_table($node, 'sample', "$samples/$file", columns => columns_of($format), regex => undef);
	if ($count->{bad})
	{
		$session->query('SELECT count(*) FROM (SELECT * FROM sample OFFSET 0) s');
		like($session->error, qr/ERROR:  22P04: .*\nDETAIL:  .*\n(?:HINT:  .*\n)?CONTEXT:  flow log "\Q$samples\/$file\E", line $count->{bad}\b/, "$name: an error at line $count->{bad}");
	}
	else
	{
		is_read_as($name, $format, $count, scalar(@lines));
	}
}

# ---------- in CloudWatch's wrappers ----------

my %wrapped = (
	# file => format, wrapper, whether a table must be told the format
	'cloudwatch-v2.ndjson' => [ 'default', 'json', 0 ],
	'cloudwatch-v7-ecs.ndjson' => [ 'tasks', 'json', 1 ],
	'entry_vpc_flow_logs.json' => [ 'default', 'json', 0 ],
	'export.log' => [ 'export', 'export', 1 ],
	'valid_tgw_flow_cw.json' => [ 'attachments', 'json', 1 ],
	'valid_vpc_flow_cw.json' => [ 'default', 'json', 0 ],
	'valid_vpc_flow_cw_custom.json' => [ 'addresses', 'json', 1 ]);

$fields{tasks} = "$default ecs-cluster-name ecs-cluster-arn ecs-container-instance-id ecs-container-instance-arn ecs-service-name "
  . 'ecs-task-definition-arn ecs-task-id ecs-task-arn ecs-container-id ecs-second-container-id';
$fields{attachments} = $fields{gateway} =~ s/packets-lost-\S+ //gr;
$fields{addresses} = 'version interface-id srcaddr dstaddr';
$fields{export} = 'instance-id interface-id srcaddr dstaddr action az-id type end protocol srcport dstport packets bytes log-status start subnet-id';
is(join("\n", sort keys %wrapped), join("\n", sort map { s/.*\///r } glob("$samples/cloudwatch/*")), 'every wrapped sample is expected');

# The messages of the events in some JSON, or what follows the time of each line.
sub messages_of
{
	my ($file) = @_;
	my $text = join('', lines_of($file));
	my $json = JSON::PP->new;
	my @messages;

	return map { s/^\S+ //r } split(/\n/, $text) if $text !~ /^\s*[\[{]/;
	$json->incr_parse($text);
	while (my $value = $json->incr_parse)
	{
		push(@messages, map { $_->{message} } $value->{logEvents} ? @{ $value->{logEvents} } : $value);
	}
	return @messages;
}

foreach my $file (sort keys %wrapped)
{
	my ($format, $wrapper, $must_be_told) = @{ $wrapped{$file} };
	my $name = "cloudwatch/$file";
	my @messages = messages_of($name);
	my $count = perl_counts($fields{$format}, @messages);
	my @told = $must_be_told ? (log_format => join(' ', map { "\${$_}" } split(/ /, $fields{$format}))) : ();

	$count->{headers}--; # which was for Perl alone
	is($count->{bad}, 0, "$name: Perl reads it, too");
	if ($must_be_told)
	{
		create_table($node, 'sample', "$samples/$name", columns => columns_of($format), regex => undef);
		$session->query('SELECT count(*) FROM sample');
		is(sqlstate($session->error), '22P04', "$name: its format must be told");
	}
	create_table($node, 'sample', "$samples/$name", columns => 'ts timestamptz, ' . columns_of($format), regex => undef, @told);
	is_read_as($name, $format, $count, scalar(@messages));
	is($session->safe_query('SELECT count(ts) FROM sample'), scalar(@messages), "$name: each has a time");
	is($session->safe_query(q{SELECT wrapper FROM flowlog_files('sample')}), $wrapper, "$name: the wrapper is told");
}

# ---------- some of them closer ----------

# the line with two blanks is a record for a pattern that takes any number of them
create_table($node, 'sample', "$samples/s3/awsdocs_tcp-flag-sequence.log", columns => columns_of('flags'), regex => regex_of('flags', '\s+'));
is($session->safe_query('SELECT count(*), sum(bytes), sum(packets) FROM sample'), '8|23462480|17121', 'a pattern may allow several blanks');

# a column that contradicts the header is found out
create_table($node, 'sample', "$samples/s3/beats-tcp-flag-sequence.log", columns => columns_of('flags') =~ s/"bytes" bigint, "packets" bigint/"packets" bigint, "bytes" bigint/r,
	regex => regex_of('flags', ' '));
$session->query('SELECT count(*) FROM sample');
like($session->error, qr/ERROR:  22P04: header of a flow log contradicts/, 'bytes and packets in each other\'s place are an error');

$session->safe_query("SET timezone = 'UTC'");
create_table($node, 'sample', "$samples/s3/awsdocs_no-data-and-skipped-records.log");
is( $session->safe_query('SELECT log_status, srcaddr IS NULL AND action IS NULL, start FROM sample ORDER BY log_status'),
	"NODATA|t|2015-05-10 18:01:16+00\nSKIPDATA|t|2015-05-10 18:01:16+00",
	'records without data have nulls');
create_table($node, 'sample', "$samples/s3/awsdocs_ipv6-traffic.log");
is( $session->safe_query('SELECT srcaddr, dstaddr, srcport, action FROM sample WHERE srcaddr << \'2001:db8:1234:a100::/56\''),
	'2001:db8:1234:a100:8d6e:3477:df66:f105|2001:db8:1234:a102:3304:8879:34cf:4071|34892|ACCEPT',
	'addresses of IPv6');
create_table($node, 'sample', "$samples/s3/otel-valid_tgw_flow_log.log", columns => columns_of('gateway'), regex => regex_of('gateway', ' '));
is($session->safe_query('SELECT packets_lost_no_route, packets_lost_ttl_expired, region FROM sample'), '1|4|us-east-1', 'a transit gateway\'s record');

# all files of the default format at once
create_table($node, 'sample', "$samples/{s3,malformed}/{*traffic,beats-ipv6,*skip*,centralized*,lambda*,otel-valid_vpc_flow_log,*multi}.log*");
is($session->safe_query('SELECT count(*) FROM sample'), 2 + 1 + 2 + 4 + 1 + 2 + 17 + 3 + 1 + 2, 'many files are one table');

$session->quit;
check_log($node);
$node->stop;
done_testing();
