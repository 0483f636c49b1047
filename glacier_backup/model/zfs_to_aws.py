"""Names of the program zfs-to-aws, which ``layout = zfs-to-aws`` goes on with: below the bucket, or its prefix,

==========================================================================  ====================================
``DS/baseline-YYYYMMDD/DS-TYYYYMMDD-part-aaaaaa``                            a baseline, in parts
``DS/incrementals/FYYYYMMDD-TYYYYMMDD/DS-FYYYYMMDD-TYYYYMMDD-part-aaaaaa``   an increment
``….par2``, ``….vol000+100.par2``                                            parity of that part
``….enc.recipe.json``, in place of ``-part-aaaaaa``                          the manifest of what this program sent
==========================================================================  ====================================

``DS`` is the last component of the dataset, as that program was told it (``--dataset``): of ``pool/a/ds``, where it
failed, that is ``ds``, too. Snapshots are ``TAG-YYYYMMDD``, one a day at most, and keys have the day alone: so two
datasets of one last component, two tags, or two snapshots of one day would share keys.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from glacier_backup.model.snapshot import Span, dataset_of
from glacier_backup.model.suffixes import OF_STEPS, PART, parse_suffix

LAYOUT = "zfs-to-aws"

SnapshotLayout = Literal["own", "zfs-to-aws"]
"""What the keys of datasets look like."""

_DAY = r"[0-9]{8}"
_SNAPSHOT = re.compile(rf".+-({_DAY})")
_BASELINE = re.compile(rf"(?P<ds>[^/]+)/baseline-(?P<day>{_DAY})/(?P=ds)-T(?P=day)(?P<suffix>[-.].+)")
_INCREMENT = re.compile(
    rf"(?P<ds>[^/]+)/incrementals/F(?P<base>{_DAY})-T(?P<day>{_DAY})/(?P=ds)-F(?P=base)-T(?P=day)(?P<suffix>[-.].+)"
)
_FOLDER = re.compile(rf"(?P<ds>[^/]+)/(?:baseline-(?P<day>{_DAY})|incrementals/F(?P<base>{_DAY})-T(?P<to>{_DAY}))/(.*)")


class Stream(NamedTuple):
    """What a folder is called for."""

    dataset: str
    """The last component alone."""
    day: str
    """``YYYYMMDD``, of the snapshot that it leads to."""
    base: str = ""
    """The same of the one that it begins with; empty: it is a baseline."""

    @property
    def folder(self) -> str:
        """With the slash at its end."""
        inner = f"incrementals/F{self.base}-T{self.day}" if self.base else f"baseline-{self.day}"
        return f"{self.dataset}/{inner}/"

    @property
    def key(self) -> str:
        """What all of its keys begin with, as :attr:`Label.fixed_key`."""
        begins = f"-F{self.base}" if self.base else ""
        return f"{self.folder}{self.dataset}{begins}-T{self.day}"

    def span(self, tag: str) -> Span:
        """With snapshots as that program calls them, ``tag`` and day; nobody knows their guids."""
        return Span(f"{tag}-{self.day}", "", f"{tag}-{self.base}" if self.base else "")


class Named(NamedTuple):
    """What a key tells."""

    stream: Stream
    suffix: str
    """What stands behind :attr:`Stream.key`; see :func:`glacier_backup.model.suffixes.parse_suffix`."""


def snapshot_key(layout: SnapshotLayout, path: str, span: Span) -> str | None:
    """What the keys of that stream of the dataset at ``path``, ``zfs:pool/a/ds``, begin with; None where the layout is
    our own, which has no such keys.

    Raises ValueError, in words for its user, for snapshots whose names have no day, and for days that keys can't tell
    apart, or in order.
    """
    if layout == "own":
        return None
    stream = Stream(name_in_keys(path), day_of(span.to), day_of(span.base) if span.base else "")
    if stream.base >= stream.day:
        raise ValueError(
            f"{span.to} is not of a later day than {span.base}, and layout = zfs-to-aws has one snapshot for each day"
        )
    return stream.key


def name_in_keys(path: str) -> str:
    """What the dataset at ``path`` is called there. Raises ValueError for a path of no dataset."""
    return dataset_of(path)[1].rpartition("/")[2]


def day_of(snapshot: str) -> str:
    """``YYYYMMDD`` of the name of a snapshot, ``TAG-YYYYMMDD``. Raises ValueError for a name without one."""
    match = _SNAPSHOT.fullmatch(snapshot)
    if match is None:
        raise ValueError(
            f"snapshot {snapshot} is not called TAG-YYYYMMDD, and layout = zfs-to-aws has no other ones, and one a day"
        )
    moment_of(match[1])
    return match[1]


def moment_of(day: str) -> datetime:
    """Its beginning, UTC. Raises ValueError for what is no day."""
    try:
        return datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{day} is no day that the calendar has") from None


def parse_key(key: str) -> Named | None:
    """What a key, below the prefix, tells, if it is that of an object of a stream; None for all others."""
    match = _BASELINE.fullmatch(key) or _INCREMENT.fullmatch(key)
    told = None if match is None else parse_suffix(match["suffix"])
    if match is None or told is None or told.seal != OF_STEPS["openssl"]:
        return None
    if told.role != "manifest" and not match["suffix"].startswith(PART):
        return None
    found = match.groupdict()
    return _checked(Named(Stream(found["ds"], found["day"], found.get("base") or ""), found["suffix"]))


def stream_of_folder(key: str) -> tuple[Stream, str] | None:
    """The stream whose folder a key lies in, whatever it is, and what stands behind that: nothing for the marker that
    some programs make of a folder. None for a key that lies in none."""
    match = _FOLDER.fullmatch(key)
    if match is None:
        return None
    named = _checked(Named(Stream(match["ds"], match["day"] or match["to"], match["base"] or ""), match[5]))
    return named and (named.stream, named.suffix)


def _checked(named: Named) -> Named | None:
    try:
        for day in filter(None, (named.stream.day, named.stream.base)):
            moment_of(day)
    except ValueError:
        return None
    return named
