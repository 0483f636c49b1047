"""Taking over what the Storage Box streamer has recorded as sent: only what is really there counts.

Its record says which files of one directory were sent, and not under which keys. Those are found out: a key is the
destination's prefix and the path below the directory, or the whole path on the server, with or without its leading
slash. All files have the same kind of key, so the kind that most objects have is the one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.matching import Matching, Sent
from glacier_backup.catalog.streamer import SentFile, read_files
from glacier_backup.chunks import in_chunks
from glacier_backup.destination.destination import Destination
from glacier_backup.errors import DestinationError
from glacier_backup.model.archive import Label
from glacier_backup.model.event import Listener, Warned
from glacier_backup.model.naming import archive_name, path_on_server
from glacier_backup.model.record import AsIs, ForeignUpload
from glacier_backup.model.thaw import ThawRequest
from glacier_backup.model.tree_digest import tree_fingerprint

AT_ONCE = 10_000
"""Files that are recorded together: whoever interrupts it and begins anew goes on behind them."""

KeyRule = Literal["relative", "full", "absolute"]
"""What follows the prefix: the path below the directory, the whole path, or that with its leading slash."""

_NS = 10**9


@dataclass(frozen=True, slots=True)
class Record:
    """What is to be taken over."""

    file: str
    section: str
    """The path of the section that the files belong to."""
    matching: Matching
    """Where both sides are compared; empty."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What became of it. The lists can be read as long as the ``matching`` is open."""

    record: Record
    imported: int
    """Files that are new in the catalog."""
    stored: int
    """Files that were found, or that had to be believed."""
    left_out: int
    """Rows that say nothing of use, or are of files elsewhere."""
    keys: KeyRule
    listed: bool
    """Whether the destination said what it has; else the record was believed."""
    start: str
    """What all keys begin with, behind the prefix."""

    @property
    def unrecorded(self) -> int:
        """Objects that no row of the record is about."""
        matching = self.record.matching
        return matching.objects() - matching.with_object(self.start)

    def missing(self) -> Iterator[Sent]:
        """Files that have no object: they are not recorded."""
        return self.record.matching.missing(self.start) if self.listed else iter(())

    def of_other_size(self) -> Iterator[Sent]:
        """Files whose object has another size: they are not recorded."""
        return self.record.matching.of_other_size(self.start) if self.listed else iter(())


def take_over_files(
    record: Record,
    catalog: Catalog,
    place_id: int,
    destination: Destination,
    tell: Listener,
    is_denial: Callable[[DestinationError], bool],
) -> TakenOver:
    """Record each file of the record that is stored with the size that it had; a second time adds nothing.

    Where the destination doesn't say what it has (``is_denial`` of what it raises) the record is believed, and ``tell``
    hears so. Raises CatalogError, DestinationError.
    """
    matching = record.matching
    top = path_on_server(record.section).strip("/")
    left_out = _add_files(record, top, tell)
    prefix = _prefix(destination)
    listed = _add_objects(matching, destination, prefix, tell, is_denial)
    starts = _starts(top)
    keys = max(starts, key=lambda rule: matching.with_object(starts[rule])) if listed else "relative"
    start = starts[keys]
    found = matching.stored(start) if listed else matching.all_files()
    stored = imported = 0
    for batch in in_chunks(_uploads(found, record.section, prefix, start), AT_ONCE):
        stored += len(batch)
        imported += catalog.import_uploads(place_id, batch, record.file)
    return TakenOver(record, imported, stored, left_out, keys, listed, start)


def _starts(top: str) -> dict[KeyRule, str]:
    """In the order in which they are tried."""
    if not top:
        return {"relative": "", "absolute": "/"}
    return {"relative": "", "full": f"{top}/", "absolute": f"/{top}/"}


# The record's side.


class _Paths(NamedTuple):
    """How the record spells paths."""

    top: str
    """The path of the directory, without slashes around it."""
    is_whole: bool
    """Whether those that don't begin with a slash are whole paths all the same."""

    def below(self, path: str) -> str | None:
        """As seen from the directory; None for what lies elsewhere."""
        if not (path.startswith("/") or self.is_whole):
            return path
        start = f"{self.top}/" if self.top else ""
        path = path.removeprefix("/")
        return path.removeprefix(start) if path.startswith(start) else None


def _add_files(record: Record, top: str, tell: Listener) -> int:
    """Add all files of the record that lie in the directory; how many rows were of no use."""
    are_whole = all(_is_whole(one.path, top) for one in read_files(record.file, lambda: None))
    useless, elsewhere = _Count(), _Count()
    rows = read_files(record.file, useless.add)
    record.matching.add_files(_below(rows, _Paths(top, are_whole), elsewhere))
    if useless.count:
        tell(Warned(f"{record.file}: {useless.count} rows are left out, for they say nothing of use"))
    if elsewhere.count:
        said = f"{elsewhere.count} files are left out, for they don't lie in {record.section}"
        tell(Warned(f"{record.file}: {said}: {elsewhere.first}" + (", …" if elsewhere.count > 1 else "")))
    return useless.count + elsewhere.count


class _Count:
    """How many were left out."""

    def __init__(self) -> None:
        self.count = 0
        self.first = ""

    def add(self, path: str = "") -> None:
        self.count += 1
        self.first = self.first or path


def _is_whole(path: str, top: str) -> bool:
    return path.startswith("/") or path.startswith(f"{top}/")


def _below(rows: Iterable[SentFile], paths: _Paths, elsewhere: _Count) -> Iterator[Sent]:
    for row in rows:
        path = paths.below(row.path)
        if path is None:
            elsewhere.add(row.path)
        else:
            yield Sent(path, row.size, row.mtime, row.uploaded_at)


# The destination's side.


def _add_objects(
    matching: Matching,
    destination: Destination,
    prefix: str,
    tell: Listener,
    is_denial: Callable[[DestinationError], bool],
) -> bool:
    """Add all that is stored; False where the destination doesn't say."""
    try:
        inventory = destination.inventory(destination.thaw(ThawRequest(None), _no_check), _no_check, newest=True)
        matching.add_objects((one.locator.removeprefix(prefix), one.size, one.storage_class) for one in inventory)
    except DestinationError as error:
        if not is_denial(error):
            raise
        said = f"{destination.place} may not be listed, so the record is believed: nothing was compared ({error})"
        tell(Warned(said))
        return False
    return True


def _no_check() -> None:
    return


def _prefix(destination: Destination) -> str:
    """What all its locators begin with."""
    moment = datetime.fromtimestamp(0, UTC)
    return destination.describe(Label("x", "/x", "x", "file", "raw", moment, "", fixed_key="x"))[:-1]


# What is recorded.


def _uploads(found: Iterable[Sent], section: str, prefix: str, start: str) -> Iterator[ForeignUpload]:
    for one in found:
        path = f"{section.rstrip('/')}/{one.path}"
        known = AsIs(tree_fingerprint("file", one.size, one.mtime * _NS), start + one.path, one.storage_class)
        sent_at = datetime.fromtimestamp(one.uploaded_at, UTC)
        yield ForeignUpload(path, archive_name(path, "raw", "file"), prefix + start + one.path, sent_at, known)
