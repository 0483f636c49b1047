"""Price tables: the one that comes with the program, or one that the option ``prices`` names."""

from __future__ import annotations

import configparser
import os
from collections.abc import Callable
from typing import TypeVar

from glacier_backup.errors import ConfigError, Problem
from glacier_backup.model.prices import ClassPrices, Prices, ThawPrices, TransferPrices
from glacier_backup.model.thaw import Tier

T = TypeVar("T")

SHIPPED = os.path.join(os.path.dirname(__file__), "prices.ini")

_TABLE = "table"
_TRANSFER = "transfer"
_TIERS: tuple[Tier, ...] = ("bulk", "standard", "expedited")


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
            classes={name: self._class(name) for name in self._parser.sections() if name not in (_TABLE, _TRANSFER)},
            transfer=self._transfer() if self._parser.has_section(_TRANSFER) else None,
            shipped=self._path == SHIPPED,
        )

    def _class(self, name: str) -> ClassPrices:
        return ClassPrices(
            storage_gb_month=self._value(name, "storage_gb_month", _money_if_known),
            put=self._value(name, "put_per_1000", _each_of_1000),
            least_billed_bytes=self._value(name, "least_billed_bytes", _count),
            least_days=self._value(name, "least_days", _count),
            overhead=self._value(name, "overhead", _yes_or_no),
            get=self._if_there(name, "get_per_1000", _each_of_1000, None),
            read_gb=self._if_there(name, "retrieval_gb", _money_if_known, 0.0),
            thaw={tier: self._thaw(name, tier) for tier in _TIERS},
        )

    def _thaw(self, name: str, tier: Tier) -> ThawPrices:
        return ThawPrices(
            request=self._if_there(name, f"{tier}_request_per_1000", _each_of_1000, None),
            gb=self._if_there(name, f"{tier}_retrieval_gb", _money_if_known, None),
        )

    def _transfer(self) -> TransferPrices:
        return TransferPrices(
            free_gb=self._value(_TRANSFER, "free_gb", _money), steps=self._value(_TRANSFER, "steps", _steps)
        )

    def _if_there(self, section: str, option: str, parse: Callable[[str], T | None], otherwise: T | None) -> T | None:
        if not self._parser.has_option(section, option):
            return otherwise
        return self._value(section, option, parse)

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


def _money_if_known(text: str) -> float | None:
    return None if text == "unknown" else _money(text)


def _each_of_1000(text: str) -> float | None:
    amount = _money_if_known(text)
    return None if amount is None else amount / 1000


def _steps(text: str) -> tuple[tuple[float, float], ...]:
    steps: list[tuple[float, float]] = []
    for line in filter(None, map(str.strip, text.split("\n"))):
        limit, blank, price = line.partition(" ")
        if not blank or (steps and _money(limit) <= steps[-1][0]):
            raise ValueError(f"found {line!r}; expected GB and the price of one, as in 10240 0.09, the GB ascending")
        steps.append((_money(limit), _money(price.strip())))
    if not steps:
        raise ValueError("found nothing; expected GB and the price of one, one step a line")
    return tuple(steps)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"found {text!r}; expected a whole number")
    return int(text)


def _yes_or_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(f"found {text!r}; expected yes or no")
    return text == "yes"
