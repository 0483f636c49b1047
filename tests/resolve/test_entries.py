"""The entries of one directory in the order of their names, however many are kept as they are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.errors import SourceError
from glacier_backup.resolve import entries
from glacier_backup.resolve.entries import Entry, Listing

NAMES = st.binary(min_size=1, max_size=3).map(lambda name: name.replace(b"\0", b"\1"))
TIMES = st.integers(-(2**70), 2**70)
ENTRIES = st.one_of(
    st.builds(Entry, NAMES, st.sampled_from(["file", "link"]), st.integers(0, 2**63), TIMES, st.integers(0, 0o7777)),
    st.builds(Entry, NAMES, st.just("directory")),
    st.builds(Entry, NAMES, st.sampled_from(["special", "unreadable"]), note=st.sampled_from(["a socket", "\udcff ü"])),
)


@given(st.lists(ENTRIES), st.integers(1, 5))
def test_each_name_comes_once_and_in_order_whatever_is_kept(found: list[Entry], few: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entries, "FEW", few)
        listing = Listing()
        listing.add_all(found)
        listed = list(listing)
    assert [one.name for one in listed] == sorted({one.name for one in found})
    assert all(one in found for one in listed)


@given(st.lists(ENTRIES, unique_by=lambda one: one.name), st.integers(1, 5))
def test_what_is_kept_otherwise_comes_back_as_it_was(found: list[Entry], few: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entries, "FEW", few)
        listing = Listing()
        listing.add_all(found)
        assert list(listing) == [next(same) for _, same in groupby(sorted(found), key=lambda one: one.name)]


@pytest.mark.parametrize("few", [1, 2, 100])
def test_what_was_listed_before_it_failed_stays(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> Iterator[Entry]:
        yield Entry(b"b", "file")
        yield Entry(b"a", "file")
        raise SourceError("the connection broke")

    monkeypatch.setattr(entries, "FEW", few)
    listing = Listing()
    with pytest.raises(SourceError):
        listing.add_all(failing())
    assert [one.name for one in listing] == [b"a", b"b"]
