"""Copies of the catalog on their way to where archives go, with the note and the key that go along; which places are
behind says :mod:`glacier_backup.workflow.replicate`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from glacier_backup.catalog.snapshot import Packed, packed
from glacier_backup.destination.destination import ByteStream
from glacier_backup.errors import (
    CatalogError,
    DestinationError,
    DestinationUnavailable,
    GlacierBackupError,
    SealError,
)
from glacier_backup.model.archive import Label
from glacier_backup.model.event import Warned
from glacier_backup.model.naming import RESTORE_NOTE, catalog_key, identity_key
from glacier_backup.model.recipe import Recipe, Step, compact
from glacier_backup.model.record import CatalogCopy
from glacier_backup.model.restore_note import NOTE, NOTE_EDITION, edition_of
from glacier_backup.model.suffixes import parse_suffix
from glacier_backup.model.thaw import ThawRequest
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.plan.classes import HOT
from glacier_backup.plan.parts import TooLarge, part_size
from glacier_backup.seal.in_memory import InMemory
from glacier_backup.units import KIB, now
from glacier_backup.workflow.identity import Identity, identity_beside
from glacier_backup.workflow.replicate import Copying, Shelf
from glacier_backup.workflow.sending.intent import nonce
from glacier_backup.workflow.side_by_side import side_by_side

KEPT = 3
"""Copies that stay at each place."""

PACKED = ".sqlite3.gz"
"""What copies end in, but for the suffix of a seal."""

_LONGEST_NOTE = 64 * KIB


def put_copies(copying: Copying, shelves: Sequence[Shelf]) -> None:
    """Put a copy on each of ``shelves``, side by side. What a destination does wrong is told; raises CatalogError, and
    Interrupted."""
    with ExitStack() as stack:
        begun, changes = list(_begin(copying, shelves)), copying.catalog.changes()
        copy = stack.enter_context(packed(copying.catalog, copying.stop.check))
        side_by_side([partial(one.put, copy, changes) for one in begun], name="copy")


def put_note_beside(catalog: str) -> None:
    """Write the note into the folder of the catalog at this path, if an older one, or none, is there: for a vault,
    which has no place for it. Raises OSError."""
    path = os.path.join(os.path.dirname(catalog), RESTORE_NOTE)
    with suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as there:
        if _is_as_new(there.read(_LONGEST_NOTE)):
            return
    made = f"{path}.{os.getpid()}.new"
    try:
        with open(made, "w", encoding="utf-8") as file:
            file.write(NOTE)
        os.rename(made, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(made)


def _is_as_new(text: str) -> bool:
    """Another machine may have a newer version."""
    return text == NOTE or edition_of(text) > NOTE_EDITION


def _begin(copying: Copying, shelves: Sequence[Shelf]) -> Iterator[_Putting]:
    """Noted first: so what dies meanwhile is known, and each copy knows of itself."""
    when = now()
    for shelf in shelves:
        putting = _Putting(copying, shelf, when)
        copying.catalog.begin_copy(shelf.place, putting.locator, when)
        yield putting


class _Putting:
    """One copy on its way to one shelf."""

    def __init__(self, copying: Copying, shelf: Shelf, when: datetime) -> None:
        self._copying = copying
        self._catalog = copying.catalog
        self._shelf = shelf
        self._destination = shelf.destination
        self._check = copying.stop.check
        self._label = self._label_at(when)
        self.locator = self._destination.describe(self._label)

    def put(self, copy: Packed, changes: int) -> None:
        """Store the copy and note it, and remove what is too old."""
        try:
            self._destination.identify(holds_archives=self._holds_something())
            self._tidy()
            self._put_identity()
            seal = self._copying.seal
            with seal.sealed(copy.stream(), nonce(self._label)) as sealed:
                self._send(self._label, sealed, seal.most(copy.size))
            # As long as the copy isn't noted, the next run tidies up behind what goes along with it, too.
            self._put_note()
            self._catalog.note_copied(self._shelf.place, self.locator, changes)
        except (DestinationError, CatalogError, SealError) as error:
            self._undo(error)
            self._tell("no copy of the catalog could be put there", error)
            return
        self._remove_old()

    def _holds_something(self) -> bool:
        catalog, place = self._catalog, self._destination.place
        if any(one.changes is not None for one in catalog.copies(self._shelf.place)):
            return True
        id_ = catalog.place_id(place, trusting=True)
        return id_ is not None and catalog.holds_archives(id_)

    def _tidy(self) -> None:
        """End what earlier runs have begun and not noted. What was stored of it stays as long as others do: it may be
        the copy that this catalog was had back from."""
        for one in self._catalog.copies(self._shelf.place):
            label = self._label_at(one.begun)
            # It may have been sealed otherwise, or not at all.
            suffix = one.locator.rpartition(PACKED)[2]
            label = replace(label, suffix=suffix if parse_suffix(suffix) is not None else "")
            is_ours = one.locator != self.locator and one.locator == self._destination.describe(label)
            if one.changes is None and is_ours:
                for label_then in (label, *self._beside(one.begun)):
                    with suppress(DestinationError):
                        self._destination.abort(label_then, None, self._check)

    def _beside(self, when: datetime) -> list[Label]:
        """What goes along with the copy of that time, where it isn't there yet."""
        found = identity_beside(self._catalog.path)
        return [self._note_label(when), *([] if found is None else [self._identity_label(found, when)])]

    def _put_identity(self) -> None:
        """Before anything that it takes to open."""
        found = identity_beside(self._catalog.path)
        if found is None:
            return
        label = self._identity_label(found, self._label.time)
        if self._read(label) != found.text:
            self._send(label, InMemory(found.text), len(found.text))

    def _identity_label(self, identity: Identity, when: datetime) -> Label:
        key = identity_key(self._copying.host, identity.public_key)
        return _label(key.rpartition("/")[2], "/" + key, self._copying.host, key, when)

    def _send(self, label: Label, stream: ByteStream, size: int) -> None:
        size_of_parts = part_size(size, None, self._destination.limits)
        if isinstance(size_of_parts, TooLarge):
            raise DestinationError(str(size_of_parts))
        request = UploadRequest(label, size_of_parts, size, HOT)
        id_: str | None = None
        try:
            id_ = self._destination.begin(request, self._check)
            upload = OpenUpload(label, id_, size_of_parts)
            checksums = self._destination.send(upload, stream, lambda count: self._check())
            self._destination.complete(upload, checksums, "", self._check)
        except DestinationUnavailable:
            raise
        except (DestinationError, SealError):
            with suppress(DestinationError):
                self._destination.abort(label, id_, self._check)
            raise

    def _undo(self, error: GlacierBackupError) -> None:
        """What can't be undone now stays noted, for the next copy's turn."""
        if isinstance(error, DestinationUnavailable):
            return
        with suppress(DestinationError, CatalogError):
            self._destination.delete(self.locator, self._check)
            self._catalog.forget_copy(self._shelf.place, self.locator)

    def _remove_old(self) -> None:
        try:
            for one in _too_old(self._catalog.copies(self._shelf.place)):
                self._destination.delete(one.locator, self._check)
                self._catalog.forget_copy(self._shelf.place, one.locator)
        except (DestinationError, CatalogError) as error:
            self._tell("older copies of the catalog could not be removed", error, lasting=True)

    def _put_note(self) -> None:
        label = self._note_label(self._label.time)
        try:
            if not self._is_current(label):
                self._send(label, InMemory(NOTE.encode()), len(NOTE.encode()))
        except DestinationError as error:
            self._tell(f"{RESTORE_NOTE} could not be put there", error)

    def _note_label(self, when: datetime) -> Label:
        return _label(RESTORE_NOTE, "/" + RESTORE_NOTE, self._copying.host, RESTORE_NOTE, when)

    def _is_current(self, label: Label) -> bool:
        """Whether a note is there that is as new as ours."""
        there = self._read(label)
        return there is not None and _is_as_new(str(there, "utf-8", "replace"))

    def _read(self, label: Label) -> bytes | None:
        """The beginning of what is there; None where it isn't, or isn't for us to read."""
        buffer = memoryview(bytearray(_LONGEST_NOTE))
        try:
            thaw = self._destination.thaw(ThawRequest(self._destination.describe(label)), self._check)
            return bytes(buffer[: self._destination.fetch(thaw, 0, buffer, self._check)])
        except DestinationUnavailable:
            raise
        except DestinationError:
            return None

    def _label_at(self, when: datetime) -> Label:
        key = catalog_key(self._copying.host, when)
        label = _label("catalog.sqlite3.gz", "/" + key.partition("/")[2], self._copying.host, key, when)
        seal = self._copying.seal
        recipe = Recipe((Step("raw"), *seal.steps()))
        return replace(label, suffix=seal.suffix, recipe_id=recipe.id, seal=compact(recipe))

    def _tell(self, what: str, error: GlacierBackupError, *, lasting: bool = False) -> None:
        self._copying.tell(Warned(f"{self._shelf.name}: {_sentence(what, error)}", lasting=lasting))


def _too_old(copies: Sequence[CatalogCopy]) -> list[CatalogCopy]:
    """Of ``copies``, the newest first, all that are older than the last ones that are surely there."""
    stored = [one for one in copies if one.changes is not None]
    if len(stored) < KEPT:
        return []
    return list(copies[copies.index(stored[KEPT - 1]) + 1 :])


def _label(name: str, path: str, host: str, key: str, time: datetime) -> Label:
    return Label(name, path, host, "file", "raw", time, Recipe((Step("raw"),)).id, fixed_key=key)


def _sentence(what: str, error: GlacierBackupError) -> str:
    return f"{what}: {error}" + (f"; {error.hint}" if error.hint else "")
