"""What is in a stored archive of which nobody knows it, learnt by reading it once, from front to end.

It is fetched and opened by what restores fetch and open with. For places where nothing is cold, or what was thawed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Check, Destination
from glacier_backup.errors import DamageFound, NotThawed, SealError
from glacier_backup.model.archive import Checksums, Member
from glacier_backup.model.restore import WHOLE
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.model.thaw import Thaw, ThawRequest
from glacier_backup.pack.tar_hashes import TarHashes
from glacier_backup.pack.tar_members import tar_members
from glacier_backup.pack.unpacker import ArchiveBytes
from glacier_backup.pack.unzip_members import members_of_zip
from glacier_backup.seal.keys import Keys
from glacier_backup.spool import Spool
from glacier_backup.workflow.restoring.fetch import Fetched, Fetcher
from glacier_backup.workflow.restoring.stream import Reading, Source
from glacier_backup.workflow.restoring.undone import wrongly_undone
from glacier_backup.workflow.restoring.unsealed import Unsealed


class Contents(NamedTuple):
    """What reading an archive has brought to light. To be closed, for there may be millions of members."""

    members: Spool[Member]
    """In the order of the stream, with where each begins in it."""
    checksums: Mapping[int, Checksums]
    """Of what is stored, by the number of the volume; of those alone of which the catalog has none."""


@dataclass(frozen=True, slots=True)
class MemberReader:
    """Reads archives, one at a time."""

    catalog: Catalog
    """Where checksums are looked up of archives that it knows; nothing is written."""
    destination: Destination
    fetcher: Fetcher
    check: Check
    """Asked all the time; what it raises is raised."""
    fetched: Fetched = lambda count: None
    """Told how many more bytes have come."""

    def read(
        self,
        archive: StoredArchive,
        keys: Keys,
        changed: Callable[[Member], Member] = lambda member: member,
        *,
        hashed: bool = False,
    ) -> Contents:
        """All members of a tar or a ZIP, each as ``changed`` makes it; ``hashed``: with the hash of their content, in a
        tar of ours; in a ZIP they always are.

        All of it was read then and has proved right, by whatever proves it: the catalog's checksums, those of its
        encryption and compression. Raises NotThawed, VolumeMissing, other DestinationErrors, KeyNeeded, WrongKey and
        other SealErrors, DamageFound, and SealError for what is neither.
        """
        if archive.container not in ("tar", "zip"):
            raise SealError(f"{archive.name} is neither a tar nor a ZIP, whose members could be told")
        source = Source(archive, self.destination, self._thaws(archive.volumes))
        reading = Reading(source, self.catalog, self.fetcher, self.check, self.fetched, whole=True)
        members: Spool[Member] = Spool()
        hashes = TarHashes() if hashed and archive.container == "tar" else None
        try:
            with Unsealed(reading, keys, (WHOLE,)) as unsealed:
                with unsealed.bytes(WHOLE) as stream:
                    for member in _listed(archive, stream if hashes is None else _Hashing(stream, hashes)):
                        members.append(changed(member))
                unsealed.finish()
            reading.finish()
        except BaseException as error:
            members.close()
            if isinstance(error, DamageFound) and (wrong := wrongly_undone(archive, error)) is not None:
                raise wrong from error
            raise
        return Contents(members if hashes is None else _told(hashes, members), reading.checksums())

    def _thaws(self, volumes: Iterable[StoredVolume]) -> dict[str, tuple[Thaw, ...]]:
        """All are asked for before it is said that one isn't there yet."""
        found = [self.destination.thaw(ThawRequest(volume.locator), self.check) for volume in volumes]
        cold = next((thaw for thaw in found if thaw.state != "ready"), None)
        if cold is not None:
            raise NotThawed(f"{cold.locator} is being made readable", hint="run again in a few hours")
        return {thaw.locator or "": (thaw,) for thaw in found}


def _listed(archive: StoredArchive, stream: ArchiveBytes) -> Iterator[Member]:
    if archive.container == "zip":
        return members_of_zip(stream, archive.name)
    return tar_members(stream, archive.name)


class _Hashing:
    """A tar whose files are hashed as it goes by."""

    def __init__(self, stream: ArchiveBytes, hashes: TarHashes) -> None:
        self._stream = stream
        self._hashes = hashes

    def readinto(self, buffer: memoryview) -> int:
        count = self._stream.readinto(buffer)
        self._hashes.take(buffer[:count])
        return count


def _told(hashes: TarHashes, members: Spool[Member]) -> Spool[Member]:
    """The same, with their hashes."""
    with closing(members):
        return Spool(hashes.told(iter(members)))
