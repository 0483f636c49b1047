"""Reading files and directories of a server, as coroutines of one session. Each may be repeated.

What a server refuses is an OSError, as if the disk were here: ENOENT, EACCES, or EIO with the server's words. All else
is as asyncssh raises it. Paths are bytes.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.ssh.entries import Attributes, Entry, attributes
from glacier_backup.ssh.loop import Work
from glacier_backup.ssh.sessions import Session
from glacier_backup.units import MIB

if TYPE_CHECKING:
    import asyncssh

IN_FLIGHT = 4 * MIB
"""Bytes asked for at once of one file: twice what OpenSSH's window lets through in one round trip."""

TOGETHER = 32
"""Requests about different files that don't wait for each other."""


class Range(NamedTuple):
    """Bytes of a file."""

    path: bytes
    offset: int
    length: int


class Read(NamedTuple):
    """What came of reading them."""

    data: bytes | bytearray
    """Less than was asked for where the file ends before."""
    attributes: Attributes
    """Of the file, when they had been read."""


async def look(session: Session, path: bytes, follow: bool) -> Attributes:
    """What lies at ``path``, or that a link there points to. Raises OSError."""
    with refusals(path):
        return attributes(await (session.sftp.stat(path) if follow else session.sftp.lstat(path)))


async def link_target(session: Session, path: bytes) -> bytes:
    """What a link says. Raises OSError."""
    with refusals(path):
        return await session.sftp.readlink(path)


async def real_path(session: Session, path: bytes) -> bytes:
    """The path without links in it. Raises OSError."""
    with refusals(path):
        found = await session.sftp.realpath(path)
        return found if isinstance(found, bytes) else str(found).encode("utf-8", "surrogateescape")


class Listing:
    """The entries of a directory, in no order, some at a time: all together may take longer than an answer should."""

    def __init__(self, session: Session, path: bytes, targets: bool) -> None:
        """``targets``: also ask what links point to; one that is gone by then is left out."""
        self._session = session
        self._path = path
        self._targets = targets
        self._entries = self._listed()

    async def some(self, take: Callable[[Entry], object], most: int) -> bool:
        """Hand up to ``most`` further ones to ``take``; whether there may be more. Raises OSError."""
        asked: list[Entry] = []
        left = most
        with refusals(self._path):
            async for entry in self._entries:
                if entry.attributes.is_known and not (self._targets and stat.S_ISLNK(entry.attributes.mode)):
                    take(entry)
                else:
                    asked.append(entry)
                left -= 1
                if left == 0 or len(asked) == TOGETHER:
                    break
            else:
                most = 0
        await _ask(self._session, self._path, asked, self._targets, take)
        return most > 0

    async def close(self) -> None:
        """Let go of the directory."""
        await self._entries.aclose()

    async def _listed(self) -> AsyncGenerator[Entry, None]:
        async with aclosing(self._session.sftp.scandir(self._path)) as listing:  # type: ignore[type-var]  # a generator
            async for found in listing:
                name = found.filename if isinstance(found.filename, bytes) else found.filename.encode()
                if name in (b".", b".."):
                    continue
                if not name or b"/" in name or b"\0" in name:
                    # It would lead out of the directory, or round in it for ever.
                    raise OSError(errno.EIO, f"the server lists {name!r}, which is no name")
                yield Entry(name, attributes(found.attrs))


async def _ask(
    session: Session, folder: bytes, asked: Sequence[Entry], targets: bool, take: Callable[[Entry], object]
) -> None:
    for entry in await asyncio.gather(*(_completed(session, folder, one, targets) for one in asked)):
        if entry is not None:
            take(entry)


async def _completed(session: Session, folder: bytes, entry: Entry, targets: bool) -> Entry | None:
    """``entry`` with what the listing left out; None when it is gone."""
    path = below(folder, entry.name)
    try:
        if not entry.attributes.is_known:
            entry = entry._replace(attributes=await look(session, path, follow=False))
        if targets and stat.S_ISLNK(entry.attributes.mode):
            entry = entry._replace(target=await link_target(session, path))
    except FileNotFoundError:
        return None
    except ConnectionError:
        raise
    except OSError:
        return entry
    return entry


async def fill(session: Session, path: bytes, buffer: memoryview, offset: int, done: Done) -> None:
    """Fill ``buffer`` from ``offset`` on, many requests at once, on from where ``done`` says, which is kept up to date:
    so a broken connection costs little. Raises OSError."""
    import asyncssh

    with refusals(path):
        async with session.files.use(path, asyncssh.FXF_READ) as file:
            await _fill(session.read_block, file, buffer, offset, done)


