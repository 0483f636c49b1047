"""A vault server that answers as a test says: for what the strict one never does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from glacier_backup.destination.aws.access import Access
from glacier_backup.destination.glacier import Glacier

Answers = dict[tuple[str, str], tuple[int, object]]
"""By method and what follows the vault in the path: status, and body: bytes, or what becomes JSON."""


@contextmanager
def scripted(answers: Answers, headers: Mapping[str, str] | None = None) -> Iterator[tuple[Glacier, list[str]]]:
    """A vault named photos, and the requests that are made; every answer has these ``headers``. Takes credentials from
    the environment and looks at no signature."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer()

        def _answer(self) -> None:
            asked.append(f"{self.command} {self.path}")
            status, document = answers[self.command, self.path.removeprefix("/-/vaults/photos")]
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        access = Access(region="us-east-1", endpoint_url=f"http://127.0.0.1:{server.server_port}")
        with closing(Glacier("photos", "-", access, 3)) as glacier:
            yield glacier, asked
        server.shutdown()
