from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.snapshot import Span
from glacier_backup.model.suffixes import Suffix, letters_of, parse_suffix, split_suffix
from glacier_backup.model.zfs_to_aws import Stream, day_of, name_in_keys, parse_key, snapshot_key, stream_of_folder

DAYS = st.dates().map(lambda day: day.strftime("%Y%m%d").zfill(8))
NAMES = st.text("abcXYZ019_.: -", min_size=1, max_size=12)


@given(NAMES, DAYS, DAYS | st.just(""), st.integers(1, 26**4), st.sampled_from(["", ".par2", ".vol000+100.par2"]))
def test_what_a_key_is_made_of_can_be_read_from_it(name: str, day: str, base: str, number: int, behind: str) -> None:
    stream = Stream(name, day, base)
    key = f"{stream.key}-part-{letters_of(number)}{behind}"

    told = parse_key(key)

    assert told is not None
    assert told.stream == stream
    assert parse_suffix(told.suffix) == Suffix(".enc", number, "parity" if behind else "data")
    assert split_suffix(key) == (stream.key, told.suffix)
    assert stream_of_folder(stream.folder) == (stream, "")


@pytest.mark.parametrize(
    ("span", "key"),
    [
        (Span("offsite-20260101"), "ds/baseline-20260101/ds-T20260101"),
        (
            Span("offsite-20260108", "", "offsite-20260101"),
            "ds/incrementals/F20260101-T20260108/ds-F20260101-T20260108",
        ),
    ],
)
def test_keys_are_those_of_zfs_to_aws(span: Span, key: str) -> None:
    assert snapshot_key("zfs-to-aws", "zfs:tank/ds", span) == key
    assert snapshot_key("own", "zfs:tank/ds", span) is None


def test_zfs_to_aws_defect_10_a_nested_dataset_has_its_last_name_alone() -> None:
    assert name_in_keys("zfs:tank/home/me") == "me"
    assert snapshot_key("zfs-to-aws", "zfs:tank/home/me", Span("t-20260101")) == "me/baseline-20260101/me-T20260101"


@pytest.mark.parametrize("name", ["offsite", "20260101", "offsite-2026-01-01", "offsite-20260101T120000", "x-20261301"])
def test_a_snapshot_without_a_day_has_no_key(name: str) -> None:
    with pytest.raises(ValueError, match=r"is not called TAG-YYYYMMDD|is no day"):
        day_of(name)


@pytest.mark.parametrize("base", ["offsite-20260108", "offsite-20260109"])
def test_zfs_to_aws_defect_4_what_begins_no_earlier_than_it_ends_has_no_key(base: str) -> None:
    with pytest.raises(ValueError, match="not of a later day than"):
        snapshot_key("zfs-to-aws", "zfs:tank/ds", Span("offsite-20260108", "", base))


@pytest.mark.parametrize(
    "key",
    [
        "ds/baseline-20260101/",
        "ds/baseline-20260101/other-T20260101-part-aaaaaa",
        "ds/baseline-20260101/ds-T20260102-part-aaaaaa",
        "ds/baseline-20261301/ds-T20261301-part-aaaaaa",
        "ds/baseline-20260101/ds-T20260101.v001",
        "ds/baseline-20260101/ds-T20260101.gz",
        "ds/baseline-20260101/ds-T20260101-part-baaaaa",
        "a/ds/baseline-20260101/ds-T20260101-part-aaaaaa",
        "ds/incrementals/F20260101-T20260108/ds-T20260108-part-aaaaaa",
    ],
)
def test_other_keys_are_none_of_a_stream(key: str) -> None:
    assert parse_key(key) is None


def test_the_manifest_beside_the_parts_is_told() -> None:
    told = parse_key("ds/baseline-20260101/ds-T20260101.enc.recipe.json")

    assert told is not None
    assert parse_suffix(told.suffix) == Suffix(".enc", 0, "manifest")
