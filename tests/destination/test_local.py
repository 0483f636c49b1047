"""The local vault: a directory that stock tools can check."""

from __future__ import annotations

import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from glacier_backup.destination.local import Local
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.units import MIB
from tests.contract.test_destination import LABEL
from tests.streams import BytesStream, noise


def send(root: Path, data: bytes = b"content") -> Path:
    with closing(Local(str(root), create=True)) as local:
        receipt = local.send(BytesStream(data), LABEL, MIB, lambda count: None)
        local.put_manifest(LABEL, receipt, '{"format": "x"}\n')
    return root / receipt.locator


def test_archives_lie_where_their_candidates_lay(tmp_path: Path) -> None:
    assert send(tmp_path / "vault") == tmp_path / "vault/nas/data/photos/20260321T040000.123456Z.tar"


def test_sha256sum_checks_an_archive(tmp_path: Path) -> None:
    archive = send(tmp_path, noise(3 * MIB + 1))

    checked = subprocess.run(
        ["sha256sum", "-c", archive.name + ".sha256"], cwd=archive.parent, capture_output=True, text=True, check=True
    )

    assert checked.stdout == f"{archive.name}: OK\n"


def test_the_manifest_lies_beside_the_archive(tmp_path: Path) -> None:
    archive = send(tmp_path)

    assert archive.with_name(archive.name + ".recipe.json").read_text() == '{"format": "x"}\n'


def test_only_the_owner_can_read_what_is_stored(tmp_path: Path) -> None:
    archive = send(tmp_path / "vault")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in archive.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(archive.parent.stat().st_mode) == 0o700


def test_an_archive_is_never_overwritten(tmp_path: Path) -> None:
    archive = send(tmp_path, b"first")

    with pytest.raises(DestinationError, match="File exists"):
        send(tmp_path, b"second")

    assert archive.read_bytes() == b"first"


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, small_disk: Path) -> None:
    with pytest.raises(DestinationError, match="No space left"):
        send(small_disk, noise(12 * MIB))

    assert [path for path in small_disk.rglob("*") if path.is_file()] == []


def test_a_directory_whose_disk_is_not_there_is_not_made_up(tmp_path: Path) -> None:
    missing = Local(str(tmp_path / "usb" / "backup"), create=False)

    with pytest.raises(DestinationUnavailable, match="does not exist") as caught:
        missing.identify(holds_archives=False)

    assert caught.value.hint is not None
    assert "mounted" in caught.value.hint


def test_a_directory_that_should_hold_archives_and_holds_nothing_is_not_written_to(tmp_path: Path) -> None:
    """A disk that isn't mounted: its mount point is empty, or a folder on it is missing."""
    (tmp_path / "empty").mkdir()

    for name in ("empty", "missing"):
        with pytest.raises(DestinationUnavailable, match="nothing is there") as caught:
            Local(str(tmp_path / name), create=True).identify(holds_archives=True)
        assert caught.value.hint == "is its disk mounted?"


def test_an_archive_whose_manifest_cannot_be_written_does_not_stay(tmp_path: Path, small_disk: Path) -> None:
    with closing(Local(str(small_disk), create=True)) as local:
        receipt = local.send(BytesStream(noise(3 * MIB)), LABEL, MIB, lambda count: None)
        with pytest.raises(DestinationError, match="No space left"):
            local.put_manifest(LABEL, receipt, "x" * 6 * MIB)

    assert [path for path in small_disk.rglob("*") if path.is_file()] == []


def test_the_last_level_of_a_directory_is_made(tmp_path: Path) -> None:
    with closing(Local(str(tmp_path / "backup"), create=False)) as local:
        local.identify(holds_archives=False)
        local.send(BytesStream(b"x"), LABEL, MIB, lambda count: None)

    assert (tmp_path / "backup/nas").is_dir()


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vault").write_text("a file")

    with pytest.raises(DestinationUnavailable, match="not a directory"):
        Local(str(tmp_path / "vault"), create=True).identify(holds_archives=False)


def test_a_path_longer_than_the_file_system_takes_fails_alone(tmp_path: Path) -> None:
    root = str(tmp_path) + ("/" + "y" * 250) * 17

    with closing(Local(root, create=True)) as local, pytest.raises(DestinationError, match="too long"):
        local.send(BytesStream(b"x"), LABEL, MIB, lambda count: None)
