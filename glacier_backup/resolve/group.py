"""What the files of a group look like together: as their contents have it, of those that are there."""

from __future__ import annotations

from collections.abc import Iterable

from glacier_backup.errors import SourceGone
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.contents import Held, contents_of

_LATEST = 2**63 - 1
"""Times handed on are kept to what databases hold, the years 1677 to 2262; file systems know others."""


def fingerprint_group(path: str, present: Iterable[Held | OSError]) -> Fingerprint:
    """Of those of the group ``path`` that are there, in the order of the contents; of the others why they aren't.

    Where all are as they were, the digest is that of the contents. Raises SourceGone where none is left, and OSError
    where none can be looked at: the last reason.
    """
    last: OSError | None = None

    def there() -> Iterable[Held]:
        nonlocal last
        for one in present:
            if isinstance(one, Held):
                yield one
            elif not isinstance(one, FileNotFoundError | NotADirectoryError):
                last = one

    found = contents_of(there())
    if not found.count:
        raise last or SourceGone(f"{path}: none of the files in it is left")
    newest = max(-_LATEST, min(found.newest_mtime_ns, _LATEST))
    return Fingerprint(found.digest, found.bytes, found.count, newest)
