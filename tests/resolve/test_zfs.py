"""Datasets as candidates, beside what tests/contract/test_snapshots.py says: what ``recursive`` makes, and what it
doesn't leave behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate, PassedOver
from glacier_backup.model.reason import DatasetUnavailable
from glacier_backup.model.snapshot import Snapshot, SnapshotRules, Span
from glacier_backup.resolve.snapshots import digest_of, goes_by
from glacier_backup.resolve.source import Selection
from glacier_backup.resolve.zfs import ZfsSource, send_options
from glacier_backup.units import now
from glacier_backup.zfs import SendOptions, Zfs
from tests.zfs_fuse.pool import Made, Pool, zfs
from tests.zfs_recorded.recording import Recording

RECURSIVE = SnapshotRules(recursive=True)
DAY = "offsite-20260321"

LOCKED = r'''
[[answer]]
command = ["get", "-Hp", "-o", "name,property,value", "*", "*", "type,referenced,encryption,keystatus", "tank/photos"]
output = """
tank/photos\ttype\tfilesystem
tank/photos\treferenced\t734003200
tank/photos\tencryption\taes-256-gcm
tank/photos\tkeystatus\tunavailable
"""
'''


class Telling(Zfs):
    """Real ZFS that can tell what was written, as OpenZFS does: nothing, but to the datasets that are named."""

    def __init__(self, *written: str) -> None:
        super().__init__()
        self._written = written

    def written(self, dataset: str, since: str) -> int | None:
        return 4096 if dataset in self._written else 0


@pytest.fixture
def top(pool: Pool) -> Made:
    """With two below."""
    made = pool.filesystem("top")
    made.child("a")
    made.child("b")
    return made


def path(made: Made) -> str:
    return f"zfs:{made.name}"


def candidates(source: ZfsSource, section: str) -> list[Candidate]:
    return [one for one in source.resolve(Selection(section)) if isinstance(one, Candidate)]


def taken(zfs: Zfs, rules: Mapping[str, SnapshotRules], section: str, name: str, number: int = 0) -> None:
    """In one run, for the candidate of that number."""
    source = ZfsSource(zfs, rules)
    source.take(candidates(source, section)[number], name)


def names(made: Made, below: str = "") -> list[str]:
    return [one.name for one in Zfs().snapshots(f"{made.name}{below}")]


def test_a_section_that_fails_says_why_and_what_to_do(pool: Pool) -> None:
    missing = f"zfs:{pool.unused()}"
    (found,) = ZfsSource(Zfs(), {}).resolve(Selection(missing))
    assert isinstance(found, PassedOver)
    assert isinstance(found.reason, DatasetUnavailable)
    assert str(found.reason).startswith("can't be sent: there is no such dataset; zfs list -r ")


@pytest.mark.parametrize("name", ["-x", "tank@x", "tank//x", "tank/", "/tank", "a\nb"])
def test_what_no_dataset_can_be_called_is_passed_over(name: str) -> None:
    (found,) = ZfsSource(Zfs(), {}).resolve(Selection(f"zfs:{name}"))
    assert isinstance(found, PassedOver)
    assert found.reason.needs_attention


def test_what_has_a_section_of_its_own_is_that_one_s(top: Made) -> None:
    for name in ("a/x", "b/x", "b.c"):
        top.child(name)
    rules = {path(top): RECURSIVE, f"{path(top)}/a": SnapshotRules(), f"{path(top)}/b": RECURSIVE}
    source = ZfsSource(Zfs(), rules)
    found = {one: [each.path.removeprefix(path(top)) for each in candidates(source, one)] for one in rules}
    assert found == {path(top): ["", "/a/x", "/b.c"], f"{path(top)}/a": ["/a"], f"{path(top)}/b": ["/b", "/b/x"]}
    assert {one.origin for one in candidates(source, path(top))} == {"zfs"}


def test_what_recursive_makes_is_of_one_moment(top: Made) -> None:
    source = ZfsSource(Zfs(), {path(top): RECURSIVE})
    made = [source.take(one, DAY) for one in candidates(source, path(top))]
    assert len({(one.order, one.created_at) for one in made}) == 1
    assert abs(now() - made[0].created_at) < timedelta(minutes=5)


def test_what_a_clone_needs_is_not_destroyed(top: Made, pool: Pool) -> None:
    source = ZfsSource(Zfs(), {})
    zfs("clone", top.snapshot(DAY), pool.unused("clone"))
    with pytest.raises(SourceError, match="clone"):
        source.destroy(path(top), DAY)
    assert names(top) == [DAY]


def test_a_volume_is_a_candidate_as_a_file_system_is(recorded: Recording) -> None:
    recorded("openzfs-2.2", "usage-2.2")
    source = ZfsSource(Zfs(), {"zfs:tank/photos": RECURSIVE})
    assert [one.path for one in candidates(source, "zfs:tank/photos")] == ["zfs:tank/photos", "zfs:tank/photos/raw"]


@pytest.mark.parametrize("raw", [False, True])
def test_what_is_encrypted_and_locked_is_sent_raw_or_passed_over(recorded: Recording, raw: bool) -> None:
    recorded("openzfs-2.2", "usage-2.2")
    recorded.answer(LOCKED)
    found = list(ZfsSource(Zfs(), {"zfs:tank/photos": SnapshotRules(raw=raw)}).resolve(Selection("zfs:tank/photos")))
    if raw:
        assert [type(one) for one in found] == [Candidate]
        return
    hint = "zfs load-key tank/photos does that, or raw = yes sends it as it lies on the disk"
    reason = DatasetUnavailable("it is encrypted, and its key isn't loaded", hint)
    assert found == [PassedOver("zfs:tank/photos", "zfs:tank/photos", reason)]


def test_what_was_written_to_is_told_by_a_zfs_that_can(recorded: Recording) -> None:
    recorded("openzfs-2.2", "usage-2.2")
    source = ZfsSource(Zfs(), {"zfs:tank/photos": SnapshotRules()})
    (one,) = candidates(source, "zfs:tank/photos")
    seen, newest = source.look(one), source.snapshots(one.path)[-1]
    assert (seen.digest, seen.bytes) == (f"written since {newest.guid}", 734003200)
    assert source.is_written(one.path, newest) is True


@pytest.mark.parametrize(("base", "size"), [("", 734003200), ("offsite-20260321", 528384)])
def test_the_size_of_one_that_is_yet_to_be_made_is_told(recorded: Recording, base: str, size: int) -> None:
    recorded("openzfs-2.2", "usage-2.2")
    source = ZfsSource(Zfs(), {"zfs:tank/photos": SnapshotRules()})
    assert source.size("zfs:tank/photos", Span("offsite-20260322", base=base)) == size


def test_nothing_of_what_is_only_in_the_way_stays(top: Made) -> None:
    """Else each run would send an increment with nothing in it of all that wasn't written to."""
    section = path(top)
    rules = {section: RECURSIVE}
    taken(Telling(), rules, section, "offsite-20260320")
    taken(Telling(f"{top.name}/a"), rules, section, DAY, number=1)
    assert names(top) == names(top, "/b") == ["offsite-20260320"]
    assert names(top, "/a") == ["offsite-20260320", DAY]


