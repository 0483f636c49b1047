"""Every kind of destination, with a look at it from outside. A new kind is one function and one line here."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import boto3
import pytest

from glacier_backup.destination.aws.access import Access
from glacier_backup.destination.destination import Destination
from glacier_backup.destination.directories.marker import MARKER
from glacier_backup.destination.glacier import Glacier
from glacier_backup.destination.local import Local
from glacier_backup.destination.s3 import S3
from glacier_backup.destination.sftp import Sftp
from glacier_backup.model.archive import Receipt
from tests.s3_servers.between import trouble as passing_trouble
from tests.s3_servers.fixtures import PREFIX, Store
from tests.ssh_server.relay import Relay
from tests.ssh_server.sshd import Sshd
from tests.vault_server.process import VaultServer

CONCURRENCY = 3
"""Parts under way at the same time."""


@dataclass(frozen=True)
class Place:
    """A place to store archives at, and how to see from outside what it holds."""

    connect: Callable[[], Destination]
    """As a new process does it."""
    stored: Callable[[Receipt], bytes]
    whole: Callable[[], int]
    """How many whole archives there are."""
    open_uploads: Callable[[], int]
    """How many there are, whatever was left behind included."""
    transferred: Callable[[], int]
    """Bytes of archives that were sent there, ever."""
    trouble: Callable[[], None]
    """From now on the place makes what trouble it can that passes by itself."""
    put: Callable[[str, bytes], str]
    """Another program stores these bytes there, under a name that looks like this; the locator that they get."""
    thaw_now: Callable[[], None] = lambda: None
    """Time passes: what was asked for is thawed, and an inventory that is asked for from now on knows all that is
    stored. Until then what is cold has to stay so. Nothing to do where nothing is cold."""


def _glacier(request: pytest.FixtureRequest) -> Place:
    vault: str = request.getfixturevalue("vault")
    server: VaultServer = request.getfixturevalue("vault_server")
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    request.addfinalizer(server.no_faults)
    request.addfinalizer(lambda: server.control(job_delay=0))
    server.control(job_delay=3600)

    def stored(receipt: Receipt) -> bytes:
        return next(one.path.read_bytes() for one in server.archives(vault) if one.id == receipt.locator)

    def transferred() -> int:
        received = [server.received(vault, upload) for upload in server.begun(vault)]
        return sum((last - first + 1) * count for one in received for (first, last), count in one.items())

    def trouble() -> None:
        monkeypatch.setattr("glacier_backup.destination.retrying.FIRST_WAIT", 0.001)
        monkeypatch.setattr("glacier_backup.destination.retrying.LONGEST_WAIT", 0.01)
        kinds = ["status", "throttle", "reset_body", "reset_before_answer", "lost_answer", "wrong_checksum"]
        server.faults(seed=1, rate=0.4, kinds=kinds)

    def put(name: str, data: bytes) -> str:
        session = boto3.session.Session(region_name=server.region)
        with closing(session.client("glacier", endpoint_url=server.endpoint_url)) as aws:
            made = aws.upload_archive(accountId="-", vaultName=vault, archiveDescription=name, body=data)
            return made["archiveId"]

    def thaw_now() -> None:
        server.control(take_inventory=vault, finish_jobs=True)

    return Place(
        connect=lambda: Glacier(vault, "-", Access(endpoint_url=server.endpoint_url), CONCURRENCY),
        stored=stored,
        whole=lambda: len(server.archives(vault)),
        open_uploads=lambda: len(server.uploads(vault)),
        transferred=transferred,
        trouble=trouble,
        put=put,
        thaw_now=thaw_now,
    )


def _local(request: pytest.FixtureRequest) -> Place:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    root = tmp_path / "vault"

    def put(name: str, data: bytes) -> str:
        root.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
        return name

    return Place(
        connect=lambda: Local(str(root), create=True, concurrency=CONCURRENCY),
        stored=lambda receipt: (root / receipt.locator).read_bytes(),
        whole=lambda: len(list(root.rglob("*.recipe.json"))),
        open_uploads=lambda: _on_their_way(root),
        transferred=_written,
        trouble=lambda: None,  # what a disk once refused it refuses again
        put=put,
    )


def _on_their_way(root: Path) -> int:
    """Files that bear a name for that, or are hidden."""
    files = [path.name for path in root.rglob("*") if path.is_file() and path.name != MARKER]
    return sum(name.startswith(".") or name.endswith(".partial") for name in files)


def _written() -> int:
    """Bytes that this process has handed to write calls (proc_pid_io(5))."""
    (count,) = re.findall(r"^wchar: (\d+)$", Path("/proc/self/io").read_text(), re.MULTILINE)
    return int(count)


def _s3(request: pytest.FixtureRequest) -> Place:
    store: Store = request.getfixturevalue("s3_store")
    store.between.thaws = False
    return replace(_s3_at(store, request), thaw_now=lambda: setattr(store.between, "thaws", True))


def _s3_of_others(request: pytest.FixtureRequest) -> Place:
    return _s3_at(request.getfixturevalue("others_store"), request)


def _s3_at(store: Store, request: pytest.FixtureRequest) -> Place:
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")

    def trouble() -> None:
        monkeypatch.setattr("glacier_backup.destination.retrying.FIRST_WAIT", 0.001)
        monkeypatch.setattr("glacier_backup.destination.retrying.LONGEST_WAIT", 0.01)
        store.between.rules.append(passing_trouble(seed=1, rate=0.4))

    def put(name: str, data: bytes) -> str:
        store.aws.put_object(Bucket=store.bucket, Key=f"{PREFIX}/{name}", Body=data)
        return f"{PREFIX}/{name}"

    return Place(
        connect=lambda: S3(store.bucket, PREFIX, store.access, CONCURRENCY),
        stored=lambda receipt: store.bytes(receipt.locator),
        whole=lambda: sum(key.endswith(".recipe.json") for key in store.listed()),
        open_uploads=store.open_uploads,
        transferred=lambda: store.between.transferred,
        trouble=trouble,
        put=put,
    )


def _sftp(request: pytest.FixtureRequest) -> Place:
    sshd: Sshd = request.getfixturevalue("sshd")
    relay: Relay = request.getfixturevalue("relay")
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    tmp_path: Path = request.getfixturevalue("tmp_path")
    root = tmp_path / "vault"

    def trouble() -> None:
        monkeypatch.setattr("glacier_backup.destination.retrying.FIRST_WAIT", 0.001)
        monkeypatch.setattr("glacier_backup.destination.retrying.LONGEST_WAIT", 0.01)
        relay.drop_after = 3_000_000

    def put(name: str, data: bytes) -> str:
        root.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
        return name

    return Place(
        connect=lambda: Sftp(sshd.server(relay.port, connections=2), str(root), concurrency=CONCURRENCY),
        stored=lambda receipt: (root / receipt.locator).read_bytes(),
        whole=lambda: len(list(root.rglob("*.recipe.json"))),
        open_uploads=lambda: _on_their_way(root),
        transferred=lambda: relay.upstream,
        trouble=trouble,
        put=put,
    )


PLACES: dict[str, Callable[[pytest.FixtureRequest], Place]] = {
    "glacier": _glacier,
    "local": _local,
    "s3": _s3,
    "s3_of_others": _s3_of_others,
    "sftp": _sftp,
}
"""By the kind of destination, and what sets several of one kind apart."""
