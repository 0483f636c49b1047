"""The Destination Protocol: where volumes are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from glacier_backup.model.archive import Label, Receipt
from glacier_backup.model.place import Place


class ByteStream(Protocol):
    """Bytes to be sent, read once from front to end."""

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` as far as there are bytes; a short count, 0 included, means the end."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What a destination takes, in bytes."""

    least: int
    """The smallest archive."""
    part: int
    """The part size it does best with."""
    least_part: int
    largest_part: int
    most_parts: int
    """Parts of one archive."""


Progress = Callable[[int], None]
"""Told how many more bytes are under way; negative when they have to be sent again, 0 while waiting. May raise to break
off."""


class Destination(Protocol):
    """Stores byte streams and says where they are. Safe to use from several threads."""

    @property
    def place(self) -> Place:
        """Who this is, as far as known without asking."""
        ...

    @property
    def limits(self) -> Limits: ...

    def identify(self, *, holds_archives: bool) -> Place:
        """Ask the destination who it is: the place with ``-`` replaced by the account's number.

        One cheap request that stores nothing and costs nothing. Raises DestinationUnavailable when it can't
        be reached, refuses, or doesn't exist, with the cause and the cure; also when archives are known to be
        there (``holds_archives``) and it can be seen that nothing is, as of a disk that isn't mounted.
        """
        ...

    def send(self, stream: ByteStream, label: Label, part_size: int, progress: Progress) -> Receipt:
        """Store all of ``stream`` under ``label``; the receipt is only handed back for bytes that are stored,
        whose checksum the destination has confirmed.

        ``part_size`` (bytes) is a power of two times 1 MiB, within the limits. Raises UploadOutgrown when the
        stream is longer than the most parts of that size, DestinationUnavailable when nothing at all can be
        sent, DestinationError when this archive can't, and whatever ``stream`` or ``progress`` raise. After any
        of them nothing of this archive is left behind that looks whole.
        """
        ...

    def describe(self, label: Label) -> str:
        """The text that names this archive at the destination: a vault description, or a key."""
        ...

    def close(self) -> None:
        """Let go of connections and threads, without waiting for a server."""
        ...

    def put_manifest(self, label: Label, receipt: Receipt, manifest: str) -> None:
        """Store the small readable manifest beside the archive. A vault, which has no place for one, keeps
        nothing: its descriptions say it. Same errors as :meth:`send`."""
        ...
