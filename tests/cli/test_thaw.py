"""``thaw``: what is being made readable, and restores that wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.harness import Cli
from tests.streams import noise
from tests.vault_server.process import VaultServer


@pytest.fixture
def slow(vault_server: VaultServer) -> Iterator[VaultServer]:
    vault_server.control(job_delay=3600)
    yield vault_server
    vault_server.control(job_delay=0)


@pytest.fixture
def ini(cli: Cli, vault_ini: str, slow: VaultServer) -> Path:
    cli.data.mkdir(exist_ok=True)
    (cli.data / "file").write_bytes(noise(3_000_000))
    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
    assert cli("-c", ini).code == 0
    return ini


def test_what_was_thawed_is_restored_later_and_paid_for_once(
    cli: Cli, ini: Path, slow: VaultServer, vault: str, tmp_path: Path
) -> None:
    asked = cli("thaw", "request", cli.data, "-c", ini)
    again = cli("thaw", "request", "-c", ini, "--json")
    shown = cli("thaw", "list", "-c", ini)
    slow.control(finish_jobs=True)
    refreshed = cli("thaw", "list", "--refresh", "-c", ini, "--json")
    restored = cli("restore", "--to", tmp_path / "back", "-c", ini)

    assert (asked.code, again.code) == (75, 75)
    assert "1 thawing, expected" in asked.out
    assert again.json["counts"] == {"thawing": 1}
    assert str(cli.data / "file") in shown.out
    assert "thawing" in shown.out
    assert "2.9 MiB in 1 requests, no price known of thawing from a vault" in shown.out
    (one,) = refreshed.json["thaws"]
    assert (one["state"], one["path"], one["tier"]) == ("ready", str(cli.data / "file"), "bulk")
    assert one["until"] is not None
    assert restored.code == 0
    assert len(slow.retrieved(vault)) == 1


def test_a_restore_is_given_up_and_what_was_asked_for_is_still_there(
    cli: Cli, ini: Path, slow: VaultServer, vault: str, tmp_path: Path
) -> None:
    assert cli("restore", "--to", tmp_path / "back", "-c", ini).code == 75
    waiting = cli("thaw", "list", "-c", ini, "--json").json["restores"]

    cancelled = cli("thaw", "cancel", "-c", ini)

    assert [(one["counts"], one["target"]) for one in waiting] == [({"thawing": 1}, str(tmp_path / "back"))]
    assert cancelled.code == 0
    assert "paid all the same" in cancelled.out
    assert list((tmp_path / "back").iterdir()) == []
    assert cli("thaw", "list", "-c", ini, "--json").json["restores"] == []
    slow.control(finish_jobs=True)
    assert cli("restore", "--to", tmp_path / "back", "-c", ini).code == 0
    assert len(slow.retrieved(vault)) == 1


def test_no_restore_is_given_up_by_mistake(cli: Cli, ini: Path, tmp_path: Path) -> None:
    none = cli("thaw", "cancel", "-c", ini)
    for name in ("one", "two"):
        cli("restore", "--to", tmp_path / name, "-c", ini)

    several, other = cli("thaw", "cancel", "-c", ini), cli("thaw", "cancel", "77", "-c", ini)

    assert (none.code, several.code, other.code) == (2, 2, 2)
    assert "no restore waits" in none.err
    assert "which one?" in several.err
    assert "no restore 77 waits" in other.err
    assert cli("thaw", "cancel", "2", "-c", ini).code == 0


def test_where_nothing_is_cold_there_is_nothing_to_show(cli: Cli) -> None:
    cli.data.mkdir(exist_ok=True)
    (cli.data / "file").write_text("x")
    ini = cli.ini(
        "[main]\ndestination = {here}/vault\ncatalog = {here}/c.sqlite3\nlogfile =\n[{data}]\nupload_files = yes\n"
    )
    assert cli("-c", ini).code == 0

    asked, shown = cli("thaw", "request", "-c", ini), cli("thaw", "list", "-c", ini)

    assert (asked.code, shown.code) == (0, 0)
    assert "1 ready" in asked.out
    assert "nothing is being thawed" in shown.out
