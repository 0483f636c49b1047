"""A stream of a ZFS dataset, as ``zfs send`` makes it: the container that only ``zfs receive`` looks into."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from glacier_backup.model.archive import Container, Member
from glacier_backup.model.increment import Link
from glacier_backup.model.recipe import Step
from glacier_backup.model.snapshot import Span, dataset_of, stream_step
from glacier_backup.pack.packer import PackedStream, PackOutcome

if TYPE_CHECKING:
    from glacier_backup.zfs import Sending, SendOptions, Zfs


class ZfsPacker:
    """Packs what has become of a dataset between two snapshots. Paths are ``zfs:pool/dataset``.

    The same two snapshots, with the same options and the same ``zfs``, give the same bytes.
    """

    container: Container = "zfs"

    def __init__(self, zfs: Zfs, span: Span, link: Link, options: SendOptions, size: int | None) -> None:
        """``link`` is where the stream stands in its chain, ``size`` the bytes that it will have, about; None where
        nobody can tell."""
        self._zfs = zfs
        self._span = span
        self._link = link
        self._options = options
        self._size = size

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        """See :class:`glacier_backup.pack.packer.Packer`. Raises SourceError where the snapshot isn't there, or is
        another one of the same name than the span tells."""
        with self._zfs.sending(dataset_of(path)[1], self._span, self._options) as sending:
            yield ZfsStream(sending)

    def step(self) -> Step:
        """``zfs receive`` undoes it, onto the snapshot that it begins with."""
        return stream_step("zfs", self._span, self._link, raw=self._options.raw)

    def estimate(self, content: int, entries: int) -> int:
        """What zfs has estimated, or else all that the dataset refers to: an increment has less, as a rule."""
        return content if self._size is None else self._size


class ZfsStream:
    """What ``zfs send`` writes. That it ends is no sign of being whole; its exit status is."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._ended = False

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.pack.packer.PackedStream`. The end isn't told before zfs has said that all went
        well; where it hasn't, that is the SourceError."""
        if self._ended or not buffer:
            return 0
        count = self._sending.readinto(buffer)
        if count < len(buffer):
            self._sending.finish()
            self._ended = True
        return count

    def outcome(self) -> PackOutcome:
        """A snapshot doesn't change."""
        return PackOutcome((), changed=False)

    def members(self) -> Iterator[Member]:
        """None: what is in it is known to zfs alone."""
        return iter(())
