"""What is asked for, as the catalog can answer it: whole archives, a member of one, or members like a pattern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from glacier_backup.errors import UsageError
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan import chained, choice, inside
from glacier_backup.plan.chain import Chains, is_increment
from glacier_backup.plan.choice import Choice, Choosing
from glacier_backup.plan.known import Known
from glacier_backup.plan.mending import is_lost
from glacier_backup.plan.newest import Newest
from glacier_backup.plan.streams import streams
from glacier_backup.units import local_time, rfc3339


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


def choices(
    known: Known, newest: Newest, term: Term, at: datetime | None, *, with_deleted: bool = False
) -> Iterator[Choice]:
    """What ``term`` has brought back, as of ``at``; in no certain order. Files that are known to have been deleted by
    then are left out, unless it is ``with_deleted``.

    Raises UsageError where all that it means is younger than that, or was deleted.
    """
    until = None if term.exactly else at
    found = _choices(known, newest, term, until, deleted=with_deleted or term.exactly)
    first = next(found, None)
    if first is None:
        raise _deleted(known, term, until) or _too_early(known, term, until)
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


def _choices(known: Known, newest: Newest, term: Term, until: datetime | None, *, deleted: bool) -> Iterator[Choice]:
    match term:
        case Archives():
            there = term.wanted if deleted else replace(term.wanted, present=True, as_of=until)
            stored = known.stored_archives(replace(there, inside=True))
            chains, choose = Chains(known), Choosing()
            taken = newest.of_each(stored, until)
            return (one for archive, why in taken for one in _brought(known, chains, archive, choose(archive, why)))
        case Inside():
            return _parts(known, newest, term, until)
        case MembersLike():
            return _parts_like(known, newest, term, until)


def _brought(known: Known, chains: Chains, archive: StoredArchive, choice: Choice) -> Iterable[Choice]:
    """What is brought back for the sake of one archive that was chosen."""
    if archive.kind == "dataset":
        return streams(known, chains, archive, choice)
    return (chained.whole(chains, archive, choice),)


def _parts(known: Known, newest: Newest, term: Inside, until: datetime | None) -> Iterator[Choice]:
    """Of the newest archive that is known to have it; where there is none, of the newest that may."""
    may_have: tuple[StoredArchive, str] | None = None
    absent: dict[str, StoredArchive] = {}
    found, chains = _found(known, term.of, until), Chains(known)
    if (intact := _in_broken_chain(known, found, chains)) is not None:
        yield intact
        return
    for archive, member in _by_age(newest, found):
        links = chains.of(archive) if archive.link is not None else None
        if links is not None and may_have is None:
            standing = chained.part(known, links, member)
            if isinstance(standing, Choice):
                if archive.path in absent and absent[archive.path].time > archive.time:
                    raise _not_there_then(absent[archive.path], member, archive)
                yield replace(standing, remark=_remark(newest, archive, found) or standing.remark)
                return
            if standing == "not there":
                absent.setdefault(archive.path, archive)
                continue
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
        links = chains.of(archive) if archive.link is not None else None
        if links is not None and len(links) > 1:
            yield replace(chained.may_have(links, member), remark=remark)
            return
        yield choice.part(archive, inside.member_path(archive, member), member, *inside.ALL, remark)


def _in_broken_chain(known: Known, found: _Pieces, chains: Chains) -> Choice | None:
    """What the newest archive has of it, where something that this one builds on is lost, but nothing that it takes."""
    archive, member = max(found, key=lambda one: (one[0].time, one[0].id), default=(None, ""))
    if archive is None or is_lost(archive) or chains.is_sound(archive) or (links := chains.of(archive)) is None:
        return None
    standing = chained.part(known, links, member)
    if not isinstance(standing, Choice):
        return None
    lost = {one.id for one in links if is_lost(one)}
    taken = {one.archive for one in (*standing.under, standing)}
    return None if lost & taken else standing


def _parts_like(known: Known, newest: Newest, term: MembersLike, until: datetime | None) -> Iterator[Choice]:
    archives, chains = _found(known, term.of, until), Chains(known)
    for archive, pattern in _by_age(newest, archives):
        remark = None
        links = chains.of(archive) if is_increment(archive) else None
        if links is not None and all(one.has_members for one in links):
            for one in chained.matching(known, links, pattern):
                remark = _remark(newest, archive, archives)
                yield replace(one, remark=remark or one.remark)
            if remark is not None:
                return
            continue
        for member in inside.matching(known, archive, pattern):
            remark = _remark(newest, archive, archives) if remark is None else remark
            ranges, size = inside.needed(known, archive, member.path)
            yield choice.part(archive, inside.member_path(archive, member.path), member.path, ranges, size, remark)
        if remark is not None:
            return


def _not_there_then(archive: StoredArchive, member: str, older: StoredArchive) -> UsageError:
    path = inside.member_path(archive, member)
    return UsageError(
        f"{path} was not there any more on {local_time(archive.time)}",
        hint=f"--at {rfc3339(older.time)} brings back what it was before it was deleted",
    )


def _remark(newest: Newest, archive: StoredArchive, of: _Pieces) -> str:
    return newest.take(archive, (one for one, _ in of)).remark


def _by_age(newest: Newest, of: _Pieces) -> Iterator[tuple[StoredArchive, str]]:
    parts = {one.id: part for one, part in of}
    return ((one, parts[one.id]) for one in newest.by_age(one for one, _ in of))


def _found(known: Known, of: tuple[tuple[ArchiveFilter, str], ...], until: datetime | None) -> _Pieces:
    return [(one, part) for wanted, part in of for one in known.stored_archives(replace(wanted, until=until))]


def _deleted(known: Known, term: Term, until: datetime | None) -> UsageError | None:
    """Where that is why there is nothing."""
    if not isinstance(term, Archives) or term.exactly:
        return None
    had = known.stored_archives(replace(term.wanted, inside=True, until=until))
    last = max((one.time for one in had), default=None)
    if last is None:
        return None
    what = f"{term.text} was" if term.text else "all that is stored was"
    return UsageError(
        f"{what} deleted at its source" + (f" by {local_time(until)}" if until is not None else ""),
        hint=f"--with-deleted brings it back all the same, and so does --at {rfc3339(last)}",
    )


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
