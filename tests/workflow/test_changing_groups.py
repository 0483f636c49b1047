"""Groups whose files change between the walk and the moment at which they are read: what went in is what is noted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import Label
from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.plan import Skip
from glacier_backup.model.reason import Unchanged
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import TreeRules
from tests.workflow.grove import Grove, grouping
from tests.workflow.test_prepare_groups import content, stored

EARLIER, LATER = 1_600_000_000, 1_700_000_000


@pytest.fixture
def grove(tmp_path: Path) -> Iterator[Grove]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        grove = Grove(tmp_path / "tree", catalog, TreeRules(prefixing=grouping(100)))
        grove.write_all("a", "b", "c")
        yield grove


def run_while(grove: Grove, change: Callable[[], object]) -> None:
    """A run whose plan is made when ``change`` comes, and that has read nothing yet."""

    def changing(label: Label) -> None:
        change()

    grove.bucket.on_begin = changing
    assert grove.run().sent == 1
    grove.bucket.on_begin = lambda label: None


def is_unchanged(grove: Grove) -> bool:
    (decision,) = grove.plan().decisions
    return isinstance(decision, Skip) and isinstance(decision.reason, Unchanged)


def test_what_changed_before_it_was_read_is_stored_as_it_was_then_and_not_sent_again(grove: Grove) -> None:
    run_while(grove, lambda: grove.write("a", "other", LATER))

    assert stored(grove) == content(grove)
    assert grove.warnings() == []
    assert is_unchanged(grove)


def test_what_has_vanished_before_it_was_read_is_missing_and_the_group_is_not_sent_again(grove: Grove) -> None:
    run_while(grove, lambda: grove.remove("b"))

    assert stored(grove) == content(grove) == {"a": "a", "c": "c"}
    assert is_unchanged(grove)


def test_what_looks_as_before_when_something_else_was_read_is_sent_again(grove: Grove) -> None:
    run_while(grove, lambda: grove.write("a", "x", LATER))
    grove.write("a", "a", EARLIER)

    assert grove.run().sent == 1
    assert stored(grove) == content(grove)


def test_what_was_away_when_it_was_to_be_read_is_sent_when_it_is_back(grove: Grove) -> None:
    run_while(grove, lambda: grove.remove("b"))
    grove.write("b", "b")

    assert grove.run().sent == 1
    assert stored(grove) == content(grove)


def test_what_took_the_place_of_a_file_is_not_in_it(grove: Grove) -> None:
    def swap() -> None:
        grove.remove("a")
        os.mkfifo(grove.folder / "a")

    run_while(grove, swap)

    assert stored(grove) == {"b": "b", "c": "c"}


def test_where_nothing_is_left_nothing_is_sent_and_nothing_fails(grove: Grove) -> None:
    grove.bucket.on_begin = lambda label: grove.remove("a", "b", "c")

    summary = grove.run()

    assert (summary.sent, summary.exit_code, stored(grove)) == (0, 0, {})


def test_files_are_looked_at_when_they_are_read_and_not_beside_that(grove: Grove) -> None:
    class Blind(LocalSource):
        def look(self, candidate: Candidate) -> Fingerprint:
            raise AssertionError(candidate.path)

    grove.source = Blind()

    assert (grove.run().sent, grove.run().sent) == (1, 0)
