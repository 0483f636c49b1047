"""Getting it back, over days: what was asked for, how far it is, and what was found to be right."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from glacier_backup.catalog import recording, restores, thaws
from glacier_backup.catalog.copies import note_change
from glacier_backup.catalog.opened import Opened
from glacier_backup.errors import CatalogError
from glacier_backup.model.archive import Receipt
from glacier_backup.model.restore import ItemRecord, ItemState, RestoreItem, RestoreRecord, Wish
from glacier_backup.model.thaw import ThawRecord, ThawState
from glacier_backup.spool import Spool


class Restoring(Opened):
    """Each step is on the disk when its method returns, so that any later process can go on."""

    def begin_restore(self, wish: Wish, items: Iterable[RestoreItem]) -> int:
        """Note what was asked for, and all that it takes, as planned; returns its id. All or nothing.

        Items may be millions, and may be made from what the catalog answers: they are all taken first, to disk.
        """
        taken = items if isinstance(items, Collection) else Spool(items)
        with self._database.write() as connection:
            return restores.begin(connection, wish, taken)

    def restore_like(self, wish: Wish) -> RestoreRecord | None:
        """The newest with the same :attr:`Wish.key`, ended or not."""
        return self._database.read(lambda connection: restores.like(connection, wish))

    def restores(self) -> Iterator[RestoreRecord]:
        """All that were not forgotten, in the order in which they were asked for."""
        return iter(self._database.read(restores.listed))

    def items(self, restore_id: int, states: Collection[ItemState] | None = None) -> Iterator[ItemRecord]:
        """Those in one of ``states`` (None: all), in order of number. States may be changed meanwhile: no item comes
        twice, and it comes as it was when its page was read. An archive of theirs may have been forgotten."""
        return restores.items(self._database, restore_id, states)

    def count_items(self, restore_id: int) -> dict[ItemState, int]:
        """How many there are in each state that has any."""
        return self._database.read(lambda connection: restores.count(connection, restore_id))

    def set_items(self, restore_id: int, changes: Iterable[tuple[int, ItemState, str | None]]) -> None:
        """Give items, by number, another state and its cause, all in one transaction. ``changes`` must not use the
        catalog."""
        with self._database.write() as connection:
            restores.change(connection, restore_id, changes)

    def end_restore(self, restore_id: int) -> None:
        """Note that nothing of it is left to do."""
        with self._database.write() as connection:
            restores.end(connection, restore_id)

    def forget_restore(self, restore_id: int) -> None:
        """Remove it with its items; what was restored stays where it is."""
        with self._database.write() as connection:
            restores.forget(connection, restore_id)

    def note_thaws(self, records: Iterable[ThawRecord]) -> None:
        """Of the same bytes at the same place the last one counts. One transaction; ``records`` must not use the
        catalog."""
        with self._database.write() as connection:
            thaws.note(connection, records)

    def thaws(
        self,
        place_id: int | None = None,
        states: Collection[ThawState] | None = None,
        locators: Collection[str] | None = None,
    ) -> Iterator[ThawRecord]:
        """By place, locator and bytes; the inventory, which has no locator, is not among ``locators``."""
        return thaws.listed(self._database, place_id, states, locators)

    def forget_thaws(self, records: Iterable[ThawRecord]) -> None:
        """Remove what is noted of these bytes, whatever its state; in one transaction."""
        with self._database.write() as connection:
            thaws.forget(connection, records)

    def note_verified(self, archive: int, number: int, when: datetime) -> None:
        """Note when all of a volume was read, and found to be right: damage that was noted before is none."""
        self.note_all_verified([(archive, number)], when)

    def note_all_verified(self, volumes: Iterable[tuple[int, int]], when: datetime) -> None:
        """The same of many, by archive and number, in one transaction."""
        read = [*volumes]
        with self._database.write() as connection:
            recording.note_verified(connection, read, when)
            recording.clear_damage(connection, read, when, listed=False)

    def note_listed(
        self, proven: Sequence[tuple[int, int]], there: Sequence[tuple[int, int]], when: datetime, as_of: datetime
    ) -> None:
        """Note what a destination's list says: that of ``proven`` volumes the checksum is right, which counts as
        verified then, and that others are ``there``. Of both, damage that was noted up to ``as_of`` is none, unless
        reading has found it: a list tells what was stored once."""
        with self._database.write() as connection:
            recording.note_verified(connection, proven, when)
            recording.clear_damage(connection, [*proven, *there], as_of, listed=True)

    def note_damaged(self, found: Iterable[tuple[int, int, str]], when: datetime, *, listed: bool = False) -> None:
        """Note volumes, by archive and number, that were found to be missing or wrong, and in what way, in plain
        words. ``listed``: by a destination's list, which may say otherwise later; else by reading. One transaction;
        ``found`` must not use the catalog."""
        with self._database.write() as connection:
            recording.note_damaged(connection, found, when, listed=listed)

    def replace_volume(self, archive: int, number: int, receipt: Receipt) -> None:
        """Note that the bytes of an object that was missing or damaged were stored once more, and where: it counts as
        sound, and was not verified since. Raises CatalogError where there is no such
        object."""
        with self._database.write() as connection:
            if not recording.replace_volume(connection, archive, number, receipt):
                raise CatalogError(
                    f"archive {archive} has no object {number} any more: {receipt.locator} is in no catalog"
                )
            note_change(connection)
