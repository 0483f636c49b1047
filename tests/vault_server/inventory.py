"""A vault's inventory as a job's output: which archives of it, and as JSON or CSV.

Source: botocore InventoryRetrievalJobInput; developer guide "Get Job Output" (documents) and "Initiate Job" (ranges).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from . import paging, rules
from .clock import from_iso
from .errors import invalid

Archive = dict[str, Any]
COLUMNS = ("ArchiveId", "ArchiveDescription", "CreationDate", "Size", "SHA256TreeHash")
FIELDS = ("StartDate", "EndDate", "Limit", "Marker")


def choose(archives: Sequence[Archive], wanted: dict[str, Any]) -> tuple[list[Archive], str | None]:
    """The archives created from StartDate on and before EndDate, from Marker on, at most Limit; and the next marker."""
    unknown = sorted(set(wanted) - set(FIELDS))
    if unknown:
        raise invalid(f"InventoryRetrievalParameters has no {', '.join(unknown)}")
    start, end = _moment(wanted, "StartDate"), _moment(wanted, "EndDate")
    kept = [
        archive
        for archive in archives
        if (start is None or from_iso(archive["created"]) >= start)
        and (end is None or from_iso(archive["created"]) < end)
    ]
    most = max(1, len(kept))
    asked = {"marker": wanted["Marker"]} if wanted.get("Marker") else {}
    if wanted.get("Limit") is not None:
        asked["limit"] = str(min(rules.number("Limit", str(wanted["Limit"])), most))
    return paging.page(kept, lambda archive: f"{archive['created']} {archive['id']}", asked, most)


def as_json(arn: str, date: str, archives: Iterable[Archive]) -> bytes:
    """The inventory as the JSON document."""
    rows = [dict(zip(COLUMNS, _values(archive), strict=True)) for archive in archives]
    return json.dumps({"VaultARN": arn, "InventoryDate": date, "ArchiveList": rows}).encode()


def as_csv(archives: Iterable[Archive]) -> bytes:
    r"""The inventory as CSV: a quote in a quoted field becomes \", a backslash stays as it is (developer guide)."""
    lines = [",".join(COLUMNS)]
    lines += [",".join(_field(value) for value in _values(archive)) for archive in archives]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _values(archive: Archive) -> tuple[Any, ...]:
    return tuple(archive[key] for key in ("id", "description", "created", "size", "sha256_tree_hash"))


def _field(value: object) -> str:
    text = str(value)
    if "," in text or '"' in text:
        escaped = text.replace('"', '\\"')
        return f'"{escaped}"'
    return text


def _moment(wanted: dict[str, Any], name: str) -> float | None:
    text = wanted.get(name)
    if text is None:
        return None
    try:
        return from_iso(text)
    except (ValueError, TypeError):
        raise invalid(f"{name} is not an ISO 8601 time in UTC: {text!r}") from None
