from __future__ import annotations

import itertools
import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.opening import open_readonly
from glacier_backup.errors import CatalogError
from tests.catalog.processes import run_as_anybody, running
from tests.catalog.values import LOCAL, an_archive, an_upload, filled

_LOOK = """
import sys
from glacier_backup.catalog.catalog import Catalog
with Catalog.peek(sys.argv[1]) as catalog:
    print(len(list(catalog.archives())))
"""

_RECORD_ON_AND_ON = """
import itertools, sys
from glacier_backup.catalog.catalog import Catalog
from tests.catalog.values import LOCAL, an_archive, filled, a_member, record
with Catalog.open(sys.argv[1]) as catalog:
    place = filled(catalog, an_archive())
    run = catalog.begin_run("host")
    print("at work", flush=True)
    for number in itertools.count():
        record(catalog, run, place, an_archive(f"/srv/{number}"), [a_member(str(n)) for n in range(500)])
"""


def files(path: str) -> dict[str, tuple[int, int]]:
    """Size and time of everything beside the catalog, and of the folder."""
    folder = Path(path).parent
    return {
        found.name: (found.stat().st_size, found.stat().st_mtime_ns) for found in [folder, *sorted(folder.iterdir())]
    }


def paths(catalog: Catalog) -> list[str]:
    return [listed.path for listed in catalog.archives()]


def test_a_catalog_that_is_not_there_is_empty_and_is_not_made(tmp_path: Path) -> None:
    with Catalog.peek(str(tmp_path / "nowhere" / "catalog.sqlite3")) as catalog:
        assert not catalog.has_imported("record")
        assert catalog.place_id(LOCAL) is None
        assert catalog.last_sent(1, ["/srv/photos"]) == {}
        assert paths(catalog) == []

    assert os.listdir(tmp_path) == []


def test_looking_changes_nothing_and_leaves_nothing_behind(path: str) -> None:
    with Catalog.open(path) as catalog:
        filled(catalog, an_archive())
    before = files(path)

    with Catalog.peek(path) as catalog:
        assert paths(catalog) == ["/srv/photos"]
        assert files(path) == before

    assert files(path) == before


def test_looking_works_where_nothing_can_be_written(path: str, tmp_path: Path) -> None:
    with Catalog.open(path) as catalog:
        filled(catalog, an_archive())
    os.chmod(path, 0o400)
    tmp_path.chmod(0o500)

    seen = run_as_anybody(_LOOK, path)

    tmp_path.chmod(0o700)
    assert seen == "1\n"


def test_looking_works_while_it_is_open_for_writing(path: str) -> None:
    with Catalog.open(path) as writer:
        place = filled(writer, an_archive("/srv/first"))
        with Catalog.peek(path) as catalog:
            assert paths(catalog) == ["/srv/first"]
            filled(writer, an_archive("/srv/second"))
            assert set(catalog.last_sent(place, ["/srv/first", "/srv/second"])) == {"/srv/first", "/srv/second"}


def test_looking_at_an_open_catalog_works_where_nothing_can_be_written(path: str, tmp_path: Path) -> None:
    with Catalog.open(path) as writer:
        filled(writer, an_archive())
        tmp_path.chmod(0o500)
        seen = run_as_anybody(_LOOK, path)
        tmp_path.chmod(0o700)

    assert seen == "1\n"


def test_what_is_written_after_the_first_look_is_seen(path: str) -> None:
    with Catalog.open(path) as writer:
        filled(writer, an_archive("/srv/first"))

    with Catalog.peek(path) as catalog:
        assert paths(catalog) == ["/srv/first"]
        with Catalog.open(path) as writer:
            filled(writer, an_archive("/srv/second"))
            assert paths(catalog) == ["/srv/first", "/srv/second"]
        assert paths(catalog) == ["/srv/first", "/srv/second"]


def test_a_page_of_another_state_is_never_answered_with(path: str) -> None:
    with Catalog.open(path) as writer:
        place = writer.register(LOCAL, LOCAL)
        writer.import_uploads(place, [an_upload(f"/srv/{number}") for number in range(1_500)], "record")

    with Catalog.peek(path) as catalog:
        listed = catalog.archives()
        first = next(listed)
        with Catalog.open(path) as writer:
            writer.import_uploads(place, [an_upload(f"/srv/{number}") for number in range(1_500, 1_600)], "record")
        rest = list(listed)

    assert [archive.path for archive in [first, *rest]] == [f"/srv/{number}" for number in range(1_600)]


def test_an_answer_from_a_file_that_changed_meanwhile_is_asked_for_again(path: str) -> None:
    Catalog.open(path).close()
    asked = 0

    def query(connection: Connection) -> str:
        nonlocal asked
        asked += 1
        if asked <= 2:
            os.utime(path, ns=(asked, asked))
        if asked == 1:
            raise CatalogError("looks damaged")
        return f"answer {asked}"

    with closing(open_readonly(path)) as database:
        assert database.read(query) == "answer 3"


def test_a_file_that_never_stops_changing_is_said_so(path: str) -> None:
    Catalog.open(path).close()
    ticks = itertools.count()

    with (
        closing(open_readonly(path)) as database,
        pytest.raises(CatalogError, match="changes all the time"),
    ):
        database.read(lambda _: os.utime(path, ns=(0, next(ticks))))


def test_looking_again_and_again_while_another_process_writes_never_fails(path: str) -> None:
    with running(_RECORD_ON_AND_ON, path):
        counts = []
        for _ in range(40):
            with Catalog.peek(path) as catalog:
                counts.append(len(paths(catalog)))

    assert counts == sorted(counts)
    assert counts[-1] > 1


def test_what_a_killed_process_had_recorded_is_seen(path: str) -> None:
    with running(_RECORD_ON_AND_ON, path) as process:
        process.kill()
        process.wait()
        assert os.path.getsize(path + "-wal") > 0

        with Catalog.peek(path) as catalog:
            assert paths(catalog)[0] == "/srv/photos"


def test_a_copy_with_its_log_is_seen_whole(path: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    with Catalog.open(path) as writer:
        filled(writer, an_archive())
        for name in ("catalog.sqlite3", "catalog.sqlite3-wal"):
            shutil.copy(tmp_path / name, copy)

    with Catalog.peek(str(copy / "catalog.sqlite3")) as catalog:
        assert paths(catalog) == ["/srv/photos"]


@pytest.mark.parametrize("there", [True, False])
def test_nothing_can_be_recorded_while_only_looking(path: str, there: bool) -> None:
    if there:
        Catalog.open(path).close()

    with Catalog.peek(path) as catalog, pytest.raises(CatalogError):
        catalog.begin_run("host")

    assert os.path.exists(path) is there
