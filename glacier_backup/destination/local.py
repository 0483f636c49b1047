"""A directory of archives: the embedded local vault, an external disk, a NAS mount.

Below the root, ``HOST/PATH/OF/CANDIDATE/TIME.tar`` is the archive, the same name with ``.sha256`` its checksum as
``sha256sum -c`` reads it, and with ``.recipe.json`` the manifest, which is written last: an archive counts as whole
when its manifest is there. On its way each bears a hidden name, made from its own alone so that a later process finds
it: ``.TIME.tar.partial``. All is flushed to disk before it gets its name; no archive is ever overwritten. Directories
are 0700, files 0600.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from glacier_backup.destination import durable
from glacier_backup.destination.destination import ByteStream, Check, Limits, Progress
from glacier_backup.destination.multipart import Part, PartSender
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import DestinationError, DestinationUnavailable, UploadLost
from glacier_backup.model.archive import Checksums, Label, Receipt
from glacier_backup.model.naming import key, manifest_key
from glacier_backup.model.place import Place
from glacier_backup.model.upload import OpenUpload
from glacier_backup.units import GIB, MIB, now

LIMITS = Limits(least=0, part=4 * MIB, least_part=MIB, largest_part=4 * GIB, most_parts=1_000_000)

CHECKSUM_SUFFIX = ".sha256"

_MOUNTED = "is its disk mounted?"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Paths(NamedTuple):
    """Where the files of one archive lie."""

    archive: str
    checksum: str
    manifest: str

    @property
    def folder(self) -> str:
        return os.path.dirname(self.archive)

    @property
    def partial(self) -> str:
        return _hidden(self.archive)


class Local:
    """One directory. ``create`` makes the root with its parents; otherwise only its last level is made.

    ``concurrency`` parts are hashed and written at the same time: the linear checksum, which can't be split, sets the
    pace, so that more than two only help where several archives are sent at once. ``bandwidth`` is in bytes per second.
    """

    limits = LIMITS

    def __init__(self, root: str, *, create: bool, concurrency: int = 2, bandwidth: int | None = None) -> None:
        self._root = root
        self._create = create
        self._parts = PartSender(concurrency, bandwidth)
        self._held: int | None = None
        """The root, once it was seen: open, so that it is neither unmounted meanwhile nor taken for another."""
        self._lock = threading.Lock()

    @property
    def place(self) -> Place:
        return Place("local", self._root)

    def identify(self, *, holds_archives: bool) -> Place:
        if holds_archives and not _holds_something(self._root):
            raise DestinationUnavailable(f"something was stored in {self._root} and nothing is there", hint=_MOUNTED)
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
        if nearest == self._root:
            self._same_disk()
        return self.place

    def describe(self, label: Label) -> str:
        return key(label)

    def begin(self, label: Label, part_size: int, check: Check) -> str:
        locator = key(label)
        paths = self._paths(locator)
        with _translated(self._root), self._lock:
            if self._held is None:
                durable.make_folders(self._root)
        self._same_disk()
        with _translated(paths.archive):
            durable.make_folders(paths.folder)
            if os.path.lexists(paths.archive):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            durable.make_empty(paths.partial)
        self._same_disk()
        return locator

    def send(self, upload: OpenUpload, stream: ByteStream, progress: Progress) -> Checksums:
        self._same_disk()
        paths = self._paths(upload.id)
        linear = hashlib.sha256()
        with _partial(paths) as file:

            def store(part: Part) -> tuple[int, bytes]:
                with _translated(paths.archive):
                    _store(file.number, part, may_be_there=upload.resumed)
                return len(part.data), leaf_digests(part.data)

            sent = self._parts.send(
                stream, upload.part_size, self.limits.most_parts, store, progress=progress, observe=linear.update
            )
            size = sum(length for length, _ in sent)
            with _translated(paths.archive):
                os.ftruncate(file.number, size)
                os.fsync(file.number)
        leaves = b"".join(digests for _, digests in sent)
        return Checksums(size, tree_hash(leaves), leaves, linear.hexdigest())

    def complete(self, upload: OpenUpload, checksums: Checksums, manifest: str, check: Check) -> Receipt:
        self._same_disk()
        paths = self._paths(upload.id)
        _check_size(paths, checksums.size)
        with _translated(paths.archive):
            if not os.path.lexists(paths.manifest):
                _publish(paths, f"{checksums.sha256}  {os.path.basename(paths.archive)}\n", manifest)
            stored_at = _EPOCH + timedelta(microseconds=os.stat(paths.manifest).st_mtime_ns // 1000)
        self._same_disk()
        return Receipt(
            upload.id, checksums.size, checksums.tree_hash, checksums.leaves, stored_at, sha256=checksums.sha256
        )

    def abort(self, label: Label, upload_id: str | None, check: Check) -> None:
        if self._held is None and not os.path.lexists(self._root):
            return  # nothing was ever there
        self._same_disk()
        paths = self._paths(upload_id or key(label))
        with _translated(paths.archive):
            names = [_hidden(path) for path in paths]
            if not os.path.lexists(paths.manifest):
                names += [paths.archive, paths.checksum]
            for name in names:
                with suppress(FileNotFoundError, NotADirectoryError):
                    os.unlink(name)
            if os.path.isdir(paths.folder):
                durable.sync_folder(paths.folder)

    def _same_disk(self) -> None:
        """Raise DestinationUnavailable when another disk is there than before, or none: what is below a mount point
        is not the place that archives are to be in."""
        try:
            # Opened, for that alone has a disk mounted that is mounted on use.
            found = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise DestinationUnavailable(f"{self._root}: {error.strerror}", hint=_MOUNTED) from error
        with self._lock:
            if self._held is None:
                self._held = found
                return
            same = os.path.sameopenfile(found, self._held)
        os.close(found)
        if not same:
            raise DestinationUnavailable(f"{self._root} is not the directory that it was", hint=_MOUNTED)

    def close(self) -> None:
        self._parts.close()
        with self._lock:
            if self._held is not None:
                os.close(self._held)
                self._held = None

    def _paths(self, locator: str) -> _Paths:
        archive = os.path.join(self._root, locator)
        return _Paths(archive, archive + CHECKSUM_SUFFIX, manifest_key(archive))


def _hidden(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.partial")


def _holds_something(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except OSError:
        return False


@contextmanager
def _partial(paths: _Paths) -> Iterator[durable.OpenFile]:
    """The file of an upload that was begun. Raises UploadLost when it isn't there."""
    try:
        with _translated(paths.archive):
            file = durable.OpenFile(os.open(paths.partial, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW))
    except DestinationError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise _lost(paths) from error
        raise
    try:
        yield file
    except DestinationError:
        # A disk that refused some of it isn't trusted with the rest, and its room is needed, if it was full.
        with suppress(OSError):
            os.ftruncate(file.number, 0)
        raise


