# What can go wrong, a function each, and the rules that say when it does.
#
# A rule is a JSON object: "fault", a name of the table; which requests it is for, and which of those
# it meets; and the fault's own parameters.  All that fit a request are applied, in their order.
#
#     kind         LIST, GET, HEAD (also of buckets), PUT, IMDS, CONTAINER, STS; without it, all
#     bucket       a name
#     key          a regular expression found in the key, or in the prefix of a list
#     ranged       true or false: only requests with, or without, a Range
#     nth          a number from 1, or a list of such
#     every        every so many
#     first        the first so many
#     after        all behind the first so many
#     probability  from 0 to 1, drawn from "seed" and the request, so that the same scan has the same luck
#     per_key      true: nth, every, first and after count the requests of each key for itself
#     times        no more than so many are met
#     crowd        only while more than so many requests are being answered

import hashlib
import inspect
import re
import threading

import wire
from s3 import error_answer
from store import Entry, MemoryObject

FAULTS = {}
SELECTORS = ('kind', 'bucket', 'key', 'ranged', 'nth', 'every', 'first', 'after', 'probability', 'seed', 'per_key', 'times', 'crowd')


class Fault:
    def __init__(self, function, parameters):
        self.apply = function          # (exchange, rule, parameters...)
        self.parameters = parameters   # their names; all have defaults
        self.what = function.__doc__


def fault(function, parameters=None):
    """A row of the table."""
    if parameters is None:
        parameters = list(inspect.signature(function).parameters)[2:]
    assert not set(parameters) & set(SELECTORS)
    FAULTS[function.__name__] = Fault(function, parameters)
    return function


class Rule:
    def __init__(self, spec):
        spec = dict(spec)
        self.spec = dict(spec)
        self.name = spec.pop('fault')
        if self.name not in FAULTS:
            raise ValueError(f'there is no fault {self.name}')
        for selector in SELECTORS:
            setattr(self, selector, spec.pop(selector, None))
        known = FAULTS[self.name].parameters
        for name in spec:
            if name not in known:
                raise ValueError(f'fault {self.name} has no parameter {name}, but {", ".join(known) or "none"}')
        self.parameters = spec
        self.nth = [self.nth] if isinstance(self.nth, int) else self.nth
        self.seen = {}         # requests by key
        self.all_seen = 0
        self.met = 0
        self.memory = {}       # the fault's own
        self.lock = threading.Lock()

    def is_for(self, exchange):
        return (
            (self.kind is None or exchange.kind.split('_')[0] == self.kind)
            and (self.bucket is None or exchange.bucket == self.bucket)
            and (self.key is None or re.search(self.key.encode(), exchange.key or b'') is not None)
            and (self.crowd is None or exchange.busy > self.crowd)
            and (self.ranged is None or self.ranged == ('range' in exchange.request.headers)))

    def is_met(self, exchange):
        """Counts the request."""
        with self.lock:
            self.all_seen += 1
            self.seen[exchange.key] = self.seen.get(exchange.key, 0) + 1
            number = self.seen[exchange.key] if self.per_key else self.all_seen
            met = (
                (self.nth is None or number in self.nth)
                and (self.every is None or number % self.every == 0)
                and (self.first is None or number <= self.first)
                and (self.after is None or number > self.after)
                and (self.probability is None or self.draw(exchange) < self.probability)
                and (self.times is None or self.met < self.times))
            self.met += met
        return met

    def draw(self, exchange):
        """The same for the same request, however threads take turns: the key's, and how often it was asked for."""
        text = f'{self.seed} {self.name} {exchange.kind} {exchange.key} {self.seen[exchange.key]}'
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], 'big') / 2 ** 48

    def apply(self, exchange):
        FAULTS[self.name].apply(exchange, self, **self.parameters)
        exchange.faults.append(self.name)


class Rules:
    def __init__(self, store, counters):
        self.store = store
        self.counters = counters
        self.rules = []

    def set(self, specs):
        self.rules = [Rule(spec) for spec in specs]

    def apply(self, exchange):
        exchange.store = self.store
        exchange.busy = self.counters.busy
        for rule in self.rules:
            # those with a memory of the keys that they burnt ask each time
            if rule.is_for(exchange) and (rule.is_met(exchange) or exchange.access_key_id in rule.memory.get('burnt', ())):
                rule.apply(exchange)


# ---------- answers that are errors ----------

def replace_answer(exchange, answer):
    exchange.answer = answer
    exchange.delivery.chunked = False
    exchange.role.add_common(answer)


def is_ok(exchange):
    return exchange.answer.status in (200, 206)


