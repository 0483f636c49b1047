"""What selecting asks of the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from glacier_backup.model.archive import Member
from glacier_backup.model.place import Place
from glacier_backup.model.stored import ArchiveFilter, StoredArchive


class Known(Protocol):
    """What is known to be stored. Every method raises CatalogError."""

    def places(self) -> list[tuple[int, Place]]: ...

    def stored_archives(self, wanted: ArchiveFilter) -> Iterator[StoredArchive]:
        """By path, within one by place, and there the oldest first."""
        ...

    def holds_path_above(self, path: str) -> list[str]:
        """Paths of stored directories above ``path``, the nearest first; none of groups."""
        ...

    def known_paths_like(self, text: str, limit: int = 5) -> list[str]: ...

    def members(self, archive_id: int) -> Iterator[Member]:
        """In stream order."""
        ...

    def vanished(self, archive_id: int) -> Iterator[str]:
        """What an increment lists as deleted, with all below it, in order."""
        ...

    def members_at(self, archive_id: int, path: str) -> Iterator[tuple[int, Member]]:
        """That member and all below it, each with its number, in stream order."""
        ...

    def member_named(self, archive_id: int, path: str) -> tuple[int, Member] | None: ...

    def offset_behind(self, archive_id: int, number: int) -> int | None:
        """Where the member behind that one begins; None for the last."""
        ...


@dataclass(frozen=True, slots=True)
class AtPlace:
    """What is known to be stored at one place, as if there were no other."""

    known: Known
    place_id: int

    def places(self) -> list[tuple[int, Place]]:
        """That one."""
        return [(number, place) for number, place in self.known.places() if number == self.place_id]

    def stored_archives(self, wanted: ArchiveFilter) -> Iterator[StoredArchive]:
        """See :class:`Known`, as for all others."""
        if wanted.place_id not in (None, self.place_id):
            return iter(())
        return self.known.stored_archives(replace(wanted, place_id=self.place_id))

    def holds_path_above(self, path: str) -> list[str]:
        return self.known.holds_path_above(path)

    def known_paths_like(self, text: str, limit: int = 5) -> list[str]:
        return self.known.known_paths_like(text, limit)

    def members(self, archive_id: int) -> Iterator[Member]:
        return self.known.members(archive_id)

    def vanished(self, archive_id: int) -> Iterator[str]:
        return self.known.vanished(archive_id)

    def members_at(self, archive_id: int, path: str) -> Iterator[tuple[int, Member]]:
        return self.known.members_at(archive_id, path)

    def member_named(self, archive_id: int, path: str) -> tuple[int, Member] | None:
        return self.known.member_named(archive_id, path)

    def offset_behind(self, archive_id: int, number: int) -> int | None:
        return self.known.offset_behind(archive_id, number)
