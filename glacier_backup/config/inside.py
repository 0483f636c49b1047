"""What one INI file says: the values of its options, and all that is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from glacier_backup.config import ini
from glacier_backup.config.advice import advise
from glacier_backup.config.folders import Folders
from glacier_backup.config.given import Given, Spot, read_option
from glacier_backup.config.ini import DEFAULT, RawOption, RawSection
from glacier_backup.config.layout import MAIN, Layout, arrange
from glacier_backup.config.references import Constants, References
from glacier_backup.config.schema import BY_NAME
from glacier_backup.config.settings import SectionSettings
from glacier_backup.errors import Problem


class Inside(NamedTuple):
    """All that an INI file says. ``main`` and ``sections`` are only whole when there are no problems."""

    main: dict[str, Given]
    sections: tuple[SectionSettings, ...]
    problems: tuple[Problem, ...]
    """In the order of the file."""
    warnings: tuple[str, ...]


def read_file(path: str, folders: Folders) -> Inside:
    """The INI file at ``path``, which is absolute. Raises nothing for what is in it, or keeps it from being read."""
    raw = ini.read(path)
    layout, misplaced = arrange(raw, Constants(os.path.dirname(path), folders.environ), folders)
    reader = _Reader(path, layout)
    main, sections = reader.main(), tuple(reader.sections())
    problems = dict.fromkeys((*raw.problems, *misplaced, *reader.problems))
    in_order = tuple(sorted(problems, key=lambda problem: problem.line or 0))
    return Inside(main, sections, in_order, tuple(dict.fromkeys(reader.warnings)))


class _Reader:
    """Reads the values of one file, each text once."""

    def __init__(self, path: str, layout: Layout) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self._path = path
        self._layout = layout
        self._references = References(layout.constants, layout.lookup)
        self._seen: dict[tuple[str, str], object] = {}

    def main(self) -> dict[str, Given]:
        """The options of ``[main]``, its own and those of ``[DEFAULT]``."""
        found = {}
        for section in (self._layout.default, self._layout.main):
            for name, raw in section.options.items():
                if BY_NAME[name].section == "main":
                    value = self._value(MAIN, section, name, raw)
                    found[name] = Given(value, Spot(self._path, name, raw.line, section.name))
        return found

    def sections(self) -> Iterator[SectionSettings]:
        """The sections that are named by a path, with what they have from ``[DEFAULT]``."""
        default = self._layout.default
        inherited = {name: raw for name, raw in default.options.items() if BY_NAME[name].section == "path"}
        for name, raw in inherited.items():
            if "${" not in raw.text:  # what has references means something only in a section that inherits it
                self._value(DEFAULT, default, name, raw)
        for path, section in self._layout.paths.items():
            yield self._section(path, section, inherited)

    def _section(self, path: str, section: RawSection, inherited: Mapping[str, RawOption]) -> SectionSettings:
        values, origins = {}, []
        for name, raw in {**inherited, **section.options}.items():
            owner = section if name in section.options else self._layout.default
            value = self._value(path, owner, name, raw)
            if value is not None:
                values[name] = value
                origins.append((name, f"{self._path}:{raw.line}"))
        origin = f"{self._path}:{section.lines[0]}"
        settings = SectionSettings.model_validate({"path": path, "origin": origin, "origins": tuple(origins), **values})
        if "exclude" in section.options:
            spot = Spot(self._path, "exclude", section.options["exclude"].line, section.name)
            self.warnings += (str(spot.problem(advice)) for advice in advise(settings))
        return settings

    def _value(self, context: str, owner: RawSection, name: str, raw: RawOption) -> object:
        """What the option of ``owner`` stands for in ``context``; None, and a problem, when nothing that is right."""
        key = (name, raw.text)
        if key in self._seen:
            return self._seen[key]
        try:
            filled_in = self._references.value(context, name, raw.text)
            value = read_option(BY_NAME[name], filled_in, self._layout.folders)
        except ValueError as error:
            self.problems.append(Problem(self._path, raw.line, owner.name, name, str(error)))
            return None
        if "${" not in raw.text:
            self._seen[key] = value
        return value
