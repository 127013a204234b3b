# What S3 answers: whom it knows, which object is meant, and the operations that a reader needs.

import ipaddress
import re
import time
from email.utils import formatdate
from urllib.parse import unquote, unquote_to_bytes
from xml.sax.saxutils import escape

import signature
import wire
from store import MemoryObject

# Code: status and message (Amazon S3 API Reference, "Error responses").
ERRORS = {
    'AccessDenied': (403, 'Access Denied'),
    'AuthorizationHeaderMalformed': (400, 'The authorization header is malformed.'),
    'BadGateway': (502, 'Bad Gateway'),
    'ExpiredToken': (400, 'The provided token has expired.'),
    'GatewayTimeout': (504, 'Gateway Timeout'),
    'InternalError': (500, 'We encountered an internal error. Please try again.'),
    'InvalidAccessKeyId': (403, 'The AWS Access Key Id you provided does not exist in our records.'),
    'InvalidArgument': (400, 'Invalid Argument'),
    'InvalidObjectState': (403, "The operation is not valid for the object's storage class"),
    'InvalidRange': (416, 'The requested range is not satisfiable'),
    'InvalidRequest': (400, 'Invalid Request'),
    'InvalidToken': (400, 'The provided token is malformed or otherwise invalid.'),
    'MethodNotAllowed': (405, 'The specified method is not allowed against this resource.'),
    'NoSuchBucket': (404, 'The specified bucket does not exist'),
    'NoSuchKey': (404, 'The specified key does not exist.'),
    'NotImplemented': (501, 'A header you provided implies functionality that is not implemented'),
    'PermanentRedirect': (301, 'The bucket you are attempting to access must be addressed using the specified endpoint.'),
    'PreconditionFailed': (412, 'At least one of the pre-conditions you specified did not hold'),
    'RequestTimeTooSkewed': (403, 'The difference between the request time and the current time is too large.'),
    'RequestTimeout': (400, 'Your socket connection to the server was not read from or written to within the timeout period.'),
    'ServiceUnavailable': (503, 'Service is unable to handle request.'),
    'SignatureDoesNotMatch': (403, 'The request signature we calculated does not match the signature you provided.'),
    'SlowDown': (503, 'Please reduce your request rate.'),
    'TemporaryRedirect': (307, 'Please re-send this request to the specified temporary endpoint.'),
    'TooManyRequests': (429, 'Please reduce your request rate.'),
    'XAmzContentSHA256Mismatch': (400, "The provided 'x-amz-content-sha256' header does not match what was computed."),
}


class Failure(Exception):
    def __init__(self, code, message=None, headers=(), **elements):
        super().__init__(code)
        self.code, self.message, self.headers, self.elements = code, message, headers, elements


def error_answer(code, message=None, headers=(), status=None, **elements):
    known, text = ERRORS.get(code, (400, code))
    parts = ''.join(f'<{name}>{escape(str(value))}</{name}>' for name, value in elements.items())
    body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{escape(message or text)}</Message>'
            f'{parts}<RequestId>4442587FB7D0A2F9</RequestId><HostId>none</HostId></Error>')
    return wire.Answer(status or known, body.encode(), {'Content-Type': 'application/xml', **dict(headers)})


