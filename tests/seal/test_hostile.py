"""Sealed bytes that somebody has changed: what comes out is what went in, or nothing does.

``GLACIER_ROUND_TRIPS=100`` tries a hundred times as many changes. Those that a seal can't notice by itself, such as of
what nothing but ``split`` was done to, are for the tree hashes in manifest and catalog to find.
"""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from glacier_backup.errors import DamageFound, SealError
from glacier_backup.seal.order import ENCRYPTION, Order
from tests.lacking import lacking
from tests.seal.sealing import Bench, Sealed, bench, chained, unchained
from tests.seal.test_chain import LEGAL, chain, ids
from tests.streams import noise

TRIALS = 12 * int(os.environ.get("GLACIER_ROUND_TRIPS", "1"))

SEALS = [order for order in LEGAL if not order.parity and order.before + order.each]
"""Parity mends, and proves nothing; and of what nothing was done to nothing can be said."""

VOLUME = 70_000
SIZES = (0, 1, VOLUME - 1, VOLUME, 2 * VOLUME, 2 * VOLUME + 1, 3 * VOLUME + 65_536)

Volumes = list[Sealed]


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench(tmp_path_factory.mktemp("keys"))


def flipped(volumes: Volumes, other: Volumes, chance: random.Random) -> None:
    def flip(data: bytearray) -> None:
        at = chance.choice([chance.randrange(len(data)), chance.randrange(min(len(data), 250)), len(data) - 1])
        data[at] ^= 1 << chance.randrange(8)

    _change(volumes, chance, flip)


