"""Files of whole trees that got another time and nothing else: the catalog learns it, and no later run reads them."""

from __future__ import annotations

from glacier_backup.model.plan import Skip
from glacier_backup.model.reason import Touched
from glacier_backup.workflow.sending.desk import Sending

TOGETHER = 1000
"""Noted in one transaction. Of what isn't noted when a run dies the next one reads the content again."""


class Touches:
    """Those of one destination's decisions, noted some at a time. Only for one thread."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._looks: list[tuple[int, str, str]] = []
        """Archive, path and look of each, to be noted."""

    def add(self, skip: Skip) -> None:
        """If it is about such a file. Raises CatalogError."""
        if isinstance(skip.reason, Touched):
            self._looks.append((skip.reason.archive, skip.path, skip.reason.digest))
            if len(self._looks) >= TOGETHER:
                self.note()

    def note(self) -> None:
        """All that are left. Raises CatalogError."""
        looks, self._looks = self._looks, []
        if looks:
            self._sending.catalog.touched(self._sending.place_id, looks)
