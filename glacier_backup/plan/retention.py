"""Which archives of a path are kept, and why.

A rule counts periods that have an archive, not days that pass: a path that stopped changing keeps what it has. Periods
are those of UTC, so that the same archives are kept wherever, and whenever in the year, this is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from glacier_backup.model.retention import Policy
from glacier_backup.model.stored import StoredArchive
from glacier_backup.plan.chain import chain_among, needed_by
from glacier_backup.units import local_time

NEWEST = "the newest"
LAST_GOOD = "the last one that is whole"
BUILT_ON = "an increment that is kept builds on it"
OVERWRITTEN = "a newer one has taken its place there, and nothing of it is left"


class Verdict(NamedTuple):
    """What becomes of one archive, or of one file of a group as if it were one."""

    archive: StoredArchive
    kept: bool
    why: str
    unruled: bool = False
    """Whether it stays since no section says how long."""
    elsewhere: bool = False
    """Whether it stays since another machine has sent it."""


class Ruled(NamedTuple):
    """The section that says how long the archives of a path are kept."""

    section: str
    policy: Policy


class Policies:
    """The policies of all sections. A path belongs to the section that is named so, else to the nearest one above."""

    def __init__(self, by_section: Mapping[str, Policy]) -> None:
        """``by_section`` has the paths, and URLs of paths on servers, that sections are named by."""
        self._by_section = by_section

    def of(self, path: str) -> Ruled | None:
        """None where no section is named so or lies above it."""
        for section in _and_above(path):
            if section in self._by_section:
                return Ruled(section, self._by_section[section])
        return None


def _and_above(path: str) -> Iterator[str]:
    """``path`` and the paths that lead to it, the longest first. The root has a slash, here and on a server."""
    while True:
        yield path
        above, slash, name = path.rpartition("/")
        if not slash or not name or above.endswith("/"):
            return
        is_top = not above or above.rpartition("/")[0].endswith("/")
        path = above + "/" if is_top else above


def judge(
    archives: Sequence[StoredArchive],
    ruled: Ruled,
    present: datetime,
    *,
    wanted: Container[int] = (),
) -> list[Verdict]:
    """What becomes of the archives of one path at one place, in the order in which they come.

    One that any rule keeps stays, and so do the newest one and the last one that is whole, whatever the rules say:
    nothing inside was left out, and it isn't known to be missing or damaged. Nor does one go that a restore under way
    needs (``wanted``, ids), or that an increment builds on which stays. What a newer one has overwritten is no archive
    any more: it goes, and no rule counts it.
    """
    overwritten = overwritten_among(archives)
    there = sorted((one for one in archives if one.id not in overwritten), key=_age, reverse=True)
    reasons = _Reasons()
    for keep in (_last, _within, *_CALENDAR):
        keep(there, ruled.policy, present, reasons)
    for why, one in guarded(there):
        reasons.add(one, why)
    for one in there:
        if one.id in wanted:
            reasons.add(one, "a restore that isn't done yet needs it")
    for one in needed_by([one for one in there if reasons.of(one)], there):
        reasons.add(one, BUILT_ON)
    return [_verdict(one, reasons, ruled, is_gone=one.id in overwritten) for one in archives]


def overwritten_among(archives: Sequence[StoredArchive]) -> set[int]:
    """The ids of those of which nothing is left: a later one at the same place was stored under the same name."""
    last: dict[str, int] = {}
    for one in archives:
        for volume in one.volumes:
            last[volume.locator] = max(one.id, last.get(volume.locator, one.id))
    return {one.id for one in archives if any(last[volume.locator] != one.id for volume in one.volumes)}


def guarded(archives: Iterable[StoredArchive]) -> Iterator[tuple[str, StoredArchive]]:
    """Those of one path that no rule removes, and why: the newest, by its time and by the order of intent (clocks
    jump), likewise the newest that wasn't put away, and the newest that is whole."""
    there = list(archives)
    shown = _newest([one for one in there if one.expired_at is None])
    newest = [*_newest(there), *shown]
    whole = _newest([one for one in there if is_whole(one) and _has_base(one, there)])
    yield from ((NEWEST, one) for one in newest)
    yield from ((LAST_GOOD, one) for one in whole if one not in newest)


