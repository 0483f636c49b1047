"""What every destination promises, over the whole registry."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glacier_backup.destination.aws import Access
from glacier_backup.destination.destination import Destination
from glacier_backup.destination.glacier import Glacier
from glacier_backup.destination.local import Local
from glacier_backup.destination.registry import DESTINATIONS
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import Interrupted, SourceError, UploadOutgrown
from glacier_backup.model.archive import Label, Receipt
from glacier_backup.model.place import DestinationKind
from glacier_backup.units import MIB
from tests.streams import BytesStream, noise
from tests.vault_server.process import VaultServer

LABEL = Label(
    name="photos.tar",
    path="/data/photos",
    host="nas",
    kind="directory",
    container="tar",
    time=datetime(2026, 3, 21, 4, 0, 0, 123456, UTC),
    recipe_id="0123456789ab",
)


@dataclass(frozen=True)
class Place:
    """A destination, and how to see from outside what it holds."""

    destination: Destination
    stored: Callable[[Receipt], bytes]
    whole: Callable[[], int]
    """How many whole archives there are."""
    open_uploads: Callable[[], int]


@pytest.fixture(params=DESTINATIONS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    kind: DestinationKind = request.param
    maker = {"glacier": _glacier, "local": _local}[kind]
    made = maker(request, tmp_path)
    with closing(made.destination):
        yield made


def _glacier(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    vault: str = request.getfixturevalue("vault")
    server: VaultServer = request.getfixturevalue("vault_server")

    def stored(receipt: Receipt) -> bytes:
        return next(one.path.read_bytes() for one in server.archives(vault) if one.id == receipt.locator)

    return Place(
        Glacier(vault, "-", Access(endpoint_url=server.endpoint_url), concurrency=3),
        stored,
        lambda: len(server.archives(vault)),
        lambda: len(server.uploads(vault)),
    )


def _local(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    root = tmp_path / "vault"

    def whole() -> int:
        return len(list(root.rglob("*.recipe.json")))

    def left_behind() -> int:
        return len([path for path in root.rglob(".*") if path.is_file()])

    return Place(
        Local(str(root), create=True), lambda receipt: (root / receipt.locator).read_bytes(), whole, left_behind
    )


def send(place: Place, data: bytes, label: Label = LABEL, part_size: int = MIB) -> Receipt:
    receipt = place.destination.send(BytesStream(data), label, part_size, lambda count: None)
    place.destination.put_manifest(label, receipt, "{}\n")
    return receipt


@pytest.mark.parametrize("size", [1, MIB - 1, MIB, MIB + 1, 4 * MIB, 7 * MIB + 5], ids=lambda size: f"{size}_bytes")
def test_what_is_sent_is_stored_byte_for_byte(place: Place, size: int) -> None:
    data = noise(size)

    receipt = send(place, data)

    assert place.stored(receipt) == data
    assert receipt.size == size
    assert receipt.leaves == leaf_digests(data)
    assert receipt.tree_hash == tree_hash(receipt.leaves)
    assert receipt.sha256 in (None, hashlib.sha256(data).hexdigest())
    assert place.open_uploads() == 0


def test_nothing_at_all_is_stored_where_the_limits_allow_it(place: Place) -> None:
    if place.destination.limits.least > 0:
        with pytest.raises(Exception, match="empty"):
            send(place, b"")
        assert place.open_uploads() == place.whole() == 0
    else:
        assert place.stored(send(place, b"")) == b""


def test_many_parts_arrive_in_order(place: Place) -> None:
    data = noise(40 * MIB + 1)

    assert place.stored(send(place, data)) == data


def test_two_archives_of_one_path_are_two_archives(place: Place) -> None:
    later = replace(LABEL, time=datetime(2026, 3, 22, tzinfo=UTC))

    first, second = send(place, b"first"), send(place, b"second", later)

    assert first.locator != second.locator
    assert (place.stored(first), place.stored(second)) == (b"first", b"second")


def test_the_receipt_is_dated_in_utc(place: Place) -> None:
    assert send(place, b"x").stored_at.tzinfo is UTC


def test_identify_stores_nothing_and_knows_the_place(place: Place) -> None:
    identified = place.destination.identify(holds_archives=False)

    assert identified.kind == place.destination.place.kind
    assert identified.name == place.destination.place.name
    assert identified.account != "-"
    assert place.whole() == 0


def test_progress_adds_up_to_the_bytes_sent(place: Place) -> None:
    counts: list[int] = []

    place.destination.send(BytesStream(noise(3 * MIB + 9)), LABEL, MIB, counts.append)

    assert sum(counts) == 3 * MIB + 9


def _broken_source() -> None:
    raise SourceError("the source is gone")


def test_a_source_that_breaks_off_leaves_nothing_behind(place: Place) -> None:
    with pytest.raises(SourceError):
        place.destination.send(BytesStream(noise(5 * MIB + 1), at_end=_broken_source), LABEL, MIB, lambda count: None)

    assert place.whole() == place.open_uploads() == 0


def test_an_interruption_leaves_nothing_behind(place: Place) -> None:
    sent = 0

    def stop(count: int) -> None:
        nonlocal sent
        sent += count
        if sent > 3 * MIB:
            raise Interrupted("stop")

    with pytest.raises(Interrupted):
        place.destination.send(BytesStream(noise(20 * MIB)), LABEL, MIB, stop)

    assert place.whole() == place.open_uploads() == 0


def test_a_stream_too_long_for_its_part_size_has_outgrown_the_upload(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(place.destination), "limits", replace(place.destination.limits, most_parts=3))

    with pytest.raises(UploadOutgrown):
        send(place, noise(3 * MIB + 1))

    assert place.whole() == place.open_uploads() == 0


@pytest.mark.parametrize(
    "path",
    ["/data/a\nb", "/data/-rf", "/data/" + "x" * 255, os.fsdecode(b"/data/\xff\xfe"), "/data/ä ö", "/data/ blank"],
    ids=["newline", "dash", "long", "not_utf8", "umlauts", "leading_blank"],
)
def test_no_name_is_too_odd_to_be_sent(place: Place, path: str) -> None:
    label = replace(LABEL, path=path, name=os.path.basename(path), kind="file", container="raw", mtime_ns=1)

    assert place.stored(send(place, b"content", label)) == b"content"
