"""Archives that are several objects, put together again from what a place lists, however many there are."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple, Protocol, TypeVar

from glacier_backup.destination.destination import Check, Destination
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import (
    DamageFound,
    DestinationError,
    DestinationUnavailable,
    NotThawed,
    SealError,
    VolumeMissing,
)
from glacier_backup.model.manifest import LONGEST
from glacier_backup.model.rebuilding import Refused
from glacier_backup.model.recipe import Step
from glacier_backup.model.stored import Rebuilt
from glacier_backup.model.thaw import Stored, ThawRequest
from glacier_backup.ordering import Ordering
from glacier_backup.plan.rebuild_several import (
    Part,
    Read,
    is_ours,
    manifest_of,
    part_of,
    rebuilt_by_descriptions,
    rebuilt_by_manifest,
    steps_of_manifest,
    without_manifest,
)
from glacier_backup.units import MIB
from glacier_backup.workflow.verifying.site import Site

COLD = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Classes that no manifest of ours is in."""

T = TypeVar("T")

_MARGIN = MIB
"""Bytes that sealing may add to a manifest, and more."""


class ManifestOpener(Protocol):
    """Opens sealed manifests. Safe to use from several threads."""

    def has_key(self, steps: Sequence[Step]) -> bool:
        """Whether there is anything to try to open it with."""
        ...

    def open(self, data: bytes, steps: Sequence[Step]) -> str:
        """The text. Raises SealError, which KeyNeeded and WrongKey are, and DamageFound."""
        ...


class NoKeys:
    """Nothing is opened."""

    def has_key(self, steps: Sequence[Step]) -> bool:
        return False

    def open(self, data: bytes, steps: Sequence[Step]) -> str:
        raise SealError("no key was given")


class Gathering:
    """Objects that look like those of several, to be read once, archive by archive."""

    def __init__(self, site: Site) -> None:
        self._key_of = site.key_of
        self._pieces = Ordering()

    def others(self, listed: Iterable[T], stored_of: Callable[[T], Stored]) -> Iterator[T]:
        """What is none of them; they are gathered while this is read."""
        for one in listed:
            stored = stored_of(one)
            part = part_of(stored, self._key_of(stored.locator))
            if part is None:
                yield one
            else:
                self._pieces.add(_sortable(part.group) + pickle.dumps(part, pickle.HIGHEST_PROTOCOL))

    def __iter__(self) -> Iterator[tuple[Part, ...]]:
        """All objects of one archive, and of the next."""
        pairs = (piece.partition(b"\0")[::2] for piece in self._pieces)
        for _, group in groupby(pairs, key=lambda pair: pair[0]):
            yield tuple(pickle.loads(piece) for _, piece in group)  # noqa: S301  # our own


def _sortable(group: str) -> bytes:
    return group.encode("utf-8", "surrogatepass").replace(b"\1", b"\1\2").replace(b"\0", b"\1\1") + b"\0"


class Examined(NamedTuple):
    """What was found out about the objects of one archive."""

    parts: tuple[Part, ...]
    manifest: Read | Refused | None
    """None where there is none, where it isn't read, or is being thawed."""
    thawing: bool = False


@dataclass(frozen=True, slots=True)
class Several:
    """Looks at, and judges, the objects of one archive after the other."""

    site: Site
    opener: ManifestOpener
    check: Check

    def examine(self, parts: Sequence[Part]) -> Examined:
        """All that asking tells of them; in a thread of its own. Raises DestinationUnavailable."""
        if self._by_descriptions(parts):
            return Examined(tuple(parts), None)
        found = tuple(seen for part in parts if (seen := self._seen(part)) is not None)
        own = manifest_of(found)
        if own is None or own.stored.storage_class in COLD:
            return Examined(found, None)
        try:
            manifest = self._read(own)
        except NotThawed:
            return Examined(found, None, thawing=self._are_ours(found))
        except DestinationUnavailable:
            raise
        except DestinationError as error:
            manifest = Refused(own.stored.locator, f"it could not be read: {error}")
        return Examined(found, manifest)

    def judge(self, found: Examined) -> Rebuilt | Refused | tuple[Stored, ...]:
        """The archive; or the objects one by one, where they are no parts of one."""
        if self._by_descriptions(found.parts):
            return rebuilt_by_descriptions(found.parts, self.site.around)
        if not found.parts:
            return ()
        own, ours = manifest_of(found.parts), self._are_ours(found.parts)
        alone = tuple(part.stored for part in found.parts)
        if own is None or found.manifest is None:
            return without_manifest(found.parts) if ours else alone
        if isinstance(found.manifest, Refused):
            return found.manifest if ours else alone
        try:
            key = self.site.key_of(own.stored.locator)
            made = rebuilt_by_manifest(found.parts, own, found.manifest, key, self.site.destination.describe)
        except ValueError as error:
            return Refused(own.stored.locator, f"its manifest can't be used: {error}") if ours else alone
        return made if ours or isinstance(made, Rebuilt) else alone

    def _are_ours(self, parts: Sequence[Part]) -> bool:
        return is_ours(parts, self.site.key_of(parts[0].stored.locator), self.site.around)

    def _by_descriptions(self, parts: Sequence[Part]) -> bool:
        """Whether names are told without the manifest, which would have to be thawed first."""
        return self.site.place.kind == "glacier" and all("\0" in part.group for part in parts)

    def _seen(self, part: Part) -> Part | None:
        """With all that asking tells; None for what has gone meanwhile."""
        try:
            return part._replace(stored=self.site.destination.examine(part.stored, self.check))
        except VolumeMissing:
            return None
        except DestinationUnavailable:
            raise
        except DestinationError:
            return part  # as it is listed: whoever reads it finds out

    def _read(self, own: Part) -> Read | Refused:
        """Raises NotThawed where it has been asked for now, or before."""
        steps = steps_of_manifest(own)
        hidden = (
            f"the name of an archive is hidden in this manifest, which is sealed by {steps[0].name}" if steps else ""
        )
        if steps and not self.opener.has_key(steps):
            return Refused(own.stored.locator, f"{hidden}: give the key (--identity, --password-file)")
        if own.stored.size > LONGEST + _MARGIN:
            return Refused(own.stored.locator, "it is too long for a manifest")
        data = fetched(self.site.destination, own.stored, self.check)
        digest = tree_hash(leaf_digests(data))
        if own.stored.tree_hash not in (None, digest):
            return Refused(own.stored.locator, "the manifest isn't what was stored: it has another tree hash")
        try:
            text = self.opener.open(data, steps) if steps else data.decode("utf-8", "surrogateescape")
        except (SealError, DamageFound) as error:
            return Refused(own.stored.locator, f"{hidden}, and can't be opened: {error}")
        return Read(text, digest, hashlib.sha256(data).hexdigest())


def fetched(destination: Destination, stored: Stored, check: Check) -> bytes:
    """All bytes of a small object. Raises NotThawed where it was asked for and isn't readable yet, DestinationError."""
    thaw = destination.thaw(ThawRequest(stored.locator), check)
    if thaw.state == "thawing":
        (thaw,) = destination.thawing([thaw], check)
    if thaw.state == "thawing":
        raise NotThawed(f"{stored.locator} is being made readable")
    if thaw.state == "failed":
        raise DestinationError(f"it could not be made readable: {thaw.cause}")
    buffer = memoryview(bytearray(stored.size))
    count = destination.fetch(thaw, 0, buffer, check)
    if count < len(buffer):
        raise DestinationError(f"it has {count} bytes, and {stored.size} are listed")
    return bytes(buffer)
