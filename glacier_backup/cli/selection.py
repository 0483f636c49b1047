"""From words on the command line to what they mean in the catalog, for the verbs that bring back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.moments import is_ago, moment
from glacier_backup.config.places import is_server_url, path_on_server
from glacier_backup.config.prices import SHIPPED, read_prices
from glacier_backup.config.settings import Settings
from glacier_backup.errors import SourceError, SourceMissing, UsageError
from glacier_backup.machine import host_name
from glacier_backup.model.prices import Prices
from glacier_backup.model.snapshot import dataset_of
from glacier_backup.plan.choice import Choice
from glacier_backup.plan.known import AtPlace, Known
from glacier_backup.plan.receive import plan_receive
from glacier_backup.plan.restore import RestorePlan, plan_restore
from glacier_backup.plan.terms import Term
from glacier_backup.plan.words import Word, interpret
from glacier_backup.units import rfc3339

NOW = "now"


@dataclass(frozen=True)
class Selection:
    """What is wanted back, before it is looked up."""

    terms: tuple[Term, ...]
    at: datetime | None
    at_text: str
    """The same tomorrow, though "3 weeks ago" is another time then: so a restore that is under way goes on."""
    still_there: bool
    """Whether only what still exists on this machine is wanted."""
    place_id: int | None = None
    """The only place that it is to come from."""
    with_deleted: bool = False
    """Whether what is known to have been deleted at its source is wanted, too."""

    @property
    def texts(self) -> tuple[str, ...]:
        """What the words are called from anywhere."""
        return tuple(dict.fromkeys(term.text for term in self.terms))

    def plan(self, catalog: Catalog) -> RestorePlan:
        """Raises UsageError where there is nothing of it."""
        known = _known(catalog, self.place_id)
        if self.still_there:
            return plan_restore(known, self.terms, None, _Still(), with_deleted=self.with_deleted)
        return plan_restore(known, self.terms, self.at, with_deleted=self.with_deleted)

    def plan_receive(self, catalog: Catalog, target: str) -> RestorePlan:
        """The same of datasets, that are received into ``target``."""
        return plan_receive(_known(catalog, self.place_id), self.plan(catalog), self.terms, target)


def selection(
    catalog: Catalog, what: Sequence[str], at: str | None, place_id: int | None = None, *, with_deleted: bool = False
) -> Selection:
    """What the words mean, of what is stored at one place if one is named. Raises UsageError for one that means nothing
    that is stored, or more than one thing."""
    known = _known(catalog, place_id)
    found = {term.text: term for term in (interpret(known, word) for word in words(what))}
    text = " ".join((at or "").split())
    if text.lower() == NOW or not text:
        same = _said(text.lower(), with_deleted=with_deleted)
        return Selection(tuple(found.values()), None, same, bool(text), place_id, with_deleted)
    time = moment(text)
    same = _said(text if is_ago(text) else rfc3339(time), with_deleted=with_deleted)
    return Selection(tuple(found.values()), time, same, False, place_id, with_deleted)


def _said(at: str, *, with_deleted: bool) -> str:
    """What makes the wish another one."""
    return f"{at} with what was deleted".lstrip() if with_deleted else at


def _known(catalog: Catalog, place_id: int | None) -> Known:
    return catalog if place_id is None else AtPlace(catalog, place_id)


def place_id(text: str, settings: Settings, catalog: Catalog) -> int:
    """The place that ``text`` names: a destination of the INI file, or the place itself, as ``list`` shows it. Raises
    UsageError for one that the catalog doesn't know."""
    from glacier_backup.cli.destinations import destination

    places = catalog.places()
    for one in settings.destinations:
        if text in (one.name, str(one)):
            with closing(destination(one, settings.concurrency, lambda event: None)) as where:
                found = catalog.place_id(where.place, trusting=True)
            if found is not None:
                return found
    for id_, place in places:
        if text in (str(place), place.name):
            return id_
    known = ", ".join(str(place) for _, place in places)
    raise UsageError(f"nothing is known to be stored at {text}", hint=f"expected one of {known}" if known else None)


def prices_of(settings: Settings) -> Prices:
    """The price table in force; raises ConfigError."""
    return read_prices(settings.prices or SHIPPED)


def words(texts: Sequence[str]) -> tuple[Word, ...]:
    """What a person has named, as it is meant from the current folder; a server's URL with its port."""
    folder = os.getcwd() if texts else "/"
    return tuple(Word(_written(text), folder) for text in texts)


def _written(text: str) -> str:
    with suppress(ValueError):
        return str(path_on_server(text)) if is_server_url(text) else os.path.expanduser(text)
    return text


class _Still:
    """Whether what a choice was taken of is still there; on other machines nobody can look."""

    def __init__(self) -> None:
        self._host = host_name()
        self._datasets: dict[str, bool] = {}

    def __call__(self, choice: Choice) -> bool:
        if choice.host not in (None, self._host):
            return True
        if choice.stream is None:
            return os.path.lexists(choice.path)
        dataset = choice.stream.dataset
        if dataset not in self._datasets:
            self._datasets[dataset] = _is_dataset(dataset)
        return self._datasets[dataset]


def _is_dataset(path: str) -> bool:
    """Whether there is such a one here; where nobody can tell it counts as there."""
    from glacier_backup.zfs import Zfs

    try:
        Zfs().datasets(dataset_of(path)[1], recursive=False)
    except SourceMissing:
        return False
    except SourceError:
        return True
    return True
