"""Files that were deleted at their source, from the command line: put away, left out of a restore, and brought back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glacier_backup.config.deleted_options import max_delete
from glacier_backup.model.filters import MostDeleted
from tests.cli.harness import Cli

CONFIG = """\
[main]
destination = {here}/vault
catalog = {here}/catalog.sqlite3
logfile = {here}/log
MAIN
[{data}]
upload_tree = yes
deleted = expire
"""


@pytest.fixture
def ini(cli: Cli) -> Path:
    for number in range(14):
        (cli.data / f"{number:02}").write_text("x")
    path = cli.ini(CONFIG.replace("MAIN", ""))
    assert cli("-c", path).code == 0
    return path


def remove(cli: Cli, count: int) -> None:
    for number in range(count):
        (cli.data / f"{number:02}").unlink()


def restored(cli: Cli, ini: Path, *more: str) -> list[str]:
    target = cli.folder / f"out{len(list(cli.folder.glob('out*')))}"
    ran = cli("restore", "--to", target, "-c", ini, *more)
    assert ran.code == 0, ran.err
    return sorted(path.name for path in target.rglob("*") if path.is_file())


def test_what_is_deleted_is_shown_put_away_and_told(cli: Cli, ini: Path) -> None:
    remove(cli, 2)

    dry, done = cli("-d", "-c", ini), cli("-c", ini, "--limit", "none")
    verb = cli("backup", "--json", "-c", ini).json

    assert [line.split()[:5] for line in dry.out.splitlines() if line.startswith("put away")] == [
        ["put", "away", "1", "B", f"{cli.data}/{name}"] for name in ("00", "01")
    ]
    assert "0 to send (0 B)" in dry.out
    assert "2 to put away" in dry.out
    assert done.code == 0
    assert verb["summary"]["expired"] == 0
    log = (cli.folder / "log").read_text()
    assert f"put away {cli.data}/00 (noted): deleted at the source" in log
    assert "2 put away, exit code 0" in log


def test_json_says_what_was_put_away(cli: Cli, ini: Path) -> None:
    remove(cli, 1)

    planned, done = cli("backup", "-d", "--json", "-c", ini).json, cli("backup", "--json", "-c", ini).json

    assert [one["action"] for one in planned["plan"]].count("expire") == 1
    assert (planned["summary"]["expired"], done["summary"]["expired"]) == (1, 1)
    assert done["plan"][-1] == done["plan"][-1] | {"result": "expired", "reason": "deleted at the source"}


def test_a_restore_leaves_out_what_was_deleted(cli: Cli, ini: Path) -> None:
    remove(cli, 2)
    cli("-c", ini)

    assert restored(cli, ini) == [f"{number:02}" for number in range(2, 14)]
    assert len(restored(cli, ini, "--with-deleted")) == 14


def test_whoever_names_it_is_told_how_to_have_it(cli: Cli, ini: Path) -> None:
    remove(cli, 1)
    cli("-c", ini)

    ran = cli("restore", cli.data / "00", "--to", cli.folder / "out", "-c", ini)

    assert ran.code == 2
    assert f"{cli.data}/00 was deleted at its source" in ran.err
    assert "--with-deleted brings it back" in ran.err
    assert restored(cli, ini, str(cli.data / "00"), "--with-deleted") == ["00"]


def test_the_hint_with_a_time_does_as_it_says(cli: Cli, ini: Path) -> None:
    remove(cli, 1)
    cli("-c", ini)
    told = cli("restore", cli.data / "00", "--to", cli.folder / "out", "-c", ini).err

    assert restored(cli, ini, str(cli.data / "00"), "--at", told.split("--at ")[1].split()[0].rstrip(".")) == ["00"]


def test_lists_say_since_when(cli: Cli, ini: Path) -> None:
    remove(cli, 1)
    cli("-c", ini)

    listed = cli("list", "--versions", cli.data / "00", "-c", ini)
    found = cli("find", "00", "-c", ini)

    assert "deleted " in listed.out
    assert "deleted " in found.out
    (one,) = cli("list", "--versions", cli.data / "00", "--json", "-c", ini).json
    assert one["deleted_at"] is not None
    assert one["expired_at"] == one["deleted_at"]
    (other,) = cli("list", "--versions", cli.data / "05", "--json", "-c", ini).json
    assert (other["deleted_at"], other["expired_at"]) == (None, None)


@pytest.mark.parametrize("form", [[], ["backup"]])
def test_too_much_is_refused_until_it_is_confirmed_for_one_run(cli: Cli, ini: Path, form: list[str]) -> None:
    remove(cli, 11)

    refused = cli(*form, "-c", ini)

    assert refused.code == 1
    assert "11 of 14 files are gone, and max_delete = 10 %" in refused.err
    assert "--max-delete" in refused.err
    assert len(restored(cli, ini)) == 14

    assert cli(*form, "-c", ini, "--max-delete", "11 files").code == 0
    assert len(restored(cli, ini)) == 3


def test_the_command_line_beats_the_section(cli: Cli) -> None:
    for number in range(14):
        (cli.data / f"{number:02}").write_text("x")
    ini = cli.ini(CONFIG.replace("MAIN", "") + "max_delete = 0 files\n")
    cli("-c", ini)
    remove(cli, 1)

    assert [cli("-c", ini).code, cli("-c", ini, "--max-delete", "none").code] == [1, 0]


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("10", MostDeleted(None, 10, "10 files")),
        ("1 file", MostDeleted(None, 1, "1 file")),
        ("0%", MostDeleted(0.0, None, "0 %")),
        ("12.5 %", MostDeleted(0.125, None, "12.5 %")),
        ("100 %", MostDeleted(1.0, None, "100 %")),
        ("none", MostDeleted(None, None, "none")),
    ],
)
def test_how_much_may_be_said_in_several_ways(text: str, most: MostDeleted) -> None:
    assert max_delete(text) == most
    assert max_delete(str(most)) == most


@pytest.mark.parametrize("text", ["", "101 %", "-1", "10 % of it", "many"])
def test_what_is_neither_share_nor_number_is_an_error(cli: Cli, text: str) -> None:
    ran = cli("-d", "-c", cli.ini(CONFIG.replace("MAIN", "")), "--max-delete", text)

    assert ran.code == 2
    assert "expected a share such as 10 %, a number of files such as 500 files, or none" in ran.err


def test_an_emptied_section_deletes_nothing(cli: Cli, ini: Path) -> None:
    remove(cli, 14)

    ran = cli("-c", ini, "--max-delete", "none")

    assert ran.code == 1
    assert "nothing is left of the 14 files that are stored: is its disk mounted?" in ran.err
    os.rmdir(cli.data)
    assert cli("-c", ini, "--max-delete", "none").code == 1
    assert len(restored(cli, ini)) == 14


def test_main_may_say_it_for_all_sections(cli: Cli) -> None:
    text = CONFIG.replace("MAIN", "deleted = expire").replace(
        "upload_tree = yes\ndeleted = expire", "upload_tree = yes"
    )
    (cli.data / "a").write_text("x")
    (cli.data / "b").write_text("x")
    ini = cli.ini(text)
    cli("-c", ini)
    (cli.data / "a").unlink()

    assert cli("backup", "--json", "-c", ini).json["summary"]["expired"] == 1
