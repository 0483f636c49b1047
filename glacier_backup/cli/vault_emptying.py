"""``vault empty``: every archive of a vault is deleted, if that is really wanted."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Collection
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.cli import render
from glacier_backup.cli.vaults import say_again, vault
from glacier_backup.errors import DestinationError, Interrupted, UsageError

if TYPE_CHECKING:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.config.settings import Settings
    from glacier_backup.destination.destination import Destination
    from glacier_backup.model.prices import Prices
    from glacier_backup.model.thaw import Stored
    from glacier_backup.workflow.vault import Emptied

_STEP = 100
"""Archives between two words of how far it is."""


class _Total(NamedTuple):
    """What would be deleted, and what that costs."""

    archives: int
    bytes: int
    first: datetime | None
    last: datetime | None
    young: int
    """Archives whose least term isn't over."""
    fee: float
    """As far as there are prices."""
    unpriced: int


def empty(arguments: argparse.Namespace) -> int:
    """Show what there is, have it confirmed, and delete it; the exit code."""
    from glacier_backup.interrupt import StopRequest, listening
    from glacier_backup.workflow.vault import inventory_of

    catalog = _catalog_file(arguments)
    with (
        listening(StopRequest()) as stop,
        vault(arguments, arguments.vault) as (settings, name, where),
        _Deleting(arguments, name, where) as deleting,
    ):
        archives = inventory_of(where, stop.check)
        if archives is None:
            return say_again(name)
        prices = _prices(settings)
        total = _total(archives, prices)
        deleting.show(total, prices)
        if arguments.dryrun or not archives:
            return deleting.answer(total, None)
        _refuse_fee(arguments, total, prices)
        try:
            with stop.at_once():
                _confirm(arguments.yes_delete_everything, name, total)
        except Interrupted:
            raise Interrupted("interrupted: nothing was deleted") from None
        deleting.open(catalog or settings.catalog)
        return deleting.answer(total, deleting.all(archives, stop.check))


class _Deleting:
    """What the screen and the catalog hear of it."""

    def __init__(self, arguments: argparse.Namespace, name: str, where: Destination) -> None:
        self._arguments = arguments
        self._name = name
        self._where = where
        self._stack = ExitStack()
        self._catalog: Catalog | None = None
        self._place: int | None = None
        self._seen = sys.stderr.isatty() and not arguments.quiet
        self._count = self._deleted = 0

    def __enter__(self) -> _Deleting:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def show(self, total: _Total, prices: Prices) -> None:
        """What would be deleted."""
        from glacier_backup.units import format_size, local_time

        if self._arguments.quiet or self._arguments.json:
            return
        if total.first is None or total.last is None:
            render.say(f"the last inventory of vault {self._name}, which is about a day old, has no archive")
            return
        size, since, until = format_size(total.bytes), local_time(total.first), local_time(total.last)
        render.say(f"vault {self._name} has {total.archives} archives of {size} in its last inventory,")
        render.say(f"stored from {since} to {until}")
        if total.young:
            render.say(f"{total.young} of them are not as old as they are paid for: {_fee(total, prices)}")

    def open(self, file: str) -> None:
        """The catalog, if there is one, with the lock that no backup runs meanwhile."""
        from glacier_backup.catalog.catalog import Catalog
        from glacier_backup.lock import RunLock

        self._stack.enter_context(RunLock(file))
        if os.path.exists(file):
            self._catalog = self._stack.enter_context(Catalog.open(file))
            known = self._catalog.place_id(self._where.identify(holds_archives=False))
            # What was taken over while nobody could be asked is noted under `-`. Ids are those of no other vault.
            self._place = self._catalog.place_id(self._where.place, trusting=True) if known is None else known

    def all(self, archives: Collection[Stored], check: Callable[[], object]) -> Emptied:
        """Delete them."""
        from glacier_backup.workflow import vault as workflow

        self._count = len(archives)
        forget = workflow.forgetting(self._catalog, self._place)
        try:
            return workflow.empty(self._where, archives, forget, self._told, check)
        except Interrupted:
            done = f"interrupted: {self._deleted} of {self._count} archives are deleted, perhaps some more"
            raise Interrupted(done, hint="run it again to go on") from None

    def _told(self, deleted: int, error: DestinationError | None) -> None:
        self._deleted = deleted
        if error is not None:
            render.warn(str(error) + (f"; {error.hint}" if error.hint else ""))
        elif self._seen and deleted % _STEP == 0:
            render.warn(f"{deleted} of {self._count} archives are deleted")

    def answer(self, total: _Total, emptied: Emptied | None) -> int:
        """Say what was done; the exit code."""
        if self._arguments.json:
            render.write_json({"vault": self._name, **_total_json(total), **_emptied_json(emptied)})
        elif emptied is not None and not self._arguments.quiet:
            render.say(f"{emptied.deleted} archives are deleted" + _forgotten(emptied))
            render.say("what was stored since the inventory stays; once an inventory finds nothing, in a day or two,")
            render.say(f"glacier-backup vault delete {self._name} removes the vault")
        return 1 if emptied is not None and emptied.failed else 0


