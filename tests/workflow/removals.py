"""Archives of any age, in a real catalog and at places in memory or real ones, for what deletes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.config.prices import read_prices
from glacier_backup.destination.destination import Check, Destination
from glacier_backup.errors import UsageError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import ReadProblem
from glacier_backup.model.naming import group_path
from glacier_backup.model.place import Place
from glacier_backup.model.retention import Policy, RemovalEvent, RemovalPlan, RemovalSummary
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.plan.removal import Present
from glacier_backup.plan.retention import Policies
from glacier_backup.plan.words import Word
from glacier_backup.workflow.delete import Delete, plan_delete
from glacier_backup.workflow.prune import Prune, plan_prune
from glacier_backup.workflow.removing.remove import Remover, carry_out
from tests.catalog.values import a_member, a_sealed, an_archive, record, seal
from tests.fakes import MemoryDestination

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PHOTOS = "/data/photos"
BUCKET = Place("s3", "bucket/backup")
HERE = Place("local", "/vault")
VAULT = Place("glacier", "family", "eu-west-1", "123456789012")


@dataclass
class Shelves(MemoryDestination):
    """A place in memory whose deletions can be watched, and fail."""

    deleted: list[str] = field(default_factory=list)
    on_delete: Callable[[str], None] = lambda locator: None
    answers: Place | None = None
    """Who it says it is."""

    def identify(self, *, holds_archives: bool) -> Place:
        super().identify(holds_archives=holds_archives)
        return self.answers or self.place

    def delete(self, locator: str, check: Check) -> None:
        self.on_delete(locator)
        self.deleted.append(locator)
        super().delete(locator, check)


class Removals:
    """A catalog, its places, and what is done with them."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.events: list[RemovalEvent] = []
        self.stop = StopRequest()
        self.there = {PHOTOS}
        """Paths that are still there."""
        self.places: dict[Place, Shelves] = {}

    def at(self, place: Place = HERE) -> Shelves:
        return self.places.setdefault(place, Shelves(place=place))

    def sent(
        self,
        days_ago: float,
        path: str = PHOTOS,
        *,
        place: Place = HERE,
        locator: str | None = None,
        storage_class: str | None = None,
        problems: int = 0,
        host: str = "host",
        size: int = 10_240,
    ) -> int:
        """An archive of that age; its id."""
        shelf, time = self.at(place), NOW - timedelta(days=days_ago)
        locator = locator or f"{path[1:]} {days_ago:g}"
        causes = [ReadProblem(f"{path}/{number}", "Permission denied") for number in range(problems)]
        made = an_archive(path, sent_at=time, locator=locator, problems=causes)
        receipt = replace(made.receipts[0], storage_class=storage_class, size=size)
        made = replace(made, receipts=(receipt,), label=replace(made.label, host=host, time=time))
        shelf.stored[locator] = b"bytes"
        return record(self.catalog, None, self.catalog.register(place, place), made)

    def group(
        self,
        days_ago: float,
        *names: str,
        place: Place = HERE,
        storage_class: str | None = None,
        host: str = "host",
        known: bool = True,
    ) -> int:
        """A group of files of PHOTOS, each of 1,000 bytes, of that age; its id. Unless ``known`` nobody knows which."""
        time = NOW - timedelta(days=days_ago)
        path = group_path(PHOTOS, f"{'.'.join(names)}{days_ago:g}".encode().hex())
        locator = f"{path[1:]} {days_ago:g}"
        made = an_archive(path, sent_at=time, locator=locator)
        receipt = replace(made.receipts[0], storage_class=storage_class)
        label = replace(made.label, name="photos.pack.tar", kind="group", host=host, time=time)
        made = replace(made, receipts=(receipt,), label=label)
        self.at(place).stored[locator] = b"bytes"
        members = [
            a_member(f"photos/{name}", offset=number * 2_048)._replace(size=1_000) for number, name in enumerate(names)
        ]
        return record(self.catalog, None, self.catalog.register(place, place), made, members if known else [])

    def sealed(self, path: str = PHOTOS, *, place: Place = HERE) -> int:
        """An archive of two volumes, with parity and a manifest; its id."""
        id_ = seal(self.catalog, self.catalog.register(place, place), a_sealed(path))
        self.catalog.finish(id_)
        for archive in self.catalog.stored_archives(ArchiveFilter(ids=(id_,))):
            self.at(place).stored.update(dict.fromkeys((one.locator for one in archive.objects), b"bytes"))
        return id_

    def prune(self, policy: Policy, *words: str, section: str = "/data", **options: bool) -> RemovalPlan:
        order = Prune(Policies({section: policy}), "host", self.present, _words(words), **options)
        return plan_prune(order, self.catalog)

    def delete(self, *words: str, **options: object) -> RemovalPlan:
        order = Delete(_words(words), "host", self.there.__contains__, self.present)
        return plan_delete(replace(order, **options), self.catalog)  # type: ignore[arg-type]  # as the tests name them

    @property
    def present(self) -> Present:
        return Present(read_prices(), NOW)

    def carry_out(self, plan: RemovalPlan) -> RemovalSummary:
        return carry_out(plan, Remover(self.catalog, self._destination_of, self.events.append, self.stop))

    def _destination_of(self, place: Place) -> Destination:
        if place not in self.places:
            raise UsageError(f"nothing tells how to reach {place}")
        return self.places[place]

    def left(self) -> list[int]:
        """Archives that the catalog still has."""
        return [archive.id for archive in self.catalog.stored_archives(ArchiveFilter())]


def _words(words: Sequence[str]) -> tuple[Word, ...]:
    return tuple(Word(word, "/data") for word in words)


def ids(plan: RemovalPlan) -> list[int]:
    return [one.id for one in plan.removals]
