"""A stream as it is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from glacier_backup import process
from glacier_backup.errors import SourceError
from glacier_backup.model.snapshot import Span
from glacier_backup.zfs.command import Command, Said, cant_start, environment
from glacier_backup.zfs.complaints import Complaint, of_source
from glacier_backup.zfs.probe import Abilities


class SendOptions(NamedTuple):
    """What is sent along."""

    intermediates: bool = True
    """Whether all snapshots in between travel too (``-I``)."""
    raw: bool = False
    """Whether an encrypted dataset is sent as it lies on the disk (``-w``)."""
    properties: bool = False
    """Whether the dataset's properties travel (``-p``)."""


def send_arguments(dataset: str, span: Span, options: SendOptions, able: Abilities) -> tuple[str, ...]:
    """Of ``zfs send``, for a span whose names were checked. Raises SourceError for what this ``zfs`` lacks, and nothing
    else can stand for."""
    if options.raw and "w" not in able.send:
        raise SourceError(
            f"zfs:{dataset}: raw = yes takes zfs send -w, and this zfs doesn't have it",
            hint="leave raw out: the sealing options encrypt what is sent",
        )
    flags = ("-p",) * options.properties + ("-w",) * options.raw
    base = ("-I" if options.intermediates else "-i", f"{dataset}@{span.base}") if span.base else ()
    return (*flags, *base, f"{dataset}@{span.to}")


class Sending:
    """A ``zfs send`` at work. What it has printed is a stream only when :meth:`finish` has said so."""

    def __init__(self, dataset: str, running: process.Running, said: Said) -> None:
        self._dataset = dataset
        self._running = running
        self._said = said
        self._count = 0

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` with what comes next; a short count, 0 included, means the end."""
        count = self._running.readinto(buffer)
        self._count += count
        return count

    def finish(self) -> None:
        """To be called behind the end. Raises SourceError unless all of the stream was made: its process says so by its
        exit status, and by nothing else can it be told."""
        status = self._running.wait()
        if status:
            raise of_source(self._dataset, "send", status, str(self._said)).as_error()
        if not self._count:
            raise Complaint(self._dataset, "zfs send has printed nothing").as_error()


@contextmanager
def sent(command: Command, dataset: str, arguments: tuple[str, ...]) -> Iterator[Sending]:
    """``zfs send`` with ``arguments`` for as long as the block lasts; left before its end, it is killed. Raises
    SourceError."""
    said = Said()
    with ExitStack() as stack:
        try:
            running = stack.enter_context(
                process.running(
                    command.program, ("zfs", "send", *arguments), cwd="/", env=environment(), hear=said.hear
                )
            )
        except OSError as error:
            raise cant_start(error) from error
        yield Sending(dataset, running, said)
