"""Files of groups that are brought back together: what is wanted of one archive, and keeps the names that it has in it,
is one item, however many files that are.

There may be millions of files, in any order. They are put in order outside of memory, and of each item only its bytes
are kept; which members it is made of is told when it is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from struct import Struct
from typing import NamedTuple

from glacier_backup.model.naming import path_on_server
from glacier_backup.model.restore import WHOLE, ByteRange, RestoreItem
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.ordering import Ordering
from glacier_backup.plan.choice import Choice
from glacier_backup.plan.inside import MOST_RANGES
from glacier_backup.plan.known import Known
from glacier_backup.spool import Spool
from glacier_backup.units import MIB

HERE = "."
"""The target itself."""

_BIAS = 2**63
"""Added to ids, for what was taken over from other systems may have one below zero."""

_NOWHERE = 2**64 - 1
"""In place of the offset of what takes the whole stream."""

_PIECE = Struct(">QIQQ")
"""Archive, frame, number and offset, so that the order of the bytes is theirs."""

_Member = tuple[int, int]
"""Number and offset."""


class Frame(NamedTuple):
    """What the path of a file in its archive, and that where it goes, have in front of what is the same in both."""

    member: str | None
    to: str


def frame_of(member: str, to: str) -> Frame:
    """By whole components. Where not even the last of them is the same all is in front."""
    if member == to:
        return Frame(None, HERE)
    ours, theirs = member.split("/"), to.split("/")
    while ours and theirs and ours[-1] == theirs[-1]:
        ours.pop()
        theirs.pop()
    return Frame("/".join(ours) or None, "/".join(theirs) or HERE)


class Sets(Collection[RestoreItem]):
    """The items that are made of files of groups, in the order of their archives behind those of single files."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._pieces = Ordering()
        self._frames: dict[Frame, int] = {}
        self._choices: dict[int, Choice] = {}
        self._lay: dict[int, tuple[str, str] | None] = {}
        """By group: where its files lay, and what their names in it begin with."""
        self._single: Spool[RestoreItem] = Spool()
        self._sets: Spool[RestoreItem] = Spool()

    def add(self, choice: Choice, to: str) -> None:
        """A file of a group, and where it goes."""
        if choice.number is None or choice.member is None:
            raise ValueError(f"{choice.path} is in no group")
        number, offset = choice.number, _NOWHERE if choice.offset is None else choice.offset
        self._choices.setdefault(choice.archive, choice)
        member = choice.member
        if offset == _NOWHERE:
            # Else hard links would have the whole stream read once more for their sake.
            number, member = self._hard_link(choice) or (number, member)
        frame = frame_of(member, to)
        if frame.member == member:
            # As of two versions of one path, of which only one can have its name: there may be millions of those, too.
            ranges = self._ranges(choice.archive, [(number, offset)])
            self._single.append(RestoreItem(choice.archive, to, member, ranges, ((number, number),)))
        else:
            index = self._frames.setdefault(frame, len(self._frames))
            self._pieces.add(_PIECE.pack(choice.archive + _BIAS, index, number, offset))

    def settle(self) -> Iterator[tuple[Choice, RestoreItem]]:
        """To be gone through once, when all are added. One choice of the archive with each item; which files that is
        made of is told by iterating only."""
        frames = [*self._frames]
        yield from ((self._choices[item.archive], item) for item in self._single)
        for (archive, frame), members in self._grouped():
            item = RestoreItem(archive, frames[frame].to, frames[frame].member, self._ranges(archive, members))
            self._sets.append(item)
            yield self._choices[archive], item

    @property
    def groups(self) -> int:
        """How many archives all of them are out of."""
        return len(self._choices)

    def __contains__(self, value: object) -> bool:
        return any(value == one for one in self)

    def __len__(self) -> int:
        return len(self._single) + len(self._sets)

    def __iter__(self) -> Iterator[RestoreItem]:
        """As often as wanted, once they are settled."""
        yield from self._single
        for item, (_, members) in zip(self._sets, self._grouped(), strict=True):
            yield replace(item, numbers=tuple(_runs(number for number, _ in members)))

    def _hard_link(self, choice: Choice) -> tuple[int, str] | None:
        """Number and name of the member that is called as ``choice``, and leads to the one that has its content."""
        if choice.archive not in self._lay:
            group = next(self._known.stored_archives(ArchiveFilter(ids=(choice.archive,))), None)
            self._lay[choice.archive] = None if group is None else (path_on_server(group.base).rstrip("/"), group.top)
        lay = self._lay[choice.archive]
        if lay is None or not choice.path.startswith(f"{lay[0]}/"):
            return None
        name = f"{lay[1]}{choice.path[len(lay[0]) :]}".lstrip("/")
        found = None if name == choice.member else self._known.member_named(choice.archive, name)
        if found is None or (found[1].type, found[1].target) != ("hardlink", choice.member):
            return None
        return found[0], name

    def _grouped(self) -> Iterator[tuple[tuple[int, int], Iterator[_Member]]]:
        """Archive and frame of each item, with its members in stream order."""
        for (archive, frame), pieces in groupby(map(_PIECE.unpack, self._pieces), key=itemgetter(0, 1)):
            yield (archive - _BIAS, frame), ((number, offset) for *_, number, offset in pieces)

    def _ranges(self, archive: int, members: Iterable[_Member]) -> tuple[ByteRange, ...]:
        """The bytes that they take; everything where that can't be told, or is in too many pieces."""
        spans = _spans(members)
        if spans is None:
            return (WHOLE,)
        return tuple(ByteRange(start, self._known.offset_behind(archive, last)) for start, last in spans)


def _spans(members: Iterable[_Member]) -> list[_Member] | None:
    """Offset of the first and number of the last of those that are read in one, for nothing, or less than a MiB, lies
    between them: requests are on a grid of as much."""
    spans: list[_Member] = []
    before = 0
    for number, offset in members:
        if offset == _NOWHERE or len(spans) > MOST_RANGES:
            return None
        if spans and (number <= spans[-1][1] + 1 or offset - before < MIB):
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((offset, number))
        before = offset
    return spans if len(spans) <= MOST_RANGES else None


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of those that follow each other."""
    run: tuple[int, int] | None = None
    for number in numbers:
        if run is not None and number <= run[1] + 1:
            run = (run[0], number)
            continue
        if run is not None:
            yield run
        run = (number, number)
    if run is not None:
        yield run
