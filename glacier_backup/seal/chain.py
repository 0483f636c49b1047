"""The steps of a seal in their order, and what goes through them: a stream in, sealed volumes out.

::

         before           split        each        parity
    command → zstd   →   4 GiB   →    age    →    par2      any of them may be missing, but parity needs volumes

``before`` works on the whole stream, ``each`` on every volume by itself. Back again goes
:mod:`glacier_backup.seal.opening`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from glacier_backup.model.recipe import PARTS, Scalar, Step
from glacier_backup.model.suffixes import PART, letters_of
from glacier_backup.seal.command import Commands
from glacier_backup.seal.order import COMPRESSION, PARITY, SPLIT
from glacier_backup.seal.plain import Plain
from glacier_backup.seal.sealer import ByteStream, SealedStream, Sealer
from glacier_backup.seal.through import through
from glacier_backup.units import GIB, MIB

VOLUME_SIZE = 4 * GIB
"""Bytes of the stream in a volume, where nothing else is asked for."""


@dataclass(frozen=True, slots=True)
class Split:
    """Cutting into volumes."""

    volume_size: int = VOLUME_SIZE
    """Bytes of the stream that go into each."""
    letters: bool = False
    """Whether volumes are called ``.aaaaaa``, ``.aaaaab`` … as split(1) has it, rather than ``.v001``."""
    parts: bool = False
    """Whether they are called ``-part-aaaaaa``, without what sealing adds before; see
    :data:`glacier_backup.model.suffixes.PART`."""

    def __post_init__(self) -> None:
        if self.volume_size < 1:
            raise ValueError(f"a volume holds at least one byte, and not {self.volume_size}")

    def step(self) -> Step:
        """As the recipe records it."""
        named: dict[str, Scalar] = {PARTS: True} if self.parts else {"letters": True} if self.letters else {}
        return Step(SPLIT, {"volume_size": self.volume_size, **named})

    def suffix(self, number: int) -> str:
        """Of the volume of that number, from 1: ``.v001``, ``.v1000``; or ``.aaaaaa``, ``.aaaaab``."""
        if not (self.letters or self.parts):
            return f".v{number:03}"
        letters = letters_of(number)
        return f"{PART}{letters}" if self.parts else f".{letters}"


@dataclass(frozen=True, slots=True)
class Parity:
    """How much par2 adds to each volume."""

    redundancy: int = 5
    """Per cent."""
    blocks: int | None = None
    """As ``par2 create -b``; None: by the volume's size."""
    files: int | None = None
    """As ``-n``."""
    memory: int | None = None
    """As ``-m``, in MB."""

    def step(self) -> Step:
        """As the recipe records it; memory is the concern of who makes it."""
        given = {"redundancy": self.redundancy, "blocks": self.blocks, "files": self.files}
        return Step(PARITY, {name: value for name, value in given.items() if value is not None})


class Slice(Protocol):
    """The bytes of the stream that go into one volume. Either :meth:`sealed` or :meth:`pass_by`, once."""

    number: int
    """From 1."""

    def sealed(self) -> AbstractContextManager[SealedStream]:
        """The volume. To be read to its end, or nothing comes behind it."""
        ...

    def pass_by(self) -> str:
        """Read over it without sealing it; returns the hex SHA-256 of the slice."""
        ...

    @property
    def slice_sha256(self) -> str:
        """Hex, of what went into the volume, before it was encrypted; once all was read."""
        ...


