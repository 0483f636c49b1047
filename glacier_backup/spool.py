"""A sequence of any length in little memory: the first MiB stays in it, the rest is on disk.

The file is in the folder for temporary files (``TMPDIR``), has no name, and is gone when the spool is, however the
process ends. Where it can't be written, as on a full disk, the rest stays in memory too: a plan must not fail for that.
"""

from __future__ import annotations

import io
import os
import pickle
import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import fields, is_dataclass
from itertools import islice
from operator import attrgetter
from typing import NamedTuple, TypeVar, cast

from glacier_backup.units import MIB

T = TypeVar("T")

TOGETHER = 500
"""Values that are pickled together, so that what they share is stored once."""

LARGE = MIB
"""Bytes of values that aren't kept waiting for more of them."""

IN_MEMORY = MIB
"""Bytes, pickled, until the file is begun."""


class Spool(Collection[T]):
    """Frozen values, in the order in which they are appended. Safe to use from several threads.

    The values are to be picklable, and small: some 500 of them are in memory for each iteration under way. Where some
    are large, ``weigh`` tells how many bytes one takes, and those in memory are fewer: a MiB, or one.
    """

    def __init__(
        self, values: Iterable[T] = (), *, in_memory: int = IN_MEMORY, weigh: Callable[[T], int] | None = None
    ) -> None:
        self._weigh = weigh
        self._weight = 0
        self._lock = threading.Lock()
        self._pieces: list[bytes | _OnDisk] = []
        self._last: list[T] = []
        self._count = 0
        self._memory_left = in_memory
        self._file: _File | None = None
        rest = iter(values)
        if weigh is not None:
            for value in rest:
                self.append(value)
        while piece := list(islice(rest, TOGETHER)):
            self._last = piece
            self._count += len(piece)
            if len(piece) == TOGETHER:
                self._put_away()

    def append(self, value: T) -> None:
        with self._lock:
            self._last.append(value)
            self._count += 1
            self._weight += 0 if self._weigh is None else self._weigh(value)
            if len(self._last) >= TOGETHER or self._weight >= LARGE:
                self._put_away()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        """What was appended before the first value is taken; what is appended meanwhile is left out."""
        with self._lock:
            pieces, last = len(self._pieces), tuple(self._last)
        for number in range(pieces):
            yield from self._read(number)
        yield from last

    def __contains__(self, value: object) -> bool:
        return any(value == one for one in self)

    def close(self) -> None:
        """Forget everything, now rather than when nobody knows the spool any more."""
        with self._lock:
            self._pieces, self._last, self._count = [], [], 0
            if self._file is not None:
                self._file.close()
                self._file = None

    def _put_away(self) -> None:
        self._pieces.append(self._stored(_pickled(self._last)))
        self._last, self._weight = [], 0

    def _stored(self, piece: bytes) -> bytes | _OnDisk:
        if len(piece) <= self._memory_left:
            self._memory_left -= len(piece)
            return piece
        self._memory_left = 0
        try:
            if self._file is None:
                self._file = _File()
            return self._file.append(piece)
        except OSError:
            return piece

    def _read(self, number: int) -> list[T]:
        piece = self._pieces[number]
        values: list[T] = pickle.loads(piece if isinstance(piece, bytes) else piece.read())  # noqa: S301  # our own
        return values


class _File:
    """A nameless file that is only ever appended to."""

    def __init__(self) -> None:
        from tempfile import TemporaryFile

        with TemporaryFile(buffering=0) as file:
            self._descriptor = os.dup(file.fileno())
        self.close = weakref.finalize(self, os.close, self._descriptor)
        self._end = 0

    def append(self, piece: bytes) -> _OnDisk:
        start, left = self._end, memoryview(piece)
        while left:
            left = left[os.pwrite(self._descriptor, left, start + len(piece) - len(left)) :]
        self._end += len(piece)
        return _OnDisk(self, start, len(piece))

    def read(self, start: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, start)


class _OnDisk(NamedTuple):
    """Where a piece lies."""

    file: _File
    start: int
    size: int

    def read(self) -> bytes:
        return self.file.read(self.start, self.size)


_Reducer = Callable[[object], tuple[type, tuple[object, ...]]]


class _Reducers(dict[type, _Reducer]):
    """How values are pickled: a dataclass, and a NamedTuple, by the arguments that make it, several times as fast as by
    default; all else as by default, but asked about once."""

    def __missing__(self, kind: type) -> _Reducer:
        if is_dataclass(kind):
            self[kind] = reducer = _reducer(kind, [field.name for field in fields(kind)])
        elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
            self[kind] = reducer = _tuple_reducer(kind)
        elif issubclass(kind, type):
            raise KeyError(kind)  # a class goes by its name
        else:
            self[kind] = reducer = _default
        return reducer


def _reducer(kind: type, names: list[str]) -> _Reducer:
    if len(names) < 2:
        return lambda value: (kind, tuple(getattr(value, name) for name in names))
    # In one step, in C.
    arguments = attrgetter(*names)
    return lambda value: (kind, arguments(value))


def _tuple_reducer(kind: type[tuple[object, ...]]) -> _Reducer:
    return lambda value: (kind, tuple(cast(tuple[object, ...], value)))


def _default(value: object) -> tuple[type, tuple[object, ...]]:
    return cast(tuple[type, tuple[object, ...]], value.__reduce_ex__(pickle.HIGHEST_PROTOCOL))


_REDUCERS = _Reducers()


def _pickled(values: list[T]) -> bytes:
    piece = io.BytesIO()
    pickler = pickle.Pickler(piece, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = _REDUCERS
    pickler.dump(values)
    return piece.getvalue()
