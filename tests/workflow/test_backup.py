"""The backup workflow, over sources, packers and destinations in memory and a real catalog."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from glacier_backup.errors import CatalogError, DestinationError, DestinationUnavailable, Interrupted
from glacier_backup.model.archive import Label, ReadProblem
from glacier_backup.model.event import ArchiveFailed, ArchiveSent, BytesSent, Warned
from glacier_backup.model.place import Place
from glacier_backup.pack.packer import PackOutcome
from glacier_backup.units import MIB
from glacier_backup.workflow.backup import preview, run
from tests.fakes import MemoryDestination, MemoryPacker
from tests.workflow.world import World, failed, failing, outcomes, sent, uploads


class Underestimating(MemoryPacker):
    def estimate(self, content: int, entries: int) -> int:
        return 1


def test_what_is_sent_is_recorded_and_not_sent_again(world: World) -> None:
    assert outcomes(world.run()) == "sent sent sent"
    assert world.recorded() == ["/data/a", "/data/b", "/data/c"]
    assert outcomes(world.run()) == "skipped skipped skipped"


def test_a_plan_is_the_run_that_follows(world: World) -> None:
    world.run(limit=1)
    planned = preview(world.backup())

    summary = world.run()

    assert uploads(planned) == ["/data/b", "/data/c"] == [result.decision.path for result in sent(summary)]


def test_nothing_is_asked_of_a_known_destination_when_there_is_nothing_to_send(world: World) -> None:
    world.run()
    asked = world.destination.asked

    world.run()

    assert world.destination.asked == asked


def test_one_that_fails_stops_no_other(world: World) -> None:
    world.destination.on_send = failing("/data/b", DestinationError("refused"))

    summary = world.run()

    assert (outcomes(summary), summary.exit_code) == ("sent failed sent", 1)
    assert world.recorded() == ["/data/a", "/data/c"]
    assert [event.error for event in world.events if isinstance(event, ArchiveFailed)] == ["refused"]


def test_a_defect_in_one_stops_no_other_and_is_kept_for_the_log(world: World) -> None:
    world.destination.on_send = failing("/data/b", ZeroDivisionError("oops"))

    summary = world.run()

    assert (outcomes(summary), summary.exit_code) == ("sent failed sent", 1)
    assert failed(summary)[0].error == "unexpected ZeroDivisionError: oops"
    assert "Traceback" in (failed(summary)[0].defect or "")


@pytest.mark.parametrize(
    ("path", "ended", "code"), [("/data/a", "failed failed failed", 4), ("/data/b", "sent failed failed", 1)]
)
def test_a_destination_out_of_reach_ends_the_run(world: World, path: str, ended: str, code: int) -> None:
    world.destination.on_send = failing(path, DestinationUnavailable("no network"))

    summary = world.run()

    assert (outcomes(summary), summary.exit_code) == (ended, code)
    assert failed(summary)[-1].error == "not tried: no network"


def test_a_catalog_that_cannot_be_written_ends_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise CatalogError("the disk is full")

    monkeypatch.setattr(world.catalog, "stored", full)

    summary = world.run()

    assert (outcomes(summary), summary.exit_code) == ("failed failed failed", 2)
    assert len(world.destination.stored) == 1


def test_a_stop_ends_the_run_between_archives_and_within_one(world: World) -> None:
    world.destination.on_send = lambda label: world.stop.set() if label.path == "/data/b" else None

    summary = world.run()

    assert (outcomes(summary), summary.exit_code) == ("sent failed failed", 130)
    assert world.recorded() == ["/data/a"]


def test_a_stop_while_candidates_are_looked_at_ends_the_run_at_once(world: World) -> None:
    world.source.after_look = lambda path: world.stop.signalled()

    with pytest.raises(Interrupted):
        world.run()

    assert world.destination.stored == {}


def test_a_second_signal_while_sending_stops_at_once(world: World) -> None:
    def insist(label: Label) -> None:
        world.stop.signalled()
        world.stop.signalled()

    world.destination.on_send = insist

    with pytest.raises(KeyboardInterrupt):
        world.run()


def test_what_was_not_tried_is_told_in_one_line_and_the_cause_with_its_cure(world: World) -> None:
    world.destination.on_send = failing("/data/a", DestinationUnavailable("refused", hint="ask for permission"))

    summary = world.run()

    assert tuple(summary.warnings) == ("2 more were not tried",)
    assert [event.hint for event in world.events if isinstance(event, ArchiveFailed)] == ["ask for permission"]


def test_bytes_of_an_upload_that_came_to_nothing_are_taken_back(world: World) -> None:
    def vanish(count: int) -> None:
        raise DestinationError("reset")

    world.destination.after_chunk = vanish
    world.run()

    assert sum(event.bytes for event in world.events if isinstance(event, BytesSent)) == 0


def test_a_plan_for_another_destination_is_refused(world: World) -> None:
    plan = preview(world.backup())
    world.destination = MemoryDestination(place=Place("local", "/elsewhere"))

    with pytest.raises(ValueError, match="/elsewhere"):
        run(world.backup(), world.events.append, world.stop, plan)


def test_an_end_that_cannot_be_recorded_does_not_hide_what_was_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise CatalogError("the disk is full")

    monkeypatch.setattr(world.catalog, "end_run", full)

    summary = world.run()

    assert (outcomes(summary), summary.exit_code) == ("sent sent sent", 2)
    assert tuple(summary.warnings) == ("the disk is full",)


def test_a_known_destination_is_told_that_it_holds_archives(world: World) -> None:
    world.run(limit=1)
    world.run()

    assert world.destination.told == [False, True]


def test_a_candidate_that_vanishes_after_the_plan_fails_alone(world: World) -> None:
    plan = preview(world.backup())
    del world.source.files["/data/b"]

    summary = run(world.backup(), world.events.append, world.stop, plan)

    assert (outcomes(summary), summary.exit_code) == ("sent failed sent", 1)
    assert failed(summary)[0].error == "No such file or directory"


def test_the_fingerprint_is_the_one_from_before_sending(world: World) -> None:
    """What changes between plan and sending is sent as it is then, and not again by the next run."""
    plan = preview(world.backup())
    world.source.files["/data/b"] = b"new since the plan"

    run(world.backup(), world.events.append, world.stop, plan)

    assert b"new since the plan" in world.destination.stored.values()
    assert outcomes(world.run()) == "skipped skipped skipped"


def test_what_changes_while_it_is_sent_is_flagged_and_sent_again(world: World) -> None:
    def edit(label: Label) -> None:
        if label.path == "/data/b":
            world.source.files["/data/b"] = b"edited"

    world.destination.on_send = edit

    summary = world.run()

    assert summary.exit_code == 0
    assert tuple(summary.warnings) == ("/data/b: changed while it was read",)
    assert [event.message for event in world.events if isinstance(event, Warned)] == list(summary.warnings)
    assert outcomes(world.run()) == "skipped sent skipped"


def test_what_changes_and_changes_back_while_it_is_sent_is_sent_again(world: World) -> None:
    world.packer.outcomes["/data/b"] = PackOutcome((), changed=True)
    world.run()
    world.packer.outcomes.clear()

    assert outcomes(world.run()) == "skipped sent skipped"
    assert outcomes(world.run()) == "skipped skipped skipped"


def test_what_could_not_be_read_is_recorded_and_told(world: World) -> None:
    problem = ReadProblem("/data/b/secret", "Permission denied")
    world.packer.outcomes["/data/b"] = PackOutcome((problem,), changed=False)

    summary = world.run()

    assert (outcomes(summary), summary.exit_code) == ("sent sent sent", 1)
    assert "/data/b/secret: Permission denied" in next(iter(summary.warnings))
    assert [one.problems for one in world.catalog.archives()] == [0, 1, 0]


def test_a_stream_that_outgrows_its_parts_is_sent_in_larger_ones(world: World) -> None:
    world.destination.limits = replace(world.destination.limits, most_parts=2)
    world.source.files = {"/data/log": bytes(7 * MIB)}
    world.packer = Underestimating(world.source)

    assert outcomes(world.run()) == "sent"
    assert world.destination.part_sizes == [MIB, 2 * MIB, 4 * MIB]


def test_what_is_larger_than_the_largest_archive_fails_alone(world: World) -> None:
    world.destination.limits = replace(world.destination.limits, most_parts=1, largest_part=MIB)
    world.source.files["/data/b"] = bytes(2 * MIB)

    summary = world.run()

    assert outcomes(summary) == "sent failed sent"
    assert "too large for one archive" in (failed(summary)[0].error or "")


def test_force_sends_what_is_unchanged(world: World) -> None:
    world.run()

    assert outcomes(world.run(force=True)) == "sent sent sent"
    assert len(world.recorded()) == 6


def test_the_limit_counts_what_was_sent(world: World) -> None:
    world.destination.on_send = failing("/data/a", DestinationError("refused"))

    assert outcomes(world.run(limit=1)) == "failed sent skipped"


def test_two_destinations_know_nothing_of_each_other(world: World) -> None:
    world.run()
    world.destination = MemoryDestination(place=Place("local", "/elsewhere"))

    assert outcomes(world.run()) == "sent sent sent"


def test_the_manifest_says_how_to_check_and_to_open(world: World) -> None:
    world.run(limit=1)

    ((locator, text),) = world.destination.manifests.items()
    manifest = json.loads(text)
    assert manifest["path"] == "/data/a"
    assert manifest["mode"] == "0640"
    assert manifest["recipe"] == {"version": 1, "steps": [{"step": "raw"}]}
    assert manifest["volumes"][0]["locator"] == locator
    assert len(manifest["volumes"][0]["sha256_tree"]) == 64


def test_listeners_are_told_in_order(world: World) -> None:
    world.run()

    kinds = [type(event).__name__ for event in world.events]
    assert kinds[0] == "RunStarted"
    assert kinds[-1] == "RunEnded"
    assert kinds[1:4] == ["ArchiveStarted", "BytesSent", "ArchiveSent"]
    assert len([event for event in world.events if isinstance(event, ArchiveSent)]) == 3
