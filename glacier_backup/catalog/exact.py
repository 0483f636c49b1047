"""Values that SQLite has no type for, packed so that they come back exactly as they were.

Without SQLAlchemy: rows by the million are packed here, and readers of other programs' databases need it too.
"""

from __future__ import annotations

LEAST_INTEGER, GREATEST_INTEGER = -(2**63), 2**63 - 1
"""What SQLite keeps as an integer (https://www.sqlite.org/datatype3.html, section 2)."""


def pack_text(text: str) -> str | bytes:
    """``text`` itself or, where it holds bytes that are not UTF-8 (lone surrogates, PEP 383), those raw bytes.

    SQLite keeps the difference: a TEXT never equals a BLOB, so the two can't be mistaken for each other.
    Raises UnicodeEncodeError for a surrogate that stands for no byte.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")
    return text


def unpack_text(stored: str | bytes) -> str:
    """The inverse of :func:`pack_text` for every text that :func:`os.fsdecode` makes."""
    return stored if isinstance(stored, str) else stored.decode("utf-8", "surrogateescape")


def pack_integer(number: int) -> int | bytes:
    """``number`` itself or, beyond 64 bits, its decimal digits as bytes: ext4 dates files up to the year 2446,
    and nanoseconds leave the 64 bits in 2262."""
    return number if LEAST_INTEGER <= number <= GREATEST_INTEGER else str(number).encode()


def unpack_integer(stored: int | bytes) -> int:
    """The inverse of :func:`pack_integer`."""
    return int(stored)
