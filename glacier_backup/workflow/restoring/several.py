"""Files of one group that come back together, each under a name of its own, among what is there already.

What is at the name of one of them keeps no other from its own. So each is looked at by itself: before anything is
fetched, and again when it gets its name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import TargetError
from glacier_backup.model.archive import Member
from glacier_backup.model.restore import RestoreItem
from glacier_backup.model.stored import StoredArchive
from glacier_backup.workflow.restoring import beneath
from glacier_backup.workflow.restoring.alike import same_member
from glacier_backup.workflow.restoring.item_folder import ItemFolder
from glacier_backup.workflow.restoring.nearby import Nearby
from glacier_backup.workflow.restoring.target import Obstacle, Target, names

FEW = 3
"""Files that are named where many are spoken of."""

OVERWRITE = "--overwrite puts what comes back in their place"


class Landing(NamedTuple):
    """One of the files: whence, and whither."""

    number: int
    """Of the member."""
    member: Member
    inside: Sequence[str]
    """Below the content of the item's folder, where it is unpacked."""
    to: Sequence[str]
    """Below the target."""
    refused: str = ""
    """Why it gets no name; then where it is, and where it goes, is empty."""


@dataclass(frozen=True, slots=True)
class Several:
    """The files of one item, in the order of the stream. Iterating raises CatalogError."""

    item: RestoreItem
    archive: StoredArchive
    catalog: Catalog

    @staticmethod
    def of(item: RestoreItem, archive: StoredArchive, catalog: Catalog) -> Several | None:
        """None for an item that is one thing."""
        return Several(item, archive, catalog) if item.numbers else None

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.item.numbers)

    def __iter__(self) -> Iterator[Landing]:
        for number, member in self.catalog.members_in(self.archive.id, self.item.numbers):
            yield _landing(number, self._as_content(member), self.item)

    def _as_content(self, member: Member) -> Member:
        """Of a hard link what it leads to, under its name: that tells how large it is."""
        if member.type != "hardlink" or member.target is None:
            return member
        found = self.catalog.member_named(self.archive.id, member.target)
        return member if found is None else found[1]._replace(path=member.path)

    def all_came(self, folder: ItemFolder, target: Target) -> bool:
        """Whether each is in the folder still, or something has its name."""
        with folder.inside(("content",)) as content, Nearby(content) as here, Nearby(target.folder) as there:
            came = sum(bool(one.refused) or _is_in(here, one) or _is_at(there, one.to) for one in self)
        return came == len(self)


class Few:
    """What is said of many: of the first ones what it is, of the others how many they are."""

    def __init__(self) -> None:
        self.count = 0
        self._said: list[str] = []

    def add(self, what: str) -> None:
        self.count += 1
        if len(self._said) < FEW:
            self._said.append(what)

    def __str__(self) -> str:
        more = self.count - len(self._said)
        return "; ".join(self._said) + (f"; and {more:,} more" if more else "")


@dataclass(slots=True)
class Outlook:
    """How the target looks before any of them is fetched; what is there already isn't told."""

    known: int = 0
    """All of them, as far as the catalog still knows them."""
    missing: int = 0
    """That are to be fetched, for nothing is there, or something that is to be replaced."""
    bytes: int = 0
    """Of their contents."""
    numbers: list[tuple[int, int]] = field(default_factory=list)
    """Theirs, as runs."""
    others: Few = field(default_factory=Few)
    """Whose places are taken by something else."""
    replaceable: bool = False
    """Whether any of those may be replaced, if that is wanted."""
    failed: Few = field(default_factory=Few)
    """That can't be given their names now."""
    cure: str | None = None
    """Of the first one of those."""

    def add(self, one: Landing) -> None:
        """One more that is to be fetched."""
        self.missing += 1
        self.bytes += one.member.size
        if self.numbers and self.numbers[-1][1] == one.number - 1:
            self.numbers[-1] = (self.numbers[-1][0], one.number)
        else:
            self.numbers.append((one.number, one.number))

    def error(self, of: int) -> Obstacle | TargetError | None:
        """What keeps the files from their names that aren't fetched; ``of`` how many they are with all others."""
        if self.failed.count:
            return failing(self.failed, of, self.cure)
        if self.others.count:
            return kept(self.others, of, replaceable=self.replaceable)
        return None


