"""How age derives keys and writes headers (C2SP, "age")."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence

CHUNK = 64 * 1024
"""Bytes of the content in each piece of the payload."""
TAG = 16
"""Bytes that each gets behind it."""


def derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    """32 bytes, by HKDF-SHA-256 (RFC 5869), of which one round is enough."""
    drawn = hmac.digest(salt or bytes(32), key, "sha256")
    return hmac.digest(drawn, purpose + b"\x01", "sha256")


def closed(stanzas: Sequence[bytes], file_key: bytes) -> bytes:
    """A header with these, each with its line break, and the MAC at its end."""
    header = b"age-encryption.org/v1\n%b---" % b"".join(stanzas)
    return b"%b %b\n" % (header, encoded(header_mac(header, file_key)))


def header_mac(header: bytes, file_key: bytes) -> bytes:
    """Of the header up to its ``---``."""
    return hmac.digest(derived(file_key, b"", b"header"), header, "sha256")


def encoded(data: bytes) -> bytes:
    """age writes base64 without padding."""
    return b64encode(data).rstrip(b"=")


def decoded(text: bytes) -> bytes:
    """The inverse of :func:`encoded`."""
    return b64decode(text + b"=" * (-len(text) % 4))
