"""Volumes as they have to be: checked, and mended by their parity where they aren't."""

from __future__ import annotations

import os
from collections.abc import Callable

from glacier_backup.errors import DamageFound
from glacier_backup.model.manifest import ObjectSums
from glacier_backup.seal import par2
from glacier_backup.workflow.opening.files import tree_hash_of
from glacier_backup.workflow.opening.names import named
from glacier_backup.workflow.opening.sealed import Piece

Check = Callable[[], None]


def right(piece: Piece, archive: str, folder: Callable[[], str], check: Check, tell: Callable[[str], None]) -> str:
    """The path of the volume's right bytes: of the file itself, which stays as it is, or of a mended copy in a new
    ``folder()``, of which ``tell`` hears. Where nothing says what is right, the file is taken as it is.

    Raises DamageFound where it can't be had.
    """
    what = _problem(piece, archive, check)
    if piece.path is not None and what is None and (piece.sums is not None or not _tells(piece, tell)):
        return piece.path
    if not piece.parity:
        raise DamageFound(f"{what}, and there is no parity to mend it")
    copy = par2.mended(piece.path, piece.parity, folder(), check)
    if copy is None and piece.path is not None and what is None:
        return piece.path
    if copy is None or (piece.sums is not None and _difference(copy, piece.sums, check) is not None):
        raise DamageFound(f"{what}, and its parity is of something else than the manifest says")
    tell(f"{what or f'{piece.path} was damaged'}; it is mended by its parity")
    return copy


def _problem(piece: Piece, archive: str, check: Check) -> str | None:
    """What is known to be wrong, in plain words."""
    if piece.path is None:
        return f"{archive}: volume {piece.number} is missing"
    difference = None if piece.sums is None else _difference(piece.path, piece.sums, check)
    return None if difference is None else f"{piece.path} isn't what was stored: {difference}"


def _difference(path: str, sums: ObjectSums, check: Check) -> str | None:
    size = os.path.getsize(path)
    if size != sums.size:
        return f"it has {size:,} bytes, and the manifest says {sums.size:,}"
    return None if tree_hash_of(path, check) == sums.tree_hash else "its bytes are others than the manifest says"


def _tells(piece: Piece, tell: Callable[[str], None]) -> bool:
    """Whether the parity says what the volume should be, where no manifest does."""
    if not piece.parity:
        return False
    try:
        of = par2.protected(piece.parity).name
    except DamageFound as error:
        tell(f"{error}; {piece.path} is taken as it is")
        return False
    if named(of).volume not in (0, piece.number):
        raise DamageFound(
            f"{piece.path} is called volume {piece.number}, and its parity says that it is {of}",
            hint="files were given each other's names: name them as they were",
        )
    return True
