# damaged.py
#	  Files that are damaged by hand, each in one place, and what must be said of them.

import struct

from writer import *  # noqa: F403

ROWS = {BOOLEAN: [0, 1, None, 1, 1], INT32: [1, 2, None, 2, 5], INT64: [1, 2, None, 2, 5], INT96: [b'x' * 12] * 5,
        FLOAT: [1.0, 2.0, None, 2.0, 5.0], DOUBLE: [1.0, 2.0, None, 2.0, 5.0],
        BYTES: [b'ACCEPT', b'ACCEPTED', None, b'REJECT', b'-'], FIXED: [b'abcd', b'abce', None, b'zzzz', b'0000']}


class Files:
    def __init__(self):
        self.files = []

    def add(self, name, says, data):
        """"says" is in the message or detail, "|" between several; what they say must be so."""
        assert name not in [n for n, _, _ in self.files], name
        self.files.append((name, says, data))

    def one(self, name, says, kind=INT32, rows=None, edit=lambda fields: None, **more):
        """A file of one column."""
        column = Column('c', kind, length=4 if kind == FIXED else None, **more)
        self.add(name, says, write([column], [[rows or ROWS[kind]]], page_rows=3, edit=edit))


def drop(fields, *path):
    for step in path[:-1]:
        fields = fields[step]
    del fields[path[-1]]


def put(fields, *path):
    for step in path[:-2]:
        fields = fields[step]
    fields[path[-2]] = path[-1]


def ends(files):
    good = write([Column('c', INT32)], [[[1, 2, 3]]])
    files.add('empty', 'fewer than any', b'')
    files.add('eleven bytes', 'fewer than any', b'PAR1\0\0\0PAR1')
    files.add('no magic at the beginning', 'at its beginning', b'PAR2' + good[4:])
    files.add('no magic at the end', 'at its end', good[:-4] + b'PAR2')
    files.add('cut', 'at its end', good[:-5])
    files.add('a longer footer than file', "footer's length of", good[:-8] + struct.pack('<I', len(good) - 11) + b'PAR1')
    files.add('a footer of 4 GiB', "footer's length of", good[:-8] + b'\xff\xff\xff\xffPAR1')
    files.add('no footer', 'an early end', b'PAR1\0\0\0\0PAR1')
    files.add('a shorter footer', 'The footer has', good[:-8] + struct.pack('<I', 40) + b'PAR1')
    files.add('encrypted', 'is an encrypted Parquet file', b'PARE' + good[4:-4] + b'PARE')


def thrift_errors(files):
    def foot(name, says, data):
        files.add('footer: ' + name, says, b'PAR1' + data + struct.pack('<I', len(data)) + b'PAR1')

    foot('a number without an end', 'an early end', b'\x15\xff\xff')
    foot('a number of 70 bits', 'more than 64 bits', b'\x96' + b'\xff' * 9 + b'\x02')
    foot('a number of 33 bits', 'more than 32 bits', thrift({2: [{4: 's', 5: i64(1 << 40)}]}))
    foot('a longer text than footer', 'an early end', b'\x68\x7f')
    foot('a longer list than footer', 'an early end', b'\x29\xfc\xff\x01')
    foot('a type 14', 'unknown type', b'\x9e\x00')
    foot('a negative field', 'out of range', b'\x05\x01\x00')
    foot('a field above 32767', 'out of range', b'\x05\xff\xff\x07\x00')
    nested = {}
    for _ in range(40):
        nested = {1: nested}
    foot('structs 40 deep', 'nested too deeply', thrift({9: nested}))
    foot('lists 40 deep', 'nested too deeply', b'\x99' + b'\x19' * 40)
    foot('maps 40 deep', 'nested too deeply', b'\x9b' + b'\x01\x3b\x00' * 40)
    foot('a longer map than footer', 'an early end', b'\x9b\xff\x7f\x55')
    foot('a struct without an end', 'an early end', b'\x9c\x15\x02')


