"""The beginning of a rebuilt catalog: the newest copy of one that a place has, where it is sound."""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.replacing import beside
from glacier_backup.destination.destination import Check, Destination
from glacier_backup.errors import CatalogError, DamageFound, DestinationError
from glacier_backup.flushing import name_whole
from glacier_backup.model.event import Listener, Warned
from glacier_backup.model.naming import is_catalog_copy
from glacier_backup.model.thaw import Stored, Thaw, ThawRequest
from glacier_backup.plan.told_by_key import KeyOf
from glacier_backup.units import MIB

PIECE = 8 * MIB
"""Bytes that are fetched at a time."""

LEAST_LARGEST, MOST_TIMES = 256 * MIB, 100
"""A copy that unpacks to more bytes than the first, and to that many times its size, is none that we have made."""

_GZIP = 16 + zlib.MAX_WBITS
"""What zlib calls the format of gzip (RFC 1952)."""


class Copy(NamedTuple):
    """A copy of a catalog at some place."""

    name: str
    """``HOST/.catalog/TIME.sqlite3.gz``."""
    stored: Stored
    destination: Destination

    @property
    def host(self) -> str:
        return self.name.partition("/")[0]

    @property
    def time(self) -> str:
        """As it stands in the name; the order of the text is that of the times."""
        return self.name.rpartition("/")[2]


def copies(destination: Destination, key_of: KeyOf, check: Check) -> Iterator[Copy]:
    """All that a place has which can be read at once. Nothing is asked for of one whose list takes hours: copies don't
    lie there. Raises DestinationUnavailable, DestinationError."""
    if destination.inventory_lag:
        return
    thaw = destination.thaw(ThawRequest(None), check)
    for stored in destination.inventory(thaw, check) if thaw.state == "ready" else ():
        check()
        key = key_of(stored.locator)
        if key is not None and is_catalog_copy(key.key):
            yield Copy(key.key, stored, destination)


def newest_first(found: Iterable[Copy], hosts: Collection[str], own: str) -> list[Copy]:
    """Of these ``hosts`` alone, if any are named; else those of the host that is called ``own`` come before all
    others'."""
    wanted = [one for one in found if not hosts or one.host in hosts]
    return sorted(wanted, key=lambda one: (bool(hosts) or one.host == own, one.time), reverse=True)


def take_first(found: Iterable[Copy], path: str, tell: Listener, check: Check) -> Copy | None:
    """Put the first sound copy at ``path``, where nothing is, and return which one it was; None where none is sound.

    Why one isn't is told. Raises CatalogError where the folder can't be written, and what ``check`` raises.
    """
    for copy in found:
        try:
            _take(copy, path, check)
        except (DestinationError, DamageFound, CatalogError) as error:
            tell(Warned(f"{copy.name} can't be used: {error}"))
        else:
            return copy
    return None


def _take(copy: Copy, path: str, check: Check) -> None:
    with beside(path, ".copy") as made:
        try:
            with open(made, "wb") as unpacked:
                for piece in _unpacked(copy, check):
                    unpacked.write(piece)
                unpacked.flush()
                os.fsync(unpacked.fileno())
        except OSError as error:
            raise CatalogError(f"{made} can't be written: {error.strerror}") from error
        with Catalog.open(made) as catalog:
            for trouble in catalog.check():
                raise DamageFound(trouble)
        try:
            # On a file system without hard links the lock of the run keeps others away meanwhile.
            name_whole(made, os.path.realpath(path))
        except FileExistsError as error:
            raise CatalogError(f"there is a catalog {path} by now", hint="run again: it is completed then") from error


def _unpacked(copy: Copy, check: Check) -> Iterator[bytes]:
    """Raises DamageFound for what is no gzip, breaks off, or never ends."""
    inflate = zlib.decompressobj(_GZIP)
    left = max(LEAST_LARGEST, MOST_TIMES * copy.stored.size)
    try:
        for packed in _fetched(copy, check):
            while packed and not inflate.eof:
                piece = inflate.decompress(packed, PIECE)
                packed = inflate.unconsumed_tail
                left -= len(piece)
                if left < 0:
                    raise DamageFound("it unpacks to more than any catalog has")
                yield piece
    except zlib.error as error:
        raise DamageFound(f"it can't be unpacked: {error}") from error
    if not inflate.eof:
        raise DamageFound("it breaks off")


def _fetched(copy: Copy, check: Check) -> Iterator[bytes]:
    thaw: Thaw = copy.destination.thaw(ThawRequest(copy.stored.locator), check)
    if thaw.state != "ready":
        raise DestinationError("it can't be read at once")
    buffer = memoryview(bytearray(PIECE))
    offset = 0
    while count := copy.destination.fetch(thaw, offset, buffer, check):
        yield bytes(buffer[:count])
        offset += count
        if count < len(buffer):
            return
