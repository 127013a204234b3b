# Every allocation and every system call that the extension makes may fail: a query then gives exactly its rows, or an error whose
# SQLSTATE says what was missing; never fewer rows, never "damaged" or "permission denied" for want of memory, never a crash.
# The session goes on afterwards, and nothing is left open.
#
# A run takes a sample of them; FLOWLOG_FAULTS is how many times each query meets three of them (once, or 15 times with FLOWLOG_LONG), or
# "all" for each of them once, which takes an hour.  FLOWLOG_SEED is where it begins, FLOWLOG_FAULT_QUERIES a pattern for the names of the queries.

use strict;
use warnings;

use Cwd qw(abs_path);
use Errno qw(ENOMEM EMFILE ENFILE EIO ENOSPC ECONNRESET);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use FlowLog;
use FlowLogFaults;
use FlowLogS3;
use FlowLogSession;

my $sample = $ENV{FLOWLOG_FAULTS} // ($long ? 15 : 1);
my $seed = $ENV{FLOWLOG_SEED} // 1;
my $only = $ENV{FLOWLOG_FAULT_QUERIES} // '.';
srand($seed);

my $root = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $objects = make_directory("$root/objects");
my $faults = FlowLogFaults->new(abs_path(PostgreSQL::Test::Utils::tempdir('shim')));
plan skip_all => 'there is no compiler' unless $faults;

