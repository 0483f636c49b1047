"""The catalog: what was sent, where it is, and how to open it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial

from glacier_backup import __version__
from glacier_backup.catalog import copies, places, queries, rebuilding, recording, removing, takeover, uploads
from glacier_backup.catalog.asking import Asking
from glacier_backup.catalog.paging import in_chunks
from glacier_backup.catalog.restoring import Restoring
from glacier_backup.errors import CatalogError
from glacier_backup.model.archive import ArchiveRecord, Checksums, Member, Receipt
from glacier_backup.model.event import Summary
from glacier_backup.model.place import Place
from glacier_backup.model.record import CatalogCopy, ForeignUpload
from glacier_backup.model.stored import Rebuilt
from glacier_backup.model.upload import Unfinished


class Catalog(Asking, Restoring):
    """One open catalog. A context manager. Safe to use from several threads, which take turns.

    Everything that is written is one transaction, and on the disk when the method returns. Every method raises
    CatalogError, in plain words and with a cure, when the database is locked, damaged, read-only or on a full disk.

    An archive is recorded in steps, each before the next one is asked of the destination: :meth:`intend`,
    :meth:`opened`, :meth:`completing`, :meth:`stored`. Until the last it is :meth:`unfinished` and nothing else.

    What is stored is asked by the methods of :class:`Asking`, getting it back is noted by those of :class:`Restoring`.
    """

    def register(self, place: Place, identified: Place) -> int:
        """The id of ``place``, made known if it is new.

        ``identified`` is the same place as its destination names it, with the account's number for ``-``, or
        ``place`` itself where nobody was asked. Places that turn out to be one become one, with all archives.
        Where ``-`` is reached otherwise than before (``place.reached_by``) it moves to the account that it stands
        for now, and what was sent to the other stays there. Raises CatalogError when it is reached in the same way
        and stood for another account until now.
        """
        with self._database.write() as connection:
            return places.register(connection, place, identified)

    def mark(self, place: Place) -> None:
        """Note that the directory ``place`` bears our marker, so that one without is known to be another."""
        with self._database.write() as connection:
            places.mark(connection, places.register(connection, place, place))

    def begin_run(self, host: str) -> int:
        """Note that this process begins a run now; returns its id. A run that dies never gets an end."""
        with self._database.write() as connection:
            return recording.begin_run(connection, host, os.getpid(), __version__)

    def end_run(self, run_id: int, summary: Summary) -> None:
        """Note that the run has ended now, and how."""
        with self._database.write() as connection:
            recording.end_run(connection, run_id, summary)

    def intend(self, run_id: int | None, place_id: int, record: ArchiveRecord, part_size: int) -> int:
        """Note that an archive is about to be sent in parts of so many bytes; returns its id.

        ``record`` has no receipts yet. ``run_id`` is None outside a run.
        """
        with self._database.write() as connection:
            return uploads.intend(connection, run_id, place_id, record, part_size)

    def opened(self, archive: int, upload_id: str) -> None:
        """Note what the destination calls the upload, before the first part is sent; and again when a run goes on
        with it, for it counts as begun then."""
        with self._database.write() as connection:
            uploads.opened(connection, archive, upload_id)

    def completing(self, archive: int, record: ArchiveRecord, checksums: Checksums, members: Iterable[Member]) -> None:
        """Note that every part is stored, what they add up to and what is inside, before the destination is told.

        Of ``record`` fingerprint, problems and whether it changed take the place of what was intended. May be
        repeated: members and problems of before are replaced. Members are taken one after the other and never all
        held; what they raise is raised, and nothing is noted then. They must not use the catalog.
        """
        with self._database.write() as connection:
            uploads.completing(connection, archive, record, checksums, members)

    def stored(self, archive: int, receipt: Receipt) -> None:
        """Note that the destination has made an archive of the upload; from now on it counts as sent.

        When that can't be noted the CatalogError says where the archive is, and has the bare one as its cause.
        """
        try:
            with self._database.write() as connection:
                uploads.stored(connection, archive, receipt)
        except CatalogError as error:
            raise CatalogError(
                f"stored as {receipt.locator}, but could not be recorded: {error}", hint=error.hint
            ) from error

    def give_up(self, archive: int) -> None:
        """Forget an archive that will not be stored, with all that belongs to it, if it is still there."""
        with self._database.write() as connection:
            uploads.give_up(connection, archive)

    def doubt(self, archive: int) -> None:
        """Note that nobody knows whether the upload was completed: it is neither sent nor unfinished any more, and
        stays, with its checksums, until an inventory tells."""
        with self._database.write() as connection:
            uploads.doubt(connection, archive)

    def doubtful(self, place_id: int) -> Iterator[Unfinished]:
        """What :meth:`doubt` was said of at that place, in order of intent. It may be settled or given up meanwhile."""
        last = queries.BEFORE_ALL
        while found := self._database.read(partial(uploads.doubtful, destination=place_id, after=last)):
            yield found
            last = found.archive

    def settle(self, archive: int, receipt: Receipt) -> None:
        """Note that a doubtful archive is stored after all: as :meth:`stored`, in the place that its intent has in the
        order of its path."""
        self.stored(archive, receipt)

    def unfinished(self, place_id: int) -> tuple[Unfinished, ...]:
        """What was begun at that place and is neither stored, given up nor doubtful, in order of intent."""
        return self._database.read(lambda connection: uploads.unfinished(connection, place_id))

    def import_uploads(self, place_id: int, foreign: Iterable[ForeignUpload], source: str) -> int:
        """Take over what another system has sent to that place; returns how many archives are new.

        The last upload of a path counts, and one that is already there isn't added again. They have no
        fingerprint. ``source`` says where they come from.
        """
        with self._database.write() as connection:
            return takeover.import_uploads(connection, place_id, foreign, source)

    def add_rebuilt(self, place_id: int, found: Iterable[Rebuilt]) -> int:
        """Add what that place was found to hold, oldest first; returns how many archives are new.

        One whose locator is known there isn't added again. There may be millions: they are noted a chunk at a time,
        and after a crash the next time adds what is missing. What is older than the newest archive of its path
        doesn't become the newest.
        """
        return rebuilding.add_rebuilt(self._database, place_id, found)

    def forget_archives(self, ids: Iterable[int]) -> None:
        """Forget archives, with all that belongs to them, a chunk at a time."""
        for chunk in in_chunks(ids, queries.VARIABLES // 2):
            with self._database.write() as connection:
                removing.forget(connection, chunk)

    def changes(self) -> int:
        """How often what is stored has changed; to be asked before :meth:`copy_to`, and to be told to
        :meth:`note_copied`."""
        return self._database.read(copies.count)

    def begin_copy(self, place: str, locator: str, when: datetime) -> None:
        """Note that a copy is about to be put at ``place``, whatever the caller calls it, as ``locator``."""
        with self._database.write() as connection:
            copies.begin(connection, place, locator, when)

    def note_copied(self, place: str, locator: str, changes: int) -> None:
        """Note that the copy which was begun is there, and holds so many changes."""
        with self._database.write() as connection:
            copies.note_copied(connection, place, locator, changes)

    def copies(self, place: str) -> tuple[CatalogCopy, ...]:
        """Those that were put, or begun, at ``place``, the newest first."""
        return self._database.read(lambda connection: copies.at(connection, place))

    def forget_copy(self, place: str, locator: str) -> None:
        """Note that there is no such copy, or nothing of it, any more."""
        with self._database.write() as connection:
            copies.forget(connection, place, locator)

    def changed_since_copy(self, place: str) -> bool:
        """Whether anything has changed since the copy at ``place``; where none was made, since the beginning."""
        return self._database.read(lambda connection: copies.is_behind(connection, place))
