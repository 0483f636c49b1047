"""What the user's commands were given, and others have made again: whether that is the same."""

from __future__ import annotations

import hashlib

from glacier_backup.errors import DamageFound, WrongKey
from glacier_backup.model.stored import StoredArchive
from glacier_backup.seal.order import COMMAND
from glacier_backup.workflow.restoring.hurt import VolumeHurt

_CURE = "does it undo what the filter data has done? It is for each archive what it was sent with"


def wrongly_undone(archive: StoredArchive, error: DamageFound) -> WrongKey | None:
    """What a tar or a ZIP that isn't right says of what undid the user's commands: the stored bytes, which are checked
    by themselves, aren't to blame. None where they may be, or there was no command."""
    seal = () if archive.recipe is None else archive.recipe.seal
    if isinstance(error, VolumeHurt) or all(step.name != COMMAND for step in seal):
        return None
    is_proven = all(volume.has_leaves for volume in archive.volumes)
    if not is_proven and any(step.name != COMMAND for step in seal):
        return None
    return WrongKey(f"what undo_data has made of it isn't what was sent: {error}", hint=_CURE)


class Undone:
    """Sees the stream of an archive from its beginning on. Where no command has had a hand in it, or nobody knows what
    it was, that is no concern: all else proves itself."""

    def __init__(self, archive: StoredArchive) -> None:
        steps = () if archive.recipe is None else archive.recipe.seal
        # Of a ZIP there is none, and of a file that is in a tar it is that of the file.
        is_of_all = archive.container in ("raw", "zfs") or archive.kind in ("directory", "group")
        self._expected = archive.sha256 if is_of_all and any(step.name == COMMAND for step in steps) else None
        self._digest = hashlib.sha256()

    def see(self, piece: memoryview, *, is_end: bool) -> None:
        """The next bytes. Raises WrongKey at the end of what isn't what was sent."""
        if self._expected is None:
            return
        self._digest.update(piece)
        if is_end and self._digest.hexdigest() != self._expected:
            raise WrongKey(
                "what undo_data has made of it isn't what was sent",
                hint=_CURE,
            )
