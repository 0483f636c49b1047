"""What archives of a chain tell together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.archive import Member
from glacier_backup.plan.layers import Disordered, Layer, effective, key_of
from tests.plan.stored import member

NAMES = ("d", "d/a", "d/a/x", "d/a/y", "d/a-b", "d/a.c", "d/b", "d/b/\udce9", "d/ä")
"""A slash comes before all else: ``d/a/x`` before ``d/a-b``."""


def in_order(paths: set[str]) -> list[str]:
    return sorted(paths, key=key_of)


def layer(stored: set[str], deleted: set[str] = frozenset()) -> Layer:  # type: ignore[assignment]  # never changed
    return Layer([member(path) for path in in_order(stored)], in_order(deleted))


def told(*layers: Layer) -> dict[str, int]:
    found = list(effective(layers))
    assert [one.member.path for one in found] == in_order({one.member.path for one in found})
    return {one.member.path: one.layer for one in found}


def test_one_archive_tells_what_it_holds() -> None:
    assert told(layer({"d", "d/b", "d/a"})) == {"d": 0, "d/a": 0, "d/b": 0}


def test_the_newest_of_each_path_counts() -> None:
    assert told(layer({"d", "d/a", "d/b"}), layer({"d", "d/a"}), layer({"d/a"})) == {"d": 1, "d/a": 2, "d/b": 0}


def test_what_is_deleted_is_gone_with_all_below_it() -> None:
    first = layer({"d", "d/a", "d/a/x", "d/a/y", "d/a-b"})
    assert told(first, layer({"d"}, {"d/a"})) == {"d": 1, "d/a-b": 0}


def test_what_is_deleted_and_stored_by_the_same_archive_is_there() -> None:
    first = layer({"d", "d/a", "d/a/x", "d/a/y"})
    assert told(first, layer({"d", "d/a"}, {"d/a"})) == {"d": 1, "d/a": 1}
    assert told(first, layer({"d"}, {"d/a"}), layer({"d/a", "d/a/y"})) == {"d": 1, "d/a": 2, "d/a/y": 2}


def test_each_archive_speaks_of_those_before_it_only() -> None:
    later = layer({"d/a", "d/a/x"})
    assert told(layer({"d", "d/a", "d/a/y"}), layer({"d"}, {"d/a"}), later, layer({"d"})) == {
        "d": 3,
        "d/a": 2,
        "d/a/x": 2,
    }


def test_what_is_in_no_order_is_noticed() -> None:
    with pytest.raises(Disordered):
        list(effective([Layer([member("d/b"), member("d/a")], []), layer({"d"})]))
    with pytest.raises(Disordered):
        list(effective([layer({"d"}), Layer([], ["d/b", "d/a"])]))


LAYERS = st.lists(st.tuples(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES))), min_size=1, max_size=5)


@given(LAYERS)
def test_it_is_what_doing_one_after_the_other_comes_to(layers: list[tuple[set[str], set[str]]]) -> None:
    there: dict[str, int] = {}
    for number, (stored, deleted) in enumerate(layers):
        if number:  # the first has nothing to delete
            there = {
                path: one
                for path, one in there.items()
                if not any(path == top or path.startswith(f"{top}/") for top in deleted)
            }
        there |= dict.fromkeys(stored, number)
    chain = [layer(stored, deleted if number else set()) for number, (stored, deleted) in enumerate(layers)]

    assert told(*chain) == there


def test_nothing_is_asked_before_it_is_wanted() -> None:
    def asked() -> Member:
        raise AssertionError

    assert effective([Layer((asked() for _ in range(1)), []), layer({"d"})]) is not None
