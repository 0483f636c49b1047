"""A proxy between a client and an S3 server: it counts, and makes the trouble that neither server makes by itself."""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit

from glacier_backup.units import now, rfc3339


@dataclass
class Asked:
    """One request on its way; a rule may change its headers, and what it changes is what the server gets."""

    operation: str
    """As the API reference calls it."""
    key: str
    headers: dict[str, str]
    """Names in small letters."""
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What the client gets instead of the server's answer."""

    status: int
    code: str = ""
    message: str = "said the test"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    carried_out: bool = False
    """Whether the server is asked all the same."""
    cut: bool = False
    """Whether the connection is closed instead of an answer."""


Rule = Callable[[Asked], Answer | None]

_OPERATIONS = {
    ("HEAD", False): "HeadBucket",
    ("GET", False): "ListObjectsV2",
    ("HEAD", True): "HeadObject",
    ("GET", True): "GetObject",
    ("PUT", True): "PutObject",
    ("DELETE", True): "DeleteObject",
}
_BY_PARAMETER = {
    ("PUT", "partNumber"): "UploadPart",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("GET", "uploads"): "ListMultipartUploads",
    ("GET", "versioning"): "GetBucketVersioning",
    ("GET", "versions"): "ListObjectVersions",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("GET", "uploadId"): "ListParts",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("POST", "restore"): "RestoreObject",
}


def operation_of(method: str, target: str) -> tuple[str, str]:
    """What a request asks for, and the key."""
    url = urlsplit(target)
    given = parse_qs(url.query, keep_blank_values=True)
    key = unquote(url.path.lstrip("/").partition("/")[2])
    for (of, parameter), name in _BY_PARAMETER.items():
        if of == method and parameter in given:
            return name, key
    return _OPERATIONS.get((method, bool(key)), method), key


class Between:
    """The proxy, for the length of a `with` block. Rules are asked in order; the first answer counts."""

    def __init__(self, server: str) -> None:
        self.rules: list[Rule] = []
        self.asked: list[Asked] = []
        """All requests that came, without their bodies."""
        self.thaws = True
        """Whether time passes; until then what is asked to be thawed is about to, for moto knows no such state."""
        self.transferred = 0
        """Bytes of bodies that reached the server."""
        self.fetched = 0
        """Bytes of objects that the server handed out."""
        self._server = urlsplit(server)
        self._lock = threading.Lock()
        between = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60
            disable_nagle_algorithm = True

            def do(self) -> None:
                between._serve(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do

            def log_message(self, format: str, *args: object) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Between:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()

    def operations(self) -> list[str]:
        """What was asked for, in order."""
        return [one.operation for one in self.asked]

    def _serve(self, client: BaseHTTPRequestHandler) -> None:
        headers = {name.lower(): value for name, value in client.headers.items()}
        length = int(headers.get("content-length", 0))
        body = client.rfile.read(length)
        if len(body) < length:  # the client has broken off
            client.close_connection = True
            return
        asked = Asked(*operation_of(client.command, client.path), headers, body)
        with self._lock:
            self.asked.append(Asked(asked.operation, asked.key, dict(headers), b""))
            answer = next((said for rule in self.rules if (said := rule(asked)) is not None), None)
        if answer is None or answer.carried_out:
            status, given, content = self._forward(client, asked)
            if answer is None:
                _reply(client, status, given, content)
                return
        if answer.cut:
            client.close_connection = True
            return
        _reply(client, answer.status, {**answer.headers, "content-type": "application/xml"}.items(), _error(answer))

    def _forward(self, client: BaseHTTPRequestHandler, asked: Asked) -> tuple[int, list[tuple[str, str]], bytes]:
        server = http.client.HTTPConnection(self._server.hostname or "", self._server.port or 80, timeout=60)
        try:
            headers = {name: value for name, value in asked.headers.items() if name != "expect"}
            server.request(client.command, client.path, asked.body, headers)
            answer = server.getresponse()
            content = answer.read()
        finally:
            server.close()
        with self._lock:
            self.transferred += len(asked.body)
            self.fetched += len(content) if asked.operation == "GetObject" else 0
        if asked.operation == "UploadPart" and answer.status == 500:
            # moto's way to say that it doesn't know the upload.
            return 404, [("content-type", "application/xml")], _error(Answer(404, "NoSuchUpload"))
        if asked.operation == "ListMultipartUploads":
            # moto began all uploads in 2010.
            content = content.replace(b"2010-11-10T20:48:33.000Z", rfc3339(now()).encode())
        given = answer.getheaders()
        if not self.thaws and answer.getheader("x-amz-restore"):
            if asked.operation == "GetObject":
                return 403, [("content-type", "application/xml")], _error(Answer(403, "InvalidObjectState"))
            given = [(name, value) for name, value in given if name.lower() != "x-amz-restore"]
            given.append(("x-amz-restore", 'ongoing-request="true"'))
        return answer.status, given, content


def _reply(client: BaseHTTPRequestHandler, status: int, headers: object, content: bytes) -> None:
    client.send_response_only(status)
    length = str(len(content))
    for name, value in headers:  # type: ignore[attr-defined]  # pairs
        if name.lower() == "content-length":
            length = value if client.command == "HEAD" else length
        elif name.lower() not in ("transfer-encoding", "connection"):
            client.send_header(name, value)
    client.send_header("Content-Length", length)
    client.end_headers()
    if client.command != "HEAD":
        client.wfile.write(content)


def _error(answer: Answer) -> bytes:
    if answer.body is not None:
        return answer.body
    return f"<Error><Code>{answer.code}</Code><Message>{answer.message}</Message></Error>".encode()


def of(operation: str, answer: Answer, times: int = 1_000_000) -> Rule:
    """A rule that answers so to one operation, the first ``times`` times."""
    left = times

    def rule(asked: Asked) -> Answer | None:
        nonlocal left
        if asked.operation != operation or not left:
            return None
        left -= 1
        return answer

    return rule


def without(header: str) -> Rule:
    """A rule that keeps a header from the server, which then can't honour it."""

    def rule(asked: Asked) -> None:
        for name in [name for name in asked.headers if name.startswith(header)]:
            del asked.headers[name]

    return rule


def trouble(seed: int, rate: float) -> Rule:
    """A rule that makes what trouble passes by itself, for a part of all requests."""
    chance = random.Random(seed)
    kinds = (
        Answer(503, "SlowDown"),
        Answer(500, "InternalError"),
        Answer(400, "RequestTimeout"),
        Answer(0, cut=True),
        Answer(0, cut=True, carried_out=True),
    )
    return lambda asked: chance.choice(kinds) if chance.random() < rate else None
