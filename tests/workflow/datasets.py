"""Datasets in memory, really backed up at a real destination, and others that they are received into."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from glacier_backup.destination.destination import Destination
from glacier_backup.errors import LockHeld, TargetError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import Container
from glacier_backup.model.full_every import FullEvery
from glacier_backup.model.reading_event import RestoreSummary
from glacier_backup.model.recipe import Step
from glacier_backup.model.restore import RestoreItem, Wish
from glacier_backup.model.snapshot import Snapshot, SnapshotRules, Span, SpanLinked, stream_step
from glacier_backup.pack.packer import PackedStream
from glacier_backup.pack.registry import GROUPS, LINKS
from glacier_backup.pack.unpackers import LINK_UNPACKER, UNPACKERS
from glacier_backup.plan.receive import plan_receive
from glacier_backup.plan.restore import RestorePlan, plan_restore
from glacier_backup.plan.words import Word, interpret
from glacier_backup.resolve.source import Selection
from glacier_backup.workflow.backup import Backup, run
from glacier_backup.workflow.restore import run_restore
from glacier_backup.workflow.restoring.tools import RestoreTools
from glacier_backup.workflow.sending.prepare import Order
from glacier_backup.workflow.tools import Origin, Snapshotting, Target, Tools
from tests.memory_snapshots import BEGUN, Dataset, MemorySnapshots, _SnapshotStream
from tests.workflow.library import NO_WAIT, Library, _always

PATH, CHILD = "zfs:tank/photos", "zfs:tank/photos/raw"

_MAGIC = 0x2F5BACBAC
_END = b"the end"


def stream(dataset: Dataset, span: Span, *, version: int = 1) -> bytes:
    """As ``zfs send`` makes it, as far as anybody here looks."""
    to, base = dataset.named(span.to), dataset.named(span.base).guid if span.base else "0"
    head = struct.pack("<IIQQQIIQQ", 0, 0, _MAGIC, version, 0, 0, 0, int(to.guid, 16), int(base, 16))
    return head + json.dumps([to.name, dataset.states[to.guid]]).encode() + _END


@dataclass
class StreamPacker:
    """Makes such ones."""

    source: MemorySnapshots
    linked: SpanLinked
    container: Container = "zfs"

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        yield _SnapshotStream(stream(self.source.datasets[path], self.linked.span))

    def step(self) -> Step:
        return stream_step("zfs", self.linked.span, self.linked.link)

    def estimate(self, content: int, entries: int) -> int:
        return content


@dataclass
class MemoryReceiver:
    """A :class:`~glacier_backup.workflow.restoring.receiver.Receiver`."""

    datasets: dict[str, list[tuple[Snapshot, str]]] = field(default_factory=lambda: {"new": []})
    """Snapshots, and what each is."""
    begun: list[str] = field(default_factory=list)
    taken: int = 0
    """Bytes."""
    on_write: Callable[[int], object] = lambda count: None
    on_finish: Callable[[], object] = lambda: None
    half: str = ""
    is_locked: bool = False

    @contextmanager
    def locked(self, target: str) -> Iterator[None]:
        if self.is_locked:
            raise LockHeld(f"another restore into {target} is at work")
        self.is_locked = True
        try:
            yield
        finally:
            self.is_locked = False

    def snapshots(self, dataset: str) -> Sequence[Snapshot] | None:
        found = self.datasets.get(dataset)
        return None if found is None else [snapshot for snapshot, _ in found]

    def is_half_received(self, dataset: str) -> bool:
        return dataset == self.half

    @contextmanager
    def receiving(self, dataset: str) -> Iterator[_Incoming]:
        self.begun.append(dataset)
        yield _Incoming(self, dataset)

    def state(self, dataset: str) -> str:
        """What it is now."""
        return self.datasets[dataset][-1][1]

    def names(self, dataset: str) -> list[str]:
        return [snapshot.name for snapshot, _ in self.datasets[dataset]]


class _Incoming:
    def __init__(self, receiver: MemoryReceiver, dataset: str) -> None:
        self._receiver = receiver
        self._dataset = dataset
        self._data = bytearray()

    def write(self, data: memoryview) -> None:
        self._data += data
        self._receiver.taken += len(data)
        self._receiver.on_write(len(self._data))

    def finish(self) -> None:
        self._receiver.on_finish()
        if not self._data.endswith(_END):
            raise TargetError("invalid backup stream")
        *_, guid, base = struct.unpack_from("<IIQQQIIQQ", self._data)
        known = self._receiver.datasets.get(self._dataset)
        last = known[-1][0].guid if known else f"{0:016x}"
        above = self._dataset.rpartition("/")[0]
        if (base == 0 and known is not None) or last != f"{base:016x}" or above not in self._receiver.datasets:
            raise TargetError("most recent snapshot does not match incremental source")
        name, content = json.loads(self._data[56 : -len(_END)])
        made = Snapshot(name, f"{guid:016x}", len(known or ()) + 1, BEGUN)
        self._receiver.datasets.setdefault(self._dataset, []).append((made, content))


@dataclass
class Datasets(Library):
    """A pool whose datasets are sent one after the other."""

    receiver: MemoryReceiver = field(default_factory=MemoryReceiver)
    pool: MemorySnapshots = field(default_factory=lambda: MemorySnapshots([PATH, CHILD], SnapshotRules(recursive=True)))
    sent: list[datetime] = field(default_factory=list)
    """When each backup had ended."""
    every: FullEvery = field(default_factory=FullEvery)

    def send(self, content: str, child: str = "") -> None:
        """One run, after that was written."""
        self.pool.datasets[PATH].content, self.pool.datasets[CHILD].content = content, child
        self.pool.next_run()
        with self.catalog() as catalog, ExitStack() as stack:
            destination = stack.enter_context(closing(self.connect()))
            snapshotting = Snapshotting(self.pool, lambda candidate, linked: StreamPacker(self.pool, linked))
            tools = Tools(
                {"zfs": Origin(self.pool, {}, LINKS, GROUPS, snapshotting=snapshotting)},
                "nas",
                increments={PATH: self.every},
                snapshots={PATH: self.pool.rules},
                seal=lambda section: self.chain,
                temporary_dir=str(self.folder / "spool"),
            )
            selection = Selection(PATH, compare=True, destinations=("main",), origin="zfs", snapshots=self.pool.rules)
            backup = Backup(Order((selection,)), tools, [Target("main", destination)], catalog, 1)
            assert run(backup, lambda event: None, StopRequest()).exit_code == 0
            self.sent.append(max(one.time for one in self.archives(catalog)))

    def plan(self, *words: str, at: datetime | None = None, target: str = "zfs:new/photos") -> RestorePlan:
        with self.catalog() as catalog:
            terms = [interpret(catalog, Word(word, "/")) for word in words]
            plan = plan_restore(catalog, terms, at)
            return plan_receive(catalog, plan, terms, target) if target else plan

    def receive(
        self,
        *words: str,
        at: datetime | None = None,
        target: str = "zfs:new/photos",
        wait: bool = False,
        change: Callable[[Destination], Destination] = lambda destination: destination,
        items: Sequence[RestoreItem] | None = None,
    ) -> RestoreSummary:
        """One run of the command."""
        with self.catalog() as catalog, closing(self.connect()) as destination:
            tools = RestoreTools(
                catalog,
                _always(change(destination)),
                UNPACKERS,
                LINK_UNPACKER,
                self.concurrency,
                NO_WAIT,
                keys=lambda path: self.keys,
                receiver=self.receiver,
                scratch_dir=str(self.folder / "scratch"),
            )
            wish = Wish("receive", target, words, "" if at is None else at.isoformat())
            if items is None:
                earlier = catalog.restore_like(wish)
                going_on = earlier is not None and earlier.ended_at is None
                items = [] if going_on else list(self.plan(*(words or (PATH,)), at=at, target=target).items)
            return run_restore(wish, items, tools, self.events.append, self.stop, wait=wait)
