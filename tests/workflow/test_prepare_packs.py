"""Deciding for whole trees whose files are put together, with sources and answers of a catalog made for it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glacier_backup.errors import SourceUnavailable
from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.place import Place
from glacier_backup.model.plan import BackupPlan, ClassChoice, Decision, Skip, Upload
from glacier_backup.model.record import LastSent
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.model.upload_reason import Gathered, Renamed
from glacier_backup.pack.registry import GROUPS, LINKS, PACKERS
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, Symlinks, TreeRules
from glacier_backup.units import MIB
from glacier_backup.workflow.sending.prepare import Order, prepare
from glacier_backup.workflow.sending.renames import renames
from glacier_backup.workflow.tools import Classify, Origin, Target, as_set
from tests.fakes import MemoryDestination

SENT = datetime(2026, 3, 21, 4, tzinfo=UTC)
MTIME = 1_600_000_000


class Stored:
    """What one destination is taken to have."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sent: dict[str, LastSent] = {}
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        """What was asked for by looks."""

    def put(self, name: str, size: int, mtime: int = MTIME) -> None:
        digest = tree_fingerprint("file", size, mtime * 10**9).digest
        self.sent[str(self._folder / name)] = LastSent(1, SENT, size, digest)

    def last_sent(self, paths: Sequence[str]) -> Mapping[str, LastSent]:
        return {path: self.sent[path] for path in paths if path in self.sent}

    def alike(self, below: str, digests: Sequence[str]) -> Mapping[str, Sequence[str]]:
        self.asked.append((below, tuple(digests)))
        found: dict[str, list[str]] = {}
        for path, last in self.sent.items():
            if path.startswith(f"{below}/") and last.digest is not None and last.digest in digests:
                found.setdefault(last.digest, []).append(path)
        return found


