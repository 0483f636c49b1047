from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_backup.catalog import restores
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.codes import ITEM_STATES
from glacier_backup.errors import CatalogError, SourceError
from glacier_backup.model.restore import WHOLE, ByteRange, ItemState, RestoreItem, Wish
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.units import KIB, MIB, now
from tests.catalog.inside import at_most, changed, rows, soundness
from tests.catalog.values import NOT_UTF8, an_archive, filled

_WISH = Wish("restore", f"/mnt/{NOT_UTF8}", ("/srv/photos", f"/srv/{NOT_UTF8}*"), tier="standard", days=3)

_TEXTS = st.binary(max_size=30).map(os.fsdecode)
_RANGES = st.builds(ByteRange, st.integers(0, 2**62), st.none() | st.integers(0, 2**62))
_ITEMS = st.builds(
    RestoreItem,
    st.integers(-(2**40), 2**40),
    _TEXTS,
    st.none() | _TEXTS,
    st.just((WHOLE,)) | st.lists(_RANGES, min_size=1, max_size=3).map(tuple),
)


def some(count: int) -> Iterator[RestoreItem]:
    return (RestoreItem(number, f"to/{number}") for number in range(count))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.builds(
        Wish, st.sampled_from(["restore", "verify"]), _TEXTS, st.lists(_TEXTS).map(tuple), overwrite=st.booleans()
    ),
    st.lists(_ITEMS, max_size=4),
)
def test_a_restore_comes_back_as_it_was_asked_for(catalog: Catalog, wish: Wish, items: list[RestoreItem]) -> None:
    before = now()
    restore = catalog.begin_restore(wish, items)

    told = catalog.restore_like(wish)

    assert told is not None
    assert (told.id, told.wish, told.ended_at) == (restore, wish, None)
    assert before <= told.created_at <= now()
    assert [record.item for record in catalog.items(restore)] == items
    assert all(record.state == "planned" and record.cause is None for record in catalog.items(restore))
    assert [record.number for record in catalog.items(restore)] == list(range(len(items)))


def test_the_same_wish_is_found_again_and_no_other(catalog: Catalog) -> None:
    first = catalog.begin_restore(_WISH, some(1))
    catalog.begin_restore(replace(_WISH, target="/mnt"), some(1))

    found = catalog.restore_like(replace(_WISH, tier="bulk", days=9, overwrite=True))

    assert found is not None
    assert found.id == first
    for other in ({"at": "2026-03-21T04:00:00Z"}, {"what": ("/srv/photos",)}, {"purpose": "verify"}):
        assert catalog.restore_like(replace(_WISH, **other)) is None
    assert catalog.begin_restore(_WISH, ()) == getattr(catalog.restore_like(_WISH), "id", None)


def test_a_restore_ends_and_is_forgotten_with_its_items(catalog: Catalog, path: str) -> None:
    kept, gone = (catalog.begin_restore(_WISH, some(3)) for _ in range(2))
    catalog.end_restore(kept)
    catalog.forget_restore(gone)
    catalog.forget_restore(gone)

    (told,) = catalog.restores()
    assert told.id == kept
    assert told.ended_at is not None
    assert told.ended_at >= told.created_at
    assert len(rows(path, "restore_items")) == 3
    assert list(catalog.items(gone)) == []
    assert catalog.begin_restore(_WISH, ()) > gone


def test_items_are_taken_by_their_states_in_order(catalog: Catalog) -> None:
    restore = catalog.begin_restore(_WISH, some(20))
    other = catalog.begin_restore(_WISH, some(20))
    states: list[ItemState] = [ITEM_STATES[number % len(ITEM_STATES)] for number in range(20)]

    catalog.set_items(restore, ((number, state, f"why {NOT_UTF8}") for number, state in enumerate(states)))

    for wanted in ({"failed"}, {"ready", "kept", "planned"}, set(ITEM_STATES)):
        told = [(one.number, one.state, one.cause) for one in catalog.items(restore, wanted)]  # type: ignore[arg-type]
        assert told == [(number, state, f"why {NOT_UTF8}") for number, state in enumerate(states) if state in wanted]
    assert list(catalog.items(restore, ())) == []
    assert catalog.count_items(restore) == dict.fromkeys(ITEM_STATES, 2)
    assert catalog.count_items(other) == {"planned": 20}


