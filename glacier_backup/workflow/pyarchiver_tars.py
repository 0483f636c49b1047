"""The tars of pyArchiver, read one by one, and recorded as the groups of files that they are from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from glacier_backup.catalog.believed import Believed
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.exact import GREATEST_INTEGER
from glacier_backup.catalog.frames import Frame
from glacier_backup.destination.destination import Check, Destination
from glacier_backup.errors import (
    CatalogError,
    DamageFound,
    DestinationUnavailable,
    GlacierBackupError,
    Interrupted,
    KeyNeeded,
    VolumeMissing,
    WrongKey,
)
from glacier_backup.model.archive import ArchiveRecord, Label, Member, Receipt
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.event import Listener, Warned
from glacier_backup.model.pyarchiver import ORIGIN, Dated
from glacier_backup.model.recipe import Recipe, compact
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.model.thaw import Stored
from glacier_backup.seal.keys import NO_KEYS, Keys
from glacier_backup.workflow.member_reading import Contents, MemberReader

_SECOND = 10**9
"""In ns."""
_FILES = ("file", "symlink", "hardlink")
_NAMED = 3
"""Members that a message names."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is to be taken over."""

    file: str
    directory: str
    """Absolute path of what was archived, without a slash behind it."""
    folder: str
    """Where pyArchiver has put the tars, as it was told."""
    excluded: str
    """A regular expression, searched in paths below the directory, of what it left out; empty for nothing."""
    believed: Believed
    """Where both sides are compared; empty."""

    @property
    def top(self) -> str:
        """What the names in the tars begin with."""
        return self.directory.strip("/")


class Tar(NamedTuple):
    """What became of one tar."""

    name: str
    files: int = 0
    """That are known by their paths now."""
    error: GlacierBackupError | None = None
    """Why it could not be taken over."""
    password: int | None = None
    """Which of the keys has opened it, from 0; None where it needs none, or wasn't opened now."""

    @property
    def may_come(self) -> bool:
        """Whether it may still be taken over as it is."""
        return self.error is not None and not isinstance(self.error, DamageFound | VolumeMissing)


@dataclass(frozen=True, slots=True)
class Tools:
    """What it takes."""

    catalog: Catalog
    place_id: int
    destination: Destination
    """Where the tars lie."""
    host: str
    """Whose files they are."""
    keys: Sequence[Keys]
    """To be tried in turn."""
    tell: Listener
    check: Check
    seen: Callable[[Tar], object] = lambda tar: None
    """Hears of each tar that was read, or could not be."""


class Taking:
    """Takes over one tar after the other."""

    def __init__(self, record: Record, tools: Tools, reader: MemberReader) -> None:
        self._record = record
        self._tools = tools
        self._reader = reader
        self._keys = [*enumerate(tools.keys)]
        """The one that opened the last one comes first."""

    def tried(self, tar: Dated, id: int) -> Tar:
        """What became of it. Raises what concerns all of them."""
        try:
            found = self._taken(tar, id)
        except (Interrupted, CatalogError, DestinationUnavailable):
            raise
        except GlacierBackupError as error:
            found = Tar(tar.name, error=error)
        self._tools.seen(found)
        return found

    def _taken(self, tar: Dated, id: int) -> Tar:
        archive = self._archive(tar, id)
        contents, opened_by = self._read(archive, tar)
        with closing(contents.members):
            record = _recorded(archive, contents)
            files = self._count_files(archive, contents.members)
            self._tools.catalog.add_foreign(self._tools.place_id, id, record, contents.members, ORIGIN)
        return Tar(tar.name, files, password=opened_by)

    def _archive(self, tar: Dated, id: int) -> StoredArchive:
        """As it will be known. Raises VolumeMissing."""
        there = self._tools.destination.examine(Stored(tar.name, 0, tar.time), self._tools.check)
        path = f"{self._record.directory.rstrip('/')}/{tar.name}"
        volume = StoredVolume(1, tar.name, there.size or None, None, tar.time)
        return StoredArchive(
            id,
            self._tools.place_id,
            path,
            tar.name,
            tar.time,
            tar.time,
            (volume,),
            host=self._tools.host,
            kind="group",
            container="tar",
            recipe=tar.told.recipe(self._record.top),
            origin=ORIGIN,
        )

    def _read(self, archive: StoredArchive, tar: Dated) -> tuple[Contents, int | None]:
        if not tar.told.is_encrypted:
            return self._reader.read(archive, NO_KEYS, _to_the_second), None
        failed: GlacierBackupError = KeyNeeded("it is encrypted with a password, and none is given")
        for place, (number, keys) in enumerate(self._keys):
            try:
                contents = self._reader.read(archive, keys, _to_the_second)
            except (KeyNeeded, WrongKey) as error:
                failed = failed if isinstance(error, KeyNeeded) else error
                continue
            self._keys.insert(0, self._keys.pop(place))
            return contents, number
        raise failed

    def _count_files(self, archive: StoredArchive, members: Iterable[Member]) -> int:
        """Those that are known by their paths from now on; what isn't is told."""
        frame = Frame(archive.base, archive.top)
        files, outside = 0, []
        for member in members:
            if frame.path_of(member.path) is None or member.type not in _FILES:
                outside.append(member.path)
                del outside[_NAMED:]
            else:
                files += 1
        if outside:
            named = ", ".join(map(repr, outside))
            said = f"{archive.name} holds what is no file below {archive.base}, and is passed over: {named}"
            self._tools.tell(Warned(said))
        return files


def _to_the_second(member: Member) -> Member:
    """What pyArchiver compares, and all that is sure: it wrote times as decimals that are cut off somewhere."""
    return member._replace(mtime_ns=member.mtime_ns // _SECOND * _SECOND)


def _recorded(archive: StoredArchive, contents: Contents) -> ArchiveRecord:
    """Raises DamageFound where headers tell of more bytes than there can be, as those of sparse files may."""
    sums, recipe = contents.checksums[1], archive.recipe or Recipe(())
    size = newest = 0
    for member in contents.members:
        size += member.size
        newest = max(newest, member.mtime_ns)
    if size > GREATEST_INTEGER:
        raise DamageFound(f"{archive.name}: it says of its files that they have {size:,} bytes, as no disk has")
    label = Label(
        archive.name,
        archive.path,
        archive.host or "",
        "group",
        "tar",
        archive.time,
        recipe.id,
        seal=compact(recipe),
    )
    receipt = Receipt(archive.name, sums.size, sums.tree_hash, sums.leaves, archive.sent_at)
    # Nothing is compared with its digest: that of its bytes will do.
    seen = Fingerprint(sums.tree_hash, size, len(contents.members), newest)
    return ArchiveRecord(label, archive.name, recipe, seen, (receipt,))
