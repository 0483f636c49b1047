"""A registry whose values are made when they are needed."""

from __future__ import annotations

import pytest

from glacier_backup.on_use import MadeOnUse


def test_a_value_is_made_when_it_is_asked_for_and_once() -> None:
    made: list[str] = []

    def make(name: str) -> list[str]:
        made.append(name)
        return [name]

    registry = MadeOnUse({"raw": lambda: make("raw"), "tar": lambda: make("tar")})
    assert (sorted(registry), len(registry), "tar" in {*registry}, made) == (["raw", "tar"], 2, True, [])

    assert registry["tar"] is registry["tar"]
    assert made == ["tar"]
    assert dict(registry) == {"raw": ["raw"], "tar": ["tar"]}


def test_what_is_not_in_it_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        MadeOnUse[str, int]({})["zip"]
