"""What could not be given back as it was, told in as many lines as somebody may read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

MOST_LINES = 100
"""How many are told one by one; the others are counted."""
_MOST_LETTERS = 300
_MORE = "more could not be given back as they were"


class LeftOut:
    """Notes about single members, and about all of them."""

    def __init__(self, lines: Iterable[str] = (), everywhere: Iterable[tuple[str, int]] = ()) -> None:
        self.lines = list(lines)[:MOST_LINES]
        self.everywhere = Counter(dict(everywhere))
        """What holds for many members, and for how many."""

    def note(self, path: str, why: str) -> None:
        """Of one member."""
        if len(self.lines) < MOST_LINES:
            shown = path if len(path) <= _MOST_LETTERS else f"{path[:_MOST_LETTERS]}…"
            self.lines.append(f"{shown}: {why}")
        else:
            self.everywhere[_MORE] += 1

    def count(self, why: str) -> None:
        """One more member of which this is to be said."""
        self.everywhere[why if why in self.everywhere or len(self.everywhere) < MOST_LINES else _MORE] += 1

    def told(self) -> tuple[str, ...]:
        """All of it, in plain words."""
        return (*self.lines, *(f"{count:,} {why}" for why, count in self.everywhere.items()))
