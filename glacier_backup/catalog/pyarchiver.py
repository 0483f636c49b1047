"""What pyArchiver has recorded: the SQLite file ``NAME.archive``, of version 1 or 2.

``tars(path)`` names what was stored, ``files_to_archive(path)`` what wasn't yet, and ``json(state_dir)`` has all files
that it saw last, in one JSON text. It is read and never changed, and nothing in it is trusted: a column may hold
anything. Passwords are in it, too; they aren't read here.
"""

from __future__ import annotations

import posixpath
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple, TypeGuard

from glacier_backup.catalog.connect import connect_readonly
from glacier_backup.catalog.exact import GREATEST_INTEGER
from glacier_backup.errors import CatalogError

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_NEEDED = frozenset({"json", "tars", "config"})
_TARS = "SELECT path FROM tars"
_PENDING = "SELECT path FROM files_to_archive"
_SEEN = """
    SELECT CASE WHEN typeof(one.key) = 'text' THEN one.key ELSE json_extract(one.value, '$.path') END,
           json_extract(one.value, '$.size'), json_extract(one.value, '$.hash')
    FROM (SELECT NULLIF(CAST(state_dir AS TEXT), '') AS state FROM json LIMIT 1), json_each(state, '$.files') AS one
    WHERE one.type = 'object'
"""
_LOOK = re.compile(r"[0-9a-fx]+", re.IGNORECASE)


class SeenFile(NamedTuple):
    """One file that pyArchiver saw, and takes for stored unless it is pending. A plain tuple, for there may be
    millions."""

    path: str
    """Below the directory. No component is empty, ``.`` or ``..``."""
    size: int | None
    """Bytes; None where that isn't told."""
    look: str
    """Hex digits of the second of its mtime and of its size, one behind the other; empty where that isn't told."""


def is_pyarchivers_record(path: str) -> bool:
    """Whether the file is a database with its tables. Raises CatalogError for one that can't be read."""
    with _opened(path) as database:
        return _tables(database) >= _NEEDED


def read_tars(path: str) -> Iterator[str]:
    """What it says of each tar that it has stored: its name, or its path where it was stored. Raises CatalogError."""
    with _opened(path) as database:
        yield from (text for (text,) in database.execute(_TARS) if isinstance(text, str) and text)


def read_pending(path: str, directory: str, left_out: Callable[[], object] = lambda: None) -> Iterator[str]:
    """The files that it hasn't stored yet, below ``directory``; ``left_out`` is called for each row that names none.

    Raises CatalogError.
    """
    with _opened(path) as database:
        for (text,) in database.execute(_PENDING) if "files_to_archive" in _tables(database) else ():
            found = _below(text, directory)
            if found is None:
                left_out()
            else:
                yield found


def read_seen(path: str, directory: str, left_out: Callable[[], object] = lambda: None) -> Iterator[SeenFile]:
    """All files that it saw when it looked last, likewise. Raises CatalogError, also for a text that is no JSON."""
    with _opened(path) as database:
        for name, size, look in database.execute(_SEEN):
            found = _below(name, directory)
            if found is None:
                left_out()
            else:
                told = size if _is_size(size) else None
                yield SeenFile(found, told, _digits(look, told))


def look_of(size: int, mtime_ns: int) -> str:
    """As :attr:`SeenFile.look` has it."""
    return f"{max(0, mtime_ns) // 10**9:x}{size:x}"


def _digits(look: object, size: int | None) -> str:
    """Without the signs that some write in front of such numbers; empty for what can't be of a file of that size."""
    digits = look.lower().replace("0x", "") if isinstance(look, str) and _LOOK.fullmatch(look) else ""
    return digits if size is None or digits.endswith(f"{size:x}") else ""


def _is_size(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and 0 <= value <= GREATEST_INTEGER


def _below(name: object, directory: str) -> str | None:
    """The path of a file as seen from the directory; None for what can't be one."""
    if not isinstance(name, str) or "\0" in name:
        return None
    if name.startswith("/"):
        start = f"{directory.rstrip('/')}/"
        if not name.startswith(start):
            return None
        name = name.removeprefix(start)
    names = [one for one in name.split("/") if one not in ("", ".")]
    return posixpath.join(*names) if names and ".." not in names else None


def _tables(database: sqlite3.Connection) -> set[str]:
    return {name for (name,) in database.execute(_TABLES)}


@contextmanager
def _opened(path: str) -> Iterator[sqlite3.Connection]:
    try:
        with closing(connect_readonly(path)[0]) as database:
            database.text_factory = _text
            yield database
    except (sqlite3.Error, OSError) as error:
        cause = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise CatalogError(
            f"{path} can't be read as the record of pyArchiver: {cause}", hint="that record is its file NAME.archive"
        ) from error


def _text(data: bytes) -> str:
    """Bytes of names that aren't UTF-8 stand in its JSON as Python has them (PEP 383), which SQLite writes out as if
    they were letters."""
    try:
        text = data.decode("utf-8", "surrogatepass")
        text.encode("utf-8", "surrogateescape")
    except UnicodeError:
        return data.decode("utf-8", "surrogateescape")
    return text
