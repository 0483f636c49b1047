"""What every source of datasets promises (:mod:`glacier_backup.resolve.snapshots`), tried on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from typing import Protocol

import pytest

from glacier_backup.errors import SourceError, SourceInUse
from glacier_backup.model.candidate import Candidate, PassedOver
from glacier_backup.model.snapshot import Snapshot, SnapshotRules, Span, guid_of
from glacier_backup.resolve.snapshots import Snapshots, digest_of
from glacier_backup.resolve.source import Selection
from glacier_backup.resolve.zfs import ZfsSource
from glacier_backup.zfs import Zfs
from tests.memory_snapshots import Dataset, MemorySnapshots
from tests.zfs_fuse.pool import Pool, zfs

OFFSITE = SnapshotRules()
RECURSIVE = SnapshotRules(recursive=True)


class Datasets(Protocol):
    """Where datasets are, and what is done with them there."""

    def new(self) -> str:
        """The path of one that is made anew."""
        ...

    def below(self, path: str, name: str) -> str:
        """The path of one that is made below another."""
        ...

    def write(self, path: str) -> None:
        """Something new in it."""
        ...

    def source(self, rules: Mapping[str, SnapshotRules]) -> Snapshots:
        """As the next run has it."""
        ...


class OfZfs:
    """In a real pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._count = 0

    def new(self) -> str:
        return f"zfs:{self._pool.filesystem().name}"

    def below(self, path: str, name: str) -> str:
        zfs("create", f"{_name(path)}/{name}")
        return f"{path}/{name}"

    def write(self, path: str) -> None:
        self._count += 1
        (self._pool.mounted(_name(path)) / f"file-{self._count}").write_bytes(b"content")

    def source(self, rules: Mapping[str, SnapshotRules]) -> Snapshots:
        return ZfsSource(Zfs(), rules)


class InMemory:
    """As other suites have them."""

    def __init__(self) -> None:
        self._made = MemorySnapshots([])

    def new(self) -> str:
        return self._added(f"zfs:tank/ds-{len(self._made.datasets)}")

    def below(self, path: str, name: str) -> str:
        return self._added(f"{path}/{name}")

    def write(self, path: str) -> None:
        self._made.datasets[path].content += "content"

    def source(self, rules: Mapping[str, SnapshotRules]) -> Snapshots:
        run = MemorySnapshots([], next(iter(rules.values()), None))
        run.datasets = self._made.datasets
        run.orders, run.guids = self._made.orders, self._made.guids
        return run

    def _added(self, path: str) -> str:
        self._made.datasets[path] = Dataset()
        return path


def _name(path: str) -> str:
    return path.partition(":")[2]


@pytest.fixture(params=["zfs", "memory"])
def datasets(request: pytest.FixtureRequest) -> Datasets:
    return OfZfs(request.getfixturevalue("pool")) if request.param == "zfs" else InMemory()


@pytest.fixture
def path(datasets: Datasets) -> str:
    made = datasets.new()
    datasets.write(made)
    return made


def found(source: Snapshots, path: str, rules: SnapshotRules = OFFSITE) -> list[Candidate]:
    resolved = list(source.resolve(Selection(path, snapshots=rules)))
    candidates = [one for one in resolved if isinstance(one, Candidate)]
    assert len(candidates) == len(resolved)
    return candidates


def only(source: Snapshots, path: str) -> Candidate:
    (one,) = found(source, path)
    return one


def names(source: Snapshots, path: str) -> list[str]:
    return [one.name for one in source.snapshots(path)]


def test_a_dataset_is_one_candidate_that_is_compared(datasets: Datasets, path: str) -> None:
    datasets.below(path, "below")
    one = only(datasets.source({path: OFFSITE}), path)
    assert (one.path, one.kind, one.section, one.compare) == (path, "dataset", path, True)


def test_of_a_recursive_section_each_below_is_one_by_name(datasets: Datasets, path: str) -> None:
    for name in ("b", "a"):
        datasets.below(path, name)
    datasets.below(f"{path}/a", "x")
    candidates = found(datasets.source({path: RECURSIVE}), path, RECURSIVE)
    assert [one.path.removeprefix(path) for one in candidates] == ["", "/a", "/a/x", "/b"]
    assert {one.section for one in candidates} == {path}


