"""Getting it back: retrieval jobs, their ranges, their checksums, and inventories."""

from __future__ import annotations

import datetime
import json
import random
from typing import Any

import pytest
from botocore import auth

from .client import MIB, Answer, RawClient, part_headers, tree_hash
from .process import VaultServer

INVALID = (400, "InvalidParameterValueException")
MISSING = (404, "ResourceNotFoundException")
DATA = random.Random(6).randbytes(6 * MIB + 12345)


def store(client: RawClient, path: str, data: bytes, description: str = "") -> str:
    """Upload an archive; gives its id."""
    headers = part_headers(0, data) | ({"x-amz-archive-description": description} if description else {})
    return client.send("POST", f"{path}/archives", headers, data).headers["x-amz-archive-id"]


def begin(client: RawClient, path: str, **wanted: Any) -> Answer:
    """InitiateJob."""
    return client.send("POST", f"{path}/jobs", body=json.dumps(wanted).encode())


def retrieve(client: RawClient, path: str, archive: str, **wanted: Any) -> str:
    """Begin an archive's retrieval; gives the job's path."""
    answer = begin(client, path, Type="archive-retrieval", ArchiveId=archive, **wanted)
    job = answer.headers["x-amz-job-id"]
    assert (answer.status, answer.headers["location"]) == (202, f"/111122223333{path[2:]}/jobs/{job}")
    return f"{path}/jobs/{job}"


def test_a_whole_archive_comes_back_with_its_tree_hash(client: RawClient, path: str) -> None:
    job = retrieve(client, path, store(client, path, DATA, "all of it"), Description="mine")
    answer = client.send("GET", f"{job}/output")
    assert (answer.status, answer.body) == (200, DATA)
    assert answer.headers["x-amz-sha256-tree-hash"] == tree_hash(DATA)
    assert answer.headers["x-amz-archive-description"] == "all of it"
    assert (answer.headers["accept-ranges"], answer.headers["content-type"]) == ("bytes", "application/octet-stream")


def test_a_job_describes_itself(client: RawClient, path: str) -> None:
    archive = store(client, path, DATA)
    job = retrieve(client, path, archive, Description="mine", Tier="Bulk", RetrievalByteRange=f"0-{4 * MIB - 1}")
    found = client.send("GET", job).json
    assert (found["Action"], found["StatusCode"], found["Completed"]) == ("ArchiveRetrieval", "Succeeded", True)
    assert (found["JobDescription"], found["Tier"], found["ArchiveId"]) == ("mine", "Bulk", archive)
    assert (found["ArchiveSizeInBytes"], found["ArchiveSHA256TreeHash"]) == (len(DATA), tree_hash(DATA))
    assert (found["RetrievalByteRange"], found["SHA256TreeHash"]) == (f"0-{4 * MIB - 1}", tree_hash(DATA[: 4 * MIB]))
    assert found["InventorySizeInBytes"] is None


@pytest.mark.parametrize(
    "range_",
    [
        "0-1",
        f"1-{MIB - 1}",
        f"0-{MIB}",
        f"{MIB}-{MIB - 1}",
        f"0-{len(DATA)}",
        f"0-{7 * MIB - 1}",
        "bytes=0-1048575",
        "x",
    ],
)
def test_a_retrieval_range_is_megabyte_aligned(client: RawClient, path: str, range_: str) -> None:
    archive = store(client, path, DATA)
    answer = begin(client, path, Type="archive-retrieval", ArchiveId=archive, RetrievalByteRange=range_)
    assert answer.refusal == INVALID


@pytest.mark.parametrize(("first", "stop"), [(0, MIB), (MIB, 3 * MIB), (5 * MIB, len(DATA)), (0, len(DATA))])
def test_a_download_range_counts_from_the_jobs_own_range(client: RawClient, path: str, first: int, stop: int) -> None:
    job = retrieve(client, path, store(client, path, DATA), RetrievalByteRange=f"{first}-{stop - 1}")
    answer = client.send("GET", f"{job}/output", {"Range": "bytes=10-99"})
    assert (answer.status, answer.body) == (206, DATA[first + 10 : first + 100])
    assert answer.headers["content-range"] == f"bytes 10-99/{stop - first}"
    assert client.send("GET", f"{job}/output", {"Range": "bytes=100-"}).body == DATA[first + 100 : stop]
    beyond = client.send("GET", f"{job}/output", {"Range": f"bytes=0-{stop}"})
    assert (beyond.headers["content-range"], beyond.body) == (
        f"bytes 0-{stop - first - 1}/{stop - first}",
        DATA[first:stop],
    )