def footers(files):
    group = (4, 0)
    chunk = group + (1, 0)
    meta = chunk + (3,)
    leaf = (2, 1)

    def edit(name, says, change, *where, **more):
        files.one('footer: ' + name, says, edit=lambda fields: change(fields, *where), **more)

    # missing
    edit('no schema', 'row groups before the schema', drop, 2)
    edit('no rows', 'required fields', drop, 3)
    edit('no row groups', 'required fields', drop, 4)
    edit('a row group without columns', 'required field', drop, *group, 1)
    edit('a row group without rows', 'required field', drop, *group, 3)
    edit('a chunk without description', 'required field', drop, *chunk, 3)
    for field, name in ((1, 'type'), (4, 'codec'), (5, 'values'), (7, 'size'), (9, 'offset')):
        edit('a chunk without ' + name, 'required field', drop, *meta, field)
        edit('a chunk whose %s is a text' % name, 'wrong type', put, *meta, field, 'text')
    edit('a name that is missing', 'without a name', drop, *leaf, 4)
    edit('a repetition that is missing', 'unknown repetition', drop, *leaf, 3)

    # of a wrong type
    edit('a schema that is a number', 'wrong type', put, 2, i32(1))
    edit('a schema of numbers', 'elements of a wrong type', put, 2, [i32(1)])
    edit('rows that are a text', 'wrong type', put, 3, 'text')
    edit('row groups that are a struct', 'wrong type', put, 4, {})
    edit('a name that is a number', 'wrong type', put, *leaf, 4, i32(1))
    edit('columns that are a number', 'wrong type', put, *group, 1, i32(1))
    edit('a chunk whose description is a number', 'wrong type', put, *meta, i32(1))
    edit('encodings that are texts', 'elements of a wrong type', put, *meta, 2, ['text'])
    edit('a logical type that is no struct', 'no struct', put, *leaf, 10, {1: i32(1)})
    edit('a writer that is a number', 'wrong type', put, 6, i32(1))
    edit('encoding statistics that are numbers', 'elements of a wrong type', put, *meta, 13, [i32(1)])

    # trees
    edit('an empty schema', 'empty schema', put, 2, [])
    edit('a root alone', 'another number of columns', put, 2, [{4: 's', 5: i32(0)}])
    edit('a root that is a leaf', 'root is no group', put, *leaf[:-1], 0, {1: i32(1), 4: 's'})
    edit('fewer elements', 'fewer schema elements', put, 2, 0, 5, i32(2))
    edit('more elements', 'more schema elements', put, 2, 0, 5, i32(0))
    edit('minus one child', 'negative number of children', put, 2, 0, 5, i32(-1))
    edit('a group of minus one', 'negative number of children', put, 2, 1, {3: i32(0), 4: 'g', 5: i32(-1)})
    edit('two billion children', 'fewer schema elements', put, 2, 0, 5, i32(2**31 - 1))
    edit('a type 8', 'unknown type', put, *leaf, 1, i32(8))
    edit('a type -1', 'unknown type', put, *leaf, 1, i32(-1))
    edit('a repetition 3', 'unknown repetition', put, *leaf, 3, i32(3))
    edit('a name with a zero', 'NUL byte', put, *leaf, 4, 'a\0b')
    edit('a name of 2000 bytes', 'name has more than', put, *leaf, 4, 'x' * 2000)
    deep = [{4: 's', 5: i32(1)}] + [{3: i32(0), 4: 'g', 5: i32(1)}] * 40 + [{1: i32(1), 3: i32(0), 4: 'c'}]
    edit('groups 40 deep', 'nested more than', put, 2, deep)
    edit('a length of no bytes', 'length that is out of range', put, *leaf, 2, i32(0), kind=FIXED)
    edit('a length of -1', 'length that is out of range', put, *leaf, 2, i32(-1), kind=FIXED)
    edit('a length of 2 GiB', 'length that is out of range', put, *leaf, 2, i32(2**31 - 1), kind=FIXED)
    edit('no length', 'length that is out of range', put, *leaf, 2, None, kind=FIXED)
    edit('no leaf of the chunk', 'another number of columns', put, 2, [{4: 's', 5: i32(1)}, {3: i32(0), 4: 'g', 5: i32(0)}])

    # numbers
    edit('minus one row', 'another number of rows', put, 3, i64(-1))
    edit('another number of rows', 'another number of rows', put, 3, i64(6))
    edit('a row group of minus one row', 'out of range', put, *group, 3, i64(-1))
    edit('a row group of 2^63 rows', 'out of range', put, *group, 3, i64(2**63 - 1))
    edit('a row group of more rows', 'another number of rows', put, *group, 3, i64(6))
    edit('a row group of no columns', 'another number of columns', put, *group, 1, [])
    edit('a chunk of another type', 'another type', put, *meta, 1, i32(2))
    edit('minus one value', 'numbers of values', put, *meta, 5, i64(-1))
    edit('more values', 'another number of rows', put, *meta, 5, i64(6))
    edit('a chunk that begins at 0', 'not inside the file', put, *meta, 9, i64(0))
    edit('a chunk that begins at -4', 'not inside the file', put, *meta, 9, i64(-4))
    edit('a chunk that begins in the footer', 'not inside the file', put, *meta, 9, i64(140))
    edit('a chunk that begins at 2^62', 'not inside the file', put, *meta, 9, i64(2**62))
    edit('a chunk that ends in the footer', 'not inside the file', put, *meta, 7, i64(200))
    edit('a chunk of no bytes', 'not inside the file', put, *meta, 7, i64(0))
    edit('a chunk of -1 bytes', 'not inside the file', put, *meta, 7, i64(-1))
    edit('a chunk of 2^63 bytes', 'not inside the file', put, *meta, 7, i64(2**63 - 1))
    edit('a dictionary far before the data', 'data are not inside it', put, *meta, {**{1: i32(1), 2: [], 3: ['c'], 4: i32(0),
         5: i64(5), 6: i64(20), 7: i64(20), 9: i64(60), 11: i64(4)}})
    edit('a dictionary before the file', 'is damaged', put, *meta, 11, i64(1), encoding=RLE_DICTIONARY)
    edit('a chunk in another file', 'in other files', put, *chunk, 1, 'other.parquet')
    two = [Column('a', INT32), Column('b', INT32)]
    files.add('footer: columns of different lengths', 'different numbers of values', write(two, [[[1, 2], [1, 2, 3]]]))

    # fields twice
    column = Column('c', INT32)
    for field, name in ((2, 'schema'), (4, 'row groups')):
        files.add('footer: two of ' + name, 'twice', twice(column, field))


