"""What a section of a whole tree makes of the names and bytes of its files, and how far it takes some for deleted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

GroupNames = Literal["prefix", "root"]
"""What the group of what is left over goes by: the longest prefix of all in it, or nothing."""


@dataclass(frozen=True, slots=True)
class Prefixing:
    """How small files of a whole tree are put together by the prefixes of their keys."""

    below: int
    """Bytes: smaller files go into groups, and each group has at least that many, but for what is left over."""
    names: GroupNames = "prefix"
    most: int | None = 1 << 30
    """Bytes of content of a group, at most; None: as many as there are. At least four times :attr:`below`, so no part
    is smaller than that."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One line of ``filters``."""

    kind: Literal["key_sub", "name", "group", "data"]
    line: str = field(repr=False)
    """As it stands there, its kind included. There may be secrets in it: ``str()`` is for showing."""
    pattern: str = ""
    """Of ``key_sub``: a regular expression as Python has them, searched for anywhere, and replaced once."""
    replacement: str = ""
    command: tuple[str, ...] = field(default=(), repr=False)
    """Of ``name`` and ``data``: a program and its arguments, run without a shell."""

    size: int = 0
    """Of ``group``: bytes, what is smaller is put together."""

    def __str__(self) -> str:
        """Of a command the program alone: its arguments may be secrets."""
        if not self.command:
            return self.line
        return f"{self.kind} {self.command[0]}{' …' if len(self.command) > 1 else ''}"


@dataclass(frozen=True, slots=True)
class MostDeleted:
    """How much may be gone of a section at a time and still count as deleted."""

    share: float | None = 0.1
    """Of the files that are known of it, from 0 to 1; None: see :attr:`files`."""
    files: int | None = None
    """How many; None: see :attr:`share`. Both None: any number."""
    says: str = "10 %"
    """As the option has it."""

    def __str__(self) -> str:
        return self.says


FEW = 10
"""So many files may always be gone where a share is given: of a small section they are a large one."""

TENTH = MostDeleted()
"""What holds where nothing is said."""
