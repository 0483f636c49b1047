"""A server killed at any moment and started again: nothing that was answered is lost, nothing is there twice."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .client import MIB, RawClient, tree_hash
from .patient import PatientClient
from .process import VaultServer

MISSING = (404, "ResourceNotFoundException")
KILLS = 6


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[VaultServer]:
    """A server of the test's own, with a vault `v`."""
    with VaultServer(tmp_path) as server:
        server.create_vault("v")
        yield server
    assert (tmp_path / "server.log").read_text() == ""


def begun(server: VaultServer) -> str:
    """The path of a new upload with one part."""
    with RawClient(server) as client:
        answer = client.send("POST", "/-/vaults/v/multipart-uploads", {"x-amz-part-size": str(MIB)})
        upload = f"/-/vaults/v/multipart-uploads/{answer.headers['x-amz-multipart-upload-id']}"
        client.put_part(upload, 0, b"abc")
    return upload


def test_every_archive_is_there_once_after_many_kills(mortal: VaultServer) -> None:
    dice = random.Random(4)
    contents = {f"number {number}": dice.randbytes(MIB + number) for number in range(12)}
    mortal.faults(seed=4, rate=0.1, seconds=0.05, bytes_per_second=64 * MIB)
    # The ten tries of a plan's faults don't count those at a server that is not up yet.
    client = PatientClient(mortal, "v", tries=200, pause=0.1)
    with ThreadPoolExecutor(3) as pool:
        sent = {name: pool.submit(client.send, data, name) for name, data in contents.items()}
        for _ in range(KILLS):
            time.sleep(dice.uniform(0, 0.2))
            mortal.restart()
        ids = {future.result() for future in sent.values()}
    archives = mortal.archives("v")
    assert {archive.description: archive.path.read_bytes() for archive in archives} == contents
    assert {archive.id for archive in archives} == ids
    assert len(archives) == len(contents)
    for upload, archive in mortal.completed("v").items():
        assert sum(last - first + 1 for first, last in mortal.received("v", upload)) == archive.size


def test_a_server_killed_between_archive_and_answer_completes_the_same_again(
    mortal: VaultServer, tmp_path: Path
) -> None:
    upload = begun(mortal)
    home, upload_id = mortal.root / "vaults" / "v", upload.rpartition("/")[2]
    shutil.copytree(home / "uploads" / upload_id, tmp_path / "before")
    with RawClient(mortal) as client:
        archive = client.complete(upload, b"abc").headers["x-amz-archive-id"]
    mortal.stop()
    # The archive was made; that the upload is over was not noted any more.
    shutil.move(tmp_path / "before", home / "uploads" / upload_id)
    (home / "finished" / f"{upload_id}.json").unlink()
    assert mortal.uploads("v") == []
    mortal.start()
    with RawClient(mortal) as client:
        assert client.send("GET", upload).refusal == MISSING
        assert client.complete(upload, b"abc").headers["x-amz-archive-id"] == archive
    assert [found.id for found in mortal.archives("v")] == [archive]


def test_a_server_killed_before_the_archive_is_whole_still_has_the_parts(mortal: VaultServer) -> None:
    upload = begun(mortal)
    home, upload_id = mortal.root / "vaults" / "v", upload.rpartition("/")[2]
    mortal.stop()
    # The bytes had got their second name; the archive's document was not written any more.
    (home / "archives" / "half.bin").hardlink_to(home / "uploads" / upload_id / "data")
    mortal.start()
    assert mortal.archives("v") == []
    with RawClient(mortal) as client:
        assert client.complete(upload, b"abc").status == 201
    assert [archive.path.read_bytes() for archive in mortal.archives("v")] == [b"abc"]


def test_an_aborted_upload_whose_files_a_killed_server_left_is_over(mortal: VaultServer, tmp_path: Path) -> None:
    upload = begun(mortal)
    directory = mortal.root / "vaults" / "v" / "uploads" / upload.rpartition("/")[2]
    shutil.copytree(directory, tmp_path / "before")
    with RawClient(mortal) as client:
        assert client.send("DELETE", upload).status == 204
    mortal.stop()
    shutil.move(tmp_path / "before", directory)
    assert mortal.uploads("v") == []
    mortal.start()
    with RawClient(mortal) as client:
        assert client.send("GET", upload).refusal == MISSING
        assert client.send("DELETE", upload).status == 204


def test_what_expired_and_what_came_stays_so(mortal: VaultServer) -> None:
    idle, expired, completed = begun(mortal), begun(mortal), begun(mortal)
    with RawClient(mortal) as client:
        client.complete(completed, b"abc")
    mortal.let_a_day_pass()
    expired = begun(mortal)
    mortal.expire(expired.rpartition("/")[2])
    mortal.restart()
    with RawClient(mortal) as client:
        for upload in (idle, expired, completed):
            assert client.complete(upload, b"abc").refusal == MISSING
            assert mortal.received("v", upload.rpartition("/")[2]) == {(0, 2): 1}
    assert list(mortal.completed("v")) == [completed.rpartition("/")[2]]


def test_faults_go_on_where_a_killed_server_was(mortal: VaultServer) -> None:
    mortal.faults(seed=1, rate=1, kinds=["throttle"], at_most=5, in_a_row=3)
    statuses = []
    for number in range(8):
        if number in (1, 4, 6):
            mortal.restart()
        with RawClient(mortal) as client:
            statuses.append(client.send("GET", "/-/vaults/v").status)
    assert statuses == [400, 400, 400, 200, 400, 400, 200, 200]
    report = mortal.stats()["faults"]
    assert (report["injected"], report["seen"]) == (5, {"DescribeVault": 8})
    assert [event["nth"] for event in mortal.injected()] == [1, 2, 3, 5, 6]
    assert report["plan"]["at_most"] == 5
    mortal.no_faults()
    mortal.restart()
    assert mortal.stats()["faults"]["plan"] is None
    assert mortal.stats()["faults"]["injected"] == 5


def test_the_tree_hash_of_a_part_survives(mortal: VaultServer) -> None:
    upload = begun(mortal)
    mortal.restart()
    with RawClient(mortal) as client:
        assert client.send("GET", upload).json["Parts"] == [
            {"RangeInBytes": "0-2", "SHA256TreeHash": tree_hash(b"abc")}
        ]
