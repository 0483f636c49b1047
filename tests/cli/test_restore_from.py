"""``restore --from``: when what is at hand soonest is gone for good, the other destination has it, too."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.harness import Cli

INI = """\
[main]
catalog = {here}/catalog.sqlite3
logfile =
[destination disk]
destination = {here}/disk
[destination other]
destination = {here}/other
[{data}]
upload_tree = yes
upload_if_changed = yes
destination =
    disk
    other
"""


@pytest.fixture
def ini(cli: Cli) -> Path:
    (cli.data / "a.txt").write_text("a")
    ini = cli.ini(INI)
    assert cli("-c", ini).code == 0
    return ini


def back(cli: Cli) -> list[str]:
    return sorted(file.read_text() for file in (cli.folder / "back").rglob("*.txt"))


@pytest.mark.parametrize("lost", ["disk", "other"])
@pytest.mark.parametrize("by", ["name", "path"])
def test_the_other_destination_is_taken_where_one_is_lost(cli: Cli, ini: Path, lost: str, by: str) -> None:
    left = "other" if lost == "disk" else "disk"
    shutil.rmtree(cli.folder / lost)
    given = left if by == "name" else str(cli.folder / left)

    ran = cli("restore", "-c", ini, "--to", cli.folder / "back", "--from", given)

    assert (ran.code, back(cli)) == (0, ["a"])


@pytest.mark.parametrize("away", ["disk", "other"])
def test_a_restore_that_fails_names_the_cure_and_does_not_keep_it_from_working(cli: Cli, ini: Path, away: str) -> None:
    there = "other" if away == "disk" else "disk"
    shutil.rmtree(cli.folder / away)

    failed = cli("restore", "-c", ini, "--to", cli.folder / "back", "--from", away)

    assert (failed.code, back(cli)) == (4, [])
    assert "comes back from there with --from" in failed.err
    assert cli("restore", "-c", ini, "--to", cli.folder / "back", "--from", there).code == 0
    assert back(cli) == ["a"]


def test_only_what_is_there_is_in_the_plan(cli: Cli, ini: Path) -> None:
    (cli.data / "b.txt").write_text("b")
    only = cli.ini(INI.replace("    other\n", ""), name="only.ini")
    assert cli("-c", only).code == 0

    ran = cli("restore", "-c", ini, "--plan", "--from", "other", "--json")

    assert [Path(one["path"]).name for one in ran.json["plan"]] == ["a.txt"]
    assert cli("restore", cli.data / "b.txt", "-c", ini, "--plan", "--from", "other").code == 2
    assert cli("restore", cli.data / "b.txt", "-c", ini, "--plan", "--from", "disk").code == 0


def test_a_place_that_nobody_knows_is_refused(cli: Cli, ini: Path) -> None:
    ran = cli("restore", "-c", ini, "--plan", "--from", "moon")
    assert ran.code == 2
    assert "nothing is known to be stored at moon" in ran.err
    assert str(cli.folder / "disk") in ran.err
