"""What is said of a restore while it is under way."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from glacier_backup.cli import render
from glacier_backup.model.event import Event, Warned
from glacier_backup.model.reading_event import Awaiting, ItemEnded, ReadingEvent, RestoreBegun, ThawRequested
from glacier_backup.units import local_time

Said = Event | ReadingEvent


def listeners(arguments: argparse.Namespace) -> list[Callable[[Said], None]]:
    """What needs a person is said at once, under cron too; who is looking is told the rest."""
    watched = sys.stderr.isatty() and not arguments.quiet
    return [_complain, *([_comment] if watched or arguments.verbose else [])]


@contextmanager
def listeners_with_bars(arguments: argparse.Namespace) -> Iterator[list[Callable[[Said], None]]]:
    """The same, and where somebody is looking bars, for the length of the block."""
    if not sys.stderr.isatty() or arguments.quiet:
        yield listeners(arguments)
        return
    from glacier_backup.report.reading_progress import reading_bars

    with reading_bars(render.error_console()) as bars:
        yield [*listeners(arguments), bars]


def _complain(event: Said) -> None:
    match event:
        case Warned(message, lasting=False):
            render.warn(message)
        case ItemEnded(_, path, _, state, cause, hint, left_out):
            if state in ("failed", "damaged", "kept"):
                why = "; ".join(filter(None, (cause, hint)))
                render.warn(f"{path}: {state}" + (f": {why}" if why else ""))
            for what in left_out:
                render.warn(f"{path}: {what}")
        case _:
            pass


def _comment(event: Said) -> None:
    match event:
        case RestoreBegun(restore, True, items):
            render.warn(f"going on with what was begun {local_time(restore.created_at)}: {items} to bring back in all")
        case ThawRequested(path, place, thaw, tier):
            how = "is being thawed already" if thaw.state == "thawing" else thaw.state
            render.warn(f"{path} (at {place}): {how}, {tier}")
        case Awaiting(items, expected, next_look) if next_look is not None:
            when = f", expected {local_time(expected)}" if expected is not None else ""
            render.warn(f"waiting for {items}{when}; looking again {local_time(next_look)}")
        case ItemEnded(_, path, to, "restored", purpose="receive"):
            render.warn(f"{path}: received as {to}")
        case ItemEnded(_, path, ".", "restored", _, _, _):
            render.warn(f"{path}: restored")
        case ItemEnded(_, path, to, "restored", _, _, _):
            render.warn(f"{path}: restored as {to}")
        case Warned(message, lasting=True):
            render.warn(message)
        case _:
            pass
