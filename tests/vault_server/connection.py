"""One client's connection: HTTP/1.1 with keep-alive, "100 Continue", and answers that may be large files."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from . import wire
from .body import Body, Reset
from .control import CONTROL_PATH
from .errors import ApiError
from .request import Request, Response, error_response

if TYPE_CHECKING:
    from .server import VaultHttpServer

LINGER_SECONDS = 2.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection(BaseHTTPRequestHandler):
    """Reads requests, has the service answer them, writes the answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: VaultHttpServer

    def setup(self) -> None:
        """Set the time-out that ends an idle connection and a body that stops coming."""
        super().setup()
        self.connection.settimeout(self.server.service.context.settings.timeout)
        self._counted = False

    def finish(self) -> None:
        """The client's connection is over."""
        try:
            super().finish()
        finally:
            if self._counted:
                self.server.service.traffic.disconnected()

    def handle_expect_100(self) -> bool:
        """Not yet: the body says when it is wanted."""
        return True

    def handle_one_request(self) -> None:
        """Read one request and answer it."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline:
                self.close_connection = True
            elif self.parse_request():
                self._exchange()
        except Reset as reset:
            self._reset(reset.after_seconds)
        except (ApiError, ConnectionError, TimeoutError):
            self.close_connection = True

    def _exchange(self) -> None:
        try:
            request = self._request()
            self._count(request)
            response = self.server.service.answer(request)
        except ApiError as error:
            self.close_connection = True
            self._send(error_response(error))
            return
        except ConnectionError:
            raise
        except Exception:
            # A defect of this server: the client gets an answer, socketserver writes the traceback into the log.
            self.close_connection = True
            self._send(error_response(ApiError("InternalFailure", "the test server has a defect, see its log")))
            raise
        # Refused before "100 Continue", or in the middle of a body, or without knowing where the body ends.
        refused_early = request.body.awaiting_continue
        if refused_early or response.status in (408, 411):
            self.close_connection = True
        self._send(response)
        if self.close_connection:
            self._linger()
        else:
            request.body.drain()

    def _count(self, request: Request) -> None:
        if not self._counted and request.path != CONTROL_PATH:
            self._counted = True
            self.server.service.traffic.connected()

    def _request(self) -> Request:
        path, _, query = self.requestline.split()[1].partition("?")
        headers = tuple((name.lower(), value.strip(" \t")) for name, value in self.headers.items())
        lengths = {value for name, value in headers if name == "content-length"}
        if len(lengths) > 1 or not all(value.isascii() and value.isdigit() for value in lengths):
            raise ApiError("BadRequest", "Content-Length is not one number")
        expects = (self.headers.get("Expect") or "").lower() == "100-continue"
        body = Body(self.rfile, int(lengths.pop()) if lengths else None, expects, self._go_on)
        return Request(self.command, path, query, headers, body)

    def _go_on(self) -> None:
        self.server.service.traffic.continued()
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _send(self, response: Response) -> None:
        for piece in wire.pieces(response, self.close_connection):
            self.wfile.write(piece)

    def _reset(self, after_seconds: float) -> None:
        """Close without the usual end: the client gets a reset (RST). Before that wait for it to give up by itself."""
        self.close_connection = True
        with suppress(OSError):
            if after_seconds:
                self.connection.settimeout(after_seconds)
                self.connection.recv(1, socket.MSG_PEEK)
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.rfile.close()
            self.connection.close()

    def _linger(self) -> None:
        """Let a client that is still sending read the answer first: closing at once would reset the connection."""
        until = time.monotonic() + LINGER_SECONDS
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(LINGER_SECONDS)
            while time.monotonic() < until and self.connection.recv(1 << 16):
                pass

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no HTTP request."""
        self.close_connection = True
        self._send(error_response(ApiError("BadRequest", message or "not an HTTP request")))

    def log_message(self, format: str, *args: object) -> None:
        """Keep silent: `Traffic` counts."""
