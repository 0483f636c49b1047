"""The ordered steps that made an archive's stored form, with their public parameters."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

Scalar = str | int | bool

PACKING = frozenset({"raw", "tar", "symlink", "zip", "zfs"})
"""Steps that make a container; what follows them is the seal."""


PLAIN = frozenset({"zstd", "gzip", "split", "par2"})
"""Steps of a seal that encrypt nothing."""

PARTS = "parts"
"""The parameter of the step ``split`` that says that volumes are called ``-part-aaaaaa``; see
:data:`glacier_backup.model.suffixes.PART`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name and all of its parameters that opening needs, apart from keys."""

    name: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Opening needs this and, where a step encrypts, its key; never the configuration that sealed."""

    steps: tuple[Step, ...]

    def to_json(self) -> str:
        """One line, keys sorted: equal recipes have equal text."""
        steps = [{"step": step.name, **step.parameters} for step in self.steps]
        return json.dumps({"version": 1, "steps": steps}, sort_keys=True, separators=(",", ":"))

    @property
    def seal(self) -> tuple[Step, ...]:
        """The steps behind the packing, in the order in which they were taken; none where the stored bytes are the
        container itself."""
        return tuple(step for step in self.steps if step.name not in PACKING)

    @property
    def in_volumes(self) -> bool:
        """Whether the archive is several objects: volumes, their parity and a manifest."""
        return any(step.name == "split" for step in self.steps)

    @property
    def is_plain(self) -> bool:
        """Whether whoever has the stored bytes can read what is in them: no step encrypts."""
        return all(step.name in PLAIN for step in self.seal)

    @property
    def id(self) -> str:
        """Twelve hex digits that stand for the recipe in a description."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]


def parse_recipe(text: str) -> Recipe:
    """The inverse of :meth:`Recipe.to_json`; raises ValueError for a version that this program doesn't know."""
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("version") != 1:
        raise ValueError(f"a recipe of an unknown version: {text[:80]}")
    return Recipe(
        tuple(Step(step["step"], {key: step[key] for key in step if key != "step"}) for step in data["steps"])
    )


_DEEPEST = 4096
"""Components, more than a path has on any system (``PATH_MAX``)."""


def group_depth(recipe: Recipe | None) -> int:
    """How many of the last components of a group's path don't belong to its section; 1 where nothing says so."""
    told = recipe.steps[0].parameters.get("depth") if recipe is not None and recipe.steps else None
    return told if type(told) is int and 0 < told <= _DEEPEST else 1


_FIRST = {"command": "count", "zstd": "level", "gzip": "level", "split": "volume_size", "par2": "redundancy"}
"""The parameter of each step that stands by itself, without its name."""

_DEFAULTS: Mapping[str, Mapping[str, Scalar]] = {
    "openssl": {"cipher": "aes-256-cbc", "digest": "sha512", "iterations": 250_000}
}
"""What isn't said where it is so. These are for good: descriptions in vaults stand for years."""

_LEFT_OUT = frozenset({"recipients"})
"""Nobody needs them to open, and there may be many."""

LONGEST_COMPACT = 200
"""Characters; all steps that there are, with all of their parameters, have about 120."""

_WORD = re.compile(r"[A-Za-z0-9-]*[A-Za-z][A-Za-z0-9-]*")
"""A name, or a text: never all digits, as numbers are."""
_NUMBER = re.compile(r"-?[0-9]{1,18}")


def compact(recipe: Recipe) -> str:
    """The steps of the seal in a few of ``A-Za-z0-9.:+-``, recipients left out: ``zstd:3+split:4294967296+age``.

    What a step has besides stands behind it as ``:name`` where it is true, and as ``:name.value``. Empty for a recipe
    that seals nothing.
    """
    return "+".join(_compact_step(step) for step in recipe.seal)


def _compact_step(step: Step) -> str:
    first, defaults = _FIRST.get(step.name), _DEFAULTS.get(step.name, {})
    pieces = [step.name]
    for name, value in sorted(step.parameters.items()):
        if name in _LEFT_OUT or value is False or defaults.get(name) == value:
            continue
        if name == first and type(value) is int and value >= 0:
            pieces.insert(1, str(value))
        elif _WORD.fullmatch(name) and (value is True or _is_short(value)):
            pieces.append(name if value is True else f"{name}.{value}")
    return ":".join(pieces)


def _is_short(value: Scalar) -> bool:
    if isinstance(value, int):
        return _NUMBER.fullmatch(str(value)) is not None
    return _WORD.fullmatch(value) is not None


@lru_cache(maxsize=256)
def parse_compact(text: str) -> tuple[Step, ...]:
    """The inverse of :func:`compact`, up to what it leaves out. Raises ValueError for what it never makes."""
    if len(text) > LONGEST_COMPACT:
        raise ValueError("it has more steps than any seal")
    return tuple(_parsed_step(piece) for piece in text.split("+")) if text else ()


def _parsed_step(text: str) -> Step:
    name, *pieces = text.split(":")
    if not _WORD.fullmatch(name) or name in PACKING:
        raise ValueError(f"{name!r} is no step of a seal")
    parameters = dict(_DEFAULTS.get(name, {}))
    first = _FIRST.get(name)
    if first is not None and pieces and pieces[0].isdecimal():
        parameters[first] = _parsed(pieces.pop(0))
    for piece in pieces:
        key, dot, value = piece.partition(".")
        if not _WORD.fullmatch(key):
            raise ValueError(f"{piece!r} is no parameter of {name}")
        parameters[key] = _parsed(value) if dot else True
    return Step(name, parameters)


def _parsed(value: str) -> Scalar:
    if _NUMBER.fullmatch(value):
        return int(value)
    if not _WORD.fullmatch(value):
        raise ValueError(f"{value!r} is no value of a parameter")
    return value
