"""Taking over the records of other systems: which settings they belong to, and what is needed for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.matching import Matching
from glacier_backup.catalog.streamer import is_streamer_record
from glacier_backup.cli.destinations import destination, set_environment
from glacier_backup.config.settings import DestinationSettings, SectionSettings, Settings
from glacier_backup.destination.buckets.requests import BucketRequests
from glacier_backup.errors import UsageError
from glacier_backup.lock import RunLock
from glacier_backup.model.event import Imported, Listener
from glacier_backup.workflow.takeover import read_record, take_over
from glacier_backup.workflow.takeover_streamer import Record, TakenOver, take_over_files

__all__ = ["import_record", "importing_files", "is_streamer_record"]


def import_record(settings: Settings, file: str, tell: Listener) -> Imported:
    """Take over the record of glacier_backup 1.2 in ``file``, as archives in the configured vault.

    Raises CatalogError, LockHeld, DestinationUnavailable when the vault can't be asked whose it is, and UsageError
    where archives go to no vault, or to several, or the file is named for another vault.
    """
    record = read_record(file)
    vault = _only_vault(settings)
    named = os.path.basename(file).removeprefix("glacier.").removesuffix(".sqlite3").strip("'\"")
    if os.path.basename(file).startswith("glacier.") and named != vault.vault_name:
        raise UsageError(f"{file} is the record of vault {named}, and archives go to {vault.vault_name}", hint="add -v")
    set_environment(settings)
    with (
        RunLock(settings.catalog),
        Catalog.open(settings.catalog) as catalog,
        closing(destination(vault, settings.concurrency, tell)) as where,
    ):
        place_id = catalog.register(where.place, where.identify(holds_archives=False))
        return take_over(record, catalog, place_id, tell)


@contextmanager
def importing_files(settings: Settings, file: str, tell: Listener) -> Iterator[TakenOver]:
    """Take over the record of the Storage Box streamer in ``file``, as files of the only tree on a server; what was
    found can be read inside.

    Raises CatalogError, LockHeld, DestinationError, and UsageError where there is no such section, or several, or it
    isn't sent to one bucket.
    """
    section = _only_tree(settings)
    bucket = _only_bucket(section, settings)
    set_environment(settings)
    with (
        Matching() as matching,
        RunLock(settings.catalog),
        Catalog.open(settings.catalog) as catalog,
        closing(destination(bucket, settings.concurrency, tell)) as where,
    ):
        place_id = catalog.register(where.place, where.identify(holds_archives=False))
        record = Record(file, section.path, matching)
        yield take_over_files(record, catalog, place_id, where, tell, BucketRequests.is_denial)


def _only_vault(settings: Settings) -> DestinationSettings:
    vaults = [one for one in settings.destinations if one.kind == "glacier"]
    if len(vaults) != 1:
        go_to = ", ".join(map(str, settings.destinations))
        raise UsageError(f"the record is of archives in a vault, and archives go to {go_to}", hint="add -v VAULT")
    return vaults[0]


def _only_tree(settings: Settings) -> SectionSettings:
    trees = [section for section in settings.sections if section.is_tree and section.server is not None]
    if len(trees) == 1:
        return trees[0]
    found = "there are " + " and ".join(f"[{section.path}]" for section in trees) if trees else "there is none"
    raise UsageError(
        f"the record is of the files of one section [sftp://…] with upload_tree, and {found}",
        hint="name with -c an INI file that has it alone; glacier-backup config import FILE.env writes one",
    )


def _only_bucket(section: SectionSettings, settings: Settings) -> DestinationSettings:
    go_to = [settings.destination(name) for name in section.destinations or settings.default_destinations]
    buckets = [one for one in go_to if one.kind == "s3"]
    if len(buckets) != 1:
        raise UsageError(
            f"the record is of files in a bucket, and [{section.path}] goes to {', '.join(map(str, go_to))}",
            hint="name the bucket in its destination, and no other one",
        )
    return buckets[0]
