# Random queries that a switch of flowlog_fdw must not change: with it, without it, and over a copy of the table.

package FlowLogCompare;

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

use FlowLog;
use FlowLogSession;

our @EXPORT = qw(random_lines create_copied_table create_compare differs count_differences);

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

1;
