"""What a directory was, as the archives of a chain tell it together: of each path the newest one counts.

All of it comes in the order of a tar of a directory: each directory before what is in it, and these in the order of
their names. So the archives are gone through side by side, and none of them is held in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import NamedTuple, Protocol

from glacier_backup.model.archive import Member
from glacier_backup.model.stored import StoredArchive

_Piece = tuple[bytes, int, Member | None]
"""The key, the number of the layer below zero so that the newest comes first, and the member; None: it was deleted."""


class Disordered(ValueError):
    """The members of an archive, or what it lists as deleted, aren't in the order of a directory's tar."""


class Layer(NamedTuple):
    """One archive of a chain."""

    members: Iterable[Member]
    deleted: Iterable[str]
    """What was gone when it was made, with all below it, as members are called. What it stores itself is there."""


class InLayer(NamedTuple):
    """A member that counts."""

    layer: int
    """The number of the archive that has it, from 0."""
    member: Member


class KnownMembers(Protocol):
    """What is asked of the catalog."""

    def members(self, archive_id: int) -> Iterator[Member]: ...

    def vanished(self, archive_id: int) -> Iterator[str]:
        """What an increment lists as deleted, in order."""
        ...


def key_of(path: str) -> bytes:
    """The order of these is that of a directory's tar: a slash comes before whatever a name may hold."""
    return path.encode("utf-8", "surrogateescape").replace(b"/", b"\0")


def layers_of(known: KnownMembers, chain: Iterable[StoredArchive]) -> list[Layer]:
    """Those of a chain, the full archive first. Nothing is asked before they are gone through."""
    return [Layer(known.members(one.id), known.vanished(one.id)) for one in chain]


def effective(layers: Sequence[Layer]) -> Iterator[InLayer]:
    """What was there when the last of ``layers`` was made, each path once, in order. Raises Disordered."""
    if len(layers) == 1:
        yield from (InLayer(0, member) for member in layers[0].members)
        return
    gone: list[tuple[bytes, int]] = []
    last = None
    for key, below_zero, member in merge(*_streams(layers), key=_order):
        layer = -below_zero
        while gone and not (key == gone[-1][0] or key.startswith(gone[-1][0] + b"\0")):
            gone.pop()
        if member is None:
            gone.append((key, max(layer, gone[-1][1] if gone else 0)))
        elif key != last and not (gone and layer < gone[-1][1]):
            last = key
            yield InLayer(layer, member)


def _order(piece: _Piece) -> tuple[bytes, int, bool]:
    """What was deleted comes before what is there, which is stored in the same archive after all, or in a newer one."""
    return piece[0], piece[1], piece[2] is not None


def _streams(layers: Sequence[Layer]) -> Iterator[Iterator[_Piece]]:
    for number, layer in enumerate(layers):
        yield _members(-number, layer.members)
        yield _deleted(-number, layer.deleted)


def _members(number: int, members: Iterable[Member]) -> Iterator[_Piece]:
    before = b""
    for member in members:
        key = key_of(member.path)
        if key < before:
            raise Disordered(f"{member.path} is not where it belongs")
        before = key
        yield key, number, member


def _deleted(number: int, deleted: Iterable[str]) -> Iterator[_Piece]:
    before = b""
    for path in deleted:
        key = key_of(path)
        if key < before:
            raise Disordered("what was deleted is not in order")
        before = key
        yield key, number, None
