"""Keys in a bucket: readable, unlike each other, never too long."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.destination.buckets.crc64 import Sum, checksum, joined, sum_and_leaves
from glacier_backup.destination.buckets.keys import At, decoded, encoded, key_below, manifest_of
from glacier_backup.digest import leaf_digests
from glacier_backup.errors import DestinationUnavailable
from glacier_backup.model.archive import Label
from glacier_backup.model.naming import manifest_key, version_key

LABEL = Label("x.tar", "/data/x", "nas", "directory", "tar", datetime(2026, 3, 21, 4, 0, tzinfo=UTC), "0")
names = st.binary(min_size=1, max_size=40).map(os.fsdecode) | st.text("%4aAfF1\n\x7f\x85ä\udcff", max_size=9)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("nas/photos/ä b+c", "nas/photos/ä b+c"),
        ("100%", "100%"),
        ("%41", "%2541"),
        ("%4g%4a", "%4g%4a"),
        ("a\nb", "a%0Ab"),
        (os.fsdecode(b"\xff\xc3\xa4"), "%FFä"),
        ("\ufffe\x85", "%EF%BF%BE%C2%85"),
    ],
)
def test_only_what_a_key_can_t_hold_is_encoded(text: str, key: str) -> None:
    assert encoded(text) == key
    assert decoded(key) == text


@given(names)
def test_what_is_encoded_can_be_decoded(text: str) -> None:
    assert decoded(encoded(text)) == text
    encoded(text).encode()


@given(st.lists(names.map(lambda name: name.replace("/", "").replace("\0", "").strip(".") or "x"), max_size=60), names)
def test_a_key_always_fits_with_its_manifest(components: list[str], prefix: str) -> None:
    label = replace(LABEL, path="/" + "/".join(components or ["x"]))
    for one in (label, replace(label, fixed_key=label.path[1:])):
        key = key_below(prefix[:100], one)
        assert len(manifest_key(key).encode()) <= 1024
        assert len(manifest_of(key, one).encode()) <= 1024


SUFFIXES = [".v001.age", ".zst.v1000000.age.vol00000+10000.par2", ".zst.age.recipe.json"]


@given(st.lists(names.map(lambda name: name.replace("/", "").replace("\0", "").strip(".") or "x"), max_size=60), names)
def test_all_objects_of_an_archive_have_keys_that_begin_alike(components: list[str], prefix: str) -> None:
    label = replace(LABEL, path="/" + "/".join(components or ["x"]))
    for one in (label, replace(label, fixed_key=label.path[1:])):
        keys = [key_below(prefix[:100], replace(one, suffix=suffix)) for suffix in SUFFIXES]
        assert len({key.removesuffix(suffix) for key, suffix in zip(keys, SUFFIXES, strict=True)}) == 1
        assert max(len(key.encode()) for key in keys) <= 1024


def test_a_version_that_lies_beside_a_file_has_its_manifest_beside_it() -> None:
    for size in (100, 900, 1000):
        file = replace(LABEL, fixed_key="/".join(["d" * 100] * (size // 101)) + "/x")
        version = replace(file, fixed_key=version_key(file.fixed_key or "", file.time))
        keys = [key_below("p", one) for one in (file, version)]
        assert version_key(keys[0], file.time) == keys[1]
        both = zip(keys, (file, version), strict=True)
        assert {manifest_of(key, one) for key, one in both} == {f"{keys[1]}.recipe.json"}


def test_a_sealed_version_has_its_manifest_beside_it() -> None:
    version = replace(LABEL, fixed_key=version_key("a.jpg", LABEL.time), suffix=".age")
    assert manifest_of(key_below("p", version), version) == "p/a.jpg~20260321T040000.000000Z.age.recipe.json"
    first = replace(version, fixed_key="a.jpg")
    assert manifest_of(key_below("p", first), first) == "p/a.jpg.age~20260321T040000.000000Z.recipe.json"


@given(st.text("a?versionId=/"), st.none() | st.text("abc_.", min_size=1))
def test_a_locator_says_which_key_and_version_it_means(key: str, version: str | None) -> None:
    for one in (At(key, version), At(f"{key}?versionId={key}", version), At(f"{key}?versionId=", version)):
        assert At.parsed(one.locator) == one


def test_long_keys_that_differ_stay_different() -> None:
    paths = [f"/{'d' * 200}/{'e' * 200}/{'f' * 200}/{'g' * 200}/{end}/{'i' * 90}" for end in "ab"]
    labels = [replace(LABEL, path=path, fixed_key=path[1:]) for path in paths]

    keys = [key_below("p" * 300, label) for label in labels]

    assert keys[0] != keys[1]
    assert all(key.startswith("p" * 300 + "/" + "d" * 200) and key.endswith("i" * 90) for key in keys)


def test_too_long_a_prefix_is_refused() -> None:
    with pytest.raises(DestinationUnavailable, match="600 bytes"):
        key_below("ü" * 300, LABEL)


@given(st.lists(st.binary(max_size=50), max_size=6))
def test_checksums_of_parts_add_up_to_that_of_the_whole(parts: list[bytes]) -> None:
    whole = checksum(b"".join(parts))

    assert joined(checksum(part) for part in parts) == whole
    assert Sum.parsed(whole.text, whole.size) == whole


def test_the_checksum_is_the_one_that_s3_calls_crc64nvme() -> None:
    """The check value of CRC-64/NVME for "123456789" (NVM Express base specification 2.0, 5.2.1.3.4)."""
    assert checksum(b"123456789").crc == 0xAE8B14860A799888
    data = bytes(range(256)) * 10_000
    assert sum_and_leaves(data) == (checksum(data), leaf_digests(data))
