"""Files of a record beside objects of a bucket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from glacier_backup.catalog.matching import Matching, Sent


@pytest.fixture
def matching() -> Iterator[Matching]:
    with Matching() as made:
        yield made


def a_file(path: str, size: int = 5) -> Sent:
    return Sent(path, size, 1_600_000_000, 1_700_000_000)


def test_files_are_told_by_what_is_there_of_them(matching: Matching) -> None:
    matching.add_files(map(a_file, ["b", "a/c", "gone"]))
    matching.add_objects([("x/b", 5, "DEEP_ARCHIVE"), ("x/a/c", 4, None), ("other", 5, None)])
    assert list(matching.stored("x/")) == [a_file("b")._replace(storage_class="DEEP_ARCHIVE")]
    assert [one.path for one in matching.of_other_size("x/")] == ["a/c"]
    assert [one.path for one in matching.missing("x/")] == ["gone"]
    assert (matching.files(), matching.objects(), matching.with_object("x/"), matching.with_object("")) == (3, 3, 2, 0)


def test_files_come_in_their_order_and_the_last_of_a_path_counts(matching: Matching) -> None:
    matching.add_files([a_file("b"), a_file("a"), a_file("b", 7)])
    assert [(one.path, one.size) for one in matching.all_files()] == [("a", 5), ("b", 7)]


@pytest.mark.parametrize("path", ["caf\udce9", "ä", "a\tb", "100%", "a'b", "\ud800"])
def test_names_of_any_bytes_are_found_again(matching: Matching, path: str) -> None:
    matching.add_files([a_file(path)])
    matching.add_objects([(f"ü/{path}", 5, None)])
    assert matching.with_object("ü/") == 1
