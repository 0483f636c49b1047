"""The price table that is shipped, and tables of others."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from glacier_backup.config.prices import SHIPPED, read_prices
from glacier_backup.errors import ConfigError
from glacier_backup.model.prices import VAULT, ThawPrices


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
        ("bulk_retrieval_gb = 0.0025", "bulk_retrieval_gb = ?", r"\[DEEP_ARCHIVE\] bulk_retrieval_gb: found '\?'"),
        ("51200 0.085", "5120 0.085", "steps: found '5120 0.085'; expected GB and the price of one"),
        ("51200 0.085", "51200", "steps: found '51200'; expected GB and the price of one"),
        ("free_gb = 100", "", r"\[transfer\] free_gb: is missing"),
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


def test_what_reading_costs_is_in_it_tier_by_tier() -> None:
    prices = read_prices()

    deep, flexible, vault = (prices.classes[name] for name in ("DEEP_ARCHIVE", "GLACIER", VAULT))
    assert deep.thaw["bulk"] == ThawPrices(0.025 / 1000, 0.0025)
    assert deep.thaw["expedited"] == ThawPrices(None, None)
    assert flexible.thaw["expedited"] == ThawPrices(10 / 1000, 0.03)
    assert (prices.classes["GLACIER_IR"].read_gb, prices.classes["STANDARD"].read_gb) == (0.03, 0)
    assert (vault.storage_gb_month, vault.least_days, vault.put, vault.get) == (0.004, 90, None, None)
    assert vault.thaw["bulk"] == ThawPrices(None, None)
    assert prices.shipped


def test_a_table_may_leave_out_what_only_reading_takes(tmp_path: Path) -> None:
    own = tmp_path / "prices.ini"
    own.write_text(
        "[table]\ndate = 2026-01-01\nsource = mine\ncurrency = EUR\nregion = here\noverhead_hot_bytes = 0\n"
        "overhead_cold_bytes = 0\n[GLACIER]\nstorage_gb_month = unknown\nput_per_1000 = unknown\n"
        "least_billed_bytes = 0\nleast_days = 0\noverhead = no\n"
    )

    prices = read_prices(str(own))

    assert (prices.transfer, prices.shipped) == (None, False)
    with pytest.raises(KeyError):
        prices.cost(1, "GLACIER", "GLACIER", 1)
