# docs/reference.md names all there is: every option with the words that it takes, every function, setting, field and
# line of EXPLAIN, and every message with its SQLSTATE; README.md names options and settings, and
# docs/internals.md and docs/contributing.md no file and no function that is not there.  What there is, the server and
# the sources tell.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;

my $node = start_node('reference');
my $page = slurp_file('docs/reference.md');
my $readme = slurp_file('README.md');

# The text below a heading, up to the next one of its level.
sub section
{
	my ($heading) = @_;
	my ($level, $text) = $page =~ /^(#+) \Q$heading\E\n(.*)/ms or die "docs/reference.md has no heading \"$heading\"";
	my $most = length $level;

	return $text =~ s/^#{1,$most} .*//msr;
}

# The row of a table whose first cell begins with a name, or nothing.
sub row
{
	my ($section, $name) = @_;

	return $section =~ /^(\| `\Q$name\E[`(].*)$/m ? $1 : '';
}

# ---------- options ----------

my $table = q{FOREIGN TABLE t (c text%s) SERVER logs OPTIONS (location '/x'%s)};
my %places = (
	'Options of foreign tables' => sub { sprintf("CREATE $table", '', ", @_") },
	'Options of columns' => sub { sprintf("CREATE $table", " OPTIONS (@_)", '') },
	'Options of servers' => sub { "CREATE SERVER s FOREIGN DATA WRAPPER flowlog_fdw OPTIONS (@_)" },
	'Options of user mappings' => sub { "CREATE USER MAPPING FOR PUBLIC SERVER logs OPTIONS (@_)" },
	'Options of IMPORT FOREIGN SCHEMA' => sub { "IMPORT FOREIGN SCHEMA s FROM SERVER logs INTO public OPTIONS (@_)" });
my %options;

# What the server says when an option is set at some place.
sub answer
{
	my ($place, $option, $value) = @_;

	return outcome($node, 'BEGIN; ' . $places{$place}->("\"$option\" '$value'") . '; ROLLBACK');
}

$options{$_} = [ split(/, /, answer($_, 'qqqqq', 'x') =~ /Valid options are: (.*)\./ ? $1 : '') ] foreach keys %places;

# IMPORT has those of tables, too
my %of_tables = map { $_ => 1 } @{ $options{'Options of foreign tables'} };
$options{'Options of IMPORT FOREIGN SCHEMA'} = [ grep { !$of_tables{$_} } @{ $options{'Options of IMPORT FOREIGN SCHEMA'} } ];

foreach my $place (sort keys %places)
{
	my $section = section($place);

	cmp_ok(scalar @{ $options{$place} }, '>', 1, "$place: there are some");
	foreach my $option (@{ $options{$place} })
	{
		my $row = row($section, $option);

		isnt($row, '', "$place: $option is there");
		like($readme, qr/`$option`/, "$place: $option is in README.md") unless $place =~ /IMPORT/;
		next if $option eq 'location';

		# what it may be set to
		my ($words) = answer($place, $option, 'no such value') =~ /Valid values are (.*)\./ or next;
		like($row, qr/`$_`/, "$place: that $option may be $_") foreach $words =~ /"([^"]*)"/g;
	}
	my @rows = $section =~ /^\| `(\w+)` \|/mg;
	is_deeply([ sort @rows ], [ sort @{ $options{$place} } ], "$place: and no other");
}

# ---------- fields ----------

