# The statements of the docs run as they are printed, from the top of a page to its
# end, and every query of them finds something.

use strict;
use warnings;

use FlowLog;
use FlowLogS3;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('docs', conf => "flowlog_fdw.allowed_endpoints = '127.0.0.1'");
my $logs = PostgreSQL::Test::Utils::tempdir;
my %directories = map { $_ => "$logs/$_" } qw(flow flow-hourly flow-hive flow-custom flow-export);

# ---------- what lies there ----------

sub generate
{
	my ($format, $dir, @options) = @_;

	mkdir $dir or die "could not create \"$dir\": $!";
	system_or_bail('bench/gen', '--records', 40000, '--files', 96, '--interval', 1800, '--format', $format, @options, $dir);
	return;
}

# The same files under other directories: each is linked as "name" says.
sub link_tree
{
	my ($dir, $name) = @_;

	foreach my $file (glob("$directories{flow}/AWSLogs/*/vpcflowlogs/*/*/*/*/*"))
	{
		my ($account, $region, $year, $month, $day, $base) = $file =~ m{AWSLogs/(.*)/vpcflowlogs/(.*)/(.*)/(.*)/(.*)/(.*)};
		my ($hour) = $base =~ /T(\d\d)\d\dZ/ or next;
		my $to = "$dir/AWSLogs/" . $name->($account, $region, $year, $month, $day, $hour);

		system_or_bail('mkdir', '-p', $to);
		link($file, "$to/$base") or die "could not link \"$to/$base\": $!";
	}
	return;
}

# A host that calls home every five minutes, a tunnel, and somebody who tries many ports and hosts.
sub add_stories
{
	my ($dir) = @_;
	my $time = 1769731200; # 2026-01-30 00:00
	my $record = sub {
		my ($from, $to, $port, $protocol, $packets, $bytes, $at, $action) = @_;

		return sprintf("2 123456789012 eni-0aaaaaaaaaaaaaaaa %s %s 40000 %d %d %d %d %d %d %s OK\n",
			$from, $to, $port, $protocol, $packets, $bytes, $at, $at + 55, $action);
	};
	my $text = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n";

	$text .= $record->('10.9.9.9', '203.0.113.99', 8443, 6, 4, 600 + $_ % 3, $time + $_ * 300 + $_ % 2, 'ACCEPT') foreach 0 .. 400;
	$text .= $record->('10.9.9.9', '203.0.113.7', 0, 47, 40, 9000, $time + 7000, 'ACCEPT');
	$text .= $record->('198.51.100.66', '10.0.0.10', $_, 6, 1, 44, $time + 90000 + $_, 'REJECT') foreach 1 .. 40;
	$text .= $record->('198.51.100.67', "10.0.0.$_", 3389, 6, 1, 44, $time + 90000 + $_, 'REJECT') foreach 1 .. 40;
	$text .= $record->('10.0.0.10', '203.0.113.200', 443, 6, 10, 5000, $time + 86400 + 100, 'ACCEPT');
	write_file("$dir/123456789012_vpcflowlogs_us-east-1_fl-0123456789abcdef0_20260130T0005Z_0badcafe.log", $text);
	return;
}

generate('s3', $directories{flow});
add_stories("$directories{flow}/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/01/30");
link_tree($directories{'flow-hourly'}, sub { "$_[0]/vpcflowlogs/$_[1]/$_[2]/$_[3]/$_[4]/$_[5]" });
link_tree($directories{'flow-hive'},
	sub { "aws-account-id=$_[0]/aws-service=vpcflowlogs/aws-region=$_[1]/year=$_[2]/month=$_[3]/day=$_[4]" });
mkdir $directories{'flow-custom'};
write_file("$directories{'flow-custom'}/a.log", map { "ACCEPT 10.0.0.$_ 198.51.100.$_\n" } 1 .. 9);
generate('export', $directories{'flow-export'});

# the bucket of the page about S3, in a store of our own
my $objects = PostgreSQL::Test::Utils::tempdir;
mkdir "$objects/my-flow-logs" or die "could not create \"$objects/my-flow-logs\": $!";
system_or_bail('cp', '-Rl', "$directories{flow}/AWSLogs", "$objects/my-flow-logs");
my $s3 = FlowLogS3->start(objects => $objects);
my ($endpoint, $secret) = ($s3->endpoint, $s3->secret);

# ---------- pages ----------

# The statements of a page, each with the line that it begins in.
sub statements
{
	my ($page) = @_;
	my ($inside, $text, $line, @found) = (0, '', 0);
	my $number = 0;

	foreach (split(/\n/, slurp_file($page)))
	{
		$number++;
		if (!$inside || /^```/)
		{
			$inside = /^```sql$/;
			next;
		}
		$line = $number if $text eq '';
		$text .= "$_\n" unless $text eq '' && /^\s*$/;
		next unless /;\s*(--.*)?$|\\gexec$/;
		next if (() = $text =~ /\$\w*\$/g) % 2; # within $tag$ quotes
		push @found, [ $line, $text ];
		$text = '';
	}
	return @found;
}

foreach my $page (glob('docs/*.md'))
{
	my ($name) = $page =~ m{([^/]+)\.md$};
	my @statements = statements($page);

	cmp_ok(scalar @statements, '>', 3, "$page has statements");
	$node->safe_psql('postgres', "CREATE DATABASE \"$name\"");
	foreach my $statement (@statements)
	{
		my ($line, $text) = @$statement;
		my ($status, $stdout, $stderr);

		$text =~ s{/var/log/(flow[a-z-]*)}{$directories{$1}}g;
		$text =~ s{OPTIONS \(region 'us-east-1'\)}{OPTIONS (region 'us-east-1', endpoint '$endpoint')};
		$text =~ s{access_key_id '[^']*', secret_access_key '[^']*'}{access_key_id 'AKIATESTACCESSKEY', secret_access_key '$secret'};
		($status, $stdout, $stderr) = $node->psql($name, "$text\n\\if :{?gexec}\n\\endif\n", on_error_stop => 1);
		ok($status == 0, "$page, line $line, runs") or diag($text, $stderr);
		next unless $text =~ /\b(SELECT|RETURNING|EXPLAIN)\b/ && $text !~ /^(CREATE|INSERT(?!.*RETURNING))|\\gexec$/s;
		ok($stdout ne '', "$page, line $line, finds something") or diag($text);
	}
	$node->safe_psql('postgres', "DROP DATABASE \"$name\"");
}

check_log($node);
done_testing();
