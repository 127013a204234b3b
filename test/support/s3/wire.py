# Sockets and HTTP/1.1 for the servers of the tests: listeners, connections, requests, and answers
# that are delivered whole or, where a test wants it, not.

import fcntl
import os
import select
import socket
import ssl
import struct
import termios
import threading
import time
from http.client import responses

HEAD_LIMIT = 64 * 1024
PIECE = 64 * 1024


class Gone(Exception):
    """The connection is at its end."""


class Request:
    def __init__(self, raw, body, connection):
        lines = raw.decode('latin-1').split('\r\n')
        self.method, self.target, self.version = lines[0].split(' ')
        self.path, _, self.query = self.target.partition('?')
        self.fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(':') for line in lines[1:] if line)]
        self.headers = {}
        for name, value in self.fields:
            self.headers[name] = f'{self.headers[name]},{value}' if name in self.headers else value
        self.raw = raw
        self.body = body
        self.connection = connection


class Bytes:
    """A body that is in memory."""

    def __init__(self, data):
        self.data = data
        self.length = len(data)

    def pieces(self, size):
        for start in range(0, self.length, size):
            yield self.data[start:start + size]


class FilePart:
    """A body that is a part of a file."""

    def __init__(self, path, offset, length):
        self.path, self.offset, self.length = path, offset, length

    def pieces(self, size):
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            for start in range(0, self.length, size):
                yield os.pread(descriptor, min(size, self.length - start), self.offset + start)
        finally:
            os.close(descriptor)


