"""Asking commands for keys: the filters ``name``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from glacier_backup.answering import Answer, answer
from glacier_backup.plan.filters import Ask, Refused
from glacier_backup.process import environment

LONGEST = 64 * 1024
"""Bytes of what a command says for a key; none has as many."""

_TOLD = 300
"""Bytes of what it complains of."""


def asking(check: Callable[[], object]) -> Ask:
    """Runs a command with the key as its standard input, without a line break, and as ``KEY`` in its environment; what
    it prints is the new key, a line break at its end left out.

    Safe to use from several threads. Raises what ``check`` does, and has ended the command then.
    """
    ours = environment()

    def ask(command: Sequence[str], key: str) -> str | Refused:
        try:
            said = answer(
                command[0], command, os.fsencode(key), cwd="/", env=ours | {"KEY": key}, most=LONGEST, check=check
            )
        except OSError as error:
            return Refused(f"can't be started: {error.strerror}")
        except ValueError as error:
            return Refused(f"makes no key: {error}")
        return os.fsdecode(said.output.removesuffix(b"\n")) if said.status == 0 else Refused(_why(said))

    return ask


def _why(said: Answer) -> str:
    how = f"ended with status {said.status}" if said.status > 0 else f"was ended by signal {-said.status}"
    complaint = " ".join(said.complaint[-_TOLD:].decode(errors="replace").split())
    return f"{how}: {complaint}" if complaint else how
