"""The main job, from the command line, against the strict server and the local vault."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from glacier_backup.units import MIB
from tests.cli.harness import Cli, finish, start, wait_until
from tests.s3_servers.fixtures import Store
from tests.vault_server.process import VaultServer

LOCAL = "[main]\ndestination = {here}/vault\ncatalog = {here}/catalog.sqlite3\nlogfile =\n"


def files(cli: Cli, *names: str) -> None:
    for name in names:
        path = cli.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")


def tree(folder: Path) -> list[tuple[str, int, int]]:
    return sorted((str(path), path.lstat().st_mtime_ns, path.lstat().st_size) for path in folder.rglob("*"))


def test_first_everything_then_nothing_then_what_has_changed(cli: Cli, vault_ini: str) -> None:
    ini = cli.ini(vault_ini + "[{data}/dirs]\nupload_dirs = yes\nupload_if_changed = yes\n[{data}/file]\n")
    files(cli, "dirs/a/deep/down/x", "dirs/b/y", "file")

    assert cli("-c", ini, "--json").sent() == {str(cli.data / name) for name in ("dirs/a", "dirs/b", "file")}
    second = cli("-c", ini, "--json")
    assert (second.code, second.sent()) == (0, set())
    (cli.data / "dirs/a/deep/down/x").write_text("edited")
    assert cli("-c", ini, "--json").sent() == {str(cli.data / "dirs/a")}


def test_the_verb_backup_is_the_flat_form(cli: Cli) -> None:
    ini = cli.ini(LOCAL + "[{data}/file]\n")
    files(cli, "file")

    assert cli("-c", ini, "-d", "--json").json == cli("backup", "-c", ini, "-d", "--json").json


def test_a_second_run_asks_the_vault_nothing(cli: Cli, vault_ini: str, vault_server: VaultServer) -> None:
    ini = cli.ini(vault_ini + "[{data}/file]\n")
    files(cli, "file")
    cli("-c", ini)
    before = vault_server.stats()["operations"]

    assert cli("-c", ini).code == 0

    assert vault_server.stats()["operations"] == before


def test_a_dry_run_shows_every_candidate_with_its_reason_and_changes_nothing(cli: Cli) -> None:
    ini = cli.ini(
        LOCAL + "[{data}]\nupload_files = yes\nexclude = skip\n[{data}/none]\n[{data}/missing]\n[{data}/once]\n"
    )
    files(cli, "a", "skip-me", "none/x", "once")
    cli("-c", ini, "-p", cli.data / "once")
    before = tree(cli.folder)

    ran = cli("-c", ini, "--dry-run", "--json")

    assert tree(cli.folder) == before
    assert ran.code == 1
    reasons = ran.reasons()
    assert reasons[str(cli.data / "a")] == "not sent yet"
    assert reasons[str(cli.data / "skip-me")] == "excluded by skip"
    assert reasons[str(cli.data / "none")] == "no upload option set"
    assert reasons[str(cli.data / "missing")] == "missing"
    assert reasons[str(cli.data / "once")].startswith("already sent on ")


def test_a_dry_run_for_people_is_a_table(cli: Cli) -> None:
    ini = cli.ini(LOCAL + "[{data}/file]\n")
    files(cli, "file")

    out = cli("-c", ini, "-d").out

    assert re.search(rf"^send +15 B +{cli.data}/file +file +not sent yet *$", out, re.MULTILINE)
    assert "nothing was sent" in out


def test_json_has_the_shape_that_is_documented(cli: Cli) -> None:
    ini = cli.ini(LOCAL + "[{data}/file]\n[{data}/missing]\n")
    files(cli, "file")

    answer = cli("-c", ini, "--json").json

    sent, missing = answer["plan"]
    assert sent["path"] == str(cli.data / "file")
    assert (sent["name"], sent["bytes"], sent["action"], sent["reason"]) == ("file", 15, "upload", "not sent yet")
    assert (sent["result"], sent["error"]) == ("sent", None)
    assert (cli.folder / "vault" / sent["locator"]).read_text() == "content of file"
    assert (missing["action"], missing["result"], missing["locator"]) == ("skip", "skipped", None)
    counts = {"planned": 1, "sent": 1, "failed": 0, "skipped": 1, "bytes": 15, "files": 0, "expired": 0}
    assert answer["summary"] == counts | {"destinations": {"main": counts | {"skipped": 0}}}


def test_a_nightly_dump_is_sent_whenever_it_is_new(cli: Cli) -> None:
    ini = cli.ini(LOCAL)
    dump = cli.data / "dump.sql"

    for night in range(3):
        dump.write_text(f"night {night}")
        assert cli("-c", ini, "-p", dump, "--json").sent() == {str(dump)}

    again = cli("-c", ini, "-p", dump, "--json")
    assert again.sent() == set()
    assert again.reasons()[str(dump)].startswith("unchanged since ")
    assert cli("-c", ini, "-p", dump, "--force", "--json").sent() == {str(dump)}


def test_a_path_is_taken_from_where_one_stands_and_a_directory_as_one_archive(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(cli, "dir/a", "dir/b")
    monkeypatch.chdir(cli.data)

    ran = cli("-c", cli.ini(LOCAL), "-p", "dir/", "--json")

    assert [(one["path"], one["name"]) for one in ran.json["plan"]] == [(str(cli.data / "dir"), "dir.tar")]


def test_without_any_configuration_a_path_goes_to_the_local_vault_and_that_is_said(cli: Cli) -> None:
    files(cli, "file")

    ran = cli("-p", cli.data / "file")

    assert ran.code == 0
    assert "nothing has left this machine" in ran.out
    assert str(Path.home() / ".local/share/glacier_backup/vault") in ran.out


def test_the_vault_of_the_command_line_beats_the_destination(
    cli: Cli, vault: str, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLACIER_BACKUP_ENDPOINT_URL", vault_server.endpoint_url)
    files(cli, "file")

    assert cli("-c", cli.ini(LOCAL + "[{data}/file]\n"), "-v", vault).code == 0

    assert len(vault_server.archives(vault)) == 1


def test_limit_ends_a_run_after_so_many_uploads(cli: Cli) -> None:
    ini = cli.ini(LOCAL + "[{data}]\nupload_files = yes\n")
    files(cli, *"abcde")

    first = cli("-c", ini, "--limit", "2", "--json")

    assert (first.code, first.sent()) == (0, {str(cli.data / "a"), str(cli.data / "b")})
    assert first.reasons()[str(cli.data / "c")] == "left for a later run: limit = 2"
    assert cli("-c", ini, "--json").sent() == {str(cli.data / name) for name in "cde"}


def test_a_failed_upload_does_not_use_up_the_limit(cli: Cli) -> None:
    """Or one that always fails would keep all others from being tried."""
    ini = cli.ini(LOCAL + "limit = 1\n[{data}]\nupload_files = yes\n")
    files(cli, "a", "b", "c")
    (cli.data / "a").chmod(0)

    ran = finish(_without_powers("-c", ini, "--json"))

    assert [result for _, result in sorted(ran.results().items())] == ["failed", "sent", "skipped"]
    assert ran.json["summary"]["planned"] == 2


def test_it_says_nothing_where_nobody_watches_and_all_is_well(cli: Cli) -> None:
    ini = cli.ini(LOCAL + "[{data}/file]\n")
    files(cli, "file")

    ran = cli("-c", ini)

    assert (ran.out, ran.err) == ("", "")


def test_verbose_shows_what_was_sent_and_where(cli: Cli) -> None:
    ini = cli.ini(LOCAL + "[{data}/file]\n[{data}/none]\n")
    files(cli, "file", "none/x")

    out = cli("-c", ini, "--verbose").out

    assert re.search(rf"^sent +15 B +{cli.data}/file +file +\S+/data/file/\S+Z *$", out, re.MULTILINE)
    assert re.search(rf"^skipped +{cli.data}/none +none +no upload option set *$", out, re.MULTILINE)
    assert f"1 sent (15 B) to {cli.folder}/vault, 0 failed, 1 skipped" in out


def test_progress_is_shown_on_a_terminal_and_leaves_nothing_behind(cli: Cli) -> None:
    ini = cli.ini(LOCAL + "[{data}/file]\n")
    files(cli, "file")

    shown = subprocess.run(
        ["script", "-qec", f"{sys.executable} -m glacier_backup -c {ini}", "/dev/null"],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    ).stdout

    assert "1 sent (15 B)" in shown
    assert "file" in shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_cleanly_and_loses_nothing(
    cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer, number: signal.Signals
) -> None:
    """What was sent is recorded, and the next run goes on with what was under way."""
    ini = cli.ini(vault_ini.replace("logfile", "part_size = 1 MiB\nlogfile") + "[{data}]\nupload_files = yes\n")
    for name in "abcdefgh":
        (cli.data / name).write_bytes(os.urandom(40 * MIB))

    process = start("-c", ini, "--json", environ=vault_server.environment)
    wait_until(lambda: len(vault_server.archives(vault)) >= 2, process)
    process.send_signal(number)
    ran = finish(process)

    assert ran.code == 130
    stored = {archive.id for archive in vault_server.archives(vault)}
    listed = {one["locator"] for one in cli("list", "-c", ini, "--json").json}
    assert stored == listed
    assert cli("-c", ini, "--json").code == 0
    assert len(vault_server.archives(vault)) == 8
    assert vault_server.uploads(vault) == []


def test_a_second_run_at_the_same_time_says_who_is_at_work(
    cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer
) -> None:
    """It takes eight seconds, and a second run waits for one."""
    main = vault_ini.replace("logfile", "bandwidth_limit = 4 MiB\nlogfile")
    ini = cli.ini(main + "[{data}]\nupload_files = yes\n")
    for name in "abcdefgh":
        (cli.data / name).write_bytes(os.urandom(4 * MIB))
    process = start("-c", ini, environ=vault_server.environment)
    wait_until(lambda: bool(vault_server.archives(vault)), process)

    refused = cli("-c", ini)

    assert refused.code == 3
    assert f"process {process.pid}" in refused.err
    assert finish(process).code == 0


def test_one_line_of_the_log_for_each_archive(cli: Cli) -> None:
    ini = cli.ini(LOCAL.replace("logfile =", "logfile = {here}/log") + "[{data}]\nupload_files = yes\n")
    files(cli, "a", "b\nc")

    cli("-c", ini)

    lines = (cli.folder / "log").read_text().splitlines()
    assert len([line for line in lines if " sent " in line]) == 2
    assert "b\\nc" in "".join(lines)
    assert (cli.folder / "log").stat().st_mode & 0o777 == 0o600


def test_a_dry_run_writes_no_log(cli: Cli) -> None:
    ini = cli.ini(LOCAL.replace("logfile =", "logfile = {here}/log") + "[{data}/file]\n")
    files(cli, "file")

    cli("-c", ini, "-d")

    assert not (cli.folder / "log").exists()


def test_a_log_that_cannot_be_written_stops_nothing(cli: Cli) -> None:
    ini = cli.ini(LOCAL.replace("logfile =", "logfile = {data}/file/log") + "[{data}/file]\n")
    files(cli, "file")

    ran = cli("-c", ini, "--json")

    assert ran.code == 0
    assert "log file" in ran.err


def test_an_incomplete_archive_is_sent_listed_and_told(cli: Cli) -> None:
    ini = cli.ini(LOCAL + "[{data}/dir]\nupload_single_dir = yes\n")
    files(cli, "dir/readable", "dir/secret")
    (cli.data / "dir/secret").chmod(0)

    ran = finish(_without_powers("-c", ini, "--json"))

    assert ran.code == 1
    assert f"{cli.data}/dir/secret: Permission denied" in ran.err
    (listed,) = cli("list", "-c", ini, "--json").json
    assert listed["incomplete"] is True


def test_a_file_that_cannot_be_read_fails_alone(cli: Cli) -> None:
    ini = cli.ini(LOCAL + "[{data}]\nupload_files = yes\n")
    files(cli, "a", "b")
    (cli.data / "a").chmod(0)

    ran = finish(_without_powers("-c", ini, "--json"))

    assert ran.code == 1
    assert ran.results() == {str(cli.data / "a"): "failed", str(cli.data / "b"): "sent"}


def _without_powers(*argv: str | Path) -> subprocess.Popen[str]:
    """The program as a user who may not read everything, also when the tests run as root."""
    powers = "-dac_override,-dac_read_search"
    dropped = ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}"] if os.geteuid() == 0 else []
    return subprocess.Popen(
        [*dropped, sys.executable, "-m", "glacier_backup", *map(str, argv)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_full_disk_at_the_destination_records_nothing_that_was_not_sent(cli: Cli, small_disk: Path) -> None:
    main = LOCAL.replace("{here}/vault", f"{small_disk}/vault").replace("logfile", "concurrency = 1\nlogfile")
    ini = cli.ini(main + "[{data}]\nupload_files = yes\n")
    (cli.data / "large").write_bytes(os.urandom(20 * MIB))
    files(cli, "small")

    ran = cli("-c", ini, "--json")

    assert ran.code == 1
    assert ran.results() == {str(cli.data / "large"): "failed", str(cli.data / "small"): "sent"}
    assert [one["path"] for one in cli("list", "-c", ini, "--json").json] == [str(cli.data / "small")]


def test_odd_names_are_shown_on_one_line_and_without_what_a_terminal_obeys(cli: Cli) -> None:
    ini = cli.ini(LOCAL + "[{data}]\nupload_files = yes\n")
    (cli.data / "a\nb\x1b[31m").write_text("x")
    (cli.data / os.fsdecode(b"\xff")).write_text("x")

    out = cli("-c", ini, "-d").out

    assert "a\\nb\\x1b[31m" in out
    assert "\\xff" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["--nonsense"], "--nonsense"),
        (["nonsense"], "nonsense"),
        (["--limit", "0", "-p", "x"], "limit"),
        (["-v", "no vault", "-p", "x"], "vault"),
        (["--quiet", "--verbose"], "not allowed"),
        (["-c", "/nowhere/at/all.ini"], "/nowhere/at/all.ini"),
        (["list", "--since", "whenever"], "whenever"),
    ],
)
def test_bad_usage_is_told_in_words_with_exit_code_2(cli: Cli, argv: list[str], complaint: str) -> None:
    ran = cli(*argv)

    assert ran.code == 2
    assert complaint in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("trouble", "complaint", "cure"),
    [
        ("no vault", "there is none of this name", "create-vault"),
        ("wrong secret", "InvalidSignatureException", "secret key"),
        ("unknown key", "UnrecognizedClientException", "access key"),
        ("no credentials", "credentials", "AWS_ACCESS_KEY_ID"),
        ("no region", "region", "AWS_DEFAULT_REGION"),
        ("clock skew", "Signature", "clock"),
    ],
)
def test_a_vault_that_refuses_is_exit_code_4_with_cause_and_cure(
    cli: Cli,
    vault_ini: str,
    vault_server: VaultServer,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
    complaint: str,
    cure: str,
) -> None:
    text = vault_ini.replace("logfile =", "logfile = {here}/log") + "[{data}/file]\n"
    files(cli, "file")
    if trouble == "no vault":
        text = re.sub("vault_name = .*", "vault_name = missing", text)
    elif trouble == "wrong secret":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    elif trouble == "unknown key":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDWRONG")
    elif trouble == "no credentials":
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    elif trouble == "no region":
        text = re.sub("region = .*\n", "", text)
        monkeypatch.delenv("AWS_DEFAULT_REGION")
    else:
        vault_server.control(clock_offset=3600)
    try:
        ran = cli("-c", cli.ini(text))
    finally:
        vault_server.control(clock_offset=0)

    assert (ran.code, ran.out) == (4, "")
    assert complaint in ran.err
    assert cure in ran.err
    assert "run ended" in (cli.folder / "log").read_text()


def test_other_credentials_are_not_believed_to_be_of_the_same_account(
    cli: Cli, vault_ini: str, vault: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `-` stood for with one profile or key says nothing about another: the vault there may be empty."""
    files(cli, "file")
    assert cli("-c", cli.ini(vault_ini + "[{data}/file]\n"), "--json").sent()

    with VaultServer(tmp_path_factory.mktemp("other"), account="999988887777") as other:
        other.create_vault(vault)
        text = re.sub("endpoint_url = .*", f"endpoint_url = {other.endpoint_url}", vault_ini)
        assert cli("-c", cli.ini(text + "[{data}/file]\n"), "--json").sent() == {str(cli.data / "file")}
        assert len(other.archives(vault)) == 1


