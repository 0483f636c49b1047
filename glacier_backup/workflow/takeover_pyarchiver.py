"""Taking over what pyArchiver has stored: its tars become groups, where they lie, and each file in them is known by its
path.

Each tar is read once, for nothing else tells what is in it; and each is recorded as it is read, so that whatever dies,
or can't be read now, the next time goes on with the rest. Tars are only ever read.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from glacier_backup.catalog.pyarchiver import SeenFile, read_pending, read_seen, read_tars
from glacier_backup.model.archive import Member
from glacier_backup.model.event import Listener, Warned
from glacier_backup.model.pyarchiver import ORIGIN, Dated, in_order, parse_tar_name
from glacier_backup.workflow.member_reading import MemberReader
from glacier_backup.workflow.pyarchiver_tars import Record, Taking, Tar, Tools
from glacier_backup.workflow.restoring.fetch import Fetcher
from glacier_backup.workflow.restoring.tools import AT_ONCE

__all__ = ["Record", "TakenOver", "Tar", "Tools", "take_over_tars"]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What became of all of it. Doubtful files can be read as long as the ``believed`` is open."""

    record: Record
    new: tuple[Tar, ...]
    """Taken over now."""
    known: int
    """Tars that were known already."""
    left: tuple[Tar, ...]
    """Tars that could not be taken over."""
    pending: int
    """Files that pyArchiver knew to have yet to store."""
    compared: bool
    """Whether what pyArchiver takes for stored was compared with what is: not as long as more may come to light."""

    @property
    def files(self) -> int:
        """In what is new."""
        return sum(tar.files for tar in self.new)


def take_over_tars(record: Record, tools: Tools) -> TakenOver:
    """Record each tar that isn't recorded yet, and can be read; and compare what pyArchiver takes for stored with that.

    Raises CatalogError, DestinationUnavailable, and what ``check`` raises; what was recorded before stays.
    """
    tars = [*in_order(_names(record, tools.tell))]
    catalog, place_id = tools.catalog, tools.place_id
    known = catalog.known_there(place_id, [tar.name for tar in tars])
    ids = catalog.reserve(place_id, [(tar.name, tar.time) for tar in tars], ORIGIN) if len(known) < len(tars) else {}
    with closing(Fetcher(AT_ONCE)) as fetcher:
        taking = Taking(record, tools, MemberReader(catalog, tools.destination, fetcher, tools.check))
        all_new = [taking.tried(tar, ids[tar.name]) for tar in tars if tar.name in ids]
    left = tuple(tar for tar in all_new if tar.error is not None)
    compared = not any(tar.may_come for tar in left)
    pending = _compare(record, tools, tars) if compared else _count(record)
    return TakenOver(record, tuple(tar for tar in all_new if tar.error is None), len(known), left, pending, compared)


def _names(record: Record, tell: Listener) -> Iterator[str]:
    """Of all tars that pyArchiver says it has stored, without the folder that they are in."""
    odd = _Count()
    for text in read_tars(record.file):
        folder, name = posixpath.split(text)
        if (folder and folder.rstrip("/") != record.folder.rstrip("/")) or parse_tar_name(name) is None:
            odd.add(text)
        else:
            yield name
    if odd.count:
        more = ", …" if odd.count > 1 else ""
        tell(Warned(f"{record.file}: {odd.count} names are left out, for no tar is called so: {odd.first}{more}"))


# What pyArchiver takes for stored.


def _compare(record: Record, tools: Tools, tars: Sequence[Dated]) -> int:
    """Find out which files are in no tar; how many pyArchiver knew to be so."""
    believed, left_out = record.believed, _Count()
    believed.add(_not_excluded(read_seen(record.file, record.directory, left_out.add), record.excluded))
    catalog = tools.catalog
    for id in catalog.known_there(tools.place_id, [tar.name for tar in tars]).values():
        believed.stored(_stored(catalog.members(id), record))
        believed.settle(_below(one, record) for one in catalog.members(id) if one.type == "hardlink")
    pending = _Count()
    believed.settle(pending.counted(read_pending(record.file, record.directory, left_out.add)))
    if left_out.count:
        tools.tell(Warned(f"{record.file}: {left_out.count} rows are left out, for they name no file"))
    return pending.count


def _stored(members: Iterable[Member], record: Record) -> Iterator[tuple[str, int, int]]:
    return ((_below(one, record), one.size, one.mtime_ns) for one in members if one.type == "file")


def _below(member: Member, record: Record) -> str:
    """As seen from the directory, where it lies there at all."""
    return member.path.removeprefix(f"{record.top}/") if record.top else member.path


def _not_excluded(files: Iterable[SeenFile], excluded: str) -> Iterator[SeenFile]:
    """pyArchiver notes what it leaves out as if it were stored."""
    left_out = re.compile(excluded).search if excluded else None
    return (one for one in files if left_out is None or left_out(one.path) is None)


def _count(record: Record) -> int:
    return sum(1 for _ in read_pending(record.file, record.directory))


class _Count:
    """How many there are."""

    def __init__(self) -> None:
        self.count = 0
        self.first = ""

    def add(self, name: str = "") -> None:
        self.count += 1
        self.first = self.first or name

    def counted(self, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            self.add(name)
            yield name
