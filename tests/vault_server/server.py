"""The listening socket and its threads: one a connection."""

from __future__ import annotations

import socketserver

from .connection import Connection
from .context import Context, Settings
from .recovery import recover
from .service import Service


class VaultHttpServer(socketserver.ThreadingTCPServer):
    """A vault server on 127.0.0.1. Port 0 takes a free one; `endpoint` tells which."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, settings: Settings, port: int) -> None:
        context = Context(settings)
        recover(context)
        self.service = Service(context)
        super().__init__(("127.0.0.1", port), Connection)

    @property
    def endpoint(self) -> str:
        """The URL to give to a client as its endpoint."""
        return f"http://127.0.0.1:{self.server_address[1]}"
