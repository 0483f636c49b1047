"""What an InitiateJob body may say. Source: botocore JobParameters; developer guide "jobParameters"."""

from __future__ import annotations

import json
from typing import Any

from . import rules
from .errors import ApiError, invalid, missing

FIELDS = (
    "Type",
    "ArchiveId",
    "Description",
    "Format",
    "InventoryRetrievalParameters",
    "RetrievalByteRange",
    "SNSTopic",
    "Tier",
)
TIERS = ("Expedited", "Standard", "Bulk")
FORMATS = ("JSON", "CSV")
ARCHIVE, INVENTORY = "archive-retrieval", "inventory-retrieval"


def read(body: bytes) -> dict[str, Any]:
    """The parameters of a job, with Tier and Format filled in; `ApiError` for what cannot be."""
    try:
        wanted = json.loads(body)
    except ValueError:
        raise ApiError("SerializationException", "the body is not JSON") from None
    if not isinstance(wanted, dict):
        raise ApiError("SerializationException", "the body is not a JSON object")
    unknown = sorted(set(wanted) - set(FIELDS))
    if unknown:
        raise invalid(f"no job has {', '.join(unknown)}")
    kind = wanted.get("Type")
    if kind is None:
        raise missing("Type")
    if kind not in (ARCHIVE, INVENTORY):
        raise invalid(f"Type has to be {ARCHIVE} or {INVENTORY}, not {kind}")
    if kind == ARCHIVE and not wanted.get("ArchiveId"):
        raise missing("ArchiveId")
    forbidden = [name for name in ("ArchiveId", "RetrievalByteRange") if kind == INVENTORY and name in wanted]
    if forbidden:
        raise invalid(f"a job for an inventory takes no {', '.join(forbidden)}")
    rules.description(wanted.get("Description"))
    defaults = {"Tier": "Standard", "Format": "JSON"}
    _one_of(wanted, "Tier", TIERS)
    _one_of(wanted, "Format", FORMATS)
    return defaults | wanted


def _one_of(wanted: dict[str, Any], name: str, allowed: tuple[str, ...]) -> None:
    if wanted.get(name, allowed[0]) not in allowed:
        raise invalid(f"{name} has to be one of {', '.join(allowed)}, not {wanted[name]}")
