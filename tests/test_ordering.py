"""Directories with more entries than are held in memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup import ordering
from glacier_backup.ordering import Ordering
from glacier_backup.resolve.fingerprint import fingerprint_directory
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection
from tests.resolve.trees import write


@given(st.lists(st.binary()), st.integers(min_value=1, max_value=10))
def test_pieces_come_in_order_however_few_are_held(pieces: list[bytes], at_a_time: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "AT_A_TIME", at_a_time)
        ordered = Ordering()
        for piece in pieces:
            ordered.add(piece)

        assert list(ordered) == sorted(pieces)


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """Files, directories and links; names of which one is the beginning of the other, and some that are no text."""
    wide = tmp_path / "wide"
    for number in range(40):
        write(wide / f"file {number * 7 % 40}", "x" * number)
        write(wide / f"dir{number}" / "inside" / "deep", "y")
        (wide / f"dir{number}.link").symlink_to(f"dir{number}")
    for name in (b"a", b"a\x01", b"a\x01b", b"\xff", "ä".encode(), b"a\xff"):
        (wide / os.fsdecode(name)).write_bytes(name)
    return wide


@pytest.mark.parametrize("at_a_time", [1, 2, 7, 45, 126, 127])
def test_the_size_of_a_directory_changes_no_fingerprint_and_no_order(
    wide: Path, at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    selection = Selection(str(wide), files=True, dirs=True)
    resolved = list(LocalSource().resolve(selection))
    fingerprint = fingerprint_directory(str(wide))

    monkeypatch.setattr(ordering, "AT_A_TIME", at_a_time)

    assert list(LocalSource().resolve(selection)) == resolved
    assert fingerprint_directory(str(wide)) == fingerprint
    assert len(resolved) == 126


def test_the_folder_for_temporary_files_may_be_the_one_that_is_looked_at(
    wide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is set aside has no name."""
    fingerprint = fingerprint_directory(str(wide))
    monkeypatch.setattr("tempfile.tempdir", str(wide))
    monkeypatch.setattr(ordering, "AT_A_TIME", 5)

    assert fingerprint_directory(str(wide)) == fingerprint
