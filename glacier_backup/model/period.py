"""Spans of time as people and calendars count them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

Unit = Literal["hour", "day", "week", "month", "year"]

UNITS: tuple[Unit, ...] = get_args(Unit)

MOST = 9999
"""Of any unit: enough for everybody, and a slip of the finger is seen."""

_BEGINNING = datetime.min.replace(tzinfo=UTC)


class Period(NamedTuple):
    """``6 months``: so many of a unit."""

    number: int
    """From 1 to :data:`MOST`."""
    unit: Unit

    def before(self, moment: datetime) -> datetime:
        """The moment that lies so long before, by the calendar in UTC: a month before 31 March is the last of
        February. The beginning of time where the calendar ends."""
        from dateutil.relativedelta import relativedelta  # only here: the option table is loaded for `--help`, too

        try:
            return moment.astimezone(UTC) - relativedelta(**{f"{self.unit}s": self.number})  # type: ignore[arg-type]  # one of five names
        except (ValueError, OverflowError):
            return _BEGINNING

    def __str__(self) -> str:
        return f"{self.number} {self.unit}{'' if self.number == 1 else 's'}"


def parse_period(text: str) -> Period:
    """``6 months``, ``1 year``, ``36 hours``. Raises ValueError."""
    number, _, name = text.strip().partition(" ")
    unit = next((one for one in UNITS if one == name.strip().lower().removesuffix("s")), None)
    if not (number.isascii() and number.isdigit() and len(number) <= len(str(MOST)) and int(number)) or unit is None:
        raise ValueError(f"not a period: {text!r}")
    return Period(int(number), unit)
