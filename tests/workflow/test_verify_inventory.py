"""What a place lists against what the catalog knows: what is gone, other, new, twice, or was in doubt."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.archive import Label, Receipt
from glacier_backup.model.naming import key
from glacier_backup.model.stored import ArchiveFilter, Rebuilt, StoredVolume
from glacier_backup.model.thaw import Stored
from glacier_backup.plan.told_by_key import Around
from glacier_backup.units import now
from tests.workflow.shelves import DISK, LEAVES, RAW, TIME, TREE_HASH, VAULT, Shelf, label_of, shelf


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Shelf]:
    with shelf(str(tmp_path / "catalog.sqlite3")) as made:
        yield made


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Shelf]:
    with shelf(str(tmp_path / "catalog.sqlite3"), where=VAULT, lag=timedelta(days=3)) as made:
        yield made


def test_what_is_there_is_right(disk: Shelf) -> None:
    disk.send("/data/a")
    disk.send("/data/b")

    report = disk.verify()

    assert (report.volumes, report.bytes, report.right, report.proven) == (2, 200, 2, 0)
    assert disk.findings == []


def test_what_is_gone_is_missing(disk: Shelf) -> None:
    gone = disk.send("/data/a")
    disk.send("/data/b")
    del disk.destination.listed[gone]

    report = disk.verify()

    assert (report.volumes, report.right) == (2, 1)
    (finding,) = disk.findings
    assert (finding.kind, finding.path, finding.locator, finding.is_damage) == ("missing", "/data/a", gone, True)


def test_what_is_missing_stays_known_until_it_is_there_again(disk: Shelf) -> None:
    locator = disk.send("/data/a")
    there = disk.destination.listed.pop(locator)
    disk.verify()
    assert _damage(disk) == ["it is not there any more"]
    assert disk.findings[0].sent_again

    disk.destination.listed[locator] = replace(there, size=7)
    disk.verify()
    assert _damage(disk) == ["it has 7 bytes, and 100 were sent (100 B)"]

    disk.destination.listed[locator] = there
    disk.verify()
    assert _damage(disk) == [None]


def test_what_was_found_before_the_rest_is_out_of_reach_stays_known(disk: Shelf) -> None:
    first, second = disk.send("/data/a"), disk.send("/data/b")
    del disk.destination.listed[first]

    def fail(stored: Stored) -> None:
        if stored.locator == second:
            raise DestinationUnavailable("away")

    disk.destination.on_examine = fail
    with pytest.raises(DestinationUnavailable):
        disk.verify()

    assert _damage(disk) == ["it is not there any more", None]


def test_an_inventory_that_is_older_than_the_damage_does_not_deny_it(vault: Shelf) -> None:
    vault.send("/data/a")
    vault.catalog.note_damaged([(1, 1, "gone")], now() - timedelta(days=2), listed=True)
    assert (vault.verify().proven, _damage(vault)) == (1, ["gone"])
    vault.catalog.note_damaged([(1, 1, "gone")], now() - timedelta(days=4), listed=True)
    assert (vault.verify().proven, _damage(vault)) == (1, [None])


def test_what_has_a_newer_one_is_not_said_to_be_sent_again(disk: Shelf) -> None:
    del disk.destination.listed[disk.send("/data/a")]
    disk.send("/data/a", at=now())

    disk.verify()

    assert [finding.sent_again for finding in disk.findings] == [False]


def _damage(shelf: Shelf) -> list[str | None]:
    return [one.volumes[0].damage for one in shelf.catalog.stored_archives(ArchiveFilter())]


def test_an_older_version_that_the_list_leaves_out_is_asked_about(disk: Shelf) -> None:
    locator = disk.send("/data/a")
    there = disk.destination.listed.pop(locator)
    disk.destination.after_listing = lambda: disk.destination.listed.update({locator: there})

    assert disk.verify().right == 1
    assert disk.findings == []


def test_what_was_deleted_meanwhile_is_not_missing(disk: Shelf) -> None:
    gone = disk.send("/data/a")
    del disk.destination.listed[gone]
    (archive,) = disk.catalog.stored_archives(ArchiveFilter())
    disk.destination.after_listing = lambda: disk.catalog.forget_archives([archive.id])

    disk.verify()

    assert disk.findings == []


def test_what_was_sent_meanwhile_is_not_unknown(disk: Shelf) -> None:
    disk.destination.put(key(label_of("/data/new")))
    disk.destination.after_listing = lambda: disk.catalog.stored(*_receipt(disk, "/data/new"))

    assert disk.verify().unknown == 0
    assert disk.findings == []


def _receipt(disk: Shelf, path: str) -> tuple[int, Receipt]:
    label = label_of(path)
    return disk.begin(label), Receipt(key(label), 100, TREE_HASH, LEAVES, TIME)


def test_what_was_stored_lately_may_be_missing_from_an_inventory(vault: Shelf) -> None:
    for path, at in (("/data/old", TIME), ("/data/new", now())):
        del vault.destination.listed[vault.send(path, at=at)]

    report = vault.verify()

    assert (report.volumes, report.recent) == (2, 1)
    assert [finding.path for finding in vault.findings] == ["/data/old"]
    assert vault.destination.examined == []  # a vault has nothing else to ask


def test_a_tree_hash_of_a_vault_proves_and_is_noted(vault: Shelf) -> None:
    vault.send("/data/a")
    vault.send("/data/b")
    vault.destination.put("id-/data/b-0", tree_hash="f" * 64)

    report = vault.verify()

    assert (report.right, report.proven, vault.kinds()) == (1, 1, ["other_checksum"])
    verified = [one.volumes[0].verified_at is not None for one in vault.catalog.stored_archives(ArchiveFilter())]
    assert verified == [True, False]


def test_what_is_ours_and_in_no_catalog_is_unknown(vault: Shelf) -> None:
    vault.destination.put("lost", description=vault.description(label_of("/data/lost")))
    vault.destination.put("theirs", description="holiday.zip", size=7)

    report = vault.verify()

    assert (report.unknown, report.foreign, report.foreign_bytes) == (1, 1, 7)
    (finding,) = vault.findings
    assert (finding.kind, finding.path, finding.is_damage) == ("unknown", "/data/lost", False)
    assert "catalog rebuild takes it in" in (finding.cure or "")


@pytest.mark.parametrize("name", ["RESTORE.md", "nas/.catalog/20260321T040000.123456Z.sqlite3.gz"])
def test_what_lies_besides_archives_is_neither_unknown_nor_foreign(disk: Shelf, name: str) -> None:
    disk.destination.put(name)

    report = disk.verify()

    assert (report.unknown, report.foreign, disk.findings) == (0, 0, [])


def test_the_same_archive_twice_is_named(vault: Shelf) -> None:
    first = vault.send("/data/a")
    vault.destination.put("again", description=vault.description(label_of("/data/a")))

    vault.verify()

    (finding,) = vault.findings
    assert (finding.kind, finding.locator) == ("duplicate", "again")
    assert first in finding.what
    assert "glacier-backup delete again" in (finding.cure or "")


def test_the_same_archive_twice_in_the_catalog_is_named(vault: Shelf) -> None:
    vault.send("/data/a")
    vault.send("/data/a", locator="again")

    vault.verify()

    assert vault.kinds() == ["duplicate"]


def test_an_upload_that_is_under_way_is_not_unknown(vault: Shelf) -> None:
    label = label_of("/data/a")
    vault.begin(label)
    vault.destination.put("new", description=vault.description(label))

    assert vault.verify().unknown == 0
    assert vault.findings == []


def doubtful(vault: Shelf, number: int = 0, tree_hash: str = TREE_HASH) -> Label:
    label = label_of("/data/a", number)
    vault.catalog.doubt(vault.begin(label, tree_hash))
    return label


def test_a_doubt_is_settled_when_the_archive_is_found(vault: Shelf) -> None:
    label = doubtful(vault)
    vault.destination.put("found", description=vault.description(label))

    vault.verify()

    assert vault.kinds() == ["stored_after_all"]
    (archive,) = vault.catalog.stored_archives(ArchiveFilter())
    assert (archive.path, archive.volumes[0].locator, archive.volumes[0].has_leaves) == ("/data/a", "found", True)
    vault.verify()
    assert vault.findings == []


def test_a_doubt_that_was_sent_again_is_told_as_a_duplicate(vault: Shelf) -> None:
    label = doubtful(vault)
    again = vault.send("/data/a", 7)
    vault.destination.put("found", description=vault.description(label))

    vault.verify()

    assert vault.kinds() == ["stored_after_all", "duplicate"]
    assert f"delete {again}" in (vault.findings[1].cure or "")


def test_an_archive_of_other_bytes_settles_no_doubt(vault: Shelf) -> None:
    label = doubtful(vault, tree_hash="e" * 64)
    vault.destination.put("found", description=vault.description(label))

    vault.verify()

    assert sorted(vault.kinds()) == ["in_doubt", "unknown"]


def test_a_doubt_is_given_up_when_an_inventory_would_have_it(vault: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    doubtful(vault)

    vault.verify()
    assert vault.kinds() == ["in_doubt"]
    monkeypatch.setattr("glacier_backup.workflow.verifying.verify_inventory.now", lambda: now() + timedelta(days=4))
    vault.verify()

    assert vault.kinds() == ["given_up"]
    assert list(vault.catalog.doubtful(vault.id)) == []


def test_what_a_newer_one_took_the_key_of_is_no_damage(disk: Shelf) -> None:
    disk.send("/data/a", locator="nas/data/a")
    disk.send("/data/a", 1, locator="nas/data/a")

    report = disk.verify()

    assert (report.volumes, report.right, report.replaced, disk.findings) == (1, 1, 1, [])


def test_what_can_t_be_looked_at_is_told_and_stops_nothing(disk: Shelf) -> None:
    bad = disk.send("/data/a")
    disk.send("/data/b")

    def fail(stored: Stored) -> None:
        if stored.locator == bad:
            raise DestinationError("no permission", hint="give it")

    disk.destination.on_examine = fail

    report = disk.verify()

    assert (report.right, disk.kinds(), disk.findings[0].cure) == (1, ["unsure"], "give it")


def test_a_place_that_goes_away_ends_the_look(disk: Shelf) -> None:
    disk.send("/data/a")

    def fail(stored: Stored) -> None:
        raise DestinationUnavailable("gone")

    disk.destination.on_examine = fail

    with pytest.raises(DestinationUnavailable):
        disk.verify()


def test_only_what_is_wanted_is_looked_at(disk: Shelf) -> None:
    del disk.destination.listed[disk.send("/data/a")]
    disk.send("/other/b")
    disk.destination.put("theirs/x.txt")

    report = disk.verify(ArchiveFilter(below="/other"))

    assert (report.volumes, report.right, report.foreign, disk.findings) == (1, 1, 0, [])


def test_an_inventory_that_is_being_made_is_waited_for(vault: Shelf) -> None:
    vault.send("/data/a")
    vault.destination.thawed = set()

    assert vault.verify().waiting
    (record,) = vault.catalog.thaws(vault.id)
    assert (record.thaw.locator, record.thaw.state) == (None, "thawing")
    assert vault.verify().waiting
    assert [one.requested_at for one in vault.catalog.thaws(vault.id)] == [record.requested_at]
    vault.destination.thawed.add(None)

    assert vault.verify().right == 1


def test_files_of_trees_that_nobody_knows_are_ours_where_the_host_is(disk: Shelf) -> None:
    disk.around = Around(hosts=frozenset({"nas"}))
    disk.destination.put("nas/data/a.jpg")
    disk.destination.put("theirs/a.jpg")

    report = disk.verify()

    assert (report.unknown, report.foreign) == (1, 1)


def test_there_may_be_many(tmp_path: Path) -> None:
    count = 5_000
    with shelf(str(tmp_path / "catalog.sqlite3"), where=VAULT) as vault:
        volume = StoredVolume(1, "", 100, TREE_HASH, TIME)

        def each() -> Iterator[Rebuilt]:
            for number in range(count):
                label = label_of(f"/data/{number:06}")
                yield Rebuilt(label, (replace(volume, locator=f"id-{number:0134}"),), recipe=RAW)

        assert vault.catalog.add_rebuilt(vault.id, each()) == count
        for number in range(count):
            vault.destination.put(f"id-{number:0134}")

        report = vault.verify()

        assert (report.right, report.proven) == (count, count)
        assert [one.count for one in vault.looked][-1] == count


def test_memory_does_not_go_with_the_number_of_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glacier_backup.ordering.AT_A_TIME", 100)
    with shelf(str(tmp_path / "catalog.sqlite3"), where=DISK) as disk:
        peaks = []
        for count in (300, 1_200):
            for number in range(count):
                disk.destination.put(f"nas/data/{number}/20260301T000000.000000Z")
            tracemalloc.start()
            disk.verify()
            disk.findings.clear()
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    # What is found is in the test's own list: 2 kB each.
    assert peaks[1] - peaks[0] < 900 * 3_000
