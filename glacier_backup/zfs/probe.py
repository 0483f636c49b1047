"""What this ``zfs`` can do, read from its own usage texts: there are many versions, and some have no number."""

from __future__ import annotations

import re
from typing import NamedTuple

from glacier_backup.zfs.command import Command
from glacier_backup.zfs.complaints import of_source

_SEND = re.compile(r"^\s*send \[-(\w+)\]", re.MULTILINE)
_RECEIVE = re.compile(r"^\s*receive(?:\|recv)? \[-(\w+)\]", re.MULTILINE)
_TYPES = re.compile(r"\[-t type", re.MULTILINE)
_PROPERTY = re.compile(r"^\t([a-z_]+)(?:@\S*)?\s+(?:YES|NO)\s", re.MULTILINE)
"""A line of the list of properties, as ``zfs get`` prints it when it is asked for none."""


class Abilities(NamedTuple):
    """The options and properties that there are."""

    send: frozenset[str]
    """Letters of options of ``zfs send``; ``-i`` and ``-I`` there always are."""
    receive: frozenset[str]
    """Letters of options of ``zfs receive``."""
    properties: frozenset[str]
    """Properties that ``zfs get`` knows."""
    by_type: bool
    """Whether ``zfs get`` has ``-t``."""

    @property
    def estimates(self) -> bool:
        """Whether ``zfs send`` says in advance how long the stream will be."""
        return self.send >= frozenset("nPv")

    @property
    def resumes(self) -> bool:
        """Whether what is half received can stay, and be gone on with."""
        return "s" in self.receive


def abilities(command: Command) -> Abilities:
    """Ask for them: three processes. Raises SourceUnavailable where there is no ZFS at all."""
    send, receive, get = (_usage(command, verb) for verb in ("send", "receive", "get"))
    return Abilities(
        send=_letters(_SEND, send),
        receive=_letters(_RECEIVE, receive),
        properties=frozenset(_PROPERTY.findall(get)),
        by_type=_TYPES.search(get) is not None,
    )


def _letters(pattern: re.Pattern[str], usage: str) -> frozenset[str]:
    """Of the first line: it is the one for snapshots and for whole streams."""
    match = pattern.search(usage)
    return frozenset(match[1]) if match is not None else frozenset()


def _usage(command: Command, verb: str) -> str:
    """What is printed where arguments are lacking, which changes nothing: exit status 2 (zfs(8), "EXIT STATUS")."""
    ended = command.run(verb)
    if "usage:" not in ended.said:
        raise of_source("", verb, ended.status, ended.said).as_error()
    return ended.said