def error_fault(name, code):
    def function(exchange, rule, status=None, message=None, retry_after=None):
        headers = {} if retry_after is None else {'Retry-After': retry_after}
        replace_answer(exchange, error_answer(code, message, headers, status))
    function.__name__ = name
    function.__doc__ = f'Answers {code}.'
    fault(function)


for _name, _code in {
        'access_denied': 'AccessDenied', 'bad_gateway': 'BadGateway', 'expired_token': 'ExpiredToken', 'gateway_timeout': 'GatewayTimeout',
        'internal_error': 'InternalError', 'invalid_access_key_id': 'InvalidAccessKeyId', 'invalid_object_state': 'InvalidObjectState',
        'invalid_range': 'InvalidRange', 'no_such_bucket': 'NoSuchBucket', 'no_such_key': 'NoSuchKey', 'precondition_failed': 'PreconditionFailed',
        'request_time_too_skewed': 'RequestTimeTooSkewed', 'request_timeout': 'RequestTimeout', 'service_unavailable': 'ServiceUnavailable',
        'signature_does_not_match': 'SignatureDoesNotMatch', 'slow_down': 'SlowDown', 'too_many_requests': 'TooManyRequests'}.items():
    error_fault(_name, _code)


@fault
def status(exchange, rule, status=500, body='', content_type='text/html'):
    """Answers with a status and a body that is no XML."""
    replace_answer(exchange, wire.Answer(status, body.encode(), {'Content-Type': content_type}))


@fault
def token_expires(exchange, rule):
    """From here on the keys of this request are answered ExpiredToken; others are good."""
    rule.memory.setdefault('burnt', set()).add(exchange.access_key_id)
    replace_answer(exchange, error_answer('ExpiredToken'))


@fault
def redirect(exchange, rule, status=301, region=None, location=None):
    """Redirects: region is told as x-amz-bucket-region, location as Location."""
    headers = {}
    if region is not None:
        headers['x-amz-bucket-region'] = region
    if location is not None:
        headers['Location'] = location
    code = 'PermanentRedirect' if status == 301 else 'TemporaryRedirect'
    elements = {'Endpoint': location} if location is not None else {}
    replace_answer(exchange, error_answer(code, None, headers, status, **elements))


@fault
def redirect_loop(exchange, rule, status=307, regions=('us-east-1', 'eu-west-1')):
    """Redirects to itself, each time with another region."""
    number = rule.memory['number'] = rule.memory.get('number', -1) + 1
    redirect(exchange, rule, status, regions[number % len(regions)], f'http://{exchange.request.headers.get("host")}{exchange.request.target}')


@fault
def wrong_region(exchange, rule, region='eu-central-1'):
    """Answers AuthorizationHeaderMalformed, which names a region."""
    replace_answer(exchange, error_answer('AuthorizationHeaderMalformed', f"the region is wrong; expecting '{region}'", Region=region))


# ---------- answers that do not come, or not whole ----------

@fault
def silence(exchange, rule, seconds=3600):
    """Takes the request and never answers."""
    exchange.delivery.silence = seconds


@fault
def close_first(exchange, rule):
    """Closes the connection before any answer."""
    exchange.delivery.end_first = 'close'


@fault
def reset_first(exchange, rule):
    """Resets the connection before any answer."""
    exchange.delivery.end_first = 'reset'


@fault
def close_after(exchange, rule, bytes=0):
    """Closes the connection after so many bytes of the body."""
    exchange.delivery.end_after, exchange.delivery.end_by = bytes, 'close'


@fault
def reset_after(exchange, rule, bytes=0):
    """Resets the connection after so many bytes of the body."""
    exchange.delivery.end_after, exchange.delivery.end_by = bytes, 'reset'


@fault
def stall_after(exchange, rule, bytes=0, seconds=3600):
    """Stalls after so many bytes of the body, and goes on then."""
    exchange.delivery.stall_after, exchange.delivery.stall_seconds = bytes, seconds


@fault
def slow(exchange, rule, bytes_per_second=1):
    """Sends the body slowly."""
    exchange.delivery.rate = bytes_per_second


# ---------- answers that say the wrong thing of themselves ----------

@fault
def wrong_length(exchange, rule, add=1):
    """Content-Length is so much more than comes; less if it is negative.  The connection ends behind it."""
    exchange.delivery.chunked = False
    exchange.delivery.length_change = max(add, -exchange.answer.body.length)
    exchange.delivery.keep = False


@fault
def no_length(exchange, rule):
    """No Content-Length: the end of the connection is that of the body."""
    exchange.delivery.chunked = False
    exchange.delivery.length_change = None
    exchange.delivery.keep = False


@fault
def chunked(exchange, rule):
    """Sends the body in chunks."""
    exchange.delivery.chunked = True


