"""Files of whole trees that got another name, where the destination can copy what it has."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Check
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.archive import Checksums
from glacier_backup.model.naming import key
from glacier_backup.model.upload import UploadRequest
from glacier_backup.seal.command import Commands
from tests.fakes import MemoryDestination
from tests.workflow.packs import Killed
from tests.workflow.seals import chain
from tests.workflow.test_trees import Forest
from tests.workflow.world import outcomes


def _nothing() -> None:
    pass


@dataclass
class CopyingDestination(MemoryDestination):
    """One that copies for nothing."""

    can: bool = True
    on_copy: Callable[[], None] = _nothing
    after_copy: Callable[[], None] = _nothing
    copied: int = 0

    def copies(self, size: int, storage_class: str | None) -> bool:
        return self.can

    def copy(self, request: UploadRequest, locator: str, checksums: Checksums, check: Check) -> str | None:
        self.on_copy()
        if locator not in self.stored:
            return None
        self.open[key(request.label)] = {0: self.stored[locator]}
        self.copied += 1
        self.after_copy()
        return key(request.label)


class Copies(Forest):
    def __init__(self, folder: Path, catalog: Catalog) -> None:
        super().__init__(folder, catalog)
        self.destination: CopyingDestination = CopyingDestination()

    def rename(self, old: str, new: str) -> None:
        (self.folder / new).parent.mkdir(parents=True, exist_ok=True)
        os.rename(self.folder / old, self.folder / new)

    def key(self, name: str) -> str:
        return f"nas{self.folder}/{name}"


@pytest.fixture
def copies(tmp_path: Path) -> Iterator[Copies]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield Copies(tmp_path / "tree", catalog)


def test_a_renamed_file_is_copied_there_and_not_sent(copies: Copies) -> None:
    copies.write("a", "content")
    copies.run()
    sent = len(copies.destination.parts_sent)
    copies.rename("a", "2020/b")

    assert outcomes(copies.run()) == "sent"

    assert (copies.destination.copied, len(copies.destination.parts_sent)) == (1, sent)
    assert copies.stored() == {copies.key("a"): "content", copies.key("2020/b"): "content"}
    assert outcomes(copies.run()) == "skipped"


def test_what_only_looks_renamed_is_sent_with_its_own_content(copies: Copies) -> None:
    """The same size and time: an unpacked archive has many such files."""
    copies.write("a", "one")
    copies.run()
    (copies.folder / "a").unlink()
    copies.write("b", "two")

    assert outcomes(copies.run()) == "sent"

    assert copies.destination.copied == 0
    assert copies.stored()[copies.key("b")] == "two"


def test_what_is_sealed_otherwise_by_now_is_sent(copies: Copies, tmp_path: Path) -> None:
    copies.write("a", "content")
    copies.run()
    copies.rename("a", "b")
    copies.seal = chain("zstd", tmp_path)[0]

    assert outcomes(copies.run()) == "sent"
    assert copies.destination.copied == 0


def test_what_is_sealed_is_only_copied_where_its_content_is_known(copies: Copies, tmp_path: Path) -> None:
    copies.seal = chain("zstd", tmp_path)[0]
    copies.write("a", "content")
    copies.run()
    copies.rename("a", "b")

    assert outcomes(copies.run()) == "sent"
    assert copies.destination.copied == 0


def test_what_a_command_makes_for_a_key_is_not_copied_to_another(copies: Copies, tmp_path: Path) -> None:
    keyed = Commands((("bash", "-c", 'printf "%s " "$KEY"; cat'),))
    copies.seal = chain("gzip", tmp_path)[0].behind(keyed)
    copies.write("a", "content")
    copies.run()
    copies.rename("a", "b")

    assert outcomes(copies.run()) == "sent"

    assert copies.destination.copied == 0
    assert gzip.decompress(copies.destination.stored[f"{copies.key('b')}.gz"]) == b"b content"


@pytest.mark.parametrize("trouble", ["can't", "refused", "gone there"])
def test_what_can_not_be_copied_is_sent(copies: Copies, trouble: str) -> None:
    copies.write("a", "content")
    copies.run()
    copies.rename("a", "b")

    def refuse() -> None:
        raise DestinationError("no")

    copies.destination.can = trouble != "can't"
    if trouble == "refused":
        copies.destination.on_copy = refuse
    if trouble == "gone there":
        copies.destination.stored.clear()

    assert outcomes(copies.run()) == "sent"
    assert copies.stored()[copies.key("b")] == "content"
    assert copies.catalog.unfinished(1) == ()


@pytest.mark.parametrize("when", ["before", "after", "completing", "completed"])
def test_killed_at_any_step_the_next_run_has_it_whole(copies: Copies, when: str) -> None:
    copies.write("a", "content")
    copies.run()
    copies.rename("a", "b")

    def kill(*_: object) -> None:
        raise Killed

    destination = copies.destination
    hooks = {"before": "on_copy", "after": "after_copy", "completing": "on_complete", "completed": "after_complete"}
    before = getattr(destination, hooks[when])
    setattr(destination, hooks[when], kill)
    with pytest.raises(Killed):
        copies.run()
    setattr(destination, hooks[when], before)

    copies.run()

    assert copies.stored() == {copies.key("a"): "content", copies.key("b"): "content"}
    assert outcomes(copies.run()) == "skipped"
    assert copies.catalog.unfinished(1) == ()


def test_a_destination_that_is_out_of_reach_ends_the_run(copies: Copies) -> None:
    copies.write("a", "content")
    copies.run()
    copies.rename("a", "b")

    def unavailable() -> None:
        raise DestinationUnavailable("no route")

    copies.destination.on_copy = unavailable
    summary = copies.run()
    assert summary.exit_code == DestinationUnavailable.exit_code
    copies.destination.on_copy = _nothing
    assert outcomes(copies.run()) == "sent"
