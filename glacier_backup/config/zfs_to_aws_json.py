"""The JSON file of zfs-to-aws: an object of datasets, each with its password, ``{"photos": {"pass": "…"}}``.

Commas behind the last entry are taken for what they are, for the sample that comes with that program has one, which
the program itself refuses. No message holds a password.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from glacier_backup.errors import UsageError

LARGEST = 1 << 20
"""Bytes of such a file."""
_LONGEST = 1023
"""Bytes of a password that ``openssl enc -pass`` takes."""

_STRING_OR_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)


def is_passwords(file: str) -> bool:
    """Whether the file looks like one; not where it can't be read."""
    try:
        with open(file, "rb") as opened:
            start = opened.read(LARGEST)
    except OSError:
        return False
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and b'"pass"' in start


def read_passwords(file: str) -> Mapping[str, str]:
    """The password of each dataset. Raises UsageError for a file that can't be read, and ValueError, with the file and
    what is wrong with it, for one that can't be used."""
    try:
        with open(file, "rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}") from error
    found = _object(file, data)
    return {name: _password(file, name, entry) for name, entry in found.items()}


def _object(file: str, data: bytes) -> dict[str, object]:
    try:
        if len(data) > LARGEST:
            raise ValueError("it is too long")
        text = _STRING_OR_COMMA.sub(lambda match: match[1] or " ", data.decode("utf-8-sig"))
        found = json.loads(text)
    except json.JSONDecodeError as error:
        # From None: the exception has the whole text.
        why = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise ValueError(f"{file} is no JSON: {why}") from None
    except (ValueError, RecursionError):
        raise ValueError(f"{file} is no JSON in UTF-8, or is too long") from None
    if not isinstance(found, dict):
        raise ValueError(f'{file}: expected {{"DATASET": {{"pass": "PASSWORD"}}}}, and found no object')
    return found


def _password(file: str, name: str, entry: object) -> str:
    found = entry.get("pass") if isinstance(entry, dict) else None
    if not isinstance(found, str) or not found:
        raise ValueError(f'{file}: {name!r} has no "pass", or none that is a text')
    try:
        size = len(found.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{file}: the password of {name!r} is no text that UTF-8 has") from None
    if size > _LONGEST or any(one in found for one in "\0\n\r"):
        raise ValueError(f"{file}: the password of {name!r} isn't one line of at most {_LONGEST:,} bytes")
    return found
