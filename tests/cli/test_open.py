"""``open``, as it is typed: exit codes, what is said, and that no key is shown."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glacier_backup.seal.age import Age, new_identity
from glacier_backup.seal.chain import Chain
from glacier_backup.seal.openssl import OpenSSL
from tests.cli.harness import REPOSITORY, Cli, finish, start
from tests.streams import noise
from tests.workflow import seals
from tests.workflow.sealed_files import DOCS, content, put


def key_file(folder: Path) -> tuple[Chain, Path]:
    chain, keys = seals.chain("zstd split age", folder)
    return chain, Path(keys.identity_files[0])


def with_password() -> Chain:
    return Chain((OpenSSL(lambda: seals.PASSWORD),))


def test_an_archive_is_opened_into_a_new_directory(cli: Cli, tmp_path: Path) -> None:
    chain, key = key_file(tmp_path)
    first, *_ = put(tmp_path / "f", chain)
    ran = cli("open", first, "--to", tmp_path / "to", "--identity", key)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith(f"opened as {tmp_path}/to/docs\n")
    assert content(tmp_path / "to") == DOCS


def test_json_says_what_became_of_each(cli: Cli, tmp_path: Path) -> None:
    chain, key = key_file(tmp_path)
    first, *_, manifest = put(tmp_path / "f", chain)
    (tmp_path / "damaged.gz").write_bytes(b"\x1f\x8b\x08 and nothing else")
    ran = cli("open", first, tmp_path / "damaged.gz", "--to", tmp_path / "to", "--identity", key, "--json")
    assert ran.code == 5
    right, damaged = ran.json["archives"]
    assert right == {
        "name": manifest.name.removesuffix(".recipe.json"),
        "result": "opened",
        "path": "/home/me/docs",
        "files": [str(one) for one in sorted((tmp_path / "f").glob("*.age"))],
        "to": str(tmp_path / "to/docs"),
        "error": None,
        "hint": None,
        "notes": [],
    }
    assert (damaged["name"], damaged["result"], damaged["to"]) == ("damaged.gz", "damaged", None)
    assert damaged["error"]


def test_listing_shows_what_is_inside(cli: Cli, tmp_path: Path) -> None:
    chain, key = key_file(tmp_path)
    first, *_ = put(tmp_path / "f", chain)
    ran = cli("open", first, "--list", "--identity", key)
    assert ran.code == 0
    assert [line.split()[-1] for line in ran.out.splitlines()[2:]] == list(DOCS)
    told = cli("open", first, "--list", "--identity", key, "--json").json
    assert [one["result"] for one in told["archives"]] == ["listed"]
    assert [(one["member"]["path"], one["member"]["bytes"]) for one in told["members"]] == [
        (name, len(data)) for name, data in DOCS.items()
    ]


def test_quiet_is_quiet(cli: Cli, tmp_path: Path) -> None:
    chain, key = key_file(tmp_path)
    first, *_ = put(tmp_path / "f", chain)
    ran = cli("open", first, "--to", tmp_path / "to", "--identity", key, "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_damage_exits_with_5_and_leaves_no_directory(cli: Cli, tmp_path: Path) -> None:
    chain, key = key_file(tmp_path)
    first, second, *_ = put(tmp_path / "f", chain)
    second.unlink()
    ran = cli("open", first, "--to", tmp_path / "to", "--identity", key)
    assert ran.code == 5
    assert "volume 2 is missing" in ran.err
    assert not (tmp_path / "to").exists()


def test_without_a_key_it_is_said_which_and_nothing_is_written(cli: Cli, tmp_path: Path) -> None:
    chain, key = key_file(tmp_path)
    first, *_ = put(tmp_path / "f", chain)
    ran = cli("open", first, "--to", tmp_path / "to")
    assert ran.code == 1
    assert "--identity" in ran.err
    (tmp_path / "other").mkdir()
    _, other = key_file(tmp_path / "other")
    ran = cli("open", first, "--to", tmp_path / "to", "--identity", other)
    assert ran.code == 1
    assert key.read_text().strip() not in ran.err + ran.out
    assert not (tmp_path / "to").exists()


def test_usage_is_explained(cli: Cli, tmp_path: Path) -> None:
    assert cli("open", tmp_path / "x").code == 2
    assert "--to DIR" in cli("open", tmp_path / "x").err
    assert cli("open", tmp_path / "x", "--to", tmp_path, "--list").code == 2
    ran = cli("open", tmp_path / "x", "--to", tmp_path)
    assert (ran.code, f"there is no file {tmp_path}/x" in ran.err) == (2, True)
    (tmp_path / "empty").mkdir()
    ran = cli("open", tmp_path / "empty", "--to", tmp_path)
    assert (ran.code, "there is no archive in" in ran.err) == (2, True)
    ran = cli("open", tmp_path, "--to", tmp_path / "not/there", "--identity", tmp_path / "none")
    assert ran.code == 2


def test_the_folder_of_the_directory_has_to_be_there(cli: Cli, tmp_path: Path) -> None:
    """It may be where a disk is to be mounted."""
    chain, key = key_file(tmp_path)
    first, *_ = put(tmp_path / "f", chain)
    ran = cli("open", first, "--to", tmp_path / "not/there", "--identity", key)
    assert (ran.code, "is its disk mounted?" in ran.err) == (1, True)


def test_a_password_comes_from_a_file_or_the_environment(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, _ = put(tmp_path / "f", with_password())
    file = tmp_path / "password"
    file.write_text(f"{seals.PASSWORD}\n")
    file.chmod(0o600)
    assert cli("open", volume, "--to", tmp_path / "a", "--password-file", file).code == 0
    monkeypatch.setenv("GLACIER_BACKUP_PASSWORD", seals.PASSWORD)
    assert cli("open", volume, "--to", tmp_path / "b").code == 0
    monkeypatch.setenv("GLACIER_BACKUP_PASSWORD", "surely not this one")
    ran = cli("open", volume, "--to", tmp_path / "c")
    assert (ran.code, "password is wrong" in ran.err) == (1, True)
    assert "surely not this one" not in ran.err + ran.out
    assert content(tmp_path / "a") == content(tmp_path / "b") == DOCS
    assert not (tmp_path / "c").exists()


def test_an_identity_file_beside_the_archive_is_a_key_and_not_opened(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public, text = new_identity("short")
    put(tmp_path / "f", Chain((Age((public,)),)))
    (tmp_path / "f/identity-0123456789abcdef.age").write_text(text)
    monkeypatch.setenv("GLACIER_BACKUP_PASSWORD", "short")
    ran = cli("open", tmp_path / "f", "--to", tmp_path / "to", "--json")
    assert ran.code == 0
    assert len(ran.json["archives"]) == 1
    assert content(tmp_path / "to") == DOCS


def test_who_sits_at_the_terminal_is_asked(tmp_path: Path) -> None:
    volume, _ = put(tmp_path / "f", with_password())
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "glacier_backup", "open", volume, "--to", tmp_path / "to"],
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        cwd=REPOSITORY,
        start_new_session=True,
    )
    os.close(theirs)
    asked = b""
    while b"assword" not in asked:
        asked += os.read(ours, 1000)
    os.write(ours, f"{seals.PASSWORD}\n".encode())
    assert process.wait(60) == 0
    assert content(tmp_path / "to") == DOCS
    os.close(ours)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_half_done(tmp_path: Path, number: signal.Signals) -> None:
    chain, _ = seals.chain("zstd", tmp_path)
    volume, _ = put(tmp_path / "f", chain, noise(1000) * 300_000, path="/home/me/a", container="raw")
    process = start("open", volume, "--to", tmp_path / "to")
    while not any((tmp_path / "to").rglob("content/*")):
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(number)
    ran = finish(process)
    assert (ran.code, "Traceback" in ran.err) == (130, False)
    assert not (tmp_path / "to").exists()
