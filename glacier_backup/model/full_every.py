"""How long a chain of increments may become before a full archive begins the next one."""

from __future__ import annotations

import re
from typing import NamedTuple

from glacier_backup.model.period import Period, parse_period

MOST_INCREMENTS = 9_999
MOST_PERCENT = 10_000

_INCREMENTS = re.compile(r"([0-9]{1,4}) *increments?", re.IGNORECASE)
_PERCENT = re.compile(r"([0-9]{1,5}) *%")


class FullEvery(NamedTuple):
    """When a chain has become long enough; None: that doesn't matter."""

    period: Period | None = None
    """Since the full archive."""
    increments: int | None = None
    percent: int | None = None
    """Of the stored bytes of the full one, all increments together."""

    def __str__(self) -> str:
        """As the option is written."""
        told = [] if self.period is None else [str(self.period)]
        if self.increments is not None:
            told.append(f"{self.increments} increment{'' if self.increments == 1 else 's'}")
        if self.percent is not None:
            told.append(f"{self.percent} %")
        return " | ".join(told) or "none"


def parse_full_every(text: str) -> FullEvery:
    """The inverse of ``str()``, in any order, and on several lines as well. Raises ValueError, which says why."""
    told: dict[str, Period | int] = {}
    pieces = [] if text.strip().lower() == "none" else [one.strip() for one in re.split(r"[|\n]", text) if one.strip()]
    for piece in pieces:
        name, value = _told(piece)
        if name in told:
            raise ValueError(f"there are two of one kind, {piece!r} is the second")
        told[name] = value
    period, increments, percent = (told.get(name) for name in ("period", "increments", "percent"))
    return FullEvery(
        period if isinstance(period, Period) else None,
        increments if isinstance(increments, int) else None,
        percent if isinstance(percent, int) else None,
    )


def _told(piece: str) -> tuple[str, Period | int]:
    for name, pattern, most in (("increments", _INCREMENTS, MOST_INCREMENTS), ("percent", _PERCENT, MOST_PERCENT)):
        if match := pattern.fullmatch(piece):
            if not 0 < int(match[1]) <= most:
                raise ValueError(f"{piece!r} is not from 1 to {most:,}")
            return name, int(match[1])
    try:
        return "period", parse_period(piece)
    except ValueError:
        raise ValueError(f"{piece!r} is none of these") from None
