"""What every destination promises of hiding what is no part of the newest state any more."""

from __future__ import annotations

from glacier_backup.destination.destination import Destination
from tests.contract.places import Place
from tests.contract.sending import nothing
from tests.contract.test_destination_trees import changed, fetched, file, inventory, send


def test_where_no_versions_are_kept_nothing_is_done(place: Place, destination: Destination) -> None:
    receipt = send(destination, b"x", file())

    assert not destination.expire(receipt.locator, nothing)
    assert place.stored(receipt) == fetched(place, destination, receipt) == b"x"
    assert [one.locator for one in inventory(place, destination)] == [receipt.locator]


def test_what_was_replaced_is_not_hidden_where_no_versions_are_kept(place: Place, destination: Destination) -> None:
    label = file()
    first, second = send(destination, b"first", label), send(destination, b"second", changed(label))

    assert not destination.expire(first.locator, nothing)
    assert place.stored(second) == b"second"


def test_what_isn_t_there_is_no_error(destination: Destination) -> None:
    send(destination, b"x", file())

    assert not destination.expire("nowhere", nothing)
