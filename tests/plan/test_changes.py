"""Whether a candidate is sent, and why."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from glacier_backup.model.candidate import Candidate
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.reason import AlreadySent, Unchanged
from glacier_backup.model.record import LastSent
from glacier_backup.model.tree_digest import same_look, tree_fingerprint
from glacier_backup.model.upload_reason import Changed, DamagedThere, Forced, NeverSent, Renamed
from glacier_backup.plan.changes import decide, needs_look
from tests.plan.values import SENT, candidate, fingerprint

LAST = LastSent(id=7, sent_at=SENT, bytes=5, digest="then")
IMPORTED = replace(LAST, digest=None)
SENT_NS = int(SENT.replace(microsecond=0).timestamp()) * 10**9 + 123_456_000


def test_what_was_never_sent_is_sent() -> None:
    found = decide(candidate(), None, fingerprint(), force=False, least=1)
    assert found == Upload(candidate(), "photos.tar", "tar", fingerprint(), NeverSent(), None)


def test_a_decision_names_the_destination() -> None:
    once = candidate(compare=False)
    assert decide(once, None, fingerprint(), force=False, least=1, to="main").to == "main"
    assert decide(once, LAST, None, force=False, least=1, to="main").to == "main"
    unchanged = decide(candidate(), LAST, fingerprint("then"), force=False, least=1, to="main")
    assert (type(unchanged), unchanged.to) == (Skip, "main")


def test_what_was_never_sent_may_have_had_another_name() -> None:
    found = decide(candidate(), None, fingerprint(), force=True, least=1, was="/data/old")
    assert (found.reason, str(found.reason)) == (Renamed("/data/old"), "renamed, was /data/old")
    assert decide(candidate(), LAST, fingerprint(), force=False, least=1, was="/data/old").reason == Changed(SENT)


def test_what_was_sent_is_not_sent_again_nor_looked_at() -> None:
    once = candidate(compare=False)
    assert not needs_look(once, LAST, force=False)
    assert decide(once, LAST, None, force=False, least=1) == Skip(once.path, "photos.tar", 5, AlreadySent(SENT))


@pytest.mark.parametrize("compare", [False, True])
def test_what_was_sent_incomplete_is_not_sent_again_but_needs_attention(compare: bool) -> None:
    last = replace(LAST, problems=2)
    found = decide(candidate(compare=compare), last, fingerprint("then"), force=False, least=1)
    assert isinstance(found, Skip)
    assert found.reason == (Unchanged(SENT, 2) if compare else AlreadySent(SENT, 2))
    assert found.reason.needs_attention
    assert str(found.reason).endswith(", but incomplete: 2 inside could not be read; -p PATH --force sends it again")


@pytest.mark.parametrize("compare", [False, True])
def test_what_is_damaged_at_the_destination_is_sent_again(compare: bool) -> None:
    one, hurt = candidate(compare=compare), replace(LAST, damage="it is not there any more")
    assert needs_look(one, hurt, force=False)
    found = decide(one, hurt, fingerprint("then"), force=False, least=1)
    assert isinstance(found, Upload)
    assert (found.reason, found.previous) == (DamagedThere("it is not there any more"), SENT)
    assert str(found.reason) == "damaged at the destination: it is not there any more"
    changed = decide(one, hurt, fingerprint("now"), force=False, least=1)
    assert isinstance(changed, Upload)
    assert changed.reason == Changed(SENT)


def test_what_was_sent_whole_needs_no_attention() -> None:
    for reason in (AlreadySent(SENT), Unchanged(SENT)):
        assert not reason.needs_attention
        assert "incomplete" not in str(reason)


def test_what_changed_while_it_was_read_is_looked_at_and_sent_again_when_it_differs() -> None:
    once, torn = candidate(compare=False), replace(LAST, changed_while_read=True)
    assert needs_look(once, torn, force=False)
    found = decide(once, torn, fingerprint("now"), force=False, least=1)
    assert isinstance(found, Upload)
    assert (found.reason, found.previous) == (Changed(SENT), SENT)


def test_what_changed_while_it_was_read_and_is_as_it_was_counts_as_sent() -> None:
    once, torn = candidate(compare=False), replace(LAST, changed_while_read=True)
    assert decide(once, torn, fingerprint("then"), force=False, least=1) == Skip(
        once.path, "photos.tar", 10, AlreadySent(SENT)
    )


def test_what_was_sent_and_is_compared_is_not_sent_while_it_is_the_same() -> None:
    found = decide(candidate(), LAST, fingerprint("then", size=9), force=False, least=1)
    assert found == Skip("/data/photos", "photos.tar", 9, Unchanged(SENT))


def test_what_was_sent_and_is_compared_is_sent_again_when_it_differs() -> None:
    found = decide(candidate(), LAST, fingerprint("now"), force=False, least=1)
    assert found == Upload(candidate(), "photos.tar", "tar", fingerprint("now"), Changed(SENT), SENT)


def test_an_mtime_set_back_is_a_change() -> None:
    found = decide(candidate(), LAST, fingerprint("now", newest=0), force=False, least=1)
    assert isinstance(found, Upload)


@pytest.mark.parametrize("compare", [False, True])
def test_force_sends_what_is_unchanged(compare: bool) -> None:
    found = decide(candidate(compare=compare), LAST, fingerprint("then"), force=True, least=1)
    assert isinstance(found, Upload)
    assert (found.reason, found.previous) == (Forced(), SENT)


def test_force_does_not_hide_that_something_was_never_sent() -> None:
    found = decide(candidate(), None, fingerprint(), force=True, least=1)
    assert isinstance(found, Upload)
    assert found.reason == NeverSent()


@pytest.mark.parametrize(("newest", "sent"), [(SENT_NS - 1, False), (SENT_NS, False), (SENT_NS + 1, True)])
def test_without_a_fingerprint_changed_means_a_later_mtime(newest: int, sent: bool) -> None:
    found = decide(candidate(), IMPORTED, fingerprint(newest=newest), force=False, least=1)
    assert isinstance(found, Upload) == sent
    assert found.reason == (Changed(SENT) if sent else Unchanged(SENT))


def test_an_import_dated_zero_counts_as_sent() -> None:
    epoch = replace(IMPORTED, sent_at=SENT - timedelta(microseconds=SENT_NS // 1000))
    assert isinstance(decide(candidate(compare=False), epoch, None, force=False, least=1), Skip)


@pytest.mark.parametrize(("size", "least", "name"), [(0, 1, "empty.tar"), (0, 0, "empty"), (1, 1, "empty")])
def test_an_empty_file_goes_into_a_tar_where_nothing_empty_is_taken(size: int, least: int, name: str) -> None:
    file = Candidate("/data/empty", "file", "/data", compare=False)
    found = decide(file, None, fingerprint(size=size), force=False, least=least)
    assert isinstance(found, Upload)
    assert (found.name, found.container) == (name, "tar" if name == "empty.tar" else "raw")


def test_deciding_without_a_look_is_refused_where_one_is_needed() -> None:
    torn = replace(LAST, changed_while_read=True)
    for last, compare, force in itertools.product((None, LAST, torn), (False, True), (False, True)):
        one = candidate(compare=compare)
        if needs_look(one, last, force):
            with pytest.raises(ValueError, match="/data/photos has to be looked at first"):
                decide(one, last, None, force, least=1)
        else:
            decide(one, last, None, force, least=1)


SECOND = 10**9
THEN = 1_600_000_000 * SECOND


def in_tree(size: int = 5, mtime_ns: int = THEN, *, compare: bool = True, mode: int = 0o644) -> Candidate:
    seen = tree_fingerprint("file", size, mtime_ns, mode)
    return Candidate("/data/tree/file", "file", "/data/tree", compare, seen=seen)


def sent_as(size: int = 5, mtime_ns: int = THEN) -> LastSent:
    return replace(LAST, digest=tree_fingerprint("file", size, mtime_ns).digest)


class TestTrees:
    @pytest.mark.parametrize("last", [None, LAST, replace(LAST, changed_while_read=True), sent_as(), IMPORTED])
    @pytest.mark.parametrize("force", [False, True])
    def test_what_the_walk_saw_is_all_that_deciding_takes(self, last: LastSent | None, force: bool) -> None:
        assert not needs_look(in_tree(), last, force)
        found = decide(in_tree(), last, None, force, least=1)
        if isinstance(found, Upload):
            assert found.fingerprint is in_tree().seen or found.fingerprint == in_tree().seen

    @pytest.mark.parametrize(
        ("size", "mtime_ns", "sent"),
        [
            (5, THEN, False),
            (6, THEN, True),
            (5, THEN + SECOND, True),
            (5, THEN - SECOND, True),
            (5, THEN - 1, True),
        ],
    )
    def test_another_size_or_time_is_a_change_backwards_too(self, size: int, mtime_ns: int, sent: bool) -> None:
        found = decide(in_tree(size, mtime_ns), sent_as(), None, force=False, least=1)
        assert found.reason == (Changed(SENT) if sent else Unchanged(SENT))

    def test_another_mode_is_no_change(self) -> None:
        assert isinstance(decide(in_tree(mode=0o600), sent_as(), None, force=False, least=1), Skip)

    def test_what_is_not_compared_is_sent_once(self) -> None:
        once = in_tree(6, compare=False)
        assert decide(once, sent_as(), None, force=False, least=1) == Skip(once.path, "file", 6, AlreadySent(SENT))

    def test_a_file_that_has_become_a_link_is_sent(self) -> None:
        link = Candidate("/data/tree/file", "link", "/data/tree", True, seen=tree_fingerprint("link", 5, THEN))
        found = decide(link, sent_as(), None, force=False, least=1)
        assert isinstance(found, Upload)
        assert (found.name, found.container, found.reason) == ("file", "raw", Changed(SENT))

    def test_what_was_sent_before_it_was_in_a_tree_is_sent_under_its_new_key(self) -> None:
        assert isinstance(decide(in_tree(), LAST, None, force=False, least=1), Upload)

    def test_without_a_fingerprint_changed_means_a_later_time(self) -> None:
        old, new = in_tree(mtime_ns=SENT_NS), in_tree(mtime_ns=SENT_NS + 1)
        assert isinstance(decide(old, IMPORTED, None, force=False, least=1), Skip)
        assert isinstance(decide(new, IMPORTED, None, force=False, least=1), Upload)

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            (THEN, THEN, True),
            (THEN, THEN + 1, True),
            (THEN, THEN + SECOND - 1, True),
            (THEN, THEN + SECOND, False),
            (THEN, THEN - 1, False),
            (THEN + 1, THEN + 2, False),
            (THEN + 1, THEN + 1, True),
            (-SECOND, -1, True),
            (0, -1, False),
        ],
    )
    def test_a_whole_second_is_the_same_as_a_time_within_it(self, one: int, other: int, same: bool) -> None:
        digests = [tree_fingerprint("file", 5, time).digest for time in (one, other)]
        assert same_look(*digests) is same_look(*reversed(digests)) is same

    def test_other_sizes_and_other_digests_differ_whatever_the_time(self) -> None:
        digest = tree_fingerprint("file", 5, THEN).digest
        assert not same_look(digest, tree_fingerprint("file", 6, THEN).digest)
        assert not same_look(digest, tree_fingerprint("link", 5, THEN).digest)
        assert not same_look(digest, "0" * 64)
        assert same_look("0" * 64, "0" * 64)
