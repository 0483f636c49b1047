"""A whole tree of real files that are put together, sent to destinations in memory."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.contents import Contents
from glacier_backup.model.event import Event, Summary, Warned
from glacier_backup.model.filters import Prefixing
from glacier_backup.model.place import Place
from glacier_backup.model.plan import BackupPlan
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.upload import Unfinished
from glacier_backup.pack.packer import PackedStream, Packer
from glacier_backup.pack.registry import GROUPS, LINKS, PACKERS
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Hashing, Selection, TreeRules
from glacier_backup.seal.chain import NO_SEAL
from glacier_backup.units import KIB
from glacier_backup.workflow.backup import Backup, preview, run
from glacier_backup.workflow.sending.prepare import Order
from glacier_backup.workflow.tools import Origin, Target, Tools
from tests.fakes import MemoryDestination

SECTION = "my photos"


class Killed(BaseException):
    """The process is gone: nothing runs after it."""


class Packs:
    """The tree, where it goes, and what came of it."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder = folder / SECTION
        self.folder.mkdir(parents=True)
        self.catalog = catalog
        self.destinations = {"main": MemoryDestination()}
        self.events: list[Event] = []
        self.on_event: Callable[[Event], object] = lambda event: None
        self.pack_size: int | None = 64 * KIB
        self.prefixing: Prefixing | None = None
        """In place of packs."""
        self.hashing: Hashing = "never"
        self.concurrency = 1
        self.seal = NO_SEAL
        self.spool_dir: str | None = None
        self.temporary_dir = str(folder / "spool")
        self.private = False
        self.wrap: Callable[[Packer], Packer] = lambda packer: packer
        self.packed: list[Contents] = []
        """Of each time that a group was packed."""

    @property
    def destination(self) -> MemoryDestination:
        """The only one, or the first."""
        return next(iter(self.destinations.values()))

    def add(self, name: str) -> MemoryDestination:
        """One more destination, to which everything goes too."""
        self.destinations[name] = MemoryDestination(place=Place("local", f"/{name}"))
        return self.destinations[name]

    def write(self, name: str, content: str = "", mtime: int = 1_600_000_000) -> str:
        """A file; its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content or name)
        os.utime(path, (mtime, mtime))
        return str(path)

    def remove(self, *names: str) -> None:
        for name in names:
            (self.folder / name).unlink()

    def run(
        self, *, limit: int | None = None, force: bool = False, ad_hoc: bool = False, plan: BackupPlan | None = None
    ) -> Summary:
        self.events.clear()
        return run(self.backup(limit=limit, force=force, ad_hoc=ad_hoc), self._tell, StopRequest(), plan)

    def preview(self) -> BackupPlan:
        return preview(self.backup())

    def backup(self, *, limit: int | None = None, force: bool = False, ad_hoc: bool = False) -> Backup:
        size = self.pack_size if self.prefixing is None else None
        rules = TreeRules(pack_size=size, hashing=self.hashing, prefixing=self.prefixing)
        selection = Selection(str(self.folder), compare=True, destinations=tuple(self.destinations), tree=rules)
        targets = [Target(name, destination) for name, destination in self.destinations.items()]
        tools = Tools(
            {"": Origin(LocalSource(), PACKERS, LINKS, self._packer)},
            "nas",
            {selection.path: rules},
            seal=lambda section: self.seal,
            spool_dir=self.spool_dir,
            temporary_dir=self.temporary_dir,
            private=lambda section: self.private,
        )
        order = Order((selection,), force, limit, ad_hoc)
        return Backup(order, tools, targets, self.catalog, self.concurrency)

    def _packer(self, contents: Contents) -> Packer:
        return self.wrap(_Counting(GROUPS(contents), lambda: self.packed.append(contents)))

    def _tell(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def run_and_die(self) -> None:
        """Until a hook kills it; afterwards no destination hooks any more."""
        try:
            self.run()
        except Killed:
            pass
        else:
            raise AssertionError("nothing killed it")
        for thread in threading.enumerate():
            if thread.name.startswith(("candidate", "lane")):
                thread.join()  # a real kill ends them all at once
        for destination in self.destinations.values():
            for name in ("on_begin", "after_begin", "on_send", "after_chunk", "on_complete", "after_complete"):
                setattr(destination, name, lambda *_: None)

    def place_id(self, name: str = "main") -> int:
        place_id = self.catalog.place_id(self.destinations[name].place)
        assert place_id is not None
        return place_id

    def unfinished(self) -> tuple[Unfinished, ...]:
        return self.catalog.unfinished(self.place_id())

    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]

    def archives(self, name: str = "main") -> list[StoredArchive]:
        """Oldest first."""
        found = self.catalog.stored_archives(ArchiveFilter(place_id=self.place_id(name)))
        return sorted(found, key=lambda one: one.id)

    def groups(self, name: str = "main") -> list[dict[str, str]]:
        """What is in the tars that are stored unsealed, by name: content, or ``-> target``."""
        stored = self.destinations[name].stored
        return [in_tar(stored[one.volumes[0].locator]) for one in self.archives(name) if one.kind == "group"]

    def sent(self, name: str = "main") -> set[str]:
        """The names of the files that count as sent there as they are now."""
        files = {str(path): path for path in self.folder.rglob("*") if path.is_symlink() or path.is_file()}
        known = self.catalog.last_sent(self.place_id(name), list(files))
        return {
            str(files[path].relative_to(self.folder))
            for path, last in known.items()
            if last.digest is not None and last.digest.endswith(f" {files[path].lstat().st_mtime_ns}")
        }


class _Counting:
    def __init__(self, packer: Packer, packed: Callable[[], object]) -> None:
        self.container = packer.container
        self.step = packer.step
        self.estimate = packer.estimate
        self._packer = packer
        self._packed = packed

    def pack(self, path: str, stored_name: str) -> AbstractContextManager[PackedStream]:
        self._packed()
        return self._packer.pack(path, stored_name)


def in_tar(data: bytes) -> dict[str, str]:
    """Content, or ``-> target``, by name, as Python's own tarfile finds them. Each name is there once."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = [(one.name, f"-> {one.linkname}" if one.issym() else _content(tar, one)) for one in tar]
    assert len(dict(found)) == len(found)
    return dict(found)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    content = tar.extractfile(member)
    assert content is not None, f"{member.name} is no file"
    return content.read().decode()
