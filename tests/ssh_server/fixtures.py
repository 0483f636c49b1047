"""Servers for the length of a test, or of all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lacking import lacking
from tests.ssh_server.relay import Relay
from tests.ssh_server.scripted import ScriptedServer
from tests.ssh_server.sshd import Sshd, find_sshd


@pytest.fixture(scope="session")
def sshd_program() -> str:
    program = find_sshd()
    if program is None:
        lacking("sshd is not installed: apt-get install openssh-server")
    return program


@pytest.fixture(scope="session")
def sshd(sshd_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One OpenSSH server for all tests; each has a folder of its own."""
    with Sshd(tmp_path_factory.mktemp("sshd"), sshd_program) as server:
        yield server


@pytest.fixture
def relay(sshd: Sshd) -> Iterator[Relay]:
    """A way to the OpenSSH server that can be made long or rough."""
    with Relay(sshd.port) as made:
        yield made


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[ScriptedServer]:
    """A server that does as it is told."""
    with ScriptedServer(tmp_path / "served") as server:
        yield server
