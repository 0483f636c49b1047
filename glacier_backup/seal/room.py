"""Memory to read into."""

from __future__ import annotations

import mmap


def room(size: int) -> memoryview:
    """So many bytes, each page of which is taken when it is first written to: for a small stream a large buffer costs
    no more than a small one."""
    return memoryview(mmap.mmap(-1, size))
