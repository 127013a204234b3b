# Names of files are bytes.  What is made of them is text that is valid in the database's encoding,
# and no message is lost because the client's encoding lacks a character of a name.

use strict;
use warnings;

use Cwd qw(abs_path);
use IO::Compress::Gzip qw(gzip);
use POSIX qw(mkfifo);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;
use FlowLogSession;

my $logs = abs_path(PostgreSQL::Test::Utils::tempdir('logs'));
my $node = start_node('encoding', conf => $eager_workers);

# The names, by what is in them.  The bytes of "acute" are characters in all of the encodings, but others in each.
my %names = (
	invalid => "b\xFF",
	acute => "\xC3\xA9",
	kana => "\xE3\x81\x82",
	line => "new\nline");

# What a client is shown of a name in a message, by the database's encoding and its own.
my %shown = (
	UTF8 => {
		UTF8 => { invalid => 'b\xFF', acute => "\xC3\xA9", kana => "\xE3\x81\x82" },
		LATIN1 => { invalid => 'b\xFF', acute => "\xE9", kana => '\xE3\x81\x82' },
		EUC_JP => { invalid => 'b\xFF', acute => "\x8F\xAB\xB1", kana => "\xA4\xA2" },
		SQL_ASCII => { invalid => 'b\xFF', acute => "\xC3\xA9", kana => "\xE3\x81\x82" },
	},
	LATIN1 => {
		UTF8 => { invalid => "b\xC3\xBF", acute => "\xC3\x83\xC2\xA9", kana => "\xC3\xA3\xC2\x81\xC2\x82" },
		LATIN1 => { invalid => "b\xFF", acute => "\xC3\xA9", kana => "\xE3\x81\x82" },
	},
	EUC_JP => {
		UTF8 => { invalid => 'b\xFF', acute => "\xE8\xBE\xBF", kana => '\xE3\x81\x82' },
		EUC_JP => { invalid => 'b\xFF', acute => "\xC3\xA9", kana => '\xE3\x81\x82' },
		SJIS => { invalid => 'b\xFF', acute => "\x92\x48", kana => '\xE3\x81\x82' },
	},
	SQL_ASCII => {
		UTF8 => { invalid => 'b\xFF', acute => "\xC3\xA9", kana => "\xE3\x81\x82" },
		LATIN1 => { invalid => "b\xFF", acute => "\xC3\xA9", kana => "\xE3\x81\x82" },
		SQL_ASCII => { invalid => "b\xFF", acute => "\xC3\xA9", kana => "\xE3\x81\x82" },
	});

# A name as text of the database's: bytes that are not valid are escaped, and nothing else is.
my %text = (
	UTF8 => { %names, invalid => 'b\xFF' },
	LATIN1 => {%names},
	EUC_JP => { %names, invalid => 'b\xFF', kana => '\xE3\x81\x82' },
	SQL_ASCII => {%names});

# ---------- files and tables ----------

my $bad = default_line(2) =~ s/^(\S+ \S+ \S+ \S+ \S+) \S+/$1 https/r;
my $damaged;

gzip(\default_lines(1, 1000), \$damaged);
substr($damaged, length($damaged) / 2, 8) = 'xxxxxxxx';
foreach my $name (keys %names)
{
	make_directory("$logs/$_/$name") foreach qw(flow opaque damaged unknown pipe);
	write_file("$logs/flow/$name/$names{$name}.log", default_line(1), $bad);
	write_file("$logs/flow/$name/$names{$name}2.log", default_line(1), $bad) if $name eq 'kana';
	write_file("$logs/opaque/$name/$names{$name}.log", "no address\n");
	write_file("$logs/damaged/$name/$names{$name}.log", $damaged);
	write_file("$logs/unknown/$name/$names{$name}.log", "no header\n");
	mkfifo("$logs/pipe/$name/$names{$name}.log", 0600) or die "could not create a pipe: $!";
}

