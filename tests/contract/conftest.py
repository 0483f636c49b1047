"""Every destination in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from glacier_backup.destination.destination import Destination
from tests.contract.places import PLACES, Place


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Place:
    return PLACES[request.param](request)


@pytest.fixture
def destination(place: Place) -> Iterator[Destination]:
    with closing(place.connect()) as made:
        yield made


@pytest.fixture
def later(place: Place) -> Iterator[Destination]:
    """The same place as a later process reaches it."""
    with closing(place.connect()) as made:
        yield made
