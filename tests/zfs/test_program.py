"""Datasets and snapshots, of real ZFS."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError, SourceMissing, SourceUnavailable
from glacier_backup.model.snapshot import Span
from glacier_backup.zfs import SendOptions, Zfs
from tests.zfs_fuse.pool import Pool, zfs


def test_datasets_below_come_behind_the_one_asked_for_by_name(pool: Pool) -> None:
    made = pool.filesystem()
    for name in ("b", "a", "a b", "a/c"):
        made.child(name)
    made.snapshot("x", "-r")
    found = Zfs().datasets(made.name, recursive=True)
    assert [one.name.removeprefix(made.name) for one in found] == ["", "/a", "/a/c", "/a b", "/b"]
    assert [one.kind for one in found] == ["filesystem"] * 5
    assert all(one.is_encrypted is None for one in found)
    assert [one.name for one in Zfs().datasets(made.name, recursive=False)] == [made.name]


def test_how_much_a_dataset_holds_is_told_in_bytes(pool: Pool) -> None:
    made = pool.filesystem()
    (made.mounted / "file").write_bytes(os.urandom(1_000_000))
    made.snapshot("x")  # which waits until it is on the disk
    assert 1_000_000 < Zfs().datasets(made.name, recursive=False)[0].referenced < 1_500_000


def test_snapshots_come_in_the_order_of_their_creation(pool: Pool) -> None:
    made = pool.filesystem()
    child = made.child("below")
    for name in ("offsite-20260301", "b", "a:1 c"):
        made.snapshot(name)
    child.snapshot("other")
    zfs("rename", f"{made.name}@b", "0")
    found = Zfs().snapshots(made.name)
    assert [one.name for one in found] == ["offsite-20260301", "0", "a:1 c"]
    assert sorted(one.order for one in found) == [one.order for one in found]
    assert all(abs(one.created_at - datetime.now(UTC)) < timedelta(minutes=5) for one in found)
    assert f"{int(zfs('get', '-Hp', '-o', 'value', 'guid', f'{made.name}@0')):016x}" == found[1].guid
    assert Zfs().snapshots(child.name)[0].name == "other"


def test_a_dataset_without_snapshots_has_none(pool: Pool) -> None:
    assert Zfs().snapshots(pool.filesystem().name) == []


def test_snapshots_of_all_below_are_of_one_moment(pool: Pool) -> None:
    made = pool.filesystem()
    child = made.child("below")
    Zfs().take(made.name, "x", recursive=True)
    (one,), (other,) = Zfs().snapshots(made.name), Zfs().snapshots(child.name)
    assert one.order == other.order
    Zfs().take(made.name, "y", recursive=False)
    assert len(Zfs().snapshots(child.name)) == 1


def test_taking_one_that_there_is_fails(pool: Pool) -> None:
    made = pool.filesystem()
    made.snapshot("x")
    with pytest.raises(SourceError, match=f"zfs:{made.name}: .*dataset already exists"):
        Zfs().take(made.name, "x", recursive=False)


def test_a_hold_keeps_a_snapshot_until_it_is_released(pool: Pool) -> None:
    made = pool.filesystem()
    made.snapshot("x")
    own = Zfs()
    own.hold(made.name, "x", "glacier-backup:main")
    own.hold(made.name, "x", "glacier-backup:main")
    with pytest.raises(SourceError, match="dataset is busy") as caught:
        own.destroy(made.name, "x")
    assert f"-o name,userrefs {made.name}" in str(caught.value.hint)
    own.release(made.name, "x", "glacier-backup:main")
    own.release(made.name, "x", "glacier-backup:main")
    own.destroy(made.name, "x")
    own.destroy(made.name, "x")
    own.release(made.name, "x", "glacier-backup:main")
    assert own.snapshots(made.name) == []


def test_one_that_was_cloned_stays(pool: Pool) -> None:
    made = pool.filesystem()
    zfs("clone", made.snapshot("x"), pool.unused("clone"))
    with pytest.raises(SourceError, match="has dependent clones") as caught:
        Zfs().destroy(made.name, "x")
    assert "promote or destroy the clone" in str(caught.value.hint)


def test_holding_what_is_not_there_fails(pool: Pool) -> None:
    made = pool.filesystem()
    with pytest.raises(SourceMissing, match=f"^zfs:{made.name}: its snapshot x isn't there"):
        Zfs().hold(made.name, "x", "glacier-backup")


def test_zfs_fuse_tells_neither_what_was_written_nor_how_long_a_stream_will_be(pool: Pool) -> None:
    made = pool.filesystem()
    made.snapshot("x")
    assert Zfs().written(made.name, "x") is None
    assert Zfs().size(made.name, Span("x"), SendOptions()) is None
    assert Zfs().resume_token(made.name) is None


Ask = Callable[[str], object]
_ASKED: dict[str, Ask] = {
    "datasets": lambda name: Zfs().datasets(name, recursive=True),
    "snapshots": lambda name: Zfs().snapshots(name),
    "take": lambda name: Zfs().take(name, "x", recursive=False),
    "hold": lambda name: Zfs().hold(name, "x", "tag"),
}


@pytest.mark.parametrize("asked", _ASKED)
def test_a_pool_that_is_not_there_is_told_from_a_dataset(asked: str, pool: Pool) -> None:
    with pytest.raises(SourceMissing, match=r"^zfs:nopool/photos: there is no pool nopool here$") as caught:
        _ASKED[asked]("nopool/photos")
    assert "zpool import nopool" in str(caught.value.hint)
    with pytest.raises(SourceMissing, match=f"^zfs:{pool.name}/nothing: there is no such dataset$") as caught:
        _ASKED[asked](f"{pool.name}/nothing")
    assert f"zfs list -r {pool.name}" in str(caught.value.hint)


@pytest.mark.parametrize("asked", _ASKED)
def test_a_name_that_is_none_starts_no_process(asked: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "zfs"
    program.write_text("#!/bin/sh\n>>$0.called\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("-r", "tank/photos/", "tank/photos@x", "tank/$(reboot)", ""):
        with pytest.raises(SourceError):
            _ASKED[asked](name)
    assert os.listdir(tmp_path) == ["zfs"]


def test_where_no_zfs_is_installed_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("glacier_backup.zfs.command._BESIDES", ())
    with pytest.raises(SourceUnavailable, match="zfs isn't installed") as caught:
        Zfs().snapshots("tank/photos")
    assert "zfsutils-linux" in str(caught.value.hint)


def test_zfs_is_found_where_the_path_of_cron_does_not_reach(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pool.filesystem()
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert Zfs().snapshots(made.name) == []


def test_a_program_that_can_not_be_run_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "zfs"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceUnavailable, match="can't be run"):
        Zfs().snapshots("tank/photos")


def test_several_threads_may_ask_at_a_time(pool: Pool) -> None:
    made = [pool.filesystem() for _ in range(4)]
    for one in made:
        one.snapshot("x")
    own = Zfs()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda one: own.snapshots(one.name), made))
    assert [[one.name for one in each] for each in found] == [["x"]] * 4


def test_asking_is_quick(pool: Pool) -> None:
    made = pool.filesystem()
    made.snapshot("x")
    own = Zfs()
    own.snapshots(made.name)
    began = time.perf_counter()
    own.snapshots(made.name)
    assert time.perf_counter() - began < 1.0
