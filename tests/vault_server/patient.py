"""A correct client, as small as can be: every request is tried ten times, an expired upload is begun anew."""

from __future__ import annotations

import time
from http.client import HTTPException

from .checksums import TREE
from .client import MIB, Answer, RawClient, part_headers, tree_hash
from .process import VaultServer

TRIES = 10
_PASSING = (408, 429, 500, 502, 503, 504)


class GaveUp(Exception):
    """All tries of one request were in vain."""


class Expired(Exception):
    """The upload is not known any more."""


class PatientClient:
    """Sends to one vault; waits `timeout` seconds for an answer and `pause` seconds between `tries` of a request."""

    def __init__(
        self, server: VaultServer, vault: str, *, tries: int = TRIES, timeout: float = 5, pause: float = 0
    ) -> None:
        self._server = server
        self._uploads = f"/-/vaults/{vault}/multipart-uploads"
        self._tries = tries
        self._timeout = timeout
        self._pause = pause

    def send(self, data: bytes, description: str = "") -> str:
        """Send an archive in parts of 1 MiB; gives its id."""
        while True:
            try:
                return self._send(data, description)
            except Expired:
                continue

    def _send(self, data: bytes, description: str) -> str:
        wanted = {"x-amz-part-size": str(MIB), "x-amz-archive-description": description or "a"}
        upload = self._ask("POST", self._uploads, wanted).headers["x-amz-multipart-upload-id"]
        path = f"{self._uploads}/{upload}"
        for start in range(0, len(data), MIB):
            part = data[start : start + MIB]
            self._ask("PUT", path, part_headers(start, part), part, tree_hash(part))
        whole = {"x-amz-archive-size": str(len(data)), TREE: tree_hash(data)}
        return self._ask("POST", path, whole, expected=whole[TREE]).headers["x-amz-archive-id"]

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b"", expected: str | None = None
    ) -> Answer:
        for _ in range(self._tries):
            answer = self._try(method, path, headers, body)
            if answer and answer.headers.get(TREE) == expected:
                return answer
            time.sleep(self._pause)
        raise GaveUp(f"{method} {path}")

    def _try(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer | None:
        try:
            with RawClient(self._server, timeout=self._timeout) as client:
                answer = client.send(method, path, headers, body)
        except (OSError, HTTPException):
            return None
        if answer.status == 404:
            raise Expired
        if answer.status in _PASSING or (answer.status == 400 and answer.json["code"] == "ThrottlingException"):
            return None
        assert answer.status < 300, answer.body
        return answer
