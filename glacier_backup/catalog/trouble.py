"""What SQLite and the file system say, in plain words and with a cure.

Without SQLAlchemy, for readers of other programs' databases need it too.
"""

from __future__ import annotations

import errno
import os
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from glacier_backup.errors import CatalogError


@contextmanager
def plain_words(path: str) -> Iterator[None]:
    """Turn what goes wrong with the database at ``path`` into a CatalogError."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(path, error) from error
    except OSError as error:
        raise unreachable(path, error) from error


def explain(path: str, error: BaseException | None) -> CatalogError:
    """The CatalogError for an error of SQLite's (result codes: https://www.sqlite.org/rescode.html)."""
    # The low byte is the primary result code; errors of Python's own module have none.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return _EXPLANATIONS.get(code, _other)(path, str(error))


def unreachable(path: str, error: OSError) -> CatalogError:
    """The CatalogError for a refusal of the file system's."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(path, str(error))
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else path
    return CatalogError(
        f"the catalog {path} can't be opened: {where}: {error.strerror}",
        hint=f"make {where} accessible to the user who runs glacier-backup, or name another place in `catalog`",
    )


def damaged(path: str, detail: str) -> CatalogError:
    """The CatalogError for a file that is no sound database; it is never written to."""
    return CatalogError(
        f"the catalog {path} is damaged: {detail}",
        hint="put a sound copy of the file back; it was left as it is. Only once it is moved away does a run start "
        "a new catalog, and sends everything again",
    )


def closed(path: str, detail: str) -> CatalogError:
    """The CatalogError for one that is read-only or can't be opened: SQLite says only that, so look for what stands
    in the way."""
    folder = os.path.dirname(path)
    if os.path.isfile(path) and not os.access(path, os.R_OK):
        what, cure = f"can't be read: no permission on {path}", f"make {path} readable"
    elif os.path.isfile(path) and not os.access(path, os.W_OK):
        what, cure = "is read-only", f"make {path} writable"
    elif os.path.isdir(folder) and not os.access(folder, os.W_OK | os.X_OK):
        what, cure = f"can't be written: its folder {folder} is read-only", f"make {folder} writable"
    else:
        what, cure = f"can't be opened: {detail}", f"see whether {folder} is there and accessible"
    return CatalogError(
        f"the catalog {path} {what}",
        hint=f"{cure} for the user who runs glacier-backup, or name another place in `catalog`",
    )


def _locked(path: str, detail: str) -> CatalogError:
    return CatalogError(
        f"the catalog {path} is locked by another program",
        hint=f"end the program that holds it (`fuser -v {shlex.quote(path)}` names it), then run again",
    )


def _not_a_database(path: str, detail: str) -> CatalogError:
    return damaged(path, "it is not a database")


def _full(path: str, detail: str) -> CatalogError:
    return CatalogError(
        f"the disk of the catalog {path} is full",
        hint=f"make room in {os.path.dirname(path)}, then run again",
    )


def _disk(path: str, detail: str) -> CatalogError:
    return CatalogError(
        f"the disk of the catalog {path} reports an error: {detail}",
        hint=f"see whether the disk of {os.path.dirname(path)} is full (df), over quota, or failing (dmesg)",
    )


def _other(path: str, detail: str) -> CatalogError:
    return CatalogError(f"the catalog {path} can't be used: {detail}")


_EXPLANATIONS: dict[int, Callable[[str, str], CatalogError]] = {
    sqlite3.SQLITE_BUSY: _locked,
    sqlite3.SQLITE_LOCKED: _locked,
    sqlite3.SQLITE_PROTOCOL: _locked,
    sqlite3.SQLITE_READONLY: closed,
    sqlite3.SQLITE_CANTOPEN: closed,
    sqlite3.SQLITE_PERM: closed,
    sqlite3.SQLITE_AUTH: closed,
    sqlite3.SQLITE_CORRUPT: damaged,
    sqlite3.SQLITE_NOTADB: _not_a_database,
    sqlite3.SQLITE_FULL: _full,
    sqlite3.SQLITE_IOERR: _disk,
}
