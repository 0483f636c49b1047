"""Lists of what was deleted, as anybody may have written them, and what is done with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glacier_backup.errors import DamageFound
from glacier_backup.workflow.restoring.layers import lay_over

LIST = ".glacier-backup-deleted"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "content/home/sub").mkdir(parents=True)
    (tmp_path / "content/home/x").touch()
    (tmp_path / "content/home/link").symlink_to(tmp_path)
    (tmp_path / "increment/home").mkdir(parents=True)
    (tmp_path / "victim").touch()
    return tmp_path


def lay(folder: Path, listed: bytes) -> None:
    (folder / "increment" / LIST).write_bytes(listed)
    content, increment = (os.open(folder / name, os.O_RDONLY) for name in ("content", "increment"))
    try:
        lay_over(content, increment, LIST, "an archive")
    finally:
        os.close(content)
        os.close(increment)


@pytest.mark.parametrize(
    "listed",
    [b"home/../../victim\0", b"/etc/x\0", b"home\0", b"\0", b"home//x\0", b"home/./x\0", b"home/x", b"a" * 99_999],
)
def test_what_names_something_else_or_all_of_it_is_damage(folder: Path, listed: bytes) -> None:
    with pytest.raises(DamageFound):
        lay(folder, listed)

    assert (folder / "victim").exists()
    assert (folder / "content/home/x").exists()


@pytest.mark.parametrize(
    "listed", [b"home/link/victim\0", b"home/" + b"n" * 300 + b"\0", b"home/gone/x\0", b"home/x/y\0"]
)
def test_what_cannot_be_there_is_not_removed(folder: Path, listed: bytes) -> None:
    lay(folder, listed)

    assert (folder / "victim").exists()
    assert (folder / "content/home/x").exists()