def twice(column, field):
    """A footer that has a field two times: its number is written out the second time."""
    kept = {}
    good = write([column], [[[1, 2, 3]]], edit=lambda fields: kept.update(fields))
    again = bytes([9]) + zigzag(field) + thrift_value(kept[field]) + b'\0'
    end = thrift(kept)[:-1] + again
    at = len(good) - 8 - struct.unpack('<I', good[-8:-4])[0]
    return good[:at] + end + struct.pack('<I', len(end)) + b'PAR1'


def page_headers(files):
    def edit(name, says, change, only=None, **more):
        def page_edit(kind, fields, body):
            if only is None or kind == only:
                result = change(fields, body)
                return result if result is not None else (fields, body)
            return fields, body
        files.one('page: ' + name, 'column "c"|' + says, edit_page=page_edit, **more)

    def set_(*path):
        return lambda fields, body: put(fields, *path)

    def without(*path):
        return lambda fields, body: drop(fields, *path)

    for field, name in ((1, 'type'), (2, 'inflated size'), (3, 'size')):
        edit('no ' + name, 'required field', without(field))
        edit('a %s that is a text' % name, 'wrong type', set_(field, 'text'))
    edit('no header of its data', 'another type than the page', without(5))
    edit('no header of its data, version 2', 'another type than the page', without(8), version=2)
    edit('a header that is a number', 'wrong type', set_(5, i32(1)))
    edit('two headers', 'more than one type', set_(7, {1: i32(1), 2: i32(0)}))
    edit('a header of the other version', 'another type than the page', set_(1, i32(3)))
    for field, name in ((1, 'values'), (2, 'encoding'), (3, 'encoding of levels')):
        edit('no ' + name, 'required field', without(5, field))
    for field, name in ((1, 'values'), (4, 'encoding'), (5, 'size of definition levels'), (6, 'size of repetition levels')):
        edit('no %s, version 2' % name, 'required field', without(8, field), version=2)
    edit('a negative size', 'negative size', set_(3, i32(-1)))
    edit('a negative inflated size', 'negative size', set_(2, i32(-1)))
    edit('minus one value', 'negative size', set_(5, 1, i32(-1)))
    edit('minus one value, version 2', 'negative size', set_(8, 1, i32(-1)), version=2)
    edit('minus one byte of levels', 'negative size', set_(8, 5, i32(-1)), version=2)
    edit('levels of more bytes than it has', 'levels that are longer', set_(8, 5, i32(1000)), version=2)
    edit('repetition levels of more bytes than it has', 'levels that are longer', set_(8, 6, i32(2**31 - 1)), version=2)
    edit('levels of more bytes than inflated', 'levels that are longer', set_(2, i32(1)), version=2)
    edit('a larger size than its chunk', 'more bytes than its column chunk', set_(3, i32(1000)))
    edit('a size of 2 GiB', 'more bytes than its column chunk', set_(3, i32(2**31 - 1)))
    files.one('page: an inflated size of 2 GiB', 'column "c"|page of more than 64 MiB', codec=GZIP,
              edit_page=lambda kind, fields, body: (put(fields, 2, i32(2**31 - 1)), (fields, body))[1])
    edit('more rows than its row group', 'more rows than its row group', set_(5, 1, i32(6)))
    edit('two billion rows', 'more rows than its row group', set_(5, 1, i32(2**31 - 1)))
    edit('fewer rows', 'no rows, but its row group has more', set_(5, 1, i32(2)))
    edit('no rows at all', 'no rows, but its row group has more', set_(5, 1, i32(0)))
    edit('another check sum', 'check sum', set_(4, i32(1)))
    edit('a check sum of other bytes', 'check sum', lambda fields, body: (fields, body[:-1] + b'!'), crc=True)
    edit('a check sum of other bytes in its dictionary', 'check sum', lambda fields, body: (fields, body[:-1] + b'!'), 2,
         crc=True, encoding=RLE_DICTIONARY)
    edit('another inflated size', 'another size than', set_(2, i32(7)))
    edit('another inflated size, version 2', 'another size than', set_(2, i32(70)), version=2)
    edit('an unknown type', 'no rows, but its row group has more', set_(1, i32(4)))
    edit('encoding 1', 'in encoding GROUP_VAR_INT', set_(5, 2, i32(1)))
    edit('encoding 4', 'in encoding BIT_PACKED', set_(5, 2, i32(4)))
    edit('encoding 10', 'in encoding ALP', set_(5, 2, i32(10)))
    edit('encoding 11', 'in encoding an unknown', set_(5, 2, i32(11)))
    edit('encoding -1', 'in encoding an unknown', set_(5, 2, i32(-1)))
    edit('levels in encoding 4', 'levels of column|in encoding BIT_PACKED', set_(5, 3, i32(4)))
    for kind, name, wrong in ((INT32, 'int32', (RLE, DELTA_LENGTH, DELTA_BYTES)), (BYTES, 'bytes', (RLE, DELTA, SPLIT)),
                              (BOOLEAN, 'boolean', (DELTA, SPLIT)), (INT96, 'int96', (DELTA, SPLIT, DELTA_BYTES)),
                              (DOUBLE, 'double', (DELTA, RLE)), (FIXED, 'fixed', (DELTA, DELTA_LENGTH))):
        for encoding in wrong:
            edit('%s in encoding %d' % (name, encoding), 'encoding that its type cannot have', set_(5, 2, i32(encoding)),
                 kind=kind)
    edit('a longer header than its chunk', 'an early end', set_(9, Raw(8, b'\x7f')))


