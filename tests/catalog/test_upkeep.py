"""What keeps a catalog in step with its places: doubts that are settled, archives that go, checks, copies, exports."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.catalog import checking
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import CatalogError
from glacier_backup.model.archive import ReadProblem, Receipt
from glacier_backup.model.place import Place
from glacier_backup.model.record import CatalogCopy
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.units import MIB
from tests.catalog.inside import changed, rows, soundness
from tests.catalog.processes import run_as_anybody, running
from tests.catalog.values import (
    LOCAL,
    NOT_UTF8,
    a_member,
    a_rebuilt,
    an_archive,
    an_upload,
    checksums,
    filled,
    intended,
    minutes,
    record,
)

_RECORD_ON_AND_ON = """
import itertools, sys
from glacier_backup.catalog.catalog import Catalog
from tests.catalog.values import LOCAL, an_archive, a_member, record
with Catalog.open(sys.argv[1]) as catalog:
    place = catalog.register(LOCAL, LOCAL)
    for number in itertools.count():
        record(catalog, None, place, an_archive(f"/srv/{number}"), [a_member(str(n)) for n in range(200)])
        print("at work", flush=True)
"""

_COPY = """
import sys
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import CatalogError
with Catalog.peek(sys.argv[1]) as catalog:
    try:
        catalog.copy_to(sys.argv[2])
    except CatalogError as error:
        print(error)
