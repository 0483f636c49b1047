"""The Destination Protocol: where volumes are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from glacier_backup.model.archive import Checksums, Label, Receipt
from glacier_backup.model.place import Place
from glacier_backup.model.upload import OpenUpload


class ByteStream(Protocol):
    """Bytes to be sent, read once from front to end."""

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` as far as there are bytes; a short count, 0 included, means the end."""
        ...


@runtime_checkable
class RandomAccess(Protocol):
    """A stream that can be read at several places at once: a plain file."""

    size: int | None
    """Bytes; None where only reading tells, from front to end."""

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Fill ``buffer`` with the bytes from ``offset`` on, as far as ``size`` goes; safe to use from several threads.

        Raises SourceShrank when there are fewer bytes than ``size``.
        """
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
"""Told how many more bytes are under way, or found stored already; negative when they have to be sent again, 0 while
waiting. May raise to break off."""

Check = Callable[[], object]
"""Asked while waiting; raises when it makes no sense any more."""


class Destination(Protocol):
    """Stores byte streams and says where they are. Safe to use from several threads.

    An archive is stored in three steps, so that whatever dies between any two of them, nothing is sent twice or
    lost: :meth:`begin`, :meth:`send`, :meth:`complete`. What the first two return is to be on the caller's disk
    before the next one is called. Each may be repeated by another process, years later.
    """

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

    def describe(self, label: Label) -> str:
        """The text that names this archive at the destination: a vault description, or a key."""
        ...

    def begin(self, label: Label, part_size: int, check: Check) -> str:
        """Make ready to take an archive; returns what the destination calls the upload.

        ``part_size`` (bytes) is a power of two times 1 MiB, within the limits. Raises DestinationUnavailable when
        nothing at all can be sent, DestinationError when this archive can't, and whatever ``check`` raises. An
        upload whose id was never heard, for the answer got lost, is found by :meth:`abort` by its label.
        """
        ...

    def send(self, upload: OpenUpload, stream: ByteStream, progress: Progress) -> Checksums:
        """Store all of ``stream``; the checksums are only handed back for bytes that are on the destination's disks,
        whose checksum it has confirmed.

        Of an upload that is ``resumed``, parts that are stored already and hash to what they do now aren't sent again.
        Raises UploadLost when the destination doesn't know the upload any more, UploadOutgrown when the stream is
        longer than the most parts, DestinationUnavailable when nothing at all can be sent, DestinationError when
        this archive can't, and whatever ``stream`` or ``progress`` raise. After any of them nothing of this archive
        looks whole, and the upload is as it was for another try, or for :meth:`abort`.
        """
        ...

    def complete(self, upload: OpenUpload, checksums: Checksums, manifest: str, check: Check) -> Receipt:
        """Make one archive of what was sent, with its ``manifest`` beside it where the destination has a place for one.

        May be repeated: an archive that is complete already gets the same locator again. Raises UploadLost when the
        destination has neither the upload nor the archive, UploadForgotten when it can't tell (a vault forgets an
        upload some time after it was completed), else as :meth:`send`.
        """
        ...

    def abort(self, label: Label, upload_id: str | None, check: Check) -> None:
        """Remove an upload that isn't complete, with all that was stored of it; None stands for one whose id was never
        heard. One that isn't there any more is as good. Never touches any other. Raises as :meth:`begin`.
        """
        ...

    def close(self) -> None:
        """Let go of connections and threads, without waiting for a server."""
        ...
