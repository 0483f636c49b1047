"""What a restore works with, made by the wiring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import Container
from glacier_backup.model.candidate import Kind
from glacier_backup.model.thaw import Tier
from glacier_backup.pack.unpacker import Unpacker
from glacier_backup.seal.keys import NO_KEYS, Keys
from glacier_backup.workflow.reading import DestinationOf
from glacier_backup.workflow.restoring.receiver import Receiver

POLL: Mapping[Tier, float] = {"expedited": 60.0, "standard": 900.0, "bulk": 1800.0}
"""Seconds between two looks at what is being made readable, by how soon it was asked for."""

AT_ONCE = 4
"""Requests for bytes under way at the same time, and things on their way into the target."""


def no_keys(path: str) -> Keys:
    """Nothing can be opened."""
    return NO_KEYS


@dataclass(frozen=True, slots=True)
class RestoreTools:
    """For restores; a verification unpacks nothing, and needs no unpackers."""

    catalog: Catalog
    destination_of: DestinationOf
    unpackers: Mapping[Container, Unpacker]
    links: Unpacker | None = None
    """For archives that are links."""
    concurrency: int = AT_ONCE
    poll: Mapping[Tier, float] = field(default_factory=lambda: POLL)
    keys: Callable[[str], Keys] = no_keys
    """What there is to open archives of a path with."""
    receiver: Receiver | None = None
    """What datasets are received with; None: they can't be."""
    scratch_dir: str = ""
    """Where volumes are mended that are to be stored again; empty: nowhere. Not to be emptied when the machine goes
    down."""

    def unpacker(self, kind: Kind | None, container: Container | None) -> Unpacker:
        """What unpacks such an archive; one of which nothing is known comes back as the bytes that were stored."""
        if kind == "link" and self.links is not None:
            return self.links
        return self.unpackers[container or "raw"]
