"""Going on where an earlier run died: nothing is sent twice, nothing is lost, nothing is left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from glacier_backup.catalog import uploads
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import (
    CatalogError,
    DestinationError,
    DestinationUnavailable,
    Interrupted,
    SourceError,
    SourceShrank,
    UploadForgotten,
    UploadLost,
)
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import Label
from glacier_backup.model.event import ArchiveFound, UploadAborted, UploadResumed, Warned
from glacier_backup.units import MIB, now
from glacier_backup.workflow.backup import preview
from glacier_backup.workflow.sending import lane, leftovers, send
from tests.streams import noise
from tests.workflow.world import World, outcomes

CONTENT = noise(5 * MIB + 1)


class Killed(BaseException):
    """The process is gone: nothing runs after it."""


@pytest.fixture(autouse=True)
def one_large_file(world: World) -> None:
    world.source.files = {"/data/a": CONTENT}


def kill(*_: object) -> None:
    raise Killed


def kill_after(parts: int) -> Callable[[int], None]:
    """From the given part on, whatever thread sends one."""
    left = parts

    def count(_: int) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            raise Killed

    return count


def run_and_die(world: World) -> None:
    """Runs until the hook kills it; afterwards the destination is as it was and hooks no more."""
    with pytest.raises(Killed):
        world.run()
    for thread in threading.enumerate():
        if thread.name.startswith(("candidate", "lane")):
            thread.join()  # a real kill ends them all at once
    revive(world)


def revive(world: World) -> None:
    for name in ("on_begin", "after_begin", "on_send", "after_chunk", "on_complete", "after_complete", "on_abort"):
        setattr(world.destination, name, lambda *_: None)


def assert_all_is_well(world: World) -> None:
    """Each candidate is stored and recorded exactly once, and nothing is left open."""
    assert sorted(world.destination.stored.values()) == sorted(world.source.files.values())
    assert sorted(world.recorded()) == sorted(world.source.files)
    assert world.destination.open == {}
    assert world.unfinished() == ()
    assert "sent" not in outcomes(world.run())


@pytest.mark.parametrize("hook", ["on_begin", "after_begin", "on_send", "on_complete", "after_complete"])
def test_a_run_killed_between_any_two_steps_is_gone_on_with(world: World, hook: str) -> None:
    setattr(world.destination, hook, kill)
    run_and_die(world)

    summary = world.run()

    assert summary.exit_code == 0
    assert world.destination.parts_sent == [0, 1, 2, 3, 4, 5]
    assert_all_is_well(world)


@pytest.mark.parametrize("parts", [1, 2, 5, 6])
def test_only_parts_that_are_missing_are_sent(world: World, parts: int) -> None:
    world.destination.after_chunk = kill_after(parts)
    run_and_die(world)

    world.run()

    assert world.destination.parts_sent == [0, 1, 2, 3, 4, 5]
    assert [event.path for event in world.events if isinstance(event, UploadResumed)] == ["/data/a"]
    assert_all_is_well(world)


def test_a_run_killed_again_and_again_comes_to_its_end(world: World) -> None:
    for parts in (1, 2, 3, 4, 5):
        world.destination.after_chunk = kill_after(parts)
        run_and_die(world)

    world.run()

    assert world.destination.parts_sent == [0, 1, 2, 3, 4, 5]
    assert_all_is_well(world)


@pytest.mark.parametrize("hook", ["on_complete", "after_complete"])
def test_an_archive_that_only_had_to_be_recorded_is_found_and_told(world: World, hook: str) -> None:
    setattr(world.destination, hook, kill)
    run_and_die(world)

    assert outcomes(world.run()) == "skipped"

    ((found,),) = [[event for event in world.events if isinstance(event, ArchiveFound)]]
    assert (found.path, found.locator) == ("/data/a", *world.destination.stored)
    (listed,) = world.catalog.archives()
    assert listed.stored_bytes == len(CONTENT)
    assert len(list(world.catalog.members(1))) == 1


def test_what_was_found_is_sent_again_where_the_source_has_changed_since(world: World) -> None:
    world.destination.after_complete = kill
    run_and_die(world)
    world.source.files["/data/a"] = b"edited"

    assert outcomes(world.run()) == "sent"

    assert list(world.destination.stored.values()) == [CONTENT, b"edited"]
    assert world.recorded() == ["/data/a", "/data/a"]


@pytest.mark.parametrize("step", ["intend", "opened", "completing", "stored"])
def test_a_catalog_that_fails_at_any_step_loses_nothing(
    world: World, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise CatalogError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(world.catalog, step, full)
        assert world.run().exit_code == 2

    assert world.run().exit_code == 0
    assert world.destination.parts_sent == [0, 1, 2, 3, 4, 5]
    assert_all_is_well(world)


def test_a_source_that_changed_meanwhile_is_sent_anew_and_its_upload_removed(world: World) -> None:
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)
    world.source.files["/data/a"] = noise(4 * MIB, seed=2)

    world.run()

    assert [(event.path, event.why) for event in world.events if isinstance(event, UploadAborted)] == [
        ("/data/a", "the source has changed since")
    ]
    assert_all_is_well(world)


def test_a_source_that_is_out_of_sight_keeps_its_upload_for_a_day(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its disk may not be mounted tonight."""
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)
    files = world.source.files
    world.source.files = {"/data/b": b"b"}
    world.run()
    assert world.unfinished() != ()
    world.source.files = files

    world.run()

    assert world.destination.parts_sent == [0, 1, 2, 0, 3, 4, 5]


