"""Datasets sent as chains of streams between snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import DestinationError, DestinationUnavailable, SourceError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import Label
from glacier_backup.model.event import Event, Summary, Warned
from glacier_backup.model.full_every import FullEvery, parse_full_every
from glacier_backup.model.increment import Link
from glacier_backup.model.place import Place
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.recipe import Recipe
from glacier_backup.model.snapshot import SnapshotRules, Span, Taking, span_of, stream_step
from glacier_backup.model.stored import ArchiveFilter, Rebuilt, StoredArchive, StoredVolume
from glacier_backup.pack.registry import GROUPS, LINKS
from glacier_backup.plan.chain import chain_among
from glacier_backup.resolve.source import Selection
from glacier_backup.units import now
from glacier_backup.workflow.backup import Backup, preview, run
from glacier_backup.workflow.sending import spans
from glacier_backup.workflow.sending.holds import hold_tag
from glacier_backup.workflow.sending.prepare import Order
from glacier_backup.workflow.tools import Origin, Snapshotting, Target, Tools
from tests.fakes import MemoryDestination
from tests.memory_snapshots import Dataset, MemorySnapshots, SnapshotPacker, received

PATH = "zfs:tank/photos"


class Tank:
    """A pool with datasets, the destinations that they go to, and what came of the last run."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.source = MemorySnapshots([PATH])
        self.destinations = {"main": MemoryDestination()}
        self.every = FullEvery()
        self.events: list[Event] = []
        self.sections = [PATH]
        self.host = "nas"

    @property
    def dataset(self) -> Dataset:
        return self.source.datasets[PATH]

    @property
    def rules(self) -> SnapshotRules:
        return self.source.rules

    @rules.setter
    def rules(self, rules: SnapshotRules) -> None:
        self.source.rules = rules

    @property
    def destination(self) -> MemoryDestination:
        return self.destinations["main"]

    def backup(self, *, force: bool = False) -> Backup:
        snapshotting = Snapshotting(self.source, lambda candidate, linked: SnapshotPacker(self.source, linked))
        origin = Origin(self.source, {}, LINKS, GROUPS, snapshotting=snapshotting)
        tools = Tools(
            {"zfs": origin},
            self.host,
            increments=dict.fromkeys(self.sections, self.every),
            snapshots=dict.fromkeys(self.sections, self.rules),
        )
        names = tuple(self.destinations)
        selections = tuple(
            Selection(path, compare=True, destinations=names, origin="zfs", snapshots=self.rules)
            for path in self.sections
        )
        targets = [Target(name, destination) for name, destination in self.destinations.items()]
        return Backup(Order(selections, force), tools, targets, self.catalog, 1)

    def run(self, content: str | None = None, *, force: bool = False) -> Summary:
        """With something else written before, if it is given."""
        if content is not None:
            self.dataset.content = content
        self.source.next_run()
        self.events.clear()
        return run(self.backup(force=force), self.events.append, StopRequest())

    def plan(self, *, force: bool = False) -> list[str]:
        decisions = preview(self.backup(force=force)).decisions
        return [str(one.reason) for one in decisions if isinstance(one, Upload | Skip)]

    def stored(self, path: str = PATH, to: str = "main") -> list[StoredArchive]:
        place_id = self.catalog.place_id(self.destinations[to].place)
        found = self.catalog.stored_archives(ArchiveFilter(path=path, place_id=place_id))
        return sorted(found, key=lambda one: one.id)

    def spans(self, path: str = PATH, to: str = "main") -> list[tuple[str, str]]:
        told = [span_of(one.recipe) for one in self.stored(path, to)]
        return [(one.base, one.to) for one in told if one is not None]

    def restored(self, archive: StoredArchive, to: str = "main") -> str:
        chain = chain_among(archive, self.stored(archive.path, to))
        assert chain is not None
        return received([self.destinations[to].stored[one.volumes[0].locator] for one in chain])

    def held(self, to: str = "main") -> list[str]:
        tag = hold_tag(self.destinations[to].place)
        return sorted(name for name, tags in self.dataset.holds.items() if tag in tags)

    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]


