"""Which request meets which fault: decided by the plan, the operation and the request's number among that operation's.

Pure: the same three always give the same fault. `faults.py` counts, limits and remembers; `injection.py` does it, and
`fault_reading.py` says how a plan is written and why every seed can be survived.

| kind | what the client meets | was the operation carried out? |
|---|---|---|
| `status` | 408, 429, 500, 502, 503 or 504 before the body is used (502 and 504 as a balancer's HTML page) | no |
| `throttle` | 400 ThrottlingException before the body is used | no |
| `slow_body` | its body is read at `bytes_per_second`; nothing fails by that alone | yes |
| `reset_body` | a reset (RST) in the middle of its body | no |
| `reset_before_answer` | its body is taken, then a reset before the first byte of an answer | no |
| `stall` | its body is taken, then silence until it gives up or `seconds` pass, then a reset | no |
| `lost_answer` | a reset before the first byte of an answer | yes |
| `reset_answer` | a reset in the middle of the answer's body, or of its head where it has none | yes |
| `wrong_checksum` | another x-amz-sha256-tree-hash in the answer than that of what was stored | yes |
| `expire_upload` | an open upload's id expires just before the request, which then is a 404 | no |

Where an operation was carried out unseen, trying again is harmless with parts, Complete, Abort and all lists. A begun
upload whose id got lost stays open until the client finds it in ListMultipartUploads (or a day passes). UploadArchive
and InitiateJob are done twice then: a client that must not do so leaves them out of its `operations`, or of its code.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Protocol

from .routes import OPERATIONS

_WITH_BODY = frozenset({"UploadArchive", "UploadMultipartPart", "InitiateJob"})
_WITH_CHECKSUM = frozenset({"UploadArchive", "UploadMultipartPart", "CompleteMultipartUpload"})
_OF_AN_UPLOAD = frozenset({"UploadMultipartPart", "CompleteMultipartUpload", "AbortMultipartUpload", "ListParts"})

KINDS = {
    "status": OPERATIONS,
    "throttle": OPERATIONS,
    "slow_body": _WITH_BODY,
    "reset_body": _WITH_BODY,
    "reset_before_answer": OPERATIONS,
    "stall": OPERATIONS,
    "lost_answer": OPERATIONS,
    "reset_answer": OPERATIONS,
    "wrong_checksum": _WITH_CHECKSUM,
    "expire_upload": _OF_AN_UPLOAD,
}
"""Every kind of fault and the operations that it can happen to."""

SPOILING = frozenset({"lost_answer", "reset_answer", "wrong_checksum"})
"""The kinds after which the operation was carried out, yet the client cannot know it."""

STATUSES = (408, 429, 500, 502, 503, 504)
DEFAULT_SECONDS = 2.0
DEFAULT_BYTES_PER_SECOND = 1 << 20


@dataclass(frozen=True)
class Fault:
    """One fault. The other fields matter to some kinds: `status` to a refusal, `fraction` (0 to 1: how far into the
    body) to a reset, `seconds` to a stall, `bytes_per_second` to a slow body."""

    kind: str
    status: int = 503
    fraction: float = 0.5
    seconds: float = DEFAULT_SECONDS
    bytes_per_second: float = DEFAULT_BYTES_PER_SECOND

    def details(self) -> dict[str, Any]:
        """The fields that matter to this kind, for the report."""
        matters = {
            "status": ("status",),
            "reset_body": ("fraction",),
            "reset_answer": ("fraction",),
            "stall": ("seconds",),
            "slow_body": ("bytes_per_second",),
        }
        return {name: getattr(self, name) for name in matters.get(self.kind, ())}


class Plan(Protocol):
    """A rule that tells the fault of a request, if it meets one.

    At most `at_most` faults in all (None: no such limit) and `in_a_row` upon one request and its repetitions.
    """

    @property
    def at_most(self) -> int | None: ...

    @property
    def in_a_row(self) -> int | None: ...

    def at(self, operation: str, nth: int) -> Fault | None:
        """The fault of the `nth` request (from 1) of that operation, or None."""


@dataclass(frozen=True)
class ListedPlan:
    """The faults one by one, by operation and number. Nothing limits it but itself."""

    faults: dict[tuple[str, int], Fault]
    at_most: int | None = None
    in_a_row: int | None = None

    def at(self, operation: str, nth: int) -> Fault | None:
        """The fault listed for that request."""
        return self.faults.get((operation, nth))


@dataclass(frozen=True)
class SeededPlan:
    """Each request meets a fault with a chance of `rate`; which, the dice of its seed, operation and number say.

    A higher rate keeps the faulty requests of a lower one and adds others.
    """

    seed: int
    rate: float
    kinds: frozenset[str]
    operations: frozenset[str]
    statuses: tuple[int, ...]
    seconds: float
    bytes_per_second: float
    at_most: int | None
    in_a_row: int | None

    def at(self, operation: str, nth: int) -> Fault | None:
        """The fault that the dice give that request."""
        dice = random.Random(f"{self.seed} {operation} {nth}")
        meets, which, status, fraction = (dice.random() for _ in range(4))
        fitting = [kind for kind in KINDS if kind in self.kinds and operation in KINDS[kind]]
        if operation not in self.operations or meets >= self.rate or not fitting:
            return None
        return Fault(
            fitting[int(which * len(fitting))],
            self.statuses[int(status * len(self.statuses))],
            fraction,
            self.seconds,
            self.bytes_per_second,
        )
