"""What is chosen to be brought back out of chains of increments: the archives that are laid over each other for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from glacier_backup.model.archive import Member
from glacier_backup.model.restore import WHOLE, ByteRange, RestoreItem
from glacier_backup.model.stored import StoredArchive
from glacier_backup.plan import choice as choices
from glacier_backup.plan import inside
from glacier_backup.plan.chain import Chains, is_increment
from glacier_backup.plan.choice import Choice
from glacier_backup.plan.known import Known
from glacier_backup.plan.layers import effective, layers_of
from glacier_backup.plan.ranges import merged

BASE_GONE = "what it builds on is gone: only what it holds itself comes back"

_Links = Sequence[StoredArchive]


def whole(chains: Chains, archive: StoredArchive, choice: Choice) -> Choice:
    """``choice`` of all of ``archive``, with what it builds on."""
    if not is_increment(archive):
        return choice
    links = chains.of(archive)
    if links is None:
        return replace(choice, remark=BASE_GONE)
    return _over([*map(choices.whole, links[:-1]), choice], choice)


def items(choice: Choice, to: str) -> Iterator[RestoreItem]:
    """What is done to bring back one thing that is no file of a group: one item, or one for each archive that is laid
    over the others."""
    all_of_them = (*choice.under, choice)
    chain = tuple(one.archive for one in all_of_them) if choice.under else ()
    for one in all_of_them:
        yield RestoreItem(one.archive, to, one.member, one.ranges, chain=chain)


Standing = Choice | Literal["not there", "unknown"]


def part(known: Known, links: _Links, member: str) -> Standing:
    """What lies at and below ``member`` in the directory, as the last of ``links`` has left it."""
    if not all(one.has_members for one in links):
        return "unknown"
    holder = _holder(known, links, member)
    if holder is None:
        return "not there"
    number, found = holder
    if found.type != "directory":
        return _part_of(known, links[number], member)
    first = _first(known, links[: number + 1], member)
    saying = [one for one in links[first:] if _says(known, one, member)]
    parts = [_layer(known, one, member, is_first=one is saying[0]) for one in saying]
    return _over(parts, parts[-1]) if len(parts) > 1 else _part_of(known, links[number], member)


def may_have(links: _Links, member: str) -> Choice:
    """The same where nobody knows what is in all of them: all of each is read."""
    parts = [choices.part(one, inside.member_path(one, member), member, *inside.ALL) for one in links]
    return _over(parts, parts[-1])


def matching(known: Known, links: _Links, pattern: str) -> Iterator[Choice]:
    """What of the directory fits the glob, as the last of ``links`` has left it; nothing of what lies below that."""
    there = (one.member for one in effective(layers_of(known, links)))
    for member in inside.topmost(there, pattern):
        found = part(known, links, member.path)
        if isinstance(found, Choice):
            yield found


def _over(parts: Iterable[Choice], last: Choice) -> Choice:
    """``last``, laid over the others."""
    *under, own = parts
    sizes = [one.bytes for one in (*under, own)]
    size = None if None in sizes else sum(one or 0 for one in sizes)
    count = len(under)
    remark = last.remark or f"laid over {count:,} {'archive' if count == 1 else 'archives'} that it builds on"
    return replace(own, bytes=size, under=tuple(under), remark=remark)


def _holder(known: Known, links: _Links, member: str) -> tuple[int, Member] | None:
    """The newest archive that has it, unless a newer one lists it as deleted."""
    for number in reversed(range(len(links))):
        found = known.member_named(links[number].id, member)
        if found is not None:
            return number, found[1]
        if _is_deleted(known, links[number], member):
            return None
    return None


def _first(known: Known, links: _Links, member: str) -> int:
    """Where the directory begins: what was there before was deleted."""
    for number in reversed(range(len(links))):
        if _is_deleted(known, links[number], member):
            return number
    return 0


def _is_deleted(known: Known, link: StoredArchive, member: str) -> bool:
    if not is_increment(link):
        return False
    return any(inside.is_at(member, path) for path in known.vanished(link.id))


def _says(known: Known, link: StoredArchive, member: str) -> bool:
    """Whether it has anything to say of what lies at and below the member."""
    if next(known.members_at(link.id, member), None) is not None:
        return True
    return is_increment(link) and any(inside.is_at(path, member) for path in known.vanished(link.id))


def _part_of(known: Known, link: StoredArchive, member: str) -> Choice:
    ranges, size = inside.needed(known, link, member)
    return choices.part(link, inside.member_path(link, member), member, ranges, size)


def _layer(known: Known, link: StoredArchive, member: str, *, is_first: bool) -> Choice:
    """With the list of what was deleted, which comes before all members."""
    found = _part_of(known, link, member)
    first = next(iter(known.members(link.id)), None)
    if is_first or first is None or found.ranges == (WHOLE,) or not is_increment(link):
        return found
    return replace(found, ranges=merged((ByteRange(0, first.offset), *found.ranges)))
