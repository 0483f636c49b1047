"""What begins with a certain text, as ranges of a column of :class:`~glacier_backup.catalog.types.ExactText`.

LIKE would have to look at every row, an index is searched by its order. SQLite puts all texts before all bytes, and
orders both by their bytes; what begins with a text may itself be bytes that are not UTF-8.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, LargeBinary, Text, and_, literal

from glacier_backup.catalog.exact import pack_text


class Span(NamedTuple):
    """One stretch of the order of paths: all texts, or all bytes, from ``low`` on that are before ``behind``."""

    low: str | bytes
    behind: str | bytes | None
    """None: ``low`` alone."""

    def condition(self, column: ColumnElement[str]) -> ColumnElement[bool]:
        """That a path lies in it."""
        if self.behind is None:
            return column == _literal(self.low)
        return and_(column >= _literal(self.low), column < _literal(self.behind))

    @property
    def is_one(self) -> bool:
        """Whether it is of one path alone."""
        return self.behind is None

    def rest(self, path: str) -> Span:
        """What begins with ``path``, which lies in it, so that nothing before that is looked at again."""
        return self if self.is_one else self._replace(low=pack_text(path))


def at(path: str) -> Span:
    """Only ``path`` itself."""
    return Span(pack_text(path), None)


def below(path: str) -> list[Span]:
    """``path`` itself and all below it, in order."""
    return [at(path), *beginning(path.rstrip("/") + "/")]


def beginning(start: str) -> list[Span]:
    """All that begins with ``start``, whose last character is ASCII, in order."""
    packed = pack_text(start)
    raw = packed.encode() if isinstance(packed, str) else packed
    spans = [Span(raw, raw[:-1] + bytes([raw[-1] + 1]))]
    if isinstance(packed, str):
        spans.insert(0, Span(packed, packed[:-1] + chr(ord(packed[-1]) + 1)))
    return spans


def _literal(value: str | bytes) -> ColumnElement[str] | ColumnElement[bytes]:
    return literal(value, Text) if isinstance(value, str) else literal(value, LargeBinary)
