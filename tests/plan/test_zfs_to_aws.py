from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.increment import Link, link_of
from glacier_backup.model.snapshot import Span, parse_span, span_of
from glacier_backup.model.stored import Rebuilt
from glacier_backup.model.thaw import Stored
from glacier_backup.model.zfs_to_aws import Stream, parse_key
from glacier_backup.plan.zfs_to_aws import Dataset, Folder, Gap, Known, Linked, doubts, linked, taken_over
from glacier_backup.seal.chain import Split

FULL = 4096
PHOTOS = Dataset("zfs:tank/home/photos", "offsite", FULL)
STORED = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIRST = Stream("photos", "20260101")
NAME = Split(parts=True).suffix


def folder(*sizes: int, stream: Stream = FIRST, bare: int = 0, extra: dict[str, int] | None = None) -> Folder:
    """With parts of these sizes, of which the one of number ``bare`` has no parity."""
    found: dict[str, int] = {"": 0, **(extra or {})}
    for number, size in enumerate(sizes, 1):
        found |= {NAME(number): size} if size else {}
        if number != bare:
            found |= {f"{NAME(number)}.par2": 40, f"{NAME(number)}.vol000+100.par2": 200}
    return Folder(stream, {suffix: Stored(stream.key + suffix, size, STORED) for suffix, size in found.items()})


def what(one: Folder, dataset: Dataset = PHOTOS) -> list[str]:
    return [doubt.what for doubt in doubts(one, dataset)]


@pytest.mark.parametrize("sizes", [(640,), (FULL, 16), (FULL, FULL, FULL, FULL - 16), (8192, 8192, 1024)])
def test_what_is_whole_is_beyond_doubt(sizes: tuple[int, ...]) -> None:
    assert what(folder(*sizes)) == []


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (folder(), "there is no part in it"),
        (folder(FULL, 0, 640), "aaaaab is missing"),
        (folder(FULL, FULL, 0), "aaaaac is missing"),
        (folder(0, 0, 0, 0, 0, 640), "aaaaaa, aaaaab, aaaaac and 2 more are missing"),
        (folder(FULL, 640, FULL), "aaaaab has 640 bytes, and parts before the last should have 4,096 each"),
        (folder(640, FULL), "the last part, aaaaab, is larger"),
        (folder(32), "it has 32 bytes, and so no stream: zfs send had failed"),
        (folder(FULL, 641), "it ends too soon"),
        (folder(640, stream=Stream("photos", "20260101", "20260101")), "which is no earlier day than"),
        (folder(640, stream=Stream("photos", "20260101", "20260108")), "which is no earlier day than"),
    ],
)
def test_what_can_never_be_restored_is_refused_whoever_says_otherwise(one: Folder, says: str) -> None:
    (doubt,) = doubts(one, PHOTOS)

    assert doubt.what.startswith(says) or says in doubt.what
    assert not doubt.may_be_taken


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (folder(FULL), "the last part, aaaaaa, is a full one of 4.0 KiB"),
        (folder(8192, 8192), "the last part, aaaaab, is a full one of 8.0 KiB"),
        (folder(FULL, 640, bare=1), "aaaaaa has no parity, or not all of it"),
    ],
)
def test_what_may_be_whole_can_be_taken_by_who_knows_better(one: Folder, says: str) -> None:
    (doubt,) = doubts(one, PHOTOS)

    assert doubt.what.startswith(says)
    assert doubt.may_be_taken


def test_parity_of_no_bytes_is_none() -> None:
    assert what(folder(640, bare=1, extra={f"{NAME(1)}.par2": 0, f"{NAME(1)}.vol0+1.par2": 9}))


@given(
    st.dictionaries(
        st.sampled_from([NAME(n) + behind for n in (1, 2, 3) for behind in ("", ".par2", ".vol0+1.par2")]),
        st.integers(0, 2 * FULL),
    )
)
def test_nothing_that_lacks_a_part_in_front_of_another_is_ever_whole(sizes: dict[str, int]) -> None:
    found = {suffix: Stored(suffix, size, STORED) for suffix, size in sizes.items()}

    if not doubts(Folder(Stream("photos", "20260101"), found), PHOTOS):
        numbers = [number for number in (1, 2, 3) if NAME(number) in found]
        assert numbers == list(range(1, len(numbers) + 1))
        assert numbers


# Chains.


def base(day: str) -> Folder:
    return folder(640, stream=Stream("photos", day))


def step(begins: str, day: str) -> Folder:
    return folder(640, stream=Stream("photos", day, begins))


