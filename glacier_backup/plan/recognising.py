"""Whether a group of which nobody knows what is in it is of the files that are here, by what its object says of it.

That tells names and sizes, and the content, each by one hash over all of them. What was packed by another system has no
times that would be exact enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from glacier_backup.model.contents import Contents
from glacier_backup.model.plaintext import GroupSums, PlainGroup, parse_group_digest
from glacier_backup.model.reason import Recognised
from glacier_backup.model.record import LastSent
from glacier_backup.model.tree_digest import Hashing
from glacier_backup.plan.changes import SKEW

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Verdict = Literal["same", "other", "read"]
"""It is of the files that are here; of others; the content of those that are here has to be read to tell."""


def is_unknown(last: LastSent) -> bool:
    """Whether it is such a group."""
    return last.digest is not None and parse_group_digest(last.digest) is not None


def judged(contents: Contents, last: LastSent, hashing: Hashing) -> Verdict:
    """What the files that are here, which would be sent in its place, say of the newest archive of a group's path."""
    said = parse_group_digest(last.digest or "")
    if said is None or last.damage is not None or not _same_list(contents, said):
        return "other"
    before = last.sent_at - SKEW if hashing != "never" else last.sent_at
    if hashing != "always" and contents.newest_mtime_ns < _nanoseconds(before):
        return "same"
    if said.content_hash is not None and hashing != "never":
        return "read"
    return "same" if contents.newest_mtime_ns <= _nanoseconds(last.sent_at) else "other"


def same_content(contents: Contents, last: LastSent, hashes: Mapping[str, str]) -> bool:
    """Whether the files have the content that was stored; ``hashes`` are hex, by their names below the section."""
    said, sums = parse_group_digest(last.digest or ""), GroupSums()
    for held in contents:
        sums.add(_key(contents, held.stored or held.name), held.size, hashes.get(held.name))
    made = sums.made()
    return said is not None and made.content_hash is not None and made.content_hash == said.content_hash


def recognised(last: LastSent, *, read: bool = False) -> Recognised:
    """What is to be said of it."""
    return Recognised(last.sent_at, last.id, read)


def _same_list(contents: Contents, said: PlainGroup) -> bool:
    if len(contents) != said.items:
        return False
    sums = GroupSums()
    for held in contents:
        sums.add(_key(contents, held.stored or held.name), held.size, None)
    return sums.made().list_hash == said.list_hash


def _key(contents: Contents, name: str) -> str:
    return f"{contents.top}/{name}" if contents.top else name


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
