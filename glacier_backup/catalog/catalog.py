"""The catalog: what was sent, where it is, and how to open it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType

from glacier_backup import __version__
from glacier_backup.catalog import places, queries, recording, takeover
from glacier_backup.catalog.database import Database
from glacier_backup.catalog.opening import open_readonly, open_writable
from glacier_backup.errors import CatalogError, SourceError
from glacier_backup.model.archive import ArchiveRecord, Member
from glacier_backup.model.event import Summary
from glacier_backup.model.place import Place
from glacier_backup.model.record import ForeignUpload, LastSent, Listed


class Catalog:
    """One open catalog. A context manager; used by one thread at a time.

    Everything that is written is on the disk when the method returns. Every method raises CatalogError, in plain
    words and with a cure, when the database is locked, damaged, read-only or on a full disk.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

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

    def last_sent(self, place_id: int, paths: Sequence[str]) -> dict[str, LastSent]:
        """The newest archive of each path that has one at that place; newest by order of recording."""
        return self._database.read(lambda connection: queries.last_sent(connection, place_id, paths))

    def begin_run(self, host: str) -> int:
        """Note that this process begins a run now; returns its id. A run that dies never gets an end."""
        with self._database.write() as connection:
            return recording.begin_run(connection, host, os.getpid(), __version__)

    def end_run(self, run_id: int, summary: Summary) -> None:
        """Note that the run has ended now, and how."""
        with self._database.write() as connection:
            recording.end_run(connection, run_id, summary)

    def record(self, run_id: int | None, place_id: int, record: ArchiveRecord, members: Iterable[Member]) -> int:
        """Note an archive that is stored, with all its members, in one transaction; returns its id.

        ``run_id`` is None outside a run. Members are taken one after the other and never all held. When the
        archive can't be recorded the CatalogError, or the SourceError that ``members`` raise, says where it is
        stored.
        """
        try:
            with self._database.write() as connection:
                archive = recording.add_archive(connection, run_id, place_id, record)
                recording.add_members(connection, archive, members)
                return archive
        except (CatalogError, SourceError) as error:
            raise _unrecorded(record, error) from error

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

    def count(self, place_id: int) -> int:
        """How many archives are recorded at that place."""
        return self._database.read(lambda connection: queries.count_archives(connection, place_id))

    def import_uploads(self, place_id: int, uploads: Iterable[ForeignUpload], source: str) -> int:
        """Take over what another system has sent to that place; returns how many archives are new.

        The last upload of a path counts, and one that is already there isn't added again. They have no
        fingerprint. ``source`` says where they come from.
        """
        with self._database.write() as connection:
            return takeover.import_uploads(connection, place_id, uploads, source)


def _unrecorded(record: ArchiveRecord, error: CatalogError | SourceError) -> CatalogError | SourceError:
    where = ", ".join(receipt.locator for receipt in record.receipts)
    return type(error)(f"{record.label.path} is stored as {where}, but could not be recorded: {error}", hint=error.hint)
