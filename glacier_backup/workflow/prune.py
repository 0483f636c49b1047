"""What the rules of the sections remove, and what they keep."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.restore import ENDED
from glacier_backup.model.retention import RemovalPlan
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan.removal import Present
from glacier_backup.plan.retention import OVERWRITTEN, Policies, judge
from glacier_backup.plan.scope import Scope, scope_of
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
    """What pruning would remove. Nothing but the catalog is asked. Raises CatalogError, and UsageError for a word that
    means no paths of archives."""
    book = RemovalBook(
        dict(catalog.places()), prune.present, free_only=prune.free_only, with_retained=prune.with_retained
    )
    wanted = _wanted(catalog, prune.present.now)
    for group in _groups([scope_of(word, catalog) for word in prune.words], catalog):
        _judge(group, prune, book, wanted)
    return book.plan()


def _groups(scopes: Sequence[Scope], catalog: Catalog) -> Iterator[list[StoredArchive]]:
    """The archives of each path at each place, each path once."""
    for number, wanted in enumerate([scope.filter for scope in scopes] or [ArchiveFilter()]):
        archives = catalog.stored_archives(wanted)
        for (path, _), group in groupby(archives, key=lambda archive: (archive.path, archive.place_id)):
            if not any(scope.covers(path) for scope in scopes[:number]):
                yield list(group)


def _judge(group: list[StoredArchive], prune: Prune, book: RemovalBook, wanted: Container[int]) -> None:
    ours = [one for one in group if one.host in (None, prune.host)]
    for one in group:
        if one.host not in (None, prune.host):
            book.keep(one, f"sent by {one.host}: to be pruned there", elsewhere=True)
    if not ours:
        return
    ruled = prune.policies.of(ours[0].path)
    if ruled is None or not ruled.policy.is_set:
        why = "no section names it" if ruled is None else f"[{ruled.section}] has no rule"
        for one in ours:
            book.keep(one, why, unruled=True)
        return
    for verdict in judge(ours, ruled, prune.present.now, wanted=wanted):
        if verdict.kept:
            book.keep(verdict.archive, verdict.why)
        else:
            book.remove(verdict.archive, verdict.why, is_left=verdict.why != OVERWRITTEN)


def _wanted(catalog: Catalog, present: datetime) -> Container[int]:
    """The archives that a restore under way still needs."""
    ids = ArchiveIds()
    for restore in catalog.restores():
        if restore.ended_at is None and restore.wish.purpose == "restore" and present - restore.created_at < PATIENCE:
            ids.update(record.item.archive for record in catalog.items(restore.id) if record.state not in ENDED)
    return ids
