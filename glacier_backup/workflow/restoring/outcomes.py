"""What becomes of things that were fetched, or could not be: noted, told, and asked for once more where that helps."""

from __future__ import annotations

import traceback
from collections.abc import Iterable

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import (
    CatalogError,
    DamageFound,
    DestinationUnavailable,
    GlacierBackupError,
    Interrupted,
    NotThawed,
    VolumeMissing,
)
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Warned
from glacier_backup.model.restore import ItemState
from glacier_backup.plan.mending import may_mend, mendable
from glacier_backup.units import now
from glacier_backup.workflow.ending import Ending
from glacier_backup.workflow.restoring.book import Book, cause_of
from glacier_backup.workflow.restoring.chain_items import together
from glacier_backup.workflow.restoring.damage import hurt_volumes, is_gone, note_damage
from glacier_backup.workflow.restoring.desk import Desk, Work
from glacier_backup.workflow.restoring.reachable import Reachable
from glacier_backup.workflow.restoring.stream import is_whole
from glacier_backup.workflow.restoring.target import Obstacle
from glacier_backup.workflow.restoring.thawing import Thawing


class Outcomes:
    """Of one round of one run."""

    def __init__(
        self,
        book: Book,
        desk: Desk,
        reachable: Reachable,
        thawing: Thawing,
        ending: Ending,
        stop: StopRequest,
        *,
        mends: bool,
    ) -> None:
        """``mends``: whether what is damaged is mended on the way, where it has parity."""
        self._book = book
        self._desk = desk
        self._reachable = reachable
        self._thawing = thawing
        self.ending = ending
        self._stop = stop
        self._mends = mends
        self.over = 0
        """How many could not be read any more, and are to be asked for again in this run."""
        self.done = 0
        """How many were dealt with for good."""

    def note(self, work: Work, error: BaseException) -> ItemState | None:
        """Why one isn't there; the state that it has come to, if it has. Raises CatalogError, and what a signal
        raises."""
        match error:
            case Interrupted():
                if self._stop.is_set:
                    self.ending.note(error)
            case CatalogError():
                raise error
            case Obstacle():
                return self.end(work, "kept", error)
            case DamageFound() | VolumeMissing():
                return self._hurt(work, error)
            case NotThawed():
                return self._again(work, error)
            case DestinationUnavailable():
                self._reachable.out.setdefault(work.archive.place_id, error)
            case GlacierBackupError():
                return self.end(work, "failed", error)
            case Exception():
                return self._defect(work, error)
            case _:
                raise error
        return None

    def end(self, work: Work, state: ItemState, error: GlacierBackupError) -> ItemState:
        """It has come to this, for this run at least."""
        self.done += state != "failed"
        self._book.set(together(work.record, state, cause_of(error)))
        self._book.tell_ended(work.record, work.path, state, error)
        return state

    def _hurt(self, work: Work, error: GlacierBackupError) -> ItemState | None:
        """Where there is parity it is asked for, and the next round tries to mend with it."""
        note_damage(self._desk.catalog, work.record, work.archive, error)
        numbers = hurt_volumes(work.record, work.archive, error)
        if self._mends and may_mend(work.archive, numbers, missing=is_gone(error)):
            self._once_more(work)
            return None
        return self.end(work, "damaged", error)

    def _again(self, work: Work, error: NotThawed) -> ItemState | None:
        place_id = work.archive.place_id
        self._thawing.over((place_id, thaw) for thaw in work.thaws)
        may = [self._thawing.may_ask_again(place_id, thaw) for thaw in work.thaws]
        if not all(may):
            return self.end(work, "failed", error)
        self._once_more(work)
        return None

    def _once_more(self, work: Work) -> None:
        self.over += 1
        self._book.set([(work.record.number, "planned", None)])

    def _defect(self, work: Work, error: Exception) -> ItemState:
        """The one seam: whatever is wrong with one, the others go on."""
        self._desk.tell(Warned("".join(traceback.format_exception(error)), lasting=True))
        return self.end(work, "failed", GlacierBackupError(f"unexpected {type(error).__name__}: {error}"))


def note_verified(works: Iterable[Work], catalog: Catalog, *, all_objects: bool) -> None:
    """Volumes of which all was read where they are stored, and proved right: not those that were mended here.
    ``all_objects``: what lies beside them was read, too, and nothing was mended."""
    volumes = [
        (work.archive.id, volume.number)
        for work in works
        if is_whole(work.record.item.ranges)
        for volume in (work.archive.objects if all_objects else work.archive.volumes)
        if volume.has_leaves or volume.tree_hash or volume.sha256
        if all_objects or volume not in mendable(work.archive)
    ]
    catalog.note_all_verified(volumes, now())
