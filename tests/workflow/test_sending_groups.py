"""Files of a whole tree sent together: in one tar, counted as sent only when that is stored, and gone on with."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.archive import Container, Label, Member, ReadProblem
from glacier_backup.model.event import (
    ArchiveFound,
    ArchiveSent,
    ArchiveSkipped,
    ArchiveStarted,
    BytesSent,
    Event,
    UploadAborted,
    UploadResumed,
)
from glacier_backup.model.manifest import parse_manifest
from glacier_backup.model.naming import is_group_path
from glacier_backup.model.reason import SentMeanwhile, Vanished
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.pack.packer import PackedStream, Packer, PackOutcome
from glacier_backup.seal.chain import Chain, Split
from glacier_backup.seal.openssl import OpenSSL
from glacier_backup.units import KIB
from tests.fakes import LIMITS
from tests.streams import noise
from tests.workflow.packs import SECTION, Killed, Packs
from tests.workflow.seals import age, openssl
from tests.workflow.world import outcomes


@pytest.fixture
def packs(tmp_path: Path) -> Iterator[Packs]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield Packs(tmp_path, catalog)


def kill(*_: object) -> None:
    raise Killed


def test_files_are_stored_in_one_tar_below_the_name_of_their_section(packs: Packs) -> None:
    packs.write("a")
    packs.write("2020/b c", "b")
    (packs.folder / "link").symlink_to("nowhere")

    summary = packs.run()

    assert outcomes(summary) == "sent"
    assert packs.groups() == [{f"{SECTION}/2020/b c": "b", f"{SECTION}/a": "a", f"{SECTION}/link": "-> nowhere"}]
    (archive,) = packs.archives()
    (locator,) = packs.destination.stored
    pattern = rf"nas{re.escape(str(packs.folder))}/~pack-[0-9a-f]{{12}}/20\d{{6}}T\d{{6}}\.\d{{6}}Z\.tar"
    assert re.fullmatch(pattern, locator)
    assert (archive.kind, archive.name, archive.container) == ("group", "my_photos.pack.tar", "tar")
    assert archive.recipe == Recipe((Step("tar"),))
    assert sorted(one.path for one in packs.catalog.members(archive.id)) == sorted(packs.groups()[0])
    assert packs.sent() == {"a", "2020/b c", "link"}
    assert packs.unfinished() == ()


def test_events_are_about_the_path_of_the_group(packs: Packs) -> None:
    packs.write("a")
    packs.run()

    (archive,) = packs.archives()
    told = {event.path for event in packs.events if isinstance(event, BytesSent)}
    told |= {event.upload.path for event in packs.events if isinstance(event, ArchiveStarted | ArchiveSent)}
    assert told == {archive.path}
    (sent,) = (event for event in packs.events if isinstance(event, ArchiveSent))
    assert sent.record.fingerprint.entries == 1


@pytest.mark.parametrize("count", [1, 2])
def test_results_tell_which_files_a_group_has(packs: Packs, count: int) -> None:
    if count == 2:
        packs.add("far")
    packs.write("a", "x" * 40 * KIB)
    packs.write("b", "x" * 40 * KIB)
    packs.write("c", "x" * 100 * KIB)

    results = list(packs.run(limit=1).results)

    told = [[held.name for held in one.decision.contents or ()] for one in results if one.decision.to == "main"]
    assert sorted(told) == [[], ["a"], ["b"]]
    assert len(results) == 3 * count


def test_the_manifest_of_a_group_says_what_it_is(packs: Packs) -> None:
    packs.write("a")
    packs.run()

    (archive,) = packs.archives()
    told = parse_manifest(packs.destination.manifests[archive.volumes[0].locator])
    assert (told.label.path, told.label.kind, told.label.container) == (archive.path, "group", "tar")


def test_a_second_run_sends_nothing_and_a_third_what_is_new_and_what_has_changed(packs: Packs) -> None:
    for name in ("a", "b", "c"):
        packs.write(name)
    packs.run()

    assert packs.run().sent == 0

    packs.write("b", "changed", 1_700_000_000)
    packs.write("d")
    packs.remove("c")
    packs.run()
    assert packs.groups()[1:] == [{f"{SECTION}/b": "changed", f"{SECTION}/d": "d"}]
    assert packs.sent() == {"a", "b", "d"}


def test_what_is_too_large_goes_alone_under_its_own_key(packs: Packs) -> None:
    packs.write("large", "x" * 100 * KIB)
    packs.write("small")

    assert packs.run().sent == 2

    assert packs.destination.stored[f"nas{packs.folder}/large"] == b"x" * 100 * KIB
    assert packs.groups() == [{f"{SECTION}/small": "small"}]
    assert packs.sent() == {"large", "small"}


def test_as_many_groups_are_sent_as_the_limit_allows_and_the_rest_by_the_next_runs(packs: Packs) -> None:
    for number in range(6):
        packs.write(f"{number}", f"{number}" * 20 * KIB)

    counts = []
    while outcome := packs.run(limit=1).sent:
        counts.append((outcome, len(packs.sent())))

    assert counts == [(1, 2), (1, 4), (1, 6)]


class TestVanished:
    def test_what_is_gone_before_it_is_packed_is_left_out_without_a_word(self, packs: Packs) -> None:
        packs.write("a")
        packs.write("b")
        packs.on_event = _before(ArchiveStarted, lambda: packs.remove("a"))

        summary = packs.run()

        assert (outcomes(summary), summary.exit_code, packs.warnings()) == ("sent", 0, [])
        assert packs.groups() == [{f"{SECTION}/b": "b"}]

    def test_so_is_what_goes_between_two_looks_and_nobody_takes_it_for_sent(self, packs: Packs) -> None:
        packs.write("a")
        packs.write("b")
        packs.destination.on_begin = lambda label: packs.remove("a")

        summary = packs.run()

        assert (outcomes(summary), summary.exit_code) == ("sent", 0)
        assert packs.groups() == [{f"{SECTION}/b": "b"}]
        packs.destination.on_begin = lambda label: None
        packs.write("a")
        packs.run()
        assert packs.groups()[1:] == [{f"{SECTION}/a": "a"}]

    @pytest.mark.parametrize(
        ("when", "sealed"),
        [("before it is looked at", False), ("before it is looked at", True), ("before it is packed", False)],
    )
    def test_a_group_of_which_nothing_is_left_is_passed_over_quietly(
        self, packs: Packs, when: str, sealed: bool
    ) -> None:
        if sealed:
            packs.seal = Chain((), Split(10 * KIB), (OpenSSL(lambda: "correct horse", iterations=1000),))
        packs.write("a", "x" * 20 * KIB)
        packs.write("b")

        def vanish() -> None:
            packs.remove("a", "b")

        if when == "before it is looked at":
            packs.on_event = _before(ArchiveStarted, vanish)
        else:
            packs.destination.on_begin = _once(vanish)

        summary = packs.run()

        assert (outcomes(summary), summary.exit_code, packs.warnings()) == ("skipped", 0, [])
        assert [event.skip.reason for event in packs.events if isinstance(event, ArchiveSkipped)] == [Vanished()]
        assert (packs.destination.stored, packs.destination.open, packs.unfinished()) == ({}, {}, ())
        assert list(packs.run().results) == []


class TestUnreadable:
    def test_what_can_not_be_read_is_told_and_tried_again(self, packs: Packs) -> None:
        packs.write("a")
        packs.write("b")
        packs.wrap = losing("b")

        summary = packs.run()

        assert summary.exit_code == 1
        path = packs.archives()[0].path
        about = f"{packs.folder}/b: Permission denied"
        assert packs.warnings()[0].startswith(f"{path}: incomplete, 1 inside could not be read, the first is {about}")
        assert packs.sent() == {"a"}

    def test_a_group_of_which_nothing_can_be_read_fails_and_leaves_nothing(self, packs: Packs) -> None:
        packs.write("a")
        packs.wrap = losing("a")

        summary = packs.run()

        assert (outcomes(summary), summary.exit_code) == ("failed", 1)
        (result,) = summary.results
        assert result.error == f"none of its files can be read; the first is {packs.folder}/a: Permission denied"
        assert (packs.destination.stored, packs.destination.open, packs.unfinished()) == ({}, {}, ())


def test_of_what_changed_and_changed_back_nothing_counts_as_sent(packs: Packs) -> None:
    packs.write("a")
    packs.wrap = changing

    packs.run()

    assert packs.sent() == set()
    packs.wrap = lambda packer: packer
    assert packs.run().sent == 1
    assert packs.sent() == {"a"}


def test_a_file_that_changes_after_it_was_packed_is_sent_by_the_next_run(packs: Packs) -> None:
    packs.write("a")
    packs.destination.after_chunk = _once(lambda: packs.write("a", "newer", 1_700_000_000))

    packs.run()
    assert packs.warnings()[0].endswith(
        ": files in it have changed, or gone, while it was read; the next run sends what has changed"
    )
    packs.destination.after_chunk = lambda count: None
    packs.run()

    assert packs.groups() == [{f"{SECTION}/a": "a"}, {f"{SECTION}/a": "newer"}]
    assert packs.sent() == {"a"}


STEPS = ("on_begin", "after_begin", "on_send", "after_chunk", "on_complete", "after_complete")


class TestKilled:
    @pytest.mark.parametrize("step", STEPS)
    def test_a_file_counts_as_sent_only_once_its_group_is_stored(self, packs: Packs, step: str) -> None:
        packs.write("a")
        packs.write("b")
        setattr(packs.destination, step, kill)

        packs.run_and_die()
        assert packs.sent() == set()
        packs.run()

        assert packs.sent() == {"a", "b"}
        assert packs.groups() == [{f"{SECTION}/a": "a", f"{SECTION}/b": "b"}]
        assert (len(packs.destination.stored), packs.destination.open, packs.unfinished()) == (1, {}, ())
        assert packs.run().sent == 0

    def test_the_next_run_goes_on_where_it_was(self, packs: Packs) -> None:
        packs.pack_size = 4 << 20
        for number in range(3):
            packs.write(f"{number}", noise(900_000, number).hex()[:1_000_000])
        packs.destination.after_chunk = _after(2, kill)

        packs.run_and_die()
        before = len(packs.destination.parts_sent)
        packs.run()

        assert any(isinstance(event, UploadResumed) for event in packs.events)
        assert (before, packs.destination.parts_sent) == (2, [0, 1, 2])
        assert len(packs.archives()) == 1

    def test_one_that_was_stored_and_not_recorded_is_found(self, packs: Packs) -> None:
        packs.write("a")
        packs.destination.after_complete = kill
        packs.run_and_die()
        packs.write("b")

        packs.run()

        assert any(isinstance(event, ArchiveFound) for event in packs.events)
        assert packs.groups() == [{f"{SECTION}/a": "a"}, {f"{SECTION}/b": "b"}]

    def test_what_was_begun_with_other_files_is_removed_by_the_run_that_puts_them_together_anew(
        self, packs: Packs
    ) -> None:
        packs.write("a")
        packs.destination.on_complete = kill
        packs.destination.after_chunk = kill
        packs.run_and_die()
        packs.write("b")

        packs.run()

        assert [event.why for event in packs.events if isinstance(event, UploadAborted)] == ["nothing goes on with it"]
        assert packs.groups() == [{f"{SECTION}/a": "a", f"{SECTION}/b": "b"}]
        assert (packs.destination.open, packs.unfinished()) == ({}, ())

    @pytest.mark.parametrize(("before", "after"), [(100 * KIB, 5), (5, 100 * KIB)])
    def test_so_is_what_was_begun_alone_and_goes_with_others_now_and_the_other_way_round(
        self, packs: Packs, before: int, after: int
    ) -> None:
        packs.write("a", "x" * before)
        packs.destination.after_chunk = kill
        packs.run_and_die()
        packs.write("a", "y" * after, 1_700_000_000)

        packs.run()

        assert (packs.destination.open, packs.unfinished(), packs.sent()) == ({}, (), {"a"})

    def test_a_run_about_other_paths_leaves_it_alone(self, packs: Packs) -> None:
        packs.write("a")
        packs.destination.after_chunk = kill
        packs.run_and_die()
        packs.write("b")

        packs.run(ad_hoc=True)

        assert len(packs.unfinished()) == 1

    def test_while_nothing_of_its_section_is_to_be_seen_it_is_kept(self, packs: Packs) -> None:
        """Its disk may not be mounted."""
        packs.write("a")
        packs.destination.after_chunk = kill
        packs.run_and_die()
        packs.remove("a")

        packs.run()
        assert len(packs.unfinished()) == 1

        packs.write("a")
        packs.run()
        assert any(isinstance(event, UploadResumed) for event in packs.events)


def test_what_fails_is_removed_and_sent_by_the_next_run(packs: Packs) -> None:
    packs.write("a")
    packs.destination.on_send = _raising(DestinationError("refused"))

    summary = packs.run()

    assert (outcomes(summary), packs.destination.open, packs.sent()) == ("failed", {}, set())
    packs.destination.on_send = lambda label: None
    packs.run()
    assert packs.sent() == {"a"}


class TestSeveralDestinations:
    def test_each_has_groups_of_its_own_and_packs_them_itself(self, packs: Packs) -> None:
        packs.write("a")
        packs.run()
        packs.add("far")
        packs.write("b")

        packs.run()

        assert packs.groups() == [{f"{SECTION}/a": "a"}, {f"{SECTION}/b": "b"}]
        assert packs.groups("far") == [{f"{SECTION}/a": "a", f"{SECTION}/b": "b"}]

    def test_the_same_group_is_read_for_each(self, packs: Packs) -> None:
        packs.add("far")
        packs.write("a")

        packs.run()

        assert packs.groups() == packs.groups("far")
        assert len(packs.packed) == 2

    def test_one_that_is_out_of_reach_holds_up_no_other(self, packs: Packs) -> None:
        packs.add("far").on_begin = _raising(DestinationUnavailable("gone"))
        packs.write("a")

        summary = packs.run()

        assert (outcomes(summary, "main"), outcomes(summary, "far")) == ("sent", "failed")
        assert (packs.sent(), packs.sent("far")) == ({"a"}, set())


class TestTwice:
    def test_forced_files_go_again_and_again(self, packs: Packs) -> None:
        packs.write("a")

        assert [outcomes(packs.run(force=True)) for _ in range(3)] == ["sent"] * 3

        assert packs.groups() == [{f"{SECTION}/a": "a"}] * 3

    def test_a_plan_that_is_carried_out_twice_sends_nothing_again(self, packs: Packs) -> None:
        packs.write("a")
        plan = packs.preview()
        packs.run(plan=plan)

        summary = packs.run(plan=plan)

        assert [result.decision.reason for result in summary.results] == [SentMeanwhile()]


class TestSealed:
    def test_it_is_cut_into_volumes_and_gone_on_with_behind_those_that_are_stored(
        self, packs: Packs, tmp_path: Path
    ) -> None:
        packs.seal = Chain((), Split(10 * KIB), (openssl(tmp_path)[0],))
        packs.write("a", "x" * 25 * KIB)
        packs.write("b")
        packs.destination.on_begin = _at_volume(3, kill)

        packs.run_and_die()
        assert [one.partition("Z")[2] for one in packs.destination.stored] == [".tar.v001.enc", ".tar.v002.enc"]
        kept = dict(packs.destination.stored)
        assert packs.sent() == set()
        packs.run()

        assert kept.items() <= packs.destination.stored.items()
        assert packs.sent() == {"a", "b"}
        (archive,) = packs.archives()
        assert sorted(one.locator for one in archive.objects) == sorted(packs.destination.stored)
        assert packs.run().sent == 0

    def test_volumes_of_a_group_that_was_put_together_anew_are_removed(self, packs: Packs, tmp_path: Path) -> None:
        packs.seal = Chain((), Split(10 * KIB), (openssl(tmp_path)[0],))
        packs.write("a", "x" * 25 * KIB)
        packs.destination.on_begin = _at_volume(3, kill)
        packs.run_and_die()
        packs.write("b")

        packs.run()

        (archive,) = packs.archives()
        assert sorted(one.locator for one in archive.objects) == sorted(packs.destination.stored)

    @pytest.mark.parametrize("split", [None, Split(10 * KIB)])
    def test_what_is_never_the_same_twice_waits_in_the_spool_where_there_is_one(
        self, packs: Packs, tmp_path: Path, split: Split | None
    ) -> None:
        sealer = age(tmp_path)[0]
        packs.seal = Chain(each=(sealer,)) if split is None else Chain((sealer,), split)
        packs.spool_dir = str(tmp_path / "own")
        packs.write("a", "x" * 25 * KIB)
        packs.destination.on_complete = kill
        packs.run_and_die()

        packs.run()

        assert any(isinstance(event, UploadResumed | ArchiveFound) for event in packs.events)
        assert packs.sent() == {"a"}
        assert os.listdir(packs.spool_dir) == []

    def test_hidden_names_show_nothing_of_the_section(self, packs: Packs, tmp_path: Path) -> None:
        packs.seal = Chain(each=(openssl(tmp_path)[0],))
        packs.private = True
        packs.write("a")

        packs.run()

        names = "".join(packs.destination.stored)
        assert not re.search("photos|pack|nas|tar", names)
        assert b"photos" not in b"".join(packs.destination.stored.values())
        assert packs.sent() == {"a"}
        assert is_group_path(packs.archives()[0].path)
        assert packs.run().sent == 0


def test_a_place_that_takes_nothing_empty_takes_a_group_of_empty_files(packs: Packs) -> None:
    packs.destination.limits = replace(LIMITS, least=1)
    (packs.folder / "empty").touch()

    packs.run()

    assert packs.groups() == [{f"{SECTION}/empty": ""}]


def _before(kind: type[Event], act: Callable[[], object]) -> Callable[[Event], object]:
    once = _once(act)
    return lambda event: once() if isinstance(event, kind) else None


def _once(act: Callable[[], object]) -> Callable[..., None]:
    left = [act]

    def acting(*_: object) -> None:
        if left:
            left.pop()()

    return acting


def _after(count: int, act: Callable[[], object]) -> Callable[..., None]:
    left = [act] * count

    def acting(*_: object) -> None:
        left.pop()
        if not left:
            act()

    return acting


def _at_volume(number: int, act: Callable[[], object]) -> Callable[[Label], None]:
    def acting(label: Label) -> None:
        if label.volume == number:
            act()

    return acting


def _raising(error: Exception) -> Callable[[Label], None]:
    def acting(label: Label) -> None:
        raise error

    return acting


class _Wrapping:
    """A packer whose streams are made others by ``wrap``."""

    def __init__(self, packer: Packer, wrap: Callable[[PackedStream, str, str], PackedStream]) -> None:
        self.container: Container = packer.container
        self.step = packer.step
        self.estimate = packer.estimate
        self._packer = packer
        self._wrap = wrap

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        with self._packer.pack(path, stored_name) as stream:
            yield self._wrap(stream, path, stored_name)


class _Stream:
    """With another outcome, and without one of the members."""

    def __init__(self, stream: PackedStream, outcome: PackOutcome, without: str = "") -> None:
        self.readinto = stream.readinto
        self._stream = stream
        self._outcome = outcome
        self._without = without

    def outcome(self) -> PackOutcome:
        return self._outcome

    def members(self) -> Iterator[Member]:
        return (one for one in self._stream.members() if one.path != self._without)


def losing(name: str) -> Callable[[Packer], Packer]:
    """That file of a group can't be read."""

    def wrap(stream: PackedStream, path: str, stored_name: str) -> PackedStream:
        problem = ReadProblem(f"{path}/{name}", "Permission denied")
        return _Stream(stream, PackOutcome((problem,), changed=False), f"{stored_name}/{name}")

    return lambda packer: _Wrapping(packer, wrap)


def changing(packer: Packer) -> Packer:
    """Something changes while it is read, and looks as before afterwards."""
    return _Wrapping(packer, lambda stream, path, stored_name: _Stream(stream, PackOutcome((), changed=True)))
