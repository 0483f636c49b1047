"""Several candidates under way at a time: what begins when, what ends a run, and in which order results come."""

from __future__ import annotations

import _thread
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from glacier_backup.errors import CatalogError, DestinationError, DestinationUnavailable
from glacier_backup.model.archive import Label
from glacier_backup.model.event import ArchiveFailed, ArchiveSkipped, ArchiveStarted, Event, Warned
from glacier_backup.spool import TOGETHER
from glacier_backup.workflow.backup import preview, run
from glacier_backup.workflow.sending import lane
from tests.workflow.world import World, failed, failing, outcomes, sent

PATIENCE = 20
"""Seconds after which a test that would wait for ever fails."""


class Traffic:
    """Counts the candidates that are being sent at a time."""

    def __init__(self, pause: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._pause = pause
        self._now = 0
        self.most = 0
        self.begun: list[str] = []

    def begin(self, label: Label) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.begun.append(label.path)
        time.sleep(self._pause)

    def end(self, label: Label) -> None:
        with self._lock:
            self._now -= 1


@pytest.fixture
def many(world: World) -> World:
    """Forty files, four at a time."""
    world.source.files = {f"/data/{number:03}": b"x" * (number + 1) for number in range(40)}
    world.concurrency = 4
    return world


def traffic(world: World, pause: float = 0.0) -> Traffic:
    traffic = Traffic(pause)
    world.destination.on_send = traffic.begin
    world.destination.on_complete = traffic.end
    return traffic


def test_as_many_as_wanted_are_under_way_and_no_more(many: World) -> None:
    seen = traffic(many, pause=0.01)

    summary = many.run()

    assert seen.most == 4
    assert (summary.sent, summary.failed, summary.skipped, summary.exit_code) == (40, 0, 0, 0)
    assert summary.bytes == sum(range(41))


def test_candidates_really_overlap(many: World) -> None:
    together = threading.Barrier(4, timeout=PATIENCE)

    def meet(label: Label) -> None:
        together.wait()

    many.destination.on_send = meet

    assert many.run().sent == 40


def test_one_at_a_time_is_in_the_order_of_the_plan(many: World) -> None:
    many.concurrency = 1
    seen = traffic(many)

    many.run()

    assert seen.begun == sorted(many.source.files)
    assert seen.most == 1


def test_results_are_in_the_order_of_the_plan_whatever_is_done_first(many: World) -> None:
    """The first one takes until all others are done."""
    others = threading.Semaphore(0)

    def hold_the_first(label: Label) -> None:
        if label.path.endswith("000"):
            for _ in range(39):
                assert others.acquire(timeout=PATIENCE)

    many.destination.on_send = hold_the_first
    many.destination.after_complete = lambda label: others.release()

    summary = many.run()

    assert [result.decision.path for result in summary.results] == sorted(many.source.files)
    assert summary.sent == 40


def test_however_long_one_takes_the_others_go_on_and_results_stay_in_order(
    many: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "AHEAD", 10)
    others = threading.Semaphore(0)

    def hold_two(label: Label) -> None:
        if label.path.endswith(("000", "007")):
            for _ in range(19):
                assert others.acquire(timeout=PATIENCE)

    many.destination.on_send = hold_two
    many.destination.after_complete = lambda label: others.release()

    summary = many.run()

    assert [result.decision.path for result in summary.results] == sorted(many.source.files)
    assert [result.outcome for result in summary.results] == ["sent"] * 40
    assert summary.sent == 40
    assert next(iter(summary.results)) in summary.results


@pytest.mark.parametrize("limit", [0, 1, 3, 4, 39, 40, 100])
def test_never_more_than_the_limit_are_sent(many: World, limit: int) -> None:
    summary = many.run(limit=limit)

    assert (summary.sent, summary.skipped) == (min(limit, 40), max(40 - limit, 0))
    assert len(many.recorded()) == summary.sent


def test_one_that_fails_leaves_its_place_within_the_limit_to_another(many: World) -> None:
    def refuse_the_first_ten(label: Label) -> None:
        if label.path < "/data/010":
            raise DestinationError("refused")

    many.destination.on_send = refuse_the_first_ten

    summary = many.run(limit=5)

    assert (summary.sent, summary.failed, summary.skipped, summary.exit_code) == (5, 10, 25, 1)
    assert outcomes(summary).split() == ["failed"] * 10 + ["sent"] * 5 + ["skipped"] * 25


@pytest.mark.parametrize(
    ("error", "code"), [(DestinationUnavailable("no network"), 1), (CatalogError("the disk is full"), 2)]
)
def test_what_ends_the_run_lets_those_under_way_end_by_themselves(many: World, error: Exception, code: int) -> None:
    """Four are under way when one of them finds out; the other three are sent."""
    together = threading.Barrier(4, timeout=PATIENCE)

    def fail(label: Label) -> None:
        together.wait()
        if label.path == "/data/002":
            raise error
        time.sleep(0.1)

    many.destination.on_send = fail

    summary = many.run()

    assert [result.decision.path for result in sent(summary)] == ["/data/000", "/data/001", "/data/003"]
    assert summary.exit_code == code
    assert tuple(summary.warnings) == ("36 more were not tried",)
    assert Counter(result.error for result in failed(summary)) == {str(error): 1, f"not tried: {error}": 36}


def test_a_stop_begins_nothing_more_and_breaks_off_what_is_under_way(many: World) -> None:
    together = threading.Barrier(4, timeout=PATIENCE)

    def stop(label: Label) -> None:
        together.wait()
        many.stop.set()

    many.destination.on_send = stop

    summary = many.run()

    assert (summary.sent, summary.failed, summary.exit_code) == (0, 40, 130)
    assert tuple(summary.warnings) == ("interrupted; what was sent is recorded; the next run goes on with the rest",)
    assert len([event for event in many.events if isinstance(event, ArchiveStarted)]) == 4


def test_a_stop_before_the_first_is_told_once(many: World) -> None:
    plan = preview(many.backup())
    many.catalog.register(many.destination.place, many.destination.place)

    def stop_when_it_starts(event: Event) -> None:
        many.events.append(event)
        many.stop.set()

    summary = run(many.backup(), stop_when_it_starts, many.stop, plan)

    assert summary.exit_code == 130
    assert len(summary.warnings) == len([event for event in many.events if isinstance(event, Warned)]) == 1
    assert [event for event in many.events if isinstance(event, ArchiveFailed | ArchiveStarted)] == []


@pytest.fixture
def stuck(many: World) -> Iterator[threading.Event]:
    """Nothing is ever sent, until the test ends."""
    release = threading.Event()

    def hang(label: Label) -> None:
        release.wait(PATIENCE)
        raise DestinationError("let go")

    many.destination.on_send = hang
    yield release
    release.set()
    _join()


def _join() -> None:
    """Let threads that nobody waits for any more end while there still is a catalog."""
    for thread in threading.enumerate():
        if thread.name.startswith(("candidate", "lane")):
            thread.join(PATIENCE)


def test_who_insists_does_not_wait_for_threads_that_hang(many: World, stuck: threading.Event) -> None:
    threading.Timer(0.3, _thread.interrupt_main).start()

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        many.run()

    assert time.monotonic() - began < 5
    assert not stuck.is_set()


def test_a_defect_outside_of_any_candidate_is_not_hidden(many: World) -> None:
    plan = preview(many.backup())

    def broken(event: Event) -> None:
        if isinstance(event, ArchiveFailed):
            raise ZeroDivisionError

    many.destination.on_send = failing("/data/000", DestinationError("refused"))

    with pytest.raises(ZeroDivisionError):
        run(many.backup(), broken, many.stop, plan)
    _join()


def test_what_is_skipped_comes_in_its_place(many: World) -> None:
    many.run()
    for path in ("/data/001", "/data/039"):
        many.source.files[path] += b"!"

    summary = many.run()

    assert [result.decision.path for result in sent(summary)] == ["/data/001", "/data/039"]
    assert summary.skipped == 38
    assert len([event for event in many.events if isinstance(event, ArchiveSkipped)]) == 38


def test_what_a_large_run_adds_up_to_is_kept_as_it_goes(world: World) -> None:
    world.source.files = {f"/data/{number:05}": b"" for number in range(3 * TOGETHER)}
    plan = preview(world.backup())
    world.source.files = {}
    world.concurrency = 3

    summary = run(world.backup(), world.events.append, world.stop, plan)

    assert (plan.uploads, plan.skips, plan.bytes) == (3 * TOGETHER, 0, 0)
    assert (len(summary.results), summary.failed) == (3 * TOGETHER, 3 * TOGETHER)
    assert {result.error for result in summary.results} == {"No such file or directory"}
    assert summary.plan is plan
