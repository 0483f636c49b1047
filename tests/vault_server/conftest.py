"""One server for all tests of the server's rules, and a vault of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from .client import RawClient
from .process import VaultServer

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    """A running server; its log has to be empty in the end."""
    root = tmp_path_factory.mktemp("vault-server")
    with VaultServer(root) as running:
        yield running
    assert (root / "server.log").read_text() == ""


@pytest.fixture
def client(server: VaultServer) -> Iterator[RawClient]:
    """A connection to the server."""
    with RawClient(server) as connected:
        yield connected


@pytest.fixture
def vault(server: VaultServer) -> str:
    """The name of a new vault."""
    name = f"rules-{next(_NUMBERS)}"
    server.create_vault(name)
    return name


@pytest.fixture
def path(vault: str) -> str:
    """The vault's path."""
    return f"/-/vaults/{vault}"


@pytest.fixture
def upload(client: RawClient, path: str) -> str:
    """The path of a new upload in parts of 1 MiB."""
    answer = client.send("POST", f"{path}/multipart-uploads", {"x-amz-part-size": str(1 << 20)})
    return f"{path}/multipart-uploads/{answer.headers['x-amz-multipart-upload-id']}"


@pytest.fixture
def faulty(server: VaultServer) -> Iterator[VaultServer]:
    """The server, whose faults end with the test."""
    yield server
    server.no_faults()
