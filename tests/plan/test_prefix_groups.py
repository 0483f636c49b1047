"""Small files put together by what their keys begin with."""

from __future__ import annotations

import random
from array import array
from collections.abc import Mapping

import pytest

from glacier_backup.model.filters import GroupNames, Prefixing
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.plan.prefix_groups import PrefixGroups, Tree
from glacier_backup.plan.prefix_sweep import Assigned, assigned, sortable
from tests.plan.prefixes import SECTION, Zip, found_by_key, modelled, zips

MIB = 2**20

EXAMPLES = [
    (
        {"large-file": 5 * MIB, ".git/a": 1024, ".git/b": 1024, ".git/c": 1024, ".git/d": 4 * MIB},
        MIB,
        {"": {".git/a", ".git/b", ".git/c"}},
    ),
    ({"d/a": 5, "d/b": 5}, 10, {"d/": {"d/a", "d/b"}}),
    ({"d/a": 5, "d/b": 4}, 10, {"": {"d/a", "d/b"}}),
    (
        {"foo": 1, "foo2/abc": 1, "foo2/def": 1, "foo2/ghi": 1},
        2,
        {"foo2/": {"foo2/abc", "foo2/def", "foo2/ghi"}, "": {"foo"}},
    ),
    (
        {"foo": 1, ".git/a/b/c": 4, ".git/a/b/f": 4, ".git/c/d/e": 4},
        10,
        {".git/": {".git/a/b/c", ".git/a/b/f", ".git/c/d/e"}, "": {"foo"}},
    ),
    (
        {"IMG_0001": 4, "IMG_0002": 4, "IMG_0003": 4, "IMG_0101": 4, "notes.txt": 1},
        10,
        {"IMG_000": {"IMG_0001", "IMG_0002", "IMG_0003"}, "": {"IMG_0101", "notes.txt"}},
    ),
    (
        {"p/q/r1": 6, "p/q/r2": 6, "p/q/s": 3, "p/t": 3, "u": 2},
        10,
        {"p/q/r": {"p/q/r1", "p/q/r2"}, "": {"p/q/s", "p/t", "u"}},
    ),
    ({"x/ab": 6, "x/ac": 6, "x/b": 1}, 10, {"x/a": {"x/ab", "x/ac"}, "": {"x/b"}}),
    (
        {"dir/file": 4, "dir/file.bak": 4, "dir/file.bak2": 4},
        10,
        {"dir/fil": {"dir/file", "dir/file.bak", "dir/file.bak2"}},
    ),
    ({"e/1": 0, "e/2": 0, "f/big": 9}, 10, {"": {"e/1", "e/2", "f/big"}}),
    ({"a/x": 3}, 10, {"": {"a/x"}}),
    ({"e/1": 10, "e/2": 9}, 10, {"": {"e/2"}}),
]
"""Sizes by name, the threshold, and names by prefix: the worked examples of s3-backup's rules."""


@pytest.mark.parametrize(("files", "below", "expected"), EXAMPLES)
def test_the_worked_examples_come_out(files: Mapping[str, int], below: int, expected: Mapping[str, set[str]]) -> None:
    made = zips(files, below)

    assert {name: {*one.files} for name, one in made.items()} == {
        f"{prefix}*~.zip": names for prefix, names in expected.items()
    }
    assert modelled(files, below) == expected


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({".git/a": 1, ".git/b": 1}, ".git/*~.zip"),
        ({"a/x": 3}, "a/*~.zip"),
        ({"foo": 1}, "fo*~.zip"),
        ({"x": 1}, "*~.zip"),
        ({"dir": 1, "dir/file": 1}, "di*~.zip"),
        ({"a": 1, "b": 1}, "*~.zip"),
        ({"übel": 1, "übung": 1}, "üb*~.zip"),
        ({"naïve": 1, "naíve": 1}, "na*~.zip"),
    ],
)
def test_what_is_left_over_goes_by_its_longest_prefix(files: Mapping[str, int], name: str) -> None:
    assert zips(files, 10, "prefix") == {name: Zip(tuple(sorted(files)), sum(files.values()))}


def test_nothing_makes_no_group() -> None:
    assert zips({}, 10) == {}


