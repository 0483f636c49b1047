"""Texts in a form in which those that differ in case or in accents are the same: to look for them in bytes, quickly.

The form of a text is those of its characters, one behind the other. So whatever holds another text holds it in this
form, too: where it isn't found it isn't.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

BETWEEN = "\0"
"""Between names; no name has it, nor has the form of any."""

_PARTS = re.compile(f"[/{BETWEEN}]")


def fold(text: str) -> bytes:
    """Canonical caseless (Unicode, chapter 3.13, D145) without what is set upon letters, in UTF-8; bytes that are not
    UTF-8 as they are."""
    if text.isascii():
        return text.lower().encode()
    apart = unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())
    letters = apart if apart.isascii() else "".join(one for one in apart if not unicodedata.combining(one))
    return letters.encode("utf-8", "surrogateescape")


def folded_parts(literals: Iterable[str]) -> tuple[bytes, ...]:
    """What the components of a path have to hold that holds all of these texts: the longest first."""
    parts = {fold(part) for text in literals for part in _PARTS.split(text)}
    return tuple(sorted(parts - {b""}, key=lambda part: (-len(part), part)))
