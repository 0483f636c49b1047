"""The settings in force: built-in defaults ← INI file ← environment ← command line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from glacier_backup.config.folders import Folders
from glacier_backup.config.given import COMMAND_LINE, ENVIRONMENT, Given
from glacier_backup.config.inside import Inside, read_file
from glacier_backup.config.layout import MAIN, looks_like_main
from glacier_backup.config.nearest import nearest
from glacier_backup.config.outside import absolute, from_command_line, from_environment, strange_variables
from glacier_backup.config.schema import BY_SPELLING, CONFIG_VARIABLE
from glacier_backup.config.settings import Settings
from glacier_backup.config.values import Where
from glacier_backup.errors import ConfigError, Problem

_NO_FILE = Inside({}, (), (), ())


def load(
    file: str | None = None,
    *,
    overrides: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    paths: Sequence[str] = (),
    needs_sections: bool = True,
) -> Settings:
    """All that a run needs to know, checked.

    ``file`` is the INI file; None means the one that ``GLACIER_BACKUP_CONFIG`` names, else the usual one. A file that
    is named must be there. Where the usual one is absent, the built-in defaults do for ``paths``, and for what
    ``needs_sections`` says no to: the embedded local vault, unless a vault is named. ``overrides`` are options of
    ``[main]`` and their text, as the command line gives them. ``paths`` take the place of the sections, see
    :meth:`Settings.for_paths`; relative ones are meant from the current folder. ``environ`` is the environment of
    this process unless another is given.

    Raises ConfigError with every problem there is. Only the INI file is read; nothing is written.
    """
    folders = Folders(os.environ if environ is None else environ)
    path = _file(file, folders, needed=needs_sections and not paths)
    inside = _NO_FILE if path is None else read_file(path, folders)
    problems = list(inside.problems)
    given = {
        **inside.main,
        **from_environment(folders, problems),
        **from_command_line(overrides or {}, folders, problems),
    }
    _decide_destination(given)
    problems += (*_missing(path, given, problems), *_bad_paths(paths))
    if problems:
        raise ConfigError(problems, hint=_hint(path))
    warnings = [*inside.warnings, *strange_variables(folders.environ), *_unused_vault(given)]
    if needs_sections and not paths and not inside.sections:
        warnings.append(f"{path}: has no section that names something to back up; expected one such as [/home/me]")
    settings = _settings(path, given, inside, warnings, folders)
    return settings.for_paths([absolute(path) for path in paths]) if paths else settings


def _file(named: str | None, folders: Folders, *, needed: bool) -> str | None:
    """The INI file to read; None where the usual one is absent and not needed."""
    if named == "":
        raise ConfigError([Problem(COMMAND_LINE, None, None, "--config", "found nothing; expected an INI file")])
    named = named or folders.environ.get(CONFIG_VARIABLE)
    if named:
        return absolute(folders.expand(named))
    usual = folders.config_file
    return usual if needed or _is_there(usual) else None


def _is_there(path: str) -> bool:
    """Also when it is a link to nothing, or can't be looked at: that is no reason to do without it."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _decide_destination(given: dict[str, Given]) -> None:
    """A vault on the command line is meant whatever else is said; elsewhere a vault is meant if nothing else is."""
    vault = given.get("vault_name")
    if vault is not None and ("destination" not in given or vault.spot.source == COMMAND_LINE):
        given["destination"] = Given(Where("glacier"), vault.spot)


def _missing(path: str | None, given: Mapping[str, Given], problems: Sequence[Problem]) -> Iterator[Problem]:
    chosen = given.get("destination")
    if "vault_name" in given or any(map(_may_be_the_cause, problems)):
        return
    if chosen is None and path is not None:
        yield Problem(path, None, MAIN, None, "names neither vault_name nor destination; expected one of them")
    elif chosen is not None and chosen.value == Where("glacier"):
        yield chosen.spot.problem("found glacier without vault_name; expected both, or vault_name alone")


def _may_be_the_cause(problem: Problem) -> bool:
    """Whether setting this right may well name a vault or a destination."""
    if problem.option is None:
        return problem.section is None or looks_like_main(problem.section)
    return nearest(problem.option, tuple(BY_SPELLING)) in ("vault_name", "destination")


def _bad_paths(paths: Sequence[str]) -> Iterator[Problem]:
    for path in paths:
        if not path or "\0" in path:
            found = repr(path) if path else "nothing"
            yield Problem(COMMAND_LINE, None, None, "--path", f"found {found}; expected a path")


def _unused_vault(given: Mapping[str, Given]) -> Iterator[str]:
    """A vault that the environment names without anybody seeing it."""
    vault, chosen = given.get("vault_name"), given.get("destination")
    if vault and chosen and vault.spot.source == ENVIRONMENT and chosen.value != Where("glacier"):
        yield str(vault.spot.problem(f"has no effect, for {chosen.spot} sets another destination"))


def _settings(
    path: str | None,
    given: Mapping[str, Given],
    inside: Inside,
    warnings: list[str],
    folders: Folders,
) -> Settings:
    values = {name: option.value for name, option in given.items()}
    if "catalog" not in values:
        values["catalog"] = folders.catalog
    if "logfile" not in values:
        values["logfile"] = folders.logfile
    where = values.pop("destination", Where("local"))
    if not isinstance(where, Where):
        raise AssertionError("a destination that can't be read is a problem, and was raised")
    embedded = where == Where("local")
    config_folder = folders.config if path is None else os.path.dirname(path)
    return Settings.model_validate(
        {
            **values,
            "file": path,
            "config_folder": config_folder,
            "record_folders": _record_folders(config_folder, folders),
            "destination_kind": where.kind,
            "local_path": folders.local_vault if embedded else where.path,
            "embedded": embedded,
            "sections": inside.sections,
            "warnings": tuple(warnings),
            "origins": tuple((name, str(option.spot)) for name, option in given.items()),
        }
    )


def _record_folders(config_folder: str, folders: Folders) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys((config_folder, folders.config)))
    except ConfigError:  # no home folder is known, and none was needed
        return (config_folder,)


def _hint(path: str | None) -> str | None:
    if path is not None and not _is_there(path):
        return "write one with: glacier-backup config init"
    return None
