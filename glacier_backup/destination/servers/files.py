"""Small steps with the files of an SFTP server, as coroutines of one session. Each may be repeated.

Servers differ in what they allow and in how they say no: OpenSSH answers "Failure" where a folder exists already,
where a rename would overwrite, and where the disk is full. So what matters is looked at afterwards, where it is shown.
Paths are bytes. Unless said otherwise each raises what asyncssh does.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.destination.servers.errors import is_missing, is_refusal, refusals_passed_over
from glacier_backup.ssh import Session
from glacier_backup.units import MIB

if TYPE_CHECKING:
    import asyncssh

IN_FLIGHT = 4 * MIB
"""Bytes asked for at once of one file: twice what OpenSSH's window lets through in one round trip."""


class Seen(NamedTuple):
    """What a server shows of a file."""

    is_there: bool | None
    """None: it doesn't tell."""
    size: int | None = None
    """Bytes."""
    mtime: int | None = None
    """Seconds since 1970, of the server's clock."""
    is_folder: bool = False


async def look(session: Session, path: bytes) -> Seen:
    """What is to be seen of a file or folder."""
    import asyncssh

    try:
        found = await session.sftp.stat(path)
    except asyncssh.SFTPError as error:
        if not is_refusal(error):
            raise
        return Seen(False if is_missing(error) else None)
    return Seen(True, found.size, found.mtime, found.type == asyncssh.FILEXFER_TYPE_DIRECTORY)


async def open_new(session: Session, path: bytes, root: bytes) -> asyncssh.SFTPClientFile:
    """An empty file, 0600 where the server lets us choose, in place of whatever has that name; with its folders, from
    ``root`` on."""
    import asyncssh

    flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC

    async def opened() -> asyncssh.SFTPClientFile:
        attributes = asyncssh.SFTPAttrs(permissions=0o600)
        return await session.sftp.open(path, flags, attributes, encoding=None, block_size=0)

    with refusals_passed_over():
        return await opened()
    # All at once is one round trip, and does where the server takes things in order.
    await asyncio.gather(*(_make_folder(session, folder) for folder in _levels(root, path)))
    with refusals_passed_over():
        return await opened()
    refusals = [await _make_folder(session, folder) for folder in _levels(root, path)]
    try:
        return await opened()
    except asyncssh.SFTPError as error:
        denied = [one for one in refusals if isinstance(one, asyncssh.SFTPPermissionDenied)]
        if is_missing(error) and denied:
            raise denied[0] from error  # not that the file has no folder, but why it has none
        raise


def _levels(root: bytes, path: bytes) -> list[bytes]:
    """The folders that a file below ``root`` lies in, from the top."""
    names = path[len(root) :].strip(b"/").split(b"/")[:-1]
    below = [b"/".join([root.rstrip(b"/"), *names[: count + 1]]) for count in range(len(names))]
    return [folder if root else folder.removeprefix(b"/") for folder in [root, *below] if folder not in (b"", b"/")]


async def _make_folder(session: Session, folder: bytes) -> asyncssh.SFTPError | None:
    """0700 where the server lets us choose; the refusal, where there is one. That it is there already can't be told
    from a refusal: whoever needs it will see."""
    import asyncssh

    try:
        await session.sftp.mkdir(folder, asyncssh.SFTPAttrs(permissions=0o700))
    except asyncssh.SFTPError as error:
        if not is_refusal(error):
            raise
        return error
    return None


async def make_empty(session: Session, path: bytes, root: bytes) -> None:
    """An empty file, as :func:`open_new`."""
    await (await open_new(session, path, root)).close()


async def write_new(session: Session, path: bytes, content: bytes, root: bytes) -> None:
    """A file of this content, on the server's disk where the server can say so."""
    file = await open_new(session, path, root)
    try:
        await write(session, file, memoryview(content), 0)
        await sync(file)
    finally:
        await file.close()


async def write(session: Session, file: asyncssh.SFTPClientFile, data: memoryview, offset: int) -> None:
    """All of ``data``, in requests that don't wait for each other; on the server, not yet on its disk."""
    block = session.write_block
    await asyncio.gather(
        # asyncssh calls for bytes, and copies them only once
        *(file.write(data[at : at + block], offset + at) for at in range(0, len(data), block))  # type: ignore[type-var]
    )


