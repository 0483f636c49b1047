"""Files of trees that got another time and nothing else: the next run is to compare with that time.

Of a file that was sent alone it stands in its fingerprint then. Of one in a group it stands in the row by which its
path is found, for members are what their archive holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, and_, select, update

from glacier_backup.catalog import grouping
from glacier_backup.catalog.contents import MEMBER
from glacier_backup.catalog.exact import pack_integer, pack_text
from glacier_backup.catalog.frames import is_told
from glacier_backup.catalog.member_rows import look_of, member_of
from glacier_backup.catalog.packed import Packed, each
from glacier_backup.catalog.paging import VARIABLES
from glacier_backup.catalog.queries import is_stored_at
from glacier_backup.catalog.schema import archives, grouped, members
from glacier_backup.chunks import in_chunks
from glacier_backup.model.tree_digest import parse_tree_digest, same_size

_SET_DIGEST = "UPDATE archives SET digest = ? WHERE id = ?"
_SET_TIME = "UPDATE grouped SET mtime_ns = ? WHERE destination = ? AND path = ? AND archive = ?"


def note(connection: Connection, destination: int, looks: Iterable[tuple[int, str, str]]) -> None:
    """The archive of each, its path, and what it looks like now. What isn't stored there any more, or had another size,
    is left as it is."""
    for chunk in in_chunks(looks, VARIABLES // 2):
        _note_alone(connection, destination, {(id, path): digest for id, path, digest in chunk})
        by_archive: dict[int, dict[str, str]] = {}
        for id, path, digest in chunk:
            by_archive.setdefault(id, {})[path] = digest
        for id, digests in by_archive.items():
            _note_grouped(connection, destination, id, digests)


def note_group(connection: Connection, destination: int, archive: int, digest: str) -> None:
    """What the files of a group look like now, all together. Of one of which nobody knows what was read it stays."""
    table = archives.c
    its = (is_stored_at(destination), table.id == archive, table.kind == "group")
    before = connection.execute(select(table.digest).where(*its)).scalar()
    if before is not None and is_told(before):
        connection.execute(update(archives).where(table.id == archive).values(digest=digest))


def _note_alone(connection: Connection, destination: int, digests: Mapping[tuple[int, str], str]) -> None:
    table = archives.c
    query = select(table.id, table.path, table.digest).where(
        is_stored_at(destination), table.kind.in_(["file", "link"]), table.id.in_([id for id, _ in digests])
    )
    now = [(digests.get((row.id, row.path), ""), row.id, row.digest or "") for row in connection.execute(query)]
    changes = [(digest, id) for digest, id, before in now if same_size(before, digest)]
    ids = [id for _, id in changes]
    grouping.remove(connection, ids)
    each(connection, _SET_DIGEST, changes)
    grouping.add(connection, ids)


def _note_grouped(connection: Connection, destination: int, archive: int, digests: Mapping[str, str]) -> None:
    its = grouped.c
    query = (
        select(its.path.label("was"), its.mtime_ns.label("touched"), *MEMBER)
        .join_from(grouped, members, and_(members.c.archive == its.archive, members.c.number == its.number))
        .join(archives, archives.c.id == its.archive)
        .where(is_stored_at(destination), its.destination == destination, its.archive == archive)
    )
    times: list[tuple[Packed, ...]] = []
    moves: list[grouping.Move] = []
    for path, touched, *row in connection.execute(query.where(its.path.in_([*digests]))):
        before = parse_tree_digest(look_of(member_of(row), touched).digest)
        now = parse_tree_digest(digests[path])
        if before is not None and now is not None and before[:2] == now[:2]:
            moves.append(grouping.Move(row[0], now.size, before.mtime_ns, now.mtime_ns))
            times.append((pack_integer(now.mtime_ns), destination, pack_text(path), archive))
    each(connection, _SET_TIME, times)
    grouping.move(connection, destination, archive, moves)