@pytest.fixture
def tank(tmp_path: Path) -> Iterator[Tank]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield Tank(catalog)


@pytest.fixture(autouse=True)
def days(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A clock on which each look takes some time; the function has so many days go by."""
    passed = timedelta()

    def later() -> datetime:
        nonlocal passed
        passed += timedelta(milliseconds=1)
        return now() + passed

    def go_by(count: int) -> None:
        nonlocal passed
        passed += timedelta(days=count)

    for module in (spans, "glacier_backup.workflow.sending.intent"):
        if isinstance(module, str):
            monkeypatch.setattr(f"{module}.now", later)
        else:
            monkeypatch.setattr(module, "now", later)
    return go_by


def outcome(summary: Summary) -> list[str]:
    return [result.outcome for result in summary.results]


class TestChain:
    def test_the_first_archive_is_a_baseline_and_the_next_ones_are_increments(
        self, tank: Tank, days: Callable[[int], None]
    ) -> None:
        for number in range(4):
            assert outcome(tank.run(f"state {number}")) == ["sent"]
            days(1)
        names = [one.name for one in tank.dataset.snapshots]
        assert tank.spans() == [("", names[0]), *pairwise(names)]
        assert [one.link.number for one in tank.stored() if one.link] == [0, 1, 2, 3]
        assert [tank.restored(one) for one in tank.stored()] == [f"state {number}" for number in range(4)]

    def test_nothing_is_sent_and_no_snapshot_made_where_nothing_was_written(self, tank: Tank) -> None:
        tank.run("one")
        summary = tank.run()
        assert (outcome(summary), summary.exit_code) == (["skipped"], 0)
        assert len(tank.dataset.snapshots) == 1

    def test_where_nobody_can_tell_each_run_sends(self, tank: Tank) -> None:
        tank.source.can_tell = False
        tank.run("one")
        assert outcome(tank.run()) == ["sent"]
        assert len(tank.spans()) == 2

    def test_a_second_snapshot_of_a_day_has_a_time(self, tank: Tank) -> None:
        tank.run("one")
        tank.run("two")
        first, second = (one.name for one in tank.dataset.snapshots)
        assert len(first) == len("offsite-20260321")
        assert second.startswith(f"{first}T")
        assert len(second) == len("offsite-20260321T040000")

    def test_an_increment_begins_with_the_newest_snapshot_that_is_at_both_ends(
        self, tank: Tank, days: Callable[[int], None]
    ) -> None:
        for text in ("one", "two"):
            tank.run(text)
            days(1)
        first, second = (one.name for one in tank.dataset.snapshots)
        tank.dataset.holds.clear()
        tank.source.destroy(PATH, second)
        tank.run("three")
        assert tank.spans()[-1][0] == first
        assert tank.restored(tank.stored()[-1]) == "three"

    def test_order_is_that_of_creation_whatever_snapshots_are_called(self, tank: Tank) -> None:
        tank.rules = SnapshotRules("latest")
        tank.dataset.content = "one"
        tank.source.snapshot(PATH, "offsite-20300101")
        tank.run()
        tank.dataset.content = "two"
        tank.source.snapshot(PATH, "offsite-20200101")
        tank.run()
        assert tank.spans() == [("", "offsite-20300101"), ("offsite-20300101", "offsite-20200101")]

    def test_a_snapshot_that_was_renamed_is_still_known(self, tank: Tank) -> None:
        tank.run("one")
        tank.dataset.snapshots[0] = tank.dataset.snapshots[0]._replace(name="kept")
        tank.run("two")
        assert tank.spans()[-1][0] == "kept"

    def test_one_of_the_same_name_that_was_made_anew_is_another_one(self, tank: Tank) -> None:
        tank.rules = SnapshotRules("latest")
        tank.source.snapshot(PATH, "offsite-20260101")
        tank.run()
        tank.dataset.snapshots.clear()
        tank.dataset.content = "another dataset"
        tank.source.snapshot(PATH, "offsite-20260101")
        assert "no snapshot that is stored is here any more" in tank.plan()[0]
        tank.run()
        assert tank.spans()[-1] == ("", "offsite-20260101")
        assert tank.restored(tank.stored()[-1]) == "another dataset"

    def test_a_chain_that_is_long_enough_begins_anew(self, tank: Tank, days: Callable[[int], None]) -> None:
        tank.every = parse_full_every("180 days | 2 increments")
        for number in range(4):
            tank.run(f"state {number}")
            days(1)
        assert [one.link.number for one in tank.stored() if one.link] == [0, 1, 2, 0]
        days(200)
        tank.dataset.content = "later"
        assert "more than 180 days ago" in tank.plan()[0]

    def test_forced_it_is_a_baseline_of_what_there_is(self, tank: Tank) -> None:
        tank.run("one")
        tank.run(force=True)
        name = tank.dataset.snapshots[0].name
        assert tank.spans() == [("", name), ("", name)]

    def test_sent_raw_it_is_another_chain(self, tank: Tank) -> None:
        tank.run("one")
        tank.rules = replace(tank.rules, raw=True)
        tank.run("two")
        assert [one.link.number for one in tank.stored() if one.link] == [0, 0]

    def test_what_another_host_has_sent_is_no_base(self, tank: Tank) -> None:
        tank.run("one")
        tank.host = "other"
        tank.run("two")
        assert [one.link.number for one in tank.stored() if one.link] == [0, 0]

    def test_after_a_rollback_what_there_is_now_is_sent(self, tank: Tank, days: Callable[[int], None]) -> None:
        for text in ("one", "two"):
            tank.run(text)
            days(1)
        first = tank.dataset.snapshots[0].name
        tank.source.rollback(PATH, first)
        assert outcome(tank.run()) == ["sent"]
        assert tank.spans()[-1][0] == first
        assert tank.restored(tank.stored()[-1]) == "one"

    def test_a_damaged_link_is_built_on_no_more(self, tank: Tank, days: Callable[[int], None]) -> None:
        for text in ("one", "two"):
            tank.run(text)
            days(1)
        last = tank.stored()[-1]
        tank.catalog.note_damaged([(last.id, 1, "gone")], now())
        first = tank.dataset.snapshots[0].name
        assert outcome(tank.run()) == ["sent"]
        assert tank.spans()[-1][0] == first
        assert tank.restored(tank.stored()[-1]) == "two"


class TestSpanAskedFor:
    def three(self, tank: Tank) -> None:
        for number in (1, 2, 3):
            tank.dataset.content = f"state {number}"
            tank.source.snapshot(PATH, f"offsite-2026010{number}")

    def test_the_named_one_is_sent(self, tank: Tank) -> None:
        self.three(tank)
        tank.rules = SnapshotRules("named", "offsite-20260102")
        tank.run()
        assert tank.spans() == [("", "offsite-20260102")]
        assert tank.restored(tank.stored()[-1]) == "state 2"

    def test_from_one_that_is_stored_to_another(self, tank: Tank) -> None:
        self.three(tank)
        for name in ("offsite-20260101", "offsite-20260102"):
            tank.rules = SnapshotRules("named", name)
            tank.run()
        tank.rules = SnapshotRules("named", "offsite-20260103", base="offsite-20260101")
        tank.run()
        assert tank.spans()[-1] == ("offsite-20260101", "offsite-20260103")
        assert tank.restored(tank.stored()[-1]) == "state 3"

    @pytest.mark.parametrize("taking", ["latest", "create"])
    def test_after_an_older_span_was_sent_again_there_is_nothing_to_do(self, tank: Tank, taking: Taking) -> None:
        self.three(tank)
        for number in (1, 2, 3):
            tank.rules = SnapshotRules("named", f"offsite-2026010{number}")
            tank.run()
        tank.rules = SnapshotRules("named", "offsite-20260102", base="offsite-20260101")
        assert outcome(tank.run()) == ["sent"]
        tank.rules = SnapshotRules(taking)
        summary = tank.run()
        assert (outcome(summary), summary.exit_code) == (["skipped"], 0)
        assert len(tank.dataset.snapshots) == 3
        tank.source.snapshot(PATH, "offsite-20260104")
        assert outcome(tank.run()) == ["sent"]
        assert tank.spans()[-1] == ("offsite-20260103", "offsite-20260104")

    @pytest.mark.parametrize(
        ("rules", "message"),
        [
            (SnapshotRules("named", "offsite-20260109"), "has no snapshot offsite-20260109"),
            (SnapshotRules("latest", base="offsite-20260109"), "has no snapshot offsite-20260109"),
            (SnapshotRules("latest", base="offsite-20260103"), "isn't older than"),
            (SnapshotRules("latest", base="offsite-20260102"), "the chain would have a gap"),
            (SnapshotRules("latest", base="offsite-20260101", raw=True), "it is sent raw now"),
            (SnapshotRules("latest", tag="daily"), "begins with daily-YYYYMMDD"),
            (SnapshotRules("named", "offsite-20260101"), "is older than offsite-20260103"),
        ],
    )
    def test_what_cannot_be_is_said_and_the_chain_untouched(
        self, tank: Tank, rules: SnapshotRules, message: str
    ) -> None:
        self.three(tank)
        tank.rules = SnapshotRules("named", "offsite-20260101")
        tank.run()
        tank.source.snapshot(PATH, "offsite-20260104")
        if message.startswith("is older"):
            tank.rules = SnapshotRules("named", "offsite-20260103")
            tank.run()
        elif message == "isn't older than":
            tank.source.destroy(PATH, "offsite-20260104")
        before = tank.spans()
        tank.rules = rules
        summary = tank.run()
        assert (outcome(summary), summary.exit_code) == (["skipped"], 1)
        assert message in str(next(iter(summary.results)).decision.reason)
        assert tank.spans() == before

    def test_a_destination_that_is_ahead_is_told(self, tank: Tank) -> None:
        self.three(tank)
        tank.rules = SnapshotRules("named", "offsite-20260102")
        tank.run()
        tank.rules = SnapshotRules("latest")
        tank.run()
        tank.dataset.holds.clear()
        tank.source.rollback(PATH, "offsite-20260102")
        (told,) = tank.plan()
        assert "offsite-20260102 is older than offsite-20260103, which is stored already" in told

    def test_a_clock_that_was_set_back_is_told(self, tank: Tank, days: Callable[[int], None]) -> None:
        tank.run("one")
        days(-3)
        summary = tank.run("two")
        assert (outcome(summary), summary.exit_code) == (["skipped"], 1)
        assert "the clock says" in str(next(iter(summary.results)).decision.reason)
        assert len(tank.dataset.snapshots) == 1


class TestPlan:
    def test_it_says_what_would_be_sent_and_makes_no_snapshot(self, tank: Tank) -> None:
        tank.dataset.content = "one"
        (told,) = tank.plan()
        assert told.startswith("not sent yet; baseline offsite-")
        assert told.endswith(", to be made")
        assert tank.dataset.snapshots == []
        tank.run()
        (first,) = tank.dataset.snapshots
        tank.dataset.content = "two"
        assert f"; increment 1: {first.name} to {first.name}T" in tank.plan()[0]

    def test_a_dataset_that_is_not_there_is_told_and_others_go_on(self, tank: Tank) -> None:
        tank.sections = ["zfs:tank/none", PATH]
        summary = tank.run("one")
        assert (outcome(summary), summary.exit_code) == (["skipped", "sent"], 1)


class TestHolds:
    def test_the_newest_that_is_stored_is_held_and_no_other(self, tank: Tank, days: Callable[[int], None]) -> None:
        for number in range(3):
            tank.run(f"state {number}")
            days(1)
        assert tank.held() == [tank.dataset.snapshots[-1].name]

    def test_none_stays_however_many_snapshots_were_made_since(self, tank: Tank) -> None:
        """As where another program makes one each hour, and each night the newest is sent."""
        tank.rules = SnapshotRules("latest", tag="")
        for day in range(1, 4):
            for hour in range(12):
                tank.dataset.content = f"{day} {hour}"
                tank.source.snapshot(PATH, f"auto-{day}-{hour}")
            tank.run()
        assert tank.held() == ["auto-3-11"]

    def test_those_of_what_never_came_to_be_stored_are_let_go(self, tank: Tank, days: Callable[[int], None]) -> None:
        def refused(label: Label) -> None:
            raise DestinationError("it is full")

        tank.run("one")
        tank.destination.on_begin = refused
        for number in range(15):
            days(1)
            tank.run(f"state {number}")
        tank.destination.on_begin = lambda label: None
        days(1)
        assert outcome(tank.run("at last")) == ["sent"]
        assert tank.held() == [tank.dataset.snapshots[-1].name]

    def test_each_destination_has_holds_of_its_own(self, tank: Tank, days: Callable[[int], None]) -> None:
        tank.destinations["nas"] = MemoryDestination(place=Place("local", "/nas"))
        tank.run("one")
        days(1)

        def away(label: Label) -> None:
            raise DestinationUnavailable("unplugged")

        tank.destinations["nas"].on_begin = away
        tank.run("two")
        first, second = (one.name for one in tank.dataset.snapshots)
        assert tank.held("main") == [second]
        assert first in tank.held("nas")

    def test_both_destinations_get_the_snapshot_of_one_run(self, tank: Tank) -> None:
        tank.destinations["nas"] = MemoryDestination(place=Place("local", "/nas"))
        tank.source.can_tell = False
        tank.run("one")
        assert tank.spans(to="main") == tank.spans(to="nas")
        assert len(tank.dataset.snapshots) == 1

    def test_without_the_permission_it_goes_on_and_says_so(self, tank: Tank, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(path: str, name: str, tag: str) -> None:
            raise SourceError(f"{path}: permission denied")

        monkeypatch.setattr(tank.source, "hold", refused)
        assert outcome(tank.run("one")) == ["sent"]
        assert any("isn't held: permission denied" in one for one in tank.warnings())

    def test_only_so_many_snapshots_stay(self, tank: Tank, days: Callable[[int], None]) -> None:
        tank.rules = SnapshotRules(keep=2)
        tank.source.snapshot(PATH, "by-hand")
        for number in range(5):
            tank.run(f"state {number}")
            days(1)
        names = [one.name for one in tank.dataset.snapshots]
        assert len(names) == 3
        assert names[0] == "by-hand"
        assert [base for base, _ in tank.spans()][-1] == names[1]

    def test_what_the_next_increment_needs_stays_though_a_later_one_is_damaged(
        self, tank: Tank, days: Callable[[int], None]
    ) -> None:
        tank.destinations["nas"] = MemoryDestination(place=Place("local", "/nas"))
        for text in ("one", "two"):
            tank.run(text)
            days(1)
        tank.catalog.note_damaged([(tank.stored(to="nas")[-1].id, 1, "gone")], now())
        nas = tank.destinations.pop("nas")
        tank.rules = SnapshotRules(keep=1)
        first = tank.dataset.snapshots[0].name
        tank.run("three")
        tank.destinations["nas"] = nas
        tank.run("four")
        assert tank.spans(to="nas")[-1][0] == first

    def test_the_newest_of_a_destination_that_is_behind_stays(self, tank: Tank, days: Callable[[int], None]) -> None:
        tank.rules = SnapshotRules(keep=1)
        tank.destinations["nas"] = MemoryDestination(place=Place("local", "/nas"))
        tank.run("state")
        first = tank.dataset.snapshots[0].name
        del tank.destinations["nas"]
        for number in range(3):
            days(1)
            tank.run(f"state {number}")
        assert tank.dataset.snapshots[0].name == first
        assert len(tank.dataset.snapshots) == 2


class TestGoingOn:
    def unplugged(self, label: Label) -> None:
        raise DestinationUnavailable("unplugged")

    def broken(self, tank: Tank, content: str) -> None:
        tank.destinations["main"].on_send = self.unplugged
        tank.run(content)
        tank.destinations["main"].on_send = lambda label: None

    def test_a_stream_that_was_begun_goes_on_and_what_came_later_is_the_next(self, tank: Tank) -> None:
        tank.run("one")
        self.broken(tank, "two")
        begun = tank.dataset.snapshots[-1].name
        tank.dataset.content = "three"
        tank.run()
        assert tank.spans()[-1][1] == begun
        tank.run()
        assert [tank.restored(one) for one in tank.stored()] == ["one", "two", "three"]

    def test_a_baseline_that_was_due_is_not_given_up_for_an_increment(
        self, tank: Tank, days: Callable[[int], None]
    ) -> None:
        tank.every = parse_full_every("1 increments")
        for text in ("one", "two"):
            tank.run(text)
            days(1)
        self.broken(tank, "three")
        begun = tank.dataset.snapshots[-1].name
        days(1)
        tank.run("four")
        assert tank.spans()[-1] == ("", begun)
        tank.run()
        assert tank.restored(tank.stored()[-1]) == "four"

    @pytest.mark.parametrize("force", [True, False])
    def test_a_baseline_that_was_forced_goes_on_though_its_snapshot_is_stored(self, tank: Tank, force: bool) -> None:
        tank.run("one")
        (only,) = tank.dataset.snapshots
        tank.destination.on_send = self.unplugged
        tank.run(force=True)
        tank.destination.on_send = lambda label: None
        assert outcome(tank.run("two", force=force)) == ["sent"]
        assert tank.spans() == [("", only.name)] * 2
        assert outcome(tank.run()) == ["sent"]
        assert tank.spans()[-1][0] == only.name
        assert tank.restored(tank.stored()[-1]) == "two"

    def test_what_was_begun_gives_way_to_what_is_asked_for(self, tank: Tank) -> None:
        tank.run("one")
        first = tank.dataset.snapshots[0].name
        self.broken(tank, "two")
        tank.dataset.content = "three"
        tank.source.snapshot(PATH, "offsite-20300101")
        tank.rules = SnapshotRules("named", "offsite-20300101")
        tank.run()
        assert tank.spans()[-1] == (first, "offsite-20300101")

    def test_where_its_snapshot_is_gone_it_begins_anew(self, tank: Tank) -> None:
        self.broken(tank, "one")
        tank.dataset.holds.clear()
        tank.dataset.snapshots.clear()
        assert outcome(tank.run("two")) == ["sent"]
        assert [tank.restored(one) for one in tank.stored()] == ["two"]
        assert len(tank.destinations["main"].open) == 0


class TestTakenOver:
    """What another program has sent: nobody knows the guids."""

    def take_over(self, tank: Tank, name: str, at: datetime) -> None:
        place = tank.catalog.register(tank.destination.place, tank.destination.place)
        span, link = Span(name), Link(0)
        recipe = Recipe((stream_step("zfs", span, link),))
        label = Label("photos.zfs", PATH, "nas", "dataset", "zfs", at, recipe.id, link=str(link), span=str(span))
        volume = StoredVolume(1, "elsewhere", 4, None, at)
        tank.catalog.add_rebuilt(place, [Rebuilt(label, (volume,), recipe=recipe)])

    def test_its_snapshot_is_known_by_its_name_whenever_it_was_stored(self, tank: Tank) -> None:
        tank.rules = SnapshotRules("latest")
        tank.source.snapshot(PATH, "offsite-20260101")
        tank.source.snapshot(PATH, "offsite-20260108")
        self.take_over(tank, "offsite-20260101", now() - timedelta(minutes=1))
        assert outcome(tank.run("one")) == ["sent"]
        assert tank.spans()[-1] == ("offsite-20260101", "offsite-20260108")
        assert outcome(tank.run()) == ["skipped"]

    def test_nothing_is_sent_where_nothing_was_written_since(self, tank: Tank) -> None:
        tank.source.snapshot(PATH, "offsite-20260101")
        self.take_over(tank, "offsite-20260101", datetime(2025, 1, 1, tzinfo=UTC))
        assert outcome(tank.run()) == ["skipped"]

    def test_where_its_snapshot_is_gone_a_baseline_says_why(self, tank: Tank) -> None:
        self.take_over(tank, "offsite-20260101", now() - timedelta(minutes=1))
        (told,) = tank.plan()
        assert "no snapshot that is stored is here any more" in told


class TestRecord:
    def test_it_says_which_snapshots_it_goes_between(self, tank: Tank) -> None:
        tank.run("one")
        tank.run("two")
        last = tank.stored()[-1]
        first, second = tank.dataset.snapshots
        assert last.name == "photos.zfs"
        assert (last.kind, last.container) == ("dataset", "zfs")
        assert span_of(last.recipe) == Span(second.name, second.guid, first.name)
        assert last.volumes[0].locator.startswith("nas/zfs:/tank/photos/")
        assert last.volumes[0].locator.endswith(".inc1.zfs")

    def test_a_layout_with_a_name_for_each_day_has_no_second_archive_of_one(self, tank: Tank) -> None:
        tank.rules = SnapshotRules(layout="zfs-to-aws")
        tank.run("one")
        summary = tank.run("two")
        assert (outcome(summary), summary.exit_code) == (["skipped"], 0)
        day = tank.spans()[0][1].removeprefix("offsite-")
        assert tank.stored()[0].volumes[0].locator.startswith(f"photos/baseline-{day}/photos-T{day}")


def test_datasets_below_go_each_by_itself(tank: Tank) -> None:
    paths: Sequence[str] = [PATH, f"{PATH}/2025", f"{PATH}/2026"]
    tank.source = MemorySnapshots(paths, SnapshotRules(recursive=True))
    for number, path in enumerate(paths):
        tank.source.datasets[path].content = f"state {number}"
    assert outcome(tank.run()) == ["sent"] * 3
    assert [tank.restored(tank.stored(path)[0]) for path in paths] == ["state 0", "state 1", "state 2"]


def test_a_name_that_the_chain_of_another_dataset_has_is_not_given_again(tank: Tank) -> None:
    raw, new = f"{PATH}/raw", f"{PATH}/new"
    tank.source = MemorySnapshots([PATH, raw], SnapshotRules(recursive=True, keep=1))
    for number in range(2):
        tank.source.datasets[raw].content = f"state {number}"
        tank.run(f"photos {number}")
    tank.source.datasets |= {new: Dataset("it is new"), raw: replace(tank.source.datasets[raw], content="more")}

    tank.run()

    names = [to for _, to in tank.spans(raw)]
    assert len(names) == len(set(names)) == 3
    assert tank.spans(new) == [("", names[-1])]


def test_what_would_be_there_twice_when_it_is_received_begins_a_chain(tank: Tank) -> None:
    tank.rules = SnapshotRules("latest", tag="")
    tank.source.snapshot(PATH, "daily.0")
    tank.run()
    tank.dataset.snapshots[0] = tank.dataset.snapshots[0]._replace(name="daily.1")
    tank.dataset.content = "two"
    tank.source.snapshot(PATH, "daily.0")

    assert "another snapshot was called daily.0 when it was sent" in tank.plan()[0]
    tank.run()

    assert tank.spans() == [("", "daily.0")] * 2


def test_snapshots_that_go_by_no_tag_are_told(tank: Tank) -> None:
    tank.rules = SnapshotRules("latest", tag="weekly")
    tank.source.snapshot(PATH, "weekly-2026-03-21")
    assert "its newest is weekly-2026-03-21, and with tag = (nothing) all count" in tank.plan()[0]


def test_a_layout_with_a_name_for_each_day_sends_the_snapshot_of_today_elsewhere_too(tank: Tank) -> None:
    tank.rules = SnapshotRules(layout="zfs-to-aws")
    tank.run("one")
    tank.destinations["other"] = MemoryDestination(place=Place("local", "/other"))

    assert tank.run("two").exit_code == 0

    (day,) = [one.name for one in tank.dataset.snapshots]
    assert tank.spans(to="other") == tank.spans() == [("", day)]


def test_a_layout_with_a_name_for_each_day_passes_over_what_is_called_otherwise(tank: Tank) -> None:
    tank.rules = SnapshotRules(layout="zfs-to-aws")
    tank.source.snapshot(PATH, "offsite-20260101T101112")

    assert tank.run().exit_code == 0

    ((_, to),) = tank.spans()
    assert to == f"offsite-{datetime.now().astimezone():%Y%m%d}"