def _forgotten(emptied: Emptied) -> str:
    text = f", {emptied.failed} could not be" if emptied.failed else ""
    return text + (f"; {emptied.forgotten} of them were in the catalog, and no more are" if emptied.forgotten else "")


def _catalog_file(arguments: argparse.Namespace) -> str | None:
    """The catalog that the command line names. Raises UsageError where it isn't there."""
    named: str | None = arguments.catalog
    if named is None:
        return None
    file = os.path.abspath(os.path.expanduser(named))
    if not os.path.exists(file):
        raise UsageError(f"there is no catalog {file}")
    return file


def _prices(settings: Settings) -> Prices:
    from glacier_backup.config.prices import SHIPPED, read_prices

    return read_prices(settings.prices or SHIPPED)


def _total(archives: Collection[Stored], prices: Prices) -> _Total:
    from glacier_backup.plan.cost import early_deletion, remaining_days
    from glacier_backup.plan.thawing import Shelf
    from glacier_backup.units import now

    shelf, moment = Shelf("glacier"), now()
    size = young = unpriced = 0
    fee = 0.0
    first = last = None
    for one in archives:
        size += one.size
        first = one.stored_at if first is None else min(first, one.stored_at)
        last = one.stored_at if last is None else max(last, one.stored_at)
        if remaining_days(prices, shelf, one.stored_at, moment):
            young += 1
            charge = early_deletion(prices, shelf, one.size, one.stored_at, moment)
            fee += charge or 0.0
            unpriced += charge is None
    return _Total(len(archives), size, first, last, young, fee, unpriced)


def _fee(total: _Total, prices: Prices) -> str:
    if total.unpriced:
        return "deleting them now costs what the price table doesn't know"
    return f"deleting them now costs about {prices.say(total.fee)} (prices of {prices.date})"


def _refuse_fee(arguments: argparse.Namespace, total: _Total, prices: Prices) -> None:
    if total.young and not arguments.accept_fee:
        raise UsageError(
            f"{total.young} archives are younger than their least term, and {_fee(total, prices)}",
            hint="nothing was deleted; --accept-fee deletes them all the same",
        )


def _confirm(given: str | None, name: str, total: _Total) -> None:
    """Raise UsageError unless the name was given once more, or is typed now."""
    if given is None:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(
                f"all {total.archives} archives of vault {name} would be deleted, for good",
                hint=f"nothing was deleted; if that is wanted: --yes-delete-everything {name}",
            )
        sys.stderr.write(f"to delete all {total.archives} archives for good, type the name of the vault: ")
        sys.stderr.flush()
        given = sys.stdin.readline().strip()
    if given != name:
        raise UsageError(f"{given!r} is not the name of the vault, {name}", hint="nothing was deleted")


def _emptied_json(emptied: Emptied | None) -> dict[str, render.Json]:
    if emptied is None:
        return {}
    return {"deleted": emptied.deleted, "failed": emptied.failed, "forgotten": emptied.forgotten}


def _total_json(total: _Total) -> dict[str, render.Json]:
    return {
        "archives": total.archives,
        "bytes": total.bytes,
        "young": total.young,
        "fee": None if total.unpriced else round(total.fee, 6),
    }