def random_tree(source: random.Random) -> dict[str, int]:
    """Names of few letters, so that they have much in common, some of which are no ASCII or no UTF-8."""
    letters = source.choice(["ab", "ab/", "a/ü€", "\udcc3é\udce9/a"])
    longest, largest = source.choice([2, 4, 7]), source.choice([3, 12])
    names = {"".join(source.choices(letters, k=source.randint(1, longest))) for _ in range(source.randint(1, 14))}
    return {name: source.randint(0, largest) for name in names}


def by_prefix(made: Assigned, keys: list[str]) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    for key, group in zip(keys, made.group, strict=True):
        prefix = sortable(key)[: made.depth[group]].decode("utf-8", "surrogatepass")
        groups.setdefault(prefix, set()).add(key)
    return groups


def test_ten_thousand_random_trees_come_out_as_in_the_model() -> None:
    source = random.Random(7)
    for _ in range(10_000):
        files, below = random_tree(source), source.choice([2, 5, 10])
        small = sorted((name for name in files if files[name] < below), key=sortable)
        rules = Prefixing(below, "root", None)
        made = assigned(((sortable(name), files[name]) for name in small), rules, lambda prefix: True)
        assert by_prefix(made, small) == modelled(files, below), files
        assert made.files == array("I", [list(made.group).count(one) for one in range(len(made.depth))])


def test_every_file_is_found_by_its_key_in_just_one_zip_that_is_neither_too_small_nor_too_large() -> None:
    source = random.Random(8)
    for _ in range(700):
        files, below = random_tree(source), source.choice([2, 5, 10])
        files = {name: size for name, size in files.items() if is_plain(name)}
        small = [name for name in files if files[name] < below]
        names: GroupNames = source.choice(["prefix", "root"])
        most, most_files = source.choice([None, 4 * below]), source.choice([4, 100])
        made = zips(files, below, names, most=most, most_files=most_files)
        assert sorted(name for one in made.values() for name in one.files) == sorted(small)
        assert all(name in found_by_key(name, made) for name in small), (files, below, made)
        for one in made.values():
            assert list(one.files) == sorted(one.files, key=lambda name: name.encode("utf-8", "surrogateescape"))
            assert most is None or (one.size <= most and len(one.files) <= most_files)
        check_that_only_leftovers_are_small(made, below, split=most is not None and most_files == 4)


def is_plain(name: str) -> bool:
    return "//" not in name and not name.startswith("/") and not name.endswith("/")


def check_that_only_leftovers_are_small(made: Mapping[str, Zip], below: int, *, split: bool) -> None:
    """Where groups are split by the number of their files nothing can be said of their sizes."""
    prefixes: dict[str, list[int]] = {}
    for name, one in made.items():
        prefixes.setdefault(name.partition("*~")[0], []).append(one.size)
    too_small = [prefix for prefix, sizes in prefixes.items() if sum(sizes) < below]
    assert len(too_small) <= 1
    if not split:
        assert all(size >= below for prefix, sizes in prefixes.items() if prefix not in too_small for size in sizes)


def test_the_order_in_which_files_are_met_makes_no_difference() -> None:
    source = random.Random(9)
    for _ in range(50):
        files = {name: size for name, size in random_tree(source).items() if is_plain(name)}
        met = list(files.items())
        source.shuffle(met)
        assert zips(dict(met), 5, "prefix", most=20) == zips(files, 5, "prefix", most=20)


def test_s3_backup_defect_9_keys_of_a_thousand_bytes_with_a_directory_for_each_character() -> None:
    deep = "/".join("d" * 510)
    files = {f"{deep[: 2 * depth]}{letter}": 3 for depth in range(511) for letter in "xy"}

    made = zips(files, 10)

    assert sorted(name for one in made.values() for name in one.files) == sorted(files)
    assert all(one.size >= 10 for name, one in made.items() if name != "*~.zip")
    assert all(name in found_by_key(name, made) for name in files)


def test_a_prefix_whose_key_would_be_cut_is_no_group() -> None:
    """The ZIP would be called otherwise than those look for it who take characters off the end of a key."""
    long = "n" * 250
    made = zips({f"{long}1": 6, f"{long}2": 6, "m": 1}, 10)

    assert made == {"*~.zip": Zip(("m", f"{long}1", f"{long}2"), 13)}


