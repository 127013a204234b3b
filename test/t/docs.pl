# The statements of README.md and of all pages of docs/ run as they are printed, from the top
# of a page to its end in one session, and every query of them finds something.
#
# In a page, statements stand in blocks of "sql", sessions of psql with what it prints in blocks of
# "psql", and short statements within the text.  Behind the semicolon of a statement there may be what
# it gives: "-- 5", or "-- ERROR:  ..." where it must fail.

use strict;
use warnings;

use Cwd qw(getcwd);

use FlowLog;
use FlowLogS3;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# All pages there are.  One that is not here is an error, and so is one that is here and not there.
my @pages = qw(
  README.md
  docs/athena.md
  docs/contributing.md
  docs/cookbook.md
  docs/internals.md
  docs/operating.md
  docs/reference.md
  docs/s3-layouts.md
  docs/s3.md);

# Pages that are not run here, and why.
my %run_elsewhere = ('docs/scaling.md' => 'its servers are those of cluster.pl');

# Blocks that are not run, by the word behind "```", and what is done with them instead.
my %not_run = (
	conf => \&check_configuration, # lines of postgresql.conf: the server must take them
	json => \&check_json,          # a policy for AWS: it must be JSON
	sh => \&check_shell,           # commands of a shell, which install things or take minutes: they must be well-formed
	text => \&check_text);         # paths, drawings, messages: there is nothing to run

my $verbs = qr/(?:ALTER|ANALYZE|CALL|CREATE|DELETE|DROP|EXPLAIN|GRANT|IMPORT|INSERT|LOAD|RESET|REVOKE|SELECT|SET|SHOW|TABLE|UPDATE|WITH)/;

my $node = start_node('docs', conf => "flowlog_fdw.allowed_endpoints = '127.0.0.1'");
my $logs = PostgreSQL::Test::Utils::tempdir;
my %directories = map { $_ => "$logs/$_" } qw(flow flow-hourly flow-hive flow-custom flow-export flow-damaged flow-parquet);

# ---------- what lies there ----------

