"""Sealing against the pipes of stock tools that it stands for, in pairs in one run.

How to run it is in README.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from glacier_backup.pack.tar import TarPacker  # noqa: E402  # found only now
from glacier_backup.seal.age import Age  # noqa: E402
from glacier_backup.seal.chain import Chain, Parity  # noqa: E402
from glacier_backup.seal.compress import Zstd  # noqa: E402
from glacier_backup.seal.openssl import OpenSSL  # noqa: E402
from glacier_backup.seal.par2 import create  # noqa: E402
from glacier_backup.units import KIB, MIB, parse_size  # noqa: E402

PASSWORD = "correct horse battery staple"  # noqa: S105  # of nothing
NONCE = bytes(32)
WORDS = [
    "".join(chr(97 + value) for value in random.Random(number).choices(range(26), k=7))  # noqa: S311
    for number in range(4000)
]

PROMISED = {"zstd, age": 0.8, "openssl": 0.9, "par2": 0.9}
"""Of the speed of the stock tools."""


def compressible_tree(top: Path, size: int) -> None:
    """Text that shrinks to about a third, in files of 256 KiB."""
    chooser = random.Random(6)  # noqa: S311
    top.mkdir()
    for number in range(size // (256 * KIB)):
        text = " ".join(chooser.choices(WORDS, k=32 * KIB)).encode()[: 256 * KIB]
        (top / f"{number:06}.txt").write_bytes(text)


def sealed(top: Path, chain: Chain) -> None:
    """Packed and sealed, and thrown away."""
    buffer = memoryview(bytearray(4 * MIB))
    with TarPacker().pack(str(top), "it") as packed, chain.sealed(packed, NONCE) as stream:
        while stream.readinto(buffer) == len(buffer):
            pass


def piped(*commands: Sequence[str], secret: str | None = None) -> None:
    """The pipe of ``commands``, whose output is thrown away. ``secret`` stands in a file that the last inherits as
    descriptor 0 of its own pipe, named by ``{fd}``."""
    with ExitStack() as stack:
        fds: tuple[int, ...] = ()
        if secret is not None:
            read, write = os.pipe()
            stack.callback(os.close, read)
            os.write(write, secret.encode() + b"\n")
            os.close(write)
            fds = (read,)
        before: int | None = None
        running: list[subprocess.Popen[bytes]] = []
        for number, command in enumerate(commands):
            last = number == len(commands) - 1
            filled = [word.format(fd=fds[0]) if fds else word for word in command]
            process = subprocess.Popen(
                filled, stdin=before, stdout=subprocess.DEVNULL if last else subprocess.PIPE, pass_fds=fds
            )
            if before is not None:
                os.close(before)
            before = None if process.stdout is None else os.dup(process.stdout.fileno())
            if process.stdout is not None:
                process.stdout.close()
            running.append(process)
        if any(process.wait() for process in running):
            raise SystemExit("a stock tool failed")


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare(
    name: str, size: int, theirs: Callable[[], object], ours: Callable[[], object], pairs: int
) -> tuple[str, float]:
    """Say how each pair went; the median of the ratios, above 1 where we are the faster ones."""
    ratios = []
    for _ in range(pairs):
        stock, own = timed(theirs), timed(ours)
        ratios.append(stock / own)
        sys.stdout.write(
            f"{name:10} stock {size / MIB / stock:8,.0f} MiB/s  ours {size / MIB / own:8,.0f} MiB/s  {ratios[-1]:.2f}\n"
        )
        sys.stdout.flush()
    return name, median(ratios)


def parity(volume: Path) -> Callable[[], None]:
    """What we make of a volume."""

    def make() -> None:
        for name in create(str(volume), Parity(), lambda: None):
            (volume.parent / name).unlink()

    return make


def bare_par2(volume: Path) -> Callable[[], None]:
    """The program by itself, with as much parity."""

    def make() -> None:
        from glacier_backup.seal.par2 import program

        arguments = [program(), "create", "-q", "-q", "-r5", "-n1", "-b2000", f"{volume.name}.par2", volume.name]
        subprocess.run(arguments, cwd=volume.parent, check=True, stdout=subprocess.DEVNULL)
        for one in volume.parent.glob(f"{volume.name}*.par2"):
            one.unlink()

    return make


def new_key(folder: Path) -> str:
    """A fresh recipient."""
    subprocess.run(["age-keygen", "-o", folder / "key"], check=True, stderr=subprocess.DEVNULL)  # noqa: S607  # the user's
    done = subprocess.run(["age-keygen", "-y", folder / "key"], check=True, capture_output=True, text=True)  # noqa: S607
    return done.stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=parse_size, default="1 GiB", help="of the tree, and of the volume")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--folder", help="where to work; in memory where that can be, by default")
    arguments = parser.parse_args()
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # a folder of our own in it
    with TemporaryDirectory(prefix="seal-", dir=arguments.folder or shared) as name:
        folder, size, pairs = Path(name), arguments.size, arguments.pairs
        compressible_tree(folder / "it", size)
        recipient = new_key(folder)
        tar = ["tar", "-C", str(folder), "-cf", "-", "it"]
        zstd_age = Chain(before=(Zstd(), Age((recipient,))))
        openssl = Chain(before=(OpenSSL(lambda: PASSWORD),))
        enc = ["openssl", "enc", "-aes-256-cbc", "-md", "sha512", "-pbkdf2", "-iter", "250000", "-pass", "fd:{fd}"]
        results = [
            compare(
                "zstd, age",
                size,
                lambda: piped(tar, ["zstd", "-q", "-T0"], ["age", "-r", recipient]),
                lambda: sealed(folder / "it", zstd_age),
                pairs,
            ),
            compare(
                "openssl",
                size,
                lambda: piped(tar, enc, secret=PASSWORD),
                lambda: sealed(folder / "it", openssl),
                pairs,
            ),
        ]
        volume = folder / "volume"
        with volume.open("wb") as file:
            for _ in range(size // MIB):
                file.write(os.urandom(MIB))
        results.append(compare("par2", size, bare_par2(volume), parity(volume), pairs))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sys.stdout.write(f"peak memory {peak / 1024:,.0f} MiB\n")
    return int(any(ratio < PROMISED[name] for name, ratio in results))


if __name__ == "__main__":
    sys.exit(main())
