"""Groups in a catalog, and what it tells of them."""

from __future__ import annotations

from sqlalchemy import Table, func, select

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.schema import grouped, looks
from glacier_backup.model.archive import ArchiveRecord, Member
from glacier_backup.model.place import Place
from glacier_backup.model.stored import ArchiveFilter
from tests.catalog.values import (
    LOCAL,
    a_group,
    record,
)

PHOTOS = "/srv/photos"
INSIDE = ArchiveFilter(inside=True)


def stored(catalog: Catalog, *files: Member, group: ArchiveRecord | None = None, place: Place = LOCAL) -> int:
    """Record a group of these; returns its id."""
    return record(catalog, None, catalog.register(place, place), group or a_group(), files)


def told(catalog: Catalog, wanted: ArchiveFilter = INSIDE) -> list[tuple[str, int]]:
    return [(one.path, one.id) for one in catalog.stored_archives(wanted)]


def rows(catalog: Catalog) -> tuple[int, int]:
    """How many paths and looks there are."""

    def count(table: Table) -> int:
        return catalog.ask(lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one())

    return count(grouped), count(looks)
