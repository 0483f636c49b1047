"""JSON on standard output, of any length."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence

Json = Mapping[str, "Json"] | Sequence["Json"] | Iterator["Json"] | str | int | float | bool | None

_ENCODER = json.JSONEncoder(indent=2)


def write_json(value: Json) -> None:
    """One JSON value on standard output. Iterators, wherever in objects and in what other iterators yield, are written
    as lists while they are read.

    Bytes of paths that are not UTF-8 are lone surrogates (``\\udcXX``).
    """
    sys.stdout.writelines(_value(value, "\n"))
    sys.stdout.write("\n")


def _value(value: Json, margin: str) -> Iterator[str]:
    """What ``json.dump`` writes with an indent of 2, where ``margin`` is a line's end and the next one's beginning."""
    if isinstance(value, Iterator):
        yield from _list(value, margin)
    elif isinstance(value, dict) and _holds_iterators(value):
        yield from _object(value, margin)
    else:
        yield _ENCODER.encode(value).replace("\n", margin)


def _holds_iterators(value: Mapping[str, Json]) -> bool:
    return any(isinstance(one, Iterator) or (isinstance(one, dict) and _holds_iterators(one)) for one in value.values())


def _object(value: Mapping[str, Json], margin: str) -> Iterator[str]:
    between, inner = "{", f"{margin}  "
    for key, item in value.items():
        yield f"{between}{inner}{json.dumps(key)}: "
        yield from _value(item, inner)
        between = ","
    yield f"{margin}}}"


def _list(value: Iterator[Json], margin: str) -> Iterator[str]:
    between, inner = "[", f"{margin}  "
    for item in value:
        yield between + inner
        yield from _value(item, inner)
        between = ","
    yield "[]" if between == "[" else f"{margin}]"
