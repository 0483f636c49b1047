"""From settings to objects: with :mod:`destinations` and :mod:`origins` beside it the only place that knows both."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import Generic, TypeVar

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.destinations import classify, destination, set_environment
from glacier_backup.cli.key_check import check_first
from glacier_backup.cli.origins import DATASETS, origin_names, origins, snapshot_rules
from glacier_backup.cli.sealing import Sealing
from glacier_backup.config.settings import DestinationSettings, SectionSettings, ServerSettings, Settings
from glacier_backup.errors import ConfigError, SealError
from glacier_backup.exclusion import Exclusion
from glacier_backup.interrupt import StopRequest
from glacier_backup.lock import RunLock
from glacier_backup.machine import host_name
from glacier_backup.model.event import Event, Listener, Summary, Warned
from glacier_backup.model.filters import Prefixing
from glacier_backup.model.place import Place
from glacier_backup.model.plan import BackupPlan
from glacier_backup.resolve.source import Hashing, Selection, TreeRules, divided
from glacier_backup.workflow import backup as workflow
from glacier_backup.workflow.backup import Backup
from glacier_backup.workflow.replicate import Copying, Shelf, replicate
from glacier_backup.workflow.sending.group_deciding import nothing_sent
from glacier_backup.workflow.sending.prepare import Order, prepare
from glacier_backup.workflow.takeover import OlderRecord, older_record
from glacier_backup.workflow.tools import Target, Tools

E = TypeVar("E")

_HASHING: Mapping[str, Hashing] = {"size, mtime": "never", "size, mtime, hash": "other time", "hash": "always"}
"""By what the option ``compare`` says."""

_logger = logging.getLogger("glacier_backup")


def plan_backup(settings: Settings, *, force: bool = False) -> BackupPlan:
    """What a run would do now and why; sends no request and writes nothing.

    Raises CatalogError when there is a catalog that can't be read.
    """
    sealing = Sealing(settings, create=False)
    sealing.make_all()
    tell = Told[Event](())
    with Catalog.peek(settings.catalog) as catalog, _backup(settings, catalog, force, tell, sealing) as backup:
        return workflow.preview(backup)


def plan_anew(settings: Settings, catalog: Catalog, sealing: Sealing, tell: Listener) -> BackupPlan:
    """What a run would do if nothing had been sent yet; sends no request and writes nothing."""
    with _backup(settings, catalog, False, tell, sealing) as backup:
        nothing = {target.name: nothing_sent for target in backup.targets}
        return prepare(backup.order, backup.tools.origins, backup.targets, nothing, host=backup.tools.host)


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
    A candidate that fails is in the summary, not raised. Raises LockHeld, CatalogError, ConfigError for keys that
    nothing can be sealed with, and DestinationUnavailable when nothing could be tried; ValueError for a plan made for
    another destination.
    """
    with closing(Told(listeners)) as tell, RunLock(settings.catalog), Catalog.open(settings.catalog) as catalog:
        sealing = Sealing(settings, create=True)
        sealing.make_all()
        check_first(settings, sealing, tell)
        with _backup(settings, catalog, force, tell, sealing) as backup:
            return workflow.run(backup, tell, stop or StopRequest(), plan)


class Told(Generic[E]):
    """Hands each event to every listener, one event at a time, whatever thread it comes from."""

    def __init__(self, listeners: Sequence[Callable[[E], None]]) -> None:
        self._listeners = list(listeners)
        # A listener may call for a stop, or be interrupted by one that tells something.
        self._lock = threading.RLock()

    def close(self) -> None:
        """Tell nobody anything any more: a thread that a run has left behind may still have something to say."""
        with self._lock:
            self._listeners.clear()

    def __call__(self, event: E) -> None:
        with self._lock:
            for listener in tuple(self._listeners):
                try:
                    listener(event)
                except Exception:  # a screen or log that fails must not end a backup
                    self._listeners.remove(listener)
                    _logger.warning("a listener failed and is told nothing more", exc_info=True)


