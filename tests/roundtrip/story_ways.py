"""Ways in which a tree that changes is sent and brought back: by the program as its users run it, and in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.filters import Filter, Prefixing
from glacier_backup.model.plan import Expiry
from glacier_backup.model.restore import Wish
from glacier_backup.model.tree_digest import Hashing
from glacier_backup.pack.unpackers import LINK_UNPACKER, UNPACKERS
from glacier_backup.plan.restore import plan_restore
from glacier_backup.resolve.source import TreeRules
from glacier_backup.units import MIB
from glacier_backup.workflow.restore import run_restore
from glacier_backup.workflow.restoring.tools import RestoreTools
from tests.fakes import MemoryDestination
from tests.roundtrip.journey import Journey
from tests.roundtrip.storied_tree import Did
from tests.roundtrip.story_options import BELOW, Options
from tests.workflow.grove import ANY, Grove
from tests.workflow.library import NO_WAIT

HASHING: dict[str, Hashing] = {"size, mtime": "never", "size, mtime, hash": "other time", "hash": "always"}


class ByProgram:
    """With an INI file, and a catalog that may be lost."""

    def __init__(self, journey: Journey, main: str = "") -> None:
        self.journey = journey
        self._main = main

    @property
    def top(self) -> Path:
        return self.journey.data / "tree"

    def back_up(self, options: Options, limit: int | None = None) -> Did:
        first = "" if limit is None else f"limit = {limit}\n"
        self.journey.sections(f"[{self.top}]\n{options.lines}", first + self._main)
        ran = self.journey.back_up()
        return Did(sorted(ran.sent()), ran.json["summary"]["expired"])

    def restore(self, target: Path, at: str | None) -> None:
        ran = self.journey.restore(target, *(() if at is None else ("--at", at)))
        assert ran.code == 0, ran

    def check(self) -> None:
        ran = self.journey("catalog", "check")
        assert ran.code == 0, ran

    def lose_catalog(self) -> None:
        """It is made anew from what lies at the destination, and nothing else."""
        self.journey.lose_catalog()
        ran = self.journey.rebuild("--no-copy", "--read-packs")
        assert ran.code == 0, ran


class InMemory:
    """With a real catalog and real files, and a destination in memory."""

    def __init__(self, grove: Grove) -> None:
        self.grove = grove

    @property
    def top(self) -> Path:
        return self.grove.folder

    def back_up(self, options: Options, limit: int | None = None) -> Did:
        self.grove.rules = rules_of(options)
        summary = self.grove.run(limit=limit)
        assert summary.exit_code == 0, (summary, self.grove.warnings())
        done = [one.decision for one in summary.results if one.outcome in ("sent", "expired")]
        gone = sum(isinstance(one, Expiry) for one in done)
        return Did([one.path for one in done if not isinstance(one, Expiry)], gone)

    def restore(self, target: Path, at: str | None) -> None:
        catalog, bucket = self.grove.catalog, self.grove.bucket
        target.mkdir()
        plan = plan_restore(catalog, (), None if at is None else datetime.fromisoformat(at))
        tools = RestoreTools(catalog, lambda place: bucket, UNPACKERS, LINK_UNPACKER, 2, NO_WAIT)
        wish = Wish("restore", str(target), ())
        summary = run_restore(wish, plan.items, tools, lambda event: None, StopRequest(), wait=False)
        assert summary.exit_code == 0, summary

    def check(self) -> None:
        return


def rules_of(options: Options) -> TreeRules:
    """What the section of an INI file would be."""
    filters: tuple[Filter, ...] = ()
    if options.no_temporary:
        filters = (Filter("key_sub", "key_sub", pattern=r"^.*\.tmp$"),)
    together = options.small in ("prefix", "root", "filter")
    most = None if options.most == "none" else int(options.most)
    if options.renaming:
        filters += (Filter("key_sub", "key_sub", pattern="^c/", replacement="other/"),)
    if options.small == "filter":
        filters += (Filter("group", f"group {BELOW}", size=BELOW),)
    return TreeRules(
        symlinks=options.symlinks,
        keep_versions=options.keep_versions,
        pack_size=MIB if options.small == "pack" else None,
        hashing=HASHING[options.compare],
        prefixing=Prefixing(BELOW, "root" if options.small == "root" else "prefix", most) if together else None,
        expire_deleted=options.expire,
        max_delete=ANY,
        filters=filters,
    )


@contextmanager
def in_memory(folder: Path, *, versions: bool = True) -> Iterator[InMemory]:
    """In a bucket that keeps versions, or where nothing is ever replaced."""
    with Catalog.open(str(folder / "catalog.sqlite3")) as catalog:
        (folder / "data").mkdir()
        grove = Grove(folder / "data" / "tree", catalog, TreeRules())
        if not versions:
            grove.bucket = MemoryDestination()  # type: ignore[assignment]  # whose hooks nothing here has a use for
        yield InMemory(grove)
