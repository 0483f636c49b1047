"""The rest of a package of snapshots (``zfs send -I``), some of which were received before it was broken off.

A newer ``zfs receive`` passes over those that are there; an older one refuses the whole package. So what follows the
newest that is there is found in it, and received stream by stream.

Each begins with a record that says which snapshot it builds on. Nothing before it can look the same: what was in the
dataset before that snapshot was made knows nothing of its guid.
"""

from __future__ import annotations

from contextlib import ExitStack

from glacier_backup.errors import TargetError
from glacier_backup.model.stream_head import HEAD_BYTES, RECORD_BYTES, StreamHead, ends, head_places, stream_head
from glacier_backup.workflow.restoring.receiver import Incoming, Receiver


class NothingFollows(TargetError):
    """The newest snapshot that is there isn't of the package."""


class RestOfPackage:
    """An :class:`~glacier_backup.workflow.restoring.receiver.Incoming`, and a context manager."""

    def __init__(self, receiver: Receiver, dataset: str, newest: str, last: str) -> None:
        """``newest`` is the guid of the newest snapshot there, ``last`` of that which all leads to, if known."""
        self._receiver = receiver
        self._dataset = dataset
        self._newest = newest
        self._last = last
        self._stack = ExitStack()
        self._incoming: Incoming | None = None
        self._carried = b""
        """What isn't handed on yet: a record may begin in it."""

    def __enter__(self) -> RestOfPackage:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, data: memoryview) -> None:
        """See :class:`Incoming`. Raises NothingFollows, too, as soon as it is known."""
        piece = b"".join((self._carried, data))
        start = 0
        while (found := self._next(piece, start)) is not None:
            at, head = found
            self._hand_on(piece[start:at])
            self._begin(head)
            start = at
            self._hand_on(piece[at : at + HEAD_BYTES])
            start = at + HEAD_BYTES
        keep = max(start, len(piece) - RECORD_BYTES)
        self._hand_on(piece[start:keep])
        self._carried = piece[keep:]

    def finish(self) -> None:
        """See :class:`Incoming`. Raises NothingFollows, too."""
        if self._incoming is None:
            raise self._nothing_follows()
        if not ends(self._carried):  # the end of the package is none of the stream's
            self._hand_on(self._carried)
        self._incoming.finish()

    def _next(self, piece: bytes, start: int) -> tuple[int, StreamHead] | None:
        for at in head_places(piece, start):
            head = stream_head(piece[at : at + HEAD_BYTES])
            if head is None or head.is_package:
                continue
            if head.base == self._newest:
                return at, head
            if head.guid == self._last and self._incoming is None:
                raise self._nothing_follows()  # there may be terabytes behind that
        return None

    def _nothing_follows(self) -> NothingFollows:
        return NothingFollows(f"nothing in it builds on the newest snapshot of {self._dataset}")

    def _begin(self, head: StreamHead) -> None:
        if self._incoming is not None:
            self._incoming.finish()
            self._stack.close()
        self._incoming = self._stack.enter_context(self._receiver.receiving(self._dataset))
        self._newest = head.guid

    def _hand_on(self, data: bytes) -> None:
        if self._incoming is not None and data:
            self._incoming.write(memoryview(data))
