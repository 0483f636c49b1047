"""Sending: descriptions, the grid of parts, both checksums, and completing."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from .client import MIB, RawClient, altered, head, part_headers, tree_hash
from .process import VaultServer

INVALID = (400, "InvalidParameterValueException")
ABSENT = (400, "MissingParameterValueException")
MISSING = (404, "ResourceNotFoundException")
THREE = bytes(range(256)) * (3 << 12) + b"and a bit"


def hashed_again(data: bytes) -> str:
    """A common mistake: a tree hash whose odd node is hashed with itself, not promoted."""
    level = [hashlib.sha256(data[at : at + MIB]).digest() for at in range(0, len(data), MIB)]
    while len(level) > 1:
        level += level[-1:] if len(level) % 2 else []
        level = [hashlib.sha256(level[at] + level[at + 1]).digest() for at in range(0, len(level), 2)]
    return level[0].hex()


def begin(client: RawClient, path: str, size: int, description: str | None = None) -> str:
    """Open an upload; gives its path."""
    headers = {"x-amz-part-size": str(size)} | ({"x-amz-archive-description": description} if description else {})
    answer = client.send("POST", f"{path}/multipart-uploads", headers)
    assert answer.status == 201
    return f"{path}/multipart-uploads/{answer.headers['x-amz-multipart-upload-id']}"


@pytest.mark.parametrize("size", [MIB, 2 * MIB, 1 << 31, 1 << 32])
def test_a_part_size_is_a_power_of_two_from_1_mib_to_4_gib(client: RawClient, path: str, size: int) -> None:
    answer = client.send("POST", f"{path}/multipart-uploads", {"x-amz-part-size": str(size)})
    upload = answer.headers["x-amz-multipart-upload-id"]
    assert answer.status == 201
    assert answer.headers["location"] == f"/111122223333{path[2:]}/multipart-uploads/{upload}"


@pytest.mark.parametrize("size", ["0", "1", "524288", "1048577", "3145728", "8589934592", "-1048576", "1e6", "1 MiB"])
def test_other_part_sizes_are_refused(client: RawClient, path: str, size: str) -> None:
    assert client.send("POST", f"{path}/multipart-uploads", {"x-amz-part-size": size}).refusal == INVALID


def test_a_part_size_is_required(client: RawClient, path: str) -> None:
    assert client.send("POST", f"{path}/multipart-uploads").refusal == ABSENT


@pytest.mark.parametrize("text", ["x", "~ all ! of \\ these \" ' are, allowed ~", "x" * 1024])
def test_a_description_is_kept_as_it_is(server: VaultServer, client: RawClient, path: str, text: str) -> None:
    begin(client, path, MIB, text)
    assert server.uploads(path.rpartition("/")[2])[0].description == text


def test_the_blanks_before_a_description_are_lost(server: VaultServer, client: RawClient, path: str) -> None:
    begin(client, path, MIB, "   a  name")
    assert server.uploads(path.rpartition("/")[2])[0].description == "a  name"


@pytest.mark.parametrize("room", ["archives", "multipart-uploads"])
@pytest.mark.parametrize("text", ["x" * 1025, "caf\xe9", "a\tb", "a\x7fb"], ids=["long", "not-ascii", "tab", "delete"])
def test_other_descriptions_are_refused(client: RawClient, path: str, room: str, text: str) -> None:
    headers = part_headers(0, b"data") | {"x-amz-part-size": str(MIB), "x-amz-archive-description": text}
    assert client.send("POST", f"{path}/{room}", headers, b"data").refusal == INVALID


def test_a_stored_part_comes_back_with_its_tree_hash(client: RawClient, path: str) -> None:
    upload = begin(client, path, 4 * MIB)
    answer = client.put_part(upload, 0, THREE)
    assert (answer.status, answer.headers["x-amz-sha256-tree-hash"]) == (204, tree_hash(THREE))


@pytest.mark.parametrize("name", ["Content-Range", "x-amz-sha256-tree-hash", "x-amz-content-sha256"])
def test_a_part_needs_its_range_and_both_checksums(client: RawClient, upload: str, name: str) -> None:
    assert client.send("PUT", upload, altered(part_headers(0, b"abc"), {name: None}), b"abc").refusal == ABSENT


@pytest.mark.parametrize("wrong", ["linear", "hashed again", "zero"])
def test_a_part_with_a_wrong_tree_hash_is_refused(client: RawClient, path: str, wrong: str) -> None:
    upload = begin(client, path, 4 * MIB)
    digest = {"linear": hashlib.sha256(THREE).hexdigest(), "hashed again": hashed_again(THREE[: 3 * MIB])}.get(wrong)
    answer = client.put_part(upload, 0, THREE[: 3 * MIB], {"x-amz-sha256-tree-hash": digest or "0" * 64})
    assert answer.refusal == INVALID
    assert client.send("GET", upload).json["Parts"] == []


@pytest.mark.parametrize(
    "range_",
    [
        "0-2",
        "bytes 0-2",
        "bytes 0-2/3",
        "bytes=0-2/*",
        "bytes 0-/*",
        "bytes 0-1/*",
        "bytes 0-3/*",
        "bytes 1-3/*",
        "bytes 524288-524290/*",
        "bytes -1-1/*",
        "bytes 2-0/*",
        f"bytes {10_000 * MIB}-{10_000 * MIB + 2}/*",
    ],
)
def test_a_range_is_the_bodys_own_and_on_the_grid(client: RawClient, upload: str, range_: str) -> None:
    assert client.put_part(upload, 0, b"abc", {"Content-Range": range_}).refusal == INVALID


def test_the_10000th_part_is_the_last_one(client: RawClient, upload: str) -> None:
    assert client.put_part(upload, 9_999 * MIB, b"abc").status == 204
    assert client.put_part(upload, 10_000 * MIB, b"abc").refusal == INVALID


def test_a_part_is_not_larger_than_the_part_size(client: RawClient, upload: str) -> None:
    assert client.put_part(upload, 0, bytes(MIB)).status == 204
    assert client.put_part(upload, MIB, bytes(MIB + 1)).refusal == INVALID
    assert client.put_part(upload, MIB, bytes(2 * MIB)).refusal == INVALID


def test_an_empty_part_is_refused(client: RawClient, upload: str) -> None:
    assert client.put_part(upload, 0, bytes(MIB)).status == 204
    assert client.put_part(upload, MIB, b"").refusal == INVALID


@pytest.mark.parametrize("upload_id", ["unknown", "u" * 92, "..%2F..", "%00"])
@pytest.mark.parametrize("method", ["PUT", "POST", "GET", "DELETE"])
def test_an_unknown_upload_id_is_not_found(client: RawClient, path: str, method: str, upload_id: str) -> None:
    headers = part_headers(0, b"x") | {"x-amz-archive-size": "1"}
    assert client.send(method, f"{path}/multipart-uploads/{upload_id}", headers, b"x").refusal == MISSING


def test_an_upload_belongs_to_its_vault(server: VaultServer, client: RawClient, upload: str) -> None:
    server.create_vault("elsewhere")
    elsewhere = "/-/vaults/elsewhere/" + upload.split("/", 4)[4]
    assert client.put_part(elsewhere, 0, b"abc").refusal == MISSING
    assert client.put_part(upload, 0, b"abc").status == 204


def test_parts_come_in_any_order_and_make_the_archive(server: VaultServer, client: RawClient, path: str) -> None:
    upload = begin(client, path, MIB, "three and a bit")
    for start in (2 * MIB, 0, 3 * MIB, MIB):
        assert client.put_part(upload, start, THREE[start : start + MIB]).status == 204
    answer = client.complete(upload, THREE)
    archive = answer.headers["x-amz-archive-id"]
    assert (answer.status, answer.headers["x-amz-sha256-tree-hash"]) == (201, tree_hash(THREE))
    assert answer.headers["location"] == f"/111122223333{path[2:]}/archives/{archive}"
    (stored,) = server.archives(path.rpartition("/")[2])
    assert (stored.id, stored.description, stored.size) == (archive, "three and a bit", len(THREE))
    assert (stored.tree_hash, stored.path.read_bytes()) == (tree_hash(THREE), THREE)


@pytest.mark.parametrize("size", [1, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 1])
def test_archives_of_awkward_sizes_come_out_as_they_went_in(
    server: VaultServer, client: RawClient, path: str, size: int
) -> None:
    upload = begin(client, path, MIB)
    data = THREE[:size]
    for start in range(0, size, MIB):
        client.put_part(upload, start, data[start : start + MIB])
    assert client.complete(upload, data).status == 201
    assert server.archives(path.rpartition("/")[2])[0].path.read_bytes() == data


def test_a_part_sent_again_replaces_the_first(server: VaultServer, client: RawClient, path: str) -> None:
    upload = begin(client, path, MIB)
    for data in (THREE[:MIB], b"short", bytes(MIB), b"the last one wins"):
        assert client.put_part(upload, 0, data).status == 204
    assert client.complete(upload, b"the last one wins").status == 201
    assert server.archives(path.rpartition("/")[2])[0].path.read_bytes() == b"the last one wins"


def test_a_part_sent_again_and_refused_does_not_damage_the_first(
    server: VaultServer, client: RawClient, upload: str
) -> None:
    assert client.put_part(upload, 0, THREE[:MIB]).status == 204
    assert client.put_part(upload, 0, bytes(MIB), {"x-amz-sha256-tree-hash": "0" * 64}).refusal == INVALID
    assert client.complete(upload, THREE[:MIB]).status == 201
    assert server.archives(upload.split("/")[3])[0].path.read_bytes() == THREE[:MIB]


@contextmanager
def half_a_part(client: RawClient, upload: str, start: int, data: bytes) -> Iterator[socket.socket]:
    """A connection whose part the server is just writing, and has half of."""
    signed = client.sign("PUT", upload, part_headers(start, data), data) | {"Expect": "100-continue"}
    with client.open_socket() as slow:
        slow.sendall(head("PUT", upload, signed))
        assert b" 100 " in slow.recv(65536)
        slow.sendall(data[: len(data) // 2])
        yield slow


def test_a_part_overtaken_by_another_try_does_not_damage_it(client: RawClient, upload: str) -> None:
    data = THREE[:MIB]
    with half_a_part(client, upload, 0, data) as slow:
        assert client.put_part(upload, 0, b"overtaking").status == 204
        slow.sendall(data[MIB // 2 :])
        assert b" 408 " in slow.recv(65536)
    assert client.complete(upload, b"overtaking").status == 201


def test_a_part_overtaken_by_the_same_bytes_is_there(client: RawClient, upload: str) -> None:
    data = THREE[:MIB]
    with half_a_part(client, upload, 0, data) as slow:
        assert client.put_part(upload, 0, data).status == 204
        slow.sendall(data[MIB // 2 :])
        assert b" 204 " in slow.recv(65536)
    assert client.complete(upload, data).status == 201


def test_a_part_that_is_still_coming_does_not_get_into_a_completed_archive(
    server: VaultServer, client: RawClient, upload: str
) -> None:
    assert client.put_part(upload, 0, bytes(MIB)).status == 204
    with half_a_part(client, upload, MIB, THREE[:MIB]) as late:
        assert client.complete(upload, bytes(MIB)).status == 201
        late.sendall(THREE[MIB // 2 : MIB])
        assert b" 404 " in late.recv(65536)
    assert server.archives(upload.split("/")[3])[0].path.read_bytes() == bytes(MIB)


def test_a_part_that_is_still_coming_while_its_upload_is_aborted_is_not_found(client: RawClient, upload: str) -> None:
    with half_a_part(client, upload, 0, THREE[:MIB]) as late:
        assert client.send("DELETE", upload).status == 204
        late.sendall(THREE[MIB // 2 : MIB])
        assert b" 404 " in late.recv(65536)


def test_an_upload_is_aborted_by_several_at_once(server: VaultServer, upload: str) -> None:
    def abort(_: int) -> int:
        with RawClient(server) as client:
            return client.send("DELETE", upload).status

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(abort, range(4))) == {204}


def test_a_short_part_is_taken_anywhere_but_only_the_last_may_be_short(client: RawClient, upload: str) -> None:
    assert client.put_part(upload, 0, b"short").status == 204
    assert client.put_part(upload, MIB, b"last").status == 204
    leaves = hashlib.sha256(b"short").digest() + hashlib.sha256(b"last").digest()
    joined = {"x-amz-archive-size": str(MIB + 4), "x-amz-sha256-tree-hash": hashlib.sha256(leaves).hexdigest()}
    assert client.complete(upload, b"shortlast").refusal == INVALID
    assert client.complete(upload, b"shortlast", joined).refusal == INVALID
    assert client.put_part(upload, 0, bytes(MIB)).status == 204
    assert client.complete(upload, bytes(MIB) + b"last").status == 201


def test_an_upload_with_a_gap_cannot_be_completed(client: RawClient, upload: str) -> None:
    client.put_part(upload, MIB, THREE[MIB : 2 * MIB])
    assert client.complete(upload, THREE[: 2 * MIB]).refusal == INVALID
    assert client.complete(upload, THREE[MIB : 2 * MIB]).refusal == INVALID
    assert client.complete(upload, THREE[MIB : 2 * MIB], {"x-amz-archive-size": str(2 * MIB)}).refusal == INVALID


def test_an_upload_without_parts_cannot_be_completed(client: RawClient, upload: str) -> None:
    assert client.complete(upload, b"").refusal == INVALID
    assert client.complete(upload, b"x").refusal == INVALID


@pytest.mark.parametrize("name", ["x-amz-archive-size", "x-amz-sha256-tree-hash"])
def test_completing_needs_size_and_tree_hash(client: RawClient, upload: str, name: str) -> None:
    client.put_part(upload, 0, b"abc")
    headers = {"x-amz-archive-size": "3", "x-amz-sha256-tree-hash": tree_hash(b"abc")}
    assert client.send("POST", upload, altered(headers, {name: None})).refusal == ABSENT


@pytest.mark.parametrize(
    "wrong",
    [
        {"x-amz-archive-size": "1"},
        {"x-amz-archive-size": "three"},
        {"x-amz-sha256-tree-hash": hashlib.sha256(THREE[: 3 * MIB]).hexdigest()},
        {"x-amz-sha256-tree-hash": hashed_again(THREE[: 3 * MIB])},
        {"x-amz-sha256-tree-hash": "short"},
    ],
    ids=["size", "no-size", "linear", "hashed-again", "no-digest"],
)
def test_a_refused_completion_leaves_the_upload_open(
    server: VaultServer, client: RawClient, upload: str, wrong: dict[str, str]
) -> None:
    data = THREE[: 3 * MIB]
    for start in range(0, len(data), MIB):
        client.put_part(upload, start, data[start : start + MIB])
    assert client.complete(upload, data, wrong).refusal == INVALID
    assert server.archives(upload.split("/")[3]) == []
    assert client.complete(upload, data).status == 201


def test_completing_again_gives_the_same_archive(server: VaultServer, client: RawClient, upload: str) -> None:
    client.put_part(upload, 0, b"abc")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: _alone(server, upload), range(4)))
    answers.append(_alone(server, upload))
    assert {answer[0] for answer in answers} == {201}
    assert len({answer[1] for answer in answers}) == len(server.archives(upload.split("/")[3])) == 1
    assert client.complete(upload, b"abcd").refusal == INVALID


def _alone(server: VaultServer, upload: str) -> tuple[int, str]:
    with RawClient(server) as client:
        answer = client.complete(upload, b"abc")
        return answer.status, answer.headers["x-amz-archive-id"]


def test_a_completed_upload_is_over_for_everything_else(client: RawClient, upload: str, path: str) -> None:
    client.put_part(upload, 0, b"abc")
    assert client.complete(upload, b"abc").status == 201
    assert client.send("GET", upload).refusal == MISSING
    assert client.put_part(upload, 0, b"abc").refusal == MISSING
    assert client.send("DELETE", upload).refusal == MISSING
    assert client.send("GET", f"{path}/multipart-uploads").json["UploadsList"] == []


def test_an_aborted_upload_is_over_and_can_be_aborted_again(client: RawClient, upload: str, path: str) -> None:
    client.put_part(upload, 0, b"abc")
    assert client.send("DELETE", upload).status == 204
    assert client.send("DELETE", upload).status == 204
    assert client.put_part(upload, 0, b"abc").refusal == MISSING
    assert client.complete(upload, b"abc").refusal == MISSING
    assert client.send("GET", f"{path}/multipart-uploads").json["UploadsList"] == []


def test_an_expired_upload_id_is_not_found_open_or_completed(
    server: VaultServer, client: RawClient, upload: str
) -> None:
    other = begin(client, upload.rpartition("/multipart-uploads/")[0], MIB)
    for found in (upload, other):
        client.put_part(found, 0, b"abc")
    client.complete(other, b"abc")
    for found in (upload, other):
        server.control(expire_upload=found.rpartition("/")[2])
        assert client.complete(found, b"abc").refusal == MISSING


def test_parts_are_listed_by_range_50_a_page(client: RawClient, upload: str) -> None:
    starts = [number * MIB for number in range(53)]
    for start in reversed(starts):
        client.put_part(upload, start, b"abc")
    first = client.send("GET", upload).json
    second = client.send("GET", f"{upload}?marker={first['Marker']}").json
    assert [len(first["Parts"]), len(second["Parts"]), second["Marker"]] == [50, 3, None]
    ranges = [part["RangeInBytes"] for part in first["Parts"] + second["Parts"]]
    assert ranges == [f"{start}-{start + 2}" for start in starts]
    assert {part["SHA256TreeHash"] for part in first["Parts"]} == {tree_hash(b"abc")}
    assert (first["PartSizeInBytes"], first["ArchiveDescription"]) == (MIB, None)
    assert len(client.send("GET", f"{upload}?limit=7").json["Parts"]) == 7


def test_open_uploads_are_listed_50_a_page(client: RawClient, path: str) -> None:
    made = {begin(client, path, MIB, f"number {number}").rpartition("/")[2] for number in range(51)}
    first = client.send("GET", f"{path}/multipart-uploads").json
    second = client.send("GET", f"{path}/multipart-uploads?marker={first['Marker']}").json
    assert [len(first["UploadsList"]), len(second["UploadsList"]), second["Marker"]] == [50, 1, None]
    assert {upload["MultipartUploadId"] for upload in first["UploadsList"] + second["UploadsList"]} == made


def test_an_archive_in_one_request_comes_out_as_it_went_in(server: VaultServer, client: RawClient, path: str) -> None:
    headers = part_headers(0, THREE) | {"x-amz-archive-description": "in one"}
    answer = client.send("POST", f"{path}/archives", headers, THREE)
    (stored,) = server.archives(path.rpartition("/")[2])
    assert (answer.status, answer.headers["x-amz-archive-id"]) == (201, stored.id)
    assert answer.headers["x-amz-sha256-tree-hash"] == stored.tree_hash == tree_hash(THREE)
    assert (stored.description, stored.path.read_bytes()) == ("in one", THREE)


def test_an_archive_of_no_bytes_is_refused(client: RawClient, path: str) -> None:
    assert client.send("POST", f"{path}/archives", part_headers(0, b""), b"").refusal == INVALID


@pytest.mark.parametrize("name", ["x-amz-sha256-tree-hash", "x-amz-content-sha256"])
def test_an_archive_in_one_request_needs_both_checksums_right(
    server: VaultServer, client: RawClient, path: str, name: str
) -> None:
    headers = part_headers(0, THREE)
    swapped = headers | {
        name: tree_hash(THREE) if name == "x-amz-content-sha256" else hashlib.sha256(THREE).hexdigest()
    }
    assert client.send("POST", f"{path}/archives", swapped, THREE).refusal == INVALID
    assert client.send("POST", f"{path}/archives", altered(headers, {name: None}), THREE).refusal == ABSENT
    assert server.archives(path.rpartition("/")[2]) == []


def test_an_archive_in_one_request_has_at_most_4_gib(client: RawClient, path: str) -> None:
    length = {"Content-Length": str((4 << 30) + 1), "Expect": "100-continue"}
    signed = client.sign("POST", f"{path}/archives", part_headers(0, b"x") | length, b"x")
    with client.open_socket() as connection:
        connection.sendall(head("POST", f"{path}/archives", signed))
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
