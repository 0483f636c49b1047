"""The hash of a whole stream is computed once, by whoever does that first."""

from __future__ import annotations

import hashlib

from glacier_backup.destination.destination import SelfHashing
from glacier_backup.destination.linear import Linear
from glacier_backup.seal.chain import Chain, Split
from tests.streams import BytesStream, noise

CONTENT = noise(3_000_000)


def test_what_is_seen_is_hashed() -> None:
    linear = Linear(BytesStream(CONTENT))
    assert linear.observe is not None
    linear.observe(memoryview(CONTENT))
    assert linear.hexdigest() == hashlib.sha256(CONTENT).hexdigest()


def test_a_slice_that_is_stored_as_it_is_says_its_own() -> None:
    with Chain(split=Split(1_000_000)).slices(BytesStream(CONTENT), bytes(32)) as slices:
        for number, piece in enumerate(slices):
            with piece.sealed() as stream:
                assert isinstance(stream, SelfHashing)
                linear, buffer = Linear(stream), memoryview(bytearray(2_000_000))
                assert linear.observe is None
                count = stream.readinto(buffer)
            expected = CONTENT[number * 1_000_000 : (number + 1) * 1_000_000]
            assert bytes(buffer[:count]) == expected
            assert linear.hexdigest() == hashlib.sha256(expected).hexdigest()
