"""What is stored below a directory of an SFTP server."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from glacier_backup.destination.destination import Check
from glacier_backup.destination.layout import archives_beside, hidden, is_beside_cut_name, is_dated, is_partial
from glacier_backup.destination.servers.errors import is_missing
from glacier_backup.destination.servers.paths import below, remote
from glacier_backup.destination.servers.server import SftpServer
from glacier_backup.errors import DestinationError
from glacier_backup.model.naming import manifest_key
from glacier_backup.model.thaw import Stored
from glacier_backup.ssh import Session


class _Folder(NamedTuple):
    """What one folder holds."""

    folders: list[str]
    files: dict[str, tuple[int, int]]
    """By name: bytes, and seconds since 1970."""


def stored(server: SftpServer, where: str, directory: str, check: Check) -> Iterator[Stored]:
    """All files that are archives, or nobody knows what, in no order; symbolic links are none.

    One folder is held in memory at a time (a few hundred bytes for each file), and listed anew when the connection
    breaks. Raises DestinationError, which names the folder that can't be looked into.
    """
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        found = _listed(server, f"{where}/{folder}" if folder else where, below(directory, folder), check)
        waiting += [posixpath.join(folder, name) for name in found.folders]
        for name, (size, _) in found.files.items():
            if not _is_beside(name, found.files):
                yield Stored(posixpath.join(folder, name), size, _stored_at(name, found.files))


def _listed(server: SftpServer, where: str, path: str, check: Check) -> _Folder:
    async def listed(session: Session) -> _Folder:
        import asyncssh

        found = _Folder([], {})
        async for entry in session.sftp.scandir(remote(path) or b"."):
            raw = entry.filename
            name = (raw.encode() if isinstance(raw, str) else raw).decode("utf-8", "surrogateescape")
            kind = entry.attrs.type
            if kind == asyncssh.FILEXFER_TYPE_DIRECTORY and name not in (".", ".."):
                found.folders.append(name)
            elif kind == asyncssh.FILEXFER_TYPE_REGULAR:
                found.files[name] = (entry.attrs.size or 0, entry.attrs.mtime or 0)
        return found

    try:
        return server.ask(where, listed, check)
    except DestinationError as error:
        if isinstance(error.__cause__, Exception) and is_missing(error.__cause__):
            return _Folder([], {})  # removed meanwhile, or nothing was ever stored
        raise


def _is_beside(name: str, files: dict[str, tuple[int, int]]) -> bool:
    """Whether a file is on its way, or lies beside an archive or one that is on its way."""
    if is_partial(name) or is_beside_cut_name(name):
        return True
    if any(one in files or hidden(one) in files for one in archives_beside(name)):
        return True
    manifest = manifest_key(name)
    return is_dated(name) and manifest not in files and hidden(manifest) in files


def _stored_at(name: str, files: dict[str, tuple[int, int]]) -> datetime:
    seconds = files.get(manifest_key(name) if is_dated(name) else name, files[name])[1]
    return datetime.fromtimestamp(seconds, UTC)
