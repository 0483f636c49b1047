"""Deciding: resolve → look up → plan. Reads source and catalog, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from glacier_backup.errors import SourceError, SourceUnavailable
from glacier_backup.model.candidate import Candidate, Fingerprint, PassedOver, Resolved
from glacier_backup.model.naming import archive_name
from glacier_backup.model.plan import BackupPlan, Decision, Skip
from glacier_backup.model.reason import ServerUnavailable, Unreadable
from glacier_backup.model.record import LastSent
from glacier_backup.plan.backup import planned
from glacier_backup.plan.changes import decide, needs_look
from glacier_backup.plan.select import select
from glacier_backup.resolve.source import Selection, divided
from glacier_backup.workflow.tools import Origin, Target

T = TypeVar("T")

LOOK_UP = 500
"""Candidates looked up in the catalog at a time."""

LastSentOf = Callable[[Sequence[str]], Mapping[str, LastSent]]
"""The newest archive of each path that one destination has one of."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is asked for."""

    selections: tuple[Selection, ...]
    force: bool = False
    limit: int | None = None
    """Archives sent to each destination, at most."""
    ad_hoc: bool = False
    """Whether it is about other paths than the configured ones."""


def prepare(
    order: Order, origins: Mapping[str, Origin], targets: Sequence[Target], last_sent: Mapping[str, LastSentOf]
) -> BackupPlan:
    """Decide for every candidate, and for each destination that it goes to, whether it is to be sent, and why; the
    limit of a run is not counted here.

    Everything is resolved, and looked at, once. Raises ValueError for a selection that goes nowhere, or to a
    destination that isn't among the ``targets``, and for one of an unknown origin.
    """
    _check(order, origins, targets)
    deciding = _Deciding(order, origins, {target.name: target for target in targets}, last_sent)
    places = {target.name: target.destination.place for target in targets}
    return planned(places, deciding.all())


def _check(order: Order, origins: Mapping[str, Origin], targets: Sequence[Target]) -> None:
    names = {target.name for target in targets}
    for selection in order.selections:
        if not selection.destinations or not names.issuperset(selection.destinations):
            raise ValueError(f"{selection.path} goes to {selection.destinations}, and there are {sorted(names)}")
        if selection.origin not in origins:
            raise ValueError(f"{selection.path} comes from {selection.origin!r}, and there are {sorted(origins)}")


class _Deciding:
    """One plan in the making."""

    def __init__(
        self,
        order: Order,
        origins: Mapping[str, Origin],
        targets: Mapping[str, Target],
        last_sent: Mapping[str, LastSentOf],
    ) -> None:
        self._order = order
        self._origins = origins
        self._targets = targets
        self._last_sent = last_sent
        self._goes_to = {one.path: one.destinations for one in reversed(order.selections)}

    def all(self) -> Iterator[Decision]:
        for batch in _batches(select(divided(self._order.selections), self._resolve), LOOK_UP):
            known = self._known([one for one in batch if isinstance(one, Candidate)])
            for one in batch:
                if isinstance(one, PassedOver):
                    yield Skip(one.path, archive_name(one.path, "raw", "file"), 0, one.reason)
                else:
                    yield from self._decide(one, known)

    def _resolve(self, selection: Selection) -> Iterator[Resolved]:
        found = self._origins[selection.origin].source.resolve(selection)
        return found if not selection.origin else (_coming_from(selection.origin, one) for one in found)

    def _known(self, candidates: Sequence[Candidate]) -> Mapping[str, Mapping[str, LastSent]]:
        """By destination and path."""
        paths: dict[str, list[str]] = {}
        for candidate in candidates:
            for name in self._goes_to[candidate.section]:
                paths.setdefault(name, []).append(candidate.path)
        return {name: self._last_sent[name](wanted) for name, wanted in paths.items()}

    def _decide(self, candidate: Candidate, known: Mapping[str, Mapping[str, LastSent]]) -> Iterator[Decision]:
        """What can't be read is said once for all destinations that it would have to be looked at for."""
        force = self._order.force
        last = {name: known[name].get(candidate.path) for name in self._goes_to[candidate.section]}
        seen = self._look(candidate) if any(needs_look(candidate, one, force) for one in last.values()) else None
        if isinstance(seen, SourceError):
            yield _unreadable(candidate, seen)
            seen, last = None, {name: one for name, one in last.items() if not needs_look(candidate, one, force)}
        for name, one in last.items():
            target = self._targets[name]
            yield self._addressed(decide(candidate, one, seen, force, target.destination.limits.least), target)

    def _look(self, candidate: Candidate) -> Fingerprint | SourceError:
        try:
            return self._origins[candidate.origin].source.look(candidate)
        except SourceError as error:
            return error

    def _addressed(self, decision: Decision, target: Target) -> Decision:
        if isinstance(decision, Skip):
            return replace(decision, to=target.name)
        candidate = decision.candidate
        packer = self._origins[candidate.origin].packer(candidate.kind, decision.container)
        chosen = target.classify(packer.estimate(decision.bytes, decision.fingerprint.entries))
        if chosen is None:
            return replace(decision, to=target.name)
        return replace(decision, to=target.name, storage_class=chosen.storage_class, class_reason=chosen.reason)


def _coming_from(origin: str, found: Resolved) -> Resolved:
    return replace(found, origin=origin) if isinstance(found, Candidate) else found


def _unreadable(candidate: Candidate, error: SourceError) -> Skip:
    cause = error.without(candidate.path)
    reason = ServerUnavailable(cause, error.hint) if isinstance(error, SourceUnavailable) else Unreadable(cause)
    return Skip(candidate.path, archive_name(candidate.path, "raw", candidate.kind), 0, reason)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
