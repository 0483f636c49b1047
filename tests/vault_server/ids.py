"""Identifiers that look like the real ones, and are as awkward: every third begins with a hyphen."""

from __future__ import annotations

import itertools
import re
import secrets
import string

ARCHIVE_ID_LENGTH = 138
UPLOAD_ID_LENGTH = 92
JOB_ID_LENGTH = 92
REQUEST_ID_LENGTH = 47

_ALPHABET = string.ascii_letters + string.digits + "-_"
_SHAPE = re.compile(r"[A-Za-z0-9_-]+")


class IdMaker:
    """Makes ids of one kind: random, `length` characters of the base64url alphabet.

    The first id and every third after it begin with `-`, which a command line takes for an option; the others never do.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._count = itertools.count()

    def new(self) -> str:
        """An id that was not given out before."""
        first = "-" if next(self._count) % 3 == 0 else secrets.choice(string.ascii_letters)
        return first + "".join(secrets.choice(_ALPHABET) for _ in range(self._length - 1))


def well_formed(text: str, length: int) -> bool:
    """Whether `text` could be an id of that length; only such a text is ever used as a file name."""
    return len(text) == length and _SHAPE.fullmatch(text) is not None
