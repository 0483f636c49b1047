"""Directories that are sent as chains: what the next archive of one is, and what it holds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from glacier_backup.model.candidate import Candidate, Fingerprint, Kind
from glacier_backup.model.full_every import FullEvery
from glacier_backup.model.increment import Delta, Link, Linked, link_of, rules_of
from glacier_backup.model.naming import stored_name
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.recipe import Recipe
from glacier_backup.model.record import LastSent
from glacier_backup.model.snapshot import SpanLinked
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.upload_reason import Forced, InChain
from glacier_backup.plan.chain import BROKEN, Chains, Wanted, chain_among, hurt_link, is_increment, why_full
from glacier_backup.plan.delta import delta
from glacier_backup.plan.known import AtPlace
from glacier_backup.plan.layers import Disordered, effective, layers_of
from glacier_backup.units import now
from glacier_backup.workflow.sending.desk import Sending
from glacier_backup.workflow.sending.spans import FORCED, Spans
from glacier_backup.workflow.tools import Chaining, Tools

CHAINED = frozenset[Kind]({"directory", "dataset"})
"""What may be sent as a chain."""


@dataclass(frozen=True, slots=True)
class Increments:
    """The chains at one destination."""

    tools: Tools
    known: AtPlace | None
    """What is known to be stored there; None: nothing is."""

    def next(self, candidate: Candidate, *, whole: str = "", begun: Iterable[Recipe] = ()) -> Linked | None:
        """What is to be sent of ``candidate``, which is looked through for that; None where it isn't sent as a chain.

        ``whole`` says why all of it is wanted. What ``begun`` says, the recipes of what an earlier run hasn't finished,
        holds: an increment that is under way isn't too many. Raises SourceError and CatalogError.
        """
        every, chaining = self.tools.increments.get(candidate.section), self.tools.origins[candidate.origin].chaining
        if every is None or chaining is None or candidate.kind != "directory":
            return None
        rules = rules_of(candidate.exclusion)
        versions = [] if self.known is None else list(self.known.stored_archives(ArchiveFilter(path=candidate.path)))
        if whole or not versions:
            return Linked(Link(0, rules=rules), whole if versions else "")
        last = max(versions, key=lambda one: one.id)
        chain = chain_among(last, versions)
        goes_on = any(_builds_on(recipe, last) for recipe in begun)
        steps = self.tools.seal(candidate.section).steps()
        wanted = Wanted(self.tools.host, rules, tuple(steps), FullEvery() if goes_on else every)
        why = why_full(last, chain, wanted, now())
        if why or chain is None or last.link is None:
            return Linked(Link(0, rules=rules), why)
        try:
            found = self._delta(candidate, chaining, chain)
        except Disordered:
            return Linked(Link(0, rules=rules), "what is in the archives before isn't in order")
        return Linked(Link(last.link.number + 1, chain[0].time, last.time, rules), delta=found)

    def _delta(self, candidate: Candidate, chaining: Chaining, chain: Sequence[StoredArchive]) -> Delta:
        then = () if self.known is None else effective(layers_of(self.known, chain))
        with closing(chaining.listing(candidate)) as there:
            return delta((one.member for one in then), there, stored_name(candidate.path), candidate.path)

    def as_they_stand(self, candidates: Iterable[Candidate], sent: Mapping[str, LastSent]) -> Mapping[str, LastSent]:
        """``sent``, the newest archives by path, each as damaged as what it builds on where the ``candidates`` say that
        it is one of a directory or dataset."""
        chained = [one for one in candidates if one.kind in CHAINED and one.path in sent]
        found = dict(sent)
        for one in chained:
            if one.kind == "dataset":
                found[one.path] = Spans(self.tools, self.known).recognised(one, found[one.path])
        sound = tuple(found[one.path].id for one in chained if found[one.path].damage is None)
        if self.known is None or not sound:
            return found
        chains = Chains(self.known)
        for archive in filter(is_increment, self.known.stored_archives(ArchiveFilter(ids=sound))):
            chain = chains.of(archive)
            damage = BROKEN if chain is None else hurt_link(chain) or None
            found[archive.path] = replace(found[archive.path], damage=damage)
        return found

    def planned(self, upload: Upload) -> Upload | Skip:
        """``upload`` as what it becomes where it is sent as a link of a chain. Raises as :meth:`next`."""
        if upload.candidate.kind == "dataset":
            return Spans(self.tools, self.known).planned(upload)
        linked = self.next(upload.candidate, whole=FORCED if isinstance(upload.reason, Forced) else "")
        if linked is None:
            return upload
        found = linked.delta
        counts = (0, 0, 0) if found is None else (found.new, found.changed, len(found.deleted))
        why = "" if linked.why == FORCED else linked.why
        reason = InChain(upload.reason, linked.link.number, why, *counts)
        return replace(upload, fingerprint=sized(upload.fingerprint, linked), reason=reason)


def sized(fingerprint: Fingerprint, linked: Linked | SpanLinked) -> Fingerprint:
    """``fingerprint`` of the whole directory, with the size of what is sent of it; of a dataset its snapshot's own."""
    if isinstance(linked, SpanLinked):
        return linked.fingerprint
    if linked.delta is None:
        return fingerprint
    return replace(fingerprint, bytes=linked.delta.bytes, entries=linked.delta.entries)


def of_sending(sending: Sending) -> Increments:
    """The chains at the destination of one run's sending."""
    return Increments(sending.tools, AtPlace(sending.catalog, sending.place_id))


def note_deleted(sending: Sending, archive: int, linked: Linked | SpanLinked | None, path: str) -> None:
    """Have noted what an increment lists as deleted, as its members are called."""
    if isinstance(linked, Linked) and linked.delta is not None:
        top = stored_name(path)
        sending.catalog.note_vanished(archive, (f"{top}/{os.fsdecode(name)}" for name in linked.delta.deleted))


def _builds_on(recipe: Recipe, last: StoredArchive) -> bool:
    try:
        link = link_of(recipe)
    except ValueError:
        return False
    return link is not None and link.previous == last.time
