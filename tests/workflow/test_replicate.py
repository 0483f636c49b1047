"""Copies of the catalog, and the note, that go where archives go."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.snapshot import packed
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import Label
from glacier_backup.model.event import Event, Summary, Warned
from glacier_backup.model.naming import RESTORE_NOTE, is_catalog_copy
from glacier_backup.model.place import Place
from glacier_backup.model.restore_note import NOTE, NOTE_EDITION
from glacier_backup.workflow.backup import run
from glacier_backup.workflow.replicate import Copying, Shelf, replicate
from tests.catalog.values import an_archive, filled
from tests.fakes import MemoryDestination
from tests.workflow.world import World


class Copies:
    """A catalog, a place that has none of it, and what was told."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.destination = MemoryDestination()
        self.told: list[Event] = []
        self.stop = StopRequest()

    def change(self) -> None:
        filled(self.catalog, an_archive(f"/srv/{self.catalog.changes()}"))

    def copy(self, *others: Shelf, host: str = "nas") -> list[str]:
        """Replicate; what was told."""
        self.told.clear()
        copying = Copying(self.catalog, host, self.told.append, self.stop)
        replicate(copying, [Shelf("main", self.destination), *others])
        return [event.message for event in self.told if isinstance(event, Warned)]

    def stored(self) -> list[str]:
        return sorted(key for key in self.destination.stored if is_catalog_copy(key))


@pytest.fixture
def copies(world: World) -> Copies:
    return Copies(world.catalog)


def _paths(packed: bytes, tmp_path: Path) -> list[str]:
    """Of the archives in a copy, as any SQLite tells them."""
    file = tmp_path / "unpacked.sqlite3"
    file.write_bytes(gzip.decompress(packed))
    with closing(sqlite3.connect(file)) as database:
        return [path for (path,) in database.execute("SELECT path FROM archives ORDER BY id")]


def test_a_copy_is_the_catalog_and_a_note_lies_beside_it(copies: Copies, tmp_path: Path) -> None:
    copies.change()

    assert copies.copy() == []

    (copy,) = copies.stored()
    assert copy.startswith("nas/.catalog/")
    assert _paths(copies.destination.stored[copy], tmp_path) == ["/srv/0"]
    assert copies.destination.stored[RESTORE_NOTE].decode() == NOTE
    assert set(copies.destination.manifests.values()) == {""}


def test_a_catalog_that_has_not_changed_is_not_copied_and_nobody_is_asked(copies: Copies) -> None:
    assert copies.copy() == []
    assert not copies.destination.stored
    copies.change()
    copies.copy()
    asked, stored = copies.destination.asked, dict(copies.destination.stored)

    assert copies.copy() == []

    assert (copies.destination.asked, copies.destination.stored) == (asked, stored)


def test_the_last_three_stay(copies: Copies, tmp_path: Path) -> None:
    seen = []
    for _ in range(5):
        copies.change()
        copies.copy()
        seen.append(copies.stored()[-1])

    assert copies.stored() == seen[-3:]
    assert len(_paths(copies.destination.stored[seen[-1]], tmp_path)) == 5
    assert [one.locator for one in copies.catalog.copies("/memory")] == seen[:1:-1]


def test_copies_of_others_are_left_alone(copies: Copies) -> None:
    of_others = [f"{host}/.catalog/20200101T000000.00000{n}Z.sqlite3.gz" for host in ("nas", "pc") for n in range(9)]
    copies.destination.stored |= dict.fromkeys(of_others, b"theirs")
    for _ in range(5):
        copies.change()
        copies.copy()

    assert set(of_others) <= set(copies.stored())
    assert len(copies.stored()) == len(of_others) + 3


def test_each_place_has_its_own_copies(copies: Copies) -> None:
    other = MemoryDestination(place=Place("local", "/other"))
    copies.change()
    copies.copy()
    copies.copy(Shelf("other", other), Shelf("again", other))

    assert len(copies.stored()) == 1
    assert len([key for key in other.stored if is_catalog_copy(key)]) == 1


def _refused(label: Label) -> None:
    raise DestinationError("no room", hint="make some")


