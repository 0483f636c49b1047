"""A pool for all tests of a process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.zfs_fuse.daemon import PREFIX
from tests.zfs_fuse.pool import Pool, pool_in


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """Real ZFS; each test makes datasets of its own in it."""
    # Not below pytest's own folder: what is still mounted when tests are killed would be in the way of the next.
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}-{os.getpid()}-") as folder, pool_in(Path(folder)) as made:
        yield made
