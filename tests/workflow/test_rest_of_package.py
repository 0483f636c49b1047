"""The rest of a package, after some of it was received."""

from __future__ import annotations

import struct

import pytest

from glacier_backup.model.stream_head import RECORD_BYTES
from glacier_backup.workflow.restoring.rest_of_package import NothingFollows, RestOfPackage
from tests.workflow.datasets import MemoryReceiver

ONE, TWO, THREE, STRANGE = (f"{number:016x}" for number in (0xA1, 0xA2, 0xA3, 0xFF))


def record(version: int, guid: str = "0", base: str = "0") -> bytes:
    head = struct.pack("<IIQQQIIQQ", 0, 0, 0x2F5BACBAC, version, 0, 0, 0, int(guid, 16), int(base, 16))
    return head.ljust(RECORD_BYTES, b"\0")


PIECES = (record(2), record(1, TWO, ONE), bytes(1000), record(1, THREE, TWO), bytes(1000))


def test_what_cannot_follow_is_not_read_to_its_end() -> None:
    rest = RestOfPackage(MemoryReceiver(), "new/it", STRANGE, THREE)
    for piece in PIECES[:3]:
        rest.write(memoryview(piece))
    with pytest.raises(NothingFollows):
        rest.write(memoryview(PIECES[3]))


def test_what_follows_is_handed_on_from_its_first_record_on() -> None:
    receiver = MemoryReceiver()
    with RestOfPackage(receiver, "new/it", TWO, THREE) as rest:
        for piece in PIECES:
            rest.write(memoryview(piece))
    assert receiver.begun == ["new/it"]
    assert receiver.taken == len(PIECES[3]) + len(PIECES[4]) - RECORD_BYTES  # the end is looked at first
