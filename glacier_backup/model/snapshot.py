"""Snapshots of datasets, and the streams that are sent of them.

A stream goes from one snapshot to another, or from nothing, which makes it a baseline. A chain of such archives is like
one of increments (:mod:`glacier_backup.model.increment`): the recipe of each says where in it it stands, and which
snapshot it leads to::

    {"step": "zfs", "increment": 0, "to": "offsite-20260321", "guid": "5a1f…"}
    {"step": "zfs", "increment": 2, "full": "<time>", "previous": "<time>",
     "from": "offsite-20260314", "to": "offsite-20260321", "guid": "81c2…"}

``guid`` is what the file system itself tells a snapshot by, as 16 hex digits: it stays when a snapshot is renamed, or
received elsewhere. Where it isn't known, as of what another program has sent, it isn't there, and the name counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from urllib.parse import quote, unquote

from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.increment import Link, link_of
from glacier_backup.model.recipe import Recipe, Scalar, Step

SCHEMES = ("zfs",)
"""What the paths of datasets begin with, in front of a colon: ``zfs:pool/dataset``. Each is a container, too."""

DEFAULT_TAG = "offsite"

_GUID = re.compile(r"[0-9a-f]{16}")
_MAGIC = 0x2F5BACBAC
"""``DMU_BACKUP_MAGIC``, the second eight bytes of what ``zfs send`` writes, in the byte order of its machine."""
_DIGEST = re.compile(rf"snapshot ({_GUID.pattern})")
_PATH = re.compile(rf"({'|'.join(SCHEMES)}):(.+)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_.: ][A-Za-z0-9_.: -]*")


class Snapshot(NamedTuple):
    """One snapshot of a dataset."""

    name: str
    """What stands behind the ``@``."""
    guid: str
    """16 hex digits."""
    order: int
    """Grows with each snapshot of the dataset, whatever the clock says (``createtxg``)."""
    created_at: datetime
    """UTC, by the clock of the machine."""
    is_held: bool = False
    """Whether anything keeps it from being destroyed (``zfs hold``), whosever hold that is."""


class Span(NamedTuple):
    """What one stream holds: all that has become of a dataset between two snapshots."""

    to: str
    """The name of the snapshot that it leads to."""
    guid: str = ""
    """That one's; empty where it isn't known."""
    base: str = ""
    """The name of the snapshot that it takes for there; empty: it is a baseline."""

    def __str__(self) -> str:
        """For a vault's description: nothing but ``A-Za-z0-9_.~%/-`` in it; the inverse is :func:`parse_span`."""
        return "/".join(quote(one, safe="") for one in (self.guid, self.to, self.base))


def parse_span(text: str) -> Span:
    """The inverse of ``str()``. Raises ValueError for what it never makes."""
    pieces = text.split("/")
    if len(pieces) != 3:
        raise ValueError("it is no span between snapshots")
    guid, to, base = map(unquote, pieces)
    return _checked(to, guid, base)


def stream_step(scheme: str, span: Span, link: Link, *, raw: bool = False) -> Step:
    """The packing step of a recipe. ``scheme`` is one of :data:`SCHEMES`; ``raw``: as :attr:`SnapshotRules.raw`."""
    told: dict[str, Scalar] = {**link.step.parameters, "to": span.to} | ({"raw": True} if raw else {})
    told |= {"guid": span.guid} if span.guid else {}
    return Step(scheme, told | ({"from": span.base} if span.base else {}))


def span_of(recipe: Recipe | None) -> Span | None:
    """What a recipe says of it; None where it is of no dataset. Raises ValueError for what none of ours says."""
    packing = recipe.steps[0] if recipe is not None and recipe.steps else None
    if packing is None or packing.name not in SCHEMES:
        return None
    to, guid, base = (packing.parameters.get(name, "") for name in ("to", "guid", "from"))
    if not (isinstance(to, str) and isinstance(guid, str) and isinstance(base, str)):
        raise ValueError("its recipe tells no snapshots")
    link = link_of(recipe)
    if link is None or bool(link.number) != bool(base):
        raise ValueError("its recipe says no place in a chain of snapshots")
    return _checked(to, guid, base)


def span_if_told(recipe: Recipe | None) -> Span | None:
    """As :func:`span_of`, and None as well for what none of ours says."""
    try:
        return span_of(recipe)
    except ValueError:
        return None


def _checked(to: str, guid: str, base: str) -> Span:
    if not is_snapshot_name(to) or (base and not is_snapshot_name(base)) or (guid and not _GUID.fullmatch(guid)):
        raise ValueError("it is no span between snapshots")
    return Span(to, guid, base)


def is_snapshot_name(text: str) -> bool:
    """Whether a snapshot may be called so: zfs(8), "Snapshots", and nothing that could be taken for an option."""
    return _NAME.fullmatch(text) is not None


def is_zfs_stream(head: bytes) -> bool:
    """Whether ``zfs receive`` may take what begins so; 16 bytes tell."""
    return _MAGIC in (int.from_bytes(head[8:16], "little"), int.from_bytes(head[8:16], "big"))


def stream_name(name: str, span: Span, container: str) -> str:
    """What a file of that stream is called, of a dataset whose last component is ``name``: ``photos@a.zfs`` where it is
    a baseline, else ``photos@a_b.zfs``."""
    return f"{name}@{f'{span.base}_' if span.base else ''}{span.to}.{container}"


def digest_of(guid: str) -> str:
    """The digest of the fingerprint of a dataset that is as that snapshot has it."""
    return f"snapshot {guid}"


def guid_of(digest: str) -> str:
    """The inverse; empty for a digest of anything else."""
    match = _DIGEST.fullmatch(digest)
    return "" if match is None else match[1]


def is_dataset_path(path: str) -> bool:
    """Whether it is that of a dataset, ``zfs:pool/dataset``, and none of a file."""
    return _PATH.fullmatch(path) is not None


def dataset_of(path: str) -> tuple[str, str]:
    """Scheme and name: ``zfs`` and ``pool/dataset``. Raises ValueError for a path of anything else."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise ValueError(f"{path} is no dataset")
    return match[1], match[2]


@dataclass(frozen=True, slots=True)
class SpanLinked:
    """One archive of a dataset's chain that is to be made."""

    link: Link
    span: Span
    fingerprint: Fingerprint
    """Of the snapshot that it leads to, with the size of the stream, as far as that is known."""


Taking = Literal["create", "latest", "named"]


@dataclass(frozen=True, slots=True)
class SnapshotRules:
    """How the datasets of one section are sent."""

    taking: Taking = "create"
    """Make a new snapshot where anything has been written since the newest; send the newest that there is; or send one
    by its name."""
    name: str = ""
    """Of the one that is named."""
    tag: str = DEFAULT_TAG
    """What names of snapshots begin with, in front of ``-YYYYMMDD``: of those that are made, and of those that count as
    the newest. Empty: all count, and none can be made."""
    intermediates: bool = True
    """Whether all snapshots in between travel too (``-I``)."""
    raw: bool = False
    """Whether encrypted datasets are sent as they lie on the disk (``-w``)."""
    recursive: bool = False
    """Whether each dataset below is a candidate, too."""
    properties: bool = False
    """Whether the dataset's properties travel (``-p``)."""
    keep: int | None = None
    """How many of the snapshots that go by the tag stay here; None: all."""
    base: str = ""
    """The name of the snapshot that the next stream is to begin with; empty: the newest that can be."""
    layout: Literal["own", "zfs-to-aws"] = "own"
    """How keys are called."""
