"""ACLs as text become what Linux takes: compared with what the system itself makes of them."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.pack.acl import acl_attribute

NOBODY = 2**32 - 1


def entries(text: str) -> list[tuple[int, int, int]]:
    value = acl_attribute(text.encode("utf-8", "surrogateescape"))
    assert value[:4] == b"\x02\0\0\0"
    return list(struct.iter_unpack("<HHI", value[4:]))


def test_entries_are_in_order_of_kind_and_number() -> None:
    text = "other::---,mask::r-x\ngroup:7:r--,group::rw-\nuser:300:rwx,user:20:-w-,user::rwx\n"
    assert entries(text) == [
        (0x01, 7, NOBODY),
        (0x02, 2, 20),
        (0x02, 7, 300),
        (0x04, 6, NOBODY),
        (0x08, 4, 7),
        (0x10, 5, NOBODY),
        (0x20, 0, NOBODY),
    ]


def test_names_are_looked_up_unless_there_is_a_number() -> None:
    assert entries("user:root:r--") == [(0x02, 4, 0)]
    assert entries("group:root:r--") == [(0x08, 4, 0)]
    assert entries("user:no such user:r--:1234") == [(0x02, 4, 1234)]
    assert entries("u:5:r--,g:6:--x,m::r--,o::r--#effective:r--") == [
        (0x02, 4, 5),
        (0x08, 1, 6),
        (0x10, 4, NOBODY),
        (0x20, 4, NOBODY),
    ]


@pytest.mark.parametrize(
    "text", ["user:no such user:r--", "user:rwx", "nobody::rwx", "user:5:rwX", "user:4294967295:r--"]
)
def test_what_is_no_acl_or_names_nobody_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"no entry|no user|no number"):
        acl_attribute(text.encode())


@given(st.binary(max_size=100))
def test_whatever_it_is_only_a_value_error_comes_of_it(text: bytes) -> None:
    with suppress(ValueError):
        assert len(acl_attribute(text)) % 8 == 4
