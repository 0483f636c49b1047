"""What begins with a certain text, as ranges of a column of :class:`~glacier_backup.catalog.types.ExactText`.

LIKE would have to look at every row, an index is searched by its order. SQLite puts all texts before all bytes, and
orders both by their bytes; what begins with a text may itself be bytes that are not UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, LargeBinary, Text, and_, literal

from glacier_backup.catalog.exact import pack_text

Span = Callable[[ColumnElement[str]], ColumnElement[bool]]
"""A condition for a column, true for one stretch of its order."""


def at(path: str) -> Span:
    """Only ``path`` itself."""
    return lambda column: column == path


def below(path: str) -> list[Span]:
    """``path`` itself and all below it, in order."""
    return [at(path), *beginning(path.rstrip("/") + "/")]


def beginning(start: str) -> list[Span]:
    """All that begins with ``start``, whose last character is ASCII, in order."""
    packed = pack_text(start)
    raw = packed.encode() if isinstance(packed, str) else packed
    spans = [_bytes_between(raw, raw[:-1] + bytes([raw[-1] + 1]))]
    if isinstance(packed, str):
        spans.insert(0, _texts_between(packed, packed[:-1] + chr(ord(packed[-1]) + 1)))
    return spans


def _texts_between(low: str, behind: str) -> Span:
    return lambda column: and_(column >= literal(low, Text), column < literal(behind, Text))


def _bytes_between(low: bytes, behind: bytes) -> Span:
    return lambda column: and_(column >= literal(low, LargeBinary), column < literal(behind, LargeBinary))
