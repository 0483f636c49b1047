"""An archive on its way in a directory: its partial file, and how it gets its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from glacier_backup.destination.directories import durable
from glacier_backup.destination.layout import Paths, TreePaths, hidden
from glacier_backup.destination.multipart import Part
from glacier_backup.errors import DestinationError, UploadLost
from glacier_backup.flushing import sync_folder
from glacier_backup.units import now

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@contextmanager
def opened(paths: Paths | TreePaths) -> Iterator[durable.OpenFile]:
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


def check_size(paths: Paths, size: int) -> None:
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
    stored_at = (now() - EPOCH) // timedelta(microseconds=1) * 1000
    durable.write_new(hidden(paths.manifest), manifest, stored_at)
    durable.write_new(hidden(paths.checksum), checksum, stored_at)
    os.replace(hidden(paths.checksum), paths.checksum)
    if os.path.lexists(paths.partial):
        durable.rename_new(paths.partial, paths.archive)
    sync_folder(paths.folder)
    os.replace(hidden(paths.manifest), paths.manifest)
    sync_folder(paths.folder)


def lost(paths: Paths | TreePaths) -> UploadLost:
    """What is to be said where nothing is left of an upload."""
    return UploadLost(f"{paths.archive} was begun, and nothing is left of it")


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn OSError into DestinationError that names ``path``."""
    try:
        yield
    except OSError as error:
        raise DestinationError(f"{path} could not be written: {error.strerror or error}") from error
