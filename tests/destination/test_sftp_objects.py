"""One of several objects of an archive, at SFTP servers that allow less than OpenSSH's, and at archive gateways."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import asyncssh
import pytest

from glacier_backup.destination.sftp import Sftp
from glacier_backup.errors import DestinationError, UploadLost
from glacier_backup.model.archive import Label, Receipt
from glacier_backup.units import MIB
from tests.contract.sending import LABEL, begin, nothing, resumed
from tests.ssh_server.scripted import Operation, ScriptedServer
from tests.streams import BytesStream, noise

NAME = "20260321T040000.123456Z.tar.v001.age"
VOLUME = replace(LABEL, suffix=".v001.age", volume=1)
MANIFEST = replace(LABEL, suffix=".age.recipe.json", volume=1, role="manifest")
DATA = noise(2 * MIB + 5)
EVERYTHING: tuple[Operation, ...] = ("rename", "stat", "read", "list", "remove", "fsync")


@pytest.fixture
def sftp(scripted: ScriptedServer) -> Iterator[Sftp]:
    with closing(Sftp(scripted.server(), "/backup")) as made:
        yield made


@pytest.fixture
def later(scripted: ScriptedServer) -> Iterator[Sftp]:
    """The destination of a later process."""
    with closing(Sftp(scripted.server(), "/backup")) as made:
        yield made


def files(scripted: ScriptedServer) -> list[str]:
    return sorted(path.name for path in scripted.root.rglob("*") if path.is_file())


def store(sftp: Sftp, label: Label = VOLUME) -> Receipt:
    upload = begin(sftp, label)
    return sftp.complete(upload, sftp.send(upload, BytesStream(DATA), nothing), "", nothing)


@pytest.mark.parametrize("refused", [*EVERYTHING, "all"])
def test_what_a_server_refuses_is_done_without(scripted: ScriptedServer, sftp: Sftp, refused: str) -> None:
    scripted.script.refused = set(EVERYTHING) if refused == "all" else {one for one in EVERYTHING if one == refused}
    scripted.script.error = lambda: asyncssh.SFTPPermissionDenied("Not here")

    receipts = [store(sftp, VOLUME), store(sftp, MANIFEST)]

    for receipt in receipts:
        assert (scripted.root / "backup" / receipt.locator).read_bytes() == DATA
    whole = [NAME, f"{NAME}.sha256", "20260321T040000.123456Z.tar.age.recipe.json"]
    assert {name for name in files(scripted) if not name.endswith(".partial")} == {*whole}


@pytest.mark.parametrize("label", [VOLUME, MANIFEST], ids=["volume", "manifest"])
def test_what_was_written_under_its_own_name_is_completed_once(
    scripted: ScriptedServer, sftp: Sftp, later: Sftp, label: Label
) -> None:
    scripted.script.refused = {"rename"}
    upload = begin(sftp, label)
    checksums = sftp.send(upload, BytesStream(DATA), nothing)

    first = later.complete(resumed(upload), checksums, "", nothing)
    assert later.complete(resumed(upload), checksums, "", nothing).locator == first.locator
    assert sftp.complete(upload, checksums, "", nothing).locator == first.locator


def test_what_was_written_under_its_own_name_is_removed_until_it_is_whole(
    scripted: ScriptedServer, sftp: Sftp, later: Sftp
) -> None:
    scripted.script.refused = {"rename"}
    upload = begin(sftp, VOLUME)
    checksums = sftp.send(upload, BytesStream(DATA), nothing)
    later.abort(VOLUME, upload.id, nothing)
    assert files(scripted) == []
    with pytest.raises(UploadLost):
        later.complete(resumed(upload), checksums, "", nothing)

    store(sftp)
    later.abort(VOLUME, upload.id, nothing)
    assert files(scripted) == [NAME, f"{NAME}.sha256"]


def test_it_is_gone_on_with_under_its_own_name(scripted: ScriptedServer, sftp: Sftp, later: Sftp) -> None:
    scripted.script.refused = {"rename"}
    upload = begin(sftp, VOLUME)
    sftp.send(upload, BytesStream(DATA), nothing)
    (scripted.root / "backup" / upload.id).write_bytes(DATA[:MIB])

    checksums = later.send(resumed(upload), BytesStream(DATA), nothing)

    assert later.complete(resumed(upload), checksums, "", nothing).size == len(DATA)
    assert (scripted.root / "backup" / upload.id).read_bytes() == DATA


def test_another_object_that_has_the_name_is_left_alone(scripted: ScriptedServer, sftp: Sftp, later: Sftp) -> None:
    upload = begin(sftp, VOLUME)
    checksums = sftp.send(upload, BytesStream(DATA), nothing)
    there = scripted.root / "backup" / upload.id
    there.write_bytes(b"of somebody else")

    with pytest.raises(DestinationError):
        later.complete(resumed(upload), checksums, "", nothing)

    assert there.read_bytes() == b"of somebody else"


def test_a_gateway_gets_each_object_in_one_go(scripted: ScriptedServer) -> None:
    scripted.script.refused = {"rename", "list", "stat"}
    with closing(Sftp(scripted.server(), "/backup", cold=True)) as cold:
        store(cold, VOLUME)
        store(cold, MANIFEST)
        upload = begin(cold, replace(VOLUME, volume=2, suffix=".v002.age"))
        cold.send(upload, BytesStream(DATA), nothing)
        cold.abort(upload.label, upload.id, nothing)

    assert files(scripted) == ["20260321T040000.123456Z.tar.age.recipe.json", NAME, f"{NAME}.sha256"]
