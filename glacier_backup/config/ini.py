"""INI text → sections and options, with the line of each.

The grammar is the standard library's ``configparser``, and nothing else reads the text: the line numbers come from
its own hooks (``SECTCRE`` and ``optionxform``, both documented as ways to customise it), called while it reads.
"""

from __future__ import annotations

import configparser
import io
import os
import re
import stat
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple, cast

from glacier_backup.config.places import masked
from glacier_backup.errors import Problem

DEFAULT = "DEFAULT"
"""The section that gives defaults to all others."""

# No header can have these names, for a text with NUL bytes is turned away.
_ABOVE_ALL_SECTIONS = "\0"
_NO_DEFAULTS = "\0\0"

_BYTE_ORDER_MARK = "\ufeff"
_SHOWN = 60
_SECRET = "ssh_password"  # noqa: S105  # the name of one

_COMMAND = re.compile(r"(?:data|name)(?=\s)")
"""What a filter with a command begins with; there may be secrets among its arguments."""

_HEADER = re.compile(configparser.RawConfigParser.SECTCRE.pattern, re.VERBOSE)


class RawOption(NamedTuple):
    """One option as it stands in the file."""

    text: str
    line: int
    lines: tuple[int, ...] = ()
    """Of each line of the text, where it has several."""

    def line_of(self, number: int) -> int:
        """Where that line of the text stands, from 0. What references are filled in with has no more than one."""
        return self.lines[number] if number < len(self.lines) else self.line


class RawSection(NamedTuple):
    """One section as it stands in the file."""

    name: str
    lines: tuple[int, ...]
    """Of each header with this name: one, unless somebody made a mistake."""
    options: dict[str, RawOption]
    """By lower-case name. Of an option that is there twice, the last."""


class RawFile(NamedTuple):
    """What one INI file says, before anything is looked into."""

    path: str
    sections: dict[str, RawSection]
    """By name, in the order of the file."""
    problems: tuple[Problem, ...]
    """What is wrong with the form of the file: lines that are no INI, and options that are there twice."""


def read(path: str) -> RawFile:
    """The file at ``path``: UTF-8 with or without a byte order mark; other bytes become lone surrogates.

    What keeps it from being read is among the problems; nothing is raised.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            what = "a directory" if stat.S_ISDIR(mode) else "no regular file"
            return _unreadable(path, f"found {what}; expected an INI file")
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return parse(file.read().removeprefix(_BYTE_ORDER_MARK), path)
    except FileNotFoundError:
        return _unreadable(path, "found no such file; expected an INI file")
    except PermissionError:
        return _unreadable(path, f"can't be read: permission denied; expected a file that user {os.getuid()} may read")
    except OSError as error:
        return _unreadable(path, f"can't be read: {(error.strerror or str(error)).lower()}")
    except ValueError as error:
        return _unreadable(path, f"can't be read: {error}")


def parse(text: str, path: str) -> RawFile:
    """The sections of ``text``, which came from ``path``."""
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return _unreadable(path, "found a NUL byte; expected an INI file in UTF-8", line)
    parser = _Parser(list(io.StringIO(text, newline=None)))
    problems = [Problem(path, line, None, None, message) for line, message in parser.bad_lines()]
    sections: dict[str, RawSection] = {}
    for name, headers in parser.headers().items():
        sections[name] = RawSection(name, tuple(header.line for header in headers), parser.options_below(headers))
        problems += (problem for header in headers for problem in header.repeated(path))
    return RawFile(path, sections, tuple(problems))


def _unreadable(path: str, message: str, line: int | None = None) -> RawFile:
    return RawFile(path, {}, (Problem(path, line, None, None, message),))


class _Header(NamedTuple):
    """One ``[name]`` line and the lines of the options below it."""

    name: str
    line: int
    options: dict[str, list[int]]

    def repeated(self, path: str) -> Iterator[Problem]:
        for option, (first, *others) in self.options.items():
            for line in others:
                yield Problem(path, line, self.name, option, f"is already set in line {first}")


class _Watch:
    """Sees what configparser meets, and in which line."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.line = 0
        self.headers: list[_Header] = []

    def numbered(self) -> Iterator[str]:
        """The lines, below a header of our own: so configparser goes on where the first one is missing."""
        yield f"[{_ABOVE_ALL_SECTIONS}]\n"
        for self.line, line in enumerate(self.lines, start=1):  # noqa: B020
            yield line

    def match(self, line: str) -> re.Match[str] | None:
        """Stands in for ``SECTCRE.match``, which is asked about every line that may be a header."""
        found = _HEADER.match(line)
        if found is not None:
            self.headers.append(_Header(found["header"], self.line, {}))
        return found

    def option(self, name: str) -> None:
        """Stands behind ``optionxform``, which is asked about every line that sets an option."""
        if name:
            self.headers[-1].options.setdefault(name, []).append(self.line)


class _Parser(configparser.RawConfigParser):
    """Reads at once."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(strict=False, default_section=_NO_DEFAULTS)
        self._watch = _Watch(lines)
        self.SECTCRE = cast("re.Pattern[str]", self._watch)
        self._bad: list[int] = []
        try:
            self.read_file(self._watch.numbered())
        except configparser.ParsingError as error:
            self._bad = [number - 1 for number, _ in error.errors]

    def optionxform(self, optionstr: str) -> str:
        name = optionstr.lower()
        self._watch.option(name)
        return name

    def headers(self) -> dict[str, list[_Header]]:
        found: dict[str, list[_Header]] = {}
        for header in self._watch.headers[1:]:
            found.setdefault(header.name, []).append(header)
        return found

    def options_below(self, headers: list[_Header]) -> dict[str, RawOption]:
        lines = {option: where[-1] for header in headers for option, where in header.options.items()}
        texts = self.items(headers[0].name, raw=True)
        return {
            option: RawOption(text, lines[option], self._lines_of(text, lines[option]))
            for option, text in texts
            if option
        }

    def _lines_of(self, text: str, first: int) -> tuple[int, ...]:
        """Those of a text of several lines, between which there may be comments."""
        count = text.count("\n")
        below = range(first + 1, len(self._watch.lines) + 1) if count else ()
        others = (line for line in below if not self._watch.lines[line - 1].lstrip().startswith(("#", ";")))
        return (first, *islice(others, count)) if count else ()

    def bad_lines(self) -> Iterator[tuple[int, str]]:
        """Number and message for each line that fits nowhere; of those above the first section, the first will do."""
        above, *below = self._watch.headers
        first = below[0].line if below else len(self._watch.lines) + 1
        strays = [line for lines in above.options.values() for line in lines]
        strays += [line for line in self._bad if line < first]
        if strays:
            yield min(strays), f"found {self._shown(min(strays))} above the first section; expected [main] before it"
        for line in self._bad:
            if line > first:
                yield line, f"found {self._shown(line)}; expected {self._expected(line)}"

    def _shown(self, line: int) -> str:
        text = masked(self._watch.lines[line - 1].strip())
        if text.lower().startswith(_SECRET):
            return f"{_SECRET} and something that isn't shown"
        if command := _COMMAND.match(text):
            return f"{command[0]} and something that isn't shown"
        return repr(text) if len(text) <= _SHOWN else repr(text[:_SHOWN]) + "…"

    def _expected(self, line: int) -> str:
        if self._watch.lines[line - 1].lstrip().startswith("["):
            return "a name between [ and ]"
        return "[section], option = value, or a comment"
