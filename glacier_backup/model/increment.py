"""Increments: archives of a directory that hold only what is new or has changed since another one.

A chain is a full archive and the increments behind it, each of which builds on the one before. Every one of them is a
plain tar, and its recipe says where in the chain it stands::

    {"step": "tar", "increment": 0, "rules": "1a2b3c4d"}
    {"step": "tar", "increment": 2, "full": "<time>", "previous": "<time>", "rules": "1a2b3c4d"}

The times are those of the archives' labels, as :func:`~glacier_backup.units.stamp` writes them. ``rules`` stands for
what is left out of the directory, and isn't there where nothing is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from glacier_backup.exclusion import Exclusion
from glacier_backup.model.archive import MemberType, ReadProblem
from glacier_backup.model.recipe import Recipe, Scalar, Step
from glacier_backup.units import parse_stamp, stamp

MOST = 99_999
"""Increments of one chain."""

CHAINED = frozenset({"tar", "zfs"})
"""Packing steps that may be about a chain."""

_DELETED = ".glacier-backup-deleted"
_RULES = re.compile(r"[0-9a-f]{8}")
_MARK = re.compile(r"\.inc([1-9][0-9]{0,4})(?=\.(?:tar|zfs))")
_COMPACT = re.compile(r"([0-9]{1,5})(?:-([0-9TZ.]{23})-([0-9TZ.]{23}))?(?:-([0-9a-f]{8}))?")


class Link(NamedTuple):
    """Where an archive stands in its chain."""

    number: int
    """0: it is the full one."""
    full: datetime | None = None
    """The time of the full one; None for that itself, and where only a key has told the number."""
    previous: datetime | None = None
    """The time of the one that it builds on; likewise: then it is the newest one before it."""
    rules: str = ""
    """Eight hex digits for what is left out; empty where nothing is."""

    @property
    def step(self) -> Step:
        """How to undo the packing: any tar does."""
        told: dict[str, Scalar] = {"increment": self.number}
        if self.full is not None and self.previous is not None:
            told |= {"full": stamp(self.full), "previous": stamp(self.previous)}
        return Step("tar", told | ({"rules": self.rules} if self.rules else {}))

    def __str__(self) -> str:
        """For a vault's description, in a few of ``A-Za-z0-9.-``; the inverse is :func:`parse_link`."""
        times = "" if self.full is None or self.previous is None else f"-{stamp(self.full)}-{stamp(self.previous)}"
        return f"{self.number}{times}" + (f"-{self.rules}" if self.rules else "")


def parse_link(text: str) -> Link:
    """The inverse of ``str()``. Raises ValueError for what it never makes."""
    match = _COMPACT.fullmatch(text)
    if match is None:
        raise ValueError("it is no place in a chain")
    number, full, previous, rules = match.groups()
    return _checked(int(number), full, previous, rules or "")


def link_of(recipe: Recipe | None) -> Link | None:
    """What a recipe says of it; None where it says nothing. Raises ValueError for what none of ours says."""
    packing = recipe.steps[0] if recipe is not None and recipe.steps else None
    if packing is None or packing.name not in CHAINED or "increment" not in packing.parameters:
        return None
    number, full, previous, rules = map(packing.parameters.get, ("increment", "full", "previous", "rules"))
    if type(number) is not int or not all(one is None or isinstance(one, str) for one in (full, previous, rules)):
        raise ValueError("its recipe says no place in a chain")
    return _checked(number, _text(full), _text(previous), _text(rules) or "")


def _text(value: Scalar | None) -> str | None:
    return value if isinstance(value, str) else None


def _checked(number: int, full: str | None, previous: str | None, rules: str) -> Link:
    if not 0 <= number <= MOST or (full is None) != (previous is None) or (full is not None and not number):
        raise ValueError("it is no place in a chain")
    if rules and not _RULES.fullmatch(rules):
        raise ValueError("its rules are none of ours")
    if full is None or previous is None:
        return Link(number, rules=rules)
    return Link(number, parse_stamp(full), parse_stamp(previous), rules)


def increment_mark(link: str) -> str:
    """What the key of an archive that stands there in its chain has in front of ``.tar`` or ``.zfs``: ``.inc3``."""
    number = parse_link(link).number if link else 0
    return f".inc{number}" if number else ""


def split_mark(behind: str) -> tuple[str, str]:
    """The inverse: the place in the chain, as far as the mark tells it, and ``behind`` without the mark."""
    match = _MARK.match(behind)
    return ("", behind) if match is None else (str(Link(int(match[1]))), behind[match.end() :])


def rules_of(exclusion: Exclusion) -> str:
    """What stands for the rules: equal rules have the same."""
    text = repr(tuple(exclusion)) if exclusion else ""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8] if text else ""


def deleted_list(top: str) -> str:
    """The name of the member that lists what was deleted, of a directory that is stored as ``top``: it lies beside
    that, where no file of the directory can."""
    return _DELETED if top != _DELETED else f"{_DELETED}-list"


class Seen(NamedTuple):
    """One entry of a directory, as a walk has found it. There may be millions."""

    name: bytes
    """Below the directory, with ``/`` between components; of the directory itself empty."""
    type: MemberType
    size: int
    """Bytes of content; 0 for anything but a regular file."""
    mtime_ns: int
    """Since 1970."""
    mode: int
    """Permission bits."""
    target: str | None = None
    """What a symlink points to."""
    unreadable: str = ""
    """Why nobody can tell what is in it, or what it is: then nothing at and below it counts as deleted."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What is in an increment."""

    names: Collection[bytes]
    """What is to be stored, as :class:`Seen` has it, each directory before what is in it; the directories above all
    that is new, changed or gone are among them."""
    deleted: Collection[bytes]
    """What isn't there any more, with all below it; likewise."""
    new: int = 0
    """How many of the names are new; of directories too."""
    changed: int = 0
    """How many aren't what they were. Directories whose time alone has changed don't count."""
    bytes: int = 0
    """Of the contents that are sent."""
    unreadable: tuple[ReadProblem, ...] = ()
    """What nobody could look into, as far as that is told one by one."""

    @property
    def entries(self) -> int:
        """How many members there will be, the list of what was deleted included."""
        return len(self.names) + 1


@dataclass(frozen=True, slots=True)
class Linked:
    """One archive of a chain that is to be made."""

    link: Link
    why: str = ""
    """Why it is a full one though there is one already."""
    delta: Delta | None = None
    """What it holds of a directory; None for a full one."""
