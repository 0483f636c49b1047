"""Something really backed up at a real destination, and what it takes to have it back."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Destination
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Warned
from glacier_backup.model.place import Place
from glacier_backup.model.reading_event import ItemEnded, ReadingEvent, RestoreSummary
from glacier_backup.model.restore import RestoreItem, Wish
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.thaw import Tier
from glacier_backup.pack.registry import GROUPS, LINKS, PACKERS
from glacier_backup.pack.unpackers import LINK_UNPACKER, UNPACKERS
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, TreeRules
from glacier_backup.seal.chain import NO_SEAL, Chain
from glacier_backup.seal.keys import NO_KEYS, Keys
from glacier_backup.workflow.backup import Backup, run
from glacier_backup.workflow.restore import run_restore
from glacier_backup.workflow.restoring.tools import RestoreTools
from glacier_backup.workflow.sending.prepare import Order
from glacier_backup.workflow.tools import Origin, Target, Tools

NO_WAIT: Mapping[Tier, float] = {"bulk": 0.05, "standard": 0.05, "expedited": 0.05}


@dataclass
class Library:
    """A folder of sources, a catalog, and one destination that is connected to anew for each step, as by cron."""

    folder: Path
    connect: Callable[[], Destination]
    events: list[ReadingEvent] = field(default_factory=list)
    concurrency: int = 3
    stop: StopRequest = field(default_factory=StopRequest)
    chain: Chain = NO_SEAL
    """How everything is sealed."""
    keys: Keys = NO_KEYS
    """What there is to open it with."""
    private: bool = False

    def __post_init__(self) -> None:
        self.source.mkdir(parents=True)
        self.target.mkdir()

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def target(self) -> Path:
        return self.folder / "target"

    @property
    def staging(self) -> Path:
        return self.target / ".glacier-backup-restore"

    @contextmanager
    def catalog(self) -> Iterator[Catalog]:
        with Catalog.open(str(self.folder / "catalog.sqlite3")) as catalog:
            yield catalog

    def back_up(self, *, tree: bool = False, rules: TreeRules | None = None) -> None:
        """Each child of the source by itself; or the whole of it as a tree, file by file, or as ``rules`` say."""
        rules = rules or (TreeRules() if tree else None)
        with self.catalog() as catalog, ExitStack() as stack:
            destination = stack.enter_context(closing(self.connect()))
            selection = Selection(
                str(self.source),
                dirs=rules is None,
                files=rules is None,
                compare=True,
                destinations=("main",),
                tree=rules,
            )
            origin = Origin(LocalSource([], {}), PACKERS, LINKS, GROUPS)
            trees = {} if rules is None else {str(self.source): rules}
            order = Order((selection,), force=False, limit=None, ad_hoc=False)
            tools = Tools(
                {"": origin},
                "nas",
                trees,
                seal=lambda section: self.chain,
                temporary_dir=str(self.folder / "spool"),
                private=lambda section: self.private,
            )
            backup = Backup(order, tools, [Target("main", destination)], catalog, concurrency=2)
            assert run(backup, lambda event: None, StopRequest()).exit_code == 0

    def archives(self, catalog: Catalog) -> list[StoredArchive]:
        return list(catalog.stored_archives(ArchiveFilter()))

    def items(self, catalog: Catalog) -> Iterator[RestoreItem]:
        """Everything, each under its path below the source."""
        for archive in self.archives(catalog):
            yield RestoreItem(archive.id, os.path.relpath(archive.path, self.source))

    def wish(self, **more: object) -> Wish:
        return replace(Wish("restore", str(self.target), ()), **more)  # type: ignore[arg-type]  # its own fields

    def restore(
        self,
        items: Iterable[RestoreItem] | None = None,
        *,
        wait: bool = False,
        wish: Wish | None = None,
        change: Callable[[Destination], Destination] = lambda destination: destination,
    ) -> RestoreSummary:
        """One run, as cron would start it."""
        with self.catalog() as catalog, closing(self.connect()) as destination:
            tools = RestoreTools(
                catalog,
                _always(change(destination)),
                UNPACKERS,
                LINK_UNPACKER,
                self.concurrency,
                NO_WAIT,
                keys=lambda path: self.keys,
                scratch_dir=str(self.folder / "scratch"),
            )
            chosen = self.items(catalog) if items is None else items
            return run_restore(wish or self.wish(), chosen, tools, self.events.append, self.stop, wait=wait)

    def sql(self, statement: str) -> None:
        """Carried out in the catalog, behind its back."""
        with closing(sqlite3.connect(self.folder / "catalog.sqlite3")) as database:
            database.execute(statement)
            database.commit()

    def lose_the_catalog(self) -> Path:
        """Where it is kept now."""
        kept = self.folder / "kept"
        kept.mkdir(exist_ok=True)
        for file in self.folder.glob("catalog.sqlite3*"):
            shutil.move(file, kept / file.name)
        return kept

    def ended(self) -> dict[str, str]:
        """State by name, as was told last."""
        return {one.to: one.state for one in self.events if isinstance(one, ItemEnded)}

    def warnings(self) -> str:
        return "\n".join(event.message for event in self.events if isinstance(event, Warned))

    def causes(self) -> str:
        return "\n".join(f"{one.path}: {one.cause}" for one in self.events if isinstance(one, ItemEnded) and one.cause)


def _always(destination: Destination) -> Callable[[Place], Destination]:
    return lambda place: destination


def look_at_new(target: Path) -> dict[str, tuple[object, ...]]:
    """What has come back, without what was set aside for it."""
    return {name: seen for name, seen in look(target).items() if "~" not in name}


def look(top: Path) -> dict[str, tuple[object, ...]]:
    """All that is below ``top``, as it can be compared; the hidden folder of a restore left out."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(top):
        if Path(folder) == top and ".glacier-backup-restore" in folders:
            folders.remove(".glacier-backup-restore")
        for name in [*folders, *files]:
            path = Path(folder, name)
            found[str(path.relative_to(top))] = _seen(path)
    return found


def _seen(path: Path) -> tuple[object, ...]:
    stat = path.lstat()
    if path.is_symlink():
        return ("link", os.readlink(path))
    if path.is_dir():
        return ("directory", stat.st_mode, stat.st_mtime_ns)
    return ("file", stat.st_mode, stat.st_mtime_ns, path.read_bytes())
