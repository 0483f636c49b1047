"""What the files of a group look like now, on a server."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import closing

from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.contents import Contents, Held
from glacier_backup.resolve.group import fingerprint_group
from glacier_backup.ssh.named import named
from glacier_backup.ssh.remote import Remote


def look_at_group(remote: Remote, path: str, section: bytes, contents: Contents) -> Fingerprint:
    """Those that are there, below ``section``, and of the type that they were. Unless the contents say so, nothing is
    there that lies behind a symlink.

    Raises SourceGone where none is left, OSError where none can be looked at, and ServerError.
    """
    if not stat.S_ISDIR(remote.look(section).mode):
        raise NotADirectoryError("no longer a directory")
    return fingerprint_group(path, _there(remote, section, contents))


def _there(remote: Remote, section: bytes, contents: Contents) -> Iterator[Held | OSError]:
    names = (one.name.encode("utf-8", "surrogateescape") for one in contents)
    with closing(named(remote, section, names, follow=contents.follow)) as answers:
        for held, found in zip(contents, answers, strict=True):
            if isinstance(found, OSError):
                yield found
            elif stat.S_IFMT(found.attributes.mode) == (stat.S_IFLNK if held.is_link else stat.S_IFREG):
                yield held._replace(size=found.attributes.size, mtime_ns=found.attributes.mtime_ns)
