"""Reading a volume back: in order, several pieces at a time, in bounded memory, and right."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from glacier_backup.destination.destination import Check
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import DamageFound, Interrupted, NotThawed
from glacier_backup.model.restore import WHOLE, ByteRange
from glacier_backup.model.stored import StoredVolume
from glacier_backup.model.thaw import Thaw
from glacier_backup.units import MIB
from glacier_backup.workflow.restoring import fetch
from glacier_backup.workflow.restoring.fetch import Fetcher, Readable, VerifiedBytes
from glacier_backup.workflow.restoring.proof import Proof
from tests.fakes import MemoryDestination
from tests.streams import noise

DATA = noise(9 * MIB + 77)
READY = Thaw("v", "", "ready")


@dataclass
class Watched(MemoryDestination):
    """Counts requests, and those under way at once; ``spoil`` may change what came."""

    spoil: Callable[[int, memoryview], None] = lambda start, buffer: None
    asked: list[int] = field(default_factory=list)  # type: ignore[assignment]  # of requests here
    at_once: int = 0
    most: int = 0
    pause: float = 0.0

    def fetch(self, thaw: Thaw, start: int, buffer: memoryview, check: Check) -> int:
        with _lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            self.asked.append(start)
        time.sleep(self.pause)
        check()
        count = super().fetch(thaw, start, buffer, check)
        self.spoil(start, buffer[:count])
        with _lock:
            self.at_once -= 1
        return count


_lock = threading.Lock()


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "PIECE", 2 * MIB)


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with closing(Fetcher(3)) as made:
        yield made


def volume(**more: object) -> StoredVolume:
    whole = StoredVolume(1, "v", len(DATA), tree_hash(leaf_digests(DATA)), datetime.now(UTC), has_leaves=True)
    return replace(whole, **more)  # type: ignore[arg-type]  # its own fields


def read(
    destination: Watched,
    fetcher: Fetcher,
    wanted: ByteRange = WHOLE,
    *,
    of: StoredVolume | None = None,
    proof: Proof | None = None,
    thaws: tuple[Thaw, ...] = (READY,),
    step: int = 300_001,
    check: Check = lambda: None,
) -> bytes:
    own = of or volume()
    proof = proof or Proof(own, leaf_digests(DATA))
    buffer, found = memoryview(bytearray(step)), b""
    with VerifiedBytes(Readable(destination, own, thaws), wanted, proof, fetcher, check) as stream:
        while count := stream.readinto(buffer):
            found += buffer[:count]
    return found


def stored(data: bytes = DATA) -> Watched:
    return Watched(stored={"v": data})


def all_is_given_back(fetcher: Fetcher) -> None:
    """What was on its way when a reader left is, a moment later."""
    until = time.monotonic() + 30
    while fetcher._left < 6 and time.monotonic() < until:
        time.sleep(0.01)
    assert fetcher._left == 6


@pytest.mark.parametrize(
    "wanted",
    [
        WHOLE,
        ByteRange(0, 1),
        ByteRange(1, 2 * MIB + 1),
        ByteRange(3 * MIB - 1, None),
        ByteRange(5, 5),
        ByteRange(10**9, None),
    ],
)
def test_the_bytes_wanted_come_in_order(fetcher: Fetcher, wanted: ByteRange) -> None:
    assert read(stored(), fetcher, wanted) == DATA[wanted.start : wanted.end]


def test_several_requests_are_under_way_and_no_byte_is_asked_for_twice(fetcher: Fetcher) -> None:
    destination = stored()
    destination.pause = 0.02

    assert read(destination, fetcher) == DATA

    assert destination.most == 3
    assert sorted(destination.asked) == list(range(0, len(DATA), 2 * MIB))


def test_many_readers_share_what_memory_there_is(fetcher: Fetcher) -> None:
    destination, results = stored(), []
    threads = [threading.Thread(target=lambda: results.append(read(destination, fetcher) == DATA)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [True] * 12
    all_is_given_back(fetcher)


def test_a_wrong_mebibyte_is_fetched_again_and_then_damage(fetcher: Fetcher) -> None:
    destination = stored()
    spoilt: list[int] = []

    def spoil(start: int, buffer: memoryview) -> None:
        if start == 4 * MIB and len(spoilt) < most:
            spoilt.append(start)
            buffer[MIB + 5] ^= 1

    destination.spoil = spoil
    most = 2
    assert read(destination, fetcher) == DATA
    spoilt.clear()
    most = 100
    with pytest.raises(DamageFound, match=r"from byte 5,242,880 on .*3 times"):
        read(destination, fetcher)
    all_is_given_back(fetcher)


def test_a_volume_that_became_shorter_is_damage(fetcher: Fetcher) -> None:
    with pytest.raises(DamageFound, match="isn't what was sent"):
        read(stored(DATA[:-1]), fetcher, proof=Proof(volume(), None, b""))


def test_of_a_volume_of_unknown_size_everything_comes(fetcher: Fetcher) -> None:
    unknown = volume(size=None)
    proof = Proof(unknown, None, b"")
    assert read(stored(), fetcher, of=unknown, proof=proof) == DATA
    proof.finish()


@pytest.mark.parametrize("known", [{}, {"tree_hash": None, "sha256": "00"}, {"tree_hash": None}])
def test_without_leaves_the_whole_is_proved_in_the_end(fetcher: Fetcher, known: dict[str, object]) -> None:
    own = volume(**known)
    proof = Proof(own, None, b"")
    wrong = bytearray(DATA)
    wrong[7 * MIB] ^= 1

    read(stored(bytes(wrong)), fetcher, of=own, proof=proof)

    if own.tree_hash is None and own.sha256 is None:
        proof.finish()
        assert proof.by == "size"
    else:
        with pytest.raises(DamageFound):
            proof.finish()


def test_reading_goes_on_where_an_earlier_process_was(fetcher: Fetcher) -> None:
    leaves = leaf_digests(DATA)
    proof = Proof(volume(), None, leaves[: 3 * 32])

    assert read(stored(), fetcher, ByteRange(3 * MIB + 9, None), proof=proof) == DATA[3 * MIB + 9 :]

    proof.finish()
    assert proof.gathered == leaves[: 9 * 32]


def test_leaves_that_are_not_of_the_volume_are_not_believed() -> None:
    assert Proof(volume(), leaf_digests(DATA[:-1]), b"").by == "tree hash"
    assert Proof(volume(), b"", b"").by == "tree hash"
    assert Proof(volume(), leaf_digests(DATA), b"").by == "leaves"


def test_several_thaws_are_read_as_one(fetcher: Fetcher) -> None:
    thaws = (Thaw("v", "1", "ready", 0, 3 * MIB), Thaw("v", "2", "ready", 3 * MIB, len(DATA)))
    assert read(stored(), fetcher, thaws=thaws) == DATA
    with pytest.raises(NotThawed):
        read(stored(), fetcher, thaws=thaws[:1])


def test_whoever_is_told_to_stop_stops_soon(fetcher: Fetcher) -> None:
    destination = stored()
    destination.pause = 0.3
    begun = time.monotonic()

    def check() -> None:
        if time.monotonic() - begun > 0.1:
            raise Interrupted("stop")

    with pytest.raises(Interrupted):
        read(destination, fetcher, check=check)
    assert time.monotonic() - begun < 2
