"""docs/from-pyarchiver.md, followed step by step by somebody with an archive of pyArchiver."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from glacier_backup.config.pyarchiver import KEYS
from tests.cli.harness import REPOSITORY
from tests.config.pyarchiver_files import LOCAL, ini, write_archive
from tests.docs.test_docs import blocks
from tests.lacking import lacking

PAGE = (REPOSITORY / "docs/from-pyarchiver.md").read_text()
MOVE, AFTERWARDS, OLD_TARS = blocks(PAGE, "sh")
PASSWORD = "pass wörd"

FILES = {"2025/a.jpg": "a photo", "2025/b c.jpg": "another", "notes.txt": "some notes"}


def encrypted(content: bytes) -> bytes:
    """As pyArchiver does it, by the stock openssl."""
    if shutil.which("openssl") is None:
        lacking("needs openssl")
    counter, salt = os.urandom(16), os.urandom(8)
    key = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode("latin-1"), salt, 1000, 16)
    command = ["openssl", "enc", "-aes-128-ctr", "-K", key.hex(), "-iv", counter.hex()]
    return counter + salt + subprocess.run(command, input=content, stdout=subprocess.PIPE, check=True).stdout


def tar_of(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(packed.getvalue())


class Move:
    """A home folder, a directory of photos and a disk, and what pyArchiver left of them."""

    def __init__(self, folder: Path) -> None:
        self.home, self.photos, self.disk = folder / "home", folder / "srv/photos", folder / "mnt/disk"
        for one in (self.home, self.photos, self.disk):
            one.mkdir(parents=True)
        for name, text in {**FILES, "tmp/x": "left out", "2025/a.bak": "left out"}.items():
            (self.photos / name).parent.mkdir(exist_ok=True)
            (self.photos / name).write_text(text)
        text = ini(
            LOCAL,
            Archive_directory=f'"{self.photos}"',
            Archive_exclude=r"^tmp/|\.bak$",
            Tar_ciphered="yes",
            Tar_password=PASSWORD,
            Local_dir=str(self.disk),
        )
        self.archive = write_archive(self.home / "photos.archive", text, password=PASSWORD)
        before = tar_of({f"{self.photos}/gone.jpg"[1:]: "deleted since", f"{self.photos}/notes.txt"[1:]: "older notes"})
        later = tar_of({f"{self.photos}/notes.txt"[1:]: "newer notes"})
        for stamp, tar in (("20200101-000000_000000", before), ("20210101-000000_000000", later)):
            (self.disk / f"ARCHIVE_photos_{stamp}.tar.gz.aes").write_bytes(encrypted(tar))

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

    assert "[Tar] size_tar: nothing" in said
    assert PASSWORD not in said
    assert all((move.disk / name).read_bytes() == data for name, data in old.items())
    assert (move.home / "photos.conf.password").stat().st_mode & 0o777 == 0o600
    assert len(move.stored()) == len(FILES)

    restore, delete = AFTERWARDS.strip().splitlines()
    move.run(restore)
    assert files(move.home / "restored" / str(move.photos)[1:]) == FILES

    move.run(delete)
    assert move.stored() == []
    assert all((move.disk / name).read_bytes() == data for name, data in old.items())

    move.run(OLD_TARS)
    there = files(move.home / "old/photos" / str(move.photos)[1:])
    assert there == {"gone.jpg": "deleted since", "notes.txt": "newer notes"}


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
