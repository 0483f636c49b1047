"""Archives and the inventory of a vault: jobs that are used again, that fail and expire, and what they hand out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest

from glacier_backup.destination import glacier as glacier_module
from glacier_backup.destination.glacier import Glacier
from glacier_backup.destination.vaults import jobs as vault_jobs
from glacier_backup.errors import DestinationError, DestinationUnavailable, NotThawed, VolumeMissing
from glacier_backup.model.thaw import Thaw, ThawRequest, Tier
from glacier_backup.units import MIB
from tests.contract.sending import LABEL, nothing
from tests.contract.sending import send as send_as
from tests.destination.scripted import Answers, scripted
from tests.destination.vaults import DATA, glacier_at, send
from tests.streams import BytesStream
from tests.vault_server.process import VaultServer

if TYPE_CHECKING:
    from mypy_boto3_glacier.client import GlacierClient
    from mypy_boto3_glacier.type_defs import JobParametersTypeDef

Begin = Callable[["JobParametersTypeDef"], str]


@pytest.fixture
def slow_jobs(vault_server: VaultServer) -> Iterator[None]:
    vault_server.control(job_delay=3600)
    yield
    vault_server.control(job_delay=0)


@pytest.fixture
def aws(vault_server: VaultServer, vault: str) -> Iterator[GlacierClient]:
    """Another program."""
    session = boto3.session.Session(region_name=vault_server.region)
    made = session.client("glacier", endpoint_url=vault_server.endpoint_url)
    with closing(made) as client:
        yield client


@pytest.fixture
def begin_job(aws: GlacierClient, vault: str) -> Begin:
    """By another program."""
    return lambda parameters: aws.initiate_job(accountId="-", vaultName=vault, jobParameters=parameters)["jobId"]


class Requests:
    """Which ones were made since."""

    def __init__(self, server: VaultServer) -> None:
        self._server = server
        self._before = self._made()

    def __call__(self, operation: str) -> int:
        return self._made().get(operation, 0) - self._before.get(operation, 0)

    def _made(self) -> dict[str, int]:
        return dict(self._server.stats()["operations"])


@pytest.fixture
def requests(vault_server: VaultServer) -> Requests:
    return Requests(vault_server)


def thaw(glacier: Glacier, request: ThawRequest) -> Thaw:
    return glacier.thaw(request, nothing)


def stand(glacier: Glacier, *thaws: Thaw) -> list[Thaw]:
    return list(glacier.thawing(thaws, nothing))


def read(glacier: Glacier, thaw: Thaw, start: int = 0, size: int = len(DATA)) -> bytes:
    buffer = memoryview(bytearray(size))
    return bytes(buffer[: glacier.fetch(thaw, start, buffer, nothing)])


def many(glacier: Glacier, count: int) -> list[str]:
    """The ids of that many small archives."""

    def one(number: int) -> str:
        label = replace(LABEL, time=LABEL.time + timedelta(seconds=number))
        return send_as(glacier, BytesStream(b"%d" % number), label).locator

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(count)))


def test_a_job_says_what_it_makes_readable_and_how_long(glacier: Glacier) -> None:
    archive = send(glacier, DATA).locator

    begun = thaw(glacier, ThawRequest(archive, MIB, 3 * MIB))
    (ready,) = stand(glacier, begun)

    assert (begun.state, begun.until) == ("thawing", None)
    assert (ready.locator, ready.id, ready.state) == (archive, begun.id, "ready")
    assert (ready.start, ready.end) == (MIB, 3 * MIB)
    assert ready.until is not None
    assert timedelta(hours=23, minutes=59) < ready.until - datetime.now(UTC) <= timedelta(hours=24)


def test_a_job_to_the_end_says_so_however_it_was_asked_for(glacier: Glacier) -> None:
    archive = send(glacier, DATA).locator

    (tail,) = stand(glacier, thaw(glacier, ThawRequest(archive, 4 * MIB, len(DATA))))

    assert (tail.start, tail.end) == (4 * MIB, None)


def test_from_somewhere_to_an_end_that_nobody_knows_is_all(glacier: Glacier) -> None:
    begun = thaw(glacier, ThawRequest(send(glacier, DATA).locator, 4 * MIB))

    assert (begun.start, begun.end) == (0, None)
    assert read(glacier, begun) == DATA


def test_the_tier_is_the_one_that_was_asked_for(glacier: Glacier, aws: GlacierClient, vault: str) -> None:
    archives = many(glacier, 3)
    tiers: tuple[Tier, ...] = ("bulk", "standard", "expedited")
    for archive, tier in zip(archives, tiers, strict=True):
        thaw(glacier, ThawRequest(archive, tier=tier))

    found = {one["ArchiveId"]: one["Tier"].lower() for one in aws.list_jobs(accountId="-", vaultName=vault)["JobList"]}

    assert found == dict(zip(archives, tiers, strict=True))


def test_another_programs_job_is_used_again(glacier: Glacier, begin_job: Begin, requests: Requests) -> None:
    archive = send(glacier, DATA).locator
    theirs = begin_job({"Type": "archive-retrieval", "ArchiveId": archive, "Tier": "Standard"})

    found = thaw(glacier, ThawRequest(archive, MIB, 2 * MIB, tier="standard"))

    assert (found.id, found.state) == (theirs, "ready")
    assert requests("InitiateJob") == 1


@pytest.mark.usefixtures("slow_jobs")
def test_a_job_that_would_be_later_than_asked_for_is_not_used(glacier: Glacier) -> None:
    archive = send(glacier, DATA).locator

    bulk = thaw(glacier, ThawRequest(archive, tier="bulk"))
    standard = thaw(glacier, ThawRequest(archive, tier="standard"))

    assert bulk.id != standard.id
    assert thaw(glacier, ThawRequest(archive, tier="bulk")).id in (bulk.id, standard.id)


def test_a_job_for_other_bytes_is_not_used(glacier: Glacier) -> None:
    archive = send(glacier, DATA).locator
    first = thaw(glacier, ThawRequest(archive, 0, 2 * MIB))

    second = thaw(glacier, ThawRequest(archive, MIB, 3 * MIB))

    assert first.id != second.id
    for start, size in ((0, MIB), (3 * MIB - 1, 2), (4 * MIB, 1)):
        with pytest.raises(NotThawed, match="other bytes"):
            read(glacier, second, start, size)


def test_a_job_for_another_archive_is_not_read(glacier: Glacier) -> None:
    first, second = many(glacier, 2)

    with pytest.raises(NotThawed, match="something else"):
        read(glacier, replace(thaw(glacier, ThawRequest(first)), locator=second))


def test_many_are_asked_for_with_one_list_and_looked_at_with_one(
    glacier: Glacier, later: Glacier, requests: Requests
) -> None:
    archives = many(glacier, 120)
    with ThreadPoolExecutor(4) as pool:
        thaws = list(pool.map(lambda archive: thaw(glacier, ThawRequest(archive)), archives))
    assert (requests("ListJobs"), requests("InitiateJob")) == (1, 120)

    assert [one.id for one in stand(later, *thaws)] == [one.id for one in thaws]
    assert (requests("ListJobs"), requests("DescribeJob")) == (4, 0)

    assert [thaw(later, ThawRequest(archive)).id for archive in archives] == [one.id for one in thaws]
    assert (requests("ListJobs"), requests("InitiateJob")) == (7, 120)
    assert read(later, thaws[7]) == b"7"
    assert requests("DescribeJob") == 0


def test_two_threads_that_ask_for_one_archive_begin_one_job(glacier: Glacier, requests: Requests) -> None:
    archive = send(glacier, DATA).locator

    with ThreadPoolExecutor(8) as pool:
        ids = {one.id for one in pool.map(lambda _: thaw(glacier, ThawRequest(archive)), range(16))}

    assert (len(ids), requests("InitiateJob")) == (1, 1)


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("kind", ["lost_answer", "reset_answer", "reset_before_answer"])
def test_a_job_whose_answer_got_lost_is_not_paid_for_twice(
    glacier: Glacier, aws: GlacierClient, vault: str, vault_server: VaultServer, kind: str
) -> None:
    archives = many(glacier, 60)
    for archive in archives[1:]:
        thaw(glacier, ThawRequest(archive))
    vault_server.faults(plan=[{"operation": "InitiateJob", "nth": 1, "kind": kind}])

    begun = thaw(glacier, ThawRequest(archives[0]))

    pages = aws.get_paginator("list_jobs").paginate(accountId="-", vaultName=vault)
    jobs = [one for page in pages for one in page["JobList"]]
    assert [one["JobId"] for one in jobs if one["ArchiveId"] == archives[0]] == [begun.id]


@pytest.mark.usefixtures("quick_retries")
def test_a_download_that_breaks_off_goes_on_where_it_was(glacier: Glacier, vault_server: VaultServer) -> None:
    ready = thaw(glacier, ThawRequest(send(glacier, DATA).locator))
    vault_server.faults(
        plan=[{"operation": "GetJobOutput", "nth": nth, "kind": "reset_answer", "fraction": 0.6} for nth in (1, 2, 3)]
    )

    assert read(glacier, ready) == DATA
    assert len(vault_server.injected()) == 3


def test_a_job_that_is_gone_has_expired(
    glacier: Glacier, later: Glacier, vault: str, vault_server: VaultServer, aws: GlacierClient
) -> None:
    archive, other = many(glacier, 2)
    gone, there = (thaw(glacier, ThawRequest(one)) for one in (archive, other))
    stand(glacier, gone, there)
    (vault_server.root / "vaults" / vault / "jobs" / f"{gone.id}.json").unlink()

    for thaws in ([gone], [gone, there], [there, gone]):
        found = {one.id: one for one in stand(later, *thaws)}
        assert found[gone.id].state == "failed"
        assert (found[gone.id].cause or "").startswith("expired")
    for where in (glacier, later):
        with pytest.raises(NotThawed, match="not so any more"):
            read(where, gone)
    with closing(glacier_at(vault_server, vault)) as latest:
        assert thaw(latest, ThawRequest(archive)).id != gone.id


def test_a_thaw_without_an_id_has_failed(glacier: Glacier) -> None:
    assert [one.state for one in stand(glacier, Thaw("x" * 138, "", "thawing"))] == ["failed"]


def test_a_vault_that_isn_t_there_is_no_missing_archive(vault_server: VaultServer, vault: str) -> None:
    with closing(glacier_at(vault_server, "nowhere")) as glacier:
        for step in (
            lambda: thaw(glacier, ThawRequest("x" * 138)),
            lambda: thaw(glacier, ThawRequest(None)),
            lambda: glacier.delete("x" * 138, nothing),
        ):
            with pytest.raises(DestinationUnavailable, match="there is none of this name"):
                step()


def test_what_was_made_readable_outlives_the_archive(glacier: Glacier, later: Glacier) -> None:
    archive = send(glacier, DATA).locator
    ready = thaw(glacier, ThawRequest(archive))
    glacier.delete(archive, nothing)

    assert read(later, ready) == DATA
    with pytest.raises(VolumeMissing, match="has no archive"):
        thaw(later, ThawRequest("y" * 138))


@pytest.mark.parametrize("operation", ["InitiateJob", "ListJobs", "DescribeJob", "GetJobOutput"])
def test_a_right_that_is_lacking_is_told(glacier: Glacier, vault_server: VaultServer, operation: str) -> None:
    archive = send(glacier, DATA).locator
    vault_server.control(deny=[operation])

    def everything() -> None:
        read(glacier, stand(glacier, thaw(glacier, ThawRequest(archive)))[0])

    with pytest.raises(DestinationUnavailable) as caught:
        everything()

    assert "docs/vault.md" in (caught.value.hint or "")


def test_a_locked_vault_keeps_this_archive_and_perhaps_not_the_next(
    glacier: Glacier, vault_server: VaultServer, vault: str
) -> None:
    """A lock policy may speak of their age."""
    archive = send(glacier, DATA).locator
    vault_server.control(deny=["DeleteArchive"])

    with pytest.raises(DestinationError, match="DeleteArchive") as caught:
        glacier.delete(archive, nothing)

    assert not isinstance(caught.value, DestinationUnavailable)
    assert "lock policy" in (caught.value.hint or "")
    assert [one.id for one in vault_server.archives(vault)] == [archive]


def test_an_archive_that_is_being_made_readable_can_be_removed_and_again(
    glacier: Glacier, vault_server: VaultServer
) -> None:
    archive = send(glacier, DATA).locator
    vault_server.control(job_delay=3600)
    try:
        thaw(glacier, ThawRequest(archive))
        for _ in range(2):
            glacier.delete(archive, nothing)
    finally:
        vault_server.control(job_delay=0)
    with pytest.raises(VolumeMissing):
        thaw(glacier, ThawRequest(archive, tier="expedited"))


def test_there_is_no_inventory_in_the_first_day(glacier: Glacier) -> None:
    send(glacier, DATA)

    with pytest.raises(DestinationError, match="has no inventory yet") as caught:
        thaw(glacier, ThawRequest(None))

    assert "a day after the first upload" in (caught.value.hint or "")
    assert not isinstance(caught.value, DestinationUnavailable)


@pytest.mark.parametrize("piece", [1000, 4 * MIB])
def test_an_inventory_is_read_in_pieces(
    glacier: Glacier, vault: str, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(glacier_module, "PIECE", piece)
    archives = many(glacier, 30)
    vault_server.control(take_inventory=vault)
    ready = thaw(glacier, ThawRequest(None))

    found = list(glacier.inventory(ready, nothing))

    assert sorted(one.locator for one in found) == sorted(archives)
    assert sum(one.size for one in found) == 50
    stored = {one.id: one for one in vault_server.archives(vault)}
    for one in found:
        assert one.description == stored[one.locator].description
        assert one.tree_hash == stored[one.locator].tree_hash


def test_an_inventory_in_csv_or_of_some_archives_is_not_used(
    glacier: Glacier, vault: str, vault_server: VaultServer, begin_job: Begin
) -> None:
    send(glacier, DATA)
    vault_server.control(take_inventory=vault)
    useless = {
        begin_job({"Type": "inventory-retrieval", "Format": "CSV"}),
        begin_job({"Type": "inventory-retrieval", "InventoryRetrievalParameters": {"Limit": "1"}}),
        begin_job({"Type": "inventory-retrieval", "InventoryRetrievalParameters": {"EndDate": "2013-03-20T17:03:43Z"}}),
    }

    first = thaw(glacier, ThawRequest(None))
    assert first.id not in useless
    with closing(glacier_at(vault_server, vault)) as other:
        assert thaw(other, ThawRequest(None)).id == first.id


@pytest.mark.usefixtures("slow_jobs")
def test_an_inventory_is_not_read_before_it_is_ready(glacier: Glacier, vault: str, vault_server: VaultServer) -> None:
    vault_server.control(take_inventory=vault)
    begun = thaw(glacier, ThawRequest(None))

    with pytest.raises(NotThawed, match="still being made readable"):
        list(glacier.inventory(begun, nothing))


# What the strict server never answers, and Amazon does.


@pytest.mark.parametrize(
    ("status", "code", "said", "cure"),
    [
        (400, "PolicyEnforcedException", "data retrieval policy allows no more now", "get-data-retrieval-policy"),
        (503, "InsufficientCapacityException", "no capacity for expedited retrievals", "take another tier"),
    ],
)
def test_a_retrieval_that_is_refused_is_told_at_once_and_with_a_cure(
    vault: str, status: int, code: str, said: str, cure: str
) -> None:
    answers: Answers = {
        ("GET", "/jobs"): (200, {"JobList": [], "Marker": None}),
        ("POST", "/jobs"): (status, {"code": code, "message": "denied", "type": "Client"}),
    }
    with scripted(answers) as (glacier, asked):
        with pytest.raises(DestinationError, match=said) as caught:
            thaw(glacier, ThawRequest("x" * 138, tier="expedited"))
        assert asked == ["GET /-/vaults/photos/jobs", "POST /-/vaults/photos/jobs"]

    assert cure in (caught.value.hint or "")


def test_a_job_that_failed_says_why_and_is_not_used_again(vault: str) -> None:
    failed = {
        "JobId": "j" * 92,
        "Action": "ArchiveRetrieval",
        "ArchiveId": "x" * 138,
        "StatusCode": "Failed",
        "StatusMessage": "the archive was deleted",
        "ArchiveSizeInBytes": 3,
        "RetrievalByteRange": "0-2",
        "CompletionDate": "2026-03-21T04:00:00.000Z",
        "Tier": "Bulk",
    }
    answers: Answers = {
        ("GET", "/jobs"): (200, {"JobList": [failed], "Marker": None}),
        ("POST", "/jobs"): (202, {}),
        ("GET", f"/jobs/{'j' * 92}"): (200, failed),
    }
    with scripted(answers, {"x-amz-job-id": "k" * 92}) as (glacier, _):
        assert thaw(glacier, ThawRequest("x" * 138)).id == "k" * 92
        old = Thaw("x" * 138, "j" * 92, "thawing")
        assert stand(glacier, old) == [replace(old, state="failed", cause="the archive was deleted")]
        with pytest.raises(NotThawed, match="the archive was deleted"):
            read(glacier, old)


def test_an_output_from_elsewhere_is_not_taken(vault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a proxy that takes no notice of the range."""
    monkeypatch.setattr("glacier_backup.destination.retrying.FIRST_WAIT", 0.001)
    job = {
        "JobId": "j" * 92,
        "Action": "ArchiveRetrieval",
        "ArchiveId": "x" * 138,
        "StatusCode": "Succeeded",
        "CompletionDate": "2026-03-21T04:00:00.000Z",
        "ArchiveSizeInBytes": 7,
        "RetrievalByteRange": "0-6",
    }
    answers: Answers = {
        ("GET", f"/jobs/{'j' * 92}"): (200, job),
        ("GET", f"/jobs/{'j' * 92}/output"): (200, b"content"),
    }
    with scripted(answers) as (glacier, _):
        ready = Thaw("x" * 138, "j" * 92, "ready")
        assert read(glacier, ready, 0, 3) == b"con"
        with pytest.raises(DestinationUnavailable, match="was to begin with byte 3"):
            read(glacier, ready, 3, 3)


def test_a_job_that_is_about_to_go_is_not_used(vault: str) -> None:
    old = {
        "JobId": "j" * 92,
        "Action": "ArchiveRetrieval",
        "ArchiveId": "x" * 138,
        "StatusCode": "Succeeded",
        "CompletionDate": "2026-03-21T04:00:00.000Z",
        "ArchiveSizeInBytes": 7,
        "RetrievalByteRange": "0-6",
        "Tier": "Bulk",
    }
    answers: Answers = {
        ("GET", "/jobs"): (200, {"JobList": [old], "Marker": None}),
        ("POST", "/jobs"): (202, {}),
    }
    with scripted(answers, {"x-amz-job-id": "k" * 92}) as (glacier, _):
        assert thaw(glacier, ThawRequest("x" * 138)).id == "k" * 92


def test_a_list_of_jobs_is_not_believed_for_ever(
    glacier: Glacier, begin_job: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = many(glacier, 2)
    thaw(glacier, ThawRequest(first))
    theirs = begin_job({"Type": "archive-retrieval", "ArchiveId": second, "Tier": "Bulk"})
    monkeypatch.setattr(vault_jobs, "LIST_LASTS", 0.0)

    assert thaw(glacier, ThawRequest(second)).id == theirs
