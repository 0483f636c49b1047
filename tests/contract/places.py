"""Every kind of destination, with a look at it from outside. A new kind is one function and one line here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from glacier_backup.destination.aws import Access
from glacier_backup.destination.destination import Destination
from glacier_backup.destination.glacier import Glacier
from glacier_backup.destination.local import Local
from glacier_backup.model.archive import Receipt
from glacier_backup.model.place import DestinationKind
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


def _glacier(request: pytest.FixtureRequest) -> Place:
    vault: str = request.getfixturevalue("vault")
    server: VaultServer = request.getfixturevalue("vault_server")
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    request.addfinalizer(server.no_faults)

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

    return Place(
        connect=lambda: Glacier(vault, "-", Access(endpoint_url=server.endpoint_url), CONCURRENCY),
        stored=stored,
        whole=lambda: len(server.archives(vault)),
        open_uploads=lambda: len(server.uploads(vault)),
        transferred=transferred,
        trouble=trouble,
    )


def _local(request: pytest.FixtureRequest) -> Place:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    root = tmp_path / "vault"
    return Place(
        connect=lambda: Local(str(root), create=True, concurrency=CONCURRENCY),
        stored=lambda receipt: (root / receipt.locator).read_bytes(),
        whole=lambda: len(list(root.rglob("*.recipe.json"))),
        open_uploads=lambda: len([path for path in root.rglob(".*") if path.is_file()]),
        transferred=_written,
        trouble=lambda: None,  # what a disk once refused it refuses again
    )


def _written() -> int:
    """Bytes that this process has handed to write calls (proc_pid_io(5))."""
    (count,) = re.findall(r"^wchar: (\d+)$", Path("/proc/self/io").read_text(), re.MULTILINE)
    return int(count)


PLACES: dict[DestinationKind, Callable[[pytest.FixtureRequest], Place]] = {"glacier": _glacier, "local": _local}
