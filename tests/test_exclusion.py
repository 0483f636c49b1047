"""What is left out by patterns and regular expressions; git itself says what patterns mean."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glacier_backup.exclusion import (
    NOTHING,
    Below,
    Exclusion,
    LeftOut,
    check_pattern,
    check_regex,
    leaves_out_everything,
)
from tests.lacking import lacking

NAMES = ("a", "b", "ab", "a.tmp", "x")


def left_out(exclusion: Exclusion, path: str, *, is_dir: bool = False) -> str | None:
    compiled = exclusion.compiled()
    return None if compiled is None else compiled(path, is_dir)


def patterns(*lines: str) -> Exclusion:
    return Exclusion(patterns=lines)


def regexes(*lines: str) -> Exclusion:
    return Exclusion(regexes=lines)


def kept(top: Path, rules: LeftOut | None) -> Iterator[str]:
    """Files below, as a walk finds them that enters nothing that is left out."""
    below = Below(rules or (lambda path, is_dir: None))

    def walk(folder: str) -> Iterator[str]:
        for entry in os.scandir(folder):
            is_dir = entry.is_dir(follow_symlinks=False)
            if below.leaves_out(entry.name, is_dir):
                continue
            if is_dir:
                below.enter(entry.name)
                yield from walk(entry.path)
                below.leave()
            else:
                yield below.path_of(entry.name)

    return walk(str(top))


# Patterns.


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files in directories in directories, each name at each depth."""
    if shutil.which("git") is None:
        lacking("there is no git")
    top = tmp_path_factory.mktemp("forest") / "top"
    for one in NAMES:
        for two in NAMES:
            (top / f"d{one}" / two).mkdir(parents=True)
            (top / one / two).mkdir(parents=True)
            for three in (*NAMES, "f"):
                (top / one / two / three).touch()
            (top / f"d{one}" / two / one).touch()
            (top / f"d{one}" / f"f{two}").touch()
        (top / f"f{one}").touch()
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    return top


def as_git_has_it(top: Path, lines: list[str]) -> set[str]:
    ignore = top.parent / "ignore"
    ignore.write_text("\n".join(lines) + "\n")
    command = ["git", "-c", "core.ignorecase=false", "ls-files", "-z", "--others", f"--exclude-from={ignore}"]
    done = subprocess.run(command, cwd=top, check=True, capture_output=True, text=True)
    return set(done.stdout.split("\0")) - {""}


pieces = st.sampled_from([*NAMES, "*", "**", "*.tmp", "?", "d*", "f?", "[ab]", "[!a]", "a*", "da", "fx"])
lines = st.builds(
    lambda sign, start, names, end: sign + start + "/".join(names) + end,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/"]),
    st.lists(pieces, min_size=1, max_size=3),
    st.sampled_from(["", "", "/"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(lines, min_size=1, max_size=4))
@example(["*", "!*/", "!*.tmp"])
@example(["/*", "!/a", "/a/*", "!/a/b"])
@example(["/*", "!/a/"])
@example(["x/**", "!x/a"])
@example(["x/**", "!x/a/"])
@example(["b", "!/b"])
@example(["a/", "!a/b"])
@example(["**/ab"])
@example(["a/**/b"])
def test_what_is_left_out_is_what_git_would_ignore(forest: Path, lines: list[str]) -> None:
    found = {path for path in kept(forest, patterns(*lines).compiled()) if not path.startswith(".git/")}
    assert found == as_git_has_it(forest, lines)


@pytest.mark.parametrize(
    ("pattern", "path", "is_dir", "expected"),
    [
        ("*.tmp", "deep/x.tmp", False, True),
        ("*.tmp", "x.tmp", True, True),
        ("*.tmp", "x.tmp\n", False, False),
        ("x?y", "x\ny", False, True),
        ("cache/", "we\nird/cache", True, True),
        ("cache/", "cache", False, False),
        ("/build", "sub/build", True, False),
        ("caf\u00e9/", "caf\u00e9", True, True),
        ("*.tmp", "\udcff.tmp", False, True),
        (r"\#x", "#x", False, True),
        (r"\!x", "!x", False, True),
        ("[[]x", "[x", False, True),
    ],
)
def test_a_pattern_is_about_names_of_any_kind(pattern: str, path: str, is_dir: bool, expected: bool) -> None:
    check_pattern(pattern)
    assert left_out(patterns(pattern), path, is_dir=is_dir) == (pattern if expected else None)


def test_the_last_pattern_that_matches_decides() -> None:
    rules = patterns("*.log", "!keep.log", "/old/keep.log")
    assert left_out(rules, "a.log") == "*.log"
    assert left_out(rules, "keep.log") is None
    assert left_out(rules, "old/keep.log") == "/old/keep.log"


@pytest.mark.parametrize("pattern", ["", "/", "#x", "[a", "!", "x\\", "a[[:alpha:]]"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|class"):
        check_pattern(pattern)


# Regular expressions.


def test_a_regular_expression_is_searched_in_the_path_and_a_directory_has_a_slash() -> None:
    assert left_out(regexes(r"\.bak$"), "a/x.bak") == r"\.bak$"
    assert left_out(regexes(r"\.bak$"), "a/x.bak", is_dir=True) is None
    assert left_out(regexes("^cache/"), "cache", is_dir=True) == "^cache/"
    assert left_out(regexes("^cache/"), "a/cache", is_dir=True) is None
    assert left_out(regexes("a", "b"), "xb") == "b"


def test_what_patterns_put_in_again_a_regular_expression_may_leave_out() -> None:
    assert left_out(Exclusion(("*.a", "!x.a"), ("^x",)), "x.a") == "^x"


@pytest.mark.parametrize("regex", ["(", "[", "*", "a(?i)b", "x{99999999999}"])
def test_what_is_no_regular_expression_is_refused(regex: str) -> None:
    with pytest.raises(ValueError, match="is no regular expression"):
        check_regex(regex)


def test_what_python_may_understand_otherwise_one_day_is_no_warning() -> None:
    check_regex("[[a]--b]")
    check_pattern("[[a]")


def test_what_is_found_everywhere_is_known() -> None:
    assert leaves_out_everything("a*")
    assert not leaves_out_everything("a+")


# Where they are asked.


def test_inside_of_a_directory_paths_are_still_seen_from_the_section() -> None:
    rules = Exclusion(("/a/b",), ("^a/c",)).inside("a")
    assert [left_out(rules, name) for name in ("b", "c", "a/b")] == ["/a/b", "^a/c", None]
    assert left_out(rules.inside("x"), "b") is None


def test_what_was_asked_for_by_name_is_whole_where_it_is_left_out_itself() -> None:
    rules = Exclusion(("node_modules/", "*.pyc"), ("^old/",))
    assert rules.asked_for("src") == rules.inside("src")
    assert rules.asked_for("src/node_modules/x") == NOTHING
    assert rules.asked_for("old/x") == NOTHING
    assert NOTHING.asked_for("x") == NOTHING


def test_no_rules_are_none() -> None:
    assert not NOTHING
    assert NOTHING.compiled() is None
    assert NOTHING.inside("a") == NOTHING


def test_rules_can_be_sent_to_another_process() -> None:
    rules = Exclusion(("*.tmp",), ("^x",), "a/")
    assert pickle.loads(pickle.dumps(rules)) == rules
    assert len({rules, Exclusion(("*.tmp",), ("^x",), "a/")}) == 1
