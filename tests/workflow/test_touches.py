"""What got another time and nothing else, on its way to the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import pytest

from glacier_backup.errors import CatalogError
from glacier_backup.model.plan import Skip
from glacier_backup.model.reason import Touched
from glacier_backup.workflow.sending.desk import Sending
from glacier_backup.workflow.sending.touches import TOGETHER, Touches
from tests.plan.values import SENT, skip

Look = tuple[int, str, str]


class Catalog:
    """It takes notes in whole pieces, or fails."""

    def __init__(self) -> None:
        self.noted: list[list[Look]] = []
        self.error: CatalogError | None = None

    def touched(self, place_id: int, looks: Sequence[Look]) -> None:
        assert place_id == 3
        if self.error is not None:
            raise self.error
        self.noted.append(list(looks))


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture
def touches(catalog: Catalog) -> Touches:
    return Touches(cast(Sending, SimpleNamespace(catalog=catalog, place_id=3)))


def touched(number: int) -> Skip:
    return Skip(f"/data/{number}", "name", 5, Touched(SENT, number, f"file 5 {number}"), "main")


def test_they_are_noted_some_at_a_time_and_the_rest_at_the_end(touches: Touches, catalog: Catalog) -> None:
    for number in range(TOGETHER + 2):
        touches.add(touched(number))
    assert [len(piece) for piece in catalog.noted] == [TOGETHER]
    touches.note()
    assert catalog.noted[1] == [(number, f"/data/{number}", f"file 5 {number}") for number in (TOGETHER, TOGETHER + 1)]


def test_of_what_is_skipped_for_other_reasons_nothing_is_noted(touches: Touches, catalog: Catalog) -> None:
    touches.add(skip("/data/a"))
    touches.note()
    assert catalog.noted == []


def test_what_could_not_be_noted_is_not_tried_for_ever(touches: Touches, catalog: Catalog) -> None:
    catalog.error = CatalogError("full")
    touches.add(touched(1))
    with pytest.raises(CatalogError):
        touches.note()
    touches.note()
