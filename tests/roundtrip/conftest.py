"""Every destination in turn, and the files that go there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.harness import Cli
from tests.contract.places import PLACES, Place
from tests.roundtrip.holdings import send_few
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


@pytest.fixture
def vault_of_mine(to_vault: Journey) -> Journey:
    """A vault with two archives."""
    send_few(to_vault)
    return to_vault


@pytest.fixture
def disk(at_hand: Journey) -> Journey:
    """The same in a directory."""
    send_few(at_hand)
    return at_hand
