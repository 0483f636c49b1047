"""The backup workflow: identify the destinations, take over an older record, plan, carry out.

It knows no concrete source, packer or destination; the wiring hands them in. With one destination a run ends where
that is out of reach; with several, the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import CatalogError, DestinationUnavailable, Interrupted
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Event, Listener, RunEnded, RunStarted, Summary, Warned
from glacier_backup.model.naming import RESTORE_NOTE
from glacier_backup.model.plan import BackupPlan
from glacier_backup.model.record import LastSent
from glacier_backup.model.upload import Unfinished
from glacier_backup.plan.backup import limited
from glacier_backup.plan.known import AtPlace
from glacier_backup.resolve.source import divided
from glacier_backup.spool import Spool
from glacier_backup.workflow.replicate import Copying, Shelf, replicate
from glacier_backup.workflow.sending.desk import Sending
from glacier_backup.workflow.sending.execute import Run, execute
from glacier_backup.workflow.sending.expiring import Expiring, StoredAt, stored_at
from glacier_backup.workflow.sending.group_deciding import Groups, nothing_sent
from glacier_backup.workflow.sending.hashing import nothing
from glacier_backup.workflow.sending.increments import Increments
from glacier_backup.workflow.sending.lane import Lane
from glacier_backup.workflow.sending.looks import Looks
from glacier_backup.workflow.sending.prepare import LastSentOf, Order, prepare
from glacier_backup.workflow.sending.renames import AlikeOf
from glacier_backup.workflow.sending.whereabouts import Whereabouts, ask, insist, tell_apart
from glacier_backup.workflow.side_by_side import side_by_side
from glacier_backup.workflow.takeover import take_over
from glacier_backup.workflow.tools import Target, Tools

UNKNOWN = -1
"""The id of no place."""


@dataclass(frozen=True, slots=True)
class Backup:
    """Everything one backup works with."""

    order: Order
    tools: Tools
    targets: Sequence[Target]
    """Every destination that something may go to, one at least; each name once."""
    catalog: Catalog
    concurrency: int
    """Candidates under way at a time, for each destination."""
    shelves: Sequence[Shelf] = ()
    """Where copies of the catalog go; those that are targets, too, have their names."""


def preview(backup: Backup) -> BackupPlan:
    """What a run would do now. Sends no request, writes nothing, needs neither credentials nor a lock."""
    catalog, known, alike = backup.catalog, dict[str, LastSentOf](), dict[str, AlikeOf]()
    chains, stored = dict[str, Increments](), dict[str, StoredAt]()
    importable = unfinished = 0
    for target in backup.targets:
        place_id = catalog.place_id(target.destination.place, trusting=True)
        unfinished += 0 if place_id is None else len(catalog.unfinished(place_id))
        known[target.name] = _sent_to(place_id, catalog)
        chains[target.name] = _chains(backup, place_id)
        if place_id is not None:
            alike[target.name] = partial(catalog.paths_like, place_id)
            stored[target.name] = stored_at(catalog, place_id, backup.tools.host)
        if imported := {} if target.older is None else target.older.as_last_sent():
            importable += len(imported)
            known[target.name] = partial(_among, imported)
    plan = _prepared(backup, known, alike, chains, stored)
    return replace(limited(plan, backup.order.limit), importable=importable, unfinished=unfinished)


def run(backup: Backup, tell: Listener, stop: StopRequest, plan: BackupPlan | None = None) -> Summary:
    """Plan, unless ``plan`` is given, and carry the plan out. The caller holds the lock.

    Before planning, what an earlier run stored and could not record any more is recorded; after all was tried, what
    it left unfinished and nobody went on with is removed, and the catalog copied if it has changed. Raises
    DestinationUnavailable when the only destination can't be reached before anything was sent, CatalogError when the
    catalog can't be written before then, ValueError for a plan that was made for other destinations, and UsageError
    where two of them are the same place.
    """
    if plan is not None:
        _check(plan, backup)
    backup = _remembering(backup)
    tell = _Noting(tell)
    for warning in backup.catalog.warnings:
        tell(Warned(warning))
    places = [Whereabouts(target, backup.catalog) for target in backup.targets]
    ask([one for one in places if one.id is None], stop)
    insist(places)
    tell_apart(places)
    _take_over(backup, places, tell)
    _reconcile(backup, places, tell, stop)
    if plan is None:
        with stop.at_once():
            plan = _planned(backup, places, stop)
    ask([one for one in places if (share := plan.share(one.target.name)).uploads or share.expiries], stop)
    insist(places)
    _tell_unavailable(places, tell)
    tell(RunStarted(limited(plan, backup.order.limit)))
    summary = _carry_out(plan, backup, places, tell, stop)
    summary = replace(_copied(summary, backup, places, tell, stop), warnings=tell.warnings)
    tell(RunEnded(summary))
    return summary


def _planned(backup: Backup, places: Sequence[Whereabouts], stop: StopRequest) -> BackupPlan:
    catalog, ids = backup.catalog, {one.target.name: one.presumable_id for one in places}
    known = {name: _sent_to(place_id, catalog) for name, place_id in ids.items()}
    alike = {name: partial(catalog.paths_like, id) for name, id in ids.items() if id is not None}
    chains = {name: _chains(backup, id) for name, id in ids.items()}
    stored = {name: stored_at(catalog, id, backup.tools.host) for name, id in ids.items() if id is not None}
    return _prepared(backup, known, alike, chains, stored, stop.check)


def _prepared(
    backup: Backup,
    known: Mapping[str, LastSentOf],
    alike: Mapping[str, AlikeOf],
    chains: Mapping[str, Increments],
    stored: Mapping[str, StoredAt],
    check: Callable[[], object] = nothing,
) -> BackupPlan:
    order, tools = backup.order, backup.tools

    @cache
    def has_nothing(name: str, section: str) -> bool:
        return name not in stored or next(stored[name].current(section), None) is None

    # What was named by itself says nothing of what else there is.
    sections = () if order.ad_hoc else divided(order.selections)
    expiring = Expiring(sections, tools.origins, stored, check)
    groups = Groups(backup.catalog.group_members, has_nothing)
    return prepare(order, tools.origins, backup.targets, known, alike, check, chains, groups, tools.host, expiring)


def _chains(backup: Backup, place_id: int | None) -> Increments:
    return Increments(backup.tools, None if place_id is None else AtPlace(backup.catalog, place_id))


def _remembering(backup: Backup) -> Backup:
    """With sources that know when sending what the plan has just seen."""
    origins = backup.tools.origins
    remembering = {name: replace(origin, source=Looks(origin.source)) for name, origin in origins.items()}
    return replace(backup, tools=replace(backup.tools, origins=remembering))


class _Noting:
    """Passes events on and keeps what was warned of."""

    def __init__(self, tell: Listener) -> None:
        self._tell = tell
        self.warnings: Spool[str] = Spool()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Warned):
            self.warnings.append(event.message)
        self._tell(event)


def _check(plan: BackupPlan, backup: Backup) -> None:
    places = {target.name: target.destination.place for target in backup.targets}
    if dict(plan.places) != places:
        made_for, go_to = (", ".join(map(str, some.values())) for some in (plan.places, places))
        raise ValueError(f"the plan is for {made_for}, and archives go to {go_to}")


def _sent_to(place_id: int | None, catalog: Catalog) -> LastSentOf:
    return nothing_sent if place_id is None else partial(catalog.last_sent, place_id)


def _among(imported: Mapping[str, LastSent], paths: Sequence[str]) -> Mapping[str, LastSent]:
    """What will have been sent once an older record is taken over."""
    return {path: imported[path] for path in paths if path in imported}


def _take_over(backup: Backup, places: Sequence[Whereabouts], tell: Listener) -> None:
    for one in places:
        if one.target.older is not None and one.id is not None:
            take_over(one.target.older, backup.catalog, one.id, tell)


def _reconcile(backup: Backup, places: Sequence[Whereabouts], tell: Listener, stop: StopRequest) -> None:
    """Record what earlier runs have stored unrecorded, at all destinations at the same time."""
    ask([one for one in places if one.left], stop)
    insist(places)
    jobs = [
        partial(_reconcile_at, one, _sending(backup, one, place_id, None, tell, stop))
        for one in places
        if one.left and one.unavailable is None and (place_id := one.id) is not None
    ]
    side_by_side(jobs, name="destination")
    insist(places)


def _reconcile_at(one: Whereabouts, sending: Sending) -> None:
    from glacier_backup.workflow.sending.leftovers import reconcile

    try:
        one.left = reconcile(one.left, sending)
    except DestinationUnavailable as error:
        one.unavailable = error


def _sending(
    backup: Backup, one: Whereabouts, place_id: int, run_id: int | None, tell: Listener, stop: StopRequest
) -> Sending:
    by_path: dict[str, list[Unfinished]] = {}
    for left in one.left:
        by_path.setdefault(left.record.label.path, []).append(left)
    several = len(backup.targets) > 1
    return Sending(backup.tools, one.target, backup.catalog, place_id, run_id, by_path, tell, stop, several)


def _tell_unavailable(places: Sequence[Whereabouts], tell: Listener) -> None:
    for one in places:
        if one.unavailable is not None:
            hint = f"; {one.unavailable.hint}" if one.unavailable.hint else ""
            tell(Warned(f"{one.target.name}: {one.unavailable}{hint}"))


def _carry_out(
    plan: BackupPlan, backup: Backup, places: Sequence[Whereabouts], tell: Listener, stop: StopRequest
) -> Summary:
    """Only a run that has something to do leaves a trace in the catalog."""
    run_id = backup.catalog.begin_run(backup.tools.host) if plan.uploads or plan.expiries else None
    lanes = [
        Lane(
            # Where it isn't known to the catalog, it could not be asked either, and nothing is sent.
            _sending(backup, one, UNKNOWN if one.id is None else one.id, run_id, tell, stop),
            backup.order.limit,
            backup.concurrency,
            one.unavailable,
        )
        for one in places
    ]
    summary = execute(plan, Run(lanes, tell, stop, backup.order.ad_hoc))
    try:
        if run_id is not None:
            backup.catalog.end_run(run_id, summary)
    except CatalogError as error:
        # All that was sent is recorded; what is lost is when the run ended.
        tell(Warned(str(error)))
        return replace(summary, exit_code=summary.exit_code or error.exit_code)
    return summary


def _copied(
    summary: Summary, backup: Backup, places: Sequence[Whereabouts], tell: Listener, stop: StopRequest
) -> Summary:
    """The catalog goes to where archives went, but not to what this run has found out of reach: that takes minutes."""
    counts = {one.target.name: summary.count(one.target.name) for one in places}
    away = {name for name, count in counts.items() if count.failed and not count.sent}
    away |= {one.target.name for one in places if one.unavailable is not None}
    if any(one.target.destination.place.kind == "glacier" and counts[one.target.name].sent for one in places):
        from glacier_backup.workflow.catalog_copies import put_note_beside

        try:
            put_note_beside(backup.catalog.path)
        except OSError as error:
            tell(Warned(f"{RESTORE_NOTE} can't be written beside the catalog: {error.strerror}", lasting=True))
    copying = Copying(backup.catalog, backup.tools.host, tell, stop, backup.tools.catalog_seal)
    try:
        replicate(copying, [one for one in backup.shelves if one.name not in away])
    except Interrupted as error:
        tell(Warned(f"the catalog was not copied: {error}"))
        return replace(summary, exit_code=summary.exit_code or error.exit_code)
    return summary
