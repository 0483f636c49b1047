"""An archive on its way in a directory: its partial file, and how it gets its name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from glacier_backup.destination.destination import Check
from glacier_backup.destination.directories import durable
from glacier_backup.destination.directories.files import CHUNK, EPOCH
from glacier_backup.destination.layout import AnyPaths, ObjectPaths, Paths, hidden
from glacier_backup.destination.multipart import Part
from glacier_backup.errors import DestinationError, UploadLost
from glacier_backup.flushing import sync_folder
from glacier_backup.model.archive import Checksums
from glacier_backup.units import now


@contextmanager
def opened(paths: AnyPaths) -> Iterator[durable.OpenFile]:
    """The file of an upload that was begun. Raises UploadLost when it isn't there."""
    try:
        with translated(paths.archive):
            file = durable.OpenFile(os.open(paths.partial, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW))
    except DestinationError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise lost(paths) from error
        raise
    try:
        yield file
    except DestinationError:
        # A disk that refused some of it isn't trusted with the rest, and its room is needed, if it was full.
        with suppress(OSError):
            os.ftruncate(file.number, 0)
        raise


def store(file: int, part: Part, *, may_be_there: bool) -> None:
    """Write a part, but for chunks that are found there already, where some may be."""
    for at in range(0, len(part.data), part.chunk):
        chunk, offset = part.data[at : at + part.chunk], part.start + at
        if may_be_there and os.pread(file, len(chunk), offset) == bytes(chunk):
            part.kept(len(chunk))
        else:
            part.sent(len(chunk))
            durable.write_at(file, chunk, offset)


def check_size(paths: Paths | ObjectPaths, size: int) -> None:
    """Raise UploadLost where neither the archive nor its partial file is there, DestinationError where it differs."""
    for path in (paths.partial, paths.archive):
        try:
            with translated(paths.archive):
                found = os.stat(path).st_size
        except DestinationError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            continue
        if found != size:
            raise DestinationError(f"{path} has {found} bytes, and {size} were sent")
        return
    raise lost(paths)


def is_published(paths: Paths, checksum: str) -> bool:
    """Whether :func:`publish` was done. Raises UploadLost where another archive has the name, and nothing is left of
    this one."""
    if os.path.lexists(paths.partial) or not os.path.lexists(paths.manifest):
        return False
    with suppress(FileNotFoundError), open(paths.checksum, encoding="utf-8", errors="surrogateescape") as file:
        if file.read() != checksum:
            raise lost(paths)
    return True


def publish(paths: Paths, checksum: str, manifest: str) -> None:
    """Give the partial file its name, if it hasn't got it, with checksum and manifest beside it.

    May break off at any point and be repeated. All that a full disk could hinder comes first, the manifest's name last.
    """
    stored_at = _now()
    durable.write_new(hidden(paths.manifest), manifest, stored_at)
    durable.write_new(hidden(paths.checksum), checksum, stored_at)
    os.replace(hidden(paths.checksum), paths.checksum)
    if os.path.lexists(paths.partial):
        durable.rename_new(paths.partial, paths.archive)
    sync_folder(paths.folder)
    os.replace(hidden(paths.manifest), paths.manifest)
    sync_folder(paths.folder)


def publish_object(paths: ObjectPaths, checksums: Checksums, checksum: str, check: Check) -> int:
    """The same of one of several objects: with its ``checksum`` beside it first, where it has one, and its name last;
    when that was, in ns since 1970.

    Raises UploadLost where the partial file isn't there, and what has the name isn't it.
    """
    if os.path.lexists(paths.partial):
        stored_at = _now()
        os.utime(paths.partial, ns=(stored_at, stored_at))
        if paths.checksum is not None:
            durable.write_new(hidden(paths.checksum), checksum, stored_at)
            os.replace(hidden(paths.checksum), paths.checksum)
        sync_folder(paths.folder)
        durable.rename_new(paths.partial, paths.archive)
    elif not holds(paths.archive, checksums, check):
        raise lost(paths)
    sync_folder(paths.folder)
    return os.stat(paths.archive).st_mtime_ns


def holds(path: str, checksums: Checksums, check: Check) -> bool:
    """Whether a file has these bytes: it is read where it is as long. Raises OSError."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        if os.fstat(file).st_size != checksums.size:
            return False
        linear = hashlib.sha256()
        while data := os.read(file, CHUNK):
            check()
            linear.update(data)
        return linear.hexdigest() == checksums.sha256
    finally:
        os.close(file)


def abort(paths: Paths) -> None:
    """Remove what there is of an archive that isn't complete. Raises OSError."""
    names = [hidden(path) for path in paths]
    if not os.path.lexists(paths.manifest):
        names += [paths.archive, paths.checksum]
    _remove(names, paths.folder)


def abort_object(paths: ObjectPaths) -> None:
    """Remove what is on its way; an object that has its name is whole, and stays. Raises OSError."""
    names = [paths.partial]
    if paths.checksum is not None:
        names.append(hidden(paths.checksum))
        if not os.path.lexists(paths.archive):
            names.append(paths.checksum)
    _remove(names, paths.folder)


def _remove(names: Iterable[str], folder: str) -> None:
    for name in names:
        with suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(name)
    if os.path.isdir(folder):
        sync_folder(folder)


def _now() -> int:
    """In ns since 1970, to the microsecond."""
    return (now() - EPOCH) // timedelta(microseconds=1) * 1000


def lost(paths: AnyPaths) -> UploadLost:
    """What is to be said where nothing is left of an upload."""
    return UploadLost(f"{paths.archive} was begun, and nothing is left of it")


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn OSError into DestinationError that names ``path``."""
    try:
        yield
    except OSError as error:
        raise DestinationError(f"{path} could not be written: {error.strerror or error}") from error