def _away(label: Label) -> None:
    raise DestinationUnavailable("nobody answers")


@pytest.mark.parametrize("step", ["on_begin", "after_begin", "on_send", "on_complete", "after_complete"])
@pytest.mark.parametrize(("failing", "said"), [(_refused, "no room; make some"), (_away, "nobody answers")])
def test_a_copy_that_fails_is_told_and_made_by_the_next_run(
    copies: Copies, step: str, failing: Callable[[Label], None], said: str
) -> None:
    copies.change()
    copies.copy()
    copies.change()
    setattr(copies.destination, step, failing)

    assert copies.copy() == [f"main: no copy of the catalog could be put there: {said}"]

    setattr(copies.destination, step, lambda label: None)
    before = set(copies.stored())
    assert copies.copy() == []
    assert len(set(copies.stored()) - before) == 1
    assert not copies.destination.open


def test_one_place_that_fails_keeps_the_others_from_nothing(copies: Copies) -> None:
    other = MemoryDestination(place=Place("local", "/other"))
    copies.destination.on_begin = _away
    copies.change()

    assert len(copies.copy(Shelf("other", other))) == 1
    assert any(map(is_catalog_copy, other.stored))


def test_what_a_dead_run_left_goes_with_the_copies_that_are_too_old(copies: Copies) -> None:
    """It died when the copy was stored, and could not note it any more."""

    def die(label: Label) -> None:
        raise KeyboardInterrupt

    copies.change()
    copies.destination.after_complete = die
    with pytest.raises(KeyboardInterrupt):
        copies.copy()
    copies.destination.after_complete = lambda label: None
    (left,) = copies.stored()

    for number in range(3):
        copies.change()
        copies.copy()
        assert (left in copies.stored()) == (number < 2)

    assert len(copies.stored()) == 3
    assert len(copies.catalog.copies("/memory")) == 3


def test_an_upload_that_a_dead_run_left_is_ended(copies: Copies) -> None:
    def die(label: Label) -> None:
        raise KeyboardInterrupt

    copies.change()
    copies.destination.on_send = die
    with pytest.raises(KeyboardInterrupt):
        copies.copy()
    copies.destination.on_send = lambda label: None
    assert copies.destination.open

    copies.copy()

    assert not copies.destination.open


def test_a_catalog_that_was_had_back_from_a_copy_knows_of_that_copy(copies: Copies, tmp_path: Path) -> None:
    copies.change()
    copies.copy()
    (first,) = copies.stored()
    (tmp_path / "back").write_bytes(gzip.decompress(copies.destination.stored[first]))
    with Catalog.open(str(tmp_path / "back")) as catalog:
        back = Copies(catalog)
        back.destination = copies.destination
        for number in range(4):
            filled(catalog, an_archive(f"/srv/later/{number}"))
            back.copy()

    assert first not in copies.stored()
    assert len(copies.stored()) == 3


def test_the_same_catalog_gives_the_same_bytes(copies: Copies) -> None:
    copies.change()
    found = []
    for _ in range(2):
        with packed(copies.catalog, lambda: None) as copy:
            buffer = memoryview(bytearray(copy.size + 1))
            assert copy.stream().readinto(buffer) == copy.size
            found.append(bytes(buffer))

    assert found[0] == found[1]
    assert found[0][4:8] == bytes(4), "no time"


