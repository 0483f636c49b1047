"""What every destination promises when a process dies: nothing is sent twice, lost, torn or left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from glacier_backup.destination.destination import ByteStream, Destination
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import Interrupted, SourceError, UploadLost
from glacier_backup.model.archive import Checksums
from glacier_backup.model.upload import OpenUpload
from glacier_backup.units import KIB, MIB
from tests.contract.places import CONCURRENCY, Place
from tests.contract.sending import LABEL, MANIFEST, OTHER, begin, nothing, resumed, send
from tests.streams import AnywhereStream, BytesStream, noise

DATA = noise(16 * MIB + 5)
NOISE = 64 * KIB
"""Bytes that are sent beside the archives."""

both_ways = pytest.mark.parametrize("make", [BytesStream, AnywhereStream])
Make = Callable[[bytes], ByteStream]


def broken_off(destination: Destination, data: bytes = DATA, part_size: int = MIB, after: int = 8 * MIB) -> OpenUpload:
    """An upload that was stopped when ``after`` bytes had gone."""
    upload = begin(destination, LABEL, part_size)
    left, lock = after, threading.Lock()

    def stop(count: int) -> None:
        nonlocal left
        with lock:
            left -= count
            if left < 0:
                raise Interrupted("stop")

    with pytest.raises(Interrupted):
        destination.send(upload, BytesStream(data), stop)
    return upload


def gone_on(destination: Destination, upload: OpenUpload, stream: ByteStream) -> str:
    """The upload sent again from its beginning by a later process, and completed; the locator."""
    checksums = destination.send(resumed(upload), stream, nothing)
    return destination.complete(resumed(upload), checksums, MANIFEST, nothing).locator


def gone_on_or_begun_anew(
    destination: Destination, upload: OpenUpload, stream: Callable[[], ByteStream]
) -> tuple[OpenUpload, Checksums]:
    """Parts that are stored can't be taken away everywhere, nor everywhere be replaced."""
    try:
        return upload, destination.send(resumed(upload), stream(), nothing)
    except UploadLost:
        destination.abort(LABEL, upload.id, nothing)
        anew = begin(destination, OTHER)
        return anew, destination.send(anew, stream(), nothing)


@both_ways
@pytest.mark.parametrize("part_size", [MIB, 2 * MIB], ids=["1_MiB", "2_MiB"])
def test_a_later_process_goes_on_and_sends_only_what_is_missing(
    place: Place, destination: Destination, later: Destination, make: Make, part_size: int
) -> None:
    at_first = place.transferred()
    upload = broken_off(destination, part_size=part_size)
    before = place.transferred() - at_first
    assert (place.whole(), place.open_uploads()) == (0, 1)

    checksums = later.send(resumed(upload), make(DATA), nothing)
    receipt = later.complete(resumed(upload), checksums, MANIFEST, nothing)

    again = place.transferred() - at_first - before
    assert again <= len(DATA) - before + CONCURRENCY * part_size + NOISE
    assert again < 0.8 * len(DATA)
    assert place.stored(receipt) == DATA
    assert (receipt.size, receipt.leaves) == (len(DATA), leaf_digests(DATA))
    assert receipt.tree_hash == tree_hash(receipt.leaves)
    assert (place.whole(), place.open_uploads()) == (1, 0)


def test_what_was_resumed_has_the_checksums_of_what_was_sent_in_one_go(
    destination: Destination, later: Destination
) -> None:
    upload = broken_off(destination)
    in_one_go = later.send(begin(later, OTHER), BytesStream(DATA), nothing)

    assert later.send(resumed(upload), BytesStream(DATA), nothing) == in_one_go


def test_progress_of_what_is_resumed_adds_up_to_the_whole(destination: Destination, later: Destination) -> None:
    upload = broken_off(destination)
    counts: list[int] = []

    later.send(resumed(upload), BytesStream(DATA), counts.append)

    assert sum(counts) == len(DATA)


