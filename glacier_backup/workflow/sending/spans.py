"""Datasets that are sent as streams between snapshots: what the next one of a chain is, and what becomes of the
snapshots here.

A plan only looks. The snapshot that is sent is made when it is the dataset's turn, and held as long as it is the newest
that is stored at that destination, so that nothing destroys what the next increment begins with.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.full_every import FullEvery
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.reason import OneADay
from glacier_backup.model.recipe import Recipe
from glacier_backup.model.record import LastSent
from glacier_backup.model.snapshot import Snapshot, SnapshotRules, Span, SpanLinked, span_if_told
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.upload_reason import Forced, InSpans
from glacier_backup.model.zfs_to_aws import day_of
from glacier_backup.plan.chain import Wanted
from glacier_backup.plan.known import AtPlace
from glacier_backup.plan.spans import Asked, Next, is_stored, leads_to, newest_stored, next_span, spans_stored
from glacier_backup.resolve.snapshots import digest_of, to_send
from glacier_backup.units import now
from glacier_backup.workflow.tools import Tools

FORCED = "forced"

BEGUN = "an earlier run has begun it"

_DAY, _MOMENT = "%Y%m%d", "%Y%m%dT%H%M%S"


class _Begun(NamedTuple):
    """What an earlier run hasn't finished."""

    span: Span
    snapshot: Snapshot
    """That it leads to."""


class _Choice(NamedTuple):
    """What is sent next of one dataset."""

    there: Sequence[Snapshot]
    """All snapshots here."""
    to: Snapshot | None
    """None: one is made for it."""
    next: Next
    taken: frozenset[str]
    """Names that no new one may get: of those here, and of those that are stored and may be gone here. In what is
    received there can't be two of one name."""


