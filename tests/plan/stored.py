"""A catalog in memory, with only what selecting asks of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from glacier_backup.model.archive import Member, MemberType
from glacier_backup.model.naming import archive_name
from glacier_backup.model.place import Place
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.stored import ArchiveFilter, StoredArchive, StoredVolume

START = datetime(2026, 3, 1, tzinfo=UTC)

HERE, SERVER, COLD, VAULT = 1, 2, 3, 4
PLACES = {
    HERE: Place("local", "/vault"),
    SERVER: Place("sftp", "me@nas:22/vault"),
    COLD: Place("s3", "bucket/backup"),
    VAULT: Place("glacier", "vault", "eu-central-1", "123456789012"),
}


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def member(path: str, type: MemberType = "file", size: int = 100, target: str | None = None) -> Member:
    """One without an offset: the catalog gives it its own."""
    return Member(path, type, size, 0, 0o644, 0, target)


def contents(*members: Member) -> tuple[Member, ...]:
    """One behind the other, each with a header of a block."""
    offset, result = 0, []
    for one in members:
        result.append(one._replace(offset=offset))
        offset += 512 + -(-one.size // 512) * 512
    return tuple(result)


@dataclass
class Shelves:
    """A :class:`~glacier_backup.plan.known.Known`."""

    archives: list[StoredArchive] = field(default_factory=list)
    inside: dict[int, tuple[Member, ...]] = field(default_factory=dict)

    def add(self, path: str, at: float = 0, *members: Member, place: int = HERE, **values: Any) -> StoredArchive:
        """One more archive, of a directory where there are members."""
        id = len(self.archives) + 1
        kind, container = ("directory", "tar") if members else ("file", "raw")
        kind, container = values.pop("kind", kind), values.pop("container", container)
        size = values.pop("size", 1000)
        storage_class = values.pop("storage_class", "DEEP_ARCHIVE" if place == COLD else None)
        hash = values.pop("tree_hash", "0" * 64)
        locator, damage = values.pop("locator", f"locator-{id}"), values.pop("damage", None)
        hurt = None if damage is None else day(at)
        given: dict[str, Any] = {
            "name": archive_name(path, container or "raw", kind),
            "host": "nas",
            "recipe": Recipe((Step(container or "raw"),)),
            "source_bytes": size,
            "digest": f"of {id}",
            "has_members": bool(members),
        }
        archive = StoredArchive(
            id=id,
            place_id=place,
            path=path,
            time=day(at),
            sent_at=day(at),
            volumes=(
                StoredVolume(
                    1, locator, size, hash, day(at), storage_class=storage_class, damaged_at=hurt, damage=damage
                ),
            ),
            kind=kind,
            container=container,
            **{**given, **values},
        )
        self.archives.append(archive)
        self.inside[id] = contents(*members)
        return archive

    def places(self) -> list[tuple[int, Place]]:
        return list(PLACES.items())

    def stored_archives(self, wanted: ArchiveFilter) -> Iterator[StoredArchive]:
        found = (one for one in self.archives if _is_wanted(one, wanted))
        return iter(sorted(found, key=lambda one: (*_in_database(one.path), one.place_id, one.id)))

    def holds_path_above(self, path: str) -> list[str]:
        kinds = ("directory", None)
        above = {one.path for one in self.archives if one.kind in kinds and path.startswith(one.path.rstrip("/") + "/")}
        return sorted(above, key=len, reverse=True)

    def known_paths_like(self, text: str, limit: int = 5) -> list[str]:
        return sorted({one.path for one in self.archives if one.path[:4] == text[:4]})[:limit]

    def members(self, archive_id: int) -> Iterator[Member]:
        return iter(self.inside[archive_id])

    def members_at(self, archive_id: int, path: str) -> Iterator[tuple[int, Member]]:
        numbered = enumerate(self.inside[archive_id])
        return ((n, one) for n, one in numbered if one.path == path or one.path.startswith(path + "/"))

    def member_named(self, archive_id: int, path: str) -> tuple[int, Member] | None:
        return next(((n, one) for n, one in enumerate(self.inside[archive_id]) if one.path == path), None)

    def offset_behind(self, archive_id: int, number: int) -> int | None:
        members = self.inside[archive_id]
        return members[number + 1].offset if number + 1 < len(members) else None


def _in_database(path: str) -> tuple[bool, bytes]:
    """SQLite has text in front of bytes that are none."""
    return any("\udc80" <= character <= "\udcff" for character in path), path.encode("utf-8", "surrogateescape")


def _is_wanted(one: StoredArchive, wanted: ArchiveFilter) -> bool:
    below = wanted.below and wanted.below.rstrip("/") + "/"
    return (
        (wanted.ids is None or one.id in wanted.ids)
        and (wanted.path is None or one.path == wanted.path)
        and (below is None or one.path == wanted.below or one.path.startswith(below))
        and (wanted.glob is None or fnmatchcase(one.path, wanted.glob))
        and (wanted.name is None or one.name == wanted.name)
        and (wanted.locator is None or one.volumes[0].locator == wanted.locator)
        and (wanted.until is None or one.time <= wanted.until)
    )
