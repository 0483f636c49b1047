"""The inventory document of a vault, in whatever pieces it comes."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.destination.vaults.inventory import NotAnInventory, stored_archives
from glacier_backup.model.thaw import Stored

MOMENT = "2012-03-20T17:03:43.221Z"


def entry(name: object = "a", **more: object) -> dict[str, object]:
    return {
        "ArchiveId": name,
        "ArchiveDescription": f"of {name}",
        "CreationDate": MOMENT,
        "Size": 4,
        "SHA256TreeHash": "ab" * 32,
        **more,
    }


def document(*entries: object) -> dict[str, object]:
    return {"VaultARN": "arn:aws:glacier:…", "InventoryDate": MOMENT, "ArchiveList": list(entries)}


def read(text: bytes, piece: int = 7) -> list[Stored]:
    return list(stored_archives(text[at : at + piece] for at in range(0, len(text), piece)))


@given(
    st.lists(st.text(max_size=20), max_size=8),
    st.integers(1, 50),
    st.sampled_from([None, 2]),
    st.booleans(),
    st.booleans(),
)
def test_it_may_come_in_pieces_of_any_size(
    descriptions: list[str], piece: int, indent: int | None, ascii: bool, list_first: bool
) -> None:
    entries = [entry(str(number), ArchiveDescription=text) for number, text in enumerate(descriptions)]
    whole = document(*entries) | {"Number": 123456, "Nothing": None, "More": [{"ArchiveList": [1]}]}
    if list_first:
        whole = dict(reversed(whole.items()))
    text = json.dumps(whole, indent=indent, ensure_ascii=ascii).encode("utf-8", "surrogatepass")

    assert [one.description for one in read(text, piece)] == descriptions


def test_all_that_it_says_of_an_archive_is_taken() -> None:
    assert read(json.dumps(document(entry())).encode()) == [
        Stored("a", 4, datetime(2012, 3, 20, 17, 3, 43, 221000, UTC), "of a", "ab" * 32)
    ]


@pytest.mark.parametrize("text", [document(), document() | {"ArchiveList": None}])
def test_it_may_be_empty(text: dict[str, object]) -> None:
    assert read(json.dumps(text).encode()) == []


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"  ",
        b"{}",
        b"[]",
        b"<html>",
        b'{"ArchiveList"',
        b'{"ArchiveList": [',
        b'{"ArchiveList": [}',
        b'{"ArchiveList": [],',
        b'{"ArchiveList": [] "more": 1}',
        b'{"ArchiveList": {}}',
        b'{"ArchiveList": "x"}',
        b'{"ArchiveList": [1]}',
        b'{"ArchiveList": [{}]}',
        b"{1: 2}",
        b'{"a": nul',
        b'{"a": "\xff"}',
        b"\xff",
    ],
)
def test_what_is_no_inventory_is_told(text: bytes) -> None:
    with pytest.raises(NotAnInventory):
        read(text)


@pytest.mark.parametrize(
    "wrong", [{"Size": "4"}, {"ArchiveId": None}, {"CreationDate": "yesterday"}, {"CreationDate": 5}]
)
def test_an_archive_that_is_described_otherwise_is_told(wrong: dict[str, object]) -> None:
    with pytest.raises(NotAnInventory):
        read(json.dumps(document(entry() | wrong)).encode())


def test_every_beginning_of_an_inventory_is_told_from_the_whole() -> None:
    text = json.dumps(document(entry("a"), entry("b"))).encode()

    for end in range(len(text)):
        with pytest.raises(NotAnInventory):
            read(text[:end])


def test_an_entry_without_an_end_is_not_read_for_ever() -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"ArchiveList": [{"ArchiveId": "'
        while True:
            yield b"x" * 100_000

    with pytest.raises(NotAnInventory):
        list(stored_archives(endless()))


def test_a_long_inventory_takes_no_memory() -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"VaultARN": "x", "ArchiveList": ['
        for _ in range(200):
            yield b",".join([json.dumps(entry()).encode()] * 100) + b","
        yield json.dumps(entry()).encode() + b"]}"

    tracemalloc.start()
    count = sum(1 for _ in stored_archives(pieces()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (count, peak < 1_000_000) == (20_001, True)
