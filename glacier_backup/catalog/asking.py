"""What is stored, and where: the half of the catalog that is asked when something is wanted back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from glacier_backup.catalog import (
    alike,
    choosing,
    contents,
    current,
    exporting,
    fixed_keys,
    known,
    nearness,
    places,
    queries,
    sent,
    vanishing,
)
from glacier_backup.catalog.exporting import Exported
from glacier_backup.catalog.looking import Looking
from glacier_backup.model.archive import Member, Outline
from glacier_backup.model.place import Place
from glacier_backup.model.record import Current, CurrentGroup, KnownMember, LastSent
from glacier_backup.model.stored import ArchiveFilter, StoredArchive


class Asking(Looking):
    """Answers that may be long come a page at a time: nothing is held in full, and others may write meanwhile, which
    is then in it or not. Nothing comes twice."""

    def place_id(self, place: Place, *, trusting: bool = False) -> int | None:
        """The id of a place that was registered before, without asking it; None for one that is new.

        Account ``-`` means the account that it stood for last, if it is still reached in the same way
        (``reached_by``) or when ``trusting``, as a dry run is, which may have no credentials at all. A region that
        isn't known ("") means that of the only vault of that name. Before anything is sent :meth:`register` has to
        make sure.
        """
        return self._database.read(lambda connection: places.find(connection, place, trusting=trusting))

    def is_marked(self, place_id: int) -> bool:
        """Whether :meth:`mark` was told of that place."""
        return self._database.read(lambda connection: places.is_marked(connection, place_id))

    def holds_archives(self, place_id: int) -> bool:
        """Whether any archive is known to be stored at that place."""
        return self._database.read(lambda connection: queries.holds_archives(connection, place_id))

    def last_sent(self, place_id: int, paths: Sequence[str]) -> dict[str, LastSent]:
        """The newest stored version of each path that has one at that place, as an archive of its own or in a group,
        whose id, time and damage are told then; newest by order of intent. What :meth:`Sending.expire` was told of
        isn't there."""
        return self._database.read(lambda connection: sent.last_sent(connection, place_id, paths))

    def group_members(self, archive_id: int) -> Iterator[KnownMember]:
        """The files of a stored group as they were when it was sent, with the times that :meth:`Sending.touched` has
        noted since, in stream order. None where nobody knows what was read of each."""
        return known.known_members(self._database, archive_id)

    def current(self, place_id: int, below: str, host: str | None = None) -> Iterator[Current]:
        """The newest stored version of every file and link below ``below`` that has one at that place, alone or in a
        group, but for what :meth:`Sending.expire` was told of; in the order of the bytes of their paths. Of those
        that ``host`` has sent, if one is named, or nobody knows who."""
        return current.current(self._database, place_id, below, host)

    def current_groups(self, place_id: int, below: str, host: str | None = None) -> Iterator[CurrentGroup]:
        """Of each group that goes by a prefix and has its path below ``below`` the newest archive at that place, unless
        it was put away; in the same order."""
        return current.current_groups(self._database, place_id, below, host)

    def paths_like(self, place_id: int, below: str, digests: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """By digest, as :mod:`glacier_backup.model.tree_digest` has it, the paths below ``below`` whose newest stored
        version at that place looks so; of each a handful at most, what was sent last first."""
        return self._database.read(lambda connection: alike.paths_like(connection, place_id, below, digests))

    def has_key(self, place_id: int, key: str, suffix: str = "") -> bool:
        """Whether anything that was sent to that place, of whatever path and however long ago, has that fixed key and
        that suffix: both of the whole archive, as its label has them."""
        return self._database.read(lambda connection: fixed_keys.has_key(connection, place_id, key, suffix))

    def key_of_another(self, place_id: int, key: str, suffix: str, path: str) -> bool:
        """Whether ``key`` with ``suffix`` behind it, of an archive or one object, is at that place the key of what was
        sent of another path, or of what is stored of any that is on its way; whatever part of it is the suffix there.

        A file of a section that has moved has another path than before, too, and with relative keys the same key.
        """
        return self._database.read(
            lambda connection: fixed_keys.key_of_another(connection, place_id, key + suffix, path)
        )

    def is_part_of_unfinished(self, place_id: int, locator: str) -> bool:
        """Whether that is a stored object of an archive that isn't complete yet: it is no stranger, and there is no
        archive to find by it."""
        return self._database.read(lambda connection: queries.is_part_of_unfinished(connection, place_id, locator))

    def has_imported(self, source: str) -> bool:
        """Whether any archive was taken over from ``source``, as :meth:`import_uploads` was given it, at whatever
        place."""
        return self._database.read(lambda connection: queries.has_origin(connection, source))

    def stored_archives(self, wanted: ArchiveFilter) -> Iterator[StoredArchive]:
        """What is known to be stored and is ``wanted``: by path, then by place, then oldest first, which is the order
        of intent; files in groups (``inside``) among the others. Paths that are UTF-8 come before others, and both in
        the order of their bytes."""
        return choosing.stored_archives(self._database, wanted)

    def export_rows(self) -> Iterator[Exported]:
        """Everything that is stored as values that JSON has, one per archive, in the same order."""
        return exporting.export_rows(self._database)

    def holds_path_above(self, path: str) -> list[str]:
        """Paths of stored archives of directories, or of what may be one, that lie above ``path``, the nearest
        first."""
        return self._database.read(lambda connection: nearness.holding(connection, path))

    def known_paths_like(self, text: str, limit: int = 5) -> list[str]:
        """Paths of stored archives and of files in groups that ``text`` may have been meant for, the likeliest first;
        none of groups."""
        return self._database.read(lambda connection: nearness.nearest(connection, text, limit))

    def members(self, archive_id: int) -> Iterator[Member]:
        """The members of one archive, in stream order."""
        return contents.list_members(self._database, archive_id)

    def outlines(self, archive_id: int) -> Iterator[Outline]:
        """What tells one from another of the same members, in the same order."""
        return contents.list_outlines(self._database, archive_id)

    def vanished(self, archive_id: int) -> Iterator[str]:
        """What an increment lists as deleted, with all below it, in the order of a directory's tar."""
        return vanishing.listed(self._database, archive_id)

    def members_at(self, archive_id: int, path: str) -> Iterator[tuple[int, Member]]:
        """The member at that path and all below it, with their numbers, in stream order."""
        return contents.members_at(self._database, archive_id, path)

    def members_in(self, archive_id: int, numbers: Iterable[tuple[int, int]]) -> Iterator[tuple[int, Member]]:
        """The members whose numbers lie in one of these runs, each told by its first and last, with their numbers; in
        the order of the runs, which is stream order where these come in order."""
        return contents.members_in(self._database, archive_id, numbers)

    def member_named(self, archive_id: int, path: str) -> tuple[int, Member] | None:
        """The member at that path, with its number; of several the last, which unpacking leaves there."""
        return self._database.read(lambda connection: contents.member_named(connection, archive_id, path))

    def offset_behind(self, archive_id: int, number: int) -> int | None:
        """Where the member behind that one begins, in bytes of the unsealed stream; None for the last one."""
        return self._database.read(lambda connection: contents.offset_behind(connection, archive_id, number))

    def leaves(self, archive: int, number: int) -> bytes | None:
        """The digest of each MiB of a volume, concatenated; None where they aren't known."""
        return self._database.read(lambda connection: contents.leaves(connection, archive, number))
