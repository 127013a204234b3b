# Where temporary keys come from: the instance metadata service (version 2, or only the old one),
# the endpoint that containers have, and STS's AssumeRoleWithWebIdentity.  S3 takes the keys.

import json
import os
import threading
import time
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import wire


class Identity:
    """What a test may set of all three, and the keys that were given away."""

    def __init__(self, settings):
        self.settings = settings
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        self.issued = {}
        self.serial = 0
        self.lifetime = 3600             # seconds
        self.instance = 'v2'             # "v1": knows no tokens; "stall": never answers; "no_role"; "failed": a role without keys
        self.role = 'flow-logs-reader'
        self.container_token = 'container-token'
        self.container_path = '/v2/credentials/0f1e2d3c'
        self.web_token = 'web-identity-token'
        self.role_arn = 'arn:aws:iam::123456789012:role/flow-logs-reader'

    SETTINGS = ('lifetime', 'instance', 'role', 'container_token', 'container_path', 'web_token', 'role_arn')

    def configure(self, settings):
        for name, value in settings.items():
            if name not in self.SETTINGS:
                raise ValueError(f'the identity has no setting {name}')
            setattr(self, name, value)

    def issue(self, by):
        """New keys, each time."""
        with self.lock:
            self.serial += 1
            keys = {
                'access_key_id': f'ASIA{by.upper():X<8.8}{self.serial:08d}',
                'secret_access_key': f'issued/{by}+{os.urandom(12).hex()}',
                'session_token': f'token/{by}+{os.urandom(24).hex()}==',
                'expires': self.settings.now() + self.lifetime}
            self.issued[keys['access_key_id']] = keys
        return keys

    def expiration(self, keys):
        return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(keys['expires']))


def text_answer(status, text=''):
    return wire.Answer(status, text.encode(), {'Content-Type': 'text/plain'})


def json_answer(status, value):
    return wire.Answer(status, json.dumps(value).encode(), {'Content-Type': 'application/json'})


class InstanceService:
    """IMDS, at /latest/."""

    ROLES = '/latest/meta-data/iam/security-credentials/'

    def __init__(self, identity):
        self.identity = identity
        self.tokens = {}  # to when they expire

    def answer(self, exchange):
        request = exchange.request
        exchange.kind = 'IMDS'
        if self.identity.instance == 'stall':
            exchange.delivery.silence = 3600
        if request.path == '/latest/api/token':
            return self.give_token(request)
        if self.identity.instance != 'v1' and not self.knows(request.headers.get('x-aws-ec2-metadata-token')):
            return text_answer(401)
        if self.identity.instance == 'no_role' or not request.path.startswith(self.ROLES):
            return text_answer(404)
        role = request.path[len(self.ROLES):]
        if role == '':
            return text_answer(200, self.identity.role)
        if role != self.identity.role:
            return text_answer(404)
        return self.give_keys()

    def give_token(self, request):
        if self.identity.instance == 'v1':
            return text_answer(403)
        seconds = request.headers.get('x-aws-ec2-metadata-token-ttl-seconds', '')
        if request.method != 'PUT':
            return text_answer(405)
        # a proxy in between is refused
        if 'x-forwarded-for' in request.headers:
            return text_answer(403)
        if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
            return text_answer(400)
        token = os.urandom(30).hex() + '=='
        self.tokens[token] = time.time() + int(seconds)
        answer = text_answer(200, token)
        answer.headers['X-Aws-Ec2-Metadata-Token-Ttl-Seconds'] = seconds
        return answer

    def knows(self, token):
        return self.tokens.get(token, 0) > time.time()

    def give_keys(self):
        if self.identity.instance == 'failed':
            return json_answer(200, {'Code': 'AssumeRoleUnauthorizedAccess', 'Message': 'EC2 cannot assume the role.'})
        keys = self.identity.issue('instance')
        return json_answer(200, {
            'Code': 'Success', 'LastUpdated': '2026-01-30T00:00:00Z', 'Type': 'AWS-HMAC', 'AccessKeyId': keys['access_key_id'],
            'SecretAccessKey': keys['secret_access_key'], 'Token': keys['session_token'], 'Expiration': self.identity.expiration(keys)})


