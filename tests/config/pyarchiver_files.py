"""Files such as pyArchiver writes them, made by the facts of its formats."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

DIRECTORY = "/srv/photos"

LOCAL: dict[str, dict[str, str]] = {
    "Id": {"id_ini": "pyArchiver", "version_ini": "1"},
    "Archive": {"directory": f'"{DIRECTORY}"', "name": "photos", "exclude": ""},
    "Tar": {"size_tar": "512", "ciphered": "no", "password": ""},
    "Repository": {"type": "local"},
    "Local": {"dir": '"/mnt/disk"'},
}
SERVER: dict[str, dict[str, str]] = {
    **LOCAL,
    "Tar": {"size_tar": "512", "ciphered": "yes", "password": "tar secret"},
    "Repository": {"type": "sftp"},
    "Sftp": {"host": "nas.example", "port": "2222", "user": "me", "password": "ssh secret", "dir": '"/backup"'},
}


def ini(base: Mapping[str, Mapping[str, str]] = LOCAL, **changed: str) -> str:
    """Its text; ``Section_option="value"`` sets another value."""
    sections = {name: dict(options) for name, options in base.items()}
    for key, value in changed.items():
        section, _, option = key.partition("_")
        sections.setdefault(section, {})[option] = value
    lines = [
        line
        for name, options in sections.items()
        for line in (f"[{name}]", *(f"{option} = {value}" for option, value in options.items()), "")
    ]
    return "; what is to be archived\n" + "\n".join(lines)


def write_archive(path: Path, text: str | None, *, version: int | None = 2, password: str = "") -> Path:
    """A database; ``version`` None is the first one, which says none."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE json (state_dir BLOB)")
        database.execute("CREATE TABLE tars (path TEXT)")
        if version is not None:
            database.execute("CREATE TABLE version (version INTEGER PRIMARY KEY)")
            database.execute("INSERT INTO version VALUES (?)", (version,))
        if text is not None:
            database.execute("CREATE TABLE config (ini TEXT)")
            database.execute("INSERT INTO config VALUES (?)", (text,))
        database.execute("CREATE TABLE cipher (type TEXT, key TEXT)")
        database.execute("INSERT INTO cipher VALUES (?, ?)", ("aes" if password else "dummy", password))
    return path
