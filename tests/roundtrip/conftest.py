"""Every destination in turn, and the files that go there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.harness import Cli
from tests.contract.places import PLACES, Place
from tests.roundtrip.journey import Journey
from tests.roundtrip.kinds import KINDS, Kind
from tests.roundtrip.stays import Stay


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Place:
    return PLACES[request.param](request)


@pytest.fixture
def stay(place: Place, tmp_path: Path) -> Stay:
    folder = tmp_path / "data"
    folder.mkdir()
    return Stay(place, folder, str(tmp_path / "catalog" / "catalog.sqlite3"))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param](request)


@pytest.fixture
def journey(kind: Kind, cli: Cli) -> Journey:
    return Journey(cli, kind)


@pytest.fixture
def at_hand(request: pytest.FixtureRequest, cli: Cli) -> Journey:
    """Where the kind of destination makes no difference: a directory."""
    return Journey(cli, KINDS["local"](request))


@pytest.fixture
def to_vault(request: pytest.FixtureRequest, cli: Cli) -> Journey:
    return Journey(cli, KINDS["glacier"](request))
