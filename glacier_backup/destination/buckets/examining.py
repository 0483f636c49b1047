"""What asking about one object alone brings to light: checksums, description, and the manifest beside it.

One HEAD each (S3 API reference, HeadObject with ``x-amz-checksum-mode``), and one GET where there is a manifest.
"""

from __future__ import annotations

import re
from dataclasses import replace

from glacier_backup.destination.buckets.keys import At
from glacier_backup.destination.buckets.manifests import description_in, manifest_beside
from glacier_backup.destination.buckets.reading import Reading
from glacier_backup.destination.destination import Check
from glacier_backup.destination.layout import LARGEST_MANIFEST
from glacier_backup.errors import NotThawed, VolumeMissing
from glacier_backup.model.thaw import Stored, Thaw

_HASH = re.compile(r"[0-9a-f]{64}")


def examine(reading: Reading, stored: Stored, check: Check) -> Stored:
    """See :meth:`~glacier_backup.destination.destination.Destination.examine`.

    The tree hash is what the sender wrote down; checksums are the store's own.
    """
    at = At.parsed(stored.locator)
    found = reading.look(at, check)
    beside = manifest_beside(at, found)
    return replace(
        stored,
        size=found.size,
        stored_at=found.stored_at,
        description=None if found.description is None else description_in(found.description),
        tree_hash=found.tree_hash if found.tree_hash and _HASH.fullmatch(found.tree_hash) else None,
        storage_class=found.storage_class,
        sha256=found.sha256,
        crc64nvme=found.crc,
        metadata=found.metadata,
        manifest=None if beside is None else _text(reading, beside, check),
    )


def _text(reading: Reading, key: str, check: Check) -> str | None:
    """A manifest; None where there is none, and for what is too long for one or can't be read at once."""
    buffer = memoryview(bytearray(LARGEST_MANIFEST + 1))
    locator = At(key).locator
    try:
        count = reading.fetch(Thaw(locator, locator, "ready"), 0, buffer, check)
    except (VolumeMissing, NotThawed):
        return None
    return None if count > LARGEST_MANIFEST else str(buffer[:count], "utf-8", "surrogateescape")