def test_a_source_that_stays_away_ends_its_upload(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)
    world.source.files = {"/data/b": b"b"}
    monkeypatch.setattr(leftovers, "now", lambda: now() + timedelta(days=1, minutes=1))

    world.run()

    assert [event.path for event in world.events if isinstance(event, UploadAborted)] == ["/data/a"]
    assert_all_is_well(world)


def test_what_has_been_sent_meanwhile_ends_its_upload(world: World) -> None:
    """As after a run with --force that was cut off."""
    world.run()
    world.destination.after_chunk = kill_after(3)
    with pytest.raises(Killed):
        world.run(force=True)
    revive(world)

    world.run()

    assert [event.path for event in world.events if isinstance(event, UploadAborted)] == ["/data/a"]
    assert_all_is_well(world)


def test_a_source_that_cannot_be_read_on_keeps_what_was_sent_of_it(world: World) -> None:
    def fail(count: int) -> None:
        raise SourceError("/data/a: Input/output error")

    world.destination.after_chunk = fail
    assert outcomes(world.run()) == "failed"
    revive(world)

    world.run()

    assert world.destination.parts_sent == [0, 1, 2, 3, 4, 5]
    assert_all_is_well(world)


def test_a_source_that_is_out_of_sight_after_the_plan_keeps_its_upload(world: World) -> None:
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)
    files = world.source.files

    def vanish(path: str) -> None:
        world.source.files = {"/data/b": b"b"}

    world.source.after_look = vanish
    assert world.run().exit_code == 1
    world.source.after_look = lambda path: None
    world.source.files = files

    world.run()

    assert world.destination.parts_sent == [0, 1, 2, 3, 4, 5]
    assert_all_is_well(world)


def test_what_a_run_goes_on_with_has_another_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days of sending aren't lost because it was begun days ago."""
    world.destination.after_chunk = kill_after(2)
    run_and_die(world)
    later = now() + timedelta(days=3)
    monkeypatch.setattr(uploads, "now", lambda: later)
    monkeypatch.setattr(leftovers, "now", lambda: later + timedelta(hours=20))
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)
    world.source.files = {"/data/b": b"b"}

    world.run()

    assert len(world.unfinished()) == 1


def test_what_cannot_even_be_opened_leaves_no_upload(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, stored_name: str) -> NoReturn:
        raise SourceError(f"{path}: Permission denied")

    monkeypatch.setattr(world.packer, "pack", refuse)

    assert outcomes(world.run()) == "failed"
    assert world.destination.open == {}
    assert world.unfinished() == ()


def test_a_run_about_other_paths_leaves_it_alone(world: World) -> None:
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)
    files = world.source.files
    world.source.files = {"/data/b": b"b"}
    world.ad_hoc = True
    world.run()
    world.source.files = files | world.source.files
    world.ad_hoc = False

    world.run()

    assert world.destination.parts_sent == [0, 1, 2, 0, 3, 4, 5]
    assert_all_is_well(world)


def test_what_a_limit_keeps_from_being_tried_is_left_to_the_next_run(world: World) -> None:
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)
    world.source.files = {"/data/0": b"first in order", **world.source.files}
    world.run(limit=1)

    world.run()

    assert world.destination.parts_sent == [0, 1, 2, 0, 3, 4, 5]
    assert_all_is_well(world)


def test_a_preview_tells_what_is_unfinished(world: World) -> None:
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)

    assert preview(world.backup()).unfinished == 1


def test_an_upload_that_expired_is_begun_anew(world: World) -> None:
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)
    world.destination.open.clear()

    assert outcomes(world.run()) == "sent"

    assert_all_is_well(world)


def test_a_destination_is_told_that_it_holds_what_was_begun(world: World) -> None:
    """A disk that isn't mounted must not be taken for a new one because no archive was finished yet."""
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)

    world.run()

    assert world.destination.told == [False, True]


def test_an_upload_goes_on_with_its_own_part_size(world: World) -> None:
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)
    world.part_size = 4 * MIB

    world.run()

    assert world.destination.part_sizes == [MIB]
    assert_all_is_well(world)