def test_a_missing_dataset_is_passed_over_and_needs_attention(datasets: Datasets, path: str) -> None:
    missing = f"{path}/gone"
    (one,) = datasets.source({missing: OFFSITE}).resolve(Selection(missing))
    assert isinstance(one, PassedOver)
    assert (one.path, one.section, one.reason.needs_attention) == (missing, missing, True)


def test_resolving_does_nothing_until_it_is_read(datasets: Datasets, path: str) -> None:
    resolved = datasets.source({}).resolve(Selection(f"{path}/later"))
    datasets.below(path, "later")
    assert [type(one) for one in resolved] == [Candidate]


def test_none_of_what_is_asked_about_is_gone(datasets: Datasets, path: str) -> None:
    assert list(datasets.source({}).gone(path, [f"{path}/a", f"{path}/b"])) == [False, False]


def test_snapshots_come_in_the_order_of_their_creation(datasets: Datasets, path: str) -> None:
    made: list[Snapshot] = []
    for name in ("offsite-20260301", "offsite-20260101", "z", "offsite-20260201"):
        source = datasets.source({path: OFFSITE})
        made.append(source.take(only(source, path), name))
        datasets.write(path)
    assert list(datasets.source({}).snapshots(path)) == made
    assert [one.name for one in made] == ["offsite-20260301", "offsite-20260101", "z", "offsite-20260201"]
    assert sorted(one.order for one in made) == [one.order for one in made]
    assert len({one.guid for one in made}) == 4
    assert all(guid_of(digest_of(one.guid)) == one.guid for one in made)
    assert {one.created_at.tzinfo for one in made} == {UTC}


def test_a_snapshot_of_another_dataset_isn_t_listed(datasets: Datasets, path: str) -> None:
    datasets.below(path, "below")
    source = datasets.source({path: RECURSIVE})
    (one, *_) = found(source, path, RECURSIVE)
    source.take(one, "offsite-20260101")
    assert names(source, path) == names(source, f"{path}/below") == ["offsite-20260101"]


def test_in_one_run_a_snapshot_is_made_once(datasets: Datasets, path: str) -> None:
    source = datasets.source({path: OFFSITE})
    one = only(source, path)
    first = source.take(one, "offsite-20260101")
    assert source.take(one, "offsite-20260102") == first
    assert datasets.source({path: OFFSITE}).take(one, "offsite-20260102").name == "offsite-20260102"
    assert names(source, path) == ["offsite-20260101", "offsite-20260102"]


def test_all_of_a_recursive_section_get_theirs_at_once(datasets: Datasets, path: str) -> None:
    datasets.below(path, "a")
    datasets.below(path, "b")
    source = datasets.source({path: RECURSIVE})
    candidates = found(source, path, RECURSIVE)
    made = [source.take(one, f"offsite-2026010{number}") for number, one in enumerate(candidates)]
    assert {one.name for one in made} == {"offsite-20260100"}
    assert [names(source, one.path) for one in candidates] == [["offsite-20260100"]] * 3
    assert len({one.guid for one in made}) == 3


def test_one_that_comes_to_be_later_gets_one_of_its_own(datasets: Datasets, path: str) -> None:
    source = datasets.source({path: RECURSIVE})
    (top,) = found(source, path, RECURSIVE)
    source.take(top, "offsite-20260101")
    later = datasets.below(path, "later")
    candidate = replace(top, path=later)
    assert source.take(candidate, "offsite-20260102").name == "offsite-20260102"
    assert names(source, path) == ["offsite-20260101"]


def test_a_name_that_is_taken_is_an_error(datasets: Datasets, path: str) -> None:
    first, second = datasets.source({path: OFFSITE}), datasets.source({path: OFFSITE})
    one = only(first, path)
    first.take(one, "offsite-20260101")
    with pytest.raises(SourceError, match=path):
        second.take(one, "offsite-20260101")


