# Nothing is left behind: whatever way a scan ends, its descriptors are closed and its
# memory is given back, also within one long transaction.

use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('leaks', init => { allows_streaming => 1 });

# ---------- files that end a scan in different ways ----------

my $lines = default_lines(1, 20_000); # some blocks of it
write_file("$logs/good.log", $lines);
write_file("$logs/small.log", default_lines(1, 10));
write_file("$logs/record.log", $lines, "not a record\n", $lines);
(my $value = $lines) =~ s/ 22 / port /;
write_file("$logs/value.log", default_lines(1, 20), $value);

# of each compression: whole, cut, damaged
foreach my $program ('gzip', 'zstd', 'bzip2', 'xz')
{
	system("$program -q -1 -c <$logs/good.log >$logs/good.$program") == 0 or die "could not run $program: $!";
	my $packed = slurp_file("$logs/good.$program");
	write_file("$logs/cut.$program", substr($packed, 0, length($packed) / 2));
	substr($packed, length($packed) / 2, 40) = "\xAA" x 40;
	write_file("$logs/damaged.$program", $packed);
}

my %location = (
	good => 'good.log', good_gzip => 'good.gzip', good_zstd => 'good.zstd', small => 'small.log',
	bad_record => 'record.log', bad_value => 'value.log',
	cut_gzip => 'cut.gzip', cut_zstd => 'cut.zstd', damaged_gzip => 'damaged.gzip', damaged_zstd => 'damaged.zstd',
	good_bzip2 => 'good.bzip2', good_xz => 'good.xz', cut_bzip2 => 'cut.bzip2', cut_xz => 'cut.xz',
	damaged_bzip2 => 'damaged.bzip2', damaged_xz => 'damaged.xz',
	missing => 'missing.log', many => '*.log', no_files => 'nothing*');
create_table($node, $_, "$logs/$location{$_}") foreach sort keys %location;
create_table($node, 'wrong_groups', "$logs/small.log", regex => '(\S+) (.*)');
create_table($node, 'slow_pattern', "$logs/pattern.log", columns => 'line text', regex => '((?:a(?!.*z))*[^a])');
write_file("$logs/pattern.log", 'a' x 20_000, "\n");
create_table($node, 'quiet', "$logs/record.log", on_error => 'ignore', log_verbosity => 'silent');
create_table($node, 'nulls', "$logs/value.log", on_error => 'set_null', log_verbosity => 'silent');
create_table($node, 'limited', "$logs/record.log", on_error => 'ignore', reject_limit => 0);