@pytest.mark.parametrize("range_", ["bytes=3-2", f"bytes={len(DATA)}-", "bytes=-5", "0-5", "bytes=0-1,3-4"])
def test_other_download_ranges_are_refused(client: RawClient, path: str, range_: str) -> None:
    job = retrieve(client, path, store(client, path, DATA))
    assert client.send("GET", f"{job}/output", {"Range": range_}).refusal == INVALID


@pytest.mark.parametrize(
    ("job_range", "download", "has_one"),
    [
        # in MiB of an archive of 6 MiB and a bit: seven leaves
        ((0, 7), (0, 4), True),
        ((0, 7), (4, 7), True),
        ((0, 7), (4, 6), True),
        ((0, 7), (6, 7), True),
        ((0, 7), (3, 4), True),
        ((0, 7), (1, 3), False),
        ((0, 7), (0, 3), False),
        ((0, 7), (2, 7), False),
        ((2, 4), (0, 2), True),
        ((2, 4), (1, 2), True),
        ((4, 7), (0, 2), True),
        ((1, 3), (0, 2), False),
        ((1, 3), (0, 1), False),
        ((5, 7), (0, 2), False),
    ],
)
def test_the_tree_hash_comes_only_where_both_ranges_are_tree_hash_aligned(
    client: RawClient, path: str, job_range: tuple[int, int], download: tuple[int, int], has_one: bool
) -> None:
    first, stop = job_range[0] * MIB, min(job_range[1] * MIB, len(DATA))
    job = retrieve(client, path, store(client, path, DATA), RetrievalByteRange=f"{first}-{stop - 1}")
    begin_, end = download[0] * MIB, min(download[1] * MIB, stop - first)
    answer = client.send("GET", f"{job}/output", {"Range": f"bytes={begin_}-{end - 1}"})
    assert answer.body == DATA[first + begin_ : first + end]
    assert answer.headers.get("x-amz-sha256-tree-hash") == (tree_hash(answer.body) if has_one else None)


def test_a_download_range_off_the_mebibytes_has_no_tree_hash(client: RawClient, path: str) -> None:
    job = retrieve(client, path, store(client, path, DATA))
    for range_ in (f"bytes=1-{MIB - 1}", f"bytes=0-{MIB}", "bytes=0-0"):
        assert "x-amz-sha256-tree-hash" not in client.send("GET", f"{job}/output", {"Range": range_}).headers


def test_a_job_that_takes_a_while_has_no_output_before(server: VaultServer, client: RawClient, path: str) -> None:
    archive = store(client, path, DATA)
    server.control(job_delay=3600)
    whole, part = retrieve(client, path, archive), retrieve(client, path, archive, RetrievalByteRange=f"0-{MIB - 1}")
    server.control(job_delay=0)
    found = client.send("GET", whole).json
    assert (found["StatusCode"], found["Completed"], found["CompletionDate"]) == ("InProgress", False, None)
    assert found["SHA256TreeHash"] is None
    assert client.send("GET", part).json["SHA256TreeHash"] == tree_hash(DATA[:MIB])
    assert client.send("GET", f"{whole}/output").refusal == INVALID
    server.control(finish_jobs=True)
    assert client.send("GET", whole).json["StatusCode"] == "Succeeded"
    assert client.send("GET", f"{whole}/output").body == DATA


