"""``--from-date`` and ``--to-date``: which snapshots of datasets one run sends."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from glacier_backup.errors import UsageError

if TYPE_CHECKING:
    from glacier_backup.config.settings import SectionSettings, Settings
    from glacier_backup.model.snapshot import SnapshotRules

_DATE = re.compile(r"[0-9]{8}")


def add_dates(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from-date", type=_date, metavar="YYYYMMDD", help="of datasets: begin with the snapshot of that day"
    )
    parser.add_argument("--to-date", type=_date, metavar="YYYYMMDD", help="of datasets: send up to that of this day")


def with_dates(settings: Settings, from_date: str | None, to_date: str | None, today: str) -> Settings:
    """``settings`` in which all datasets go from the snapshot of the one day to that of the other; ``today`` still
    means whatever is newest. Raises UsageError."""
    if from_date is None and to_date is None:
        return settings
    if from_date is not None and from_date >= (to_date or today):
        raise UsageError(f"--from-date {from_date} isn't before {to_date or today}: expected an earlier day")
    if not any(section.snapshots for section in settings.sections):
        raise UsageError("--from-date and --to-date are about datasets; expected a section such as [zfs:pool/dataset]")
    to = None if to_date == today else to_date
    sections = tuple(_dated(section, from_date, to) for section in settings.sections)
    return settings.model_copy(update={"sections": sections})


def _dated(section: SectionSettings, from_date: str | None, to_date: str | None) -> SectionSettings:
    rules = section.snapshots
    if rules is None:
        return section
    if not rules.tag:
        raise UsageError(f"[{section.path}] has no tag, and a day alone names no snapshot of it; expected tag = NAME")
    return section.model_copy(update={"snapshots": _rules(rules, from_date, to_date)})


def _rules(rules: SnapshotRules, from_date: str | None, to_date: str | None) -> SnapshotRules:
    if from_date is not None:
        rules = replace(rules, base=f"{rules.tag}-{from_date}")
    return rules if to_date is None else replace(rules, taking="named", name=f"{rules.tag}-{to_date}")


def _date(text: str) -> str:
    if _DATE.fullmatch(text):
        try:
            datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007  # a day has no zone
        except ValueError:
            pass
        else:
            return text
    raise argparse.ArgumentTypeError(f"found {text!r}; expected a day such as 20260321")
