"""The harness notices at its other destinations, too, what it is there to notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.crash.batch import bench
from tests.crash.bucket_stage import PREFIX, BucketStage
from tests.crash.into import Into
from tests.crash.promises import broken
from tests.crash.scenario import Scenario, Variant
from tests.crash.server_stage import CrashSshd
from tests.crash.trial import Pace, Trial


@contextmanager
def played(into: Into, folder: Path) -> Iterator[Trial]:
    """A trial without any trouble, which broke nothing."""
    with bench(folder, into) as made:
        trial = made.trial("calm", Scenario(0, Variant("undisturbed"), ()), Pace(0.0, 0.0))
        trial.play()
        assert broken(trial) == []
        yield trial


def broken_now(trial: Trial) -> set[str]:
    """The names of the promises."""
    return {line.partition(":")[0] for line in broken(trial)}


def test_what_is_amiss_in_a_bucket_is_noticed(tmp_path: Path) -> None:
    with played("s3", tmp_path) as trial:
        stage = trial.stage
        assert isinstance(stage, BucketStage)
        bucket, between = trial.folder.name, stage.between

        part = next(what for what in between.answered if what[0] == "UploadPart")
        between.answered[part] += 1
        between.carried_out["UploadPart", part[1], "another", 1] += 1
        with closing(stage.aws()) as aws:
            aws.put_object(Bucket=bucket, Key=f"{PREFIX}/half", Body=b"no manifest")
            begun = aws.create_multipart_upload(Bucket=bucket, Key=f"{PREFIX}/open")
            aws.upload_part(Bucket=bucket, Key=f"{PREFIX}/open", UploadId=begun["UploadId"], PartNumber=1, Body=b"1")
            lost = next(one for one in stage.stored() if one.path.endswith("in parts.bin"))
            aws.delete_object(Bucket=bucket, Key=lost.locator)
        told = broken(trial)
    path = f"{trial.sources.root}/files/{part[1].split('/')[-2]}"
    again = f"1 parts were sent again, 0 may be: part {part[3]} of {part[1]} (upload {part[2][:12]}…) came again"
    assert sorted(told) == [
        f"nothing_is_left_open: an upload of {PREFIX}/open is open",
        *sorted(
            [
                f"nothing_is_left_open: {PREFIX}/half has no manifest",
                f"nothing_is_left_open: {lost.locator}.recipe.json is left over",
            ]
        ),
        f"nothing_is_recorded_twice: {lost.locator} is in the catalog 1 times, and in the vault 0 times",
        f"parts_are_sent_once: {again}",
        f"the_newest_is_what_is_there_now: {lost.path}: its newest archive in the catalog is version None",
        f"uploads_are_begun_once: {path}: 2 uploads of it got parts, 1 may",
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_of_two_destinations_each_has_to_keep_the_promises(which: int, two: Callable[[], Trial]) -> None:
    trial = two()
    file = trial.stage.each[which].stored()[0].file
    content = file.read_bytes()
    file.write_bytes(content + b"-")
    told = broken(trial)
    file.write_bytes(content)
    assert {line.partition(":")[0] for line in told} == {
        "archives_are_their_sources",
        "the_newest_is_what_is_there_now",
        "nothing_is_recorded_twice",
    }
    assert all(str(file) in line or "newest" in line or "catalog says" in line for line in told)
    left = file.with_name(".left.partial")
    left.touch()
    assert broken_now(trial) == {"nothing_is_left_open"}
    left.unlink()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Trial]]:
    with played("two", tmp_path_factory.mktemp("two")) as trial:
        yield lambda: trial


def test_a_server_has_settled_when_nobody_is_logged_in(tmp_path: Path) -> None:
    with CrashSshd(tmp_path / "sshd") as server:
        server.settle()
        server.sftp(f"mkdir {tmp_path}/made")
        server.settle()
        assert (tmp_path / "made").is_dir()
        assert any(line.startswith("mkdir ") for line in server.journal.read_text().splitlines())


def test_what_is_amiss_with_sealed_archives_is_noticed(tmp_path: Path) -> None:
    with played("sealed-local", tmp_path) as trial:
        root = trial.folder.with_name("calm-vault")
        (large,) = root.rglob("twelve.bin")
        second = next(file for file in large.iterdir() if file.name.endswith(".v002.enc"))
        content = second.read_bytes()

        second.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        assert broken_now(trial) == {"archives_are_their_sources", "the_newest_is_what_is_there_now"}
        second.write_bytes(content)

        second.unlink()
        gone = {"nothing_is_left_open", "nothing_is_recorded_twice", "the_newest_is_what_is_there_now"}
        assert broken_now(trial) == gone
        second.write_bytes(content)

        for left in (second.with_name(second.name.replace("v002", "v009")), trial.folder / "spool" / "1" / "volume"):
            left.parent.mkdir(exist_ok=True)
            left.touch()
            assert broken_now(trial) == {"nothing_is_left_open"}
            left.unlink()
