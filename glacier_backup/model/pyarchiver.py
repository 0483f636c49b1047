"""pyArchiver's tars: ``ARCHIVE_<name>_<YYYYMMDD-HHMMSS>_<6 digits>.tar.gz``, and ``.aes`` behind it if encrypted.

The time is that of its run, in the zone of its machine; the digits count the tars of a run, from 0. What comes later by
name is unpacked over what comes before, whenever it was made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from glacier_backup.model.recipe import Recipe, Step

ORIGIN = "pyArchiver"
"""What archives are said to have been taken over from."""

ENCRYPTED = Step("pyarchiver")
"""See :mod:`glacier_backup.seal.pyarchiver`."""

_NAME = re.compile(r"ARCHIVE_(.*)_([0-9]{8}-[0-9]{6})_([0-9]{6,})\.tar\.gz(\.aes)?", re.DOTALL)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class TarName(NamedTuple):
    """What the name of a tar tells."""

    archive: str
    """The ``name`` that pyArchiver was told; may be empty."""
    stamp: str
    number: str
    is_encrypted: bool

    @property
    def time(self) -> datetime | None:
        """In UTC, if it was made in the zone of this machine; None for a stamp that is no time."""
        try:
            return datetime.strptime(self.stamp, "%Y%m%d-%H%M%S").astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            return None

    def recipe(self, top: str) -> Recipe:
        """How it was made; ``top`` is what all names inside begin with, without slashes around it."""
        packed = (Step("tar", {"top": top}), Step("gzip"))
        return Recipe((*packed, ENCRYPTED) if self.is_encrypted else packed)


def parse_tar_name(name: str) -> TarName | None:
    """None for what isn't called so."""
    match = _NAME.fullmatch(name)
    return None if match is None else TarName(match[1], match[2], match[3], match[4] is not None)


class Dated(NamedTuple):
    """A tar, and when it was made."""

    name: str
    told: TarName
    time: datetime
    """In UTC. Never before that of the one before by name, for that one is older to pyArchiver whatever the clock
    said."""


def in_order(names: Iterable[str]) -> Iterator[Dated]:
    """The tars among ``names``, each once, in the order in which pyArchiver unpacks them."""
    last = _LONG_AGO
    for name in sorted({*names}):
        told = parse_tar_name(name)
        if told is not None:
            last = max(last, told.time or last)
            yield Dated(name, told, last)
