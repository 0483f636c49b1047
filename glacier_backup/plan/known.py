"""What selecting asks of the catalog."""

from __future__ import annotations

from collections.abc import Iterator
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

    def members_at(self, archive_id: int, path: str) -> Iterator[tuple[int, Member]]:
        """That member and all below it, each with its number, in stream order."""
        ...

    def member_named(self, archive_id: int, path: str) -> tuple[int, Member] | None: ...

    def offset_behind(self, archive_id: int, number: int) -> int | None:
        """Where the member behind that one begins; None for the last."""
        ...
