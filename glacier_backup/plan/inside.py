"""Some of what is inside an archive: which member is meant, and which bytes of the stream it takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import translate
from typing import NamedTuple

from glacier_backup.model.archive import WITH_MEMBERS, Member
from glacier_backup.model.recipe import PACKING
from glacier_backup.model.restore import WHOLE, ByteRange
from glacier_backup.model.stored import StoredArchive
from glacier_backup.plan.across import layout_of
from glacier_backup.plan.known import Known
from glacier_backup.plan.ranges import merged

MOST_RANGES = 1_000
"""An item that takes more of them is read whole."""


class Needed(NamedTuple):
    """What a member with all below it takes."""

    ranges: tuple[ByteRange, ...]
    bytes: int | None
    """In the target; None where that isn't known."""


ALL = Needed((WHOLE,), None)


def has_member(known: Known, archive: StoredArchive, member: str) -> bool | None:
    """Whether ``archive`` has a member of that name; None where the catalog doesn't know its members."""
    if archive.container not in WITH_MEMBERS:
        return False
    return known.member_named(archive.id, member) is not None if archive.has_members else None


def needed(known: Known, archive: StoredArchive, member: str) -> Needed:
    """The bytes of the stream that hold ``member`` and all below it.

    Each range is of whole members. What hard links in it lead to is needed too, and comes before them: a tar has the
    content where the file occurs first.
    """
    if not archive.has_members:
        return ALL
    runs, size = _Runs(), 0
    leading_out: dict[str, None] = {}
    for number, one in known.members_at(archive.id, member):
        runs.add(number, one)
        size += one.size
        if one.type == "hardlink" and one.target is not None and not is_at(one.target, member):
            leading_out[one.target] = None
        if len(runs.found) + len(leading_out) > MOST_RANGES:
            return Needed((WHOLE,), None)
    targets = [found for target in leading_out if (found := known.member_named(archive.id, target)) is not None]
    size += sum(one.size for _, one in targets)
    if not can_be_taken_apart(archive):
        return Needed((WHOLE,), size)
    spans = [*runs.found, *((one.offset, number) for number, one in targets)]
    return Needed(merged(ByteRange(start, known.offset_behind(archive.id, last)) for start, last in spans), size)


def is_at(path: str, top: str) -> bool:
    """Whether ``path`` is ``top`` or below it."""
    return path == top or path.startswith(top.rstrip("/") + "/")


def member_path(archive: StoredArchive, member: str) -> str:
    """Where ``member`` was."""
    top = archive.top
    below = member[len(top) :] if top and is_at(member, top) else f"/{member}"
    return (archive.base.rstrip("/") + below) or "/"


def matching(known: Known, archive: StoredArchive, pattern: str) -> Iterator[Member]:
    """The members whose path fits the glob, in stream order; nothing of what lies below one that does."""
    return topmost(known.members(archive.id), pattern)


def topmost(members: Iterable[Member], pattern: str) -> Iterator[Member]:
    """Of ``members`` those whose path fits the glob; nothing of what lies below one that does."""
    fits = re.compile(translate(pattern)).match
    top = None
    for one in members:
        if top is not None and is_at(one.path, top):
            continue
        if fits(one.path):
            top = one.path
            yield one


class _Runs:
    """Members that follow each other in the stream, made one."""

    def __init__(self) -> None:
        self.found: list[tuple[int, int]] = []
        """Offset of the first, number of the last."""

    def add(self, number: int, member: Member) -> None:
        if self.found and self.found[-1][1] == number - 1:
            self.found[-1] = (self.found[-1][0], number)
        else:
            self.found.append((member.offset, number))


def can_be_taken_apart(archive: StoredArchive) -> bool:
    """Whether a range of the stream takes a part of what is stored: only of a tar, or a ZIP, that nothing was done to
    but what its layout tells."""
    packed = [] if archive.recipe is None else [step.name for step in archive.recipe.steps if step.name in PACKING]
    if archive.container not in WITH_MEMBERS or packed != [archive.container] or layout_of(archive).takes_all:
        return False
    return len(archive.volumes) == 1 or archive.size is not None
