"""What was just seen of a large directory isn't looked at again before it is sent; all else is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from glacier_backup.model.candidate import Candidate, Fingerprint, Resolved
from glacier_backup.resolve.source import Selection
from glacier_backup.workflow.sending.as_read import looked
from glacier_backup.workflow.sending.looks import Looks

LARGE, SMALL = (Candidate(path, "directory", "/data", compare=False) for path in ("/data/large", "/data/small"))


class Slow:
    """A source whose looks take their time, by a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.takes = {"/data/large": 60.0, "/data/small": 1.0, "/data/file": 60.0}
        self.looks: list[str] = []

    def resolve(self, selection: Selection) -> Iterator[Resolved]:
        return iter(())

    def look(self, candidate: Candidate) -> Fingerprint:
        self.looks.append(candidate.path)
        self.now += self.takes[candidate.path]
        return Fingerprint(f"{candidate.path} the {len(self.looks)}.", 0, 1, 0)

    def gone(self, section: str, paths: Sequence[str]) -> Sequence[bool]:
        return [False for _ in paths]


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def looks(slow: Slow) -> Looks:
    return Looks(slow, lambda: slow.now)


def test_a_look_is_as_good_as_a_new_one_for_as_long_as_it_took(slow: Slow, looks: Looks) -> None:
    seen = looks.look(LARGE)
    slow.now += 59
    assert looked(LARGE, looks) == seen
    slow.now += 1

    assert looked(LARGE, looks).digest == "/data/large the 2."
    assert slow.looks == ["/data/large"] * 2


def test_a_shorter_look_takes_no_longer_one_s_place(slow: Slow, looks: Looks) -> None:
    seen = looks.look(LARGE)
    looks.look(SMALL)

    assert looked(LARGE, looks) == seen
    assert looked(SMALL, looks).digest == "/data/small the 3."


def test_what_is_asked_for_is_looked_at_whatever_is_remembered(slow: Slow, looks: Looks) -> None:
    looks.look(LARGE)

    assert looks.look(LARGE).digest == "/data/large the 2.", "after it was read, nothing old will do"


def test_files_are_always_looked_at(slow: Slow, looks: Looks) -> None:
    file = Candidate("/data/file", "file", "/data", compare=False)
    looks.look(file)

    assert looked(file, looks).digest == "/data/file the 2."


def test_the_same_directory_without_other_things_is_another(slow: Slow, looks: Looks) -> None:
    looks.look(LARGE)
    of_another_section = Candidate(LARGE.path, "directory", "/", compare=False)

    assert looked(of_another_section, looks).digest == "/data/large the 2."
