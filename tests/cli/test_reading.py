"""From a place of the catalog to its destination."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path as FilePath

import pytest

from glacier_backup.cli.reading import load_for_reading, open_reading, settings_of
from glacier_backup.config.load import load
from glacier_backup.config.settings import Settings
from glacier_backup.destination.glacier import Glacier
from glacier_backup.errors import UsageError
from glacier_backup.model.place import Place
from glacier_backup.workflow.reading import DestinationOf

NO_INI: dict[str, str | None] = {"config": None, "catalog": None}


@pytest.fixture
def home(tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch) -> FilePath:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "AWS_REGION", "AWS_PROFILE", "GLACIER_BACKUP_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    return tmp_path


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def written(home: FilePath, text: str) -> Settings:
    file = home / "backup.ini"
    file.write_text(text)
    return load(str(file), needs_sections=False)


def opened(settings: Settings, stack: ExitStack) -> DestinationOf:
    return open_reading(settings, lambda event: None, stack)


def test_what_the_ini_file_says_of_a_place_counts(home: FilePath, stack: ExitStack) -> None:
    settings = written(home, "[main]\ndestination = sftp://me@nas.example/backup\ncold = yes\n")
    where = opened(settings, stack)(Place("sftp", "me@nas.example:22/backup"))
    assert getattr(where, "_cold") is True  # noqa: B009  # private: what a reader is not to see


def test_a_vault_of_the_account_behind_the_credentials_is_found_by_its_number(home: FilePath, stack: ExitStack) -> None:
    settings = written(home, "[main]\nvault_name = family\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:1\n")
    where = opened(settings, stack)(Place("glacier", "family", "eu-west-1", "123456789012"))
    assert isinstance(where, Glacier)
    assert where.place.account == "-"
    other = opened(settings, stack)(Place("glacier", "family", "us-east-1", "123456789012"))
    assert other.place.account == "123456789012"


@pytest.mark.parametrize(
    "place",
    [
        Place("local", "/mnt/disk"),
        Place("s3", "bucket-name/a/prefix"),
        Place("s3", "bucket-name", "https://store.example"),
        Place("sftp", "me@nas.example:23/backup"),
        Place("sftp", "me@[::1]:23/~/backup"),
        Place("sftp", "me@nas.example:22/~/."),
        Place("glacier", "family", "eu-west-1", "123456789012"),
    ],
    ids=str,
)
def test_the_catalog_alone_tells_how_to_reach_a_place(home: FilePath, stack: ExitStack, place: Place) -> None:
    where = opened(load(None, needs_sections=False), stack)(place)
    assert where.place == place


def test_the_same_place_is_the_same_destination(home: FilePath, stack: ExitStack) -> None:
    destination_of = opened(load(None, needs_sections=False), stack)
    assert destination_of(Place("local", "/mnt/disk")) is destination_of(Place("local", "/mnt/disk"))


def test_a_place_that_nobody_can_reach_is_named(home: FilePath) -> None:
    with pytest.raises(UsageError, match="can't be reached"):
        settings_of(Place("s3", "UPPER"), load(None, needs_sections=False))


def test_a_named_catalog_needs_no_ini_file(home: FilePath) -> None:
    file = home / "copy.sqlite3"
    file.touch()
    settings, catalog = load_for_reading(argparse.Namespace(**NO_INI | {"catalog": str(file)}))
    assert catalog == str(file)
    assert settings.file is None


def test_a_named_catalog_has_to_be_there(home: FilePath) -> None:
    with pytest.raises(UsageError, match="there is no catalog"):
        load_for_reading(argparse.Namespace(**NO_INI | {"catalog": str(home / "nothing")}))