@fault
def http_1_0(exchange, rule, length=True):
    """Answers as HTTP/1.0, with or without Content-Length."""
    exchange.delivery.version = 'HTTP/1.0'
    exchange.delivery.chunked = exchange.delivery.keep = False
    if not length:
        exchange.delivery.length_change = None


@fault
def continue_first(exchange, rule):
    """Sends 100 Continue before the answer, though nobody asked."""
    exchange.delivery.continue_first = True


@fault
def content_encoding(exchange, rule, encoding='gzip'):
    """Says Content-Encoding of bytes that are sent as they are."""
    exchange.answer.headers['Content-Encoding'] = encoding


@fault
def ignore_range(exchange, rule):
    """Answers a range with 200 and the whole object."""
    if exchange.request.headers.pop('range', None) is not None and exchange.answer.status in (206, 416):
        bucket = exchange.store.buckets[exchange.bucket]
        object_ = bucket.get(exchange.key)
        exchange.answer.headers.pop('Content-Range', None)
        exchange.answer.status, exchange.answer.body = 200, object_.part(0, object_.size)


@fault
def wrong_range(exchange, rule, start=0, end=0, total=0):
    """Adds to the numbers of Content-Range; the bytes stay."""
    match = re.fullmatch(r'bytes (\d+)-(\d+)/(\d+)', exchange.answer.headers.get('Content-Range', ''))
    if match:
        numbers = [int(text) + add for text, add in zip(match.groups(), (start, end, total))]
        exchange.answer.headers['Content-Range'] = 'bytes {}-{}/{}'.format(*numbers)


@fault
def no_etag(exchange, rule):
    """Neither lists nor objects have ETags."""
    exchange.answer.headers.pop('ETag', None)
    if exchange.page is not None:
        for entry in exchange.page.contents:
            entry.etag = None
        render(exchange)


# ---------- objects that change ----------

def again(exchange):
    """Answers anew, as the objects are now."""
    exchange.role.answer(exchange)


@fault
def replaced(exchange, rule, text=None, length=None, same_etag=False):
    """The object is another from here on: of this text, else of its own bytes backwards, cut to this length."""
    bucket = exchange.store.buckets.get(exchange.bucket)
    object_ = bucket and bucket.get(exchange.key)
    if object_ is None or exchange.key in bucket.changes:
        return
    data = object_.content()[::-1] if text is None else text.encode()
    bucket.change(exchange.key, MemoryObject(data[:length], etag=object_.etag if same_etag else None))
    again(exchange)


@fault
def emptied(exchange, rule, same_etag=True):
    """The object has no bytes from here on."""
    replaced(exchange, rule, '', 0, same_etag)


@fault
def deleted(exchange, rule):
    """The object is gone from here on."""
    bucket = exchange.store.buckets.get(exchange.bucket)
    if bucket is not None:
        bucket.change(exchange.key, None)
        again(exchange)


# ---------- lists ----------

def render(exchange):
    exchange.answer.body = wire.Bytes(exchange.page.xml())


def list_fault(function):
    """One that changes exchange.page, if there is one."""
    def whole(exchange, rule, **parameters):
        if exchange.page is not None and is_ok(exchange):
            function(exchange, rule, **parameters)
            render(exchange)
    whole.__name__, whole.__doc__ = function.__name__, function.__doc__
    return fault(whole, list(inspect.signature(function).parameters)[2:])


def list_text_fault(function):
    """One that makes the text of a list another: function(text, parameters...)."""
    def whole(exchange, rule, **parameters):
        if exchange.page is not None and is_ok(exchange):
            exchange.answer.body = wire.Bytes(function(b''.join(exchange.answer.body.pieces(1 << 20)), **parameters))
    whole.__name__, whole.__doc__ = function.__name__, function.__doc__
    return fault(whole, list(inspect.signature(function).parameters)[1:])


@fault
def list_cut(exchange, rule, bytes=-20, chunked=False):
    """The body of a list ends after so many bytes, or so many before its end, and its Content-Length agrees."""
    if exchange.page is not None and is_ok(exchange):
        exchange.answer.body = wire.Bytes(exchange.page.xml()[:bytes])
        exchange.delivery.chunked = chunked


@list_fault
def list_no_is_truncated(exchange, rule):
    """IsTruncated is missing."""
    exchange.page.truncated = None


@list_fault
def list_repeated(exchange, rule):
    """What is listed is the first page of this prefix; the token is this page's."""
    page = exchange.page
    if page.token is not None:
        first = exchange.store.page(exchange.store.buckets[exchange.bucket], page.prefix, page.delimiter, page.max_keys)
        page.contents, page.prefixes = first.contents, first.prefixes


@list_fault
def list_token_loop(exchange, rule):
    """The token for the next page is that of this one."""
    exchange.page.truncated = True
    exchange.page.next_token = exchange.page.token or exchange.store.new_token(b'')


