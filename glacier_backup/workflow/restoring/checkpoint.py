"""What a later process needs to go on with a thing that is half back, as two kinds of small files.

What a killed process wrote is there for the next one, on the disk or not; after the machine itself went down only what
was flushed is. So both kinds say in which run of the machine (Linux's ``boot_id``) they were written.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TypeVar

VERSION = 1

T = TypeVar("T", bound="Checkpoint | Done")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far unpacking is."""

    identity: str
    """Which bytes these are: another archive, or another version of it, begins anew."""
    boot: str
    range: int
    """Which of the item's ranges, from 0."""
    line: str
    """As the unpacker says it."""
    members: int
    """How many were compared with the catalog's."""

    def written(self) -> str:
        return _written(self)

    @staticmethod
    def read(text: str) -> Checkpoint | None:
        """None for what is none, or of another version."""
        return _read(Checkpoint, text)


@dataclass(frozen=True, slots=True)
class Done:
    """All of it is there and has proved right; what is left is to give it its name."""

    boot: str
    root: str
    """What gets the name, relative to the folder of the item."""
    inode: int
    """Of that."""
    mode: int
    """Permission bits of that."""
    left_out: list[str]
    """What could not be given back as it was."""
    flushed: bool = False
    """Whether all of it is on the disk, so that it holds after the machine went down too."""

    def written(self) -> str:
        return _written(self)

    @staticmethod
    def read(text: str) -> Done | None:
        return _read(Done, text)


def boot_id() -> str:
    """Which run of the machine this is (random(4)); empty where the system doesn't tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def _written(value: Checkpoint | Done) -> str:
    return json.dumps({"version": VERSION, **asdict(value)}) + "\n"


def _read(kind: type[T], text: str) -> T | None:
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or found.pop("version", None) != VERSION:
            return None
        return kind(**found)
    except (ValueError, TypeError):
        return None
