"""What an option is: how it is written, read and explained, and where it may stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from glacier_backup.config.places import masked

if TYPE_CHECKING:
    from glacier_backup.model.place import DestinationKind

Home = Literal["main", "destination", "path", "server", "dataset"]
"""Where an option may stand: in ``[main]``, in a ``[destination NAME]``, in a section that is named by a path, in one
that is named by a path on a server, in one that is named by a dataset."""

VARIABLE_PREFIX = "GLACIER_BACKUP_"
CONFIG_VARIABLE = "GLACIER_BACKUP_CONFIG"

_SHOWN = 60


class WrongLine(NamedTuple):
    """A line of a list that can't be read."""

    number: int
    """From 0."""
    message: str
    """All there is to say: ``found …; expected …``."""
    other: int | None = None
    """The number of another line, which that is about as well."""


class WrongLines(ValueError):
    """Some lines of a list can't be read."""

    def __init__(self, found: Sequence[WrongLine]) -> None:
        super().__init__("; ".join(one.message for one in found))
        self.found = found


class Option(NamedTuple):
    """One option: how it is written, read and explained."""

    name: str
    homes: tuple[Home, ...]
    expects: str
    """What a value must be: it follows the word "expected"."""
    parse: Callable[[str], object]
    """Text → value; raises ValueError, whose text says what is special about what was found."""
    default: str | None
    """As it would be written, or None: then ``default_says`` tells."""
    help: str
    """One line, for ``--help`` and as a comment."""
    example: str
    """As it would be written; it differs from the default."""
    default_says: str = ""
    details: str = ""
    """More for the reference."""
    kinds: tuple[DestinationKind, ...] = ()
    """Of the destinations that it means something for; none: for all, or it is about something else."""
    aliases: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    """On the command line; the last one is the long form that messages name."""
    may_be_empty: bool = False
    items: Callable[[str], list[str]] | None = None
    """Of a list: text → the text of each."""
    is_path: bool = False
    """On the command line a relative one is meant from the current folder."""
    has_home: bool = False
    """A leading ``~``, of a list in each item, is the home folder."""
    is_secret: bool = False
    """No message shows what was found."""

    @property
    def variable(self) -> str | None:
        """The environment variable that sets it."""
        return VARIABLE_PREFIX + self.name.upper() if "main" in self.homes else None

    @property
    def flag(self) -> str | None:
        return self.flags[-1] if self.flags else None

    def suits(self, kind: DestinationKind) -> bool:
        """Whether it means something for a destination of this kind."""
        return "destination" in self.homes and (not self.kinds or kind in self.kinds)

    def read(self, text: str) -> object:
        """The value of ``text``. Raises ValueError: ``found …; expected …``; WrongLines where it is known which."""
        try:
            if ("\n" in text and not self.items) or not (text or self.may_be_empty):
                raise ValueError
            return self.parse(text)
        except WrongLines:
            raise
        except ValueError as error:
            raise ValueError(f"{self._found(text, str(error))}; expected {self.expects}") from None

    def _found(self, text: str, special: str) -> str:
        if not text:
            return "found nothing"
        shown = "a value that isn't shown" if self.is_secret else _shortened(masked(text))
        if "\n" in text and not self.items:
            special = "an indented line continues the one above it"
        elif not special and not self.is_secret and re.search(r"\s[#;]", text):
            special = "a comment needs a line of its own"
        return f"found {shown} ({special})" if special else f"found {shown}"


def _shortened(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else repr(text[:_SHOWN]) + "…"
