"""Which tar is used, and what happens where there is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from glacier_backup.pack.gnu_tar import find_gnu_tar
from glacier_backup.pack.tar import TarPacker
from tests.pack.here import written
from tests.pack.packing import packed

REAL = find_gnu_tar() or ""


def program(path: Path, says: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def test_without_any_tar_one_is_made_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("content")
    by_tar = packed(TarPacker(), tmp_path, "tree")
    monkeypatch.setenv("PATH", str(tmp_path))
    result = packed(TarPacker(), tmp_path, "tree")
    assert [one._replace(offset=0) for one in result.members] == [one._replace(offset=0) for one in by_tar.members]
    assert result.data == written(tmp_path, "tree").data


@pytest.mark.parametrize("says", ["bsdtar 3.7.2 - libarchive 3.7.2", "tar (busybox) 1.36.1", "tar (GNU tar) 1.27.1"])
def test_another_or_an_older_tar_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    program(tmp_path / "tar", says)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_gnu_tar() is None


@pytest.mark.parametrize("name", ["gtar", "gnutar"])
def test_gnu_tar_is_found_under_its_other_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    program(tmp_path / "bin" / "tar", "bsdtar 3.7.2 - libarchive 3.7.2")
    (tmp_path / "bin" / name).symlink_to(REAL)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_gnu_tar() == str(tmp_path / "bin" / name)
    (tmp_path / "file").touch()
    assert [member.path for member in packed(TarPacker(), tmp_path / "file", "file").members] == ["file"]


def test_gnu_tar_is_found_behind_another_tar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "first" / "tar", "bsdtar 3.7.2 - libarchive 3.7.2")
    monkeypatch.setenv("PATH", f"{tmp_path / 'first'}:{Path(REAL).parent}")
    assert find_gnu_tar() == REAL


def test_a_broken_tar_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tar").write_bytes(b"\x7fELF is not enough")
    (tmp_path / "tar").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{Path(REAL).parent}")
    assert find_gnu_tar() == shutil.which("tar", path=str(Path(REAL).parent))
