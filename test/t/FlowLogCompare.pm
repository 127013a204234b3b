# Random queries that a switch of flowlog_fdw must not change: with it, without it, and over a copy of the table.

package FlowLogCompare;

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

use FlowLog;
use FlowLogSession;

our @EXPORT = qw(one_of random_lines create_copied_table create_numbered_tables create_compare differs count_differences same_answers);

sub one_of
{
	return $_[ int(rand(@_)) ];
}

# random_lines COLUMNS, COUNT, NULLS, BAD, FIRST: so many records, which have a field of each column: its name, its type,
# what makes a field, and a field that cannot be read, if there is one.  Of a hundred fields NULLS are NULL, and of a
# thousand BAD cannot be read; some lines are no record then.  FIRST, if given, makes a field that stands before these.
sub random_lines
{
	my ($columns, $count, $nulls, $bad, $first) = @_;
	my @lines;

	foreach (1 .. $count)
	{
		push @lines, join(';', ($first ? $first->() : ()), map {
			rand(100) < $nulls ? '-' : rand(1000) < $bad && defined $_->[3] ? $_->[3] : $_->[2]->()
		} @$columns) . "\n";
		push @lines, "no record\n" if rand(2000) < $bad;
	}
	return @lines;
}

# create_copied_table NODE, NAME, LOCATION, OPTION => VALUE...: create_table, and its rows in the ordinary table NAME_heap
sub create_copied_table
{
	my ($node, $name, $location, %options) = @_;

	create_table($node, $name, $location, log_verbosity => 'silent', %options);
	$node->safe_psql('postgres', "CREATE TABLE ${name}_heap AS SELECT * FROM $name; ANALYZE $name; ANALYZE ${name}_heap;");
	return;
}

# create_numbered_tables NODE, LOGS, COLUMNS, CLEAN, DIRTY, PARTS: files below the directory LOGS, whose records have a number
# and then a field of each column, and the tables "clean", "nulled", "left_out" and "nothing" of them, with copies; and
# "parted", of whose partitions one is an ordinary table.  CLEAN and so on say how many records a file of such a table has.
# Returns the tables' columns and their pattern.
sub create_numbered_tables
{
	my ($node, $logs, $columns, $clean, $dirty, $parts) = @_;
	my $definition = join(', ', 'n int', map { "$_->[0] $_->[1]" } @$columns);
	my $pattern = join(';', '(\d+)', ('([^;]*)') x @$columns);
	my $number = 0;
	my $next = sub { ++$number };

	mkdir "$logs/$_" foreach qw(clean dirty empty parts parts/a parts/b);
	write_file("$logs/clean/$_.log", random_lines($columns, $clean, 5, 0, $next)) foreach 1 .. 4;
	write_file("$logs/dirty/$_.log", random_lines($columns, $dirty, 10, 5, $next)) foreach 1 .. 2;
	write_file("$logs/parts/$_/1.log", random_lines($columns, $parts, 5, 0, $next)) foreach qw(a b);
	write_file("$logs/empty/a.log", "\n");
	system('gzip', "$logs/clean/2.log") == 0 or die 'could not run gzip';

	create_copied_table($node, $_->[0], "$logs/$_->[1]", columns => $definition, regex => $pattern, %{ $_->[2] })
		foreach [ 'clean', 'clean', {} ], [ 'nulled', 'dirty', { on_error => 'set_null' } ], [ 'left_out', 'dirty', { on_error => 'ignore' } ], [ 'nothing', 'empty', {} ];
	$node->safe_psql('postgres', qq{
		CREATE TABLE parted ($definition, dir text) PARTITION BY LIST (dir);
		CREATE FOREIGN TABLE part_a PARTITION OF parted FOR VALUES IN ('a') SERVER logs OPTIONS (location '$logs/parts/\${dir}/1.log', regex '$pattern');
		CREATE FOREIGN TABLE part_b PARTITION OF parted FOR VALUES IN ('b') SERVER logs OPTIONS (location '$logs/parts/\${dir}/1.log', regex '$pattern');
		CREATE TABLE part_c PARTITION OF parted FOR VALUES IN ('c');
		INSERT INTO part_c SELECT *, 'c' FROM clean_heap ORDER BY n LIMIT 300;
		CREATE TABLE parted_heap AS SELECT * FROM parted;
	});
	return ($definition, $pattern);
}

