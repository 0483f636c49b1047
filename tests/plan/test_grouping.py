"""Which files are put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.candidate import Candidate, Fingerprint, Kind
from glacier_backup.model.contents import Contents
from glacier_backup.model.plan import Decision, Skip, Upload
from glacier_backup.model.reason import LimitReached, Unchanged
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.model.upload_reason import Changed, DamagedThere, Forced, Gathered, NeverSent, Renamed, UploadReason
from glacier_backup.plan import grouping
from glacier_backup.plan.backup import left_for_later, limited, planned, weight
from glacier_backup.plan.grouping import FileOfGroup, Packing, files_of, grouped
from glacier_backup.units import MIB
from tests.plan.values import PLACES, SENT, upload

TREE = "/srv/photos"
PACKING = {TREE: Packing(MIB)}
ROOM = 102 * 10_240 - 1024
"""Bytes for members in a tar of a MiB."""
AROUND = 1536
"""Bytes that a small file takes besides its content, which is padded to 512."""


def file(
    name: str,
    size: int = 10,
    *,
    to: str = "main",
    kind: Kind = "file",
    reason: UploadReason | None = None,
    section: str = TREE,
) -> Upload:
    seen = tree_fingerprint(kind, size, 1_600_000_000_000_000_000 + size, 0o640)
    candidate = Candidate(f"{section.rstrip('/')}/{name}", kind, section, compare=True, seen=seen)
    return Upload(candidate, name, "raw", seen, reason or NeverSent(), None, to)


def skip(name: str, to: str = "main") -> Skip:
    return Skip(f"{TREE}/{name}", name, 10, Unchanged(SENT), to)


def contents(decision: Decision) -> Contents:
    assert decision.contents is not None
    return decision.contents


def names(decision: Decision) -> list[str]:
    return [held.name for held in contents(decision)]


def shape(decisions: Iterable[Decision], packing: dict[str, Packing] | None = None) -> list[str | list[str]]:
    """Names of the files of groups, paths of all else."""
    found = grouped(decisions, PACKING if packing is None else packing)
    return [one.path if one.contents is None else names(one) for one in found]


def test_a_group_is_one_archive_of_its_files() -> None:
    link = file("b/l", 3, kind="link", reason=Renamed(f"{TREE}/b/old"))
    (group,) = grouped([file("a.jpg", 1000, reason=Changed(SENT)), link], {TREE: Packing(MIB, follow=True)})

    assert isinstance(group, Upload)
    held = contents(group)
    assert [one[:2] for one in held] == [("a.jpg", False), ("b/l", True)]
    assert [(one.size, one.mode, one.was) for one in held] == [(1000, 0o640, ""), (3, 0o640, "b/old")]
    assert [one.digest for one in held] == ["file 1000 1600000000000001000", "link 3 1600000000000000003"]
    assert held.follow
    assert group.path == f"{TREE}/~pack-{held.digest[:12]}"
    assert (group.name, group.container, group.to, group.previous) == ("photos.pack.tar", "tar", "main", None)
    assert group.candidate == Candidate(group.path, "group", TREE, compare=False, contents=held)
    assert group.fingerprint == Fingerprint(held.digest, 1003, 2, 1_600_000_000_000_001_000)
    assert not group.candidate.of_tree


def test_the_same_files_are_the_same_group_and_a_change_makes_another() -> None:
    (one,), (same,), (other,) = (list(grouped([file("a"), file("b", size)], PACKING)) for size in (10, 10, 11))
    assert one == same
    assert one.path != other.path


def test_what_is_skipped_or_sent_alone_does_not_end_a_group() -> None:
    decisions: list[Decision] = [file("a"), skip("b"), file("c", MIB), file("d"), skip("e")]
    assert shape(decisions) == [f"{TREE}/b", f"{TREE}/c", f"{TREE}/e", ["a", "d"]]


def test_a_group_ends_before_it_outgrows_the_size_of_a_pack() -> None:
    just = (ROOM - 2 * AROUND) // 2 // 512 * 512
    assert shape([file("a", just), file("b", just)]) == [["a", "b"]]
    assert shape([file("a", just + 1), file("b", just + 1)]) == [["a"], ["b"]]
    assert shape([file("a", just), file("b", just), file("c", 0)]) == [["a", "b"], ["c"]]
    assert shape([file("a", ROOM - AROUND), file("b", ROOM - AROUND + 1)]) == [f"{TREE}/b", ["a"]]


def test_long_names_and_targets_of_links_count_too() -> None:
    just = ROOM - AROUND
    assert shape([file("x" * 380, just)]) == [["x" * 380]]
    assert shape([file("é" * 250, just)]) == [f"{TREE}/{'é' * 250}"]
    small = {TREE: Packing(20_480)}
    links = [file(f"{number}", 4000, kind="link") for number in range(4)]
    assert shape(links, small) == [["0", "1", "2"], ["3"]]


def test_a_group_has_only_so_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "MOST_FILES", 3)
    assert shape(file(str(number)) for number in range(7)) == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


def test_another_section_ends_a_group() -> None:
    packings = {**PACKING, "/srv/music": Packing(MIB), "/": Packing(MIB)}
    other = [file("a", section="/srv/music"), file("etc/x", section="/")]
    assert shape([file("a"), *other], packings) == [["a"], ["a"], ["etc/x"]]
    assert shape([file("a"), Skip("/srv/photos2", "x", 0, Unchanged(SENT))]) == [["a"], "/srv/photos2"]
    assert shape([file("a"), upload("/srv/music")]) == [["a"], "/srv/music"]


def test_only_files_of_trees_that_are_packed_are_put_together() -> None:
    assert shape([file("a")], {}) == [f"{TREE}/a"]
    whole = upload(TREE)
    of_section = replace(whole, candidate=replace(whole.candidate, section=TREE))
    assert shape([of_section]) == [TREE]


def test_each_destination_has_groups_of_its_own() -> None:
    decisions: list[Decision]
    decisions = [file("a", to="x"), file("a", to="y"), skip("b", "x"), file("b", to="y"), file("c", MIB, to="x")]
    groups = list(grouped(decisions, PACKING))
    assert [(one.to, one.path if one.contents is None else names(one)) for one in groups] == [
        ("x", f"{TREE}/b"),
        ("x", f"{TREE}/c"),
        ("x", ["a"]),
        ("y", ["a", "b"]),
    ]


def test_what_is_about_one_path_stays_together() -> None:
    """A group that one of them fills comes before all of them."""
    large = ROOM - AROUND
    decisions: list[Decision] = [
        *(file("a", large, to=to) for to in ("x", "y")),
        *(file("b", MIB, to="x"), file("b", 0, to="y"), file("b", MIB, to="z")),
    ]
    assert [(one.to, one.path[-1]) for one in grouped(decisions, PACKING) if one.contents is None] == [
        ("x", "b"),
        ("z", "b"),
    ]
    assert [one.to for one in grouped(decisions, PACKING)] == ["y", "x", "z", "x", "y"]


def test_a_group_is_handed_on_as_soon_as_it_is_full() -> None:
    def endless() -> Iterator[Decision]:
        number = 0
        while True:
            yield file(f"{number:09}", 400_000)
            number += 1

    found = grouped(endless(), PACKING)
    assert [names(next(found)) for _ in range(2)] == [["000000000", "000000001"], ["000000002", "000000003"]]


SIZES = st.integers(min_value=0, max_value=600_000) | st.just(2 * MIB)
FILES = st.lists(st.tuples(SIZES, st.lists(st.sampled_from(["x", "y"]), unique=True), st.booleans()), max_size=40)


@given(FILES)
def test_every_file_is_sent_once_to_each_destination_in_order_and_no_pack_is_too_large(
    files: list[tuple[int, list[str], bool]],
) -> None:
    given_ = [
        file(f"{number:02}", size, to=to) if is_sent else skip(f"{number:02}", to)
        for number, (size, destinations, is_sent) in enumerate(files)
        for to in destinations
    ]
    found = list(grouped(given_, PACKING))
    for to in ("x", "y"):
        here = [one for one in found if one.to == to]
        alone = [one for one in here if one.contents is None]
        inside = [(f"{TREE}/{held.name}", held.size) for one in here for held in one.contents or ()]
        uploads = [one for one in given_ if one.to == to and isinstance(one, Upload)]
        assert alone == [one for one in given_ if one.to == to and (isinstance(one, Skip) or one.bytes > ROOM)]
        assert inside == [(one.path, one.bytes) for one in uploads if one.bytes <= ROOM]
    for one in found:
        assert sum(-(-held.size // 512) * 512 + AROUND for held in one.contents or ()) <= ROOM


def test_a_group_says_why_its_files_are_sent() -> None:
    reasons: list[UploadReason] = [
        NeverSent(),
        Changed(SENT),
        Renamed(f"{TREE}/old/2"),
        DamagedThere("gone"),
        Forced(),
        NeverSent(),
    ]
    (group,) = grouped([file(str(number), reason=reason) for number, reason in enumerate(reasons)], PACKING)

    assert isinstance(group.reason, Gathered)
    assert group.reason == Gathered(2, 1, 1, 1, 1, 0, bytes([0, 1, 2, 3, 4, 0]))
    assert str(group.reason) == (
        "6 files: 2 not sent yet, 1 changed, 1 renamed, 1 damaged at the destination, 1 forced"
    )
    assert [one.reason for one in files_of(group)] == [
        "not sent yet",
        "changed",
        f"renamed, was {TREE}/old/2",
        "damaged at the destination",
        "forced",
        "not sent yet",
    ]


@pytest.mark.parametrize(
    ("reason", "words"),
    [(Gathered(new=1), "1 file, not sent yet"), (Gathered(changed=12_345), "12,345 files, changed")],
)
def test_one_reason_for_all_is_said_once(reason: Gathered, words: str) -> None:
    assert str(reason) == words
    assert reason.why(0) == ""
    assert not reason.needs_attention


def test_the_files_of_a_group_are_those_of_the_plan_whatever_becomes_of_it() -> None:
    decisions = [file("a", 1), file("b", 2), file("c", MIB), file("d", section="/")]
    plan = planned(PLACES, grouped(decisions, {**PACKING, "/": Packing(MIB)}))
    assert (plan.uploads, plan.files, plan.share("main").files, plan.bytes) == (3, 3, 3, 3 + MIB + 10)

    less = limited(plan, 1)
    assert (less.uploads, less.skips, less.files) == (1, 2, 0)
    _, group, root = less.decisions
    later = str(LimitReached(1))
    assert list(files_of(group)) == [FileOfGroup(f"{TREE}/a", 1, later), FileOfGroup(f"{TREE}/b", 2, later)]
    assert [one.path for one in files_of(root)] == ["/d"]
    assert weight(group) > 0
    assert list(files_of(skip("a"))) == []


def test_a_group_that_is_left_for_later_keeps_its_files() -> None:
    (group,) = grouped([file("a")], PACKING)
    assert isinstance(group, Upload)
    assert left_for_later(group, 3).contents == group.contents


def test_times_that_no_database_holds_are_kept_to_what_they_do() -> None:
    early = file("a")
    seen = tree_fingerprint("file", 10, -(10**20))
    early = replace(early, candidate=replace(early.candidate, seen=seen), fingerprint=seen)
    (group,) = grouped([early], PACKING)
    assert isinstance(group, Upload)
    assert group.fingerprint.newest_mtime_ns == -(2**63) + 1
    assert next(iter(contents(group))).mtime_ns == -(10**20)
