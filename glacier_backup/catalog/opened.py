"""One open catalog: opened, copied, checked and closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from glacier_backup.catalog.database import Database
from glacier_backup.catalog.opening import open_readonly, open_writable

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")


class Opened:
    """What all that a catalog does stands on. A context manager."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.warnings: tuple[str, ...] = database.warnings
        """What a person should know about where it lies, in plain words."""

    @classmethod
    def open(cls, path: str) -> Self:
        """The catalog at ``path``, for writing. If there is no file, a new one is made (0600, its folder 0700); one
        of an older schema is brought to the newest. A file that is no catalog, or one of a newer program, is left
        as it is: CatalogError."""
        return cls(open_writable(path))

    @classmethod
    def peek(cls, path: str) -> Self:
        """The catalog at ``path``, for dry runs and lists: nothing is written, not even a file beside it, and
        another process may be writing. Where there is no file it is empty. Its writing methods fail."""
        return cls(open_readonly(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    @property
    def path(self) -> str:
        """Of its file, with no symlinks in it."""
        return self._database.path

    def ask(self, query: Callable[[Connection], T]) -> T:
        """What ``query`` returns, for the modules of this room. Raises CatalogError."""
        return self._database.read(query)

    def check(self) -> Iterator[str]:
        """What is wrong with the catalog itself, a sentence each: a damaged file, archives of which nothing says where
        they are, volumes that are missing among others, checksums that don't add up, members out of order, recipes that
        can't be read. Reads all of it."""
        from glacier_backup.catalog import checking

        return checking.check(self._database)

    def copy_to(self, path: str) -> None:
        """Make ``path`` a copy of the whole catalog as it is at one moment, whoever writes meanwhile.

        The file is 0600, on the disk when this returns, and takes the place of one that is there only then. Raises
        CatalogError when it can't be written, and for a catalog that is damaged: no sound copy is to be replaced by
        one that isn't.
        """
        from glacier_backup.catalog import copying

        copying.copy(self._database, path)
