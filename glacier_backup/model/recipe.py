"""The ordered steps that made an archive's stored form, with their public parameters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

Scalar = str | int | bool


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
