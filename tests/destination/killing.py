"""A process that dies before any of its calls that change something."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from glacier_backup.destination.directories import durable

_CALLS = ("open", "link", "unlink", "replace", "fsync", "pwrite", "ftruncate", "utime", "mkdir")


class Killed(BaseException):
    """Like SIGKILL, it lets nothing be cleaned up."""


def killer(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Ends the process, as it were, before the nth of its calls that change something; None lets it live."""
    left: int | None = None

    def guarded(name: str) -> None:
        real: Callable[..., object] = getattr(os, name)

        def call(*arguments: object, **options: object) -> object:
            nonlocal left
            if left is not None:
                left -= 1
                if left < 0:
                    raise Killed
            return real(*arguments, **options)

        monkeypatch.setattr(durable.os, name, call)  # type: ignore[attr-defined]  # it is os itself

    for name in _CALLS:
        guarded(name)

    def at(nth: int | None) -> None:
        nonlocal left
        left = nth

    return at
