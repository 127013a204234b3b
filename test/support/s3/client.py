# A small client of S3 that signs for itself, for filling buckets and for testing the server.

import http.client
import json
import socket
import ssl
from urllib.parse import quote, urlencode

import signature


class Client:
    """One connection, path style.  keys None: anonymous."""

    def __init__(self, port, keys=None, region='us-east-1', host='127.0.0.1', ca_file=None, now=None, timeout=60):
        self.keys, self.region, self.now = keys, region, now
        self.host = f'{host}:{port}'
        if ca_file is None:
            self.http = http.client.HTTPConnection('127.0.0.1', port, timeout=timeout)
        else:
            self.http = http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context(cafile=ca_file))

    def close(self):
        self.http.close()

    def prepare(self, method, path, query='', headers=None, body=b'', host=None):
        """The header fields, signed."""
        fields = {'host': host or self.host, **{name.lower(): value for name, value in (headers or {}).items()}}
        if self.keys is not None:
            signature.sign(method, path, query, fields, self.keys, self.region, now=self.now, body=body)
        return fields

    def request(self, method, path, query='', headers=None, body=b'', host=None):
        """path and query are encoded.  Returns (status, fields in lower case, body)."""
        fields = self.prepare(method, path, query, headers, body, host)
        return self.send(method, path, query, fields, body)

    def send(self, method, path, query, fields, body=b''):
        self.http.putrequest(method, path + (f'?{query}' if query else ''), skip_host=True, skip_accept_encoding=True)
        for name, value in fields.items():
            self.http.putheader(name, value)
        if body or method in ('PUT', 'POST'):
            self.http.putheader('content-length', str(len(body)))
        self.http.endheaders(body or None)
        response = self.http.getresponse()
        data = response.read()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, data

    def get(self, bucket, key, **headers):
        return self.request('GET', object_path(bucket, key), headers={name.replace('_', '-'): value for name, value in headers.items()})

    def head(self, bucket, key=''):
        return self.request('HEAD', object_path(bucket, key))

    def put(self, bucket, key, body):
        return self.request('PUT', object_path(bucket, key), body=body)

    def make_bucket(self, bucket):
        return self.request('PUT', f'/{bucket}')

    def list(self, bucket, **parameters):
        """ListObjectsV2: prefix='a/', start_after='b'."""
        asked = {'list-type': '2', 'encoding-type': 'url', **{name.replace('_', '-'): value for name, value in parameters.items()}}
        return self.request('GET', f'/{bucket}', urlencode(sorted(asked.items()), quote_via=quote, safe='-._~'))


def object_path(bucket, key):
    return f'/{bucket}/{signature.encode(key, "/")}' if key else f'/{bucket}'


class Control:
    """The server's other side."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, name, value=None):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        body = None if value is None and method == 'GET' else json.dumps(value).encode()
        connection.request(method, f'/-/{name}', body)
        response = connection.getresponse()
        result = json.loads(response.read())
        connection.close()
        if response.status != 200:
            raise ValueError(result['error'])
        return result

    def get(self, name):
        return self.ask('GET', name)

    def post(self, name, value=None):
        return self.ask('POST', name, value)


def raw(port, data, timeout=60, expect=0):
    """
    What comes on a connection until it ends, and how: "end", "reset" or "timeout".  As many bytes as are expected may
    take a minute.
    """
    with socket.create_connection(('127.0.0.1', port), timeout=60) as sock:
        sock.sendall(data)
        parts, size = [], 0
        try:
            while True:
                sock.settimeout(timeout if size >= expect else 60)
                if not (piece := sock.recv(65536)):
                    break
                parts.append(piece)
                size += len(piece)
            how = 'end'
        except ConnectionResetError:
            how = 'reset'
        except (TimeoutError, socket.timeout):
            how = 'timeout'
    return b''.join(parts), how
