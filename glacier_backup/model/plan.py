"""What a run would do and why, before anything is done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal

from glacier_backup.model.archive import Container
from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.contents import Contents
from glacier_backup.model.expiry_reason import ExpiryReason
from glacier_backup.model.place import Place
from glacier_backup.model.reason import SkipReason
from glacier_backup.model.tree_sizes import TreeSizes
from glacier_backup.model.upload_reason import UploadReason


@dataclass(frozen=True, slots=True)
class ClassChoice:
    """The storage class that one archive gets."""

    storage_class: str
    """As S3 names them."""
    reason: str | None = None
    """Why it isn't the one that the destination is set to; None where it is."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One candidate that is to be sent to one destination."""

    candidate: Candidate
    name: str
    """The archive's name."""
    container: Container
    fingerprint: Fingerprint
    """As planned; the one that counts is taken again just before sending."""
    reason: UploadReason
    previous: datetime | None
    """When the last archive of this path was sent to that destination, as far as the plan knew."""
    to: str = ""
    """The destination's name."""
    storage_class: str | None = None
    """As S3 names them; None: the one that the destination is set to."""
    class_reason: str | None = None
    """Why it isn't that one."""

    action: ClassVar[Literal["upload"]] = "upload"

    @property
    def path(self) -> str:
        return self.candidate.path

    @property
    def bytes(self) -> int:
        return self.fingerprint.bytes

    @property
    def contents(self) -> Contents | None:
        """The files of a group; None of all else."""
        return self.candidate.contents


@dataclass(frozen=True, slots=True)
class Skip:
    """One path that is not sent: to one destination, or to none at all."""

    path: str
    name: str
    """The name that its archive has or would have."""
    bytes: int
    """Of the source, as far as known without reading it: 0 where nothing was looked at."""
    reason: SkipReason
    to: str = ""
    """The destination's name; empty for what concerns none of them."""
    contents: Contents | None = None
    """The files of a group; None of all else."""

    action: ClassVar[Literal["skip"]] = "skip"


@dataclass(frozen=True, slots=True)
class Expiry:
    """What is stored at one destination, and is no part of the source's newest state any more.

    It is never removed for good: in a bucket that keeps versions a delete marker hides it, elsewhere it stays as it is;
    either way the catalog knows since when.
    """

    path: str
    """Of a file or link, or of a group as a whole, which then only is put away: its files are stored elsewhere."""
    name: str
    """The archive's."""
    bytes: int
    """Of the source."""
    reason: ExpiryReason
    to: str
    """The destination's name."""
    archive: int | None = None
    """What is hidden where versions are kept: the newest archive of the path; None for a file that is only noted to be
    gone, for what holds it holds others too, or can't be hidden."""
    contents: Contents | None = None
    """None, as of all that is no group on its way."""

    action: ClassVar[Literal["expire"]] = "expire"


Decision = Upload | Skip | Expiry


@dataclass(frozen=True, slots=True)
class Share:
    """What of a plan concerns one destination."""

    uploads: int = 0
    skips: int = 0
    bytes: int = 0
    """Of the sources that would be sent there."""
    files: int = 0
    """How many of them are sent inside of groups."""
    expiries: int = 0


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """The decisions of one run, in the order of the sections, within one of the names, and for each of these of the
    destinations as the section names them.

    There may be millions: they are read one after the other, as often as wanted, and the counts come with them.
    """

    places: Mapping[str, Place]
    """Every destination that something may go to, by name."""
    decisions: Collection[Decision]
    """Those about one path follow each other, but for groups: each destination has its own. What is put away comes
    last, with what there is to say of it: it is dealt with when all else is."""
    uploads: int
    """How many are to be sent; what goes to two destinations counts twice."""
    skips: int
    """How many are not."""
    bytes: int
    """Of the sources that would be sent, likewise."""
    troubles: int = 0
    """Skips that need attention: a run with one must not end with exit code 0."""
    importable: int = 0
    """Archives that a run would first take over from the record of glacier_backup 1.2."""
    unfinished: int = 0
    """Uploads that an earlier run began, and that a run would go on with or remove."""
    shares: Mapping[str, Share] = field(default_factory=dict)
    """By destination; skips that concern none of them are in no share. Where one has none, nothing concerns it."""
    files: int = 0
    """How many files are to be sent inside of groups; each group is one upload."""
    expiries: int = 0
    """How much that is stored is no part of the newest state any more."""
    trees: tuple[TreeSizes, ...] = ()
    """How large the files are of each section that has groups, or could have some, that go by a prefix."""

    def share(self, name: str) -> Share:
        """What concerns the destination of that name."""
        return self.shares.get(name, Share())
