"""Price tables: the one that comes with the program, or one that the option ``prices`` names."""

from __future__ import annotations

import configparser
import os
from collections.abc import Callable
from typing import TypeVar

from glacier_backup.errors import ConfigError, Problem
from glacier_backup.model.prices import ClassPrices, Prices

T = TypeVar("T")

SHIPPED = os.path.join(os.path.dirname(__file__), "prices.ini")

_TABLE = "table"


def read_prices(path: str = SHIPPED) -> Prices:
    """The table in the file at ``path``; raises ConfigError when it can't be read or something is wrong with it."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as the standard library's own page has it
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file, path)
    except OSError as error:
        raise ConfigError([Problem(path, None, None, None, f"can't be read: {error.strerror}")]) from error
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ConfigError([Problem(path, None, None, None, f"is no price table: {error}")]) from error
    return _Reader(path, parser).prices()


class _Reader:
    def __init__(self, path: str, parser: configparser.ConfigParser) -> None:
        self._path = path
        self._parser = parser

    def prices(self) -> Prices:
        return Prices(
            date=self._value(_TABLE, "date", str),
            source=self._value(_TABLE, "source", str),
            currency=self._value(_TABLE, "currency", str),
            region=self._value(_TABLE, "region", str),
            overhead_hot_bytes=self._value(_TABLE, "overhead_hot_bytes", _count),
            overhead_cold_bytes=self._value(_TABLE, "overhead_cold_bytes", _count),
            classes={name: self._class(name) for name in self._parser.sections() if name != _TABLE},
        )

    def _class(self, name: str) -> ClassPrices:
        return ClassPrices(
            storage_gb_month=self._value(name, "storage_gb_month", _money),
            put=self._value(name, "put_per_1000", _money) / 1000,
            least_billed_bytes=self._value(name, "least_billed_bytes", _count),
            least_days=self._value(name, "least_days", _count),
            overhead=self._value(name, "overhead", _yes_or_no),
        )

    def _value(self, section: str, option: str, parse: Callable[[str], T]) -> T:
        text = self._parser.get(section, option, fallback=None)
        try:
            if text is None:
                raise ValueError("is missing")
            return parse(text)
        except ValueError as error:
            raise ConfigError([Problem(self._path, None, section, option, str(error))]) from None


def _money(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < 1e9:
        raise ValueError(f"found {text!r}; expected an amount such as 0.023")
    return amount


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"found {text!r}; expected a whole number")
    return int(text)


def _yes_or_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(f"found {text!r}; expected yes or no")
    return text == "yes"
