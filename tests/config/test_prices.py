"""The price table that is shipped, and tables of others."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from glacier_backup.config.prices import SHIPPED, read_prices
from glacier_backup.errors import ConfigError


def test_the_shipped_table_is_dated_sourced_and_has_the_classes_that_archives_go_to() -> None:
    prices = read_prices()

    assert date.fromisoformat(prices.date)
    assert prices.source.startswith("https://aws.amazon.com/s3/pricing/")
    assert (prices.region, prices.currency) == ("us-east-1", "USD")
    assert {"STANDARD", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"} <= prices.classes.keys()
    deep = prices.classes["DEEP_ARCHIVE"]
    assert (deep.storage_gb_month, deep.put, deep.least_days, deep.overhead) == (0.00099, 0.00005, 180, True)
    assert prices.classes["GLACIER_IR"].least_billed_bytes == 128 * 1024


def test_another_table_takes_its_place(tmp_path: Path) -> None:
    own = tmp_path / "prices.ini"
    own.write_text(Path(SHIPPED).read_text().replace("storage_gb_month = 0.00099", "storage_gb_month = 0.0018"))

    assert read_prices(str(own)).classes["DEEP_ARCHIVE"].storage_gb_month == 0.0018


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("put_per_1000 = 0.05", "put_per_1000 = cheap", r"\[DEEP_ARCHIVE\] put_per_1000: found 'cheap'; expected an"),
        ("put_per_1000 = 0.05", "put_per_1000 = -1", "expected an amount"),
        ("put_per_1000 = 0.05", "put_per_1000 = nan", "expected an amount"),
        ("least_days = 180", "", r"\[DEEP_ARCHIVE\] least_days: is missing"),
        ("least_days = 180", "least_days = half", "expected a whole number"),
        ("[DEEP_ARCHIVE]", "[GLACIER]", "is no price table"),
        ("date = ", "# ", r"\[table\] date: is missing"),
        ("overhead = yes", "overhead = maybe", "expected yes or no"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    own = tmp_path / "prices.ini"
    own.write_text(Path(SHIPPED).read_text().replace(old, new))

    with pytest.raises(ConfigError, match=says):
        read_prices(str(own))


def test_a_table_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.ini: can't be read: No such file"):
        read_prices(str(tmp_path / "none.ini"))
