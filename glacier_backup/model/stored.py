"""What is stored, as the catalog tells it to whoever wants it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from glacier_backup.model.archive import Container, Label, Member, Role
from glacier_backup.model.candidate import Fingerprint, Kind
from glacier_backup.model.increment import Link, link_of
from glacier_backup.model.naming import section_of, stored_name
from glacier_backup.model.recipe import Recipe, group_depth
from glacier_backup.model.snapshot import Span, span_if_told


@dataclass(frozen=True, slots=True)
class StoredVolume:
    """One stored object. The leaves, 32 bytes for each MiB, are asked for by themselves."""

    number: int
    """From 1, in the order in which the objects of the archive were stored."""
    locator: str
    size: int | None
    """Bytes; None where that isn't known, as of what was taken over from a system that kept none."""
    tree_hash: str | None
    """Hex."""
    stored_at: datetime
    sha256: str | None = None
    """Linear, hex."""
    crc64nvme: str | None = None
    """Base64."""
    storage_class: str | None = None
    has_leaves: bool = False
    verified_at: datetime | None = None
    """When all of it was last found to be right, by reading it or by the destination's own checksum."""
    damaged_at: datetime | None = None
    """When it was found to be missing or wrong, and nothing has said otherwise since; None: nothing is known."""
    damage: str | None = None
    """In what way, in plain words."""
    role: Role = "data"
    volume: int = 0
    """As :attr:`Label.volume`; 0 where the archive is one object."""
    suffix: str = ""
    """As :attr:`Label.suffix`."""
    hmac_sha256: str | None = None
    """As :attr:`Checksums.hmac_sha256`."""
    slice_sha256: str | None = None
    """Hex, of the bytes of the stream that went into it, before they were encrypted; only while the archive isn't
    complete, so that the next run can tell whether it may go on behind this volume."""


class GroupedFile(NamedTuple):
    """One file of a group, where it lies in the archive."""

    number: int
    """Of the member, from 0."""
    member: Member


@dataclass(frozen=True, slots=True)
class StoredArchive:
    """One stored archive. What is None isn't known: it was taken over from another system, or rebuilt."""

    id: int
    place_id: int
    path: str
    name: str
    time: datetime
    """Of its label; where it has none, when it was sent."""
    sent_at: datetime
    volumes: tuple[StoredVolume, ...]
    """Those that its bytes are in, in their order."""
    host: str | None = None
    kind: Kind | None = None
    container: Container | None = None
    recipe: Recipe | None = None
    source_bytes: int | None = None
    mtime_ns: int | None = None
    """The latest inside; of a raw file its own."""
    mode: int | None = None
    """Permission bits of the candidate itself."""
    fixed_key: str | None = None
    digest: str | None = None
    """Of the fingerprint."""
    has_members: bool = False
    """Whether the catalog knows the members and where each begins."""
    problems: int = 0
    changed_while_read: bool = False
    origin: str | None = None
    """What it was taken over from; None for our own."""
    beside: tuple[StoredVolume, ...] = ()
    """Objects that were stored for its sake: parity, and the manifest of several volumes."""
    suffix: str = ""
    """What sealing has added behind its name, volumes left out: ``.zst.age``."""
    alias: str | None = None
    """As :attr:`Label.alias`."""
    file: GroupedFile | None = None
    """Where this stands for one file of a group: which. Path, kind, digest, source_bytes, mtime_ns, mode and sha256
    are that file's then, problems are none, and all else is the group's."""
    sha256: str | None = None
    """As :attr:`ArchiveRecord.sha256`."""
    expired_at: datetime | None = None
    """Since when it is no part of the newest state of its place: its files were deleted, or are stored otherwise."""
    deleted_at: datetime | None = None
    """When its file was found to be deleted at its source, where whoever loaded this has asked for that."""

    @property
    def base(self) -> str:
        """Where that lies, or lay, whose name the members begin with: of a group its section."""
        return section_of(self.path, group_depth(self.recipe)) if self.kind == "group" else self.path

    @property
    def top(self) -> str:
        """What members begin with in place of :attr:`base`; empty where they have nothing in front. Not of one file of
        a group."""
        packing = next(iter(self.recipe.steps), None) if self.recipe is not None else None
        told = None if packing is None else packing.parameters.get("top")
        return told if isinstance(told, str) else stored_name(self.base)

    @property
    def link(self) -> Link | None:
        """Where it stands in a chain of increments; None where nothing that can be understood says so."""
        try:
            return link_of(self.recipe)
        except ValueError:
            return None

    @property
    def span(self) -> Span | None:
        """Of a dataset which snapshots its stream goes between; None where nothing that can be understood says so, as
        of what has lost its manifest."""
        return span_if_told(self.recipe)

    @property
    def objects(self) -> tuple[StoredVolume, ...]:
        """All that is stored of it."""
        return self.volumes + self.beside

    def parity_of(self, volume: StoredVolume) -> tuple[StoredVolume, ...]:
        """What can mend that volume."""
        return tuple(one for one in self.beside if one.role == "parity" and one.volume == volume.volume)

    @property
    def size(self) -> int | None:
        """Bytes of all volumes; None where that of one isn't known."""
        sizes = [volume.size for volume in self.volumes]
        return None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def hurt(self) -> StoredVolume | None:
        """The first volume that is known to be missing or wrong; None where nothing is known against any."""
        return next((volume for volume in self.volumes if volume.damaged_at is not None), None)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """An archive as its destination tells of it, when the catalog doesn't know it."""

    label: Label
    """Of the archive, not of one of its objects."""
    volumes: tuple[StoredVolume, ...]
    """All of its objects."""
    description: str | None = None
    recipe: Recipe | None = None
    fingerprint: Fingerprint | None = None
    problems: int = 0
    changed_while_read: bool = False
    origin: str | None = None
    """What kind of foreign description it has; None for our own."""
    sha256: str | None = None
    """As :attr:`ArchiveRecord.sha256`."""
    expired_at: datetime | None = None
    """As :attr:`StoredArchive.expired_at`."""
    members: tuple[Member, ...] = ()
    """What is in it, where that was read at once; in the order in which it lies there."""


@dataclass(frozen=True, slots=True)
class ArchiveFilter:
    """Which stored archives are meant; whatever is given has to hold."""

    ids: tuple[int, ...] | None = None
    path: str | None = None
    """Exactly this one."""
    below: str | None = None
    """This one and all below it."""
    glob: str | None = None
    """The whole path matches it as :mod:`fnmatch` has it: case counts, ``*`` crosses slashes."""
    name: str | None = None
    """Of the archive."""
    locator: str | None = None
    """Of any of its volumes."""
    place_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Both for :attr:`StoredArchive.time`, and both included."""
    newest: bool = False
    """Of each path at each place only the newest up to ``until``, by order of intent."""
    present: bool = False
    """Only what was part of a newest state up to ``until``: neither put away by then, nor deleted at its source since
    it was sent; with :attr:`newest` the newest of that."""
    as_of: datetime | None = None
    """Of :attr:`present`: up to when, in place of ``until``, which leaves out all that is younger."""
    incomplete: bool = False
    """Only those of which something could not be read."""
    inside: bool = False
    """In place of each group whose files are known those files, each as an archive of its own path
    (:attr:`StoredArchive.file`): ``path``, ``below``, ``glob``, ``newest`` and ``incomplete`` are about them then,
    and ``ids``, ``name`` and ``locator`` about the group."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something that matches what was looked for."""

    archive: StoredArchive
    member: Member | None = None
    """None: the archive itself does."""
