"""The 31 ways in which glacier_backup 1.2 breaks, by their numbers in the study of it: none is ours."""

from __future__ import annotations

import importlib.metadata
import os
import sqlite3
import tarfile
import threading
import time
from pathlib import Path

import pytest

from glacier_backup.destination.destination import ByteStream, Progress
from glacier_backup.destination.glacier import LIMITS, Glacier
from glacier_backup.errors import LockHeld
from glacier_backup.lock import RunLock
from glacier_backup.model.archive import Checksums
from glacier_backup.model.upload import OpenUpload
from glacier_backup.plan.parts import part_size
from glacier_backup.units import GIB, MIB
from tests.cli.harness import Cli, Ran, finish, start
from tests.vault_server.process import VaultServer


def backup(cli: Cli, ini: Path, *more: str) -> Ran:
    return cli("-c", ini, "--json", *more)


def record_of_1_2(path: Path, rows: list[tuple[str, str, str, float]]) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE uploads (path TEXT, name TEXT, archive_id TEXT, uploaded_date REAL)")
        database.executemany("INSERT INTO uploads VALUES (?, ?, ?, ?)", rows)
    database.close()


def test_01_02_03_a_first_run_makes_its_own_folders_and_database(cli: Cli) -> None:
    (cli.data / "file").write_text("x")

    ran = cli("-p", cli.data / "file", "--json")

    assert (ran.code, ran.results()) == (0, {str(cli.data / "file"): "sent"})


def test_04_nothing_is_sent_that_could_not_be_recorded(
    cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer
) -> None:
    ini = cli.ini(vault_ini + "[{data}/file]\n")
    (cli.data / "file").write_text("x")
    (cli.folder / "catalog.sqlite3").write_text("this is no database, and must not become one")

    ran = backup(cli, ini)

    assert ran.code == 2
    assert "catalog.sqlite3" in ran.err
    assert vault_server.archives(vault) == []
    assert (cli.folder / "catalog.sqlite3").read_text().startswith("this is no database")


def test_05_what_is_imported_is_declared() -> None:
    requirements = " ".join(importlib.metadata.requires("glacier-backup") or ())

    for name in ("boto3", "pydantic", "python-dateutil", "rich", "SQLAlchemy"):
        assert name in requirements


def test_06_every_console_script_is_there() -> None:
    scripts = importlib.metadata.distribution("glacier-backup").entry_points

    assert [script.name for script in scripts] == ["glacier-backup"]
    assert callable(scripts["glacier-backup"].load())


def test_07_it_runs_without_home_and_takes_xdg_folders(cli: Cli) -> None:
    ini = cli.ini("[main]\ndestination = local\nlogfile =\n[{data}/file]\n")
    (cli.data / "file").write_text("x")
    environ = {"XDG_DATA_HOME": str(cli.folder / "data-home"), "XDG_CONFIG_HOME": str(cli.folder / "config-home")}

    process = start("-c", ini, "--json", environ={**environ, "HOME": ""})

    assert finish(process).sent() == {str(cli.data / "file")}
    assert (cli.folder / "data-home/glacier_backup/catalog.sqlite3").exists()


@pytest.mark.parametrize("quote", ["'", '"'])
def test_08_quotes_are_no_part_of_a_value(cli: Cli, vault: str, vault_server: VaultServer, quote: str) -> None:
    ini = cli.ini(
        f"[main]\naccount_id = {quote}-{quote}\nvault_name = {quote}{vault}{quote}\nlogfile = {quote}{quote}\n"
        f"endpoint_url = {vault_server.endpoint_url}\ncatalog = {{here}}/c.sqlite3\n[{{data}}/file]\n"
    )
    (cli.data / "file").write_text("x")

    assert backup(cli, ini).code == 0
    assert len(vault_server.archives(vault)) == 1


@pytest.mark.parametrize("option", ["exclude", "exclude_prefix"])
def test_09_the_documented_exclude_and_the_one_that_was_read_both_work(cli: Cli, vault_ini: str, option: str) -> None:
    ini = cli.ini(vault_ini + f"[{{data}}]\nupload_files = yes\n{option} = tmp\n")
    for name in ("tmp1", "kept"):
        (cli.data / name).write_text(name)

    ran = backup(cli, ini)

    assert ran.sent() == {str(cli.data / "kept")}
    assert ran.reasons()[str(cli.data / "tmp1")] == "excluded by tmp"


def test_10_a_path_on_the_command_line_keeps_the_rest_of_the_configuration(
    cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer
) -> None:
    ini = cli.ini(vault_ini + "[{data}/other]\n")
    for name in ("one", "other"):
        (cli.data / name).write_text(name)

    assert backup(cli, ini, "-p", str(cli.data / "one")).sent() == {str(cli.data / "one")}
    assert len(vault_server.archives(vault)) == 1


