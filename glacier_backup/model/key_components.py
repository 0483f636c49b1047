"""Components of keys: whole where they fit, else cut and marked, so that what differs stays different.

One of more than 255 bytes is cut, and ``~`` and the first 32 hex digits of its SHA-256 are added. One that happens to
end so is treated likewise. Sizes are bytes of UTF-8; lone surrogates are bytes that are none.
"""

from __future__ import annotations

import hashlib
import re

LONGEST_COMPONENT = 255
MARK_BYTES = 33
MARKED = re.compile(r"~[0-9a-f]{32}\Z")
"""What ends like one that was cut."""


def component(name: str, longest: int = LONGEST_COMPONENT) -> str:
    """``name``, as a component of at most ``longest`` bytes."""
    if size(name) <= longest and not MARKED.search(name):
        return name
    return cut(name, longest - MARK_BYTES) + mark(name)


def cut(text: str, length: int) -> str:
    """The beginning of ``text``, of ``length`` bytes at most, no character broken."""
    beginning = _bytes(text)[:length].decode("utf-8", "surrogateescape")
    while not text.startswith(beginning):
        beginning = beginning[:-1]
    return beginning


def mark(text: str) -> str:
    """What stands for all of ``text``: 33 bytes."""
    return f"~{hashlib.sha256(_bytes(text)).hexdigest()[:32]}"


def size(text: str) -> int:
    """Bytes."""
    return len(_bytes(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
