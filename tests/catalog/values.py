"""Things to be recorded, as the tests need them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, Member, ReadProblem, Receipt, Role
from glacier_backup.model.candidate import CHANGED_BACK, Fingerprint
from glacier_backup.model.naming import group_path, prefix_group_path, stored_name
from glacier_backup.model.place import Place
from glacier_backup.model.prefix_group import below
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.record import ForeignUpload
from glacier_backup.model.stored import Rebuilt, StoredVolume
from glacier_backup.model.tree_digest import tree_fingerprint
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


def a_group(
    section: str = "/srv/photos",
    *,
    locator: str = "group-id",
    sent_at: datetime = MORNING,
    changed_back: bool = False,
    problems: Sequence[ReadProblem] = (),
) -> ArchiveRecord:
    """Several files of one section in one volume, and in a group with another locator others."""
    plain = an_archive(section, locator=locator, sent_at=sent_at, problems=problems)
    digest = hashlib.sha256(f"{section} {locator}".encode("utf-8", "surrogateescape")).hexdigest()
    name = f"{stored_name(section)}.pack.tar"
    label = replace(plain.label, kind="group", path=group_path(section, digest), name=name)
    seen = replace(plain.fingerprint, digest=digest + (CHANGED_BACK if changed_back else ""))
    return replace(plain, label=label, fingerprint=seen, changed_while_read=changed_back)


def a_file(name: str, *, top: str = "photos", size: int = 1_234, second: int = 1_700_000_000) -> Member:
    """A member of such a group, below its top."""
    return Member(f"{top}/{name}", "file", size, second * 10**9 + 1, 0o644, 0, None)


def a_link(name: str, target: str, *, top: str = "photos") -> Member:
    return Member(f"{top}/{name}", "symlink", 0, 1_700_000_000 * 10**9, 0o777, 0, target)


def by_prefix(
    section: str = "/srv/photos", prefix: str = "", *, locator: str = "zip-id", sent_at: datetime = MORNING
) -> ArchiveRecord:
    """A group that goes by a prefix, whose members :func:`under_key` makes."""
    plain, path = a_group(section, locator=locator, sent_at=sent_at), prefix_group_path(section, prefix)
    recipe = Recipe((Step("zip", {"top": f"host{section}", "depth": prefix.count("/") + 1}),))
    label = replace(
        plain.label,
        path=path,
        name=stored_name(path),
        container="zip",
        recipe_id=recipe.id,
        fixed_key=f"host{path}",
        below=below(recipe),
    )
    return replace(plain, label=label, recipe=recipe)


def under_key(
    name: str, *, section: str = "/srv/photos", size: int = 1_234, second: int = 1_700_000_000, key: str = ""
) -> Member:
    """A member of such a group; ``key``: what filters have put in front of its name."""
    its = a_file(f"{key}{name}", top=f"host{section}", size=size, second=second)
    return its._replace(source=name if key else None)


def of_tree(
    path: str,
    *,
    size: int = 1_234,
    second: int = 1_700_000_000,
    locator: str = "alone",
    sent_at: datetime = MORNING,
) -> ArchiveRecord:
    """A file of a whole tree that is sent alone, and looks as :func:`a_file` does."""
    recipe = Recipe((Step("raw"),))
    seen = tree_fingerprint("file", size, second * 10**9 + 1, 0o644)
    name = path.rpartition("/")[2]
    time = sent_at - timedelta(minutes=1)
    label = Label(name, path, "host", "file", "raw", time, recipe.id, seen.newest_mtime_ns, 0o644, path[1:])
    return ArchiveRecord(label, name, recipe, seen, (Receipt(locator, size, "e2" * 32, b"\xab" * 32, sent_at),))


def an_upload(path: str = "/srv/photos", locator: str = "old-id", sent_at: datetime = MORNING) -> ForeignUpload:
    """A row of another system's record."""
    return ForeignUpload(path, path.rpartition("/")[2] + ".tar", locator, sent_at)


