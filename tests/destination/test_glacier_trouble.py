"""What goes wrong between here and the vault, on the wire."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from glacier_backup.destination import retrying
from glacier_backup.destination.aws.access import Access
from glacier_backup.destination.glacier import Glacier
from glacier_backup.errors import DestinationError, DestinationUnavailable, Interrupted
from glacier_backup.model.upload import UploadRequest
from glacier_backup.units import MIB
from tests.contract.sending import LABEL, begin, nothing
from tests.destination.vaults import glacier_at, send
from tests.streams import BytesStream, noise
from tests.vault_server.process import VaultServer

pytestmark = pytest.mark.usefixtures("quick_retries")

OPERATIONS = {
    "DescribeVault",
    "InitiateMultipartUpload",
    "ListMultipartUploads",
    "UploadMultipartPart",
    "ListParts",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
}
ONLY_SOME = {
    "slow_body": {"UploadMultipartPart"},
    "reset_body": {"UploadMultipartPart"},
    "wrong_checksum": {"UploadMultipartPart", "CompleteMultipartUpload"},
}
KINDS = ["throttle", "reset_answer", "reset_before_answer", "lost_answer", *ONLY_SOME]


def all_steps(server: VaultServer, vault: str, data: bytes) -> str:
    """A run that is stopped half-way and what the next one does, with all requests there are; the archive's id."""
    counts: list[int] = []

    def stopped_half_way(count: int) -> None:
        counts.append(count)
        if sum(counts) > len(data) // 2:
            raise Interrupted("stop")

    with closing(glacier_at(server, vault)) as first:
        first.identify(holds_archives=False)
        first.begin(UploadRequest(LABEL, MIB), nothing)
        first.abort(LABEL, None, nothing)
        upload = begin(first)
        with pytest.raises(Interrupted):
            first.send(upload, BytesStream(data), stopped_half_way)
    count = 0
    lock = threading.Lock()

    def progress(chunk: int) -> None:
        nonlocal count
        with lock:
            count += chunk

    with closing(glacier_at(server, vault)) as second:
        again = type(upload)(upload.label, upload.id, upload.part_size, resumed=True)
        checksums = second.send(again, BytesStream(data), progress)
        receipt = second.complete(again, checksums, "{}\n", nothing)
        second.abort(LABEL, "A" * 92, nothing)
    assert count == len(data)
    return receipt.locator


def check_what_is_stored(server: VaultServer, vault: str, locator: str, data: bytes) -> None:
    (archive,) = server.archives(vault)
    assert archive.id == locator
    assert archive.path.read_bytes() == data
    assert server.uploads(vault) == []


@pytest.mark.parametrize("kind", KINDS)
def test_trouble_on_the_way_is_survived_and_the_archive_is_whole(
    vault: str, vault_server: VaultServer, kind: str
) -> None:
    data = noise(2 * MIB + 1)
    operations = ONLY_SOME.get(kind, OPERATIONS)

    vault_server.faults(seed=1, rate=1, kinds=[kind], operations=sorted(operations), in_a_row=2)
    try:
        locator = all_steps(vault_server, vault, data)
        hit = {fault["operation"] for fault in vault_server.injected()}
    finally:
        vault_server.no_faults()

    assert hit == operations
    check_what_is_stored(vault_server, vault, locator, data)


@pytest.mark.parametrize("operation", ["UploadMultipartPart", "CompleteMultipartUpload", "ListParts"])
def test_a_server_that_falls_silent_is_asked_again(vault: str, vault_server: VaultServer, operation: str) -> None:
    data = noise(2 * MIB + 1)

    vault_server.faults(plan=[{"operation": operation, "nth": 1, "kind": "stall"}])
    try:
        locator = all_steps(vault_server, vault, data)
    finally:
        vault_server.no_faults()

    check_what_is_stored(vault_server, vault, locator, data)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_statuses_that_pass_are_survived(vault: str, vault_server: VaultServer, status: int) -> None:
    data = noise(2 * MIB + 1)

    vault_server.faults(seed=1, rate=1, kinds=["status"], statuses=[status], in_a_row=1)
    try:
        locator = all_steps(vault_server, vault, data)
        hit = {fault["operation"] for fault in vault_server.injected()}
    finally:
        vault_server.no_faults()

    assert hit == OPERATIONS
    check_what_is_stored(vault_server, vault, locator, data)


