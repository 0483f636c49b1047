"""The server's clock, which a test can put forward or back, and its way of writing a time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Seconds since 1970 as the server believes them; `offset` seconds are added to the machine's time."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """The server's time in seconds since 1970."""
        return time.time() + self.offset

    def text(self) -> str:
        """The server's time as the API writes it (see `iso`)."""
        return iso(self.now())


def iso(seconds: float) -> str:
    """A time as in botocore DescribeVaultOutput$CreationDate: UTC, milliseconds, a final Z."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def from_iso(text: str) -> float:
    """The inverse of `iso`; also takes whole seconds. Raises ValueError for anything else or a time without zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone: {text!r}")
    return moment.timestamp()
