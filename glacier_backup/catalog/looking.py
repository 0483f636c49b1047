"""What is asked most: the part of the catalog that does without SQLAlchemy, whose loading takes longer than answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from glacier_backup.catalog import deleted, finding, listing, patterns, place_rows
from glacier_backup.catalog.opened import Opened
from glacier_backup.catalog.paging import VARIABLES
from glacier_backup.chunks import in_chunks
from glacier_backup.model.place import Place
from glacier_backup.model.record import Listed
from glacier_backup.model.stored import Found


class Looking(Opened):
    """Answers that may be long come a page at a time: nothing is held in full, and others may write meanwhile, which
    is then in it or not. Nothing comes twice."""

    def places(self) -> list[tuple[int, Place]]:
        """Every place that is known, with its id."""
        return self._database.ask(place_rows.listed)

    def deleted_at(self, place_id: int, paths: Sequence[str]) -> dict[str, tuple[int, datetime]]:
        """Of those of some paths that :meth:`Sending.expire` was told to be deleted the last time: the highest id of
        an archive then, and when that was."""
        found: dict[str, tuple[int, datetime]] = {}
        for chunk in in_chunks(paths, VARIABLES):
            found |= self._database.ask(partial(deleted.deleted_at, destination=place_id, paths=chunk))
        return found

    def archives(self, since: datetime | None = None) -> Iterator[Listed]:
        """Everything that was sent at ``since`` or later, the newest last. What others record meanwhile may be
        left out."""
        return listing.listed(self._database, since)

    def find(self, text: str, *, glob: bool) -> Iterator[Found]:
        """Stored archives by path or name, and their members by path, of all versions: by path of the archive, its
        newest first, and an archive before its members. Files in groups are archives of their own paths.

        A ``glob`` has to match the whole or the last component, as :mod:`fnmatch` has it, case and all. Else the text
        has to be in it, letters of either case.
        """
        pattern = patterns.globbed_anywhere(text) if glob else patterns.containing(text)
        return finding.find(self._database, pattern)
