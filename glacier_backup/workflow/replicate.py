"""Keeping the catalog safe: a copy of it goes where archives go, as soon as it has changed.

Copies are called ``HOST/.catalog/TIME.sqlite3.gz``, with the suffix of their seal behind that where archives are
encrypted, and the last three that were made of this catalog stay; those of other machines, and of other catalogs of
this one, are none of its business. With the first comes ``RESTORE.md``, and before it the key that a password protects,
where archives are encrypted with such a one.

A copy that can't be made is told and fails nothing: the archives are stored and recorded, and the next run makes one,
whether it sends anything or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Destination
from glacier_backup.errors import CatalogError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Listener, Warned
from glacier_backup.seal.chain import NO_SEAL, Chain


class Shelf(NamedTuple):
    """A place for copies, which can be read at once."""

    name: str
    """As messages call it."""
    destination: Destination

    @property
    def place(self) -> str:
        """As the catalog calls it."""
        return str(self.destination.place)


@dataclass(frozen=True, slots=True)
class Copying:
    """What copies are made of, and for whom."""

    catalog: Catalog
    host: str
    tell: Listener
    stop: StopRequest
    seal: Chain = NO_SEAL
    """What encrypts copies."""


def replicate(copying: Copying, shelves: Sequence[Shelf]) -> None:
    """Put a copy of the catalog on each of ``shelves`` that has none of it as it is; sends nothing where all have.

    The caller holds the lock. Raises Interrupted, and nothing that a destination or the catalog did wrong: it is told.
    """
    try:
        each_once = {one.place: one for one in shelves}.values()
        behind = [one for one in each_once if copying.catalog.changed_since_copy(one.place)]
        if not behind or copying.stop.is_set:
            return
        from glacier_backup.workflow.catalog_copies import put_copies

        put_copies(copying, behind)
    except CatalogError as error:
        copying.tell(Warned(f"the catalog could not be copied: {error}" + (f"; {error.hint}" if error.hint else "")))
