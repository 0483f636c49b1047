"""A catalog's database: transactions, and errors in plain words."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from glacier_backup.catalog.connect import Sight, connect_readonly, see
from glacier_backup.catalog.trouble import explain, plain_words
from glacier_backup.errors import CatalogError

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")

_ATTEMPTS = 10


class Execute(Protocol):
    """Runs one statement and gives its rows: of a driver's connection, or of SQLAlchemy's ``exec_driver_sql``."""

    def __call__(self, statement: str, parameters: Any = (), /) -> Iterable[Sequence[Any]]: ...


@contextmanager
def transaction(connection: Connection, begin: str) -> Iterator[Connection]:
    """All or nothing. ``begin`` is said to SQLite as it is, for neither the driver nor SQLAlchemy would take the
    write lock at once, or put CREATE TABLE into the transaction."""
    from sqlalchemy.exc import DBAPIError

    if connection.in_transaction():
        raise _nested()
    try:
        connection.exec_driver_sql(begin)
        yield connection
        connection.commit()
    except BaseException as error:
        connection.rollback()
        if isinstance(error, DBAPIError) and error.orig is not None:
            raise error.orig from error
        raise


def _nested() -> RuntimeError:
    """The end of the inner transaction would be the end of the outer one too."""
    return RuntimeError("the catalog is used inside a transaction of the same thread")


class Database:
    """One open database. Threads take turns: one transaction at a time.

    SQLAlchemy is loaded when it is first needed: to load it takes longer than what is only asked in SQL.
    """

    warnings: tuple[str, ...] = ()
    """What a person should know about where it lies."""

    def __init__(self, path: str, raw: sqlite3.Connection) -> None:
        self.path = path
        self._turn = threading.RLock()
        self._adopt(raw)

    def read(self, query: Callable[[Connection], T]) -> T:
        """What ``query`` returns, which must hold no open result, from one state of the catalog."""
        with self._in_turn(), transaction(self._connection, "BEGIN") as connection:
            return query(connection)

    def ask(self, query: Callable[[Execute], T]) -> T:
        """The same without SQLAlchemy."""
        with self._in_turn():
            if self._raw.in_transaction:
                raise _nested()
            self._raw.execute("BEGIN")
            try:
                return query(self._raw.execute)
            finally:
                self._raw.rollback()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is on the disk when it ends without an error, and else never was."""
        with self._in_turn(), transaction(self._connection, "BEGIN IMMEDIATE") as connection:
            yield connection

    def configure(self, *pragmas: str) -> None:
        """Carry out statements that are allowed in no transaction."""
        with self._in_turn():
            for pragma in pragmas:
                self._raw.execute(pragma)

    def copy_to_memory(self) -> Database:
        """The same content in a database that vanishes when it is closed."""
        memory = in_memory(self.path)
        self.back_up(memory._raw)
        return memory

    def back_up(self, target: sqlite3.Connection) -> None:
        """Put the content, as it is at one moment, into another database in place of its own."""
        self.ask(lambda _: self._raw.backup(target))

    def close(self) -> None:
        with self._turn:
            self._closed = True
            self._let_go()

    def _adopt(self, raw: sqlite3.Connection) -> None:
        self._closed = False
        self._raw = raw
        self._made: Connection | None = None

    @property
    def _connection(self) -> Connection:
        """SQLAlchemy's."""
        if self._made is None:
            from sqlalchemy import StaticPool, create_engine

            raw = self._raw
            self._made = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool).connect()
        return self._made

    def _let_go(self) -> None:
        if self._made is not None:
            self._made.close()
            self._made.engine.dispose()
        self._raw.close()

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        with self._turn, self._plain_words():
            if self._closed:
                # A thread that a run has left behind comes too late.
                raise CatalogError(f"the catalog {self.path} is closed", hint="run again")
            yield

    @contextmanager
    def _plain_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explain(self.path, error) from error


class ReadOnly(Database):
    """A database that is only read; nothing is written to it or beside it (see :func:`connect_readonly`)."""

    def __init__(self, path: str) -> None:
        raw, self._sight = _look(path)
        super().__init__(path, raw)

    def read(self, query: Callable[[Connection], T]) -> T:
        return self._steadily(lambda: super(ReadOnly, self).read(query))

    def ask(self, query: Callable[[Execute], T]) -> T:
        return self._steadily(lambda: super(ReadOnly, self).ask(query))

    def _steadily(self, read: Callable[[], T]) -> T:
        with self._turn:
            return self._read_steadily(read)

    def _read_steadily(self, read: Callable[[], T]) -> T:
        for _ in range(_ATTEMPTS):
            try:
                answer = read()
            except CatalogError:
                # Pages of two states make a sound database look damaged.
                if self._unmoved():
                    raise
            else:
                if self._unmoved():
                    return answer
            self.close()
            raw, self._sight = _look(self.path)
            self._adopt(raw)
        raise CatalogError(
            f"the catalog {self.path} changes all the time", hint="wait until the other run is done, then run again"
        )

    def _unmoved(self) -> bool:
        with plain_words(self.path):
            return self._sight in (None, see(self.path))


def in_memory(path: str) -> Database:
    """An empty database that stands for the one at ``path`` and vanishes when it is closed."""
    return Database(path, sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False))


def _look(path: str) -> tuple[sqlite3.Connection, Sight | None]:
    with plain_words(path):
        return connect_readonly(path)
