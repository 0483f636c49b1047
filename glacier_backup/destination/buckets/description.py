"""What an object's metadata says of the archive."""

from __future__ import annotations

from base64 import b64decode, b64encode
from urllib.parse import quote, unquote

from glacier_backup.model.archive import Label
from glacier_backup.model.naming import describe

LONGEST = 1600
"""Bytes of a description: with the names of all, 2,048 of metadata are taken (S3 user guide, "Object metadata")."""


def description(label: Label) -> str:
    """What a vault would say of the archive, as a header carries it unharmed: percent-encoded, or as ``base64:`` where
    that is too long."""
    text = describe(label)
    encoded = quote(text, safe="!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")
    return encoded if len(encoded) <= LONGEST else f"base64:{b64encode(text.encode()).decode()}"


def described(text: str) -> str:
    """What :func:`description` encoded; raises ValueError."""
    encoded = text.removeprefix("base64:")
    return unquote(text) if encoded == text else b64decode(encoded, validate=True).decode("ascii")
