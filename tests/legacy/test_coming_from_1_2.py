"""Someone who comes from glacier_backup 1.2 changes nothing, and nothing is sent again."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from tests.cli.harness import Cli, Ran
from tests.vault_server.process import VaultServer


@pytest.fixture
def folder() -> Path:
    """Where 1.2 kept its configuration and its record."""
    folder = Path.home() / ".config/glacier_backup"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def from_1_2(cli: Cli, folder: Path, vault: str, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A configuration as the documentation of 1.2 has it, quotes and all, and a record of two uploads."""
    monkeypatch.setenv("GLACIER_BACKUP_ENDPOINT_URL", vault_server.endpoint_url)
    (folder / "glacier_backup.conf").write_text(
        f"[main]\naccount_id='-'\nvault_name='{vault}'\nlogfile='{folder}/glacier_backup.log'\n\n"
        f"[{cli.data}/dirs/]\nupload_dirs=True\nupload_if_changed=True\nexclude=tmp\n\n[{cli.data}/file]\n"
    )
    for name in ("dirs/changed", "dirs/kept", "dirs/new"):
        (cli.data / name / "deep").mkdir(parents=True)
        (cli.data / name / "deep/file").write_text(name)
    (cli.data / "file").write_text("x")
    now = time.time()
    os.utime(cli.data / "dirs/changed/deep/file", (now + 30, now + 30))
    rows = [
        (f"{cli.data}/dirs/changed", "changed.tar", "id-changed", now),
        (f"{cli.data}/dirs/kept", "kept.tar", "id-kept-old", 5.0),
        (f"{cli.data}/dirs/kept", "kept.tar", "id-kept", now),
        (f"{cli.data}/file", "file", "id-file", now - 1e6),
    ]
    with sqlite3.connect(folder / f"glacier.'{vault}'.sqlite3") as database:
        database.execute("CREATE TABLE uploads (path TEXT, name TEXT, archive_id TEXT, uploaded_date INTEGER)")
        database.executemany("INSERT INTO uploads VALUES (?, ?, ?, ?)", rows)
    database.close()
    return cli


def names(cli: Cli, ran: Ran) -> set[str]:
    return {path.removeprefix(f"{cli.data}/") for path in ran.sent()}


def test_only_what_is_new_or_changed_since_is_sent(from_1_2: Cli) -> None:
    ran = from_1_2("--json")

    assert ran.code == 0
    assert names(from_1_2, ran) == {"dirs/changed", "dirs/new"}
    assert "took over the record of 3 archives" in ran.err
    assert from_1_2("--json").sent() == set()


def test_what_was_taken_over_is_listed_with_its_archive_ids(from_1_2: Cli) -> None:
    from_1_2()

    listing = {one["path"].removeprefix(f"{from_1_2.data}/"): one for one in from_1_2("list", "--json").json}

    assert listing["dirs/kept"]["locator"] == "id-kept"
    assert listing["dirs/kept"]["sha256_tree"] is None


def test_a_dry_run_counts_it_and_writes_nothing(from_1_2: Cli, folder: Path) -> None:
    before = sorted(Path.home().rglob("*"))

    ran = from_1_2("-d", "--json")

    assert ran.json["summary"]["importable"] == 3
    uploads = {path for path, action in ran.actions().items() if action == "upload"}
    assert uploads == {f"{from_1_2.data}/dirs/changed", f"{from_1_2.data}/dirs/new"}
    assert sorted(Path.home().rglob("*")) == before
    assert "3 archives" in from_1_2("-d").out


def test_its_record_is_left_as_it_was(from_1_2: Cli, folder: Path, vault: str) -> None:
    record = folder / f"glacier.'{vault}'.sqlite3"
    before = record.read_bytes()

    from_1_2()

    assert record.read_bytes() == before


def test_it_can_be_taken_over_by_hand(from_1_2: Cli, folder: Path, vault: str) -> None:
    record = (folder / f"glacier.'{vault}'.sqlite3").rename(folder / "elsewhere.sqlite3")

    ran = from_1_2("catalog", "import", record)

    assert ran.code == 0
    assert "3 archives" in ran.out
    assert from_1_2("catalog", "import", record, "--json").json["imported"] == 0
    assert names(from_1_2, from_1_2("--json")) == {"dirs/changed", "dirs/new"}


def test_a_file_that_is_no_such_record_is_refused(from_1_2: Cli, folder: Path) -> None:
    (folder / "other").write_text("nothing of the kind")

    ran = from_1_2("catalog", "import", folder / "other")

    assert ran.code == 2
    assert "glacier_backup 1.2" in ran.err


def test_ten_thousand_file_sections_are_taken(cli: Cli, vault_ini: str) -> None:
    ini = cli.ini(vault_ini + "".join(f"[{cli.data}/{number}]\n" for number in range(10_000)))
    (cli.data / "7").write_text("x")

    ran = cli("-c", ini, "-d", "--json")

    assert len(ran.json["plan"]) == 10_000
    assert [path for path, action in ran.actions().items() if action == "upload"] == [f"{cli.data}/7"]


def test_a_record_is_of_one_vault_and_not_of_another_of_that_name_elsewhere(
    from_1_2: Cli, folder: Path, vault: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_1_2()

    with VaultServer(tmp_path_factory.mktemp("elsewhere"), region="eu-west-1") as elsewhere:
        elsewhere.create_vault(vault)
        monkeypatch.setenv("GLACIER_BACKUP_ENDPOINT_URL", elsewhere.endpoint_url)
        monkeypatch.setenv("GLACIER_BACKUP_REGION", "eu-west-1")
        assert names(from_1_2, from_1_2("--json")) == {"dirs/changed", "dirs/kept", "dirs/new", "file"}


def test_a_record_named_for_another_vault_is_refused(from_1_2: Cli, folder: Path, vault: str) -> None:
    record = (folder / f"glacier.'{vault}'.sqlite3").rename(folder / "glacier.other.sqlite3")

    ran = from_1_2("catalog", "import", record)

    assert ran.code == 2
    assert "vault other" in ran.err
