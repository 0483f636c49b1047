"""Datasets in memory: what is in one is a text, and its snapshots keep what it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from glacier_backup.errors import SourceError, SourceInUse
from glacier_backup.model.archive import Container, Member
from glacier_backup.model.candidate import Candidate, Fingerprint, PassedOver, Resolved
from glacier_backup.model.reason import Missing
from glacier_backup.model.recipe import Step
from glacier_backup.model.snapshot import Snapshot, SnapshotRules, Span, SpanLinked, stream_step
from glacier_backup.pack.packer import PackedStream, PackOutcome
from glacier_backup.resolve.snapshots import digest_of, to_send
from glacier_backup.resolve.source import Selection
from tests.streams import BytesStream

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Dataset:
    """One of them."""

    content: str = ""
    snapshots: list[Snapshot] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    """What it was, by guid."""
    holds: dict[str, set[str]] = field(default_factory=dict)
    """Tags, by the names of snapshots."""

    def state(self, name: str) -> str:
        return self.states[self.named(name).guid]

    def named(self, name: str) -> Snapshot:
        found = next((one for one in self.snapshots if one.name == name), None)
        if found is None:
            raise SourceError(f"there is no snapshot {name}")
        return found


class MemorySnapshots:
    """A :class:`~glacier_backup.resolve.snapshots.Snapshots` over some of them, by their paths."""

    def __init__(self, paths: Sequence[str], rules: SnapshotRules | None = None) -> None:
        self.datasets = {path: Dataset() for path in paths}
        self.rules = rules or SnapshotRules()
        self.can_tell = True
        """Whether it knows if anything was written, and how much there is."""
        self.taken: dict[str, Snapshot] = {}
        self.orders = count(1)
        self.guids = count(0xA0)

    def next_run(self) -> None:
        """What was made in one isn't what another makes."""
        self.taken.clear()

    def snapshot(self, path: str, name: str) -> Snapshot:
        """Take one by hand."""
        dataset = self._of(path)
        if any(one.name == name for one in dataset.snapshots):
            raise SourceError(f"{path}: there is a snapshot {name} already")
        order = next(self.orders)
        made = Snapshot(name, f"{next(self.guids):016x}", order, BEGUN + timedelta(hours=order))
        dataset.snapshots.append(made)
        dataset.states[made.guid] = dataset.content
        return made

    def rollback(self, path: str, name: str) -> None:
        dataset = self._of(path)
        kept = dataset.named(name)
        dataset.snapshots = [one for one in dataset.snapshots if one.order <= kept.order]
        names = {one.name for one in dataset.snapshots}
        dataset.holds = {name: tags for name, tags in dataset.holds.items() if name in names}
        dataset.content = dataset.states[kept.guid]

    def resolve(self, selection: Selection) -> Iterator[Resolved]:
        if selection.path not in self.datasets:
            yield PassedOver(selection.path, selection.path, Missing())
        for path in sorted(self.datasets):
            if path == selection.path or (self.rules.recursive and path.startswith(f"{selection.path}/")):
                yield Candidate(path, "dataset", selection.path, compare=True)

    def look(self, candidate: Candidate) -> Fingerprint:
        size = len(self._of(candidate.path).content)
        found = to_send(self, candidate.path, self.snapshots(candidate.path), self.rules)
        if found is None:
            since = self.snapshots(candidate.path)
            return Fingerprint(f"written since {since[-1].guid if since else ''}", size, 1, _ns(datetime.now(UTC)))
        return Fingerprint(digest_of(found.guid), size, 1, _ns(found.created_at))

    def gone(self, section: str, paths: Sequence[str]) -> Sequence[bool]:
        return [False] * len(paths)

    def snapshots(self, path: str) -> Sequence[Snapshot]:
        dataset = self._of(path)
        return [one._replace(is_held=bool(dataset.holds.get(one.name))) for one in dataset.snapshots]

    def is_written(self, path: str, since: Snapshot) -> bool | None:
        dataset = self._of(path)
        return dataset.states[since.guid] != dataset.content if self.can_tell else None

    def take(self, candidate: Candidate, name: str) -> Snapshot:
        section = candidate.section
        all_of_them = [one for one in self.datasets if one == section or one.startswith(f"{section}/")]
        self._of(candidate.path)
        for path in all_of_them if self.rules.recursive else [candidate.path]:
            if path not in self.taken:
                self.taken[path] = self.snapshot(path, name)
        return self.taken[candidate.path]

    def hold(self, path: str, name: str, tag: str) -> None:
        dataset = self._of(path)
        dataset.holds.setdefault(dataset.named(name).name, set()).add(tag)

    def release(self, path: str, name: str, tag: str) -> None:
        self._of(path).holds.get(name, set()).discard(tag)

    def destroy(self, path: str, name: str) -> None:
        dataset = self._of(path)
        if dataset.holds.get(name):
            raise SourceInUse(f"{path}: the snapshot {name} is held")
        dataset.snapshots = [one for one in dataset.snapshots if one.name != name]

    def size(self, path: str, span: Span) -> int | None:
        return len(_stream(self._of(path), span)) if self.can_tell else None

    def _of(self, path: str) -> Dataset:
        if path not in self.datasets:
            raise SourceError(f"{path}: there is no such dataset")
        return self.datasets[path]


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000


def _stream(dataset: Dataset, span: Span) -> bytes:
    to = dataset.named(span.to) if span.guid else None
    told = {
        "from": dataset.named(span.base).guid if span.base else "",
        "to": "" if to is None else to.guid,
        "content": dataset.content if to is None else dataset.states[to.guid],
    }
    return json.dumps(told).encode()


class _SnapshotStream(BytesStream):
    def outcome(self) -> PackOutcome:
        return PackOutcome((), changed=False)

    def members(self) -> Iterator[Member]:
        return iter(())


@dataclass
class SnapshotPacker:
    """Makes the stream of one."""

    source: MemorySnapshots
    linked: SpanLinked
    container: Container = "zfs"

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        yield _SnapshotStream(_stream(self.source.datasets[path], self.linked.span))

    def step(self) -> Step:
        return stream_step("zfs", self.linked.span, self.linked.link, raw=self.source.rules.raw)

    def estimate(self, content: int, entries: int) -> int:
        return content


def received(streams: Sequence[bytes]) -> str:
    """What a dataset has become that they were received into, one after the other."""
    has = content = ""
    for stream in streams:
        told = json.loads(stream)
        assert told["from"] in ("", has), "most recent snapshot does not match incremental source"
        has, content = told["to"], told["content"]
    return content
