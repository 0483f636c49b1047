"""The items of a restore that are archives of one chain: each comes by itself, and together they are one thing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

from glacier_backup.errors import DamageFound
from glacier_backup.model.increment import deleted_list
from glacier_backup.model.restore import ItemRecord, ItemState, RestoreItem
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.workflow.restoring import beneath
from glacier_backup.workflow.restoring.book import Book, cause_of
from glacier_backup.workflow.restoring.desk import folder_of
from glacier_backup.workflow.restoring.item_folder import ItemFolder
from glacier_backup.workflow.restoring.layers import lay_over
from glacier_backup.workflow.restoring.publish import Brought, is_published, tidy
from glacier_backup.workflow.restoring.reachable import Reachable
from glacier_backup.workflow.restoring.staging import Staging
from glacier_backup.workflow.restoring.target import troubles

_LOST: frozenset[ItemState] = frozenset({"damaged", "kept"})
"""States of one that no other of its chain can do without."""


def numbers_of(record: ItemRecord) -> range:
    """Of all items that come back as the same thing: its own where it is no part of a chain."""
    if not record.item.chain:
        return range(record.number, record.number + 1)
    first = record.number - record.item.chain.index(record.item.archive)
    return range(first, first + len(record.item.chain))


def together(record: ItemRecord, state: ItemState, cause: str | None) -> Iterator[tuple[int, ItemState, str | None]]:
    """The change that an item's end is for all that come back with it: what is lost of one, nobody can have."""
    numbers = numbers_of(record) if state in _LOST else (record.number,)
    return ((number, state, cause) for number in numbers)


def is_spoken_of(item: RestoreItem) -> bool:
    """Whether people are told of it, which they are once of a whole chain."""
    return not item.chain or item.archive == item.chain[-1]


def list_in(archive: StoredArchive) -> str:
    """The member of an increment that lists what was deleted."""
    return deleted_list(archive.top)


class Layering:
    """Makes one thing of the archives of a chain, when the last of them has come."""

    def __init__(self, book: Book, staging: Staging, reachable: Reachable) -> None:
        self._book = book
        self._staging = staging
        self._reachable = reachable

    def complete(self, all_brought: Sequence[Brought]) -> list[Brought]:
        """The same, but of each chain that has come in full one that stands for it, and of others none: they wait.

        Raises TargetError and CatalogError; of a chain that turns out to be damaged that is noted.
        """
        result, seen, laid = [], set[int](), False
        for one in all_brought:
            first = numbers_of(one.record).start
            if not one.record.item.chain:
                result.append(one)
            elif first not in seen:
                seen.add(first)
                if (whole := self._whole(one)) is not None:
                    result.append(whole)
                    laid = True
        if laid:
            self._staging.flush()
        return result

    def tidy(self, brought: Brought) -> None:
        """What isn't needed any more, after the catalog knows of it."""
        tidy(brought)
        for folder, _ in (self._folders(brought.record) or [])[1:]:
            folder.remove()

    def _whole(self, one: Brought) -> Brought | None:
        folders = self._folders(one.record)
        dones = [] if folders is None else [folder.done() for folder, _ in folders]
        if folders is None or None in dones:
            self._follow(one.record)
            return None
        base, there = folders[0][0], dones[0]
        if there is not None and is_published(self._staging.target, there, one.record.item.to):
            return one._replace(folder=base, done=there)
        pairs = zip(dones, folders, strict=True)
        if not all(done is not None and folder.is_known_complete(done) for done, (folder, _) in pairs):
            return None  # one was taken away since, and comes once more
        left_out = dict.fromkeys(note for done in dones if done is not None for note in done.left_out)
        try:
            with troubles(self._staging.target.path):
                root = _laid_over(folders, one.record.item)
        except DamageFound as error:
            self._book.set(together(one.record, "damaged", cause_of(error)))
            self._book.tell_ended(one.record, self._book.about(one.record, folders[-1][1]), "damaged", error)
            return None
        return one._replace(folder=base, done=base.finish(root, list(left_out)))

    def _folders(self, record: ItemRecord) -> list[tuple[ItemFolder, StoredArchive]] | None:
        """Of all archives, in order; None where the catalog has one of them no more."""
        chain = record.item.chain
        archives = {one.id: one for one in self._book.catalog.stored_archives(ArchiveFilter(ids=chain))}
        if not archives.keys() >= set(chain):
            return None
        return [(self._folder(record, archives[one]), archives[one]) for one in chain]

    def _folder(self, record: ItemRecord, archive: StoredArchive) -> ItemFolder:
        return folder_of(record, archive, str(self._reachable.place(archive.place_id)), self._staging)

    def _follow(self, record: ItemRecord) -> None:
        """Where another one of the chain is lost, this one is of no use."""
        own = numbers_of(record)
        for other in self._book.catalog.items(self._book.restore.id, _LOST):
            if other.number in own:
                self._book.set(together(record, other.state, other.cause))
                return


def _laid_over(folders: Sequence[tuple[ItemFolder, StoredArchive]], item: RestoreItem) -> str:
    """Make what is in the first folder the whole thing; what of it gets the name, relative to the content."""
    (base, full), *increments = folders
    with base.inside(["content"]) as content:
        for folder, archive in increments:
            with folder.inside(["content"]) as own:
                lay_over(content, own, list_in(archive), archive.name)
        with suppress(FileNotFoundError):
            os.unlink(list_in(full), dir_fd=content)
        if item.member is None:
            found = os.listdir(content)
            return found[0] if len(found) == 1 else ""
        if beneath.look(content, beneath.components(item.member)) is None:
            raise DamageFound(f"{full.name} has no member {item.member}")
        return item.member
