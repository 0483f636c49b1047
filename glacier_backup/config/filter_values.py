"""Text → the filters of a section, and commands that undo some of them; like :mod:`glacier_backup.config.values`.

A command may hold a secret, so no message shows more of it than its first word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from glacier_backup.config.nearest import nearest
from glacier_backup.config.option import WrongLine, WrongLines
from glacier_backup.config.seal_values import command
from glacier_backup.config.values import MOST_PACK, lines
from glacier_backup.units import parse_size

if TYPE_CHECKING:
    import shlex

    from glacier_backup.model.filters import Filter

T = TypeVar("T")

KINDS = ("key_sub", "name", "group", "data")
MOST_DATA = 20
"""Lines ``data``."""

_EXPECTED = {
    "key_sub": "key_sub REGEX REPLACEMENT, each in quotes where it has blanks in it or is empty",
    "name": "name COMMAND",
    "group": "group SIZE, such as group 1 MiB",
    "data": "data COMMAND",
}


def filters(text: str) -> tuple[Filter, ...]:
    """One a line, in order; empty lines don't count. Raises WrongLines."""
    read = list(_each(text, _filter))
    if wrong := list(_misplaced(read)):
        raise WrongLines(wrong)
    return tuple(one for _, one in read)


def commands(text: str) -> tuple[tuple[str, ...], ...]:
    """One a line, each as words; empty lines don't count. Raises WrongLines."""
    return tuple(one for _, one in _each(text, _command))


def shown(words: tuple[str, ...]) -> str:
    """A command as it may be shown: its arguments may be secrets."""
    return f"{words[0]}{' …' if len(words) > 1 else ''}"


def _each(text: str, read: Callable[[str], T]) -> Iterator[tuple[int, T]]:
    """What the lines say, each with its number, from 0."""
    found: list[tuple[int, T]] = []
    wrong: list[WrongLine] = []
    for number, line in enumerate(lines(text)):
        if not line.strip():
            continue
        try:
            found.append((number, read(line.strip())))
        except ValueError as error:
            wrong.append(WrongLine(number, str(error)))
    if wrong:
        raise WrongLines(wrong)
    return iter(found)


def _filter(line: str) -> Filter:
    from glacier_backup.model.filters import Filter  # the option table is to be there at once, and needs none

    kind, rest = (*line.split(None, 1), "")[:2]
    match kind:
        case "key_sub":
            return _key_sub(line, rest)
        case "group":
            return Filter("group", line, size=_size(rest))
        case "name" | "data":
            try:
                return Filter("name" if kind == "name" else "data", line, command=command(rest))
            except ValueError as error:
                raise ValueError(_found(kind, str(error))) from None
    like = nearest(kind, KINDS)
    known = f"did you mean {like}?" if like else f"expected a line that begins with {', '.join(KINDS)}"
    raise ValueError(f"found {kind[:40]!r}, which is no filter; {known}")


def _found(kind: str, special: str = "") -> str:
    return f"found a {kind} that can't be read{f' ({special})' if special else ''}; expected {_EXPECTED[kind]}"


def _size(text: str) -> int:
    try:
        size = parse_size(text)
    except ValueError:
        raise ValueError(f"found {text[:40]!r} as a size; expected {_EXPECTED['group']}") from None
    if size > MOST_PACK:
        raise ValueError(f"found {text!r}; expected a size of at most 1 TiB")
    return size


def _key_sub(line: str, rest: str) -> Filter:
    from glacier_backup.model.filters import Filter

    try:
        pattern, replacement = _words(rest)
    except ValueError as error:
        raise ValueError(_found("key_sub", str(error) if "quot" in str(error) else "")) from None
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ValueError(_no_regex(f"{pattern!r} is no regular expression", error)) from None
    try:
        expression.sub(replacement, "")
    except re.error as error:
        raise ValueError(_no_regex(f"{replacement!r} is no replacement", error)) from None
    except IndexError as error:
        raise ValueError(f"found {replacement!r} is no replacement: {error}; expected \\1 or \\g<name>") from None
    return Filter("key_sub", line, pattern, replacement)


def _no_regex(what: str, error: re.error) -> str:
    where = "" if error.pos is None else f" at character {error.pos + 1}"
    return f"found {what}: {error.msg}{where}; expected what Python's re takes"


def _words(text: str) -> list[str]:
    """As a shell takes them apart, but that a backslash is nothing special: expressions are full of them."""
    import shlex

    lexer: shlex.shlex = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    try:
        return list(lexer)
    except ValueError:
        raise ValueError("a quote in it has no end") from None


def _command(line: str) -> tuple[str, ...]:
    try:
        return command(line)
    except ValueError as error:
        special = f" ({error})" if str(error) else ""
        raise ValueError(f"found a command that can't be read{special}; expected a program and its arguments") from None


def _misplaced(read: list[tuple[int, Filter]]) -> Iterator[WrongLine]:
    """What can't stand where it stands."""
    first: dict[str, int] = {}
    count = 0
    for number, one in read:
        if one.kind == "group" and "group" in first:
            yield WrongLine(number, "found a second group; expected only that", first["group"])
        elif one.kind == "group" and "data" in first:
            why = "what is put together has to be known before bytes are changed"
            yield WrongLine(number, f"found group behind data: {why}; expected it above the data", first["data"])
        first.setdefault(one.kind, number)
        count += one.kind == "data"
        if count == MOST_DATA + 1:
            yield WrongLine(number, f"found one more data than there can be; expected {MOST_DATA} at most")
