"""From which snapshot on the next stream of a dataset is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.errors import SourceError
from glacier_backup.model.full_every import FullEvery, parse_full_every
from glacier_backup.model.increment import Link
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.snapshot import Snapshot, Span, stream_step
from glacier_backup.model.stored import StoredArchive
from glacier_backup.plan.chain import Wanted, chain_among
from glacier_backup.plan.spans import Asked, is_stored, leads_to, next_span, spans_stored
from tests.plan.stored import day

PATH = "zfs:tank/photos"
WANTED = Wanted("nas", "", (), FullEvery())


def snapshot(number: int) -> Snapshot:
    return Snapshot(f"offsite-{number:08}", f"{number:016x}", number, day(number))


def archive(number: int, link: Link, span: Span, *seal: Step, raw: bool = False) -> StoredArchive:
    recipe = Recipe((stream_step("zfs", span, link, raw=raw), *seal))
    return StoredArchive(
        number, 1, PATH, "photos.zfs", day(number), day(number), (), "nas", "dataset", "zfs", recipe, source_bytes=1
    )


def chain(count: int) -> list[StoredArchive]:
    """A baseline and the increments behind it, one a day."""
    made = [archive(1, Link(0), Span(snapshot(1).name, snapshot(1).guid))]
    for number in range(2, count + 1):
        span = Span(snapshot(number).name, snapshot(number).guid, snapshot(number - 1).name)
        made.append(archive(number, Link(number - 1, day(1), day(number - 1)), span))
    return made


def asked(number: int | None, **more: object) -> Asked:
    return replace(Asked(PATH, None if number is None else snapshot(number)), **more)  # type: ignore[arg-type]


def test_nothing_stored_takes_a_baseline_without_a_why() -> None:
    found = next_span([snapshot(1)], [], asked(1), WANTED, day(9))
    assert (found.base, found.why, found.link) == (None, "", Link(0))
    assert found.span("x", "0" * 16) == Span("x", "0" * 16)


def test_an_increment_stands_behind_what_it_builds_on() -> None:
    stored = chain(3)
    found = next_span([snapshot(n) for n in range(1, 5)], stored, asked(4), WANTED, day(9))
    assert found.link == Link(3, day(1), day(3))
    assert found.span("x").base == snapshot(3).name


def test_one_that_is_yet_to_be_made_is_newer_than_all() -> None:
    found = next_span([snapshot(n) for n in (1, 2)], chain(2), asked(None), WANTED, day(9))
    assert found.link == Link(2, day(1), day(2))


def test_what_has_a_gap_below_it_is_no_base() -> None:
    stored = chain(3)
    del stored[1]
    found = next_span([snapshot(n) for n in range(1, 5)], stored, asked(4), WANTED, day(9))
    assert found.span("x").base == snapshot(1).name


def test_without_a_guid_the_name_counts() -> None:
    stored = [archive(1, Link(0), Span(snapshot(1).name))]
    assert is_stored(snapshot(1), stored, "nas")
    assert not leads_to(Span(snapshot(1).name, snapshot(2).guid), snapshot(1))


@pytest.mark.parametrize(
    ("stored", "wanted", "raw", "why"),
    [
        (chain(2), WANTED._replace(seal=(Step("age"),)), False, "it is encrypted otherwise now"),
        (chain(2), WANTED, True, "it is sent raw now"),
        (chain(2), WANTED._replace(full_every=parse_full_every("1 increment")), False, "1 increments have followed"),
        (chain(2), WANTED._replace(full_every=parse_full_every("3 days")), False, "more than 3 days ago"),
    ],
)
def test_why_a_baseline_is_sent_again_is_said(stored: list[StoredArchive], wanted: Wanted, raw: bool, why: str) -> None:
    there = [snapshot(n) for n in (1, 2, 3)]
    found = next_span(there, stored, asked(3, raw=raw), wanted, day(9))
    assert found.base is None
    assert why in found.why


def test_a_recipe_that_says_nonsense_is_no_base() -> None:
    strange = replace(chain(1)[0], recipe=Recipe((Step("zfs", {"to": "../x", "increment": 0}),)))
    assert list(spans_stored([strange])) == []
    assert next_span([snapshot(1)], [strange], asked(1), WANTED, day(9)).base is None


def test_the_same_moment_twice_is_a_clock_set_back() -> None:
    with pytest.raises(SourceError, match="the clock says"):
        next_span([snapshot(1)], chain(1), asked(None), WANTED, day(1))
    next_span([snapshot(1)], chain(1), asked(None), WANTED, day(1) + timedelta(microseconds=1))


@given(here=st.sets(st.integers(1, 8)), gone=st.sets(st.integers(1, 6)), to=st.one_of(st.none(), st.integers(1, 9)))
def test_what_is_built_on_is_always_here_and_there_and_older(here: set[int], gone: set[int], to: int | None) -> None:
    stored = [one for one in chain(6) if one.id not in gone]
    there = [snapshot(n) for n in sorted(here | ({to} if to else set()))]
    try:
        found = next_span(there, stored, asked(to), WANTED, day(20))
    except SourceError:
        assert to is not None
        assert any(one.id >= to for one in stored)
        return
    complete = [one.id for one in stored if chain_among(one, stored) is not None]
    possible = [n for n in complete if n in here and (to is None or n < to)]
    assert (found.base is None) == (not possible)
    if found.base is not None:
        assert found.base.archive.id == max(possible)
        assert [one.id for one in found.base.chain] == list(range(1, max(possible) + 1))


@pytest.mark.parametrize(("intermediates", "number"), [(True, None), (False, 2)])
def test_a_name_in_between_counts_where_it_travels(intermediates: bool, number: int | None) -> None:
    again = snapshot(3)._replace(name=snapshot(1).name)
    there = [snapshot(1)._replace(name="renamed"), snapshot(2), again, snapshot(4)]
    found = next_span(there, chain(2), asked(4, intermediates=intermediates), WANTED, day(9))
    assert (found.base and found.link.number, found.why) == (
        (number, "") if number else (None, f"another snapshot was called {again.name} when it was sent")
    )
    with pytest.raises(SourceError, match="was called"):
        next_span(there, chain(2), replace(asked(None), to=again, base=snapshot(2).name), WANTED, day(9))


def test_years_of_archives_are_looked_through_in_no_time() -> None:
    stored, there = chain(1000), [snapshot(n) for n in range(1, 1001)]
    begun = perf_counter()
    assert next_span(there, stored, asked(None), WANTED, day(2000)).span("new").base == there[-1].name
    assert perf_counter() - begun < 3


def test_from_a_snapshot_on_there_is_nothing_where_nothing_is_stored() -> None:
    with pytest.raises(SourceError, match="isn't stored, so the chain would have a gap"):
        next_span([snapshot(1), snapshot(2)], [], asked(2, base=snapshot(1).name), WANTED, day(9))
