"""Names that datasets, snapshots and holds can have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.errors import SourceError
from glacier_backup.zfs.names import check_snapshot, check_tag, dataset_fault
from tests.zfs_fuse.pool import Pool, zfs


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "this is none"),
        ("/tank/photos", "begins with no slash"),
        ("tank/photos/", "ends with no slash"),
        ("tank//photos", "nothing between two slashes"),
        ("tank/../photos", "no part of a dataset's name is .."),
        ("tank/./photos", "no part of a dataset's name is ."),
        (":tank/photos", "begins with ':'"),
        ("-r/photos", "begins with '-'"),
        ("0tank", "begins with '0'"),
        ("tank/photos@a", "ends in front of the sign"),
        ("tank/photos#a", "ends in front of the sign"),
        ("tank/pho%tos", "'%' can't be in"),
        ("tank/pho\ntos", r"'\n' can't be in"),
        ("tank/phötos", "'ö' can't be in"),
        ("tank/photos;reboot", "';' can't be in"),
        ("tank/" + "a" * 251, "255 characters at most"),
    ],
)
def test_a_name_that_no_dataset_can_have_is_refused(name: str, fault: str) -> None:
    assert fault in (dataset_fault(name) or "")


@pytest.mark.parametrize(
    "name", ["tank", "tank/photos", "tank/my photos", "tank/a:b_c.d-e", "tank/-r", "t/" + "a" * 253]
)
def test_any_other_is_let_through(name: str) -> None:
    assert dataset_fault(name) is None


@given(st.text(st.sampled_from("aZ0/@#%-_.: \0\nö"), max_size=12))
def test_what_is_let_through_can_be_no_option_and_breaks_no_line(name: str) -> None:
    if dataset_fault(name) is None:
        assert name[0].isalpha()
        assert name.isascii()
        assert name.isprintable()


def test_zfs_takes_the_same_names(pool: Pool) -> None:
    made = pool.filesystem()
    for last, taken in (("my photos", True), ("a:b", True), ("-r", True), ("pho%tos", False), ("a;b", False)):
        name = f"{made.name}/{last}"
        assert (dataset_fault(name) is None) is taken
        if taken:
            zfs("create", name)
        else:
            with pytest.raises(AssertionError, match="invalid"):
                zfs("create", name)


@pytest.mark.parametrize("name", ["", "-r", "a@b", "a/b", "a%b", "a,b", "a\nb", "ä"])
def test_a_name_that_no_snapshot_can_have_is_refused(name: str) -> None:
    with pytest.raises(SourceError, match=r"zfs:tank/photos: .* is no name of a snapshot"):
        check_snapshot("tank/photos", name)


def test_dataset_and_snapshot_are_short_enough_together() -> None:
    check_snapshot("t/" + "a" * 100, "b" * 152)
    with pytest.raises(SourceError, match="longer than 255"):
        check_snapshot("t/" + "a" * 100, "b" * 153)


@pytest.mark.parametrize("tag", ["", "-r", ".send-1", "a\nb", "ä", "a" * 256])
def test_a_hold_that_can_have_no_such_name_is_refused(tag: str) -> None:
    with pytest.raises(SourceError, match="no name of a hold"):
        check_tag("tank/photos", tag)
