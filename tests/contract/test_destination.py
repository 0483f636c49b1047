"""What every destination promises, over the whole registry: archives sent in one go."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from glacier_backup.cli.destinations import DESTINATIONS
from glacier_backup.destination.destination import ByteStream, Destination
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import Interrupted, SourceError, UploadOutgrown
from glacier_backup.units import MIB
from tests.contract.places import PLACES, Place
from tests.contract.sending import LABEL, begin, nothing, send
from tests.model.labels import dataset
from tests.streams import AnywhereStream, BytesStream, noise

both_ways = pytest.mark.parametrize("make", [BytesStream, AnywhereStream])
Make = Callable[[bytes], ByteStream]


def test_every_kind_of_destination_is_held_to_the_contract() -> None:
    assert {name.partition("_")[0] for name in PLACES} == DESTINATIONS.keys()


@both_ways
def test_what_is_sent_is_stored_byte_for_byte(place: Place, destination: Destination, make: Make) -> None:
    for number, size in enumerate((1, MIB - 1, MIB, MIB + 1, 4 * MIB, 7 * MIB + 5), 1):
        data = noise(size)

        receipt = send(destination, make(data), replace(LABEL, time=LABEL.time + timedelta(seconds=number)))

        assert place.stored(receipt) == data, size
        assert receipt.size == size
        assert receipt.leaves == leaf_digests(data)
        assert receipt.tree_hash == tree_hash(receipt.leaves)
        assert receipt.sha256 in (None, hashlib.sha256(data).hexdigest())
        assert (place.whole(), place.open_uploads()) == (number, 0)


def test_nothing_at_all_is_stored_where_the_limits_allow_it(place: Place, destination: Destination) -> None:
    if destination.limits.least > 0:
        with pytest.raises(Exception, match="empty"):
            send(destination, BytesStream(b""))
        destination.abort(LABEL, None, nothing)
        assert place.open_uploads() == place.whole() == 0
    else:
        assert place.stored(send(destination, BytesStream(b""))) == b""


@both_ways
def test_many_parts_arrive_in_order(place: Place, destination: Destination, make: Make) -> None:
    data = noise(40 * MIB + 1)

    assert place.stored(send(destination, make(data))) == data


def test_many_archives_at_once_don_t_disturb_each_other(place: Place, destination: Destination) -> None:
    """Eight threads, sizes from a byte to some parts, two part sizes, both ways of reading."""

    def one(number: int) -> bool:
        data = noise((1, 5 * MIB + 1, 2 * MIB, MIB - 1)[number % 4], seed=number)
        label = replace(LABEL, time=LABEL.time + timedelta(seconds=number))
        stream = BytesStream(data) if number % 3 else AnywhereStream(data)
        return place.stored(send(destination, stream, label, part_size=MIB << number % 2)) == data

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(24)))
    assert (place.whole(), place.open_uploads()) == (24, 0)


def test_trouble_that_passes_costs_nothing_but_time(place: Place, destination: Destination) -> None:
    place.trouble()
    data = noise(12 * MIB + 1)
    counts: list[int] = []

    receipt = send(destination, BytesStream(data), progress=counts.append)

    assert place.stored(receipt) == data
    assert sum(counts) == len(data)
    assert (place.whole(), place.open_uploads()) == (1, 0)


def test_two_archives_of_one_path_are_two_archives(place: Place, destination: Destination) -> None:
    later = replace(LABEL, time=datetime(2026, 3, 22, tzinfo=UTC))

    first, second = send(destination, BytesStream(b"first")), send(destination, BytesStream(b"second"), later)

    assert first.locator != second.locator
    assert (place.stored(first), place.stored(second)) == (b"first", b"second")


def test_the_receipt_is_dated_in_utc(destination: Destination) -> None:
    before = datetime.now(UTC)

    stored_at = send(destination, BytesStream(b"x")).stored_at

    assert stored_at.tzinfo is UTC
    assert before <= stored_at <= datetime.now(UTC)


def test_identify_stores_nothing_and_knows_the_place(place: Place, destination: Destination) -> None:
    identified = destination.identify(holds_archives=False)

    assert identified.kind == destination.place.kind
    assert identified.name == destination.place.name
    assert identified.account != "-"
    assert place.whole() == 0


def test_progress_adds_up_to_the_bytes_sent(destination: Destination) -> None:
    counts: list[int] = []

    send(destination, BytesStream(noise(3 * MIB + 9)), progress=counts.append)

    assert sum(counts) == 3 * MIB + 9


def test_nothing_looks_whole_before_it_is_complete(place: Place, destination: Destination) -> None:
    upload = begin(destination)
    assert (place.whole(), place.open_uploads()) == (0, 1)

    destination.send(upload, BytesStream(noise(2 * MIB)), nothing)

    assert (place.whole(), place.open_uploads()) == (0, 1)


def _broken_source() -> None:
    raise SourceError("the source is gone")


def test_a_source_that_breaks_off_leaves_nothing_that_looks_whole(place: Place, destination: Destination) -> None:
    upload = begin(destination)

    with pytest.raises(SourceError, match="the source is gone"):
        destination.send(upload, BytesStream(noise(5 * MIB + 1), at_end=_broken_source), nothing)

    assert place.whole() == 0
    destination.abort(LABEL, upload.id, nothing)
    assert place.open_uploads() == 0


def test_an_interruption_leaves_nothing_that_looks_whole(place: Place, destination: Destination) -> None:
    sent = 0

    def stop(count: int) -> None:
        nonlocal sent
        sent += count
        if sent > 3 * MIB:
            raise Interrupted("stop")

    upload = begin(destination)
    with pytest.raises(Interrupted):
        destination.send(upload, BytesStream(noise(20 * MIB)), stop)

    assert place.whole() == 0
    destination.abort(LABEL, upload.id, nothing)
    assert place.open_uploads() == 0


@both_ways
def test_a_stream_too_long_for_its_part_size_has_outgrown_the_upload(
    place: Place, destination: Destination, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(destination), "limits", replace(destination.limits, most_parts=3))

    upload = begin(destination)
    with pytest.raises(UploadOutgrown):
        destination.send(upload, make(noise(3 * MIB + 1)), nothing)

    assert place.whole() == 0
    destination.abort(LABEL, upload.id, nothing)
    assert place.open_uploads() == 0


def test_no_name_is_too_odd_to_be_sent_or_found(place: Place, destination: Destination) -> None:
    odd = ("a\nb", "-rf", "x" * 255, os.fsdecode(b"\xff\xfe"), "ä ö", " blank")
    labels = [replace(LABEL, path=f"/data/{one}", name=one, kind="file", container="raw", mtime_ns=1) for one in odd]
    for label in (*labels, dataset("zfs:tank"), dataset("zfs:tank/a:b c", number=2)):
        name = label.name

        begin(destination, label)
        destination.abort(label, None, nothing)

        assert place.open_uploads() == 0, name
        assert place.stored(send(destination, BytesStream(b"content"), label)) == b"content", name
