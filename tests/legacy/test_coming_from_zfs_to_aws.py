"""Someone who comes from zfs-to-aws: the whole move, with a real bucket and stock tools."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.cli.harness import Cli, Ran
from tests.legacy.zfs_to_aws import PASSWORD, ZfsToAwsRun
from tests.s3_servers.fixtures import Store

PART = 4096
STREAM = bytes(8) + (0x2F5BACBAC).to_bytes(8, "little") + random.Random(8).randbytes(3 * PART + 1000)
SMALL = STREAM[:2000]
EMPTY = b""


class Move:
    """A bucket that zfs-to-aws has filled."""

    def __init__(self, cli: Cli, store: Store) -> None:
        self.cli, self.store = cli, store
        self.ini = cli.folder / "backup.ini"
        self.program = ZfsToAwsRun(cli.folder / "staging", store.aws, store.bucket, part_size=PART)

    def converted(self, *more: ZfsToAwsRun) -> Ran:
        cron = self.cli.folder / "crontab"
        lines = [f"0 15 * * 3 /bin/bash -lc '{one.command_line()} > log 2>&1'\n" for one in (self.program, *more)]
        cron.write_text("MAILTO=me\n" + "".join(lines))
        ran = self.cli("config", "import", cron, "-c", self.ini)
        assert ran.code == 0, ran.err
        return ran

    def imported(self, *words: str | Path, code: int = 0) -> Ran:
        ran = self.cli("catalog", "import", *words, "-c", self.ini, "--json")
        assert ran.code == code, (ran.out, ran.err)
        return ran

    def place(self, *words: str | Path, code: int = 0) -> dict[str, Any]:
        (place,) = self.imported(*words, code=code).json["places"]
        return dict(place)

    def archives(self) -> list[dict[str, object]]:
        ran = self.cli("list", "--versions", "-c", self.ini, "--json")
        assert ran.code == 0, ran.err
        return sorted(ran.json, key=lambda one: str(one["time"]))


@pytest.fixture
def move(cli: Cli, s3_store: Store, monkeypatch: pytest.MonkeyPatch) -> Move:
    monkeypatch.setenv("GLACIER_BACKUP_ENDPOINT_URL", s3_store.server)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return Move(cli, s3_store)


def test_a_chain_is_taken_over_by_its_names(move: Move) -> None:
    move.program.baseline("20260101", STREAM)
    move.program.increment("20260101", "20260108", STREAM)
    move.program.increment("20260108", "20260115", SMALL)
    move.program.mark("photos/")
    move.program.mark("photos/incrementals/F20260101-T20260108/")
    move.converted()
    before = move.store.listed()

    place = move.place()

    assert (place["listed"], place["baselines"], place["increments"], place["left"]) == (3, 1, 2, [])
    assert move.store.listed() == before
    times = [str(one["time"]) for one in move.archives()]
    assert [time[:10] for time in times] == ["2026-01-01", "2026-01-08", "2026-01-15"]


def test_a_second_time_takes_over_nothing_and_then_what_is_new(move: Move) -> None:
    move.program.baseline("20260101", SMALL)
    move.converted()
    move.imported()

    again = move.place()
    move.program.increment("20260101", "20260108", SMALL)
    more = move.place()

    assert (again["known"], again["baselines"]) == (1, 0)
    assert (more["known"], more["baselines"], more["increments"]) == (1, 0, 1)


def test_the_json_file_says_which_passwords_are_right(move: Move) -> None:
    move.program.baseline("20260101", SMALL)
    move.converted()
    right = move.imported(move.program.json_file())
    move.program.password = "another one"

    wrong = move.imported(move.program.json_file())

    assert "password" not in right.err
    assert "the password of [zfs:tank/photos] isn't the one that" in wrong.err
    assert "another one" not in wrong.out + wrong.err
    assert PASSWORD not in wrong.out + wrong.err + move.ini.read_text()


def test_zfs_to_aws_defect_1_an_encrypted_nothing_is_no_increment(move: Move) -> None:
    move.program.baseline("20260101", SMALL)
    move.program.increment("20260101", "20260108", EMPTY)
    move.program.increment("20260108", "20260115", SMALL)
    move.converted()

    place = move.place(code=1)

    first, second = place["left"]
    assert "32 bytes, and so no stream: zfs send had failed" in first["why"][0]
    assert second["why"] == ["it begins with tank/photos@offsite-20260108, and nothing whole leads to that"]
    assert (place["baselines"], place["increments"]) == (1, 0)


def test_zfs_to_aws_defect_2_what_was_left_half_way_is_told(move: Move) -> None:
    move.program.baseline("20260101", SMALL)
    move.program.keeps = lambda name: not name.startswith("photos-F20260101-T20260108-part-aaaaac")
    move.program.increment("20260101", "20260108", STREAM)
    move.converted()

    ran = move.cli("catalog", "import", "-c", move.ini)

    assert ran.code == 1
    assert "photos/incrementals/F20260101-T20260108/: aaaaac is missing: the upload broke off" in ran.err
    silent = move.cli(*("catalog", "import", "-c", move.ini, "--leave-out", "photos/incrementals/F20260101-T20260108"))
    assert (silent.code, silent.err) == (0, "")


def test_zfs_to_aws_defect_2_a_last_part_that_is_missing_is_told_by_its_parity(move: Move) -> None:
    move.program.keeps = lambda name: not name.endswith("aaaaad")
    move.program.baseline("20260101", STREAM)
    move.converted()

    (left,) = move.place(code=1)["left"]

    assert (left["why"], left["may_be_accepted"]) == (["aaaaad is missing: the upload broke off"], False)


def test_who_knows_better_has_a_folder_taken_over(move: Move) -> None:
    move.program.keeps = lambda name: not name.endswith("aaaaaa.par2")
    folder = move.program.baseline("20260101", STREAM)
    move.program.keeps = lambda name: "aaaaad" not in name
    whole = move.program.increment("20260101", "20260108", STREAM)
    move.converted()

    left = move.place(code=1)["left"]
    place = move.place("--accept", folder, "--accept", f"s3://{move.store.bucket}/{whole}")

    assert [one["may_be_accepted"] for one in left] == [True, True]
    assert left[0]["why"] == ["aaaaaa has no parity, or not all of it"]
    assert left[1]["why"] == ["the last part, aaaaac, is a full one of 4.0 KiB, so more may be missing"]
    assert (place["accepted"], place["baselines"], place["increments"]) == ([folder, whole], 1, 1)


def test_zfs_to_aws_defect_6_a_stale_part_of_an_earlier_try_is_told(move: Move) -> None:
    folder = move.program.baseline("20260101", STREAM)
    again = ZfsToAwsRun(move.cli.folder / "again", move.store.aws, move.store.bucket, part_size=PART)
    again.baseline("20260101", STREAM[: PART + 100])
    move.converted()

    (left,) = move.place(code=1)["left"]

    assert left["folder"] == folder
    assert left["why"] == ["aaaaab has 128 bytes, and parts before the last should have 4,096 each"]


def test_other_datasets_in_the_bucket_are_named(move: Move) -> None:
    move.program.baseline("20260101", SMALL)
    music = ZfsToAwsRun(move.cli.folder / "music", move.store.aws, move.store.bucket, "music", part_size=PART)
    music.baseline("20260101", SMALL)
    move.converted()

    assert move.place()["strangers"] == ["music"]
    move.ini.unlink()
    (move.cli.folder / "backup.ini.photos.password").unlink()
    move.converted(music)
    assert move.place()["baselines"] == 1


def test_a_restore_proves_each_part_by_its_parity_and_mends_it(move: Move) -> None:
    folder = move.program.baseline("20260101", STREAM)
    move.converted()
    move.imported()
    for key in move.store.listed():
        move.store.bytes(key)  # thawed
    right = move.cli("restore", "zfs:tank/photos", "--to", move.cli.folder / "right", "-c", move.ini, "--wait")
    part = f"{folder}photos-T20260101-part-aaaaab"
    data = bytearray(move.store.bytes(part))
    data[100] ^= 1
    move.store.aws.put_object(Bucket=move.store.bucket, Key=part, Body=bytes(data))

    mended = move.cli("restore", "zfs:tank/photos", "--to", move.cli.folder / "mended", "-c", move.ini, "--wait")

    assert (right.code, right.err) == (0, "")
    assert mended.code == 0
    assert "volume 2 was damaged, and is mended by its parity" in mended.err
    for one in ("right", "mended"):
        assert (move.cli.folder / one / "photos/photos@offsite-20260101.zfs").read_bytes() == STREAM
