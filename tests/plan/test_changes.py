"""Whether a candidate is sent, and why."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from glacier_backup.model.candidate import Candidate
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.reason import AlreadySent, Changed, Forced, NeverSent, Unchanged
from glacier_backup.model.record import LastSent
from glacier_backup.plan.changes import decide, needs_look
from tests.plan.values import SENT, candidate, fingerprint

LAST = LastSent(id=7, sent_at=SENT, bytes=5, digest="then")
IMPORTED = replace(LAST, digest=None)
SENT_NS = int(SENT.replace(microsecond=0).timestamp()) * 10**9 + 123_456_000


def test_what_was_never_sent_is_sent() -> None:
    found = decide(candidate(), None, fingerprint(), force=False, least=1)
    assert found == Upload(candidate(), "photos.tar", "tar", fingerprint(), NeverSent(), None)


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
