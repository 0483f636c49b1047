"""What filters make of names; and the order in which s3-backup's users may write them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.filters import Filter
from glacier_backup.model.reason import FilteredOut, FilterFailed
from glacier_backup.plan.filters import Key, Refused, filtered, halves, what_is_wrong


def sub(pattern: str, replacement: str) -> Filter:
    return Filter("key_sub", f"key_sub {pattern} {replacement}", pattern, replacement)


def name(*command: str) -> Filter:
    return Filter("name", f"name {' '.join(command)}", command=command)


DATA = Filter("data", "data gpg -e --passphrase hush", command=("gpg", "-e", "--passphrase", "hush"))
GROUP = Filter("group", "group 1 MiB", size=1 << 20)


def ask(command: Sequence[str], key: str) -> str | Refused:
    match command[0]:
        case "upper":
            return key.upper()
        case "nothing":
            return ""
        case "append":
            return key + command[1]
        case _:
            return Refused("ended with status 1: no")


def made(filters: Sequence[Filter], key: str) -> Key | FilteredOut | FilterFailed:
    return filtered(filters, key, ask)


def test_they_run_in_their_order_each_on_what_the_one_before_has_made() -> None:
    assert made([sub("b", "c"), name("append", "b"), sub("b", "d")], "abc") == Key("accd")


def test_only_the_first_match_is_replaced_and_groups_can_be_named() -> None:
    assert made([sub("a", "x")], "banana") == Key("bxnana")
    assert made([sub(r"(\d+)/(\w+)", r"\2/\1")], "in/2026/may/7") == Key("in/may/2026/7")
    assert made([sub("^", "top/")], "a") == Key("top/a")


def test_an_empty_key_leaves_the_file_out_and_later_filters_are_not_asked() -> None:
    assert made([sub(r"^.*\.tmp$", ""), name("fails")], "a/b.tmp") == FilteredOut(r"key_sub ^.*\.tmp$ ")
    assert made([name("nothing")], "a") == FilteredOut("name nothing")


def test_a_command_that_fails_is_told_without_its_arguments() -> None:
    reason = made([name("fails", "--key", "hush")], "a")
    assert reason == FilterFailed("name fails …", "ended with status 1: no")
    assert isinstance(reason, FilterFailed)
    assert reason.needs_attention
    assert str(reason) == "the filter name fails … ended with status 1: no"


@pytest.mark.parametrize("key", ["/a", "a//b", "a/", "../a", "a/../b", "a/./b", ".", "a\0b"])
def test_what_can_be_no_key_is_refused_with_the_line_that_made_it(key: str) -> None:
    assert what_is_wrong(key)
    reason = made([sub("^.*$", "x"), Filter("name", "name it", command=("append", key[1:])), DATA], key[:1])
    if isinstance(reason, Key):  # the first made another of what is wrong
        reason = made([sub("^x$", key.replace("\\", r"\\"))], "x")
    assert isinstance(reason, FilterFailed)
    assert what_is_wrong(key) in reason.cause


def test_what_is_no_key_on_its_way_may_become_one_again() -> None:
    assert made([sub("^", "/"), sub("^/", "")], "a") == Key("a")
    reason = made([sub("^", "/"), sub("a", "b")], "a")
    assert reason == FilterFailed("key_sub ^ /", "makes '/b' of it, which is no key: it begins with a slash")


def test_each_command_on_bytes_sees_the_key_as_it_is_at_its_place() -> None:
    filters = [sub("$", ".1"), DATA, name("append", ".gpg"), DATA, sub("^", "z/")]
    assert made(filters, "a") == Key("z/a.1.gpg", ("a.1", "a.1.gpg"))
    assert made([sub("$", ".1"), DATA], "a") == Key("a.1")


def test_bytes_that_are_no_text_pass_through() -> None:
    assert made([sub(r"\.jpeg$", ".jpg")], "\udcff.jpeg") == Key("\udcff.jpg")


def test_the_group_parts_what_is_for_files_from_what_is_for_groups() -> None:
    first, second = sub("a", "b"), sub("b", "c")
    both = halves([first, GROUP, second, DATA])
    assert tuple(both) == ((first,), (second, DATA))
    assert (both.rename, both.rename_behind, both.ask) == (True, True, False)
    both = halves([first, DATA, name("upper")])
    assert tuple(both) == ((first, DATA, name("upper")), ())
    assert (both.rename, both.rename_behind, both.ask) == (True, False, True)
    assert not halves([GROUP, DATA]).rename


def test_nothing_that_shows_a_filter_shows_what_a_command_is_told() -> None:
    assert "hush" not in f"{DATA} {DATA!r}"
    assert str(DATA) == "data gpg …"
    assert str(sub("a", "b")) == "key_sub a b"
    assert str(name("upper")) == "name upper"


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30), st.lists(st.sampled_from("ab/."), max_size=6))
def test_a_key_that_comes_out_is_always_one(key: str, pieces: list[str]) -> None:
    found = made([sub("^", "".join(pieces))], key)
    if isinstance(found, Key) and pieces:
        assert not what_is_wrong(found.key)
