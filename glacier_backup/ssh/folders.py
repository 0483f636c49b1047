"""Every directory below one, in order, listed long before its turn: a long way costs one wait and not thousands.

Memory goes neither with the tree nor with its largest directory: no more than some hundred thousand entries are held,
and a directory with very many is only listed when its turn has come.
"""

from __future__ import annotations

import stat
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import NamedTuple

from glacier_backup.exclusion import Exclusion
from glacier_backup.ordering import Ordering
from glacier_backup.ssh.entries import Entry, from_piece
from glacier_backup.ssh.loop import Check
from glacier_backup.ssh.reading import below
from glacier_backup.ssh.remote import Remote, nothing

AT_ONCE = 64
"""Directories listed at the same time, and of one level ahead of their turn."""
MOST_AHEAD = 5_000
"""Entries of a directory that is listed ahead of its turn."""
MOST_HELD = 100_000
"""Entries of all of them, beside those that are being listed."""


Keep = Callable[[bytes, Entry], bool]
"""Whether something in the folder of that path is part of what is walked."""


class Folder(NamedTuple):
    """One directory."""

    path: bytes
    pieces: Ordering
    length: int
    """How many there are."""
    error: OSError | None
    """Why it can't be listed."""

    def entries(self) -> Iterator[Entry]:
        """What it holds, by name."""
        return map(from_piece, self.pieces)

    def names(self) -> Iterator[bytes]:
        """Of the directories in it."""
        return (entry.name for entry in self.entries() if stat.S_ISDIR(entry.attributes.mode))


class _Level:
    """A directory that was handed out, and those in it whose turn comes."""

    def __init__(self, path: bytes, names: Iterator[bytes]) -> None:
        self.path = path
        self.names = names
        self.passed = b""
        """The last that was entered."""
        self.ahead: deque[tuple[bytes, Future[Folder | None]]] = deque()


class _Stopped(Exception):
    pass


def keeping(top: bytes, exclusion: Exclusion) -> Keep:
    """Everything below ``top`` but what is left out there."""
    left_out = exclusion.compiled()
    if left_out is None:
        return _all
    start = len(below(top, b""))

    def keep(folder: bytes, entry: Entry) -> bool:
        path = below(folder, entry.name)[start:].decode("utf-8", "surrogateescape")
        return left_out(path, stat.S_ISDIR(entry.attributes.mode)) is None

    return keep


def _all(folder: bytes, entry: Entry) -> bool:
    return True


@contextmanager
def walking(
    remote: Remote, top: bytes, *, targets: bool, check: Check = nothing, keep: Keep = _all
) -> Iterator[FolderWalk]:
    """A walk that begins in ``top``, for the length of the block; ``targets``: with what links point to."""
    stopped = Event()

    def unless_stopped() -> None:
        if stopped.is_set():
            raise _Stopped
        check()

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="list")
    try:
        yield FolderWalk(remote, top, targets, pool, unless_stopped, keep)
    finally:
        stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def folders(remote: Remote, top: bytes, check: Check = nothing, keep: Keep = _all) -> Iterator[Iterator[Folder]]:
    """``top`` and every directory below it, never behind links: each before those in it, and these by name. What isn't
    kept is in none of them, and not entered.

    What can't be listed is handed out with its error, and nothing below it. Raises as a Remote does.
    """
    with walking(remote, top, targets=True, check=check, keep=keep) as walk:
        yield _all_below(walk)


def _all_below(walk: FolderWalk) -> Iterator[Folder]:
    yield walk.top
    waiting = [walk.top.names()]
    while waiting:
        name = next(waiting[-1], None)
        if name is None:
            waiting.pop()
            walk.leave()
        else:
            folder = walk.enter(name)
            waiting.append(folder.names())
            yield folder


class FolderWalk:
    """Stands in one directory. Those in it, and in those above it, are listed ahead in the order of their names: it is
    quick where they are entered in that order, be it with some left out."""

    def __init__(
        self, remote: Remote, top: bytes, targets: bool, pool: ThreadPoolExecutor, check: Check, keep: Keep
    ) -> None:
        self._remote = remote
        self._keep = keep
        self._targets = targets
        self._pool = pool
        self._check = check
        self._levels: list[_Level] = []
        self.top = self._entered(self._list(top))

    @property
    def path(self) -> bytes:
        """Of the present directory."""
        return self._levels[-1].path

    def enter(self, name: bytes) -> Folder:
        """Step into a directory of the present one, or to where a link of it leads."""
        self._start_ahead()
        level = self._levels[-1]
        level.passed = name
        while level.ahead and level.ahead[0][0] < name:
            level.ahead.popleft()[1].cancel()
        listed = level.ahead.popleft()[1].result() if level.ahead and level.ahead[0][0] == name else None
        return self._entered(listed or self._list(below(level.path, name)))

    def leave(self) -> None:
        """Step back to the directory above."""
        for _, future in self._levels.pop().ahead:
            future.cancel()

    def _entered(self, folder: Folder) -> Folder:
        self._levels.append(_Level(folder.path, folder.names()))
        return folder

    def _start_ahead(self) -> None:
        """Those whose turn comes first, first."""
        running, held = self._load()
        for level in reversed(self._levels):
            while len(level.ahead) < AT_ONCE and running < AT_ONCE and held < MOST_HELD:
                name = next(level.names, None)
                if name is None:
                    break
                if name <= level.passed:
                    continue
                path = below(level.path, name)
                level.ahead.append((name, self._pool.submit(self._listed, path, MOST_AHEAD)))
                running += 1

    def _load(self) -> tuple[int, int]:
        """How many are being listed, and how many entries are held."""
        running = held = 0
        for level in self._levels:
            for _, future in level.ahead:
                if not future.done():
                    running += 1
                elif future.exception() is None and (folder := future.result()) is not None:
                    held += folder.length
        return running, held

    def _list(self, path: bytes) -> Folder:
        return self._listed(path, None) or Folder(path, Ordering(), 0, None)

    def _listed(self, path: bytes, most: int | None) -> Folder | None:
        """None where there are more than ``most``."""
        wanted = partial(self._keep, path)
        try:
            listing = self._remote.entries(path, wanted, targets=self._targets, most=most, check=self._check)
        except OSError as error:
            return Folder(path, Ordering(), 0, error)
        return None if listing is None else Folder(path, listing.pieces, listing.length, None)