def _has_base(archive: StoredArchive, others: Sequence[StoredArchive]) -> bool:
    """Whether nothing is wrong with what an increment builds on, either."""
    chain = chain_among(archive, others)
    return chain is not None and all(one.hurt is None for one in chain)


def _newest(archives: Sequence[StoredArchive]) -> list[StoredArchive]:
    return [max(archives, key=key) for key in (_age, _number)] if archives else []


def is_whole(archive: StoredArchive) -> bool:
    """Whether all was read that belongs into it, and nothing speaks against what is stored."""
    return not archive.problems and archive.hurt is None


def _number(archive: StoredArchive) -> int:
    return archive.id


def _age(archive: StoredArchive) -> tuple[datetime, int]:
    return archive.time, archive.id


def _verdict(archive: StoredArchive, reasons: _Reasons, ruled: Ruled, *, is_gone: bool) -> Verdict:
    if is_gone:
        return Verdict(archive, kept=False, why=OVERWRITTEN)
    why = reasons.of(archive)
    if why:
        return Verdict(archive, kept=True, why=f"{why}{_history(archive)}")
    return Verdict(archive, kept=False, why=f"not kept by {ruled.policy}")


def _history(archive: StoredArchive) -> str:
    return "" if archive.expired_at is None else f"; only history since {local_time(archive.expired_at)}"


class _Reasons:
    """Why each archive is kept."""

    def __init__(self) -> None:
        self._by_id: dict[int, list[str]] = {}

    def add(self, archive: StoredArchive, why: str) -> None:
        reasons = self._by_id.setdefault(archive.id, [])
        if why not in reasons:
            reasons.append(why)

    def of(self, archive: StoredArchive) -> str:
        return ", ".join(self._by_id.get(archive.id, ()))


_Keep = Callable[[Sequence[StoredArchive], Policy, datetime, _Reasons], None]
"""Adds the reasons of one rule to keep some of the archives, which come newest first."""


def _last(there: Sequence[StoredArchive], policy: Policy, present: datetime, reasons: _Reasons) -> None:
    for number, one in enumerate(there[: policy.keep_last or 0], 1):
        reasons.add(one, f"keep_last: number {number} of {policy.keep_last}")


def _within(there: Sequence[StoredArchive], policy: Policy, present: datetime, reasons: _Reasons) -> None:
    """Also the one that was the newest when the time began: without it nobody could have back what the path was then,
    which a path that seldom changes would lose on the day it does."""
    if policy.keep_within is None:
        return
    begin = policy.keep_within.before(present)
    for one in there:
        reasons.add(one, f"keep_within {policy.keep_within}")
        if one.time <= begin:
            return


def _calendar(option: str, period_of: Callable[[datetime], str]) -> _Keep:
    """The rule that keeps the newest of each of the last periods that have one."""

    def keep(there: Sequence[StoredArchive], policy: Policy, present: datetime, reasons: _Reasons) -> None:
        count: int | None = getattr(policy, option)
        seen: set[str] = set()
        for one in there if count else ():
            period = period_of(one.time.astimezone(UTC))
            if period in seen:
                continue
            if len(seen) == count:
                return
            seen.add(period)
            reasons.add(one, f"{option}: the newest of {period}")

    return keep


def _week(moment: datetime) -> str:
    year, week, _ = moment.isocalendar()
    return f"{year:04}-W{week:02}"


_CALENDAR = (
    _calendar("keep_daily", lambda moment: moment.strftime("%Y-%m-%d")),
    _calendar("keep_weekly", _week),
    _calendar("keep_monthly", lambda moment: moment.strftime("%Y-%m")),
    _calendar("keep_yearly", lambda moment: moment.strftime("%Y")),
)
