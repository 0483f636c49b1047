"""Files on file systems that don't count blocks must not be taken for holes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup import mounts
from glacier_backup.pack.block_counts import blocks_are_counted
from glacier_backup.pack.tar import TarPacker
from tests.pack import uncounted
from tests.pack.packing import packed


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


def test_without_a_table_of_mounts_nothing_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "_TABLE", tmp_path / "mountinfo")

    assert not blocks_are_counted(str(tmp_path))
