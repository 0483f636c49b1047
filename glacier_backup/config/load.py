"""The settings in force: built-in defaults ← INI file ← environment ← command line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from glacier_backup.config import ini
from glacier_backup.config.datasets import checked_dataset, means_dataset
from glacier_backup.config.env_file import with_env_file
from glacier_backup.config.folders import Folders
from glacier_backup.config.given import COMMAND_LINE, Given
from glacier_backup.config.ini import RawFile
from glacier_backup.config.inside import Inside, raw_env_file, read_file
from glacier_backup.config.layers import laid_over
from glacier_backup.config.option import CONFIG_VARIABLE
from glacier_backup.config.outside import absolute, from_command_line, from_environment, strange_variables
from glacier_backup.config.places import is_server_url, is_url, masked, path_on_server
from glacier_backup.config.scene import Scene
from glacier_backup.config.settings import Settings
from glacier_backup.errors import ConfigError, Problem
from glacier_backup.model.snapshot import is_dataset_path

_NO_FILE = Inside({}, {}, (), (), ())


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
    ``[main]`` and their text, as the command line gives them: they count for all sections, where the environment only
    takes the place of ``[main]``. ``paths`` take the place of the sections, see :meth:`Settings.for_paths`; relative
    ones are meant from the current folder. ``environ`` is the environment of this process unless another is given.

    Raises ConfigError with every problem there is. Only the INI file and its ``env_file`` are read; nothing is written.
    """
    overrides = overrides or {}
    folders = Folders(os.environ if environ is None else environ)
    path = _file(file, folders, needed=needs_sections and not paths)
    raw = None if path is None else ini.read(path)
    environment = with_env_file(_env_file(path, raw, overrides, folders), folders.environ)
    folders = Folders(environment.merged)
    inside = _NO_FILE if path is None or raw is None else read_file(path, raw, folders)
    problems: list[Problem] = []
    given = laid_over(inside.main, from_environment(folders, problems))
    given = laid_over(given, from_command_line(overrides, folders, problems))
    problems += _bad_paths(paths)
    scene = Scene(path, given, inside, folders)
    problems = [*scene.problems_of_file(), *environment.problems, *problems]
    absolute_paths = [] if any(_bad_paths(paths)) else _absolute(paths)
    problems += scene.missing(problems, absolute_paths)
    if problems:
        raise ConfigError(problems, hint=_hint(path))
    settings = scene.settings(environment.added)
    warnings = [*inside.warnings, *environment.warnings, *strange_variables(folders.environ), *settings.warnings]
    if needs_sections and not paths and not inside.paths:
        warnings.append(f"{path}: has no section that names something to back up; expected one such as [/home/me]")
    settings = settings.model_copy(update={"warnings": tuple(warnings)})
    return settings.for_paths(absolute_paths) if paths else settings


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


def _env_file(path: str | None, raw: RawFile | None, overrides: Mapping[str, str], folders: Folders) -> Given | None:
    """The one that counts; problems with its name are told later, with all others."""
    ignored: list[Problem] = []
    from_file = None if path is None or raw is None else raw_env_file(path, raw, folders)
    named = {"env_file": overrides["env_file"]} if "env_file" in overrides else {}
    outside = {**from_environment(folders, ignored), **from_command_line(named, folders, ignored)}
    return outside.get("env_file", from_file)


def _bad_paths(paths: Sequence[str]) -> Iterator[Problem]:
    for path in paths:
        message = _what_is_wrong(path)
        if message:
            yield Problem(COMMAND_LINE, None, None, "--path", message)


def _what_is_wrong(path: str) -> str:
    if not path or "\0" in path:
        return f"found {repr(path) if path else 'nothing'}; expected a path"
    if means_dataset(path):
        try:
            checked_dataset(path)
        except ValueError as error:
            return f"{error}, or ./{path} for a file"
    elif is_server_url(path):
        try:
            path_on_server(path)
        except ValueError as error:
            return f"found {masked(path)!r} ({error}); expected sftp://user@host:port/path"
    elif is_url(path):
        return f"found {masked(path)!r}; expected a path, or sftp://user@host:port/path"
    return ""


def _absolute(paths: Sequence[str]) -> list[str]:
    """URLs and datasets as they are. Raises ConfigError without a current folder."""
    return [path if is_url(path) or is_dataset_path(path) else absolute(path) for path in paths]


def _hint(path: str | None) -> str | None:
    if path is not None and not _is_there(path):
        return "write one with: glacier-backup config init"
    return None