def a_rebuilt(path: str = "/srv/photos", *, time: datetime = MORNING, locator: str = "") -> Rebuilt:
    """A directory that a vault's inventory tells of."""
    name = path.rpartition("/")[2] + ".tar"
    label = Label(name, path, "nas", "directory", "tar", time, "0123456789ab")
    volume = StoredVolume(1, locator or f"{path} {time}", 4_096, "e2" * 32, time + timedelta(minutes=1))
    return Rebuilt(label, (volume,), f"{name} token")


def intended(stored: ArchiveRecord) -> ArchiveRecord:
    """The same archive before anything of it is stored."""
    return replace(stored, receipts=())


def checksums(stored: ArchiveRecord) -> Checksums:
    (receipt,) = stored.receipts
    return Checksums(receipt.size, receipt.tree_hash, receipt.leaves, receipt.sha256, receipt.crc64nvme)


def a_sealed(path: str = "/srv/photos", *, fixed_key: str | None = None) -> ArchiveRecord:
    """A directory that is about to be sealed in volumes, with a hidden name."""
    plain = an_archive(path)
    steps = (Step("zstd", {"level": 3}), Step("split", {"volume_size": 4_096}), Step("age", {"recipients": "age1"}))
    recipe = Recipe((*plain.recipe.steps, *steps, Step("par2", {"redundancy": 5})))
    label = replace(
        plain.label, recipe_id=recipe.id, fixed_key=fixed_key, suffix=".zst.age", seal="z,s,a,p", alias="k3"
    )
    return replace(plain, label=label, recipe=recipe, receipts=())


def an_object(archive: ArchiveRecord, role: Role = "data", volume: int = 1) -> Label:
    """One of the objects of :func:`a_sealed`."""
    ends = {"data": f".v{volume:03}.age", "parity": f".v{volume:03}.age.par2", "manifest": ".age.recipe.json"}
    return replace(archive.label, suffix=f".zst{ends[role]}", role=role, volume=volume)


def a_receipt(label: Label, *, size: int = 4_096, stored_at: datetime = MORNING) -> Receipt:
    return Receipt(
        f"{label.path}{label.suffix}", size, "ab" * 32, b"\xab" * 32, stored_at, "a1" * 32, "AAAA", "GLACIER"
    )


def sums_of(receipt: Receipt, hmac_sha256: str | None = "c3" * 32) -> Checksums:
    return Checksums(receipt.size, receipt.tree_hash, receipt.leaves, receipt.sha256, receipt.crc64nvme, hmac_sha256)


def send_object(catalog: Catalog, archive: int, label: Label, *, stored_at: datetime = MORNING) -> Receipt:
    """Record an object of an archive in all the steps of its sending."""
    receipt = a_receipt(label, stored_at=stored_at)
    catalog.begin_object(archive, label, 16 * MIB)
    catalog.opened(archive, "upload-id")
    catalog.object_sent(archive, sums_of(receipt), "d4" * 32 if label.role == "data" else None)
    catalog.object_stored(archive, receipt)
    return receipt


def seal(
    catalog: Catalog,
    place_id: int,
    record: ArchiveRecord,
    members: Iterable[Member] = (),
    *,
    volumes: int = 2,
    parity: bool = True,
) -> int:
    """Record an archive in so many volumes, all but that it is finished; returns its id."""
    archive = catalog.intend(None, place_id, record, 16 * MIB)
    for volume in range(1, volumes + 1):
        send_object(catalog, archive, an_object(record, "data", volume), stored_at=minutes(volume))
        if parity:
            send_object(catalog, archive, an_object(record, "parity", volume), stored_at=minutes(volume))
    catalog.set_contents(archive, record, members)
    send_object(catalog, archive, an_object(record, "manifest", volumes), stored_at=minutes(volumes + 1))
    return archive


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
