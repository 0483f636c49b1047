"""Lists that come in pages: `limit` and `marker`.

Source: botocore ListParts, ListMultipartUploads, ListJobs (50 a page by default) and ListVaults (10); the largest
limit each takes, which is the default one, is in the developer guide's page of the operation.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import TypeVar

from . import rules
from .errors import invalid

Item = TypeVar("Item")


def limit(parameters: dict[str, str], most: int) -> int:
    """How many items a page may have: the `limit` parameter, 1 to `most`, or `most` without one."""
    text = parameters.get("limit")
    if text is None:
        return most
    wanted = rules.number("limit", text)
    if not 1 <= wanted <= most:
        raise invalid(f"limit has to be 1 to {most}, not {text}")
    return wanted


def page(
    items: Sequence[Item], key: Callable[[Item], str], parameters: dict[str, str], most: int
) -> tuple[list[Item], str | None]:
    """One page of `items` (sorted by `key`) and the opaque marker at which the next one begins, None on the last."""
    marker = parameters.get("marker")
    if marker:
        begin = _open_marker(marker)
        items = [item for item in items if key(item) >= begin]
    count = limit(parameters, most)
    rest = items[count:]
    return list(items[:count]), _make_marker(key(rest[0])) if rest else None


def shuffled_page(
    items: Sequence[Item], identity: Callable[[Item], str], parameters: dict[str, str], most: int
) -> tuple[list[Item], str | None]:
    """One page of items that are promised in no order: in another one each time a listing is begun, kept to its end."""
    marker = parameters.get("marker")
    salt = _open_marker(marker).partition(" ")[0] if marker else secrets.token_hex(4)

    def key(item: Item) -> str:
        return f"{salt} {hashlib.sha256(f'{salt} {identity(item)}'.encode()).hexdigest()}"

    return page(sorted(items, key=key), key, parameters, most)


def _make_marker(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _open_marker(marker: str) -> str:
    try:
        return base64.b64decode(marker + "=" * (-len(marker) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise invalid(f"this marker was not given out here: {marker!r}") from None
