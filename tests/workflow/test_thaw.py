"""What is asked to become readable, and in what order it is read: as the time that it stays so demands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from glacier_backup.destination.destination import Check, Destination
from glacier_backup.destination.local import Local
from glacier_backup.errors import NotThawed
from glacier_backup.model.reading_event import ItemStarted
from glacier_backup.model.thaw import Thaw, ThawRequest
from glacier_backup.units import now
from tests.workflow.library import Library


class Cold(Local):
    """A directory whose archives are readable only for a time; ``until`` tells how long, by what is in the locator."""

    def __init__(self, root: str) -> None:
        super().__init__(root, create=True)
        self.asked: list[str] = []
        self.until: Callable[[str], timedelta] = lambda locator: timedelta(days=7)
        self.refuse = 0
        """How many fetches say that it isn't thawed."""

    def thaw(self, request: ThawRequest, check: Check) -> Thaw:
        self.asked.append(request.locator or "")
        return replace(super().thaw(request, check), id="job", until=self._until(request.locator or ""))

    def fetch(self, thaw: Thaw, start: int, buffer: memoryview, check: Check) -> int:
        if self.refuse:
            self.refuse -= 1
            raise NotThawed("it is over", hint="ask for it again")
        return super().fetch(thaw, start, buffer, check)

    def _until(self, locator: str) -> datetime:
        return now() + self.until(locator)


@pytest.fixture
def cold(tmp_path: Path) -> Cold:
    return Cold(str(tmp_path / "vault"))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "vault"), create=True), concurrency=1)
    for name in "abcd":
        (library.source / name).write_text(name)
    library.back_up()
    return library


def always(cold: Cold) -> Callable[[Destination], Destination]:
    return lambda destination: cold


def test_what_is_over_soonest_is_fetched_first(library: Library, cold: Cold) -> None:
    days = {"c": 1, "a": 2, "d": 3, "b": 4}
    cold.until = lambda locator: timedelta(days=next(days[name] for name in days if f"/{name}/" in f"/{locator}/"))

    assert library.restore(change=always(cold)).exit_code == 0, library.causes()
    started = [event.path[-1] for event in library.events if isinstance(event, ItemStarted)]
    assert started == ["c", "a", "d", "b"]


def test_what_would_be_over_too_soon_is_asked_for_again_before(library: Library, cold: Cold) -> None:
    cold.until = lambda locator: timedelta(minutes=5)
    cold.refuse = 1_000
    library.restore(change=always(cold))
    cold.asked.clear()
    cold.refuse = 0

    assert library.restore(change=always(cold)).exit_code == 0
    assert len(cold.asked) == 4


def test_what_stays_long_enough_is_not_asked_for_again(library: Library, cold: Cold) -> None:
    library.restore(change=always(cold))
    again = library.wish(target=str(library.folder / "again"))
    cold.asked.clear()

    assert library.restore(change=always(cold), wish=again).exit_code == 0
    assert cold.asked == []


def test_what_turns_out_to_be_over_is_asked_for_again_at_once_and_once(library: Library, cold: Cold) -> None:
    cold.refuse = 4

    assert library.restore(change=always(cold)).exit_code == 0, library.causes()
    assert len(cold.asked) == 8
    cold.refuse = 1_000
    cold.asked.clear()
    again = library.wish(target=str(library.folder / "again"))
    assert library.restore(change=always(cold), wish=again).exit_code == 1
    assert len(cold.asked) == 4
