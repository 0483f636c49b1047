from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from tests.workflow.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield World(catalog)
