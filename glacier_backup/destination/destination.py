"""The Destination Protocol: where volumes are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, runtime_checkable

from glacier_backup.model.archive import Checksums, Label, Receipt
from glacier_backup.model.place import Place
from glacier_backup.model.thaw import Stored, Thaw, ThawRequest
from glacier_backup.model.upload import OpenUpload, UploadRequest


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


@runtime_checkable
class SelfHashing(Protocol):
    """A stream that hashes its bytes while they are read, so that nobody has to do it again."""

    @property
    def own_sha256(self) -> str:
        """Hex, of what was read so far."""
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
    """Stores byte streams, says where they are and hands them back. Safe to use from several threads.

    An archive is stored in three steps, and so is each object of one that is several
    (:func:`glacier_backup.model.naming.is_object`), so that whatever dies between any two of them, nothing is sent
    twice or lost: :meth:`begin`, :meth:`send`, :meth:`complete`. What the first two return is to be on the caller's
    disk before the next one is called. Each may be repeated by another process, years later.

    It is read in two steps: :meth:`thaw` asks for bytes to become readable, which takes no time where nothing is cold,
    and :meth:`fetch` reads them.

    No archive is ever overwritten: its key holds a time, or is random. Only a label with a fixed key replaces what has
    that key.
    """

    @property
    def place(self) -> Place:
        """Who this is, as far as known without asking."""
        ...

    @property
    def limits(self) -> Limits: ...

    @property
    def inventory_lag(self) -> timedelta:
        """How long after it was stored, or deleted, an archive may still be missing from an inventory, or be in it."""
        ...

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

    def keeps_versions(self, check: Check) -> bool:
        """Whether what has a fixed key stays, as an older version, when the key is used again. Not where that can't be
        found out. Raises DestinationUnavailable."""
        ...

    def begin(self, request: UploadRequest, check: Check) -> str:
        """Make ready to take an archive; returns what the destination calls the upload.

        Raises DestinationUnavailable when nothing at all can be sent, DestinationError when this archive can't, and
        whatever ``check`` raises. An upload whose id was never heard, for the answer got lost, is found by
        :meth:`abort` by its label.
        """
        ...

    def send(self, upload: OpenUpload, stream: ByteStream, progress: Progress) -> Checksums:
        """Store all of ``stream``; the checksums are only handed back for bytes that are on the destination's disks,
        whose checksum it has confirmed. Or, of an archive that goes in one small request, for bytes that
        :meth:`complete` will send: by another process it is then as lost.

        Of an upload that is ``resumed``, parts that are stored already and hash to what they do now aren't sent again.
        Raises UploadLost when the destination doesn't know the upload any more, UploadOutgrown when the stream is
        longer than the most parts, or than an estimate that was relied on, DestinationUnavailable when nothing at all
        can be sent, DestinationError when this archive can't, and whatever ``stream`` or ``progress`` raise. After any
        of them nothing of this archive looks whole, and the upload is as it was for another try, or for :meth:`abort`.
        """
        ...

    def complete(self, upload: OpenUpload, checksums: Checksums, manifest: str, check: Check) -> Receipt:
        """Make one archive of what was sent, with its ``manifest`` beside it where the destination has a place for one,
        and where it isn't empty, as for what is no archive and has a fixed key, and for each of several objects: that
        is whole by itself.

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

    def thaw(self, request: ThawRequest, check: Check) -> Thaw:
        """Ask for bytes of a volume, or the inventory, to become readable.

        May be repeated: a request that is under way or ready and covers the bytes is used again, also one that
        another process made. Where nothing is cold all is ready at once, and nothing is asked for. Raises
        VolumeMissing, DestinationUnavailable when nothing at all can be asked for, DestinationError when this can't.
        """
        ...

    def thawing(self, thaws: Sequence[Thaw], check: Check) -> Iterator[Thaw]:
        """How each of ``thaws`` stands now, in their order, with as few requests as the destination allows. One that
        it doesn't know any more has failed. Raises DestinationUnavailable."""
        ...

    def fetch(self, thaw: Thaw, start: int, buffer: memoryview, check: Check) -> int:
        """Fill ``buffer`` with the bytes of a volume from ``start`` on; how many there were: fewer only at its end.

        The bytes are as the destination hands them out: the caller has the leaves to check them by. Raises NotThawed,
        VolumeMissing, DestinationUnavailable when nothing at all can be read, DestinationError when this can't.
        """
        ...

    def inventory(self, thaw: Thaw, check: Check, *, newest: bool = False) -> Iterator[Stored]:
        """All that is stored at this place, what others have put there included, in no order; uploads that aren't
        complete are left out, and so are checksums beside archives, and manifests beside those that are one object. A
        vault's is about a day old.

        Of an archive that is several objects all are listed: volumes, parity and the manifest, each by the locator of
        its receipt. :meth:`examine` tells nothing of it but checksums and description: nothing lies beside it.

        Where a bucket keeps versions each is listed by the locator that it was stored with; with ``newest`` only what
        has a key now, by the key alone.

        ``thaw`` is a ready one of no locator. Raises as :meth:`fetch`.
        """
        ...

    def examine(self, stored: Stored, check: Check) -> Stored:
        """What an inventory lists, with what asking about this one alone brings to light: description, checksums, the
        manifest beside it. No thaw is needed for it. As it was where there is nothing more to ask. Checksums are the
        store's own, or in a directory those of the file beside it; a bucket's tree hash is what the sender wrote down.

        Raises VolumeMissing when it isn't there any more, DestinationUnavailable, DestinationError.
        """
        ...

    def delete(self, locator: str, check: Check) -> None:
        """Remove a volume, with what lies beside it for its sake; one that isn't there is as good. In a bucket with
        versions it can still be had back. Raises DestinationUnavailable, DestinationError."""
        ...

    def expire(self, locator: str, check: Check) -> bool:
        """Hide a volume that has a fixed key where versions are kept: it stays, by its locator, but its key looks as if
        nothing were there (S3 user guide, "Working with delete markers").

        Whether its key shows nothing of it any more: it is hidden now, or was already. Where something else has taken
        its place that stays, and where no versions are kept nothing is done: False. May be repeated. Raises
        DestinationUnavailable, and DestinationError where the credentials may not.
        """
        ...

    def close(self) -> None:
        """Let go of connections and threads, without waiting for a server."""
        ...


@runtime_checkable
class Copying(Protocol):
    """A destination that can make an object of another that it stores, whose bytes then don't go there again."""

    def copies(self, size: int, storage_class: str | None) -> bool:
        """Whether that is to be tried with so many bytes in that class (None: the one that the destination is set to):
        it costs no more than a request, as far as is known."""
        ...

    def copy(self, request: UploadRequest, locator: str, checksums: Checksums, check: Check) -> str | None:
        """In place of ``begin`` and ``send``: an upload of a label with a fixed key, all of whose bytes are stored, and
        are those of ``locator``, which add up to ``checksums``. ``complete``, with the same, or ``abort`` ends it.

        None where it turns out that it can't be done, or, as far as that is looked at, that these aren't its bytes:
        nothing is left of it then. Raises as ``begin``.
        """
        ...
