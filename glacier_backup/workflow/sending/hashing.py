"""Reading files of whole trees to compare their content, before it is decided whether they are sent.

Each is read once, whatever the number of its destinations, through the packer that sends it. Several are read at a
time: hashing lets go of the interpreter, and a server answers each request after a while.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from threading import BoundedSemaphore, Event

from glacier_backup.errors import SourceError
from glacier_backup.interrupt import interrupted
from glacier_backup.model.candidate import Candidate
from glacier_backup.plan.changes import Content
from glacier_backup.units import MIB
from glacier_backup.workflow.tools import Origin

READERS = 8
"""Files of this machine read at a time."""

READERS_AFAR = 64
"""Files of a server, each of which waits for some answers."""

LARGE = MIB // 2
MOST_LARGE = 4
"""Of a server's files with more bytes than that: several pieces of each are in memory."""

PIECE = MIB
"""Bytes that are read between two looks whether to go on."""

_MORE = 4096
"""Bytes of a buffer beyond what a file should have: so its end is seen at once."""

GLANCE = 0.2
"""Seconds between two of these looks while a server keeps everybody waiting."""


def nothing() -> None:
    """The check of who is never to be stopped."""


def read_contents(
    candidates: Sequence[Candidate], origins: Mapping[str, Origin], check: Callable[[], object] = nothing
) -> Mapping[str, Content | SourceError]:
    """What is in each of these files, and links, of whole trees, or why it can't be read, by path. Raises what
    ``check`` raises, soon, and then waits for nobody."""
    if not candidates:
        return {}
    ended, large = Event(), BoundedSemaphore(MOST_LARGE)
    readers = READERS_AFAR if any(one.origin for one in candidates) else READERS
    pool = ThreadPoolExecutor(min(readers, len(candidates)), thread_name_prefix="compare")
    try:
        futures = [pool.submit(partial(_read, one, origins[one.origin], ended, large)) for one in candidates]
        return {one.path: _answer(future, check) for one, future in zip(candidates, futures, strict=True)}
    finally:
        ended.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _answer(future: Future[Content | SourceError], check: Callable[[], object]) -> Content | SourceError:
    while True:
        check()
        try:
            return future.result(GLANCE)
        except TimeoutError:
            if future.done():
                raise


def _read(candidate: Candidate, origin: Origin, ended: Event, large: BoundedSemaphore) -> Content | SourceError:
    """What changes after the packer has begun is told by it; what changed before then, since the walk saw the file, is
    in what is read, and another look that the next run sees."""
    size = 0 if candidate.seen is None else candidate.seen.bytes
    with large if candidate.origin and size > LARGE else nullcontext():
        return _read_now(candidate, origin, size, ended)


def _read_now(candidate: Candidate, origin: Origin, size: int, ended: Event) -> Content | SourceError:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(min(size + _MORE, PIECE)))
    try:
        with origin.alone(candidate, "raw").pack(candidate.path, candidate.path.rpartition("/")[2]) as stream:
            count = len(buffer)
            while count == len(buffer):
                if ended.is_set():
                    raise interrupted()
                count = stream.readinto(buffer)
                digest.update(buffer[:count])
            return Content(digest.hexdigest(), stream.outcome().changed)
    except SourceError as error:
        # Many are kept for a while, and their traces would keep the buffers.
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)
