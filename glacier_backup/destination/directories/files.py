"""What is stored in a directory, read and removed by locators that are not trusted."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from glacier_backup.destination.destination import Check
from glacier_backup.destination.directories import marker
from glacier_backup.destination.directories.beneath import OddName, folder_of, open_file
from glacier_backup.destination.layout import (
    LARGEST_MANIFEST,
    archives_beside,
    checksum_in,
    hidden,
    is_beside_cut_name,
    is_dated,
    is_partial,
    paths_of,
)
from glacier_backup.errors import DestinationError, VolumeMissing
from glacier_backup.model.naming import manifest_key
from glacier_backup.model.thaw import Stored
from glacier_backup.units import MIB

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

CHUNK = 8 * MIB
"""Bytes read between two looks whether reading still makes sense."""

LOST_AND_FOUND = "lost+found"
"""Of the file system in the root itself: only the superuser may look into it."""


def moment(time_ns: int) -> datetime:
    """A file's time, to the microsecond."""
    return EPOCH + timedelta(microseconds=time_ns // 1000)


def must_be_there(root: int, locator: str) -> None:
    """Raise VolumeMissing unless there is a file of this locator, DestinationError where it can't be read."""
    with _translated(locator), open_file(root, locator):
        return


def read(root: int, locator: str, start: int, buffer: memoryview, check: Check) -> int:
    """Fill ``buffer`` with the bytes of a file from ``start`` on; how many there were. Raises as
    :func:`must_be_there`."""
    done = 0
    with _translated(locator), open_file(root, locator) as file:
        while done < len(buffer):
            count = os.preadv(file, [buffer[done : done + CHUNK]], start + done)
            if not count:
                break
            done += count
            check()
    return done


def examine(root: int, stored: Stored) -> Stored:
    """What is listed, with the size that it has now, and what lies beside an archive. Raises as
    :func:`must_be_there`."""
    with _translated(stored.locator), open_file(root, stored.locator) as file:
        found = replace(stored, size=os.fstat(file).st_size)
    if not is_dated(stored.locator):
        return found
    paths = paths_of(stored.locator)
    checksum = _small(root, paths.checksum)
    return replace(
        found,
        sha256=None if checksum is None else checksum_in(checksum, os.path.basename(paths.archive)),
        manifest=_small(root, paths.manifest),
    )


def _small(root: int, name: str) -> str | None:
    """The text of a small file; None where there is none, nor for one that is too long, or a link that leads to one."""
    try:
        with open_file(root, name) as file:
            content = os.read(file, LARGEST_MANIFEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise DestinationError(f"{name} could not be read: {error.strerror}") from error
    return None if len(content) > LARGEST_MANIFEST else content.decode("utf-8", "surrogateescape")


def remove(root: int, locator: str) -> None:
    """Remove a file with what lies beside it; the one of the locator last, so that a crash leaves nothing unseen.

    Raises DestinationError; nothing is removed but by what it is called, never where a link leads.
    """
    with suppress(VolumeMissing), _translated(locator, "removed"), folder_of(root, locator) as (folder, own):
        if locator == marker.MARKER:
            raise OddName(f"{locator} is no archive")
        paths = paths_of(own)
        for name in (paths.manifest, paths.checksum, paths.archive) if is_dated(own) else (own,):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
        os.fsync(folder)


def stored(root: str) -> Iterator[Stored]:
    """All files below ``root`` that are archives, or nobody knows what, in no order; symbolic links are none.

    Raises DestinationError, which names what can't be looked into.
    """
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        for entry in _entries(root, folder):
            name = os.path.join(folder, entry.name)
            if name == marker.MARKER:
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(name)
            elif entry.is_file(follow_symlinks=False) and (found := _stored(name, entry)) is not None:
                yield found


def _entries(root: str, folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(os.path.join(root, folder) if folder else root) as entries:
            yield from entries
    except FileNotFoundError:
        return  # removed meanwhile
    except OSError as error:
        if folder == LOST_AND_FOUND:
            return
        raise DestinationError(f"{os.path.join(root, folder)} can't be looked into: {error.strerror}") from error


def _stored(name: str, entry: os.DirEntry[str]) -> Stored | None:
    """None for a file that is on its way, or lies beside an archive or one on its way."""
    if is_partial(entry.name) or is_beside_cut_name(entry.name):
        return None
    if any(os.path.isfile(one) or os.path.lexists(hidden(one)) for one in archives_beside(entry.path)):
        return None
    manifest = manifest_key(entry.path)
    try:
        found = entry.stat(follow_symlinks=False)
        if not is_dated(entry.name):
            # When it came there: the time of modification of a file of a tree is its source's.
            return Stored(name, found.st_size, moment(found.st_ctime_ns))
        with suppress(FileNotFoundError):
            return Stored(name, found.st_size, moment(os.stat(manifest, follow_symlinks=False).st_mtime_ns))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DestinationError(f"{entry.path} can't be looked at: {error.strerror}") from error
    return None if os.path.lexists(hidden(manifest)) else Stored(name, found.st_size, moment(found.st_mtime_ns))


@contextmanager
def _translated(locator: str, done: str = "read") -> Iterator[None]:
    try:
        yield
    except OddName as error:
        raise DestinationError(str(error)) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise VolumeMissing(f"{locator}: {error.strerror or error}") from error
    except OSError as error:
        raise DestinationError(f"{locator} could not be {done}: {error.strerror}") from error
