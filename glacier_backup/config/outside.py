"""Options that come from outside the INI file: environment and command line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from glacier_backup.config.folders import Folders
from glacier_backup.config.given import COMMAND_LINE, ENVIRONMENT, Given, Spot, read_option
from glacier_backup.config.nearest import nearest
from glacier_backup.config.option import CONFIG_VARIABLE, VARIABLE_PREFIX, Option
from glacier_backup.config.schema import BY_NAME, MAIN_OPTIONS
from glacier_backup.errors import ConfigError, Problem

_VARIABLES = {f"{VARIABLE_PREFIX}{option.name.upper()}": option for option in MAIN_OPTIONS}


def from_environment(folders: Folders, problems: list[Problem]) -> dict[str, Given]:
    """What ``GLACIER_BACKUP_<OPTION>`` variables say, by option. An empty one counts as not set, except where
    nothing is a value of its own."""
    found = {}
    for variable, option in _VARIABLES.items():
        text = folders.environ.get(variable)
        if text is not None and (text or option.may_be_empty):
            found[option.name] = _given(option, text, Spot(ENVIRONMENT, variable), folders, problems)
    return found


def from_command_line(overrides: Mapping[str, str], folders: Folders, problems: list[Problem]) -> dict[str, Given]:
    """What the command line says, by option. Relative paths are meant from the current folder."""
    found = {}
    for name, text in overrides.items():
        option = BY_NAME.get(name)
        if option is None or "main" not in option.homes:
            problems.append(Problem(COMMAND_LINE, None, None, name, "is no option of [main]"))
            continue
        if option.is_path and text:
            text = absolute(folders.expand(text))
        found[name] = _given(option, text, Spot(COMMAND_LINE, option.flag or name), folders, problems)
    return found


def absolute(path: str) -> str:
    """``path`` as seen from the current folder. Raises ConfigError when that is needed and gone."""
    try:
        return os.path.abspath(path)
    except OSError as error:
        message = f"found {path!r} below a current folder that is gone; expected an absolute path"
        raise ConfigError([Problem(COMMAND_LINE, None, None, None, message)]) from error


def strange_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """A warning for each variable that looks like one of ours and is none."""
    known = tuple(variable.removeprefix(VARIABLE_PREFIX) for variable in (CONFIG_VARIABLE, *_VARIABLES))
    for variable in sorted(environ):
        name = variable.removeprefix(VARIABLE_PREFIX)
        if variable.startswith(VARIABLE_PREFIX) and name not in known:
            like = nearest(name, known)
            hint = f"; did you mean {VARIABLE_PREFIX}{like}?" if like else ""
            yield f"{ENVIRONMENT} {variable}: is no option and has no effect{hint}"


def _given(option: Option, text: str, spot: Spot, folders: Folders, problems: list[Problem]) -> Given:
    try:
        return Given(read_option(option, text, folders), spot)
    except ValueError as error:
        problems.append(spot.problem(str(error)))
        return Given(None, spot)
