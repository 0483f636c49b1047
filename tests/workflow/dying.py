"""A process that dies at a step of its work."""

from __future__ import annotations

import sys

import pytest


class Killed(BaseException):
    """Nobody catches it."""


def dying(monkeypatch: pytest.MonkeyPatch, point: str, *, after: bool, nth: int) -> None:
    """From now on the process dies before or after the nth call of ``point``."""
    owner, _, name = point.rpartition(".")
    module, _, kind = owner.rpartition(".")
    holder = getattr(sys.modules[module], kind) if kind.lstrip("_")[0].isupper() else sys.modules[owner]
    really = getattr(holder, name)
    calls = 0

    def call(*given: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls == nth and not after:
            raise Killed
        result = really(*given, **named)
        if calls == nth:
            raise Killed
        return result

    monkeypatch.setattr(holder, name, call)
