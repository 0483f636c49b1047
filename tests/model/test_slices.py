"""How a stream lies in its volumes, by the recipe."""

from __future__ import annotations

import pytest

from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.slices import is_plain, slice_size

SPLIT = Step("split", {"volume_size": 100})
AGE = Step("age", {"recipients": "age1"})
ZSTD = Step("zstd", {"level": 3})
SKIPPED = Step("zstd", {"skipped": True})
PAR2 = Step("par2", {"redundancy": 5})


@pytest.mark.parametrize(
    ("steps", "plain", "size"),
    [
        ((), True, None),
        ((SPLIT,), True, 100),
        ((SKIPPED, SPLIT, PAR2), True, 100),
        ((SPLIT, AGE), False, 100),
        ((SKIPPED, SPLIT, AGE, PAR2), False, 100),
        ((AGE,), False, None),
        ((AGE, SPLIT), False, None),
        ((ZSTD, SPLIT, AGE), False, None),
        ((Step("split", {"volume_size": "100"}), AGE), False, None),
        ((Step("split", {"volume_size": 0}), AGE), False, None),
        ((Step("split", {"volume_size": True}), AGE), False, None),
        ((Step("something new"),), False, None),
    ],
)
def test_what_each_volume_holds(steps: tuple[Step, ...], plain: bool, size: int | None) -> None:
    recipe = Recipe((Step("tar"), *steps))

    assert (is_plain(recipe), slice_size(recipe)) == (plain, size)


def test_where_nothing_is_known_it_is_the_stream_itself() -> None:
    assert is_plain(None)
    assert slice_size(None) is None
