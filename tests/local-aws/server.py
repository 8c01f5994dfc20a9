"""The two doors: a plain HTTP endpoint, and an HTTP CONNECT proxy behind which
every name of amazonaws.com, amazonaws.com.cn and amazonaws.eu is this process.
"""

import http.server
import socket
import socketserver
import ssl
import struct
import sys
import traceback
from http import HTTPStatus

from faults import Broken
from request import DOMAIN, Request


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    secure = False

    def answer(self):
        request = Request(self.command, self.path, self.headers.items(), self._body(), self.secure)
        try:
            answer = self.server.aws.answer(request)
        except Broken as broken:
            self._break_off(broken.sent)
        except Exception:
            traceback.print_exc()
            self.reply(500, {}, b"")
        else:
            self.reply(answer.status, answer.headers, answer.body)

    def _break_off(self, sent):
        self.close_connection = True
        if sent:
            self.wfile.write(sent)
        else:
            # Unsent data is dropped and the peer gets a reset (socket(7), SO_LINGER).
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    def do_CONNECT(self):
        self.close_connection = True
        host, _, port = self.path.rpartition(":")
        if not self.server.proxy or port != "443" or not DOMAIN.fullmatch(host.lower()):
            return self.reply(403, {}, b"")
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        context = self.server.certificates.context(host.lower())
        try:
            with context.wrap_socket(self.connection, server_side=True) as tls:
                Tunnel(tls, self.client_address, self.server)
        except (ConnectionError, ssl.SSLEOFError):
            pass
        except (ssl.SSLError, OSError) as error:
            print(f"{host}: {error}", file=sys.stderr)

    def _body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def reply(self, status, headers, body):
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self.command != "HEAD" and status != 204:
            lines.append(f"Content-Length: {len(body)}")
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        self.wfile.write(head if self.command == "HEAD" else head + body)

    def log_message(self, *_):
        pass


class Tunnel(Handler):
    secure = True

    def do_CONNECT(self):
        self.reply(403, {}, b"")


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, port, aws, certificates=None):
        super().__init__(("127.0.0.1", port), Handler)
        self.aws, self.certificates = aws, certificates
        self.proxy = certificates is not None

    def server_bind(self):
        # HTTPServer looks its own name up here, which may ask a resolver.
        socketserver.TCPServer.server_bind(self)
        self.port = self.server_address[1]

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
