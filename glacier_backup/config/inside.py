"""What one INI file says: the values of its options, and all that is wrong with them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from glacier_backup.config import ini
from glacier_backup.config.advice import advise, advise_dataset
from glacier_backup.config.folders import Folders
from glacier_backup.config.given import Given, Spot, read_option
from glacier_backup.config.ini import DEFAULT, RawOption, RawSection
from glacier_backup.config.layers import laid_over
from glacier_backup.config.layout import MAIN, Layout, arrange, home_of, title_of
from glacier_backup.config.option import Home, WrongLine, WrongLines
from glacier_backup.config.places import masked
from glacier_backup.config.references import Constants, References, unquote
from glacier_backup.config.schema import BY_NAME, option_at
from glacier_backup.errors import Problem

_OF_SECTIONS: tuple[Home, ...] = ("path", "server", "dataset")
"""Of those that say what to back up."""


class Stanza(NamedTuple):
    """One section of the file, read."""

    name: str
    """The absolute path, the URL, the dataset, or the name of the destination."""
    spot: Spot
    """Where it begins."""
    options: dict[str, Given]
    """Its own, and for a path those that it has from ``[DEFAULT]``."""


class Inside(NamedTuple):
    """All that an INI file says. The values are only whole when there are no problems."""

    main: dict[str, Given]
    """With what it has from ``[DEFAULT]``."""
    destinations: dict[str, Stanza]
    paths: tuple[Stanza, ...]
    problems: tuple[Problem, ...]
    """In the order of the file."""
    warnings: tuple[str, ...]


def raw_env_file(path: str, raw: ini.RawFile, folders: Folders) -> Given | None:
    """The ``env_file`` that the file names, filled in from the environment as it is; None where that can't be done,
    which :func:`read_file` tells."""
    if not any("env_file" in raw.sections[name].options for name in (MAIN, DEFAULT) if name in raw.sections):
        return None
    layout, _ = arrange(raw, Constants(os.path.dirname(path), folders.environ), folders)
    reader = _Reader(path, layout)
    for section in (layout.main, layout.default):
        option = section.options.get("env_file")
        if option is not None:
            value = reader.value(MAIN, "main", section, "env_file", option)
            return None if value is None else Given(value, reader.spot(section, "env_file"))
    return None


def read_file(path: str, raw: ini.RawFile, folders: Folders) -> Inside:
    """What the INI file at ``path``, which is absolute, says. Raises nothing for what is in it."""
    layout, misplaced = arrange(raw, Constants(os.path.dirname(path), folders.environ), folders)
    reader = _Reader(path, layout)
    main, destinations, paths = reader.main(), reader.destinations(), tuple(reader.paths())
    problems = dict.fromkeys((*raw.problems, *misplaced, *reader.problems))
    in_order = tuple(sorted(map(_without_passwords, problems), key=lambda problem: problem.line or 0))
    warnings = dict.fromkeys((*reader.warnings, *_bare_passwords(path, reader.bare_passwords)))
    return Inside(main, destinations, paths, in_order, tuple(warnings))


def _without_passwords(problem: Problem) -> Problem:
    return problem if problem.section is None else problem._replace(section=masked(problem.section))


def _bare_passwords(path: str, spots: Iterable[Spot]) -> Iterator[str]:
    """A warning for each that others may read."""
    mode = 0
    with suppress(OSError):
        mode = os.stat(path).st_mode
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        for spot in spots:
            cure = f"chmod 600 {path}, or use {spot.name}_file"
            yield str(spot.problem(f"stands in a file that others may read; {cure}"))


class _Reader:
    """Reads the values of one file, each text once."""

    def __init__(self, path: str, layout: Layout) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.bare_passwords: list[Spot] = []
        self._path = path
        self._layout = layout
        self._references = References(layout.constants, layout.lookup)
        self._seen: dict[tuple[Home, str, str], object] = {}

    def main(self) -> dict[str, Given]:
        """The options of ``[main]``, its own and those of ``[DEFAULT]``."""
        default, own = (
            {
                name: self._given(MAIN, "main", section, name, raw)
                for name, raw in section.options.items()
                if "main" in BY_NAME[name].homes
            }
            for section in (self._layout.default, self._layout.main)
        )
        return laid_over(default, own)

    def destinations(self) -> dict[str, Stanza]:
        """What the sections ``[destination NAME]`` say themselves."""
        return {
            name: self._stanza(name, title_of(name), "destination", section, {})
            for name, section in self._layout.destinations.items()
        }

    def paths(self) -> Iterator[Stanza]:
        """The sections that are named by a path, with what they have from ``[DEFAULT]``: not what ``[main]`` may have
        too, for that is [main]'s to hand on."""
        default = self._layout.default
        handed_down = {name: raw for name, raw in default.options.items() if "main" not in BY_NAME[name].homes}
        for name, raw in handed_down.items():
            if "${" not in raw.text:  # what has references means something only in a section that inherits it
                self.value(DEFAULT, BY_NAME[name].homes[0], default, name, raw)
        inherited = {
            home: {name: raw for name, raw in handed_down.items() if home in BY_NAME[name].homes}
            for home in _OF_SECTIONS
        }
        for path, section in self._layout.paths.items():
            home = home_of(path)
            stanza = self._stanza(path, path, home, section, inherited[home])
            self.warnings += self._advice(stanza, section)
            yield stanza

    def spot(self, section: RawSection, name: str) -> Spot:
        return Spot(self._path, name, section.options[name].line, masked(section.name))

    def _stanza(
        self, name: str, context: str, home: Home, section: RawSection, inherited: Mapping[str, RawOption]
    ) -> Stanza:
        default = self._layout.default
        options = {
            option: self._given(context, home, section if option in section.options else default, option, raw)
            for option, raw in {**inherited, **section.options}.items()
        }
        return Stanza(name, Spot(self._path, "", section.lines[0], masked(section.name)), options)

    def _advice(self, stanza: Stanza, section: RawSection) -> Iterator[str]:
        values = {name: given.value for name, given in stanza.options.items()}
        advice_on = advise_dataset if home_of(stanza.name) == "dataset" else partial(advise, stanza.name)
        for option, advice in advice_on(values, section.options):
            yield str(self.spot(section, option).problem(advice))

    def _given(self, context: str, home: Home, owner: RawSection, name: str, raw: RawOption) -> Given:
        return Given(self.value(context, home, owner, name, raw), self.spot(owner, name))

    def value(self, context: str, home: Home, owner: RawSection, name: str, raw: RawOption) -> object:
        """What the option of ``owner`` stands for in ``context``; None, and a problem, when nothing that is right."""
        option = option_at(home, name)
        if option.is_secret and "${env:" not in raw.text:
            self.bare_passwords.append(self.spot(owner, name))
        key = (home, name, raw.text)
        if key in self._seen:
            return self._seen[key]
        try:
            filled_in = self._references.value(context, name, raw.text)
            value = read_option(option, filled_in, self._layout.folders)
        except WrongLines as error:
            self.problems += (
                Problem(self._path, raw.line_of(one.number), owner.name, name, _with_other(one, raw))
                for one in error.found
            )
            return None
        except ValueError as error:
            message = _about_a_secret(raw.text, str(error)) if option.is_secret else str(error)
            self.problems.append(Problem(self._path, raw.line, owner.name, name, message))
            return None
        if "${" not in raw.text:
            self._seen[key] = value
        return value


def _with_other(wrong: WrongLine, raw: RawOption) -> str:
    return wrong.message if wrong.other is None else f"{wrong.message}, which is in line {raw.line_of(wrong.other)}"


def _about_a_secret(text: str, message: str) -> str:
    """``message``, unless it may quote a password that has ``${`` in it."""
    text = unquote(text)
    if "${" not in text or (text.startswith("${") and text.find("}") == len(text) - 1):
        return message
    return "found a value that isn't shown, and ${…} in it can't be filled in; expected $${ where ${ itself is meant"
