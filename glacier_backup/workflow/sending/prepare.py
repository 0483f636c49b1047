"""Deciding: resolve → look up → plan. Reads source and catalog, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate, Fingerprint, PassedOver, Resolved
from glacier_backup.model.naming import archive_name
from glacier_backup.model.plan import BackupPlan, Decision, Skip, Upload
from glacier_backup.model.record import LastSent
from glacier_backup.model.tree_digest import Hashing
from glacier_backup.model.tree_sizes import TreeSizes
from glacier_backup.plan.backup import planned
from glacier_backup.plan.changes import Content, Contents, decide, needs_content, needs_look
from glacier_backup.plan.group_changes import Asked
from glacier_backup.plan.grouping import Packing, grouped
from glacier_backup.plan.select import select
from glacier_backup.resolve.source import Selection, divided
from glacier_backup.units import MIB
from glacier_backup.workflow.sending.expiring import Expiring
from glacier_backup.workflow.sending.filtering import Filtering
from glacier_backup.workflow.sending.group_deciding import NO_GROUPS, Groups, Knowledge, group_decisions
from glacier_backup.workflow.sending.group_deciding import LastSentOf as LastSentOf
from glacier_backup.workflow.sending.hashing import nothing, read_contents
from glacier_backup.workflow.sending.increments import CHAINED, Increments
from glacier_backup.workflow.sending.renames import AlikeOf, renames, saying_how
from glacier_backup.workflow.sending.small_files import SmallFiles
from glacier_backup.workflow.sending.unread import unread
from glacier_backup.workflow.tools import Origin, Target

LOOK_UP = 500
"""Candidates looked up in the catalog at a time."""

LARGE = 4 * MIB
"""Bytes of the lists of groups among them, at most, or one list."""

_NO_PLACES: Mapping[str, AlikeOf] = MappingProxyType({})
_NOTHING: Mapping[str, str] = MappingProxyType({})
_NO_CHAINS: Mapping[str, Increments] = MappingProxyType({})


class _Facts(NamedTuple):
    """What is known of some candidates."""

    sent: Mapping[str, Mapping[str, LastSent]]
    """By destination and path."""
    renamed: Mapping[str, Mapping[str, str]]
    """What those that were never sent were called, likewise."""
    contents: Mapping[str, Content | SourceError]
    """What had to be read, or why it couldn't be, by path."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is asked for."""

    selections: tuple[Selection, ...]
    force: bool = False
    limit: int | None = None
    """Archives sent to each destination, at most."""
    ad_hoc: bool = False
    """Whether it is about other paths than the configured ones."""

    @property
    def sections(self) -> Mapping[str, Selection]:
        """Those that candidates are of, by path: the selections, and the whole trees that some were named out of."""
        trees = (one.within for one in self.selections if one.within is not None)
        return {one.path: one for one in (*reversed(self.selections), *trees)}


