# writer.py
#	  Writes Parquet files in all the ways that our reader knows, and in wrong ones: encodings, page
#	  versions, codecs and annotations are each chosen by the caller.  Pure Python; codecs other than
#	  gzip store what they should compress.

import struct
import zlib

BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTES, FIXED = range(8)
PLAIN, PLAIN_DICTIONARY, RLE, BIT_PACKED = 0, 2, 3, 4
DELTA, DELTA_LENGTH, DELTA_BYTES, RLE_DICTIONARY, SPLIT = 5, 6, 7, 8, 9
NONE, SNAPPY, GZIP, LZO, BROTLI, LZ4, ZSTD, LZ4_RAW = range(8)
REQUIRED, OPTIONAL, REPEATED = range(3)


# ---------- Thrift's compact protocol ----------

def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def zigzag(n):
    return varint((n << 1 ^ n >> 63) & 0xFFFFFFFFFFFFFFFF)


class Raw(bytes):
    """A value of a given type that is written as it is."""

    def __new__(cls, kind, data):
        self = super().__new__(cls, data)
        self.kind = kind
        return self


def i32(n):
    return None if n is None else Raw(5, zigzag(n))


def i64(n):
    return None if n is None else Raw(6, zigzag(n))


def i8(n):
    return Raw(3, bytes([n]))


def thrift_type(value):
    if isinstance(value, Raw):
        return value.kind
    if isinstance(value, bool):
        return 1 if value else 2
    if isinstance(value, (bytes, str)):
        return 8
    if isinstance(value, list):
        return 9
    if isinstance(value, dict):
        return 12
    raise TypeError(value)


def thrift_value(value):
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, bool):
        return b''
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return varint(len(value)) + value
    if isinstance(value, list):
        kind = thrift_type(value[0]) if value else 12
        kind = 1 if kind == 2 else kind
        head = bytes([len(value) << 4 | kind]) if len(value) < 15 else bytes([0xF0 | kind]) + varint(len(value))
        if kind == 1:
            return head + bytes(1 if v else 2 for v in value)
        return head + b''.join(thrift_value(v) for v in value)
    return thrift(value)


def thrift(fields):
    """A struct: values by number of field; None is left out."""
    out, last = b'', 0
    for field in sorted(fields):
        value = fields[field]
        if value is None:
            continue
        kind = thrift_type(value)
        if 0 < field - last < 16:
            out += bytes([(field - last) << 4 | kind])
        else:
            out += bytes([kind]) + zigzag(field)
        out += thrift_value(value)
        last = field
    return out + b'\0'


# ---------- codecs ----------

def snappy(data):
    out = varint(len(data))
    for at in range(0, len(data), 60):
        part = data[at:at + 60]
        out += bytes([len(part) - 1 << 2]) + part
    return out


def gzip(data):
    half = len(data) // 2
    out = b''
    for part in (data[:half], data[half:]):  # two members
        deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
        out += deflate.compress(part) + deflate.flush()
    return out


def zstd(data):
    # a frame of one segment with its size in four bytes, and blocks that are not compressed
    out = b'\x28\xB5\x2F\xFD' + bytes([0xA0]) + struct.pack('<I', len(data))
    parts = [data[at:at + 1000] for at in range(0, len(data), 1000)] or [b'']
    for i, part in enumerate(parts):
        out += struct.pack('<I', len(part) << 3 | (i == len(parts) - 1))[:3] + part
    return out


