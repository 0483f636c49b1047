"""What a person should know of a server or store, each thing said once."""

from __future__ import annotations

import threading
from collections.abc import Callable

Note = Callable[[str], object]
"""Told, once, what a person should know."""

Waiting = Callable[[str, float], object]
"""Told why nothing moves, which names the place, and the seconds until a request is made again."""


class Remarks:
    """Says things of one place, if they weren't said before. Safe to use from several threads."""

    def __init__(self, where: str, note: Note | None) -> None:
        self._where = where
        self._note = note
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, text: str) -> None:
        with self._lock:
            if text in self._said:
                return
            self._said.add(text)
        if self._note is not None:
            self._note(f"{self._where}: {text}")
