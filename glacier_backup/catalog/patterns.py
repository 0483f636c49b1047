"""What is looked for by text or glob: a condition for SQLite, and the exact test behind it.

SQLite compares some ten million paths in a second, where a function of ours would do one. But it knows letters of
either case only in ASCII, and has brackets of its own. So its condition lets through what matches and little else,
and what it lets through is tested again. What is by the million is not even asked for before its names were looked at
(:mod:`.names`).
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.catalog.folding import folded_parts

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_LONGEST = 1_000
"""Characters of a pattern that SQLite is asked for: it refuses very long ones (https://www.sqlite.org/limits.html)."""

_FREE = re.compile(r"\[!?\]?[^\]]*\]|\?|[^\x01-\x7f]")
"""In a glob: what may be one character of several, or is no ASCII."""

_WILD = re.compile(r"\[!?\]?[^\]]*\]|[*?]")
"""In a glob: what isn't itself."""


class Condition(NamedTuple):
    """A condition of SQL, and the values for the marks in it."""

    text: str
    values: tuple[str, ...]


class Pattern(NamedTuple):
    """What a path or name has to be like."""

    condition: Callable[[str], Condition]
    """For a column: true for all that matches, and perhaps for more."""
    parts: tuple[bytes, ...]
    """Each is in some component of all that matches, all in the form of :mod:`.folding`."""
    matches: Callable[[str], bool]

    def clause(self, column: ColumnElement[str]) -> ColumnElement[bool]:
        """The condition for SQLAlchemy."""
        from sqlalchemy import Boolean, text, type_coerce

        condition = self.condition(str(column))
        values = {f"like_{number}": value for number, value in enumerate(condition.values)}
        named = condition.text.replace("?", "{}").format(*(f":{name}" for name in values))
        return type_coerce(text(f"({named})").bindparams(**values), Boolean)


def containing(text: str) -> Pattern:
    """What holds ``text``, letters of either case, however accents are composed (Unicode, NFC or NFD)."""
    composed = unicodedata.normalize("NFC", text)
    folded = composed.casefold()

    def matches(path: str) -> bool:
        if folded in path.casefold():
            return True
        return not path.isascii() and folded in unicodedata.normalize("NFC", path).casefold()

    parts = folded_parts([text])
    if composed.isascii():
        like = f"%{composed[:_LONGEST]}%"
        return Pattern(lambda column: Condition(f"{_as_text(column)} LIKE ?", (like,)), parts, matches)
    globs = [f"*{_in_either_case(form[:_LONGEST])}*" for form in (composed, unicodedata.normalize("NFD", text))]

    def condition(column: str) -> Condition:
        return Condition(f"{_is_beyond_ascii(column)} AND ({_globs(column)} OR {_globs(column)})", tuple(globs))

    return Pattern(condition, parts, matches)


def globbed(glob: str) -> Pattern:
    """What matches ``glob`` as a whole, as :func:`fnmatch.fnmatchcase` has it: ``*`` crosses slashes."""
    prefilter = _sql_glob(glob)
    exact = re.compile(fnmatch.translate(glob)).match
    parts = folded_parts(_WILD.split(glob))
    return Pattern(lambda column: Condition(_globs(column), (prefilter,)), parts, lambda path: exact(path) is not None)


def globbed_anywhere(glob: str) -> Pattern:
    """What matches ``glob`` as a whole, or in its last component."""
    whole = globbed(glob)
    if glob.startswith("*"):
        return whole
    values = (_sql_glob(glob), f"*/{_sql_glob(glob)}")
    return Pattern(
        lambda column: Condition(f"{_globs(column)} OR {_globs(column)}", values),
        whole.parts,
        lambda path: whole.matches(path) or whole.matches(path.rpartition("/")[2]),
    )


def literal_start(glob: str) -> str:
    """What everything that matches begins with; it ends in an ASCII character, or is empty."""
    start = re.split(r"[*?\[]", glob, maxsplit=1)[0]
    while start and not start[-1].isascii():
        start = start[:-1]
    return start


def _sql_glob(glob: str) -> str:
    """Matches at least what ``glob`` does (https://www.sqlite.org/lang_expr.html#glob)."""
    free = _FREE.sub("*", glob).replace("[", "[[]")
    return re.sub(r"\*+", "*", free) if len(free) <= _LONGEST else "*"


def _in_either_case(text: str) -> str:
    """As a glob of SQLite's: each character as a choice of those it may be."""
    return re.sub(r"\*+", "*", "".join(map(_choice, text)))


def _choice(character: str) -> str:
    if character == "\0" or "\ud800" <= character <= "\udfff":
        return "*"  # a byte that is not UTF-8
    choices = {one for one in (character, character.lower(), character.upper()) if len(one) == 1}
    return f"[{''.join(sorted(choices))}]" if len(choices) > 1 or character in "*?[" else character


def _is_beyond_ascii(column: str) -> str:
    """What most paths are not, so that they need not be compared."""
    return f"(length(CAST({column} AS BLOB)) <> length({_as_text(column)}) OR typeof({column}) = 'blob')"


def _globs(column: str) -> str:
    return f"{_as_text(column)} GLOB ?"


def _as_text(column: str) -> str:
    """Bytes that are not UTF-8 as they are: SQLite may be built so that it takes none for a LIKE."""
    return f"CAST({column} AS TEXT)"
