"""Datasets on their way back: what words mean, what streams they take, and where those go."""

from __future__ import annotations

from typing import Any

import pytest

from glacier_backup.errors import UsageError
from glacier_backup.model.increment import Link
from glacier_backup.model.recipe import Recipe
from glacier_backup.model.snapshot import Span, stream_step
from glacier_backup.model.stored import StoredArchive
from glacier_backup.plan.receive import only_datasets, plan_receive
from glacier_backup.plan.restore import RestorePlan, plan_restore
from glacier_backup.plan.words import Word, interpret
from tests.plan.stored import SERVER, Shelves, day

PHOTOS, RAW, MUSIC = "zfs:tank/photos", "zfs:tank/photos/raw", "zfs:other/music"


def add(shelves: Shelves, path: str, at: float, *, full: bool = False, guid: str = "", **values: Any) -> StoredArchive:
    """One more stream of a dataset, which builds on the one before."""
    own = [one for one in shelves.archives if one.path == path and one.host == values.get("host", "nas")]
    last, link, base = own[-1] if own else None, Link(0), ""
    if last is not None and last.link is not None and last.span is not None and not full:
        link, base = Link(last.link.number + 1, last.link.full or last.time, last.time), last.span.to
    span = Span(f"offsite-{len(own)}", guid, base)
    recipe = Recipe((stream_step("zfs", span, link),))
    return shelves.add(path, at, kind="dataset", container="zfs", recipe=recipe, **values)


@pytest.fixture
def shelves() -> Shelves:
    found = Shelves()
    for at in (1, 2, 3):
        for path in (PHOTOS, RAW):
            add(found, path, at)
    add(found, MUSIC, 1)
    found.add("/home/file", 1)
    return found


def planned(shelves: Shelves, *words: str, at: float | None = None) -> RestorePlan:
    terms = [interpret(shelves, Word(word, "/here")) for word in words]
    return plan_restore(shelves, terms, None if at is None else day(at))


def landed(plan: RestorePlan) -> list[str]:
    return [to for _, to in plan.entries]


def received(shelves: Shelves, *words: str, at: float | None = None, target: str = "zfs:new/it") -> list[str]:
    terms = [interpret(shelves, Word(word, "/here")) for word in words]
    plan = plan_restore(shelves, terms, None if at is None else day(at))
    return landed(plan_receive(shelves, plan, terms, target))


def test_a_dataset_is_all_its_streams_and_those_of_what_lies_below(shelves: Shelves) -> None:
    assert landed(planned(shelves, PHOTOS)) == [
        "photos/photos@offsite-0.zfs",
        "photos/photos@offsite-0_offsite-1.zfs",
        "photos/photos@offsite-1_offsite-2.zfs",
        "photos/raw/raw@offsite-0.zfs",
        "photos/raw/raw@offsite-0_offsite-1.zfs",
        "photos/raw/raw@offsite-1_offsite-2.zfs",
    ]
    assert landed(planned(shelves, RAW, at=1)) == ["raw/raw@offsite-0.zfs"]
    assert landed(planned(shelves, f"{RAW}/", at=1)) == ["raw/raw@offsite-0.zfs"]
    assert landed(planned(shelves, "raw.zfs", at=1)) == ["raw/raw@offsite-0.zfs"]
    assert landed(planned(shelves, "zfs:tank/*", at=1)) == [
        "photos/photos@offsite-0.zfs",
        "photos/raw/raw@offsite-0.zfs",
    ]


def test_everything_has_its_full_path_below_the_scheme(shelves: Shelves) -> None:
    assert landed(planned(shelves, at=1)) == [
        "home/file",
        "zfs:/other/music/music@offsite-0.zfs",
        "zfs:/tank/photos/photos@offsite-0.zfs",
        "zfs:/tank/photos/raw/raw@offsite-0.zfs",
    ]


def test_each_stream_is_an_item_of_its_own(shelves: Shelves) -> None:
    items = list(planned(shelves, RAW).items)
    assert [one.archive for one in items] == [2, 4, 6]
    assert {one.chain for one in items} == {()}


def test_an_archive_by_its_number_comes_with_what_it_builds_on(shelves: Shelves) -> None:
    assert landed(planned(shelves, "id:3")) == ["photos/photos@offsite-0.zfs", "photos/photos@offsite-0_offsite-1.zfs"]
    # What both take comes once.
    assert len(landed(planned(shelves, "id:3", "id:5"))) == 3


def test_received_they_follow_each_other_below_the_target(shelves: Shelves) -> None:
    assert received(shelves, PHOTOS) == [
        *(f"zfs:new/it@offsite-{number}" for number in range(3)),
        *(f"zfs:new/it/raw@offsite-{number}" for number in range(3)),
    ]
    assert received(shelves, RAW, at=1) == ["zfs:new/it@offsite-0"]
    assert received(shelves, "id:4") == ["zfs:new/it@offsite-0", "zfs:new/it@offsite-1"]
    assert received(shelves, PHOTOS, RAW, at=1) == ["zfs:new/it@offsite-0", "zfs:new/it/raw@offsite-0"]
    assert received(shelves, PHOTOS, MUSIC, at=1) == [
        "zfs:new/it/other/music@offsite-0",
        "zfs:new/it/tank/photos@offsite-0",
        "zfs:new/it/tank/photos/raw@offsite-0",
    ]


