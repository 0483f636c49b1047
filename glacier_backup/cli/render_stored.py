"""What is stored, as tables for people and as JSON for scripts."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from glacier_backup.cli.render import Json, remark_on
from glacier_backup.cli.table import write_table
from glacier_backup.model.archive import Member, MemberType
from glacier_backup.model.place import Place
from glacier_backup.model.stored import Found, StoredArchive
from glacier_backup.plan.inside import member_path
from glacier_backup.units import format_size, local_time, rfc3339

Places = Mapping[int, Place]

_TYPES: Mapping[MemberType, int] = {
    "file": stat.S_IFREG,
    "directory": stat.S_IFDIR,
    "symlink": stat.S_IFLNK,
    "hardlink": stat.S_IFREG,
    "fifo": stat.S_IFIFO,
    "device": stat.S_IFBLK,
    "other": 0,
}


def path_of(found: Found) -> str:
    """Where it was."""
    return found.archive.path if found.member is None else member_path(found.archive, found.member.path)


def member_of(found: Found) -> Member | None:
    """What it is inside its archive; None where it is all of it."""
    return found.archive.file.member if found.archive.file is not None else found.member


def write_found(found: Iterable[Found], places: Places) -> None:
    """What matches, path by path, in all versions."""
    rows = (
        (
            local_time(one.archive.time),
            _size(one.archive.source_bytes if one.member is None else one.member.size),
            path_of(one),
            f"id:{one.archive.id}",
            str(places[one.archive.place_id]),
            ", ".join(filter(None, (_snapshots(one.archive), _remark(one.archive)))),
        )
        for one in found
    )
    write_table(("sent", "size", "path", "id", "from", ""), rows, right=("size",))


def found_json(found: Found, places: Places) -> Json:
    """The shape of one element of ``find --json``; documented in docs/json.md."""
    member = member_of(found)
    return {
        "path": path_of(found),
        "archive": archive_json(found.archive, places),
        "member": None if member is None else member_json(member),
    }


def write_versions(archives: Iterable[StoredArchive], places: Places) -> None:
    """Archives, path by path."""
    rows = (
        (
            local_time(one.time),
            _size(one.size if one.file is None else one.source_bytes),
            ", ".join(filter(None, (_snapshots(one), _volumes(one), _remark(one)))),
            one.path,
            one.name + one.suffix,
            f"id:{one.id}",
            str(places[one.place_id]),
            "" if (when := _verified(one)) is None else local_time(when),
        )
        for one in archives
    )
    columns = ("sent", "size", "", "path", "archive", "id", "destination", "verified")
    write_table(columns, rows, right=("size",))


def archive_json(archive: StoredArchive, places: Places) -> Json:
    """The shape of one element of ``list --versions --json``; documented in docs/json.md."""
    verified = _verified(archive)
    return {
        "id": archive.id,
        "path": archive.path,
        "name": archive.name,
        "suffix": archive.suffix,
        "recipe": None if archive.recipe is None else json.loads(archive.recipe.to_json()),
        "volumes": len(archive.volumes),
        "host": archive.host,
        "time": rfc3339(archive.time),
        "sent_at": rfc3339(archive.sent_at),
        "destination": str(places[archive.place_id]),
        "locators": [volume.locator for volume in archive.volumes],
        "beside": [one.locator for one in archive.beside],
        "alias": archive.alias,
        "storage_class": archive.volumes[0].storage_class,
        "bytes": archive.source_bytes,
        "stored_bytes": archive.size if archive.file is None else None,
        "member": None if archive.file is None else archive.file.member.path,
        "incomplete": archive.problems > 0,
        "changed_while_read": archive.changed_while_read,
        "verified_at": _when(verified),
        "damage": None if archive.hurt is None else archive.hurt.damage,
        "damaged_at": None if archive.hurt is None else _when(archive.hurt.damaged_at),
        "content_sha256": archive.sha256,
        "expired_at": _when(archive.expired_at),
        "deleted_at": _when(archive.deleted_at),
        "origin": archive.origin,
    }


def write_members(members: Iterable[Member]) -> None:
    """What is inside an archive, in its order."""
    rows = (
        (
            stat.filemode(_TYPES[one.type] | one.mode),
            format_size(one.size) if one.type == "file" else "",
            local_time(_time(one)),
            one.path if one.target is None else f"{one.path} {'=' if one.type == 'hardlink' else '->'} {one.target}",
        )
        for one in members
    )
    write_table(("mode", "size", "changed", "path"), rows, right=("size",))


def member_json(member: Member) -> Json:
    """The shape of one element of ``list --members --json``; documented in docs/json.md."""
    return {
        "path": member.path,
        "type": member.type,
        "bytes": member.size,
        "mode": member.mode,
        "mtime_ns": member.mtime_ns,
        "target": member.target,
        "sha256": member.content_sha256,
    }


def _time(member: Member) -> datetime:
    """As far as a calendar goes."""
    seconds = min(max(member.mtime_ns // 10**9, -62_135_500_000), 253_402_200_000)
    return datetime.fromtimestamp(seconds, UTC)


def _verified(archive: StoredArchive) -> datetime | None:
    """When all of it was last found to be right; None where that of a volume isn't known."""
    times = [volume.verified_at for volume in archive.volumes]
    return None if None in times else min((time for time in times if time is not None), default=None)


def _when(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _snapshots(archive: StoredArchive) -> str:
    """Of a stream of a dataset which one it leads to, and from where."""
    span = archive.span
    if span is None:
        return ""
    return f"@{span.to} since @{span.base}" if span.base else f"@{span.to}"


def _volumes(archive: StoredArchive) -> str:
    """How many, of one that was cut; of a file in a group only that it is in one."""
    if archive.file is not None:
        return "in a pack"
    count = len(archive.volumes)
    if not any(one.volume for one in archive.volumes):
        return ""
    return f"{count} volume{'' if count == 1 else 's'}"


def _size(size: int | None) -> str:
    return "" if size is None else format_size(size)


def _remark(archive: StoredArchive) -> str:
    remark = remark_on(archive.hurt is not None, archive.problems, archive.changed_while_read)
    return ", ".join(filter(None, (remark, _gone(archive))))


def _gone(archive: StoredArchive) -> str:
    if archive.deleted_at is not None:
        return f"deleted {local_time(archive.deleted_at)}"
    return "" if archive.expired_at is None else f"stored elsewhere since {local_time(archive.expired_at)}"
