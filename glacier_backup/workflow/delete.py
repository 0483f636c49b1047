"""What a person names to be deleted, and what speaks against it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from operator import attrgetter
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import UsageError
from glacier_backup.model.retention import RemovalPlan
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan.removal import Present
from glacier_backup.plan.retention import is_whole, overwritten_among
from glacier_backup.plan.terms import Archives
from glacier_backup.plan.words import Word, interpret
from glacier_backup.units import local_time
from glacier_backup.workflow.removing.archive_ids import ArchiveIds
from glacier_backup.workflow.removing.removal_book import RemovalBook

NAMED = 5
"""Paths that a message names."""


@dataclass(frozen=True, slots=True)
class Delete:
    """What is to be deleted."""

    words: Sequence[Word]
    """As :mod:`~glacier_backup.plan.words` has them."""
    host: str
    """This machine: only of what it has sent can be seen whether the source is still there."""
    exists: Callable[[str], bool]
    """Whether there is still something at a path, as far as this machine can tell; yes where it can't."""
    present: Present
    at: datetime | None = None
    """Of each path the newest archive up to then."""
    all_versions: bool = False
    """Of each path all."""
    place_id: int | None = None
    """Only what is stored there."""
    globs: bool = False
    """Whether a word may be a glob."""
    even_last: bool = False
    """Also the last good archive of a path that is still there."""


class _OfPath(NamedTuple):
    """All archives of one path, at all places, and which of them are meant."""

    archives: list[StoredArchive]
    chosen: list[StoredArchive]
    why: str


def plan_delete(delete: Delete, catalog: Catalog) -> RemovalPlan:
    """What deleting would remove. Nothing but the catalog is asked.

    Raises CatalogError, and UsageError for what isn't stored, for a path of which it isn't clear which archive is
    meant, and where the last good archive would go of a path that is still there.
    """
    terms = [_term(word, delete, catalog) for word in delete.words]
    chosen = ArchiveIds()
    for term in terms:
        for one in _choices(term, delete, catalog):
            chosen.update(archive.id for archive in one.chosen)
    book, written, last = RemovalBook(dict(catalog.places()), delete.present), ArchiveIds(), dict[str, None]()
    for term in terms:
        now_written = ArchiveIds()
        for one in _choices(term, delete, catalog):
            if len(last) <= NAMED and not delete.even_last and _takes_the_last(one, chosen, delete):
                last[one.archives[0].path] = None
            now_written.update(_write_down(one, chosen, written, book))
        written.update(now_written)
    if last:
        raise _of_the_last(last)
    return book.plan()


def _term(word: Word, delete: Delete, catalog: Catalog) -> Archives:
    """The archives that a word means."""
    term = interpret(catalog, word)
    if not isinstance(term, Archives):
        raise UsageError(
            f"{word.text} is inside an archive, and only whole archives can be deleted",
            hint=f"glacier-backup find {word.text} shows which archives hold it",
        )
    if term.wanted.glob is not None and not delete.globs:
        raise UsageError(f"{word.text} may mean many archives", hint="look at them with -d; --yes deletes them")
    if term.wanted.below is not None:
        raise UsageError(
            f"{term.wanted.below} has no archive of its own, but paths below it have",
            hint=f"name them with a glob: '{term.wanted.below.rstrip('/')}/*'",
        )
    return term


def _choices(term: Archives, delete: Delete, catalog: Catalog) -> Iterator[_OfPath]:
    """What is meant of each path, each once."""
    found, first = False, None
    archives = catalog.stored_archives(term.wanted)
    if term.exactly:
        archives = _at_one_place(term, [one for one in archives if delete.place_id in (None, one.place_id)])
    for path, group in groupby(archives, key=attrgetter("path")):
        # A name or a locator is that of some of the archives of a path.
        listed = list(group)
        every = listed if term.wanted.glob is not None else list(catalog.stored_archives(ArchiveFilter(path=path)))
        eligible = [one for one in listed if delete.place_id in (None, one.place_id)]
        chosen = eligible if term.exactly or delete.all_versions else _one_of_each_place(eligible, every, delete)
        if chosen:
            found = True
            yield _OfPath(every, chosen, _why(term, delete))
        elif eligible:
            first = min(one.time for one in eligible)
    if not found:
        raise _nothing(term, delete, first)


