from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from glacier_backup.catalog import connect
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.opening import open_writable
from glacier_backup.errors import CatalogError
from tests.catalog.processes import run_as_anybody
from tests.catalog.values import an_archive, filled

_OPENERS = pytest.mark.parametrize("opened", [Catalog.open, Catalog.peek], ids=["open", "peek"])

Opener = Callable[[str], Catalog]

_OPEN_AND_TELL = """
import sys
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import CatalogError
try:
    Catalog.open(sys.argv[1]).close()
except CatalogError as error:
    print(error)
    print(error.hint)
"""


def refusal(opened: Opener, path: str) -> CatalogError:
    with pytest.raises(CatalogError) as caught:
        opened(path)
    assert caught.value.hint
    return caught.value


def test_a_new_catalog_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "share" / "glacier_backup" / "catalog.sqlite3"

    with Catalog.open(str(path)) as catalog:
        filled(catalog, an_archive())
        modes = {name.name: stat.S_IMODE(name.stat().st_mode) for name in path.parent.iterdir()}

    assert set(modes.values()) == {0o600}
    assert "catalog.sqlite3-wal" in modes
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_closed_catalog_is_one_file(path: str) -> None:
    with Catalog.open(path) as catalog:
        filled(catalog, an_archive())

    assert os.listdir(os.path.dirname(path)) == ["catalog.sqlite3"]


def test_what_was_recorded_is_there_when_it_is_opened_again(path: str) -> None:
    with Catalog.open(path) as catalog:
        filled(catalog, an_archive())

    with Catalog.open(path) as catalog:
        assert [listed.path for listed in catalog.archives()] == ["/srv/photos"]


def test_every_commit_waits_for_the_disk_and_references_are_checked(path: str) -> None:
    def settings(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    with closing(open_writable(path)) as database:
        assert database.read(settings) == ["wal", 2, 1]


@pytest.mark.parametrize("name", ["ca ta?log#%41.sqlite3", "caf\udce9.sqlite3", "-x.db", "a'b\"c.db"])
def test_a_catalog_may_have_any_name(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    with Catalog.open(path) as catalog:
        filled(catalog, an_archive())

    with Catalog.peek(path) as catalog:
        assert len(list(catalog.archives())) == 1
    assert os.listdir(tmp_path) == [name]


def test_a_link_to_a_catalog_that_is_still_to_be_made_stays_a_link(tmp_path: Path) -> None:
    link = tmp_path / "link.sqlite3"
    link.symlink_to(tmp_path / "real.sqlite3")

    Catalog.open(str(link)).close()

    assert link.is_symlink()
    assert (tmp_path / "real.sqlite3").stat().st_size > 0


@_OPENERS
def test_a_link_into_a_folder_that_is_not_there_begins_no_new_catalog(tmp_path: Path, opened: Opener) -> None:
    link = tmp_path / "catalog.sqlite3"
    link.symlink_to(tmp_path / "unplugged" / "catalog.sqlite3")

    with pytest.raises(CatalogError, match="is not there") as caught:
        opened(str(link))

    assert caught.value.hint == "is its disk mounted?"
    assert list(tmp_path.iterdir()) == [link]


def test_many_that_make_the_same_catalog_at_once_get_the_same(path: str) -> None:
    code = (
        "import sys\nfrom glacier_backup.catalog.catalog import Catalog\n"
        "with Catalog.open(sys.argv[1]) as catalog: catalog.begin_run('host')"
    )
    makers = [subprocess.Popen([sys.executable, "-c", code, path]) for _ in range(4)]

    assert [maker.wait() for maker in makers] == [0] * 4
    with Catalog.open(path) as catalog:
        assert catalog.begin_run("host") == 5
    assert os.listdir(os.path.dirname(path)) == ["catalog.sqlite3"]


def test_a_catalog_is_made_where_there_are_no_hard_links(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, target: str) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)

    Catalog.open(path).close()

    assert os.listdir(os.path.dirname(path)) == ["catalog.sqlite3"]


@_OPENERS
def test_an_empty_file_is_refused_and_stays_empty(path: str, opened: Opener) -> None:
    Path(path).touch()

    error = refusal(opened, path)

    assert "is an empty file" in str(error)
    assert os.path.getsize(path) == 0


@_OPENERS
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path: str, opened: Opener) -> None:
    Path(path).write_text("[main]\nvault_name = photos\n" * 50)
    before = Path(path).read_bytes()

    error = refusal(opened, path)

    assert f"the catalog {path} is damaged: it is not a database" in str(error)
    assert "sound copy" in str(error.hint)
    assert Path(path).read_bytes() == before


@_OPENERS
def test_a_database_of_another_program_is_refused_and_left_as_it_is(path: str, opened: Opener) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE songs (id INTEGER PRIMARY KEY)")
    before = Path(path).read_bytes()

    assert "a database of another program" in str(refusal(opened, path))
    assert Path(path).read_bytes() == before