my $node = $faults->with_shim(sub { start_node('faults', conf => "$eager_workers
	jit = off
	max_parallel_workers_per_gather = 0
	client_min_messages = error
	work_mem = '64kB'
	flowlog_fdw.allowed_paths = '/nowhere, $root'
	flowlog_fdw.allowed_endpoints = '127.0.0.1, localhost'
") });

# ---------- the logs ----------

my $lines = default_lines(1, 300);
my $header = join(' ', qw(version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status)) . "\n";
my $log_format = join(' ', map { "\${$_}" } split(' ', $header));
my @lines = split(/\n/, $lines);

sub pack_file
{
	my ($program, $path) = @_;

	system($program, '-q', $path) == 0 or die "could not run $program";
	unlink($path);
	return;
}

make_directory("$root/$_") foreach qw(plain gzip zstd csv json jsongz named bare parted spoiled lake/2026/01/30 lake/2026/01/31 many numbers);
write_file("$root/plain/$_.log", $header, $lines) foreach 1 .. 3;
write_file("$root/named/1.log", $header, $lines);
write_file("$root/bare/$_.log", $lines) foreach 1 .. 2;
write_file("$root/spoiled/1.log", $lines, "no record\n", $lines =~ s/ 443 / port /r);
write_file("$root/gzip/$_.log", $lines) and pack_file('gzip', "$root/gzip/$_.log") foreach 1 .. 2;
write_file("$root/zstd/$_.log", $lines) and pack_file('zstd', "$root/zstd/$_.log") foreach 1 .. 2;
write_file("$root/csv/1.csv", "timestamp,message\n", map { "1769775904000,$_\n" } @lines);
write_file("$root/json/1.json", map { qq({"timestamp":1769775904000,"message":"$_"}\n) } @lines);
write_file("$root/jsongz/1.json", '{"messageType":"DATA_MESSAGE","logEvents":[' . join(',', map { qq({"id":"1","timestamp":1769775904000,"message":"$_"}) } @lines) . ']}');
pack_file('gzip', "$root/jsongz/1.json");
write_file("$root/lake/2026/01/$_/1.log", $header, default_lines($_ * 1000, $_ * 1000 + 50)) foreach 30, 31;
write_file("$root/many/$_.log", default_lines($_ * 3000, $_ * 3000 + 2999)) foreach 1 .. 4;
write_file("$root/numbers/1.log", map { "$_ $_.50\n" } 1 .. 200);

make_directory("$objects/bucket/$_") foreach qw(logs packed);
write_file(sprintf('%s/bucket/logs/%02d.log', $objects, $_), $header, default_lines($_ * 100, $_ * 100 + 40)) foreach 1 .. 20;
system("gzip -c $root/plain/1.log >$objects/bucket/packed/$_.log.gz") == 0 or die 'could not run gzip' foreach 1 .. 3;

my $s3 = FlowLogS3->start(objects => $objects, tls => make_directory("$root/tls"));
$s3->set(page_size => 6);
$s3->create_server($node, 's3');
$s3->create_server($node, 'tls', endpoint => 'https://localhost:' . $s3->port('https'), ca_file => $s3->port('ca_file'));

my @by_header = (regex => undef);
my @by_format = (regex => undef, log_format => $log_format);
create_table($node, 'plain', "$root/plain", @by_header);
create_table($node, 'globbed', "$root/{plain,named}/?.log", @by_header, columns => qq{$columns, "\$path" text, "\$size" bigint, "\$modified" timestamptz, "\$line" bigint});
create_table($node, 'lake', "$root/lake/\${day:yyyy/MM/dd}", @by_header, columns => "day date, $columns");
create_table($node, 'gzip', "$root/gzip");
create_table($node, 'zstd', "$root/zstd");
create_table($node, 'csv', "$root/csv", @by_format);
create_table($node, 'json', "$root/json", @by_format);
create_table($node, 'jsongz', "$root/jsongz", @by_format);
create_table($node, 'bare', "$root/bare");
create_table($node, 'matched', "$root/bare", regex => join(' ', ('(\S+)') x 12) . ' ((?:ACCEPT|REJECT)) (\S*?)');
create_table($node, 'formatted', "$root/bare", @by_format);
create_table($node, 'stopping', "$root/spoiled");
create_table($node, 'ignoring', "$root/spoiled", on_error => 'ignore', log_verbosity => 'verbose');
create_table($node, 'nulling', "$root/spoiled", on_error => 'set_null');
create_table($node, 'many', "$root/many");
create_table($node, 'numbers', "$root/numbers", columns => 'n numeric(10, 1), d number', regex => '(\S+) (\S+)') if $node->safe_psql('postgres', 'CREATE DOMAIN number AS float8') eq '';
create_table($node, 'stored', 's3://bucket/logs/', @by_header, server => 's3');
create_table($node, 'packed', 's3://bucket/packed/*.gz', @by_header, server => 's3');
create_table($node, 'encrypted', 's3://bucket/packed/', @by_header, server => 'tls');
$node->safe_psql('postgres', qq{
	CREATE TABLE parts ($columns) PARTITION BY LIST (action);
	CREATE FOREIGN TABLE part_1 PARTITION OF parts FOR VALUES IN ('ACCEPT') SERVER logs OPTIONS (location '$root/bare', on_error 'ignore');
	CREATE FOREIGN TABLE part_2 PARTITION OF parts FOR VALUES IN ('REJECT') SERVER logs OPTIONS (location '$root/gzip', on_error 'ignore');
	CREATE TABLE two (n int);
	INSERT INTO two VALUES (1), (2);
	ANALYZE two, many;
});

# ---------- the queries ----------

# All rows, or those of a condition, as one value.
sub rows_of
{
	my ($table, $where) = @_;

	return qq{SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text COLLATE "C")) FROM $table t} . (defined $where ? " WHERE $where" : '');
}

my $where = q{dstport IN (22, 443) AND (srcaddr << '10.0.0.0/16' OR srcaddr = ANY (ARRAY['10.0.0.7', '10.0.0.8']::inet[])) AND action <> 'x' AND start > '2026-01-01'};
my $groups = 'SELECT count(*), sum(c), max(s) FROM (SELECT account_id, srcaddr, count(*) AS c, sum(bytes) AS s, min(start), max(srcport) FROM many GROUP BY 1, 2 OFFSET 0) g';
my $parallel = 'SET max_parallel_workers_per_gather = 2; SET enable_hashagg = off';
my $nested = 'SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off';

my @queries = (
	{ name => 'plain', sql => rows_of('plain') },
	{ name => 'filtered', sql => rows_of('plain', $where) },
	{ name => 'not pushed', sql => rows_of('plain', $where), set => 'SET flowlog_fdw.enable_pushdown = off' },
	{ name => 'gzip', sql => rows_of('gzip', $where) },
	{ name => 'zstd', sql => rows_of('zstd', $where) },
	{ name => 'csv', sql => rows_of('csv') },
	{ name => 'json', sql => rows_of('json') },
	{ name => 'json in gzip', sql => rows_of('jsongz') },
	{ name => 'regex', sql => rows_of('bare', $where) },
	{ name => 'regex that is matched', sql => rows_of('matched', $where) },
	{ name => 'log format', sql => rows_of('formatted') },
	{ name => 'glob', sql => rows_of('globbed') },
	{ name => 'template', sql => rows_of('lake', q{day = '2026-01-31'}) },
	{ name => 'numeric and domain', sql => rows_of('numbers', 'n > 7') },
	{ name => 'aggregate', sql => "SELECT count(*), sum(bytes), avg(packets), min(srcaddr), max(start) FROM plain WHERE $where" },
	{ name => 'partial groups', sql => 'SELECT n, count(*) FROM two, LATERAL (SELECT protocol, sum(bytes) FROM plain GROUP BY protocol HAVING sum(bytes) > n) g GROUP BY n ORDER BY n' },
	{ name => 'whole groups that spill', sql => $groups },
	{ name => 'a line that is no record', sql => rows_of('stopping') },
	{ name => 'lines that are ignored', sql => rows_of('ignoring') },
	{ name => 'values that become null', sql => rows_of('nulling') },
	{ name => 'partitions', sql => rows_of('parts', 'protocol = 6') },
	{ name => 'rescans', sql => 'SELECT n, (SELECT count(*) FROM gzip WHERE protocol > n) FROM two ORDER BY n', set => $nested },
	{ name => 'rescans of lists', sql => q{SELECT n, (SELECT count(*) FROM lake WHERE day = '2026-01-29'::date + n) FROM two ORDER BY n}, set => $nested },
	{ name => 'cursor', sql => 'BEGIN; DECLARE c CURSOR FOR SELECT account_id FROM plain; FETCH 2 IN c; MOVE 300 IN c; FETCH 1 IN c; CLOSE c; COMMIT' },
	{ name => 'limit', sql => 'SELECT account_id FROM plain LIMIT 2' },
	{ name => 'parallel', sql => rows_of('many', $where), set => $parallel },
	{ name => 'parallel, ignored', sql => rows_of('ignoring'), set => $parallel },
	{ name => 'parallel groups that spill', sql => $groups, set => $parallel },
	{ name => 'EXPLAIN', sql => 'EXPLAIN (COSTS OFF) SELECT * FROM lake WHERE dstport = 22' },
	{ name => 'EXPLAIN ANALYZE', sql => 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT json) SELECT dstport FROM gzip WHERE dstport = 22', cut => qr/"(?:Rows Removed|Buffers|Shared|Local|Temp).*/ },
	{ name => 'ANALYZE', sql => q{BEGIN; ANALYZE gzip; SELECT reltuples FROM pg_class WHERE relname = 'gzip'; ROLLBACK} },
	{ name => 'flowlog_files', sql => rows_of(q{flowlog_files('globbed')}) },
	{ name => 'flowlog_rejects', sql => rows_of(q{flowlog_rejects('ignoring')}) },
	{ name => 'flowlog_last_scan', sql => q{SELECT count(*) FROM plain; SELECT "table", lines FROM flowlog_last_scan()} },
	{ name => 'IMPORT', sql => "BEGIN; IMPORT FOREIGN SCHEMA imported FROM SERVER logs INTO public OPTIONS (location '$root/lake'); SELECT count(*) FROM information_schema.columns WHERE table_name = 'imported'; ROLLBACK" },
	{ name => 'CREATE', sql => "BEGIN; CREATE FOREIGN TABLE created (a int OPTIONS (field 'x')) SERVER logs OPTIONS (location '$root/\${day}/*.log', regex '(?<x>\\S+)', null 'none', max_line_length '1000'); SELECT count(*) FROM pg_foreign_table; ROLLBACK" },
	{ name => 'flowlog_cluster_ddl', sql => rows_of(q{flowlog_cluster_ddl('plain', ARRAY['host=a', 'host=b'], own_files => true)}) },
	{ name => 'flowlog_athena_ddl', sql => q{SELECT md5(flowlog_athena_ddl('CREATE EXTERNAL TABLE t (version int, account string) PARTITIONED BY (day string) ROW FORMAT DELIMITED FIELDS TERMINATED BY '' '' LOCATION ''s3://bucket/prefix/''', 'logs'))} },
	{ name => 'S3', sql => rows_of('packed', $where), s3 => 1 },
	{ name => 'S3, listed and read', sql => rows_of('stored', $where), s3 => 1 },
	{ name => 'S3, parallel', sql => rows_of('stored'), set => $parallel, s3 => 1 },
	{ name => 'S3, within a limit', sql => 'SELECT count(*), sum(bytes) FROM stored', set => "SET flowlog_fdw.max_scan_bytes = '1GB'", s3 => 1 },
	{ name => 'S3, over TLS', sql => rows_of('encrypted'), s3 => 1 },
	{ name => 'S3, flowlog_files', sql => rows_of(q{flowlog_files('packed')}), s3 => 1 },
	{ name => 'S3, IMPORT', sql => q{BEGIN; IMPORT FOREIGN SCHEMA imported FROM SERVER s3 INTO public OPTIONS (location 's3://bucket/logs/'); SELECT count(*) FROM information_schema.columns WHERE table_name = 'imported'; ROLLBACK}, s3 => 1 });
@queries = grep { $_->{name} =~ /$only/ } @queries;

# What fails, with which errno, and what the error must be then.
my @ways = (
	{ name => 'memory', errno => ENOMEM, state => qr/^53200$/ },
	{ name => 'descriptor', errno => EMFILE, state => qr/^53000$/ },
	{ name => 'descriptor', errno => ENFILE, state => qr/^53000$/ },
	{ name => 'descriptor', errno => ENOMEM, state => qr/^53200$/ },
	{ name => 'descriptor', errno => EIO, state => qr/^58030$/ },
	{ name => 'input', errno => EIO, state => qr/^58030$/ },
	{ name => 'input', errno => ENOMEM, state => qr/^53200$/ },
	{ name => 'output', errno => ENOSPC, state => qr/^53[12]00$/ }, # of shared memory PostgreSQL says 53200, of files 53100
	{ name => 'output', errno => EIO, state => qr/^58030$/ },
	{ name => 'network', errno => ECONNRESET, state => qr/^58030$/, s3 => 1 },
	{ name => 'network', errno => ENOMEM, state => qr/^(?:58030|53200)$/, s3 => 1 });

# ---------- a session ----------

my ($session, %open);

# What the backend has open, apart from PostgreSQL's own files.
sub open_now
{
	my %count;

	$count{$_}++ foreach map { s/\d+/N/gr } grep { m{^(?:socket|anon_inode|pipe):|^\Q$root\E} } map { readlink($_) // () } glob('/proc/' . $session->pid . '/fd/*');
	return join(', ', map { "$_ $count{$_}" } sort keys %count);
}

sub begin_session
{
	my ($query) = @_;

	$session->quit if defined $session;
	$session = FlowLogSession->new($node);
	$session->safe_query($query->{set}) if defined $query->{set};
	return;
}

# Runs a query; returns what it printed, the SQLSTATE of its error, and that as it was printed.
sub run_query
{
	my ($query) = @_;
	my $out = $session->query($query->{sql});
	my $error = $session->error;
	my $state = sqlstate($error);

	$state = 'lost' if $state eq '' && $error =~ /server closed the connection|connection to server/;
	$session->query('ROLLBACK') if $query->{sql} =~ /^BEGIN/;
	$out =~ s/$query->{cut}//g if defined $query->{cut};
	return ($state eq '' ? $out : '', $state, $error);
}

# What PostgreSQL itself says when its waiting fails, or a worker while it starts.
sub is_of_postgres
{
	my ($query, $state, $error, $where) = @_;

	return 1 if $where =~ /^epoll_/ && $state =~ /^(?:08006|XX000)$/ && $error =~ /epoll_\w+\(\) failed/;
	return ($query->{set} // '') eq $parallel && $error =~ /lost connection to parallel worker/;
}

# Lets one call fail, from a number on; returns the number of the call that did, or 0, and what is wrong with the outcome.
sub try_fault
{
	my ($query, $way, $from) = @_;

	$faults->arm(kinds => [ $way->{name} ], errno => $way->{errno}, from => $from);
	my ($out, $state, $error) = run_query($query);
	my $found = $faults->disarm;
	my @wrong;

	return (0) if $found->{failed} == 0 && $out eq $query->{right} && $state eq $query->{state};
	push @wrong, 'the server has crashed' if $state eq 'lost';
	push @wrong, "the rows are others: $out" if $state eq '' && $out ne $query->{right};
	push @wrong, "SQLSTATE $state" if $state ne '' && $state ne $query->{state} && $state !~ $way->{state}
		&& !is_of_postgres($query, $state, $error, $found->{where} // '');
	push @wrong, 'no error' if $state eq '' && $query->{state} ne '';
	if ($state ne 'lost')
	{
		my $left = open_now();

		push @wrong, "open are $left instead of $query->{open}" if $left ne $query->{open};
		push @wrong, 'the session does not go on' if $session->query(q{SELECT 'here'}) ne 'here';
	}
	my ($said) = $error =~ /((?:ERROR|FATAL):.*)/;
	return ($found->{number} || -1, @wrong ? join('; ', @wrong) . ' (' . ($said // 'no error') . ') after ' . $found->{where} : undef);
}

# ---------- what is right, and how much may fail ----------

my $began = time();
my (%calls, @cases);

foreach my $query (@queries)
{
	begin_session($query);
	run_query($query); # caches are filled, libraries loaded
	($query->{right}, $query->{state}) = run_query($query);
	$query->{open} = open_now();
	$query->{right} ne '' || $query->{name} =~ /^a line/ or BAIL_OUT("$query->{name} gives nothing: " . $session->error);
	foreach my $way (@ways)
	{
		next if $way->{s3} && !$query->{s3};
		my $key = "$query->{name}, $way->{name}";

		if (!defined $calls{$key})
		{
			$faults->arm(kinds => [ $way->{name} ]);
			run_query($query);
			$calls{$key} = $faults->disarm->{calls};
		}
		push @cases, { query => $query, way => $way, calls => $calls{$key} } if $calls{$key} > 0;
	}
}
diag(sprintf('%d queries, %d cases, %d calls that may fail; %.0f s', scalar(@queries), scalar(@cases), eval { my $sum = 0; $sum += $_->{calls} foreach @cases; $sum }, time() - $began));

# ---------- the faults ----------

my (%wrong, %tried);
my $failed = 0;

sub try_case
{
	my ($case, $from) = @_;
	my ($query, $way) = ($case->{query}, $case->{way});
	my ($number, $wrong) = try_fault($query, $way, $from);

	$tried{ $query->{name} }++;
	$failed++ if $number > 0;
	if (defined $wrong)
	{
		my $kind = "$way->{name} (errno $way->{errno}): " . ($wrong =~ /^([^(]*)/)[0];

		diag("$query->{name}: $wrong") unless $wrong{ $query->{name} }{$kind};
		$wrong{ $query->{name} }{$kind} //= $wrong;
		BAIL_OUT("$query->{name}: $wrong") if $wrong =~ /crashed/;
	}
	return $number;
}

if ($sample eq 'all')
{
	foreach my $case (@cases)
	{
		begin_session($case->{query});
		run_query($case->{query});
		my $number = 0;

		while (($number = try_case($case, $number + 1)) > 0) { }
	}
}
else
{
	# each query in turn; a session for some faults of it
	foreach my $round (1 .. $sample)
	{
		foreach my $query (sort { rand() <=> 0.5 } @queries)
		{
			my @own = grep { $_->{query} == $query } @cases;

			begin_session($query);
			run_query($query);
			foreach (1 .. 3)
			{
				my $case = $own[ rand(@own) ];
				try_case($case, 1 + int(rand($case->{calls})));
			}
		}
	}
}
$session->quit;
diag(sprintf('%d faults in %.0f s', $failed, time() - $began));

foreach my $query (@queries)
{
	my $wrong = $wrong{ $query->{name} } // {};

	is(join("\n", map { "$_: $wrong->{$_}" } sort keys %$wrong), '', "$query->{name}: " . ($tried{ $query->{name} } // 0) . ' faults');
}
cmp_ok($failed, '>', 0, 'calls did fail');

# ---------- what does not depend on luck ----------

# of descriptors none is left: the system has them for nobody else either
begin_session({});
foreach my $sql (rows_of('plain'), rows_of('stored'), "SELECT * FROM flowlog_files('gzip')")
{
	$faults->arm(kinds => ['descriptor'], errno => EMFILE, from => 1, times => 1_000_000);
	$session->query($sql);
	$faults->disarm;
	is(sqlstate($session->error), '53000', "no descriptor for $sql");
	like($session->error, qr/Too many open files/, 'which the error says');
}
# nor is there memory
foreach my $sql (rows_of('plain'), rows_of('gzip'), rows_of('stored'))
{
	begin_session({});
	$faults->arm(kinds => ['memory'], from => 1, times => 1_000_000);
	$session->query($sql);
	$faults->disarm;
	is(sqlstate($session->error), '53200', "no memory for $sql");
}

$session->quit;
check_log($node);
$node->stop;
done_testing();
