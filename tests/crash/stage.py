"""Where a trial's archives go: a vault of the strict server, or a directory. And what can be found there.

The others have modules of their own: :mod:`tests.crash.server_stage`, :mod:`tests.crash.bucket_stage`.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from glacier_backup.destination import glacier, local
from glacier_backup.destination.directories import marker
from glacier_backup.destination.layout import is_partial
from glacier_backup.model.archive import Label
from glacier_backup.model.key_reading import label_of_key
from glacier_backup.model.naming import RESTORE_NOTE, is_catalog_copy, parse_description
from glacier_backup.units import now
from tests.crash.scenario import OPERATIONS, PART_SIZES, Gap, Scenario
from tests.vault_server import VaultServer
from tests.vault_server.faults import JOURNAL

Single = TypeVar("Single")


@dataclass(frozen=True)
class Stored:
    """One archive as it lies at the destination."""

    locator: str
    path: str
    """Of the candidate, as the destination says it."""
    file: Path
    """Its bytes; of a sealed one those that were sealed."""
    size: int | None = None
    """Bytes as stored, where the file is something else."""


@dataclass(frozen=True)
class Allowed:
    """What levers and faults make legitimate."""

    restarts: Counter[str]
    """By path: uploads that came to nothing, so that another one has to begin."""
    forgotten: int = 0
    """How often the destination forgot what was completed, so that it may be sent once more, with a warning."""


class Stage(Protocol):
    """A destination of one trial."""

    @property
    def least(self) -> int:
        """Bytes of the smallest archive."""
        ...

    @property
    def part_sizes(self) -> Sequence[int]:
        """Those that the INI file may have there."""
        ...

    @property
    def large(self) -> Mapping[str, int]:
        """Files that are more than this destination's smallest part, in bytes by name."""
        ...

    @property
    def operations(self) -> tuple[str, ...]:
        """What it keeps a journal of."""
        ...

    @property
    def journal(self) -> str:
        """The file that it is in."""
        ...

    @property
    def main(self) -> str:
        """Lines for ``[main]``."""
        ...

    @property
    def more(self) -> str:
        """Sections of the INI file."""
        ...

    packed: bool
    """Whether what is sent is a whole tree whose files are put together."""
    by_prefix: bool
    """Whether they are by what their names begin with; else in packs."""

    @property
    def each(self) -> Sequence[Stage]:
        """The destinations, for each of which the promises hold by themselves."""
        ...

    def holds(self, place: str) -> bool:
        """Whether it is this one that ``list --json`` calls so."""
        ...

    @property
    def environ(self) -> dict[str, str]: ...

    def begin(self, scenario: Scenario) -> None:
        """Make it, empty, and begin with the faults."""
        ...

    def settle(self) -> None:
        """Wait until all that a dead program had sent is dealt with."""
        ...

    def gap(self, gap: Gap, pick: float) -> str:
        """Do what happens there between two runs; ``pick`` (0 to 1) chooses. Returns what was done, for the story."""
        ...

    def stored(self) -> list[Stored]:
        """All archives, oldest first."""
        ...

    def rest(self) -> Iterator[str]:
        """What is left there that is no archive."""
        ...

    def traffic(self) -> object:
        """What has been sent so far: equal only if nothing has been sent since."""
        ...

    def repeats(self) -> Iterator[str]:
        """The bytes that came more than once, one line for each time too much; see the promises."""
        ...

    def starts(self) -> Counter[str]:
        """By path, how many uploads had any part stored."""
        ...

    def allowed(self) -> Allowed: ...

    def remove(self) -> None:
        """Take it away."""
        ...


class Alone:
    """What is true of most: there is one destination, and what there is to send is large enough."""

    part_sizes: Sequence[int] = PART_SIZES
    large: Mapping[str, int] = {}  # nobody writes to it
    more = ""
    packed = False
    by_prefix = False

    @property
    def each(self: Single) -> Sequence[Single]:
        return (self,)

    def holds(self, place: str) -> bool:
        return True


