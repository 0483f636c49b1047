"""One candidate sent to one destination, in a thread of its own: told of as it goes, and never raising what went wrong
with it alone."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import datetime

from glacier_backup.errors import (
    CatalogError,
    DestinationUnavailable,
    GlacierBackupError,
    Interrupted,
    SourceError,
    SourceGone,
    SourceUnavailable,
)
from glacier_backup.model.archive import ArchiveRecord
from glacier_backup.model.event import ArchiveSent, ArchiveStarted, Result, Warned
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.reason import SentMeanwhile, SkipReason, Vanished
from glacier_backup.model.upload_reason import Forced, InChain, InSpans, Renamed
from glacier_backup.workflow.sending.desk import Sending
from glacier_backup.workflow.sending.holds import tidy_snapshots
from glacier_backup.workflow.sending.outcome import failed, skipped
from glacier_backup.workflow.sending.send import send
from glacier_backup.workflow.sending.spans import FORCED
from glacier_backup.workflow.sending.tally import Done
from glacier_backup.workflow.sending.unknown_groups import put_away_unknown


def attempt(upload: Upload, sending: Sending) -> Done:
    """Send one candidate and tell how that goes. Raises nothing that source, destination or catalog did wrong."""
    try:
        if _last_sent_at(upload, sending) != upload.previous:
            return skipped(_skip(upload, SentMeanwhile()), sending)
        _tell_started(upload, sending)
        was = upload.reason.was if isinstance(upload.reason, Renamed) else None
        record = send(sending, upload.candidate, upload.storage_class, was, whole=_why_whole(upload))
        put_away_unknown(sending, upload.candidate, record.sent_at)
        if upload.candidate.kind == "dataset":
            tidy_snapshots(sending, upload.candidate)
    except (DestinationUnavailable, CatalogError, Interrupted) as error:
        return failed(Result(upload, error=str(error), hint=error.hint), sending, error)
    except SourceGone:
        return skipped(_skip(upload, Vanished()), sending)
    except SourceError as error:
        done = failed(Result(upload, error=error.without(upload.path), hint=error.hint), sending)
        return done._replace(out_of_reach=isinstance(error, SourceUnavailable))
    except GlacierBackupError as error:
        return failed(Result(upload, error=str(error), hint=error.hint), sending)
    except Exception as error:  # noqa: BLE001  # the one seam: whatever is wrong with it, the others go on
        # Its text at once: the traceback itself would keep the parts' buffers alive.
        text = "".join(traceback.format_exception(error))
        return failed(Result(upload, error=f"unexpected {type(error).__name__}: {error}", defect=text), sending)
    return _sent(upload, record, sending)


def _skip(upload: Upload, reason: SkipReason) -> Skip:
    return Skip(upload.path, upload.name, upload.bytes, reason, upload.to, upload.contents)


def _last_sent_at(upload: Upload, sending: Sending) -> datetime | None:
    last = sending.catalog.last_sent(sending.place_id, [upload.path]).get(upload.path)
    return None if last is None else last.sent_at


def _why_whole(upload: Upload) -> str:
    """Why a directory, or dataset, is sent in full, where that was asked for."""
    return FORCED if isinstance(upload.reason, InChain | InSpans) and isinstance(upload.reason.reason, Forced) else ""


def _tell_started(upload: Upload, sending: Sending) -> None:
    candidate = upload.candidate
    origin = sending.tools.origins[candidate.origin]
    sending.tell(ArchiveStarted(upload, origin.estimate(candidate, upload.container, upload.fingerprint)))


def _sent(upload: Upload, record: ArchiveRecord, sending: Sending) -> Done:
    for imperfection in _imperfections(record, sending.about(upload.path)):
        sending.tell(Warned(imperfection))
    sent = ArchiveSent(upload, record)
    sending.tell(sent)
    # No more of the record is kept: that of a large archive is large.
    return Done(Result(upload, record.receipts[0].locator, files=sent.files), incomplete=bool(record.problems))


def _imperfections(record: ArchiveRecord, about: str) -> Iterator[str]:
    if record.problems:
        first = record.problems[0]
        yield (
            f"{about}: incomplete, {len(record.problems)} inside could not be read, "
            f"the first is {first.path}: {first.cause}"
        )
    if record.changed_while_read and record.label.kind == "group":
        yield f"{about}: files in it have changed, or gone, while it was read; the next run sends what has changed"
    elif record.changed_while_read:
        yield f"{about}: changed while it was read"
