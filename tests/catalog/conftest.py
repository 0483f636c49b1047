from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where a catalog would be; there is none yet."""
    return str(tmp_path / "catalog.sqlite3")


@pytest.fixture
def catalog(path: str) -> Iterator[Catalog]:
    """An empty catalog, open for writing."""
    with Catalog.open(path) as opened:
        yield opened
