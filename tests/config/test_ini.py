"""INI text → sections and options with their lines."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.config.ini import RawOption, parse, read

EXAMPLE = """\
# a comment
[main]
vault_name = photos
; another
Region : eu-central-1

[/data]
exclude =
    .git
    # in between
    .cache

    node_modules
upload_dirs=yes
"""


def test_every_section_and_option_has_its_line() -> None:
    main, data = parse(EXAMPLE, "x").sections.values()
    assert (main.name, main.lines) == ("main", (2,))
    assert main.options == {"vault_name": RawOption("photos", 3), "region": RawOption("eu-central-1", 5)}
    assert (data.name, data.lines) == ("/data", (7,))
    assert data.options == {
        "exclude": RawOption("\n.git\n.cache\n\nnode_modules", 8, (8, 9, 11, 12, 13)),
        "upload_dirs": RawOption("yes", 14),
    }


def test_default_is_a_section_like_others() -> None:
    raw = parse("[DEFAULT]\na = 1\n[main]\n", "x")
    assert raw.sections["DEFAULT"].options == {"a": RawOption("1", 2)}
    assert raw.sections["main"].options == {}


def test_an_empty_text_has_no_sections_and_no_problems() -> None:
    for text in ("", "\n\n", "# only a comment\n"):
        raw = parse(text, "x")
        assert (raw.sections, raw.problems) == ({}, ())


def test_line_ends_of_other_systems_count_the_same() -> None:
    for end in ("\r\n", "\r"):
        assert parse(EXAMPLE.replace("\n", end), "x") == parse(EXAMPLE, "x")


def test_characters_that_only_look_like_line_ends_are_none() -> None:
    raw = parse("[/a\u2028b\x0bc\x85d]\nexclude = x\x0cy\n", "x")
    assert raw.sections["/a\u2028b\x0bc\x85d"].options == {"exclude": RawOption("x\x0cy", 2)}


def test_a_name_may_hold_brackets_equal_signs_and_hashes() -> None:
    raw = parse("[/a [1]/b=c: #d]\nupload_dirs = yes\n", "x")
    assert list(raw.sections) == ["/a [1]/b=c: #d"]


def test_a_byte_order_mark_is_taken_off(tmp_path: Path) -> None:
    file = tmp_path / "x.conf"
    file.write_bytes(b"\xef\xbb\xbf[main]\nregion = x\n")
    assert list(read(str(file)).sections) == ["main"]


def test_bytes_that_are_not_utf_8_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "x.conf"
    file.write_bytes(b"[/music/bj\xf6rk \xe5\xa4\xa7]\nexclude = \xff\n")
    (section,) = read(str(file)).sections.values()
    assert os.fsencode(section.name) == b"/music/bj\xf6rk \xe5\xa4\xa7"
    assert section.options["exclude"].text == "\udcff"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("vault_name = x\n", ["x:1: found 'vault_name = x' above the first section; expected [main] before it"]),
        (
            "\n# text\nhello\nworld\n[main]\n",
            ["x:3: found 'hello' above the first section; expected [main] before it"],
        ),
        (
            "[main]\nvault_name photos\nregion = x\nlimit\n",
            [
                "x:2: found 'vault_name photos'; expected [section], option = value, or a comment",
                "x:4: found 'limit'; expected [section], option = value, or a comment",
            ],
        ),
        ("[main]\n= 5\n", ["x:2: found '= 5'; expected [section], option = value, or a comment"]),
        ("[/data\nupload_dirs = yes\n", ["x:1: found '[/data' above the first section; expected [main] before it"]),
        ("[main]\n[/data\n", ["x:2: found '[/data'; expected a name between [ and ]"]),
        ("[main]\n[]\n", ["x:2: found '[]'; expected a name between [ and ]"]),
        (
            "[main]\nlimit = 1\nregion = x\nLIMIT = 2\nlimit = 3\n",
            [
                "x:4: [main] limit: is already set in line 2",
                "x:5: [main] limit: is already set in line 2",
            ],
        ),
        (
            "[main]\n" + "word " * 20 + "\n",
            [
                "x:2: found 'word word word word word word word word word word word word '…; "
                "expected [section], option = value, or a comment"
            ],
        ),
        ("[main]\nlimit = 1\n\0", ["x:3: found a NUL byte; expected an INI file in UTF-8"]),
    ],
)
def test_what_is_no_ini_is_told_with_its_line(text: str, problems: list[str]) -> None:
    assert [str(problem) for problem in parse(text, "x").problems] == problems


def test_a_repeated_header_is_kept_with_all_its_lines_and_the_options_of_each_may_repeat() -> None:
    raw = parse("[/a]\nupload_dirs = no\n[/b]\n[/a]\nupload_dirs = yes\n", "x")
    assert raw.sections["/a"].lines == (1, 4)
    assert raw.problems == ()
    assert raw.sections["/a"].options == {"upload_dirs": RawOption("yes", 5)}


def test_a_file_in_utf_16_is_told(tmp_path: Path) -> None:
    file = tmp_path / "x.conf"
    file.write_text("[main]\nlimit = 1\n", encoding="utf-16")
    assert [problem.message for problem in read(str(file)).problems] == [
        "found a NUL byte; expected an INI file in UTF-8"
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "found no such file; expected an INI file"),
        (lambda path: path.mkdir(), "found a directory; expected an INI file"),
        (lambda path: os.mkfifo(path), "found no regular file; expected an INI file"),
        (lambda path: path.symlink_to(path), "can't be read: too many levels of symbolic links"),
        (lambda path: path.symlink_to("nowhere"), "found no such file; expected an INI file"),
    ],
    ids=["absent", "directory", "fifo", "loop", "dangling"],
)
def test_what_is_no_file_is_told(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    make(tmp_path / "x.conf")
    (problem,) = read(str(tmp_path / "x.conf")).problems
    assert str(problem) == f"{tmp_path}/x.conf: {message}"


def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    file = tmp_path / "x.conf"
    file.write_text("[main]\n")
    file.chmod(0)
    script = f"from glacier_backup.config.ini import read; print(*read({str(file)!r}).problems)"
    command = [sys.executable, "-c", script]
    if os.getuid() == 0:
        dropped = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}", *command]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    expected = f"can't be read: permission denied; expected a file that user {os.getuid()} may read"
    assert said == f"{file}: {expected}"


_HEADERS = ["[main]", "[/a]", "[ /b] ", "[c", "[]", "    [main]", "[main] ; note [x]", "[DEFAULT]", "[ "]
_SETTING = ["a = 1", "A=2", "b:3", " b = 4", "=5", "  = 6", ":", "a = # none", "é = ü", "'a': \"b\"", "a = [main]"]
_OTHERS = ["\ta", "  cont", "# c", "  ; c", "", " ", "x"]
_LINES = st.lists(st.sampled_from(_HEADERS + _SETTING + _OTHERS), max_size=12)


@given(_LINES)
def test_the_grammar_is_that_of_configparser(lines: list[str]) -> None:
    text = "\n".join(["[first]", *lines])
    theirs = configparser.RawConfigParser(strict=False, default_section="\0")
    wrong: set[int] = set()
    try:
        theirs.read_string(text)
    except configparser.ParsingError as error:
        wrong = {line for line, _ in error.errors}

    ours = parse(text, "x")

    assert {
        name: {option: raw.text for option, raw in section.options.items()} for name, section in ours.sections.items()
    } == {name: {option: value for option, value in theirs.items(name) if option} for name in theirs.sections()}
    assert {problem.line for problem in ours.problems if problem.option is None} == wrong


@given(_LINES)
def test_the_line_of_an_option_is_where_it_stands(lines: list[str]) -> None:
    all_lines = ["[first]", *lines]
    for section in parse("\n".join(all_lines), "x").sections.values():
        for line in section.lines:
            assert f"[{section.name}]" in all_lines[line - 1]
        for name, option in section.options.items():
            assert all_lines[option.line - 1].strip().lower().startswith(name)
            assert option.line > section.lines[0]
