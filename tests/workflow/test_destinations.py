"""Several destinations: packed once, sent to each, recorded for each; one failing doesn't hold up the other."""

from __future__ import annotations

import _thread
import gc
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Check, Destination
from glacier_backup.destination.local import Local
from glacier_backup.errors import CatalogError, DestinationError, DestinationUnavailable, SourceError, UsageError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import Label
from glacier_backup.model.event import ArchiveFound, BytesSent, Event, Result, Summary, Warned
from glacier_backup.model.naming import MANIFEST
from glacier_backup.model.place import Place
from glacier_backup.model.plan import ClassChoice, Skip, Upload
from glacier_backup.model.reason import Unreadable
from glacier_backup.model.upload import UploadRequest
from glacier_backup.pack.packer import PackedStream
from glacier_backup.pack.raw import RawPacker
from glacier_backup.pack.registry import GROUPS, LINKS
from glacier_backup.pack.tar import TarPacker
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection
from glacier_backup.workflow.backup import Backup, preview, run
from glacier_backup.workflow.sending.prepare import Order
from glacier_backup.workflow.tools import Origin, Target, Tools
from tests.fakes import MemoryDestination, MemoryPacker, MemorySource, MemoryStream
from tests.streams import noise
from tests.workflow.world import World, failed, failing, outcomes

PATIENCE = 20
"""Seconds after which a test that would wait for ever fails."""


class CountingPacker(MemoryPacker):
    def __init__(self, source: MemorySource) -> None:
        super().__init__(source)
        self.packed: Counter[str] = Counter()

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[MemoryStream]:
        self.packed[path] += 1
        with super().pack(path, stored_name) as stream:
            yield stream


@pytest.fixture
def two(world: World) -> World:
    """Everything goes to ``main`` and to ``nas``."""
    world.add("nas")
    return world


@pytest.fixture
def packer(two: World) -> CountingPacker:
    two.packer = CountingPacker(two.source)
    return two.packer


def contents(destination: MemoryDestination) -> list[bytes]:
    return sorted(destination.stored.values())


def refuse(world: World, name: str, error: Exception) -> None:
    """That destination can't even be asked who it is."""

    def identify(*, holds_archives: bool) -> Place:
        raise error

    world.destinations[name].identify = identify  # type: ignore[method-assign]  # as a network that is down does


def test_what_is_packed_once_is_sent_to_each_and_recorded_for_each(two: World, packer: CountingPacker) -> None:
    two.concurrency = 2

    summary = two.run()

    assert packer.packed == dict.fromkeys(two.source.files, 1)
    for name, destination in two.destinations.items():
        assert contents(destination) == sorted(two.source.files.values())
        assert two.recorded(name) == sorted(two.source.files)
    assert (summary.sent, summary.exit_code) == (6, 0)
    assert {name: count.sent for name, count in summary.counts.items()} == {"main": 3, "nas": 3}
    assert outcomes(two.run()) == " ".join(["skipped"] * 6)


def test_decisions_and_results_are_by_candidate_and_then_by_destination(two: World) -> None:
    plan = preview(two.backup())

    summary = two.run()

    expected = [(path, name) for path in sorted(two.source.files) for name in ("main", "nas")]
    assert [(decision.path, decision.to) for decision in plan.decisions] == expected
    assert [(result.decision.path, result.decision.to) for result in summary.results] == expected
    assert (len(summary.results), next(iter(summary.results)) in summary.results) == (6, True)
    assert {name: share.uploads for name, share in plan.shares.items()} == {"main": 3, "nas": 3}


def test_one_failing_does_not_hold_up_the_other_and_the_next_run_sends_what_is_missing_where(
    two: World, packer: CountingPacker
) -> None:
    two.destinations["nas"].on_send = failing("/data/b", DestinationError("full"))

    summary = two.run()

    assert (outcomes(summary, "main"), outcomes(summary, "nas")) == ("sent sent sent", "sent failed sent")
    assert summary.exit_code == 1
    two.destinations["nas"].on_send = lambda label: None
    packer.packed.clear()
    again = two.run()
    assert (outcomes(again, "main"), outcomes(again, "nas")) == ("skipped skipped skipped", "skipped sent skipped")
    assert packer.packed == {"/data/b": 1}


