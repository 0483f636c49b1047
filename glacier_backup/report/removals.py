"""What is removed, in the log file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from glacier_backup.display import shown
from glacier_backup.model.event import Waiting, Warned
from glacier_backup.model.retention import NotRemoved, PlaceFailed, RemovalEvent, RemovalListener, Removed
from glacier_backup.report.log import log_to
from glacier_backup.units import rfc3339


@contextmanager
def removal_log(path: str) -> Iterator[RemovalListener]:
    """A listener that writes a line for each archive; else as :func:`~glacier_backup.report.log.log_to`."""
    with log_to(path) as logger:
        yield RemovalLines(logger)


class RemovalLines:
    """Turns events into lines of a logger."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def __call__(self, event: RemovalEvent) -> None:
        match event:
            case Removed(removal):
                where = " ".join(map(shown, removal.locators))
                self._logger.info("deleted %s of %s, %s", shown(removal.path), rfc3339(removal.time), where)
            case NotRemoved(removal, error, _):
                self._logger.error("not deleted %s of %s: %s", shown(removal.path), rfc3339(removal.time), shown(error))
            case PlaceFailed(place, error, _, left):
                self._logger.error("not deleted %d archives at %s: %s", left, shown(str(place)), shown(error))
            case Waiting(cause, seconds, _):
                self._logger.info("%s, tried again in %.0f s", shown(cause), seconds)
            case Warned(message):
                self._logger.warning("%s", shown(message))
