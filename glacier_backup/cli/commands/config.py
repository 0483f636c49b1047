"""``glacier-backup config``: the INI file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_common, add_options, overrides
from glacier_backup.errors import CatalogError, ConfigError, DestinationUnavailable

if TYPE_CHECKING:
    from glacier_backup.cli.key_check import Check
    from glacier_backup.config.settings import DestinationSettings, Settings
    from glacier_backup.errors import Problem

EXAMPLE = """\
  glacier-backup config init
  glacier-backup config check
  glacier-backup config show --json
  glacier-backup config import ~/streamer/.env -c ~/streamer/backup.ini
  glacier-backup config import ~/photos.archive -c ~/photos.conf
  glacier-backup config import ~/s3-backup.cron -c ~/photos.conf
  glacier-backup config import ~/zfs-to-aws.cron -c ~/tank.conf
"""

_ACTIONS = {
    "init": "write a commented INI file to begin with; never over one that exists",
    "check": "report everything that is wrong with the INI file, with file and line, mark backup disks, and try keys",
    "show": "print the settings in force and where each comes from",
}
_IMPORT = (
    "write an INI file that does what the Storage Box streamer, pyArchiver, s3-backup or zfs-to-aws did; never over "
    "one that exists"
)


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
    taking = actions.add_parser(
        "import",
        help=_IMPORT,
        description=f"{_IMPORT[0].upper()}{_IMPORT[1:]}.",
        epilog="examples:\n  glacier-backup config import ~/streamer/.env -c ~/streamer/backup.ini\n"
        "  glacier-backup config import ~/photos.archive -c ~/photos.conf\n"
        "  glacier-backup config import ~/s3-backup.cron -c ~/photos.conf\n"
        "  glacier-backup config import ~/zfs-to-aws.cron -c ~/tank.conf",
    )
    about = (
        "the streamer's .env file, which every run uses from then on; pyArchiver's ini file, or its NAME.archive; a "
        "crontab, a script or any file with the command line of s3-backup, or those of zfs-to-aws"
    )
    taking.add_argument("file", metavar="FILE", help=about)
    add_common(taking)


def run(arguments: argparse.Namespace) -> int:
    return {"init": _init, "check": _check, "show": _show, "import": _import}[arguments.action](arguments)


def _init(arguments: argparse.Namespace) -> int:
    from glacier_backup.cli.converting import write_new
    from glacier_backup.config.template import render_sample

    path = _target(arguments)
    write_new({path: render_sample()})
    if arguments.json:
        render.write_json({"file": path})
    elif not arguments.quiet:
        render.say(f"wrote {path}")
        render.say("fill in where to and what, then: glacier-backup config check")
    return 0


def _target(arguments: argparse.Namespace) -> str:
    """The INI file to write."""
    from glacier_backup.config.folders import Folders
    from glacier_backup.config.option import CONFIG_VARIABLE

    named = arguments.config or os.environ.get(CONFIG_VARIABLE)
    return os.path.abspath(os.path.expanduser(named)) if named else Folders(os.environ).config_file


def _import(arguments: argparse.Namespace) -> int:
    from glacier_backup.cli.converting import import_settings

    import_settings(os.path.abspath(os.path.expanduser(arguments.file)), _target(arguments), arguments)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    try:
        settings = _load(arguments)
        keys = _try_keys(settings)
    except ConfigError as error:
        if not arguments.json:
            raise
        problems = [_problem_json(problem) for problem in error.problems]
        render.write_json({"file": error.problems[0].file, "problems": problems, "warnings": []})
        return error.exit_code
    unmarked = [*_mark(settings), *_uncopied(settings)]
    if arguments.json:
        destinations: list[render.Json] = [{"name": one.name, "destination": str(one)} for one in settings.destinations]
        warnings: list[render.Json] = [*settings.warnings, *_idle_sections(settings), *unmarked]
        seals: list[render.Json] = [_key_json(key) for key in keys]
        answer = {"file": settings.file, "destinations": destinations, "seals": seals}
        render.write_json({**answer, "problems": [], "warnings": warnings})
        return _unless_wrong(keys)
    for warning in (*settings.warnings, *_idle_sections(settings), *unmarked):
        render.warn(warning)
    if not arguments.quiet:
        count = len(settings.sections)
        render.say(f"{settings.file}: no problem found; {count} section{'' if count == 1 else 's'}")
        for one in settings.destinations:
            render.say(f"destination {one.name}: {one}{_mounted(one)}")
    _tell_of_keys(keys, quiet=arguments.quiet)
    return _unless_wrong(keys)


def _try_keys(settings: Settings) -> list[Check]:
    """Raises ConfigError for what can't even seal. Of a configuration that encrypts nothing there is nothing to say."""
    from glacier_backup.cli.key_check import checks
    from glacier_backup.cli.sealing import Sealing

    return list(checks(settings, Sealing(settings, create=False)))


