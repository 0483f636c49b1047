"""What every destination promises of what it has: it comes back byte for byte, can be listed, and removed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from glacier_backup.destination.destination import Destination
from glacier_backup.errors import DestinationError, Interrupted, NotThawed, VolumeMissing
from glacier_backup.model.archive import Receipt
from glacier_backup.model.thaw import Stored, Thaw, ThawRequest
from glacier_backup.units import MIB
from tests.contract.places import Place
from tests.contract.sending import LABEL, OTHER, begin, nothing, send
from tests.streams import BytesStream, noise

DATA = noise(5 * MIB + 1234)
END = len(DATA)


def thawed(place: Place, destination: Destination, *requests: ThawRequest) -> list[Thaw]:
    """What was asked for, once it is ready."""
    asked = [destination.thaw(request, nothing) for request in requests]
    place.thaw_now()
    found = list(destination.thawing(asked, nothing))
    assert [thaw.state for thaw in found] == ["ready"] * len(requests)
    return found


def whole(place: Place, destination: Destination, receipt: Receipt) -> Thaw:
    return thawed(place, destination, ThawRequest(receipt.locator))[0]


def fetched(destination: Destination, thaw: Thaw, start: int, size: int) -> bytes:
    buffer = memoryview(bytearray(size))
    return bytes(buffer[: destination.fetch(thaw, start, buffer, nothing)])


def listed(place: Place, destination: Destination) -> list[Stored]:
    place.thaw_now()
    (thaw,) = thawed(place, destination, ThawRequest(None))
    return list(destination.inventory(thaw, nothing))


def locators(stored: Iterable[Stored]) -> list[str]:
    return sorted(one.locator for one in stored)


def numbered(number: int) -> datetime:
    return LABEL.time + timedelta(seconds=number)


def test_what_was_sent_is_fetched_byte_for_byte(place: Place, destination: Destination) -> None:
    for number, size in enumerate((1, MIB - 1, MIB, MIB + 1, 4 * MIB, END)):
        data = noise(size)
        label = replace(LABEL, time=numbered(number))
        thaw = whole(place, destination, send(destination, BytesStream(data), label))

        assert fetched(destination, thaw, 0, size) == data, size


def test_an_empty_archive_is_fetched_where_there_can_be_one(place: Place, destination: Destination) -> None:
    if destination.limits.least == 0:
        thaw = whole(place, destination, send(destination, BytesStream(b"")))
        assert fetched(destination, thaw, 0, 10) == b""


def test_a_range_may_begin_and_end_anywhere(place: Place, destination: Destination) -> None:
    thaw = whole(place, destination, send(destination, BytesStream(DATA)))

    for start, size in [(0, 1), (1, 1), (MIB - 1, 2), (MIB + 3, 2 * MIB + 5), (END - 1, 1), (4095, 8193)]:
        assert fetched(destination, thaw, start, size) == DATA[start : start + size], (start, size)


def test_a_range_beyond_the_end_has_what_there_is(place: Place, destination: Destination) -> None:
    thaw = whole(place, destination, send(destination, BytesStream(DATA)))

    for start in (0, MIB, END - 1, END, END + 1, END + 5 * MIB):
        assert fetched(destination, thaw, start, END + MIB) == DATA[start:], start


def test_nothing_is_fetched_into_no_room(place: Place, destination: Destination) -> None:
    thaw = whole(place, destination, send(destination, BytesStream(DATA)))

    assert fetched(destination, thaw, 5, 0) == b""


def test_bytes_beyond_those_fetched_are_left_alone(place: Place, destination: Destination) -> None:
    thaw = whole(place, destination, send(destination, BytesStream(b"content")))
    buffer = bytearray(b"." * 20)

    assert destination.fetch(thaw, 3, memoryview(buffer), nothing) == 4

    assert bytes(buffer) == b"tent" + b"." * 16


def test_many_threads_fetch_at_once(place: Place, destination: Destination) -> None:
    thaw = whole(place, destination, send(destination, BytesStream(DATA)))

    def right(number: int) -> bool:
        start = number * 97_003
        return fetched(destination, thaw, start, 200_001) == DATA[start : start + 200_001]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(right, range(50)))


def test_a_part_can_be_thawed_by_itself(place: Place, destination: Destination) -> None:
    receipt = send(destination, BytesStream(DATA))
    inside, tail = thawed(
        place,
        destination,
        ThawRequest(receipt.locator, MIB, 3 * MIB),
        ThawRequest(receipt.locator, 4 * MIB, END),
    )

    assert fetched(destination, inside, MIB, 2 * MIB) == DATA[MIB : 3 * MIB]
    assert fetched(destination, inside, 2 * MIB + 7, 9) == DATA[2 * MIB + 7 : 2 * MIB + 16]
    assert fetched(destination, tail, 4 * MIB + 1, 2 * MIB) == DATA[4 * MIB + 1 :]


def test_a_later_process_fetches_what_an_earlier_one_asked_for(
    place: Place, destination: Destination, later: Destination
) -> None:
    receipt = send(destination, BytesStream(DATA))
    asked = destination.thaw(ThawRequest(receipt.locator), nothing)
    place.thaw_now()

    (thaw,) = later.thawing([asked], nothing)

    assert fetched(later, thaw, 3, MIB) == DATA[3 : 3 + MIB]


def test_asking_again_asks_for_nothing_more(place: Place, destination: Destination, later: Destination) -> None:
    receipt = send(destination, BytesStream(DATA))
    request, less = ThawRequest(receipt.locator), ThawRequest(receipt.locator, MIB, 2 * MIB)

    first = destination.thaw(request, nothing)

    assert destination.thaw(request, nothing).id == first.id
    assert later.thaw(request, nothing).id == first.id
    assert later.thaw(less, nothing).id == first.id
    place.thaw_now()
    ready = later.thaw(request, nothing)
    assert (ready.id, [thaw.id for thaw in later.thawing([ready], nothing)]) == (first.id, [first.id])


def test_how_many_stand_is_told_in_their_order(place: Place, destination: Destination, later: Destination) -> None:
    receipts = [
        send(destination, BytesStream(noise(100 + number)), replace(LABEL, time=numbered(number)))
        for number in range(12)
    ]
    asked = [destination.thaw(ThawRequest(receipt.locator), nothing) for receipt in receipts]
    place.thaw_now()
    shuffled = asked[::-2] + asked[::2] + asked[:3]

    found = list(later.thawing(shuffled, nothing))

    assert [(thaw.locator, thaw.id, thaw.state) for thaw in found] == [
        (thaw.locator, thaw.id, "ready") for thaw in shuffled
    ]
    assert list(later.thawing([], nothing)) == []
    for receipt, thaw in zip(receipts[::2], found[6:12], strict=True):
        assert fetched(later, thaw, 0, 200) == place.stored(receipt)


def test_what_is_cold_can_t_be_fetched_before_it_is_thawed(place: Place, destination: Destination) -> None:
    receipt = send(destination, BytesStream(DATA))
    thaw = destination.thaw(ThawRequest(receipt.locator), nothing)

    if thaw.state == "thawing":
        with pytest.raises(NotThawed):
            fetched(destination, thaw, 0, 10)
        place.thaw_now()

    assert fetched(destination, thaw, 0, 10) == DATA[:10]


def test_what_isn_t_there_is_missing(place: Place, destination: Destination) -> None:
    gone = send(destination, BytesStream(DATA)).locator
    destination.delete(gone, nothing)

    with pytest.raises(VolumeMissing):
        fetched(destination, destination.thaw(ThawRequest(gone), nothing), 0, 1)


def test_no_locator_is_too_odd_to_be_missing(place: Place, destination: Destination) -> None:
    send(destination, BytesStream(DATA))

    for name in ("nowhere", "no/where/20260321T040000.123456Z.tar", "-rf", "a\nb", "ä ö", "%2e", "\udcff"):
        assert isinstance(refusal(destination, name), VolumeMissing), name
        destination.delete(name, nothing)
        assert place.whole() == 1, name


def test_a_locator_never_leads_out_of_the_place(place: Place, destination: Destination) -> None:
    send(destination, BytesStream(DATA))

    for name in ("../outside", "/etc/passwd", "nas/../../outside", "nas//data", "./nas", "a\0b"):
        assert isinstance(refusal(destination, name), DestinationError), name


def refusal(destination: Destination, locator: str) -> DestinationError | None:
    """Why nothing can be fetched by it."""
    try:
        fetched(destination, destination.thaw(ThawRequest(locator), nothing), 0, 1)
    except DestinationError as error:
        return error
    return None


def test_what_was_removed_is_gone_with_all_that_lay_beside_it(place: Place, destination: Destination) -> None:
    first, second = (send(destination, BytesStream(DATA), label) for label in (LABEL, OTHER))

    destination.delete(first.locator, nothing)
    destination.delete(first.locator, nothing)

    assert (place.whole(), place.stored(second)) == (1, DATA)
    assert locators(listed(place, destination)) == [second.locator]


def test_the_inventory_has_what_is_stored_and_nothing_else(
    place: Place, destination: Destination, later: Destination
) -> None:
    before = datetime.now(UTC)
    sizes = {}
    for number, size in enumerate((1, MIB, 2 * MIB + 7)):
        receipt = send(destination, BytesStream(noise(size)), replace(LABEL, time=numbered(number)))
        sizes[receipt.locator] = size
    upload = begin(destination, replace(LABEL, time=numbered(10)))
    destination.send(upload, BytesStream(DATA), nothing)
    sizes[place.put("somebody's file.txt", b"theirs")] = 6

    found = listed(place, later)

    assert {one.locator: one.size for one in found} == sizes
    assert len(found) == len(sizes)
    assert all(one.stored_at.utcoffset() == timedelta(0) for one in found)
    assert all(before - timedelta(seconds=2) <= one.stored_at <= datetime.now(UTC) for one in found)


def test_what_another_program_stored_is_fetched_and_removed_too(place: Place, destination: Destination) -> None:
    locator = place.put("theirs.recipe.json", b"not a manifest")
    assert locators(listed(place, destination)) == [locator]

    (thaw,) = thawed(place, destination, ThawRequest(locator))
    assert fetched(destination, thaw, 4, 20) == b"a manifest"

    destination.delete(locator, nothing)
    assert place.whole() == 0


ODD_PATHS = [
    *("/data/a\nb", "/data/-rf", "/data/" + "x" * 255, os.fsdecode(b"/data/\xff\xfe"), "/data/ä ö", "/data/ blank"),
    "/",
]


def test_no_name_is_too_odd_to_be_listed_fetched_and_removed(place: Place, destination: Destination) -> None:
    labels = [replace(LABEL, path=path, name="odd") for path in ODD_PATHS]
    receipts = [send(destination, BytesStream(DATA[: MIB + number]), label) for number, label in enumerate(labels)]

    found = {one.locator: one for one in listed(place, destination)}
    assert found.keys() == {receipt.locator for receipt in receipts}
    for label, receipt in zip(labels, receipts, strict=True):
        stored = found[receipt.locator]
        assert stored.size == receipt.size
        assert stored.description in (None, destination.describe(label))
        assert stored.tree_hash in (None, receipt.tree_hash)
        assert fetched(destination, whole(place, destination, receipt), 0, END) == DATA[: receipt.size], label.path
        destination.delete(stored.locator, nothing)

    assert place.whole() == 0


def test_an_empty_place_has_an_empty_inventory(place: Place, destination: Destination) -> None:
    upload = begin(destination)
    destination.abort(LABEL, upload.id, nothing)

    assert listed(place, destination) == []


def test_trouble_that_passes_costs_reading_nothing_but_time(place: Place, destination: Destination) -> None:
    receipt = send(destination, BytesStream(DATA))
    place.trouble()

    thaw = whole(place, destination, receipt)

    for start in range(0, END, MIB + 3):
        assert fetched(destination, thaw, start, MIB + 3) == DATA[start : start + MIB + 3]
    assert locators(listed(place, destination)) == [receipt.locator]


def test_reading_can_be_broken_off(place: Place, destination: Destination) -> None:
    thaw = whole(place, destination, send(destination, BytesStream(DATA)))

    def stop() -> None:
        raise Interrupted("stop")

    with pytest.raises(Interrupted):
        destination.fetch(thaw, 0, memoryview(bytearray(END)), stop)
    assert fetched(destination, thaw, 0, END) == DATA
