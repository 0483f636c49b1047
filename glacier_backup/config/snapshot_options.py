"""How datasets are sent: what a section named by ``zfs:pool/dataset`` has for itself."""

from __future__ import annotations

import re

from glacier_backup.config import values
from glacier_backup.config.option import Home, Option

_HOMES: tuple[Home, ...] = ("dataset",)

_YES_OR_NO = "yes or no (or true, false, on, off, 1, 0)"
_TAG = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:-]{0,99}")

TAKINGS = ("create", "latest")
"""What ``snapshot`` may be besides a name."""


def snapshot(text: str) -> str:
    """One of :data:`TAKINGS`, or the name of a snapshot. Raises ValueError."""
    from glacier_backup.model.snapshot import is_snapshot_name

    if text.lower() in TAKINGS:
        return text.lower()
    if "@" in text:
        raise ValueError("only what stands behind the @ is the snapshot's own name")
    if not is_snapshot_name(text):
        raise ValueError("no snapshot can be called so")
    return text


def tag(text: str) -> str:
    """The beginning of names of snapshots; it may be nothing. Raises ValueError."""
    if text and _TAG.fullmatch(text) is None:
        raise ValueError("only what stands behind the @ is the snapshot's own name" if "@" in text else "")
    return text


SNAPSHOT_OPTIONS: tuple[Option, ...] = (
    Option(
        "snapshot",
        _HOMES,
        "create, latest, or the name of a snapshot without dataset and @",
        snapshot,
        "create",
        "Which snapshot is sent: a new one, the newest there is, or a named one.",
        "latest",
        details="`create`: where something has been written since the newest that goes by the `tag`, a new one is made "
        "and sent. `latest`: the newest that goes by the `tag` is sent, once; another program makes them. A name: just "
        "that one. Which is newer than another is told by the order of their creation, never by names or clocks.",
    ),
    Option(
        "tag",
        _HOMES,
        "at most 100 of the characters A-Z a-z 0-9 _ . : - (at the beginning neither . nor -), or nothing",
        tag,
        "offsite",
        "What the names of the snapshots begin with.",
        "weekly",
        details="Snapshots are called by it and the day, `tank/photos@offsite-20260321`, with the time too where that "
        "is there already; of those that other programs make, those count that are called just so. Nothing: all count, "
        "whatever they are called, which goes with `snapshot = latest` or a name only.",
        may_be_empty=True,
    ),
    Option(
        "intermediates",
        _HOMES,
        _YES_OR_NO,
        values.boolean,
        "yes",
        "Whether an increment brings all snapshots in between, too.",
        "no",
        details="`yes` is `zfs send -I`, `no` is `zfs send -i`. A baseline holds one snapshot in any case.",
    ),
    Option(
        "raw",
        _HOMES,
        _YES_OR_NO,
        values.boolean,
        "no",
        "Send an encrypted dataset as it lies on the disk.",
        "yes",
        details="It is `zfs send -w`: no key is loaded for it, nor needed here, and what comes back is encrypted as "
        "it was. It wants a ZFS that knows it.",
    ),
    Option(
        "recursive",
        _HOMES,
        _YES_OR_NO,
        values.boolean,
        "no",
        "Send all datasets below, too, each as archives of its own.",
        "yes",
        details="Their new snapshots are all of the same moment. One below that has a section of its own is sent as "
        "that says.",
    ),
    Option(
        "properties",
        _HOMES,
        _YES_OR_NO,
        values.boolean,
        "no",
        "Send the properties of the dataset, too.",
        "yes",
        details="It is `zfs send -p`: mount point, compression and so on come back with the data.",
    ),
    Option(
        "keep_snapshots",
        _HOMES,
        f"a whole number from 1 to {values.MOST_KEPT}, or none",
        values.kept_here,
        "none",
        "How many snapshots that go by the tag stay here; older ones are destroyed.",
        "7",
        details="Only when all that was to be sent is stored. The one that the next increment is made from stays, "
        "whatever the number: a hold keeps it. `none`: none is ever destroyed.",
    ),
    Option(
        "layout",
        _HOMES,
        "own or zfs-to-aws",
        values.one_of("own", "zfs-to-aws"),
        "own",
        "How what is stored is called: our own way, or as zfs-to-aws does.",
        "zfs-to-aws",
        details="With `zfs-to-aws` a chain that it has begun goes on, and objects are called "
        "`photos/baseline-20260321/photos-T20260321-part-aaaaaa` and the like. It wants `seal = openssl, split, par2`, "
        "and no vault. Below one prefix the last name of each dataset must be another, so it goes with "
        "`recursive = no` only. See zfs.md.",
    ),
)
