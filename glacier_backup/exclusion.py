"""What is left out below a section: patterns as git's ignore files have them (gitignore(5)), and regular expressions.

Both see paths relative to the section, with ``/`` between names and, of a directory, behind it. A directory that is
left out is left out with all below it, which is never asked about; so what is asked here is about one entry alone, all
directories above which are in.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

LeftOut = Callable[[str, bool], str | None]
"""What leaves out an entry, by its path and whether it is a directory (itself, not what a link leads to); None:
nothing does."""

_CLASS = re.compile(r"(?<!\\)\[[^\]]*\[[:.=]")
"""The beginning of a character class, a collating symbol or an equivalence class in a bracket expression."""

_BELOW = re.compile(r"/\*\*/\Z")
"""That is about the directories below one; pathspec takes it for that one, too."""


class Exclusion(NamedTuple):
    """The rules of one section, and where below it they are asked. Small, hashable and picklable."""

    patterns: tuple[str, ...] = ()
    regexes: tuple[str, ...] = ()
    below: str = ""
    """The path, relative to the section, of the directory that paths are relative to, with a slash behind it; of the
    section itself empty."""

    def __bool__(self) -> bool:
        return bool(self.patterns or self.regexes)

    def inside(self, path: str) -> Exclusion:
        """The same rules, to be asked about what is in the directory at ``path``."""
        return self._replace(below=f"{self.below}{path}/") if self else self

    def asked_for(self, path: str) -> Exclusion:
        """Likewise, for a directory that was asked for by name; none where it is left out itself, or lies in what is:
        then all of it is meant."""
        left_out = self.compiled()
        if left_out is None:
            return self
        names = path.split("/")
        above = ("/".join(names[: count + 1]) for count in range(len(names)))
        return Exclusion() if any(left_out(one, True) for one in above) else self.inside(path)

    def compiled(self) -> LeftOut | None:
        """The rules as they are asked; None where there are none."""
        if not self:
            return None
        rules, below = _compiled(self.patterns, self.regexes), self.below
        return (lambda path, is_dir: rules(below + path, is_dir)) if below else rules


NOTHING = Exclusion()


class Below:
    """Where a walk stands, and what is left out there. The path is kept once: a deep tree has long ones."""

    def __init__(self, left_out: LeftOut) -> None:
        self._left_out = left_out
        self._path = ""
        self._lengths = [0]

    def enter(self, name: str) -> None:
        """Step into a directory of the present one."""
        self._lengths.append(len(self._path))
        self._path += f"{name}/"

    def leave(self) -> None:
        """Step back, in the end out of all."""
        self._path = self._path[: self._lengths.pop()]

    def leaves_out(self, name: str, is_dir: bool) -> bool:
        """Whether what bears this name in the present directory is left out."""
        return self._left_out(self._path + name, is_dir) is not None

    def path_of(self, name: str) -> str:
        """Of what bears this name in the present directory."""
        return self._path + name


def check_pattern(pattern: str) -> None:
    """Raises ValueError, which says why, for what can't be a pattern."""
    if _CLASS.search(pattern):
        raise ValueError(f"{pattern!r} has a class such as [:alpha:] in it, which isn't known here")
    with _quietly():
        try:
            ((_, regex),) = _patterns((pattern,))
        except (ValueError, re.error):
            raise ValueError(f"{pattern!r} is no pattern of gitignore") from None
        if regex is None:
            raise ValueError(f"{pattern!r} leaves nothing out: it is no pattern of gitignore")


def check_regex(regex: str) -> None:
    """Raises ValueError, which says why, for what is no regular expression."""
    try:
        with _quietly():
            _regex(regex)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{regex!r} is no regular expression: {error}") from None


def leaves_out_everything(regex: str) -> bool:
    """Whether it is found wherever it is searched."""
    return _regex(regex).search("") is not None


@lru_cache(maxsize=1024)
def _compiled(patterns: tuple[str, ...], regexes: tuple[str, ...]) -> LeftOut:
    last_first = [(text, *one) for text, one in zip(patterns, _patterns(patterns), strict=True)][::-1]
    found = [(text, _regex(text)) for text in regexes]

    def rules(path: str, is_dir: bool) -> str | None:
        # In these a dot matches no line break, and $ the place before one.
        plain = path.replace("\n", "\r") if "\n" in path else path
        slashed = f"{plain}/" if is_dir else plain
        for text, leaves_out, pattern in last_first:
            if pattern is not None and _is_about(pattern, plain, slashed):
                if leaves_out:
                    return text
                break
        slashed = f"{path}/" if is_dir else path
        return next((text for text, regex in found if regex.search(slashed)), None)

    return rules


def _is_about(pattern: re.Pattern[str], plain: str, slashed: str) -> bool:
    """Whether it matches the entry itself. What pathspec makes of a pattern matches what lies below, too; then it ends
    with the slash behind the directory, which is its only group. Without one it is about all below something."""
    if not pattern.groups:
        return pattern.search(plain) is not None
    match = pattern.search(slashed)
    if match is None:
        return False
    # */ is about any directory, and is found with the first.
    return match.end() == len(slashed) or pattern.search(slashed, len(slashed) - 1) is not None


def _patterns(patterns: Sequence[str]) -> list[tuple[bool, re.Pattern[str] | None]]:
    """Of each whether it leaves out, or puts in again; without an expression it does neither."""
    from pathspec import GitIgnoreSpec

    # Other backends would understand some patterns otherwise, where they are installed.
    spec = GitIgnoreSpec.from_lines([_BELOW.sub("/**/*/", one) for one in patterns], backend="simple")
    return [(bool(one.include), one.regex) for one in spec.patterns]


@lru_cache(maxsize=256)
def _regex(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _quietly() -> warnings.catch_warnings[None]:
    """Without Python's thoughts about what an expression may mean one day; when it is compiled again there are none.

    Not for several threads at a time.
    """
    return warnings.catch_warnings(action="ignore", category=FutureWarning)
