"""What the messages of ``zfs`` mean: patterns, and what a person can do about each.

The texts are those of OpenZFS 0.6 to 2.4 (libzfs_util.c, libzfs_dataset.c, libzfs_sendrecv.c, zfs_main.c) and of
zfs-fuse 0.7; the recordings of the tests say which is from where.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from glacier_backup.errors import SourceError, SourceInUse, SourceMissing, SourceUnavailable


class Meaning(NamedTuple):
    """One kind of failure."""

    pattern: re.Pattern[str]
    hint: str
    """What to do, with ``{dataset}``, ``{above}`` (the one above it) and ``{allow}`` (the line that allows it)."""
    words: str | None = None
    """What is said in front of zfs's own words; None: those say it well."""
    kind: type[SourceError] = SourceError


MISSING = re.compile(
    r"dataset does not exist|could not find any snapshots to destroy|no such pool|could not send .+: does not exist"
)
"""About a pool, a dataset or a snapshot that isn't there."""

_ANY = (
    Meaning(
        re.compile("connect: Permission denied"),
        "run it as root: zfs-fuse allows nothing to others",
        "ZFS lets nobody but root in",
        SourceUnavailable,
    ),
    Meaning(
        re.compile("zfs-fuse daemon is running|failed to initialize ZFS library"),
        "start the zfs-fuse daemon",
        "ZFS doesn't answer",
        SourceUnavailable,
    ),
    Meaning(
        re.compile("ZFS modules|/dev/zfs|libzfs library"),
        "as root: modprobe zfs; a container has to be given the device /dev/zfs",
        "ZFS isn't at work here",
        SourceUnavailable,
    ),
    Meaning(re.compile("(?i)permission denied|must be run as root"), "as root, allow it: {allow}"),
    Meaning(re.compile("I/O is currently suspended|pool is unavailable|I/O error"), "zpool status -v tells more"),
    Meaning(re.compile("out of space|[Nn]o space left|quota"), "make room in the pool, or raise the dataset's quota"),
)

OF_SOURCE = (
    *_ANY,
    Meaning(
        re.compile("key must be loaded|without the raw flag"),
        "raw = yes sends it encrypted, as it lies on the disk; or load its key: zfs load-key {dataset}",
    ),
    Meaning(
        re.compile("incremental source .+ (does not exist|is not earlier)|not an earlier snapshot"),
        "the snapshot that it was to start from is gone, or isn't older: run it again",
    ),
    Meaning(MISSING, "zfs list -t snapshot -r {dataset} shows all there are", kind=SourceMissing),
    Meaning(
        re.compile("has dependent clones|snapshot is cloned"),
        "a clone was made of it: promote or destroy the clone, then it can go",
        kind=SourceInUse,
    ),
    Meaning(
        re.compile("is busy"),
        "something holds it (zfs list -t snapshot -r -o name,userrefs {dataset} counts holds), has files of it open, or"
        " is sending or receiving it: run it again later",
        kind=SourceInUse,
    ),
    Meaning(re.compile("cannot create snapshot.+exists"), "zfs list -t snapshot -r {dataset} shows all there are"),
)
"""Of what is read. The first that fits counts."""

OF_TARGET = (
    *_ANY,
    Meaning(
        re.compile("has been modified since most recent snapshot"),
        "what is received into must not be used in between, not even read: receive into a new dataset, or drop what has"
        " become of it since by zfs rollback to its newest snapshot",
    ),
    Meaning(
        re.compile("does not match incremental source|[Rr]aw receive on top of|IV set guid|requires -L"),
        "the dataset isn't one that this chain was received into: receive into one that isn't there yet",
    ),
    Meaning(
        re.compile("[Pp]artially[- ](complete|received)|[Rr]esuming recv"),
        "to drop what is there of a stream that was broken off: zfs receive -A {dataset}",
    ),
    Meaning(
        re.compile("must specify -F|destination .*exists|destination has|must destroy"),
        "receive into a dataset that isn't there yet",
    ),
    Meaning(
        re.compile("does not exist"),
        "see that its pool is there (zpool list) and the dataset above it (zfs create -p {above})",
    ),
    Meaning(re.compile("inherited key must be loaded"), "zfs load-key {above}, or receive into another place"),
    Meaning(re.compile("is busy"), "something has files of it open, or is receiving it: run it again later"),
    Meaning(
        re.compile("(?i)unsupported|must be upgraded|feature|not compatible"),
        "the stream takes a newer ZFS, or a pool with more features, than there is here",
    ),
    Meaning(
        re.compile("checksum mismatch|invalid (backup )?stream|incomplete stream|failed to read from stream"),
        "nothing was kept of the snapshot that it was at",
    ),
)
"""Of what is written."""
