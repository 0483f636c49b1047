from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import get_args

from sqlalchemy import Connection, create_engine

from glacier_backup.catalog import codes, schema
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.opening import open_writable
from glacier_backup.model.archive import Member, MemberType
from tests.catalog.values import LOCAL, an_archive, record

_FOLDERS = ("src/lib", "tests", "docs", "assets", "components", ".git/objects", "node_modules/@types")
_WORDS = ("core", "parser", "render", "index", "config", "client", "server", "helper", "stream", "handler")


def described(connection: Connection) -> dict[str, list[object]]:
    """What SQLite knows of each table: columns, keys and indexes."""
    found: dict[str, list[object]] = {}
    tables = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all()
    for name, sql in tables:
        columns = [tuple(row) for row in connection.exec_driver_sql(f"PRAGMA table_xinfo({name})")]
        keys = [tuple(row) for row in connection.exec_driver_sql(f"PRAGMA foreign_key_list({name})")]
        indexes = [
            (
                index.name,
                index.unique,
                [row.name for row in connection.exec_driver_sql(f"PRAGMA index_info({index.name})")],
            )
            for index in connection.exec_driver_sql(f"PRAGMA index_list({name})").all()
        ]
        kind = [word for word in ("WITHOUT ROWID", "AUTOINCREMENT") if word in sql]
        found[name] = [columns, sorted(keys), sorted(indexes), kind]
    return found


def members_of_a_forest(count: int) -> Iterator[Member]:
    """Of source trees four folders deep, in stream order."""
    chance = random.Random(1)
    offset = 0
    for number in range(count):
        folder = f"git/project-{number // 2_000:04d}/{chance.choice(_FOLDERS)}/{chance.choice(_WORDS)}"
        name = f"{chance.choice(_WORDS)}_{chance.choice(_WORDS)}_{number}.py"
        size = int(chance.lognormvariate(7.5, 2))
        mtime_ns = 1_600_000_000_000_000_000 + chance.randrange(10**17)
        yield Member(f"{folder}/{name}", "file", size, mtime_ns, 0o644, offset, None)
        offset += 512 + -(-size // 512) * 512


def test_the_migrations_make_the_tables_that_the_program_uses(path: str) -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        schema.metadata.create_all(connection)
        wanted = described(connection)
    engine.dispose()

    database = open_writable(path)

    assert database.read(described) == wanted
    database.close()


def test_every_member_type_has_its_code() -> None:
    assert sorted(codes.MEMBER_TYPES) == sorted(get_args(MemberType))


def test_codes_of_member_types_are_those_of_the_first_release() -> None:
    assert codes.MEMBER_TYPES[:7] == ("file", "directory", "symlink", "hardlink", "fifo", "device", "other")


def test_a_member_takes_less_than_half_of_250_bytes(path: str) -> None:
    count = 50_000
    with Catalog.open(path) as catalog:
        catalog.register(LOCAL, LOCAL)
    empty = os.path.getsize(path)

    with Catalog.open(path) as catalog:
        record(catalog, catalog.begin_run("host"), 1, an_archive(), members_of_a_forest(count))

    assert (os.path.getsize(path) - empty) / count < 125
