"""What a dry run says of putting small files together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glacier_backup.cli.main import main

SAID = (
    "200 files smaller than 1.0 KiB in 1 ZIP, which saves 7.8 MiB of overhead, < 0.01 USD a month, "
    "0.01 USD of requests once"
)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(200):
        (tree / f"{number:04}").write_text("x")
    file = tmp_path / "x.ini"
    file.write_text(
        f"[main]\ndestination = s3://my-bucket/x\nregion = eu-central-1\nlogfile =\n[{tree}]\nupload_tree = yes\n"
        "group_files_smaller_than = 1 KiB\n"
    )
    return file


def test_it_says_what_is_saved(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-d", "-c", str(config)]) == 0

    *_, remark, last = capsys.readouterr().out.splitlines()
    assert remark.startswith(f"{config.parent}/tree: {SAID} (prices of ")
    assert last.startswith("dry run: ")


def test_a_script_gets_it_in_numbers(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "-d", "--json", "-c", str(config)]) == 0

    (found,) = json.loads(capsys.readouterr().out)["summary"]["grouping"]
    assert (found["section"], found["destination"], found["files"]) == (f"{config.parent}/tree", "main", 200)
    assert found["suggested"] is None
    assert found["currency"] == "USD"
    now = found["now"]
    assert (now["group_files_smaller_than"], now["small_files"], now["groups"]) == (1024, 200, 1)
    assert now["overhead_bytes_saved"] == 199 * 40 * 1024
    assert now["saved_once"] == pytest.approx(199 * 0.055 / 1000)


def test_a_tree_that_would_save_much_is_told_how(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(config.read_text().replace("group_files_smaller_than = 1 KiB\n", ""))
    for number in range(1200):
        (config.parent / "tree" / f"a{number:04}").write_text("x")
    assert main(["-d", "-c", str(config)]) == 0

    *_, remark, _ = capsys.readouterr().out.splitlines()
    start = (
        f"{config.parent}/tree: with group_files_smaller_than = 16 KiB there would be about 1,400 files smaller than"
    )
    assert remark.startswith(start)


def test_where_nothing_is_known_of_prices_only_numbers_are_said(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text().replace("s3://my-bucket/x", str(config.parent / "there")))
    assert main(["-d", "-c", str(config)]) == 0

    *_, remark, _ = capsys.readouterr().out.splitlines()
    assert remark == f"{config.parent}/tree: 200 files smaller than 1.0 KiB in 1 ZIP"
