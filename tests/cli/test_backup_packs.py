"""Whole trees sent in packs, from the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.harness import Cli, Ran
from tests.permissions import with_mode, without_privilege

INI = """\
[main]
destination = {here}/vault
catalog = {here}/catalog.sqlite3
logfile = {here}/log

[{data}/photos]
upload_tree = yes
pack_size = 1 MiB
"""


@pytest.fixture
def photos(cli: Cli) -> Path:
    folder = cli.data / "photos"
    for name, size in (("2020/a.jpg", 300_000), ("2020/b.jpg", 500_000), ("2021/c.jpg", 600_000), ("film.mov", 2**21)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    return folder


def packs(ran: Ran) -> list[list[str]]:
    """The last components of the paths of the files of each."""
    return [[os.path.basename(file["path"]) for file in one["files"]] for one in ran.json["plan"] if one["files"]]


def test_a_tree_goes_in_packs_and_then_only_what_has_changed(cli: Cli, photos: Path) -> None:
    ini = cli.ini(INI)

    before = cli("-c", ini, "-d", "--json")
    first = cli("-c", ini, "--json")
    assert packs(before) == packs(first) == [["a.jpg", "b.jpg"], ["c.jpg"]]
    assert (before.json["summary"]["planned"], before.json["summary"]["files"]) == (3, 3)
    assert (first.json["summary"]["sent"], first.json["summary"]["files"]) == (3, 3)
    assert f"{photos}/film.mov" in first.sent()

    again = cli("-c", ini, "--json")
    assert (again.code, again.sent(), again.json["summary"]["files"]) == (0, set(), 0)
    assert set(again.reasons()) == {str(path) for path in photos.rglob("*.*")}

    (photos / "2020/b.jpg").write_text("edited")
    (photos / "2021/c.jpg").rename(photos / "2021/d.jpg")
    changed = cli("-c", ini, "--json")
    (pack,) = (one for one in changed.json["plan"] if one["files"])
    assert [(file["path"], file["reason"]) for file in pack["files"]] == [
        (f"{photos}/2020/b.jpg", "changed"),
        (f"{photos}/2021/d.jpg", f"renamed, was {photos}/2021/c.jpg"),
    ]
    assert pack["reason"] == "2 files: 1 changed, 1 renamed"
    assert cli("-c", ini, "--json").sent() == set()


def test_a_dry_run_shows_the_files_of_each_pack(cli: Cli, photos: Path) -> None:
    out = cli("-c", cli.ini(INI), "-d").out.splitlines()

    assert [line.split() for line in out if line.startswith("  ")][1:] == [
        ["293", "KiB", f"{photos}/2020/a.jpg", "not", "sent", "yet"],
        ["488", "KiB", f"{photos}/2020/b.jpg", "not", "sent", "yet"],
        ["586", "KiB", f"{photos}/2021/c.jpg", "not", "sent", "yet"],
    ]
    assert f"3 to send (3.3 MiB; 3 files in groups) to {cli.folder}/vault, 0 to skip" in out


def test_a_run_says_how_many_files_went_in_packs(cli: Cli, photos: Path) -> None:
    ran = cli("backup", "-c", cli.ini(INI), "--verbose")

    assert f"3 sent (3.3 MiB; 3 files in groups) to {cli.folder}/vault, 0 failed, 0 skipped" in ran.out
    assert "photos.pack.tar, 2 files" in ran.out
    log = (cli.folder / "log").read_text()
    assert "run started: 3 to send (3.3 MiB; 3 files in groups), 0 to skip" in log
    assert "run ended: 3 sent (3 files in groups), 0 failed, 0 skipped, exit code 0" in log


def test_a_limit_counts_packs(cli: Cli, photos: Path) -> None:
    ini = cli.ini(INI)
    for files in (2, 0, 1, 0):
        assert cli("-c", ini, "--limit", "1", "--json").json["summary"]["files"] == files


def test_what_is_forced_is_sent_together_once_more(cli: Cli, photos: Path) -> None:
    ini = cli.ini(INI)
    cli("-c", ini)

    forced = cli("-c", ini, "--force", "--json")

    assert (forced.code, forced.json["summary"]["sent"], forced.json["summary"]["files"]) == (0, 3, 3)
    assert [one["reason"] for one in forced.json["plan"]] == ["2 files, forced", "forced", "1 file, forced"]


def test_a_file_that_cannot_be_read_is_told_and_tried_again(
    cli: Cli, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ini = cli.ini(INI)
    # A tar of root's own would read everything.
    monkeypatch.setenv("PATH", str(cli.folder))

    with with_mode(photos / "2020/a.jpg"), without_privilege():
        first = cli("-c", ini, "--json")
    assert (first.code, first.json["summary"]["files"]) == (1, 2)
    assert f"{photos}/2020/a.jpg" in first.err
    again = cli("-c", ini, "--json")
    assert (again.code, packs(again)) == (0, [["a.jpg"]])


def test_each_destination_is_sent_what_it_lacks(cli: Cli, photos: Path) -> None:
    text = INI.replace("{here}/vault", "{here}/vault\n  {here}/other")
    cli("-c", cli.ini(INI))
    (photos / "2022").mkdir()
    (photos / "2022/e.jpg").write_text("new")

    ran = cli("-c", cli.ini(text), "--json")
    assert ran.code == 0, ran.err

    by_name = ran.json["summary"]["destinations"]
    assert [by_name[f"{cli.folder}/{name}"]["files"] for name in ("vault", "other")] == [1, 4]
    assert cli("-c", cli.ini(text), "--json").sent() == set()
