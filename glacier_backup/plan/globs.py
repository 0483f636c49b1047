"""Words as globs, and as paths: what is fixed in them, and what is left open."""

from __future__ import annotations

import re

_MAGIC = re.compile(r"[*?[]")


def is_magic(text: str) -> bool:
    """Whether it may mean several paths."""
    return _MAGIC.search(text) is not None


def literally(text: str) -> str:
    """The glob for exactly that."""
    return _MAGIC.sub(r"[\g<0>]", text)


def folder_of(path: str) -> str:
    """The folder that holds ``path``."""
    return path.rpartition("/")[0] or "/"


def literal_above(pattern: str) -> str | None:
    """The folder in front of everything that the glob leaves open; None where there is none."""
    match = _MAGIC.search(pattern)
    literal = pattern[: match.start()] if match else pattern
    if literal.count("/") < (3 if "://" in literal else 1):
        return None
    return folder_of(literal)
