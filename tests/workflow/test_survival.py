"""The whole program against what happens to it: stops, races, clocks, and sources that don't hold still."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glacier_backup.destination import retrying
from glacier_backup.units import MIB
from glacier_backup.workflow.sending import intent
from tests.cli.harness import Cli, finish, start, wait_until
from tests.streams import noise
from tests.vault_server.process import VaultServer
from tests.workflow.world import World, outcomes

SIZE = 12 * MIB + 5


@pytest.fixture
def faulty(vault_server: VaultServer) -> Iterator[VaultServer]:
    """The server; what faults a test asks for end with it."""
    yield vault_server
    vault_server.no_faults()


@pytest.fixture
def small_parts(vault_ini: str) -> str:
    return vault_ini.replace("logfile", "part_size = 1 MiB\nlogfile")


def assert_stored_once(server: VaultServer, vault: str, content: bytes) -> None:
    """One archive, no upload left open, and no part sent again by a client that had the answer."""
    (archive,) = server.archives(vault)
    assert archive.path.read_bytes() == content
    assert server.uploads(vault) == []
    (upload,) = server.completed(vault)
    assert set(server.received(vault, upload, answered=True).values()) == {1}


@pytest.mark.parametrize(
    ("operation", "nth"),
    [
        ("DescribeVault", 1),
        ("InitiateMultipartUpload", 1),
        ("UploadMultipartPart", 1),
        ("UploadMultipartPart", 13),
        ("CompleteMultipartUpload", 1),
    ],
)
def test_a_stop_in_any_phase_loses_nothing_and_nothing_is_sent_twice(
    cli: Cli, small_parts: str, vault: str, faulty: VaultServer, operation: str, nth: int
) -> None:
    """A request that isn't answered holds the run in its phase until it is told to stop."""
    ini = cli.ini(small_parts + "[{data}/file]\n")
    content = noise(SIZE)
    (cli.data / "file").write_bytes(content)
    faulty.faults(plan=[{"operation": operation, "nth": nth, "kind": "stall", "seconds": 600}])

    process = start("-c", ini, environ=faulty.environment)
    wait_until(lambda: bool(faulty.injected()), process)
    process.send_signal(signal.SIGTERM)
    ran = finish(process)
    faulty.no_faults()

    assert ran.code == 130, ran.err
    assert faulty.archives(vault) == []
    assert cli("-c", ini).code == 0
    assert_stored_once(faulty, vault, content)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(retrying, "LONGEST_WAIT", 0.01)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("operation", "first"), [("CompleteMultipartUpload", 1), ("UploadMultipartPart", 13), ("DescribeVault", 1)]
)
@pytest.mark.parametrize("kind", ["status", "throttle", "reset_before_answer", "wrong_checksum"])
def test_a_service_in_trouble_for_longer_than_ten_tries_costs_nothing_that_is_stored(
    cli: Cli, small_parts: str, vault: str, faulty: VaultServer, operation: str, first: int, kind: str
) -> None:
    if kind == "wrong_checksum" and operation == "DescribeVault":
        return  # it has none
    ini = cli.ini(small_parts.replace("logfile", "concurrency = 1\nlogfile") + "[{data}/file]\n")
    (cli.data / "file").write_bytes(noise(SIZE))
    faulty.faults(plan=[{"operation": operation, "nth": nth, "kind": kind} for nth in range(first, first + 10)])

    assert cli("-c", ini).code == 4
    faulty.no_faults()
    assert cli("-c", ini).code == 0

    (archive,) = faulty.archives(vault)
    assert archive.path.read_bytes() == noise(SIZE)
    assert len(faulty.begun(vault)) == 1
    assert len(cli("list", "-c", ini, "--json").json) == 1


@pytest.mark.usefixtures("quick")
def test_an_archive_that_was_completed_unheard_in_the_middle_of_trouble_is_found(
    cli: Cli, small_parts: str, vault: str, faulty: VaultServer
) -> None:
    ini = cli.ini(small_parts + "[{data}/file]\n")
    (cli.data / "file").write_bytes(noise(SIZE))
    trouble = [{"operation": "CompleteMultipartUpload", "nth": nth, "kind": "status"} for nth in range(2, 11)]
    faulty.faults(plan=[{"operation": "CompleteMultipartUpload", "nth": 1, "kind": "lost_answer"}, *trouble])

    assert cli("-c", ini).code == 4
    faulty.no_faults()
    assert cli("-c", ini).code == 0

    assert_stored_once(faulty, vault, noise(SIZE))
    assert len(cli("list", "-c", ini, "--json").json) == 1


def test_a_disk_that_is_unmounted_in_the_middle_of_a_run_is_never_taken_for_the_one_below(
    cli: Cli, small_disk: Path
) -> None:
    main = f"[main]\ndestination = {small_disk}/vault\ncatalog = {{here}}/c.sqlite3\nlogfile =\n"
    ini = cli.ini(main + "bandwidth_limit = 2 MiB\n[{data}]\nupload_files = yes\n")
    for name in "abcdef":
        (cli.data / name).write_bytes(noise(MIB, seed=ord(name)))
    elsewhere = small_disk.with_name("elsewhere")
    elsewhere.mkdir()
    subprocess.run(["mount", "--bind", small_disk, elsewhere], check=True)

    process = start("-c", ini, "--json")
    wait_until(lambda: bool(list(small_disk.rglob("*.recipe.json"))), process)
    subprocess.run(["umount", "--lazy", small_disk], check=True)
    ran = finish(process)
    below = list(small_disk.rglob("*.recipe.json"))
    subprocess.run(["mount", "--bind", elsewhere, small_disk], check=True)
    subprocess.run(["umount", elsewhere], check=True)

    assert ran.code in (1, 4)
    assert below == []
    for one in cli("list", "-c", ini, "--json").json:
        assert (small_disk / "vault" / one["locator"]).read_bytes() == Path(one["path"]).read_bytes()
    assert cli("-c", ini).code == 0
    assert len(list(small_disk.rglob("*.recipe.json"))) == 6