def cut_short(volumes: Volumes, other: Volumes, chance: random.Random) -> None:
    def cut(data: bytearray) -> None:
        del data[-chance.choice([1, 15, 16, 17, 32, 65_552, len(data) // 2, len(data)]) :]

    _change(volumes, chance, cut)


def cut_out(volumes: Volumes, other: Volumes, chance: random.Random) -> None:
    def remove(data: bytearray) -> None:
        at = chance.randrange(len(data))
        del data[at : at + chance.choice([1, 16, 65_552])]

    _change(volumes, chance, remove)


def put_in(volumes: Volumes, other: Volumes, chance: random.Random) -> None:
    def insert(data: bytearray) -> None:
        at = chance.choice([chance.randrange(len(data)), len(data)])
        data[at:at] = chance.choice([bytes(1), bytes(16), noise(500), bytes(data[-65_552:])])

    _change(volumes, chance, insert)


def exchanged_inside(volumes: Volumes, other: Volumes, chance: random.Random) -> None:
    def exchange(data: bytearray) -> None:
        size = chance.choice([16, 1000, 65_552])
        one, two = (chance.randrange(max(1, len(data) - size)) // 16 * 16 for _ in range(2))
        data[one : one + size], data[two : two + size] = data[two : two + size], data[one : one + size]

    _change(volumes, chance, exchange)


def spliced(volumes: Volumes, other: Volumes, chance: random.Random) -> None:
    """The beginning of one, and the end of another that the same key opens."""
    at = chance.randrange(min(len(volumes), len(other)))
    where = chance.randrange(1, max(2, len(volumes[at].data)))
    volumes[at] = volumes[at]._replace(data=volumes[at].data[:where] + other[at].data[where:])


BYTES = (flipped, cut_short, cut_out, put_in, exchanged_inside, spliced)
"""What may happen to the bytes of a volume."""


def shuffled(volumes: Volumes, other: Volumes, chance: random.Random) -> None:
    _hand_out(volumes, chance.sample(volumes, len(volumes)))


def twice(volumes: Volumes, other: Volumes, chance: random.Random) -> None:
    _hand_out(volumes, [chance.choice(volumes) for _ in volumes])


def without_the_end(volumes: Volumes, other: Volumes, chance: random.Random) -> None:
    del volumes[chance.randrange(len(volumes)) :]


def without_one(volumes: Volumes, other: Volumes, chance: random.Random) -> None:
    del volumes[chance.randrange(len(volumes))]


def another(volumes: Volumes, other: Volumes, chance: random.Random) -> None:
    at = chance.randrange(min(len(volumes), len(other)))
    volumes[at] = volumes[at]._replace(data=other[at].data)


EXCHANGES = (shuffled, twice, another)
WHOLE = (*EXCHANGES, without_the_end, without_one)
"""What may happen to volumes as they are; what is recorded of each, by its number, stays."""


def _change(volumes: Volumes, chance: random.Random, how: Callable[[bytearray], None]) -> None:
    at = chance.randrange(len(volumes))
    data = bytearray(volumes[at].data)
    how(data)
    volumes[at] = volumes[at]._replace(data=bytes(data))


def _hand_out(volumes: Volumes, data: Sequence[Sealed]) -> None:
    volumes[:] = [one._replace(data=new.data) for one, new in zip(volumes, data, strict=True)]


def changes(order: Order) -> tuple[Callable[[Volumes, Volumes, random.Random], None], ...]:
    """What such a seal notices by itself. Of what is only compressed another piece of the kind may follow; and how many
    volumes there were, no volume that was encrypted by itself says."""
    if not {*ENCRYPTION} & {*order.before, *order.each}:
        unnoticed = {put_in, *(() if order.split else WHOLE)}
        return tuple(one for one in BYTES + WHOLE if one not in unnoticed)
    if not order.split or order.before:
        return BYTES + WHOLE if order.split else BYTES
    return BYTES + EXCHANGES if "openssl" in order.each else BYTES


def content_of(size: int, seed: int) -> bytes:
    """Half of it shrinks."""
    return noise(size // 2, seed) + b"words and words " * (size // 32) + noise(size - size // 2 - size // 32 * 16, seed)


@pytest.mark.parametrize("order", SEALS, ids=ids)
def test_what_was_changed_never_comes_out_as_something_else(order: Order, tools: Bench) -> None:
    if "gpg" in order.names and shutil.which("gpg") is None:
        lacking("gpg isn't installed")
    chance = random.Random(f"{ids(order)} {TRIALS}")
    seal = chain(order, tools, VOLUME)
    threads, files = threading.active_count(), len(os.listdir("/dev/fd"))
    for trial in range(TRIALS // 4 if "gpg" in order.names else TRIALS):
        size = chance.choice(SIZES)
        content, others = content_of(size, trial), content_of(size, trial + 1000)
        volumes, other = chained(seal, content), chained(seal, others, bytes(32))
        how = chance.choice(changes(order))
        how(volumes, other, chance)
        if "openssl" not in order.names and [one.data for one in volumes] == [one.data for one in other]:
            continue  # another archive as it was sealed: that it is another one is for its tree hash to tell
        try:
            got = unchained(volumes, seal.steps(), tools.keys)
        except (DamageFound, SealError):
            continue
        assert got == content, f"{how.__name__}, trial {trial} of {size} bytes"
    assert threading.active_count() == threads
    assert len(os.listdir("/dev/fd")) <= files + 2


@pytest.mark.parametrize("name", ["age", "gpg", "gzip", "zstd", "openssl"])
def test_bytes_of_no_meaning_are_refused(name: str, tools: Bench) -> None:
    if name == "gpg" and shutil.which("gpg") is None:
        lacking("gpg isn't installed")
    starts = (
        b"",
        b"age-encryption.org/v1\n",
        b"Salted__",
        b"\x28\xb5\x2f\xfd",
        b"\x1f\x8b\x08\x00",
        b"\x8c\x0d\x04\x09",
    )
    step = tools.sealers[name].step()
    for seed, start in enumerate(starts):
        with pytest.raises((DamageFound, SealError)):
            unchained([Sealed(start + noise(5000, seed), "00" * 32)], [step], tools.keys)


def test_a_thousand_volumes_join_in_the_order_of_their_numbers(tmp_path: Path, tools: Bench) -> None:
    seal = chain(Order(("zstd",), True, ("age",)), tools, 100)
    content = noise(100_300)
    volumes = chained(seal, content)
    assert len(volumes) > 1000
    assert [seal.volume_suffix(one.number) for one in volumes[998:1001]] == [
        ".zst.v999.age",
        ".zst.v1000.age",
        ".zst.v1001.age",
    ]
    assert unchained(volumes, seal.steps(), tools.keys) == content
