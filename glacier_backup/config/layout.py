"""Which section of an INI file is which, and whether each option stands where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from glacier_backup.config.folders import Folders
from glacier_backup.config.ini import DEFAULT, RawFile, RawOption, RawSection
from glacier_backup.config.nearest import nearest
from glacier_backup.config.references import Constants, Location, fill_in
from glacier_backup.config.schema import BY_SPELLING, OPTIONS, SectionKind
from glacier_backup.config.values import normal_path
from glacier_backup.errors import Problem

MAIN = "main"

_NOTHING = RawSection("", (), {})
_HOME_OF = {"main": "[main]", "path": "a section that is named by a path"}


class Layout(NamedTuple):
    """The sections of one file by what they are; options by their own names, aliases replaced."""

    constants: Constants
    folders: Folders
    default: RawSection
    main: RawSection
    paths: dict[str, RawSection]
    """By absolute path, in the order of the file."""

    def path_of(self, name: str) -> str:
        """The absolute path that the name of a section stands for. Raises ValueError: ``found …; expected …``."""
        if name.startswith("/") and "${" not in name:
            return normal_path(name)
        path = self.folders.expand(fill_in(name, self.constants.meaning))
        if not path.startswith("/"):
            meaning = "" if path == name else f", which stands for {path!r}"
            raise ValueError(f"found [{name}]{meaning}; {_expected_section(name)}")
        return normal_path(path)

    def lookup(self, section: str, option: str) -> tuple[Location, str] | None:
        """Where a reference leads: to ``option`` of the section that is named or keyed so, else of ``[DEFAULT]``."""
        name = self._key(section)
        known = BY_SPELLING.get(option.lower())
        if name is None or known is None:
            return None
        raw = self.section(name).options.get(known.name) or self.default.options.get(known.name)
        return None if raw is None else ((name, known.name), raw.text)

    def section(self, key: str) -> RawSection:
        if key in (MAIN, DEFAULT):
            return self.main if key == MAIN else self.default
        return self.paths[key]

    def _key(self, section: str) -> str | None:
        if section in (MAIN, DEFAULT) or section in self.paths:
            return section
        try:
            path = self.path_of(section)
        except ValueError:
            return None
        return path if path in self.paths else None


def arrange(raw: RawFile, constants: Constants, folders: Folders) -> tuple[Layout, list[Problem]]:
    """The layout of one file, and all that is wrong with the names and places in it."""
    problems = list(_repeated_headers(raw))
    default = _known_options(raw, raw.sections.get(DEFAULT, _NOTHING), None, problems)
    main = _known_options(raw, raw.sections.get(MAIN, _NOTHING), "main", problems)
    layout = Layout(constants, folders, default, main, {})
    for section in raw.sections.values():
        if section.name not in (DEFAULT, MAIN):
            _add_path(raw, section, layout, problems)
    return layout, problems


def _repeated_headers(raw: RawFile) -> Iterator[Problem]:
    for section in raw.sections.values():
        first, *others = section.lines
        for line in others:
            yield Problem(raw.path, line, section.name, None, f"is the same section as in line {first}")


def _add_path(raw: RawFile, section: RawSection, layout: Layout, problems: list[Problem]) -> None:
    line = section.lines[0]
    try:
        path = layout.path_of(section.name)
    except ValueError as error:
        problems.append(Problem(raw.path, line, section.name, None, str(error)))
        return
    first = layout.paths.setdefault(path, _known_options(raw, section, "path", problems))
    if first.name != section.name:
        message = f"is the same section as [{first.name}] in line {first.lines[0]}"
        problems.append(Problem(raw.path, line, section.name, None, message))


def _known_options(raw: RawFile, section: RawSection, kind: SectionKind | None, problems: list[Problem]) -> RawSection:
    """The section with those of its options that may stand in a section of this kind; None: any may."""
    known: dict[str, RawOption] = {}
    for spelling, option in section.options.items():
        meant = BY_SPELLING.get(spelling)
        if meant is None:
            message = f"is no option; {_expected_option(spelling, kind)}"
        elif kind is not None and meant.section != kind:
            message = f"belongs in {_HOME_OF[meant.section]}, not in {_HOME_OF[kind]}"
        elif known.setdefault(meant.name, option).text != option.text:
            message = f"is another name of {meant.name}, already set in line {known[meant.name].line}"
        else:
            continue
        problems.append(Problem(raw.path, option.line, section.name, spelling, message))
    return section._replace(options=known)


def _expected_section(name: str) -> str:
    if looks_like_main(name):
        return "did you mean [main]?"
    return "expected [main], or an absolute path (~ and ${here} may stand in it)"


def looks_like_main(section: str) -> bool:
    """Whether the name of a section is ``main``, or hardly anything else was meant."""
    return nearest(section.strip().lower(), (MAIN, DEFAULT.lower())) == MAIN


def _expected_option(spelling: str, kind: SectionKind | None) -> str:
    here = [option.name for option in OPTIONS if kind in (None, option.section)]
    meant = BY_SPELLING.get(nearest(spelling, tuple(BY_SPELLING)))
    if meant is None:
        return f"expected one of {', '.join(here)}"
    return f"did you mean {meant.name}?" + ("" if meant.name in here else f" It belongs in {_HOME_OF[meant.section]}")