foreach my $encoding (sort keys %shown)
{
	my $sql = "CREATE EXTENSION flowlog_fdw; CREATE SERVER logs FOREIGN DATA WRAPPER flowlog_fdw;\n";

	$node->safe_psql('postgres', "CREATE DATABASE \L$encoding\E TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
	foreach my $name (keys %names)
	{
		my $flow = quoted("$logs/flow/$name");
		my $template = quoted("$logs/flow/$name/\${name}.log");

		$sql .= qq{
			CREATE FOREIGN TABLE $name ($columns) SERVER logs OPTIONS (location $flow, regex '$record');
			CREATE FOREIGN TABLE ${name}_ignore ($columns) SERVER logs OPTIONS (location $flow, regex '$record', on_error 'ignore', log_verbosity 'verbose');
			CREATE FOREIGN TABLE ${name}_opaque (address macaddr) SERVER logs OPTIONS (location '$logs/opaque/$name', regex '(.*)');
			CREATE FOREIGN TABLE ${name}_damaged ($columns) SERVER logs OPTIONS (location '$logs/damaged/$name');
			CREATE FOREIGN TABLE ${name}_pipe ($columns) SERVER logs OPTIONS (location '$logs/pipe/$name');
		};
		foreach my $on_error (qw(stop ignore set_null))
		{
			$sql .= qq{
				CREATE FOREIGN TABLE ${name}_path_$on_error (version int, "\$path" text) SERVER logs
					OPTIONS (location $flow, regex '(.).*', on_error '$on_error', log_verbosity 'silent');
				CREATE FOREIGN TABLE ${name}_variable_$on_error (version int, name varchar(20)) SERVER logs
					OPTIONS (location $template, regex '(.).*', on_error '$on_error', log_verbosity 'silent');
			};
		}
	}
	$node->safe_psql(lc $encoding, $sql);
}

# What a session of a client prints and is told, verbosely.
my %sessions;

sub told
{
	my ($encoding, $client, $sql, %settings) = @_;
	my $options = join(' ', map { "-c $_=$settings{$_}" } sort keys %settings);
	my $session;

	local $ENV{PGCLIENTENCODING} = $client;
	$session = $sessions{"$encoding $client $options"} //= FlowLogSession->new($node, dbname => lc $encoding, options => $options);
	return join("\n", grep { $_ ne '' } $session->query($sql), $session->error);
}

# ---------- messages ----------

foreach my $encoding (sort keys %shown)
{
	foreach my $client (sort keys %{ $shown{$encoding} })
	{
		foreach my $name (sort keys %names)
		{
			my $shown = $shown{$encoding}{$client}{$name} // 'new\x0Aline';
			my $place = "$encoding for $client, $name";
			my $file = sub { qr{\Q"$logs/$_[0]/$name/$shown.log"\E} };
			my ($flow, $outcome) = ($file->('flow'));

			$outcome = told($encoding, $client, "SELECT count(srcport) FROM $name");
			like($outcome, qr/ERROR:  22P02: invalid flow log record$/m, "$place: an error about a line comes");
			like($outcome, qr/^CONTEXT:  flow log $flow, line 2, column srcport: "https"$/m, "$place: and names the file");

			$outcome = told($encoding, $client, "SELECT count(*) FROM ${name}_ignore");
			like($outcome, qr/NOTICE:  00000: flow log $flow, line 2: The value/, "$place: a notice names it");
			like($outcome, qr/^DETAIL:  With invalid values: \d\. The first is line 2 of $flow: The value/m, "$place: so does a warning");
			like($outcome, qr/^[12]$/m, "$place: and neither ends the query");

			$outcome = told($encoding, $client, "SELECT count(address) FROM ${name}_opaque");
			like($outcome, qr/ERROR:  22P02: .*"no address"/, "$place: an error of a type's input function comes");
			like($outcome, qr/^CONTEXT:  flow log @{[ $file->('opaque') ]}, line 1, column address$/m, "$place: and its context names the file");

			$outcome = told($encoding, $client, "SELECT count(*) FROM ${name}_damaged");
			like($outcome, qr/ERROR:  XX001: flow log @{[ $file->('damaged') ]} is damaged$/m, "$place: an error about a file comes");
			$outcome = told($encoding, $client, "SELECT count(*) FROM ${name}_pipe");
			like($outcome, qr/ERROR:  42809: @{[ $file->('pipe') ]} is neither a regular file/, "$place: and one of the listing");
			$outcome = told($encoding, $client, "IMPORT FOREIGN SCHEMA t FROM SERVER logs INTO public OPTIONS (location '$logs/unknown/$name')");
			like($outcome, qr/ERROR:  HV00M: fields of flow log @{[ $file->('unknown') ]} are not known$/m, "$place: and one of IMPORT FOREIGN SCHEMA");
		}
	}
}

# workers write messages in the encoding of the database, for a client that wants another one
{
	my $kana = $shown{UTF8}{LATIN1}{kana};
	my %workers = (max_parallel_workers_per_gather => 2, parallel_leader_participation => 'off');

	like(told('UTF8', 'LATIN1', 'EXPLAIN SELECT count(srcport) FROM kana', %workers), qr/Parallel Foreign Scan/, 'workers scan');
	like(told('UTF8', 'LATIN1', 'SELECT count(srcport) FROM kana', %workers),
		qr/ERROR:  22P02: invalid flow log record\n.*^CONTEXT:  flow log "\Q$logs\E\/flow\/kana\/\Q$kana\E2?\.log", line 2, column srcport: "https"\nparallel worker$/ms,
		'an error of a worker comes');
	like(told('UTF8', 'LATIN1', 'SELECT count(*) FROM kana_ignore', %workers),
		qr/NOTICE:  00000: flow log "\Q$logs\E\/flow\/kana\/\Q$kana\E2?\.log", line 2: The value/, 'so does a notice');
}

# what is changed while a cursor is open
like(
	told('UTF8', 'UTF8', q{
		BEGIN; DECLARE c CURSOR FOR SELECT * FROM kana_opaque; SET client_encoding = 'LATIN1'; FETCH c;}),
	qr/ERROR:  22P02: .*"no address".*^CONTEXT:  flow log "\Q$logs\E\/opaque\/kana\/\\xE3\\x81\\x82\.log", line 1, column address$/ms,
	'an error comes when the client has changed its encoding since the scan began');

# names of tables and locations are valid, but they are in warnings, which must not become errors
$node->safe_psql('utf8', qq{CREATE FOREIGN TABLE "\xE3\x81\x82" ($columns) SERVER logs OPTIONS (location '$logs/flow/\xE3\x81\x82*', log_verbosity 'verbose', on_error 'ignore')});
{
	my $outcome = told('UTF8', 'LATIN1', q{SELECT count(*), 'goes on' FROM U&"\3042"});

	like($outcome, qr/WARNING:  01000: no flow logs found for foreign table "\\xE3\\x81\\x82"\nDETAIL:  Nothing matches "\Q$logs\E\/flow\/\\xE3\\x81\\x82\*"/,
		'a warning that names a table and its location comes');
	like($outcome, qr/^0\|goes on$/m, 'and does not end the statement');
}

# ---------- text ----------

foreach my $encoding (sort keys %text)
{
	foreach my $name (sort keys %names)
	{
		my $wanted = "$logs/flow/$name/$text{$encoding}{$name}.log";
		my $hex = unpack('H*', $wanted);
		my $valid = $text{$encoding}{$name} eq $names{$name};

		# convert_to() takes nothing that is not valid
		is($node->safe_psql(lc $encoding, "SELECT encode(convert_to(path, getdatabaseencoding()), 'hex') FROM flowlog_files('$name') ORDER BY path LIMIT 1"),
			$hex, "$encoding, $name: flowlog_files gives valid text");
		is($node->safe_psql(lc $encoding, "SELECT encode(convert_to(path, getdatabaseencoding()), 'hex') FROM flowlog_rejects('$name') ORDER BY path LIMIT 1"),
			$hex, "$encoding, $name: so does flowlog_rejects");

		# as a value of a column, a name that is not valid is a bad field
		my %columns = (path => '"$path"', variable => 'name');
		my %value = (path => $hex, variable => unpack('H*', $text{$encoding}{$name}));

		foreach my $column (sort keys %columns)
		{
			my $hex_of = "encode(convert_to($columns{$column}, getdatabaseencoding()), 'hex')";

			foreach my $pushdown (qw(on off))
			{
				my %settings = ('flowlog_fdw.enable_pushdown' => $pushdown);
				my $ask = sub {
					my ($on_error, $select, $rest) = @_;

					return told($encoding, 'SQL_ASCII', "SELECT $select FROM ${name}_${column}_$on_error $rest", %settings);
				};
				my $place = "$encoding, $name, $columns{$column}, pushdown $pushdown";

				if ($valid)
				{
					is($ask->('stop', $hex_of, "WHERE $columns{$column} <> 'x' ORDER BY $columns{$column} LIMIT 1"), $value{$column}, "$place: it is the column's value");
					next;
				}
				foreach my $query ([ $columns{$column}, '' ], [ 'version', "WHERE $columns{$column} <> 'x'" ], [ 'version', "WHERE $columns{$column} IS NULL" ],
					[ "$columns{$column}, count(*)", "GROUP BY $columns{$column}" ])
				{
					like($ask->('stop', @$query), qr/ERROR:  22021: flow log ".*" has an invalid value for column "\Q@{[ $columns{$column} =~ tr{"}{}dr ]}\E"\n/,
						"$place: an error, @$query");
				}
				is($ask->('ignore', 'count(*)', ''), 0, "$place: its lines are left out");
				my $lines = $name eq 'kana' ? 4 : 2;
				is($ask->('set_null', "count(*), count($columns{$column})", ''), "$lines|0", "$place: or it is NULL");
				is($ask->('set_null', 'count(*)', "WHERE $columns{$column} IS NULL"), $lines, "$place: also for conditions");
			}
		}
	}
}