def test_a_destination_that_can_not_be_asked_ends_only_its_own_lane(two: World) -> None:
    refuse(two, "nas", DestinationUnavailable("no network", hint="plug it in"))

    summary = two.run()

    assert (outcomes(summary, "main"), outcomes(summary, "nas")) == ("sent sent sent", "failed failed failed")
    assert summary.exit_code == 1
    assert {result.error for result in failed(summary)} == {"not tried: no network"}
    assert tuple(summary.warnings) == ("nas: no network; plug it in", "nas: 3 more were not tried")
    two.destinations["nas"] = MemoryDestination(place=Place("local", "/nas"))
    assert outcomes(two.run(), "nas") == "sent sent sent"


def test_a_known_destination_that_is_out_of_reach_is_planned_by_what_is_known_of_it(two: World) -> None:
    two.run(limit=2)
    refuse(two, "nas", DestinationUnavailable("no network"))

    assert outcomes(two.run(), "nas") == "skipped skipped failed"


def test_only_when_nothing_could_be_sent_anywhere_the_exit_code_says_so(two: World) -> None:
    for name in two.destinations:
        refuse(two, name, DestinationUnavailable("no network"))

    summary = two.run()

    assert (summary.failed, summary.exit_code) == (6, 4)


def test_one_that_has_nothing_to_send_makes_no_success_of_another_that_could_not(two: World) -> None:
    two.run()
    two.source.files["/data/d"] = b"d"
    two.destinations["main"].on_send = failing("/data/d", DestinationError("refused"))
    two.run()
    refuse(two, "main", DestinationUnavailable("no network"))

    assert two.run().exit_code == 4


def test_a_destination_that_is_lost_in_the_middle_ends_only_its_own_lane(two: World) -> None:
    two.destinations["nas"].on_send = failing("/data/b", DestinationUnavailable("unplugged"))

    summary = two.run()

    assert (outcomes(summary, "main"), outcomes(summary, "nas")) == ("sent sent sent", "sent failed failed")
    assert [result.error for result in failed(summary)] == ["unplugged", "not tried: unplugged"]
    assert summary.exit_code == 1


