"""Keeping a vault in a local directory out of the archives that are stored in it.

Packed into itself it would double with every run, and its own archives would be packed while they are written.
"""

from __future__ import annotations

import os

from glacier_backup.model.candidate import Candidate, PassedOver
from glacier_backup.model.reason import HoldsItsDestination, LiesInItsDestination


class Apart:
    """Tells which candidates of one section hold ``vault``, or lie in it, by their real paths.

    The vault need not exist. One question of the disk for each candidate.
    """

    def __init__(self, section: str, vault: str) -> None:
        self._section = section
        self._real_section = os.path.realpath(section)
        self._vault = vault
        self._real_vault = os.path.realpath(vault)

    def check(self, candidate: Candidate) -> Candidate | PassedOver:
        """The candidate, when it is one."""
        real = self._real(candidate.path)
        if _covers(real, self._real_vault):
            return PassedOver(candidate.path, candidate.section, HoldsItsDestination(self._vault))
        if _covers(self._real_vault, real):
            return PassedOver(candidate.path, candidate.section, LiesInItsDestination(self._vault))
        return candidate

    def _real(self, path: str) -> str:
        if path == self._section:
            return self._real_section
        if os.path.islink(path):
            return os.path.realpath(path)
        return os.path.join(self._real_section, os.path.basename(path))


def _covers(above: str, path: str) -> bool:
    return path == above or path.startswith(f"{above.rstrip('/')}/")
