"""What is in a ZIP of s3-backup, by the files that are known to be in it, though nobody has read it.

Python's ``zipfile`` makes them in one way only: one member behind the other in the order of their names, stored as they
are, with nothing in the headers that isn't needed. So it is known where each begins, and the size of the whole tells
whether that is right.
"""

from __future__ import annotations

from datetime import UTC, datetime

from glacier_backup.model.archive import Member
from glacier_backup.model.contents import Contents
from glacier_backup.model.stored import StoredArchive

_LOCAL, _CENTRAL, _END, _END_64 = 30, 46, 22, 76
"""Bytes of headers, without the name."""
_LARGE_OFFSET = 12
"""Bytes more in the directory."""
_MOST_32, _MOST_ENTRIES = 2**31 - 1, 2**16 - 1
"""Beyond these Python writes ZIP64."""
_MODE = 0o600
_SECOND = 10**9
_EARLIEST = int(datetime(1980, 1, 1, tzinfo=UTC).timestamp())


def members_of_zip(contents: Contents, archive: StoredArchive) -> list[Member] | None:
    """The members of ``archive``, which has the files of ``contents``; None where it is built in another way."""
    found: list[Member] = []
    offset = directory = 0
    for held in contents:
        name = held.stored or held.name
        length = len(name.encode("utf-8", "surrogateescape"))
        source = held.name if held.stored and held.stored != held.name else None
        found.append(Member(name, "file", held.size, _time(held.mtime_ns), _MODE, offset, None, source=source))
        directory += _CENTRAL + length + (_LARGE_OFFSET if offset > _MOST_32 else 0)
        offset += _LOCAL + length + held.size
    is_large = len(found) > _MOST_ENTRIES or max(offset, directory) > _MOST_32
    size = offset + directory + _END + (_END_64 if is_large else 0)
    return found if _can_be(size, archive, contents) else None


def _can_be(size: int, archive: StoredArchive, contents: Contents) -> bool:
    """Whether it has these bytes; of one whose data was transformed nobody can tell."""
    if contents.top or any(held.is_link for held in contents):
        return False
    is_plain = archive.recipe is not None and len(archive.recipe.steps) == 1
    return not is_plain or archive.size == size


def _time(mtime_ns: int) -> int:
    """As it stands there: in steps of two seconds, and not before 1980."""
    seconds = max(mtime_ns // _SECOND, _EARLIEST)
    return seconds // 2 * 2 * _SECOND
