"""The catalog: what was sent, where it is, and how to open it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime

from glacier_backup import __version__
from glacier_backup.catalog import copies, learning, places, rebuilding, recording, removing, takeover
from glacier_backup.catalog.asking import Asking
from glacier_backup.catalog.paging import VARIABLES
from glacier_backup.catalog.restoring import Restoring
from glacier_backup.catalog.sending import Sending
from glacier_backup.catalog.taking_over import TakingOver
from glacier_backup.chunks import in_chunks
from glacier_backup.model.archive import Checksums, Member
from glacier_backup.model.event import Summary
from glacier_backup.model.place import Place
from glacier_backup.model.record import CatalogCopy, ForeignUpload
from glacier_backup.model.stored import Rebuilt


class Catalog(Asking, Restoring, Sending, TakingOver):
    """One open catalog. A context manager. Safe to use from several threads, which take turns.

    Everything that is written is one transaction, and on the disk when the method returns. Every method raises
    CatalogError, in plain words and with a cure, when the database is locked, damaged, read-only or on a full disk.

    What is stored is asked by the methods of :class:`Asking`, sending it is noted by those of :class:`Sending`, getting
    it back by those of :class:`Restoring`.
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

    def unknown_groups(self, place_id: int) -> list[int]:
        """The ids of groups of ours that are stored at that place, and of which no member is known, in order of
        intent."""
        return self._database.read(lambda connection: learning.unknown(connection, place_id))

    def learn(self, archive_id: int, members: Iterable[Member], checksums: Mapping[int, Checksums]) -> None:
        """Note what is in such a group, in stream order, and what its volumes add up to, by their numbers, where that
        isn't known: from then on its files are known as if it had just been sent. ``members`` must not use the
        catalog."""
        with self._database.write() as connection:
            learning.learn(connection, archive_id, members, checksums)

    def forget_archives(self, ids: Iterable[int]) -> None:
        """Forget archives, with all that belongs to them, a chunk at a time."""
        for chunk in in_chunks(ids, VARIABLES // 2):
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