def test_what_holds_still_looks_as_its_newest_snapshot_unless_nobody_can_tell(datasets: Datasets, path: str) -> None:
    source = datasets.source({path: OFFSITE})
    one = only(source, path)
    made = source.take(one, "offsite-20260101")
    before = source.look(one)
    assert (before.digest == digest_of(made.guid)) is (source.is_written(path, made) is False)
    datasets.write(path)
    source = datasets.source({path: OFFSITE})
    assert source.is_written(path, made) in (True, None)
    after = source.look(one)
    assert guid_of(after.digest) == ""
    assert (before.entries, after.entries) == (1, 1)
    assert after.newest_mtime_ns >= before.newest_mtime_ns


def test_what_was_never_snapshotted_looks_like_nothing_that_was_sent(datasets: Datasets, path: str) -> None:
    source = datasets.source({path: OFFSITE})
    seen = source.look(only(source, path))
    assert guid_of(seen.digest) == ""
    assert seen.bytes > 0


def test_the_newest_and_a_named_one_are_looked_at_as_they_are(datasets: Datasets, path: str) -> None:
    made: list[Snapshot] = []
    for name in ("offsite-20260201", "offsite-20260101", "other"):
        source = datasets.source({path: OFFSITE})
        made.append(source.take(only(source, path), name))
        datasets.write(path)
    for rules, expected in [
        (SnapshotRules("latest"), made[1]),
        (SnapshotRules("latest", tag=""), made[2]),
        (SnapshotRules("named", name="offsite-20260201"), made[0]),
    ]:
        source = datasets.source({path: rules})
        seen = source.look(only(source, path))
        assert seen.digest == digest_of(expected.guid)
        assert seen.newest_mtime_ns == int(expected.created_at.timestamp()) * 10**9


@pytest.mark.parametrize("rules", [SnapshotRules("latest"), SnapshotRules("named", name="gone")])
def test_where_there_is_no_snapshot_to_send_looking_is_an_error(
    datasets: Datasets, path: str, rules: SnapshotRules
) -> None:
    source = datasets.source({path: rules})
    with pytest.raises(SourceError, match=f"{path}: has no snapshot"):
        source.look(only(source, path))


def test_looking_at_what_is_gone_is_an_error(datasets: Datasets, path: str) -> None:
    source = datasets.source({path: OFFSITE})
    one = replace(only(source, path), path=f"{path}/gone")
    for ask in (
        lambda: source.look(one),
        lambda: source.snapshots(one.path),
        lambda: source.take(one, "offsite-20260101"),
    ):
        with pytest.raises(SourceError, match=f"{path}/gone"):
            ask()


def test_what_is_held_is_not_destroyed(datasets: Datasets, path: str) -> None:
    source = datasets.source({path: OFFSITE})
    name = source.take(only(source, path), "offsite-20260101").name
    for tag in ("one", "one", "two"):
        source.hold(path, name, tag)
    source.release(path, name, "one")
    assert [one.is_held for one in source.snapshots(path)] == [True]
    with pytest.raises(SourceInUse):
        source.destroy(path, name)
    assert names(source, path) == [name]
    source.release(path, name, "two")
    source.destroy(path, name)
    assert names(source, path) == []


def test_what_is_gone_is_released_and_destroyed_already(datasets: Datasets, path: str) -> None:
    source = datasets.source({path: OFFSITE})
    name = source.take(only(source, path), "offsite-20260101").name
    source.release(path, name, "never held")
    for _ in range(2):
        source.destroy(path, name)
        source.release(path, name, "one")
    with pytest.raises(SourceError):
        source.hold(path, name, "one")


def test_nothing_else_is_destroyed(datasets: Datasets, path: str) -> None:
    below = datasets.below(path, "below")
    source = datasets.source({path: RECURSIVE})
    source.take(found(source, path, RECURSIVE)[0], "offsite-20260101")
    source.destroy(path, "offsite-20260101")
    assert (names(source, path), names(source, below)) == ([], ["offsite-20260101"])


def test_a_size_is_told_or_nobody_can_tell(datasets: Datasets, path: str) -> None:
    source = datasets.source({path: OFFSITE})
    made = source.take(only(source, path), "offsite-20260101")
    size = source.size(path, Span(made.name, made.guid))
    assert size is None or size > 0
