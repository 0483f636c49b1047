"""What was chosen to be brought back: an archive, one file of a group, or some of what is inside an archive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from glacier_backup.model.naming import path_on_server
from glacier_backup.model.restore import WHOLE, ByteRange
from glacier_backup.model.snapshot import Span, dataset_of, is_dataset_path, stream_name
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.plan.across import PLAIN, Layout, layout_of
from glacier_backup.plan.inside import can_be_taken_apart
from glacier_backup.plan.mending import read_with_parity

Shelved = tuple[tuple[str | None, int | None], ...]
"""Storage class and size of each of some volumes."""


MOST_KNOWN = 10_000
"""Groups that are held at a time."""


class Stream(NamedTuple):
    """What a choice is, that is a stream of a dataset."""

    dataset: str
    """Its path: ``zfs:pool/dataset``."""
    span: Span
    number: int = 0
    """From 0, among those that are received one after the other."""
    trouble: str = ""
    """What is missing of all that it takes, or known to be damaged, in plain words."""
    is_gap: bool = False
    """Whether something is missing: then there is nothing to be tried."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to bring back, before it is known where it goes."""

    archive: int
    place_id: int
    host: str | None
    path: str
    """What it was, absolute, on its machine or server. What can't be unpacked has the name that it is stored under."""
    time: datetime
    volumes: Shelved
    bytes: int | None
    """That it takes in the target, as far as known."""
    member: str | None = None
    ranges: tuple[ByteRange, ...] = (WHOLE,)
    """Not of one file of a group: what those take is known when all of them are."""
    remark: str = ""
    """What a person should know of it, in plain words."""
    layout: Layout = PLAIN
    """How the stream, which ``ranges`` are of, lies in the volumes."""
    parity: Mapping[int, Shelved] = field(default_factory=dict)
    """By the place in ``volumes`` of one that is known to be damaged: storage class and size of what is read to mend
    it, which takes all of itself, too."""
    number: int | None = None
    """Of one file of a group: that of its member. None for all else."""
    offset: int | None = None
    """Of one file of a group: where it begins in the stream; None where that can't be taken apart."""
    under: tuple[Choice, ...] = ()
    """Of what an increment brings back: the other archives of its chain that it is laid over, the first one first."""
    stream: Stream | None = None
    """Of a stream of a dataset: which. Its path is that of a file then, whose name tells the snapshots."""

    @property
    def called(self) -> str:
        """What people call it."""
        return self.path if self.stream is None else f"{self.stream.dataset}@{self.stream.span.to}"


class Choosing:
    """Makes choices of archives, and of files of groups.

    There may be a hundred thousand files of one group, so what is the same for all of them is made once, and shared.
    """

    def __init__(self) -> None:
        self._known: dict[int, _Shared] = {}

    def __call__(self, archive: StoredArchive, remark: str = "") -> Choice:
        """All of what ``archive`` stands for."""
        if archive.file is None:
            return whole(archive, remark)
        shared = self._shared(archive)
        number, member = archive.file
        on_server = path_on_server(archive.path)
        return Choice(
            archive.id,
            archive.place_id,
            _host(archive, archive.path, on_server),
            on_server,
            archive.time,
            shared.volumes,
            archive.source_bytes,
            member.path,
            (WHOLE,),
            remark,
            shared.layout,
            shared.parity,
            number,
            member.offset if shared.is_apart else None,
        )

    def _shared(self, archive: StoredArchive) -> _Shared:
        found = self._known.get(archive.id)
        if found is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            found = self._known[archive.id] = _shared(archive)
        return found


def whole(archive: StoredArchive, remark: str = "") -> Choice:
    """All of an archive."""
    path, remark = archive.path, remark or _remark(archive)
    if archive.kind == "dataset" and is_dataset_path(path):
        return _stream(archive, remark)
    if archive.container is None:
        folder = path.rpartition("/")[0]
        path, remark = f"{folder}/{archive.name}", remark or "comes back as the file that is stored"
    elif archive.kind == "group":
        remark = remark or "comes back as a directory of its own: which files it holds isn't known"
    # The root directory is called so inside its archive, too.
    return _of(archive, "/root" if path_on_server(path) == "/" else path, archive.source_bytes, remark)


def as_path(dataset: str) -> str:
    """Where the files of a dataset's streams lie, as keys have it: ``/zfs:/pool/dataset``."""
    scheme, name = dataset_of(dataset)
    return f"/{scheme}:/{name}"


def _stream(archive: StoredArchive, remark: str) -> Choice:
    """Below the dataset, so that those below it have their folders beside: ``…/photos/photos@a_b.zfs``."""
    folder, span = as_path(archive.path), archive.span
    if span is None:
        return _of(archive, f"{folder}/{archive.name}", archive.size, remark or "which snapshots it is of isn't known")
    path = f"{folder}/{stream_name(folder.rpartition('/')[2], span, archive.container or 'zfs')}"
    return replace(_of(archive, path, archive.size, remark), stream=Stream(archive.path, span))


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
    stored, shared = archive.size if size is None and member is None else size, _shared(archive)
    return Choice(
        archive.id,
        archive.place_id,
        _host(archive, path, on_server),
        on_server,
        archive.time,
        shared.volumes,
        stored,
        member,
        ranges,
        remark,
        shared.layout,
        shared.parity,
    )


class _Shared(NamedTuple):
    """What every choice of one archive has."""

    volumes: Shelved
    layout: Layout
    parity: Mapping[int, Shelved]
    is_apart: bool
    """Whether a range of the stream takes a part of what is stored."""


def _shared(archive: StoredArchive) -> _Shared:
    parity = {archive.volumes.index(one): _shelved(archive.parity_of(one)) for one in read_with_parity(archive)}
    return _Shared(_shelved(archive.volumes), layout_of(archive), parity, can_be_taken_apart(archive))


def _host(archive: StoredArchive, path: str, on_server: str) -> str | None:
    """What was on a server belongs to that, whichever machine has sent it."""
    return archive.host if on_server == path else path.removesuffix(on_server).partition("://")[2]


def _shelved(volumes: Iterable[StoredVolume]) -> Shelved:
    return tuple((volume.storage_class, volume.size) for volume in volumes)


def _remark(archive: StoredArchive) -> str:
    if archive.problems:
        return "incomplete: something in it could not be read"
    return "changed while it was read" if archive.changed_while_read else ""
