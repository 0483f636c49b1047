"""Volumes that are missing or damaged, made right by their parity, one at a time.

All that is left of the volume, and of its parity, is fetched into a folder, whatever its checksums say; parity's own
are enough to tell what of it is good. What comes of it counts only if it has the checksum that was recorded. It stays
there until it was used, for whoever is killed meanwhile.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from glacier_backup.destination.destination import Check
from glacier_backup.digest import LEAF, leaf_digests, tree_hash
from glacier_backup.errors import (
    DamageFound,
    DestinationError,
    DestinationUnavailable,
    NotThawed,
    TargetError,
    VolumeMissing,
)
from glacier_backup.model.stored import StoredVolume
from glacier_backup.seal import par2
from glacier_backup.units import MIB, format_size
from glacier_backup.workflow.restoring.coverage import reaching
from glacier_backup.workflow.restoring.fetch import Fetched
from glacier_backup.workflow.restoring.hurt import VolumeHurt
from glacier_backup.workflow.restoring.stream import Source
from glacier_backup.workflow.restoring.target import troubles

PIECE = 8 * MIB
"""Bytes of one request."""

GLANCE = 0.2
"""Seconds between two looks whether to go on."""

_RIGHT = "right"

_ONE_AT_A_TIME = threading.Lock()
"""par2 takes all processors, and :data:`glacier_backup.seal.par2.MOST_MEMORY`, each time."""


@dataclass(frozen=True, slots=True)
class ByParity:
    """A :class:`~glacier_backup.workflow.restoring.stream.Mender` for one archive."""

    source: Source
    folder: Callable[[], str]
    """The path of a folder of its own, empty or as an earlier process has left it; made when it is asked for."""
    check: Check
    fetched: Fetched
    was_right: Callable[[StoredVolume], object]
    """Told of a volume that is as it was sent, whatever was said of it."""
    was_mended: Callable[[StoredVolume], object]

    @contextmanager
    def mended(self, volume: StoredVolume) -> Iterator[str]:
        """As the Protocol has it. The folder is empty behind the block, if nothing is raised.

        Raises VolumeHurt where there isn't enough left; TargetError, SealError where par2 is missing or fails, and what
        the destination and the check raise.
        """
        folder = self.folder()
        path = os.path.join(folder, f"{_RIGHT}.{volume.number}")
        if not _is_right(path, volume, self.check):
            _empty(folder)
            self._mend(volume, folder, path)
        yield path
        _empty(folder)

    def _mend(self, volume: StoredVolume, folder: str, path: str) -> None:
        damaged = os.path.join(folder, "volume")
        beside = self.source.archive.parity_of(volume)
        _insist_on_room(folder, 2 * (volume.size or 0) + sum(one.size or 0 for one in beside))
        with troubles(folder):
            self._fetch(volume, damaged)
            if volume.tree_hash is not None and _is_right(damaged, volume, self.check):
                os.rename(damaged, path)
                self.was_right(volume)
                return
            was_wrong = self._by_parity(volume, damaged, self._parity(beside, folder))
            _flush(damaged)
            os.rename(damaged, path)
        (self.was_mended if was_wrong else self.was_right)(volume)

    def _by_parity(self, volume: StoredVolume, damaged: str, parity: list[str]) -> bool:
        try:
            with _alone(self.check):
                was_wrong = par2.mend(damaged, parity, self._glance)
        except DamageFound as error:
            raise _beyond_repair(volume, str(error)) from error
        if not _is_right(damaged, volume, self.check):
            raise _beyond_repair(volume, "what its parity makes of it isn't what was sent")
        return was_wrong

    def _glance(self) -> None:
        self.check()

    def _parity(self, beside: tuple[StoredVolume, ...], folder: str) -> list[str]:
        paths = [os.path.join(folder, f"parity.{one.number}") for one in beside]
        return [path for one, path in zip(beside, paths, strict=True) if self._fetch(one, path)]

    def _fetch(self, volume: StoredVolume, path: str) -> bool:
        """All that can be read of an object; zeros stand for what can't. Whether there is anything."""
        buffer = memoryview(bytearray(PIECE))
        start, most = 0, volume.size
        with open(path, "wb", buffering=0) as file:
            while most is None or start < most:
                wanted = buffer if most is None else buffer[: most - start]
                count = self._come(volume, start, wanted)
                if count is None:
                    break
                file.seek(start)
                _write(file.fileno(), wanted[:count])
                self.fetched(count)
                start += len(wanted)
                if count < len(wanted):
                    break
        if not os.stat(path).st_size:
            os.unlink(path)
            return False
        return True

    def _come(self, volume: StoredVolume, start: int, buffer: memoryview) -> int | None:
        """How many bytes came; None where nothing is there."""
        thaws = self.source.thaws.get(volume.locator, ())
        thaw = reaching(thaws, start)
        if thaw is None:
            if thaws:
                raise NotThawed(f"{volume.locator}: not all of it was thawed", hint="run again")
            return None  # it isn't there: nothing of it could be asked for
        try:
            return self.source.destination.fetch(thaw, start, buffer, self.check)
        except VolumeMissing:
            return None
        except (DestinationUnavailable, NotThawed):
            raise
        except DestinationError:
            buffer[:] = bytes(len(buffer))  # a bad block of a disk, say
            return len(buffer)


@contextmanager
def _alone(check: Check) -> Iterator[None]:
    while not _ONE_AT_A_TIME.acquire(timeout=GLANCE):
        check()
    try:
        yield
    finally:
        _ONE_AT_A_TIME.release()


def _beyond_repair(volume: StoredVolume, why: str) -> VolumeHurt:
    """What an earlier try has told of it is told once."""
    what = (volume.damage or "it is damaged").partition(_UNMENDED)[0]
    told = what if what.startswith(volume.locator) else f"{volume.locator}: {what}"
    return VolumeHurt(f"{told}{_UNMENDED}{why}", [volume.number])


_UNMENDED = "; it can't be mended: "


def number_of(volume: StoredVolume) -> str:
    """What people call it."""
    return f"volume {volume.volume or 1}"


def _is_right(path: str, volume: StoredVolume, check: Check) -> bool:
    """Whether the file is there, and is what was sent, as far as anybody knows."""
    try:
        found = os.stat(path).st_size
    except FileNotFoundError:
        return False
    if volume.tree_hash is None:
        return volume.size in (None, found)
    return found == volume.size and _tree_hash(path, check) == volume.tree_hash


def _tree_hash(path: str, check: Check) -> str:
    leaves = bytearray()
    with open(path, "rb", buffering=0) as file:
        while data := file.read(8 * LEAF):
            leaves += leaf_digests(data)
            check()
    return tree_hash(bytes(leaves) or leaf_digests(b""))


def _write(file: int, data: memoryview) -> None:
    while data:
        data = data[os.write(file, data) :]


def _flush(path: str) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _empty(folder: str) -> None:
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(FileNotFoundError):
                os.unlink(path)


def _insist_on_room(folder: str, wanted: int) -> None:
    free = _free(folder)
    if free is not None and wanted > free:
        raise TargetError(
            f"{folder} has room for {format_size(free)}, and mending a volume takes {format_size(wanted)} for a while",
            hint="make room there, and run again",
        )


def _free(folder: str) -> int | None:
    """Bytes; None where the file system doesn't say."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize if found.f_blocks else None