@list_fault
def list_empty_page(exchange, rule):
    """A page without items; the next one has what this one should have had."""
    page = exchange.page
    begin = exchange.store.tokens[page.token] if page.token is not None else page.prefix
    page.contents, page.prefixes = [], []
    page.truncated, page.next_token = True, exchange.store.new_token(begin)


@list_fault
def list_circle(exchange, rule, pages=2):
    """Pages without items, after the first with these tokens in turn."""
    page = exchange.page
    tokens = rule.memory.setdefault(page.prefix, [exchange.store.new_token(page.prefix) for _ in range(pages)])
    page.contents, page.prefixes = [], []
    page.truncated = True
    page.next_token = tokens[(tokens.index(page.token) + 1 if page.token in tokens else 0) % pages]


@list_fault
def list_no_token(exchange, rule):
    """IsTruncated says that there is more, but there is no token."""
    exchange.page.truncated, exchange.page.next_token = True, None


@list_fault
def list_empty_token(exchange, rule):
    """As list_no_token, with an empty one."""
    exchange.page.truncated, exchange.page.next_token = True, ''


@list_fault
def list_key_count(exchange, rule, add=1):
    """KeyCount is so much more than the keys and prefixes are."""
    exchange.page.key_count = len(exchange.page.contents) + len(exchange.page.prefixes) + add


@list_fault
def list_one_missing(exchange, rule):
    """A key is left out; KeyCount counts it."""
    exchange.page.key_count = len(exchange.page.contents) + len(exchange.page.prefixes)
    del exchange.page.contents[len(exchange.page.contents) // 2:len(exchange.page.contents) // 2 + 1]


@list_fault
def list_disorder(exchange, rule):
    """The first two keys stand in each other's place."""
    exchange.page.contents[:2] = exchange.page.contents[1::-1]


@list_fault
def list_duplicate(exchange, rule):
    """The first key stands there twice."""
    exchange.page.contents[:0] = exchange.page.contents[:1]


@list_fault
def list_foreign_key(exchange, rule, name='../../etc/passwd'):
    """The first key is not below the prefix."""
    if exchange.page.contents:
        first = exchange.page.contents[0]
        entry = exchange.page.contents[0] = Entry(first.key, first)
        entry.key = name.encode()


@list_fault
def list_wrong_size(exchange, rule, size=None, add=1):
    """Size is this, which may be no number; else so much more than it is."""
    for entry in exchange.page.contents:
        entry.size = entry.size + add if size is None else size


@list_fault
def list_wrong_time(exchange, rule, time='yesterday'):
    """LastModified is this."""
    for entry in exchange.page.contents:
        entry.modified = time


@list_text_fault
def list_bomb(text):
    """A document type with entities that grow."""
    entities = b''.join(b'<!ENTITY e%d "%s">' % (n, b'&e%d;' % (n - 1) * 10) for n in range(1, 10))
    doctype = b'<!DOCTYPE b [<!ENTITY e0 "ha">' + entities + b']>'
    return text.replace(b'<ListBucketResult', doctype + b'<ListBucketResult', 1).replace(b'<Name>', b'<Name>&e9;', 1)


@list_text_fault
def list_external_entity(text, url='file:///etc/passwd'):
    """A document type with an entity from elsewhere."""
    doctype = b'<!DOCTYPE b [<!ENTITY e SYSTEM "%s">]>' % url.encode()
    return text.replace(b'<ListBucketResult', doctype + b'<ListBucketResult', 1).replace(b'<Name>', b'<Name>&e;', 1)


@list_text_fault
def list_deep(text, depth=100000):
    """Elements in elements."""
    return text.replace(b'<Name>', b'<a>' * depth + b'</a>' * depth + b'<Name>', 1)


@list_text_fault
def list_empty_body(text):
    """200, and nothing."""
    return b''


@list_text_fault
def list_html(text):
    """200, and a page that wants a login."""
    return b'<html><body><p>Please log in.<br></body></html>'


@list_text_fault
def list_no_encoding_type(text):
    """The answer does not say that its keys are encoded, though they are."""
    return text.replace(b'<EncodingType>url</EncodingType>', b'')


@fault
def list_huge(exchange, rule, bytes=100_000_000):
    """A list of 100 MB, or so many bytes, without end before that."""
    if exchange.page is not None and is_ok(exchange):
        text = exchange.page.xml()
        filler = b'<Owner><DisplayName>' + b'x' * 960 + b'</DisplayName></Owner>'
        before, after = text[:-len(b'</ListBucketResult>')], b'</ListBucketResult>'
        exchange.answer.body = wire.Filled(before, filler, bytes // len(filler), after)
