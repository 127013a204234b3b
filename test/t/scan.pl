# Rows of local files, through a server of their own: every form of a file that
# test/support/make_data makes is read whole, or refused with an error that names it.
#
# A test of this directory starts a node, creates what it needs, and asks; SQL that
# needs no server of its own belongs into sql/.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use Test::More;

use FlowLog;

my $data = abs_path(dirname(__FILE__) . '/../data');
my $node = start_node('scan');

# The default fields; a header line is skipped.
my %rows = (
	's3.log' => 8,
	'nodata.log' => 3,
	'ipv6.log' => 3,
	'crlf.log' => 8,
	'bom.log' => 8,
	'header_again.log' => 16,
	'empty_lines.log' => 8,
	'no_newline.log' => 8,
	'header_only.log' => 0,
	'no_header.log' => 8,
	'gzip.log.gz' => 8,
	'members.log.gz' => 16,
	'many.log.gz' => 800,
	'plain.log.gz' => 8,
	'gzip_inside.log' => 8,
	'zstd.log.zst' => 8,
	'frames.log.zst' => 16,
	'many.log.zst' => 800,
	'bzip2.log.bz2' => 8,
	'streams.log.bz2' => 16,
	'many.log.bz2' => 800,
	'xz.log.xz' => 8,
	'streams.log.xz' => 16,
	'many.log.xz' => 800,
	'gzip_inside.log.xz' => 8);

foreach my $file (sort keys %rows)
{
	create_table($node, 'flow', "$data/$file");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM flow'), $rows{$file}, "$file: all its rows");
}

# what each damaged file is refused with
my %damaged = (
	'truncated.log.gz' => 'XX001',
	'no_trailer.log.gz' => 'XX001',
	'damaged.log.gz' => 'XX001',
	'bad_crc.log.gz' => 'XX001',
	'bad_block.log.gz' => 'XX001',
	'garbage_after.log.gz' => 'XX001',
	'truncated.log.zst' => 'XX001',
	'damaged.log.zst' => 'XX001',
	'bad_checksum.log.zst' => 'XX001',
	'truncated.log.bz2' => 'XX001',
	'damaged.log.bz2' => 'XX001',
	'garbage_after.log.bz2' => 'XX001',
	'truncated.log.xz' => 'XX001',
	'damaged.log.xz' => 'XX001',
	'fields.log' => '22P04',
	'nul.log' => '22P04',
	'parquet.log' => '0A000');

foreach my $file (sort keys %damaged)
{
	create_table($node, 'flow', "$data/$file");
	my $outcome = outcome($node, 'SELECT count(*) FROM flow');
	is(sqlstate($outcome), $damaged{$file}, "$file: an error");
	like($outcome, qr/\Q$file\E/, "$file: the error names the file");
}

# without the lines that are no records, the others
create_table($node, 'flow', "$data/fields.log", on_error => 'ignore', log_verbosity => 'silent');
is($node->safe_psql('postgres', 'SELECT count(*) FROM flow'), 3, 'fields.log: on_error ignore leaves three rows');

# with nothing but a location, headers say what the fields are
$node->safe_psql('postgres', "CREATE FOREIGN TABLE plain ($columns) SERVER logs OPTIONS (location '$data/s3.log')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM plain WHERE dstport = 443'), 2, 'a table without a regular expression');

check_log($node);
$node->stop;
done_testing();