# ---------- characters that Athena's statements have as escape sequences ----------

my %athena = (
	UTF8 => { '\u00e9' => "\xC3\xA9", '\u3042' => "\xE3\x81\x82", '\ud83d\ude00' => "\xF0\x9F\x98\x80", '\ud83d' => 42601, '\ude00\ud83d' => 42601, '\u0000' => 42601 },
	LATIN1 => { '\u00e9' => "\xE9", '\u3042' => '22P05', '\ud83d\ude00' => '22P05', '\ud83d' => 42601, '\u0041' => 'A' },
	EUC_JP => { '\u00e9' => "\x8F\xAB\xB1", '\u3042' => "\xA4\xA2", '\ud83d\ude00' => '22P05' },
	SQL_ASCII => { '\u0041' => 'A', '\u00e9' => '0A000' });

foreach my $encoding (sort keys %athena)
{
	foreach my $escape (sort keys %{ $athena{$encoding} })
	{
		my $wanted = $athena{$encoding}{$escape};
		my $ddl = "CREATE EXTERNAL TABLE t (a string COMMENT '<$escape>') LOCATION 's3://b/'";
		my $outcome = told($encoding, 'SQL_ASCII', 'SELECT flowlog_athena_ddl(' . quoted($ddl) . q{, 'logs')});

		like($outcome, $wanted =~ /^[0-9A-Z]{5}$/ ? qr/ERROR:  $wanted: / : qr/IS '<\Q$wanted\E>'/, "$encoding: Athena's $escape");
	}
}

$_->quit foreach values %sessions;
check_log($node);
$node->stop;
done_testing();
