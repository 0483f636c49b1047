"""A chain that zfs-to-aws has begun, of a real dataset, goes on, and comes back: with this program and without."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from tests.cli.harness import Cli, Ran
from tests.legacy.zfs_to_aws import ENCRYPT, PASSWORD, ZfsToAwsRun
from tests.s3_servers.fixtures import Store
from tests.zfs_fuse.daemon import within
from tests.zfs_fuse.pool import Made, Pool, sent

MIB = 1 << 20


class Going:
    """A dataset, and the bucket that zfs-to-aws has filled of it: a baseline and one increment."""

    def __init__(self, cli: Cli, store: Store, pool: Pool) -> None:
        self.cli, self.store, self.pool = cli, store, pool
        self.made: Made = pool.filesystem("photos")
        self.name = self.made.name.rpartition("/")[2]
        self.ini = cli.folder / "backup.ini"
        self.program = ZfsToAwsRun(cli.folder / "staging", store.aws, store.bucket, self.name, pool.name, part_size=MIB)
        self.write("one.jpg", b"1" * 100_000)
        self.program.baseline("20260101", self.sent("20260101"))
        self.write("two.jpg", b"2" * 1_500_000)
        self.program.increment("20260101", "20260108", self.sent("20260108", "20260101"))
        cron = cli.folder / "crontab"
        cron.write_text(f"0 15 * * 3 {self.program.command_line()}\n")
        self("config", "import", cron)
        self.catalog = cli.folder / "catalog.sqlite3"
        text = self.ini.read_text().replace("volume_size = 4 GiB", "volume_size = 1 MiB")
        self.ini.write_text(text.replace("[main]", f"[main]\ncatalog = {self.catalog}"))
        self.today = f"{datetime.now().astimezone():%Y%m%d}"

    def __call__(self, *words: str | Path, code: int = 0) -> Ran:
        ran = self.cli(*words, *(() if words[0] == "open" else ("-c", self.ini)))
        assert ran.code == code, (ran.out, ran.err)
        return ran

    def write(self, name: str, data: bytes) -> None:
        (self.made.mounted / name).write_bytes(data)

    def sent(self, day: str, base: str | None = None) -> bytes:
        """What ``zfs send`` makes of a new snapshot of that day."""
        self.made.snapshot(f"offsite-{day}")
        return self.stream(day, base)

    def stream(self, day: str, base: str | None = None) -> bytes:
        before = () if base is None else ("-I", f"{self.made.name}@offsite-{base}")
        return sent(*before, f"{self.made.name}@offsite-{day}")

    def folder(self, base: str) -> str:
        return f"{self.name}/incrementals/F{base}-T{self.today}/"

    def fetched(self, folder: str) -> Path:
        """All of a folder, as somebody with the aws CLI would have it."""
        here = self.cli.folder / "fetched"
        here.mkdir(exist_ok=True)
        for key in self.store.listed():
            if key.startswith(folder):
                (here / key.removeprefix(folder)).write_bytes(self.store.bytes(key))
        return here

    def times(self) -> list[str]:
        return sorted(one["time"] for one in self("list", "--versions", "--json").json)

    def files(self, dataset: str) -> dict[str, bytes]:
        return {one.name: one.read_bytes() for one in self.pool.mounted(dataset).iterdir()}


@pytest.fixture
def going(cli: Cli, s3_store: Store, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Going:
    monkeypatch.setenv("GLACIER_BACKUP_ENDPOINT_URL", s3_store.server)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return Going(cli, s3_store, pool)


def test_the_chain_goes_on_with_the_same_names_and_stock_tools_open_it(going: Going) -> None:
    going("catalog", "import")
    going.write("three.jpg", b"3" * 2_500_000)

    going("--json")

    folder, begins = going.folder("20260108"), f"{going.name}-F20260108-T{going.today}"
    names = sorted(key.removeprefix(folder) for key in going.store.listed() if key.startswith(folder))
    parts = [f"{begins}-part-{letters}" for letters in ("aaaaaa", "aaaaab", "aaaaac")]
    assert [one for one in names if one.rpartition("-")[2] in ("aaaaaa", "aaaaab", "aaaaac")] == parts
    assert [one for one in names if one.endswith(".par2") and ".vol" not in one] == [f"{one}.par2" for one in parts]
    assert sum(".vol" in one for one in names) == len(parts)
    assert [one for one in names if "-part-" not in one] == [f"{begins}.enc.recipe.json"]
    here = going.fetched(folder)
    assert [(here / one).stat().st_size for one in parts[:-1]] == [MIB, MIB]
    for one in parts:
        subprocess.run(["par2", "verify", "-q", f"{one}.par2"], cwd=here, check=True, stdout=subprocess.DEVNULL)
    whole = b"".join((here / one).read_bytes() for one in parts)
    opened = subprocess.run([*ENCRYPT, "-d", "-pass", f"pass:{PASSWORD}"], input=whole, capture_output=True, check=True)
    assert opened.stdout == going.stream(going.today, "20260108")
    for number, named in enumerate((here, here / parts[1], here / f"{begins}.enc.recipe.json")):
        out = going.cli.folder / f"opened-{number}"
        going("open", named, "--to", out, "--password-file", f"{going.ini}.{going.name}.password")
        (stream,) = out.iterdir()
        assert stream.name == f"{going.name}@offsite-20260108_offsite-{going.today}.zfs"
        assert stream.read_bytes() == opened.stdout


def test_what_both_have_sent_comes_back_as_one_dataset_even_by_a_catalog_that_was_made_anew(going: Going) -> None:
    going("catalog", "import")
    going.write("three.jpg", b"3" * 1_500_000)
    (going.made.mounted / "one.jpg").unlink()
    going("--json")
    before = going.times()
    going.catalog.unlink()
    for key in going.store.listed():
        going.store.bytes(key)  # thawed

    going("catalog", "rebuild")
    going("catalog", "import")
    after = going.times()
    target = going.pool.unused("back")
    going("restore", f"zfs:{going.made.name}", "--to", target, "--wait")

    assert after == before
    # The kernel may still know for a moment what was there one snapshot ago.
    assert within(10, lambda: going.files(target) == {"two.jpg": b"2" * 1_500_000, "three.jpg": b"3" * 1_500_000})


def test_zfs_to_aws_defect_2_a_hole_is_filled_from_the_last_snapshot_that_is_whole(going: Going) -> None:
    going.program.keeps = lambda name: not name.endswith("-part-aaaaab")
    going.write("three.jpg", b"3" * 1_500_000)
    going.program.increment("20260108", "20260115", going.sent("20260115", "20260108"))
    going("catalog", "import", code=1)
    going.write("four.jpg", b"4")

    going("--json")

    assert any(key.startswith(going.folder("20260108")) for key in going.store.listed())


def test_zfs_to_aws_defect_3_the_first_increment_needs_no_date(going: Going) -> None:
    for key in going.store.listed():
        if "/incrementals/" in key:
            going.store.aws.delete_object(Bucket=going.store.bucket, Key=key)
    going("catalog", "import")

    going("--json")

    assert any(key.startswith(going.folder("20260101")) for key in going.store.listed())
