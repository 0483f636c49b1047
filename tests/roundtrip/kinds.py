"""Every kind of destination as an INI file names it, and what it takes to read it from another home."""

from __future__ import annotations

import getpass
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.places import PLACES, Place
from tests.s3_servers.fixtures import PREFIX, Store
from tests.ssh_server.sshd import Sshd
from tests.vault_server.process import VaultServer


def _nothing_more(home: Path, environment: pytest.MonkeyPatch) -> None:
    """Credentials are in the environment, if there are any."""


@dataclass(frozen=True)
class Kind:
    """A destination, for a program that knows nothing but its INI file."""

    name: str
    main: str
    """The lines of ``[main]`` that name it."""
    place: Place
    """The same, seen from outside."""
    prepare: Callable[[Path, pytest.MonkeyPatch], None] = _nothing_more
    """Put what lets somebody in into another home, as its owner would have done long ago."""

    @property
    def proves(self) -> bool:
        """Whether it keeps checksums that it made itself."""
        return self.name in ("glacier", "s3")


def _glacier(request: pytest.FixtureRequest) -> Kind:
    place = PLACES["glacier"](request)
    server: VaultServer = request.getfixturevalue("vault_server")
    vault: str = request.getfixturevalue("vault")
    main = f"vault_name = {vault}\nregion = {server.region}\nendpoint_url = {server.endpoint_url}\n"

    def prepare(home: Path, environment: pytest.MonkeyPatch) -> None:
        # Where the tests' vaults are; of Amazon's own nobody has to say it.
        environment.setenv("AWS_ENDPOINT_URL_GLACIER", server.endpoint_url)

    return Kind("glacier", main, place, prepare)


def _local(request: pytest.FixtureRequest) -> Kind:
    root = request.getfixturevalue("tmp_path") / "vault"
    return Kind("local", f"destination = {root}\n", PLACES["local"](request))


def _sftp(request: pytest.FixtureRequest) -> Kind:
    root = request.getfixturevalue("tmp_path") / "vault"
    sshd: Sshd = request.getfixturevalue("sshd")
    main = f"destination = {url(sshd, root)}\nssh_key = {sshd.key}\nhost_key = {sshd.host_key}\n"

    def prepare(home: Path, environment: pytest.MonkeyPatch) -> None:
        ssh = home / ".ssh"
        ssh.mkdir(mode=0o700, parents=True)
        shutil.copy(sshd.key, ssh / "id_ed25519")
        shutil.copy(sshd.root / "known_hosts", ssh / "known_hosts")

    return Kind("sftp", main, PLACES["sftp"](request), prepare)


def _s3(request: pytest.FixtureRequest) -> Kind:
    return Kind("s3", _bucket(request.getfixturevalue("s3_store")), PLACES["s3"](request))


def _s3_of_others(request: pytest.FixtureRequest) -> Kind:
    return Kind("s3_of_others", _bucket(request.getfixturevalue("others_store")), PLACES["s3_of_others"](request))


def _bucket(store: Store) -> str:
    where = f"destination = s3://{store.bucket}/{PREFIX}\n"
    return f"{where}region = us-east-1\nendpoint_url = {store.between.endpoint}\n"


def url(sshd: Sshd, path: Path) -> str:
    """A path of this machine, as its SSH server shows it."""
    return f"sftp://{getpass.getuser()}@127.0.0.1:{sshd.port}{path}"


KINDS: dict[str, Callable[[pytest.FixtureRequest], Kind]] = {
    "glacier": _glacier,
    "local": _local,
    "s3": _s3,
    "s3_of_others": _s3_of_others,
    "sftp": _sftp,
}
"""The same as :data:`tests.contract.places.PLACES`."""
