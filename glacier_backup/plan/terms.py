"""What is asked for, as the catalog can answer it: whole archives, a member of one, or members like a pattern."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import starmap

from glacier_backup.errors import UsageError
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan import choice, inside
from glacier_backup.plan.choice import Choice, Choosing
from glacier_backup.plan.known import Known
from glacier_backup.plan.newest import Newest
from glacier_backup.units import local_time


@dataclass(frozen=True, slots=True)
class Archives:
    """Whole archives. Of groups, where what they hold is known, the files are meant that are in them."""

    text: str
    """What the word is called from now on, whatever the current folder is."""
    wanted: ArchiveFilter
    cut: str | None
    """The folder above all of them that isn't made again in the target; None: all are."""
    exactly: bool = False
    """Whether one archive is meant, of whatever time."""
    note: str = ""
    """What a person should know, in plain words."""


@dataclass(frozen=True, slots=True)
class Inside:
    """What lies at and below a member of the newest archive that has it."""

    text: str
    of: tuple[tuple[ArchiveFilter, str], ...]
    """Archives, and the member's path in them as it is stored."""
    cut: str | None
    exactly: bool = False


@dataclass(frozen=True, slots=True)
class MembersLike:
    """What fits a glob in the newest archive that has such members."""

    text: str
    of: tuple[tuple[ArchiveFilter, str], ...]
    """Archives, and the glob for the whole path of a member, as it is stored."""
    cut: str | None
    exactly: bool = False


Term = Archives | Inside | MembersLike

_Pieces = list[tuple[StoredArchive, str]]
"""Archives, each with what is wanted of it."""

EVERYTHING = Archives("", ArchiveFilter(), None)


def choices(known: Known, newest: Newest, term: Term, at: datetime | None) -> Iterator[Choice]:
    """What ``term`` has brought back, as of ``at``; in no certain order.

    Raises UsageError where all that it means is younger than that.
    """
    until = None if term.exactly else at
    found = _choices(known, newest, term, until)
    first = next(found, None)
    if first is None:
        raise _too_early(known, term, until)
    yield first
    yield from found


def versions(known: Known, term: Term, conditions: ArchiveFilter) -> Iterator[StoredArchive]:
    """Every archive that ``term`` means, or that holds it or may, and that satisfies ``since`` and ``incomplete``."""
    pieces = [(term.wanted, None)] if isinstance(term, Archives) else [*term.of]
    for wanted, part in pieces:
        # What could not be read isn't in a group at all: that is something to be said of the group.
        inside_too = wanted.inside and not conditions.incomplete
        both = replace(wanted, since=conditions.since, incomplete=conditions.incomplete, inside=inside_too)
        for archive in known.stored_archives(both):
            if part is None or _holds(known, term, archive, part):
                yield archive


def _holds(known: Known, term: Term, archive: StoredArchive, part: str) -> bool:
    if isinstance(term, MembersLike):
        return next(inside.matching(known, archive, part), None) is not None
    return inside.has_member(known, archive, part) is not False


def _choices(known: Known, newest: Newest, term: Term, until: datetime | None) -> Iterator[Choice]:
    match term:
        case Archives():
            stored = known.stored_archives(replace(term.wanted, inside=True))
            return starmap(Choosing(), newest.of_each(stored, until))
        case Inside():
            return _parts(known, newest, term, until)
        case MembersLike():
            return _parts_like(known, newest, term, until)


def _parts(known: Known, newest: Newest, term: Inside, until: datetime | None) -> Iterator[Choice]:
    """Of the newest archive that is known to have it; where there is none, of the newest that may."""
    may_have: tuple[StoredArchive, str] | None = None
    found = _found(known, term.of, until)
    for archive, member in _by_age(newest, found):
        has = inside.has_member(known, archive, member)
        if has:
            ranges, size = inside.needed(known, archive, member)
            younger = may_have is not None
            remark = "a younger archive may have it too: its members aren't known" if younger else ""
            remark = _remark(newest, archive, found) or remark
            yield choice.part(archive, inside.member_path(archive, member), member, ranges, size, remark)
            return
        if has is None and may_have is None:
            may_have = archive, member
    if may_have is not None:
        archive, member = may_have
        remark = _remark(newest, archive, found) or "the whole archive is read: its members aren't known"
        yield choice.part(archive, inside.member_path(archive, member), member, *inside.ALL, remark)


def _parts_like(known: Known, newest: Newest, term: MembersLike, until: datetime | None) -> Iterator[Choice]:
    archives = _found(known, term.of, until)
    for archive, pattern in _by_age(newest, archives):
        remark = None
        for member in inside.matching(known, archive, pattern):
            remark = _remark(newest, archive, archives) if remark is None else remark
            ranges, size = inside.needed(known, archive, member.path)
            yield choice.part(archive, inside.member_path(archive, member.path), member.path, ranges, size, remark)
        if remark is not None:
            return


def _remark(newest: Newest, archive: StoredArchive, of: _Pieces) -> str:
    return newest.take(archive, (one for one, _ in of)).remark


def _by_age(newest: Newest, of: _Pieces) -> Iterator[tuple[StoredArchive, str]]:
    parts = {one.id: part for one, part in of}
    return ((one, parts[one.id]) for one in newest.by_age(one for one, _ in of))


def _found(known: Known, of: tuple[tuple[ArchiveFilter, str], ...], until: datetime | None) -> _Pieces:
    return [(one, part) for wanted, part in of for one in known.stored_archives(replace(wanted, until=until))]


def _too_early(known: Known, term: Term, until: datetime | None) -> UsageError:
    if until is None:
        return UsageError("nothing is stored yet, as far as this catalog knows")
    filters = [term.wanted] if isinstance(term, Archives) else [wanted for wanted, _ in term.of]
    times = (one.time for wanted in filters for one in known.stored_archives(replace(wanted, inside=True)))
    first = min(times, default=None)
    what = f" of {term.text}" if term.text else ""
    if first is not None and first <= until:
        return UsageError(f"no archive{what} of {local_time(until)} or before has it")
    begun = f"; the first one is of {local_time(first)}" if first is not None else ""
    return UsageError(f"there was no archive{what} yet at {local_time(until)}{begun}")
