"""Loading what a command works with."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """A block that loads modules for a process of our own. They stay until it ends, so the collector of cycles looks
    through them neither meanwhile nor ever after."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
