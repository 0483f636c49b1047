"""A directory of archives: the embedded local vault, an external disk, a NAS mount.

Below the root, ``HOST/PATH/OF/CANDIDATE/TIME.tar`` is the archive, the same name with ``.sha256`` its checksum as
``sha256sum -c`` reads it, and with ``.recipe.json`` the manifest, which is written last: an archive counts as whole
when its manifest is there. Each is written under a temporary name, flushed to disk, and renamed; nothing that
exists is overwritten. Directories are 0700, files 0600.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property

from glacier_backup.destination.destination import ByteStream, Limits, Progress
from glacier_backup.destination.multipart import Part, send_parts
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.archive import Label, Receipt
from glacier_backup.model.naming import key, manifest_key
from glacier_backup.model.place import Place
from glacier_backup.units import GIB, MIB, now

LIMITS = Limits(least=0, part=4 * MIB, least_part=MIB, largest_part=4 * GIB, most_parts=1_000_000)

CHECKSUM_SUFFIX = ".sha256"
WORKERS = 2
"""Parts hashed and written at once: the linear checksum, which can't be split, sets the pace."""


class Local:
    """One directory. ``create`` makes the root with its parents; otherwise only its last level is made."""

    limits = LIMITS

    def __init__(self, root: str, *, create: bool) -> None:
        self._root = root
        self._create = create

    @property
    def place(self) -> Place:
        return Place("local", self._root)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(WORKERS, thread_name_prefix="part")

    def identify(self, *, holds_archives: bool) -> Place:
        if holds_archives and not _holds_something(self._root):
            raise DestinationUnavailable(
                f"archives are recorded in {self._root} and nothing is there", hint="is its disk mounted?"
            )
        nearest = self._root
        while not os.path.lexists(nearest) and nearest != "/":
            nearest = os.path.dirname(nearest)
        if not os.path.isdir(nearest):
            raise DestinationUnavailable(f"{nearest} is not a directory")
        if not self._create and nearest not in (self._root, os.path.dirname(self._root)):
            raise DestinationUnavailable(
                f"{self._root} does not exist",
                hint=f"is its disk mounted? If it is new: mkdir -p {os.path.dirname(self._root)}",
            )
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise DestinationUnavailable(f"no permission to write in {nearest}")
        return self.place

    def describe(self, label: Label) -> str:
        return key(label)

    def send(self, stream: ByteStream, label: Label, part_size: int, progress: Progress) -> Receipt:
        locator = key(label)
        linear = hashlib.sha256()
        size = 0

        def observe(data: memoryview) -> None:
            nonlocal size
            linear.update(data)
            size += len(data)

        with _storing(self._prepared(locator)) as file:

            def send(part: Part) -> bytes:
                with _translated(locator):
                    _write_part(file, part)
                return leaf_digests(part.data)

            leaves = send_parts(
                stream,
                part_size,
                self.limits.most_parts,
                send,
                pool=self._pool,
                workers=WORKERS,
                progress=progress,
                observe=observe,
            )
        joined = b"".join(leaves)
        receipt = Receipt(locator, size, tree_hash(joined), joined, stored_at=now(), sha256=linear.hexdigest())
        with self._taking_back(locator):
            self._put(locator + CHECKSUM_SUFFIX, f"{receipt.sha256}  {os.path.basename(locator)}\n")
        return receipt

    def put_manifest(self, label: Label, receipt: Receipt, manifest: str) -> None:
        with self._taking_back(receipt.locator):
            self._put(manifest_key(receipt.locator), manifest)

    @contextmanager
    def _taking_back(self, locator: str) -> Iterator[None]:
        """Without what belongs beside it an archive doesn't stay: it will be sent again under another time."""
        try:
            yield
        except BaseException:
            for suffix in ("", CHECKSUM_SUFFIX):
                with suppress(OSError):
                    os.unlink(os.path.join(self._root, locator + suffix))
            raise

    def _put(self, locator: str, text: str) -> None:
        with _storing(self._prepared(locator)) as file, _translated(locator):
            _write(file, memoryview(text.encode("utf-8", "surrogateescape")), 0)

    def _prepared(self, locator: str) -> str:
        path = os.path.join(self._root, locator)
        with _translated(path):
            _make_folders(os.path.dirname(path))
        return path

    def close(self) -> None:
        if "_pool" in self.__dict__:
            self._pool.shutdown(wait=False, cancel_futures=True)


def _holds_something(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except OSError:
        return False


@contextmanager
def _storing(path: str) -> Iterator[int]:
    """A file descriptor whose bytes become ``path`` when the block ends well, and nothing otherwise."""
    folder, name = os.path.split(path)
    partial = os.path.join(folder, f".{name}.{os.getpid()}.partial")
    with _translated(path):
        file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            yield file
            with _translated(path):
                os.fsync(file)
        finally:
            os.close(file)
        with _translated(path):
            _publish(partial, path)
            _sync_folder(folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(partial)
        raise


def _publish(partial: str, path: str) -> None:
    """Give the file its name, never over another one."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links (FAT, some network mounts); names carry a time, so none should be there.
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from None
        os.rename(partial, path)
        return
    os.unlink(partial)


def _make_folders(folder: str) -> None:
    """Missing levels, 0700, each made durable in the one above it."""
    if os.path.isdir(folder):
        return
    above = os.path.dirname(folder)
    _make_folders(above)
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    _sync_folder(above)


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_part(file: int, part: Part) -> None:
    for at in range(0, len(part.data), MIB):
        chunk = part.data[at : at + MIB]
        _write(file, chunk, part.start + at)
        part.sent(len(chunk))


def _write(file: int, data: memoryview, offset: int) -> None:
    while len(data):
        count = os.pwrite(file, data, offset)
        data, offset = data[count:], offset + count


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DestinationError(f"{path} could not be written: {error.strerror or error}") from error
