"""Command lines of other programs, found in a crontab, a script, or a file that has nothing else."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

LARGEST = 1 << 20
"""Bytes of such a file."""

_OPERATOR = re.compile(r"[<>|&;()]+")
_WHEN = re.compile(r"\s*((?:@\w+|(?:[\d*/,\-A-Za-z]+\s+){4}[\d*/,\-A-Za-z]+))\s+(.*)", re.DOTALL)
_DEEPEST = 3
"""Shells inside each other."""


class Command(NamedTuple):
    """One simple command of a line (POSIX, "Shell Command Language", 2.9.1)."""

    line: int
    words: tuple[str, ...]
    """Without what is redirected."""
    when: str
    """As crontab(5) has it; empty where nothing says when."""
    folder: str
    """What ``cd`` in front of it says; empty without."""


def mentions(file: str, mentioned: re.Pattern[str]) -> bool:
    """Whether a line of the file that is no comment has ``mentioned`` in it; not where it can't be read, or is no
    text."""
    try:
        with open(file, "rb") as opened:
            start = opened.read(LARGEST)
    except OSError:
        return False
    lines = start.decode("utf-8", "surrogateescape").splitlines()
    return b"\0" not in start and any(mentioned.search(line) for line in lines if not line.lstrip().startswith("#"))


def commands(text: str, mentioned: re.Pattern[str]) -> Iterator[Command]:
    """All simple commands in ``text``; of a line behind the fields of a crontab, where ``mentioned`` is in that. What a
    shell is given with ``-c``, and has that in it, is looked into."""
    for number, line in _logical(text):
        when, command = "", line
        if (cron := _WHEN.fullmatch(line)) is not None and mentioned.search(cron[2]):
            when, command = cron[1], cron[2].replace(r"\%", "%")
        for words, folder in _simple(command, mentioned):
            yield Command(number, tuple(words), when, folder)


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Lines, each with those that a backslash at its end joins to it, and the number of its first."""
    begun, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        begun = begun or number
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        if not (held + line).lstrip().startswith("#"):
            yield begun, held + line
        begun, held = 0, ""
    if held:
        yield begun, held


def _simple(
    command: str, mentioned: re.Pattern[str], folder: str = "", depth: int = 0
) -> Iterator[tuple[list[str], str]]:
    """The words of each command in it, without what is redirected; and where ``cd`` went before."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    skips = False
    try:
        tokens = [*lexer, ";"]
    except ValueError:
        return
    for token in tokens:
        if not _OPERATOR.fullmatch(token):
            words += [] if skips else [token]
            skips = False
        elif token[0] in "<>":
            skips = True
            words = words[:-1] if words and words[-1] in ("1", "2") else words
        else:
            if words[:1] == ["cd"] and len(words) == 2:
                folder = words[1]
            yield words, folder
            if (inner := _of_shell(words)) and mentioned.search(inner) and depth < _DEEPEST:
                yield from _simple(inner, mentioned, folder, depth + 1)
            words, skips = [], False


def _of_shell(words: list[str]) -> str:
    """What a shell is told to run (``bash -lc '…'``); empty where none is."""
    return next((words[at + 1] for at, word in enumerate(words[:-1]) if re.fullmatch(r"-[a-z]*c", word)), "")


def expanded(path: str, environ: Mapping[str, str]) -> str:
    """As far as a shell does that to a path."""
    home = home_of(environ)
    path = re.sub(r"\$HOME\b|\$\{HOME\}", lambda match: home, path)
    return home + path[1:] if path == "~" or path.startswith("~/") else path


def home_of(environ: Mapping[str, str]) -> str:
    """Where cron starts commands."""
    return environ.get("HOME") or os.path.expanduser("~")