@dataclass(frozen=True, slots=True)
class Spans:
    """The chains of datasets at one destination."""

    tools: Tools
    known: AtPlace | None
    """What is known to be stored there; None: nothing is."""

    def planned(self, upload: Upload) -> Upload | Skip:
        """``upload`` as what it becomes, or why it doesn't. Changes nothing. Raises SourceError and CatalogError."""
        candidate, rules = upload.candidate, self.tools.rules_of(upload.candidate)
        whole = FORCED if isinstance(upload.reason, Forced) else ""
        if self._had_its_day(candidate, rules):
            return Skip(upload.path, upload.name, upload.bytes, OneADay(), upload.to)
        choice = self._choice(candidate, rules, whole, ())
        name, guid = choice.to[:2] if choice.to is not None else (_new_name(rules.tag, choice.taken), "")
        span = choice.next.span(name, guid)
        size = self.tools.snapshots_of(candidate).size(candidate.path, span)
        fingerprint = upload.fingerprint if size is None else replace(upload.fingerprint, bytes=size)
        why = "" if choice.next.why == FORCED else choice.next.why
        reason = InSpans(upload.reason, span.to, span.base, choice.next.link.number, why, choice.to is None)
        return replace(upload, fingerprint=fingerprint, reason=reason)

    def next(self, candidate: Candidate, *, whole: str = "", begun: Iterable[Recipe] = ()) -> SpanLinked:
        """What is to be sent of ``candidate``: a snapshot is made for that, if that is what its section says.

        ``whole`` says why a baseline is wanted. What ``begun`` says, the recipes of what an earlier run hasn't
        finished, goes on as long as that snapshot is there, and nothing as new is stored; a baseline as that, whatever
        there is to build on by now. Raises SourceError and CatalogError.
        """
        source, rules = self.tools.snapshots_of(candidate), self.tools.rules_of(candidate)
        choice = self._choice(candidate, rules, whole, begun)
        to = choice.to or source.take(candidate, _new_name(rules.tag, choice.taken))
        span = choice.next.span(to.name, to.guid)
        size = source.size(candidate.path, span)
        fingerprint = Fingerprint(digest_of(to.guid), size or 0, 1, _nanoseconds(to.created_at))
        if size is None:
            # It may be more, or less: of what nobody can tell the dataset's own size is the best guess.
            fingerprint = replace(fingerprint, bytes=source.look(candidate).bytes)
        return SpanLinked(choice.next.link, span, fingerprint)

    def recognised(self, candidate: Candidate, last: LastSent) -> LastSent:
        """``last``, the newest archive, with what the newest snapshot looks like that is stored: another one where an
        older span was sent again after it. Of what was taken over only the name is known, and when it was stored tells
        nothing of snapshots."""
        stored = self._stored(candidate)
        spans = [*spans_stored(one for one in stored if one.id == last.id)]
        try:
            there = self.tools.snapshots_of(candidate).snapshots(candidate.path) if spans else ()
        except SourceError:
            return last  # whoever looks at it next is told
        found = next((one for one in there if any(leads_to(span, one) for span in spans)), None)
        if found is None:
            return replace(last, digest=last.digest or digest_of("that is gone")) if spans else last
        rules = self.tools.rules_of(candidate)
        newest = None if rules.base or rules.taking == "named" else newest_stored(there, stored, self.tools.host)
        return replace(last, digest=digest_of(max(found, newest or found, key=attrgetter("order")).guid))

    def _choice(self, candidate: Candidate, rules: SnapshotRules, whole: str, begun: Iterable[Recipe]) -> _Choice:
        source, stored = self.tools.snapshots_of(candidate), self._stored(candidate)
        there = source.snapshots(candidate.path)
        under_way = self._under_way(there, stored, begun, rules, whole)
        to = to_send(source, candidate.path, there, rules) if under_way is None else under_way.snapshot
        whole = whole or (BEGUN if under_way is not None and not under_way.span.base else "")
        if rules.taking == "create" and to is not None and not (under_way or whole):
            # As after a rollback: what is newest here was sent, and so was what isn't here any more.
            to = None if is_stored(to, stored, self.tools.host) else to
        if under_way is None and _is_by_day(rules):
            to = to if to is not None and _is_of_a_day(to) else _of_today(there, rules)
        every = FullEvery() if under_way else self.tools.increments.get(candidate.section, FullEvery())
        wanted = Wanted(self.tools.host, "", tuple(self.tools.seal(candidate.section).steps()), every)
        asked = Asked(candidate.path, to, rules.base, rules.raw, rules.intermediates, whole)
        taken = frozenset() if to is not None else self._taken(candidate, rules, there)
        return _Choice(there, to, next_span(there, stored, asked, wanted, now()), taken)

    def _taken(self, candidate: Candidate, rules: SnapshotRules, there: Sequence[Snapshot]) -> frozenset[str]:
        if _is_by_day(rules):
            return frozenset()  # there is no other name, and what was sent elsewhere is no part of this chain
        return frozenset(one.name for one in there) | frozenset(self._names(candidate, rules))

    def _under_way(
        self,
        there: Sequence[Snapshot],
        stored: Sequence[StoredArchive],
        begun: Iterable[Recipe],
        rules: SnapshotRules,
        whole: str,
    ) -> _Begun | None:
        """The newest that goes on; None where none does, as where something else was asked for."""
        newest = newest_stored(there, stored, self.tools.host)
        for one in _begun(there, begun):
            is_asked_for = rules.taking != "named" or one.snapshot.name == rules.name
            is_asked_for &= not (rules.base and one.span.base != rules.base) and not (whole and one.span.base)
            # A baseline that was forced may lead to what is stored as an increment.
            least = 0 if newest is None else newest.order + bool(one.span.base)
            if is_asked_for and one.snapshot.order >= least:
                return one
        return None

    def _names(self, candidate: Candidate, rules: SnapshotRules) -> Iterator[str]:
        """Of all snapshots that are stored, wherever that is; of the other datasets that get a snapshot of the same
        name those of today, for others it can't have."""
        if self.known is not None:
            wanted = [ArchiveFilter(path=candidate.path)]
            if rules.recursive:
                today = now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
                wanted.append(ArchiveFilter(below=candidate.section, since=today))
            for one in wanted:
                yield from (span.to for span in spans_stored(self.known.known.stored_archives(one)))

    def _had_its_day(self, candidate: Candidate, rules: SnapshotRules) -> bool:
        """Whether a layout that has one name for each day has used up this one's."""
        today = _new_name(rules.tag, ())
        return _is_by_day(rules) and any(span.to == today for span in spans_stored(self._stored(candidate)))

    def _stored(self, candidate: Candidate) -> list[StoredArchive]:
        if self.known is None:
            return []
        return sorted(self.known.stored_archives(ArchiveFilter(path=candidate.path)), key=lambda one: one.id)


def _begun(there: Sequence[Snapshot], begun: Iterable[Recipe]) -> Iterator[_Begun]:
    """What an earlier run has begun to send, and is still here; the newest first."""
    spans = [span for recipe in begun if (span := span_if_told(recipe)) is not None]
    return (_Begun(span, one) for one in reversed(there) for span in reversed(spans) if leads_to(span, one))


def _is_by_day(rules: SnapshotRules) -> bool:
    """Whether those that are made have a layout with one name for each day."""
    return rules.layout != "own" and rules.taking == "create"


def _is_of_a_day(snapshot: Snapshot) -> bool:
    try:
        return bool(day_of(snapshot.name))
    except ValueError:
        return False


def _of_today(there: Sequence[Snapshot], rules: SnapshotRules) -> Snapshot | None:
    """Today's, whatever has been written since: a second one would have no name."""
    return next((one for one in there if one.name == _new_name(rules.tag, ())), None)


def _new_name(tag: str, taken: Container[str]) -> str:
    """``TAG-YYYYMMDD`` of today here; where that is taken with the time behind it."""
    moment = now().astimezone()
    if (name := f"{tag}-{moment.strftime(_DAY)}") not in taken:
        return name
    while (name := f"{tag}-{moment.strftime(_MOMENT)}") in taken:
        moment += timedelta(seconds=1)
    return name


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