def test_what_broke_off_because_of_its_source_goes_on_too(
    place: Place, destination: Destination, later: Destination
) -> None:
    def broken() -> None:
        raise SourceError("an input/output error")

    upload = begin(destination)
    with pytest.raises(SourceError):
        destination.send(upload, BytesStream(DATA[: 5 * MIB + 1], at_end=broken), nothing)

    gone_on(later, upload, BytesStream(DATA))

    assert (place.whole(), place.open_uploads()) == (1, 0)


def test_it_can_be_broken_off_again_and_again(place: Place, destination: Destination, later: Destination) -> None:
    upload = broken_off(destination, after=3 * MIB)
    for end in (6 * MIB, 10 * MIB, 14 * MIB):
        with pytest.raises(Interrupted):
            later.send(resumed(upload), _Until(DATA, end), nothing)

    checksums = later.send(resumed(upload), BytesStream(DATA), nothing)
    assert place.stored(later.complete(resumed(upload), checksums, MANIFEST, nothing)) == DATA


class _Until(BytesStream):
    """Is interrupted after ``end`` bytes."""

    def __init__(self, data: bytes, end: int) -> None:
        super().__init__(data)
        self._left = end

    def readinto(self, buffer: memoryview) -> int:
        self._left -= len(buffer)
        if self._left < 0:
            raise Interrupted("stop")
        return super().readinto(buffer)


def test_all_that_was_sent_is_not_sent_again(place: Place, destination: Destination, later: Destination) -> None:
    """The process died after the last part, before it could commit the checksums."""
    upload = begin(destination)
    destination.send(upload, BytesStream(DATA), nothing)
    before = place.transferred()

    gone_on(later, upload, BytesStream(DATA))

    assert place.transferred() - before < NOISE
    assert place.whole() == 1


@pytest.mark.parametrize("changed", [0, 4 * MIB + 1, 8 * MIB, len(DATA) - 1])
def test_of_a_source_that_changed_what_was_read_last_is_stored(
    place: Place, destination: Destination, later: Destination, changed: int
) -> None:
    """One that kept its size and its times, so that nobody noticed."""
    upload = broken_off(destination)
    other = bytearray(DATA)
    other[changed] ^= 1

    upload, checksums = gone_on_or_begun_anew(later, upload, lambda: BytesStream(bytes(other)))

    assert checksums.tree_hash == tree_hash(leaf_digests(bytes(other)))
    assert place.stored(later.complete(resumed(upload), checksums, MANIFEST, nothing)) == bytes(other)


@pytest.mark.parametrize(
    ("make", "size"),
    [
        *((BytesStream, size) for size in (1, MIB, 4 * MIB + 1, 12 * MIB)),
        *((AnywhereStream, size) for size in (1, 4 * MIB + 1)),
    ],
)
def test_a_stream_that_became_shorter_is_stored_as_it_is_or_begun_anew(
    place: Place, destination: Destination, later: Destination, make: Make, size: int
) -> None:
    upload = broken_off(destination)

    upload, checksums = gone_on_or_begun_anew(later, upload, lambda: make(DATA[:size]))
    receipt = later.complete(upload, checksums, MANIFEST, nothing)

    assert place.stored(receipt) == DATA[:size]
    assert (place.whole(), place.open_uploads()) == (1, 0)


def test_a_stream_that_became_longer_is_stored_as_it_is(
    place: Place, destination: Destination, later: Destination
) -> None:
    upload = broken_off(destination, data=DATA[: 12 * MIB])

    checksums = later.send(resumed(upload), BytesStream(DATA), nothing)

    assert place.stored(later.complete(resumed(upload), checksums, MANIFEST, nothing)) == DATA


def test_completing_can_be_repeated(place: Place, destination: Destination, later: Destination) -> None:
    """The process died before it could commit the receipt: a later one gets the same, and stores nothing."""
    upload = begin(destination)
    checksums = destination.send(upload, BytesStream(DATA), nothing)
    first = destination.complete(upload, checksums, MANIFEST, nothing)

    again = destination.complete(upload, checksums, MANIFEST, nothing)
    of_later = later.complete(resumed(upload), checksums, MANIFEST, nothing)

    assert first.locator == again.locator == of_later.locator
    assert (of_later.size, of_later.tree_hash, of_later.leaves) == (first.size, first.tree_hash, first.leaves)
    assert place.stored(of_later) == DATA
    assert (place.whole(), place.open_uploads()) == (1, 0)


