"""Where pyArchiver's settings are: in an ini file, or in the database ``NAME.archive``, which holds a copy of one."""

from __future__ import annotations

import configparser
import re
import sqlite3
from contextlib import closing
from typing import NamedTuple
from urllib.parse import quote

from glacier_backup.config.ini import RawFile
from glacier_backup.errors import Problem, UsageError

Key = tuple[str, str]
"""Section and option."""

_DATABASE = b"SQLite format 3\0"
"""The first bytes of one ("Database File Format", 1.3)."""
_KNOWN = (1, 2)
_HEADER = re.compile(r"^\[(Archive|Repository)\]", re.MULTILINE)
_LOOKED_AT = 64 * 1024
_FROM = re.compile(r" FROM (\w+)")
_IS_VIEW = "SELECT 1 FROM sqlite_master WHERE type = 'view' AND name = ? COLLATE NOCASE"
_DEFAULTS: dict[Key, str] = {("Sftp", "port"): "22", ("Tar", "ciphered"): "no", ("Tar", "size_tar"): "512"}


class Found(NamedTuple):
    """The text of an ini file. ``repr`` shows none of it: there are passwords in it."""

    text: str
    is_copy: bool
    """Whether it is from a database, where its lines have no numbers that somebody could look up."""
    password: str = ""
    """The one that the database has beside it."""

    def __repr__(self) -> str:
        return f"Found(is_copy={self.is_copy})"


def is_pyarchivers(file: str) -> bool:
    """Whether it looks like one of the two; not where it can't be read."""
    try:
        with open(file, "rb") as opened:
            start = opened.read(_LOOKED_AT)
    except OSError:
        return False
    return start.startswith(_DATABASE) or _HEADER.search(start.decode("utf-8", "replace")) is not None


def read_file(file: str) -> Found:
    """Raises UsageError where there are no settings in it."""
    try:
        with open(file, "rb") as opened:
            if opened.read(len(_DATABASE)) != _DATABASE:
                opened.seek(0)
                return Found(opened.read().decode("utf-8-sig", "surrogateescape"), is_copy=False)
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}") from error
    try:
        with closing(sqlite3.connect(f"file:{quote(file)}?mode=ro", uri=True)) as database:
            # Otherwise text that isn't UTF-8 could not be read at all.
            database.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            return _in_database(file, database)
    except sqlite3.Error as error:
        raise UsageError(f"{file} can't be read: {error}", hint="give the ini file instead") from error


def _in_database(file: str, database: sqlite3.Connection) -> Found:
    version = _first(database, "SELECT version FROM version ORDER BY version DESC") or 1
    if version not in _KNOWN:
        raise UsageError(f"{file} is of version {version}, and 1 and 2 are known", hint="give the ini file instead")
    text = _first(database, "SELECT ini FROM config")
    if not text:
        raise UsageError(f"{file} holds no settings", hint="give the ini file instead")
    password = _first(database, "SELECT key FROM cipher WHERE type = 'aes'")
    return Found(_text(text), is_copy=True, password="" if password is None else _text(password))


def _first(database: sqlite3.Connection, query: str) -> object:
    """None where there is no such table, or it is none: reading what somebody calls so may take for ever."""
    (table,) = _FROM.findall(query)
    if database.execute(_IS_VIEW, (table,)).fetchone() is not None:
        return None
    try:
        row = database.execute(query).fetchone()
    except sqlite3.OperationalError as error:
        if "no such" in str(error):
            return None
        raise
    return None if row is None else row[0]


def _text(value: object) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


class Values:
    """The values as pyArchiver reads them; of keys that aren't set, what it writes there itself."""

    def __init__(self, file: str, raw: RawFile, found: Found) -> None:
        self._file = file
        self._raw = raw
        self._found = found
        self._parser = configparser.ConfigParser(strict=False)
        if not raw.problems:
            self._parser.read_string(found.text)

    def __getitem__(self, key: Key) -> str:
        text = self._text(*key) or _DEFAULTS.get(key, "")
        if key == ("Tar", "password"):
            return text or self._found.password
        return text

    @property
    def given(self) -> tuple[Key, ...]:
        return tuple((section.name, name) for section in self._raw.sections.values() for name in section.options)

    def problem(self, key: Key, message: str) -> Problem:
        """With its line, where that can be looked up."""
        section = self._raw.sections.get(key[0])
        option = section.options.get(key[1]) if section else None
        line = None if option is None or self._found.is_copy else option.line
        return Problem(self._file, line, key[0], key[1], message)

    def _text(self, section: str, option: str) -> str:
        try:
            return self._parser.get(section, option).strip()
        except configparser.InterpolationError:
            # pyArchiver reads no such value, and it can only mean itself.
            return self._parser.get(section, option, raw=True).strip()
        except (configparser.NoSectionError, configparser.NoOptionError):
            return ""
