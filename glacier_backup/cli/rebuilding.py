"""``catalog rebuild``: from the destinations of the INI file, or of the command line, to a catalog."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.destinations import destination, set_environment
from glacier_backup.cli.sites import around, key_of
from glacier_backup.config.load import load
from glacier_backup.config.settings import DestinationSettings, Settings
from glacier_backup.destination.destination import Destination
from glacier_backup.errors import DestinationError, UsageError
from glacier_backup.interrupt import StopRequest
from glacier_backup.lock import RunLock
from glacier_backup.machine import host_name
from glacier_backup.model.event import Listener, Warned
from glacier_backup.model.finding import LookListener
from glacier_backup.model.journal import JournalEntry, live, read_journal
from glacier_backup.model.rebuilding import RebuiltPlace, Refused, UnreadPack
from glacier_backup.spool import Spool
from glacier_backup.workflow.rebuild import RebuildOrder, rebuild_place
from glacier_backup.workflow.rebuilding.first_copy import (
    UNSEALED,
    Copy,
    Opening,
    copies,
    newest_first,
    take_first,
    take_identities,
)
from glacier_backup.workflow.rebuilding.packs import PackOrder, read_packs
from glacier_backup.workflow.rebuilding.several import ManifestOpener, NoKeys
from glacier_backup.workflow.verifying.site import Site

if TYPE_CHECKING:
    from glacier_backup.model.place import Place


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """What is asked for."""

    settings: Settings
    sources: tuple[DestinationSettings, ...]
    copied_to: tuple[DestinationSettings, ...] = ()
    """Where copies of the catalog lie besides, as those of a vault's."""
    hosts: frozenset[str] = frozenset()
    """Only archives of these; of all where it is empty."""
    journal: str | None = None
    """Path of a journal of mt-aws-glacier."""
    use_copy: bool = True
    """Whether a copy of the catalog that lies at one of them, or besides, may be the beginning."""
    opening: Opening = UNSEALED
    """What opens such a copy, where it is sealed."""
    opener: ManifestOpener = field(default_factory=NoKeys)
    """What opens manifests that hide names."""
    packs: PackOrder = field(default_factory=PackOrder)
    """How to learn what is in packs; of which hosts ``hosts`` says."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    copy: str | None
    """The copy that it begins with, as it is called."""
    places: tuple[RebuiltPlace, ...]
    refused: Collection[Refused]
    unread: Collection[UnreadPack] = ()
    """Packs that could not be read."""

    @property
    def exit_code(self) -> int:
        failed = [place for place in self.places if place.error is not None]
        if failed and len(failed) == len(self.places):
            return max(place.exit_code for place in failed)
        if any(place.waiting or place.thawing or place.packs.thawing for place in self.places):
            return 75
        return 1 if failed or self.refused or self.unread else 0


def sources_of(named: Sequence[str], settings: Settings, config: str | None, environ: Mapping[str, str]) -> Settings:
    """``settings`` with the destinations that are ``named``: names of the INI file, or what ``destination`` takes.

    Raises ConfigError for what is neither.
    """
    if not named:
        return settings
    known = {one.name: one for one in settings.destinations} | {str(one): one for one in settings.destinations}
    found: dict[str, DestinationSettings] = {}
    for item in named:
        if item in known:
            found[item] = known[item]
            continue
        other = load(config, overrides={"destination": item}, environ=environ, needs_sections=False)
        found |= {name: other.destination(name) for name in other.default_destinations}
    return settings.model_copy(update={"destinations": tuple(found.values())})


def rebuild(order: Rebuilding, tell: Listener, look: LookListener, stop: StopRequest) -> Outcome:
    """Record what the sources have, as far as the catalog doesn't know it; where there is no catalog, the newest sound
    copy of one is its beginning.

    A source that can't be read doesn't keep the others from being read. Raises LockHeld, CatalogError, Interrupted, and
    UsageError for a journal that can't be read.
    """
    settings = order.settings
    set_environment(settings)
    with ExitStack() as stack:
        stack.enter_context(RunLock(settings.catalog))
        open_ = {
            one.name: stack.enter_context(closing(destination(one, settings.concurrency, tell)))
            for one in (*order.sources, *order.copied_to)
        }
        copy = _begin(order, open_.values(), tell, stop)
        refused: Spool[Refused] = Spool()
        unread: Spool[UnreadPack] = Spool()
        sources = [(one, open_[one.name]) for one in order.sources]
        with Catalog.open(settings.catalog) as catalog:
            places = tuple(_each(order, catalog, sources, _Left(refused, unread), look, stop))
        return Outcome(None if copy is None else copy.name, places, refused, unread)


def _begin(order: Rebuilding, sources: Iterable[Destination], tell: Listener, stop: StopRequest) -> Copy | None:
    """The copy that was put where there is no catalog. Keys that passwords protect are taken in any case: what is
    recorded is opened with them."""
    path = os.path.realpath(order.settings.catalog)
    # A log without its catalog is refused when that is opened; beside another catalog it would be taken for its own.
    is_there = any(map(os.path.lexists, (path, f"{path}-wal", f"{path}-journal")))
    wants_copy = order.use_copy and not is_there
    found: list[Copy] = []
    for one in sources:
        try:
            found += copies(one, key_of(one.place), stop.check)
        except DestinationError as error:
            if wants_copy:  # else that it can't be read is told when it is to be
                tell(Warned(f"{one.place}: no copy of the catalog can be looked for: {error}"))
    take_identities(_of_hosts(found, order.hosts), path, tell, stop.check)
    if not wants_copy:
        return None
    return take_first(newest_first(found, order.hosts, host_name()), path, tell, stop.check, order.opening)


def _of_hosts(found: Sequence[Copy], hosts: Collection[str]) -> list[Copy]:
    """What is of these hosts, or of this one; where nothing is, of all."""
    wanted = [one for one in found if one.host in (hosts or (host_name(),))]
    return wanted or ([] if hosts else list(found))


class _Left(NamedTuple):
    """What could not be taken in."""

    refused: Spool[Refused]
    unread: Spool[UnreadPack]


def _each(
    order: Rebuilding,
    catalog: Catalog,
    sources: Iterable[tuple[DestinationSettings, Destination]],
    left: _Left,
    look: LookListener,
    stop: StopRequest,
) -> Iterator[RebuiltPlace]:
    wanted = RebuildOrder(order.hosts, _journal(order.journal), order.opener)
    packs = replace(order.packs, hosts=order.hosts)
    known = around(order.settings)
    for settings, one in sources:
        done = RebuiltPlace(str(one.place))
        try:
            place = _identified(one)
            site = Site(catalog.register(one.place, place), place, one, key_of(place), known)
            done = rebuild_place(site, catalog, wanted, left.refused.append, look, stop.check)
            if not done.waiting:
                read = read_packs(site, catalog, packs, left.unread.append, look, stop.check, cold=settings.cold)
                done = replace(done, packs=read)
            yield done
        except DestinationError as error:
            yield replace(done, error=str(error), hint=error.hint, exit_code=error.exit_code)


def _identified(one: Destination) -> Place:
    """Only of a vault more than its name has to be known."""
    return one.identify(holds_archives=False) if one.place.kind == "glacier" else one.place


class _Journal:
    """A journal of mt-aws-glacier, read anew each time."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self) -> Iterator[JournalEntry]:
        try:
            with open(self._path, encoding="utf-8", newline="\n") as lines:
                yield from live(read_journal(lines))
        except OSError as error:
            raise UsageError(f"the journal {self._path} can't be read: {error.strerror}") from error
        except ValueError as error:
            raise UsageError(f"{self._path}: {error}", hint="is it a journal of mt-aws-glacier?") from error


def _journal(path: str | None) -> _Journal | type[tuple[JournalEntry, ...]]:
    return tuple if path is None else _Journal(path)
