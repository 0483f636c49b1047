"""Files on file systems that don't count blocks must not be taken for holes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.pack.block_counts import blocks_are_counted, file_systems
from glacier_backup.pack.tar import TarPacker
from tests.pack import uncounted
from tests.pack.packing import packed

TABLE = rb"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw
30 27 0:33 / /home/ann/cloud\040drive rw,nosuid - fuse.rclone remote: rw
31 27 0:34 / /home/ann/back\134slash rw - nfs4 server:/x rw
32 27 0:35 / /data rw - xfs /dev/vdb rw
33 32 0:36 / /data rw - btrfs /dev/vdc rw
34 33 0:37 /sub /data/deep/er rw - tmpfs none rw
"""


@pytest.fixture
def precious(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "tree" / "mounted"
    folder.mkdir(parents=True)
    try:
        with uncounted.uncounted(folder) as file:
            yield file
    except OSError as error:
        pytest.skip(f"no FUSE here: {error}")


def test_a_file_without_a_block_count_is_packed_with_its_content(precious: Path) -> None:
    assert (precious.stat().st_blocks, precious.stat().st_size) == (0, len(uncounted.CONTENT))
    for path in (precious, precious.parent, precious.parent.parent):
        assert uncounted.CONTENT in packed(TarPacker(), path, "it").data


def test_a_symlink_into_such_a_file_system_is_followed(precious: Path, tmp_path: Path) -> None:
    assert blocks_are_counted(str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").symlink_to(precious.parent)
    assert not blocks_are_counted(str(tmp_path / "elsewhere"))
    assert uncounted.CONTENT in packed(TarPacker(), tmp_path / "elsewhere", "it").data


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("/home/ann/cloud drive/photos", {"fuse.rclone"}),
        ("/home/ann/cloud drive", {"fuse.rclone"}),
        ("/home/ann/cloud driver", {"ext4"}),
        ("/home/ann/back\\slash/x", {"nfs4"}),
        ("/home/ann", {"ext4", "fuse.rclone", "nfs4"}),
        ("/data", {"btrfs", "tmpfs"}),
        ("/data/deep", {"btrfs", "tmpfs"}),
        ("/data/deep/er/x", {"tmpfs"}),
        ("/database", {"ext4"}),
        ("/", {"ext4", "proc", "fuse.rclone", "nfs4", "xfs", "btrfs", "tmpfs"}),
    ],
)
def test_the_file_systems_at_and_below_a_path_are_found(path: str, kinds: set[str]) -> None:
    assert file_systems(os.fsencode(path), TABLE) == {os.fsencode(kind) for kind in kinds}


def test_without_a_table_of_mounts_nothing_is_believed() -> None:
    assert file_systems(b"/data", b"") == set()
