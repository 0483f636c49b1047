"""Files of whole trees on an SFTP server: how each takes the place of the one before.

As coroutines that may be repeated at any point. Where a server renames nothing, a file is written over the one before.
"""

from __future__ import annotations

import asyncio
import posixpath

from glacier_backup.destination.servers.errors import is_refusal, refusals_passed_over
from glacier_backup.destination.servers.files import Seen, look, make_empty, open_new, remove, replace
from glacier_backup.destination.servers.paths import RemoteTreePaths
from glacier_backup.destination.servers.publishing import check_size, lost, make_partial, opened
from glacier_backup.destination.servers.server import SftpServer
from glacier_backup.errors import DestinationError
from glacier_backup.ssh import Session

LATEST = 2**32 - 1
"""Seconds since 1970 that the protocol has room for (draft-ietf-secsh-filexfer-02, section 5)."""


async def begin(session: Session, server: SftpServer, paths: RemoteTreePaths) -> None:
    """An empty file to be written to. Raises DestinationError where something of another kind has one of its names."""
    import asyncssh

    try:
        renames, before = await asyncio.gather(
            make_partial(session, server, paths, paths.trial), look(session, paths.archive)
        )
        if before.is_folder:
            raise asyncssh.SFTPFailure("Is a directory")
        if not renames:
            await make_empty(session, paths.archive, paths.root)
    except asyncssh.SFTPError as error:
        if is_refusal(error):
            await _refuse_clash(session, paths, error)
        raise


async def link(session: Session, paths: RemoteTreePaths, stored: bytes, size: int) -> bool:
    """Have the file on its way be another name of the one that is ``stored``, of so many bytes (hardlink@openssh.com);
    whether that could be done. Where not, nothing is on its way."""
    import asyncssh

    archive, before = await asyncio.gather(look(session, paths.archive), look(session, stored))
    if archive.is_there is not False or before.size != size or before.is_folder:
        return False  # what has the name may be the same file, and then nothing would take its place
    await (await open_new(session, paths.partial, paths.root)).close()  # which makes the folders
    await remove(session, paths.partial)
    try:
        await session.sftp.link(stored, paths.partial)
    except asyncssh.SFTPError as error:
        if not is_refusal(error) and not isinstance(error, asyncssh.SFTPOpUnsupported):
            raise
        await remove(session, paths.partial)
        return False
    return True


async def find(session: Session, server: SftpServer, paths: RemoteTreePaths) -> bytes:
    """The file of an upload that was begun, in this process or an earlier one. Raises UploadLost."""
    return await opened(session, paths, paths.archive if server.renames is False else paths.partial)


async def complete(
    session: Session, server: SftpServer, paths: RemoteTreePaths, size: int, mtime_ns: int | None, *, directly: bool
) -> None:
    """Give a file of ``size`` bytes its name, in place of whatever file has it, and its source's modification time;
    ``directly``: it has its name already.

    Raises UploadLost where it isn't on its way, and what has the name isn't it, as far as size and time tell.
    """
    import asyncssh

    mtime = None if mtime_ns is None else mtime_ns // 10**9
    if directly or server.renames is False:
        check_size(server, paths, await look(session, paths.archive), size)
        if not directly:
            await _keep_time(session, paths.archive, mtime)
        return
    partial, archive, _ = await asyncio.gather(
        look(session, paths.partial), look(session, paths.archive), _keep_time(session, paths.partial, mtime)
    )
    if partial.is_there is False:
        if not _may_be(archive, size, mtime):
            raise lost(paths)
        return
    check_size(server, paths, partial, size)
    try:
        if archive.is_folder:
            raise asyncssh.SFTPFailure("Is a directory")
        await replace(session, paths.partial, paths.archive)
    except asyncssh.SFTPError as error:
        if is_refusal(error):
            await _refuse_clash(session, paths, error)
        raise


async def abort(session: Session, paths: RemoteTreePaths, *, direct: bool, begun_here: bool) -> None:
    """Remove what is on its way. Where that has the file's own name (``direct``), only what was begun here is surely
    not whole."""
    if not direct:
        await asyncio.gather(*(remove(session, path) for path in (paths.partial, paths.trial)))
    elif begun_here:
        await remove(session, paths.archive)


def _may_be(found: Seen, size: int, mtime: int | None) -> bool:
    """Whether what has the name can be the file, for all that is shown of it."""
    if not found.is_there or found.is_folder:
        return False
    return found.size in (None, size) and (mtime is None or not _fits(mtime) or found.mtime in (None, mtime))


async def _keep_time(session: Session, path: bytes, mtime: int | None) -> None:
    import asyncssh

    if mtime is not None and _fits(mtime):
        with refusals_passed_over():
            await session.sftp.setstat(path, asyncssh.SFTPAttrs(atime=mtime, mtime=mtime))


def _fits(mtime: int) -> bool:
    return 0 <= mtime <= LATEST


async def _refuse_clash(session: Session, paths: RemoteTreePaths, error: Exception) -> None:
    """Raise DestinationError if a refusal is because a folder has the file's name, or a file that of its folder."""
    path, kind = paths.archive, "directory"
    while len(path) > len(paths.root):
        found = await look(session, path)
        if found.is_there and found.is_folder == (kind == "directory"):
            name, where = (one.decode("utf-8", "surrogateescape") for one in (paths.archive, path))
            raise DestinationError(
                f"{name} can't be stored: there is a {kind} {where}, and it can't be both",
                hint=f"rename the one at its source, or move {where} away if it isn't wanted any more; "
                "a bucket can hold both, as keys",
            ) from error
        path, kind = posixpath.dirname(path), "file"
