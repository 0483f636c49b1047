"""All that is measured, by name: each case is a function that measures and gives its rows of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..bench import Bench
from ..table import Row
from . import startup

Case = Callable[[Bench], Iterable[Row]]

CASES: dict[str, Case] = {
    "words": startup.words,
    "nothing-to-do": startup.nothing_to_do,
}
