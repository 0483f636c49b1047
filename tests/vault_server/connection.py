"""One client's connection: HTTP/1.1 with keep-alive, "100 Continue", and answers that may be large files."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from .body import Body, ClientGone
from .control import CONTROL_PATH
from .errors import ApiError
from .ids import REQUEST_ID_LENGTH, IdMaker
from .request import FileSlice, Request, Response, error_response

if TYPE_CHECKING:
    from .server import VaultHttpServer

LINGER_SECONDS = 2.0
_REQUEST_IDS = IdMaker(REQUEST_ID_LENGTH)


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
        self.send_response_only(response.status)
        # Developer guide "Common Response Headers".
        self.send_header("x-amzn-RequestId", _REQUEST_IDS.new())
        self.send_header("Date", self.date_time_string())
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != 204:
            self.send_header("Content-Length", str(response.size))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if isinstance(response.body, FileSlice):
            self._send_file(response.body)
        elif response.body:
            self.wfile.write(response.body)

    def _send_file(self, part: FileSlice) -> None:
        left = part.size
        with part.path.open("rb") as file:
            file.seek(part.offset)
            while left:
                block = file.read(min(left, 1 << 20))
                if not block:
                    raise ClientGone
                self.wfile.write(block)
                left -= len(block)

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
