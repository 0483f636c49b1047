"""A small catalog of every released schema is kept in ``released/`` and must come to the newest for ever.

When the newest schema has no sample yet, the first test here writes it and fails: look at the file and commit it.
A sample is never written anew once its schema is released; until then delete it and run the test.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.migrations import MIGRATIONS, newest
from glacier_backup.catalog.opening import open_writable
from glacier_backup.model.archive import Member, ReadProblem
from glacier_backup.model.place import Place
from glacier_backup.model.restore import ByteRange, ItemRecord, RestoreItem, Wish
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.model.thaw import Thaw, ThawRecord
from tests.catalog.test_schema import described
from tests.catalog.values import (
    LOCAL,
    NOT_UTF8,
    a_file,
    a_group,
    a_link,
    a_sealed,
    an_archive,
    an_object,
    an_upload,
    by_prefix,
    checksums,
    intended,
    minutes,
    of_tree,
    record,
    seal,
    send_object,
    under_key,
)

_RELEASED = Path(__file__).parent / "released"

_VAULT = Place("glacier", "photos", "eu-central-1", "-")

_MEMBERS = (
    Member("photos", "directory", 0, 1_700_000_000_000_000_001, 0o755, 0, None),
    Member(f"photos/{NOT_UTF8}", "file", 1_234, 2**63, 0o600, 512, None, bytes(range(32))),
    Member("photos/link", "symlink", 0, -1, 0o777, 2_560, f"../{NOT_UTF8}"),
)

_GROUP = a_group(f"/srv/{NOT_UTF8}")

_FILES = (
    a_file(NOT_UTF8, top=NOT_UTF8),
    a_file("a", top=NOT_UTF8)._replace(mtime_ns=2**63, sha256=bytes(range(32))),
    a_link("link", f"../{NOT_UTF8}", top=NOT_UTF8),
)

_PROBLEM = ReadProblem(f"/srv/photos/{NOT_UTF8}", "Permission denied")


_BY_PREFIX = by_prefix("/srv/keys", "k", locator="zip", sent_at=minutes(7))

_WISH = Wish("restore", f"/mnt/{NOT_UTF8}", (f"/srv/{NOT_UTF8}",), at="2026-03-21T04:00:00.000000Z")

_SEALING = a_sealed(f"/srv/sealing-{NOT_UTF8}")

_ITEMS = (
    RestoreItem(2, "photos"),
    RestoreItem(2, f"photos/{NOT_UTF8}", f"photos/{NOT_UTF8}", (ByteRange(512, 2_560), ByteRange(2_560, None))),
    RestoreItem(3, ".", None, (ByteRange(512, 2_560),), ((0, 1), (3, 3))),
)


def _thaws(place: int) -> list[ThawRecord]:
    ready = Thaw("archive-id", "job", "ready", 2**20, 2**21, minutes(9))
    return [
        ThawRecord(place, Thaw(None, "job", "failed", cause=f"no {NOT_UTF8}"), "bulk", minutes(1)),
        ThawRecord(place, ready, "standard", minutes(2), "GLACIER"),
    ]


def sample(number: int) -> Path:
    return _RELEASED / f"schema-{number}.sqlite3"


def fill(catalog: Catalog) -> None:
    """At least one row in every table, with what is hard to keep."""
    vault = catalog.register(_VAULT, _VAULT.with_account("111122223333"))
    local = catalog.register(LOCAL, LOCAL)
    catalog.import_uploads(vault, [an_upload("/srv/old")], "glacier.photos.sqlite3")
    run = catalog.begin_run("host")
    record(catalog, run, vault, an_archive(problems=[_PROBLEM], changed=True, newest_mtime_ns=2**63), _MEMBERS)
    record(catalog, run, local, an_archive(f"/srv/{NOT_UTF8}", sent_at=minutes(1)), _MEMBERS[:1])
    for path, end in [("/srv/doubtful", catalog.doubt), ("/srv/unfinished", lambda archive: None)]:
        stored = an_archive(path, problems=[_PROBLEM])
        archive = catalog.intend(run, local, intended(stored), 2**24)
        catalog.opened(archive, NOT_UTF8)
        catalog.completing(archive, intended(stored), checksums(stored), _MEMBERS)
        end(archive)
    catalog.finish(seal(catalog, vault, a_sealed("/srv/sealed", fixed_key=NOT_UTF8), _MEMBERS))
    sealing = catalog.intend(run, vault, _SEALING, 2**24)
    send_object(catalog, sealing, an_object(_SEALING))
    catalog.begin_object(sealing, an_object(_SEALING, "parity"), 2**25)
    catalog.opened(sealing, NOT_UTF8)
    group = record(catalog, run, local, _GROUP, _FILES)
    catalog.touched(local, [(group, f"/srv/{NOT_UTF8}/a", f"file 1234 {2**63 + 1}")])
    record(catalog, run, vault, replace(of_tree("/srv/tree/a"), sha256="e5" * 32))
    put_away = record(catalog, run, local, _BY_PREFIX, [under_key(NOT_UTF8, section="/srv/keys", key="k")])
    catalog.expire(local, [put_away], [f"/srv/{NOT_UTF8}/link", "/srv/keys/gone"], minutes(8))
    catalog.set_items(catalog.begin_restore(_WISH, _ITEMS), [(1, "damaged", NOT_UTF8)])
    catalog.note_thaws(_thaws(vault))
    catalog.note_verified(2, 1, minutes(5))
    catalog.note_damaged([(2, 1, NOT_UTF8)], minutes(6))
    catalog.begin_copy(f"/mnt/{NOT_UTF8}", "host/.catalog/copy", minutes(6))
    catalog.note_copied(f"/mnt/{NOT_UTF8}", "host/.catalog/copy", catalog.changes())


def test_the_newest_schema_has_its_sample() -> None:
    kept = sample(newest())
    if not kept.exists():
        with Catalog.open(str(kept)) as catalog:
            fill(catalog)
        pytest.fail(f"{kept} was missing and has been written: look at it and commit it")


@pytest.mark.parametrize("number", [step.number for step in MIGRATIONS])
def test_a_catalog_of_every_released_schema_comes_to_the_newest(number: int, path: str) -> None:
    shutil.copyfile(sample(number), path)

    with Catalog.open(path) as catalog:
        listed = list(catalog.archives())
        vault = catalog.place_id(_VAULT)
        assert vault is not None
        last = catalog.last_sent(vault, ["/srv/old", "/srv/photos", "/srv/tree/a"])

    assert [archive.path for archive in listed] == [
        *("/srv/old", "/srv/photos", _GROUP.label.path, "/srv/tree/a", f"/srv/{NOT_UTF8}", "/srv/sealed"),
        "/srv/keys/k*~.zip",
    ]
    vault_name = "glacier://111122223333@eu-central-1/photos"
    assert [archive.destination for archive in listed] == [
        *(vault_name, vault_name, "/mnt/vault", vault_name, "/mnt/vault", vault_name, "/mnt/vault")
    ]
    assert [archive.problems for archive in listed] == [0, 1, 0, 0, 0, 0, 0]
    assert last["/srv/old"].digest is None
    assert last["/srv/photos"].digest == "d1" * 32
    assert last["/srv/tree/a"].sha256 == "e5" * 32


@pytest.mark.parametrize("number", [step.number for step in MIGRATIONS])
def test_the_members_of_a_released_catalog_are_read(number: int, path: str) -> None:
    shutil.copyfile(sample(number), path)

    with Catalog.peek(path) as catalog:
        assert tuple(catalog.members(2)) == _MEMBERS


@pytest.mark.parametrize("number", [step.number for step in MIGRATIONS])
def test_the_files_in_groups_of_a_released_catalog_are_found(number: int, path: str) -> None:
    shutil.copyfile(sample(number), path)

    with Catalog.peek(path) as catalog:
        local = catalog.place_id(LOCAL)
        assert local is not None
        section = f"/srv/{NOT_UTF8}"
        digests = ("file 1234 1700000000000000001", f"file 1234 {2**63 + 1}", "link 7 1700000000000000000")
        seen = dict(zip((f"{section}/{name}" for name in (NOT_UTF8, "a", "link")), digests, strict=True))
        there = {path: digest for path, digest in seen.items() if not path.endswith("link")}
        sent = catalog.last_sent(local, [*seen])
        assert {path: last.digest for path, last in sent.items()} == there
        assert [sent[path].sha256 for path in there] == [None, bytes(range(32)).hex()]
        assert catalog.paths_like(local, section, digests) == {digest: (path,) for path, digest in there.items()}
        assert [file.path for file in catalog.current(local, "/srv")] == [f"{section}/a", f"{section}/{NOT_UTF8}"]
        history = catalog.stored_archives(ArchiveFilter(below="/srv/keys", inside=True))
        assert [(one.path, one.expired_at) for one in history] == [(f"/srv/keys/{NOT_UTF8}", minutes(8))]


@pytest.mark.parametrize("number", [step.number for step in MIGRATIONS])
def test_what_a_released_catalog_has_unfinished_is_known(number: int, path: str) -> None:
    shutil.copyfile(sample(number), path)

    with Catalog.open(path) as catalog:
        local = catalog.place_id(LOCAL)
        assert local is not None
        (upload,) = catalog.unfinished(local)

    wanted = an_archive("/srv/unfinished", problems=[_PROBLEM])
    assert upload.record == intended(wanted)
    assert upload.checksums == checksums(wanted)
    assert (upload.upload_id, upload.part_size) == (NOT_UTF8, 2**24)


@pytest.mark.parametrize("number", [step.number for step in MIGRATIONS])
def test_the_volumes_of_a_released_catalog_are_known(number: int, path: str) -> None:
    shutil.copyfile(sample(number), path)

    with Catalog.open(path) as catalog:
        vault = catalog.place_id(_VAULT)
        assert vault is not None
        (sealed,) = catalog.stored_archives(ArchiveFilter(path="/srv/sealed"))
        (sealing,) = catalog.unfinished(vault)

    kept = [(one.number, one.role, one.volume, one.suffix) for one in sealed.objects]
    assert kept == [
        (1, "data", 1, ".zst.v001.age"),
        (3, "data", 2, ".zst.v002.age"),
        (2, "parity", 1, ".zst.v001.age.par2"),
        (4, "parity", 2, ".zst.v002.age.par2"),
        (5, "manifest", 2, ".zst.age.recipe.json"),
    ]
    assert (sealed.suffix, sealed.alias, sealed.fixed_key) == (".zst.age", "k3", NOT_UTF8)
    assert sealing.record == _SEALING
    assert sealing.object == an_object(_SEALING, "parity")
    assert (sealing.upload_id, sealing.part_size) == (NOT_UTF8, 2**25)
    assert [(one.number, one.slice_sha256, one.hmac_sha256) for one in sealing.stored] == [(1, "d4" * 32, "c3" * 32)]


@pytest.mark.parametrize("number", [step.number for step in MIGRATIONS])
def test_the_restores_and_thaws_of_a_released_catalog_go_on(number: int, path: str) -> None:
    shutil.copyfile(sample(number), path)

    with Catalog.open(path) as catalog:
        (restore,) = catalog.restores()
        vault = catalog.place_id(_VAULT)
        assert vault is not None

        assert restore.wish == _WISH
        assert list(catalog.items(restore.id)) == [
            ItemRecord(0, _ITEMS[0], "planned"),
            ItemRecord(1, _ITEMS[1], "damaged", NOT_UTF8),
            ItemRecord(2, _ITEMS[2], "planned"),
        ]
        assert list(catalog.thaws()) == _thaws(vault)
        (stored,) = catalog.stored_archives(ArchiveFilter(ids=(2,)))
        assert stored.volumes[0].verified_at == minutes(5)
        assert (stored.volumes[0].damaged_at, stored.volumes[0].damage) == (minutes(6), NOT_UTF8)
        assert not catalog.changed_since_copy(f"/mnt/{NOT_UTF8}")


@pytest.mark.parametrize("number", [step.number for step in MIGRATIONS])
def test_an_old_catalog_gets_the_same_tables_as_a_new_one(number: int, tmp_path: Path) -> None:
    old, new = str(tmp_path / "old.sqlite3"), str(tmp_path / "new.sqlite3")
    shutil.copyfile(sample(number), old)

    tables = []
    for path in (old, new):
        database = open_writable(path)
        tables.append(database.read(described))
        database.close()

    assert tables[0] == tables[1]
