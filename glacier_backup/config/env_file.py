"""A file of ``KEY=value`` lines → variables.

The subset of what shells and their imitations take that means the same to nearly all of them. Blank lines, lines that
begin with ``#``, ``export`` before the key, blanks around the ``=``, and `` #`` behind a value, which begins a comment.
A value may stand in single quotes, where nothing is special, or in double ones, where ``\\n``, ``\\t``, ``\\"``,
``\\$`` and ``\\\\`` are. It is one line. Other variables are not filled in: a value with ``${`` that
isn't in single quotes is a problem, for others would fill it in.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from typing import NamedTuple

from glacier_backup.config.given import Given
from glacier_backup.errors import Problem

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)", re.DOTALL)
_SINGLE = re.compile(r"'([^']*)'\s*(?:#.*)?")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_BARE = re.compile(r"(.*?)(?:\s+#.*)?")
_ESCAPE = re.compile(r"\\(.)")
_MEANINGS = {"n": "\n", "t": "\t", '"': '"', "$": "$", "\\": "\\"}


class EnvFile(NamedTuple):
    """What one such file says. No message holds a value."""

    variables: dict[str, str]
    problems: tuple[Problem, ...] = ()
    readable_by_others: bool = False


class Unreadable(Exception):
    """It can't be read; ``str()`` says what was found and what is expected."""


def read_env_file(path: str) -> EnvFile:
    """The file at ``path``: UTF-8 with or without a byte order mark; other bytes become lone surrogates.

    Of a key that is there twice the last counts. Raises Unreadable.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise Unreadable(f"found {path!r}, which is no regular file; expected a file of KEY=value lines")
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
            variables, problems = _parse(file.read(), path)
    except FileNotFoundError:
        raise Unreadable(f"found no file {path!r}; expected a file of KEY=value lines") from None
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise Unreadable(f"found {path!r}, which can't be read: {cause}; expected one that can") from None
    return EnvFile(variables, tuple(problems), bool(mode & (stat.S_IRGRP | stat.S_IROTH)))


def _parse(text: str, path: str) -> tuple[dict[str, str], list[Problem]]:
    variables: dict[str, str] = {}
    problems = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            key, value = _pair(line.strip())
        except ValueError as error:
            problems.append(Problem(path, number, None, None, str(error)))
        else:
            variables[key] = value
    return variables, problems


def _pair(line: str) -> tuple[str, str]:
    """Raises ValueError: ``found …; expected …``."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError("found a line that isn't shown; expected KEY=value, a comment or nothing")
    key, text = match[1], match[2].strip()
    if text.startswith("#") and text != match[2]:
        return key, ""
    if "\0" in text:
        raise ValueError(f"found a NUL byte in {key}; expected text")
    if text.startswith("'"):
        return key, _between(_SINGLE, key, text)
    value = _between(_DOUBLE, key, text) if text.startswith('"') else _between(_BARE, key, text).rstrip()
    if "${" in re.sub(r"\\\$", "", value):
        raise ValueError(f"found ${{ in {key}, which is not filled in here; expected '…' around it, or its meaning")
    return key, _unescaped(value) if text.startswith('"') else value


def _between(pattern: re.Pattern[str], key: str, text: str) -> str:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"found {key} with a quote that doesn't end its value; expected one, and nothing behind it")
    return match[1]


def _unescaped(text: str) -> str:
    """A backslash before any other character stands for itself."""
    return _ESCAPE.sub(lambda match: _MEANINGS.get(match[1], match[0]), text)


class Environment(NamedTuple):
    """The variables in force."""

    merged: Mapping[str, str]
    added: tuple[tuple[str, str], ...] = ()
    """Those that the ``env_file`` adds; variables already set win."""
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


def with_env_file(named: Given | None, environ: Mapping[str, str]) -> Environment:
    """``environ`` and what the file that is named adds to it."""
    if named is None or not isinstance(named.value, str):
        return Environment(environ)
    try:
        file = read_env_file(named.value)
    except Unreadable as error:
        return Environment(environ, problems=(named.spot.problem(str(error)),))
    added = {key: value for key, value in file.variables.items() if key not in environ}
    warnings: tuple[str, ...] = ()
    if file.readable_by_others:
        warnings = (f"{named.value}: may hold secrets, and others may read it; chmod 600 {named.value}",)
    return Environment({**environ, **added}, tuple(added.items()), file.problems, warnings)