def test_the_bytes_told_add_up_to_the_whole_archive_also_where_parts_were_there(world: World) -> None:
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)

    world.run()

    assert world.bytes_told() == len(CONTENT)


def test_an_archive_that_may_be_stored_is_sent_again_and_told_once(world: World) -> None:
    def forgotten(label: Label) -> None:
        revive(world)
        world.destination.open.clear()
        raise UploadForgotten("unknown")

    world.destination.after_complete = kill
    run_and_die(world)
    world.destination.on_complete = forgotten

    summary = world.run()

    assert (outcomes(summary), summary.exit_code) == ("sent", 0)
    assert len([event for event in world.events if isinstance(event, Warned) and "twice" in event.message]) == 1
    assert world.recorded() == ["/data/a"]
    assert outcomes(world.run()) == "skipped"
    assert not any(isinstance(event, Warned) for event in world.events)


def test_a_doubt_is_told_even_if_the_run_dies_while_it_is_noted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgotten(label: Label) -> None:
        raise UploadForgotten("unknown")

    world.destination.after_complete = kill
    run_and_die(world)
    world.destination.on_complete = forgotten
    monkeypatch.setattr(world.catalog, "doubt", kill)

    with pytest.raises(Killed):
        world.run()

    assert any(isinstance(event, Warned) and "twice" in event.message for event in world.events)


def test_an_upload_forgotten_while_it_is_completed_is_sent_again_by_the_same_run(world: World) -> None:
    def forgotten(label: Label) -> None:
        revive(world)
        world.destination.open.clear()
        raise UploadForgotten("unknown")

    world.destination.on_complete = forgotten

    assert outcomes(world.run()) == "sent"
    assert_all_is_well(world)


def test_an_interrupted_run_is_gone_on_with(world: World) -> None:
    def stop(count: int) -> None:
        world.stop.set()

    world.destination.after_chunk = stop
    assert world.run().exit_code == Interrupted.exit_code
    sent = len(world.destination.parts_sent)
    world.stop = StopRequest()
    revive(world)

    world.run()

    assert 0 < sent < 6
    assert world.destination.parts_sent == [0, 1, 2, 3, 4, 5]
    assert_all_is_well(world)


def test_a_lost_network_leaves_the_upload_to_the_next_run(world: World) -> None:
    def lose(count: int) -> None:
        raise DestinationUnavailable("no network")

    world.destination.after_chunk = lose
    assert world.run().exit_code == DestinationUnavailable.exit_code
    revive(world)

    world.run()

    assert world.destination.parts_sent == [0, 1, 2, 3, 4, 5]
    assert_all_is_well(world)


def test_what_is_refused_for_good_leaves_nothing_behind(world: World) -> None:
    def refuse(label: Label) -> None:
        raise DestinationError("refused")

    world.destination.on_complete = refuse

    assert outcomes(world.run()) == "failed"
    assert world.destination.open == {}
    assert world.unfinished() == ()


def test_what_cannot_be_removed_is_told_and_keeps_nothing_from_being_sent(world: World) -> None:
    def refuse(label: Label) -> None:
        raise DestinationError("no permission")

    world.destination.after_chunk = kill_after(3)
    run_and_die(world)
    world.source.files["/data/a"] = b"edited"
    world.destination.on_abort = refuse

    assert outcomes(world.run()) == "sent"
    assert "no permission" in "".join(event.message for event in world.events if isinstance(event, Warned))
    revive(world)
    world.run()
    assert_all_is_well(world)


def test_what_was_begun_unheard_and_cannot_be_looked_for_is_forgotten(world: World) -> None:
    """Nothing was sent of it, so nothing is lost, and no run has to come back to it."""

    def refuse(label: Label) -> None:
        raise DestinationError("no permission")

    world.destination.on_begin = kill
    run_and_die(world)
    world.destination.on_abort = refuse

    assert outcomes(world.run()) == "sent"
    assert not any(isinstance(event, Warned) for event in world.events)
    assert_all_is_well(world)


def test_uploads_of_others_are_never_touched(world: World) -> None:
    world.destination.open["another-host/data/a/20260101T000000.000000Z"] = {0: b"theirs"}
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)
    world.source.files = {"/data/b": b"b"}

    world.run()

    assert "another-host/data/a/20260101T000000.000000Z" in world.destination.open


def test_a_run_that_ends_early_removes_nothing(world: World) -> None:
    def lose(label: Label) -> None:
        raise DestinationUnavailable("no network")

    world.source.files = {"/data/a": CONTENT, "/data/b": CONTENT[:MIB], "/data/c": CONTENT}
    world.concurrency = 3
    world.destination.after_chunk = kill_after(5)
    run_and_die(world)
    left = len(world.unfinished())
    world.concurrency = 1
    world.destination.on_send = lose
    assert world.run().exit_code == 4
    assert len(world.unfinished()) == left
    revive(world)

    world.run()

    assert_all_is_well(world)


