"""Lines of INI files that are written for somebody."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from glacier_backup.config.references import quote

_WIDTH = 78
_PLAIN = re.compile(r"[A-Za-z0-9_/.:@=+-]+")


def option(name: str, value: str) -> str:
    """A line that sets an option to exactly that."""
    return f"{name} = {written(value)}"


def options(name: str, values: Sequence[str]) -> Iterator[str]:
    """The lines that set it to a list."""
    yield f"{name} ="
    yield from (f"    {written(value)}" for value in values)


def section(path: str) -> str:
    """The line that begins the section of that path."""
    return f"[{path.replace('${', '$${')}]"


def written(value: str) -> str:
    """In quotes where something in it could mean something else."""
    return value if _PLAIN.fullmatch(value) else quote(value)


def comment(text: str) -> Iterable[str]:
    """Lines that do nothing."""
    return (f"# {line}" for line in textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False))