class Chain(NamedTuple):
    """A seal, as it was configured, in an order that :func:`glacier_backup.seal.order.ordered` allows. Where nothing
    cuts, what is in ``each`` works on the whole stream too."""

    before: tuple[Sealer, ...] = ()
    split: Split | None = None
    each: tuple[Sealer, ...] = ()
    parity: Parity | None = None

    def steps(self) -> tuple[Step, ...]:
        """What the recipe records behind the packing."""
        cutting = () if self.split is None else (self.split.step(),)
        parity = () if self.parity is None else (self.parity.step(),)
        return (
            *(one.step() for one in self.before),
            *cutting,
            *(one.step() for one in self.each),
            *parity,
        )

    @property
    def has_command(self) -> bool:
        """Whether bytes go through commands of the user first. Nothing is known then of what comes out."""
        return any(isinstance(one, Commands) for one in self.before)

    def behind(self, commands: Commands) -> Chain:
        """The same, of what these have made."""
        return self._replace(before=(commands, *self.before))

    @property
    def seals(self) -> bool:
        """Whether anything else is done to them."""
        return len(self.steps()) > self.has_command

    def about(self, key: str, at_data: Sequence[str] = ()) -> Chain:
        """The same for what has that key: each command sees it, or what ``at_data`` has for it."""
        if not self.has_command:
            return self
        told = (one.about(key, at_data) if isinstance(one, Commands) else one for one in self.before)
        return self._replace(before=tuple(told))

    @property
    def suffix(self) -> str:
        """Of the archive, volumes left out: ``.zst.age``."""
        return "".join(one.suffix for one in self._all)

    def volume_suffix(self, number: int) -> str:
        """Of a volume: ``.zst.v001.age``. Where nothing cuts, that of the archive."""
        if self.split is not None and self.split.parts:
            return self.split.suffix(number)
        volume = "" if self.split is None else self.split.suffix(number)
        return "".join([*(one.suffix for one in self.before), volume, *(one.suffix for one in self.each)])

    @property
    def goes_on(self) -> bool:
        """Whether what goes into a volume is the same each time, so that a later run may begin behind those that are
        stored."""
        return all(one.repeatable for one in self.before)

    @property
    def repeatable(self) -> bool:
        """Whether the volumes themselves are the same each time."""
        return all(one.repeatable for one in self._all)

    def fitting(self, estimate: int | None, sample: bytes) -> Chain:
        """The same for a stream of so many bytes (None: not known) that begins, or is, like ``sample``: compression is
        left out, and recorded so, of what doesn't shrink; so is cutting of what is surely one volume, unless there is
        parity. Behind commands all is done."""
        chain = self
        if self.has_command:
            return self
        if any(one.step().name in COMPRESSION for one in self.before):
            from glacier_backup.seal.compress import where_it_pays

            chain = self._replace(before=where_it_pays(self.before, sample))
        if chain._surely_one(estimate):
            chain = Chain(chain._all)
        return chain

    def most(self, size: int) -> int:
        """Bytes that a slice of so many may become at most; where nothing cuts, a stream."""
        for one in self._all if self.split is None else self.each:
            size = one.most(size)
        return size

    def sealed(self, stream: ByteStream, nonce: bytes) -> AbstractContextManager[SealedStream]:
        """All of ``stream`` as one volume, where nothing cuts it. ``nonce`` is 32 bytes, of which no two archives have
        the same; not secret."""
        return through(self._all, Plain(stream), nonce)

    @contextmanager
    def slices(self, stream: ByteStream, nonce: bytes) -> Iterator[Iterator[Slice]]:
        """``stream`` cut, one slice at a time: each is to be read to its end before the next is taken. An empty stream
        is one empty slice. ``nonce`` is as for :meth:`sealed`; each volume gets one of its own, made of it."""
        from glacier_backup.seal.slices import cut

        if self.split is None:
            raise ValueError("nothing cuts this stream")
        with through(self.before, Plain(stream), nonce) as whole:
            yield cut(whole, self.split.volume_size, self.each, nonce)

    @property
    def _all(self) -> tuple[Sealer, ...]:
        return self.before + self.each

    def _surely_one(self, estimate: int | None) -> bool:
        if self.split is None or self.parity is not None or estimate is None:
            return False
        return estimate * 5 // 4 + MIB <= self.split.volume_size


NO_SEAL = Chain()