def test_an_upload_whose_end_cannot_be_noted_hides_nothing_of_what_was_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise CatalogError("the disk is full")

    world.run()
    world.destination.after_chunk = kill_after(3)
    with pytest.raises(Killed):
        world.run(force=True)
    revive(world)
    world.source.files["/data/b"] = b"new"
    with monkeypatch.context() as patched:
        patched.setattr(world.catalog, "give_up", full)
        summary = world.run()

    assert (outcomes(summary), summary.exit_code) == ("skipped sent", 2)
    assert list(summary.warnings) == ["the disk is full"]


def test_what_the_destination_refuses_to_complete_is_begun_anew_only_when_it_says_so(world: World) -> None:
    """After any other trouble the archive may be stored: the next run asks again."""

    def in_trouble(label: Label) -> None:
        raise DestinationUnavailable("503 for ever")

    world.destination.after_complete = in_trouble
    assert world.run().exit_code == 4
    revive(world)

    assert outcomes(world.run()) == "skipped"
    assert_all_is_well(world)


def test_what_is_told_is_in_the_summary_too(world: World) -> None:
    def forgotten(label: Label) -> None:
        revive(world)
        world.destination.open.clear()
        raise UploadForgotten("unknown")

    world.destination.on_complete = forgotten

    summary = world.run()

    assert list(summary.warnings) == [event.message for event in world.events if isinstance(event, Warned)]
    assert "twice" in next(iter(summary.warnings))


def test_bytes_of_an_upload_that_was_lost_at_its_end_are_taken_back(world: World) -> None:
    def lost(label: Label) -> None:
        revive(world)
        world.destination.open.clear()
        raise UploadLost("unknown")

    world.destination.on_complete = lost

    assert outcomes(world.run()) == "sent"
    assert world.bytes_told() == len(CONTENT)
    assert [event.why for event in world.events if isinstance(event, UploadAborted)] == ["unknown"]


def test_a_candidate_that_a_stopped_run_has_left_behind_does_no_harm(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread comes to itself when the catalog is closed: nothing of it may be removed then."""
    monkeypatch.setattr(lane, "GRACE", 0.3)
    asked, go_on = threading.Event(), threading.Event()

    def hang(label: Label) -> None:
        asked.set()
        go_on.wait(20)

    world.destination.on_complete = hang

    def stop() -> None:
        asked.wait(20)
        world.stop.set()

    stopping = threading.Thread(target=stop)
    stopping.start()
    summary = world.run()
    world.catalog.close()
    go_on.set()
    for thread in [stopping, *threading.enumerate()]:
        if thread is stopping or thread.name.startswith(("candidate", "lane")):
            thread.join()

    assert (outcomes(summary), summary.exit_code) == ("failed", 130)
    revive(world)
    world.stop = StopRequest()
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as world.catalog:
        assert outcomes(world.run()) == "skipped"
        assert_all_is_well(world)


def test_a_destination_out_of_reach_keeps_what_is_unfinished(world: World) -> None:
    def lose(label: Label) -> None:
        raise DestinationUnavailable("no network")

    world.destination.after_complete = kill
    run_and_die(world)
    world.destination.on_complete = lose
    with pytest.raises(DestinationUnavailable):
        world.run()
    revive(world)

    assert outcomes(world.run()) == "skipped"
    assert_all_is_well(world)


def test_a_file_that_shrinks_is_begun_anew(world: World) -> None:
    def shrink(label: Label) -> None:
        world.source.files["/data/a"] = CONTENT[:MIB]
        revive(world)
        raise SourceShrank("/data/a: shorter")

    world.destination.on_send = shrink

    assert outcomes(world.run()) == "sent"
    assert_all_is_well(world)


@pytest.mark.parametrize("error", [SourceShrank("/data/a: shorter"), UploadLost("unknown")])
def test_an_archive_is_not_begun_anew_for_ever(world: World, error: Exception) -> None:
    def always(label: Label) -> None:
        raise error

    world.destination.on_send = always

    assert outcomes(world.run()) == "failed"
    assert len(world.destination.part_sizes) == send.ATTEMPTS
    assert world.destination.open == {}
    assert world.unfinished() == ()


def test_candidates_killed_side_by_side_are_all_gone_on_with(world: World) -> None:
    world.source.files = {f"/data/{number}": noise(3 * MIB, seed=number) for number in range(8)}
    world.concurrency = 4
    for parts in (5, 7, 9):
        world.destination.after_chunk = kill_after(parts)
        run_and_die(world)

    assert world.run().exit_code == 0
    assert_all_is_well(world)
