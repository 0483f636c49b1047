"""A value that somebody gave, and where."""

from __future__ import annotations

from typing import NamedTuple

from glacier_backup.config.folders import Folders
from glacier_backup.config.option import Option
from glacier_backup.errors import Problem

ENVIRONMENT = "environment"
COMMAND_LINE = "command line"


class Spot(NamedTuple):
    """Where an option is given: in the INI file, in the environment or on the command line."""

    source: str
    """The file, ``environment`` or ``command line``."""
    name: str
    """The option, variable or flag; empty for a whole section."""
    line: int | None = None
    section: str | None = None

    def __str__(self) -> str:
        """``file:line``, ``environment GLACIER_BACKUP_LIMIT`` or ``command line --limit``."""
        return f"{self.source} {self.name}" if self.line is None else f"{self.source}:{self.line}"

    def problem(self, message: str) -> Problem:
        return Problem(self.source, self.line, self.section, self.name or None, message)


class Given(NamedTuple):
    """One option's value; None where what was found could not be read, which is then among the problems."""

    value: object
    spot: Spot


def read_option(option: Option, text: str, folders: Folders) -> object:
    """The value of ``text`` with its ``~`` expanded. Raises ValueError: ``found …; expected …``."""
    if option.has_home and "~" in text:
        text = "\n".join(map(folders.expand, option.items(text))) if option.items else folders.expand(text)
    return option.read(text)
