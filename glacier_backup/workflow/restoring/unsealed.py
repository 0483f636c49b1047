"""The stream that was packed, out of the volumes that are stored: what the seal did to it is undone.

Where there is no seal that is the stored bytes themselves. Else the volumes are opened one after the other, and the
stream only goes forwards: what lies before a range is opened, and thrown away, from the volume on that holds its
beginning where each opens apart, else from the first one on.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import takewhile
from typing import Protocol

from glacier_backup.errors import DamageFound, WrongKey
from glacier_backup.model.recipe import Step
from glacier_backup.model.restore import WHOLE, ByteRange
from glacier_backup.model.stored import StoredVolume
from glacier_backup.pack.unpacker import ArchiveBytes
from glacier_backup.plan.across import all_across, layout_of
from glacier_backup.seal.joined import Volume
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.opening import opened
from glacier_backup.units import MIB
from glacier_backup.workflow.restoring.coverage import Part
from glacier_backup.workflow.restoring.hurt import VolumeHurt
from glacier_backup.workflow.restoring.stream import InOrder, Reading
from glacier_backup.workflow.restoring.undone import Undone

BUFFER = MIB // 4
"""Bytes that are thrown away at once."""


class Stream(ArchiveBytes, Protocol):
    """Bytes of an archive, counted."""

    @property
    def handed_on(self) -> int:
        """Bytes so far."""
        ...


class Unsealed:
    """One archive. A context manager, which lets go of all that reading has taken."""

    def __init__(self, reading: Reading, keys: Keys, ranges: Iterable[ByteRange]) -> None:
        """``ranges`` are all that will be read."""
        self._reading = reading
        self._keys = keys
        archive = reading.source.archive
        self._layout = layout_of(archive)
        taken = all_across(ranges, [volume.size for volume in archive.volumes], self._layout)
        self._taken = [bool(own) for own in taken]
        """Of each volume whether anything of it is read: nothing else of them may be."""
        self._forward: _Forward | None = None

    def __enter__(self) -> Unsealed:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    @contextmanager
    def bytes(self, wanted: ByteRange) -> Iterator[Stream]:
        """Those of ``wanted``, of the stream that was packed; ranges come in their order.

        Raises KeyNeeded and WrongKey, SealError, DamageFound, and what reading raises, here and while they are read.
        """
        if self._layout.plain:
            with closing(self._reading.bytes(wanted)) as streams:
                yield InOrder(streams)
        else:
            yield _Cut(self._reaching(wanted.start), wanted)

    def finish(self) -> None:
        """No more is wanted. What a volume is known by may lie at its end: all are read up to there. Raises as
        :meth:`bytes`."""
        if self._forward is not None:
            self._forward.finish()
        self._let_go()

    def _reaching(self, position: int) -> _Forward:
        """A stream that stands at ``position``."""
        first = 0 if self._layout.slice_size is None else position // self._layout.slice_size
        forward = self._forward
        if forward is None or forward.position > position or first >= forward.behind:
            self.finish()
            forward = self._forward = self._opened(first)
        forward.skip(position)
        return forward

    def _opened(self, first: int) -> _Forward:
        """From that volume on, up to where one isn't needed."""
        archive = self._reading.source.archive
        first = min(first, len(archive.volumes) - 1)
        run = takewhile(lambda place: self._taken[place], range(first, len(archive.volumes)))
        volumes = [archive.volumes[place] for place in run]
        # With the packing: how that begins tells a wrong password at once.
        steps = () if archive.recipe is None else archive.recipe.steps
        position = first * (self._layout.slice_size or 0)
        undone = Undone(archive) if first == 0 else None
        return _Forward(self._reading, volumes, steps, self._keys, position, first + len(volumes), undone)

    def _let_go(self) -> None:
        forward, self._forward = self._forward, None
        if forward is not None:
            forward.close()


class _Forward:
    """Volumes that follow each other, opened."""

    def __init__(
        self,
        reading: Reading,
        volumes: Sequence[StoredVolume],
        steps: tuple[Step, ...],
        keys: Keys,
        position: int,
        behind: int,
        undone: Undone | None,
    ) -> None:
        """Their bytes begin at ``position`` of the stream; ``behind`` is the place, from 0, of the first one that isn't
        among them. ``undone`` sees all of it."""
        self._undone = undone
        self.position = position
        self.behind = behind
        self._reading = reading
        with self._told_apart(), ExitStack() as stack:
            # Closed behind what reads from them, which may do so in a thread of its own.
            streams = stack.enter_context(closing(self._streams(volumes)))
            self._stream = stack.enter_context(opened(streams, steps, keys))
            self._stack = stack.pop_all()

    def _streams(self, volumes: Iterable[StoredVolume]) -> Generator[Volume, None, None]:
        for one in volumes:
            with self._reading.part(Part(one, WHOLE)) as stream:
                yield Volume(stream, one.hmac_sha256, one.volume or 1)

    def readinto(self, buffer: memoryview) -> int:
        filled = 0
        with self._told_apart():
            while filled < len(buffer) and (count := self._stream.readinto(buffer[filled:])):
                filled += count
        if self._undone is not None:
            self._undone.see(buffer[:filled], is_end=filled < len(buffer))
        self.position += filled
        return filled

    @contextmanager
    def _told_apart(self) -> Iterator[None]:
        """Where all stored bytes are checked one by one, and right, what doesn't open isn't damaged there."""
        try:
            yield
        except VolumeHurt:
            raise
        except DamageFound as error:
            if not self._reading.is_proven:
                raise
            raise WrongKey(
                f"it doesn't open, though what is stored is what was sent: {error}",
                hint="is it another password, or another key?",
            ) from error

    def skip(self, position: int) -> None:
        buffer = memoryview(bytearray(BUFFER))
        while (left := position - self.position) > 0 and self.readinto(buffer[:left]):
            pass

    def finish(self) -> None:
        """Read all that is left."""
        buffer = memoryview(bytearray(BUFFER))
        while self.readinto(buffer):
            pass

    def close(self) -> None:
        self._stack.close()


class _Cut:
    """A range of a stream that stands at its beginning."""

    def __init__(self, stream: _Forward, wanted: ByteRange) -> None:
        self._stream = stream
        self._left = None if wanted.end is None else wanted.end - wanted.start
        self.handed_on = 0

    def readinto(self, buffer: memoryview) -> int:
        wanted = buffer if self._left is None else buffer[: self._left]
        count = self._stream.readinto(wanted)
        self.handed_on += count
        if self._left is not None:
            self._left -= count
        return count