def test_nothing_is_left_in_the_folder_of_the_catalog(copies: Copies, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    copies.change()
    copies.copy()

    assert [path for path in sorted(tmp_path.iterdir()) if "sqlite3" not in path.name] == [
        path for path in before if "sqlite3" not in path.name
    ]
    assert not list(tmp_path.glob(".*"))


def test_what_a_killed_run_left_half_copied_is_gone(copies: Copies, tmp_path: Path) -> None:
    left = tmp_path / ".catalog.sqlite3.copying"
    left.mkdir()
    (left / "catalog.sqlite3.x.new").write_text("half a copy")
    copies.change()

    assert copies.copy() == []

    assert not left.exists()


@pytest.mark.parametrize(
    ("there", "stays"),
    [
        (NOTE.encode(), True),
        (NOTE.replace(f"Edition {NOTE_EDITION}.", f"Edition {NOTE_EDITION + 1}.").encode(), True),
        (NOTE.replace(f"Edition {NOTE_EDITION}.", f"Edition {NOTE_EDITION - 1}.").encode(), False),
        (NOTE.replace("aws s3", "aws s4").encode(), False),
        (b"\xff" * 100_000, False),
        (b"", False),
    ],
    ids=["same", "newer", "older", "tampered", "odd", "empty"],
)
def test_a_note_is_written_again_when_it_has_changed(copies: Copies, there: bytes, stays: bool) -> None:
    copies.destination.stored[RESTORE_NOTE] = there
    copies.change()
    copies.copy()

    assert copies.destination.stored[RESTORE_NOTE] == (there if stays else NOTE.encode())


def test_a_note_that_can_not_be_written_does_not_spoil_the_copy(copies: Copies) -> None:
    def refuse_note(label: Label) -> None:
        if label.fixed_key == RESTORE_NOTE:
            raise DestinationError("no")

    copies.destination.on_begin = refuse_note
    copies.change()

    assert copies.copy() == ["main: RESTORE.md could not be put there: no"]
    assert not copies.catalog.changed_since_copy("/memory")


def test_old_copies_that_may_not_be_removed_are_told_to_whoever_looks(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(locator: str, check: object) -> None:
        raise DestinationError("you may not delete")

    for _ in range(3):
        copies.change()
        copies.copy()
    monkeypatch.setattr(copies.destination, "delete", refuse)
    copies.change()
    copies.copy()

    (told,) = (event for event in copies.told if isinstance(event, Warned))
    assert told.lasting
    assert "older copies" in told.message
    assert len(copies.stored()) == 4


def test_a_full_disk_under_the_catalog_is_told(copies: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("glacier_backup.catalog.snapshot._pack", full)
    copies.change()

    (told,) = copies.copy()

    assert "the catalog could not be copied" in told
    assert "is full" in told


def shelved(world: World) -> Callable[[], Summary]:
    """Runs of the world that copy the catalog to all its destinations."""

    def go() -> Summary:
        world.events.clear()
        shelves = [Shelf(name, one) for name, one in world.destinations.items()]
        return run(replace(world.backup(), shelves=shelves), world.events.append, world.stop)

    return go


def test_a_run_that_sent_something_copies_the_catalog_with_it(world: World, tmp_path: Path) -> None:
    summary = shelved(world)()

    (copy,) = filter(is_catalog_copy, world.destination.stored)
    assert _paths(world.destination.stored[copy], tmp_path) == ["/data/a", "/data/b", "/data/c"]
    assert summary.exit_code == 0


def test_an_idle_run_sends_nothing(world: World) -> None:
    go = shelved(world)
    go()
    asked, stored = world.destination.asked, dict(world.destination.stored)

    go()

    assert (world.destination.asked, world.destination.stored) == (asked, stored)


def test_an_idle_run_makes_the_copy_that_the_one_before_could_not(world: World) -> None:
    def refuse_copies(label: Label) -> None:
        if label.fixed_key:
            raise DestinationError("no copies today")

    go = shelved(world)
    world.destination.on_begin = refuse_copies
    summary = go()
    assert summary.exit_code == 0
    assert any("no copies today" in warning for warning in summary.warnings)
    world.destination.on_begin = lambda label: None

    go()

    assert any(map(is_catalog_copy, world.destination.stored))


def test_a_destination_that_the_run_found_out_of_reach_is_not_tried_again(world: World) -> None:
    other = world.add("other")
    begun: list[str] = []

    def away(label: Label) -> None:
        begun.append(label.path)
        raise DestinationUnavailable("nobody answers")

    other.on_begin = away
    shelved(world)()

    assert [path for path in begun if not path.startswith("/data")] == []
    assert any(map(is_catalog_copy, world.destination.stored))


def test_a_stop_while_the_catalog_is_copied_is_an_interrupted_run(world: World) -> None:
    def stop(label: Label) -> None:
        if label.fixed_key:
            world.stop.set()

    world.destination.on_begin = stop
    summary = shelved(world)()

    assert (summary.exit_code, summary.sent) == (130, 3)
