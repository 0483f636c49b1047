"""What is kept of a file of a whole tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.candidate import Fingerprint, Kind
from glacier_backup.model.tree_digest import SizeAndTime, parse_tree_digest, tree_fingerprint


def test_a_file_is_its_size_and_time_as_text() -> None:
    assert tree_fingerprint("file", 7, 1_600_000_000_123_456_789, 0o640) == Fingerprint(
        "file 7 1600000000123456789", 7, 1, 1_600_000_000_123_456_789, 0o640
    )


def test_the_mode_is_not_compared() -> None:
    assert tree_fingerprint("file", 7, 1, 0o640).digest == tree_fingerprint("file", 7, 1, 0o600).digest


@given(st.sampled_from(["file", "link"]), st.integers(0, 2**64), st.integers(-(2**70), 2**70))
def test_what_was_written_is_read_back(kind: Kind, size: int, mtime_ns: int) -> None:
    assert parse_tree_digest(tree_fingerprint(kind, size, mtime_ns).digest) == SizeAndTime(kind, size, mtime_ns)


@pytest.mark.parametrize("mtime_ns", [-(2**70), 2**70])
def test_times_that_no_database_holds_count_and_are_kept_as_the_nearest_that_one_does(mtime_ns: int) -> None:
    found = tree_fingerprint("file", 0, mtime_ns)
    assert abs(found.newest_mtime_ns) == 2**63 - 1
    assert str(mtime_ns) in found.digest


@pytest.mark.parametrize(
    "digest", ["", "f" * 64, "file", "file 1", "file 1 2 3", "file -1 2", "directory 1 2", "file 1 2\n"]
)
def test_digests_of_another_make_are_told(digest: str) -> None:
    assert parse_tree_digest(digest) is None