class S3:
    """settings: what a test may set, see the server.  identity: where temporary keys come from."""

    def __init__(self, store, settings, identity):
        self.store = store
        self.settings = settings
        self.identity = identity
        self.keys = {}  # by access key id

    def set_keys(self, specs):
        self.keys = {spec['access_key_id']: spec for spec in specs}

    def find_keys(self, access_key_id):
        return self.keys.get(access_key_id) or self.identity.issued.get(access_key_id)

    # ---------- which object ----------

    def bucket_of_host(self, host):
        """Virtual-hosted style: the bucket, as text; or None for path style."""
        name = host.rsplit(':', 1)[0] if not host.endswith(']') else host
        if name == 'localhost' or is_address(name.strip('[]')):
            return None
        known = [bucket for bucket in self.store.buckets if name.startswith(f'{bucket}.')]
        return max(known, key=len) if known else name.split('.')[0]

    def locate(self, exchange):
        path = exchange.request.path
        bucket = self.bucket_of_host(exchange.request.headers.get('host', ''))
        key = path[1:]
        if bucket is None:
            bucket, _, key = key.partition('/')
            bucket = unquote(bucket)
        exchange.bucket, exchange.key = bucket, unquote_to_bytes(key)

    def kind(self, exchange):
        method = exchange.request.method
        if method in ('GET', 'HEAD') and not exchange.key:
            if method == 'HEAD':
                return 'HEAD_BUCKET'
            return 'LIST' if exchange.bucket else 'BUCKETS'
        return 'PUT_BUCKET' if method == 'PUT' and not exchange.key else method

    # ---------- who ----------

    def authenticate(self, exchange, bucket):
        request = exchange.request
        if 'authorization' not in request.headers:
            if bucket is None or not bucket.anonymous:
                raise Failure('AccessDenied')
            return
        exchange.access_key_id = (re.findall(r'Credential=([^/,]*)', request.headers['authorization']) or [None])[0]
        try:
            signature.check(request, self.find_keys, bucket.region if bucket else None, 's3', self.settings.now())
        except signature.Refused as refused:
            raise Failure(refused.code, refused.message, **refused.elements) from None
        if bucket is not None and bucket.keys is not None and exchange.access_key_id not in bucket.keys:
            raise Failure('AccessDenied')

    # ---------- operations ----------

    def answer(self, exchange):
        """Sets exchange.answer."""
        self.locate(exchange)
        exchange.kind = self.kind(exchange)
        bucket = self.store.buckets.get(exchange.bucket)
        try:
            self.authenticate(exchange, bucket)
            if bucket is None and exchange.kind == 'PUT_BUCKET':
                bucket = self.store.make(exchange.bucket)
            if bucket is None:
                raise Failure('NoSuchBucket', BucketName=exchange.bucket)
            if bucket.requester_pays and exchange.request.headers.get('x-amz-request-payer') != 'requester':
                raise Failure('AccessDenied')
            operation = self.OPERATIONS.get(exchange.kind)
            if operation is None:
                raise Failure('MethodNotAllowed')
            exchange.answer = operation(self, exchange, bucket)
            if bucket.requester_pays:
                exchange.answer.headers['x-amz-request-charged'] = 'requester'
        except Failure as failure:
            exchange.answer = error_answer(failure.code, failure.message, failure.headers, **failure.elements)
        if bucket is not None and exchange.kind in ('LIST', 'HEAD_BUCKET'):
            exchange.answer.headers['x-amz-bucket-region'] = bucket.region
        self.add_common(exchange.answer)

    def add_common(self, answer):
        answer.headers.setdefault('x-amz-request-id', '4442587FB7D0A2F9')
        answer.headers.setdefault('Date', formatdate(self.settings.now(), usegmt=True))
        answer.headers.setdefault('Server', 'AmazonS3')

    def bucket_is_there(self, exchange, bucket):
        return wire.Answer(200)

    def list(self, exchange, bucket):
        query = {}
        for pair in filter(None, exchange.request.query.split('&')):
            name, _, value = pair.partition('=')
            query[unquote(name)] = unquote_to_bytes(value)
        if query.get('list-type') != b'2':
            raise Failure('NotImplemented')
        start_after = query.get('start-after')
        token = query.get('continuation-token')
        if query.get('encoding-type', b'url') != b'url':
            raise Failure('InvalidArgument', 'Invalid Encoding Method specified in Request')
        try:
            page = self.store.page(
                bucket, query.get('prefix', b''), query.get('delimiter', b''),
                min(int(query.get('max-keys', 1000)), self.settings.page_size), token and token.decode(), start_after)
        except (KeyError, ValueError):
            raise Failure('InvalidArgument', 'The continuation token provided is incorrect') from None
        page.url_encoded = 'encoding-type' in query
        page.space = self.settings.space
        exchange.key = page.prefix
        exchange.page = page
        exchange.delivery.chunked = self.settings.list_chunked
        return wire.Answer(200, page.xml(), {'Content-Type': 'application/xml'})

    def get(self, exchange, bucket):
        object_ = bucket.get(exchange.key)
        headers = exchange.request.headers
        if object_ is None:
            raise Failure('NoSuchKey', Key=exchange.key.decode('utf-8', 'replace'))
        if object_.storage_class in ('GLACIER', 'DEEP_ARCHIVE') and exchange.kind == 'GET':
            raise Failure('InvalidObjectState', StorageClass=object_.storage_class)
        if headers.get('if-match', object_.etag) not in (object_.etag, object_.etag.strip('"'), '*'):
            raise Failure('PreconditionFailed', Condition='If-Match')
        answer_headers = {
            'ETag': object_.etag, 'Last-Modified': formatdate(object_.modified, usegmt=True),
            'Accept-Ranges': 'bytes', 'Content-Type': 'binary/octet-stream'}
        if headers.get('if-none-match') == object_.etag:
            return wire.Answer(304, b'', answer_headers)
        if object_.storage_class != 'STANDARD':
            answer_headers['x-amz-storage-class'] = object_.storage_class
        wanted = asked_range(headers.get('range'), object_.size)
        if wanted is None:
            return wire.Answer(200, object_.part(0, object_.size), answer_headers)
        start, end = wanted
        answer_headers['Content-Range'] = f'bytes {start}-{end - 1}/{object_.size}'
        return wire.Answer(206, object_.part(start, end - start), answer_headers)

    def put(self, exchange, bucket):
        object_ = MemoryObject(exchange.request.body, time.time())
        bucket.put(exchange.key, object_)
        return wire.Answer(200, b'', {'ETag': object_.etag})

    OPERATIONS = {'LIST': list, 'GET': get, 'HEAD': get, 'HEAD_BUCKET': bucket_is_there, 'PUT': put, 'PUT_BUCKET': bucket_is_there}


def is_address(text):
    try:
        ipaddress.ip_address(text)
        return True
    except ValueError:
        return False


def asked_range(text, size):
    """(start, end) of "bytes=start-last"; None for all.  One that makes no sense is no range (RFC 9110, 14.2)."""
    match = re.fullmatch(r'bytes=(\d*)-(\d*)', text or '')
    if not match or match.groups() == ('', ''):
        return None
    first, last = match.groups()
    if first == '':
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
    if start >= size:
        raise Failure('InvalidRange', headers={'Content-Range': f'bytes */{size}'}, ActualObjectSize=size)
    return (start, end) if start < end else None
