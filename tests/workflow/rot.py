"""A destination whose disks rot: some of what it hands out isn't what it was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from glacier_backup.destination.destination import Check, Destination
from glacier_backup.model.thaw import Thaw


@dataclass
class Rotten:
    """Everything goes to the real one; of ``spoiled`` volumes some bytes come otherwise, until they are deleted."""

    really: Destination
    spoiled: dict[str, tuple[int, int]]
    """By the locator: which bytes, from and up to where."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.really, name)

    def fetch(self, thaw: Thaw, start: int, buffer: memoryview, check: Check) -> int:
        count = self.really.fetch(thaw, start, buffer, check)
        first, last = self.spoiled.get(thaw.locator or "", (0, 0))
        for at in range(max(first, start), min(last, start + count)):
            buffer[at - start] ^= 0xFF
        return count

    def delete(self, locator: str, check: Check) -> None:
        self.really.delete(locator, check)
        self.spoiled.pop(locator, None)
