"""pyArchiver's ``exclude`` as our ``exclude_regex``."""

from __future__ import annotations

import re

_LOOKS_AHEAD = re.compile(r"\$|\\[ZbB]|\(\?[=!>]|[*+?}]\+")
"""What may be found in the path of a directory, and not in those of the files below."""
_FLAGS = re.compile(r"(?:\(\?[a-zA-Z]+\))*")
_OF_FILES = r"(?![\s\S]*/\Z)(?<!/\Z)"
"""Is found nowhere in a path with a slash at its end, not even behind that."""


def as_exclude_regex(exclude: str) -> tuple[str, str]:
    """What leaves out the same files; and what is to be said of it, if anything.

    pyArchiver searches in paths of files alone. Ours is searched in those of directories too, with a slash at their
    end; what is found there is found in the paths of all files below as well, unless it looks at what follows.
    """
    if not _LOOKS_AHEAD.search(exclude):
        return exclude, ""
    flags = match[0] if (match := _FLAGS.match(exclude)) else ""
    if "x" in flags and "#" in exclude:
        return exclude, "exclude leaves out whole directories, too, in whose paths it is found, with a slash behind"
    return f"{flags}{_OF_FILES}(?:{exclude[len(flags) :]})", ""