def test_a_later_process_completes_what_was_sent(place: Place, destination: Destination, later: Destination) -> None:
    upload = begin(destination)
    checksums = destination.send(upload, BytesStream(DATA), nothing)

    assert place.stored(later.complete(resumed(upload), checksums, MANIFEST, nothing)) == DATA


def test_what_is_nowhere_cannot_be_completed(place: Place, destination: Destination, later: Destination) -> None:
    upload = begin(destination)
    checksums = destination.send(upload, BytesStream(DATA), nothing)
    destination.abort(LABEL, upload.id, nothing)

    with pytest.raises(UploadLost):
        later.complete(resumed(upload), checksums, MANIFEST, nothing)

    assert place.whole() == place.open_uploads() == 0


def test_what_was_aborted_cannot_be_sent(place: Place, destination: Destination, later: Destination) -> None:
    upload = broken_off(destination)
    destination.abort(LABEL, upload.id, nothing)

    for stream in (BytesStream(DATA), AnywhereStream(DATA)):
        with pytest.raises(UploadLost):
            later.send(resumed(upload), stream, nothing)

    assert place.whole() == place.open_uploads() == 0


def test_what_is_aborted_while_it_is_sent_is_never_torn(
    place: Place, destination: Destination, later: Destination
) -> None:
    upload = begin(destination)
    due = iter([True])

    def abort_meanwhile(count: int) -> None:
        if count and next(due, False):
            later.abort(LABEL, upload.id, nothing)

    def send_and_complete() -> None:
        checksums = destination.send(upload, BytesStream(DATA), abort_meanwhile)
        destination.complete(upload, checksums, MANIFEST, nothing)

    with pytest.raises(UploadLost):
        send_and_complete()

    assert place.whole() == place.open_uploads() == 0


def test_aborting_twice_is_as_good_as_once(place: Place, destination: Destination, later: Destination) -> None:
    upload = broken_off(destination)

    destination.abort(LABEL, upload.id, nothing)
    destination.abort(LABEL, upload.id, nothing)
    later.abort(LABEL, None, nothing)

    assert place.open_uploads() == 0


def test_what_is_nowhere_can_be_aborted(destination: Destination) -> None:
    destination.abort(LABEL, None, nothing)


def test_an_upload_whose_id_was_never_heard_is_found_by_its_label(
    place: Place, destination: Destination, later: Destination
) -> None:
    begin(destination)

    later.abort(LABEL, None, nothing)

    assert place.open_uploads() == 0


@pytest.mark.parametrize("heard", [True, False], ids=["by_id", "by_label"])
def test_aborting_touches_no_other_upload(
    place: Place, destination: Destination, later: Destination, heard: bool
) -> None:
    upload, other = begin(destination), begin(destination, OTHER)

    later.abort(LABEL, upload.id if heard else None, nothing)

    assert place.open_uploads() == 1
    checksums = destination.send(other, BytesStream(DATA), nothing)
    assert place.stored(destination.complete(other, checksums, MANIFEST, nothing)) == DATA


@pytest.mark.parametrize("heard", [True, False], ids=["by_id", "by_label"])
def test_aborting_never_touches_what_is_complete(
    place: Place, destination: Destination, later: Destination, heard: bool
) -> None:
    upload = begin(destination)
    checksums = destination.send(upload, BytesStream(DATA), nothing)
    receipt = destination.complete(upload, checksums, MANIFEST, nothing)

    later.abort(LABEL, upload.id if heard else None, nothing)

    assert place.stored(receipt) == DATA
    assert (place.whole(), place.open_uploads()) == (1, 0)


def test_an_upload_that_was_aborted_can_be_begun_anew(place: Place, destination: Destination) -> None:
    upload = broken_off(destination)
    destination.abort(LABEL, upload.id, nothing)

    assert place.stored(send(destination, BytesStream(b"anew"))) == b"anew"