def dictionaries(files):
    def edit(name, says, change, kind=BYTES, **more):
        def page_edit(page, fields, body):
            return change(fields, body) if page == 2 else (fields, body)
        files.one('dictionary: ' + name, 'column "c"|' + says, kind, encoding=RLE_DICTIONARY, edit_page=page_edit, **more)

    def with_(**fields):
        return lambda old, body: ({**old, **{int(k[1:]): v for k, v in fields.items()}}, body)

    edit('minus one value', 'negative size', with_(f7={1: i32(-1), 2: i32(0)}))
    edit('no number of values', 'required field', with_(f7={2: i32(0)}))
    edit('no encoding', 'required field', with_(f7={1: i32(1)}))
    edit('more values', 'fewer values than rows', with_(f7={1: i32(5), 2: i32(0)}))
    edit('two billion values', 'fewer values than its header says', with_(f7={1: i32(2**31 - 1), 2: i32(0)}))
    edit('two billion numbers', 'fewer values than its header says', with_(f7={1: i32(2**31 - 1), 2: i32(0)}), INT64)
    edit('no values', 'codes, but no dictionary', with_(f7={1: i32(0), 2: i32(0)}))
    edit('fewer values', 'a code that its dictionary does not have', with_(f7={1: i32(2), 2: i32(0)}))
    edit('encoding 5', 'the dictionary of column|DELTA_BINARY_PACKED', with_(f7={1: i32(3), 2: i32(5)}))
    edit('encoding 8', 'the dictionary of column|RLE_DICTIONARY', with_(f7={1: i32(3), 2: i32(8)}))
    edit('a text beyond its end', 'longer than the data', lambda fields, body: (fields, b'\xff\xff\xff\xff' + body[4:]))
    edit('cut', 'is damaged', lambda fields, body: (fields, body[:-1]))

    # where there should be none, and none where there should be one
    def second(kind, fields, body):
        return ({1: i32(2), 2: i32(8), 3: i32(8), 7: {1: i32(2), 2: i32(0)}}, b'\1\0\0\0\2\0\0\0') if kind == 0 else (fields, body)

    files.one('dictionary: two', 'column "c"|is not the first', encoding=RLE_DICTIONARY, edit_page=second)
    column = Column('c', INT32, RLE_DICTIONARY)
    start = 4 + len(page(column, 2, {1: i32(3), 2: i32(0)}, b'', plain(INT32, [1, 2, 5])))

    def begin_at_data(fields):
        meta = fields[4][0][1][0][3]
        meta[7] = i64(value(meta[7]) - (start - 4))
        meta[9] = i64(start)
        meta[11] = None

    files.add('dictionary: none', 'column "c"|codes, but no dictionary',
              write([column], [[ROWS[INT32]]], page_rows=3, edit=begin_at_data))

    def codes(name, says, values, kind=0, version=1, rows=None):
        files.one('codes: ' + name, 'column "c"|' + says, BYTES, rows, encoding=RLE_DICTIONARY, version=version,
                  edit_data=lambda page, levels, data: (levels, values) if page == (0 if version == 1 else 3) else (levels, data))

    for version in (1, 2):
        v = ', version %d' % version
        codes('of 33 bits' + v, 'codes of more than 32 bits', b'\x21\x03\0\0\0\0', version=version)
        codes('of 255 bits' + v, 'codes of more than 32 bits', b'\xff\x03', version=version)
        codes('none' + v, 'fewer values than rows', b'\x02', version=version)
        codes('nothing' + v, 'fewer values than rows', b'', version=version)
        codes('too few in a run' + v, 'fewer values than rows', b'\x02\x02\x00', version=version)
        codes('a run without a number' + v, 'fewer values than rows', b'\x02\x08', version=version)
        codes('a run without an end' + v, 'fewer values than rows', b'\x02\xff\xff\xff', version=version)
        codes('a run of 2^35' + v, 'fewer values than rows', b'\x02\xff\xff\xff\xff\x7f\0', version=version)
        codes('packed ones that are cut' + v, 'fewer values than rows', b'\x08\x03\0', version=version)
        codes('a run of a code too large' + v, 'a code that its dictionary', b'\x03\x0a\x07', version=version)
        codes('a packed code too large' + v, 'a code that its dictionary', b'\x08\x03\0\x20\0\0\0\0\0\0', version=version)
        codes('a code of 32 bits' + v, 'a code that its dictionary', b'\x20\x0a\xff\xff\xff\xff', version=version)
        codes('a code of 31 bits' + v, 'a code that its dictionary', b'\x20\x0a\xff\xff\xff\x7f', version=version)


    # among so many that they are checked eight at a time
    for code in (5, 0x7FFFFFFF, 0xFFFFFFFF):
        for at in (0, 7, 8, 19, 20):
            codes_ = [0] * 21
            codes_[at] = code
            data = b'\x20\x07' + bit_pack(codes_ + [0] * 3, 32)
            column = Column('c', BYTES, RLE_DICTIONARY, edit_data=lambda kind, levels, old, data=data: (
                levels, data if kind == 0 else old))
            files.add('codes: %d, number %d of 21' % (code, at), 'column "c"|a code that its dictionary',
                      write([column], [[[b'a', b'b', b'c', b'd', b'e'] * 4 + [b'a']]]))


