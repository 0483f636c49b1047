"""HTTP itself: lengths, "100 Continue", keep-alive, error documents, and whose account it is."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest

from .client import RawClient, head, part_headers, tree_hash
from .process import VaultServer

DATA = b"some bytes"
MISSING = (400, "MissingParameterValueException")
INVALID = (400, "InvalidParameterValueException")


def receive(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    received = b""
    while block := connection.recv(65536):
        received += block
    return received


def test_every_answer_has_a_request_id_and_a_date(client: RawClient, path: str) -> None:
    first, second = client.send("GET", path), client.send("GET", f"{path}-missing")
    assert {len(answer.headers["x-amzn-requestid"]) for answer in (first, second)} == {47}
    assert first.headers["x-amzn-requestid"] != second.headers["x-amzn-requestid"]
    assert "date" in first.headers


def test_an_error_is_a_json_document_and_its_code_stands_nowhere_else(client: RawClient, path: str) -> None:
    answer = client.send("GET", f"{path}-missing")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/json")
    assert answer.json.keys() == {"code", "message", "type"}
    assert (answer.json["code"], answer.json["type"]) == ("ResourceNotFoundException", "Client")
    assert "x-amzn-errortype" not in answer.headers
    assert not [value for value in answer.headers.values() if "ResourceNotFound" in value]


def test_the_version_header_is_required(client: RawClient, path: str) -> None:
    signed = client.sign("GET", path, {"x-amz-glacier-version": ""}, unsigned=["x-amz-glacier-version"])
    assert client.send_as_is("GET", path, {k: v for k, v in signed.items() if v}).refusal == MISSING
    assert client.send("GET", path, {"x-amz-glacier-version": "2011-01-01"}).refusal == INVALID


@pytest.mark.parametrize("account", ["-", "111122223333"])
def test_a_hyphen_and_the_own_number_name_the_account(client: RawClient, vault: str, account: str) -> None:
    arn = client.send("GET", f"/{account}/vaults/{vault}").json["VaultARN"]
    assert arn == f"arn:aws:glacier:us-east-1:111122223333:vaults/{vault}"


def test_another_account_is_refused(client: RawClient, vault: str) -> None:
    assert client.send("GET", f"/999999999999/vaults/{vault}").refusal == (403, "AccessDeniedException")


def test_what_is_no_operation_is_refused(client: RawClient, path: str) -> None:
    assert client.send("PUT", f"{path}/archives").refusal == (404, "UnknownOperationException")
    assert client.send("GET", "/").refusal == (404, "UnknownOperationException")


def test_what_is_no_http_request_is_refused(client: RawClient) -> None:
    with client.open_socket() as connection:
        connection.sendall(b"HELLO\r\n\r\n")
        assert b"BadRequest" in receive(connection)


def test_two_different_lengths_are_refused(client: RawClient, path: str) -> None:
    with client.open_socket() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".encode())
        assert receive(connection).startswith(b"HTTP/1.1 400 ")


def test_an_upload_without_content_length_is_refused(client: RawClient, upload: str) -> None:
    signed = client.sign("PUT", upload, part_headers(0, DATA), DATA, unsigned=["content-length"])
    del signed["Content-Length"]
    with client.open_socket() as connection:
        connection.sendall(head("PUT", upload, signed) + DATA)
        assert receive(connection).startswith(b"HTTP/1.1 411 ")


def test_a_body_in_chunks_is_refused(client: RawClient, upload: str) -> None:
    signed = client.sign("PUT", upload, part_headers(0, DATA), DATA, unsigned=["content-length"])
    del signed["Content-Length"]
    with client.open_socket() as connection:
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(DATA), DATA)
        connection.sendall(head("PUT", upload, signed | {"Transfer-Encoding": "chunked"}) + chunk)
        assert receive(connection).startswith(b"HTTP/1.1 411 ")
    with client.open_socket() as connection:
        connection.sendall(head("PUT", upload, signed | {"Transfer-Encoding": "chunked", "Content-Length": "10"}))
        assert receive(connection).startswith(b"HTTP/1.1 411 ")


def test_a_connection_is_kept_alive_also_after_a_refusal(server: VaultServer, upload: str) -> None:
    before = server.stats()["connections"]
    with RawClient(server) as client:
        assert client.put_part(upload, 5, DATA).refusal == INVALID
        assert client.put_part(upload, 0, DATA).status == 204
        assert client.send("GET", upload).status == 200
    assert server.stats()["connections"] == before + 1


def test_a_client_that_expects_it_is_told_to_continue(server: VaultServer, client: RawClient, upload: str) -> None:
    before = server.stats()["continued"]
    signed = client.sign("PUT", upload, part_headers(0, DATA), DATA) | {"Expect": "100-continue"}
    with client.open_socket() as connection:
        connection.sendall(head("PUT", upload, signed))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(DATA)
        assert connection.recv(65536).startswith(b"HTTP/1.1 204 ")
    assert server.stats()["continued"] == before + 1


@pytest.mark.parametrize(
    ("spoil", "status"),
    [
        ({"x-amz-glacier-version": "2012-06-02"}, 403),
        ({"path": "/-/vaults/no-such-vault/multipart-uploads/unknown"}, 404),
        ({"path": "{upload}x"}, 404),
        ({"Content-Range": "bytes 7-16/*"}, 400),
        ({"Content-Range": "bytes 0-99/*"}, 400),
        ({"x-amz-sha256-tree-hash": ""}, 400),
        ({"x-amz-sha256-tree-hash": "zz"}, 400),
    ],
    ids=["signature", "vault", "upload", "grid", "length", "no-tree-hash", "no-digest"],
)
def test_what_the_headers_are_refused_for_is_refused_before_continue(
    server: VaultServer, client: RawClient, upload: str, spoil: dict[str, str], status: int
) -> None:
    before = server.stats()["continued"]
    wanted = dict(spoil)
    path = wanted.pop("path", upload).format(upload=upload)
    after_signing = {name: wanted.pop(name) for name in list(wanted) if name == "x-amz-glacier-version"}
    signed = client.sign("PUT", path, part_headers(0, DATA) | wanted, DATA) | {"Expect": "100-continue"}
    with client.open_socket() as connection:
        connection.sendall(head("PUT", path, {**signed, **after_signing}))
        answer = receive(connection)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nConnection: close\r\n" in answer
    assert server.stats()["continued"] == before


def test_a_body_that_breaks_off_leaves_nothing_behind(server: VaultServer, client: RawClient, upload: str) -> None:
    data = bytes(1 << 20)
    signed = client.sign("PUT", upload, part_headers(0, data), data)
    with client.open_socket() as connection:
        connection.sendall(head("PUT", upload, signed) + data[: 1 << 19])
    assert client.send("GET", upload).json["Parts"] == []
    assert client.put_part(upload, 0, data).status == 204
    assert client.complete(upload, data).status == 201


def test_a_body_that_stops_coming_is_a_408(tmp_path: Path) -> None:
    with VaultServer(tmp_path, timeout=0.3) as server, RawClient(server) as client:
        server.create_vault("v")
        headers = part_headers(0, DATA) | {"Content-Range": "bytes"}
        signed = client.sign("POST", "/-/vaults/v/archives", headers, DATA)
        with client.open_socket() as connection:
            connection.sendall(head("POST", "/-/vaults/v/archives", signed) + DATA[:3])
            begun = time.monotonic()
            answer = receive(connection)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"RequestTimeoutException" in answer
        assert time.monotonic() - begun < 5
        assert list((tmp_path / "vaults" / "v" / "incoming").iterdir()) == []


def test_large_answers_come_whole_on_a_connection_that_stays(client: RawClient, path: str) -> None:
    data = bytes(range(256)) * (3 << 12)
    headers = {name: value for name, value in part_headers(0, data).items() if name != "Content-Range"}
    archive = client.send("POST", f"{path}/archives", headers, data).headers["x-amz-archive-id"]
    wanted = b'{"Type": "archive-retrieval", "ArchiveId": "%s"}' % archive.encode()
    job = client.send("POST", f"{path}/jobs", body=wanted).headers["x-amz-job-id"]
    for _ in range(2):
        answer = client.send("GET", f"{path}/jobs/{job}/output")
        assert answer.body == data
        assert answer.headers["x-amz-sha256-tree-hash"] == tree_hash(data)


def test_ids_look_like_the_real_ones_and_the_first_begins_with_a_hyphen(tmp_path: Path) -> None:
    with VaultServer(tmp_path) as server, RawClient(server) as client:
        server.create_vault("v")
        headers = {"x-amz-part-size": str(1 << 20)}
        answers = [client.send("POST", "/-/vaults/v/multipart-uploads", headers) for _ in range(6)]
        ids = [answer.headers["x-amz-multipart-upload-id"] for answer in answers]
        assert [found[0] == "-" for found in ids] == [True, False, False, True, False, False]
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{92}", found) for found in ids)
