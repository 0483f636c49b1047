"""A small world in memory, with a real catalog, for runs of the whole workflow."""

from __future__ import annotations

from collections.abc import Callable

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import Label
from glacier_backup.model.event import BytesSent, Event, Result, Summary
from glacier_backup.model.plan import BackupPlan, Upload
from glacier_backup.model.upload import Unfinished
from glacier_backup.resolve.source import Selection
from glacier_backup.workflow.backup import Backup, run
from glacier_backup.workflow.prepare import Order
from glacier_backup.workflow.send import Tools
from tests.fakes import MemoryDestination, MemoryPacker, MemorySource


class World:
    """Everything one backup works with, and what came of it."""

    def __init__(self, catalog: Catalog) -> None:
        self.source = MemorySource({"/data/a": b"a", "/data/b": b"bb", "/data/c": b"ccc"})
        self.packer = MemoryPacker(self.source)
        self.destination = MemoryDestination()
        self.catalog = catalog
        self.stop = StopRequest()
        self.events: list[Event] = []
        self.compare = True
        self.part_size: int | None = None
        self.ad_hoc = False
        self.concurrency = 1

    def backup(self, limit: int | None = None, force: bool = False) -> Backup:
        tools = Tools(self.source, {"raw": self.packer, "tar": self.packer}, self.destination, "nas", self.part_size)
        selection = Selection("/data", files=True, compare=self.compare)
        return Backup(Order((selection,), force, limit, self.ad_hoc), tools, self.catalog, self.concurrency, None)

    def run(self, limit: int | None = None, force: bool = False) -> Summary:
        self.events.clear()
        return run(self.backup(limit, force), self.events.append, self.stop)

    def unfinished(self) -> tuple[Unfinished, ...]:
        place_id = self.catalog.place_id(self.destination.place)
        assert place_id is not None
        return self.catalog.unfinished(place_id)

    def bytes_told(self) -> int:
        return sum(event.bytes for event in self.events if isinstance(event, BytesSent))

    def recorded(self) -> list[str]:
        return [one.path for one in self.catalog.archives()]


def failing(path: str, error: Exception) -> Callable[[Label], None]:
    def on_send(label: Label) -> None:
        if label.path == path:
            raise error

    return on_send


def outcomes(summary: Summary) -> str:
    return " ".join(result.outcome for result in summary.results)


def uploads(plan: BackupPlan) -> list[str]:
    return [decision.path for decision in plan.decisions if isinstance(decision, Upload)]


def sent(summary: Summary) -> list[Result]:
    return [result for result in summary.results if result.outcome == "sent"]


def failed(summary: Summary) -> list[Result]:
    return [result for result in summary.results if result.outcome == "failed"]
