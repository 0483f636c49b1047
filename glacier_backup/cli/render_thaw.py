"""What is being thawed and which restores wait for it, as tables for people and as JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterator

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.render import Json, say
from glacier_backup.cli.table import write_table
from glacier_backup.model.place import Place
from glacier_backup.model.prices import Prices
from glacier_backup.model.reading_event import RestoreSummary
from glacier_backup.model.restore import ByteRange, RestoreRecord
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.thaw import ThawRecord, Tier
from glacier_backup.plan.cost import Loads, costs, load_of
from glacier_backup.plan.thawing import shelf_of
from glacier_backup.units import format_size, local_time, rfc3339

DAYS = 7
"""Of a thawed copy in a bucket, where nobody knows any more for how long it was asked for."""


class Waiting:
    """All that waits. There may be many thaws: they are read one after the other."""

    def __init__(self, catalog: Catalog, prices: Prices) -> None:
        self._catalog = catalog
        self._prices = prices
        self._places: dict[int, Place] = dict(catalog.places())
        self._loads: dict[Tier, Loads] = {}

    def write(self) -> bool:
        """As tables, on standard output; whether there was anything to show."""
        restores = [self._restore_row(record) for record in self._restores()]
        write_table(("restore", "since", "what", "to", "how far"), restores, right=("restore",))
        shown = False

        def rows() -> Iterator[tuple[str, ...]]:
            nonlocal shown
            for record in self._catalog.thaws():
                shown = True
                yield self._thaw_row(record)

        write_table(("state", "until", "bytes", "path", "tier", "asked for", "at"), rows(), right=("bytes",))
        for tier, loads in self._loads.items():
            cold = loads.cold
            say(f"{tier}: {format_size(cold.thawed)} in {cold.requests} requests, {self._cost(tier, loads)}")
        return shown or bool(restores)

    def as_json(self) -> dict[str, Json]:
        """The shape of ``thaw list --json``."""
        return {
            "restores": [
                {
                    "restore": record.id,
                    "purpose": record.wish.purpose,
                    "target": record.wish.target or None,
                    "what": list(record.wish.what),
                    "from": record.wish.place or None,
                    "since": rfc3339(record.created_at),
                    "counts": {str(state): count for state, count in self._catalog.count_items(record.id).items()},
                }
                for record in self._restores()
            ],
            "thaws": (self._thaw_json(record) for record in self._catalog.thaws()),
        }

    def _restores(self) -> Iterator[RestoreRecord]:
        return (record for record in self._catalog.restores() if record.ended_at is None)

    def _restore_row(self, record: RestoreRecord) -> tuple[str, ...]:
        counts = self._catalog.count_items(record.id)
        far = ", ".join(f"{count} {state}" for state, count in counts.items())
        to = record.wish.target or "(verification)"
        return (str(record.id), local_time(record.created_at), " ".join(record.wish.what) or "everything", to, far)

    def _thaw_row(self, record: ThawRecord) -> tuple[str, ...]:
        thaw, archive = record.thaw, self._archive(record)
        size = self._size(record, archive)
        state = f"{thaw.state}: {thaw.cause}" if thaw.cause else thaw.state
        return (
            state,
            local_time(thaw.until) if thaw.until is not None else "",
            "" if size is None else format_size(size),
            _named(record, archive),
            record.tier,
            local_time(record.requested_at),
            str(self._places[record.place_id]),
        )

    def _thaw_json(self, record: ThawRecord) -> Json:
        thaw, archive = record.thaw, self._archive(record)
        return {
            "destination": str(self._places[record.place_id]),
            "locator": thaw.locator,
            "path": None if archive is None else archive.path,
            "id": thaw.id,
            "state": thaw.state,
            "cause": thaw.cause,
            "start": thaw.start,
            "end": thaw.end,
            "until": None if thaw.until is None else rfc3339(thaw.until),
            "tier": record.tier,
            "requested_at": rfc3339(record.requested_at),
        }

    def _archive(self, record: ThawRecord) -> StoredArchive | None:
        if record.thaw.locator is None:
            return None
        wanted = ArchiveFilter(place_id=record.place_id, locator=record.thaw.locator)
        return next(iter(self._catalog.stored_archives(wanted)), None)

    def _size(self, record: ThawRecord, archive: StoredArchive | None) -> int | None:
        """Bytes that are thawed, which are summed up by tier on the way."""
        thaw = record.thaw
        volumes = () if archive is None else archive.objects
        whole = next((volume.size for volume in volumes if volume.locator == thaw.locator), None)
        if whole is None:
            return None
        shelf = shelf_of(self._places[record.place_id], record.storage_class)
        load = load_of(shelf, whole, (ByteRange(thaw.start, thaw.end),))
        self._loads.setdefault(record.tier, Loads()).add(shelf, load)
        return load.thawed

    def _cost(self, tier: Tier, loads: Loads) -> str:
        """Of thawing alone: what is fetched is paid when it is."""
        cost = next(one for one in costs(loads, self._prices, DAYS) if one.tier == tier)
        known = cost.retrieval + cost.asking + cost.copy
        if not cost.unknown:
            return f"about {self._prices.say(known)} for thawing"
        more = f"about {self._prices.say(known)} for thawing and more: " if known else ""
        return f"{more}no price known of {', '.join(cost.unknown)}"


def request_json(summary: RestoreSummary) -> dict[str, Json]:
    """The shape of ``thaw request --json``."""
    return {
        "counts": {state: count for state, count in summary.counts.items() if count},
        "expected": None if summary.expected is None else rfc3339(summary.expected),
        "exit_code": summary.exit_code,
    }


def requested(summary: RestoreSummary) -> str:
    """For a person."""
    counts = ", ".join(f"{count} {state}" for state, count in summary.counts.items() if count)
    if not summary.count("thawing"):
        return f"{counts or 'nothing to thaw'}; glacier-backup restore brings it back"
    when = f", expected {local_time(summary.expected)}" if summary.expected is not None else ""
    return f"{counts}{when}; glacier-backup restore brings it back then, and thaw list --refresh tells how it stands"


def _named(record: ThawRecord, archive: StoredArchive | None) -> str:
    thaw = record.thaw
    if thaw.locator is None:
        return "(the inventory)"
    name = thaw.locator if archive is None else archive.path
    if thaw.start == 0 and thaw.end is None:
        return name
    return f"{name}, bytes {thaw.start:,} to {'the end' if thaw.end is None else f'{thaw.end:,}'}"
