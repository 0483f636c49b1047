"""What the catalog is told of one run's archives, step by step, so that the next run can go on from any of them."""

from __future__ import annotations

from collections.abc import Iterable

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import ArchiveRecord, Checksums, Member, Receipt
from glacier_backup.model.upload import Unfinished


class Journal:
    """The catalog of one run at one place. Safe to use from several threads."""

    def __init__(self, catalog: Catalog, place_id: int, run_id: int | None, left: Iterable[Unfinished] = ()) -> None:
        """``left`` is what earlier runs have left unfinished."""
        self._catalog = catalog
        self._place_id = place_id
        self._run_id = run_id
        self._left: dict[str, list[Unfinished]] = {}
        for one in left:
            self._left.setdefault(one.record.label.path, []).append(one)

    def take(self, path: str) -> list[Unfinished]:
        """What earlier runs have left of ``path``, handed out once: who takes it goes on with it or ends it."""
        return self._left.pop(path, [])

    def untaken(self) -> list[Unfinished]:
        """What nobody took."""
        return [one for path in list(self._left) for one in self.take(path)]

    def intend(self, record: ArchiveRecord, part_size: int) -> int:
        """Before the destination hears of the archive; its id."""
        return self._catalog.intend(self._run_id, self._place_id, record, part_size)

    def opened(self, archive: int, upload_id: str) -> None:
        """Before the first part."""
        self._catalog.opened(archive, upload_id)

    def completing(self, archive: int, record: ArchiveRecord, checksums: Checksums, members: Iterable[Member]) -> None:
        """After the last part, before the destination is told to make an archive of them."""
        self._catalog.completing(archive, record, checksums, members)

    def stored(self, archive: int, receipt: Receipt) -> None:
        """The destination has it."""
        self._catalog.stored(archive, receipt)

    def doubt(self, archive: int) -> None:
        """The destination may have it."""
        self._catalog.doubt(archive)

    def give_up(self, archive: int) -> None:
        """The destination hasn't got it, nor any part of it."""
        self._catalog.give_up(archive)
