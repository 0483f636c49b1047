"""Passwords and private keys show up nowhere: not on the screen, in a log, a catalog, what is stored, nor in the
arguments and the environment of any program that is started."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyrage  # type: ignore[import-untyped]  # it has no types
import pytest

from tests.cli.harness import Cli, Ran, finish, start
from tests.lacking import lacking

PASSWORD = "correct horse battery staple"  # it is the test's
MAIN = "[main]\ndestination = {here}/there\ncatalog = {here}/state/catalog.sqlite3\nlogfile = {here}/state/log\n"
SECTION = "[{data}]\nupload_single_dir = yes\nupload_if_changed = yes\n"

_SPY = """\
#!/bin/sh
tr '\\0' '\\n' < /proc/$$/cmdline >> {seen}
tr '\\0' '\\n' < /proc/$$/environ >> {seen}
exec {program} "$@"
"""


class Watched:
    """A folder where everything that the program does is kept; and programs on its PATH that tell what they see."""

    def __init__(self, cli: Cli) -> None:
        self.cli = cli
        self.told = ""
        self.seen = cli.folder / "seen"
        self._spies = cli.folder / "bin"
        self._spies.mkdir()
        (cli.folder / "there").mkdir()
        (cli.data / "a.txt").write_text("hello\n" * 100_000)
        pair = pyrage.x25519.Identity.generate()
        self.private, self.public = str(pair), str(pair.to_public())
        self.kept = tempfile.mkdtemp(prefix="kept-", dir=cli.folder.parent)
        self.password_file = self._keep("password", PASSWORD)
        self.identity = self._keep("identity", self.private)

    def _keep(self, name: str, text: str) -> Path:
        file = Path(self.kept, name)
        file.write_text(f"{text}\n")
        file.chmod(0o600)
        return file

    def spy_on(self, *programs: str) -> None:
        for name in programs:
            program = shutil.which(name)
            if program is None:
                lacking(f"{name} is not installed")
            spy = self._spies / name
            spy.write_text(_SPY.format(seen=self.seen, program=program))
            spy.chmod(0o755)

    def run(self, *argv: str | Path, **environ: str) -> Ran:
        """In a process of its own, whose PATH leads to the spies first."""
        ran = finish(start(*argv, environ={"PATH": self._path, **environ}))
        self.told += ran.out + ran.err
        return ran

    def run_here(self, *argv: str | Path) -> Ran:
        """The same in this process, which takes a tenth of the time."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("PATH", self._path)
            ran = self.cli(*argv)
        self.told += ran.out + ran.err
        return ran

    @property
    def _path(self) -> str:
        return f"{self._spies}{os.pathsep}{os.environ['PATH']}"

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """All that was said, seen by children, logged, recorded and stored."""
        yield "what was said", self.told.encode()
        for file in self.cli.folder.rglob("*"):
            if file.is_file() and not file.is_symlink():
                yield str(file), file.read_bytes()

    def check(self) -> None:
        secrets = (PASSWORD.encode(), self.private.encode(), self.private[20:50].encode())
        for where, text in self.everything():
            for secret in secrets:
                assert secret not in text, where


@pytest.fixture
def watched(cli: Cli) -> Iterator[Watched]:
    watched = Watched(cli)
    yield watched
    shutil.rmtree(watched.kept)


