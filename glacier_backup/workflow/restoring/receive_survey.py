"""A look at the datasets that are to be received into, before anything is asked for: what they have already, and
whether the rest can follow."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from glacier_backup.errors import TargetError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.restore import ItemRecord, ItemState
from glacier_backup.model.snapshot import Snapshot
from glacier_backup.model.stored import StoredArchive
from glacier_backup.workflow.restoring.book import Book
from glacier_backup.workflow.restoring.receiver import Receiver
from glacier_backup.workflow.restoring.receiving import goal_of, is_there

_ANEW: frozenset[ItemState] = frozenset({"failed", "kept", "restored"})
"""States of what is planned again where it isn't there. What is damaged stays so, and what is under way."""


_ANOTHER = "name a dataset with --to that isn't there yet: it is made"


class _Item(NamedTuple):
    record: ItemRecord
    archive: StoredArchive | None
    """None where the catalog has it no more: then nobody knows what it would become."""

    @property
    def dataset(self) -> str:
        return goal_of(self.record.item).dataset


class ReceiveSurvey:
    """Of all items, whatever an earlier run has made of them: datasets may have gone since, or come."""

    def __init__(self, book: Book, receiver: Receiver, stop: StopRequest, *, again: bool) -> None:
        """``again``: whether what is there may be of an earlier restore of the same wish."""
        self._book = book
        self._again = again
        self._receiver = receiver
        self._stop = stop

    def carry_out(self) -> None:
        """A stream whose snapshot is there counts as received, with all before it; all others have to come. Raises
        TargetError where a dataset is in the way, or can't be made."""
        coming: set[str] = set()
        for dataset, own in groupby(self._items(), key=lambda one: one.dataset):
            self._stop.check()
            items = list(own)
            there = self._receiver.snapshots(dataset)
            if there is None:
                self._insist_on_parent(dataset, coming)
            received = self._received(dataset, items, there)
            coming.add(dataset)
            self._note(items[:received], "restored")
            self._note(items[received:], "planned")

    def _items(self) -> Iterator[_Item]:
        for page in self._book.pages():
            for record in page.records:
                yield _Item(record, page.archives.get(record.item.archive))

    def _received(self, dataset: str, items: Sequence[_Item], there: Sequence[Snapshot] | None) -> int:
        """How many of them needn't come."""
        if there is None:
            return 0
        if self._receiver.is_half_received(dataset):
            raise TargetError(
                f"zfs:{dataset}: somebody has begun to receive something there, and not ended it",
                hint=f"to drop that: zfs receive -A {dataset}; or name another dataset with --to",
            )
        last = max((number for number, one in enumerate(items, 1) if _is_received(one, there)), default=0)
        if not last:
            of = next((one.archive.path for one in items if one.archive is not None), dataset)
            raise TargetError(
                f"zfs:{dataset} is there already, and has no snapshot of {of}",
                hint=_ANOTHER,
            )
        if last == len(items) and not self._again and not any(_is_proven(one, there) for one in items):
            raise TargetError(
                f"zfs:{dataset} is there already, and has snapshots that are called as those that would come: whether "
                "they are the same nobody can tell, for zfs-to-aws has kept no guids",
                hint=_ANOTHER,
            )
        return last

    def _insist_on_parent(self, dataset: str, coming: Collection[str]) -> None:
        above = dataset.rpartition("/")[0]
        if above in coming or self._receiver.snapshots(above) is not None:
            return
        pools = "zpool list shows the pools that there are; a directory is named with /, ./ or ~ in front"
        cure = f"make it: zfs create -p {above}" if "/" in above else pools
        raise TargetError(f"zfs:{dataset} can't be made, for there is no {above}", hint=cure)

    def _note(self, items: Sequence[_Item], state: ItemState) -> None:
        changed = [
            one for one in items if one.record.state != state and (state == "restored" or one.record.state in _ANEW)
        ]
        self._book.set((one.record.number, state, None) for one in changed)
        for one in changed if state == "restored" else ():
            self._book.tell_ended(one.record, self._book.about(one.record, one.archive), state)


def _is_received(item: _Item, there: Sequence[Snapshot]) -> bool:
    span = None if item.archive is None else item.archive.span
    return span is not None and is_there(span, there)


def _is_proven(item: _Item, there: Sequence[Snapshot]) -> bool:
    """Likewise, and not by no more than its name, which other datasets may have, too."""
    return item.archive is not None and bool(item.archive.span and item.archive.span.guid) and _is_received(item, there)
