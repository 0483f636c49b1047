"""A catalog on a network share does without shared memory, and says that it lies there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from glacier_backup import mounts
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.database import Database
from glacier_backup.catalog.opening import open_writable
from tests.catalog.inside import soundness
from tests.catalog.processes import running_module
from tests.catalog.shared_folder import shared_folder
from tests.catalog.steps import AFTER, STEPS, before, state, take
from tests.catalog.values import a_member, an_archive, filled


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Path]:
    """An empty folder on a file system of the type fuse.sshfs."""
    folder = tmp_path / "share"
    folder.mkdir()
    try:
        with shared_folder(folder):
            yield folder
    except OSError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def everything_is_on(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the table of mounts say so; without a type there is no table."""
    table = tmp_path / "mountinfo"
    if kind:
        table.write_text(f"22 1 0:21 / / rw,relatime shared:1 - {kind} server:/x rw\n")
    monkeypatch.setattr(mounts, "_TABLE", table)


def settings(database: Database) -> list[object]:
    def ask(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "locking_mode")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    return database.read(ask)


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuse.rclone", "9p", "virtiofs", "vboxsf"]
)
def test_a_share_gets_a_rollback_journal_and_one_warning(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    everything_is_on(kind, tmp_path, monkeypatch)

    with closing(open_writable(path)) as database:
        assert settings(database) == ["delete", 2, 1, "normal"]
        (warning,) = database.warnings
    with Catalog.open(path) as catalog:
        assert catalog.warnings == (warning,)

    assert warning.startswith(f"the catalog {path} lies on a ")
    assert f"({kind})" in warning
    assert "better name a file on a local disk in `catalog`" in warning


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "fuseblk", "fuse.mergerfs", ""])
def test_a_local_disk_gets_a_log_and_no_warning(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    everything_is_on(kind, tmp_path, monkeypatch)

    with closing(open_writable(path)) as database:
        assert settings(database) == ["wal", 2, 1, "normal"]
        assert database.warnings == ()


def test_a_look_warns_of_nothing(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Catalog.open(path).close()
    everything_is_on("nfs4", tmp_path, monkeypatch)

    with Catalog.peek(path) as catalog:
        assert catalog.warnings == ()


def test_a_catalog_is_made_and_used_on_a_real_share(share: Path) -> None:
    path = str(share / "catalog.sqlite3")

    with Catalog.open(path) as catalog:
        assert "a network share (fuse.sshfs)" in catalog.warnings[0]
        place = filled(catalog, an_archive("/srv/first"), an_archive("/srv/second"))
        with Catalog.peek(path) as looked:
            assert set(looked.last_sent(place, ["/srv/first", "/srv/second"])) == {"/srv/first", "/srv/second"}
        assert os.listdir(share) == ["catalog.sqlite3"]
    with Catalog.open(path) as catalog:
        assert [listed.path for listed in catalog.archives()] == ["/srv/first", "/srv/second"]

    assert os.listdir(share) == ["catalog.sqlite3"]
    assert soundness(path) == []


def test_a_catalog_that_was_moved_to_a_share_is_switched_and_back(path: str, share: Path) -> None:
    moved = str(share / "catalog.sqlite3")
    with Catalog.open(path) as catalog:
        filled(catalog, an_archive("/srv/first"))
    shutil.copy(path, moved)

    with Catalog.open(moved) as catalog:
        filled(catalog, an_archive("/srv/second"))
    assert os.listdir(share) == ["catalog.sqlite3"]
    shutil.copy(moved, path)

    with closing(open_writable(path)) as database:
        assert settings(database)[0] == "wal"
    with Catalog.open(path) as catalog:
        assert [listed.path for listed in catalog.archives()] == ["/srv/first", "/srv/second"]


def test_a_log_left_open_by_a_killed_process_is_kept_when_it_was_moved_to_a_share(path: str, share: Path) -> None:
    with running_module("tests.catalog.steps", path, "stored", "after") as process:
        process.kill()
        process.wait()
    for suffix in ("", "-wal"):
        shutil.copy(path + suffix, share)

    with Catalog.peek(str(share / "catalog.sqlite3")) as catalog:
        assert state(catalog) == AFTER["stored"]
    assert sorted(os.listdir(share)) == ["catalog.sqlite3", "catalog.sqlite3-wal"]
    with Catalog.open(str(share / "catalog.sqlite3")) as catalog:
        assert state(catalog) == AFTER["stored"]

    assert os.listdir(share) == ["catalog.sqlite3"]


@pytest.mark.parametrize("where", ["after", "inside"])
@pytest.mark.parametrize("step", STEPS)
def test_a_process_killed_on_a_share_leaves_what_it_had_recorded(share: Path, step: str, where: str) -> None:
    path = str(share / "catalog.sqlite3")
    with running_module("tests.catalog.steps", path, step, where) as process:
        process.kill()
        process.wait()

    reached = AFTER[step if where == "after" else before(step)]
    with Catalog.peek(path) as catalog:
        assert state(catalog) == reached
    with Catalog.open(path) as catalog:
        assert state(catalog) == reached
    assert soundness(path) == []


def test_a_look_at_a_half_written_catalog_sees_the_state_before_and_changes_nothing(
    share: Path, tmp_path: Path
) -> None:
    path = str(share / "catalog.sqlite3")
    with running_module("tests.catalog.steps", path, "completing", "midway") as process:
        process.kill()
        process.wait()
    left = {name: (share / name).read_bytes() for name in os.listdir(share)}
    assert len(left["catalog.sqlite3-journal"]) > 0

    with Catalog.peek(path) as catalog:
        assert state(catalog) == AFTER["opened"]
    assert {name: (share / name).read_bytes() for name in os.listdir(share)} == left

    with Catalog.open(path) as catalog:
        assert state(catalog) == AFTER["opened"]
        take(catalog, "completing")
        assert list(catalog.members(1)) == [a_member()]
    assert soundness(path) == []