"""


def sound(path: str, size: int = 3 * MIB - 5, *, locator: str = "archive-id") -> None:
    """Record an archive whose checksums are right."""
    leaves = leaf_digests(bytes(size))
    stored = an_archive()
    receipt = Receipt(locator, size, tree_hash(leaves), leaves, minutes(1))
    with Catalog.open(path) as catalog:
        members = [a_member("photos/a"), a_member("photos/b", offset=512)]
        record(catalog, None, catalog.register(LOCAL, LOCAL), replace(stored, receipts=(receipt,)), members)


def checked(path: str) -> list[str]:
    with Catalog.peek(path) as catalog:
        return list(catalog.check())


def doubted(catalog: Catalog, *paths: str, place: Place = LOCAL) -> list[int]:
    ids = []
    for path in paths:
        stored = an_archive(path)
        ids.append(catalog.intend(None, catalog.register(place, place), intended(stored), 2**24))
        catalog.opened(ids[-1], "upload-id")
        catalog.completing(ids[-1], intended(stored), checksums(stored), [a_member()])
        catalog.doubt(ids[-1])
    return ids


def test_doubtful_archives_are_told_with_all_that_an_inventory_is_compared_with(catalog: Catalog) -> None:
    first, second = doubted(catalog, "/srv/a", "/srv/b")
    doubted(catalog, "/srv/c", place=Place("s3", "bucket"))
    catalog.intend(None, 1, intended(an_archive("/srv/under-way")), 2**24)

    told = list(catalog.doubtful(1))

    assert [one.archive for one in told] == [first, second]
    assert told[0].record == intended(an_archive("/srv/a"))
    assert told[0].checksums == checksums(an_archive("/srv/a"))


def test_doubts_are_settled_or_given_up_while_they_are_told(catalog: Catalog) -> None:
    doubted(catalog, "/srv/a", "/srv/b", "/srv/c")
    for number, one in enumerate(catalog.doubtful(1)):
        if number % 2 == 0:
            catalog.settle(one.archive, *an_archive(one.record.label.path).receipts)
        else:
            catalog.give_up(one.archive)

    assert list(catalog.doubtful(1)) == []
    assert [one.path for one in catalog.stored_archives(ArchiveFilter())] == ["/srv/a", "/srv/c"]
    assert list(catalog.members(1)) == [a_member()]


def test_an_archive_that_nobody_doubts_can_not_be_settled(catalog: Catalog) -> None:
    filled(catalog, an_archive())

    with pytest.raises(CatalogError, match="no upload of archive 1 under way"):
        catalog.settle(1, *an_archive().receipts)


def test_volumes_keep_when_they_were_found_to_be_right(catalog: Catalog) -> None:
    filled(catalog, an_archive("/srv/a"), an_archive("/srv/b"), an_archive("/srv/c"))
    catalog.note_verified(1, 1, minutes(5))
    catalog.note_all_verified(((number, 1) for number in (1, 2)), minutes(6))
    catalog.note_verified(99, 1, minutes(7))

    told = [one.volumes[0].verified_at for one in catalog.stored_archives(ArchiveFilter())]

    assert told == [minutes(6), minutes(6), None]


def test_forgotten_archives_leave_nothing(catalog: Catalog, path: str) -> None:
    problems = [ReadProblem("/srv/x", "gone")]
    filled(catalog, *(an_archive(f"/srv/{number}", problems=problems) for number in range(3)))

    catalog.forget_archives(iter([1, 3, 99]))

    assert [one.path for one in catalog.stored_archives(ArchiveFilter())] == ["/srv/1"]
    for table, column in (("volumes", "archive"), ("members", "archive"), ("problems", "archive"), ("archives", "id")):
        assert [row[column] for row in rows(path, table)] == [2]
    assert soundness(path) == []
    assert filled(catalog, an_archive()) == 1
    assert [one.id for one in catalog.stored_archives(ArchiveFilter(path="/srv/photos"))] == [4]


def test_many_archives_are_forgotten(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    catalog.add_rebuilt(place, (a_rebuilt(f"/srv/{number}") for number in range(3_000)))

    catalog.forget_archives(one.id for one in catalog.stored_archives(ArchiveFilter()))

    assert not catalog.holds_archives(place)


@pytest.mark.parametrize("size", [0, 1, MIB, MIB + 1, 3 * MIB - 5])
def test_a_sound_catalog_has_nothing_wrong(path: str, size: int) -> None:
    sound(path, size)
    with Catalog.open(path) as catalog:
        catalog.import_uploads(1, [an_upload("/srv/old")], "record")
        catalog.add_rebuilt(1, [a_rebuilt("/srv/found")])
        doubted(catalog, "/srv/doubtful")

    assert checked(path) == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM volumes", ["/srv/photos (archive 1): it counts as stored, but nothing says where"]),
        (
            "UPDATE archives SET sent_at = NULL",
            ["/srv/photos (archive 1): it is neither stored nor on its way"],
        ),
        (
            "UPDATE archives SET stored_bytes = 7",
            ["/srv/photos (archive 1): it is said to have 7 bytes, but its volumes have 3145723"],
        ),
        (
            "UPDATE volumes SET leaves = zeroblob(96)",
            ["of its volume 1 (archive-id) the checksums do not add up to its tree hash"],
        ),
        ("UPDATE volumes SET leaves = zeroblob(64)", ["the checksums are not those of 3145723 bytes"]),
        ("UPDATE members SET offset = 513 WHERE number = 0", ["its member photos/b begins in front of the one before"]),
        ("UPDATE archives SET recipe = '{'", ["1 archives, the first of them 1: how they were made can't be read"]),
        ("UPDATE volumes SET archive = 9", ["table volumes, row 1: its archives is missing"]),
    ],
)
def test_what_does_not_fit_together_is_said(path: str, statement: str, said: list[str]) -> None:
    sound(path)
    changed(path, statement)

    found = checked(path)

    assert len(found) == len(said)
    assert all(part in one for part, one in zip(said, found, strict=True)), found


@pytest.mark.parametrize("together", [1, 40, 8 * MIB])
def test_checksums_of_many_volumes_are_looked_at_together(
    catalog: Catalog, path: str, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(checking, "_TOGETHER", together)
    right = leaf_digests(b"a")
    receipt = Receipt("id", 1, tree_hash(right), right, minutes(1))
    filled(catalog, *(replace(an_archive(f"/srv/{number}"), receipts=(receipt,)) for number in range(20)))
    changed(path, "UPDATE volumes SET leaves = zeroblob(32) WHERE archive IN (1, 7, 20)")

    assert [one.partition(":")[0] for one in catalog.check()] == [
        "/srv/0 (archive 1)",
        "/srv/6 (archive 7)",
        "/srv/19 (archive 20)",
    ]


def test_a_damaged_file_is_said_and_nothing_else_is_judged(path: str) -> None:
    sound(path)
    with closing(sqlite3.connect(path)) as database:
        root, size = (
            database.execute(query).fetchone()[0]
            for query in ("SELECT rootpage FROM sqlite_master WHERE name = 'archives_by_path'", "PRAGMA page_size")
        )
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(path, "r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * 100)

    found = checked(path)

    assert found
    assert all("damaged" in one for one in found)


def test_a_copy_holds_everything_and_is_nobody_elses(catalog: Catalog, tmp_path: Path) -> None:
    filled(catalog, an_archive(), an_archive(f"/srv/{NOT_UTF8}"))
    copy = tmp_path / "copy.sqlite3"
    copy.write_text("something older")

    catalog.copy_to(str(copy))
    filled(catalog, an_archive("/srv/later"))

    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["catalog.sqlite3", "catalog.sqlite3-shm", "catalog.sqlite3-wal", copy.name]
    with Catalog.peek(str(copy)) as peeked:
        assert [one.path for one in peeked.archives()] == ["/srv/photos", f"/srv/{NOT_UTF8}"]
    with Catalog.open(str(copy)) as opened:
        filled(opened, an_archive("/srv/there"))
        assert len(list(opened.archives())) == 3


def test_a_copy_is_whole_while_another_process_writes(path: str, tmp_path: Path) -> None:
    with running(_RECORD_ON_AND_ON, path), Catalog.peek(path) as catalog, Catalog.open(path) as writing:
        for number in range(5):
            copy = str(tmp_path / f"copy-{number}")
            (catalog if number % 2 else writing).copy_to(copy)
            assert soundness(copy) == []
            with Catalog.open(copy) as copied:
                assert all(len(list(copied.members(one.id))) == 200 for one in copied.stored_archives(ArchiveFilter()))


def test_no_copy_is_made_where_nothing_can_be_written(path: str, tmp_path: Path) -> None:
    sound(path)
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)

    said = run_as_anybody(_COPY, path, str(folder / "copy"))

    assert said.startswith(f"the catalog {folder}/copy can't be opened: {folder}")
    assert os.listdir(folder) == []


def test_a_damaged_catalog_takes_no_sound_copys_place(path: str, tmp_path: Path) -> None:
    sound(path)
    copy = tmp_path / "copy"
    copy.write_text("a sound copy")
    with closing(sqlite3.connect(path)) as database:
        (root,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'members'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(path, "r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * 100)

    with Catalog.peek(path) as catalog, pytest.raises(CatalogError, match=f"^the catalog {path} is damaged"):
        catalog.copy_to(str(copy))

    assert copy.read_text() == "a sound copy"
    assert sorted(os.listdir(tmp_path)) == ["catalog.sqlite3", "copy"]


def copied(catalog: Catalog, changes: int) -> None:
    copy = f"copy-{len(catalog.copies('there')):03}"
    catalog.begin_copy("there", copy, minutes(len(catalog.copies("there"))))
    catalog.note_copied("there", copy, changes)


def test_a_copy_is_behind_once_something_is_stored_or_gone(catalog: Catalog) -> None:
    assert not catalog.changed_since_copy("there")
    place = filled(catalog, an_archive())
    assert catalog.changed_since_copy("there")

    def is_behind_after(*changing: object) -> bool:
        copied(catalog, catalog.changes())
        assert not catalog.changed_since_copy("there")
        for change in changing:
            assert callable(change)
            change()
        return catalog.changed_since_copy("there")

    assert not is_behind_after(lambda: catalog.begin_run("host"), lambda: doubted(catalog, "/srv/doubtful"))
    assert not is_behind_after(lambda: catalog.forget_archives([99]), lambda: catalog.add_rebuilt(place, []))
    assert is_behind_after(lambda: catalog.settle(2, *an_archive().receipts))
    assert is_behind_after(lambda: catalog.add_rebuilt(place, [a_rebuilt("/srv/found")]))
    assert is_behind_after(lambda: catalog.import_uploads(place, [an_upload("/srv/old")], "record"))
    assert is_behind_after(lambda: catalog.forget_archives([1]))
    assert catalog.changed_since_copy(f"elsewhere/{NOT_UTF8}")


def test_what_changes_while_a_copy_is_on_its_way_is_in_the_next(catalog: Catalog) -> None:
    place = filled(catalog, an_archive())
    counted = catalog.changes()
    catalog.add_rebuilt(place, [a_rebuilt("/srv/found")])

    copied(catalog, counted)

    assert catalog.changed_since_copy("there")


def test_copies_are_known_from_their_beginning_to_their_end(catalog: Catalog) -> None:
    filled(catalog, an_archive())
    for number in range(3):
        catalog.begin_copy("there", f"copy-{NOT_UTF8}-{number}", minutes(number))
    catalog.begin_copy("elsewhere", "copy", minutes(9))
    assert catalog.changed_since_copy("there")

    catalog.note_copied("there", f"copy-{NOT_UTF8}-1", catalog.changes())
    catalog.forget_copy("there", f"copy-{NOT_UTF8}-0")

    assert not catalog.changed_since_copy("there")
    assert catalog.changed_since_copy("elsewhere")
    assert catalog.copies("there") == (
        CatalogCopy(f"copy-{NOT_UTF8}-2", None, minutes(2)),
        CatalogCopy(f"copy-{NOT_UTF8}-1", 1, minutes(1)),
    )


def test_everything_that_is_stored_is_exported(catalog: Catalog) -> None:
    place = filled(catalog, an_archive(), an_archive(f"/srv/{NOT_UTF8}"))
    catalog.import_uploads(place, [an_upload("/srv/old")], "record")
    doubted(catalog, "/srv/doubtful")
    catalog.note_verified(1, 1, minutes(5))
    catalog.note_damaged([(1, 1, NOT_UTF8)], minutes(6))

    exported = [json.loads(json.dumps(row)) for row in catalog.export_rows()]

    assert [row["path"] for row in exported] == ["/srv/old", "/srv/photos", f"/srv/{NOT_UTF8}"]
    assert len({tuple(row) for row in exported}) == 1
    old, photos, _ = exported
    assert (old["fingerprint"], old["recipe"], old["origin"], old["stored_bytes"]) == (None, None, "record", None)
    assert (photos["destination"], photos["host"], photos["name"]) == ("/mnt/vault", "host", "photos.tar")
    assert (photos["time"], photos["sent_at"]) == ("2026-03-21T03:59:00.000000Z", "2026-03-21T04:00:00.000000Z")
    assert photos["volumes"] == [
        {
            "number": 1,
            "role": "data",
            "volume": 0,
            "suffix": "",
            "locator": "archive-id",
            "bytes": 10_240,
            "sha256_tree": "e2" * 32,
            "sha256": None,
            "crc64nvme": None,
            "hmac_sha256": None,
            "storage_class": None,
            "stored_at": "2026-03-21T04:00:00.000000Z",
            "verified_at": "2026-03-21T04:05:00.000000Z",
            "damaged_at": "2026-03-21T04:06:00.000000Z",
            "damage": NOT_UTF8,
        }
    ]