class Desk:
    """A tree of real files, and what each destination has of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stored = {"main": Stored(folder)}
        self.source = LocalSource()
        self.pack_size: int | None = MIB
        self.symlinks: Symlinks = "store"
        self.classify: Classify = as_set
        self.knows_looks = True

    def write(self, name: str, size: int, mtime: int = MTIME) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)
        os.utime(path, (mtime, mtime))

    def plan(self, *, force: bool = False) -> BackupPlan:
        rules = TreeRules(pack_size=self.pack_size, symlinks=self.symlinks)
        selection = Selection(str(self.folder), compare=True, destinations=tuple(self.stored), tree=rules)
        targets = [
            Target(name, MemoryDestination(place=Place("local", f"/{name}")), classify=self.classify)
            for name in self.stored
        ]
        last_sent = {name: one.last_sent for name, one in self.stored.items()}
        alike = {name: one.alike for name, one in self.stored.items() if self.knows_looks}
        origins = {"": Origin(self.source, PACKERS, LINKS, GROUPS)}
        return prepare(Order((selection,), force), origins, targets, last_sent, alike)

    def group(self, *, force: bool = False) -> Upload:
        (group,) = (one for one in self.plan(force=force).decisions if one.contents is not None)
        assert isinstance(group, Upload)
        return group

    def name(self, decision: Decision) -> str:
        return os.path.relpath(decision.path, self.folder)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "photos").mkdir()
    return Desk(tmp_path / "photos")


def names(decision: Decision) -> list[str]:
    return [one.name for one in decision.contents or ()]


def test_files_go_into_packs_and_large_ones_alone(desk: Desk) -> None:
    for name, size in (("a/1", 10), ("a/2", 2 * MIB), ("b", 0), ("c", 700_000), ("d", 700_000)):
        desk.write(name, size)
    plan = desk.plan()
    assert [names(one) or desk.name(one) for one in plan.decisions] == ["a/2", ["a/1", "b", "c"], ["d"]]
    assert (plan.uploads, plan.files, plan.share("main").files) == (3, 4, 4)
    assert plan.bytes == 2 * MIB + 10 + 1_400_000


def test_without_a_size_of_packs_each_file_is_sent_alone(desk: Desk) -> None:
    desk.pack_size = None
    desk.write("a", 1)
    desk.stored["main"].put("b", 1)
    (upload,) = desk.plan().decisions
    assert (desk.name(upload), upload.contents) == ("a", None)
    # It seems to be that one, and such a destination copies nothing.
    assert upload.reason == Renamed(str(desk.folder / "b"), copied=False)


def test_only_what_is_new_or_changed_goes_into_packs(desk: Desk) -> None:
    for name in "abc":
        desk.write(name, 10)
    desk.stored["main"].put("a", 10)
    desk.stored["main"].put("b", 11)
    same, group = desk.plan().decisions
    assert (desk.name(same), same.action) == ("a", "skip")
    assert (names(group), group.reason) == (["b", "c"], Gathered(new=1, changed=1, each=b"\1\0"))


def test_each_destination_has_packs_of_what_it_lacks(desk: Desk) -> None:
    desk.stored["other"] = Stored(desk.folder)
    for name in "abc":
        desk.write(name, 10)
    desk.stored["other"].put("b", 10)
    packs = {one.to: names(one) for one in desk.plan().decisions if one.contents is not None}
    assert packs == {"main": ["a", "b", "c"], "other": ["a", "c"]}


def test_links_are_packed_as_links_or_as_what_they_lead_to(desk: Desk) -> None:
    desk.write("a", 10)
    (desk.folder / "l").symlink_to("a")
    stored = desk.group().contents
    desk.symlinks = "follow"
    followed = desk.group().contents
    assert stored is not None
    assert followed is not None
    assert (stored.follow, followed.follow) == (False, True)
    assert [(one.name, one.is_link, one.size) for one in stored] == [("a", False, 10), ("l", True, 1)]
    assert [(one.name, one.is_link, one.size) for one in followed] == [("a", False, 10), ("l", False, 10)]


def test_the_storage_class_is_that_of_the_pack(desk: Desk) -> None:
    estimates: list[int] = []

    def classify(estimate: int) -> ClassChoice:
        estimates.append(estimate)
        return ClassChoice("STANDARD", "it is small")

    desk.classify = classify
    desk.write("a", 1000)
    desk.write("b", 1000)
    group = desk.group()
    assert (group.storage_class, group.class_reason) == ("STANDARD", "it is small")
    (estimate,) = estimates
    assert 5000 < estimate < 30_000


def test_the_same_files_sent_together_again_know_when_they_were(desk: Desk) -> None:
    """Else they would pass for sent by another run meanwhile."""
    for name in "ab":
        desk.write(name, 10)
    first = desk.group()
    assert first.previous is None
    for name in "ab":
        desk.stored["main"].put(name, 10)
    desk.stored["main"].sent[first.path] = LastSent(1, SENT, 20, "digest")
    again = desk.group(force=True)
    assert (again.path, again.previous, again.reason) == (first.path, SENT, Gathered(forced=2, each=b"\4\4"))


def test_a_file_under_another_name_is_renamed_if_the_old_one_is_gone(desk: Desk) -> None:
    desk.write("2020/a.jpg", 10)
    desk.write("copy.jpg", 20)
    desk.write("original.jpg", 20)
    desk.write("large.iso", 2 * MIB)
    for name, size in (("a.jpg", 10), ("original.jpg", 20), ("dvd.iso", 2 * MIB)):
        desk.stored["main"].put(name, size)
    same, large, group = _by_kind(desk.plan())
    assert desk.name(same) == "original.jpg"
    assert large.reason == Renamed(str(desk.folder / "dvd.iso"), copied=False)
    assert [(one.name, one.was) for one in group.contents or ()] == [("2020/a.jpg", "a.jpg"), ("copy.jpg", "")]
    assert group.reason == Gathered(new=1, renamed=1, each=b"\2\0")


def _by_kind(plan: BackupPlan) -> list[Decision]:
    """Skips, what is sent alone, groups."""
    return sorted(plan.decisions, key=lambda one: (isinstance(one, Upload), one.contents is not None))


def test_of_several_old_names_one_that_ends_alike_is_meant(desk: Desk) -> None:
    for name in ("0/x.jpg", "1/a.jpg", "2/b.jpg"):
        desk.stored["main"].put(name, 10)
    desk.write("new/a.jpg", 10)
    desk.write("new/c.jpg", 10)
    assert [one.was for one in desk.group().contents or ()] == ["1/a.jpg", "0/x.jpg"]


def test_what_is_changed_or_forced_is_not_renamed(desk: Desk) -> None:
    desk.write("a", 10)
    desk.write("b", 20)
    desk.stored["main"].put("a", 11)
    desk.stored["main"].put("c", 10)
    desk.stored["main"].put("b", 20)
    assert desk.group(force=True).reason == Gathered(forced=2, each=b"\4\4")
    (changed,) = (one for one in desk.plan().decisions if one.contents is not None)
    assert changed.reason == Gathered(changed=1, each=b"\1")


def test_where_nothing_is_stored_nothing_is_asked(desk: Desk) -> None:
    desk.knows_looks = False
    desk.write("a", 10)
    desk.stored["main"].put("b", 10)
    assert desk.group().reason == Gathered(new=1, each=b"\0")
    assert desk.stored["main"].asked == []


def test_looks_are_asked_for_in_bulk_and_each_once(desk: Desk) -> None:
    for number in range(1200):
        desk.write(f"{number:04}", number % 3)
    desk.plan()
    assert [(below, len(digests)) for below, digests in desk.stored["main"].asked] == [(str(desk.folder), 3)] * 3


class Away(LocalSource):
    """Of a server that is lost meanwhile."""

    def look(self, candidate: Candidate) -> Fingerprint:
        raise SourceUnavailable(f"{candidate.path}: lost")


def test_where_nobody_can_tell_nothing_is_renamed(desk: Desk) -> None:
    desk.source = Away()
    desk.write("a", 10)
    desk.stored["main"].put("b", 10)
    assert desk.group().reason == Gathered(new=1, each=b"\0")


def test_what_an_old_name_stands_for_is_looked_at_once(desk: Desk) -> None:
    looked: list[str] = []

    class Counting(LocalSource):
        def look(self, candidate: Candidate) -> Fingerprint:
            looked.append(candidate.path)
            return super().look(candidate)

    for name in ("x", "y", "old"):
        desk.write(name, 10)
    desk.stored["main"].put("old", 10)
    seen = tree_fingerprint("file", 10, MTIME * 10**9)
    candidates = [
        Candidate(str(desk.folder / name), "file", str(desk.folder), compare=True, seen=seen) for name in ("x", "y")
    ]
    origins = {"": Origin(Counting(), PACKERS, LINKS, GROUPS)}
    assert renames(candidates, desk.stored["main"].alike, origins) == {}
    assert looked == [str(desk.folder / "old")]
    (desk.folder / "old").unlink()
    old = str(desk.folder / "old")
    assert renames(candidates, desk.stored["main"].alike, origins) == {one.path: old for one in candidates}
    assert renames([replace(candidates[0], seen=None)], desk.stored["main"].alike, origins) == {}


def test_what_is_passed_over_stays_in_the_plan(desk: Desk) -> None:
    desk.write("a", 10)
    os.mkfifo(desk.folder / "b")
    passed, group = desk.plan().decisions
    assert isinstance(passed, Skip)
    assert (desk.name(passed), names(group)) == ("b", ["a"])


@pytest.mark.parametrize("program", ["GNU tar", "ours"])
def test_no_pack_is_larger_than_it_may_be(desk: Desk, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With long names, those of other letters, links, and times with fractions."""
    if program == "ours":
        monkeypatch.setenv("PATH", str(desk.folder))
    for number in range(400):
        folder = "/".join(["d" * (number % 60 + 1)] * (number % 4 + 1))
        name = f"{folder}/{'é' * (number % 90)}{'x' * (number * 7 % 60)}{number}"
        desk.write(name, 0)
        (desk.folder / name).write_bytes(b"x" * (number * 97 % 9000))  # without holes, which take no room
        os.utime(desk.folder / name, ns=(0, MTIME * 10**9 + number * 1_234_567))
        if number % 5 == 0:
            (desk.folder / folder / f"link{number}").symlink_to("t" * (number + 1))
    sizes = [_bytes_of(one) for one in desk.plan().decisions if isinstance(one, Upload)]
    assert len(sizes) > 2
    assert all(size <= MIB for size in sizes)
    assert all(size > MIB * 0.95 for size in sizes[:-1])


def _bytes_of(group: Upload) -> int:
    assert group.contents is not None
    buffer, size = memoryview(bytearray(MIB)), 0
    with GROUPS(group.contents).pack(group.candidate.section, "photos") as stream:
        while count := stream.readinto(buffer):
            size += count
        assert stream.outcome().problems == ()
        assert sum(1 for _ in stream.members()) == len(group.contents)
    return size
