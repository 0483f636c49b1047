"""A restore out of a vault whose jobs take time, fail, expire, come wrong or break off: each byte is paid for once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from glacier_backup.destination import retrying
from glacier_backup.destination.aws.access import Access
from glacier_backup.destination.destination import Check
from glacier_backup.destination.glacier import Glacier
from glacier_backup.destination.vaults import jobs
from glacier_backup.model.reading_event import Awaiting, ThawRequested
from glacier_backup.model.restore import ByteRange, RestoreItem
from glacier_backup.model.thaw import Thaw
from glacier_backup.plan.inside import needed
from glacier_backup.seal.chain import NO_SEAL
from glacier_backup.seal.keys import NO_KEYS
from glacier_backup.units import MIB, now
from tests.streams import noise
from tests.vault_server.process import VaultServer
from tests.workflow.library import Library, look
from tests.workflow.seals import chain

THAWING = 75


@pytest.fixture
def server(vault_server: VaultServer) -> Iterator[VaultServer]:
    """All levers are let go in the end."""
    vault_server.control(job_delay=3600)
    yield vault_server
    vault_server.no_faults()
    vault_server.control(job_delay=0, fail_jobs=0, spoil_output=None, deny=[])


@pytest.fixture
def library(server: VaultServer, vault: str, tmp_path: Path) -> Library:
    access = Access(endpoint_url=server.endpoint_url)
    return Library(tmp_path / "library", lambda: Glacier(vault, "-", access, 3))


def fill(library: Library) -> None:
    for number in range(4):
        (library.source / f"file{number}").write_bytes(noise(number * MIB + 100, number))
    folder = library.source / "folder"
    folder.mkdir()
    for number in range(10):
        (folder / f"{number}").write_bytes(noise(MIB // 2, 50 + number))
    library.back_up()


def paid(server: VaultServer, vault: str) -> list[tuple[str, int, int]]:
    return sorted(server.retrieved(vault))


def all_once(server: VaultServer, vault: str) -> list[tuple[str, int, int]]:
    return sorted((one.id, 0, one.size) for one in server.archives(vault))


def output_bytes(server: VaultServer) -> int:
    return int(server.stats()["bytes"].get("GetJobOutput", 0))


def test_run_again_and_again_everything_comes_back_and_is_paid_for_once(
    library: Library, server: VaultServer, vault: str
) -> None:
    fill(library)
    before = output_bytes(server)

    codes = [library.restore().exit_code, library.restore().exit_code]
    server.control(finish_jobs=True)
    codes += [library.restore().exit_code, library.restore().exit_code]

    assert codes == [THAWING, THAWING, 0, 0]
    assert look(library.target) == look(library.source)
    assert paid(server, vault) == all_once(server, vault)
    assert output_bytes(server) - before == sum(one.size for one in server.archives(vault))


def test_another_restore_that_ends_does_not_lose_the_one_that_waits(library: Library, server: VaultServer) -> None:
    fill(library)
    assert library.restore().exit_code == THAWING

    assert library.restore([], wish=library.wish(what=("nothing",))).exit_code == 0
    server.control(finish_jobs=True)

    assert library.restore().exit_code == 0
    assert look(library.target) == look(library.source)
    assert not library.staging.exists()


def test_who_waits_is_told_until_when_and_gets_everything(library: Library, server: VaultServer) -> None:
    fill(library)
    server.control(job_delay=1)

    summary = library.restore(wait=True)

    assert summary.exit_code == 0
    assert look(library.target) == look(library.source)
    (told, *_) = [event for event in library.events if isinstance(event, Awaiting)]
    assert told.items == 5
    assert told.expected is not None
    assert timedelta(hours=11) < told.expected - now() < timedelta(hours=13)


def test_a_faster_tier_may_be_asked_for_later_once(library: Library, server: VaultServer, vault: str) -> None:
    (library.source / "file").write_bytes(b"x")
    library.back_up()
    library.restore()
    for _ in range(2):
        library.restore(wish=library.wish(tier="expedited"))

    assert len(paid(server, vault)) == 2


def test_jobs_that_fail_are_asked_for_again(library: Library, server: VaultServer, vault: str) -> None:
    fill(library)
    server.control(fail_jobs=3)
    library.restore()
    server.control(finish_jobs=True)

    assert library.restore().exit_code == THAWING
    server.control(finish_jobs=True)
    assert library.restore().exit_code == 0
    assert look(library.target) == look(library.source)
    assert len(paid(server, vault)) == 5 + 3


def test_what_fails_each_time_is_asked_for_once_more_in_a_run(
    library: Library, server: VaultServer, vault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LIST_LASTS", 0.0)
    (library.source / "file").write_bytes(b"x")
    library.back_up()
    server.control(job_delay=0, fail_jobs=100)

    summary = library.restore(wait=True)

    assert summary.exit_code == 1
    assert library.ended() == {"file": "failed"}
    assert "can't be made readable: said the test" in library.causes()
    assert len(paid(server, vault)) == 2
    server.control(fail_jobs=0)
    assert library.restore(wait=True).exit_code == 0


def test_what_expired_before_it_was_fetched_is_asked_for_again(
    library: Library, server: VaultServer, vault: str
) -> None:
    fill(library)
    library.restore()
    server.control(finish_jobs=True, expire_jobs=True)

    assert library.restore().exit_code == THAWING
    server.control(finish_jobs=True)
    assert library.restore().exit_code == 0
    assert len(paid(server, vault)) == 10


@pytest.mark.parametrize("names", ["", "split age"])
def test_what_expires_while_it_is_fetched_is_asked_for_again_for_all_that_is_in_it(
    names: str, library: Library, server: VaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.chain, library.keys = chain(names, tmp_path, 4 * MIB) if names else (NO_SEAL, NO_KEYS)
    folder = library.source / "folder"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:02}").write_bytes(noise(MIB // 4, number))
    library.back_up()
    with library.catalog() as catalog:
        (archive,) = library.archives(catalog)
        wanted = [one.path for one in catalog.members(archive.id) if one.type == "file"]
        items = [RestoreItem(archive.id, one[7:], one, needed(catalog, archive, one).ranges) for one in wanted]
    library.restore(items)
    server.control(finish_jobs=True)
    really, expired = Glacier.fetch, 0

    def fetch(self: Glacier, thaw: Thaw, offset: int, buffer: memoryview, check: Check) -> int:
        nonlocal expired
        expired += 1
        if expired == 1:
            server.control(expire_jobs=True)
        return really(self, thaw, offset, buffer, check)

    monkeypatch.setattr(Glacier, "fetch", fetch)

    again = library.restore(items)

    assert again.exit_code == THAWING, library.causes()
    assert again.counts.get("failed", 0) == 0
    server.control(finish_jobs=True)
    assert library.restore(items).exit_code == 0
    assert sorted(os.listdir(library.target)) == sorted(os.listdir(folder))


def test_a_byte_that_comes_wrong_is_fetched_again(library: Library, server: VaultServer, vault: str) -> None:
    fill(library)
    library.restore()
    server.control(finish_jobs=True, spoil_output={"byte": 42, "times": 2})

    assert library.restore().exit_code == 0
    assert look(library.target) == look(library.source)
    assert paid(server, vault) == all_once(server, vault)


def test_a_byte_that_stays_wrong_is_damage_and_stops_nothing_else(library: Library, server: VaultServer) -> None:
    fill(library)
    library.restore()
    server.control(finish_jobs=True, spoil_output={"byte": 2 * MIB + 1, "times": 1000})

    summary = library.restore()

    assert summary.exit_code == 5
    assert library.ended() == {"file0": "restored", "file1": "restored"} | dict.fromkeys(
        ["file2", "file3", "folder"], "damaged"
    )
    assert "from byte 2,097,152 on has another SHA-256 than was recorded" in library.causes()
    assert sorted(os.listdir(library.target)) == ["file0", "file1"]


def test_connections_that_break_off_cost_nothing(
    library: Library, server: VaultServer, vault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(retrying, "LONGEST_WAIT", 0.01)
    fill(library)
    server.faults(seed=3, rate=0.4, kinds=["reset_answer", "reset_before_answer", "status", "lost_answer"])

    codes = [library.restore().exit_code]
    server.control(finish_jobs=True)
    codes.append(library.restore().exit_code)

    assert codes == [THAWING, 0]
    assert look(library.target) == look(library.source)
    assert paid(server, vault) == all_once(server, vault)


def test_a_catalog_that_is_lost_meanwhile_costs_nothing(library: Library, server: VaultServer, vault: str) -> None:
    fill(library)
    kept = library.folder / "copy.sqlite3"
    with library.catalog() as catalog:
        catalog.copy_to(str(kept))
    library.restore()
    library.lose_the_catalog()
    kept.rename(library.folder / "catalog.sqlite3")

    assert library.restore().exit_code == THAWING
    server.control(finish_jobs=True)
    assert library.restore().exit_code == 0
    assert look(library.target) == look(library.source)
    assert paid(server, vault) == all_once(server, vault)


def test_one_member_takes_only_its_mebibytes(library: Library, server: VaultServer, vault: str) -> None:
    folder = library.source / "folder"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:02}").write_bytes(noise(MIB, number))
    library.back_up()
    with library.catalog() as catalog:
        (archive,) = library.archives(catalog)
        number, member = next(iter(catalog.members_at(archive.id, "folder/07")))
        behind = catalog.offset_behind(archive.id, number)
    item = RestoreItem(archive.id, "07", "folder/07", (ByteRange(member.offset, behind),))
    before = output_bytes(server)

    assert library.restore([item]).exit_code == THAWING
    server.control(finish_jobs=True)
    assert library.restore([item]).exit_code == 0

    assert (library.target / "07").read_bytes() == (folder / "07").read_bytes()
    assert (library.target / "07").stat().st_mtime_ns == (folder / "07").stat().st_mtime_ns
    ((_, start, end),) = paid(server, vault)
    assert (start, end) == (member.offset // MIB * MIB, -(-(behind or 0) // MIB) * MIB)
    assert end - start == output_bytes(server) - before <= 3 * MIB


def test_neighbours_are_asked_for_together(library: Library, server: VaultServer, vault: str) -> None:
    folder = library.source / "folder"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:02}").write_bytes(noise(MIB // 4, number))
    library.back_up()
    with library.catalog() as catalog:
        (archive,) = library.archives(catalog)
        items = [
            RestoreItem(
                archive.id,
                member.path[7:],
                member.path,
                (ByteRange(member.offset, catalog.offset_behind(archive.id, n)),),
            )
            for n, member in enumerate(catalog.members(archive.id))
            if member.type == "file"
        ]

    library.restore(items)
    server.control(finish_jobs=True)
    assert library.restore(items).exit_code == 0

    assert len(paid(server, vault)) == 1
    assert sorted(os.listdir(library.target)) == sorted(os.listdir(folder))


def test_an_archive_that_is_gone_is_damage_with_what_to_do_and_stops_nothing_else(
    library: Library, server: VaultServer, vault: str
) -> None:
    fill(library)
    (gone,) = [one for one in server.archives(vault) if one.size == 2 * MIB + 100]
    destination = library.connect()
    destination.delete(gone.id, lambda: None)
    destination.close()

    assert library.restore().exit_code == THAWING
    assert library.ended() == {"file2": "damaged"}
    assert "has no archive" in library.causes()
    server.control(finish_jobs=True)
    assert library.restore().exit_code == 5
    assert sorted(os.listdir(library.target)) == ["file0", "file1", "file3", "folder"]
    with library.catalog() as catalog:
        hurt = {one.path: one.hurt.damage for one in library.archives(catalog) if one.hurt is not None}
    assert list(hurt) == [f"{library.source}/file2"]
    assert "has no archive" in (hurt[f"{library.source}/file2"] or "")


def test_what_must_not_be_asked_for_is_told_once_and_by_exit_code_4(
    library: Library, server: VaultServer, vault: str
) -> None:
    fill(library)
    server.control(deny=["InitiateJob", "ListJobs"])

    summary = library.restore()

    assert summary.exit_code in (1, 4)
    assert paid(server, vault) == []
    server.control(deny=[])
    assert library.restore().exit_code == THAWING


def test_only_what_is_asked_for_anew_is_told(library: Library) -> None:
    fill(library)
    library.restore()
    library.restore()
    assert len([event for event in library.events if isinstance(event, ThawRequested)]) == 5