def failing(failed: Few, of: int, cure: str | None = None) -> TargetError:
    """What says that ``failed`` can't be given their names now."""
    return TargetError(f"{failed.count:,} of {of:,} files: {failed}" if of > 1 else str(failed), hint=cure)


def kept(others: Few, of: int, *, replaceable: bool) -> Obstacle:
    """What says that ``others`` get no names."""
    hint = OVERWRITE if replaceable else None
    if of == 1:
        return Obstacle(str(others), hint=hint)
    return Obstacle(f"{others.count:,} of {of:,} files don't get their names: {others}", hint=hint)


def outlook(several: Several, target: Target, *, overwrite: bool) -> Outlook:
    """Look where each is to go."""
    result = Outlook()
    above: Sequence[str] | None = None
    elsewhere: TargetError | None = None
    with Nearby(target.folder) as nearby:
        for one in several:
            if not one.refused and one.to[:-1] != above:
                above, elsewhere = one.to[:-1], _elsewhere(one, target)
            result.known += 1
            _look(one, nearby, target, result, overwrite, elsewhere)
    return result


def _elsewhere(one: Landing, target: Target) -> TargetError | None:
    try:
        target.refuse_elsewhere("/".join(one.to))
    except TargetError as error:
        return error
    return None


def in_place_of(one: Landing, nearby: Nearby, target: Target) -> bool | None:
    """Whether what has the name of a file looks like it; None where nothing has it.

    Raises Obstacle for what is no directory on the way, and TargetError where it may not be looked at.
    """
    try:
        found = nearby.look(one.to)
        if found is None:
            return None
        link = nearby.leads_to(one.to) if one.member.type == "symlink" and _is_link(found) else None
    except NotADirectoryError:
        raise target.obstacle_above("/".join(one.to)) from None
    except OSError as error:
        raise TargetError(f"{os.path.join(target.path, *one.to)}: {error.strerror}") from error
    # A hard link's header has no size, but the time of what it leads to.
    alike = one.member.type != "hardlink" or found.st_mtime_ns == one.member.mtime_ns
    return alike and same_member(one.member, found, link)


def _look(
    one: Landing, nearby: Nearby, target: Target, result: Outlook, overwrite: bool, elsewhere: TargetError | None
) -> None:
    """``elsewhere`` says that nothing can be moved there; what is there already needn't be."""
    try:
        if one.refused:
            raise Obstacle(one.refused)
        alike = in_place_of(one, nearby, target)
        if not alike and elsewhere is not None:
            raise elsewhere
    except Obstacle as error:
        result.others.add(str(error))
        return
    except TargetError as error:
        result.cure = result.cure or error.hint
        result.failed.add(str(error))
        return
    if alike is None or (overwrite and not alike):
        result.add(one)
    elif not alike:
        result.replaceable = True
        result.others.add(there_already(one, target))


def there_already(one: Landing, target: Target) -> str:
    """What is said where something else has the name."""
    return f"{os.path.join(target.path, *one.to)} is there already, and isn't the same"


def _landing(number: int, member: Member, item: RestoreItem) -> Landing:
    try:
        return Landing(number, member, beneath.components(member.path), names(_place_of(member.path, item)))
    except (ValueError, TargetError) as error:
        return Landing(number, member, (), (), str(error))


def _place_of(path: str, item: RestoreItem) -> str:
    top, to = item.member, "" if item.to == "." else item.to
    if top is None:
        return f"{to}/{path}" if to else path
    if path == top:
        return to
    if not path.startswith(f"{top}/"):
        raise ValueError(f"{path} doesn't lie below {top}")
    return f"{to}/{path[len(top) + 1 :]}" if to else path[len(top) + 1 :]


def is_itself(one: Landing, found: os.stat_result) -> bool:
    """Whether what bears its name in the folder can be it: where ``a.jpg`` and ``A.JPG`` are the same name the later
    one has come in place of the other."""
    return one.member.type != "file" or found.st_size == one.member.size


def _is_in(here: Nearby, one: Landing) -> bool:
    try:
        found = here.look(one.inside)
    except OSError:
        return False
    return found is not None and is_itself(one, found)


def _is_at(nearby: Nearby, way: Sequence[str]) -> bool:
    try:
        return nearby.look(way) is not None
    except OSError:
        return False


def _is_link(found: os.stat_result) -> bool:
    return stat.S_ISLNK(found.st_mode)
