"""Taking over a bucket that s3-backup has filled: each of its objects becomes an archive, of a file or of a group of
files, and so does each older version of it.

The bucket is listed, and each object asked about that its record says nothing of, many at a time; nothing is read but
the directories of ZIPs that can be read at once. What is known is recorded some at a time: whatever dies, the next time
goes on behind that. The bucket is only ever read. Nothing is said of files here: the next run compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from glacier_backup.ahead import in_order
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.s3_backup import S3BackupRecord
from glacier_backup.chunks import in_chunks
from glacier_backup.destination.destination import Check, Destination
from glacier_backup.destination.layout import is_dated
from glacier_backup.model.stored import ArchiveFilter, Rebuilt
from glacier_backup.model.thaw import Stored, ThawRequest
from glacier_backup.plan.s3_backup import Tree, is_group, says_enough, taken_over
from glacier_backup.plan.told_by_key import KeyOf, is_beside
from glacier_backup.workflow.s3_backup_objects import Asked, Asking, Version

AT_ONCE = 32
"""Requests about single objects under way at the same time."""

_AHEAD = 4 * AT_ONCE

TOGETHER = 1_000
"""Archives that are recorded together."""

_MEMBERS_TOGETHER = 20_000
"""Or so many files in groups."""

_NAMED = 5
"""Keys that can be named of what is left out."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What it takes."""

    catalog: Catalog
    place_id: int
    destination: Destination
    """The bucket."""
    key_of: KeyOf
    check: Check
    progress: Callable[[int], object] = lambda count: None
    """Told how many objects have been dealt with, every thousand."""


@dataclass(slots=True)
class TakenOver:
    """What has become of all of it."""

    listed: int = 0
    """Objects, and versions of them; what is ours is left out."""
    known: int = 0
    """That were taken over before."""
    files: int = 0
    """Taken over now; so the next three."""
    groups: int = 0
    inside: int = 0
    """Files in groups whose directory could be read."""
    unread: int = 0
    """Groups whose files aren't known."""
    older: int = 0
    """Of both: versions that something else has taken the place of."""
    deleted: int = 0
    """Of both: what was deleted, older versions among them."""
    left_out: int = 0
    """Objects that can be no file of the section, or that could not be looked at."""
    examples: list[str] = field(default_factory=list)
    """Some of those, with why."""
    recorded: int = 0
    """Objects that s3-backup's record has told of."""
    missing: int | None = None
    """How many the record has and the bucket hasn't, or has otherwise; None without a record."""

    def leave_out(self, key: str, why: str) -> None:
        """One that isn't recorded."""
        self.left_out += 1
        if len(self.examples) < _NAMED:
            self.examples.append(f"{key}: {why}")


def take_over_bucket(tree: Tree, record: S3BackupRecord | None, tools: Tools) -> TakenOver:
    """Record each object of the bucket that isn't recorded yet.

    Raises DestinationUnavailable, DestinationError where it can't be listed, CatalogError and what the check raises;
    what was recorded before stays.
    """
    taking = _Taking(tree, record, tools)
    taking.all()
    return taking.done


class _Taking:
    def __init__(self, tree: Tree, record: S3BackupRecord | None, tools: Tools) -> None:
        self._tree = tree
        self._record = record
        self._tools = tools
        self.done = TakenOver()

    def all(self) -> None:
        batch: list[Rebuilt] = []
        weight = 0
        for one in self._rebuilt():
            batch.append(one)
            weight += len(one.members)
            if len(batch) >= TOGETHER or weight >= _MEMBERS_TOGETHER:
                self._add(batch)
                batch, weight = [], 0
        self._add(batch)
        if self._record is not None:
            self.done.missing = max(0, self._record.count() - self.done.recorded)

    def _add(self, batch: list[Rebuilt]) -> None:
        self._tools.catalog.add_rebuilt(self._tools.place_id, batch)
        for one in batch:
            if one.label.kind == "group":
                self.done.groups += 1
                self.done.inside += len(one.members)
                self.done.unread += not one.members
            else:
                self.done.files += 1

    def _rebuilt(self) -> Iterator[Rebuilt]:
        asking = Asking(self._tree, self._tools.destination, self._tools.check)
        threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="take-over")
        try:
            jobs = (partial(asking.ask, one) for one in self._new(self._told(self._versions())))
            for asked in in_order(jobs, threads, _AHEAD):
                if (made := self._judged(asked)) is not None:
                    yield made
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    # What there is.

    def _versions(self) -> Iterator[Version]:
        """Of each key the newest first."""
        destination, check = self._tools.destination, self._tools.check
        last: Version | None = None
        for stored in destination.inventory(destination.thaw(ThawRequest(None), check), check):
            key = self._tools.key_of(stored.locator)
            if key is None or is_beside(key) or is_dated(key.locator):
                continue
            if last is not None and last.whole_key == key.locator:
                stored = _before(stored, last.stored)
                last = Version(stored, key.key, key.locator, last.stored.stored_at, last.hidden_at)
            else:
                last = Version(stored, key.key, key.locator, None, stored.hidden_at)
            yield last

    def _told(self, versions: Iterable[Version]) -> Iterator[Version]:
        """With what s3-backup itself has noted of them: it knew the newest of what wasn't deleted."""
        for number, one in enumerate(versions, 1):
            if number % TOGETHER == 0:
                self._tools.check()
                self._tools.progress(number)
            stored = one.stored
            if self._record is not None and one.newer_at is None and one.hidden_at is None:
                said = self._record.metadata(one.whole_key, stored.size, stored.stored_at)
                self.done.recorded += said is not None
                if said is not None and says_enough(said, one.key):
                    one = one._replace(metadata=said)
            yield one

    def _new(self, versions: Iterable[Version]) -> Iterator[Version]:
        catalog, place_id = self._tools.catalog, self._tools.place_id
        for chunk in in_chunks(versions, TOGETHER):
            known = catalog.known_there(place_id, [one.stored.locator for one in chunk])
            hidden = {
                known[one.stored.locator]: one.hidden_at
                for one in chunk
                if one.stored.locator in known and one.newer_at is None and one.hidden_at is not None
            }
            self._hide(hidden)
            for one in chunk:
                if one.stored.locator in known:
                    self.done.listed += 1
                    self.done.known += 1
                else:
                    yield one

    def _hide(self, hidden: Mapping[int, datetime]) -> None:
        """What was deleted since it was taken over."""
        if not hidden:
            return
        catalog = self._tools.catalog
        for archive in [*catalog.stored_archives(ArchiveFilter(ids=tuple(hidden)))]:
            if archive.expired_at is None:
                catalog.expire(self._tools.place_id, [archive.id], (), hidden[archive.id])

    def _judged(self, asked: Asked) -> Rebuilt | None:
        one, stored = asked.version, asked.stored
        if asked.refused:
            self.done.leave_out(one.key, asked.refused)
        if stored is None:
            return None
        self.done.listed += 1
        # A ZIP always had all that belonged in it; a file counts by its newest version.
        expired_at = (one.newer_at if is_group(one.key, stored) else None) or one.hidden_at
        made = taken_over(stored, one.key, self._tree, asked.members, expired_at)
        if made is None:
            self.done.leave_out(one.key, "no file can be called so")
            return None
        self.done.older += one.newer_at is not None
        self.done.deleted += one.hidden_at is not None
        return made


def _before(stored: Stored, newer: Stored) -> Stored:
    """With a time that tells its place: a listing says the second, and of two of one second that which is listed first
    is the newer."""
    latest = newer.stored_at - timedelta(microseconds=1)
    return stored if stored.stored_at <= latest else replace(stored, stored_at=latest)
