"""Whole trees sent: keys that mirror paths, changed files, links, and nothing sent twice."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Check
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import Label
from glacier_backup.model.event import Summary
from glacier_backup.model.naming import Layout
from glacier_backup.model.plan import ClassChoice
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.pack.registry import GROUPS, LINKS, PACKERS
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, TreeRules
from glacier_backup.seal.chain import NO_SEAL, Chain, Split
from glacier_backup.seal.openssl import OpenSSL
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
        self.seal = NO_SEAL

    def write(self, name: str, content: str, mtime: int = 1_600_000_000) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        os.utime(path, (mtime, mtime))

    def run(self) -> Summary:
        rules = TreeRules(keys=self.keys, keep_versions=self.keep_versions)
        return self._run(Selection(str(self.folder), compare=True, destinations=("main",), tree=rules))

    def run_path(self, name: str) -> Summary:
        """As a section of its own does."""
        return self._run(Selection(str(self.folder / name), single_dir=True, compare=True, destinations=("main",)))

    def _run(self, selection: Selection) -> Summary:
        order = Order((selection,))
        trees = {} if selection.tree is None else {selection.path: selection.tree}
        tools = Tools({"": Origin(LocalSource(), PACKERS, LINKS, GROUPS)}, "nas", trees, seal=lambda section: self.seal)
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


SEALED = Chain((), Split(1000), (OpenSSL(lambda: "correct horse", iterations=1000),))
"""Whatever there is in these tests is volumes: nothing is surely less than one of them."""


def names(forest: Forest) -> list[str]:
    """Of all that is stored, without times."""
    return sorted(re.sub(r"~20\d{6}T\d{6}\.\d{6}Z", "~TIME", key) for key in forest.destination.stored)


def test_no_two_files_of_a_sealed_tree_have_one_key(forest: Forest) -> None:
    forest.keys = "relative"
    forest.seal = Chain(each=SEALED.each)
    for name in ("a", "a.enc", "a.enc~", "b.v001.enc", "c.enc/a"):
        forest.write(name, name)

    assert outcomes(forest.run()) == "sent sent sent sent sent"

    assert names(forest) == ["a.enc", "a.enc~.enc", "a.enc~~.enc", "b.v001.enc~.enc", "c.enc~/a.enc"]
    assert outcomes(forest.run()) == "skipped skipped skipped skipped skipped"


def test_a_file_that_was_sent_under_the_name_of_a_sealed_one_is_not_replaced(forest: Forest) -> None:
    forest.keys = "relative"
    forest.keep_versions = False
    forest.write("a.enc", "somebody else's")
    forest.run()
    forest.write("a", "a")
    forest.seal = Chain(each=SEALED.each)

    forest.run()

    assert names(forest) == ["a.enc", "a~TIME.enc"]
    assert forest.destination.stored["a.enc"] == b"somebody else's"


def test_a_changed_file_in_volumes_takes_no_other_s_place(forest: Forest) -> None:
    """Some of its objects would be new and some old for a while."""
    forest.keys = "relative"
    forest.keep_versions = False
    forest.destination.versions = True
    forest.seal = SEALED
    forest.write("a", "old" * 400)
    forest.run()
    first = dict(forest.destination.stored)
    assert sorted(first) == ["a.enc.recipe.json", "a.v001.enc", "a.v002.enc"]
    forest.write("a", "new" * 300)

    forest.run()

    assert first.items() <= forest.destination.stored.items()
    assert names(forest) == [*sorted(first), "a~TIME.enc.recipe.json", "a~TIME.v001.enc"]


def test_volumes_that_could_not_be_removed_are_not_overwritten_by_what_is_sent_anew(
    forest: Forest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They will be removed some day, and what has their keys with them."""
    forest.keys = "relative"
    forest.seal = SEALED
    forest.write("a", "old" * 400)
    forest.destination.on_begin = _gone_before_the_second
    forest.run()
    assert names(forest) == ["a.v001.enc"]
    forest.destination.on_begin = lambda label: None
    forest.write("a", "new" * 400)  # of the same size and time: only reading tells
    with monkeypatch.context() as patch:
        patch.setattr(forest.destination, "delete", _refusing)
        assert outcomes(forest.run()) == "sent"

    forest.run()

    (archive,) = forest.catalog.stored_archives(ArchiveFilter())
    assert sorted(forest.destination.stored) == sorted(one.locator for one in archive.objects)


def _gone_before_the_second(label: Label) -> None:
    if label.volume == 2:
        raise DestinationUnavailable("out of reach")


def _refusing(locator: str, check: Check) -> None:
    raise DestinationError("not now")
