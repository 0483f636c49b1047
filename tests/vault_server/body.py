"""The body of a request: taken in blocks of a leaf, hashed while it is hot, never held whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from . import treehash
from .errors import ApiError

SMALL = 1 << 20


class Source(Protocol):
    """Where a body comes from: the reading side of a connection."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the buffer; less than full only at the end. Raises TimeoutError."""


class ClientGone(ConnectionError):
    """The client closed the connection before the body was whole."""


class Reset(ConnectionError):
    """An injected fault: the connection is to be reset, once the client gave up or that many seconds have passed."""

    def __init__(self, after_seconds: float = 0.0) -> None:
        super().__init__("reset by an injected fault")
        self.after_seconds = after_seconds


Allowance = Callable[[int], int]
"""How many bytes (1 at least) may be read next, by how many were read before. It may wait, and raise `Reset`."""


class Body:
    """`length` bytes still to come from `source`, as many at a time as `allow` says.

    `send_continue` tells the client to go on; it is called once, before the first byte is read, where the client
    asked for that (`expects`). So whatever is checked before reading is checked before "100 Continue".
    """

    def __init__(self, source: Source, length: int | None, expects: bool, send_continue: Callable[[], None]) -> None:
        self.declared = length
        self.left = length or 0
        self.awaiting_continue = expects and self.left > 0
        self.allow: Allowance = lambda _: treehash.LEAF_SIZE
        self._taken = 0
        self._source = source
        self._send_continue = send_continue
        self._small: bytes | None = None

    def blocks(self) -> Iterator[memoryview]:
        """The body, 1 MiB at a time (the last may be shorter), in one buffer that is used again for each.

        Raises `ClientGone` where the client leaves early, RequestTimeoutException where it stops sending.
        """
        if self.awaiting_continue:
            self.awaiting_continue = False
            self._send_continue()
        buffer = memoryview(bytearray(min(self.left, treehash.LEAF_SIZE)))
        while self.left:
            block = buffer[: min(self.left, len(buffer))]
            self._fill(block)
            self.left -= len(block)
            yield block

    def _fill(self, block: memoryview) -> None:
        got = 0
        while got < len(block):
            wanted = block[got : got + self.allow(self._taken)]
            try:
                count = self._source.readinto(wanted)
            except TimeoutError:
                # botocore UploadMultipartPart: RequestTimeoutException (408) where receiving an upload times out.
                raise ApiError("RequestTimeoutException", "the body stopped coming") from None
            if not count:
                raise ClientGone
            got += count
            self._taken += count

    def small(self) -> bytes:
        """The whole body of a request that is not an upload: at most 1 MiB, kept so that it can be asked for twice."""
        if self._small is None:
            if self.left > SMALL:
                raise ApiError("SerializationException", f"a request body of {self.left} bytes is not taken here")
            self._small = b"".join(bytes(block) for block in self.blocks())
        return self._small

    def drain(self) -> None:
        """Read and forget what is left, so that the next request on this connection starts where it should."""
        for _ in self.blocks():
            pass


@dataclass(frozen=True)
class Received:
    """What was found of a body that was taken in: its length, its plain SHA-256 (hex), the digests of its leaves."""

    size: int
    sha256: str
    leaves: list[bytes]

    @property
    def tree_hash(self) -> str:
        """The body's tree hash (hex)."""
        return treehash.root(self.leaves).hex()


def receive(body: Body, write: Callable[[memoryview], object]) -> Received:
    """Take the body in, hand each block to `write`, and hash it both ways."""
    size = 0
    linear = hashlib.sha256()
    leaves: list[bytes] = []
    for block in body.blocks():
        write(block)
        linear.update(block)
        leaves.append(treehash.leaf(block))
        size += len(block)
    return Received(size, linear.hexdigest(), leaves)