def test_a_prefix_whose_key_would_be_longer_than_a_key_can_be_is_no_group() -> None:
    inner = "/".join(["d" * 100] * 9)
    made = zips({f"{inner}/{'e' * 100}/1": 6, f"{inner}/{'e' * 100}/2": 6}, 10)

    ((name, one),) = made.items()
    assert one.size == 12
    assert name == "*~.zip"


def test_what_is_left_over_goes_by_a_shorter_prefix_where_its_key_would_be_cut() -> None:
    long = "n" * 250
    ((name, one),) = zips({f"a/{long}1": 1, f"a/{long}2": 1}, 10, "prefix").items()

    prefix = name.removesuffix("*~.zip")
    assert one.files == (f"a/{long}1", f"a/{long}2")
    assert f"a/{long}".startswith(prefix)
    assert len("a/") < len(prefix) < len(long)


def test_a_file_that_is_called_like_a_group_takes_nobodys_place() -> None:
    made = zips({"a*~.zip": 6, "ab": 6, "ac": 3}, 10)

    assert made == {"a*~.zip": Zip(("a*~.zip", "ab", "ac"), 15)}


def test_below_a_directory_that_is_called_like_a_group_no_prefix_ends() -> None:
    """In keys it has a ~ more."""
    assert zips({"x*~.zip/1": 6, "x*~.zip/2": 6}, 10) == {"*~.zip": Zip(("x*~.zip/1", "x*~.zip/2"), 12)}


def test_names_that_are_no_utf_8_keep_their_bytes_and_come_in_their_order() -> None:
    names = ["d/\udcc3", "d/é", "d/\udcff"]

    assert zips(dict.fromkeys(reversed(names), 4), 10) == {"d/*~.zip": Zip(tuple(names), 12)}


def test_a_prefix_never_ends_within_a_character() -> None:
    """é is C3 A9, and ã is C3 A3."""
    assert zips({"é": 6, "ã": 6, "x": 1}, 10) == {"*~.zip": Zip(("x", "ã", "é"), 13)}
    assert zips({"é1": 6, "é2": 6, "\udcc31": 6, "\udcc32": 6}, 10).keys() == {"é*~.zip", "\udcc3*~.zip"}


def test_a_group_holds_what_its_files_are_called_where_they_lie_and_in_the_archive() -> None:
    groups = PrefixGroups(Tree(SECTION, "host", "relative", follow=True), Prefixing(10))
    groups.add("b", "x/1", tree_fingerprint("file", 4, -5, 0o600))
    groups.add("a", "x/2", tree_fingerprint("link", 7, 6))
    groups.add("x/0", "", tree_fingerprint("file", 1, 2**70, 0o644))

    (group,) = groups.groups()
    contents = group.contents
    assert contents is not None
    assert (group.path, group.kind, group.section, contents.prefix, contents.top) == (
        f"{SECTION}/x/*~.zip",
        "group",
        SECTION,
        "x/",
        "",
    )
    assert [(one.name, one.stored, one.is_link, one.size, one.mtime_ns, one.mode) for one in contents] == [
        ("x/0", "", False, 1, 2**70, 0o644),
        ("b", "x/1", False, 4, -5, 0o600),
        ("a", "x/2", True, 7, 6, None),
    ]
    assert contents.follow


def test_only_the_groups_that_hold_certain_files_may_be_asked_for() -> None:
    groups = PrefixGroups(Tree(SECTION, "host"), Prefixing(10, "root"))
    for name in ("a/1", "a/2", "b/1", "b/2", "c"):
        groups.add(name, "", tree_fingerprint("file", 5, 0))

    assert [one.path for one in groups.groups({"b/2", "c"})] == [f"{SECTION}/b/*~.zip", f"{SECTION}/*~.zip"]


@pytest.mark.parametrize("name", ["a\0b", "\udcff\0"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    groups = PrefixGroups(Tree(SECTION, "host"), Prefixing(10))

    with pytest.raises(ValueError, match="NUL"):
        groups.add(name, "", tree_fingerprint("file", 5, 0))
