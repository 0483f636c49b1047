"""Taking permissions away, and giving them back so that the folder of the tests can be removed."""

from __future__ import annotations

import ctypes
import os
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


_CAPABILITIES_3 = 0x20080522
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1 << 1, 1 << 2
_EFFECTIVE = 0


@contextmanager
def without_privilege() -> Iterator[None]:
    """Permissions hold for this thread and those that it begins, even for root (capset(2), linux/capability.h)."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0), (ctypes.c_uint32 * 6)()
    if libc.capget(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    before = data[_EFFECTIVE]
    data[_EFFECTIVE] &= ~(_DAC_OVERRIDE | _DAC_READ_SEARCH)
    if libc.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    try:
        yield
    finally:
        data[_EFFECTIVE] = before
        libc.capset(header, data)
