"""What is to be opened: an archive, and the files that its bytes are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from glacier_backup.model.archive import Container
from glacier_backup.model.candidate import Kind
from glacier_backup.model.manifest import ObjectSums
from glacier_backup.model.recipe import Step
from glacier_backup.workflow.opening.names import Maker


class Piece(NamedTuple):
    """One volume, or all there is where nothing was cut."""

    number: int
    """From 1."""
    path: str | None
    """None: it isn't there."""
    sums: ObjectSums | None = None
    """What it has to add up to; None where there is no manifest."""
    parity: tuple[str, ...] = ()
    """Paths of what can mend it."""


class Layer(NamedTuple):
    """One stream in a container."""

    steps: tuple[Step, ...]
    """How it was made, the packing included where that is known."""
    pieces: tuple[Piece, ...]
    """In the order of their numbers."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One archive."""

    name: str
    """What people know it by: the name that its files have in common."""
    container: Container
    kind: Kind
    layers: tuple[Layer, ...]
    """Unpacked over one another; one, but of pyArchiver's."""
    maker: Maker
    to: str
    """What comes out is to be called so, if nothing better is found inside."""
    is_certain: bool
    """Whether ``to`` is its name for sure: the manifest says so."""
    mtime_ns: int | None = None
    mode: int | None = None
    path: str = ""
    """Where it came from; empty where nobody knows."""

    @property
    def paths(self) -> list[str]:
        """Of the files that its bytes are in."""
        return [piece.path for layer in self.layers for piece in layer.pieces if piece.path is not None]

    @property
    def is_proved(self) -> bool:
        """Whether something tells, apart from the bytes themselves, what they add up to."""
        return all(piece.sums is not None or piece.parity for layer in self.layers for piece in layer.pieces)
