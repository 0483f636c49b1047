"""What is in packs, and in groups that go by a prefix, learnt by reading them: neither names nor manifests tell it.

Each is read once, from front to end, where that takes no thaw and costs nothing, or was asked for; several at a time,
in bounded memory. Each is recorded as soon as it is read, so that whatever dies, the next time goes on with the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.frames import Frame
from glacier_backup.chunks import in_chunks
from glacier_backup.destination.destination import Check
from glacier_backup.errors import (
    CatalogError,
    DamageFound,
    DestinationUnavailable,
    GlacierBackupError,
    Interrupted,
    KeyNeeded,
    NotThawed,
    VolumeMissing,
    WrongKey,
)
from glacier_backup.model.archive import Member
from glacier_backup.model.finding import Looked, LookListener
from glacier_backup.model.naming import group_path
from glacier_backup.model.rebuilding import PacksRead, UnreadPack
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.thaw import Thaw
from glacier_backup.pack.doubts import EARLIER
from glacier_backup.plan.globs import literally
from glacier_backup.plan.thawing import shelf_of
from glacier_backup.seal.keys import NO_KEYS, Keys
from glacier_backup.workflow.member_reading import Contents, MemberReader
from glacier_backup.workflow.restoring.fetch import Fetcher
from glacier_backup.workflow.restoring.tools import AT_ONCE
from glacier_backup.workflow.verifying.inventory import answers
from glacier_backup.workflow.verifying.site import Site

READERS = 3
"""Packs that are read at the same time."""

TOGETHER = 100
"""Archives that are looked up at a time."""

_FILES = ("file", "symlink")
_WORDS = 100
"""That are told of what is cold."""
_CLOCKS = timedelta(days=1)
"""By which the clock of a place may be behind."""

_Way = Literal["read", "dear", "cold"]


def _no_keys(path: str) -> Sequence[Keys]:
    return (NO_KEYS,)


@dataclass(frozen=True, slots=True)
class PackOrder:
    """What is wanted."""

    hosts: Collection[str] = frozenset()
    """Only packs of these; of all where it is empty."""
    keys: Callable[[str], Sequence[Keys]] = _no_keys
    """To be tried in turn on a pack with that path."""
    hashed: Callable[[str], bool] = lambda section: False
    """Whether files of that section are compared by their content, too."""
    pays: bool = False
    """Whether what costs money is read, too; and what lies on a server that has to unseal it first, which takes
    hours."""


class _Answer(NamedTuple):
    """What has come of reading one."""

    archive: StoredArchive
    contents: Contents | None = None
    files: int = 0
    error: GlacierBackupError | None = None


def read_packs(
    site: Site,
    catalog: Catalog,
    order: PackOrder,
    failed: Callable[[UnreadPack], None],
    tell: LookListener,
    check: Check,
    *,
    cold: bool = False,
) -> PacksRead:
    """Learn what is in the groups at ``site`` of which nobody knows it. What can't be read is handed to ``failed``, and
    the others are read all the same. ``cold``: whatever is there has to be thawed before it can be read. The caller
    holds the lock.

    Raises DestinationUnavailable, CatalogError and what ``check`` raises; what was learnt before stays.
    """
    with closing(Fetcher(AT_ONCE)) as fetcher:
        reader = MemberReader(catalog, site.destination, fetcher, check)
        return _Packs(site, catalog, order, reader, cold).over(failed, tell)


class _Packs:
    """The packs of one place."""

    def __init__(self, site: Site, catalog: Catalog, order: PackOrder, reader: MemberReader, cold: bool) -> None:
        self._site = site
        self._catalog = catalog
        self._order = order
        self._reader = reader
        self._is_cold = cold
        self._done = PacksRead()

    def over(self, failed: Callable[[UnreadPack], None], tell: LookListener) -> PacksRead:
        for answer in answers(self._readable(), self._read, name="packs", ahead=READERS):
            self._reader.check()
            done = self._done
            if answer.contents is None:
                found = _unread(answer.archive, answer.error)
                self._done = replace(done, failed=done.failed + 1, thawing=done.thawing + found.thawing)
                failed(found)
                continue
            with closing(answer.contents.members) as members:
                self._catalog.learn(answer.archive.id, members, answer.contents.checksums)
            self._done = replace(done, read=done.read + 1, files=done.files + answer.files)
            tell(Looked(str(self._site.place), self._done.read, "packs read"))
        return self._done

    def _readable(self) -> Iterator[StoredArchive]:
        """Those to be read; what is left alone is counted."""
        for ids in in_chunks(self._catalog.unknown_groups(self._site.id), TOGETHER):
            for archive in self._catalog.stored_archives(ArchiveFilter(ids=tuple(ids))):
                if self._order.hosts and archive.host not in self._order.hosts:
                    continue
                way = self._way(archive)
                if way == "read":
                    yield archive
                else:
                    self._leave(archive, way)

    def _way(self, archive: StoredArchive) -> _Way:
        place, pays = self._site.place, self._order.pays
        free = place.kind in ("local", "sftp")
        if pays and free:
            return "read"  # what begins an unsealing is reading
        cold = self._is_cold or any(shelf_of(place, one.storage_class).is_cold for one in archive.volumes)
        if cold and not self._is_thawed(archive):
            return "cold"
        return "read" if pays or free else "dear"

    def _is_thawed(self, archive: StoredArchive) -> bool:
        """Whether all of it was asked for before, and is there. Nothing is asked for."""
        wanted = {volume.locator: volume.size for volume in archive.volumes}
        records = self._catalog.thaws(self._site.id, ["thawing", "ready"], wanted)
        found = {one.thaw.locator: one.thaw for one in records if _is_of_all(one.thaw, wanted)}
        if found.keys() != wanted.keys():
            return False
        return all(
            one.state == "ready" for one in self._site.destination.thawing([*found.values()], self._reader.check)
        )

    def _leave(self, archive: StoredArchive, way: _Way) -> None:
        done, size = self._done, archive.size or 0
        if way == "dear":
            self._done = replace(done, dear=done.dear + 1, dear_bytes=done.dear_bytes + size)
        else:
            words, word = done.cold_words, self._word(archive)
            if word not in words:
                # What means the newest of many comes before single ones, which only history wants.
                words = ((*words, word) if word.startswith("id:") else (word, *words))[:_WORDS]
            self._done = replace(done, cold=done.cold + 1, cold_bytes=done.cold_bytes + size, cold_words=words)

    def _word(self, archive: StoredArchive) -> str:
        """What means it, and others like it. Of a group that goes by a prefix a pattern means the newest archive."""
        if archive.container != "zip":
            return group_path(literally(archive.base), "*")
        last = self._catalog.last_sent(self._site.id, [archive.path]).get(archive.path)
        is_newest = last is not None and last.id == archive.id
        return f"{literally(archive.base.rstrip('/'))}/*{literally('*')}~*.zip" if is_newest else f"id:{archive.id}"

    def _read(self, archive: StoredArchive) -> _Answer:
        """In a thread of its own. Raises what concerns all of them."""
        try:
            contents = self._opened(archive)
            try:
                return _Answer(archive, contents, _count_files(archive, contents.members))
            except BaseException:
                contents.members.close()
                raise
        except (Interrupted, CatalogError, DestinationUnavailable):
            raise
        except GlacierBackupError as error:
            return _Answer(archive, error=error)

    def _opened(self, archive: StoredArchive) -> Contents:
        """With the first key that fits."""
        failed: GlacierBackupError = KeyNeeded("no key was given")
        hashed = self._order.hashed(archive.base)
        for keys in self._order.keys(archive.path):
            try:
                return self._reader.read(archive, keys, _Told(archive), hashed=hashed)
            except (KeyNeeded, WrongKey) as error:
                failed = error if isinstance(failed, KeyNeeded) else failed
        raise failed


class _Told:
    """What of a member counts from now on, as :mod:`glacier_backup.pack.doubts` has it.

    Which files changed while they were read nobody knows any more. Those that were changed after the pack was begun are
    in doubt; and all of one in which something could not be read, for what could be in part is in it like any other.
    """

    def __init__(self, archive: StoredArchive) -> None:
        self._all = archive.problems > 0
        # Times on a server are those of its own clock.
        self._is_here = archive.path.startswith("/")
        self._begun = _ns(archive, timedelta())
        self._over = _ns(archive, archive.sent_at - archive.time + _CLOCKS)

    def __call__(self, member: Member) -> Member:
        in_doubt = self._all or (self._is_here and self._begun < member.mtime_ns <= self._over)
        return member._replace(mtime_ns=member.mtime_ns - EARLIER) if in_doubt else member


def _ns(archive: StoredArchive, later: timedelta) -> int:
    return int((archive.time + later).timestamp() * 10**6) * 1000


def _count_files(archive: StoredArchive, members: Iterable[Member]) -> int:
    """Those that are known by their paths from now on. Raises DamageFound where there is none: then it isn't what its
    name says."""
    frame = Frame(archive.base, archive.top)
    count = sum(1 for one in members if one.type in _FILES and frame.path_of(one.path, one.source) is not None)
    if not count:
        raise DamageFound(f"{archive.name} holds no file of {archive.base}")
    return count


def _is_of_all(thaw: Thaw, sizes: dict[str, int | None]) -> bool:
    size = sizes.get(thaw.locator or "")
    return thaw.start == 0 and (thaw.end is None or (size is not None and size <= thaw.end))


def _unread(archive: StoredArchive, error: GlacierBackupError | None) -> UnreadPack:
    locator = archive.volumes[0].locator if archive.volumes else ""
    cure = _cure(archive, error)
    return UnreadPack(archive.id, archive.path, locator, str(error), cure, isinstance(error, NotThawed))


def _cure(archive: StoredArchive, error: GlacierBackupError | None) -> str:
    match error:
        case KeyNeeded() | WrongKey():
            return "give the right key with --identity or --password-file, and rebuild again"
        case DamageFound() | VolumeMissing() if any(map(archive.parity_of, archive.volumes)):
            return f"glacier-backup verify --full --repair id:{archive.id} may mend it; then rebuild again"
        case DamageFound() | VolumeMissing():
            return "the next run sends those of its files again that are still there"
        case NotThawed():
            return "rebuild again in a few hours"
        case _:
            hint = f"{error.hint}; " if error is not None and error.hint else ""
            return f"{hint}rebuild again when that is cured"
