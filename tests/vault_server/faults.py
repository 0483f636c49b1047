"""Faults as they go along: who meets the next one, how many there were, and a journal that outlives the process.

Repeatable by seed: of each operation, the nth request since the lever was pulled meets the same fault, in every run.
So a client that sends one request after another meets the same faults at the same places. With several requests at
once it is still the nth of its operation that is hit, but which part or upload that is, is a matter of the race; so
is where `at_most` cuts off between operations, and, with `in_a_row`, which of two concurrent requests is let through.
Never repeated: the ids, the order of ListMultipartUploads, and times.

The journal (`ROOT/faults.log`, JSON lines: the plan, then each request that was asked about) is read again by the next
process on the same root: counts, limits and numbers go on where a killed server was.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, deque
from pathlib import Path
from typing import Any

from . import disk
from .clock import Clock
from .fault_plan import Fault, Plan
from .fault_reading import read_plan
from .request import Request
from .routes import Call
from .uploads import UploadStore

JOURNAL = "faults.log"
LAST = 100


class Faults:
    """The faults of one server."""

    def __init__(self, root: Path, uploads: UploadStore, clock: Clock) -> None:
        self._path = root / JOURNAL
        self._uploads = uploads
        self._clock = clock
        self._lock = threading.Lock()
        self._document: object = None
        self._plan: Plan | None = None
        self._count_anew()
        for line in disk.read_lines(self._path):
            if "plan" in line:
                self._set(line["plan"])
            else:
                self._note(line)

    def set(self, document: object) -> None:
        """Follow a plan from now on, with counts and journal begun anew; None: no more faults, the report stays."""
        with self._lock:
            self._set(document)
            if document is not None:
                disk.write_bytes(self._path, b"")
            disk.append_line(self._path, {"plan": document})

    def draw(self, request: Request, call: Call) -> Fault | None:
        """The fault that this request meets, counted and in the journal by then."""
        with self._lock:
            if self._plan is None:
                return None
            nth = self._seen[call.operation] + 1
            line = {"operation": call.operation, "request": _identity(request)}
            fault = self._plan.at(call.operation, nth)
            if fault and self._allowed(fault, call, line["request"]):
                line |= self._event(fault, nth, request, call)
            else:
                fault = None
            disk.append_line(self._path, line)
            self._note(line)
            return fault

    def report(self) -> dict[str, Any]:
        """What was injected: `injected` (how many), by kind, by operation and kind, the last 100 `events`; the `plan`
        in force (or null), and how many requests of each operation were `seen` since it was set."""
        with self._lock:
            return {
                "plan": self._document,
                "seen": dict(self._seen),
                "injected": self._kinds.total(),
                "kinds": dict(self._kinds),
                "operations": {operation: dict(kinds) for operation, kinds in self._operations.items()},
                "events": list(self._events),
            }

    def _set(self, document: object) -> None:
        self._plan = None if document is None else read_plan(document)
        self._document = document
        if document is not None:
            self._count_anew()

    def _count_anew(self) -> None:
        self._seen: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._operations: dict[str, Counter[str]] = {}
        self._events: deque[dict[str, Any]] = deque(maxlen=LAST)
        self._rows: Counter[str] = Counter()

    def _allowed(self, fault: Fault, call: Call, identity: str) -> bool:
        assert self._plan
        if fault.kind == "expire_upload" and not self._uploads.is_open(call.vault, call.item):
            return False
        most, row = self._plan.at_most, self._plan.in_a_row
        return (most is None or self._kinds.total() < most) and (row is None or self._rows[identity] < row)

    def _event(self, fault: Fault, nth: int, request: Request, call: Call) -> dict[str, Any]:
        event = {"nth": nth, "kind": fault.kind, "at": self._clock.text(), "vault": call.vault, "item": call.item}
        return event | {"range": request.header("content-range")} | fault.details()

    def _note(self, line: dict[str, Any]) -> None:
        """Count a request that was asked about, now or by an earlier process."""
        self._seen[line["operation"]] += 1
        if "kind" not in line:
            self._rows.pop(line["request"], None)
            return
        self._rows[line["request"]] += 1
        self._kinds[line["kind"]] += 1
        self._operations.setdefault(line["operation"], Counter())[line["kind"]] += 1
        self._events.append(line)


def _identity(request: Request) -> str:
    """The same for a request and its repetitions."""
    named = [request.header(name) or "" for name in ("content-range", "x-amz-archive-description")]
    return hashlib.sha256("\n".join((request.method, request.path, request.query, *named)).encode()).hexdigest()[:16]