def lz4(data):
    n = len(data)
    out = bytes([min(n, 15) << 4])
    if n >= 15:
        out += b'\xFF' * ((n - 15) // 255) + bytes([(n - 15) % 255])
    return out + data


COMPRESS = {NONE: lambda data: data, SNAPPY: snappy, GZIP: gzip, ZSTD: zstd, LZ4_RAW: lz4,
            LZO: lambda data: data, BROTLI: lambda data: data, LZ4: lambda data: data}


# ---------- encodings ----------

def bit_pack(values, width):
    number = 0
    for i, value in enumerate(values):
        number |= value << i * width
    return number.to_bytes((len(values) * width + 7) // 8, 'little')


def runs(values, width):
    """RLE: runs of at least eight equal numbers, and packed groups of all others."""
    out, at, waiting = b'', 0, []

    def flush(out, last):
        if not waiting:
            return out
        padded = waiting + [0] * (-len(waiting) % 8)
        return out + varint(len(padded) // 8 << 1 | 1) + bit_pack(padded, width)

    while at < len(values):
        end = at
        while end < len(values) and values[end] == values[at]:
            end += 1
        # a packed run ends after a whole group, unless it is the last
        if len(waiting) % 8 == 0 and end - at >= 8:
            out = flush(out, False)
            waiting = []
            out += varint(end - at << 1) + values[at].to_bytes((width + 7) // 8, 'little')
            at = end
        else:
            waiting.append(values[at])
            at += 1
    return flush(out, True)


def plain(kind, values):
    if kind == BOOLEAN:
        return bit_pack(values, 1)
    if kind == INT32:
        return b''.join(struct.pack('<I', v & 0xFFFFFFFF) for v in values)
    if kind == INT64:
        return b''.join(struct.pack('<Q', v & 0xFFFFFFFFFFFFFFFF) for v in values)
    if kind == FLOAT:
        return b''.join(struct.pack('<f', v) for v in values)
    if kind == DOUBLE:
        return b''.join(struct.pack('<d', v) for v in values)
    if kind == BYTES:
        return b''.join(struct.pack('<I', len(v)) + v for v in values)
    return b''.join(values)


def delta(values, bits, block=128, minis=4):
    mask = (1 << bits) - 1

    def signed(n):
        n &= mask
        return n - (1 << bits) if n >> bits - 1 else n

    out = varint(block) + varint(minis) + varint(len(values)) + zigzag(signed(values[0]) if values else 0)
    deltas = [signed(b - a) for a, b in zip(values, values[1:])]
    for at in range(0, len(deltas), block):
        part = deltas[at:at + block]
        least = min(part)
        out += zigzag(least)
        widths, data = b'', b''
        for i in range(minis):
            mini = [(d - least) & mask for d in part[i * block // minis:(i + 1) * block // minis]]
            width = max((n.bit_length() for n in mini), default=0)
            widths += bytes([width if mini else 0xEE])
            if mini:
                data += bit_pack(mini + [0] * (block // minis - len(mini)), width)
        out += widths + data
    return out


def delta_length(values):
    return delta([len(v) for v in values], 32) + b''.join(values)


def delta_bytes(values):
    prefixes, suffixes, last = [], [], b''
    for value in values:
        n = 0
        while n < min(len(value), len(last)) and value[n] == last[n]:
            n += 1
        prefixes.append(n)
        suffixes.append(value[n:])
        last = value
    return delta(prefixes, 32) + delta_length(suffixes)


def split(kind, values):
    data = plain(kind, values)
    width = len(data) // len(values) if values else 1
    return b''.join(data[i::width] for i in range(width))


def encode(encoding, kind, values, dictionary):
    if encoding == PLAIN:
        return plain(kind, values)
    if encoding in (PLAIN_DICTIONARY, RLE_DICTIONARY):
        width = max(len(dictionary) - 1, 0).bit_length()
        codes = {plain(kind, [v]): i for i, v in enumerate(dictionary)}  # 0.0 and -0.0 are two
        return bytes([width]) + runs([codes[plain(kind, [v])] for v in values], width)
    if encoding == RLE:
        data = runs([int(v) for v in values], 1)
        return struct.pack('<I', len(data)) + data
    if encoding == DELTA:
        return delta(values, 32 if kind == INT32 else 64)
    if encoding == DELTA_LENGTH:
        return delta_length(values)
    if encoding == DELTA_BYTES:
        return delta_bytes(values)
    if encoding == SPLIT:
        return split(kind, values)
    return b''


# ---------- bloom filters ----------

M64 = (1 << 64) - 1
P1, P2, P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P4, P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
SALTS = [0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31]


def rotate(n, bits):
    return (n << bits | n >> 64 - bits) & M64


def xxh64(data):
    def mix(acc, lane):
        return rotate(acc + lane * P2 & M64, 31) * P1 & M64

    at, total = 0, len(data)
    if total >= 32:
        lanes = [P1 + P2 & M64, P2, 0, -P1 & M64]
        while total - at >= 32:
            for i in range(4):
                lanes[i] = mix(lanes[i], int.from_bytes(data[at + 8 * i:at + 8 * i + 8], 'little'))
            at += 32
        h = sum(rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & M64
        for lane in lanes:
            h = ((h ^ mix(0, lane)) * P1 + P4) & M64
    else:
        h = P5
    h = h + total & M64
    while total - at >= 8:
        h = (rotate(h ^ mix(0, int.from_bytes(data[at:at + 8], 'little')), 27) * P1 + P4) & M64
        at += 8
    if total - at >= 4:
        h = (rotate(h ^ int.from_bytes(data[at:at + 4], 'little') * P1 & M64, 23) * P2 + P3) & M64
        at += 4
    for byte in data[at:]:
        h = rotate(h ^ byte * P5 & M64, 11) * P1 & M64
    h = (h ^ h >> 33) * P2 & M64
    h = (h ^ h >> 29) * P3 & M64
    return h ^ h >> 32


def bloom(kind, values, blocks):
    words = [[0] * 8 for _ in range(blocks)]
    for value in values:
        h = xxh64(value if kind in (BYTES, FIXED) else plain(kind, [value]))
        for i, salt in enumerate(SALTS):
            words[(h >> 32) * blocks >> 32][i] |= 1 << (((h & 0xFFFFFFFF) * salt & 0xFFFFFFFF) >> 27)
    header = thrift({1: i32(32 * blocks), 2: {1: {}}, 3: {1: {}}, 4: {1: {}}})
    return header + b''.join(struct.pack('<8I', *block) for block in words)


# ---------- files ----------

class Column:
    """A leaf.  "path" are its names; "repetitions" those of the groups and of itself."""

    def __init__(self, path, kind, encoding=PLAIN, codec=NONE, version=1, repetition=OPTIONAL, length=None,
                 logical=None, converted=None, precision=None, scale=None, crc=False, groups=(),
                 dictionary_size=None, statistics=None, encoding_stats=False, edit_page=None, edit_data=None, index=None,
                 bloom=0):
        self.path = [path] if isinstance(path, str) else path
        self.kind, self.encoding, self.codec, self.version = kind, encoding, codec, version
        self.repetition, self.length, self.logical, self.converted = repetition, length, logical, converted
        self.precision, self.scale, self.crc, self.groups = precision, scale, crc, groups
        self.dictionary_size = dictionary_size  # entries, after which pages are plain
        self.statistics, self.encoding_stats = statistics, encoding_stats
        # a page index, unless None: its OffsetIndex and ColumnIndex are what this makes of them
        self.index = index
        self.bloom = bloom  # blocks of a bloom filter
        # to damage it: what is changed before a page is compressed, and after
        self.edit_data = edit_data or (lambda kind, levels, data: (levels, data))
        self.edit_page = edit_page or (lambda kind, fields, body: (fields, body))

    def max_definition(self):
        return [*self.groups, self.repetition].count(OPTIONAL)


def page(column, kind, header, levels, values):
    """A page: levels are in front of what is compressed only in version 2."""
    levels, values = column.edit_data(kind, levels, values)
    if kind == 3:
        header[5] = i32(len(levels))
        body = levels + (COMPRESS[column.codec](values) if values else b'')
    else:
        body = COMPRESS[column.codec](levels + values)
    fields = {1: i32(kind), 2: i32(len(levels) + len(values)), 3: i32(len(body))}
    if column.crc:
        crc = zlib.crc32(body)
        fields[4] = i32(crc - (1 << 32) if crc >> 31 else crc)
    fields[{0: 5, 2: 7, 3: 8}[kind]] = header
    fields, body = column.edit_page(kind, fields, body)
    return thrift(fields) + body


def chunk(column, rows, page_rows, offset):
    """The pages of rows, and the ColumnChunk.  A row is a value, or a definition level as ("level", n)."""
    out, pages, locations = b'', {}, []
    top = column.max_definition()
    coded = column.encoding in (PLAIN_DICTIONARY, RLE_DICTIONARY)
    dictionary, data_offset = [], None
    if coded:
        distinct = {plain(column.kind, [v]): v for v in rows if not isinstance(v, tuple) and v is not None}
        dictionary = list(distinct.values())[:column.dictionary_size]
        encoding = PLAIN_DICTIONARY if column.encoding == PLAIN_DICTIONARY else PLAIN
        out += page(column, 2, {1: i32(len(dictionary)), 2: i32(encoding)}, b'', plain(column.kind, dictionary))
        pages[2, encoding] = 1
    for at in range(0, len(rows), page_rows):
        part = rows[at:at + page_rows]
        levels = [v[1] if isinstance(v, tuple) else 0 if v is None else top for v in part]
        values = [v for v in part if not isinstance(v, tuple) and v is not None]
        encoding = column.encoding
        if coded and not {plain(column.kind, [v]) for v in values} <= {plain(column.kind, [v]) for v in dictionary}:
            encoding = PLAIN
        data = encode(encoding, column.kind, values, dictionary)
        packed = runs(levels, top.bit_length()) if top else b''
        start = offset + len(out)
        if data_offset is None:
            data_offset = start
        if column.version == 1:
            if top:
                packed = struct.pack('<I', len(packed)) + packed
            header = {1: i32(len(part)), 2: i32(encoding), 3: i32(RLE), 4: i32(RLE)}
            out += page(column, 0, header, packed, data)
        else:
            header = {1: i32(len(part)), 2: i32(len(part) - len(values)), 3: i32(len(part)), 4: i32(encoding),
                      6: i32(0), 7: column.codec != NONE}
            out += page(column, 3, header, packed, data if values else b'')
        kind = 0 if column.version == 1 else 3
        pages[kind, encoding] = pages.get((kind, encoding), 0) + 1
        locations.append((start, offset + len(out) - start, at, values, len(part)))
    encodings = sorted({encoding for _, encoding in pages} | {RLE})
    meta = {1: i32(column.kind), 2: [i32(e) for e in encodings], 3: column.path, 4: i32(column.codec),
            5: i64(len(rows)), 6: i64(len(out)), 7: i64(len(out)), 9: i64(data_offset or offset),
            11: i64(offset) if coded else None, 12: column.statistics}
    if column.encoding_stats:
        meta[13] = [{1: i32(kind), 2: i32(encoding), 3: i32(n)} for (kind, encoding), n in sorted(pages.items())]
    return out, {2: i64(0), 3: meta}, locations


def page_index(column, locations):
    offsets = {1: [{1: i64(at), 2: i32(size), 3: i64(row)} for at, size, row, _, _ in locations]}
    bounds = [(b'', b'') if not values else
              [v if column.kind in (BYTES, FIXED) else plain(column.kind, [v]) for v in (min(values), max(values))]
              for _, _, _, values, _ in locations]
    columns = {1: [not values for _, _, _, values, _ in locations], 2: [low for low, _ in bounds],
               3: [high for _, high in bounds], 4: i32(0), 5: [i64(rows - len(values)) for *_, values, rows in locations]}
    return column.index(offsets, columns)


def schema(columns):
    """SchemaElements; columns of a group stand together."""
    root = []
    for column in columns:
        into = root
        for name, repetition in zip(column.path, column.groups):
            if not into or into[-1][0] != name or not isinstance(into[-1][1], list):
                into.append((name, [], repetition))
            into = into[-1][1]
        into.append((column.path[-1], column, column.repetition))

    def flat(nodes):
        out = []
        for name, what, repetition in nodes:
            if isinstance(what, list):
                out += [{3: i32(repetition), 4: name, 5: i32(len(what))}] + flat(what)
            else:
                out.append({1: i32(what.kind), 2: i32(what.length), 3: i32(repetition), 4: name,
                            6: i32(what.converted), 7: i32(what.scale), 8: i32(what.precision), 10: what.logical})
        return out

    return [{4: 'schema', 5: i32(len(root))}] + flat(root)


def footer(columns, groups, rows, edit, **more):
    fields = {1: i32(2), 2: schema(columns), 3: i64(rows), 4: groups, 6: 'flowlog_fdw test',
              7: [{1: {}} for _ in columns]}
    fields.update({int(k[1:]): v for k, v in more.items()})
    edit(fields)
    return thrift(fields)


def add_indexes(out, chunks):
    """Bloom filters and page indexes, which come after all row groups."""
    for column, values, meta, locations in chunks:
        if column.bloom:
            filter_ = bloom(column.kind, [v for v in values if v is not None], column.bloom)
            meta[3][14], meta[3][15] = i64(len(out)), i32(len(filter_))
            out += filter_
        if column.index:
            offsets, columns_ = (thrift(part) for part in page_index(column, locations))
            meta.update({4: i64(len(out)), 5: i32(len(offsets)), 6: i64(len(out) + len(offsets)), 7: i32(len(columns_))})
            out += offsets + columns_
    return out


def write(columns, groups, page_rows=1000, magic=b'PAR1', edit=lambda fields: None, **more):
    """A file.  "groups" are lists of a list of rows for each column; f7=... is field 7 of the footer."""
    out, metas, rows, after = magic, [], 0, []
    for group in groups:
        chunks = []
        for column, values in zip(columns, group):
            data, meta, locations = chunk(column, values, page_rows, len(out))
            out += data
            chunks.append(meta)
            after.append((column, values, meta, locations))
        count = len(group[0]) if group else 0
        metas.append({1: chunks, 2: i64(sum(len(c[3][7]) for c in chunks)), 3: i64(count)})
        rows += count
    out = add_indexes(out, after)
    end = footer(columns, metas, rows, edit, **more)
    return out + end + struct.pack('<I', len(end)) + magic
