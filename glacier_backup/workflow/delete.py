"""What a person names to be deleted, and what speaks against it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, islice
from operator import attrgetter
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import UsageError
from glacier_backup.model.retention import RemovalPlan
from glacier_backup.model.snapshot import is_dataset_path
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan.chain import building_on
from glacier_backup.plan.removal import Present
from glacier_backup.plan.retention import is_whole, overwritten_among
from glacier_backup.plan.terms import Archives
from glacier_backup.plan.words import Word, interpret
from glacier_backup.units import local_time
from glacier_backup.workflow.removing.archive_ids import ArchiveIds
from glacier_backup.workflow.removing.picked import PickedFiles
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
    """All archives of one path, at all places, alone or in groups, and which of them are meant."""

    archives: list[StoredArchive]
    chosen: list[StoredArchive]
    why: str


class _Chosen(NamedTuple):
    """What is to go."""

    ids: ArchiveIds
    """All of it."""
    named: ArchiveIds
    """Of these: groups that are meant as such."""
    complete: tuple[int, ...]
    """Of these: groups of whose files each is meant."""


def plan_delete(delete: Delete, catalog: Catalog) -> RemovalPlan:
    """What deleting would remove: archives, and groups that are named, or whose files all are. Nothing but the catalog
    is asked.

    Raises CatalogError, and UsageError for what isn't stored, for a path of which it isn't clear which archive is
    meant, for some files of a group only, for what increments that stay build on, and where the last good archive
    would go of a path that is still there.
    """
    terms = [_term(word, delete, catalog) for word in delete.words]
    chosen = _chosen(terms, delete, catalog)
    book, written, last = RemovalBook(dict(catalog.places()), delete.present), ArchiveIds(), dict[str, None]()
    for term in terms:
        now_written = ArchiveIds()
        for one in _choices(term, delete, catalog):
            if increments := list(islice(building_on(chosen.ids, one.archives), NAMED + 1)):
                raise _of_a_chain(increments)
            if len(last) <= NAMED and not delete.even_last and _takes_the_last(one, chosen.ids, delete):
                last[one.archives[0].path] = None
            now_written.update(_write_down(one, chosen.ids, written, book))
        written.update(now_written)
    if not delete.even_last:
        last.update(dict.fromkeys(islice(_last_in_groups(chosen, delete, catalog), NAMED + 1)))
    if last:
        raise _of_the_last(last)
    for group in sorted(catalog.stored_archives(ArchiveFilter(ids=chosen.complete)), key=attrgetter("id")):
        book.remove(group, "all files in it are named")
    return book.plan()


def _chosen(terms: Sequence[Archives], delete: Delete, catalog: Catalog) -> _Chosen:
    ids, named, picked = ArchiveIds(), ArchiveIds(), PickedFiles()
    for term in terms:
        for one in _choices(term, delete, catalog):
            picked.update(one.chosen)
            ids.update(archive.id for archive in one.chosen if archive.file is None)
            named.update(archive.id for archive in one.chosen if archive.kind == "group")
    complete = tuple(_complete(picked, ids, catalog))
    ids.update(complete)
    return _Chosen(ids, named, complete)


def _complete(picked: PickedFiles, chosen: Container[int], catalog: Catalog) -> Iterator[int]:
    """The groups whose files are all picked, but for those that are chosen already. Raises UsageError for one of which
    only some are."""
    for group, count in picked.counts():
        if group not in chosen:
            files = sum(1 for _ in catalog.stored_archives(ArchiveFilter(ids=(group,), inside=True)))
            if count < files:
                raise _of_some(group, count, files, catalog)
            yield group


def _of_some(group: int, count: int, files: int, catalog: Catalog) -> UsageError:
    (archive,) = catalog.stored_archives(ArchiveFilter(ids=(group,)))
    which = "one file is" if count == 1 else f"{count:,} files are"
    return UsageError(
        f"{which} meant of the {files:,} in the pack id:{group} of {local_time(archive.time)}, and a pack can only be "
        "deleted as a whole",
        hint=f"glacier-backup list --members id:{group} shows them all, delete id:{group} deletes them all; prune "
        "deletes a pack when no rule keeps any of its files",
    )


def _last_in_groups(chosen: _Chosen, delete: Delete, catalog: Catalog) -> Iterator[str]:
    """The paths of files of which nothing good would be left, in groups that are meant as such. Where nobody knows the
    files, the path of the group, as long as its section is there."""
    groups = catalog.stored_archives(ArchiveFilter(ids=tuple(chosen.named)))
    for base in sorted({group.base for group in groups}):
        versions = catalog.stored_archives(ArchiveFilter(below=base, inside=True))
        for path, group in groupby(versions, key=attrgetter("path")):
            every = list(group)
            meant = [one for one in every if one.id in chosen.named]
            if meant and _takes_the_last(_OfPath(every, meant, ""), chosen.ids, delete, in_groups=True):
                yield path


def _term(word: Word, delete: Delete, catalog: Catalog) -> Archives:
    """The archives that a word means."""
    term = interpret(catalog, word)
    if not isinstance(term, Archives) or (term.exactly and term.wanted.inside):
        raise UsageError(
            f"{word.text} is inside an archive, and only whole archives can be deleted",
            hint=f"glacier-backup find {word.text} shows which archives hold it",
        )
    if term.wanted.glob is not None and not delete.globs:
        raise UsageError(f"{word.text} may mean many archives", hint="look at them with -d; --yes deletes them")
    if term.wanted.below is not None and _is_dataset_itself(term.wanted.below, catalog):
        # Those below it are others: they aren't deleted with it.
        return replace(term, wanted=ArchiveFilter(path=term.wanted.below))
    if term.wanted.below is not None:
        raise UsageError(
            f"{term.wanted.below} has no archive of its own, but paths below it have",
            hint=f"name them with a glob: '{term.wanted.below.rstrip('/')}/*'",
        )
    return term


def _is_dataset_itself(path: str, catalog: Catalog) -> bool:
    """Whether it is a dataset that has archives of its own."""
    return is_dataset_path(path) and next(catalog.stored_archives(ArchiveFilter(path=path)), None) is not None


def _choices(term: Archives, delete: Delete, catalog: Catalog) -> Iterator[_OfPath]:
    """What is meant of each path, each once."""
    found, first = False, None
    archives = catalog.stored_archives(term.wanted)
    if term.exactly:
        archives = _at_one_place(term, [one for one in archives if delete.place_id in (None, one.place_id)])
    for path, listed in _by_path(archives, term):
        # A name or a locator is that of some of the archives of a path.
        every = listed if term.wanted.glob is not None or listed[0].kind == "group" else _every(path, catalog)
        eligible = [one for one in listed if delete.place_id in (None, one.place_id)]
        takes_all = term.exactly or delete.all_versions
        chosen = eligible if takes_all else _one_of_each_place(eligible, every, delete, term)
        if chosen:
            found = True
            yield _OfPath(every, chosen, _why(term, delete))
        elif eligible:
            first = min(one.time for one in eligible)
    if not found:
        raise _nothing(term, delete, first)


def _by_path(archives: Iterable[StoredArchive], term: Archives) -> Iterator[tuple[str, list[StoredArchive]]]:
    """The versions of each path. The groups of a section have one name and many paths, and by that name it is as little
    clear which of them is meant as it is of versions."""
    if term.wanted.name is None:
        yield from ((path, list(versions)) for path, versions in groupby(archives, key=attrgetter("path")))
    elif listed := sorted(archives, key=attrgetter("place_id", "id")):
        yield listed[0].path, listed


def _every(path: str, catalog: Catalog) -> list[StoredArchive]:
    return list(catalog.stored_archives(ArchiveFilter(path=path, inside=True)))


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
    eligible: list[StoredArchive], every: list[StoredArchive], delete: Delete, term: Archives
) -> list[StoredArchive]:
    """Of one path the archive that is meant where not all are. What was overwritten isn't there to be meant."""
    gone, chosen = _nothing_left(every), []
    for _, group in groupby(eligible, key=attrgetter("place_id")):
        there = [one for one in group if one.id not in gone and (delete.at is None or one.time <= delete.at)]
        if delete.at is None and len(there) > 1:
            called = there[0].path if term.wanted.name is None else term.text
            raise UsageError(
                f"{called} has {len(there)} archives at one place, and it isn't clear which of them is meant",
                hint="name one by its locator or id, or with --at TIME the newest up to then, or add --all-versions; "
                f"glacier-backup list --versions {called} shows them",
            )
        chosen += sorted(there, key=lambda one: (one.time, one.id))[-1:]
    return chosen


def _takes_the_last(one: _OfPath, chosen: Container[int], delete: Delete, *, in_groups: bool = False) -> bool:
    """Whether nothing that is as good as what goes would be left of a path that is still there. Groups have none of
    their own: their files are looked at by themselves (``in_groups``), and their section where these aren't known."""
    if one.archives[0].kind == "group" and not in_groups:
        return False
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
    return delete.exists(leaving[0].base)


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
        if archive.id in written or archive.file is not None:
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


def _of_a_chain(increments: Sequence[StoredArchive]) -> UsageError:
    named = ", ".join(f"id:{one.id} of {local_time(one.time)}" for one in increments[:NAMED])
    more = " and others" if len(increments) > NAMED else ""
    return UsageError(
        f"increments of {increments[0].path} build on what would be deleted: {named}{more}",
        hint="name them, too, or delete every version with --all-versions; prune takes no archive that one which stays "
        "builds on",
    )


def _of_the_last(paths: Collection[str]) -> UsageError:
    named = ", ".join(islice(paths, NAMED)) + (" and others" if len(paths) > NAMED else "")
    return UsageError(
        f"nothing good would be left of what is still there: {named}",
        hint="send it again first, or add --even-last; what lies on a server, and a dataset, count as still there",
    )