def test_a_finished_job_is_gone_a_day_later(
    server: VaultServer, client: RawClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = retrieve(client, path, store(client, path, b"data"))
    for hours, status in ((23, 200), (25, 404)):
        later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
        monkeypatch.setattr(auth, "get_current_datetime", lambda later=later: later)
        server.control(clock_offset=hours * 3600)
        answers = [client.send("GET", job).status, client.send("GET", f"{job}/output").status]
        server.control(clock_offset=0)
        assert answers == [status, status]


def test_a_prepared_output_outlives_its_archive(client: RawClient, path: str) -> None:
    archive = store(client, path, DATA)
    job = retrieve(client, path, archive)
    assert client.send("DELETE", f"{path}/archives/{archive}").status == 204
    assert client.send("GET", f"{job}/output").body == DATA
    assert begin(client, path, Type="archive-retrieval", ArchiveId=archive).refusal == MISSING


def test_jobs_are_listed_in_pages_and_by_state(server: VaultServer, client: RawClient, path: str) -> None:
    archive = store(client, path, b"data")
    made = [retrieve(client, path, archive).rpartition("/")[2] for _ in range(51)]
    server.control(job_delay=60)
    waiting = retrieve(client, path, archive).rpartition("/")[2]
    server.control(job_delay=0)
    first = client.send("GET", f"{path}/jobs").json
    second = client.send("GET", f"{path}/jobs?marker={first['Marker']}").json
    assert [job["JobId"] for job in first["JobList"] + second["JobList"]] == [*made, waiting]
    assert (len(first["JobList"]), second["Marker"]) == (50, None)
    for query in ("completed=false", "statuscode=InProgress"):
        assert [job["JobId"] for job in client.send("GET", f"{path}/jobs?{query}").json["JobList"]] == [waiting]
    assert client.send("GET", f"{path}/jobs?statuscode=Failed").json["JobList"] == []
    assert client.send("GET", f"{path}/jobs?statuscode=finished").refusal == INVALID


def test_an_unknown_job_is_not_found(client: RawClient, path: str) -> None:
    for job in ("unknown", "j" * 92, "%2E%2E"):
        assert client.send("GET", f"{path}/jobs/{job}").refusal == MISSING
        assert client.send("GET", f"{path}/jobs/{job}/output").refusal == MISSING


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "SerializationException"),
        (b"{", "SerializationException"),
        (b"[]", "SerializationException"),
        (b"{}", "MissingParameterValueException"),
        (b'{"Type": "select"}', "InvalidParameterValueException"),
        (b'{"Type": "archive-retrieval"}', "MissingParameterValueException"),
        (b'{"Type": "archive-retrieval", "ArchiveId": "short"}', "InvalidParameterValueException"),
        (b'{"Type": "inventory-retrieval", "ArchiveId": "x"}', "InvalidParameterValueException"),
        (b'{"Type": "inventory-retrieval", "RetrievalByteRange": "0-1"}', "InvalidParameterValueException"),
        (b'{"Type": "inventory-retrieval", "Format": "XML"}', "InvalidParameterValueException"),
        (b'{"Type": "inventory-retrieval", "Tier": "Fast"}', "InvalidParameterValueException"),
        (b'{"Type": "inventory-retrieval", "Description": "\\u00e9"}', "InvalidParameterValueException"),
        (b'{"Type": "inventory-retrieval", "Colour": "red"}', "InvalidParameterValueException"),
    ],
)
def test_these_jobs_cannot_be(client: RawClient, path: str, body: bytes, code: str) -> None:
    assert client.send("POST", f"{path}/jobs", body=body).refusal == (400, code)


def test_there_is_no_inventory_before_the_first(server: VaultServer, client: RawClient, path: str) -> None:
    store(client, path, b"data")
    assert begin(client, path, Type="inventory-retrieval").refusal == MISSING
    server.control(take_inventory=path.rpartition("/")[2])
    assert begin(client, path, Type="inventory-retrieval").status == 202


