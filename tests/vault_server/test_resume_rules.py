"""What resuming needs: lists in pages, ids that expire, completing again, and the record of what came."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .client import MIB, RawClient, head, part_headers, tree_hash
from .process import VaultServer

MISSING = (404, "ResourceNotFoundException")


def begin(client: RawClient, path: str) -> str:
    """Open an upload; gives its id."""
    answer = client.send("POST", f"{path}/multipart-uploads", {"x-amz-part-size": str(MIB)})
    return answer.headers["x-amz-multipart-upload-id"]


def listed(client: RawClient, path: str, limit: int) -> list[str]:
    """The ids of the open uploads, in the order of the pages."""
    ids: list[str] = []
    marker = ""
    while True:
        page = client.send("GET", f"{path}/multipart-uploads?limit={limit}{marker}").json
        ids += [upload["MultipartUploadId"] for upload in page["UploadsList"]]
        if page["Marker"] is None:
            return ids
        marker = f"&marker={page['Marker']}"


def id_of(upload: str) -> str:
    return upload.rpartition("/")[2]


def test_each_listing_of_uploads_has_an_order_of_its_own_and_every_upload_once(client: RawClient, path: str) -> None:
    begun = {begin(client, path) for _ in range(23)}
    listings = [listed(client, path, 5) for _ in range(3)]
    assert [set(listing) for listing in listings] == [begun] * 3
    assert {len(listing) for listing in listings} == {23}
    assert listings[0] != listings[1] != listings[2]


def test_an_upload_that_ends_between_two_pages_costs_no_other_its_place(client: RawClient, path: str) -> None:
    begun = {begin(client, path) for _ in range(6)}
    page = client.send("GET", f"{path}/multipart-uploads?limit=3").json
    seen = [upload["MultipartUploadId"] for upload in page["UploadsList"]]
    client.send("DELETE", f"{path}/multipart-uploads/{seen[0]}")
    rest = client.send("GET", f"{path}/multipart-uploads?marker={page['Marker']}").json["UploadsList"]
    assert {*seen, *(upload["MultipartUploadId"] for upload in rest)} == begun


def test_a_listed_part_can_be_compared_by_its_tree_hash(client: RawClient, upload: str) -> None:
    data = bytes(range(256)) * 4096
    client.put_part(upload, 0, data)
    client.put_part(upload, 3 * MIB, b"end")
    page = client.send("GET", upload).json
    assert page["Parts"] == [
        {"RangeInBytes": f"0-{MIB - 1}", "SHA256TreeHash": tree_hash(data)},
        {"RangeInBytes": f"{3 * MIB}-{3 * MIB + 2}", "SHA256TreeHash": tree_hash(b"end")},
    ]
    assert (page["MultipartUploadId"], page["PartSizeInBytes"]) == (id_of(upload), MIB)


def test_an_upload_idle_for_a_day_is_gone(server: VaultServer, client: RawClient, vault: str, upload: str) -> None:
    client.put_part(upload, 0, b"abc")
    server.control(clock_offset=23 * 3600)
    server.control(clock_offset=0)
    assert [found.id for found in server.uploads(vault)] == [id_of(upload)]
    server.let_a_day_pass()
    assert server.uploads(vault) == []
    assert client.send("GET", upload).refusal == MISSING
    assert client.put_part(upload, 0, b"abc").refusal == MISSING
    assert client.complete(upload, b"abc").refusal == MISSING


def test_a_stored_part_keeps_its_upload_alive(vault: str, server: VaultServer, upload: str) -> None:
    server.control(clock_offset=600)
    with RawClient(server) as client:
        client.put_part(upload, 0, b"abc")
    server.control(clock_offset=24 * 3600 + 300)
    server.control(clock_offset=0)
    assert [found.id for found in server.uploads(vault)] == [id_of(upload)]


def test_completing_again_is_possible_for_a_day(server: VaultServer, client: RawClient, upload: str) -> None:
    client.put_part(upload, 0, b"abc")
    first, second = client.complete(upload, b"abc"), client.complete(upload, b"abc")
    assert first.headers["x-amz-archive-id"] == second.headers["x-amz-archive-id"]
    server.let_a_day_pass()
    assert client.complete(upload, b"abc").refusal == MISSING


def test_a_forgotten_completion_is_not_found_and_an_open_upload_is_not_forgotten(
    server: VaultServer, client: RawClient, vault: str, path: str, upload: str
) -> None:
    other = f"{path}/multipart-uploads/{begin(client, path)}"
    for one in (upload, other):
        client.put_part(one, 0, b"abc")
    client.complete(upload, b"abc")
    server.forget_completions()
    assert client.complete(upload, b"abc").refusal == MISSING
    assert len(server.archives(vault)) == 1
    assert client.complete(other, b"abc").status == 201


def test_every_part_that_came_is_recorded_beyond_the_end_of_its_upload(
    server: VaultServer, client: RawClient, vault: str, upload: str
) -> None:
    for start, data in ((0, bytes(MIB)), (MIB, b"end"), (0, bytes(MIB))):
        client.put_part(upload, start, data)
    expected = Counter({(0, MIB - 1): 2, (MIB, MIB + 2): 1})
    assert server.received(vault, id_of(upload)) == expected
    client.complete(upload, bytes(MIB) + b"end")
    assert server.received(vault, id_of(upload)) == server.received(vault, id_of(upload), answered=True) == expected


def test_a_part_that_was_refused_or_broke_off_did_not_come(
    server: VaultServer, client: RawClient, vault: str, upload: str
) -> None:
    client.put_part(upload, 0, b"abc", {"x-amz-sha256-tree-hash": "0" * 64})
    with client.open_socket() as connection:
        connection.sendall(head("PUT", upload, client.sign("PUT", upload, part_headers(0, bytes(MIB)), bytes(MIB))))
        connection.sendall(bytes(1000))
    assert server.received(vault, id_of(upload)) == Counter()


def test_each_archive_tells_the_upload_it_came_from(
    server: VaultServer, client: RawClient, vault: str, path: str, upload: str
) -> None:
    client.put_part(upload, 0, b"abc")
    archive = client.complete(upload, b"abc").headers["x-amz-archive-id"]
    client.send("POST", f"{path}/archives", part_headers(0, b"x"), b"x")
    aborted = begin(client, path)
    client.send("DELETE", f"{path}/multipart-uploads/{aborted}")
    assert {upload: found.id for upload, found in server.completed(vault).items()} == {id_of(upload): archive}
    assert server.begun(vault) == {id_of(upload), aborted}
    assert len(server.archives(vault)) == 2


def test_every_upload_ever_begun_is_known_by_its_description(server: VaultServer, client: RawClient, path: str) -> None:
    headers = {"x-amz-part-size": str(MIB), "x-amz-archive-description": "of the cat"}
    answer = client.send("POST", f"{path}/multipart-uploads", headers)
    other = begin(client, path)
    client.send("DELETE", f"{path}/multipart-uploads/{other}")
    vault = path.rpartition("/")[2]
    assert server.begun_as(vault) == {answer.headers["x-amz-multipart-upload-id"]: "of the cat", other: ""}


def test_it_has_settled_once_its_clients_have_gone(tmp_path: Path) -> None:
    with VaultServer(tmp_path) as server:
        with RawClient(server) as client:
            client.send("GET", "/-/vaults")
            with pytest.raises(TimeoutError, match="still connected"):
                server.settle(0.1)
        server.settle()
        assert server.stats()["connected"] == 0
