from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import select

from glacier_backup.catalog import migrations, schema
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.migrations import Migration, applied, newest
from glacier_backup.catalog.opening import open_writable
from glacier_backup.errors import CatalogError
from tests.catalog.values import an_archive, filled

_GOOD = Migration(newest() + 1, "tags", ("CREATE TABLE tags (id INTEGER PRIMARY KEY)",))
_BAD = Migration(newest() + 2, "broken", ("CREATE TABLE half (id INTEGER PRIMARY KEY)", "no SQL at all"))


def with_steps(monkeypatch: pytest.MonkeyPatch, *further: Migration) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, *further))


def state(path: str) -> tuple[int, set[str]]:
    """The schema that a catalog is at, and the names of its tables."""
    database = open_writable(path)
    try:
        return database.read(
            lambda connection: (
                applied(connection.exec_driver_sql),
                set(connection.dialect.get_table_names(connection)),
            )
        )
    finally:
        database.close()


def test_steps_are_numbered_from_one_without_a_gap() -> None:
    assert [step.number for step in migrations.MIGRATIONS] == list(range(1, newest() + 1))


def test_every_step_is_noted_with_its_name(path: str) -> None:
    database = open_writable(path)

    noted = database.read(
        lambda connection: [
            (number, name)
            for number, name in connection.execute(select(schema.migrations.c.number, schema.migrations.c.name))
        ]
    )

    assert noted == [(step.number, step.name) for step in migrations.MIGRATIONS]
    database.close()


def test_an_older_catalog_is_brought_to_the_newest_schema(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Catalog.open(path) as catalog:
        filled(catalog, an_archive())
    with_steps(monkeypatch, _GOOD)

    number, tables = state(path)

    assert number == _GOOD.number
    assert "tags" in tables
    with Catalog.open(path) as catalog:
        assert [listed.path for listed in catalog.archives()] == ["/srv/photos"]


def test_a_step_that_fails_leaves_nothing_of_itself_and_keeps_those_before(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Catalog.open(path).close()
    with monkeypatch.context() as patch:
        with_steps(patch, _GOOD, _BAD)
        with pytest.raises(CatalogError):
            Catalog.open(path)
    with_steps(monkeypatch, _GOOD)

    number, tables = state(path)

    assert number == _GOOD.number
    assert "tags" in tables
    assert "half" not in tables


def test_a_new_catalog_whose_making_fails_leaves_no_file(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_steps(monkeypatch, _GOOD, _BAD)

    with pytest.raises(CatalogError):
        Catalog.open(path)

    assert os.listdir(os.path.dirname(path)) == []


def test_a_catalog_newer_than_the_program_is_refused_and_left_as_it_is(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        with_steps(patch, _GOOD)
        Catalog.open(path).close()
    before = Path(path).read_bytes()

    for opened in (Catalog.open, Catalog.peek):
        with pytest.raises(CatalogError, match=rf"newer glacier-backup \(schema {_GOOD.number}; this one") as caught:
            opened(path)
        assert "install the newer version" in str(caught.value.hint)

    assert Path(path).read_bytes() == before


def test_a_look_at_an_older_catalog_brings_only_a_copy_to_the_newest_schema(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Catalog.open(path) as catalog:
        filled(catalog, an_archive())
    before = Path(path).read_bytes()
    with_steps(monkeypatch, _GOOD)

    with Catalog.peek(path) as catalog:
        assert [listed.path for listed in catalog.archives()] == ["/srv/photos"]

    assert Path(path).read_bytes() == before
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
