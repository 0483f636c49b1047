"""The outside of zstd frames (RFC 8878, section 3.1): whether what was read ends where a frame does.

The library that decompresses doesn't tell a stream that was cut short from one that came to its end.
"""

from __future__ import annotations

from collections.abc import Callable

_FRAME = 0xFD2FB528
_SKIPPABLE = 0x184D2A50
_RAW, _RLE, _COMPRESSED = range(3)
_DICTIONARY_ID_BYTES = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES = (0, 2, 4, 8)


class NoFrame(ValueError):
    """What begins here is no frame."""


class Frames:
    """Sees the bytes of a stream from front to end."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._skip = 0
        """Bytes that needn't be looked at."""
        self._checksum = 0
        self._wants = 4
        """Bytes of the head that comes next."""
        self._read: Callable[[bytes], None] = self._magic
        self._any = False

    @property
    def whole(self) -> bool:
        """Whether what was seen is one frame or several, and nothing else."""
        return self._any and not self._skip and not self._head and self._read == self._magic

    def see(self, data: memoryview) -> None:
        """The next bytes. Raises NoFrame for what surely isn't any."""
        at = 0
        while at < len(data):
            if self._skip:
                count = min(self._skip, len(data) - at)
                self._skip -= count
            else:
                count = min(self._wants - len(self._head), len(data) - at)
                self._head += data[at : at + count]
                self._step()
            at += count

    def _step(self) -> None:
        if len(self._head) == self._wants:
            head, self._head = bytes(self._head), bytearray()
            self._read(head)

    def _then(self, wants: int, read: Callable[[bytes], None], skip: int = 0) -> None:
        self._wants, self._read, self._skip = wants, read, skip

    def _magic(self, head: bytes) -> None:
        magic = int.from_bytes(head, "little")
        self._any = True
        if magic == _FRAME:
            self._then(1, self._descriptor)
        elif magic & ~0xF == _SKIPPABLE:
            self._then(4, self._skippable)
        else:
            raise NoFrame("no frame begins here")

    def _skippable(self, head: bytes) -> None:
        self._then(4, self._magic, int.from_bytes(head, "little"))

    def _descriptor(self, head: bytes) -> None:
        flags = head[0]
        single = flags >> 5 & 1
        size = _CONTENT_SIZE_BYTES[flags >> 6] or single
        self._checksum = 4 if flags >> 2 & 1 else 0
        self._then(3, self._block, 1 - single + _DICTIONARY_ID_BYTES[flags & 3] + size)

    def _block(self, head: bytes) -> None:
        fields = int.from_bytes(head, "little")
        last, kind, size = fields & 1, fields >> 1 & 3, fields >> 3
        if kind > _COMPRESSED:
            raise NoFrame("a block of no kind that there is")
        content = 1 if kind == _RLE else size
        if last:
            self._then(4, self._magic, content + self._checksum)
        else:
            self._then(3, self._block, content)
