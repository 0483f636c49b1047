"""Streams of datasets as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from glacier_backup.pack.unpacker import UnpackOrder
from glacier_backup.pack.unpackers import UNPACKERS
from tests.pack.unpacking import unpack


@pytest.mark.parametrize(("mode", "expected"), [(None, 0o600), (0o640, 0o640)])
def test_a_stream_is_its_owner_s_unless_its_mode_is_told(tmp_path: Path, mode: int | None, expected: int) -> None:
    unpack(b"stream", tmp_path / "to", UnpackOrder("photos.zfs", "dataset", mode=mode), UNPACKERS["zfs"])
    made = tmp_path / "to" / "photos.zfs"
    assert (made.read_bytes(), made.stat().st_mode & 0o7777) == (b"stream", expected)
