"""Journals of mt-aws-glacier."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.journal import JournalEntry, live, read_journal

HASH = "ab" * 32
THEN = datetime(2012, 11, 14, 20, 16, 18, tzinfo=UTC)
CREATED = f"B\t1352924178\tCREATED\tid-1\t123\t1352924000\t{HASH}\tphotos/my cat.jpg"


def test_what_was_created() -> None:
    assert list(read_journal([CREATED + "\n"])) == [
        JournalEntry(1, "CREATED", THEN, "id-1", "photos/my cat.jpg", 123, HASH, 1_352_924_000 * 10**9)
    ]


@pytest.mark.parametrize("version", ["A", "B", "C"])
def test_what_was_deleted_and_asked_for(version: str) -> None:
    lines = [f"{version}\t1352924178\tDELETED\tid-1\ta b", f"{version}\t1352924178\tRETRIEVE_JOB\tid-1\tjob/2"]
    assert list(read_journal(lines)) == [
        JournalEntry(1, "DELETED", THEN, "id-1", "a b"),
        JournalEntry(2, "RETRIEVE_JOB", THEN, "id-1", job_id="job/2"),
    ]


def test_the_oldest_form_has_blanks() -> None:
    lines = [
        f"1352924178 CREATED id-1 123 {HASH.upper()} my cat.jpg\r\n",
        "1352924178 RETRIEVE_JOB id-1\r\n",
        "1352924178 DELETED id-1 my cat.jpg\r\n",
    ]
    assert list(read_journal(lines)) == [
        JournalEntry(1, "CREATED", THEN, "id-1", "my cat.jpg", 123, HASH),
        JournalEntry(2, "RETRIEVE_JOB", THEN, "id-1"),
        JournalEntry(3, "DELETED", THEN, "id-1", "my cat.jpg"),
    ]


@pytest.mark.parametrize(
    ("version", "mtime", "path", "expected"),
    [
        ("B", "NONE", "a", None),
        ("C", "-5", "a", -5 * 10**9),
        ("C", "+5", "a", 5 * 10**9),
        ("B", "9" * 20, "a", None),
        ("A", "1", "id-1", None),
        ("B", "1", "id-1", 10**9),
        ("A", "1", "a", 10**9),
    ],
)
def test_times_that_are_not_known(version: str, mtime: str, path: str, expected: int | None) -> None:
    line = f"{version}\t1\tCREATED\tid-1\t123\t{mtime}\t{HASH}\t{path}"
    assert [one.mtime_ns for one in read_journal([line])] == [expected]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("D\t1\tCREATED\tid\t1\t1\tx\ta", "line 2: of a version to come"),
        ("", "line 2: no record"),
        ("B\t1\tCREATED\tid\t1\t1\tzz\ta", "line 2: no record"),
        (f"B\t1\tCREATED\tid\t1\t{HASH}\ta", "line 2: no record"),
        (f"B\t1\tCREATED\tid\t{'1' * 21}\t1\t{HASH}\ta", "line 2: no record"),
        ("B\t1\tMOVED\tid\ta", "line 2: no record"),
        ("B 1 DELETED id a", "line 2: no record"),
        ("B\t" + "9" * 20 + "\tDELETED\tid\ta", "line 2: there is no such time"),
        ("#" * 10_000, "line 2: no record"),
    ],
)
def test_what_is_no_record_is_named_by_its_line(line: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        list(read_journal([CREATED, line]))
    assert len(str(caught.value)) < 200


def test_a_journal_that_was_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="line 2: it has no end"):
        list(read_journal([f"{CREATED}\n", "B\t1\tDELETED\tid-1\tphotos/my c"]))


def test_paths_that_lead_elsewhere_are_not_used() -> None:
    (entry,) = read_journal([f"B\t1\tCREATED\tid\t1\tNONE\t{HASH}\t../../etc/passwd"])
    assert (entry.path, entry.safe_path) == ("../../etc/passwd", None)
    (entry,) = read_journal([CREATED])
    assert entry.safe_path == "photos/my cat.jpg"


def created(name: str) -> str:
    return f"B\t1\tCREATED\t{name}\t1\tNONE\t{HASH}\tfile"


def deleted(name: str) -> str:
    return f"B\t1\tDELETED\t{name}\tfile"


def alive(*lines: str) -> list[str]:
    return [one.archive_id for one in live(read_journal(lines))]


def test_what_was_deleted_is_gone_and_the_rest_keeps_its_order() -> None:
    jobs = "B\t1\tRETRIEVE_JOB\tz\tjob"
    assert alive(created("z"), created("b"), jobs, deleted("z"), created("a"), created("c"), deleted("b")) == ["a", "c"]


def test_several_may_have_one_name() -> None:
    assert alive(created("a"), created("b")) == ["a", "b"]


def test_an_id_may_come_back_after_it_was_deleted() -> None:
    assert alive(created("a"), deleted("a"), created("a")) == ["a"]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([created("x"), created("a"), created("a")], "line 3: archive a was created before"),
        ([created("a"), deleted("b")], "line 2: archive b is deleted, and isn't there"),
        ([deleted("a"), created("a")], "line 1: archive a is deleted"),
        ([created("a"), deleted("a"), deleted("a")], "line 3: archive a is deleted"),
    ],
)
def test_a_journal_that_contradicts_itself_is_refused(lines: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        alive(*lines)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans())))
def test_a_replay_is_what_a_dictionary_makes_of_it(steps: list[tuple[str, bool]]) -> None:
    there: dict[str, None] = {}
    lines = []
    for name, is_created in steps:
        if is_created == (name in there):
            continue
        lines.append(created(name) if is_created else deleted(name))
        if is_created:
            there[name] = None
        else:
            del there[name]
    assert alive(*lines) == list(there)
