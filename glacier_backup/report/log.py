"""The log file: plain lines, one per archive, in a file of its own that is rotated."""

from __future__ import annotations

import logging
import logging.handlers
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper

from glacier_backup.display import shown
from glacier_backup.errors import GlacierBackupError
from glacier_backup.model.event import (
    ArchiveFailed,
    ArchiveFound,
    ArchiveSent,
    ArchiveSkipped,
    Event,
    Expired,
    Imported,
    Listener,
    RunEnded,
    RunStarted,
    UploadAborted,
    UploadResumed,
    Waiting,
    Warned,
)
from glacier_backup.units import MIB, format_amount, format_files, local_time

LARGEST = 5 * MIB
KEPT = 5
"""The log is rotated at LARGEST bytes; KEPT old ones stay."""


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A rotating file that only its owner can read, and that never disturbs a run."""

    def _open(self) -> TextIOWrapper:
        def opener(path: str, flags: int) -> int:
            # Not to wait for somebody to read a FIFO.
            descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                # One that 1.2 has left behind may be readable for all.
                with suppress(OSError):
                    os.fchmod(descriptor, 0o600)
            return descriptor

        binary = open(self.baseFilename, "ab", opener=opener)  # noqa: SIM115  # the handler closes it
        return TextIOWrapper(binary, encoding="utf-8", errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk below the log is no reason to stop a backup, nor to fill the terminal with tracebacks."""


@contextmanager
def log_file(path: str, *, several: bool = False) -> Iterator[Listener]:
    """A listener that writes to ``path``; else as :func:`log_to`.

    With ``several`` destinations every line names the one that it is about.
    """
    with log_to(path) as logger:
        yield LogLines(logger, several=several)


@contextmanager
def log_to(path: str) -> Iterator[logging.Logger]:
    """A logger that writes to ``path``, made with its folder if need be. Raises OSError when it can't be opened.

    It is one of our own that hands nothing on, so that a program which configured logging sees none of it.
    """
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    handler = _PrivateFile(path, maxBytes=LARGEST, backupCount=KEPT)
    formatter = logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z")
    handler.setFormatter(formatter)
    logger = logging.Logger("glacier_backup.run", logging.INFO)
    logger.addHandler(handler)
    try:
        yield logger
    except GlacierBackupError as error:
        logger.error("run ended: %s%s", shown(str(error)), f" ({shown(error.hint)})" if error.hint else "")
        raise
    finally:
        with suppress(OSError):
            handler.close()


class LogLines:
    """Turns events into lines of a logger."""

    def __init__(self, logger: logging.Logger, *, several: bool = False) -> None:
        self._logger = logger
        self._several = several

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted(plan):
                size = format_amount(plan.bytes, plan.files)
                away = f", {plan.expiries} to put away" if plan.expiries else ""
                self._logger.info("run started: %d to send (%s), %d to skip%s", plan.uploads, size, plan.skips, away)
                for name, place in plan.places.items() if self._several else ():
                    self._logger.info("%s is %s: %d to send", shown(name), shown(str(place)), plan.share(name).uploads)
            case Imported(source, count):
                self._logger.info("took over the record of %d archives from %s", count, source)
            case Waiting(cause, seconds, to):
                at = f"{shown(to)}: " if to and self._several else ""
                self._logger.info("%s%s, tried again in %.0f s", at, shown(cause), seconds)
            case UploadResumed(path, begun, to):
                self._logger.info("going on with %s, begun on %s", self._about(path, to), local_time(begun))
            case UploadAborted(path, why, to):
                self._logger.warning("an unfinished upload of %s was ended: %s", self._about(path, to), shown(why))
            case ArchiveFound(path, locator, to):
                about = self._about(path, to)
                self._logger.warning("recorded %s, which an earlier run had stored as %s", about, shown(locator))
            case ArchiveSent(upload, record) as sent:
                self._logger.info(
                    "sent %s as %s, %d bytes, %s%s",
                    self._about(upload.path, upload.to),
                    shown(record.label.name + record.label.suffix),
                    record.stored_bytes,
                    f"{format_files(sent.files)}, " if sent.files else "",
                    shown(record.receipts[0].locator),
                )
            case ArchiveFailed(upload, error, _, defect):
                about = self._about(upload.path, upload.to)
                self._logger.error("failed %s: %s%s", about, shown(error), f"\n{defect}" if defect else "")
            case ArchiveSkipped(skip) if not skip.reason.needs_attention:
                self._logger.info("skipped %s: %s", self._about(skip.path, skip.to), skip.reason)
            case Expired(expiry, hidden):
                how = "hidden" if hidden else "noted"
                self._logger.info("put away %s (%s): %s", self._about(expiry.path, expiry.to), how, expiry.reason)
            case Warned(message):
                self._logger.warning("%s", shown(message))
            case RunEnded(summary):
                for name in summary.plan.places if self._several else ():
                    there = summary.count(name)
                    self._logger.info("%s: %d sent, %d failed", shown(name), there.sent, there.failed)
                self._logger.info(
                    "run ended: %d sent%s, %d failed, %d skipped%s, exit code %d",
                    summary.sent,
                    f" ({format_files(summary.files)} in groups)" if summary.files else "",
                    summary.failed,
                    summary.skipped,
                    f", {summary.expired} put away" if summary.expired else "",
                    summary.exit_code,
                )
            case _:
                pass

    def _about(self, path: str, to: str) -> str:
        return f"{shown(path)} (to {shown(to)})" if to and self._several else shown(path)
