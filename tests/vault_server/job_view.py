"""A job as the API tells of it. Source: botocore GlacierJobDescription."""

from __future__ import annotations

from typing import Any

from . import treehash
from .clock import iso
from .context import Context
from .inventory import FIELDS


def describe(context: Context, vault: str, job: dict[str, Any]) -> dict[str, Any]:
    """The description of an archive's or an inventory's job; what does not apply to its kind is null."""
    wanted, ready, status = job["wanted"], context.jobs.is_ready(job), context.jobs.status(job)
    over = status != "InProgress"
    common = {
        "JobId": job["id"],
        "JobDescription": wanted.get("Description"),
        "VaultARN": context.vaults.arn(vault),
        "CreationDate": iso(job["created"]),
        "CompletionDate": iso(job["ready"]) if over else None,
        "Completed": over,
        "StatusCode": status,
        "StatusMessage": {"InProgress": "Operation in progress.", "Failed": "said the test"}.get(status, status),
        "SNSTopic": wanted.get("SNSTopic"),
    }
    if "archive" in job:
        return common | _of_archive(context, vault, job, ready)
    return common | _of_inventory(job, ready)


def _of_archive(context: Context, vault: str, job: dict[str, Any], ready: bool) -> dict[str, Any]:
    archive, start, end = job["archive"], job["start"], job["end"]
    _, leaves = context.jobs.output(vault, job["id"])
    whole = (start, end) == (0, archive["size"] - 1)
    # GlacierJobDescription$SHA256TreeHash: null for a range off the tree's nodes, and for the whole while in progress.
    tree_hash = treehash.aligned_hash(leaves, start, end, archive["size"]) if ready or not whole else None
    return {
        "Action": "ArchiveRetrieval",
        "ArchiveId": archive["id"],
        "ArchiveSizeInBytes": archive["size"],
        "ArchiveSHA256TreeHash": archive["sha256_tree_hash"],
        "SHA256TreeHash": tree_hash,
        "RetrievalByteRange": f"{start}-{end}",
        "Tier": job["wanted"]["Tier"],
        "InventorySizeInBytes": None,
        "InventoryRetrievalParameters": None,
    }


def _of_inventory(job: dict[str, Any], ready: bool) -> dict[str, Any]:
    asked = job["wanted"].get("InventoryRetrievalParameters") or {}
    # Developer guide "Initiate Job", "Limiting Inventory Items": the marker here is where the next job begins.
    parameters = {name: asked.get(name) for name in FIELDS} | {"Marker": job["marker"]}
    return {
        "Action": "InventoryRetrieval",
        "ArchiveId": None,
        "ArchiveSizeInBytes": None,
        "ArchiveSHA256TreeHash": None,
        "SHA256TreeHash": None,
        "RetrievalByteRange": None,
        "Tier": None,
        "InventorySizeInBytes": job["end"] + 1 if ready else None,
        "InventoryRetrievalParameters": parameters | {"Format": job["wanted"]["Format"]},
    }
