"""Reading the list of members that tar writes."""

from __future__ import annotations

import io
import stat
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.errors import SourceError
from glacier_backup.model.archive import Member
from glacier_backup.pack.tar_index import is_whole, read_members, unquote

LINE = 'block 6: -rw-r--r--  0/0               3 2026-11-21 22:17:44.279606436 "d/a"\n'


def members(text: str) -> list[Member]:
    return list(read_members(io.BytesIO(text.encode("latin-1"))))


def test_a_line_becomes_a_member() -> None:
    moment = int(datetime(2026, 11, 21, 22, 17, 44, tzinfo=UTC).timestamp()) * 10**9 + 279_606_436
    assert members(LINE) == [Member("d/a", "file", 3, moment, 0o644, 6 * 512, None)]


@pytest.mark.parametrize(
    ("kind", "letter", "rest", "target"),
    [
        ("directory", "d", '"x/"', None),
        ("symlink", "l", r'"x" -> "a\" -> \"b"', 'a" -> "b'),
        ("hardlink", "h", r'"x" link to "link to \\"', "link to \\"),
        ("fifo", "p", '"x"', None),
        ("other", "V", '"x"', None),
    ],
)
def test_types_and_targets_are_told(kind: str, letter: str, rest: str, target: str | None) -> None:
    (member,) = members(LINE.replace("-rw-r--r--", letter + "rw-r--r--").replace('"d/a"', rest))
    assert (member.type, member.path, member.size, member.target) == (kind, "x", 0, target)


def test_a_device_has_numbers_for_a_size() -> None:
    (member,) = members('block 19: brw-r--r--  0/0             7,0 2026-11-21 22:17:44 "d/blk"\n')
    assert (member.type, member.size) == ("device", 0)


@pytest.mark.parametrize("mark", ["", " ", "*", ".", "+"])
def test_the_mark_for_extended_attributes_is_passed_over(mark: str) -> None:
    assert members(LINE.replace("-- ", f"--{mark}")) == members(LINE)


@given(st.integers(0, 0o7777))
def test_every_mode_is_read(mode: int) -> None:
    (member,) = members(LINE.replace("-rw-r--r--", stat.filemode(stat.S_IFREG | mode)))
    assert member.mode == mode


@given(st.datetimes(), st.integers(0, 999_999_999))
def test_every_moment_is_read(moment: datetime, nanoseconds: int) -> None:
    moment = moment.replace(microsecond=0)
    text = f"{moment:%Y-%m-%d %H:%M:%S}" + f".{nanoseconds:09}".rstrip("0").rstrip(".")
    (member,) = members(LINE.replace("2026-11-21 22:17:44.279606436", text))
    seconds = (moment - datetime(1970, 1, 1)) // timedelta(seconds=1)  # noqa: DTZ001  # both are naive UTC
    assert member.mtime_ns == seconds * 10**9 + (nanoseconds if seconds >= 0 else -nanoseconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12345-01-01 00:00:00", 327_403_382_400),
        ("-1-03-01 00:00:00", -62_193_657_600),
        ("9223372036854775807", 9_223_372_036_854_775_807),
        ("-9223372036854775808", -9_223_372_036_854_775_808),
    ],
)
def test_moments_beyond_the_calendar_are_read(text: str, seconds: int) -> None:
    (member,) = members(LINE.replace("2026-11-21 22:17:44.279606436", text))
    assert member.mtime_ns == seconds * 10**9


def test_names_are_read_across_chunks() -> None:
    lines = [LINE.replace("block 6", f"block {number}").replace("d/a", "d" * 240) for number in range(5000)]
    assert [member.offset for member in members("".join(lines))] == [number * 512 for number in range(5000)]


def test_bytes_that_are_not_utf_8_become_surrogates() -> None:
    assert unquote(r"\303\274\377\\n\n\a\"") == 'ü\udcff\\n\n\a"'


def test_a_line_that_is_cut_off_is_an_error() -> None:
    with pytest.raises(SourceError, match="damaged"):
        members(LINE + LINE[:30])


def test_a_line_that_was_torn_by_the_next_is_an_error() -> None:
    with pytest.raises(SourceError, match="damaged"):
        members(LINE[:-3] + LINE)


@pytest.mark.parametrize(("text", "whole"), [("", True), (LINE, True), (LINE + LINE[:30], False)])
def test_the_end_tells_whether_the_list_is_whole(text: str, whole: bool) -> None:
    assert is_whole(io.BytesIO(text.encode())) is whole
