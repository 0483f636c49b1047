"""Whether a group is sent again: what its newest archive has beside what it has now."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from glacier_backup.model.candidate import CHANGED_BACK, Candidate
from glacier_backup.model.contents import Contents, Held, contents_of
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.reason import AlreadySent, Touched, Unchanged
from glacier_backup.model.record import KnownMember, LastSent
from glacier_backup.model.tree_digest import SizeAndTime
from glacier_backup.model.upload_reason import Gathered
from glacier_backup.plan.changes import Content
from glacier_backup.plan.group_changes import (
    CHANGED,
    DAMAGED,
    FORCED,
    NEW,
    UNCHANGED,
    Asked,
    Elsewhere,
    compared,
    decided,
    is_same,
    times_of,
    with_contents,
    with_elsewhere,
)
from tests.plan.values import SENT

NS = 10**9
HASHED = Asked("other time")
A, B = Held("d/a", False, 5, 100 * NS), Held("d/b", False, 6, 200 * NS)


def group(*files: Held) -> Candidate:
    made = contents_of(files, prefix="d/", top="")
    return Candidate("/t/d/*~.zip", "group", "/t", compare=True, contents=made)


def held(candidate: Candidate) -> Contents:
    assert candidate.contents is not None
    return candidate.contents


def last(digest: str = "another") -> LastSent:
    return LastSent(7, SENT, 11, digest)


def known(one: Held, **other: object) -> KnownMember:
    look = SizeAndTime("link" if one.is_link else "file", one.size, one.mtime_ns)
    member = KnownMember(one.name.encode(), look, hashlib.sha256(one.name.encode()).digest(), one.stored.encode())
    return member._replace(**other)  # type: ignore[arg-type]  # its own fields


def touched(one: Held) -> KnownMember:
    """As it was before it got the time that it has."""
    return known(one, look=SizeAndTime("file", one.size, one.mtime_ns - 5 * NS))


def decision(candidate: Candidate, before: list[KnownMember], asked: Asked = HASHED) -> Upload | Skip:
    return decided(candidate, last(), compared(held(candidate), last(), before, asked), asked)


def test_a_group_with_the_digest_of_its_archive_is_the_same() -> None:
    contents = held(group(A, B))

    assert is_same(contents, last(contents.digest), HASHED)
    assert not is_same(contents, last(), HASHED)
    assert not is_same(contents, last(contents.digest), Asked(force=True))
    assert not is_same(contents, last(contents.digest), Asked("always"))
    assert not is_same(contents, replace(last(contents.digest), damage="gone"), HASHED)


def test_what_was_never_sent_is_all_new() -> None:
    found = compared(held(group(A, B)), None, (), HASHED)

    assert (bytes(found.each), found.differs) == (bytes([NEW, NEW]), True)


@pytest.mark.parametrize(
    ("before", "each", "left"),
    [
        ([known(A)], [UNCHANGED, NEW], 0),
        ([known(A), known(B), known(Held("d/c", False, 1, 1))], [UNCHANGED, UNCHANGED], 1),
        ([known(A, look=SizeAndTime("file", 4, A.mtime_ns)), known(B)], [CHANGED, UNCHANGED], 0),
        ([known(A, look=SizeAndTime("link", 5, A.mtime_ns)), known(B)], [CHANGED, UNCHANGED], 0),
        ([known(A, stored=b"x"), known(B)], [CHANGED, UNCHANGED], 0),
    ],
    ids=["one more", "one less", "another size", "a link before", "another key"],
)
def test_another_list_or_look_sends_the_group(before: list[KnownMember], each: list[int], left: int) -> None:
    for asked in (Asked(), HASHED):
        found = decision(group(A, B), before, asked)
        assert isinstance(found, Upload)
        assert isinstance(found.reason, Gathered)
        assert (list(found.reason.each), found.reason.left) == (each, left)
        assert (found.container, found.name, found.previous) == ("zip", "*~.zip", SENT)


def test_a_file_that_is_stored_elsewhere_makes_the_list_differ_all_the_same() -> None:
    """It would be in no ZIP that the rule finds: the way in which s3-backup lost files."""
    candidate = group(A, B)
    found = compared(held(candidate), last(), [known(A)], HASHED)

    found, _ = with_elsewhere(found, candidate, Elsewhere({"/t/d/b": last(B.digest)}, {}))

    assert bytes(found.each) == bytes([UNCHANGED, UNCHANGED])
    assert isinstance(decided(candidate, last(), found, HASHED), Upload)


def test_a_time_in_whole_seconds_is_the_same_time() -> None:
    candidate = group(A._replace(mtime_ns=A.mtime_ns + 5), B)

    assert isinstance(decision(candidate, [known(A), known(B)], Asked()).reason, Touched)


@pytest.mark.parametrize(("sha256", "expected"), [(hashlib.sha256(b"d/a"), Touched), (hashlib.sha256(b""), Gathered)])
def test_content_decides_where_only_a_time_differs(sha256: hashlib._Hash, expected: type) -> None:
    candidate = group(A, B)
    before = [touched(A), known(B)]
    found = compared(held(candidate), last(), before, HASHED)
    assert found.to_read == (0,)
    with pytest.raises(ValueError, match="can't be decided yet"):
        decided(candidate, last(), found, HASHED)

    found = with_contents(found, held(candidate), before, {"d/a": Content(sha256.hexdigest())})

    assert isinstance(decided(candidate, last(), found, HASHED).reason, expected)


def test_without_a_hash_of_what_was_sent_a_time_is_a_change() -> None:
    before = [touched(A)._replace(sha256=None), known(B)]

    assert isinstance(decision(group(A, B), before), Upload)


def test_where_all_is_to_be_compared_and_nobody_has_hashed_it_that_is_said() -> None:
    candidate = group(A, B)
    before = [known(A, sha256=None), known(B, sha256=None)]
    same = last(held(candidate).digest)

    skip = decided(candidate, same, compared(held(candidate), same, before, Asked("always")), Asked("always"))

    assert isinstance(skip.reason, Unchanged)
    assert skip.reason.unhashed


def test_nobody_knows_what_was_read_of_a_group_that_changed_back() -> None:
    candidate = group(A, B)
    before = last(held(candidate).digest + CHANGED_BACK)

    found = compared(held(candidate), before, (), Asked())

    assert bytes(found.each) == bytes([CHANGED, CHANGED])
    assert isinstance(decided(candidate, before, found, Asked()), Upload)


def test_force_and_damage_say_so_but_of_new_files() -> None:
    candidate = group(A, B)
    forced = compared(held(candidate), last(), [known(A)], Asked(force=True))
    damaged = compared(held(candidate), replace(last(), damage="gone"), [known(A)], Asked())

    assert bytes(forced.each) == bytes([FORCED, NEW])
    assert bytes(damaged.each) == bytes([DAMAGED, NEW])


def test_what_is_sent_once_only_goes_by_its_list() -> None:
    once = Asked("other time", compare=False)

    assert isinstance(decision(group(A, B), [touched(A), known(B)], once).reason, AlreadySent)
    assert isinstance(decision(group(A, B), [known(A)], once), Upload)


def test_of_a_touched_group_the_times_that_differ_are_noted() -> None:
    assert [*times_of("/t/d/*~.zip", held(group(A, B)), [touched(A), known(B)])] == [("/t/d/a", A.digest)]


def test_a_renamed_file_takes_its_old_name_along() -> None:
    candidate = group(A, B)
    found = compared(held(candidate), last(), [known(A)], HASHED)

    found, renamed = with_elsewhere(found, candidate, Elsewhere({}, {"/t/d/b": "/t/old"}))

    assert [one.was for one in held(renamed)] == ["", "old"]
    assert replace(held(renamed), packed=b"") == replace(held(candidate), packed=b"")
    assert str(decided(renamed, last(), found, HASHED).reason) == "2 files: 1 renamed, 1 unchanged"
