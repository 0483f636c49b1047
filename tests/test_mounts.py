from __future__ import annotations

from pathlib import Path

import pytest

from glacier_backup import mounts
from glacier_backup.mounts import file_system, file_systems, mount_table, virtual_below

TABLE = rb"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw
30 27 0:33 / /home/ann/cloud\040drive rw,nosuid - fuse.rclone remote: rw
31 27 0:34 / /home/ann/back\134slash rw - nfs4 server:/x rw
32 27 0:35 / /data rw - xfs /dev/vdb rw
33 32 0:36 / /data rw - btrfs /dev/vdc rw
34 33 0:37 /sub /data/deep/er rw - tmpfs none rw
"""


@pytest.mark.parametrize(
    ("path", "holder", "below"),
    [
        ("/home/ann/cloud drive/photos", "fuse.rclone", set()),
        ("/home/ann/cloud drive", "fuse.rclone", set()),
        ("/home/ann/cloud driver", "ext4", set()),
        ("/home/ann/back\\slash/x", "nfs4", set()),
        ("/home/ann", "ext4", {"fuse.rclone", "nfs4"}),
        ("/data", "btrfs", {"tmpfs"}),
        ("/data/deep", "btrfs", {"tmpfs"}),
        ("/data/deep/er/x", "tmpfs", set()),
        ("/database", "ext4", set()),
        ("/", "ext4", {"proc", "fuse.rclone", "nfs4", "xfs", "btrfs", "tmpfs"}),
    ],
)
def test_the_file_systems_at_and_below_a_path_are_found(path: str, holder: str, below: set[str]) -> None:
    assert file_system(path, TABLE) == holder
    assert file_systems(path, TABLE) == {holder} | below


def test_a_symlink_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/data/deep/er")

    assert file_system(str(tmp_path / "link" / "x"), TABLE) == "tmpfs"


def test_without_a_table_nothing_is_known() -> None:
    assert file_system("/data", b"") is None
    assert file_systems("/data", b"") == set()


def test_a_system_without_a_table_has_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "_TABLE", tmp_path / "mountinfo")

    assert mount_table() == b""


def test_this_system_tells_where_its_processes_are_shown() -> None:
    if not mount_table():
        pytest.skip("no table of mounts here")
    assert file_system("/proc/self", mount_table()) == "proc"


HIDDEN = rb"""27 1 254:0 / / rw - ext4 /dev/vda rw
22 27 0:21 / /proc rw - proc proc rw
23 27 0:22 / /my\040root/sys rw - sysfs sysfs rw
24 27 0:21 / /my\040root/proc rw - proc proc rw
25 24 0:30 / /my\040root/proc/data rw - ext4 /dev/vdb rw
26 27 0:21 / /over rw - proc proc rw
28 27 254:1 / /over rw - ext4 /dev/vdc rw
29 27 0:21 / /gone/proc rw - proc proc rw
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", {b"/proc": 21, b"/my root/sys": 22, b"/my root/proc": 21}),
        ("/my root", {b"/my root/sys": 22, b"/my root/proc": 21}),
        ("/my root/proc", {}),
        ("/my", {}),
        ("/over", {}),
        ("/home", {}),
    ],
)
def test_what_the_kernel_shows_of_itself_is_found_below_a_path(
    path: str, expected: dict[bytes, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {b"/proc": 21, b"/my root/sys": 22, b"/my root/proc": 21, b"/gone/proc": 7}
    monkeypatch.setattr(mounts, "_device", there.get)
    assert virtual_below(path, HIDDEN) == expected


def test_this_system_shows_itself_below_the_root_directory() -> None:
    if not mount_table():
        pytest.skip("no table of mounts here")
    assert b"/proc" in virtual_below("/", mount_table())
