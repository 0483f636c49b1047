"""A small catalog of every released schema is kept in ``released/`` and must come to the newest for ever.

When the newest schema has no sample yet, the first test here writes it and fails: look at the file and commit it.
A sample is never written anew once its schema is released; until then delete it and run the test.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.migrations import MIGRATIONS, newest
from glacier_backup.catalog.opening import open_writable
from glacier_backup.model.archive import Member, ReadProblem
from glacier_backup.model.place import Place
from tests.catalog.test_schema import described
from tests.catalog.values import LOCAL, NOT_UTF8, an_archive, an_upload, checksums, intended, minutes, record

_RELEASED = Path(__file__).parent / "released"

_VAULT = Place("glacier", "photos", "eu-central-1", "-")

_MEMBERS = (
    Member("photos", "directory", 0, 1_700_000_000_000_000_001, 0o755, 0, None),
    Member(f"photos/{NOT_UTF8}", "file", 1_234, 2**63, 0o600, 512, None),
    Member("photos/link", "symlink", 0, -1, 0o777, 2_560, f"../{NOT_UTF8}"),
)

_PROBLEM = ReadProblem(f"/srv/photos/{NOT_UTF8}", "Permission denied")


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
        last = catalog.last_sent(vault, ["/srv/old", "/srv/photos"])

    assert [archive.path for archive in listed] == ["/srv/old", "/srv/photos", f"/srv/{NOT_UTF8}"]
    assert [archive.destination for archive in listed] == ["glacier://111122223333@eu-central-1/photos"] * 2 + [
        "/mnt/vault"
    ]
    assert [archive.problems for archive in listed] == [0, 1, 0]
    assert last["/srv/old"].digest is None
    assert last["/srv/photos"].digest == "d1" * 32


@pytest.mark.parametrize("number", [step.number for step in MIGRATIONS])
def test_the_members_of_a_released_catalog_are_read(number: int, path: str) -> None:
    shutil.copyfile(sample(number), path)

    with Catalog.peek(path) as catalog:
        assert tuple(catalog.members(2)) == _MEMBERS


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
def test_an_old_catalog_gets_the_same_tables_as_a_new_one(number: int, tmp_path: Path) -> None:
    old, new = str(tmp_path / "old.sqlite3"), str(tmp_path / "new.sqlite3")
    shutil.copyfile(sample(number), old)

    tables = []
    for path in (old, new):
        database = open_writable(path)
        tables.append(database.read(described))
        database.close()

    assert tables[0] == tables[1]
