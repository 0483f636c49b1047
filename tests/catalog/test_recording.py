from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import glacier_backup
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.codes import MEMBER_TYPES
from glacier_backup.model.archive import ArchiveRecord, Member, ReadProblem, Receipt
from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.event import Result, Summary
from glacier_backup.model.plan import BackupPlan, Upload
from glacier_backup.model.upload_reason import NeverSent
from tests.catalog.inside import rows, soundness
from tests.catalog.processes import run_as_anybody
from tests.catalog.values import LOCAL, NOT_UTF8, a_member, an_archive, minutes, record

_NAMES = st.binary(min_size=1, max_size=300).map(os.fsdecode)

_MEMBERS = st.builds(
    Member,
    path=_NAMES,
    type=st.sampled_from(MEMBER_TYPES),
    size=st.integers(0, 2**62),
    mtime_ns=st.integers(-(2**70), 2**70),
    mode=st.integers(0, 0o7777),
    offset=st.integers(0, 2**62),
    target=st.none() | _NAMES,
)

_ON_A_QUOTA = """
import resource, sys
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import CatalogError
from tests.catalog.values import LOCAL, a_member, an_archive, checksums, intended, record
with Catalog.open(sys.argv[1]) as catalog:
    place, run = catalog.register(LOCAL, LOCAL), catalog.begin_run("host")
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
    large = an_archive("/srv/large")
    archive = catalog.intend(run, place, intended(large), 2**24)
    try:
        many = (a_member("x" * 200) for _ in range(20_000))
        catalog.completing(archive, intended(large), checksums(large), many)
    except CatalogError as error:
        print(error)
    record(catalog, run, place, an_archive("/srv/small"), [a_member()])
    print([listed.path for listed in catalog.archives()])
"""


def recorded(catalog: Catalog, stored: ArchiveRecord, *members: Member) -> int:
    return record(catalog, catalog.begin_run("host"), catalog.register(LOCAL, LOCAL), stored, members)


def test_everything_about_an_archive_is_kept(catalog: Catalog, path: str) -> None:
    stored = an_archive(problems=[ReadProblem("/srv/photos/b.jpg", "Permission denied")], changed=True)

    archive = recorded(catalog, stored, a_member())

    (row,) = rows(path, "archives")
    assert dict(row) == {
        "id": archive,
        "run": 1,
        "destination": 1,
        "path": "/srv/photos",
        "name": "photos.tar",
        "host": "host",
        "kind": "directory",
        "container": "tar",
        "recipe": stored.recipe.to_json(),
        "description": "photos.tar token",
        "source_bytes": 5_000,
        "stored_bytes": 10_240,
        "entries": 3,
        "digest": "d1" * 32,
        "newest_mtime_ns": 1_700_000_000_123_456_789,
        "mode": 0o755,
        "label_time": "2026-03-21T03:59:00.000000Z",
        "fixed_key": None,
        "sent_at": "2026-03-21T04:00:00.000000Z",
        "problems": 1,
        "changed_while_read": 1,
        "origin": None,
        "suffix": "",
        "seal": "",
        "alias": None,
        "told": None,
        "sha256": None,
        "expired_at": None,
    }


def test_the_volume_is_kept_with_its_digests(catalog: Catalog, path: str) -> None:
    receipt = Receipt("the-id", 512, "f3" * 32, b"\x01" * 64, minutes(2), "a4" * 32, "WZHlVjuoCYM=", "GLACIER")

    recorded(catalog, replace(an_archive(), receipts=(receipt,)))

    assert [tuple(row) for row in rows(path, "volumes")] == [
        (
            *(1, 1, "the-id", 512, "f3" * 32, "a4" * 32, "WZHlVjuoCYM=", "GLACIER"),
            *("2026-03-21T04:02:00.000000Z", None, None, None, None, "data", 0, "", None, None, b"\x01" * 64),
        )
    ]
    (listed,) = catalog.archives()
    assert (listed.locator, listed.stored_bytes, listed.sent_at) == ("the-id", 512, minutes(2))


