"""Small real implementations of the Protocols, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from glacier_backup.destination.destination import ByteStream, Check, Limits, Progress
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import NotThawed, SourceError, UploadLost, UploadOutgrown, VolumeMissing
from glacier_backup.model.archive import Checksums, Container, Label, Member, Receipt
from glacier_backup.model.candidate import Candidate, Fingerprint, Resolved
from glacier_backup.model.naming import key
from glacier_backup.model.place import Place
from glacier_backup.model.recipe import Step
from glacier_backup.model.thaw import Stored, Thaw, ThawRequest
from glacier_backup.model.upload import OpenUpload, UploadRequest
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

    def gone(self, section: str, paths: Sequence[str]) -> Sequence[bool]:
        return [bool(self.files) and path not in self.files for path in paths]


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


def _nothing(*_: object) -> None:
    return


@dataclass
class MemoryDestination:
    """Keeps what is sent. The hooks are called before (``on_…``) and after each step, and may raise."""

    on_begin: Callable[[Label], None] = _nothing
    after_begin: Callable[[Label], None] = _nothing
    on_send: Callable[[Label], None] = _nothing
    after_chunk: Callable[[int], None] = _nothing
    on_complete: Callable[[Label], None] = _nothing
    after_complete: Callable[[Label], None] = _nothing
    on_abort: Callable[[Label], None] = _nothing
    limits: Limits = LIMITS
    inventory_lag: timedelta = timedelta()
    versions: bool = False
    place: Place = PLACE
    open: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """Parts of each open upload, by upload id (its key) and number."""
    stored: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, str] = field(default_factory=dict)
    part_sizes: list[int] = field(default_factory=list)
    parts_sent: list[int] = field(default_factory=list)
    """Numbers of parts in the order in which they were sent, those found stored left out."""
    thawed: set[str | None] | None = None
    """Locators of what can be read (None: the inventory); None where nothing is cold."""
    thaw_requests: list[ThawRequest] = field(default_factory=list)
    """Where something is cold: what was asked for, each once."""
    asked: int = 0
    told: list[bool] = field(default_factory=list)

    def identify(self, *, holds_archives: bool) -> Place:
        self.asked += 1
        self.told.append(holds_archives)
        return self.place

    def describe(self, label: Label) -> str:
        return key(label)

    def keeps_versions(self, check: Check) -> bool:
        return self.versions

    def begin(self, request: UploadRequest, check: Check) -> str:
        label = request.label
        self.on_begin(label)
        self.open[key(label)] = {}
        self.part_sizes.append(request.part_size)
        self.after_begin(label)
        return key(label)

    def send(self, upload: OpenUpload, stream: ByteStream, progress: Progress) -> Checksums:
        self.on_send(upload.label)
        if upload.id not in self.open:
            raise UploadLost(f"{upload.id} is not known")
        parts = self.open[upload.id]
        buffer = memoryview(bytearray(upload.part_size))
        number = 0
        while count := stream.readinto(buffer):
            if number == self.limits.most_parts:
                raise UploadOutgrown("too long")
            data = bytes(buffer[:count])
            progress(count)
            if parts.get(number) != data:
                self.parts_sent.append(number)
                parts[number] = data
            self.after_chunk(count)
            number += 1
        for beyond in [one for one in parts if one >= number]:
            del parts[beyond]
        content = b"".join(parts[one] for one in sorted(parts))
        leaves = leaf_digests(content)
        return Checksums(len(content), tree_hash(leaves), leaves)

    def complete(self, upload: OpenUpload, checksums: Checksums, manifest: str, check: Check) -> Receipt:
        self.on_complete(upload.label)
        if upload.id in self.open:
            parts = self.open.pop(upload.id)
            self.stored[upload.id] = b"".join(parts[number] for number in sorted(parts))
            self.manifests[upload.id] = manifest
        elif upload.id not in self.stored:
            raise UploadLost(f"{upload.id} is not known")
        self.after_complete(upload.label)
        return Receipt(upload.id, checksums.size, checksums.tree_hash, checksums.leaves, now())

    def abort(self, label: Label, upload_id: str | None, check: Check) -> None:
        self.on_abort(label)
        self.open.pop(key(label), None)

    def thaw(self, request: ThawRequest, check: Check) -> Thaw:
        if request.locator is not None and request.locator not in self.stored:
            raise VolumeMissing(f"{request.locator} is not stored")
        if self.thawed is not None and request not in self.thaw_requests:
            self.thaw_requests.append(request)
        return self._thaw(request.locator)

    def thawing(self, thaws: Sequence[Thaw], check: Check) -> Iterator[Thaw]:
        return (self._thaw(thaw.locator) for thaw in thaws)

    def _thaw(self, locator: str | None) -> Thaw:
        ready = self.thawed is None or locator in self.thawed
        return Thaw(locator, f"job of {locator}" if self.thawed is not None else "", "ready" if ready else "thawing")

    def fetch(self, thaw: Thaw, start: int, buffer: memoryview, check: Check) -> int:
        if thaw.locator not in self.stored:
            raise VolumeMissing(f"{thaw.locator} is not stored")
        if self._thaw(thaw.locator).state != "ready":
            raise NotThawed(f"{thaw.locator} is cold")
        found = self.stored[thaw.locator][start : start + len(buffer)]
        buffer[: len(found)] = found
        return len(found)

    def inventory(self, thaw: Thaw, check: Check, *, newest: bool = False) -> Iterator[Stored]:
        if self._thaw(None).state != "ready":
            raise NotThawed("the inventory is not ready")
        return (Stored(locator, len(data), now()) for locator, data in self.stored.items())

    def examine(self, stored: Stored, check: Check) -> Stored:
        if stored.locator not in self.stored:
            raise VolumeMissing(f"{stored.locator} is not stored")
        return replace(stored, manifest=self.manifests.get(stored.locator))

    def delete(self, locator: str, check: Check) -> None:
        self.stored.pop(locator, None)
        self.manifests.pop(locator, None)

    def expire(self, locator: str, check: Check) -> bool:
        return False

    def close(self) -> None:
        return
