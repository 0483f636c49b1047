"""Spans of time by the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.period import MOST, UNITS, Period, parse_period

moments = st.datetimes(timezones=st.just(UTC))
periods = st.builds(Period, st.integers(1, MOST), st.sampled_from(UNITS))


@pytest.mark.parametrize(
    ("period", "before"),
    [
        (Period(1, "month"), datetime(2026, 2, 28, 4, tzinfo=UTC)),
        (Period(1, "day"), datetime(2026, 3, 30, 4, tzinfo=UTC)),
        (Period(2, "week"), datetime(2026, 3, 17, 4, tzinfo=UTC)),
        (Period(5, "hour"), datetime(2026, 3, 30, 23, tzinfo=UTC)),
        (Period(2, "year"), datetime(2024, 3, 31, 4, tzinfo=UTC)),
        (Period(9999, "year"), datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_calendar_counts(period: Period, before: datetime) -> None:
    assert period.before(datetime(2026, 3, 31, 4, tzinfo=UTC)) == before


def test_a_moment_of_any_zone_counts_in_utc() -> None:
    there = timezone(timedelta(hours=14))
    assert Period(1, "month").before(datetime(2026, 3, 1, 5, tzinfo=there)) == datetime(2026, 1, 28, 15, tzinfo=UTC)


@given(periods)
def test_what_is_said_can_be_read(period: Period) -> None:
    assert parse_period(str(period)) == period


@given(periods, moments)
def test_it_is_before(period: Period, moment: datetime) -> None:
    assert period.before(moment) < moment or period.before(moment) == datetime.min.replace(tzinfo=UTC)
