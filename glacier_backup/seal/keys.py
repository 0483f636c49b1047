"""What opens archives. Nothing here is shown: not by ``repr``, nor in a message or a traceback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Secret = Callable[[], str]
"""A password, fetched when it is needed: read from its file, asked of its command, or typed. Raises KeyNeeded."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What there is to open with; each is read at its first use."""

    identity_files: tuple[str, ...] = ()
    """Absolute paths of files with age identities or ssh private keys; an age file may be encrypted with a password."""
    password: Secret | None = field(default=None, repr=False)
    """Of the archives, and of what protects an identity file."""
    gnupg_home: str | None = None
    """The folder of gpg's keys; None: gpg's own choice."""
    undo: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    """Commands that undo those that an archive has gone through, each with its arguments, in the order of those."""


NO_KEYS = Keys()
