"""Text → the value of an option that only a bucket has; like :mod:`glacier_backup.config.values`.

Sources: Amazon S3 API reference, PutObject (``x-amz-storage-class``, ``x-amz-server-side-encryption``,
``x-amz-tagging``, ``x-amz-expected-bucket-owner``); Amazon S3 user guide, "Categorizing your storage using tags".
"""

from __future__ import annotations

import re
from typing import Literal

from glacier_backup.config.places import items
from glacier_backup.units import parse_size

STORAGE_CLASSES = (
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
    "REDUCED_REDUNDANCY",
)
"""Amazon's own."""

ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")
MOST_TAGS = 10

_CLASS = re.compile(r"[A-Z][A-Z0-9_]*")
_OWNER = re.compile(r"[0-9]{12}")
_KEY_ID = re.compile(r"[A-Za-z0-9:/_-]+")
_LONGEST_KEY, _LONGEST_VALUE = 128, 256


def storage_class(text: str) -> str:
    """One of Amazon's, or any other word in capitals: stores that aren't Amazon's have their own."""
    if _CLASS.fullmatch(text) is None:
        in_capitals = text.upper().replace("-", "_").replace(" ", "_")
        raise ValueError(f"it is written {in_capitals}" if in_capitals in STORAGE_CLASSES else "")
    return text


def encryption(text: str) -> str:
    if text not in ENCRYPTIONS:
        raise ValueError
    return text


def key_id(text: str) -> str:
    """An id, an alias (``alias/name``) or an ARN."""
    if _KEY_ID.fullmatch(text) is None:
        raise ValueError
    return text


def owner(text: str) -> str:
    if _OWNER.fullmatch(text) is None:
        raise ValueError
    return text


def tags(text: str) -> tuple[tuple[str, str], ...]:
    """Key and value of each; every key once."""
    pairs = [_tag(item) for item in tag_items(text)]
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    if not 0 < len(pairs) <= MOST_TAGS:
        raise ValueError(f"there are {len(pairs)}" if pairs else "")
    return tuple(pairs)


def tag_items(text: str) -> list[str]:
    """One a line, or several with commas between: no tag may hold one."""
    return items(text.replace(",", "\n"))


def _tag(item: str) -> tuple[str, str]:
    key, equals, value = (piece.strip() for piece in item.partition("="))
    if not equals or not key:
        raise ValueError(f"{item} is no key=value")
    if len(key) > _LONGEST_KEY or len(value) > _LONGEST_VALUE:
        raise ValueError(f"{key[:20]}… has {len(key)} and {len(value)} characters; 128 and 256 are the most")
    if key.lower().startswith("aws:"):
        raise ValueError(f"{key} is one of Amazon's own")
    strange = next((one for one in key + value if not (one.isalnum() or one in " +-=._:/@")), None)
    if strange is not None:
        raise ValueError(f"{strange!r} can't be part of a tag")
    return key, value


def hot_below(text: str) -> int | Literal["auto"] | None:
    """Bytes."""
    if text == "none":
        return None
    if text == "auto":
        return "auto"
    try:
        size = parse_size(text)
    except ValueError:
        raise ValueError from None
    if not 0 < size < 2**63:
        raise ValueError
    return size
