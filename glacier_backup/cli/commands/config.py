"""``glacier-backup config``: the INI file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_common, add_options, overrides
from glacier_backup.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from glacier_backup.config.settings import Settings
    from glacier_backup.errors import Problem

HELP = "Write, check or show the INI file."
EXAMPLE = """\
  glacier-backup config init
  glacier-backup config check
  glacier-backup config show --json
"""

_ACTIONS = {
    "init": "write a commented INI file to begin with; never over one that exists",
    "check": "report everything that is wrong with the INI file, with file and line",
    "show": "print the settings in force and where each comes from",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    for action, help_text in _ACTIONS.items():
        sub = actions.add_parser(
            action,
            help=help_text,
            description=f"{help_text[0].upper()}{help_text[1:]}.",
            epilog=f"example:\n  glacier-backup config {action} -c ~/photos.ini",
        )
        add_common(sub)
        if action != "init":
            add_options(sub)


def run(arguments: argparse.Namespace) -> int:
    return {"init": _init, "check": _check, "show": _show}[arguments.action](arguments)


def _init(arguments: argparse.Namespace) -> int:
    from glacier_backup.config.folders import Folders
    from glacier_backup.config.schema import CONFIG_VARIABLE
    from glacier_backup.config.template import render_sample

    named = arguments.config or os.environ.get(CONFIG_VARIABLE)
    path = os.path.abspath(os.path.expanduser(named)) if named else Folders(os.environ).config_file
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(render_sample())
    except FileExistsError:
        raise UsageError(f"{path} exists and is left as it is", hint="choose another name with -c FILE") from None
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}") from error
    if arguments.json:
        render.write_json({"file": path})
    elif not arguments.quiet:
        render.say(f"wrote {path}")
        render.say("fill in where to and what, then: glacier-backup config check")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    try:
        settings = _load(arguments)
    except ConfigError as error:
        if not arguments.json:
            raise
        problems = [_problem_json(problem) for problem in error.problems]
        render.write_json({"file": error.problems[0].file, "problems": problems, "warnings": []})
        return error.exit_code
    if arguments.json:
        warnings = [*settings.warnings, *_idle_sections(settings)]
        render.write_json({"file": settings.file, "problems": [], "warnings": warnings})
        return 0
    for warning in (*settings.warnings, *_idle_sections(settings)):
        render.warn(warning)
    if not arguments.quiet:
        where = settings.local_path or f"vault {settings.vault_name}"
        count = len(settings.sections)
        render.say(f"{settings.file}: no problem found; {count} section{'' if count == 1 else 's'} to {where}")
    return 0


def _idle_sections(settings: Settings) -> Iterator[str]:
    """Directories of which nothing is ever sent."""
    for section in settings.sections:
        if not (section.upload_single_dir or section.upload_dirs or section.upload_files) and os.path.isdir(
            section.path
        ):
            yield f"{section.origin}: [{section.path}] is a directory and sends nothing; set one of the upload options"


def _show(arguments: argparse.Namespace) -> int:
    from glacier_backup.config.show import rows

    settings = _load(arguments)
    shown = list(rows(settings))
    if arguments.json:
        main = {row.option: row.value for row in shown if row.section == "main"}
        sections: dict[str, dict[str, render.Json]] = {
            section.path: {"path": section.path} for section in settings.sections
        }
        for row in shown:
            if row.section in sections:
                sections[row.section][row.option] = row.value
        render.write_json({"file": settings.file, "main": dict(main), "sections": list(sections.values())})
    else:
        table = ((row.section, row.option, row.value, row.origin) for row in shown)
        render.write_table(("section", "option", "value", "from"), table)
    return 0


def _load(arguments: argparse.Namespace) -> Settings:
    from glacier_backup.config.load import load

    return load(arguments.config, overrides=overrides(arguments), environ=os.environ)


def _problem_json(problem: Problem) -> dict[str, render.Json]:
    return {
        "file": problem.file,
        "line": problem.line,
        "section": problem.section,
        "option": problem.option,
        "message": problem.message,
    }
