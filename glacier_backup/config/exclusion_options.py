"""The options that leave something out by patterns and regular expressions, of every kind of section."""

from __future__ import annotations

from collections.abc import Callable

from glacier_backup.config import values
from glacier_backup.config.option import Home, Option
from glacier_backup.exclusion import check_pattern, check_regex

_HOMES: tuple[Home, ...] = ("path", "server")

_EVERYWHERE = (
    "It is for all that lies below the section, however it is sent: what a directory that is one archive holds, too. "
    "A change in what is left out is no change."
)


def patterns(text: str) -> tuple[str, ...]:
    """One a line; empty lines don't count."""
    return _each(check_pattern, text)


def regexes(text: str) -> tuple[str, ...]:
    """One a line; empty lines don't count."""
    return _each(check_regex, text)


def _each(check: Callable[[str], None], text: str) -> tuple[str, ...]:
    found = values.prefixes(text)
    for one in found:
        check(one)
    return found


EXCLUSION_OPTIONS: tuple[Option, ...] = (
    Option(
        "exclude_patterns",
        _HOMES,
        "patterns as in a .gitignore file, one a line",
        patterns,
        "",
        "Leave out, at any depth, what these patterns match, as in .gitignore.",
        "node_modules/",
        default_says="nothing",
        details="One or several, one a line. `*.tmp` leaves out files and directories of such names at any depth, "
        "`cache/` directories only, `/build` and `doc/build` what lies just there, seen from the section; `**` stands "
        "for any number of directories, and a line that begins with `!` puts in again what one above it has left out, "
        "but for what lies in a directory that is left out. Write `\\#` and `\\!` where a name begins with one. "
        + _EVERYWHERE,
        may_be_empty=True,
        items=values.lines,
    ),
    Option(
        "exclude_regex",
        _HOMES,
        "regular expressions of Python, one a line",
        regexes,
        "",
        "Leave out, at any depth, the paths in which one of these is found.",
        r"(^|/)\.cache/",
        default_says="nothing",
        details="One or several of Python's regular expressions (`re`), one a line. Each is searched in the path seen "
        "from the section, such as `2026/a.jpg`; that of a directory has a slash at its end (`2026/`), and where one "
        "is found in it the directory is left out with all below it. " + _EVERYWHERE,
        may_be_empty=True,
        items=values.lines,
    ),
)
