"""The table that comes of benchmarks: a row for each promise, what was measured beside what is promised."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One promise and what was measured."""

    what: str
    measured: float
    bound: float
    least: bool
    """Whether ``bound`` is the least that is promised, not the most."""
    unit: str
    """`× tar`, ` s`, ` B`: follows both numbers."""
    figures: str
    """What the number comes from, in a few words with units."""

    @property
    def met(self) -> bool:
        return self.measured >= self.bound if self.least else self.measured <= self.bound


def at_least(what: str, measured: float, bound: float, unit: str, figures: str) -> Row:
    return Row(what, measured, bound, least=True, unit=unit, figures=figures)


def at_most(what: str, measured: float, bound: float, unit: str, figures: str) -> Row:
    return Row(what, measured, bound, least=False, unit=unit, figures=figures)


def markdown(rows: Iterable[Row]) -> str:
    """The table; what doesn't hold is told in capitals."""
    lines = ["| what | promised | measured | |", "|---|---|---|---|"]
    for row in rows:
        promised = f"{'at least' if row.least else 'at most'} {_number(row.bound)}{row.unit}"
        measured = f"{_number(row.measured)}{row.unit}" + ("" if row.met else ", NOT MET")
        lines.append(f"| {row.what} | {promised} | {measured} | {row.figures} |")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    """What this ran on, in a line."""
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{found[1] if found else platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB; "
        f"Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}"
    )