def _tell_of_keys(keys: list[Check], *, quiet: bool) -> None:
    for key in keys:
        if not quiet:
            render.say(f"sealed with {key.steps}; opened by {key.who}")
            render.say(f"  {key.found}")
        if key.wrong is not None:
            render.warn(str(key.wrong) + (f"; {key.wrong.hint}" if key.wrong.hint else ""))


def _key_json(key: Check) -> dict[str, render.Json]:
    wrong = None if key.wrong is None else str(key.wrong)
    return {"steps": list(key.seal.seal), "opened_by": key.who, "found": key.found, "wrong": wrong}


def _unless_wrong(keys: list[Check]) -> int:
    return ConfigError.exit_code if any(key.wrong is not None for key in keys) else 0


def _mark(settings: Settings) -> Iterator[str]:
    """Mark the directories that archives go to; a warning for each that can't be."""
    from glacier_backup.cli.destinations import mark

    for one in settings.destinations:
        try:
            mark(one, settings.catalog)
        except (CatalogError, DestinationUnavailable) as error:
            yield f"destination {one.name}: {error}" + (f"; {error.hint}" if error.hint else "")


def _uncopied(settings: Settings) -> Iterator[str]:
    """That no copy of the catalog is kept anywhere, where nobody has said that it be so."""
    elsewhere = [one for one in settings.destinations if not one.embedded]
    if settings.catalog_copy is True and elsewhere and not settings.copied_to:
        kind = "a vault" if elsewhere[0].kind == "glacier" else "a cold server"
        yield (
            f"no copy of the catalog is kept, for {kind} can't be read at once; name a bucket, a server or a directory "
            "in catalog_copy, or say catalog_copy = no"
        )


def _mounted(one: DestinationSettings) -> str:
    """Where the disk of a directory is mounted: whoever reads it sees whether it is the right one."""
    from glacier_backup.mounts import mount_point, mount_table

    point = mount_point(one.directory, mount_table()) if one.kind == "local" else ""
    return f" (on the file system mounted at {point})" if point else ""


def _idle_sections(settings: Settings) -> Iterator[str]:
    """Directories of which nothing is ever sent."""
    for section in settings.sections:
        chosen = section.upload_single_dir or section.upload_tree or section.upload_dirs or section.upload_files
        elsewhere = section.server is not None or section.snapshots is not None
        if not chosen and not elsewhere and os.path.isdir(section.path):
            yield f"{section.origin}: [{section.path}] is a directory and sends nothing; set one of the upload options"


def _show(arguments: argparse.Namespace) -> int:
    from glacier_backup.config.show import rows

    settings = _load(arguments)
    if arguments.json:
        render.write_json(_shown_json(settings))
    else:
        table = ((row.section, row.option, row.value, row.origin) for row in rows(settings))
        render.write_table(("section", "option", "value", "from"), table)
    return 0


def _shown_json(settings: Settings) -> render.Json:
    from glacier_backup.config.show import destination_rows, rows

    shown: dict[str, dict[str, render.Json]] = {}
    for row in rows(settings):
        shown.setdefault(row.section, {})[row.option] = row.value
    destinations: list[render.Json] = [
        {"name": one.name, **{row.option: row.value for row in destination_rows(one)}} for one in settings.destinations
    ]
    sections: list[render.Json] = [{"path": section.path, **shown[section.path]} for section in settings.sections]
    return {"file": settings.file, "main": shown["main"], "destinations": destinations, "sections": sections}


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
