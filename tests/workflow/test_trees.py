"""Whole trees sent: keys that mirror paths, changed files, links, and nothing sent twice."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import DestinationError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Summary
from glacier_backup.model.naming import Layout
from glacier_backup.model.plan import ClassChoice
from glacier_backup.pack.registry import LINKS, PACKERS
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, TreeRules
from glacier_backup.workflow.backup import Backup, run
from glacier_backup.workflow.sending.prepare import Order
from glacier_backup.workflow.tools import Origin, Target, Tools
from tests.fakes import MemoryDestination
from tests.workflow.world import failing, outcomes


class Forest:
    """A tree of real files, sent to a destination in memory."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder = folder
        self.catalog = catalog
        self.destination = MemoryDestination()
        self.keys: Layout = "host"
        self.keep_versions = True

    def write(self, name: str, content: str, mtime: int = 1_600_000_000) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        os.utime(path, (mtime, mtime))

    def run(self) -> Summary:
        rules = TreeRules(keys=self.keys, keep_versions=self.keep_versions)
        return self._run(Selection(str(self.folder), compare=True, destinations=("main",), tree=rules))

    def run_path(self, name: str) -> Summary:
        """As ``-p`` does."""
        return self._run(Selection(str(self.folder / name), single_dir=True, compare=True, destinations=("main",)))

    def _run(self, selection: Selection) -> Summary:
        order = Order((selection,))
        trees = {} if selection.tree is None else {selection.path: selection.tree}
        tools = Tools({"": Origin(LocalSource(), PACKERS, LINKS)}, "nas", trees)
        target = Target("main", self.destination, classify=lambda size: ClassChoice("STANDARD", "small"))
        return run(Backup(order, tools, [target], self.catalog, 2), lambda event: None, StopRequest())

    def stored(self) -> dict[str, str]:
        """Content by key."""
        return {key: data.decode() for key, data in self.destination.stored.items()}


@pytest.fixture
def forest(tmp_path: Path) -> Iterator[Forest]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield Forest(tmp_path / "tree", catalog)


def test_each_file_lies_under_a_key_that_mirrors_its_path(forest: Forest) -> None:
    forest.write("2019/a.jpg", "a")
    forest.write("2019/deep/b c", "b")

    assert outcomes(forest.run()) == "sent sent"
    assert forest.stored() == {f"nas{forest.folder}/2019/a.jpg": "a", f"nas{forest.folder}/2019/deep/b c": "b"}


def test_relative_keys_begin_below_the_section(forest: Forest) -> None:
    forest.keys = "relative"
    forest.write("2019/a.jpg", "a")
    forest.run()

    assert forest.stored() == {"2019/a.jpg": "a"}


def test_a_second_run_sends_nothing_and_a_change_of_mode_is_none(forest: Forest) -> None:
    forest.write("a", "a")
    forest.run()
    (forest.folder / "a").chmod(0o600)

    assert outcomes(forest.run()) == "skipped"


@pytest.mark.parametrize("mtime", [1_500_000_000, 1_700_000_000], ids=["earlier", "later"])
def test_a_changed_file_gets_a_key_with_its_time_and_the_first_stays(forest: Forest, mtime: int) -> None:
    forest.keys = "relative"
    forest.write("a", "old")
    forest.run()
    forest.write("a", "new", mtime)

    assert outcomes(forest.run()) == "sent"
    (version,) = forest.stored().keys() - {"a"}
    assert re.fullmatch(r"a~20\d{6}T\d{6}\.\d{6}Z", version)
    assert forest.stored() == {"a": "old", version: "new"}


def test_where_the_destination_keeps_versions_the_key_stays_the_same(forest: Forest) -> None:
    forest.keys = "relative"
    forest.destination.versions = True
    forest.write("a", "old")
    forest.run()
    forest.write("a", "newer")
    forest.run()

    assert forest.stored() == {"a": "newer"}


def test_without_keep_versions_a_changed_file_takes_the_place_of_the_old_one(forest: Forest) -> None:
    forest.keys, forest.keep_versions = "relative", False
    forest.write("a", "old")
    forest.run()
    forest.write("a", "newer")
    forest.run()

    assert forest.stored() == {"a": "newer"}


def test_a_link_is_stored_as_one_that_rclone_makes_a_link_of_again(forest: Forest) -> None:
    forest.keys = "relative"
    forest.write("a", "content")
    (forest.folder / "b").symlink_to("a")
    forest.run()

    assert forest.stored() == {"a": "content", "b.rclonelink": "a"}
    assert sorted(one.name for one in forest.catalog.archives()) == ["a", "b"]


def test_what_vanished_stays_stored(forest: Forest) -> None:
    forest.keys = "relative"
    forest.write("a", "a")
    forest.write("b", "b")
    forest.run()
    (forest.folder / "a").unlink()

    assert outcomes(forest.run()) == "skipped"
    assert forest.stored() == {"a": "a", "b": "b"}


def test_one_file_that_fails_stops_no_other_and_is_sent_by_the_next_run(forest: Forest) -> None:
    forest.keys = "relative"
    forest.write("a", "a")
    forest.write("b", "b")
    forest.destination.on_send = failing(f"{forest.folder}/a", DestinationError("refused"))

    assert outcomes(forest.run()) == "failed sent"
    forest.destination.on_send = lambda label: None
    assert outcomes(forest.run()) == "sent skipped"
    assert forest.stored() == {"a": "a", "b": "b"}


def test_what_was_sent_by_another_section_meanwhile_does_not_hide_that_the_key_is_taken(forest: Forest) -> None:
    forest.keys = "relative"
    forest.write("a", "old")
    forest.run()
    forest.write("a", "middle", 1_650_000_000)
    forest.run_path("a")
    forest.write("a", "newest", 1_700_000_000)

    assert outcomes(forest.run()) == "sent"
    assert forest.stored()["a"] == "old"
    assert sorted(forest.stored().values()) == ["middle", "newest", "old"]
