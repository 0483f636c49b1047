"""The beginning of a rebuilt catalog: the newest copy of one that a place has, where it is sound and can be opened."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.replacing import beside
from glacier_backup.destination.destination import Check, Destination
from glacier_backup.errors import CatalogError, DamageFound, DestinationError, KeyNeeded, SealError, WrongKey
from glacier_backup.flushing import name_whole
from glacier_backup.model.event import Listener, Warned
from glacier_backup.model.naming import is_catalog_copy
from glacier_backup.model.recipe import Step
from glacier_backup.model.suffixes import steps_of_suffix
from glacier_backup.model.thaw import Stored, Thaw, ThawRequest
from glacier_backup.plan.told_by_key import KeyOf
from glacier_backup.seal.age_keys import ARMORED, PLAIN
from glacier_backup.seal.chain import NO_SEAL, Chain
from glacier_backup.seal.joined import Volume
from glacier_backup.seal.keys import NO_KEYS, Keys
from glacier_backup.seal.opening import opened
from glacier_backup.units import KIB, MIB

PIECE = 8 * MIB
"""Bytes that are fetched at a time."""

LEAST_LARGEST, MOST_TIMES = 256 * MIB, 100
"""A copy that unpacks to more bytes than the first, and to that many times its size, is none that we have made."""

PACKED = ".sqlite3.gz"
"""Behind it comes the suffix of the seal."""

_LONGEST_IDENTITY = 64 * KIB
_IDENTITY = re.compile(r"[^/]+/\.keys/(identity-[0-9a-f]{16}\.age)")
"""See :func:`glacier_backup.model.naming.identity_key`."""

_GZIP = 16 + zlib.MAX_WBITS
"""What zlib calls the format of gzip (RFC 1952)."""


class Copy(NamedTuple):
    """A copy of a catalog at some place, or of the key that opens one."""

    name: str
    """``HOST/.catalog/TIME.sqlite3.gz``, with the suffix of its seal; ``HOST/.keys/identity-….age``."""
    stored: Stored
    destination: Destination

    @property
    def host(self) -> str:
        return self.name.partition("/")[0]

    @property
    def time(self) -> str:
        """As it stands in the name; the order of the text is that of the times."""
        return self.name.rpartition("/")[2]

    @property
    def is_catalog(self) -> bool:
        return is_catalog_copy(self.name)


class Opening(NamedTuple):
    """How sealed copies are opened."""

    keys: Callable[[], Keys] = lambda: NO_KEYS
    """Asked for when the first of them is; identity files may lie beside the catalog by then."""
    seal: Chain = NO_SEAL
    """How copies are sealed now: those with its suffix had its parameters, it is supposed."""

    def steps(self, name: str) -> Sequence[Step]:
        """Of the seal of the copy with this name; none for one that is none."""
        suffix = name.rpartition(PACKED)[2]
        return self.seal.steps() if suffix == self.seal.suffix else steps_of_suffix(suffix)


UNSEALED = Opening()


def copies(destination: Destination, key_of: KeyOf, check: Check) -> Iterator[Copy]:
    """All that a place has which can be read at once, with the identity files that lie there. Nothing is asked for of
    one whose list takes hours: copies don't lie there. Raises DestinationUnavailable, DestinationError."""
    if destination.inventory_lag:
        return
    thaw = destination.thaw(ThawRequest(None), check)
    for stored in destination.inventory(thaw, check) if thaw.state == "ready" else ():
        check()
        key = key_of(stored.locator)
        if key is not None and (is_catalog_copy(key.key) or _IDENTITY.fullmatch(key.key)):
            yield Copy(key.key, stored, destination)


def newest_first(found: Iterable[Copy], hosts: Collection[str], own: str) -> list[Copy]:
    """Of these ``hosts`` alone, if any are named; else those of the host that is called ``own`` come before all
    others'."""
    wanted = [one for one in found if one.is_catalog and (not hosts or one.host in hosts)]
    return sorted(wanted, key=lambda one: (bool(hosts) or one.host == own, one.time), reverse=True)