def test_who_asks_for_one_gets_it_though_nothing_was_written(top: Made) -> None:
    """As for a baseline that is forced."""
    for name in ("offsite-20260320", DAY):
        source = ZfsSource(Telling(), {path(top): RECURSIVE})
        made = [source.take(one, name) for one in candidates(source, path(top))[:2]]
        assert [one.name for one in made] == [name, name]
    assert names(top) == names(top, "/a") == ["offsite-20260320", DAY]
    assert names(top, "/b") == ["offsite-20260320"]


def test_where_nobody_can_tell_all_stay(top: Made) -> None:
    rules = {path(top): RECURSIVE}
    for name in ("offsite-20260320", DAY):
        taken(Zfs(), rules, path(top), name)
    assert names(top) == names(top, "/b") == ["offsite-20260320", DAY]


def test_others_snapshots_are_no_reason_for_one_of_ours_to_go(top: Made) -> None:
    zfs("snapshot", f"{top.name}@hourly-1")
    taken(Telling(), {path(top): RECURSIVE}, path(top), DAY)
    assert names(top) == ["hourly-1", DAY]


def test_another_section_below_keeps_only_what_goes_by_its_tag(top: Made) -> None:
    rules = {
        path(top): RECURSIVE,
        f"{path(top)}/a": SnapshotRules(tag="weekly"),
        f"{path(top)}/b": SnapshotRules("latest"),
    }
    taken(Telling(), rules, path(top), DAY)
    assert (names(top), names(top, "/a"), names(top, "/b")) == ([DAY], [], [DAY])


def test_a_name_that_one_below_has_already_gets_a_time(top: Made) -> None:
    zfs("snapshot", f"{top.name}/a@{DAY}")
    source = ZfsSource(Zfs(), {path(top): RECURSIVE})
    made = [source.take(one, DAY) for one in candidates(source, path(top))]
    (name,) = {one.name for one in made}
    assert name.startswith(f"{DAY}T")
    assert goes_by("offsite", name)
    assert names(top, "/a") == [DAY, name]
    with pytest.raises(SourceError, match="no name of a snapshot"):
        taken(Zfs(), {path(top): RECURSIVE}, path(top), "-x")


def test_what_is_sent_to_several_places_at_a_time_is_made_once(top: Made) -> None:
    source = ZfsSource(Zfs(), {path(top): RECURSIVE})
    each = candidates(source, path(top)) * 2
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda one: source.take(one, DAY), each))
    assert made[:3] == made[3:]
    assert names(top) == names(top, "/a") == names(top, "/b") == [DAY]


def test_as_long_as_some_may_go_again_nobody_chooses_one_of_them(top: Made) -> None:
    section = path(top)
    rules = {section: RECURSIVE}
    taken(Telling(), rules, section, "offsite-20260320")
    with ThreadPoolExecutor(1) as pool:
        asked: list[Future[Sequence[Snapshot]]] = []

        class Watched(Telling):
            def written(self, dataset: str, since: str) -> int | None:
                asked.append(pool.submit(source.snapshots, f"{section}/b"))
                return super().written(dataset, since)

        source = ZfsSource(Watched(), rules)
        source.take(candidates(source, section)[0], DAY)
        assert [[one.name for one in each.result()] for each in asked] == [["offsite-20260320"]] * 2


def test_what_wasn_t_written_to_looks_as_its_newest_snapshot(top: Made) -> None:
    section = path(top)
    rules = {section: RECURSIVE}
    taken(Telling(), rules, section, "offsite-20260320")
    source = ZfsSource(Telling(f"{top.name}/a"), rules)
    first, a, b = candidates(source, section)
    for one, is_written in ((first, False), (a, True), (b, False)):
        (newest,) = source.snapshots(one.path)
        assert source.is_written(one.path, newest) is is_written
        assert (source.look(one).digest == digest_of(newest.guid)) is not is_written


def test_streams_are_made_as_the_section_says() -> None:
    rules = SnapshotRules(intermediates=False, raw=True, properties=True)
    assert send_options(rules) == SendOptions(intermediates=False, raw=True, properties=True)
