# Files that change under a query: it returns the rows that they held when they were
# listed, or fails with an error that names the file.  Never a mixture.

use strict;
use warnings;

use Cwd qw(abs_path);
use POSIX qw(mkfifo);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('changes');
my $session = FlowLogSession->new($node);

# ---------- what may happen to a file ----------

# Two versions of a file's rows, in as many bytes; some blocks of them, also when compressed.
my $rows = 20_000;
my $lines = default_lines(1, $rows);
my $others = default_lines(100_001, 100_000 + $rows);
my %packed = (plain => $lines, gzip => packed('gzip', $lines), zstd => packed('zstd', $lines));
my %packed_others = (plain => $others, gzip => packed('gzip', $others), zstd => packed('zstd', $others));

sub packed
{
	my ($program, $content) = @_;

	write_file("$logs/content", $content);
	system("$program -q -1 -c <$logs/content >$logs/packed") == 0 or die "could not run $program: $!";
	unlink("$logs/content");
	return slurp_file("$logs/packed");
}

# Overwrites a part of a file in place.
sub overwrite
{
	my ($path, $offset, $content) = @_;

	open(my $file, '+<:raw', $path) or die "could not open \"$path\": $!";
	seek($file, $offset, 0);
	print $file $content;
	close($file) or die "could not write \"$path\": $!";
	return;
}

# Gives a file the time that it had when it was laid.
my $laid = 1_700_000_000;

sub age
{
	my ($path) = @_;

	utime($laid, $laid, $path) or die "could not set the time of \"$path\": $!";
	return;
}

my %changes = (
	append => sub { my ($path, $kind) = @_; append_file($path, $packed_others{$kind}) },
	append_a_byte => sub { my ($path) = @_; append_file($path, "\n") },
	truncate_to_half => sub { my ($path) = @_; truncate($path, (-s $path) / 2) or die "could not truncate: $!" },
	truncate_to_nothing => sub { my ($path) = @_; truncate($path, 0) or die "could not truncate: $!" },
	overwrite_all => sub { my ($path, $kind) = @_; overwrite($path, 0, substr($packed_others{$kind}, 0, -s $path)) },
	overwrite_the_end => sub { my ($path) = @_; overwrite($path, (-s $path) - 3, 'OK?') },
	rename_over => sub { my ($path, $kind) = @_; rename(write_file("$logs/new", $packed_others{$kind}), $path) },
	rename_same_over => sub { my ($path, $kind) = @_; rename(write_file("$logs/new", $packed{$kind}), $path) },
	unlink => sub { my ($path) = @_; unlink($path) },
	recreate => sub { my ($path, $kind) = @_; unlink($path); write_file($path, $packed_others{$kind}) },
	rename_away => sub { my ($path) = @_; rename($path, "$logs/away") },
	to_directory => sub { my ($path) = @_; unlink($path); mkdir $path },
	to_link => sub { my ($path, $kind) = @_; unlink($path); symlink(write_file("$logs/new", $packed_others{$kind}), $path) },
	append_quietly => sub { my ($path) = @_; append_file($path, "\n"); age($path) },
	truncate_quietly => sub { my ($path) = @_; truncate($path, (-s $path) / 2); age($path) },
	rename_over_quietly => sub {
		my ($path, $kind) = @_;
		write_file("$logs/new", $packed_others{$kind});
		truncate("$logs/new", -s $path) or die "could not truncate: $!";
		age("$logs/new");
		rename("$logs/new", $path);
	},
	to_fifo => sub { my ($path) = @_; unlink($path); mkfifo($path, 0600) },
	make_unreadable => sub { my ($path) = @_; chmod(0, $path) });

# Which of them take nothing from a file that is open already.
my %harmless_when_open = map { $_ => 1 }
  qw(rename_over rename_same_over rename_over_quietly unlink recreate rename_away to_directory to_link to_fifo make_unreadable);

# ---------- while the file is read ----------

# A file that is long ago as it is, so that any write gives it another time.
sub lay_file
{
	my ($path, $kind) = @_;

	if (-d $path)
	{
		rmdir($path) or die "could not remove \"$path\": $!";
	}
	unlink($path);
	write_file($path, $packed{$kind});
	age($path);
	return;
}

