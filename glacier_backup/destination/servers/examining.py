"""What a look at one archive on an SFTP server tells: that it is there, how long it is, and what lies beside it.

What lies on a server others may have put there. So no symbolic link is read, as far as the protocol lets one see it
(between the look and the opening somebody may still put one there, whose text then has to prove itself as any), and
nothing that is longer than what is written by us.
"""

from __future__ import annotations

import asyncio
import posixpath
from dataclasses import replace

from glacier_backup.destination.layout import LARGEST_MANIFEST, checksum_in
from glacier_backup.destination.servers.errors import is_missing, is_refusal, refusals_passed_over
from glacier_backup.destination.servers.files import read
from glacier_backup.destination.servers.paths import RemotePaths
from glacier_backup.model.thaw import Stored
from glacier_backup.ssh import Session


async def examined(session: Session, stored: Stored, paths: RemotePaths, *, texts: bool) -> Stored | None:
    """What is listed, with the size that it has now, and with ``texts`` what lies beside it; None where it isn't."""
    if not texts:
        return await _seen(session, stored, paths.archive)
    # All at once: each costs a round trip or two.
    found, checksum, manifest = await asyncio.gather(
        _seen(session, stored, paths.archive), _small(session, paths.checksum), _small(session, paths.manifest)
    )
    if found is None:
        return None
    name = posixpath.basename(stored.locator)
    return replace(found, sha256=None if checksum is None else checksum_in(checksum, name), manifest=manifest)


async def _seen(session: Session, stored: Stored, path: bytes) -> Stored | None:
    import asyncssh

    try:
        found = await session.sftp.lstat(path)
    except asyncssh.SFTPError as error:
        if not is_refusal(error):
            raise
        return None if is_missing(error) else stored
    if found.type not in (asyncssh.FILEXFER_TYPE_REGULAR, asyncssh.FILEXFER_TYPE_UNKNOWN):
        return None
    return stored if found.size is None else replace(stored, size=found.size)


async def _small(session: Session, path: bytes) -> str | None:
    """The text of a small file; None where there is none, or it may not be read."""
    import asyncssh

    with refusals_passed_over():
        found = await session.sftp.lstat(path)
        size = LARGEST_MANIFEST if found.size is None else found.size
        if found.type != asyncssh.FILEXFER_TYPE_REGULAR or size > LARGEST_MANIFEST:
            return None
        buffer = memoryview(bytearray(size + 1))
        file = await session.sftp.open(path, asyncssh.FXF_READ, encoding=None, block_size=0)
        try:
            count = await read(session, file, buffer, 0)
        finally:
            await file.close()
        return None if count == len(buffer) else str(buffer[:count], "utf-8", "surrogateescape")
    return None
