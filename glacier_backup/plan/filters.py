"""What the filters of a section make of the name of a file of a whole tree: its key.

They run in their order, each on what the one before has made. What stands in front of ``group`` works on the keys of
all files, what stands behind it on those of groups and of files that are stored by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from glacier_backup.model.filters import Filter
from glacier_backup.model.reason import FilteredOut, FilterFailed

NAMING = ("key_sub", "name")
"""The filters that make another key."""

Ask = Callable[[Sequence[str], str], "str | Refused"]
"""A command, and a key → what the command makes of it; empty to leave the file out."""


class Refused(NamedTuple):
    """A command made nothing of a key."""

    cause: str
    """In words that follow its name: ``ended with status 1``."""


class Halves(NamedTuple):
    """Filters by what they work on."""

    before: tuple[Filter, ...]
    """On the keys of all files."""
    behind: tuple[Filter, ...]
    """On those of groups, and of files by themselves."""

    @property
    def rename(self) -> bool:
        """Whether any key becomes another."""
        return any(one.kind in NAMING for one in (*self.before, *self.behind))

    @property
    def rename_behind(self) -> bool:
        """Whether any of those behind the grouping does that."""
        return any(one.kind in NAMING for one in self.behind)

    @property
    def ask(self) -> bool:
        """Whether commands are asked for keys."""
        return any(one.kind == "name" for one in (*self.before, *self.behind))


def halves(filters: Sequence[Filter]) -> Halves:
    """``filters``, of which one at most groups; where none does, but an option, that comes behind all."""
    at = next((number for number, one in enumerate(filters) if one.kind == "group"), len(filters))
    return Halves(tuple(filters[:at]), tuple(filters[at + 1 :]))


class Key(NamedTuple):
    """What has become of a name."""

    key: str
    at_data: tuple[str, ...] = ()
    """What each command that works on bytes sees of it; empty where that is the key."""


def filtered(filters: Iterable[Filter], key: str, ask: Ask) -> Key | FilteredOut | FilterFailed:
    """What ``filters`` make of ``key``, with ``ask`` for what their commands say; or why nothing is stored under it.

    A key that can't be one may become one again on its way; if it doesn't, the filter is told that made it so.
    """
    at_data: list[str] = []
    spoilt: Filter | None = None
    for one in filters:
        if one.kind == "data":
            at_data.append(key)
            continue
        made = _made(one, key, ask)
        if isinstance(made, Refused):
            return FilterFailed(str(one), made.cause)
        if not made:
            return FilteredOut(str(one))
        key = made
        spoilt = (spoilt or one) if what_is_wrong(key) else None
    if spoilt is not None:
        return FilterFailed(str(spoilt), f"makes {key!r} of it, which is no key: {what_is_wrong(key)}")
    return Key(key, () if all(one == key for one in at_data) else tuple(at_data))


def _made(one: Filter, key: str, ask: Ask) -> str | Refused:
    match one.kind:
        case "key_sub":
            return expression(one.pattern).sub(one.replacement, key, count=1)
        case "name":
            return ask(one.command, key)
        case _:
            return key


@lru_cache(maxsize=256)
def expression(pattern: str) -> re.Pattern[str]:
    """Raises re.error for what is none."""
    return re.compile(pattern)


def what_is_wrong(key: str) -> str:
    """Why nothing can be stored under ``key``, below a section; empty where it can be."""
    if key.startswith("/"):
        return "it begins with a slash"
    if "\0" in key:
        return "it has a NUL in it"
    names = key.split("/")
    if "" in names:
        return "a name in it is empty"
    if "." in names or ".." in names:
        return "it has . or .. in it"
    return ""
