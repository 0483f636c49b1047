"""One stream for several destinations: whoever stands still is left behind, and nobody waits for ever."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from glacier_backup.destination.destination import ByteStream, Progress
from glacier_backup.destination.multipart import Part, PartSender
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import DestinationError, DestinationUnavailable, Interrupted, SourceError, UploadLost
from glacier_backup.model.archive import Checksums, Label, Member, ReadProblem
from glacier_backup.model.event import UploadResumed
from glacier_backup.model.place import Place
from glacier_backup.model.upload import OpenUpload
from glacier_backup.pack.packer import PackOutcome
from glacier_backup.units import MIB
from glacier_backup.workflow.sending import shared_stream, sharing
from glacier_backup.workflow.sending.shared_stream import BLOCK, LeftBehind, Mover, SharedStream
from glacier_backup.workflow.side_by_side import side_by_side
from tests.fakes import MemoryDestination, MemoryPacker, MemorySource, MemoryStream
from tests.streams import noise
from tests.workflow.world import World, outcomes

LONG = 20
"""Seconds after which a test that would wait for ever fails."""


@dataclass
class PooledDestination(MemoryDestination):
    """Sends as the real ones do: parts in a pool, in buffers that all of its archives share."""

    before_part: Callable[[Label, int], None] = lambda label, number: None

    def __post_init__(self) -> None:
        self._parts = PartSender(4)

    def send(self, upload: OpenUpload, stream: ByteStream, progress: Progress) -> Checksums:
        if upload.id not in self.open:
            raise UploadLost(f"{upload.id} is not known")
        parts = self.open[upload.id]

        def store(part: Part) -> int:
            self.before_part(upload.label, part.number)
            data = bytes(part.data)
            if parts.get(part.number) == data:
                part.kept(len(data))
            else:
                part.sent(len(data))
                parts[part.number] = data
                self.parts_sent.append(part.number)
            return len(data)

        sizes = self._parts.send(stream, upload.part_size, 10_000, store, progress=progress)
        for beyond in [one for one in parts if one >= len(sizes)]:
            del parts[beyond]
        content = b"".join(parts[one] for one in sorted(parts))
        leaves = leaf_digests(content)
        return Checksums(len(content), tree_hash(leaves), leaves)

    def close(self) -> None:
        self._parts.close()


class WatchedPacker(MemoryPacker):
    """Knows how often it packed, and what is open."""

    def __init__(self, source: MemorySource) -> None:
        super().__init__(source)
        self.packed: list[str] = []
        self.open = 0

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[MemoryStream]:
        self.packed.append(path)
        self.open += 1
        try:
            with super().pack(path, stored_name) as stream:
                yield stream
        finally:
            self.open -= 1


@pytest.fixture
def pooled(world: World) -> Iterator[World]:
    """Two destinations with parts of their own sizes, four candidates at a time."""
    world.packer = WatchedPacker(world.source)
    world.destinations = {name: PooledDestination(place=Place("local", f"/{name}")) for name in ("main", "nas")}
    world.part_sizes = {"main": MIB, "nas": 8 * MIB}
    world.concurrency = 4
    yield world
    for destination in world.destinations.values():
        destination.close()


def pool(world: World, name: str) -> PooledDestination:
    destination = world.destinations[name]
    assert isinstance(destination, PooledDestination)
    return destination


def packer_of(world: World) -> WatchedPacker:
    assert isinstance(world.packer, WatchedPacker)
    return world.packer


def in_time(world: World) -> None:
    """Whoever waits for ever is stopped, and fails."""
    timer = threading.Timer(LONG, world.stop.set)
    timer.daemon = True
    timer.start()


def test_streams_longer_than_the_window_are_packed_once_for_parts_of_any_size(
    pooled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_stream, "WINDOW", 2 * BLOCK)
    sizes = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK, 19 * BLOCK + 7]
    pooled.source.files = {f"/data/{size:09}": noise(size, seed=size) for size in sizes}

    summary = pooled.run()

    assert (summary.sent, summary.exit_code) == (2 * len(sizes), 0)
    for destination in pooled.destinations.values():
        assert sorted(destination.stored.values()) == sorted(pooled.source.files.values())
    assert sorted(packer_of(pooled).packed) == sorted(pooled.source.files)
    assert packer_of(pooled).open == 0


@pytest.mark.parametrize("seed", range(4))
def test_with_one_a_hundred_times_slower_and_random_failures_everything_comes_to_an_end(
    pooled: World, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """And is whole wherever it counts as sent; a second run without failures sends the rest."""
    monkeypatch.setattr(shared_stream, "WINDOW", 2 * BLOCK)
    monkeypatch.setattr(sharing, "PATIENCE", random.Random(seed).choice([0.05, 1.0, 30.0]))
    chance = random.Random(seed)
    pooled.source.files = {f"/data/{number:02}": noise(chance.randrange(6 * MIB), seed=number) for number in range(12)}
    pauses = {"main": 0.0002, "nas": 0.02}
    for name, destination in pooled.destinations.items():
        assert isinstance(destination, PooledDestination)
        destination.before_part = failing_now_and_then(pauses[name], random.Random(f"{seed} {name}"))
    in_time(pooled)

    summary = pooled.run()

    assert summary.exit_code in (0, 1)
    assert summary.sent + summary.failed == 24
    for destination in pooled.destinations.values():
        assert isinstance(destination, PooledDestination)
        destination.before_part = lambda label, number: None
    assert pooled.run().exit_code == 0
    for destination in pooled.destinations.values():
        assert sorted(destination.stored.values()) == sorted(pooled.source.files.values())
        assert destination.open == {}
    assert packer_of(pooled).open == 0


def failing_now_and_then(pause: float, chance: random.Random) -> Callable[[Label, int], None]:
    errors = (DestinationError("refused"), UploadLost("unknown"), SourceError("torn"))

    def before_part(label: Label, number: int) -> None:
        time.sleep(pause * chance.random())
        if chance.random() < 0.04:
            raise chance.choice(errors)

    return before_part


def test_one_that_stands_still_is_left_behind_and_goes_on_by_itself_from_what_it_has_stored(
    pooled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_stream, "WINDOW", 2 * BLOCK)
    monkeypatch.setattr(sharing, "PATIENCE", 1.0)
    pooled.source.files = {"/data/a": noise(12 * MIB), "/data/b": noise(3 * MIB, seed=2)}
    pooled.part_sizes = {"main": MIB, "nas": MIB}
    others_done = threading.Event()

    def stall(label: Label, number: int) -> None:
        if label.path == "/data/a" and number >= 4:
            others_done.wait(LONG)

    pool(pooled, "nas").before_part = stall
    pool(pooled, "main").after_complete = lambda label: others_done.set() if label.path == "/data/a" else None
    in_time(pooled)

    summary = pooled.run()

    assert (outcomes(summary, "main"), outcomes(summary, "nas")) == ("sent sent", "sent sent")
    resumed = [(event.path, event.to) for event in pooled.events if isinstance(event, UploadResumed)]
    # On a machine with much to do the other one may stand still for a moment, too.
    assert ("/data/a", "nas") in resumed
    assert packer_of(pooled).packed.count("/data/a") == 2
    for destination in pooled.destinations.values():
        assert sorted(destination.stored.values()) == sorted(pooled.source.files.values())
        assert len(destination.part_sizes) == 2
    assert pooled.unfinished() == ()


def test_one_that_stands_still_is_not_waited_for_at_the_next_candidates(
    pooled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "PATIENCE", 1.0)
    pooled.concurrency = 1
    pooled.source.files = {f"/data/{number}": noise(MIB, seed=number) for number in range(20)}
    main_done = threading.Event()

    def stall(label: Label, number: int) -> None:
        main_done.wait(LONG)

    pool(pooled, "nas").before_part = stall
    pool(pooled, "main").after_complete = lambda label: main_done.set() if label.path == "/data/9" else None
    in_time(pooled)

    summary = pooled.run()

    assert (summary.sent, summary.exit_code) == (40, 0)


def test_a_destination_that_fails_while_others_read_on_leaves_them_the_stream(pooled: World) -> None:
    pooled.source.files = {"/data/a": noise(20 * MIB)}

    def lose(label: Label, number: int) -> None:
        raise DestinationUnavailable("unplugged")

    pool(pooled, "nas").before_part = lose

    summary = pooled.run()

    assert (outcomes(summary, "main"), outcomes(summary, "nas")) == ("sent", "failed")
    assert packer_of(pooled).packed == ["/data/a"]


def test_what_is_known_of_a_shared_stream_is_recorded_for_each(pooled: World) -> None:
    problem = ReadProblem("/data/b/secret", "Permission denied")
    pooled.packer.outcomes["/data/b"] = PackOutcome((problem,), changed=False)

    pooled.run()

    assert [one.problems for one in pooled.catalog.archives() if one.path == "/data/b"] == [1, 1]
    assert all(len(list(pooled.catalog.members(number))) == 1 for number in range(1, 7))


class Source:
    """A stream of blocks, each counted; fails where it is told to."""

    def __init__(self, size: int, fails_at: int | None = None) -> None:
        self.content = noise(size)
        self.at = 0
        self.fails_at = fails_at
        self.closed = 0

    @contextmanager
    def opening(self) -> Iterator[Source]:
        try:
            yield self
        finally:
            self.closed += 1

    def readinto(self, buffer: memoryview) -> int:
        if self.fails_at is not None and self.at >= self.fails_at:
            raise SourceError("torn", hint="mend it")
        data = self.content[self.at : self.at + len(buffer)]
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)

    def outcome(self) -> PackOutcome:
        return PackOutcome((), changed=True)

    def members(self) -> Iterator[Member]:
        yield Member("x", "file", len(self.content), 0, 0, 0, None)


def shared(source: Source, count: int, patience: float = 30.0) -> tuple[SharedStream, list[Mover]]:
    readers = [Mover() for _ in range(count)]
    return SharedStream(source.opening(), readers, threading.Condition(), patience, lambda: None), readers


def read_all(stream: SharedStream, reader: Mover, size: int) -> bytes:
    read = bytearray()
    buffer = memoryview(bytearray(size))
    with stream.read_by(reader) as own:
        while count := own.readinto(buffer):
            read += buffer[:count]
        assert own.outcome().changed
        assert len(list(own.members())) == 1
    return bytes(read)


def test_whatever_the_sizes_of_their_buffers_all_read_the_same() -> None:
    source = Source(37 * BLOCK + 5)
    stream, readers = shared(source, 3)

    sizes = (BLOCK, 700_001, 40 * BLOCK)
    jobs = [partial(read_all, stream, reader, size) for reader, size in zip(readers, sizes, strict=True)]
    read = side_by_side(jobs, name="reader")

    assert read == [source.content] * 3
    assert source.closed == 1


def test_an_error_of_the_source_reaches_every_reader_after_what_could_be_read() -> None:
    source = Source(9 * BLOCK, fails_at=3 * BLOCK)
    stream, readers = shared(source, 2)
    buffer = memoryview(bytearray(3 * BLOCK))
    errors = []
    with stream.read_by(readers[0]) as one, stream.read_by(readers[1]) as other:
        for own in (one, other):
            assert own.readinto(buffer) == 3 * BLOCK
            with pytest.raises(SourceError, match="torn") as caught:
                own.readinto(buffer)
            errors.append(caught.value)

    assert errors[0] is not errors[1]
    assert [error.hint for error in errors] == ["mend it"] * 2
    assert source.closed == 1


def test_one_that_was_left_behind_gets_no_more_bytes_and_closes_nothing() -> None:
    source = Source(40 * BLOCK)
    stream, (quick, slow) = shared(source, 2, patience=0.05)
    buffer = memoryview(bytearray(BLOCK))

    with stream.read_by(slow) as behind:
        behind.readinto(buffer)
        with stream.read_by(quick) as ahead:
            while ahead.readinto(buffer):
                pass
            with pytest.raises(LeftBehind):
                behind.readinto(buffer)
            assert source.closed == 0
        assert source.closed == 1


def test_what_was_not_read_to_its_end_has_no_outcome() -> None:
    stream, (reader,) = shared(Source(BLOCK), 1)

    with stream.read_by(reader) as own, pytest.raises(ValueError, match="not all of it"):
        own.outcome()


def test_who_has_to_stop_does_not_wait_for_room() -> None:
    def stop() -> None:
        raise Interrupted("stop")

    readers = [Mover(), Mover()]
    stream = SharedStream(Source(40 * BLOCK).opening(), readers, threading.Condition(), 30.0, stop)
    buffer = memoryview(bytearray(40 * BLOCK))

    with pytest.raises(Interrupted), stream.read_by(readers[0]) as own:
        own.readinto(buffer)


def test_bytes_that_go_again_are_no_progress() -> None:
    mover = Mover()
    mover.came_forward(10)
    time.sleep(0.05)
    mover.came_forward(-10)
    mover.came_forward(10)
    assert mover.stood_still >= 0.05
    with mover.resting():
        assert mover.stood_still == 0
    assert mover.stood_still < 0.05
