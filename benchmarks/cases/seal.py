"""Packing and sealing, beside the pipes of stock tools that they stand for."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from glacier_backup.seal.par2 import program
from glacier_backup.units import GIB, KIB, MIB

from ..bench import Bench, noise
from ..measure import Took, in_turns, took
from ..table import Row, at_least

WORDS = [
    "".join(chr(97 + value) for value in random.Random(number).choices(range(26), k=7))  # noqa: S311
    for number in range(4000)
]

OURS = """
import sys
from glacier_backup.pack.tar import TarPacker
from glacier_backup.seal.age import Age
from glacier_backup.seal.chain import Chain
from glacier_backup.seal.compress import Zstd
from glacier_backup.seal.openssl import OpenSSL

top, password, *recipients = sys.argv[1:]
steps = (Zstd(), Age(tuple(recipients))) if recipients else (OpenSSL(lambda: password),)
buffer = memoryview(bytearray(4 << 20))
with TarPacker().pack(top, "it") as packed, Chain(before=steps).sealed(packed, bytes(32)) as stream:
    while stream.readinto(buffer) == len(buffer):
        pass
"""
"""Packs and seals a tree, and throws away what comes of it."""

PARITY = """
import sys
from glacier_backup.seal.chain import Parity
from glacier_backup.seal.par2 import create

create(sys.argv[1], Parity(), lambda: None)
"""

PASSWORD = "correct horse battery staple"  # noqa: S105  # of nothing

AGE = 'set -e -o pipefail; tar -C "$1" -cf - it | zstd -q -T0 | age -r "$2" > /dev/null'

ENC = """
set -e -o pipefail
tar -C "$1" -cf - it | openssl enc -aes-256-cbc -md sha512 -pbkdf2 -iter 250000 -pass "pass:$2" > /dev/null
"""


def chains(bench: Bench) -> Iterator[Row]:
    """Steps that are streams."""
    top, size = bench.made("top"), bench.size(GIB)
    _text(top / "it", size)
    recipient = _new_key(bench.folder)
    for name, bound, theirs, ours in (
        ("zstd, age", 0.8, (AGE, recipient), ("", recipient)),
        ("openssl", 0.9, (ENC, PASSWORD), (PASSWORD,)),
    ):
        script, secret = theirs
        yield _row(
            f"`{name}`",
            bound,
            size,
            bench.rounds,
            ["bash", "-c", script, "stock", top, secret],
            [sys.executable, "-c", OURS, top / "it", *ours],
        )


def parity(bench: Bench) -> Iterator[Row]:
    """Of one volume."""
    folder, size = bench.made("volume"), bench.size(GIB)
    volume = folder / "volume"
    noise(volume, size)
    bare: list[str | Path] = [program(), "create", "-q", "-q", "-r5", "-n1", "-b2000", f"{volume}.par2", volume]
    yield _row("`par2`", 0.9, size, bench.rounds, bare, [sys.executable, "-c", PARITY, volume], made=folder)


def _row(
    what: str,
    bound: float,
    size: int,
    rounds: int,
    stock: list[str | Path],
    ours: list[str | Path],
    *,
    made: Path | None = None,
) -> Row:
    def run(command: list[str | Path]) -> Took:
        for one in () if made is None else made.glob("*.par2"):
            one.unlink()
        return took(command)

    turns = in_turns(rounds, {"stock": lambda: run(stock), "ours": lambda: run(ours)})
    return at_least(
        f"sealing by {what}, {size / GIB:.3g} GiB",
        1 / turns.clocks("ours", "stock"),
        bound,
        " × as fast as the stock tools",
        f"{size / MIB / turns.clock('ours'):,.0f} MiB/s for {size / MIB / turns.clock('stock'):,.0f}; processor "
        f"{turns.processor('ours'):.2f} s for {turns.processor('stock'):.2f} s",
    )


def _text(top: Path, size: int) -> None:
    """Words that shrink to about a third, in files of 256 KiB."""
    chooser = random.Random(6)  # noqa: S311
    top.mkdir()
    for number in range(size // (256 * KIB)):
        words = " ".join(chooser.choices(WORDS, k=32 * KIB)).encode()[: 256 * KIB]
        (top / f"{number:06}.txt").write_bytes(words)


def _new_key(folder: Path) -> str:
    """A fresh recipient."""
    subprocess.run(["age-keygen", "-o", folder / "key"], check=True, stderr=subprocess.DEVNULL)  # noqa: S607  # the user's
    done = subprocess.run(["age-keygen", "-y", folder / "key"], check=True, capture_output=True, text=True)  # noqa: S607
    return done.stdout.strip()
