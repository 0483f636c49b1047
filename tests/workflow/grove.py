"""A whole tree of real files, sent to a bucket that keeps versions, as its section says."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Destination
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Event, Summary, Warned
from glacier_backup.model.filters import MostDeleted, Prefixing
from glacier_backup.model.plan import BackupPlan, Decision, Expiry
from glacier_backup.pack.registry import GROUPS, LINKS, PACKERS
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, Source, TreeRules
from glacier_backup.workflow.backup import Backup, preview, run
from glacier_backup.workflow.sending.prepare import Order
from glacier_backup.workflow.tools import Origin, Target, Tools
from tests.workflow.versioned import VersionedBucket

ANY = MostDeleted(None, None, "none")


class Grove:
    """What is sent, and where to."""

    def __init__(self, folder: Path, catalog: Catalog, rules: TreeRules) -> None:
        self.folder = folder
        self.catalog = catalog
        self.rules = rules
        self.bucket = VersionedBucket()
        self.others: dict[str, Destination] = {}
        self.host = "nas"
        self.source: Source = LocalSource()
        self.stop = StopRequest()
        self.events: list[Event] = []

    @property
    def path(self) -> str:
        return str(self.folder)

    def write(self, name: str, content: str, mtime: int = 1_600_000_000) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        os.utime(path, (mtime, mtime))

    def write_all(self, *names: str) -> None:
        for name in names:
            self.write(name, name)

    def remove(self, *names: str) -> None:
        for name in names:
            path = self.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def change(self, **rules: object) -> None:
        """What the section says from now on."""
        self.rules = replace(self.rules, **rules)  # type: ignore[arg-type]  # its own fields

    def backup(self, *others: Selection, limit: int | None = None, ad_hoc: bool = False) -> Backup:
        names = ("main", *self.others)
        own = Selection(self.path, compare=True, destinations=names, tree=self.rules)
        selections = (*others, own) if not ad_hoc else others
        trees = {one.path: one.tree for one in selections if one.tree is not None}
        tools = Tools({"": Origin(self.source, PACKERS, LINKS, GROUPS)}, self.host, trees)
        targets = [Target(name, at) for name, at in {"main": self.bucket, **self.others}.items()]
        return Backup(Order(selections, limit=limit, ad_hoc=ad_hoc), tools, targets, self.catalog, 2)

    def run(self, *others: Selection, limit: int | None = None, ad_hoc: bool = False) -> Summary:
        self.events.clear()
        backup = self.backup(*others, limit=limit, ad_hoc=ad_hoc)
        return run(backup, self.events.append, self.stop)

    def plan(self) -> BackupPlan:
        return preview(self.backup())

    def current(self) -> dict[str, str]:
        """Names below the section that have a newest version, with what it is in: a group, or nothing."""
        at = self.catalog.place_id(self.bucket.place)
        assert at is not None
        start = len(self.path) + 1
        return {one.path[start:]: one.group[start:] for one in self.catalog.current(at, self.path)}

    def seen(self) -> list[str]:
        """Keys in the bucket, as somebody sees them who knows of no versions; without what all begin with."""
        start = f"nas{self.path}/"
        return sorted(key.removeprefix(start) for key in self.bucket.newest)

    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]


def expiries(decisions: BackupPlan | Summary) -> list[tuple[str, str]]:
    """Path and reason of each, without what leads to its last component."""
    found: list[Decision] = (
        list(decisions.decisions)
        if isinstance(decisions, BackupPlan)
        else [result.decision for result in decisions.results if result.outcome == "expired"]
    )
    return [(one.path.rpartition("/")[2], str(one.reason)) for one in found if isinstance(one, Expiry)]


def grouping(below: int, **more: object) -> Prefixing:
    return Prefixing(below, **more)  # type: ignore[arg-type]  # its own fields
