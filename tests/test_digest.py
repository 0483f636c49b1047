"""The tree hash, against a second way to compute it and against botocore's."""

from __future__ import annotations

import hashlib
import io
import tracemalloc

import pytest
from botocore.utils import calculate_tree_hash
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.digest import LEAF, digest_part, join_leaves, leaf_digests, tree_hash
from glacier_backup.units import MIB


@pytest.mark.parametrize(
    "size", [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB, 5 * MIB + 7, 8 * MIB], ids=lambda size: f"{size}_bytes"
)
def test_the_tree_hash_is_that_of_botocore(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]

    assert tree_hash(leaf_digests(data)) == calculate_tree_hash(io.BytesIO(data))  # type: ignore[arg-type]  # the stub is wrong


def test_of_nothing_it_is_the_hash_of_nothing() -> None:
    assert tree_hash(b"") == hashlib.sha256(b"").hexdigest()


def test_an_odd_node_is_promoted_and_not_hashed_again() -> None:
    leaves = [hashlib.sha256(bytes([number])).digest() for number in range(3)]
    pair = hashlib.sha256(leaves[0] + leaves[1]).digest()

    assert tree_hash(b"".join(leaves)) == hashlib.sha256(pair + leaves[2]).hexdigest()


def _recursive(leaves: list[bytes]) -> bytes:
    """The root as RFC 6962 would draw the tree: the left side is the largest power of two."""
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(_recursive(leaves[:left]) + _recursive(leaves[left:])).digest()


@given(st.integers(min_value=1, max_value=200))
def test_level_by_level_equals_split_at_the_largest_power_of_two(count: int) -> None:
    leaves = [hashlib.sha256(number.to_bytes(2, "big")).digest() for number in range(count)]

    assert tree_hash(b"".join(leaves)) == _recursive(leaves).hex()


@pytest.mark.parametrize("count", [4095, 4096, 4097, 8191, 8192, 8193, 12_289, 20_000])
def test_a_large_tree_is_hashed_one_subtree_after_the_other_to_the_same_root(count: int) -> None:
    leaves = [hashlib.sha256(number.to_bytes(2, "big")).digest() for number in range(count)]
    joined = b"".join(leaves)

    root = _recursive(leaves).hex()

    assert tree_hash(joined) == tree_hash(bytearray(joined)) == tree_hash(memoryview(joined)) == root


def test_the_tree_hash_of_128_gigabytes_takes_next_to_no_memory() -> None:
    leaves = hashlib.sha256().digest() * 2**17

    tracemalloc.start()
    tree_hash(leaves)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < MIB


@given(st.integers(min_value=0, max_value=3 * LEAF), st.sampled_from([MIB, 2 * MIB]))
def test_the_leaves_of_the_parts_are_the_leaves_of_the_whole(size: int, part: int) -> None:
    data = memoryview(bytes(size))

    parts = [digest_part(data[start : start + part]) for start in range(0, size, part)]

    assert join_leaves(parts) == leaf_digests(data)


def test_a_part_knows_its_linear_hash_and_its_tree_hash() -> None:
    data = b"x" * (MIB + 1)

    part = digest_part(data)

    assert part.sha256 == hashlib.sha256(data).hexdigest()
    assert part.tree_hash == calculate_tree_hash(io.BytesIO(data))  # type: ignore[arg-type]  # the stub is wrong
