"""What earlier runs left unfinished and no candidate goes on with: completed, or removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from glacier_backup.errors import DestinationError, DestinationUnavailable, Interrupted, UploadForgotten
from glacier_backup.model.event import ArchiveFound
from glacier_backup.model.plan import Action, BackupPlan
from glacier_backup.model.upload import Unfinished
from glacier_backup.workflow.send import Begun, Sending


def reconcile(left: Iterable[Unfinished], sending: Sending) -> Iterator[Unfinished]:
    """Complete, or find complete, each archive all of whose parts are stored; yields the others.

    Before anything is planned, so that the plan knows what is stored. Raises DestinationUnavailable and Interrupted.
    """
    for one in left:
        if one.checksums is None or one.upload is None:
            yield one
            continue
        try:
            record = sending.complete(Begun(one.archive, one.record, one.upload), one.checksums)
            sending.tell(ArchiveFound(record.label.path, record.receipts[0].locator))
        except UploadForgotten:
            continue  # noted, and told
        except (DestinationUnavailable, Interrupted):
            raise
        except DestinationError as error:
            sending.drop(one, str(error))


def sweep(sending: Sending, plan: BackupPlan, *, ad_hoc: bool) -> None:
    """Remove what nobody went on with in this run, unless it was asked to stop.

    What the plan would have sent but didn't come to (its limit was reached, or it ended early) is left to the next run,
    and so is what an ``ad_hoc`` run wasn't about.
    """
    untaken = sending.journal.untaken()
    if not untaken:
        return
    paths = {one.record.label.path for one in untaken}
    decided = {decision.path: decision.action for decision in plan.decisions if decision.path in paths}
    nobody: Action | None = None if ad_hoc else "skip"
    with suppress(Interrupted):
        for one in untaken:
            if decided.get(one.record.label.path, nobody) == "skip":
                sending.drop(one, "nothing goes on with it")
