"""A TCP relay that makes the way to a server longer, or breaks it. Only threads: benchmarks use it, too."""

from __future__ import annotations

import queue
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType

_BLOCK = 256 * 1024


class Relay:
    """Listens on a free port and hands on to ``port``, both on loopback, for the length of a ``with`` block.

    ``delay``: seconds that each byte takes in either direction, so that a round trip takes twice that; it limits no
    throughput. ``drop_after``: bytes, both directions together, after which a connection is broken; None for never.
    Both may be changed at any time.
    """

    def __init__(self, port: int, delay: float = 0.0, drop_after: int | None = None) -> None:
        self.delay = delay
        self.drop_after = drop_after
        self.connections = 0
        """How many were ever made."""
        self.upstream = 0
        """Bytes that went to the server, ever."""
        self.refusing = False
        """Whether new connections are closed at once."""
        self._to = port
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]

    def __enter__(self) -> Relay:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.break_all()

    def break_all(self) -> None:
        """Break every connection that there is now."""
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            _shut(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._to))
            self.connections += 1
            _Way(self, client, server).start()

    def _add(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._sockets.update(sockets)

    def _forget(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._sockets.difference_update(sockets)


class _Way:
    """One connection, in both directions."""

    def __init__(self, relay: Relay, client: socket.socket, server: socket.socket) -> None:
        self._relay = relay
        self._ends = client, server
        self._count = 0
        self._running = 2
        self._lock = threading.Lock()
        for one in self._ends:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        client, server = self._ends
        self._relay._add(client, server)
        for source, target in ((client, server), (server, client)):
            waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
            threading.Thread(target=self._receive, args=(source, target, waiting), daemon=True).start()
            threading.Thread(target=self._send, args=(target, waiting), daemon=True).start()

    def _receive(
        self, source: socket.socket, target: socket.socket, waiting: queue.SimpleQueue[tuple[float, bytes]]
    ) -> None:
        data = b"-"
        while data:
            try:
                data = source.recv(_BLOCK)
            except OSError:
                data = b""
            if self._is_too_much(len(data), upstream=target is self._ends[1]):
                self._break()
                data = b""
            waiting.put((time.monotonic() + self._relay.delay, data))

    def _send(self, target: socket.socket, waiting: queue.SimpleQueue[tuple[float, bytes]]) -> None:
        data = b"-"
        while data:
            due, data = waiting.get()
            if (early := due - time.monotonic()) > 0:
                time.sleep(early)
            try:
                target.sendall(data)
            except OSError:
                break
        self._break()
        with self._lock:
            self._running -= 1
            last = self._running == 0
        if last:
            self._relay._forget(*self._ends)
            for one in self._ends:
                one.close()

    def _is_too_much(self, count: int, *, upstream: bool) -> bool:
        with self._lock:
            self._count += count
            too_much = self._relay.drop_after is not None and self._count > self._relay.drop_after
        if upstream:
            with self._relay._lock:
                self._relay.upstream += count
        return too_much

    def _break(self) -> None:
        for one in self._ends:
            _shut(one)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