def test_a_backup_disk_that_is_not_mounted_is_not_written_to(cli: Cli) -> None:
    ini = cli.ini(LOCAL.replace("{here}/vault", "{here}/disk/backup") + "[{data}]\nupload_files = yes\n")
    (cli.folder / "disk").mkdir()
    files(cli, "a")
    assert cli("-c", ini).code == 0
    (cli.folder / "disk").rename(cli.folder / "unplugged")
    (cli.folder / "disk").mkdir()
    files(cli, "b")

    ran = cli("-c", ini)

    assert ran.code == 4
    assert "is its disk mounted?" in ran.err
    assert list((cli.folder / "disk").iterdir()) == []


def test_a_home_directory_that_holds_catalog_and_log_is_unchanged_when_nothing_was_edited(cli: Cli) -> None:
    files(cli, "home/file", "home/own/placeholder")
    ini = cli.ini(
        "[main]\ndestination = {here}/vault\ncatalog = {data}/home/own/c.sqlite3\nlogfile = {data}/home/own/log\n"
        "[{data}/home]\nupload_single_dir = yes\nupload_if_changed = yes\n"
    )
    home = str(cli.data / "home")

    assert cli("-c", ini, "--json").sent() == {home}
    for _ in range(2):
        assert cli("-c", ini, "--json").sent() == set()
    files(cli, "home/new")
    assert cli("-c", ini, "--json").sent() == {home}


