"""What every destination promises of an archive that is several objects: volumes, their parity and the manifest."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from glacier_backup.destination.destination import Destination
from glacier_backup.errors import DestinationError
from glacier_backup.model.archive import Label, Receipt
from glacier_backup.model.naming import base_key, describe, tree_key, version_key
from glacier_backup.model.thaw import Stored, Thaw, ThawRequest
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.units import MIB
from tests.contract.places import Place
from tests.contract.sending import LABEL, nothing, resumed, send
from tests.streams import BytesStream, noise

SEAL = "split:1048576+age+par2:5"
TREE = replace(LABEL, kind="file", container="raw", name="a.jpg", path="/tree/a.jpg")
ARCHIVES = {
    "dated": LABEL,
    "tree": replace(TREE, fixed_key=tree_key("nas", "/tree/a.jpg", "/tree", sealed=True)),
    "version": replace(TREE, fixed_key=version_key(tree_key("nas", "/tree/a.jpg", "/tree", sealed=True), LABEL.time)),
    "hidden": replace(LABEL, alias="abcdefghijklmnopqrstuvwxyz"),
}
DATA = noise(2 * MIB + 17)


def objects_of(archive: Label) -> list[Label]:
    """In the order in which they are stored."""
    ends = (
        (".v001.age", 1, "data"),
        (".v001.age.par2", 1, "parity"),
        (".v001.age.vol000+100.par2", 1, "parity"),
        (".v002.age", 2, "data"),
        (".age.recipe.json.age" if archive.alias else ".age.recipe.json", 2, "manifest"),
    )
    return [replace(archive, suffix=suffix, volume=volume, role=role, seal=SEAL) for suffix, volume, role in ends]  # type: ignore[arg-type]  # one of three


def begin(destination: Destination, label: Label, size: int | None = None) -> OpenUpload:
    storage_class = "STANDARD" if label.role == "manifest" and destination.place.kind == "s3" else None
    return OpenUpload(label, destination.begin(UploadRequest(label, MIB, size, storage_class), nothing), MIB)


def store(destination: Destination, label: Label, data: bytes, *, known: bool = False) -> Receipt:
    upload = begin(destination, label, len(data) if known else None)
    return destination.complete(upload, destination.send(upload, BytesStream(data), nothing), "", nothing)


def inventory(place: Place, destination: Destination) -> dict[str, Stored]:
    place.thaw_now()
    asked = destination.thaw(ThawRequest(None), nothing)
    place.thaw_now()
    (thaw,) = destination.thawing([asked], nothing)
    return {one.locator: one for one in destination.inventory(thaw, nothing)}


def fetched(place: Place, destination: Destination, locator: str) -> bytes:
    asked = destination.thaw(ThawRequest(locator), nothing)
    place.thaw_now()
    (thaw,) = destination.thawing([asked], nothing)
    assert isinstance(thaw, Thaw)
    buffer = memoryview(bytearray(len(DATA) + 1))
    return bytes(buffer[: destination.fetch(thaw, 0, buffer, nothing)])


@pytest.mark.parametrize(
    ("which", "known"),
    [("dated", True), ("dated", False), ("tree", True), ("tree", False), ("version", True), ("hidden", False)],
)
def test_all_objects_of_an_archive_are_stored_listed_read_and_deleted_by_themselves(
    place: Place, destination: Destination, later: Destination, which: str, known: bool
) -> None:
    labels = objects_of(ARCHIVES[which])
    contents = [DATA[number:] for number in range(len(labels))]

    sent = [store(destination, label, data, known=known) for label, data in zip(labels, contents, strict=True)]

    found = inventory(place, later)
    assert {one.locator: one.size for one in sent} == {one.locator: one.size for one in found.values()}
    for receipt, data, label in zip(sent, contents, labels, strict=True):
        assert fetched(place, later, receipt.locator) == data
        one = later.examine(found[receipt.locator], nothing)
        assert (one.manifest, one.size) == (None, len(data))
        assert one.tree_hash in (None, receipt.tree_hash)
        if destination.place.kind in ("glacier", "s3"):
            assert one.description == describe(label)
        elif which in ("dated", "hidden"):
            has_one = label.role != "manifest"
            assert one.sha256 == (hashlib.sha256(data).hexdigest() if has_one else None)
        if destination.place.kind != "glacier":
            assert f"{base_key(label)}{label.suffix}" in receipt.locator
    assert place.open_uploads() == 0
    for receipt in sent:
        later.delete(receipt.locator, nothing)
    if destination.place.kind != "glacier":
        assert inventory(place, later) == {}
        assert place.whole() == 0


@pytest.mark.parametrize("which", ARCHIVES)
def test_an_object_is_completed_once_however_often_it_is_asked_for(
    place: Place, destination: Destination, later: Destination, which: str
) -> None:
    for label in objects_of(ARCHIVES[which]):
        upload = begin(destination, label)
        checksums = destination.send(upload, BytesStream(DATA), nothing)
        first = destination.complete(upload, checksums, "", nothing)
        again = later.complete(resumed(upload), checksums, "", nothing)

        assert again.locator == first.locator
        assert place.stored(again) == DATA
    assert len(inventory(place, later)) == len(objects_of(LABEL))


@pytest.mark.parametrize("which", ARCHIVES)
def test_an_object_that_came_to_nothing_leaves_those_that_are_stored(
    place: Place, destination: Destination, later: Destination, which: str
) -> None:
    first, *_, second, manifest = objects_of(ARCHIVES[which])
    kept = store(destination, first, DATA)
    for label in (second, manifest):
        upload = begin(destination, label)
        destination.send(upload, BytesStream(DATA), nothing)

        later.abort(label, upload.id, nothing)
        later.abort(label, upload.id, nothing)

    assert inventory(place, later).keys() == {kept.locator}
    assert place.open_uploads() == 0
    assert store(later, second, DATA[1:]).size == len(DATA) - 1


def test_what_was_sent_of_an_object_is_not_sent_again(
    place: Place, destination: Destination, later: Destination
) -> None:
    label = objects_of(LABEL)[0]
    upload = begin(destination, label)
    destination.send(upload, BytesStream(DATA), nothing)
    before = place.transferred()

    checksums = later.send(resumed(upload), BytesStream(DATA), nothing)

    assert place.transferred() - before < MIB
    assert place.stored(later.complete(resumed(upload), checksums, "", nothing)) == DATA


@pytest.mark.parametrize("which", ["dated", "hidden"])
def test_an_object_whose_key_is_its_own_is_never_overwritten(
    place: Place, destination: Destination, later: Destination, which: str
) -> None:
    label = objects_of(ARCHIVES[which])[0]
    first = store(destination, label, DATA)
    if destination.place.kind == "glacier":
        assert store(later, label, DATA[1:]).locator != first.locator
        return
    with pytest.raises(DestinationError):
        store(later, label, DATA[1:])

    assert place.stored(first) == DATA


def test_archives_of_one_object_are_listed_without_what_lies_beside_them(
    place: Place, destination: Destination
) -> None:
    sealed = replace(LABEL, suffix=".zst.age", seal="zstd:3+age")

    receipt = send(destination, BytesStream(DATA), sealed)

    found = inventory(place, destination)
    assert found.keys() == {receipt.locator}
    told = destination.examine(found[receipt.locator], nothing)
    assert (told.manifest is None) == (destination.place.kind == "glacier")
    destination.delete(receipt.locator, nothing)
    if destination.place.kind != "glacier":
        assert place.whole() == 0
