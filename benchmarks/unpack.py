"""Unpacking against ``tar -x``, in pairs in one run: 200,000 files of 1 kB, and one large file.

How to run it is in README.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from statistics import median
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from glacier_backup.pack.tar import TarPacker  # noqa: E402  # found only now
from glacier_backup.pack.unpacker import UnpackOrder  # noqa: E402
from glacier_backup.pack.untar import TarUnpacker  # noqa: E402
from glacier_backup.units import MIB, parse_size  # noqa: E402

IN_A_FOLDER = 1000
PROMISED = 0.5
"""Of tar's speed with small files."""


class Archive:
    """A file, read like an archive."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)

    def readinto(self, buffer: memoryview) -> int:
        filled = 0
        while filled < len(buffer) and (count := self._file.readinto(buffer[filled:])):
            filled += count
        return filled


def with_tar(archive: Path, folder: Path) -> None:
    command = ["tar", "-xpf", str(archive), "-C", str(folder), "--xattrs", "--acls", "--numeric-owner"]
    subprocess.run(command, check=True)  # whichever tar is the user's


def with_ours(archive: Path, folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in TarUnpacker().unpack(Archive(archive), descriptor, UnpackOrder("it", "directory")):
        pass
    os.close(descriptor)


def small_files(top: Path, count: int, size: int) -> None:
    content = os.urandom(size)
    for number in range(count):
        folder = top / f"{number // IN_A_FOLDER:05}"
        if number % IN_A_FOLDER == 0:
            folder.mkdir(parents=True)
        (folder / f"{number:07}-photo.jpg").write_bytes(content)


def large_file(top: Path, size: int) -> None:
    top.mkdir()
    block = os.urandom(MIB)
    with (top / "large").open("wb") as file:
        for _ in range(size // MIB):
            file.write(block)


def pack(top: Path, archive: Path) -> None:
    buffer = memoryview(bytearray(MIB))
    with TarPacker().pack(str(top), "it") as stream, archive.open("wb") as file:
        while count := stream.readinto(buffer):
            file.write(buffer[:count])
    rmtree(top)


def timed(unpack: Callable[[Path, Path], None], archive: Path, folder: Path) -> float:
    """Seconds."""
    folder.mkdir()
    began = time.perf_counter()
    unpack(archive, folder)
    seconds = time.perf_counter() - began
    rmtree(folder)
    return seconds


def compare(name: str, archive: Path, work: float, unit: str, pairs: int) -> float:
    """Say how each pair went; the median of the ratios, above 1 where we are the faster ones."""
    ratios = []
    for _ in range(pairs):
        theirs, ours = (timed(unpack, archive, archive.parent / "out") for unpack in (with_tar, with_ours))
        ratios.append(theirs / ours)
        sys.stdout.write(
            f"{name:6}  tar {work / theirs:10,.0f} {unit}/s  ours {work / ours:10,.0f} {unit}/s  {ratios[-1]:.2f}\n"
        )
        sys.stdout.flush()
    return median(ratios)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200_000, help="small files")
    parser.add_argument("--content", type=parse_size, default="1 kB", help="bytes of each")
    parser.add_argument("--size", type=parse_size, default="2 GiB", help="of the large file")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--folder", help="where to unpack; in memory where that can be, by default")
    arguments = parser.parse_args()
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # a folder of our own in it
    with TemporaryDirectory(prefix="unpack-", dir=arguments.folder or shared) as name:
        folder = Path(name)
        small_files(folder / "it", arguments.count, arguments.content)
        pack(folder / "it", folder / "tar")
        ratio = compare("small", folder / "tar", arguments.count, "files", arguments.pairs)
        large_file(folder / "it", arguments.size)
        pack(folder / "it", folder / "tar")
        compare("large", folder / "tar", arguments.size / MIB, "MiB", arguments.pairs)
    return int(ratio < PROMISED)


if __name__ == "__main__":
    sys.exit(main())
