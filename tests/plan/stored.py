"""A catalog in memory, with only what selecting asks of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from glacier_backup.model.archive import Member, MemberType
from glacier_backup.model.increment import Link
from glacier_backup.model.naming import archive_name, group_path, stored_name
from glacier_backup.model.place import Place
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.stored import ArchiveFilter, GroupedFile, StoredArchive, StoredVolume
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.plan.inside import member_path

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
    gone: dict[int, tuple[str, ...]] = field(default_factory=dict)

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

    def add_group(
        self, section: str, at: float = 0, *files: Member, known: bool = True, **values: Any
    ) -> StoredArchive:
        """One more group, of files whose paths are below ``section``; with ``known=False`` nobody knows which."""
        stored = tuple(one._replace(path=f"{stored_name(section)}/{one.path}") for one in files)
        path = group_path(section, f"{len(self.archives):012x}")
        group = self.add(path, at, **{"kind": "group", "container": "tar", "has_members": known, **values})
        self.inside[group.id] = contents(*stored) if known else ()
        return group

    def add_link(
        self, path: str, at: float, *members: Member, deleted: tuple[str, ...] = (), **values: Any
    ) -> StoredArchive:
        """One more archive of a chain of increments, with what it lists as deleted; it builds on the one before."""
        last = next((one for one in reversed(self.archives) if one.path == path), None)
        link = Link(0)
        if last is not None and last.link is not None and not values.pop("full", False):
            link = Link(last.link.number + 1, last.link.full or last.time, last.time)
        archive = self.add(path, at, *members, **{"recipe": Recipe((link.step,)), **values})
        self.gone[archive.id] = deleted
        return archive

    def vanished(self, archive_id: int) -> Iterator[str]:
        return iter(self.gone.get(archive_id, ()))

    def places(self) -> list[tuple[int, Place]]:
        return list(PLACES.items())

    def stored_archives(self, wanted: ArchiveFilter) -> Iterator[StoredArchive]:
        of_archives = ArchiveFilter(ids=wanted.ids, name=wanted.name, locator=wanted.locator)
        found = (each for one in self.archives if _is_wanted(one, of_archives) for each in self._each(one, wanted))
        wanted_ones = (one for one in found if _is_wanted(one, replace(wanted, name=None, locator=None)))
        return iter(sorted(wanted_ones, key=lambda one: (*_in_database(one.path), one.place_id, one.id)))

    def _each(self, archive: StoredArchive, wanted: ArchiveFilter) -> Iterator[StoredArchive]:
        """That, or in its place the files that are in it."""
        if not (wanted.inside and archive.kind == "group" and archive.has_members):
            yield archive
            return
        by_path = {one.path: (number, one) for number, one in enumerate(self.inside[archive.id])}
        for path, own in by_path.items():
            # A hard link stands for the member that it leads to, which has the content.
            number, one = by_path[own[1].target or ""] if own[1].type == "hardlink" else own
            is_link = one.type == "symlink"
            looked = tree_fingerprint("link" if is_link else "file", len(one.target or "") or one.size, one.mtime_ns)
            yield replace(
                archive,
                path=member_path(archive, path),
                kind="link" if is_link else "file",
                digest=looked.digest,
                source_bytes=looked.bytes,
                mtime_ns=one.mtime_ns,
                mode=one.mode,
                problems=0,
                changed_while_read=False,
                file=GroupedFile(number, one),
            )

    def holds_path_above(self, path: str) -> list[str]:
        kinds = ("directory", None)
        above = {one.path for one in self.archives if one.kind in kinds and path.startswith(one.path.rstrip("/") + "/")}
        return sorted(above, key=len, reverse=True)

    def known_paths_like(self, text: str, limit: int = 5) -> list[str]:
        known = {one.path for one in self.stored_archives(ArchiveFilter(inside=True))}
        return sorted(path for path in known if path[:4] == text[:4])[:limit]

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
        and (wanted.since is None or one.time >= wanted.since)
        and (not wanted.incomplete or one.problems > 0)
        and (wanted.name is None or one.name == wanted.name)
        and (wanted.locator is None or one.volumes[0].locator == wanted.locator)
        and (wanted.until is None or one.time <= wanted.until)
    )
