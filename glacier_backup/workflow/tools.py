"""What a run works with, made by the wiring."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from glacier_backup.destination.destination import Destination
from glacier_backup.model.archive import Container
from glacier_backup.model.candidate import Kind
from glacier_backup.model.plan import ClassChoice
from glacier_backup.pack.packer import Packer
from glacier_backup.resolve.source import Source, TreeRules
from glacier_backup.workflow.takeover import OlderRecord

Classify = Callable[[int], ClassChoice | None]
"""The storage class of an archive of about so many bytes; None: the one that the destination is set to."""


def as_set(estimate: int) -> ClassChoice | None:
    """Every archive gets the storage class that the destination is set to."""
    return None


@dataclass(frozen=True, slots=True)
class Origin:
    """One place that candidates come from."""

    source: Source
    packers: Mapping[Container, Packer]
    links: Packer
    """For candidates that are links."""
    shared: Collection[Container] = frozenset[Container]({"tar"})
    """What is read once for all destinations, which then keep pace with each other. All else each of them reads for
    itself: a file of this machine costs little to read again, one of a server is worth sharing."""

    def packer(self, kind: Kind, container: Container) -> Packer:
        """What packs candidates of that kind into that container."""
        return self.links if kind == "link" else self.packers[container]


@dataclass(frozen=True, slots=True)
class Tools:
    """What all destinations share."""

    origins: Mapping[str, Origin]
    """By name, as selections and candidates have them: empty for this machine."""
    host: str
    trees: Mapping[str, TreeRules] = field(default_factory=dict)
    """Of the sections that are whole trees, by their paths."""


@dataclass(frozen=True, slots=True)
class Target:
    """One destination that archives are sent to."""

    name: str
    destination: Destination
    part_size: int | None = None
    """The least bytes of a part that the user asked for."""
    older: OlderRecord | None = None
    """The record of glacier_backup 1.2 for this vault, where there is one and the catalog knows nothing of it."""
    classify: Classify = as_set
