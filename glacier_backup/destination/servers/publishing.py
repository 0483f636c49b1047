"""How an archive comes to be on an SFTP server, and how it goes: as coroutines that may be repeated at any point.

On its way it has a hidden name, so that nobody takes it for whole. Where a server renames nothing it has its own from
the start, and the manifest alone tells that it is whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from glacier_backup.destination.servers.errors import is_missing, is_refusal, refusals_passed_over
from glacier_backup.destination.servers.files import (
    Seen,
    look,
    make_empty,
    read,
    remove,
    rename_new,
    replace,
    write_new,
)
from glacier_backup.destination.servers.paths import AnyRemotePaths, RemoteObjectPaths, RemotePaths
from glacier_backup.destination.servers.server import SftpServer
from glacier_backup.errors import DestinationError, UploadLost
from glacier_backup.ssh import Session


async def begin(session: Session, server: SftpServer, paths: RemotePaths | RemoteObjectPaths) -> None:
    """An empty file to be written to."""
    await refuse_existing(session, server, paths)
    if await make_partial(session, server, paths, paths.hidden_checksum):
        return
    # What would make it look whole is gone first.
    told_by = paths.manifest if isinstance(paths, RemotePaths) else paths.checksum
    if told_by is not None:
        with refusals_passed_over():
            await session.sftp.remove(told_by)
    await make_empty(session, paths.archive, paths.root)


async def make_partial(session: Session, server: SftpServer, paths: AnyRemotePaths, trial: bytes) -> bool:
    """An empty partial file; whether it can be given another name. That is tried once, with the name ``trial``; where
    it can't, there is no such file."""
    if server.renames is not False:
        await make_empty(session, paths.partial, paths.root)
    if server.renames is None:
        server.renames = await _can_rename(session, paths.partial, trial)
        if not server.renames:
            server.tell("it lets nobody rename files: archives have their own names while they are written")
            with refusals_passed_over():
                await session.sftp.remove(paths.partial)
    return server.renames


async def refuse_existing(session: Session, server: SftpServer, paths: RemotePaths | RemoteObjectPaths) -> None:
    """Raise SFTPFileAlreadyExists where an archive is there."""
    import asyncssh

    found = await look(session, paths.archive)
    begun_before = server.renames is not True and found.size == 0
    if found.is_there and not begun_before:
        raise asyncssh.SFTPFileAlreadyExists("File exists")


async def _can_rename(session: Session, path: bytes, trial: bytes) -> bool:
    import asyncssh

    with refusals_passed_over():
        await session.sftp.remove(trial)
    try:
        await session.sftp.rename(path, trial)
        await session.sftp.rename(trial, path)
    except asyncssh.SFTPError as error:
        if not is_refusal(error):
            raise
        return False
    return True


async def find(session: Session, server: SftpServer, paths: RemotePaths) -> bytes:
    """The file of an upload that was begun, in this process or an earlier one. Raises UploadLost, also where that can't
    be told."""

    path = paths.archive if server.renames is False else paths.partial
    if server.renames is None:
        archive, manifest = await asyncio.gather(look(session, paths.archive), look(session, paths.manifest))
        if archive.is_there is None:
            raise lost(paths)
        if archive.is_there and manifest.is_there is False:
            path = paths.archive
    return await opened(session, paths, path)


async def opened(session: Session, paths: AnyRemotePaths, path: bytes) -> bytes:
    """``path``, which can be written to. Raises UploadLost where it isn't there."""
    import asyncssh

    try:
        async with session.files.use(path, asyncssh.FXF_WRITE):
            return path
    except asyncssh.SFTPError as error:
        if is_missing(error):
            raise lost(paths) from error
        raise


