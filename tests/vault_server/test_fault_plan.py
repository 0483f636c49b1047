"""The plan of the faults: what it refuses, and that it only depends on seed, operation and number."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .errors import ApiError
from .fault_plan import KINDS, SPOILING, Fault
from .fault_reading import read_plan
from .routes import OPERATIONS

ALL = [(operation, nth) for operation in sorted(OPERATIONS) for nth in range(1, 60)]


def seeded(**fields: Any) -> dict[tuple[str, int], Fault]:
    """The faults of a seeded plan among the first 59 requests of each operation."""
    plan = read_plan({"seed": 7, "rate": 0.2} | fields)
    return {where: fault for where in ALL if (fault := plan.at(*where))}


def test_a_seed_repeats_its_faults_and_another_has_others() -> None:
    assert seeded() == seeded()
    assert seeded() != seeded(seed=8)


@settings(max_examples=15, database=None)
@given(st.integers(0, 2**40), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_rate_keeps_the_faults_of_a_lower_one(seed: int, one: float, other: float) -> None:
    few, many = seeded(seed=seed, rate=min(one, other)), seeded(seed=seed, rate=max(one, other))
    assert few.items() <= many.items()


def test_the_rate_is_the_share_of_faulty_requests() -> None:
    assert seeded(rate=0) == {}
    assert seeded(rate=1).keys() == set(ALL)
    assert len(ALL) * 0.15 < len(seeded(rate=0.2)) < len(ALL) * 0.25


def test_every_kind_comes_up_but_the_expiry_of_an_upload_only_when_named() -> None:
    assert {fault.kind for fault in seeded(rate=1).values()} == KINDS.keys() - {"expire_upload"}
    assert {fault.kind for fault in seeded(rate=1, kinds=["expire_upload"], at_most=1).values()} == {"expire_upload"}


def test_a_kind_happens_only_to_the_operations_that_it_can_happen_to() -> None:
    found = seeded(rate=1, kinds=sorted(KINDS), at_most=1)
    assert all(operation in KINDS[fault.kind] for (operation, _), fault in found.items())
    assert {operation for operation, _ in seeded(rate=1, kinds=["wrong_checksum"])} == KINDS["wrong_checksum"]


def test_only_the_operations_named_meet_faults() -> None:
    assert {operation for operation, _ in seeded(rate=1, operations=["ListParts"])} == {"ListParts"}


def test_only_the_statuses_named_are_answered() -> None:
    found = seeded(rate=1, kinds=["status"], statuses=[429, 504])
    assert {fault.status for fault in found.values()} == {429, 504}


def test_a_listed_plan_is_just_the_list() -> None:
    plan = read_plan({"plan": [{"operation": "ListParts", "nth": 3, "kind": "stall", "seconds": 0.5}]})
    assert {where: fault for where in ALL if (fault := plan.at(*where))} == {
        ("ListParts", 3): Fault("stall", seconds=0.5)
    }


def test_the_kinds_that_spoil_an_answer_are_kinds() -> None:
    assert KINDS.keys() > SPOILING


def entry(**fields: Any) -> dict[str, Any]:
    """A listed plan of one fault."""
    return {"plan": [{"operation": "ListParts", "nth": 1, "kind": "status"} | fields]}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (7, "an object"),
        ({"rate": 0.5}, "seed has to be"),
        ({"seed": 1}, "rate has to be"),
        ({"seed": 1, "rate": 1.5}, "rate has to be a number from 0.0 to 1.0"),
        ({"seed": True, "rate": 1}, "seed has to be"),
        ({"seed": 1.5, "rate": 1}, "a whole number"),
        ({"seed": 1, "rate": 1, "colour": "red"}, "no such fields of faults: colour"),
        ({"seed": 1, "rate": 1, "kinds": ["flood"]}, "no such kinds: flood"),
        ({"seed": 1, "rate": 1, "kinds": []}, "kinds takes a list"),
        ({"seed": 1, "rate": 1, "operations": ["FormatDisk"]}, "no such operations: FormatDisk"),
        ({"seed": 1, "rate": 1, "statuses": [404]}, "no such statuses: 404"),
        ({"seed": 1, "rate": 1, "kinds": ["expire_upload"]}, "needs at_most"),
        ({"seed": 1, "rate": 1, "in_a_row": 10}, "in_a_row has to be a number from 1 to 9"),
        ({"seed": 1, "rate": 1, "plan": []}, "beside plan: seed, rate"),
        ({"plan": {}}, "a list of objects"),
        ({"plan": ["ListParts"]}, "a list of objects"),
        (entry(operation="FormatDisk"), "no such operations: FormatDisk"),
        (entry(kind="flood"), "no such kinds: flood"),
        (entry(kind=None), "kind is required"),
        (entry(nth=0), "nth has to be"),
        (entry(status=404), "no such statuses: 404"),
        (entry(colour="red"), "no such fields of a fault: colour"),
        (entry(kind="wrong_checksum"), "wrong_checksum cannot happen to ListParts"),
        ({"plan": entry()["plan"] * 2}, "two faults for request 1 of ListParts"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_reason(document: object, message: str) -> None:
    with pytest.raises(ApiError, match=message):
        read_plan(document)
