"""What reading costs, against the worked numbers of the price table's source."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from glacier_backup.config.prices import read_prices
from glacier_backup.errors import UsageError
from glacier_backup.model.place import Place
from glacier_backup.model.restore import WHOLE, ByteRange
from glacier_backup.model.thaw import Tier
from glacier_backup.plan.cost import (
    Load,
    Loads,
    TierCost,
    check_affordable,
    check_offered,
    costs,
    early_deletion,
    load_of,
    remaining_days,
)
from glacier_backup.plan.thawing import Hours, Shelf, shelf_of
from glacier_backup.units import GIB, MIB, TIB
from tests.plan.stored import day

PRICES = read_prices()

DEEP, FLEXIBLE = Shelf("s3", "DEEP_ARCHIVE"), Shelf("s3", "GLACIER")
HOT, INSTANT = Shelf("s3", "STANDARD"), Shelf("s3", "GLACIER_IR")
VAULT, HERE, SERVER = Shelf("glacier"), Shelf("local"), Shelf("sftp")


def loads(*read: tuple[Shelf, int, int]) -> Loads:
    result = Loads()
    for shelf, count, size in read:
        for _ in range(count):
            result.add(shelf, load_of(shelf, size))
    return result


def cost(tier: Tier, *read: tuple[Shelf, int, int], days: int = 7) -> TierCost:
    return next(one for one in costs(loads(*read), PRICES, days) if one.tier == tier)


def test_a_tebibyte_in_deep_archive_costs_what_was_worked_out_for_it() -> None:
    bulk = cost("bulk", (DEEP, 1024, GIB))

    assert round(bulk.retrieval + 1024 * 0.025 / 1000, 2) == 2.59
    assert bulk.copy == pytest.approx(1024 * 0.023 * 7 * 12 / 365)
    assert round(bulk.transfer, 2) == 83.16
    assert (bulk.volumes, bulk.bytes, bulk.requests) == (1024, TIB, 1024)
    assert str(bulk.hours) == "up to 48 hours"
    assert round(cost("standard", (DEEP, 1024, GIB)).total - bulk.total) == 18
    assert not bulk.unknown


def test_the_slowest_shelf_says_how_long_it_takes() -> None:
    both = (DEEP, 1, GIB), (FLEXIBLE, 1, GIB), (HERE, 1, GIB)

    assert cost("standard", *both).hours == Hours(12, 12)
    assert str(cost("expedited", (FLEXIBLE, 1, GIB)).hours) == "1 to 5 minutes"
    assert str(cost("bulk", (VAULT, 1, GIB)).hours) == "5 to 12 hours"


@pytest.mark.parametrize("shelf", [HERE, SERVER])
def test_what_is_no_providers_costs_nothing(shelf: Shelf) -> None:
    for one in costs(loads((shelf, 3, TIB)), PRICES, 7):
        assert (one.total, one.volumes, one.hours, one.unknown) == (0.0, 0, None, ())


def test_what_is_hot_is_read_at_once_and_paid_by_requests_and_transfer() -> None:
    hot = cost("bulk", (HOT, 1, 200 * GIB))

    assert (hot.volumes, hot.hours, hot.retrieval, hot.copy) == (0, None, 0.0, 0.0)
    assert hot.transfer == pytest.approx(9.0)
    assert hot.asking == pytest.approx(200 * 128 * 0.0004 / 1000)
    assert cost("bulk", (INSTANT, 1, 10 * GIB)).retrieval == pytest.approx(0.3)


def test_transfer_gets_cheaper_in_steps() -> None:
    transfer = PRICES.transfer
    assert transfer is not None

    assert transfer.cost(100 * GIB) == 0
    assert transfer.cost(10 * TIB) == pytest.approx((10240 - 100) * 0.09)
    assert transfer.cost(11 * TIB) == pytest.approx((10240 - 100) * 0.09 + 1024 * 0.085)
    assert transfer.cost(1000 * TIB) > transfer.cost(900 * TIB)


def test_of_a_bucket_whole_objects_are_thawed_and_of_a_vault_ranges() -> None:
    ranges = (ByteRange(MIB + 5, MIB + 6), ByteRange(9 * MIB, 9 * MIB + 1))

    assert load_of(DEEP, 5 * GIB, ranges) == Load(1, 5 * GIB, 1, 2 * MIB, 2)
    assert load_of(VAULT, 5 * GIB, ranges) == Load(1, 2 * MIB, 2, 2 * MIB, 2)
    assert load_of(HERE, 5 * GIB, ranges) == Load(1, 0, 0, 2 * MIB, 2)
    assert load_of(DEEP, 0, (WHOLE,)) == Load(1, 0, 1, 0, 1)


def test_what_has_no_price_is_named() -> None:
    assert cost("bulk", (VAULT, 1, GIB)).unknown == ("thawing from a vault", "requests to a vault")
    assert cost("bulk", (Shelf("s3", "COLD_X"), 1, GIB)).unknown == ("reading from COLD_X",)


def test_a_table_of_amazons_says_nothing_of_other_providers_but_an_own_one_does() -> None:
    shelf = shelf_of(Place("s3", "bucket", "https://s3.example.com"), "GLACIER")
    (bulk, *_) = costs(loads((shelf, 1, 200 * GIB)), PRICES, 7)

    assert bulk.unknown == ("reading from GLACIER at https://s3.example.com",)
    assert bulk.total == 0
    (bulk, *_) = costs(loads((shelf, 1, 200 * GIB)), replace(PRICES, shipped=False), 7)
    assert not bulk.unknown
    assert bulk.total > 9


def test_a_tier_that_a_class_does_not_offer_is_refused() -> None:
    check_offered(cost("expedited", (FLEXIBLE, 1, GIB), (HERE, 1, 1)))
    with pytest.raises(UsageError, match="--tier expedited is not offered for DEEP_ARCHIVE") as caught:
        check_offered(cost("expedited", (FLEXIBLE, 1, GIB), (DEEP, 1, GIB)))
    assert caught.value.hint == "expected bulk or standard"


def test_what_costs_too_much_is_refused_and_both_amounts_are_named() -> None:
    bulk = cost("bulk", (DEEP, 1024, GIB))

    check_affordable(bulk, None, PRICES)
    check_affordable(bulk, 100, PRICES)
    with pytest.raises(UsageError, match=r"costs 91\.2\d USD with --tier bulk, more than --max-cost 90"):
        check_affordable(bulk, 90, PRICES)


def test_what_may_cost_more_for_all_that_is_known_is_refused() -> None:
    with pytest.raises(UsageError, match="can't be told: there is no price of thawing from a vault"):
        check_affordable(cost("bulk", (VAULT, 1, GIB)), 90, PRICES)


class TestEarlyDeletion:
    def test_deleting_a_tebibyte_after_a_month_costs_what_was_worked_out_for_it(self) -> None:
        charge = early_deletion(PRICES, DEEP, TIB, day(0), day(30))

        assert charge == pytest.approx(5.0, abs=0.1)
        assert remaining_days(PRICES, DEEP, day(0), day(30)) == 150

    def test_a_begun_day_counts_and_the_end_of_the_term_is_free(self) -> None:
        assert remaining_days(PRICES, VAULT, day(0), day(89.5)) == 1
        assert remaining_days(PRICES, VAULT, day(0), day(90)) == 0
        assert remaining_days(PRICES, VAULT, day(0), day(90) - timedelta(seconds=1)) == 1
        assert early_deletion(PRICES, VAULT, GIB, day(0), day(90)) == 0

    @pytest.mark.parametrize("shelf", [HERE, SERVER, HOT, Shelf("s3", "GLACIER", "https://s3.example.com")])
    def test_where_there_is_no_term_nothing_is_due(self, shelf: Shelf) -> None:
        assert early_deletion(PRICES, shelf, TIB, day(0), day(0)) == 0

    def test_where_no_price_is_known_neither_is_the_charge(self) -> None:
        own = replace(PRICES.classes["GLACIER"], storage_gb_month=None)
        prices = replace(PRICES, classes={**PRICES.classes, "GLACIER": own})

        assert early_deletion(prices, FLEXIBLE, GIB, day(0), day(1)) is None

    def test_where_the_table_leaves_the_class_out_amazon_s_least_term_holds_and_has_no_price(self) -> None:
        others = replace(PRICES, classes={"STANDARD": PRICES.classes["STANDARD"]})
        for shelf, least in ((DEEP, 180), (VAULT, 90), (Shelf("s3", "STANDARD_IA"), 30), (HOT, 0), (HERE, 0)):
            assert remaining_days(others, shelf, day(0), day(0)) == least
            assert early_deletion(others, shelf, GIB, day(0), day(0)) == (None if least else 0)
        elsewhere = Shelf("s3", "DEEP_ARCHIVE", "https://s3.example.org")
        assert remaining_days(others, elsewhere, day(0), day(0)) == 0


def test_amounts_are_said_with_their_currency() -> None:
    assert [PRICES.say(amount) for amount in (0, 0.001, 0.3, 1234.5)] == [
        "0.00 USD",
        "< 0.01 USD",
        "0.30 USD",
        "1,234.50 USD",
    ]
