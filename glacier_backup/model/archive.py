"""An archive: what was sent of one candidate at one time, and the members inside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple

from glacier_backup.model.candidate import Fingerprint, Kind
from glacier_backup.model.recipe import Recipe

Container = Literal["raw", "tar", "zip", "zfs"]

WITH_MEMBERS = frozenset[Container | None]({"tar", "zip"})
"""Containers of what has names of its own, and may be many things."""

Role = Literal["data", "parity", "manifest"]
"""What a stored object is to its archive."""

MemberType = Literal["file", "directory", "symlink", "hardlink", "fifo", "device", "other"]


class Member(NamedTuple):
    """One file inside an archive. A plain tuple, for there may be millions."""

    path: str
    """As the archive stores it: below the candidate's name, never with a leading slash."""
    type: MemberType
    size: int
    """Bytes of content; 0 for anything but a regular file."""
    mtime_ns: int
    mode: int
    """Permission bits."""
    offset: int
    """Where it begins in the unsealed stream, in bytes; for tar the first block of its header."""
    target: str | None
    """What a link points to."""
    sha256: bytes | None = None
    """Of its content, of a link its target; None where nobody has hashed it, as for most."""
    source: str | None = None
    """Of a file of a group: its name below the section, where filters have made another one of it."""

    @property
    def content_sha256(self) -> str | None:
        """The same in hex."""
        return None if self.sha256 is None else self.sha256.hex()


class Outline(NamedTuple):
    """What tells whether a :class:`Member` is the one that comes next."""

    path: str
    type: MemberType
    size: int


class ReadProblem(NamedTuple):
    """Something inside a candidate that could not be packed."""

    path: str
    """Absolute."""
    cause: str


@dataclass(frozen=True, slots=True)
class Label:
    """All that an archive's key and description say about it, fixed with the intent to send."""

    name: str
    path: str
    host: str
    kind: Kind
    container: Container
    time: datetime
    recipe_id: str
    mtime_ns: int | None = None
    """Of a raw file, which keeps none inside its container."""
    mode: int | None = None
    fixed_key: str | None = None
    """The key, but for the suffix, where it isn't made of host, path and time: of a file of a tree, whose key mirrors
    its path."""
    suffix: str = ""
    """What sealing adds behind the archive's name and key: ``.zst.age``. Of one of several objects with what that one
    is: ``.zst.v001.age``, ``.zst.v001.age.vol000+100.par2``, ``.zst.age.recipe.json``."""
    volume: int = 0
    """Of one of several objects the number, from 1, of the volume that it is or protects; of the manifest how many
    volumes there are. 0: the archive is one object."""
    role: Role = "data"
    seal: str = ""
    """The sealing steps of the recipe in a few characters; see :func:`glacier_backup.model.recipe.compact`. For a
    vault's description, for there the recipe can't be read without a thaw."""
    alias: str | None = None
    """A random name that stands for host, path, time and name wherever others can see them; None: nothing is
    hidden."""
    link: str = ""
    """Where it stands in a chain of increments, in a few characters; see :class:`glacier_backup.model.increment.Link`.
    Empty: in none. For a vault's description, too."""
    span: str = ""
    """Of a dataset which snapshots its stream goes between, in a few characters; see
    :mod:`glacier_backup.model.dataset_label`. Empty: it is none. For a vault's description, too."""
    below: str = ""
    """Of a group that goes by a prefix: how its names lie below its section, in a few characters; see
    :mod:`glacier_backup.model.prefix_group`. Empty: it is none. For a vault's description, too."""
    told: str = ""
    """What stands for the path, and its last component for the name, wherever others can see them: where filters have
    made another one of it. Empty: they do themselves. See :func:`as_told`."""


def as_told(label: Label) -> Label:
    """What others can see of it: they see what filters have made of its name, and that may be to hide the name."""
    if not label.told:
        return label
    below = label.below
    if below:
        # As much longer, or shorter, as the path is.
        depth = int(below.removesuffix("r")) + label.told.count("/") - label.path.count("/")
        below = f"{depth}{below[-1] if below.endswith('r') else ''}"
    return replace(label, path=label.told, name=label.told.rpartition("/")[2], told="", below=below)


@dataclass(frozen=True, slots=True)
class Checksums:
    """What the bytes of one volume add up to."""

    size: int
    """Bytes, as stored."""
    tree_hash: str
    """Hex; see :mod:`glacier_backup.digest`."""
    leaves: bytes
    """Digest of each MiB, concatenated."""
    sha256: str | None = None
    """Linear, hex; where the destination keeps one."""
    crc64nvme: str | None = None
    """Of the whole, base64 as S3 writes it; where the destination keeps one."""
    hmac_sha256: str | None = None
    """Hex; of what was encrypted without authenticating itself. See :mod:`glacier_backup.seal.openssl`."""
    metadata: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What an object is to say of the files in it where that can be said at its making: see
    :mod:`glacier_backup.model.plaintext`. Nobody keeps it but the object."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a destination hands back for one stored volume."""

    locator: str
    """Archive id in a vault; key elsewhere."""
    size: int
    """Bytes, as stored."""
    tree_hash: str
    """Hex; see :mod:`glacier_backup.digest`."""
    leaves: bytes
    """Digest of each MiB, concatenated."""
    stored_at: datetime
    sha256: str | None = None
    """Linear, hex; where the destination keeps one."""
    crc64nvme: str | None = None
    """Of the whole, base64 as S3 writes it; where the destination keeps one."""
    storage_class: str | None = None
    """As S3 names them; None where there are none."""


@dataclass(frozen=True, slots=True)
class ArchiveRecord:
    """What the catalog keeps of one archive, its members apart."""

    label: Label
    description: str
    """As given to the destination."""
    recipe: Recipe
    fingerprint: Fingerprint
    """Taken before the archive was read."""
    receipts: tuple[Receipt, ...] = field(default=())
    """Of its volumes; none before it is stored."""
    problems: tuple[ReadProblem, ...] = field(default=())
    changed_while_read: bool = False
    sha256: str | None = None
    """Hex, of the content of one file of a tree, before anything sealed it; of what else has gone through commands of
    the user, of all bytes that they were given. None where nobody has hashed it."""

    @property
    def stored_bytes(self) -> int:
        return sum(receipt.size for receipt in self.receipts)

    @property
    def sent_at(self) -> datetime:
        return max(receipt.stored_at for receipt in self.receipts)