def test_an_inventory_is_a_snapshot_in_json(server: VaultServer, client: RawClient, path: str) -> None:
    archive = store(client, path, b"data", "a name")
    server.control(take_inventory=path.rpartition("/")[2])
    store(client, path, b"too late")
    job = begin(client, path, Type="inventory-retrieval").headers["x-amz-job-id"]
    answer = client.send("GET", f"{path}/jobs/{job}/output")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert "x-amz-sha256-tree-hash" not in answer.headers
    (row,) = answer.json["ArchiveList"]
    assert (row["ArchiveId"], row["ArchiveDescription"], row["Size"]) == (archive, "a name", 4)
    assert row["SHA256TreeHash"] == tree_hash(b"data")
    assert answer.json["VaultARN"].endswith(path[3:])
    described = client.send("GET", f"{path}/jobs/{job}").json
    assert (described["Action"], described["InventorySizeInBytes"]) == ("InventoryRetrieval", len(answer.body))
    assert (described["ArchiveId"], described["SHA256TreeHash"], described["Tier"]) == (None, None, None)
    assert client.send("GET", f"{path}/jobs/{job}/output", {"Range": "bytes=0-1"}).body == answer.body[:2]


def test_an_inventory_in_csv_escapes_quotes_with_a_backslash_and_nothing_else(
    server: VaultServer, client: RawClient, path: str
) -> None:
    for description in ('my archive description,1"2', 'my archive description,1\\"2', "plain \\"):
        store(client, path, b"data", description)
    server.control(take_inventory=path.rpartition("/")[2])
    job = begin(client, path, Type="inventory-retrieval", Format="CSV").headers["x-amz-job-id"]
    answer = client.send("GET", f"{path}/jobs/{job}/output")
    lines = answer.body.decode().split("\r\n")
    assert answer.headers["content-type"] == "text/csv"
    assert lines[0] == "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"
    assert '"my archive description,1\\"2"' in lines[1]
    assert '"my archive description,1\\\\"2"' in lines[2]
    assert ",plain \\," in lines[3]


def test_an_inventory_can_be_had_in_pieces_and_by_date(server: VaultServer, client: RawClient, path: str) -> None:
    made = [store(client, path, b"data") for _ in range(5)]
    server.control(take_inventory=path.rpartition("/")[2])
    found: list[str] = []
    wanted: dict[str, str] = {"Limit": "2", "StartDate": "2012-06-01T00:00:00Z"}
    for _ in range(3):
        answer = begin(client, path, Type="inventory-retrieval", InventoryRetrievalParameters=wanted)
        job = answer.headers["x-amz-job-id"]
        found += [row["ArchiveId"] for row in client.send("GET", f"{path}/jobs/{job}/output").json["ArchiveList"]]
        marker = client.send("GET", f"{path}/jobs/{job}").json["InventoryRetrievalParameters"]["Marker"]
        wanted["Marker"] = marker
    assert (sorted(found), marker) == (sorted(made), None)
    before = {"EndDate": "2012-06-01T00:00:00Z"}
    job = begin(client, path, Type="inventory-retrieval", InventoryRetrievalParameters=before).headers["x-amz-job-id"]
    assert client.send("GET", f"{path}/jobs/{job}/output").json["ArchiveList"] == []
    for wrong in ({"Limit": "0"}, {"StartDate": "yesterday"}, {"EndDate": "2012-06-01T00:00:00"}, {"Max": "1"}):
        answer = begin(client, path, Type="inventory-retrieval", InventoryRetrievalParameters=wrong)
        assert answer.refusal == INVALID


def test_a_job_can_be_made_to_fail_to_expire_and_to_come_with_a_wrong_byte(
    client: RawClient, path: str, server: VaultServer
) -> None:
    archive = store(client, path, DATA)
    server.control(fail_jobs=1)
    failed, right = retrieve(client, path, archive), retrieve(client, path, archive)
    found = client.send("GET", failed).json
    assert (found["StatusCode"], found["Completed"], found["StatusMessage"]) == ("Failed", True, "said the test")
    assert client.send("GET", f"{failed}/output").status == 400

    server.control(spoil_output={"byte": 5, "times": 1})
    assert client.send("GET", f"{right}/output", {"range": "bytes=6-9"}).body == DATA[6:10]
    assert client.send("GET", f"{right}/output", {"range": "bytes=4-6"}).body == bytes([DATA[4], DATA[5] ^ 1, DATA[6]])
    assert client.send("GET", f"{right}/output", {"range": "bytes=4-6"}).body == DATA[4:7]

    server.control(expire_jobs=True)
    assert client.send("GET", right).status == 404