@pytest.mark.parametrize("seed", range(4))
def test_all_kinds_of_trouble_at_once_are_survived(vault: str, vault_server: VaultServer, seed: int) -> None:
    data = noise(6 * MIB + 1, seed)

    vault_server.faults(seed=seed, rate=0.4, kinds=[*KINDS, "status"], bytes_per_second=8 * MIB)
    try:
        locator = all_steps(vault_server, vault, data)
    finally:
        vault_server.no_faults()

    check_what_is_stored(vault_server, vault, locator, data)


def test_nine_failures_of_one_request_are_survived(glacier: Glacier, vault_server: VaultServer) -> None:
    vault_server.faults(seed=1, rate=1, kinds=["status"], operations=["CompleteMultipartUpload"], at_most=9, in_a_row=9)

    send(glacier)

    assert len(vault_server.injected()) == 9


def test_the_tenth_failure_ends_it_with_its_cause(glacier: Glacier, vault_server: VaultServer) -> None:
    plan = [{"operation": "InitiateMultipartUpload", "nth": nth, "kind": "throttle"} for nth in range(1, 21)]
    vault_server.faults(plan=plan)

    with pytest.raises(DestinationError, match="ThrottlingException"):
        begin(glacier)

    assert len(vault_server.injected()) == 10


@pytest.mark.parametrize(
    "operation", ["InitiateMultipartUpload", "UploadMultipartPart", "CompleteMultipartUpload", "AbortMultipartUpload"]
)
def test_what_is_refused_for_good_is_not_tried_again(
    glacier: Glacier, vault_server: VaultServer, operation: str
) -> None:
    vault_server.control(deny=[operation])
    before = vault_server.stats()["operations"].get(operation, 0)

    with pytest.raises(DestinationError, match="AccessDenied"):
        glacier.abort(LABEL, send(glacier).locator, nothing)

    assert vault_server.stats()["operations"][operation] - before == 1


def test_a_failed_part_leaves_the_upload_for_another_try(
    glacier: Glacier, vault: str, vault_server: VaultServer
) -> None:
    vault_server.control(deny=["UploadMultipartPart"])
    with pytest.raises(DestinationUnavailable):
        send(glacier)

    (left,) = vault_server.uploads(vault)
    assert left.description == glacier.describe(LABEL)
    assert vault_server.archives(vault) == []


