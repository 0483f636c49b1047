"""``glacier-backup verify`` and ``catalog rebuild``, as a person or cron runs them."""

from __future__ import annotations

import gzip
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from glacier_backup.cli import verifying
from glacier_backup.interrupt import StopRequest
from tests.cli.harness import Cli
from tests.vault_server.process import VaultServer

DISK = "[main]\ndestination = {here}/vault\ncatalog = {here}/catalog.sqlite3\nlogfile =\n[{data}]\nupload_dirs = yes\n"


def archive_of(cli: Cli) -> Path:
    """The only one on the disk."""
    (found,) = (cli.folder / "vault").rglob("*.tar")
    return found


@pytest.fixture
def disk(cli: Cli) -> Path:
    """An INI file whose only archive, a tar of three members, lies on a disk."""
    ini = cli.ini(DISK)
    photos = cli.data / "photos"
    photos.mkdir()
    for number in range(2):
        (photos / f"{number}.jpg").write_bytes(os.urandom(3_000_000))
    assert cli("-c", ini).code == 0
    return ini


def test_what_is_as_it_was_is_said_to_be(cli: Cli, disk: Path) -> None:
    ran = cli("verify", "-c", disk, "--verbose")

    assert (ran.code, ran.err) == (0, "")
    assert "1 of 1 volumes are right" in ran.out
    assert "the catalog agrees with itself" in ran.out


def test_cron_hears_nothing_of_what_is_right(cli: Cli, disk: Path) -> None:
    ran = cli("verify", "-c", disk)

    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_an_archive_that_is_gone_is_damage(cli: Cli, disk: Path) -> None:
    archive_of(cli).unlink()

    ran = cli("verify", "-c", disk)

    assert ran.code == 5
    assert f"missing: {cli.data}/photos" in ran.err
    assert "it is not there any more" in ran.err
    assert "1 of these the next run sends again" in ran.err


def test_the_run_after_a_verification_heals_what_is_missing(cli: Cli, disk: Path) -> None:
    archive_of(cli).unlink()
    assert cli("verify", "-c", disk).code == 5
    (listed,) = cli("list", "-c", disk, "--json").json
    assert listed["damage"] == "it is not there any more"
    assert cli("verify", "-c", disk, "--status", "--json").json[0]["damaged"] == 1
    assert "damaged at the destination: it is not there any more" in cli("-c", disk, "-d").out

    assert cli("-c", disk).code == 0

    assert [one["damage"] is None for one in cli("list", "-c", disk, "--json").json] == [False, True]
    assert cli("-c", disk, "-d", "--json").json["summary"]["planned"] == 0
    ran = cli("verify", "-c", disk)
    assert ran.code == 5
    assert f"glacier-backup delete id:{listed['id']} removes this one" in ran.err
    assert cli("delete", "-c", disk, f"id:{listed['id']}", "--yes").code == 0
    assert cli("verify", "-c", disk).code == 0


def test_an_archive_of_another_size_is_damage(cli: Cli, disk: Path) -> None:
    with archive_of(cli).open("ab") as archive:
        archive.write(b"more")

    ran = cli("verify", "-c", disk, "--json")

    assert ran.code == 5
    (found,) = ran.json["findings"]
    assert (found["kind"], found["damage"], found["path"]) == ("other_size", True, f"{cli.data}/photos")


def test_reading_all_of_it_finds_a_single_wrong_byte_and_who_is_hit(cli: Cli, disk: Path) -> None:
    path = archive_of(cli)
    content = bytearray(path.read_bytes())
    content[4_000_000] ^= 1
    path.write_bytes(content)
    assert cli("verify", "-c", disk).code == 0  # of a disk only reading tells

    ran = cli("verify", "-c", disk, "--full", "--json")

    assert ran.code == 5
    (found,) = ran.json["findings"]
    assert found["kind"] == "damaged"
    assert found["members"] == ["photos/1.jpg"]


def test_reading_all_of_it_is_noted(cli: Cli, disk: Path) -> None:
    assert cli("verify", "-c", disk, "--status", "--json").json[0]["never"] == 1

    assert cli("verify", "-c", disk, "--full").code == 0

    (status,) = cli("verify", "-c", disk, "--status", "--json").json
    assert status["never"] == 0
    assert status["verified_bytes"]["30_days"] == status["bytes"] == archive_of(cli).stat().st_size


def test_a_sample_reads_only_some(cli: Cli, disk: Path) -> None:
    ran = cli("verify", "-c", disk, "--sample", "1%", "--json")

    assert ran.code == 0
    assert 0 < ran.json["read"]["fetched"] <= 16 * 2**20


def test_a_plan_reads_nothing(cli: Cli, disk: Path) -> None:
    ran = cli("verify", "-c", disk, "--full", "--plan", "--json")

    assert (ran.code, ran.json["items"], ran.json["bytes"]) == (0, 1, archive_of(cli).stat().st_size)


