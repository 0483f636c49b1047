"""What another system has stored in groups: the part of the catalog that takes them over, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import update

from glacier_backup.catalog import order_of_intent, recording
from glacier_backup.catalog.copies import note_change
from glacier_backup.catalog.opened import Opened
from glacier_backup.catalog.schema import archives
from glacier_backup.model.archive import ArchiveRecord, Member


class TakingOver(Opened):
    """First all get their places in the order of things (:meth:`reserve`), then each is recorded when all of it is
    known (:meth:`add_foreign`), in whatever order."""

    def known_there(self, place_id: int, locators: Sequence[str]) -> dict[str, int]:
        """The id of the archive that is stored at that place under each of these names, of those that are recorded."""
        return self._database.read(lambda connection: order_of_intent.known(connection, place_id, locators))

    def reserve(self, place_id: int, stored: Sequence[tuple[str, datetime]], origin: str) -> dict[str, int]:
        """An id for each of ``stored`` that isn't recorded yet: so that of two versions of a path the later one in this
        order is the newest, and neither is newer than what was sent later than ``stored`` says.

        ``stored`` are all archives of ``origin``, oldest first, each with its locator and when it was made. Where an id
        isn't used it is as if it had never been given.
        """
        with self._database.write() as connection:
            return order_of_intent.reserve(connection, place_id, stored, origin)

    def add_foreign(
        self, place_id: int, id: int, record: ArchiveRecord, members: Iterable[Member], origin: str
    ) -> None:
        """Record an archive that is stored, in one object, which ``record`` has the receipt of, under an id that
        :meth:`reserve` has given; ``origin`` says who has stored it. ``members`` must not use the catalog."""
        (receipt,) = record.receipts
        with self._database.write() as connection:
            recording.add_archive(connection, None, place_id, record, id=id)
            recording.add_volume(connection, id, 1, receipt, {})
            recording.note_sent(connection, id, receipt.size, receipt.stored_at)
            connection.execute(update(archives).where(archives.c.id == id).values(origin=origin))
            recording.set_contents(connection, id, record, members)
            note_change(connection)
