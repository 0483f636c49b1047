"""What there is to open archives with."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.cli.keys import KeyRing, keys_of
from glacier_backup.config.load import load
from glacier_backup.config.settings import Settings
from glacier_backup.errors import KeyNeeded, UsageError
from glacier_backup.seal.keys import Keys
from tests.cli.harness import REPOSITORY

NOTHING = Namespace()


@pytest.fixture(autouse=True)
def _nobody_there(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        yield


def settings(folder: Path, text: str) -> Settings:
    file = folder / "x.conf"
    file.write_text(f"[main]\ndestination = /there\ncatalog = {folder}/catalog.sqlite3\n{text}")
    return load(str(file), needs_sections=False)


def secret(folder: Path, name: str, text: str) -> str:
    file = folder / name
    file.write_text(f"{text}\n")
    file.chmod(0o600)
    return str(file)


def password(keys: Keys) -> str:
    assert keys.password is not None
    return keys.password()


def test_there_may_be_nothing() -> None:
    assert keys_of(None, NOTHING)("/a") == Keys()


def test_the_innermost_section_says_what_opens_else_main(tmp_path: Path) -> None:
    main, section = secret(tmp_path, "m", "of main"), secret(tmp_path, "s", "of section")
    text = f"password_file = {main}\nidentity_file = /m\n[/a]\n[/a/b]\npassword_file = {section}\ngnupg_home = /g\n"
    keys = keys_of(settings(tmp_path, text), NOTHING)
    assert [password(keys(path)) for path in ("/a/x", "/a/b", "/a/b/c", "/z")] == [
        "of main",
        "of section",
        "of section",
        "of main",
    ]
    assert keys("/a/b").gnupg_home == "/g"
    assert keys("/a/b").identity_files == keys("/z").identity_files == ("/m",)


def test_the_command_line_counts_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    secret(tmp_path, "typed", "of the command line")
    secret(tmp_path, "key", "AGE-SECRET-KEY-…")
    arguments = Namespace(identity=["key"], password_file="typed")
    main = secret(tmp_path, "m", "of main")
    keys = keys_of(settings(tmp_path, f"password_file = {main}\nidentity_file = /m\n[/a]\n"), arguments)("/a")
    assert (keys.identity_files, password(keys)) == ((f"{tmp_path}/key",), "of the command line")


def test_an_identity_file_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"there is no identity file {tmp_path}/no"):
        keys_of(None, Namespace(identity=[f"{tmp_path}/no"]))


def test_the_environment_has_the_password_of_main_with_and_without_an_ini_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLACIER_BACKUP_PASSWORD", "of the environment")
    section = secret(tmp_path, "s", "of section")
    keys = keys_of(settings(tmp_path, f"password_file = /no\n[/a]\npassword_file = {section}\n[/b]\n"), NOTHING)
    assert [password(keys(path)) for path in ("/a", "/b", "/")] == [
        "of section",
        "of the environment",
        "of the environment",
    ]
    assert password(keys_of(None, NOTHING)("/")) == "of the environment"


def test_no_secret_is_read_before_it_is_needed(tmp_path: Path) -> None:
    keys = keys_of(settings(tmp_path, "password_file = /no\n[/a]\n"), Namespace(password_file=None))("/a")
    with pytest.raises(KeyNeeded, match="/no can't be read"):
        password(keys)
    keys = keys_of(None, Namespace(password_file=f"{tmp_path}/neither"))("/a")
    with pytest.raises(KeyNeeded, match="neither can't be read"):
        password(keys)


def test_copies_of_the_catalog_open_as_they_are_sealed(tmp_path: Path) -> None:
    section = secret(tmp_path, "s", "of section")
    text = f"[/a]\n[/b]\nseal = openssl\npassword_file = {section}\n"
    assert password(KeyRing(settings(tmp_path, text), NOTHING).of_catalog()) == "of section"
    main = secret(tmp_path, "m", "of main")
    assert password(KeyRing(settings(tmp_path, f"password_file = {main}\n[/a]\n"), NOTHING).of_catalog()) == "of main"


def test_who_sits_at_the_terminal_is_asked_once() -> None:
    """In a process whose terminal it is, as getpass reads from nothing else."""
    script = (
        "import fcntl, termios\n"
        "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "from argparse import Namespace\n"
        "from glacier_backup.cli.keys import keys_of\n"
        "keys = keys_of(None, Namespace())\n"
        "got = keys('/a').password()\n"
        "assert got == keys('/b').password() == keys_of(None, Namespace())('/').password() == 'hunter2', 'another'\n"
        "print('asked once')\n"
    )
    terminal, its = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=its, stdout=its, stderr=its, cwd=REPOSITORY, start_new_session=True
    )
    os.close(its)
    told = b""
    try:
        while b"archives: " not in told:
            told += os.read(terminal, 1000)
        os.write(terminal, b"hunter2\n")
        while b"once" not in told and b"rror" not in told:
            told += os.read(terminal, 1000)
    except OSError:
        pass  # it has ended
    finally:
        os.close(terminal)
        child.wait(60)
    assert b"asked once" in told
    assert told.count(b"Password of the archives: ") == 1
    assert b"hunter2" not in told
