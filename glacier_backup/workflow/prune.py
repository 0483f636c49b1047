"""What the rules of the sections remove, and what they keep."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.restore import ENDED
from glacier_backup.model.retention import RemovalPlan
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan.removal import Present
from glacier_backup.plan.retention import OVERWRITTEN, Policies, Verdict, judge
from glacier_backup.plan.scope import Scope, scope_of
from glacier_backup.plan.together import Together
from glacier_backup.plan.words import Word
from glacier_backup.workflow.removing.archive_ids import ArchiveIds
from glacier_backup.workflow.removing.removal_book import RemovalBook

PATIENCE = timedelta(days=30)
"""How long a restore that isn't done keeps what it needs: far longer than any thaw takes, and not for ever."""


@dataclass(frozen=True, slots=True)
class Prune:
    """What is to be pruned, and by which rules."""

    policies: Policies
    host: str
    """This machine: what others have sent is theirs to prune."""
    present: Present
    words: Sequence[Word] = ()
    """Only archives of these paths; none: all."""
    free_only: bool = False
    """Whether what would be charged now is left for later."""
    with_retained: bool = False
    """Whether the plan is to name what stays, too."""


def plan_prune(prune: Prune, catalog: Catalog) -> RemovalPlan:
    """What pruning would remove: archives, and groups of whose files nothing keeps any. Nothing but the catalog is
    asked. Raises CatalogError, and UsageError for a word that means no paths of archives."""
    book = RemovalBook(
        dict(catalog.places()), prune.present, free_only=prune.free_only, with_retained=prune.with_retained
    )
    wanted = _wanted(catalog, prune.present.now)
    scopes, together = [scope_of(word, catalog) for word in prune.words], Together()
    for versions in _versions(scopes, catalog):
        for verdict in _verdicts(versions, prune, wanted):
            if verdict.archive.file is None:
                _write_down(verdict, book=book)
            else:
                together.add(verdict)
    groups = catalog.stored_archives(ArchiveFilter(ids=tuple(together)))
    for group in sorted(groups, key=attrgetter("id")):  # their paths say nothing to anybody
        unasked = _unasked(group, scopes, catalog) if together.may_go(group.id) else 0
        _write_down(*together.of(group, unasked), book=book)
    return book.plan()


def _versions(scopes: Sequence[Scope], catalog: Catalog) -> Iterator[list[StoredArchive]]:
    """What is stored of each path at each place, alone or in a group, each path once."""
    for number, wanted in enumerate([scope.filter for scope in scopes] or [ArchiveFilter()]):
        archives = catalog.stored_archives(replace(wanted, inside=True))
        for (path, _), versions in groupby(archives, key=lambda archive: (archive.path, archive.place_id)):
            if not any(scope.covers(path) for scope in scopes[:number]):
                yield list(versions)


def _verdicts(versions: list[StoredArchive], prune: Prune, wanted: Container[int]) -> Iterator[Verdict]:
    """What becomes of each of one path at one place."""
    ours = []
    for one in versions:
        if one.host not in (None, prune.host):
            yield Verdict(one, kept=True, why=f"sent by {one.host}: to be pruned there", elsewhere=True)
        elif one.kind == "group":
            yield Verdict(one, kept=True, why="a pack whose files aren't known")
        else:
            ours.append(one)
    if not ours:
        return
    ruled = prune.policies.of(ours[0].path)
    if ruled is None or not ruled.policy.is_set:
        why = "no section names it" if ruled is None else f"[{ruled.section}] has no rule"
        yield from (Verdict(one, kept=True, why=why, unruled=True) for one in ours)
    else:
        yield from judge(ours, ruled, prune.present.now, wanted=wanted)


def _unasked(group: StoredArchive, scopes: Sequence[Scope], catalog: Catalog) -> int:
    """How many files of a group no word means."""
    if not scopes:
        return 0
    files = catalog.stored_archives(ArchiveFilter(ids=(group.id,), inside=True))
    return sum(not any(scope.covers(one.path) for scope in scopes) for one in files)


def _write_down(verdict: Verdict, history: int = 0, *, book: RemovalBook) -> None:
    if verdict.kept:
        book.keep(verdict.archive, verdict.why, unruled=verdict.unruled, elsewhere=verdict.elsewhere, history=history)
    else:
        book.remove(verdict.archive, verdict.why, is_left=verdict.why != OVERWRITTEN)


def _wanted(catalog: Catalog, present: datetime) -> Container[int]:
    """The archives that a restore under way still needs."""
    ids = ArchiveIds()
    for restore in catalog.restores():
        if restore.ended_at is None and restore.wish.purpose != "verify" and present - restore.created_at < PATIENCE:
            ids.update(record.item.archive for record in catalog.items(restore.id) if record.state not in ENDED)
    return ids
