"""All that was given, from wherever → settings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property

from glacier_backup.config.datasets import dataset_values
from glacier_backup.config.deleted_options import DELETED_OPTIONS
from glacier_backup.config.destinations import LOGIN, Destinations, login
from glacier_backup.config.filtering import misused
from glacier_backup.config.folders import Folders
from glacier_backup.config.given import COMMAND_LINE, ENVIRONMENT, Given
from glacier_backup.config.grouping import idle, misgrouped
from glacier_backup.config.inside import Inside, Stanza
from glacier_backup.config.keep_options import KEEP_OPTIONS
from glacier_backup.config.layers import clashes
from glacier_backup.config.layout import MAIN, home_of, looks_like_main
from glacier_backup.config.nearest import nearest
from glacier_backup.config.option import Home
from glacier_backup.config.pack_options import PACK_OPTIONS
from glacier_backup.config.place_settings import DestinationSettings, ServerSettings, server_of
from glacier_backup.config.places import Where, is_server_url
from glacier_backup.config.schema import BY_SPELLING, RUN_OPTIONS
from glacier_backup.config.sealing import SEAL
from glacier_backup.config.seals import Seals
from glacier_backup.config.section_paths import section_path
from glacier_backup.config.settings import SectionSettings, Settings
from glacier_backup.config.snapshot_checks import misplaced, mistagged
from glacier_backup.config.tree_keys import Owner, clashing, owns_keys
from glacier_backup.errors import ConfigError, Problem

_HANDED_ON = (*KEEP_OPTIONS, *PACK_OPTIONS, *DELETED_OPTIONS)
"""What ``[main]`` hands on to the sections. Without a value it is off, which a section may say, too."""
_NAMES_HANDED_ON = frozenset(option.name for option in _HANDED_ON)


class Scene:
    """What one call of ``load`` has found; ``given`` is what is in force of ``[main]``."""

    def __init__(self, path: str | None, given: dict[str, Given], inside: Inside, folders: Folders) -> None:
        self._path = path
        self._given = given
        self._inside = inside
        self._folders = folders
        self._destinations = Destinations(given, inside.destinations, folders)
        self._seals = Seals(given, inside.paths)
        self._decide_destination()

    def _decide_destination(self) -> None:
        """A vault on the command line is meant whatever else is said; elsewhere a vault is meant if nothing else is.

        A section that is about the vault on the command line says how to reach it.
        """
        vault = self._given.get("vault_name")
        if vault is None:
            return
        if vault.spot.source == COMMAND_LINE:
            section = self._destinations.of_vault(str(vault.value))
            self._given["destination"] = Given((section or Where("glacier"),), vault.spot)
        elif "destination" not in self._given:
            self._given["destination"] = Given((Where("glacier"),), vault.spot)

    # What is wrong.

    def problems_of_file(self) -> list[Problem]:
        """And of the list of destinations, wherever it is from; in the order of the file."""
        lists = {id(given): given for given in (*self._lists_of_paths(), *self._list_of_main())}
        problems = [
            *self._inside.problems,
            *self._destinations.problems(),
            *(problem for given in lists.values() for problem in self._destinations.problems_of(given)),
            *(problem for given in self._copies() for problem in self._destinations.problems_of_copies(given)),
            *clashes(self._given),
            *(problem for section in self._inside.paths for problem in clashes(section.options)),
            *self._seals.problems(),
            *(problem for section in self._inside.paths for problem in misused(section.options, self._given)),
            *(problem for section in self._inside.paths for problem in misgrouped(section.options, self._given)),
            *(problem for section in self._inside.paths for problem in mistagged(section.name, section.options)),
        ]
        return sorted(dict.fromkeys(problems), key=lambda problem: (problem.line is None, problem.line or 0))

    def missing(self, problems: Sequence[Problem], paths: Sequence[str]) -> Iterator[Problem]:
        """That nothing says where ``paths``, or without any the sections, are sent; ``problems`` are all others."""
        if "destination" in self._given or self._path is None or any(map(_may_be_the_cause, problems)):
            return
        told = {section.name for section in self._inside.paths if "destination" in section.options}
        wanted = {*map(section_path, paths)} or {section.name for section in self._inside.paths}
        if not told or not wanted <= told:
            message = "names neither vault_name nor destination; expected one of them"
            yield Problem(self._path, None, MAIN, None, message)

    def _list_of_main(self) -> Iterator[Given]:
        if "destination" in self._given:
            yield self._given["destination"]

    def _lists_of_paths(self) -> Iterator[Given]:
        for section in self._inside.paths:
            if "destination" in section.options:
                yield section.options["destination"]

    def _copies(self) -> Iterator[Given]:
        """Where copies of the catalog go, where that is said in names."""
        given = self._given.get("catalog_copy")
        if given is not None and isinstance(given.value, tuple):
            yield given

    # What is right.

    def settings(self, environment: tuple[tuple[str, str], ...]) -> Settings:
        """Only when nothing is wrong. Raises ConfigError for a list that names one place twice. ``environment`` is
        what the ``env_file`` adds."""
        default = self._default()
        sections = tuple(map(self._section, self._inside.paths))
        found = tuple(self._destinations.found.values())
        self._check_places()
        self._check_keys(sections, default)
        of_main = (*RUN_OPTIONS, *_HANDED_ON)
        values = {option.name: self._given[option.name].value for option in of_main if option.name in self._given}
        for given in self._copies():
            named = self._destinations.named(given)
            values["catalog_copy"] = named
            values["copy_places"] = tuple(map(self._destinations.found.__getitem__, named))
        if "catalog" not in values:
            values["catalog"] = self._folders.catalog
        if "logfile" not in values:
            values["logfile"] = self._folders.logfile
        config_folder = self._folders.config if self._path is None else os.path.dirname(self._path)
        return Settings.model_validate(
            {
                **values,
                "file": self._path,
                "config_folder": config_folder,
                "record_folders": self._record_folders(config_folder),
                "destinations": found,
                "default_destinations": default or tuple(one.name for one in found),
                "environment": environment,
                "login": self._login,
                "seal": self._seals.of_main,
                "sections": sections,
                "warnings": (*self._about_groups(sections), *self._warnings(found)),
                "origins": tuple((name, str(given.spot)) for name, given in self._given.items()),
            }
        )

    def _default(self) -> tuple[str, ...]:
        """Empty where each section names its own."""
        given = self._given.get("destination")
        if given is not None and isinstance(given.value, tuple):
            return self._destinations.default(given.value, given.spot)
        return self._destinations.default([Where("local")], None) if self._path is None else ()

    def _section(self, stanza: Stanza) -> SectionSettings:
        home = home_of(stanza.name)
        handed_on = {name: self._given[name] for name in _handed_on_to(home) if name in self._given}
        options = {
            name: given
            for name, given in {**handed_on, **stanza.options, **_commanded(handed_on)}.items()
            if given.value is not None or name in _NAMES_HANDED_ON
        }
        if self._one_for_all:
            options.pop("destination", None)
        chosen = options.get("destination")
        elsewhere = {"destination", *LOGIN, *SEAL}
        values = {name: given.value for name, given in options.items() if name not in elsewhere}
        if home == "dataset":
            values = dataset_values(values)
        elif values.get("incremental") or (values.get("upload_tree") and not values.get("upload_single_dir")):
            values.setdefault("upload_if_changed", True)
        return SectionSettings.model_validate(
            {
                **values,
                "path": stanza.name,
                "server": self._server(stanza),
                "destinations": () if chosen is None else self._destinations.named(chosen),
                "seal": self._seals.of_section(stanza.name),
                "origin": str(stanza.spot),
                "origins": tuple((name, str(given.spot)) for name, given in options.items()),
            }
        )

    def _server(self, stanza: Stanza) -> ServerSettings | None:
        if not is_server_url(stanza.name):
            return None
        own = {name: stanza.options[name] for name in LOGIN if name in stanza.options}
        return server_of(stanza.name, login(self._destinations.in_force(own)) if own else self._login)

    @cached_property
    def _login(self) -> ServerSettings:
        return login(self._given)

    @property
    def _one_for_all(self) -> bool:
        """Whether the command line says where everything is sent."""
        chosen = self._given.get("destination")
        return chosen is not None and chosen.spot.source == COMMAND_LINE

    def _check_places(self) -> None:
        problems = [problem for given in self._copies() for problem in self._destinations.one_place_twice(given)]
        if "destination" in self._given:
            problems += self._destinations.one_place_twice(self._given["destination"])
        if not self._one_for_all:
            for given in self._lists_of_paths():
                problems += self._destinations.one_place_twice(given)
        if problems:
            raise ConfigError(list(dict.fromkeys(problems)))

    def _check_keys(self, sections: Sequence[SectionSettings], default: tuple[str, ...]) -> None:
        problems: list[Problem] = []
        owners: list[Owner] = []
        for section, stanza in zip(sections, self._inside.paths, strict=True):
            places = [self._destinations.found[name] for name in section.destinations or default]
            problems += misplaced(section, stanza.options, places)
            if owns_keys(section):
                owners += (Owner(section, stanza.spot, one) for one in places)
        if problems := [*problems, *clashing(owners)]:
            raise ConfigError(problems)

    # What stops nothing.

    def _warnings(self, found: Sequence[DestinationSettings]) -> Iterator[str]:
        yield from self._seals.warnings()
        yield from self._busy_spool()
        of_main = (given for given in (self._inside.main.get("destination"), *self._list_of_main()) if given)
        lists = list({id(given): given for given in (*of_main, *self._lists_of_paths(), *self._copies())}.values())
        yield from self._destinations.warnings(lists)
        vault = self._given.get("vault_name")
        if vault and vault.spot.source == ENVIRONMENT and not any(one.vault_name == vault.value for one in found):
            chosen = self._given.get("destination")
            why = f", for {chosen.spot} sets another destination" if chosen else ""
            yield str(vault.spot.problem(f"has no effect{why}"))

    def _about_groups(self, sections: Sequence[SectionSettings]) -> Iterator[str]:
        """What has no effect on what is put together, or itself has none."""
        trees = [(one, stanza) for one, stanza in zip(sections, self._inside.paths, strict=True) if one.is_tree]
        for name in ("pack_size", "group_files_smaller_than"):
            given = self._given.get(name)
            if given is not None and given.value is not None and sections and not trees:
                yield str(given.spot.problem("has no effect without a section that has upload_tree"))
        for section, stanza in trees:
            yield from idle(section, stanza.options)

    def _busy_spool(self) -> Iterator[str]:
        """A directory that every run changes is no good part of what is looked after."""
        given = self._given.get("spool_dir")
        if given is None:
            return
        for section in self._inside.paths:
            if f"{given.value}/".startswith(f"{section.name.rstrip('/')}/"):
                yield str(given.spot.problem(f"lies in [{section.name}], and every run changes it; choose another"))

    def _record_folders(self, config_folder: str) -> tuple[str, ...]:
        try:
            return tuple(dict.fromkeys((config_folder, self._folders.config)))
        except ConfigError:  # no home folder is known, and none was needed
            return (config_folder,)


def _may_be_the_cause(problem: Problem) -> bool:
    """Whether setting this right may well name a vault or a destination."""
    if problem.option is None:
        return problem.section is None or looks_like_main(problem.section)
    return nearest(problem.option, tuple(BY_SPELLING)) in ("vault_name", "destination")


def _handed_on_to(home: Home) -> Iterator[str]:
    return (option.name for option in _HANDED_ON if home in option.homes)


def _commanded(options: dict[str, Given]) -> dict[str, Given]:
    """Those that the command line gives: for this run they count in every section."""
    return {name: given for name, given in options.items() if given.spot.source == COMMAND_LINE}
