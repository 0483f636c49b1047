"""docs/from-s3-backup.md, followed step by step by somebody with a bucket of s3-backup."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from glacier_backup.config.s3_backup import FILTERS
from tests.cli.harness import REPOSITORY
from tests.docs.test_docs import blocks
from tests.legacy.s3_backup import GROUP, S3BackupRun
from tests.s3_servers.fixtures import Store

PAGE = (REPOSITORY / "docs/from-s3-backup.md").read_text()
MOVE, AFTERWARDS = blocks(PAGE, "sh")
FILES = {"2025/a.jpg": "a photo", "2025/b c.jpg": "another", "film.mp4": "a film " * 50, "notes.txt": "some notes"}
OLD = 1_600_000_000


class Move:
    """A home folder with a crontab, a directory of photos and a bucket, as s3-backup left them."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.home, self.photos, self.store = folder / "home", folder / "srv/photos", store
        self.home.mkdir()
        store.aws.put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": "Enabled"})
        for name, text in FILES.items():
            self.write(name, text)
        program = S3BackupRun(
            self.photos, store.aws, store.bucket, self.home / "s3_content.sqlite", [(GROUP, "100")], "DEEP_ARCHIVE"
        )
        program()
        self.crontab = f"17 3 * * * {program.command_line()}\n"

    def write(self, name: str, text: str, mtime: int = OLD) -> None:
        (self.photos / name).parent.mkdir(parents=True, exist_ok=True)
        (self.photos / name).write_text(text)
        os.utime(self.photos / name, (mtime, mtime))

    def run(self, commands: str) -> str:
        """What they print, with the page's paths replaced by those here."""
        commands = commands.replace("/srv/photos", str(self.photos))
        programs = (
            f'glacier-backup() {{ "{sys.executable}" -m glacier_backup "$@"; }}\n'
            f"crontab() {{ cat <<'END'\n{self.crontab}END\n}}\n"
        )
        environ = {
            "HOME": str(self.home),
            "GLACIER_BACKUP_ENDPOINT_URL": self.store.server,
            "AWS_REGION": "us-east-1",
        }
        done = subprocess.run(
            ["bash", "-euc", programs + commands],
            cwd=REPOSITORY,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture
def move(tmp_path: Path, s3_store: Store) -> Move:
    return Move(tmp_path, s3_store)


def files(top: Path) -> dict[str, str]:
    return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}


def test_the_whole_move_can_be_followed(move: Move) -> None:
    before = move.store.listed()
    move.write("2025/new.jpg", "taken since")

    said = move.run(MOVE)

    assert "--group-files-smaller-than: group_files_smaller_than = 100" in said
    assert "took over 1 files and 1 ZIPs" in said
    assert [key for key in move.store.listed() if ".catalog/" not in key and key != "RESTORE.md"] == before
    for key in before:
        move.store.bytes(key)  # thawed
    move.run(AFTERWARDS.replace("restore ", "restore --wait ").replace("--at 2026-04-01", "--at 2099-01-01"))
    (everything,) = (move.home / "restored").rglob("photos")
    assert files(everything) == {**FILES, "2025/new.jpg": "taken since"}
    assert len(files(move.home / "restored-2025")) == 3
    assert [*files(move.home / "restored-spring").values()] == ["some notes"]


def test_the_page_tells_what_becomes_of_each_flag() -> None:
    told = set(re.findall(r"`(--[a-z-]+)", PAGE))

    assert told >= {*FILTERS, "--profile", "--storage-class", "--cache-file", "--no-trust-mtime", "--dry-run"}
