"""How large the files of a whole tree are, as a walk through it has met them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Sized(NamedTuple):
    """Files whose sizes have the same number of bits: those from a power of two to the next one, or the empty ones."""

    files: int
    bytes: int


NO_FILES = Sized(0, 0)


@dataclass(frozen=True, slots=True)
class TreeSizes:
    """Of one section, and what its small files are put together to."""

    section: str
    destinations: tuple[str, ...]
    sizes: tuple[Sized, ...]
    """By the number of bits in the size: empty files, of 1 byte, of 2 and 3, of 4 to 7, and so on."""
    below: int | None = None
    """Bytes: smaller ones are put together; None: none are."""
    small: Sized = NO_FILES
    """Those that are."""
    groups: int = 0
    """In so many archives."""
