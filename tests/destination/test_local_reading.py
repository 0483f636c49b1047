"""What is stored in a directory, read by locators that nobody has checked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from glacier_backup.destination.directories.marker import MARKER
from glacier_backup.destination.local import Local
from glacier_backup.errors import DestinationError, DestinationUnavailable, VolumeMissing
from glacier_backup.model.thaw import Thaw, ThawRequest
from tests.contract.sending import begin, nothing, send
from tests.streams import BytesStream

INVENTORY = Thaw(None, "", "ready")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "vault"


@pytest.fixture
def local(root: Path) -> Iterator[Local]:
    root.mkdir()
    with closing(Local(str(root), create=True)) as made:
        yield made


def read(local: Local, locator: str) -> bytes:
    buffer = memoryview(bytearray(100))
    return bytes(buffer[: local.fetch(Thaw(locator, "", "ready"), 0, buffer, nothing)])


def listed(local: Local) -> list[str]:
    return sorted(one.locator for one in local.inventory(INVENTORY, nothing))


def test_a_link_is_followed_nowhere(local: Local, root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"secret")
    (root / "file").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path / "folder")

    for locator in ("file", "folder/file"):
        with pytest.raises(DestinationError):
            read(local, locator)
        with pytest.raises(DestinationError):
            local.thaw(ThawRequest(locator), nothing)
    local.delete("folder/file", nothing)
    local.delete("file", nothing)

    assert (tmp_path / "folder" / "file").exists()
    assert (tmp_path / "secret").exists()
    assert not (root / "file").is_symlink()
    assert listed(local) == []


@pytest.mark.parametrize("locator", ["../outside", "/outside", "a/../../outside", "a//b", ".", "..", "", "a/", "a\0b"])
def test_nothing_outside_is_removed(local: Local, tmp_path: Path, locator: str) -> None:
    (tmp_path / "outside").write_bytes(b"theirs")

    with pytest.raises(DestinationError, match="can't be the name of a file there"):
        local.delete(locator, nothing)

    assert (tmp_path / "outside").exists()


def test_the_marker_is_no_archive(local: Local, root: Path) -> None:
    local.mark()

    with pytest.raises(DestinationError, match="no archive"):
        local.delete(MARKER, nothing)

    assert (root / MARKER).exists()
    assert listed(local) == []


def test_a_folder_and_a_pipe_are_no_archives(local: Local, root: Path) -> None:
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")

    for locator in ("folder", "pipe"):
        with pytest.raises(VolumeMissing):
            read(local, locator)
    assert listed(local) == []


def test_a_folder_is_not_removed(local: Local, root: Path) -> None:
    (root / "folder").mkdir()

    with pytest.raises(DestinationError, match="could not be removed"):
        local.delete("folder", nothing)


def test_files_beside_no_archive_are_listed_whatever_they_are_called(local: Local, root: Path) -> None:
    dated = "20260321T040000.123456Z"
    names = ["a.iso", "a.iso.sha256", "alone.sha256", "a.recipe.json", ".sha256", ".a.partial", f"{dated}.tar.sha256"]
    for name in names:
        (root / name).write_bytes(b"x")
    beside = [f"a.iso~{dated}.recipe.json", f"b~{dated}.recipe.json"]
    for name in (*beside, *(alone := [f"x~{dated}.recipe.json", f"b~{dated}"])):
        (root / name).write_bytes(b"of a bucket")

    assert listed(local) == sorted([*names, *alone])
    (root / f"{dated}.tar").write_bytes(b"x")
    assert listed(local) == sorted([*names[:-1], *alone, f"{dated}.tar"])


def test_what_a_disk_has_lost_and_found_is_listed(local: Local, root: Path) -> None:
    """A tree may have a folder of that name."""
    (root / "lost+found").mkdir()
    (root / "lost+found/#1").write_bytes(b"x")

    assert listed(local) == ["lost+found/#1"]


def test_what_is_on_its_way_is_not_listed_at_any_step(local: Local, root: Path) -> None:
    """As a process leaves it that dies while it gives the files their names."""
    upload = begin(local)
    archive = root / upload.id
    assert listed(local) == []

    hidden = archive.with_name(f".{archive.name}.recipe.json.partial")
    hidden.write_text("{}")
    archive.with_name(f"{archive.name}.sha256").write_text("x")
    assert listed(local) == []

    archive.with_name(f".{archive.name}.partial").rename(archive)
    assert listed(local) == []

    hidden.rename(archive.with_name(f"{archive.name}.recipe.json"))
    assert listed(local) == [upload.id]


def test_an_archive_is_listed_with_the_time_of_its_receipt(local: Local) -> None:
    receipt = send(local, BytesStream(b"content"))

    (stored,) = local.inventory(INVENTORY, nothing)

    assert (stored.locator, stored.size, stored.stored_at) == (receipt.locator, 7, receipt.stored_at)


def test_removing_can_die_and_be_done_again(local: Local, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    receipt = send(local, BytesStream(b"content"))
    unlink, left = os.unlink, 2

    def dying(path: str, *, dir_fd: int | None = None) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(5, "Input/output error")
        unlink(path, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", dying)
        with pytest.raises(DestinationError, match="Input/output error"):
            local.delete(receipt.locator, nothing)
    assert listed(local) == [receipt.locator]

    local.delete(receipt.locator, nothing)

    assert [path.name for path in root.rglob("*") if path.is_file()] == [MARKER]


def test_a_directory_that_is_not_there_is_told_from_one_without_the_archive(root: Path) -> None:
    with closing(Local(str(root), create=True)) as local:
        for step in (
            lambda: local.thaw(ThawRequest("a"), nothing),
            lambda: local.thaw(ThawRequest(None), nothing),
            lambda: read(local, "a"),
            lambda: listed(local),
            lambda: local.delete("a", nothing),
        ):
            with pytest.raises(DestinationUnavailable) as caught:
                step()
            assert caught.value.hint == "is its disk mounted?"


def test_a_disk_that_goes_away_is_noticed_while_it_is_listed(local: Local, root: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (root / name).mkdir()
        (root / name / "file").write_bytes(b"x")
    found = local.inventory(INVENTORY, nothing)
    next(found)

    root.rename(tmp_path / "gone")

    with pytest.raises(DestinationUnavailable):
        list(found)


def test_a_folder_that_can_t_be_looked_into_is_told(local: Local, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lost+found", "theirs"):
        (root / name).mkdir()
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path != str(root):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DestinationError, match="theirs can't be looked into: Permission denied"):
        listed(local)
    (root / "theirs").rmdir()
    assert listed(local) == []


def test_no_file_stays_open(local: Local) -> None:
    receipt = send(local, BytesStream(b"content"))
    read(local, receipt.locator)
    before = len(os.listdir("/proc/self/fd"))

    for locator in (receipt.locator, "nas/none", "none/none", "nas"):
        for _ in range(5):
            try:
                read(local, locator)
                local.thaw(ThawRequest(locator), nothing)
            except DestinationError:
                pass
    listed(local)

    assert len(os.listdir("/proc/self/fd")) == before
