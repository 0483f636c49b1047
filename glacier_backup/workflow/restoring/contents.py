"""The members that come out of an archive, compared with those that the catalog knows to have gone in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import DamageFound
from glacier_backup.model.archive import WITH_MEMBERS, Member, Outline
from glacier_backup.model.increment import deleted_list
from glacier_backup.model.restore import RestoreItem
from glacier_backup.model.stored import StoredArchive
from glacier_backup.plan.chain import is_increment


class Judge(Protocol):
    """Says of each member whether it is right, in the order in which they come."""

    done: int
    """How many were found right, by earlier processes too."""

    @property
    def among(self) -> Callable[[int], bool] | None:
        """Which members are to come at all; see :class:`~glacier_backup.pack.unpacker.UnpackOrder`."""
        ...

    def see(self, member: Member) -> None:
        """Raises DamageFound where it isn't the one that comes next."""
        ...

    def finish(self) -> None:
        """There are no more. Raises DamageFound where some are missing."""
        ...


class Comparison:
    """One item's members, told in the order in which they come. Where the catalog knows none, all are right."""

    among = None

    def __init__(self, catalog: Catalog, item: RestoreItem, archive: StoredArchive, *, done: int = 0) -> None:
        """``done`` of them were compared by an earlier process."""
        self.done = done
        self._catalog = catalog
        self._item = item
        self._archive = archive
        self._list = deleted_list(archive.top) if is_increment(archive) else None
        """It is about members, and none that the catalog knows."""
        self._known = _known(catalog, item, archive)
        if self._known is not None:
            self._known = islice(self._known, done, None)

    def see(self, member: Member) -> None:
        """See :class:`Judge`."""
        if self._known is not None and member.path != self._list:
            compare(member, self._next(member), self._archive)

    def finish(self) -> None:
        """See :class:`Judge`."""
        missing = next(self._known, None) if self._known is not None else None
        if missing is not None:
            raise other(self._archive, f"{missing.path} is not in it")

    def _next(self, member: Member) -> Member | Outline | None:
        wanted = self._item.member
        if wanted is not None and member.path != wanted and not member.path.startswith(f"{wanted}/"):
            # What a hard link below leads to lies elsewhere, and comes along for its sake.
            found = self._catalog.member_named(self._archive.id, member.path)
            return None if found is None else found[1]
        self.done += 1
        return next(self._known, None) if self._known is not None else None


def compare(member: Member, known: Member | Outline | None, archive: StoredArchive) -> None:
    """Raises DamageFound where ``member`` isn't ``known``; None: nothing more was to come."""
    if known is None or (known.path, known.type, known.size) != (member.path, member.type, member.size):
        wanted = "nothing more" if known is None else f"{known.path} ({known.type}, {known.size:,} bytes)"
        raise other(archive, f"{member.path} ({member.type}, {member.size:,} bytes) comes where {wanted} was packed")


def other(archive: StoredArchive, what: str) -> DamageFound:
    """What says that an archive isn't what the catalog has of it."""
    return DamageFound(
        f"{archive.name} of {archive.path} holds other things than the catalog says: {what}",
        hint="a catalog that was damaged or tampered with can be made anew: glacier-backup catalog rebuild",
    )


def _known(catalog: Catalog, item: RestoreItem, archive: StoredArchive) -> Iterator[Member | Outline] | None:
    """None where nothing is known, or where there is only one thing that can come out."""
    if not archive.has_members or archive.container not in WITH_MEMBERS:
        return None
    if item.member is None:
        return catalog.outlines(archive.id)
    return (member for _, member in catalog.members_at(archive.id, item.member))
