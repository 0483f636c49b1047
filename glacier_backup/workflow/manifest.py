"""The readable text stored beside an archive: what it holds, how to check it and how to open it."""

from __future__ import annotations

import json

from glacier_backup.model.archive import ArchiveRecord, Checksums
from glacier_backup.units import rfc3339


def manifest(record: ArchiveRecord, checksums: Checksums) -> str:
    """JSON for people and programs; see docs/json.md."""
    label = record.label
    facts = {
        "format": "glacier-backup manifest 1",
        "name": label.name,
        "path": label.path,
        "host": label.host,
        "kind": label.kind,
        "container": label.container,
        "time": rfc3339(label.time),
        "source_bytes": record.fingerprint.bytes,
        "entries": record.fingerprint.entries,
        "mtime_ns": label.mtime_ns,
        "mode": None if label.mode is None else f"{label.mode:04o}",
        "recipe": json.loads(record.recipe.to_json()),
        "volumes": [
            {
                "locator": record.description,
                "bytes": checksums.size,
                "sha256": checksums.sha256,
                "sha256_tree": checksums.tree_hash,
            }
        ],
        "unreadable": [{"path": problem.path, "cause": problem.cause} for problem in record.problems],
        "changed_while_read": record.changed_while_read,
    }
    return json.dumps(facts, indent=2) + "\n"
