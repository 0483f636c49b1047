"""Any number of choices, put in the order of their paths in little memory."""

from __future__ import annotations

import heapq
import pickle
from collections.abc import Iterator
from typing import NamedTuple

from glacier_backup.ordering import Ordering
from glacier_backup.plan.choice import Choice
from glacier_backup.spool import Spool

_BIAS = 2**63
"""Added to ids, for what was taken over from other systems may have one below zero."""


class Gathered(NamedTuple):
    """A choice, and the number of the term that has made it."""

    term: int
    choice: Choice


class Gathering:
    """Choices by the bytes of their paths, then by host and archive; can be read as often as wanted.

    The catalog hands out most of them in that order: those are written down one after the other. Only what comes out
    of turn (names that are no UTF-8, members, what a second term chooses) is sorted.
    """

    def __init__(self) -> None:
        self._in_order: Spool[Gathered] = Spool()
        self._out_of_turn = Ordering()
        self._all_in_order = True
        self._last = b""

    def add(self, term: int, choice: Choice) -> None:
        """Raises ValueError for a path that no file can have."""
        found, key = Gathered(term, choice), _key(choice)
        if key >= self._last:
            self._in_order.append(found)
            self._last = key
        else:
            self._all_in_order = False
            self._out_of_turn.add(key + pickle.dumps(found, pickle.HIGHEST_PROTOCOL))

    def __iter__(self) -> Iterator[Gathered]:
        """Not to be called before all are added."""
        if self._all_in_order:
            return iter(self._in_order)
        in_order = ((_key(found.choice), found) for found in self._in_order)
        out_of_turn = map(_taken_apart, self._out_of_turn)
        return (found for _, found in heapq.merge(in_order, out_of_turn, key=lambda pair: pair[0]))


def _key(choice: Choice) -> bytes:
    return b"\0".join((*_texts(choice), b"")) + (choice.archive + _BIAS).to_bytes(8)


def _texts(choice: Choice) -> tuple[bytes, bytes]:
    path, host = (text.encode("utf-8", "surrogateescape") for text in (choice.path, choice.host or ""))
    if b"\0" in path or b"\0" in host:
        raise ValueError("a path holds no NUL")
    return path, host


def _taken_apart(piece: bytes) -> tuple[bytes, Gathered]:
    path, host, rest = piece.split(b"\0", 2)
    found: Gathered = pickle.loads(rest[8:])  # noqa: S301  # our own
    return b"\0".join((path, host, b"")) + rest[:8], found