def test_the_order_is_that_of_the_chain_whatever_snapshots_are_called() -> None:
    shelves = Shelves()
    link, base = Link(0), ""
    for at, name in enumerate(["z", "a", "m"]):
        shelves.add(
            PHOTOS,
            at,
            kind="dataset",
            container="zfs",
            recipe=Recipe((stream_step("zfs", Span(name, "", base), link),)),
        )
        link, base = Link(at + 1, day(0), day(at)), name
    assert received(shelves, PHOTOS) == ["zfs:new/it@z", "zfs:new/it@a", "zfs:new/it@m"]


def test_a_gap_is_named_and_the_newest_whole_state_comes(shelves: Shelves) -> None:
    del shelves.archives[2]  # the second of the photos
    plan = planned(shelves, PHOTOS)
    own = [choice for choice, _ in plan.entries if choice.stream is not None and choice.stream.dataset == PHOTOS]
    assert [one.called for one in own] == [f"{PHOTOS}@offsite-0"]
    assert own[0].remark.endswith(f"{PHOTOS}@offsite-1, which {PHOTOS}@offsite-2 builds on, is missing")
    with pytest.raises(UsageError, match=r"offsite-1, which .* is missing"):
        received(shelves, "id:5")
    # As a file what there is comes back all the same, and it is said.
    alone = planned(shelves, "id:5")
    assert landed(alone) == ["photos/photos@offsite-1_offsite-2.zfs"]
    assert any("is missing" in note for note in alone.notes)


def test_what_is_damaged_is_passed_over_and_tried_only_by_its_number() -> None:
    shelves = Shelves()
    add(shelves, PHOTOS, 1, damage="it is gone")
    add(shelves, PHOTOS, 2)
    with pytest.raises(UsageError, match=f"{PHOTOS}@offsite-0 is damaged: it is gone"):
        received(shelves, PHOTOS)
    assert received(shelves, "id:2") == ["zfs:new/it@offsite-0", "zfs:new/it@offsite-1"]
    add(shelves, PHOTOS, 3, full=True)
    assert received(shelves, PHOTOS) == ["zfs:new/it@offsite-2"]


def test_several_chains_of_one_dataset_become_no_dataset(shelves: Shelves) -> None:
    add(shelves, PHOTOS, 4, full=True)
    with pytest.raises(UsageError, match="several chains"):
        received(shelves, "id:5", f"id:{len(shelves.archives)}")
    add(shelves, MUSIC, 5, host="laptop")
    with pytest.raises(UsageError, match="several chains"):
        received(shelves, MUSIC)


def test_the_chain_is_that_of_one_place(shelves: Shelves) -> None:
    for at in (1, 2):
        add(shelves, "zfs:tank/both", at)
    first = [one.id for one in shelves.archives if one.path == "zfs:tank/both"]
    link = Link(0)
    shelves.add(
        "zfs:tank/both", 3, place=SERVER, kind="dataset", container="zfs",
        recipe=Recipe((stream_step("zfs", Span("later"), link),)),
    )  # fmt: skip
    assert received(shelves, "zfs:tank/both") == ["zfs:new/it@later"]
    assert [choice.archive for choice, _ in planned(shelves, "zfs:tank/both", at=2).entries] == first


@pytest.mark.parametrize("word", [f"{PHOTOS}:2019/a.jpg", f"{PHOTOS}/2019/a.jpg", "photos.zfs:a.jpg", "id:1:a.jpg"])
def test_one_file_out_of_a_dataset_gets_told_what_to_do(shelves: Shelves, word: str) -> None:
    with pytest.raises(UsageError, match="as a whole") as found:
        interpret(shelves, Word(word, "/here"))
    assert f"restore {PHOTOS} --to POOL/SCRATCH" in str(found.value.hint)


def test_a_dataset_with_a_colon_in_its_name_is_found_by_that() -> None:
    shelves = Shelves()
    add(shelves, "zfs:tank/a:b", 1)
    assert landed(planned(shelves, "zfs:tank/a:b")) == ["a:b/a:b@offsite-0.zfs"]


def test_a_file_that_is_called_like_one_is_meant_with_its_folder(shelves: Shelves) -> None:
    shelves.add("/here/zfs:tank/photos", 1)
    assert landed(planned(shelves, "./zfs:tank/photos")) == ["photos"]


def test_a_name_that_no_dataset_has_leads_nowhere() -> None:
    shelves = Shelves()
    add(shelves, "zfs:tank/../../etc", 1)
    with pytest.raises(UsageError, match="lead nowhere"):
        planned(shelves)


def test_only_what_is_all_datasets_may_be_received(shelves: Shelves) -> None:
    def meant(*words: str) -> bool:
        return only_datasets(shelves, [interpret(shelves, Word(word, "/here")) for word in words])

    assert meant(PHOTOS, "id:1", "raw.zfs")
    assert not meant(PHOTOS, "/home/file")
    assert not meant()
    with pytest.raises(UsageError, match="isn't known to be a stream"):
        received(shelves, PHOTOS, "/home/file")
