"""All that is in a directory of a server, as :mod:`glacier_backup.resolve.local_listing` has it of this machine's."""

from __future__ import annotations

import stat
from collections.abc import Generator, Iterator

from glacier_backup.errors import ServerError, SourceError, SourceUnavailable
from glacier_backup.model.candidate import Candidate
from glacier_backup.model.increment import Seen
from glacier_backup.model.naming import path_on_server
from glacier_backup.resolve.examine import cause
from glacier_backup.resolve.local_listing import TYPES
from glacier_backup.ssh.entries import Entry
from glacier_backup.ssh.folders import Folder, folders, keeping
from glacier_backup.ssh.remote import Remote


def listing(remote: Remote, candidate: Candidate) -> Generator[Seen, None, None]:
    """Likewise. Times are whole seconds. Raises SourceUnavailable, too."""
    path = path_on_server(candidate.path).encode("utf-8", "surrogateescape")
    try:
        found = remote.look(path)
        if not stat.S_ISDIR(found.mode):
            raise NotADirectoryError("no longer a directory")
        with folders(remote, path, keep=keeping(path, candidate.exclusion)) as all_folders:
            yield from _all(Entry(b"", found), all_folders)
    except OSError as error:
        raise SourceError(f"{candidate.path}: {cause(error)}") from error
    except ServerError as error:
        raise SourceUnavailable(f"{candidate.path}: {error}", hint=error.hint) from error


def _all(top: Entry, all_folders: Iterator[Folder]) -> Iterator[Seen]:
    """The folders come in the order in which directories are met here."""
    first = next(all_folders)
    yield _directory(b"", top, first)
    levels = [(b"", first.entries())]
    while levels:
        above, entries = levels[-1]
        entry = next(entries, None)
        if entry is None:
            levels.pop()
            continue
        name = above + entry.name
        if stat.S_ISDIR(entry.attributes.mode):
            folder = next(all_folders)
            if not isinstance(folder.error, FileNotFoundError):
                yield _directory(name, entry, folder)
            levels.append((name + b"/", folder.entries()))
        else:
            yield from _other(name, entry)


def _directory(name: bytes, entry: Entry, folder: Folder) -> Seen:
    found, error = entry.attributes, folder.error
    unreadable = "" if error is None else error.strerror or str(error)
    return Seen(name, "directory", 0, found.mtime_ns, stat.S_IMODE(found.mode), unreadable=unreadable)


def _other(name: bytes, entry: Entry) -> Iterator[Seen]:
    found = entry.attributes
    kind = TYPES.get(stat.S_IFMT(found.mode))
    if kind is None or (kind == "symlink" and not entry.target):
        if not stat.S_ISSOCK(found.mode):
            yield Seen(name, "other", 0, 0, 0, unreadable="the server doesn't tell what it is")
        return
    target = entry.target.decode("utf-8", "surrogateescape") if kind == "symlink" else None
    size = found.size if kind == "file" else 0
    yield Seen(name, kind, size, found.mtime_ns, stat.S_IMODE(found.mode), target)
