"""Doing what was decided: each destination in a lane of its own, so that none holds up another.

The caller's thread waits, and is the one that signals reach.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from glacier_backup.errors import CatalogError, GlacierBackupError, Interrupted, SourceUnavailable
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Counts, Listener, Result, Summary, Warned
from glacier_backup.model.plan import BackupPlan, Decision, Upload
from glacier_backup.model.upload_reason import InChain
from glacier_backup.workflow.ending import Ending
from glacier_backup.workflow.sending import sharing
from glacier_backup.workflow.sending.lane import Batch, Lane
from glacier_backup.workflow.sending.sharing import Party, Sharing
from glacier_backup.workflow.sending.tally import Merged, Tally
from glacier_backup.workflow.side_by_side import side_by_side


@dataclass(frozen=True, slots=True)
class Run:
    """One run under way."""

    lanes: Sequence[Lane]
    """One at least; each destination once. What of the plan concerns none of them is told by the first."""
    tell: Listener
    stop: StopRequest
    ad_hoc: bool = False
    """Whether it is about other paths than the configured ones."""

    def lane_of(self, decision: Decision) -> str:
        """The name of the lane that deals with ``decision``."""
        return decision.to or self.lanes[0].name


class Ended(NamedTuple):
    """How one lane ended."""

    tally: Tally
    early: GlacierBackupError | None
    """What kept it from trying everything."""
    unnoted: CatalogError | None
    """Why it could not be noted that what earlier runs left is removed."""


def execute(plan: BackupPlan, run: Run) -> Summary:
    """Carry out ``plan``: every upload is recorded as soon as it is stored, and one that fails stops no other. What
    earlier runs have left, and nobody has gone on with, is removed.

    A lane ends early when its destination is out of reach, all do when the catalog can't be written, or a stop was
    asked for: then nothing more is begun, what is under way is let end by itself, and what was not tried counts as
    failed. Raises nothing that a candidate, a destination or the catalog did wrong. KeyboardInterrupt is passed on at
    once.
    """
    ending = Ending(run.stop)
    meeting = Sharing((lane.name for lane in run.lanes), ending.check, sharing.PATIENCE)
    jobs = [_Job(plan, run, lane, meeting.party(lane.name), ending) for lane in run.lanes]
    try:
        ended = side_by_side([job.carry_out for job in jobs], name="lane")
    except BaseException:
        ending.abandon()
        raise
    if isinstance(ending.error, Interrupted):
        run.tell(Warned(f"{ending.error}; {ending.error.hint}"))
    for lane in ended:
        if lane.unnoted is not None:
            # All that was sent is recorded; what is lost is that an upload was removed.
            run.tell(Warned(str(lane.unnoted)))
    return _summary(plan, run, ended, ending)


class _Job:
    """One lane at work, in a thread of its own."""

    def __init__(self, plan: BackupPlan, run: Run, lane: Lane, party: Party, ending: Ending) -> None:
        sending = lane.sending
        self._origins = sending.tools.origins
        shared = replace(sending, tools=party.tools(sending.tools), tell=party.listener(sending.tell))
        self._lane = replace(lane, sending=shared)
        self._plan = plan
        self._run = run
        self._party = party
        self._ending = ending

    def carry_out(self) -> Ended:
        """Everything that the plan has for the lane."""
        with Batch(self._lane, self._party, self._ending) as batch:
            for position, (_, decisions) in enumerate(groupby(self._plan.decisions, attrgetter("path"))):
                about = list(decisions)
                for decision in about:
                    if self._run.lane_of(decision) == self._lane.name:
                        batch.take(position, decision, self._sharing(decision, about))
                self._party.pass_by(position)
            batch.finish()
        return Ended(batch.tally, batch.ended, None if batch.ended else self._sweep())

    def _sharing(self, decision: Decision, about: Sequence[Decision]) -> Collection[str]:
        """The other destinations that ``decision`` is packed for; ``about`` are all decisions about its path."""
        if len(about) == 1 or not isinstance(decision, Upload) or decision.candidate.kind == "group":
            return ()
        if isinstance(decision.reason, InChain):
            return ()  # each destination has chains of its own
        if decision.container not in self._origins[decision.candidate.origin].shared:
            return ()
        same = (one for one in about if isinstance(one, Upload) and one.container == decision.container)
        return {one.to for one in same} - {decision.to}

    def _sweep(self) -> CatalogError | None:
        if not self._lane.sending.left:
            return None
        from glacier_backup.workflow.sending.leftovers import sweep

        try:
            sweep(self._lane.sending, self._plan, ad_hoc=self._run.ad_hoc)
        except CatalogError as error:
            return error
        return None


def _summary(plan: BackupPlan, run: Run, lanes: Sequence[Ended], ending: Ending) -> Summary:
    counts = [lane.tally.counts() for lane in lanes]
    all_counts = [count for lane in counts for count in lane.values()]
    results = {lane.name: one.tally.results for lane, one in zip(run.lanes, lanes, strict=True)}
    return Summary(
        plan,
        _in_order(plan, run, results),
        sent=sum(count.sent for count in all_counts),
        failed=sum(count.failed for count in all_counts),
        skipped=sum(count.skipped for count in all_counts),
        bytes=sum(count.bytes for count in all_counts),
        files=sum(count.files for count in all_counts),
        expired=sum(count.expired for count in all_counts),
        exit_code=_exit_code(lanes, counts, ending),
        ended_early=any(lane.early for lane in lanes),
        counts={name: count for lane in counts for name, count in lane.items() if name},
    )


def _in_order(plan: BackupPlan, run: Run, results: Mapping[str, Collection[Result]]) -> Collection[Result]:
    if len(results) == 1 and not plan.files:
        return next(iter(results.values()))
    return Merged(plan.decisions, run.lane_of, results)


def _exit_code(lanes: Sequence[Ended], counts: Sequence[Mapping[str, Counts]], ending: Ending) -> int:
    """DESIGN, section 4: 4 only when nothing could be done; changed while read is told but is no failure."""
    if ending.error is not None:
        return ending.error.exit_code
    early = [lane.early for lane in lanes if lane.early is not None]
    sent = sum(count.sent for lane in counts for count in lane.values())
    had_uploads = sum(
        any(count.sent or count.failed for count in own.values()) or lane.early is not None
        for lane, own in zip(lanes, counts, strict=True)
    )
    if early and not sent and len(early) == had_uploads:
        return early[0].exit_code
    out_of_reach = sum(lane.tally.out_of_reach for lane in lanes)
    if out_of_reach and out_of_reach == sum(len(lane.tally.results) for lane in lanes):
        return SourceUnavailable.exit_code
    if early or any(lane.tally.imperfect for lane in lanes):
        return 1
    return next((lane.unnoted.exit_code for lane in lanes if lane.unnoted is not None), 0)
