"""What earlier runs left unfinished and no candidate goes on with: completed, or removed."""

from __future__ import annotations

from collections.abc import Iterable, Set
from contextlib import suppress
from datetime import timedelta
from operator import attrgetter

from glacier_backup.errors import DestinationError, DestinationUnavailable, Interrupted, UploadForgotten
from glacier_backup.model.archive import Checksums
from glacier_backup.model.event import ArchiveFound, UploadAborted
from glacier_backup.model.naming import section_of
from glacier_backup.model.plan import BackupPlan, Decision, Expiry, Skip, Upload
from glacier_backup.model.reason import AlreadySent, SentMeanwhile, Unchanged, Vanished
from glacier_backup.model.recipe import group_depth
from glacier_backup.model.upload import OpenUpload, Unfinished
from glacier_backup.units import now
from glacier_backup.workflow.sending.conclusion import reconciled
from glacier_backup.workflow.sending.desk import Sending
from glacier_backup.workflow.sending.single import Begun, complete
from glacier_backup.workflow.sending.undoing import drop

KEPT = timedelta(days=1)
"""How long an upload is kept that no candidate stands for. A vault itself forgets one that rests for a day."""


def reconcile(left: Iterable[Unfinished], sending: Sending) -> tuple[Unfinished, ...]:
    """Complete, or find complete, each archive, and each object of one, all of whose parts are stored; returns what is
    left of them then, in order of intent.

    Before anything is planned, so that the plan knows what is stored. Raises DestinationUnavailable and Interrupted.
    """
    others, volumes = [], set[int]()
    for one in left:
        if one.record.recipe.in_volumes:
            if not reconciled(sending, one):
                volumes.add(one.archive)
        elif one.checksums is None or one.upload is None:
            others.append(one)
        else:
            _complete(sending, one, one.upload, one.checksums)
    if volumes:
        # As they are by now.
        others += [one for one in sending.catalog.unfinished(sending.place_id) if one.archive in volumes]
    return tuple(sorted(others, key=attrgetter("archive")))


def _complete(sending: Sending, one: Unfinished, upload: OpenUpload, checksums: Checksums) -> None:
    try:
        record = complete(sending, Begun(one.archive, one.record, upload), checksums)
        sending.tell(ArchiveFound(record.label.path, record.receipts[0].locator, sending.target.name))
    except DestinationUnavailable:
        raise
    except UploadForgotten:
        return  # told already
    except DestinationError as error:
        sending.tell(UploadAborted(one.record.label.path, str(error), sending.target.name))


def sweep(sending: Sending, plan: BackupPlan, *, ad_hoc: bool) -> None:
    """Remove what this run has found to be done with, and what no run has asked for in a day.

    What the plan would have sent but didn't come to, for its limit was reached, is left to the next run. What the plan
    doesn't know may only be out of sight: its disk isn't mounted, or it was asked for by ``-p``, as in an ``ad_hoc``
    run, which knows nothing of others. Not so where files are put together: what was begun with others than now is done
    with as soon as its section was looked at.
    """
    name = sending.target.name
    decided = {one.path: one for one in plan.decisions if one.to == name and one.path in sending.left}
    regrouped = _regrouped(sending, plan, sending.left.keys() - decided.keys()) if not ad_hoc else set()
    with suppress(Interrupted, DestinationUnavailable):
        for path, left in sending.left.items():
            for one in left:
                sending.stop.check()
                if path in regrouped or _is_done_with(decided.get(path), now() - one.begun, ad_hoc=ad_hoc):
                    drop(sending, one, "nothing goes on with it")


def _regrouped(sending: Sending, plan: BackupPlan, undecided: Set[str]) -> Set[str]:
    """Those of the ``undecided`` that are groups, where there is something below their sections, and that are files
    which go together with others now."""
    left = {path: sending.left[path][0].record for path in undecided}
    groups = {path: _above(path, group_depth(one.recipe)) for path, one in left.items() if one.label.kind == "group"}
    alone, found = undecided - groups.keys(), set[str]()
    for one in plan.decisions if undecided else ():
        if one.to != sending.target.name:
            continue
        found |= {path for path, above in groups.items() if one.path.startswith(above)}
        if one.contents is None or not alone:
            continue
        above = _above(one.path, one.contents.depth)
        if any(path.startswith(above) for path in alone):
            found |= {path for held in one.contents if (path := above + held.name) in alone}
    return found


def _above(group: str, depth: int) -> str:
    return f"{section_of(group, depth).rstrip('/')}/"


def _is_done_with(decision: Decision | None, age: timedelta, *, ad_hoc: bool) -> bool:
    if isinstance(decision, Upload):
        return False
    if isinstance(decision, Expiry):
        return True
    if isinstance(decision, Skip) and isinstance(decision.reason, AlreadySent | Unchanged | SentMeanwhile | Vanished):
        return True
    return age > KEPT and not ad_hoc
