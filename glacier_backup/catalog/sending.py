"""What is on its way: the half of the catalog that is told of each step of sending."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from glacier_backup.catalog import expiring, objects, queries, touching, uploads, vanishing
from glacier_backup.catalog.opened import Opened
from glacier_backup.errors import CatalogError
from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, Member, Receipt
from glacier_backup.model.upload import Unfinished


class Sending(Opened):
    """An archive is recorded in steps, each before the next one is asked of the destination: :meth:`intend`,
    :meth:`opened`, :meth:`completing`, :meth:`stored`. Until the last it is :meth:`unfinished` and nothing else.

    One that is sealed in volumes is several objects: :meth:`intend`; for each of them :meth:`begin_object`,
    :meth:`opened`, :meth:`object_sent`, :meth:`object_stored`; :meth:`set_contents`, when the stream has come to its
    end; and :meth:`finish`. Which of the two an archive is shows in its recipe.
    """

    def intend(self, run_id: int | None, place_id: int, record: ArchiveRecord, part_size: int) -> int:
        """Note that an archive is about to be sent in parts of so many bytes; returns its id.

        ``record`` has no receipts yet, and its label is that of the whole. ``run_id`` is None outside a run.
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
        held; what they raise is raised, and nothing is noted then. They must not use the catalog. Those of a group
        are noted by their paths, too, and count as sent when it is stored.
        """
        with self._database.write() as connection:
            uploads.completing(connection, archive, record, checksums, members)

    def note_vanished(self, archive: int, paths: Iterable[str]) -> None:
        """Note what an increment on its way lists as deleted, before it can be known to be stored. May be repeated;
        ``paths`` must not use the catalog."""
        with self._database.write() as connection:
            vanishing.note(connection, archive, paths)

    def stored(self, archive: int, receipt: Receipt) -> None:
        """Note that the destination has made an archive of the upload; from now on it counts as sent.

        When that can't be noted the CatalogError says where the archive is, and has the bare one as its cause.
        """
        with _saying_where(receipt), self._database.write() as connection:
            uploads.stored(connection, archive, receipt)

    def begin_object(self, archive: int, label: Label, part_size: int) -> None:
        """Note that the next of several objects is about to be sent: of ``label`` the suffix, volume and role.

        There is one at a time: what was noted of another that was on its way is forgotten. :meth:`opened` comes next.
        """
        with self._database.write() as connection:
            objects.begin(connection, archive, label, part_size)

    def object_sent(self, archive: int, checksums: Checksums, slice_sha256: str | None) -> None:
        """Note that every part of the object on its way is stored and what they add up to, before the destination is
        told. ``slice_sha256``: see :class:`~glacier_backup.model.stored.StoredVolume`. May be repeated."""
        with self._database.write() as connection:
            objects.sent(connection, archive, checksums, slice_sha256)

    def object_stored(self, archive: int, receipt: Receipt) -> None:
        """Note that the destination has made an object of the upload: it is among :attr:`Unfinished.stored`, with the
        next number, and none is on its way. Raises as :meth:`stored`."""
        with _saying_where(receipt), self._database.write() as connection:
            objects.stored(connection, archive, receipt)

    def drop_object(self, archive: int) -> None:
        """Note that what was on its way, if anything, came to nothing; objects that are stored stay."""
        with self._database.write() as connection:
            objects.drop(connection, archive)

    def object_gone(self, archive: int, number: int) -> None:
        """Note that a stored object of an archive that isn't finished was removed; nothing else happens to it. Its
        number is used again if it was the last."""
        with self._database.write() as connection:
            objects.gone(connection, archive, number)

    def set_contents(self, archive: int, record: ArchiveRecord, members: Iterable[Member]) -> None:
        """Note what is inside an archive of several objects, and of ``record`` what :meth:`completing` notes; in the
        same way."""
        with self._database.write() as connection:
            objects.set_contents(connection, archive, record, members)

    def finish(self, archive: int) -> None:
        """Note that all objects of the archive are stored; from now on it counts as sent. Raises CatalogError while one
        is on its way, and where there is none at all."""
        with self._database.write() as connection:
            objects.finish(connection, archive)

    def give_up(self, archive: int) -> None:
        """Forget an archive that will not be stored, with all that belongs to it, if it is still there."""
        with self._database.write() as connection:
            uploads.give_up(connection, archive)

    def doubt(self, archive: int) -> None:
        """Note that nobody knows whether the upload was completed: it is neither sent nor unfinished any more, and
        stays, with its checksums, until an inventory tells. Of an archive of one object; one of several objects is
        dropped, for it can be sent again by itself."""
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

    def touched(self, place_id: int, looks: Iterable[tuple[int, str, str]]) -> None:
        """Note that files of trees have another time than when they were sent, and the same content: of each the
        archive that it is in, alone or in a group, its absolute path, and what it looks like now, as
        :mod:`glacier_backup.model.tree_digest` has it. :meth:`last_sent` answers that from now on; what was stored, and
        comes back, stays as it was. ``looks`` must not use the catalog."""
        with self._database.write() as connection:
            touching.note(connection, place_id, looks)

    def touched_group(self, place_id: int, archive: int, digest: str, looks: Iterable[tuple[str, str]]) -> None:
        """The same of a group as a whole, which has that archive: its digest is what its files look like now, and
        ``looks`` has the path and the new digest of each that looks otherwise than before."""
        with self._database.write() as connection:
            touching.note(connection, place_id, ((archive, path, look) for path, look in looks))
            touching.note_group(connection, place_id, archive, digest)

    def expire(self, place_id: int, archives: Sequence[int], gone: Iterable[str], at: datetime) -> None:
        """Note that since ``at`` these archives are no part of the newest state at that place, for it has their files
        in another way, and that the files at the paths ``gone`` were deleted where they came from.

        All versions stay, and are found as of an earlier time; :mod:`.expiring` says what the newest is then.
        """
        with self._database.write() as connection:
            expiring.expire(connection, place_id, archives, gone, at)

    def unfinished(self, place_id: int) -> tuple[Unfinished, ...]:
        """What was begun at that place and is neither stored, given up nor doubtful, in order of intent."""
        return self._database.read(lambda connection: uploads.unfinished(connection, place_id))


@contextmanager
def _saying_where(receipt: Receipt) -> Iterator[None]:
    try:
        yield
    except CatalogError as error:
        raise CatalogError(
            f"stored as {receipt.locator}, but could not be recorded: {error}", hint=error.hint
        ) from error
