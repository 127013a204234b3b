# The logs of bench/gen: the same arguments give the same logs, whoever writes them; profiles have a heavy tail of
# addresses, a daily rhythm and all kinds of records.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use File::Find;
use IO::Uncompress::Gunzip qw(gunzip $GunzipError);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;

my $root = PostgreSQL::Test::Utils::tempdir;
my $made = 0;

# generate OPTION...: what the files hold, uncompressed, by their paths
sub generate
{
	my (@options) = @_;
	my $dir = "$root/" . $made++;
	my %texts;

	mkdir $dir or die;
	system_or_bail('bench/gen', @options, $dir);
	find(
		sub {
			return unless -f;
			my $bytes = slurp_file($_);
			my $text = $bytes;
			if (/\.gz$/)
			{
				gunzip(\$bytes, \$text, MultiStream => 1) or die $GunzipError;
			}
			$texts{ substr($File::Find::name, length($dir) + 1) } = $text;
		},
		$dir);
	return \%texts;
}

sub digest
{
	my ($texts) = @_;

	return sha256_hex(map { "$_\n$texts->{$_}" } sort keys %$texts);
}

# ---------- without new options ----------

# benchmarks and tests know these logs
is(digest(generate(qw(--records 5003 --files 3 --format export))),
	'c645128e9957b0a1e917fe477b23c7c75b5136fa727599f13e4f4e7669890642', 'the logs of exports are what they have always been');
is(digest(generate(qw(--records 5003 --files 3 --format s3 --seed 7 --start 2025-12-31 --interval 86400))),
	'1f8212fb58f3c37d032bf76a49de8db4b01918e3383f465edf90d46af4ef5c50', 'and so are those of deliveries');

# ---------- profiles ----------

my %rejected;
foreach my $profile (qw(office service scanned))
{
	my @options = ('--profile', $profile, qw(--layout aws --files 1200 --records 200000));
	my $logs = generate(@options, '--jobs', 1);
	my @paths = sort keys %$logs;
	my (%files_of, %lines_at, %kinds, $lines, $rejected, $twice, $before);

	is(digest(generate(@options, '--jobs', 3)), digest($logs), "$profile: three processes write the same logs as one");
	isnt(digest(generate(@options, '--seed', 2)), digest($logs), "$profile: another seed gives others");
	is(scalar(@paths), 1200, "$profile: all files are there");
	is( scalar(
			grep {
				m{^AWSLogs/(\d{12})/vpcflowlogs/([a-z0-9-]+)/(\d{4})/(\d\d)/(\d\d)/\1_vpcflowlogs_\2_fl-[0-9a-f]{17}_\3\4\5T\d{4}Z_[0-9a-f]{8}\.log\.gz$}
			} @paths),
		1200,
		"$profile: and have AWS's names");

	foreach my $path (@paths)
	{
		my ($header, @records) = split(/\n/, $logs->{$path});
		my ($hour) = $path =~ /_\d{8}T(\d\d)\d\dZ_/;
		my %seen;

		die "$path has another header" unless $header =~ /^version account-id .* log-status$/;
		$lines_at{$hour} += @records;
		foreach my $record (@records)
		{
			my @fields = split(/ /, $record);

			die "\"$record\" in $path" unless @fields == 14 && $fields[11] >= $fields[10];
			$lines++;
			$kinds{ $fields[13] }++;
			$rejected++ if $fields[12] eq 'REJECT';
			foreach my $address (grep { /^(?:2[45]\d\.|2001:db8:(?!1a))/ } @fields[ 3, 4 ])
			{
				$seen{$address} = 1;
			}
			# one connection at the host's interface and at the gateway's
			$twice++ if defined $before && $before eq "@fields[8, 9]" && $fields[13] eq 'OK' && $fields[8] > 3;
			$before = "@fields[8, 9]";
		}
		$files_of{$_}++ foreach keys %seen;
	}
	is($lines, 200_000, "$profile: and all records");

	my $addresses = keys %files_of;
	my $once = grep { $_ == 1 } values %files_of;
	my $often = grep { $_ > 12 } values %files_of;
	my $v6 = grep { /:/ } keys %files_of;

	note sprintf('%s: %d addresses, %.3f of them in one file, %.3f in over 1 %%, %.3f are IPv6, %.3f of the records REJECT',
		$profile, $addresses, $once / $addresses, $often / $addresses, $v6 / $addresses, $rejected / $lines);
	cmp_ok($once / $addresses, '>', 0.66, "$profile: most addresses are in one file");
	cmp_ok($often, '>', 50, "$profile: and some are in many");
	cmp_ok($v6 / $addresses, '>', 0.03, "$profile: some are IPv6");
	cmp_ok($twice, '>', 1000, "$profile: connections are seen at gateways, too");
	ok($kinds{NODATA} > 0 && $kinds{SKIPDATA} > 0, "$profile: not all records have data");
	cmp_ok($lines_at{10}, '>', 5 * $lines_at{3}, "$profile: there is a day and a night") if $profile eq 'office';
	$rejected{$profile} = $rejected / $lines;
}
cmp_ok($rejected{scanned}, '>', 0.5, 'who is scanned rejects most of it');
cmp_ok($rejected{office}, '<', 0.1, 'others do not');

done_testing();
