"""Any number of things, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def in_chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of so many, the last of as many as are left. ``values`` are taken when their list is asked for."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk
