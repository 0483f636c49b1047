"""What a process took is told by the kernel, and contenders run in turns."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.measure import Failed, Took, Turns, in_turns, took

MIB = 1024 * 1024


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_memory_is_that_of_the_largest_process_whoever_started_it_and_not_ours() -> None:
    ours = bytearray(b"x") * (500 * MIB)
    large = f"x = b'x' * {200 * MIB}"
    alone = took(python(large))
    del ours
    started = took(python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {large!r}], check=True)"))
    assert 200 * MIB < alone.peak < 400 * MIB
    assert 200 * MIB < started.peak < 400 * MIB


def test_the_processor_counts_what_a_process_computes_and_not_what_it_waits_for() -> None:
    waited = took(python("import time; time.sleep(1.5)"))
    assert waited.clock >= 1.5
    assert waited.processor < 1.5
    computed = took(python("import time\nwhile time.process_time() < 1.5: pass"))
    assert computed.processor >= 1.5


def test_the_environment_is_given_on_top_of_ours(tmp_path: Path) -> None:
    text = "import os, sys; sys.exit(not (os.environ['WORD'] == 'there' and 'PATH' in os.environ))"
    took(python(text), environ={"WORD": "there"}, cwd=tmp_path)


def test_a_command_that_ends_otherwise_than_it_should_is_not_measured_but_says_what_it_said() -> None:
    with pytest.raises(Failed, match=r"exit code 3 of .*: no such thing"):
        took(python("import sys; sys.stderr.write('no such thing'); sys.exit(3)"))
    took(python("import sys; sys.exit(3)"), code=3)


def test_contenders_run_in_turns_and_a_warm_round_does_not_count() -> None:
    ran: list[str] = []

    def contender(name: str) -> Took:
        ran.append(name)
        return Took(1.0, 0.5, MIB)

    turns = in_turns(2, {"a": lambda: contender("a"), "b": lambda: contender("b")}, warm=True)
    assert ran == ["a", "b"] * 3
    assert turns.clocks("a", "b") == 1.0


def test_ratios_are_taken_round_by_round_so_that_a_slower_machine_slows_both() -> None:
    rounds = [(1.0, 2.0), (10.0, 20.0), (3.0, 30.0)]
    turns = Turns([{"a": Took(a, a, 1), "b": Took(b, b, int(b))} for a, b in rounds])
    assert turns.clocks("a", "b") == turns.processors("a", "b") == 0.5
    assert turns.clock("a") == 3.0
    assert turns.processor("b") == 20.0
    assert turns.peak("b") == 30