sub generate
{
	my ($format, $dir, @options) = @_;

	mkdir $dir or die "could not create \"$dir\": $!";
	system_or_bail('bench/gen', '--format', $format, @options, $dir);
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

		make_directory($to);
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

my @size = ('--records', 40000, '--files', 96, '--interval', 1800);

generate('s3', $directories{flow}, @size);
add_stories("$directories{flow}/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/01/30");
link_tree($directories{'flow-hourly'}, sub { "$_[0]/vpcflowlogs/$_[1]/$_[2]/$_[3]/$_[4]/$_[5]" });
link_tree($directories{'flow-hive'},
	sub { "aws-account-id=$_[0]/aws-service=vpcflowlogs/aws-region=$_[1]/year=$_[2]/month=$_[3]/day=$_[4]" });
mkdir $directories{'flow-custom'};
write_file("$directories{'flow-custom'}/a.log", map { "ACCEPT 10.0.0.$_ 198.51.100.$_\n" } 1 .. 9);
generate('export', $directories{'flow-export'}, @size);
mkdir $directories{'flow-damaged'};
write_file("$directories{'flow-damaged'}/a.log", "10.0.0.1 198.51.100.1 443 ACCEPT\n", "10.0.0.2 198.51.100.2 https ACCEPT\n",
	"10.0.0.3 198.51.100.3 22 REJECT\n", "10.0.0.4 198.51\n");

# text until a day, Parquet after it; the same in Hive's folders; and Security Lake's
my $parquet = getcwd() . '/test/data/parquet_logs';
make_directory("$directories{'flow-parquet'}/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/02/$_") foreach '01', '02';
system_or_bail('cp', "$parquet/mixed/1_monday.log", "$directories{'flow-parquet'}/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/02/01");
system_or_bail('cp', "$parquet/mixed/3_wednesday.log.parquet", "$directories{'flow-parquet'}/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/02/02");
system_or_bail('cp', '-R', "$parquet/AWSLogs/aws-account-id=123456789012", make_directory("$directories{'flow-parquet'}/hive/AWSLogs"));
system_or_bail('cp', "$parquet/ocsf.parquet", $directories{'flow-parquet'});

# README.md's exported logs are those of scripts/demo.
generate('export', "$logs/demo", '--records', 1_000_000, '--files', 8, '--interval', 86400);
system_or_bail('gzip', '-1', glob("$logs/demo/*.log"));
my %of_page = ('README.md' => { %directories, 'flow-export' => "$logs/demo" });

# the bucket of the page about S3, in a store of our own
my $objects = PostgreSQL::Test::Utils::tempdir;
mkdir "$objects/my-flow-logs" or die "could not create \"$objects/my-flow-logs\": $!";
system_or_bail('cp', '-Rl', "$directories{flow}/AWSLogs", "$objects/my-flow-logs");
my $s3 = FlowLogS3->start(objects => $objects);
my ($endpoint, $secret) = ($s3->endpoint, $s3->secret);

# an index leaves files that were written within two seconds to its next refresh
sleep(3);

# ---------- the parts of a page ----------

# Its blocks and its text: each a hash of "kind" (the word behind "```", or "prose"), "line" and "lines".
sub parts
{
	my ($page) = @_;
	my @parts = ({ kind => 'prose', line => 1, lines => [] });
	my ($inside, $number) = (0, 0);

	foreach my $line (split(/\n/, slurp_file($page)))
	{
		$number++;
		if ($line =~ /^```\s*(\S*)/)
		{
			$inside = !$inside;
			push @parts, { kind => $inside ? $1 : 'prose', line => $number + 1, lines => [] };
			next;
		}
		push @{ $parts[-1]{lines} }, $line;
	}
	ok(!$inside, "$page: all blocks are closed");
	return @parts;
}

# Text that ends with a semicolon, outside of $tag$ quotes.
sub is_statement
{
	my ($text) = @_;

	return $text =~ /;\s*(--[^\n]*)?\n$|\\gexec\n$/ && (() = $text =~ /\$\w*\$/g) % 2 == 0;
}

# Each statement has "line", "text" and perhaps what shall come of it: "result", "error" or, by a session, "output".
sub statements_of_sql
{
	my ($part) = @_;
	my ($text, $line, @found) = ('', 0);

	foreach my $i (0 .. $#{ $part->{lines} })
	{
		next if $text eq '' && $part->{lines}[$i] =~ /^\s*$/;
		$line = $part->{line} + $i if $text eq '';
		$text .= "$part->{lines}[$i]\n";
		next unless is_statement($text);
		push @found, { line => $line, text => $text };
		my ($comes) = $text =~ /;\s*-- (.*)\n$/;
		if (defined $comes)
		{
			$found[-1]{ $comes =~ /^ERROR:/ ? 'error' : 'result' } = $comes;
		}
		$text = '';
	}
	return (\@found, $text);
}

sub statements_of_session
{
	my ($part) = @_;
	my ($open, @found) = (0);

	foreach my $i (0 .. $#{ $part->{lines} })
	{
		my $line = $part->{lines}[$i];

		if ($line =~ s/^=# //)
		{
			push @found, { line => $part->{line} + $i, text => '', output => '' };
			$open = 1;
		}
		return (\@found, $line) unless @found;
		$found[-1]{ $open ? 'text' : 'output' } .= "$line\n";
		$open = 0 if $open && is_statement($found[-1]{text});
	}
	return (\@found, $open ? $found[-1]{text} : '');
}

# Short statements in the text; those that are only forms have an ellipsis, or no name.
sub statements_of_prose
{
	my ($part) = @_;
	my @found;

	foreach my $i (0 .. $#{ $part->{lines} })
	{
		foreach my $text ($part->{lines}[$i] =~ /(?<!`)`($verbs [^`]*)`/g)
		{
			push @found, { line => $part->{line} + $i, text => "$text;\n" } if $text =~ /[a-z0-9]/ && $text !~ /…/;
		}
	}
	return (\@found, '');
}

my %statements_of = (sql => \&statements_of_sql, psql => \&statements_of_session, prose => \&statements_of_prose);

# ---------- what is not run ----------

sub check_json
{
	my ($text) = @_;

	return eval { JSON::PP->new->utf8->decode($text) } ? '' : $@;
}

sub check_shell
{
	my ($text) = @_;
	my $script = write_file("$logs/script.sh", $text);
	my ($stdout, $stderr) = run_command([ 'bash', '-n', $script ]);

	return $stderr;
}

# The server tells which lines of its file it would not take.
sub check_configuration
{
	my ($text) = @_;
	my $file = $node->data_dir . '/postgresql.conf';
	my $before = slurp_file($file);
	my $errors;

	append_file($file, $text);
	$errors = $node->safe_psql('postgres', q{
		LOAD 'flowlog_fdw';
		SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL});
	write_file($file, $before);
	return $errors;
}

sub check_text
{
	return '';
}

# ---------- running ----------

# A statement as it must be here.
sub localized
{
	my ($page, $text) = @_;
	my $places = $of_page{$page} // \%directories;

	$text =~ s/;\s*--[^\n]*\n$/;\n/;
	$text =~ s{/var/log/(flow[a-z-]*)}{$places->{$1} // die "$page names /var/log/$1"}ge;
	$text =~ s{OPTIONS \(region 'us-east-1'\)}{OPTIONS (region 'us-east-1', endpoint '$endpoint')};
	$text =~ s{access_key_id '[^']*', secret_access_key '[^']*'}{access_key_id 'AKIATESTACCESSKEY', secret_access_key '$secret'};
	return $text;
}

# What was printed, as it is in the page.
sub delocalized
{
	my ($page, $text) = @_;
	my $places = $of_page{$page} // \%directories;

	$text =~ s{\Q$places->{$_}\E(?![a-z-])}{/var/log/$_}g foreach keys %$places;
	$text =~ s/^psql:<stdin>:\d+: //mg;
	return $text;
}

# Runs all statements in one session: each gets "stdout" and "stderr".
sub run_page
{
	my ($page, $database, $statements) = @_;
	my ($script, $stdout, $stderr) = ("\\set QUIET on\n", '', '');

	foreach my $i (0 .. $#$statements)
	{
		my $statement = $statements->[$i];
		my $mark = "=== statement $i ===";
		my ($format, $switch) = defined $statement->{output} ? ('aligned', 'off') : ('unaligned', 'on');

		# workers may be the first to find rows of which any will do
		my $any = $statement->{text} =~ /\bLIMIT\b/ && $statement->{text} !~ /\bORDER BY\b/;
		$script .= "SET max_parallel_workers_per_gather = 0;\n" if $any;
		$script .= "\\pset format $format\n\\pset tuples_only $switch\n\\set QUIET $switch\n\\echo $mark\n\\warn $mark\n";
		$script .= localized($page, $statement->{text});
		$script .= "\\set QUIET on\n";
		$script .= "RESET max_parallel_workers_per_gather;\n" if $any;
	}
	# a mark after the last one, too, which would lose its last newline
	$script .= "\\warn === statement 0 ===\n";
	$node->psql($database, $script, stdout => \$stdout, stderr => \$stderr, on_error_stop => 0, extra_params => [ '-P', 'fieldsep= | ' ]);
	my @out = split(/^=== statement \d+ ===\n?/m, $stdout);
	my @err = split(/^(?:psql:<stdin>:\d+: )?=== statement \d+ ===\n?/m, $stderr);
	foreach my $i (0 .. $#$statements)
	{
		$statements->[$i]{stdout} = delocalized($page, $out[ $i + 1 ] // '');
		$statements->[$i]{stderr} = delocalized($page, $err[ $i + 1 ] // '');
	}
	return;
}

# Of a plan, only which lines there are: numbers differ, and so do PostgreSQL's majors.
sub plan_lines
{
	my ($text) = @_;

	return grep { $_ ne '' } map { s/^\s*(->\s*)?//r =~ s/ \(actual .*//r =~ s/:.*//r =~ s/\s+$//r }
	  grep { !/QUERY PLAN|^-+$|^\(\d+ rows?\)$/ } split(/\n/, $text);
}

sub check_output
{
	my ($page, $statement) = @_;
	my $name = "$page, line $statement->{line}, prints what is shown";
	my ($expected, $output) = map { s/[ \t]+$//mgr =~ s/\n+$//r } ($statement->{output}, "$statement->{stderr}$statement->{stdout}");

	if ($statement->{text} !~ /^EXPLAIN/)
	{
		is($output, $expected, $name);
		return;
	}
  SKIP:
	{
		skip 'a switch is off', 1 if defined $ENV{FLOWLOG_CONF};
		my @lines = plan_lines($output);

		# in their order, others between them
		foreach my $line (plan_lines($expected))
		{
			shift @lines while @lines && $lines[0] ne $line;
			shift @lines or return fail("$name, also \"$line\"") || diag($output);
		}
		pass($name);
	}
	return;
}

sub check_statement
{
	my ($page, $statement) = @_;
	my ($text, $stdout, $stderr) = @$statement{qw(text stdout stderr)};
	my $place = "$page, line $statement->{line},";

	if (defined $statement->{error})
	{
		like($stderr, qr/\Q$statement->{error}\E/, "$place fails as it shall") or diag($text, $stdout);
		return;
	}
	unlike($stderr, qr/(?:ERROR|FATAL|PANIC): |invalid command/, "$place runs") or diag($text);
	return check_output($page, $statement) if defined $statement->{output};
	is($stdout =~ s/\n$//r, $statement->{result}, "$place gives what it shall") if defined $statement->{result};
	return unless $text =~ /^(?:SELECT|WITH|EXPLAIN|SHOW|TABLE)\b|\bRETURNING\b/ && $text !~ /\\gexec$/;
	ok($stdout ne '', "$place finds something") or diag($text);
	return;
}

sub check_page
{
	my ($page) = @_;
	my ($name) = $page =~ m{([^/]+)\.md$};
	my @statements;

	foreach my $part (parts($page))
	{
		my ($kind, $line) = @$part{qw(kind line)};
		my $text = join('', map { "$_\n" } @{ $part->{lines} });

		if (my $read = $statements_of{$kind})
		{
			my ($found, $rest) = $read->($part);

			push @statements, @$found;
			is($rest, '', "$page, line $line: the block has whole statements") if $kind ne 'prose';
			ok(@$found > 0, "$page, line $line: the block has statements") if $kind ne 'prose';
			unlike($text, qr/^(?: {4}|\t)/m, "$page, line $line: no block is only indented") if $kind eq 'prose';
			next;
		}
		ok(exists $not_run{$kind}, "$page, line $line: \"$kind\" is a block of a known kind") or next;
		is($not_run{$kind}->($text), '', "$page, line $line: the block of $kind is as it shall be");
		unlike($text, qr/^\s*$verbs\s.*;\s*$/m, "$page, line $line: the block of $kind hides no statement");
	}

	$node->safe_psql('postgres', "CREATE DATABASE \"$name\"; ALTER DATABASE \"$name\" SET max_parallel_workers_per_gather = 2");
	run_page($page, $name, \@statements);
	check_statement($page, $_) foreach @statements;
	$node->safe_psql('postgres', "DROP DATABASE \"$name\"");
	$node->safe_psql('postgres', "DROP ROLE \"$_\"")
	  foreach split(/\n/, $node->safe_psql('postgres', 'SELECT rolname FROM pg_roles WHERE oid >= 16384'));
	return scalar @statements;
}

# ---------- all pages ----------

is_deeply([ sort grep { !$run_elsewhere{$_} } 'README.md', glob('docs/*.md') ], [ sort @pages ], 'all pages are known, and are there');
my %statements = map { $_ => check_page($_) } @pages;
cmp_ok($statements{$_}, '>', 3, "$_ has statements") foreach grep { !m{contributing|internals} } @pages;

# The picture of README.md is what bench/chart draws.
my ($picture) = run_command([ 'bench/chart' ]);
is("$picture\n", slurp_file('docs/benchmark.svg'), 'docs/benchmark.svg shows bench/RESULTS.md');

# ---------- links ----------

# The names under which GitHub finds headings.
sub anchors
{
	my ($page) = @_;
	my %anchors;

	foreach my $part (parts($page))
	{
		next unless $part->{kind} eq 'prose';
		foreach my $heading (map { /^#+ (.*)/ ? lc $1 : () } @{ $part->{lines} })
		{
			$heading =~ s/[^\w\- ]//g;
			$anchors{ $heading =~ tr/ /-/r } = 1;
		}
	}
	return \%anchors;
}

my %anchors = map { $_ => anchors($_) } @pages;
foreach my $page (@pages)
{
	my ($directory) = $page =~ m{^(.*/)?};

	foreach my $part (grep { $_->{kind} eq 'prose' } parts($page))
	{
		foreach my $link (map { /\]\(([^)\s]+)\)/g } @{ $part->{lines} })
		{
			next if $link =~ m{^https?://};
			my ($file, $anchor) = $link =~ /^([^#]*)#?(.*)$/;
			my $target = $file eq '' ? $page : ($directory // '') . $file;

			1 while $target =~ s{[^/]+/\.\./}{};
			ok(-e $target || $run_elsewhere{$target}, "$page: the link to $link leads somewhere");
			ok($anchors{$target}{$anchor}, "$page: and so does its #$anchor") if $anchor ne '' && $anchors{$target};
		}
	}
}

check_log($node);
done_testing();
