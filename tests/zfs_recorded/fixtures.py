"""The recorded ``zfs`` for the length of a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.zfs_recorded.recording import Recording


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recording]:
    """It is on the PATH, and answers nothing until it is told from what."""
    made = Recording(tmp_path / "recorded")
    monkeypatch.setenv("PATH", made.path)
    yield made
    assert made.calls is not None  # all were answered
