"""A place in memory that lists what a test puts there, and a catalog that knows something of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.sites import key_of
from glacier_backup.destination.destination import Check
from glacier_backup.errors import VolumeMissing
from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, Receipt
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.description import describe
from glacier_backup.model.finding import Finding, Looked, PlaceReport
from glacier_backup.model.naming import key
from glacier_backup.model.place import Place
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.model.thaw import Stored, Thaw
from glacier_backup.plan.told_by_key import Around
from glacier_backup.workflow.verifying.site import Site
from glacier_backup.workflow.verifying.verify_inventory import Look, verify_inventory
from tests.fakes import MemoryDestination

TIME = datetime(2026, 3, 1, tzinfo=UTC)
LEAVES = bytes(32)
TREE_HASH = LEAVES.hex()
RAW = Recipe((Step("raw"),))
VAULT = Place("glacier", "photos", "eu-central-1", "1234")
DISK = Place("local", "/mnt/disk")


@dataclass
class Listing(MemoryDestination):
    """What it has is what it lists; ``on_examine`` is called in front of each look at one object."""

    listed: dict[str, Stored] = field(default_factory=dict)
    on_examine: Callable[[Stored], None] = lambda stored: None
    after_listing: Callable[[], None] = lambda: None
    examined: list[str] = field(default_factory=list)

    def describe(self, label: Label) -> str:
        return describe(label) if self.place.kind == "glacier" else key(label)

    def inventory(self, thaw: Thaw, check: Check, *, newest: bool = False) -> Iterator[Stored]:
        yield from list(self.listed.values())
        self.after_listing()

    def examine(self, stored: Stored, check: Check) -> Stored:
        self.examined.append(stored.locator)
        self.on_examine(stored)
        if self.place.kind != "glacier" and stored.locator not in self.listed:
            raise VolumeMissing(f"{stored.locator} is not stored")
        return self.listed.get(stored.locator, stored)

    def put(self, locator: str, **more: Any) -> Stored:
        """Something is stored there."""
        self.listed[locator] = replace(Stored(locator, 100, TIME, tree_hash=TREE_HASH), **more)
        return self.listed[locator]


def label_of(path: str, number: int = 0, host: str = "nas") -> Label:
    name = path.rpartition("/")[2]
    return Label(name, path, host, "file", "raw", TIME + timedelta(seconds=number), RAW.id, 5, 0o644)


@dataclass
class Shelf:
    """Place and catalog."""

    catalog: Catalog
    where: Place = DISK
    lag: timedelta = timedelta()
    around: Around = field(default_factory=Around)
    findings: list[Finding] = field(default_factory=list)
    looked: list[Looked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.destination = Listing(place=self.where, inventory_lag=self.lag)
        self.id = self.catalog.register(self.where, self.where)

    def send(self, path: str, number: int = 0, locator: str | None = None, at: datetime = TIME) -> str:
        """It is there, and the catalog knows it; its locator."""
        label = label_of(path, number)
        locator = locator or self.locator(label)
        archive = self.begin(label)
        receipt = Receipt(locator, 100, TREE_HASH, LEAVES, at)
        self.catalog.stored(archive, receipt)
        self.destination.put(locator, description=self.description(label), stored_at=at)
        return locator

    def locator(self, label: Label) -> str:
        return f"id-{label.path}-{label.time.second}" if self.where.kind == "glacier" else key(label)

    def description(self, label: Label) -> str | None:
        return describe(label) if self.where.kind == "glacier" else None

    def begin(self, label: Label, tree_hash: str = TREE_HASH) -> int:
        """An archive all of whose parts are stored; its id."""
        fingerprint = Fingerprint("d" * 64, 100, 1, 5, 0o644)
        record = ArchiveRecord(label, self.destination.describe(label), RAW, fingerprint)
        archive = self.catalog.intend(None, self.id, record, 2**20)
        self.catalog.opened(archive, "upload")
        self.catalog.completing(archive, record, Checksums(100, tree_hash, LEAVES), [])
        return archive

    @property
    def site(self) -> Site:
        return Site(self.id, self.where, self.destination, key_of(self.where), self.around)

    def verify(self, *wanted: ArchiveFilter) -> PlaceReport:
        self.findings.clear()
        look = Look(self.catalog, self.findings.append, self.looked.append, lambda: None, wanted)
        return verify_inventory(self.site, look)

    def kinds(self) -> list[str]:
        return [finding.kind for finding in self.findings]


@contextmanager
def shelf(path: str, **more: Any) -> Iterator[Shelf]:
    with Catalog.open(path) as catalog:
        yield Shelf(catalog, **more)
