"""A bucket that keeps versions, in memory: what is hidden or replaced stays as an older version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from glacier_backup.destination.destination import Check
from glacier_backup.model.archive import Checksums, Receipt
from glacier_backup.model.upload import OpenUpload
from tests.fakes import MemoryDestination

_VERSION = "?versionId="


def _nothing(key: str) -> None:
    return


@dataclass
class VersionedBucket(MemoryDestination):
    """Locators are ``KEY?versionId=NUMBER``, and :attr:`stored` has all versions by them."""

    versions: bool = True
    newest: dict[str, str] = field(default_factory=dict)
    """By key the locator of what is seen; hidden ones aren't there."""
    on_expire: Callable[[str], None] = _nothing
    after_expire: Callable[[str], None] = _nothing
    expired: list[str] = field(default_factory=list)
    """Keys, in the order in which they were asked to be hidden."""
    _count: int = 0

    def complete(self, upload: OpenUpload, checksums: Checksums, manifest: str, check: Check) -> Receipt:
        """An upload that is completed again, by a later process, is one more version of the same bytes."""
        self.stored.pop(upload.id, None)
        receipt = super().complete(upload, checksums, manifest, check)
        self._count += 1
        locator = f"{upload.id}{_VERSION}{self._count}"
        self.stored[locator] = self.stored.pop(upload.id)
        self.manifests[locator] = self.manifests.pop(upload.id)
        self.newest[upload.id] = locator
        return replace(receipt, locator=locator)

    def expire(self, locator: str, check: Check) -> bool:
        key = locator.partition(_VERSION)[0]
        self.on_expire(key)
        self.expired.append(key)
        if key in self.newest and self.newest[key] != locator:
            return False
        self.newest.pop(key, None)
        self.after_expire(key)
        return True

    def listed(self) -> dict[str, bytes]:
        """What there is to be seen: content by key."""
        return {key: self.stored[locator] for key, locator in self.newest.items()}