def test_a_name_that_no_server_knows_is_tried_again_and_then_told(vault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(retrying, "WORTH_TELLING", 0.0)
    access = Access(endpoint_url="http://nowhere.invalid")
    glacier = Glacier(vault, "-", access, 1, waiting=lambda cause, seconds: told.append(cause))
    with closing(glacier), pytest.raises(DestinationUnavailable, match=r"nowhere\.invalid") as caught:
        glacier.identify(holds_archives=False)

    assert caught.value.hint is not None
    assert len(told) == 9
    assert told[0].startswith(f"vault {vault}: ")
    assert "not known" in told[0] or "resolution" in told[0]


def test_a_server_that_starts_late_is_waited_for(
    glacier: Glacier, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "LONGEST_WAIT", 1.0)
    monkeypatch.setattr(retrying, "FIRST_WAIT", 1.0)
    vault_server.stop()
    late = threading.Timer(0.3, vault_server.start)
    late.start()

    assert glacier.identify(holds_archives=False).account == vault_server.account
    late.join()


def test_waiting_is_told_with_its_cause(vault: str, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "WORTH_TELLING", 0.0)
    told: list[tuple[str, float]] = []
    kinds = ["throttle", "reset_before_answer", "stall"]
    plan = [{"operation": "DescribeVault", "nth": nth, "kind": kind} for nth, kind in enumerate(kinds, 1)]
    plan.append({"operation": "DescribeVault", "nth": 4, "kind": "status", "status": 502})
    vault_server.faults(plan=plan)
    access = Access(endpoint_url=vault_server.endpoint_url)
    with closing(Glacier(vault, "-", access, 1, waiting=lambda *what: told.append(what))) as glacier:
        glacier.identify(holds_archives=False)
    vault_server.no_faults()

    assert [cause for cause, _ in told] == [
        f"vault {vault}: ThrottlingException",
        f"vault {vault}: Connection reset by peer",
        f"vault {vault}: no answer within the time for it",
        f"vault {vault}: 502 Bad Gateway",
    ]
    assert all(0 <= seconds <= 0.01 for _, seconds in told)


def test_a_stop_request_ends_the_waiting(
    glacier: Glacier, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda least, most: 3600.0)
    vault_server.faults(seed=1, rate=1, kinds=["throttle"], in_a_row=9)

    def stop(_count: int = 0) -> None:
        raise Interrupted("stop")

    with pytest.raises(Interrupted):
        glacier.begin(UploadRequest(LABEL, MIB), stop)


@contextmanager
def damaging(server: VaultServer, at: int) -> Iterator[str]:
    """The address of a relay that turns one bit over, once, in the first request that is longer than ``at`` bytes."""
    host, port = server.endpoint_url.removeprefix("http://").split(":")
    damage = [at]

    def pump(source: socket.socket, sink: socket.socket, damage: list[int]) -> None:
        passed = 0
        with suppress(OSError):
            while data := bytearray(source.recv(1 << 16)):
                if damage and passed <= damage[0] < passed + len(data):
                    data[damage.pop() - passed] ^= 1
                passed += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                upstream = socket.create_connection((host, int(port)))
                opened.extend([client, upstream])
                for way in ((client, upstream, damage), (upstream, client, [])):
                    threading.Thread(target=pump, args=way, daemon=True).start()

    opened: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=[listener], daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        for one in opened:
            one.close()
    assert not damage


def test_a_part_that_was_damaged_on_the_way_is_sent_again(vault: str, vault_server: VaultServer) -> None:
    data = noise(2 * MIB)
    with (
        damaging(vault_server, 500_000) as address,
        closing(Glacier(vault, "-", Access(endpoint_url=address), concurrency=2)) as glacier,
    ):
        locator = send(glacier, data).locator

    check_what_is_stored(vault_server, vault, locator, data)


def test_something_else_that_answers_is_no_vault(vault: str) -> None:
    """As the log-in page of a hotel."""
    page = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\nConnection: close\r\n\r\n<html>x</html>"
    )

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    client.recv(1 << 16)
                    client.sendall(page)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=[listener], daemon=True).start()
        access = Access(endpoint_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        glacier = Glacier(vault, "-", access, concurrency=1)
        with closing(glacier), pytest.raises(DestinationError, match="is it the service that answers"):
            glacier.begin(UploadRequest(LABEL, MIB), nothing)
        listener.shutdown(socket.SHUT_RDWR)


def test_under_throttling_fewer_requests_are_under_way_and_then_more_again(
    vault: str, vault_server: VaultServer
) -> None:
    vault_server.faults(seed=3, rate=0.5, kinds=["throttle"], operations=["UploadMultipartPart"], at_most=6)
    with closing(glacier_at(vault_server, vault, concurrency=8)) as glacier:
        flow = glacier._vault._requests._patiently._flow
        limits: set[int] = set()

        send(glacier, noise(64 * MIB), lambda count: limits.add(flow.limit))

        assert min(limits) <= 4
        assert flow.limit == 8
    vault_server.no_faults()
