"""Vaults: their names, their inventories, their listing and their end."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from .client import RawClient, part_headers
from .process import VaultServer

INVALID = (400, "InvalidParameterValueException")
MISSING = (404, "ResourceNotFoundException")


def store(client: RawClient, path: str, data: bytes) -> str:
    """Upload an archive; gives its path."""
    answer = client.send("POST", f"{path}/archives", part_headers(0, data), data)
    assert answer.status == 201
    return f"{path}/archives/{answer.headers['x-amz-archive-id']}"


def test_a_vault_can_be_created_twice(client: RawClient, server: VaultServer) -> None:
    for _ in range(2):
        answer = client.send("PUT", "/-/vaults/created")
        assert (answer.status, answer.headers["location"]) == (201, "/111122223333/vaults/created")
    assert (server.root / "vaults" / "created" / "archives").is_dir()


def test_no_vault_is_made_for_a_new_account(server: VaultServer, client: RawClient, path: str) -> None:
    server.control(refuse_new_vaults=True)
    try:
        assert client.send("PUT", "/-/vaults/one-more").refusal == (400, "NoLongerSupportedException")
        assert client.send("GET", path).status == 200
    finally:
        server.control(refuse_new_vaults=False)
    assert client.send("PUT", "/-/vaults/one-more").status == 201


@pytest.mark.parametrize("name", ["a", "A-Z_a.z-09", "x" * 255, "-", "..."])
def test_these_are_names_for_a_vault(client: RawClient, name: str) -> None:
    assert client.send("PUT", f"/-/vaults/{name}").status == 201


@pytest.mark.parametrize("name", ["", "x" * 256, "a%20b", "a%2Fb", "%C3%A9", "%2E%2E", "a%00"])
def test_these_are_no_names_for_a_vault(client: RawClient, name: str) -> None:
    assert client.send("PUT", f"/-/vaults/{name}").refusal == INVALID


@pytest.mark.parametrize(
    ("method", "below"),
    [
        ("GET", ""),
        ("POST", "/archives"),
        ("DELETE", "/archives/" + "a" * 138),
        ("POST", "/multipart-uploads"),
        ("GET", "/multipart-uploads"),
        ("PUT", "/multipart-uploads/" + "u" * 92),
        ("POST", "/multipart-uploads/" + "u" * 92),
        ("DELETE", "/multipart-uploads/" + "u" * 92),
        ("GET", "/multipart-uploads/" + "u" * 92),
        ("POST", "/jobs"),
        ("GET", "/jobs"),
        ("GET", "/jobs/" + "j" * 92),
        ("GET", "/jobs/" + "j" * 92 + "/output"),
    ],
)
def test_nothing_works_in_a_vault_that_is_not_there(client: RawClient, method: str, below: str) -> None:
    data = b'{"Type": "inventory-retrieval"}' if below == "/jobs" and method == "POST" else b"x"
    headers = part_headers(0, data) | {"x-amz-part-size": "1048576", "x-amz-archive-size": "1"}
    assert client.send(method, f"/-/vaults/absent{below}", headers, data).refusal == MISSING


def test_a_vault_tells_of_its_last_inventory_and_not_of_now(server: VaultServer, client: RawClient, path: str) -> None:
    store(client, path, b"one")
    before = client.send("GET", path).json
    assert (before["LastInventoryDate"], before["NumberOfArchives"], before["SizeInBytes"]) == (None, None, None)
    server.control(take_inventory=path.rpartition("/")[2])
    store(client, path, b"two")
    after = client.send("GET", path).json
    assert after["NumberOfArchives"] == 1
    assert after["SizeInBytes"] > len("one")
    assert after["CreationDate"] < after["LastInventoryDate"]


def test_an_inventory_keeps_its_date_while_nothing_is_written(
    server: VaultServer, client: RawClient, path: str, vault: str
) -> None:
    store(client, path, b"one")
    dates = set()
    for _ in range(2):
        server.control(take_inventory=vault)
        dates.add(client.send("GET", path).json["LastInventoryDate"])
    assert len(dates) == 1


def test_vaults_are_listed_by_name_10_a_page(tmp_path: Path) -> None:
    with VaultServer(tmp_path) as server, RawClient(server) as client:
        names = sorted(f"v{number}" for number in range(23))
        for name in names:
            server.create_vault(name)
        found, marker, pages = [], "", 0
        while marker is not None:
            page = client.send("GET", f"/-/vaults?marker={quote(marker, safe='')}").json
            found += [vault["VaultName"] for vault in page["VaultList"]]
            marker, pages = page["Marker"], pages + 1
        assert (found, pages) == (names, 3)
        assert len(client.send("GET", "/-/vaults?limit=2").json["VaultList"]) == 2


@pytest.mark.parametrize("below", ["?limit=0", "?limit=11", "?limit=x", "?limit=-1"])
def test_a_limit_of_vaults_is_1_to_10(client: RawClient, below: str) -> None:
    assert client.send("GET", f"/-/vaults{below}").refusal == INVALID


@pytest.mark.parametrize("room", ["jobs", "multipart-uploads"])
@pytest.mark.parametrize("query", ["limit=0", "limit=51", "limit=many", "marker=%21", "marker=_w"])
def test_a_limit_of_other_things_is_1_to_50_and_a_marker_one_that_was_given_out(
    client: RawClient, path: str, room: str, query: str
) -> None:
    assert client.send("GET", f"{path}/{room}?{query}").refusal == INVALID


def test_a_vault_that_was_never_written_to_can_be_deleted_and_again(client: RawClient, path: str) -> None:
    assert client.send("DELETE", path).status == 204
    assert client.send("GET", path).refusal == MISSING
    assert client.send("DELETE", path).status == 204


def test_a_vault_can_be_deleted_only_once_an_inventory_has_seen_it_empty(
    server: VaultServer, client: RawClient, path: str, vault: str
) -> None:
    archive = store(client, path, b"data")
    assert client.send("DELETE", path).refusal == INVALID
    server.control(take_inventory=vault)
    assert client.send("DELETE", path).refusal == INVALID
    assert client.send("DELETE", archive).status == 204
    assert client.send("DELETE", path).refusal == INVALID
    server.control(take_inventory=vault)
    assert client.send("DELETE", path).status == 204


def test_an_archive_can_be_deleted_twice_but_not_without_having_been(client: RawClient, path: str) -> None:
    archive = store(client, path, b"data")
    assert client.send("DELETE", archive).status == 204
    assert client.send("DELETE", archive).status == 204
    assert client.send("DELETE", f"{path}/archives/{'a' * 138}").refusal == MISSING
    assert client.send("DELETE", f"{path}/archives/short").refusal == INVALID


def test_an_account_has_at_most_1000_vaults(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / "vaults" / f"v{number}").mkdir(parents=True)
        (tmp_path / "vaults" / f"v{number}" / "vault.json").write_text("{}")
    with VaultServer(tmp_path) as server, RawClient(server) as client:
        assert client.send("PUT", "/-/vaults/v1000").refusal == (400, "LimitExceededException")
        assert client.send("PUT", "/-/vaults/v1").status == 201
