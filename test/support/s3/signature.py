# AWS Signature Version 4, as header fields carry it: made, for the clients of this directory, and
# checked, for its server.  Written from "Authenticating Requests (AWS Signature Version 4)" in the
# Amazon S3 API Reference, and on purpose without a look at the extension's own.

import calendar
import hashlib
import hmac
import time
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = 'AWS4-HMAC-SHA256'
EMPTY_HASH = hashlib.sha256(b'').hexdigest()
UNSIGNED = 'UNSIGNED-PAYLOAD'
TOLERANCE = 15 * 60  # seconds between a request's time and ours


def encode(text, safe=''):
    """As SigV4 wants it in paths and queries: all but A-Z a-z 0-9 - . _ ~ becomes %XX."""
    return quote(text, safe=safe + '-._~')


def time_text(seconds):
    return time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(seconds))


def time_value(text):
    """Seconds since 1970, or None."""
    try:
        return calendar.timegm(time.strptime(text, '%Y%m%dT%H%M%SZ'))
    except ValueError:
        return None


def canonical_query(query):
    """From a query as it was sent."""
    pairs = []
    for pair in query.split('&') if query else []:
        name, _, value = pair.partition('=')
        pairs.append((encode(unquote_to_bytes(name)), encode(unquote_to_bytes(value))))
    return '&'.join(f'{name}={value}' for name, value in sorted(pairs))


def canonical_request(method, path, query, headers, signed, payload_hash):
    """headers: names in lower case.  S3 neither normalizes a path nor encodes it twice."""
    fields = ''.join(f'{name}:{" ".join(headers[name].split())}\n' for name in signed)
    return '\n'.join([method, encode(unquote_to_bytes(path), '/'), canonical_query(query), fields, ';'.join(signed), payload_hash])


def string_to_sign(date, scope, request):
    return '\n'.join([ALGORITHM, date, scope, hashlib.sha256(request.encode()).hexdigest()])


def signing_key(secret, day, region, service):
    key = f'AWS4{secret}'.encode()
    for part in (day, region, service, 'aws4_request'):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def signature(secret, date, region, service, request):
    text = string_to_sign(date, f'{date[:8]}/{region}/{service}/aws4_request', request)
    return hmac.new(signing_key(secret, date[:8], region, service), text.encode(), hashlib.sha256).hexdigest()


def sign(method, path, query, headers, keys, region, service='s3', now=None, body=b''):
    """Adds to headers what signs the request: x-amz-date (unless there), x-amz-content-sha256 (unless there) and so on."""
    headers.setdefault('x-amz-date', time_text(time.time() if now is None else now))
    headers.setdefault('x-amz-content-sha256', hashlib.sha256(body).hexdigest() if body else EMPTY_HASH)
    if keys.get('session_token'):
        headers['x-amz-security-token'] = keys['session_token']
    signed = sorted(headers)
    request = canonical_request(method, path, query, headers, signed, headers['x-amz-content-sha256'])
    date = headers['x-amz-date']
    headers['authorization'] = (
        f'{ALGORITHM} Credential={keys["access_key_id"]}/{date[:8]}/{region}/{service}/aws4_request, '
        f'SignedHeaders={";".join(signed)}, '
        f'Signature={signature(keys["secret_access_key"], date, region, service, request)}')
    return headers


class Refused(Exception):
    """A signature that is none.  "code" is S3's; "elements" stand in the answer beside it."""

    def __init__(self, code, message=None, **elements):
        super().__init__(code)
        self.code, self.message, self.elements = code, message, elements


class Authorization:
    """The header field taken apart."""

    def __init__(self, text):
        algorithm, _, rest = text.partition(' ')
        if algorithm != ALGORITHM:
            raise Refused('InvalidRequest', 'Unsupported authorization type.')
        parts = dict(part.strip().partition('=')[::2] for part in rest.split(','))
        try:
            # an access key has no slash
            self.access_key_id, self.day, self.region, self.service, end = parts['Credential'].split('/')
            self.signed = parts['SignedHeaders'].split(';')
            self.signature = parts['Signature']
        except (KeyError, ValueError):
            raise Refused('AuthorizationHeaderMalformed', 'A part of the header field is missing.') from None
        if end != 'aws4_request':
            raise Refused('AuthorizationHeaderMalformed', 'The scope does not end with aws4_request.')


def check_fields(headers, signed):
    if signed != sorted(set(signed)):
        raise Refused('AuthorizationHeaderMalformed', 'SignedHeaders is not sorted.')
    for name in signed:
        if name not in headers:
            raise Refused('SignatureDoesNotMatch', f'There is no header field {name}.')
    if 'host' not in signed:
        raise Refused('AccessDenied', 'host is not signed.')
    for name in headers:
        if name.startswith('x-amz-') and name not in signed:
            raise Refused('AccessDenied', 'There were headers present in the request which were not signed', HeadersNotSigned=name)


def check(request, find_keys, region, service, now):
    """
    Returns the keys that a request was signed with; raises Refused.  find_keys: access key id -> keys, or None.
    region: the only one that is right, or None for any.
    """
    headers = request.headers
    authorization = Authorization(headers['authorization'])
    date = headers.get('x-amz-date', '')
    seconds = time_value(date)
    if seconds is None:
        raise Refused('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header')
    payload = headers.get('x-amz-content-sha256')
    if payload is None and service == 's3':
        raise Refused('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
    body_hash = hashlib.sha256(request.body).hexdigest()
    if payload is None:
        payload = body_hash

    if authorization.service != service:
        raise Refused('AuthorizationHeaderMalformed', f'The service is not {service}.')
    if authorization.day != date[:8]:
        raise Refused('AuthorizationHeaderMalformed', 'The date of the scope is not that of x-amz-date.')
    if region is not None and authorization.region != region:
        raise Refused(
            'AuthorizationHeaderMalformed',
            f"The authorization header is malformed; the region '{authorization.region}' is wrong; expecting '{region}'", Region=region)
    keys = find_keys(authorization.access_key_id)
    if keys is None:
        raise Refused('InvalidAccessKeyId', AWSAccessKeyId=authorization.access_key_id)
    check_fields(headers, authorization.signed)
    if abs(seconds - now) > TOLERANCE:
        raise Refused('RequestTimeTooSkewed', RequestTime=date, ServerTime=time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(now)))

    text = canonical_request(request.method, request.path, request.query, headers, authorization.signed, payload)
    expected = signature(keys['secret_access_key'], date, authorization.region, service, text)
    if not hmac.compare_digest(expected, authorization.signature):
        raise Refused('SignatureDoesNotMatch', CanonicalRequest=text)
    if payload not in (UNSIGNED, body_hash):
        raise Refused('XAmzContentSHA256Mismatch')
    check_token(keys, headers.get('x-amz-security-token'), now)
    return keys


def check_token(keys, token, now):
    if keys.get('session_token') != token:
        raise Refused('InvalidToken')
    if keys.get('expires') is not None and now >= keys['expires']:
        raise Refused('ExpiredToken')
