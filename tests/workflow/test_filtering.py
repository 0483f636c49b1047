"""The keys that filters make, for whole trees: real commands, and what two files can't share."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from glacier_backup.errors import Interrupted
from glacier_backup.interrupt import interrupted
from glacier_backup.model.candidate import Candidate, PassedOver, Resolved
from glacier_backup.model.contents import Held, contents_of
from glacier_backup.model.filters import Filter, Prefixing
from glacier_backup.model.naming import prefix_group_path
from glacier_backup.model.reason import FilteredOut, FilterFailed, SameKey
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.resolve.source import TreeRules
from glacier_backup.workflow.sending.filtering import Filtering

TREE = "/srv/data"
DATA = Filter("data", "data cat", command=("cat",))
GROUP = Filter("group", "group 1 k", size=1000)


def sub(pattern: str, replacement: str) -> Filter:
    return Filter("key_sub", f"key_sub {pattern}", pattern, replacement)


def name(*command: str) -> Filter:
    return Filter("name", f"name {' '.join(command)}", command=command)


def nothing() -> None:
    pass


def filtering(*filters: Filter, stored: Collection[str] = (), check: object = nothing) -> Filtering:
    sizes = [one.size for one in filters if one.kind == "group"]
    rules = TreeRules(filters=filters, prefixing=Prefixing(sizes[0]) if sizes else None)

    def was_sent(section: str, paths: Sequence[str]) -> set[str]:
        assert section == TREE
        return {path for path in paths if path in stored}

    return Filtering({TREE: rules}, was_sent, check)  # type: ignore[arg-type]  # whatever is callable


def file(below: str, size: int = 5000, section: str = TREE) -> Candidate:
    return Candidate(f"{section}/{below}", "file", section, True, seen=tree_fingerprint("file", size, 7))


def keys(found: Collection[Resolved]) -> dict[str, object]:
    """By name below the tree: the key, or why there is none."""
    return {one.path[len(TREE) + 1 :]: one.key if isinstance(one, Candidate) else one.reason for one in found}


def made(*names: str, by: Filtering) -> dict[str, object]:
    return keys(list(by.files(map(file, names))))


def test_names_that_stay_have_no_key_of_their_own() -> None:
    assert made("a.jpeg", "b/c.jpg", by=filtering(sub(r"\.jpeg$", ".jpg"))) == {"a.jpeg": "a.jpg", "b/c.jpg": ""}


def test_a_command_is_asked_with_the_key_on_its_input_and_in_its_environment() -> None:
    says = 'read -r line; [ "$line" = "$KEY" ] || exit 5; printf \'x/%s\' "$KEY"'
    assert made(
        "a b", "ä/c", by=filtering(name("bash", "-c", f"KEY2=; {says.replace('read -r line', 'line=$(cat)')}"))
    ) == {
        "a b": "x/a b",
        "ä/c": "x/ä/c",
    }
    odd = os.fsdecode(b"\xff\xfe")
    assert made(odd, by=filtering(name("sed", "s/$/.gpg/"))) == {odd: f"{odd}.gpg"}


def test_all_come_in_their_order_however_many_are_asked_at_a_time() -> None:
    slow = name("bash", "-c", 'sleep 0.0$((RANDOM % 5)); printf "%s.x" "$KEY"')
    names = [f"{number:03}" for number in range(80)]
    assert made(*names, by=filtering(slow)) == {one: f"{one}.x" for one in names}


def test_one_that_fails_fails_its_file_alone_with_what_it_said() -> None:
    odd = name(
        "bash", "-c", '[ "$KEY" = b ] && { echo no such key >&2; exit 3; }; [ "$KEY" = c ] || printf "%s" "$KEY"'
    )
    assert made("a", "b", "c", by=filtering(odd)) == {
        "a": "",
        "b": FilterFailed("name bash …", "ended with status 3: no such key"),
        "c": FilteredOut("name bash …"),
    }
    assert made("a", by=filtering(name("no-such-program-anywhere"))) == {
        "a": FilterFailed("name no-such-program-anywhere", "can't be started: No such file or directory")
    }
    assert made("a", by=filtering(name("false"))) == {"a": FilterFailed("name false", "ended with status 1")}
    killed = filtering(name("bash", "-c", "kill -9 $$"))
    assert made("a", by=killed) == {"a": FilterFailed("name bash …", "was ended by signal 9")}


def test_one_that_talks_without_end_is_cut_short() -> None:
    assert made("a", by=filtering(name("yes"))) == {
        "a": FilterFailed("name yes", "makes no key: it says more than 65,536 bytes")
    }
    chatty = name("bash", "-c", "head -c 3000000 /dev/zero >&2; cat")
    assert made("a", by=filtering(chatty)) == {"a": ""}


def test_one_that_ignores_its_input_or_adds_a_line_break_does_no_harm() -> None:
    assert made("a" * 200, by=filtering(name("echo", "k"))) == {"a" * 200: "k"}


def test_a_stop_ends_a_command_that_hangs() -> None:
    asked = threading.Event()

    def check() -> None:
        if asked.is_set():
            raise interrupted()

    threading.Timer(0.3, asked.set).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        made("a", "b", by=filtering(name("sleep", "60"), check=check))
    assert time.monotonic() - began < 10


def test_two_files_with_one_key_are_an_error_and_the_first_has_it() -> None:
    both = filtering(sub("[0-9]$", ""))
    assert made("a1", "a2", "b", "a3", by=both) == {
        "a1": "a",
        "a2": SameKey("a", f"{TREE}/a1"),
        "b": "",
        "a3": SameKey("a", f"{TREE}/a1"),
    }
    assert SameKey("a", "b").needs_attention


def test_who_is_stored_keeps_its_key() -> None:
    some = filtering(sub("[0-9]$", ""), stored={f"{TREE}/a2", f"{TREE}/a3"})
    assert made("a1", "a2", "a3", by=some) == {
        "a1": SameKey("a", f"{TREE}/a2"),
        "a2": "a",
        "a3": SameKey("a", f"{TREE}/a2"),
    }


def test_a_file_whose_name_stays_is_in_the_way_of_one_that_becomes_it() -> None:
    assert made("a", "b", by=filtering(sub("a", "b"))) == {"a": "b", "b": SameKey("b", f"{TREE}/a")}


def test_what_is_small_has_its_key_from_what_stands_before_the_group_alone() -> None:
    by = filtering(sub("^", "x/"), GROUP, sub("^", "y/"), DATA, sub("$", ".gpg"), DATA)
    small, large = by.files([file("a", 999), file("b", 1000)])
    assert isinstance(small, Candidate)
    assert isinstance(large, Candidate)
    assert (small.key, small.at_data) == ("x/a", ())
    assert (large.key, large.at_data) == ("y/x/b.gpg", ("y/x/b", "y/x/b.gpg"))


def group(prefix: str) -> Candidate:
    contents = contents_of([Held(f"{prefix}a", False, 1, 1)], prefix=prefix, top="nas")
    return Candidate(prefix_group_path(TREE, prefix), "group", TREE, True, contents=contents)


def test_what_stands_behind_the_group_makes_the_keys_of_groups_too() -> None:
    by = filtering(GROUP, sub("/", "-"), DATA)
    assert keys(list(by.files([file("a/b")]))) == {"a/b": "a-b"}
    found = by.group(group("a/c"))
    assert isinstance(found, Candidate)
    assert found.key == "a-c*~.zip"
    assert by.group(group("")) == group("")


def test_groups_have_keys_of_their_own_beside_files_and_each_other() -> None:
    by = filtering(GROUP, sub("^[ab]", "x"), sub(r"\*~", ""))
    assert keys(list(by.files([file("xy.zip")]))) == {"xy.zip": ""}
    taken = by.group(group("ay"))
    assert isinstance(taken, PassedOver)
    assert taken.reason == SameKey("xy.zip", "another file")
    first, again, second = by.group(group("a1")), by.group(group("a1")), by.group(group("b1"))
    assert isinstance(first, Candidate)
    assert first == again  # another destination's
    assert isinstance(second, PassedOver)
    assert second.reason == SameKey("x1.zip", f"{TREE}/a1*~.zip")


def test_what_is_no_file_of_a_tree_with_such_filters_passes_by() -> None:
    by = filtering(sub("a", ""))
    others: list[Resolved] = [
        PassedOver(f"{TREE}/a", TREE, FilteredOut("x")),
        Candidate(TREE, "file", TREE, True),
        file("a", section="/other"),
    ]
    assert list(by.files(others)) == others
    assert list(filtering(DATA).files([file("a")])) == [file("a")]
    assert filtering(DATA).group(group("a")) == group("a")


def test_many_files_are_bearable(tmp_path: Path) -> None:
    """A thousand, as fast as processes can be started; ten thousand would be ten times that."""
    began = time.monotonic()
    found = made(*map(str, range(1000)), by=filtering(name("sed", "s/^/k/")))
    assert len(found) == 1000
    assert time.monotonic() - began < 60