def test_all_are_asked_at_the_same_time(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(2, timeout=PATIENCE)
    identify = MemoryDestination.identify

    def meet(self: MemoryDestination, *, holds_archives: bool) -> Place:
        together.wait()
        return identify(self, holds_archives=holds_archives)

    monkeypatch.setattr(MemoryDestination, "identify", meet)

    assert two.run().sent == 6


def test_nobody_is_asked_when_there_is_nothing_to_send(two: World) -> None:
    two.run()
    asked = [destination.asked for destination in two.destinations.values()]

    two.run()

    assert [destination.asked for destination in two.destinations.values()] == asked == [1, 1]


def test_a_catalog_that_cannot_be_written_ends_all(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise CatalogError("the disk is full")

    monkeypatch.setattr(two.catalog, "stored", full)

    summary = two.run()

    assert (summary.sent, summary.exit_code) == (0, 2)


def test_a_stop_ends_all_and_is_told_once(two: World) -> None:
    for destination in two.destinations.values():  # by each, or the other may be quicker than the stop
        destination.on_send = lambda label: two.stop.set()

    summary = two.run()

    assert (summary.sent, summary.exit_code) == (0, 130)
    assert len([event for event in two.events if isinstance(event, Warned)]) == 1
    revive(two)
    two.stop = StopRequest()
    assert two.run().exit_code == 0
    assert [contents(destination) for destination in two.destinations.values()] == [[b"a", b"bb", b"ccc"]] * 2


def revive(world: World) -> None:
    for destination in world.destinations.values():
        destination.on_send = lambda label: None
        destination.after_chunk = lambda count: None


def test_who_insists_waits_for_no_lane(two: World) -> None:
    release = threading.Event()
    for destination in two.destinations.values():
        destination.on_send = lambda label: release.wait(PATIENCE)  # type: ignore[assignment]
    threading.Timer(0.3, _thread.interrupt_main).start()

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        two.run()

    assert time.monotonic() - began < 5
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith(("lane", "candidate")):
            thread.join(PATIENCE)
    assert set(two.recorded()) <= {"/data/a"}


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_the_limit_counts_for_each_destination(two: World, limit: int) -> None:
    two.destinations["nas"].on_send = failing("/data/a", DestinationError("refused"))

    summary = two.run(limit=limit)

    assert {name: count.sent for name, count in summary.counts.items()} == {"main": limit, "nas": limit}


def test_what_can_not_be_read_is_told_once(two: World) -> None:
    def look(path: str) -> None:
        if path == "/data/b":
            raise SourceError("/data/b: Permission denied")

    two.source.after_look = look

    summary = two.run()

    skips = [result.decision for result in summary.results if isinstance(result.decision, Skip)]
    assert [(skip.to, skip.reason) for skip in skips] == [("", Unreadable("Permission denied"))]
    assert tuple(summary.warnings) == ("/data/b: can't be read: Permission denied",)
    assert (summary.sent, summary.skipped, summary.exit_code) == (4, 1, 1)


def test_what_vanishes_after_the_plan_fails_for_each(two: World) -> None:
    plan = preview(two.backup())
    del two.source.files["/data/b"]

    summary = run(two.backup(), two.events.append, two.stop, plan)

    assert (outcomes(summary, "main"), outcomes(summary, "nas")) == ("sent failed sent", "sent failed sent")


def test_every_candidate_is_looked_at_once_for_the_plan(two: World) -> None:
    looked: Counter[str] = Counter()
    two.source.after_look = lambda path: looked.update([path])

    preview(two.backup())

    assert looked == dict.fromkeys(two.source.files, 1)


def test_an_archive_that_only_one_place_had_to_record_is_found_there(two: World) -> None:
    def lose(label: Label) -> None:
        raise DestinationUnavailable("gone before it answered")

    two.destinations["nas"].after_complete = lose
    two.run()
    two.destinations["nas"].after_complete = lambda label: None

    summary = two.run()

    found = [event for event in two.events if isinstance(event, ArchiveFound)]
    assert [(event.path, event.to) for event in found] == [("/data/a", "nas")]
    assert outcomes(summary, "nas") == "skipped sent sent"


def test_bytes_are_told_for_each_destination(two: World) -> None:
    two.run()

    told: Counter[str] = Counter()
    for event in two.events:
        if isinstance(event, BytesSent):
            told[event.to] += event.bytes
    assert told == {"main": 6, "nas": 6}


def test_messages_name_the_destination_where_there_are_several(two: World) -> None:
    def edit(label: Label) -> None:
        two.source.files["/data/b"] = b"edited"

    two.destinations["nas"].on_complete = edit
    two.source.files = {"/data/b": b"b"}

    summary = two.run()

    assert set(summary.warnings) <= {f"/data/b (to {name}): changed while it was read" for name in ("main", "nas")}


def test_a_plan_for_other_destinations_is_refused(two: World) -> None:
    plan = preview(two.backup())
    del two.destinations["nas"]

    with pytest.raises(ValueError, match="the plan is for /memory, /nas, and archives go to /memory"):
        run(two.backup(), two.events.append, two.stop, plan)


def test_two_names_for_one_place_are_refused(two: World) -> None:
    two.add("again", MemoryDestination(place=Place("local", "/nas")))

    with pytest.raises(UsageError, match="the destinations nas and again are the same place, /nas"):
        two.run()


def test_an_empty_file_is_packed_as_each_destination_takes_it(two: World) -> None:
    """They are not the same bytes then, so neither waits for the other."""
    two.source.files = {"/data/empty": b""}
    nas = two.destinations["nas"]
    nas.limits = replace(nas.limits, least=1)

    summary = two.run()

    assert [result.decision.name for result in summary.results] == ["empty", "empty.tar"]
    assert summary.sent == 2


def test_the_class_that_was_chosen_is_asked_for_and_told(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []
    begin = MemoryDestination.begin

    def note(self: MemoryDestination, request: UploadRequest, check: Check) -> str:
        asked.append(request.storage_class)
        return begin(self, request, check)

    monkeypatch.setattr(MemoryDestination, "begin", note)
    two.classify = lambda estimate: ClassChoice("STANDARD", "it is small") if estimate < 2 else None
    del two.destinations["nas"]

    summary = two.run()

    assert asked == ["STANDARD", None, None]
    chosen = [result.decision for result in summary.results if isinstance(result.decision, Upload)]
    assert [(upload.storage_class, upload.class_reason) for upload in chosen] == [
        ("STANDARD", "it is small"),
        (None, None),
        (None, None),
    ]


def backup_of(world: World, *selections: Selection) -> Backup:
    """Sections of this machine, and of a server that holds the same."""
    here = Origin(world.source, {"raw": world.packer, "tar": world.packer}, world.packer, GROUPS)
    backup = world.backup()
    return replace(
        backup, order=Order(selections), tools=replace(backup.tools, origins={"": here, "sftp://server": here})
    )


def test_each_section_goes_where_it_says_and_a_path_with_its_own_where_that_says(two: World) -> None:
    two.source.files = {"/data/a": b"a", "/data/b": b"b"}
    data = Selection("/data", files=True, destinations=("main",))
    own = Selection("/data/b", destinations=("nas", "main"))

    plan = preview(backup_of(two, data, own))

    assert [(decision.path, decision.to) for decision in plan.decisions] == [
        ("/data/a", "main"),
        ("/data/b", "nas"),
        ("/data/b", "main"),
    ]


def test_candidates_of_a_server_are_looked_at_and_packed_there(two: World) -> None:
    two.source.files = {}
    server = MemorySource({"/far/x": b"x"})
    packer = MemoryPacker(server)
    there = Origin(server, {"raw": packer, "tar": packer}, packer, GROUPS, shared=frozenset({"raw"}))
    backup = two.backup()
    selection = Selection("/far", files=True, destinations=("main", "nas"), origin="sftp://server")
    tools = replace(backup.tools, origins={**backup.tools.origins, "sftp://server": there})

    summary = run(replace(backup, order=Order((selection,)), tools=tools), two.events.append, two.stop)

    assert (summary.sent, summary.exit_code) == (2, 0)
    assert contents(two.destinations["nas"]) == [b"x"]


@pytest.mark.parametrize(("destinations", "origin"), [((), ""), (("elsewhere",), ""), (("main",), "sftp://unknown")])
def test_a_section_that_goes_nowhere_or_comes_from_nowhere_is_refused(
    two: World, destinations: tuple[str, ...], origin: str
) -> None:
    with pytest.raises(ValueError, match=r"/data (goes to|comes from)"):
        preview(backup_of(two, Selection("/data", destinations=destinations, origin=origin)))


def test_results_of_a_large_run_are_not_held_in_memory(two: World) -> None:
    two.source.files = {f"/data/{number:06}": b"" for number in range(12_000)}
    gc.collect()

    summary = two.run(limit=0)

    two.events.clear()
    gc.collect()
    assert sum(isinstance(one, Result | Upload | Skip) for one in gc.get_objects()) < 10_000
    assert (len(summary.results), summary.skipped) == (24_000, 24_000)
    assert sum(1 for _ in summary.results) == 24_000


class CountingTar(TarPacker):
    def __init__(self) -> None:
        super().__init__()
        self.packed = 0

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        self.packed += 1
        with super().pack(path, stored_name) as stream:
            yield stream


def test_a_directory_is_packed_by_one_tar_for_two_disks_that_then_hold_the_same(tmp_path: Path) -> None:
    data, tar = tmp_path / "data", CountingTar()
    for number in range(40):
        (data / "tree" / str(number % 4)).mkdir(parents=True, exist_ok=True)
        (data / "tree" / str(number % 4) / str(number)).write_bytes(noise(1_000_000, seed=number))
    (data / "file").write_bytes(noise(3_000_000))
    disks: dict[str, Destination] = {name: Local(str(tmp_path / name), create=True) for name in ("one", "other")}
    sections = (
        Selection(str(data / "tree"), single_dir=True, compare=True, destinations=tuple(disks)),
        Selection(str(data / "file"), compare=True, destinations=tuple(disks)),
    )
    tools = Tools({"": Origin(LocalSource(), {"raw": RawPacker(), "tar": tar}, LINKS, GROUPS)}, "host")
    sizes = {"one": 1 << 20, "other": 8 << 20}

    def back_up() -> Summary:
        targets = [Target(name, disk, sizes[name]) for name, disk in disks.items()]
        with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
            return run(Backup(Order(sections), tools, targets, catalog, 4), ignore, StopRequest())

    assert (back_up().sent, tar.packed) == (4, 1)
    assert stored_at(tmp_path / "one") == stored_at(tmp_path / "other")
    assert len(stored_at(tmp_path / "one")) == 2
    assert back_up().skipped == 4
    (data / "tree" / "0" / "0").write_bytes(b"changed")
    assert (back_up().sent, tar.packed) == (2, 2)
    for disk in disks.values():
        disk.close()


def ignore(event: Event) -> None:
    return


def stored_at(disk: Path) -> list[bytes]:
    """Archives, without what lies beside them."""
    return sorted(path.with_name(path.name.removesuffix(MANIFEST)).read_bytes() for path in disk.rglob(f"*{MANIFEST}"))
