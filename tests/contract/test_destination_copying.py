"""What destinations that copy promise: a file of a tree gets another key without being sent again."""

from __future__ import annotations

import pytest

from glacier_backup.destination.destination import Copying, Destination
from glacier_backup.model.archive import Checksums, Label, Receipt
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.units import MIB
from tests.contract.places import PLACES, Place
from tests.contract.sending import MANIFEST, nothing
from tests.contract.test_destination_trees import DATA, fetched, file, inventory
from tests.streams import BytesStream


def sums(receipt: Receipt) -> Checksums:
    return Checksums(receipt.size, receipt.tree_hash, receipt.leaves, receipt.sha256, receipt.crc64nvme)


@pytest.fixture(params=sorted(PLACES.keys() - {"glacier"}))
def place(request: pytest.FixtureRequest) -> Place:
    """All but a vault, which has no names to give."""
    return PLACES[request.param](request)


@pytest.fixture
def copying(destination: Destination) -> Copying:
    assert isinstance(destination, Copying)
    return destination


def send(destination: Destination, data: bytes, label: Label) -> Receipt:
    """A file that can be read at once."""
    asked = UploadRequest(label, MIB, len(data), "STANDARD")
    upload = OpenUpload(label, destination.begin(asked, nothing), MIB)
    return destination.complete(upload, destination.send(upload, BytesStream(data), nothing), MANIFEST, nothing)


def request(path: str) -> UploadRequest:
    return UploadRequest(file(path), MIB, len(DATA), "STANDARD")


def complete(destination: Destination, asked: UploadRequest, upload: str, old: Receipt) -> Receipt:
    return destination.complete(OpenUpload(asked.label, upload, MIB), sums(old), MANIFEST, nothing)


def test_a_copy_has_the_same_bytes_and_the_first_stays(
    place: Place, destination: Destination, copying: Copying
) -> None:
    old = send(destination, DATA, file("/tree/old name"))
    before, asked = place.transferred(), request("/tree/new/place/name")

    upload = copying.copy(asked, old.locator, sums(old), nothing)
    assert upload is not None
    new = complete(destination, asked, upload, old)

    assert place.transferred() - before < len(DATA) // 10
    assert (new.size, new.tree_hash, new.locator != old.locator) == (len(DATA), old.tree_hash, True)
    assert fetched(place, destination, new) == fetched(place, destination, old) == DATA
    assert {one.locator for one in inventory(place, destination)} == {old.locator, new.locator}


def test_a_copy_is_completed_by_a_later_process_too(place: Place, destination: Destination, copying: Copying) -> None:
    old, asked = send(destination, DATA, file("/tree/old")), request("/tree/new")
    upload = copying.copy(asked, old.locator, sums(old), nothing)
    assert upload is not None

    later = place.connect()
    new = complete(later, asked, upload, old)
    assert complete(later, asked, upload, old).locator == new.locator
    assert fetched(place, later, new) == DATA
    later.close()


@pytest.mark.parametrize("locator", ["nas/tree/never was", "../outside", "nas/../../outside"])
def test_what_is_not_there_is_not_copied_and_leaves_nothing(
    place: Place, destination: Destination, copying: Copying, locator: str
) -> None:
    old = send(destination, DATA, file("/tree/old"))
    assert copying.copy(request("/tree/new"), locator, sums(old), nothing) is None
    assert place.open_uploads() == 0
    assert [one.locator for one in inventory(place, destination)] == [old.locator]


def test_what_takes_the_place_of_another_file_is_not_lost(
    place: Place, destination: Destination, copying: Copying
) -> None:
    old, other = send(destination, DATA, file("/tree/old")), send(destination, b"other", file("/tree/new"))
    asked = request("/tree/new")
    upload = copying.copy(asked, old.locator, sums(old), nothing)
    if upload is None:
        assert fetched(place, destination, other) == b"other"
    else:
        assert fetched(place, destination, complete(destination, asked, upload, old)) == DATA


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_what_is_cold_is_not_copied(place: Place, destination: Destination, copying: Copying) -> None:
    """It would have to be thawed first."""
    label = file("/tree/old")
    upload = OpenUpload(label, destination.begin(UploadRequest(label, MIB, len(DATA), "DEEP_ARCHIVE"), nothing), MIB)
    old = destination.complete(upload, destination.send(upload, BytesStream(DATA), nothing), MANIFEST, nothing)
    assert not copying.copies(old.size, "DEEP_ARCHIVE")
    assert copying.copy(request("/tree/new"), old.locator, sums(old), nothing) is None
