"""What a destination says it has, compared with what the catalog knows to be there: pure decisions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from glacier_backup.model.archive import Member
from glacier_backup.model.finding import Finding, FindingKind
from glacier_backup.model.manifest import parse_manifest
from glacier_backup.model.place import DestinationKind, Place
from glacier_backup.model.stored import StoredArchive
from glacier_backup.model.thaw import Stored
from glacier_backup.plan.mending import is_lost
from glacier_backup.units import format_size

Checksum = Literal["tree_hash", "sha256", "crc64nvme"]

PROOFS: Mapping[DestinationKind, tuple[Checksum, ...]] = {
    "glacier": ("tree_hash",),
    "s3": ("crc64nvme", "sha256"),
    "sftp": (),
    "local": (),
}
"""The checksums that a kind of destination makes of the bytes itself, and keeps. All others are only what was written
down beside them: that they are as they were says nothing about the bytes."""

_NAMES: Mapping[Checksum, str] = {"tree_hash": "tree hash", "sha256": "SHA-256", "crc64nvme": "CRC64NVME"}


class Known(NamedTuple):
    """One volume as the catalog has it: what is compared, and what names it for people."""

    archive: int
    number: int
    locator: str
    size: int | None
    tree_hash: str | None
    sha256: str | None
    crc64nvme: str | None
    stored_at: datetime
    path: str
    time: datetime
    is_hurt: bool = False
    """Whether it was found to be missing or wrong before."""


class Compared(NamedTuple):
    """What came of comparing one volume."""

    findings: tuple[Finding, ...]
    proven: bool
    """Whether a checksum that the destination keeps is the one that was recorded."""


def known_volumes(archive: StoredArchive) -> Iterator[Known]:
    """All objects of one archive."""
    for one in archive.objects:
        yield Known(
            archive.id,
            one.number,
            one.locator,
            one.size,
            one.tree_hash,
            one.sha256,
            one.crc64nvme,
            one.stored_at,
            archive.path,
            archive.time,
            one.damaged_at is not None,
        )


def newest(known: list[Known]) -> Known:
    """Of the volumes that have one locator: the one that was sent last, and is what lies there."""
    return max(known, key=lambda one: one.archive)


def compare(known: Known, stored: Stored, place: Place) -> Compared:
    """A volume that is there, with all that asking about it has brought to light."""
    damage = _damage(known, stored, place)
    findings = [*damage, *_manifest(known, stored, place)]
    pairs = [(getattr(known, key), getattr(stored, key)) for key in PROOFS[place.kind]]
    proven = not damage and any(sent is not None and sent == found for sent, found in pairs)
    return Compared(tuple(findings), proven)


def missing(known: Known, place: Place) -> Finding:
    """A volume that isn't there."""
    return about(known, place, "missing", "it is not there any more")


def may_be_missing(known: Known, lag: timedelta, looked_at: datetime) -> bool:
    """Whether an inventory that was asked for at that time need not have it yet."""
    return bool(lag) and known.stored_at > looked_at - lag


def about(
    known: Known, place: Place, kind: FindingKind, what: str, cure: str | None = None, members: tuple[str, ...] = ()
) -> Finding:
    """A finding about a volume that the catalog knows."""
    return Finding(kind, what, str(place), known.path, known.locator, known.archive, known.time, cure, members)


def cured(finding: Finding, *, is_last: bool, archive: StoredArchive | None = None) -> Finding:
    """A finding of damage, with what to do about it. ``is_last``: whether nothing newer of its path is at its place,
    so that a run sends it again, as long as its source is there. ``archive`` as the catalog has it."""
    if archive is not None and archive.kind == "group":
        others, again = _of_files(archive)
    else:
        others = f"other versions, and copies at other places: glacier-backup list --versions {finding.path}"
        again = "the next run sends it again, if it is still configured and still there"
    gone_by = f"a newer one was sent there since; glacier-backup delete id:{finding.archive} removes this one"
    more = again if is_last else gone_by
    if archive is not None and any(one.locator == finding.locator for one in archive.beside):
        return replace(finding, cure=_BESIDE)
    if archive is not None and _has_parity(archive, finding.locator):
        others = f"{_PARITY.format(finding.archive)}; {others}"
    return replace(finding, cure=f"{others}; {more}", sent_again=is_last)


def _of_files(group: StoredArchive) -> tuple[str, str]:
    """Where else the files of a group are, and which of them are sent again."""
    return (
        f"what it holds: glacier-backup list --members id:{group.id}; other versions and copies of these files: "
        f"glacier-backup list --versions {group.base}",
        "the next run sends those of them again that are still configured and still there, and were not sent since",
    )


def _has_parity(archive: StoredArchive, locator: str | None) -> bool:
    """Whether parity may mend that volume, and no other is lost."""
    hurt = (one for one in archive.volumes if one.locator == locator)
    return not is_lost(archive) and any(archive.parity_of(one) for one in hurt)


_BESIDE = "the archive itself isn't hurt by that: it is there for mending the archive, or for making the catalog anew"
_PARITY = (
    "its parity may mend it: a restore does that by itself, and glacier-backup verify --repair id:{} where it is stored"
)


def _damage(known: Known, stored: Stored, place: Place) -> list[Finding]:
    if known.size is not None and stored.size != known.size:
        what = f"it has {stored.size:,} bytes, and {known.size:,} were sent ({format_size(known.size)})"
        return [about(known, place, "other_size", what)]
    return [
        about(known, place, "other_checksum", f"its {name} is {found}, and {sent} was sent")
        for key, name in _NAMES.items()
        if (sent := getattr(known, key)) is not None and (found := getattr(stored, key)) not in (None, sent)
    ]


def _manifest(known: Known, stored: Stored, place: Place) -> Iterator[Finding]:
    """What the text beside an archive has against it. The archive itself isn't hurt by that."""
    if not stored.manifest:
        return
    cure = "restore goes by the catalog and doesn't need it; catalog rebuild would leave this archive out"
    try:
        told = parse_manifest(stored.manifest)
    except ValueError as error:
        yield about(known, place, "manifest", f"its manifest can't be used: {error}", cure)
        return
    if told.label.path != known.path:
        yield about(known, place, "manifest", f"its manifest is one of {told.label.path}", cure)
    elif known.tree_hash is not None and told.volumes[0].tree_hash != known.tree_hash:
        yield about(known, place, "manifest", "its manifest names another tree hash than was sent", cure)


_MIB_OF_A_VOLUME = re.compile(r"the MiB from byte ([0-9,]+) on\b")


def damaged_at(cause: str) -> int | None:
    """Where the first wrong MiB of a volume begins, as far as what was said of the damage tells."""
    match = _MIB_OF_A_VOLUME.search(cause)
    return None if match is None else int(match[1].replace(",", ""))


def members_at(members: Iterable[Member], start: int, end: int) -> Iterator[str]:
    """The paths of those of a tar's ``members``, in stream order, that have bytes from ``start`` up to ``end``."""
    last: Member | None = None
    for member in members:
        if last is not None and last.offset < end and member.offset > start:
            yield last.path
        if member.offset >= end:
            return
        last = member
    if last is not None:
        yield last.path
