"""All archives of a vault's inventory: read, and deleted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Check, Destination
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.model.thaw import Stored, ThawRequest
from glacier_backup.spool import Spool

AT_ONCE = 16
"""Archives that are being deleted at the same time."""

TOGETHER = 50
"""Archives that are forgotten in one transaction. What a kill leaves is deleted once more, and forgotten then."""

IN_VAIN = 20
"""Refusals, when nothing was deleted, after which no more are collected: a vault that is locked refuses all."""

Forget = Callable[[Sequence[str]], int]
"""Takes what has these locators out of the catalog; how many archives that were."""


def inventory_of(destination: Destination, check: Check) -> Spool[Stored] | None:
    """All that the vault's inventory lists; None while it is being made ready. One that was asked for already, by
    anybody, is used. Raises as the destination does."""
    asked = destination.thaw(ThawRequest(None), check)
    (thaw,) = destination.thawing([asked], check)
    if thaw.state != "ready":
        return None
    return Spool(destination.inventory(thaw, check))


@dataclass(frozen=True, slots=True)
class Emptied:
    """What became of the archives."""

    deleted: int
    """Those that were gone already included."""
    failed: int
    forgotten: int
    """By the catalog."""


def empty(
    destination: Destination,
    archives: Iterable[Stored],
    forget: Forget,
    told: Callable[[int, DestinationError | None], None],
    check: Check,
) -> Emptied:
    """Delete them all, and have each forgotten once it is deleted. May break off anywhere, and be repeated.

    ``told`` hears after each how many are deleted, and why this one couldn't be. Raises DestinationUnavailable,
    CatalogError, and what ``check`` raises.
    """
    return _Emptying(destination, forget, told, check).all(archives)


def forgetting(catalog: Catalog | None, place_id: int | None) -> Forget:
    """What forgets archives of that place; nothing where the catalog doesn't know it."""

    def forget(locators: Sequence[str]) -> int:
        if catalog is None or place_id is None:
            return 0
        ids = [
            archive.id
            for locator in locators
            for archive in catalog.stored_archives(ArchiveFilter(place_id=place_id, locator=locator))
        ]
        catalog.forget_archives(ids)
        return len(ids)

    return forget


class _Emptying:
    def __init__(
        self,
        destination: Destination,
        forget: Forget,
        told: Callable[[int, DestinationError | None], None],
        check: Check,
    ) -> None:
        self._destination = destination
        self._forget = forget
        self._told = told
        self._check = check
        self._under_way: deque[tuple[str, Future[None]]] = deque()
        self._gone: list[str] = []
        """Deleted, and not yet forgotten."""
        self._deleted = self._failed = self._forgotten = 0

    def all(self, archives: Iterable[Stored]) -> Emptied:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="delete") as pool:
            try:
                for one in archives:
                    self._check()
                    future = pool.submit(self._destination.delete, one.locator, self._check)
                    self._under_way.append((one.locator, future))
                    if len(self._under_way) >= 2 * AT_ONCE:
                        self._settle()
                while self._under_way:
                    self._settle()
            finally:
                pool.shutdown(cancel_futures=True)
                self._gone += [locator for locator, future in self._under_way if _is_done(future)]
                self._have_forgotten()
        return Emptied(self._deleted, self._failed, self._forgotten)

    def _settle(self) -> None:
        locator, future = self._under_way.popleft()
        try:
            future.result()
        except DestinationUnavailable:
            raise
        except DestinationError as error:
            self._failed += 1
            self._told(self._deleted, error)
            if self._failed == IN_VAIN and not self._deleted:
                raise DestinationUnavailable(
                    f"nothing was deleted, for the first {IN_VAIN} were all refused: {error}", hint=error.hint
                ) from error
            return
        self._deleted += 1
        self._gone.append(locator)
        if len(self._gone) >= TOGETHER:
            self._have_forgotten()
        self._told(self._deleted, None)

    def _have_forgotten(self) -> None:
        gone, self._gone = self._gone, []
        if gone:
            self._forgotten += self._forget(gone)


def _is_done(future: Future[None]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