def test_two_ways_to_read_at_once_are_refused(cli: Cli, disk: Path) -> None:
    ran = cli("verify", "-c", disk, "--full", "--sample", "1")

    assert ran.code == 2
    assert "expected one of them" in ran.err


@pytest.mark.parametrize("share", ["0", "101%", "-1%", "some"])
def test_a_sample_of_nothing_is_refused(cli: Cli, disk: Path, share: str) -> None:
    ran = cli("verify", "-c", disk, f"--sample={share}")

    assert ran.code == 2
    assert "expected a part of all bytes" in ran.err


def test_only_what_is_named_is_looked_at(cli: Cli, disk: Path) -> None:
    archive_of(cli).unlink()
    (cli.data / "other").mkdir()
    assert cli("-c", disk).code == 0

    assert cli("verify", "-c", disk, cli.data / "other").code == 0
    assert cli("verify", "-c", disk, cli.data / "photos").code == 5
    assert cli("verify", "-c", disk, cli.data / "phatos").code == 2


def test_an_ini_file_is_not_needed(cli: Cli, disk: Path) -> None:
    ran = cli("verify", "--catalog-file", cli.folder / "catalog.sqlite3", "--json")

    assert (ran.code, ran.json["places"][0]["right"]) == (0, 1)


def test_a_disk_that_is_not_mounted_is_no_damage(cli: Cli, disk: Path) -> None:
    (cli.folder / "vault").rename(cli.folder / "away")

    ran = cli("verify", "-c", disk)

    assert ran.code == 4
    assert "vault" in ran.err


@pytest.fixture
def slow(vault_server: VaultServer) -> Iterator[VaultServer]:
    """A vault server whose jobs take an hour."""
    vault_server.control(job_delay=3600)
    yield vault_server
    vault_server.control(job_delay=0, spoil_output=None)


def test_a_vault_is_asked_for_its_inventory_and_looked_at_when_it_is_there(
    cli: Cli, vault: str, slow: VaultServer, vault_ini: str
) -> None:
    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
    (cli.data / "dump.sql").write_bytes(b"select")
    assert cli("-c", ini).code == 0
    slow.control(take_inventory=vault)

    first, again = cli("verify", "-c", ini), cli("verify", "-c", ini)
    slow.control(finish_jobs=True)
    last = cli("verify", "-c", ini, "--json")

    assert (first.code, again.code, last.code) == (75, 75, 0)
    assert "run again later" in first.out
    assert last.json["places"][0]["proven"] == 1


