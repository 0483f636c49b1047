"""Where the members of a group were. Without SQLAlchemy."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from glacier_backup.model.candidate import CHANGED_BACK
from glacier_backup.model.naming import section_of, stored_name
from glacier_backup.model.recipe import group_depth, parse_recipe

_NO_NAME = re.compile(r"/\.{0,2}(?:/|\Z)")
"""In a path: a component that is none."""


class Frame(NamedTuple):
    """What tells where the members of a group were."""

    base: str
    """Where that lay whose name they begin with."""
    top: str
    """What they begin with in its place; may be empty."""

    def path_of(self, member: str, source: str | None = None) -> str | None:
        """Absolute; ``source`` is its name below :attr:`base` where the archive has another. None for what was nowhere
        below that: anybody may have made another system's archive."""
        below = self._below(member) if source is None else f"/{source}"
        if below is None or _NO_NAME.search(below) is not None:
            return None
        return self.base.rstrip("/") + below

    def name_of(self, member: str, source: str | None = None) -> str | None:
        """The same below :attr:`base`, without a slash in front."""
        path = self.path_of(member, source)
        return None if path is None else path[len(self.base.rstrip("/")) + 1 :]

    def _below(self, member: str) -> str | None:
        if not self.top:
            return f"/{member}"
        return member[len(self.top) :] if member.startswith(f"{self.top}/") else None


def is_told(digest: str | None) -> bool:
    """Whether a group with that fingerprint tells what was read of each file."""
    return digest is None or not digest.endswith(CHANGED_BACK)


def frame_of(path: str, recipe: str | None) -> Frame:
    """That of a group, as :attr:`StoredArchive.base` and :attr:`StoredArchive.top` have it."""
    told, depth = _packing(recipe)
    base = section_of(path, depth)
    return Frame(base, stored_name(base) if told is None else told)


@lru_cache(maxsize=64)
def _packing(recipe: str | None) -> tuple[str | None, int]:
    """What the step of packing says: the top, None where it says nothing, and the depth."""
    try:
        made = parse_recipe(recipe) if recipe is not None else None
    except (ValueError, KeyError, TypeError):
        return None, 1
    top = made.steps[0].parameters.get("top") if made is not None and made.steps else None
    return top if isinstance(top, str) else None, group_depth(made)
