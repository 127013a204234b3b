# Writes small Parquet files: the default fields, uncompressed, in row groups and pages of any size.

package FlowLogParquet;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(write_parquet);

my ($int32, $int64, $text) = (1, 2, 6); # physical types
my ($plain, $rle, $coded) = (0, 3, 8); # encodings

# What is written of each field of a line: its type, and "dictionary" if the values have codes.
my @fields = (
	[ version => $int32 ], [ account_id => $text ], [ interface_id => $text, 'dictionary' ], [ srcaddr => $text ], [ dstaddr => $text, 'dictionary' ],
	[ srcport => $int32 ], [ dstport => $int32, 'dictionary' ], [ protocol => $int32, 'dictionary' ], [ packets => $int64 ], [ bytes => $int64 ],
	[ start => $int64 ], [ end => $int64 ], [ action => $text, 'dictionary' ], [ log_status => $text, 'dictionary' ]);

# ---------- Thrift's compact protocol ----------

sub varint
{
	my ($n) = @_;
	my $out = '';

	for (; $n > 127; $n >>= 7)
	{
		$out .= chr($n & 127 | 128);
	}
	return $out . chr($n);
}

# Each value is [ type, bytes ].
sub i32 { return [ 5, varint($_[0] << 1) ] }
sub i64 { return [ 6, varint($_[0] << 1) ] }
sub binary { return [ 8, varint(length($_[0])) . $_[0] ] }

sub list_of
{
	my ($type, @values) = @_;
	my $count = @values;

	return [ 9, ($count < 15 ? chr($count << 4 | $type) : chr(15 << 4 | $type) . varint($count)) . join('', map { $_->[1] } @values) ];
}

# struct FIELD => VALUE...: fields in ascending order
sub struct
{
	my @members = @_;
	my ($out, $last) = ('', 0);

	while (my ($field, $value) = splice(@members, 0, 2))
	{
		$out .= chr($field - $last << 4 | $value->[0]) . $value->[1];
		$last = $field;
	}
	return [ 12, "$out\0" ];
}

# ---------- pages ----------

sub plain_value
{
	my ($type, $value) = @_;

	return $type == $text ? pack('V/a', $value) : pack($type == $int32 ? 'l<' : 'q<', $value);
}

sub page
{
	my ($kind, $body, %header) = @_;

	return struct(1 => i32($kind), 2 => i32(length($body)), 3 => i32(length($body)), %header)->[1] . $body;
}

# data_page VALUES, ENCODING, BODY
sub data_page
{
	my ($count, $encoding, $body) = @_;

	return page(0, $body, 5 => struct(1 => i32($count), 2 => i32($encoding), 3 => i32($rle), 4 => i32($rle)));
}

# chunk NAME, TYPE, DICTIONARY?, VALUES, ROWS A PAGE, OFFSET: its bytes, and its ColumnChunk
sub chunk
{
	my ($name, $type, $dictionary, $values, $rows, $offset) = @_;
	my ($bytes, $pages, %codes) = ('', 0);
	my @bounds = (sort { $type == $text ? $a cmp $b : $a <=> $b } @$values)[ 0, -1 ];
	my $data_offset;

	if ($dictionary)
	{
		my @entries = sort { $a cmp $b } keys %{ { map { $_ => 1 } @$values } };

		@codes{@entries} = 0 .. $#entries;
		$bytes = page(2, join('', map { plain_value($type, $_) } @entries), 7 => struct(1 => i32(scalar @entries), 2 => i32($plain)));
	}
	$data_offset = $offset + length($bytes);
	for (my $from = 0; $from < @$values; $from += $rows)
	{
		my $to = $from + $rows < @$values ? $from + $rows - 1 : $#$values;
		my @some = @$values[ $from .. $to ];

		# codes of 16 bits, each a run of one
		$bytes .= data_page(scalar @some, $coded, "\x10" . join('', map { "\x02" . pack('v', $codes{$_}) } @some)) if $dictionary;
		$bytes .= data_page(scalar @some, $plain, join('', map { plain_value($type, $_) } @some)) unless $dictionary;
		$pages++;
	}
	my @bound = $type == $text ? @bounds : map { plain_value($type, $_) } @bounds;
	my $meta = struct(
		1 => i32($type), 2 => list_of(5, map { i32($_) } $dictionary ? ($plain, $rle, $coded) : ($plain, $rle)),
		3 => list_of(8, binary($name)), 4 => i32(0), 5 => i64(scalar @$values), 6 => i64(length($bytes)), 7 => i64(length($bytes)),
		9 => i64($data_offset), ($dictionary ? (11 => i64($offset)) : ()),
		12 => struct(3 => i64(0), 5 => binary($bound[1]), 6 => binary($bound[0])),
		13 => list_of(12, ($dictionary ? struct(1 => i32(2), 2 => i32($plain), 3 => i32(1)) : ()),
			struct(1 => i32(0), 2 => i32($dictionary ? $coded : $plain), 3 => i32($pages))));

	return ($bytes, struct(2 => i64($offset), 3 => $meta));
}

# ---------- files ----------

# write_parquet PATH, LINES, OPTION => NUMBER...: lines of the default format; "group_rows" and "page_rows" are numbers of rows,
# "pad" is a number of bytes before the row groups.  Returns the bytes that each column takes, by name.
sub write_parquet
{
	my ($path, $lines, %options) = @_;
	my @rows = map { [ split ] } split /\n/, $lines;
	my $group_rows = $options{group_rows} // @rows;
	my $out = 'PAR1' . "\0" x ($options{pad} // 0);
	my (@groups, %size);

	for (my $from = 0; $from < @rows; $from += $group_rows)
	{
		my $to = $from + $group_rows < @rows ? $from + $group_rows - 1 : $#rows;
		my ($begin, @chunks) = length($out);

		foreach my $i (0 .. $#fields)
		{
			my ($name, $type, $dictionary) = @{ $fields[$i] };
			my ($bytes, $chunk) =
			  chunk($name, $type, $dictionary, [ map { $_->[$i] } @rows[ $from .. $to ] ], $options{page_rows} // 2000, length($out));

			$out .= $bytes;
			$size{$name} += length($bytes);
			push @chunks, $chunk;
		}
		push @groups, struct(1 => list_of(12, @chunks), 2 => i64(length($out) - $begin), 3 => i64($to - $from + 1));
	}
	my $footer = struct(
		1 => i32(2),
		2 => list_of(12, struct(4 => binary('schema'), 5 => i32(scalar @fields)),
			map { struct(1 => i32($_->[1]), 3 => i32(0), 4 => binary($_->[0]), ($_->[1] == $text ? (6 => i32(0)) : ())) } @fields),
		3 => i64(scalar @rows), 4 => list_of(12, @groups),
		7 => list_of(12, map { struct(1 => struct()) } @fields))->[1];

	$out .= $footer . pack('V', length($footer)) . 'PAR1';
	open(my $file, '>:raw', $path) or die "could not create \"$path\": $!";
	print $file $out;
	close($file) or die "could not write \"$path\": $!";
	return \%size;
}

1;
