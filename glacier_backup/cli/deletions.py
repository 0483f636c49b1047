"""What is known to have been deleted at its source, said of what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from glacier_backup.chunks import in_chunks
from glacier_backup.model.stored import Found, StoredArchive

if TYPE_CHECKING:
    from glacier_backup.catalog.looking import Looking

_TOGETHER = 500


def told(catalog: Looking, archives: Iterable[StoredArchive]) -> Iterator[StoredArchive]:
    """``archives`` with :attr:`StoredArchive.deleted_at`, looked up some at a time."""
    for some in in_chunks(archives, _TOGETHER):
        known = _known(catalog, some)
        for one in some:
            last = known.get((one.place_id, one.path))
            yield one if last is None or last[0] < one.id else replace(one, deleted_at=last[1])


def told_of_found(catalog: Looking, found: Iterable[Found]) -> Iterator[Found]:
    """The same of what was found: a member of an archive is told of with that."""
    for some in in_chunks(found, _TOGETHER):
        archives = told(catalog, [one.archive for one in some])
        yield from (replace(one, archive=archive) for one, archive in zip(some, archives, strict=True))


def _known(catalog: Looking, archives: Iterable[StoredArchive]) -> dict[tuple[int, str], tuple[int, datetime]]:
    by_place: dict[int, dict[str, None]] = {}
    for one in archives:
        by_place.setdefault(one.place_id, {})[one.path] = None
    return {
        (place, path): last
        for place, paths in by_place.items()
        for path, last in catalog.deleted_at(place, list(paths)).items()
    }
