"""The keys of whole trees whose sections have filters: each file's, before anything is put together, and each group's
behind that.

A key belongs to one. Whether it does shows when all of a section are known, so they are gathered first, on the disk
where they are many.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import attrgetter
from threading import Event
from typing import NamedTuple

from glacier_backup.chunks import in_chunks
from glacier_backup.interrupt import interrupted
from glacier_backup.model.candidate import Candidate, PassedOver, Resolved
from glacier_backup.model.reason import FilteredOut, FilterFailed, SameKey
from glacier_backup.ordering import Ordering
from glacier_backup.plan.filters import Ask, Halves, Key, filtered, halves
from glacier_backup.resolve.source import TreeRules
from glacier_backup.spool import Spool
from glacier_backup.workflow.sending.asking import asking

ASKED = 4
"""Names that commands are asked about at a time."""

AHEAD = 64
"""Names that are asked about, or wait for it, before they are wanted."""

GLANCE = 0.2
"""Seconds between two looks whether to go on, while a command keeps everybody waiting."""

_LOOK_UP = 500
_ANOTHER = "another file"

WasSent = Callable[[str, Sequence[str]], Collection[str]]
"""A section, and paths in it: those of which something is stored at any of its destinations."""


class _Filters(NamedTuple):
    """Those of one section."""

    section: str
    halves: Halves
    below: int
    """Bytes: what is smaller is put together."""

    def key(self, candidate: Candidate, ask: Ask) -> Key | FilteredOut | FilterFailed:
        """Of a file: of one that is to be put together with others what they are put together by."""
        before, behind = self.halves
        return filtered(before if self.puts_together(candidate) else (*before, *behind), self.name(candidate), ask)

    def puts_together(self, candidate: Candidate) -> bool:
        return candidate.seen is not None and candidate.seen.bytes < self.below

    def name(self, candidate: Candidate) -> str:
        """Below the section."""
        return candidate.path[len(self.section.rstrip("/")) + 1 :]

    def mark(self, candidate: Candidate) -> bytes:
        """What stands for its key, and tells it from all that it isn't to be compared with."""
        inside = self.halves.rename_behind and self.puts_together(candidate)
        return _mark(candidate.key or self.name(candidate), b"in a group" if inside else b"")


class Filtering:
    """What becomes of the keys of one run."""

    def __init__(self, trees: Mapping[str, TreeRules], was_sent: WasSent, check: Callable[[], object]) -> None:
        found = {path: (halves(rules.filters), rules.prefixing) for path, rules in trees.items()}
        self._filters = {
            path: _Filters(path, both, 0 if prefixing is None else prefixing.below)
            for path, (both, prefixing) in found.items()
            if both.rename
        }
        self._was_sent = was_sent
        self._check = check
        self._alone: dict[str, set[bytes]] = {path: set() for path in self._filters}
        self._groups: dict[tuple[str, bytes], str] = {}

    def files(self, found: Iterable[Resolved]) -> Iterator[Resolved]:
        """``found`` with their keys; what has none is passed over. Raises what ``check`` does, soon."""
        if not self._filters:
            yield from found
            return
        for section, own in groupby(found, attrgetter("section")):
            yield from self._of_section(section, own)

    def group(self, group: Candidate) -> Resolved:
        """A group that goes by a prefix, with the key that what stands behind the grouping makes of its name. To be
        asked when all files of its section have come."""
        filters = self._filters.get(group.section)
        if filters is None or not filters.halves.rename_behind:
            return group
        made = filtered(filters.halves.behind, filters.name(group), asking(self._check))
        if not isinstance(made, Key):
            return PassedOver(group.path, group.section, made)
        mark = _mark(made.key, b"")
        other = self._groups.setdefault((group.section, mark), group.path)
        if mark in self._alone[filters.section] or other != group.path:
            return PassedOver(group.path, group.section, SameKey(made.key, _ANOTHER if other == group.path else other))
        return _keyed(group, made, filters)

    # Files.

    def _of_section(self, section: str, found: Iterable[Resolved]) -> Iterable[Resolved]:
        filters = self._filters.get(section)
        return found if filters is None else self._each_with_its_own(filters, self._with_keys(filters, found))

    def _with_keys(self, filters: _Filters, found: Iterable[Resolved]) -> Iterator[Resolved]:
        if not filters.halves.ask:
            ask = asking(self._check)  # which nobody does
            return (_with_key(one, filters, ask) for one in found)
        return self._asked(filters, found)

    def _asked(self, filters: _Filters, found: Iterable[Resolved]) -> Iterator[Resolved]:
        ended, waiting = Event(), deque[Future[Resolved]]()
        ask = asking(partial(_end, ended))
        pool = ThreadPoolExecutor(ASKED, thread_name_prefix="filter")
        try:
            for one in found:
                waiting.append(pool.submit(_with_key, one, filters, ask))
                if len(waiting) > AHEAD:
                    yield self._answer(waiting.popleft())
            while waiting:
                yield self._answer(waiting.popleft())
        finally:
            ended.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _answer(self, future: Future[Resolved]) -> Resolved:
        while True:
            self._check()
            try:
                return future.result(GLANCE)
            except TimeoutError:
                if future.done():
                    raise

    def _each_with_its_own(self, filters: _Filters, found: Iterable[Resolved]) -> Iterator[Resolved]:
        kept, marks = Spool[Resolved](), Ordering()
        for one in found:
            kept.append(one)
            if isinstance(one, Candidate):
                marks.add(filters.mark(one))
        twice = _twice(marks)
        keepers = self._keepers(filters, kept, twice) if twice else {}
        for one in kept:
            mark = filters.mark(one) if isinstance(one, Candidate) else b""
            keeper = keepers.get(mark, one.path)
            if isinstance(one, Candidate) and keeper != one.path:
                yield PassedOver(one.path, one.section, SameKey(one.key or filters.name(one), keeper))
                continue
            if filters.halves.rename_behind and isinstance(one, Candidate) and not filters.puts_together(one):
                self._alone[filters.section].add(mark)
            yield one

    def _keepers(self, filters: _Filters, kept: Iterable[Resolved], twice: Collection[bytes]) -> Mapping[bytes, str]:
        """Whose each of these keys is: the first's of which something is stored, or else the first's."""
        first: dict[bytes, str] = {}
        stored: dict[bytes, str] = {}
        of_one = (
            (mark, one.path) for one in kept if isinstance(one, Candidate) and (mark := filters.mark(one)) in twice
        )
        for some in in_chunks(of_one, _LOOK_UP):
            there = self._was_sent(filters.section, [path for _, path in some])
            for mark, path in some:
                first.setdefault(mark, path)
                if path in there:
                    stored.setdefault(mark, path)
        return first | stored


def _with_key(one: Resolved, filters: _Filters, ask: Ask) -> Resolved:
    if not isinstance(one, Candidate) or not one.of_tree:
        return one
    made = filters.key(one, ask)
    if not isinstance(made, Key):
        return PassedOver(one.path, one.section, made)
    return _keyed(one, made, filters)


def _keyed(one: Candidate, made: Key, filters: _Filters) -> Candidate:
    return replace(one, key="" if made.key == filters.name(one) else made.key, at_data=made.at_data)


def _mark(key: str, apart: bytes) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape") + b"\0" + apart).digest()[:16]


def _twice(marks: Iterable[bytes]) -> set[bytes]:
    """Those that are there more than once, of what comes in order."""
    found, last = set[bytes](), b""
    for mark in marks:
        if mark == last:
            found.add(mark)
        last = mark
    return found


def _end(ended: Event) -> None:
    if ended.is_set():
        raise interrupted()
