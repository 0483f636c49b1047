from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from glacier_backup.destination.destination import Check
from glacier_backup.errors import Interrupted
from glacier_backup.model.snapshot import Span, span_of
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.thaw import Stored, Thaw
from glacier_backup.model.zfs_to_aws import Stream
from glacier_backup.plan.told_by_key import Key
from glacier_backup.plan.zfs_to_aws import Dataset
from glacier_backup.workflow.takeover_zfs_to_aws import Answer, Left, TakenOver, Tools, take_over_streams
from tests.fakes import PLACE, MemoryDestination
from tests.workflow.world import World

PHOTOS = Dataset("zfs:tank/photos", "offsite", 4096)
FIRST = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BASELINE = Stream("photos", "20260101")
SECOND = Stream("photos", "20260108", "20260101")
THIRD = Stream("photos", "20260115", "20260108")


@dataclass
class Bucket(MemoryDestination):
    """A list of objects, of each key the newest first."""

    objects: list[Stored] = field(default_factory=list)

    def add(self, key: str, size: int, *, hours: int = 0, hidden: bool = False) -> None:
        hidden_at = FIRST + 9 * HOUR if hidden else None
        locator = f"{key}?versionId={len(self.objects)}"
        self.objects.append(Stored(locator, size, FIRST + hours * HOUR, hidden_at=hidden_at))

    def folder(self, stream: Stream, *sizes: int, prefix: str = "") -> None:
        for size, letters in zip(sizes, ("aaaaaa", "aaaaab", "aaaaac"), strict=False):
            for behind, own in (("", size), (".par2", 40), (".vol000+100.par2", 200)):
                self.add(f"{prefix}{stream.key}-part-{letters}{behind}", own)

    def inventory(self, thaw: Thaw, check: Check, *, newest: bool = False) -> Iterator[Stored]:
        return iter(self.objects)


class Taking:
    def __init__(self, world: World) -> None:
        self.catalog, self.bucket = world.catalog, Bucket()
        self.place_id = self.catalog.register(PLACE, PLACE)
        self.answers: dict[str, Answer] = {}

    def __call__(self, check: Check = lambda: None) -> TakenOver:
        def answer(folder: str) -> Answer:
            return self.answers.get(folder, "none")

        tools = Tools(self.catalog, self.place_id, self.bucket, _key_of, "nas", check, answer)
        return take_over_streams({"photos": PHOTOS}, tools)

    def archives(self) -> list[StoredArchive]:
        return sorted(self.catalog.stored_archives(ArchiveFilter()), key=lambda one: one.time)

    def spans(self) -> list[Span | None]:
        return [span_of(one.recipe) for one in self.archives()]


def _key_of(locator: str) -> Key:
    key = locator.partition("?")[0]
    return Key(key, key)


@pytest.fixture
def taking(world: World) -> Taking:
    return Taking(world)


def test_what_is_whole_and_hangs_together_is_recorded(taking: Taking) -> None:
    taking.bucket.folder(BASELINE, 4096, 1024)
    taking.bucket.folder(SECOND, 1024)
    taking.bucket.add("photos/baseline-20260101/", 0)
    taking.bucket.add("photos/", 0)
    taking.bucket.add("somebody's.txt", 5)

    done = taking()

    assert (done.listed, done.baselines, done.increments, done.bytes, done.left) == (2, 1, 1, 6144, [])
    assert taking.spans() == [Span("offsite-20260101"), Span("offsite-20260108", "", "offsite-20260101")]
    first, second = taking.archives()
    assert [one.number for one in first.volumes] == [1, 4]
    assert len(first.beside) == 4
    assert second.link is not None
    assert (second.link.number, second.link.previous) == (1, first.time)
    assert (first.host, first.origin, first.digest) == ("nas", "zfs-to-aws", None)


