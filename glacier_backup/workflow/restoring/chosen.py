"""Some members of a group, by their numbers: which they are while it is unpacked, and whether they are right."""

from __future__ import annotations

from itertools import islice

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import Member
from glacier_backup.model.restore import RestoreItem
from glacier_backup.model.stored import StoredArchive
from glacier_backup.workflow.restoring.contents import compare, other


class Chosen:
    """Asked of each member whether it is wanted, and told of each that came; both in the order of the stream.

    A :class:`~glacier_backup.workflow.restoring.contents.Judge`. Members are told by where they begin: two may have one
    name.
    """

    def __init__(
        self, catalog: Catalog, item: RestoreItem, archive: StoredArchive, *, done: int = 0, links: bool = False
    ) -> None:
        """``done`` of them came in an earlier process; ``links``: what hard links among them lead to comes along, too.
        Ours hold none, and others hardly any, so nobody looks for that before one was met."""
        self.done = done
        self._archive = archive
        self._along = _linked_to(catalog, item, archive) if links else frozenset()
        self._known = (member for _, member in islice(catalog.members_in(archive.id, item.numbers), done, None))
        self._next = next(self._known, None)

    def among(self, offset: int) -> bool:
        """Whether the member that begins there is one of them, or is to come along. Raises DamageFound where one of
        them should have begun before."""
        if self._next is not None and self._next.offset < offset:
            raise other(self._archive, f"{self._next.path} is not where it was packed")
        return offset in self._along or (self._next is not None and self._next.offset == offset)

    def see(self, member: Member) -> None:
        """See :class:`~glacier_backup.workflow.restoring.contents.Judge`. What only comes along isn't compared, for it
        gets no name."""
        known = self._next
        if member.offset in self._along and (known is None or known.offset != member.offset):
            return
        compare(member, known, self._archive)
        self.done += 1
        self._next = next(self._known, None)

    def finish(self) -> None:
        """See :class:`~glacier_backup.workflow.restoring.contents.Judge`."""
        if self._next is not None:
            raise other(self._archive, f"{self._next.path} is not in it")


def _linked_to(catalog: Catalog, item: RestoreItem, archive: StoredArchive) -> frozenset[int]:
    """Where the members begin that hard links among them lead to."""
    targets = {
        member.target
        for _, member in catalog.members_in(archive.id, item.numbers)
        if member.type == "hardlink" and member.target is not None
    }
    found = (catalog.member_named(archive.id, target) for target in targets)
    return frozenset(one[1].offset for one in found if one is not None)
