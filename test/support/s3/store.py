# Buckets and objects for a test: files below a directory, and objects that are only in memory,
# whose keys may be no file names.

import base64
import hashlib
import os
import threading
import time
from bisect import bisect_left, bisect_right
from urllib.parse import quote_from_bytes
from xml.sax.saxutils import escape

import wire


class Object:
    """Bytes with what a list says of them."""

    def __init__(self, modified, storage_class='STANDARD', etag=None):
        self.modified = modified
        self.storage_class = storage_class
        self.known_etag = etag

    @property
    def etag(self):
        """In quotes, as S3 writes it."""
        if self.known_etag is None:
            digest = hashlib.md5()
            for piece in self.part(0, self.size).pieces(1 << 20):
                digest.update(piece)
            self.known_etag = f'"{digest.hexdigest()}"'
        return self.known_etag

    def content(self):
        return b''.join(self.part(0, self.size).pieces(1 << 20))


class MemoryObject(Object):
    def __init__(self, data, modified=None, **others):
        super().__init__(time.time() if modified is None else modified, **others)
        self.data = data
        self.size = len(data)

    def part(self, offset, length):
        return wire.Bytes(self.data[offset:offset + length])


class FileObject(Object):
    def __init__(self, path):
        status = os.stat(path)
        super().__init__(status.st_mtime)
        self.path = path
        self.size = status.st_size

    def part(self, offset, length):
        return wire.FilePart(self.path, offset, length)


class Entry:
    """A line of a list.  Faults change these, and not the objects."""

    def __init__(self, key, object_):
        self.key, self.size, self.etag = key, object_.size, object_.etag
        self.modified, self.storage_class = object_.modified, object_.storage_class


class Bucket:
    def __init__(self, name, region='us-east-1', anonymous=False, requester_pays=False, keys=None):
        self.name = name
        self.region = region
        self.anonymous = anonymous            # whoever asks may read it
        self.requester_pays = requester_pays
        self.keys = keys                      # the access key ids that may read it; None: all
        self.objects = {}                     # by key, which is bytes
        self.changes = {}                     # what faults made of them; None: deleted
        self.order = None

    def get(self, key):
        return self.changes[key] if key in self.changes else self.objects.get(key)

    def put(self, key, object_):
        self.objects[key] = object_
        self.order = None

    def change(self, key, object_):
        """object_ None: deletes it.  Until restore()."""
        self.changes[key] = object_
        self.order = None

    def restore(self):
        if self.changes:
            self.changes = {}
            self.order = None

    def sorted_keys(self):
        order = self.order
        if order is None:
            order = sorted(key for key in self.objects.keys() | self.changes.keys() if self.get(key) is not None)
            self.order = order
        return order