async def read_range(session: Session, wanted: Range, data: bytearray, done: Done) -> Read:
    """A piece of a large file, which stays open for the next, into ``data`` as :func:`fill` does. Raises OSError."""
    import asyncssh

    with refusals(wanted.path):
        async with session.files.use(wanted.path, asyncssh.FXF_READ) as file:
            with memoryview(data) as buffer:
                await _fill(session.read_block, file, buffer, wanted.offset, done)
            whole = done.count == len(data)
            return Read(data if whole else data[: done.count], attributes(await file.stat()))


async def read_file(session: Session, wanted: Range) -> Read:
    """A small file as a whole, however long it has become, up to 1 MiB. Raises OSError."""
    import asyncssh

    with refusals(wanted.path):
        file = await session.sftp.open(wanted.path, asyncssh.FXF_READ, encoding=None, block_size=0)
        try:
            return await _whole(session, file, wanted.length)
        finally:
            await file.close()


async def _whole(session: Session, file: asyncssh.SFTPClientFile, length: int) -> Read:
    """Two requests side by side, for a long way costs more than an answer nobody needs; more only if need be."""
    first, told = await asyncio.gather(_block(file, min(length, session.read_block), 0), file.stat())
    found = attributes(told)
    if len(first) >= min(found.size, MIB):
        return Read(first[: found.size], found)
    data, done = bytearray(min(found.size, MIB)), Done()
    with memoryview(data) as buffer:
        await _fill(session.read_block, file, buffer, 0, done)
    return Read(data[: done.count], attributes(await file.stat()))


class Done:
    """How far a buffer is filled, from its beginning on."""

    def __init__(self) -> None:
        self.count = 0
        self.ended = False
        """Whether the file ends there."""
        self._later: dict[int, int] = {}

    def note(self, at: int, count: int) -> None:
        """``count`` bytes are there, from ``at`` on."""
        self._later[at] = count
        while (size := self._later.pop(self.count, 0)) > 0:
            self.count += size

    def restart(self) -> int:
        """Where to go on: what came behind a gap is asked for once more."""
        self._later.clear()
        return self.count


async def _fill(block: int, file: asyncssh.SFTPClientFile, buffer: memoryview, offset: int, done: Done) -> None:
    end = len(buffer)
    starts = iter(range(done.restart(), end, block))

    async def some() -> None:
        nonlocal end
        for at in starts:
            if at >= end:
                return
            wanted = min(block, len(buffer) - at)
            data = await _block(file, wanted, offset + at)
            buffer[at : at + len(data)] = data
            done.note(at, len(data))
            if len(data) < wanted:
                end = min(end, at)

    if not done.ended:
        left = min(IN_FLIGHT, end - done.count)
        await all_of([some() for _ in range(-(-left // block))])
        done.ended = end < len(buffer)


async def _block(file: asyncssh.SFTPClientFile, length: int, offset: int) -> bytes:
    """Servers may give less than was asked for, and only nothing means the end."""
    data: bytes = await file.read(length, offset)
    while data and len(data) < length:
        more: bytes = await file.read(length - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


async def all_of(work: Sequence[Work[None]]) -> None:
    """Have coroutines run side by side; when one fails none of the others goes on."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def below(folder: bytes, name: bytes) -> bytes:
    """The path of ``name`` in ``folder``."""
    return b"%b/%b" % (folder.rstrip(b"/"), name)


@contextmanager
def refusals(path: bytes) -> Iterator[None]:
    """Turn a server's refusal inside into an OSError with its words."""
    import asyncssh

    try:
        yield
    except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection):
        raise
    except asyncssh.SFTPError as error:
        raise _refused(error, path) from error


def _refused(error: asyncssh.SFTPError, path: bytes) -> OSError:
    import asyncssh

    match error:
        case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath():
            return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        case asyncssh.SFTPPermissionDenied():
            return PermissionError(errno.EACCES, error.reason or os.strerror(errno.EACCES), path)
        case asyncssh.SFTPBadMessage():
            # What OpenSSH answers to a name or path that is too long (sftp-server.c, errno_to_portable).
            return OSError(errno.ENAMETOOLONG, f"{error.reason or 'Bad message'}: is the path too long?", path)
    return OSError(errno.EIO, f"the server refuses ({error.reason or type(error).__name__})", path)
