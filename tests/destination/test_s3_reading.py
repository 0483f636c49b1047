"""What is read from a bucket, beyond what every destination promises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from glacier_backup.destination.s3 import S3
from glacier_backup.errors import DestinationError, DestinationUnavailable, NotThawed, VolumeMissing
from glacier_backup.model.thaw import Thaw, ThawRequest
from glacier_backup.units import MIB
from tests.contract.sending import LABEL, nothing
from tests.destination.s3_buckets import KEY, complete, held, s3_at
from tests.s3_servers.between import Answer, Asked, of
from tests.s3_servers.fixtures import PREFIX, Store
from tests.streams import noise

DATA = noise(2 * MIB + 5)


@pytest.fixture
def s3(s3_store: Store) -> Iterator[S3]:
    with closing(s3_at(s3_store)) as made:
        yield made


def test_what_is_thawed_says_how_long(s3: S3, s3_store: Store) -> None:
    complete(s3, held(s3, DATA))
    asked = s3.thaw(ThawRequest(KEY, days=3), nothing)

    (thaw,) = s3.thawing([asked], nothing)

    assert (asked.state, thaw.state, thaw.id) == ("thawing", "ready", KEY)
    assert thaw.until is not None
    assert timedelta(days=2, hours=23) < thaw.until - datetime.now(UTC) < timedelta(days=4)


def test_a_copy_with_enough_life_is_used_and_one_with_too_little_extended(s3: S3, s3_store: Store) -> None:
    complete(s3, held(s3, DATA))
    s3.thaw(ThawRequest(KEY, days=4), nothing)

    def restores() -> int:
        return s3_store.between.operations().count("RestoreObject")

    assert s3.thaw(ThawRequest(KEY, days=7), nothing).state == "ready"
    assert restores() == 1
    longer = s3.thaw(ThawRequest(KEY, days=20), nothing)
    assert (longer.state, restores()) == ("ready", 2)
    assert longer.until is not None
    assert longer.until - datetime.now(UTC) > timedelta(days=18)


def test_a_thaw_that_another_has_asked_for_meanwhile_is_used(s3: S3, s3_store: Store) -> None:
    complete(s3, held(s3, DATA))
    s3_store.between.rules.append(of("RestoreObject", Answer(409, "RestoreAlreadyInProgress")))

    assert s3.thaw(ThawRequest(KEY), nothing) == Thaw(KEY, KEY, "thawing")


def test_deep_archive_can_t_be_had_within_minutes(s3: S3, s3_store: Store) -> None:
    complete(s3, held(s3, DATA))

    with pytest.raises(DestinationError, match="DEEP_ARCHIVE") as caught:
        s3.thaw(ThawRequest(KEY, tier="expedited"), nothing)
    assert "standard" in (caught.value.hint or "")
    assert "RestoreObject" not in s3_store.between.operations()


def test_what_nobody_asked_for_has_failed_and_can_t_be_fetched(s3: S3) -> None:
    complete(s3, held(s3, DATA))

    (thaw,) = s3.thawing([Thaw(KEY, KEY, "thawing")], nothing)

    assert thaw.state == "failed"
    assert thaw.cause is not None
    with pytest.raises(NotThawed):
        s3.fetch(thaw, 0, memoryview(bytearray(5)), nothing)


def test_what_is_gone_has_failed_and_is_missing(s3: S3) -> None:
    gone = Thaw(KEY, KEY, "thawing")

    assert [thaw.state for thaw in s3.thawing([gone], nothing)] == ["failed"]
    with pytest.raises(VolumeMissing):
        s3.fetch(gone, 0, memoryview(bytearray(5)), nothing)


@pytest.mark.parametrize("storage_class", ["STANDARD", "STANDARD_IA", "GLACIER_IR"])
def test_what_is_not_cold_is_ready_at_once(s3_store: Store, storage_class: str) -> None:
    with closing(s3_at(s3_store, storage_class=storage_class)) as s3:
        complete(s3, held(s3, DATA))
        assert s3.thaw(ThawRequest(KEY), nothing) == Thaw(KEY, KEY, "ready")
    assert "RestoreObject" not in s3_store.between.operations()


def test_many_of_one_folder_are_listed_where_the_listing_says_how_they_stand(s3: S3, s3_store: Store) -> None:
    keys = [f"{PREFIX}/many/{number:02}" for number in range(30)]
    status = (
        "<RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress></RestoreStatus>",
        "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>"
        "<RestoreExpiryDate>2031-01-01T00:00:00Z</RestoreExpiryDate></RestoreStatus>",
    )
    rows = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00Z</LastModified><Size>1</Size>"
        f"<StorageClass>DEEP_ARCHIVE</StorageClass>{status[number % 2]}</Contents>"
        for number, key in enumerate(keys)
    )
    body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode()
    s3_store.between.rules.append(of("ListObjectsV2", Answer(200, body=body)))
    s3_store.between.rules.append(of("HeadObject", Answer(500)))

    found = list(s3.thawing([Thaw(key, key, "thawing", 0, MIB) for key in keys], nothing))

    assert [thaw.locator for thaw in found] == keys
    assert [thaw.state for thaw in found] == ["thawing", "ready"] * 15
    assert found[1].until == datetime(2031, 1, 1, tzinfo=UTC)
    assert found[0].end == MIB


def test_where_the_listing_says_nothing_or_is_refused_each_is_looked_at(s3: S3, s3_store: Store) -> None:
    labels = [replace(LABEL, time=LABEL.time + timedelta(seconds=number)) for number in range(20)]
    keys = [complete(s3, held(s3, b"x", label)).locator for label in labels]
    asked = [s3.thaw(ThawRequest(key), nothing) for key in keys]

    assert [thaw.state for thaw in s3.thawing(asked, nothing)] == ["ready"] * 20
    s3_store.between.rules.append(of("ListObjectsV2", Answer(403, "AccessDenied")))
    assert [thaw.state for thaw in s3.thawing(asked, nothing)] == ["ready"] * 20


def test_odd_keys_are_listed_as_they_are(s3: S3, s3_store: Store) -> None:
    keys = [f"{PREFIX}/{name}" for name in ("a b+c", "%41", "ä&<>\"'", "tab\there", "x.recipe.json")]
    for key in keys:
        s3_store.aws.put_object(Bucket=s3_store.bucket, Key=key, Body=b"x")

    found = [stored.locator for stored in s3.inventory(Thaw(None, "", "ready"), nothing)]

    assert sorted(found) == sorted(keys)


def test_only_manifests_beside_their_archives_are_left_out(s3: S3, s3_store: Store) -> None:
    dated, later = "20260321T040000.123456Z.tar", "20260321T040001.123456Z.tar"
    alone = ["a", "a.recipe.json", "a.sha256", f"{later}.recipe.json", f"{dated}.recipe.jso", f"{dated}!"]
    beside = [f"{dated}.recipe.json", f"{dated}.sha256", "a~20260321T040000.123456Z.recipe.json"]
    for name in [dated, *alone, *beside]:
        s3_store.aws.put_object(Bucket=s3_store.bucket, Key=f"{PREFIX}/{name}", Body=b"x")
    s3_store.aws.put_object(Bucket=s3_store.bucket, Key=f"{PREFIX}-other/x", Body=b"x")

    found = [stored.locator for stored in s3.inventory(Thaw(None, "", "ready"), nothing)]

    assert found == sorted(f"{PREFIX}/{name}" for name in (dated, *alone))


def test_an_inventory_has_as_many_pages_as_it_takes(s3: S3, s3_store: Store) -> None:
    for number in range(5):
        s3_store.aws.put_object(Bucket=s3_store.bucket, Key=f"{PREFIX}/{number}", Body=b"x")
    client = s3._requests._aws.client
    client.meta.events.register(
        "provide-client-params.s3.ListObjectsV2",
        lambda params, **_: {**params, "MaxKeys": 2},  # type: ignore[arg-type]  # this event wants an answer
    )

    assert len(list(s3.inventory(Thaw(None, "", "ready"), nothing))) == 5


def test_an_answer_that_breaks_off_is_asked_for_again(s3: S3, s3_store: Store) -> None:
    hot = s3_at(s3_store, storage_class="STANDARD")
    complete(hot, held(hot, DATA))
    hot.close()
    s3_store.between.rules.append(of("GetObject", Answer(206, body=b"", headers={"content-range": "bytes 5-9/9"}), 1))
    s3_store.between.rules.append(of("GetObject", Answer(0, cut=True), 1))
    buffer = bytearray(100)

    assert s3.fetch(Thaw(KEY, KEY, "ready"), 7, memoryview(buffer), nothing) == 100
    assert buffer == DATA[7:107]


def test_what_may_not_be_read_or_removed_names_the_permission(s3: S3, s3_store: Store) -> None:
    def denied(asked: Asked) -> Answer | None:
        return Answer(403, "AccessDenied", "Access Denied")

    s3_store.between.rules.append(denied)
    for ask, permission in (
        (lambda: s3.fetch(Thaw(KEY, KEY, "ready"), 0, memoryview(bytearray(1)), nothing), "s3:GetObject"),
        (lambda: s3.delete(KEY, nothing), "s3:DeleteObject"),
        (lambda: list(s3.inventory(Thaw(None, "", "ready"), nothing)), "s3:ListBucket"),
    ):
        with pytest.raises(DestinationUnavailable) as caught:
            ask()
        assert permission in (caught.value.hint or "")


def test_nothing_beyond_the_prefix_is_read_or_removed(s3: S3, s3_store: Store) -> None:
    s3_store.aws.put_object(Bucket=s3_store.bucket, Key="other/x", Body=b"theirs")

    s3.delete("other/x", nothing)
    with pytest.raises(VolumeMissing):
        s3.thaw(ThawRequest("other/x"), nothing)
    odd = [Thaw(key, key, "ready") for key in ("other/x", f"{PREFIX}/\udcff", "")]
    assert [thaw.state for thaw in s3.thawing(odd, nothing)] == ["failed"] * 3

    assert s3_store.listed() == ["other/x"]
