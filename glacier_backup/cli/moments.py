"""Points in time as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from glacier_backup.errors import UsageError
from glacier_backup.units import now

_AGO = re.compile(r"(\d+)\s*(hour|day|week|month|year)s?(?:\s+ago)?", re.IGNORECASE)


def is_ago(text: str) -> bool:
    """Whether it means another time tomorrow."""
    return _AGO.fullmatch(text.strip()) is not None


def moment(text: str, present: datetime | None = None) -> datetime:
    """The time that ``text`` means, in UTC: an ISO 8601 date or time (local unless it names a zone), or
    ``2 weeks ago`` (hours, days, weeks, months, years; calendar arithmetic). Raises UsageError.
    """
    from dateutil.parser import isoparse
    from dateutil.relativedelta import relativedelta

    match = _AGO.fullmatch(text.strip())
    try:
        if match is not None:
            step = relativedelta(**{match[2].lower() + "s": int(match[1])})  # type: ignore[arg-type]  # one of five names
            return (present or now()) - step
        return isoparse(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no time", hint='write it as 2026-03-01, 2026-03-01T04:00Z or "2 weeks ago"'
        ) from None
