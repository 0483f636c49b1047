"""The usual places."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from glacier_backup.config.folders import Folders
from tests.config.conftest import in_home_of_user_database, told


def test_without_xdg_variables_the_established_names_hold() -> None:
    folders = Folders({"HOME": "/home/me"})
    assert folders.config_file == "/home/me/.config/glacier_backup/glacier_backup.conf"
    assert folders.logfile == "/home/me/.config/glacier_backup/glacier_backup.log"
    assert folders.catalog == "/home/me/.local/share/glacier_backup/catalog.sqlite3"
    assert folders.local_vault == "/home/me/.local/share/glacier_backup/vault"


def test_xdg_variables_are_honoured() -> None:
    folders = Folders({"HOME": "/home/me", "XDG_CONFIG_HOME": "/c/", "XDG_DATA_HOME": "/d"})
    assert folders.config_file == "/c/glacier_backup/glacier_backup.conf"
    assert folders.catalog == "/d/glacier_backup/catalog.sqlite3"


@pytest.mark.parametrize("base", ["", "relative/folder"])
def test_an_xdg_variable_that_is_empty_or_relative_counts_as_not_set(base: str) -> None:
    folders = Folders({"HOME": "/home/me", "XDG_CONFIG_HOME": base, "XDG_DATA_HOME": base})
    assert folders.config == "/home/me/.config/glacier_backup"
    assert folders.data == "/home/me/.local/share/glacier_backup"


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_without_home_the_user_database_knows(environ: dict[str, str]) -> None:
    assert told(lambda: Folders(environ).home) == in_home_of_user_database()


def test_a_home_of_a_single_slash_makes_no_double_one() -> None:
    folders = Folders({"HOME": "/"})
    assert folders.config == "/.config/glacier_backup"
    assert folders.expand("~") == "/"


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("~", "/home/me"),
        ("~/x", "/home/me/x"),
        ("a~", "a~"),
        ("/a/~/b", "/a/~/b"),
        ("~nobody-of-this-name/x", "~nobody-of-this-name/x"),
        ("", ""),
    ],
)
def test_a_leading_tilde_is_the_home_folder(text: str, expanded: str) -> None:
    assert Folders({"HOME": "/home/me"}).expand(text) == expanded


def test_the_home_folder_of_another_user_is_known() -> None:
    assert Folders({"HOME": "/home/me"}).expand("~root/x") == pwd.getpwnam("root").pw_dir + "/x"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user that the user database doesn't know")
def test_a_user_without_any_home_folder_is_told_so(tmp_path: Path) -> None:
    script = """
import os, sys
from glacier_backup.config.load import load
os.setuid(54321)
try:
    load(None, overrides={}, environ={})
except Exception as error:
    print(error, error.hint, sep=" | ")
print(load("/proc/self/fd/0", overrides={}, environ={}).catalog)
"""
    file = tmp_path / "x.conf"
    file.write_text("[main]\nvault_name = x\ncatalog = /c\nlogfile =\n[/a]\n")
    file.chmod(0o644)
    with file.open() as stdin:
        said = subprocess.run([sys.executable, "-c", script], stdin=stdin, capture_output=True, text=True)
    assert said.stdout.splitlines() == [
        "environment HOME: found nothing; expected your home folder | "
        "set HOME, or name the INI file, logfile, catalog and destination by absolute paths",
        "/c",
    ], said.stderr