async def sync(file: asyncssh.SFTPClientFile) -> None:
    """Flush to the server's disk (fsync@openssh.com), where that is offered, and allowed: a failure is one."""
    import asyncssh

    with suppress(asyncssh.SFTPOpUnsupported, asyncssh.SFTPPermissionDenied):
        await file.fsync()


async def read(session: Session, file: asyncssh.SFTPClientFile, buffer: memoryview, offset: int) -> int:
    """Fill ``buffer`` from ``offset`` on, many requests at once; how many bytes there were, fewer only at the end."""
    block = session.read_block
    starts = iter(range(0, len(buffer), block))
    end = len(buffer)

    async def some() -> None:
        nonlocal end
        for at in starts:
            piece = buffer[at : at + block]
            count = await _read_block(file, piece, offset + at)
            if count < len(piece):
                end = min(end, at + count)
                return

    readers = [asyncio.ensure_future(some()) for _ in range(max(1, min(IN_FLIGHT, len(buffer)) // block))]
    try:
        await asyncio.gather(*readers)
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    return end


async def _read_block(file: asyncssh.SFTPClientFile, buffer: memoryview, offset: int) -> int:
    count = 0
    while count < len(buffer):
        data: bytes = await file.read(len(buffer) - count, offset + count)
        if not data:
            break
        buffer[count : count + len(data)] = data
        count += len(data)
    return count


async def rename_new(session: Session, old: bytes, new: bytes) -> None:
    """Give a file another name, which was seen to be free: SFTPFileAlreadyExists where it isn't any more.

    A plain rename never overwrites (draft-ietf-secsh-filexfer-02, section 6.5).
    """
    import asyncssh

    try:
        await session.sftp.rename(old, new)
    except asyncssh.SFTPError as error:
        if not is_refusal(error):
            raise
        before, after = await asyncio.gather(look(session, old), look(session, new))
        if not after.is_there:
            raise
        if before.is_there is not False:
            raise asyncssh.SFTPFileAlreadyExists("File exists") from error


async def replace(session: Session, old: bytes, new: bytes) -> None:
    """Give a file another name, over whatever has it: at once (posix-rename@openssh.com) where that is offered.

    Else what has the name is removed first, but never for a file that is said to be missing: then an earlier try, whose
    answer was lost, may have put it there.
    """
    import asyncssh

    try:
        await session.sftp.posix_rename(old, new)
    except asyncssh.SFTPError as error:
        if not is_refusal(error):
            raise
        if (await look(session, old)).is_there is False and (await look(session, new)).is_there:
            return  # an earlier try did it, and its answer was lost
        if is_missing(error):
            raise
        await _rename_over(session, old, new)


async def _rename_over(session: Session, old: bytes, new: bytes) -> None:
    import asyncssh

    try:
        await session.sftp.rename(old, new)
    except asyncssh.SFTPError as error:
        if not is_refusal(error) or is_missing(error):
            raise
        with refusals_passed_over():
            await session.sftp.remove(new)
        await session.sftp.rename(old, new)


async def remove(session: Session, path: bytes) -> None:
    """Take a file away; one that isn't there is as good."""
    import asyncssh

    try:
        await session.sftp.remove(path)
    except asyncssh.SFTPError as error:
        if not is_refusal(error) or (not is_missing(error) and (await look(session, path)).is_there is not False):
            raise


async def free(session: Session, path: bytes) -> int | None:
    """Bytes that are free where ``path`` lies; None where the server doesn't say (statvfs@openssh.com)."""
    with refusals_passed_over():
        found = await session.sftp.statvfs(path)
        return found.bavail * found.frsize if found.blocks else None
    return None


async def is_empty(session: Session, folder: bytes) -> bool:
    """Whether a folder is seen to hold nothing."""
    with refusals_passed_over():
        async for entry in session.sftp.scandir(folder):
            if entry.filename not in (".", "..", b".", b".."):
                return False
        return True
    return False