@pytest.mark.parametrize(
    "seal",
    [
        "seal = zstd, split, openssl, par2\nopenssl_iterations = 10000",
        "seal = gzip, gpg",
        "seal = zstd, age\nrecipients = {public}\nidentity_file = {identity}",
    ],
    ids=["openssl", "gpg", "age"],
)
def test_a_run_from_config_to_restore_shows_no_secret(watched: Watched, seal: str) -> None:
    watched.spy_on("tar", *(["gpg"] if "gpg" in seal else []))
    filled = seal.format(public=watched.public, identity=watched.identity)
    ini = watched.cli.ini(f"{MAIN}{filled}\npassword_file = {watched.password_file}\n{SECTION}")
    runs: list[tuple[str, ...]] = [
        ("config", "check"),
        ("config", "show"),
        ("config", "show", "--json"),
        ("backup", "-d"),
        ("backup", "--verbose"),
        ("list", "--json"),
        ("verify", "--full", "--json"),
        ("restore", "--to", f"{watched.cli.folder}/back", "--verbose"),
    ]
    for verb, *more in runs:
        run = watched.run if "--verbose" in more else watched.run_here
        ran = run(verb, *more, "-c", ini)
        assert ran.code == 0, (verb, ran)
    assert (watched.cli.folder / "back").is_dir()
    assert "tar" in watched.seen.read_text()
    assert "(set)" not in watched.told  # it stands in no option itself
    watched.check()


def test_a_password_in_the_environment_is_handed_to_nobody(watched: Watched) -> None:
    watched.spy_on("tar", "gpg")
    ini = watched.cli.ini(f"{MAIN}seal = gpg\n{SECTION}")
    for verb, *more in (["backup", "--verbose"], ["restore", "--to", f"{watched.cli.folder}/back"], ["config", "show"]):
        assert watched.run(verb, *more, "-c", ini, GLACIER_BACKUP_PASSWORD=PASSWORD).code == 0
    assert {"tar", "gpg"} <= {os.path.basename(word) for word in watched.seen.read_text().splitlines()}
    assert "(set)" in watched.told
    watched.check()


def test_a_password_of_the_env_file_is_handed_to_nobody(watched: Watched) -> None:
    watched.spy_on("tar", "gpg")
    env_file = Path(watched.kept, "env")
    env_file.write_text(f'BACKUP_PASSWORD="{PASSWORD}"\nHARMLESS=seen\n')
    env_file.chmod(0o600)
    ini = watched.cli.ini(f"{MAIN}env_file = {env_file}\nseal = gpg\npassword = ${{env:BACKUP_PASSWORD}}\n{SECTION}")
    assert watched.run("backup", "--verbose", "-c", ini).code == 0
    assert "HARMLESS=seen" in watched.seen.read_text()
    watched.check()


def test_a_wrong_password_is_not_quoted(watched: Watched) -> None:
    ini = watched.cli.ini(f"{MAIN}seal = openssl\nopenssl_iterations = 10000\npassword = another\n{SECTION}")
    assert watched.run("backup", "-c", ini).code == 0
    wrong = watched.cli.ini(f"{MAIN}seal = openssl\npassword_file = {watched.password_file}\n{SECTION}", "wrong.ini")
    ran = watched.run("restore", "--to", f"{watched.cli.folder}/back", "-c", wrong)
    assert ran.code in (1, 5)
    assert "password" in ran.err
    watched.check()


def test_a_defect_shows_no_secret_in_its_traceback(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise RuntimeError("a defect")

    ini = watched.cli.ini(f"{MAIN}seal = openssl\npassword_file = {watched.password_file}\n{SECTION}")
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", broken)
    ran = watched.cli("backup", "--verbose", "-c", ini)
    watched.told += ran.out + ran.err
    assert "Traceback" in ran.err
    assert "pbkdf2_hmac" in ran.err
    watched.check()


@pytest.mark.parametrize("option", ["password", "recipients", "identity_file", "password_command"])
def test_a_mistake_beside_a_secret_does_not_quote_it(watched: Watched, option: str) -> None:
    value = {"password": PASSWORD, "recipients": watched.private}.get(option, "'")
    ini = Path(watched.kept, "mistaken.ini")
    text = f"{MAIN}seal = age\nencrypt = perhaps\npassword = {PASSWORD}\n{option} = {value}\nvolume_size = 1\n{SECTION}"
    ini.write_text(text.replace("{here}", str(watched.cli.folder)).replace("{data}", str(watched.cli.data)))
    ran = watched.run("config", "check", "-c", ini)
    assert ran.code == 2
    assert "encrypt" in ran.err
    watched.check()
