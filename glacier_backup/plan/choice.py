"""What was chosen to be brought back: an archive, or some of what is inside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from glacier_backup.model.naming import path_on_server
from glacier_backup.model.restore import WHOLE, ByteRange
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.plan.across import PLAIN, Layout, layout_of
from glacier_backup.plan.mending import mendable


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to bring back, before it is known where it goes."""

    archive: int
    place_id: int
    host: str | None
    path: str
    """What it was, absolute, on its machine or server. What can't be unpacked has the name that it is stored under."""
    time: datetime
    volumes: tuple[tuple[str | None, int | None], ...]
    """Storage class and size of each."""
    bytes: int | None
    """That it takes in the target, as far as known."""
    member: str | None = None
    ranges: tuple[ByteRange, ...] = (WHOLE,)
    remark: str = ""
    """What a person should know of it, in plain words."""
    layout: Layout = PLAIN
    """How the stream, which ``ranges`` are of, lies in the volumes."""
    parity: Mapping[int, tuple[tuple[str | None, int | None], ...]] = field(default_factory=dict)
    """By the place in ``volumes`` of one that is known to be damaged: storage class and size of what is read to mend
    it, which takes all of itself, too."""


def whole(archive: StoredArchive, remark: str = "") -> Choice:
    """All of an archive."""
    path, remark = archive.path, remark or _remark(archive)
    if archive.container is None:
        folder = path.rpartition("/")[0]
        path, remark = f"{folder}/{archive.name}", remark or "comes back as the file that is stored"
    # The root directory is called so inside its archive, too.
    return _of(archive, "/root" if path_on_server(path) == "/" else path, archive.source_bytes, remark)


def part(
    archive: StoredArchive, path: str, member: str, ranges: tuple[ByteRange, ...], size: int | None, remark: str = ""
) -> Choice:
    """What lies at and below ``member``, which was at ``path``, and takes ``size`` bytes."""
    return _of(archive, path, size, remark or _remark(archive), member, ranges)


def _of(
    archive: StoredArchive,
    path: str,
    size: int | None,
    remark: str,
    member: str | None = None,
    ranges: tuple[ByteRange, ...] = (WHOLE,),
) -> Choice:
    on_server = path_on_server(path)
    # What was on a server belongs to that, whichever machine has sent it.
    host = archive.host if on_server == path else path.removesuffix(on_server).partition("://")[2]
    stored = archive.size if size is None and member is None else size
    return Choice(
        archive.id,
        archive.place_id,
        host,
        on_server,
        archive.time,
        _shelved(archive.volumes),
        stored,
        member,
        ranges,
        remark,
        layout_of(archive),
        {archive.volumes.index(one): _shelved(archive.parity_of(one)) for one in mendable(archive)},
    )


def _shelved(volumes: Iterable[StoredVolume]) -> tuple[tuple[str | None, int | None], ...]:
    return tuple((volume.storage_class, volume.size) for volume in volumes)


def _remark(archive: StoredArchive) -> str:
    if archive.problems:
        return "incomplete: something in it could not be read"
    return "changed while it was read" if archive.changed_while_read else ""