class Page:
    """An answer to ListObjectsV2."""

    def __init__(self, bucket, prefix, delimiter, max_keys):
        self.bucket, self.prefix, self.delimiter, self.max_keys = bucket, prefix, delimiter, max_keys
        self.contents = []
        self.prefixes = []
        self.truncated = False    # None: does not say
        self.token = None         # that it was asked for with
        self.next_token = None
        self.start_after = None
        self.marker = None        # where the next page begins
        self.key_count = None     # other than the number of them
        self.url_encoded = False
        self.space = '+'          # what S3 makes of a blank in a key when it encodes it

    def text(self, key):
        if not self.url_encoded:
            return escape(key.decode('utf-8', 'replace'))
        return quote_from_bytes(key, safe='/-_.*').replace('%20', self.space)

    def fill(self, bucket, begin):
        """begin: the first index of bucket.sorted_keys() that may be listed."""
        keys = bucket.sorted_keys()
        index = max(begin, bisect_left(keys, self.prefix))
        while index < len(keys) and keys[index].startswith(self.prefix):
            if len(self.contents) + len(self.prefixes) == self.max_keys:
                self.truncated = self.max_keys > 0
                break
            key = keys[index]
            end = key.find(self.delimiter, len(self.prefix)) if self.delimiter else -1
            if end >= 0:
                common = key[:end + len(self.delimiter)]
                self.prefixes.append(common)
                self.marker = after_prefix(common)
                index = bisect_left(keys, self.marker)
            else:
                self.contents.append(Entry(key, bucket.get(key)))
                self.marker = key + b'\0'
                index += 1

    def xml(self):
        parts = ['<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                 f'<Name>{escape(self.bucket)}</Name><Prefix>{self.text(self.prefix)}</Prefix>']
        if self.token is not None:
            parts.append(f'<ContinuationToken>{escape(self.token)}</ContinuationToken>')
        if self.next_token is not None:
            parts.append(f'<NextContinuationToken>{escape(self.next_token)}</NextContinuationToken>')
        if self.start_after is not None:
            parts.append(f'<StartAfter>{self.text(self.start_after)}</StartAfter>')
        count = len(self.contents) + len(self.prefixes) if self.key_count is None else self.key_count
        parts.append(f'<KeyCount>{count}</KeyCount><MaxKeys>{self.max_keys}</MaxKeys>')
        if self.delimiter:
            parts.append(f'<Delimiter>{self.text(self.delimiter)}</Delimiter>')
        if self.url_encoded:
            parts.append('<EncodingType>url</EncodingType>')
        if self.truncated is not None:
            parts.append(f'<IsTruncated>{"true" if self.truncated else "false"}</IsTruncated>')
        for entry in self.contents:
            etag = '' if entry.etag is None else f'<ETag>{escape(entry.etag, {chr(34): "&quot;"})}</ETag>'
            parts.append(f'<Contents><Key>{self.text(entry.key)}</Key><LastModified>{iso_time(entry.modified)}</LastModified>'
                         f'{etag}<Size>{entry.size}</Size><StorageClass>{entry.storage_class}</StorageClass></Contents>')
        for prefix in self.prefixes:
            parts.append(f'<CommonPrefixes><Prefix>{self.text(prefix)}</Prefix></CommonPrefixes>')
        parts.append('</ListBucketResult>')
        return ''.join(parts).encode()


def after_prefix(prefix):
    """The least key behind all that begin with it."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def iso_time(seconds):
    if isinstance(seconds, str):
        return seconds
    return time.strftime('%Y-%m-%dT%H:%M:%S.000Z', time.gmtime(seconds))


class Store:
    def __init__(self, directory):
        self.directory = directory
        self.buckets = {}
        self.tokens = {}  # of lists, to where they lead
        self.lock = threading.Lock()
        self.refresh()

    def refresh(self):
        """Looks at the directory again.  The objects in memory stay."""
        if self.directory is None:
            return
        for name in os.listdir(self.directory):
            path = os.path.join(os.fsencode(self.directory), os.fsencode(name))
            if os.path.isdir(path):
                self.load(self.make(name), path)

    def load(self, bucket, top):
        found = {}
        for directory, _, files in os.walk(top):
            for name in files:
                path = os.path.join(directory, name)
                found[os.path.relpath(path, top)] = FileObject(path)
        for key, object_ in bucket.objects.items():
            if isinstance(object_, MemoryObject):
                found[key] = object_
        bucket.objects, bucket.order = found, None

    def make(self, name):
        """Unless there is such a bucket."""
        return self.buckets.setdefault(name, Bucket(name))

    def configure(self, name, settings):
        bucket = self.make(name)
        for setting, value in settings.items():
            if setting not in ('region', 'anonymous', 'requester_pays', 'keys'):
                raise ValueError(f'a bucket has no setting {setting}')
            setattr(bucket, setting, value)

    def add(self, spec):
        """An object of a JSON list: bucket, key, and text, base64 or file."""
        spec = dict(spec)
        bucket = self.make(spec.pop('bucket'))
        key = spec.pop('key').encode()
        if 'base64' in spec:
            data = base64.b64decode(spec.pop('base64'))
        elif 'file' in spec:
            with open(spec.pop('file'), 'rb') as file:
                data = file.read()
        else:
            data = spec.pop('text', '').encode()
        bucket.put(key, MemoryObject(data, **spec))

    def restore(self):
        for bucket in self.buckets.values():
            bucket.restore()

    def page(self, bucket, prefix, delimiter=b'', max_keys=1000, token=None, start_after=None):
        """KeyError: no such token."""
        page = Page(bucket.name, prefix, delimiter, max_keys)
        keys = bucket.sorted_keys()
        begin = 0
        page.token, page.start_after = token, start_after
        if token is not None:
            begin = bisect_left(keys, self.tokens[token])
        elif start_after is not None:
            begin = bisect_right(keys, start_after)
        page.fill(bucket, begin)
        if page.truncated:
            page.next_token = self.new_token(page.marker)
        return page

    def new_token(self, marker):
        """Says nothing to the client, and has all that needs encoding in a query."""
        token = '1+/=' + base64.b64encode(os.urandom(30)).decode() + '='
        with self.lock:
            self.tokens[token] = marker
        return token
