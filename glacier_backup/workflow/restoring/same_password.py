"""Whether what an earlier process has opened was opened with the same password.

Most seals tell a wrong key at once. Where only the end of a volume does, as with openssl, and nothing is known of what
was encrypted, an earlier process may have written nonsense, and been killed before it could know.
"""

from __future__ import annotations

import os

from glacier_backup.model.archive import WITH_MEMBERS
from glacier_backup.model.restore import ByteRange
from glacier_backup.model.stored import StoredArchive
from glacier_backup.seal.opening import UNPROVED
from glacier_backup.seal.order import COMMAND
from glacier_backup.units import KIB
from glacier_backup.workflow.restoring.beneath import FILE
from glacier_backup.workflow.restoring.item_folder import ItemFolder
from glacier_backup.workflow.restoring.unsealed import Unsealed

COMPARED = 64 * KIB
"""Bytes that are: another password makes something else of the first of them already."""


def tells_late(archive: StoredArchive) -> bool:
    """Whether a wrong password, or a command that undoes something else, comes to light only when bytes were written
    that it has made."""
    steps = () if archive.recipe is None else archive.recipe.seal
    return archive.container not in WITH_MEMBERS and any(step.name in (UNPROVED, COMMAND) for step in steps)


def begins_alike(folder: ItemFolder, name: str, opened: Unsealed, done: int) -> bool:
    """Whether the file ``name`` in the content of ``folder``, ``done`` bytes of which are there, begins as the stream
    of ``opened`` does, of which nothing was read yet. Raises what reading that does."""
    try:
        with folder.inside(["content"]) as content:
            file = os.open(name, FILE, dir_fd=content)
        with open(file, "rb", buffering=0) as written:
            there = written.read(min(COMPARED, done))
    except OSError:
        return False
    buffer, filled = memoryview(bytearray(len(there))), 0
    with opened.bytes(ByteRange(0, len(there))) as stream:
        while filled < len(buffer) and (count := stream.readinto(buffer[filled:])):
            filled += count
    return buffer[:filled] == there
