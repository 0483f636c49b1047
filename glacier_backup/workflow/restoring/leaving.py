"""Leaving a target: what was made on the way is taken away, when nobody needs it any more."""

from __future__ import annotations

import os
from contextlib import ExitStack

from glacier_backup.model.restore import RestoreRecord
from glacier_backup.workflow.restoring.book import Book
from glacier_backup.workflow.restoring.desk import folder_of
from glacier_backup.workflow.restoring.reachable import Reachable
from glacier_backup.workflow.restoring.staging import LOCK, Staging
from glacier_backup.workflow.restoring.target import STAGING, Target
from glacier_backup.workflow.restoring.tools import RestoreTools


def forget_restore(record: RestoreRecord, tools: RestoreTools) -> None:
    """Forget a restore, with what of it is half back. What was asked for to be made readable is paid all the same, and
    what has its name stays, as do datasets as far as they were received. Raises LockHeld while it is at work."""
    with ExitStack() as stack:
        if record.wish.purpose == "receive" and tools.receiver is not None:
            stack.enter_context(tools.receiver.locked(record.wish.target))
        if record.wish.purpose == "restore" and os.path.isdir(os.path.join(record.wish.target, STAGING)):
            reachable = Reachable(tools.catalog, tools.destination_of)
            target = stack.enter_context(Target(record.wish.target, create=False))
            staging = stack.enter_context(Staging(target, create=False))
            clear(Book(tools.catalog, record, lambda event: None), staging, reachable)
            leave(record, staging, tools)
        tools.catalog.forget_restore(record.id)


def leave(restore: RestoreRecord, staging: Staging, tools: RestoreTools) -> None:
    """Take the hidden folder away, unless another restore into the same target waits: that would take it for lost."""
    waiting = {one.wish.target for one in tools.catalog.restores() if one.ended_at is None and one.id != restore.id}
    if restore.wish.target not in waiting:
        staging.leave()


def clear(book: Book, staging: Staging, reachable: Reachable) -> None:
    """Take away what there is of the items in the hidden folder."""
    if os.listdir(staging.folder) == [LOCK]:
        return
    for page in book.pages():
        for record in page.records:
            if (archive := page.archives.get(record.item.archive)) is not None:
                folder_of(record, archive, str(reachable.place(archive.place_id)), staging).remove()
