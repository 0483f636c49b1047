"""Datasets received: in order, once each, and only what has proved right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from glacier_backup.destination.aws.access import Access
from glacier_backup.destination.destination import Destination
from glacier_backup.destination.glacier import Glacier
from glacier_backup.destination.local import Local
from glacier_backup.errors import LockHeld, TargetError, UsageError
from glacier_backup.model.restore import RestoreItem
from glacier_backup.model.stored import StoredArchive
from glacier_backup.seal.keys import Keys
from glacier_backup.units import MIB, now
from glacier_backup.workflow import prune
from glacier_backup.workflow.restore import forget_restore
from glacier_backup.workflow.restoring.tools import RestoreTools
from tests.vault_server.process import VaultServer
from tests.workflow.datasets import CHILD, PATH, Datasets
from tests.workflow.rot import Rotten
from tests.workflow.seals import VOLUME, chain

LARGE = 3 * MIB + 17
"""Characters of a content, for a stream of which most has gone before the last of it is held back."""


@pytest.fixture
def datasets(tmp_path: Path) -> Datasets:
    return Datasets(tmp_path / "library", lambda: Local(str(tmp_path / "vault"), create=True), concurrency=2)


def grow(datasets: Datasets, size: int = 10, times: int = 3) -> list[str]:
    """What the dataset was at each backup."""
    states = [str(number) * size for number in range(times)]
    for state in states:
        datasets.send(state, f"child of {state[:1]}")
    return states


def archives(datasets: Datasets, path: str = PATH) -> list[StoredArchive]:
    with datasets.catalog() as catalog:
        return sorted((one for one in datasets.archives(catalog) if one.path == path), key=lambda one: one.id)


def rotten(archive: StoredArchive, first: int = 0, last: int = 5) -> Callable[[Destination], Destination]:
    return lambda really: Rotten(really, {one.locator: (first, last) for one in archive.volumes})


def test_a_chain_is_received_as_it_was_sent_with_what_lies_below(datasets: Datasets) -> None:
    states = grow(datasets)

    summary = datasets.receive(PATH)

    assert (summary.exit_code, summary.count("restored")) == (0, 6)
    assert datasets.receiver.state("new/photos") == states[-1]
    assert datasets.receiver.state("new/photos/raw") == "child of 2"
    assert datasets.receiver.begun == ["new/photos"] * 3 + ["new/photos/raw"] * 3
    assert not datasets.target.joinpath(".glacier-backup-restore").exists()


def test_each_time_is_received_with_what_it_builds_on(datasets: Datasets) -> None:
    states = grow(datasets)
    for number, state in enumerate(states):
        target = f"zfs:new/at-{number}"
        assert datasets.receive(PATH, at=datasets.sent[number], target=target).exit_code == 0
        assert datasets.receiver.state(f"new/at-{number}") == state
        assert len(datasets.receiver.names(f"new/at-{number}")) == number + 1


def test_what_is_there_already_is_not_received_again(datasets: Datasets) -> None:
    grow(datasets, times=2)
    datasets.receive(PATH)
    datasets.send("later", "later, too")
    datasets.receiver.begun.clear()

    assert datasets.receive(PATH).exit_code == 0

    assert datasets.receiver.begun == ["new/photos", "new/photos/raw"]
    assert datasets.receiver.state("new/photos") == "later"


@pytest.mark.parametrize("nth", [1, 2, 4, 6])
@pytest.mark.parametrize("where", ["before the end", "after it"])
def test_killed_at_any_stream_the_same_command_goes_on(datasets: Datasets, nth: int, where: str) -> None:
    class Killed(BaseException):
        pass

    states, receiver = grow(datasets), datasets.receiver
    finished = 0

    def die() -> None:
        nonlocal finished
        finished += 1
        if finished == nth and where == "before the end":
            raise Killed
        if finished == nth + 1 and where == "after it":
            raise Killed

    receiver.on_finish = die
    try:
        code = datasets.receive(PATH).exit_code
        assert (nth, where, code) == (6, "after it", 0)
    except Killed:
        pass
    receiver.on_finish = lambda: None
    there = sum(map(len, receiver.datasets.values()))
    receiver.begun.clear()

    assert datasets.receive(PATH).exit_code == 0
    assert receiver.state("new/photos") == states[-1]
    assert len(receiver.begun) == 6 - there


def test_what_is_damaged_in_its_middle_never_becomes_a_snapshot(datasets: Datasets) -> None:
    states = grow(datasets, LARGE)

    summary = datasets.receive(PATH, change=rotten(archives(datasets)[1], 2 * MIB, 2 * MIB + 3))

    assert summary.exit_code == 5
    assert datasets.receiver.names("new/photos") == [archives(datasets)[0].span.to]  # type: ignore[union-attr]  # it has one
    assert datasets.receiver.state("new/photos") == states[0]
    # What is below is a chain of its own.
    assert datasets.receiver.state("new/photos/raw") == "child of 2"
    assert "it can't be received without zfs:new/photos@" in datasets.causes()
    assert summary.count("damaged") == 2


def test_without_digests_of_each_mib_it_is_the_end_that_is_held_back(datasets: Datasets) -> None:
    grow(datasets, LARGE, times=1)
    datasets.sql("UPDATE volumes SET leaves = NULL")

    summary = datasets.receive(PATH, change=rotten(archives(datasets)[0], 1000, 1001))

    assert summary.exit_code == 5
    assert datasets.receiver.taken > 2 * MIB
    assert "new/photos" not in datasets.receiver.datasets
    with pytest.raises(UsageError, match=r"is damaged: .* its tree hash is"):
        datasets.plan(PATH)
    # Tried all the same, it is found to be right.
    assert datasets.receive(f"id:{archives(datasets)[0].id}").exit_code == 0
    assert datasets.receiver.state("new/photos") == "0" * LARGE


def test_what_zfs_finds_to_be_wrong_first_is_damage_all_the_same(datasets: Datasets) -> None:
    grow(datasets, LARGE, times=1)
    datasets.sql("UPDATE volumes SET leaves = NULL")

    def refuse(count: int) -> None:
        raise TargetError("invalid stream (checksum mismatch)")

    datasets.receiver.on_write = refuse
    assert datasets.receive(PATH).exit_code == 1
    assert datasets.receive(PATH, change=rotten(archives(datasets)[0], 1000, 1001)).exit_code == 5
    assert "its tree hash is" in datasets.causes()


def test_the_newest_whole_state_comes_where_a_link_is_damaged(datasets: Datasets) -> None:
    states = grow(datasets)
    assert datasets.receive(PATH, change=rotten(archives(datasets)[1])).exit_code == 5

    plan = datasets.plan(PATH, target="zfs:new/other")

    own = [choice for choice, _ in plan.entries if choice.stream is not None and choice.stream.dataset == PATH]
    assert [one.archive for one in own] == [archives(datasets)[0].id]
    assert "is damaged" in own[0].remark
    assert any("newest archive is known to be damaged" in note for note in plan.notes)
    assert datasets.receive(PATH).exit_code == 0
    assert datasets.receiver.state("new/photos") == states[0]


def test_a_gap_is_named_before_anything_is_asked_for(datasets: Datasets) -> None:
    grow(datasets)
    first, second, third = archives(datasets)
    with datasets.catalog() as catalog:
        catalog.forget_archives([second.id])

    with pytest.raises(UsageError, match=rf"{PATH}@{second.span.to}, which .*@{third.span.to} builds on, is missing"):  # type: ignore[union-attr]  # they have one
        datasets.plan(f"id:{third.id}")
    plan = datasets.plan(PATH)
    own = [choice for choice, _ in plan.entries if choice.stream is not None and choice.stream.dataset == PATH]
    assert [one.archive for one in own] == [first.id]
    assert f"@{second.span.to}, which" in own[0].remark  # type: ignore[union-attr]  # it has one


def test_one_dataset_that_is_lost_keeps_none_of_the_others(datasets: Datasets) -> None:
    grow(datasets, times=1)
    lost = archives(datasets, CHILD)[0]
    assert datasets.receive(PATH, change=rotten(lost)).exit_code == 5

    plan = datasets.plan(PATH, target="zfs:new/other")

    assert [to for _, to in plan.entries] == [f"zfs:new/other@{archives(datasets)[0].span.to}"]  # type: ignore[union-attr]  # it has one
    assert plan.refused == 1
    assert plan.loads.hot.volumes == 1
    assert any(f"left out, for it can't be received: {CHILD}" in note for note in plan.notes)
    assert datasets.receive(PATH, target="zfs:new/other").exit_code == 0
    with pytest.raises(UsageError, match="is damaged"):
        datasets.plan(CHILD, target="zfs:new/other")


def test_what_lies_in_a_dataset_that_is_lost_is_left_out_too(datasets: Datasets) -> None:
    grow(datasets, times=1)
    lost = archives(datasets)[0]
    assert datasets.receive(PATH, change=rotten(lost)).exit_code == 5

    with pytest.raises(UsageError, match="is damaged"):
        datasets.plan(PATH, target="zfs:new/other")
    plan = datasets.plan(CHILD, target="zfs:new/other")
    assert (len(plan.entries), plan.refused) == (1, 0)


@pytest.mark.parametrize("names", ["openssl", "zstd age", "split age par2"])
def test_what_is_sealed_is_received_as_it_was(datasets: Datasets, tmp_path: Path, names: str) -> None:
    datasets.chain, datasets.keys = chain(names, tmp_path)
    states = grow(datasets, 3 * VOLUME, times=2)

    assert datasets.receive(PATH).exit_code == 0
    assert datasets.receiver.state("new/photos") == states[-1]


@pytest.mark.parametrize("names", ["openssl", "split openssl"])
def test_a_wrong_password_makes_no_snapshot_and_the_right_one_does(
    datasets: Datasets, tmp_path: Path, names: str
) -> None:
    datasets.chain, right = chain(names, tmp_path)
    states = grow(datasets, LARGE, times=2)
    datasets.keys = Keys(password=lambda: "another one")

    assert datasets.receive(PATH).exit_code == 1
    assert datasets.receiver.datasets == {"new": []}
    assert "password is wrong" in datasets.causes()
    datasets.keys = right
    assert datasets.receive(PATH).exit_code == 0
    assert datasets.receiver.state("new/photos") == states[-1]


def test_what_is_damaged_is_mended_by_its_parity_on_the_way(datasets: Datasets, tmp_path: Path) -> None:
    datasets.chain, datasets.keys = chain("split age par2", tmp_path)
    states = grow(datasets, 3 * VOLUME, times=2)
    one = archives(datasets)[0].volumes[1]

    summary = datasets.receive(PATH, change=lambda really: Rotten(really, {one.locator: (5000, 8000)}))

    assert summary.exit_code == 0, datasets.causes()
    assert datasets.receiver.state("new/photos") == states[-1]
    assert "mended by its parity" in datasets.warnings()
    assert not list(datasets.folder.glob("scratch/*"))


def test_what_cannot_be_mended_is_told_in_the_same_words_each_time(datasets: Datasets, tmp_path: Path) -> None:
    datasets.chain, datasets.keys = chain("split age par2", tmp_path)
    grow(datasets, 3 * VOLUME, times=1)
    everywhere = {one.locator: (0, 10**9) for one in archives(datasets)[0].objects}
    told = []
    for _ in range(3):
        assert datasets.receive(PATH, change=lambda really: Rotten(really, everywhere)).exit_code == 5
        told.append(archives(datasets)[0].volumes[0].damage or "")
    assert told == told[:1] * 3
    assert told[0].count("it can't be mended") == told[0].count(archives(datasets)[0].volumes[0].locator) == 1


def test_no_key_at_all_is_said_before_anything_is_asked_for(datasets: Datasets, tmp_path: Path) -> None:
    datasets.chain, _ = chain("age", tmp_path)
    grow(datasets, times=1)

    assert datasets.receive(PATH).exit_code == 1
    assert "no identity" in datasets.causes()
    assert datasets.receiver.begun == []


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ({"new": [], "new/photos": []}, "is there already, and has no snapshot of zfs:tank/photos"),
        ({}, "there is no new"),
    ],
)
def test_a_target_that_cannot_be_is_refused_before_anything_is_asked_for(
    datasets: Datasets, there: dict[str, list[object]], words: str
) -> None:
    grow(datasets, times=1)
    datasets.receiver.datasets = there  # type: ignore[assignment]  # empty lists

    with pytest.raises(TargetError, match=words):
        datasets.receive(PATH)
    with datasets.catalog() as catalog:
        assert list(catalog.restores()) == []
    assert datasets.receiver.begun == []


def test_snapshots_of_the_same_names_are_not_taken_for_what_was_sent_without_guids(datasets: Datasets) -> None:
    """As zfs-to-aws calls those of all datasets alike."""
    states = grow(datasets, times=2)
    datasets.sql("UPDATE archives SET recipe = json_remove(recipe, '$.steps[0].guid')")
    assert {one.span.guid for one in archives(datasets) if one.span is not None} == {""}
    datasets.receiver.datasets["new/other"] = [
        (one._replace(guid="f" * 16), "another's")
        for one in datasets.pool.snapshots(PATH)  # called alike
    ]
    with pytest.raises(TargetError, match="whether they are the same nobody can tell"):
        datasets.receive(PATH, target="zfs:new/other")

    for _ in range(2):  # what this program has received itself is known again
        assert datasets.receive(PATH).exit_code == 0
        assert datasets.receiver.state("new/photos") == states[-1]
    assert len(datasets.receiver.begun) == 4


def test_what_somebody_else_has_half_received_is_left_alone(datasets: Datasets) -> None:
    grow(datasets, times=1)
    datasets.receive(PATH)
    datasets.send("more")
    datasets.receiver.half = "new/photos"
    with pytest.raises(TargetError, match="not ended it"):
        datasets.receive(PATH)


def test_two_restores_into_one_dataset_are_refused(datasets: Datasets) -> None:
    grow(datasets, times=1)
    datasets.receiver.is_locked = True
    with pytest.raises(LockHeld):
        datasets.receive(PATH)


def test_a_dataset_that_was_destroyed_meanwhile_is_received_anew(datasets: Datasets) -> None:
    states = grow(datasets)

    def full() -> None:
        if len(datasets.receiver.begun) == 5:
            raise TargetError("out of space")

    datasets.receiver.on_finish = full
    assert datasets.receive(PATH).exit_code == 1
    datasets.receiver.on_finish = lambda: None
    del datasets.receiver.datasets["new/photos"], datasets.receiver.datasets["new/photos/raw"]

    assert datasets.receive(PATH).exit_code == 0
    assert datasets.receiver.state("new/photos") == states[-1]


def test_what_follows_waits_for_what_failed_and_what_lies_below_too(datasets: Datasets) -> None:
    grow(datasets)

    def full() -> None:
        if len(datasets.receiver.begun) == 2:
            raise TargetError("out of space", hint="make room")

    datasets.receiver.on_finish = full
    summary = datasets.receive(PATH)

    assert (summary.exit_code, summary.count("failed"), summary.count("restored")) == (1, 1, 1)
    assert datasets.receiver.begun == ["new/photos"] * 2
    assert "out of space" in datasets.causes()


def test_a_stream_of_another_snapshot_is_not_received(datasets: Datasets) -> None:
    grow(datasets, times=1)
    datasets.sql("UPDATE archives SET recipe = replace(recipe, '00000000000000a0', '00000000000000ff')")
    assert datasets.receive(PATH).exit_code == 5
    assert "is a stream of the snapshot with guid" in datasets.causes()
    assert "new/photos" not in datasets.receiver.datasets


def test_a_child_alone_takes_the_name_itself(datasets: Datasets) -> None:
    grow(datasets)
    assert datasets.receive(CHILD, target="zfs:new/raw").exit_code == 0
    assert datasets.receiver.state("new/raw") == "child of 2"


def test_what_is_cold_is_asked_for_in_one_pass_and_received_in_order(
    vault_server: VaultServer, vault: str, tmp_path: Path
) -> None:
    vault_server.control(job_delay=3600)
    access = Access(endpoint_url=vault_server.endpoint_url)
    cold = Datasets(tmp_path / "library", lambda: Glacier(vault, "-", access, 3))
    states = grow(cold, times=2)

    codes = [cold.receive(PATH).exit_code, cold.receive(PATH).exit_code]
    asked = len(vault_server.retrieved(vault))
    vault_server.control(finish_jobs=True)
    codes += [cold.receive(PATH).exit_code]
    vault_server.control(job_delay=0)

    assert (codes, asked) == ([75, 75, 0], 4)
    assert sorted(one[0] for one in vault_server.retrieved(vault)) == sorted(
        one.id for one in vault_server.archives(vault)
    )
    assert cold.receiver.state("new/photos") == states[-1]


def test_while_it_waits_nothing_of_it_is_pruned_and_giving_it_up_leaves_what_is_there(datasets: Datasets) -> None:
    grow(datasets, times=2)

    def full() -> None:
        if len(datasets.receiver.begun) == 2:
            raise TargetError("out of space")

    datasets.receiver.on_finish = full
    datasets.receive(PATH)
    with datasets.catalog() as catalog:
        (record,) = catalog.restores()
        assert archives(datasets)[1].id in prune._wanted(catalog, now())
        tools = RestoreTools(catalog, lambda place: datasets.connect(), {}, receiver=datasets.receiver)
        forget_restore(record, tools)
        assert list(catalog.restores()) == []
    assert len(datasets.receiver.names("new/photos")) == 1


def test_into_a_directory_the_streams_come_back_as_files(datasets: Datasets) -> None:
    grow(datasets)
    plan = datasets.plan(PATH, target="")
    names = [one.span for one in archives(datasets)]

    assert datasets.restore(list(plan.items)).exit_code == 0, datasets.causes()

    there = sorted(str(path.relative_to(datasets.target)) for path in datasets.target.rglob("*") if path.is_file())
    a, b, c = (one.to for one in names if one is not None)
    assert there == sorted(
        f"photos/{name}"
        for stem in ("photos", "raw/raw")
        for name in (f"{stem}@{a}.zfs", f"{stem}@{a}_{b}.zfs", f"{stem}@{b}_{c}.zfs")
    )
    assert datasets.restore(list(plan.items)).fetched == 0


def test_items_are_the_same_restore_again(datasets: Datasets) -> None:
    grow(datasets)
    items = list(datasets.plan(PATH).items)
    assert [one.chain for one in items] == [()] * 6
    assert items[0] == RestoreItem(archives(datasets)[0].id, f"zfs:new/photos@{archives(datasets)[0].span.to}")  # type: ignore[union-attr]  # it has one
