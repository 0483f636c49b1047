"""Datasets of ZFS. The rules, as users read them, are in ``docs/zfs.md``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from threading import RLock
from typing import TYPE_CHECKING

from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate, Fingerprint, PassedOver, Resolved
from glacier_backup.model.reason import DatasetUnavailable
from glacier_backup.model.snapshot import Snapshot, SnapshotRules, Span, dataset_of
from glacier_backup.resolve.snapshots import digest_of, goes_by, to_send
from glacier_backup.resolve.source import Selection
from glacier_backup.units import now
from glacier_backup.zfs import SendOptions

if TYPE_CHECKING:
    from glacier_backup.zfs import Dataset, Zfs

ORIGIN = "zfs"
"""Where all datasets of this machine are."""

_TIME = re.compile(r"T[0-9]{6}\Z")
"""Of the day, at the end of a snapshot's name."""


class ZfsSource:
    """:class:`~glacier_backup.resolve.snapshots.Snapshots` of the datasets of this machine, for one run; safe to use
    from several threads.

    ``rules`` are those of the run's sections, by their paths. A dataset below a section that is ``recursive`` belongs
    to the nearest such section above it, or to the section of its own.
    """

    def __init__(self, zfs: Zfs, rules: Mapping[str, SnapshotRules]) -> None:
        self._zfs = zfs
        self._rules = rules
        self._referenced: dict[str, int] = {}
        """Bytes, of the datasets that were found, by their names."""
        self._taking = RLock()
        """Held until all are made, and those in the way are gone: nobody is to choose one of these."""
        self._taken: dict[str, Snapshot] = {}
        """What was made in this run, by paths of candidates."""
        self._names: dict[str, str] = {}
        """What it was called, by the sections that are recursive."""

    def resolve(self, selection: Selection) -> Iterator[Resolved]:
        """See :class:`~glacier_backup.resolve.source.Source`. A dataset that isn't there, or can't be asked for,
        or read, is passed over with the reason (:class:`~glacier_backup.model.reason.DatasetUnavailable`)."""
        path = selection.path
        rules = self._rules.get(path, selection.snapshots or SnapshotRules())
        try:
            datasets = self._zfs.datasets(dataset_of(path)[1], recursive=rules.recursive)
        except SourceError as error:
            yield PassedOver(path, path, DatasetUnavailable(error.without(path), error.hint))
            return
        for dataset in datasets:
            self._referenced[dataset.name] = dataset.referenced
            if self._section_of(_path(dataset)) not in (path, None):
                continue
            if dataset.is_locked and not rules.raw:
                yield PassedOver(_path(dataset), path, _locked(dataset))
            else:
                yield Candidate(_path(dataset), "dataset", path, compare=True, origin=ORIGIN)

    def look(self, candidate: Candidate) -> Fingerprint:
        """See :class:`~glacier_backup.resolve.snapshots.Snapshots`; ``bytes`` is what the dataset refers to, and the
        time is that of the snapshot. Raises SourceError where the section's rules find no snapshot to send."""
        path, there = candidate.path, self.snapshots(candidate.path)
        size = self._size_of(dataset_of(path)[1])
        found = to_send(self, path, there, self._rules_of(candidate.section))
        if found is not None:
            return Fingerprint(digest_of(found.guid), size, 1, _ns(found.created_at))
        since = there[-1].guid if there else "the beginning"
        return Fingerprint(f"written since {since}", size, 1, _ns(now()))

    def gone(self, section: str, paths: Sequence[str]) -> Sequence[bool]:
        """None is: that is asked of files alone."""
        return [False] * len(paths)

    def snapshots(self, path: str) -> Sequence[Snapshot]:
        """See :class:`~glacier_backup.resolve.snapshots.Snapshots`, as for all that follows."""
        with self._taking:
            return self._zfs.snapshots(dataset_of(path)[1])

    def is_written(self, path: str, since: Snapshot) -> bool | None:
        written = self._zfs.written(dataset_of(path)[1], since.name)
        return None if written is None else written > 0

    def take(self, candidate: Candidate, name: str) -> Snapshot:
        """A dataset that comes to be below the section later in the run gets one of its own. Where one of those below
        has a snapshot of that name, a time of day is put behind it.

        Of those that ``recursive`` makes beside the candidate's own, none stays that would only be in the way: where
        nothing was written since the newest one before, and where another section goes by other names.
        """
        path = candidate.path
        with self._taking:
            if path not in self._taken:
                self._taken[path] = self._made(candidate, name)
            return self._taken[path]

    def hold(self, path: str, name: str, tag: str) -> None:
        self._zfs.hold(dataset_of(path)[1], name, tag)

    def release(self, path: str, name: str, tag: str) -> None:
        self._zfs.release(dataset_of(path)[1], name, tag)

    def destroy(self, path: str, name: str) -> None:
        self._zfs.destroy(dataset_of(path)[1], name)

    def size(self, path: str, span: Span) -> int | None:
        dataset = dataset_of(path)[1]
        if not span.guid:  # zfs send knows nothing of it yet
            return self._zfs.written(dataset, span.base) if span.base else self._size_of(dataset)
        rules = self._rules_of(self._section_of(path) or path)
        return self._zfs.size(dataset, span, send_options(rules))

    def _rules_of(self, section: str) -> SnapshotRules:
        return self._rules.get(section, SnapshotRules())

    def _section_of(self, path: str) -> str | None:
        """The one that the dataset belongs to; None for one that no section reaches."""
        if path in self._rules:
            return path
        above = path
        while "/" in above:
            above = above.rpartition("/")[0]
            if self._rules_of(above).recursive:
                return above
        return None

    def _size_of(self, name: str) -> int:
        if name not in self._referenced:
            (dataset, *_) = self._zfs.datasets(name, recursive=False)
            self._referenced[name] = dataset.referenced
        return self._referenced[name]

    def _found(self, path: str, name: str) -> Snapshot | None:
        return next((one for one in self.snapshots(path) if one.name == name), None)

    def _made(self, candidate: Candidate, name: str) -> Snapshot:
        path, section = candidate.path, candidate.section
        if self._rules_of(section).recursive:
            if section not in self._names:
                self._names[section] = self._take_all(candidate, name)
            found = self._found(path, self._names[section])
            if found is not None:
                return found
        self._zfs.take(dataset_of(path)[1], name, recursive=False)
        found = self._found(path, name)
        if found is None:
            raise SourceError(f"{path}: the snapshot {name} was made just now, and is gone again")
        return found

    def _take_all(self, candidate: Candidate, name: str) -> str:
        """Make them, and what they are called."""
        top = dataset_of(candidate.section)[1]
        try:
            self._zfs.take(top, name, recursive=True)
        except SourceError:
            free = self._free(top, name)
            if free == name:
                raise
            name = free
            self._zfs.take(top, name, recursive=True)
        for dataset in self._zfs.datasets(top, recursive=True):
            with suppress(SourceError):  # whoever may not destroy it has one too many
                if _path(dataset) != candidate.path and self._is_in_the_way(_path(dataset), name):
                    self._zfs.destroy(dataset.name, name)
        return name

    def _free(self, top: str, name: str) -> str:
        """``name``, or the same with a time of day behind it, that none of them has."""
        datasets = self._zfs.datasets(top, recursive=True)
        taken = {one.name for dataset in datasets for one in self._zfs.snapshots(dataset.name)}
        day, moment = _TIME.sub("", name), now().astimezone()
        while name in taken:
            name = f"{day}{moment:T%H%M%S}"
            moment += timedelta(seconds=1)
        return name

    def _is_in_the_way(self, path: str, name: str) -> bool:
        """Whether that newest snapshot of the dataset is of no use."""
        tag = self._rules_of(self._section_of(path) or path).tag
        if not goes_by(tag, name):
            return True
        before = [one for one in self.snapshots(path) if goes_by(tag, one.name) and one.name != name]
        return bool(before) and self.is_written(path, before[-1]) is False


def send_options(rules: SnapshotRules) -> SendOptions:
    """What streams of a section are made with."""
    return SendOptions(intermediates=rules.intermediates, raw=rules.raw, properties=rules.properties)


def _locked(dataset: Dataset) -> DatasetUnavailable:
    return DatasetUnavailable(
        "it is encrypted, and its key isn't loaded",
        f"zfs load-key {shlex.quote(dataset.name)} does that, or raw = yes sends it as it lies on the disk",
    )


def _path(dataset: Dataset) -> str:
    return f"zfs:{dataset.name}"


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
