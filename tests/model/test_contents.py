"""Groups of files as one piece of bytes."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.contents import Held, contents_of, row

NAMES = st.binary(min_size=1, max_size=20).map(
    lambda name: name.replace(b"\0", b"x").decode("utf-8", "surrogateescape")
)
HELD = st.builds(
    Held,
    NAMES,
    st.booleans(),
    st.integers(0, 2**70),
    st.integers(-(2**70), 2**70),
    st.none() | st.integers(0, 0o7777),
    st.just("") | NAMES,
    st.just("") | NAMES,
)


@given(st.lists(HELD, max_size=10), st.booleans())
def test_what_was_put_in_comes_out_in_its_order(files: list[Held], follow: bool) -> None:
    contents = contents_of(iter(files), follow=follow)
    assert list(contents) == files
    assert (len(contents), contents.bytes, contents.follow) == (len(files), sum(one.size for one in files), follow)
    assert contents.newest_mtime_ns == max((one.mtime_ns for one in files), default=0)


@given(st.lists(HELD, max_size=10))
def test_the_digest_is_of_names_and_looks_alone(files: list[Held]) -> None:
    assert contents_of(files).digest == hashlib.sha256(b"".join(row(one).look for one in files)).hexdigest()
    others = [one._replace(mode=None, was="") for one in files]
    assert contents_of(others).digest == contents_of(files).digest


def test_what_a_group_goes_by_tells_how_deep_it_lies() -> None:
    assert [contents_of([], prefix=prefix).depth for prefix in (None, "", "IMG_", "2026/", "2026/07/IMG_")] == [
        *(1, 1, 1, 2, 3)
    ]


@pytest.mark.parametrize(
    "held", [Held("a\0b", False, 0, 0), Held("a", False, 0, 0, None, "b\0"), Held("a", False, 0, 0, stored="b\0")]
)
def test_a_name_that_no_file_can_have_is_refused(held: Held) -> None:
    with pytest.raises(ValueError, match="NUL"):
        contents_of([held])