def levels(files):
    def edit(name, says, new, version=1, groups=()):
        files.one('levels: ' + name, 'column "c"|' + says, version=version,
                  edit_data=lambda page, levels, data: (new(levels), data))

    for version in (1, 2):
        v = ', version %d' % version
        head = (lambda data: struct.pack('<I', len(data)) + data) if version == 1 else (lambda data: data)
        few = 'levels that are too few'
        edit('none' + v, few, lambda old, head=head: head(b''), version)
        edit('a run too short' + v, few, lambda old, head=head: head(b'\x02\x01'), version)
        edit('a run without a number' + v, few, lambda old, head=head: head(b'\x0a'), version)
        edit('a run without an end' + v, few, lambda old, head=head: head(b'\xff\xff'), version)
        edit('a run of 2s' + v, few, lambda old, head=head: head(b'\x0a\x02'), version)
        edit('a packed run without bytes' + v, few, lambda old, head=head: head(b'\x03'), version)
        edit('only empty runs' + v, few, lambda old, head=head: head(b'\0\0\0\0\0\0'), version)
    edit('longer than the page', 'levels that are longer', lambda old: struct.pack('<I', 1000) + old[4:])
    edit('2 GiB', 'levels that are longer', lambda old: b'\xff\xff\xff\x7f' + old[4:])
    nested = Column(['g', 'c'], INT32, groups=(OPTIONAL,), edit_data=lambda page, levels, data: (b'\2\0\0\0\x0a\3', data))
    files.add('levels: a run of 3s, but 2 is the most', 'column "g.c"|levels that are too few', write([nested], [[[1, 2, 3]]]))
    packed = Column(['g', 'c'], INT32, groups=(OPTIONAL,), edit_data=lambda page, levels, data: (b'\3\0\0\0\x03\xff\xff', data))
    files.add('levels: packed 3s, but 2 is the most', 'column "g.c"|levels that are too few', write([packed], [[[1, 2, 3]]]))
    files.one('levels: three bytes', 'column "c"|fewer levels than rows', edit_data=lambda page, levels, data: (b'\0\0\0', b''))


