"""A vault destination before the strict server, and waits that a test can afford."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from glacier_backup.destination.glacier import Glacier
from tests.destination.vaults import glacier_at
from tests.vault_server.process import VaultServer


@pytest.fixture
def glacier(vault: str, vault_server: VaultServer) -> Iterator[Glacier]:
    with closing(glacier_at(vault_server, vault)) as made:
        yield made
    vault_server.control(deny=[], clock_offset=0, faults=None)


@pytest.fixture
def later(vault: str, vault_server: VaultServer) -> Iterator[Glacier]:
    """The destination of a later process."""
    with closing(glacier_at(vault_server, vault)) as made:
        yield made


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glacier_backup.destination.retrying.FIRST_WAIT", 0.001)
    monkeypatch.setattr("glacier_backup.destination.retrying.LONGEST_WAIT", 0.01)
    monkeypatch.setattr("glacier_backup.destination.aws.access.READ_TIMEOUT", 1.0)
