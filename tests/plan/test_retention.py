"""Which archives are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.period import UNITS, Period
from glacier_backup.model.retention import Policy
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.plan.retention import Policies, Ruled, Verdict, guarded, is_whole, judge

NOON = datetime(2026, 3, 18, 12, tzinfo=UTC)
"""A Wednesday."""


def archive(
    number: int, time: datetime, *, problems: int = 0, locator: str = "", damaged: bool = False
) -> StoredArchive:
    hurt = time if damaged else None
    volume = StoredVolume(1, locator or f"archive-{number}", 1_000, None, time, damaged_at=hurt)
    return StoredArchive(number, 1, "/data/photos", "photos.tar", time, time, (volume,), problems=problems)


def daily(count: int, step: timedelta = timedelta(days=1)) -> list[StoredArchive]:
    """So many, the last one at NOON; their numbers are the days since the first."""
    return [archive(number, NOON - step * (count - number)) for number in range(1, count + 1)]


def kept(archives: Sequence[StoredArchive], policy: Policy, present: datetime = NOON) -> list[int]:
    return [one.archive.id for one in verdicts(archives, policy, present) if one.kept]


def verdicts(archives: Sequence[StoredArchive], policy: Policy, present: datetime = NOON) -> list[Verdict]:
    return judge(archives, Ruled("/data", policy), present)


def test_the_last_ones_are_kept() -> None:
    assert kept(daily(5), Policy(keep_last=2)) == [4, 5]


def test_the_newest_of_each_day_is_kept() -> None:
    four_a_day = daily(12, timedelta(hours=6))  # at 18, 0, 6 and 12 o'clock; the last at 12
    assert kept(four_a_day, Policy(keep_daily=2)) == [9, 12]


def test_days_without_an_archive_do_not_count() -> None:
    seldom = [archive(1, NOON - timedelta(days=900)), archive(2, NOON - timedelta(days=400)), archive(3, NOON)]
    assert kept(seldom, Policy(keep_daily=2)) == [2, 3]
    assert kept(seldom, Policy(keep_yearly=3)) == [1, 2, 3]


def test_weeks_begin_on_monday() -> None:
    sunday = NOON - timedelta(days=3)
    two = [archive(1, sunday - timedelta(days=1)), archive(2, sunday), archive(3, sunday + timedelta(days=1))]
    assert kept(two, Policy(keep_weekly=5)) == [2, 3]


def test_the_weeks_of_a_new_year_are_those_of_iso_8601() -> None:
    one_week = [archive(1, datetime(2025, 12, 31, tzinfo=UTC)), archive(2, datetime(2026, 1, 1, tzinfo=UTC))]
    assert kept(one_week, Policy(keep_weekly=5)) == [2]
    assert kept(one_week, Policy(keep_yearly=5)) == [1, 2]
    assert kept(one_week, Policy(keep_monthly=5)) == [1, 2]


def test_days_are_those_of_utc() -> None:
    late = datetime.fromisoformat("2026-03-17T23:30:00-05:00")
    assert kept([archive(1, late), archive(2, NOON)], Policy(keep_daily=5)) == [2]


def test_within_keeps_also_what_was_the_newest_when_the_time_began() -> None:
    changes = [archive(1, NOON - timedelta(days=900)), archive(2, NOON - timedelta(days=800)), archive(3, NOON)]
    assert kept(changes, Policy(keep_within=Period(1, "month"))) == [2, 3]


def test_any_rule_is_enough() -> None:
    assert kept(daily(60), Policy(keep_last=2, keep_monthly=2)) == [42, 59, 60]


def test_the_newest_stays_whatever_the_rules_say() -> None:
    old = [archive(number, NOON - timedelta(days=9_000 - number)) for number in (1, 2)]
    assert kept(old, Policy(keep_within=Period(1, "day"))) == [2]


def test_the_last_whole_one_stays_whatever_the_rules_say() -> None:
    broken = [archive(1, NOON), *(archive(n, NOON + timedelta(days=n), problems=1) for n in (2, 3))]
    assert kept(broken, Policy(keep_last=1)) == [1, 3]


def test_a_damaged_one_is_not_the_last_whole_one() -> None:
    damaged = [archive(1, NOON), *(archive(n, NOON + timedelta(days=n), damaged=True) for n in (2, 3))]
    found = verdicts(damaged, Policy(keep_last=1))
    assert [(one.kept, one.why) for one in found] == [
        (True, "the last one that is whole"),
        (False, "not kept by keep_last 1"),
        (True, "keep_last: number 1 of 1, the newest"),
    ]


def test_what_was_sent_last_stays_though_a_clock_was_wrong() -> None:
    ahead = [archive(1, NOON + timedelta(days=4_000)), archive(2, NOON)]
    assert kept(ahead, Policy(keep_last=1)) == [1, 2]


def test_what_a_restore_needs_stays() -> None:
    found = judge(daily(3), Ruled("/data", Policy(keep_last=1)), NOON, wanted={1})
    assert [one.kept for one in found] == [True, False, True]


def test_what_was_overwritten_goes_and_takes_no_place() -> None:
    same_key = [archive(1, NOON, locator="a"), archive(2, NOON, locator="key"), archive(3, NOON, locator="key")]
    found = verdicts(same_key, Policy(keep_last=2))
    assert [one.kept for one in found] == [True, False, True]
    assert found[1].why == "a newer one has taken its place there, and nothing of it is left"


def test_what_has_an_id_below_zero_is_there_like_any_other() -> None:
    """As what was taken over or found again when newer ones were known already."""
    older = [archive(-(2**31), NOON - timedelta(days=1)), archive(1, NOON)]
    assert kept(older, Policy(keep_last=2)) == [-(2**31), 1]


POLICIES = Policies(
    {
        "/": Policy(keep_last=9),
        "/data": Policy(keep_last=1),
        "/data/a/b": Policy(keep_last=2),
        "sftp://me@h:22/": Policy(keep_last=3),
        "sftp://me@h:22/music": Policy(keep_last=4),
    }
)


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ("/data", "/data"),
        ("/data/a", "/data"),
        ("/data/a/b", "/data/a/b"),
        ("/data/a/b/c/d", "/data/a/b"),
        ("/database", "/"),
        ("/", "/"),
        ("sftp://me@h:22/music/a/b", "sftp://me@h:22/music"),
        ("sftp://me@h:22/photos/a", "sftp://me@h:22/"),
        ("sftp://me@h:22/photos", "sftp://me@h:22/"),
        ("sftp://me@other:22/music", None),
    ],
)
def test_a_path_belongs_to_its_own_section_or_the_nearest_above(path: str, section: str | None) -> None:
    ruled = POLICIES.of(path)
    assert (None if ruled is None else ruled.section) == section


def test_a_path_of_no_section_has_no_policy() -> None:
    assert Policies({"/data": Policy()}).of("/other") is None
    assert Policies({}).of("/") is None


def test_a_policy_says_what_its_rules_are() -> None:
    assert str(Policy(keep_last=3, keep_within=Period(6, "month"))) == "keep_last 3, keep_within 6 months"
    assert not Policy().is_set


counts = st.none() | st.integers(1, 5)
policies = st.builds(
    Policy,
    keep_last=counts,
    keep_within=st.none() | st.builds(Period, st.integers(1, 40), st.sampled_from(UNITS)),
    keep_daily=counts,
    keep_weekly=counts,
    keep_monthly=counts,
    keep_yearly=counts,
)
histories = st.lists(
    st.tuples(
        st.integers(-1_500 * 24, 24),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=12,
).map(
    lambda given: [
        archive(number, NOON + timedelta(hours=hours), problems=problems)
        for number, (hours, problems) in enumerate(given, 1)
    ]
)


def _with(policy: Policy, rule: str, value: object) -> Policy:
    return replace(policy, **{rule: value})  # type: ignore[arg-type]  # of the kind that the rule has


def ids(archives: Sequence[StoredArchive], policy: Policy) -> set[int]:
    return set(kept(archives, policy))


@given(histories, policies)
def test_the_newest_and_the_last_whole_one_always_stay(archives: list[StoredArchive], policy: Policy) -> None:
    stay = ids(archives, policy)
    assert max(archives, key=lambda one: (one.time, one.id)).id in stay
    assert archives[-1].id in stay
    whole = [one for one in archives if is_whole(one)]
    assert not whole or max(whole, key=lambda one: (one.time, one.id)).id in stay


@given(histories, policies, policies)
def test_one_more_rule_removes_nothing(archives: list[StoredArchive], some: Policy, others: Policy) -> None:
    more = some
    for one in fields(Policy):
        if getattr(some, one.name) is None:
            more = _with(more, one.name, getattr(others, one.name))
    assert ids(archives, some) <= ids(archives, more)


@given(histories, policies)
def test_a_larger_number_removes_nothing(archives: list[StoredArchive], policy: Policy) -> None:
    larger = policy
    for one in fields(Policy):
        value = getattr(policy, one.name)
        if value is not None:
            more = value._replace(number=value.number + 1) if isinstance(value, Period) else value + 1
            larger = _with(larger, one.name, more)
    assert ids(archives, policy) <= ids(archives, larger)


@given(histories, policies)
def test_what_was_kept_is_kept_again(archives: list[StoredArchive], policy: Policy) -> None:
    stay = ids(archives, policy)
    assert ids([one for one in archives if one.id in stay], policy) == stay


@given(histories, policies, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(archives: list[StoredArchive], policy: Policy, random: object) -> None:
    shuffled = list(archives)
    getattr(random, "shuffle")(shuffled)  # noqa: B009  # hypothesis hands it out untyped
    assert ids(shuffled, policy) == ids(archives, policy)


@given(histories, policies, st.integers(0, 100))
def test_a_new_archive_pushes_out_at_most_one_for_each_rule(
    archives: list[StoredArchive], policy: Policy, later: int
) -> None:
    last = max(one.time for one in archives)
    new = archive(len(archives) + 1, last + timedelta(hours=later))
    rules = [one.name for one in fields(Policy) if one.name != "keep_within" and getattr(policy, one.name)]
    gone = ids(archives, policy) - ids([*archives, new], policy)
    unprotected = {one.id for _, one in guarded(archives)}
    assert len(gone - unprotected) <= len(rules)


@given(histories, st.integers(1, 400), st.integers(0, 400))
def test_within_brings_back_what_was_there_at_any_moment(
    archives: list[StoredArchive], days: int, hours_ago: int
) -> None:
    moment = NOON - timedelta(hours=min(hours_ago, days * 24))
    stay = [one for one in archives if one.id in ids(archives, Policy(keep_within=Period(days, "day")))]
    before = [one for one in archives if one.time <= moment]
    if before:
        newest = max(before, key=lambda one: (one.time, one.id))
        assert newest in stay


def test_the_newest_that_was_not_put_away_stays_beside_the_newest() -> None:
    first, second = daily(2)

    found = verdicts([first, replace(second, expired_at=NOON)], Policy(keep_last=1))

    assert [one.kept for one in found] == [True, True]
    assert found[0].why == "the newest"
    assert "only history since" in found[1].why
