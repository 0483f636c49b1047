"""Keys are tried before anything depends on them: by ``config check``, and by the first run that seals with them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pyrage  # type: ignore[import-untyped]  # it has no types
import pytest

from glacier_backup.seal.age import new_identity
from tests.cli.harness import Cli
from tests.lacking import lacking


class Safe:
    """A pair of age's keys, and an INI file that sends one file, sealed, to a directory."""

    def __init__(self, cli: Cli) -> None:
        self.cli = cli
        pair = pyrage.x25519.Identity.generate()
        self.private, self.public = str(pair), str(pair.to_public())
        self.identity = cli.folder / "key"
        self.identity.write_text(f"{self.private}\n")
        self.there = cli.folder / "there"
        self.there.mkdir()
        (cli.data / "a").write_text("hello")

    def ini(self, main: str, sections: str = "[{data}]\nupload_files = yes\n") -> Path:
        return self.cli.ini(
            f"[main]\ndestination = {self.there}\ncatalog = {{here}}/catalog.sqlite3\nlogfile =\n{main}\n{sections}"
        )

    @property
    def sent(self) -> list[str]:
        return sorted(
            file.name for file in self.there.rglob("*") if ".recipe" not in file.name and file.suffix == ".age"
        )


@pytest.fixture
def safe(cli: Cli) -> Safe:
    return Safe(cli)


def test_a_check_says_the_steps_and_who_can_open_it(safe: Safe) -> None:
    ini = safe.ini(f"seal = zstd, split, age\nrecipients = {safe.public}\nidentity_file = {safe.identity}")
    ran = safe.cli("config", "check", "-c", ini)
    assert (ran.code, ran.err) == (0, "")
    told = " ".join(ran.out.split())
    assert f"sealed with zstd, split, age; opened by whoever has the private key of {safe.public}" in told
    assert "was opened again" in told
    assert "without it nobody, not even you, can ever read these backups" in told
    assert safe.private not in ran.out
    (seal,) = safe.cli("config", "check", "-c", ini, "--json").json["seals"]
    assert (seal["steps"], seal["wrong"]) == (["zstd", "split", "age"], None)


def test_a_machine_without_the_private_key_is_no_trouble(safe: Safe) -> None:
    ini = safe.ini(f"encrypt = yes\nrecipients = {safe.public}\nidentity_file = /mnt/not/plugged/in")
    ran = safe.cli("config", "check", "-c", ini)
    assert (ran.code, ran.err) == (0, "")
    assert "nothing on this machine can open it again" in " ".join(ran.out.split())


def test_of_a_configuration_that_encrypts_nothing_there_is_nothing_to_say(safe: Safe) -> None:
    ran = safe.cli("config", "check", "-c", safe.ini("seal = zstd"))
    assert (ran.code, "sealed" in ran.out) == (0, False)
    assert safe.cli("config", "check", "-c", safe.ini(""), "--json").json["seals"] == []


def test_a_key_that_does_not_fit_is_told(safe: Safe) -> None:
    other = str(pyrage.x25519.Identity.generate().to_public())
    ini = safe.ini(f"encrypt = yes\nrecipients = {other}\nidentity_file = {safe.identity}")
    ran = safe.cli("config", "check", "-c", ini)
    assert ran.code == 2
    assert "belongs to a recipient" in ran.err
    assert safe.cli("config", "check", "-c", ini, "--json").json["seals"][0]["wrong"]


def test_what_cannot_even_seal_is_a_problem_with_its_line(safe: Safe) -> None:
    ini = safe.ini(f"seal = openssl\npassword_file = {safe.identity}")
    for verb in (["config", "check"], ["backup"]):
        ran = safe.cli(*verb, "-c", ini)
        assert ran.code == 2
        assert f"{ini}:5: others may read the password file {safe.identity}" in ran.err
        assert f"chmod 600 {safe.identity}" in ran.err
    (problem,) = safe.cli("config", "check", "-c", ini, "--json").json["problems"]
    assert "others may read" in problem["message"]
    assert safe.sent == []


def test_a_gpg_key_that_is_not_there_is_told_before_anything_is_sent(safe: Safe) -> None:
    if shutil.which("gpg") is None:
        lacking("gpg is not installed")
    home = safe.cli.folder / "gnupg"
    home.mkdir(mode=0o700)
    ini = safe.ini(f"seal = gpg\nrecipients = nobody@example.org\ngnupg_home = {home}")
    ran = safe.cli("-c", ini)
    assert ran.code == 2
    assert "nobody@example.org" in ran.err
    assert list(safe.there.iterdir()) == []


def test_the_first_run_tells_once_who_can_open_what_it_seals(safe: Safe) -> None:
    ini = safe.ini(f"encrypt = yes\nrecipients = {safe.public}")
    first, second = safe.cli("-c", ini, "--quiet"), safe.cli("-c", ini, "--quiet")
    assert (first.code, second.code) == (0, 0)
    assert f"can be opened by whoever has the private key of {safe.public}" in first.err
    assert "try it once" in first.err
    assert second.err == ""
    assert oct(os.stat(safe.cli.folder / "key-checks").st_mode & 0o777) == "0o600"
    assert len([name for name in safe.sent if "sqlite3" not in name]) == 1
    again = safe.ini(f"encrypt = yes\nrecipients = {safe.public}\n    {_another()}")
    assert "can be opened by" in safe.cli("-c", again, "--quiet").err


def _another() -> str:
    return str(pyrage.x25519.Identity.generate().to_public())


def test_a_dry_run_tries_nothing_and_leaves_nothing(safe: Safe) -> None:
    ini = safe.ini("encrypt = yes\npassword_file = /no/such/file")
    ran = safe.cli("-d", "-c", ini)
    assert (ran.code, ran.err) == (0, "")
    assert sorted(os.listdir(safe.cli.folder)) == ["backup.ini", "data", "key", "there"]


def test_each_run_tells_of_a_password_that_is_none_of_the_key(safe: Safe) -> None:
    password = safe.cli.folder / "password"
    password.write_text("hunter3\n")
    password.chmod(0o600)
    public, identity = new_identity("hunter2")
    (safe.cli.folder / "identity.age").write_text(identity)
    (safe.cli.folder / "identity.age.pub").write_text(public)
    ini = safe.ini(f"encrypt = yes\npassword_file = {password}")
    for _ in range(2):
        ran = safe.cli("-c", ini)
        assert ran.code == 0
        assert "the password doesn't open the identity file" in ran.err
    assert safe.cli("config", "check", "-c", ini).code == 2