def test_who_waits_has_it_looked_at_when_it_is_there(
    cli: Cli, vault: str, slow: VaultServer, vault_ini: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
    (cli.data / "dump.sql").write_bytes(b"select")
    assert cli("-c", ini).code == 0
    slow.control(take_inventory=vault)
    pauses: list[object] = []

    def pause(stop: StopRequest) -> None:
        pauses.append(stop)
        slow.control(finish_jobs=True)

    monkeypatch.setattr("glacier_backup.cli.verifying._pause", pause)

    ran = cli("verify", "-c", ini, "--wait", "--json")

    assert (ran.code, len(pauses), ran.json["places"][0]["right"]) == (0, 1, 1)


def test_a_stop_while_it_waits_speaks_of_verifying(
    cli: Cli, vault: str, slow: VaultServer, vault_ini: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
    (cli.data / "dump.sql").write_bytes(b"select")
    assert cli("-c", ini).code == 0
    slow.control(take_inventory=vault)
    really = verifying._pause

    def pause(stop: StopRequest) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        really(stop)

    monkeypatch.setattr(verifying, "_pause", pause)

    ran = cli("verify", "-c", ini, "--wait")

    assert ran.code == 130
    assert "what was found right is noted" in ran.err
    assert "sent" not in ran.err


def test_who_watches_sees_how_far_reading_is(cli: Cli, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("glacier_backup.cli.render.error_console", lambda: Console(stderr=True, force_terminal=True))

    ran = cli("verify", "--full", "-c", disk)

    assert ran.code == 0
    assert "1 of 1 done" in ran.err


def test_a_sample_of_a_vault_is_drawn_once_and_read_when_it_is_thawed(
    cli: Cli, vault: str, slow: VaultServer, vault_ini: str
) -> None:
    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
    (cli.data / "dump.sql").write_bytes(os.urandom(40 * 2**20))
    assert cli("-c", ini).code == 0

    first, again = cli("verify", "-c", ini, "--sample", "1%"), cli("verify", "-c", ini, "--sample", "1%")
    ((_, start, end),) = slow.retrieved(vault)
    slow.control(finish_jobs=True)
    last = cli("verify", "-c", ini, "--sample", "1%", "--json")

    assert (first.code, again.code, last.code) == (75, 75, 0)
    assert "bulk" in first.out  # what it costs was shown
    assert "bulk" not in again.out
    assert end - start <= 16 * 2**20
    assert last.json["read"]["fetched"] == end - start
    assert "bulk" in cli("verify", "-c", ini, "--sample", "1%").out  # and the next one draws anew


def test_what_costs_too_much_is_not_asked_for(cli: Cli, vault: str, slow: VaultServer, vault_ini: str) -> None:
    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
    (cli.data / "dump.sql").write_bytes(os.urandom(3 * 2**20))
    assert cli("-c", ini).code == 0

    ran = cli("verify", "-c", ini, "--full", "--tier", "expedited", "--max-cost", "0.000001")

    assert ran.code == 2
    assert "--max-cost" in ran.err
    assert slow.retrieved(vault) == []


def test_a_lost_catalog_is_made_anew_and_nothing_is_sent_again(cli: Cli, disk: Path) -> None:
    (cli.folder / "catalog.sqlite3").unlink()

    ran = cli("catalog", "rebuild", "-c", disk, "--no-copy", "--json")

    assert (ran.code, ran.json["places"][0]["added"]) == (0, 1)
    assert cli("-c", disk, "--json").json["summary"]["sent"] == 0
    assert cli("verify", "-c", disk, "--full").code == 0


def test_a_place_that_no_ini_file_names_is_rebuilt_from_its_url(cli: Cli, disk: Path) -> None:
    (cli.folder / "catalog.sqlite3").unlink()
    other = cli.ini("[main]\ndestination = {here}/elsewhere\ncatalog = {here}/new.sqlite3\n", "other.ini")

    ran = cli("catalog", "rebuild", "-c", other, "--no-copy", "--from", cli.folder / "vault", "--json")

    assert (ran.code, ran.json["places"][0]["place"], ran.json["places"][0]["added"]) == (
        0,
        str(cli.folder / "vault"),
        1,
    )


def test_a_manifest_that_was_tampered_with_is_left_out_and_named(cli: Cli, disk: Path) -> None:
    (cli.folder / "catalog.sqlite3").unlink()
    manifest = archive_of(cli).with_name(archive_of(cli).name + ".recipe.json")
    manifest.write_text(manifest.read_text().replace(f"{cli.data}/photos", "/etc/passwd"))

    ran = cli("catalog", "rebuild", "-c", disk, "--no-copy")

    assert ran.code == 1
    assert "left out:" in ran.err
    assert "/etc/passwd" in ran.err


def test_a_copy_of_the_catalog_that_lies_there_is_the_beginning(cli: Cli, disk: Path) -> None:
    catalog = cli.folder / "catalog.sqlite3"
    copy = cli.folder / "vault" / "anywhere" / ".catalog" / "20990101T000000.000000Z.sqlite3.gz"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(gzip.compress(catalog.read_bytes()))
    (cli.data / "other").mkdir()
    assert cli("-c", disk).code == 0
    catalog.unlink()

    ran = cli("catalog", "rebuild", "-c", disk, "--host", "anywhere", "--json")
    assert (ran.code, ran.json["copy"]) == (0, "anywhere/.catalog/20990101T000000.000000Z.sqlite3.gz")
    assert (ran.json["places"][0]["known"], ran.json["places"][0]["added"]) == (1, 0)

    assert cli("catalog", "rebuild", "-c", disk, "--json").json["places"][0]["added"] == 1
    assert cli("-c", disk, "--json").json["summary"]["sent"] == 0


def test_a_log_without_its_catalog_is_never_put_beside_a_copy(cli: Cli, disk: Path) -> None:
    (cli.folder / "catalog.sqlite3").rename(cli.folder / "away")
    (cli.folder / "catalog.sqlite3-wal").write_bytes(b"log")

    ran = cli("catalog", "rebuild", "-c", disk)

    assert ran.code == 2
    assert "its log is still there" in ran.err


def test_a_journal_that_is_none_is_refused(cli: Cli, vault: str, vault_server: VaultServer, vault_ini: str) -> None:
    ini = cli.ini(vault_ini)
    vault_server.control(take_inventory=vault)
    journal = cli.folder / "journal"
    journal.write_text("nonsense\n")

    ran = cli("catalog", "rebuild", "-c", ini, "--journal", journal)

    assert ran.code == 2
    assert "journal: line 1" in ran.err


def test_what_a_newer_one_has_overwritten_is_no_damage(cli: Cli) -> None:
    ini = cli.ini(DISK.replace("upload_dirs = yes\n", "upload_tree = yes\nkeep_versions = no\n"))
    for content in (b"first", b"other one"):
        (cli.data / "a").write_bytes(content)
        assert cli("-c", ini).code == 0

    ran = cli("verify", "--full", "-c", ini)

    assert (ran.code, ran.err) == (0, "")