my $all = join("\n", map { sprintf('%012d', $_) } 1 .. $rows);

foreach my $kind (qw(plain gzip zstd))
{
	my $path = "$logs/read.$kind";

	create_table($node, 'read', $path);
	foreach my $change (sort keys %changes)
	{
		my $what = "$kind, $change while it is read";

		lay_file($path, $kind);
		$session->safe_query('BEGIN; DECLARE c CURSOR FOR SELECT account_id FROM read');
		my $first = $session->safe_query('FETCH 10 FROM c');
		$changes{$change}->($path, $kind);
		my $rest = $session->query('FETCH ALL FROM c');

		if ($session->error eq '')
		{
			ok($harmless_when_open{$change}, "$what: nothing was changed that the scan reads");
			ok("$first\n$rest" eq $all, "$what: all rows that were listed, and no other");
		}
		else
		{
			like($session->error, qr/ERROR:  (55000|XX001|22P04|22P02|0A000): /, "$what: an error");
			like($session->error, qr/\Q$path\E/, "$what: it names the file");
			# what came before is as it was listed
			ok(index($all, $first) == 0, "$what: no row is another's");
			unlike($session->error, qr/ERROR:  (22P04|22P02)/, "$what: that says what happened") if $kind eq 'plain' && $change ne 'overwrite_all';
		}
		$session->query('ROLLBACK');
		is(join(' ', $session->open_below($logs)), '', "$what: nothing is left open");
	}
}

# ---------- between listing and reading ----------

# After such a change, only the time of the last change is another one.
my %later = (%changes, overwrite_quietly => sub { my ($path, $kind) = @_; $changes{overwrite_all}->($path, $kind); age($path) });

mkdir "$logs/two";
create_table($node, 'two', "$logs/two");
foreach my $change (sort keys %later)
{
	my $what = "$change after the listing";
	my $path = "$logs/two/2.log";

	lay_file("$logs/two/1.log", 'plain');
	lay_file($path, 'plain');
	$session->safe_query('BEGIN; DECLARE c CURSOR FOR SELECT account_id FROM two; FETCH 10 FROM c');
	$later{$change}->($path, 'plain');
	$session->query('MOVE ALL IN c');
	like($session->error, qr/ERROR:  (55000|58P01|42501|42809): .*\Q$path\E/, "$what: an error that names the file");
	$session->query('ROLLBACK');

	# the next query takes it as it is then
	my $outcome = $session->query('SELECT count(*) FROM two');
	isnt($outcome . $session->error, '', "$what: the next query answers, or says why not");
	unlike($session->error, qr/55000/, "$what: and that is not the change");
}

# A rescan reads the files that were listed, or fails.
lay_file("$logs/two/2.log", 'plain');
$session->safe_query('SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off');
$session->safe_query(q{BEGIN; DECLARE c CURSOR FOR
	SELECT g, account_id FROM generate_series(1, 3) g LEFT JOIN two ON bytes < 0 OR g > 0});
$session->safe_query("MOVE 50 IN c");
append_file("$logs/two/1.log", default_line(1));
$session->query('MOVE ALL IN c');
like($session->error, qr/ERROR:  55000: .*1\.log/, 'a file that changes before a rescan is an error');
$session->query('ROLLBACK; RESET ALL');
unlink("$logs/two/$_.log") foreach 1, 2;

# ---------- files and directories that cannot be read ----------

