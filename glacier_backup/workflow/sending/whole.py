"""A whole stream, sealed, on the disk: what is never the same twice, where the user has named a folder for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

from glacier_backup.destination.destination import ByteStream
from glacier_backup.errors import UploadLost
from glacier_backup.seal.chain import Chain, Split
from glacier_backup.seal.sealer import Sealer
from glacier_backup.workflow.sending.spooled import Spooled, SpoolFolder
from glacier_backup.workflow.sending.watched import Watched

_ALL = Split(2**62)


def spooled_whole(
    folder: SpoolFolder,
    name: str,
    sealers: Sequence[Sealer],
    stream: ByteStream,
    nonce: bytes,
    check: Callable[[], object],
) -> Spooled:
    """All of ``stream``, sealed, in a file of that name; as an earlier run has left it there, where ``stream`` is what
    it was, and it isn't the same each time. ``stream`` is read to its end in any case.

    Raises UploadLost where it isn't what it was, else as :meth:`SpoolFolder.fill`.
    """
    # What is the same each time is sealed again: the password may be another.
    found = None if all(one.repeatable for one in sealers) else folder.find(name, check)
    # One slice, which holds the stream itself and not what any step made of it.
    with Chain((), _ALL, tuple(sealers)).slices(Watched(stream, check), nonce) as slices:
        piece = next(slices)
        if found is None:
            spooled = folder.fill(name, piece, check)
        elif piece.pass_by() == found.facts.slice_sha256:
            spooled = found
        else:
            folder.clear()
            raise UploadLost("what is read now isn't what was read before")
        for _ in slices:
            raise AssertionError("there is one slice only")
    return spooled


def has_room(root: str, size: int) -> bool:
    """Whether a folder has room for so many bytes, and some more, as far as can be told."""
    try:
        return shutil.disk_usage(root).free > size * 5 // 4
    except OSError:
        return True  # it is made, or refused, when something is put there
