"""Asking destinations to make bytes of volumes readable, several requests at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from glacier_backup.destination.destination import Check
from glacier_backup.errors import DestinationError, DestinationUnavailable, GlacierBackupError, VolumeMissing
from glacier_backup.model.restore import ByteRange, Wish
from glacier_backup.model.stored import StoredVolume
from glacier_backup.model.thaw import Thaw, ThawRequest
from glacier_backup.workflow.restoring.reachable import Reachable
from glacier_backup.workflow.restoring.standing import Key

_GONE = (
    "run again for another copy or an older version, if there is one; glacier-backup verify --inventory tells what "
    "else is gone"
)


class Ask(NamedTuple):
    """Bytes of a volume to be asked for."""

    place_id: int
    volume: StoredVolume
    wanted: ByteRange
    path: str

    @property
    def key(self) -> Key:
        return (self.place_id, self.volume.locator)


@dataclass(frozen=True, slots=True)
class Asking:
    """How one run asks."""

    reachable: Reachable
    wish: Wish
    at_once: int
    """Requests."""
    check: Check

    def answers(self, asks: Sequence[Ask]) -> Iterator[tuple[Ask, Thaw | GlacierBackupError]]:
        """In the order of ``asks``. What one of them raises is raised when those before it were told."""
        threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="thaw")
        try:
            yield from zip(asks, threads.map(self._asked, asks), strict=True)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def _asked(self, ask: Ask) -> Thaw | GlacierBackupError:
        """Raises only what ``check`` does, or what is a defect."""
        destination = self.reachable.destination(ask.place_id)
        if destination is None:
            return self.reachable.out[ask.place_id]
        start, end = _said(ask.wanted, ask.volume)
        request = ThawRequest(ask.volume.locator, start, end, self.wish.tier, self.wish.days)
        try:
            return destination.thaw(request, self.check)
        except DestinationUnavailable as error:
            self.reachable.out[ask.place_id] = error
            return error
        except VolumeMissing as error:
            return VolumeMissing(str(error), hint=error.hint or _GONE)
        except DestinationError as error:
            return error


def _said(wanted: ByteRange, volume: StoredVolume) -> ByteRange:
    """All of a volume is asked for without naming its end."""
    return ByteRange(0, None) if wanted.start == 0 and wanted.end == volume.size else wanted