def test_a_stop_while_the_catalog_is_written_loses_nothing(
    cli: Cli, small_parts: str, vault: str, vault_server: VaultServer
) -> None:
    """Another program holds the catalog: the run waits for it, and is stopped meanwhile."""
    ini = cli.ini(small_parts + "[{data}]\nupload_files = yes\n")
    for name in "abcdefgh":
        (cli.data / name).write_bytes(noise(3 * MIB, seed=ord(name)))

    process = start("-c", ini, environ=vault_server.environment)
    wait_until(lambda: len(vault_server.archives(vault)) > 1, process)
    process.send_signal(signal.SIGTERM)

    assert finish(process).code == 130
    assert cli("-c", ini).code == 0
    assert len(vault_server.archives(vault)) == 8
    assert len(cli("list", "-c", ini, "--json").json) == 8
    assert vault_server.uploads(vault) == []


def test_runs_that_race_for_the_lock_send_everything_once(cli: Cli) -> None:
    ini = cli.ini(
        "[main]\ndestination = {here}/vault\ncatalog = {here}/c.sqlite3\nlogfile =\n[{data}]\nupload_files = yes\n"
    )
    for number in range(20):
        (cli.data / str(number)).write_bytes(noise(10_000, seed=number))

    runs = [finish(process) for process in [start("-c", ini) for _ in range(6)]]

    assert {run.code for run in runs} <= {0, 3}
    assert 0 in {run.code for run in runs}
    assert len(cli("list", "-c", ini, "--json").json) == 20
    assert len(list((cli.folder / "vault").rglob("*.recipe.json"))) == 20


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _truncate(path: Path) -> None:
    os.truncate(path, 2 * MIB)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _regrow(path: Path) -> None:
    os.truncate(path, MIB)
    with path.open("ab") as file:
        file.write(noise(SIZE, seed=7))


def _edit_the_end(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-MIB, os.SEEK_END)
        file.write(noise(MIB, seed=8))


def _replace(path: Path) -> None:
    other = path.with_name(".other")
    other.write_bytes(noise(SIZE, seed=9))
    other.rename(path)


MOTIONS = [_append, _truncate, _empty, _regrow, _edit_the_end, _replace, Path.unlink]


@pytest.mark.parametrize(
    ("single_dir", "move"),
    [
        *((False, move) for move in MOTIONS),
        *((True, move) for move in (_append, _truncate, _edit_the_end, _replace, Path.unlink)),
    ],
    ids=lambda value: ("directory" if value else "file") if isinstance(value, bool) else value.__name__.strip("_"),
)
def test_a_source_in_motion_never_becomes_a_wrong_archive_that_counts_as_good(
    cli: Cli, vault: str, vault_server: VaultServer, small_parts: str, move: Callable[[Path], None], single_dir: bool
) -> None:
    """What was read while it changed is never trusted: once it holds still, the next run makes it good."""
    path = cli.data / "tree" / "file"
    path.parent.mkdir()
    path.write_bytes(noise(SIZE))
    section = "[{data}/tree]\nupload_single_dir = yes\n" if single_dir else "[{data}/tree/file]\n"
    ini = cli.ini(small_parts.replace("logfile", "bandwidth_limit = 8 MiB\nlogfile") + section)

    process = start("-c", ini, environ=vault_server.environment)
    wait_until(
        lambda: any(sum(vault_server.received(vault, one).values()) > 2 for one in _uploads(vault_server, vault)),
        process,
    )
    move(path)
    finish(process)
    cli("-c", ini)

    if path.exists() or single_dir:
        newest = vault_server.archives(vault)[-1]
        content = newest.path.read_bytes()
        expected = path.read_bytes() if path.exists() else b""
        assert expected == content if content and not single_dir and expected else expected in content
        (*_, listed) = cli("list", "-c", ini, "--json").json
        assert listed["locator"] == newest.id
        assert not listed["changed_while_read"]
    assert vault_server.uploads(vault) == []


def _uploads(server: VaultServer, vault: str) -> list[str]:
    return [upload.id for upload in server.uploads(vault)]


def test_a_clock_that_jumps_back_does_not_hide_what_is_newest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.source.files = {"/data/a": b"first"}
    monkeypatch.setattr(intent, "now", lambda: datetime(2036, 1, 1, tzinfo=UTC))
    world.run()
    monkeypatch.setattr(intent, "now", lambda: datetime(2026, 1, 1, tzinfo=UTC))
    world.source.files = {"/data/a": b"second"}

    assert outcomes(world.run()) == "sent"
    assert outcomes(world.run()) == "skipped"
    assert sorted(world.destination.stored.values()) == [b"first", b"second"]


def test_a_clock_that_stands_still_overwrites_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    ini = cli.ini(
        "[main]\ndestination = {here}/vault\ncatalog = {here}/c.sqlite3\nlogfile =\n[{data}/a]\n"
        "upload_if_changed = yes\n"
    )
    (cli.data / "a").write_bytes(b"first")
    with monkeypatch.context() as patched:
        patched.setattr(intent, "now", lambda: datetime(2026, 1, 1, tzinfo=UTC))
        assert cli("-c", ini).code == 0
        (cli.data / "a").write_bytes(b"second")
        assert cli("-c", ini).code == 1

    assert cli("-c", ini).code == 0
    stored = [path.read_bytes() for path in (cli.folder / "vault").rglob("*Z")]
    assert sorted(stored) == [b"first", b"second"]
    assert list((cli.folder / "vault").rglob(".*.partial")) == []
