"""What becomes of the snapshots here of what was sent from them: the newest that is stored at a destination is held, so
that nothing destroys what the next increment begins with, and what isn't to be kept is removed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from glacier_backup.errors import SourceError, SourceInUse
from glacier_backup.model.candidate import Candidate
from glacier_backup.model.place import Place
from glacier_backup.model.snapshot import Snapshot, SnapshotRules, SpanLinked
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan.spans import leads_to, newest_stored, spans_stored
from glacier_backup.resolve.snapshots import goes_by
from glacier_backup.workflow.sending.desk import Sending


def hold(sending: Sending, candidate: Candidate, linked: SpanLinked) -> None:
    """Keep what is sent now from being destroyed. Where that can't be had, it goes without."""
    try:
        sending.tools.snapshots_of(candidate).hold(candidate.path, linked.span.to, hold_tag(sending.destination.place))
    except SourceError as error:
        sending.warn(candidate.path, f"the snapshot {linked.span.to} isn't held: {_with_cure(error, candidate)}")


def tidy_snapshots(sending: Sending, candidate: Candidate) -> None:
    """Now that the newest one is stored: let go of those before it, and remove what isn't to be kept here. What can't
    be done is told."""
    source, catalog = sending.tools.snapshots_of(candidate), sending.catalog
    stored = sorted(catalog.stored_archives(ArchiveFilter(path=candidate.path)), key=lambda one: one.id)
    try:
        there = source.snapshots(candidate.path)
        here = [one for one in stored if one.place_id == sending.place_id]
        needed = [
            find(there, [one for one in stored if one.place_id == place])
            for place, _ in catalog.places()
            # Where the newest one is damaged the next increment begins with an older one.
            for find in (_newest, partial(newest_stored, host=sending.tools.host))
        ]
        rules = sending.tools.rules_of(candidate)
        for snapshot in _let_go(there, here):
            source.release(candidate.path, snapshot.name, hold_tag(sending.destination.place))
        for snapshot in _surplus(there, rules, needed):
            with suppress(SourceInUse):  # somebody else holds it, and so it stays
                source.destroy(candidate.path, snapshot.name)
    except SourceError as error:
        sending.warn(candidate.path, f"its snapshots aren't tidied up: {_with_cure(error, candidate)}")


def _with_cure(error: SourceError, candidate: Candidate) -> str:
    return error.without(candidate.path) + (f"; {error.hint}" if error.hint else "")


def hold_tag(place: Place) -> str:
    """Of the holds for one destination: another one's stay."""
    return f"glacier-backup-{hashlib.sha256(str(place).encode()).hexdigest()[:8]}"


def _newest(there: Sequence[Snapshot], stored: Sequence[StoredArchive]) -> Snapshot | None:
    spans = list(spans_stored(stored))
    return next((one for one in reversed(there) if any(leads_to(span, one) for span in spans)), None)


def _let_go(there: Sequence[Snapshot], stored: Sequence[StoredArchive]) -> Sequence[Snapshot]:
    """What may have our hold though it is the newest no more: what was, or what was begun and never came to an end. A
    hold by another tag isn't touched."""
    newest = _newest(there, stored)
    return [one for one in there if one.is_held and newest is not None and one.order < newest.order]


def _surplus(there: Sequence[Snapshot], rules: SnapshotRules, needed: Sequence[Snapshot | None]) -> list[Snapshot]:
    """Those that go by the tag and are more than are to be kept, but for the newest that some destination has."""
    if rules.keep is None or not rules.tag:
        return []
    tagged = [one for one in there if goes_by(rules.tag, one.name)]
    return [one for one in tagged[: -rules.keep] if one not in needed]
