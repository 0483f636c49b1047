"""Registries whose modules are loaded when something of them is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class MadeOnUse(Mapping[K, V]):
    """Each value is made by its function when it is first asked for, and stays: most runs need few of them. Safe to use
    from several threads, as long as it does no harm to make a value twice."""

    def __init__(self, makers: Mapping[K, Callable[[], V]]) -> None:
        self._makers = makers
        self._made: dict[K, V] = {}

    def __getitem__(self, key: K) -> V:
        if key not in self._made:
            self._made.setdefault(key, self._makers[key]())
        return self._made[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)
