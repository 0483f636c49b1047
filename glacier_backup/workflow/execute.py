"""Doing what was decided: every upload is sent and recorded at once, and one that fails stops no other."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import CatalogError, DestinationUnavailable, GlacierBackupError, Interrupted, SourceError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import (
    ArchiveFailed,
    ArchiveSent,
    ArchiveSkipped,
    ArchiveStarted,
    BytesSent,
    Listener,
    Result,
    Summary,
    Warned,
)
from glacier_backup.model.plan import BackupPlan, Decision, Skip, Upload
from glacier_backup.model.reason import SentMeanwhile
from glacier_backup.plan.backup import left_for_later
from glacier_backup.workflow.send import Tools, sent


@dataclass(frozen=True, slots=True)
class Run:
    """One run under way: its tools, and where it records."""

    tools: Tools
    catalog: Catalog
    place_id: int
    run_id: int | None
    """None where nothing is to be sent."""
    limit: int | None
    tell: Listener
    stop: StopRequest


def execute(plan: BackupPlan, run: Run) -> Summary:
    """Carry out ``plan``: every upload is recorded as soon as it is sent, and one that fails stops no other.

    Ends early when the destination is out of reach, the catalog can't be written, or a stop was asked for; what
    was not tried then counts as failed. Raises nothing that a candidate, the destination or the catalog did wrong.
    """
    results: list[Result] = []
    warnings: list[str] = []
    ended: GlacierBackupError | None = None
    sent_so_far = 0
    untried = 0
    for decision in plan.decisions:
        if ended is not None and isinstance(decision, Upload):
            results.append(Result(decision, error=f"not tried: {ended}"))
            untried += 1
            continue
        if sent_so_far == run.limit and isinstance(decision, Upload):
            decision = left_for_later(decision, sent_so_far)
        try:
            result = _carry_out(decision, run)
        except (DestinationUnavailable, CatalogError, Interrupted) as error:
            ended = error
            result = Result(decision, error=str(error), hint=error.hint)
        sent_so_far += result.record is not None
        results.append(result)
        _tell(result, run, warnings)
    if untried:
        _warn(f"{untried} more were not tried", run, warnings)
    return Summary(plan, tuple(results), tuple(warnings), _exit_code(results, ended))


def _carry_out(decision: Decision, run: Run) -> Result:
    if isinstance(decision, Skip):
        return Result(decision)
    run.stop.check()
    if _last_sent_at(decision, run) != decision.previous:
        return Result(Skip(decision.path, decision.name, decision.bytes, SentMeanwhile()))
    fingerprint = decision.fingerprint
    estimate = run.tools.packers[decision.container].estimate(fingerprint.bytes, fingerprint.entries)
    run.tell(ArchiveStarted(decision, estimate))
    try:
        return _send_and_record(decision, run)
    except (DestinationUnavailable, CatalogError, Interrupted):
        raise
    except SourceError as error:
        return Result(decision, error=error.without(decision.path), hint=error.hint)
    except GlacierBackupError as error:
        return Result(decision, error=str(error), hint=error.hint)
    except Exception as error:  # noqa: BLE001  # the one seam: whatever is wrong with it, the others go on
        # Its text at once: the traceback itself would keep the parts' buffers alive.
        text = "".join(traceback.format_exception(error))
        return Result(decision, error=f"unexpected {type(error).__name__}: {error}", defect=text)


def _last_sent_at(upload: Upload, run: Run) -> datetime | None:
    last = run.catalog.last_sent(run.place_id, [upload.path]).get(upload.path)
    return None if last is None else last.sent_at


def _send_and_record(upload: Upload, run: Run) -> Result:
    def progress(count: int) -> None:
        if count:
            run.tell(BytesSent(upload.path, count))
        run.stop.check()

    with sent(upload.candidate, run.tools, run.stop, progress) as (record, members):
        run.catalog.record(run.run_id, run.place_id, record, members)
    return Result(upload, record)


def _tell(result: Result, run: Run, warnings: list[str]) -> None:
    for warning in _warnings(result):
        _warn(warning, run, warnings)
    if isinstance(result.decision, Skip):
        run.tell(ArchiveSkipped(result.decision))
    elif result.record is not None:
        run.tell(ArchiveSent(result.decision, result.record))
    else:
        run.tell(ArchiveFailed(result.decision, result.error or "", result.hint, result.defect))


def _warn(warning: str, run: Run, warnings: list[str]) -> None:
    warnings.append(warning)
    run.tell(Warned(warning))


def _warnings(result: Result) -> Iterator[str]:
    path = result.decision.path
    if isinstance(result.decision, Skip) and result.decision.reason.needs_attention:
        yield f"{path}: {result.decision.reason}"
    if result.record is not None and result.record.problems:
        first = result.record.problems[0]
        yield (
            f"{path}: incomplete, {len(result.record.problems)} inside could not be read, "
            f"the first is {first.path}: {first.cause}"
        )
    if result.record is not None and result.record.changed_while_read:
        yield f"{path}: changed while it was read"


def _exit_code(results: Sequence[Result], ended: GlacierBackupError | None) -> int:
    """DESIGN, section 4: 4 only when nothing could be done; changed while read is told but is no failure."""
    nothing_sent = not any(result.outcome == "sent" for result in results)
    if ended is not None and (nothing_sent or not isinstance(ended, DestinationUnavailable)):
        return ended.exit_code
    failed = any(result.error is not None for result in results)
    incomplete = any(result.record is not None and result.record.problems for result in results)
    missing = any(isinstance(one.decision, Skip) and one.decision.reason.needs_attention for one in results)
    return 1 if failed or incomplete or missing else 0
