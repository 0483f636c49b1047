"""Programs that are asked something, and how long they are waited for."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from glacier_backup.answering import Answer, answer
from glacier_backup.process import LONGEST_LINE
from tests.streams import noise


def asked(script: str, question: bytes = b"", most: int = 1000, check: Callable[[], object] = lambda: None) -> Answer:
    arguments = ["sh", "-c", script]
    return answer("/bin/sh", arguments, question, cwd="/", env={"PATH": "/usr/bin:/bin"}, most=most, check=check)


def test_a_program_is_asked_and_answers() -> None:
    assert asked("cat; echo no >&2; exit 3", b"a question") == (3, b"a question", b"no\n")
    assert asked("kill -9 $$").status == -9
    large = noise(3_000_000)
    assert asked("cat", large, most=len(large)).output == large
    assert asked("true", large) == (0, b"", b"")


def test_who_says_too_much_is_ended_and_of_complaints_the_end_is_kept() -> None:
    with pytest.raises(ValueError, match="more than 1,000 bytes"):
        asked("yes")
    complaint = asked("yes a long complaint | head -c 1000000 >&2; echo the end >&2").complaint
    assert len(complaint) <= LONGEST_LINE
    assert complaint.endswith(b"the end\n")


@pytest.mark.parametrize("script", ["exec sleep 60", "exec 0<&- 1>&- 2>&- sleep 60"])
def test_waiting_for_an_answer_can_be_ended(script: str) -> None:
    began = time.monotonic()

    def check() -> None:
        if time.monotonic() - began > 0.3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        asked(script, check=check)
    assert time.monotonic() - began < 10
