"""A small world in memory, with a real catalog, for runs of the whole workflow."""

from __future__ import annotations

from collections.abc import Callable

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import Container, Label
from glacier_backup.model.event import BytesSent, Event, Result, Summary
from glacier_backup.model.place import Place
from glacier_backup.model.plan import BackupPlan, Upload
from glacier_backup.model.upload import Unfinished
from glacier_backup.pack.packer import Packer
from glacier_backup.pack.registry import GROUPS
from glacier_backup.resolve.source import Selection
from glacier_backup.seal.chain import NO_SEAL
from glacier_backup.workflow.backup import Backup, run
from glacier_backup.workflow.sending.prepare import Order
from glacier_backup.workflow.tools import Classify, Origin, Target, Tools, as_set
from tests.fakes import MemoryDestination, MemoryPacker, MemorySource


class World:
    """Everything one backup works with, and what came of it."""

    def __init__(self, catalog: Catalog) -> None:
        self.source = MemorySource({"/data/a": b"a", "/data/b": b"bb", "/data/c": b"ccc"})
        self.packer = MemoryPacker(self.source)
        self.destinations = {"main": MemoryDestination()}
        self.catalog = catalog
        self.stop = StopRequest()
        self.events: list[Event] = []
        self.compare = True
        self.part_size: int | None = None
        self.part_sizes: dict[str, int] = {}
        """By destination, where one has its own."""
        self.classify: Classify = as_set
        self.ad_hoc = False
        self.concurrency = 1
        self.seal = NO_SEAL
        self.spool_dir: str | None = None
        self.temporary_dir = ""
        self.private = False

    @property
    def destination(self) -> MemoryDestination:
        """The only one, or the first."""
        return next(iter(self.destinations.values()))

    @destination.setter
    def destination(self, destination: MemoryDestination) -> None:
        self.destinations = {"main": destination}

    def add(self, name: str, destination: MemoryDestination | None = None) -> MemoryDestination:
        """One more destination, to which everything goes too."""
        self.destinations[name] = destination or MemoryDestination(place=Place("local", f"/{name}"))
        return self.destinations[name]

    def backup(self, limit: int | None = None, force: bool = False) -> Backup:
        packers: dict[Container, Packer] = {"raw": self.packer, "tar": self.packer}
        origin = Origin(self.source, packers, self.packer, GROUPS, shared=("raw", "tar"))
        targets = [
            Target(name, destination, self.part_sizes.get(name, self.part_size), classify=self.classify)
            for name, destination in self.destinations.items()
        ]
        selection = Selection("/data", files=True, compare=self.compare, destinations=tuple(self.destinations))
        order = Order((selection,), force, limit, self.ad_hoc)
        return Backup(order, self._tools(origin), targets, self.catalog, self.concurrency)

    def _tools(self, origin: Origin) -> Tools:
        return Tools(
            {"": origin},
            "nas",
            seal=lambda section: self.seal,
            spool_dir=self.spool_dir,
            temporary_dir=self.temporary_dir,
            private=lambda section: self.private,
        )

    def run(self, limit: int | None = None, force: bool = False) -> Summary:
        self.events.clear()
        return run(self.backup(limit, force), self.events.append, self.stop)

    def unfinished(self) -> tuple[Unfinished, ...]:
        place_id = self.catalog.place_id(self.destination.place)
        assert place_id is not None
        return self.catalog.unfinished(place_id)

    def bytes_told(self) -> int:
        return sum(event.bytes for event in self.events if isinstance(event, BytesSent))

    def recorded(self, at: str | None = None) -> list[str]:
        """Paths, in order; of one destination, or of all of them."""
        place = None if at is None else str(self.destinations[at].place)
        return sorted(one.path for one in self.catalog.archives() if place in (None, one.destination))


def failing(path: str, error: Exception) -> Callable[[Label], None]:
    def on_send(label: Label) -> None:
        if label.path == path:
            raise error

    return on_send


def outcomes(summary: Summary, to: str | None = None) -> str:
    """Of the decisions about one destination, or about all of them."""
    return " ".join(result.outcome for result in summary.results if to in (None, result.decision.to))


def uploads(plan: BackupPlan) -> list[str]:
    return [decision.path for decision in plan.decisions if isinstance(decision, Upload)]


def sent(summary: Summary) -> list[Result]:
    return [result for result in summary.results if result.outcome == "sent"]


def failed(summary: Summary) -> list[Result]:
    return [result for result in summary.results if result.outcome == "failed"]
