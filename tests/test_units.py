"""Sizes and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.units import (
    GIB,
    KIB,
    MIB,
    TIB,
    format_size,
    parse_rfc3339,
    parse_size,
    parse_stamp,
    rfc3339,
    stamp,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("512k", 512_000),
        ("512 kB", 512_000),
        ("512KiB", 512 * KIB),
        ("16 MiB", 16 * MIB),
        ("1.5GiB", 3 * GIB // 2),
        (" 2 TiB ", 2 * TIB),
        ("1b", 1),
        ("0.5 kB", 500),
    ],
)
def test_a_size_is_read_as_people_write_it(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "1 iB", "1.5", "-1", "1 XB", "0x10", "1 MiB MiB", "1.0001 kB1"])
def test_anything_else_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (16 * MIB, "16.0 MiB"),
        (123 * MIB, "123 MiB"),
        (3 * GIB, "3.0 GiB"),
    ],
)
def test_a_size_is_shown_to_three_figures(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(min_value=0, max_value=10**18))
def test_a_shown_size_is_near_the_size_and_can_be_read(size: int) -> None:
    number, unit = format_size(size).split()
    factor = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB, "TiB": TIB}[unit]

    assert float(number) * factor == pytest.approx(size, rel=0.051)


_MOMENTS = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis wants naive bounds


@given(_MOMENTS)
def test_times_come_back_as_they_were_written(moment: datetime) -> None:
    assert parse_rfc3339(rfc3339(moment)) == moment
    assert parse_stamp(stamp(moment)) == moment


@given(_MOMENTS, _MOMENTS)
def test_text_order_is_time_order(one: datetime, other: datetime) -> None:
    assert (one < other) == (rfc3339(one) < rfc3339(other)) == (stamp(one) < stamp(other))


def test_times_of_other_zones_are_written_in_utc() -> None:
    moment = datetime(2026, 3, 21, 6, 0, tzinfo=timezone(timedelta(hours=2)))

    assert stamp(moment) == "20260321T040000.000000Z"
    assert rfc3339(moment) == "2026-03-21T04:00:00.000000Z"
