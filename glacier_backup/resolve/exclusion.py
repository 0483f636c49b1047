"""The beginnings of names and paths that the option ``exclude`` leaves out."""

from __future__ import annotations

from collections.abc import Sequence


def excluded_by(name: str, path: str, exclude: Sequence[str]) -> str | None:
    """The first prefix that the name, or for one with a leading slash the path, begins with.

    A slash is added behind what is compared: ``tmp/`` leaves out ``tmp`` and keeps ``tmp2``.
    """
    for prefix in exclude:
        compared = path if prefix.startswith("/") else name
        if prefix and f"{compared}/".startswith(prefix):
            return prefix
    return None
