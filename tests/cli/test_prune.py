"""``prune`` and ``delete`` as a user runs them."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.harness import REPOSITORY, Cli
from tests.permissions import with_mode, without_privilege
from tests.s3_servers.fixtures import Store
from tests.vault_server.process import VaultServer

RULES = "[{data}]\nupload_files = yes\nupload_if_changed = yes\nkeep_last = 1\n"
DISK = "[main]\ndestination = {here}/disk\ncatalog = {here}/catalog.sqlite3\nlogfile = {here}/log\n"


def backed_up(cli: Cli, ini: Path, *versions: str, name: str = "notes") -> list[str]:
    """Each content in turn; the locators, the oldest first."""
    for content in versions:
        (cli.data / name).write_text(content)
        assert cli("-c", ini).code == 0
    path = str(cli.data / name)
    return [one["locator"] for one in cli("list", "-c", ini, "--json").json if one["path"] == path]


def listed(cli: Cli, ini: Path) -> list[str]:
    return sorted(one["locator"] for one in cli("list", "-c", ini, "--json").json)


def test_a_dry_run_shows_what_would_go_and_why_and_leaves_it(cli: Cli) -> None:
    ini = cli.ini(DISK + RULES)
    locators = backed_up(cli, ini, "a", "bb", "ccc")
    ran = cli("prune", "-d", "-c", ini)
    assert ran.code == 0
    assert ran.out.count("not kept by keep_last 1") == 2
    assert "2 archives to delete (3 B), 1 stays" in ran.out
    assert "dry run: nothing was deleted" in ran.out
    assert listed(cli, ini) == sorted(locators)
    assert len(list((cli.folder / "disk").rglob("*.recipe.json"))) == 3
    verbose = cli("prune", "-d", "-c", ini, "--verbose")
    assert "keep_last: number 1 of 1, the newest" in verbose.out


def test_under_cron_it_goes_by_the_rules_and_says_nothing(cli: Cli) -> None:
    ini = cli.ini(DISK + RULES)
    locators = backed_up(cli, ini, "a", "bb", "ccc")
    ran = cli("prune", "-c", ini)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert listed(cli, ini) == locators[-1:]
    assert [str(path.relative_to(cli.folder / "disk")) for path in (cli.folder / "disk").rglob("*.recipe.json")] == [
        f"{locators[-1]}.recipe.json"
    ]
    log = (cli.folder / "log").read_text()
    assert all(locator in log for locator in locators[:2])
    assert cli("prune", "-c", ini).code == 0


def test_json_tells_each_archive_and_the_sums(cli: Cli) -> None:
    ini = cli.ini(DISK + RULES)
    first, _ = backed_up(cli, ini, "a", "bb")
    planned = cli("prune", "-d", "-c", ini, "--json").json
    (one,) = planned["plan"]
    assert (one["locators"], one["bytes"], one["charge"], one["charged_until"]) == ([first], 1, 0, None)
    assert (planned["summary"]["planned"], planned["summary"]["deleted"], planned["summary"]["kept"]) == (1, 0, 1)
    done = cli("prune", "-c", ini, "--json").json
    assert [one["result"] for one in done["plan"]] == ["deleted"]
    assert (done["summary"]["deleted"], done["summary"]["bytes"]) == (1, 1)


def test_without_rules_nothing_is_ever_removed(cli: Cli) -> None:
    ini = cli.ini(DISK + RULES.replace("keep_last = 1\n", ""))
    locators = backed_up(cli, ini, "a", "bb")
    ran = cli("prune", "-c", ini, "--verbose")
    assert ran.code == 0
    assert "2 of those that stay belong to no section with a keep_ rule" in ran.out
    assert listed(cli, ini) == sorted(locators)


def test_what_main_says_holds_for_every_section(cli: Cli) -> None:
    ini = cli.ini(DISK + "keep_last = 1\n" + RULES.replace("keep_last = 1\n", ""))
    locators = backed_up(cli, ini, "a", "bb")
    assert cli("prune", "-c", ini).code == 0
    assert listed(cli, ini) == locators[-1:]


def test_a_disk_that_is_not_there_keeps_its_archives_in_the_catalog(cli: Cli) -> None:
    ini = cli.ini(DISK + RULES)
    locators = backed_up(cli, ini, "a", "bb")
    (cli.folder / "disk").rename(cli.folder / "unmounted")
    (cli.folder / "disk").mkdir()
    ran = cli("prune", "-c", ini)
    assert ran.code == 4
    assert f"{cli.folder}/disk: 1 archive not deleted:" in ran.err
    assert listed(cli, ini) == sorted(locators)


KILLED = """\
import os, signal, sys
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.main import main
Catalog.forget_archives = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main(sys.argv[1:])
"""


@pytest.mark.parametrize("to", ["disk", "vault"])
def test_what_was_killed_between_destination_and_catalog_is_done_again(
    cli: Cli, to: str, request: pytest.FixtureRequest
) -> None:
    ini = cli.ini((DISK if to == "disk" else request.getfixturevalue("vault_ini")) + RULES)
    locators = backed_up(cli, ini, "a", "bb", "ccc")
    command = [sys.executable, "-c", KILLED, "prune", "-c", str(ini), "--accept-fee"]
    assert subprocess.run(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL).returncode == -signal.SIGKILL
    assert listed(cli, ini) == sorted(locators)
    ran = cli("prune", "-c", ini, "--accept-fee", "--json")
    assert (ran.code, ran.json["summary"]["deleted"]) == (0, 2)
    assert listed(cli, ini) == locators[-1:]
    if to == "vault":
        server = request.getfixturevalue("vault_server")
        assert [one.id for one in server.archives(request.getfixturevalue("vault"))] == locators[-1:]


def test_a_second_run_at_work_is_told(cli: Cli) -> None:
    from glacier_backup.lock import RunLock

    ini = cli.ini(DISK + RULES)
    backed_up(cli, ini, "a", "bb")
    with RunLock(str(cli.folder / "catalog.sqlite3")):
        assert cli("prune", "-c", ini).code == 3
        assert cli("prune", "-d", "-c", ini).code == 0


def test_what_is_charged_is_refused_with_the_amount(
    cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer
) -> None:
    ini = cli.ini(vault_ini + RULES)
    first, second = backed_up(cli, ini, "a", "bb")
    ran = cli("prune", "-c", ini)
    assert ran.code == 2
    assert "deleting now is charged: < 0.01 USD for the rest of the least terms" in ran.err
    assert "--accept-fee" in ran.err
    assert len(vault_server.archives(vault)) == 2
    kept = cli("prune", "-c", ini, "--free-only", "--verbose")
    assert kept.code == 0
    assert "1 of those that stay would be charged now" in kept.out
    assert cli("prune", "-c", ini, "--accept-fee").code == 0
    assert [one.id for one in vault_server.archives(vault)] == [second]
    assert listed(cli, ini) == [second]
    assert first != second


def test_a_bucket_says_what_becomes_of_versions(cli: Cli, s3_store: Store) -> None:
    s3_store.aws.put_bucket_versioning(Bucket=s3_store.bucket, VersioningConfiguration={"Status": "Enabled"})
    main = f"[main]\ndestination = s3://{s3_store.bucket}/backup\nendpoint_url = {s3_store.server}\nlogfile =\n"
    main += "catalog = {here}/catalog.sqlite3\nstorage_class = STANDARD\n"
    ini = cli.ini(main + RULES + "[{data}/tree]\nupload_tree = yes\nkeep_last = 1\n")
    (cli.data / "tree").mkdir()
    backed_up(cli, ini, "a", "bb")
    backed_up(cli, ini, "a", "bb", name="tree/x")
    shown = cli("prune", "-d", "-c", ini).out
    assert "1 of them name their version, and are gone for good then" in shown
    assert "if it keeps versions, what is deleted stays as an older version" in shown
    assert cli("prune", "-c", ini).code == 0
    assert len(listed(cli, ini)) == 2
    (left,) = (one for one in listed(cli, ini) if "tree/x" in one)
    version = left.partition("?versionId=")[2]
    versions = s3_store.aws.list_object_versions(Bucket=s3_store.bucket, Prefix=left.partition("?")[0])
    assert [one["VersionId"] for one in versions["Versions"]] == [version]


def test_what_is_overwritten_is_forgotten_and_its_key_stays(cli: Cli) -> None:
    rules = "[{data}/tree]\nupload_tree = yes\nkeep_versions = no\nkeep_last = 3\n"
    ini = cli.ini(DISK + rules)
    (cli.data / "tree").mkdir()
    first, last = backed_up(cli, ini, "a", "bb", name="tree/x")
    assert first == last
    shown = cli("prune", "-d", "-c", ini).out
    assert "a newer one has taken its place there" in shown
    assert cli("prune", "-c", ini).code == 0
    assert listed(cli, ini) == [last]
    assert (cli.folder / "disk" / last).read_text() == "bb"


def test_delete_needs_a_word_of_yours(cli: Cli) -> None:
    ini = cli.ini(DISK + RULES)
    first, last = backed_up(cli, ini, "a", "bb")
    ran = cli("delete", first, "-c", ini)
    assert ran.code == 2
    assert "--yes" in ran.err
    assert cli("delete", first, "-c", ini, "--yes").code == 0
    assert listed(cli, ini) == [last]


def test_delete_refuses_the_last_of_what_is_still_there(cli: Cli) -> None:
    ini = cli.ini(DISK + RULES)
    (only,) = backed_up(cli, ini, "a")
    ran = cli("delete", cli.data / "notes", "-c", ini, "--yes")
    assert ran.code == 2
    assert "nothing good would be left of what is still there" in ran.err
    (cli.data / "notes").unlink()
    assert cli("delete", only, "-c", ini, "--yes").code == 0
    assert listed(cli, ini) == []


def test_delete_takes_what_it_may_not_look_at_for_there(cli: Cli) -> None:
    ini = cli.ini(DISK + RULES.replace("{data}", "{data}/closed"))
    (cli.data / "closed").mkdir()
    (only,) = backed_up(cli, ini, "a", name="closed/notes")
    with with_mode(cli.data / "closed"), without_privilege():
        ran = cli("delete", only, "-c", ini, "--yes")
    assert ran.code == 2
    assert "nothing good would be left of what is still there" in ran.err


def test_delete_by_time_and_by_glob(cli: Cli) -> None:
    ini = cli.ini(DISK + RULES)
    backed_up(cli, ini, "a", "bb")
    backed_up(cli, ini, "a", name="other")
    glob = f"{cli.data}/*"
    assert cli("delete", glob, "--all-versions", "-c", ini).code == 2
    shown = cli("delete", glob, "--all-versions", "--even-last", "-d", "-c", ini)
    assert "3 archives to delete" in shown.out
    ambiguous = cli("delete", cli.data / "notes", "-c", ini, "--yes")
    assert "has 2 archives at one place" in ambiguous.err
    newest = cli("delete", cli.data / "notes", "--at", "now", "-c", ini, "--yes", "--json").json
    assert len(newest["plan"]) == 1
    assert cli("delete", glob, "--all-versions", "--even-last", "--yes", "-c", ini).code == 0
    assert listed(cli, ini) == []


def test_delete_from_one_of_two_destinations(cli: Cli) -> None:
    main = "[main]\ndestination = {here}/disk, nas\ncatalog = {here}/catalog.sqlite3\nlogfile =\n"
    ini = cli.ini(main.replace(", ", "\n  ") + "[destination nas]\ndestination = {here}/nas\n" + RULES)
    backed_up(cli, ini, "a")
    path = cli.data / "notes"
    assert cli("delete", path, "--from", "nas", "-c", ini, "--yes").code == 0
    assert [one["destination"] for one in cli("list", "-c", ini, "--json").json] == [str(cli.folder / "disk")]
    unknown = cli("delete", path, "--from", "elsewhere", "-c", ini, "--yes")
    assert unknown.code == 2
    assert str(cli.folder / "disk") in unknown.err


def at_a_terminal(cli: Cli, typed: str, *argv: str | Path) -> tuple[int, str]:
    """The exit code, and what was on the screen."""
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "glacier_backup", *map(str, argv)],
        cwd=REPOSITORY,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "dumb", "COLUMNS": "200"},
    )
    os.close(terminal)
    seen = ""
    while "to do so: " not in seen and (piece := _read(screen)):
        seen += piece
    os.write(screen, f"{typed}\n".encode())
    while piece := _read(screen):
        seen += piece
    code = process.wait(60)
    os.close(screen)
    return code, seen


def _read(screen: int) -> str:
    try:
        return os.read(screen, 65536).decode(errors="replace")
    except OSError:  # the other end is closed
        return ""


@pytest.mark.parametrize("typed", ["delete 2 archives", "yes"])
def test_a_person_confirms_by_typing_what_is_done(cli: Cli, typed: str) -> None:
    ini = cli.ini(DISK + RULES)
    locators = backed_up(cli, ini, "a", "bb", "ccc")
    code, seen = at_a_terminal(cli, typed, "prune", "-c", ini)
    assert "type `delete 2 archives` to do so:" in seen
    if typed == "yes":
        assert code == 2
        assert "not confirmed: nothing was deleted" in seen
        assert listed(cli, ini) == sorted(locators)
    else:
        assert code == 0
        assert "2 archives deleted (3 B), 0 not" in seen
        assert listed(cli, ini) == locators[-1:]
