"""Deciding: resolve → look up → plan. Reads source and catalog, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate, PassedOver, Resolved
from glacier_backup.model.naming import archive_name
from glacier_backup.model.place import Place
from glacier_backup.model.plan import BackupPlan, Decision, Skip
from glacier_backup.model.reason import Unreadable
from glacier_backup.model.record import LastSent
from glacier_backup.plan.backup import planned
from glacier_backup.plan.changes import decide, needs_look
from glacier_backup.plan.select import select
from glacier_backup.resolve.source import Selection, Source

T = TypeVar("T")

LOOK_UP = 500
"""Candidates looked up in the catalog at a time."""

LastSentOf = Callable[[Sequence[str]], Mapping[str, LastSent]]


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is asked for."""

    selections: tuple[Selection, ...]
    force: bool = False
    limit: int | None = None
    ad_hoc: bool = False
    """Whether it is about other paths than the configured ones."""


def prepare(
    order: Order,
    source: Source,
    last_sent: LastSentOf,
    place: Place,
    least: int,
) -> BackupPlan:
    """Decide for every candidate whether it is to be sent, and why; the limit of a run is not counted here."""
    resolved = select(order.selections, source.resolve)
    return planned(place, _decisions(resolved, source, last_sent, order.force, least))


def _decisions(
    resolved: Iterable[Resolved], source: Source, last_sent: LastSentOf, force: bool, least: int
) -> Iterator[Decision]:
    for batch in _batches(resolved, LOOK_UP):
        known = last_sent([one.path for one in batch if isinstance(one, Candidate)])
        for one in batch:
            if isinstance(one, PassedOver):
                yield Skip(one.path, archive_name(one.path, "raw", "file"), 0, one.reason)
            else:
                yield _decide(one, source, known.get(one.path), force, least)


def _decide(candidate: Candidate, source: Source, last: LastSent | None, force: bool, least: int) -> Decision:
    if not needs_look(candidate, last, force):
        return decide(candidate, last, None, force, least)
    try:
        return decide(candidate, last, source.look(candidate), force, least)
    except SourceError as error:
        return Skip(
            candidate.path,
            archive_name(candidate.path, "raw", candidate.kind),
            0,
            Unreadable(error.without(candidate.path)),
        )


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
