"""Points in time as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from glacier_backup.cli.moments import moment
from glacier_backup.errors import UsageError

PRESENT = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1 month ago", datetime(2026, 2, 28, 12, 0, tzinfo=UTC)),
        ("2 weeks ago", datetime(2026, 3, 17, 12, 0, tzinfo=UTC)),
        ("3 days", datetime(2026, 3, 28, 12, 0, tzinfo=UTC)),
        ("1 Year ago", datetime(2025, 3, 31, 12, 0, tzinfo=UTC)),
        ("12 hours ago", datetime(2026, 3, 31, 0, 0, tzinfo=UTC)),
        ("2026-03-01T04:00Z", datetime(2026, 3, 1, 4, 0, tzinfo=UTC)),
        ("2026-03-01T04:00:05+02:00", datetime(2026, 3, 1, 2, 0, 5, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, meant: datetime) -> None:
    assert moment(text, PRESENT) == meant


def test_a_date_is_the_midnight_of_where_one_is() -> None:
    assert moment("2026-03-01") == datetime(2026, 3, 1).astimezone(UTC)  # local on purpose


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "weeks ago", "99999999 years ago", "1 fortnight ago"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        moment(text, PRESENT)

    assert caught.value.hint is not None
    assert "2 weeks ago" in caught.value.hint
