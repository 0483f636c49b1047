"""The catalog: what was sent, where it is, and how to open it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType

from glacier_backup import __version__
from glacier_backup.catalog import places, queries, recording, takeover, uploads
from glacier_backup.catalog.database import Database
from glacier_backup.catalog.opening import open_readonly, open_writable
from glacier_backup.errors import CatalogError
from glacier_backup.model.archive import ArchiveRecord, Checksums, Member, Receipt
from glacier_backup.model.event import Summary
from glacier_backup.model.place import Place
from glacier_backup.model.record import ForeignUpload, LastSent, Listed
from glacier_backup.model.upload import Unfinished


class Catalog:
    """One open catalog. A context manager. Safe to use from several threads, which take turns.

    Everything that is written is one transaction, and on the disk when the method returns. Every method raises
    CatalogError, in plain words and with a cure, when the database is locked, damaged, read-only or on a full disk.

    An archive is recorded in steps, each before the next one is asked of the destination: :meth:`intend`,
    :meth:`opened`, :meth:`completing`, :meth:`stored`. Until the last it is :meth:`unfinished` and nothing else.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.warnings: tuple[str, ...] = database.warnings
        """What a person should know about where it lies, in plain words."""

    @classmethod
    def open(cls, path: str) -> Catalog:
        """The catalog at ``path``, for writing. If there is no file, a new one is made (0600, its folder 0700); one
        of an older schema is brought to the newest. A file that is no catalog, or one of a newer program, is left
        as it is: CatalogError."""
        return cls(open_writable(path))

    @classmethod
    def peek(cls, path: str) -> Catalog:
        """The catalog at ``path``, for dry runs and lists: nothing is written, not even a file beside it, and
        another process may be writing. Where there is no file it is empty. Its writing methods fail."""
        return cls(open_readonly(path))

    def __enter__(self) -> Catalog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def place_id(self, place: Place, *, trusting: bool = False) -> int | None:
        """The id of a place that was registered before, without asking it; None for one that is new.

        Account ``-`` means the account that it stood for last, if it is still reached in the same way
        (``reached_by``) or when ``trusting``, as a dry run is, which may have no credentials at all. A region that
        isn't known ("") means that of the only vault of that name. Before anything is sent :meth:`register` has to
        make sure.
        """
        return self._database.read(lambda connection: places.find(connection, place, trusting=trusting))

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

    def is_marked(self, place_id: int) -> bool:
        """Whether :meth:`mark` was told of that place."""
        return self._database.read(lambda connection: places.is_marked(connection, place_id))

    def last_sent(self, place_id: int, paths: Sequence[str]) -> dict[str, LastSent]:
        """The newest stored archive of each path that has one at that place; newest by order of intent."""
        return self._database.read(lambda connection: queries.last_sent(connection, place_id, paths))

    def has_key(self, place_id: int, key: str) -> bool:
        """Whether anything that was sent to that place, of whatever path and however long ago, has that fixed key."""
        return self._database.read(lambda connection: queries.has_key(connection, place_id, key))

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

    def unfinished(self, place_id: int) -> tuple[Unfinished, ...]:
        """What was begun at that place and is neither stored, given up nor doubtful, in order of intent."""
        return self._database.read(lambda connection: uploads.unfinished(connection, place_id))

    def archives(self, since: datetime | None = None) -> Iterator[Listed]:
        """Everything that was sent at ``since`` or later, the newest last. What others record meanwhile may be
        left out."""
        after: queries.Mark | None = None
        while page := self._database.read(partial(queries.list_archives, since=since, after=after)):
            yield from (listed for _, listed in page)
            after = page[-1][0]

    def members(self, archive_id: int) -> Iterator[Member]:
        """The members of one archive, in stream order."""
        start = 0
        while page := self._database.read(partial(queries.list_members, archive=archive_id, start=start)):
            yield from page
            start += len(page)

    def has_imported(self, source: str) -> bool:
        """Whether any archive was taken over from ``source``, as :meth:`import_uploads` was given it, at whatever
        place."""
        return self._database.read(lambda connection: queries.has_origin(connection, source))

    def holds_archives(self, place_id: int) -> bool:
        """Whether any archive is known to be stored at that place."""
        return self._database.read(lambda connection: queries.holds_archives(connection, place_id))

    def import_uploads(self, place_id: int, foreign: Iterable[ForeignUpload], source: str) -> int:
        """Take over what another system has sent to that place; returns how many archives are new.

        The last upload of a path counts, and one that is already there isn't added again. They have no
        fingerprint. ``source`` says where they come from.
        """
        with self._database.write() as connection:
            return takeover.import_uploads(connection, place_id, foreign, source)