def test_a_second_time_adds_what_is_new(taking: Taking) -> None:
    taking.bucket.folder(BASELINE, 1024)
    taking()
    taking.bucket.folder(SECOND, 1024)

    done = taking()

    assert (done.known, done.baselines, done.increments) == (1, 0, 1)
    assert (taking().known, taking().increments) == (2, 0)


def test_whatever_interrupts_it_before_it_writes_leaves_nothing(taking: Taking) -> None:
    taking.bucket.folder(BASELINE, 1024)

    def stop() -> None:
        raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        taking(stop)
    assert taking.archives() == []
    assert taking().baselines == 1


def test_of_each_key_the_newest_version_counts_and_what_was_deleted_is_gone(taking: Taking) -> None:
    taking.bucket.folder(BASELINE, 1024)
    taking.bucket.add(f"{BASELINE.key}-part-aaaaaa", 999, hours=-2)
    taking.bucket.add(f"{BASELINE.key}-part-aaaaab", 512, hours=3, hidden=True)
    taking.bucket.add(f"{BASELINE.key}-part-aaaaab", 512, hours=1)
    taking.bucket.add(f"{SECOND.key}-part-aaaaaa", 1024, hidden=True)

    done = taking()

    assert (done.listed, done.baselines, done.left) == (1, 1, [])
    assert [one.size for one in taking.archives()[0].volumes] == [1024]


def test_who_knows_better_is_asked_and_nothing_follows_what_is_left(taking: Taking) -> None:
    taking.bucket.folder(BASELINE, 4096)
    taking.bucket.folder(SECOND, 1024)

    asked = taking()
    taking.answers[BASELINE.folder] = "leave"
    left = taking()
    taking.answers[BASELINE.folder] = "take"
    taken = taking()

    why = "the last part, aaaaaa, is a full one of 4.0 KiB, so more may be missing"
    gap = "it begins with tank/photos@offsite-20260101, and nothing whole leads to that"
    behind = Left(SECOND.folder, (gap,), False, False)
    assert asked.left == [Left(BASELINE.folder, (why,), True, False), behind]
    assert left.left == [Left(BASELINE.folder, (why,), True, True), behind]
    assert (taken.accepted, taken.baselines, taken.increments, taken.left) == ([BASELINE.folder], 1, 1, [])


def test_what_can_t_be_whole_is_left_whatever_is_said(taking: Taking) -> None:
    taking.bucket.folder(BASELINE, 1024)
    taking.bucket.folder(SECOND, 32)
    taking.bucket.folder(THIRD, 1024)
    taking.answers[SECOND.folder] = "take"

    done = taking()

    assert [one.folder for one in done.left] == [SECOND.folder, THIRD.folder]
    assert not any(one.may_be_taken or one.is_said for one in done.left)


def test_a_gap_that_is_filled_later_lets_the_rest_in(taking: Taking) -> None:
    taking.bucket.folder(BASELINE, 1024)
    taking.bucket.folder(THIRD, 1024)
    assert [one.folder for one in taking().left] == [THIRD.folder]
    taking.bucket.folder(SECOND, 1024)

    done = taking()

    assert (done.known, done.increments, done.left) == (1, 2, [])
    assert [one.link.number for one in taking.archives() if one.link is not None] == [0, 1, 2]


def test_what_this_program_has_sent_is_left_to_a_rebuilding_of_the_catalog(taking: Taking) -> None:
    taking.bucket.folder(BASELINE, 1024)
    taking.bucket.add(f"{BASELINE.key}.enc.recipe.json", 3000)

    done = taking()

    assert (done.ours, done.baselines) == ([BASELINE.folder], 0)


def test_datasets_that_nobody_asked_for_are_named(taking: Taking) -> None:
    taking.bucket.folder(Stream("music", "20260101"), 1024)
    taking.bucket.add("mail/baseline-20260101/mail-T20260101.enc.recipe.json", 3000)

    assert taking().strangers == {"music"}
    assert taking.archives() == []