def test_10_vault_and_account_on_the_command_line_need_no_main_section(
    cli: Cli, vault: str, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLACIER_BACKUP_ENDPOINT_URL", vault_server.endpoint_url)
    (cli.data / "one").write_text("x")
    ini = cli.ini("[{data}/one]\n")

    assert backup(cli, ini, "-v", vault, "-a", vault_server.account).code == 0
    assert cli("-p", cli.data / "one", "-v", vault, "--force", "--json").code == 0
    assert len(vault_server.archives(vault)) == 2


def test_11_the_log_file_of_the_command_line_wins_and_is_made(cli: Cli, vault_ini: str) -> None:
    ini = cli.ini(vault_ini.replace("logfile =", "logfile = {here}/configured.log") + "[{data}/file]\n")
    (cli.data / "file").write_text("x")

    backup(cli, ini, "-l", str(cli.folder / "logs/given.log"))

    assert "sent" in (cli.folder / "logs/given.log").read_text()
    assert not (cli.folder / "configured.log").exists()


def test_11_the_log_file_of_the_configuration_is_made(cli: Cli, vault_ini: str) -> None:
    ini = cli.ini(vault_ini.replace("logfile =", "logfile = {here}/configured.log") + "[{data}/file]\n")
    (cli.data / "file").write_text("x")

    backup(cli, ini)

    assert "sent" in (cli.folder / "configured.log").read_text()


def test_12_the_main_section_is_no_path(cli: Cli, vault_ini: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (cli.folder / "main").mkdir()
    monkeypatch.chdir(cli.folder)

    assert backup(cli, cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")).json["plan"] == []


def test_13_a_percent_sign_is_itself(cli: Cli, vault_ini: str) -> None:
    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\nexclude = 100%\n")
    (cli.data / "100% sure").write_text("x")

    assert backup(cli, ini).reasons() == {str(cli.data / "100% sure"): "excluded by 100%"}


def test_13_an_unknown_option_is_reported_with_the_nearest_name(cli: Cli, vault_ini: str) -> None:
    ran = backup(cli, cli.ini(vault_ini + "[{data}]\nupload_file = yes\n"))

    assert ran.code == 2
    assert f"{cli.folder}/backup.ini:8" in ran.err
    assert "upload_files" in ran.err


def test_14_no_configuration_is_an_error(cli: Cli) -> None:
    ran = cli()

    assert ran.code == 2
    assert "glacier_backup.conf" in ran.err
    assert "config init" in ran.err


def test_14_a_missing_path_is_an_error_and_the_others_are_sent(cli: Cli, vault_ini: str) -> None:
    ini = cli.ini(vault_ini + "[{data}/missing]\n[{data}/there]\n")
    (cli.data / "there").write_text("x")

    ran = backup(cli, ini)

    assert (ran.code, ran.sent()) == (1, {str(cli.data / "there")})
    assert f"{cli.data}/missing: missing" in ran.err


def test_14_a_failed_upload_is_an_error(cli: Cli, vault_ini: str, vault_server: VaultServer) -> None:
    ini = cli.ini(vault_ini + "[{data}/file]\n")
    (cli.data / "file").write_text("x")
    vault_server.control(deny=["InitiateMultipartUpload"])
    try:
        ran = backup(cli, ini)
    finally:
        vault_server.control(deny=[])

    assert ran.code == 4
    assert "AccessDenied" in ran.err


def test_15_one_run_sends_everything_and_a_dry_run_shows_everything(cli: Cli, vault_ini: str) -> None:
    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
    names = {str(cli.data / name) for name in ("a", "b", "c")}
    for name in names:
        Path(name).write_text(name)

    assert backup(cli, ini, "-d").actions() == dict.fromkeys(names, "upload")
    assert backup(cli, ini).sent() == names


def test_16_a_file_and_a_single_directory_are_sent_once_and_later_sections_are_reached(
    cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer
) -> None:
    ini = cli.ini(vault_ini + "[{data}/file]\n[{data}/dir]\nupload_single_dir = yes\n[{data}/last]\n")
    (cli.data / "dir").mkdir()
    for name in ("file", "dir/inside", "last"):
        (cli.data / name).write_text(name)

    for _ in range(3):
        assert backup(cli, ini, "--limit", "1").code == 0

    assert sorted(one.description.split()[0] for one in vault_server.archives(vault)) == ["dir.tar", "file", "last"]


def test_17_an_edit_deep_inside_a_directory_is_seen(cli: Cli, vault_ini: str) -> None:
    ini = cli.ini(vault_ini + "[{data}]\nupload_dirs = yes\nupload_if_changed = yes\n")
    for name in ("one", "two"):
        (cli.data / name / "a/b/c").mkdir(parents=True)
        (cli.data / name / "a/b/c/file").write_text("before")

    assert backup(cli, ini).sent() == {str(cli.data / "one"), str(cli.data / "two")}
    assert backup(cli, ini).sent() == set()
    (cli.data / "two/a/b/c/file").write_text("after!")
    assert backup(cli, ini).sent() == {str(cli.data / "two")}


def test_18_a_change_made_while_it_was_sent_is_seen_by_the_next_run(
    cli: Cli, vault_ini: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ini = cli.ini(vault_ini + "[{data}/file]\nupload_if_changed = yes\n")
    file = cli.data / "file"
    file.write_text("before")
    send = Glacier.send

    def edited_meanwhile(self: Glacier, upload: OpenUpload, stream: ByteStream, progress: Progress) -> Checksums:
        checksums = send(self, upload, stream, progress)
        file.write_text("after!")
        return checksums

    with monkeypatch.context() as patched:
        patched.setattr(Glacier, "send", edited_meanwhile)
        assert backup(cli, ini).sent() == {str(file)}
    assert backup(cli, ini).sent() == {str(file)}
    assert backup(cli, ini).sent() == set()


def test_18_an_mtime_set_back_is_a_change(cli: Cli, vault_ini: str) -> None:
    ini = cli.ini(vault_ini + "[{data}/file]\nupload_if_changed = yes\n")
    (cli.data / "file").write_text("x")
    backup(cli, ini)

    os.utime(cli.data / "file", (0, 0))

    assert backup(cli, ini).sent() == {str(cli.data / "file")}


def test_19_the_last_row_of_a_path_wins_and_a_date_of_zero_counts_as_sent(cli: Cli, vault_ini: str, vault: str) -> None:
    now = time.time()
    record_of_1_2(
        cli.folder / f"glacier.{vault}.sqlite3",
        [
            (str(cli.data / "twice"), "twice", "id-new", now + 60),
            (str(cli.data / "twice"), "twice", "id-last", 1000.0),
            (str(cli.data / "zero"), "zero", "id-zero", 0),
        ],
    )
    ini = cli.ini(vault_ini + "[{data}/twice]\nupload_if_changed = yes\n[{data}/zero]\n")
    for name in ("twice", "zero"):
        (cli.data / name).write_text(name)

    assert backup(cli, ini).sent() == {str(cli.data / "twice")}


def test_20_the_order_is_by_name_and_a_vanishing_file_ends_nothing(
    cli: Cli, vault_ini: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glacier_backup.resolve.local import LocalSource

    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
    for name in ("c", "a", "b"):
        (cli.data / name).write_text(name)
    look = LocalSource.look

    def vanishing(self: LocalSource, candidate: object) -> object:
        (cli.data / "b").unlink(missing_ok=True)
        return look(self, candidate)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(LocalSource, "look", vanishing)
    ran = backup(cli, ini)

    assert list(ran.results()) == [str(cli.data / name) for name in "abc"]
    assert ran.sent() == {str(cli.data / "a"), str(cli.data / "c")}
    assert ran.code == 1


@pytest.mark.parametrize("size", [0, 1, MIB, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 8 * MIB], ids=str)
def test_21_sizes_around_the_part_size_are_right(
    cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer, size: int
) -> None:
    ini = cli.ini(vault_ini.replace("logfile", "part_size = 4 MiB\nlogfile") + "[{data}/file]\n")
    (cli.data / "file").write_bytes(os.urandom(size))

    assert backup(cli, ini).code == 0

    (archive,) = vault_server.archives(vault)
    if size:
        assert archive.path.read_bytes() == (cli.data / "file").read_bytes()
    else:
        with tarfile.open(archive.path) as tar:
            assert [(member.name, member.size) for member in tar] == [("file", 0)]


def test_22_parts_grow_with_the_archive_so_that_ten_thousand_are_enough() -> None:
    size = part_size(40 * 1024 * GIB // 2, None, LIMITS)

    assert isinstance(size, int)
    assert size * LIMITS.most_parts >= 20 * 1024 * GIB


@pytest.mark.parametrize("denied", ["UploadMultipartPart", "CompleteMultipartUpload"])
def test_23_24_parts_that_fail_end_the_run_with_the_cause_and_the_next_one_leaves_nothing_open(
    cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer, denied: str
) -> None:
    ini = cli.ini(vault_ini.replace("logfile", "part_size = 1 MiB\nlogfile") + "[{data}/file]\n")
    (cli.data / "file").write_bytes(os.urandom(20 * MIB))
    vault_server.control(deny=[denied])
    try:
        ran = backup(cli, ini)
    finally:
        vault_server.control(deny=[])

    assert ran.code == 4
    assert "AccessDenied" in ran.json["plan"][0]["error"]
    assert backup(cli, ini).code == 0
    assert len(vault_server.archives(vault)) == 1
    assert vault_server.uploads(vault) == []


def test_25_every_description_is_one_that_a_vault_takes(
    cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer
) -> None:
    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
    names = ["ü", "new\nline", "tab\t", " blank", "x" * 255, os.fsdecode(b"\xff\xfe"), "-dash", "日本語" * 20]
    for name in names:
        (cli.data / name).write_text("x")

    ran = backup(cli, ini)

    assert (ran.code, len(ran.sent())) == (0, len(names))
    descriptions = [archive.description for archive in vault_server.archives(vault)]
    assert all(len(text) <= 1024 and text.isascii() and text.isprintable() for text in descriptions)
    assert len(set(descriptions)) == len(names)


def test_26_a_file_that_changes_while_it_is_packed_ends_nothing(cli: Cli, vault_ini: str) -> None:
    ini = cli.ini(vault_ini + "[{data}]\nupload_dirs = yes\n")
    for name in ("a", "b"):
        (cli.data / name).mkdir()
        (cli.data / name / "file").write_bytes(bytes(30 * MIB))
    stop = threading.Event()

    def keep_changing() -> None:
        with (cli.data / "a/file").open("ab") as file:
            while not stop.wait(0.001):
                file.write(b"more")
                file.flush()

    writer = threading.Thread(target=keep_changing)
    writer.start()
    try:
        ran = backup(cli, ini)
    finally:
        stop.set()
        writer.join()

    assert (ran.code, ran.sent()) == (0, {str(cli.data / "a"), str(cli.data / "b")})
    assert f"{cli.data}/a: changed while it was read" in ran.err


def test_27_no_temporary_file_is_left_and_members_are_not_absolute(
    cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = cli.folder / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    ini = cli.ini(vault_ini + "[{data}/dir]\nupload_single_dir = yes\n")
    (cli.data / "dir").mkdir()
    (cli.data / "dir/file").write_text("x")

    backup(cli, ini)

    assert list(temporary.iterdir()) == []
    (archive,) = vault_server.archives(vault)
    with tarfile.open(archive.path) as tar:
        assert tar.getnames() == ["dir", "dir/file"]


def test_28_what_had_one_name_in_1_2_can_be_told_apart(
    cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer
) -> None:
    ini = cli.ini(vault_ini + "[{data}/x]\nupload_dirs = yes\n[{data}/y]\nupload_dirs = yes\n")
    for name in ("x/a b", "x/a_b", "y/a b"):
        (cli.data / name).mkdir(parents=True)

    backup(cli, ini)

    descriptions = [archive.description for archive in vault_server.archives(vault)]
    assert {text.split()[0] for text in descriptions} == {"a_b.tar"}
    assert len(set(descriptions)) == 3


def test_29_only_runs_of_one_catalog_exclude_each_other(cli: Cli, vault_ini: str) -> None:
    ini = cli.ini(vault_ini + "[{data}/file]\n")
    other = cli.ini(vault_ini.replace("catalog.sqlite3", "other.sqlite3") + "[{data}/file]\n", "other.ini")
    (cli.data / "file").write_text("x")

    with RunLock(str(cli.folder / "catalog.sqlite3")):
        refused = backup(cli, ini)
        assert refused.code == LockHeld.exit_code == 3
        assert f"process {os.getpid()}" in refused.err
        assert backup(cli, other).code == 0
    assert backup(cli, ini).code == 0


def test_30_a_dry_run_needs_no_lock_no_credentials_and_no_region(cli: Cli) -> None:
    ini = cli.ini("[main]\nvault_name = photos\ncatalog = {here}/catalog.sqlite3\n[{data}/file]\n")
    (cli.data / "file").write_text("x")
    before = sorted(cli.folder.rglob("*"))

    with RunLock(str(cli.folder / "elsewhere")):
        ran = backup(cli, ini, "-d")

    assert (ran.code, ran.actions()) == (0, {str(cli.data / "file"): "upload"})
    assert [path for path in sorted(cli.folder.rglob("*")) if "elsewhere" not in path.name] == before


def test_31_one_vault_name_in_two_regions_is_two_vaults(
    cli: Cli, vault_ini: str, vault: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ini = cli.ini(vault_ini + "[{data}/file]\n")
    (cli.data / "file").write_text("x")
    assert backup(cli, ini).sent() == {str(cli.data / "file")}

    with VaultServer(tmp_path_factory.mktemp("elsewhere"), region="eu-west-1") as server:
        server.create_vault(vault)
        elsewhere = cli.ini(
            f"[main]\nvault_name = {vault}\nregion = eu-west-1\nendpoint_url = {server.endpoint_url}\n"
            "catalog = {here}/catalog.sqlite3\nlogfile =\n[{data}/file]\n",
            "elsewhere.ini",
        )
        assert backup(cli, elsewhere).sent() == {str(cli.data / "file")}
        assert len(server.archives(vault)) == 1