def prepare(
    order: Order,
    origins: Mapping[str, Origin],
    targets: Sequence[Target],
    last_sent: Mapping[str, LastSentOf],
    alike: Mapping[str, AlikeOf] = _NO_PLACES,
    check: Callable[[], object] = nothing,
    increments: Mapping[str, Increments] = _NO_CHAINS,
    groups: Groups = NO_GROUPS,
    host: str = "",
    expiring: Expiring | None = None,
) -> BackupPlan:
    """Decide for every candidate, and for each destination that it goes to, whether it is to be sent, and why; the
    limit of a run is not counted here. ``alike`` is for destinations that have something: there files of sections that
    are put together are known again under another name. ``increments`` has the chains of each destination,
    ``groups`` what is known of groups, whose keys begin with ``host``, or would. ``expiring`` adds what is to be put
    away.

    Everything is resolved, and looked at, once; of files that are compared by their content some are read, which may
    take long, and ends with what ``check`` raises. Raises ValueError for a selection that goes nowhere, or to a
    destination that isn't among the ``targets``, and for one of an unknown origin.
    """
    _check(order, origins, targets)
    knowledge = Knowledge(origins, last_sent, alike, groups, check)
    deciding = _Deciding(order, {target.name: target for target in targets}, knowledge, increments, host)
    places = {target.name: target.destination.place for target in targets}
    plan = planned(places, deciding.all() if expiring is None else expiring.added(deciding.all()))
    return replace(plan, trees=deciding.sizes())


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
        targets: Mapping[str, Target],
        knowledge: Knowledge,
        increments: Mapping[str, Increments],
        host: str,
    ) -> None:
        self._order = order
        self._targets = targets
        self._knowledge = knowledge
        self._origins = knowledge.origins
        self._last_sent = knowledge.last_sent
        self._alike = knowledge.alike
        self._check = knowledge.check
        self._increments = increments
        sections = order.sections.values()
        self._goes_to = {one.path: one.destinations for one in sections}
        self._packings = {
            one.path: Packing(one.tree.pack_size, one.tree.symlinks == "follow")
            for one in sections
            if one.tree is not None and one.tree.pack_size is not None
        }
        self._hashings = {one.path: one.tree.hashing for one in sections if one.tree is not None}
        trees = {one.path: one.tree for one in sections if one.tree is not None}
        self._filtering = Filtering(trees, self._was_sent, knowledge.check)
        filtering = self._filtering
        self._small = SmallFiles(order.selections, host, self._resolve, filtering.files, filtering.group)

    def all(self) -> Iterator[Decision]:
        return map(self._settled, grouped(self._each(), self._packings))

    def sizes(self) -> tuple[TreeSizes, ...]:
        """Once all are decided."""
        return self._small.sizes()

    def _each(self) -> Iterator[Decision]:
        """Of each candidate by itself."""
        found = self._filtering.files(select(divided(self._order.selections), self._resolve))
        for batch in _batches(self._small.put_together(found)):
            candidates = [one for one in batch if isinstance(one, Candidate)]
            sent = self._sent(candidates)
            facts = _Facts(sent, self._renamed(candidates, sent), self._contents(candidates, sent))
            for one in batch:
                if isinstance(one, PassedOver):
                    yield Skip(one.path, archive_name(one.path, "raw", "file"), 0, one.reason)
                elif one.contents is not None:
                    yield from self._of_group(one, facts)
                else:
                    yield from self._decide(one, facts)

    def _of_group(self, group: Candidate, facts: _Facts) -> Iterator[Decision]:
        last = {name: facts.sent[name].get(group.path) for name in self._goes_to[group.section]}
        asked = Asked(self._hashings.get(group.section, "never"), group.compare, self._order.force)
        return group_decisions(group, last, asked, self._knowledge)

    def _resolve(self, selection: Selection) -> Iterator[Resolved]:
        found = self._origins[selection.origin].source.resolve(selection)
        return found if not selection.origin else (_coming_from(selection.origin, one) for one in found)

    def _sent(self, candidates: Sequence[Candidate]) -> Mapping[str, Mapping[str, LastSent]]:
        paths: dict[str, list[str]] = {}
        for candidate in candidates:
            for name in self._goes_to[candidate.section]:
                paths.setdefault(name, []).append(candidate.path)
        sent = {name: self._last_sent[name](wanted) for name, wanted in paths.items()}
        chains = self._increments
        return {name: chains[name].as_they_stand(candidates, of) if name in chains else of for name, of in sent.items()}

    def _was_sent(self, section: str, paths: Sequence[str]) -> set[str]:
        return {path for name in self._goes_to[section] for path in self._last_sent[name](paths)}

    def _renamed(
        self, candidates: Sequence[Candidate], sent: Mapping[str, Mapping[str, LastSent]]
    ) -> Mapping[str, Mapping[str, str]]:
        of_trees = [one for one in candidates if one.of_tree]
        return {
            name: renames(
                (one for one in of_trees if name in self._goes_to[one.section] and one.path not in sent[name]),
                alike,
                self._origins,
            )
            for name, alike in self._alike.items()
        }

    def _contents(
        self, candidates: Sequence[Candidate], sent: Mapping[str, Mapping[str, LastSent]]
    ) -> Mapping[str, Content | SourceError]:
        compared = [one for one in candidates if self._hashing(one) != "never"]
        wanted = [
            candidate
            for candidate in compared
            if any(
                self._needs_content(candidate, sent[name].get(candidate.path))
                for name in self._goes_to[candidate.section]
            )
        ]
        return read_contents(wanted, self._origins, self._check)

    def _decide(self, candidate: Candidate, facts: _Facts) -> Iterator[Decision]:
        """What can't be read is said once for all destinations that it would have to be looked at, or read, for."""
        force = self._order.force
        last = {name: facts.sent[name].get(candidate.path) for name in self._goes_to[candidate.section]}
        seen = self._look(candidate) if any(needs_look(candidate, one, force) for one in last.values()) else None
        content = facts.contents.get(candidate.path)
        if isinstance(seen, SourceError):
            yield unread(candidate, seen)
            seen, last = None, {name: one for name, one in last.items() if not needs_look(candidate, one, force)}
        if isinstance(content, SourceError):
            yield unread(candidate, content)
            content, last = None, {name: one for name, one in last.items() if not self._needs_content(candidate, one)}
        contents = Contents(self._hashing(candidate), content)
        for name, one in last.items():
            least = self._targets[name].destination.limits.least
            was = facts.renamed.get(name, _NOTHING).get(candidate.path)
            yield decide(candidate, one, seen, force, least, was, contents, name)

    def _needs_content(self, candidate: Candidate, last: LastSent | None) -> bool:
        return needs_content(candidate, last, self._order.force, self._hashing(candidate))

    def _hashing(self, candidate: Candidate) -> Hashing:
        return self._hashings.get(candidate.section, "never") if candidate.of_tree else "never"

    def _look(self, candidate: Candidate) -> Fingerprint | SourceError:
        try:
            return self._origins[candidate.origin].source.look(candidate)
        except SourceError as error:
            return error

    def _settled(self, decision: Decision) -> Decision:
        """With what there is to say only of what becomes one archive."""
        if not isinstance(decision, Upload):
            return decision
        candidate = decision.candidate
        if candidate.contents is not None and candidate.contents.prefix is None:
            # The same files may have been sent together before: they are forced, or damaged where they are.
            last = self._last_sent[decision.to]([candidate.path]).get(candidate.path)
            decision = replace(decision, previous=None if last is None else last.sent_at)
        elif candidate.kind in CHAINED and (increments := self._increments.get(decision.to)) is not None:
            try:
                found = increments.planned(decision)
            except SourceError as error:
                return replace(unread(candidate, error), to=decision.to)
            if isinstance(found, Skip):
                return found
            decision = found
        estimate = self._origins[candidate.origin].estimate(candidate, decision.container, decision.fingerprint)
        chosen = self._targets[decision.to].classify(estimate)
        if chosen is not None:
            decision = replace(decision, storage_class=chosen.storage_class, class_reason=chosen.reason)
        return replace(decision, reason=saying_how(decision, self._targets[decision.to].destination))


def _batches(found: Iterable[Resolved]) -> Iterator[list[Resolved]]:
    """So many at a time that looking them up together pays, and the lists of groups take little room."""
    batch: list[Resolved] = []
    weight = 0
    for one in found:
        batch.append(one)
        if isinstance(one, Candidate) and one.contents is not None:
            weight += len(one.contents.packed)
        if len(batch) >= LOOK_UP or weight >= LARGE:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def _coming_from(origin: str, found: Resolved) -> Resolved:
    return replace(found, origin=origin) if isinstance(found, Candidate) else found