def _store(file: int, part: Part, *, may_be_there: bool) -> None:
    for at in range(0, len(part.data), part.chunk):
        chunk, offset = part.data[at : at + part.chunk], part.start + at
        if may_be_there and os.pread(file, len(chunk), offset) == bytes(chunk):
            part.kept(len(chunk))
        else:
            part.sent(len(chunk))
            durable.write_at(file, chunk, offset)


def _check_size(paths: _Paths, size: int) -> None:
    """Raise UploadLost where neither the archive nor its partial file is there, DestinationError where it differs."""
    for path in (paths.archive, paths.partial):
        try:
            with _translated(paths.archive):
                found = os.stat(path).st_size
        except DestinationError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            continue
        if found != size:
            raise DestinationError(f"{path} has {found} bytes, and {size} were sent")
        return
    raise _lost(paths)


def _publish(paths: _Paths, checksum: str, manifest: str) -> None:
    """Give the partial file its name, if it hasn't got it, with checksum and manifest beside it.

    May break off at any point and be repeated. All that a full disk could hinder comes first, the manifest's name last.
    """
    stored_at = (now() - _EPOCH) // timedelta(microseconds=1) * 1000
    durable.write_new(_hidden(paths.manifest), manifest, stored_at)
    durable.write_new(_hidden(paths.checksum), checksum, stored_at)
    os.replace(_hidden(paths.checksum), paths.checksum)
    if os.path.lexists(paths.partial):
        durable.rename_new(paths.partial, paths.archive)
    durable.sync_folder(paths.folder)
    os.replace(_hidden(paths.manifest), paths.manifest)
    durable.sync_folder(paths.folder)


def _lost(paths: _Paths) -> UploadLost:
    return UploadLost(f"{paths.archive} was begun, and nothing is left of it")


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DestinationError(f"{path} could not be written: {error.strerror or error}") from error
