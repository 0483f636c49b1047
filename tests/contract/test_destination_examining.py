"""What every destination promises of a closer look at one archive, whoever has put there what lies beside it."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from glacier_backup.destination.buckets.crc64 import checksum
from glacier_backup.destination.destination import Destination
from glacier_backup.errors import DestinationError, VolumeMissing
from glacier_backup.model.archive import Label, Receipt
from glacier_backup.model.naming import describe, tree_key
from glacier_backup.model.thaw import Stored, Thaw, ThawRequest
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.units import MIB, now
from tests.contract.places import Place
from tests.contract.sending import LABEL, MANIFEST, OTHER, nothing, send
from tests.streams import BytesStream, noise

DATA = noise(2 * MIB + 1234)
FILE = replace(
    LABEL,
    name="a.jpg",
    path="/tree/a.jpg",
    kind="file",
    container="raw",
    mtime_ns=1_600_000_000_123_456_789,
    mode=0o640,
    fixed_key=tree_key("nas", "/tree/a.jpg", "/tree"),
)


def inventory(place: Place, destination: Destination) -> list[Stored]:
    place.thaw_now()
    asked = destination.thaw(ThawRequest(None), nothing)
    place.thaw_now()
    (thaw,) = destination.thawing([asked], nothing)
    return list(destination.inventory(thaw, nothing))


def examined(place: Place, destination: Destination) -> dict[str, Stored]:
    return {one.locator: destination.examine(one, nothing) for one in inventory(place, destination)}


def send_file(destination: Destination, data: bytes, label: Label, *, large: bool) -> Receipt:
    upload = OpenUpload(label, destination.begin(UploadRequest(label, MIB, None if large else len(data)), nothing), MIB)
    return destination.complete(upload, destination.send(upload, BytesStream(data), nothing), MANIFEST, nothing)


def is_vault(destination: Destination) -> bool:
    """One that tells all in its inventory."""
    return destination.place.kind == "glacier"


def test_a_look_tells_what_the_destination_keeps_of_an_archive(
    place: Place, destination: Destination, later: Destination
) -> None:
    receipts = {one.locator: one for one in (send(destination, BytesStream(DATA), label) for label in (LABEL, OTHER))}

    found = examined(place, later)

    assert found.keys() == receipts.keys()
    for locator, one in found.items():
        receipt = receipts[locator]
        assert one.size == len(DATA)
        assert one.manifest == (None if is_vault(destination) else MANIFEST)
        assert one.tree_hash in (None, receipt.tree_hash)
        assert one.sha256 in (None, hashlib.sha256(DATA).hexdigest())
        assert one.crc64nvme in (None, receipt.crc64nvme)
        assert one.storage_class in (receipt.storage_class, "STANDARD")
        told = [one.tree_hash, one.sha256, one.crc64nvme, one.description]
        assert any(told), "something tells what it is"
    if destination.place.kind in ("glacier", "s3"):
        assert {one.description for one in found.values()} == {describe(LABEL), describe(OTHER)}


@pytest.mark.parametrize("large", [True, False], ids=["large", "small"])
def test_a_look_at_a_file_of_a_tree_tells_what_there_is(place: Place, destination: Destination, large: bool) -> None:
    receipt = send_file(destination, DATA, FILE, large=large)

    found = examined(place, destination)[receipt.locator]

    assert found.size == len(DATA)
    in_parts = large and destination.place.kind == "s3"
    assert found.manifest == (MANIFEST if in_parts else None)
    if destination.place.kind in ("glacier", "s3"):
        assert found.description == describe(FILE)


def test_what_s3_says_of_checksums_is_what_the_receipt_says(place: Place, destination: Destination) -> None:
    if destination.place.kind != "s3":
        return
    large, small = (
        send_file(destination, DATA, replace(FILE, fixed_key=f"nas/{large}"), large=large) for large in (True, False)
    )

    found = examined(place, destination)

    assert large.crc64nvme == small.crc64nvme == checksum(DATA).text
    # Stores of others may keep none, and then say none.
    assert {found[one.locator].crc64nvme for one in (large, small)} <= {checksum(DATA).text, None}


def test_what_is_gone_meanwhile_is_missing(place: Place, destination: Destination) -> None:
    send(destination, BytesStream(DATA))
    (stored,) = inventory(place, destination)
    destination.delete(stored.locator, nothing)

    if is_vault(destination):
        assert destination.examine(stored, nothing) == stored
        return
    with pytest.raises(VolumeMissing):
        destination.examine(stored, nothing)


def test_no_locator_is_too_odd_to_be_missing(place: Place, destination: Destination) -> None:
    place.put("file", b"x")
    for name in ("nowhere", "no/where/20260321T040000.123456Z.tar", "a\nb", "ä ö", "\udcff"):
        assert is_vault(destination) or isinstance(refusal(destination, name), VolumeMissing), name


def test_a_locator_never_leads_out_of_the_place(destination: Destination) -> None:
    for name in ("../outside", "/etc/passwd", "nas/../../x/20260321T040000.123456Z.tar", "./nas"):
        assert is_vault(destination) or isinstance(refusal(destination, name), DestinationError), name


def refusal(destination: Destination, locator: str) -> DestinationError | None:
    """Why nothing is told of it."""
    try:
        destination.examine(Stored(locator, 1, now()), nothing)
    except DestinationError as error:
        return error
    return None


def test_what_others_have_put_there_is_as_it_was_listed(place: Place, destination: Destination) -> None:
    locator = place.put("somebody's file.txt", b"theirs")

    found = examined(place, destination)[locator]

    assert (found.size, found.manifest, found.tree_hash and "vault") == (
        6,
        None,
        "vault" if is_vault(destination) else None,
    )
    assert found.description == ("somebody's file.txt" if is_vault(destination) else None)


def test_an_archive_without_a_manifest_has_none(place: Place, destination: Destination) -> None:
    place.put("20260321T040000.123456Z.tar", b"an archive whose manifest was lost")

    (found,) = examined(place, destination).values()

    assert (found.manifest, found.sha256) == (None, None)


MANIFESTS: list[tuple[bytes, str | None]] = [
    (b"", ""),
    (b"{}", "{}"),
    (b"not \xff UTF-8", "not \udcff UTF-8"),
    (b"\0" * 100, "\0" * 100),
    (b"x" * MIB, "x" * MIB),
    (b"x" * (MIB + 1), None),
    (b"x" * (4 * MIB), None),
]
"""What somebody has put there, and what is told of it."""


def test_a_manifest_of_others_is_handed_on_as_text_up_to_a_mib(place: Place, destination: Destination) -> None:
    if is_vault(destination):
        return
    locator = place.put("20260321T040000.123456Z.tar", b"data")
    for manifest, told in MANIFESTS:
        place.put("20260321T040000.123456Z.tar.recipe.json", manifest)

        assert examined(place, destination)[locator].manifest == told, (manifest[:20], len(manifest))


def test_a_checksum_file_that_is_none_tells_nothing(place: Place, destination: Destination) -> None:
    if destination.place.kind not in ("local", "sftp"):
        return
    name = "20260321T040000.123456Z.tar"
    locator = place.put(name, b"data")
    for line in ("", "\udcff", "x" * 64, "0" * 64, "0" * 64 + "  other.tar\n", "0" * 65 + f"  {name}\n"):
        place.put(f"{name}.sha256", os.fsencode(line))

        assert examined(place, destination)[locator].sha256 is None, line


def test_no_link_beside_an_archive_is_followed(place: Place, destination: Destination) -> None:
    if destination.place.kind not in ("local", "sftp"):
        return
    locator = place.put("20260321T040000.123456Z.tar", b"data")
    root = destination.place.name.removeprefix(destination.place.name.partition("/")[0])
    for suffix in (".recipe.json", ".sha256"):
        secret = os.path.join(os.path.dirname(root), f"secret{suffix}")
        with open(secret, "w") as file:
            file.write("0" * 64 + "  20260321T040000.123456Z.tar\n")
        os.symlink(secret, os.path.join(root, f"20260321T040000.123456Z.tar{suffix}"))
    os.symlink(secret, os.path.join(root, "link"))
    os.mkdir(os.path.join(root, "20260322T040000.123456Z.tar"))
    os.mkfifo(os.path.join(root, "pipe"))

    found = destination.examine(Stored(locator, 4, now()), nothing)

    assert (found.manifest, found.sha256) == (None, None)
    for name in ("link", "20260322T040000.123456Z.tar", "pipe"):
        with pytest.raises(DestinationError):
            destination.examine(Stored(name, 1, now()), nothing)


def test_a_pipe_for_a_manifest_holds_nothing_up(place: Place, destination: Destination) -> None:
    if destination.place.kind not in ("local", "sftp"):
        return
    locator = place.put("20260321T040000.123456Z.tar", b"data")
    root = destination.place.name.removeprefix(destination.place.name.partition("/")[0])
    os.mkfifo(os.path.join(root, "20260321T040000.123456Z.tar.recipe.json"))

    assert destination.examine(Stored(locator, 4, now()), nothing).manifest is None


def test_many_threads_look_at_once(place: Place, destination: Destination) -> None:
    def stored(number: int) -> str:
        label = replace(LABEL, time=LABEL.time + timedelta(seconds=number))
        return send(destination, BytesStream(noise(100 + number)), label).locator

    with ThreadPoolExecutor(8) as pool:
        sizes = dict(zip(pool.map(stored, range(40)), range(100, 140), strict=True))
        found = list(pool.map(lambda one: destination.examine(one, nothing), inventory(place, destination)))

    assert {one.locator: one.size for one in found} == sizes


def test_the_lag_of_an_inventory_is_none_but_of_a_vaults(destination: Destination) -> None:
    assert destination.inventory_lag == (timedelta(days=3) if is_vault(destination) else timedelta())


def catalog_copy(time: datetime) -> Label:
    name = time.strftime("%Y%m%dT%H%M%S.%fZ.sqlite3.gz")
    return Label("catalog", "/catalog", "nas", "file", "raw", time, "0123456789ab", fixed_key=f"nas/.catalog/{name}")


NOTE = Label("RESTORE.md", "/RESTORE.md", "nas", "file", "raw", LABEL.time, "0123456789ab", fixed_key="RESTORE.md")


def send_beside(destination: Destination, data: bytes, label: Label, estimate: int | None) -> Receipt:
    """What is no archive: as hot as can be, and with no manifest."""
    request = UploadRequest(label, MIB, estimate, storage_class="STANDARD")
    upload = OpenUpload(label, destination.begin(request, nothing), MIB)
    return destination.complete(upload, destination.send(upload, BytesStream(data), nothing), "", nothing)


def readable(destination: Destination, locator: str, size: int) -> bytes:
    thaw = destination.thaw(ThawRequest(locator), nothing)
    assert thaw.state == "ready", "it is to be read at once"
    return fetched(destination, thaw, size)


def fetched(destination: Destination, thaw: Thaw, size: int) -> bytes:
    buffer = memoryview(bytearray(size + 1))
    return bytes(buffer[: destination.fetch(thaw, 0, buffer, nothing)])


@pytest.mark.parametrize("known", [True, False], ids=["size_known", "size_unknown"])
def test_catalog_copies_and_notes_are_kept_beside_archives(
    place: Place, destination: Destination, later: Destination, known: bool
) -> None:
    copies = [catalog_copy(LABEL.time + timedelta(seconds=number)) for number in range(3)]
    estimate = len(DATA) if known else None
    if is_vault(destination):
        for label in (copies[0], NOTE):
            with pytest.raises(DestinationError, match="is no place for"):
                send_beside(destination, b"x", label, estimate)
        assert place.open_uploads() == 0
        return
    archive = send(destination, BytesStream(b"an archive"))

    sent = [send_beside(destination, DATA, label, estimate) for label in copies]
    notes = [send_beside(destination, text, NOTE, estimate) for text in (b"how to", b"how to, again")]

    assert [one.locator.endswith(label.fixed_key or "") for one, label in zip(sent, copies, strict=True)] == [True] * 3
    assert readable(later, sent[1].locator, len(DATA)) == DATA
    assert readable(later, notes[1].locator, 100) == b"how to, again"
    everything = {one.locator for one in (archive, *sent, notes[1])}
    assert {one.locator for one in inventory(place, later)} == everything
    assert examined(place, later)[sent[0].locator].manifest is None
    assert place.whole() == 1, "no manifest but the archive's"

    later.delete(sent[0].locator, nothing)
    later.delete(sent[0].locator, nothing)

    assert {one.locator for one in inventory(place, later)} == everything - {sent[0].locator}
    assert place.whole() == 1
