"""Keeping vaults in local directories out of the archives that are stored in them.

Packed into itself it would double with every run, and its own archives would be packed while they are written.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property

from glacier_backup.model.candidate import Candidate, PassedOver
from glacier_backup.model.reason import HoldsItsDestination, LiesInItsDestination


class Apart:
    """Tells which candidates of one section hold one of ``vaults``, or lie in it, by their real paths.

    The vaults need not exist. At most one question of the disk for each candidate that is no link.
    """

    def __init__(self, section: str, vaults: Sequence[str]) -> None:
        self._section = section
        self._vaults = [(vault, os.path.realpath(vault)) for vault in vaults]

    @cached_property
    def _real_section(self) -> str:
        return os.path.realpath(self._section)

    def check(self, candidate: Candidate, *, was_link: bool | None = None) -> Candidate | PassedOver:
        """The candidate, when it is one. ``was_link``: whether what has its path was listed as a link; None: it wasn't
        listed, and the disk is asked."""
        if not self._vaults:
            return candidate
        real = _beside(candidate.path) if candidate.kind == "link" else self._real(candidate.path, was_link)
        for vault, real_vault in self._vaults:
            if covers(real, real_vault):
                return PassedOver(candidate.path, candidate.section, HoldsItsDestination(vault))
            if covers(real_vault, real):
                return PassedOver(candidate.path, candidate.section, LiesInItsDestination(vault))
        return candidate

    def inside(self, tree: str) -> PassedOver | None:
        """The section of a whole tree that is a vault, or lies in one; None for any other. It may hold the vault."""
        for vault, real_vault in self._vaults:
            if covers(real_vault, self._real_section):
                reason = HoldsItsDestination if self._real_section == real_vault else LiesInItsDestination
                return PassedOver(tree, tree, reason(vault))
        return None

    def _real(self, path: str, was_link: bool | None) -> str:
        if path == self._section:
            return self._real_section
        if os.path.islink(path) if was_link is None else was_link:
            return os.path.realpath(path)
        return os.path.join(self._real_section, os.path.basename(path))


def _beside(link: str) -> str:
    """The real path of a link itself."""
    folder, name = os.path.split(link)
    return os.path.join(os.path.realpath(folder), name)


def covers(above: str, path: str) -> bool:
    """Whether ``path`` is ``above`` or lies below it; both are real paths."""
    return path == above or path.startswith(f"{above.rstrip('/')}/")
