"""The catalog is lost, and what it knew is here no more: with ``catalog rebuild`` and ``restore`` all comes back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.harness import Cli
from tests.roundtrip.holdings import (
    DIRECTORIES,
    As,
    check_directories,
    check_others,
    grow_directories,
    grow_others,
    others,
)
from tests.roundtrip.journey import Journey
from tests.roundtrip.kinds import KINDS
from tests.roundtrip.trees import Looks, look
from tests.ssh_server.sshd import Sshd


@pytest.fixture
def sent(journey: Journey, sshd: Sshd, tmp_path: Path) -> Journey:
    """Everything was sent, and is gone; only the INI file is still there."""
    # A vault is no place for a copy of the catalog.
    copies = f"catalog_copy = {tmp_path / 'copies'}\n" if journey.kind.name == "glacier" else ""
    journey.sections(DIRECTORIES + others(journey.data, sshd), copies)
    grow_directories(journey.data, 1)
    grow_others(journey.data, 1, short=True)
    journey.back_up()
    journey.data.rename(tmp_path / "what it was")
    return journey


def test_everything_comes_back_as_it_was_from_a_copy_of_the_catalog(sent: Journey, sshd: Sshd, tmp_path: Path) -> None:
    known = len(sent("list", "--json").json)
    sent.lose_catalog()

    rebuilt = sent.rebuild()

    (place,) = rebuilt.json["places"]
    assert (rebuilt.code, place["added"], place["known"], place["foreign"]) == (0, 0, known, 0)
    assert rebuilt.json["copy"] is not None or sent.kind.name == "glacier"  # there it was taken by the first run
    assert sent.restore(tmp_path / "target").code == 0
    check_directories(tmp_path / "what it was", tmp_path / "target" / os.uname().nodename / str(sent.data)[1:])
    check_others(tmp_path / "what it was", tmp_path / "target", sent.data, sshd)


def test_everything_comes_back_without_any_copy(sent: Journey, sshd: Sshd, tmp_path: Path) -> None:
    known = len(sent("list", "--json").json)
    sent.lose_catalog()

    rebuilt = sent.rebuild("--no-copy")

    (place,) = rebuilt.json["places"]
    assert (rebuilt.code, place["added"], place["known"], place["foreign"]) == (0, known, 0, 0)
    assert sent.restore(tmp_path / "target").code == 0
    check_directories(tmp_path / "what it was", tmp_path / "target" / os.uname().nodename / str(sent.data)[1:])
    as_told = TOLD_OF_TREES.get(sent.kind.name, _all)
    check_others(tmp_path / "what it was", tmp_path / "target", sent.data, sshd, as_told)
    assert sent.rebuild("--no-copy").json["places"][0]["added"] == 0


def _all(looks: dict[str, Looks]) -> dict[str, Looks]:
    return looks


def _contents(looks: dict[str, Looks]) -> dict[str, Looks]:
    return {name: one._replace(mode=0, mtime_ns=0) for name, one in looks.items()}


TOLD_OF_TREES: dict[str, As] = {"local": _contents, "sftp": _contents}
"""What a place still tells of the files of a tree, which there have nothing beside them."""


@pytest.mark.parametrize("name", ["glacier", "s3", "s3_of_others"])
def test_a_file_whose_path_is_too_long_to_be_told_comes_back_all_the_same(
    request: pytest.FixtureRequest, cli: Cli, tmp_path: Path, name: str
) -> None:
    """Only the beginning of its name is known, and where it lay: nothing tells the rest, but nothing is lost."""
    journey = Journey(cli, KINDS[name](request))
    file = journey.data.joinpath("tree", *["d" * 40] * 27, "file")
    file.parent.mkdir(parents=True)
    file.write_text("at the end of a long way")
    journey.sections("[{data}/tree]\nupload_tree = yes\n")
    journey.back_up()
    journey.data.rename(tmp_path / "what it was")
    journey.lose_catalog()

    rebuilt = journey.rebuild("--no-copy")
    assert (rebuilt.code, rebuilt.json["places"][0]["added"]) == (0, 1)
    assert journey.restore(tmp_path / "target").code == 0

    back = [one for one in look(tmp_path / "target").values() if one.type == "-"]
    was = look(next((tmp_path / "what it was").rglob("file")))["."]
    assert [one._replace(same_as=".") for one in back] == [was]


@pytest.mark.parametrize("name", ["local", "sftp"])
def test_a_file_of_a_tree_whose_name_had_to_be_cut_lies_there_and_is_counted(
    request: pytest.FixtureRequest, cli: Cli, tmp_path: Path, name: str
) -> None:
    """Nothing beside it tells what it was called."""
    journey = Journey(cli, KINDS[name](request))
    long = journey.data / "tree" / ("ä" * 127)
    long.parent.mkdir(parents=True)
    long.symlink_to("content")
    journey.sections("[{data}/tree]\nupload_tree = yes\n")
    journey.back_up()
    journey.lose_catalog()

    ran = journey.rebuild("--no-copy")

    assert (ran.json["places"][0]["added"], ran.json["places"][0]["foreign"]) == (0, 1)
    (there,) = (tmp_path / "vault").rglob("*.rclonelink")
    assert there.read_text() == "content"
