from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, create_engine, insert, select

from glacier_backup.catalog.exact import pack_integer, pack_text, unpack_integer, unpack_text
from glacier_backup.catalog.types import ExactText, Moment, WideInteger

_TABLE = Table("things", MetaData(), Column("text", ExactText), Column("number", WideInteger), Column("time", Moment))

_TIMES = st.datetimes(timezones=st.just(UTC)).filter(lambda time: time.year >= 1000)


def through_sqlite(text: str | None, number: int | None, time: datetime | None) -> tuple[object, ...]:
    engine = create_engine("sqlite://")
    try:
        with engine.connect() as connection:
            _TABLE.create(connection)
            connection.execute(insert(_TABLE).values(text=text, number=number, time=time))
            return tuple(connection.execute(select(_TABLE)).one())
    finally:
        engine.dispose()


@given(st.binary())
def test_any_name_comes_back_as_the_bytes_it_was(name: bytes) -> None:
    packed = pack_text(os.fsdecode(name))

    assert os.fsencode(unpack_text(packed)) == name


@given(st.text(st.characters(codec="utf-8")))
def test_clean_text_is_kept_as_text(text: str) -> None:
    assert pack_text(text) == text


def test_text_that_is_not_utf8_is_kept_as_its_bytes() -> None:
    assert pack_text("caf\udce9") == b"caf\xe9"


def test_a_surrogate_that_stands_for_no_byte_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        pack_text("\ud800")


@given(st.integers())
def test_any_integer_comes_back(number: int) -> None:
    packed = pack_integer(number)

    assert unpack_integer(packed) == number
    assert isinstance(packed, bytes) or -(2**63) <= packed < 2**63


@given(st.binary(), st.integers(), _TIMES)
def test_columns_give_back_what_was_put_in(name: bytes, number: int, time: datetime) -> None:
    text = os.fsdecode(name)

    assert through_sqlite(text, number, time) == (text, number, time)


def test_nothing_comes_back_as_nothing() -> None:
    assert through_sqlite(None, None, None) == (None, None, None)


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    there = datetime(2026, 3, 21, 6, 0, tzinfo=timezone(timedelta(hours=2)))

    assert through_sqlite("", 0, there)[2] == datetime(2026, 3, 21, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, -(2**63), -(2**63) - 1])
def test_the_ends_of_sqlites_integers_are_no_ends(number: int) -> None:
    assert through_sqlite("", number, None)[1] == number
