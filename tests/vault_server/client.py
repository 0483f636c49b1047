"""A client for tests that says exactly what it is told to: signed by botocore, then bent as the test wants."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from types import TracebackType
from typing import Any, cast
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import calculate_tree_hash

from .process import VaultServer
from .rules import VERSION
from .sigv4 import Credential

MIB = 1 << 20


def tree_hash(data: bytes) -> str:
    """The tree hash (hex) as botocore computes it."""
    return str(calculate_tree_hash(cast(Any, BytesIO(data))))


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers (names lower-cased) and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def refusal(self) -> tuple[int, str]:
        """The status and the error's code."""
        return self.status, self.json["code"]


class _Signer(SigV4Auth):
    """botocore's signer, leaving some headers unsigned."""

    unsigned: tuple[str, ...] = ()

    def headers_to_sign(self, request: AWSRequest) -> Any:
        signed = super().headers_to_sign(request)
        for name in self.unsigned:
            del signed[name]
        return signed


class RawClient:
    """One connection to a vault server, kept alive between requests; a context manager."""

    def __init__(
        self, server: VaultServer, key: Credential | None = None, region: str | None = None, timeout: float = 30
    ) -> None:
        self.address = urlsplit(server.endpoint_url).netloc
        self._key = key or server.keys[0]
        self._region = region or server.region
        self._connection = http.client.HTTPConnection(self.address, timeout=timeout)

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def sign(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        unsigned: Iterable[str] = (),
        service: str = "glacier",
    ) -> dict[str, str]:
        """`headers` with those that every request has and a signature; `unsigned` ones are left out of that."""
        common = {"Host": self.address, "x-amz-glacier-version": VERSION, "Content-Length": str(len(body))}
        request = AWSRequest(method, f"http://{self.address}{path}", {**common, **headers}, data=body)
        signer = _Signer(Credentials(self._key.key_id, self._key.secret, self._key.token), service, self._region)
        signer.unsigned = tuple(unsigned)
        signer.add_auth(request)
        return {name: value for name, value in request.headers.items() if value is not None}

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        after: Mapping[str, str | None] | None = None,
        **signing: Any,
    ) -> Answer:
        """Sign and send a request; `after` changes (or, with None, drops) headers once they are signed."""
        signed = self.sign(method, path, headers or {}, body, **signing)
        return self.send_as_is(method, path, altered(signed, after or {}), body)

    def send_as_is(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Send just these headers and this body."""
        self._connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            self._connection.putheader(name, value)
        self._connection.endheaders(body)
        response = self._connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def put_part(self, path: str, start: int, data: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """UploadMultipartPart of `data` at `start`; `headers` replace the right ones."""
        return self.send("PUT", path, part_headers(start, data) | dict(headers or {}), data)

    def complete(self, path: str, data: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """CompleteMultipartUpload of an archive that is `data`; `headers` replace the right ones."""
        right = {"x-amz-archive-size": str(len(data)), "x-amz-sha256-tree-hash": tree_hash(data) if data else "0" * 64}
        return self.send("POST", path, right | dict(headers or {}))

    def open_socket(self) -> socket.socket:
        """A bare connection of its own to the server."""
        host, _, port = self.address.partition(":")
        return socket.create_connection((host, int(port)), timeout=30)


def altered(headers: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """`headers` with some replaced or, where the new value is None, dropped; names in any case."""
    new = {name.lower(): value for name, value in changes.items()}
    kept = {name: value for name, value in headers.items() if name.lower() not in new}
    return kept | {name: value for name, value in changes.items() if value is not None}


def part_headers(start: int, data: bytes) -> dict[str, str]:
    """The headers of an UploadMultipartPart (and, but for the range, of an UploadArchive)."""
    return {
        "Content-Range": f"bytes {start}-{start + len(data) - 1}/*",
        "x-amz-content-sha256": sha256(data).hexdigest(),
        "x-amz-sha256-tree-hash": tree_hash(data) if data else sha256(b"").hexdigest(),
    }


def head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    """A request's head as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")
