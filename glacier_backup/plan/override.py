"""Names in a bucket for what a vault holds: for AWS's transfer of vaults to S3, and to see whether all of it arrived.

That transfer ("Data Transfer from Amazon S3 Glacier vaults to Amazon S3", its implementation guide) takes a CSV file
with the header ``GlacierArchiveID,FileName``; without one mt-aws-glacier's archives arrive under their descriptions.

Memory doesn't go with the number of archives.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from typing import NamedTuple

from glacier_backup.model.archive import Label
from glacier_backup.model.description import PrivateLabel, parse_description
from glacier_backup.model.foreign import is_safe, parse_foreign
from glacier_backup.model.naming import key
from glacier_backup.model.thaw import Stored
from glacier_backup.ordering import Ordering
from glacier_backup.units import rfc3339

HEADER = ("GlacierArchiveID", "FileName")

LONGEST_NAME = 900
"""Bytes; the transfer puts a prefix of its own before it, and a key has 1,024 at most."""


class Missing(NamedTuple):
    """What a vault has, and a bucket hasn't as it should."""

    archive_id: str
    name: str
    """Below the prefix that the transfer was given."""
    size: int
    """Bytes in the vault."""
    found: int | None
    """Bytes in the bucket; None: it isn't there."""


def override_rows(stored: Iterable[Stored]) -> Iterator[tuple[str, str]]:
    """Archive id and name of every archive, ordered by name.

    Ours are named as they would be in a bucket, ``host/path/<UTC time>.tar``; those of other programs by what their
    descriptions say, or else by their id. Of several of one name the oldest has it, and the others get
    ``-<CreationDate>-<number>``. Names that end so by themselves get it too: so no two archives have one name, and what
    is stored later changes none.
    """
    return ((archive_id, name) for archive_id, name, _ in _named(stored))


def override_csv(stored: Iterable[Stored]) -> Iterator[str]:
    """The file, line by line (RFC 4180: lines end in CRLF; UTF-8)."""
    for row in chain([HEADER], override_rows(stored)):
        line = io.StringIO()
        csv.writer(line).writerow(row)
        yield line.getvalue()


def missing_in_bucket(stored: Iterable[Stored], listing: Iterable[tuple[str, int]]) -> Iterator[Missing]:
    """What a vault holds, and the ``listing`` of a bucket (key below the prefix, and size in bytes) hasn't with that
    size, ordered by name. The names are those of :func:`override_rows`."""
    both = Ordering()
    for one in _named(stored):
        both.add(f"{one.name}\0{_IN_VAULT} {one.size} {one.archive_id}".encode())
    for found_key, found_size in listing:
        both.add(f"{found_key}\0{_IN_BUCKET} {found_size} ".encode("utf-8", "surrogateescape"))
    for name, pieces in groupby(both, _before_nul):
        found: int | None = None
        for piece in pieces:
            where, size, archive_id = piece.rpartition(b"\0")[2].decode().split(" ")
            if where == _IN_BUCKET:
                found = int(size)
            elif int(size) != found:
                yield Missing(archive_id, name.decode(), int(size), found)


_IN_BUCKET, _IN_VAULT = "1", "2"
"""In this order they are met under one name."""


class _Named(NamedTuple):
    archive_id: str
    name: str
    size: int


_SUFFIXED = re.compile(r"-[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z-[0-9]+\Z")


def _named(stored: Iterable[Stored]) -> Iterator[_Named]:
    ordered = Ordering()
    for one in stored:
        ordered.add(f"{_name(one)}\0{rfc3339(one.stored_at)} {one.locator} {one.size}".encode())
    for raw, pieces in groupby(ordered, _before_nul):
        name = raw.decode()
        for number, piece in enumerate(pieces, 1):
            date, archive_id, size = piece.rpartition(b"\0")[2].decode().split(" ")
            suffix = f"-{date}-{number}" if number > 1 or _SUFFIXED.search(name) else ""
            yield _Named(archive_id, name + suffix, int(size))


def _before_nul(piece: bytes) -> bytes:
    return piece.partition(b"\0")[0]


def _name(stored: Stored) -> str:
    told = parse_description(stored.description or "")
    if isinstance(told, Label):
        name = _key(told)
    elif isinstance(told, PrivateLabel):
        name = f"{told.alias[:2]}/{told.alias}{told.suffix}"  # as it would be in a bucket, too
    elif told is None:
        foreign = parse_foreign(stored.description or "")
        name = foreign.path if foreign else ""
    else:
        name = ""  # of ours, and too long for a description
    return name if name and is_safe(name) and len(name.encode()) <= LONGEST_NAME else stored.locator


def _key(label: Label) -> str:
    try:
        return key(label)
    except ValueError:
        return ""
