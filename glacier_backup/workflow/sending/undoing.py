"""Removing what was sent of an archive that won't be one: what is on its way, what is stored, what lies in the spool.

In an order in which dying at any point leaves something that the next run can go on removing: the catalog forgets each
object once it is gone, and the archive when nothing is left of it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from glacier_backup.errors import CatalogError, DestinationError, DestinationUnavailable, Interrupted
from glacier_backup.model.event import UploadAborted
from glacier_backup.model.upload import Unfinished
from glacier_backup.workflow.sending.desk import Sending


def end(sending: Sending, one: Unfinished) -> None:
    """Remove what was sent of an archive, and forget it. Raises DestinationError, Interrupted and CatalogError."""
    abort(sending, one)
    for stored in reversed(one.stored):
        sending.destination.delete(stored.locator, sending.check)
        sending.catalog.object_gone(one.archive, stored.number)
    sending.clear_spool(one.archive)
    sending.catalog.give_up(one.archive)


def abort(sending: Sending, one: Unfinished) -> None:
    """Remove what is on its way. Raises DestinationError and Interrupted."""
    if one.object is not None or not one.record.recipe.in_volumes:
        sending.destination.abort(one.label, one.upload_id, sending.check)


def drop_object(sending: Sending, one: Unfinished) -> Unfinished:
    """Remove what is on its way of an archive of several objects, and forget it; what is stored stays.

    What the destination refuses to remove is told: it keeps nothing from being sent. Raises DestinationUnavailable,
    Interrupted and CatalogError.
    """
    if one.object is None:
        return one
    try:
        abort(sending, one)
    except DestinationUnavailable:
        raise
    except DestinationError as error:
        if one.upload_id is not None:
            sending.warn(one.label.path, f"an unfinished upload could not be removed: {error}")
    sending.catalog.drop_object(one.archive)
    return replace(one, object=None, upload_id=None, checksums=None)


def try_to_end(sending: Sending, one: Unfinished) -> bool:
    """What made it necessary is the news; where this fails, the next run will do it. Whether it could be done."""
    with suppress(DestinationError, Interrupted, CatalogError):
        end(sending, one)
        return True
    return False


def drop(sending: Sending, left: Unfinished, why: str) -> None:
    """End what an earlier run has left and nobody can go on with.

    What the destination refuses to remove is told, and left to the next run: it keeps nothing from being sent.
    Raises DestinationUnavailable and Interrupted.
    """
    path = left.record.label.path
    try:
        end(sending, left)
    except DestinationUnavailable:
        raise
    except DestinationError as error:
        if left.upload_id is not None or left.stored:
            sending.warn(path, f"an unfinished upload could not be removed: {error}")
            return
        # The credentials may not look for it; nothing can have been sent of it.
        sending.catalog.give_up(left.archive)
    sending.tell(UploadAborted(path, why, sending.target.name))