class Filled:
    """A body of one text, many times between two others."""

    def __init__(self, before, text, times, after):
        self.before, self.text, self.times, self.after = before, text, times, after
        self.length = len(before) + len(text) * times + len(after)

    def pieces(self, size):
        yield self.before
        each = max(1, size // len(self.text))
        for start in range(0, self.times, each):
            yield self.text * min(each, self.times - start)
        yield self.after


class Answer:
    def __init__(self, status, body=b'', headers=()):
        self.status = status
        self.headers = dict(headers)
        self.body = body if hasattr(body, 'pieces') else Bytes(body)


class Delivery:
    """How an answer reaches the client.  The faults change this."""

    def __init__(self):
        self.version = 'HTTP/1.1'
        self.silence = None      # seconds in which nothing comes; the connection ends then
        self.end_first = None    # "close" or "reset": before the answer
        self.end_after = None    # bytes of the body
        self.end_by = 'close'
        self.stall_after = None  # bytes of the body
        self.stall_seconds = 0
        self.rate = None         # bytes a second
        self.chunked = False
        self.length_change = 0   # of Content-Length
        self.keep = True         # the connection, behind the answer
        self.continue_first = False

    def marks(self):
        """What happens within the body: (bytes before it, what)."""
        marks = []
        if self.stall_after is not None:
            marks.append((self.stall_after, 'stall'))
        if self.end_after is not None:
            marks.append((self.end_after, self.end_by))
        return sorted(marks)


class Connection:
    def __init__(self, listener, sock, number):
        self.listener = listener
        self.sock = sock
        self.number = number
        self.buffer = b''

    # ---------- life ----------

    def run(self):
        counters = self.listener.counters
        counters.connected(self.listener.name)
        try:
            if self.listener.tls:
                self.sock = self.listener.tls.wrap_socket(self.sock, server_side=True)
            while True:
                request = self.read_request()
                with counters.serving(self.listener.name):
                    exchange = self.listener.serve(request)
                    counters.answering(exchange)
                    self.deliver(exchange)
                if not exchange.delivery.keep or request.headers.get('connection', '').lower() == 'close':
                    break
        except (Gone, OSError, ValueError):
            pass
        finally:
            self.sock.close()
            counters.disconnected(self.listener.name)

    def reset(self):
        """RST instead of FIN, once the client has all that was sent: it is lost otherwise."""
        until = time.monotonic() + 10
        while time.monotonic() < until and unacknowledged(self.sock):
            time.sleep(0.001)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.sock.close()
        raise Gone

    def wait(self, seconds):
        """The client says nothing while it waits for an answer; if it does, it is closing."""
        if select.select([self.sock], [], [], seconds)[0]:
            raise Gone

    # ---------- in ----------

    def more(self):
        data = self.sock.recv(PIECE)
        if not data:
            raise Gone
        self.buffer += data

    def read_request(self):
        while (end := self.buffer.find(b'\r\n\r\n')) < 0:
            if len(self.buffer) > HEAD_LIMIT:
                raise Gone
            self.more()
        raw, self.buffer = self.buffer[:end], self.buffer[end + 4:]
        request = Request(raw, b'', self.number)
        if request.headers.get('expect', '').lower() == '100-continue':
            self.sock.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')
        length = int(request.headers.get('content-length', 0))
        parts = [self.buffer[:length]]
        self.buffer = self.buffer[length:]
        missing = length - len(parts[0])
        while missing:
            parts.append(self.sock.recv(min(missing, PIECE)))
            if not parts[-1]:
                raise Gone
            missing -= len(parts[-1])
        request.body = b''.join(parts)
        return request

    # ---------- out ----------

    def deliver(self, exchange):
        how, answer = exchange.delivery, exchange.answer

        if how.silence is not None:
            self.wait(how.silence)
            raise Gone
        if how.end_first == 'reset':
            self.reset()
        if how.end_first == 'close':
            raise Gone
        head = self.head(answer, how)
        if exchange.request.method == 'HEAD' or answer.status in (204, 304):
            self.sock.sendall(head)
        else:
            self.send_body(head, exchange)

    def head(self, answer, how):
        lines = [f'{how.version} {answer.status} {responses.get(answer.status, "Unknown")}']
        lines += [f'{name}: {value}' for name, value in answer.headers.items()]
        if how.chunked:
            lines.append('Transfer-Encoding: chunked')
        elif answer.body.length is not None and how.length_change is not None:
            lines.append(f'Content-Length: {answer.body.length + how.length_change}')
        if not how.keep:
            lines.append('Connection: close')
        before = 'HTTP/1.1 100 Continue\r\n\r\n' if how.continue_first else ''
        return (before + '\r\n'.join(lines) + '\r\n\r\n').encode('latin-1')

    def send_body(self, head, exchange):
        how, body = exchange.delivery, exchange.answer.body
        marks = how.marks()
        piece_size = PIECE if how.rate is None else max(1, min(PIECE, how.rate // 20))
        pieces = body.pieces(piece_size)

        # head and body of a small answer in one packet
        if body.length <= PIECE and not marks and how.rate is None:
            data = b''.join(pieces)
            self.count(exchange, len(data))
            self.sock.sendall(head + self.framed(data, how) + (b'0\r\n\r\n' if how.chunked else b''))
            return

        self.sock.sendall(head)
        for piece in pieces:
            while marks and marks[0][0] <= exchange.sent + len(piece):
                at, what = marks.pop(0)
                cut = max(0, at - exchange.sent)
                self.send_piece(piece[:cut], exchange)
                piece = piece[cut:]
                self.happen(what, how)
            self.send_piece(piece, exchange)
        for _, what in marks:
            self.happen(what, how)
        if how.chunked:
            self.sock.sendall(b'0\r\n\r\n')

    def happen(self, what, how):
        if what == 'stall':
            self.wait(how.stall_seconds)
        elif what == 'reset':
            self.reset()
        else:
            raise Gone

    def framed(self, data, how):
        return b'%x\r\n%s\r\n' % (len(data), data) if how.chunked and data else data

    def count(self, exchange, size):
        """Before it is sent: whoever has an answer finds it counted."""
        exchange.sent += size
        self.listener.counters.sending(exchange, size)

    def send_piece(self, piece, exchange):
        how = exchange.delivery
        if piece:
            self.count(exchange, len(piece))
            self.sock.sendall(self.framed(piece, how))
            if how.rate is not None:
                self.wait(len(piece) / how.rate)


def unacknowledged(sock):
    """Bytes that were sent, and have not arrived (SIOCOUTQ, tcp(7))."""
    return struct.unpack('i', fcntl.ioctl(sock, termios.TIOCOUTQ, b'\0' * 4))[0]


class Exchange:
    """A request, what is answered, and how."""

    def __init__(self, request, role):
        self.request = request
        self.role = role
        self.kind = '?'
        self.bucket = self.key = None  # bytes
        self.access_key_id = None
        self.answer = None
        self.page = None               # of a list
        self.delivery = Delivery()
        self.faults = []
        self.sent = 0                  # bytes of the body
        self.began = time.time()


class Listener(threading.Thread):
    """serve: Request -> Exchange."""

    def __init__(self, name, serve, counters, tls=None, port=0):
        super().__init__(daemon=True, name=name)
        self.serve, self.counters, self.tls = serve, counters, tls
        self.sock = socket.create_server(('127.0.0.1', port), backlog=256)
        self.port = self.sock.getsockname()[1]
        self.start()

    def run(self):
        number = 0
        while True:
            sock, _ = self.sock.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number += 1
            threading.Thread(target=Connection(self, sock, f'{self.name}/{number}').run, daemon=True).start()


def tls_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context
