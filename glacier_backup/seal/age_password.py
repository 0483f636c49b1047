"""What ``age -p`` encrypts, with a password rather than to recipients (C2SP, "age": scrypt and payload).

pyrage does that too, but opens only what is wholly in memory; and what it seals takes as much memory to open as the
machine could fill in a second: half a GiB here, and a whole one the next time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Callable

from glacier_backup.errors import DamageFound, SealError, WrongKey
from glacier_backup.seal.age_header import CHUNK, TAG, closed, decoded, derived, encoded, header_mac
from glacier_backup.seal.peek import Peeked
from glacier_backup.seal.sealer import ByteStream

_HEADER = re.compile(
    rb"age-encryption\.org/v1\n"
    rb"-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n"
    rb"([A-Za-z0-9+/]{43})\n"
    rb"--- ([A-Za-z0-9+/]{43})\n"
)
"""This recipient is always the only one."""

_WORK = 18
"""The logarithm of scrypt's N, which takes 1 KiB each: as much as the age program's, 256 MiB."""
_MOST_WORK = 20

_NONCE = 16


def opened_with_password(stream: Peeked, password: str) -> ByteStream:
    """Raises WrongKey, DamageFound, and SealError where the password is too much work."""
    match = _HEADER.match(stream.head)
    if match is None:
        raise DamageFound("the header of what age encrypted with a password is damaged")
    salt, work, body, mac = match.groups()
    if int(work) > _MOST_WORK:
        raise SealError(
            f"the password takes 2^{int(work)} KiB of memory to try",
            hint="where that is right, open it with the age program: age -d FILE > OPENED",
        )
    file_key = _file_key(password, decoded(salt), int(work), decoded(body))
    start, end = match.span()
    authentic = header_mac(stream.head[start : end - len(mac) - 2], file_key)
    if not hmac.compare_digest(authentic, decoded(mac)):
        raise DamageFound("the header of what age encrypted with a password is damaged")
    stream.skip(end)
    return _Payload(stream, file_key)


def sealed_with_password(data: bytes, password: str) -> str:
    """Up to 64 KiB, such as an identity, armored."""
    import secrets

    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    file_key, salt, nonce = (secrets.token_bytes(_NONCE) for _ in range(3))
    body = ChaCha20Poly1305(_scrypt(password, salt, _WORK)).encrypt(bytes(12), file_key, None)
    header = closed([b"-> scrypt %b %d\n%b\n" % (encoded(salt), _WORK, encoded(body))], file_key)
    payload = ChaCha20Poly1305(derived(file_key, nonce, b"payload")).encrypt(bytes(11) + b"\x01", data, None)
    return _armored(header + nonce + payload)


def _armored(data: bytes) -> str:
    lines = (b64encode(data[start : start + 48]).decode() for start in range(0, len(data), 48))
    return "\n".join(["-----BEGIN AGE ENCRYPTED FILE-----", *lines, "-----END AGE ENCRYPTED FILE-----", ""])


def _file_key(password: str, salt: bytes, work: int, body: bytes) -> bytes:
    opened = _cipher(_scrypt(password, salt, work))(bytes(12), body)
    if opened is None:
        raise WrongKey("the password doesn't open it")
    return opened


def _scrypt(password: str, salt: bytes, work: int) -> bytes:
    return hashlib.scrypt(
        password.encode(errors="surrogateescape"),
        salt=b"age-encryption.org/v1/scrypt" + salt,
        n=1 << work,
        r=8,
        p=1,
        dklen=32,
        maxmem=(1 << work) * 1024 + 32 * 1024 * 1024,
    )


def _cipher(key: bytes) -> Callable[[bytes, bytes | memoryview], bytes | None]:
    """Decrypts with a nonce; None for what isn't authentic."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    cipher = ChaCha20Poly1305(key)

    def decrypt(nonce: bytes, data: bytes | memoryview) -> bytes | None:
        try:
            return cipher.decrypt(nonce, data, None)
        except InvalidTag:
            return None

    return decrypt


class _Payload:
    """What follows the header: chunks, each with its number and whether it is the last in its nonce."""

    def __init__(self, stream: ByteStream, file_key: bytes) -> None:
        self._stream = stream
        self._decrypt = _cipher(derived(file_key, _taken(stream, _NONCE), b"payload"))
        self._next = _taken(stream, CHUNK + TAG)
        self._number = 0
        self._ended = False
        self._left = memoryview(b"")

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.seal.sealer.ByteStream`. Raises DamageFound."""
        filled = 0
        while filled < len(buffer):
            if not self._left:
                if self._ended:
                    break
                self._left = memoryview(self._chunk())
            count = min(len(self._left), len(buffer) - filled)
            buffer[filled : filled + count] = self._left[:count]
            self._left = self._left[count:]
            filled += count
        return filled

    def _chunk(self) -> bytes:
        sealed, self._next = self._next, _taken(self._stream, CHUNK + TAG) if self._is_full else b""
        self._ended = not self._next
        data = self._decrypt(self._number.to_bytes(11, "big") + bytes([self._ended]), sealed)
        if data is None or (self._number and not data):  # an empty one stands for an empty file alone
            raise DamageFound("the encrypted data is damaged, or its end is missing")
        self._number += 1
        return data

    @property
    def _is_full(self) -> bool:
        return len(self._next) == CHUNK + TAG


def _taken(stream: ByteStream, size: int) -> bytes:
    buffer = bytearray(size)
    count = stream.readinto(memoryview(buffer))
    return bytes(memoryview(buffer)[:count])
