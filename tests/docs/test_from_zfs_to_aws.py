"""docs/from-zfs-to-aws.md, followed step by step by somebody with a bucket of zfs-to-aws, and a real pool."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.harness import REPOSITORY
from tests.docs.test_docs import blocks
from tests.legacy.zfs_to_aws import ZfsToAwsRun
from tests.s3_servers.fixtures import Store
from tests.zfs_fuse.daemon import program, within
from tests.zfs_fuse.pool import Pool, sent

PAGE = (REPOSITORY / "docs/from-zfs-to-aws.md").read_text()
MOVE, BACK, BY_HAND = blocks(PAGE, "sh")


class Move:
    """A home folder with a crontab, a dataset and a bucket, as zfs-to-aws left them."""

    def __init__(self, folder: Path, store: Store, pool: Pool) -> None:
        self.home, self.store, self.pool = folder / "home", store, pool
        self.home.mkdir()
        self.made = pool.filesystem("photos")
        self.name = self.made.name.rpartition("/")[2]
        staging = ZfsToAwsRun(folder / "staging", store.aws, store.bucket, self.name, pool.name)
        self.write("one.jpg", "one")
        self.made.snapshot("offsite-20260101")
        self.baseline = staging.baseline("20260101", sent(f"{self.made.name}@offsite-20260101"))
        self.write("two.jpg", "two")
        self.made.snapshot("offsite-20260108")
        stream = sent("-I", f"{self.made.name}@offsite-20260101", f"{self.made.name}@offsite-20260108")
        staging.increment("20260101", "20260108", stream)
        self.crontab = f"0 15 * * 3 {staging.command_line()}\n"

    def write(self, name: str, text: str) -> None:
        (self.made.mounted / name).write_text(text)

    def run(self, commands: str, folder: Path | None = None) -> str:
        """What they print, with the page's names replaced by those here."""
        commands = re.sub(r"\btank/(?=photos|restored|january|byhand)", f"{self.pool.name}/", commands)
        commands = re.sub(r"\bphotos\b", self.name, commands)
        programs = (
            f'glacier-backup() {{ PYTHONPATH="{REPOSITORY}" "{sys.executable}" -m glacier_backup "$@"; }}\n'
            f"crontab() {{ cat <<'END'\n{self.crontab}END\n}}\n"
            f'zfs() {{ "{program("zfs")}" "$@"; }}\n'
        )
        environ = {
            "HOME": str(self.home),
            "GLACIER_BACKUP_ENDPOINT_URL": self.store.server,
            "AWS_REGION": "us-east-1",
        }
        done = subprocess.run(
            ["bash", "-euc", programs + commands],
            cwd=folder or self.home,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def has(self, name: str, *files: str) -> bool:
        """Whether a dataset has just these; the kernel may still know for a moment what was there before."""
        folder = self.pool.mounted(f"{self.pool.name}/{name}")
        return within(10, lambda: sorted(os.listdir(folder)) == sorted(files))


@pytest.fixture
def move(tmp_path: Path, s3_store: Store, pool: Pool) -> Move:
    return Move(tmp_path, s3_store, pool)


def test_the_whole_move_can_be_followed(move: Move) -> None:
    before = move.store.listed()
    move.write("three.jpg", "three")

    said = move.run(MOVE)

    assert "took over 1 baselines and 1 increments" in said
    ours = {key for key in move.store.listed() if key.startswith(f"{move.name}/") and key not in before}
    assert {key.rpartition("/")[0].rpartition("-T")[0] for key in ours} == {f"{move.name}/incrementals/F20260108"}
    assert set(before) <= set(move.store.listed())
    for key in move.store.listed():
        move.store.bytes(key)  # thawed

    move.run(BACK.replace("restore ", "restore --wait "))
    assert move.has("restored", "one.jpg", "two.jpg", "three.jpg")
    assert move.has("january", "one.jpg", "two.jpg")
    assert len(list((move.home / "streams").rglob("*.zfs"))) == 3
    here = move.home / "fetched"
    here.mkdir()
    for key in before:
        if key.startswith(move.baseline):
            (here / key.rpartition("/")[2]).write_bytes(move.store.bytes(key))
    move.run(BY_HAND, here)
    assert move.has("byhand", "one.jpg")


def test_the_page_tells_what_becomes_of_each_flag() -> None:
    told = set(re.findall(r"`(--[a-z_]+)", PAGE))

    assert told >= {"--pool", "--dataset", "--aws_bucket", "--aws_cli", "--config", "--tag", "--from_date", "--to_date"}