# create_compare NODE, SWITCH, SHOWN: makes the function that differs() calls
#
# SHOWN is a regular expression: EXPLAIN has such a line if a query is pushed.  Parameters: "ordered", rows are compared in
# the order in which they come; "raises", a condition that either of the answers may raise, and is then let be.
sub create_compare
{
	my ($node, $switch, $shown, %params) = @_;
	my $order = $params{ordered} ? '' : ' ORDER BY q::text COLLATE "C"';
	my $handler = $params{raises} ? "EXCEPTION WHEN $params{raises} THEN pushed := NULL;" : '';

	$shown = quoted($shown);
	$node->safe_psql('postgres', qq{
		CREATE FUNCTION compare(query text, relation text, OUT pushed boolean, OUT difference text) LANGUAGE plpgsql AS \$\$
		DECLARE
			asked text := format('SELECT array_agg(q::text$order) FROM (%s) q', query);
			line text;
			ours text[];
			theirs text[];
		BEGIN
			pushed := false;
			SET LOCAL flowlog_fdw.$switch = on;
			FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || replace(asked, '%s', relation) LOOP
				pushed := pushed OR line ~ $shown;
			END LOOP;
			EXECUTE replace(asked, '%s', relation) INTO ours;
			SET LOCAL flowlog_fdw.$switch = off;
			EXECUTE replace(asked, '%s', relation) INTO theirs;
			IF ours IS DISTINCT FROM theirs THEN
				difference := format('with $switch it is %s, without %s', left(ours::text, 500), left(theirs::text, 500));
			END IF;
			EXECUTE replace(asked, '%s', relation || '_heap') INTO theirs;
			IF ours IS DISTINCT FROM theirs THEN
				difference := concat_ws('; ', difference, format('the copy gives %s, the table %s', left(theirs::text, 500), left(ours::text, 500)));
			END IF;
		$handler
		END \$\$;
	});
}

# differs SESSION, QUERY, TABLE, PUSHABLE: how a query with %s in place of a table went wrong, or was pushed although it
# must not be; an empty text if it did not.  And whether it was pushed: 't', 'f', or '' if it raised what it may.
sub differs
{
	my ($session, $query, $table, $pushable) = @_;
	my ($pushed, $difference) = split(/\|/, $session->query('SELECT * FROM compare(' . quoted($query) . ", '$table')"), 2);

	return ('', $pushed) if $session->error !~ /ERROR/ && $difference eq '' && ($pushed ne 't' || $pushable);
	$query =~ s/%s/$table/;
	return ("$query\n" . $session->error . ($difference // ''), $pushed // '');
}

# count_differences NODE, SETTINGS, COUNT, RANDOM, TABLES, SEEN: how many of so many queries go wrong in a session with
# these settings.  RANDOM makes a query, and tells whether it can be pushed; SEEN is called with the query, its table,
# that, and what differs() says of whether it was.
sub count_differences
{
	my ($node, $settings, $count, $random, $tables, $seen) = @_;
	my $session = FlowLogSession->new($node);
	my $different = 0;

	$session->safe_query($settings);
	foreach (1 .. $count)
	{
		my ($query, $pushable) = $random->();
		my $table = $tables->[ int(rand(@$tables)) ];
		my ($difference, $was_pushed) = differs($session, $query, $table, $pushable);

		if ($difference)
		{
			diag("$settings\n$difference");
			$different++;
		}
		$seen->($query, $table, $pushable, $was_pushed);
	}
	$session->quit;
	return $different;
}

# same_answers SESSION, SWITCH, WHAT, MAKE, STATEMENT...: statements with %s in place of a table, which are asked one after the
# other, have the same answers and errors with and without the switch over the table "clean", and over its copy.  MAKE says
# of a table what is run before.
sub same_answers
{
	my ($session, $switch, $what, $make, @statements) = @_;
	my @answers = map {
		my ($table, $setting) = @$_;
		$session->safe_query("DEALLOCATE ALL; SET flowlog_fdw.$switch = $setting");
		$session->safe_query($make->($table));
		[ map { my $statement = $_ =~ s/%s/$table/gr; my $answer = $session->query($statement); $answer . ($session->error =~ /(ERROR:[^\n]*)/ ? $1 : '') } @statements ];
	} ([ 'clean', 'on' ], [ 'clean', 'off' ], [ 'clean_heap', 'off' ]);

	$session->safe_query("SET flowlog_fdw.$switch = on");
	is_deeply($answers[0], $answers[1], "$what: without it");
	is_deeply($answers[0], $answers[2], "$what: a copy");
	return;
}

1;
