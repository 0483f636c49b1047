"""Each kind of fault as a client meets it, what it leaves on the server, and the limits that keep it survivable."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from .checksums import TREE
from .client import MIB, Answer, RawClient, head, part_headers, tree_hash
from .fault_plan import KINDS, STATUSES
from .patient import GaveUp, PatientClient
from .process import VaultServer

DATA = bytes(range(256)) * 4096
PART = "UploadMultipartPart"
BROKEN = (OSError, HTTPException)


def first(server: VaultServer, operation: str, kind: str, **fields: Any) -> None:
    """The next request for `operation` meets that fault, nothing else does."""
    server.faults(plan=[{"operation": operation, "nth": 1, "kind": kind} | fields])


def once(server: VaultServer, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Any:
    """One request on a connection of its own: its answer, or None where the connection broke."""
    try:
        with RawClient(server) as client:
            return client.send(method, path, headers, body)
    except BROKEN:
        return None


def put(server: VaultServer, upload: str) -> Answer | None:
    """Send `DATA` as the first part."""
    answer: Answer | None = once(server, "PUT", upload, part_headers(0, DATA), DATA)
    return answer


def stored(server: VaultServer, upload: str) -> tuple[int, int, int]:
    """How many parts of an upload are there, came, and came with an answer that was not spoiled."""
    _, _, _, vault, _, upload_id = upload.split("/")
    (found,) = [one for one in server.uploads(vault) if one.id == upload_id]
    came, answered = server.received(vault, upload_id), server.received(vault, upload_id, answered=True)
    return len(found.parts), came.total(), answered.total()


def raw_part(client: RawClient, upload: str, expect: bool = False) -> socket.socket:
    """A connection over which the head of a part has gone."""
    signed = client.sign("PUT", upload, part_headers(0, DATA), DATA) | ({"Expect": "100-continue"} if expect else {})
    connection = client.open_socket()
    connection.sendall(head("PUT", upload, signed))
    return connection


def until_reset(connection: socket.socket) -> bytes:
    """What comes before the reset; an orderly end fails the test."""
    received = b""
    with connection:
        while True:
            try:
                block = connection.recv(65536)
            except ConnectionResetError:
                return received
            assert block, "closed, not reset"
            received += block


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_answered_and_nothing_is_done(faulty: VaultServer, upload: str, status: int) -> None:
    first(faulty, PART, "status", status=status)
    answer = put(faulty, upload)
    assert answer
    assert answer.status == status
    if status in (502, 504):
        assert answer.body.startswith(b"<html>")
    else:
        assert answer.json.keys() == {"code", "message", "type"}
    assert stored(faulty, upload) == (0, 0, 0)
    assert faulty.stats()["statuses"][str(status)] >= 1


def test_throttling_is_a_400(faulty: VaultServer, path: str) -> None:
    first(faulty, "DescribeVault", "throttle")
    assert once(faulty, "GET", path).refusal == (400, "ThrottlingException")
    assert once(faulty, "GET", path).status == 200


@pytest.mark.parametrize("kind", ["status", "throttle"])
def test_a_refusal_comes_before_the_body_is_asked_for(
    faulty: VaultServer, client: RawClient, upload: str, kind: str
) -> None:
    first(faulty, PART, kind)
    with raw_part(client, upload, expect=True) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 " if kind == "throttle" else b"HTTP/1.1 503 ")


def test_a_reset_comes_in_the_middle_of_the_body(faulty: VaultServer, client: RawClient, upload: str) -> None:
    first(faulty, PART, "reset_body", fraction=0.25)
    connection = raw_part(client, upload)
    connection.sendall(DATA[: MIB // 2])
    assert until_reset(connection) == b""
    assert stored(faulty, upload) == (0, 0, 0)
    assert put(faulty, upload)
    assert stored(faulty, upload) == (1, 1, 1)


def test_a_reset_before_the_answer_undoes_the_request(faulty: VaultServer, client: RawClient, upload: str) -> None:
    first(faulty, PART, "reset_before_answer")
    connection = raw_part(client, upload)
    connection.sendall(DATA)
    assert until_reset(connection) == b""
    assert stored(faulty, upload) == (0, 0, 0)


def test_a_part_whose_answer_is_lost_is_stored(faulty: VaultServer, client: RawClient, upload: str) -> None:
    first(faulty, PART, "lost_answer")
    connection = raw_part(client, upload)
    connection.sendall(DATA)
    assert until_reset(connection) == b""
    assert stored(faulty, upload) == (1, 1, 0)


def test_an_upload_is_begun_completed_and_aborted_though_the_answer_is_lost(
    faulty: VaultServer, vault: str, path: str, upload: str
) -> None:
    uploads = f"{path}/multipart-uploads"
    first(faulty, "InitiateMultipartUpload", "lost_answer")
    assert once(faulty, "POST", uploads, {"x-amz-part-size": str(MIB)}) is None
    (other,) = [one for one in faulty.uploads(vault) if one.id != upload.rpartition("/")[2]]
    first(faulty, "AbortMultipartUpload", "lost_answer")
    assert once(faulty, "DELETE", f"{uploads}/{other.id}") is None
    assert [one.id for one in faulty.uploads(vault)] == [upload.rpartition("/")[2]]
    put(faulty, upload)
    whole = {"x-amz-archive-size": str(len(DATA)), TREE: tree_hash(DATA)}
    first(faulty, "CompleteMultipartUpload", "lost_answer")
    assert once(faulty, "POST", upload, whole) is None
    (archive,) = faulty.archives(vault)
    assert once(faulty, "POST", upload, whole).headers["x-amz-archive-id"] == archive.id


def test_a_reset_comes_in_the_middle_of_an_answers_body(faulty: VaultServer, client: RawClient, path: str) -> None:
    whole = client.send("GET", path)
    first(faulty, "DescribeVault", "reset_answer")
    connection = client.open_socket()
    connection.sendall(head("GET", path, client.sign("GET", path, {})))
    start, _, body = until_reset(connection).partition(b"\r\n\r\n")
    assert start.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == whole.body[: len(whole.body) // 2]


def test_a_reset_comes_in_the_middle_of_the_head_of_an_answer_without_body(
    faulty: VaultServer, client: RawClient, upload: str
) -> None:
    first(faulty, PART, "reset_answer")
    connection = raw_part(client, upload)
    connection.sendall(DATA)
    received = until_reset(connection)
    assert received.startswith(b"HTTP/1.1 204 ")
    assert b"\r\n\r\n" not in received
    assert stored(faulty, upload) == (1, 1, 0)


def test_a_slow_body_is_read_at_the_pace_given(faulty: VaultServer, upload: str) -> None:
    first(faulty, PART, "slow_body", bytes_per_second=4 * MIB)
    begun = time.monotonic()
    answer = put(faulty, upload)
    assert answer
    assert answer.status == 204
    assert 0.2 < time.monotonic() - begun < 2
    assert stored(faulty, upload) == (1, 1, 1)


def test_a_stall_is_silence_and_then_a_reset(faulty: VaultServer, client: RawClient, upload: str) -> None:
    first(faulty, PART, "stall", seconds=0.3)
    begun = time.monotonic()
    connection = raw_part(client, upload)
    connection.sendall(DATA)
    assert until_reset(connection) == b""
    assert 0.3 <= time.monotonic() - begun < 2
    assert stored(faulty, upload) == (0, 0, 0)


def test_a_stall_ends_when_the_client_gives_up(faulty: VaultServer, upload: str) -> None:
    first(faulty, PART, "stall", seconds=600)
    before = _threads(faulty)
    with RawClient(faulty, timeout=0.1) as client, pytest.raises(TimeoutError):
        client.put_part(upload, 0, DATA)
    deadline = time.monotonic() + 5
    while _threads(faulty) > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _threads(faulty) <= before
    assert put(faulty, upload)


def _threads(server: VaultServer) -> int:
    """How many threads the server has: two, and one for each connection."""
    return len(list(Path(f"/proc/{server.pid}/task").iterdir()))


@pytest.mark.parametrize("operation", [PART, "CompleteMultipartUpload"])
def test_a_wrong_checksum_comes_back_for_what_is_stored_right(
    faulty: VaultServer, vault: str, upload: str, operation: str
) -> None:
    first(faulty, operation, "wrong_checksum")
    part = put(faulty, upload)
    assert stored(faulty, upload) == (1, 1, int(operation != PART))
    whole = {"x-amz-archive-size": str(len(DATA)), TREE: tree_hash(DATA)}
    done = once(faulty, "POST", upload, whole)
    assert part
    right = [answer.headers[TREE] == tree_hash(DATA) for answer in (part, done)]
    assert right == [operation != PART, operation == PART]
    assert faulty.archives(vault)[0].path.read_bytes() == DATA


@pytest.mark.parametrize("operation", sorted(KINDS["expire_upload"]))
def test_an_upload_expires_just_before_a_request(faulty: VaultServer, vault: str, upload: str, operation: str) -> None:
    put(faulty, upload)
    first(faulty, operation, "expire_upload")
    method = {PART: "PUT", "CompleteMultipartUpload": "POST", "AbortMultipartUpload": "DELETE"}.get(operation, "GET")
    body = DATA if method == "PUT" else b""
    headers = part_headers(0, DATA) if body else {"x-amz-archive-size": str(len(DATA)), TREE: tree_hash(DATA)}
    assert once(faulty, method, upload, headers, body).refusal == (404, "ResourceNotFoundException")
    assert faulty.uploads(vault) == []
    assert faulty.archives(vault) == []


def test_a_completed_upload_does_not_expire_by_a_fault(faulty: VaultServer, upload: str) -> None:
    put(faulty, upload)
    whole = {"x-amz-archive-size": str(len(DATA)), TREE: tree_hash(DATA)}
    done = once(faulty, "POST", upload, whole)
    faulty.faults(seed=1, rate=1, kinds=["expire_upload"], at_most=5)
    assert once(faulty, "POST", upload, whole).headers["x-amz-archive-id"] == done.headers["x-amz-archive-id"]
    assert faulty.injected() == []


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"expire_upload"}))
def test_the_tenth_try_gets_through_whatever_the_rate(faulty: VaultServer, vault: str, kind: str) -> None:
    pace = {"seconds": 0.01, "bytes_per_second": 64 * MIB}
    faulty.faults(seed=3, rate=1, kinds=[kind], in_a_row=9, **pace)
    PatientClient(faulty, vault).send(DATA)
    assert [archive.path.read_bytes() for archive in faulty.archives(vault)] == [DATA]
    # Three requests: Initiate, one part, Complete. A body read slowly is no failure.
    assert len(faulty.injected()) == {"slow_body": 1, "reset_body": 9, "wrong_checksum": 2 * 9}.get(kind, 3 * 9)


def test_a_client_that_tries_nine_times_does_not_survive_nine_faults(faulty: VaultServer, vault: str) -> None:
    faulty.faults(seed=3, rate=1, kinds=["throttle"], in_a_row=9)
    with pytest.raises(GaveUp):
        PatientClient(faulty, vault, tries=9).send(DATA)


@pytest.mark.parametrize("seed", range(4))
def test_a_correct_client_survives_all_kinds_at_once(faulty: VaultServer, vault: str, seed: int) -> None:
    pace = {"seconds": 0.05, "bytes_per_second": 32 * MIB}
    faulty.faults(seed=seed, rate=0.5, kinds=sorted(KINDS), at_most=40, **pace)
    data = DATA * 3 + b"and a bit"
    archive = PatientClient(faulty, vault).send(data)
    assert [(one.id, one.path.read_bytes()) for one in faulty.archives(vault)] == [(archive, data)]
    (upload,) = faulty.completed(vault)
    ranges = faulty.received(vault, upload, answered=True)
    assert sorted(ranges) == [(0, MIB - 1), (MIB, 2 * MIB - 1), (2 * MIB, 3 * MIB - 1), (3 * MIB, 3 * MIB + 8)]
    assert set(ranges.values()) == {1}
    assert faulty.injected()


def run(server: VaultServer, vault: str, seed: int) -> list[tuple[Any, ...]]:
    """What a client that sends one request after another meets under a seed."""
    server.faults(seed=seed, rate=0.4, seconds=0.01, at_most=25)
    PatientClient(server, vault).send(DATA + b"more")
    return [
        tuple(event.get(name) for name in ("operation", "nth", "kind", "range", "status", "fraction"))
        for event in server.injected()
    ]


def test_a_seed_repeats_its_run(faulty: VaultServer, vault: str) -> None:
    runs = [run(faulty, vault, seed) for seed in (5, 5, 6)]
    assert runs[0] == runs[1] != runs[2]
    assert runs[0]


def test_with_several_requests_at_once_the_same_numbers_meet_the_same_faults(faulty: VaultServer, path: str) -> None:
    def meet() -> set[tuple[int, str]]:
        faulty.faults(seed=9, rate=0.3, operations=["DescribeVault"], seconds=0.01, in_a_row=9)
        with ThreadPoolExecutor(4) as pool:
            # Each request another one: how many faults in a row one of them met is then no matter of the race.
            list(pool.map(lambda number: once(faulty, "GET", f"{path}?{number}"), range(40)))
        return {(event["nth"], event["kind"]) for event in faulty.injected()}

    assert meet() == meet() != set()


def test_no_more_faults_than_told_are_injected(faulty: VaultServer, client: RawClient, path: str) -> None:
    faulty.faults(seed=1, rate=1, kinds=["throttle"], at_most=3, in_a_row=9)
    assert [client.send("GET", path).status for _ in range(5)] == [400, 400, 400, 200, 200]


def test_faults_end_when_told_and_can_still_be_read(faulty: VaultServer, client: RawClient, path: str) -> None:
    faulty.faults(seed=1, rate=1, kinds=["throttle"])
    assert client.send("GET", path).status == 400
    faulty.no_faults()
    assert client.send("GET", path).status == 200
    assert faulty.stats()["faults"]["injected"] == len(faulty.injected()) == 1
    first(faulty, "ListVaults", "throttle")
    assert faulty.stats()["faults"]["injected"] == len(faulty.injected()) == 0


def test_the_report_tells_what_was_injected_and_to_what(faulty: VaultServer, vault: str, upload: str) -> None:
    plan = [
        {"operation": PART, "nth": 2, "kind": "status", "status": 429},
        {"operation": "ListParts", "nth": 1, "kind": "throttle"},
    ]
    faulty.faults(plan=plan)
    for _ in range(3):
        put(faulty, upload)
    once(faulty, "GET", upload)
    report = faulty.stats()["faults"]
    assert (report["plan"], report["seen"]) == ({"plan": plan}, {PART: 3, "ListParts": 1})
    assert (report["injected"], report["kinds"]) == (2, {"status": 1, "throttle": 1})
    assert report["operations"] == {PART: {"status": 1}, "ListParts": {"throttle": 1}}
    told = {"operation": PART, "nth": 2, "kind": "status", "status": 429, "vault": vault, "range": "bytes 0-1048575/*"}
    assert told.items() <= report["events"][0].items()
    assert report["events"][0]["item"] == upload.rpartition("/")[2]
    assert report["events"] == faulty.injected()


def test_the_report_has_the_last_100_events_and_the_disk_has_all(
    faulty: VaultServer, client: RawClient, path: str
) -> None:
    faulty.faults(seed=1, rate=1, kinds=["throttle"], operations=["DescribeVault"], in_a_row=9)
    for number in range(120):
        client.send("GET", f"{path}?{number}")
    events = faulty.injected()
    assert len(events) == 120
    assert faulty.stats()["faults"]["events"] == events[-100:]


def test_what_is_no_plan_leaves_the_plan_as_it_was(faulty: VaultServer, client: RawClient, path: str) -> None:
    faulty.faults(seed=1, rate=1, kinds=["throttle"])
    with pytest.raises(ValueError, match="no such kinds: flood"):
        faulty.faults(seed=1, rate=1, kinds=["flood"])
    assert faulty.stats()["faults"]["plan"]["kinds"] == ["throttle"]
    assert client.send("GET", path).status == 400
