"""Whether a file of a whole tree is sent whose content is compared, and what has to be read for that."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.candidate import CHANGED_BACK, Candidate
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.reason import AlreadySent, Touched, Unchanged
from glacier_backup.model.record import LastSent
from glacier_backup.model.tree_digest import Hashing, tree_fingerprint
from glacier_backup.model.upload_reason import Changed, DamagedThere, Forced, NeverSent
from glacier_backup.plan.changes import Content, Contents, decide, needs_content
from tests.plan.values import SENT

SECOND = 10**9
THEN = 1_600_000_000 * SECOND + 5
LATER = THEN + SECOND
ONE, OTHER = "1" * 64, "2" * 64
HASHINGS: tuple[Hashing, ...] = ("never", "other time", "always")


def file(size: int = 5, mtime_ns: int = THEN, *, compare: bool = True) -> Candidate:
    seen = tree_fingerprint("file", size, mtime_ns, 0o644)
    return Candidate("/data/tree/file", "file", "/data/tree", compare, seen=seen)


def sent(size: int = 5, mtime_ns: int = THEN, sha256: str | None = ONE) -> LastSent:
    return LastSent(7, SENT, size, tree_fingerprint("file", size, mtime_ns).digest, sha256=sha256)


def decided(one: Candidate, last: LastSent | None, hashing: Hashing, now: Content | None = None) -> Skip | Upload:
    return decide(one, last, None, force=False, least=0, contents=Contents(hashing, now))


@pytest.mark.parametrize(
    ("one", "last", "read"),
    [
        (file(), sent(), {"always"}),
        (file(mtime_ns=LATER), sent(), {"other time", "always"}),
        (file(mtime_ns=THEN - 1), sent(), {"other time", "always"}),
        (file(mtime_ns=THEN - 5), sent(), {"always"}),
        (file(6), sent(), set()),
        (file(6, LATER), sent(), set()),
        (file(mtime_ns=LATER), sent(sha256=None), set()),
        (file(mtime_ns=LATER), None, set()),
        (file(mtime_ns=LATER, compare=False), sent(), set()),
        (file(mtime_ns=LATER), replace(sent(), damage="it is gone"), set()),
        (file(mtime_ns=LATER), replace(sent(), digest=None), set()),
        (file(mtime_ns=LATER), replace(sent(), digest=f"{sent().digest}{CHANGED_BACK}"), set()),
        (replace(file(mtime_ns=LATER), seen=None), sent(), set()),
        (replace(file(), kind="link", seen=tree_fingerprint("link", 5, THEN)), sent(), set()),
    ],
)
def test_what_has_the_size_of_a_hash_that_is_known_is_read(one: Candidate, last: LastSent, read: set[Hashing]) -> None:
    assert {hashing for hashing in HASHINGS if needs_content(one, last, False, hashing)} == read
    assert not any(needs_content(one, last, True, hashing) for hashing in HASHINGS)


@pytest.mark.parametrize("hashing", ["other time", "always"])
def test_the_same_content_with_another_time_is_not_sent_and_its_look_is_to_be_noted(hashing: Hashing) -> None:
    one = file(mtime_ns=LATER)
    found = decided(one, sent(), hashing, Content(ONE))
    assert found == Skip(one.path, "file", 5, Touched(SENT, 7, f"file 5 {LATER}"))
    assert str(found.reason).endswith(": same content, other time")
    assert not found.reason.needs_attention


@pytest.mark.parametrize("hashing", ["other time", "always"])
@pytest.mark.parametrize("now", [Content(OTHER), Content(ONE, changed=True)], ids=["other", "changed meanwhile"])
def test_other_content_is_sent_and_so_is_what_changed_while_it_was_read(hashing: Hashing, now: Content) -> None:
    found = decided(file(mtime_ns=LATER), sent(), hashing, now)
    assert isinstance(found, Upload)
    assert (found.reason, found.previous) == (Changed(SENT), SENT)


def test_an_edit_that_keeps_size_and_time_is_seen_where_all_is_read() -> None:
    assert decided(file(), sent(), "never").reason == Unchanged(SENT)
    assert decided(file(), sent(), "other time").reason == Unchanged(SENT)
    assert decided(file(), sent(), "always", Content(OTHER)).reason == Changed(SENT)
    assert decided(file(), sent(), "always", Content(ONE)).reason == Unchanged(SENT)


def test_without_a_hash_size_and_time_decide_and_that_is_said_where_all_should_be_read() -> None:
    unhashed = sent(sha256=None)
    assert decided(file(), unhashed, "other time").reason == Unchanged(SENT)
    found = decided(file(), unhashed, "always").reason
    assert found == Unchanged(SENT, unhashed=True)
    assert str(found).endswith(", by size and time: no hash of what was sent is known")
    for hashing in HASHINGS:
        assert decided(file(mtime_ns=LATER), unhashed, hashing).reason == Changed(SENT)


def test_what_was_read_for_another_destination_says_nothing_where_no_hash_is_known() -> None:
    assert decided(file(mtime_ns=LATER), sent(sha256=None), "other time", Content(ONE)).reason == Changed(SENT)
    assert decided(file(mtime_ns=LATER), None, "other time", Content(ONE)).reason == NeverSent()


def test_what_is_sent_whatever_is_in_it_says_why() -> None:
    one = file(mtime_ns=LATER)
    assert decided(one, replace(sent(), damage="gone"), "always", Content(ONE)).reason == Changed(SENT)
    assert decided(file(), replace(sent(), damage="gone"), "always").reason == DamagedThere("gone")
    forced = decide(one, sent(), None, force=True, least=0, contents=Contents("always", Content(ONE)))
    assert forced.reason == Forced()
    assert decided(file(compare=False), sent(), "always").reason == AlreadySent(SENT)


def test_deciding_without_having_read_is_refused_where_it_is_needed() -> None:
    for hashing, mtime_ns in itertools.product(HASHINGS, (THEN, LATER)):
        one = file(mtime_ns=mtime_ns)
        if needs_content(one, sent(), False, hashing):
            with pytest.raises(ValueError, match="/data/tree/file has to be read first"):
                decided(one, sent(), hashing)
        else:
            decided(one, sent(), hashing)


@given(
    st.sampled_from(HASHINGS),
    st.tuples(st.integers(0, 2), st.integers(0, 3 * SECOND)),
    st.tuples(st.integers(0, 2), st.integers(0, 3 * SECOND)),
    st.sampled_from([None, ONE]),
    st.sampled_from([ONE, OTHER]),
)
def test_reading_only_ever_spares_what_is_the_same_and_finds_what_is_not(
    hashing: Hashing, before: tuple[int, int], now: tuple[int, int], known: str | None, content: str
) -> None:
    plain = isinstance(decided(file(*now), sent(*before, sha256=None), "never"), Upload)
    sends = isinstance(decided(file(*now), sent(*before, sha256=known), hashing, Content(content)), Upload)
    if sends != plain:
        assert known is not None
        assert before[0] == now[0]
        assert sends is (content != known)
        assert plain if hashing == "other time" else hashing == "always"
