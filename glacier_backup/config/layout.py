"""Which section of an INI file is which, and whether each option stands where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from glacier_backup.config.datasets import checked_dataset, means_dataset
from glacier_backup.config.folders import Folders
from glacier_backup.config.ini import DEFAULT, RawFile, RawOption, RawSection
from glacier_backup.config.nearest import nearest
from glacier_backup.config.option import Home, Option
from glacier_backup.config.places import NAME, WORDS, is_server_url, masked, path_on_server
from glacier_backup.config.references import Constants, Location, fill_in
from glacier_backup.config.schema import BY_SPELLING, options_of
from glacier_backup.config.values import normal_path
from glacier_backup.errors import Problem
from glacier_backup.model.snapshot import is_dataset_path

MAIN = "main"

_DESTINATION = "destination"
_NOTHING = RawSection("", (), {})
_SECTIONS = "an absolute path (~ and ${here} may stand in it), sftp://… or zfs:pool/dataset"
_TITLES: dict[Home, str] = {
    "main": "[main]",
    "destination": "[destination NAME]",
    "path": "a section that is named by a path",
    "server": "a section that is named by sftp://user@host:port/path",
    "dataset": "a section that is named by zfs:pool/dataset",
}


class Layout(NamedTuple):
    """The sections of one file by what they are; options by their own names, aliases replaced."""

    constants: Constants
    folders: Folders
    default: RawSection
    main: RawSection
    destinations: dict[str, RawSection]
    """By their names alone."""
    paths: dict[str, RawSection]
    """By absolute path, URL of a path on a server, or dataset, in the order of the file."""

    def path_of(self, name: str) -> str:
        """The absolute path, URL or dataset that the name of a section stands for. Raises ValueError: ``found …;
        expected …``."""
        if name.startswith("/") and "${" not in name:
            return normal_path(name)
        path = self.folders.expand(fill_in(name, self.constants.meaning))
        if path.startswith("/"):
            return normal_path(path)
        meaning = "" if path == name else f", which stands for {masked(path)!r}"
        if means_dataset(path):
            return checked_dataset(path, f"[{name}]{meaning}")
        if not is_server_url(path):
            raise ValueError(f"found [{masked(name)}]{meaning}; {_expected_section(name)}")
        try:
            return str(path_on_server(path))
        except ValueError as error:
            expected = "expected sftp://user@host:port/path"
            raise ValueError(f"found [{masked(name)}]{meaning} ({error}); {expected}") from None

    def lookup(self, section: str, option: str) -> tuple[Location, str] | None:
        """Where a reference leads: to ``option`` of the section that is named or keyed so, else of ``[DEFAULT]``."""
        found = self._found(section)
        known = BY_SPELLING.get(option.lower())
        if found is None or known is None:
            return None
        key, owner = found
        raw = owner.options.get(known.name) or self.default.options.get(known.name)
        return None if raw is None else ((key, known.name), raw.text)

    def _found(self, name: str) -> tuple[str, RawSection] | None:
        """A section by the name that it has in the file, or by its key."""
        if name in (MAIN, DEFAULT):
            return name, self.main if name == MAIN else self.default
        if name in self.paths:
            return name, self.paths[name]
        destination = destination_name(name)
        if destination in self.destinations:
            return title_of(destination), self.destinations[destination]
        try:
            path = self.path_of(name)
        except ValueError:
            return None
        return (path, self.paths[path]) if path in self.paths else None


def destination_name(section: str) -> str:
    """What comes behind ``destination`` in the name of a section; empty where it is none of these."""
    word, _, name = section.partition(" ")
    return name.strip() if word == _DESTINATION else ""


def title_of(destination: str) -> str:
    """The name of its section, with one blank."""
    return f"{_DESTINATION} {destination}"


def home_of(path: str) -> Home:
    """Of a section that is named by ``path``."""
    if is_dataset_path(path):
        return "dataset"
    return "server" if is_server_url(path) else "path"


def arrange(raw: RawFile, constants: Constants, folders: Folders) -> tuple[Layout, list[Problem]]:
    """The layout of one file, and all that is wrong with the names and places in it."""
    problems = list(_repeated_headers(raw))
    default = _known_options(raw, raw.sections.get(DEFAULT, _NOTHING), None, problems)
    main = _known_options(raw, raw.sections.get(MAIN, _NOTHING), "main", problems)
    layout = Layout(constants, folders, default, main, {}, {})
    for section in raw.sections.values():
        if section.name not in (DEFAULT, MAIN):
            _add(raw, section, layout, problems)
    return layout, problems


def _repeated_headers(raw: RawFile) -> Iterator[Problem]:
    for section in raw.sections.values():
        first, *others = section.lines
        for line in others:
            yield Problem(raw.path, line, section.name, None, f"is the same section as in line {first}")


def _add(raw: RawFile, section: RawSection, layout: Layout, problems: list[Problem]) -> None:
    line = section.lines[0]
    try:
        if _may_be_a_destination(section.name):
            key, place = _checked(section.name), layout.destinations
            home: Home = "destination"
        else:
            key = layout.path_of(section.name)
            home, place = home_of(key), layout.paths
    except ValueError as error:
        problems.append(Problem(raw.path, line, section.name, None, str(error)))
        return
    first = place.setdefault(key, _known_options(raw, section, home, problems))
    if first.name != section.name:
        message = f"is the same section as [{masked(first.name)}] in line {first.lines[0]}"
        problems.append(Problem(raw.path, line, section.name, None, message))


def _may_be_a_destination(name: str) -> bool:
    word, _, _ = name.strip().partition(" ")
    if means_dataset(word):
        return False
    return "/" not in name and nearest(word.lower().rstrip(":"), (_DESTINATION, MAIN)) == _DESTINATION


def _checked(section: str) -> str:
    """The name of the destination. Raises ValueError: ``found …; expected …``."""
    name = destination_name(section)
    if name.lower() in (MAIN, *WORDS):
        raise ValueError(f"found [{section}], and {name} has a meaning of its own; expected another name")
    if NAME.fullmatch(name) is None:
        expected = f"[{title_of('NAME')}], and for NAME some of the characters A-Z a-z 0-9 _ . -"
        raise ValueError(f"found [{section}]; expected {expected}")
    return name


def _known_options(raw: RawFile, section: RawSection, home: Home | None, problems: list[Problem]) -> RawSection:
    """The section with those of its options that may stand in a section of this kind; None: any may."""
    known: dict[str, RawOption] = {}
    for spelling, option in section.options.items():
        meant = BY_SPELLING.get(spelling)
        if meant is None:
            message = f"is no option; {_expected_option(spelling, home)}"
        elif home is not None and home not in meant.homes:
            message = f"belongs in {_homes(meant)}, not in {_TITLES[home]}"
        elif known.setdefault(meant.name, option).text != option.text:
            message = f"is another name of {meant.name}, already set in line {known[meant.name].line}"
        else:
            continue
        problems.append(Problem(raw.path, option.line, section.name, spelling, message))
    return section._replace(options=known)


def _homes(option: Option) -> str:
    """``[main] or [destination NAME]``; a path stands for one on a server and for a dataset."""
    homes = [_TITLES[home] for home in option.homes if home not in ("server", "dataset") or "path" not in option.homes]
    return " or ".join([", ".join(homes[:-1]), homes[-1]] if len(homes) > 1 else homes)


def _expected_section(name: str) -> str:
    if looks_like_main(name):
        return "did you mean [main]?"
    return f"expected [main], [destination NAME], {_SECTIONS}"


def looks_like_main(section: str) -> bool:
    """Whether the name of a section is ``main``, or hardly anything else was meant."""
    return nearest(section.strip().lower(), (MAIN, DEFAULT.lower())) == MAIN


def _expected_option(spelling: str, home: Home | None) -> str:
    meant = BY_SPELLING.get(nearest(spelling, tuple(BY_SPELLING)))
    if meant is None:
        return f"expected one of {', '.join(name for name in _names(home))}"
    fits = home is None or home in meant.homes
    return f"did you mean {meant.name}?" + ("" if fits else f" It belongs in {_homes(meant)}")


def _names(home: Home | None) -> list[str]:
    known = {option.name: option for option in BY_SPELLING.values()}
    return list(known) if home is None else [option.name for option in options_of(home)]
