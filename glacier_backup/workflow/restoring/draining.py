"""Reading what nobody keeps, for the sake of its checksum."""

from __future__ import annotations

from collections.abc import Callable

from glacier_backup.pack.unpacker import ArchiveBytes
from glacier_backup.units import MIB


def drain(stream: ArchiveBytes, check: Callable[[], object] = lambda: None) -> None:
    """Read ``stream`` to its end; ``check`` is asked now and then."""
    buffer = memoryview(bytearray(MIB // 4))
    while stream.readinto(buffer):
        check()
