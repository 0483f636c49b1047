"""What the files of a group look like now, on this machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from glacier_backup.descent import OPEN_DIRECTORY, Descent
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.contents import Contents, Held
from glacier_backup.resolve.group import fingerprint_group
from glacier_backup.resolve.local_lister import GONE, length


def look_at_group(path: str, section: str, contents: Contents) -> Fingerprint:
    """Those that are there, below ``section``, and of the type that they were. Unless the contents say so, nothing is
    there that lies behind a symlink.

    Raises SourceGone where none is left, and OSError where none can be looked at.
    """
    with Descent(os.open(section, OPEN_DIRECTORY)) as here:
        return fingerprint_group(path, _there(here, contents))


def _there(here: Descent, contents: Contents) -> Iterator[Held | OSError]:
    for held in contents:
        folder_name, _, name = os.fsencode(held.name).rpartition(b"/")
        try:
            folder = here.go(folder_name, contents.follow)
            found = os.stat(name, dir_fd=folder, follow_symlinks=contents.follow)
            if held.is_link and stat.S_ISLNK(found.st_mode):
                yield held._replace(size=length(name, found, folder), mtime_ns=found.st_mtime_ns)
            elif not held.is_link and stat.S_ISREG(found.st_mode):
                yield held._replace(size=found.st_size, mtime_ns=found.st_mtime_ns)
        except OSError as error:
            if error.errno not in GONE:
                yield error
