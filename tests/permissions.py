"""Taking permissions away, and giving them back so that the folder of the tests can be removed."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def with_mode(path: Path, mode: int = 0) -> Iterator[None]:
    """``path`` has these permissions inside the block."""
    before = stat.S_IMODE(path.stat().st_mode)
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(before)
