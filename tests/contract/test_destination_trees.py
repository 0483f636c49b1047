"""What every destination promises of the files of whole trees, whose keys mirror their paths."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from glacier_backup.destination.destination import Destination
from glacier_backup.errors import Interrupted, UploadLost
from glacier_backup.model.archive import Label, Receipt
from glacier_backup.model.naming import tree_key, version_key
from glacier_backup.model.thaw import Stored, Thaw, ThawRequest
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.units import MIB, now
from tests.contract.places import Place
from tests.contract.sending import MANIFEST, nothing, resumed
from tests.streams import BytesStream, noise

SECTION = "/tree"
DATA = noise(5 * MIB + 1234)
OTHER = noise(5 * MIB + 1234, seed=2)
STAMP = "20260321T040000.123456Z"

ODD_NAMES = [
    "a",
    "A",
    "a.recipe.json",
    "a.sha256",
    ".a.partial",
    "new\nline",
    " blank ",
    "-rf",
    "x" * 255,
    "ä" * 127,
    os.fsdecode(b"\xff\xfe"),
    "\u00e4",
    "a\u0308",
    "100%41",
    "a?versionId=1",
    f"{STAMP}.tar",
    f"{STAMP}.tar.recipe.json",
    f".{STAMP}.tar.partial",
    f"a~{STAMP}",
    f"a~{STAMP}.recipe.json",
    "~0123456789abcdef",
    f"~0123456789abcdef~{STAMP}.partial",
    "lost+found",
    "link.rclonelink",
]


def file(path: str = "/tree/album/a.jpg", time: datetime | None = None) -> Label:
    """The label of one file, as it is sent for the first time."""
    return Label(
        name=path.rpartition("/")[2],
        path=path,
        host="nas",
        kind="file",
        container="raw",
        time=time or now(),
        recipe_id="0123456789ab",
        mtime_ns=1_600_000_000_123_456_789,
        mode=0o640,
        fixed_key=tree_key("nas", path, SECTION),
    )


def changed(label: Label) -> Label:
    """The same file a second later, in place of the one before."""
    return replace(label, time=label.time + timedelta(seconds=1), mtime_ns=1_700_000_000_000_000_000)


def begin(destination: Destination, label: Label, size: int | None = None) -> OpenUpload:
    return OpenUpload(label, destination.begin(UploadRequest(label, MIB, size), nothing), MIB)


def send(destination: Destination, data: bytes, label: Label, *, large: bool = False) -> Receipt:
    upload = begin(destination, label, None if large else len(data))
    return destination.complete(upload, destination.send(upload, BytesStream(data), nothing), MANIFEST, nothing)


def inventory(place: Place, destination: Destination) -> list[Stored]:
    place.thaw_now()
    asked = destination.thaw(ThawRequest(None), nothing)
    place.thaw_now()
    (thaw,) = destination.thawing([asked], nothing)
    return list(destination.inventory(thaw, nothing))


def fetched(place: Place, destination: Destination, receipt: Receipt) -> bytes:
    asked = destination.thaw(ThawRequest(receipt.locator), nothing)
    place.thaw_now()
    (thaw,) = destination.thawing([asked], nothing)
    return read(destination, thaw)


def read(destination: Destination, thaw: Thaw) -> bytes:
    buffer = memoryview(bytearray(len(DATA) + 1))
    return bytes(buffer[: destination.fetch(thaw, 0, buffer, nothing)])


def keeps_all(destination: Destination) -> bool:
    """A vault has no keys: nothing replaces anything there."""
    return destination.place.kind == "glacier"


large_or_small = pytest.mark.parametrize("large", [True, False], ids=["large", "small"])


@large_or_small
def test_a_file_of_a_tree_is_stored_under_its_key_alone(place: Place, destination: Destination, large: bool) -> None:
    label = file()

    receipt = send(destination, DATA, label, large=large)

    assert place.stored(receipt) == fetched(place, destination, receipt) == DATA
    if not keeps_all(destination):
        assert receipt.locator.endswith("nas/tree/album/a.jpg")
        assert place.whole() == (1 if large and destination.place.kind == "s3" else 0)
    assert [(one.locator, one.size) for one in inventory(place, destination)] == [(receipt.locator, len(DATA))]


@large_or_small
def test_a_changed_file_replaces_the_one_before(place: Place, destination: Destination, large: bool) -> None:
    label = file()
    first = send(destination, DATA, label, large=large)

    second = send(destination, b"changed", changed(label), large=large)

    assert place.stored(second) == b"changed"
    sizes = sorted(one.size for one in inventory(place, destination))
    assert sizes == ([7, len(DATA)] if keeps_all(destination) else [7])
    assert (first.locator == second.locator) is not keeps_all(destination)


@large_or_small
def test_a_version_lies_beside_the_first(place: Place, destination: Destination, large: bool) -> None:
    label = file()
    later = changed(label)
    version = replace(later, fixed_key=version_key(label.fixed_key or "", later.time))

    receipts = [send(destination, DATA, label, large=large), send(destination, OTHER, version, large=large)]

    assert [place.stored(one) for one in receipts] == [DATA, OTHER]
    assert [fetched(place, destination, one) for one in receipts] == [DATA, OTHER]
    assert {one.locator for one in inventory(place, destination)} == {one.locator for one in receipts}
    destination.delete(receipts[1].locator, nothing)
    assert place.stored(receipts[0]) == DATA
    destination.delete(receipts[0].locator, nothing)
    assert place.whole() == 0


def test_no_name_is_too_odd_and_none_is_taken_for_another(place: Place, destination: Destination) -> None:
    sent = {}
    for number, name in enumerate(ODD_NAMES):
        label = file(f"/tree/{name}")
        label = replace(label, time=label.time + timedelta(microseconds=number))
        sent[send(destination, f"{number}".encode(), label, large=number % 2 == 0).locator] = f"{number}".encode()
    assert len(sent) == len(ODD_NAMES)

    found = inventory(place, destination)

    assert sorted(one.locator for one in found) == sorted(sent)
    asked = [destination.thaw(ThawRequest(locator), nothing) for locator in sent]
    place.thaw_now()
    ready = list(destination.thawing(asked, nothing))
    assert [read(destination, thaw) for thaw in ready] == list(sent.values())
    for locator in sent:
        destination.delete(locator, nothing)
    if not keeps_all(destination):  # whose inventory is a day old
        assert inventory(place, destination) == []


def test_files_and_archives_of_one_folder_don_t_disturb_each_other(place: Place, destination: Destination) -> None:
    """A tree may have a file that is called like the manifest of an archive of the same folder."""
    archive = replace(file("/tree/album"), kind="directory", container="tar", fixed_key=None, mtime_ns=None)
    name = archive.time.strftime("%Y%m%dT%H%M%S.%fZ.tar.recipe.json")

    receipts = [send(destination, DATA, archive), send(destination, b"a file", file(f"/tree/album/{name}"))]

    assert [place.stored(one) for one in receipts] == [DATA, b"a file"]
    assert {one.locator for one in inventory(place, destination)} == {one.locator for one in receipts}
    destination.delete(receipts[0].locator, nothing)
    assert place.stored(receipts[1]) == b"a file"


def test_a_large_file_is_gone_on_with_by_a_later_process(
    place: Place, destination: Destination, later: Destination
) -> None:
    label = file()
    send(destination, b"the one before", label)
    label = changed(label)
    upload = begin(destination, label)
    counted = 0

    def stop(count: int) -> None:
        nonlocal counted
        counted += count
        if counted > 3 * MIB:
            raise Interrupted("stop")

    with pytest.raises(Interrupted):
        destination.send(upload, BytesStream(DATA), stop)
    before = place.transferred()

    checksums = later.send(resumed(upload), BytesStream(DATA), nothing)
    receipt = later.complete(resumed(upload), checksums, MANIFEST, nothing)

    assert place.stored(receipt) == DATA
    assert place.transferred() - before < len(DATA)
    assert place.open_uploads() == 0


@large_or_small
def test_nothing_takes_the_place_of_the_one_before_until_it_is_complete(
    place: Place, destination: Destination, large: bool
) -> None:
    label = file()
    first = send(destination, DATA, label)
    upload = begin(destination, changed(label), None if large else len(OTHER))
    assert place.stored(first) == DATA
    checksums = destination.send(upload, BytesStream(OTHER), nothing)

    assert place.stored(first) == DATA
    assert [one.locator for one in inventory(place, destination)] == [first.locator]

    second = destination.complete(upload, checksums, MANIFEST, nothing)
    assert place.stored(second) == OTHER
    assert place.open_uploads() == 0


@large_or_small
@pytest.mark.parametrize("heard", [True, False], ids=["by_id", "by_label"])
def test_aborting_leaves_the_one_before(
    place: Place, destination: Destination, later: Destination, large: bool, heard: bool
) -> None:
    label = file()
    first = send(destination, DATA, label)
    upload = begin(destination, changed(label), None if large else len(OTHER))
    checksums = destination.send(upload, BytesStream(OTHER), nothing)

    for one in (later, destination):
        one.abort(upload.label, upload.id if heard else None, nothing)

    assert place.stored(first) == DATA
    assert place.open_uploads() == 0
    assert [one.locator for one in inventory(place, destination)] == [first.locator]
    with pytest.raises(UploadLost):
        later.complete(resumed(upload), checksums, MANIFEST, nothing)
    assert place.stored(first) == DATA


@large_or_small
def test_completing_may_be_repeated_by_a_later_process(
    place: Place, destination: Destination, later: Destination, large: bool
) -> None:
    label = file()
    send(destination, b"the one before", label)
    upload = begin(destination, changed(label), None if large else len(DATA))
    checksums = destination.send(upload, BytesStream(DATA), nothing)
    first = destination.complete(upload, checksums, MANIFEST, nothing)

    again = later.complete(resumed(upload), checksums, MANIFEST, nothing)

    assert (again.locator, again.size, again.tree_hash) == (first.locator, first.size, first.tree_hash)
    assert place.stored(again) == DATA


@large_or_small
def test_an_empty_file_is_stored_where_there_can_be_one(place: Place, destination: Destination, large: bool) -> None:
    if destination.limits.least == 0:
        label = file()
        for one in (label, changed(label)):
            assert place.stored(send(destination, b"", one, large=large)) == b""
        assert [one.size for one in inventory(place, destination)] == [0]


def test_many_small_files_are_sent_by_many_threads(place: Place, destination: Destination) -> None:
    count = 100 if keeps_all(destination) else 300

    def one(number: int) -> str:
        return send(destination, f"{number}".encode(), file(f"/tree/{number % 10}/{number}.txt")).locator

    with ThreadPoolExecutor(8) as pool:
        sent = set(pool.map(one, range(count)))

    assert {stored.locator for stored in inventory(place, destination)} == sent
    assert (len(sent), place.open_uploads()) == (count, 0)


def test_trouble_that_passes_leaves_no_file_torn(place: Place, destination: Destination) -> None:
    label = file()
    send(destination, DATA, label)
    place.trouble()

    label = changed(label)
    receipt = send(destination, OTHER, label, large=True)

    assert place.stored(receipt) == OTHER
    with suppress(UploadLost):
        destination.abort(label, None, nothing)
    assert place.stored(receipt) == OTHER


def test_whether_versions_are_kept_is_known(destination: Destination) -> None:
    assert destination.keeps_versions(nothing) is keeps_all(destination)