my $fields = section('Fields');
foreach my $row (slurp_file('flow/field.c') =~ /^\t(FIELD\(.*\)),$/mg)
{
	my ($name, $version, $type) = $row =~ /FIELD\("(.*)", (\d+), FLOW_(.*)\)/;
	my %types = (INT32 => 'integer', INT64 => 'bigint', ADDRESS => 'inet', TEXT => 'text');
	my ($line) = $fields =~ /^(\| $version \|.*)$/m;

	like($line // '', qr/`$types{$type}`: [^;]*`$name`/, "field $name, of version $version, is there as $types{$type}");
}
like($fields, qr/`$_`/, "column $_ is there") foreach slurp_file('flow/field.c') =~ /^\t\{"(\w+)", "[\w-]+"\},$/mg;
like($fields, qr/`\Q$_\E`/, "$_ is there") foreach slurp_file('fdw/option.c') =~ /^\t\{"(\$\w+)", FLOW_FROM/mg;

my $wrappers = section('Wrappers');
like($wrappers, qr/^\| `$_` \|/m, "wrapper $_ is there") foreach slurp_file('flow/bytes/source.c') =~ /^\t\{"(\w+)", \w+recognizes\w*,/mg;

# Paragraphs without the breaks of their lines.
sub unwrapped
{
	my ($text) = @_;

	return $text =~ s/([^\n|])\n(?=[^\n|#])/$1 /gr;
}

# ---------- functions ----------

my %short = ('timestamp with time zone' => 'timestamptz', 'timestamp without time zone' => 'timestamp');
$short{$_ . q{[]}} = $short{$_} . q{[]} foreach keys %short;
my $functions = section('Functions');
my $extension = q{refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'flowlog_fdw') AND deptype = 'e'};
my @functions = split(/\n/, $node->safe_psql('postgres', qq{
	SELECT proname, provolatile, proisstrict, proparallel, prorettype::regtype, array_to_string(coalesce(proallargtypes, proargtypes::oid[])::regtype[], ','),
		array_to_string(coalesce(proargnames, '{}'), ','), prokind
	FROM pg_depend JOIN pg_proc p ON classid = 'pg_proc'::regclass AND objid = p.oid WHERE $extension
	ORDER BY 1, 6}));

cmp_ok(scalar @functions, '>', 30, 'there are functions');
foreach my $function (@functions)
{
	my ($name, $volatile, $strict, $parallel, $result, $arguments, $names, $kind) = split(/\|/, $function, -1);
	my @types = map { $short{$_} // $_ } split(/,/, $arguments);
	my $signature = "$name(" . join(', ', @types) . ')';

	if ($name =~ /^flowlog_fdw_/)
	{
		my $result_type = $short{$result} // $result;

		like(unwrapped(section("The wrapper's own")), qr/`\Q$signature\E`, which returns `$result_type`/, "$signature is there");
	}
	elsif ($name =~ /^flowlog_/)
	{
		my $section = section($name);

		like($section, qr/^`$name\(/m, "$name has a section");
		foreach my $argument (split(/,/, $names))
		{
			like($section, qr/^`$name\([^`]*\b$argument\b|^\|[^|]*`$argument`/m, "$signature: and so has $argument");
		}
		next if $result ne 'record';

		# the columns of the result, with their types
		my @names = split(/,/, $names);
		foreach my $i (grep { $section =~ /^\|[^|]*`$names[$_]`/m } 0 .. $#names)
		{
			like($section, qr/^\|[^|]*`$names[$i]`[^|]*\| `\Q$types[$i]\E`/m, "$name: $names[$i] is $types[$i]");
		}
	}
	else
	{
		my $row = row(section($kind eq 'a' ? 'Aggregates of Trino' : 'Functions of Trino'), $name);
		my $strict_too = $kind ne 'a' && $name ne 'if' ? 't' : 'f';

		isnt($row, '', "$signature is there");
		like($row, qr/`\Q$_\E`/, "$signature: with $_") foreach @types, $short{$result} // $result;
		is("$volatile$strict$parallel", "i${strict_too}s", "$signature is immutable, strict and parallel safe, as the page says");
	}
}
foreach my $type (split(/\n/, $node->safe_psql('postgres', qq{
	SELECT objid::regtype FROM pg_depend JOIN pg_type t ON classid = 'pg_type'::regclass AND objid = t.oid WHERE $extension})))
{
	like($functions, qr/The domain `$type`/, "the type $type is there");
}
is( $node->safe_psql('postgres', qq{
		SELECT string_agg(DISTINCT classid::regclass::text, ' ' ORDER BY classid::regclass::text) FROM pg_depend WHERE $extension}),
	'pg_class pg_foreign_data_wrapper pg_proc pg_type', 'the extension has no other objects');
foreach my $relation (split(/\n/, $node->safe_psql('postgres', qq{
	SELECT relname FROM pg_depend JOIN pg_class c ON classid = 'pg_class'::regclass AND objid = c.oid WHERE $extension AND relkind <> 'S'})))
{
	like($functions, qr/`$relation`/, "the table $relation is there");
}

# ---------- settings ----------

my $settings = section('Settings');
my %who = (user => 'everybody', superuser => 'superusers', sighup => '`postgresql.conf`');
my @settings = split(/\n/, $node->safe_psql('postgres', q{
	LOAD 'flowlog_fdw';
	SELECT name, coalesce(nullif(boot_val, ''), 'empty'), context FROM pg_settings WHERE name LIKE 'flowlog\_fdw.%'}));

cmp_ok(scalar @settings, '>', 5, 'there are settings');
foreach my $setting (@settings)
{
	my ($name, $default, $context) = split(/\|/, $setting);

	like($readme, qr/`\Q$name\E`/, "$name is in README.md");
	like(row($settings, $name), qr/^\| `\Q$name\E` \| `?\Q$default\E`? \| \Q$who{$context}\E \|/, "$name is there, with its default and who sets it");
}

# ---------- EXPLAIN ----------

my $explain = section('EXPLAIN');
my @lines = slurp_file('fdw/explain.c') =~ /\b(?:ExplainProperty\w+|explain_count|explain_filter)\("([^"]+)"/g;

cmp_ok(scalar @lines, '>', 20, 'there are lines of EXPLAIN');
foreach my $line (@lines)
{
	my ($unusual) = slurp_file('fdw/explain.c') =~ /explain_count\("\Q$line\E", [^,]+, (true|false),/ ? $1 eq 'false' : 0;

	like($explain, $unusual ? qr/^\| `\Q$line\E` \* \|/m : qr/^\| `\Q$line\E` \|/m, "\"$line\" is there" . ($unusual ? ', with a star' : ''));
}
is_deeply([ sort grep { $_ ne 'Filter' } $explain =~ /^\| `([\w ]+)`/mg ], [ sort @lines ], 'and no other');
foreach my $format ('header', 'log format', slurp_file('flow/format.c') =~ /"(regex, [^"]*)"/g)
{
	my $shown = $format =~ s/^regex, split (at (?!spaces).*)/$1/r;

	like(row($explain, 'Line Format'), qr/`\Q$shown\E`/, "line format \"$format\" is there");
}

# ---------- messages ----------

# The codes: of the wrapper's errors by their names, of the core's by the status that fdw/backend.c maps to one.
my $codes_file = slurp_file($node->config_data('--includedir-server') . '/utils/errcodes.h');
my %codes = $codes_file =~ /^#define (ERRCODE_\w+) MAKE_SQLSTATE\(([^)]*)\)/mg;
s/[^0-9A-Z]//g foreach values %codes;
is($codes{ERRCODE_INTERNAL_ERROR}, 'XX000', 'SQLSTATEs have names');
my %code_of_status;
my $mapping = slurp_file('fdw/backend.c') =~ /^sqlstate_of\(.*?^}/ms ? $& : die 'fdw/backend.c does not map statuses any more';
while ($mapping =~ /((?:\s*case FLOW_\w+:)+)\s*return (ERRCODE_\w+);/g)
{
	my $code = $2;
	$code_of_status{$_} = $codes{$code} foreach $1 =~ /case (FLOW_\w+):/g;
}
is($code_of_status{FLOW_NOT_FOUND}, $codes{ERRCODE_UNDEFINED_FILE}, 'and so have statuses of the core');

# These are replaced on their way: who is told reads another one, which is there.
my %replaced = (
	'could not get credentials' => 'flow/s3/s3_credentials.c, complete_error',
	'the answer of AWS STS holds no keys' => 'flow/s3/s3_credentials.c, complete_error',
	'XML is damaged' => 'flow/s3/s3_page.c, rename_error',
	'XML exceeds a limit' => 'flow/s3/s3_page.c, rename_error');

my $string = qr/(?:"(?:[^"\\]|\\.)*"\s*)+/;

# A string of C as the page writes it: what differs is an ellipsis.
sub shown
{
	my ($literal) = @_;
	my $text = join('', $literal =~ /"((?:[^"\\]|\\.)*)"/g);

	$text =~ s/\\(["\\])/$1/g;
	$text =~ s/%(?!%)[-+.*#0-9]*(?:hh|h|ll|l|z|j)*[a-zA-Z]/…/g;
	$text =~ s/%$/…/; # before a PRId64
	$text =~ s/%%/%/g;
	$text =~ s/…(?: ?…)+/…/g;
	return $text;
}

# A source whose lines may be broken anywhere: outside of literals one blank stands for all white space, and none after "(".
sub flattened
{
	my ($source) = @_;

	$source =~ s{("(?:[^"\\\n]|\\.)*")|(\()?\s+}{$1 // $2 // ' '}ge;
	return $source;
}

# All messages of a file, with their codes as far as they stand beside them.
sub messages
{
	my ($file) = @_;
	my $content = slurp_file($file);
	my $source = flattened($content);
	my @found;
	my $add = sub {
		my ($literal, $code, $prefix) = @_;
		my $text = shown($literal);

		push @found, { text => $text =~ /^(?:is|ends|has|was|changed) / ? "flow log \"…\" $text" : ($prefix // '') . $text, code => $code, file => $file }
		  if $text =~ /[a-z]/;
	};

	# the wrapper's: all up to the end of a call is one report
	while ($source =~ /\b(?:ereport|elog)\((\w+),(.*?)\);(?: |$)/sg)
	{
		my ($level, $report) = ($1, $2);
		my ($name) = $report =~ /errcode\((ERRCODE_\w+)\)/;
		my $code = $level =~ /^(?:WARNING|NOTICE)$/ ? $level : $codes{ $name // '' };

		$add->($1, $codes{ERRCODE_INTERNAL_ERROR}) if $report =~ /^\s*($string)/;
		$add->($1, $code) while $report =~ /\berrmsg\(($string)/g;
		if ($report =~ /\berrmsg_plural\(($string), ($string),/)
		{
			my ($one, $many) = ($1, $2);

			$add->($_, $code) foreach $one, $many;
		}
	}

	# the core's
	while ($source =~ /\bflow_error_set\([^,()]+, (\w+),\s*($string)/g)
	{
		my ($status, $literal) = ($1, $2);

		$add->($literal, $file =~ m{^flow/hive(_token)?\.c$} && $status eq 'FLOW_BAD_FORMAT' ? $codes{ERRCODE_SYNTAX_ERROR} : $code_of_status{$status});
	}
	$add->($2, $code_of_status{$1}) while $source =~ /\bfile_error\(file, error, (\w+),\s*($string)\)/g;
	$add->("\"could not $1 \\\"%s\\\"\"") while $source =~ /\b(?:flow_error_os|os_error)\([^,()]+(?:->error)?, \w+, "([^"]+)"/g;
	$add->($1, $code_of_status{FLOW_CHANGED}) while $source =~ /\bcheck_identity\(file, ($string)/g;
	$add->($2, $code_of_status{$1}, '…: ') while $source =~ /\bflow_s3_fail\(request, (\w+),\s*($string)/g;
	$add->($1, $code_of_status{FLOW_IO}, '…: ') while $source =~ /\btake_break\(request, ($string)/g;
	$add->($1) while $source =~ /\bsnprintf\(error->message, sizeof\(error->message\), ($string)/g;
	while ($source =~ /\brename_error\(error, ($string), ($string|NULL)\)/g)
	{
		my ($corrupt, $limit) = ($1, $2);

		$add->($corrupt, $code_of_status{FLOW_CORRUPT});
		$add->($limit, $code_of_status{FLOW_LIMIT}) if $limit ne 'NULL';
	}
	if (my ($words) = $content =~ /^words_of\((.*?)^}/ms)
	{
		$add->($1, undef, '…: ') while $words =~ /return ($string);/g;
		$add->($1, undef, '…: ') while $source =~ /\? ($string) : words_of/g;
	}
	return @found;
}

# flow/error.c only puts together what others say, and what is wrong with a profile is the detail of complete_error's
my @messages = map { messages($_) } grep { !m{^flow/(?:error|s3/s3_profile)\.c$} } glob('*.c {fdw,athena,cluster,index}/*.c flow/*.c flow/*/*.c');
my $errors = unwrapped(section('Errors'));
my %told;

cmp_ok(scalar @messages, '>', 180, 'there are messages');
foreach my $message (@messages)
{
	my ($text, $code) = @$message{qw(text code)};
	my $key = "$text " . ($code // '');

	next if $told{$key}++;
	if (exists $replaced{$text} || exists $replaced{ $text =~ s/^flow log "…" //r })
	{
		ok(index($errors, "`$text`") < 0, "\"$text\" of $message->{file} is nobody told");
		next;
	}

	# a request to S3 stands before some of them
	my @rows = grep { /`(?:[^`]*": |…: )?\Q$text\E`/ } split(/\n/, $errors);
	ok(@rows > 0, "\"$text\" of $message->{file} is there") or next;
	next unless defined $code;
	ok((grep { /\b$code\b/ } @rows) > 0, "\"$text\" of $message->{file} is there with $code") or diag(@rows);
}

# and the other way round: what the page quotes there is
my %quoted = map { $_ => 1 } map { /`([^`]+)`/g } map { (split(/ \| /))[0] } grep { /^\| `/ } split(/\n/, $errors =~ s/^### Messages of PostgreSQL's own.*?(?=^###)//msr);
my %texts = map { $_->{text} => 1 } @messages;
foreach my $text (sort keys %quoted)
{
	my $bare = $text =~ s/^\| //r;

	ok($texts{$bare} || $texts{"$bare"} || (grep { $bare =~ /": \Q$_\E$/ } map { s/^…: //r } keys %texts)
		  || $bare =~ /^(?:directory "…" is outside the allowed paths|could not (?:list|read) "…": …|flow log "…" is … data|…: the list of objects .*)$/,
		"\"$bare\" is a message of ours");
}

# ---------- what the pages about the sources name ----------

my %sources = map { $_ => slurp_file($_) } glob('{.,fdw,athena,cluster,index,flow,flow/bytes,flow/parquet,flow/s3,bench,scripts}/*.{c,h} test/fuzz/*.c');
my $code = join('', values %sources);

foreach my $file (qw(docs/internals.md docs/contributing.md))
{
	my $text = slurp_file($file);
	my %functions = map { $_ => 1 } $text =~ /`(flow(?:log)?_[a-z0-9_]+)(?:\[\])?`/g;
	my %files = map { $_ => 1 } $text =~ m{(?<![\w.-])((?:[\w.]+/)*\w+\.(?:c|h|pl|pm|sql))\b}g;

	like($code, qr/\b$_\b/, "$file: there is a $_") foreach sort grep { !/^flow_x_/ } keys %functions;
	foreach my $name (sort keys %files)
	{
		ok((grep { -e "$_$name" } '', 'fdw/', 'athena/', 'cluster/', 'index/', 'flow/', 'flow/bytes/', 'flow/parquet/', 'flow/s3/', 'test/t/'), "$file: there is a $name");
	}
}

$node->stop;
done_testing();