async def complete(
    session: Session,
    server: SftpServer,
    paths: RemotePaths,
    size: int,
    texts: tuple[bytes, bytes],
    *,
    directly: bool,
) -> int | None:
    """Give an archive of ``size`` bytes its name, with the ``texts`` of checksum and manifest beside it, the manifest
    last; ``directly``: it has its name already.

    The time, in seconds since 1970, at which an earlier try did it; None where it is this one. Raises UploadLost.
    """
    directly = directly or server.renames is False
    seen = _Found(*await asyncio.gather(*(look(session, path) for path in paths[1:])))
    found = seen.archive if directly or seen.partial.is_there is False else seen.partial
    check_size(server, paths, found, size)
    on_its_way = found is seen.partial
    if seen.manifest.is_there and not on_its_way and seen.hidden_manifest.is_there is not True:
        if await holds(session, paths.checksum, texts[0]) is False:
            raise lost(paths)  # another archive has the name
        return seen.manifest.mtime
    if not directly and await _put_in_place(session, server, paths, seen, texts):
        return None
    if on_its_way and not directly:
        raise lost(paths)  # it can't be given its name, or can't be told to have it
    await write_new(session, paths.checksum, texts[0], paths.root)
    await write_new(session, paths.manifest, texts[1], paths.root)
    return None


class _Found(NamedTuple):
    """What was seen of each of an archive's files."""

    archive: Seen
    checksum: Seen
    manifest: Seen
    partial: Seen
    hidden_checksum: Seen
    hidden_manifest: Seen


def check_size(server: SftpServer, paths: AnyRemotePaths, found: Seen, size: int) -> None:
    """Raise UploadLost where the file isn't there, DestinationError where it has another size."""
    if found.is_there is False:
        raise lost(paths)
    if found.is_there is None:
        server.tell("it doesn't show what is stored: sizes are not compared")
    elif found.size is not None and found.size != size:
        raise DestinationError(f"{_text(paths)} has {found.size} bytes, and {size} were sent")


async def holds(session: Session, path: bytes, content: bytes) -> bool | None:
    """Whether a small file has this content; None where it can't be read."""
    import asyncssh

    buffer = memoryview(bytearray(len(content) + 1))
    with refusals_passed_over():
        async with session.files.use(path, asyncssh.FXF_READ) as file:
            count = await read(session, file, buffer, 0)
        await session.files.close(path)
        return bytes(buffer[:count]) == content
    return None


async def _put_in_place(
    session: Session,
    server: SftpServer,
    paths: RemotePaths,
    seen: _Found,
    texts: tuple[bytes, bytes],
) -> bool:
    """All that a full disk could hinder comes first, the manifest's name last. False where nothing can be renamed."""
    import asyncssh

    on_its_way = seen.partial.is_there is not False
    if on_its_way and seen.archive.is_there:
        # Some servers' rename overwrites.
        raise asyncssh.SFTPFileAlreadyExists("File exists")
    await asyncio.gather(
        write_new(session, paths.hidden_manifest, texts[1], paths.root),
        write_new(session, paths.hidden_checksum, texts[0], paths.root),
    )
    try:
        await replace(session, paths.hidden_checksum, paths.checksum)
    except asyncssh.SFTPError as error:
        if server.renames or not is_refusal(error):
            raise
        server.renames = False
        for path in (paths.hidden_manifest, paths.hidden_checksum):
            with refusals_passed_over():
                await session.sftp.remove(path)
        return False
    if on_its_way:
        await rename_new(session, paths.partial, paths.archive)
    await replace(session, paths.hidden_manifest, paths.manifest)
    return True


async def abort(session: Session, server: SftpServer, paths: RemotePaths, *, begun_here: bool) -> None:
    """Remove what there is of an upload that isn't complete."""
    manifest = await look(session, paths.manifest)
    hidden = (paths.partial, paths.hidden_checksum, paths.hidden_manifest)
    if server.renames is False:
        for path in hidden:
            with refusals_passed_over():
                await session.sftp.remove(path)
    else:
        await asyncio.gather(*(remove(session, path) for path in hidden))
    # Whether it is complete can't be seen everywhere: then only what this process has begun is surely not.
    if manifest.is_there is False or (manifest.is_there is None and begun_here):
        await asyncio.gather(*(remove(session, path) for path in (paths.archive, paths.checksum)))


async def delete(session: Session, paths: Iterable[bytes]) -> None:
    """Remove the files of an archive, itself last, so that a process that dies leaves nothing that nobody sees."""
    for path in paths:
        await remove(session, path)


def lost(paths: AnyRemotePaths) -> UploadLost:
    """What is to be said where nothing is left of an upload."""
    return UploadLost(f"{_text(paths)} was begun, and nothing is left of it")


def _text(paths: AnyRemotePaths) -> str:
    return paths.archive.decode("utf-8", "surrogateescape")
