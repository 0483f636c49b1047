"""A pool in a file, and its datasets."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.zfs_fuse.daemon import PREFIX, daemon, destroy, program

_BYTES = 2 * 1024**3  # of which none lie on the disk until they are written


class Made(NamedTuple):
    """A dataset that a test has made."""

    name: str
    """``pool/dataset``."""
    mounted: Path
    """Where its files are."""

    def snapshot(self, name: str, *options: str) -> str:
        """Its full name, ``pool/dataset@name``."""
        full = f"{self.name}@{name}"
        zfs("snapshot", *options, full)
        return full

    def child(self, name: str) -> Made:
        """A file system below it."""
        zfs("create", f"{self.name}/{name}")
        return Made(f"{self.name}/{name}", self.mounted / name)


class Pool:
    """One that is there for as long as the tests."""

    def __init__(self, name: str, mounted: Path) -> None:
        self.name = name
        self.root = mounted
        """Where its own dataset is mounted, and below it all others."""
        self._numbers = itertools.count(1)

    def unused(self, name: str = "ds") -> str:
        """The name of a dataset that isn't there, ``pool/name-7``."""
        return f"{self.name}/{name}-{next(self._numbers)}"

    def mounted(self, dataset: str) -> Path:
        """Where a file system of this pool is mounted."""
        return self.root / dataset.removeprefix(f"{self.name}/")

    def filesystem(self, name: str = "ds", *options: str) -> Made:
        """A new one, whose name begins so; ``options`` of ``zfs create``."""
        full = self.unused(name)
        zfs("create", *options, full)
        return Made(full, self.mounted(full))


def zfs(*arguments: str) -> str:
    """What ``zfs`` prints. Fails with what it says."""
    return _done(program("zfs"), *arguments).decode()


def sent(*arguments: str) -> bytes:
    """The stream that ``zfs send`` makes."""
    return _done(program("zfs"), "send", *arguments)


def received(dataset: str, stream: bytes, *options: str) -> None:
    """``zfs receive`` of ``stream``. Fails with what it says."""
    _done(program("zfs"), "receive", *options, dataset, given=stream)


@contextmanager
def pool_in(folder: Path, size: int = _BYTES) -> Iterator[Pool]:
    """A new pool of ``size`` bytes, in a file below ``folder``, where it is mounted too. It is destroyed at the end."""
    with daemon():
        name = f"{PREFIX}-{os.getpid()}-{os.urandom(3).hex()}"
        file, mounted = folder / "disk", folder / "mounted"
        with file.open("wb") as disk:
            disk.truncate(size)
        # With no cachefile the daemon keeps no list of it beyond its own end.
        _done(program("zpool"), "create", "-o", "cachefile=none", "-m", str(mounted), name, str(file))
        try:
            yield Pool(name, mounted)
        finally:
            assert destroy(name), f"the pool {name} can't be destroyed: something has files of it open"
            file.unlink()


def _done(*command: str, given: bytes = b"") -> bytes:
    ended = subprocess.run(command, input=given, capture_output=True, env={**os.environ, "LC_ALL": "C"})
    said = ended.stderr.decode(errors="replace").strip()
    assert ended.returncode == 0, f"{' '.join(command[:2])}: exit status {ended.returncode}: {said}"
    return ended.stdout
