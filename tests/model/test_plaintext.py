from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.plaintext import GroupSums, PlainFile, PlainGroup, metadata_of, plain_of

HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
FILES = st.builds(PlainFile, st.integers(0, 10**17), HASHES)
GROUPS = st.builds(PlainGroup, st.integers(0, 10**17), HASHES, HASHES)


@given(GROUPS | FILES, st.integers(0, 5))
def test_what_is_said_is_read_back_however_often_the_data_was_transformed(
    plain: PlainFile | PlainGroup, levels: int
) -> None:
    said = metadata_of(plain, levels) | {"description": "x", "size": "5", "tree-hash": "ab"}

    assert plain_of(said) == (plain._replace(size=None) if isinstance(plain, PlainFile) and not levels else plain)


def test_a_file_and_a_group_say_what_s3_backup_says_of_them() -> None:
    a, b = (hashlib.sha256(content).hexdigest() for content in (b"one", b""))
    sums = GroupSums()
    sums.add("d/a", 3, a)
    sums.add("d/ü", 0, b)

    assert metadata_of(PlainFile(3, a)) == {"hash": "{SHA256}" + a}
    assert metadata_of(PlainFile(3, a), 1) == {"plaintext-hash": "{SHA256}" + a, "plaintext-size": "3"}
    assert metadata_of(sums.made(), 2) == {
        "plaintext-plaintext-num-items": "2",
        "plaintext-plaintext-list-hash": hashlib.sha256("d/a\x003\0d/ü\x000\0".encode()).hexdigest(),
        "plaintext-plaintext-content-hash": hashlib.sha256(
            f"d/a\0{{SHA256}}{a}\0d/ü\0{{SHA256}}{b}\0".encode()
        ).hexdigest(),
    }


def test_a_group_with_a_file_that_nobody_has_hashed_says_nothing_of_its_content() -> None:
    sums = GroupSums()
    sums.add("a", 1, None)

    assert metadata_of(sums.made()).keys() == {"num-items", "list-hash"}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"size": "12"},
        {"hash": "{MD5}00"},
        {"hash": "{SHA256}" + "g" * 64},
        {"num-items": "2", "content-hash": "0" * 64},
        {"num-items": "-1", "list-hash": "0" * 64},
        {"plaintext-num-items": "9" * 40, "plaintext-list-hash": "0" * 64},
        {"plaintext-size": "-1"},
        {"plaintext-" * 1000 + "hash": "{SHA256}" + "0" * 64},
    ],
)
def test_what_can_not_be_right_says_nothing(said: dict[str, str]) -> None:
    assert plain_of(said) is None