def _why(term: Archives, delete: Delete) -> str:
    if term.exactly or delete.at is None:
        return "every version" if delete.all_versions and not term.exactly else "named"
    return f"the newest up to {local_time(delete.at)}"


def _nothing(term: Archives, delete: Delete, first: datetime | None) -> UsageError:
    if first is None or delete.at is None:
        return UsageError(f"nothing of {term.text} is stored there", hint="glacier-backup list shows what is where")
    return UsageError(
        f"there is no archive of {term.text} of {local_time(delete.at)} or before; the first is of {local_time(first)}"
    )


def _at_one_place(term: Archives, archives: list[StoredArchive]) -> Iterator[StoredArchive]:
    """The same key may be in use at two places."""
    if len({archive.place_id for archive in archives}) > 1:
        raise UsageError(
            f"{term.text} is stored at several places", hint="say with --from DESTINATION which of them is meant"
        )
    return iter(archives)


def _one_of_each_place(
    eligible: list[StoredArchive], every: list[StoredArchive], delete: Delete
) -> list[StoredArchive]:
    """Of one path the archive that is meant where not all are. What was overwritten isn't there to be meant."""
    gone, chosen = _nothing_left(every), []
    for _, group in groupby(eligible, key=attrgetter("place_id")):
        there = [one for one in group if one.id not in gone and (delete.at is None or one.time <= delete.at)]
        if delete.at is None and len(there) > 1:
            path = there[0].path
            raise UsageError(
                f"{path} has {len(there)} archives at one place, and it isn't clear which of them is meant",
                hint="name one by its locator or id, or with --at TIME the newest up to then, or add --all-versions; "
                f"glacier-backup list --versions {path} shows them",
            )
        chosen += sorted(there, key=lambda one: (one.time, one.id))[-1:]
    return chosen


def _takes_the_last(one: _OfPath, chosen: Container[int], delete: Delete) -> bool:
    """Whether nothing that is as good as what goes would be left of a path that is still there."""
    gone = _nothing_left(one.archives)
    there = [archive for archive in one.archives if archive.id not in gone]
    # Where this machine has sent nothing it may have had another name, and no run sends again what is unchanged.
    ours = [archive for archive in there if archive.host in (None, delete.host)] or there
    leaving = [archive for archive in ours if archive.id in chosen]
    staying = [archive for archive in ours if archive.id not in chosen]
    if not leaving or any(is_whole(archive) for archive in staying):
        return False
    if staying and not any(is_whole(archive) for archive in leaving):
        return False
    return delete.exists(leaving[0].path)


def _nothing_left(archives: Sequence[StoredArchive]) -> set[int]:
    """Of one path, at whatever places."""
    groups = groupby(archives, key=attrgetter("place_id"))
    return {id_ for _, group in groups for id_ in overwritten_among(list(group))}


def _write_down(one: _OfPath, chosen: Container[int], written: Container[int], book: RemovalBook) -> Iterator[int]:
    """What goes and isn't written down yet, with what a newer one has overwritten that goes too: its key has nothing
    behind it then. Yields the ids."""
    gone, named = _nothing_left(one.archives), {archive.id for archive in one.chosen}
    leaving = {(archive.place_id, volume.locator) for archive in one.chosen for volume in archive.volumes}
    for archive in one.archives:
        if archive.id in written:
            continue
        if archive.id in named:
            book.remove(archive, one.why, is_left=archive.id not in gone)
        elif archive.id in gone and archive.id not in chosen and _is_among(archive, leaving):
            book.remove(archive, "what has taken its place goes", is_left=False)
        else:
            continue
        yield archive.id


def _is_among(archive: StoredArchive, locators: set[tuple[int, str]]) -> bool:
    return any((archive.place_id, volume.locator) in locators for volume in archive.volumes)


def _of_the_last(paths: Collection[str]) -> UsageError:
    named = ", ".join(islice(paths, NAMED)) + (" and others" if len(paths) > NAMED else "")
    return UsageError(
        f"nothing good would be left of what is still there: {named}",
        hint="send it again first, or add --even-last; what lies on a server counts as still there",
    )