@_OPENERS
def test_the_record_of_1_2_is_not_taken_for_a_catalog(path: str, opened: Opener) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE uploads (path, name, archive_id, uploaded_date)")

    error = refusal(opened, path)

    assert "the record of glacier_backup 1.2" in str(error)
    assert f"glacier-backup catalog import {path}" in str(error.hint)


@_OPENERS
def test_a_catalog_with_a_broken_page_is_refused(path: str, opened: Opener) -> None:
    Catalog.open(path).close()
    with open(path, "r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 2_000)

    assert "is damaged" in str(refusal(opened, path))


def test_a_catalog_that_was_cut_short_is_damaged_when_what_is_missing_is_asked_for(path: str) -> None:
    with Catalog.open(path) as catalog:
        filled(catalog, *(an_archive(f"/srv/{number}") for number in range(200)))
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) // 2)

    with pytest.raises(CatalogError, match="is damaged"), Catalog.peek(path) as catalog:
        list(catalog.archives())


@_OPENERS
def test_a_catalog_without_its_tables_is_damaged(path: str, opened: Opener) -> None:
    Catalog.open(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE migrations")

    assert "its tables are missing" in str(refusal(opened, path))


@_OPENERS
def test_a_log_without_its_catalog_is_not_written_over(path: str, opened: Opener) -> None:
    Path(path + "-wal").write_bytes(b"what was not yet in the catalog")

    assert "is gone, but its log is still there" in str(refusal(opened, path))
    assert os.listdir(os.path.dirname(path)) == ["catalog.sqlite3-wal"]


@_OPENERS
def test_a_folder_is_no_catalog(tmp_path: Path, opened: Opener) -> None:
    assert "is no file" in str(refusal(opened, str(tmp_path)))


@_OPENERS
def test_a_catalog_below_a_file_is_refused(path: str, opened: Opener) -> None:
    Path(path).write_text("a file")

    assert "Not a directory" in str(refusal(opened, path + "/catalog.sqlite3"))


def test_a_catalog_that_another_program_holds_is_locked(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "BUSY_SECONDS", 0.1)
    Catalog.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        error = refusal(Catalog.open, path)

    assert str(error) == f"the catalog {path} is locked by another program"
    assert f"fuser -v {path}" in str(error.hint)


def test_a_catalog_held_exclusively_is_locked_to_readers_too(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "BUSY_SECONDS", 0.1)
    Catalog.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("CREATE TABLE held (id INTEGER)")

        assert "is locked by another program" in str(refusal(Catalog.peek, path))


def test_a_read_only_file_is_said_to_be_read_only(path: str) -> None:
    Catalog.open(path).close()
    os.chmod(path, 0o400)

    message = run_as_anybody(_OPEN_AND_TELL, path)

    assert f"the catalog {path} is read-only\nmake {path} writable" in message


def test_a_file_that_may_not_be_read_is_said_so(path: str) -> None:
    Catalog.open(path).close()
    os.chmod(path, 0o000)

    assert f"can't be read: no permission on {path}" in run_as_anybody(_OPEN_AND_TELL, path)


def test_a_read_only_folder_is_said_to_be_read_only(path: str, tmp_path: Path) -> None:
    Catalog.open(path).close()
    tmp_path.chmod(0o500)

    message = run_as_anybody(_OPEN_AND_TELL, path)

    tmp_path.chmod(0o700)
    assert f"its folder {tmp_path} is read-only\nmake {tmp_path} writable" in message


def test_a_catalog_that_can_not_be_made_is_said_so(path: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    message = run_as_anybody(_OPEN_AND_TELL, path)

    tmp_path.chmod(0o700)
    assert f"can't be written: its folder {tmp_path} is read-only\nmake {tmp_path} writable" in message
    assert os.listdir(tmp_path) == []


def test_a_folder_that_can_not_be_made_is_said_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    message = run_as_anybody(_OPEN_AND_TELL, str(tmp_path / "new" / "catalog.sqlite3"))

    tmp_path.chmod(0o700)
    assert f"can't be opened: {tmp_path}/new: Permission denied" in message


def test_a_folder_that_can_not_be_entered_is_said_so(path: str, tmp_path: Path) -> None:
    Catalog.open(path).close()
    tmp_path.chmod(0o000)

    message = run_as_anybody(_OPEN_AND_TELL, path)

    tmp_path.chmod(0o700)
    assert "Permission denied" in message


def test_no_room_for_a_new_catalog_leaves_no_file(small_disk: Path) -> None:
    with open(small_disk / "filler", "wb") as filler:
        filler.write(b"\0" * (8 * 2**20 - 20_000))

    error = refusal(Catalog.open, str(small_disk / "catalog.sqlite3"))

    assert "is full" in str(error)
    assert os.listdir(small_disk) == ["filler"]