def test_every_problem_is_kept_even_two_of_one_path(catalog: Catalog, path: str) -> None:
    problems = [ReadProblem(f"/srv/{NOT_UTF8}", "vanished"), ReadProblem(f"/srv/{NOT_UTF8}", f"no {NOT_UTF8}")]

    recorded(catalog, an_archive(problems=problems))

    assert [tuple(row)[2:] for row in rows(path, "problems")] == [
        (b"/srv/caf\xe9", "vanished"),
        (b"/srv/caf\xe9", b"no caf\xe9"),
    ]
    assert next(catalog.archives()).problems == 2


def test_names_that_are_not_utf8_are_listed_as_they_were(catalog: Catalog) -> None:
    stored = an_archive(f"/srv/{NOT_UTF8}", locator=f"host/{NOT_UTF8}")

    recorded(catalog, stored)

    (listed,) = catalog.archives()
    assert (listed.path, listed.name, listed.locator) == (stored.label.path, stored.label.name, f"host/{NOT_UTF8}")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=st.lists(_MEMBERS, max_size=20))
def test_members_come_back_as_they_were_and_in_their_order(catalog: Catalog, members: list[Member]) -> None:
    archive = recorded(catalog, an_archive(), *members)

    assert list(catalog.members(archive)) == members


def test_more_members_than_fit_a_page_come_back(catalog: Catalog) -> None:
    members = [a_member(f"photos/{number}", offset=512 * number) for number in range(12_345)]

    archive = recorded(catalog, an_archive(), *members)

    assert list(catalog.members(archive)) == members


def test_a_path_may_occur_twice_in_an_archive(catalog: Catalog) -> None:
    archive = recorded(catalog, an_archive(), a_member(), a_member(offset=2_048))

    assert [member.offset for member in catalog.members(archive)] == [0, 2_048]


def test_an_archive_may_have_no_members(catalog: Catalog) -> None:
    assert list(catalog.members(recorded(catalog, an_archive()))) == []


def test_members_are_taken_a_few_at_a_time(catalog: Catalog) -> None:
    alive: set[int] = set()
    most = 0

    class Tracked(str):
        def __del__(self) -> None:
            alive.discard(id(self))

    def members() -> Iterator[Member]:
        nonlocal most
        for number in range(30_000):
            name = Tracked(f"photos/{number}")
            alive.add(id(name))
            most = max(most, len(alive))
            yield a_member(name)

    record(catalog, None, catalog.register(LOCAL, LOCAL), an_archive(), members())

    assert most < 15_000


def test_a_later_archive_has_a_higher_id_even_after_a_deletion(catalog: Catalog, path: str) -> None:
    first = recorded(catalog, an_archive())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM archives")

    assert recorded(catalog, an_archive()) > first
    assert len(rows(path, "volumes")) == 1


def test_a_run_is_noted_with_its_process_and_its_outcome(catalog: Catalog, path: str) -> None:
    candidate = Candidate("/srv/photos", "directory", "/srv/photos", False)
    upload = Upload(candidate, "photos.tar", "tar", Fingerprint("d1" * 32, 5_000, 3, 0), NeverSent(), None)
    plan = BackupPlan({"main": LOCAL}, (upload,), uploads=1, skips=0, bytes=5_000)
    results = (Result(upload, "archive-id"),)

    run = catalog.begin_run("host")
    catalog.end_run(run, Summary(plan, results, sent=1, failed=2, skipped=3, bytes=5_000, exit_code=4))

    (row,) = rows(path, "runs")
    assert row["started"] <= row["ended"]
    assert tuple(row)[3:] == ("host", os.getpid(), glacier_backup.__version__, 4, 1, 2, 3, 5_000)


def test_a_run_that_dies_has_no_end(catalog: Catalog, path: str) -> None:
    catalog.begin_run("host")

    assert [(row["ended"], row["exit_code"]) for row in rows(path, "runs")] == [(None, None)]


def test_a_file_that_may_not_grow_is_a_disk_error(path: str) -> None:
    told = run_as_anybody(_ON_A_QUOTA, path)

    assert told.startswith(f"the disk of the catalog {path}")
    assert "['/srv/small']" in told
    assert soundness(path) == []