class ContainerService:
    """The endpoint of ECS and EKS, at container_path."""

    def __init__(self, identity):
        self.identity = identity

    def answer(self, exchange):
        exchange.kind = 'CONTAINER'
        if exchange.request.method != 'GET':
            return text_answer(405)
        if exchange.request.headers.get('authorization') != self.identity.container_token:
            return json_answer(403, {'code': 'AccessDenied', 'message': 'no such token'})
        keys = self.identity.issue('container')
        return json_answer(200, {
            'RoleArn': self.identity.role_arn, 'AccessKeyId': keys['access_key_id'], 'SecretAccessKey': keys['secret_access_key'],
            'Token': keys['session_token'], 'Expiration': self.identity.expiration(keys)})


class TokenService:
    """STS, at /."""

    NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

    def __init__(self, identity):
        self.identity = identity

    def answer(self, exchange):
        exchange.kind = 'STS'
        request = exchange.request
        text = request.query if request.method == 'GET' else request.body.decode()
        asked = {name: values[0] for name, values in parse_qs(text).items()}
        if 'authorization' in request.headers:
            return self.error('InvalidParameterValue', 'AssumeRoleWithWebIdentity is not signed')
        if asked.get('Action') != 'AssumeRoleWithWebIdentity' or asked.get('Version') != '2011-06-15':
            return self.error('InvalidAction', 'Could not find operation')
        if asked.get('WebIdentityToken') != self.identity.web_token:
            return self.error('InvalidIdentityToken', 'The token is not known')
        if asked.get('RoleArn') != self.identity.role_arn:
            return self.error('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity', 403)
        if not asked.get('RoleSessionName') or not 900 <= int(asked.get('DurationSeconds', 3600)) <= 43200:
            return self.error('ValidationError', 'RoleSessionName or DurationSeconds')
        return self.give_keys()

    def give_keys(self):
        keys = self.identity.issue('web')
        return wire.Answer(200, (
            f'<AssumeRoleWithWebIdentityResponse xmlns="{self.NAMESPACE}"><AssumeRoleWithWebIdentityResult>'
            f'<SubjectFromWebIdentityToken>system:serviceaccount:default:logs</SubjectFromWebIdentityToken>'
            f'<AssumedRoleUser><Arn>{escape(self.identity.role_arn)}</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser>'
            f'<Credentials><AccessKeyId>{keys["access_key_id"]}</AccessKeyId>'
            f'<SecretAccessKey>{keys["secret_access_key"]}</SecretAccessKey><SessionToken>{keys["session_token"]}</SessionToken>'
            f'<Expiration>{self.identity.expiration(keys)}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>'
            f'<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>').encode(),
            {'Content-Type': 'text/xml'})

    def error(self, code, message, status=400):
        return wire.Answer(status, (
            f'<ErrorResponse xmlns="{self.NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
            f'<Message>{escape(message)}</Message></Error><RequestId>0</RequestId></ErrorResponse>').encode(), {'Content-Type': 'text/xml'})


class IdentityServices:
    """All three behind one listener; the path tells which is meant."""

    def __init__(self, identity):
        self.identity = identity
        self.instance = InstanceService(identity)
        self.container = ContainerService(identity)
        self.tokens = TokenService(identity)

    def answer(self, exchange):
        path = exchange.request.path
        if path.startswith('/latest/'):
            service = self.instance
        elif path == self.identity.container_path:
            service = self.container
        else:
            service = self.tokens
        exchange.answer = service.answer(exchange)

    def add_common(self, answer):
        """As of S3, for the faults' answers."""
