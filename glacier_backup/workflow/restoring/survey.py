"""A look at the target before anything is asked for: what is there already, what is in the way, is there room."""

from __future__ import annotations

from glacier_backup.errors import GlacierBackupError, TargetError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.restore import ItemRecord, ItemState
from glacier_backup.model.stored import StoredArchive
from glacier_backup.workflow.restoring.book import Book, Page, cause_of
from glacier_backup.workflow.restoring.chain_items import is_spoken_of
from glacier_backup.workflow.restoring.coverage import count
from glacier_backup.workflow.restoring.desk import folder_of
from glacier_backup.workflow.restoring.item_folder import ItemFolder
from glacier_backup.workflow.restoring.reachable import Reachable
from glacier_backup.workflow.restoring.sameness import in_the_way
from glacier_backup.workflow.restoring.several import Several, outlook
from glacier_backup.workflow.restoring.staging import Staging
from glacier_backup.workflow.restoring.target import Obstacle


class Survey:
    """Of what no run has begun with yet."""

    def __init__(self, book: Book, staging: Staging, reachable: Reachable, overwrite: bool, stop: StopRequest) -> None:
        self._book = book
        self._staging = staging
        self._reachable = reachable
        self._overwrite = overwrite
        self._stop = stop
        self._bytes = 0

    def carry_out(self, *, new: bool) -> None:
        """Every item that isn't under way is planned, or has an end already. Raises TargetError where not everything
        of a ``new`` restore fits."""
        states: set[ItemState] = {"planned", "failed"}
        if self._overwrite:
            states.add("kept")
        for page in self._book.pages(states):
            self._stop.check()
            self._look(page)
        if new:
            self._staging.target.room(self._bytes)

    def _look(self, page: Page) -> None:
        ends: list[tuple[ItemRecord, str, ItemState, GlacierBackupError | None]] = []
        for record in page.records:
            archive = page.archives.get(record.item.archive)
            state, error = self._state(record, archive)
            if state != record.state or state != "planned":
                ends.append((record, self._book.about(record, archive), state, error))
        self._book.set(
            (record.number, state, None if error is None else cause_of(error))
            for record, _, state, error in ends
            if state != record.state
        )
        for record, path, state, error in ends:
            if state != "planned" and is_spoken_of(record.item):
                self._book.tell_ended(record, path, state, error)

    def _state(self, record: ItemRecord, archive: StoredArchive | None) -> tuple[ItemState, GlacierBackupError | None]:
        if archive is None:
            return "planned", None  # what becomes of it is said where its bytes are asked for
        try:
            if (several := Several.of(record.item, archive, self._book.catalog)) is not None:
                return self._state_of_several(record, archive, several)
            self._staging.target.refuse_elsewhere(record.item.to)
            if not self._has_come(record, archive):
                found = in_the_way(record.item, archive, self._staging.target, self._book.catalog)
                if found is True:
                    return "restored", None
                if isinstance(found, Obstacle) and not self._overwrite:
                    return "kept", found
        except Obstacle as error:
            return "kept", error
        except TargetError as error:
            return "failed", error
        self._bytes += _size(record, archive)
        return "planned", None

    def _state_of_several(
        self, record: ItemRecord, archive: StoredArchive, several: Several
    ) -> tuple[ItemState, GlacierBackupError | None]:
        """Where some are missing those are fetched, whatever is at the places of others."""
        seen = outlook(several, self._staging.target, overwrite=self._overwrite)
        if not seen.missing and seen.known == len(several) and self._folder(record, archive).done() is None:
            error = seen.error(len(several))
            if isinstance(error, TargetError):
                return "failed", error
            return "restored" if error is None else "kept", error
        self._bytes += seen.bytes
        return "planned", None

    def _has_come(self, record: ItemRecord, archive: StoredArchive) -> bool:
        """Whether all of it came before, and it may have its name; of a chain, that its own part still waits for it."""
        folder = self._folder(record, archive)
        done = folder.done()
        return done is not None and (not record.item.chain or folder.is_known_complete(done))

    def _folder(self, record: ItemRecord, archive: StoredArchive) -> ItemFolder:
        return folder_of(record, archive, str(self._reachable.place(archive.place_id)), self._staging)


def _size(record: ItemRecord, archive: StoredArchive) -> int:
    """Bytes that it takes, as far as known."""
    if record.item.member is not None and (wanted := count(record.item.ranges)) is not None:
        return wanted
    if archive.kind == "dataset":
        return archive.size or 0  # the stream, and not what it is of
    return (archive.source_bytes if archive.source_bytes is not None else archive.size) or 0
