"""The options that say how long archives are kept; each may stand in ``[main]``, for all sections, and in a section."""

from __future__ import annotations

from glacier_backup.config import values
from glacier_backup.config.option import Home, Option

_HOMES: tuple[Home, ...] = ("main", "path", "server", "dataset")

_NUMBER_OR_OFF = f"a whole number from 1 to {values.MOST_KEPT}, or off"
_IN_UTC = "Those that have none don't count; they are those of UTC."

KEEP_OPTIONS: tuple[Option, ...] = (
    Option(
        "keep_last",
        _HOMES,
        _NUMBER_OR_OFF,
        values.kept,
        "off",
        "Keep, when pruning, so many of the newest archives of each path.",
        "3",
        details="An archive that any of the six `keep_` rules keeps stays. Where a section has none of them, `prune` "
        "removes nothing of it. The newest of a path is never removed, nor the last one that is whole; see "
        "retention.md.",
    ),
    Option(
        "keep_within",
        _HOMES,
        f"a number of {', '.join(values.PERIODS)}, such as 6 months, or off",
        values.period,
        "off",
        "Keep, when pruning, what a path was at any moment within this time.",
        "6 months",
        details="That is every archive sent since then, and the one that was the newest when that time began.",
    ),
    Option(
        "keep_daily",
        _HOMES,
        _NUMBER_OR_OFF,
        values.kept,
        "off",
        "Keep, when pruning, the newest of each of the last so many days.",
        "7",
        details=_IN_UTC,
    ),
    Option(
        "keep_weekly",
        _HOMES,
        _NUMBER_OR_OFF,
        values.kept,
        "off",
        "Keep, when pruning, the newest of each of the last so many weeks.",
        "5",
        details=f"They begin on Monday. {_IN_UTC}",
    ),
    Option(
        "keep_monthly",
        _HOMES,
        _NUMBER_OR_OFF,
        values.kept,
        "off",
        "Keep, when pruning, the newest of each of the last so many months.",
        "12",
        details=_IN_UTC,
    ),
    Option(
        "keep_yearly",
        _HOMES,
        _NUMBER_OR_OFF,
        values.kept,
        "off",
        "Keep, when pruning, the newest of each of the last so many years.",
        "10",
        details=_IN_UTC,
    ),
)
