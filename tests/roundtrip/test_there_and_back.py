"""What was sent comes back equal, byte for byte and attribute for attribute: every kind of file, by every packer, from
every kind of destination, by the program as a user runs it.

``GLACIER_ROUND_TRIPS=20`` tries so many seeds of each in place of one.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from glacier_backup.pack.gnu_tar import find_gnu_tar
from tests.pack.packing import ODD_NAMES
from tests.roundtrip.forest import grow
from tests.roundtrip.journey import Journey
from tests.roundtrip.kinds import url
from tests.roundtrip.trees import Looks, look, room_taken
from tests.ssh_server.sshd import Sshd
from tests.streams import noise

SEEDS = range(int(os.environ.get("GLACIER_ROUND_TRIPS", "1")))

DIRECTORIES = """
[{data}/archives]
upload_dirs = yes
upload_if_changed = yes
[{data}/single]
upload_single_dir = yes
"""

OTHERS = """
[{data}/files]
upload_files = yes
[{data}/tree]
upload_tree = yes
[%s]
upload_dirs = yes
ssh_key = %s
host_key = %s
"""

LATEST = 2**63 - 1
"""The latest time, in ns since 1970, that a file which is sent as it is comes back with: in April 2262."""


def grow_directories(data: Path, seed: int) -> None:
    (data / "archives").mkdir(parents=True)
    for number, name in enumerate(("photos", "a b", ODD_NAMES[seed % len(ODD_NAMES)])):
        grow(data / "archives" / name, seed * 10 + number, entries=20)
    grow(data / "single", seed * 10 + 4)


def grow_others(data: Path, seed: int) -> None:
    for name in ("files", "tree", "remote"):
        (data / name).mkdir(parents=True)
    grow(data / "tree" / "top", seed * 10 + 5, entries=30, latest=LATEST)
    grow(data / "remote" / "their photos", seed * 10 + 6, plain=True)
    for number, name in enumerate(ODD_NAMES):
        file = data / "files" / name
        file.write_bytes(noise(number * 300, seed))
        file.chmod((0o600, 0o644, 0o755, 0o400)[number % 4])
        os.utime(file, ns=(0, number * 10**17 - 123_456_789))
    (data / "files" / "large").write_bytes(noise(5 * 2**20 + 3, seed))
    (data / "files" / "a link to a file").symlink_to(data / "files" / "large")


def raw(looks: dict[str, Looks]) -> dict[str, Looks]:
    """What a file that is sent as it is has of its own: no owner, no attributes, no second name; and there are no
    directories, and nothing special, among such."""
    return {
        name: one._replace(mode=one.mode & 0o777, uid=0, gid=0, attributes=(), same_as=name)
        for name, one in looks.items()
        if one.type in "-l"
    }


@pytest.mark.usefixtures("tar")
@pytest.mark.parametrize("seed", SEEDS)
def test_directories_come_back_as_they_were(journey: Journey, tmp_path: Path, seed: int) -> None:
    data, target = journey.data, tmp_path / "target"
    journey.sections(DIRECTORIES)
    grow_directories(data, seed)

    journey.back_up()
    ran = journey.restore(target)

    assert (ran.code, ran.err) == (0, "")
    back = target / str(data)[1:]
    for name in ("single", *(f"archives/{name}" for name in os.listdir(data / "archives"))):
        assert look(back / name) == look(data / name), name
    assert os.listdir(target) == [str(data).split("/")[1]]


@pytest.mark.parametrize("seed", SEEDS)
def test_files_trees_and_what_lies_on_a_server_come_back_as_they_were(
    journey: Journey, sshd: Sshd, tmp_path: Path, seed: int
) -> None:
    data, target = journey.data, tmp_path / "target"
    journey.sections(OTHERS % (url(sshd, data / "remote"), sshd.key, sshd.host_key))
    grow_others(data, seed)

    journey.back_up()
    ran = journey.restore(target)

    assert ran.code == 0
    said = ran.err.splitlines()
    assert all(line.endswith("not set-user-ID or set-group-ID, for its owner isn't known") for line in said), said
    assert len(said) == sum(one.mode > 0o777 for one in look(data / "tree").values() if one.type == "-")
    back = target / socket.gethostname() / str(data)[1:]
    assert raw(look(back / "tree")) == raw(look(data / "tree"))
    files = raw(look(data / "files"))
    files["a link to a file"] = files["large"]._replace(same_as="a link to a file")
    assert raw(look(back / "files")) == files
    theirs = Path(str(data)[1:], "remote/their photos")
    assert look(target / "127.0.0.1" / theirs) == look("/" / theirs)


def test_holes_take_no_room_when_they_are_back(journey: Journey, tmp_path: Path) -> None:
    journey.sections("[{data}/disks]\nupload_single_dir = yes\n")
    (journey.data / "disks").mkdir()
    disk = journey.data / "disks/disk.img"
    with disk.open("wb") as file:
        file.seek(200 * 2**20)
        file.write(b"something")
        file.truncate(400 * 2**20)
    if room_taken(disk) > 2**20:
        pytest.skip("this file system has no holes")

    journey.back_up()
    assert journey.restore(tmp_path / "target", journey.data / "disks").code == 0

    assert look(tmp_path / "target/disks") == look(journey.data / "disks")
    assert room_taken(tmp_path / "target/disks/disk.img") <= 2**20
