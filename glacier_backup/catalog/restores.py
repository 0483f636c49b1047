"""Restores and verifications that go on over days: what was asked for, and how far each item is."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from itertools import accumulate, chain

from sqlalchemy import Connection, delete, func, insert, select, update

from glacier_backup.catalog.codes import ITEM_STATES
from glacier_backup.catalog.database import Database
from glacier_backup.catalog.exact import GREATEST_INTEGER, pack_text
from glacier_backup.catalog.packed import Packed, add_tuples, each
from glacier_backup.catalog.paging import AnyRow, AnySelect
from glacier_backup.catalog.schema import restore_items, restores
from glacier_backup.catalog.trouble import damaged
from glacier_backup.model.restore import WHOLE, ByteRange, ItemRecord, ItemState, RestoreItem, RestoreRecord, Wish
from glacier_backup.units import MIB, now

_CODES: dict[str, int] = {state: code for code, state in enumerate(ITEM_STATES)}

_ITEM = restore_items.c
_BY_STATE = "restore_items_by_state"

PAGE = 900
"""Items that are read at a time: no more than values in one statement."""

MOST_TEXT = 4 * MIB
"""Characters of which files items are made of, in those that are read at a time, but in one of them at least."""

_CHANGE = "UPDATE restore_items SET state = ?, cause = ? WHERE restore = ? AND number = ?"


def begin(connection: Connection, wish: Wish, items: Iterable[RestoreItem]) -> int:
    """Note it with all its items, a chunk at a time; returns its id."""
    row = {
        "purpose": wish.purpose,
        "target": wish.target,
        "what": json.dumps(wish.what),
        "at": wish.at,
        "tier": wish.tier,
        "days": wish.days,
        "overwrite": wish.overwrite,
        "place": wish.place,
        "created_at": now(),
    }
    restore = connection.execute(insert(restores).values(row)).lastrowid
    add_tuples(connection, restore_items, (_item_row(restore, number, item) for number, item in enumerate(items)))
    return restore


def like(connection: Connection, wish: Wish) -> RestoreRecord | None:
    """The newest that was asked for in the same words."""
    purpose, target, what, at, place = wish.key
    table = restores.c
    same = [table.purpose == purpose, table.target == target, table.what == json.dumps(what), table.at == at]
    query = select(restores).where(*same, table.place == place).order_by(table.id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _record(row)


def listed(connection: Connection) -> list[RestoreRecord]:
    """All, in the order in which they were asked for."""
    return [_record(row) for row in connection.execute(select(restores).order_by(restores.c.id))]


def items(database: Database, restore: int, states: Collection[ItemState] | None) -> Iterator[ItemRecord]:
    """In order of number. Their states may be changed while this is read: none comes twice. Raises CatalogError for one
    that can't be."""
    last = -1
    while page := database.read(partial(_page, restore=restore, states=states, last=last)):
        for row in page:
            try:
                yield _item(row)
            except (ValueError, TypeError, LookupError) as error:
                raise damaged(database.path, f"item {row.number} of a restore is no such thing") from error
        last = page[-1].number


def _page(connection: Connection, restore: int, states: Collection[ItemState] | None, last: int) -> list[AnyRow]:
    own = _ITEM.restore == restore
    if states is None:
        rest = select(_ITEM.number).where(own, _ITEM.number > last).order_by(_ITEM.number).limit(PAGE)
        numbers = [*connection.execute(rest).scalars()]
    else:
        # Each state in its order from the index: a few that are thawing are found at once among millions.
        each = [connection.execute(_numbers(restore, _CODES[state], last)).scalars() for state in set(states)]
        numbers = sorted(chain.from_iterable(each))[:PAGE]
    # Of one group there may be tens of thousands of files here and there: not all items are as small as most.
    length = func.coalesce(func.length(_ITEM.numbers), 0)
    lengths = connection.execute(select(length).where(own, _ITEM.number.in_(numbers)).order_by(_ITEM.number)).scalars()
    few = [number for number, up_to in zip(numbers, accumulate(lengths), strict=True) if up_to <= MOST_TEXT]
    wanted = _ITEM.number.in_(few or numbers[:1])
    return list(connection.execute(select(restore_items).where(own, wanted).order_by(_ITEM.number)))


def _numbers(restore: int, code: int, last: int) -> AnySelect:
    query = select(_ITEM.number).where(_ITEM.restore == restore, _ITEM.state == code, _ITEM.number > last)
    # Left to itself SQLite goes through all items, whatever their state.
    hinted = query.with_hint(restore_items, f"INDEXED BY {_BY_STATE}", "sqlite")
    return hinted.order_by(_ITEM.number).limit(PAGE)


def count(connection: Connection, restore: int) -> dict[ItemState, int]:
    """How many there are in each state that has any."""
    query = select(_ITEM.state, func.count()).where(_ITEM.restore == restore).group_by(_ITEM.state)
    return {ITEM_STATES[code]: number for code, number in connection.execute(query)}


def change(connection: Connection, restore: int, changes: Iterable[tuple[int, ItemState, str | None]]) -> None:
    """Of items with these numbers the state and its cause."""
    rows = ((_CODES[state], _packed(cause), restore, number) for number, state, cause in changes)
    each(connection, _CHANGE, rows)


def end(connection: Connection, restore: int) -> None:
    connection.execute(update(restores).where(restores.c.id == restore).values(ended_at=now()))


def forget(connection: Connection, restore: int) -> None:
    """Its items go with it (``ON DELETE CASCADE``)."""
    connection.execute(delete(restores).where(restores.c.id == restore))


def _item_row(restore: int, number: int, item: RestoreItem) -> tuple[Packed, ...]:
    """In the order of the table's columns."""
    ranges = None if item.ranges == (WHOLE,) else json.dumps(item.ranges, separators=(",", ":"))
    return (
        restore,
        number,
        item.archive,
        _CODES["planned"],
        pack_text(item.to),
        _packed(item.member),
        ranges,
        None,
        json.dumps(item.numbers, separators=(",", ":")) if item.numbers else None,
        json.dumps(item.chain, separators=(",", ":")) if item.chain else None,
    )


def _packed(text: str | None) -> str | bytes | None:
    return None if text is None else pack_text(text)


def _item(row: AnyRow) -> ItemRecord:
    """Raises ValueError, TypeError and LookupError for what isn't as :func:`begin` has written it."""
    ranges = (WHOLE,) if row.ranges is None else tuple(ByteRange(*one) for one in json.loads(row.ranges))
    numbers = () if row.numbers is None else tuple((first, last) for first, last in json.loads(row.numbers))
    for start, end in ranges:
        _must_rise([start])
        _must_rise([] if end is None else [end])
    _must_rise(number for first, last in numbers for number in (first, last + 1))
    chain = () if row.chain is None else tuple(map(int, json.loads(row.chain)))
    item = RestoreItem(row.archive, row.goes_to, row.member, ranges, numbers, chain)
    return ItemRecord(row.number, item, ITEM_STATES[row.state], row.cause)


def _must_rise(numbers: Iterable[object]) -> None:
    """Raises ValueError unless each is a whole number, not below zero or the one before, that SQLite keeps."""
    before = 0
    for number in numbers:
        if type(number) is not int or not before <= number <= GREATEST_INTEGER:
            raise ValueError(f"{number!r} is none of a row of numbers that rise")
        before = number


def _record(row: AnyRow) -> RestoreRecord:
    what = tuple(json.loads(row.what))
    wish = Wish(row.purpose, row.target, what, row.at, row.tier, row.days, row.overwrite, row.place)
    return RestoreRecord(row.id, wish, row.created_at, row.ended_at)
