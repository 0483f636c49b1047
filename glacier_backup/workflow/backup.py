"""The backup workflow: identify the destination, take over an older record, plan, carry out.

It knows no concrete source, packer or destination; the wiring hands them in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import CatalogError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Event, Listener, RunEnded, RunStarted, Summary, Warned
from glacier_backup.model.plan import BackupPlan
from glacier_backup.model.record import LastSent
from glacier_backup.model.upload import Unfinished
from glacier_backup.plan.backup import limited
from glacier_backup.spool import Spool
from glacier_backup.workflow.execute import Run, execute
from glacier_backup.workflow.leftovers import reconcile, sweep
from glacier_backup.workflow.prepare import Order, prepare
from glacier_backup.workflow.send import Sending, Tools
from glacier_backup.workflow.takeover import OlderRecord, take_over
from glacier_backup.workflow.whereabouts import Whereabouts


@dataclass(frozen=True, slots=True)
class Backup:
    """Everything one backup works with."""

    order: Order
    tools: Tools
    catalog: Catalog
    concurrency: int
    """Candidates under way at a time."""
    older: OlderRecord | None
    """The record of glacier_backup 1.2 for this vault, where there is one and the catalog knows nothing of it."""


def preview(backup: Backup) -> BackupPlan:
    """What a run would do now. Sends no request, writes nothing, needs neither credentials nor a lock."""
    place = backup.tools.destination.place
    place_id = backup.catalog.place_id(place, trusting=True)
    imported = {} if backup.older is None else backup.older.as_last_sent()

    def last_sent(paths: Sequence[str]) -> Mapping[str, LastSent]:
        if imported:
            return {path: imported[path] for path in paths if path in imported}
        return {} if place_id is None else backup.catalog.last_sent(place_id, paths)

    least = backup.tools.destination.limits.least
    plan = prepare(backup.order, backup.tools.source, last_sent, place, least)
    unfinished = 0 if place_id is None else len(backup.catalog.unfinished(place_id))
    return replace(limited(plan, backup.order.limit), importable=len(imported), unfinished=unfinished)


def run(backup: Backup, tell: Listener, stop: StopRequest, plan: BackupPlan | None = None) -> Summary:
    """Plan, unless ``plan`` is given, and carry the plan out. The caller holds the lock.

    Before planning, what an earlier run stored and could not record any more is recorded; after all was tried, what
    it left unfinished and nobody went on with is removed. Raises DestinationUnavailable when the destination can't
    be reached before anything was sent, CatalogError when the catalog can't be written before then, and ValueError
    for a plan that was made for another destination.
    """
    place = backup.tools.destination.place
    if plan is not None and plan.place != place:
        raise ValueError(f"the plan is for {plan.place}, and archives go to {place}")
    tell = _Noting(tell)
    for warning in backup.catalog.warnings:
        tell(Warned(warning))
    whereabouts = Whereabouts(backup.tools.destination, backup.catalog, stop)
    if backup.older is not None:
        take_over(backup.older, backup.catalog, whereabouts.id, tell)
    left = _reconciled(backup, whereabouts, tell, stop)
    if plan is None:
        plan = _prepare(backup, whereabouts.id, stop)
    if plan.uploads:
        whereabouts.ask()
    tell(RunStarted(limited(plan, backup.order.limit)))
    summary = replace(_carry_out(plan, backup, whereabouts.id, left, tell, stop), warnings=tell.warnings)
    tell(RunEnded(summary))
    return summary


class _Noting:
    """Passes events on and keeps what was warned of."""

    def __init__(self, tell: Listener) -> None:
        self._tell = tell
        self.warnings: Spool[str] = Spool()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Warned):
            self.warnings.append(event.message)
        self._tell(event)


def _reconciled(backup: Backup, whereabouts: Whereabouts, tell: Listener, stop: StopRequest) -> tuple[Unfinished, ...]:
    """What earlier runs have left to go on with."""
    left = backup.catalog.unfinished(whereabouts.id)
    if not left:
        return ()
    whereabouts.ask()
    sending = Sending(backup.tools, backup.catalog, whereabouts.id, None, {}, tell, stop)
    return tuple(reconcile(left, sending))


def _prepare(backup: Backup, place_id: int, stop: StopRequest) -> BackupPlan:
    tools = backup.tools
    with stop.at_once():
        return prepare(
            backup.order,
            tools.source,
            lambda paths: backup.catalog.last_sent(place_id, paths),
            tools.destination.place,
            tools.destination.limits.least,
        )


def _carry_out(
    plan: BackupPlan,
    backup: Backup,
    place_id: int,
    left: Sequence[Unfinished],
    tell: Listener,
    stop: StopRequest,
) -> Summary:
    """Only a run that has something to send leaves a trace in the catalog."""
    run_id = backup.catalog.begin_run(backup.tools.host) if plan.uploads else None
    by_path: dict[str, list[Unfinished]] = {}
    for one in left:
        by_path.setdefault(one.record.label.path, []).append(one)
    sending = Sending(backup.tools, backup.catalog, place_id, run_id, by_path, tell, stop)
    summary = execute(plan, Run(sending, backup.order.limit, backup.concurrency))
    try:
        if not summary.ended_early:
            sweep(sending, plan, ad_hoc=backup.order.ad_hoc)
        if run_id is not None:
            backup.catalog.end_run(run_id, summary)
    except CatalogError as error:
        # All that was sent is recorded; what is lost is when the run ended, or that an upload was removed.
        tell(Warned(str(error)))
        return replace(summary, exit_code=summary.exit_code or error.exit_code)
    return summary
