"""The flat command line of old, ``glacier-backup -d -c FILE -p PATH …``, as the verb it means."""

from __future__ import annotations

from collections.abc import Sequence

_OWN = {"-h", "--help", "--version"}
"""Options of the program itself, with no verb."""


def with_verb(argv: Sequence[str]) -> list[str]:
    """``argv`` beginning with a verb: one that is empty or begins with an option means ``backup``."""
    if argv and (not argv[0].startswith("-") or argv[0] in _OWN):
        return list(argv)
    return ["backup", *argv]