def values(files):
    def edit(name, says, kind, encoding, change, **more):
        for version in (1, 2):
            files.one('%s, version %d' % (name, version), 'column "c"|' + says, kind, encoding=encoding, version=version,
                      edit_data=lambda page, levels, data: (levels, change(data)), **more)

    few = 'fewer values than rows'
    for kind, name in ((INT32, 'int32'), (INT64, 'int64'), (FLOAT, 'float'), (DOUBLE, 'double'), (FIXED, 'fixed'), (INT96, 'int96')):
        edit('plain: %s cut' % name, few, kind, PLAIN, lambda data: data[:-1])
    edit('plain: boolean cut', few, BOOLEAN, PLAIN, lambda data: b'')
    edit('plain: bytes cut', 'longer than the data', BYTES, PLAIN, lambda data: data[:-1])
    edit('plain: a length cut', few, BYTES, PLAIN, lambda data: data[:2])
    edit('plain: a length of 4 GiB', 'longer than the data', BYTES, PLAIN, lambda data: b'\xff\xff\xff\xff' + data[4:])
    edit('split: int32 cut', 'not equally many', INT32, SPLIT, lambda data: data[:-1])
    edit('split: one int32 fewer', few, INT32, SPLIT, lambda data: data[:4])
    edit('split: no double', few, DOUBLE, SPLIT, lambda data: b'')
    edit('split: fixed cut', 'not equally many', FIXED, SPLIT, lambda data: data[:-3])
    edit('rle: a length cut', few, BOOLEAN, RLE, lambda data: data[:3])
    edit('rle: a length too large', 'longer than the data', BOOLEAN, RLE, lambda data: b'\xff\0\0\0' + data[4:])
    edit('rle: runs too short', few, BOOLEAN, RLE, lambda data: b'\2\0\0\0\2\1')
    edit('rle: a run of 2s', few, BOOLEAN, RLE, lambda data: b'\2\0\0\0\x0a\2')

    bad = 'header of differences'
    edit('delta: no header', few, INT32, DELTA, lambda data: b'')
    edit('delta: a header cut', bad, INT32, DELTA, lambda data: data[:3])
    edit('delta: blocks of none', bad, INT32, DELTA, lambda data: b'\x00\x04\x02\x02')
    edit('delta: blocks of 100', bad, INT32, DELTA, lambda data: b'\x64\x04\x02\x02' + data[5:])
    edit('delta: blocks of 2^40', bad, INT32, DELTA, lambda data: varint(1 << 40) + b'\x04\x02\x02')
    edit('delta: no miniblocks', bad, INT32, DELTA, lambda data: b'\x80\x01\x00\x02\x02')
    edit('delta: more miniblocks than numbers', bad, INT32, DELTA, lambda data: b'\x80\x01\x81\x01\x02\x02')
    edit('delta: a number without an end', bad, INT32, DELTA, lambda data: b'\xff' * 20)
    edit('delta: fewer numbers', few, INT32, DELTA, lambda data: b'\x80\x01\x04\x01\x02')
    edit('delta: no block', few, INT32, DELTA, lambda data: b'\x80\x01\x04\x02\x02')
    edit('delta: no widths', few, INT32, DELTA, lambda data: b'\x80\x01\x04\x02\x02\x02\x01')
    edit('delta: a width of 65', 'more than 64 bits', INT32, DELTA, lambda data: b'\x80\x01\x04\x02\x02\x02\x41\0\0\0' + b'x' * 600)
    edit('delta: a width of 255', 'more than 64 bits', INT64, DELTA, lambda data: b'\x80\x01\x04\x02\x02\x02\xff\0\0\0' + b'x' * 900)
    edit('delta: a miniblock cut', few, INT64, DELTA, lambda data: b'\x80\x01\x04\x02\x02\x02\x40\0\0\0' + b'x' * 7)
    edit('delta lengths: no header', few, BYTES, DELTA_LENGTH, lambda data: b'')
    edit('delta lengths: a header cut', bad, BYTES, DELTA_LENGTH, lambda data: data[:2])
    edit('delta lengths: texts cut', 'longer than the data', BYTES, DELTA_LENGTH, lambda data: data[:-1])
    edit('delta lengths: a negative length', 'longer than the data', BYTES, DELTA_LENGTH, lambda data: delta([-1, 1], 32) + b'abc')
    edit('delta lengths: lengths cut', 'longer than the data', BYTES, DELTA_LENGTH, lambda data: data[:10])
    edit('delta lengths: fewer', few, BYTES, DELTA_LENGTH, lambda data: delta_length([b'a']))
    edit('delta bytes: no header', few, BYTES, DELTA_BYTES, lambda data: b'')
    edit('delta bytes: no lengths', few, BYTES, DELTA_BYTES, lambda data: delta([0, 0], 32))
    edit('delta bytes: a header cut', bad, BYTES, DELTA_BYTES, lambda data: data[:2])
    edit('delta bytes: lengths cut', 'is damaged', BYTES, DELTA_BYTES, lambda data: data[:-20])
    edit('delta bytes: texts cut', 'longer than the data', BYTES, DELTA_BYTES, lambda data: data[:-1])
    edit('delta bytes: the first has a beginning', 'of the one before', BYTES, DELTA_BYTES,
         lambda data: delta([1, 0], 32) + delta_length([b'a', b'b']))
    edit('delta bytes: a longer beginning', 'of the one before', BYTES, DELTA_BYTES,
         lambda data: delta([0, 2], 32) + delta_length([b'a', b'b']))
    edit('delta bytes: a negative beginning', 'of the one before', BYTES, DELTA_BYTES,
         lambda data: delta([0, -1], 32) + delta_length([b'a', b'b']))
    edit('delta bytes: fewer', few, BYTES, DELTA_BYTES, lambda data: delta_bytes([b'a']))
    edit('delta bytes: fixed of another length', 'another length than its type', FIXED, DELTA_BYTES,
         lambda data: delta_bytes([b'abc', b'defgh']))

    for texts, name in (([b'', b'1'], 'no bytes'), ([b'1', b'x' * 33], '33 bytes')):
        files.one('decimal of ' + name, 'column "c"|DECIMAL of no or too many', BYTES, texts, converted=5, precision=9, scale=0)
        files.one('coded decimal of ' + name, 'column "c"|DECIMAL of no or too many', BYTES, texts, encoding=RLE_DICTIONARY,
                  converted=5, precision=9, scale=0)


