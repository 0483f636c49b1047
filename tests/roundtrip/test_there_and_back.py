"""What was sent comes back equal, byte for byte and attribute for attribute: every kind of file, by every packer, from
every kind of destination, by the program as a user runs it.

``GLACIER_ROUND_TRIPS=20`` tries so many seeds of each in place of one.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glacier_backup.pack.gnu_tar import find_gnu_tar
from tests.roundtrip.holdings import DIRECTORIES, check_directories, check_others, grow_directories, grow_others, others
from tests.roundtrip.journey import Journey
from tests.roundtrip.trees import look, room_taken
from tests.ssh_server.sshd import Sshd

SEEDS = range(int(os.environ.get("GLACIER_ROUND_TRIPS", "1")))

NOT_OWNED = "not set-user-ID or set-group-ID, for its owner isn't known"
"""What is said of a file that is sent as it is."""


@pytest.fixture(params=["GNU tar", "our own writer"])
def tar(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes archives of directories."""
    if request.param != "GNU tar":
        monkeypatch.setenv("PATH", str(tmp_path / "no programs here"))
    assert (find_gnu_tar() is not None) is (request.param == "GNU tar")


@pytest.mark.usefixtures("tar")
@pytest.mark.parametrize("seed", SEEDS)
def test_directories_come_back_as_they_were(journey: Journey, tmp_path: Path, seed: int) -> None:
    target = tmp_path / "target"
    journey.sections(DIRECTORIES)
    grow_directories(journey.data, seed)

    journey.back_up()
    ran = journey.restore(target)

    assert (ran.code, ran.err) == (0, "")
    check_directories(journey.data, target / str(journey.data)[1:])
    assert os.listdir(target) == [str(journey.data).split("/")[1]]


@pytest.mark.parametrize("seed", SEEDS)
def test_files_trees_and_what_lies_on_a_server_come_back_as_they_were(
    journey: Journey, sshd: Sshd, tmp_path: Path, seed: int
) -> None:
    data, target = journey.data, tmp_path / "target"
    journey.sections(others(data, sshd))
    grow_others(data, seed)

    journey.back_up()
    ran = journey.restore(target)

    assert ran.code == 0
    said = ran.err.splitlines()
    assert all(line.endswith(NOT_OWNED) for line in said), said
    # An empty file goes into a vault as a tar, which knows its owner.
    least = 1 if journey.kind.name == "glacier" else 0
    assert len(said) == sum(
        one.mode > 0o777 for one in look(data / "tree").values() if one.type == "-" and one.size >= least
    )
    check_others(data, target, data, sshd)
    assert journey.back_up().json["summary"]["sent"] == 0


def test_holes_take_no_room_when_they_are_back(at_hand: Journey, tmp_path: Path) -> None:
    at_hand.sections("[{data}/disks]\nupload_single_dir = yes\n")
    (at_hand.data / "disks").mkdir()
    disk = at_hand.data / "disks/disk.img"
    with disk.open("wb") as file:
        file.seek(50 * 2**20)
        file.write(b"something")
        file.truncate(100 * 2**20)
    if room_taken(disk) > 2**20:
        pytest.skip("this file system has no holes")

    at_hand.back_up()
    assert at_hand.restore(tmp_path / "target", at_hand.data / "disks").code == 0

    assert look(tmp_path / "target/disks") == look(at_hand.data / "disks")
    assert room_taken(tmp_path / "target/disks/disk.img") <= 2**20
