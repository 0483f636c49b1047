"""A folder of real files that is sent to a real place, and what becomes of it when the catalog is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.sites import key_of
from glacier_backup.destination.destination import Destination
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Summary
from glacier_backup.model.finding import Finding, PlaceReport
from glacier_backup.model.place import Place as Where
from glacier_backup.model.rebuilding import RebuiltPlace, Refused
from glacier_backup.model.restore import Wish
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.pack.registry import GROUPS, LINKS, PACKERS
from glacier_backup.pack.unpackers import LINK_UNPACKER, UNPACKERS
from glacier_backup.plan.restore import plan_restore
from glacier_backup.plan.told_by_key import Around
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, TreeRules
from glacier_backup.workflow.backup import Backup, run
from glacier_backup.workflow.rebuild import RebuildOrder, rebuild_place
from glacier_backup.workflow.restore import RestoreTools, run_restore
from glacier_backup.workflow.sending.prepare import Order
from glacier_backup.workflow.tools import Origin, Target, Tools
from glacier_backup.workflow.verifying.site import Site
from glacier_backup.workflow.verifying.verify_inventory import Look, verify_inventory
from tests.contract.places import Place

HOST = "nas"


@dataclass
class Stay:
    """One place, the files that go there, and the catalog of it."""

    place: Place
    folder: Path
    """Of the files."""
    catalog: str
    refused: list[Refused] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def proves(self) -> bool:
        """Whether the place keeps checksums that it made itself."""
        with closing(self.place.connect()) as destination:
            return destination.place.kind in ("glacier", "s3")

    def write(self, name: str, content: bytes, mtime: int = 1_600_000_000) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (mtime, mtime))
        return path

    def backup(self, selection: Selection) -> Summary:
        trees = {} if selection.tree is None else {selection.path: selection.tree}
        tools = Tools({"": Origin(LocalSource(), PACKERS, LINKS, GROUPS)}, HOST, trees)
        with Catalog.open(self.catalog) as catalog, closing(self.place.connect()) as destination:
            order = Order((replace(selection, destinations=("main",)),))
            backup = Backup(order, tools, [Target("main", destination)], catalog, 2)
            return run(backup, lambda event: None, StopRequest())

    def send_children(self) -> Summary:
        """Each directory, and each file, of the folder as an archive."""
        return self.backup(Selection(str(self.folder), dirs=True, files=True, compare=True))

    def send_tree(self) -> Summary:
        return self.backup(Selection(str(self.folder), compare=True, tree=TreeRules()))

    def known(self) -> list[StoredArchive]:
        with Catalog.peek(self.catalog) as catalog:
            return list(catalog.stored_archives(ArchiveFilter()))

    def lose_catalog(self) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(self.catalog + suffix).unlink(missing_ok=True)

    def rebuild(self, order: RebuildOrder | None = None) -> RebuiltPlace:
        """Once the inventory is there."""
        self.refused.clear()
        self.place.thaw_now()  # a vault that has no inventory yet makes none
        with self._site() as (site, catalog):
            refuse = self.refused.append
            first = rebuild_place(site, catalog, order or RebuildOrder(), refuse, _ignore, _nothing)
            if not first.waiting:
                return first
            self.place.thaw_now()
            return rebuild_place(site, catalog, order or RebuildOrder(), refuse, _ignore, _nothing)

    def verify(self, *wanted: ArchiveFilter) -> PlaceReport:
        """Likewise."""
        self.findings.clear()
        self.place.thaw_now()
        with self._site() as (site, catalog):
            look = Look(catalog, self.findings.append, _ignore, _nothing, wanted)
            first = verify_inventory(site, look)
            if not first.waiting:
                return first
            self.place.thaw_now()
            return verify_inventory(site, look)

    def restore(self, target: Path) -> None:
        """Everything, as cron does it."""
        with Catalog.open(self.catalog) as catalog, closing(self.place.connect()) as destination:
            tools = RestoreTools(catalog, lambda place: destination, UNPACKERS, LINK_UNPACKER, 2)
            wish = Wish("restore", str(target), ())
            items = plan_restore(catalog, ()).items
            code = run_restore(wish, items, tools, _ignore, StopRequest(), wait=False).exit_code
        if code == 75:
            self.place.thaw_now()
            self.restore(target)
        else:
            assert code == 0

    @contextmanager
    def _site(self) -> Iterator[tuple[Site, Catalog]]:
        with Catalog.open(self.catalog) as catalog, closing(self.place.connect()) as destination:
            where = _identified(destination)
            around = Around(frozenset({HOST}), (str(self.folder),), (str(self.folder),), host=HOST)
            yield Site(catalog.register(destination.place, where), where, destination, key_of(where), around), catalog


def _identified(destination: Destination) -> Where:
    return destination.identify(holds_archives=False)


def _ignore(_: object) -> None:
    return


def _nothing() -> None:
    return
