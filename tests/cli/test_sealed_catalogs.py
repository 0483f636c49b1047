"""Copies of the catalog beside encrypted archives: sealed, opened by stock tools and by us, and taken to rebuild."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.harness import Cli
from tests.cli.test_catalog import LOCAL, SECTION, paths_in
from tests.lacking import lacking

OPENSSL = "encrypt = yes\nseal = split, openssl\nopenssl_iterations = 20000\npassword_file = {here}/password\n"
AGE = "encrypt = yes\npassword_file = {here}/password\n"


def an_ini(cli: Cli, seal: str) -> Path:
    (cli.data / "a.txt").write_text("a")
    password = cli.folder / "password"
    password.write_text("correct horse\n")
    password.chmod(0o600)
    return cli.ini(LOCAL + seal + SECTION)


def the_copy(folder: Path, suffix: str) -> Path:
    (copy,) = folder.rglob(f"*.sqlite3.gz{suffix}")
    return copy


def test_a_copy_is_sealed_as_the_archives_are_and_openssl_opens_it(cli: Cli) -> None:
    if shutil.which("openssl") is None:
        lacking("needs openssl")
    assert cli("-c", an_ini(cli, OPENSSL)).code == 0

    copy = the_copy(cli.folder / "disk", ".enc")
    command = f"openssl enc -d -aes-256-cbc -md sha512 -pbkdf2 -iter 20000 -pass file:{cli.folder}/password -in {copy}"
    opened = subprocess.run(command.split(), capture_output=True, check=True)

    (cli.folder / "unpacked").write_bytes(gzip.decompress(opened.stdout))
    assert paths_in(cli.folder / "unpacked") == ["a.txt"]


@pytest.mark.parametrize(("seal", "suffix"), [(OPENSSL, ".enc"), (AGE, ".age")])
def test_a_catalog_that_is_gone_is_rebuilt_from_a_sealed_copy(cli: Cli, seal: str, suffix: str) -> None:
    """With age the key lies with the archives, protected by the password."""
    ini = an_ini(cli, seal)
    assert cli("-c", ini).code == 0
    the_copy(cli.folder / "disk", suffix)
    for file in [*cli.folder.glob("catalog.sqlite3*"), *cli.folder.glob("identity.age*")]:
        file.unlink()

    ran = cli("catalog", "rebuild", "-c", ini)

    assert (ran.code, ran.err) == (0, "")
    assert f".sqlite3.gz{suffix}" in ran.out
    assert paths_in(cli.folder / "catalog.sqlite3") == ["a.txt"]
    assert len(list(cli.folder.glob("identity-*.age"))) == (suffix == ".age")


@pytest.mark.parametrize("there_is", ["a catalog", "none, and no copy is wanted"])
def test_the_key_that_a_password_protects_comes_back_in_any_case(cli: Cli, there_is: str) -> None:
    ini = an_ini(cli, AGE)
    assert cli("-c", ini).code == 0
    for file in cli.folder.glob("identity.age*"):
        file.unlink()
    if there_is != "a catalog":
        (cli.folder / "catalog.sqlite3").unlink()

    ran = cli("catalog", "rebuild", "-c", ini, *([] if there_is == "a catalog" else ["--no-copy"]))

    assert (ran.code, ran.err) == (0, "")
    assert cli("restore", cli.data / "a.txt", "--to", cli.folder / "back", "-c", ini).code == 0
    assert (cli.folder / "back/a.txt").read_text() == "a"


@pytest.mark.parametrize(("seal", "suffix"), [(OPENSSL, ".enc"), (AGE, ".age")])
def test_a_sealed_copy_is_made_and_taken_by_hand(cli: Cli, seal: str, suffix: str) -> None:
    ini = an_ini(cli, seal)
    assert cli("-c", ini).code == 0
    file = cli.folder / f"mine.sqlite3.gz{suffix}"
    assert cli("catalog", "backup", file, "-c", ini).code == 0
    assert cli("catalog", "backup", file, "-c", ini).code == 0
    assert b"SQLite" not in file.read_bytes()
    (cli.folder / "catalog.sqlite3").unlink()

    ran = cli("catalog", "restore", file, "-c", ini)

    assert (ran.code, ran.err) == (0, "")
    assert paths_in(cli.folder / "catalog.sqlite3") == ["a.txt"]


def test_a_sealed_copy_is_not_taken_with_the_wrong_password(cli: Cli) -> None:
    ini = an_ini(cli, AGE)
    cli("-c", ini)
    copy = the_copy(cli.folder / "disk", ".age")
    (cli.folder / "password").write_text("wrong\n")

    ran = cli("catalog", "restore", copy, "-c", ini, "--force")

    assert ran.code == 1
    assert "password" in ran.err
    assert paths_in(cli.folder / "catalog.sqlite3") == ["a.txt"]


def test_a_copy_is_only_sealed_as_the_configuration_says(cli: Cli) -> None:
    ini = an_ini(cli, OPENSSL)
    cli("-c", ini)
    ran = cli("catalog", "backup", cli.folder / "mine.sqlite3.gz.age", "-c", ini)
    assert (ran.code, "sealed as .enc" in ran.err) == (2, True)


def test_what_changes_the_catalog_besides_runs_seals_its_copy_too(cli: Cli) -> None:
    ini = an_ini(cli, AGE)
    (cli.data / "b.txt").write_text("b")
    assert cli("-c", ini).code == 0
    assert cli("delete", "id:1", "-c", ini, "--yes", "--even-last").code == 0
    found = list((cli.folder / "disk").rglob("*.sqlite3.gz*"))
    assert len(found) == 2
    assert {file.suffix for file in found if not file.name.endswith(".sha256")} == {".age"}


def test_other_paths_leave_no_open_copy_beside_the_sealed_ones(cli: Cli) -> None:
    an_ini(cli, AGE)
    ini = cli.ini(LOCAL + SECTION + AGE)
    (cli.folder / "other.txt").write_text("other")
    assert cli("-c", ini).code == 0
    assert cli("-c", ini, "-p", cli.folder / "other.txt").code == 0
    found = list((cli.folder / "disk").rglob("*.sqlite3.gz*"))
    assert {file.suffix for file in found if not file.name.endswith(".sha256")} == {".age"}