class VaultStage(Alone):
    """A new vault on a server, which has nobody else's faults meanwhile."""

    least = glacier.LIMITS.least
    operations = OPERATIONS

    def __init__(self, server: VaultServer, vault: str) -> None:
        self.server = server
        self.vault = vault
        self._restarts: Counter[str] = Counter()
        self._forgotten = 0
        self.journal = str(server.root / JOURNAL)

    @property
    def main(self) -> str:
        return (
            f"destination = glacier\nvault_name = {self.vault}\nregion = {self.server.region}\n"
            f"endpoint_url = {self.server.endpoint_url}\n"
        )

    @property
    def environ(self) -> dict[str, str]:
        return self.server.environment

    def begin(self, scenario: Scenario) -> None:
        self.server.create_vault(self.vault)
        self.server.faults(**scenario.faults)

    def settle(self) -> None:
        self.server.settle()

    def gap(self, gap: Gap, pick: float) -> str:
        if gap in ("expire", "day"):
            # First: what comes of a dead program's last words is not lost.
            self.settle()
        if gap == "forget":
            self.server.forget_completions()
            self._forgotten += 1
        if gap == "day":
            self._lost([upload.id for upload in self.server.uploads(self.vault)])
            self.server.let_a_day_pass()
            self._forgotten += 1
        if gap == "expire" and (uploads := self.server.uploads(self.vault)):
            lost = uploads[int(pick * len(uploads))].id
            self.server.expire(lost)
            self._lost([lost])
            return f"expire {lost[:12]}…"
        return gap

    def _lost(self, uploads: list[str]) -> None:
        begun = self.server.begun_as(self.vault)
        self._restarts.update(_path(begun[upload]) for upload in uploads)

    def stored(self) -> list[Stored]:
        return [Stored(one.id, _path(one.description), one.path) for one in self.server.archives(self.vault)]

    def rest(self) -> Iterator[str]:
        for upload in self.server.uploads(self.vault):
            yield f"upload {upload.id[:12]}… of {_path(upload.description)} is open, with {len(upload.parts)} parts"

    def traffic(self) -> object:
        return self.server.begun(self.vault), [self._received(upload, answered=False) for upload in self._begun()]

    def repeats(self) -> Iterator[str]:
        """Parts of one upload that came again, though no fault had kept their answer from the program."""
        for upload, path in self._begun().items():
            for (first, last), count in sorted(self._received(upload, answered=True).items()):
                yield from [f"bytes {first}-{last} of {path} (upload {upload[:12]}…) came again"] * (count - 1)

    def starts(self) -> Counter[str]:
        return Counter(path for upload, path in self._begun().items() if self._received(upload, answered=False))

    def allowed(self) -> Allowed:
        begun = self._begun()
        by_fault = Counter(begun[event["item"]] for event in self.server.injected() if event["kind"] == "expire_upload")
        return Allowed(self._restarts + by_fault, self._forgotten)

    def remove(self) -> None:
        self.server.no_faults()
        shutil.rmtree(self.server.root / "vaults" / self.vault)

    def _begun(self) -> dict[str, str]:
        """By upload, the path that it is of."""
        return {upload: _path(text) for upload, text in sorted(self.server.begun_as(self.vault).items())}

    def _received(self, upload: str, *, answered: bool) -> Counter[tuple[int, int]]:
        return self.server.received(self.vault, upload, answered=answered)


class FolderStage(Alone):
    """A new directory. It has neither faults nor a journal, and whatever is sent twice would be there twice."""

    least = local.LIMITS.least
    operations: tuple[str, ...] = ()
    journal = ""
    environ: dict[str, str] = {}  # noqa: RUF012  # nobody writes to it

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def main(self) -> str:
        return f"destination = {self._root}\n"

    def begin(self, scenario: Scenario) -> None:
        self._root.mkdir()

    def settle(self) -> None:
        """A dead program writes no more."""

    def gap(self, gap: Gap, pick: float) -> str:
        return gap

    def stored(self) -> list[Stored]:
        """By its manifests, for those are written last; files of a tree have none."""
        found = []
        for manifest in sorted(self._root.rglob("*.recipe.json"), key=lambda file: file.name):
            file = manifest.with_name(manifest.name.removesuffix(".recipe.json"))
            locator = str(file.relative_to(self._root))
            found.append(Stored(locator, str(json.loads(manifest.read_text())["path"]), file))
        return found + list(self._of_tree({one.file for one in found}))

    def _of_tree(self, others: set[Path]) -> Iterator[Stored]:
        for file in sorted(self._there() - _with_what_lies_beside(others)) if self.packed else ():
            locator = str(file.relative_to(self._root))
            label = label_of_key(locator, now())
            if label is not None and label.fixed_key is not None and not is_partial(file.name):
                yield Stored(locator, label.path, file)

    def rest(self) -> Iterator[str]:
        stored = {one.file for one in self.stored()}
        alone = {one.file for one in self._of_tree(set())} & stored
        beside = _with_what_lies_beside(stored - alone) | alone
        there = self._there()
        yield from (f"{file} is missing" for file in sorted(beside - there))
        yield from (f"{file} is left over" for file in sorted(there - beside))

    def _there(self) -> set[Path]:
        files = {file for file in self._root.rglob("*") if not file.is_dir() and file != self._root / marker.MARKER}
        return {file for file in files if not is_no_archive(str(file.relative_to(self._root)))}

    def traffic(self) -> object:
        return {file: file.stat().st_mtime_ns for file in self._root.rglob("*")}

    def repeats(self) -> Iterator[str]:
        return iter(())

    def starts(self) -> Counter[str]:
        return Counter()

    def allowed(self) -> Allowed:
        return Allowed(Counter())

    def remove(self) -> None:
        shutil.rmtree(self._root)


def _with_what_lies_beside(archives: set[Path]) -> set[Path]:
    return {Path(f"{file}{suffix}") for file in archives for suffix in ("", ".sha256", ".recipe.json")}


def is_no_archive(key: str) -> bool:
    """Whether, below the prefix, that is what goes along with archives: copies of the catalog, and the note."""
    return key == RESTORE_NOTE or is_catalog_copy(key)


def _path(description: str) -> str:
    label = parse_description(description)
    return label.path if isinstance(label, Label) else f"? {description}"
