"""``pyarchiver``: what pyArchiver has encrypted, to be read only. We never write this: nothing in it is authenticated,
and its key is cheap to guess.

A file, from what pyArchiver writes::

    counter (16 bytes)   salt (8)   the gzip'd tar, encrypted

AES-128 in counter mode (NIST SP 800-38A), where the whole first block counts up, big-endian. The key is made of the
password, in latin-1, by PBKDF2-HMAC-SHA1 with 1,000 iterations. Nothing in it tells whether a password is right, so the
first bytes of what comes out have to be gzip's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from glacier_backup.errors import DamageFound, KeyNeeded, SealError, WrongKey
from glacier_backup.model.pyarchiver import ENCRYPTED
from glacier_backup.model.recipe import Step
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.sealer import ByteStream
from glacier_backup.units import KIB

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

STEP = ENCRYPTED

_COUNTER, _SALT, _KEY, _ITERATIONS = 16, 8, 16, 1000
_GZIP = b"\x1f\x8b"
"""RFC 1952, 2.3.1."""
_BLOCK = 256 * KIB


class PyArchiverOpener:
    """Decrypts. That the bytes are right is for the gzip to tell that is inside, and the tar inside of that."""

    @contextmanager
    def open(self, stream: ByteStream, step: Step, keys: Keys, hmac_sha256: str | None = None) -> Iterator[ByteStream]:
        """See :class:`glacier_backup.seal.sealer.Opener`."""
        if step != STEP:
            raise SealError("a recipe with a step 'pyarchiver' that this version doesn't know how to undo")
        if keys.password is None:
            raise KeyNeeded("it is encrypted with a password, as pyArchiver does, and none is given")
        head = _take(stream, _COUNTER + _SALT)
        if len(head) < _COUNTER + _SALT:
            raise DamageFound("it is too short for what pyArchiver has encrypted")
        decrypted = _Decrypted(stream, _cipher(keys.password(), head[:_COUNTER], head[_COUNTER:]))
        if not decrypted.begins_with(_GZIP):
            raise WrongKey("the password doesn't open it, or its beginning is damaged")
        yield decrypted


class _Decrypted:
    """A stream of its own, with a look at its beginning."""

    def __init__(self, stream: ByteStream, cipher: CipherContext) -> None:
        self._stream = stream
        self._cipher = cipher
        self._first = b""

    def begins_with(self, start: bytes) -> bool:
        """To be asked once, before anything is read."""
        self._first = self._cipher.update(_take(self._stream, len(start)))
        return self._first == start

    def readinto(self, buffer: memoryview) -> int:
        filled = min(len(self._first), len(buffer))
        buffer[:filled] = self._first[:filled]
        self._first = self._first[filled:]
        while filled < len(buffer):
            piece = buffer[filled : filled + _BLOCK]
            count = self._stream.readinto(piece)
            piece[:count] = self._cipher.update(piece[:count])
            filled += count
            if count < len(piece):
                break
        return filled


def _cipher(password: str, counter: bytes, salt: bytes) -> CipherContext:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CTR

    try:
        encoded = password.encode("latin-1")
    except UnicodeEncodeError:
        # Without the cause: it would show the password.
        raise WrongKey("pyArchiver's passwords have no characters but those of latin-1, and this one has") from None
    key = hashlib.pbkdf2_hmac("sha1", encoded, salt, _ITERATIONS, _KEY)
    return Cipher(AES(key), CTR(counter)).decryptor()


def _take(stream: ByteStream, size: int) -> bytes:
    data = bytearray(size)
    return bytes(data[: stream.readinto(memoryview(data))])