def numbers(*folders: Folder, known: tuple[Known, ...] = ()) -> dict[str, int | None]:
    """The place of each folder in its chain; None: nothing leads to it."""
    found = linked(folders, PHOTOS, known)
    return {one.folder.stream.folder[7:-1]: None if isinstance(one, Gap) else one.link.number for one in found}


def test_each_goes_behind_the_one_that_leads_to_where_it_begins() -> None:
    assert numbers(step("20260108", "20260115"), base("20260101"), step("20260101", "20260108")) == {
        "baseline-20260101": 0,
        "incrementals/F20260101-T20260108": 1,
        "incrementals/F20260108-T20260115": 2,
    }


def test_nothing_behind_a_gap_is_taken() -> None:
    found = numbers(base("20260101"), step("20260108", "20260115"), step("20260115", "20260122"))

    assert found == {
        "baseline-20260101": 0,
        "incrementals/F20260108-T20260115": None,
        "incrementals/F20260115-T20260122": None,
    }


def test_what_is_recorded_leads_on() -> None:
    time = datetime(2026, 1, 8, tzinfo=UTC)
    known = Known("offsite-20260108", time, Link(3, datetime(2025, 1, 1, tzinfo=UTC), time))

    assert numbers(step("20260108", "20260115"), known=(known,)) == {"incrementals/F20260108-T20260115": 4}


def test_behind_a_new_baseline_the_chain_begins_anew() -> None:
    found = numbers(base("20260101"), step("20260101", "20260108"), base("20260108"), step("20260108", "20260115"))

    assert found["incrementals/F20260108-T20260115"] == 1


DAYS = [f"202601{day:02}" for day in range(1, 13)]


@given(st.sets(st.tuples(st.sampled_from(["", *DAYS]), st.sampled_from(DAYS)).filter(lambda one: one[0] < one[1])))
def test_every_link_leads_down_to_a_baseline_and_no_two_times_are_the_same(spans: set[tuple[str, str]]) -> None:
    found = [
        one
        for one in linked((folder(640, stream=Stream("photos", day, begins)) for begins, day in spans), PHOTOS, ())
        if isinstance(one, Linked)
    ]

    by_time = {one.time: one for one in found}
    assert len(by_time) == len(found)
    for one in found:
        if one.link.number and one.link.previous is not None and one.link.full is not None:
            before = by_time[one.link.previous]
            assert (before.link.number, before.span.to) == (one.link.number - 1, one.span.base)
            assert by_time[one.link.full].link.number == 0
        else:
            assert one.span.base == ""


def test_a_time_is_never_later_than_what_was_stored() -> None:
    # Where the day begins before it does in Greenwich.
    early = Folder(Stream("photos", "20260602"), {NAME(1): Stored("x", 640, STORED)})

    (one,) = linked([early], PHOTOS, ())

    assert isinstance(one, Linked)
    assert (one.time - STORED).total_seconds() <= 1


# Archives.


def archive(one: Folder) -> Rebuilt:
    chain = [base("20260101"), one] if one.stream.base else [one]
    found = [link for link in linked(chain, PHOTOS, ()) if isinstance(link, Linked)]
    return taken_over(found[-1], PHOTOS, "nas")


def test_an_archive_says_all_that_opening_and_going_on_takes() -> None:
    found = archive(folder(FULL, 640, stream=Stream("photos", "20260108", "20260101")))

    label, recipe = found.label, found.recipe
    assert recipe is not None
    assert (label.path, label.name, label.host, label.kind, label.container) == (
        *("zfs:tank/home/photos", "photos.zfs", "nas", "dataset", "zfs"),
    )
    assert label.fixed_key == "photos/incrementals/F20260101-T20260108/photos-F20260101-T20260108"
    assert [one.name for one in recipe.steps] == ["zfs", "openssl", "split", "par2"]
    assert span_of(recipe) == parse_span(label.span) == Span("offsite-20260108", "", "offsite-20260101")
    assert str(link_of(recipe)) == label.link
    assert label.seal == f"openssl+split:{FULL}:parts+par2:5"
    assert [(one.number, one.role, one.volume) for one in found.volumes] == [
        *((1, "data", 1), (2, "parity", 1), (3, "parity", 1)),
        *((4, "data", 2), (5, "parity", 2), (6, "parity", 2)),
    ]
    keys = [parse_key(label.fixed_key + one.suffix) for one in found.volumes]
    assert all(key is not None and key.stream == Stream("photos", "20260108", "20260101") for key in keys)


def test_a_stream_of_one_part_may_have_been_cut_at_any_size() -> None:
    recipe = archive(folder(3 * FULL)).recipe

    assert recipe is not None
    assert recipe.steps[2].parameters["volume_size"] == 3 * FULL
