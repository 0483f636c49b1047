"""What goes wrong with a dataset is said in plain words, leaves its chain as it was, and stops nothing else."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from glacier_backup.units import now
from tests.cli.harness import Ran
from tests.roundtrip.changing_folder import Edit
from tests.roundtrip.journey import Journey
from tests.roundtrip.zfs_dataset import RUNS, Dataset, dataset, play
from tests.zfs_fuse.daemon import program
from tests.zfs_fuse.pool import Pool, zfs

Wrapped = Callable[[str], None]


@pytest.fixture
def photos(at_hand: Journey, pool: Pool) -> Dataset:
    """A baseline and an increment, and something to send."""
    made = dataset(at_hand, pool)
    play(made, RUNS[:2])
    made.edit([Edit("write", "large", size=3_000_000)])
    return made


@pytest.fixture
def wrapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wrapped:
    """In front of the real ``zfs`` a shell script: what it does first, with ``$ZFS`` as the real one."""

    def wrap(script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        text = f'#!/bin/bash\nZFS={shlex.quote(program("zfs"))}\nlast="${{@: -1}}"\n{script}\nexec "$ZFS" "$@"\n'
        (folder / "zfs").write_text(text)
        (folder / "zfs").chmod(0o755)
        if not os.environ["PATH"].startswith(str(folder)):
            monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return wrap


def with_others(photos: Dataset, sections: str) -> Ran:
    """A run with those sections, too, and a file."""
    photos.journey.data.mkdir(exist_ok=True)
    (photos.journey.data / "file").write_text("of another section")
    photos.journey.sections(f"{sections}\n[zfs:{photos.made.name}]\n[{photos.journey.data}/file]\n")
    return photos.journey("backup")


def goes_on(photos: Dataset, number: int = 2) -> None:
    """The next run makes that increment, and all comes back."""
    photos.journey.sections(f"[zfs:{photos.made.name}]\n")
    photos.back_up()
    assert f"increment {number}" in photos.ever[-1].reason
    photos.has_come_back()
    assert photos.journey("verify", "--full").code == 0


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("nosuchpool/ds", r"nosuchpool"),
        ("{pool}/nosuch/ds", r"{pool}/nosuch/ds.*(no such|isn't there|doesn't exist|there is no)"),
    ],
)
def test_what_is_not_there_is_told_and_the_others_go_on(photos: Dataset, pool: Pool, section: str, says: str) -> None:
    name = section.replace("{pool}", pool.name)

    ran = with_others(photos, f"[zfs:{name}]\n")

    assert ran.code == 1, ran
    assert re.search(says.replace("{pool}", pool.name), ran.err), ran.err
    assert f"{photos.journey.data}/file" in [one["path"] for one in photos.journey("list", "--json").json]
    assert len(photos.snapshots()) == 3
    photos.edit([Edit("write", "more")])
    goes_on(photos, 3)


@pytest.mark.parametrize("name", ["pool/ds/", "pool//ds", "pool/a:b/", "pool/ds@snap", "-r", "pool/-ds"])
def test_a_name_that_cannot_be_one_is_an_error_of_the_configuration(photos: Dataset, name: str) -> None:
    ran = with_others(photos, f"[zfs:{name}]\n")

    assert ran.code in (1, 2), ran
    assert name.strip("/") in ran.err


def test_without_permission_the_line_to_type_is_told(photos: Dataset, wrapped: Wrapped) -> None:
    wrapped(
        """if [ "$1" = snapshot ]; then
            echo "cannot create snapshot '$last': permission denied" >&2; exit 1; fi"""
    )

    ran = with_others(photos, "")

    assert ran.code == 1, ran
    assert re.search(rf"zfs allow -u \S+ send,snapshot,hold,release,\S+ {photos.made.name}", ran.err), ran.err
    wrapped("")
    goes_on(photos)


def test_a_hold_that_cannot_be_had_is_told_and_does_without(photos: Dataset, wrapped: Wrapped) -> None:
    wrapped('if [ "$1" = hold ]; then echo "cannot hold: permission denied" >&2; exit 1; fi')

    ran = photos.journey("backup")

    assert ran.code == 0, ran
    assert "isn't held" in ran.err
    assert "zfs allow" in ran.err


def test_a_snapshot_that_may_not_be_destroyed_is_told(photos: Dataset, wrapped: Wrapped) -> None:
    photos.journey.sections(f"[zfs:{photos.made.name}]\nkeep_snapshots = 1\n")
    wrapped('if [ "$1" = destroy ]; then echo "cannot destroy snapshots: permission denied" >&2; exit 1; fi')

    ran = photos.journey("backup")

    assert ran.code == 0, ran
    assert "aren't tidied up" in ran.err
    assert "zfs allow" in ran.err


def test_zfs_is_not_installed(photos: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glacier_backup.zfs.command._BESIDES", ())
    monkeypatch.setenv("PATH", "/nonexistent")

    ran = with_others(photos, "")

    assert ran.code == 1, ran
    assert "install" in ran.err
    monkeypatch.undo()
    goes_on(photos)


def test_from_one_date_to_another(at_hand: Journey, pool: Pool) -> None:
    photos = dataset(at_hand, pool, "snapshot = latest\n")
    for day in ("20260101", "20260102", "20260103", "20260104"):
        (photos.top / day).write_text(day)
        photos.made.snapshot(f"offsite-{day}")

    def run(*dates: str) -> Ran:
        return at_hand("backup", "-p", photos.word, *dates)

    assert run("--to-date", "20260101").code == 0
    for words, says in (
        (("--from-date", "20260103", "--to-date", "20260102"), "isn't before 20260102"),
        (("--from-date", "20260102", "--to-date", "20260103"), "the chain would have a gap"),
        (("--from-date", "20260101", "--to-date", "20260109"), "offsite-20260109"),
        (("--from-date", "20251231", "--to-date", "20260103"), "has no snapshot offsite-20251231"),
    ):
        ran = run(*words)
        assert ran.code in (1, 2), ran
        assert says in ran.err, ran.err
    assert run("--from-date", "20260101", "--to-date", "20260103").code == 0
    assert run("--from-date", "20260103").code == 0

    listed = at_hand("list", "--versions", photos.word, "--json").json
    assert [one["recipe"]["steps"][0]["to"][-2:] for one in listed] == ["01", "03", "04"]
    assert photos.looks(photos.received().mounted) == photos.looks(photos.top)


def test_force_begins_a_new_chain(photos: Dataset) -> None:
    ran = photos.journey("backup", "-p", photos.word, "--force", "--json")

    assert ran.code == 0, ran
    assert "increment" not in ran.reasons()[photos.word]
    photos.edit([Edit("write", "more")])
    goes_on(photos, 1)


def test_a_snapshot_that_is_destroyed_between_plan_and_send(photos: Dataset, wrapped: Wrapped) -> None:
    wrapped('if [ "$1" = hold ]; then "$ZFS" destroy "$last"; fi')

    ran = with_others(photos, "")

    assert ran.code == 1, ran
    assert photos.made.name in ran.err
    wrapped("")
    goes_on(photos)


@pytest.mark.parametrize("dies", ["kill -9 $$", "exit 1", "echo internal error >&2; exit 255"])
def test_a_send_that_breaks_off_leaves_nothing_that_counts(photos: Dataset, wrapped: Wrapped, dies: str) -> None:
    wrapped(f'if [ "$1" = send ] && [ $# -gt 1 ]; then "$ZFS" "$@" | head -c 1500000; {dies}; fi')

    ran = with_others(photos, "")

    assert ran.code == 1, ran
    assert photos.made.name in ran.err
    assert len(photos.journey("list", "--versions", photos.word, "--json").json) == 2
    wrapped("")
    goes_on(photos)


def test_a_send_that_says_nothing_is_no_empty_archive(photos: Dataset, wrapped: Wrapped) -> None:
    wrapped('if [ "$1" = send ] && [ $# -gt 1 ]; then exit 1; fi')

    assert with_others(photos, "").code == 1

    wrapped("")
    goes_on(photos)


def test_a_snapshot_that_is_needed_is_gone(photos: Dataset) -> None:
    for name in photos.snapshots():
        photos.let_go(name)
        zfs("destroy", f"{photos.made.name}@{name}")

    photos.back_up()

    assert "increment" not in photos.ever[-1].reason
    photos.has_come_back()
    photos.has_come_back(time=1)


def test_the_destination_is_newer_than_what_is_here(photos: Dataset) -> None:
    first, second = photos.snapshots()
    photos.let_go(second)
    zfs("rollback", "-r", f"{photos.made.name}@{first}")
    photos.journey.sections(f"[zfs:{photos.made.name}]\nsnapshot = latest\n")

    ran = photos.journey("backup")

    assert ran.code == 1, ran
    assert f"older than {second}, which is stored already" in ran.err
    photos.edit([Edit("write", "after")])
    goes_on(photos, 1)


def test_the_clock_was_set_back(photos: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glacier_backup.workflow.sending.spans.now", lambda: now() - timedelta(days=400))

    ran = with_others(photos, "")

    assert ran.code == 1, ran
    assert "the clock says" in ran.err
    monkeypatch.undo()
    goes_on(photos)


def test_a_snapshot_that_something_holds_stays(photos: Dataset) -> None:
    first, _ = photos.snapshots()
    zfs("hold", "mine", f"{photos.made.name}@{first}")
    photos.journey.sections(f"[zfs:{photos.made.name}]\nkeep_snapshots = 1\n")

    photos.back_up()

    assert first in photos.snapshots()
    zfs("release", "mine", f"{photos.made.name}@{first}")


def test_a_dataset_that_is_there_is_not_received_over(photos: Dataset, pool: Pool) -> None:
    theirs = pool.filesystem("theirs")
    (theirs.mounted / "file").write_text("theirs")

    ran = photos.journey("restore", photos.word, "--to", theirs.name)

    assert ran.code == 1, ran
    assert theirs.name in ran.err
    assert (theirs.mounted / "file").read_text() == "theirs"


def test_a_pool_to_receive_into_that_is_not_there(photos: Dataset) -> None:
    ran = photos.journey("restore", photos.word, "--to", "nosuchpool/new")

    assert ran.code == 1, ran
    assert "nosuchpool" in ran.err


def test_one_file_out_of_it_says_what_to_do(photos: Dataset, tmp_path: Path) -> None:
    ran = photos.journey("restore", f"{photos.word}:large", "--to", tmp_path / "out")

    assert ran.code in (1, 2), ran
    assert "one file can't be taken out of the streams" in ran.err
