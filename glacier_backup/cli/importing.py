"""Taking over the records of other systems: which settings they belong to, and what is needed for it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

from glacier_backup.catalog.believed import Believed
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.matching import Matching
from glacier_backup.catalog.pyarchiver import is_pyarchivers_record
from glacier_backup.catalog.streamer import is_streamer_record
from glacier_backup.cli.destinations import destination, set_environment
from glacier_backup.cli.keys import keys_of
from glacier_backup.cli.rebuilding import sources_of
from glacier_backup.config.pyarchiver import PyArchiver, read_pyarchiver
from glacier_backup.config.secrets import Once
from glacier_backup.config.settings import DestinationSettings, SectionSettings, Settings
from glacier_backup.destination.buckets.requests import BucketRequests
from glacier_backup.destination.destination import Destination
from glacier_backup.destination.local import Local
from glacier_backup.errors import DestinationUnavailable, UsageError
from glacier_backup.interrupt import StopRequest
from glacier_backup.lock import RunLock
from glacier_backup.machine import host_name
from glacier_backup.model.event import Imported, Listener, Warned
from glacier_backup.seal.keys import Keys
from glacier_backup.workflow import takeover_pyarchiver
from glacier_backup.workflow.takeover import read_record, take_over
from glacier_backup.workflow.takeover_pyarchiver import Tar, take_over_tars
from glacier_backup.workflow.takeover_streamer import Record, TakenOver, take_over_files

__all__ = ["import_record", "importing_files", "importing_tars", "is_pyarchivers_record", "is_streamer_record"]


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


@contextmanager
def importing_tars(
    settings: Settings,
    file: str,
    arguments: argparse.Namespace,
    tell: Listener,
    stop: StopRequest,
    seen: Callable[[Tar], object],
) -> Iterator[takeover_pyarchiver.TakenOver]:
    """Take over the tars that the record of pyArchiver in ``file`` names, as groups of files, where that or ``--from``
    says that they lie; what was found can be read inside. ``seen`` hears of each tar that was read.

    Raises CatalogError, ConfigError for a record whose settings can't be used, LockHeld, DestinationError, Interrupted,
    and UsageError for a ``--from`` that can be no place of such tars.
    """
    archiver = read_pyarchiver(file)
    place = _place_of_tars(archiver, settings, arguments)
    keys = keys_of(settings, arguments)(archiver.directory)
    set_environment(settings)
    with (
        Believed() as believed,
        RunLock(settings.catalog),
        Catalog.open(settings.catalog) as catalog,
        closing(destination(place, settings.concurrency, tell)) as where,
    ):
        record = takeover_pyarchiver.Record(file, archiver.directory, archiver.folder, archiver.excluded, believed)
        place_id = catalog.register(where.place, where.place)
        tools = takeover_pyarchiver.Tools(
            catalog, place_id, where, host_name(), _all_keys(keys, archiver), tell, stop.check, seen
        )
        taken = take_over_tars(record, tools)
        _warn_of_password(taken, tell)
        if _goes_there(archiver, place, settings, tell) and (taken.new or taken.known):
            _mark(where, catalog)
        yield taken


def _place_of_tars(archiver: PyArchiver, settings: Settings, arguments: argparse.Namespace) -> DestinationSettings:
    named = arguments.source or archiver.destination
    (found,) = sources_of([named], settings, arguments.config, os.environ).destinations
    if found.kind not in ("local", "sftp"):
        raise UsageError(f"tars of pyArchiver lie in a directory or on a server, and {found} is neither")
    return found


def _all_keys(keys: Keys, archiver: PyArchiver) -> list[Keys]:
    """First what restores will take, then the password that pyArchiver itself has noted."""
    noted = archiver.password
    given = [keys] if keys.password is not None else []
    return given if noted is None else [*given, Keys(password=Once(lambda: noted))]


def _warn_of_password(taken: takeover_pyarchiver.TakenOver, tell: Listener) -> None:
    """Where the password that restores take opens nothing, and that which pyArchiver has noted does."""
    if any(tar.password for tar in taken.new):
        tell(
            Warned(
                "the password of the INI file doesn't open these tars, and that in the record of pyArchiver does: give "
                "that to restore, with --password-file"
            )
        )


def _goes_there(archiver: PyArchiver, place: DestinationSettings, settings: Settings, tell: Listener) -> bool:
    """Whether what is new of the same directory goes where the tars are; where not, what that means is told."""
    section = next((one for one in settings.sections if one.path == archiver.directory), None)
    if section is None:
        tell(Warned(f"no section looks after {archiver.directory}: what is in the tars can be restored, and no more"))
        return False
    go_to = [str(settings.destination(name)) for name in section.destinations or settings.default_destinations]
    if str(place) not in go_to:
        there = ", ".join(go_to)
        tell(Warned(f"[{section.path}] goes to {there}, where nothing of this is: all of it is sent there anew"))
    return str(place) in go_to


def _mark(where: Destination, catalog: Catalog) -> None:
    """Of a directory here it is known now that it is the right one, and what is sent next must find it so. Where it
    can't be written the next run says so."""
    if isinstance(where, Local):
        with suppress(DestinationUnavailable):
            where.mark()
            catalog.mark(where.place)


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
