"""What a value in the INI file stands for: quotes taken off, references filled in.

``${option}`` is another option of the same section, ``${section:option}`` one of another section, ``${env:NAME}`` an
environment variable and ``${here}`` the folder of the file. Only ``${`` is special, and ``$${`` writes it. What is
filled in is not looked into again, and quotes around it belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}\n]*)(\}?)")
_QUOTES = ("'", '"')
_DEEPEST = 20

Location = tuple[str, str]
"""Name of a section, name of an option."""

Lookup = Callable[[str, str], "tuple[Location, str] | None"]
"""Section (as a reference or a location names it) and option → where that is and its raw text, if it is set."""


class Constants(NamedTuple):
    """What references mean in all of one file."""

    here: str
    environ: Mapping[str, str]

    def meaning(self, reference: str) -> str:
        """Of ``here`` or ``env:NAME``. Raises ValueError for a variable that isn't set, and for other references."""
        if reference == "here":
            return self.here
        kind, _, name = reference.partition(":")
        if kind != "env":
            raise ValueError("which means nothing here; expected ${here} or ${env:NAME}")
        if name not in self.environ:
            raise ValueError(f"but {name or 'a variable of no name'} isn't in the environment; expected one that is")
        return self.environ[name]


class References(NamedTuple):
    """Fills in the references of one file."""

    constants: Constants
    lookup: Lookup

    def value(self, section: str, option: str, text: str) -> str:
        """What ``text``, the value of ``option`` as it is written, stands for in ``section``.

        Raises ValueError: ``found ${…}, …; expected …``.
        """
        return self._value((section, option), text, ())

    def _value(self, at: Location, text: str, above: tuple[Location, ...]) -> str:
        text = unquote(text)
        if "${" not in text:
            return text
        if at in above:
            raise _Loop((*above[above.index(at) :], at))
        if len(above) == _DEEPEST:
            raise ValueError(f"found references that are more than {_DEEPEST} deep; expected fewer")
        return fill_in(text, lambda reference: self._meaning(reference, (*above, at)))

    def _meaning(self, reference: str, above: tuple[Location, ...]) -> str:
        if reference == "here" or reference.startswith("env:"):
            return self.constants.meaning(reference)
        section, colon, option = reference.rpartition(":")
        found = self.lookup(section if colon else above[-1][0], option)
        if found is None:
            where = f"[{section}]" if colon else "this section"
            raise ValueError(f"but {option or 'nothing'} isn't set in {where} or [DEFAULT]; expected one that is")
        try:
            return self._value(*found, above)
        except ValueError as error:
            if isinstance(error, _Loop) and error.first == above[0]:
                raise
            raise ValueError("which is wrong itself; expected an option with a value") from None


class _Loop(ValueError):
    """An option stands for itself; ``first`` is where the loop begins."""

    def __init__(self, chain: tuple[Location, ...]) -> None:
        super().__init__(f"found a loop, {' → '.join(option for _, option in chain)}; expected a value")
        self.first = chain[0]


def fill_in(text: str, meaning: Callable[[str], str]) -> str:
    """``text`` with each ``${reference}`` replaced by its meaning.

    Raises ValueError, ``found ${…}, …; expected …``, for one that isn't closed and where ``meaning`` raises one.
    """

    def replace(match: re.Match[str]) -> str:
        reference, end = match.groups()
        if reference is None:
            return "${"
        if not end:
            raise ValueError(f"found {match[0]!r} without an end; expected }} at its end, or $${{ for ${{ itself")
        try:
            return meaning(reference)
        except _Loop:
            raise
        except ValueError as error:
            raise ValueError(f"found {match[0]}, {error}") from None

    return _REFERENCE.sub(replace, text)


def unquote(text: str) -> str:
    """Each line of ``text`` without the blanks around it and without one pair of matching quotes around that."""
    if "\n" in text:
        return "\n".join(_unquote_line(line.strip()) for line in text.split("\n"))
    return _unquote_line(text)


def quote(value: str) -> str:
    """``value``, of one line or several, written so that it is read back as it is."""
    return "\n".join(f'"{line}"' for line in value.replace("${", "$${").split("\n"))


def _unquote_line(line: str) -> str:
    if len(line) >= 2 and line[0] == line[-1] and line[0] in _QUOTES:
        return line[1:-1]
    return line
