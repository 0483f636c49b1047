"""From settings to objects: the only place that knows both."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.config.settings import Settings
from glacier_backup.destination.aws import Access
from glacier_backup.destination.destination import Destination
from glacier_backup.destination.glacier import Glacier
from glacier_backup.destination.local import Local
from glacier_backup.errors import UsageError
from glacier_backup.interrupt import StopRequest
from glacier_backup.lock import RunLock
from glacier_backup.model.event import Event, Imported, Listener, Summary, Waiting
from glacier_backup.model.place import Place
from glacier_backup.model.plan import BackupPlan
from glacier_backup.pack.registry import PACKERS
from glacier_backup.resolve.registry import SOURCES
from glacier_backup.resolve.source import Selection
from glacier_backup.workflow import backup as workflow
from glacier_backup.workflow.backup import Backup
from glacier_backup.workflow.prepare import Order
from glacier_backup.workflow.send import Tools
from glacier_backup.workflow.takeover import OlderRecord, older_record, read_record, take_over

_logger = logging.getLogger("glacier_backup")


def plan_backup(settings: Settings, *, force: bool = False) -> BackupPlan:
    """What a run would do now and why; sends no request and writes nothing.

    Raises CatalogError when there is a catalog that can't be read.
    """
    with Catalog.peek(settings.catalog) as catalog, _backup(settings, catalog, force, Told(())) as backup:
        return workflow.preview(backup)


def run_backup(
    settings: Settings,
    plan: BackupPlan | None = None,
    *,
    force: bool = False,
    listeners: Sequence[Listener] = (),
    stop: StopRequest | None = None,
) -> Summary:
    """Carry out ``plan``, or plan anew; every archive is recorded as soon as it is stored.

    Each listener is called with every event (:mod:`glacier_backup.model.event`), one at a time, from any thread; one
    that raises is told nothing more. ``stop.set()``, from any thread, ends the run cleanly.
    A candidate that fails is in the summary, not raised. Raises LockHeld, CatalogError, and
    DestinationUnavailable when nothing could be tried; ValueError for a plan made for another destination.
    """
    with (
        closing(Told(listeners)) as tell,
        RunLock(settings.catalog),
        Catalog.open(settings.catalog) as catalog,
        _backup(settings, catalog, force, tell) as backup,
    ):
        return workflow.run(backup, tell, stop or StopRequest(), plan)


class Told:
    """Hands each event to every listener, one event at a time, whatever thread it comes from."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = list(listeners)
        # A listener may call for a stop, or be interrupted by one that tells something.
        self._lock = threading.RLock()

    def close(self) -> None:
        """Tell nobody anything any more: a thread that a run has left behind may still have something to say."""
        with self._lock:
            self._listeners.clear()

    def __call__(self, event: Event) -> None:
        with self._lock:
            for listener in tuple(self._listeners):
                try:
                    listener(event)
                except Exception:  # a screen or log that fails must not end a backup
                    self._listeners.remove(listener)
                    _logger.warning("a listener failed and is told nothing more", exc_info=True)


@contextmanager
def _backup(settings: Settings, catalog: Catalog, force: bool, tell: Listener) -> Iterator[Backup]:
    order = Order(selections(settings), force=force, limit=settings.limit, ad_hoc=settings.ad_hoc)
    with closing(destination(settings, tell)) as where:
        tools = Tools(
            source=SOURCES["local"](own=_own_files(settings), vault=settings.local_path),
            packers=PACKERS,
            destination=where,
            host=socket.gethostname() or "localhost",
            part_size=settings.part_size,
        )
        yield Backup(order, tools, catalog, settings.concurrency, _older(settings, catalog, where.place))


def _own_files(settings: Settings) -> list[str]:
    """What every run changes by itself, which is no change of a directory that happens to hold it."""
    return [settings.catalog, *([settings.logfile] if settings.logfile else [])]


def _older(settings: Settings, catalog: Catalog, place: Place) -> OlderRecord | None:
    """The record of glacier_backup 1.2, while the catalog knows of nothing in that vault."""
    if settings.vault_name is None or settings.local_path is not None:
        return None
    place_id = catalog.place_id(place, trusting=True)
    if place_id is not None and catalog.holds_archives(place_id):
        return None
    older = older_record(settings.record_folders, settings.vault_name)
    # It says nothing of regions: what was taken over as one vault of that name is not another's.
    return None if older is None or catalog.has_imported(older.file) else older


def selections(settings: Settings) -> tuple[Selection, ...]:
    """What the path sections select, in their order."""
    return tuple(
        Selection(
            path=section.path,
            single_dir=section.upload_single_dir,
            dirs=section.upload_dirs,
            files=section.upload_files,
            compare=section.upload_if_changed,
            exclude=section.exclude,
        )
        for section in settings.sections
    )


def destination(settings: Settings, tell: Listener) -> Destination:
    """Where the settings say that archives go."""
    parallel, bandwidth = settings.concurrency, settings.bandwidth_limit
    if settings.local_path is not None:
        return Local(settings.local_path, create=settings.embedded, concurrency=parallel, bandwidth=bandwidth)
    if settings.vault_name is None:
        raise AssertionError("the configuration names a vault wherever it names no directory")
    access = Access(settings.region, settings.profile, settings.endpoint_url)

    def waiting(cause: str, seconds: float) -> None:
        tell(Waiting(cause, seconds))

    return Glacier(settings.vault_name, settings.account_id, access, parallel, bandwidth, waiting)


def import_record(settings: Settings, file: str, tell: Listener) -> Imported:
    """Take over the record of glacier_backup 1.2 in ``file``, as archives in the configured vault.

    Raises CatalogError, LockHeld, DestinationUnavailable when the vault can't be asked whose it is, and UsageError
    where archives go elsewhere, or the file is named for another vault.
    """
    record = read_record(file)
    with (
        RunLock(settings.catalog),
        Catalog.open(settings.catalog) as catalog,
        closing(destination(settings, tell)) as where,
    ):
        place = where.place
        if place.kind != "glacier":
            raise UsageError(f"the record is of archives in a vault, and archives go to {place}", hint="add -v VAULT")
        named = os.path.basename(file).removeprefix("glacier.").removesuffix(".sqlite3").strip("'\"")
        if os.path.basename(file).startswith("glacier.") and named != place.name:
            raise UsageError(f"{file} is the record of vault {named}, and archives go to {place.name}", hint="add -v")
        place_id = catalog.register(place, where.identify(holds_archives=False))
        return take_over(record, catalog, place_id, tell)
