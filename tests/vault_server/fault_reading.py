"""The value of the lever `faults`, checked: a plan out of a JSON object.

Seeded: `seed` and `rate` (0 to 1), and as wanted `kinds` (all but `expire_upload`), `operations` (all), `statuses`
(those of `fault_plan.STATUSES`), `seconds` of a stall, `bytes_per_second` of a slow body, `at_most` faults in all (no
limit) and `in_a_row`. Listed: `plan`, a list of objects with `operation`, `nth`, `kind` and as wanted `status`,
`fraction`, `seconds`, `bytes_per_second`.

`in_a_row` keeps every seed survivable: one request and its repetitions (same path, query, range and description) meet
at most that many faults one after another, 4 unless told, 9 at most, so the tenth try gets through. After an expired
upload it takes a new upload, not a new try; hence `expire_upload` needs to be named and to be limited by `at_most`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .errors import invalid
from .fault_plan import DEFAULT_BYTES_PER_SECOND, DEFAULT_SECONDS, KINDS, STATUSES, Fault, ListedPlan, Plan, SeededPlan
from .routes import OPERATIONS

DEFAULT_IN_A_ROW = 4
MOST_IN_A_ROW = 9
_LONGEST_STALL = 600.0
_SEEDED = frozenset(SeededPlan.__dataclass_fields__)
_LISTED = frozenset({"operation", "nth", *Fault.__dataclass_fields__})


def read_plan(document: object) -> Plan:
    """The plan; InvalidParameterValueException, with what is wrong, for anything else."""
    if not isinstance(document, dict):
        raise invalid("faults takes an object, or null")
    return _listed(document) if "plan" in document else _seeded(document)


def _seeded(document: dict[str, Any]) -> SeededPlan:
    _known("fields of faults", document, _SEEDED)
    at_most = document.get("at_most")
    plan = SeededPlan(
        seed=_whole(document, "seed", None, 0, 1 << 63),
        rate=_number(document, "rate", None, 0.0, 1.0),
        kinds=frozenset(_some("kinds", document.get("kinds", sorted(KINDS.keys() - {"expire_upload"})), KINDS)),
        operations=frozenset(_some("operations", document.get("operations", sorted(OPERATIONS)), OPERATIONS)),
        statuses=tuple(_some("statuses", document.get("statuses", list(STATUSES)), STATUSES)),
        at_most=None if at_most is None else _whole(document, "at_most", None, 0, 1 << 63),
        in_a_row=_whole(document, "in_a_row", DEFAULT_IN_A_ROW, 1, MOST_IN_A_ROW),
        **_pace(document),
    )
    if "expire_upload" in plan.kinds and plan.at_most is None:
        raise invalid("expire_upload needs at_most: each one costs the client a whole upload")
    return plan


def _listed(document: dict[str, Any]) -> ListedPlan:
    _known("fields of faults beside plan", document, {"plan"})
    if not isinstance(document["plan"], list) or not all(isinstance(entry, dict) for entry in document["plan"]):
        raise invalid("plan takes a list of objects")
    faults: dict[tuple[str, int], Fault] = {}
    for entry in document["plan"]:
        where = _text(entry, "operation", OPERATIONS), _whole(entry, "nth", None, 1, 1 << 63)
        if where in faults:
            raise invalid(f"two faults for request {where[1]} of {where[0]}")
        faults[where] = _fault(entry, where[0])
    return ListedPlan(faults)


def _fault(entry: dict[str, Any], operation: str) -> Fault:
    _known("fields of a fault", entry, _LISTED)
    kind = _text(entry, "kind", KINDS)
    if operation not in KINDS[kind]:
        raise invalid(f"{kind} cannot happen to {operation}")
    status = _whole(entry, "status", 503, 0, 999)
    _known("statuses", [status], STATUSES)
    return Fault(kind, status, _number(entry, "fraction", 0.5, 0.0, 1.0), **_pace(entry))


def _pace(document: dict[str, Any]) -> dict[str, float]:
    return {
        "seconds": _number(document, "seconds", DEFAULT_SECONDS, 0.0, _LONGEST_STALL),
        "bytes_per_second": _number(document, "bytes_per_second", DEFAULT_BYTES_PER_SECOND, 1.0, 1e12),
    }


def _known(what: str, given: Collection[Any], known: Collection[Any]) -> None:
    unknown = [item for item in given if item not in known]
    if unknown:
        raise invalid(f"no such {what}: {', '.join(map(str, unknown))}")


def _some(name: str, value: object, known: Collection[Any]) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise invalid(f"{name} takes a list that is not empty")
    _known(name, value, known)
    return value


def _text(document: dict[str, Any], name: str, known: Collection[str]) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise invalid(f"{name} is required")
    _known(f"{name}s", [value], known)
    return value


def _whole(document: dict[str, Any], name: str, default: int | None, least: int, most: int) -> int:
    value = _number(document, name, default, least, most)
    if value != int(value):
        raise invalid(f"{name} has to be a whole number, not {value}")
    return int(value)


def _number(document: dict[str, Any], name: str, default: float | None, least: float, most: float) -> float:
    value = document.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise invalid(f"{name} has to be a number from {least} to {most}, not {value!r}")
    return value
