"""Things to be recorded, as the tests need them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, Member, ReadProblem, Receipt
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.place import Place
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.record import ForeignUpload
from glacier_backup.model.stored import Rebuilt, StoredVolume
from glacier_backup.units import MIB

MORNING = datetime(2026, 3, 21, 4, 0, tzinfo=UTC)

LOCAL = Place("local", "/mnt/vault")

NOT_UTF8 = "caf\udce9"
"""What :func:`os.fsdecode` makes of ``caf\\xe9``."""


def minutes(count: int) -> datetime:
    """So many minutes after MORNING."""
    return MORNING + timedelta(minutes=count)


def an_archive(
    path: str = "/srv/photos",
    *,
    sent_at: datetime = MORNING,
    locator: str = "archive-id",
    digest: str = "d1" * 32,
    problems: Sequence[ReadProblem] = (),
    changed: bool = False,
    newest_mtime_ns: int = 1_700_000_000_123_456_789,
) -> ArchiveRecord:
    """A directory that was packed by tar and stored in one volume."""
    recipe = Recipe((Step("tar", {"format": "pax"}),))
    name = path.rpartition("/")[2] + ".tar"
    return ArchiveRecord(
        label=Label(name, path, "host", "directory", "tar", sent_at - timedelta(minutes=1), recipe.id),
        description=f"{name} token",
        recipe=recipe,
        fingerprint=Fingerprint(digest, bytes=5_000, entries=3, newest_mtime_ns=newest_mtime_ns, mode=0o755),
        receipts=(Receipt(locator, 10_240, "e2" * 32, b"\xab" * 32, sent_at),),
        problems=tuple(problems),
        changed_while_read=changed,
    )


def a_member(path: str = "photos/a.jpg", *, offset: int = 0) -> Member:
    return Member(path, "file", 1_234, 1_700_000_000_000_000_001, 0o644, offset, None)


def an_upload(path: str = "/srv/photos", locator: str = "old-id", sent_at: datetime = MORNING) -> ForeignUpload:
    """A row of another system's record."""
    return ForeignUpload(path, path.rpartition("/")[2] + ".tar", locator, sent_at)


def a_rebuilt(path: str = "/srv/photos", *, time: datetime = MORNING, locator: str = "") -> Rebuilt:
    """A directory that a vault's inventory tells of."""
    name = path.rpartition("/")[2] + ".tar"
    label = Label(name, path, "nas", "directory", "tar", time, "0123456789ab")
    volume = StoredVolume(1, locator or f"{path} {time}", 4_096, "e2" * 32, time + timedelta(minutes=1))
    return Rebuilt(label, volume, f"{name} token")


def intended(stored: ArchiveRecord) -> ArchiveRecord:
    """The same archive before anything of it is stored."""
    return replace(stored, receipts=())


def checksums(stored: ArchiveRecord) -> Checksums:
    (receipt,) = stored.receipts
    return Checksums(receipt.size, receipt.tree_hash, receipt.leaves, receipt.sha256)


def record(
    catalog: Catalog, run: int | None, place_id: int, stored: ArchiveRecord, members: Iterable[Member] = ()
) -> int:
    """Record an archive in all the steps of its sending; returns its id."""
    archive = catalog.intend(run, place_id, intended(stored), 16 * MIB)
    catalog.opened(archive, "upload-id")
    catalog.completing(archive, intended(stored), checksums(stored), members)
    catalog.stored(archive, *stored.receipts)
    return archive


def filled(catalog: Catalog, *records: ArchiveRecord, place: Place = LOCAL) -> int:
    """Record all of them in one run; returns the id of their place."""
    place_id = catalog.register(place, place)
    run = catalog.begin_run("host")
    for stored in records:
        record(catalog, run, place_id, stored, [a_member()])
    return place_id
