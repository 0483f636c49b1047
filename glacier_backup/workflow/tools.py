"""What a run works with, made by the wiring."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from glacier_backup.destination.destination import Destination
from glacier_backup.exclusion import Exclusion
from glacier_backup.model.archive import Container
from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.contents import Contents
from glacier_backup.model.full_every import FullEvery
from glacier_backup.model.increment import Linked, Seen
from glacier_backup.model.plan import ClassChoice
from glacier_backup.model.snapshot import SnapshotRules, SpanLinked
from glacier_backup.pack.packer import Packer, leaving_out
from glacier_backup.resolve.snapshots import Snapshots
from glacier_backup.resolve.source import Source, TreeRules
from glacier_backup.seal.chain import NO_SEAL, Chain
from glacier_backup.workflow.takeover import OlderRecord


class Chaining(NamedTuple):
    """How directories of one origin are sent as chains of increments."""

    listing: Callable[[Candidate], Generator[Seen, None, None]]
    """What is in one, in the order in which a tar of it has that. Raises SourceError."""
    packer: Callable[[Linked, Exclusion], Packer]
    """What packs one as that link of a chain, without what is left out of it."""


class Snapshotting(NamedTuple):
    """How datasets of one origin are sent."""

    source: Snapshots
    """The origin's source itself."""
    packer: Callable[[Candidate, SpanLinked], Packer]
    """What makes the stream of one."""


Classify = Callable[[int], ClassChoice | None]
"""The storage class of an archive of about so many bytes; None: the one that the destination is set to."""


def as_set(estimate: int) -> ClassChoice | None:
    """Every archive gets the storage class that the destination is set to."""
    return None


def unsealed(section: str) -> Chain:
    """Everything is stored as it was packed."""
    return NO_SEAL


@dataclass(frozen=True, slots=True)
class Origin:
    """One place that candidates come from."""

    source: Source
    packers: Mapping[Container, Packer]
    links: Packer
    """For candidates that are links."""
    groups: Callable[[Contents], Packer]
    """For groups, by what they hold: packs files below the path that it is given, the section's, and stores them under
    the name that it is given."""
    shared: Collection[Container] = frozenset[Container]({"tar"})
    """What is read once for all destinations, which then keep pace with each other. All else each of them reads for
    itself: a file of this machine costs little to read again, one of a server is worth sharing."""

    chaining: Chaining | None = None
    """None: it has no directories that could be sent so."""
    snapshotting: Snapshotting | None = None
    """None: it has no datasets."""
    unshared: Mapping[Container, Packer] | None = None
    """The same ``packers`` for one's own use, where what those read is shared."""

    def packer(self, candidate: Candidate, container: Container) -> Packer:
        """What packs that candidate into that container, without what is left out of it."""
        return self._packer(candidate, container, self.packers)

    def alone(self, candidate: Candidate, container: Container) -> Packer:
        """The same, to be read by nobody else and at any time. Groups always are: each destination has its own."""
        return self._packer(candidate, container, self.unshared or self.packers)

    def _packer(self, candidate: Candidate, container: Container, packers: Mapping[Container, Packer]) -> Packer:
        if candidate.contents is not None:
            return self.groups(candidate.contents)
        return leaving_out(self.links if candidate.kind == "link" else packers[container], candidate.exclusion)

    def estimate(self, candidate: Candidate, container: Container, fingerprint: Fingerprint) -> int:
        """Bytes that the archive will have before it is sealed, as far as known."""
        if candidate.kind == "dataset":
            return fingerprint.bytes
        return self.packer(candidate, container).estimate(fingerprint.bytes, fingerprint.entries)


@dataclass(frozen=True, slots=True)
class Tools:
    """What all destinations share."""

    origins: Mapping[str, Origin]
    """By name, as selections and candidates have them: empty for this machine."""
    host: str
    trees: Mapping[str, TreeRules] = field(default_factory=dict)
    """Of the sections that are whole trees, by their paths."""
    increments: Mapping[str, FullEvery] = field(default_factory=dict)
    """Of the sections whose directories, or datasets, are sent as chains, by their paths: when one begins anew."""
    snapshots: Mapping[str, SnapshotRules] = field(default_factory=dict)
    """Of the sections that are datasets, by their paths."""
    seal: Callable[[str], Chain] = unsealed
    """How archives of a section, by its path, are sealed."""
    catalog_seal: Chain = NO_SEAL
    """How copies of the catalog are; nothing in it cuts or adds parity."""
    spool_dir: str | None = None
    """Where the user wants sealed volumes to lie while they are sent, one at a time; None: on no disk, where none is
    needed."""
    temporary_dir: str = ""
    """Where they lie where one is needed, and the user has named none."""
    private: Callable[[str], bool] = lambda section: False
    """Whether names in a section are hidden from whoever sees the destination."""

    def snapshots_of(self, dataset: Candidate) -> Snapshots:
        """Where it has its snapshots."""
        snapshotting = self.origins[dataset.origin].snapshotting
        if snapshotting is None:
            raise AssertionError("what finds datasets knows of their snapshots")
        return snapshotting.source

    def rules_of(self, dataset: Candidate) -> SnapshotRules:
        """How it is sent."""
        return self.snapshots.get(dataset.section, SnapshotRules())


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