@contextmanager
def _backup(settings: Settings, catalog: Catalog, force: bool, tell: Listener, sealing: Sealing) -> Iterator[Backup]:
    set_environment(settings)
    order = Order(selections(settings), force=force, limit=settings.limit, ad_hoc=settings.ad_hoc)
    with ExitStack() as stack:
        targets = tuple(_target(one, settings, catalog, tell, stack) for one in settings.destinations)
        shelves = _shelves(settings, targets, tell, stack)
        trees = {one.path: one.tree for one in order.sections.values() if one.tree is not None}
        tools = Tools(
            origins(settings, stack),
            host_name(),
            trees,
            increments={one.path: one.full_every for one in settings.in_force if one.is_chained},
            snapshots=snapshot_rules(settings),
            seal=sealing.of_section,
            catalog_seal=sealing.of_catalog,
            spool_dir=settings.spool_dir,
            temporary_dir=sealing.temporary_dir,
            private=sealing.is_private,
        )
        yield Backup(order, tools, targets, catalog, settings.concurrency, shelves)


def _shelves(settings: Settings, targets: Sequence[Target], tell: Listener, stack: ExitStack) -> tuple[Shelf, ...]:
    """Where copies of the catalog go. What archives are sent to, too, isn't opened twice."""
    known = {target.name: target.destination for target in targets}
    return tuple(
        Shelf(
            one.name, known.get(one.name) or stack.enter_context(closing(destination(one, settings.concurrency, tell)))
        )
        for one in settings.copied_to
    )


def copy_catalog(settings: Settings, catalog: Catalog, tell: Listener, stop: StopRequest) -> None:
    """After something else than a run has changed it; the caller holds the lock. Raises Interrupted; all else is
    told."""
    set_environment(settings)
    with ExitStack() as stack:
        shelves = _shelves(settings, (), tell, stack)
        try:
            seal = Sealing(settings, create=True).of_catalog
        except (ConfigError, SealError) as error:
            tell(Warned(f"the catalog could not be copied: {error}"))
            return
        replicate(Copying(catalog, host_name(), tell, stop, seal), shelves)


def _target(one: DestinationSettings, settings: Settings, catalog: Catalog, tell: Listener, stack: ExitStack) -> Target:
    where = stack.enter_context(closing(destination(one, settings.concurrency, tell)))
    older = _older(one, settings, catalog, where.place)
    return Target(one.name, where, one.part_size, older, classify(one, settings))


def _older(one: DestinationSettings, settings: Settings, catalog: Catalog, place: Place) -> OlderRecord | None:
    """The record of glacier_backup 1.2, while the catalog knows of nothing in that vault."""
    if one.vault_name is None or one.kind != "glacier":
        return None
    place_id = catalog.place_id(place, trusting=True)
    if place_id is not None and catalog.holds_archives(place_id):
        return None
    older = older_record(settings.record_folders, one.vault_name)
    # It says nothing of regions: what was taken over as one vault of that name is not another's.
    return None if older is None or catalog.has_imported(older.file) else older


def selections(settings: Settings) -> tuple[Selection, ...]:
    """What the path sections select, in their order."""
    names = origin_names(settings)
    around = {one.path: one for one in divided([_selection(one, settings) for one in settings.configured])}
    return tuple(
        replace(
            _selection(section, settings),
            origin=_origin(section, names),
            within=None if (tree := settings.tree_around(section.path)) is None else around[tree.path],
        )
        for section in settings.sections
    )


def _selection(section: SectionSettings, settings: Settings) -> Selection:
    return Selection(
        path=section.path,
        single_dir=section.upload_single_dir,
        dirs=section.upload_dirs,
        files=section.upload_files,
        compare=section.upload_if_changed or section.snapshots is not None,
        exclude=section.exclude,
        exclusion=_exclusion(section),
        destinations=section.destinations or settings.default_destinations,
        tree=_tree_rules(section) if section.upload_tree else None,
        snapshots=section.snapshots,
    )


def _origin(section: SectionSettings, names: Mapping[ServerSettings, str]) -> str:
    if section.snapshots is not None:
        return DATASETS
    return "" if section.server is None else names[section.server]


def _exclusion(section: SectionSettings) -> Exclusion:
    exclusion = Exclusion(section.exclude_patterns, section.exclude_regex)
    if not section.excluded_from:
        return exclusion
    return exclusion.asked_for(section.path[len(section.excluded_from.rstrip("/")) + 1 :])


def _tree_rules(section: SectionSettings) -> TreeRules:
    below = section.groups_below
    return TreeRules(
        section.exclude_paths,
        section.symlinks,
        section.keys,
        section.keep_versions,
        section.pack_size,
        _HASHING[section.compare],
        None if below is None else Prefixing(below, section.group_names, section.group_max),
        expire_deleted=section.deleted == "expire",
        max_delete=section.max_delete,
        filters=section.filters,
    )