write_file("$logs/two/1.log", default_lines(1, 5));
my $path = write_file("$logs/two/2.log", default_lines(6, 9));
chmod(0, $path);
$session->query('SELECT count(*) FROM two');
like($session->error, qr/ERROR:  42501: could not open .*\Q$path\E": Permission denied/, 'a file that cannot be read is an error that names it');
chmod(0600, $path);
is($session->safe_query('SELECT count(*) FROM two'), 9, 'it can be read again');

mkdir "$logs/two/closed", 0;
foreach my $sql ('SELECT count(*) FROM two', 'EXPLAIN SELECT * FROM two', 'ANALYZE two', q{SELECT * FROM flowlog_rejects('two')})
{
	$session->query($sql);
	like($session->error, qr/ERROR:  42501: could not open directory "\Q$logs\E\/two\/closed": Permission denied/,
		"a directory that cannot be read is an error that names it ($sql)");
}
mkdir "$logs/two/nosearch", 0700;
write_file("$logs/two/nosearch/3.log", default_lines(1, 2));
rmdir "$logs/two/closed";
chmod(0400, "$logs/two/nosearch");
$session->query('SELECT count(*) FROM two');
like($session->error, qr/ERROR:  42501: .*"\Q$logs\E\/two\/nosearch/, 'so is one that can be listed, but not entered');
chmod(0700, "$logs/two/nosearch");
is($session->safe_query('SELECT count(*) FROM two'), 11, 'and all is well when it may be');

# ---------- links ----------

symlink("$logs/two", "$logs/two/nosearch/up");
$session->query('SELECT count(*) FROM two');
like($session->error, qr/ERROR:  54000: .*"\Q$logs\E\/two\/nosearch\/up"/, 'a loop by links is an error that names it');
create_table($node, 'deep', "$logs/two/**/1.log");
$session->query('SELECT count(*) FROM deep');
like($session->error, qr/ERROR:  54000: .*"\Q$logs\E\/two\/nosearch\/up"/, 'also below "**"');
unlink("$logs/two/nosearch/up");

symlink('self', "$logs/two/self");
$session->query('SELECT count(*) FROM two');
like($session->error, qr/ERROR:  [0-9A-Z]{5}: .*"\Q$logs\E\/two\/self"/, 'a link to itself too');
unlink("$logs/two/self");
symlink("$logs/nowhere", "$logs/two/dangling");
$session->query('SELECT count(*) FROM two');
like($session->error, qr/ERROR:  58P01: .*"\Q$logs\E\/two\/dangling"/, 'and a link that leads nowhere');
unlink("$logs/two/dangling");

# one directory by two ways is not a loop
mkdir "$logs/twice";
symlink("$logs/two", "$logs/twice/$_") foreach 'a', 'b';
create_table($node, 'twice', "$logs/twice");
is($session->safe_query('SELECT count(*) FROM twice'), 22, 'a directory that two links lead to is read twice');

# ---------- prepared statements ----------

mkdir "$logs/prepared";
write_file("$logs/prepared/1.log", default_lines(1, 5));
create_table($node, 'prepared', "$logs/prepared");
foreach my $mode ('force_generic_plan', 'force_custom_plan', 'auto')
{
	my $all_rows = 5;

	$session->safe_query("SET plan_cache_mode = $mode; PREPARE q(int) AS SELECT count(*) FROM prepared WHERE srcport > \$1");
	is($session->safe_query('EXECUTE q(0)'), $all_rows, "$mode: the rows that there are");
	foreach my $n (2 .. 8)
	{
		write_file("$logs/prepared/$n.log", default_lines(1, 5));
		is($session->safe_query('EXECUTE q(0)'), $all_rows += 5, "$mode: file $n, added between PREPARE and EXECUTE, is seen");
	}
	unlink("$logs/prepared/$_.log") foreach 3 .. 8;
	is($session->safe_query('EXECUTE q(0)'), 10, "$mode: and files that went are not missed");
	is($session->safe_query('EXECUTE q(NULL)'), 0, "$mode: nothing is greater than NULL");

	# the table's definition may change as well
	$session->safe_query('ALTER FOREIGN TABLE prepared OPTIONS (SET location ' . quoted("$logs/two/1.log") . ')');
	is($session->safe_query('EXECUTE q(0)'), 5, "$mode: another location");
	$session->safe_query(q{ALTER FOREIGN TABLE prepared DROP COLUMN log_status; }
		  . q{ALTER FOREIGN TABLE prepared ADD COLUMN log_status text});
	is($session->safe_query('EXECUTE q(0)'), 5, "$mode: a column that was dropped and added");
	$session->safe_query('ALTER FOREIGN TABLE prepared OPTIONS (SET location ' . quoted("$logs/prepared") . ')');
	is($session->safe_query('EXECUTE q(0)'), 10, "$mode: and back");
	$session->safe_query('DEALLOCATE q; RESET plan_cache_mode');
	unlink("$logs/prepared/2.log");
}

$session->quit;
check_log($node);
$node->stop;
done_testing();