def test_a_vault_is_not_packed_into_itself(cli: Cli) -> None:
    files(cli, "home/file")
    ini = cli.ini(LOCAL.replace("{here}/vault", "{data}/home/vault") + "[{data}/home]\nupload_single_dir = yes\n")

    ran = cli("-c", ini, "--json")

    assert (ran.code, ran.sent()) == (1, set())
    assert "vault" in ran.reasons()[str(cli.data / "home")]


def test_an_incomplete_archive_keeps_being_told_until_it_is_sent_again(cli: Cli) -> None:
    ini = cli.ini(LOCAL + "[{data}/dir]\nupload_single_dir = yes\nupload_if_changed = yes\n")
    files(cli, "dir/readable", "dir/secret")
    (cli.data / "dir/secret").chmod(0)
    finish(_without_powers("-c", ini))

    again = finish(_without_powers("-c", ini))

    assert again.code == 1
    assert "incomplete" in again.err
    (cli.data / "dir/secret").chmod(0o600)
    assert cli("-c", ini, "--json").sent() == {str(cli.data / "dir")}
    assert cli("-c", ini).code == 0


def test_a_file_that_was_still_being_written_is_sent_again_when_it_is_whole(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without upload_if_changed: half a photo is no good copy."""
    from glacier_backup.destination.local import Local

    ini = cli.ini(LOCAL + "[{data}]\nupload_files = yes\n")
    files(cli, "photo")
    send = Local.send

    def still_growing(self: Local, *arguments: object) -> object:
        (cli.data / "photo").write_text("and the rest of the photo")
        return send(self, *arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(Local, "send", still_growing)
    assert "changed while it was read" in cli("-c", ini).err
    monkeypatch.setattr(Local, "send", send)

    assert cli("-c", ini, "--json").sent() == {str(cli.data / "photo")}
    assert cli("-c", ini, "--json").sent() == set()


def test_a_path_on_the_command_line_that_is_unchanged_is_reported(cli: Cli) -> None:
    files(cli, "dump.sql")
    ini = cli.ini(LOCAL)
    cli("-c", ini, "-p", cli.data / "dump.sql")

    ran = cli("-c", ini, "-p", cli.data / "dump.sql")

    assert re.fullmatch(r"\S+/dump.sql: unchanged since .*; --force sends it anyway\n", ran.out)


def test_what_a_store_never_offers_is_no_mail_from_cron(cli: Cli, others_store: Store) -> None:
    where = f"destination = s3://{others_store.bucket}/x\nregion = us-east-1\nendpoint_url = {others_store.server}\n"
    ini = cli.ini(f"[main]\n{where}catalog = {{here}}/catalog.sqlite3\nlogfile = {{here}}/log\n[{{data}}/file]\n")
    files(cli, "file")

    ran = cli("-c", ini)

    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert "keeps no CRC64NVME" in (cli.folder / "log").read_text()
    assert "keeps no CRC64NVME" in cli("-c", ini, "--verbose", "--force", "-p", cli.data / "file").err


def test_force_is_not_advised_for_a_path_that_it_would_not_send(cli: Cli) -> None:
    ran = cli("-c", cli.ini(LOCAL), "-p", cli.data / "gone")

    assert ran.code == 1
    assert "gone: missing" in ran.out
    assert "--force" not in ran.out + ran.err


def test_a_server_that_never_answers_does_not_hold_up_a_stop(cli: Cli, vault_server: VaultServer) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        ini = cli.ini(
            "[main]\nvault_name = v\nregion = us-east-1\ncatalog = {here}/c.sqlite3\nlogfile =\n"
            f"endpoint_url = http://127.0.0.1:{silent.getsockname()[1]}\n[{{data}}/file]\n"
        )
        files(cli, "file")
        process = start("-c", ini, environ=vault_server.environment)
        connection, _ = silent.accept()
        process.send_signal(signal.SIGTERM)
        ran = finish(process, timeout=20)
        connection.close()

    assert ran.code == 130