def test_a_cause_goes_when_the_state_changes(catalog: Catalog) -> None:
    restore = catalog.begin_restore(_WISH, some(1))
    catalog.set_items(restore, [(0, "failed", "gone")])
    catalog.set_items(restore, [(0, "requested", None)])

    (told,) = catalog.items(restore)

    assert (told.state, told.cause) == ("requested", None)


def test_states_may_be_changed_while_items_are_read(catalog: Catalog, path: str) -> None:
    restore = catalog.begin_restore(_WISH, some(4_000))

    seen = []
    with Catalog.open(path) as other:
        for one in catalog.items(restore, {"planned", "requested"}):
            seen.append(one.number)
            if one.number % 500 == 0:
                catalog.set_items(restore, [(one.number, "requested", None)])
                other.set_items(restore, [(one.number + 1_500, "restored", None)])

    assert seen == sorted(set(seen))
    assert len(seen) > 3_900


def test_items_may_be_made_from_what_the_catalog_tells(catalog: Catalog) -> None:
    filled(catalog, *(an_archive(f"/srv/{name}") for name in "abc"))

    told = catalog.stored_archives(ArchiveFilter())
    restore = catalog.begin_restore(_WISH, (RestoreItem(one.id, one.name) for one in told))

    assert [one.item.to for one in catalog.items(restore)] == ["a.tar", "b.tar", "c.tar"]


def test_items_that_fail_leave_no_restore(catalog: Catalog) -> None:
    def items() -> Iterator[RestoreItem]:
        yield from some(10_000)
        raise SourceError("the index is gone")

    with pytest.raises(SourceError):
        catalog.begin_restore(_WISH, items())

    assert list(catalog.restores()) == []


def test_an_archive_may_be_forgotten_while_a_restore_names_it(catalog: Catalog, path: str) -> None:
    filled(catalog, an_archive())
    restore = catalog.begin_restore(_WISH, [RestoreItem(1, "photos")])

    catalog.forget_archives([1])

    assert [one.item.archive for one in catalog.items(restore)] == [1]
    assert soundness(path) == []


@pytest.mark.parametrize(
    ("column", "text"),
    [
        *(("numbers", text) for text in ("x", "7", "[7]", "[[1]]", "[[5, 2]]", '[["a", "b"]]', "[[0, 1e400]]")),
        *(("numbers", text) for text in ("[[0, 3], [2, 5]]", "[[-2, 1]]", f"[[0, {10**30}]]")),
        *(("ranges", text) for text in ("x", "[[0]]", '[["a", null]]', "[[-5, null]]", "[[0, 1.5]]")),
        ("state", "99"),
    ],
)
def test_an_item_that_can_not_be_is_damage(catalog: Catalog, path: str, column: str, text: str) -> None:
    restore = catalog.begin_restore(_WISH, [RestoreItem(1, ".", None, (ByteRange(0, 9),), ((0, 3), (5, 5)))])
    changed(path, f"UPDATE restore_items SET {column} = ?", text)
    with pytest.raises(CatalogError, match="is damaged: item 0 of a restore"):
        list(catalog.items(restore))


def test_items_of_many_files_here_and_there_are_read_a_few_at_a_time(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restores, "MOST_TEXT", 64 * KIB)
    scattered = tuple((number, number) for number in range(0, 4_000, 2))
    items = [RestoreItem(1, f"{number}", None, (WHOLE,), scattered if number % 3 else ()) for number in range(120)]
    restore = catalog.begin_restore(_WISH, items)

    planned: ItemState = "planned"
    for states in (None, (planned,)):
        tracemalloc.start()
        assert [(one.number, len(one.item.numbers)) for one in catalog.items(restore, states)] == [
            (number, len(item.numbers)) for number, item in enumerate(items)
        ]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MIB


def test_the_last_few_of_two_hundred_thousand_items_are_found_at_once(catalog: Catalog) -> None:
    restore = catalog.begin_restore(_WISH, some(200_000))
    catalog.set_items(restore, ((number, "restored", None) for number in range(199_995)))

    with at_most(1, catalog):
        assert len(list(catalog.items(restore, {"planned", "failed", "ready"}))) == 5
    assert catalog.count_items(restore) == {"planned": 5, "restored": 199_995}
