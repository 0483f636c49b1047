"""One of several objects of an archive on an SFTP server: whole when it has its name, with its checksum beside it.

As coroutines that may be repeated at any point. Where a server renames nothing it has its own name from the start, and
its checksum, written last, tells that it is whole; a manifest, which has none, is taken for whole if it is as long.
"""

from __future__ import annotations

import asyncio

from glacier_backup.destination.servers.errors import is_refusal, refusals_passed_over
from glacier_backup.destination.servers.files import look, remove, rename_new, replace, write_new
from glacier_backup.destination.servers.paths import RemoteObjectPaths
from glacier_backup.destination.servers.publishing import check_size, holds, lost, opened
from glacier_backup.destination.servers.server import SftpServer
from glacier_backup.ssh import Session


async def find(session: Session, server: SftpServer, paths: RemoteObjectPaths) -> bytes:
    """The file of an upload that was begun, in this process or an earlier one. Raises UploadLost."""
    path = paths.archive if server.renames is False else paths.partial
    if server.renames is None and (await look(session, path)).is_there is False and await _is_torn(session, paths):
        path = paths.archive
    return await opened(session, paths, path)


async def complete(
    session: Session, server: SftpServer, paths: RemoteObjectPaths, size: int, checksum: bytes, *, directly: bool
) -> int | None:
    """Give an object of ``size`` bytes its name, with ``checksum`` beside it; ``directly``: it has its name already.

    The time, in seconds since 1970, at which an earlier try did it; None where it is this one. Raises UploadLost.
    """
    import asyncssh

    directly = directly or server.renames is False
    partial, archive = await asyncio.gather(look(session, paths.partial), look(session, paths.archive))
    on_its_way = not directly and partial.is_there is not False
    check_size(server, paths, partial if on_its_way else archive, size)
    if not on_its_way and paths.checksum is not None:
        same = await holds(session, paths.checksum, checksum)
        if same is False:
            raise lost(paths)  # another object has the name
        if same:
            return archive.mtime
    elif not on_its_way and not directly:
        return archive.mtime
    if on_its_way and archive.is_there:
        # Some servers' rename overwrites.
        raise asyncssh.SFTPFileAlreadyExists("File exists")
    if paths.checksum is not None:
        await _put_checksum(session, server, paths, paths.checksum, checksum)
    if on_its_way and server.renames is not False:
        await rename_new(session, paths.partial, paths.archive)
    elif on_its_way:
        raise lost(paths)  # it can't be given its name
    return None


async def _put_checksum(
    session: Session, server: SftpServer, paths: RemoteObjectPaths, path: bytes, checksum: bytes
) -> None:
    import asyncssh

    if server.renames is not False:
        await write_new(session, paths.hidden_checksum, checksum, paths.root)
        try:
            await replace(session, paths.hidden_checksum, path)
        except asyncssh.SFTPError as error:
            if server.renames or not is_refusal(error):
                raise
            server.renames = False
            with refusals_passed_over():
                await session.sftp.remove(paths.hidden_checksum)
        else:
            return
    await write_new(session, path, checksum, paths.root)


async def abort(session: Session, server: SftpServer, paths: RemoteObjectPaths, *, begun_here: bool) -> None:
    """Remove what there is of an upload that isn't complete; an object that is whole stays."""
    for path in (paths.partial, paths.hidden_checksum):
        if server.renames is False:
            with refusals_passed_over():
                await session.sftp.remove(path)
        else:
            await remove(session, path)
    archive = await look(session, paths.archive)
    if archive.is_there is False and paths.checksum is not None:
        await remove(session, paths.checksum)
    elif server.renames is not True and (begun_here or await _is_torn(session, paths)):
        # Only what this process has begun, or what has no checksum yet, is surely not whole.
        await remove(session, paths.archive)


async def _is_torn(session: Session, paths: RemoteObjectPaths) -> bool:
    """Whether what has the name is there and, as far as its checksum tells, not whole."""
    if paths.checksum is None:
        return False
    archive, checksum = await asyncio.gather(look(session, paths.archive), look(session, paths.checksum))
    return archive.is_there is True and checksum.is_there is False