$node->safe_psql('postgres', q{
	CREATE TABLE good_heap AS TABLE good;
	CREATE TABLE small_heap AS TABLE small;

	-- runs a statement so many times, each in a subtransaction that may fail
	CREATE FUNCTION again(statement text, times int, OUT succeeded int, OUT failed int) LANGUAGE plpgsql AS $$
	BEGIN
		succeeded := 0;
		failed := 0;
		FOR i IN 1 .. times LOOP
			BEGIN
				EXECUTE statement;
				succeeded := succeeded + 1;
			EXCEPTION WHEN others THEN
				failed := failed + 1;
			END;
		END LOOP;
	END $$;

	-- reads a few rows through a cursor, and leaves it open at an error
	CREATE FUNCTION leave_cursor(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		c refcursor;
		r record;
	BEGIN
		OPEN c FOR EXECUTE format('SELECT * FROM %s', relation);
		FOR i IN 1 .. 3 LOOP
			FETCH c INTO r;
		END LOOP;
		RAISE EXCEPTION 'left';
	END $$;
});

# ---------- what a session holds ----------

my $session = FlowLogSession->new($node);
my $most_growth = 64 * 1024;
create_heap_size($node);

# What PostgreSQL's contexts hold, what the whole backend has taken from malloc(), and what it has mapped for
# machine code, in bytes; all are exact.
sub memory
{
	my $code = 0;

	foreach my $line (split(/\n/, slurp_file('/proc/' . $session->pid . '/maps')))
	{
		$code += hex($2) - hex($1) if $line =~ /^(\w+)-(\w+) ..x. 0+ 00:00 0\s*$/;
	}
	return (split(/\|/, $session->safe_query('SELECT (SELECT sum(total_bytes) FROM pg_backend_memory_contexts), heap_size()')), $code);
}

sub check_descriptors
{
	my ($what) = @_;

	is(join(' ', $session->open_below($logs)), '', "$what: no descriptor is left");
	return;
}

# Runs statements again and again: what leaks grows each time, while caches and free lists may grow once
# or twice.
sub check_flat
{
	my ($what, $run) = @_;
	my @grown;

	$run->();
	my @before = memory();
	foreach my $try (1 .. 4)
	{
		$run->();
		my @after = memory();
		@grown = map { $after[$_] - $before[$_] } 0 .. $#after;
		last unless grep { $_ > $most_growth } @grown;
		@before = @after;
	}

	check_descriptors($what);
	cmp_ok($grown[0], '<=', $most_growth, "$what: its contexts do not grow");
	cmp_ok($grown[1], '<=', $most_growth, "$what: nor does what libraries hold");
	cmp_ok($grown[2], '<=', $most_growth, "$what: nor machine code");
	is($session->safe_query(q{SELECT count(*) FROM pg_backend_memory_contexts WHERE name LIKE 'flowlog_fdw%'}), 0,
		"$what: no context of ours is left");
	return;
}

# ---------- errors ----------

# in the middle of a statement of its own
foreach my $table (qw(bad_record bad_value cut_gzip cut_zstd cut_bzip2 cut_xz damaged_gzip damaged_zstd damaged_bzip2 damaged_xz missing many wrong_groups slow_pattern limited))
{
	$session->query("SELECT count(dstport) FROM $table");
	like($session->error, qr/ERROR:  /, "$table: an error");
	check_descriptors($table);
}

# a thousand of them in one transaction
my @loops = (
	# statement, how many times, does it fail?
	[ 'SELECT count(dstport) FROM bad_value', 1000, 1 ],
	[ 'SELECT count(*) FROM missing', 1000, 1 ],
	[ 'SELECT count(*) FROM wrong_groups', 1000, 1 ],
	[ 'EXPLAIN SELECT * FROM missing', 1000, 1 ],
	[ 'SELECT 1 / (srcport - srcport) FROM small', 1000, 1 ],
	[ q{SELECT leave_cursor('good')}, 1000, 1 ],
	[ q{SELECT leave_cursor('good_gzip')}, 1000, 1 ],
	[ q{SELECT leave_cursor('good_zstd')}, 1000, 1 ],
	[ 'SELECT * FROM small LIMIT 1', 1000, 0 ],
	[ 'SELECT * FROM good_gzip LIMIT 1', 1000, 0 ],
	[ 'SELECT count(*) FROM small', 1000, 0 ],
	[ 'SELECT count(*) FROM no_files', 100, 0 ],
	[ 'EXPLAIN SELECT * FROM many', 1000, 0 ],
	[ q{SELECT * FROM flowlog_rejects('small')}, 1000, 0 ],
	[ q{SELECT * FROM flowlog_rejects('bad_value', 1)}, 1000, 0 ],
	[ q{SELECT * FROM flowlog_rejects('wrong_groups', 1)}, 1000, 1 ],
	[ 'ANALYZE small', 100, 0 ],
	[ 'ANALYZE bad_value', 1000, 1 ],
	[ 'SELECT count(*) FROM slow_pattern', 10, 1 ],
	[ 'SELECT count(*) FROM bad_record', 10, 1 ],
	[ 'SELECT count(*) FROM cut_gzip', 20, 1 ],
	[ 'SELECT count(*) FROM cut_zstd', 20, 1 ],
	[ 'SELECT count(*) FROM cut_bzip2', 20, 1 ],
	[ 'SELECT count(*) FROM cut_xz', 20, 1 ],
	[ 'SELECT count(*) FROM damaged_gzip', 20, 1 ],
	[ 'SELECT count(*) FROM damaged_zstd', 20, 1 ],
	[ 'SELECT count(*) FROM limited', 10, 1 ],
	[ 'SELECT count(*) FROM quiet', 5, 0 ],
	[ 'SELECT count(dstport) FROM nulls', 5, 0 ]);

foreach my $loop (@loops)
{
	my ($sql, $times, $fails) = @$loop;

	$session->query('SET client_min_messages = error');
	check_flat(
		"$times x $sql",
		sub {
			my $counts = $session->safe_query('SELECT * FROM again(' . quoted($sql) . ", $times)");
			is($counts, $fails ? "0|$times" : "$times|0", "$times x $sql: " . ($fails ? 'fail' : 'succeed'));
		});
}

# ---------- cursors ----------

# closed half-way, one after the other
check_flat(
	'cursors closed half-way',
	sub {
		my $sql = 'BEGIN; ';
		foreach my $n (1 .. 100)
		{
			$sql .= "DECLARE c CURSOR FOR SELECT * FROM good_gzip; MOVE $n IN c; CLOSE c; ";
		}
		$session->safe_query("$sql COMMIT");
	});

# open at the end of a transaction, both ways
foreach my $end ('COMMIT', 'ROLLBACK')
{
	check_flat(
		"cursors open at $end",
		sub {
			$session->safe_query('BEGIN; '
				  . join('', map { "DECLARE c$_ CURSOR FOR SELECT * FROM good; MOVE 10 IN c$_; " } 1 .. 50)
				  . $end);
		});
}
check_flat(
	'cursors with hold',
	sub {
		$session->safe_query('BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT srcport FROM good_zstd; MOVE 10 IN c; COMMIT; '
			  . 'MOVE 10 IN c; CLOSE c');
	});
check_flat(
	'cancelled cursors',
	sub {
		foreach my $n (1 .. 10)
		{
			$session->query('BEGIN; DECLARE c CURSOR FOR SELECT * FROM good; MOVE 10 IN c; SET statement_timeout = 1; '
				  . 'SELECT pg_sleep(1); ROLLBACK; RESET statement_timeout');
		}
	});

# A cursor that was opened, moved, or is being read in a subtransaction that fails goes on where it stood, as
# one over an ordinary table does.
$session->safe_query('SET synchronize_seqscans = off');
foreach my $table (qw(good good_gzip good_zstd good_bzip2 good_xz))
{
	my %rows;

	foreach my $relation ($table, 'good_heap')
	{
		$session->safe_query(qq{
			BEGIN;
			DECLARE c CURSOR FOR SELECT * FROM $relation;
			DECLARE late CURSOR FOR SELECT account_id FROM $relation WHERE dstport = 443;
		});
		$rows{$relation} = $session->safe_query('FETCH 5 FROM c');
		$session->safe_query('SAVEPOINT s');
		$rows{$relation} .= $session->safe_query('FETCH 5000 FROM c; FETCH 2000 FROM late');
		$session->query('SELECT count(*) FROM bad_record');
		like($session->error, qr/ERROR:  22P04/, "$table: a subtransaction fails");
		$session->safe_query('ROLLBACK TO s');
		is(scalar($session->open_below($logs)), $relation eq 'good_heap' ? 0 : 2, "$table: the cursors are still open, and nothing else");
		$rows{$relation} .= $session->safe_query('FETCH 100 FROM late; FETCH ALL FROM c');
		$session->query('SAVEPOINT s2; SELECT 1 / 0');
		$rows{$relation} .= $session->safe_query('ROLLBACK TO s2; FETCH ALL FROM late; COMMIT');
	}
	ok($rows{$table} eq $rows{good_heap}, "$table: a cursor goes on after a failed subtransaction with the same rows");
	check_descriptors("$table: after the cursors");
}

# a cursor that was opened within the failed subtransaction is gone, and so are its descriptors
$session->safe_query('BEGIN; SAVEPOINT s; DECLARE c CURSOR FOR SELECT * FROM good; MOVE 10 IN c');
is(scalar($session->open_below($logs)), 1, 'a cursor of a subtransaction holds its file');
$session->query('SELECT 1 / 0');
$session->safe_query('ROLLBACK TO s');
check_descriptors('a cursor of a failed subtransaction');
$session->query('FETCH c');
like($session->error, qr/ERROR:  34000/, 'and is gone');
$session->query('ROLLBACK');

# ---------- rescans ----------

# more rescans than memory could bear if each kept anything; the same rows as from a table
my $rescans = 'SELECT count(*), sum(x.srcport), min(g), max(g) FROM generate_series(1, 10000) g, LATERAL '
  . '(SELECT * FROM %s WHERE srcport <> 1024 + g %% 20 AND dstport > 22 OFFSET 0) x';
my %result;
check_flat('10,000 rescans', sub { $result{small} = $session->safe_query(sprintf($rescans, 'small')) });
$result{small_heap} = $session->safe_query(sprintf($rescans, 'small_heap'));
is($result{small}, $result{small_heap}, '10,000 rescans: the rows of a table');

# one without parameters, which the planner would rather keep
$session->safe_query('SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off');
check_flat(
	'rescans without parameters',
	sub {
		is( $session->safe_query('SELECT count(*) FROM generate_series(1, 1000) g LEFT JOIN small s ON s.srcport <> g'),
			10_000, 'rescans without parameters: all rows');
	});
$session->safe_query('RESET ALL');

# ---------- PostgreSQL's own count of descriptors ----------

# A scan announces its descriptors to PostgreSQL; if it forgot to take that back, after the
# thousands of scans above no wait for a connection would be possible any more.
my $connection = $node->connstr('postgres');
$connection =~ s/'/''/g;
$session->query("CREATE SUBSCRIPTION s CONNECTION '$connection' PUBLICATION p "
	  . 'WITH (connect = true, create_slot = false, enabled = false, slot_name = NONE, copy_data = false)');
unlike($session->error, qr/ERROR:/, 'descriptors that were announced were taken back');
$session->query('DROP SUBSCRIPTION s');

$session->quit;
check_log($node);
$node->stop;
done_testing();
