"""Small real implementations of the Protocols, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from glacier_backup.destination.destination import ByteStream, Limits, Progress
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import SourceError, UploadOutgrown
from glacier_backup.model.archive import Container, Label, Member, Receipt
from glacier_backup.model.candidate import Candidate, Fingerprint, Resolved
from glacier_backup.model.naming import key
from glacier_backup.model.place import Place
from glacier_backup.model.recipe import Step
from glacier_backup.pack.packer import PackOutcome
from glacier_backup.resolve.source import Selection
from glacier_backup.units import GIB, MIB, now
from tests.streams import BytesStream

LIMITS = Limits(least=0, part=MIB, least_part=MIB, largest_part=4 * GIB, most_parts=10_000)
PLACE = Place("local", "/memory")
MTIME = 1_700_000_000 * 10**9


@dataclass
class MemorySource:
    """Files by path; ``after_look`` is called whenever one was looked at."""

    files: dict[str, bytes]
    after_look: Callable[[str], None] = lambda path: None

    def resolve(self, selection: Selection) -> Iterator[Resolved]:
        for path in sorted(self.files):
            if path.startswith(f"{selection.path}/"):
                yield Candidate(path, "file", selection.path, selection.compare)

    def look(self, candidate: Candidate) -> Fingerprint:
        if candidate.path not in self.files:
            raise SourceError(f"{candidate.path}: No such file or directory")
        content = self.files[candidate.path]
        fingerprint = Fingerprint(tree_hash(leaf_digests(content)), len(content), 1, MTIME, 0o640)
        self.after_look(candidate.path)
        return fingerprint


class MemoryStream(BytesStream):
    def __init__(self, data: bytes, name: str, outcome: PackOutcome) -> None:
        super().__init__(data)
        self._size = len(data)
        self._name = name
        self._outcome = outcome

    def outcome(self) -> PackOutcome:
        return self._outcome

    def members(self) -> Iterator[Member]:
        yield Member(self._name, "file", self._size, MTIME, 0o640, 0, None)


@dataclass
class MemoryPacker:
    """Packs files of a :class:`MemorySource` as they are."""

    source: MemorySource
    outcomes: dict[str, PackOutcome] = field(default_factory=dict)
    container: Container = "raw"

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[MemoryStream]:
        if path not in self.source.files:
            raise SourceError(f"{path}: No such file or directory")
        outcome = self.outcomes.get(path, PackOutcome((), changed=False))
        yield MemoryStream(self.source.files[path], stored_name, outcome)

    def step(self) -> Step:
        return Step("raw")

    def estimate(self, content: int, entries: int) -> int:
        return content


@dataclass
class MemoryDestination:
    """Keeps what is sent; ``on_send`` is called with each label before anything is read and may raise."""

    on_send: Callable[[Label], None] = lambda label: None
    limits: Limits = LIMITS
    place: Place = PLACE
    stored: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, str] = field(default_factory=dict)
    part_sizes: list[int] = field(default_factory=list)
    asked: int = 0
    told: list[bool] = field(default_factory=list)
    after_chunk: Callable[[int], None] = lambda count: None

    def identify(self, *, holds_archives: bool) -> Place:
        self.asked += 1
        self.told.append(holds_archives)
        return self.place

    def describe(self, label: Label) -> str:
        return key(label)

    def send(self, stream: ByteStream, label: Label, part_size: int, progress: Progress) -> Receipt:
        self.on_send(label)
        self.part_sizes.append(part_size)
        buffer = memoryview(bytearray(part_size))
        content = bytearray()
        while count := stream.readinto(buffer):
            content += buffer[:count]
            progress(count)
            self.after_chunk(count)
            if len(content) > part_size * self.limits.most_parts:
                raise UploadOutgrown("too long")
        leaves = leaf_digests(content)
        self.stored[key(label)] = bytes(content)
        return Receipt(key(label), len(content), tree_hash(leaves), leaves, now())

    def put_manifest(self, label: Label, receipt: Receipt, manifest: str) -> None:
        self.manifests[receipt.locator] = manifest

    def close(self) -> None:
        return
