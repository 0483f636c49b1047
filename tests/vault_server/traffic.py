"""What went over the wire, counted: enough for a test to tell how a client behaved."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from .request import Response


class Traffic:
    """Counts of connections, of requests per operation and of refusals per code."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections = 0
        self._connected = 0
        self._continued = 0
        self._unanswered = 0
        self._operations: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def connected(self) -> None:
        """A client connected, and not for the side door alone."""
        with self._lock:
            self._connections += 1
            self._connected += 1

    def disconnected(self) -> None:
        """One that was counted as connected is gone, and all that it had sent is dealt with."""
        with self._lock:
            self._connected -= 1

    def continued(self) -> None:
        """A client was told "100 Continue"."""
        with self._lock:
            self._continued += 1

    def count(self, operation: str, response: Response) -> None:
        """A request for `operation` got this answer."""
        with self._lock:
            self._operations[operation] += 1
            self._statuses[str(response.status)] += 1
            self._bytes[operation] += response.size if response.status < 300 else 0
            if response.code:
                self._errors[response.code] += 1

    def unanswered(self, operation: str) -> None:
        """A request for `operation` got no answer, by an injected fault."""
        with self._lock:
            self._operations[operation] += 1
            self._unanswered += 1

    def summary(self) -> dict[str, Any]:
        """`connections`, `connected` (those open now), `continued`, `unanswered`, and the counters `operations`,
        `statuses`, `errors` and, of answers' bodies, `bytes` per operation."""
        with self._lock:
            return {
                "connections": self._connections,
                "connected": self._connected,
                "continued": self._continued,
                "unanswered": self._unanswered,
                "operations": dict(self._operations),
                "statuses": dict(self._statuses),
                "errors": dict(self._errors),
                "bytes": dict(self._bytes),
            }
