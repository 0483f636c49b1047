"""A stream as it is taken in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from glacier_backup import process
from glacier_backup.errors import TargetError
from glacier_backup.zfs.command import Command, Said, cant_start, environment
from glacier_backup.zfs.complaints import as_target, of_target

_PATIENCE = 10.0
"""Seconds for ``zfs receive`` to put away what it has of a stream that was broken off."""


class Receiving:
    """A ``zfs receive`` at work. What it is given becomes a snapshot when the last record of that is there: whoever
    isn't sure of all of it holds the end back. A stream with several snapshots (``-I``) makes them one by one: broken
    off, it leaves those that it has made. When it comes again OpenZFS passes over them, zfs-fuse doesn't
    (:meth:`glacier_backup.zfs.program.Zfs.roll_back`)."""

    def __init__(self, dataset: str, taking: process.Taking, said: Said) -> None:
        self._dataset = dataset
        self._taking = taking
        self._said = said

    def write(self, data: memoryview) -> None:
        """Hand it all on. Raises TargetError when zfs has ended, with what it said."""
        try:
            self._taking.write(data)
        except BrokenPipeError:
            raise self._failure(self._taking.wait()) from None

    def finish(self) -> None:
        """That was all. Raises TargetError unless it was received whole; then nothing of it is kept."""
        status = self._taking.wait()
        if status:
            raise self._failure(status)

    def _failure(self, status: int) -> TargetError:
        if not status:
            return TargetError(f"zfs:{self._dataset}: zfs receive ended before the stream did")
        return of_target(self._dataset, "receive", status, str(self._said))


@contextmanager
def received(command: Command, dataset: str, arguments: tuple[str, ...]) -> Iterator[Receiving]:
    """``zfs receive`` with ``arguments`` for as long as the block lasts; left before :meth:`Receiving.finish`, it is
    ended, and nothing is kept of the snapshot that it was at. Raises TargetError."""
    said = Said()
    with ExitStack() as stack:
        try:
            taking = stack.enter_context(
                process.taking(
                    command.program, ("zfs", "receive", *arguments), cwd="/", env=environment(), hear=said.hear
                )
            )
        except OSError as error:
            raise as_target(cant_start(error)) from error
        # By the end of its input, which is none of the stream's, it cleans up before it ends; killed, zfs-fuse does so
        # some time later, and the dataset is in the way of the next try.
        stack.callback(taking.leave, _PATIENCE)
        yield Receiving(dataset, taking, said)
