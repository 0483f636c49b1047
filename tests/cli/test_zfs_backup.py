"""Datasets by the command line, with real ZFS: plans, spans that are asked for, and what can't be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glacier_backup.cli.main import main
from tests.zfs_fuse.pool import Made, Pool, received, zfs


@pytest.fixture
def photos(pool: Pool) -> Made:
    found = pool.filesystem("photos")
    (found.mounted / "one.jpg").write_bytes(b"one")
    return found


@pytest.fixture
def ini(tmp_path: Path, photos: Made) -> Path:
    file = tmp_path / "zfs.ini"
    (tmp_path / "there").mkdir()
    file.write_text(
        f"[main]\ndestination = {tmp_path}/there\ncatalog = {tmp_path}/catalog.sqlite3\nlogfile =\n"
        f"[zfs:{photos.name}]\nsnapshot = latest\n"
    )
    return file


def streams(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "there").rglob("*.zfs"))


def test_a_plan_says_what_would_be_sent_and_makes_nothing(
    ini: Path, photos: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    ini.write_text(ini.read_text().replace("snapshot = latest", "snapshot = create"))
    assert main(["backup", "-c", str(ini), "-d"]) == 0
    assert "baseline offsite-" in capsys.readouterr().out
    assert zfs("list", "-H", "-t", "snapshot", "-o", "name", "-r", photos.name) == ""


def test_a_baseline_and_an_increment_are_received_as_they_are_stored(
    ini: Path, tmp_path: Path, photos: Made, pool: Pool
) -> None:
    photos.snapshot("offsite-20260101")
    assert main(["backup", "-c", str(ini)]) == 0
    (photos.mounted / "two.jpg").write_bytes(b"two")
    photos.snapshot("offsite-20260102")
    assert main(["backup", "-c", str(ini)]) == 0
    back = pool.unused("back")
    for one in streams(tmp_path):
        received(back, one.read_bytes())
    assert {one.name: one.read_bytes() for one in pool.mounted(back).iterdir()} == {
        "one.jpg": b"one",
        "two.jpg": b"two",
    }


def test_days_name_the_span(ini: Path, photos: Made, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (1, 2, 3):
        (photos.mounted / "one.jpg").write_bytes(b"x" * number)
        photos.snapshot(f"offsite-2026010{number}")
    assert main(["backup", "-c", str(ini), "--to-date", "20260102"]) == 0
    capsys.readouterr()
    assert main(["backup", "-c", str(ini), "--from-date", "20260102", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["sent"] == 1
    assert main(["backup", "-c", str(ini), "-d", "--json", "--force", "--to-date", "20260101"]) == 0
    assert "baseline offsite-20260101" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("dates", "code", "message"),
    [
        (("--from-date", "20260103", "--to-date", "20260102"), 2, "isn't before 20260102"),
        (("--from-date", "20260132"), 2, "expected a day such as 20260321"),
        (("--to-date", "20260109"), 1, "has no snapshot offsite-20260109"),
        (("--from-date", "20260102"), 1, "the snapshot offsite-20260102 isn't stored, so the chain would have a gap"),
    ],
)
def test_a_span_that_cannot_be_is_refused(
    ini: Path, photos: Made, dates: tuple[str, ...], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2, 3):
        (photos.mounted / "one.jpg").write_bytes(b"x" * number)
        photos.snapshot(f"offsite-2026010{number}")
    assert main(["backup", "-c", str(ini), "--to-date", "20260101"]) == 0
    assert main(["backup", "-c", str(ini), *dates]) == code
    assert message in capsys.readouterr().err


def test_days_without_a_dataset_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.ini"
    file.write_text(f"[main]\ndestination = {tmp_path}/there\n[{tmp_path}]\nupload_files = yes\n")
    assert main(["backup", "-c", str(file), "--to-date", "20260101"]) == 2
    assert "are about datasets" in capsys.readouterr().err
