"""Signs of life while a place is listed and looked at, for a person who is watching."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from glacier_backup.cli import render

if TYPE_CHECKING:
    from glacier_backup.model.event import Event
    from glacier_backup.model.finding import Looked, LookListener


@contextmanager
def watching(arguments: argparse.Namespace) -> Iterator[LookListener]:
    """A listener that shows how far it is, on one line of a terminal."""
    if arguments.quiet or not sys.stderr.isatty():
        yield _ignore
        return
    with render.error_console().status("…") as status:
        yield lambda looked: status.update(f"{looked.place}: {looked.count:,} {looked.doing}")


def _ignore(looked: Looked) -> None:
    return


def complain(event: Event) -> None:
    """What destinations have to say that needs a person."""
    from glacier_backup.model.event import Warned

    match event:
        case Warned(message, lasting=False):
            render.warn(message)
        case _:
            pass