def codecs(files):
    rows = [b'some text that is long enough %d' % i for i in range(5)]
    for codec, name in ((SNAPPY, 'Snappy'), (GZIP, 'gzip'), (ZSTD, 'zstd'), (LZ4_RAW, 'LZ4')):
        for version in (1, 2):
            def edit(what, change, says='%s data that are damaged' % name, codec=codec, version=version, name=name):
                files.one('%s: %s, version %d' % (name, what, version), 'column "c"|' + says, BYTES, rows, codec=codec,
                          version=version, edit_page=lambda kind, fields, body: change(fields, body))

            keep = 0 if version == 1 else 2  # bytes of levels, which are not compressed
            edit('cut', lambda fields, body: ({**fields, 3: i32(len(body) - 1)}, body[:-1]))
            edit('nothing', lambda fields, body, keep=keep: ({**fields, 3: i32(keep)}, body[:keep]))
            edit('garbage', lambda fields, body, keep=keep: (fields, body[:keep] + b'\xf7' * (len(body) - keep)))
            edit('one byte more than said', lambda fields, body: ({**fields, 2: i32(value(fields[2]) - 1)}, body))
            edit('many bytes more than said', lambda fields, body, keep=keep: ({**fields, 2: i32(keep + 3)}, body))
            edit('one byte fewer than said', lambda fields, body: ({**fields, 2: i32(value(fields[2]) + 1)}, body))
            edit('something after it', lambda fields, body: ({**fields, 3: i32(len(body) + 3)}, body + b'abc'))


def value(number):
    """What an i32() is."""
    n = shift = 0
    for byte in bytes(number):
        n |= (byte & 127) << shift
        shift += 7
    return (n >> 1) ^ -(n & 1)


def make_damaged():
    """All of them, each after a line with its name, what must be said and its length."""
    files = Files()
    for part in (ends, thrift_errors, footers, page_headers, dictionaries, levels, values, codecs):
        part(files)
    return b''.join(b'%s\t%s\t%d\n' % (name.encode(), says.encode(), len(data)) + data for name, says, data in files.files)
