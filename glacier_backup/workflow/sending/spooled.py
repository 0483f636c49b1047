"""Sealed volumes on the disk, one of each archive at a time: for parity, which takes a whole one, and where the user
wants them there, so that a broken upload goes on with the very bytes that were begun to be sent.

A volume is there in whole when it has its name. Beside it lies what is known of it. No flush is waited for: whoever
finds a volume that another process has left reads it, and compares.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from typing import TypeGuard

from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import SealError
from glacier_backup.machine import host_name
from glacier_backup.open_file import OpenFile
from glacier_backup.seal.chain import Slice
from glacier_backup.units import MIB

BUFFER = 4 * MIB
PARTIAL = ".partial"
"""What a volume is called until it is whole. No volume has such a name: it has the suffix of a seal."""
FACTS = ".facts"
"""The file that tells what the volume beside it is."""
LONGEST = 255 - len(".vol0000+0000.par2")
"""Bytes of a name, with room for that of parity beside it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a volume is, and adds up to."""

    name: str
    size: int
    """Bytes."""
    tree_hash: str
    """Hex."""
    slice_sha256: str
    """Hex; of what went into it."""
    hmac_sha256: str | None


@dataclass(frozen=True, slots=True)
class Spooled:
    """One volume, whole."""

    path: str
    facts: Facts

    @contextmanager
    def opened(self) -> Iterator[FileStream]:
        """Its bytes. Raises SealError when they can't be read."""
        with opened(self.path) as stream:
            yield stream


class FileStream(OpenFile):
    """The bytes of a file of the spool. Raises SealError where they can't be read."""

    def __init__(self, path: str, descriptor: int) -> None:
        super().__init__(descriptor, os.fstat(descriptor).st_size)
        self._path = path

    def read_at(self, buffer: memoryview, offset: int) -> int:
        try:
            return super().read_at(buffer, offset)
        except OSError as error:
            raise SealError(f"{self._path} can't be read: {error.strerror}") from error


@contextmanager
def opened(path: str) -> Iterator[FileStream]:
    """A file of the spool. Raises SealError when it can't be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise SealError(f"{path} can't be read: {error.strerror}") from error
    try:
        yield FileStream(path, descriptor)
    finally:
        os.close(descriptor)


@cache
def _mark(host: str, catalog: str) -> str:
    whose = f"{host}:{os.path.realpath(catalog)}"
    return hashlib.sha256(os.fsencode(whose)).hexdigest()[:12]


class SpoolFolder:
    """The folder of one archive; it is made when it is needed, for its owner alone."""

    def __init__(self, root: str, catalog: str, archive: str) -> None:
        """``root``: the folder that it is in; empty for the usual one of temporary files. ``catalog`` is the path of
        the catalog in which ``archive`` stands for it: several may share a folder, those of other machines too."""
        self._root = root or tempfile.gettempdir()
        self.path = os.path.join(self._root, f"glacier-backup-{_mark(host_name(), catalog)}-{archive}")

    @property
    def is_there(self) -> bool:
        """Whether something of it may be there."""
        return self._is_ours()

    def find(self, name: str, check: Callable[[], object]) -> Spooled | None:
        """The volume of that name, if it is there as it was made; ``check`` is asked while it is read."""
        path, facts = self._path(name), _parsed(self._path(FACTS)) if self._is_ours() else None
        if facts is None or facts.name != name:
            return None
        try:
            with opened(path) as stream:
                leaves = _leaves(stream, check)
                whole = stream.size == facts.size and tree_hash(leaves) == facts.tree_hash
        except SealError:
            return None
        return Spooled(path, facts) if whole else None

    def fill(self, name: str, piece: Slice, check: Callable[[], object]) -> Spooled:
        """Seal a volume into a file of that name.

        Raises SealError where it can't be written, what sealing raises, and what ``check`` does: nothing is left of it
        then, for the disk may be full."""
        self.clear()
        try:
            return self._filled(name, piece, check)
        except Exception:
            self.clear()
            raise

    def _filled(self, name: str, piece: Slice, check: Callable[[], object]) -> Spooled:
        with self._translated():
            self._make()
            descriptor = os.open(self._path(PARTIAL), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            facts = self._written(descriptor, name, piece, check)
        finally:
            os.close(descriptor)
        with self._translated():
            with open(self._path(FACTS), "w", encoding="ascii", opener=_private) as beside:
                json.dump(asdict(facts), beside)
            os.rename(self._path(PARTIAL), self._path(name))
        return Spooled(self._path(name), facts)

    def clear(self) -> None:
        """Nothing of it is needed any more."""
        if self._is_ours():
            shutil.rmtree(self.path, ignore_errors=True)

    def _path(self, name: str) -> str:
        raw = os.fsencode(name)
        if len(raw) > LONGEST:
            name = hashlib.sha256(raw).hexdigest()
        return os.path.join(self.path, name)

    def _written(self, descriptor: int, name: str, piece: Slice, check: Callable[[], object]) -> Facts:
        leaves, size, buffer = bytearray(), 0, memoryview(bytearray(BUFFER))
        with piece.sealed() as sealed:
            while count := sealed.readinto(buffer):
                check()
                leaves += leaf_digests(buffer[:count])
                with self._translated():
                    _write(descriptor, buffer[:count])
                size += count
            return Facts(name, size, tree_hash(leaves), piece.slice_sha256, sealed.hmac_sha256)

    def _make(self) -> None:
        os.makedirs(self._root, 0o700, exist_ok=True)
        with suppress(FileExistsError):
            os.mkdir(self.path, 0o700)
        if not self._is_ours():
            raise SealError(f"{self.path} belongs to somebody else", hint="set spool_dir to a folder of your own")

    def _is_ours(self) -> bool:
        """Whether nobody else can have put anything into it: the folder above may be open to all."""
        try:
            status = os.lstat(self.path)
        except OSError:
            return False
        return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SealError(
                f"no sealed volume can be written in {self.path}: {error.strerror}",
                hint="it takes room for a volume and its parity, for each archive on its way; spool_dir = another "
                "folder, or a smaller volume_size",
            ) from error


def _leaves(stream: FileStream, check: Callable[[], object]) -> bytearray:
    leaves, buffer = bytearray(), memoryview(bytearray(BUFFER))
    while count := stream.readinto(buffer):
        check()
        leaves += leaf_digests(buffer[:count])
    return leaves


def _parsed(path: str) -> Facts | None:
    """What lies beside a volume. It is our own, but a process may have died while it wrote."""
    try:
        with opened(path) as stream:
            buffer = memoryview(bytearray(4096))
            found = json.loads(bytes(buffer[: stream.readinto(buffer)]))
    except (SealError, ValueError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("size"), int):
        return None
    name, tree, slice_, hmac = (found.get(one) for one in ("name", "tree_hash", "slice_sha256", "hmac_sha256"))
    if not (_is_text(name) and _is_text(tree) and _is_text(slice_) and (hmac is None or _is_text(hmac))):
        return None
    return Facts(name, found["size"], tree, slice_, hmac)


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _write(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
