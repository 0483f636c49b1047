"""Column types that give back exactly what was put in (see :mod:`glacier_backup.catalog.exact`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from glacier_backup.catalog.exact import pack_integer, pack_text, unpack_integer, unpack_text
from glacier_backup.units import rfc3339


class ExactText(TypeDecorator[str]):
    """Text that may hold bytes which are not UTF-8: paths, names, and messages that quote them."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else pack_text(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        return None if value is None else unpack_text(value)


class WideInteger(TypeDecorator[int]):
    """An integer of any size."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        return None if value is None else pack_integer(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        return None if value is None else unpack_integer(value)


class Moment(TypeDecorator[datetime]):
    """A time as RFC 3339 text in UTC with microseconds: text order is time order, and people can read it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else rfc3339(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        # Forty times as quick as strptime, which counts when 10,000 paths are looked up.
        return None if value is None else datetime.fromisoformat(value)
