"""What the beginning of a stream tells."""

from __future__ import annotations

import struct

import pytest

from glacier_backup.model.stream_head import RECORD_BYTES, may_lead_to, stream_head

GUID, OTHER = "397de979264be4c0", "caa5da73ee19dd8a"
PLAIN, PACKAGE = 1, 2


def record(kind: int, listed: int = 0, guid: str = "0", base: str = "0") -> bytes:
    head = struct.pack("<IIQQQIIQQ", 0, listed, 0x2F5BACBAC, kind, 0, 0, 0, int(guid, 16), int(base, 16))
    return head.ljust(RECORD_BYTES, b"\0")


def test_a_stream_says_what_it_leads_to() -> None:
    head = stream_head(record(PLAIN, guid=GUID, base=OTHER))
    assert head is not None
    assert (head.is_package, head.guid, head.base) == (False, GUID, OTHER)
    assert stream_head(b"no stream".ljust(RECORD_BYTES)) is None


LISTED = b"list" + bytes.fromhex(GUID)


@pytest.mark.parametrize(
    ("begins", "may"),
    [
        (record(PLAIN, guid=GUID), True),
        (record(PLAIN, guid=OTHER), False),
        (b"no stream".ljust(RECORD_BYTES), False),
        (record(PACKAGE), True),
        (record(PACKAGE, len(LISTED)) + LISTED + b"more", True),
        (record(PACKAGE, len(LISTED) - 8) + LISTED, False),
        (record(PACKAGE, len(LISTED) + 100) + LISTED[:-1], True),
    ],
)
def test_what_a_stream_may_lead_to(begins: bytes, may: bool) -> None:
    assert may_lead_to(begins, GUID) is may
