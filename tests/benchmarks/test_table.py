"""A row says what was promised, what was measured and whether that holds."""

from __future__ import annotations

from benchmarks.table import at_least, at_most, machine, markdown


def test_a_bound_itself_is_kept() -> None:
    assert at_least("speed", 0.5, 0.5, " ×", "").met
    assert at_most("time", 60, 60, " ms", "").met


def test_less_than_the_least_and_more_than_the_most_are_not() -> None:
    assert not at_least("speed", 0.49, 0.5, " ×", "").met
    assert not at_most("time", 61, 60, " ms", "").met


def test_the_table_says_in_capitals_what_does_not_hold() -> None:
    rows = [at_least("speed", 0.8123, 0.5, " × tar", "8 for 10"), at_most("members", 312.4, 250, " B", "of 1,000")]
    assert markdown(rows).splitlines()[2:] == [
        "| speed | at least 0.5 × tar | 0.812 × tar | 8 for 10 |",
        "| members | at most 250 B | 312 B, NOT MET | of 1,000 |",
    ]


def test_the_machine_is_named_by_its_processor_its_cores_and_its_memory() -> None:
    assert " cores, " in machine()
    assert " GiB; Linux " in machine()
