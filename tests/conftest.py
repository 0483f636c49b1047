"""No test sees the user's home, credentials or settings, nor anything beyond loopback."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from coverage import Coverage
from hypothesis import settings

from tests.cli.harness import Cli
from tests.lacking import lacking
from tests.s3_servers.fixtures import moto_server, others_store, rclone_server, s3_keys_set, s3_store  # noqa: F401
from tests.ssh_server.fixtures import relay, scripted, sshd, sshd_program  # noqa: F401
from tests.vault_server.process import VaultServer
from tests.zfs_fuse.fixtures import pool  # noqa: F401
from tests.zfs_recorded.fixtures import recorded  # noqa: F401

settings.register_profile("default", deadline=None)
settings.load_profile("default")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So a shell starts what it puts into the background; tests press ^C all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)

_FOREIGN = ("AWS_", "GLACIER_BACKUP_", "XDG_", "BOTO")

_UNMEASURED = {
    *("contract", "crash", "docs", "legacy", "roundtrip", "vault_server"),
    *("test_at_scale", "test_group_sequences", "test_restore_killed", "test_restore_packs_killed", "test_survival"),
}
"""Folders of tests that run all of the program together, or none of it, and modules that go the same way very often."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Coverage counts what a room's own tests reach of it: what is only reached through everything else isn't tested
    where it should be, and measuring adds a third to the time of a test."""
    stopped: list[Coverage] = []
    if not _UNMEASURED.isdisjoint((item.path.parent.name, item.path.stem)):
        while one := Coverage.current():  # a worker of xdist has two, one in the other
            one.stop()
            stopped.append(one)
    try:
        return (yield)
    finally:
        for one in reversed(stopped):
            one.start()


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """What a command of ours has taken for loaded for good, in a process of its own, is garbage here like all else."""
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names for homes. They are numbered here: pytest would look through all that there are for the next."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(_FOREIGN):
            monkeypatch.delenv(name)
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def vault_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    """One strict vault server for all tests; each makes vaults of its own."""
    with VaultServer(tmp_path_factory.mktemp("vaults")) as server:
        yield server


@pytest.fixture
def vault(vault_server: VaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an empty vault, with the credentials for it in the environment."""
    for name, value in vault_server.environment.items():
        monkeypatch.setenv(name, value)
    name = f"vault-{tmp_path.name}"[:200]
    vault_server.create_vault(name)
    return name


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB. Mounting one takes root and mount(8)."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", mounted], capture_output=True, text=True)
    if made.returncode != 0:
        lacking(f"no file system can be mounted here: {made.stderr.strip()}")
    yield mounted
    # Lazily: a server that was just left may still have its folder open.
    subprocess.run(["umount", "--lazy", mounted], check=True)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """The program, with an empty folder to work in."""
    return Cli(capsys, tmp_path)


@pytest.fixture
def vault_ini(vault: str, vault_server: VaultServer) -> str:
    """The ``[main]`` of an INI file whose archives go to an empty vault of the strict server."""
    return (
        f"[main]\nvault_name = {vault}\nregion = {vault_server.region}\n"
        f"endpoint_url = {vault_server.endpoint_url}\ncatalog = {{here}}/catalog.sqlite3\nlogfile =\n"
    )