def take_identities(found: Iterable[Copy], catalog: str, tell: Listener, check: Check) -> None:
    """Put the identity files among ``found`` into the folder of the catalog at this path, where they aren't there yet.

    They are encrypted with passwords, so whoever knows one can open with them; what isn't encrypted stays where it is,
    for anybody may have put it there. What can't be had is told. Raises CatalogError where the folder can't be written,
    and what ``check`` raises.
    """
    for one in found:
        name = _IDENTITY.fullmatch(one.name)
        path = os.path.join(os.path.dirname(os.path.realpath(catalog)), name[1] if name else "")
        if name is None or os.path.lexists(path):
            continue
        try:
            _take_identity(one, path, check)
        except DestinationError as error:
            tell(Warned(f"{one.name} can't be used: {error}"))


def _take_identity(one: Copy, path: str, check: Check) -> None:
    buffer = memoryview(bytearray(_LONGEST_IDENTITY))
    count = _Fetched(one, check).readinto(buffer)
    if not bytes(buffer[:count]).startswith((PLAIN, ARMORED)):
        raise DestinationError("it is no key that a password protects")
    with beside(path, ".new") as made:
        try:
            with open(made, "wb") as file:
                file.write(buffer[:count])
                file.flush()
                os.fsync(file.fileno())
            name_whole(made, path)
        except OSError as error:
            raise CatalogError(f"{path} can't be written: {error.strerror}") from error


def take_first(
    found: Iterable[Copy], path: str, tell: Listener, check: Check, opening: Opening = UNSEALED
) -> Copy | None:
    """Put the first sound copy at ``path``, where nothing is, and return which one it was; None where none is sound.

    Why one isn't is told. Raises KeyNeeded and WrongKey where all that is missing is the key: without the copy hardly
    anything is known of what was sealed for the same one. Raises CatalogError where the folder can't be written, and
    what ``check`` raises.
    """
    locked: SealError | None = None
    for copy in found:
        try:
            _take(copy, path, check, opening)
        except (KeyNeeded, WrongKey) as error:
            locked = locked or _locked(copy, error)
        except (DestinationError, DamageFound, CatalogError, SealError) as error:
            hint = f"; {error.hint}" if isinstance(error, SealError) and error.hint else ""
            tell(Warned(f"{copy.name} can't be used: {error}{hint}"))
        else:
            if locked is not None:
                tell(Warned(f"{locked}; {copy.name} is used in its place"))
            return copy
    if locked is not None:
        raise locked
    return None


def _locked(copy: Copy, error: SealError) -> SealError:
    hint = f"{error.hint}; " if error.hint else ""
    return type(error)(f"{copy.name} can't be opened: {error}", hint=f"{hint}--no-copy goes without it")


def _take(copy: Copy, path: str, check: Check, opening: Opening) -> None:
    with beside(path, ".copy") as made:
        try:
            with open(made, "wb") as unpacked:
                for piece in _unpacked(copy, check, opening):
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


def _unpacked(copy: Copy, check: Check, opening: Opening) -> Iterator[bytes]:
    """Raises DamageFound for what is no gzip, breaks off, or never ends."""
    inflate = zlib.decompressobj(_GZIP)
    left = max(LEAST_LARGEST, MOST_TIMES * copy.stored.size)
    try:
        for packed in _opened(copy, check, opening):
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


def _opened(copy: Copy, check: Check, opening: Opening) -> Iterator[bytes]:
    """The bytes that gzip has made."""
    steps = opening.steps(copy.name)
    buffer = memoryview(bytearray(PIECE))
    volume = Volume(_Fetched(copy, check))
    with opened(iter([volume]), steps, opening.keys() if steps else NO_KEYS) as stream:
        while count := stream.readinto(buffer):
            yield bytes(buffer[:count])


class _Fetched:
    """The bytes of a copy, from front to end."""

    def __init__(self, copy: Copy, check: Check) -> None:
        self._destination = copy.destination
        self._check = check
        self._thaw: Thaw = self._destination.thaw(ThawRequest(copy.stored.locator), check)
        if self._thaw.state != "ready":
            raise DestinationError("it can't be read at once")
        self._offset = 0

    def readinto(self, buffer: memoryview) -> int:
        count = self._destination.fetch(self._thaw, self._offset, buffer, self._check)
        self._offset += count
        return count
