"""docs/from-pyarchiver.md, followed step by step by somebody with an archive of pyArchiver."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from glacier_backup.config.pyarchiver import KEYS
from tests.cli.harness import REPOSITORY
from tests.docs.test_docs import blocks
from tests.legacy.pyarchiver import PASSWORD, PyArchiver

PAGE = (REPOSITORY / "docs/from-pyarchiver.md").read_text()
MOVE, AFTERWARDS, OLD_TARS, DELETE = blocks(PAGE, "sh")

FILES = {"2025/a.jpg": "a photo", "2025/b c.jpg": "another", "notes.txt": "newer notes", "gone.jpg": "deleted since"}
NEW = {"2026/new.jpg": "taken since"}


class Move:
    """A home folder, a directory of photos and a disk, and what pyArchiver left of them."""

    def __init__(self, folder: Path) -> None:
        self.home, self.photos, self.disk = folder / "home", folder / "srv/photos", folder / "mnt/disk"
        for one in (self.home, self.photos, self.disk):
            one.mkdir(parents=True)
        self._write({**FILES, "notes.txt": "some notes", "tmp/x": "left out", "2025/a.bak": "left out"})
        record = self.home / "photos.archive"
        archiver = PyArchiver(record, self.photos, self.disk, password=PASSWORD, exclude=r"^tmp/|\.bak$")
        archiver.start("20200101-000000")
        self._write({"notes.txt": FILES["notes.txt"]})
        (self.photos / "gone.jpg").unlink()
        archiver.resume("20210101-000000")
        self._write(NEW)

    def _write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.photos / name).parent.mkdir(exist_ok=True)
            (self.photos / name).write_text(text)

    def run(self, commands: str) -> str:
        """What they print, with the page's paths replaced by those here."""
        commands = commands.replace("/srv/photos", str(self.photos)).replace("/mnt/disk", str(self.disk))
        program = f'glacier-backup() {{ "{sys.executable}" -m glacier_backup "$@"; }}\n'
        done = subprocess.run(
            ["bash", "-euc", program + commands],
            cwd=REPOSITORY,
            env={**os.environ, "HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def stored(self) -> list[Path]:
        """Archives of glacier-backup."""
        return [path for path in self.disk.rglob("*.age") if not {".keys", ".catalog"} & {*path.parts}]


@pytest.fixture
def move(tmp_path: Path) -> Move:
    return Move(tmp_path)


def files(top: Path) -> dict[str, str]:
    return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}


def test_the_whole_move_can_be_followed(move: Move) -> None:
    old = {path.name: path.read_bytes() for path in move.disk.iterdir()}

    said = move.run(MOVE)

    assert "[Tar] size_tar: pack_size = 512 MiB" in said
    assert "took over 2 tars with 5 files" in said
    assert "1 to send" in said
    assert PASSWORD not in said
    assert all((move.disk / name).read_bytes() == data for name, data in old.items())
    assert (move.home / "photos.conf.password").stat().st_mode & 0o777 == 0o600
    assert len(move.stored()) == 1

    move.run(AFTERWARDS)
    assert files(move.home / "restored" / str(move.photos)[1:]) == FILES | NEW
    assert files(move.home / "restored-2025") == {name: FILES[name] for name in ("2025/a.jpg", "2025/b c.jpg")}
    assert files(move.home / "restored-2020") == {"notes.txt": "some notes"}

    move.run(OLD_TARS)
    assert files(move.home / "old/photos" / str(move.photos)[1:]) == FILES
    assert all((move.disk / name).read_bytes() == data for name, data in old.items())

    move.run(DELETE)
    assert move.stored() == []
    assert not [name for name in old if (move.disk / name).exists()]


def test_nothing_is_overwritten_and_nothing_half_written(move: Move) -> None:
    command = MOVE.splitlines()[0]
    (move.home / "photos.conf.password").write_text("mine")
    with pytest.raises(AssertionError, match=r"photos\.conf\.password exists and is left as it is"):
        move.run(command)
    assert not (move.home / "photos.conf").exists()
    assert (move.home / "photos.conf.password").read_text() == "mine"


def test_each_key_and_each_command_has_its_place_in_a_table() -> None:
    for _, name in KEYS:
        assert f"`{name}`" in PAGE
    commands = re.findall(r"^\| `(\w+)", PAGE.partition("## What becomes of its commands")[2], re.MULTILINE)
    assert commands == [
        "init",
        "start",
        "start",
        "resume",
        "restore",
        "decipher",
        "modify",
        "delete",
        "update",
        "about",
    ]
